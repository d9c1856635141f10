"""What is measured in fresh processes: imports, the first fit, and the memory of a fit."""

import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from workers import environment

IMPORT_ROUNDS, FIRST_ROUNDS = 21, 5

IMPORT = """
import time
start = time.perf_counter()
import {name}
print(time.perf_counter() - start)
"""

FIRST_FIT = """
import time
import numpy as np
start = time.perf_counter()
import numba
print(time.perf_counter() - start)
import glassnet as gn
X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
for _ in range(2):
    layers = [gn.Dense(2, "sigmoid"), gn.Dense(1)]
    net = gn.Network(layers, 2, loss="binary_cross_entropy", dtype="float64", seed=0)
    start = time.perf_counter()
    net.fit(X, y, epochs=10_000, batch_size=None, optimizer=gn.SGD(0.4), every=10_000,
            engine="numba")
    print(time.perf_counter() - start)
"""

# what any function compiled by Numba has to begin with, from its cache; which wants a file
ONE_LINE = "import numba\n\n@numba.njit(cache=True)\ndef one(x):\n    return x + 1\n"
CALL = """
import sys, time
import numba
sys.path.insert(0, {folder!r})
start = time.perf_counter()
from one_line import one
one(1.0)
print(time.perf_counter() - start)
"""

STATUS = """
def status(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(name))
"""

# the rows are drawn in place, so that the process has never been larger than it is before the fit
MEMORY = """
import numpy as np
import glassnet as gn
{imports}
{status}
X = np.empty((1_000_000, 50), np.float32)
np.random.default_rng(0).standard_normal(dtype=np.float32, out=X)
y = X[:, 0].copy()

net = gn.Network([gn.Dense(64, "relu"), gn.Dense(64, "relu"), gn.Dense(1)], 50, seed=0)
before = status("VmRSS:")
net.fit(X, y, epochs=1, batch_size=256, engine="{engine}")
print(before)
print(status("VmHWM:"))
"""
# what of it is Numba's own
ONE_LINE_MEMORY = """
import numba, scipy.linalg
{status}
before = status("VmRSS:")
numba.njit(lambda x: x + 1)(1.0)
print(before)
print(status("VmHWM:"))
"""
PACKAGES = "import numba, scipy.linalg"  # the second for BLAS, whose addresses Numba takes there
COMPILED = MEMORY.format(status=STATUS, imports=PACKAGES, engine="numba")
MEMORIES = {
    "glassnet, compiling": COMPILED,
    "glassnet, compiled before": COMPILED,  # it finds in the cache what the first made
    "glassnet numpy": MEMORY.format(status=STATUS, imports="", engine="numpy"),
    "one line, compiled by Numba": ONE_LINE_MEMORY.format(status=STATUS),
}


@dataclass
class Fresh:
    """What fresh processes said.

    Attributes
    ----------
    imports : dict of list
        Milliseconds of importing numpy and glassnet, in turn.
    compiler : float or None
        Seconds of importing numba.
    empty, warm : float or None
        Seconds of the first compiled fit after that, when nothing or all was in the cache.
    later : float or None
        Seconds of the fit after the first.
    least : float or None
        Seconds of the first call of a compiled function of one line, from the cache.
    memory : dict of tuple
        Megabytes before and at the peak of a fit, by what is told apart.
    skipped : dict
        Why something was not measured.
    """

    imports: dict[str, list[float]]
    compiler: float | None = None
    empty: float | None = None
    warm: float | None = None
    later: float | None = None
    least: float | None = None
    memory: dict[str, tuple[float, float]] | None = None
    skipped: dict[str, str] | None = None


def run(code: str, caches: Path) -> list[float]:
    """Run code in a fresh interpreter, and return the numbers that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(caches),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().rpartition("\n")[2][:200])
    return [float(line) for line in done.stdout.split()]


def measure_fresh(quick: bool) -> Fresh:
    """Measure all of it."""
    with tempfile.TemporaryDirectory() as folder:
        caches = Path(folder)
        fresh = Fresh(_imports(caches, 5 if quick else IMPORT_ROUNDS), memory={}, skipped={})
        try:
            _first_fits(fresh, caches, 2 if quick else FIRST_ROUNDS)
        except RuntimeError as error:
            fresh.skipped["first fit"] = str(error)
        for name, code in MEMORIES.items():
            try:
                before, peak = run(code, caches)
                fresh.memory[name] = before, peak
            except RuntimeError as error:
                fresh.skipped[f"memory, {name}"] = str(error)
    return fresh


def _imports(caches: Path, rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {"numpy": [], "glassnet": []}
    for number in range(rounds + 1):
        for name, results in times.items():
            (seconds,) = run(IMPORT.format(name=name), caches)
            if number > 0:
                results.append(seconds * 1e3)
    return times


def _first_fits(fresh: Fresh, caches: Path, rounds: int) -> None:
    _, fresh.empty, _ = run(FIRST_FIT, caches)
    later = [run(FIRST_FIT, caches) for _ in range(rounds)]
    fresh.compiler, fresh.warm, fresh.later = map(statistics.median, zip(*later, strict=True))
    (caches / "one_line.py").write_text(ONE_LINE, encoding="utf-8")
    _, *calls = [run(CALL.format(folder=str(caches)), caches) for _ in range(rounds + 1)]
    fresh.least = statistics.median(seconds for (seconds,) in calls)
