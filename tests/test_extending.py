"""What a user writes in plain NumPy works like ours: replayed, with members, and checked."""

from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet.planner import Replay
from helpers import Case, as_written, gradient_error, no_recorder, poisoned


class Softsign(gn.Activation):
    """a = z / (1 + abs(z))."""

    def f(self, z: Any) -> Any:
        return z / (1 + np.absolute(z))

    def slope(self, z: Any, a: Any) -> Any:
        return 1 / np.square(1 + np.absolute(z))


class Scale(gn.Layer):
    """A learned factor a column, with noise in training."""

    def parameters(self, inputs: int) -> dict[str, gn.Parameter]:
        return {"s": gn.Parameter((1, inputs), lambda rng, shape: np.ones(shape), rate=2.0)}

    def forward(self, x: Any, p: Any, rng: Any) -> Any:
        if rng is not None:
            x = x + 0.01 * rng.standard_normal(x.shape, x.dtype)
        return x * p.s, x

    def backward(self, kept: Any, dy: Any, p: Any, d: Any, need_dx: bool) -> Any:
        d.s[...] = np.sum(dy * kept, axis=-2, keepdims=True)
        return dy * p.s if need_dx else None


class LogCosh(gn.Loss):
    """log cosh of the error: squared near 0, absolute far away."""

    def value(self, raw: Any, y: Any, w: Any) -> Any:
        far = np.absolute(raw - y)
        return np.sum((far + np.log1p(np.exp(-2 * far)) - float(np.log(2))) * w, axis=(-2, -1))

    def gradient(self, raw: Any, y: Any, w: Any) -> Any:
        return np.tanh(raw - y) * w


class SignDescent(gn.Optimizer):
    """Steps of the rate in the direction of the mean gradient's sign."""

    rate = 0.01
    state = ("mean",)

    def corrections(self, step: int) -> dict[str, float]:
        return {"shrink": step**-0.5}

    def update(self, theta: Any, gradient: Any, rate: Any, mean: Any, shrink: Any) -> None:
        mean[...] = 0.9 * mean + 0.1 * gradient
        theta[...] = theta - shrink * rate * np.sign(mean)


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_users_own_pieces_replay_bit_for_bit(
    dtype: str, members: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case(0, dtype)
    case.layers = [Scale(), gn.Dense(4, Softsign()), gn.Dropout(0.2), gn.Dense(2)]
    case.loss, case.rule, case.members, case.outputs = LogCosh(), SignDescent(), members, 2
    case.rows, case.inputs, case.batch, case.w, case.sparse, case.options = (
        30,
        3,
        4,
        None,
        False,
        {},
    )
    case.X = np.random.default_rng(0).standard_normal((30, 3))
    case.y, case.frozen = case.X[:, :2], []
    with monkeypatch.context() as patch:
        no_recorder(patch)
        eager, losses = case.train("eager", steps=100)
    assert losses[-1].mean() < losses[0].mean()
    for way in (as_written, poisoned):
        with monkeypatch.context() as patch:
            patch.setattr(Replay, "__call__", way)
            assert case.train(steps=100)[0].tobytes() == eager.tobytes()


def test_the_users_own_gradients() -> None:
    net = gn.Network(
        [Scale(), gn.Dense(4, Softsign()), gn.Dense(2)], 3, loss=LogCosh(), dtype="float64", seed=0
    )
    rng = np.random.default_rng(0)
    assert gradient_error(net, rng.standard_normal((5, 3)), rng.standard_normal((5, 2))) < 1e-6


def test_what_is_missing_is_named() -> None:
    class Empty(gn.Layer):
        def parameters(self, inputs: int) -> dict[str, gn.Parameter]:
            return {"W": gn.Parameter((inputs, 1))}

    with pytest.raises(TypeError, match=r"abstract class Empty .* forward"):
        Empty()

    class Narrow(gn.Dense):
        def forward(self, x: Any, p: Any, rng: Any) -> Any:
            a, kept = super().forward(x, p, rng)
            return a[..., :1], kept

    with pytest.raises(
        ValueError, match=r"layer 1 Narrow, forward: expected \(1, 3\), got \(1, 1\)"
    ):
        gn.Network([Narrow(3)], 2, seed=0).predict(np.ones((1, 2)))

    class Single(gn.Dense):
        def forward(self, x: Any, p: Any, rng: Any) -> Any:
            return super().forward(x, p, rng)[0]

    with pytest.raises(gn.RecordingError, match="layer 1 Single, forward"):
        gn.Network([Single(3)], 2, seed=0).predict(np.ones((1, 2)))
