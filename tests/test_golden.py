"""Optimizers and trainings against constants that PyTorch made once; see golden/."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from helpers import made

GOLDEN = json.loads(Path(__file__).with_name("golden").joinpath("optimizers.json").read_text())
NET = GOLDEN["net"]


def alike(got: Any, expected: Any, limit: float = 1e-9) -> None:
    """Assert that two arrays differ by at most this much of the largest number in them."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() <= limit * np.abs(expected).max()


def bowl_gradient(theta: Any) -> Any:
    bowl = GOLDEN["bowl"]
    amplitude, frequency = np.array(bowl["amplitude"]), np.array(bowl["frequency"])
    return np.array(bowl["A"]) @ theta + amplitude * frequency * np.cos(frequency * theta)


@pytest.mark.parametrize("name", GOLDEN["paths"])
def test_an_optimizer_walks_the_path_of_pytorch(name: str) -> None:
    rule, path = made(name), GOLDEN["paths"][name]
    theta = np.array(GOLDEN["bowl"]["start"])
    state = {vector: np.zeros_like(theta) for vector in rule.state}
    assert len(path) == 10
    for step, expected in enumerate(path, 1):
        rule.update(theta, bowl_gradient(theta), rule.rate, **state, **rule.corrections(step))
        alike(theta, expected)


def network(activation: str, loss: Any, rates: Any = None) -> gn.Network:
    """Return the network of the golden values, as it begins."""
    one, two = (((rates or {}).get(f"W{i}", 1.0), (rates or {}).get(f"b{i}", 1.0)) for i in (1, 2))
    layers = [gn.Dense(4, activation, *one), gn.Dense(2, "identity", *two)]
    net = gn.Network(layers, inputs=3, loss=loss, dtype="float64", seed=0)
    net.weights = NET["weights"]
    return net


def compare(net: gn.Network, history: gn.History, expected: Any, limit: float = 1e-9) -> None:
    alike(history.loss, expected["losses"], limit)
    assert net.weights.keys() == expected["weights"].keys()
    for weight, value in expected["weights"].items():
        alike(net.weights[weight], value, limit)


@pytest.mark.parametrize("engine", ["numpy", "eager"])
@pytest.mark.parametrize("name", GOLDEN["trainings"])
def test_a_network_trains_as_in_pytorch(name: str, engine: str) -> None:
    activation, loss = name.split(", ", 1)
    net = network(activation, made(loss))
    history = net.fit(
        *(NET["X"], NET["targets"][loss]),
        epochs=5,
        batch_size=None,
        optimizer=made(NET["optimizer"]),
        engine=engine,
    )
    compare(net, history, GOLDEN["trainings"][name])


@pytest.mark.parametrize("engine", ["numpy", "eager"])
@pytest.mark.parametrize("name", GOLDEN["regularised"])
def test_penalties_decay_clipping_factors_frozen_layers_and_schedules_are_pytorchs(
    name: str, engine: str
) -> None:
    expected = GOLDEN["regularised"][name]
    options = dict(expected["options"])
    net = network("tanh", "squared_error", options.pop("rates", None))
    if "frozen" in options:
        net.freeze(options.pop("frozen"))
    # PyTorch adds 1e-6 to the length of a gradient that it shortens
    limit = 1e-6 if "clip_norm" in options else 1e-9
    history = net.fit(
        *(NET["X"], NET["large"]),
        epochs=10,
        batch_size=None,
        optimizer=made(expected["optimizer"]),
        engine=engine,
        **options,
    )
    compare(net, history, expected, limit)


def test_every_constant_is_used_and_the_comparison_can_fail() -> None:
    sizes = {name: len(GOLDEN[name]) for name in ("paths", "trainings", "regularised")}
    assert sizes == {"paths": 8, "trainings": 51, "regularised": 15}
    net = network("tanh", "squared_error")
    history = net.fit(NET["X"], NET["large"], epochs=10, batch_size=None, optimizer=gn.AdamW(0.05))
    expected = GOLDEN["regularised"]["AdamW(rate=0.05)"]
    compare(net, history, expected)
    net.weights["W1"] *= 1 + 1e-8
    with pytest.raises(AssertionError):
        compare(net, history, expected)
