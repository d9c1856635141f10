"""Activations: what a neuron makes of its sum. Each gives its value and its slope.

``f(z)`` is the value a at z; ``slope(z, a)`` is da/dz, by whichever of the two is cheaper.
Neither overflows for any z, in an array of any shape, that a float32 can square.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from glassnet import checks
from glassnet.initializers import he, lecun
from glassnet.parts import Activation, Parameter
from glassnet.vocabulary import Array

FAR = 80  # exp of this fits into a float32, and 1 is nothing beside it


def sigmoid(z: Array) -> Array:
    r"""Return 1 / (1 + exp(-z)), written so that nothing overflows.

    .. math:: \sigma(z) = \frac{e}{1 + e}, \quad e = \exp(\min(z, 80))

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 0.6]))
    array([0.        , 0.5       , 0.64565631])
    """
    e = np.exp(np.minimum(z, FAR))
    return e / (1 + e)


def softplus(z: Array) -> Array:
    r"""Return log(1 + exp(z)), written so that nothing overflows.

    .. math:: \max(z, 0) + \log(1 + e^{-|z|})

    Examples
    --------
    >>> softplus(np.array([-1000.0, 0.0, 1000.0]))
    array([0.00000000e+00, 6.93147181e-01, 1.00000000e+03])
    """
    return np.maximum(z, 0) + np.log1p(np.exp(-np.absolute(z)))


@dataclass(frozen=True, repr=False)
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

    def backward(self, da: Array, z: Array, a: Array, p: Any, d: Any) -> Array:
        """Return da itself: a product with 1 is no work to do."""
        return da


@dataclass(frozen=True, repr=False)
class Sigmoid(Activation):
    r"""a = 1 / (1 + exp(-z)), between 0 and 1; its slope is a (1 - a).

    .. math:: a = \sigma(z) = \frac{1}{1 + e^{-z}}, \quad \sigma'(z) = a\, (1 - a)

    Source: LeCun et al. (1998), "Efficient BackProp", section 4.4.

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


@dataclass(frozen=True, repr=False)
class Tanh(Activation):
    r"""a = tanh z, between -1 and 1; its slope is 1 - a^2.

    .. math:: a = \tanh z = 2 \sigma(2z) - 1, \quad \tanh'(z) = 1 - a^2

    Source: LeCun et al. (1998), "Efficient BackProp", section 4.4.

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


@dataclass(frozen=True, repr=False)
class Relu(Activation):
    r"""a = max(z, 0); its slope is 1 where z > 0 and else 0 (0 at the kink, z = 0).

    .. math:: a = \max(z, 0), \quad a' = [z > 0]

    Source: Nair and Hinton (2010), "Rectified linear units improve ...", ICML.

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


@dataclass(frozen=True, repr=False)
class LeakyRelu(Activation):
    r"""a = z where z > 0, else leak * z: a relu whose gradient never dies.

    In symbols :math:`a = \max(z, leak \cdot z)`.
    Source: Maas, Hannun and Ng (2013), "Rectifier nonlinearities improve ... acoustic models".

    Parameters
    ----------
    leak : float
        The slope to the left, from 0 up to, not including, 1.

    Examples
    --------
    >>> LeakyRelu(0.1).f(np.array([-2.0, 3.0]))
    array([-0.2,  3. ])
    """

    leak: float = 0.01
    init = staticmethod(he)

    def __post_init__(self) -> None:
        checks.number("leak", self.leak, 0, 1)

    def f(self, z: Array) -> Array:
        """Return the larger of z and leak * z."""
        return np.maximum(z, self.leak * z)

    def slope(self, z: Array, a: Array) -> Array:
        """Return 1 where z > 0, else the leak."""
        return self.leak + (1 - self.leak) * (z > 0).astype(z.dtype)


