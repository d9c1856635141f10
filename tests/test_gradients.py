"""Every gradient against central differences of its loss, in float64; and the check itself."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet.step import Variant
from helpers import ACTIVATIONS, LOSSES, Case, eager_step, gradient_error, targets_for

LIMIT = 1e-6


def far_from_kinks(net: gn.Network, X: Any, draws: int) -> bool:
    """Whether no relu is within reach of z = 0 while a parameter is moved."""
    step = net.step(Variant(len(X), "gradient"))
    v = {"x": X.astype(float), "theta": net.theta}
    within = lambda *place: __import__("contextlib").nullcontext()  # noqa: E731
    _, kept, _ = step._forward(v, np.random.default_rng(draws), within)
    return all(
        np.abs(needed[1]).min() > 1e-3
        for layer, needed in zip(net.layers, kept, strict=True)
        if isinstance(layer, gn.Dense) and isinstance(layer.activation, gn.Relu)
    )


def settled(net: gn.Network, X: Any, draws: int = 0) -> gn.Network:
    """Return the network with weights drawn until no relu sits on its kink."""
    rng = np.random.default_rng(net.seed)
    for _ in range(2000):
        net.theta[...] = rng.standard_normal(net.theta.shape) * 0.7
        if far_from_kinks(net, X, draws):
            return net
    raise AssertionError("no weights without a kink found")


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("layer", ["dense", "dropout", "norm"])
def test_every_layer_activation_loss_and_weights(
    layer: str, activation: str, loss: gn.Loss, weighted: bool
) -> None:
    rng = np.random.default_rng(5)
    between = {"dense": gn.Dense(3, "tanh"), "dropout": gn.Dropout(0.4), "norm": gn.LayerNorm()}
    layers = [gn.Dense(4, activation), between[layer], gn.Dense(3)]
    net = gn.Network(layers, 2, loss=loss, dtype="float64", seed=3)
    X = rng.standard_normal((6, 2))
    y = targets_for(loss, 6, 3, rng)
    w = np.array([0.0, 1.0, 2.0, 0.5, 3.0, 1.0]) if weighted else None
    assert gradient_error(settled(net, X), X, y, w) < LIMIT


@pytest.mark.parametrize("part", range(6))
def test_300_random_networks(part: int) -> None:
    for seed in range(50 * part, 50 * part + 50):
        case = Case(seed, "float64")
        case.members = 1
        net = settled(case.make(), case.X, draws=seed)
        assert gradient_error(net, case.X, case.y, case.w, draws=seed) < LIMIT, seed


def test_the_derivative_by_the_input_is_right_too() -> None:
    """Layers 2 and later get it from the layers behind them, and the first need not."""
    net = gn.Network(
        [gn.Dropout(0.2), gn.LayerNorm(), gn.Dense(3, "gelu"), gn.LayerNorm(), gn.Dense(1)],
        inputs=4, dtype="float64", seed=1,
    )  # fmt: skip
    X = np.random.default_rng(0).standard_normal((5, 4))
    assert gradient_error(net, X, np.arange(5.0)) < LIMIT


@dataclass(frozen=True)
class NearlyTanh(gn.Tanh):
    """A tanh whose slope is 0.05% too large."""

    def slope(self, z: Any, a: Any) -> Any:
        return 1.0005 * (1 - a * a)


class NoBias(gn.Dense):
    """A Dense that forgets the gradient of its bias."""

    def backward(self, kept: Any, da: Any, p: Any, d: Any, need_dx: bool) -> Any:
        dx = super().backward(kept, da, p, d, need_dx)
        d.b[...] = 0 * d.b
        return dx


class TutorialsMistake(gn.BinaryCrossEntropy):
    """The tutorial's extra factor p (1 - p)."""

    def gradient(self, raw: Any, y: Any, w: Any) -> Any:
        p = gn.sigmoid(raw)
        return (p - y) * p * (1 - p) * w


@pytest.mark.parametrize(
    ("layers", "loss"),
    [
        ([gn.Dense(3, NearlyTanh()), gn.Dense(1)], "squared_error"),
        ([NoBias(3, "tanh"), gn.Dense(1)], "squared_error"),
        ([gn.Dense(3, "tanh"), gn.Dense(1)], TutorialsMistake()),
    ],
    ids=["slope off by 0.05%", "bias forgotten", "extra p(1-p)"],
)
def test_a_planted_mistake_is_found(layers: list[gn.Layer], loss: Any) -> None:
    X = np.random.default_rng(0).standard_normal((6, 2))
    net = gn.Network(layers, 2, loss=loss, dtype="float64", seed=0)
    assert gradient_error(net, X, np.array([0, 1, 1, 0, 1, 0])) > 10 * LIMIT


def test_a_gradient_of_a_weighted_batch_without_weights_is_zero() -> None:
    net = gn.Network([gn.Dense(2)], 2, dtype="float64", seed=0)
    loss, gradient = eager_step(net, np.ones((2, 2)), np.ones((2, 2)), np.zeros(2))(net.theta)
    assert loss == 0
    assert not gradient.any()
