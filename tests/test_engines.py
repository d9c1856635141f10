"""Compiled engines: a translation of the same lines, equal to the replay within rounding."""

import os
import stat
import types
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet.engines import cache, choice, chunked, compiled
from glassnet.engines.choice import seconds, translated
from glassnet.engines.lines import Lines, UntranslatableError
from glassnet.engines.nests import nests
from glassnet.engines.source import HEADER
from glassnet.engines.vectors import FLOAT32
from glassnet.plan import Plan
from glassnet.program import record
from glassnet.rows import Rows
from glassnet.run import Run
from helpers import (
    ACTIVATIONS,
    EVERY_LOSS,
    OPTIMIZERS,
    OWN_LOSS,
    SCHEDULES,
    Case,
    every_layer,
    label,
    targets_for,
)

X_XOR, Y_XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0.0, 1, 1, 0])


def uncompiled(text: str) -> types.ModuleType:
    """Return generated source as a module that Python itself runs."""
    assert "from numba import njit" in text
    text = text.replace(
        "from numba import njit", "njit = lambda **options: lambda function: function"
    )
    module = types.ModuleType("uncompiled")
    exec(compile(text, "<generated>", "exec"), vars(module))
    return module


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "module", uncompiled)
    monkeypatch.setattr(compiled, "prepare", lambda function, arguments: None)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("GLASSNET_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def assert_close(ours: Any, theirs: Any, dtype: str) -> None:
    """Compare results; Adam makes steps of the rate out of derivatives that are rounding alone."""
    tolerance = 1e-5 if dtype == "float64" else 5e-3
    scale = max(1.0, float(np.abs(theirs).max()))
    assert np.abs(np.asarray(ours) - theirs).max() <= tolerance * scale


def compare(case: Case) -> str:
    """Train a case by both engines; return what ran."""
    theta, losses = case.train("numpy")
    ours, our_losses = case.train("numba")
    assert_close(ours, theta, case.dtype)
    assert_close(our_losses, losses, case.dtype)
    net = case.make()
    how = {"batch_size": case.batch, "optimizer": case.rule, "sample_weight": case.w}
    how |= {"epochs": case.epochs_for(20), "every": 7, "engine": "numba", **case.options}
    history = net.fit(case.table, case.y, **how)
    assert net.theta.tobytes() == ours.tobytes(), "reading the loss changed the weights"
    return history.engine


# ---- the translation, without a compiler ---------------------------------------------------------


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("part", range(10))
def test_random_networks(part: int) -> None:
    engines = []
    for seed in range(12 * part, 12 * part + 12):
        case = Case(seed)
        engines.append(compare(case))
        rows = case.rows if case.w is None else (case.w > 0).sum()
        fallback = case.sparse and case.batch is not None and case.batch < rows
        assert engines[-1].startswith("numpy, for" if fallback else "numba"), engines[-1]
    assert engines.count("numba") > 6


def train(engine: str, layers: Any, loss: Any, dtype: str = "float64", **options: Any) -> Any:
    rng = np.random.default_rng(5)
    X = rng.standard_normal((13, 5))
    X[:, [0, 3]] = rng.integers(-1, 4, (13, 2))
    outputs = 3 if loss.labels else 2
    net = gn.Network([*layers, gn.Dense(outputs)], 5, loss=loss, dtype=dtype, seed=3)
    y = targets_for(loss, 13, outputs, rng)
    options = {"batch_size": 4, "epochs": 4, "optimizer": gn.Momentum(0.01)} | options
    history = net.fit(X, y, engine=engine, **options)
    assert engine != "numba" or history.engine == "numba"
    return net.theta, np.array(history.loss)


def both(*case: Any, **options: Any) -> None:
    (theta, loss), (ours, our_loss) = (train(e, *case, **options) for e in ("numpy", "numba"))
    dtype = options.get("dtype", "float64")
    assert_close(ours, theta, dtype)
    assert_close(our_loss, loss, dtype)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("loss", [*EVERY_LOSS, OWN_LOSS], ids=label)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_loss(loss: Any, dtype: str) -> None:
    both([gn.Dense(4, "tanh")], loss, dtype=dtype)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=label)
def test_every_layer_with_every_activation(activation: Any) -> None:
    both(every_layer(activation), gn.Huber(), epochs=2)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("units", [3, 60])
