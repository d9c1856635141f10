"""What several tests need: random networks, and ways to run a training step."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import partialmethod
from typing import Any

import numpy as np
from scipy.sparse import csr_array

import glassnet as gn
from glassnet import base
from glassnet.activations import ACTIVATIONS as BY_NAME
from glassnet.planner import Replay
from glassnet.step import Step, Variant, scheduled
from glassnet.written import Written

ACTIVATIONS: tuple[Any, ...] = (*BY_NAME, gn.LeakyRelu(0.3), gn.Elu(0.5))
ACTIVATIONS += (gn.Parametric("selu"), gn.Parametric("mish", rate=0.5))
OPTIMIZERS = (
    gn.SGD(0.02),
    gn.Momentum(0.01, 0.8),
    gn.Nesterov(0.01, 0.8),
    gn.RMSprop(0.005),
    gn.Adam(0.01),
    gn.AdamW(0.01, weight_decay=0.1),
)
# these are smooth, and finite wherever the scores are
LOSSES = (
    gn.SquaredError(),
    gn.SquaredError(half=True),
    gn.Huber(0.7),
    gn.BinaryCrossEntropy(),
    gn.BinaryCrossEntropy(0.1),
    gn.MulticlassCrossEntropy(),
    gn.MulticlassCrossEntropy(0.2),
)
EVERY_LOSS = (
    *LOSSES,
    gn.AbsoluteError(),
    gn.Quantile(0.8),
    gn.Poisson(),
    gn.Focal(),
    gn.Focal(0.5),
)


def near(raw: Any, y: Any) -> Any:
    """Return a loss of one's own: squared near the target, and a distance far from it."""
    return np.sqrt(1 + np.square(raw - y)) - 1


def near_slope(raw: Any, y: Any) -> Any:
    """Return its derivative."""
    return (raw - y) / np.sqrt(1 + np.square(raw - y))


def made(text: str) -> Any:
    """Return what a text makes, a repr or a golden file's, with the names that glassnet has."""
    return eval(text, {name: getattr(gn, name) for name in gn.__all__})


OWN_LOSS = gn.CustomLoss(near, near_slope)
SCHEDULES: tuple[Any, ...] = (
    *("constant", "cosine", "inverse", gn.WarmUp(3, "cosine"), gn.StepDecay(4, 0.5)),
    *(gn.Exponential(5), lambda step, total: 1 / (1 + step % 3), "coslog4", "flat_cos"),
)


def label(part: Any) -> str:
    """Return the name of a part in a test's name: the same in every process."""
    return str(part).partition(" at ")[0]


# ---- random networks -----------------------------------------------------------------------------


def layers_of(rng: np.random.Generator, width: int, most: int = 4, depth: int = 0) -> list[Any]:
    """Return one random hidden layer or several, behind this many columns."""
    layers: list[gn.Layer] = []
    for _ in range(rng.integers(1, most + 1)):
        layers.append(layer_of(rng, width, depth))
        width = layers[-1].outputs(width)
    return layers


def layer_of(rng: np.random.Generator, width: int, depth: int) -> gn.Layer:
    """Return a random layer behind this many columns; a composite may hold another, no deeper."""
    kinds = ["dropout", "norm", "scale", "squash", "periodic", "residual", "concat", "stack"]
    kind = rng.choice([*kinds, *["dense"] * 7])
    if kind == "dropout":
        schedules = ("constant", "flat_cos", gn.StepDecay(2, 0.5))
        return gn.Dropout(float(rng.uniform(0, 0.6)), schedules[rng.integers(3)])
    if kind == "norm":
        return gn.LayerNorm()
    if kind == "scale":
        return gn.Scale(float(rng.choice([1.0, 6.0])), float(rng.choice([0.0, 1.0])))
    if kind == "squash":
        return squash_of(rng, width)
    if kind == "periodic":
        columns, waves, units = (int(rng.integers(1, 4)) for _ in range(3))
        fixed = bool(rng.random() < 0.5)
        return gn.Periodic(min(columns, width), waves, units, fastest=0.3, fixed=fixed)
    if kind == "dense" or depth == 2:
        units = int(rng.integers(1, 9))
        factors = (1.0, 1.0) if rng.random() < 0.7 else (0.5, 2.0)
        activation, ntk = ACTIVATIONS[rng.integers(len(ACTIVATIONS))], bool(rng.random() < 0.2)
        return gn.Dense(units, activation, *factors, ntk=ntk)
    if kind == "residual":
        return gn.Residual([*layers_of(rng, width, 2, depth + 1), gn.Dense(width)])
    if kind == "stack":
        return gn.Stack(layers_of(rng, width, 2, depth + 1))
    stacks = [layers_of(rng, width, 2, depth + 1) for _ in range(rng.integers(1, 3))]
    return gn.Concat([*stacks, []] if rng.random() < 0.5 else stacks)


