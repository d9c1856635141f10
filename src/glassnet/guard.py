"""The guard: what is kept of a training, so that it can be told where it broke."""

from time import perf_counter
from typing import Any

from glassnet.run import Run
from glassnet.vocabulary import Array

MOST_WEIGHTS = 1_000_000  # of larger networks nothing is kept: it would take memory
SELDOM = 100.0  # times what a look takes goes by before the next


class Guard:
    """Keeps a state of a run from some report not long ago.

    Taking it takes no more than a hundredth of the time, so going on from there to where the run
    broke takes hardly longer.

    Attributes
    ----------
    done : int
        Epochs done then.
    steps : int
        Updates made then.
    arrays : dict of str to array
        theta and the optimizer's vectors.
    draws : list
        The states of the generators.
    """

    def __init__(self, run: Run) -> None:
        network = run.network
        self._run = run
        one = network.members is None and network.theta.size <= MOST_WEIGHTS
        self._next = 0.0 if one else float("inf")
        self.done, self.steps = 0, 0
        self.rate = run.rate
        self.arrays: dict[str, Array] = {}
        self.draws: list[Any] = []

    def look(self, done: int) -> None:
        """Keep the state after so many epochs, if it is time."""
        start = perf_counter()
        if start < self._next:
            return
        run = self._run
        self.done, self.steps, self.rate = done, run.steps_done, run.rate
        self.arrays = {name: run.shared[name].copy() for name in ("theta", *run.rule.state)}
        self.draws = [generator.bit_generator.state for generator in run.network.generators]
        end = perf_counter()
        self._next = end + SELDOM * (end - start)

    def where(self, good: int, epochs: int) -> str | None:
        """Return the line in which the epoch after the good ones broke, if that can be told."""
        if not self.arrays:
            return None
        from glassnet.insight.breaking import broken_line

        return broken_line(self, self._run, good, epochs)
