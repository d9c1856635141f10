"""Gradients compared with formulas: which formula's product is the gradient that was used."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from glassnet.insight.referee.scene import Mark, Scale, Scene, fitted
from glassnet.insight.referee.suspects import ROWS
from glassnet.vocabulary import Array

EXACT, ROUGH = 1e-6, 3e-3  # how far a formula may be from what was used, in float64 and 32
SIMPLE = 2.0  # the cost up to which formulas are tried with more than one thing beside them
WIDE, FEW = 2500, 24  # entries of a weight; of more, so many inputs and units are looked at
NOTHING = 1e-13  # what is 0 but for rounding


@dataclass
class Delta:
    """A formula's values in every scene, with the mistakes that it would mean."""

    values: list[Array]
    marks: tuple[Mark, ...]
    cost: float


class Match(NamedTuple):
    """An array's gradient explained: at what cost, with which mistakes and scale.

    ``scale`` is None where nothing is to be said of it, ``named`` False where nothing fits.
    """

    cost: float
    marks: tuple[Mark, ...]
    scale: Scale | None
    named: bool = True


def plain_product(layer: int) -> Callable[[Scene, Array], Array]:
    """Return how a right weight's gradient comes of deltas: a^T delta."""
    return lambda scene, stack: scene.a[layer].T @ stack


def exact(scenes: list[Scene]) -> float:
    """Return how far a formula may be from what was used, relatively."""
    return ROUGH if scenes[0].sample.rough else EXACT


def _residuals(
    wanted: Array, stack: Array, near: float, rate: float, size: float
) -> tuple[Array, Array]:
    """Return the factor for each formula of a stack that fits best, and whether it fits."""
    flat, target = stack.reshape(len(stack), -1), wanted.reshape(-1)
    squares = np.einsum("ij,ij->i", flat, flat)
    factors = (flat @ target) / np.where(squares > 0, squares, 1.0)
    off = np.linalg.norm(target - factors[:, None] * flat, axis=1)
    near = near * float(np.linalg.norm(target)) + 4e-15 * (1 + size) / rate
    return factors, (off <= near) & (np.abs(factors) > 0)


def _thinned(scene: Scene, layer: int) -> tuple[Scene, Any]:
    """Return a scene with some inputs of a wide layer, and which of its units to look at."""
    inputs, outputs = scene.W[layer].shape
    if inputs * outputs <= WIDE:
        return scene, slice(None)
    thin, rng = copy.copy(scene), np.random.default_rng(0)
    rows = rng.permutation(inputs)[:FEW]
    units = rng.permutation(outputs)[:FEW]
    thin.a = [a[:, rows] if a.shape[1] == inputs else a for a in scene.a]
    thin.z = [z[:, rows] if z.shape[1] == inputs else z for z in scene.z]
    for name in ("W", "used_W"):
        arrays = list(getattr(scene, name))
        arrays[layer] = arrays[layer][np.ix_(rows, units)]
        setattr(thin, name, arrays)
    return thin, units


def fits(
    scenes: list[Scene],
    layer: int,
    deltas: list[Delta],
    made: Callable[[Scene, Array], Array],
    of_bias: bool = False,
) -> list[tuple[Delta, Scale]]:
    """Return the deltas of which the gradient used is a constant multiple in all scenes."""
    alive = list(range(len(deltas)))
    factors: dict[int, list[tuple[float, int, float]]] = {i: [] for i in alive}
    for place, whole in enumerate(scenes):
        scene, units = (whole, slice(None)) if of_bias else _thinned(whole, layer)
        wanted = scene.used_b[layer] if of_bias else scene.used_W[layer]
        if not alive or wanted is None:
            return []
        stack = made(scene, np.stack([deltas[i].values[place][:, units] for i in alive]))
        if stack.shape[1:] != wanted.shape or not np.isfinite(wanted).all():
            return []
        rate = scene.sample.rate
        found, fits = _residuals(
            wanted, stack, exact(scenes), rate, float(np.abs(scene.W[layer]).max())
        )
        if not wanted.any():
            continue
        if np.abs(wanted).max() < NOTHING:  # a sum that is 0 but for rounding
            alive = [i for i, one in zip(alive, stack, strict=True) if np.abs(one).max() < NOTHING]
            for i in alive:
                factors[i].append((1.0, scene.sample.rows, rate))
            continue
        for i, factor, fit in zip(alive, found, fits, strict=True):
            if fit:
                factors[i].append((float(factor), scene.sample.rows, rate))
        alive = [i for i, fit in zip(alive, fits, strict=True) if fit]
    result = []
    for i in alive:
        scale = fitted(factors[i], 10 * exact(scenes)) if factors[i] else None
        if scale is not None:
            result.append((deltas[i], scale))
    return result


Way = tuple[Callable[[Scene, Array], Array], str, str, float]  # product, kind, detail, cost


def _inputs(scene: Scene, layer: int) -> list[Way]:
    """Return products with something else than what came into the layer."""
    kind = "wrong_input"
    ways: list[Way] = [(lambda s, d: np.ones_like(s.a[layer]).T @ d, kind, "nothing", 1.4)]
    if not layer:
        return ways
    slope = scene.chain[layer - 1].f.slope
    ways.append((lambda s, d: s.z[layer - 1].T @ d, kind, "z instead of a", 1.2))
    ways.append(
        (lambda s, d: slope(s.z[layer - 1], s.a[layer]).T @ d, kind, "f'(z) instead of a", 1.4)
    )

    def of_layer(other: int) -> Callable[[Scene, Array], Array]:
        return lambda s, d: s.a[other].T @ d

    for other in range(len(scene.a) - 1):
        if other != layer and scene.a[other].shape[1] == scene.a[layer].shape[1]:
            ways.append((of_layer(other), kind, f"layer {other}'s output" if other else "X", 1.2))
    return ways


