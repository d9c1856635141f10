"""The command line: demo, train, predict. The one face of typer."""

import csv
import io
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from glassnet import demo as examples
from glassnet import terminal
from glassnet.activations import ACTIVATIONS
from glassnet.csvfile import read_table
from glassnet.files import writable, write_whole
from glassnet.history import DivergenceWarning
from glassnet.recipe import Course, Settings, Task, load_model, steppers

WRONG, STOPPED = 2, 130  # exit codes: bad input; interrupted, as shells count it
NETWORK, TRAINING, OUTPUT = "The network", "The training", "Output"  # panels of the help

app = typer.Typer(
    name="glassnet",
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


# ---- arguments and options -----------------------------------------------------------------------


def argument(metavar: str, text: str) -> Any:
    """Return an argument of a command."""
    return typer.Argument(metavar=metavar, help=text, show_default=False)


def option(panel: str | None, metavar: str, text: str, *names: str) -> Any:
    """Return an option in a panel of the help; if it has a default, the text tells it."""
    return typer.Option(
        *names, metavar=metavar, help=text, rich_help_panel=panel, show_default=False
    )


Data = Annotated[Path, argument("DATA", "A table: CSV with a header line, or Parquet.")]
Model = Annotated[Path, argument("MODEL", "A file that `glassnet train` wrote.")]
Target = Annotated[str, option(None, "NAME", "The column to predict.")]
# settings come as text, and as None if they are left out: `_settings` makes of them what they are
Units = Annotated[
    str | None,
    option(
        *(NETWORK, "UNITS"),
        "How many neurons each hidden layer has, or none: no hidden layer; if left out, "
        f"{','.join(map(str, Settings.network))}.",
    ),
]
ActivationName = Annotated[
    str | None,
    option(
        *(NETWORK, "NAME"),
        f"What a hidden neuron makes of its sum: {', '.join(ACTIVATIONS)}; if left out, "
        f"{Settings.activation}.",
    ),
]
Dropout = Annotated[
    str | None,
    option(
        *(NETWORK, "SHARE"),
        "Share of the hidden neurons that each step leaves out, against learning by heart: from 0 "
        f"to below 1; if left out, {Settings.dropout}.",
    ),
]
Epochs = Annotated[
    str | None,
    option(TRAINING, "N", "How often to go through the rows; if left out, 20 to 200 times."),
]
BatchSize = Annotated[
    str | None, option(TRAINING, "N", "How many rows a step looks at; if left out, 16 to 256.")
]
OptimizerName = Annotated[
    str | None,
    option(
        *(TRAINING, "NAME"),
        f"How weights follow the gradient: {', '.join(steppers())}; if left out, "
        f"{Settings.optimizer}.",
    ),
]
Rate = Annotated[
    str | None,
    option(
        *(TRAINING, "NUMBER"),
        "Learning rate: how far a step goes; if left out, as suits the optimizer.",
    ),
]
Seed = Annotated[
    str | None,
    option(
        *(TRAINING, "N"),
        "Where random numbers come from: the same seed, the same network; if left out, "
        f"{Settings.seed}.",
    ),
]
ModelFile = Annotated[
    Path | None,
    option(OUTPUT, "FILE", "The model file; if left out, DATA.safetensors in this folder."),
]
File = Annotated[Path | None, option(OUTPUT, "FILE", "Where to write; else to the terminal.")]
Report = Annotated[bool, option(OUTPUT, "", "Print one JSON object and nothing else.", "--json")]
JsonRows = Annotated[bool, option(OUTPUT, "", "A JSON list of rows instead of CSV.", "--json")]
Quiet = Annotated[bool, option(OUTPUT, "", "Print nothing.", "--quiet", "-q")]


# ---- running a command ---------------------------------------------------------------------------


def run(arguments: list[str]) -> int:
    """Run a command; whatever is wrong with its input becomes one sentence and an exit code."""
    terminal.quiet(False)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            code = app(arguments or ["--help"], prog_name="glassnet", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # whoever read our output has seen enough; what is still in the buffer must go nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (KeyboardInterrupt, typer.Abort):
        code = STOPPED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _complain(f"{where}{error.strerror or error}")
    except (ValueError, TypeError, MemoryError) as error:
        return _complain(error or "not enough memory")
    except ModuleNotFoundError as error:
        if error.name != "pyarrow":
            raise
        return _complain(error)
    except Exception as error:
        # typer's own complaints about options; what else comes here is our mistake
        if not hasattr(error, "format_message"):
            raise
        return _complain(error.format_message())
    if code == STOPPED:
        terminal.tell("stopped")
    return int(code or 0)


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    """Show a warning as `warnings.showwarning` would, in one line of ours."""
    terminal.tell(message)


def _complain(message: object) -> int:
    terminal.tell(message)
    return WRONG


# ---- the commands --------------------------------------------------------------------------------


@app.callback()
def glassnet() -> None:
    """Neural networks from scratch in NumPy, that you can see through and use at work.

    For example:

    - `glassnet demo` shows a network learn

    - `glassnet train sales.csv --target price` learns to predict that column

    - `glassnet predict sales.safetensors new.csv` predicts it for other rows

    - `glassnet train --help` tells more, and so does `--help` after any command
    """


@app.command()
def demo(seed: Seed = None) -> None:
    """Watch a network learn XOR, and then a real table.

    For example:

    - `glassnet demo`

    - `glassnet demo --seed 7` begins with other random weights
    """
    settings = _settings(seed=seed)
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
    terminal.show_task(task)
    terminal.show_scores(task, _learn(task))

    terminal.heading("3", "What next")
    table = quote(terminal.near(path))
    terminal.suggest(f"train {table} --target species", "the same, and keep the network")
    terminal.suggest(f"predict penguins.safetensors {table}", "then let it predict")
    terminal.suggest("train --help", "your own table")


@app.command()
def train(
    data: Data,
    target: Target,
    network: Units = None,
    activation: ActivationName = None,
    dropout: Dropout = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    optimizer: OptimizerName = None,
    rate: Rate = None,
    seed: Seed = None,
    output: ModelFile = None,
    as_json: Report = False,
    quiet: Quiet = False,
) -> None:
    """Train a network on a table, and write it to a model file.

    Columns may be numbers or text, with gaps. Text, and whole numbers with at most ten different
    values, are predicted as classes; other numbers as quantities. What became of each column is
    told, and so is what the network is worth on rows that it never saw.

    For example:

    - `glassnet train penguins.csv --target species`

    - `glassnet train sales.csv --target price --network 128,64 --epochs 50`

    - `glassnet train sales.parquet --target price --json > report.json`
    """
    terminal.quiet(quiet or as_json)
    settings = _settings(
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
    table = read_table(data)
    with _as_options():
        task = Task.of(table, target, settings)
    terminal.show_task(task)
    course = _learn(task, shown=not quiet)
    terminal.show_scores(task, course)
    task.save(path)
    terminal.wrote(path)
    terminal.suggest(f"predict {quote(str(path))} OTHER.csv")
    if as_json:
        report = {**task.report(course), "model": str(path)}
        print(json.dumps(report, indent=2, allow_nan=False))


def _settings(**texts: str | None) -> Settings:
    """Return the settings that options say."""
    given = {name: text for name, text in texts.items() if text is not None}
    with _as_options():
        return Settings(**{name: _read(name, text) for name, text in given.items()})


@contextmanager
def _as_options() -> Iterator[None]:
    """Let a complaint about a setting call it by the name that it has here."""
    try:
        yield
    except (ValueError, TypeError) as error:
        name, _, why = str(error).partition(": ")
        if name not in {field.name for field in fields(Settings)}:
            raise
        raise ValueError(f"--{name.replace('_', '-')}: {why}") from None


def _read(name: str, text: str) -> Any:
    """Return the value of a setting that an option gives as text."""
    kinds: dict[str, tuple[Callable[[str], Any], str]] = {
        "network": (_units, "the neurons of each hidden layer, as 64,64, or none"),
        **dict.fromkeys(("epochs", "batch_size", "seed"), (int, "a whole number")),
        **dict.fromkeys(("dropout", "rate"), (float, "a number")),
    }
    kind, expected = kinds.get(name, (str, "a name"))
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{name}: expected {expected}, got {text!r}") from None


def _units(text: str) -> tuple[int, ...]:
    return () if text.strip() == "none" else tuple(int(units) for units in text.split(","))


def _learn(task: Task, shown: bool = True) -> Course:
    """Train a task's network with a progress bar, and return how it went."""
    course = Course(task.epochs)
    with warnings.catch_warnings(), terminal.progress(task.epochs, shown) as bar:
        warnings.simplefilter("ignore", DivergenceWarning)  # the course tells it
        for epoch in task.train():
            course.add(epoch)
            unseen = f"on unseen rows {epoch.validation_loss:.4f}"
            bar.report(epoch.number, f"loss {epoch.loss:.4f}, {unseen}")
    if not course.best:
        rate = task.settings.rule().rate
        raise ValueError(f"--rate: expected one with which the loss stays finite, got {rate:g}")
    for note in course.notes:
        terminal.tell(note)
    return course


@app.command()
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
    network, columns = load_model(model)
    table = read_table(data)
    predictions = network.predict(columns.encode(table))
    words = columns.target.decode(predictions)
    write = _as_json if as_json else _as_csv
    text = write(words, predictions, columns.target.classes)
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
        writer.writerow([word if classes else f"{word:.7g}", *cells])
    return text.getvalue()


def _as_json(words: Any, predictions: Any, classes: Sequence[str]) -> str:
    """Return predictions as a JSON list of rows, one a line."""
    rows: list[dict[str, Any]] = []
    for word, row in zip(words, predictions, strict=True):
        if classes:
            # by way of text, so that no digit is written that float32 does not have
            shares = {name: float(str(p)) for name, p in zip(classes, row, strict=True)}
            rows.append({"prediction": word, "probabilities": shares})
        else:
            rows.append({"prediction": float(f"{word:.7g}")})
    lines = (json.dumps(row, allow_nan=False) for row in rows)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _check_output(path: Path, *inputs: Path) -> None:
    """Refuse what cannot be written, before anybody waits for it, and what is read."""
    if writable(path) in [each.resolve() for each in inputs]:
        raise ValueError(f"{path}: expected another file to write than one that is read")
