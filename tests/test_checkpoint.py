"""Checkpoints: whatever ends a training, the same call goes on to the same bits."""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from fuzz import kills
from glassnet.files import checkpoint

EPOCHS = 8
RNG = np.random.default_rng(0)
X = RNG.standard_normal((61, 3))
Y = np.sin(2 * X[:, 0]) + 0.1 * RNG.standard_normal(61)
LABELS = (Y > 0.3).astype(int)


@dataclass
class Case:
    """A training: how the network begins, and how it is trained."""

    options: dict[str, Any]
    loss: str = "squared_error"
    dtype: str = "float32"
    drop: Any = 0.0
    frozen: tuple[int, ...] = ()
    needs: str = "numpy"
    sparse: bool = False

    def network(self) -> gn.Network:
        layers = [gn.Dense(5, "tanh"), gn.Dropout(self.drop), gn.Dense(1)]
        net = gn.Network(layers, 3, loss=self.loss, dtype=self.dtype, seed=4)
        net.freeze(*self.frozen)
        return net

    def fit(self, net: gn.Network, **more: Any) -> gn.History:
        table: Any = X
        if self.sparse:
            table = pytest.importorskip("scipy.sparse").csr_array(np.where(X > 0, X, 0))
        y = Y if self.loss == "squared_error" else LABELS
        return net.fit(table, y, **({"epochs": EPOCHS} | self.options | more))


CASES = {
    "plain": Case({}),
    "dropout": Case({"batch_size": 10}, drop=0.3),
    "float64": Case({"optimizer": gn.Nesterov(0.01)}, dtype="float64", drop=0.1),
    "cosine": Case({"schedule": "cosine", "optimizer": "momentum"}),
    "decay": Case({"optimizer": "adamw", "decay_schedule": "flat_cos", "l2": 1e-3}),
    "own schedule": Case({"schedule": lambda step, total: 1 / (1 + step)}),
    "plateau": Case({"plateau": gn.Plateau(1), "optimizer": gn.SGD(1.0), "validation": 0.3}),
    "average": Case({"average": 0.6, "drop_last": True}),
    "patience": Case({"patience": 2, "validation": 0.3, "optimizer": gn.Adam(0.3), "epochs": 20}),
    "metrics": Case({"metrics": ("r2", "mae"), "monitor": "r2", "validation": (X[:9], Y[:9])}),
    "members": Case({"members": 3, "validation": "folds", "metrics": "r2"}, drop=0.2),
    "rates": Case({"members": 2, "rates": [0.001, 0.1], "patience": 3, "batch_size": None}),
    "one runs away": Case({"members": 2, "rates": [0.01, 1e18], "optimizer": "sgd"}),
    "restarts": Case({"restarts": 3, "patience": 3, "min_delta": 0.01}),
    "every": Case({"every": 3, "average": 0.9}, drop=0.2),
    "whole": Case({"batch_size": None, "shuffle": False, "optimizer": "rmsprop"}),
    "classes": Case({"class_weight": "balanced"}, loss="binary_cross_entropy", frozen=(1,)),
    "weights": Case({"sample_weight": np.arange(61) % 4}),
    "eager": Case({"engine": "eager"}, drop=0.2),
    "numba": Case({"engine": "numba", "every": 3}, drop=0.2, needs="numba"),
    "numba, whole": Case(
        {"engine": "numba", "batch_size": None, "epochs": 30, "every": 7}, needs="numba"
    ),
    "sparse": Case({"batch_size": 16}, sparse=True),
}


class Killed(BaseException):
    """Stands for what ends a process."""


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    found = CASES[request.param]
    pytest.importorskip(found.needs)
    return found


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "SELDOM", 0.0)


