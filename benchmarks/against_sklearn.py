"""glassnet's estimators beside scikit-learn's own: scores and fit times, into SKLEARN.md.

    python benchmarks/against_sklearn.py            # a few minutes on two cores
    python benchmarks/against_sklearn.py --quick    # two seeds, printed and not written

Both get the same parameters, the same rows, and seeds of the same numbers (from which each draws
weights and orders of its own). Fits take turns and take turns in who is first, in one process, for
a machine's speed drifts. A score is accuracy or R2 on rows that were not trained on.
"""

import argparse
import datetime
import gc
import importlib.metadata
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from host import environment, load, machine
from sklearn import datasets, neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from glassnet import estimators

HERE = Path(__file__).parent
SEEDS, SPLITS = 10, 5
SETTINGS = {"max_iter": 1000}  # all else is the default: 100 relu units, Adam, alpha 1e-4
# but for the few noisy rows of diabetes, which such a network would learn by heart
NUMBERS = {"max_iter": 1000, "alpha": 10.0}
TABLES: dict[str, Callable[..., Any]] = {
    "digits": datasets.load_digits,
    "breast cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "diabetes": datasets.load_diabetes,
}
PEERS: dict[str, Any] = {"glassnet": estimators, "scikit-learn": neural_network}


@dataclass
class Result:
    """Scores, seconds and epochs of every fit on a table, by peer."""

    name: str
    shape: tuple[int, ...]
    splits: int
    scores: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in PEERS})
    seconds: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in PEERS})
    epochs: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in PEERS})
    unfinished: int = 0  # fits of either that were still going at max_iter

    def difference(self) -> tuple[float, float]:
        """Return the mean of glassnet's score less scikit-learn's, and its standard error."""
        d = np.subtract(self.scores["glassnet"], self.scores["scikit-learn"])
        return float(d.mean()), float(d.std(ddof=1) / len(d) ** 0.5)

    def noise(self) -> float:
        """Return how far scikit-learn's scores lie apart for the seeds of one split."""
        by_split = np.reshape(self.scores["scikit-learn"], (self.splits, -1))
        return float(np.sqrt(by_split.var(axis=1, ddof=1).mean()))

    def ratios(self) -> list[float]:
        """Return glassnet's seconds divided by scikit-learn's, fit by fit."""
        pairs = zip(self.seconds["glassnet"], self.seconds["scikit-learn"], strict=True)
        return [ours / theirs for ours, theirs in pairs]

    def row(self) -> str:
        """Return the row of the table."""
        middle, error = self.difference()
        cells = [f"{self.name} ({self.shape[0]:,} x {self.shape[1]})"]
        for name in PEERS:
            each = self.scores[name]
            cells.append(f"{statistics.mean(each):.4f} ± {statistics.stdev(each):.4f}")
        cells.append(f"{middle:+.4f} ± {error:.4f}")
        cells.append(f"{middle / error if error else 0:+.1f}")
        cells.append(f"{middle / self.noise() if middle else 0:+.1f}")
        cells.append(" / ".join(f"{statistics.median(self.epochs[name]):.0f}" for name in PEERS))
        low, middle, high = statistics.quantiles(self.ratios(), n=4)
        cells.append(f"{middle:.2f} ({low:.2f} to {high:.2f})")
        return "| " + " | ".join(cells) + " |"


def measure(name: str, seeds: int, splits: int) -> Result:
    """Fit both on a table, for every split and seed."""
    X, y = TABLES[name](return_X_y=True)
    numbers = name == "diabetes"
    result = Result(name, X.shape, splits)
    for split in range(splits):
        parts = train_test_split(
            X, y, test_size=0.25, random_state=split, stratify=None if numbers else y
        )
        scaler = StandardScaler().fit(parts[0])
        rows, unseen = scaler.transform(parts[0]), scaler.transform(parts[1])
        targets, answers = parts[2], parts[3]
        if numbers:
            mean, deviation = targets.mean(), targets.std()
            targets, answers = (targets - mean) / deviation, (answers - mean) / deviation
        for seed in range(seeds):
            names = list(PEERS)[:: 1 if seed % 2 else -1]
            for peer in names:
                if numbers:
                    model = PEERS[peer].MLPRegressor(random_state=seed, **NUMBERS)
                else:
                    model = PEERS[peer].MLPClassifier(random_state=seed, **SETTINGS)
                gc.collect()
                start = time.perf_counter()
                model.fit(rows, targets)
                result.seconds[peer].append(time.perf_counter() - start)
                result.scores[peer].append(float(model.score(unseen, answers)))
                result.epochs[peer].append(model.n_iter_)
                result.unfinished += model.n_iter_ == SETTINGS["max_iter"]
    return result


def report(results: list[Result], seeds: int, splits: int, busy: float) -> str:
    """Return the results in Markdown."""
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in (*PEERS, "numpy", "scipy")
    )
    unfinished = sum(result.unfinished for result in results)
    lines = [
        "# glassnet's estimators beside scikit-learn's",
        "",
        "Made by `make sklearn`: `MLPClassifier` and `MLPRegressor` of both at equal settings (the "
        f"defaults, but max_iter={SETTINGS['max_iter']}, and alpha={NUMBERS['alpha']:g} for "
        "diabetes, whose few noisy rows the default would learn by heart), on features, and for "
        f"diabetes targets, of mean 0 and variance 1; {splits} fixed splits into three parts to "
        f"train on and one to score, {seeds} seeds each. Fits take turns; a ratio is glassnet's "
        "time divided by "
        "scikit-learn's for the same split and seed, and below 1 glassnet is faster.",
        "",
        f"- {datetime.date.today():%Y-%m-%d}, {machine()} (load {busy:.1f} when the runs began), "
        f"Python {platform.python_version()}",
        f"- {versions}",
        "",
        "| | score, glassnet | score, scikit-learn | difference | in standard errors | in seed "
        "noise | epochs, median | fit time, ratio |",
        "|---|---|---|---|---|---|---|---|",
        *(result.row() for result in results),
        "",
        f"Scores are mean ± standard deviation over {seeds * splits} fits, accuracy or, for "
        "diabetes, R2; a difference is the mean over pairs ± its standard error. Seed noise is the "
        "standard deviation of scikit-learn's scores over the seeds of one split: how far apart "
        "two fits are that differ in nothing else. The ratio is the median, and in brackets the "
        "middle half, for a shared machine delays some fits a great deal. Of "
        f"{2 * seeds * splits * len(results)} fits {unfinished} had not "
        "stopped by themselves at the last epoch.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two seeds, printed and not written")
    parser.add_argument("--output", type=Path, default=HERE / "SKLEARN.md")
    options = parser.parse_args()
    if "OPENBLAS_CORETYPE" in os.environ:  # it is read when NumPy is imported
        command = [sys.executable, __file__, *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=environment(), check=False).returncode)
    warnings.simplefilter("ignore", ConvergenceWarning)
    began, busy = time.perf_counter(), load()
    seeds, splits = (2, 2) if options.quick else (SEEDS, SPLITS)
    results = []
    for name in TABLES:
        results.append(measure(name, seeds, splits))
        print(results[-1].row(), flush=True)
    text = report(results, seeds, splits, busy)
    print(f"\n{text}\n{time.perf_counter() - began:.0f} seconds")
    if not options.quick:
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