@dataclass(frozen=True, repr=False)
class ParametricRelu(Activation):
    r"""a = z where z > 0, else leak * z, with a leak that every unit learns.

    .. math:: dleak = \sum_{rows} da \cdot \min(z, 0)

    Source: He et al. (2015), arXiv:1502.01852, section 2.1; the leak begins at 0.25 there too.

    Examples
    --------
    >>> from types import SimpleNamespace as Parameters
    >>> p = Parameters(leak=np.array([[0.25, 0.5]]))
    >>> ParametricRelu().forward(np.array([[-2.0, -2.0]]), p)
    array([[-0.5, -1. ]])
    """

    init = staticmethod(he)
    start: ClassVar[float] = 0.25

    def parameters(self, units: int) -> dict[str, Parameter]:
        """Return the leak (1, units)."""
        leak = Parameter((1, units), lambda rng, shape: np.full(shape, self.start), decay=0.0)
        return {"leak": leak}

    def f(self, z: Array) -> Array:
        """Return the activation as it begins."""
        return np.maximum(z, self.start * z)

    def slope(self, z: Array, a: Array) -> Array:
        """Return the slope as it begins."""
        return self.start + (1 - self.start) * (z > 0).astype(z.dtype)

    def forward(self, z: Array, p: Any) -> Array:
        """Return z to the right of 0, and leak * z to the left."""
        return np.maximum(z, 0) + p.leak * np.minimum(z, 0)

    def backward(self, da: Array, z: Array, a: Array, p: Any, d: Any) -> Array:
        """Write dleak, and return dz."""
        d.leak[...] = np.sum(da * np.minimum(z, 0), axis=-2, keepdims=True)
        return np.where(z > 0, da, da * p.leak)


@dataclass(frozen=True, repr=False)
class Elu(Activation):
    r"""a = z where z > 0, else alpha (exp(z) - 1): smooth where relu has a corner, if alpha is 1.

    .. math:: a = \max(z, 0) + \alpha\, (e^{\min(z, 0)} - 1)

    Source: Clevert, Unterthiner and Hochreiter (2015), arXiv:1511.07289.

    Parameters
    ----------
    alpha : float
        How far below 0 it goes.

    Examples
    --------
    >>> Elu().f(np.array([-1.0, 3.0])).round(4)
    array([-0.6321,  3.    ])
    """

    alpha: float = 1.0
    init = staticmethod(he)

    def __post_init__(self) -> None:
        checks.number("alpha", self.alpha, 0)

    def f(self, z: Array) -> Array:
        """Return z to the right of 0, and what bends towards -alpha to the left."""
        return np.maximum(z, 0) + self.alpha * np.expm1(np.minimum(z, 0))

    def slope(self, z: Array, a: Array) -> Array:
        """Return 1 where z > 0, else alpha exp(z): a + alpha would lose its digits."""
        return np.where(z > 0, 1.0, self.alpha * np.exp(np.minimum(z, 0)))


@dataclass(frozen=True, repr=False)
class Selu(Activation):
    r"""An elu, scaled so that sums with mean 0 and variance 1 give such activations again.

    .. math:: a = 1.0507\, (\max(z, 0) + 1.6733\, (e^{\min(z, 0)} - 1))

    Source: Klambauer et al. (2017), arXiv:1706.02515, whose supplement has the constants.

    Examples
    --------
    >>> Selu().f(np.array([-1.0, 1.0])).round(4)
    array([-1.1113,  1.0507])
    """

    init = staticmethod(lecun)
    scale: ClassVar[float] = 1.0507009873554804934193349852946
    alpha: ClassVar[float] = 1.6732632423543772848170429916717

    def f(self, z: Array) -> Array:
        """Return the scaled elu."""
        return self.scale * (np.maximum(z, 0) + self.alpha * np.expm1(np.minimum(z, 0)))

    def slope(self, z: Array, a: Array) -> Array:
        """Return the scale where z > 0, else scale * alpha exp(z): a branch would take longer."""
        left = self.scale * self.alpha * np.exp(np.minimum(z, 0))
        return left + self.scale * (1 - self.alpha) * (z > 0).astype(z.dtype)