def test_names_of_values_do_not_hide_what_the_source_calls(units: int) -> None:
    class Named(gn.Optimizer):
        rate = 0.01

        def update(self, theta: Any, gradient: Any, rate: Any) -> None:
            range, float64, _m = gradient * 2, gradient * 3, gradient * 5
            theta[...] = theta - rate * (range + float64 + _m) / 10

    both([gn.Dense(units, "tanh")], gn.SquaredError(), optimizer=Named())


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("rule", OPTIMIZERS, ids=label)
@pytest.mark.parametrize("batch", [None, 5])
def test_every_optimizer(rule: Any, batch: int | None) -> None:
    both([gn.Dense(3, "selu")], gn.Huber(), optimizer=rule, batch_size=batch)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("schedule", SCHEDULES, ids=label)
def test_every_schedule(schedule: Any) -> None:
    both([gn.Dense(3, "relu")], gn.Huber(), schedule=schedule, optimizer=gn.Adam(0.01))


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    "options",
    [{"l2": 0.1}, {"weight_decay": 0.2}, {"clip_norm": 0.1}, {"shuffle": False}, {"restarts": 3}],
    ids=str,
)
def test_everything_beside(options: Any) -> None:
    both([gn.Dense(3, "gelu")], gn.SquaredError(), **options)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("batch", [None, 5])
def test_partial_fit_goes_on_where_it_was(batch: int | None) -> None:
    X = np.random.default_rng(0).standard_normal((13, 2))
    thetas = []
    for engine in ("numpy", "numba"):
        net = gn.Network([gn.Dense(3, "tanh"), gn.Dense(1)], 2, dtype="float64", seed=0)
        for _ in range(6):
            net.partial_fit(X, X[:, :1], optimizer=gn.Adam(0.1), batch_size=batch, engine=engine)
        thetas.append(net.theta)
    assert np.allclose(*thetas, rtol=1e-9)


@pytest.mark.usefixtures("plain")
def test_an_optimizer_that_counts_in_whole_numbers() -> None:
    class Counting(gn.Optimizer):
        rate = 0.01

        def corrections(self, step: int) -> dict[str, float]:
            return {"even": 0.5 if step % 2 == 0 else 1.5}

        def update(self, theta: Any, gradient: Any, rate: Any, even: Any) -> None:
            theta[...] = theta - rate * even * gradient

    both([gn.Dense(3, "relu")], gn.Huber(), optimizer=Counting())


@pytest.mark.usefixtures("plain")
def test_an_optimizer_that_says_something_else_of_many_steps_is_asked_of_each() -> None:
    class Single(gn.Optimizer):
        rate = 0.01

        def corrections(self, step: Any) -> dict[str, Any]:
            return {"own": step * 0 + (0.5 if np.ndim(step) == 0 else 1.0)}

        def update(self, theta: Any, gradient: Any, rate: Any, own: Any) -> None:
            theta[...] = theta - rate * own * gradient

    both([gn.Dense(3, "relu")], gn.Huber(), optimizer=Single())


# ---- compiled ------------------------------------------------------------------------------------


def test_xor_compiled_is_xor_replayed() -> None:
    thetas, histories = [], []
    for engine in ("numpy", "numba"):
        net = gn.Network(
            *([gn.Dense(2, "sigmoid"), gn.Dense(1)], 2),
            loss="binary_cross_entropy",
            dtype="float64",
            seed=0,
        )
        options = {"epochs": 2500, "batch_size": None, "optimizer": gn.SGD(0.4), "engine": engine}
        histories.append(net.fit(X_XOR, Y_XOR, every=1250, **options))
        thetas.append(net.theta)
    assert histories[1].engine == "numba"
    assert np.allclose(*thetas, rtol=1e-9)
    assert np.allclose(histories[0].loss, histories[1].loss, rtol=1e-9)


