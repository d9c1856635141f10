"""What a column of a frame becomes among the numbers that a network learns from.

Numbers are centred and scaled, so that float32 holds them; gaps are marked; categories become hot
columns, or codes for an embedding where there are many; what cannot help is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import nsmallest
from reprlib import repr as short
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from glassnet.tabular.frame import NUMBERS, Column
from glassnet.tabular.words import word

Array = NDArray[Any]
MOST_HOT = 8  # categories of a column that still have a hot column each
ALONE = 0.5  # of the rows, with words of their own: from here on words are names, not categories
MANY_WORDS = 32  # fewer may be rare by chance
MOST_CATEGORIES = 254  # of a column; with gaps and unseen, a byte holds them
MOST_ROWS = 200_000  # that a median is taken of
FARTHEST = 1e6  # scales from the centre: what lies beyond, or is infinite, lies there
HUGE = 1e300  # from here on the difference of two numbers may be too large for float64


@dataclass(frozen=True)
class Numbers:
    """A column of numbers: (value - center) / scale.

    Attributes
    ----------
    name : str
        The column's name.
    center, scale : float
        Median and distance of the quartiles, or half the range where that is 0.
    gaps : int
        Gaps in the rows it was fitted on; if there were any, gaps are marked.

    Examples
    --------
    >>> Numbers("age", center=40.0, scale=10.0, gaps=0).encode(np.array([55, np.nan, np.inf]))
    array([1.5e+00, 0.0e+00, 1.0e+06])
    """

    name: str
    center: float
    scale: float
    gaps: int
    kind: ClassVar[str] = "numbers"

    @classmethod
    def fit(cls, name: str, known: Array, gaps: int) -> Self:
        """Infer the column from its numbers, gaps left out."""
        finite = known[np.isfinite(known)]
        if not finite.size:
            return cls(name, 0.0, 1.0, gaps)
        low, high = float(finite.min()), float(finite.max())
        half = 0.5 if max(-low, high) > HUGE else 1.0
        rows = np.linspace(0, finite.size - 1, min(finite.size, MOST_ROWS)).astype(np.intp)
        first, center, third = np.quantile(finite[rows] * half, (0.25, 0.5, 0.75)).tolist()
        spread = third - first if third > first else (high * half - low * half) / 2
        # half of the smallest number that there is would be 0
        scale = min(spread / half, np.finfo(float).max) or high - low or 1.0
        return cls(name, center / half, scale, gaps)

    def encode(self, values: Array) -> Array:
        """Return the column's inputs, in float64; a gap is 0."""
        scaled = np.array(values, float)
        Scales([self]).apply(scaled[:, None])
        return scaled

    def describe(self) -> str:
        """Return what became of the column."""
        marked = f", {_gaps(self.gaps)} marked" if self.gaps else ""
        return f"center {self.center:.4g}, scale {self.scale:.4g}{marked}"


class Scales:
    """The centres and scales of several columns of numbers."""

    def __init__(self, columns: Sequence[Numbers]) -> None:
        center = np.array([each.center for each in columns])
        scale = np.array([each.scale for each in columns])
        # where a difference may be too large for float64, half of it is taken
        half = np.where(np.maximum(np.abs(center), scale) > HUGE, 0.5, 1.0)
        self.half = half if (half < 1).any() else None
        self.center, self.scale = center * half, scale * half

    def apply(self, values: Array) -> None:
        """Let float64 values (rows, columns) become the columns' inputs, in place."""
        with np.errstate(over="ignore"):
            if self.half is not None:
                values *= self.half
            values -= self.center
            values /= self.scale
        np.minimum(values, FARTHEST, out=values)
        np.maximum(values, -FARTHEST, out=values)
        np.copyto(values, 0, where=np.isnan(values))


@dataclass(frozen=True)
class Mark:
    """A column of numbers that says only where it has gaps, as all its numbers are the same.

    Attributes
    ----------
    name : str
        The column's name.
    value : str
        The word of its number.
    gaps : int
        Gaps in the rows it was fitted on.

    Examples
    --------
    >>> Mark("paid", "1", gaps=3).describe()
    '1 or a gap: 3 gaps marked'
    """

    name: str
    value: str
    gaps: int
    kind: ClassVar[str] = "mark"

    def describe(self) -> str:
        """Return what became of the column."""
        return f"{self.value} or a gap: {_gaps(self.gaps)} marked"


