"""`glassnet train --checkpoint`: whatever stops it, the same command writes the same model file."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("typer")

from glassnet import cli
from glassnet.demo import penguins
from glassnet.files import checkpoint
from glassnet.tabular import task

TRAIN = ["train", str(penguins()), "--target", "species", "--quiet"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpoint, "SELDOM", 0.0)
    monkeypatch.setattr(task, "cores", lambda: 2)
    return tmp_path


def train(*options: str, output: str) -> bytes:
    assert cli.run([*TRAIN, *options, "--output", output]) == 0
    return Path(output).read_bytes()


class Killed(BaseException):
    """Stands for what ends a process."""


def killed(monkeypatch: pytest.MonkeyPatch, writes: int, *options: str) -> None:
    """Train until so many checkpoints were written."""
    keep, kept = checkpoint.Checkpoint.keep, []

    def until(*arguments: Any, **how: Any) -> None:
        if len(kept) >= writes:
            raise Killed
        keep(*arguments, **how)
        kept.append(1)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.Checkpoint, "keep", until)
        with pytest.raises(Killed):
            cli.run([*TRAIN, *options, "--output", "never.safetensors"])


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--members", "3", "--metric", "log_loss", "--dropout", "0.2"),
        ("--target", "body_mass_g", "--preset", "quick"),
    ],
    ids=["default", "three members", "a quantity"],
)
def test_the_same_command_goes_on_to_the_same_file(
    options: tuple[str, ...], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = (*options, "--epochs", "12")
    expected = train(*options, output="whole.safetensors")
    for cores, writes in ((2, 1), (1, 3), (4, 4)):  # whatever number of cores there is
        monkeypatch.setattr(task, "cores", lambda cores=cores: cores)
        killed(monkeypatch, writes, *options, "--checkpoint", "run")
    assert train(*options, "--checkpoint", "run", output="kept.safetensors") == expected
    # and once more, though there is nothing left to learn
    assert train(*options, "--checkpoint", "run", output="again.safetensors") == expected
    assert {path.name for path in (here / "run").iterdir()} == {
        *("lock", "group-1-of-2.safetensors", "group-2-of-2.safetensors")
    }


def test_a_finished_training_is_reported_as_such(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        code = cli.run([*TRAIN[:-1], "--json", "--epochs", "4", "--checkpoint", "run"])
        told = capsys.readouterr()
        assert (code, told.err) == (0, "")
        assert '"epochs": 4' in told.out


def test_a_lower_rate_has_files_of_its_own(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where training runs away at once it is begun anew, and both goes can be interrupted."""
    options = ("--epochs", "24", "--rate", "30", "--optimizer", "sgd", "--members", "2")
    options = (*options, "--network", "16")
    expected = train(*options, output="whole.safetensors")
    for writes in (1, 2, 3):
        killed(monkeypatch, writes, *options, "--checkpoint", "run")
    assert train(*options, "--checkpoint", "run", output="kept.safetensors") == expected
    assert any("-try-" in path.name for path in (here / "run").iterdir())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--rate", "0.01"), "another training (optimizer: "),
        (("--seed", "1"), "(seed: 0 there, 1 here); begin with that seed, delete it or name"),
        (("--members", "2"), "another training (members: "),
        (("--members", "1"), "another training (groups of members: 2); delete it or name"),
        (("--time-limit", "9"), "--time-limit: expected none beside a checkpoint"),
    ],
)
def test_another_training_is_refused(
    options: tuple[str, ...], said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train("--epochs", "2", "--checkpoint", "run", output="one.safetensors")
    before = {path: path.read_bytes() for path in (here / "run").iterdir()}
    assert cli.run([*TRAIN, "--epochs", "2", *options, "--checkpoint", "run"]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert {path: path.read_bytes() for path in (here / "run").iterdir()} == before


def test_a_damaged_file_is_one_sentence(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train("--epochs", "2", "--checkpoint", "run", output="one.safetensors")
    (here / "run" / "group-2-of-2.safetensors").write_bytes(b"short")
    assert cli.run([*TRAIN, "--epochs", "2", "--checkpoint", "run"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("glassnet: run/group-2-of-2.safetensors: not a whole checkpoint: ")
    assert told.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_signal(how: signal.Signals, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "SELDOM", 20.0)
    options = ("--epochs", "250", "--members", "2", "--network", "16")
    command = [sys.executable, "-m", "glassnet", *TRAIN, *options, "--checkpoint", "run"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not [*Path("run").glob("*.safetensors")] and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(how)
        try:
            _, told = process.communicate(timeout=60)
        finally:
            process.kill()
        code = process.wait()
    if how == signal.SIGINT:
        assert (code, told) == (
            130,
            "glassnet: stopped; the same command goes on with what is in run\n",
        )
    else:
        assert (code, told) == (-how, "")
    files = [checkpoint.read(path) for path in Path("run").glob("*.safetensors")]
    assert 0 < min(about["done"] for about, _ in files) < 250
    expected = train(*options, output="whole.safetensors")
    assert train(*options, "--checkpoint", "run", output="kept.safetensors") == expected
