"""Tables: what is inferred of them, what is refused, and what comes back from a model file."""

import copy
import json
from dataclasses import make_dataclass, replace

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix
from sklearn.metrics import log_loss as theirs

import glassnet as gn
from glassnet.cli.reports import to_json
from glassnet.csvfile import Table, read_csv
from glassnet.demo import XOR_X, XOR_Y, penguins, train_xor
from glassnet.files.networks import ModelFileError, load_with_table, save_network
from glassnet.metrics import METRICS
from glassnet.optimizers import OPTIMIZERS
from glassnet.parts import Optimizer
from glassnet.tabular import peers, report
from glassnet.tabular.defaults import preset
from glassnet.tabular.encoding import Encoding
from glassnet.tabular.ensemble import Table as Rows
from glassnet.tabular.ensemble import learn
from glassnet.tabular.model import Model, load_model
from glassnet.tabular.report import Report, reliability, shuffled
from glassnet.tabular.scores import log_loss
from glassnet.tabular.target import Target, mean_sd
from glassnet.tabular.task import Settings, Task
from glassnet.tabular.text import encode, frame_of, parse
from glassnet.threads import one_thread

QUICK = {"preset": "quick", "members": 2}


def table(**columns):
    rows = len(next(iter(columns.values())))
    text = {name: [str(value) for value in values] for name, values in columns.items()}
    return Table(text, list(range(2, rows + 2)), "t.csv")


def fitted(of):
    return Encoding.fit(frame_of(of, "y"))


def learned(of, target="y", **settings):
    task = Task.of(of, target, Settings(**QUICK | settings))
    return task, task.learn()


# ---- columns -------------------------------------------------------------------------------------


def test_numbers_are_scaled_and_their_gaps_marked():
    encoding = fitted(table(a=[1, 2, 3, "", 6, 8], y=[0, 1, 0, 1, 0, 1]))
    first, center, third = np.quantile([1, 2, 3, 6, 8], (0.25, 0.5, 0.75))
    expected = (np.array([1, 2, 3, center, 6, 8]) - center) / (third - first)
    encoded = encode(encoding, table(a=[1, 2, 3, "", 6, 8]))
    assert encoded.dtype == np.float32
    np.testing.assert_allclose(encoded[:, 0], expected, rtol=1e-6)
    assert encoded[:, 1].tolist() == [0, 0, 0, 1, 0, 0]


def test_text_becomes_categories_and_a_new_one_is_none_of_them():
    encoding = fitted(table(a=["u", "v", "", "w"], y=[0, 1, 0, 1]))
    assert encode(encoding, table(a=["v", "z", "", "w"])).tolist() == [
        *([0, 1, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1]),
    ]


@pytest.mark.parametrize("trained", [("False", "True"), ("false", "true"), ("FALSE", "TRUE")])
@pytest.mark.parametrize("later", [("False", "True"), ("false", "true"), ("FALSE", "TRUE")])
def test_a_truth_is_the_same_however_a_program_spells_it(trained, later):
    encoding = fitted(table(a=[trained[i % 2] for i in range(8)], y=[0, 1] * 4))
    assert encode(encoding, table(a=later)).tolist() == [[-1], [1]]


def test_words_stay_words_where_a_later_table_has_only_numbers():
    encoding = fitted(table(a=["01", "1", "x", "1"], y=[0, 1, 0, 1]))
    assert encode(encoding, table(a=["01", "1"])).tolist() == [[1, 0, 0], [0, 1, 0]]


def test_later_tables_may_have_other_columns_in_another_order():
    encoding = fitted(table(a=[1, 2, 3, 4], b=["u", "v", "u", "v"], c=[1] * 4, y=[0, 1, 0, 1]))
    first = encode(encoding, table(a=[1, 4], b=["v", "u"]))
    assert np.array_equal(first, encode(encoding, table(z=["?", "!"], b=["v", "u"], a=[1, 4])))
    with pytest.raises(ValueError, match="no column 'b'"):
        encode(encoding, table(a=[1, 4]))
    with pytest.raises(ValueError, match="column 'a': expected numbers, got 'x' in line 3"):
        encode(encoding, table(a=["", "x"], b=["v", "u"]))


