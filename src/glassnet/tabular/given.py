"""What scikit-learn's users hand over beside a table: labels, quantities and weights, checked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight

from glassnet import checks
from glassnet.tabular.words import gap
from glassnet.vocabulary import Array


def labels_of(y: Any, rows: int | None = None) -> Array:
    """Return labels (rows,), of one type.

    Examples
    --------
    >>> labels_of(np.array([3, 1, 3], dtype=object))
    array([3, 1, 3])
    """
    # whether floats are whole is asked by way of integers, which hold less
    with naming("y"), np.errstate(invalid="ignore"):
        labels = column_or_1d(_known(y), warn=True)
        if labels.dtype.kind in "OMm":
            _all_there(labels)
        if labels.dtype == object:
            labels = _of_one_type(labels)
        if labels.dtype == "datetime64[ns]":  # which Python has no dates of
            labels = dates_as(labels, "datetime64[us]")
        check_classification_targets(labels)
    return _each(np.asarray(labels), rows)


def dates_as(labels: Array, dtype: Any) -> Array:
    """Return labels that are dates in another unit, where that says all of them.

    Examples
    --------
    >>> dates_as(np.array(["2026-12-01T00"], "M8[h]"), "M8[D]")
    array(['2026-12-01'], dtype='datetime64[D]')
    """
    if not labels.dtype.kind == np.dtype(dtype).kind == "M":
        return labels
    said = labels.astype(dtype)
    return said if (said == labels).all() else labels


def as_python(label: Any, dtype: Any) -> Any:
    """Return a label as `tolist` gives it, of labels of this dtype."""
    if isinstance(label, np.datetime64):
        return dates_as(np.asarray(label), dtype).item()
    return label


def _all_there(y: Array) -> None:
    """Make sure that no label is a gap."""
    for row, label in enumerate(y):
        if gap(label):
            raise ValueError(f"y: expected a label in every row, got {label!r} in row {row}")


def _of_one_type(y: Array) -> Array:
    """Return labels that are objects as what they are."""
    found = {type(label) for label in y.tolist()}
    kinds = sorted(kind.__name__ for kind in found)
    if len(kinds) > 1 and "str" in kinds:
        raise ValueError(f"y: expected labels of one type, got {' and '.join(kinds)}")
    plain = np.array(y.tolist())
    if plain.ndim == 1 and plain.dtype.kind in "biuf":
        return plain
    if not all(issubclass(kind, str | bytes) for kind in found):
        raise TypeError(
            "y: expected numbers, text, truths or datetime64 as labels, got "
            f"{' and '.join(kinds)}; y.astype(str) makes text of them"
        )
    return y


def quantities_of(y: Any, rows: int | None = None) -> Array:
    """Return finite numbers (rows,).

    Examples
    --------
    >>> quantities_of([1, 2])
    array([1., 2.])
    """
    given = _known(y)
    with naming("y"):
        numbers: Array = column_or_1d(checks.numbers("y", given), warn=True).astype(float)
    return _each(numbers, rows)


def weights_of(sample_weight: Any, y: Array) -> Array | None:
    """Return how much each row counts, some of them more than 0; None where nobody says.

    Examples
    --------
    >>> weights_of([0, 2], np.array([1.0, 2.0]))
    array([0., 2.])
    """
    if sample_weight is None:
        return None
    _unmasked("sample_weight", sample_weight)
    with naming("sample_weight"):
        rows = np.empty((len(y), 1))
        w: Array = _check_sample_weight(sample_weight, rows, ensure_non_negative=True)
    if not w.any():
        raise ValueError("sample_weight: expected a weight above 0, got only zeros")
    if w.max() > np.finfo(float).max / len(w):
        raise ValueError(f"sample_weight: expected weights of a finite sum, got {w.max():g}")
    return w


def _known(y: Any) -> Array:
    """Return targets as an array, if there are any."""
    if y is None:
        raise ValueError("y: this estimator requires y to be passed, but the target y is None")
    _unmasked("y", y)
    try:
        given = np.asarray(y)
    except ValueError:
        raise ValueError("y: expected one value a row, got rows of unequal lengths") from None
    if given.dtype.kind == "c":
        raise ValueError(f"y: Complex data not supported, got {given.dtype}")
    return given


def _unmasked(name: str, given: Any) -> None:
    if np.ma.is_masked(given):
        row = np.ma.getmaskarray(given).ravel().argmax()
        raise ValueError(f"{name}: expected a value in every row, got a masked one in row {row}")


def _each(y: Array, rows: int | None) -> Array:
    """Return targets, if there are as many as rows."""
    if rows is not None and len(y) != rows:
        raise ValueError(f"y: expected {rows} rows, as many as X, got {len(y)}")
    return y


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Let every sentence of scikit-learn's begin with the argument that it is about."""
    try:
        yield
    except (ValueError, TypeError) as error:
        told = " ".join(str(error).split()).removeprefix(f"{name}: ")
        raise type(error)(f"{name}: {told}") from None
