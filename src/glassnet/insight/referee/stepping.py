"""How somebody else's code takes a step, and the gradient that it really used."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.insight.referee.feeding import ONE_ROW, X_FORMS, Feed, among, methods, plain
from glassnet.insight.referee.gradients import from_result, from_stores
from glassnet.insight.referee.habits import (
    BACKWARD,
    LIKE_BACKWARD,
    LIKE_TRAIN,
    LIKE_UPDATE,
    TRAIN,
    UPDATE,
)
from glassnet.insight.referee.places import Place, same
from glassnet.insight.referee.probes import Sample
from glassnet.insight.referee.quiet import ReshapedError, UnableError, attempt, seeded
from glassnet.insight.referee.roles import bind, call, parameters, roles
from glassnet.insight.referee.stated import Stated
from glassnet.insight.referee.subject import EPOCHS, RATE, Subject
from glassnet.insight.referee.task import Task
from glassnet.vocabulary import Array


@dataclass
class Step:
    """A way to take a step that works.

    Attributes
    ----------
    names : tuple of str
        The methods that are called, one after the other.
    x_form, y_form : str
        How they want rows and targets.
    how : str
        "updates" the weights, "returns" gradients, "stores" them, or "restarts": a trainer that
        begins with new weights whenever it is called.
    rate : str
        "argument", "attribute", or "" where nothing sets the learning rate.
    rate_place, epochs_place : Place, optional
        Attributes that are set before the call.
    trainer : bool
        Whether it calls forward itself.
    adapter : callable, optional
        The user's function, instead of methods.
    rate_name : str
        What the user said that the argument for the rate is called.
    """

    names: tuple[str, ...]
    x_form: str
    y_form: str
    how: str = ""
    rate: str = ""
    rate_place: Place | None = None
    epochs_place: Place | None = None
    trainer: bool = False
    adapter: Callable[..., Any] | None = None
    rate_name: str = ""

    def __str__(self) -> str:
        return " and ".join(self.names)


def perform(
    step: Step, one: Any, feed: Feed, task: Task, loss: Stated, X: Array, Y: Array, rate: float,
    epochs: int = 1,
) -> Any:  # fmt: skip
    """Take a step of a copy; return what the user's code returned."""
    if step.rate_place is not None:
        step.rate_place.replace(one, rate)
    if step.epochs_place is not None:
        step.epochs_place.replace(one, epochs)
    x, y = (X_FORMS | ONE_ROW)[step.x_form](X), task.given(step.y_form, Y)
    values: dict[str, Any] = {
        "X": x, "y": y, "rate": rate, "epochs": epochs, "rows": len(X), "quiet": False,
        "pairs": pairs(X, Y, step, task),
    }  # fmt: skip
    extra: tuple[Any, ...] = ()
    if feed.inside:
        setattr(one, feed.inside[0], x)
        setattr(one, feed.inside[1], y)
    if not step.trainer:
        raw = feed.function(one, x)
        values["out"] = raw if feed.pick is None else raw[feed.pick]
        if not feed.single or len(X) == 1:
            slope = loss.by_output(feed.turned(raw, len(X)), Y)
            values |= {} if slope is None else {"dout": feed.returned(slope)}
        if isinstance(raw, tuple | list) and feed.pick is not None:
            rest = [entry for place, entry in enumerate(raw) if place != feed.pick]
            values["cache"] = rest[0] if len(rest) == 1 else rest
            extra = tuple(raw)
    if step.adapter is not None:
        return step.adapter(one, x, y, rate)
    rated = {step.rate_name: rate} if step.rate_name else {}
    result = _called(one, step.names[0], values, extra, rated)
    for name in step.names[1:]:
        handed = result if isinstance(result, tuple) else ()
        named = rated | (result if isinstance(result, dict) else {})
        values |= {"grads": result} if result is not None else {}
        _called(one, name, values, handed, named)
    return result


def _called(
    one: Any, name: str, values: dict[str, Any], extra: tuple[Any, ...], named: dict[str, Any]
) -> Any:
    """Call a method; what no role fits is an attribute of that name, or what forward gave."""
    method = getattr(one, name)
    known, spare = roles(method), []
    names = dict(named)
    for p in parameters(method) or []:
        if p.name not in names and known.get(p.name) not in values and p.default is p.empty:
            spare.append(p.name)
    if spare and len(spare) == len(extra):
        names |= dict(zip(spare, extra, strict=True))
    elif spare and len(extra) and any(known.get(p) == "out" for p in known):
        listed = [p.name for p in parameters(method) or []]
        outs = [p for p in listed if known.get(p) == "out" or p in spare]
        if len(outs) == len(extra):
            names |= dict(zip(outs, extra, strict=True))
    if "grads" in values:
        whole = [p for p in spare if p.lower().lstrip("d_").startswith(("grad", "params", "g"))]
        names |= dict.fromkeys(whole[:1] or spare[: len(spare) == 1], values["grads"])
    for name_ in spare:
        if name_ not in names and hasattr(one, name_):
            names[name_] = getattr(one, name_)
    return call(method, bind(method, values, names))