def test_a_compiled_network_with_everything() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((150, 8)).astype(np.float32)
    y, w = rng.integers(0, 3, 150), rng.uniform(0.5, 2, 150)
    results = []
    for engine in ("numpy", "numba", "numba"):
        layers = [gn.Dense(40, "relu"), gn.Dropout(0.2), gn.LayerNorm(), gn.Dense(40, "tanh")]
        net = gn.Network([*layers, gn.Dense(3)], 8, loss="multiclass_cross_entropy", seed=1)
        net.spread(2)
        history = net.fit(
            *(X, y),
            sample_weight=w,
            epochs=5,
            batch_size=32,
            optimizer=gn.AdamW(0.003),
            schedule="cosine",
            engine=engine,
            validation=0.2,
            metrics="accuracy",
        )
        results.append((net.theta, np.array(history.loss), net.rng._generators[0].random()))
    (theta, loss, drawn), (ours, our_loss, our_drawn), (again, *_) = results
    assert_close(ours, theta, "float32")
    assert_close(our_loss, loss, "float32")
    assert drawn == our_drawn, "the generators stand elsewhere"
    assert again.tobytes() == ours.tobytes(), "the same seed gave other bits"


@pytest.mark.parametrize("name", sorted(FLOAT32))
def test_functions_of_float32_are_within_two_units_in_the_last_place(name: str) -> None:
    numba = pytest.importorskip("numba")
    call, helpers = FLOAT32[name]
    namespace: dict[str, Any] = {}
    text = HEADER + "".join(helpers) + "\ndef each(x, out):\n    for i in range(x.size):\n"
    exec(text + f"        out[i] = {call.format('x[i]')}\n", namespace)
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [rng.uniform(-87, 88, 10**5), rng.uniform(-1, 1, 10**5), rng.normal(size=10**5) * 1e-3]
    ).astype(np.float32)
    special = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1000, -1000], np.float32)
    ours, ends = np.empty_like(x), np.empty_like(special)
    each = numba.njit(namespace["each"])
    each(x, ours)
    each(special, ends)
    with np.errstate(all="ignore"):
        exact = getattr(np, name)(x.astype(float))
        assert np.array_equal(ends, getattr(np, name)(special), equal_nan=True)
    normal = np.abs(exact) > np.finfo(np.float32).tiny
    unit = np.spacing(np.abs(exact).astype(np.float32)).astype(float)
    assert (np.abs(ours - exact) / unit)[normal].max() < 2


# ---- runs that go wrong --------------------------------------------------------------------------


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("batch", [None, 2])
@pytest.mark.parametrize("every", [1, 50])
@pytest.mark.parametrize("dropout", [[], [gn.Dropout(0.3)]], ids=len)
def test_a_run_that_diverges_ends_as_a_replayed_one(
    batch: int | None, every: int, dropout: Any
) -> None:
    ends = []
    for engine in ("numpy", "numba"):
        net = gn.Network([*dropout, gn.Dense(1)], 1, seed=4)
        with warnings.catch_warnings(record=True, action="always") as caught:
            history = diverge(net, engine, every=every, batch_size=batch)
        assert any(issubclass(each.category, gn.DivergenceWarning) for each in caught)
        ends.append((history.diverged, net.theta, net.rng.random()))
    assert ends[0][0] == ends[1][0]
    assert np.allclose(ends[0][1], ends[1][1], rtol=1e-3)
    assert ends[0][2] == ends[1][2], "the generators stand elsewhere"