def test_what_cannot_help_is_left_out_and_said():
    rows = 120
    encoding = fitted(
        table(
            constant=[3] * rows,
            word=["w"] * rows,
            gaps=[""] * rows,
            name=[f"n{i}" for i in range(rows)],
            gap_or_not=["", 7] * (rows // 2),
            y=range(rows),
        )
    )
    told = {name: (kind, what) for name, kind, what in encoding.describe()}
    assert {name: what for name, (kind, what) in told.items() if kind == "left out"} == {
        "constant": "always 3",
        "word": "always 'w'",
        "gaps": "all gaps",
        "name": "hardly a word comes twice",
    }
    assert told["gap_or_not"] == ("mark", "7 or a gap: 60 gaps marked")
    assert encoding.places == {"gap_or_not": [0]}


@pytest.mark.parametrize("value", ["inf", "-Infinity", "1e999"])
def test_infinite_numbers_lie_far_away_and_are_no_targets(value):
    encoding = fitted(table(a=[1, 2, value], y=[0, 1, 0]))
    assert abs(encode(encoding, table(a=[value]))[0, 0]) == 1e6
    with pytest.raises(ValueError, match=f"column 'y': expected finite numbers, got '{value}' in"):
        Target.fit(table(y=[1, 2, value]), "y")


@pytest.mark.parametrize("unit", [1e307, 1e200, 1e-200, 5e-324])
def test_quantities_of_any_size_are_learned_and_judged(unit):
    rng = np.random.default_rng(0)
    a = rng.standard_normal(60)
    of = table(a=a, y=np.round(np.tanh(a), 2) * 1.5 * unit)
    task, course = learned(of, epochs=3)
    assert np.isfinite(course.model.predict(task.table)).all()
    content = to_json(task, course, Report.of(task, course))
    assert all(score["network"] is not None for score in content["scores"].values())
    json.dumps(content, allow_nan=False)


def test_what_python_reads_as_a_number_and_no_table_means():
    assert parse(["1_000", "2"]) is None
    assert parse(["0x10"]) is None
    assert parse(["1,5"]) is None
    assert parse([" 1e3", "-.5", ""])[:2].tolist() == [1000, -0.5]


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
    of = table(y=values)
    target = Target.fit(of, "y")
    assert target.classes == classes
    y = target.encode(of)
    if classes:
        decoded = target.decode(np.eye(len(classes))[y.astype(int)])
        assert decoded == [classes[int(label)] for label in y]
    else:
        assert target.decode(y).tolist() == [float(value) for value in values]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (["a"] * 20, "expected different values, got only 'a'"),
        (["3", "3.0"] * 10, "expected different values, got only '3'"),
        ([f"n{i}" for i in range(20)], "got 20 different texts in 20 rows, such as 'n0'"),
        (["inf", "1"] * 9, "expected finite numbers, got 'inf' in line 2"),
    ],
)
def test_a_target_that_cannot_be_predicted_is_refused(values, why):
    with pytest.raises(ValueError, match=why):
        Target.fit(table(y=values), "y")


def test_a_class_that_was_not_there_is_named_with_its_place():
    target = Target.fit(table(y=["a", "b"] * 3), "y")
    with pytest.raises(ValueError, match="column 'y': expected one of a, b, got 'c' in line 3"):
        target.encode(table(y=["a", "c"]))
    quantity = Target.fit(table(y=[0.5, 1.5, 2.5]), "y")
    with pytest.raises(ValueError, match="column 'y': expected numbers, got 'c'"):
        quantity.encode(table(y=["c"]))


# ---- the task ------------------------------------------------------------------------------------


def test_statistics_come_from_the_rows_that_teach():
    rng = np.random.default_rng(0)
    a = rng.random(200)
    task = Task.of(table(a=a, y=[0, 1] * 100), "y")
    assert len(task.held) == 40
    assert sorted([*task.taught, *task.held]) == list(range(200))
    assert sum(task.y[task.held]) == 20
    low, center, high = np.quantile(a[task.taught], (0.25, 0.5, 0.75))
    column = task.encoding.columns[0]
    assert (column.center, column.scale) == pytest.approx((center, high - low), rel=1e-12)
    assert column.scale != pytest.approx(np.quantile(a, 0.75) - np.quantile(a, 0.25), rel=1e-6)
    other = a.copy()
    other[task.held] = 7 + 3 * a[task.held]
    again = Task.of(table(a=other, y=[0, 1] * 100), "y")
    assert again.encoding == task.encoding


