"""Schedules: a factor on the learning rate, as a function of the step.

A schedule is any function ``(step, total) -> factor``: the steps done so far, from 0, and how
many there will be, or None where nobody knows. One of your own is as good as these.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, inf, log2, pi
from typing import Any

from glassnet import checks

Schedule = Callable[[int, int | None], float]


@dataclass(frozen=True)
class Scheduled:
    """A number that a schedule changes from step to step.

    Attributes
    ----------
    number : float
        What it is where the schedule's factor is 1.
    schedule : callable
        The factor, as a function (step, total).
    argument, name : str
        What the factor and the number are called where one of them is wrong.
    below : float
        What the number stays below.

    Examples
    --------
    >>> Scheduled(0.5, WarmUp(4)).at(0, None)
    0.125
    """

    number: float
    schedule: Schedule
    argument: str = "schedule"
    name: str = "schedule"
    below: float = inf

    def at(self, step: int, total: int | None) -> float:
        """Return the number in this step."""
        factor = checks.number(self.argument, self.schedule(step, total), 0)
        return checks.number(self.name, self.number * factor, 0, self.below)


@dataclass(frozen=True)
class Constant:
    """1 at every step.

    Examples
    --------
    >>> Constant()(7, 100)
    1.0
    """

    def __call__(self, step: int, total: int | None) -> float:
        """Return 1."""
        return 1.0


@dataclass(frozen=True)
class WarmUp:
    r"""From nothing to 1 in a straight line, then another schedule over the steps that remain.

    .. math:: (step + 1) / steps \text{ while } step < steps

    Source: Goyal et al. (2017), arXiv:1706.02677, section 2.2.

    Parameters
    ----------
    steps : int
        How many steps it takes: the first has the factor 1 / steps.
    then : str or callable
        The schedule after it.

    Examples
    --------
    >>> [WarmUp(4)(step, None) for step in (0, 1, 3, 9)]
    [0.25, 0.5, 1.0, 1.0]
    """

    steps: int = 100
    then: Any = "constant"

    def __post_init__(self) -> None:
        checks.whole("steps", self.steps)
        object.__setattr__(self, "then", find_schedule("then", self.then))

    def __call__(self, step: int, total: int | None) -> float:
        """Return (step + 1) / steps, then what the other schedule says."""
        if step < self.steps:
            return (step + 1) / self.steps
        rest = None if total is None else max(total - self.steps, 1)
        return float(self.then(step - self.steps, rest))


@dataclass(frozen=True)
class Cosine:
    r"""Down along half a wave, over all steps.

    .. math:: end + (1 - end)\, \frac{1 + \cos(\pi \cdot step / total)}{2}

    Source: Loshchilov and Hutter (2016), arXiv:1608.03983, without its restarts.

    Parameters
    ----------
    end : float
        The factor behind the last step.

    Examples
    --------
    >>> [round(Cosine()(step, 100), 4) for step in (0, 25, 50, 100)]
    [1.0, 0.8536, 0.5, 0.0]
    """

    end: float = 0.0

    def __post_init__(self) -> None:
        checks.number("end", self.end, 0)

    def __call__(self, step: int, total: int | None) -> float:
        """Return the height of the wave."""
        return self.end + (1 - self.end) * (1 + cos(pi * min(step / _known(total, self), 1))) / 2


@dataclass(frozen=True)
class StepDecay:
    r"""Down by a factor at once, every so many steps: factor ** (step // every).

    .. math:: factor^{\lfloor step / every \rfloor}

    Source: Goodfellow, Bengio and Courville (2016), "Deep Learning", section 8.3.1, on why the
    rate has to fall.

    Parameters
    ----------
    every : int
        Steps from one fall to the next.
    factor : float
        What remains at each.

    Examples
    --------
    >>> [StepDecay(every=10, factor=0.5)(step, None) for step in (0, 9, 10, 25)]
    [1.0, 1.0, 0.5, 0.25]
    """

    every: int = 1000
    factor: float = 0.5

    def __post_init__(self) -> None:
        checks.whole("every", self.every)
        checks.number("factor", self.factor, 0)

    def __call__(self, step: int, total: int | None) -> float:
        """Return the factor to the power of the falls so far."""
        return float(self.factor ** (step // self.every))


@dataclass(frozen=True)
class Exponential:
    r"""Down by the same share each step: factor ** (step / every).

    .. math:: factor^{step / every}

    Source: Goodfellow, Bengio and Courville (2016), "Deep Learning", section 8.3.1, on why the
    rate has to fall.

    Parameters
    ----------
    every : int
        In how many steps the factor is reached.
    factor : float
        What remains then.

    Examples
    --------
    >>> [round(Exponential(every=10, factor=0.5)(step, None), 4) for step in (0, 5, 10)]
    [1.0, 0.7071, 0.5]
    """

    every: int = 1000
    factor: float = 0.5

    def __post_init__(self) -> None:
        checks.whole("every", self.every)
        checks.number("factor", self.factor, 0)

    def __call__(self, step: int, total: int | None) -> float:
        """Return the factor to the power of step / every."""
        return float(self.factor ** (step / self.every))


@dataclass(frozen=True)
class Inverse:
    r"""Down as the inverse of the steps: 1 / (1 + step / every) ** power.

    .. math:: (1 + step / every)^{-power}

    Source: Robbins and Monro (1951), doi:10.1214/aoms/1177729586: with a power above 1/2 and at
    most 1 the steps are large enough together and small enough each.

    Parameters
    ----------
    every : int
        In how many steps the sum in brackets grows by 1.
    power : float
        How fast it falls.

    Examples
    --------
    >>> [Inverse(power=0.5)(step, None) for step in (0, 3, 99)]
    [1.0, 0.5, 0.1]
    """

    every: int = 1
    power: float = 0.5

    def __post_init__(self) -> None:
        checks.whole("every", self.every)
        checks.number("power", self.power, 0)

    def __call__(self, step: int, total: int | None) -> float:
        """Return the inverse power."""
        return float((1 + step / self.every) ** -self.power)


@dataclass(frozen=True)
class CosLog4:
    r"""Four waves from 0 to 1 and back, each twice as long as the one before.

    .. math:: \tfrac12 (1 - \cos(2 \pi \log_2(1 + 15\, step / total)))

    It needs no warm-up, visits small and large rates at every stage, and ends at 0.

    Source: Holzmüller, Grinsztajn and Steinwart (2024), arXiv:2407.04491, section 3.

    Examples
    --------
    >>> [round(CosLog4()(step, 150), 4) for step in (0, 4, 10, 30, 46, 70, 150)]
    [0.0, 0.9979, 0.0, 0.0, 0.9979, 0.0, 0.0]
    """

    def __call__(self, step: int, total: int | None) -> float:
        """Return the height of the wave."""
        return (1 - cos(2 * pi * log2(1 + 15 * min(step / _known(total, self), 1)))) / 2


@dataclass(frozen=True)
class FlatCos:
    r"""1 over the first half of the steps, then down to 0 along half a wave.

    .. math:: \tfrac12 (1 + \cos(\pi (\max(1, 2\, step / total) - 1)))

    Source: Holzmüller, Grinsztajn and Steinwart (2024), arXiv:2407.04491, section 3.

    Examples
    --------
    >>> [round(FlatCos()(step, 100), 4) for step in (0, 50, 75, 100)]
    [1.0, 1.0, 0.5, 0.0]
    """

    def __call__(self, step: int, total: int | None) -> float:
        """Return 1, then the height of the wave."""
        return (1 + cos(pi * (max(1, 2 * min(step / _known(total, self), 1)) - 1))) / 2


def _known(total: int | None, schedule: Schedule) -> int:
    if total is None:
        name = type(schedule).__name__
        raise ValueError(f"schedule: {name} expects to know the number of steps, got None")
    return total


SCHEDULES: dict[str, type[Any]] = {
    "constant": Constant,
    "warm_up": WarmUp,
    "cosine": Cosine,
    "step": StepDecay,
    "exponential": Exponential,
    "inverse": Inverse,
    "coslog4": CosLog4,
    "flat_cos": FlatCos,
}


def find_schedule(name: str, given: Any) -> Schedule:
    """Return a schedule, given one or its name."""
    if not callable(given) or isinstance(given, type):
        given = SCHEDULES[checks.one_of(name, given, SCHEDULES, ", or a function (step, total)")]()
    schedule: Schedule = given
    return schedule
