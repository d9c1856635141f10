"""Tables: what is inferred of them, what is refused, and what comes back from a model file."""

import copy
import json

import numpy as np
import pytest

from glassnet.csvfile import Table, read_csv
from glassnet.demo import XOR_X, XOR_Y, penguins, train_xor
from glassnet.files import ModelFileError, save_network
from glassnet.recipe import Task, load_model, split
from glassnet.tabular import Columns, Target, parse


def table(**columns):
    rows = len(next(iter(columns.values())))
    text = {name: [str(value) for value in values] for name, values in columns.items()}
    return Table(text, list(range(2, rows + 2)), "t.csv")


def fitted(of, target="y"):
    words = of.column(target)
    return Columns.fit(of, Target.fit(target, words), np.arange(len(words)))


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "t.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


# ---- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiters_line_ends_and_marks(write, delimiter, end, mark):
    lines = ["größe|b|c", '1.5| "x, y;z"|?', "", " NA |N/A|null", "nan|NaN|None"]
    path = write(mark + end.join(line.replace("|", delimiter) for line in lines))
    read = read_csv(path)
    assert read.columns == {"größe": ["1.5", "", ""], "b": ["x, y;z", "", ""], "c": ["", "", ""]}
    assert read.lines == [2, 4, 5]


def test_decimal_commas_do_not_part_columns(write):
    assert list(read_csv(write("a;b\n1,5;2,5\n3,5;4,5\n")).columns) == ["a", "b"]


def test_quoted_line_ends_stay_in_their_field(write):
    read = read_csv(write('a,"b\nc"\n1,"x\ny"\n2,z\n'))
    assert read.columns == {"a": ["1", "2"], "b\nc": ["x\ny", "z"]}
    assert read.lines == [4, 5]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "got an empty file"),
        ("\n\n", "got an empty file"),
        ("\ufeff", "got an empty file"),
        ("a,b\n", "expected rows below the header, got none"),
        (b"a,b\n1,\x00\n", "got a binary one"),
        ("a,b\n1,2\n".encode("utf-16"), "got a binary one"),
        (b"a,b\n1,2\nx,\xe9\n", "expected text in UTF-8, got other bytes in line 3"),
        ("a,b\n1,2\n1,2,3\n", "expected 2 fields in line 3, as in the header, got 3"),
        ("a,b\n1,2\n\n1\n", "expected 2 fields in line 4, as in the header, got 1"),
        ("a,a\n1,2\n", "got 'a' twice"),
        ("a,\n1,2\n", "got none for column 2"),
        ('a,b\n1,"2\n', "not a CSV file: unexpected end of data in line 2"),
        ('a,b\n1,"2"3\n', "not a CSV file: .* in line 2"),
        ("a,b\n1," + "x" * 200_000, "not a CSV file: field larger"),
    ],
)
def test_what_is_no_table_is_refused(write, content, why):
    with pytest.raises(ValueError, match=why) as caught:
        read_csv(write(content))
    assert "t.csv: " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["Y", "yy", "nothing like it"])
def test_an_unknown_column_is_answered_with_those_there_are(name):
    with pytest.raises(ValueError, match=f"t.csv: no column '{name}'.* There are: x, y"):
        table(x=[1], y=[2]).column(name)


# ---- columns -------------------------------------------------------------------------------------


def test_numbers_are_scaled_and_their_gaps_marked():
    columns = fitted(table(a=[1, 2, 3, "", 6, 8], y=[0, 1, 0, 1, 0, 1]))
    known = np.array([1, 2, 3, 6, 8])
    expected = (np.array([1, 2, 3, 3, 6, 8]) - known.mean()) / known.std()
    encoded = columns.encode(table(a=[1, 2, 3, "", 6, 8]))
    assert encoded.dtype == np.float32
    np.testing.assert_allclose(encoded[:, 0], expected, rtol=1e-6)
    assert encoded[:, 1].tolist() == [0, 0, 0, 1, 0, 0]


def test_text_becomes_categories_and_a_new_one_is_none_of_them():
    columns = fitted(table(a=["u", "v", "", "u"], y=[0, 1, 0, 1]))
    assert columns.encode(table(a=["v", "w", ""])).tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 1]]