def told(net: gn.Network, history: gn.History) -> list[Any]:
    """Return all that a training leaves behind, to the last bit."""
    found: list[Any] = [net.theta.tobytes(), net.theta.dtype, net.theta.shape, net.members]
    found += [generator.bit_generator.state for generator in net.generators]

    def bits(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: bits(each) for name, each in value.items()}
        if isinstance(value, list):
            return [bits(each) for each in value]
        return (
            type(value),
            repr(value),
            getattr(value, "dtype", None),
            np.asarray(value).tobytes(),
        )

    return [*found, *(bits(getattr(history, field.name)) for field in fields(history))]


def whole(case: Case) -> list[Any]:
    net = case.network()
    return told(net, case.fit(net))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.usefixtures("often")
def test_a_training_that_ends_at_every_epoch_goes_on_to_the_same_bits(
    case: Case, tmp_path: Path
) -> None:
    expected = whole(case)
    reports: list[int] = []
    for _ in range(99):
        new: list[int] = []

        def look(epoch: gn.Epoch, new: list[int] = new) -> None:
            new.append(epoch.number)
            if len(new) == 2:  # the first is kept, this one is lost
                raise Killed

        net = case.network()
        try:
            history = case.fit(net, checkpoint=tmp_path / "run", on_epoch=look)
        except Killed:
            reports.append(new[0])
        else:
            break
    assert told(net, history) == expected
    # it did go on, report by report, and not from the beginning
    assert reports == history.epoch[: len(reports)]
    assert len(reports) >= len(history.epoch) - 1
    net = case.network()
    seen: list[gn.Epoch] = []
    assert told(net, case.fit(net, checkpoint=tmp_path / "run", on_epoch=seen.append)) == expected
    assert not seen, "a training that is over returns at once"


def test_the_plateau_among_the_cases_lowers_its_rate() -> None:
    case, rates = CASES["plateau"], set()
    case.fit(case.network(), on_epoch=lambda epoch: rates.add(epoch.rate))
    assert len(rates) > 2


def test_more_epochs_go_on_where_nothing_depends_on_their_number(tmp_path: Path) -> None:
    case, more = CASES["dropout"], Case({"batch_size": 10, "epochs": 12}, drop=0.3)
    case.fit(case.network(), checkpoint=tmp_path)
    net = more.network()
    assert told(net, more.fit(net, checkpoint=tmp_path)) == whole(more)
    with pytest.raises(ValueError, match=r"\(epochs: 12 there, 8 here\); delete it or name"):
        case.fit(case.network(), checkpoint=tmp_path)


@pytest.mark.usefixtures("often")
def test_a_stop_that_was_asked_for_is_kept(tmp_path: Path) -> None:
    case = CASES["plain"]
    for _ in range(2):
        history = case.fit(
            case.network(), checkpoint=tmp_path, on_epoch=lambda epoch: epoch.number == 3
        )
        assert history.epoch == [1, 2, 3]


def test_a_training_that_runs_away_does_so_again(tmp_path: Path) -> None:
    case = Case({"optimizer": gn.SGD(1e4), "epochs": 30})
    left = []
    for folder in (None, tmp_path, tmp_path):
        net = case.network()
        with pytest.warns(gn.DivergenceWarning):
            left.append(told(net, case.fit(net, checkpoint=folder)))
    assert left[1:] == left[:1] * 2


# ---- Ctrl-C --------------------------------------------------------------------------------------


class Press:
    """A schedule that presses Ctrl-C in some steps, and changes nothing."""

    def __init__(self, *steps: int) -> None:
        self.steps = steps

    def __repr__(self) -> str:
        return "Press()"

    def __call__(self, step: int, total: int | None) -> float:
        if step in self.steps:
            signal.raise_signal(signal.SIGINT)
        return 1.0


PRESSED = {
    "plain": Case({}),
    "every": Case({"every": 5, "metrics": "r2"}, drop=0.2),
    "members": Case({"members": 2, "every": 5, "patience": 3}),
    "restarts": Case({"restarts": 3, "every": 3}),
    "average": Case({"average": 0.9, "every": 5}),
    "held": Case({"validation": 0.2, "patience": 5}),
    "numba": Case({"engine": "numba", "every": 5}, drop=0.2, needs="numba"),
    "numba, whole": Case({"engine": "numba", "batch_size": 61, "every": 4}, needs="numba"),
}


