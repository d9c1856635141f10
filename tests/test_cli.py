"""The command line: what it shows, writes and predicts, and how it says no."""

import csv
import io
import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from glassnet import cli, terminal
from glassnet.activations import ACTIVATIONS
from glassnet.csvfile import read_csv
from glassnet.demo import penguins
from glassnet.files.networks import load_with_table
from glassnet.tabular import task
from glassnet.tabular.model import load_model
from glassnet.tabular.scores import OF_CLASSES, OF_QUANTITIES
from glassnet.tabular.task import steppers

ESCAPE = "\x1b"
ENVIRONMENT = {
    **os.environ,
    "COLUMNS": "80",
    "PYTHONIOENCODING": "utf-8",
    "PYTHONPATH": str(Path(cli.__file__).parents[2]),
}


def load(path):
    """Return the network in a model file."""
    return load_with_table(path)[0]


def command(*arguments, cwd=None, **options):
    """Run the command line in a process of its own."""
    words = [sys.executable, "-m", "glassnet", *map(str, arguments)]
    options = {"capture_output": True, "encoding": "utf-8", **options}
    return subprocess.run(words, check=False, cwd=cwd, env=ENVIRONMENT, **options)


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run a command here, in an empty folder: its exit code, output and complaints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments):
        code = cli.run([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def small(tmp_path):
    """A table of 40 rows with a number, text, gaps, two classes and a quantity."""
    path, rng = tmp_path / "small.csv", random.Random(0)
    rows = [
        (i % 7 if i % 9 else "NA", rng.choice("uvw"), "yes" if i % 7 > 3 else "no", i % 7 + i / 100)
        for i in range(40)
    ]
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([("n", "t", "class", "quantity"), *rows])
    return path


def as_parquet(path):
    """Write the table of a CSV file as Parquet too, numbers as numbers and gaps as nulls."""
    arrays = {}
    for name, values in read_csv(path).columns.items():
        try:
            arrays[name] = pyarrow.array([float(value) if value else None for value in values])
        except ValueError:
            arrays[name] = pyarrow.array([value or None for value in values]).dictionary_encode()
    parquet.write_table(pyarrow.table(arrays), path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


# ---- what it is for ------------------------------------------------------------------------------


def test_the_demo_from_beginning_to_end():
    done = command("demo")
    assert (done.returncode, done.stderr) == (0, "")
    assert ESCAPE not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80 + len(str(penguins())) * 2
    for line in ("z1 = x @ W1 + b1", "dW1[...] = x.mT @ dz1", "velocity[...] = 0.9 * velocity"):
        assert line in done.stdout
    truth = re.findall(r"^ *([01]) +([01]) +([01]) +([01]\.\d+) *$", done.stdout, re.MULTILINE)
    assert [row[:3] for row in truth] == [tuple("000"), tuple("011"), tuple("101"), tuple("110")]
    assert all(abs(float(p) - int(label)) < 0.05 for *_, label, p in truth)
    accuracy = re.search(r"accuracy +([\d.]+)% +([\d.]+)%", done.stdout)
    assert float(accuracy[1]) > 90 > 60 > float(accuracy[2])


def test_train_then_predict_the_penguins(run, tmp_path):
    code, told, complaints = run("train", penguins(), "--target", "species", "--preset", "quick")
    assert (code, complaints) == (0, "")
    for word in (
        *("344 rows", "3 classes", "island", "Biscoe", "held out", "most frequent class"),
        *("taken for", "other rows", "confidence", "expected calibration error"),
    ):
        assert word in told
    accuracy = re.search(r"accuracy +([\d.]+)% +([\d.]+)%", told)
    assert float(accuracy[1]) > 90 > 60 > float(accuracy[2])

    code, told, complaints = run("predict", "penguins.safetensors", penguins())
    assert (code, complaints) == (0, "")
    rows = list(csv.DictReader(io.StringIO(told)))
    species = read_csv(penguins()).columns["species"]
    assert list(rows[0]) == ["prediction", "p(Adelie)", "p(Chinstrap)", "p(Gentoo)"]
    right = [row["prediction"] == name for row, name in zip(rows, species, strict=True)]
    assert np.mean(right) > 0.95
    assert all(
        abs(sum(float(row[f"p({name})"]) for name in set(species)) - 1) < 1e-4 for row in rows
    )

    assert run("predict", "penguins.safetensors", penguins(), "--output", "p.csv") == (0, "", "")
    assert Path("p.csv").read_text(encoding="utf-8") == told
    assert sorted(os.listdir(tmp_path)) == ["p.csv", "penguins.safetensors"]


def test_a_quantity_is_predicted_in_its_own_unit(run, small):
    code, told, _ = run("train", small, "--target", "quantity", "--output", "q.safetensors")
    assert code == 0
    for word in (
        "a quantity",
        "RMSE",
        "MAE",
        "R²",
        "(mean)",
        "gaps",
        "50% by at most",
        "worst rows",
    ):
        assert word in told
    _, told, _ = run("predict", "q.safetensors", small)
    predicted = np.array([float(row["prediction"]) for row in csv.DictReader(io.StringIO(told))])
    known = np.array([float(value) for value in read_csv(small).columns["quantity"]])
    assert np.abs(predicted - known).mean() < 0.5 * np.abs(known - known.mean()).mean()


def test_the_same_seed_makes_the_same_file(run, small):
    for seed, name in ((1, "a"), (1, "b"), (2, "c")):
        arguments = ("--seed", seed, "--epochs", 3, "--output", name, "--quiet")
        assert run("train", small, "--target", "class", *arguments) == (0, "", "")
    assert Path("a").read_bytes() == Path("b").read_bytes() != Path("c").read_bytes()


def test_rows_without_target_are_left_out_and_said(run, tmp_path):
    lines = [f"{i},{'NA' if i % 10 == 0 else 'ab'[i % 2]}" for i in range(50)]
    (tmp_path / "t.csv").write_text("\n".join(["x,y", *lines]))
    code, told, _ = run("train", "t.csv", "--target", "y", "--epochs", 1)
    assert code == 0
    assert "5 rows without y left out" in told
    (tmp_path / "t.csv").write_text("\n".join(["x,y", *lines[1:9], *lines[10:]]) + "\n7,#N/A\n")
    _, told, _ = run("train", "t.csv", "--target", "y", "--epochs", 1)
    assert "5 rows without y left out" in told
    (tmp_path / "t.csv").write_text("\n".join(["x,y", *lines[:10], *lines[11:20]]))
    _, told, _ = run("train", "t.csv", "--target", "y", "--epochs", 1)
    assert "1 row without y left out" in told


def test_names_that_look_like_markup_are_shown_as_they_are(run, tmp_path):
    lines = [f"{i},[bold]{i % 3},{'[/x]' if i % 2 else '[red]'}" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["[i]a[/i],[/],y", *lines]))
    code, told, complaints = run("train", "t.csv", "--target", "y", "--epochs", 1)
    assert (code, complaints) == (0, "")
    for word in ("[i]a[/i]", "[/] ", "'[bold]0'", "[/x], [red]"):
        assert word in told


@pytest.mark.parametrize("classes", [3, 12, 13])
def test_many_long_names_fit_into_a_terminal(run, tmp_path, classes):
    names = [f"{chr(97 + k)}: a class whose name is long" for k in range(classes)]
    lines = [f"{i % classes + i / 1000},{names[i % classes]}" for i in range(20 * classes)]
    (tmp_path / "t.csv").write_text("\n".join(["a number whose name is long,y", *lines]))
    options = ("--target", "y", "--preset", "quick", "--epochs", 3)
    code, told, complaints = run("train", "t.csv", *options)
    assert (code, complaints) == (0, "")
    assert max(map(len, told.splitlines())) <= 80
    if classes > 12:
        assert "most often confused" in told
    else:
        rows = [
            line for line in told.splitlines() if re.match(rf" ({classes} )?{names[-1][:4]}", line)
        ]
        assert len(rows) == 1
        assert sum(map(int, re.findall(r" (\d+)(?= )", rows[0])[-classes:])) == 4


def test_a_wide_table_is_told_in_part(run, tmp_path):
    header = ",".join([f"c{i}" for i in range(60)] + ["y"])
    lines = [",".join(str(i * j % 7) for j in range(61)) for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join([header, *lines]))
    code, told, _ = run("train", "t.csv", "--target", "y", "--epochs", 1)
    assert code == 0
    assert "... and 30 more columns" in told
    assert "c0" in told.split("... and")[1]  # always 0, so it is left out, and that is said


# ---- what can be chosen --------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_can_be_chosen_and_comes_back(run, small, activation):
    options = ("--activation", activation, "--network", "5, 3", "--epochs", 2)
    code, told, complaints = run("train", small, "--target", "class", *options)
    assert (code, complaints) == (0, "")
    assert re.search(r"Networks: 4 of \d+ - 5 - 3 - 2, [\d,]+ weights", told)
    dense = [each for each in load("small.safetensors").layers if type(each).__name__ == "Dense"]
    assert [layer.units for layer in dense] == [5, 3, 2]
    assert type(dense[0].activation) is ACTIVATIONS[activation]


@pytest.mark.parametrize("optimizer", steppers())
def test_every_optimizer_can_be_chosen(run, small, optimizer):
    options = ("--optimizer", optimizer, "--rate", 0.01, "--batch-size", 8, "--epochs", 3, "--json")
    code, told, complaints = run("train", small, "--target", "class", *options)
    assert (code, complaints) == (0, "")
    training = json.loads(told)["training"]
    chosen = {"optimizer": optimizer, "rate": 0.01, "batch_size": 8, "epochs": 3, "epochs_done": 3}
    assert {name: training[name] for name in chosen} == chosen


def test_a_network_without_hidden_layers_or_with_dropout(run, small):
    for options in (("--network", "none"), ("--network", "4", "--dropout", 0.5)):
        assert run("train", small, "--target", "class", "-q", "--epochs", 1, *options)[0] == 0
        layers = [type(layer).__name__ for layer in load("small.safetensors").layers]
        hidden = [] if "none" in options else ["Dense", "Dropout"]
        assert layers == ["Squash", "Periodic", "Scale", *hidden, "Dense"]


def test_defaults_are_what_they_are_said_to_be(run, small):
    run("train", small, "--target", "class", "-q", "--epochs", 3)
    plain = Path("small.safetensors").read_bytes()
    said = "--network 128,128,128 --dropout 0 --optimizer adam --preset default --metric error"
    rest = ("--rate", 0.04, "--seed", 0, "--members", 4, "--batch-size", 32, "--epochs", 3, "-q")
    assert run("train", small, "--target", "class", *said.split(), *rest) == (0, "", "")
    assert Path("small.safetensors").read_bytes() == plain
    _, told, _ = run("train", "--help")
    for option, value in zip(said.split()[::2], said.split()[1::2], strict=True):
        assert option in told
        assert value in told


def test_presets_and_members_are_as_many_networks(run, small):
    options = ("train", small, "--target", "class", "--epochs", 1, "-q")
    for more, members in (
        *((("--preset", "quick"), 2), ((), 4), (("--preset", "best"), 12)),
        (("--preset", "best", "--members", "3"), 3),
    ):
        assert run(*options, *more) == (0, "", "")
        assert load("small.safetensors").members == members


@pytest.mark.parametrize("metric", [*OF_CLASSES, *OF_QUANTITIES])
def test_epochs_are_chosen_by_every_metric(run, small, metric):
    target = "class" if metric in OF_CLASSES else "quantity"
    options = ("--metric", metric, "--epochs", 4, "--json")
    code, told, complaints = run("train", small, "--target", target, *options)
    assert (code, complaints) == (0, "")
    assert json.loads(told)["training"]["metric"] == metric
    smoothing = getattr(load("small.safetensors").loss, "label_smoothing", None)
    assert smoothing == (
        0.0 if metric in ("log_loss", "auc") else 0.1 if target == "class" else None
    )


def test_a_limit_to_the_time_is_kept(run, small):
    options = ("--time-limit", 1.5, "--epochs", 10**6, "--json")
    start = time.perf_counter()
    code, told, complaints = run("train", small, "--target", "quantity", *options)
    assert (code, time.perf_counter() - start < 20) == (0, True)
    training = json.loads(told)["training"]
    assert 0 < training["epochs_done"] <= training["epochs"] < 10**6
    assert complaints == "" or re.fullmatch(
        r"glassnet: the time was up after epoch \d+ of \d+\n", complaints
    )


def test_training_that_diverges_late_keeps_what_was_good(run, small, monkeypatch):
    learn = task.learn

    def interrupted(*arguments, progress, **how):
        ensemble = learn(*arguments, progress=progress, **how)
        ensemble.epochs -= 2
        return ensemble

    monkeypatch.setattr(task, "learn", interrupted)
    code, told, complaints = run("train", small, "--target", "quantity", "--epochs", 6)
    assert code == 0
    assert complaints == (
        "glassnet: training diverged after epoch 4 of 6, and ended; "
        "a lower learning rate may help\n"
    )
    assert "Trained 4 epochs" in told
    code, told, more = run("train", small, "--target", "quantity", "--epochs", 6, "--json")
    assert (code, more) == (0, complaints)
    report = json.loads(told)
    assert report["training"]["epochs_done"] == 4
    assert report["notes"] == [complaints.removeprefix("glassnet: ").strip()]


# ---- beside others -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "linear"), [("class", "LogisticRegression"), ("quantity", "Ridge")]
)
def test_compare_lets_others_learn_the_same_rows(run, small, target, linear):
    options = ("--target", target, "--preset", "quick", "--compare")
    code, told, complaints = run("train", small, *options)
    assert (code, complaints) == (0, "")
    for word in ("HistGradient", "Boosting", *re.findall("[A-Z][a-z]+", linear), "to learn"):
        assert word in told
    assert max(map(len, told.splitlines())) <= 80
    plain = json.loads(run("train", small, *options[:-1], "--json")[1])
    report = json.loads(run("train", small, *options, "--json")[1])
    trees = f"HistGradientBoosting{'Classifier' if target == 'class' else 'Regressor'}"
    for name, scores in report["scores"].items():
        assert list(scores) == ["network", "baseline", trees, linear]
        assert scores["network"] == plain["scores"][name]["network"]
    assert set(report["seconds"]) == {"network", trees, linear}


@pytest.mark.parametrize("kept", [("n", "m"), ("t", "u")])
def test_compare_goes_with_columns_of_one_kind(run, tmp_path, kept):
    rng = random.Random(1)
    rows = [(i % 7, rng.random(), "abc"[i % 3], rng.choice("uv"), i % 5 + 0.5) for i in range(60)]
    places = ["nmtu".index(name) for name in kept]
    with open("one.csv", "w", newline="") as file:
        table = [(*kept, "q"), *((*(row[k] for k in places), row[-1]) for row in rows)]
        csv.writer(file).writerows(table)
    code, told, complaints = run("train", "one.csv", "--target", "q", "--epochs", 2, "--compare")
    assert (code, complaints) == (0, "")
    assert "Ridge" in told


def test_compare_goes_with_a_class_of_one_row(run, tmp_path):
    with open("rare.csv", "w", newline="") as file:
        rows = [(i % 97, "c" if i == 5 else "ab"[i % 2]) for i in range(13_000)]
        csv.writer(file).writerows([("n", "k"), *rows])
    code, told, complaints = run(
        *("train", "rare.csv", "--target", "k", "--preset", "quick", "--epochs", 1, "--compare")
    )
    assert (code, complaints) == (0, "")
    assert "HistGradient" in told


def test_what_was_learned_is_kept_where_a_comparison_fails(run, small, monkeypatch):
    def broken(task):
        raise ValueError("no peers today")

    monkeypatch.setattr("glassnet.tabular.peers.compare", broken)
    code, _, complaints = run("train", small, "--target", "class", "--epochs", 2, "--compare")
    assert (code, complaints) == (2, "glassnet: no peers today\n")
    assert Path("small.safetensors").exists()


def test_dates_to_predict_are_no_numbers_of_days(run, tmp_path):
    with open("due.csv", "w", newline="") as file:
        rows = [(i, f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}") for i in range(100)]
        csv.writer(file).writerows([("n", "due"), *rows])
    code, _, complaints = run("train", "due.csv", "--target", "due", "--epochs", 2)
    assert code == 2
    assert "expected classes or numbers, got 84 different texts" in complaints


def test_dates_are_days(run, tmp_path):
    days = [f"20{i // 300:02}-{i % 12 + 1:02}-{i % 28 + 1:02}" for i in range(200)]
    with open("dates.csv", "w", newline="") as file:
        csv.writer(file).writerows([("d", "q"), *((day, i) for i, day in enumerate(days))])
    code, told, _ = run("train", "dates.csv", "--target", "q", "--epochs", 2)
    assert code == 0
    assert re.search(r"d +numbers +center 1", told)
    assert run("predict", "dates.safetensors", "dates.csv")[0] == 0


def test_a_large_quantity_keeps_its_digits(run, tmp_path):
    with open("large.csv", "w", newline="") as file:
        rows = [(i / 100, 1e9 + i) for i in range(100)]
        csv.writer(file).writerows([("n", "q"), *rows])
    assert run("train", "large.csv", "--target", "q", "--epochs", 8)[0] == 0
    _, told, _ = run("predict", "large.safetensors", "large.csv")
    assert len(set(told.splitlines())) > 20


def test_without_scikit_learn_only_compare_is_missing(small, tmp_path):
    code = (
        "import sys; sys.modules['sklearn'] = None; "
        "from glassnet.__main__ import main; sys.exit(main())"
    )
    words = [sys.executable, "-c", code, "train", small, "--target", "class", "--epochs", "1"]
    how = {"capture_output": True, "text": True, "env": ENVIRONMENT, "cwd": tmp_path}
    assert subprocess.run([*words, "-q"], check=False, **how).returncode == 0
    done = subprocess.run([*words, "--compare"], check=False, **how)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        'glassnet: --compare needs scikit-learn: pip install "glassnet[sklearn]"\n'
    )


# ---- JSON ----------------------------------------------------------------------------------------


def test_train_prints_one_json_object_and_nothing_else(run, tmp_path):
    rows = [f"{i},{i % 3},{'' if i % 10 == 0 else 'ab'[i % 2]},x,{i % 4}" for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["n,n,y,c,", *rows]))
    options = ("--target", "y", "--epochs", 5, "--output", "m", "--json")
    code, told, complaints = run("train", "t.csv", *options)
    assert (code, complaints) == (0, "")
    report = json.loads(told)
    assert report["data"] == "t.csv"
    assert report["model"] == "m"
    assert report["rows"]["read"] == 60
    assert report["rows"]["without_target"] == 6
    assert report["target"] == {"name": "y", "kind": "classes", "classes": ["a", "b"]}
    assert [each["name"] for each in report["columns"]["used"]] == ["n", "n.2", "column 5"]
    assert report["columns"]["left_out"] == {"c": "always 'x'"}
    network = load("m")
    assert report["network"] == {
        "members": 4,
        "inputs": network.inputs,
        "hidden_layers": [128, 128, 128],
        "activation": "relu",
        "dropout": 0.0,
        "outputs": 2,
        "weights": network.theta.size,
    }
    assert report["training"]["epochs_done"] == 5
    assert report["baseline"] == "most frequent class"
    assert set(report["scores"]) == {"accuracy", "log-loss"}
    assert [note.split(" ", 2)[:2] for note in report["notes"]] == [
        ["column", "2"],
        ["column", "5"],
        ["6", "rows"],
    ]
    code, told, _ = run("train", "t.csv", "--target", "n", "--epochs", 1, "--json", "--quiet")
    report = json.loads(told)
    assert (code, report["target"]["kind"], report["target"]["classes"]) == (0, "quantity", [])
    assert set(report["scores"]) == {"RMSE", "MAE", "R2"}
    assert set(report["absolute_error"]) == {"50%", "75%", "90%", "95%", "100%"}
    assert "calibration" not in report


