"""Losses: how far the network's raw scores are from the targets.

The network ends in raw scores, and the loss owns the link that makes predictions of them: a
wrong pairing of output and loss cannot be written, and no logarithm of a rounded probability is
ever taken. A loss is a weighted mean over rows. Its ``w`` are the rows' shares of that mean,
which sum to 1: an array (n, 1), or the number 1/n where rows weigh alike.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from glassnet import checks
from glassnet.activations import sigmoid
from glassnet.vocabulary import Array


class Loss(ABC):
    """The base of losses; write `value` and `gradient`, and what differs from these defaults.

    Attributes
    ----------
    labels : bool
        Whether targets are class labels, one whole number a row, instead of numbers for every
        output.
    classes : bool
        Whether targets are classes, so that there must be two to learn anything.
    least_outputs : int
        How many outputs the network must have at least.
    """

    labels: ClassVar[bool] = False
    classes: ClassVar[bool] = False
    least_outputs: ClassVar[int] = 1

    def check(self, y: Any, outputs: int) -> Array:
        """Return targets as the other methods get them, (n, outputs) or (n, 1) labels."""
        return checks.targets("y", y, outputs)

    @abstractmethod
    def value(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return the loss, one number a member."""

    @abstractmethod
    def gradient(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return the derivative of the loss by the raw scores, (..., n, outputs)."""

    def link(self, raw: Array) -> Array:
        """Return the prediction that raw scores stand for."""
        return raw

    def best_constant(self, y: Array, w: Array, outputs: int) -> Array:
        """Return the raw scores (outputs,) that are best where nothing is known of a row."""
        return np.zeros(outputs)


@dataclass(frozen=True)
class SquaredError(Loss):
    """The squared distance to the target: the sum of (raw - y)^2 over outputs, mean over rows.

    Differs from textbooks that halve it, and from libraries that take the mean over outputs.

    Examples
    --------
    >>> SquaredError().value(np.array([[1.0], [5.0]]), np.array([[2.0], [2.0]]), 1 / 2)
    np.float64(5.0)
    """

    def value(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return the weighted mean of the squared distances."""
        return np.sum(np.square(raw - y) * w, axis=(-2, -1))

    def gradient(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return 2 (raw - y) w."""
        return 2 * (raw - y) * w

    def best_constant(self, y: Array, w: Array, outputs: int) -> Array:
        """Return the mean target."""
        return np.sum(y * w, axis=0)


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    r"""Minus the log of the probability given to what came: for yes or no, one output each.

    .. math:: \log(1 + e^{raw}) - y\, raw
              = -y \log p - (1 - y) \log(1 - p), \quad p = \sigma(raw)

    summed over outputs, mean over rows. It is computed as max(raw, 0) - y raw +
    log(1 + exp(-abs(raw))), which neither overflows nor rounds p to 0 or 1. The derivative by
    the raw score is p - y: the factor p (1 - p) of the sigmoid cancels against the loss's own.

    Targets are 0 or 1, or probabilities between.

    Examples
    --------
    >>> BinaryCrossEntropy().value(np.array([[0.0], [1000.0]]), np.array([[1.0], [1.0]]), 1 / 2)
    np.float64(0.34657359027997264)
    """

    classes = True

    def check(self, y: Any, outputs: int) -> Array:
        """Return targets between 0 and 1."""
        array = checks.targets("y", y, outputs)
        outside = (array < 0) | (array > 1)
        if outside.any():
            raise ValueError(
                f"y: expected labels 0 and 1 (or between them), got {array[outside][0]:g}"
            )
        return array

    def value(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return the weighted mean cross-entropy."""
        each = np.maximum(raw, 0) - y * raw + np.log1p(np.exp(-np.absolute(raw)))
        return np.sum(each * w, axis=(-2, -1))

    def gradient(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return (p - y) w."""
        return (sigmoid(raw) - y) * w

    def link(self, raw: Array) -> Array:
        """Return the probability of 1."""
        return sigmoid(raw)

    def best_constant(self, y: Array, w: Array, outputs: int) -> Array:
        """Return the log-odds of the mean target."""
        p = np.clip(np.sum(y * w, axis=0), 1e-6, 1 - 1e-6)
        return np.log(p / (1 - p))


@dataclass(frozen=True)
class MulticlassCrossEntropy(Loss):
    r"""Minus the log of the probability given to the class that came: one of several.

    .. math:: \log \sum_k e^{raw_k} - \sum_k t_k\, raw_k, \quad
              p = \mathrm{softmax}(raw), \quad \partial / \partial raw = p - t

    mean over rows, where t is 1 for the label and 0 elsewhere; with label smoothing s it is
    1 - s + s/K for the label and s/K elsewhere.

    Source for the smoothing: Szegedy et al. (2016), arXiv:1512.00567, section 7.

    Parameters
    ----------
    label_smoothing : float
        From 0 up to, not including, 1.

    Examples
    --------
    >>> raw = np.array([[2.0, 1.0, 0.0]])
    >>> MulticlassCrossEntropy().value(raw, np.array([[0]]), 1.0).round(4)
    np.float64(0.4076)
    >>> MulticlassCrossEntropy().link(raw).round(4)
    array([[0.6652, 0.2447, 0.09  ]])
    """

    label_smoothing: float = 0.0
    labels = True
    classes = True
    least_outputs = 2

    def __post_init__(self) -> None:
        checks.number("label_smoothing", self.label_smoothing, 0, 1)

    def check(self, y: Any, outputs: int) -> Array:
        """Return labels 0 ... outputs - 1, (n, 1)."""
        return checks.labels("y", y, outputs)

    def value(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return the weighted mean cross-entropy."""
        shifted = raw - np.max(raw, axis=-1, keepdims=True)  # (..., n, classes), at most 0
        log_sum = np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))  # (..., n, 1)
        each = log_sum - np.sum(self._target(raw, y) * shifted, axis=-1, keepdims=True)
        return np.sum(each * w, axis=(-2, -1))

    def gradient(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return (p - t) w."""
        return (self.link(raw) - self._target(raw, y)) * w

    def link(self, raw: Array) -> Array:
        """Return the probabilities of the classes: the softmax."""
        e = np.exp(raw - np.max(raw, axis=-1, keepdims=True))  # (..., n, classes)
        return e / np.sum(e, axis=-1, keepdims=True)

    def best_constant(self, y: Array, w: Array, outputs: int) -> Array:
        """Return the logs of the classes' smoothed shares."""
        shares = np.sum((y == np.arange(outputs)) * w, axis=0)
        smooth = np.maximum(self.label_smoothing, 1e-6)
        return np.log((1 - smooth) * shares + smooth / outputs)

    def _target(self, raw: Array, y: Array) -> Array:
        hot = (y == np.arange(raw.shape[-1], dtype=y.dtype)).astype(raw.dtype)  # (..., n, classes)
        if not self.label_smoothing:
            return hot
        return (1 - self.label_smoothing) * hot + self.label_smoothing / raw.shape[-1]


LOSSES: dict[str, type[Loss]] = {
    "squared_error": SquaredError,
    "binary_cross_entropy": BinaryCrossEntropy,
    "multiclass_cross_entropy": MulticlassCrossEntropy,
}
