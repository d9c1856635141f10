"""From a table to a trained network: which rows teach, which judge, and what the rest of it is.

A fifth of the rows is held out, to be looked at once. A fifth of the others says which epoch's
weights are best. What is left teaches.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import pairwise
from math import inf, isfinite
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.activations import ACTIVATIONS
from glassnet.checks import number, one_of, whole
from glassnet.csvfile import Table
from glassnet.files import ModelFileError, load_with_table, save_network
from glassnet.history import Epoch
from glassnet.layers import Dense, Dropout
from glassnet.network import Network
from glassnet.optimizers import OPTIMIZERS
from glassnet.parts import Layer, Optimizer
from glassnet.selection import hold_out
from glassnet.tabular.columns import Columns, Target

Array = NDArray[Any]
FIFTH = 0.2
LEAST_ROWS = 10
MOST_WEIGHTS = 100_000_000  # 0.4 GB; training takes five times as much, and more is mostly a slip
STEPS = 10_000  # about as many updates as a table of any size gets


def steppers() -> dict[str, type[Optimizer]]:
    """Return the optimizers that learn batch by batch, by name: those with a rate to choose."""
    return {
        name: kind
        for name, kind in OPTIMIZERS.items()
        if any(field.name == "rate" for field in fields(kind))  # type: ignore[arg-type]
    }


@dataclass(frozen=True)
class Settings:
    """What can be chosen of the recipe; None leaves it to the table or to the optimizer.

    Attributes
    ----------
    network : tuple of int
        Units of each hidden layer; empty for none.
    activation : str
        Of the hidden layers.
    dropout : float
        Share of their outputs that is dropped in training; without it most tables are learned by
        heart within ten epochs.
    optimizer : str
        One that learns batch by batch.
    rate : float, optional
        Learning rate; else the optimizer's own.
    batch_size, epochs : int, optional
        Rows a step, and how often to go through them; else by how many there are.
    seed : int
        Where random numbers come from.

    Examples
    --------
    >>> Settings(network=(32,), activation="rleu")
    Traceback (most recent call last):
        ...
    ValueError: activation: expected one of 'identity', ..., got 'rleu'
    """

    network: tuple[int, ...] = (64, 64)
    activation: str = "relu"
    dropout: float = 0.2
    optimizer: str = "adam"
    rate: float | None = None
    batch_size: int | None = None
    epochs: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.network, list | tuple):
            raise TypeError(
                f"network: expected the units of each hidden layer, as (64, 64), "
                f"got {self.network!r}"
            )
        object.__setattr__(self, "network", tuple(whole("network", n) for n in self.network))
        one_of("activation", self.activation, ACTIVATIONS)
        one_of("optimizer", self.optimizer, steppers())
        number("dropout", self.dropout, 0, 1)
        if self.rate is not None and number("rate", self.rate, 0) == 0:
            raise ValueError(f"rate: expected a number above 0, got {self.rate}")
        for name in ("batch_size", "epochs"):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name))
        whole("seed", self.seed, least=0)

    def rule(self) -> Optimizer:
        """Return the optimizer, at the rate that was chosen for it."""
        kind: Any = OPTIMIZERS[self.optimizer]
        rule: Optimizer = kind() if self.rate is None else kind(rate=self.rate)
        return rule

    def layers(self, inputs: int, outputs: int) -> list[Layer]:
        """Return the layers of a network, unless its weights would be too many."""
        sizes = (inputs, *self.network, outputs)
        weights = sum((before + 1) * after for before, after in pairwise(sizes))
        if weights > MOST_WEIGHTS:
            raise ValueError(
                f"network: expected at most {MOST_WEIGHTS:,} weights, got {weights:,} "
                f"in {' - '.join(map(str, sizes))}"
            )
        layers: list[Layer] = []
        for units in self.network:
            layers += [Dense(units, self.activation)]
            layers += [Dropout(self.dropout)] if self.dropout else []
        return [*layers, Dense(outputs)]


@dataclass(frozen=True)
class Rows:
    """Some rows of a table, as numbers: inputs X (rows, inputs), and targets y (rows,)."""

    X: Array
    y: Array


@dataclass
class Course:
    """How a training went.

    Attributes
    ----------
    epochs : int
        How many were wanted.
    done : int
        How many went well: fewer, if training diverged.
    best : int
        The one with the lowest loss on the validation rows, counted from 1; 0 if there is none.
    best_loss : float
        That loss.
    """

    epochs: int
    done: int = 0
    best: int = 0
    best_loss: float = inf

    def add(self, epoch: Epoch) -> None:
        """Remember one more epoch."""
        self.done = epoch.number
        if epoch.validation_loss < self.best_loss:
            self.best, self.best_loss = epoch.number, epoch.validation_loss

    @property
    def notes(self) -> list[str]:
        """What should be known of it, in sentences."""
        if self.done == self.epochs:
            return []
        return [
            f"training diverged in epoch {self.done + 1} of {self.epochs}, and ended; "
            "a lower learning rate may help"
        ]


@dataclass(frozen=True)
class Task:
    """A table made ready, and the network that learns it.

    Attributes
    ----------
    table : Table
        The rows whose target is known.
    dropped : int
        How many others there were.
    settings : Settings
        What was chosen.
    columns : Columns
        What was inferred of the columns.
    network : Network
        Hidden layers with dropout, and as many outputs as the target needs.
    training, validation, held_out : Rows
        What teaches, what says which epoch was best, and what judges in the end.
    """

    table: Table
    dropped: int
    settings: Settings
    columns: Columns
    network: Network
    training: Rows
    validation: Rows
    held_out: Rows

    @classmethod
    def of(cls, table: Table, target: str, settings: Settings | None = None) -> "Task":
        """Infer a task from a table and the name of the column to predict.

        Raises
        ------
        ValueError
            If there is no such column, or too little to learn from.
        """
        settings = settings or Settings()
        known = table.where_known(target)
        words = known.column(target)
        if len(words) < LEAST_ROWS:
            raise ValueError(
                f"{table.path}: expected at least {LEAST_ROWS} rows in which {target!r} is known, "
                f"got {len(words)}"
            )
        goal = Target.fit(target, words)
        y = goal.encode(words)
        rng = np.random.default_rng(settings.seed)
        rest, held_out = hold_out(y[:, None], FIFTH, bool(goal.classes), rng.random(len(y)))
        places = hold_out(y[rest, None], FIFTH, bool(goal.classes), rng.random(len(rest)))
        training, validation = (rest[each] for each in places)
        columns = Columns.fit(known, goal, training)
        X = columns.encode(known)
        network = Network(
            settings.layers(columns.width, len(goal.classes) or 1),
            inputs=columns.width,
            loss="multiclass_cross_entropy" if goal.classes else "squared_error",
            seed=settings.seed,
        )
        return cls(
            *(known, len(table.lines) - len(known.lines), settings, columns, network),
            *(Rows(X[rows], y[rows]) for rows in (training, validation, held_out)),
        )

    @property
    def batch_size(self) -> int:
        """Rows a step: if not chosen, 16 for a small table, 256 for a large one."""
        return self.settings.batch_size or int(np.clip(len(self.training.y) // 100, 16, 256))

    @property
    def epochs(self) -> int:
        """How often to go through the rows: about STEPS updates, but 20 to 200 times."""
        fitting = np.clip(STEPS * self.batch_size // len(self.training.y), 20, 200)
        return self.settings.epochs or int(fitting)

    @property
    def notes(self) -> list[str]:
        """What was changed or left out of the table before anything was learned, in sentences."""
        rows = f"{self.dropped} row" if self.dropped == 1 else f"{self.dropped} rows"
        gaps = f"{rows} without {self.columns.target.name!r} left out"
        return [*self.table.notes, *([gaps] if self.dropped else [])]

    @property
    def baseline(self) -> str:
        """What is said by whoever knows the training rows' targets and no column."""
        return "most frequent class" if self.columns.target.classes else "mean"

    def train(self) -> Iterator[Epoch]:
        """Train the network, epoch by epoch, and end with the weights of the best."""
        epoch = None
        for epoch in self.network.train(
            *(self.training.X, self.training.y),
            epochs=self.epochs,
            batch_size=self.batch_size,
            optimizer=self.settings.rule(),
            validation=(self.validation.X, self.validation.y),
        ):
            yield epoch
        if epoch is not None:
            epoch.restore_best()

    def scores(self) -> list[tuple[str, float, float]]:
        """Return each metric on the held-out rows: its name, the network's, and the baseline's.

        The baseline knows the training rows' targets and no column: it says the most frequent
        class, with the classes' shares as probabilities, or the mean.
        """
        X, y = self.held_out.X, self.held_out.y
        target = self.columns.target
        if not target.classes:
            predicted = self.network.predict(X)[:, 0]
            return _errors(y, predicted, float(self.training.y.mean()), target.sd)
        shares = np.bincount(self.training.y, minlength=len(target.classes))
        shares = shares / shares.sum()
        right = self.network.predict(X).argmax(axis=-1) == y
        return [
            ("accuracy", float(right.mean()), float((y == shares.argmax()).mean())),
            ("log-loss", self.network.evaluate(X, y)["loss"], float(-np.log(shares[y]).mean())),
        ]

    def save(self, path: str | PathLike[str]) -> None:
        """Write the network and what it knows of the columns to a model file."""
        save_network(self.network, path, self.columns.to_json())

    def report(self, course: Course) -> dict[str, Any]:
        """Return all that there is to tell, as JSON has it: no number in it is infinite or NaN."""
        settings, target = self.settings, self.columns.target
        inner = {"activation": settings.activation, "dropout": settings.dropout}
        parts = {name: getattr(self, name) for name in ("training", "validation", "held_out")}
        return {
            "data": self.table.path,
            "rows": {"read": len(self.table.lines) + self.dropped, "without_target": self.dropped}
            | {name: len(part.y) for name, part in parts.items()},
            "target": {
                "name": target.name,
                "kind": "classes" if target.classes else "quantity",
                "classes": list(target.classes),
            },
            "columns": {
                "used": [
                    {"name": each.name, "kind": each.kind, "as_seen": each.describe()}
                    | {"inputs": each.width, "gaps": self.table.column(each.name).count("")}
                    for each in self.columns.features
                ],
                "left_out": self.columns.left_out,
            },
            "network": {
                "inputs": self.network.inputs,
                "hidden_layers": [{"units": units, **inner} for units in settings.network],
                "outputs": self.network.outputs,
                "weights": self.network.theta.size,
            },
            "training": {
                "optimizer": settings.optimizer,
                "rate": settings.rule().rate,
                "batch_size": self.batch_size,
                "epochs": course.epochs,
                "epochs_done": course.done,
                "best_epoch": course.best,
                "seed": settings.seed,
            },
            "baseline": self.baseline,
            "scores": {
                name.replace("²", "2"): {"network": _finite(ours), "baseline": _finite(theirs)}
                for name, ours, theirs in self.scores()
            },
            "notes": [*self.notes, *course.notes],
        }


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def load_model(path: str | PathLike[str]) -> tuple[Network, Columns]:
    """Return the network and the columns in a model file that `Task.save` wrote."""
    network, section = load_with_table(path)
    if section is None:
        raise ModelFileError(f"{path}: a network without a table: glassnet.load reads it in Python")
    try:
        columns = Columns.from_json(section)
        outputs = len(columns.target.classes) or 1
        if (columns.width, outputs) != (network.inputs, network.outputs):
            raise ValueError("table: its columns do not fit the network")
    except ValueError as error:
        raise ModelFileError(f"{path}: not a glassnet model file: {error}") from None
    return network, columns


def _errors(y: Array, predicted: Array, mean: float, unit: float) -> list[tuple[str, float, float]]:
    """Return the metrics of a quantity, for the network's predictions and for a constant."""
    errors, baseline = unit * (predicted - y), unit * (mean - y)
    metrics = [
        ("RMSE", _root_mean_square(errors), _root_mean_square(baseline)),
        ("MAE", float(np.abs(errors).mean()), float(np.abs(baseline).mean())),
    ]
    spread = unit * _root_mean_square(y - y.mean())
    if spread:  # one row alone, or equal ones, leave nothing to explain
        share, shared = metrics[0][1] / spread, metrics[0][2] / spread
        metrics.append(("R²", 1 - share**2, 1 - shared**2))
    return metrics


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt(np.square(values).mean()))