@pytest.mark.parametrize("target", ["class", "quantity"])
def test_predict_prints_a_json_list_of_rows(run, small, target):
    run("train", small, "--target", target, "--epochs", 3, "-q")
    code, told, complaints = run("predict", "small.safetensors", small, "--json")
    assert (code, complaints) == (0, "")
    rows = json.loads(told)
    model = load_model("small.safetensors")
    p = model.predict(read_csv(small))
    if target == "class":
        shares = [list(row["probabilities"].values()) for row in rows]
        assert shares == p.tolist()
        assert [row["prediction"] for row in rows] == model.target.decode(p)
        assert list(rows[0]["probabilities"]) == ["no", "yes"]
    else:
        assert all(list(row) == ["prediction"] for row in rows)
        np.testing.assert_allclose([row["prediction"] for row in rows], p, rtol=1e-6)
    options = ("--json", "--output", "p.json")
    assert run("predict", "small.safetensors", small, *options) == (0, "", "")
    assert Path("p.json").read_text() == told


def test_with_json_an_error_leaves_standard_output_empty(run, small):
    for arguments in (("train", small, "--target", "no"), ("predict", small, small)):
        code, told, complaints = run(*arguments, "--json")
        assert (code, told, complaints.count("\n")) == (2, "", 1)


# ---- real tables ---------------------------------------------------------------------------------


