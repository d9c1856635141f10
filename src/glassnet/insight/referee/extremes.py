"""Rows and weights that are large: what overflows, takes log(0), or divides by zero."""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.insight.referee.probes import Sample, rows, weights
from glassnet.insight.referee.quiet import OURS, THEIRS, UnableError, attempt
from glassnet.insight.referee.stepping import Step
from glassnet.insight.referee.trial import Bench

DRAWS = 3  # sets of weights and rows that are tried
SLOW = 1e-6  # a rate at which nothing diverges
FAR = 1000.0  # by how much rows and weights are larger than ordinary ones


@dataclass(frozen=True)
class Broken:
    """Something that large numbers break: a kind, what happens, and whether results are wrong."""

    kind: str
    detail: str
    fragile: bool


def _heard(function: Callable[[], Any]) -> tuple[Any, list[str], str]:
    """Return a result, NumPy's warnings with the user's lines, and what was raised."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("always")
        try:
            result, raised = attempt(function), ""
        except UnableError as error:
            result, raised = None, str(error)
    said = []
    for one in caught:
        theirs = one.filename.startswith((OURS, THEIRS))
        if issubclass(one.category, RuntimeWarning) and not one.filename.startswith(OURS):
            place = "" if theirs else f" ({Path(one.filename).name}, line {one.lineno})"
            said.append(f"{one.message}{place}")
    return result, list(dict.fromkeys(said)), raised


def extremes(
    bench: Bench, step: Step, own: Callable[..., float] | None, single: bool
) -> list[Broken]:
    """Return what breaks at large rows, at large weights, and in the class's own loss."""
    found: list[Broken] = []
    for _ in range(DRAWS):
        X, Y = rows(bench.task, 1 if single else 6, bench.rng)
        values = weights(bench.subject, bench.rng)
        far = {name: value * FAR for name, value in values.items()}
        for x, weight in ((X * FAR, values), (X, far)):
            found += _forward(bench, x, weight)
            if not any(not one.fragile for one in found):
                found += _step(bench, step, Sample(x, Y, SLOW, weight), found)
            # other targets, too: where a probability is 0, it may be the wanted one
            others = np.roll(Y, 1, axis=1) if bench.task.one_hot else 1 - Y
            for targets in (Y, others) if own is not None and bench.task.classes else ():
                found += _loss(bench, own, x, targets, weight)
    best: dict[str, Broken] = {}
    for one in found:
        if one.kind not in best or (best[one.kind].fragile and not one.fragile):
            best[one.kind] = one
    return list(best.values())


def _forward(bench: Bench, X: Any, values: Any) -> list[Broken]:
    one = bench.subject.fresh(values)
    out, said, raised = _heard(lambda: bench.feed.outputs(one, X))
    loud = [text for text in said if re.search("overflow|invalid", text)]
    if raised:
        return [Broken("overflow", f"forward raised {raised}", False)] if _grown(raised) else []
    if not np.isfinite(out).all():
        return [Broken("overflow", f"forward returns {_bad(out)}{_told(loud or said)}", False)]
    if any("overflow" in text for text in loud):
        return [Broken("overflow", f"{_first(loud)}; what forward returns is right all the same",
                       True)]  # fmt: skip
    return []


def _step(bench: Bench, step: Step, sample: Sample, before: list[Broken]) -> list[Broken]:
    trial = replace(sample)
    _, said, raised = _heard(lambda: bench.measure(step, trial))
    used = trial.used.values()
    if raised or not used:
        kind = "overflow" if _grown(raised) else ""
        return [Broken(kind, f"{step} raised {raised}", False)] if kind else []
    bad = [value for value in used if not np.isfinite(value).all()]
    found = []
    logs = [text for text in said if re.search(r"divide by zero encountered in log", text)]
    if logs:
        found.append(Broken("log_of_zero", _first(logs), True))
    divided = [text for text in said if re.search("divide by zero|invalid", text)
               and text not in logs]  # fmt: skip
    if bad:
        kind = "division_by_zero" if divided else "overflow"
        found.append(
            Broken(kind, f"the gradient has {_bad(bad[0])}{_told(divided or said)}", False)
        )
    elif any("overflow" in text for text in said) and not before:
        text = _first([text for text in said if "overflow" in text])
        found.append(Broken("overflow", f"{text}; the gradient is finite all the same", True))
    return found


def _loss(bench: Bench, own: Any, X: Any, Y: Any, values: Any) -> list[Broken]:
    one = bench.subject.fresh(values)
    P = bench.feed.outputs(one, X)
    if not np.isfinite(P).all() or not ((P >= 0) & (P <= 1)).all():
        return []
    value, said, raised = _heard(lambda: own(one, X, P, Y))
    logs = [text for text in said if "encountered in log" in text]
    if raised:
        return [Broken("log_of_zero", raised, True)] if "math domain" in raised else []
    if not np.isfinite(value):
        return [Broken("log_of_zero", f"it is {value}{_told(logs or said)}", True)]
    return []


def _grown(raised: str) -> bool:
    return raised.startswith(("OverflowError", "FloatingPointError", "ZeroDivisionError"))


def _bad(values: Any) -> str:
    return "nan" if np.isnan(values).any() else "inf"


def _first(said: list[str]) -> str:
    return said[0] if said else ""


def _told(said: list[str]) -> str:
    return f": {said[0]}" if said else ""
