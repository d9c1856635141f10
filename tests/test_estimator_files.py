"""Estimators in model files: what was given and learned comes back, and nothing else comes in."""

import copy
import importlib.util
import json
import pickle
import tracemalloc
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import get_scorer

import glassnet as gn
from glassnet import cli
from glassnet.files.values import from_json, labels_from_json, labels_to_json, to_json
from glassnet.metrics import METRICS
from glassnet.tabular.model import load_model

GOLDEN = Path(__file__).with_name("golden")
X = np.random.default_rng(0).standard_normal((60, 3))
TWO, THREE, SEVERAL = (X[:, 0] > 0).astype(int), np.digitize(X[:, 0], (-0.4, 0.4)), (X > 0) * 1
FRAME = pd.DataFrame({"size": X[:, 0], "kind": ["oak", "ash", None] * 20, "old": X[:, 1] > 0})
QUICK = {"preset": "quick", "n_ensemble": 1, "epochs": 2, "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore:training had not converged")


def golden():
    """Return the module that made the golden files."""
    spec = importlib.util.spec_from_file_location("make_files", GOLDEN / "make_files.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def there_and_back(model, path):
    model.save(path / "m.safetensors")
    return gn.load(path / "m.safetensors")


def said(model, rows=X):
    """Return what a model says, as bytes."""
    if isinstance(model, gn.SimpleNeuralNetwork):
        return model.forward(rows[:, :2]).tobytes()
    rows = FRAME if hasattr(model, "encoding_") else rows
    return getattr(model, "predict_proba", model.predict)(rows).tobytes()


def fitted():
    """Return one of every estimator, fitted."""
    nn = gn.SimpleNeuralNetwork(2, 3, 1, seed=0)
    nn.backward(X[:, :2], TWO, 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "binary": gn.MLPClassifier((4,), max_iter=2, random_state=0).fit(X, TWO),
            "several": gn.MLPClassifier((4,), max_iter=2, random_state=0).fit(X, THREE),
            "labels": gn.MLPClassifier((4,), max_iter=2, random_state=0).fit(X, SEVERAL),
            "quantities": gn.MLPRegressor("huber", (4,), max_iter=2, random_state=0).fit(X, X),
            "classifier": gn.TabularClassifier(**QUICK).fit(FRAME, THREE),
            "regressor": gn.TabularRegressor(**QUICK).fit(FRAME, X[:, 2]),
            "tutorial": nn,
        }


MODELS = fitted()
LEARNED = (
    *("n_iter_", "t_", "loss_", "best_loss_", "best_validation_score_", "loss_curve_"),
    *("validation_scores_", "validation_loss_curve_", "n_features_in_", "n_layers_", "n_outputs_"),
    *("out_activation_", "encoding_"),
)


@pytest.mark.parametrize("name", MODELS)
def test_an_estimator_comes_back(tmp_path, name):
    model = MODELS[name]
    again = there_and_back(model, tmp_path)
    assert type(again) is type(model)
    assert said(again) == said(model)
    if name != "tutorial":
        assert str(again.get_params()) == str(model.get_params())
        assert clone(again).get_params().keys() == model.get_params().keys()
    for attribute in LEARNED:
        assert hasattr(again, attribute) == hasattr(model, attribute), attribute
        assert getattr(again, attribute, None) == getattr(model, attribute, None), attribute
    for attribute in ("classes_", "feature_names_in_"):
        mine, theirs = (getattr(each, attribute, np.array(0)) for each in (model, again))
        assert theirs.dtype == mine.dtype
        assert theirs.tolist() == mine.tolist()
    # saved again, it is the same file
    content = (tmp_path / "m.safetensors").read_bytes()
    again.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == content


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("way", ["pickle", "joblib", "deepcopy", "skops"])
def test_an_estimator_is_copied_and_pickled_as_usual(tmp_path, name, way):
    model = MODELS[name]
    if way == "pickle":
        again = pickle.loads(pickle.dumps(model))
    elif way == "joblib":
        joblib.dump(model, tmp_path / "m.joblib")
        again = joblib.load(tmp_path / "m.joblib")
    elif way == "deepcopy":
        again = copy.deepcopy(model)
    else:
        skops = pytest.importorskip("skops.io")
        content = skops.dumps(model)
        again = skops.loads(content, trusted=skops.get_untrusted_types(data=content))
    assert said(again) == said(model)
    # what was pickled can be saved, and goes on
    assert said(there_and_back(again, tmp_path)) == said(model)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sparse", [{}, {"early_stopping": True, "max_iter": 4}])
def test_a_warm_start_goes_on_to_the_same_bits(tmp_path, dtype, sparse):
    rows = X.astype(dtype)
    how = {"max_iter": 3, "warm_start": True, "random_state": 1, "dropout": 0.2} | sparse
    model = gn.MLPClassifier((5,), "tanh", **how).fit(rows, THREE)
    again = there_and_back(model, tmp_path)
    for one in (model, again):
        one.fit(rows, THREE)
    assert said(again, rows) == said(model, rows)
    assert again.loss_curve_ == model.loss_curve_
    assert again.validation_scores_ == model.validation_scores_


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "rmsprop", gn.Nesterov(0.01)])
def test_partial_fit_goes_on_to_the_same_bits(tmp_path, solver):
    model = gn.MLPRegressor(hidden_layer_sizes=(5,), solver=solver, random_state=1)
    model.partial_fit(X[:30], X[:30, 0])
    again = there_and_back(model, tmp_path)
    for one in (model, again):
        one.partial_fit(X[30:], X[30:, 0])
    assert said(again) == said(model)
    assert (again.t_, again.loss_) == (model.t_, model.loss_)
    # it would not without the optimizer's memory
    forgetful = there_and_back(model, tmp_path)
    forgetful.network_.memory = None
    for one in (model, forgetful):
        one.partial_fit(X, X[:, 0])
    assert said(forgetful) != said(model)


