"""The compiled engine by Numba itself: every part beside the replay, and what Numba will not do."""

import os
from contextlib import suppress
from threading import Thread
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet.engines import cache, choice, compiled, source
from glassnet.engines.source import HEADER
from glassnet.engines.together import WAIT, Team
from helpers import ACTIVATIONS, EVERY_LOSS, OPTIMIZERS, OWN_LOSS, every_layer, label
from test_engines import both, own_cache, plain, train  # noqa: F401  (fixtures)

# to compile takes seconds: a sample is tried each time, and everything by `make fuzz`
EACH = 1 if os.environ.get("GLASSNET_EVERYTHING") else 4
X, Y = np.linspace(-1.0, 1.0, 48).reshape(12, 4), np.linspace(0.0, 1.0, 12)
LOSSES = [*EVERY_LOSS, OWN_LOSS]


@pytest.mark.parametrize(
    "place", range(0, len(LOSSES), EACH), ids=lambda place: label(LOSSES[place])
)
def test_every_loss_and_every_optimizer(place: int) -> None:
    rule, units = OPTIMIZERS[place % len(OPTIMIZERS)], (4, 60)[place % 2]  # in scalars, in loops
    dtype = ("float64", "float32")[place // 2 % 2]
    both([gn.Dense(units, "tanh")], LOSSES[place], optimizer=rule, dtype=dtype)


@pytest.mark.parametrize(("units", "dtype"), [(3, "float64"), (40, "float32")])
def test_every_activation(units: int, dtype: str) -> None:
    layers = [gn.Dense(units, activation) for activation in ACTIVATIONS[::EACH]]
    both(layers, gn.Huber(), optimizer=gn.SGD(0.001), dtype=dtype)


@pytest.mark.skipif(EACH > 1, reason="takes half a minute")
def test_every_layer() -> None:
    both(every_layer("tanh"), gn.Huber(), epochs=2, dtype="float32")


# ---- what has no compiled form -------------------------------------------------------------------


class Steps(gn.Activation):
    """Counts, of which NumPy and a compiled function make something else."""

    def __init__(self, how: str) -> None:
        self.how = how

    def f(self, z: Any) -> Any:
        above, far = z > 0, z > 1
        if self.how == "or":
            return (above + far) * z
        if self.how == "and":
            return (above * far) * z
        if self.how == "whole":
            return above.astype(int) * z
        return np.sum(above, axis=-1, keepdims=True) * z

    def slope(self, z: Any, a: Any) -> Any:
        return (z > 0).astype(z.dtype)


@pytest.mark.parametrize("units", [3, 60])
@pytest.mark.parametrize("how", ["or", "and", "whole", "sum"])
def test_counting_truths_is_replayed_and_said(how: str, units: int) -> None:
    thetas = []
    for engine in ("numpy", "numba"):
        net = gn.Network([gn.Dense(units, Steps(how)), gn.Dense(1)], 4, dtype="float64", seed=0)
        history = net.fit(X, Y, epochs=3, batch_size=5, engine=engine)
        thetas.append(net.theta)
    assert history.engine.startswith("numpy, for there is no compiled form of ")
    assert thetas[0].tobytes() == thetas[1].tobytes()


def test_what_numba_refuses_is_replayed_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(text: str) -> ModuleType:
        return cache.module(text.replace("_total = _losses[_k, 0]", "_total = nobody_knows"))

    monkeypatch.setattr(compiled, "module", refused)
    net = gn.Network([gn.Dense(1)], 4, seed=0)
    history = net.fit(X, Y, epochs=2, engine="numba")
    assert history.engine == (
        "numpy, for there is no compiled form of this step: Numba raises TypingError"
    )
    assert len(history.loss) == 2


def test_where_nothing_is_compiled_it_is_replayed_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled.config, "DISABLE_JIT", 1)
    history = gn.Network([gn.Dense(1)], 4, seed=0).fit(X, Y, epochs=1, engine="numba")
    assert history.engine.endswith("no compiled form of anything while NUMBA_DISABLE_JIT is set")


def test_settings_of_numba_are_as_they_were() -> None:
    before = compiled.config.SLP_VECTORIZE
    with suppress(KeyError), compiled.settings(SLP_VECTORIZE=before + 1):
        assert before + 1 == compiled.config.SLP_VECTORIZE
        raise KeyError
    assert before == compiled.config.SLP_VECTORIZE


# ---- where it keeps things, and what does not hang on the clock ----------------------------------


def test_nothing_is_kept_where_others_may_write(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("GLASSNET_CACHE", str(tmp_path / "own"))
    monkeypatch.setattr(compiled.config, "CACHE_DIR", str(tmp_path / "open"))
    cache.module.cache_clear()
    monkeypatch.setattr(compiled, "READY", set())
    train("numba", [], gn.Huber())
    assert list((tmp_path / "own" / "__pycache__").glob("*.nbi"))
    assert not (tmp_path / "open").exists()


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("cells", [1500, 0], ids=["scalars", "loops"])
@pytest.mark.parametrize("members", [None, 2])
def test_bits_are_the_same_however_an_epoch_is_cut(
    monkeypatch: pytest.MonkeyPatch, cells: int, members: int | None
) -> None:
    monkeypatch.setattr(source, "CELLS", cells)
    monkeypatch.setattr(choice, "KNOWN", {})
    rng, found = np.random.default_rng(0), set()
    table, y, w = rng.standard_normal((203, 4)), rng.standard_normal(203), rng.random(203)
    for work in (1, 500, 900, 1e9):
        monkeypatch.setattr(compiled, "WORK", work)
        net = gn.Network([gn.Dense(1)], 4, seed=0)
        how = {"batch_size": 4, "epochs": 2, "members": members, "l2": 0.01}
        history = net.fit(table, y, sample_weight=w, engine="numba", **how)
        found.add((np.array(history.loss).tobytes(), net.theta.tobytes()))
    assert len(found) == 1


def test_threads_that_cannot_be_had_leave_nobody_waiting_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("GLASSNET_CACHE", str(tmp_path))
    begin = "@njit(nogil=True)\ndef run(number, threads, meeting):\n"
    run = cache.module(HEADER + WAIT + begin + "    wait(meeting, threads)\n" * 3).run
    run(0, 1, np.zeros(8, np.int64))
    start, begun = Thread.start, list[Thread]()

    def few(self: Thread) -> None:
        if len(begun) == 3:  # the one that asks, the team's first and its second
            raise RuntimeError("can't start new thread")
        begun.append(self)
        start(self)

    def ask() -> None:
        with pytest.raises(RuntimeError, match="can't start new thread"):
            Team(3)(run, ())

    monkeypatch.setattr(Thread, "start", few)
    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(60)
    assert not asking.is_alive()
