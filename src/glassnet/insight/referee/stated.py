"""The loss that a gradient should be the gradient of: as stated, as found, or as guessed.

It is taken of what `forward` returns, (n, units); targets are (n, units), one-hot for classes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet.activations import sigmoid
from glassnet.vocabulary import Array

TINY = float(np.finfo(float).tiny)


def softmax(z: Array) -> Array:
    """Return e^z, divided by its sum over the columns of each row."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _log(p: Array) -> Array:
    return np.log(np.maximum(p, TINY))


# the loss of each row and output, and its derivative by the output
EACH: dict[str, Callable[[Array, Array], Array]] = {
    "binary_cross_entropy": lambda p, y: -y * _log(p) - (1 - y) * _log(1 - p),
    "cross_entropy": lambda p, y: -y * _log(p),
    "squared_error": lambda p, y: np.square(p - y),
    "absolute_error": lambda p, y: np.absolute(p - y),
}
SLOPE: dict[str, Callable[[Array, Array], Array]] = {
    "binary_cross_entropy": lambda p, y: (p - y) / (p * (1 - p)),
    "cross_entropy": lambda p, y: -y / p,
    "squared_error": lambda p, y: 2 * (p - y),
    "absolute_error": lambda p, y: np.sign(p - y),
}
ALIASES = {
    "binary_cross_entropy": "bce binary_crossentropy log_loss logloss logistic "
    "multilabel_cross_entropy",
    "cross_entropy": "ce multiclass_cross_entropy categorical_cross_entropy softmax_cross_entropy "
    "categorical_crossentropy crossentropy nll",
    "squared_error": "mse mean_squared_error half_squared_error l2 sse quadratic",
    "absolute_error": "mae mean_absolute_error l1",
}
WORDS = {
    "binary_cross_entropy": "binary cross-entropy -y log p - (1 - y) log(1 - p)",
    "cross_entropy": "cross-entropy -y log p",
    "squared_error": "squared error (p - y)^2",
    "absolute_error": "absolute error |p - y|",
}


@dataclass(frozen=True)
class Stated:
    """A loss of outputs and targets: ``factor * n**power *`` the sum of a standard one, or custom.

    Attributes
    ----------
    kind : str
        A key of `EACH`, or "custom".
    factor, power : float, int
        What the sum over rows and outputs is multiplied by; power is -1 for a mean over rows.
    logits : bool
        Whether the outputs are raw scores, of which probabilities are still to be made.
    source : str
        Who says so: "as stated", "its own compute_loss", "guessed".
    function : callable, optional
        ``function(one, X, P, Y)`` returns a custom loss.
    own : tuple of float and int, optional
        Factor and power of the same loss in the user's own code, if it has one.
    """

    kind: str
    factor: float = 1.0
    power: int = -1
    logits: bool = False
    source: str = "as stated"
    function: Callable[[Any, Array, Array, Array], float] | None = None
    own: tuple[float, int] | None = None

    def link(self, P: Array) -> Array:
        """Return probabilities, if the outputs are raw scores; otherwise the outputs."""
        if not self.logits:
            return P
        return sigmoid(P) if self.kind == "binary_cross_entropy" else softmax(P)

    def value(self, one: Any, X: Array, P: Array, Y: Array) -> float:
        """Return the loss."""
        if self.function is not None:
            return float(self.function(one, X, P, Y))
        total = EACH[self.kind](self.link(P), Y).sum()
        return float(self.factor * float(len(Y)) ** self.power * total)

    def by_output(self, P: Array, Y: Array) -> Array | None:
        """Return the derivative by the outputs (by the probabilities, if they are raw scores)."""
        if self.kind == "custom":
            return None
        return self.factor * float(len(Y)) ** self.power * SLOPE[self.kind](self.link(P), Y)

    @property
    def probabilities(self) -> bool:
        """Whether it takes logarithms of outputs."""
        return "entropy" in self.kind and not self.logits

    def __str__(self) -> str:
        if self.kind == "custom":
            return f"a loss of its own kind ({self.source})"
        factor = {1.0: "", 0.5: "half the "}.get(self.factor, f"{self.factor:.4g} times the ")
        over = {-1: "mean over rows", 0: "sum over rows"}[self.power]
        scores = " of raw scores" if self.logits else ""
        return f"{factor}{WORDS[self.kind]}{scores}, {over} ({self.source})"


def named(name: str) -> str | None:
    """Return the standard loss that a name means.

    Examples
    --------
    >>> named("MSE"), named("categorical_crossentropy"), named("hinge")
    ('squared_error', 'cross_entropy', None)
    """
    word = name.lower().replace("-", "_").replace(" ", "_")
    if word in EACH:
        return word
    return next((kind for kind, names in ALIASES.items() if word in names.split()), None)


def recognised(
    loss: Stated, trials: list[tuple[Any, Array, Array, Array]], kinds: Any = tuple(EACH)
) -> Stated:
    """Return a custom loss as the standard one that it is a multiple of, or as it is.

    ``trials`` are (object, X, outputs, targets) with several numbers of rows.
    """
    values = [loss.value(*trial) for trial in trials]
    if not np.isfinite(values).all():
        return loss
    for kind in kinds:
        sums = [float(EACH[kind](P, Y).sum()) for _, _, P, Y in trials]
        for power in (-1, 0):
            pairs = zip(values, sums, trials, strict=True)
            ratios = np.array([v / (s * len(t[3]) ** power) for v, s, t in pairs if s])
            if len(ratios) and np.ptp(ratios) < 1e-5 * abs(ratios[0]) and ratios[0] > 0:
                factor = snapped(float(ratios.mean()), trials[0][3].shape[1])
                return replace(loss, kind=kind, factor=factor, power=power, function=None)
    return loss


def snapped(factor: float, units: int) -> float:
    """Return the exact factor that a measured one stands for, if it is a usual one."""
    usual = (1.0, 0.5, 2.0, 1 / units, 0.5 / units, 2 / units)
    return next((one for one in usual if abs(factor / one - 1) < 1e-5), factor)
