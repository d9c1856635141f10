"""What the columns of a frame become, and that later tables become the same."""

import copy
import datetime as dt
import json
import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from glassnet.tabular.encoding import Encoding
from glassnet.tabular.fitted import MOST_CATEGORIES, MOST_HOT, MOST_ROWS, Categories, Numbers
from glassnet.tabular.frame import Column, Frame, read_frame


def fitted(X, rows=None, **how) -> Encoding:
    return Encoding.fit(read_frame(X, **how), rows)


def inputs(encoding: Encoding, X, **how) -> list[list[float]]:
    matrix = encoding.encode(read_frame(X, **how))
    assert matrix.dtype == np.float32
    assert matrix.flags.c_contiguous
    return matrix.tolist()


def column(encoding: Encoding, values) -> list[float]:
    """Return the inputs of the only column, called a, which are one each."""
    return [row[0] if len(row) == 1 else row for row in inputs(encoding, {"a": values})]


# ---- the blocks ----------------------------------------------------------------------------------


def test_the_blocks_lie_in_their_order() -> None:
    many = [f"c{i % 12:02}" for i in range(24)]
    table = {
        "many": many,
        "three": ["u", "v", "w"] * 8,
        "mark": [7.0, None] * 12,
        "gappy": [None, *range(23)],
        "truth": [True, False] * 12,
        "same": ["s"] * 24,
        "plain": [float(i) for i in range(24)],
        "gappy2": [*range(100, 123), None],
        "nothing": [None] * 24,
        "many_gap": [None, *many[1:]],
        "plain2": [float(i * i) for i in range(24)],
    }
    encoding = fitted(table)
    assert (encoding.numbers, encoding.gappy, encoding.marks, encoding.hot) == (2, 2, 3, 4)
    assert encoding.cardinalities == (12, 13)
    assert encoding.width == 13
    matrix = np.array(inputs(encoding, table))
    assert matrix.shape == (24, 13)
    np.testing.assert_allclose(matrix[:, 0], (np.arange(24) - 11.5) / 11.5)
    squares = np.square(np.arange(24.0))
    low, middle, high = np.quantile(squares, [0.25, 0.5, 0.75])
    np.testing.assert_allclose(matrix[:, 1], (squares - middle) / (high - low), rtol=1e-6)
    assert matrix[0, 2] == matrix[-1, 3] == 0
    assert np.count_nonzero(matrix[:, 2]) == 22, "one gap, and one at the centre"
    assert matrix[:, 4].tolist() == [1] + [0] * 23, "the mark of gappy"
    assert matrix[:, 5].tolist() == [0] * 23 + [1], "the mark of gappy2"
    assert matrix[:, 6].tolist() == [0, 1] * 12, "mark has nothing but its mark"
    assert matrix[:, 7:10].tolist() == np.eye(3).tolist() * 8
    assert matrix[:, 10].tolist() == [1, -1] * 12
    assert matrix[:, 11].tolist() == list(range(12)) * 2
    assert matrix[:, 12].tolist() == [12, *range(1, 12), *range(12)]
    told = encoding.describe()
    assert [name for name, _, _ in told[-2:]] == ["same", "nothing"]
    assert told[-2:] == [("same", "left out", "always 's'"), ("nothing", "left out", "all gaps")]
    assert ("mark", "mark", "7 or a gap: 12 gaps marked") in told
    assert ("gappy", "numbers", "center 11, scale 11, 1 gap marked") in told
    assert ("three", "categories", "3 categories: 'u', 'v', 'w'") in told
    words = "12 categories, as codes: 'c00', 'c01', 'c02', 'c03', ...; 1 gap"
    assert ("many_gap", "categories", words) in told


def test_nothing_at_all_is_left() -> None:
    encoding = fitted({"a": [1, 1], "b": ["x", "x"], "c": [None, None]})
    assert encoding.width == 0
    assert encoding.encode(read_frame({"z": [1, 2, 3]})).shape == (3, 0)


# ---- numbers -------------------------------------------------------------------------------------


