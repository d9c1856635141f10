"""What is wrong with the table: its columns, and its targets."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from glassnet.insight.doctor.anatomy import describe, mixing
from glassnet.insight.doctor.diagnosis import Finding
from glassnet.insight.doctor.patient import Patient
from glassnet.step import Variant
from glassnet.vocabulary import Array

# Weights begin for inputs whose root mean square is about 1. Pixels from 0 to 16 still train well
# as they are; those from 0 to 255, years and incomes do not.
LARGE = 30.0
SMALL = 0.01  # and a column that never gets farther than this from 0 is lost among the others
ROUNDINGS = 8  # of the network's own floats: a column that varies by less is constant to it
MANY = 40  # columns; in so wide a table some pixels or categories are always absent
ABSENT = 0.1  # of the numbers are 0: counts, pixels or categories, some of them always absent
LOW = 0.1  # standard deviations below the mean is where a category lies that is hardly ever there
ALIKE = 1e-5  # standard deviations; charge = 0.17 * minutes, rounded to cents, is not so near
SEVERAL = 8  # columns of two values, among which one-hot categories make some alike by nature
NAMED = 4  # columns that a finding names
FAR_TARGET = 100.0  # scores begin about 1 apart; a step moves them by about the rate
NEAR_TARGET = 0.005
VERY_FAR_TARGET = 1e4  # where a network has learned all the same
MOST_OF_IT = 0.5  # of the pull of all rows: the network learns that row and no other
FEW_ROWS = 20  # among fewer, one row may well be half of all
BATCHES = (11, 13)  # rows of two batches: a size that follows both is a number of rows


def rows_mixed(patient: Patient) -> Finding | None:
    """Find a line whose result has rows against rows: (n, 1) with (n,) makes (n, n)."""
    network = patient.network
    found = [mixing(network.recorded(Variant(rows, "gradient")), rows) for rows in BATCHES]
    line = found[0]
    if line is None or found[1] is None:
        return None
    shapes = " and ".join(str(each.shape) for each in line.operands)
    return Finding(
        "rows_mixed",
        f"{line.owner}, {line.source}: {line.function.name} of {shapes} makes {line.result.shape} "
        f"in a batch of {BATCHES[0]} rows",
        "rows on one axis",
        "NumPy broadcasts (n,) against (n, 1) to (n, n), so every prediction is compared with "
        "every target, and the best is the same for all rows.",
        "y = y[..., :1]  # a column (n, 1), never y[..., 0]",
    )


def constant_target(patient: Patient) -> Finding | None:
    """Find a target that is the same in every row."""
    y = patient.rows.y
    if not (y == y[0]).all():
        return None
    return Finding(
        "constant_target",
        f"y is {describe(y[0, 0])} in all {len(y)} rows",
        "two different values",
        "Where every row has the same target there is nothing to learn from the inputs.",
        "print(np.unique(y, return_counts=True))",
    )


def outlier_target(patient: Patient) -> Finding | None:
    """Find a row that pulls at the weights more than all others together."""
    loss, rows = patient.network.loss, patient.rows
    if loss.classes or len(rows) < FEW_ROWS:
        return None
    w = np.ones((len(rows), 1)) if rows.w is None else rows.w
    y, raw = rows.y.astype(float), np.tile(patient.baseline.raw, (len(rows), 1))
    with np.errstate(all="ignore"):
        pull = np.square(loss.gradient(raw, y, w / w.sum())).sum(axis=1)
    total, worst = pull.sum(), int(pull.argmax())
    if not 0 < total < np.inf or pull[worst] <= MOST_OF_IT * total:
        return None
    return Finding(
        "outlier_target",
        f"row {worst} with y = {describe(y[worst, 0])} has {pull[worst] / total:.0%} of the "
        f"squared pull of all {len(rows)} rows; the median of y is {describe(np.median(y))}",
        f"{MOST_OF_IT:.0%}",
        "One target is so far from the others that the network learns this row and no other.",
        'net = gn.Network(layers, inputs, loss="huber")  # or leave the row out',
    )


def unscaled_target(patient: Patient) -> Finding | None:
    """Find targets that are far larger or smaller than scores that begin at about 1."""
    spread = patient.rows.y.astype(float).std(axis=0).max()
    if NEAR_TARGET <= spread <= FAR_TARGET or spread == 0 or not patient.linear:
        return None
    if patient.learned and spread < VERY_FAR_TARGET:
        return None
    return Finding(
        "unscaled_target",
        f"the standard deviation of y is {describe(spread)}",
        f"{NEAR_TARGET:g} to {FAR_TARGET:g}",
        "Scores begin about 1 apart: targets that lie far farther apart are reached after very "
        "many steps only, and far nearer ones are lost in the noise of the steps.",
        "y = (y - y.mean()) / y.std()",
    )


def unscaled_columns(patient: Patient) -> Finding | None:
    """Find columns that are far larger or smaller than weights expect."""
    if patient.anatomy.normalised:
        return None
    table = patient.table
    with np.errstate(over="ignore"):
        size = np.sqrt(np.mean(np.square(table), axis=0))
    small = (np.abs(table).max(axis=0) < SMALL) & (np.ptp(table, axis=0) > 0)
    places = _quantities(patient, (size > LARGE) | small)
    if not len(places):
        return None
    worst = places[np.abs(np.log(np.maximum(size[places], 1e-99))).argmax()]
    return Finding(
        "unscaled_columns",
        f"{_columns(places, patient)}; the root mean square of column {worst} is "
        f"{describe(size[worst])}",
        f"a root mean square of at most {LARGE:g}, and numbers that get beyond {SMALL:g}",
        "Weights begin for inputs of about 1: far larger ones drown the others, saturate units and "
        "make steps too long, and far smaller ones are not seen.",
        "X = (X - X.mean(axis=0)) / X.std(axis=0)",
    )


def constant_columns(patient: Patient) -> Finding | None:
    """Find columns that say the same of every row."""
    if len(patient.rows) < 2:
        return None
    noise = ROUNDINGS * np.finfo(patient.network.dtype).eps
    constant = _constant(patient.table, noise)
    places = _quantities(patient, constant)
    places = places[_constant(patient.columns(places), noise)]  # in every row
    places = places[~_harmless(patient, constant)[places]]
    if not len(places):
        return None
    return Finding(
        "constant_columns",
        f"{_columns(places, patient)}; column {places[0]} is always "
        f"{describe(patient.table[0, places[0]])}",
        "two different values (absent pixels and categories do no harm in a wide table)",
        "A column that is the same in every row tells no row from another; it only adds to the "
        "biases.",
        "X = X[:, np.ptp(X, axis=0) > 0]",
    )


def _harmless(patient: Patient, constant: Array) -> Array:
    """Return which constants are nothing but absent pixels or categories, or one always there."""
    others, value = patient.table[:, ~constant], patient.table[0]
    sparse = bool(others.size) and float((others == 0).mean()) > ABSENT
    wide = patient.network.inputs >= MANY
    absent = (value == 0) & (sparse or wide)
    harmless: Array = absent | (wide & ((np.abs(value) < LOW) | (sparse & (value == 1))))
    return harmless


def _constant(table: Array, noise: float) -> Array:
    constant: Array = np.ptp(table, axis=0) <= noise * np.abs(table).max(axis=0)
    return constant


def duplicate_columns(patient: Patient) -> Finding | None:
    """Find columns that are others again, perhaps in another unit."""
    table = patient.table
    if len(table) < 3:
        return None
    places = _quantities(patient, ~_constant(table, float(np.finfo(float).eps)))
    two = _two_valued(table[:, places])
    if two.sum() >= SEVERAL:
        places = places[~two]
    pairs = [(places[i], places[j]) for i, j in _alike(table[:, places])]
    pairs = [pair for pair in pairs if _alike(patient.columns(np.array(pair)))]  # in every row
    if not pairs:
        return None
    spare = sorted({int(later) for _, later in pairs})
    return Finding(
        "duplicate_columns",
        f"{_columns(spare, patient)}; column {pairs[0][1]} is column {pairs[0][0]} again, up to "
        "its unit",
        f"{ALIKE:g} standard deviations between them in some row",
        "A column that comes twice counts twice, and its weights cannot be told apart.",
        f"X = np.delete(X, {spare}, axis=1)",
    )


def _alike(table: Array) -> list[tuple[int, int]]:
    """Return pairs of columns that are the same: such have the same sum with random weights.

    A column's negative is the same too, but of two values: yes is the negative of no.
    """
    centred = table - table.mean(axis=0)
    spread = np.sqrt(np.mean(np.square(centred), axis=0))
    scaled = centred / np.where(spread > 0, spread, 1)
    first = np.abs(scaled).argmax(axis=0)
    sign = np.sign(scaled[first, np.arange(len(first))])
    scaled *= np.where(_two_valued(table), 1, sign)
    weights = np.random.default_rng(0).standard_normal(len(scaled)) / np.sqrt(len(scaled))
    sums = weights @ scaled
    order, pairs = np.argsort(sums, kind="stable"), []
    for here, there in pairwise(order):
        near = sums[there] - sums[here] < 10 * ALIKE
        if near and np.abs(scaled[:, there] - scaled[:, here]).max() < ALIKE:
            pairs.append((int(min(here, there)), int(max(here, there))))
    return sorted(pairs)


def _two_valued(table: Array) -> Array:
    two: Array = ((table == table.min(axis=0)) | (table == table.max(axis=0))).all(axis=0)
    return two


def _quantities(patient: Patient, which: Array) -> Array:
    """Return the places of those columns that are quantities, not codes of categories."""
    codes = patient.anatomy.compared
    return np.array([place for place in np.flatnonzero(which) if int(place) not in codes], int)


def _columns(places: Iterable[int], patient: Patient) -> str:
    several = [str(int(place)) for place in places]
    named = ", ".join(several[:NAMED]) + (", ..." if len(several) > NAMED else "")
    return f"{len(several)} of {patient.network.inputs} columns ({named})"
