"""A peer in a process of its own, which waits to be asked and answers with seconds.

    python benchmarks/workers.py NAME [--quick]

On standard input come lines of JSON, and on standard output one goes back for each:
``{"ask": "prepare", "task": ...}`` makes the peer ready, tries its settings and tells what it took
to compile; ``{"ask": "run", "task": ..., "seed": ...}`` does one run. An answer with ``skipped``
says why there is none.
"""

import argparse
import gc
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import host
from peers import PEERS, about, make
from tasks import Serving, Task, find

TRIALS = 3  # short runs of each setting, of which the fastest says which setting it is
SHARE = 8  # a trial is one in so many epochs or calls
WAKING = 50  # what goes before a run is one in so many


# ---- within the process --------------------------------------------------------------------------


class Work:
    """What a worker has in hand: the last task it was asked for."""

    def __init__(self, name: str, quick: bool) -> None:
        self.name, self.quick = name, quick
        self.peer: Any = None

    def prepare(self, task: str) -> dict[str, Any]:
        """Make the peer, compile, warm up, and choose among its settings."""
        self.peer = None  # the last task's rows may be many
        self.task = find(task, self.quick)
        start = time.perf_counter()
        self.peer = peer = make(self.name, self.task)
        short = max(1, count(self.task) // SHARE)
        first, fastest = {}, {}
        for setting in peer.settings:
            peer.use(setting)
            first[setting] = self._seconds(0, short)
            fastest[setting] = self._seconds(1, short)
        if len(peer.settings) > 1:
            for seed in range(2, TRIALS + 1):
                for setting in peer.settings:
                    peer.use(setting)
                    fastest[setting] = min(fastest[setting], self._seconds(seed, short))
        chosen = min(fastest, key=fastest.__getitem__)
        peer.use(chosen)
        self._seconds(0, short)  # a setting may make something anew
        return {
            "setting": chosen,
            "compiling": max(0.0, first[chosen] - fastest[chosen]),
            "ready": time.perf_counter() - start,
            "about": about(),
        }

    def run(self, seed: int) -> dict[str, Any]:
        """Do a whole run, after a short one: a processor that was idle is slow at first."""
        gc.collect()
        self._seconds(seed, max(1, count(self.task) // WAKING))
        seconds = self._seconds(seed, count(self.task)) * self.peer.times
        return {"seconds": seconds, "outcome": self.peer.outcome()}

    def _seconds(self, seed: int, how_often: int) -> float:
        start = time.perf_counter()
        self.peer.run(seed, how_often)
        return time.perf_counter() - start


def count(task: Task | Serving) -> int:
    """Return the epochs or calls of a whole run."""
    return task.calls if isinstance(task, Serving) else task.epochs


def serve(name: str, quick: bool) -> None:
    """Answer until standard input ends; what libraries print goes elsewhere."""
    answers, sys.stdout = sys.stdout, sys.stderr
    work = Work(name, quick)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if asked["ask"] == "prepare":
                answer = work.prepare(asked["task"])
            else:
                answer = work.run(asked["seed"])
        except Exception as error:  # told in the report: one peer must not end the others
            reason = str(error).strip().partition("\n")[0]
            answer = {"skipped": f"{type(error).__name__}: {reason}"[:200]}
        print(json.dumps(answer), file=answers, flush=True)


# ---- from outside --------------------------------------------------------------------------------


class Skipped(Exception):  # noqa: N818  (it is no error)
    """A peer that takes no part in a task, and why."""


class Worker:
    """The other end of a worker's process."""

    def __init__(self, name: str, quick: bool, caches: Path) -> None:
        self.name, self.about = name, ""
        command = [sys.executable, __file__, name, *(["--quick"] if quick else [])]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(caches),
        )

    def ask(self, **what: Any) -> dict[str, Any]:
        """Return the answer to a request; raise Skipped where there is none."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(f"{json.dumps(what)}\n")
            stdin.flush()
        except BrokenPipeError:
            raise Skipped("its process has ended") from None
        line = stdout.readline()
        if not line:
            raise Skipped("its process ended")
        answer: dict[str, Any] = json.loads(line)
        if "skipped" in answer:
            raise Skipped(answer["skipped"])
        self.about = answer.get("about", self.about)
        return answer

    def end(self) -> None:
        """Let the process end."""
        self._process.communicate()  # which closes its standard input


def environment(caches: Path) -> dict[str, str]:
    """Return the environment of a worker.

    Without what makes OpenBLAS use an older machine's kernels; and with caches of compiled code in
    a folder that was empty when the benchmark began.
    """
    places = ("GLASSNET_CACHE", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "TORCHINDUCTOR_CACHE_DIR")
    return host.environment() | {place: str(caches / place.lower()) for place in places}


def median_of(values: list[float | None]) -> float | None:
    """Return the median of the numbers among these, if there are any."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    serve(options.name, options.quick)
