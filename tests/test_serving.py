"""Serving: one row, many rows, many threads; the same bits, and one sentence when it is wrong."""

import copy
import pickle
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import glassnet as gn
from glassnet import checks, serving
from glassnet.onerow import with_biases
from glassnet.serving import CHUNK, LEAST, LITTLE, WIDE, Desk
from glassnet.step import Variant
from glassnet.threads import ALONE, one_thread
from helpers import ACTIVATIONS, every_layer, label

RNG = np.random.default_rng(0)
SHAPES = ((1,), (7,), (CHUNK - 1,), (CHUNK,), (CHUNK + 1,), (3 * CHUNK + 5,))


def small(members: int = 1, inputs: int = 3, outputs: int = 2, **options: Any) -> gn.Network:
    net = gn.Network(
        [gn.Dense(16, "tanh"), gn.Dense(outputs)],
        inputs,
        **{"loss": "multiclass_cross_entropy", "seed": 0, **options},
    )
    if members > 1:
        net.spread(members)
    net.theta += 0.1 * np.random.default_rng(1).standard_normal(net.theta.shape)
    return net


def rows(count: int, inputs: int = 3, dtype: Any = "float32") -> Any:
    return np.random.default_rng(count).standard_normal((count, inputs)).astype(dtype)


def by_hand(net: gn.Network, X: Any, wanted: str = "prediction", chunk: int = CHUNK) -> Any:
    """Predict with the step as it is written, a chunk of rows at a time, each on one thread."""
    parts = [X[start : start + chunk] for start in range(0, len(X), chunk)]
    said = []
    with one_thread(), np.errstate(all="ignore"):
        for part in parts:
            step = net.step(Variant(len(part), "predict"))
            given = {"x": np.array(part, net.dtype), "theta": net.theta}
            said.append(step(given, None, lambda *place: nullcontext())[wanted])
    return np.concatenate(said, axis=-2)


def same(one: Any, other: Any) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and bool((one == other).all())


def close(one: Any, other: Any) -> bool:
    """Whether two results differ by rounding alone: a single row's biases lie in its products."""
    near = np.allclose(one, other, rtol=0, atol=8 * np.finfo(one.dtype).eps * abs(other).max())
    return one.shape == other.shape and one.dtype == other.dtype and near


