"""Where a training broke: its last epoch once more, line by line.

A copy of the network goes on from a state that was kept, to the epoch that ran away, and there step
by step to the first whose weights or loss are not finite. That step is run as it is written.
"""

import copy
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from glassnet.guard import Guard
from glassnet.listing import Writer, rows
from glassnet.network import Network
from glassnet.rows import Rows
from glassnet.run import Run
from glassnet.vocabulary import Array
from glassnet.written import Written

PATIENCE = 5.0  # seconds: an epoch that takes longer is not worth the wait


class _LateError(Exception):
    """It takes too long."""


class _BrokenError(Exception):
    """A step is not finite; the run is as it was before."""


class Again(Run):
    """A run once more, of one network.

    Attributes
    ----------
    looking : bool
        Whether each step is looked at, and raises where it is not finite.
    """

    looking = False

    def __init__(self, guard: Guard, run: Run, epochs: int) -> None:
        network: Network = copy.deepcopy(run.network)
        X = run.tables["x"] if run.sparse is None else run.sparse
        table = Rows(X, run.tables["y"], run.tables.get("w"), run.places)
        plan = replace(run.plan, engine="numpy")
        super().__init__(network, table, plan, None if run.total is None else epochs)
        self.end = perf_counter() + PATIENCE
        self.rows_now = 0
        self.steps_done, self.rate = guard.steps, guard.rate
        self._put(guard.arrays, guard.draws)
        self.good_theta[...] = network.theta

    def _put(self, arrays: dict[str, Array], draws: list[Any]) -> None:
        for name, array in arrays.items():
            self.shared[name][...] = array
        for generator, state in zip(self.network.generators, draws, strict=True):
            generator.bit_generator.state = state

    def _through(self, batches: Iterable[tuple[int, Array | None]], want_loss: bool) -> Any:
        total, shares = 0.0, 0.0
        for rows_now, picked in batches:
            if perf_counter() > self.end:
                raise _LateError
            if self.looking:
                arrays = {name: self.shared[name].copy() for name in ("theta", *self.rule.state)}
                draws = [each.bit_generator.state for each in self.network.generators]
            loss, share = super()._through([(rows_now, picked)], True)
            if self.looking and not (np.isfinite(loss) and self._fine(self.network.theta)):
                self._put(arrays, draws)
                self.rows_now = rows_now
                raise _BrokenError
            total, shares = total + loss, shares + share
        return total, shares

    def line(self) -> str | None:
        """Run the step that broke as it is written; return the first line that is not finite."""
        variant = self.plan.variant(self.rows_now, "train", self.weighted, own=False)
        program = self.network.recorded(variant)
        bound = {**self.tables, **self.shared, **self.scalars}
        bound |= self.with_loss[self.rows_now].arrays  # the batch
        arrays = {name: bound[name].copy() for name in program.inputs}
        writer = Writer(program.lines, program.outputs.values())
        printed = enumerate(zip(writer.statements, rows(program), strict=True), 1)
        number, (statement, row) = next(printed)
        for line, value in Written(program, arrays, self.network.rng):
            if line is not statement.line:
                continue
            weights = statement.target == "theta[...]"
            if not (self._fine(value) if weights else np.isfinite(value).all()):
                owner = f"layer {row.owner}" if row.owner[:1].isdigit() else row.owner
                return f"line {number}, {row.text}, of {owner}"
            number, (statement, row) = next(printed, (number, (statement, row)))
        return None


def broken_line(guard: Guard, run: Run, good: int, epochs: int) -> str | None:
    """Return the first line that was not finite in the epoch after the good ones, and whose it is.

    None if that epoch takes long, or does not break in the same way once more: where somebody
    changed the weights or the rate between epochs, or compiled lines round in another way.
    """
    again = Again(guard, run, epochs)
    with suppress(_LateError):
        try:
            for _ in range(good - guard.done):
                if not again.advance(1)[0]:
                    return None
            if not np.allclose(again.network.theta, run.good_theta, 1e-3, 1e-6):
                return None
            again.looking = True
            again.advance(1)
        except _BrokenError:
            return again.quietly(again.line)
    return None