def diverge(net: gn.Network, engine: str, **options: Any) -> gn.History:
    options = {"batch_size": None, "schedule": "inverse"} | options
    X, y = [[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 3.0, 5.0]
    return net.fit(X, y, epochs=50, optimizer=gn.SGD(30.0), engine=engine, **options)


@pytest.mark.usefixtures("plain")
@pytest.mark.filterwarnings("ignore::glassnet.DivergenceWarning")
@pytest.mark.parametrize("leap", range(2, 20))
def test_however_far_it_leaps(leap: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "LEAP", leap)
    ours, theirs = (gn.Network([gn.Dense(1)], 1, seed=4) for _ in range(2))
    history, other = diverge(ours, "numba", every=50), diverge(theirs, "numpy", every=50)
    assert history.diverged == other.diverged
    assert np.allclose(ours.theta, theirs.theta, rtol=1e-3)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("work", [1, 200, 1000])
def test_however_many_steps_a_call_takes(work: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "WORK", work)
    X = np.random.default_rng(0).standard_normal((50, 4))
    thetas, losses = [], []
    for engine in ("numba", "numpy"):
        net = gn.Network([gn.Dense(3, "tanh"), gn.Dense(1)], 4, dtype="float64", seed=4)
        history = net.fit(X, X[:, 0], batch_size=4, epochs=4, optimizer="sgd", engine=engine)
        thetas.append(net.theta)
        losses.append(history.loss)
    assert np.allclose(*thetas, rtol=1e-9)
    assert np.allclose(*losses, rtol=1e-9)


def test_no_line_comes_before_one_that_reads_what_it_writes() -> None:
    def code(program: Any) -> None:
        theta, _ = program.input("theta", (3,), float), program.input("y", (3, 1), float)
        twice = 2 * theta
        program.outputs["loss"] = np.sum(theta * theta)
        theta[...] = twice + 1

    lines = Lines(record(code, np.float64), ("theta",))
    order = [call.line for nest in nests(lines) for call in nest.calls]
    names = [line.function.name for line in order]
    assert names.index("sum") < names.index("add")  # which the planner lets write into theta


def test_a_line_that_moves_what_it_reads_is_not_translated() -> None:
    def code(program: Any) -> None:
        theta = program.input("theta", (3,), float)
        program.outputs["loss"] = np.sum(theta)
        theta[1:] = theta[:-1]

    with pytest.raises(UntranslatableError, match="copy into what it reads"):
        Lines(record(code, np.float64), ("theta",))


@pytest.mark.usefixtures("plain")
def test_members_that_diverge_keep_their_last_good_weights() -> None:
    thetas = []
    for engine in ("numpy", "numba"):
        net = gn.Network([gn.Dense(1)], 1, dtype="float64", seed=0)
        net.spread(2)
        net.theta[1] = 1e150  # whose squared error is infinite
        net.fit(
            [[1.0], [2.0]],
            [1.0, 2.0],
            epochs=400,
            every=400,
            batch_size=None,
            optimizer=gn.SGD(0.1),
            engine=engine,
        )
        thetas.append(net.theta)
    assert np.isfinite(thetas).all()
    assert np.allclose(*thetas)
    assert abs(thetas[1][0] - [1, 0]).max() < 0.1


@pytest.mark.parametrize("engine", ["numpy", "numba"])
@pytest.mark.parametrize("rule", [gn.Adam(0.5), gn.Momentum(0.5)], ids=label)
@pytest.mark.usefixtures("plain")
def test_members_with_rates_of_their_own_are_networks_with_those_rates(
    engine: str, rule: Any
) -> None:
    X = np.random.default_rng(0).standard_normal((20, 3))
    rates, seeds = [0.001, 0.03, 0.01], [7, 7, 9]
    how = {"epochs": 3, "batch_size": 8, "weight_decay": 0.1}

    def net(seed: int) -> gn.Network:
        layers = [gn.Dense(4, "tanh", bias_rate=2.0), gn.Dense(1)]
        return gn.Network(layers, 3, dtype="float64", seed=seed)

    several = net(0)
    history = several.fit(
        X, X[:, :1], members=seeds, rates=rates, optimizer=rule, engine=engine, **how
    )
    assert np.shape(history.loss) == (3, 3)
    for k, (seed, rate) in enumerate(zip(seeds, rates, strict=True)):
        alone = net(seed)
        alone.fit(X, X[:, :1], optimizer=replace(rule, rate=rate), engine="numpy", **how)
        assert np.allclose(several.theta[k], alone.theta, rtol=1e-10)


# ---- which engine --------------------------------------------------------------------------------


def plan_of(rows: int = 100, **options: Any) -> tuple[gn.Network, Rows, Plan]:
    net = gn.Network([gn.Dense(8, "relu"), gn.Dense(1)], 4, seed=0)
    X = np.random.default_rng(0).standard_normal((rows, 4))
    return net, Rows.of(net, X, X[:, 0]), Plan(**options)


def test_auto_follows_from_the_work_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    net, rows, plan = plan_of(engine="auto")
    assert seconds(net, rows, plan, 10) < choice.WORTH < seconds(net, rows, plan, 10**6)
    assert choice.start(net, rows, plan, 10, False)[1] == "numpy"
    assert choice.start(net, rows, plan, 10**6, False)[1] == "numba"
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    assert choice.start(net, rows, plan, 10**6, False)[1] == "numpy"


def test_what_cannot_be_translated_is_replayed_and_said() -> None:
    from scipy.sparse import csr_array

    net, _, _ = plan_of()
    X = csr_array(np.eye(4)[[0, 1, 2, 3, 0, 1]])
    history = net.fit(X, np.arange(6.0), batch_size=2, epochs=1, engine="numba")
    assert history.engine == "numpy, for there is no compiled form of sparse rows"


@pytest.mark.parametrize("engine", ["auto", "numpy", "numba", "eager"])
def test_what_lbfgs_runs_is_said(engine: str) -> None:
    net, rows, _ = plan_of()
    history = net.fit(rows.X, rows.y, optimizer="lbfgs", epochs=3, engine=engine)
    told = ", for L-BFGS asks for losses, not for steps" if engine in ("numba", "eager") else ""
    assert history.engine == "numpy" + told


def test_the_source_depends_on_no_weight_and_no_row() -> None:
    texts = set()
    for seed in range(2):
        net = gn.Network([gn.Dense(8, "relu"), gn.Dense(1)], 4, seed=seed)
        X = np.random.default_rng(seed).standard_normal((50, 4))
        texts.add(translated(net, Rows.of(net, X, X[:, 0]), Plan(batch_size=16)).text)
    assert len(texts) == 1


def test_a_step_is_translated_once_and_another_one_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "KNOWN", {})

    def step(layer: Any = None, frozen: int = 0, rows: int = 50, **options: Any) -> Any:
        network = {name: options.pop(name) for name in ("loss", "dtype") if name in options}
        inputs = options.pop("inputs", 4)
        layers = [layer or gn.Dense(8, "relu"), gn.LayerNorm(), gn.Dense(1)]
        net = gn.Network(layers, inputs, seed=len(choice.KNOWN), **network)
        net.freeze(*[frozen] * (frozen > 0))
        X = np.random.default_rng(0).standard_normal((rows, inputs))
        w = np.ones(rows) if options.pop("weighted", False) else None
        how = {"batch_size": 16, **options}
        return translated(net, Rows.of(net, X, X[:, 0] > 0, w), Plan(**how))

    first, others = step(), [step()]
    changes: list[dict[str, Any]] = [
        *({"layer": gn.Dense(9, "relu")}, {"layer": gn.Dense(8, "elu")}, {"inputs": 5}),
        *({"layer": gn.Dense(8, "relu", 0.5)}, {"layer": gn.Dense(8, "softplus")}),
        *({"loss": "huber"}, {"loss": gn.Huber(2.0)}, {"dtype": "float64"}, {"frozen": 1}),
        *({"optimizer": "sgd"}, {"optimizer": gn.Adam(beta2=0.9)}, {"batch_size": 17}),
        *({"batch_size": None}, {"rows": 16}, {"weighted": True}, {"l2": 0.1}),
        *({"weight_decay": 0.1}, {"weight_decay": 0.1, "decay_schedule": "cosine"}),
        {"clip_norm": 1.0},
    ]
    made = [step(**change) for change in changes]
    assert others == [first]
    assert len({id(each) for each in [first, *made]}) == len(changes) + 1
    assert [step(**change) for change in changes] == made
    choice.KNOWN.clear()
    assert [step(**change).text for change in changes] == [each.text for each in made]


