"""The commands that show what is inside: trace."""

import glassnet as gn
from glassnet import cli
from glassnet.csvfile import read_table
from glassnet.demo import penguins
from glassnet.recipe import load_model


def test_trace_shows_the_numbers_of_a_row(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.run(["train", str(penguins()), "--target", "species", "--network", "3", "-q"]) == 0
    capsys.readouterr()
    assert cli.run(["trace", "penguins.safetensors", str(penguins()), "--row", "3"]) == 0
    text = capsys.readouterr().out
    assert "z1 = x @ W1 + b1 ≈" in text
    assert "after the update" in text
    _, columns = load_model("penguins.safetensors")
    known = read_table(penguins())
    x = columns.encode(known)[2]
    assert f"{x[3]:.4f}" in text.split("y (1, 1)")[0]
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
