"""Tables of every library: the same values make the same frame, and what is no table is refused."""

import datetime as dt
import enum
import re
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import csr_array

from glassnet.tabular.frame import Column, Frame, read_frame
from glassnet.tabular.sources import LONG
from glassnet.tabular.words import code, day, days, gap, word


def same(*frames: Frame) -> None:
    """All frames say the same."""
    first = frames[0]
    for other in frames[1:]:
        assert (other.rows, other.named) == (first.rows, first.named)
        assert [c.name for c in other.columns] == [c.name for c in first.columns]
        for mine, its in zip(first.columns, other.columns, strict=True):
            assert its.kind == mine.kind, mine.name
            np.testing.assert_array_equal(its.values, mine.values, mine.name)
            assert (its.values.dtype == object) == (mine.values.dtype == object)
    for column in (column for frame in frames for column in frame.columns):
        codes, words = column.coded()
        assert len(set(words)) == len(words)
        if column.kind == "categories":
            rebuilt = [None if place < 0 else words[place] for place in codes]
            assert rebuilt == column.values.tolist()


def only(X, **how) -> Column:
    (column,) = read_frame(X, **how).columns
    return column


NOON = dt.datetime(2020, 1, 2, 12)
VALUES = {
    "floats": [1.5, None, -2.0, np.inf],
    "whole": [1, 2, 3, -4],
    "whole_gap": [1, None, 3, 3],
    "truths": [True, False, True, True],
    "truths_gap": [True, None, False, True],
    "text": ["b", "a", "", "b"],
    "text_gap": ["b", None, "3", "b"],
    "dates": [dt.date(2020, 1, 2), None, dt.date(1969, 12, 31), dt.date(2020, 1, 2)],
    "moments": [NOON, None, NOON + dt.timedelta(microseconds=7), NOON],
    "spans": [dt.timedelta(hours=36), None, dt.timedelta(0), dt.timedelta(days=-1)],
    "times": [dt.time(6), None, dt.time(18), dt.time(6)],
    "decimals": [Decimal("1.50"), None, Decimal("2.25"), Decimal(0)],
    "nothing": [None, None, None, None],
}


