"""What the reconstructed network computes for one sample, beside the gradient that was used."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from glassnet.insight.referee.chain import Chain, run
from glassnet.insight.referee.curves import CURVES, Curve
from glassnet.insight.referee.probes import STEP, Sample
from glassnet.insight.referee.stated import Stated
from glassnet.vocabulary import Array


class Scale(NamedTuple):
    """A factor ``k * n**rows * rate**rate`` between two gradients."""

    k: float = 1.0
    rows: int = 0
    rate: int = 0


class Mark(NamedTuple):
    """A mistake in a layer: its kind, the layer (0 is the first) or -1, and a detail in words."""

    kind: str
    layer: int
    detail: str = ""


PAIRS = {("cross_entropy", "softmax over rows"), ("cross_entropy", "softmax over rows, shifted"),
         ("cross_entropy", "softmax over everything")}  # fmt: skip


@dataclass
class Scene:
    """A sample, layer by layer; layers count from 0, and ``a[0]`` is X.

    Attributes
    ----------
    z, a, W, b, W_after : list of array
        What each layer computes, and its weights (inputs, units) before and after the step.
    used_W, used_b : list of array
        The gradients that were used, shaped like W and b.
    p, Y : array (n, units)
        Probabilities or predictions, and targets.
    curve : Curve
        The last layer's, with the link that the loss adds to raw scores.
    unit : float
        The factor of the stated loss's derivative: 1/n for a mean, 2/n for a squared error.
    true : list of array
        The derivatives of the stated loss by each z.
    paired : bool
        Whether the last of these is p - y, but for a factor.
    kept : dict
        What formulas have in common, computed once.
    """

    sample: Sample
    chain: Chain
    loss: Stated
    slope: Array | None = None
    z: list[Array] = field(default_factory=list)
    a: list[Array] = field(default_factory=list)
    kept: dict[Any, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        before, after, used = self.sample.before, self.sample.after, self.sample.used
        self.z, self.a = run(self.chain, before, self.sample.X)
        self.W = [link.matrix(before[link.weight]) for link in self.chain]
        self.b = [link.row(before) for link in self.chain]
        self.W_after = [link.matrix(after[link.weight]) for link in self.chain]
        self.used_W = [link.matrix(used[link.weight]) for link in self.chain]
        self.used_b = [link.row(used) for link in self.chain]
        self.p, self.Y = self.loss.link(self.a[-1]), self.sample.Y
        self.curve = self._last_curve()
        mean = float(len(self.Y)) ** self.loss.power * self.loss.factor
        self.unit = mean * (2.0 if self.loss.kind == "squared_error" else 1.0)
        self.true = self._true()
        self.paired = self._paired()

    def _last_curve(self) -> Curve:
        if self.loss.logits:
            return CURVES["sigmoid" if self.loss.kind == "binary_cross_entropy" else "softmax"]
        return self.chain[-1].f

    def _paired(self) -> bool:
        """Return whether the last curve's slope cancels against the loss's own: dL/dz is p - y."""
        if (self.loss.kind, self.chain[-1].curve) in PAIRS or self.curve.name == "identity":
            return self.curve.name != "identity"
        if not self.true:
            return False
        error, delta = self.p - self.Y, self.true[-1]
        factor = float(np.sum(error * delta) / np.sum(error * error))
        if np.abs(delta - factor * error).max() > 1e-5 * np.abs(delta).max():
            return False
        if self.loss.kind == "custom":
            self.unit = factor
        return True

    def _true(self) -> list[Array]:
        """Return dL/dz of every layer: the chain rule as it should be."""
        by_p = self.loss.by_output(self.a[-1], self.Y)
        by_p = self.slope if by_p is None else by_p
        if by_p is None:
            return []
        deltas = [through(self.curve, self.z[-1], self.p, by_p)]
        for layer in range(len(self.chain) - 1, 0, -1):
            by_a = deltas[0] @ self.W[layer].T
            below = layer - 1
            deltas.insert(0, by_a * self.chain[below].f.slope(self.z[below], self.a[layer]))
        return deltas


def through(curve: Curve, z: Array, a: Array, by_a: Array) -> Array:
    """Return the derivative by z, given the one by a: for a softmax, through all its outputs."""
    if curve.name == "softmax":
        return a * (by_a - (by_a * a).sum(axis=1, keepdims=True))
    if curve.name.startswith("softmax over rows"):
        return a * (by_a - (by_a * a).sum(axis=0, keepdims=True))
    if curve.name == "softmax over everything":
        return a * (by_a - (by_a * a).sum())
    return by_a * curve.slope(z, a)


def slope_by_differences(loss: Stated, one: object, X: Array, P: Array, Y: Array) -> Array | None:
    """Return the derivative of a custom loss by the outputs; None if it does not look at them."""
    slope = np.zeros(P.shape)
    for place in np.ndindex(P.shape):
        moved = []
        for step in (STEP, -STEP):
            other = P.copy()
            other[place] += step
            moved.append(loss.value(one, X, other, Y))
        slope[place] = (moved[0] - moved[1]) / (2 * STEP)
    return slope if slope.any() and np.isfinite(slope).all() else None


def fitted(factors: list[tuple[float, int, float]], near: float) -> Scale | None:
    """Return the scale behind measured (factor, rows, rate), if there is one.

    Examples
    --------
    >>> fitted([(14.0, 7, 0.1), (10.0, 5, 0.1)], 1e-6)
    Scale(k=2.0, rows=1, rate=0)
    """
    for rate in (0, 1, -1, 2, -2):
        for rows in (0, 1, -1, 2, -2):
            ks = [c / float(n) ** rows / r**rate for c, n, r in factors]
            largest = max(*ks, -min(ks))
            if max(ks) - min(ks) <= near * largest and all(ks):
                return Scale(_usual(sum(ks) / len(ks), 10 * near), rows, rate)
    return None


def _usual(k: float, near: float) -> float:
    """Return the whole number, or one over a whole number, that is this but for rounding."""
    choices = [float(round(k))]
    if abs(k) > 1e-6 and round(1 / k):
        choices.append(1 / round(1 / k))
    return next((one for one in choices if one and abs(k / one - 1) < near), k)
