"""Profiles: facts about what is timed; never a time itself."""

import copy
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from growth_picture import PANEL, TALL, Plot, picture

import glassnet as gn
from glassnet.insight import profile as room
from glassnet.listing import wanted
from glassnet.plan import Plan
from glassnet.planner import Replay
from glassnet.rows import Rows
from glassnet.run import Run
from glassnet.step import Variant, scheduled
from helpers import EVERY_LOSS, OPTIMIZERS, OWN_LOSS, Case, label

BRIEF = 0.0  # seconds: the fewest repeats


def usual(loss: Any = "multiclass_cross_entropy", **how: Any) -> gn.Network:
    layers = [gn.Dense(32, "relu"), gn.Dropout(0.1), gn.Dense(32, "relu"), gn.Dense(2)]
    return gn.Network(layers, 20, loss=loss, seed=0, **how)


class Shift(gn.Layer):
    """A layer of one's own, with a parameter that is called as the profiler's words might be."""

    def parameters(self, inputs: int) -> dict[str, gn.Parameter]:
        return {"clock": gn.Parameter((1, inputs)), "step": gn.Parameter((1, inputs))}

    def forward(self, x: Any, p: Any, rng: Any) -> tuple[Any, Any]:
        return x * (1 + p.step) + p.clock, x

    def backward(self, kept: Any, dy: Any, p: Any, d: Any, need_dx: bool) -> Any:
        d.step[...] = np.sum(dy * kept, axis=-2, keepdims=True)
        d.clock[...] = np.sum(dy, axis=-2, keepdims=True)
        return dy * (1 + p.step) if need_dx else None


# ---- what is timed -------------------------------------------------------------------------------


def test_every_call_of_the_replay_is_timed_once() -> None:
    for seed in range(12):
        net = Case(seed).make()
        program = net.program(rows=8, replayed=True)
        profile = program.profile(BRIEF)
        calls = Replay(program, wanted(program)).calls
        assert len(profile) == len(calls) == len(program)
        assert [row.text for row in profile] == [row.text for row in program]
        assert [row.calls for row in profile] == [1] * len(calls)
        written = net.program(rows=8).profile(BRIEF)
        assert sum(row.calls for row in written) == len(calls)
        assert [row.text for row in written] == [row.text for row in net.program(rows=8)]


def test_a_statement_has_the_calls_that_it_was_recorded_as() -> None:
    """As many as functions and writes are in its text, where nothing is dropped."""
    net = gn.Network([gn.Dense(3, "tanh"), gn.Dense(1)], 2, loss="squared_error", seed=0)
    profile = net.program(rows=4, optimizer="sgd").profile(BRIEF)
    calls = {row.text: row.calls for row in profile}
    assert calls["z1 = x @ W1 + b1"] == 2
    assert calls["a1 = tanh(z1)"] == 1
    assert calls["dW2[...] = a1.mT @ dz2"] == 1
    assert calls["theta[...] = theta - rate * gradient"] == 2
    mathematics = net.program(rows=4, optimizer="sgd", math=True).profile(BRIEF)
    assert [row.calls for row in mathematics] == [row.calls for row in profile]
    assert mathematics[0].text == "z1 = x W1 + b1"


def test_a_line_that_does_not_run_says_so() -> None:
    profile = usual().program(rows=8).profile(BRIEF)
    idle = [row for row in profile if not row.calls]
    assert [row.text.split(" = ")[0] for row in idle] == ["e", "prediction", "e_2"]
    assert all(row.microseconds == row.share == 0 for row in idle)
    line = next(each for each in str(profile).splitlines() if "prediction = " in each)
    assert line.endswith("MulticlassCrossEntropy  -")
    assert str(profile).endswith(
        "A line with - does not run: nobody wants it, or another has done it."
    )
    assert "does not run" not in str(usual().program(rows=8, replayed=True).profile(BRIEF))


def test_the_watched_step_computes_what_the_step_computes() -> None:
    """The clock between the calls changes no bit, and every call is between two readings."""
    for seed in range(8):
        net = Case(seed).make()
        program = net.program(rows=6, optimizer="adam")
        arrays = room.filled(program, net, Plan("adam"))
        arrays["rate"][...] = 0.1
        found = []
        for watched in (False, True):
            own = {name: array.copy() for name, array in arrays.items()}
            replay = room._Timing(program, wanted(program))
            replay.bind(copy.deepcopy(net.rng), **own)
            if watched:
                lines = [line.strip() for line in replay.source.splitlines()[1:]]
                ticks = replay.watched(lines)()
                assert len(ticks) == len(replay.calls) + 1
                assert list(ticks) == sorted(ticks)
            else:
                replay()
            found.append(b"".join(own[name].tobytes() for name in ("theta", "gradient", "mean")))
        assert found[0] == found[1]
        assert arrays["theta"].tobytes() not in found[0]


