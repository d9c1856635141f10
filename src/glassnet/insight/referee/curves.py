"""Activations that a from-scratch network may have, with their slopes.

Where glassnet has the activation, this is glassnet's. A slope is a function of z and a; called
with something else in their places it is what a class computes that confuses the two.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from glassnet.activations import ACTIVATIONS, Elu, LeakyRelu
from glassnet.insight.referee.stated import softmax
from glassnet.vocabulary import Array


@dataclass(frozen=True)
class Curve:
    """An activation.

    Attributes
    ----------
    name : str
    f : callable
        ``f(z)`` returns the value a.
    slope : callable
        ``slope(z, a)`` returns the derivative; for softmax, the diagonal of it.
    by_value : bool
        Whether the books write the slope in terms of a, as a (1 - a), and the code may too.
    formula : str
        The slope, written.
    """

    name: str
    f: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array]
    by_value: bool = False
    formula: str = ""


def _ours(name: str, by_value: bool = False, formula: str = "") -> Curve:
    activation = ACTIVATIONS[name]()
    return Curve(name, activation.f, activation.slope, by_value, formula or f"{name}'(z)")


def _leaky(leak: float) -> Curve:
    activation = LeakyRelu(leak)
    name = f"leaky relu ({leak:g})"
    return Curve(name, activation.f, activation.slope, False, f"1 where z > 0, else {leak:g}")


def _columns(z: Array) -> Array:
    return softmax(z.T).T


def _shifted(z: Array) -> Array:
    """Return exp(z - the row's maximum), divided by its sum over the wrong axis."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


def _all(z: Array) -> Array:
    return softmax(z.reshape(1, -1)).reshape(z.shape)


def _probability_slope(z: Array, a: Array) -> Array:
    return a * (1 - a)


def _gelu_exact(z: Array) -> Array:
    from math import erf

    return 0.5 * z * (1 + np.vectorize(erf)(z / np.sqrt(2)))


def _gelu_exact_slope(z: Array, a: Array) -> Array:
    bell = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    return _gelu_exact(z) / np.where(z == 0, 1, z) + 0.5 * (z == 0) + z * bell


HIDDEN = {
    curve.name: curve
    for curve in (
        _ours("sigmoid", True, "a (1 - a)"),
        _ours("tanh", True, "1 - a^2"),
        _ours("relu", False, "1 where z > 0, else 0"),
        _ours("identity", False, "1"),
        *(_leaky(leak) for leak in (0.01, 0.1, 0.2, 0.02, 0.05, 0.3, 0.001, 0.25)),
        _ours("elu"),
        Curve("elu (0.1)", Elu(0.1).f, Elu(0.1).slope, False, "elu'(z)"),
        _ours("selu"),
        _ours("gelu"),
        Curve("gelu (exact)", _gelu_exact, _gelu_exact_slope, False, "gelu'(z)"),
        _ours("silu"),
        _ours("softplus"),
        _ours("mish"),
        Curve("sin", np.sin, lambda z, a: np.cos(z), False, "cos z"),
        Curve("arctan", np.arctan, lambda z, a: 1 / (1 + z * z), False, "1 / (1 + z^2)"),
        Curve("softsign", lambda z: z / (1 + np.absolute(z)),
              lambda z, a: 1 / np.square(1 + np.absolute(z)), False, "1 / (1 + |z|)^2"),
        Curve("1.7159 tanh(2 z / 3)", lambda z: 1.7159 * np.tanh(2 / 3 * z),
              lambda z, a: 1.7159 * 2 / 3 * (1 - np.tanh(2 / 3 * z) ** 2), False, "f'(z)"),
        Curve("square", np.square, lambda z, a: 2 * z, False, "2 z"),
        Curve("gauss", lambda z: np.exp(-z * z), lambda z, a: -2 * z * np.exp(-z * z), False,
              "-2 z a"),
        Curve("relu6", lambda z: np.clip(z, 0, 6), lambda z, a: ((z > 0) & (z < 6)) * 1.0, False,
              "1 where 0 < z < 6"),
        Curve("tanh plus one", lambda z: 0.5 * np.tanh(z) + 0.5,
              lambda z, a: 0.5 * (1 - np.tanh(z) ** 2), False, "(1 - tanh^2 z) / 2"),
    )
}  # fmt: skip
COMMON = ("sigmoid", "tanh", "relu", "identity", "leaky relu (0.01)", "leaky relu (0.1)")
OUTPUT = {
    "softmax": Curve("softmax", softmax, _probability_slope, True, "p_i ([i = j] - p_j)"),
    "softmax over rows": Curve("softmax over rows", _columns, _probability_slope, True, ""),
    "softmax over rows, shifted": Curve(
        "softmax over rows, shifted", _shifted, _probability_slope, True, ""
    ),
    "softmax over everything": Curve("softmax over everything", _all, _probability_slope, True, ""),
    "exp": Curve("exp", np.exp, lambda z, a: a, True, "a"),
}
CURVES = HIDDEN | OUTPUT