@dataclass(frozen=True)
class Categories:
    """A column of categories: hot columns, or a column of codes.

    Attributes
    ----------
    name : str
        The column's name.
    words : tuple of str
        The categories in order.
    gaps : int
        Gaps in the rows it was fitted on; if there were any, codes count them as one category more.
    rest : int
        Categories too rare to be told from those never seen.

    Examples
    --------
    >>> column = Column("kind", np.array(["b", None, "a", "z"], dtype=object), "categories")
    >>> Categories("kind", ("a", "b"), gaps=0, rest=0).encode(column).tolist()
    [[1.0], [0.0], [-1.0], [0.0]]
    >>> Categories("kind", ("a", "b", "c"), gaps=0, rest=0).encode(column).tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """

    name: str
    words: tuple[str, ...]
    gaps: int
    rest: int
    kind: ClassVar[str] = "categories"

    @classmethod
    def fit(cls, name: str, words: Sequence[str], counts: Array, gaps: int) -> Self:
        """Infer the column from how often each word is there."""
        seen = [(-count, each) for each, count in zip(words, counts.tolist(), strict=True) if count]
        common = sorted(each for _, each in nsmallest(MOST_CATEGORIES, seen))
        return cls(name, tuple(common), gaps, len(seen) - len(common))

    @property
    def hot(self) -> int:
        """How many hot columns it has; 0 if it has codes."""
        count = len(self.words)
        return 1 if count == 2 else count if count <= MOST_HOT else 0

    @property
    def cardinality(self) -> int:
        """How many codes there are; the code of what is unseen is the next."""
        return len(self.words) + bool(self.gaps)

    @cached_property
    def place(self) -> dict[str, int]:
        """Which category a word is."""
        place = {each: number for number, each in enumerate(self.words)}
        if {each.lower() for each in self.words} <= {"false", "true"}:
            # every program spells truths in its own way, and arrays have numbers for them
            for truth, number in list(place.items()):
                other = "1" if truth.lower() == "true" else "0"
                for spelling in (truth.title(), truth.lower(), truth.upper(), other):
                    place.setdefault(spelling, number)
        return place

    @cached_property
    def inputs(self) -> NDArray[np.float32]:
        """The inputs of every category, then those of what is unseen, then those of a gap."""
        count = len(self.words)
        if not self.hot:
            codes = [*range(count), self.cardinality, count if self.gaps else self.cardinality]
            return np.array(codes, np.float32)[:, None]
        if count == 2:
            return np.array([[-1], [1], [0], [0]], np.float32)
        return np.eye(count + 2, count, dtype=np.float32)

    def encode(self, column: Column) -> NDArray[np.float32]:
        """Return the column's inputs (rows, width)."""
        codes, words = column.coded()
        place, unseen = self.place, len(self.words)
        # a gap has the code -1, which is the last
        places = [*(place.get(each, unseen) for each in words), unseen + 1]
        return self.inputs[places].take(codes, axis=0, mode="wrap")

    def describe(self) -> str:
        """Return what became of the column."""
        count = len(self.words)
        first = ", ".join(map(short, self.words[:4])) + (", ..." if count > 4 else "")
        rare = f"; {self.rest} rarer ones count as unseen" if self.rest else ""
        gaps = f"; {_gaps(self.gaps)}" if self.gaps else ""
        form = "" if self.hot else ", as codes"
        return f"{count} {'category' if count == 1 else 'categories'}{form}: {first}{rare}{gaps}"


@dataclass(frozen=True)
class LeftOut:
    """A column that cannot help.

    Attributes
    ----------
    name : str
        The column's name.
    why : str
        The reason.

    Examples
    --------
    >>> LeftOut("country", "always 'Peru'").describe()
    "always 'Peru'"
    """

    name: str
    why: str
    kind: ClassVar[str] = "left out"

    def describe(self) -> str:
        """Return why it is left out."""
        return self.why


Fitted = Numbers | Mark | Categories | LeftOut
KINDS: dict[str, type[Fitted]] = {each.kind: each for each in (Numbers, Mark, Categories, LeftOut)}


def _gaps(count: int) -> str:
    return f"{count} gap{'s' if count > 1 else ''}"


def fit_column(column: Column, rows: Array | None = None) -> Fitted:
    """Infer what a column becomes, from these rows or from all.

    Examples
    --------
    >>> fit_column(Column("age", np.array([3.0, 3.0, np.nan]), "numbers"))
    Mark(name='age', value='3', gaps=1)
    """
    if column.kind == NUMBERS:
        values = column.numbers if rows is None else column.numbers[rows]
        known = values[~np.isnan(values)]
        gaps = len(values) - len(known)
        if known.size and known.min() < known.max():
            return Numbers.fit(column.name, known, gaps)
        if known.size and gaps:
            return Mark(column.name, word(known[0]), gaps)
        return LeftOut(column.name, f"always {word(known[0])}" if known.size else "all gaps")
    codes, words = column.coded()
    counts = np.bincount((codes if rows is None else codes[rows]) + 1, minlength=len(words) + 1)
    gaps, counts = int(counts[0]), counts[1:]
    seen = np.flatnonzero(counts)
    if len(seen) > MANY_WORDS and (counts == 1).sum() > ALONE * counts.sum():
        return LeftOut(column.name, "hardly a word comes twice")
    if len(seen) > 1 or (len(seen) and gaps):
        return Categories.fit(column.name, words, counts, gaps)
    return LeftOut(column.name, f"always {short(words[seen[0]])}" if len(seen) else "all gaps")