def test_later_tables_may_have_other_columns_in_another_order():
    columns = fitted(table(a=[1, 2, 3, 4], b=["u", "v", "u", "v"], y=[0, 1, 0, 1]))
    first = columns.encode(table(a=[1, 4], b=["v", "u"]))
    assert np.array_equal(first, columns.encode(table(z=["?", "!"], b=["v", "u"], a=[1, 4])))
    with pytest.raises(ValueError, match="no column 'b'"):
        columns.encode(table(a=[1, 4]))
    with pytest.raises(ValueError, match="column 'a': expected numbers, got 'x' in line 3"):
        columns.encode(table(a=["", "x"], b=["v", "u"]))


def test_what_cannot_help_is_left_out_and_said():
    rows = 120
    columns = fitted(
        table(
            constant=[3] * rows,
            word=["w"] * rows,
            gaps=[""] * rows,
            name=[f"n{i}" for i in range(rows)],
            gap_or_not=["", 7] * (rows // 2),
            many=[f"c{i % 55}" for i in range(rows)],
            y=range(rows),
        )
    )
    assert columns.left_out == {
        "constant": "always 3",
        "word": "always w",
        "gaps": "all gaps",
        "name": "text with 120 different values in 120 rows",
    }
    assert [each.name for each in columns.features] == ["gap_or_not", "many"]
    assert [each.width for each in columns.features] == [2, 50]
    told = {name: (kind, what) for name, kind, what in columns.describe()}
    assert told["name"][0] == "left out"
    assert told["many"] == (
        "text",
        "50 categories: c0, c1, c10, c11, ..., 5 rarer ones as none of them",
    )


@pytest.mark.parametrize("value", ["inf", "-Infinity", "1e999"])
def test_infinite_numbers_are_refused_with_their_place(value):
    with pytest.raises(ValueError, match=f"column 'a': expected finite numbers, got '{value}' in"):
        fitted(table(a=[1, 2, value], y=[0, 1, 0]))


@pytest.mark.parametrize("unit", [1e308, 1e200, 1e-200, 5e-324])
def test_numbers_of_any_size_stay_finite(unit):
    columns = fitted(table(a=[-unit, 0, unit, unit], y=[0, 1, 0, 1]))
    encoded = columns.encode(table(a=[unit, -1.7e308, 1.7e308, 0]))
    assert np.isfinite(encoded).all()
    assert (np.abs(encoded) <= 10).all()


def test_what_python_reads_as_a_number_and_no_table_means():
    assert parse("a", ["1_000", "2"]) is None
    assert parse("a", ["0x10"]) is None
    assert parse("a", ["1,5"]) is None
    assert parse("a", [" 1e3", "-.5", ""])[:2].tolist() == [1000, -0.5]


# ---- the target ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["no", "yes"] * 5, ("no", "yes")),
        ([10, 9, 8, 10, 9, 8], ("8", "9", "10")),
        (["1.0", "2", "1", "2.0"], ("1", "2")),
        (["-0", "0", "1", "1"], ("0", "1")),
        (["True", "False", "True", "False"], ("False", "True")),
        (list(range(10)) * 2, tuple("0123456789")),
        (list(range(11)) * 2, ()),
        ([1, 2, 3, 4, 5], ()),
        ([0.5, 1.5] * 9, ()),
    ],
)
def test_the_kind_of_target_is_inferred(values, classes):
    words = [str(value) for value in values]
    target = Target.fit("y", words)
    assert target.classes == classes
    y = target.encode(words)
    if classes:
        assert target.decode(np.eye(len(classes))[y]) == [classes[label] for label in y]
    else:
        np.testing.assert_allclose(target.decode(y[:, None]), [float(word) for word in words])
        assert abs(y.mean()) < 1e-12
        assert abs(y.std() - 1) < 1e-12


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (["a"] * 20, "expected different values, got only 'a'"),
        (["3", "3.0"] * 10, "expected different values, got only '3'"),
        ([f"n{i}" for i in range(20)], "got 20 different texts in 20 rows, such as 'n0'"),
        (["inf", "1"] * 9, "expected finite numbers"),
    ],
)
def test_a_target_that_cannot_be_predicted_is_refused(values, why):
    with pytest.raises(ValueError, match=why):
        Target.fit("y", values)


# ---- the recipe ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [10, 11, 50, 333])
def test_parts_of_a_split_are_alike_and_every_class_is_known(rows):
    rng = np.random.default_rng(rows)
    y = np.where(np.arange(rows) < 2, 2, np.arange(rows) % 2)
    rest, fifth = split(np.arange(rows), y, True, rng)
    assert sorted([*rest, *fifth]) == list(range(rows))
    assert set(y[rest]) == {0, 1, 2}
    assert abs(len(fifth) - rows / 5) <= 1.6
    assert abs((y[fifth] == 0).sum() - (y[rest] == 0).sum() / 4) <= 2