@dataclass(frozen=True, repr=False)
class Gelu(Activation):
    r"""a = z times nearly the share of a normal distribution that lies below z.

    .. math:: a = \tfrac z2 (1 + \tanh u) = z\, \sigma(2u), \quad
              u = \sqrt{2/\pi}\, (z + 0.044715\, z^3)

    Source: Hendrycks and Gimpel (2016), arXiv:1606.08415, section 2. It is PyTorch's
    ``approximate="tanh"``, and differs from its default, with erf, by less than 0.0005.

    Examples
    --------
    >>> Gelu().f(np.array([-1.0, 0.0, 1.0]))
    array([-0.15880801,  0.        ,  0.84119199])
    """

    init = staticmethod(he)
    c: ClassVar[float] = float(np.sqrt(2 / np.pi))

    def f(self, z: Array) -> Array:
        """Return z times the share, nearly."""
        return z * sigmoid(self._twice(z))

    def slope(self, z: Array, a: Array) -> Array:
        """Return s + a (1 - s) 2 u', where s = e / (1 + e), so that 1 - s = 1 / (1 + e)."""
        e = np.exp(np.minimum(self._twice(z), FAR))
        du = self.c * (1 + 3 * 0.044715 * z * z)
        return (e + a * (2 * du)) / (1 + e)

    def _twice(self, z: Array) -> Array:
        return 2 * self.c * z * (1 + 0.044715 * z * z)


@dataclass(frozen=True, repr=False)
class Silu(Activation):
    r"""a = z sigmoid(z), also called swish: smooth, and slightly below 0 left of 0.

    In symbols :math:`a = z\, \sigma(z)`. Source: Elfwing, Uchibe and Doya (2017), arXiv:1702.03118.

    Examples
    --------
    >>> Silu().f(np.array([-1.0, 1.0])).round(4)
    array([-0.2689,  0.7311])
    """

    init = staticmethod(he)

    def f(self, z: Array) -> Array:
        """Return z sigmoid(z)."""
        return z * sigmoid(z)

    def slope(self, z: Array, a: Array) -> Array:
        """Return s + a (1 - s), where s = e / (1 + e), so that 1 - s = 1 / (1 + e)."""
        e = np.exp(np.minimum(z, FAR))
        return (e + a) / (1 + e)


@dataclass(frozen=True, repr=False)
class Mish(Activation):
    r"""a = z tanh(log(1 + exp(z))): a silu with a deeper valley.

    .. math:: a = z\, t, \quad t = \frac{n}{n + 2}, \quad n = e (e + 2), \quad e = \exp(z)

    Source: Misra (2019), arXiv:1908.08681; here without logarithm and tanh, and z in e at most 20.

    Examples
    --------
    >>> Mish().f(np.array([-1.0, 1.0])).round(4)
    array([-0.3034,  0.8651])
    """

    init = staticmethod(he)

    def f(self, z: Array) -> Array:
        """Return z t."""
        e = np.exp(np.minimum(z, 20))
        n = e * (e + 2)
        return z * (n / (n + 2))

    def slope(self, z: Array, a: Array) -> Array:
        """Return t + z t', with t' = 4 e (1 + e) / (n + 2)^2."""
        e = np.exp(np.minimum(z, 20))
        n = e * (e + 2)
        return (n + 4 * z * e * (1 + e) / (n + 2)) / (n + 2)


@dataclass(frozen=True, repr=False)
class Softplus(Activation):
    r"""a = log(1 + exp(z)), a relu without a corner; its slope is the sigmoid.

    Source: Dugas et al. (2000), "Incorporating second-order functional knowledge ...", NIPS.

    Examples
    --------
    >>> Softplus().f(np.array([0.0, 100.0])).round(4)
    array([  0.6931, 100.    ])
    """

    init = staticmethod(he)

    def f(self, z: Array) -> Array:
        """Return log(1 + exp(z))."""
        return softplus(z)

    def slope(self, z: Array, a: Array) -> Array:
        """Return sigmoid(z)."""
        return sigmoid(z)


ACTIVATIONS: dict[str, type[Activation]] = {
    "identity": Identity,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "relu": Relu,
    "leaky_relu": LeakyRelu,
    "parametric_relu": ParametricRelu,
    "elu": Elu,
    "selu": Selu,
    "gelu": Gelu,
    "silu": Silu,
    "mish": Mish,
    "softplus": Softplus,
}
