"""The commands for tables: demo, train, predict."""

import csv
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from glassnet import demo as examples
from glassnet import terminal
from glassnet.cli import reports
from glassnet.cli.options import (
    ActivationName,
    BatchSize,
    Checkpoint,
    Compare,
    Data,
    Dropout,
    Epochs,
    File,
    JsonReport,
    JsonRows,
    Members,
    MetricName,
    Model,
    ModelFile,
    OptimizerName,
    Preset,
    Quiet,
    Rate,
    Seed,
    Target,
    TimeLimit,
    Units,
    as_options,
    settings_of,
)
from glassnet.csvfile import read_table
from glassnet.files.container import writable, write_whole
from glassnet.tabular import peers
from glassnet.tabular.model import load_model
from glassnet.tabular.report import Report
from glassnet.tabular.task import Course, Task


class KeptError(Exception):
    """Ctrl-C came, and there is a way to go on."""


def demo(seed: Seed = None) -> None:
    """Watch a network learn XOR, and then a real table.

    For example:

    - `glassnet demo`

    - `glassnet demo --seed 7` begins with other random weights
    """
    settings = settings_of(seed=seed, preset="quick")
    terminal.heading("1", "XOR: two inputs, two hidden neurons, one output")
    terminal.say(
        f"{examples.RESTARTS} networks start from random weights and train side by side for "
        f"{examples.EPOCHS} epochs each; the best one stays. One step of the training, as it is "
        "recorded from the layers' own code, and as it runs:\n"
    )
    network = examples.train_xor(settings.seed)
    terminal.show_program(network.program(rows=4, optimizer=examples.OPTIMIZER))
    terminal.show_truth(network, examples.XOR_X, examples.XOR_Y)

    terminal.heading("2", "A real table: which penguin is it?")
    path = examples.penguins()
    terminal.say(
        "344 penguins of the Palmer Archipelago, with gaps and text columns "
        "(Horst, Hill and Gorman 2020, CC0).\n"
    )
    task = Task.of(read_table(path), "species", settings)
    reports.show_task(task)
    course = _learn(task)
    reports.show_report(task, course, Report.of(task, course))

    terminal.heading("3", "What next")
    table = quote(terminal.near(path))
    terminal.suggest(f"train {table} --target species", "the same, and keep the network")
    terminal.suggest(f"predict penguins.safetensors {table}", "then let it predict")
    terminal.suggest("train --help", "your own table")


def train(
    data: Data,
    target: Target,
    preset: Preset = None,
    time_limit: TimeLimit = None,
    compare: Compare = False,
    members: Members = None,
    network: Units = None,
    activation: ActivationName = None,
    dropout: Dropout = None,
    metric: MetricName = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    optimizer: OptimizerName = None,
    rate: Rate = None,
    seed: Seed = None,
    checkpoint: Checkpoint = None,
    output: ModelFile = None,
    as_json: JsonReport = False,
    quiet: Quiet = False,
) -> None:
    """Train networks on a table, and write them to a model file.

    Columns may be numbers or text, with gaps. Text, and whole numbers with at most ten different
    values, are predicted as classes; other numbers as quantities. What became of each column is
    told. A fifth of the rows is held out, and says what the networks are worth, what they mix up,
    which columns matter, and whether their probabilities can be trusted. What is written has
    learned from the other four fifths.

    For example:

    - `glassnet train penguins.csv --target species`

    - `glassnet train sales.csv --target price --preset best --compare`

    - `glassnet train sales.parquet --target price --json > report.json`
    """
    terminal.quiet(quiet or as_json)
    settings = settings_of(
        preset=preset,
        time_limit=time_limit,
        metric=metric,
        members=members,
        network=network,
        activation=activation,
        dropout=dropout,
        optimizer=optimizer,
        rate=rate,
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
    )
    path = output or Path(f"{data.stem}.safetensors")
    _check_output(path, data)
    if compare:
        peers.needed()
    table = read_table(data)
    try:
        with as_options():
            task = Task.of(table, target, settings)
            reports.show_task(task)
            course = _learn(task, checkpoint, shown=not quiet)
        course.model.save(path)
        report = Report.of(task, course, peers.compare(task) if compare else ())
    except KeyboardInterrupt:
        if checkpoint is None:
            raise
        raise KeptError(f"stopped; the same command goes on with what is in {checkpoint}") from None
    reports.show_report(task, course, report)
    terminal.wrote(path)
    terminal.suggest(f"predict {quote(str(path))} OTHER.csv")
    if as_json:
        content = {**reports.to_json(task, course, report), "model": str(path)}
        print(json.dumps(content, indent=2, allow_nan=False))
    if course.model.ensemble.interrupted:
        raise KeyboardInterrupt  # as shells want to hear it


def _learn(task: Task, checkpoint: Path | None = None, shown: bool = True) -> Course:
    """Train a task's networks with a progress bar, and return how it went."""
    side = f"{task.recipe.members} networks side by side"
    with terminal.progress(task.epochs, shown) as bar:
        course = task.learn(lambda done, epochs: bar.report(done, side, epochs), checkpoint)
    for note in course.notes:
        terminal.tell(note)
    return course


def predict(model: Model, data: Data, output: File = None, as_json: JsonRows = False) -> None:
    """Predict every row of a table, as CSV or JSON.

    Columns are found by name; the target's need not be there. Classes come with their
    probabilities: the column `p(Adelie)` is the probability of the class Adelie.

    For example:

    - `glassnet predict penguins.safetensors new.csv`

    - `glassnet predict penguins.safetensors new.csv --output predictions.csv`

    - `glassnet predict penguins.safetensors new.parquet --json`
    """
    if output is not None:
        _check_output(output, model, data)
    learned = load_model(model)
    table = read_table(data)
    predictions = learned.predict(table)
    words = learned.target.decode(predictions)
    write = _as_json if as_json else _as_csv
    text = write(words, predictions, learned.target.classes)
    for note in table.notes:
        terminal.tell(note)
    if output is None:
        sys.stdout.write(text)
    else:
        write_whole(output, text.encode())


def _as_csv(words: Any, predictions: Any, classes: Sequence[str]) -> str:
    """Return predictions as CSV: the likeliest class and each one's probability, or a quantity."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["prediction", *(f"p({name})" for name in classes)])
    for word, row in zip(words, predictions, strict=True):
        cells = [f"{p:.6f}" for p in row] if classes else []
        writer.writerow([word if classes else f"{word:.10g}", *cells])
    return text.getvalue()


def _as_json(words: Any, predictions: Any, classes: Sequence[str]) -> str:
    """Return predictions as a JSON list of rows, one a line."""
    rows: list[dict[str, Any]] = []
    for word, row in zip(words, predictions, strict=True):
        if classes:
            shares = {name: float(p) for name, p in zip(classes, row, strict=True)}
            rows.append({"prediction": word, "probabilities": shares})
        else:
            rows.append({"prediction": float(f"{word:.10g}")})
    lines = (json.dumps(row, allow_nan=False) for row in rows)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _check_output(path: Path, *inputs: Path) -> None:
    """Refuse what cannot be written, before anybody waits for it, and what is read."""
    if writable(path) in [each.resolve() for each in inputs]:
        raise ValueError(f"{path}: expected another file to write than one that is read")
