"""Trainers that take a step for each row: recognised by doing the same row by row."""

import itertools

import numpy as np

from glassnet.insight.referee.probes import Sample, rows, weights
from glassnet.insight.referee.quiet import UnableError
from glassnet.insight.referee.stepping import Step
from glassnet.insight.referee.trial import Bench


def one_by_one(bench: Bench, step: Step) -> bool:
    """Return whether a step with three rows is three steps with one row each, in some order."""
    X, Y = rows(bench.task, 3, bench.rng)
    whole = Sample(X, Y, 0.1 if step.rate else 1.0, weights(bench.subject, bench.rng))
    try:
        bench.measure(step, whole)
        for order in itertools.permutations(range(3)):
            values = whole.before
            for row in order:
                part = Sample(X[row : row + 1], Y[row : row + 1], whole.rate, values)
                bench.measure(step, part)
                values = part.after
            near = (1e-4, 1e-6) if bench.subject.rough else (1e-9, 1e-12)
            if all(np.allclose(values[k], v, *near) for k, v in whole.after.items()):
                return True
    except UnableError:
        return False
    return False
