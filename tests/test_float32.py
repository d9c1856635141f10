"""A network of float32 computes in float32: no line of a step widens, and nothing between steps."""

from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet.program import Program
from helpers import ACTIVATIONS, EVERY_LOSS, OPTIMIZERS, OWN_LOSS, every_layer, label

INPUTS = 9
X = np.random.default_rng(0).integers(0, 2, (12, INPUTS)).astype("float32")
STEP: dict[str, Any] = {"l2": 0.1, "weight_decay": 0.1, "clip_norm": 1.0}


def network(layers: Any, loss: Any = "squared_error", members: int = 1) -> gn.Network:
    net = gn.Network(layers, INPUTS, loss=loss, seed=0)
    if members > 1:
        net.spread(members)
    return net


def wide(net: gn.Network, rule: Any = "adam", **options: Any) -> list[str]:
    """Return every value of a step and of a prediction that is a float, and none of 32 bits."""
    programs = [net.program(rows=4, optimizer=rule, **options), net.program(4, "predict")]
    found = []
    for program in programs:
        lines = [(str(line.result), line.result) for line in program.lines]
        for name, value in [*lines, *program.inputs.items(), *program.outputs.items()]:
            if value.dtype.kind in "fc" and value.dtype != np.float32:
                found.append(f"{name}: {value.dtype}")
    return found


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=label)
def test_every_layer_and_activation(activation: Any, members: int) -> None:
    assert not wide(network(every_layer(activation), members=members))


@pytest.mark.parametrize("loss", [*EVERY_LOSS, OWN_LOSS], ids=label)
def test_every_loss(loss: Any) -> None:
    assert not wide(network([gn.Dense(4, "tanh"), gn.Dense(3)], loss))


@pytest.mark.parametrize("rule", OPTIMIZERS, ids=label)
def test_every_optimizer(rule: Any) -> None:
    net = network([gn.Dense(4, "tanh"), gn.Dense(3)])
    assert not wide(net, rule, weighted=True, **STEP)


@pytest.mark.parametrize("engine", ["numpy", "eager"])
def test_what_lies_between_steps(engine: str) -> None:
    net, y = network([gn.Squash(), gn.Dense(4, "tanh"), gn.Dense(3)]), X[:, :3]
    net.start(X)
    how = {"engine": engine, "schedule": "cosine", **STEP}
    for epoch in net.train(X, y, epochs=2, sample_weight=X[:, 0] + 1, **how):
        assert {each.dtype.name for each in net.weights.values()} == {"float32"}
        assert epoch.network.theta.dtype == np.float32
        shared = {name: each.dtype.name for name, each in epoch.run.shared.items()}
        assert set(shared.values()) == {"float32"}, shared
    for table in (X, X.astype(float), X.astype(int)):
        assert net.predict(table).dtype == net.raw(table).dtype == np.float32


def test_a_line_of_float64_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wide(gn.Activation):
        def f(self, z: Any) -> Any:
            return (z.astype(np.float64) * 2).astype(z.dtype)

        def slope(self, z: Any, a: Any) -> Any:
            return z * 0 + 2

    with pytest.raises(TypeError, match="a float64 result of cast in a float32 program"):
        network([gn.Dense(4, Wide()), gn.Dense(1)]).program(4)
    monkeypatch.setattr(Program, "refuse", lambda self, what, instead="": None)
    found = wide(network([gn.Dense(4, Wide()), gn.Dense(1)]))
    assert any("float64" in each for each in found)
