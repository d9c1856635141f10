"""A table of text from a file, and in one sentence why a file is none. CSV is read here.

Whatever the file, the table is the same: text by column, gaps empty, names all different.
"""

import csv
import io
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import chain, count, islice
from os import PathLike, fspath

GAPS = frozenset(
    ("", "NA", "<NA>", "N/A", "n/a", "#N/A", "#NA", "nan", "NaN", "null", "NULL", "None", "?")
)
DELIMITERS = ",;\t|"
PARQUET = b"PAR1"  # a Parquet file begins and ends with it


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes
    ----------
    columns : dict of str to list of str
        The columns by name, in the file's order; an empty text is a gap.
    lines : list of int
        The line of the file in which each row ends, or its number where a file has no lines.
    path : str
        The file, for messages.
    unit : str
        What `lines` counts, for messages.
    notes : tuple of str
        What was done to the file's columns that its reader should know, in sentences.
    """

    columns: dict[str, list[str]]
    lines: list[int]
    path: str
    unit: str = "line"
    notes: tuple[str, ...] = ()

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

    def place(self, row: int) -> str:
        """Return where in the file a row is, as messages say it."""
        return f"{self.unit} {self.lines[row]}"

    def where_known(self, name: str) -> "Table":
        """Return the rows that have no gap in this column."""
        return self.rows([row for row, value in enumerate(self.column(name)) if value])

    def rows(self, rows: Sequence[int]) -> "Table":
        """Return some of the rows, by their places from 0."""
        columns = {key: [values[row] for row in rows] for key, values in self.columns.items()}
        return replace(self, columns=columns, lines=[self.lines[row] for row in rows])


def read_table(path: str | PathLike[str]) -> Table:
    """Return the table in a file: Parquet by its content or its ending, else CSV.

    Raises
    ------
    ValueError
        If there is no table in the file.
    ModuleNotFoundError
        If it is Parquet, and pyarrow is not there to read it.
    OSError
        If it cannot be read.
    """
    name, content = _content(path)
    marked = content.startswith(PARQUET) and content.endswith(PARQUET)
    if marked or name.lower().endswith(".parquet"):
        from glassnet.parquetfile import parse_parquet

        return parse_parquet(content, name)
    return parse_csv(content, name)


def read_csv(path: str | PathLike[str]) -> Table:
    """Return the table in a CSV file.

    The first line holds the names. Fields are parted by commas, semicolons, tabs or bars,
    whichever fits; empty fields, NA, N/A, nan, NaN, null, None and ? are gaps. A name that is
    missing or comes again is replaced, which the table's `notes` tell.

    Raises
    ------
    ValueError
        If the file is empty, is not text in UTF-8, or its lines do not make a table.
    OSError
        If it cannot be read.
    """
    name, content = _content(path)
    return parse_csv(content, name)


def _content(path: str | PathLike[str]) -> tuple[str, bytes]:
    # read once and whole, so that a pipe does as well as a file
    with open(path, "rb") as file:
        return fspath(path), file.read()


def parse_csv(content: bytes, path: str) -> Table:
    """Return the table in the content of a CSV file; `read_csv` tells how it is read."""
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise ValueError(f"{path}: expected text in UTF-8, got UTF-16")
    if b"\0" in content:
        raise ValueError(f"{path}: expected a CSV file, got a binary one")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}: expected text in UTF-8, got other bytes in line {line}"
        ) from None
    try:
        return _table(text, path)
    except csv.Error as error:
        raise ValueError(f"{path}: not a CSV file: {error}") from None


def _table(text: str, path: str) -> Table:
    text, delimiter = _dialect(text)
    rows = _rows(text, delimiter)
    header = next(rows, None)
    if header is None:
        raise ValueError(f"{path}: expected a header and rows, got an empty file")
    names, notes = distinct(header[1])
    lines: list[int] = []
    columns: list[list[str]] = [[] for _ in names]
    for line, fields in rows:
        if fields == [""] and len(names) > 1:  # only spaces, mostly at the end
            continue
        if len(fields) != len(names):
            raise ValueError(
                f"{path}: expected {len(names)} fields in line {line}, as in the header, "
                f"got {len(fields)}"
            )
        lines.append(line)
        for column, field in zip(columns, fields, strict=True):
            column.append(without_gap(field))
    if not lines:
        raise ValueError(f"{path}: expected rows below the header, got none")
    if delimiter != ",":
        for name, column in zip(names, columns, strict=True):
            if _has_decimal_commas(column):
                column[:] = [field.replace(",", ".") for field in column]
                notes = (*notes, f"{name}: commas read as decimal points")
    return Table(dict(zip(names, columns, strict=True)), lines, path, notes=notes)


def _has_decimal_commas(column: Sequence[str]) -> bool:
    """Whether a column is numbers with commas where others write points.

    Examples
    --------
    >>> _has_decimal_commas(["0,5", "", "-12"]), _has_decimal_commas(["1,5", "a,b"])
    (True, False)
    """
    comma = any("," in field for field in column)
    number = re.compile(r"[+-]?\d*,?\d+([eE][+-]?\d+)?")
    return comma and all(number.fullmatch(field) for field in column if field)


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


def _dialect(text: str) -> tuple[str, str]:
    """Return the text, and the delimiter under which its first lines agree best on a width."""
    said = re.match(rf"sep=([{DELIMITERS}])(?=[\r\n])", text)
    if said:  # a line that spreadsheets put first, and that is none of the table's
        return text[said.end() :], said[1]

    def fit(delimiter: str) -> tuple[bool, int, int]:
        widths = []
        with suppress(csv.Error):  # which is told when the whole file is read
            for _, fields in islice(_rows(text, delimiter), 100):
                widths.append(len(fields))
        width = widths[0] if widths else 0
        return width > 1, widths.count(width), width

    return text, max(DELIMITERS, key=fit)


def without_gap(field: str) -> str:
    """Return a field as a table holds it: without spaces around it, and empty if it is a gap."""
    word = field.strip()
    return "" if word in GAPS else word


def distinct(header: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return a name for each column, all different, and a sentence on each that is ours.

    Examples
    --------
    >>> distinct(["age", "", "age"])[0]
    ['age', 'column 2', 'age.2']
    """
    theirs, notes = set(header), []
    names: dict[str, None] = {}  # a set that remembers the order
    for place, name in enumerate(header, 1):
        ours = name or f"column {place}"
        if not name or name in names:
            # the first keeps its name, and nobody gets one that another column brought
            tries = chain([ours], (f"{ours}.{copy}" for copy in count(2)))
            ours = next(new for new in tries if new not in names and new not in theirs)
            why = f"has a name that came before, {name!r}" if name else "has no name"
            notes.append(f"column {place} {why}: it is called {ours!r} here")
        names[ours] = None
    return list(names), tuple(notes)