def test_the_scale_is_the_quartiles_distance_or_half_the_range() -> None:
    assert fitted({"a": [0.0, 1, 2, 3, 100]}).columns[0] == Numbers("a", 2.0, 2.0, 0)
    assert fitted({"a": [0.0] * 9 + [8.0]}).columns[0] == Numbers("a", 0.0, 4.0, 0)
    assert column(fitted({"a": [0.0] * 9 + [8.0]}), [8, 4, None]) == [2, 1, 0]


def test_infinities_lie_at_the_ends_and_do_not_count() -> None:
    encoding = fitted({"a": [0.0, 1, 2, 3, 4, np.inf, -np.inf]})
    assert encoding.columns[0] == Numbers("a", 2.0, 2.0, 0)
    assert column(encoding, [np.inf, -np.inf, 3, 1e300]) == [1e6, -1e6, 0.5, 1e6]
    assert fitted({"a": [np.inf] * 3}).describe() == [("a", "left out", "always inf")]
    assert column(fitted({"a": [np.inf, -np.inf]}), [np.inf, 0]) == [1e6, 0]
    assert column(fitted({"a": [np.inf, 5.0]}), [np.inf, 5]) == [1e6, 0]


@pytest.mark.parametrize(
    "values",
    [
        [1.7e308, -1.7e308, 0, 1e308],
        [1.7976931348623157e308, -1.7976931348623157e308],
        [1.7976931348623157e308] * 3 + [-1.7976931348623157e308] * 3,
        [1.7976931348623157e308] * 3 + [-1.7976931348623157e308],
        [5e-324, 0, 1e-323],
        [0.0, 5e-324],
        [0.0] * 9 + [5e-324],
        [1e308, 1e-308, 0],
        [1e300, 2e300, 3e300, 1.1e308],
    ],
)
def test_the_largest_and_the_smallest_numbers(values) -> None:
    encoding = fitted({"a": values})
    scaled = column(encoding, values)
    assert np.isfinite(scaled).all()
    center, scale = Fraction(encoding.columns[0].center), Fraction(encoding.columns[0].scale)
    exact = [max(-1e6, min(float((Fraction(value) - center) / scale), 1e6)) for value in values]
    np.testing.assert_allclose(scaled, exact, rtol=1e-6)
    assert len(set(scaled)) > 1
    assert max(map(abs, scaled)) >= 0.5
    assert column(encoding, [np.inf, -1.7e308, None])[2] == 0
    read = Encoding.from_json(json.loads(json.dumps(encoding.to_json())))
    assert column(read, values) == scaled


def test_a_median_of_many_rows_is_taken_of_some_and_the_rest_of_all() -> None:
    count = MOST_ROWS * 2 + 1
    values = np.linspace(0, 8, count)
    encoding = fitted(values[:, None])
    assert encoding.columns[0].center == pytest.approx(4, rel=1e-4)
    assert encoding.columns[0].scale == pytest.approx(4, rel=1e-4)
    rare = np.zeros(count)
    rare[1], rare[-2] = 6, np.nan  # between the rows that are taken
    assert fitted(rare[:, None]).columns[0] == Numbers("x0", 0.0, 3.0, 1)


def test_dates_are_numbers() -> None:
    days = [dt.datetime(2020, 1, day) for day in (1, 2, 3, 5, 6)]
    for make in (pd.DataFrame, pl.DataFrame):
        encoding = fitted(make({"a": days}))
        assert column(encoding, [dt.datetime(2020, 1, 3), None]) == [0, 0]
        later = make({"a": [dt.date(2020, 1, 6)]})
        assert inputs(encoding, later) == [[1.0]]


# ---- categories ----------------------------------------------------------------------------------


def test_two_categories_are_one_column() -> None:
    for gaps in ([], [None]):
        encoding = fitted({"a": ["v", "u", "v", *gaps]})
        assert (encoding.hot, encoding.width) == (1, 1)
        assert column(encoding, ["u", "v", None, "w"]) == [-1, 1, 0, 0]


def test_one_category_and_gaps_are_one_column() -> None:
    encoding = fitted({"a": ["v", None, "v"]})
    assert column(encoding, ["u", "v", None]) == [0, 1, 0]


