"""QUALITY.md: what `quality.py` measured, as tables."""

import csv
import datetime
import importlib.metadata
import importlib.util
import platform
from pathlib import Path
from typing import Any

import numpy as np
from host import load, machine

HERE = Path(__file__).parent
RECORDED = HERE / "recorded.csv"
SPLITS = (0, 1, 2)
OURS = {"glassnet": "default", "glassnet quick": "quick", "glassnet best": "best"}
HGB, REALMLP = "HistGradientBoosting", "RealMLP-TD"
PEERS = {REALMLP: "realmlp_td", HGB: "hgb", "scikit-learn's MLP": "sklearn_mlp"}
TIMED = ("phoneme", "wine", "ada", "california", "splice", "letter")
SIZES = (500, 500_000)  # rows of a small and of a large table
MANY = 10_000  # rows predicted at a time
OFFSET = 0.01  # so that a table solved to the last row does not weigh more than all others

Result = dict[str, Any]
Key = tuple[str, int]


def names() -> list[str]:
    """Return the tables' names."""
    with RECORDED.open(encoding="utf-8", newline="") as file:
        return sorted({row["dataset"] for row in csv.DictReader(file)})


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
    fits = {model: column(results, model, "fit") for model in (*OURS, REALMLP, HGB)}
    fits = {model: each for model, each in fits.items() if each}
    if not fits:
        return []
    rows = [[t, *(_figure(each.get((t, 0)), 2) for each in fits.values())] for t in TIMED]
    compared = []
    for model in OURS if REALMLP in fits else ():
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
        *grid(["", "fit", "one row", f"{MANY:,} rows"], compared),
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
