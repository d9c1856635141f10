"""The parts of a network: what an activation, a layer, a loss, an optimizer says of itself.

These are the four things that one writes to extend the library; its own are written alike. All are
plain NumPy. Given arrays they run; given values they are recorded. Rows are samples and lie on
the axis before the last, so the same code serves one network, (n, units), and K stacked
members, (K, n, units). A part holds its configuration and no numbers.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar

import numpy as np

from glassnet import checks
from glassnet.initializers import glorot, zeros
from glassnet.schedules import Scheduled
from glassnet.vocabulary import Array

# what decays with every step stays below 1
LIMITS = {"momentum": 1, "beta": 1, "beta1": 1, "beta2": 1}


class Part:
    """What all parts have in common: a repr that makes them again, defaults left out."""

    def __repr__(self) -> str:
        settings: Any = (
            fields(self) if is_dataclass(self) else ()
        )  # a user's own may be a plain class
        shown = [
            f"{setting.name}={getattr(self, setting.name)!r}" if place else repr(value)
            for place, setting in enumerate(settings)
            if (value := getattr(self, setting.name)) != setting.default
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


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
    decay : float
        A factor on the L2 penalty and on weight decay: 0 for biases, gains and shifts.

    Examples
    --------
    >>> import glassnet as gn
    >>> gn.Dense(3, bias_rate=2.0).parameters(inputs=4)["b"].shape
    (1, 3)
    >>> gn.Dense(3, bias_rate=2.0).parameters(inputs=4)["b"].rate
    2.0
    """

    shape: tuple[int, ...]
    init: Callable[["np.random.Generator", tuple[int, ...]], Array] = zeros
    rate: float = 1.0
    decay: float = 1.0


class Activation(Part, ABC):
    """The base of activations; write `f` and `slope`.

    ``f(z)`` is the value a at z; ``slope(z, a)`` is da/dz, which may use whichever of the two is
    cheaper. An activation that learns names its `parameters` and writes `forward` and `backward`
    instead, as a layer does.

    Attributes
    ----------
    init : callable
        The initialiser that suits the weights before this activation.

    Examples
    --------
    >>> class Softsign(Activation):
    ...     def f(self, z):
    ...         return z / (1 + np.absolute(z))
    ...     def slope(self, z, a):
    ...         return 1 / np.square(1 + np.absolute(z))
    >>> Softsign().slope(np.array([-1.0, 0.0]), None)
    array([0.25, 1.  ])
    """

    init: ClassVar[Callable[..., Array]] = staticmethod(glorot)

    def parameters(self, units: int) -> dict[str, Parameter]:
        """Return the parameters, by name, of the activation behind this many units.

        Parameters
        ----------
        units : int
        """
        return {}

    @abstractmethod
    def f(self, z: Array) -> Array:
        """Return the activation a of z, of the same shape.

        Parameters
        ----------
        z : array (..., n, units)
        """

    @abstractmethod
    def slope(self, z: Array, a: Array) -> Array:
        """Return da/dz at z, of the same shape, where the activation is a.

        Parameters
        ----------
        z, a : array (..., n, units)
        """

    def forward(self, z: Array, p: Any) -> Array:
        """Return the activation a of z, given the layer's parameters.

        Parameters
        ----------
        z : array (..., n, units)
        p : object
            The parameters, as attributes.
        """
        return self.f(z)

    def backward(self, da: Array, z: Array, a: Array, p: Any, d: Any) -> Array:
        """Return the derivative by z, given the one by a: dz = da * slope.

        Parameters
        ----------
        da, z, a : array (..., n, units)
        p, d : object
            The parameters, and where their derivatives are written.
        """
        return da * self.slope(z, a)


class Layer(Part, ABC):
    """The base of layers; write `forward` and `backward`, and what differs from these defaults.

    ``p`` and ``d`` hold the parameters and the derivatives of the loss by them, as attributes
    named as in `parameters`; `backward` writes into ``d`` with ``d.W[...] =``. What `backward`
    will want, `forward` returns beside its result: nothing is hidden in the layer.

    Examples
    --------
    >>> import glassnet as gn
    >>> class Shift(gn.Layer):
    ...     def parameters(self, inputs):
    ...         return {"s": gn.Parameter((1, inputs))}
    ...     def forward(self, x, p, rng):
    ...         return x + p.s, None
    ...     def backward(self, kept, dy, p, d, need_dx):
    ...         d.s[...] = np.sum(dy, axis=-2, keepdims=True)
    ...         return dy
    >>> net = gn.Network([Shift(), gn.Dense(1)], inputs=2, seed=0)
    >>> print(net.program(rows=4, mode="predict"))
    forward
       1  x2 = x + s1         (4, 2)  1 Shift
       2  z2 = x2 @ W2 + b2   (4, 1)  2 Dense
    """

    def parameters(self, inputs: int) -> dict[str, Parameter]:
        """Return the parameters, by name, of the layer behind this many inputs.

        Parameters
        ----------
        inputs : int
        """
        return {}

    def outputs(self, inputs: int) -> int:
        """Return the number of columns that leave the layer.

        Parameters
        ----------
        inputs : int
        """
        return inputs

    def scheduled(self) -> dict[str, Scheduled]:
        """Return numbers that `forward` finds beside its parameters while it learns, by name.

        They change from step to step, as their schedules say.
        """
        return {}

    def start(self, x: Array, p: Any, rng: "np.random.Generator") -> None:
        """Write first parameters that suit the rows that reach the layer; see `Network.start`.

        Parameters
        ----------
        x : array (n, inputs)
        p : object
            The parameters, as attributes: views to write into.
        rng : Generator
        """

    @abstractmethod
    def forward(self, x: Array, p: Any, rng: Any) -> tuple[Array, Any]:
        """Return the layer's result and what `backward` will want.

        Parameters
        ----------
        x : array (..., n, inputs)
        p : object
            The parameters, as attributes, and in training the numbers of `scheduled`.
        rng : Generator or None
            What to draw from in training; None when predicting.

        Returns
        -------
        array (..., n, outputs)
        object
            Whatever `backward` gets as ``kept``.
        """

    @abstractmethod
    def backward(self, kept: Any, dy: Array, p: Any, d: Any, need_dx: bool) -> Array | None:
        """Write the derivatives by the parameters into d, and return the one by x if needed.

        Parameters
        ----------
        kept : object
            What `forward` returned beside its result.
        dy : array (..., n, outputs)
            The derivative of the loss by the result.
        p, d : object
            The parameters, and where the derivatives by them are written, as ``d.W[...] =``.
        need_dx : bool
            Whether anybody wants the derivative by x: the first layer's is not wanted.

        Returns
        -------
        array (..., n, inputs) or None
        """


