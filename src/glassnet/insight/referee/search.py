"""From the output backwards: which suspect formula gives the gradient that was used, and exactly.

The delta of a layer is what its weights' gradient is made of (its inputs, transposed, times the
delta), and what is sent back to the layer below. So layers are explained one after the other,
and several mistakes at once cost no more than one.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from glassnet.insight.referee.matching import (
    EXACT,
    Delta,
    Match,
    bias_match,
    fits,
    plain_product,
    straight,
    strange_inputs,
    summed,
)
from glassnet.insight.referee.scene import Mark, Scene
from glassnet.insight.referee.slopefit import fitted_slope
from glassnet.insight.referee.suspects import (
    ROWS,
    Suspect,
    backs,
    error_marks,
    hidden_marks,
    output_suspects,
    sent_back,
    slope_forms,
)

FEW = 40  # of the formulas that fit a weight, that are tried on its bias
ALIKE = 0.15  # by how much a reading of the same formula may be more far-fetched
TURNED = 2.5  # the cost up to which formulas are tried on some of the rows alone
SOURCES = 14  # how many deltas of the layer above are followed


class Choice(NamedTuple):
    """A delta with what it makes of a layer's weight and bias, and the cost of all that."""

    cost: float
    delta: Delta
    weight: Match
    bias: Match | None


@dataclass
class Reading:
    """How the gradient of one layer came about."""

    layer: int
    marks: tuple[Mark, ...]
    weight: Match
    bias: Match | None
    readings: list[tuple[Mark, ...]] = field(default_factory=list)


def explain(scenes: list[Scene], rows: bool, bends: bool) -> list[Reading]:
    """Return the readings of all layers, the last layer first.

    ``rows`` says whether scenes have several rows, so that rows can be told apart; ``bends``
    whether the gradient depends on the rate.
    """
    last = len(scenes[0].chain) - 1
    suspects = _values(scenes, output_suspects(scenes[0], rows))
    if rows:
        suspects += _turned([one for one in suspects if one.cost <= TURNED], last)
    found: list[Reading] = []
    deltas, sources = suspects, list[Delta]()
    for layer in range(last, -1, -1):
        reading, matched = _layer(scenes, layer, deltas, rows)
        if not reading.weight.named:
            more = _fitted(scenes, layer, sources)
            if more:
                reading, matched = _layer(scenes, layer, [*deltas, *more], rows)
        found.append(reading)
        if layer:
            sources = _sources(scenes, layer, matched, suspects, deltas)
            deltas = _hidden(scenes, layer - 1, sources, rows, bends)
    return found


def _fitted(scenes: list[Scene], layer: int, sources: list[Delta]) -> list[Delta]:
    """Return deltas with a slope that is none of the known ones, if one fits."""
    z = [scene.z[layer] for scene in scenes]
    if sources:
        ways = [
            (
                [v @ s.W[layer + 1].T for s, v in zip(scenes, source.values, strict=True)],
                source.marks,
                source.cost,
            )
            for source in sources
        ]
        a = [scene.a[layer + 1] for scene in scenes]
    else:
        names = ("p - y", "dL/dp of cross-entropy", "-y / p")
        ways = [([scene.kept[name] for scene in scenes], error_marks(scenes[0], layer, name), 0.0)
                for name in names if all(name in scene.kept for scene in scenes)]  # fmt: skip
        a = [scene.p for scene in scenes]
    for errors, marks, cost in ways:
        found = fitted_slope(scenes, layer, errors, z, a)
        if found:
            mark = Mark("wrong_slope", layer, f"{found[1]}, up to a factor")
            return [Delta(found[0], (*marks, mark), cost + 2.0)]
    return []


def _values(scenes: list[Scene], suspects: list[Suspect]) -> list[Delta]:
    """Return suspects' values, those left out that no scene can have."""
    found = []
    for one in suspects:
        values = [one.formula(scene) for scene in scenes]
        good = [value for value in values if value is not None]
        if len(good) == len(scenes):
            found.append(Delta(good, one.marks, one.cost))
    return _finite(found)