@pytest.mark.parametrize(
    "labels",
    [
        np.array([False, True]),
        np.array([3, 250], "uint8"),
        np.array([-5, 5], "int16"),
        np.array([-(2**62), 2**62]),
        np.array([0, 2**63], "uint64"),
        np.array([0.0, 2.0], "float32"),
        np.array([-1.0, 2.0**60]),
        np.array(["", "é\n\u2028"]),
        np.array(["no", "yes"], "U40"),
        np.array(["no", "yes"], dtype=object),
        np.array(["a", "b", "c"]),
    ],
    ids=lambda labels: str(labels.dtype),
)
def test_classes_come_back_with_their_dtype(tmp_path, labels):
    y = labels[np.arange(60) % len(labels)]
    model = gn.MLPClassifier((2,), max_iter=1, random_state=0).fit(X, y)
    again = there_and_back(model, tmp_path)
    assert again.classes_.dtype == model.classes_.dtype == labels.dtype
    assert again.predict(X).tolist() == model.predict(X).tolist()
    assert again.score(X, y) == model.score(X, y)


def test_labels_of_mixed_types_come_back_and_others_are_refused():
    labels = np.array(["a", 1, 2.5, True, None, float("inf")], dtype=object)
    again = labels_from_json("classes_", json.loads(json.dumps(labels_to_json("classes_", labels))))
    assert again.dtype == object
    assert [*map(repr, again)] == [*map(repr, labels)]
    days = np.array(["2020-01-01", "2026-12-31"], "M8[D]")
    again = labels_from_json("classes_", json.loads(json.dumps(labels_to_json("classes_", days))))
    assert (again.dtype, again.tolist()) == (days.dtype, days.tolist())
    never = np.array(["NaT"], "M8[D]")
    for wrong in (
        never,
        np.array(["2020"], "M8[Y]"),
        np.array([1j]),
        np.array([float("nan")]),
        np.array([object()]),
    ):
        with pytest.raises(TypeError, match="classes_: expected"):
            labels_to_json("classes_", wrong)
    for wrong in ("x", "2020", "2020-13-01", "2020-01-01T00", 3):
        with pytest.raises(ValueError, match="classes_: expected labels of a dtype"):
            labels_from_json("classes_", {"dtype": "datetime64[D]", "values": [wrong]})
    wide = {"dtype": "U100000000", "values": ["a", "b"]}
    with pytest.raises(ValueError, match="classes_: expected labels of a dtype"):
        labels_from_json("classes_", wide)