def _turned_round(scene: Scene, layer: int) -> list[Way]:
    """Return products with axes exchanged."""
    shape, kind = scene.W[layer].shape, "transposed_gradient"
    if min(shape) == 1:
        return []

    def turned(s: Scene, d: Array) -> Array:
        return (s.a[layer].T @ d).swapaxes(1, 2)

    if shape[0] == shape[1]:
        return [(turned, kind, "", 1.2)]
    return [(lambda s, d: turned(s, d).reshape(-1, *shape), kind, "reshaped", 1.4)]


def strange_inputs(
    scenes: list[Scene], layer: int, deltas: list[Delta], rows: bool
) -> list[tuple[Delta, Match]]:
    """Return explanations by other inputs than the layer's, or by rows, or by axes."""
    found = []
    for made, kind, detail, cost in _inputs(scenes[0], layer) + _turned_round(scenes[0], layer):
        for delta, scale in fits(scenes, layer, deltas, made):
            found.append((delta, Match(cost, (Mark(kind, layer, detail),), scale)))
    simple = [delta for delta in deltas if delta.cost <= SIMPLE]
    for name, (turn, kind, cost) in list(ROWS.items())[1:] if rows else []:
        turned = [Delta([turn(v) for v in d.values], d.marks, d.cost) for d in simple]
        originals = {id(t): d for t, d in zip(turned, simple, strict=True)}
        for delta, _ in fits(scenes, layer, turned, plain_product(layer)):
            match = Match(cost, (Mark(kind, layer, name),), None)
            found.append((originals[id(delta)], match))
    return found or _decayed(scenes, layer, deltas)


def _decayed(scenes: list[Scene], layer: int, deltas: list[Delta]) -> list[tuple[Delta, Match]]:
    """Return explanations by a penalty: a gradient that has a multiple of the weight in it."""
    for delta in deltas:
        if delta.cost > SIMPLE:
            break
        factors, sizes, good = [], [], True
        for scene, value in zip(scenes, delta.values, strict=True):
            plain = (scene.a[layer].T @ value).reshape(-1)
            both = np.stack([plain, scene.W[layer].reshape(-1)], axis=1)
            target = scene.used_W[layer].reshape(-1)
            if len(target) < 3:
                return []
            (k, decay), *_ = np.linalg.lstsq(both, target, rcond=None)
            off = np.linalg.norm(both @ [k, decay] - target)
            good &= bool(off <= exact(scenes) * np.linalg.norm(target))
            factors.append((float(k), scene.sample.rows, scene.sample.rate))
            sizes.append((float(decay), scene.sample.rows, scene.sample.rate))
        scale, penalty = fitted(factors, 10 * exact(scenes)), fitted(sizes, 1e-4)
        if good and scale and penalty:
            over = {0: "", -1: " / n"}.get(penalty.rows, f" n^{penalty.rows}")
            mark = Mark("penalty", layer, f"{penalty.k:.4g} W{over}")
            return [(delta, Match(0.5, (mark,), scale))]
    return []


def bias_match(
    scenes: list[Scene], layer: int, delta: Delta, weight: Match, others: list[Delta],
    rows: bool, still: bool, straight: dict[int, Scale],
) -> Match:  # fmt: skip
    """Return how the bias's gradient comes of the delta that the weight's comes of."""
    if still:
        return Match(1.0, (Mark("bias_never_updated", layer),), None)
    if id(delta) in straight:
        scale = straight[id(delta)]
        return Match(0.0 if weight.scale in (None, scale) else 0.6, (), scale)
    ways: list[tuple[Callable[[Scene, Array], Array], str, str, float]] = [
        (lambda s, d: np.broadcast_to(d.sum(axis=(1, 2))[:, None], (len(d), d.shape[2])),
         "bias_axis", "everything is added up", 1.2),
        (lambda s, d: d[:, 0], "bias_one_row", "first", 1.1),
        (lambda s, d: d[:, -1], "bias_one_row", "last", 1.1),
        (lambda s, d: d.sum(axis=1) ** 2, "bias_gradient", "the square", 1.6),
        (lambda s, d: np.absolute(d).sum(axis=1), "bias_gradient", "absolute values", 1.6),
        (lambda s, d: d.sum(axis=1) * s.b[layer], "bias_gradient", "times b", 1.6),
    ]  # fmt: skip
    for made, kind, detail, cost in ways[0 if rows else 3 :]:
        if fits(scenes, layer, [delta], made, of_bias=True):
            return Match(cost, (Mark(kind, layer, detail),), None)
    near = [other for other in others if other.cost < 3.5 and len(other.marks) <= 2]
    for other, scale in fits(scenes, layer, near, summed, of_bias=True)[:1]:
        words = "the right delta" if not other.marks else "another delta"
        return Match(1.5, (Mark("bias_of_other_delta", layer, words),), scale)
    return Match(5.0, (Mark("unnamed", layer, "bias"),), None, named=False)


def straight(scenes: list[Scene], layer: int, deltas: list[Delta]) -> dict[int, Scale]:
    """Return the scales of a bias's gradient beside the deltas' sums, by the deltas' identities."""
    pairs = fits(scenes, layer, deltas, summed, of_bias=True)
    return {id(delta): scale for delta, scale in pairs}


def summed(scene: Scene, stack: Array) -> Array:
    """Return how a right bias's gradient comes of deltas: their sum over rows."""
    return stack.sum(axis=1)
