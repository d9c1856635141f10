"""Which way to take a step works: methods, and forms of rows and targets, tried in turn."""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from glassnet.insight.referee.feeding import ONE_ROW, X_FORMS, Feed
from glassnet.insight.referee.places import same
from glassnet.insight.referee.probes import Sample, counts, difference, rows, usable, weights
from glassnet.insight.referee.quiet import ReshapedError, UnableError
from glassnet.insight.referee.stated import Stated
from glassnet.insight.referee.stepping import Step, candidates, measure, unchanged
from glassnet.insight.referee.subject import Subject
from glassnet.insight.referee.task import Task

TURNS = 8  # sets of weights that are tried until one neither saturates nor is dead
RANDOM = (
    "it draws random numbers in each step, so its gradient is not that of the rows it was given"
)
CLOSE = 0.9999  # cosine of a gradient that is right but for its length


@dataclass
class Bench:
    """All that is needed to try a step of the object under test."""

    subject: Subject
    feed: Feed
    task: Task
    loss: Stated
    rng: np.random.Generator

    def sample(self, count: int, rate: float = 0.1) -> Sample:
        """Return random weights and rows, with central differences where these mean something."""
        for turn in range(TURNS):
            X, Y = rows(self.task, count, self.rng)
            values = weights(self.subject, self.rng)
            values = {name: np.asarray(value * 0.8**turn) for name, value in values.items()}
            sample = Sample(X, Y, rate, values, rough=self.subject.rough)
            if usable(self.loss, self.feed.outputs(self.subject.fresh(values), X)):
                difference(self.subject, self.feed, self.loss, sample, self.rng)
                if turn > TURNS // 2 or _lively(sample):
                    break
        return sample

    def measure(self, step: Step, sample: Sample, seed: int = 0) -> Any:
        """Take the step, and fill in the gradient that was used."""
        return measure(self.subject, self.feed, self.task, self.loss, step, sample, seed)


def _lively(sample: Sample) -> bool:
    """Return whether every array has a derivative that is not zero: that no layer is dead."""
    return all(np.nan_to_num(truth).any() for truth in sample.truth.values())


@dataclass
class Chosen:
    """The step that is judged.

    Attributes
    ----------
    step : Step
    single : bool
        Whether it takes one row at a time.
    other_form : str
        The form of targets with which it works, or is right, where the user's form is not.
    trouble : str
        What went wrong with the user's form, or with several rows at once.
    grown : list of str
        Biases that got a row for each sample.
    """

    step: Step
    single: bool = False
    other_form: str = ""
    trouble: str = ""
    grown: list[str] = field(default_factory=list)


@dataclass
class Outcome:
    """A step that worked, whether its gradient has the right direction, how many arrays moved."""

    step: Step
    close: bool
    failures: list[UnableError]
    moved: int = 0


def find_step(bench: Bench, backward: Any, rate: str | None, free: bool) -> Chosen:
    """Return a way to take a step; if there is none, say what was tried.

    ``free`` says that the form of the targets is ours to choose.
    """
    failures: list[UnableError] = []
    idle: list[str] = []
    batch = bench.sample(counts(bench.subject, bench.task)[0])
    one = bench.sample(1)
    for sample, single in ((batch, False), (one, True)):
        if single is False and bench.feed.single:
            continue
        partly: list[Outcome] = []  # what a first method alone does, where a second may do more
        for step, returns in candidates(bench.subject, bench.feed, backward, rate):
            outcomes, found = _outcomes(bench, step, sample, single, returns, idle)
            failures += found
            if partly and (not outcomes or outcomes[0].moved <= partly[0].moved):
                follows = len(step.names) > 1 and step.names[0] == partly[0].step.names[0]
                outcomes, found = ([], []) if follows else (partly, [])
            elif (
                outcomes
                and len(step.names) == 1
                and not step.trainer
                and not returns
                and (outcomes[0].moved < len(bench.subject.learned))
            ):
                partly, outcomes = outcomes, []
            if outcomes:
                chosen = _chosen(bench, outcomes, single, free, found)
                if single and failures and not bench.feed.single:
                    chosen.trouble, chosen.grown = str(failures[0]), _grown(failures, bench)
                return chosen
        if partly:
            return _chosen(bench, partly, single, free, [])
    raise UnableError(_why_not(bench, failures, idle))