def test_a_step_in_which_code_of_others_takes_part_is_always_translated() -> None:
    class Mine(gn.Dense):
        """A layer of somebody else."""

    before = dict(choice.KNOWN)
    net = gn.Network([Mine(3), gn.Dense(1)], 2, seed=0)
    rows = Rows.of(net, np.ones((20, 2)), np.arange(20.0))
    first, second = (translated(net, rows, Plan(batch_size=10)) for _ in range(2))
    assert first.text == second.text
    assert first is not second
    assert before == choice.KNOWN


# ---- the folder of generated source --------------------------------------------------------------


def test_generated_source_lies_where_only_its_owner_writes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GLASSNET_CACHE", str(tmp_path / "own"))
    assert cache.folder() == tmp_path / "own"
    if hasattr(os, "getuid"):
        assert stat.S_IMODE((tmp_path / "own").stat().st_mode) == 0o700
        (tmp_path / "own").chmod(0o777)
        other = cache.folder()
        assert other != tmp_path / "own"
        assert stat.S_IMODE(other.stat().st_mode) == 0o700


def test_a_changed_file_is_written_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GLASSNET_CACHE", str(tmp_path / "own"))
    text = "number = 1\n"
    assert cache.module(text).number == 1
    [path] = (tmp_path / "own").glob("*.py")
    for changed in (b"number = 2\n", b"\xff"):
        path.write_bytes(changed)
        cache.module.cache_clear()
        assert cache.module(text).number == 1
        assert path.read_text() == text


