"""Reading tables: CSV as it really comes, Parquet as the same table, and how both are refused."""

import csv
import datetime
import decimal
import io
import re
import subprocess
import sys

import numpy as np
import pyarrow
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from glassnet.csvfile import GAPS, Table, distinct, parse_csv, read_csv, read_table


@pytest.fixture
def write(tmp_path):
    def write(content, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def pack(tmp_path):
    """Write a Parquet file from columns, or from a list of (name, values)."""

    def pack(columns, name="t.parquet"):
        pairs = list(columns.items()) if isinstance(columns, dict) else columns
        arrays = [value if hasattr(value, "type") else pyarrow.array(value) for _, value in pairs]
        table = pyarrow.table(arrays, names=[name for name, _ in pairs])
        parquet.write_table(table, tmp_path / name)
        return tmp_path / name

    return pack


# ---- CSV -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiters_line_ends_and_marks(write, delimiter, end, mark):
    lines = ["größe|b|c", '1.5| "x, y;z"|?', "", " NA |N/A|null", "nan|NaN|None", "", "  ", ""]
    path = write(mark + end.join(line.replace("|", delimiter) for line in lines))
    read = read_table(path)
    assert read.columns == {"größe": ["1.5", "", ""], "b": ["x, y;z", "", ""], "c": ["", "", ""]}
    assert (read.lines, read.notes) == ([2, 4, 5], ())
    assert read == read_csv(path)


@given(
    st.lists(
        st.lists(st.text(st.sampled_from("ab 1.,;|\t\n\r\"'#")), min_size=3, max_size=3),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
)
@settings(deadline=None, max_examples=300)
def test_what_a_csv_writer_wrote_is_what_is_read(rows, delimiter, end):
    """Quotes, separators and line ends in any field, whichever separator parts the fields."""
    # a column of nothing but these is read as decimal commas
    for column in zip(*rows, strict=True):
        known = [field.strip() for field in column if field.strip() not in GAPS]
        comma = any("," in field for field in known)
        decimal = comma and all(re.fullmatch(r"\d*,?\d+", field) for field in known)
        assume(delimiter == "," or not decimal)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([["x", "y", "z"], *rows])
    columns = parse_csv(text.getvalue().encode(), "t.csv").columns
    expected = [[field.strip() for field in column] for column in zip(*rows, strict=True)]
    assert list(columns.values()) == [
        ["" if field in GAPS else field for field in column] for column in expected
    ]


def test_decimal_commas_do_not_part_columns(write):
    assert list(read_csv(write("a;b\n1,5;2,5\n3,5;4,5\n")).columns) == ["a", "b"]


def test_quoted_line_ends_stay_in_their_field(write):
    read = read_csv(write('a,"b\nc"\n1,"x\ny"\n2,z\n'))
    assert read.columns == {"a": ["1", "2"], "b\nc": ["x\ny", "z"]}
    assert read.lines == [4, 5]


def test_a_line_that_names_the_separator_is_none_of_the_table(write):
    read = read_csv(write("\ufeffsep=;\r\na;b\r\n1,5;2\r\n"))
    assert (read.columns, read.lines) == ({"a": ["1.5"], "b": ["2"]}, [3])
    assert list(read_csv(write("sep=x,b\n1,2\n")).columns) == ["sep=x", "b"]


def test_a_column_alone_keeps_its_gaps(write):
    assert read_csv(write('a\n1\n""\n3\n\n')).columns == {"a": ["1", "", "3"]}


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "a", "a"], ["a", "a.2", "a.3"]),
        (["a", "a", "a.2"], ["a", "a.3", "a.2"]),
        (["a", "a.2", "a"], ["a", "a.2", "a.3"]),
        (["", "a", ""], ["column 1", "a", "column 3"]),
        (["", "column 1"], ["column 1.2", "column 1"]),
    ],
)
def test_every_column_gets_a_name_of_its_own(write, header, names):
    read = read_table(write(",".join(header) + "\n" + ",".join("0" * len(header))))
    assert list(read.columns) == names
    ours = [(place, name) for place, name in enumerate(names, 1) if name != header[place - 1]]
    assert len(read.notes) == len(ours)
    for note, (place, name) in zip(read.notes, ours, strict=True):
        assert note.startswith(f"column {place} has ")
        assert note.endswith(f"it is called {name!r} here")
        assert repr(header[place - 1]) in note or "no name" in note


