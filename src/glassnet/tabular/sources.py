"""A column of another library as plain Python and NumPy: an array, a list, or codes of a list.

pandas, polars and pyarrow are known by what their columns can do; none of them is imported.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
FEW = 8  # values that are taken one by one sooner than together
LONG = 1000  # rows from which on the library's own way to find the different values pays
# what pyarrow's arrays give to NumPy as it is; and what those of polars do not
PLAIN = ("int", "uint", "half", "float", "double", "timestamp", "date", "duration")
NOT_PLAIN = ("String", "Categorical", "Enum", "Time", "Binary", "List", "Array", "Struct", "Object")
TEXT = ("string", "large_string")


@dataclass(frozen=True, eq=False)
class Coded:
    """A column that names each of its values once.

    Attributes
    ----------
    codes : array (rows,)
        Where each row's value stands in `values`, -1 for a gap.
    values : list
        The values, of any kind; not more than rows.
    """

    codes: Array
    values: list[Any]


Source = Array | list[Any] | Coded


def source(name: str, column: Any, exact: bool = False) -> Source:
    """Return a column of NumPy, Python, pandas, polars or pyarrow, without a copy where it can be.

    Parameters
    ----------
    name : str
        What to call the column in an error.
    column : array, list, or a column of pandas, polars or pyarrow
        One value for each row.
    exact : bool
        Whether integers with gaps stay integers; else they are floats.

    Examples
    --------
    >>> source("a", np.array([1.5, 2.0])), source("b", (1, "x"))
    (array([1.5, 2. ]), [1, 'x'])
    """
    if isinstance(column, list | tuple | range):
        return list(column)
    if isinstance(column, np.ma.MaskedArray):
        kept = np.ma.getdata(column).astype(object)
        kept[np.ma.getmaskarray(column)] = None
        return list(kept.tolist())
    kind = type(column)  # a column of pandas looks up what it has not among its labels: slowly
    if hasattr(kind, "to_physical"):
        return _polars(column, exact)
    if hasattr(kind, "to_pylist"):
        return _arrow(column, exact)
    if hasattr(kind, "dtype") and hasattr(kind, "to_numpy"):
        return _pandas(column, exact)
    array = np.asarray(column)
    if array.ndim != 1:
        raise ValueError(f"column {name!r}: expected one value a row, got shape {array.shape}")
    return _plain(array)


def _plain(array: Array) -> Source:
    """Return an array of numbers, truths or times; of others, the objects that it holds."""
    return list(array.tolist()) if array.dtype.kind in "OUST" else array


def _coded(codes: Array, values: Any) -> Coded:
    """Return codes of an index of pandas, or of an array of pyarrow."""
    if len(values) <= len(codes):
        return Coded(codes, values.tolist())
    # a few rows of a column that has many categories
    used = sorted({*codes.tolist()} - {-1})
    place = {code: number for number, code in enumerate(used)} | {-1: -1}
    codes = np.array([place[code] for code in codes.tolist()], np.int32)
    if len(used) > FEW:
        return Coded(codes, values.take(used).tolist())
    few = [values[code] for code in used]
    return Coded(codes, [each.as_py() if hasattr(each, "as_py") else each for each in few])


def _pandas(column: Any, exact: bool) -> Source:
    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return _plain(column.to_numpy())
    if hasattr(dtype, "pyarrow_dtype"):
        return _arrow(column.array.__arrow_array__(), exact)
    if hasattr(dtype, "categories") and hasattr(column.array, "codes"):
        return _coded(column.array.codes, dtype.categories)
    if str(dtype).startswith("period"):
        return _plain(column.dt.to_timestamp().to_numpy())
    if dtype.kind == "f" or (dtype.kind in "iu" and not exact):
        return _plain(column.to_numpy(np.float64, na_value=np.nan))
    if dtype.kind in "Mm":  # what has a time zone is given in UTC
        return _plain(column.to_numpy(f"{dtype.kind}8[us]"))
    if len(column) >= LONG and str(dtype).startswith("str"):
        codes, values = column.factorize()
        return Coded(codes, values.tolist())
    return list(column.to_numpy(object).tolist())


def _polars(column: Any, exact: bool) -> Source:
    kind = str(column.dtype).partition("(")[0]
    if kind in ("Categorical", "Enum") and len(column) >= LONG:
        different = column.drop_nulls().unique()
        numbers = different.to_physical().to_numpy()
        # a category's number counts those of other columns too
        place = np.full(int(numbers.max(initial=0)) + 2, -1)
        place[numbers] = np.arange(len(numbers))
        codes = column.to_physical().cast(int).fill_null(-1).to_numpy()
        return Coded(place[codes], different.to_list())
    if kind == "String" and len(column) >= LONG:
        different = column.drop_nulls().unique()
        places = range(len(different))
        codes = column.replace_strict(different, places, default=-1, return_dtype=int)
        return Coded(codes.to_numpy(), different.to_list())
    whole = kind.startswith(("Int", "UInt"))
    if (exact and whole and column.null_count()) or kind in NOT_PLAIN:
        return list(column.to_list())
    return _plain((column.cast(float) if kind == "Decimal" else column).to_numpy())


def _arrow(column: Any, exact: bool) -> Source:
    chunked = hasattr(column, "combine_chunks")
    kind = str(column.type)
    if kind.startswith("dictionary") or (kind in TEXT and len(column) >= LONG):
        column = column if kind.startswith("dictionary") else column.dictionary_encode()
        # each chunk has a dictionary of its own
        whole = column.combine_chunks() if chunked else column
        codes = whole.indices.cast("int64").fill_null(-1)
        return _coded(codes.to_numpy(zero_copy_only=False), whole.dictionary)
    if kind.startswith("decimal"):
        column, kind = column.cast("float64"), "double"
    whole = kind.startswith(("int", "uint"))
    if (exact and whole and column.null_count) or not kind.startswith(PLAIN):
        return list(column.to_pylist())
    return _plain(column.to_numpy() if chunked else column.to_numpy(zero_copy_only=False))
