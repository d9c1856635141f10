"""Any table as columns of numbers or of categories: the one door that tables come in by.

What a column is follows from its type: numbers, dates and spans of time are numbers, NaN where
there is a gap; text, truths and categories are words, None where there is a gap. The same values
make the same frame, whether pandas, polars, pyarrow, NumPy or Python hold them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.tabular.sources import LONG, Coded, Source, source
from glassnet.tabular.words import Codes, code, code_numbers, days, kind_of, numbers, object_days

Array = NDArray[Any]
NUMBERS, CATEGORIES = "numbers", "categories"
FLOATS = {np.dtype(name).char for name in ("float64", "float32")}
EXACT = FLOATS | {np.dtype(name).char for name in ("int64", "int32")}  # in float64, up to WHOLE
WHOLE = 2**53


@dataclass(frozen=True, eq=False)
class Column:
    """A column of a table.

    Attributes
    ----------
    name : str
        Its name; x0, x1, ... where the table has none.
    given : array (rows,) or None
        float64 or float32 with NaN for gaps, or an object array of words with None for gaps; None
        where there are codes.
    kind : str
        "numbers" or "categories".
    codes : array (rows,), optional
        Which of the words each row has, -1 for a gap: what `coded` need not find out again.
    words : tuple of str
        The words that the codes count.

    Examples
    --------
    >>> Column("size", np.array(["s", "m", None, "s"], dtype=object), "categories").coded()
    (array([ 0,  1, -1,  0], dtype=int32), ('s', 'm'))
    """

    name: str
    given: Array | None
    kind: str
    codes: NDArray[np.int32] | None = None
    words: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values if self.codes is None else self.codes)

    @cached_property
    def values(self) -> Array:
        """What each row has: `given`, or the words that the codes say."""
        if self.given is not None:
            return self.given
        return np.array((*self.words, None), dtype=object)[self.codes]

    @property
    def numbers(self) -> Array:
        """The values of a column of numbers, in float64."""
        return self.values.astype(np.float64, copy=False)

    def coded(self) -> Codes:
        """Return which word each row has, -1 for a gap, and the words; numbers have words too."""
        if self.codes is not None:
            return self.codes, self.words
        return code_numbers(self.numbers) if self.kind == NUMBERS else code(self.values.tolist())


@dataclass(frozen=True, eq=False)
class Frame:
    """A table as its columns.

    Attributes
    ----------
    names : tuple of str
        The columns' names, in the table's order.
    rows : int
        How many rows each of them has.
    named : bool
        Whether the table has names for its columns, or these are made up.
    together : array (rows, columns) or None
        All columns, float64 or float32, where all are numbers and the table has them in one array.
    apart : tuple of Column
        The columns of any other table.
    """

    names: tuple[str, ...]
    rows: int
    named: bool
    together: Array | None = None
    apart: tuple[Column, ...] = ()

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns in the table's order."""
        if self.together is None:
            return self.apart
        pairs = zip(self.names, self.together.T, strict=True)
        return tuple(Column(name, values, NUMBERS) for name, values in pairs)


def read_frame(X: Any, categorical_features: Any = "from_dtype") -> Frame:
    """Return any table as a frame.

    Parameters
    ----------
    X : table
        A DataFrame of pandas or polars, a table of pyarrow, a dict of columns, anything else whose
        columns are found by name, a NumPy array of two dimensions, or a list of rows.
    categorical_features : "from_dtype", None, or a list of names, of places, or of True and False
        Which columns of numbers are categories. Text is one in any case; "from_dtype" adds what
        the table itself has as truths or categories.

    Returns
    -------
    Frame
        Columns of numbers are views of X where X has float64 or float32.

    Raises
    ------
    TypeError
        If X is sparse or no table.
    ValueError
        If X has no rows, no columns, complex numbers, two columns of a name, or columns of unequal
        lengths; or if `categorical_features` names a column that is not there.

    Examples
    --------
    >>> frame = read_frame({"size": [3, None, 4.5], "kind": ["a", "b", None]})
    >>> for column in frame.columns:
    ...     print(column.name, column.kind, column.values)
    size numbers [3.  nan 4.5]
    kind categories ['a' 'b' None]
    """
    table = _by_name(X)
    found, given = ([], _two_dimensional(X)) if table is None else table
    array = given if isinstance(given, np.ndarray) else None
    width = len(given) if array is None else array.shape[1]
    if not width:
        _refuse_nothing("feature", 0 if isinstance(X, Mapping) else len(X), 0)
    named = _named(found)
    names = tuple(map(str, found)) if named else tuple(f"x{place}" for place in range(width))
    choices = chosen(categorical_features, names, named)
    if array is not None and array.dtype.kind in "fiu" and True not in choices:
        if not len(array):
            _refuse_nothing("sample", 0, width)
        return Frame(names, len(array), named, _floats(array))
    # the truths of an array are numbers: its columns have one type together, none of its own
    columns = tuple(
        _column(name, source(name, values, exact=choice is True), choice, table is not None)
        for name, values, choice in zip(
            names, given if array is None else array.T, choices, strict=True
        )
    )
    rows = len(columns[0])
    for column in columns:
        if len(column) != rows:
            raise ValueError(
                f"column {column.name!r}: expected {rows} rows, as {names[0]!r} has, "
                f"got {len(column)}"
            )
    if not rows:
        _refuse_nothing("sample", 0, width)
    return Frame(names, rows, named, apart=columns)


