"""Activations: what a neuron makes of its sum. Each gives its value and its slope.

``f(z)`` is the value a at z; ``slope(z, a)`` is da/dz, which may use whichever of the two is
cheaper. Both are plain NumPy on arrays of any shape.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from glassnet.initializers import glorot, he
from glassnet.vocabulary import Array


class Activation(ABC):
    """The base of activations; write `f` and `slope`.

    Attributes
    ----------
    init : callable
        The initialiser that suits the weights before this activation.
    """

    init: ClassVar[Callable[..., Array]] = staticmethod(glorot)

    @abstractmethod
    def f(self, z: Array) -> Array:
        """Return the activation a of z."""

    @abstractmethod
    def slope(self, z: Array, a: Array) -> Array:
        """Return da/dz at z, where the activation is a."""

    def back(self, da: Array, z: Array, a: Array) -> Array:
        """Return the derivative by z, given the one by a: dz = da * slope."""
        return da * self.slope(z, a)


def sigmoid(z: Array) -> Array:
    r"""Return 1 / (1 + exp(-z)), written so that nothing overflows.

    .. math:: \sigma(z) = \tfrac12 \tanh(\tfrac z2) + \tfrac12

    The error is below 2e-16 in float64 (absolute, not relative: far to the left it is 0).

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 0.6]))
    array([0.        , 0.5       , 0.64565631])
    """
    return 0.5 * np.tanh(0.5 * z) + 0.5


@dataclass(frozen=True)
class Identity(Activation):
    """a = z, for the layer that ends in raw scores.

    Examples
    --------
    >>> Identity().f(np.array([-2.0, 3.0]))
    array([-2.,  3.])
    """

    def f(self, z: Array) -> Array:
        """Return z."""
        return z

    def slope(self, z: Array, a: Array) -> Array:
        """Return 1."""
        return np.ones(z.shape, z.dtype)

    def back(self, da: Array, z: Array, a: Array) -> Array:
        """Return da itself: a product with 1 is no work to do."""
        return da


@dataclass(frozen=True)
class Sigmoid(Activation):
    """a = 1 / (1 + exp(-z)), between 0 and 1; its slope is a (1 - a).

    Examples
    --------
    >>> Sigmoid().slope(None, np.array([0.5, 0.9]))
    array([0.25, 0.09])
    """

    def f(self, z: Array) -> Array:
        """Return the sigmoid of z."""
        return sigmoid(z)

    def slope(self, z: Array, a: Array) -> Array:
        """Return a (1 - a)."""
        return a * (1 - a)


@dataclass(frozen=True)
class Tanh(Activation):
    """a = tanh z, between -1 and 1; its slope is 1 - a^2.

    Examples
    --------
    >>> Tanh().slope(None, np.array([0.0, 0.5]))
    array([1.  , 0.75])
    """

    def f(self, z: Array) -> Array:
        """Return tanh z."""
        return np.tanh(z)

    def slope(self, z: Array, a: Array) -> Array:
        """Return 1 - a^2."""
        return 1 - a * a


@dataclass(frozen=True)
class Relu(Activation):
    """a = max(z, 0); its slope is 1 where z > 0 and else 0 (0 at the kink, z = 0).

    Examples
    --------
    >>> Relu().f(np.array([-2.0, 3.0]))
    array([0., 3.])
    """

    init = staticmethod(he)

    def f(self, z: Array) -> Array:
        """Return max(z, 0)."""
        return np.maximum(z, 0)

    def slope(self, z: Array, a: Array) -> Array:
        """Return 1 where z > 0, else 0."""
        return (a > 0).astype(a.dtype)


@dataclass(frozen=True)
class Gelu(Activation):
    """a = z/2 (1 + tanh(c (z + 0.044715 z^3))), c = sqrt(2/pi): z times nearly the normal CDF.

    Source: Hendrycks and Gimpel (2016), arXiv:1606.08415, section 2. Differs from PyTorch's
    default, the exact form with erf, by less than 0.0005; it is PyTorch's ``approximate="tanh"``.

    Examples
    --------
    >>> Gelu().f(np.array([-1.0, 0.0, 1.0]))
    array([-0.15880801,  0.        ,  0.84119199])
    """

    init = staticmethod(he)
    c: ClassVar[float] = float(np.sqrt(2 / np.pi))

    def f(self, z: Array) -> Array:
        """Return z times the share of a normal distribution below z, nearly."""
        return z * (0.5 * self._tanh(z) + 0.5)

    def slope(self, z: Array, a: Array) -> Array:
        """Return the derivative by the product rule, with t the tanh and u what is inside it."""
        t = self._tanh(z)
        du = self.c * (1 + 3 * 0.044715 * z * z)
        return 0.5 * t + 0.5 + 0.5 * z * (1 - t * t) * du

    def _tanh(self, z: Array) -> Array:
        return np.tanh(self.c * z * (1 + 0.044715 * z * z))


ACTIVATIONS: dict[str, type[Activation]] = {
    "identity": Identity,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "relu": Relu,
    "gelu": Gelu,
}
