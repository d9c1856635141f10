"""Tables of text, as files hold them, as frames: which columns are numbers, and which are words."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from reprlib import repr as short

import numpy as np

from glassnet.csvfile import Table
from glassnet.tabular.encoding import Encoding
from glassnet.tabular.fitted import Categories, LeftOut
from glassnet.tabular.frame import Frame, read_frame
from glassnet.tabular.words import day, number_in
from glassnet.vocabulary import Array

DATE = re.compile(r"\d{4}-\d\d-\d\d")


def parse(values: Sequence[str]) -> Array | None:
    """Return a column as numbers, NaN where there is a gap, or None if it is text.

    Examples
    --------
    >>> parse(["31", "", "4e1"])
    array([31., nan, 40.])
    """
    numbers = _read(values, number_in)
    return None if numbers is None else numbers + 0.0  # no -0: it is the same class as 0


def parse_days(values: Sequence[str]) -> Array | None:
    """Return a column of dates and points in time as days since 1970, or None if it is text.

    Examples
    --------
    >>> parse_days(["1970-01-02", "", "1970-01-03T12:00"])
    array([1. , nan, 2.5])
    """
    return _read(values, _day_in)


def _numbers_or_days(values: Sequence[str]) -> Array | None:
    numbers = parse(values)
    return parse_days(values) if numbers is None else numbers


def _read(values: Sequence[str], reader: Callable[[str], float | None]) -> Array | None:
    """Return what a reader finds in each text, or None if it finds nothing in one."""
    found = np.full(len(values), np.nan)
    for row, value in enumerate(values):
        if value:
            number = reader(value)
            if number is None:
                return None
            found[row] = number
    return found


def _day_in(text: str) -> float | None:
    """Return a date, or a point in time, as ISO 8601 has them, as days since 1970."""
    if not DATE.match(text):
        return None
    try:
        return day(datetime.fromisoformat(text))
    except ValueError:
        return None


def finite(name: str, numbers: Array, table: Table) -> Array:
    """Return a column's numbers, or say in which row there is one that is infinite."""
    infinite = np.flatnonzero(np.isinf(numbers))
    if infinite.size:
        row = int(infinite[0])
        raise ValueError(
            f"column {name!r}: expected finite numbers, got {table.columns[name][row]!r} in "
            f"{table.place(row)}"
        )
    return numbers


def frame_of(table: Table, target: str) -> Frame:
    """Return the columns beside the target as a frame: numbers where all of it are numbers.

    Examples
    --------
    >>> table = Table({"size": ["3", ""], "kind": ["a", "b"], "y": ["0", "1"]}, [2, 3], "t.csv")
    >>> [(column.name, column.kind) for column in frame_of(table, "y").columns]
    [('size', 'numbers'), ('kind', 'categories')]
    """
    columns = {}
    for name, values in table.columns.items():
        if name != target:
            numbers = _numbers_or_days(values)
            columns[name] = _words(values) if numbers is None else numbers
    if not columns:
        raise ValueError(f"{table.path}: no column to predict {target!r} from")
    return read_frame(columns)


def encode(encoding: Encoding, table: Table) -> Array:
    """Return the inputs of a later table, whose columns are found by name.

    Parameters
    ----------
    encoding : Encoding
        What the columns became; what was left out need not be there.
    table : Table
    """
    if not encoding.named:
        raise ValueError(f"{table.path}: expected a model of named columns, got one of places")
    columns = {}
    for each in encoding.columns:
        if isinstance(each, LeftOut):
            continue
        values = table.column(each.name)
        # what was words stays words, though all that are left may be numbers: 01 is none
        columns[each.name] = (
            _words(values) if isinstance(each, Categories) else _numbers(each.name, values, table)
        )
    return encoding.encode(read_frame(columns))


def _words(values: Sequence[str]) -> list[str | None]:
    return [value or None for value in values]


def _numbers(name: str, values: Sequence[str], table: Table) -> Array:
    """Return numbers, or say in which row there is none."""
    numbers = _numbers_or_days(values)
    if numbers is None:
        row = next(i for i, value in enumerate(values) if value and number_in(value) is None)
        raise ValueError(
            f"column {name!r}: expected numbers, got {short(values[row])} in {table.place(row)}"
        )
    return numbers