def test_rows_held_out_change_nothing_of_what_is_learned():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 100))
    task, course = learned(table(a=a, b=b, y=["u", "v"] * 50), epochs=2)
    b[task.held] = 5
    again, other = learned(table(a=a, b=b, y=["u", "v"] * 50), epochs=2)
    assert (again.held == task.held).all()
    assert other.model.ensemble.network.theta.tobytes() == (
        course.model.ensemble.network.theta.tobytes()
    )


def test_a_quantity_is_learned_and_scored_in_its_own_unit():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal(300), rng.choice(["u", "v"], 300)
    y = 5000 + 300 * a + 400 * (b == "u")
    task, course = learned(table(a=a, b=b, y=y), epochs=40)
    assert course.epochs == course.model.ensemble.epochs == 40
    scores = Report.of(task, course).scores
    assert scores["RMSE"]["network"] < 60 < 250 < scores["RMSE"]["baseline"]
    assert scores["MAE"]["network"] < 50 < 200 < scores["MAE"]["baseline"]
    assert scores["R²"]["network"] > 0.97 > 0.1 > scores["R²"]["baseline"]
    held = task.held  # few enough to be predicted in float64, as they were judged
    said = course.model.predict(table(a=a[held], b=b[held]))
    assert scores["RMSE"]["network"] == pytest.approx(np.sqrt(np.mean((y[task.held] - said) ** 2)))


def test_it_learns_what_the_estimators_learn():
    known = read_csv(penguins())
    task, course = learned(known, "species", epochs=4, seed=3)
    rows = Rows(task.inputs[task.taught], task.y[task.taught])
    with one_thread():
        alone = learn(preset("quick", epochs=4), task.encoding, rows, classes=3, seed=3)
    assert (alone.predict(task.inputs) == course.model.ensemble.predict(task.inputs)).all()


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="at least 10 rows in which 'y' is known, got 4"):
        Task.of(table(a=[1, 2, 3, 4], y=[0, 1, 0, 1]), "y")


def test_no_column_left_is_refused():
    with pytest.raises(ValueError, match="no column to predict 'y' from; 'a': always 1"):
        Task.of(table(a=[1] * 20, y=[0, 1] * 10), "y")
    with pytest.raises(ValueError, match="no column to predict 'y' from"):
        Task.of(table(y=[0, 1] * 10), "y")


@pytest.mark.parametrize("rows", [10, 11, 13, 30])
@pytest.mark.parametrize("target", ["few", "quantity"])
def test_few_rows_are_enough(rows, target):
    of = table(a=range(rows), few=[i % 2 for i in range(rows)], quantity=np.arange(rows) / 3)
    task, course = learned(of, target, epochs=3)
    found = Report.of(task, course)
    assert found.rows == len(task.held) == round(rows / 5)
    json.dumps(to_json(task, course, found), allow_nan=False)


def test_settings_reach_the_training():
    of = table(a=range(60), y=[0, 1] * 30)
    chosen = Settings(optimizer="sgd", rate=0.25, batch_size=5, epochs=3, network=[7], members=3)
    task = Task.of(of, "y", chosen)
    assert (task.batch_size, task.epochs) == (5, 3)
    assert task.recipe.rule(2) == OPTIMIZERS["sgd"](0.25)
    assert Task.of(of, "y").recipe.rule(2) == gn.Adam(0.04, beta2=0.95)
    assert Task.of(of, "y", Settings(optimizer="sgd")).recipe.rule(2) == gn.SGD()
    assert task.weights == task.learn().model.ensemble.network.theta.size
    trained = {}
    for name, settings in {
        "plain": {},
        "optimizer": {"optimizer": "sgd"},
        "rate": {"rate": 0.1},
        "batch_size": {"batch_size": 7},
        "activation": {"activation": "tanh"},
        "dropout": {"dropout": 0.5},
        "network": {"network": (128, 128)},
        "members": {"members": 1},
        "metric": {"metric": "log_loss"},
        "seed": {"seed": 1},
    }.items():
        course = learned(of, epochs=3, **settings)[1]
        assert course.model.ensemble.epochs == 3
        trained[name] = course.model.ensemble.network.theta.tobytes()
    assert len(set(trained.values())) == len(trained)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"network": 64}, "network: expected the units of each hidden layer, as .*, got 64"),
        ({"network": "64"}, "network: expected the units of each hidden layer, as .*, got '64'"),
        ({"network": (64, 0)}, "network: expected at least 1, got 0"),
        ({"network": (64, 2.5)}, "network: expected a whole number, got 2.5"),
        ({"preset": "slow"}, "preset: expected one of 'quick', 'default', 'best', got 'slow'"),
        ({"preset": None}, "preset: expected one of 'quick', 'default', 'best', got None"),
        ({"metric": "wow"}, "metric: expected one of 'error', .*, 'r2', got 'wow'"),
        ({"members": 0}, "members: expected at least 1, got 0"),
        ({"time_limit": 0}, "time_limit: expected a number above 0, got 0"),
        ({"time_limit": "1"}, "time_limit: expected a number, got '1'"),
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