def squash_of(rng: np.random.Generator, width: int) -> gn.Squash:
    """Return a Squash of some of so many columns: in front, with gaps and their marks, passing."""
    passing = int(rng.integers(0, width))
    gaps = int(rng.integers(0, (width - passing) // 2 + 1))
    before = int(rng.integers(0, width - passing - 2 * gaps + 1))
    return gn.Squash(float(rng.choice([1.0, 3.0])), gaps, before, passing)


def every_layer(activation: Any) -> list[gn.Layer]:
    """Return a network in which every layer stands, composites in composites too."""
    dense, mixed = gn.Dense(4, activation), gn.Residual([gn.Scale(), gn.Dropout(0.1)])
    return [
        gn.Concat([[gn.Embedding([0, 3], [3, 2], 2), gn.Scale()], [gn.Dense(2, activation)], []]),
        gn.Concat([[gn.Squash(2.0, gaps=1, before=1, passing=2)], [gn.Periodic(2, 3, 2)]]),
        *(gn.Dense(6, activation, 0.5, ntk=True), gn.LayerNorm(), gn.Dropout(0.3, "flat_cos")),
        gn.Residual([dense, gn.Concat([[mixed], dense]), gn.Dense(6)]),
        *(gn.Stack([gn.Dense(5, activation), gn.Scale(6.0)]), gn.Dense(3)),
    ]


def embedding_of(rng: np.random.Generator, inputs: int) -> gn.Embedding:
    """Return an embedding of some columns of a table."""
    columns = rng.permutation(inputs)[: rng.integers(1, inputs + 1)]
    categories = rng.integers(1, 5, len(columns))
    return gn.Embedding(columns, categories, int(rng.integers(1, 4)))


def numbers_for(embedding: gn.Embedding, X: Any, rng: np.random.Generator) -> None:
    """Write whole numbers into the columns of a table that are embedded, some of them unknown."""
    for column, categories in zip(embedding.columns, embedding.categories, strict=True):
        X[:, column] = rng.integers(-1, categories + 1, len(X))


def targets_for(loss: gn.Loss, rows: int, outputs: int, rng: np.random.Generator) -> Any:
    """Return targets that suit a loss, of more than one class."""
    if loss.labels:
        return np.concatenate([[0, 1], rng.integers(0, outputs, rows - 2)])
    if loss.classes:
        y = rng.integers(0, 2, (rows, outputs)).astype(float)
        y[:2] = [[0.0], [1.0]]
        return y
    if isinstance(loss, gn.Poisson):
        return rng.poisson(2.0, (rows, outputs)).astype(float)
    return rng.standard_normal((rows, outputs))


class Case:
    """A random network with data and options; `make` gives a new one, the same every time."""

    def __init__(self, seed: int, dtype: str | None = None) -> None:
        rng = np.random.default_rng([seed, 5])  # 5 as well as another: a sequence of cases
        self.seed, self.inputs = seed, int(rng.integers(1, 7))
        self.rows = int(rng.integers(2, 30))
        losses = (*EVERY_LOSS, OWN_LOSS)
        self.loss = losses[rng.integers(len(losses))]
        self.outputs = int(rng.integers(self.loss.least_outputs, 5))
        self.X = rng.standard_normal((self.rows, self.inputs))
        self.sparse = bool(rng.random() < 0.2)
        if self.sparse:
            self.X[rng.random(self.X.shape) < 0.5] = 0
        first: list[gn.Layer] = []
        if rng.random() < 0.25:
            embedding = embedding_of(rng, self.inputs)
            numbers_for(embedding, self.X, rng)
            beside = gn.Concat([[embedding], [gn.Dense(2, "tanh")], []])
            first = [embedding if rng.random() < 0.7 else beside]
        width = first[0].outputs(self.inputs) if first else self.inputs
        self.layers = [*first, *layers_of(rng, width), gn.Dense(self.outputs)]
        self.dtype = dtype or str(rng.choice(["float32", "float64"]))
        self.members = int(rng.choice([1, 1, 2, 3]))
        self.y = targets_for(self.loss, self.rows, self.outputs, rng)
        self.w = rng.choice([0.0, 0.5, 1.0, 3.0], self.rows) if rng.random() < 0.5 else None
        if self.w is not None:
            self.w[:2] = 1.0
        self.batch = None if rng.random() < 0.3 else int(rng.integers(1, self.rows + 3))
        self.rule = OPTIMIZERS[rng.integers(len(OPTIMIZERS))]
        # a step along a long gradient may end where the next is longer
        steep = isinstance(self.loss, gn.Poisson | gn.SquaredError)
        self.options: dict[str, Any] = {
            "schedule": SCHEDULES[rng.integers(len(SCHEDULES))],
            "l2": float(rng.choice([0.0, 0.0, 0.1])),
            "weight_decay": (None, None, 0.0, 0.2)[rng.integers(4)],
            "clip_norm": (1.0, 0.1, 10.0)[rng.integers(3)] if steep or rng.random() < 0.3 else None,
            "shuffle": bool(rng.random() < 0.8),
        }
        layout = self.net().layout
        learning = [i for i, places in enumerate(layout.places, 1) if places]
        learning = [i for i in learning if i not in layout.fixed]
        self.frozen = [i for i in learning[1:] if rng.random() < 0.3]
        if len(learning) > 1 and not self.frozen and rng.random() < 0.3:
            self.frozen = learning[:1]
        self.options["drop_last"] = bool(rng.random() < 0.3)

    @property
    def table(self) -> Any:
        """The table as it is trained on: sparse or not."""
        return csr_array(self.X) if self.sparse else self.X

    def net(self) -> gn.Network:
        """Return the network as it is without members and frozen layers."""
        return gn.Network(
            self.layers, self.inputs, loss=self.loss, dtype=self.dtype, seed=self.seed
        )

    def make(self) -> gn.Network:
        """Return the network, as its members."""
        net = self.net()
        if self.members > 1:
            net.spread(self.members)
        net.freeze(*self.frozen)
        return net

    def epochs_for(self, steps: int) -> int:
        """Return how many epochs make at least that many steps."""
        batch = self.rows if self.batch is None else min(self.batch, self.rows)
        return -(-steps // -(-self.rows // batch))

    def train(self, engine: str = "numpy", steps: int = 20) -> tuple[Any, Any]:
        """Train at least that many steps; return the weights and the losses."""
        net = self.make()
        history = net.fit(
            *(self.table, self.y),
            epochs=self.epochs_for(steps),
            batch_size=self.batch,
            optimizer=self.rule,
            sample_weight=self.w,
            engine=engine,
            **self.options,
        )
        return net.theta, np.array(history.loss)


# ---- ways to run a step --------------------------------------------------------------------------


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


# ---- gradients -----------------------------------------------------------------------------------


class SameDraws:
    """Random draws, the same in every step, and the same for every member of it."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def _draw(self, name: str, size: Any, dtype: Any = np.float64) -> Any:
        return np.broadcast_to(getattr(self._rng, name)(size[-2:], dtype), size)

    random = partialmethod(_draw, "random")
    standard_normal = partialmethod(_draw, "standard_normal")


def eager_step(
    net: gn.Network, X: Any, y: Any, w: Any = None, *, draws: int = 0, l2: float = 0.0
) -> Callable[[Any], tuple[Any, Any]]:
    """Return f(theta) -> (loss, gradient) of a training step on arrays, its draws always alike.

    Several thetas, (K, P), give K losses and K gradients.
    """
    variant = Variant(len(X), "gradient", weighted=w is not None, l2=l2 > 0)
    given = {"x": X, "y": net.loss.check(y, net.outputs), **scheduled_at(net)}
    given["l2"] = l2 * net.layout.factors("decay", net.dtype, net.frozen)
    if w is not None:
        given["w"] = np.reshape(w, (-1, 1))

    def run(theta: Any) -> tuple[Any, Any]:
        members = None if theta.ndim == 1 else len(theta)
        step = Step(net.layers, net.loss, net.layout, members, net.frozen, variant)
        v = {
            name: np.zeros(shape, dtype)
            for name, (shape, dtype) in step.inputs(net.inputs, net.dtype).items()
        }
        for name, numbers in (given | {"theta": theta}).items():
            if name in v:
                v[name][...] = numbers
        results = step(v, SameDraws(draws), lambda *place: nullcontext())
        return results["loss"], v["gradient"]

    return run


def numeric_gradient(run: Callable[[Any], tuple[Any, Any]], theta: Any, h: float = 3e-5) -> Any:
    """Return central differences of the loss (of fourth order), all parameters at once."""
    gradient = np.zeros_like(theta)
    for steps, weight in ((1, 8), (-1, -8), (2, -1), (-2, 1)):
        gradient += weight * run(theta + steps * h * np.eye(theta.size))[0] / (12 * h)
    return gradient


def scheduled_at(net: gn.Network, step: int = 3, total: int = 5) -> dict[str, float]:
    """Return what the layers' schedules say of a step."""
    return {name: each.at(step, total) for name, each in scheduled(net.layers).items()}


def frozen_in(net: gn.Network) -> Any:
    """Return which of the parameters learn nothing: of frozen layers, or of rate 0."""
    return net.layout.factors("rate", float, net.frozen) == 0


def gradient_error(
    net: gn.Network, X: Any, y: Any, w: Any = None, draws: int = 0, l2: float = 0.0
) -> float:
    """Return how far the analytic gradient is from central differences, relative to its size."""
    run = eager_step(net, X, y, w, draws=draws, l2=l2)
    analytic = run(net.theta)[1]
    numeric = np.where(frozen_in(net), 0, numeric_gradient(run, net.theta))
    return float(np.linalg.norm(analytic - numeric) / max(np.linalg.norm(numeric), 1e-3))