@pytest.fixture
def hurried() -> Iterator[None]:
    """Let threads take turns as often as Python can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def together(work: Callable[[int], None], threads: int = 8) -> None:
    """Run work(k) in so many threads that begin at once; raise what one of them raised."""
    start, errors = threading.Barrier(threads), []

    def run(k: int) -> None:
        try:
            start.wait()
            work(k)
        except BaseException as error:
            errors.append(error)

    crowd = [threading.Thread(target=run, args=(k,)) for k in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    if errors:
        raise errors[0]


# ---- bits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_chunks_end_where_they_should(shape: tuple[int], members: int) -> None:
    net, X = small(members), rows(*shape)
    as_by_hand = close if len(X) == 1 and net.members is None else same
    assert as_by_hand(net.predict(X), by_hand(net, X))
    assert as_by_hand(net.raw(X), by_hand(net, X, "raw"))
    assert same(net.predict(X), net.predictor()(X))


@pytest.mark.parametrize("given", ["float64", "int64", "bool", "F", "strided", "readonly", "list"])
@pytest.mark.parametrize("count", [1, 50, CHUNK + 1])
def test_a_table_comes_as_it_likes(given: str, count: int) -> None:
    net, X = small(), np.round(rows(count) * 4)
    kinds = {
        "F": np.asfortranarray,
        "strided": lambda X: np.repeat(np.repeat(X, 2, 0), 2, 1)[::2, ::2],
        "list": lambda X: X.tolist(),
        "readonly": lambda X: np.frombuffer(X.tobytes(), X.dtype).reshape(X.shape),
    }
    table = kinds[given](X) if given in kinds else X.astype(given)
    plain = X.astype(bool).astype("f4") if given == "bool" else X
    for _ in range(2):
        assert same(net.predict(table), net.predict(plain))
        assert same(net.predictor()(table), net.predict(plain))


@pytest.mark.parametrize("count", [1, 50, CHUNK + 1])
def test_sparse_rows(count: int) -> None:
    net, X = small(), rows(count)
    X[X < 0.5] = 0
    for kind in (scipy.sparse.csr_array, scipy.sparse.csc_matrix):
        assert same(net.predict(kind(X)), net.predict(X))
        assert same(net.predictor()(kind(X)), net.predict(X))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("members", [1, 2])
def test_a_predictor_says_what_predict_says(dtype: str, members: int) -> None:
    net = small(members, dtype=dtype)
    predict, X = net.predictor(), rows(20, dtype=dtype)
    lead = () if members == 1 else (members,)
    for x in X:
        one = net.predict(x[None])
        assert predict(x).shape == (*lead, 2)
        assert same(predict(x), one[..., 0, :])
        assert same(predict(x[None]), one)
        assert same(predict(x.tolist()), one[..., 0, :])
    assert same(predict(X), net.predict(X))


def test_a_wide_network_too() -> None:
    """Its chunks are smaller, and one row of it is no little work."""
    layers = [gn.Dense(740, "relu"), gn.Dense(740, "relu"), gn.Dense(1)]
    wide = gn.Network(layers, inputs=4, seed=0)
    assert wide.theta.size > max(LITTLE, WIDE // LEAST)
    X = rows(2 * LEAST + 3, 4)
    assert same(wide.predict(X), by_hand(wide, X, chunk=LEAST))
    predict = wide.predictor()
    assert same(predict(X[0]), by_hand(wide, X[:1])[0])
    assert same(predict(X[:1]), wide.predict(X[:1]))


@pytest.mark.parametrize("members", [1, 2])
def test_the_number_of_threads_changes_no_bit(
    monkeypatch: pytest.MonkeyPatch, members: int
) -> None:
    net, X = small(members), rows(40 * CHUNK + 5)
    y = RNG.integers(0, 2, len(X))
    said, scores, used = [], [], set()
    chunk = serving.Errand._chunk

    def watched(*given: Any) -> None:
        used.add(threading.get_ident())
        time.sleep(0.002)  # so that every thread comes to take a chunk
        chunk(*given)

    monkeypatch.setattr(serving.Errand, "_chunk", watched)
    for threads in (1, 2, 5):
        monkeypatch.setattr(serving, "cores", lambda threads=threads: threads)
        used.clear()
        said.append(net.predict(X))
        scores.append(net.evaluate(X, y, metrics="accuracy"))
        assert len(used) > 1 or threads == 1
    assert all(same(one, said[0]) for one in said)
    assert same(said[0], by_hand(net, X))
    assert str(scores) == str(scores[:1] * 3)


# ---- threads -------------------------------------------------------------------------------------


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.usefixtures("hurried")
def test_many_threads_predict_at_once(members: int) -> None:
    net = small(members)
    tables = [rows(count) for count in (1, 1, 2, 40, 40, 700, CHUNK + 1, 33 * CHUNK)]
    wanted = [net.predict(X) for X in tables]
    raw = [net.raw(X) for X in tables]
    predict = net.predictor()
    net.desks.clear()

    def work(k: int) -> None:
        for turn in range(40):
            at = (k + turn) % 6 if turn < 38 else (k + turn) % 8
            assert same(net.predict(tables[at]), wanted[at])
            assert same(predict(tables[at]), wanted[at])
            assert same(net.raw(tables[at]), raw[at])

    together(work)
    assert len(net.desks) <= 8 * serving.cores()


@pytest.mark.usefixtures("hurried")
def test_one_predictor_serves_many_threads() -> None:
    net = small(inputs=30)
    X = rows(8, 30)
    wanted, predict = net.predict(X[:1]), net.predictor()
    wanted = [predict(x) for x in X]

    def work(k: int) -> None:
        for _ in range(500):
            assert same(predict(X[k]), wanted[k])

    together(work)


@pytest.mark.usefixtures("hurried")
def test_evaluations_and_predictions_at_once() -> None:
    net, X = small(), rows(3000)
    y = RNG.integers(0, 2, 3000)
    scores, said = net.evaluate(X, y), net.predict(X)

    def work(k: int) -> None:
        for _ in range(10):
            assert net.evaluate(X, y) == scores
            assert same(net.predict(X), said)

    together(work, 4)


@pytest.mark.usefixtures("hurried")
def test_predicting_beside_a_training_does_not_crash_and_harms_nothing() -> None:
    X, y = rows(64), RNG.integers(0, 2, 64)
    options: dict[str, Any] = {"epochs": 150, "restarts": 3, "validation": 0.25}
    alone, net = small(), small()
    alone.fit(X, y, **options)
    done = threading.Event()

    def ask() -> None:
        for count in (1, 5, 2000):
            shape = net.predict(rows(count)).shape
            assert shape in ((count, 2), (3, count, 2))

    def work(k: int) -> None:
        if k == 0:
            try:
                net.fit(X, y, **options)
            finally:
                done.set()
        else:
            while not done.is_set():
                ask()

    together(work, 3)
    assert net.theta.tobytes() == alone.theta.tobytes()
    assert same(net.predict(X), alone.predict(X))


def test_parameters_that_were_replaced_are_seen() -> None:
    net, X = small(), rows(5)
    first = net.predict(X)
    net.theta = net.theta * 2
    second = net.predict(X)
    assert same(second, by_hand(net, X))
    assert not same(first, second)
    net.theta *= 2
    assert same(net.predict(X), by_hand(net, X))
    net.spread(2)
    assert net.desks == []  # which held programs that nobody wants any more
    assert same(net.predict(X), by_hand(net, X))
    net.keep(0)
    assert same(net.predict(X), by_hand(net, X))


@pytest.mark.parametrize("count", [1, 5, 2000])
def test_so_they_are_in_the_middle_of_becoming_members(count: int) -> None:
    """When another thread has put in new parameters, and has not yet told the network."""
    net, X = small(), rows(count)
    first = net.predict(X)
    net.theta = np.stack([net.theta, net.theta])
    assert (close if count == 1 else same)(net.predict(X), np.stack([first, first]))
    net.theta = net.theta[1].copy()
    assert same(net.predict(X), first)


def test_a_copy_has_desks_of_its_own() -> None:
    net, X = small(), rows(5)
    said = net.predict(X)
    for other in (copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert other.desks == []
        assert same(other.predict(X), said)
    assert len(net.desks) == 1


def test_numbers_of_rows_are_forgotten() -> None:
    net = small()
    for count in range(1, 50):
        X = rows(count)
        assert (close if count == 1 else same)(net.predict(X), by_hand(net, X))
    (desk,) = net.desks
    assert len(desk.ready) <= 16
    assert len(desk.network._programs) <= 16


def test_a_failing_chunk_ends_the_other_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "cores", lambda: 3)
    net, X = small(), rows(400 * CHUNK)
    X[0, 1] = np.nan  # in the chunk that is taken first
    runs: list[slice] = []
    chunk = serving.Errand._chunk

    def counted(self: Any, desk: Any, part: slice) -> None:
        runs.append(part)
        time.sleep(0.002 if part.start else 0)  # there is time to hear of the one that fails
        chunk(self, desk, part)

    monkeypatch.setattr(serving.Errand, "_chunk", counted)
    with pytest.raises(ValueError, match=r"^X: expected finite numbers, got nan at index \(0, 1\)"):
        net.predict(X)
    assert len(runs) < 300
    X[0, 1] = 0
    assert same(net.predict(X[:5]), by_hand(net, X[:5]))


def test_products_get_their_threads_back_whoever_leaves_last() -> None:
    from threadpoolctl import threadpool_info

    def threads() -> set[int]:
        return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}

    before = threads()
    first, second = one_thread(), one_thread()
    first.__enter__()
    assert threads() == {1}
    second.__enter__()
    first.__exit__(None, None, None)
    assert threads() == {1}
    second.__exit__(None, None, None)
    assert threads() == before
    with pytest.raises(ZeroDivisionError), one_thread():
        _ = 1 / 0
    assert threads() == before
    assert ALONE._inside == 0


def test_any_thread_may_ask_for_one_thread_whoever_did_before() -> None:
    from threadpoolctl import threadpool_info, threadpool_limits

    def threads() -> set[int]:
        return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}

    def inside() -> set[int]:
        with one_thread():
            return threads()

    before = threads()
    # this thread is the one that threadpoolctl listens to now
    with threadpool_limits(2), ThreadPoolExecutor(1) as pool:
        assert threads() == {2}
        assert pool.submit(inside).result() == {1}
        assert threads() == {2}
    assert threads() == before


# ---- one row -------------------------------------------------------------------------------------

ONE_ROW = {
    "dense": [gn.Dense(5, "tanh"), gn.Dense(5, "relu"), gn.Dense(5)],  # all as wide as x
    "read twice": [gn.Residual([gn.Dense(5, "relu"), gn.Dense(5)]), gn.Residual(gn.Dense(5))],
    "side by side": [gn.Concat([[gn.Dense(3, "relu")], [gn.Dense(2)], []]), gn.Dense(1)],
    "a factor": [gn.Dense(4, "silu", ntk=True), gn.LayerNorm(), gn.Dense(3)],
    **{label(each): every_layer(each) for each in ACTIVATIONS},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layers", ONE_ROW.values(), ids=ONE_ROW)
def test_one_row_is_what_the_step_makes_of_it(layers: Any, dtype: str) -> None:
    net = gn.Network(layers, 5, dtype=dtype, seed=0)
    rng = np.random.default_rng(1)
    for _ in range(2):
        net.theta += 0.1 * rng.standard_normal(net.theta.shape)  # seen, in place
        for X in rng.standard_normal((3, 1, 5)).astype(dtype):
            X[:, [0, 3]] = rng.integers(0, 2, (1, 2))
            said = net.predict(X)
            assert close(said, by_hand(net, X))
            assert close(net.raw(X), by_hand(net, X, "raw"))
            assert same(net.predictor()(X[0]), said[0])


def test_a_bias_costs_one_row_no_call() -> None:
    replay = Desk(small(loss="squared_error")).replay(Variant(1, "predict"), ("prediction",))
    assert "add(" in replay.source
    source, _ = with_biases(replay)
    assert "add(" not in source


# ---- what a predictor promises -------------------------------------------------------------------


def test_a_result_is_not_written_over_by_the_next() -> None:
    net, X = small(), rows(2)
    for predict in (net.predict, net.raw, net.predictor()):
        for one, other in ((X[:1], X[1:]), (X, X * 2)):
            first = predict(one)
            kept = first.copy()
            second = predict(other)
            assert same(first, kept)
            assert not np.may_share_memory(first, second)
            first[...] = 9
            assert same(predict(one), kept)
    predict = net.predictor()
    first = predict(X[0])
    kept = first.copy()
    predict(X[1])
    assert same(first, kept)


def test_a_predictor_stays_as_it_is() -> None:
    X = rows(40)
    y, net = RNG.integers(0, 2, 40), small()
    predict = net.predictor()
    late = net.predictor()  # first asked after the training
    before, one = net.predict(X), net.predict(X[:1])
    net.fit(X, y, epochs=3)
    net.weights["b1"] = np.ones((1, 16))
    assert same(predict(X), before)
    assert same(predict(X[:1]), one)
    assert same(late(X[:1]), one)
    assert not same(net.predict(X), before)
    assert same(net.predictor()(X), net.predict(X))
    net.spread(3)
    assert same(predict(X[0]), one[0])


def test_a_predictor_plans_once() -> None:
    predict = small().predictor()
    assert predict._idle == []
    predict(rows(1))
    (ready,) = predict._idle
    with pytest.raises(ValueError, match=r"^x: expected"):
        predict([1.0])
    predict(rows(2)[0])
    assert predict._idle == [ready]


def test_a_predictor_keeps_nothing_of_the_training() -> None:
    net, X = small(), rows(40)
    net.partial_fit(X, RNG.integers(0, 2, 40), optimizer="adam")
    predict = net.predictor()
    assert net.memory is not None
    assert predict._network.memory is None
    assert not np.may_share_memory(predict._network.theta, net.theta)


@pytest.mark.parametrize("asked", [False, True])
def test_a_predictor_can_be_pickled(asked: bool) -> None:
    net, X = small(2), rows(5)
    predict = net.predictor()
    if asked:
        predict(X[0])
    for other in (
        pickle.loads(pickle.dumps(predict)),
        copy.copy(predict),
        copy.deepcopy(predict),
    ):
        assert same(other(X[0]), predict(X[0]))
        assert same(other(X), predict(X))
        assert type(other) is gn.Predictor


class Meddling(gn.Layer):
    """Writes into what it gets, which it should not, and has a parameter."""

    def parameters(self, inputs: int) -> dict[str, gn.Parameter]:
        return {"s": gn.Parameter((1, inputs), lambda rng, shape: np.ones(shape))}

    def forward(self, x: Any, p: Any, rng: Any) -> Any:
        x[...] = x * p.s * 2
        return x, None

    def backward(self, kept: Any, dy: Any, p: Any, d: Any, need_dx: bool) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize("count", [1, 2, 2000])
def test_a_table_is_never_written_into(count: int) -> None:
    net = gn.Network([Meddling()], 3, seed=0)
    X = rows(count)
    before = X.copy()
    assert same(net.predict(X), 2 * before)
    assert same(net.predictor()(X), 2 * before)
    assert same(net.predictor()(X[0]), 2 * before[0])
    assert same(X, before)


# ---- what is refused -----------------------------------------------------------------------------

NET = small()
GOOD = np.zeros(3)
BAD: list[tuple[Any, str]] = [
    ([1.0, 2.0], r"expected shape \(3,\) or \(rows, 3\), got \(2,\)"),
    ([1.0], r"expected shape \(3,\) or \(rows, 3\), got \(1,\)"),
    (np.zeros((4, 2)), r"expected shape \(3,\) or \(rows, 3\), got \(4, 2\)"),
    (np.zeros((1, 1, 3)), r"expected shape \(3,\) or \(rows, 3\), got \(1, 1, 3\)"),
    (np.zeros(()), r"expected shape \(3,\) or \(rows, 3\), got \(\)"),
    (np.zeros((0, 3)), r"expected at least one row, got shape \(0, 3\)"),
    ([1.0, np.nan, 2.0], r"expected finite numbers, got nan at index \(1,\)"),
    (GOOD + np.inf, r"expected finite numbers, got inf at index \(0,\)"),
    ((GOOD - np.inf)[None], r"expected finite numbers, got -inf at index \(0, 0\)"),
    (GOOD + np.nan, r"expected finite numbers, got nan at index \(0,\)"),
    (GOOD.astype("f4") + np.nan, r"expected finite numbers, got nan at index \(0,\)"),
    (GOOD - 1e39, r"expected numbers that float32 holds, got -1e\+39"),
    (np.zeros((9, 3)) + 1e39, r"expected numbers that float32 holds, got 1e\+39"),
    (["a", "b", "c"], "expected numbers, got text"),
    (np.array(["1", "2", "3"]), "expected numbers, got text"),
    (GOOD * 1j, "expected numbers, got dtype complex128"),
    (None, "expected numbers, got None"),
    (scipy.sparse.csr_array(np.zeros((2, 4))), r"expected shape \(3,\) or \(rows, 3\), got"),
    (scipy.sparse.csr_array(np.full((2, 3), np.nan)), "expected finite numbers, got nan"),
]


@pytest.mark.parametrize(("given", "why"), BAD, ids=[why[:40] for _, why in BAD])
def test_a_predictor_complains_in_one_sentence(given: Any, why: str) -> None:
    predict = NET.predictor()
    for _ in range(2):
        with pytest.raises((ValueError, TypeError), match=f"^x: {why}"):
            predict(given)
        assert same(predict(GOOD), NET.predict(GOOD[None])[0])


@pytest.mark.parametrize("count", [1, 4, 2000, 40_000])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_predict_finds_what_is_not_finite_wherever_it_is(count: int, value: float) -> None:
    X = rows(count, dtype="float64")
    NET.predict(X)
    X[count // 2, 1] = value
    whole = "numbers that float32 holds, got" if abs(value) == 1e39 else "finite numbers, got"
    for ask in (NET.predict, NET.raw):
        with pytest.raises(ValueError, match=f"^X: expected {whole}"):
            ask(X)


@pytest.mark.parametrize("count", [1, 4, 2000])
def test_large_numbers_are_finite(count: int) -> None:
    """The square of 3e38 is not, in float32."""
    X = np.full((count, 3), 3e38, "float32")
    assert same(NET.predict(X), by_hand(NET, X))
    assert same(NET.predictor()(X[0]), by_hand(NET, X[:1])[0])


@pytest.mark.parametrize("mode", ["warn", "raise"])
def test_no_warning_reaches_anybody(mode: Any) -> None:
    net = small()
    net.theta[...] = 1e38
    with warnings.catch_warnings(), np.errstate(all=mode):
        warnings.simplefilter("error")
        for count in (1, 3, 2000, 40_000):
            X = np.full((count, 3), 1e30)
            assert (net.raw(X) == np.inf).all()
            for ask in (net.predict, net.predictor()):
                with pytest.raises(ValueError, match=r"float32 can hold .*, got NaN from row 0$"):
                    ask(X)
        with pytest.raises(ValueError, match=r"x: expected rows of which .* got NaN from row 0"):
            net.predictor()(X[-1])
        assert np.geterr()["over"] == mode


def test_a_row_of_which_nothing_can_be_said_is_named() -> None:
    net = gn.Network([gn.Dense(2), gn.Dense(1)], 2, seed=0)
    net.weights = {"W1": [[1.0, 1.0], [1.0, 1.0]], "W2": [[1.0], [-1.0]]}
    X = np.zeros((3000, 2), "float32")
    X[2345] = 3e38
    with pytest.raises(ValueError, match="got NaN from row 2345"):
        net.predict(X)
    assert (net.predict(X[:2345]) == 0).all()
    net.weights = {"W1": [[1e20, 1e20], [0, 0]], "W2": [[1e20], [-1e20]]}
    for ask in (net.predict, net.raw):
        with pytest.raises(ValueError, match="got NaN from row 1"):
            ask(np.array([[0.0, 1.0], [1.0, 0.0]]))
    with pytest.raises(ValueError, match="got NaN from row 0"):
        net.predictor()(np.array([1.0, 0.0], "float32"))
    assert net.predictor()([0.0, 1.0]) == 0


def test_what_is_checked_in_one_pass_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody goes through a table of the right kind with NumPy's isfinite, minimum and maximum."""

    def never(*given: Any) -> Any:
        raise AssertionError("a second pass")

    monkeypatch.setattr(checks, "fitting", never)
    for count in (1, 5, 2000, 40_000):
        NET.predict(rows(count))
    NET.predictor()(rows(1)[0])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_a_row_that_is_not_finite_is_found_out_by_any_weights(bad: float, scale: float) -> None:
    net = gn.Network([gn.Dense(5, "relu"), gn.Dense(2)], inputs=4, seed=0)
    net.weights["W1"] = net.weights["W1"] * scale
    predict, told = net.predictor(), net.predict(np.ones((1, 4)))
    assert same(predict(np.ones(4)), told[0])
    for column in range(4):
        row = np.ones((1, 4), np.float32)
        row[0, column] = bad
        for ask, given in ((predict, row), (predict, row[0]), (net.predict, row)):
            with pytest.raises(ValueError, match="expected finite numbers"):
                ask(given)
    huge = np.full((1, 4), 3e38, np.float32)  # a product with which may be too large for float32
    np.testing.assert_array_equal(predict(huge), net.predict(huge))
