"""Checkpoints: a training as data in a folder, from which the same call goes on to the same bits.

A checkpoint is a container (`files.container`) like a model file: arrays, and one JSON text
that says how far the training was and what it must have in common with the one that goes on.
Nothing that is read is run, and a file of another training, or one that is damaged, is refused.

It is written at a report, so seldom that it takes no more than a twentieth of the time, and appears
whole or not at all: whoever ends the process at any moment leaves the last one as it was.
"""

import copy
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np

from glassnet import checks
from glassnet.files.container import (
    DTYPES,
    Container,
    ModelFileError,
    StrPath,
    brief,
    dumps,
    write_container,
)
from glassnet.files.fingerprint import fingerprint
from glassnet.history import Epoch
from glassnet.network import Network
from glassnet.training import Training
from glassnet.vocabulary import Array

try:
    import fcntl
except ModuleNotFoundError:  # where there are no such locks, nobody is kept out
    fcntl = None  # type: ignore[assignment]

VERSION = 1
SELDOM = 20.0  # times what a write takes goes by before the next
NAMES = {code: name for name, code in DTYPES.items()}
LEFTOVER = re.compile(r"\.[0-9a-f]{16}\.tmp")  # what a process that was killed was writing
ELSE = "delete it or name another folder"
HINTS = {
    "seed": "begin with that seed, ",
    "engine": "name that engine, ",
    "X and y": "give the same rows, weights of rows and validation, ",
}


class Beside(Protocol):
    """What is kept beside a training: something that took its own notes at each report."""

    def notes(self, theta: Array) -> dict[str, Array]:
        """Return the notes as arrays; (0, ...) at the beginning where they grow."""

    def go_on(self, notes: dict[str, Array]) -> None:
        """Take notes back that were kept."""


# ---- the folder ----------------------------------------------------------------------------------


@contextmanager
def locked(given: StrPath) -> Iterator[Path]:
    """Make a folder where there is none, and keep others out of it for a while.

    The lock belongs to the open file, so it ends with the process, however that ends.
    """
    if not isinstance(given, str | os.PathLike) or not str(given):
        raise TypeError(f"checkpoint: expected the path of a folder, got {given!r}")
    folder = Path(given)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"checkpoint: expected a folder, got the file {folder}")
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "ab") as lock:
        _lock(lock.fileno(), folder)
        for leftover in folder.iterdir():
            if LEFTOVER.fullmatch(leftover.name):
                leftover.unlink()
        yield folder