# ---- what it is timed on -------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["predict", "evaluate", "gradient", "train"])
def test_nothing_is_changed(mode: str) -> None:
    for members in (None, 3):
        net = usual()
        if members:
            net.spread(members)
        theta = net.theta.copy()
        states = [copy.deepcopy(rng.bit_generator.state) for rng in net.generators]
        net.program(rows=8, mode=mode).profile(BRIEF)
        assert net.theta.tobytes() == theta.tobytes()
        assert [rng.bit_generator.state for rng in net.generators] == states
        assert not net._replays
        assert net.memory is None


@pytest.mark.parametrize("loss", [*EVERY_LOSS, OWN_LOSS], ids=label)
def test_numbers_are_such_as_a_training_meets(loss: gn.Loss) -> None:
    net = usual(loss)
    program = net.program(rows=50, weighted=True, l2=0.1, weight_decay=0.1, clip_norm=1.0)
    arrays = room.filled(program, net, Plan("adam", l2=0.1, weight_decay=0.1, clip_norm=1.0))
    for name, value in program.inputs.items():
        assert (arrays[name].shape, arrays[name].dtype) == (value.shape, value.dtype)
        assert np.isfinite(arrays[name]).all()
    y = arrays["y"]
    assert loss.check(y if not loss.labels else y.ravel(), net.outputs).shape == y.shape
    assert len(np.unique(y)) > 1
    assert (arrays["w"] > 0).all()
    assert arrays["longest"] == 1
    assert set(np.unique(arrays["l2"])) == {np.float32(0), np.float32(0.1)}
    assert arrays["theta"] is not net.theta
    assert arrays["theta"].tobytes() == net.theta.tobytes()


def test_what_has_a_schedule_is_as_in_the_first_step() -> None:
    net = gn.Network([gn.Dropout(0.4, "flat_cos"), gn.Dense(1)], 3, seed=0)
    arrays = room.filled(net.program(), net, Plan("adam"))
    (name,) = scheduled(net.layers)
    assert arrays[name] == np.float32(0.4)


@pytest.mark.parametrize(("rows", "mode"), [(2, "train"), (500, "train"), (500, "predict")])
def test_numpy_has_the_buffers_that_it_has_in_a_run(rows: int, mode: str) -> None:
    net = gn.Network([gn.Dense(1)], 2, seed=0)
    own = np.getbufsize()
    run = Run(net, Rows.of(net, np.ones((rows, 2)), np.ones(rows)), Plan("adam", None), 1)
    with room._quiet(net.program(rows=rows, mode=mode)):
        assert np.getbufsize() == (own if mode == "predict" else run.buffer or own)
        assert np.geterr()["divide"] == "ignore"
    assert np.getbufsize() == own


@pytest.mark.parametrize("rule", OPTIMIZERS, ids=label)
def test_every_step_finds_what_the_first_one_did(rule: gn.Optimizer) -> None:
    """Else weights would wander off, and slow or fast numbers be timed that no training has."""
    net = usual("squared_error", dtype="float64")
    program = net.program(rows=16, optimizer=rule)
    arrays = room.filled(program, net, Plan(rule))
    replay = Replay(program, wanted(program))
    replay.bind(copy.deepcopy(net.rng), **arrays)
    for _ in range(50):
        replay()
    assert arrays["theta"].tobytes() == net.theta.tobytes()
    assert all(np.isfinite(array).all() for array in arrays.values())


def test_rows_that_are_given_are_the_rows() -> None:
    rng = np.random.default_rng(1)
    net = usual()
    X, y = rng.standard_normal((7, 20)), rng.integers(0, 2, 7)
    program = net.program(X=X, y=y)
    arrays = room.filled(program, net, Plan("adam"), X, y)
    np.testing.assert_array_equal(arrays["x"], X.astype("float32"))
    np.testing.assert_array_equal(arrays["y"].ravel(), y)
    assert program.profile(BRIEF)[0].shape == "(7, 32)"
    assert list(net.program(X=X).profile(BRIEF).sections) == ["forward"]