class Loss(Part, ABC):
    """The base of losses; write `value` and `gradient`, and what differs from these defaults.

    A loss gets the network's raw scores, and owns the link that makes predictions of them. It is
    a weighted mean over rows: its ``w`` are the rows' shares of that mean, which sum to 1: an
    array (n, 1), or the number 1/n where rows weigh alike.

    Attributes
    ----------
    labels : bool
        Whether targets are class labels, one whole number a row, instead of numbers for every
        output.
    classes : bool
        Whether targets are classes, so that there must be two to learn anything.
    least_outputs : int
        How many outputs the network must have at least.

    Examples
    --------
    >>> class LogCosh(Loss):
    ...     def value(self, raw, y, w):
    ...         return np.sum(np.log(np.cosh(raw - y)) * w, axis=(-2, -1))
    ...     def gradient(self, raw, y, w):
    ...         return np.tanh(raw - y) * w
    >>> LogCosh().value(np.array([[1.0], [3.0]]), np.array([[1.0], [2.0]]), 1 / 2).round(4)
    np.float64(0.2169)
    """

    labels: ClassVar[bool] = False
    classes: ClassVar[bool] = False
    least_outputs: ClassVar[int] = 1

    def check(self, y: Any, outputs: int) -> Array:
        """Return targets as the other methods get them, (n, outputs) or (n, 1) labels.

        Parameters
        ----------
        y : array (n,) or (n, outputs)
            Targets as they were given.
        outputs : int
            How many the network has.

        Raises
        ------
        ValueError
            If they are no targets for this loss.
        """
        return checks.targets("y", y, outputs)

    @abstractmethod
    def value(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return the loss, one number a member.

        Parameters
        ----------
        raw : array (..., n, outputs)
        y : array (..., n, outputs), or labels (..., n, 1)
        w : array (..., n, 1) or float
            The rows' shares of the mean.
        """

    @abstractmethod
    def gradient(self, raw: Array, y: Array, w: Array | float) -> Array:
        """Return the derivative of the loss by the raw scores, of the same shape.

        Parameters
        ----------
        raw : array (..., n, outputs)
        y : array (..., n, outputs), or labels (..., n, 1)
        w : array (..., n, 1) or float
            The rows' shares of the mean.
        """

    def link(self, raw: Array) -> Array:
        """Return the prediction that raw scores stand for, of the same shape.

        Parameters
        ----------
        raw : array (..., n, outputs)
        """
        return raw

    def best_constant(self, y: Array, w: Array, outputs: int) -> Array:
        """Return the raw scores (outputs,) that are best where nothing is known of a row.

        Parameters
        ----------
        y : array (n, outputs), or labels (n, 1)
        w : array (n, 1)
            The rows' shares of the mean.
        outputs : int
        """
        return np.zeros(outputs)


class Optimizer(Part, ABC):
    """The base of optimizers; write `update`, and name the state vectors that it keeps.

    Attributes
    ----------
    rate : float
        The learning rate.
    weight_decay : float
        Decoupled decay of the weights, where training is not told another.
    state : tuple of str
        Names of vectors like theta, zero at first, which `update` gets and writes.

    Examples
    --------
    >>> class SignDescent(Optimizer):
    ...     rate = 0.25
    ...     def update(self, theta, gradient, rate):
    ...         theta[...] = theta - rate * np.sign(gradient)
    >>> theta = np.array([1.0, -2.0])
    >>> SignDescent().update(theta, 2 * theta, 0.25)
    >>> theta
    array([ 0.75, -1.75])
    """

    rate: float
    weight_decay: float = 0.0
    state: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            checks.number(name, value, 0, LIMITS.get(name, np.inf))

    def corrections(self, step: int) -> dict[str, float]:
        """Return numbers that `update` wants in this step, by name.

        Parameters
        ----------
        step : int
            The first is 1.
        """
        return {}

    @abstractmethod
    def update(self, theta: Array, gradient: Array, rate: Array, **state: Array) -> None:
        """Write the next theta and the next state.

        Parameters
        ----------
        theta, gradient : array (P,) or (members, P)
            Every parameter, and the derivative of the loss by it.
        rate : array () or (P,)
            The learning rate, the schedule and the parameters' own factors in it.
        **state : array
            Vectors like theta by the names in `state`, and the numbers of `corrections`.
        """
