"""How weights begin: their distribution, and who chooses it."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

import glassnet as gn
from glassnet.activations import ACTIVATIONS
from glassnet.initializers import INITIALIZERS, glorot, he, lecun, normal, ones, zeros

SHAPE = (120, 80)
DISTRIBUTIONS = {
    "glorot": stats.uniform(-np.sqrt(6 / 200), 2 * np.sqrt(6 / 200)),
    "he": stats.norm(0, np.sqrt(2 / 120)),
    "lecun": stats.norm(0, np.sqrt(1 / 120)),
    "normal": stats.norm(0, 1),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_an_initializer_has_its_distribution(name: str, seed: int) -> None:
    W = INITIALIZERS[name](np.random.default_rng(seed), SHAPE)
    assert W.shape == SHAPE
    own = DISTRIBUTIONS[name]
    assert W.var() == pytest.approx(own.var(), rel=0.06)
    assert abs(W.mean()) < 4 * own.std() / np.sqrt(W.size)
    assert stats.kstest(W.ravel(), own.cdf).pvalue > 1e-3
    for other in DISTRIBUTIONS:
        if other != name:
            # a sample of another would not pass for it
            assert stats.kstest(W.ravel(), DISTRIBUTIONS[other].cdf).pvalue < 1e-6
    # neighbours have nothing to do with each other
    assert abs(np.corrcoef(W[1:].ravel(), W[:-1].ravel())[0, 1]) < 0.05
    assert abs(np.corrcoef(W[:, 1:].ravel(), W[:, :-1].ravel())[0, 1]) < 0.05


def test_the_variances_follow_the_shape() -> None:
    rng = np.random.default_rng(0)
    for inputs, units in ((400, 20), (20, 400), (1, 10_000)):
        for function, variance in (
            (glorot, 2 / (inputs + units)),
            (he, 2 / inputs),
            (lecun, 1 / inputs),
            (normal, 1.0),
        ):
            assert function(rng, (inputs, units)).var() == pytest.approx(variance, rel=0.1)
    assert not zeros(rng, (2, 3)).any()
    assert (ones(rng, (2, 3)) == 1).all()
    every = (zeros, ones, normal, glorot, he, lecun)
    assert {each.__name__: each for each in every} == INITIALIZERS


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_activation_chooses(activation: str) -> None:
    chosen = {"identity": glorot, "sigmoid": glorot, "tanh": glorot, "selu": lecun}
    expected = chosen.get(activation, he)(np.random.default_rng(5), (4, 3))
    net = gn.Network([gn.Dense(3, activation), gn.Dense(2)], 4, dtype="float64", seed=5)
    assert (net.weights["W1"] == expected).all()
    assert not net.weights["b1"].any()


@pytest.mark.parametrize("name", INITIALIZERS)
def test_a_name_chooses(name: str) -> None:
    expected = INITIALIZERS[name](np.random.default_rng(5), (4, 3))
    net = gn.Network([gn.Dense(3, "relu", init=name), gn.Dense(2)], 4, dtype="float64", seed=5)
    assert (net.weights["W1"] == expected).all()
    assert not net.weights["b1"].any()


def test_a_function_chooses_and_gets_the_generator_and_the_shape() -> None:
    def own(rng: Any, shape: tuple[int, ...]) -> Any:
        return 7 + rng.random(shape)

    net = gn.Network([gn.Dense(3, init=own), gn.Dense(2)], 4, dtype="float64", seed=5)
    assert (net.weights["W1"] == 7 + np.random.default_rng(5).random((4, 3))).all()


def test_what_else_a_layer_learns_begins_as_it_says() -> None:
    layers = [
        *(gn.Embedding(0, 500, 4), gn.Scale(), gn.LayerNorm()),
        *(gn.Dense(3, "parametric_relu"), gn.Dense(2)),
    ]
    net = gn.Network(layers, 2, dtype="float64", seed=0)
    w = net.weights
    assert stats.kstest(w["E1"].ravel(), stats.norm.cdf).pvalue > 1e-3
    assert (w["s2"] == 1).all()
    assert (w["gain3"] == 1).all()
    assert not w["shift3"].any()
    assert (w["leak4"] == 0.25).all()


@pytest.mark.parametrize(
    ("activation", "low", "high"), [("relu", 0.3, 3.0), ("tanh", 0.1, 1.0), ("selu", 0.7, 1.4)]
)
def test_a_signal_neither_grows_nor_fades_through_twenty_layers(
    activation: str, low: float, high: float
) -> None:
    layers = [gn.Dense(200, activation) for _ in range(20)]
    net = gn.Network([*layers, gn.Dense(1)], 200, dtype="float64", seed=1)
    x, p = np.random.default_rng(0).standard_normal((200, 200)), net.layout.views(net.theta)
    for layer, own in zip(layers, p, strict=False):
        x = layer.forward(x, own, None)[0]
    assert low < np.sqrt(np.mean(np.square(x))) < high
