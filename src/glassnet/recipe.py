"""From a table to a trained network: which rows teach, which judge, and what the rest of it is.

A fifth of the rows is held out, to be looked at once. A fifth of the others says which epoch's
weights are best. What is left teaches.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.csvfile import Table
from glassnet.files import ModelFileError, load_with_table, save_network
from glassnet.layers import Dense, Dropout
from glassnet.network import Network
from glassnet.tabular import Columns, Target
from glassnet.training import Epoch

Array = NDArray[Any]
LEAST_ROWS = 10
UNITS = 64  # in each of two hidden layers
DROP = 0.2  # of their outputs; without it most tables are learned by heart within ten epochs
STEPS = 10_000  # about as many updates as a table of any size gets


@dataclass(frozen=True)
class Rows:
    """Some rows of a table, as numbers: inputs X (rows, inputs), and targets y (rows,)."""

    X: Array
    y: Array


@dataclass(frozen=True)
class Task:
    """A table made ready, and the network that learns it.

    Attributes
    ----------
    columns : Columns
        What was inferred of the columns.
    network : Network
        Two hidden layers of relu, with dropout.
    training, validation, held_out : Rows
        What teaches, what says which epoch was best, and what judges in the end.
    """

    columns: Columns
    network: Network
    training: Rows
    validation: Rows
    held_out: Rows

    @classmethod
    def of(cls, table: Table, target: str, seed: int) -> "Task":
        """Infer a task from a table whose target has no gaps.

        Raises
        ------
        ValueError
            If there is no such column, or too little to learn from.
        """
        words = table.column(target)
        if len(words) < LEAST_ROWS:
            raise ValueError(
                f"{table.path}: expected at least {LEAST_ROWS} rows in which {target!r} is known, "
                f"got {len(words)}"
            )
        goal = Target.fit(target, words)
        y = goal.encode(words)
        rng = np.random.default_rng(seed)
        rest, held_out = split(np.arange(len(y)), y, bool(goal.classes), rng)
        training, validation = split(rest, y, bool(goal.classes), rng)
        columns = Columns.fit(table, goal, training)
        X = columns.encode(table)
        return cls(
            columns,
            _network(columns, seed),
            *(Rows(X[rows], y[rows]) for rows in (training, validation, held_out)),
        )

    @property
    def batch_size(self) -> int:
        """Rows a step: 16 for a small table, 256 for a large one."""
        return int(np.clip(len(self.training.y) // 100, 16, 256))

    @property
    def epochs(self) -> int:
        """How often to go through the rows: about STEPS updates, but 20 to 200 times."""
        return int(np.clip(STEPS * self.batch_size // len(self.training.y), 20, 200))

    def train(self, epochs: int) -> Iterator[Epoch]:
        """Train the network, epoch by epoch, and end with the weights of the best."""
        validation = (self.validation.X, self.validation.y)
        epoch = None
        for epoch in self.network.train(
            *(self.training.X, self.training.y),
            epochs=epochs,
            batch_size=self.batch_size,
            validation=validation,
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


def split(rows: Array, y: Array, classes: bool, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return four fifths of the rows, and one fifth, alike in their targets.

    The rows are put in the order of their targets, in random order where these are the same, and
    every fifth is taken: so the fifth has its share of each class, or of small and large
    quantities. A class's first row stays among the four fifths, so that each class is known.

    Examples
    --------
    >>> y = np.array([0, 1] * 10)
    >>> rest, fifth = split(np.arange(20), y, True, np.random.default_rng(0))
    >>> np.bincount(y[fifth])
    array([2, 2])
    """
    order = rows[np.lexsort((rng.random(len(rows)), y[rows]))]
    free = order[1:][np.diff(y[order]) == 0] if classes else order
    fifth = np.sort(free[2::5])
    return np.setdiff1d(rows, fifth), fifth


def _network(columns: Columns, seed: int) -> Network:
    classes = len(columns.target.classes)
    return Network(
        [
            *(Dense(UNITS, "relu"), Dropout(DROP)),
            *(Dense(UNITS, "relu"), Dropout(DROP)),
            Dense(classes or 1),
        ],
        inputs=columns.width,
        loss="multiclass_cross_entropy" if classes else "squared_error",
        seed=seed,
    )


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
