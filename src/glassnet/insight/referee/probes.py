"""Weights, rows and targets to try, and the gradient that is really there: central differences."""

from dataclasses import dataclass, field

import numpy as np

from glassnet.insight.referee.feeding import Feed
from glassnet.insight.referee.stated import Stated
from glassnet.insight.referee.subject import Subject
from glassnet.insight.referee.task import Task
from glassnet.vocabulary import Array

STEP, LONG_STEP = 1e-5, 3e-3  # of central differences, in float64 and in float32
MOST = 24  # entries of one array that are differenced; of larger ones a random choice
RIGHT, NEARLY = 2e-5, 1e-2  # how far a right gradient may be from a difference, relatively


@dataclass
class Sample:
    """One set of weights, rows, targets and a rate, and what the user's code made of it.

    Attributes
    ----------
    before, after, used : dict of str to array
        Weights before and after the step, and the gradient that was used.
    truth, slack : dict of str to array
        Central differences, NaN where none was taken, and how far off they may be.
    rough : bool
        Whether the user's code computes in float32, whatever it is given.
    """

    X: Array
    Y: Array
    rate: float
    before: dict[str, Array]
    after: dict[str, Array] = field(default_factory=dict)
    used: dict[str, Array] = field(default_factory=dict)
    truth: dict[str, Array] = field(default_factory=dict)
    slack: dict[str, Array] = field(default_factory=dict)
    rough: bool = False

    @property
    def step(self) -> float:
        """The step of central differences."""
        return LONG_STEP if self.rough else STEP

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.X)


def counts(subject: Subject, task: Task) -> list[int]:
    """Return numbers of rows that no axis of a weight has, so that no shape fits by chance."""
    taken = {task.X.shape[1], task.Y.shape[1]}
    for places in subject.learned.values():
        taken |= set(places[0].read(subject.pristine).shape)
    return [n for n in (7, 5, 6, 9, 11, 8, 4, 10, 13, 3, 17, 19, 23) if n not in taken][:3]


def weights(subject: Subject, rng: np.random.Generator) -> dict[str, Array]:
    """Return random weights, neither small nor so large that anything saturates."""
    found = {}
    for name, value in subject.values().items():
        fan = max(1.0, np.sqrt(max(value.shape))) if min(value.shape, default=1) > 1 else 2.0
        found[name] = np.asarray(rng.standard_normal(value.shape) * (1.2 / fan))
    return found


def rows(task: Task, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return random rows, with targets among the user's (near them, where they are quantities)."""
    X = rng.standard_normal((count, task.X.shape[1]))
    order = rng.permutation(len(task.Y))
    if task.one_hot:
        kinds = [np.flatnonzero(task.Y[order, k]) for k in range(task.Y.shape[1])]
        firsts = [order[kind[0]] for kind in kinds if len(kind)]
        chosen = [*firsts, *rng.choice(order, count)][:count]
        return X, task.Y[rng.permutation(chosen)]
    Y = task.Y[rng.choice(order, count)]
    if task.classes:
        for column in range(Y.shape[1]):
            for row, label in zip(rng.permutation(count)[:2], (0.0, 1.0), strict=False):
                Y[row, column] = label
        return X, Y
    spread = task.Y.std(axis=0) + 1e-3
    middle = np.clip(task.Y.mean(axis=0), -3, 3)
    fresh = middle + np.minimum(spread, 2.0) * rng.standard_normal(Y.shape)
    if ((task.Y >= 0) & (task.Y <= 1)).all():
        fresh = np.clip(fresh, 0.02, 0.98)
    return X, np.round(3 * fresh) if task.whole else fresh


def difference(subject: Subject, feed: Feed, loss: Stated, sample: Sample, rng: Array) -> None:
    """Take central differences of the loss by every weight, or by some of large arrays."""
    one = subject.fresh(sample.before)
    middle = _value(subject, feed, loss, sample, one, {})
    P = feed.outputs(subject.fresh(sample.before), sample.X)
    noise, h = _noise(loss, P, sample.Y, middle, sample), sample.step
    for name, value in sample.before.items():
        truth = np.full(value.shape, np.nan)
        slack = np.zeros(value.shape)
        for place in _entries(value, rng):
            moved = []
            for step in (h, -h):
                other = value.copy()
                other[place] += step
                moved.append(_value(subject, feed, loss, sample, one, {name: other}))
            truth[place] = (moved[0] - moved[1]) / (2 * h)
            # a kink between both sides shows in the second difference
            bent = abs(moved[0] - 2 * middle + moved[1]) / (2 * h)
            slack[place] = bent + noise
        subject.put(one, {name: value})
        sample.truth[name], sample.slack[name] = truth, slack


def _value(
    subject: Subject,
    feed: Feed,
    loss: Stated,
    sample: Sample,
    one: object,
    moved: dict[str, Array],
) -> float:
    if subject.fickle:
        one = subject.fresh(sample.before)
    subject.put(one, moved)
    return loss.value(one, sample.X, feed.outputs(one, sample.X), sample.Y)


def _noise(loss: Stated, P: Array, Y: Array, value: float, sample: Sample) -> float:
    """Return how far rounding may put a difference off: much, near probabilities of 0 and 1."""
    eps = float(np.finfo(np.float32 if sample.rough else float).eps)
    size = max(abs(value), 1e-3 * len(Y))
    if loss.kind == "custom" or not loss.probabilities:
        return 8 * eps * size / sample.step
    far = np.minimum(np.maximum(1 - P, eps), 1.0)
    wanted = (1 - Y) if loss.kind == "binary_cross_entropy" else np.zeros_like(Y)
    rough = float((wanted / far).max(initial=0.0))
    return 8 * eps * (size + rough) / sample.step


def _entries(value: Array, rng: np.random.Generator) -> list[tuple[int, ...]]:
    places = list(np.ndindex(value.shape))
    if len(places) <= MOST:
        return places
    return [places[i] for i in rng.choice(len(places), MOST, replace=False)]


def usable(loss: Stated, P: Array) -> bool:
    """Return whether a difference of the loss means anything: not where p is 0 or 1 to rounding."""
    if not np.isfinite(P).all():
        return False
    if loss.kind == "custom" or loss.probabilities:
        inside = ((P >= 0) & (P <= 1)).all()
        return not inside or bool((np.minimum(P, 1 - P) > 1e-6).all())
    return True


def agree(sample: Sample, factor: float = 1.0) -> dict[str, bool]:
    """Return by array whether the gradient used is the difference taken, times a factor."""
    largest = max((np.nanmax(np.abs(t), initial=0.0) for t in sample.truth.values()), default=0.0)
    found = {}
    for name, truth in sample.truth.items():
        right = NEARLY if sample.rough else RIGHT
        near = right * (np.nanmax(np.abs(truth), initial=0.0) + 0.01 * largest)
        off = np.abs(sample.used[name] / factor - truth)
        taken = ~np.isnan(truth)
        found[name] = bool((off[taken] <= near + sample.slack[name][taken]).all())
    return found
