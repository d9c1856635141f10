"""What from-scratch code may compute instead of the right thing, one small formula each.

A suspect is a formula for the derivative by z of a layer, with the mistakes (`Mark`) that it
would mean and a cost: the simplest suspect that gives the gradient which was used is accused.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from glassnet.insight.referee.curves import CURVES, Curve
from glassnet.insight.referee.scene import Mark, Scene, through
from glassnet.vocabulary import Array

Formula = Callable[[Scene], Array | None]
FAMILIES = ("sigmoid", "tanh", "relu", "leaky relu (0.01)", "softplus")


@dataclass(frozen=True)
class Suspect:
    """A formula, the mistakes it would mean, and how far-fetched it is."""

    formula: Formula
    marks: tuple[Mark, ...] = ()
    cost: float = 0.0


@dataclass(frozen=True)
class SlopeForm:
    """A way to compute an activation's derivative, right or wrong.

    ``kind`` is "own" for the right one, "one" where it is left out, or the kind of the mistake.
    """

    kind: str
    detail: str
    cost: float
    formula: Callable[[Array, Array, Array | None, Array], Array]  # of z, a, bias and error


def slope_forms(own: Curve) -> list[SlopeForm]:
    """Return ways to compute the derivative of an activation."""
    forms = [
        SlopeForm("own", "", 0.0, lambda z, a, b, e: own.slope(z, a)),
        SlopeForm("one", "", 1.0, lambda z, a, b, e: np.ones_like(z)),
        SlopeForm("slope_twice", "", 1.5, lambda z, a, b, e: own.slope(z, a) ** 2),
        SlopeForm("slope_at_a", f"{own.name}'(a)", 1.0,
                  lambda z, a, b, e: own.slope(a, own.f(a))),
        SlopeForm("value_for_slope", f"{own.name}(z)", 1.4, lambda z, a, b, e: a),
        SlopeForm("slope_at_error", "", 1.3, lambda z, a, b, e: own.slope(e, own.f(e))),
        SlopeForm("wrong_slope", "1 - a", 1.5, lambda z, a, b, e: 1 - a),
        SlopeForm("wrong_slope", "a^2 - 1", 1.6, lambda z, a, b, e: a * a - 1),
        SlopeForm("wrong_slope", "1 + a^2", 1.6, lambda z, a, b, e: 1 + a * a),
        SlopeForm("wrong_slope", "a (1 + a)", 1.6, lambda z, a, b, e: a * (1 + a)),
        SlopeForm("wrong_slope", "1 - z", 1.7, lambda z, a, b, e: 1 - z),
        SlopeForm("wrong_slope", "z", 1.7, lambda z, a, b, e: z),
        SlopeForm("wrong_slope", "sign(z)", 1.7, lambda z, a, b, e: np.sign(z)),
        SlopeForm("slope_without_bias", "", 1.5, lambda z, a, b, e: np.zeros_like(z) if b is None
                  else own.slope(z - b, own.f(z - b))),
        SlopeForm("wrong_slope", f"1 - {own.name}'", 1.8, lambda z, a, b, e: 1 - own.slope(z, a)),
    ]  # fmt: skip
    if own.by_value:
        form = "z (1 - z)" if own.name == "sigmoid" else "1 - z^2" if own.name == "tanh" else "f'"
        forms.append(SlopeForm("slope_at_z", form, 1.0, lambda z, a, b, e: own.slope(z, z)))
    for name in FAMILIES:
        if name != own.name:
            forms += _foreign(CURVES[name])
    return forms


def _foreign(c: Curve) -> list[SlopeForm]:
    """Return ways to compute the derivative of another activation than the one there is."""
    kind = "wrong_slope"
    forms = [SlopeForm(kind, f"{c.name}'(z)", 1.3, lambda z, a, b, e: c.slope(z, c.f(z)))]
    forms.append(SlopeForm(kind, f"{c.name}'(a)", 1.5, lambda z, a, b, e: c.slope(a, c.f(a))))
    if c.by_value:
        forms += [
            SlopeForm(kind, f"{c.name}' as {c.formula}", 1.3, lambda z, a, b, e: c.slope(z, a)),
            SlopeForm(kind, f"{c.name}' as {c.formula}, with z for a", 1.7,
                      lambda z, a, b, e: c.slope(z, z)),
        ]  # fmt: skip
    return forms


JACOBIAN = SlopeForm("jacobian", "", 0.1, lambda z, a, b, e: z)  # of a softmax, in full


# ---- the output's delta --------------------------------------------------------------------------


def _hot(scene: Scene) -> Array:
    """Return hard predictions: 0 or 1, the largest of several."""
    if scene.p.shape[1] == 1:
        return (scene.p > 0.5).astype(float)
    return np.eye(scene.p.shape[1])[scene.p.argmax(axis=1)]


def _labels(scene: Scene) -> Array:
    return scene.Y.argmax(axis=1)[:, None].astype(float)


# errors that a backward pass may begin with: formula, kind of the mistake, cost
ERRORS: dict[str, tuple[Callable[[Scene], Array], str, float]] = {
    "p - y": (lambda s: s.p - s.Y, "", 0.0),
    "dL/dp of cross-entropy": (lambda s: (s.p - s.Y) / (s.p * (1 - s.p)), "", 0.2),
    "-y / p": (lambda s: -s.Y / s.p, "half_of_the_loss", 1.2),
    "sign(p - y)": (lambda s: np.sign(s.p - s.Y), "absolute_error", 1.3),
    "(p - y)^2": (lambda s: (s.p - s.Y) ** 2, "squared_for_error", 1.3),
    "z - y": (lambda s: s.z[-1] - s.Y, "raw_scores", 1.3),
    "f(p) - y": (lambda s: s.curve.f(s.p) - s.Y, "activation_twice", 1.3),
    "class - y": (lambda s: _hot(s) - s.Y, "hard_prediction", 1.3),
    "p - label": (lambda s: s.p - _labels(s), "labels_not_one_hot", 1.3),
    "p - 1": (lambda s: s.p - s.Y.max(axis=0), "whole_columns", 1.3),
    "p": (lambda s: s.p, "target_left_out", 1.6),
    "y": (lambda s: s.Y, "prediction_left_out", 1.6),
    "p - mean y": (lambda s: s.p - s.Y.mean(axis=0), "broadcasting", 1.2),
    "mean p - y": (lambda s: s.p.mean(axis=0) - s.Y, "broadcasting", 1.2),
    "sum of (p - y)^2": (
        lambda s: np.broadcast_to(((s.p - s.Y) ** 2).mean(), s.p.shape), "loss_for_error", 1.4,
    ),
    "|p - y|": (lambda s: np.absolute(s.p - s.Y), "absolute_value", 1.4),
    "log-loss": (
        lambda s: -s.Y * np.log(np.maximum(s.p, 1e-300))
        - (1 - s.Y) * np.log(np.maximum(1 - s.p, 1e-300)), "loss_for_error", 1.5,
    ),
}  # fmt: skip
MEANS: dict[str, Callable[[Array], Array]] = {
    "mean of {} over rows": lambda e: np.broadcast_to(e.mean(axis=0), e.shape),
    "mean of all {}": lambda e: np.broadcast_to(e.mean(), e.shape),
}


def _averaged(error: str, mean: Callable[[Array], Array]) -> Callable[[Scene], Array]:
    formula = ERRORS[error][0]
    return lambda scene: mean(formula(scene))


ERRORS |= {
    name.format(error): (_averaged(error, mean), "one_gradient", 1.2)
    for error in ("p - y", "dL/dp of cross-entropy", "-y / p", "sign(p - y)")
    for name, mean in MEANS.items()
}
# what becomes of the rows: which of them count
ROWS: dict[str, tuple[Callable[[Array], Array], str, float]] = {
    "all": (lambda d: d, "", 0.0),
    "mean": (lambda d: np.broadcast_to(d.mean(axis=0), d.shape), "one_gradient", 1.1),
    "first": (lambda d: np.concatenate([d[:1], 0 * d[1:]]), "one_row", 1.1),
    "last": (lambda d: np.concatenate([0 * d[:-1], d[-1:]]), "one_row", 1.1),
}


def output_suspects(scene: Scene, rows: bool) -> list[Suspect]:
    """Return formulas for dL/dz of the last layer; ``rows`` says whether rows may be confused."""
    layer = len(scene.chain) - 1
    found = [Suspect(lambda s: s.true[-1] if s.true else None)]
    forms = [*slope_forms(scene.curve), JACOBIAN]
    for error, (_, _, cost) in ERRORS.items():
        if (error in ("p - label", "p - 1") and scene.Y.shape[1] == 1) or (
            not rows and "mean" in error
        ):
            continue
        first = error_marks(scene, layer, error)
        cost = max(cost, 1.2) if first else 0.0
        for place, form in enumerate(forms):
            marks, more = output_marks(scene, layer, error, form)
            if more < 9:
                formula = _output(error, place, form)
                found.append(Suspect(formula, (*first, *marks), 0.01 + cost + more))
    return found


def _output(error: str, place: int, form: SlopeForm) -> Formula:
    def function(scene: Scene) -> Array:
        z, b, kept = scene.z[-1], scene.b[-1], scene.kept
        if error not in kept:
            kept[error] = ERRORS[error][0](scene) * scene.unit
        if form is JACOBIAN:
            return through(scene.curve, z, scene.p, kept[error])
        if form.kind == "slope_at_error":
            return kept[error] * form.formula(z, scene.p, b, kept[error])
        if place not in kept:
            kept[place] = form.formula(z, scene.p, b, z)
        return kept[error] * kept[place]

    return function


# the derivative of each loss by p, among those errors
OF_LOSS = {
    "binary_cross_entropy": "dL/dp of cross-entropy",
    "cross_entropy": "-y / p",
    "squared_error": "p - y",
    "absolute_error": "sign(p - y)",
}


def error_marks(scene: Scene, layer: int, error: str) -> tuple[Mark, ...]:
    """Return what it would mean to begin with this error, beside the stated loss."""
    kind = ERRORS[error][1]
    if error == OF_LOSS.get(scene.loss.kind):
        return ()
    if kind:
        return (Mark(kind, layer, error),)
    if error == "p - y" and scene.paired:
        return ()
    return (Mark("other_loss", layer, error),)


def output_marks(
    scene: Scene, layer: int, error: str, form: SlopeForm
) -> tuple[tuple[Mark, ...], float]:
    """Return what it would mean to multiply this error by this slope, beside the stated loss."""
    curve, kind = scene.curve.name, scene.loss.kind
    softmax = curve.startswith("softmax")
    full = "-y / p" in error or "dL/dp" in error or error == OF_LOSS.get(kind)  # the one by p
    # whether a slope belongs here: not where it cancels against the loss's own
    wanted = curve != "identity" and (full or not scene.paired)
    if form.kind == "one":
        return ((Mark("missing_slope", layer, curve),), 0.9) if wanted else ((), 0.0)
    right = "jacobian" if softmax else "own"
    if form.kind == right:
        return ((), 0.0) if wanted else ((Mark("extra_slope", layer, curve),), 0.9)
    if form.kind in ("own", "jacobian"):
        if not softmax:
            return (Mark("unlikely", layer),), 9.0
        return (Mark("softmax_jacobian" if wanted else "extra_slope", layer, curve),), 1.0
    if curve == "identity":
        return (Mark("extra_slope", layer, form.detail),), form.cost
    marks: tuple[Mark, ...] = (Mark(form.kind, layer, form.detail),)
    if not wanted:
        marks = (Mark("extra_slope", layer, curve), *marks)
    return marks, form.cost + 0.6 * (not wanted)


# ---- a hidden layer's delta ----------------------------------------------------------------------


def backs(scene: Scene, layer: int, rate_bends: bool) -> Iterator[tuple[str, str, float]]:
    """Yield ways in which a delta may be sent back through the weights of the layer above."""
    above = scene.W[layer + 1]
    yield "W^T", "", 0.0
    if rate_bends:
        yield "W after", "updated_before_use", 1.0
    if above.shape[0] == above.shape[1] and above.shape[0] > 1:
        yield "W", "transposed_weight", 1.0
    if above.shape[0] != above.shape[1] and min(above.shape) > 1:
        yield "reshaped", "transposed_weight", 1.3
    yield "none", "weight_left_out", 1.3
    yield "|W|^T", "weight_left_out", 1.9


def sent_back(scene: Scene, layer: int, delta: Array, way: str) -> Array | None:
    """Return the derivative by a of a layer, sent back in one of those ways."""
    W = scene.W[layer + 1]
    if way == "W after":
        return delta @ scene.W_after[layer + 1].T
    if way == "W":
        return delta @ W
    if way == "reshaped":
        return delta @ W.reshape(W.shape[::-1])
    if way == "|W|^T":
        return delta @ np.absolute(W).T
    if way == "none":
        wide = delta if delta.shape[1] == W.shape[0] else delta.sum(axis=1, keepdims=True)
        return np.broadcast_to(wide, (len(delta), W.shape[0]))
    return delta @ W.T


def hidden_marks(curve: str, layer: int, form: SlopeForm) -> tuple[Mark, ...]:
    """Return what this way to compute a hidden layer's slope means."""
    if form.kind == "own":
        return ()
    if form.kind == "one":
        return () if curve == "identity" else (Mark("missing_slope", layer, curve),)
    if curve == "identity":
        return (Mark("extra_slope", layer, form.detail),)
    return (Mark(form.kind, layer, form.detail),)
