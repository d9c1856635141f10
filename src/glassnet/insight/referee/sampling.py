"""The samples on which a class is judged: weights, rows and rates, and the steps it took."""

from dataclasses import replace

import numpy as np

from glassnet.insight.referee.probes import Sample, agree, counts, difference, rows, usable
from glassnet.insight.referee.quiet import UnableError
from glassnet.insight.referee.stepping import restarted
from glassnet.insight.referee.trial import Bench, Chosen, restarts

OWN_ROWS = 24  # of the user's rows, that a step is taken with
RATES = (0.1, 0.03)


def any_wrong(samples: list[Sample]) -> bool:
    """Return whether a gradient that was used is not the one that central differences give."""
    return any(not all(agree(sample).values()) for sample in samples if sample.truth)


def take_samples(bench: Bench, chosen: Chosen) -> tuple[list[Sample], bool]:
    """Return samples with the gradients that were used, and whether rows come one at a time."""
    if restarts(bench, chosen.step):
        return _restarted(bench, chosen), False
    if chosen.single:
        return single_samples(bench, chosen), True
    sizes = counts(bench.subject, bench.task)
    first = bench.sample(sizes[0], RATES[0])
    found = [first, replace(first, rate=RATES[1]), bench.sample(sizes[1], RATES[0]),
             bench.sample(1, 0.05)]  # fmt: skip
    found += _users(bench)
    return _measured(bench, chosen, found), False


def _users(bench: Bench) -> list[Sample]:
    """Return the user's own weights and rows as a sample, if differences mean something there."""
    chosen = bench.rng.permutation(len(bench.task.X))[:OWN_ROWS]
    X, Y = bench.task.X[chosen], bench.task.Y[chosen]
    sample = Sample(X, Y, RATES[0], bench.subject.values(), rough=bench.subject.rough)
    P = bench.feed.outputs(bench.subject.fresh(sample.before), X)
    if not usable(bench.loss, P) or np.abs(X).max() > 1e3:
        return []
    difference(bench.subject, bench.feed, bench.loss, sample, bench.rng)
    return [sample]


def single_samples(bench: Bench, chosen: Chosen) -> list[Sample]:
    """Return samples of one row each."""
    first = bench.sample(1, RATES[0])
    others = [bench.sample(1, RATES[place % 2]) for place in range(5)]
    return _measured(bench, chosen, [first, replace(first, rate=RATES[1]), *others])


def _measured(bench: Bench, chosen: Chosen, samples: list[Sample]) -> list[Sample]:
    for sample in samples:
        if not chosen.step.rate:
            sample.rate = 1.0
        bench.measure(chosen.step, sample)
    return samples


def _restarted(bench: Bench, chosen: Chosen) -> list[Sample]:
    """Return samples of a trainer that begins with its own weights."""
    found = []
    chosen.step.how = "restarts"
    for place, count in enumerate(counts(bench.subject, bench.task) * 2):
        X, Y = rows(bench.task, count, bench.rng)
        rate = RATES[place % 2] if chosen.step.rate else 1.0
        sample = Sample(X, Y, rate, {}, rough=bench.subject.rough)
        restarted(
            bench.subject, bench.feed, bench.task, bench.loss, chosen.step, sample, 1 + place, place
        )
        if usable(bench.loss, bench.feed.outputs(bench.subject.fresh(sample.before), X)):
            difference(bench.subject, bench.feed, bench.loss, sample, bench.rng)
            found.append(sample)
    if not found:
        raise UnableError(f"{chosen.step}: its weights saturate within a few epochs")
    return found
