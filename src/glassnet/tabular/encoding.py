"""A frame as the numbers that a network learns from: what each column becomes is learned once.

The inputs lie in blocks: numbers without gaps, numbers with gaps, marks (1 where there is a gap),
hot columns of categories, codes of categories.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from itertools import pairwise
from math import isfinite
from reprlib import repr as short
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from glassnet.tabular.fitted import (
    KINDS,
    MOST_CATEGORIES,
    Categories,
    Fitted,
    LeftOut,
    Mark,
    Numbers,
    Scales,
    fit_column,
)
from glassnet.tabular.frame import NUMBERS, Column, Frame, Known, chosen, close_match
from glassnet.tabular.words import number_in

Array = NDArray[Any]
AT_ONCE = 4096  # rows that are scaled at a time, so that float64 takes little memory


@dataclass(frozen=True)
class Blocks:
    """The columns of each block of inputs, with their places in the table.

    Attributes
    ----------
    numbers, gappy : list of (int, Numbers)
        Those without gaps, and those with gaps.
    marks : list of int
        Those whose gaps are marked: all of `gappy`, then what is only a mark.
    hot, codes : list of (int, Categories)
        Those with hot columns, and those with codes.
    """

    numbers: list[tuple[int, Numbers]]
    gappy: list[tuple[int, Numbers]]
    marks: list[int]
    hot: list[tuple[int, Categories]]
    codes: list[tuple[int, Categories]]


@dataclass(frozen=True)
class Encoding:
    """What the columns of a table become.

    Attributes
    ----------
    columns : tuple of Numbers, Mark, Categories or LeftOut
        What each column becomes, in the table's order.
    named : bool
        Whether the table had names, by which the columns of later ones are found.

    Examples
    --------
    >>> from glassnet.tabular.frame import read_frame
    >>> encoding = Encoding.fit(read_frame({"size": [1.0, None, 4.0, 3.0], "sex": list("fmff")}))
    >>> encoding.gappy, encoding.marks, encoding.hot
    (1, 1, 1)
    >>> encoding.places
    {'size': [0, 1], 'sex': [2]}
    >>> encoding.encode(read_frame({"sex": ["m", "?"], "size": [6, None]}))
    array([[2., 0., 1.],
           [0., 1., 0.]], dtype=float32)
    """

    columns: tuple[Fitted, ...]
    named: bool

    @classmethod
    def fit(cls, frame: Frame, rows: Array | None = None) -> Self:
        """Infer what every column becomes, from these rows (their indices), or from all."""
        return cls(tuple(fit_column(column, rows) for column in frame.columns), frame.named)

    @cached_property
    def blocks(self) -> Blocks:
        """Which columns are in which block of the inputs."""
        columns = list(enumerate(self.columns))
        numbers = [(place, each) for place, each in columns if isinstance(each, Numbers)]
        gappy = [(place, each) for place, each in numbers if each.gaps]
        only = [place for place, each in columns if isinstance(each, Mark)]
        words = [(place, each) for place, each in columns if isinstance(each, Categories)]
        return Blocks(
            [(place, each) for place, each in numbers if not each.gaps],
            gappy,
            [place for place, _ in gappy] + only,
            [(place, each) for place, each in words if each.hot],
            [(place, each) for place, each in words if not each.hot],
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(each.name for each in self.columns)

    @property
    def numbers(self) -> int:
        """How many inputs are numbers of columns without gaps."""
        return len(self.blocks.numbers)

    @property
    def gappy(self) -> int:
        """How many inputs are numbers of columns with gaps."""
        return len(self.blocks.gappy)

    @property
    def marks(self) -> int:
        """How many inputs are marks: first those of the numbers with gaps, in the same order."""
        return len(self.blocks.marks)

    @property
    def hot(self) -> int:
        """How many inputs are hot columns."""
        return sum(each.hot for _, each in self.blocks.hot)

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """How many codes each of the last inputs has; what is unseen has the next."""
        return tuple(each.cardinality for _, each in self.blocks.codes)

    @property
    def width(self) -> int:
        """How many inputs there are."""
        return self.numbers + self.gappy + self.marks + self.hot + len(self.cardinalities)

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Which inputs each column became; what is left out is not in it."""
        blocks, places, at = self.blocks, dict[str, list[int]](), 0
        words = [(place, each.hot or 1) for place, each in blocks.hot + blocks.codes]
        ones = [place for place, _ in blocks.numbers + blocks.gappy] + blocks.marks
        for place, width in [*((place, 1) for place in ones), *words]:
            places.setdefault(self.columns[place].name, []).extend(range(at, at + width))
            at += width
        return places

    def known(self, given: Any) -> Known:
        """Return what `categorical_features` chose for the columns, for tables to come."""
        names = [column.name for column in self.columns]
        return Known(names, chosen(given, names, self.named), self.named)

    def encode(self, frame: Frame, owner: str = "Encoding") -> NDArray[np.float32]:
        """Return a table's inputs, (rows, width).

        Parameters
        ----------
        frame : Frame
            Columns are found by name, or by place where this or the first table has no names.
        owner : str
            Whom to name where the number of columns is another.

        Raises
        ------
        ValueError
            If a column is missing, or has text where there were numbers.
        """
        where, blocks = self._where(frame, owner), self.blocks
        inputs = np.empty((frame.rows, self.width), np.float32)
        at = len(blocks.numbers) + len(blocks.gappy)
        self._scaled(frame, where, inputs[:, :at])
        for place in blocks.marks:
            inputs[:, at] = np.isnan(as_numbers(frame.columns[where[place]]))
            at += 1
        for place, words in blocks.hot + blocks.codes:
            width = words.hot or 1
            inputs[:, at : at + width] = words.encode(frame.columns[where[place]])
            at += width
        return inputs

    @cached_property
    def _scales(self) -> Scales:
        return Scales([each for _, each in self.blocks.numbers + self.blocks.gappy])

    def _scaled(self, frame: Frame, where: Sequence[int], inputs: Array) -> None:
        """Write the inputs of the columns of numbers, some rows at a time."""
        places = [where[place] for place, _ in self.blocks.numbers + self.blocks.gappy]
        together = frame.together
        if together is None:
            columns = [_floats_of(frame.columns[place]) for place in places]
        for begin in range(0, frame.rows if places else 0, AT_ONCE):
            part = slice(begin, begin + AT_ONCE)
            values = np.empty(inputs[part].shape)
            if together is not None:
                values[...] = together[part, places]
            else:
                for column, given in enumerate(columns):
                    values[:, column] = given[part]
            self._scales.apply(values)
            inputs[part] = values

    def _where(self, frame: Frame, owner: str) -> Sequence[int]:
        """Return where the table has each of our columns."""
        if not (self.named and frame.named):
            if len(frame.names) != len(self.columns):
                raise ValueError(
                    f"X has {len(frame.names)} features, but {owner} is expecting "
                    f"{len(self.columns)} features as input"
                )
            return range(len(self.columns))
        if frame.names == self.names:
            return range(len(self.columns))
        given = {name: place for place, name in enumerate(frame.names)}
        for each in self.columns:
            if each.name not in given and not isinstance(each, LeftOut):
                hint = close_match(each.name, list(given))
                raise ValueError(f"X: expected a column {each.name!r}, got none{hint}")
        return [given.get(name, -1) for name in self.names]

    def describe(self) -> list[tuple[str, str, str]]:
        """Return for every column its name, its kind, and what became of it; left out ones last."""
        told = [(each.name, each.kind, each.describe()) for each in self.columns]
        return sorted(told, key=lambda each: each[1] == LeftOut.kind)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads: dicts, lists, text and numbers."""
        columns = [{"kind": each.kind, **asdict(each)} for each in self.columns]
        return {"named": self.named, "columns": columns}

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """Return the encoding that `to_json` gave, or raise a ValueError if this is none."""
        if not isinstance(content, dict) or content.keys() != {"named", "columns"}:
            raise ValueError("encoding: expected columns, and whether they are named")
        named, columns = content["named"], content["columns"]
        if type(named) is not bool or not isinstance(columns, list | tuple) or not columns:
            raise ValueError("encoding: expected a list of columns, and whether they are named")
        read = tuple(map(_read, columns))
        if len({each.name for each in read}) < len(read):
            raise ValueError("encoding: expected columns of different names")
        return cls(read, named)


# ---- text where numbers were ---------------------------------------------------------------------


def as_numbers(column: Column) -> Array:
    """Return a column's numbers; text is read as numbers if all of it can be.

    Examples
    --------
    >>> as_numbers(Column("age", np.array(["31", None, "4e1"], dtype=object), "categories"))
    array([31., nan, 40.])
    """
    if column.kind == NUMBERS:
        return column.numbers
    codes, words = column.coded()
    numbers = [_parse(each) for each in words]
    wrong = [place for place, number in enumerate(numbers) if number is None]
    rows = np.flatnonzero(np.isin(codes, wrong))
    if rows.size:
        raise ValueError(
            f"column {column.name!r}: expected numbers, got {short(words[codes[rows[0]]])} in "
            f"row {rows[0]}"
        )
    return np.array([*numbers, None], np.float64)[codes]


def _floats_of(column: Column) -> Array:
    return column.values if column.kind == NUMBERS else as_numbers(column)


def _parse(text: str) -> float | None:
    """Return the number in a text, NaN if it is blank, None if it is another text."""
    truth = {"": np.nan, "false": 0.0, "true": 1.0}.get(text.strip().lower())
    return number_in(text) if truth is None else truth


# ---- reading what a model file says --------------------------------------------------------------


def _read(content: Any) -> Fitted:
    """Return what a column becomes, each field of the type and in the range that it has."""
    name = content.get("kind") if isinstance(content, dict) else None
    if not isinstance(name, str) or name not in KINDS:
        raise ValueError(f"encoding: expected a kind of column, got {short(name)}")
    kind = KINDS[name]
    if content.keys() != {"kind", *(field.name for field in fields(kind))}:
        raise ValueError(f"encoding: expected the fields of {kind.__name__}")
    settings = {field: value for field, value in content.items() if field != "kind"}
    for field, value in settings.items():
        if not _fits(kind, field, value):
            raise ValueError(f"encoding: expected another {field} than {short(value)}")
    if kind is Categories:
        settings["words"] = tuple(settings["words"])
        if len(settings["words"]) == 1 and not settings["gaps"]:
            raise ValueError("encoding: expected two categories, or one and gaps")
    return kind(**settings)


def _fits(kind: type[Fitted], field: str, value: Any) -> bool:
    if field in ("name", "value", "why"):
        return isinstance(value, str)
    if field in ("gaps", "rest"):
        return type(value) is int and value >= (kind is Mark)
    if field == "words":
        texts = isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
        return (
            texts and 0 < len(value) <= MOST_CATEGORIES and all(a < b for a, b in pairwise(value))
        )
    return type(value) is float and isfinite(value) and (field != "scale" or value > 0)
