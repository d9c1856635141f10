"""Losses of quantities: how far the network's raw scores are from numbers.

Each is summed over outputs and is the weighted mean over rows. A loss of your own is two
functions, `CustomLoss`, or a class like these.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.parts import Loss
from glassnet.vocabulary import Array


@dataclass(frozen=True, repr=False)
class SquaredError(Loss):
    r"""The squared distance to the target.

    .. math:: (raw - y)^2

    summed over outputs, mean over rows.

    Differs from textbooks that halve it, unless told to, and from libraries that take the mean
    over outputs.

    Source: Bishop (2006), "Pattern Recognition and Machine Learning", section 5.2.

    Parameters
    ----------
    half : bool
        Whether to take half of it, so that its derivative is raw - y.

    Examples
    --------
    >>> SquaredError().value(np.array([[1.0], [5.0]]), np.array([[2.0], [2.0]]), 1 / 2)
    np.float64(5.0)
    """

    half: bool = False

    def __post_init__(self) -> None:
        checks.flag("half", self.half)

    def value(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return the weighted mean of the squared distances."""
        total = np.sum(np.square(raw - y) * w, axis=(-2, -1))
        return 0.5 * total if self.half else total

    def gradient(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return 2 (raw - y) w."""
        return (raw - y) * w if self.half else 2 * (raw - y) * w

    def best_constant(self, y: Array, w: Array, outputs: int) -> Array:
        """Return the mean target."""
        return np.sum(y * w, axis=0)


@dataclass(frozen=True, repr=False)
class AbsoluteError(Loss):
    r"""The distance to the target: it aims at the median, and outliers pull little.

    .. math:: |raw - y|

    summed over outputs, mean over rows.
    Its derivative is the sign of raw - y: 0 where the target is met.

    Source: Koenker and Bassett (1978), doi:10.2307/1913643, whose quantile 1/2 is the median.

    Examples
    --------
    >>> AbsoluteError().value(np.array([[1.0], [5.0]]), np.array([[2.0], [2.0]]), 1 / 2)
    np.float64(2.0)
    """

    def value(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return the weighted mean of the distances."""
        return np.sum(np.absolute(raw - y) * w, axis=(-2, -1))

    def gradient(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return sign(raw - y) w."""
        return np.sign(raw - y) * w

    def best_constant(self, y: Array, w: Array, outputs: int) -> Array:
        """Return the median target."""
        return quantile_of(y, w, 0.5)


@dataclass(frozen=True, repr=False)
class Huber(Loss):
    r"""Half the squared error near the target, and a straight line far from it.

    .. math:: m\, (|r| - m / 2), \quad r = raw - y, \quad m = \min(|r|, \delta)

    Its derivative is r, held between -delta and delta.

    Source: Huber (1964), doi:10.1214/aoms/1177703732.

    Parameters
    ----------
    delta : float
        Where near ends, in units of the target; above 0.

    Examples
    --------
    >>> Huber().value(np.array([[1.5], [5.0]]), np.array([[2.0], [2.0]]), 1 / 2)
    np.float64(1.3125)
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        if checks.number("delta", self.delta, 0) == 0:
            raise ValueError("delta: expected a number above 0, got 0")

    def value(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return the weighted mean of the Huber loss."""
        far = np.absolute(raw - y)
        near = np.minimum(far, self.delta)
        return np.sum(near * (far - 0.5 * near) * w, axis=(-2, -1))

    def gradient(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return r w, with r held between -delta and delta."""
        return np.minimum(np.maximum(raw - y, -self.delta), self.delta) * w

    def best_constant(self, y: Array, w: Array, outputs: int) -> Array:
        """Return the constant whose derivative is 0, reached from the median step by step."""
        best = quantile_of(y, w, 0.5)
        for _ in range(200):
            best = best + np.sum(np.clip(y - best, -self.delta, self.delta) * w, axis=0)
        return best


@dataclass(frozen=True, repr=False)
class Quantile(Loss):
    r"""The loss that aims at a quantile: of all targets, the share `q` lies below the prediction.

    .. math:: \max(q\, r, (q - 1)\, r), \quad r = y - raw

    also called the pinball loss. With q = 1/2 it is half the absolute error.

    Source: Koenker and Bassett (1978), doi:10.2307/1913643.

    Parameters
    ----------
    q : float
        The share, between 0 and 1.

    Examples
    --------
    >>> Quantile(0.9).value(np.array([[1.0], [5.0]]), np.array([[2.0], [2.0]]), 1 / 2).round(4)
    np.float64(0.6)
    """

    q: float = 0.5

    def __post_init__(self) -> None:
        if checks.number("q", self.q, 0, 1) == 0:
            raise ValueError("q: expected a number between 0 and 1, got 0")

    def value(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return the weighted mean of the pinball loss."""
        r = y - raw
        return np.sum(np.maximum(self.q * r, (self.q - 1) * r) * w, axis=(-2, -1))

    def gradient(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return (1 - q) w above the target, -q w below it, and halfway between on it."""
        return (0.5 * np.sign(raw - y) + (0.5 - self.q)) * w

    def best_constant(self, y: Array, w: Array, outputs: int) -> Array:
        """Return the quantile of the targets."""
        return quantile_of(y, w, self.q)


@dataclass(frozen=True, repr=False)
class Poisson(Loss):
    r"""Half the Poisson deviance, for counts: the prediction is exp(raw), and never negative.

    .. math:: e^{raw} - y\, raw + y \log y - y

    It is 0 where the prediction is y. Beyond raw = 709 (88 in float32) the prediction, and with it
    the loss, is infinite. Differs from PyTorch's ``PoissonNLLLoss`` by the terms of y alone, and
    is half of scikit-learn's ``mean_poisson_deviance``.

    Source: McCullagh and Nelder (1989), "Generalized Linear Models", section 6.

    Examples
    --------
    >>> Poisson().value(np.array([[0.0], [1.0]]), np.array([[1.0], [0.0]]), 1 / 2).round(4)
    np.float64(1.3591)
    """

    def check(self, y: Any, outputs: int) -> Array:
        """Return targets of at least 0."""
        array = checks.targets("y", y, outputs)
        if (array < 0).any():
            raise ValueError(f"y: expected counts of at least 0, got {array.min():g}")
        return array

    def value(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return the weighted mean of half the deviance."""
        tiny = float(np.finfo(y.dtype).tiny)
        each = np.exp(raw) - y * raw + (y * np.log(np.maximum(y, tiny)) - y)
        return np.sum(each * w, axis=(-2, -1))

    def gradient(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return (exp(raw) - y) w."""
        return (np.exp(raw) - y) * w

    def link(self, raw: Array) -> Array:
        """Return the mean count exp(raw)."""
        return np.exp(raw)

    def best_constant(self, y: Array, w: Array, outputs: int) -> Array:
        """Return the log of the mean target."""
        return np.log(np.maximum(np.sum(y * w, axis=0), 1e-6))


@dataclass(frozen=True, repr=False)
class CustomLoss(Loss):
    """A loss of your own: a function, and its gradient by hand.

    Parameters
    ----------
    function : callable
        ``function(raw, y)`` returns the loss of each row and output, (..., n, outputs) like raw.
    derivative : callable
        ``derivative(raw, y)`` returns its derivative by raw, of the same shape.
    prediction : callable, optional
        ``prediction(raw)`` makes predictions of raw scores; left out, they are the predictions.

    Examples
    --------
    >>> import glassnet as gn
    >>> cubic = CustomLoss(lambda raw, y: np.absolute(raw - y) ** 3,
    ...                    lambda raw, y: 3 * (raw - y) * np.absolute(raw - y))
    >>> net = gn.Network([gn.Dense(1)], inputs=1, loss=cubic, seed=0)
    >>> history = net.fit([[0.0], [1.0]], [1.0, 3.0], epochs=300, optimizer=gn.Adam(0.1))
    >>> net.predict([[0.0], [1.0]]).round(1).ravel()
    array([1., 3.], dtype=float32)
    """

    function: Callable[[Array, Array], Array]
    derivative: Callable[[Array, Array], Array]
    prediction: Callable[[Array], Array] | None = None

    def __post_init__(self) -> None:
        for name in ("function", "derivative"):
            if not callable(getattr(self, name)):
                raise TypeError(f"{name}: expected a function, got {getattr(self, name)!r}")

    def value(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return the weighted mean of the function."""
        each = self.function(raw, y)
        if np.shape(each)[:-1] != raw.shape[:-1]:
            raise ValueError(
                f"function: expected a loss for each row and output, {raw.shape}, "
                f"got {np.shape(each)}"
            )
        return np.sum(each * w, axis=(-2, -1))

    def gradient(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return the derivative times w."""
        return self.derivative(raw, y) * w

    def link(self, raw: Array) -> Array:
        """Return the prediction that raw scores stand for."""
        return raw if self.prediction is None else self.prediction(raw)


def quantile_of(y: Array, w: Array, q: float) -> Array:
    """Return the least target of each output up to which the weights reach the share q.

    Examples
    --------
    >>> quantile_of(np.array([[1.0], [2.0], [9.0]]), np.array([[0.2], [0.2], [0.6]]), 0.5)
    array([9.])
    """
    order = np.argsort(y, axis=0)
    reached = np.cumsum(np.broadcast_to(w, y.shape)[order, np.arange(y.shape[1])], axis=0)
    place = (reached < q * reached[-1]).sum(axis=0)
    return np.take_along_axis(np.take_along_axis(y, order, 0), place[None], 0)[0]
