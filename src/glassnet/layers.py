"""Layers: textbook NumPy, forward and backward, written next to each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.activations import ACTIVATIONS, Identity
from glassnet.initializers import INITIALIZERS, normal, ones, zeros
from glassnet.parts import Activation, Layer, Parameter
from glassnet.vocabulary import Array

IDENTITY = Identity()


@dataclass(frozen=True, repr=False)
class Dense(Layer):
    r"""Every unit sees every input: a = activation(x W + b).

    .. math:: dz = da \cdot a'(z), \quad dW = x^T dz, \quad db = \sum_{rows} dz,
              \quad dx = dz\, W^T

    Source: Rumelhart, Hinton and Williams (1986), doi:10.1038/323533a0.

    Parameters
    ----------
    units : int
        Number of outputs.
    activation : str or Activation
        One of identity, sigmoid, tanh, relu, leaky_relu, parametric_relu, elu, selu, gelu, silu,
        mish, softplus, or an object.
    rate, bias_rate : float
        Factors on the learning rate of W and of b.
    init : str or callable, optional
        How W begins: one of zeros, ones, normal, glorot, he, lecun, or a function (rng, shape).
        Left out, the activation decides: glorot for identity, sigmoid and tanh, lecun for selu,
        he for the others.

    Examples
    --------
    >>> from types import SimpleNamespace as Parameters
    >>> p = Parameters(W=np.array([[0.5], [-0.3]]), b=np.array([[0.1]]))
    >>> a, kept = Dense(1, "sigmoid").forward(np.array([[1.0, 0.0]]), p, None)
    >>> a
    array([[0.64565631]])
    """

    units: int
    activation: Any = IDENTITY  # a name becomes its object
    rate: float = 1.0
    bias_rate: float = 1.0
    init: Any = None

    def __post_init__(self) -> None:
        checks.whole("units", self.units)
        checks.number("rate", self.rate, 0)
        checks.number("bias_rate", self.bias_rate, 0)
        activation = checks.find("activation", self.activation, ACTIVATIONS, Activation)
        object.__setattr__(self, "activation", activation)
        if not (self.init is None or callable(self.init)):
            checks.one_of("init", self.init, INITIALIZERS)

    def parameters(self, inputs: int) -> dict[str, Parameter]:
        """Return W (inputs, units), b (1, units), and what the activation learns."""
        init = self.activation.init if self.init is None else self.init
        init = init if callable(init) else INITIALIZERS[init]
        return {
            "W": Parameter((inputs, self.units), init, self.rate),
            "b": Parameter((1, self.units), zeros, self.bias_rate, decay=0.0),
            **self.activation.parameters(self.units),
        }

    def outputs(self, inputs: int) -> int:
        """Return the number of units."""
        return self.units

    def forward(self, x: Array, p: Any, rng: Any) -> tuple[Array, Any]:
        """Return activation(x W + b)."""
        z = x @ p.W + p.b  # (..., n, units)
        a = self.activation.forward(z, p)  # (..., n, units)
        return a, (x, z, a)

    def backward(self, kept: Any, da: Array, p: Any, d: Any, need_dx: bool) -> Array | None:
        """Write dW and db, and return dx."""
        x, z, a = kept
        dz = self.activation.backward(da, z, a, p, d)  # (..., n, units)
        d.W[...] = x.mT @ dz  # (..., inputs, units)
        d.b[...] = np.sum(dz, axis=-2, keepdims=True)  # (..., 1, units)
        return dz @ p.W.mT if need_dx else None  # (..., n, inputs)


@dataclass(frozen=True, repr=False)
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
        checks.number("drop", self.drop, 0, 1)

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


@dataclass(frozen=True, repr=False)
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
        checks.number("epsilon", self.epsilon, 0)

    def parameters(self, inputs: int) -> dict[str, Parameter]:
        """Return gain and shift, (1, inputs) each."""
        return {
            "gain": Parameter((1, inputs), ones, decay=0.0),
            "shift": Parameter((1, inputs), zeros, decay=0.0),
        }

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


@dataclass(frozen=True, repr=False)
class Scale(Layer):
    r"""Each column gets a factor that is learned: y = x s.

    .. math:: ds = \sum_{rows} dy \cdot x, \quad dx = dy \cdot s

    In front of a network it lets training choose how much each column counts.

    Source: Holzmüller, Grinsztajn and Steinwart (2024), "Better by default", arXiv:2407.04491.

    Parameters
    ----------
    rate : float
        A factor on the learning rate of s.

    Examples
    --------
    >>> from types import SimpleNamespace as Parameters
    >>> p = Parameters(s=np.array([[2.0, 0.5]]))
    >>> Scale().forward(np.array([[1.0, 4.0]]), p, None)[0]
    array([[2., 2.]])
    """

    rate: float = 1.0

    def __post_init__(self) -> None:
        checks.number("rate", self.rate, 0)

    def parameters(self, inputs: int) -> dict[str, Parameter]:
        """Return the factors s (1, inputs), which begin at 1."""
        return {"s": Parameter((1, inputs), ones, self.rate, decay=0.0)}

    def forward(self, x: Array, p: Any, rng: Any) -> tuple[Array, Any]:
        """Return x s."""
        return x * p.s, x

    def backward(self, kept: Any, dy: Array, p: Any, d: Any, need_dx: bool) -> Array | None:
        """Write ds, and return dx."""
        d.s[...] = np.sum(dy * kept, axis=-2, keepdims=True)
        return dy * p.s if need_dx else None


@dataclass(frozen=True, repr=False)
class Embedding(Layer):
    r"""Columns of whole numbers become vectors that are learned, one for each number.

    .. math:: e = hot\, E, \quad dE = hot^T de

    where a row of `hot` is 1 at the row's number, counted from 0, and 0 elsewhere. Columns that
    are not embedded pass through in front of the vectors. A number that is none of
    0 ... categories - 1 stands for what was never seen: its vector is zeros.

    Source: Guo and Berkhahn (2016), "Entity embeddings of categorical variables",
    arXiv:1604.06737.

    Parameters
    ----------
    columns : int or sequence of int
        The columns of whole numbers, counted from 0.
    categories : int or sequence of int
        How many numbers each of them has.
    units : int
        Length of a vector.
    rate : float
        A factor on the learning rate of the vectors.

    Examples
    --------
    >>> from types import SimpleNamespace as Parameters
    >>> p = Parameters(E=np.array([[0.5, 0.1], [-0.5, 0.2]]))
    >>> x = np.array([[7.0, 0.0], [8.0, 1.0], [9.0, 5.0]])
    >>> Embedding(columns=1, categories=2, units=2).forward(x, p, None)[0]
    array([[ 7. ,  0.5,  0.1],
           [ 8. , -0.5,  0.2],
           [ 9. ,  0. ,  0. ]])
    """

    columns: Any
    categories: Any
    units: int
    rate: float = 1.0

    def __post_init__(self) -> None:
        for name in ("columns", "categories"):
            given = getattr(self, name)
            given = tuple(given) if isinstance(given, Sequence | np.ndarray) else (given,)
            least = 0 if name == "columns" else 1
            several = tuple(checks.whole(name, each, least) for each in given)
            if not several:
                raise ValueError(f"{name}: expected at least one, got none")
            object.__setattr__(self, name, several)
        if not len(set(self.columns)) == len(self.columns) == len(self.categories):
            raise ValueError(
                f"categories: expected a number for each of the different columns {self.columns}, "
                f"got {self.categories}"
            )
        checks.whole("units", self.units)
        checks.number("rate", self.rate, 0)

    def parameters(self, inputs: int) -> dict[str, Parameter]:
        """Return a table of vectors for each column, E, E_2, ... (categories, units)."""
        if max(self.columns) >= inputs:
            raise ValueError(f"columns: expected columns 0 to {inputs - 1}, got {self.columns}")
        shapes = ((n, self.units) for n in self.categories)
        return {
            name: Parameter(shape, normal, self.rate, decay=0.0)
            for name, shape in zip(self._names(), shapes, strict=True)
        }

    def outputs(self, inputs: int) -> int:
        """Return the columns that pass, and the units of each vector."""
        return inputs + len(self.columns) * (self.units - 1)

    def forward(self, x: Array, p: Any, rng: Any) -> tuple[Array, Any]:
        """Return the columns that pass, then the vectors."""
        hots = [
            (x[..., column, None] == np.arange(n, dtype=x.dtype)).astype(x.dtype)
            for column, n in zip(self.columns, self.categories, strict=True)
        ]  # each (..., n, categories)
        vectors = [hot @ table for hot, table in zip(hots, self._tables(p), strict=True)]
        passing = [x[..., begin:end] for begin, end in self._passing(x.shape[-1])]
        return np.concatenate([*passing, *vectors], axis=-1), (x, hots)

    def backward(self, kept: Any, dy: Array, p: Any, d: Any, need_dx: bool) -> Array | None:
        """Write the tables' derivatives; dx is 0 in the embedded columns."""
        x, hots = kept
        start = x.shape[-1] - len(self.columns)
        for k, (hot, dtable) in enumerate(zip(hots, self._tables(d), strict=True)):
            begin = start + k * self.units
            dtable[...] = hot.mT @ dy[..., begin : begin + self.units]
        if not need_dx:
            return None
        dx, at = [], 0
        nothing = np.zeros((*x.shape[:-1], 1), x.dtype)
        for begin, end in self._passing(x.shape[-1], embedded=True):
            passes = begin not in self.columns
            dx.append(dy[..., at : at + end - begin] if passes else nothing)
            at += (end - begin) * passes
        return np.concatenate(dx, axis=-1)

    def _tables(self, p: Any) -> list[Array]:
        return [getattr(p, name) for name in self._names()]

    def _names(self) -> list[str]:
        return ["E" if k == 1 else f"E_{k}" for k in range(1, len(self.columns) + 1)]

    def _passing(self, inputs: int, embedded: bool = False) -> list[tuple[int, int]]:
        """Return the stretches of columns between the embedded ones, or with them."""
        edges = {0, inputs, *self.columns, *(column + 1 for column in self.columns)}
        stretches = pairwise(sorted(edges))
        return [each for each in stretches if embedded or each[0] not in self.columns]
