"""How weights begin: random enough to differ, and scaled so that signals neither grow nor fade.

An initialiser is a function ``(rng, shape) -> array``; the last two axes of the shape are
(inputs, units). Every activation has one that suits it; ``Dense(init=...)`` takes another, by
name or as a function of your own.
"""

from collections.abc import Callable

import numpy as np

from glassnet.vocabulary import Array


def zeros(rng: "np.random.Generator", shape: tuple[int, ...]) -> Array:
    """Return zeros: biases begin here.

    Examples
    --------
    >>> zeros(np.random.default_rng(0), (1, 3))
    array([[0., 0., 0.]])
    """
    return np.zeros(shape)


def ones(rng: "np.random.Generator", shape: tuple[int, ...]) -> Array:
    """Return ones: gains begin here.

    Examples
    --------
    >>> ones(np.random.default_rng(0), (1, 3))
    array([[1., 1., 1.]])
    """
    return np.ones(shape)


def normal(rng: "np.random.Generator", shape: tuple[int, ...]) -> Array:
    """Return draws from the standard normal distribution, W ~ N(0, 1): embeddings begin here.

    Examples
    --------
    >>> normal(np.random.default_rng(0), (1, 2)).round(4)
    array([[ 0.1257, -0.1321]])
    """
    return rng.standard_normal(shape)


def glorot(rng: "np.random.Generator", shape: tuple[int, ...]) -> Array:
    """Return uniform draws with the variance 2 / (inputs + units).

    It keeps the variance of a signal through a layer, forward and backward alike, where the
    activation's slope is about 1 (tanh, sigmoid up to a factor, none).

    Source: Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward
    neural networks", AISTATS, equation 16.

    Examples
    --------
    >>> W = glorot(np.random.default_rng(0), (300, 100))
    >>> f"{W.var():.4f}"
    '0.0050'
    """
    return np.sqrt(6.0 / (shape[-2] + shape[-1])) * rng.uniform(-1, 1, shape)


def he(rng: "np.random.Generator", shape: tuple[int, ...]) -> Array:
    """Return normal draws with the variance 2 / inputs.

    It keeps the variance of a signal through a layer whose activation lets half of it pass
    (relu and its smooth relatives).

    Source: He et al. (2015), "Delving deep into rectifiers", arXiv:1502.01852, equation 10.

    Examples
    --------
    >>> W = he(np.random.default_rng(0), (300, 100))
    >>> f"{W.var():.4f}"
    '0.0066'
    """
    return rng.standard_normal(shape) * np.sqrt(2.0 / shape[-2])


def lecun(rng: "np.random.Generator", shape: tuple[int, ...]) -> Array:
    """Return normal draws with the variance 1 / inputs.

    The sums of the next layer then have the variance of its inputs: what selu, which keeps mean 0
    and variance 1 by itself, was made for.

    Source: LeCun et al. (1998), "Efficient BackProp", section 4.6; for selu Klambauer et al.
    (2017), arXiv:1706.02515.

    Examples
    --------
    >>> W = lecun(np.random.default_rng(0), (300, 100))
    >>> f"{W.var():.4f}"
    '0.0033'
    """
    return rng.standard_normal(shape) * np.sqrt(1.0 / shape[-2])


INITIALIZERS: dict[str, Callable[..., Array]] = {
    each.__name__: each for each in (zeros, ones, normal, glorot, he, lecun)
}
