"""Timing: the runs of a task take turns, A B C A B C ..., and ratios are taken within a round.

A machine's speed drifts: only runs next to each other are compared. What is judged is the median
over rounds of the ratio within a round.
"""

import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from tasks import Serving, Task
from workers import Skipped, Worker, median_of

PAUSE = 0.03  # seconds between runs, in which the threads of the last one go to sleep
MOST = 12.0  # seconds that a slow peer may take in all of a task's rounds, if that is 3 or more


@dataclass
class Timing:
    """What was measured in a task, by peer.

    Attributes
    ----------
    task : Task or Serving
        What it was.
    seconds : dict of list
        Of each round; a slow peer sat out the last ones.
    outcome : dict
        The median loss that was reached, or the largest deviation of predictions.
    setting, compiling : dict
        Which of its settings was timed; seconds that the first run took beyond later ones.
    skipped : dict
        Why a peer took no part.
    abouts : dict
        Versions and kernels.
    """

    task: Task | Serving
    seconds: dict[str, list[float]] = field(default_factory=dict)
    outcome: dict[str, float | None] = field(default_factory=dict)
    setting: dict[str, str] = field(default_factory=dict)
    compiling: dict[str, float] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    abouts: dict[str, str] = field(default_factory=dict)

    def step(self, peer: str) -> float:
        """Return the median microseconds a step, or a call."""
        return statistics.median(self.seconds[peer]) / self.task.steps * 1e6

    def ratios(self, ours: str, peer: str) -> list[float]:
        """Return our seconds divided by the peer's, round by round; none if one was not there."""
        pairs = zip(self.seconds.get(ours, []), self.seconds.get(peer, []), strict=False)
        return [one / other for one, other in pairs]

    def fastest(self, peers: Iterable[str]) -> str | None:
        """Return the fastest of these peers that took part."""
        return min((peer for peer in peers if peer in self.seconds), key=self.step, default=None)


def measure(task: Task | Serving, workers: dict[str, Worker]) -> Timing:
    """Time a task: each peer gets ready, then the rounds."""
    timing = Timing(task)
    there = [workers[name] for name in task.peers if name in workers]
    for worker in there:
        try:
            answer = worker.ask(ask="prepare", task=task.name)
        except Skipped as why:
            timing.skipped[worker.name] = str(why)
            continue
        timing.setting[worker.name] = answer["setting"]
        timing.compiling[worker.name] = answer["compiling"]
        timing.seconds[worker.name] = []
    outcomes: dict[str, list[float | None]] = {name: [] for name in timing.seconds}
    for number in range(task.rounds):
        for worker in there:
            if worker.name in timing.seconds and not enough(timing.seconds[worker.name], number):
                _round(worker, number, timing, outcomes)
    timing.outcome = {name: median_of(each) for name, each in outcomes.items()}
    return timing


def enough(seconds: list[float], number: int) -> bool:
    """Whether a peer sits out this round and those after it: it is slow, and was timed thrice."""
    return len(seconds) < number or (number >= 3 and sum(seconds) > MOST)


def _round(
    worker: Worker, number: int, timing: Timing, outcomes: dict[str, list[float | None]]
) -> None:
    time.sleep(PAUSE)
    try:
        answer = worker.ask(ask="run", seed=number)
    except Skipped as why:
        timing.skipped[worker.name] = str(why)
        del timing.seconds[worker.name]
        return
    timing.seconds[worker.name].append(answer["seconds"])
    outcomes[worker.name].append(answer["outcome"])
