"""Reading a table from a CSV file, and saying in one sentence why a file is none."""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from os import PathLike, fspath

GAPS = frozenset(("", "NA", "N/A", "nan", "NaN", "null", "None", "?"))
DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes
    ----------
    columns : dict of str to list of str
        The columns by name, in the file's order; an empty text is a gap.
    lines : list of int
        The line of the file in which each row ends.
    path : str
        The file, for messages.
    """

    columns: dict[str, list[str]]
    lines: list[int]
    path: str

    def column(self, name: str) -> list[str]:
        """Return a column, or say which there are.

        Examples
        --------
        >>> Table({"age": ["3"], "sex": ["f"]}, [2], "cats.csv").column("Age")
        Traceback (most recent call last):
            ...
        ValueError: cats.csv: no column 'Age', did you mean 'age'? There are: age, sex
        """
        if name in self.columns:
            return self.columns[name]
        lower = {column.lower(): column for column in self.columns}
        close = get_close_matches(name.lower(), lower, 1)
        hint = f", did you mean {lower[close[0]]!r}?" if close else "."
        there = list(self.columns)
        more = f", ... ({len(there)} in all)" if len(there) > 20 else ""
        raise ValueError(
            f"{self.path}: no column {name!r}{hint} There are: {', '.join(there[:20])}{more}"
        )

    def where_known(self, name: str) -> "Table":
        """Return the rows that have no gap in this column."""
        rows = [row for row, value in enumerate(self.column(name)) if value]
        columns = {key: [values[row] for row in rows] for key, values in self.columns.items()}
        return Table(columns, [self.lines[row] for row in rows], self.path)


def read_csv(path: str | PathLike[str]) -> Table:
    """Return the table in a CSV file.

    The first line holds the names. Fields are parted by commas, semicolons, tabs or bars,
    whichever fits; empty fields, NA, N/A, nan, NaN, null, None and ? are gaps.

    Raises
    ------
    ValueError
        If the file is empty, is not text in UTF-8, or its lines do not make a table.
    OSError
        If it cannot be read.
    """
    name = fspath(path)
    with open(path, "rb") as file:
        content = file.read()
    if b"\0" in content:
        raise ValueError(f"{name}: expected a CSV file, got a binary one")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{name}: expected text in UTF-8, got other bytes in line {line}"
        ) from None
    try:
        return _table(text, name)
    except csv.Error as error:
        raise ValueError(f"{name}: not a CSV file: {error}") from None


def _table(text: str, path: str) -> Table:
    rows = _rows(text, _delimiter(text))
    header = next(rows, None)
    if header is None:
        raise ValueError(f"{path}: expected a header and rows, got an empty file")
    names = _names(header[1], path)
    lines: list[int] = []
    columns: list[list[str]] = [[] for _ in names]
    for line, fields in rows:
        if len(fields) != len(names):
            raise ValueError(
                f"{path}: expected {len(names)} fields in line {line}, as in the header, "
                f"got {len(fields)}"
            )
        lines.append(line)
        for column, field in zip(columns, fields, strict=True):
            column.append("" if field in GAPS else field)
    if not lines:
        raise ValueError(f"{path}: expected rows below the header, got none")
    return Table(dict(zip(names, columns, strict=True)), lines, path)


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank, with the line that it ends in."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    try:
        for fields in reader:
            if fields:
                yield reader.line_num, [field.strip() for field in fields]
    except csv.Error as error:
        raise csv.Error(f"{error} in line {reader.line_num}") from None


def _delimiter(text: str) -> str:
    """Return the delimiter under which the first lines agree best on a number of fields."""

    def fit(delimiter: str) -> tuple[bool, int, int]:
        widths = []
        with suppress(csv.Error):  # which is told when the whole file is read
            for _, fields in islice(_rows(text, delimiter), 100):
                widths.append(len(fields))
        width = widths[0] if widths else 0
        return width > 1, widths.count(width), width

    return max(DELIMITERS, key=fit)


def _names(header: Sequence[str], path: str) -> list[str]:
    for place, name in enumerate(header, 1):
        if not name:
            raise ValueError(
                f"{path}: expected a name for every column, got none for column {place}"
            )
        if name in header[: place - 1]:
            raise ValueError(f"{path}: expected different column names, got {name!r} twice")
    return list(header)
