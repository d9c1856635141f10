"""What an ensemble is chosen and judged by, by name."""

import numpy as np

from glassnet.checks import one_of
from glassnet.losses import MulticlassCrossEntropy
from glassnet.metrics import METRICS, Metric
from glassnet.tabular.ensemble import ERROR
from glassnet.vocabulary import Array

OF_CLASSES = ("error", "log_loss", "auc", "balanced_accuracy", "accuracy")
OF_QUANTITIES = ("rmse", "mae", "r2")
OF_PROBABILITIES = ("log_loss", "auc")  # which label smoothing is bad for


def log_loss(y: Array, p: Array, w: Array) -> float:
    """Return the mean of minus the log of the probability that the class had that came.

    Examples
    --------
    >>> y, p = np.array([[0], [1]]), np.array([[0.5, 0.5], [0.2, 0.8]])
    >>> round(log_loss(y, p, np.ones((2, 1))), 4)
    0.4581
    """
    raw = np.log(np.maximum(p, np.finfo(p.dtype).tiny), dtype=float)
    return float(MulticlassCrossEntropy().value(raw, y, w / w.sum()))


LOG_LOSS = Metric("log_loss", log_loss, higher=False)


def metric_of(name: str | None, classes: bool, other: str = "") -> Metric | None:
    """Return what epochs are chosen by, None for the default.

    Examples
    --------
    >>> metric_of("mae", classes=True)
    Traceback (most recent call last):
        ...
    ValueError: metric: expected one of 'error', 'log_loss', ..., got 'mae'
    """
    if name is None:
        return None
    names = OF_CLASSES if classes else OF_QUANTITIES
    return (METRICS | {"error": ERROR, "log_loss": LOG_LOSS})[one_of("metric", name, names, other)]
