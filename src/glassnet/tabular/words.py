"""What stands in a cell: a number, a day, the word of a category, or a gap.

A word depends on the value alone, never on the column it came in: 3 is "3" as an integer of one
library and as a float of the other, so a category that was learned is found again.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Codes = tuple[NDArray[np.int32], tuple[str, ...]]  # each row's word, -1 for a gap; and the words
TRUTHS = (bool, np.bool_)
NUMBERS = (Real, Decimal, np.bool_)
DATES = (date, np.datetime64)
SPANS = (timedelta, time, np.timedelta64)
FLOATS = (float, np.floating)
MISSING = ("NoneType", "NAType", "NaTType")  # the types of None, pandas.NA and pandas.NaT
PARTS = {"D": 1, "h": 24, "m": 1440, "s": 86_400, "ms": 86_400_000}  # of a day
PARTS |= {"us": 10**3 * PARTS["ms"], "ns": 10**6 * PARTS["ms"]}
FIRST = datetime(1970, 1, 1)


def gap(value: Any) -> bool:
    """Return whether a value says that there is none.

    Examples
    --------
    >>> [gap(value) for value in (None, float("nan"), np.datetime64("NaT"), "", 0)]
    [True, True, True, False, False]
    """
    if isinstance(value, str):
        return False
    if type(value).__name__ in MISSING:
        return True
    if isinstance(value, Decimal):
        return value.is_nan()
    able = isinstance(value, (*FLOATS, np.datetime64, np.timedelta64))
    return able and bool(value != value)


def word(value: Any) -> str:
    """Return the word of a category: equal numbers have the same, whatever type they are of.

    A number has the word of its text too ("3" and 3 are one category), and a day the word of its
    number.

    Examples
    --------
    >>> [word(value) for value in ("3", 3, 3.0, -0.0, 0.5, True, date(1970, 1, 2))]
    ['3', '3', '3', '0', '0.5', 'True', '1']
    """
    if isinstance(value, str):
        return str.__str__(value)  # of an enum's member that is a text, the text
    if isinstance(value, TRUTHS):
        return str(bool(value))
    if isinstance(value, (*DATES, *SPANS)):
        value = day(value)
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, (Real, Decimal)):
        number = _number(value)
        # beyond 64 bits no column of integers has it, and hundreds of digits say no more
        return str(int(number)) if number.is_integer() and abs(number) < 2**64 else repr(number)
    return str(value)


def number_in(text: str) -> float | None:
    """Return the number that a text is, or None.

    Examples
    --------
    >>> number_in(" 4e1"), number_in("1_000"), number_in("x")
    (40.0, None, None)
    """
    # Python would read 1_000, which no table means as a number
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def day(value: Any) -> float:
    """Return a date or a point in time as days since 1970 (UTC), a span or a time of day as days.

    Examples
    --------
    >>> day(datetime(1970, 1, 2, 6)), day(timedelta(hours=12)), day(time(6))
    (1.25, 0.5, 0.25)
    """
    if isinstance(value, np.datetime64 | np.timedelta64):
        return float(days(np.array([value]))[0])
    if isinstance(value, datetime):
        local = value.tzinfo is None
        span = (value if local else value.astimezone(UTC).replace(tzinfo=None)) - FIRST
    elif isinstance(value, date):
        span = timedelta(value.toordinal() - FIRST.toordinal())
    elif isinstance(value, time):
        span = datetime.combine(FIRST, value.replace(tzinfo=None)) - FIRST
    else:
        span = value
    return float(span.days + (span.seconds * 10**6 + span.microseconds) / 86_400_000_000)


def days(times: Array) -> NDArray[np.float64]:
    """Return points in time as days since 1970, spans as days, NaN where there is none.

    Examples
    --------
    >>> days(np.array(["1970-01-02T06", "NaT"], "M8[s]"))
    array([1.25,  nan])
    """
    unit, count = np.datetime_data(times.dtype)
    if unit not in PARTS or PARTS[unit] % count:  # years, weeks, or 7 hours
        times = times.astype(f"{times.dtype.kind}8[{'D' if count == 1 else 'us'}]")
        unit, count = np.datetime_data(times.dtype)
    # whole days apart, so that nanoseconds and microseconds round to the same number
    whole, part = np.divmod(times.astype(np.int64), PARTS[unit] // count)
    result: NDArray[np.float64] = whole + part / (PARTS[unit] // count)
    result[np.isnat(times)] = np.nan
    return result


def kind_of(values: Sequence[Any], truths_are_words: bool) -> str:
    """Return what a column of objects holds: "numbers", "days", "complex" or "words".

    Examples
    --------
    >>> kind_of([None, 1, 2.5], True), kind_of([True, None], True), kind_of([1, "b"], True)
    ('numbers', 'words', 'words')
    """
    kinds = {kind for kind in set(map(type, values)) if kind.__name__ not in MISSING}
    if _all(kinds, FLOATS):
        return "numbers"
    others = {kind for kind in kinds if not issubclass(kind, FLOATS)}
    if others != kinds and all(gap(value) for value in values if isinstance(value, FLOATS)):
        kinds = others  # NaN is a float, but says nothing of what the others are
    if any(issubclass(kind, complex | np.complexfloating) for kind in kinds):
        return "complex"
    if _all(kinds, DATES) or _all(kinds, SPANS):
        return "days"
    if truths_are_words and _all(kinds, TRUTHS):
        return "words"
    # NumPy counts its spans of time as integers
    spans = any(issubclass(kind, np.timedelta64) for kind in kinds)
    return "numbers" if _all(kinds, NUMBERS) and not spans else "words"


def _all(kinds: set[type[Any]], base: tuple[type[Any], ...]) -> bool:
    return all(issubclass(kind, base) for kind in kinds)


def numbers(values: Sequence[Any]) -> NDArray[np.float64]:
    """Return objects that are numbers as an array, NaN where there is a gap."""
    try:
        return np.array(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.array([np.nan if gap(value) else _number(value) for value in values])


def _number(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer, or a fraction, of hundreds of digits
        return np.inf if value > 0 else -np.inf


def object_days(values: Sequence[Any]) -> NDArray[np.float64]:
    """Return objects that are dates, times or spans as days, NaN where there is a gap."""
    return _each(values, lambda value: np.nan if gap(value) else day(value), np.float64)


def code(values: Sequence[Any]) -> Codes:
    """Return the words of objects, each once in order of appearance, and which one each row has.

    Examples
    --------
    >>> code(["b", None, 3, "b", 3.0])
    (array([ 0, -1,  1,  0,  1], dtype=int32), ('b', '3'))
    """
    words: dict[str, int] = {}

    def place(value: Any) -> int:
        return -1 if gap(value) else words.setdefault(word(value), len(words))

    kinds = set(map(type, values))
    truths = {kind for kind in kinds if issubclass(kind, TRUTHS)}
    if truths and any(issubclass(kind, NUMBERS) for kind in kinds - truths):
        # a dict takes True for 1, but their words are not the same
        return np.array(list(map(place, values)), np.int32), tuple(words)
    return _each(values, place, np.int32), tuple(words)


def _each(values: Sequence[Any], function: Callable[[Any], Any], dtype: Any) -> Array:
    """Return a function of every value, called once for each that is different."""
    try:
        known = {value: function(value) for value in dict.fromkeys(values)}
    except TypeError:  # a list or a dict in a cell has no hash
        return np.array([function(value) for value in values], dtype)
    return np.fromiter(map(known.__getitem__, values), dtype, len(values))


def code_numbers(values: Array) -> Codes:
    """Return the words of an array's numbers or truths, and which one each row has.

    Examples
    --------
    >>> code_numbers(np.array([2.0, np.nan, 1.5]))
    (array([ 1, -1,  0], dtype=int32), ('1.5', '2'))
    """
    codes = np.full(len(values), -1, np.int32)
    known = ~np.isnan(values) if values.dtype.kind == "f" else np.ones(len(values), bool)
    different, codes[known] = np.unique(values[known], return_inverse=True)
    return codes, tuple(map(word, different.tolist()))