def test_a_course_tells_why_it_ended_early():
    course = learned(table(a=range(60), y=[0, 1] * 30), epochs=4)[1]
    assert course.notes == []
    assert replace(course, epochs=6).notes == [
        "training diverged after epoch 4 of 6, and ended; a lower learning rate may help"
    ]
    assert replace(course, epochs=6, hurried=True).notes == ["the time was up after epoch 4 of 6"]


def test_progress_is_told_from_the_first_look_to_the_last():
    seen = []
    task = Task.of(table(a=range(60), y=[0, 1] * 30), "y", Settings(epochs=5, **QUICK))
    task.learn(lambda done, epochs: seen.append((done, epochs)))
    assert seen == [(2, 5), (4, 5), (5, 5)]


def test_xor_is_learned_from_any_seed():
    for seed in (*range(20), 2**32, 10**25):
        probabilities = train_xor(seed).predict(XOR_X).ravel()
        assert np.abs(probabilities - XOR_Y).max() < 0.05


# ---- the report ----------------------------------------------------------------------------------


def test_a_report_says_what_happened():
    of = table(a=[*range(58), "", ""], b=["u", "v"] * 30, c=[1] * 60, y=["n", "p", ""] * 20)
    task, course = learned(of, network=(5,), epochs=4, activation="tanh", rate=0.01)
    found = Report.of(task, course)
    content = json.loads(json.dumps(to_json(task, course, found), allow_nan=False))
    parts = {"training": 32, "held_out": 8}
    assert content["rows"] == {"read": 60, "without_target": 20, **parts}
    assert content["target"] == {"name": "y", "kind": "classes", "classes": ["n", "p"]}
    used = {each["name"]: (each["inputs"], each["gaps"]) for each in content["columns"]["used"]}
    assert used["b"] == (1, 0)
    assert used["a"][1] == 1  # the other gap is in a row without target
    assert content["columns"]["left_out"] == {"c": "always 1"}
    assert content["network"]["weights"] == course.model.ensemble.network.theta.size
    assert content["network"]["hidden_layers"] == [5]
    assert content["network"]["activation"] == "tanh"
    assert content["training"]["rate"] == 0.01
    assert content["notes"] == ["20 rows without 'y' left out"]
    assert content["scores"]["log-loss"] == found.scores["log-loss"]
    assert np.sum(content["confusion"]) == 8
    assert {each["column"] for each in content["importances"]} == {"a", "b"}


def test_scores_are_those_of_scikit_learn():
    task, course = learned(read_csv(penguins()), "species", epochs=4)
    found = Report.of(task, course)
    y, p = task.y[task.held], course.model.predict(task.table)[task.held]
    assert found.scores["log-loss"]["network"] == pytest.approx(theirs(y, p))
    assert found.scores["accuracy"]["network"] == np.mean(p.argmax(axis=1) == y)
    shares = np.bincount(task.y[task.taught].astype(int)) / len(task.taught)
    assert found.scores["log-loss"]["baseline"] == pytest.approx(theirs(y, [shares] * len(y)))
    assert found.confusion == tuple(map(tuple, confusion_matrix(y, p.argmax(axis=1)).tolist()))
    assert found.calibration.after == found.scores["log-loss"]["network"]
    bare = replace(course.model.ensemble, temperature=1.0).predict(task.inputs[task.held])
    assert found.calibration.before == pytest.approx(theirs(y, bare))


