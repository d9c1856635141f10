"""What an optimizer remembers from one run to the next."""

from dataclasses import dataclass

from glassnet.parts import Optimizer
from glassnet.run import Run
from glassnet.vocabulary import Array


@dataclass(frozen=True)
class Memory:
    """What an optimizer remembers from one run to the next: its state, and how many steps."""

    rule: Optimizer
    steps: int
    state: dict[str, Array]


def remembered(run: Run) -> Memory:
    """Return a run's optimizer, its count of steps and its state."""
    return Memory(run.rule, run.steps_done, {n: run.shared[n] for n in run.rule.state})


def resume(run: Run, memory: Memory | None) -> None:
    """Go on where an earlier run with the same optimizer and as many weights ended."""
    if memory is None or memory.rule != run.rule:
        return
    if all(vector.shape == run.network.theta.shape for vector in memory.state.values()):
        run.steps_done = memory.steps
        for name, vector in memory.state.items():
            run.shared[name][...] = vector