def _finite(deltas: list[Delta]) -> list[Delta]:
    """Return the deltas without those that are not finite everywhere."""
    if not deltas:
        return []
    good = np.ones(len(deltas), dtype=bool)
    for values in zip(*(delta.values for delta in deltas), strict=True):
        good &= np.isfinite(np.stack(values)).all(axis=(1, 2))
    return [delta for delta, fine in zip(deltas, good, strict=True) if fine]


def _turned(deltas: list[Delta], layer: int) -> list[Delta]:
    """Return deltas of which only some rows count, or the mean of all."""
    return [
        Delta([turn(v) for v in d.values], (Mark(kind, layer, name), *d.marks), d.cost + cost)
        for name, (turn, kind, cost) in list(ROWS.items())[1:]
        for d in deltas
    ]


# ---- one layer -----------------------------------------------------------------------------------


def _layer(
    scenes: list[Scene], layer: int, deltas: list[Delta], rows: bool
) -> tuple[Reading, list[Delta]]:
    """Return the cheapest explanation of a layer's gradients, and the delta behind it.

    Where nothing in the layer moves, these are all deltas that there may be; none, if none fits.
    """
    still_W = not any(scene.used_W[layer].any() for scene in scenes)
    bias = scenes[0].b[layer] is not None
    still_b = bias and not any(np.any(scene.used_b[layer]) for scene in scenes)
    deltas = sorted(deltas, key=lambda delta: delta.cost)
    if still_W:
        return _still(scenes, layer, deltas, bias, still_b)

    def cheapest(options: list[tuple[Delta, Match]]) -> Choice | None:
        best: Choice | None = None
        weights = [delta for delta, _ in options]
        directly = straight(scenes, layer, weights) if bias and not still_b else {}
        for delta, weight in sorted(options, key=lambda pair: pair[0].cost + pair[1].cost)[:FEW]:
            if best and delta.cost + weight.cost >= best.cost:
                break
            b = None
            if bias:
                b = bias_match(scenes, layer, delta, weight, deltas, rows, still_b, directly)
            cost = delta.cost + weight.cost + (b.cost if b else 0.0)
            if best is None or cost < best.cost:
                best = Choice(cost, delta, weight, b)
        return best

    fitting = [(delta, Match(0.0, (), scale))
            for delta, scale in fits(scenes, layer, deltas, plain_product(layer))]  # fmt: skip
    best = cheapest(fitting)
    if best is None or (best.bias and best.bias.cost > 1.1 and not still_b):
        other = cheapest(strange_inputs(scenes, layer, deltas, rows))
        if best is None or (other and other.cost < best.cost):
            best = other
    if best is None:
        return _unnamed(scenes, layer, deltas, bias, still_b)
    alike = [one for one, _ in fitting if one is not best.delta and _same(one, best.delta)]
    most = best.delta.cost + ALIKE
    readings = [one.marks for one in alike if one.marks != best.delta.marks and one.cost < most]
    reading = Reading(layer, best.delta.marks, best.weight, best.bias, readings)
    return reading, [best.delta]


def _still(
    scenes: list[Scene], layer: int, deltas: list[Delta], bias: bool, still_b: bool
) -> tuple[Reading, list[Delta]]:
    """Return what is to be said of a layer whose weight is never updated: the bias tells more."""
    nothing = Match(1.0, (Mark("weight_never_updated", layer),), None)
    if not bias or still_b:
        b = Match(1.0, (Mark("bias_never_updated", layer),), None) if bias else None
        return Reading(layer, (), nothing, b), deltas
    for delta, scale in fits(scenes, layer, deltas, summed, of_bias=True):
        return Reading(layer, delta.marks, nothing, Match(0.0, (), scale)), [delta]
    b = Match(5.0, (Mark("unnamed", layer, "bias"),), None, named=False)
    return Reading(layer, (), nothing, b), []


