"""A compiled step that threads share: the same bits, whoever comes first to where they meet."""

import re
import subprocess
import sys
from threading import Condition, Thread
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet.engines import choice, compiled, gaps, loops, products, source
from glassnet.engines.together import Team
from glassnet.threads import one_thread, threads
from helpers import ACTIVATIONS, EVERY_LOSS, Case, every_layer, label
from test_engines import assert_close, targets_for


class Turns:
    """Threads one at a time: each goes on until it waits, and the next in an order takes over."""

    def __init__(self, order: tuple[int, ...]) -> None:
        self.order, self.at, self.turn = order, 0, Condition()
        self.met = 0

    def begin(self, number: int) -> None:
        """Wait for a thread's turn."""
        with self.turn:
            assert self.turn.wait_for(lambda: self.order[self.at] == number, 20)

    def next(self) -> int:
        """Hand over to the next thread; return whose turn it was."""
        with self.turn:
            number = self.order[self.at]
            self.at = (self.at + 1) % len(self.order)
            self.turn.notify_all()
            return number

    def wait(self, counter: Any, threads: int) -> None:
        """Be what a compiled step calls."""
        assert threads == len(self.order)
        self.met += 1
        self.begin(self.next())


class InTurns(Team):
    """A team whose threads take turns."""

    turns: Turns

    def __call__(self, function: Any, arguments: tuple[Any, ...]) -> None:
        failed: list[BaseException] = []

        def part(number: int) -> None:
            self.turns.begin(number)
            try:
                function(*arguments, *self.arguments(number))
            except BaseException as error:
                failed.append(error)
            self.turns.next()

        threads = [Thread(target=part, args=(number,)) for number in range(self.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        if failed:
            raise failed[0]


def plain_gemm(m: Any, unit: int, rows: int, inner: int, columns: int, *where: int) -> None:
    """Do what BLAS is called for, by NumPy."""
    assert (m[unit], m[unit + 1]) == (0, 1)
    a, lda, ta, b, ldb, tb, c, ldc = where
    A = spaced(m, a, lda, *((inner, rows) if ta == ord("t") else (rows, inner)))
    B = spaced(m, b, ldb, *((columns, inner) if tb == ord("t") else (inner, columns)))
    A, B = A.T if ta == ord("t") else A, B.T if tb == ord("t") else B
    spaced(m, c, ldc, rows, columns)[...] = A @ B


def spaced(m: Any, start: int, leading: int, rows: int, columns: int) -> Any:
    """Return a matrix whose rows lie so far apart."""
    assert leading >= columns
    assert 0 <= start <= start + max(rows - 1, 0) * leading + columns <= len(m)
    step = m.itemsize
    return np.lib.stride_tricks.as_strided(m[start:], (rows, columns), (leading * step, step))


def plainly(turns: Turns) -> Any:
    """Return what makes a module of generated source, for Python to run, in turns."""

    def made(text: str) -> ModuleType:
        text = text.replace(
            "from numba import njit", "njit = lambda f=None, **o: f or (lambda g: g)"
        )
        text = re.sub(r"@njit\(.*\)", "@njit", text)
        module = ModuleType("uncompiled")
        exec(compile(text, "<generated>", "exec"), vars(module))
        vars(module).update(wait=turns.wait, gemm=plain_gemm)
        return module

    return made


@pytest.fixture(params=[2048, 1], ids=["dense", "gaps"])
def shared(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function after which steps are shared by as many threads, in an order."""
    monkeypatch.setattr(gaps, "APART", request.param)
    monkeypatch.setattr(compiled, "prepare", lambda function, arguments: None)
    monkeypatch.setattr(compiled, "Team", InTurns)
    monkeypatch.setattr(source, "CELLS", 0)
    monkeypatch.setattr(products, "BLAS", 30)
    monkeypatch.setattr(choice, "KNOWN", {})

    def share(order: tuple[int, ...]) -> Turns:
        turns = Turns(order)
        monkeypatch.setattr(choice, "team", lambda *given: len(order))
        # three share the sums of most products, two the rows or columns
        monkeypatch.setattr(products, "DEEP", 0.5 if len(order) == 3 else 3)
        monkeypatch.setattr(compiled, "module", plainly(turns))
        monkeypatch.setattr(InTurns, "turns", turns, raising=False)
        return turns

    return share


ORDERS = ((0,), (0, 1), (1, 0), (2, 0, 1), (1, 2, 0))


def in_every_order(train: Any, shared: Any, dtype: str) -> None:
    """Compare what threads make in several orders with the replay, and with each other."""
    theta, losses = train("numpy")
    results = []
    for order in ORDERS:
        turns = shared(order)
        ours, our_losses = train("numba")
        assert (turns.met > 0) == (len(order) > 1), "they never met"
        assert_close(ours, theta, dtype)
        assert_close(our_losses, losses, dtype)
        results.append((len(order), ours.tobytes(), np.array(our_losses).tobytes()))
    assert results[1] == results[2], "the order of two threads matters"
    assert results[3] == results[4], "the order of three threads matters"


@pytest.mark.parametrize("seed", [seed for seed in range(50) if not Case(seed).sparse])
def test_random_networks(seed: int, shared: Any) -> None:
    case = Case(seed)
    in_every_order(case.train, shared, case.dtype)


def training(layers: Any, loss: Any, **options: Any) -> Any:
    """Return a function that trains a network by an engine."""

    def train(engine: str) -> Any:
        rng = np.random.default_rng(5)
        X = rng.standard_normal((13, 5))
        X[:, [0, 3]] = rng.integers(-1, 4, (13, 2))
        outputs = 3 if loss.labels else 2
        net = gn.Network([*layers, gn.Dense(outputs)], 5, loss=loss, dtype="float64", seed=3)
        y = targets_for(loss, 13, outputs, rng)
        how = {"batch_size": 4, "epochs": 3, "optimizer": gn.Momentum(0.01)} | options
        history = net.fit(X, y, engine=engine, **how)
        assert engine != "numba" or history.engine == "numba"
        return net.theta, np.array(history.loss)

    return train


@pytest.mark.parametrize("loss", EVERY_LOSS, ids=label)
def test_every_loss(loss: Any, shared: Any) -> None:
    in_every_order(training([gn.Dense(12, "tanh")], loss), shared, "float64")


@pytest.mark.parametrize("activation", ACTIVATIONS[:6], ids=label)
def test_every_layer(activation: Any, shared: Any) -> None:
    in_every_order(training(every_layer(activation), gn.Huber()), shared, "float64")


@pytest.mark.parametrize("rule", [gn.Adam(), gn.SGD(0.01), gn.AdamW(0.01)], ids=label)
def test_many_epochs_at_a_time(rule: Any, shared: Any) -> None:
    layers = [gn.Dense(10, "relu")]
    options = {"optimizer": rule, "epochs": 7, "every": 7, "clip_norm": 0.5}
    in_every_order(training(layers, gn.SquaredError(), **options), shared, "float64")


def test_threads_share_the_sums_of_a_deep_product(shared: Any) -> None:
    in_every_order(training([gn.Dense(12, "tanh")], gn.SquaredError()), shared, "float64")
    own = {made.text.count("_thread *") for made in choice.KNOWN.values()}
    assert own == {0, 1}, "the last layer's twelve terms, and only by three threads"


def test_threads_that_do_not_meet_are_found_out(shared: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(loops.Touch, "meets", lambda self, other: False)  # a bug of ours
    with pytest.raises(AssertionError):
        in_every_order(training([gn.Dense(12, "tanh")], gn.SquaredError()), shared, "float64")


# ---- compiled ------------------------------------------------------------------------------------


def test_a_shared_step_is_the_step(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    pytest.importorskip("numba")
    pytest.importorskip("threadpoolctl")
    monkeypatch.setenv("GLASSNET_CACHE", str(tmp_path))
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 20)).astype(np.float32)
    y = X[:, 0] * X[:, 1] + X[:, 2]
    results = []
    for engine, count in (("numpy", 1), ("numba", 1), ("numba", 2), ("numba", 2)):
        monkeypatch.setattr(choice, "team", lambda *given, count=count: count)
        net = gn.Network([gn.Dense(80, "relu"), gn.Dense(90, "tanh"), gn.Dense(1)], 20, seed=1)
        history = net.fit(X, y, epochs=12, every=3, batch_size=64, engine=engine)
        assert history.engine == engine
        results.append((net.theta, np.array(history.loss)))
    for theta, losses in results[1:]:
        assert_close(theta, results[0][0], "float32")
        assert_close(losses, results[0][1], "float32")
    assert results[2][0].tobytes() == results[3][0].tobytes(), "the same seed gave other bits"
    assert results[1][1][-1] < 0.6 * results[1][1][0]


def test_how_many_share_a_step_follows_from_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "threads", lambda: 4)

    def count(units: int, rows: int) -> int:
        net = gn.Network([gn.Dense(units), gn.Dense(1)], 100, seed=0)
        X = np.zeros((rows, 100))
        table = gn.rows.Rows.of(net, X, X[:, 0])
        return choice.team(net, table, gn.plan.Plan(batch_size=rows))

    assert [count(8, 32), count(1000, 40), count(1000, 400)] == [1, 2, 4]


def test_a_team_tells_what_went_wrong() -> None:
    def fails(number: int, threads: int, meeting: Any) -> None:
        if number == 1:
            raise ValueError("here")

    with pytest.raises(ValueError, match="here"):
        Team(3)(fails, ())


def test_a_fit_beside_another_has_as_many_threads() -> None:
    pytest.importorskip("threadpoolctl")
    alone = threads()
    with one_thread(team=True):
        assert threads() == alone
        with one_thread(team=True):
            assert threads() == alone
        with one_thread():
            assert threads() == 1
        assert threads() == alone
    assert threads() == alone


def test_threads_that_cannot_be_had_leave_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    start, met = Thread.start, []

    def few(self: Thread) -> None:
        if len(met) > 1:
            raise RuntimeError("can't start new thread")
        met.append(self)
        start(self)

    def waits(number: int, threads: int, meeting: Any) -> None:
        while meeting[0] < threads:
            pass

    monkeypatch.setattr(Thread, "start", few)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        Team(3)(waits, ())


def test_a_fit_goes_on_where_the_main_thread_has_ended() -> None:
    code = """if True:
        import threading
        import numpy as np
        import glassnet as gn

        begun = threading.Event()

        def fit():
            net = gn.Network([gn.Dense(600, "tanh"), gn.Dense(1)], 700, seed=0)
            X = np.random.default_rng(0).standard_normal((512, 700), np.float32)
            how = {"epochs": 40, "batch_size": 128, "engine": "numpy"}
            net.fit(X, X[:, 0], on_epoch=lambda epoch: begun.set(), **how)
            print("done")

        threading.Thread(target=fit).start()
        begun.wait()
    """
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == ("done\n", "")
