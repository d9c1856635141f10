"""Which loss is meant: the user's word for it, the class's own function, or a guess."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np

from glassnet.insight.referee.feeding import ONE_ROW as ONE_X
from glassnet.insight.referee.feeding import X_FORMS, Feed, methods, plain
from glassnet.insight.referee.habits import OWN
from glassnet.insight.referee.quiet import UnableError, attempt
from glassnet.insight.referee.roles import bind, call, parameters, roles
from glassnet.insight.referee.stated import EACH, Stated, named, recognised
from glassnet.insight.referee.subject import Subject
from glassnet.insight.referee.task import Task
from glassnet.vocabulary import Array

Trial = tuple[Any, Array, Array, Array]


def resolve(
    loss: Any, subject: Subject, feed: Feed, task: Task, trials: list[Trial]
) -> tuple[Stated, Any]:
    """Return the loss that is meant, and the class's own function for one, if it has any."""
    own, function = own_loss(subject, feed, task, trials)
    if loss is None:
        return own or guessed(task, trials), function
    if isinstance(loss, str):
        kind = named(loss)
        if kind is None:
            raise ValueError(
                f"loss: expected one of {', '.join(map(repr, EACH))}, or a function of "
                f"(prediction, y), got {loss!r}"
            )
        if kind == "cross_entropy" and task.Y.shape[1] == 1:
            kind = "binary_cross_entropy"  # what is meant where there is one output
        factor, power = (0.5 if "half" in loss else 1.0), (0 if loss == "sse" else -1)
        stated = Stated(kind, factor, power, logits=_raw_scores(kind, trials))
        if own and own.kind == kind:
            stated = replace(stated, own=(own.factor, own.power))
        return stated, function
    if not callable(loss):
        raise TypeError(
            f"loss: expected a name or a function of (prediction, y), got {type(loss).__name__}"
        )
    return _users(loss, feed, task, trials), function


def _users(loss: Any, feed: Feed, task: Task, trials: list[Trial]) -> Stated:
    """Return the user's own function as a loss."""
    known = set(roles(loss).values())

    def value(one: Any, X: Array, P: Array, Y: Array) -> float:
        out, y = feed.returned(P), task.given(task.y_form, Y)
        if y.shape != out.shape and y.size == out.size:
            y = y.reshape(out.shape)
        if {"y", "out"} <= known:
            return _scalar(call(loss, bind(loss, {"y": y, "out": out})))
        return _scalar(loss(out, y))

    custom = Stated("custom", function=value)
    try:
        attempt(custom.value, *trials[0])
    except UnableError as error:
        raise ValueError(f"loss: {error} when called as loss(prediction, y)") from None
    return recognised(custom, trials)


def _scalar(result: Any) -> float:
    """Return a loss as one number: the first, where a tuple was returned."""
    value = np.asarray(result[0] if isinstance(result, tuple) else result, dtype=float)
    if value.size != 1:
        raise UnableError(f"the loss has shape {value.shape} instead of being one number")
    return float(value.reshape(-1)[0])


# ---- the class's own function --------------------------------------------------------------------


def own_loss(
    subject: Subject, feed: Feed, task: Task, trials: list[Trial]
) -> tuple[Stated | None, Any]:
    """Return the loss that the class itself computes, and the function (one, X, P, Y) that does."""
    first: tuple[Stated | None, Any] = (None, None)
    for name, find in _candidates(subject):
        for function in _spellings(find, feed, task):
            loss = Stated("custom", source=f"its own {name}", function=function)
            try:
                values = [attempt(loss.value, *trial) for trial in trials]
            except (UnableError, ValueError, TypeError):
                continue
            if not np.isfinite(values).all() or np.ptp(values) == 0:
                continue
            known = recognised(loss, trials)
            if known.kind == "custom" and _raw_scores("cross_entropy", trials):
                known = _of_scores(loss, trials)
            if known.kind != "custom":
                return known, function
            if first[0] is None:
                first = (loss, function)
    return first


def _of_scores(loss: Stated, trials: list[Trial]) -> Stated:
    """Return a loss recognised as one of raw scores, or as it is."""
    for kind in ("cross_entropy", "binary_cross_entropy"):
        scores = replace(loss, kind=kind, logits=True)
        linked = [(one, X, scores.link(P), Y) for one, X, P, Y in trials]
        values = iter([loss.value(*trial) for trial in trials])
        stand_in = replace(loss, function=lambda *_, values=values: next(values))
        known = recognised(stand_in, linked, (kind,))
        if known.kind != "custom":
            return replace(known, logits=True)
    return loss


def _candidates(subject: Subject) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Yield functions that look like a loss: methods first, then those that methods call."""
    known = methods(subject.pristine)
    for word in OWN:
        if word in known:
            name = known[word]
            yield name, attrgetter(name)
    for function in used_functions(subject.pristine):
        if plain(function.__name__) in OWN:
            yield function.__name__, partial(_itself, function)


def _itself(function: Any, one: Any) -> Any:
    return function


def used_functions(one: Any) -> list[Any]:
    """Return the functions of the user's module that the methods of an object call."""
    found: dict[str, Any] = {}
    for kind in type(one).__mro__[:-1]:
        for entry in vars(kind).values():
            code, world = getattr(entry, "__code__", None), getattr(entry, "__globals__", {})
            for word in code.co_names if code else ():
                if inspect.isfunction(world.get(word)):
                    found.setdefault(word, world[word])
    return list(found.values())


def _spellings(find: Callable[[Any], Any], feed: Feed, task: Task) -> Iterator[Any]:
    """Yield functions (one, X, P, Y) that call a loss in the ways in which it may be meant."""
    forms = [None, *(form for form in task.forms(feed.single) if "label" in form)]
    for order in ("named", "out for X", "out first", "y first"):
        for form in forms:

            def value(
                one: Any, X: Array, P: Array, Y: Array, order: str = order, form: Any = form
            ) -> float:
                function = find(one)
                y = feed.returned(Y) if form is None else task.given(form, Y)
                out = feed.returned(P)
                x = (X_FORMS | ONE_X)[feed.form](X)
                if order in ("named", "out for X"):
                    values = {"X": x, "y": y, "out": out, "quiet": False}
                    if order != "named":
                        values["X"] = out
                    return _scalar(call(function, bind(function, values)))
                wanted = [p for p in parameters(function) or [] if p.default is p.empty]
                if len(wanted) != 2:
                    raise UnableError("it does not take two arguments")
                return _scalar(function(out, y) if order == "out first" else function(y, out))

            yield value


# ---- guesses -------------------------------------------------------------------------------------


def _raw_scores(kind: str, trials: list[Trial]) -> bool:
    """Return whether outputs are no probabilities, so that a cross-entropy means raw scores."""
    if "entropy" not in kind:
        return False
    return any((P < -1e-9).any() or (P > 1 + 1e-9).any() for _, _, P, _ in trials)


def guessed(task: Task, trials: list[Trial]) -> Stated:
    """Return the loss that suits outputs and targets."""
    outputs = [P for _, _, P, _ in trials]
    inside = all(((P >= 0) & (P <= 1)).all() for P in outputs)
    sums = any(np.allclose(P.sum(axis=axis), 1) for P in outputs for axis in (0, 1) if len(P) > 1)
    kind = "squared_error"
    if task.classes and inside:
        kind = "cross_entropy" if sums and task.Y.shape[1] > 1 else "binary_cross_entropy"
    return Stated(kind, source="guessed from outputs and targets")
