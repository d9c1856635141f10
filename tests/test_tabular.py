"""Tables: what is inferred of them, what is refused, and what comes back from a model file."""

import copy
import json
from dataclasses import make_dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from glassnet.csvfile import Table, read_csv
from glassnet.demo import XOR_X, XOR_Y, penguins, train_xor
from glassnet.files import ModelFileError, save_network
from glassnet.optimizers import OPTIMIZERS
from glassnet.parts import Optimizer
from glassnet.recipe import Course, Settings, Task, load_model
from glassnet.tabular.columns import Columns, Target, parse


def table(**columns):
    rows = len(next(iter(columns.values())))
    text = {name: [str(value) for value in values] for name, values in columns.items()}
    return Table(text, list(range(2, rows + 2)), "t.csv")


def fitted(of, target="y"):
    words = of.column(target)
    return Columns.fit(of, Target.fit(target, words), np.arange(len(words)))


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


@pytest.mark.parametrize("trained", [("False", "True"), ("false", "true"), ("FALSE", "TRUE")])
@pytest.mark.parametrize("later", [("False", "True"), ("false", "true"), ("FALSE", "TRUE")])
def test_a_truth_is_the_same_however_a_program_spells_it(trained, later):
    columns = fitted(table(a=[trained[i % 2] for i in range(8)], y=[0, 1] * 4))
    assert columns.encode(table(a=later)).tolist() == [[1, 0], [0, 1]]
    apart = fitted(table(a=["True", "true", "TRUE"] * 2, y=[0, 1] * 3))
    assert columns.encode(table(a=["yes", ""])).tolist() == [[0, 0], [0, 0]]
    assert apart.encode(table(a=["TRUE", "True", "true"])).tolist() == np.eye(3).tolist()


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


def test_statistics_come_from_the_rows_that_teach():
    rng = np.random.default_rng(0)
    known = table(a=rng.random(200), y=[0, 1] * 100)
    first = Task.of(known, "y", Settings(seed=0))
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
    task = Task.of(table(a=a, b=b, y=y), "y", Settings(epochs=60))
    assert [epoch.number for epoch in task.train()][-1] == 60
    scores = {name: (ours, theirs) for name, ours, theirs in task.scores()}
    assert scores["RMSE"][0] < 60 < 250 < scores["RMSE"][1]
    assert scores["MAE"][0] < 50 < 200 < scores["MAE"][1]
    assert scores["R²"][0] > 0.97 > 0.1 > scores["R²"][1]


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="at least 10 rows in which 'y' is known, got 4"):
        Task.of(table(a=[1, 2, 3, 4], y=[0, 1, 0, 1]), "y")


def test_no_column_left_is_refused():
    with pytest.raises(ValueError, match="no column to predict 'y' from; 'a': always 1"):
        Task.of(table(a=[1] * 20, y=[0, 1] * 10), "y")


@pytest.mark.parametrize(
    ("settings", "layers"),
    [
        (Settings(), ["Dense", "Dropout", "Dense", "Dropout", "Dense"]),
        (Settings(network=[7], dropout=0), ["Dense", "Dense"]),
        (Settings(network=()), ["Dense"]),
    ],
)
def test_settings_make_the_network(settings, layers):
    network = Task.of(table(a=range(40), y=[0, 1, 2, 1] * 10), "y", settings).network
    assert [type(layer).__name__ for layer in network.layers] == layers
    dense = [layer for layer in network.layers if type(layer).__name__ == "Dense"]
    assert [layer.units for layer in dense] == [*settings.network, 3]