PARAMETERS = [
    *(None, True, 3, 2.5, "relu", float("inf"), [1, "a", None], (8, 4), (1, (2, [3]))),
    *({0: 1.0, 1: 2.5}, {"no": 1, True: 2, None: 3, 1.5: [4]}, [{"a": 1}, "balanced"], 10**30),
    *(gn.Elu(0.5), gn.Parametric(gn.Tanh()), [gn.Relu(), "tanh"], gn.Quantile(0.9), gn.Focal(1.0)),
    *(gn.AdamW(0.1), gn.LBFGS(), gn.Cosine(), gn.WarmUp(5, gn.StepDecay(3)), METRICS["auc"]),
]


@pytest.mark.parametrize("value", PARAMETERS, ids=lambda value: repr(value).partition(" at 0x")[0])
def test_a_parameter_comes_back(value):
    again = from_json("it", json.loads(json.dumps(to_json("it", value), allow_nan=False)))
    assert again == value
    assert type(again) is type(value)
    assert repr(again) == repr(value)


def test_arrays_and_numpys_numbers_are_parameters_too():
    sizes = from_json("it", to_json("it", np.array([8, 4], "int32")))
    assert sizes.dtype == "int32"
    assert sizes.tolist() == [8, 4]
    assert to_json("it", pd.Index(["a", "b"])) == to_json("it", np.array(["a", "b"], object))
    assert to_json("it", [np.float32(0.5), np.True_, np.int8(3)]) == [0.5, True, 3]


class Own(gn.MLPClassifier):
    pass


class Swish(gn.Activation):
    def f(self, z):
        return z * gn.sigmoid(z)

    def slope(self, z, a):
        return gn.sigmoid(z) * (1 + z - a)


@pytest.mark.parametrize(
    ("parameters", "error", "why"),
    [
        ({"random_state": np.random.RandomState(0)}, TypeError, "random_state: expected numbers"),
        ({"learning_rate": lambda step, total: 1.0}, TypeError, "learning_rate: expected numbers"),
        ({"metric": gn.Metric("own", print)}, TypeError, "metric: expected numbers"),
        ({"class_weight": {(1, 2): 3.0}}, TypeError, "class_weight: expected numbers"),
        ({"hidden_layer_sizes": np.ones((2, 2))}, TypeError, "hidden_layer_sizes: expected numb"),
        ({"loss": gn.CustomLoss(print, print)}, TypeError, "loss: expected numbers"),
        ({"activation": Swish()}, TypeError, "activation: expected numbers"),
        ({"alpha": -1}, ValueError, "alpha: expected a number"),
        ({"solver": "adma"}, ValueError, "solver: expected one of"),
        ({"dropout": [0.1, 0.2]}, ValueError, "dropout: expected 1"),
        ({"loss": "squared_error"}, ValueError, "loss: expected one of"),
        ({"random_state": -1}, ValueError, "random_state: expected at least 0"),
        ({"random_state": 2**32}, ValueError, "random_state: expected at most"),
        ({"class_weight": {5: 1.0}}, ValueError, "class_weight: expected some of"),
        ({"metric": "r2"}, ValueError, "metrics: expected metrics of classes"),
    ],
    ids=range(15),
)
def test_what_no_file_holds_is_refused_by_name_and_nothing_is_written(
    tmp_path, parameters, error, why
):
    model = copy.deepcopy(MODELS["binary"]).set_params(**parameters)
    with pytest.raises(error, match=why) as caught:
        model.save(tmp_path / "m.safetensors")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_scorer_is_refused_and_its_name_is_not(tmp_path):
    model = copy.deepcopy(MODELS["classifier"])
    assert there_and_back(model.set_params(metric="f1_macro"), tmp_path).metric == "f1_macro"
    with pytest.raises(TypeError, match="metric: expected numbers, text"):
        model.set_params(metric=get_scorer("f1_macro")).save(tmp_path / "m.safetensors")
    for wrong, why in (
        ({"metric": "f2"}, "metric: expected one of"),
        ({"metric": None, "categorical_features": ["no"]}, "categorical_features: expected names"),
        ({"categorical_features": "from_dtype", "class_weight": {9: 1}}, "class_weight: expected"),
        ({"class_weight": None, "preset": "slow"}, "preset: expected one of"),
        ({"preset": "best", "n_jobs": 0}, "n_jobs: expected at least 1"),
    ):
        with pytest.raises(ValueError, match=why):
            model.set_params(**wrong).save(tmp_path / "m.safetensors")


