"""The command line: what it shows, writes and predicts, and how it says no."""

import csv
import io
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from glassnet import cli
from glassnet.csvfile import read_csv
from glassnet.demo import penguins
from glassnet.files import load
from glassnet.recipe import load_model

ESCAPE = "\x1b"
ENVIRONMENT = {
    **os.environ,
    "COLUMNS": "80",
    "PYTHONIOENCODING": "utf-8",
    "PYTHONPATH": str(Path(cli.__file__).parents[1]),
}


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
    code, told, complaints = run("train", penguins(), "--target", "species", "--epochs", 60)
    assert (code, complaints) == (0, "")
    for word in ("344 rows", "3 classes", "island", "Biscoe", "held out", "most frequent class"):
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
    for word in ("a quantity", "RMSE", "MAE", "R²", "baseline (mean)", "gaps"):
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


def test_names_that_look_like_markup_are_shown_as_they_are(run, tmp_path):
    lines = [f"{i},[bold]{i % 3},{'[/x]' if i % 2 else '[red]'}" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["[i]a[/i],[/],y", *lines]))
    code, told, complaints = run("train", "t.csv", "--target", "y", "--epochs", 1)
    assert (code, complaints) == (0, "")
    for word in ("[i]a[/i]", "[/] ", "[bold]0", "[/x], [red]"):
        assert word in told


def test_a_wide_table_is_told_in_part(run, tmp_path):
    header = ",".join([f"c{i}" for i in range(60)] + ["y"])
    lines = [",".join(str(i * j % 7) for j in range(61)) for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join([header, *lines]))
    code, told, _ = run("train", "t.csv", "--target", "y", "--epochs", 1)
    assert code == 0
    assert "... and 30 more columns" in told
    assert "c0" in told.split("... and")[1]  # always 0, so it is left out, and that is said


def test_help_shows_the_commands(run):
    code, told, _ = run()
    assert code == 0
    for word in ("demo", "train", "predict"):
        assert word in told
        code, more, _ = run(word, "--help")
        assert (code, "Example: glassnet " + word in more) == (0, True)


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
    Path("folder").mkdir()
    assert run("train", small, "--target", "class", "--epochs", 1, "-q")[0] == 0
    return run


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("train small.csv", "Missing option '--target'"),
        ("train --target class", "Missing argument 'DATA.csv'"),
        ("learn small.csv", "No such command 'learn'"),
        ("train small.csv --target class --layers 3", "No such option"),
        ("train small.csv --target class --epochs 0", "--epochs"),
        ("train small.csv --target class --epochs many", "--epochs"),
        ("train small.csv --target class --seed -1", "--seed"),
        (
            "train small.csv --target Class",
            "no column 'Class', did you mean 'class'? There are: n,",
        ),
        ("train missing.csv --target class", "missing.csv: No such file"),
        ("train folder --target class", "folder"),
        ("train empty.csv --target class", "empty file"),
        ("train header.csv --target class", "expected rows"),
        ("train ragged.csv --target class", "expected 2 fields in line 3"),
        ("train binary.csv --target class", "binary"),
        ("train latin.csv --target class", "UTF-8"),
        ("train one.csv --target class", "got only 'a'"),
        ("train few.csv --target class", "at least 10 rows"),
        ("train infinite.csv --target class", "got 'inf' in line 3"),
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
        assert process.stderr.read() == b"glassnet: stopped\n"
        assert process.wait(60) == 130
    assert os.listdir(tmp_path) == ["small.csv"]


def test_a_mistake_of_ours_is_not_hidden(run, small, monkeypatch):
    monkeypatch.setattr(cli, "read_csv", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("train", small, "--target", "class")


def test_what_was_saved_is_what_is_used(run, small):
    assert run("train", small, "--target", "class", "--epochs", 2, "-q")[0] == 0
    network, columns = load_model("small.safetensors")
    _, told, _ = run("predict", "small.safetensors", small)
    p = network.predict(columns.encode(read_csv(small)))
    shown = [
        [float(row["p(no)"]), float(row["p(yes)"])] for row in csv.DictReader(io.StringIO(told))
    ]
    np.testing.assert_allclose(shown, p, atol=1e-6)
