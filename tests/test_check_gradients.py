"""The gradient check that users have: right on what is right, and it finds what is not."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet.insight.gradients import check_gradients
from helpers import Case


@pytest.mark.parametrize("part", range(3))
def test_random_networks_are_right(part: int) -> None:
    kinks = 0
    for seed in range(40 * part, 40 * part + 40):
        case = Case(seed)
        case.members = 1
        net = case.make()
        before = net.theta.copy()
        check = check_gradients(net, case.X, case.y, case.w, l2=case.options["l2"])
        assert check.right, (seed, check)
        assert check.error < 1e-6
        assert net.theta.tobytes() == before.tobytes()
        along = check_gradients(net, case.X, case.y, case.w, directions=3, seed=seed)
        assert along.right, (seed, along)
        kinks += len(check.kinks)
    assert kinks < 100


@dataclass(frozen=True, repr=False)
class Steep(gn.Tanh):
    """A tanh whose slope is 0.05% too large."""

    def slope(self, z: Any, a: Any) -> Any:
        return 1.0005 * (1 - a * a)


class NoBias(gn.Dense):
    """A Dense that forgets the gradient of its bias."""

    def backward(self, kept: Any, da: Any, p: Any, d: Any, need_dx: bool) -> Any:
        dx = super().backward(kept, da, p, d, need_dx)
        d.b[...] = 0 * d.b
        return dx


class OneEntry(gn.Dense):
    """A Dense that gets a single entry of dW wrong."""

    def backward(self, kept: Any, da: Any, p: Any, d: Any, need_dx: bool) -> Any:
        dx = super().backward(kept, da, p, d, need_dx)
        d.W[..., 1, 2] = 1.5 * d.W[..., 1, 2]
        return dx


class Tutorials(gn.BinaryCrossEntropy):
    """The tutorial's extra factor p (1 - p)."""

    def gradient(self, raw: Any, y: Any, w: Any) -> Any:
        p = gn.sigmoid(raw)
        return (p - y) * p * (1 - p) * w


X, Y = np.random.default_rng(0).standard_normal((12, 3)), np.array([0, 1] * 6)


@pytest.mark.parametrize("directions", [0, 5])
@pytest.mark.parametrize(
    ("layers", "loss", "wrong"),
    [
        ([gn.Dense(4, Steep()), gn.Dense(1)], "squared_error", {"W1", "b1"}),
        ([NoBias(4, "tanh"), gn.Dense(1)], "squared_error", {"b1"}),
        ([OneEntry(4, "relu"), gn.Dense(1)], "squared_error", {"W1"}),
        ([gn.Dense(4, "tanh"), gn.Dense(1)], Tutorials(), {"W1", "b1", "W2", "b2"}),
    ],
    ids=["slope", "bias", "entry", "p(1-p)"],
)
def test_a_planted_mistake_is_named(
    directions: int, layers: Any, loss: Any, wrong: set[str]
) -> None:
    net = gn.Network(layers, 3, loss=loss, seed=3)
    check = check_gradients(net, X, Y, directions=directions)
    assert not check
    assert {name for name, error in check.errors.items() if error > 1e-6} == wrong
    assert "The gradient is wrong" in str(check)
    if not directions:
        assert check.worst[0].name in wrong
        assert check.worst[0].error > 1e-4
    if isinstance(layers[0], OneEntry) and not directions:
        assert (check.worst[0].name, check.worst[0].index) == ("W1", (1, 2))
        assert check.worst[0].analytic == pytest.approx(1.5 * check.worst[0].numeric)
        assert "W1[1, 2]" in str(check)


def test_a_kink_is_recognised_and_a_mistake_beside_it_found() -> None:
    """With biases of 0 and a row of zeros, relu stands at its corner."""
    rows = np.vstack([np.zeros(3), X[:5]])
    y = np.arange(1.0, 7.0)
    net = gn.Network([gn.Dense(4, "relu"), gn.Dense(1)], 3, seed=0)
    check = check_gradients(net, rows, y)
    assert check.right
    assert {entry.name for entry in check.kinks} == {"b1"}
    assert "kink of the loss" in str(check)
    net = gn.Network([OneEntry(4, "relu"), gn.Dense(1)], 3, seed=0)
    check = check_gradients(net, rows, y)
    assert not check.right
    assert check.kinks
    met = gn.Network([gn.Dense(1)], 3, loss="absolute_error", seed=0)
    met.theta[...] = 0
    check = check_gradients(met, rows, np.zeros(6))
    assert check.right  # the slope 0 that it says is the mean of those on both sides


def test_a_million_parameters_take_seconds() -> None:
    net = gn.Network([gn.Dense(1000, "relu"), gn.Dense(900, "relu"), gn.Dense(3)], 100, seed=0)
    rng = np.random.default_rng(0)
    assert net.theta.size > 1_000_000
    begin = perf_counter()
    check = check_gradients(net, rng.standard_normal((20, 100)), rng.standard_normal((20, 3)))
    assert check.directions == 8
    assert check.parameters == net.theta.size
    assert check.right, check
    assert perf_counter() - begin < 120  # a guard against an accident, not a measurement


def test_a_frozen_layer_is_left_out() -> None:
    net = gn.Network([gn.Dense(4, "tanh"), gn.Dense(1)], 3, seed=0)
    net.freeze(1)
    check = check_gradients(net, X, Y)
    assert check.right
    assert check.errors.keys() == {"W2", "b2"}


def test_refusals() -> None:
    net = gn.Network([gn.Dense(1)], 3, seed=0)
    for options, message in (
        ({"tolerance": -1}, "tolerance: expected a number"),
        ({"directions": -1}, "directions: expected at least 0, got -1"),
        ({"l2": "x"}, "l2: expected a number, got 'x'"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            check_gradients(net, X, Y, **options)
    with pytest.raises(ValueError, match=r"X: expected shape \(rows, 3\)"):
        check_gradients(net, X[:, :2], Y)
    net.spread(2)
    with pytest.raises(ValueError, match="check_gradients: expected one network"):
        check_gradients(net, X, Y)
