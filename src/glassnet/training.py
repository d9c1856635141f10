"""Training: batches, epochs, and what is remembered of them. A generator, which `fit` exhausts.

Whoever wants to look, log, stop or change something between epochs writes it into a ``for``
loop: there are no callbacks to learn.
"""

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.network import Network
from glassnet.optimizers import OPTIMIZERS, Optimizer
from glassnet.vocabulary import Array

# NumPy copies operands that it broadcasts into buffers of this many elements: as few as cost no
# time, so that a step on a large batch takes no more memory than one on a small batch
BUFFER = 256


class DivergenceWarning(RuntimeWarning):
    """Training ran away; the weights are the last good ones."""


@dataclass
class History:
    """What training left behind: a number for each report.

    Attributes
    ----------
    epoch : list of int
        Epochs done at each report.
    loss, validation_loss : list
        Losses then; an array of K numbers for K members.
    diverged : int or None
        The epoch in which training ran away, counted from 1.
    """

    epoch: list[int] = field(default_factory=list)
    loss: list[Any] = field(default_factory=list)
    validation_loss: list[Any] = field(default_factory=list)
    diverged: int | None = None

    def keep(self, member: int) -> None:
        """Keep one member's numbers."""
        self.loss = [float(loss[member]) for loss in self.loss]
        self.validation_loss = [float(loss[member]) for loss in self.validation_loss]


@dataclass
class Epoch:
    """One report of a training run.

    Attributes
    ----------
    number : int
        Epochs done.
    loss : float
        Mean loss over the epoch's batches, each taken before its update.
    validation_loss : float or None
        Loss on the validation rows after the epoch.
    """

    number: int
    loss: Any
    validation_loss: Any
    _run: "Run"

    def restore_best(self) -> None:
        """Go back to the weights of the report with the lowest validation (or training) loss."""
        self._run.network.theta[...] = self._run.best_theta


class Run:
    """One training run: the tables, the optimizer's state, and the steps over the batches.

    Attributes
    ----------
    steps_done : int
        Updates made so far.
    shared : dict of str to array
        theta, its gradient, and the optimizer's vectors, shaped like it.
    best_theta : array
        Weights of the report with the lowest loss, for each member.
    """

    def __init__(
        self,
        network: Network,
        X: Array,
        y: Array,
        w: Array | None,
        *,
        rule: Optimizer,
        batch_size: int | None,
        engine: str,
    ) -> None:
        self.network, self.rule, self.engine, self.steps_done = network, rule, engine, 0
        self.rows, self.weighted, dtype = len(X), w is not None, network.dtype
        # the scale of weights must not matter, and float32 must hold their sums
        tables = {"x": X, "y": y, **({} if w is None else {"w": w / w.mean()})}
        self.tables = {n: np.ascontiguousarray(table, dtype) for n, table in tables.items()}
        self.batch = min(batch_size or self.rows, self.rows)
        self.whole = self.batch == self.rows
        self.shared = {n: np.zeros_like(network.theta) for n in ("gradient", *rule.state)}
        self.shared["theta"] = network.theta
        self.scalars = {name: np.zeros((), dtype) for name in ("rate", *rule.corrections(1))}
        self.scalars["rate"][...] = rule.rate
        self.corrected = len(self.scalars) > 1
        factor = network.layout.factor(dtype)
        if factor is not None:
            self.shared["factor"] = factor
        sizes = {self.batch, self.rows % self.batch} - {0}
        self.with_loss = {rows: self._step(rows, True) for rows in sizes}
        self.without_loss = {rows: self._step(rows, False) for rows in sizes}
        self.best_theta = network.theta.copy()
        self.best_loss: Any = inf if network.members is None else np.full(network.members, inf)
        self.good_theta = network.theta.copy()

    def _step(self, rows: int, loss: bool) -> Any:
        """Return a step over so many rows, bound to the arrays of this run."""
        own = self.network.members is not None and not self.whole
        if self.engine == "eager":
            from glassnet.engines import Eager

            plain = self.network.step(rows, "train", self.rule, weighted=self.weighted, own=own)
            step: Any = Eager(plain, plain.inputs(self.network.inputs, self.network.dtype))
        else:
            wanted = ("theta", *self.rule.state, *(["loss"] if loss else []))
            step = self.network.replay(
                *(rows, "train", wanted), optimizer=self.rule, weighted=self.weighted, own=own
            )
            step.arrays.clear()
        tables = self.tables if self.whole else {}
        step.bind(self.network.rng, **self.shared, **self.scalars, **tables)
        return step

    def advance(self, epochs: int) -> tuple[int, Any]:
        """Train for some epochs; return how many went well, and the loss of the last."""
        with np.errstate(all="ignore"):
            if self.batch * self.network.theta.size > BUFFER:
                np.setbufsize(BUFFER)  # ends with errstate
            for done in range(epochs):
                loss = self._epoch(want_loss=done == epochs - 1)
                if not self._finite(loss):
                    return done, loss
        return epochs, loss

    def _epoch(self, want_loss: bool) -> Any:
        """Go through the rows once, and return their mean loss if it is wanted."""
        steps = self.with_loss if want_loss else self.without_loss
        corrections, scalars = self.rule.corrections, self.scalars
        total, shares = 0.0, 0.0
        for rows, picked in self._batches():
            step = steps[rows]
            self.steps_done += 1
            if self.corrected:
                for name, number in corrections(self.steps_done).items():
                    scalars[name][...] = number
            if picked is not None:
                for name, table in self.tables.items():
                    table.take(picked, 0, step.arrays[name], "clip")
            step()
            if want_loss:
                share = step.arrays["w"].sum((-2, -1)) if self.weighted else rows
                total = total + np.multiply(step.outputs["loss"], share, dtype=np.float64)
                shares = shares + share
        return total / shares if want_loss else None

    def _batches(self) -> Iterable[tuple[int, Array | None]]:
        """Return each batch's number of rows and their places, (rows,) or (members, rows)."""
        if self.whole:
            return ((self.rows, None),)
        order = np.stack([rng.permutation(self.rows) for rng in self.network.generators])
        order = order[0] if self.network.members is None else order
        starts = range(0, self.rows, self.batch)
        return ((min(self.batch, self.rows - i), order[..., i : i + self.batch]) for i in starts)

    def _finite(self, loss: Any) -> bool:
        """Whether any member is still finite; those that are not get their last good weights."""
        theta = self.network.theta
        if self.network.members is None:
            # the sum of squares is infinite a little before a weight is, and takes no array
            fine = isfinite(theta.dot(theta)) and (loss is None or isfinite(loss))
        else:
            alive = np.isfinite(np.add.reduce(theta, -1))
            alive = alive if loss is None else alive & np.isfinite(loss)
            np.copyto(theta, self.good_theta, where=~alive[:, None])
            fine = alive.any()
        if fine:
            np.copyto(self.good_theta, theta)
        else:
            theta[...] = self.good_theta
        return bool(fine)

    def remember(self, loss: Any) -> None:
        """Remember the weights of members whose loss is lower than before."""
        theta = self.network.theta
        if self.network.members is None:
            if loss < self.best_loss:
                self.best_loss = loss
                np.copyto(self.best_theta, theta)
        else:
            np.copyto(self.best_theta, theta, where=(loss < self.best_loss)[:, None])
            self.best_loss = np.fmin(loss, self.best_loss)


