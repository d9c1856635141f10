"""Getting to know an object: how it is fed, which of its arrays are learned, what it gives."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.insight.referee.feeding import Feed, find_feed
from glassnet.insight.referee.fitting import after_fit
from glassnet.insight.referee.probes import rows, weights
from glassnet.insight.referee.quiet import UnableError, attempt
from glassnet.insight.referee.subject import Subject, find_learned, settled
from glassnet.insight.referee.task import Task, targets_of
from glassnet.vocabulary import Array


@dataclass(frozen=True)
class Help:
    """What the user told the referee beside the object and the rows."""

    loss: Any = None
    forward: Any = None
    backward: Any = None
    parameters: Any = None
    learning_rate: str | None = None
    free: bool = False
    seed: int = 0


def fed(
    subject: Subject, readings: list[tuple[Array, str]], y: Any, help_: Help,
    rng: np.random.Generator,
) -> tuple[Subject, Feed, Task]:  # fmt: skip
    """Return the object, a way to call forward, and rows and targets; fitted once if need be."""
    first: UnableError | None = None
    for again in (False, True):
        one = after_fit(subject, readings[0][0], y) if again else subject
        if one is None:
            break
        for X, form in readings:
            units = 1 if np.size(y) == len(X) and np.isin(y, (0, 1)).all() else None
            try:
                feed = find_feed(one, X, units, form, help_.forward, rng)
                outputs = feed.outputs(one.fresh(), X[:3]).shape[1]
                Y, y_form = targets_of(y, len(X), outputs)
                whole = np.asarray(y).dtype.kind in "iub"
                return one, feed, Task(X, Y, form, y_form, whole)
            except UnableError as error:
                first = first or error
    raise first or UnableError("nn: forward could not be called")


def settle_learned(
    subject: Subject, feed: Feed, task: Task, help_: Help, rng: np.random.Generator
) -> None:
    """Find the learned arrays, or take those that the user named."""
    X = rng.standard_normal((5, task.X.shape[1]))
    subject.fickle = False
    first, second = (feed.outputs(subject.fresh(), X) for _ in range(2))
    if not np.array_equal(first, second, equal_nan=True):
        raise UnableError(
            f"{feed.name}: it returns something else each time, by random numbers that no seed "
            "reaches; let it draw them from np.random or from a generator that it keeps, or leave "
            "them out (dropout) for the check"
        )
    one = subject.fresh()
    pair = [feed.outputs(one, X) for _ in range(2)]
    subject.rough = feed.precision(one, X) < 15
    subject.fickle = not np.array_equal(pair[0], pair[1], equal_nan=True)
    if help_.parameters is not None:
        settled(subject, named_arrays(subject, help_.parameters))
    else:
        find_learned(subject, lambda one: feed.outputs(one, X), rng)
    if not subject.learned:
        raise UnableError(
            f"nn: expected arrays of floats that {feed.name} depends on, found none among the "
            "attributes; pass parameters=, their names"
        )


def named_arrays(subject: Subject, given: Any) -> list[str]:
    """Return the names of the arrays that the user named, or that the user's function returns."""
    if callable(given):
        theirs = attempt(given, subject.pristine)
        return [
            name
            for name, places in subject.leaves.items()
            if any(places[0].raw(subject.pristine) is one for one in theirs)
        ]
    found: list[str] = []
    for name in given:
        inside = [leaf for leaf in subject.leaves if leaf == name or leaf.startswith(
            (f"{name}[", f"{name}."))]  # fmt: skip
        if not inside:
            raise ValueError(
                f"parameters: expected names among {', '.join(map(repr, subject.leaves))}, got "
                f"{name!r}"
            )
        found += inside
    return found


def trials(subject: Subject, feed: Feed, task: Task, rng: np.random.Generator) -> Any:
    """Return objects, rows, outputs and targets to know a loss by."""
    found = []
    for count in [1] * 4 if feed.single else [5, 3, 8, 6]:
        X, Y = rows(task, count, rng)
        one = subject.fresh(weights(subject, rng))
        found.append((one, X, feed.outputs(one, X), Y))
    return found