@pytest.mark.parametrize("rows", [4, LONG * 2])
def test_every_library_makes_the_same_frame(rows: int) -> None:
    values = {name: each * (rows // 4) for name, each in VALUES.items()}
    polars = pl.DataFrame(values)
    arrow = pa.table(values)
    aware = polars.with_columns(pl.col("moments").dt.replace_time_zone("UTC"))
    berlin = aware.with_columns(pl.col("moments").dt.convert_time_zone("Europe/Berlin"))
    pandas = pd.DataFrame(values)
    nullable = pandas.convert_dtypes()
    same(
        read_frame(values),
        read_frame(pandas),
        read_frame(pandas.astype(object)),
        read_frame(nullable),
        read_frame(pandas.assign(moments=pandas["moments"].astype("datetime64[ns]"))),
        read_frame(pandas.assign(moments=pandas["moments"].dt.tz_localize("UTC"))),
        read_frame(polars),
        read_frame(aware),
        read_frame(berlin),
        read_frame(polars.with_columns(pl.col("text", "text_gap").cast(pl.Categorical))),
        read_frame(polars.with_columns(pl.col("text_gap").cast(pl.Enum(["z", "3", "a", "b"])))),
        read_frame(arrow),
        read_frame(pa.concat_tables([arrow.slice(0, 1), arrow.slice(1)])),
        read_frame(arrow.to_pandas(types_mapper=pd.ArrowDtype)),
        read_frame({name: arrow.column(name).combine_chunks() for name in values}),
        read_frame({name: pandas[name] for name in values}),
        read_frame({name: polars[name] for name in values}),
    )
    frame = {column.name: column for column in read_frame(polars).columns}
    assert frame["moments"].values[0] == 18263.5
    assert frame["dates"].values[2] == -1
    assert frame["spans"].values[:1] == 1.5
    assert frame["times"].values[2] == 0.75
    assert frame["truths_gap"].values[:3].tolist() == ["True", None, "False"]
    assert frame["text"].values[2] == "", "an empty text is a text"


@pytest.mark.parametrize("rows", [4, LONG * 2])
def test_chosen_columns_are_the_same_words_everywhere(rows: int) -> None:
    values = {name: each * (rows // 4) for name, each in VALUES.items() if name != "nothing"}
    how = {"categorical_features": list(values)}
    tables = [pd.DataFrame(values), pl.DataFrame(values), pa.table(values), values]
    tables.append(pd.DataFrame(values).convert_dtypes())
    same(*(read_frame(table, **how) for table in tables))
    frame = read_frame(tables[1], **how)
    assert {column.kind for column in frame.columns} == {"categories"}
    words = {column.name: column.values[:4].tolist() for column in frame.columns}
    assert words["whole_gap"] == ["1", None, "3", "3"]
    assert words["floats"] == ["1.5", None, "-2", "inf"]
    assert words["decimals"] == ["1.5", None, "2.25", "0"]
    assert words["dates"] == ["18263", None, "-1", "18263"]


def test_pandas_nothing_at_all_and_object_truths() -> None:
    for gaps in ([None, None], [np.nan, None], [pd.NA, pd.NaT]):
        column = only(pd.DataFrame({"a": pd.Series(gaps, dtype=object)}))
        assert column.kind == "numbers"
        assert np.isnan(column.values).all()
    for value in (None, np.nan, pd.NA):
        column = only(pd.DataFrame({"a": pd.Series([True, value, False], dtype=object)}))
        assert column.values.tolist() == ["True", None, "False"]
        column = only(pd.DataFrame({"a": pd.Series(["x", value], dtype=object)}))
        assert column.values.tolist() == ["x", None]
        column = only(pd.DataFrame({"a": pd.Series([dt.date(1970, 1, 3), value], dtype=object)}))
        np.testing.assert_array_equal(column.values, [2, np.nan])


def test_categories_of_whole_numbers_are_the_same_with_and_without_gaps() -> None:
    trained = pd.DataFrame({"a": pd.Series([3, 1, 3], dtype="category")})
    later = pd.DataFrame({"a": pd.Series([3, None, 1]).astype("category")})
    assert later["a"].cat.categories.dtype == float
    assert only(trained).values.tolist() == ["3", "1", "3"]
    assert only(later).values.tolist() == ["3", None, "1"]
    floats = pd.DataFrame({"a": [3.0, np.nan, 1.0]})
    assert only(floats, categorical_features=["a"]).values.tolist() == ["3", None, "1"]


def test_whole_numbers_beyond_a_float_stay_apart() -> None:
    large = [2**60 + 1, 2**60 + 2, None]
    for table in (
        {"a": large},
        pd.DataFrame({"a": pd.array(large, dtype="Int64")}),
        pl.DataFrame({"a": large}),
        pa.table({"a": large}),
        pd.DataFrame({"a": large[:2]}),
    ):
        words = only(table, categorical_features=[0]).values.tolist()
        assert words[:2] == [str(2**60 + 1), str(2**60 + 2)]
    assert only({"a": [10**400, -(10**400), 1]}).values.tolist() == [np.inf, -np.inf, 1]


def test_unused_categories_and_few_rows_of_many() -> None:
    kind = pd.CategoricalDtype([f"c{i}" for i in range(3000)])
    long = pd.Series(["c7", None, "c2999"] * LONG, dtype=kind)
    for rows in (3, 3 * LONG):
        column = only(pd.DataFrame({"a": long[:rows]}))
        assert column.values[:3].tolist() == ["c7", None, "c2999"]
    short = only(pd.DataFrame({"a": long[:3]}))
    assert short.words == ("c7", "c2999"), "no time is spent on what no row has"
    arrow = pa.DictionaryArray.from_arrays([7, None, 2999], [f"c{i}" for i in range(3000)])
    column = only(pa.table({"a": arrow}))
    assert (column.values.tolist(), column.words) == (["c7", None, "c2999"], ("c7", "c2999"))


def test_chunks_with_dictionaries_of_their_own() -> None:
    chunks = [pa.array(each).dictionary_encode() for each in (["a", None], ["b", "a"])]
    assert only(pa.table({"a": pa.chunked_array(chunks)})).values.tolist() == ["a", None, "b", "a"]


def test_numbers_of_every_type() -> None:
    for kind in ("i1", "u8", "f2", "f4", "g", "?"):
        column = only(np.array([[1], [0]], dtype=kind))
        assert (column.kind, column.numbers.dtype) == ("numbers", np.float64)
        assert column.values.tolist() == [1, 0]
    assert only(pd.DataFrame({"a": pd.arrays.SparseArray([0.0, 2.0])})).values.tolist() == [0, 2]
    assert (
        only(pd.DataFrame({"a": pd.period_range("1970-01", periods=2, freq="M")})).values[1] == 31
    )
    masked = np.ma.array([[1.0, 2.0], [3.0, 4.0]], mask=[[False, True], [False, False]])
    np.testing.assert_array_equal(read_frame(masked).columns[1].values, [np.nan, 4])
    moments = np.array([["1970-01-02", "NaT"]], dtype="M8[D]")
    np.testing.assert_array_equal([c.values[0] for c in read_frame(moments).columns], [1, np.nan])
    record = np.array([(1, "x"), (2, "y")], dtype=[("a", int), ("b", "U1")])
    same(read_frame(record), read_frame({"a": [1, 2], "b": ["x", "y"]}))


@pytest.mark.parametrize("unit", ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "7h"])
def test_days_of_every_unit(unit: str) -> None:
    times = np.array(["1971-01-01", "NaT", "1970-01-01"], dtype="M8[D]").astype(f"M8[{unit}]")
    expected = times.astype("M8[us]").astype(float) / 86400e6
    expected[1] = np.nan
    np.testing.assert_array_equal(days(times), expected)
    assert day(times[0]) == expected[0]


def test_moments_are_the_same_in_every_unit_and_zone() -> None:
    times = np.datetime64("2020-01-02T03:04:05", "us") + np.arange(2000) * 12345679
    microseconds = days(times)
    np.testing.assert_array_equal(days(times.astype("M8[ns]")), microseconds)
    np.testing.assert_array_equal([day(each) for each in times.tolist()], microseconds)
    tokyo = pd.Series(times).dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
    for column in (tokyo, tokyo.astype(object), tokyo.dt.to_pydatetime()):
        np.testing.assert_array_equal(only({"a": column}).values, microseconds)
    mixed = only({"a": [np.timedelta64(1, "D"), 5]})
    assert mixed.values.tolist() == ["1", "5"], "a span is no number beside numbers"


def test_an_array_of_objects_column_by_column() -> None:
    X = np.array([[1, "a", True, None], [2.5, "b", False, None]], dtype=object)
    frame = read_frame(X)
    assert [column.kind for column in frame.columns] == ["numbers", "categories"] + ["numbers"] * 2
    assert [column.name for column in frame.columns] == ["x0", "x1", "x2", "x3"]
    assert not frame.named
    same(frame, read_frame(X.tolist()))
    assert read_frame([[1, "a"], [2, "b"]]).columns[0].kind == "numbers"
    assert only(np.array([["1"], ["x"]])).values.tolist() == ["1", "x"]
    assert only(X[:, 2:3], categorical_features=[0]).values.tolist() == ["True", "False"]
    odd = np.array([[{"foo": 1}], [None]], dtype=object)
    odd[1, 0] = [2]
    assert only(odd).values.tolist() == ["{'foo': 1}", "[2]"]


def test_columns_of_an_array_are_views() -> None:
    X = np.random.default_rng(0).normal(size=(10, 3))
    assert all(np.shares_memory(column.values, X) for column in read_frame(X).columns)
    table = pd.DataFrame(X, columns=["a", "b", "c"])
    assert all(np.shares_memory(column.values, table) for column in read_frame(table).columns)


def test_columns_without_names() -> None:
    frame = read_frame(pd.DataFrame([[1, 2], [3, 4]]))
    assert (frame.named, [column.name for column in frame.columns]) == (False, ["x0", "x1"])
    awkward = {"collect": [1], "toarray": [2], "tocsr": [3], "columns": [4], "column_names": [5]}
    same(read_frame(pd.DataFrame(awkward)), read_frame(awkward))


class Colour(enum.StrEnum):
    RED = "red"


class Shade(str, enum.Enum):  # noqa: UP042  (the older way, whose str says something else)
    DARK = "dark"


def test_words_and_gaps() -> None:
    equal = [3, 3.0, np.int8(3), np.float32(3), Decimal("3.0"), Fraction(3), "3"]
    assert {word(value) for value in equal} == {"3"}
    assert word(-0.0) == word(0) == "0"
    assert word(np.True_) == word(True) == "True"
    assert word(Colour.RED) == "red"
    assert word(Shade.DARK) == "dark"
    assert word(pd.Timestamp("1970-01-02", tz="UTC")) == "1"
    apart = [0.1, 0.1 + 1e-17 * 8, 1e300, 2**64, -1, 1, True, (1, 2), (1, "2"), b"a", "a", np.inf]
    assert len({word(value) for value in apart}) == len(apart) - (apart[1] == 0.1)
    gaps = [None, np.nan, np.float32("nan"), pd.NA, pd.NaT, np.datetime64("NaT"), Decimal("NaN")]
    assert all(map(gap, [*gaps, Decimal("sNaN"), np.timedelta64("NaT")]))
    assert code([*gaps, "x"])[0].tolist() == [-1] * len(gaps) + [0]
    codes, words = code([True, 1, "a", 1.0, np.False_, 0, None])
    assert [words[place] for place in codes[:-1]] == ["True", "1", "a", "1", "False", "0"]
    assert only({"a": [Decimal("sNaN"), Decimal(2)]}).values[1] == 2
    intervals = pd.cut(pd.Series([0.5, 1.5]), [0, 1, 2])
    assert only(pd.DataFrame({"a": intervals})).values.tolist() == ["(0, 1]", "(1, 2]"]


# ---- categorical_features ------------------------------------------------------------------------

TABLE = {"a": [1, 2], "b": ["u", "v"], "c": [0.5, 1.5], "d": [True, False]}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("from_dtype", "bd"),
        (None, "b"),
        ([], "b"),
        (["a"], "ab"),
        (np.array(["a", "d"]), "abd"),
        (pd.Index(["c"]), "bc"),
        ([0, 3], "abd"),
        (np.array([2]), "bc"),
        ([True, False, False, True], "abd"),
        (np.zeros(4, bool), "b"),
    ],
)
def test_categorical_features(given, expected) -> None:
    frame = read_frame(pd.DataFrame(TABLE), given)
    assert "".join(c.name for c in frame.columns if c.kind == "categories") == expected
    same(frame, read_frame(pl.DataFrame(TABLE), given))


def test_categories_of_numbers_are_numbers_if_that_is_asked() -> None:
    table = pd.DataFrame({"a": pd.Categorical([4, None, 2])})
    assert only(table).kind == "categories"
    np.testing.assert_array_equal(only(table, categorical_features=None).values, [4, np.nan, 2])
    assert only(pd.DataFrame({"a": pd.Categorical(["x"])}), categorical_features=None).words == (
        "x",
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("all", "categorical_features: expected 'from_dtype', None or a list, got 'all'"),
        (["aa"], "expected names of columns of X, got 'aa'; did you mean 'a'?"),
        ([4], "expected places from 0 to 3, got 4"),
        ([-1], "expected places from 0 to 3, got -1"),
        ([True], "expected 4 of True and False, one a column, got 1"),
        ([0.5], "or of True and False, got [0.5]"),
        ([[1]], "or of True and False, got [[1]]"),
        (3, "or of True and False, got 3"),
        (np.array([None]), "expected names or places, got None"),
    ],
)
def test_other_categorical_features_are_refused(given, message) -> None:
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        read_frame(TABLE, given)


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([1, 2, 3], "Expected 2D array, got 1D array instead"),
        (pd.Series([1, 2]), r"Reshape your data either using array.reshape\(-1, 1\)"),
        (pl.Series([1, 2]), r"array.reshape\(1, -1\) if it contains a single sample"),
        (np.zeros((2, 2, 2)), "Expected 2D array, got 3D array"),
        (7, "Expected 2D array, got 0D array"),
        (None, "X: expected a table, got None"),
        ("table.csv", "X: expected a table, got 'table.csv'"),
        ([[1, 2], [3]], "rows of unequal lengths"),
        (csr_array(np.eye(2)), "sparse"),
        (pl.LazyFrame({"a": [1]}), r"got a lazy one; use X.collect\(\)"),
        (np.empty((0, 3)), r"0 sample\(s\) \(shape=\(0, 3\)\) while a minimum of 1 is required."),
        (pl.DataFrame({"a": []}), r"0 sample\(s\) \(shape=\(0, 1\)\)"),
        ({"a": np.zeros(0), "b": []}, r"0 sample\(s\) \(shape=\(0, 2\)\)"),
        (
            np.empty((12, 0)),
            r"0 feature\(s\) \(shape=\(12, 0\)\) while a minimum of 1 is required.",
        ),
        (pd.DataFrame(index=range(3)), r"0 feature\(s\) \(shape=\(3, 0\)\)"),
        ({}, r"0 feature\(s\) \(shape=\(0, 0\)\)"),
        (np.ones((2, 1), complex), "Complex data not supported"),
        (np.array([[1j], [None]], dtype=object), "column 'x0': Complex data not supported"),
        (pd.DataFrame({"a": [1j]}), "column 'a': Complex data not supported"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "different names, got 'a' 2 times"),
        (pd.DataFrame([[1, 2]], columns=["a", 7]), "names of columns that are all text, got 7 too"),
        ({"a": [1, 2], "b": [1]}, "column 'b': expected 2 rows, as 'a' has, got 1"),
        ({"a": np.eye(2)}, r"column 'a': expected one value a row, got shape \(2, 2\)"),
        ({"a": "word"}, r"column 'a': expected one value a row, got shape \(\)"),
        (np.zeros((2, 2), dtype="V3"), r"X: expected numbers or text, got dtype"),
    ],
    ids=str,
)
def test_what_is_no_table_is_refused(X, message) -> None:
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        read_frame(X)
    assert "\n" not in str(caught.value)
    if message == "sparse":
        assert caught.type is TypeError


def test_no_other_library_is_imported() -> None:
    script = (
        "import sys, glassnet.tabular.encoding\n"
        "print([name for name in ('pandas', 'polars', 'pyarrow') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("rows", [1, 5, 1500])
def test_few_rows_of_pandas_are_read_as_many_are(rows: int) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.standard_normal(rows), "b": np.arange(rows), "c": 1.5})
    X = X.astype({"c": "float32"})
    for large in (False, True):
        X["b"] += large * (2**60 + 1)
        for how in ("from_dtype", ["b"]):
            frame = read_frame(X, how)
            same(frame, read_frame({name: X[name].tolist() for name in X}, how))
        assert read_frame(X, ["b"]).columns[1].values[0] == str(X["b"].iloc[0])