@given(st.lists(st.sampled_from(["", "a", "a.2", "a.3", "column 1", "column 2", "column 2.2"])))
def test_names_are_different_and_the_first_of_each_stays(header):
    names, notes = distinct(header)
    assert len(set(names)) == len(names) == len(header)
    assert len(notes) == sum(name != old for name, old in zip(names, header, strict=True))
    for name in set(header) - {""}:
        assert names[header.index(name)] == name


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "got an empty file"),
        ("\n\n", "got an empty file"),
        ("\ufeff", "got an empty file"),
        ("a,b\n", "expected rows below the header, got none"),
        ("a,b\n\n  \n", "expected rows below the header, got none"),
        (b"a,b\n1,\x00\n", "got a binary one"),
        ("a,b\n1,2\n".encode("utf-16"), "expected text in UTF-8, got UTF-16"),
        (b"a,b\n1,2\nx,\xe9\n", "expected text in UTF-8, got other bytes in line 3"),
        ("a,b\n1,2\n1,2,3\n", "expected 2 fields in line 3, as in the header, got 3"),
        ("a,b\n1,2\n\n1\n", "expected 2 fields in line 4, as in the header, got 1"),
        ('a,b\n1,"2\n', "not a CSV file: unexpected end of data in line 2"),
        ('a,b\n1,"2"3\n', "not a CSV file: .* in line 2"),
        ("a,b\n1," + "x" * 200_000, "not a CSV file: field larger"),
    ],
)
def test_what_is_no_table_is_refused(write, content, why):
    with pytest.raises(ValueError, match=why) as caught:
        read_table(write(content))
    assert "t.csv: " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["Y", "yy", "nothing like it"])
def test_an_unknown_column_is_answered_with_those_there_are(name):
    table = Table({"x": ["1"], "y": ["2"]}, [2], "t.csv")
    with pytest.raises(ValueError, match=f"t.csv: no column '{name}'.* There are: x, y"):
        table.column(name)


# ---- Parquet -------------------------------------------------------------------------------------

DAY = datetime.date(2026, 1, 31)
NOON = datetime.datetime(2026, 1, 31, 12, 0, 5)
TEXT = {
    "integers": ([1, None, 2**62], ["1", "", "4611686018427387904"]),
    "floats": ([0.1, None, float("nan")], ["0.1", "", ""]),
    "all digits": ([1 / 3, 1e300, -0.0], ["0.3333333333333333", "1e+300", "-0.0"]),
    "infinite": ([float("inf"), 1.0, None], ["inf", "1.0", ""]),
    "float32": (pyarrow.array([0.1, None, 1e16], "float32"), ["0.1", "", "1e+16"]),
    "float16": (pyarrow.array(np.float16([0.1, 2, 3])), ["0.1", "2.0", "3.0"]),
    "decimals": ([decimal.Decimal("1.10"), None, decimal.Decimal("-2.05")], ["1.10", "", "-2.05"]),
    "truths": ([True, None, False], ["true", "", "false"]),
    "text": ([" x ", None, "é\ny"], ["x", "", "é\ny"]),
    "gaps in text": (["NA", "?", "nan"], ["", "", ""]),
    "large text": (pyarrow.array(["x", None, "y"], "large_string"), ["x", "", "y"]),
    "text by view": (pyarrow.array(["x", None, "y"], "string_view"), ["x", "", "y"]),
    "categories": (pyarrow.array(["x", None, "y"]).dictionary_encode(), ["x", "", "y"]),
    "categories of numbers": (pyarrow.array([7, None, 8]).dictionary_encode(), ["7", "", "8"]),
    "days": ([DAY, None, DAY], ["2026-01-31", "", "2026-01-31"]),
    "moments": ([NOON, None, NOON], ["2026-01-31 12:00:05", "", "2026-01-31 12:00:05"]),
    "midnights": (
        pyarrow.array([DAY, None, DAY], "date32").cast("timestamp[ns]"),
        ["2026-01-31", "", "2026-01-31"],
    ),
    "fractions": (
        pyarrow.array([1, None, 1_000_000_000], "timestamp[ns]"),
        ["1970-01-01 00:00:00.000000001", "", "1970-01-01 00:00:01.000000000"],
    ),
    "time of day": ([NOON.time(), None, NOON.time()], ["12:00:05", "", "12:00:05"]),
    "durations": (pyarrow.array([3, None, 4], "duration[s]"), ["3", "", "4"]),
    "nothing": ([None, None, None], ["", "", ""]),
}


@pytest.mark.parametrize("kind", TEXT)
@pytest.mark.parametrize("name", ["t.parquet", "t.PARQUET", "t.dat"])
def test_what_becomes_of_parquet(pack, kind, name):
    values, text = TEXT[kind]
    try:
        path = pack({"a": values}, name)
    except NotImplementedError:
        pytest.skip("this pyarrow reads such a column from others, and does not write it")
    read = read_table(path)
    assert read.columns == {"a": text}
    assert (read.lines, read.unit, read.notes) == ([1, 2, 3], "row", ())
    assert read.place(1) == "row 2"