ROWS = [
    (
        *(i % 7, f'he said "{i % 2}", then; left\nand|came\tback', "same", ""),
        *(i, "NA" if i % 10 == 3 else ["low", "high"][i % 7 > 3]),
    )
    for i in range(60)
]
HEADER = ("size", "note", "constant", "empty", "size", "class")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_table_as_it_really_comes(run, tmp_path, delimiter, end, mark):
    """Quotes with separators and line ends, a mark, blank lines, gaps, columns that say nothing."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows([HEADER, *ROWS])
    (tmp_path / "t.csv").write_bytes((mark + text.getvalue() + end * 3 + "  ").encode())
    code, told, complaints = run("train", "t.csv", "--target", "class")
    assert (code, complaints) == (0, "")
    told = re.sub(r" +", " ", told)
    for words in (
        "t.csv: 60 rows, 6 columns; 6 rows without class left out",
        "column 5 has a name that came before, 'size': it is called 'size.2' here",
        "To predict: class, 2 classes: high, low",
        "size numbers center 3, scale",
        "note categories 2 categories: 'he said \"0\",...nd|came\\tback'",
        "constant left out always 'same'",
        "empty left out all gaps",
        "size.2 numbers center",
    ):
        assert words in told
    code, told, complaints = run("predict", "t.safetensors", "t.csv")
    assert code == 0
    assert complaints == (
        "glassnet: column 5 has a name that came before, 'size': it is called 'size.2' here\n"
    )
    rows = list(csv.DictReader(io.StringIO(told)))
    assert list(rows[0]) == ["prediction", "p(high)", "p(low)"]
    right = [row["prediction"] == ("high" if i % 7 > 3 else "low") for i, row in enumerate(rows)]
    assert (len(rows), np.mean(right) > 0.9) == (60, True)


def test_a_target_whose_name_comes_twice_is_the_first(run, tmp_path):
    rows = "\n".join(f"{i},{'ab'[i % 2]},{i % 7 + 0.5}" for i in range(40))
    (tmp_path / "t.csv").write_text(f"x,y,y\n{rows}\n")
    for name, kind in (("y", "classes"), ("y.2", "quantity")):
        code, told, _ = run("train", "t.csv", "--target", name, "--epochs", 1, "--json")
        assert (code, json.loads(told)["target"]["kind"]) == (0, kind)


def test_a_table_of_unnamed_columns_is_told_in_part(run, tmp_path):
    lines = [",".join(str(i * j % 7) for j in range(50)) for i in range(1, 41)]
    (tmp_path / "t.csv").write_text("\n".join(["y" + "," * 49, *lines]))
    code, told, _ = run("train", "t.csv", "--target", "column 3", "--epochs", 1)
    assert code == 0
    assert "column 2 has no name: it is called 'column 2' here" in told
    assert "... and 19 more such names" in told


def test_parquet_predicts_what_the_same_csv_does(run, tmp_path):
    table = tmp_path / "penguins.csv"
    table.write_bytes(penguins().read_bytes())
    packed = as_parquet(table)
    models = {}
    for data in (table, packed):
        options = ("--target", "species", "--epochs", 5, "-q")
        assert run("train", data, *options) == (0, "", "")
        models[data] = Path("penguins.safetensors").read_bytes()
    assert models[table] == models[packed]
    predicted = run("predict", "penguins.safetensors", table)
    assert predicted[0] == 0
    assert predicted == run("predict", "penguins.safetensors", packed)
    _, told, _ = run("train", packed, "--target", "species", "--epochs", 1)
    assert "penguins.parquet: 344 rows, 8 columns" in told


def test_truths_and_float32_of_parquet_are_those_of_a_csv(run, tmp_path):
    rng = np.random.default_rng(0)
    numbers = rng.standard_normal(40).astype("float32")
    truths = rng.random(40) < 0.5
    with open(tmp_path / "t.csv", "w", newline="") as file:
        rows = zip(numbers, truths, ["ab"[i % 2] for i in range(40)], strict=True)
        csv.writer(file).writerows([("n", "t", "y"), *((str(n), t, y) for n, t, y in rows)])
    assert "True" in (tmp_path / "t.csv").read_text()
    parquet.write_table(pyarrow.table({"n": numbers, "t": truths}), "t.parquet")
    assert run("train", "t.csv", "--target", "y", "--epochs", 3, "-q")[0] == 0
    predicted = run("predict", "t.safetensors", "t.csv")
    assert predicted[0] == 0
    assert run("predict", "t.safetensors", "t.parquet") == predicted


# ---- what is shown -------------------------------------------------------------------------------


def test_help_shows_the_commands(run):
    code, told, _ = run()
    assert code == 0
    assert run("--help") == (code, told, "")
    for word in ("demo", "train", "predict"):
        assert f"glassnet {word}" in told
        code, more, _ = run(word, "--help")
        assert code == 0
        assert more.count("glassnet " + word) >= 3  # the usage and two examples
        assert max(map(len, more.splitlines())) <= 80


def test_help_tells_of_everything_that_can_be_chosen(run):
    _, told, _ = run("train", "--help")
    told = re.sub(r"[\s│]+", " ", told)
    for panel in ("The network", "The training", "Output"):
        assert f"─ {panel} ─" in told
    for name in (*ACTIVATIONS, *steppers()):
        assert re.search(rf"\b{name}\b", told)
    _, told, _ = run("predict", "--help")
    assert "probabilities: the column p(Adelie) is" in re.sub(r"\s+", " ", told)


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals there")
@pytest.mark.parametrize("options", [(), ("--json",), ("--quiet",)])
def test_progress_goes_to_a_terminal_and_never_into_the_output(small, tmp_path, options):
    import pty

    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "glassnet", "train", small, "--target", "class", *options]
    with (
        subprocess.Popen(
            words, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=theirs
        ) as process,
        open(ours, "rb", buffering=0) as screen,
    ):
        os.close(theirs)
        seen = b""
        try:
            while part := screen.read(65536):
                seen += part
        except OSError:  # how a terminal ends
            pass
        told = process.stdout.read().decode()
    assert process.returncode == 0
    assert (b"epoch" in seen and b"networks side by side" in seen) == ("--quiet" not in options)
    assert "side by side" not in told
    assert ESCAPE not in told
    if "--json" in options:
        assert json.loads(told)["model"] == "small.safetensors"


def test_a_bar_in_a_file_is_no_help(capsys):
    with terminal.progress(3) as bar:
        for number in (1, 2, 3):
            bar.report(number, "[bold]loss[/]")
    assert capsys.readouterr() == ("", "")


# ---- how it says no ------------------------------------------------------------------------------


@pytest.fixture
def bad(run, small):
    """A folder of files that are not what they should be."""
    header = (1 << 20).to_bytes(8, "little")
    Path("empty.csv").write_text("")
    Path("header.csv").write_text("n,t,class\n")
    Path("ragged.csv").write_text("n,class\n1,a\n2\n")
    Path("binary.csv").write_bytes(bytes(range(256)))
    Path("latin.csv").write_bytes(b"n,class\n1,\xe9\n")
    Path("one.csv").write_text("n,class\n" + "1,a\n2,a\n" * 20)
    Path("few.csv").write_text("n,class\n1,a\n2,b\n")
    Path("infinite.csv").write_text("n,class\n" + "1,a\ninf,b\n" * 20)
    Path("text.csv").write_text("n,t,class\nx,u,yes\n")
    Path("no_n.csv").write_text("t,class\nu,yes\n")
    Path("cut.safetensors").write_bytes(header)
    Path("empty.parquet").write_text("")
    for name, n in {
        "nested": [[1]] * 20,
        "infinite": [1.0, float("inf")] * 10,
        "text": [None, "x"] * 10,
    }.items():
        table = pyarrow.table({"n": n, "t": ["u", "v"] * 10, "class": ["a", "b"] * 10})
        parquet.write_table(table, f"{name}.parquet")
    Path("cut.parquet").write_bytes(Path("nested.parquet").read_bytes()[:-20])
    Path("folder").mkdir()
    assert run("train", small, "--target", "class", "--epochs", 1, "-q")[0] == 0
    return run


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("train small.csv", "Missing option '--target'"),
        ("train --target class", "Missing argument 'DATA'"),
        ("learn small.csv", "No such command 'learn'"),
        ("train small.csv --target class --layers 3", "No such option"),
        ("train small.csv --target class --epochs 0", "--epochs: expected at least 1, got 0"),
        (
            "train small.csv --target class --epochs many",
            "--epochs: expected a whole number, got 'many'",
        ),
        ("train small.csv --target class --seed -1", "--seed: expected at least 0, got -1"),
        ("train small.csv --target class --seed 0.5", "--seed: expected a whole number, got '0.5'"),
        ("demo --seed -1", "--seed: expected at least 0, got -1"),
        ("train small.csv --target class --network", "'--network' requires an argument"),
        ("train small.csv --target class --network 64,x", "--network: expected the neurons of"),
        ("train small.csv --target class --network 64;64", "or none, got '64;64'"),
        ("train small.csv --target class --network 64,", "or none, got '64,'"),
        ("train small.csv --target class --network 64,0", "--network: expected at least 1, got 0"),
        ("train small.csv --target class --network -3", "--network: expected at least 1, got -3"),
        (
            "train small.csv --target class --network 20000,20000",
            "--network: expected at most 100,000,000 weights, got 1,601",
        ),
        ("train small.csv --target class --network 1" + "0" * 30, "100,000,000 weights, got"),
        (
            "train small.csv --target class --activation rleu",
            f"--activation: expected one of {', '.join(map(repr, ACTIVATIONS))}, got 'rleu'",
        ),
        (
            "train small.csv --target class --optimizer Adam",
            f"--optimizer: expected one of {', '.join(map(repr, steppers()))}, got 'Adam'",
        ),
        ("train small.csv --target class --rate 0", "--rate: expected a number above 0, got 0.0"),
        ("train small.csv --target class --rate -1", "--rate: expected a number in [0, inf), got"),
        ("train small.csv --target class --rate nan", "--rate: expected a number in [0, inf), got"),
        ("train small.csv --target class --rate fast", "--rate: expected a number, got 'fast'"),
        (
            "train small.csv --target quantity --optimizer sgd --rate 1e60",
            "--rate: expected one with which the loss stays finite, got 1e+60",
        ),
        ("train small.csv --target class --batch-size 0", "--batch-size: expected at least 1, got"),
        (
            "train small.csv --target class --batch-size all",
            "--batch-size: expected a whole number, got",
        ),
        ("train small.csv --target class --members 0", "--members: expected at least 1, got 0"),
        ("train small.csv --target class --members all", "--members: expected a whole number, got"),
        ("train small.csv --target class --preset slow", "--preset: expected one of 'quick', 'def"),
        ("train small.csv --target class --time-limit 0", "--time-limit: expected a number above"),
        (
            "train small.csv --target class --time-limit soon",
            "--time-limit: expected a number, got",
        ),
        ("train small.csv --target class --metric wow", "--metric: expected one of 'error', 'log"),
        ("train small.csv --target class --metric mae", "'accuracy', got 'mae'"),
        ("train small.csv --target quantity --metric auc", "'rmse', 'mae', 'r2', got 'auc'"),
        ("train small.csv --target class --dropout 1", "--dropout: expected a number in [0, 1)"),
        ("train small.csv --target class --dropout -0.1", "in [0, 1), got -0.1"),
        (
            "train small.csv --target class --dropout some",
            "--dropout: expected a number, got 'some'",
        ),
        (
            "train small.csv --target Class",
            "no column 'Class', did you mean 'class'? There are: n,",
        ),
        ("train missing.csv --target class", "missing.csv: No such file"),
        ("train folder --target class", "folder"),
        ("train empty.csv --target class", "empty file"),
        ("train empty.parquet --target class", "empty.parquet: not a Parquet file"),
        ("train cut.parquet --target class", "cut.parquet: not a Parquet file"),
        ("train nested.parquet --target class", "nested.parquet: column 'n': expected numbers,"),
        ("train infinite.parquet --target n", "'n': expected finite numbers, got 'inf' in row 2"),
        ("predict small.safetensors text.parquet", "'n': expected numbers, got 'x' in row 2"),
        ("predict small.safetensors nested.parquet", "nested.parquet: column 'n': expected num"),
        ("train small.csv --target class --output small.csv --json", "expected another file"),
        ("train header.csv --target class", "expected rows"),
        ("train ragged.csv --target class", "expected 2 fields in line 3"),
        ("train binary.csv --target class", "binary"),
        ("train latin.csv --target class", "UTF-8"),
        ("train one.csv --target class", "got only 'a'"),
        ("train few.csv --target class", "at least 10 rows"),
        ("train infinite.csv --target n", "got 'inf' in line 3"),
        ("train small.csv --target class --output none/m", "none/m: there is no folder"),
        ("train small.csv --target class --output folder", "folder: expected a file"),
        ("train small.csv --target class --output small.csv", "expected another file"),
        ("predict small.csv small.csv", "small.csv: not a glassnet model file"),
        ("predict empty.csv small.csv", "empty.csv: not a glassnet model file"),
        ("predict cut.safetensors small.csv", "cut.safetensors: not a glassnet model file"),
        ("predict missing small.csv", "missing: No such file"),
        ("predict folder small.csv", "folder"),
        ("predict small.safetensors missing.csv", "missing.csv: No such file"),
        ("predict small.safetensors no_n.csv", "no column 'n'"),
        ("predict small.safetensors text.csv", "column 'n': expected numbers, got 'x' in line 2"),
        ("predict small.safetensors ragged.csv", "expected 2 fields in line 3"),
        ("predict small.safetensors small.csv --output small.csv", "expected another file"),
        ("predict small.safetensors small.csv --output none/p.csv", "there is no folder"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(bad, arguments, why):
    before = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    code, _, complaints = bad(*arguments.split())
    assert code == 2
    assert complaints.startswith("glassnet: ")
    assert complaints.count("\n") == 1
    assert why in complaints
    assert {path: path.read_bytes() for path in Path().iterdir() if path.is_file()} == before


def test_a_network_without_a_table_is_not_for_this_door(bad):
    load("small.safetensors").save("bare.safetensors")
    code, _, complaints = bad("predict", "bare.safetensors", "small.csv")
    assert (code, "without a table" in complaints) == (2, True)


def test_in_a_process_of_its_own_there_is_no_traceback_either(small, tmp_path):
    done = command("train", small, "--target", "nothing", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"glassnet: .*no column 'nothing'.*\n", done.stderr)


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_typer_or_rich_one_line_says_so(missing):
    code = (
        f"import sys; sys.modules['{missing}'] = None; "
        "from glassnet.__main__ import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, env=ENVIRONMENT
    )
    assert done.returncode == 2
    assert done.stderr == (
        'glassnet: the command line needs typer and rich: pip install "glassnet[cli]"\n'
    )


def test_a_failing_disk_is_told_and_leaves_nothing(run, small, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, complaints = run("train", small, "--target", "class", "--epochs", 1)
    assert (code, complaints) == (2, "glassnet: small.safetensors: No space left on device\n")
    assert os.listdir() == ["small.csv"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_standard_output_is_told(run, small):
    assert run("train", small, "--target", "class", "--epochs", 1, "-q")[0] == 0
    with open("/dev/full", "w") as full:
        done = command(
            *("predict", "small.safetensors", small),
            capture_output=False,
            stdout=full,
            stderr=subprocess.PIPE,
        )
    assert (done.returncode, done.stderr) == (2, "glassnet: No space left on device\n")


@pytest.mark.skipif(os.name == "nt", reason="signals and pipes are other things there")
def test_a_reader_that_has_seen_enough_is_no_error(small, tmp_path):
    words = [sys.executable, "-m", "glassnet", "train", small, "--target", "class"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": ENVIRONMENT}
    with subprocess.Popen(words, cwd=tmp_path, **pipes) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 1


@pytest.mark.skipif(os.name == "nt", reason="signals and pipes are other things there")
def test_an_interrupted_run_says_so_in_one_line(small, tmp_path):
    words = [sys.executable, "-m", "glassnet", "train", small, "--target", "class"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": ENVIRONMENT}
    with subprocess.Popen([*words, "--epochs", "10000000"], cwd=tmp_path, **pipes) as process:
        process.stdout.readline()  # it has begun
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        try:
            said = process.communicate(timeout=60)[1].decode()
        finally:
            process.kill()
        assert process.wait(60) == 130
    told, stopped = said.splitlines()
    assert re.fullmatch(
        r"glassnet: interrupted after epoch \d+ of 10000000: the networks are the best so far; "
        r"with --checkpoint run/ the same command would go on from there",
        told,
    )
    assert stopped == "glassnet: stopped"
    assert command("predict", str(tmp_path / "small.safetensors"), small).returncode == 0


@pytest.mark.parametrize("first", [10**25, 10**17, -(10**17)])
def test_classes_that_are_whole_numbers_of_many_digits_stay_apart(run, tmp_path, first):
    lines = [f"{k % 3},{first + k % 3}" for k in range(60)]
    (tmp_path / "ids.csv").write_text("\n".join(["x,id", *lines]))
    code, out, _ = run("train", tmp_path / "ids.csv", "--target", "id", "--epochs", 2)
    assert code == 0
    assert "3 classes" in out
    code, out, _ = run("predict", "ids.safetensors", tmp_path / "ids.csv")
    assert code == 0
    assert {line.split(",")[0] for line in out.splitlines()[1:]} <= {
        str(first + k) for k in range(3)
    }


def test_what_a_file_says_tells_the_terminal_nothing(run, tmp_path):
    lines = [f"{k % 7},{k % 2}" for k in range(60)]
    (tmp_path / "red.csv").write_text("\n".join(["\x1b[31mred,y", *lines]))
    code, out, _ = run("train", tmp_path / "red.csv", "--target", "y", "--epochs", 2)
    assert code == 0
    assert "\x1b[31mred" not in out
    assert r"\x1b[31mred" in out
    code, _, error = run("train", tmp_path / "red.csv", "--target", "z")
    assert code == 2
    assert "\x1b" not in error


def test_of_very_many_columns_importance_is_not_told(run, tmp_path):
    rows = [",".join([*[str(k * c % 11) for c in range(600)], str(k % 2)]) for k in range(40)]
    header = ",".join([*[f"c{c}" for c in range(600)], "y"])
    (tmp_path / "wide.csv").write_text("\n".join([header, *rows]))
    options = ("--epochs", 1, "--members", 1, "--network", 4)
    code, out, _ = run("train", tmp_path / "wide.csv", "--target", "y", *options)
    assert code == 0
    assert "Which columns matter is not told: there are more than 500" in out


def test_a_mistake_of_ours_is_not_hidden(run, small, monkeypatch):
    monkeypatch.setattr(cli.tables, "read_table", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("train", small, "--target", "class")


def test_what_was_saved_is_what_is_used(run, small):
    assert run("train", small, "--target", "class", "--epochs", 2, "-q")[0] == 0
    _, told, _ = run("predict", "small.safetensors", small)
    p = load_model("small.safetensors").predict(read_csv(small))
    shown = [
        [float(row["p(no)"]), float(row["p(yes)"])] for row in csv.DictReader(io.StringIO(told))
    ]
    np.testing.assert_allclose(shown, p, atol=1e-6)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of another kind")
def test_output_that_nobody_wants_is_no_error(small, tmp_path):
    words = [sys.executable, "-m", "glassnet", "train", str(small), "--target", "class"]
    line = shlex.join([*words, "--epochs", "2"]) + " >&-"
    how = {"cwd": tmp_path, "env": ENVIRONMENT, "capture_output": True}
    done = subprocess.run(["sh", "-c", line], check=False, **how)
    assert (done.returncode, done.stderr) == (0, b"")
