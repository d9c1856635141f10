"""Optimizers: how weights follow the gradient. A few lines over one flat vector.

``theta`` holds every parameter of the network, ``gradient`` the derivative of the loss by each,
and an optimizer's state lies in vectors of the same shape. ``rate`` is the learning rate: a
number, or a vector where layers gave their parameters factors. What an update needs that changes
with the step comes from `corrections`, computed in float64 outside the program.
"""

from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from glassnet import checks
from glassnet.parts import Optimizer
from glassnet.vocabulary import Array


@dataclass(frozen=True, repr=False)
class SGD(Optimizer):
    r"""Gradient descent: theta <- theta - rate * gradient.

    .. math:: \theta \leftarrow \theta - rate \cdot g

    Source: Robbins and Monro (1951), doi:10.1214/aoms/1177729586.

    Parameters
    ----------
    rate : float
        Learning rate.

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


@dataclass(frozen=True, repr=False)
class Momentum(Optimizer):
    r"""Gradient descent with a velocity that remembers earlier steps.

    .. math:: v \leftarrow \mu v - rate \cdot g, \quad \theta \leftarrow \theta + v

    Source: Polyak (1964), doi:10.1016/0041-5553(64)90137-5. Differs from PyTorch, which
    multiplies the rate in outside the velocity: alike while the rate stays the same.

    Parameters
    ----------
    rate : float
        Learning rate.
    momentum : float
        How much of the velocity stays each step, mu above; from 0 up to, not including, 1.

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


@dataclass(frozen=True, repr=False)
class Nesterov(Optimizer):
    r"""Momentum that looks ahead: the step is the one that the next velocity would make.

    .. math:: v \leftarrow \mu v - rate \cdot g, \quad
              \theta \leftarrow \theta + \mu v - rate \cdot g

    Source: Nesterov (1983), in the form of Sutskever et al. (2013), "On the importance of
    initialization and momentum in deep learning", with the weights where the gradient is taken, as
    PyTorch and scikit-learn have it too.

    Parameters
    ----------
    rate : float
        Learning rate.
    momentum : float
        How much of the velocity stays each step, mu above; from 0 up to, not including, 1.

    Examples
    --------
    >>> theta, velocity = np.array([1.0]), np.array([-0.5])
    >>> Nesterov(0.1, momentum=0.9).update(theta, 2 * theta, 0.1, velocity)
    >>> theta
    array([0.215])
    """

    rate: float = 0.01
    momentum: float = 0.9
    state = ("velocity",)

    def update(  # type: ignore[override]
        self, theta: Array, gradient: Array, rate: Array, velocity: Array
    ) -> None:
        """Step by the velocity, as it will be."""
        step = rate * gradient
        velocity[...] = self.momentum * velocity - step
        theta[...] = theta + (self.momentum * velocity - step)


@dataclass(frozen=True, repr=False)
class RMSprop(Optimizer):
    r"""The gradient divided by the root of its mean square.

    .. math:: s \leftarrow \beta s + (1 - \beta) g^2, \quad
              \theta \leftarrow \theta - rate \cdot \frac{g}{\sqrt{s} + \epsilon}

    Source: Tieleman and Hinton (2012), "Lecture 6.5 - rmsprop", Neural Networks for Machine
    Learning; epsilon outside the root, as PyTorch has it.

    Parameters
    ----------
    rate : float
        Learning rate.
    beta : float
        How much of the mean of g^2 stays each step.
    epsilon : float
        Keeps the division finite.

    Examples
    --------
    >>> theta, mean_square = np.array([1.0]), np.array([0.0])
    >>> RMSprop(0.05, beta=0.99).update(theta, 2 * theta, 0.05, mean_square)
    >>> theta.round(6)
    array([0.5])
    """

    rate: float = 0.001
    beta: float = 0.99
    epsilon: float = 1e-8
    state = ("mean_square",)

    def update(  # type: ignore[override]
        self, theta: Array, gradient: Array, rate: Array, mean_square: Array
    ) -> None:
        """Step down the gradient, each weight by its own scale."""
        mean_square[...] = self.beta * mean_square + (1 - self.beta) * np.square(gradient)
        theta[...] = theta - rate * gradient / (np.sqrt(mean_square) + self.epsilon)


@dataclass(frozen=True, repr=False)
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
            "root_growth": (1 - self.beta2**step) ** -0.5,
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


@dataclass(frozen=True, repr=False)
class AdamW(Adam):
    r"""Adam, and weights that decay beside it, not through the gradient.

    .. math:: \theta \leftarrow \theta - rate \cdot \lambda\, \theta

    before Adam's step, for weight matrices and not for biases. Any optimizer does the same
    when training is given ``weight_decay``; here it has a default.

    Source: Loshchilov and Hutter (2017), arXiv:1711.05101; times the rate, as PyTorch has it.

    Parameters
    ----------
    rate, beta1, beta2, epsilon : float
        As for Adam.
    weight_decay : float
        The lambda above.

    Examples
    --------
    >>> AdamW().weight_decay
    0.01
    """

    weight_decay: float = 0.01


@dataclass(frozen=True, repr=False)
class LBFGS(Optimizer):
    """A quasi-Newton method on all rows at once, by SciPy: for small tables, to the last digit.

    It is a driver outside the program: it asks for loss and gradient as a function of theta, as
    often as it likes, so it can be given to ``fit`` and not to ``train``. Epochs are its
    iterations. Needs SciPy: ``pip install "glassnet[lbfgs]"``.

    Source: Liu and Nocedal (1989), doi:10.1007/BF01589116; ``scipy.optimize.minimize``.

    Parameters
    ----------
    tolerance : float
        It ends where no derivative is larger.
    evaluations : int
        How often loss and gradient are computed at most.

    Examples
    --------
    >>> LBFGS(tolerance=1e-4).evaluations
    15000
    """

    tolerance: float = 1e-6
    evaluations: int = 15_000
    rate = 1.0

    def __post_init__(self) -> None:
        checks.number("tolerance", self.tolerance, 0)
        checks.whole("evaluations", self.evaluations)

    def update(self, theta: Array, gradient: Array, rate: Array, **state: Array) -> NoReturn:
        """Refuse: there is no single step."""
        raise ValueError("optimizer: LBFGS takes no single steps: give it to fit")


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
    "lbfgs": LBFGS,
}
