"""What is wrong with the signals inside: units that are the same, off or flat; fading deltas."""

from itertools import pairwise

import numpy as np

from glassnet.insight.doctor.anatomy import Units, describe
from glassnet.insight.doctor.diagnosis import Finding
from glassnet.insight.doctor.patient import Patient

TWINS, TWIN_GRADIENTS = 1e-5, 1e-3  # of a column's length: nearer is the same, to rounding
HALF = 0.5  # of a layer's units; two that are alike by chance do no harm
FLAT = 1e-3  # of the steepest slope; a unit that has less in every row learns no more
DEAD = 0.7  # of a layer's units; in small tables and deep networks half may be off by nature
LEVEL = 0.1  # of the steepest slope: beyond 3.7 for sigmoid, 1.8 for tanh
SATURATED = 0.9  # of the numbers; a network that begins well has about a fifth there
# where a network has learned all the same: of the steepest slope; of the numbers; and the length
# of a column of weights, which begins at about 1
UTTERLY, MOSTLY, HUGE = 1e-4, 0.8, 40.0
# Six layers of sigmoid units lose four digits and can still be trained; ten lose seven
VANISHED = 1e-6
LOST = 1e-30  # float32 ends near here
EXPLODED = 1e3  # sixteen blocks with ways around them, and no norms, make it 300


def symmetric_weights(patient: Patient) -> Finding | None:
    """Find units that are the same and will stay so."""
    if not patient.anatomy.finite:
        return None
    for units in patient.anatomy.units:
        if units.weights.shape[1] < 2 or units.deltas is None:
            continue
        alike = _twins(units)
        if alike >= HALF * units.weights.shape[1]:
            return Finding(
                "symmetric_weights",
                f"layer {units.owner}: {alike} of {units.weights.shape[1]} columns of {units.name} "
                "are the same as another, and so are their gradients",
                f"{HALF:.0%} of the columns",
                "Units with the same weights and the same gradient stay the same for ever: "
                "together they can do what one of them can.",
                'gn.Dense(units, activation, init="glorot")  # first weights that differ',
            )
    return None


def _twins(units: Units) -> int:
    """Return how many columns are the same as another, in their weights and in their gradient."""
    both = np.concatenate([units.weights, units.gradient]).astype(float)
    sums = np.random.default_rng(0).standard_normal(len(units.weights)) @ units.weights
    order = np.argsort(sums, kind="stable")  # the same columns have the same sum
    here, there, inputs = both[:, order[1:]], both[:, order[:-1]], len(units.weights)
    near = np.ones(len(order) - 1, bool)
    for part, most in ((np.s_[:inputs], TWINS), (np.s_[inputs:], TWIN_GRADIENTS)):
        length = np.linalg.norm(there[part], axis=0)
        near &= np.linalg.norm(here[part] - there[part], axis=0) <= most * length
    twin = np.zeros(len(order), bool)
    twin[1:] |= near
    twin[:-1] |= near
    return int(twin.sum())


def dead_units(patient: Patient) -> Finding | None:
    """Find units whose activation is flat in every row, of a kind that is flat on one side."""
    for units in patient.anatomy.units:
        if units.slopes is None or units.bounded:
            continue
        dead = int((units.slopes < FLAT).all(axis=0).sum())
        count = units.slopes.shape[1]
        if dead > DEAD * count and not (patient.learned and dead < count):
            return Finding(
                "dead_units",
                f"layer {units.owner}: {dead} of {count} units behind {units.name} have no slope "
                f"in any of {len(units.slopes)} rows; the median of their sums is "
                f"{describe(np.median(units.sums))}",
                f"{DEAD:.0%} of the units",
                "A unit that is off in every row gets no gradient, so it never comes back.",
                'gn.Dense(units, "leaky_relu")  # or a lower rate, and biases that begin at 0',
            )
    return None


def saturated_units(patient: Patient) -> Finding | None:
    """Find layers whose bounded activations are at their ends in nearly all rows."""
    level, most = (UTTERLY, MOSTLY) if patient.learned else (LEVEL, SATURATED)
    for units in patient.anatomy.units:
        if units.slopes is None or not units.bounded:
            continue
        share = float((units.slopes < level).mean())
        size = float(np.sqrt(np.mean(np.square(units.weights, dtype=float)) * len(units.weights)))
        if share > most and not (patient.learned and size < HUGE):
            return Finding(
                "saturated_units",
                f"layer {units.owner}: {share:.0%} of the activations behind {units.name} have "
                f"less than {level:g} of the steepest slope; the root mean square of their sums is "
                f"{describe(np.sqrt(np.mean(np.square(units.sums, dtype=float))))}",
                f"{most:.0%}",
                "At its ends an activation is flat, so hardly any gradient gets through it.",
                "X = (X - X.mean(axis=0)) / X.std(axis=0)  # and first weights of the usual size",
            )
    return None


def _deltas(patient: Patient) -> list[tuple[Units, float]]:
    found = []
    for units in patient.anatomy.units:
        if units.deltas is not None:
            found.append((units, float(np.sqrt(np.mean(np.square(units.deltas, dtype=float))))))
    return found


def vanishing_gradient(patient: Patient) -> Finding | None:
    """Find a gradient that is lost on its way back through the layers."""
    sizes = _deltas(patient)
    if len(sizes) < 2 or patient.learned or not (patient.anatomy.finite and sizes[-1][1]):
        return None
    # what falls to 0 at once met a layer that is off, or weights that are 0
    fading = [here for here, there in pairwise(sizes) if here[1] or there[1] < LOST]
    (first, least), (last, size) = min(fading or sizes, key=lambda each: each[1]), sizes[-1]
    if not fading or least >= VANISHED * size:
        return None
    return Finding(
        "vanishing_gradient",
        f"the deltas of layer {first.owner} are {describe(least / size)} of those of layer "
        f"{last.owner}",
        f"{VANISHED:g}",
        "Every layer lets only a part of the gradient through; what reaches the first layers is "
        "too small to change them.",
        'gn.Dense(units, "relu")  # or gn.Residual(...), gn.LayerNorm(), or fewer layers',
    )


def exploding_gradient(patient: Patient) -> Finding | None:
    """Find a gradient that grows on its way back through the layers, in half of the rows."""
    rows = [
        (units, np.linalg.norm(units.deltas.astype(float), axis=1))
        for units in patient.anatomy.units
        if units.deltas is not None
    ]
    if len(rows) < 2 or patient.learned or not patient.anatomy.finite:
        return None
    last, size = rows[-1]
    some = size > 0
    if not some.any():
        return None
    growth = [(units, float(np.median(each[some] / size[some]))) for units, each in rows]
    first, most = max(growth, key=lambda each: each[1])
    if not most > EXPLODED:
        return None
    return Finding(
        "exploding_gradient",
        f"the deltas of layer {first.owner} are {describe(most)} times those of layer {last.owner}",
        f"{EXPLODED:g}",
        "Every layer makes the gradient longer, so that one rate is too long for the first layers "
        "and too short for the last.",
        'gn.Dense(units, activation, init="he")  # or gn.LayerNorm() between the layers',
    )
