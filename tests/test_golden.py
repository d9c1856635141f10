"""glassnet against constants that PyTorch made once; see golden/make_optimizers.py."""

import json
from pathlib import Path

import numpy as np
import pytest

import glassnet as gn

GOLDEN = json.loads(Path(__file__).with_name("golden").joinpath("optimizers.json").read_text())
WRITTEN = {
    "SGD(rate=0.02)": gn.SGD(rate=0.02),
    "Momentum(rate=0.01, momentum=0.9)": gn.Momentum(rate=0.01, momentum=0.9),
    "Adam()": gn.Adam(),
    "Adam(rate=0.05, beta1=0.8, beta2=0.95, epsilon=1e-6)": gn.Adam(
        rate=0.05, beta1=0.8, beta2=0.95, epsilon=1e-6
    ),
    "Adam(rate=0.05)": gn.Adam(rate=0.05),
    "BinaryCrossEntropy()": gn.BinaryCrossEntropy(),
    "MulticlassCrossEntropy()": gn.MulticlassCrossEntropy(),
    "MulticlassCrossEntropy(label_smoothing=0.1)": gn.MulticlassCrossEntropy(label_smoothing=0.1),
    "SquaredError()": gn.SquaredError(),
}


def alike(got, expected):
    """Assert that two arrays differ by at most 1e-9, relative to the largest number in them."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() <= 1e-9 * np.abs(expected).max()


def bowl_gradient(theta):
    bowl = GOLDEN["bowl"]
    amplitude, frequency = np.array(bowl["amplitude"]), np.array(bowl["frequency"])
    return np.array(bowl["A"]) @ theta + amplitude * frequency * np.cos(frequency * theta)


@pytest.mark.parametrize("name", GOLDEN["paths"])
def test_an_optimizer_walks_the_path_of_pytorch(name):
    rule, path = WRITTEN[name], GOLDEN["paths"][name]
    theta = np.array(GOLDEN["bowl"]["start"])
    state = {vector: np.zeros_like(theta) for vector in rule.state}
    assert len(path) == 10
    for step, expected in enumerate(path, 1):
        rule.update(theta, bowl_gradient(theta), rule.rate, **state, **rule.corrections(step))
        alike(theta, expected)


@pytest.mark.parametrize("engine", ["numpy", "eager"])
@pytest.mark.parametrize("name", GOLDEN["trainings"])
def test_a_network_trains_as_in_pytorch(name, engine):
    activation, loss = name.split(", ", 1)
    start, expected = GOLDEN["net"], GOLDEN["trainings"][name]
    net = gn.Network(
        [gn.Dense(4, activation), gn.Dense(2)],
        inputs=3,
        loss=WRITTEN[loss],
        dtype="float64",
        seed=0,
    )
    for weight, value in start["weights"].items():
        net.weights[weight][...] = value
    history = net.fit(
        start["X"],
        start["targets"][loss],
        epochs=5,
        batch_size=None,
        optimizer=WRITTEN[start["optimizer"]],
        every=1,
        engine=engine,
    )
    alike(history.loss, expected["losses"])
    assert net.weights.keys() == expected["weights"].keys()
    for weight, value in expected["weights"].items():
        alike(net.weights[weight], value)


def test_every_constant_is_used():
    assert len(GOLDEN["paths"]) == 4
    assert len(GOLDEN["trainings"]) == 16