@pytest.mark.parametrize("gaps", [[], [None, None]])
def test_few_categories_are_hot_and_many_are_codes(gaps) -> None:
    few = [f"c{i}" for i in range(MOST_HOT)]
    encoding = fitted({"a": few + gaps})
    assert (encoding.hot, encoding.cardinalities) == (MOST_HOT, ())
    expected = [*np.eye(MOST_HOT).tolist(), [0] * MOST_HOT, [0] * MOST_HOT]
    assert column(encoding, [*few, None, "?"]) == expected
    many = [f"c{i}" for i in range(MOST_HOT + 1)]
    encoding = fitted({"a": many[::-1] + gaps})
    assert (encoding.hot, encoding.cardinalities) == (0, (MOST_HOT + 1 + bool(gaps),))
    expected = [*range(MOST_HOT + 1), MOST_HOT + 1, MOST_HOT + 1 + bool(gaps)]
    assert column(encoding, [*many, None, "?"]) == expected


def test_rare_categories_are_as_unseen() -> None:
    words = [f"c{i:03}" for i in range(300)]
    common = [words[0], *words[1 - MOST_CATEGORIES :]]
    encoding = fitted({"a": words + common})
    assert encoding.cardinalities == (MOST_CATEGORIES,)
    known = encoding.columns[0]
    assert isinstance(known, Categories)
    assert known.words == tuple(common)
    assert known.rest == 300 - MOST_CATEGORIES
    assert column(encoding, ["c001", "c299", "?"]) == [254, 253, 254]
    assert "; 46 rarer ones count as unseen" in encoding.describe()[0][2]


