"""How sure probabilities may be: as sure as they are right."""

from collections.abc import Callable

import numpy as np

from glassnet.losses import MulticlassCrossEntropy
from glassnet.vocabulary import Array


def temperature(raw: Array, y: Array, w: Array) -> float:
    """Return the temperature at which the log-loss of rows that were never seen is least.

    A prior holds it near 1 (its logarithm is normal, with standard deviation 1): where all of a few
    rows are right, no temperature would be low enough.

    Source: Guo et al. (2017), "On calibration of modern neural networks", arXiv:1706.04599.

    Parameters
    ----------
    raw : array (members, n, classes)
        Each member's raw scores of rows of its own.
    y, w : array (members, n, 1)
        Their labels, and how much they count.

    Examples
    --------
    >>> raw = np.tile([3.0, 0.0], (1, 4000, 1))  # surer than right: one in four is of the other
    >>> y = np.tile([[0], [0], [0], [1]], (1, 1000, 1))
    >>> round(float(3 / np.log(3)), 2), round(temperature(raw, y, np.ones(y.shape)), 2)
    (2.73, 2.73)
    """
    loss, raw, w = MulticlassCrossEntropy(), raw.astype(float), w / w.mean()

    def off(t: float) -> float:
        return float(np.sum(loss.value(raw / np.exp(t), y, w) + t**2 / 2))

    return float(np.exp(least(off, -3, 3)))


def least(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function of one valley is least, by golden sections.

    Source: Kiefer (1953), "Sequential minimax search for a maximum", Proceedings of the AMS 4.

    Examples
    --------
    >>> round(least(lambda x: (x - 0.5) ** 2, -3, 3), 4)
    0.5
    """
    share = (5**0.5 - 1) / 2
    a, b = high - share * (high - low), low + share * (high - low)
    at_a, at_b = function(a), function(b)
    for _ in range(30):
        if at_a < at_b:
            high, b, at_b = b, a, at_a
            a = high - share * (high - low)
            at_a = function(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + share * (high - low)
            at_b = function(b)
    return (low + high) / 2
