"""Reading a table from a Parquet file, as the text that a CSV file of it would hold.

So whatever learned from the one predicts the same from the other. The only module that knows
pyarrow, an extra: it is looked up when there is a Parquet file to read.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet.csvfile import Table, distinct, without_gap

INDEX = re.compile(r"__index_level_\d+__")  # what pandas calls an index without a name


def parse_parquet(content: bytes, path: str) -> Table:
    """Return the table in the content of a Parquet file.

    Numbers become their shortest text that is read back as the same number, dates and times ISO
    text, truths ``true`` and ``false``; nulls, NaN, and text that is a gap in a CSV file are gaps.

    Raises
    ------
    ValueError
        If it is not a Parquet file, has no rows, or a column holds more than one value in a row.
    ModuleNotFoundError
        If there is no pyarrow.
    """
    try:
        import pyarrow
        from pyarrow.parquet import ParquetFile
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f'{path}: reading Parquet needs pyarrow: pip install "glassnet[parquet]"',
            name="pyarrow",
        ) from error
    try:
        read = ParquetFile(pyarrow.BufferReader(content)).read()
    except (pyarrow.ArrowException, OSError) as error:
        why = " ".join(str(error).split())
        raise ValueError(f"{path}: not a Parquet file that can be read: {why}") from None
    kept = [place for place, name in enumerate(read.column_names) if not INDEX.fullmatch(name)]
    names, notes = distinct([read.column_names[place].strip() for place in kept])
    if len(kept) < read.num_columns:
        notes += ("the index that pandas wrote into the file is left out",)
    if not read.num_rows or not names:
        raise ValueError(f"{path}: expected columns and rows, got none")
    columns = {}
    for name, place in zip(names, kept, strict=True):
        try:
            columns[name] = _text(read.column(place), pyarrow)
        except (pyarrow.ArrowException, TypeError) as error:
            why = " ".join(str(error).split())
            raise ValueError(f"{path}: column {name!r}: {why}") from None
    return Table(columns, list(range(1, read.num_rows + 1)), path, "row", notes)


def _text(column: Any, pyarrow: Any) -> list[str]:
    """Return a column as text, empty where there is a gap."""
    kinds, kind = pyarrow.types, column.type
    if kinds.is_dictionary(kind):
        return _text(column.cast(kind.value_type), pyarrow)
    if kinds.is_floating(kind):
        # as wide as the file has it: 0.1 in float32 is 0.10000000149011612 in float64
        numbers = column.to_numpy()
        return ["" if np.isnan(number) else str(number) for number in numbers]
    write: Callable[[Any], str] = str
    if kinds.is_boolean(kind):
        write = ("false", "true").__getitem__
    elif kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind):
        write = without_gap
    elif kinds.is_temporal(kind):
        # a duration has no text of its own: it stays the number of its unit
        column = column.cast(pyarrow.int64() if kinds.is_duration(kind) else pyarrow.string())
    elif not (kinds.is_integer(kind) or kinds.is_decimal(kind) or kinds.is_null(kind)):
        raise TypeError(f"expected numbers, text, truths, dates or times, got {kind}")
    words = ["" if value is None else write(value) for value in column.to_pylist()]
    return _brief(words) if kinds.is_temporal(kind) else words


def _brief(moments: list[str]) -> list[str]:
    """Return points in time without what is 0 in all of them: fractions, and the time of day.

    Examples
    --------
    >>> _brief(["2026-01-31 00:00:00.000", "", "2026-02-01 00:00:00.000"])
    ['2026-01-31', '', '2026-02-01']
    """
    for nothing in (r"\.0+(?=\D|$)", " 00:00:00$"):
        if all(re.search(nothing, moment) for moment in moments if moment):
            moments = [re.sub(nothing, "", moment) for moment in moments]
    return moments
