"""glassnet beside its peers: whole training runs, interleaved, into RESULTS.md.

    python benchmarks/bench.py            # about five minutes on two cores
    python benchmarks/bench.py --quick    # fewer and shorter runs, printed and not written

Each peer lives in a process of its own, which waits to be asked for one run and answers with its
seconds. The runs take turns, A B C A B C ..., because a machine's speed drifts: only runs next to
each other are compared. What is judged is the median over rounds of the ratio within a round.
"""

import argparse
import dataclasses
import datetime
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from peers import PEERS, about, installed
from tasks import TASKS, Task

HERE = Path(__file__).parent
IMPORT_ROUNDS = 21
PAUSE = 0.03  # seconds between runs, in which the threads of the last one go to sleep
PYTORCH = ("PyTorch", "PyTorch fused")
# (task, peers of which the fastest counts, at most this ratio)
TARGETS = (
    ("xor-100", ("tutorial",), 0.70),
    ("xor-1", ("tutorial",), 0.80),
    ("20-32-2", PYTORCH, 0.12),
    ("20-32-2", ("scikit-learn",), 0.20),
)
IMPORT_TARGET = 1.5


# ---- a worker ------------------------------------------------------------------------------------


def work(name: str, quick: bool) -> None:
    """Answer requests on standard input, a task's name each, until it ends."""
    made = ""
    for seed, request in enumerate(sys.stdin):
        if request.strip() != made:
            made = request.strip()
            task = find(made, quick)
            X, y = task.data()
            peer = PEERS[name](task, X, y)
        gc.collect()
        start = time.perf_counter()
        peer.train(seed)
        seconds = time.perf_counter() - start
        answer = {
            "seconds": seconds,
            "loss": cross_entropy(peer.predict(), y),
            "about": about(name),
        }
        print(json.dumps(answer), flush=True)


def find(name: str, quick: bool) -> Task:
    """Return a task, a quarter as long where it must be quick."""
    task = TASKS[name]
    if not quick:
        return task
    epochs = max(1, task.epochs // 4)
    every = epochs if task.every == task.epochs else task.every
    return dataclasses.replace(task, epochs=epochs, every=every, rounds=3)


def cross_entropy(p: np.ndarray, y: np.ndarray) -> float:
    """Return the mean cross-entropy of probabilities: seen, not timed."""
    if p.shape[1] == 1:
        p = np.hstack([1 - p, p])
    return float(-np.log(np.maximum(p[np.arange(len(y)), y], 1e-12)).mean())


class Worker:
    """A peer in a process of its own."""

    def __init__(self, name: str, quick: bool) -> None:
        self.name, self.about = name, ""
        command = [sys.executable, __file__, "--worker", name, *(["--quick"] if quick else [])]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
        )

    def run(self, task: Task) -> tuple[float, float]:
        """Return the seconds of one run, and the loss that it reached."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{task.name}\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} failed at {task.name}")
        answer = json.loads(line)
        self.about = answer["about"]
        return answer["seconds"], answer["loss"]

    def end(self) -> None:
        """Let the process end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def environment() -> dict[str, str]:
    """Return the environment without what makes OpenBLAS use an older machine's kernels."""
    return {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}


# ---- measuring -----------------------------------------------------------------------------------


@dataclasses.dataclass
class Timing:
    """Seconds of each round, by peer, and the median loss that each peer reached."""

    task: Task
    seconds: dict[str, list[float]]
    loss: dict[str, float]

    def step(self, peer: str) -> float:
        """Return the median microseconds a step."""
        return statistics.median(self.seconds[peer]) / self.task.steps * 1e6

    def ratios(self, peer: str) -> list[float]:
        """Return glassnet's seconds divided by the peer's, round by round."""
        pairs = zip(self.seconds["glassnet"], self.seconds[peer], strict=True)
        return [ours / theirs for ours, theirs in pairs]

    def fastest(self, peers: Iterable[str]) -> str | None:
        """Return the fastest of these peers that took part."""
        return min((peer for peer in peers if peer in self.seconds), key=self.step, default=None)


def measure(task: Task, workers: dict[str, Worker]) -> Timing:
    """Time a task: one run of each peer to warm up, then the rounds."""
    there = [workers[name] for name in task.peers if name in workers]
    seconds: dict[str, list[float]] = {worker.name: [] for worker in there}
    loss: dict[str, list[float]] = {worker.name: [] for worker in there}
    for number in range(task.rounds + 1):
        for worker in there:
            time.sleep(PAUSE)
            result = worker.run(task)
            if number > 0:
                seconds[worker.name].append(result[0])
                loss[worker.name].append(result[1])
    return Timing(task, seconds, {name: statistics.median(each) for name, each in loss.items()})


def measure_imports() -> dict[str, list[float]]:
    """Return milliseconds of imports in fresh interpreters, in turn."""
    times: dict[str, list[float]] = {"numpy": [], "glassnet": []}
    for number in range(IMPORT_ROUNDS + 1):
        for name, results in times.items():
            code = f"import time; t = time.perf_counter(); import {name}; "
            code += "print(time.perf_counter() - t)"
            done = subprocess.run(
                [sys.executable, "-c", code],
                env=environment(),
                capture_output=True,
                text=True,
                check=True,
            )
            if number > 0:
                results.append(float(done.stdout) * 1e3)
    return times


# ---- telling -------------------------------------------------------------------------------------