def _same(one: Delta, other: Delta) -> bool:
    """Return whether two deltas are the same but for a constant factor."""
    pairs = zip(one.values, other.values, strict=True)
    factors = []
    for a, b in pairs:
        size = float(np.sum(a * a))
        factor = float(np.sum(a * b)) / size if size else 0.0
        if np.abs(b - factor * a).max() > EXACT * np.abs(b).max(initial=1e-300):
            return False
        factors.append(factor)
    return bool(np.ptp(factors) <= 1e-6 * np.max(np.abs(factors)))


def _unnamed(
    scenes: list[Scene], layer: int, deltas: list[Delta], bias: bool, still_b: bool
) -> tuple[Reading, list[Delta]]:
    """Return what is left to say where no formula gives the weight's gradient: the bias's may."""
    weight = Match(5.0, (Mark("unnamed", layer, "weight"),), None, named=False)
    if not bias:
        return Reading(layer, (), weight, None), []
    for delta, scale in fits(scenes, layer, deltas, summed, of_bias=True)[:1]:
        return Reading(layer, delta.marks, weight, Match(0.0, (), scale)), [delta]
    mark = Mark("bias_never_updated" if still_b else "unnamed", layer, "bias")
    return Reading(layer, (), weight, Match(1.0, (mark,), None, named=still_b)), []


# ---- the layer below -----------------------------------------------------------------------------


def _sources(
    scenes: list[Scene], layer: int, matched: list[Delta], suspects: list[Delta],
    deltas: list[Delta],
) -> list[Delta]:  # fmt: skip
    """Return what may be sent back from a layer: its delta, or something simpler in its place."""
    if len(matched) > 1:  # nothing in this layer moves, so its delta is not known yet
        return sorted(matched, key=lambda delta: delta.cost)[: 3 * SOURCES]
    sources = [Delta(delta.values, (), 0.0) for delta in matched[:1]]
    last = layer == len(scenes[0].chain) - 1
    pool = sorted(suspects if last else deltas, key=lambda delta: delta.cost)
    pool = [d for d in pool if all(mark.kind != "other_delta_sent_back" for mark in d.marks)]
    kept: list[Delta] = list(matched[:1])
    for delta in pool:
        if len(sources) >= SOURCES:
            break
        if any(_same(delta, other) for other in kept):
            continue
        kept.append(delta)
        right = not delta.marks
        mark = Mark("other_delta_sent_back", layer, "" if right else _words(delta))
        sources.append(Delta(delta.values, (mark,), (0.8 if right else 1.2) + 0.1 * delta.cost))
    return sources


def _words(delta: Delta) -> str:
    return ", ".join(mark.kind for mark in delta.marks)


def _hidden(
    scenes: list[Scene], layer: int, sources: list[Delta], rows: bool, bends: bool
) -> list[Delta]:
    """Return all deltas that a hidden layer may have, given what is sent back from above."""
    curve = scenes[0].chain[layer].f
    forms = slope_forms(curve)
    slopes = [[form.formula(s.z[layer], s.a[layer + 1], s.b[layer], s.z[layer]) for form in forms]
              for s in scenes]  # fmt: skip
    found = []
    for source in sources:
        for way, kind, cost in backs(scenes[0], layer, bends):
            by_a = [sent_back(s, layer, v, way) for s, v in zip(scenes, source.values, strict=True)]
            if any(v is None for v in by_a):
                continue
            first = (*source.marks, *((Mark(kind, layer + 1, way),) if kind else ()))
            for place, form in enumerate(forms):
                marks = (*first, *hidden_marks(curve.name, layer, form))
                if form.kind == "slope_at_error":
                    values = [v * form.formula(v, v, None, v) for v in by_a]
                else:
                    values = [v * slopes[i][place] for i, v in enumerate(by_a)]
                found.append(Delta(values, marks, source.cost + cost + form.cost))
    if rows:
        found += _turned([delta for delta in found if delta.cost <= 1.0], layer)
    return _finite(found)