def test_whole_numbers_as_categories_with_and_without_gaps() -> None:
    for trained in (
        pd.DataFrame({"a": pd.Series([1, 2, 3]).astype("category")}),
        pl.DataFrame({"a": ["1", "2", "3"]}, schema={"a": pl.Categorical}),
    ):
        encoding = fitted(trained)
        expected = [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
        for later in (
            pd.DataFrame({"a": pd.Series([3, None, 1]).astype("category")}),
            pd.DataFrame({"a": [3, None, 1]}),
            pd.DataFrame({"a": pd.array([3, None, 1], dtype="Int64")}),
            pl.DataFrame({"a": [3, None, 1]}),
            {"a": ["3", None, "1"]},
            np.array([[3], [np.nan], [1]]),
        ):
            assert inputs(encoding, later) == expected
    encoding = fitted(np.array([[1], [2], [3]]), categorical_features=[0])
    assert inputs(encoding, np.array([[3], [np.nan], [1.0]])) == expected


def test_unused_categories_do_not_count() -> None:
    kind = pd.CategoricalDtype(["w", "v", "u", "t"])
    encoding = fitted(pd.DataFrame({"a": pd.Series(["u", "w"] * 3, dtype=kind)}))
    assert encoding.columns[0].words == ("u", "w")
    assert inputs(encoding, pd.DataFrame({"a": pd.Series(["t", "u", None], dtype=kind)})) == [
        [0], [-1], [0],
    ]  # fmt: skip
    assert fitted(pd.DataFrame({"a": pd.Series(["u"] * 6, dtype=kind)})).width == 0


def test_truths_are_the_same_however_they_come() -> None:
    encoding = fitted(pd.DataFrame({"a": [True, False]}))
    for truths in ([False, True], [0, 1], [0.0, 1.0], ["false", "TRUE"], np.array([False, True])):
        assert column(encoding, truths) == [-1, 1]
    assert inputs(encoding, np.array([[False], [True]])) == [[-1], [1]]
    assert column(fitted({"a": ["true", "True", "0"]}), ["TRUE", "False"]) == [[0] * 3] * 2
    encoding = fitted(np.array([[False], [True]]))
    assert inputs(encoding, pd.DataFrame({"a": [False, True]})) == [[-1], [1]]


# ---- later tables --------------------------------------------------------------------------------


def test_columns_are_found_by_name() -> None:
    encoding = fitted({"weight": [1, 2, 3], "kind": ["u", "v", "u"], "same": [1, 1, 1]})
    expected = inputs(encoding, {"weight": [3], "kind": ["v"], "same": [1]})
    assert inputs(encoding, {"other": ["?"], "kind": ["v"], "weight": [3]}) == expected
    assert inputs(encoding, [[3, "v", 1]]) == expected
    with pytest.raises(
        ValueError, match=r"^X: expected a column 'weight', got none; did you mean "
    ):
        encoding.encode(read_frame({"wieght": [3], "kind": ["v"]}))


def test_columns_without_names_are_found_by_place() -> None:
    encoding = fitted(np.arange(12.0).reshape(3, 4))
    message = "^X has 3 features, but TabularClassifier is expecting 4 features as input$"
    with pytest.raises(ValueError, match=message):
        encoding.encode(read_frame(np.ones((2, 3))), "TabularClassifier")
    with pytest.raises(ValueError, match="but Encoding is expecting 4 features"):
        encoding.encode(read_frame({"x0": [1]}))
    row = inputs(encoding, [[4, 5, 6, 7]])
    assert inputs(encoding, dict(zip("abcd", [[4], [5], [6], [7]], strict=True))) == row


def test_text_where_numbers_were() -> None:
    encoding = fitted({"a": [1.0, 2, 3, 4, 5]})
    expected = [0.5, 0, 0, 1e6, -1]
    assert column(encoding, ["4", "", None, "inf", " 1e0 "]) == expected
    for bad in ("x", "1_0", "2020-01-01"):
        with pytest.raises(
            ValueError, match=f"^column 'a': expected numbers, got '{bad}' in row 2$"
        ):
            column(encoding, ["3", None, bad, "y"])
    category = pd.DataFrame({"a": pd.Series([4, None]).astype("category")})
    assert inputs(encoding, category) == [[0.5], [0]]
    assert column(fitted({"a": [5, None, 5]}), ["5", None]) == [0, 1]


def test_statistics_are_of_the_rows_that_are_given() -> None:
    table = {"a": [1.0, 2, 3, 99, None], "b": ["u", "v", "u", "w", None], "c": [1, 1, 1, 2, 2]}
    rows = np.array([0, 1, 2])
    part = {name: values[:3] for name, values in table.items()}
    assert fitted(table, rows) == fitted(part)
    assert fitted(table) != fitted(part)


def test_pandas_and_polars_are_encoded_alike() -> None:
    rng = np.random.default_rng(0)
    table = {
        "n": rng.normal(size=3000).tolist(),
        "g": [None if i % 7 == 0 else float(i) for i in range(3000)],
        "t": [f"w{i % 300}" for i in range(3000)],
        "b": [bool(i % 3) for i in range(3000)],
    }
    first, second = fitted(pd.DataFrame(table)), fitted(pl.DataFrame(table))
    assert first == second
    assert inputs(first, pl.DataFrame(table)) == inputs(second, pd.DataFrame(table))
    assert (
        inputs(first, {name: values[:1] for name, values in table.items()})
        == (inputs(first, table)[:1])
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_columns_together_are_encoded_as_each_by_itself(dtype) -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((5000, 4)).astype(dtype) * np.array([1, 1e3, 1e-3, 1], dtype) + dtype(7)
    X[rng.random(X.shape) < 0.1] = np.nan
    X[7, 0], X[8, 1] = np.inf, -np.inf
    if dtype is np.float64:
        X[:, 3] *= 1e307  # whose differences are too large for float64
    encoding = fitted(X)
    assert read_frame(X).together is not None
    apart = read_frame({f"x{place}": X[:, place] for place in range(4)})
    assert apart.together is None
    expected = np.stack(
        [each.encode(X[:, place]) for place, each in enumerate(encoding.columns)], axis=1
    ).astype(np.float32)
    for frame in (read_frame(X), apart):
        found = encoding.encode(frame)
        np.testing.assert_array_equal(found[:, :4], expected)
        np.testing.assert_array_equal(found[:, 4:], np.isnan(X))
    named = {name: X[:, place] for place, name in enumerate("abcd")}
    mixed = pd.DataFrame({name: named[name] for name in "dbxac" if name != "x"})[:300]
    assert read_frame(mixed).together is not None
    found = fitted(pd.DataFrame(named)).encode(read_frame(mixed))
    np.testing.assert_array_equal(found[:, :4], expected[:300])


def test_a_column_made_by_hand() -> None:
    values = np.array(["b", None, "a"], dtype=object)
    frame = Frame(("a",), 3, True, apart=(Column("a", values, "categories"),))
    assert Encoding.fit(frame).encode(frame).tolist() == [[1], [0], [-1]]


# ---- anything ------------------------------------------------------------------------------------

CELLS = st.none() | st.floats() | st.integers(-3, 3) | st.booleans() | st.sampled_from("abc")


@settings(deadline=None, max_examples=200)
@given(st.data(), st.integers(1, 12), st.integers(1, 4))
def test_inputs_are_finite_whatever_comes(data, rows, columns) -> None:
    kinds = [CELLS, st.floats(), st.floats(width=16), st.sampled_from([None, *"abcdefghijk"])]
    table = {
        f"c{i}": data.draw(
            st.lists(data.draw(st.sampled_from(kinds)), min_size=rows, max_size=rows)
        )
        for i in range(columns)
    }
    frame = read_frame(table)
    encoding = Encoding.fit(frame)
    matrix = encoding.encode(frame)
    assert matrix.shape == (rows, encoding.width)
    assert np.isfinite(matrix).all()
    assert Encoding.from_json(json.loads(json.dumps(encoding.to_json()))) == encoding
    other = data.draw(arrays(np.float64, (3, columns)))
    by_place = encoding.encode(read_frame(other))
    assert by_place.shape == (3, encoding.width)
    assert np.isfinite(by_place).all()
    for place, count in enumerate(encoding.cardinalities, encoding.width):
        codes = by_place[:, place - len(encoding.cardinalities)]
        assert ((codes >= 0) & (codes <= count)).all()


# ---- model files ---------------------------------------------------------------------------------

SAMPLE = fitted(
    {
        "n": [1, 2, None],
        "m": [5, None, 5],
        "c": ["u", "v", None],
        "o": ["s", "s", None],
        "l": ["x"] * 3,
    }
)


def test_json_gives_the_same_encoding() -> None:
    content = json.loads(json.dumps(SAMPLE.to_json()))
    read = Encoding.from_json(content)
    assert read == SAMPLE
    assert read.to_json() == SAMPLE.to_json()
    assert pickle.loads(pickle.dumps(SAMPLE)) == SAMPLE


@pytest.mark.parametrize(
    ("place", "field", "value"),
    [
        (0, "center", float("nan")),
        (0, "center", 1),
        (0, "center", "1"),
        (0, "scale", 0.0),
        (0, "scale", -1.0),
        (0, "scale", float("inf")),
        (0, "gaps", -1),
        (0, "gaps", True),
        (0, "gaps", 1.0),
        (0, "kind", "other"),
        (0, "kind", []),
        (0, "kind", "mark"),
        (0, "name", 3),
        (0, "name", "m"),
        (0, "more", 3),
        (1, "gaps", 0),
        (1, "value", 5.0),
        (2, "words", []),
        (2, "words", "uv"),
        (2, "words", ["v", "u"]),
        (2, "words", ["u", "u"]),
        (2, "words", [1, 2]),
        (2, "words", [f"{i:03}" for i in range(MOST_CATEGORIES + 1)]),
        (2, "rest", None),
        (3, "gaps", 0),
        (4, "why", None),
    ],
)
def test_what_is_no_encoding_is_refused(place, field, value) -> None:
    content = copy.deepcopy(SAMPLE.to_json())
    content["columns"][place][field] = value
    with pytest.raises(ValueError, match=r"^encoding: expected ") as caught:
        Encoding.from_json(content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {},
        {"named": True, "columns": []},
        {"named": 1, "columns": SAMPLE.to_json()["columns"]},
        {"named": True, "columns": [3]},
        {"named": True, "columns": {"a": 1}},
        {**SAMPLE.to_json(), "more": 1},
        {"named": True, "columns": [{"kind": "left out", "name": "a"}]},
    ],
)
def test_what_is_nothing_like_it_is_refused(content) -> None:
    with pytest.raises(ValueError, match=r"^encoding: expected "):
        Encoding.from_json(content)