@pytest.mark.parametrize("name", PRESSED)
@pytest.mark.parametrize("again", [True, False], ids=["the same network", "another process"])
@pytest.mark.filterwarnings("ignore:average")
def test_ctrl_c_ends_an_epoch_and_the_same_call_goes_on(
    name: str, again: bool, tmp_path: Path
) -> None:
    case, pressed = PRESSED[name], 3
    pytest.importorskip(case.needs)
    uninterrupted = case.network()
    expected = told(uninterrupted, case.fit(uninterrupted, schedule=Press()))
    net, steps = case.network(), 1 if case.options.get("batch_size") == 61 else 2
    with pytest.warns(gn.InterruptedWarning, match=r"goes on from there") as caught:
        history = case.fit(net, schedule=Press(pressed * steps), checkpoint=tmp_path)
    every = case.options.get("every", 1)
    # the running epoch, and where its loss was not asked for, the next
    ended = pressed + 1 if every == 1 else pressed + 2
    if name == "numba, whole":
        ended = 4  # a compiled call goes through several epochs
    assert history.interrupted == history.epoch[-1] == ended
    assert f"interrupted after epoch {ended} of {EPOCHS}" in str(caught[0].message)
    assert caught[0].filename == __file__
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    net = net if again else case.network()
    assert told(net, case.fit(net, schedule=Press(), checkpoint=tmp_path)) == expected


def test_ctrl_c_keeps_the_best_weights() -> None:
    case = Case({"validation": 0.3, "patience": 9, "optimizer": gn.Adam(0.3), "epochs": 40})
    net, seen = case.network(), {}

    def look(epoch: gn.Epoch) -> None:
        seen[epoch.number] = net.theta.copy()
        if epoch.number > 5 and epoch.best.waited[0]:
            signal.raise_signal(signal.SIGINT)

    with pytest.warns(gn.InterruptedWarning, match="those of the best report; with checkpoint="):
        history = case.fit(net, on_epoch=look)
    assert history.best_epoch < history.interrupted == history.epoch[-1]
    assert np.array_equal(net.theta, seen[history.best_epoch])


def test_a_second_ctrl_c_ends_everything() -> None:
    case = Case({"schedule": Press(2, 3)})
    with pytest.raises(KeyboardInterrupt):
        case.fit(case.network())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_is_left_to_those_who_have_a_handler() -> None:
    case, heard = Case({"schedule": Press(2)}), []
    before = signal.signal(signal.SIGINT, lambda *signalled: heard.append(1))
    try:
        history = case.fit(case.network())
    finally:
        signal.signal(signal.SIGINT, before)
    assert (heard, history.interrupted, history.epoch[-1]) == ([1], None, EPOCHS)


def test_a_thread_of_its_own_trains_as_ever() -> None:
    case, found = CASES["plain"], []
    thread = threading.Thread(target=lambda: found.append(case.fit(case.network())))
    thread.start()
    thread.join()
    assert found[0].epoch[-1] == EPOCHS