def test_a_profile_is_of_what_the_program_was_asked_with(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Any] = []
    filled = room.filled
    monkeypatch.setattr(room, "filled", lambda *given: found.append(given) or filled(*given))
    net, X, y = usual(), np.ones((3, 20)), np.array([0, 1, 1])
    rule = gn.SGD(0.5)
    how = {"l2": 0.25, "weight_decay": 0.5, "clip_norm": 2.0}
    for rows in ({"X": X, "y": y}, {"rows": 3}):
        net.program(optimizer=rule, **how, **rows).profile(BRIEF)
        program, network, plan, *table = found.pop()
        assert network is net
        assert plan == Plan(rule, **how)
        assert [each is own for each, own in zip(table, (X, y), strict=True)] == [
            *["X" in rows] * 2
        ]
        assert {"l2", "decay", "longest"} <= set(program.inputs)


# ---- whatever the network ------------------------------------------------------------------------


@pytest.mark.parametrize("part", range(4))
def test_every_kind_of_network_has_a_profile(part: int) -> None:
    for seed in range(8 * part, 8 * part + 8):
        case = Case(seed)
        options = {
            k: v for k, v in case.options.items() if k not in ("shuffle", "schedule", "drop_last")
        }
        net = case.make()
        own = net.members is not None and seed % 2 == 0
        program = net.program(
            rows=case.rows, optimizer=case.rule, weighted=case.w is not None, own=own, **options
        )
        profile = program.profile(BRIEF)
        assert sum(row.share for row in profile) == pytest.approx(1)
        assert all(row.microseconds >= 0 for row in profile)
        assert profile.microseconds > 0
        assert profile.step > 0
        assert profile.unread > 0
        assert 0 < profile.products < 1


def test_parts_of_ones_own() -> None:
    net = gn.Network([Shift(), gn.Dense(4, "tanh"), Shift(), gn.Dense(1)], 3, loss=OWN_LOSS, seed=0)
    net.spread(2)
    profile = net.program(rows=5, own=True).profile(BRIEF)
    assert list(profile.owners) == [
        *("1 Shift", "2 Dense", "3 Shift", "4 Dense", "CustomLoss", "Adam")
    ]
    assert any(row.text.startswith("dclock1[...] = ") and row.calls for row in profile)


@pytest.mark.parametrize(
    ("mode", "sections", "unread"),
    [
        ("predict", ["forward"], False),
        ("evaluate", ["forward", "loss"], False),
        ("gradient", ["forward", "loss", "backward"], True),
        ("train", ["forward", "loss", "backward", "update"], True),
    ],
)
def test_every_mode_has_its_sections(mode: str, sections: list[str], unread: bool) -> None:
    profile = usual().program(rows=8, mode=mode).profile(BRIEF)
    assert list(profile.sections) == sections
    assert (profile.unread is not None) == unread
    headings = [line for line in str(profile).splitlines() if line.split(" ")[0] in sections]
    assert [line.split()[0] for line in headings] == sections


# ---- what it tells -------------------------------------------------------------------------------


def test_sums_are_sums() -> None:
    profile = usual().program(rows=8).profile(BRIEF)
    total = profile.microseconds
    assert sum(profile.sections.values()) == pytest.approx(total)
    assert sum(profile.owners.values()) == pytest.approx(total)
    for name, key in (("sections", "section"), ("owners", "owner")):
        for each, time in getattr(profile, name).items():
            own = [row.microseconds for row in profile if getattr(row, key) == each]
            assert time == pytest.approx(sum(own))
    calls = usual().program(rows=8, replayed=True).profile(BRIEF)
    dots = [row for row in calls if re.match(r"\w+\.dot\(|matmul\(", row.text)]
    assert len(dots) == 8
    assert calls.products == pytest.approx(sum(row.share for row in dots))


