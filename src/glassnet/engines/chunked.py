"""Replay for long vectors: the update, a chunk of theta at a time, so that it stays in the cache.

An optimizer's dozen passes over millions of weights wait for memory, not for arithmetic. Its lines
are elementwise, so each chunk may go through all of them before the next begins: the same bits.
"""

from collections.abc import Callable
from typing import Any

from glassnet.network import Network
from glassnet.planner import Replay
from glassnet.program import Program, record
from glassnet.run import Run
from glassnet.step import Variant

CHUNK = 1 << 15  # weights that go through an update at a time
ELEMENTWISE = ("elementwise", "copy", "cast", "select")


class Halves:
    """A step in two parts: a replay that leaves the gradient, and the update in chunks."""

    def __init__(self, replay: Replay, chunks: list[Callable[[], None]]) -> None:
        self._replay, self._chunks = replay, chunks
        self.arrays, self.outputs = replay.arrays, replay.outputs

    def __call__(self) -> None:
        """Run the step."""
        self._replay()
        for chunk in self._chunks:
            chunk()


class Chunked(Run):
    """A training run by replay whose update goes through theta in chunks."""

    def _step(self, rows: int, loss: bool) -> Any:
        network, own = self.network, self.network.members is not None and not self.whole
        variant = self.plan.variant(rows, "gradient", self.weighted, own)
        replay = self._bound(network.replay(variant, ("gradient", *["loss"] * loss)))
        return Halves(replay, self._chunks(self.plan.variant(rows, "train", self.weighted, own)))

    def _chunks(self, variant: Variant) -> list[Callable[[], None]]:
        """Return the update as functions of one chunk of one member each."""
        size, found, replays = self.network.layout.size, [], dict[int, Replay]()
        vectors = {name: array for name, array in self.shared.items() if array.ndim}
        for member in range(self.network.members or 1):
            own = {n: array if array.ndim == 1 else array[member] for n, array in vectors.items()}
            for begin in range(0, size, CHUNK):
                n = min(CHUNK, size - begin)
                if n not in replays:
                    program = update(self.network, variant, n)
                    replays[n] = Replay(program, ("theta", *self.rule.state))
                parts = {name: array[begin : begin + n] for name, array in own.items()}
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
