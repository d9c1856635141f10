"""Layers: textbook NumPy, forward and backward, written next to each other.

Given arrays a layer runs; given values it is recorded. Rows are samples and lie on the axis
before the last, so the same code serves one network, (n, units), and K stacked members,
(K, n, units). What `backward` will want, `forward` returns beside its result: nothing is hidden
in the layer, which holds its configuration and no numbers.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.activations import ACTIVATIONS, Activation
from glassnet.checks import find, number, whole
from glassnet.initializers import ones, zeros
from glassnet.vocabulary import Array


@dataclass(frozen=True)
class Parameter:
    """What a layer says of one of its parameters.

    Attributes
    ----------
    shape : tuple of int
        Two axes: (inputs, units) for a matrix, (1, units) for a row.
    init : callable
        ``init(rng, shape)`` returns its first values.
    rate : float
        A factor on the learning rate.
    """

    shape: tuple[int, ...]
    init: Callable[["np.random.Generator", tuple[int, ...]], Array] = zeros
    rate: float = 1.0


class Layer(ABC):
    """The base of layers; write `forward` and `backward`, and what differs from these defaults.

    ``p`` and ``d`` hold the parameters and the derivatives of the loss by them, as attributes
    named as in `parameters`; `backward` writes into ``d`` with ``d.W[...] =``.
    """

    def parameters(self, inputs: int) -> dict[str, Parameter]:
        """Return the parameters of the layer behind this many inputs."""
        return {}

    def outputs(self, inputs: int) -> int:
        """Return the number of columns that leave the layer."""
        return inputs

    @abstractmethod
    def forward(self, x: Array, p: Any, rng: Any) -> tuple[Array, Any]:
        """Return the layer's result and what `backward` will want.

        ``rng`` is the generator to draw from in training; None when predicting.
        """

    @abstractmethod
    def backward(self, kept: Any, dy: Array, p: Any, d: Any, need_dx: bool) -> Array | None:
        """Write the derivatives by the parameters into d, and return the one by x if needed."""


@dataclass(frozen=True)
class Dense(Layer):
    r"""Every unit sees every input: a = activation(x W + b).

    .. math:: dz = da \cdot a'(z), \quad dW = x^T dz, \quad db = \sum_{rows} dz,
              \quad dx = dz\, W^T

    Parameters
    ----------
    units : int
        Number of outputs.
    activation : str or Activation
        One of identity, sigmoid, tanh, relu, gelu, or an object of your own.
    rate, bias_rate : float
        Factors on the learning rate of W and of b.

    Examples
    --------
    >>> from types import SimpleNamespace as Parameters
    >>> p = Parameters(W=np.array([[0.5], [-0.3]]), b=np.array([[0.1]]))
    >>> a, kept = Dense(1, "sigmoid").forward(np.array([[1.0, 0.0]]), p, None)
    >>> a
    array([[0.64565631]])
    """

    units: int
    activation: Any = "identity"  # a name becomes its object
    rate: float = 1.0
    bias_rate: float = 1.0

    def __post_init__(self) -> None:
        whole("units", self.units)
        number("rate", self.rate, 0)
        number("bias_rate", self.bias_rate, 0)
        activation = find("activation", self.activation, ACTIVATIONS, Activation)
        object.__setattr__(self, "activation", activation)

    def parameters(self, inputs: int) -> dict[str, Parameter]:
        """Return W (inputs, units), begun as suits the activation, and b (1, units)."""
        return {
            "W": Parameter((inputs, self.units), self.activation.init, self.rate),
            "b": Parameter((1, self.units), zeros, self.bias_rate),
        }

    def outputs(self, inputs: int) -> int:
        """Return the number of units."""
        return self.units

    def forward(self, x: Array, p: Any, rng: Any) -> tuple[Array, Any]:
        """Return activation(x W + b)."""
        z = x @ p.W + p.b  # (..., n, units)
        a = self.activation.f(z)  # (..., n, units)
        return a, (x, z, a)

    def backward(self, kept: Any, da: Array, p: Any, d: Any, need_dx: bool) -> Array | None:
        """Write dW and db, and return dx."""
        x, z, a = kept
        dz = self.activation.back(da, z, a)  # (..., n, units)
        d.W[...] = x.mT @ dz  # (..., inputs, units)
        d.b[...] = np.sum(dz, axis=-2, keepdims=True)  # (..., 1, units)
        return dz @ p.W.mT if need_dx else None  # (..., n, inputs)


@dataclass(frozen=True)
class Dropout(Layer):
    r"""In training each number is dropped with probability `drop`, and the rest grow.

    .. math:: y = x \cdot m, \quad m = 1 / (1 - drop) \text{ or } 0

    so that the mean stays as it is, and predicting needs no change ("inverted" dropout).

    Source: Srivastava et al. (2014), JMLR 15, 1929-1958; inverted as is usual since.

    Parameters
    ----------
    drop : float
        From 0 up to, not including, 1.

    Examples
    --------
    >>> y, mask = Dropout(0.5).forward(np.ones((1, 6)), None, np.random.default_rng(0))
    >>> y
    array([[2., 0., 0., 0., 2., 2.]])
    """

    drop: float

    def __post_init__(self) -> None:
        number("drop", self.drop, 0, 1)

    def forward(self, x: Array, p: Any, rng: Any) -> tuple[Array, Any]:
        """Return x, masked in training."""
        if rng is None or self.drop == 0:
            return x, None
        keep = 1 - self.drop
        draw = rng.random(x.shape, x.dtype)  # (..., n, inputs), uniform in [0, 1)
        mask = np.floor(draw + keep) / keep  # 1 / keep with probability keep, else 0
        return x * mask, mask

    def backward(self, kept: Any, dy: Array, p: Any, d: Any, need_dx: bool) -> Array | None:
        """Return dy, masked alike."""
        return dy if kept is None else dy * kept


@dataclass(frozen=True)
class LayerNorm(Layer):
    r"""Each row is brought to mean 0 and variance 1, then gets a learned gain and shift.

    .. math:: n = (x - \bar x) / \sqrt{s^2 + \epsilon}, \quad y = n \cdot gain + shift

    with the mean and the variance (divided by the number of columns) of the row itself, so rows
    stay independent of each other. Backward, with the bar a mean over the row:

    .. math:: dn = dy \cdot gain, \quad
              dx = (dn - \overline{dn} - n\, \overline{dn \cdot n}) / \sqrt{s^2 + \epsilon}

    Source: Ba, Kiros and Hinton (2016), arXiv:1607.06450.

    Parameters
    ----------
    epsilon : float
        Added to the variance, so that a constant row becomes zeros.

    Examples
    --------
    >>> from types import SimpleNamespace as Parameters
    >>> p = Parameters(gain=np.ones((1, 2)), shift=np.zeros((1, 2)))
    >>> LayerNorm().forward(np.array([[1.0, 3.0]]), p, None)[0].round(4)
    array([[-1.,  1.]])
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        number("epsilon", self.epsilon, 0)

    def parameters(self, inputs: int) -> dict[str, Parameter]:
        """Return gain and shift, (1, inputs) each."""
        return {"gain": Parameter((1, inputs), ones), "shift": Parameter((1, inputs), zeros)}

    def forward(self, x: Array, p: Any, rng: Any) -> tuple[Array, Any]:
        """Return the normalised rows, times gain, plus shift."""
        centred = x - np.mean(x, axis=-1, keepdims=True)  # (..., n, inputs)
        variance = np.mean(np.square(centred), axis=-1, keepdims=True)  # (..., n, 1)
        scale = 1 / np.sqrt(variance + self.epsilon)
        normal = centred * scale
        return normal * p.gain + p.shift, (normal, scale)

    def backward(self, kept: Any, dy: Array, p: Any, d: Any, need_dx: bool) -> Array | None:
        """Write dgain and dshift, and return dx."""
        normal, scale = kept
        d.gain[...] = np.sum(dy * normal, axis=-2, keepdims=True)
        d.shift[...] = np.sum(dy, axis=-2, keepdims=True)
        if not need_dx:
            return None
        dnormal = dy * p.gain
        mean = np.mean(dnormal, axis=-1, keepdims=True)  # (..., n, 1)
        along = np.mean(dnormal * normal, axis=-1, keepdims=True)  # (..., n, 1)
        return (dnormal - mean - normal * along) * scale
