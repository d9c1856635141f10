"""The commands that show what is inside: trace and check."""

from pathlib import Path

import glassnet as gn
from glassnet import cli
from glassnet.csvfile import read_table
from glassnet.demo import penguins
from glassnet.tabular.model import load_model
from glassnet.tabular.text import encode


def test_trace_shows_the_numbers_of_a_row(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.run(["train", str(penguins()), "--target", "species", "--network", "3", "-q"]) == 0
    capsys.readouterr()
    assert cli.run(["trace", "penguins.safetensors", str(penguins()), "--row", "3"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("network 1 of the 4 whose predictions are averaged\n")
    assert "z4 = " in text
    assert "after the update" in text
    model = load_model("penguins.safetensors")
    known = read_table(penguins())
    x = encode(model.encoding, known)[2]
    assert f"{x[3]:.4f}" in text.split("y (1, 1)")[0]
    arguments = ["trace", "penguins.safetensors", str(penguins()), "--row", "3", "--member", "2"]
    assert cli.run([*arguments, "--digits", "0"]) == 0
    other = capsys.readouterr().out
    assert other.startswith("network 2 of the 4 ")
    weights = model.ensemble.network.weights["b5"]
    assert [repr(float(each[0, 0])) in other for each in weights] == [False, True, False, False]
    unlabelled = tmp_path / "new.csv"
    lines = penguins().read_text().splitlines()
    unlabelled.write_text("\n".join(line.split(",", 1)[1] for line in lines))
    assert cli.run(["trace", "penguins.safetensors", str(unlabelled), "--row", "3"]) == 0
    assert "backward" not in capsys.readouterr().out


def test_trace_shows_the_program_in_three_spellings(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    net = gn.Network([gn.Dense(2, "sigmoid"), gn.Dense(1)], 2, loss="binary_cross_entropy", seed=0)
    net.save("net.safetensors")
    for option, expected in (
        ("--program", "dW2[...] = a1.mT @ dz2"),
        ("--math", "dW2 = a1^T dz2"),
        ("--replayed", "x.dot(W1, t1)"),
    ):
        assert cli.run(["trace", "net.safetensors", option]) == 0
        assert expected in capsys.readouterr().out
    (tmp_path / "rows.csv").write_text("a,b,y\n0,1,1\n1,1,0\n")
    assert cli.run(["trace", "net.safetensors", "rows.csv", "--row", "2", "--digits", "0"]) == 0
    text = capsys.readouterr().out
    assert "x (1, 2) =\n      1  1" in text
    assert repr(float(net.weights["W1"][0, 0])) in text


def test_trace_refuses_in_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    net = gn.Network([gn.Dense(1)], 2, seed=0)
    net.save("net.safetensors")
    (tmp_path / "rows.csv").write_text("a,b\n0,1\n1,1\n")
    (tmp_path / "text.csv").write_text("a,b\nx,1\ny,1\n")
    for arguments, message in (
        (["net.safetensors"], "DATA: expected a table to take a row of, or --program, got neither"),
        (["net.safetensors", "rows.csv", "--row", "3"], "--row: expected 1 to 2, got 3"),
        (["net.safetensors", "rows.csv", "--row", "0"], "--row: expected at least 1, got 0"),
        (
            ["net.safetensors", "rows.csv", "--digits", "-1"],
            "--digits: expected at least 0, got -1",
        ),
        (["net.safetensors", "rows.csv", "--member", "2"], "--member: expected 1 to 1, got 2"),
        (["net.safetensors", "text.csv"], "DATA: expected 2 columns of numbers"),
        (["net.safetensors", "--math", "--replayed"], "replayed: expected False beside math=True"),
        (["nothing.safetensors", "--math"], "nothing.safetensors: No such file"),
        (["rows.csv", "--math"], "not a glassnet model file"),
    ):
        assert cli.run(["trace", *arguments]) == 2
        out, err = capsys.readouterr()
        assert message in err
        assert out == ""
        assert err.count("\n") == 1


# ---- check ---------------------------------------------------------------------------------------

TUTORIAL = Path(__file__).parents[1] / "benchmarks" / "tutorial_code.py"


def test_check_names_the_tutorials_mistake(capsys):
    assert cli.run(["check", f"{TUTORIAL}:SimpleNeuralNetwork", "--data", "xor"]) == 1
    text = capsys.readouterr().out
    assert "extra slope" in text
    assert "without the factor p (1 - p)" in text
    assert "it is your own code" in text
    # the class is the only network in the file, and has another size if it is told so
    assert cli.run(["check", str(TUTORIAL), "--set", "hidden_size=7"]) == 1
    assert "2 inputs -> 7 sigmoid -> 1 sigmoid" in capsys.readouterr().out


def test_check_says_that_a_right_network_is_right(tmp_path, capsys):
    text = TUTORIAL.read_text()
    mistake = [line for line in text.splitlines() if "sigmoid_derivative(self.output)" in line]
    assert len(mistake) == 1
    name = mistake[0].split("=")[0]
    right = text.replace(mistake[0], f"{name}= (y - self.output) / len(X)")
    mine = tmp_path / "mine.py"
    mine.write_text(right)
    assert cli.run(["check", f"{mine}:SimpleNeuralNetwork"]) == 0
    assert "Right: the gradient that it uses is the gradient of its loss" in capsys.readouterr().out
    (tmp_path / "rows.csv").write_text("a,b,y\n0,1,1\n1,1,0\n0,0,0\n1,0,1\n")
    assert cli.run(["check", str(mine), "--data", str(tmp_path / "rows.csv")]) == 0


def test_check_refuses_in_one_sentence(tmp_path, capsys):
    raises, empty = tmp_path / "raises.py", tmp_path / "empty.py"
    raises.write_text("print('noise')\n1 / 0\n")
    empty.write_text("x = 1\n")
    (tmp_path / "text.csv").write_text("a,y\nu,1\n")
    for arguments, message in (
        (["none.py"], "none.py: expected a Python file, found none"),
        ([str(raises)], "running it raised ZeroDivisionError"),
        ([str(empty)], "expected one class of a network, found none"),
        ([f"{TUTORIAL}:Nobody"], "expected a class Nobody, found SimpleNeuralNetwork"),
        ([str(TUTORIAL), "--data", "nothing"], "nothing: No such file"),
        ([str(TUTORIAL), "--data", str(tmp_path / "text.csv")], "expected two columns of numbers"),
        ([str(TUTORIAL), "--set", "hidden_size"], "--set: expected NAME=VALUE, got 'hidden_size'"),
        ([str(TUTORIAL), "--loss", "mse2"], "loss: expected"),
    ):
        assert cli.run(["check", *arguments]) == 2, arguments
        out, err = capsys.readouterr()
        assert message in err
        assert out == ""
        assert err.count("\n") == 1