def report(
    timings: list[Timing],
    imports: dict[str, list[float]],
    workers: dict[str, Worker],
    busy: float,
) -> str:
    """Return the results in Markdown."""
    missing = [name for name in PEERS if name not in workers]
    lines = [
        "# glassnet beside its peers",
        "",
        "Made by `make bench`: whole training runs from fresh weights (with everything that a run "
        "begins with, glassnet's recording included), each peer in a process of its own, the runs "
        "in turn. A ratio is glassnet's time divided by the peer's in the same round; below 1, "
        "glassnet is faster. Only ratios mean something elsewhere: a machine's speed drifts.",
        "",
        f"- {datetime.date.today():%Y-%m-%d}, {machine()} (load {busy:.1f} when the runs began), "
        f"Python {platform.python_version()}",
        *(f"- {worker.name}: {worker.about}" for worker in workers.values()),
        *(f"- {name}: not installed here, and so not timed" for name in missing),
        "",
        "## Targets",
        "",
        *targets(timings, imports),
        "",
        "## Microseconds per training step",
        "",
        *table(timings, workers),
        "",
        "Medians. XOR is trained by plain gradient descent on all rows at once, in float64; the "
        "others by Adam in float32, with rows shuffled every epoch. scikit-learn always takes the "
        "loss, in every step, and gives two classes one output instead of two. XOR's rows "
        "are whole numbers, as in the tutorial's listing.",
        "",
        "## Ratios",
        "",
        *ratios(timings),
        "",
        "The loss is the median cross-entropy over the training rows after a run, to see that "
        "peers did the same work (2-2-1 networks get stuck at some seeds, and peers begin with "
        "weights of their own kind).",
    ]
    return "\n".join(lines) + "\n"


def targets(timings: list[Timing], imports: dict[str, list[float]]) -> list[str]:
    """Return the table of what was aimed at."""
    lines = ["| | ratio | target | |", "|---|---|---|---|"]
    by_name = {timing.task.name: timing for timing in timings}
    for name, peers, most in TARGETS:
        timing = by_name[name]
        peer = timing.fastest(peers)
        title = f"{timing.task.title}, beside {peer or peers[0]}"
        if peer is None:
            lines.append(f"| {title} | | {most:.2f} | not timed |")
            continue
        if len(peers) > 1:
            title += " (its fastest)"
        lines.append(verdict(title, statistics.median(timing.ratios(peer)), most))
    pairs = zip(imports["glassnet"], imports["numpy"], strict=True)
    middle = statistics.median(ours / theirs for ours, theirs in pairs)
    ours, theirs = (statistics.median(imports[name]) for name in ("glassnet", "numpy"))
    title = f"import glassnet ({ours:.0f} ms) beside import numpy ({theirs:.0f} ms)"
    return [*lines, verdict(title, middle, IMPORT_TARGET)]


def verdict(title: str, ratio: float, most: float) -> str:
    """Return a row that says whether a target is met."""
    word = "met" if ratio <= most else "**not met**"
    return f"| {title} | {ratio:.3f} | {most:.2f} | {word} |"


def table(timings: list[Timing], workers: dict[str, Worker]) -> list[str]:
    """Return the table of microseconds a step."""
    lines = [
        "| | steps | loss read | " + " | ".join(workers) + " |",
        "|---|---|---|" + "---|" * len(workers),
    ]
    for timing in timings:
        task = timing.task
        cells = [number(timing.step(w)) if w in timing.seconds else "" for w in workers]
        lines.append(f"| {task.title} | {task.steps:,} | {task.loss_read} | {' | '.join(cells)} |")
    return lines


def ratios(timings: list[Timing]) -> list[str]:
    """Return the table of ratios."""
    lines = [
        "| | beside | rounds | median ratio | least to most | ratio of medians | loss, theirs |",
        "|---|---|---|---|---|---|---|",
    ]
    for timing in timings:
        title = f"{timing.task.title} (loss {timing.loss['glassnet']:.2g})"
        for peer in list(timing.seconds)[1:]:
            each = timing.ratios(peer)
            lines.append(
                f"| {title} | {peer} | {len(each)} | {statistics.median(each):.3f} "
                f"| {min(each):.3f} to {max(each):.3f} "
                f"| {timing.step('glassnet') / timing.step(peer):.3f} | {timing.loss[peer]:.2g} |"
            )
            title = ""
    return lines


def number(microseconds: float) -> str:
    """Return a number to three figures."""
    return f"{microseconds:.1f}" if microseconds < 100 else f"{float(f'{microseconds:.3g}'):,.0f}"


def machine() -> str:
    """Return the processor's name and its number of cores."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                name = line.split(":")[1].strip()
                break
    return f"{name}, {os.cpu_count()} cores, {platform.system()}"


def load() -> float:
    """Return how many other processes wanted a core in the last minute; 0 where unknown."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="shorter, printed and not written")
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS.md")
    parser.add_argument("--worker", choices=PEERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, options.quick)
        return
    began, busy = time.perf_counter(), load()
    if busy > 0.5:
        print(f"the machine is busy (load {busy:.1f}): threads will wait, and times mean little")
    imports = measure_imports()
    workers = {name: Worker(name, options.quick) for name in PEERS if installed(name)}
    timings = []
    for name in TASKS:
        timings.append(measure(find(name, options.quick), workers))
        cells = [f"{peer} {number(timings[-1].step(peer))}" for peer in timings[-1].seconds]
        print(f"{timings[-1].task.title}: {', '.join(cells)} microseconds a step", flush=True)
    for worker in workers.values():
        worker.end()
    text = report(timings, imports, workers, busy)
    print(f"\n{text}\n{time.perf_counter() - began:.0f} seconds")
    if not options.quick:
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
