"""Replay for long vectors: the update, a chunk of theta at a time, so that it stays in the cache.

An optimizer's dozen passes over millions of weights wait for memory, not for arithmetic. Its lines
are elementwise, so each chunk may go through all of them before the next begins, and the chunks may
be shared out to threads: the same bits.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from typing import Any

import numpy as np

from glassnet.network import Network
from glassnet.planner import Replay
from glassnet.program import Program, record
from glassnet.run import Run
from glassnet.step import Variant
from glassnet.threads import threads

CHUNK = 1 << 15  # weights that go through an update at a time
SHARED = 1 << 18  # weights from which on a second thread is worth waking
ELEMENTWISE = ("elementwise", "copy", "cast", "select")


class Halves:
    """A step in two parts: a replay that leaves the gradient, and the update in chunks.

    Parameters
    ----------
    replay : Replay
    shares : list of list
        The chunks of each thread, as functions.
    """

    def __init__(self, replay: Replay, shares: list[list[Callable[[], None]]]) -> None:
        self._replay, (self._own, *others) = replay, shares
        self.arrays, self.outputs = replay.arrays, replay.outputs
        self._pool: Any = ThreadPoolExecutor(len(others)) if others else None
        self._others = [(Context(), share) for share in others]
        for quiet, _ in self._others:
            quiet.run(np.seterr, all="ignore")  # which a new thread does not know of

    def __call__(self) -> None:
        """Run the step."""
        self._replay()
        running = []
        for quiet, share in self._others:
            try:
                running.append(self._pool.submit(quiet.run, _each, share))
            except RuntimeError:  # the interpreter ends, and gives no more threads
                quiet.run(_each, share)
        _each(self._own)
        for each in running:
            each.result()


def _each(chunks: list[Callable[[], None]]) -> None:
    for chunk in chunks:
        chunk()


class Chunked(Run):
    """A training run by replay whose update goes through theta in chunks."""

    def _step(self, rows: int, loss: bool) -> Any:
        network, own = self.network, self.network.members is not None and not self.whole
        variant = self.plan.variant(rows, "gradient", self.weighted, own)
        replay = self._bound(network.replay(variant, ("gradient", *["loss"] * loss)))
        variant = self.plan.variant(rows, "train", self.weighted, own)
        size = self.network.layout.size
        pieces = [
            (member, slice(begin, min(begin + CHUNK, size)))
            for member in range(self.network.members or 1)
            for begin in range(0, size, CHUNK)
        ]
        count = threads() if self.network.theta.size >= SHARED else 1
        shares = np.array_split(np.arange(len(pieces)), min(count, len(pieces)))
        return Halves(
            replay, [self._chunks(variant, [pieces[k] for k in share]) for share in shares]
        )

    def _chunks(
        self, variant: Variant, pieces: list[tuple[int, slice]]
    ) -> list[Callable[[], None]]:
        """Return the update as functions of one piece of one member each, for one thread."""
        found, replays = [], dict[int, Replay]()
        vectors = {name: array for name, array in self.shared.items() if array.ndim}
        for member, piece in pieces:
            n = piece.stop - piece.start
            if n not in replays:
                program = update(self.network, variant, n)
                replays[n] = Replay(program, ("theta", *self.rule.state))
            parts = {
                name: (array if array.ndim == 1 else array[member])[piece]
                for name, array in vectors.items()
            }
            replays[n].bind(**self.scalars, **parts)
            found.append(replays[n].bound())
        return found


def update(network: Network, variant: Variant, n: int) -> Program:
    """Return the program of an update of so many weights."""
    step, size = network.step(variant), network.layout.size
    inputs = step.inputs(network.inputs, network.dtype)

    def code(program: Program) -> None:
        v = {
            name: program.input(name, (n,) if shape else (), dtype)
            for name, (shape, dtype) in inputs.items()
            if shape in ((), inputs["theta"][0], (size,))
        }
        step.update(v, program.within)

    return record(code, network.dtype)


def chunks(network: Network, variant: Variant) -> bool:
    """Whether an update is long enough for chunks, and does to each weight the same."""
    if network.theta.size <= 2 * CHUNK:
        return False
    lines = update(network, variant, 2).lines
    return all(line.function.kind in ELEMENTWISE for line in lines)