# ---- what X is -----------------------------------------------------------------------------------


def _by_name(X: Any) -> tuple[list[Any], list[Any] | Array] | None:
    """Return the names and the columns of a table that has names, or None.

    Columns come one by one, or all in one array where they are numbers of few rows.
    """
    # its type is asked, since pandas has its columns as attributes too
    kind = type(X)
    if hasattr(kind, "toarray") and hasattr(kind, "tocsr"):  # one kind of them is a mapping too
        raise TypeError("X: expected a dense table, got a sparse one; use X.toarray()")
    if isinstance(X, Mapping):
        return list(X), list(X.values())
    if isinstance(X, np.ndarray):
        fields = X.dtype.names if X.ndim == 1 else None
        return (list(fields), [X[name] for name in fields]) if fields else None
    if hasattr(kind, "collect") and not hasattr(kind, "get_columns"):
        raise TypeError("X: expected a table in memory, got a lazy one; use X.collect()")
    if hasattr(kind, "column_names") and hasattr(kind, "columns"):  # pyarrow
        return list(X.column_names), list(X.columns)
    if not (hasattr(kind, "columns") and hasattr(kind, "__getitem__")):
        return None
    names = list(X.columns)
    if hasattr(kind, "get_columns"):  # polars
        return names, X.get_columns()
    if hasattr(kind, "items"):  # pandas, where a name may be there twice
        # the columns of few rows cost more, one by one, than all that is in them
        together = _together(X) if len(X) < LONG else None
        if together is not None:
            return names, together
        return names, [column for _, column in X.items()]
    return names, [X[name] for name in names]


def _together(X: Any) -> Array | None:
    """Return a table of pandas as one array, if that holds all its numbers as they are."""
    kinds = {getattr(dtype, "char", None) for dtype in X.dtypes.array}
    if not kinds <= EXACT:
        return None
    array: Array = X.to_numpy()
    return array if kinds <= FLOATS or not (np.abs(array) >= WHOLE).any() else None


def _two_dimensional(X: Any) -> Array:
    """Return rows as an array."""
    if X is None or isinstance(X, str | bytes):
        raise TypeError(f"X: expected a table, got {X!r}")
    try:
        array: Array = X if isinstance(X, np.ma.MaskedArray) else np.asarray(X)
    except ValueError:
        raise ValueError("X: expected rows of one length, got rows of unequal lengths") from None
    if array.dtype.kind in "US" and not isinstance(X, np.ndarray):
        array = np.array(X, dtype=object)  # NumPy made text of the numbers beside it
    if array.ndim == 1:
        raise ValueError(
            f"X: Expected 2D array, got 1D array instead, of shape {array.shape}; Reshape your "
            "data either using array.reshape(-1, 1) if your data has a single feature or "
            "array.reshape(1, -1) if it contains a single sample"
        )
    if array.ndim != 2:
        raise ValueError(f"X: Expected 2D array, got {array.ndim}D array instead")
    if array.dtype.kind not in "fiubcOUSTMm":
        raise TypeError(f"X: expected numbers or text, got dtype {array.dtype}")
    return array


def _refuse_nothing(what: str, rows: int, columns: int) -> None:
    """Raise because there are no columns or no rows, in scikit-learn's words for it."""
    raise ValueError(
        f"X: Found array with 0 {what}(s) (shape=({rows}, {columns})) while a minimum of 1 is "
        "required."
    )


def _named(found: Sequence[Any]) -> bool:
    """Return whether the columns have names, each another text."""
    texts = [name for name in found if isinstance(name, str)]
    if not texts:  # pandas numbers columns that have no name
        return False
    if len(texts) < len(found):
        other = next(name for name in found if not isinstance(name, str))
        raise TypeError(f"X: expected names of columns that are all text, got {other!r} too")
    if len(set(texts)) < len(texts):
        name, times = Counter(texts).most_common(1)[0]
        raise ValueError(f"X: expected columns of different names, got {name!r} {times} times")
    return True