def test_settings_reach_the_training():
    of = table(a=range(60), y=[0, 1] * 30)
    task = Task.of(of, "y", Settings(optimizer="sgd", rate=0.25, batch_size=5, epochs=3))
    assert (task.batch_size, task.epochs) == (5, 3)
    assert task.settings.rule() == OPTIMIZERS["sgd"](0.25)
    assert Task.of(of, "y").settings.rule() == OPTIMIZERS["adam"]()
    trained = {}
    for name, settings in {
        "plain": {},
        "optimizer": {"optimizer": "sgd"},
        "rate": {"rate": 0.1},
        "batch_size": {"batch_size": 7},
        "activation": {"activation": "tanh"},
        "dropout": {"dropout": 0.5},
        "seed": {"seed": 1},
    }.items():
        task = Task.of(of, "y", Settings(epochs=2, **settings))
        assert len(list(task.train())) == 2
        trained[name] = task.network.theta.tobytes()
    assert len(set(trained.values())) == len(trained)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"network": 64}, "network: expected the units of each hidden layer, as .*, got 64"),
        ({"network": "64"}, "network: expected the units of each hidden layer, as .*, got '64'"),
        ({"network": (64, 0)}, "network: expected at least 1, got 0"),
        ({"network": (64, 2.5)}, "network: expected a whole number, got 2.5"),
        ({"activation": "rleu"}, "activation: expected one of 'identity', .*, got 'rleu'"),
        ({"activation": 3}, "activation: expected one of 'identity', .*, got 3"),
        ({"optimizer": "adm"}, "optimizer: expected one of 'sgd', .*, got 'adm'"),
        ({"dropout": 1}, r"dropout: expected a number in \[0, 1\), got 1"),
        ({"dropout": -0.1}, r"dropout: expected a number in \[0, 1\), got -0.1"),
        ({"dropout": "0.1"}, "dropout: expected a number, got '0.1'"),
        ({"rate": 0}, "rate: expected a number above 0, got 0"),
        ({"rate": -1}, r"rate: expected a number in \[0, inf\), got -1"),
        ({"rate": float("nan")}, r"rate: expected a number in \[0, inf\), got nan"),
        ({"batch_size": 0}, "batch_size: expected at least 1, got 0"),
        ({"epochs": 0}, "epochs: expected at least 1, got 0"),
        ({"epochs": 1.5}, "epochs: expected a whole number, got 1.5"),
        ({"seed": -1}, "seed: expected at least 0, got -1"),
        ({"seed": None}, "seed: expected a whole number, got None"),
    ],
)
def test_settings_are_checked_where_they_are_made(settings, why):
    with pytest.raises((ValueError, TypeError), match=f"^{why}$"):
        Settings(**settings)


def test_an_optimizer_that_cannot_learn_batch_by_batch_is_not_offered(monkeypatch):
    whole = make_dataclass("Whole", ["tolerance"], bases=(Optimizer,))
    monkeypatch.setitem(OPTIMIZERS, "whole", whole)
    with pytest.raises(ValueError, match=r"expected one of 'sgd'.*, got 'whole'") as why:
        Settings(optimizer="whole")
    assert "'whole'," not in str(why.value)


def test_a_course_knows_its_best_epoch():
    course = Course(epochs=6)
    for number, loss in enumerate((3.0, float("nan"), 1.0, 2.0, 1.0), 1):
        course.add(SimpleNamespace(number=number, validation_loss=loss))
    assert (course.done, course.best, course.best_loss) == (5, 3, 1.0)
    assert course.notes == [
        "training diverged in epoch 6 of 6, and ended; a lower learning rate may help"
    ]
    course.add(SimpleNamespace(number=6, validation_loss=0.5))
    assert (course.best, course.notes) == (6, [])


def test_a_report_says_what_happened():
    of = table(a=[*range(58), "", ""], b=["u", "v"] * 30, c=[1] * 60, y=["n", "p", ""] * 20)
    task = Task.of(of, "y", Settings(network=(5,), epochs=4, activation="tanh", rate=0.01))
    course = Course(task.epochs)
    losses = []
    for epoch in task.train():
        course.add(epoch)
        losses.append(epoch.validation_loss)
    report = json.loads(json.dumps(task.report(course), allow_nan=False))
    parts = {"training": 26, "validation": 6, "held_out": 8}
    assert report["rows"] == {"read": 60, "without_target": 20, **parts}
    assert report["target"] == {"name": "y", "kind": "classes", "classes": ["n", "p"]}
    assert [each["name"] for each in report["columns"]["used"]] == ["a", "b"]
    assert report["columns"]["left_out"] == {"c": "always 1"}
    assert report["network"]["weights"] == task.network.theta.size
    assert report["network"]["hidden_layers"] == [
        {"units": 5, "activation": "tanh", "dropout": 0.2}
    ]
    assert report["training"]["best_epoch"] == 1 + int(np.argmin(losses))
    assert report["training"]["rate"] == 0.01
    assert report["notes"] == ["20 rows without 'y' left out"]
    scores = [(name, value["network"]) for name, value in report["scores"].items()]
    assert scores == [(name, ours) for name, ours, _ in task.scores()]


def test_xor_is_learned_from_any_seed():
    for seed in (*range(20), 2**32, 10**25):
        probabilities = train_xor(seed).predict(XOR_X).ravel()
        assert np.abs(probabilities - XOR_Y).max() < 0.05


# ---- in a model file -----------------------------------------------------------------------------


def task_on_penguins():
    return Task.of(read_csv(penguins()), "species", Settings(epochs=2))


def test_columns_come_back_from_json():
    for target in ("species", "body_mass_g"):
        columns = Task.of(read_csv(penguins()), target).columns
        assert Columns.from_json(json.loads(json.dumps(columns.to_json()))) == columns


def test_a_model_file_predicts_the_same_bits(tmp_path):
    task = task_on_penguins()
    list(task.train())
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
