"""Tables, targets and weights as nobody should have them, for hypothesis to draw and to shrink."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import strategies as st

MOST_ROWS, MOST_COLUMNS = 40, 12
EXTREMES = [0.0, -0.0, 5e-324, 1e-300, -1e-300, 1e30, -1e30, 1e300, 1.7e308, -1.7e308]
ENDLESS = [float("inf"), float("-inf"), float("nan")]
HUGE = [2**53 + 1, 2**62, 2**63 - 1, -(2**63), 2**63, 10**400]
WORDS = ["", " ", "a", "b", "A", "nan", "NA", "1", "1.0", "True", "é", "日本", "\n", "x" * 300]
GAPS = [None, float("nan"), pd.NA, pd.NaT]
DAYS = st.dates() | st.datetimes() | st.timedeltas() | st.times()
MOMENTS = ["NaT", "1970-01-01", "9999-12-31T23:59:59", "-9999-01-01", "2262-04-11T23:47:16"]
RARELY = st.sampled_from([False] * 9 + [True])

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "numbers": st.floats(-100, 100),
    "any numbers": st.floats(),
    "narrow": st.floats(width=32).map(np.float32),
    "extremes": st.sampled_from(EXTREMES + ENDLESS),
    "counts": st.integers(0, 3),
    "integers": st.integers(-(2**63), 2**63) | st.sampled_from(HUGE),
    "truths": st.booleans(),
    "words": st.sampled_from(WORDS),
    "text": st.text(max_size=4),
    "days": DAYS,
    "dates": st.dates(),
    "moments": st.sampled_from(MOMENTS).map(np.datetime64),
    "gaps": st.sampled_from(GAPS),
    "exact": st.decimals() | st.fractions() | st.just(Fraction(10**400, 3)),
    "mixed": st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS),
    "objects": st.sampled_from([b"x", (1,), [1], {"a": 1}, 1j, object, Decimal("NaN"), "1"]),
}
# polars and pyarrow hold columns of one type
TYPED = ("numbers", "any numbers", "extremes", "counts", "truths", "words", "text", "dates")
PLAIN = ("numbers", "any numbers", "extremes", "counts")  # what an array of one type may hold


@st.composite
def columns(draw: Any, rows: int, kinds: Any = tuple(VALUES)) -> list[Any]:
    """Return a column: a few values of a kind, or as many as rows, and perhaps gaps among them."""
    kind = draw(st.sampled_from(kinds))
    few = draw(st.integers(1, 6))
    pool = draw(st.lists(VALUES[kind], min_size=1, max_size=min(few, rows)))
    if draw(st.integers(0, 3)) == 3:
        pool.append(draw(st.sampled_from(GAPS)))
    if kind in ("numbers", "counts") and draw(st.booleans()):
        return [pool[0] + row / 7 for row in range(rows)]
    places = np.random.default_rng(draw(st.integers(0, 99))).integers(len(pool), size=rows)
    return [pool[place] for place in places]


@st.composite
def names(draw: Any, count: int) -> list[Any]:
    """Return names of columns: plain mostly, else odd, or the same twice."""
    plain = [f"c{place}" for place in range(count)]
    if not plain or not draw(RARELY):
        return plain
    odd = st.sampled_from(["", "c0", "c1", " ", "日本", 0, 1, ("a", 1), None])
    return [draw(odd) if draw(st.booleans()) else name for name in plain]


def _categories(frame: pd.DataFrame) -> pd.DataFrame:
    try:
        return frame.astype("category")
    except TypeError:  # of what has no hash there are none
        return frame


def _frame(named: Any, rows: int) -> pd.DataFrame:
    frame = pd.DataFrame({place: each for place, (_, each) in enumerate(named)}, range(rows))
    frame.columns = pd.Index([name for name, _ in named], dtype=object, tupleize_cols=False)
    return frame


def _polars(named: Any) -> pl.DataFrame:
    gaps = {id(gap) for gap in GAPS}
    columns = {name: [None if id(v) in gaps else v for v in each] for name, each in named}
    return pl.DataFrame(columns, strict=False)


def _objects(named: Any, rows: int) -> Any:
    array = np.empty((rows, len(named)), dtype=object)
    for place, (_, each) in enumerate(named):
        for row, value in enumerate(each):
            array[row, place] = value
    return array


HOLDERS: dict[str, Any] = {
    "dict": lambda named, rows: dict(named),
    "arrays": lambda named, rows: {name: np.array(each, dtype=object) for name, each in named},
    "pandas": _frame,
    "categories": lambda named, rows: _categories(_frame(named, rows)),
    "nullable": lambda named, rows: _frame(named, rows).convert_dtypes(),
    "polars": lambda named, rows: _polars(named),
    "arrow": lambda named, rows: _polars(named).to_arrow(),
    "rows": lambda named, rows: [list(row) for row in zip(*(e for _, e in named), strict=True)],
    "objects": _objects,
    "float64": lambda named, rows: np.array(_objects(named, rows), np.float64),
    "float32": lambda named, rows: np.array(_objects(named, rows), np.float32),
    "text": lambda named, rows: np.array(_objects(named, rows), str),
}
KINDS = {"polars": TYPED, "arrow": TYPED, "float64": PLAIN, "float32": PLAIN}


def held(holder: str, named: Any, rows: int) -> Any:
    """Return columns as one of the libraries holds them, or as a dict where it cannot."""
    try:
        with np.errstate(all="ignore"):
            return HOLDERS[holder](named, rows)
    except Exception:  # whatever it says: a library that refuses a column is not ours to test
        return dict(named)


@st.composite
def tables(draw: Any, rows: int) -> tuple[str, list[Any]]:
    """Return who holds a table, and its columns by name."""
    holder = draw(st.sampled_from(tuple(HOLDERS)))
    kinds = KINDS.get(holder, tuple(VALUES))
    count = draw(st.integers(0, MOST_COLUMNS) if draw(st.booleans()) else st.integers(1, 3))
    each = [draw(columns(rows, kinds)) for _ in range(count)]
    if count and draw(st.integers(0, 3)):  # most tables can be learned
        each[-1] = [row / 7 for row in range(rows)]
    return holder, list(zip(draw(names(count)), each, strict=True))


@st.composite
def targets(draw: Any, rows: int) -> Any:
    """Return a target: mostly one that can be learned."""
    kind = draw(st.integers(0, 9))
    if kind < 5:
        few = draw(st.sampled_from([[0, 1], ["no", "yes"], [True, False], [0.0, 1.0, 7.5], [3, 4]]))
        y = [few[row % len(few)] for row in range(rows)]
    elif kind < 7:
        scale = draw(st.sampled_from([1.0, 1e-300, 1e12, 1e300, 1e308]))
        y = [scale * ((row * 7) % 10 - 4) / 5 for row in range(rows)]
    else:
        length = rows + draw(st.sampled_from([0, 0, 0, 0, 1, -1]))
        y = draw(columns(max(length, 1)))
    forms = ("column", "none", "pairs") if draw(RARELY) else ("array", "list", "series", "objects")
    return _formed(draw(st.sampled_from(forms)), y)


def _formed(form: str, y: list[Any]) -> Any:
    objects = np.empty(len(y), dtype=object)
    objects[:] = y
    try:
        return {
            "array": lambda: np.array(y),
            "list": lambda: y,
            "series": lambda: pd.Series(y),
            "column": lambda: np.array(y)[:, None],
            "objects": lambda: objects,
            "none": lambda: None,
            "pairs": lambda: [[each, each] for each in y],
        }[form]()
    except Exception:  # a library that refuses a target is not ours to test
        return objects


@st.composite
def weights(draw: Any, rows: int) -> Any:
    """Return weights of rows, or none."""
    kind = draw(st.integers(0, 12))
    if kind < 4 or kind > 7:
        return None
    if kind == 4:
        return [0.0] * rows
    if kind == 5:
        return [float(row % 3) for row in range(rows)]
    if kind == 6:
        return [draw(st.sampled_from([1e-300, 1e-30, 1e30, 1e300]))] * rows
    return draw(columns(rows, ("numbers", "extremes", "any numbers", "words", "counts")))


@dataclass
class Case:
    """What is to be learned, and what is to be predicted afterwards."""

    holder: str
    columns: list[Any]
    rows: int
    y: Any
    w: Any
    categorical: Any
    later: tuple[str, list[Any]]
    later_rows: int
    classes: bool

    @property
    def X(self) -> Any:
        return held(self.holder, self.columns, self.rows)

    @property
    def other(self) -> Any:
        return held(*self.later, self.later_rows)


@st.composite
def cases(draw: Any) -> Case:
    """Return a table with a target, and a later table: alike, with other columns or other words."""
    rows = draw(st.integers(10, MOST_ROWS) | st.integers(1, MOST_ROWS))
    holder, own = draw(tables(rows))
    chosen = st.sampled_from(["from_dtype", None, [0], [], np.arange(len(own)) % 2 == 0])
    if draw(RARELY):
        chosen = st.sampled_from([["c0"], [99], [True], "c0"])
    later_rows = draw(st.integers(1, 4))
    if draw(st.booleans()):
        later = draw(tables(later_rows))
    else:
        kept = [pair for pair in own if draw(st.integers(0, 5)) < 5]
        fresh, by = [], draw(st.sampled_from(tuple(HOLDERS)))
        for name, _ in kept:
            fresh.append((name, draw(columns(later_rows, KINDS.get(by, tuple(VALUES))))))
        later = by, draw(st.permutations(fresh))
    return Case(
        *(holder, own, rows, draw(targets(rows)), draw(weights(rows)), draw(chosen)),
        *(later, later_rows, draw(st.booleans())),
    )


# ---- arrays --------------------------------------------------------------------------------------

SIZES = [0.0, 1.0, -1.0, 1e-30, 1e4, -1e4, 1e12, 1e30, -1e30, 3e38, 1e150, 1e300, -1.7e308, 5e-324]
LAST = {"binary_cross_entropy": 1, "multiclass_cross_entropy": 5, "squared_error": 2, "huber": 2}
LAST |= {"absolute_error": 2, "poisson": 1, "focal": 1}


@dataclass
class Arrays:
    """A network and arrays to train it on, some of them of sizes that hardly fit."""

    loss: str
    dtype: str
    activation: str
    squash: bool
    members: int
    optimizer: str
    engine: str
    X: Any
    y: Any
    w: Any


@st.composite
def arrays(draw: Any) -> Arrays:
    """Return a small network, and a table, targets and weights of any size."""
    rows, inputs = draw(st.integers(1, 12)), draw(st.integers(1, 3))
    loss = draw(st.sampled_from(tuple(LAST)))
    sizes = draw(st.lists(st.sampled_from(SIZES), min_size=1, max_size=3))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    X = rng.uniform(-1, 1, (rows, inputs)) * rng.choice(sizes, (1, inputs))
    if draw(st.booleans()):
        X = rng.choice(sizes, (rows, inputs))
    if loss.endswith("entropy") or loss == "focal":
        y = rng.integers(0, max(LAST[loss], 2), rows).astype(float)
        y[: rows * draw(st.booleans())] = 0.0  # one class alone
    else:
        y = rng.uniform(-1, 1, (rows, LAST[loss])) * draw(st.sampled_from(SIZES))
        y = np.abs(y) if loss == "poisson" else y
    w = draw(weights(rows))
    return Arrays(
        *(loss, draw(st.sampled_from(["float32", "float64"]))),
        draw(st.sampled_from(["tanh", "relu", "gelu", "softplus", "elu", "sigmoid", "mish"])),
        *(draw(st.booleans()), draw(st.integers(1, 2))),
        draw(st.sampled_from(["sgd", "momentum", "adam", "rmsprop", "adamw", "nesterov"])),
        *(draw(st.sampled_from(["numpy", "eager"])), X, y, w),
    )
