"""The guard: a run that diverges is told the line and the layer in which it broke."""

import re
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet import guard
from glassnet.insight import breaking
from glassnet.training import Training

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 3))
Y = np.sin(X[:, 0])
TOLD = re.compile(
    r"training diverged in epoch (\d+): the weights are those after epoch (\d+); "
    r"it broke first in line (\d+), (.*), of (.*); a lower learning rate than (.*) may help"
)


class Exp(gn.Activation):
    """a = exp(z), which is infinite from 89 on."""

    def f(self, z: Any) -> Any:
        return np.exp(z)

    def slope(self, z: Any, a: Any) -> Any:
        return a


class Steep(gn.Optimizer):
    """Steps that grow without end."""

    rate, state = 1.0, ("speed",)

    def update(self, theta: Any, gradient: Any, rate: Any, speed: Any) -> None:
        speed[...] = 1e12 * speed + 1.0
        theta[...] = theta + 0 * gradient + rate * speed


def fitted(layers: list[gn.Layer], **how: Any) -> tuple[gn.Network, str]:
    net = gn.Network(layers, 3, seed=0)
    with pytest.warns(gn.DivergenceWarning) as caught:
        net.fit(X, Y, **({"epochs": 200} | how))
    return net, str(caught[0].message)


CASES: dict[str, tuple[list[gn.Layer], dict[str, Any], str, str]] = {
    "an activation": (
        [gn.Dense(4, "relu"), gn.Dense(5, Exp()), gn.Dense(1)],
        {"optimizer": gn.SGD(100.0)},
        "a2 = exp(z2)",
        "layer 2 Dense",
    ),
    "the loss": (
        [gn.Dense(5, "relu"), gn.Dense(1)],
        {"optimizer": gn.SGD(1000.0)},
        "total = sum(square(z2 - y) * 0.03125, axis=(-2, -1))",
        "SquaredError",
    ),
    "the optimizer": (
        [gn.Dense(5, "tanh"), gn.Dense(1)],
        {"optimizer": Steep(), "batch_size": None},
        "theta[...] = theta + 0 * gradient + rate * speed",
        "Steep",
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seldom", [0.0, 1e9], ids=["a state just before", "the first state"])
@pytest.mark.parametrize("engine", ["numpy", "eager"])
def test_the_line_and_the_layer_are_named(
    name: str, seldom: float, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "SELDOM", seldom)
    layers, how, text, owner = CASES[name]
    net, message = fitted(layers, engine=engine, **how)
    found = TOLD.fullmatch(message)
    assert found is not None, message
    assert (found[4], found[5]) == (text, owner)
    assert int(found[1]) == int(found[2]) + 1
    rows = 60 if how.get("batch_size", 0) is None else 32
    row = net.program(rows=rows, optimizer=how["optimizer"])[int(found[3]) - 1]
    assert (row.text, row.owner) == (text, owner.removeprefix("layer "))


def test_the_state_that_is_kept_is_a_late_one_where_there_is_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = gn.Network([gn.Dense(3, "tanh"), gn.Dense(1)], 2, seed=0)
    X, kept = np.random.default_rng(0).standard_normal((20, 2)), {}
    for seldom in (0.0, 1e9):
        monkeypatch.setattr(guard, "SELDOM", seldom)
        training = Training(net, X, X[:, 0], epochs=9, optimizer="momentum")
        befores = []
        for _ in range(3):
            befores.append(net.theta.copy())
            training.advance()
        seen = training._guard
        kept[seldom] = seen.done, seen.steps
        place = -1 if seldom == 0 else 0
        np.testing.assert_array_equal(seen.arrays["theta"], befores[place])
    assert kept == {0.0: (2, 2), 1e9: (0, 0)}


def test_dropped_units_and_schedules_are_the_same_once_more() -> None:
    layers = [gn.Dense(6, Exp()), gn.Dropout(0.4), gn.Dense(1)]
    how = {"schedule": "exponential", "sample_weight": np.arange(60) + 1.0, "every": 4}
    _, message = fitted(layers, optimizer=gn.Momentum(3.0), batch_size=7, **how)
    assert TOLD.fullmatch(message), message


@pytest.mark.parametrize("what", ["late", "large", "several", "another rate"])
def test_what_cannot_be_told_is_left_out(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    how: dict[str, Any] = {"optimizer": gn.SGD(1000.0)}
    if what == "late":
        monkeypatch.setattr(breaking, "PATIENCE", -1.0)
    elif what == "large":
        monkeypatch.setattr(guard, "MOST_WEIGHTS", 3)
    elif what == "several":
        how["members"] = 2
    else:
        monkeypatch.setattr(guard, "SELDOM", 1e9)
        how = {"optimizer": gn.SGD(0.001), "on_epoch": lambda epoch: setattr(epoch, "rate", 1e3)}
    _, message = fitted([gn.Dense(5, "relu"), gn.Dense(1)], **how)
    assert re.fullmatch(
        TOLD.pattern.replace(r"it broke first in line (\d+), (.*), of (.*); ", ""), message
    )


def test_looking_for_it_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    left = []
    for most in (guard.MOST_WEIGHTS, 0):
        monkeypatch.setattr(guard, "MOST_WEIGHTS", most)
        layers = [gn.Dense(5, "relu"), gn.Dropout(0.2), gn.Dense(1)]
        net, _ = fitted(layers, optimizer=gn.Momentum(5.0))
        left.append((net.theta.tobytes(), net.generators[0].bit_generator.state))
    assert left[0] == left[1]