@pytest.mark.skipif(os.name == "nt", reason="permissions are other things there")
def test_what_numba_keeps_lies_where_only_its_owner_reads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GLASSNET_CACHE", str(tmp_path / "own"))
    before = os.umask(0)
    try:
        kept = cache.folder() / "__pycache__"
    finally:
        os.umask(before)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    kept.chmod(0o777)
    assert cache.folder() != tmp_path / "own"


def test_what_is_kept_and_damaged_is_compiled_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GLASSNET_CACHE", str(tmp_path))
    text = f"{HEADER}\n@njit(cache=True)\ndef run(x):\n    return x + 1\n"
    for damage in (None, b"", b"no pickle"):
        for kept in (tmp_path / "__pycache__").glob("*.nb?") if damage is not None else ():
            kept.write_bytes(damage)
        cache.module.cache_clear()
        function = cache.module(text).run
        compiled.prepare(function, (1,))
        assert function(1) == 2


def test_the_same_bits_whatever_was_fitted_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    thetas = []
    for first, folder in ((1, "one"), (2, "other")):
        monkeypatch.setenv("GLASSNET_CACHE", str(tmp_path / folder))
        cache.module.cache_clear()
        monkeypatch.setattr(compiled, "READY", set())
        for members in (first, 3 - first):
            net = gn.Network([gn.Dense(6, "tanh"), gn.Dense(1)], 4, dtype="float64", seed=0)
            X = np.random.default_rng(0).standard_normal((8, 4))
            how = {"epochs": 20, "batch_size": 4, "weight_decay": 0.1, "engine": "numba"}
            net.fit(X, X[:, 0], members=members, **how)
            thetas.append((members, net.theta.tobytes()))
    assert sorted(thetas[:2]) == sorted(thetas[2:])


def test_without_numba_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "glassnet.engines.compiled")
    net, _, _ = plan_of()
    with pytest.raises(ModuleNotFoundError, match=r"glassnet\[fast\]"):
        net.fit(np.ones((4, 4)), np.arange(4.0), engine="numba")


# ---- long vectors --------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("members", [None, 3])
@pytest.mark.parametrize("rule", OPTIMIZERS, ids=label)
def test_an_update_in_chunks_gives_the_same_bits(
    rule: Any, members: int | None, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunked, "SHARED", 1)
    monkeypatch.setattr(chunked, "threads", lambda: threads)

    def bits(chunk: int) -> tuple[bytes, list[Any], type]:
        monkeypatch.setattr(chunked, "CHUNK", chunk)
        net = gn.Network([gn.Dense(7, "relu", 0.5), gn.Dropout(0.2), gn.Dense(1)], 4, seed=0)
        if members:
            net.spread(members)
        net.freeze(3)
        X = np.random.default_rng(0).standard_normal((50, 4))
        how = {"batch_size": 8, "optimizer": rule, "weight_decay": 0.1, "l2": 0.01}
        history = net.fit(X, X[:, :1], epochs=3, decay_schedule="cosine", **how)
        run = choice.start(net, Rows.of(net, X, X[:, :1]), Plan(**how), 1, False)[0]
        return net.theta.tobytes(), np.array(history.loss).tolist(), type(run)

    (whole, losses, kind), (parts, others, other) = bits(1 << 15), bits(5)
    assert (kind, other) == (Run, chunked.Chunked)
    assert whole == parts
    assert losses == others


def test_threads_that_share_an_update_are_quiet_and_tell_what_went_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunked, "CHUNK", 5)
    monkeypatch.setattr(chunked, "SHARED", 1)
    monkeypatch.setattr(chunked, "threads", lambda: 2)
    net, rows, plan = plan_of()
    run = choice.start(net, replace(rows, y=rows.y * 1e30), plan, 1, False)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run.advance(1)  # squares of gradients overflow in both threads, and nobody hears of it
    halves = next(iter(run.without_loss.values()))
    assert len(halves._others) == 1
    halves._others[0][1].append(lambda: int("x"))
    with pytest.raises(ValueError, match="'x'"):
        halves()


def test_an_update_that_is_not_elementwise_is_left_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunked, "CHUNK", 5)
    net, rows, plan = plan_of(clip_norm=1.0)
    assert type(choice.start(net, rows, plan, 1, False)[0]) is Run
    assert type(choice.start(*plan_of(), 1, False)[0]) is chunked.Chunked
