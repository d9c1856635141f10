"""Losses of classes: how far the network's raw scores are from what came.

The network ends in raw scores, and the loss owns the link that makes predictions of them: a
wrong pairing of output and loss cannot be written, and no logarithm of a rounded probability is
ever taken. Losses of quantities are in `glassnet.quantities`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.activations import sigmoid, softplus
from glassnet.parts import Loss
from glassnet.quantities import AbsoluteError, Huber, Poisson, Quantile, SquaredError
from glassnet.vocabulary import Array


@dataclass(frozen=True, repr=False)
class BinaryCrossEntropy(Loss):
    r"""Minus the log of the probability given to what came: for yes or no, one output each.

    .. math:: \log(1 + e^{raw}) - y\, raw
              = -y \log p - (1 - y) \log(1 - p), \quad p = \sigma(raw)

    summed over outputs, mean over rows. It is computed as max(raw, 0) - y raw +
    log(1 + exp(-abs(raw))), which neither overflows nor rounds p to 0 or 1. The derivative by
    the raw score is p - y: the factor p (1 - p) of the sigmoid cancels against the loss's own.

    Targets are 0 or 1, or probabilities between; with label smoothing s they are drawn towards
    1/2, to (1 - s) y + s / 2. With several outputs it is the loss of several yes-or-no questions
    at once, of labels that do not exclude each other: multilabel_cross_entropy.

    Source: Bishop (2006), "Pattern Recognition and Machine Learning", section 4.3.2; for the
    smoothing Szegedy et al. (2016), arXiv:1512.00567, section 7.

    Parameters
    ----------
    label_smoothing : float
        From 0 up to, not including, 1.

    Examples
    --------
    >>> BinaryCrossEntropy().value(np.array([[0.0], [1000.0]]), np.array([[1.0], [1.0]]), 1 / 2)
    np.float64(0.34657359027997264)
    """

    label_smoothing: float = 0.0
    classes = True

    def __post_init__(self) -> None:
        checks.number("label_smoothing", self.label_smoothing, 0, 1)

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
        t = self._target(y)
        each = np.maximum(raw, 0) - t * raw + np.log1p(np.exp(-np.absolute(raw)))
        return np.sum(each * w, axis=(-2, -1))

    def gradient(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return (p - t) w."""
        return (sigmoid(raw) - self._target(y)) * w

    def link(self, raw: Array) -> Array:
        """Return the probability of 1."""
        return sigmoid(raw)

    def best_constant(self, y: Array, w: Array, outputs: int) -> Array:
        """Return the log-odds of the mean target."""
        return _log_odds(np.sum(self._target(y) * w, axis=0))

    def _target(self, y: Array) -> Array:
        if not self.label_smoothing:
            return y
        return (1 - self.label_smoothing) * y + self.label_smoothing / 2


@dataclass(frozen=True, repr=False)
class Focal(Loss):
    r"""A cross-entropy that looks away from what is right already: for rare classes.

    .. math:: (1 - q)^\gamma\, (-\log q), \quad q = \sigma(s), \quad s = (2 y - 1)\, raw

    summed over outputs, mean over rows, where q is the probability given to what came. With
    gamma 0 it is the binary cross-entropy. The derivative by the raw score is
    -(2y - 1) (1 - q)^gamma (gamma q (-log q) + 1 - q).

    Source: Lin et al. (2017), arXiv:1708.02002, equation 4; class weights do what its alpha does.

    Parameters
    ----------
    gamma : float
        How fast it looks away; at least 0.

    Examples
    --------
    >>> Focal().value(np.array([[0.0], [3.0]]), np.array([[1.0], [1.0]]), 1 / 2).round(4)
    np.float64(0.0867)
    """

    gamma: float = 2.0
    classes = True

    def __post_init__(self) -> None:
        checks.number("gamma", self.gamma, 0)

    def check(self, y: Any, outputs: int) -> Array:
        """Return targets that are 0 or 1."""
        array = checks.targets("y", y, outputs)
        other = (array != 0) & (array != 1)
        if other.any():
            raise ValueError(f"y: expected labels 0 and 1, got {array[other][0]:g}")
        return array

    def value(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return the weighted mean of the focal loss."""
        s = (2 * y - 1) * raw
        each = sigmoid(-s) ** self.gamma * softplus(-s)
        return np.sum(each * w, axis=(-2, -1))

    def gradient(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return the derivative by the raw scores."""
        sign = 2 * y - 1
        s = sign * raw
        missing = sigmoid(-s)  # 1 - q, with all its digits
        slope = missing**self.gamma * (self.gamma * sigmoid(s) * softplus(-s) + missing)
        return -sign * slope * w

    def link(self, raw: Array) -> Array:
        """Return the probability of 1."""
        return sigmoid(raw)

    def best_constant(self, y: Array, w: Array, outputs: int) -> Array:
        """Return the log-odds of the mean target: the best where gamma is 0, else near it."""
        return _log_odds(np.sum(y * w, axis=0))


@dataclass(frozen=True, repr=False)
class MulticlassCrossEntropy(Loss):
    r"""Minus the log of the probability given to the class that came: one of several.

    .. math:: \log \sum_k e^{raw_k} - \sum_k t_k\, raw_k, \quad
              p = \mathrm{softmax}(raw), \quad \partial / \partial raw = p - t

    mean over rows, where t is 1 for the label and 0 elsewhere; with label smoothing s it is
    1 - s + s/K for the label and s/K elsewhere.

    Source: Bishop (2006), "Pattern Recognition and Machine Learning", section 4.3.4; for the
    smoothing Szegedy et al. (2016), arXiv:1512.00567, section 7.

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


def _log_odds(p: Array) -> Array:
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))


LOSSES: dict[str, type[Loss]] = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
    "poisson": Poisson,
    "binary_cross_entropy": BinaryCrossEntropy,
    "multilabel_cross_entropy": BinaryCrossEntropy,
    "multiclass_cross_entropy": MulticlassCrossEntropy,
    "focal": Focal,
}
