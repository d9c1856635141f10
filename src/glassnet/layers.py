"""Layers: textbook NumPy, forward and backward, written next to each other."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.activations import ACTIVATIONS, Identity
from glassnet.initializers import INITIALIZERS, normal, ones, zeros
from glassnet.parts import Activation, Layer, Parameter
from glassnet.schedules import Constant, Scheduled, find_schedule
from glassnet.vocabulary import Array

IDENTITY, CONSTANT = Identity(), Constant()  # defaults, which a repr leaves out

FINEST = 1e-15  # share of a range that can be a unit: the square of what is farthest stays finite


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
    decay : float
        A factor on W's L2 penalty and weight decay; b has none.
    init : str or callable, optional
        How W begins: one of zeros, ones, normal, glorot, he, lecun, or a function (rng, shape).
        Left out, the activation decides: glorot for identity, sigmoid and tanh, lecun for selu,
        he for the others.
    ntk : bool
        The neural tangent form, z = x W / sqrt(inputs) + b, in which W begins as draws from
        N(0, 1): one learning rate then suits layers of every width. Source: Jacot, Gabriel and
        Hongler (2018), arXiv:1806.07572, section 3.

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
    decay: float = 1.0
    init: Any = None
    ntk: bool = False

    def __post_init__(self) -> None:
        checks.whole("units", self.units)
        checks.number("rate", self.rate, 0)
        checks.number("bias_rate", self.bias_rate, 0)
        checks.number("decay", self.decay, 0)
        checks.flag("ntk", self.ntk)
        activation = checks.find("activation", self.activation, ACTIVATIONS, Activation)
        object.__setattr__(self, "activation", activation)
        if not (self.init is None or callable(self.init)):
            checks.one_of("init", self.init, INITIALIZERS)

    def parameters(self, inputs: int) -> dict[str, Parameter]:
        """Return W (inputs, units), b (1, units), and what the activation learns."""
        init = (normal if self.ntk else self.activation.init) if self.init is None else self.init
        init = init if callable(init) else INITIALIZERS[init]
        return {
            "W": Parameter((inputs, self.units), init, self.rate, self.decay),
            "b": Parameter((1, self.units), zeros, self.bias_rate, decay=0.0),
            **self.activation.parameters(self.units),
        }

    def outputs(self, inputs: int) -> int:
        """Return the number of units."""
        return self.units

    def forward(self, x: Array, p: Any, rng: Any) -> tuple[Array, Any]:
        """Return activation(x W + b)."""
        z = self._spread(x @ p.W, x) + p.b  # (..., n, units)
        a = self.activation.forward(z, p)  # (..., n, units)
        return a, (x, z, a)

    def backward(self, kept: Any, da: Array, p: Any, d: Any, need_dx: bool) -> Array | None:
        """Write dW and db, and return dx."""
        x, z, a = kept
        dz = self.activation.backward(da, z, a, p, d)  # (..., n, units)
        d.W[...] = x.mT @ self._spread(dz, x)  # (..., inputs, units)
        d.b[...] = np.sum(dz, axis=-2, keepdims=True)  # (..., 1, units)
        return self._spread(dz, x) @ p.W.mT if need_dx else None  # (..., n, inputs)

    def start(self, x: Array, p: Any, rng: "np.random.Generator") -> None:
        """Let z have standard deviation 1, and b be minus a random mean of five rows of it."""
        sums = np.nan_to_num(self._spread(x @ p.W, x))  # (n, units)
        sums = np.clip(sums, -(huge := np.finfo(x.dtype).max / 4), huge)  # where x is huge
        power = np.frexp(np.abs(sums).max(axis=0))[1]  # of 2, and exact: so no square overflows
        sd = np.ldexp(np.ldexp(sums, -power).std(axis=0), power)
        p.W[...] = p.W / (sd := np.where(sd > 16 / huge, sd, 1))
        some = sums[rng.integers(len(x), size=(5, self.units)), np.arange(self.units)]
        share = rng.exponential(size=some.shape)
        p.b[...] = -np.sum(some / sd * (share / share.sum(axis=0)), axis=0)

    def _spread(self, sums: Array, x: Array) -> Array:
        return sums / x.shape[-1] ** 0.5 if self.ntk else sums


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
    schedule : str or callable
        A factor on it, as a function of the step: flat_cos, or another of the schedules.

    Examples
    --------
    >>> y, mask = Dropout(0.5).forward(np.ones((1, 6)), None, np.random.default_rng(0))
    >>> y
    array([[0., 2., 2., 2., 0., 0.]])
    """

    drop: float
    schedule: Any = CONSTANT

    def __post_init__(self) -> None:
        checks.number("drop", self.drop, 0, 1)
        object.__setattr__(self, "schedule", find_schedule("schedule", self.schedule))

    def scheduled(self) -> dict[str, Scheduled]:
        """Return the share that is dropped, if it changes."""
        fixed = self.drop == 0 or isinstance(self.schedule, Constant)
        return {} if fixed else {"drop": Scheduled(self.drop, self.schedule, name="drop", below=1)}

    def forward(self, x: Array, p: Any, rng: Any) -> tuple[Array, Any]:
        """Return x, masked in training."""
        if rng is None or self.drop == 0:
            return x, None
        keep = 1 - (self.drop if isinstance(self.schedule, Constant) else p.drop)
        draw = rng.random(x.shape, x.dtype)  # (..., n, inputs), uniform in [0, 1)
        mask = (draw < keep).astype(x.dtype) / keep  # 1 / keep with probability keep, else 0
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
    decay : float
        A factor on its L2 penalty and weight decay.

    Examples
    --------
    >>> from types import SimpleNamespace as Parameters
    >>> p = Parameters(s=np.array([[2.0, 0.5]]))
    >>> Scale().forward(np.array([[1.0, 4.0]]), p, None)[0]
    array([[2., 2.]])
    """

    rate: float = 1.0
    decay: float = 0.0

    def __post_init__(self) -> None:
        checks.number("rate", self.rate, 0)
        checks.number("decay", self.decay, 0)

    def parameters(self, inputs: int) -> dict[str, Parameter]:
        """Return the factors s (1, inputs), which begin at 1."""
        return {"s": Parameter((1, inputs), ones, self.rate, self.decay)}

    def forward(self, x: Array, p: Any, rng: Any) -> tuple[Array, Any]:
        """Return x s."""
        return x * p.s, x

    def backward(self, kept: Any, dy: Array, p: Any, d: Any, need_dx: bool) -> Array | None:
        """Write ds, and return dx."""
        d.s[...] = np.sum(dy * kept, axis=-2, keepdims=True)
        return dy * p.s if need_dx else None


@dataclass(frozen=True, repr=False)
class Squash(Layer):
    r"""Columns of any scale are centred, scaled and bent, so that nothing lies beyond a limit.

    .. math:: t = (x - centre) \cdot scale, \quad y = t / \sqrt{1 + (t / limit)^2}, \quad
              dy/dt = (1 + (t / limit)^2)^{-3/2}

    `Network.start` makes centre the median and scale the inverse of the distance between the
    quartiles, or of half the range where that is 0; neither is changed by training.

    Source: Holzmüller, Grinsztajn and Steinwart (2024), "Better by default", arXiv:2407.04491,
    section 3, as "robust scale and smooth clip".

    Parameters
    ----------
    limit : float
        What no number is beyond.
    gaps : int, optional
        How many columns have gaps in them; the same number of columns behind them hold 1 where
        there is a gap, else 0. A gap becomes 0.
    before : int
        How many columns are in front of those with gaps.
    passing : int
        How many of the last columns pass as they are.

    Examples
    --------
    >>> from types import SimpleNamespace as Parameters
    >>> p = Parameters(centre=np.array([[10.0]]), scale=np.array([[0.5]]))
    >>> Squash().forward(np.array([[10.0], [12.0], [1e6]]), p, None)[0].round(4)
    array([[0.    ],
           [0.9487],
           [3.    ]])
    """

    limit: float = 3.0
    gaps: int = 0
    before: int = 0
    passing: int = 0

    def __post_init__(self) -> None:
        if checks.number("limit", self.limit, 0) == 0:
            raise ValueError(f"limit: expected a number above 0, got {self.limit}")
        for name in ("gaps", "before", "passing"):
            checks.whole(name, getattr(self, name), least=0)

    def parameters(self, inputs: int) -> dict[str, Parameter]:
        """Return centre and scale (1, inputs - passing), which training leaves as they are."""
        squashed = inputs - self.passing
        if squashed < max(self.before + 2 * self.gaps, 1):
            raise ValueError(f"passing: expected fewer columns, got {self.passing} of {inputs}")
        return {
            "centre": Parameter((1, squashed), rate=0.0, decay=0.0),
            "scale": Parameter((1, squashed), ones, rate=0.0, decay=0.0),
        }

    def forward(self, x: Array, p: Any, rng: Any) -> tuple[Array, Any]:
        """Return the columns squashed, gaps as 0, and those that pass."""
        squashed = p.scale.shape[-1]
        scaled = (x[..., :squashed] - p.centre) * p.scale
        root = np.sqrt(1 + np.square(scaled / self.limit))
        y = scaled / root
        if not self.gaps and not self.passing:
            return y, (x, scaled, root)
        begin, end = self.before, self.before + self.gaps
        there = 1 - x[..., end : end + self.gaps]
        parts = [y[..., :begin], y[..., begin:end] * there, y[..., end:], x[..., squashed:]]
        return np.concatenate(parts, axis=-1), (x, scaled, root)

    def backward(self, kept: Any, dy: Array, p: Any, d: Any, need_dx: bool) -> Array | None:
        """Write dcentre and dscale, and return dx."""
        x, scaled, root = kept
        squashed, begin, end = p.scale.shape[-1], self.before, self.before + self.gaps
        there = 1 - x[..., end : end + self.gaps]
        parts = [dy[..., :begin], dy[..., begin:end] * there, dy[..., end:squashed]]
        dt = np.concatenate(parts, axis=-1) / (root * root * root)
        d.scale[...] = np.sum(dt * (x[..., :squashed] - p.centre), axis=-2, keepdims=True)
        dx = dt * p.scale
        d.centre[...] = -np.sum(dx, axis=-2, keepdims=True)
        if not need_dx:
            return None
        dmarks = (
            dx[..., end : end + self.gaps] - dy[..., begin:end] * (scaled / root)[..., begin:end]
        )
        parts = [dx[..., :end], dmarks, dx[..., end + self.gaps :], dy[..., squashed:]]
        return np.concatenate(parts, axis=-1)

    def start(self, x: Array, p: Any, rng: "np.random.Generator") -> None:
        """Take median and quartiles of each column, gaps left out."""
        tiny = float(np.finfo(p.scale.dtype).tiny)
        for column in range(p.scale.shape[-1]):
            values = x[:, column] / 4  # which is exact, and no difference overflows
            if self.before <= column < self.before + self.gaps:
                values = values[x[:, column + self.gaps] == 0]
            low, middle, high = np.quantile(values, [0.25, 0.5, 0.75]) if values.size else (0, 0, 0)
            far = np.ptp(values) if values.size else 0
            spread = (high - low) or far / 2
            scale = 0.25 / max(spread, far * FINEST, tiny) if spread else 0
            p.centre[0, column], p.scale[0, column] = 4 * middle, scale