def test_numbers_in_parquet_lose_no_digit(pack):
    rng = np.random.default_rng(0)
    for dtype in ("float64", "float32", "int64", "uint64"):
        if dtype.startswith("float"):
            numbers = (rng.standard_normal(1000) * 10.0 ** rng.integers(-30, 30, 1000)).astype(
                dtype
            )
        else:
            numbers = rng.integers(0, np.iinfo(dtype).max, 1000, dtype)
        text = read_table(pack({"a": pyarrow.array(numbers)})).columns["a"]
        assert np.array_equal(np.array(text).astype(dtype), numbers)


def test_names_in_parquet_are_made_different_too(pack):
    read = read_table(pack([("a", [1]), (" a", [2]), ("", [3])]))
    assert read.columns == {"a": ["1"], "a.2": ["2"], "column 3": ["3"]}
    assert len(read.notes) == 2


def test_an_index_that_pandas_wrote_is_left_out_and_said(pack):
    read = read_table(pack([("a", [1.5]), ("__index_level_0__", [77])]))
    assert read.columns == {"a": ["1.5"]}
    assert read.notes == ("the index that pandas wrote into the file is left out",)


def test_pandas_writes_the_same_table_into_both(tmp_path):
    pandas = pytest.importorskip("pandas")
    rng, n = np.random.default_rng(0), 50
    moments = pandas.Timestamp("2026-01-01") + pandas.to_timedelta(rng.integers(0, 1e6, n), "s")
    frame = pandas.DataFrame(
        {
            "float": rng.standard_normal(n),
            "float32": rng.standard_normal(n).astype("float32"),
            "gaps": np.where(rng.random(n) < 0.3, np.nan, rng.integers(0, 9, n)),
            "integer": rng.integers(-5, 5, n),
            "nullable": pandas.array([None, *range(n - 1)], dtype="Int64"),
            "text": rng.choice(["u", "v w", "", "NA", ' "q, '], n),
            "category": pandas.Categorical(rng.choice(["c", "d"], n)),
            "day": moments.normalize(),
            "moment": moments,
        }
    )
    frame.loc[3, ["text", "category", "day"]] = None
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    columns = read_table(tmp_path / "t.csv").columns
    assert read_table(tmp_path / "t.parquet").columns == columns
    assert columns["day"][3] == ""


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([[1, 2]], "column 'a b': expected numbers, text, truths, dates or times, got list<"),
        ([{"x": 1}], "column 'a b': expected .*, got struct<"),
        ([b"\x00"], "column 'a b': expected .*, got binary"),
        (pyarrow.array([], "int64"), "expected columns and rows, got none"),
    ],
)
def test_what_is_no_table_in_parquet_is_refused(pack, values, why):
    with pytest.raises(ValueError, match=why) as caught:
        read_table(pack({"a b": values}))
    assert "t.parquet: " in str(caught.value)


def test_damaged_parquet_is_refused_in_one_sentence(pack, write):
    good = pack({"a": list(range(1000)), "b": ["x"] * 1000}).read_bytes()
    rng, refused = np.random.default_rng(0), []
    damaged = [good[:length] for length in range(0, len(good), 50)]
    for place in rng.integers(0, len(good) - 20, 200):
        damaged.append(good[:place] + rng.bytes(20) + good[place + 20 :])
    for content in (b"", b"a,b\n1,2\n", b"PAR1" + bytes(50) + b"PAR1", *damaged):
        try:
            read_table(write(content, "t.parquet"))
        except ValueError as error:
            refused.append(str(error))
    assert len(refused) > 100
    assert all("t.parquet: " in why and "\n" not in why for why in refused)


def test_a_csv_file_may_begin_as_parquet_does(write):
    assert read_table(write("PAR1,b\n1,2\n")).columns == {"PAR1": ["1"], "b": ["2"]}


def test_without_pyarrow_one_line_says_so(pack):
    path = pack({"a": [1]})
    code = (
        "import sys; sys.modules['pyarrow'] = None; from glassnet.cli import run; "
        f"sys.exit(run(['train', {str(path)!r}, '--target', 'a']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, encoding="utf-8"
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f'glassnet: {path}: reading Parquet needs pyarrow: pip install "glassnet[parquet]"\n'
    )


def test_decimal_commas_are_read_where_something_else_parts_fields():
    table = parse_csv(b"a;b;c\n0,5;x,y;1\n-12;z;2,5\n;u;3\n", "eu.csv")
    assert table.columns["a"] == ["0.5", "-12", ""]
    assert table.columns["b"] == ["x,y", "z", "u"]
    assert table.columns["c"] == ["1", "2.5", "3"]
    assert [note.split(":")[0] for note in table.notes] == ["a", "c"]
    plain = parse_csv(b"a,b\n1,2\n", "us.csv")
    assert not plain.notes
