"""Metrics: what people ask of predictions, beside the loss.

A metric sees targets as the loss has them, predictions with the link applied, and the rows'
weights: y (n, outputs) or labels (n, 1), p (n, outputs), w (n, 1).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.parts import Loss
from glassnet.vocabulary import Array


@dataclass(frozen=True)
class Metric:
    """A number that says how good predictions are.

    Parameters
    ----------
    name : str
    function : callable
        ``function(y, prediction, w)`` returns the number.
    higher : bool
        Whether a higher one is better.

    Examples
    --------
    >>> worst = Metric("worst", lambda y, p, w: np.abs(y - p).max(), higher=False)
    >>> worst(np.array([[1.0], [2.0]]), np.array([[1.5], [2.0]]), np.ones((2, 1)))
    0.5
    """

    name: str
    function: Callable[[Array, Array, Array], Any]
    higher: bool = True

    def __call__(self, y: Array, prediction: Array, w: Array) -> float:
        """Return the metric."""
        return float(self.function(y, prediction, w))


def accuracy(y: Array, p: Array, w: Array) -> Any:
    r"""Return the share of rows whose labels are all predicted.

    .. math:: \frac{\sum_i w_i\, [\hat y_i = y_i]}{\sum_i w_i}

    where the prediction is the likeliest class, or each label whose probability is above 1/2.

    Examples
    --------
    >>> accuracy(np.array([[0], [1]]), np.array([[0.2], [0.4]]), np.ones((2, 1)))
    np.float64(0.5)
    """
    return np.average(_right(y, p), weights=w[:, 0])


def balanced_accuracy(y: Array, p: Array, w: Array) -> Any:
    r"""Return the mean over classes of the share of each class's rows that are predicted.

    .. math:: \frac{1}{K} \sum_k \frac{\sum_{y_i = k} w_i\, [\hat y_i = k]}{\sum_{y_i = k} w_i}

    Source: Brodersen et al. (2010), "The balanced accuracy and its posterior distribution", ICPR.

    Examples
    --------
    >>> y, p = np.array([[0], [0], [0], [1]]), np.array([[0.2], [0.4], [0.9], [0.6]])
    >>> balanced_accuracy(y, p, np.ones((4, 1))).round(4)
    np.float64(0.8333)
    """
    classes, place = np.unique(y, axis=0, return_inverse=True)
    place = place.reshape(-1)
    right = np.bincount(place, _right(y, p) * w[:, 0], len(classes))
    total = np.bincount(place, w[:, 0], len(classes))
    return (right[total > 0] / total[total > 0]).mean()


def auc(y: Array, p: Array, w: Array) -> Any:
    """Return the area under the ROC curve: how often a positive row ranks above a negative one.

    Ties count half. With several classes or outputs it is the mean over them, each against the
    rest, those left out that have no rows on one side.

    Source: Hanley and McNeil (1982), doi:10.1148/radiology.143.1.7063747.

    Examples
    --------
    >>> y, p = np.array([[0], [0], [1], [1]]), np.array([[0.1], [0.4], [0.35], [0.8]])
    >>> auc(y, p, np.ones((4, 1)))
    np.float64(0.75)
    """
    truth = (y == np.arange(p.shape[1])) if y.shape[1] < p.shape[1] else y > 0.5
    areas = [_area(truth[:, k], p[:, k], w[:, 0]) for k in range(p.shape[1])]
    return np.nanmean(areas) if np.isfinite(areas).any() else np.nan


def rmse(y: Array, p: Array, w: Array) -> Any:
    r"""Return the root of the mean squared error, a mean over outputs.

    .. math:: \sqrt{\frac{\sum_i w_i\, (y_i - p_i)^2}{\sum_i w_i}}

    Examples
    --------
    >>> rmse(np.array([[1.0], [5.0]]), np.array([[2.0], [4.0]]), np.ones((2, 1)))
    np.float64(1.0)
    """
    return np.sqrt(np.average(np.square(y - p), axis=0, weights=w[:, 0])).mean()


def mae(y: Array, p: Array, w: Array) -> Any:
    r"""Return the mean absolute error, a mean over outputs.

    .. math:: \frac{\sum_i w_i\, |y_i - p_i|}{\sum_i w_i}

    Examples
    --------
    >>> mae(np.array([[1.0], [5.0]]), np.array([[2.0], [2.0]]), np.ones((2, 1)))
    np.float64(2.0)
    """
    return np.average(np.abs(y - p), axis=0, weights=w[:, 0]).mean()


def r2(y: Array, p: Array, w: Array) -> Any:
    r"""Return the share of the targets' variance that is explained, a mean over outputs.

    .. math:: 1 - \frac{\sum_i w_i\, (y_i - p_i)^2}{\sum_i w_i\, (y_i - \bar y)^2}

    An output whose targets are all the same counts 1 if it is met, else 0.

    Examples
    --------
    >>> r2(np.array([[1.0], [3.0]]), np.array([[1.5], [2.5]]), np.ones((2, 1)))
    np.float64(0.75)
    """
    weights = w[:, 0]
    mean = np.average(y, axis=0, weights=weights)
    error = np.average(np.square(y - p), axis=0, weights=weights)
    spread = np.average(np.square(y - mean), axis=0, weights=weights)
    explained = 1 - error / np.where(spread > 0, spread, 1)
    return np.where(spread > 0, explained, error == 0).mean()


METRICS: dict[str, Metric] = {
    "accuracy": Metric("accuracy", accuracy),
    "balanced_accuracy": Metric("balanced_accuracy", balanced_accuracy),
    "auc": Metric("auc", auc),
    "rmse": Metric("rmse", rmse, higher=False),
    "mae": Metric("mae", mae, higher=False),
    "r2": Metric("r2", r2),
}
OF_CLASSES = ("accuracy", "balanced_accuracy", "auc")


def find_metrics(given: Any, loss: Loss) -> list[Metric]:
    """Return metrics, given one or several of them or their names, if they suit the loss."""
    several = (
        [given] if isinstance(given, str | Metric) or not isinstance(given, Iterable) else given
    )
    metrics = []
    for each in several:
        if not isinstance(each, Metric):
            each = METRICS[checks.one_of("metrics", each, METRICS, ", or a Metric")]
        if each in METRICS.values() and (each.name in OF_CLASSES) != loss.classes:
            kind = "classes" if loss.classes else "quantities"
            fitting = [n for n in METRICS if (n in OF_CLASSES) == loss.classes]
            raise ValueError(
                f"metrics: expected metrics of {kind}, {', '.join(fitting)}, got {each.name!r}"
            )
        metrics.append(each)
    return metrics


def _right(y: Array, p: Array) -> Any:
    if y.shape[1] < p.shape[1]:
        return p.argmax(axis=1) == y[:, 0]
    return ((p > 0.5) == (y > 0.5)).all(axis=1)


def _area(truth: Array, score: Array, w: Array) -> float:
    """Return the weighted area of one class, or NaN where one side has no weight."""
    values, place = np.unique(score, return_inverse=True)
    positive = np.bincount(place, w * truth, len(values))
    negative = np.bincount(place, w * ~truth, len(values))
    pairs = positive.sum() * negative.sum()
    below = np.cumsum(negative) - negative / 2
    return float((positive * below).sum() / pairs) if pairs else np.nan