def pairs(X: Array, Y: Array, step: Step, task: Task) -> list[tuple[Any, Any]]:
    """Return samples one by one as (x, y), for trainers that take a list of such."""
    x_form = {"rows": "one row", "columns": "one column"}.get(step.x_form, step.x_form)
    y_form = {"one column": "one column", "one row": "one row"}.get(x_form, "one row")
    if x_form not in ONE_ROW:
        return []
    return [
        (ONE_ROW[x_form](X[i : i + 1]), task.given(y_form, Y[i : i + 1])) for i in range(len(X))
    ]


def measure(
    subject: Subject, feed: Feed, task: Task, loss: Stated, step: Step, sample: Sample,
    seed: int = 0,
) -> Any:  # fmt: skip
    """Take the step of a sample on a copy, and fill in the gradient that it used."""
    one = subject.fresh(sample.before)
    seeded(seed)
    result = attempt(perform, step, one, feed, task, loss, sample.X, sample.Y, sample.rate)
    after = subject.take(one, sample.before)
    shapes = {name: (sample.before[name].shape, value.shape) for name, value in after.items()
              if value.shape != sample.before[name].shape}  # fmt: skip
    for name, (old, new) in shapes.items():
        raise ReshapedError(f"{step}: {name} changed its shape from {old} to {new}", shapes)
    sample.after = after
    if step.how in ("returns", "stores"):
        found = from_result(subject, result) if step.how == "returns" else from_stores(subject, one)
        sample.used = {name: found.get(name, np.zeros_like(v)) for name, v in after.items()}
    else:
        sample.used = {name: (sample.before[name] - after[name]) / sample.rate for name in after}
    return result


def restarted(
    subject: Subject, feed: Feed, task: Task, loss: Stated, step: Step, sample: Sample, epochs: int,
    seed: int,
) -> None:  # fmt: skip
    """Measure a trainer that begins anew each time: what one epoch more changes."""
    states = []
    for count in (epochs, epochs + 1):
        one = subject.fresh()
        np.random.seed(seed)  # noqa: NPY002
        attempt(perform, step, one, feed, task, loss, sample.X, sample.Y, sample.rate, count)
        states.append({name: places[0].read(one) for name, places in subject.learned.items()})
    sample.before, sample.after = states
    if any(v.shape != states[1][k].shape for k, v in states[0].items()):
        raise UnableError(f"{step}: it changed the shape of its weights")
    sample.used = {k: (v - states[1][k]) / sample.rate for k, v in states[0].items()}


def unchanged(sample: Sample) -> bool:
    """Return whether a step left every weight as it was."""
    return all(same(sample.before[name], value) for name, value in sample.after.items())


def candidates(
    subject: Subject, feed: Feed, backward: Any, rate: str | None
) -> Iterator[tuple[Step, bool]]:
    """Yield ways to take a step, the likeliest first, and whether only returns matter."""
    known = methods(subject.pristine)
    place = subject.scalar(RATE) if rate is None else _attribute(subject, rate)
    if callable(backward):
        name = getattr(backward, "__name__", "backward")
        yield Step((name,), feed.form, "", adapter=backward, rate="argument"), False
        return
    if isinstance(backward, str):
        first = [known[plain(backward)]]
    else:
        first = [known[w] for w in among(known, BACKWARD, LIKE_BACKWARD)]
    updates = [known[word] for word in among(known, UPDATE, LIKE_UPDATE)]
    updates = [name for name in updates if plain(name) in UPDATE or name not in first]
    trainers = [known[word] for word in among(known, TRAIN, LIKE_TRAIN)]
    trainers = [name for name in trainers if name not in first]
    for name in first:
        yield _step(subject, (name,), place, rate, feed.form, False), False
        for update in updates:
            if update != name:
                yield _step(subject, (name, update), place, rate, feed.form, False), False
    for name in trainers if not isinstance(backward, str) else []:
        yield _step(subject, (name,), place, rate, feed.form, True), False
    for name in first:
        yield _step(subject, (name,), place, rate, feed.form, False), True


def _attribute(subject: Subject, rate: str) -> Place | None:
    return Place(((".", rate),)) if hasattr(subject.pristine, rate) else None


def _step(
    subject: Subject, names: tuple[str, ...], place: Place | None, rate: str | None,
    form: str, trainer: bool,
) -> Step:  # fmt: skip
    """Return a step with its handles on the rate and on the number of epochs."""
    step = Step(names, form, "", trainer=trainer)
    takes: set[str] = set()
    for name in names:
        method = getattr(subject.pristine, name)
        takes |= set(roles(method).values())
        if any(p.name == rate for p in parameters(method) or []):
            takes, step.rate_name = {*takes, "rate"}, str(rate)
    if names[0].lower().strip("_") in ("learn", "step", "update"):
        step.trainer = "out" not in takes and "cache" not in takes
    step.rate = "argument" if "rate" in takes else "attribute" if place else ""
    step.rate_place = place if step.rate == "attribute" else None
    if "epochs" not in takes:
        step.epochs_place = subject.scalar(EPOCHS)
    return step
