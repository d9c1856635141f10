"""Classes that have no weights before `fit` was called once."""

from typing import Any

import numpy as np

from glassnet.insight.referee.feeding import methods
from glassnet.insight.referee.quiet import UnableError, attempt
from glassnet.insight.referee.roles import bind, call
from glassnet.insight.referee.subject import EPOCHS, Subject
from glassnet.vocabulary import Array


def after_fit(subject: Subject, X: Array, y: Any) -> Subject | None:
    """Return the object after one epoch of its trainer, or None if it has none that works."""
    known, target = methods(subject.pristine), np.asarray(y)
    flat = [target.reshape(-1)] if target.size == len(X) else []
    for word in ("fit", "train", "initialize", "init", "initialise", "build"):
        for form in [target, *flat] if word in known else []:
            one = subject.fresh()
            place = subject.scalar(EPOCHS)
            if place is not None:
                place.replace(one, 1)
            values = {"X": X, "y": form, "rate": 0.01, "epochs": 1, "rows": len(X), "quiet": False}
            try:
                attempt(_fit, getattr(one, known[word]), values)
                return Subject(one)
            except UnableError:
                continue
    return None


def _fit(method: Any, values: dict[str, Any]) -> None:
    call(method, bind(method, values))
