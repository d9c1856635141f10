"""The doctor on healthy runs: it should say nothing.

python benchmarks/doctor.py FOLDER                  # of tables, .csv or .csv.gz
python benchmarks/doctor.py FOLDER --target price   # the column to predict, else "target"
"""

import argparse
import gzip
import os
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import glassnet as gn
from glassnet.csvfile import parse_csv
from glassnet.tabular.encoding import Encoding
from glassnet.tabular.target import Target
from glassnet.tabular.text import frame_of

Dense = gn.Dense
STEPS = 3000  # updates of a run


def runs() -> dict[str, tuple[list[gn.Layer], dict[str, Any]]]:
    """Return layers and options of usual trainings, by name."""
    block = [gn.LayerNorm(), Dense(32, "silu"), Dense(32)]
    return {
        "relu, adam": ([Dense(64, "relu"), Dense(64, "relu")], {}),
        "tanh, sgd": ([Dense(32, "tanh")], {"optimizer": gn.SGD(0.05)}),
        "sigmoid, rmsprop": ([Dense(32, "sigmoid")], {"optimizer": gn.RMSprop(0.002)}),
        "gelu, dropout, adamw": (
            [Dense(64, "gelu"), gn.Dropout(0.2), Dense(32, "gelu")],
            {"optimizer": "adamw", "schedule": "cosine"},
        ),
        "residual, patience": (
            [Dense(32), gn.Residual(block), gn.Residual(block)],
            {"validation": 0.2, "patience": 5},
        ),
        "linear, momentum": ([], {"optimizer": gn.Momentum(0.003), "l2": 1e-4}),
    }


def read(path: Path, target: str) -> tuple[Any, Any, str, int]:
    """Return a table as a network gets it, with its loss and its number of outputs."""
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    table = parse_csv(content, str(path)).where_known(target)
    goal, frame = Target.fit(table, target), frame_of(table, target)
    X, y = Encoding.fit(frame).encode(frame), goal.encode(table)
    X = X[:, np.ptp(X, axis=0) > 0]
    X = np.clip((X - X.mean(axis=0)) / X.std(axis=0), -10, 10)  # as for any network
    if not goal.classes:
        return X, (y - y.mean()) / y.std(), "squared_error", 1
    if len(goal.classes) == 2:
        return X, y, "binary_cross_entropy", 1
    return X, y, "multiclass_cross_entropy", len(goal.classes)


def lines(path: Path, target: str) -> Iterator[tuple[str, str, int, float, float, list[str]]]:
    """Yield a line for each run: rows, what is still missing, seconds, and what was found."""
    X, y, loss, outputs = read(path, target)
    name = path.name.split(".")[0]
    for run, (layers, options) in runs().items():
        net = gn.Network([*layers, Dense(outputs)], X.shape[1], loss=loss, seed=0)
        how = {n: option for n, option in options.items() if n not in ("validation", "patience")}
        start = time.perf_counter()
        before = net.diagnose(X, y, **how)
        epochs = max(STEPS * 32 // len(X), 5)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            trained = time.perf_counter()
            history = net.fit(X, y, epochs=epochs, **options)
            start += time.perf_counter() - trained
        after = net.diagnose(X, y)
        seconds = (time.perf_counter() - start) / 2
        found = [f"before: {n}" for n in before.names] + after.names
        found += [str(warning.message) for warning in caught]
        yield name, run, len(X), history.loss[-1], seconds, found


def examined(path: Path, target: str) -> list[Any]:
    """Return the lines of a table."""
    return list(lines(path, target))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--target", default="target")
    options = parser.parse_args()
    paths = sorted([*options.folder.glob("*.csv"), *options.folder.glob("*.csv.gz")])
    if not paths:
        sys.exit(f"{options.folder}: expected tables, .csv or .csv.gz, found none")
    print(f"| {'table':14} | {'run':22} | {'rows':>6} | {'loss':>7} | seconds | findings |")
    print(f"|{'-' * 16}|{'-' * 24}|{'-' * 8}|{'-' * 9}|---------|----------|")
    count = silent = 0
    with ProcessPoolExecutor() as pool:
        for table in pool.map(partial(examined, target=options.target), paths):
            for name, run, rows, loss, seconds, found in table:
                told = ", ".join(found) or "none"
                print(
                    f"| {name:14} | {run:22} | {rows:6} | {loss:7.4f} | {seconds:7.2f} | {told} |"
                )
                count, silent = count + 2, silent + 2 * (not found)
    print(f"\n{silent} of {count} examinations (each run before and after training) found nothing")


if __name__ == "__main__":
    main()
