"""What epochs may be chosen by beside our own metrics: scikit-learn's."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from glassnet.metrics import Metric
from glassnet.vocabulary import Array


class _Said(ClassifierMixin, BaseEstimator):
    """What a scorer asks: predictions that are there already."""

    def __init__(self, p: Array, classes: Array | None) -> None:
        self.p, self.classes_ = p, classes

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> Array:
        return self.p[:, 0] if self.classes_ is None else self.classes_[self.p.argmax(axis=1)]

    def predict_proba(self, X: Any) -> Array:
        return self.p


class _SaidQuantity(RegressorMixin, _Said):
    """The same of quantities."""


def from_scorer(scorer: Callable[..., float], classes: Array | None) -> Metric:
    """Return a scorer of scikit-learn's as a metric; the rows are not there, and zeros stand in."""

    def function(y: Array, p: Array, w: Array) -> float:
        said = _Said(p, classes) if classes is not None else _SaidQuantity(p, None)
        target = classes[y[:, 0].astype(int)] if classes is not None else y[:, 0]
        try:
            return float(scorer(said, np.zeros((len(y), 1)), target))
        except ValueError as error:
            raise ValueError(
                f"metric: expected a scorer for the {len(y)} rows that judge, got {error}"
            ) from error

    return Metric("scorer", function)
