"""What gaps and turned matrices bring a compiled step: with each, and without, in turn.

python benchmarks/layouts.py              # some minutes
"""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from statistics import median

from host import SLOWING, environment, load, machine
from tasks import TASKS

import glassnet as gn
from glassnet.engines import choice, gaps
from glassnet.engines.products import Products

ROUNDS = 21
TURNED = Products._turned
WAYS = {  # bytes from row to row where a gap helps, and how products without threads are written
    "both": (gaps.APART, TURNED),
    "no gaps": (1 << 40, TURNED),
    "none turned": (gaps.APART, lambda self, call: [self._gemm(call, None)]),
}
KNOWN: dict[str, dict] = {way: {} for way in WAYS}


def run(task, X, y, way: str) -> float:
    """Return the microseconds a step of a whole training from fresh weights."""
    gaps.APART, Products._turned = WAYS[way]
    choice.KNOWN = KNOWN[way]  # the steps that were translated this way
    *hidden, outputs = task.sizes[1:]
    layers = [*(gn.Dense(units, "relu") for units in hidden), gn.Dense(outputs)]
    net = gn.Network(layers, task.sizes[0], loss="multiclass_cross_entropy", seed=0)
    start = time.perf_counter()
    how = {"epochs": task.epochs, "every": task.epochs, "batch_size": task.batch}
    net.fit(X, y, optimizer="adam", engine="numba", **how)
    return (time.perf_counter() - start) / task.steps * 1e6


def main() -> None:
    if any(name in os.environ for name in SLOWING):  # they are read before this line
        command = [sys.executable, __file__]
        sys.exit(subprocess.run(command, env=environment(), check=False).returncode)
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine()}, load {load():.1f}, {ROUNDS} rounds")
    print("time without, divided into that with both: median (least to most)")
    for name in ("20-32-2", "20-64-64-2", "784-1024-1024-10"):
        task = TASKS[name]
        X, y = task.data()
        for way in WAYS:
            run(task, X, y, way)  # which compiles
        rounds = [{way: run(task, X, y, way) for way in WAYS} for _ in range(ROUNDS)]
        for way in ("no gaps", "none turned"):
            ratios = sorted(each["both"] / each[way] for each in rounds)
            told = f"{median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})"
            print(f"{name:18} {way:12} {told}", flush=True)


if __name__ == "__main__":
    main()
