"""What each part of the default for tables brings, in error and in time, into ABLATION.md.

    python benchmarks/ablation.py FOLDER    # half an hour on two cores

Every variant changes one part. Its errors on one split of the 20 tables of `quality.py` are
compared with the default's, pair by pair; so are its fit times, one thread each, two fits at a
time on two cores. Above 1, the variant errs more or takes longer.
"""

import argparse
import datetime
import os
import platform
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from host import environment, load, machine
from quality import QUANTITIES, made, parts
from quality_report import OFFSET, grid, names

import glassnet as gn
from glassnet.parts import Layer
from glassnet.tabular import defaults, ensemble
from glassnet.tabular.defaults import Recipe
from glassnet.tabular.encoding import Encoding

HERE = Path(__file__).parent
ROWS, SPLITS = 8_192, (0,)
Cell = tuple[str, int]  # table and split
Found = dict[tuple[str, Cell], tuple[float, float]]  # by variant and cell: error and seconds
Change = Callable[[Layer], list[Layer]]


@dataclass(frozen=True)
class Changed(Recipe):
    """The default, its layers and its training changed."""

    change: Change = field(default=lambda layer: [layer])
    options: tuple[tuple[str, Any], ...] = ()

    def layers(self, encoding: Encoding, classes: int, rows: int) -> list[Layer]:
        """Return the layers, each as the change makes it."""
        layers, width = [], encoding.width
        plain = super().layers(encoding, classes, rows)
        for layer in [new for old in plain for new in self.change(old)]:
            if isinstance(layer, gn.Embedding):  # of the last columns, however many there are now
                count = len(layer.columns)
                layer = replace(layer, columns=range(width - count, width))
            layers.append(layer)
            width = layer.outputs(width)
        return layers

    def how(self, classes: int, rows: int) -> dict[str, Any]:
        """Return the options of training, some of them others."""
        how = super().how(classes, rows) | dict(self.options)
        if callable(how["optimizer"]):
            how["optimizer"] = how["optimizer"](0.04 if classes else 0.2)
        return how


def without(kind: type[Layer]) -> Change:
    """Return a change that leaves out the layers of a kind."""
    return lambda layer: [] if isinstance(layer, kind) else [layer]


def instead(kind: type[Layer], **fields: Any) -> Change:
    """Return a change of what the layers of a kind are told."""
    return lambda layer: [replace(layer, **fields) if isinstance(layer, kind) else layer]


def bent(activation: gn.Activation) -> Change:
    """Return a change of the hidden layers' activation."""

    def change(layer: Layer) -> list[Layer]:
        if isinstance(layer, gn.Dense) and not isinstance(layer.activation, gn.Identity):
            return [replace(layer, activation=activation)]
        return [layer]

    return change


def dropped(layer: Layer) -> list[Layer]:
    """Return the layer, with dropout behind a hidden one."""
    hidden = isinstance(layer, gn.Dense) and not isinstance(layer.activation, gn.Identity)
    return [layer, gn.Dropout(0.15, "flat_cos")] if hidden else [layer]


DEFAULT = "the default"
VARIANTS: dict[str, Recipe] = {
    DEFAULT: Recipe(),
    "1 member": Recipe(members=1),
    "8 members": Recipe(members=8),
    "twice the epochs": Recipe(effort=2.0),
    "batches of 256": Recipe(batch_size=256),
    "no waves": Changed(change=without(gn.Periodic)),
    "waves of one length (0.1)": Changed(change=instead(gn.Periodic, slowest=0.1, fastest=0.1)),
    "waves that learn": Changed(change=instead(gn.Periodic, fixed=False)),
    "no scale layer": Changed(change=without(gn.Scale)),
    "selu, shares learned": Changed(change=bent(gn.Parametric("selu", rate=0.1, decay=0.1))),
    "dropout 0.15": Changed(change=dropped),
    "no label smoothing": Recipe(smoothing=0.0),
    "rate constant": Changed(options=(("schedule", "constant"),)),
    "no weight decay": Changed(options=(("weight_decay", 0.0),)),
    "Adam's beta2 0.999": Changed(options=(("optimizer", gn.Adam),)),
    "first weights not by the rows": Recipe(),
    "last epoch, not the best": Recipe(),
}
PATCHES: dict[str, Callable[[], Any]] = {
    "first weights not by the rows": lambda: mock.patch.object(gn.Network, "start"),
    "last epoch, not the best": lambda: mock.patch.object(ensemble.Choice, "settle"),
}