def _lock(file: int, folder: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BlockingIOError(
            f"checkpoint: another training has its files in {folder} just now; wait for its end, "
            "or name another folder"
        ) from None
    except OSError:
        pass  # a file system without locks


class _Left:
    """How a network was when its training in a folder began, and the weights it was left with."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.folder = folder.resolve()
        names = ("theta", "members", "generators", "_untouched", "memory")
        self._first = {name: copy.deepcopy(vars(network)[name]) for name in names}
        self._last = network.theta

    def settle(self, network: Network) -> None:
        self._last = network.theta.copy()

    def begin_again(self, network: Network, folder: Path) -> None:
        if folder.resolve() == self.folder and np.array_equal(network.theta, self._last):
            vars(network).update(copy.deepcopy(self._first))
            network._forget()


# the same call on the same network shall go on, too, though that has other weights by now
LEFT: WeakKeyDictionary[Network, _Left] = WeakKeyDictionary()


@contextmanager
def opened(given: StrPath, network: Network) -> Iterator["Checkpoint"]:
    """Open a folder for one training of a network: it begins, or goes on where it was."""
    with locked(given) as folder:
        path = folder / "checkpoint.safetensors"
        if network in LEFT and path.exists():
            LEFT[network].begin_again(network, folder)
        LEFT[network] = left = _Left(network, folder)
        try:
            yield Checkpoint(path)
        finally:
            left.settle(network)


# ---- one training --------------------------------------------------------------------------------


class Checkpoint:
    """The file of one training.

    Parameters
    ----------
    path : Path
        In a folder that is locked.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known = self._seen()
        self._same: dict[str, Any] = {}
        self._next = 0.0

    def restore(
        self, training: Training, notes: Beside | None = None, **beside: Any
    ) -> Epoch | None:
        """Let a training that has just begun be where the file says, if there is one.

        Parameters
        ----------
        training : Training
        notes : Beside, optional
            What takes notes at each report.
        **beside
            What else the two must have in common.

        Returns
        -------
        Epoch or None
            The last report.

        Raises
        ------
        ModelFileError
            If the file is damaged, or no checkpoint.
        ValueError
            If it is of another training.
        """
        self._same = fingerprint(training, beside)
        if self._known is None:
            return None
        try:
            about, arrays = read(self.path)
            generators = _checked(about)
            self._compare(about["same"])
            if about["done"] > training.epochs:
                raise self._other("epochs", about["done"], training.epochs)
            expected = _arrays(training, notes)
            _fit(arrays, expected, about["done"])
            _draw(training.run.network.generators, generators)
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            if isinstance(error, _OtherError):
                raise ValueError(str(error)) from None
            why = brief(error)
            raise ModelFileError(f"{self.path}: not a whole checkpoint: {why}; {ELSE}") from None
        return _restored(training, about, arrays, notes)

    def keep(self, training: Training, notes: Beside | None = None, now: bool = False) -> None:
        """Write the state of a training, if it is time or if it must be now."""
        start = perf_counter()
        if not now and start < self._next:
            return
        generators = training.run.network.generators
        arrays = _arrays(training, notes)
        about = {
            "checkpoint": VERSION,
            "done": training.done,
            "stopped": training.stopped,
            "rate": training.run.rate,
            "generators": [generator.bit_generator.state for generator in generators],
            "same": self._same,
        }
        if self._seen() != self._known:
            raise OSError(
                f"checkpoint: somebody else changed {self.path} while the training ran; "
                "it is left as it is now"
            )
        write(self.path, about, arrays)
        self._known = self._seen()
        end = perf_counter()
        self._next = end + SELDOM * (end - start)

    def _seen(self) -> tuple[int, ...] | None:
        """Return what tells the file from any other that may take its place."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    def _compare(self, theirs: dict[str, Any]) -> None:
        ours = self._same
        for name in [*ours, *theirs]:
            if theirs.get(name) != ours.get(name):
                raise self._other(name, theirs.get(name), ours.get(name))

    def _other(self, name: str, there: Any, here: Any) -> "_OtherError":
        return _OtherError(
            f"checkpoint: {self.path} is of another training ({name}: {brief(there, 60)} there, "
            f"{brief(here, 60)} here); {HINTS.get(name, '')}{ELSE}"
        )


class _OtherError(ValueError):
    """A file is of another training."""


def _arrays(training: Training, notes: Beside | None) -> dict[str, Array]:
    """Return all arrays of a training; (0, ...) at the beginning where they grow."""
    run, best, history, watch = training.run, training.best, training.history, training.watch
    theta = run.network.theta
    lead = theta.shape[:-1]
    found = {"theta": theta, "good": run.good_theta}
    found |= {f"state.{name}": run.shared[name] for name in run.rule.state}
    found |= {f"best.{name}": getattr(best, name) for name in ("theta", "score", "epoch", "waited")}
    found["history.epoch"] = np.array(history.epoch, np.int64)
    lists = {"loss": history.loss}
    lists |= {"validation_loss": history.validation_loss} if watch.held else {}
    lists |= {f"metrics.{each.name}": history.metrics.get(each.name, []) for each in watch.metrics}
    for name, numbers in lists.items():
        found[f"history.{name}"] = np.array(numbers, float).reshape(len(numbers), *lead)
    if notes is not None:
        found |= {f"notes.{name}": array for name, array in notes.notes(theta).items()}
    return found


def _checked(about: Any) -> Any:
    """Check what the JSON says of the course, and return the states of the generators."""
    if not isinstance(about, dict) or about.get("checkpoint") != VERSION:
        raise ValueError(f"expected one of version {VERSION}")
    checks.whole("done", about["done"], least=0)
    checks.flag("stopped", about["stopped"])
    checks.number("rate", about["rate"], 0)
    if not isinstance(about["same"], dict):
        raise ValueError("its section of what must be the same is none")
    return about["generators"]


def _fit(arrays: dict[str, Array], expected: dict[str, Array], done: int) -> None:
    """Check that arrays are what this training has, as far as they can be known."""
    if arrays.keys() != expected.keys():
        raise ValueError(f"{min(arrays.keys() ^ expected.keys())!r}: expected other arrays")
    reports = len(arrays["history.epoch"])
    for name, array in arrays.items():
        like = expected[name]
        grows = like.shape[:1] == (0,)
        shape = (len(array), *like.shape[1:]) if grows and array.ndim else like.shape
        if array.dtype != like.dtype or array.shape != shape:
            raise ValueError(f"{name}: expected {like.dtype} {shape}, got {array.dtype}")
        if name.startswith("history.") and len(array) != reports:
            raise ValueError(f"{name}: expected {reports} reports, got {len(array)}")
        if name in ("theta", "good", "best.theta") and not np.isfinite(array).all():
            raise ValueError(f"{name}: expected finite numbers")
        whole = array if array.dtype == np.int64 else np.zeros(1)
        if whole.size and not 0 <= whole.min() <= whole.max() <= done:
            raise ValueError(f"{name}: expected numbers from 0 to {done}")


def _draw(generators: list[Any], states: Any) -> None:
    """Set the generators of random numbers, or none of them where one does not fit."""
    copies = copy.deepcopy(generators)
    for generator, state in zip(copies, states, strict=True):
        _alike(generator.bit_generator.state, state)
        generator.bit_generator.state = state
    for generator, fine in zip(generators, copies, strict=True):
        generator.bit_generator.state = fine.bit_generator.state


def _alike(ours: Any, theirs: Any) -> None:
    if type(ours) is not type(theirs) or (isinstance(ours, dict) and ours.keys() != theirs.keys()):
        raise ValueError(
            f"generators: expected one like {brief(ours, 60)}, got {brief(theirs, 60)}"
        )
    for name in ours if isinstance(ours, dict) else ():
        _alike(ours[name], theirs[name])


def _restored(
    training: Training, about: dict[str, Any], arrays: dict[str, Array], notes: Beside | None
) -> Epoch | None:
    run, best, history = training.run, training.best, training.history
    network, done = run.network, about["done"]
    for name, array in _arrays(training, None).items():
        if not name.startswith("history."):
            array[...] = arrays[name]
    training.done, training.stopped, run.rate = done, about["stopped"], about["rate"]
    run.steps_done = done * run.steps
    if notes is not None:
        own = {name: array for name, array in arrays.items() if name.startswith("notes.")}
        notes.go_on({name.removeprefix("notes."): array for name, array in own.items()})

    def listed(name: str) -> list[Any]:
        array = arrays[f"history.{name}"]
        return array.tolist() if network.members is None or name == "epoch" else [*array]

    history.epoch[:], history.loss[:] = listed("epoch"), listed("loss")
    if not history.epoch:
        return None
    for metric in training.watch.metrics:
        history.metrics[metric.name] = listed(f"metrics.{metric.name}")
    unseen = None
    if training.watch.held:
        history.validation_loss[:] = listed("validation_loss")
        unseen = history.validation_loss[-1]
    history.best_epoch = int(best.epoch[0]) if network.members is None else best.epoch.copy()
    scores = {name: numbers[-1] for name, numbers in history.metrics.items()}
    return Epoch(
        *(history.epoch[-1], history.loss[-1], unseen, scores),
        *(network, best, training.watch, run),
    )


# ---- the file ------------------------------------------------------------------------------------


def write(path: Path, about: dict[str, Any], arrays: dict[str, Array]) -> None:
    """Write a checkpoint, whole or not at all."""
    write_container(path, about | {"digest": digest(about, arrays)}, arrays)


def read(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return what a checkpoint says, and its arrays, if they are what was written."""
    with open(path, "rb") as file:
        content = Container(file)
        arrays = {
            name: content.array(name, NAMES[entry.dtype], tuple(entry.shape))
            for name, entry in content.entries.items()
        }
    about = content.about
    if "checkpoint" not in about:
        raise ValueError("it is a model file")
    if about.pop("digest", None) != digest(about, arrays):
        raise ValueError("its content is not what was written")
    return about, arrays


def digest(about: dict[str, Any], arrays: dict[str, Array]) -> str:
    """Return a hash of all that a checkpoint says, which a changed bit changes."""
    found = hashlib.blake2b(dumps(about).encode(), digest_size=16)
    for name, array in arrays.items():
        found.update(f"{name} {array.dtype.name} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()