def test_a_generator_is_interrupted_at_once() -> None:
    reports = CASES["plain"].network().train(X, Y, epochs=3, schedule=Press(3))
    next(reports)
    with pytest.raises(KeyboardInterrupt):
        next(reports)


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("batch_size", Case({"batch_size": 7})),
        ("optimizer", Case({"optimizer": gn.Adam(0.002)})),
        ("every", Case({"every": 2})),
        ("monitor", Case({"metrics": "r2", "monitor": "r2"})),
        ("average", Case({"average": 0.5})),
        ("schedule", Case({"schedule": "cosine"})),
        ("validation", Case({"validation": (X, Y)})),
        ("validation", Case({"validation": 0.2})),
        ("members", Case({"members": 2})),
        ("restarts", Case({"restarts": 2})),
        ("frozen", Case({}, frozen=(1,))),
        ("dtype", Case({}, dtype="float64")),
        ("layers", Case({}, drop=0.5)),
        ("engine", Case({"engine": "numba"}, needs="numba")),
        ("X and y", Case({"sample_weight": np.arange(61) + 1})),
    ],
)
def test_another_training_is_refused(name: str, other: Case, tmp_path: Path) -> None:
    pytest.importorskip(other.needs)
    plain = CASES["plain"]
    plain.fit(plain.network(), checkpoint=tmp_path)
    before = (tmp_path / "checkpoint.safetensors").read_bytes()
    with pytest.raises(
        ValueError, match=r"checkpoint: .* is of another training \((.*): "
    ) as raised:
        other.fit(other.network(), checkpoint=tmp_path)
    first = str(raised.value).partition("training (")[2].partition(":")[0]
    assert first == {"monitor": "metrics", "restarts": "members"}.get(name, name)
    ending = f"; {checkpoint.HINTS.get(first, '')}delete it or name another folder"
    assert str(raised.value).endswith(ending)
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == before


def test_other_first_weights_are_refused(tmp_path: Path) -> None:
    plain = CASES["plain"]
    plain.fit(plain.network(), checkpoint=tmp_path)
    net = plain.network()
    net.weights["W1"] = np.ones((3, 5))
    with pytest.raises(ValueError, match=r"another training \(first weights: "):
        plain.fit(net, checkpoint=tmp_path)
    unseeded = gn.Network(net.layers, 3)
    with pytest.raises(ValueError, match="begin with that seed, delete it or name another folder"):
        plain.fit(unseeded, checkpoint=tmp_path)


def test_who_has_no_steps_has_no_checkpoints(tmp_path: Path) -> None:
    net = CASES["plain"].network()
    with pytest.raises(ValueError, match="checkpoint: expected none with LBFGS"):
        net.fit(X, Y, optimizer="lbfgs", checkpoint=tmp_path)
    with pytest.raises(TypeError, match="got 'checkpoint'"):
        net.partial_fit(X, Y, checkpoint=tmp_path)
    with pytest.raises(TypeError, match="checkpoint: expected the path of a folder, got True"):
        net.fit(X, Y, checkpoint=True)


def test_one_training_at_a_time_has_a_folder(tmp_path: Path) -> None:
    plain = CASES["plain"]

    def look(epoch: gn.Epoch) -> None:
        plain.fit(plain.network(), checkpoint=tmp_path)

    if checkpoint.fcntl is None:
        pytest.skip("no locks here")
    with pytest.raises(BlockingIOError, match="another training has its files in"):
        plain.fit(plain.network(), checkpoint=tmp_path, on_epoch=look)
    plain.fit(plain.network(), checkpoint=tmp_path)


# ---- what goes wrong while it writes -------------------------------------------------------------


class Trouble:
    """A training that comes to grief while it writes, after some epochs."""

    def __init__(self, folder: Path) -> None:
        self.case, self.folder = CASES["dropout"], folder
        self.path = folder / "checkpoint.safetensors"
        self.kept = b""

    def run(self, trouble: Callable[[], object]) -> None:
        def look(epoch: gn.Epoch) -> None:
            if epoch.number == 5:
                self.kept = self.path.read_bytes()
                trouble()

        self.case.fit(self.case.network(), checkpoint=self.folder, on_epoch=look)

    def goes_on(self) -> None:
        """The last good checkpoint is there, and nothing beside it, and it leads to the same."""
        assert self.path.read_bytes() == self.kept
        assert {path.name for path in self.folder.iterdir()} <= {self.path.name, "lock", "ballast"}
        net = self.case.network()
        assert told(net, self.case.fit(net, checkpoint=self.folder)) == whole(self.case)


@pytest.fixture
def trouble(often: None, tmp_path: Path) -> Trouble:
    return Trouble(tmp_path)


