"""Members that learn in processes of their own: as in threads, and gone when nobody waits."""

import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet.tabular import apart, ensemble
from glassnet.tabular.apart import Apart

HOW = {"epochs": 6, "n_ensemble": 3, "random_state": 0}
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="which processes run is read in /proc")
FOREVER = """
import numpy as np, glassnet as gn, warnings
X = np.random.default_rng(0).standard_normal((2000, 3))
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    model = gn.TabularRegressor(epochs=1_000_000, n_ensemble=2, n_jobs=2).fit(X, X.sum(axis=1))
print([each.category.__name__ for each in told], model.n_iter_ > 0)
"""


ENDLESS = """
import time

class Endless:
    end = 1.0

    def train(self, members: range) -> int | None:
        last = time.monotonic() + 60
        while self.end and time.monotonic() < last:
            time.sleep(0.01)
        return None if self.end else members.stop
"""  # until it is stopped, or for a minute


def table(rows: int = 400) -> tuple[Any, Any]:
    X = np.random.default_rng(0).standard_normal((rows, 3))
    return X, X[:, 0] * X[:, 1] > 0


@pytest.fixture
def came(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Let every training be worth a process; return whether each one came to something."""
    results, result = list[bool](), Apart.result

    def seen(self: Apart) -> Any:
        found = result(self)
        results.append(found is not None)
        return found

    monkeypatch.setattr(ensemble, "LONG", 1)
    monkeypatch.setattr(Apart, "result", seen)
    return results


def same(came: list[bool], expected: list[bool], **how: Any) -> None:
    """Assert that three threads, or processes, learn what one does."""
    X, y = table()
    one = gn.TabularClassifier(n_jobs=1, **HOW, **how).fit(X, y)
    assert not came
    three = gn.TabularClassifier(n_jobs=3, **HOW, **how).fit(X, y)
    assert came == expected
    assert one.ensemble_.network.theta.tobytes() == three.ensemble_.network.theta.tobytes()
    assert one.ensemble_.temperature == three.ensemble_.temperature


def test_a_process_learns_what_a_thread_does(came: list[bool]) -> None:
    same(came, [True, True])


def test_where_a_process_comes_to_nothing_a_thread_learns(
    came: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "CODE", "raise SystemExit(1)")
    same(came, [False, False])


@pytest.mark.parametrize("what", ["frozen", "executable"])
def test_a_program_that_is_no_python_is_not_started(
    what: str, came: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: Any = True if what == "frozen" else "/usr/bin/uwsgi"
    monkeypatch.setattr(sys, what, given, raising=False)

    def started(*given: Any, **how: Any) -> None:
        raise AssertionError("something was started")

    monkeypatch.setattr(apart, "Popen", started)
    same(came, [False, False])


def test_what_cannot_be_sent_is_learned_by_threads(came: list[bool]) -> None:
    same(came, [], metric="f1")  # a scorer of scikit-learn's, behind a closure
    assert not came


def test_few_steps_and_large_tables_stay_with_threads(
    came: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ensemble, "WIDE", 100)
    same(came, [])
    monkeypatch.setattr(ensemble, "WIDE", 2**24)
    monkeypatch.setattr(ensemble, "LONG", 60)  # 6 epochs of 320 rows by 64 are 30 steps
    same(came, [])


def test_a_refusal_in_a_process_is_heard_as_in_a_thread(came: list[bool]) -> None:
    X, y = table()
    with pytest.raises(ZeroDivisionError):
        gn.TabularClassifier(n_jobs=2, metric=refuses, **HOW).fit(X, y)


def refuses(estimator: Any, X: Any, y: Any) -> float:
    return 1 / 0


def children(of: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == of and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


def until(true: Any) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def alive(number: int) -> bool:
    try:
        return (Path("/proc") / str(number) / "stat").read_text().rpartition(")")[2].split()[
            0
        ] != "Z"
    except OSError:
        return False


@LINUX
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_who_asked_for_it(by: signal.Signals) -> None:
    how: Any = {"stdout": subprocess.PIPE, "text": True, "start_new_session": True}
    with subprocess.Popen([sys.executable, "-c", FOREVER], **how) as training:
        until(lambda: children(training.pid))
        (child,) = children(training.pid)
        time.sleep(1.0)  # for both to be under way
        os.kill(training.pid, by)
        said = training.communicate(timeout=120)[0]
    until(lambda: not alive(child))
    if by == signal.SIGINT:
        assert said == "['InterruptedWarning'] True\n"
        assert training.returncode == 0


def test_what_a_python_prints_as_it_begins_is_passed_over(
    came: list[bool], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text('print("I am here", end="", flush=True)\n')
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    same(came, [True, True])


def test_a_process_imports_nothing_from_where_it_happens_to_be(
    came: list[bool], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "numpy.py").write_text("open('ran', 'w')\n")
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    monkeypatch.chdir(tmp_path)
    same(came, [True, True])
    assert not (tmp_path / "ran").exists()


def test_what_is_stopped_before_it_has_begun_stops(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "endless.py").write_text(ENDLESS)
    lesson = importlib.import_module("endless").Endless()
    process = Apart(lesson, range(3))
    process.stop()
    assert process.result() == 3