def test_the_clock_is_taken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that goes 1 a reading, only what takes no reading is left: nothing."""
    now = iter(range(10**9))
    monkeypatch.setattr(room, "perf_counter_ns", lambda: next(now) * 1000)
    net = usual()
    program = net.program(rows=8)
    step = room._Timing(program, wanted(program))
    step.bind(net.rng, **room.filled(program, net, Plan("adam")))
    each, wholes, clock, repeats = room.measure([step], BRIEF)
    assert clock == 1
    assert repeats == room.FEWEST
    assert len(each) == len(step.calls)
    assert not each.any()
    assert wholes == [0]


def test_medians_of_as_many_steps_as_there_is_time_for() -> None:
    program = usual().program(rows=8)
    assert program.profile(BRIEF).repeats == room.FEWEST
    assert program.profile(0.1).repeats > room.FEWEST


@pytest.mark.parametrize("how", [{}, {"replayed": True}, {"math": True}], ids=str)
def test_it_fits_on_a_page(how: dict[str, bool]) -> None:
    for layers in ([gn.Dense(64, "gelu")] * 2, [gn.LayerNorm(), gn.Dense(256, "relu")]):
        net = gn.Network([*layers, gn.Dense(10)], 30, loss="multiclass_cross_entropy", seed=0)
        profile = net.program(rows=256, clip_norm=1.0, l2=0.1, **how).profile(BRIEF)
        lines = str(profile).splitlines()
        assert max(map(len, lines)) <= 100
        numbered = [line for line in lines if re.match(r" +\d+  ", line)]
        assert len(numbered) == len(profile)
        for row, line in zip(profile, numbered, strict=True):
            start = line[6:].split("  ")[0].removesuffix(" ...")
            assert row.text.startswith(start.rstrip())
            assert re.search(rf"{re.escape(row.owner)}  +(-|[\d,.]+ +\d+\.\d)", line), line
        shares = [re.search(r"[\d,.]+ +(\d+\.\d)(?: +█*)?$", line) for line in numbered]
        assert sum(float(share[1]) for share in shares if share) == pytest.approx(100, abs=2)
        longest = max(profile, key=lambda row: row.share)
        bars = [line.count("█") for line in numbered]
        assert bars[profile.rows.index(longest)] == max(bars) == room.BAR
        titles = [line for line in lines if line.endswith("microseconds      %")]
        assert len(titles) == 1
        at = titles[0].index("microseconds") + len("microseconds")
        assert re.fullmatch(r".*  [\d,.]+", numbered[0][:at])
        assert numbered[0][at] == " "
        assert repr(profile) == str(profile)


def test_the_table_of_sums_is_the_sums() -> None:
    profile = usual().program(rows=8).profile(BRIEF)
    rows = str(profile).split("\n\n")[1].splitlines()
    assert rows[0].split() == ["forward", "loss", "backward", "update", "all", "%"]
    assert [row.split("  ")[0] for row in rows[1:]] == [*profile.owners, "all"]
    loss = next(row for row in rows if row.startswith("MulticlassCrossEntropy")).split()
    assert len(loss) == 5, "its forward lines do not run"
    adam = rows[-2].split()
    assert adam == ["Adam", adam[1], adam[1], adam[3]]
    assert float(adam[1].replace(",", "")) == pytest.approx(profile.owners["Adam"], abs=0.06)
    assert rows[-1].split()[-1] == "100.0"


def test_refusals() -> None:
    net = usual()
    recorded = net.recorded(Variant(4, "predict"))
    bare = type(net.program())(recorded, "text")
    for call, message in (
        (bare.profile, "profile: expected a network's program: net.program"),
        (lambda: net.program().profile(-1), r"seconds: expected a number in \[0, inf\), got -1"),
        (lambda: net.program().profile("long"), "seconds: expected a number"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            call()


# ---- how a step grows ----------------------------------------------------------------------------


def test_the_picture_shows_every_row_of_the_tables() -> None:
    """A point for the step and one for its products, and in each plot a ring around the base."""
    folder = Path(__file__).parents[1] / "benchmarks"
    rows = re.findall(r"^\| [\d,]+ \|", (folder / "GROWTH.md").read_text(encoding="utf-8"), re.M)
    drawn = ElementTree.parse(folder / "GROWTH.svg").getroot()
    circles = drawn.findall("{http://www.w3.org/2000/svg}circle")
    assert len(rows) > 20
    assert len(circles) == 2 * len(rows) + 4
    wide, high = map(float, drawn.attrib["viewBox"].split()[2:])
    assert all(
        0 < float(c.attrib["cx"]) < wide and 0 < float(c.attrib["cy"]) < high for c in circles
    )


def test_a_picture_lies_in_its_frame() -> None:
    points = [(1, 50.0, 10.0), (8, 100.0, 60.0), (64, 900.0, 800.0)]
    plot = Plot(10, 20, points, (1.0, 3.0))
    assert (plot.across(1), plot.across(64)) == (10, 10 + PANEL)
    assert plot.across(8) == pytest.approx(10 + PANEL / 2)
    assert (plot.up(1000), plot.up(10)) == (20, 20 + TALL)
    text = picture({"rows": "rows & more"}, {"rows": points}, {"rows": 8})
    assert "rows &amp; more" in text
    ElementTree.fromstring(text)