def test_a_full_disk_leaves_the_last_checkpoint(
    trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left") as raised:
        trouble.run(lambda: patch.setattr(os, "fsync", full))
    assert raised.value.filename == str(trouble.path)
    trouble.goes_on()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 kB, where one may be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        done = False
    if not done:
        pytest.skip("no file system may be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.usefixtures("often")
def test_a_disk_that_is_really_full_leaves_the_last_checkpoint(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    trouble = Trouble(small_disk)

    def fill() -> None:
        with suppress(OSError), open(ballast, "wb", buffering=0) as file:
            while True:
                file.write(bytes(1024))

    with pytest.raises(OSError, match="No space left"):
        trouble.run(fill)
    ballast.unlink()
    trouble.goes_on()


def test_a_folder_that_cannot_be_written_leaves_the_last_checkpoint(
    trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(PermissionError, match="no permission"):
        trouble.run(lambda: patch.setattr(os, "access", lambda *asked: False))
    trouble.goes_on()
    if getattr(os, "geteuid", int)():  # who is root may write anywhere
        trouble.path.unlink()
        with pytest.raises(PermissionError):
            trouble.run(lambda: trouble.folder.chmod(0o500))
        trouble.folder.chmod(0o700)
        trouble.goes_on()


@pytest.mark.parametrize("what", ["other content", "another file", "gone"])
def test_a_file_that_somebody_else_changed_is_left_alone(what: str, trouble: Trouble) -> None:
    other = trouble.folder.parent / f"{trouble.folder.name}.other"

    def change() -> None:
        other.write_bytes(trouble.path.read_bytes())
        if what == "other content":
            trouble.path.write_bytes(b"mine")
        elif what == "another file":
            os.replace(other, trouble.path)
        else:
            trouble.path.unlink()

    with pytest.raises(OSError, match=r"somebody else changed .* while the training ran"):
        trouble.run(change)
    if what == "gone":
        assert not trouble.path.exists()
    else:
        assert trouble.path.read_bytes() == (b"mine" if what == "other content" else trouble.kept)


def test_where_there_can_be_no_folder(tmp_path: Path) -> None:
    plain = CASES["plain"]
    with pytest.raises(FileNotFoundError):
        plain.fit(plain.network(), checkpoint=tmp_path / "no" / "where")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(NotADirectoryError, match="checkpoint: expected a folder, got the file"):
        plain.fit(plain.network(), checkpoint=tmp_path / "file")


def test_what_a_killed_process_was_writing_is_removed_and_nothing_else(tmp_path: Path) -> None:
    names = {f".{'0f' * 8}.tmp": False, ".tmp": True, "notes.tmp": True, f"{'0f' * 8}.tmp": True}
    for name in names:
        (tmp_path / name).touch()
    CASES["plain"].fit(CASES["plain"].network(), checkpoint=tmp_path)
    assert {name: (tmp_path / name).exists() for name in names} == names


# ---- damaged files -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    folder = tmp_path_factory.mktemp("kept")
    CASES["average"].fit(CASES["average"].network(), checkpoint=folder)
    return folder, (folder / "checkpoint.safetensors").read_bytes()


def refused(folder: Path, content: bytes) -> str:
    """Put a content into a folder, and return what is said of it; nothing else may happen."""
    path = folder / "checkpoint.safetensors"
    path.write_bytes(content)
    net = CASES["average"].network()
    first = net.theta.copy()
    with pytest.raises(gn.ModelFileError) as raised:
        CASES["average"].fit(net, checkpoint=folder)
    assert path.read_bytes() == content
    assert net.theta[:-1].tolist() == first[:-1].tolist(), "but for the output bias, as it was"
    message = str(raised.value)
    assert message.startswith(f"{path}: not a whole checkpoint: ")
    assert message.endswith("; delete it or name another folder")
    return message


@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_a_damaged_file_is_refused(kept: tuple[Path, bytes], data: st.DataObject) -> None:
    folder, content = kept
    damage = data.draw(st.sampled_from(("bit", "cut", "long", "other")))
    place = data.draw(st.integers(0, len(content) - 1))
    if damage == "bit":
        changed = bytearray(content)
        changed[place] ^= 1 << data.draw(st.integers(0, 7))
        header = 8 + int.from_bytes(content[:8], "little")
        if content[place : place + 1] == b" " and place < header:
            return  # between header and arrays nothing is said
    elif damage == "cut":
        changed = bytearray(content[:place])
    elif damage == "long":
        changed = bytearray(content + data.draw(st.binary(min_size=1, max_size=9)))
    else:
        changed = bytearray(data.draw(st.binary(max_size=200)))
    refused(folder, bytes(changed))


def strange() -> dict[str, Callable[[Any, dict[str, Any]], object]]:
    """Return changes that somebody makes who also makes the digest fit."""
    return {
        "version": lambda about, arrays: about.update(checkpoint=2),
        "done": lambda about, arrays: about.update(done=-1),
        "done is no number": lambda about, arrays: about.update(done="8"),
        "rate": lambda about, arrays: about.update(rate=-1.0),
        "nothing the same": lambda about, arrays: about.update(same=[]),
        "a generator": lambda about, arrays: about.update(generators=[]),
        "another generator": lambda about, arrays: about["generators"][0].update(
            bit_generator="MT19937"
        ),
        "a state": lambda about, arrays: about["generators"][0].update(state={"state": 1}),
        "a number of a state": lambda about, arrays: about["generators"][0]["state"].update(
            state=1 << 200
        ),
        "shape": lambda about, arrays: arrays.update(theta=arrays["theta"][:-1]),
        "dtype": lambda about, arrays: arrays.update(theta=arrays["theta"].astype(float)),
        "not finite": lambda about, arrays: arrays["good"].fill(np.nan),
        "too few arrays": lambda about, arrays: arrays.pop("state.mean"),
        "reports": lambda about, arrays: arrays.update(
            {"history.loss": arrays["history.loss"][1:]}
        ),
        "an epoch": lambda about, arrays: arrays["best.epoch"].fill(99),
        "no report has that number": lambda about, arrays: arrays["history.epoch"].fill(-1),
    }


@pytest.mark.parametrize("what", strange())
def test_a_file_that_does_not_fit_is_refused(what: str, kept: tuple[Path, bytes]) -> None:
    folder, content = kept
    path = folder / "checkpoint.safetensors"
    path.write_bytes(content)
    about, arrays = checkpoint.read(path)
    strange()[what](about, arrays)
    checkpoint.write(path, about, arrays)
    refused(folder, path.read_bytes())


def test_another_container_is_refused(kept: tuple[Path, bytes], tmp_path: Path) -> None:
    CASES["plain"].network().save(tmp_path / "model.safetensors")
    content = (tmp_path / "model.safetensors").read_bytes()
    assert "it is a model file" in refused(kept[0], content)


def test_a_checkpoint_is_no_model_file(kept: tuple[Path, bytes]) -> None:
    path = kept[0] / "checkpoint.safetensors"
    path.write_bytes(kept[1])
    with pytest.raises(gn.ModelFileError, match=r"it is a checkpoint, from which fit\(checkpoint"):
        gn.load(path)


def test_safetensors_reads_it(kept: tuple[Path, bytes]) -> None:
    numpy_of = pytest.importorskip("safetensors.numpy")
    arrays = numpy_of.load(kept[1])
    assert arrays["history.epoch"].tolist() == [*range(1, EPOCHS + 1)]


# ---- real deaths ---------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("kind", ["dropout", "restarts"])
def test_sigkill(kind: str, tmp_path: Path) -> None:
    """`tests/fuzz/kills.py` does this at random moments, as often as wanted."""
    expected = kills.train(kind, None)
    for seconds in (0.05, 0.1):
        kills.killed(kind, tmp_path / "run", seconds, 0.0)
    assert kills.resumed(kind, tmp_path / "run", checkpoint.SELDOM) == expected
