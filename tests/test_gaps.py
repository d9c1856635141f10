"""Gaps between the rows of matrices in a compiled step: where elements lie, and equal results."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glassnet as gn
from glassnet.engines import block, choice, compiled, gaps, source
from glassnet.engines.gaps import Gaps, Matrix, with_gaps
from glassnet.engines.lines import Lines
from glassnet.parts import Parameter
from glassnet.plan import Plan
from glassnet.program import address
from glassnet.value import Value
from helpers import OPTIMIZERS, Case, label
from test_engines import assert_close, both, compare, own_cache, plain  # noqa: F401  (fixtures)

VIEWS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 4)), max_size=2)


@pytest.fixture
def everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps, "APART", 1)
    monkeypatch.setattr(source, "CELLS", 0)
    monkeypatch.setattr(choice, "KNOWN", {})


@given(
    shapes=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 6)), min_size=1, max_size=3),
    before=st.integers(0, 4),
    gap=st.integers(0, 7),
    which=st.integers(0, 2),
    cuts=VIEWS,
    how=st.sampled_from(["", "transposed", "flat", "apart"]),
)
def test_a_view_is_where_its_elements_are(
    shapes: Any, before: int, gap: int, which: int, cuts: Any, how: str
) -> None:
    start, matrices = before, []
    for rows, columns in shapes:
        matrices.append(Matrix(start, rows, columns))
        start = matrices[-1].stop + 2  # something stands between
    map_ = Gaps(start, tuple(matrices), gap)
    vector = np.arange(start, dtype=np.float64)
    memory = np.full(map_.place(start), np.nan)
    for element, place, rows, columns in map_.parts():
        for row in range(rows):
            at = place + row * (columns + gap)
            assert np.isnan(memory[at : at + columns]).all(), "two elements at one place"
            memory[at : at + columns] = vector[element + row * columns :][:columns]
    assert [memory[map_.place(element)] for element in range(start)] == vector.tolist()

    matrix = matrices[which % len(matrices)]
    view = vector[matrix.start : matrix.stop].reshape(matrix.rows, matrix.columns)
    view = view[tuple(slice(low, high, step) for low, high, step in cuts)]
    view = {"transposed": view.T, "flat": view.reshape(-1), "apart": vector[before::2]}.get(
        how, view
    )
    if not np.may_share_memory(view, vector):  # empty, or a copy
        return
    root = Value(None, "input", vector, name="theta")  # type: ignore[arg-type]
    offset = view.ctypes.data - vector.ctypes.data
    value = Value(None, "view", view, parent=root, offset=offset)  # type: ignore[arg-type]
    found = map_.of(value)
    if found is None:
        assert how in ("flat", "apart"), "a part of one matrix has a place"
        return
    place, steps = found
    indices = np.indices(view.shape).reshape(view.ndim, -1).T
    places = [place + int(np.dot(index, steps)) for index in indices]
    assert memory[places].tolist() == view.ravel().tolist()


# ---- which arrays get gaps -----------------------------------------------------------------------

VECTORS = {"theta", "gradient", "mean", "mean_square"}


def gaps_of(rows: int = 8, units: int = 512, layer: Any = None, **how: Any) -> dict[str, Gaps]:
    """Return the gaps in a training step of two layers on eight inputs."""
    layers = [layer or gn.Dense(units, "relu"), gn.Dense(3)]
    net = gn.Network(layers, 8, loss="multiclass_cross_entropy", seed=0)
    plan = Plan(batch_size=rows, **how)
    program = choice.alone(net, plan, rows, False)
    return with_gaps(Lines(program, ("theta", *plan.optimizer.state)))


def test_wide_rows_of_products_get_gaps_and_no_others() -> None:
    found = gaps_of()
    assert found.keys() > VECTORS
    assert found["theta"] == Gaps(8 * 512 + 512 + 512 * 3 + 3, (Matrix(0, 8, 512),), 16)
    fresh = [each for name, each in found.items() if name not in VECTORS]
    assert len(fresh) > 2
    assert {each.matrices for each in fresh} == {(Matrix(0, 8, 512),)}
    assert not gaps_of(units=500)
    assert not gaps_of(units=256)


@pytest.mark.parametrize(
    "how",
    [
        {"clip_norm": 1.0},  # a sum over all derivatives
        {"rows": 8 * 512 + 512 + 512 * 3 + 3},  # a loop through rows, and one through weights
    ],
    ids=["sum", "rows"],
)
def test_weights_have_none_where_loops_go_through_them_in_other_ways(how: Any) -> None:
    found = gaps_of(**how)
    assert found
    assert not found.keys() & VECTORS


def test_small_matrices_that_lie_by_columns_are_turned_and_large_ones_not() -> None:
    for units, turned in ((64, True), (80, False)):  # 64 * 64 numbers are the most
        layers = [gn.Dense(units, "relu"), gn.Dense(units, "relu"), gn.Dense(2)]
        net = gn.Network(layers, 20, loss="multiclass_cross_entropy", seed=0)
        plan = Plan(batch_size=64)
        made = source.source(
            choice.alone(net, plan, 64, False), ("theta", *plan.optimizer.state), False
        )
        flags = re.findall(r"gemm\(.*, (?:110|116), \d+, \d+, (110|116), \d+, \d+\)", made.text)
        assert len(flags) == 8
        assert ("116" not in flags) == turned, "116 is BLAS's t"


# ---- the same results ----------------------------------------------------------------------------


@pytest.mark.usefixtures("plain", "everywhere")
@pytest.mark.parametrize("part", range(6))
def test_random_networks(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = list[set[str]]()
    monkeypatch.setattr(block, "with_gaps", lambda lines: kept(made, with_gaps(lines)))
    for seed in range(10 * part, 10 * part + 10):
        compare(Case(seed))
    assert sum("theta" in names for names in made) > 1
    assert sum(map(bool, made)) > 0.7 * len(made) > 4


def kept(made: list[set[str]], found: dict[str, Gaps]) -> dict[str, Gaps]:
    made.append(set(found))
    return found


@pytest.mark.usefixtures("plain", "everywhere")
@pytest.mark.parametrize("rule", OPTIMIZERS, ids=label)
def test_nothing_that_lies_in_a_gap_ever_counts(rule: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = list[Any]()
    monkeypatch.setattr(compiled, "address", lambda whole: blocks.append(whole) or address(whole))
    both([gn.Dense(6, "tanh")], gn.SquaredError(), optimizer=rule, epochs=6, every=6)
    assert len(blocks) == 1
    assert np.isfinite(blocks[0]).all()


class Spare(gn.Optimizer):
    """Has a state that no line of the update touches."""

    rate = 0.01
    state = ("velocity", "spare")

    def update(self, theta: Any, gradient: Any, rate: Any, velocity: Any, spare: Any) -> None:
        velocity[...] = 0.9 * velocity - rate * gradient
        theta[...] = theta + velocity


class Sign(gn.Optimizer):
    """Divides by zero where a derivative is zero, as those in a gap are."""

    rate = 0.01

    def update(self, theta: Any, gradient: Any, rate: Any) -> None:
        theta[...] = theta - rate * gradient / np.abs(gradient)


class Twice(gn.Layer):
    """Takes some rows of its matrix a second time."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    def parameters(self, inputs: int) -> Any:
        return {"W": Parameter((inputs, 6), lambda rng, shape: rng.standard_normal(shape))}

    def outputs(self, inputs: int) -> int:
        return 6

    def forward(self, x: Any, p: Any, rng: Any) -> Any:
        low, high = self.low, self.high
        return x @ p.W + x[..., low:high] @ p.W[..., low:high, :], x

    def backward(self, x: Any, da: Any, p: Any, d: Any, need_dx: bool) -> Any:
        d.W[...] = x.mT @ da
        d.W[..., self.low : self.high, :] = 2 * d.W[..., self.low : self.high, :]


