"""From a table in a file to an ensemble: which rows teach, which judge, and what can be chosen.

A fifth of the rows is held out, for the report alone. The others teach: each network learns from
four fifths of them, and is judged by the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from math import inf
from time import perf_counter
from typing import Any

import numpy as np

from glassnet.activations import ACTIVATIONS
from glassnet.checks import number, one_of, whole
from glassnet.csvfile import Table
from glassnet.files.container import StrPath
from glassnet.metrics import Metric
from glassnet.optimizers import OPTIMIZERS
from glassnet.parts import Optimizer
from glassnet.selection import hold_out
from glassnet.step import Layout
from glassnet.tabular.defaults import PRESETS, Recipe, preset
from glassnet.tabular.encoding import Encoding
from glassnet.tabular.ensemble import DivergenceError, learn, rows_of_each
from glassnet.tabular.ensemble import Table as Rows
from glassnet.tabular.fitted import LeftOut
from glassnet.tabular.frame import Frame
from glassnet.tabular.keeping import keeping
from glassnet.tabular.model import Model
from glassnet.tabular.scores import OF_CLASSES, OF_PROBABILITIES, OF_QUANTITIES, metric_of
from glassnet.tabular.target import Target
from glassnet.tabular.text import frame_of
from glassnet.threads import cores, one_thread
from glassnet.vocabulary import Array

FIFTH = 0.2
LEAST_ROWS = 10
MOST_WEIGHTS = 100_000_000  # 0.4 GB; training takes five times as much, and more is mostly a slip


def steppers() -> dict[str, type[Optimizer]]:
    """Return the optimizers that learn batch by batch, by name: those with a rate to choose."""
    return {
        name: kind
        for name, kind in OPTIMIZERS.items()
        if any(field.name == "rate" for field in fields(kind))  # type: ignore[arg-type]
    }


@dataclass(frozen=True)
class Settings:
    """What can be chosen; None leaves it to the preset, which goes by the table.

    Attributes
    ----------
    preset : str
        quick, default or best.
    time_limit : float, optional
        Seconds to learn in.
    metric : str, optional
        What epochs are chosen by.
    members : int, optional
        How many networks there are.
    network : tuple of int, optional
        Units of each hidden layer; empty for none.
    activation : str, optional
        Of the hidden layers.
    dropout : float, optional
        Share of the hidden units that a step leaves out.
    optimizer : str, optional
        One that learns batch by batch.
    rate : float, optional
        Learning rate.
    batch_size, epochs : int, optional
        Rows a step, and how often to go through them.
    seed : int
        Where random numbers come from.

    Examples
    --------
    >>> Settings(network=(32,), activation="rleu")
    Traceback (most recent call last):
        ...
    ValueError: activation: expected one of 'identity', ..., got 'rleu'
    """

    preset: str = "default"
    time_limit: float | None = None
    metric: str | None = None
    members: int | None = None
    network: tuple[int, ...] | None = None
    activation: str | None = None
    dropout: float | None = None
    optimizer: str | None = None
    rate: float | None = None
    batch_size: int | None = None
    epochs: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.network is not None:
            if not isinstance(self.network, list | tuple):
                raise TypeError(
                    f"network: expected the units of each hidden layer, as (64, 64), "
                    f"got {self.network!r}"
                )
            object.__setattr__(self, "network", tuple(whole("network", n) for n in self.network))
        one_of("preset", self.preset, PRESETS)
        for name, names in {
            "metric": (*OF_CLASSES, *OF_QUANTITIES),
            "activation": tuple(ACTIVATIONS),
            "optimizer": tuple(steppers()),
        }.items():
            if getattr(self, name) is not None:
                one_of(name, getattr(self, name), names)
        if self.dropout is not None:
            number("dropout", self.dropout, 0, 1)
        for name in ("rate", "time_limit"):
            given = getattr(self, name)
            if given is not None and number(name, given, 0) == 0:
                raise ValueError(f"{name}: expected a number above 0, got {given}")
        for name in ("members", "batch_size", "epochs"):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name))
        whole("seed", self.seed, least=0)

    def recipe(self) -> Recipe:
        """Return the preset with what was chosen instead of its own."""
        return preset(
            self.preset,
            members=self.members,
            epochs=self.epochs,
            batch_size=self.batch_size,
            hidden=self.network,
            activation=self.activation,
            dropout=self.dropout,
            optimizer=self.optimizer,
            rate=self.rate,
            smoothing=0.0 if self.metric in OF_PROBABILITIES else None,
        )


@dataclass(frozen=True)
class Course:
    """How a training went.

    Attributes
    ----------
    model : Model
        What came of it.
    epochs : int
        How many were planned; `model.ensemble.epochs` were trained.
    seconds : float
        How long it took.
    hurried : bool
        Whether there was a limit to the time.
    """

    model: Model
    epochs: int
    seconds: float
    hurried: bool

    @property
    def notes(self) -> list[str]:
        """What should be known of it, in sentences."""
        done = self.model.ensemble.epochs
        if done == self.epochs:
            return []
        if self.model.ensemble.interrupted:
            return [
                f"interrupted after epoch {done} of {self.epochs}: the networks are the best so "
                "far; with --checkpoint run/ the same command would go on from there"
            ]
        if self.hurried:
            return [f"the time was up after epoch {done} of {self.epochs}"]
        return [
            f"training diverged after epoch {done} of {self.epochs}, and ended; "
            "a lower learning rate may help"
        ]


@dataclass(frozen=True)
class Task:
    """A table made ready.

    Attributes
    ----------
    table : Table
        The rows whose target is known.
    dropped : int
        How many others there were.
    settings : Settings
        What was chosen.
    target : Target
        What is to be predicted.
    frame : Frame
        The other columns.
    encoding : Encoding
        What they become, by the rows that teach.
    y : array (rows,)
        Labels, or the quantity.
    taught, held : array of int
        The places of the rows that teach, and of those that judge in the end.
    metric : Metric or None
        What epochs are chosen by; None for the default.
    """

    table: Table
    dropped: int
    settings: Settings
    target: Target
    frame: Frame
    encoding: Encoding
    y: Array
    taught: Array
    held: Array
    metric: Metric | None

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
        rows = len(known.lines)
        if rows < LEAST_ROWS:
            raise ValueError(
                f"{table.path}: expected at least {LEAST_ROWS} rows in which {target!r} is known, "
                f"got {rows}"
            )
        goal = Target.fit(known, target)
        y, classes = goal.encode(known), bool(goal.classes)
        metric = metric_of(settings.metric, classes)
        keys = np.random.default_rng(settings.seed).random(rows)
        taught, held = hold_out(y[:, None], FIFTH, classes, keys)
        frame = frame_of(known, target)
        encoding = Encoding.fit(frame, taught)
        if not encoding.width:
            why = "".join(
                f"; {each.name!r}: {each.why}"
                for each in encoding.columns
                if isinstance(each, LeftOut)
            )
            raise ValueError(f"{table.path}: no column to predict {target!r} from{why}")
        dropped = len(table.lines) - rows
        task = cls(known, dropped, settings, goal, frame, encoding, y, taught, held, metric)
        if task.weights > MOST_WEIGHTS:
            raise ValueError(
                f"network: expected at most {MOST_WEIGHTS:,} weights, got {task.weights:,}"
            )
        return task

    @cached_property
    def inputs(self) -> Array:
        """Every row's inputs."""
        return self.encoding.encode(self.frame)

    @cached_property
    def recipe(self) -> Recipe:
        """What was chosen, in the place of the preset's own."""
        return self.settings.recipe()

    @cached_property
    def weights(self) -> int:
        """How many weights all networks have together."""
        layers = self.recipe.layers(self.encoding, len(self.target.classes), len(self.taught))
        return self.recipe.members * Layout(layers, self.encoding.width).size

    @property
    def epochs(self) -> int:
        """How often to go through the rows, if there is time."""
        epochs: int = self._how["epochs"]
        return epochs

    @property
    def batch_size(self) -> int:
        """Rows a step."""
        rows: int = self._how["batch_size"]
        return rows

    @cached_property
    def _how(self) -> dict[str, Any]:
        return self.recipe.how(len(self.target.classes), rows_of_each(len(self.taught)))

    @property
    def notes(self) -> list[str]:
        """What was changed or left out of the table before anything was learned, in sentences."""
        gone = [f"{self.gone} without {self.target.name!r} left out"] if self.dropped else []
        return [*self.table.notes, *gone]

    @property
    def gone(self) -> str:
        """How many rows are left out, in words."""
        return "1 row" if self.dropped == 1 else f"{self.dropped} rows"

    def learn(
        self,
        progress: Callable[[int, int], object] = lambda done, epochs: None,
        checkpoint: StrPath | None = None,
    ) -> Course:
        """Train the networks; `progress(done, epochs)` is called now and then.

        With the path of a folder as checkpoint, the training goes on where one that was stopped
        has left it there.
        """
        planned, start, limit = [0], perf_counter(), self.settings.time_limit
        if limit is not None and checkpoint is not None:
            raise ValueError(
                "time_limit: expected none beside a checkpoint, for what is learned in so many "
                "seconds is never twice the same"
            )

        def looked(done: int, epochs: int) -> None:
            planned[0] = epochs
            progress(done, epochs)

        try:
            with one_thread(), keeping(checkpoint) as kept:
                ensemble = learn(
                    self.recipe,
                    self.encoding,
                    Rows(self.inputs[self.taught], self.y[self.taught]),
                    classes=len(self.target.classes),
                    seed=self.settings.seed,
                    metric=self.metric,
                    seconds=inf if limit is None else limit,
                    threads=cores(),
                    progress=looked,
                    kept=kept,
                )
        except DivergenceError:
            rate = self.recipe.rule(len(self.target.classes)).rate
            raise ValueError(
                f"rate: expected one with which the loss stays finite, got {rate:g}"
            ) from None
        model = Model(ensemble, self.encoding, self.target)
        return Course(model, planned[0], perf_counter() - start, limit is not None)
