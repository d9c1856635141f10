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
    """

    init: ClassVar[Callable[..., Array]] = staticmethod(glorot)

    def parameters(self, units: int) -> dict[str, Parameter]:
        """Return the parameters of the activation behind this many units."""
        return {}

    @abstractmethod
    def f(self, z: Array) -> Array:
        """Return the activation a of z."""

    @abstractmethod
    def slope(self, z: Array, a: Array) -> Array:
        """Return da/dz at z, where the activation is a."""

    def forward(self, z: Array, p: Any) -> Array:
        """Return the activation a of z, given the layer's parameters."""
        return self.f(z)

    def backward(self, da: Array, z: Array, a: Array, p: Any, d: Any) -> Array:
        """Return the derivative by z, given the one by a: dz = da * slope."""
        return da * self.slope(z, a)


class Layer(Part, ABC):
    """The base of layers; write `forward` and `backward`, and what differs from these defaults.

    ``p`` and ``d`` hold the parameters and the derivatives of the loss by them, as attributes
    named as in `parameters`; `backward` writes into ``d`` with ``d.W[...] =``. What `backward`
    will want, `forward` returns beside its result: nothing is hidden in the layer.
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
    """

    rate: float
    weight_decay: float = 0.0
    state: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            checks.number(name, value, 0, LIMITS.get(name, np.inf))

    def corrections(self, step: int) -> dict[str, float]:
        """Return numbers that `update` wants in this step (the first is 1), by name."""
        return {}

    @abstractmethod
    def update(self, theta: Array, gradient: Array, rate: Array, **state: Array) -> None:
        """Write the next theta and the next state."""