def test_statistics_come_from_the_rows_that_teach():
    rng = np.random.default_rng(0)
    known = table(a=rng.random(200), y=[0, 1] * 100)
    first = Task.of(known, "y", seed=0)
    held = {round(float(x), 5) for x in first.held_out.X[:, 0]}
    numbers = first.columns.features[0]
    taught = first.training.X[:, 0]
    assert len(held) == len(first.held_out.y) == 40
    assert abs(taught.mean()) < 1e-6
    assert abs(taught.std() - 1) < 1e-6
    assert numbers.mean != pytest.approx(np.mean(parse("a", known.columns["a"])), abs=1e-9)


def test_a_quantity_is_learned_and_scored_in_its_own_unit():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal(300), rng.choice(["u", "v"], 300)
    y = 5000 + 300 * a + 400 * (b == "u")
    task = Task.of(table(a=a, b=b, y=y), "y", seed=0)
    assert [epoch.number for epoch in task.train(60)][-1] == 60
    scores = {name: (ours, theirs) for name, ours, theirs in task.scores()}
    assert scores["RMSE"][0] < 60 < 250 < scores["RMSE"][1]
    assert scores["MAE"][0] < 50 < 200 < scores["MAE"][1]
    assert scores["R²"][0] > 0.97 > 0.1 > scores["R²"][1]


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="at least 10 rows in which 'y' is known, got 4"):
        Task.of(table(a=[1, 2, 3, 4], y=[0, 1, 0, 1]), "y", 0)


def test_no_column_left_is_refused():
    with pytest.raises(ValueError, match="no column to predict 'y' from; 'a': always 1"):
        Task.of(table(a=[1] * 20, y=[0, 1] * 10), "y", 0)


def test_xor_is_learned_from_any_seed():
    for seed in (*range(20), 2**32, 10**25):
        probabilities = train_xor(seed).predict(XOR_X).ravel()
        assert np.abs(probabilities - XOR_Y).max() < 0.05


# ---- in a model file -----------------------------------------------------------------------------


def task_on_penguins():
    return Task.of(read_csv(penguins()).where_known("species"), "species", 0)


def test_columns_come_back_from_json():
    for target in ("species", "body_mass_g"):
        columns = Task.of(read_csv(penguins()).where_known(target), target, 0).columns
        assert Columns.from_json(json.loads(json.dumps(columns.to_json()))) == columns


def test_a_model_file_predicts_the_same_bits(tmp_path):
    task = task_on_penguins()
    list(task.train(2))
    task.save(tmp_path / "m.safetensors")
    network, columns = load_model(tmp_path / "m.safetensors")
    X = columns.encode(read_csv(penguins()))
    assert network.predict(X).tobytes() == task.network.predict(X).tobytes()


def paths(content, here=()):
    """Yield the place of every value in a JSON document."""
    yield here
    items = content.items() if isinstance(content, dict) else []
    items = enumerate(content) if isinstance(content, list) else items
    for key, value in items:
        yield from paths(value, (*here, key))


WRONG = (
    None,
    True,
    -1,
    0,
    2.5,
    -1.0,
    float("nan"),
    10**400,
    "x",
    [],
    ["x", "x"],
    [1],
    {},
    {"a": 1},
)


def test_no_other_json_is_taken_for_columns():
    """Whatever stands in the place of any value: a ValueError, or columns that still encode."""
    columns = task_on_penguins().columns
    good = json.loads(json.dumps(columns.to_json()))
    penguin = read_csv(penguins())
    refused = []
    for path in paths(good):
        for wrong in WRONG:
            content = {"root": copy.deepcopy(good)}
            inner = content
            for key in ("root", *path)[:-1]:
                inner = inner[key]
            inner[("root", *path)[-1]] = wrong
            try:
                Columns.from_json(content["root"]).encode(penguin)
            except ValueError as error:
                refused.append(str(error))
    assert len(refused) > 500
    assert "\n" not in "".join(refused)


def test_a_table_section_must_fit_its_network(tmp_path):
    task, path = task_on_penguins(), tmp_path / "m.safetensors"
    fewer = task.columns.to_json()
    fewer["features"] = fewer["features"][1:]
    for section, why in (
        (None, "a network without a table"),
        (fewer, "do not fit the network"),
        ({"features": 3}, "expected features"),
        ({**fewer, "target": {}}, "expected the fields of Target"),
    ):
        save_network(task.network, path, section)
        with pytest.raises(ModelFileError, match=why):
            load_model(path)
