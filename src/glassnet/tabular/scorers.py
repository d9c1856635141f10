"""What epochs may be chosen by beside our own metrics: scikit-learn's."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from glassnet.metrics import Metric
from glassnet.vocabulary import Array


class _Said(ClassifierMixin, BaseEstimator):
    """What a scorer asks: predictions that are there already."""

    def __init__(self, p: Array, classes: Array | None, there: Any = slice(None)) -> None:
        self.p, self.classes = p, classes
        self.there = there  # the classes that some row has: others are no question to a scorer
        self.classes_ = None if classes is None else classes[there]

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> Array:
        return self.p[:, 0] if self.classes is None else self.classes[self.p.argmax(axis=1)]

    def predict_proba(self, X: Any) -> Array:
        p: Array = self.p[:, self.there]
        if p.shape == self.p.shape:
            return p
        p = np.maximum(p, np.finfo(p.dtype).tiny)  # none of them may be likely at all
        return p / p.sum(axis=1, keepdims=True)


class _SaidQuantity(RegressorMixin, _Said):
    """The same of quantities."""


def from_scorer(scorer: Callable[..., float], classes: Array | None) -> Metric:
    """Return a scorer of scikit-learn's as a metric; the rows are not there, and zeros stand in."""

    def function(y: Array, p: Array, w: Array) -> float:
        if classes is None:
            said, target = _SaidQuantity(p, None), y[:, 0]
        else:
            labels = y[:, 0].astype(int)
            said, target = _Said(p, classes, np.unique(labels)), classes[labels]
        try:
            return float(scorer(said, np.zeros((len(y), 1)), target))
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"metric: expected a scorer for the {len(y)} rows that judge, got {error}"
            ) from error

    return Metric("scorer", function)
