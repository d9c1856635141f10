"""Which rows teach, which are only watched, and how much those of each class count."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.base import Base
from glassnet.rows import Rows
from glassnet.vocabulary import Array

HOLDOUT = 20261125  # every network holds out the same rows of a table, so that they compare
MIX = np.uint64(0x9E3779B97F4A7C15)  # an odd number: multiplying by it spreads what bits say
FOLDS = 5  # of which a member is judged by one
CHUNK = 4096  # rows whose fingerprints are taken at a time


def weighted(rows: Rows, given: Any, classes: bool) -> Rows:
    """Return the rows with the weights of their classes, beside their own."""
    if given is None:
        return rows
    w = class_weights(rows.y, given, classes) * (1.0 if rows.w is None else rows.w)
    return Rows(rows.X, rows.y, checks.weights("class_weight", w, len(w)))


def class_weights(y: Array, given: Any, classes: bool) -> Array:
    """Return the weight of each row's class (n, 1).

    Parameters
    ----------
    y : array (n, 1)
        Labels.
    given : dict or "balanced"
        Weights by class, 1 for those left out; or weights that make every class count alike,
        n / (number of classes * rows of the class).
    classes : bool
        Whether y are classes at all.

    Examples
    --------
    >>> class_weights(np.array([[0], [0], [0], [1]]), "balanced", True).round(3).ravel()
    array([0.667, 0.667, 0.667, 2.   ])
    """
    if not classes or y.shape[1] != 1:
        raise ValueError("class_weight: expected targets that are one class a row")
    labels, place, counts = np.unique(y, return_inverse=True, return_counts=True)
    if isinstance(given, str) and given == "balanced":
        each = len(y) / (len(labels) * counts)
    elif isinstance(given, Mapping):
        for label, weight in given.items():
            checks.number(f"class_weight of {label!r}", weight, 0)
            if label not in labels:
                raise ValueError(
                    f"class_weight: expected classes of y, {', '.join(f'{v:g}' for v in labels)}, "
                    f"got {label!r}"
                )
        each = np.array([given.get(float(label), 1.0) for label in labels], float)
    else:
        raise TypeError(f"class_weight: expected a dict or 'balanced', got {given!r}")
    return each[place].reshape(-1, 1)


def in_proportion(w: Array) -> Array:
    """Return places of rows, each as often as it counts, for statistics that take no weights.

    Whole weights repeat their rows; others do so on average.

    Examples
    --------
    >>> in_proportion(np.array([2.0, 0.0, 1.0]))
    array([0, 0, 2])
    >>> in_proportion(np.array([0.8, 0.1, 0.1]))
    array([0, 0, 1])
    """
    n, total = len(w), float(w.sum())
    whole = total <= 4 * n and (w == np.rint(w)).all()
    many = int(total) if whole else n
    places = np.searchsorted(np.cumsum(w), (np.arange(many) + 0.5) * (total / many), "right")
    return np.minimum(places, n - 1)


def hold_out(
    y: Array, share: float, classes: bool, keys: Array | None = None, free: Array | None = None
) -> tuple[Array, Array]:
    """Return the places of the rows to train on, and of a share to watch.

    The rows are put in the order of their targets, and of their keys where these are the same, and
    places at even distances are taken: so those held out have their share of each class, or of
    small and large quantities. A class's first row always stays among the others.

    Parameters
    ----------
    y : array (n, outputs)
        Targets, or labels (n, 1).
    share : float
        How many of the rows are held out.
    classes : bool
        Whether targets are classes.
    keys : array (n,), optional
        Random numbers; left out, always the same ones.
    free : array of bool (n,), optional
        Which rows may be held out.

    Examples
    --------
    >>> rest, held = hold_out(np.array([[0.0], [1.0]] * 10), 0.2, True)
    >>> len(rest), sorted(held % 2)
    (16, [np.int64(0), np.int64(0), np.int64(1), np.int64(1)])
    """
    n, single = len(y), y.shape[1] == 1
    keys = np.random.default_rng(HOLDOUT).random(n) if keys is None else keys
    order = np.lexsort((keys, y[:, 0])) if single else np.argsort(keys, kind="stable")
    many = max(round(share * n), 1)
    if free is not None:
        order = order[np.lexsort((free[order], y[order, 0]))] if single else order
    places = order[1:][np.diff(y[order, 0]) == 0] if classes and single else order
    if free is not None:
        places = places[free[places]]
        many = min(many, len(places))
    if many > min(len(places), n - 1) or not many:
        raise ValueError(
            f"validation: expected more rows to hold out {share:g} of, got {n}"
            + ("" if free is None else f", of which {n - free.sum()} were trained on before")
        )
    held = np.sort(places[((np.arange(many) + 0.5) * len(places) / many).astype(int)])
    return np.setdiff1d(np.arange(n), held), held


@dataclass(frozen=True)
class Folds:
    """Which rows each member learns from, and which it is judged by.

    Attributes
    ----------
    taught, held : array of int (members, n)
        The places of the rows.
    """

    taught: Array
    held: Array

    def __getitem__(self, members: slice) -> "Folds":
        return Folds(self.taught[members], self.held[members])


def folds(y: Array, members: int, classes: bool) -> Folds:
    """Return folds: every member is judged by a fifth of the rows, the first five by another each.

    A fold has its share of each class, or of small and large quantities.

    Examples
    --------
    >>> shared = folds(np.array([[0.0], [1.0]] * 5), 5, True)
    >>> shared.held.shape, sorted(shared.held.ravel().tolist())
    ((5, 2), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    n = len(y)
    if n < FOLDS:
        raise ValueError(f"validation: expected at least {FOLDS} rows for folds, got {n}")
    rng, size, every, held = np.random.default_rng(HOLDOUT), n // FOLDS, np.arange(n), []
    for k in range(members):
        if k % FOLDS == 0:
            mixed = rng.random(n)
            order = np.lexsort((mixed, y[:, 0])) if y.shape[1] == 1 else np.argsort(mixed)
        held.append(np.sort(order[k % FOLDS : size * FOLDS : FOLDS]))
    return Folds(np.stack([np.setdiff1d(every, each) for each in held]), np.stack(held))


def put_aside(
    rows: Rows, share: float, classes: bool, taught: Array | None
) -> tuple[Rows, Rows, Array]:
    """Return the rows to train on, those held out, and the fingerprints of all that were taught.

    What is held out depends on what the rows hold and not on their order, and a row that was
    trained on before, by its fingerprint, is not held out.
    """
    prints = fingerprints(rows)
    free = None if taught is None else ~np.isin(prints, taught)
    rest, held = hold_out(rows.y, share, classes, prints, free)
    # a row of which there is another among those held out may be held out again
    known = np.setdiff1d(prints[rest], prints[held])
    return rows[rest], rows[held], known if taught is None else np.union1d(taught, known)


def fingerprints(rows: Rows) -> Array:
    """Return a number for each row, (n,), that says what it holds: inputs and targets.

    Examples
    --------
    >>> X, y = np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]]), np.zeros((3, 1))
    >>> a, b, c = fingerprints(Rows(X, y, None))
    >>> a == c, a == b
    (np.True_, np.False_)
    """
    prints = np.full(len(rows), HOLDOUT, np.uint64)
    for start in range(0, len(rows), CHUNK):
        part = slice(start, start + CHUNK)
        cells = np.column_stack([checks.dense(rows.X[part]), rows.y[part]]).astype(float) + 0.0
        for column in np.ascontiguousarray(cells.T).view(np.uint64):
            mixed = (prints[part] ^ column) * MIX
            prints[part] = mixed ^ (mixed >> np.uint64(29))
    return prints


def split(network: Base, rows: Rows, validation: Any) -> tuple[Rows, Rows | None]:
    """Return the rows to train on, and those to watch: given, held out, or None."""
    if validation is None:
        return rows, None
    if isinstance(validation, str) and validation == "folds":
        if network.members is None:
            raise ValueError("validation: expected several members to share out folds to, got one")
        validation = folds(rows.y, network.members, network.loss.classes)
    if isinstance(validation, Folds):
        return replace(rows, places=validation.taught), replace(rows, places=validation.held)
    if isinstance(validation, tuple):
        if len(validation) not in (2, 3):
            raise ValueError("validation: expected (X, y) or (X, y, sample_weight)")
        try:
            return rows, Rows.of(network, *validation)
        except (ValueError, TypeError) as error:
            raise type(error)(f"validation {error}") from None
    if isinstance(validation, bool) or not isinstance(validation, int | float | np.number):
        raise TypeError(
            "validation: expected (X, y), (X, y, sample_weight) or the share of rows to hold out, "
            f"got {type(validation).__name__}"
        )
    if not 0 < validation < 1:
        raise ValueError(f"validation: expected a share between 0 and 1, got {validation:g}")
    classes = network.loss.classes
    rest, held, network.taught = put_aside(rows, float(validation), classes, network.taught)
    return rest, held