# ---- which columns are categories ----------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """What was chosen for the columns of the table that was learned: it holds for others, too."""

    names: Sequence[str]
    choices: Sequence[bool | None]
    named: bool


def chosen(given: Any, names: Sequence[str], named: bool) -> list[bool | None]:
    """Return for every column whether it is to be a category; None where its type says it.

    Examples
    --------
    >>> chosen(["kind"], ["size", "kind"], named=True)
    [False, True]
    """
    if given is None:
        return [False] * len(names)
    if isinstance(given, Known):
        by_name = given.named and named
        found = dict(zip(given.names if by_name else count(), given.choices, strict=False))
        return [found.get(key, False) for key in (names if by_name else range(len(names)))]
    if isinstance(given, str):
        if given != "from_dtype":
            raise ValueError(
                f"categorical_features: expected 'from_dtype', None or a list, got {given!r}"
            )
        return [None] * len(names)
    array = np.asarray(given)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "biuUO"):
        raise TypeError(
            "categorical_features: expected 'from_dtype', None, or a list of names, of places or "
            f"of True and False, got {given!r}"
        )
    if array.dtype.kind == "b":
        if len(array) != len(names):
            raise ValueError(
                f"categorical_features: expected {len(names)} of True and False, one a column, "
                f"got {len(array)}"
            )
        return [bool(choice) for choice in array]
    places = {_place(each, names, named) for each in array.tolist()}
    return [place in places for place in range(len(names))]


def _place(given: Any, names: Sequence[str], named: bool) -> int:
    """Return which column a name or a number means."""
    if isinstance(given, int) and not isinstance(given, bool):
        if not 0 <= given < len(names):
            raise ValueError(
                f"categorical_features: expected places from 0 to {len(names) - 1}, got {given}"
            )
        return given
    if not isinstance(given, str):
        raise TypeError(f"categorical_features: expected names or places, got {given!r}")
    if not named:
        raise ValueError(
            f"categorical_features: expected places, as X has no names of columns, got {given!r}"
        )
    if given not in names:
        raise ValueError(
            f"categorical_features: expected names of columns of X, got {given!r}"
            + close_match(given, names)
        )
    return names.index(given)


def close_match(name: str, names: Sequence[str]) -> str:
    """Return a hint for who mistyped a name, or nothing.

    Examples
    --------
    >>> close_match("hieght", ["weight", "height"])
    "; did you mean 'height'?"
    """
    near = get_close_matches(name, names, 1)
    return f"; did you mean {near[0]!r}?" if near else ""


# ---- one column ----------------------------------------------------------------------------------


def _column(name: str, values: Source, choice: bool | None, table: bool) -> Column:
    """Return a column as numbers or as words.

    `choice` says whether it is to be a category, None that its type says it; `table` whether the
    type is the column's own.
    """
    if isinstance(values, Coded):
        each = _column(name, values.values, choice is not False, table)
        if each.kind == NUMBERS:
            return Column(name, np.append(each.values, np.nan)[values.codes], NUMBERS)
        places, words = each.coded()
        return _words(name, (np.array([*places, -1], np.int32)[values.codes], words))
    if isinstance(values, list):
        kind = kind_of(values, table and choice is None)
        if kind == "complex":
            raise ValueError(f"column {name!r}: Complex data not supported")
        if kind == "words" or (kind == "numbers" and choice):
            return _words(name, code(values))
        array = object_days(values) if kind == "days" else numbers(values)
    else:
        array = days(values) if values.dtype.kind in "Mm" else values
        if array.dtype.kind == "c":
            raise ValueError(f"column {name!r}: Complex data not supported")
    truths = array.dtype.kind == "b" and table and choice is None
    if choice or truths:
        return _words(name, code_numbers(array))
    return Column(name, _floats(array), NUMBERS)


def _floats(array: Array) -> Array:
    """Return float64; float32 stays as it is, for columns are converted when they are used."""
    if isinstance(array, np.ma.MaskedArray):  # what is masked is a gap
        array = np.ma.filled(array.astype(float), np.nan)
    if array.dtype in (np.float64, np.float32):
        return array
    with np.errstate(over="ignore"):  # what is wider than float64 may hold more than it
        return np.asarray(array, np.float64)


def _words(name: str, coded: Codes) -> Column:
    codes, words = coded
    return Column(name, None, CATEGORIES, codes, words)