@pytest.mark.usefixtures("plain", "everywhere")
def test_a_state_that_nobody_touches_has_gaps_too() -> None:
    both([gn.Dense(6, "tanh")], gn.SquaredError(), optimizer=Spare(), epochs=6, every=6)


@pytest.mark.usefixtures("plain", "everywhere")
@pytest.mark.parametrize("rows", [(0, 3), (2, 4), (3, 5)])
def test_rows_of_a_matrix_that_are_multiplied_too_share_its_gaps(rows: tuple[int, int]) -> None:
    both([Twice(*rows)], gn.SquaredError(), optimizer=gn.SGD(0.001), epochs=6, every=6)


@pytest.mark.usefixtures("plain", "everywhere")
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_what_becomes_of_a_gap_ends_no_leap(monkeypatch: pytest.MonkeyPatch) -> None:
    leap, undone = compiled.Compiled._leap, list[bool]()

    def watched(self: Any, *given: Any) -> Any:
        loss = leap(self, *given)
        undone.append(loss is None)
        return loss

    monkeypatch.setattr(compiled.Compiled, "_leap", watched)
    how = {"optimizer": Sign(), "epochs": 6, "every": 6, "batch_size": None}
    both([gn.Dense(6, "tanh")], gn.SquaredError(), **how)
    assert undone == [False]


def test_compiled(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    X = np.random.default_rng(0).standard_normal((96, 30)).astype(np.float32)
    results = []
    for engine, apart in (("numpy", 2048), ("numba", 1 << 30), ("numba", 2048)):
        monkeypatch.setattr(gaps, "APART", apart)
        monkeypatch.setattr(choice, "KNOWN", {})
        net = gn.Network([gn.Dense(512, "relu"), gn.Dense(512, "tanh"), gn.Dense(1)], 30, seed=1)
        history = net.fit(X, X[:, 0], epochs=6, every=3, batch_size=32, l2=0.01, engine=engine)
        assert history.engine == engine
        results.append(net.theta)
    assert_close(results[1], results[0], "float32")
    assert_close(results[2], results[1], "float32")