@pytest.mark.parametrize("kind", [gn.MLPRegressor, gn.TabularClassifier])
def test_what_is_not_fitted_or_not_ours_is_not_saved(tmp_path, kind):
    with pytest.raises(NotFittedError, match=f"save: expected a fitted {kind.__name__}, got one"):
        kind().save(tmp_path / "m.safetensors")
    own = Own((2,), max_iter=1).fit(X, TWO)
    with pytest.raises(TypeError, match="expected one of glassnet's own estimators, got Own"):
        own.save(tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


# ---- the command line's files --------------------------------------------------------------------


def test_the_command_line_predicts_with_a_saved_estimator(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    y = np.array(["no", "yes"])[TWO]
    frame = FRAME.assign(old=FRAME["old"].map({True: "True", False: "False"}))
    model = gn.TabularClassifier(**QUICK).fit(frame, y)
    model.save("m.safetensors")
    frame.to_csv("new.csv", index=False)
    assert cli.run(["predict", "m.safetensors", "new.csv", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["prediction"] for row in rows] == model.predict(frame).tolist()
    shares = [[*row["probabilities"].values()] for row in rows]
    assert np.array(shares).tobytes() == model.predict_proba(frame).tobytes()
    # columns without names cannot be found in a table of names
    gn.TabularRegressor(**QUICK).fit(X, X[:, 0]).save("m.safetensors")
    with pytest.raises(ValueError, match="expected a model of named columns"):
        load_model("m.safetensors").predict(golden().table())


def test_what_the_command_line_wrote_is_an_estimator(tmp_path):
    made = golden()
    for name in ("cli_class", "cli_quantity"):
        for path in sorted(GOLDEN.glob(f"files/*/{name}.safetensors")):
            model, estimator = load_model(path), gn.load(path)
            columns = {**made.frame(), **made.table().columns}
            for number in ("size", "quantity"):
                columns[number] = [float(text) if text else None for text in columns[number]]
            table = made.table()
            expected = model.predict(table)
            kind = gn.TabularClassifier if name == "cli_class" else gn.TabularRegressor
            assert type(estimator) is kind
            say = getattr(estimator, "predict_proba", estimator.predict)
            np.testing.assert_array_equal(say(columns), expected)
            assert said_by(there_and_back(estimator, tmp_path), columns) == say(columns).tobytes()
    assert gn.load(GOLDEN / "files/1/cli_class.safetensors").classes_.tolist() == ["no", "yes"]


def said_by(model, columns):
    return getattr(model, "predict_proba", model.predict)(columns).tobytes()


# ---- golden files, for ever ----------------------------------------------------------------------


GOLDEN_FILES = sorted(GOLDEN.glob("files/*/*.safetensors"))


@pytest.mark.parametrize("path", GOLDEN_FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_golden_file_predicts_what_it_predicted_when_it_was_made(path):
    made = golden()
    expected = json.loads((path.parent / "expected.json").read_text())[path.stem]
    model = load_model(path) if path.stem.startswith("cli") else gn.load(path)
    network = made.network_of(model)
    assert made.digest(network) == expected["theta"]
    predicted, narrow = made.told(path.stem, model), network.dtype == np.float32
    np.testing.assert_allclose(predicted, expected["predicted"], rtol=1e-5 if narrow else 1e-9)


def test_there_are_golden_files_of_every_version_and_kind():
    kinds = {(path.parent.name, path.stem) for path in GOLDEN_FILES}
    names = {version: {name for each, name in kinds if each == version} for version in "12"}
    assert names["1"] == {"network", "float32", "members", "cli_class", "cli_quantity"}
    assert {type(gn.load(GOLDEN / f"files/2/{name}.safetensors")) for name in names["2"]} == {
        *(gn.Network, gn.MLPClassifier, gn.MLPRegressor, gn.SimpleNeuralNetwork),
        *(gn.TabularClassifier, gn.TabularRegressor),
    }
    for path in GOLDEN_FILES:
        expected = json.loads((path.parent / "expected.json").read_text())
        assert path.stem in expected


# ---- what is not read ----------------------------------------------------------------------------


def forged(path, name, change):
    """Write a golden file of the last version with its JSON changed."""
    content = (GOLDEN / f"files/2/{name}.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    about = json.loads(header["__metadata__"]["glassnet"])
    change(header, about)
    header["__metadata__"]["glassnet"] = json.dumps(about)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])


def put(value, *place):
    def change(header, about):
        inner = about["estimator"]
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value

    return change


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("mlp_words", put("os.system", "kind"), "estimator: expected one of 'MLPClassifier'"),
        ("mlp_words", put("MLPRegressor", "kind"), "MLPRegressor: expected its own parameters"),
        ("mlp_words", put("TabularClassifier", "kind"), "expected its own parameters, got 'acti"),
        ("mlp_words", put(1, "more"), "expected kind, learned, parameters, got more beside it"),
        ("mlp_words", put([], "learned"), "expected its parameters and what it learned by name"),
        ("mlp_words", put(1, "parameters", "more"), "expected its own parameters, got 'more'"),
        ("mlp_words", put(-1, "parameters", "alpha"), "alpha: expected a number"),
        ("mlp_words", put("x", "parameters", "alpha"), "alpha: expected a number"),
        ("mlp_words", put({"loss": {}}, "parameters", "alpha"), "expected one of squared_error"),
        ("mlp_words", put({"a": 1, "b": 2}, "parameters", "alpha"), "alpha: expected one tag"),
        ("mlp_words", put({"eval": "1"}, "parameters", "alpha"), "alpha: expected a value"),
        ("mlp_words", put({"number": "1"}, "parameters", "alpha"), "alpha: expected one of 'nan'"),
        ("mlp_words", put({"dict": [1]}, "parameters", "alpha"), "alpha: expected pairs"),
        ("mlp_words", put({"dict": [[[], 1]]}, "parameters", "alpha"), "alpha: expected keys"),
        ("mlp_words", put({"dict": [[1, 2]] * 2}, "parameters", "alpha"), "alpha: expected diff"),
        ("mlp_words", put({"metric": "os"}, "parameters", "metric"), "metric: expected one of"),
        ("mlp_words", put("print", "parameters", "learning_rate"), "learning_rate: expected one"),
        ("mlp_words", put([4] * 3, "parameters", "hidden_layer_sizes"), "activation: expected 3"),
        ("mlp_words", put(1, "learned", "more"), "got more beside it"),
        ("mlp_words", put(-1, "learned", "n_iter_"), "n_iter_: expected at least 0"),
        ("mlp_words", put(True, "learned", "t_"), "t_: expected a whole number"),
        ("mlp_words", put(1, "learned", "loss_"), "loss_: expected a number with a point"),
        ("mlp_words", put(["a"], "learned", "feature_names_in_"), "expected 3 names of columns"),
        ("mlp_words", put(1, "learned", "multilabel"), "multilabel: expected True or False"),
        ("mlp_words", put(True, "learned", "multilabel"), "classes_: expected those of 3 outputs"),
        ("mlp_words", put({}, "learned", "classes_"), "classes_: expected labels with their dty"),
        ("mlp_words", put(["a"], "learned", "classes_", "values"), "classes_: expected those of 3"),
        ("mlp_words", put("O", "learned", "classes_", "dtype"), "classes_: expected labels of a"),
        ("mlp_words", put("U9" * 9, "learned", "classes_", "dtype"), "expected labels of a dtype"),
        ("mlp_words", put(["a"] * 3, "learned", "classes_", "values"), "classes_: expected"),
        ("mlp_words", put(None, "learned", "memory"), "got memory.m"),
        ("mlp_words", put({}, "learned", "memory"), "memory: expected an optimizer, and its steps"),
        ("mlp_words", put(-1, "learned", "memory", "steps"), "steps: expected at least 0"),
        ("mlp_words", put("sgd", "learned", "memory", "rule", "kind"), "sgd has other settings"),
        ("mlp_words", lambda h, a: a.update(table={}), "table: expected none of a multilayer"),
        ("mlp_words", lambda h, a: a["layers"].insert(0, {"kind": "Squash"}), "in one of them"),
        ("mlp_words", lambda h, a: h.update({"estimator.x": EMPTY}), "got x beside it"),
        ("mlp_words", lambda h, a: h["estimator.loss_curve_"].update(shape=[3, 1]), "one axis"),
        ("mlp_words", lambda h, a: h["estimator.loss_curve_"].update(dtype="I64"), "expected F64"),
        ("mlp_words", lambda h, a: h["estimator.totals"].update(shape=[3, 1]), "expected F64"),
        ("mlp_quantity", put("auc", "parameters", "metric"), "expected metrics of quantities"),
        ("mlp_quantity", put("focal", "parameters", "loss"), "loss: expected one of"),
        ("tabular_classes", put("slow", "parameters", "preset"), "preset: expected one of"),
        ("tabular_classes", put([9], "parameters", "categorical_features"), "expected places"),
        ("tabular_classes", put("TabularRegressor", "kind"), "own parameters, got 'class_weight'"),
        ("tabular_quantity", put("TabularClassifier", "kind"), "classes_: expected those of a tar"),
        ("tabular_classes", put(None, "learned", "classes_"), "classes_: expected those of a ta"),
        ("tabular_classes", put(2.0, "learned", "n_iter_"), "n_iter_: expected a whole number"),
        ("tabular_classes", lambda h, a: a.update(table=None), "table: expected encoding"),
        ("tabular_classes", lambda h, a: h.update({"estimator.x": EMPTY}), "got x beside it"),
        ("tutorial", put(7, "parameters", "hidden_size"), "expected the network of a SimpleNeural"),
        ("tutorial", put(1, "learned", "x"), "estimator: expected nothing, got x beside it"),
        ("tutorial", lambda h, a: a["estimator"]["parameters"].pop("input_size"), "got no input"),
        ("tutorial", lambda h, a: a.update(estimator=[]), "estimator: expected its kind"),
    ],
)
def test_a_forged_estimator_is_refused_with_its_reason(tmp_path, name, change, why):
    path = tmp_path / "m.safetensors"
    forged(path, name, lambda header, about: None)
    gn.load(path)
    forged(path, name, change)
    with pytest.raises(gn.ModelFileError, match=why) as caught:
        gn.load(path)
    assert "\n" not in str(caught.value)


EMPTY = {"dtype": "F64", "shape": [0], "data_offsets": [0, 0]}


def test_reading_takes_twice_the_file_at_most(tmp_path):
    """The header once more, and some room for objects and a buffer."""
    wide = np.random.default_rng(0).standard_normal((40, 600))
    big = gn.MLPClassifier((800,), max_iter=1, random_state=0).fit(wide, np.arange(40) % 3)
    narrow = gn.MLPRegressor(hidden_layer_sizes=(800,), max_iter=1, random_state=0)
    narrow.fit(wide.astype("float32"), wide[:, 0])
    untouched = gn.Network([gn.Dense(900, "relu"), gn.Dense(1)], 600, dtype="float64", seed=0)
    members = gn.Network([gn.Dense(300, "relu"), gn.Dense(1)], 600, dtype="float64", seed=0)
    members.spread(4)
    members.theta[...] = members.theta.astype("float32") + 0.5
    for model in (big, narrow, untouched, members):
        path = tmp_path / "m.safetensors"
        model.save(path)
        size = path.stat().st_size
        gn.load(path)  # so that what Python makes once is made
        tracemalloc.start()
        try:
            again = gn.load(path)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert 2**21 < size < peak < 2 * size + 2**20, type(again)
        del again


def test_a_sample_of_mutated_files(tmp_path):
    """A few of what `make fuzz` reads; every kind of mutation is there."""
    from fuzz import files as fuzz

    fuzzer = fuzz.Fuzzer(tmp_path)
    fuzz.warm(fuzzer)
    tracemalloc.start()
    try:
        for kind, content in fuzz.mutants(390, seed=7, sample=True):
            fuzzer.look(kind, content, timed=False)
    finally:
        tracemalloc.stop()
    assert [(kind, outcome) for kind, outcome, _ in fuzzer.bad] == []
    assert len(fuzzer.came) == 13
    assert sum(came["read"] for came in fuzzer.came.values()) > 10
