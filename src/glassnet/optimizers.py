"""Optimizers: how weights follow the gradient. A few lines over one flat vector.

``theta`` holds every parameter of the network, ``gradient`` the derivative of the loss by each,
and an optimizer's state lies in vectors of the same shape. ``rate`` is the learning rate: a
number, or a vector where layers gave their parameters factors. What an update needs that changes
with the step comes from `corrections`, computed in float64 outside the program.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from glassnet.checks import number
from glassnet.vocabulary import Array

# what decays with every step stays below 1
LIMITS = {"rate": np.inf, "epsilon": np.inf, "momentum": 1, "beta1": 1, "beta2": 1}


class Optimizer(ABC):
    """The base of optimizers; write `update`, and name the state vectors that it keeps.

    Attributes
    ----------
    rate : float
        The learning rate.
    state : tuple of str
        Names of vectors like theta, zero at first, which `update` gets and writes.
    """

    rate: float
    state: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name in LIMITS.keys() & vars(self).keys():
            number(name, getattr(self, name), 0, LIMITS[name])

    def corrections(self, step: int) -> dict[str, float]:
        """Return numbers that `update` wants in this step (the first is 1), by name."""
        return {}

    @abstractmethod
    def update(self, theta: Array, gradient: Array, rate: Array, **state: Array) -> None:
        """Write the next theta and the next state."""


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent: theta <- theta - rate * gradient.

    Source: Robbins and Monro (1951), doi:10.1214/aoms/1177729586.

    Examples
    --------
    >>> theta = np.array([1.0])
    >>> SGD(0.1).update(theta, 2 * theta, 0.1)
    >>> theta
    array([0.8])
    """

    rate: float = 0.01

    def update(self, theta: Array, gradient: Array, rate: Array) -> None:  # type: ignore[override]
        """Step down the gradient."""
        theta[...] = theta - rate * gradient


@dataclass(frozen=True)
class Momentum(Optimizer):
    r"""Gradient descent with a velocity that remembers earlier steps.

    .. math:: v \leftarrow \mu v - rate \cdot g, \quad \theta \leftarrow \theta + v

    Source: Polyak (1964), doi:10.1016/0041-5553(64)90137-5. Differs from PyTorch, which
    multiplies the rate in outside the velocity: alike while the rate stays the same.

    Examples
    --------
    >>> theta, velocity = np.array([1.0]), np.array([-0.5])
    >>> Momentum(0.1, momentum=0.9).update(theta, 2 * theta, 0.1, velocity)
    >>> theta
    array([0.35])
    """

    rate: float = 0.01
    momentum: float = 0.9
    state = ("velocity",)

    def update(  # type: ignore[override]
        self, theta: Array, gradient: Array, rate: Array, velocity: Array
    ) -> None:
        """Step by the velocity."""
        velocity[...] = self.momentum * velocity - rate * gradient
        theta[...] = theta + velocity


@dataclass(frozen=True)
class Adam(Optimizer):
    r"""Steps of about the rate, whatever the gradient's scale.

    .. math:: m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad
              s \leftarrow \beta_2 s + (1 - \beta_2) g^2, \quad
              \theta \leftarrow \theta - rate \cdot
              \frac{m / (1 - \beta_1^t)}{\sqrt{s / (1 - \beta_2^t)} + \epsilon}

    Source: Kingma and Ba (2014), arXiv:1412.6980, algorithm 1, as PyTorch has it; Keras adds
    epsilon before the correction of s.

    Parameters
    ----------
    rate : float
        Learning rate.
    beta1, beta2 : float
        How much of the means of g and g^2 stays each step.
    epsilon : float
        Keeps the division finite.

    Examples
    --------
    >>> Adam().corrections(1)["mean_growth"]
    10.000000000000002
    """

    rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    state = ("mean", "mean_square")

    def corrections(self, step: int) -> dict[str, float]:
        """Return what makes up for the means' beginning at zero."""
        return {
            "mean_growth": 1 / (1 - self.beta1**step),
            "root_growth": float((1 - self.beta2**step) ** -0.5),
        }

    def update(  # type: ignore[override]
        self,
        theta: Array,
        gradient: Array,
        rate: Array,
        mean: Array,
        mean_square: Array,
        mean_growth: Array,
        root_growth: Array,
    ) -> None:
        """Step by the corrected mean, divided by the root of the corrected mean square."""
        mean[...] = self.beta1 * mean + (1 - self.beta1) * gradient
        mean_square[...] = self.beta2 * mean_square + (1 - self.beta2) * np.square(gradient)
        root = root_growth * np.sqrt(mean_square) + self.epsilon
        theta[...] = theta - rate * mean_growth * mean / root


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "momentum": Momentum, "adam": Adam}