def test_the_log_loss_of_impossible_things_is_large_and_finite():
    p = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    assert log_loss(np.array([[0], [1]]), p, np.ones((2, 1))) == 0
    assert 80 < log_loss(np.array([[1], [0]]), p, np.ones((2, 1))) < 90


def test_a_column_that_matters_is_the_most_important():
    rng = np.random.default_rng(0)
    a, b, kind = rng.standard_normal(400), rng.standard_normal(400), rng.choice(list("uvw"), 400)
    of = table(b=b, kind=kind, a=a, y=3 * a + (kind == "u"))
    task, course = learned(of, epochs=20)
    first, again = (Report.of(task, course).importances for _ in range(2))
    assert first == again
    assert [name for name, _ in first] == ["a", "kind", "b"]
    assert first[0][1] > 1 > first[2][1]


def test_inputs_of_a_column_are_shuffled_together():
    seen = []

    def predict(X):
        seen.append(X.copy())
        return X[:, :1]

    X = np.column_stack([np.arange(6.0), np.arange(6.0) + 101])
    shuffled(predict, X, X[:, :1], {"both": [0, 1]}, METRICS["mae"], 0)
    assert len(seen) == 1 + report.SHUFFLES
    for mixed in seen:
        assert (mixed[:, 1] - mixed[:, 0] == 101).all()


def test_bins_hold_every_row_once():
    rng = np.random.default_rng(0)
    for classes in (2, 3, 10):
        p = rng.dirichlet(np.ones(classes), 300)
        p[0], p[1] = np.eye(classes)[0], 1 / classes
        y = rng.integers(0, classes, (300, 1))
        bins = reliability(p, y, 10)
        assert sum(each.rows for each in bins) == 300
        right = sum(each.rows * each.right for each in bins) / 300
        assert right == pytest.approx(np.mean(p.argmax(axis=1) == y[:, 0]))
        assert sum(each.rows * each.said for each in bins) / 300 == pytest.approx(p.max(1).mean())
        assert all(each.low <= each.said <= each.high for each in bins)


def test_many_classes_are_told_by_pairs():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 20, 400)
    of = table(a=np.where(y == 3, 4, y) + rng.standard_normal(400) / 20, y=[f"c{k}" for k in y])
    task, course = learned(of, epochs=20)
    found = Report.of(task, course)
    assert found.confusion == ()
    assert {found.confused[0][:2]} <= {("c3", "c4"), ("c4", "c3")}
    assert "confused" in to_json(task, course, found)


def test_errors_of_a_quantity_are_told_with_their_rows():
    rng = np.random.default_rng(0)
    a = rng.standard_normal(100)
    task, course = learned(table(a=a, y=a + rng.standard_normal(100)), epochs=4)
    found = Report.of(task, course)
    off = np.abs(task.y[task.held] - course.model.predict(task.table)[task.held])
    assert found.errors[0.5] == pytest.approx(np.median(off))
    assert found.errors[1.0] == pytest.approx(off.max())
    worst = found.worst[0]
    assert worst.place == f"line {task.held[off.argmax()] + 2}"
    assert abs(worst.known - worst.predicted) == pytest.approx(off.max())


def test_peers_see_gaps_and_categories():
    rng = np.random.default_rng(0)
    size, kind = rng.standard_normal(200), rng.choice(["u", "v", "w", ""], 200)
    town = rng.choice([f"t{k}" for k in range(30)], 200)
    text = ["" if i % 5 == 0 else str(value) for i, value in enumerate(size)]
    y = np.where(kind == "u", 5, 0) + (np.arange(200) % 5 == 0) * 3 + rng.standard_normal(200) / 9
    task = Task.of(table(size=text, kind=kind, town=town, one=[1] * 200, y=y), "y")
    for peer in peers.compare(task):
        assert peer.predicted.shape == (len(task.held), 1)
        assert METRICS["r2"](task.y[task.held, None], peer.predicted, np.ones((40, 1))) > 0.9


# ---- in a model file -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def models():
    return {
        target: learned(read_csv(penguins()), target, epochs=2)[1].model
        for target in ("species", "body_mass_g")
    }


