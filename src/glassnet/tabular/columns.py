"""Columns of a table to numbers that a network can learn from, and its numbers back to words.

What becomes of a column is inferred from the table and told (`Columns.describe`): numbers are
centred and scaled, their gaps filled by the median and marked; text becomes one column for each
of its categories; what cannot help is left out. The same `Columns` encode every later table.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from glassnet.csvfile import Table

Array = NDArray[Any]
MOST_CATEGORIES = 50  # of one text column; rarer ones count as none of them
MOST_CLASSES = 10  # whole numbers with more different values than this are quantities
FARTHEST = 10.0  # standard deviations from the mean; an outlier beyond has no more to say


@dataclass(frozen=True)
class Numbers:
    """A column of numbers: (value - mean) / sd, and a mark where there was a gap.

    Attributes
    ----------
    name : str
        The column's name.
    median, mean, sd : float
        Of the rows it was fitted on; gaps become the median.
    gaps : int
        Gaps in those rows; if there were none, there is no column of marks.

    Examples
    --------
    >>> Numbers("age", median=30.0, mean=40.0, sd=10.0, gaps=1).encode(np.array([60.0, np.nan]))
    array([[ 2.,  0.],
           [-1.,  1.]])
    """

    name: str
    median: float
    mean: float
    sd: float
    gaps: int
    kind: ClassVar[str] = "numbers"

    @classmethod
    def fit(cls, name: str, values: Array) -> Self:
        """Infer the column from its numbers, NaN where there is a gap."""
        known = values[~np.isnan(values)]
        mean, sd = mean_sd(known)
        return cls(name, float(np.median(known)), mean, sd, len(values) - len(known))

    @property
    def width(self) -> int:
        """How many inputs of the network the column becomes."""
        return 2 if self.gaps else 1

    def encode(self, values: Array) -> Array:
        """Return the column's inputs (rows, width)."""
        gap = np.isnan(values)
        filled = np.where(gap, self.median, values)
        with np.errstate(over="ignore"):  # the farthest is also what infinity becomes
            scaled = np.clip(filled / self.sd - self.mean / self.sd, -FARTHEST, FARTHEST)
        return np.column_stack([scaled, gap] if self.gaps else [scaled])

    def describe(self) -> str:
        """Return what became of the column."""
        return f"mean {figure(self.mean)}, sd {figure(self.sd)}"


@dataclass(frozen=True)
class Categories:
    """A column of text: one input for each category, 1 where the row has it.

    A category that was not seen is none of them, so all its inputs are 0.

    Attributes
    ----------
    name : str
        The column's name.
    values : tuple of str
        The categories.
    gaps : int
        Gaps in the rows it was fitted on; if there were any, they are one more category.
    rest : int
        Categories too rare to have an input.

    Examples
    --------
    >>> Categories("sex", ("female", "male"), gaps=0, rest=0).encode(["male", "", "female"])
    array([[0., 1.],
           [0., 0.],
           [1., 0.]])
    """

    name: str
    values: tuple[str, ...]
    gaps: int
    rest: int
    kind: ClassVar[str] = "text"

    @classmethod
    def fit(cls, name: str, values: Sequence[str]) -> Self:
        """Infer the column from its text, empty where there is a gap."""
        counts = Counter(value for value in values if value)
        common = sorted(value for value, _ in counts.most_common(MOST_CATEGORIES))
        gaps = sum(not value for value in values)
        return cls(name, tuple(common), gaps, len(counts) - len(common))

    @property
    def width(self) -> int:
        """How many inputs of the network the column becomes."""
        return len(self.values) + bool(self.gaps)

    def encode(self, values: Sequence[str]) -> Array:
        """Return the column's inputs (rows, width)."""
        place = {value: i for i, value in enumerate((*self.values, *([""] if self.gaps else [])))}
        for value in self.values:
            if value.lower() in ("true", "false"):  # which every program spells in its own way
                for spelling in (value.lower(), value.title(), value.upper()):
                    place.setdefault(spelling, place[value])
        hot = np.zeros((len(values), self.width))
        for row, value in enumerate(values):
            if value in place:
                hot[row, place[value]] = 1
        return hot

    def describe(self) -> str:
        """Return what became of the column."""
        rare = f", {self.rest} rarer ones as none of them" if self.rest else ""
        return f"{_names('category', 'categories', self.values)}{rare}"