def train(
    network: Network,
    X: Any,
    y: Any,
    *,
    epochs: int = 100,
    batch_size: int | None = 32,
    optimizer: str | Optimizer = "adam",
    sample_weight: Any = None,
    validation: tuple[Any, ...] | None = None,
    every: int = 1,
    engine: str = "numpy",
    history: History | None = None,
) -> Iterator[Epoch]:
    """Train a network as a generator of reports; `Network.train` tells the options."""
    X = checks.matrix("X", X, network.inputs)
    y, w = network.check_targets(len(X), y, sample_weight)
    if network.loss.classes and (y == y.flat[0]).all():
        raise ValueError(f"y: expected at least two classes, got only {y.flat[0]:g}")
    checks.whole("epochs", epochs)
    checks.whole("every", every)
    checks.whole("batch_size", 1 if batch_size is None else batch_size)
    if engine not in ("numpy", "eager"):
        raise ValueError(f"engine: expected 'numpy' or 'eager', got {engine!r}")
    rule = checks.find("optimizer", optimizer, OPTIMIZERS, Optimizer)
    if validation is not None:
        if not isinstance(validation, tuple) or len(validation) not in (2, 3):
            raise ValueError("validation: expected (X, y) or (X, y, sample_weight)")
        unseen = checks.matrix("validation X", validation[0], network.inputs)
        network.check_targets(len(unseen), validation[1], None)
    network.start_output(y, w / w.sum())
    return _reports(
        Run(
            *(network, X, y, None if sample_weight is None else w),
            rule=rule,
            batch_size=batch_size,
            engine=engine,
        ),
        epochs,
        every,
        validation,
        history or History(),
    )


def _reports(
    run: Run, epochs: int, every: int, validation: tuple[Any, ...] | None, history: History
) -> Iterator[Epoch]:
    network, done = run.network, 0
    while done < epochs:
        ahead = min(every, epochs - done)
        went, loss = run.advance(ahead)
        done += went
        if went < ahead:
            history.diverged = done + 1
            warnings.warn(
                f"training diverged in epoch {done + 1}: the weights are those after epoch {done}; "
                f"a lower learning rate than {run.rule.rate:g} may help",
                DivergenceWarning,
                stacklevel=3,
            )
            return
        unseen = None if validation is None else network.evaluate(*validation)["loss"]
        run.remember(loss if unseen is None else unseen)
        loss = loss if network.members is not None else float(loss)
        history.epoch.append(done)
        history.loss.append(loss)
        if unseen is not None:
            history.validation_loss.append(unseen)
        yield Epoch(done, loss, unseen, run)


def fit(network: Network, X: Any, y: Any, *, restarts: int = 1, **options: Any) -> History:
    """Train a network to the end; `Network.fit` tells the options."""
    history, best = History(), 0
    if checks.whole("restarts", restarts) > 1:
        network.spread(restarts)
    try:
        for _ in train(network, X, y, history=history, **options):
            pass
        if restarts > 1:
            watched = options.get("validation") or (X, y, options.get("sample_weight"))
            # a loss that is no number is as bad as an infinite one
            best = int(np.argmin(np.fmin(network.evaluate(*watched)["loss"], np.inf)))
    finally:
        if restarts > 1:
            network.keep(best)
            history.keep(best)
    return history