@pytest.mark.parametrize("target", ["species", "body_mass_g"])
def test_a_model_file_predicts_the_same_bits(tmp_path, models, target):
    model, path, rows = models[target], tmp_path / "m.safetensors", read_csv(penguins())
    model.save(path)
    again = load_model(path)
    assert again.predict(rows).tobytes() == model.predict(rows).tobytes()
    assert (again.encoding, again.target) == (model.encoding, model.target)
    assert again.to_json() == model.to_json()
    assert path.stat().st_size < 5 * model.ensemble.network.theta.size  # four bytes a weight
    # what is said of a row hangs on no other row
    alone = model.predict(rows.rows([5]))
    np.testing.assert_allclose(alone[0], model.predict(rows)[5], rtol=1e-5)  # in float32


def test_categories_of_many_come_back(tmp_path):
    of = table(
        a=[f"c{i % 30}" for i in range(120)], b=["", "7"] * 60, c=["u", "v", ""] * 40, y=[0, 1] * 60
    )
    model = learned(of, epochs=2)[1].model
    model.save(tmp_path / "m")
    assert load_model(tmp_path / "m").predict(of).tobytes() == model.predict(of).tobytes()


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


@pytest.mark.parametrize("target", ["species", "body_mass_g"])
def test_no_other_json_is_taken_for_a_model(models, target):
    """Whatever stands in the place of any value: a ValueError, or a model that still predicts."""
    network = models[target].ensemble.network
    good = json.loads(json.dumps(models[target].to_json()))
    penguin = read_csv(penguins()).rows(range(3))
    refused = []
    for path in paths(good):
        for wrong in WRONG:
            content = {"root": copy.deepcopy(good)}
            inner = content
            for key in ("root", *path)[:-1]:
                inner = inner[key]
            inner[("root", *path)[-1]] = wrong
            try:
                assert np.isfinite(Model.of(network, content["root"]).predict(penguin)).all()
            except ValueError as error:
                refused.append(str(error))
    assert len(refused) > 500
    assert "\n" not in "".join(refused)


def without(section, *names):
    return {name: value for name, value in section.items() if name not in names}


def test_a_table_section_must_fit_its_network(tmp_path, models):
    path, section = tmp_path / "m.safetensors", models["species"].to_json()
    network, quantity = (models[name].ensemble.network for name in ("species", "body_mass_g"))
    fewer = copy.deepcopy(section)
    fewer["encoding"]["columns"] = fewer["encoding"]["columns"][1:]
    single = copy.deepcopy(network)
    single.keep(0)
    for net, wrong, why in (
        (network, None, "a network without a table"),
        (network, fewer, "do not fit the network"),
        (quantity, section, "do not fit the network"),
        (single, section, "expected stacked networks of MulticlassCrossEntropy"),
        (network, {"features": 3}, "expected encoding, target, scale"),
        (network, without(section, "scale"), "expected encoding, target, scale"),
        (network, section | {"target": {}}, "expected a target, its name and its classes"),
        (network, section | {"target": {"name": "y", "classes": ["a", "a", "b"]}}, "different"),
        (network, section | {"target": {"name": "y", "classes": ["a"]}}, "several different"),
        (network, section | {"target": {"name": 3, "classes": ["a", "b", "c"]}}, "target's name"),
        (network, section | {"scale": {"temperature": 0.0}}, "temperature near 1, got 0"),
        (network, section | {"scale": {"temperature": 1e300}}, "temperature near 1, got 1e.300"),
        (network, section | {"scale": {"temperature": "1"}}, "temperature to be a finite number"),
        (network, section | {"scale": {"mean": 0.0}}, "expected a scale of temperature"),
    ):
        save_network(net, path, wrong)
        with pytest.raises(ModelFileError, match=why) as caught:
            load_model(path)
        assert "\n" not in str(caught.value)
    section = models["body_mass_g"].to_json()
    for scale, why in (({"sd": 0.0}, "sd to be above 0"), ({"low": 1e9}, "low to be at most high")):
        save_network(quantity, path, section | {"scale": section["scale"] | scale})
        with pytest.raises(ModelFileError, match=why):
            load_model(path)
    assert load_with_table(path)[0].members == 2


def test_mean_and_sd_of_any_numbers():
    assert mean_sd(np.array([2.0, 2.0])) == (2.0, 1.0)
    mean, sd = mean_sd(np.array([-1e308, 1e308]))
    assert (mean, sd) == (0.0, 1e308)
