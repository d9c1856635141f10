"""The column to predict: classes, or a quantity."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from reprlib import repr as short
from typing import Any, Self

import numpy as np

from glassnet.csvfile import Table
from glassnet.metrics import METRICS, Metric
from glassnet.tabular.text import finite, parse
from glassnet.vocabulary import Array

EXACT = 2.0**53  # below it a float is every whole number
MOST_CLASSES = 10  # whole numbers with more different values than this are quantities


@dataclass(frozen=True)
class Target:
    """The column to predict.

    Attributes
    ----------
    name : str
        The column's name.
    classes : tuple of str
        The classes in order; empty for a quantity.

    Examples
    --------
    >>> table = Table({"species": ["dog", "cat", "cat", "dog"]}, [2, 3, 4, 5], "pets.csv")
    >>> target = Target.fit(table, "species")
    >>> target, target.encode(table)
    (Target(name='species', classes=('cat', 'dog')), array([1., 0., 0., 1.]))
    """

    name: str
    classes: tuple[str, ...]

    @classmethod
    def fit(cls, table: Table, name: str) -> Self:
        """Infer the target from a table in which it has no gaps."""
        values = table.column(name)
        numbers = parse(values)
        words: list[Any] = values
        whole = False
        if numbers is not None:
            whole = bool((finite(name, numbers, table) == np.floor(numbers)).all())
            words = _names(values, numbers) if whole else numbers.tolist()
        different = Counter(words)
        if len(different) < 2:
            raise ValueError(
                f"target {name!r}: expected different values, got only {short(values[0])}"
            )
        if numbers is not None:
            # a whole number that hardly ever comes again is a quantity, even if there are few rows
            if not whole or len(different) > min(MOST_CLASSES, len(values) // 2):
                return cls(name, ())
            return cls(name, tuple(sorted(different, key=int)))
        if len(different) > len(values) / 2:
            raise ValueError(
                f"target {name!r}: expected classes or numbers, got {len(different)} different "
                f"texts in {len(values)} rows, such as {short(values[0])}"
            )
        return cls(name, tuple(sorted(different)))

    def encode(self, table: Table) -> Array:
        """Return the labels 0, 1, ... of the classes, or the quantity, of a table without gaps."""
        values = table.column(self.name)
        numbers = parse(values)
        if not self.classes:
            if numbers is None:
                raise ValueError(f"column {self.name!r}: expected numbers, got {short(values[0])}")
            return finite(self.name, numbers, table)
        place = {name: float(label) for label, name in enumerate(self.classes)}
        words = values if numbers is None else _names(values, numbers)
        for row, each in enumerate(words):
            if each not in place:
                raise ValueError(
                    f"column {self.name!r}: expected one of {', '.join(self.classes[:20])}, got "
                    f"{short(values[row])} in {table.place(row)}"
                )
        return np.array([place[each] for each in words])

    def decode(self, predictions: Array) -> list[str] | Array:
        """Return predictions as the likeliest classes, or as the quantity that they are."""
        if not self.classes:
            return predictions
        return [self.classes[label] for label in predictions.argmax(axis=-1)]

    def describe(self, y: Array) -> str:
        """Return what is to be predicted, of which these are the values."""
        if not self.classes:
            mean, sd = mean_sd(y)
            return f"a quantity: mean {figure(mean)}, sd {figure(sd)}"
        more = ", ..." if len(self.classes) > 4 else ""
        return f"{len(self.classes)} classes: {', '.join(map(cut, self.classes[:4]))}{more}"


def _names(values: list[str], numbers: Array) -> list[str]:
    """Return whole numbers as classes are called; beyond 2**53 a float is not all of its digits."""

    def name(value: str, number: float) -> str:
        if abs(number) >= EXACT:
            with suppress(InvalidOperation):  # it may have a decimal comma
                return f"{Decimal(value):.0f}"
        return f"{number + 0.0:.0f}"

    return [name(value, number) for value, number in zip(values, numbers.tolist(), strict=True)]


def mean_sd(values: Array) -> tuple[float, float]:
    """Return mean and standard deviation, or 1 where all values are the same."""
    # scaled, so that the squares of very large or small numbers neither overflow nor vanish
    scale = float(np.abs(values).max()) or 1.0
    sd = float((values / scale).std()) * scale if np.ptp(values / scale) else 1.0
    return float((values / scale).mean()) * scale, sd or 1.0


@dataclass(frozen=True)
class _InUnits:
    """A metric's function, of targets and predictions that were standardised."""

    function: Callable[[Array, Array, Array], Any]
    mean: float
    sd: float
    low: float
    high: float

    def __call__(self, y: Array, p: Array, w: Array) -> Any:
        with np.errstate(over="ignore"):
            y, p = (each.astype(float) * self.sd + self.mean for each in (y, p))
        return self.function(y, np.clip(p, self.low, self.high), w)


def in_units(metric: Metric, mean: float, sd: float, low: float, high: float) -> Metric:
    """Return a metric of standardised quantities that judges them as they were given.

    Our own stay as they are: they choose alike in any units, and do not overflow in these.

    Examples
    --------
    >>> worst = Metric("worst", lambda y, p, w: np.abs(y - p).max(), higher=False)
    >>> y, p = np.array([[-1.0], [1.0]]), np.array([[-1.0], [0.5]])
    >>> in_units(worst, 10.0, 4.0, 6.0, 14.0)(y, p, np.ones((2, 1)))
    2.0
    """
    if metric in METRICS.values():
        return metric
    return replace(metric, function=_InUnits(metric.function, mean, sd, low, high))


def standardised(values: Array, mean: float, sd: float) -> Array:
    """Return (values - mean) / sd, of which no part overflows.

    Examples
    --------
    >>> standardised(np.array([1.0, 5.0]), mean=3.0, sd=2.0)
    array([-1.,  1.])
    """
    return values / sd - mean / sd


def figure(value: float) -> str:
    """Return a number in about four digits.

    Examples
    --------
    >>> figure(1499.2), figure(0.025812), figure(180812.3)
    ('1499', '0.02581', '180,812')
    """
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e12 else f"{value:.4g}"


def cut(text: str, most: int = 30) -> str:
    """Return a text, or its beginning where it is long."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
