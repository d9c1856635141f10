"""What several tests need: random networks, and ways to run a training step."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

import glassnet as gn
from glassnet import base
from glassnet.planner import Replay
from glassnet.step import Variant
from glassnet.written import Written

ACTIVATIONS = ("identity", "sigmoid", "tanh", "relu", "gelu")
OPTIMIZERS = (gn.SGD(0.02), gn.Momentum(0.01, 0.8), gn.Adam(0.01))
LOSSES = (
    gn.SquaredError(),
    gn.BinaryCrossEntropy(),
    gn.MulticlassCrossEntropy(),
    gn.MulticlassCrossEntropy(0.2),
)


def layers_of(rng: np.random.Generator) -> list[gn.Layer]:
    """Return one to four random hidden layers."""
    layers: list[gn.Layer] = []
    for _ in range(rng.integers(1, 5)):
        kind = rng.integers(4)
        if kind == 0:
            layers.append(gn.Dropout(float(rng.uniform(0, 0.6))))
        elif kind == 1:
            layers.append(gn.LayerNorm())
        else:
            units = int(rng.integers(1, 9))
            factors = (1.0, 1.0) if rng.random() < 0.7 else (0.5, 2.0)
            layers.append(gn.Dense(units, str(rng.choice(ACTIVATIONS)), *factors))
    return layers


def targets_for(loss: gn.Loss, rows: int, outputs: int, rng: np.random.Generator) -> Any:
    """Return targets that suit a loss, of more than one class."""
    if loss.labels:
        return np.concatenate([[0, 1], rng.integers(0, outputs, rows - 2)])
    if loss.classes:
        y = rng.integers(0, 2, (rows, outputs)).astype(float)
        y[:2] = [[0.0], [1.0]]
        return y
    return rng.standard_normal((rows, outputs))


class Case:
    """A random network with data and options; `make` gives a new one, the same every time."""

    def __init__(self, seed: int, dtype: str | None = None) -> None:
        rng = np.random.default_rng(seed)
        self.seed, self.inputs = seed, int(rng.integers(1, 7))
        self.rows = int(rng.integers(2, 30))
        self.loss = LOSSES[rng.integers(len(LOSSES))]
        self.outputs = int(rng.integers(self.loss.least_outputs, 5))
        self.layers = [*layers_of(rng), gn.Dense(self.outputs)]
        self.dtype = dtype or str(rng.choice(["float32", "float64"]))
        self.members = int(rng.choice([1, 1, 2, 3]))
        self.X = rng.standard_normal((self.rows, self.inputs))
        self.y = targets_for(self.loss, self.rows, self.outputs, rng)
        self.w = rng.choice([0.0, 0.5, 1.0, 3.0], self.rows) if rng.random() < 0.5 else None
        if self.w is not None:
            self.w[0] = 1.0
        self.batch = None if rng.random() < 0.3 else int(rng.integers(1, self.rows + 3))
        self.rule = OPTIMIZERS[rng.integers(len(OPTIMIZERS))]

    def make(self) -> gn.Network:
        """Return the network, as its members."""
        net = gn.Network(self.layers, self.inputs, loss=self.loss, dtype=self.dtype, seed=self.seed)
        if self.members > 1:
            net.spread(self.members)
        return net

    def epochs_for(self, steps: int) -> int:
        """Return how many epochs make at least that many steps."""
        batch = self.rows if self.batch is None else min(self.batch, self.rows)
        return -(-steps // -(-self.rows // batch))

    def train(self, engine: str = "numpy", steps: int = 20) -> tuple[Any, Any]:
        """Train at least that many steps; return the weights and the losses."""
        net = self.make()
        history = net.fit(
            *(self.X, self.y),
            epochs=self.epochs_for(steps),
            batch_size=self.batch,
            optimizer=self.rule,
            sample_weight=self.w,
            engine=engine,
        )
        return net.theta, np.array(history.loss)


def no_recorder(monkeypatch: Any) -> None:
    """Make every attempt to record fail."""

    def never(*args: Any) -> None:
        raise AssertionError("recorded in an eager run")

    monkeypatch.setattr(base, "record", never)
    monkeypatch.setattr("glassnet.value.Value.__init__", never)


def poisoned(self: Replay) -> None:
    """Replay, with every byte of the arena set first so that each float in it is a NaN."""
    self._arena.memory[...] = 255
    self._run()


def as_written(self: Replay) -> None:
    """Run the program as it is written, in the place of its replay."""
    run = Written(self.program, self.arrays, self._namespace.get("rng"))
    for _ in run:
        pass
    self.outputs = {name: run.array(self.program.outputs[name]) for name in self.outputs}


def eager_step(
    net: gn.Network, X: Any, y: Any, w: Any = None, *, draws: int = 0
) -> Callable[[Any], tuple[float, Any]]:
    """Return f(theta) -> (loss, gradient) of a training step on arrays, its draws always alike."""
    step = net.step(Variant(len(X), "gradient", weighted=w is not None))
    v = {
        name: np.zeros(shape, dtype)
        for name, (shape, dtype) in step.inputs(net.inputs, net.dtype).items()
    }
    v["x"][...] = X
    v["y"][...] = net.loss.check(y, net.outputs)
    if w is not None:
        v["w"][...] = np.reshape(w, (-1, 1))

    def run(theta: Any) -> tuple[float, Any]:
        v["theta"][...] = theta
        results = step(v, np.random.default_rng(draws), lambda *place: nullcontext())
        return float(results["loss"]), v["gradient"].copy()

    return run


def numeric_gradient(run: Callable[[Any], tuple[float, Any]], theta: Any, h: float = 3e-5) -> Any:
    """Return central differences of the loss (of fourth order), parameter by parameter."""
    gradient = np.zeros_like(theta)
    for i in range(theta.size):
        for steps, weight in ((1, 8), (-1, -8), (2, -1), (-2, 1)):
            moved = theta.copy()
            moved[i] += steps * h
            gradient[i] += weight * run(moved)[0] / (12 * h)
    return gradient


def gradient_error(net: gn.Network, X: Any, y: Any, w: Any = None, draws: int = 0) -> float:
    """Return how far the analytic gradient is from central differences, relative to its size."""
    run = eager_step(net, X, y, w, draws=draws)
    analytic = run(net.theta)[1]
    numeric = numeric_gradient(run, net.theta)
    return float(np.linalg.norm(analytic - numeric) / max(np.linalg.norm(numeric), 1e-3))
