"""Arguments and options of the commands."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from glassnet.activations import ACTIVATIONS
from glassnet.tabular.defaults import PRESETS, Recipe
from glassnet.tabular.scores import OF_CLASSES, OF_QUANTITIES
from glassnet.tabular.task import Settings, steppers

NETWORK, TRAINING, OUTPUT = "The network", "The training", "Output"  # panels of the help


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
# settings come as text, and as None if they are left out: `settings_of` makes of them what they are
Preset = Annotated[
    str | None,
    option(
        *(None, "NAME"),
        f"How thorough: {', '.join(PRESETS)}, with "
        f"{', '.join(str(each.members) for each in PRESETS.values())} networks and half, once or "
        f"one and a half times the epochs; if left out, {Settings.preset}.",
    ),
]
TimeLimit = Annotated[
    str | None,
    option(None, "SECONDS", "How long to learn; fewer epochs are planned where that is short."),
]
Compare = Annotated[
    bool,
    option(
        None,
        "",
        "Let scikit-learn's estimators learn the same rows, too; needs glassnet[sklearn].",
        "--compare",
    ),
]
Members = Annotated[
    str | None,
    option(NETWORK, "N", "How many networks, whose predictions are averaged; else the preset's."),
]
Units = Annotated[
    str | None,
    option(
        *(NETWORK, "UNITS"),
        "How many neurons each hidden layer has, or none: no hidden layer; if left out, "
        f"{','.join(map(str, Recipe().units(2)))}, and for a quantity with --preset best twice as "
        "many.",
    ),
]
ActivationName = Annotated[
    str | None,
    option(
        *(NETWORK, "NAME"),
        f"What a hidden neuron makes of its sum: {', '.join(ACTIVATIONS)}; if left out, relu.",
    ),
]
Dropout = Annotated[
    str | None,
    option(
        *(NETWORK, "SHARE"),
        "Share of the hidden neurons that each step leaves out, against learning by heart: from 0 "
        "to below 1; if left out, 0.",
    ),
]
MetricName = Annotated[
    str | None,
    option(
        *(TRAINING, "NAME"),
        f"What epochs are chosen by: {', '.join(OF_CLASSES)} for classes, "
        f"{', '.join(OF_QUANTITIES)} for a quantity; if left out, error, and the last epoch.",
    ),
]
Epochs = Annotated[
    str | None,
    option(TRAINING, "N", "How often to go through the rows; if left out, 12 to 96 times."),
]
BatchSize = Annotated[
    str | None, option(TRAINING, "N", "How many rows a step looks at; if left out, 32 to 512.")
]
OptimizerName = Annotated[
    str | None,
    option(
        *(TRAINING, "NAME"),
        f"How weights follow the gradient: {', '.join(steppers())}; if left out, "
        f"{Recipe.optimizer}.",
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
Checkpoint = Annotated[
    Path | None,
    option(
        *(TRAINING, "FOLDER"),
        "Where to keep how far the training is: stopped at any moment, the same command goes on "
        "from there, and learns the same.",
    ),
]
ModelFile = Annotated[
    Path | None,
    option(OUTPUT, "FILE", "The model file; if left out, DATA.safetensors in this folder."),
]
File = Annotated[Path | None, option(OUTPUT, "FILE", "Where to write; else to the terminal.")]
JsonReport = Annotated[
    bool, option(OUTPUT, "", "Print one JSON object and nothing else.", "--json")
]
JsonRows = Annotated[bool, option(OUTPUT, "", "A JSON list of rows instead of CSV.", "--json")]
Quiet = Annotated[bool, option(OUTPUT, "", "Print nothing.", "--quiet", "-q")]


# ---- settings ------------------------------------------------------------------------------------


def settings_of(**texts: str | None) -> Settings:
    """Return the settings that options say."""
    given = {name: text for name, text in texts.items() if text is not None}
    with as_options():
        return Settings(**{name: _read(name, text) for name, text in given.items()})


@contextmanager
def as_options() -> Iterator[None]:
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
        **dict.fromkeys(("members", "epochs", "batch_size", "seed"), (int, "a whole number")),
        **dict.fromkeys(("dropout", "rate", "time_limit"), (float, "a number")),
    }
    kind, expected = kinds.get(name, (str, "a name"))
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{name}: expected {expected}, got {text!r}") from None


def _units(text: str) -> tuple[int, ...]:
    return () if text.strip() == "none" else tuple(int(units) for units in text.split(","))
