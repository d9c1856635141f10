"""Compiled training: full batches by a function of generated source, what remains by the replay.

The lines are those of one network's program; several members are gone through one by one, each
with its own weights, order and state. This room is the one face of Numba.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pickle import PickleError
from threading import Lock
from time import perf_counter
from typing import Any

import numpy as np

from glassnet.engines.cache import forget, module
from glassnet.engines.lines import UntranslatableError
from glassnet.engines.source import Source
from glassnet.engines.together import Team
from glassnet.network import Network
from glassnet.plan import Plan
from glassnet.planner import ALIGNMENT
from glassnet.program import address
from glassnet.rows import Rows
from glassnet.run import Run
from glassnet.threads import one_thread
from glassnet.vocabulary import Array

try:
    import scipy  # noqa: F401  (whose BLAS Numba calls)
    from numba import config, typeof
    from numba.core.errors import NumbaError
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        'engine: expected Numba and SciPy to be installed: pip install "glassnet[fast]"',
        name=error.name,
    ) from None

LEAP = 10_000  # epochs in one call, at most
PLACES = 1 << 20  # of rows that are drawn ahead for one call, at most
LONG = 0.25  # seconds that a call is to take: until then nothing can be interrupted
DEEP = 20_000  # calls in each other: Numba goes through hundreds of loops by calling itself
COMPILING = Lock()
READY: set[Any] = set()  # functions that are compiled, and for what
WORK = 1e10  # multiplications in the first call, at most; how long it takes tells for the others


@contextmanager
def settings(**changed: Any) -> Iterator[None]:
    """Let one thread at a time compile, with these settings of Numba."""
    with COMPILING:
        before = {name: getattr(config, name) for name in changed}
        try:
            vars(config).update(changed)
            yield
        finally:
            vars(config).update(before)


def load(source: Source) -> Any:
    """Return the function of a source; what Numba keeps of it lies beside it and nowhere else."""
    if getattr(config, "DISABLE_JIT", False):
        raise UntranslatableError("anything while NUMBA_DISABLE_JIT is set")
    with settings(CACHE_DIR=""):
        return module(source.text).run


def prepare(function: Any, arguments: tuple[Any, ...]) -> None:
    """Compile a function for arguments of these types, or read what was compiled before.

    Numba leaves straight code as it is unless it is told otherwise; unrolled loops are such code.
    """
    types, limit = tuple(map(typeof, arguments)), sys.getrecursionlimit()
    with settings(SLP_VECTORIZE=1):
        sys.setrecursionlimit(max(limit, DEEP))
        try:
            function.compile(types)
        except (OSError, EOFError, ValueError, PickleError):  # what was kept is damaged
            forget(function.__module__)
            function.compile(types)
        except (NumbaError, RecursionError) as error:
            raise UntranslatableError(f"this step: Numba raises {type(error).__name__}") from None
        finally:
            sys.setrecursionlimit(limit)


class Compiled(Run):
    """A training run whose full batches are compiled."""

    def __init__(
        self,
        network: Network,
        rows: Rows,
        plan: Plan,
        total_epochs: int | None,
        made: Source,
        threads: int = 1,
    ) -> None:
        super().__init__(network, rows, plan, total_epochs)
        self.made, self._function = made, load(made)
        self._team = Team(threads) if made.shared else None
        # written here: two threads that came to fresh memory at once would wait for each other
        block = np.full(made.size + ALIGNMENT, 0, network.dtype)
        start = -address(block) % ALIGNMENT // network.dtype.itemsize
        self._block = block[start : start + made.size]
        size = network.layout.size
        self._written = [self.shared[name].reshape(-1, size) for name in made.written]
        members = len(self._written[0])
        self._vectors = [
            np.broadcast_to(self.shared[name], (members, size)).copy() for name in made.vectors
        ]
        self._losses = np.zeros((members, 2 + threads))
        self._nowhere = np.zeros((members, 1), np.int64)
        self._at_once = int(max(WORK // (3 * self.batch * size * members), 1))  # steps
        self._tables = [self.tables[name] for name in made.tables]
        self.quietly(self._prepare)

    def _prepare(self) -> None:
        """Compile the function, if no other run has done so."""
        # all that types hang on: others than these are always the same
        flags = (table.flags.writeable for table in self._tables)
        ready = (self._function, self._block.dtype, *flags)
        if ready not in READY:
            numbers = np.empty((1, len(self.made.changing)), self.network.dtype)
            arguments, *_ = self._calls(self._nowhere, numbers, 1, 1, False, False, True, True)
            more = self._team.arguments(0) if self._team else ()
            prepare(self._function, (*arguments, *more))
            READY.add(ready)

    def _step(self, rows: int, loss: bool) -> Any:
        """Return a replayed step for what remains of an epoch; full batches need none."""
        return super()._step(rows, loss) if rows < self.batch else None

    def advance(self, epochs: int) -> tuple[int, Any]:
        """Train for some epochs; return how many went well, and the loss of the last."""
        with one_thread(team=True) if self._team else nullcontext():  # they share products, too
            return super().advance(epochs)

    def _advance(self, epochs: int) -> tuple[int, Any]:
        done, loss, steady, last = 0, None, True, False
        while not last:
            halted = self.halted
            leap = self._epochs_at_once() if steady and not halted else 1
            ahead = min(leap, epochs - done)
            last = halted or done + ahead == epochs
            if ahead == 1:
                went, loss = super()._advance(1) if last else self._unread()
                if not went:
                    return done, loss
            elif (loss := self._leap(ahead, last)) is None:
                steady, last = False, False  # it ran away: once more, and look each epoch
                continue
            done += ahead
        return done, loss

    def _epochs_at_once(self) -> int:
        """Return how many epochs to go through in the next call."""
        if self.made.draws or self.steps > self.full:
            return 1  # what was drawn cannot be drawn again; what remains is not compiled
        most = LEAP if self.whole else min(LEAP, PLACES // (self.rows * len(self._losses)))
        return max(min(self._at_once // self.full, most), 1)

    def _unread(self) -> tuple[int, Any]:
        """Train for an epoch whose loss nobody reads."""
        self._epoch(want_loss=False)
        return int(self._finite(None)), None

    def _leap(self, epochs: int, want_loss: bool) -> Any:
        """Train for epochs at a time; where that runs away, undo them and return None."""
        alone = len(self._losses) == 1  # and what runs away is not written; others may have been
        before = [] if alone else [array.copy() for array in self._written]
        steps = self.steps_done
        order, states = self._nowhere, []
        if not self.whole:
            states = [rng.bit_generator.state for rng in self.network.generators]
            taken = self.full * self.batch  # of each epoch; drop_last leaves out the others
            order = np.hstack([np.atleast_2d(self._order())[:, :taken] for _ in range(epochs)])
        self._losses[...] = 0
        losses = self._call(order, epochs, self.full, want_loss, undo=alone)
        # a sum of squares is infinite wherever `_finite` sees a run end, and a little before
        if np.isfinite(self._losses).all():
            np.copyto(self.good_theta, self.network.theta)
            return self._mean(losses[:, 0], losses[:, 1]) if want_loss else 0.0
        self.steps_done = steps
        for rng, state in zip(self.network.generators, states, strict=False):
            rng.bit_generator.state = state
        for array, kept in zip(self._written, before, strict=False):
            array[...] = kept
        return None

    def _epoch(self, want_loss: bool) -> Any:
        """Go through the rows once, and return their mean loss if it is wanted."""
        self._losses[...] = 0
        if self.whole:
            losses = self._call(self._nowhere, 1, 1, want_loss)
            return self._mean(*losses.T) if want_loss else None
        order, begin, losses = np.atleast_2d(self._order()), 0, self._losses[:, :2]
        while begin < self.full:
            steps = min(self._at_once, self.full - begin)
            part = order[:, begin * self.batch : (begin + steps) * self.batch]
            ends = not begin, begin + steps == self.full
            ends = ends if self.network.members is None else (True, True)  # they share the block
            losses = self._call(np.ascontiguousarray(part), 1, steps, want_loss, ends=ends)
            begin += steps
        total, shares = losses.T
        if self.steps > self.full:
            rest = order[:, self.full * self.batch :]
            rest = rest[0] if self.network.members is None else rest
            more, share = self._through([(rest.shape[-1], rest)], want_loss)
            total, shares = total + more, shares + share
        return self._mean(total, shares) if want_loss else None

    def _mean(self, total: Any, shares: Any) -> Any:
        mean = total / shares
        return mean[0] if self.network.members is None else mean

    def _call(
        self,
        order: Array,
        epochs: int,
        steps: int,
        want_loss: bool,
        undo: bool = False,
        ends: tuple[bool, bool] = (True, True),
    ) -> Array:
        """Let the function go through steps; return the sums of each member's losses and shares."""
        numbers, start = self._numbers(epochs * steps), perf_counter()
        for arguments in self._calls(order, numbers, epochs, steps, want_loss, undo, *ends):
            if self._team:
                self._team(self._function, arguments)
            else:
                self._function(*arguments)
        fits = int(epochs * steps * LONG / max(perf_counter() - start, 1e-9))
        self._at_once = max(min(fits, 4 * self._at_once), 1)
        return self._losses[:, :2].copy()

    def _calls(self, order: Array, numbers: Array, *how: int) -> Iterator[tuple[Any, ...]]:
        """Yield the arguments of a call for all members, or of one for each, where they draw."""
        made, each = self.made, (order, *self._written, *self._vectors, self._losses)
        # who draws has a generator of its own
        parts = [tuple(array[k : k + 1] for array in each) for k in range(len(order))]
        for k, (places, *arrays, losses) in enumerate(parts if made.draws else [each]):
            rng = self.network.generators[k : k + 1] if made.draws else ()
            start = (*rng, self._block, *self._tables, places, numbers)
            yield (*start, *arrays, *made.constants, losses, *how)

    def _numbers(self, steps: int) -> Array:
        """Return the numbers that may change, (steps, names), and count the steps as done."""
        numbers = np.empty((steps, len(self.made.changing)), self.network.dtype)
        every = range(self.steps_done + 1, self.steps_done + steps + 1)
        columns: dict[str, Any] = {"rate": self.rate, "longest": self.shared.get("longest")}
        if self.scheduled:
            found = [self.changing(step - 1, self.total) for step in every]
            columns |= {name: [each[name] for each in found] for name in found[0]}
        if self.corrected:
            columns |= self._corrections(every)
        for column, name in enumerate(self.made.changing):
            numbers[:, column] = columns[name]
        self.steps_done += steps
        return numbers

    def _corrections(self, every: range) -> dict[str, Any]:
        """Return the optimizer's corrections of several steps: at once, where it can say so."""
        corrections = self.rule.corrections
        first, last = corrections(every[0]), corrections(every[-1])
        try:
            columns: Any = corrections(np.array(every, float))
            if all(
                np.allclose(columns[name][[0, -1]], [first[name], last[name]], 1e-12, 0)
                for name in first
            ):
                return dict(columns)
        except (TypeError, ValueError, IndexError):
            pass
        found = [corrections(step) for step in every]
        return {name: [each[name] for each in found] for name in first}