@dataclass(frozen=True)
class Target:
    """The column to predict: classes, or a quantity in units of its standard deviation.

    Attributes
    ----------
    name : str
        The column's name.
    classes : tuple of str
        The classes in order; empty for a quantity.
    mean, sd : float
        Of a quantity; 0 and 1 for classes.

    Examples
    --------
    >>> Target.fit("species", ["cat", "dog", "cat", "dog"])
    Target(name='species', classes=('cat', 'dog'), mean=0.0, sd=1.0)
    """

    name: str
    classes: tuple[str, ...]
    mean: float
    sd: float

    @classmethod
    def fit(cls, name: str, values: Sequence[str]) -> Self:
        """Infer the target from its text, without gaps."""
        numbers = parse(name, values)
        different: Counter[Any] = Counter(values if numbers is None else numbers.tolist())
        if len(different) < 2:
            raise ValueError(f"target {name!r}: expected different values, got only {values[0]!r}")
        if numbers is not None:
            whole = bool((numbers == np.floor(numbers)).all())
            # a whole number that hardly ever comes again is a quantity, even if there are few rows
            if not whole or len(different) > min(MOST_CLASSES, len(values) // 2):
                return cls(name, (), *mean_sd(numbers))
            return cls(name, tuple(f"{value:.0f}" for value in sorted(different)), 0.0, 1.0)
        if len(different) > len(values) / 2:
            raise ValueError(
                f"target {name!r}: expected classes or numbers, got {len(different)} different "
                f"texts in {len(values)} rows, such as {values[0]!r}"
            )
        return cls(name, tuple(sorted(different)), 0.0, 1.0)

    def encode(self, values: Sequence[str]) -> Array:
        """Return labels 0, 1, ... of the classes, or the quantity, centred and scaled."""
        if not self.classes:
            return np.array([float(value) for value in values]) / self.sd - self.mean / self.sd
        numbers = parse(self.name, values)
        words = values if numbers is None else [f"{value:.0f}" for value in numbers]
        place = {name: i for i, name in enumerate(self.classes)}
        return np.array([place[word] for word in words])

    def decode(self, predictions: Array) -> list[str] | Array:
        """Return a network's predictions as the likeliest classes, or as the quantity."""
        if self.classes:
            return [self.classes[place] for place in predictions.argmax(axis=-1)]
        quantity: Array = predictions[:, 0].astype(float) * self.sd + self.mean
        return quantity

    def describe(self) -> str:
        """Return what is to be predicted."""
        if not self.classes:
            return f"a quantity: mean {figure(self.mean)}, sd {figure(self.sd)}"
        return _names("class", "classes", self.classes)


@dataclass(frozen=True)
class Columns:
    """How the columns of a table become a network's inputs, and which of them is its target.

    Attributes
    ----------
    features : tuple of Numbers or Categories
        The columns that are used, in the order of the inputs.
    target : Target
        The column to predict.
    left_out : dict of str to str
        Why the other columns are not used.
    """

    features: tuple[Numbers | Categories, ...]
    target: Target
    left_out: dict[str, str]

    @classmethod
    def fit(cls, table: Table, target: Target, rows: Array) -> Self:
        """Infer what every column is, and its statistics from these rows alone.

        Raises
        ------
        ValueError
            If a number is infinite, or no column is left to learn from.

        Examples
        --------
        >>> table = Table({"size": ["1", "3"], "kind": ["a", "b"]}, [2, 3], "small.csv")
        >>> columns = Columns.fit(table, Target.fit("size", ["1", "3", "4"]), np.arange(2))
        >>> columns.encode(table)
        array([[1., 0.],
               [0., 1.]], dtype=float32)
        """
        features: list[Numbers | Categories] = []
        left_out = {}
        for name, values in table.columns.items():
            if name == target.name:
                continue
            some = [values[row] for row in rows]
            known = Counter(value for value in some if value)
            numbers = parse(name, values, table)
            if not known:
                left_out[name] = "all gaps"
            elif len(known) == 1 and "" not in some:
                left_out[name] = f"always {_short(next(iter(known)))}"
            elif numbers is not None:
                features.append(Numbers.fit(name, numbers[rows]))
            elif len(known) > max(MOST_CATEGORIES, known.total() / 2):
                left_out[name] = f"text with {len(known)} different values in {len(some)} rows"
            else:
                features.append(Categories.fit(name, some))
        if not features:
            why = "".join(f"; {name!r}: {reason}" for name, reason in left_out.items())
            raise ValueError(f"{table.path}: no column to predict {target.name!r} from{why}")
        return cls(tuple(features), target, left_out)

    @property
    def width(self) -> int:
        """How many inputs a network has for them."""
        return sum(feature.width for feature in self.features)

    def encode(self, table: Table) -> NDArray[np.float32]:
        """Return a table as a network's inputs, (rows, width); columns are found by name."""
        parts = []
        for feature in self.features:
            values = table.column(feature.name)
            if isinstance(feature, Categories):
                parts.append(feature.encode(values))
                continue
            numbers = parse(feature.name, values, table)
            if numbers is None:
                row = next(i for i, value in enumerate(values) if value and _float(value) is None)
                raise ValueError(
                    f"column {feature.name!r}: expected numbers, got {_short(values[row])!r} "
                    f"in {table.place(row)}"
                )
            parts.append(feature.encode(numbers))
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def describe(self) -> list[tuple[str, str, str]]:
        """Return for every column but the target its name, its kind, and what became of it."""
        used = [(each.name, each.kind, each.describe()) for each in self.features]
        return used + [(name, "left out", why) for name, why in self.left_out.items()]

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads: dicts, lists, text and numbers."""
        return {
            "features": [{"kind": each.kind, **asdict(each)} for each in self.features],
            "target": asdict(self.target),
            "left_out": self.left_out,
        }

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """Return the columns that `to_json` gave, or raise a ValueError if these are none."""
        if not isinstance(content, dict) or not isinstance(content.get("features"), list | tuple):
            raise ValueError("table: expected features, a target and what is left out")
        features = []
        for each in content["features"]:
            kinds = {kind.kind: kind for kind in (Numbers, Categories)}
            kind = each.get("kind") if isinstance(each, dict) else None
            if not isinstance(kind, str) or kind not in kinds:
                raise ValueError(f"table: expected a kind of column, got {kind!r}")
            settings = {name: value for name, value in each.items() if name != "kind"}
            features.append(_from(kinds[kind], settings))
        left_out = content.get("left_out")
        if not isinstance(left_out, dict) or not all(isinstance(v, str) for v in left_out.values()):
            raise ValueError("table: expected reasons for what is left out")
        return cls(tuple(features), _from(Target, content.get("target")), left_out)


def parse(name: str, values: Sequence[str], table: Table | None = None) -> Array | None:
    """Return a column as numbers, NaN where there is a gap, or None if it is text.

    Examples
    --------
    >>> parse("age", ["31", "", "4e1"])
    array([31., nan, 40.])
    """
    numbers = np.full(len(values), np.nan)
    for row, value in enumerate(values):
        if value:
            number = _float(value)
            if number is None:
                return None
            numbers[row] = number
    infinite = np.flatnonzero(np.isinf(numbers))
    if infinite.size:
        row = infinite[0]
        place = f" in {table.place(int(row))}" if table else ""
        raise ValueError(f"column {name!r}: expected finite numbers, got {values[row]!r}{place}")
    return numbers + 0.0  # which makes 0 of -0: they are the same class


def _float(text: str) -> float | None:
    # Python would also read 1_000, which no table means as a number
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def mean_sd(values: Array) -> tuple[float, float]:
    """Return mean and standard deviation, or 1 where all values are the same."""
    # scaled, so that the squares of very large or small numbers neither overflow nor vanish
    scale = float(np.abs(values).max()) or 1.0
    sd = float((values / scale).std()) * scale if np.ptp(values / scale) else 1.0
    return float((values / scale).mean()) * scale, sd or 1.0


def _from(kind: type[Any], content: Any) -> Any:
    """Return a dataclass with these fields, each of the type that it says."""
    if not isinstance(content, dict) or content.keys() != {field.name for field in fields(kind)}:
        raise ValueError(f"table: expected the fields of {kind.__name__}")
    settings = dict(content)
    for name, value in content.items():
        if name in ("values", "classes"):
            if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
                raise ValueError(f"table: expected {name} to be texts, got {_short(repr(value))}")
            settings[name] = tuple(value)
            fine = len(set(value)) == len(value)
        elif name == "name":
            fine = isinstance(value, str)
        elif name in ("gaps", "rest"):
            fine = type(value) is int and value >= 0
        else:
            fine = type(value) is float and isfinite(value) and (name != "sd" or value > 0)
        if not fine:
            raise ValueError(f"table: expected another {name} than {_short(repr(value))}")
    return kind(**settings)


def figure(value: float) -> str:
    """Return a number in about four digits.

    Examples
    --------
    >>> figure(1499.2), figure(0.025812), figure(180812.3)
    ('1499', '0.02581', '180,812')
    """
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e12 else f"{value:.4g}"


def _short(text: str) -> str:
    return text if len(text) <= 30 else f"{text[:27]}..."


def _names(one: str, more: str, names: Sequence[str]) -> str:
    """Return how many there are, and the first ones."""
    first = ", ".join(_short(name) for name in names[:4]) + (", ..." if len(names) > 4 else "")
    return f"{len(names)} {one if len(names) == 1 else more}: {first}"