def measure(folder: Path, task: tuple[str, Cell]) -> tuple[float, float]:
    """Return a variant's error on a table's split, and the seconds of its fit."""
    variant, (name, split) = task
    X, unseen, y, truth = parts(folder, name, split)
    quantity = name in QUANTITIES
    estimator = made("glassnet", quantity, 1)
    patch = PATCHES.get(variant, nullcontext)
    with (
        warnings.catch_warnings(),
        mock.patch.dict(defaults.PRESETS, default=VARIANTS[variant]),
        patch(),
    ):
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        estimator.fit(X, y)
        seconds = time.perf_counter() - start
    predicted = estimator.predict(unseen)
    if quantity:
        return float(np.sqrt(np.mean((predicted - truth) ** 2)) / truth.std()), seconds
    return float(np.mean(predicted != truth)), seconds


def row(variant: str, found: Found, cells: list[Cell]) -> list[str]:
    """Return a variant's row: ratios of errors, of all and by kind, and of times."""
    pairs = [(found[variant, cell], found[DEFAULT, cell]) for cell in cells]
    logs = np.array([np.log((his[0] + OFFSET) / (its[0] + OFFSET)) for his, its in pairs])
    quantity = np.array([name in QUANTITIES for name, _ in cells])
    spread = logs.std(ddof=1) / len(cells) ** 0.5
    times = np.mean([np.log(his[1] / its[1]) for his, its in pairs])
    return [
        variant,
        f"{np.exp(logs.mean()):.3f} ± {spread:.3f}",
        f"{np.exp(logs[~quantity].mean()):.3f}",
        f"{np.exp(logs[quantity].mean()):.3f}",
        f"{np.exp(times):.2f}",
    ]


def report(found: Found, cells: list[Cell]) -> str:
    """Return what was measured, in Markdown."""
    head = ["what is changed", "error", "of classes", "of quantities", "fit time"]
    tables = sorted({name for name, _ in cells})
    return "\n".join(
        [
            "# What each part of the default for tables brings",
            "",
            "Made by `make ablation`: errors and fit times divided by the default's, on split "
            f"{', '.join(map(str, SPLITS))} of {', '.join(tables)}; geometric means, errors "
            f"shifted by {OFFSET:g}, ± one standard error over tables. One training "
            "run each: what differs by less than two standard errors is not shown to differ.",
            "",
            f"- {datetime.date.today():%Y-%m-%d}, {machine()} (load {load():.1f} at the end), "
            f"Python {platform.python_version()}, NumPy {np.__version__}",
            *grid(head, [row(variant, found, cells) for variant in VARIANTS]),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the tables, NAME.csv.gz")
    options = parser.parse_args()
    if "OPENBLAS_CORETYPE" in os.environ:  # it is read when NumPy is imported
        command = [sys.executable, __file__, *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=environment(), check=False).returncode)
    folder = options.folder.resolve()
    small = [n for n in names() if sum(map(len, parts(folder, n, SPLITS[0])[:2])) <= ROWS]
    cells = [(name, split) for name in small for split in SPLITS]
    tasks = [(variant, cell) for cell in cells for variant in VARIANTS]
    found: Found = {}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for task, result in zip(tasks, pool.map(partial(measure, folder), tasks), strict=True):
            found[task] = result
            print(*task, *(f"{value:.4f}" for value in result), flush=True)
    text = report(found, cells)
    (HERE / "ABLATION.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
