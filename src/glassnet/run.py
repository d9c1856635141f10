"""A run: the tables, the optimizer's state, and the steps over the batches, epoch by epoch."""

from collections.abc import Iterable
from contextvars import copy_context
from math import isfinite
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.network import Network
from glassnet.plan import Plan
from glassnet.rows import Rows
from glassnet.vocabulary import Array

# NumPy copies operands that it broadcasts into buffers of this many elements: as few as cost no
# time, so that a step on a large batch takes no more memory than one on a small batch
BUFFER = 256


class Run:
    """One training run: the tables, the optimizer's state, and the steps over the batches.

    Attributes
    ----------
    rate : float
        The learning rate, before the schedule.
    steps_done : int
        Updates made so far.
    shared : dict of str to array
        theta, its gradient, and the optimizer's vectors, shaped like it.
    quietly : callable
        ``quietly(function, *args)`` calls it where NumPy works as `quieten` says.
    halted : bool
        Set by whoever wants `advance` to return after the epoch that comes to its end next.
    diverged : bool
        Whether the last epoch ran away.
    """

    def __init__(
        self, network: Network, rows: Rows, plan: Plan, total_epochs: int | None = None
    ) -> None:
        self.network, self.plan, self.rule, self.steps_done = network, plan, plan.optimizer, 0
        self.places, self.weighted, dtype = rows.places, rows.w is not None, network.dtype
        self.rows = len(rows) if self.places is None else self.places.shape[-1]
        self.batch = min(int(plan.batch_size or self.rows), self.rows)
        self.whole = self.batch == self.rows and self.places is None
        rest = 0 if plan.drop_last else self.rows % self.batch
        self.full = self.rows // self.batch
        self.steps = self.full + (rest > 0)
        self.total = None if total_epochs is None else total_epochs * self.steps
        self.tables = {"y": rows.y}
        if rows.w is not None:
            # the scale of weights must not matter, and float32 must hold their sums
            self.tables["w"] = rows.w / rows.w.mean()
        X = checks.dense(rows.X) if self.whole else rows.X
        if X is rows.X and hasattr(X, "toarray"):
            self.sparse = X.astype(dtype)
        else:
            self.sparse, self.tables["x"] = None, X
        self.tables = {n: np.ascontiguousarray(table, dtype) for n, table in self.tables.items()}
        self.shared = {n: np.zeros_like(network.theta) for n in ("gradient", *self.rule.state)}
        self.shared |= {"theta": network.theta, **plan.vectors(network)}
        self.scheduled, corrections = plan.scheduled(network), self.rule.corrections(1)
        self.scalars = {
            name: np.zeros((), dtype) for name in ("rate", *corrections, *self.scheduled)
        }
        self.corrected, self.rate = bool(corrections), self.rule.rate
        sizes = {self.batch, rest} - {0}
        self.with_loss = {rows: self._step(rows, True) for rows in sizes}
        self.without_loss = {rows: self._step(rows, False) for rows in sizes}
        self.good_theta = network.theta.copy()
        self.halted = self.diverged = False
        # to enter a context takes a tenth of what np.errstate takes
        self.quietly = copy_context().run
        self.quietly(self.quieten)

    def _step(self, rows: int, loss: bool) -> Any:
        """Return a step over so many rows, bound to the arrays of this run."""
        own = self.network.members is not None and not self.whole
        variant = self.plan.variant(rows, "train", self.weighted, own)
        if self.plan.engine == "eager":
            from glassnet.engines.eager import Eager

            return self._bound(Eager(self.network, variant))
        wanted = ("theta", *self.rule.state, *["loss"] * loss)
        return self._bound(self.network.replay(variant, wanted))

    def _bound(self, step: Any) -> Any:
        """Bind a step to the arrays of this run."""
        step.arrays.clear()
        tables = self.tables if self.whole else {}
        step.bind(self.network.rng, **self.shared, **self.scalars, **tables)
        return step

    @property
    def buffer(self) -> int | None:
        """Elements of NumPy's buffers in a step, which sums go by; None leaves it at its own."""
        return BUFFER if self.batch * self.network.theta.size > BUFFER else None

    def quieten(self) -> None:
        """Let NumPy work as it does in a step, from now on: without warnings, by small buffers."""
        np.seterr(all="ignore")
        if self.buffer is not None:
            np.setbufsize(self.buffer)

    def advance(self, epochs: int) -> tuple[int, Any]:
        """Train for some epochs; return how many went well, and the loss of the last."""
        return self.quietly(self._advance, epochs)

    def _advance(self, epochs: int) -> tuple[int, Any]:
        done, last, loss = 0, False, None
        while not last:
            last = self.halted or done == epochs - 1
            loss = self._epoch(want_loss=last)
            if not self._finite(loss):
                break
            done += 1
        return done, loss

    def _epoch(self, want_loss: bool) -> Any:
        """Go through the rows once, and return their mean loss if it is wanted."""
        total, shares = self._through(self._batches(), want_loss)
        return total / shares if want_loss else None

    def _through(self, batches: Iterable[tuple[int, Array | None]], want_loss: bool) -> Any:
        """Go through batches, and return the sum of their losses by shares, and of the shares."""
        steps = self.with_loss if want_loss else self.without_loss
        corrections, scalars = self.rule.corrections, self.scalars
        scalars["rate"][...] = self.rate
        total, shares = 0.0, 0.0
        for rows, picked in batches:
            step = steps[rows]
            if self.scheduled:
                for name, number in self.changing(self.steps_done, self.total).items():
                    scalars[name][...] = number
            self.steps_done += 1
            if self.corrected:
                for name, number in corrections(self.steps_done).items():
                    scalars[name][...] = number
            if picked is not None:
                for name, table in self.tables.items():
                    table.take(picked, 0, step.arrays[name], "clip")
                if self.sparse is not None:
                    x = step.arrays["x"]
                    x[...] = self.sparse[picked.ravel()].toarray().reshape(x.shape)
            step()
            if want_loss:
                share = rows if not self.weighted else step.arrays["w"].sum((-2, -1))
                share = 1 if self.whole else share  # a mean over one batch is its loss
                total = total + np.multiply(step.outputs["loss"], share, dtype=np.float64)
                shares = shares + share
        return total, shares

    def changing(self, step: int, total: int | None) -> dict[str, float]:
        """Return what has a schedule: its name in the program, and what it is in this step."""
        now = {name: each.at(step, total) for name, each in self.scheduled.items()}
        if "rate" in now:
            now["rate"] *= self.rate  # which may be changed between epochs
        return now

    def _batches(self) -> Iterable[tuple[int, Array | None]]:
        """Return each batch's number of rows and their places, (rows,) or (members, rows)."""
        if self.whole:
            return ((self.rows, None),)
        order, ends = self._order(), range(self.batch, (self.steps + 1) * self.batch, self.batch)
        parts = (order[..., end - self.batch : end] for end in ends)
        return ((part.shape[-1], part) for part in parts)

    def _order(self) -> Array:
        """Return the places of the rows in this epoch's order, (rows,) or (members, rows)."""
        shuffle, rows = self.plan.shuffle and self.batch < self.rows, self.rows
        orders = [
            rng.permutation(rows) if shuffle else np.arange(rows) for rng in self.network.generators
        ]
        if self.places is not None:
            orders = [own[order] for own, order in zip(self.places, orders, strict=True)]
        return orders[0] if self.network.members is None else np.stack(orders)

    def _fine(self, theta: Array) -> Any:
        """Whether the weights of one network are finite, as far as a run goes on with them.

        Their sum of squares is infinite a little before a weight is, and takes no array. Where it
        began so (the centre of a column of 1e30) the weights are looked at themselves.
        """
        return isfinite(theta.dot(theta)) or (
            not isfinite(self.good_theta.dot(self.good_theta)) and np.isfinite(theta).all()
        )

    def _finite(self, loss: Any) -> bool:
        """Whether any member is still finite; those that are not get their last good weights."""
        theta = self.network.theta
        if self.network.members is None:
            fine = (loss is None or isfinite(loss)) and self._fine(theta)
        else:
            alive = np.isfinite(np.add.reduce(theta, -1) + (0.0 if loss is None else loss))
            np.copyto(theta, self.good_theta, where=~alive[:, None])
            fine = alive.any()
        if fine:
            np.copyto(self.good_theta, theta)
        else:
            theta[...] = self.good_theta
        self.diverged = not fine
        return bool(fine)
