"""What comes in is checked once, at the door; every complaint is one sentence.

A message names the argument, says what was expected, and what came.
"""

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


def find(name: str, given: Any, table: Mapping[str, type[T]], base: Any) -> T:
    """Return an object of `base`, given one or the name of one in the table.

    Examples
    --------
    >>> find("activation", "rleu", {"relu": int, "tanh": int}, int)
    Traceback (most recent call last):
        ...
    ValueError: activation: expected one of 'relu', 'tanh', or an object of int, got 'rleu'
    """
    if isinstance(given, base) and not isinstance(given, type):
        return given  # type: ignore[no-any-return]
    return table[one_of(name, given, table, f", or an object of {base.__name__}")]()


def one_of(name: str, given: Any, names: Collection[str], other: str = "") -> str:
    """Return one of these names."""
    if isinstance(given, str) and given in names:
        return given
    kind = ValueError if isinstance(given, str) else TypeError
    raise kind(f"{name}: expected one of {', '.join(map(repr, names))}{other}, got {given!r}")


def whole(name: str, given: Any, least: int = 1) -> int:
    """Return a whole number that is at least `least`."""
    if isinstance(given, bool) or not isinstance(given, int | np.integer):
        raise TypeError(f"{name}: expected a whole number, got {given!r}")
    if given < least:
        raise ValueError(f"{name}: expected at least {least}, got {given}")
    return int(given)


def number(name: str, given: Any, low: float, high: float = np.inf) -> float:
    """Return a number from `low` up to, not including, `high`."""
    if type(given) is float and low <= given < high:
        return given  # as schedules are asked in every step
    if isinstance(given, bool | str) or not isinstance(given, int | float | np.number):
        raise TypeError(f"{name}: expected a number, got {given!r}")
    if not low <= given < high:
        raise ValueError(f"{name}: expected a number in [{low:g}, {high:g}), got {given}")
    return float(given)


def flag(name: str, given: Any) -> bool:
    """Return True or False."""
    if not isinstance(given, bool | np.bool_):
        raise TypeError(f"{name}: expected True or False, got {given!r}")
    return bool(given)


def numbers(name: str, given: Any, finite: bool = True) -> NDArray[Any]:
    """Return finite numbers as an array: floats, integers or booleans, never text or objects.

    With ``finite=False`` the caller sees to it that they are.
    """
    if hasattr(given, "toarray"):
        raise TypeError(f"{name}: expected a dense array, got a sparse one; use .toarray()")
    if given is None:
        raise TypeError(f"{name}: expected numbers, got None")
    try:
        array = np.asarray(given)
        if array.dtype == object:
            array = array.astype(float)
    except OverflowError:  # an integer, or a fraction, of hundreds of digits
        raise ValueError(f"{name}: expected numbers that float64 holds, got larger ones") from None
    except (ValueError, TypeError):
        raise ValueError(
            f"{name}: expected rows of numbers, got rows of unequal lengths, text or objects"
        ) from None
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"{name}: expected numbers, got "
            + ("text" if array.dtype.kind in "USTO" else f"dtype {array.dtype}")
        )
    # NaN is the least and the most of all; to ask of every number would take an array of truths
    if (
        finite
        and array.dtype.kind == "f"
        and array.size
        and not np.isfinite((array.min(), array.max())).all()
    ):
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name}: expected finite numbers, got {array[place]} at index {place}")
    return array


def fitting(name: str, array: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Return finite numbers that a dtype holds: float32 ends at 3.4e38."""
    most, held = float(np.finfo(dtype).max), np.can_cast(array.dtype, dtype)
    if array.size and not held and not (-most <= float(array.min()) and float(array.max()) <= most):
        raise ValueError(
            f"{name}: expected numbers that {np.dtype(dtype)} holds, got "
            f"{array.flat[np.abs(array).argmax()]:g}"
        )
    return array


def matrix(
    name: str, given: Any, columns: int, dtype: Any = np.float64, finite: bool = True
) -> Any:
    """Return a table of at least one row and this many columns; a sparse one by its rows (CSR)."""
    if hasattr(given, "tocsr"):
        array = given.tocsr()
        fitting(name, numbers(name, array.data), dtype)
    else:
        array = numbers(name, given, finite)
    if array.ndim != 2 or array.shape[1] != columns:
        hint = "; for one row use X[None, :]" if array.ndim == 1 else ""
        raise ValueError(f"{name}: expected shape (rows, {columns}), got {array.shape}{hint}")
    if array.shape[0] == 0:
        raise ValueError(f"{name}: expected at least one row, got shape {array.shape}")
    return array if hasattr(given, "tocsr") or not finite else fitting(name, array, dtype)


def dense(rows: Any) -> NDArray[Any]:
    """Return rows of a table as an array, whether or not the table is sparse."""
    return rows.toarray() if hasattr(rows, "toarray") else rows  # type: ignore[no-any-return]


def targets(name: str, given: Any, columns: int) -> NDArray[Any]:
    """Return targets of shape (rows, columns); (rows,) means (rows, 1)."""
    array = numbers(name, given)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] != columns:
        expected = "(rows,) or (rows, 1)" if columns == 1 else f"(rows, {columns})"
        raise ValueError(f"{name}: expected shape {expected}, got {np.shape(given)}")
    return array


def labels(name: str, given: Any, classes: int) -> NDArray[Any]:
    """Return labels 0 ... classes - 1 of shape (rows, 1)."""
    array = targets(name, given, 1)
    wrong = (array < 0) | (array >= classes) | (array != np.floor(array))
    if wrong.any():
        raise ValueError(
            f"{name}: expected whole numbers from 0 to {classes - 1}, got {array[wrong][0]:g}"
        )
    return array


def weights(name: str, given: Any, rows: int) -> NDArray[Any]:
    """Return weights of shape (rows, 1): none negative, not all zero, their sum finite."""
    array = targets(name, given, 1)
    if array.shape[0] != rows:
        raise ValueError(f"{name}: expected {rows} weights, one a row, got {array.shape[0]}")
    if (array < 0).any():
        raise ValueError(f"{name}: expected weights of at least 0, got {array.min():g}")
    if not 0 < float(array.max()) * rows < np.inf:
        raise ValueError(
            f"{name}: expected a weight above zero and a finite sum, got {array.max():g} at most"
        )
    return array
