"""Every optimizer on a parabola and in Rosenbrock's valley, by rates and steps that are stated."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet import lbfgs
from glassnet.optimizers import OPTIMIZERS
from glassnet.plan import Plan
from glassnet.rows import Rows
from helpers import gradient_error


@dataclass(frozen=True, repr=False)
class Bowl(gn.Layer):
    """Scores a - 1 and 3 (b - 1): the sum of their squares is a parabola, 0 at (1, 1)."""

    start = (-1.0, 1.5)

    def parameters(self, inputs: int) -> dict[str, gn.Parameter]:
        return {
            name: gn.Parameter((1, 1), lambda rng, shape, at=at: np.full(shape, at))
            for name, at in zip("ab", self.start, strict=True)
        }

    def outputs(self, inputs: int) -> int:
        return 2

    def forward(self, x: Any, p: Any, rng: Any) -> Any:
        return np.concatenate([x * (p.a - 1), x * (3 * (p.b - 1))], axis=-1), x

    def backward(self, kept: Any, dy: Any, p: Any, d: Any, need_dx: bool) -> None:
        d.a[...] = np.sum(kept * dy[..., :1], axis=-2, keepdims=True)
        d.b[...] = np.sum(3 * kept * dy[..., 1:], axis=-2, keepdims=True)


@dataclass(frozen=True, repr=False)
class Valley(Bowl):
    """Scores 1 - a and 10 (b - a^2): the sum of their squares is Rosenbrock's function."""

    def forward(self, x: Any, p: Any, rng: Any) -> Any:
        return np.concatenate([x * (1 - p.a), x * (10 * (p.b - np.square(p.a)))], axis=-1), x

    def backward(self, kept: Any, dy: Any, p: Any, d: Any, need_dx: bool) -> None:
        one, two = kept * dy[..., :1], kept * dy[..., 1:]
        d.a[...] = np.sum(-one - 20 * p.a * two, axis=-2, keepdims=True)
        d.b[...] = np.sum(10 * two, axis=-2, keepdims=True)


# how far each goes, with which schedule, in how many steps
ROADS: list[tuple[type[gn.Layer], gn.Optimizer, Any, int]] = [
    (Bowl, gn.SGD(0.05), "constant", 300),
    (Bowl, gn.Momentum(0.02), "constant", 300),
    (Bowl, gn.Nesterov(0.02), "constant", 300),
    (Bowl, gn.RMSprop(0.05), "cosine", 300),
    (Bowl, gn.Adam(0.1), "cosine", 300),
    (Bowl, gn.AdamW(0.1, weight_decay=0.0), gn.WarmUp(20, "cosine"), 300),
    (Bowl, gn.LBFGS(1e-9), "constant", 20),
    (Valley, gn.SGD(0.0015), "constant", 20_000),
    (Valley, gn.Momentum(0.0005), "constant", 10_000),
    (Valley, gn.Nesterov(0.0005), "constant", 10_000),
    (Valley, gn.RMSprop(0.01), gn.Exponential(1000, 0.5), 10_000),
    (Valley, gn.Adam(0.05), "cosine", 5000),
    (Valley, gn.AdamW(0.05, weight_decay=0.0), "cosine", 5000),
    (Valley, gn.LBFGS(1e-9), "constant", 100),
]


def network(layer: type[gn.Layer], dtype: str = "float64") -> gn.Network:
    return gn.Network([layer()], inputs=1, dtype=dtype, seed=0)


X, Y = np.ones((1, 1)), np.zeros((1, 2))


@pytest.mark.parametrize(
    ("layer", "rule", "schedule", "steps"),
    ROADS,
    ids=[f"{layer.__name__}, {rule!r}" for layer, rule, _, _ in ROADS],
)
def test_an_optimizer_converges(
    layer: type[gn.Layer], rule: gn.Optimizer, schedule: Any, steps: int
) -> None:
    net = network(layer)
    assert net.theta.tolist() == [-1.0, 1.5]
    step_by_step = {"schedule": schedule, "batch_size": None, "every": steps // 4}
    how = {} if isinstance(rule, gn.LBFGS) else step_by_step
    history = net.fit(X, Y, epochs=steps, optimizer=rule, **how)
    np.testing.assert_allclose(net.theta, 1, atol=1e-3)
    assert history.loss[-1] < 1e-6


def test_every_optimizer_walks_both_roads() -> None:
    for layer in (Bowl, Valley):
        assert {type(rule) for way, rule, _, _ in ROADS if way is layer} == set(OPTIMIZERS.values())
        assert gradient_error(network(layer), X, Y) < 1e-6


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "lbfgs"])
def test_an_optimizers_own_rate_goes_downhill(name: str) -> None:
    net = network(Bowl)
    history = net.fit(X, Y, epochs=20, optimizer=name)
    assert (np.diff(history.loss)[:4] < 0).all()
    assert history.loss[-1] < history.loss[0]


# ---- L-BFGS --------------------------------------------------------------------------------------


def test_what_lbfgs_minimises_is_the_loss_with_its_penalty() -> None:
    rng = np.random.default_rng(0)
    net = gn.Network([gn.Dense(3, "tanh"), gn.Dense(2)], 2, dtype="float64", seed=0)
    net.freeze(1)
    table, y, w = rng.standard_normal((9, 2)), rng.standard_normal((9, 2)), rng.uniform(size=(9, 1))
    function = lbfgs.objective(net, Rows(table, y, w), Plan(gn.LBFGS(), l2=0.3))
    loss, gradient = function(net.theta + 0.1)
    net.theta += 0.1
    penalty = 0.15 * np.sum(np.square(net.weights["W2"]))
    assert loss == pytest.approx(net.evaluate(table, y, w[:, 0])["loss"] + penalty, rel=1e-12)
    assert not gradient[:9].any()
    for place in range(9, net.theta.size):
        moved = np.zeros(net.theta.size)
        moved[place] = 1e-6
        slope = (function(net.theta + moved)[0] - function(net.theta - moved)[0]) / 2e-6
        assert gradient[place] == pytest.approx(slope, rel=1e-5, abs=1e-8)


def test_lbfgs_solves_least_squares_to_the_last_digits() -> None:
    rng = np.random.default_rng(0)
    table, y = rng.standard_normal((40, 3)), rng.standard_normal(40)
    net = gn.Network([gn.Dense(1)], 3, dtype="float64", seed=0)
    net.fit(table, y, optimizer=gn.LBFGS(1e-10), epochs=200)
    best = np.linalg.lstsq(np.c_[table, np.ones(40)], y)[0]
    np.testing.assert_allclose(net.theta, best, atol=1e-8)