def _grown(failures: list[UnableError], bench: Bench) -> list[str]:
    """Return the biases that got a row for each sample, if that is all that was wrong."""
    for failure in failures:
        if isinstance(failure, ReshapedError):
            sizes = {math.prod(new) // math.prod(old) for old, new in failure.shapes.values()}
            if sizes == {counts(bench.subject, bench.task)[0]} and all(
                max(old, default=1) == math.prod(old) for old, _ in failure.shapes.values()
            ):
                return list(failure.shapes)
    return []


def _why_not(bench: Bench, failures: list[UnableError], idle: list[str]) -> str:
    how = "; pass backward=, a function of (network, X, y, rate) that takes one step"
    if failures:
        return str(failures[0]) + how
    if idle:
        return (
            f"{idle[0]}: it changes no weight that forward uses and returns no gradients{how}, or "
            "that returns the gradients by name"
        )
    return (
        "nn: expected a method like backward(X, y, learning_rate) or train, got "
        f"{type(bench.subject.nn).__name__} without one{how}"
    )


def _forms(bench: Bench, single: bool, adapted: bool) -> list[tuple[str, str]]:
    """Return pairs of forms for X and y, the likeliest first."""
    feed, task = bench.feed, bench.task
    first = [(feed.form, form) for form in task.forms(single=feed.single)]
    if adapted:
        return [(task.x_form, task.y_form), *first]
    others = [form for form in X_FORMS if form != feed.form and
              (form != "flat" or task.X.shape[1] == 1)]  # fmt: skip
    if single:
        plain = [(feed.form, form) for form in task.forms(single=False)] if not feed.single else []
        lone = [(x, y) for x in ONE_ROW for y in task.forms(single=True)]
        return [*plain, *first, *lone]
    return first + [(x, y) for x in others for y in task.forms(single=False)]


def _outcomes(
    bench: Bench, step: Step, sample: Sample, single: bool, returns: bool, idle: list[str]
) -> tuple[list[Outcome], list[UnableError]]:
    """Return the forms with which a step works, and what was raised with the others."""
    outcomes: list[Outcome] = []
    failures: list[UnableError] = []
    seen: set[tuple[str, str]] = set()
    for x_form, y_form in _forms(bench, single, step.adapter is not None):
        if (x_form, y_form) in seen or (outcomes and x_form != outcomes[0].step.x_form):
            continue
        seen.add((x_form, y_form))
        this = replace(step, x_form=x_form, y_form=y_form, how="returns" if returns else "updates")
        trial = Sample(sample.X, sample.Y, sample.rate, sample.before, rough=sample.rough)
        try:
            result = bench.measure(this, trial)
            if not returns and unchanged(trial):
                if step.adapter is None or result is None:
                    idle.append(str(step))
                    break
                returns = True
            if returns:
                this = _returning(bench, this, trial, sample)
        except UnableError as error:
            failures.append(_sentence(step, error))
            continue
        trial.truth = sample.truth
        if not close(trial) and draws(bench, this, trial):
            failures.append(UnableError(f"{step}: {RANDOM}"))
            continue
        moved = sum(bool(value.any()) for value in trial.used.values())
        outcomes.append(Outcome(this, close(trial), list(failures), moved))
        if outcomes[-1].close:
            break
    return outcomes, failures


def _returning(bench: Bench, step: Step, trial: Sample, sample: Sample) -> Step:
    """Return a step whose gradients are returned, or else kept."""
    for how in ("returns", "stores"):
        this = replace(step, how=how)
        bench.measure(this, trial)
        if any(value.any() for value in trial.used.values()):
            return this
    raise UnableError("it changes no weight that forward uses, and returns no gradients")


def draws(bench: Bench, step: Step, trial: Sample) -> bool:
    """Return whether a step comes out otherwise where the random numbers are others."""
    if step.how == "restarts":
        return False
    again = Sample(trial.X, trial.Y, trial.rate, trial.before)
    bench.measure(step, again, seed=1)
    pairs = [(trial.used[name], used) for name, used in again.used.items()]
    return not all(np.allclose(a, b, rtol=1e-4, atol=1e-9, equal_nan=True) for a, b in pairs)


def _sentence(step: Step, error: UnableError) -> UnableError:
    return error if str(error).startswith(str(step)) else UnableError(f"{step}: {error}")


def close(sample: Sample) -> bool:
    """Return whether the gradient used has the direction of the differences, array by array."""
    found = False
    for name, truth in sample.truth.items():
        taken = ~np.isnan(truth)
        a, b = truth[taken], sample.used[name][taken]
        sizes = float(np.linalg.norm(a) * np.linalg.norm(b))
        if sizes == 0 or not np.isfinite(sizes):
            continue
        if abs(float(a @ b)) < CLOSE * sizes:
            return False
        found = True
    return found


def _chosen(
    bench: Bench, outcomes: list[Outcome], single: bool, free: bool, failures: list[UnableError]
) -> Chosen:
    """Return the outcome with the user's form of targets, and whether another one is right."""
    given = next((o for o in outcomes if o.step.y_form == bench.task.y_form), None)
    good = next((o for o in outcomes if o.close), None)
    if single or free or bench.feed.single:
        best = good or given or outcomes[0]
        return Chosen(best.step, single or bench.feed.single)
    if given is not None and (given.close or good is None):
        return Chosen(given.step, single)
    best = good or outcomes[0]
    trouble = "" if given is not None else str((best.failures or failures or [UnableError()])[0])
    return Chosen(best.step, single, best.step.y_form, trouble)


def restarts(bench: Bench, step: Step) -> bool:
    """Return whether a trainer begins with weights of its own, whatever was there before."""
    if not step.trainer or step.how != "updates":
        return False
    afters = []
    X, Y = rows(bench.task, 4, bench.rng)
    for _ in range(2):
        sample = Sample(X, Y, 0.01, weights(bench.subject, bench.rng))
        bench.measure(step, sample)
        afters.append(sample.after)
    return all(same(value, afters[1][name]) for name, value in afters[0].items())
