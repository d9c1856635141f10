"""The commands for seeing: trace and check."""

from ast import literal_eval
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from glassnet import terminal
from glassnet.cli.options import Model, argument, option
from glassnet.csvfile import Table, read_table
from glassnet.insight.referee.userfile import DATA
from glassnet.insight.referee.userfile import check as check_file
from glassnet.network import Network
from glassnet.tabular.model import Model as Learned
from glassnet.tabular.model import read_model
from glassnet.tabular.target import standardised
from glassnet.tabular.text import encode, finite, parse

Rows = Annotated[Path | None, argument("[DATA]", "A table, of which a row is traced.")]
Row = Annotated[int, option(None, "N", "Which row, counted from 1; if left out, the first.")]
Member = Annotated[
    int,
    option(
        *(None, "N"),
        "Which of the model's networks, counted from 1; if left out, the first.",
    ),
]
Digits = Annotated[
    int, option(None, "N", "Digits behind the point, 0 for all there are; if left out, 4.")
]
Lines = Annotated[bool, option(None, "", "Show the lines of a step, without numbers.", "--program")]
Target = Annotated[str, argument("FILE.py:CLASS", "Your file, and the class in it.")]
Rehearsal = Annotated[
    str,
    option(
        None,
        "NAME",
        f"What to try it on: {', '.join(DATA)}, or a CSV file of numbers, targets last.",
    ),
]
LossName = Annotated[
    str | None,
    option(
        *(None, "NAME"),
        "The loss it is meant to minimise: binary_cross_entropy, cross_entropy, squared_error, "
        "absolute_error; if left out, the one that it computes itself, or that suits.",
    ),
]
Arguments = Annotated[
    list[str] | None,
    option(
        None, "NAME=VALUE", "An argument of the class, where the guessed ones do not fit.", "--set"
    ),
]
Math = Annotated[bool, option(None, "", "Show them as mathematics.", "--math")]
Replayed = Annotated[bool, option(None, "", "Show them as they are replayed.", "--replayed")]


def trace(
    model: Model,
    data: Rows = None,
    row: Row = 1,
    member: Member = 1,
    digits: Digits = 4,
    program: Lines = False,
    math: Math = False,
    replayed: Replayed = False,
) -> None:
    """Follow a row through a network, line by line, with every number.

    Where the row has its target, it goes on: the loss, back through the layers, and a step of
    gradient descent. With --program only the lines are shown, with shapes in the place of numbers.
    A model is several networks, each with weights of its own, whose predictions are averaged: one
    of them is shown.

    For example:

    - `glassnet trace penguins.safetensors penguins.csv --row 3`

    - `glassnet trace penguins.safetensors --program`

    - `glassnet trace penguins.safetensors --program --math`
    """
    if data is None and not (program or math or replayed):
        raise ValueError("DATA: expected a table to take a row of, or --program, got neither")
    if row < 1:
        raise ValueError(f"--row: expected at least 1, got {row}")
    if digits < 0:
        raise ValueError(f"--digits: expected at least 0, got {digits}")
    network, learned = read_model(model)
    count = network.members or 1
    if not 1 <= member <= count:
        raise ValueError(f"--member: expected 1 to {count}, got {member}")
    if network.members is not None:
        network.keep(member - 1)
    if program or math or replayed:
        shown: object = network.program(rows=4, optimizer="sgd", math=math, replayed=replayed)
    else:
        assert data is not None
        table = read_table(data)
        if row > len(table.lines):
            raise ValueError(f"--row: expected 1 to {len(table.lines)}, got {row}")
        one = table.rows([row - 1])
        X, y = _bare(network, one) if learned is None else _inputs(learned, one)
        step = network.trace(X, y, optimizer="sgd") if y is not None else network.trace(X)
        shown = step.show(digits or None)
    if count > 1:
        terminal.say(f"network {member} of the {count} whose predictions are averaged")
    terminal.show(shown)


def check(
    target: Target,
    data: Rehearsal = "xor",
    loss: LossName = None,
    settings: Arguments = None,
) -> int:
    """Check a network that you wrote from scratch, and name its mistakes.

    Your file is run: it is your own code, and does what it does. The gradient that your class
    really uses is compared with differences of its loss; where they differ, the mistake is named,
    with the line of algebra and the fix. The exit code is 0 if all is right, else 1.

    For example:

    - `glassnet check mine.py:SimpleNeuralNetwork --data xor`

    - `glassnet check mine.py --data classes --loss cross_entropy`

    - `glassnet check mine.py:Net --set hidden_size=8`
    """
    rows = data if data in DATA else _numbers(read_table(Path(data)))
    given = dict(_setting(text) for text in settings or [])
    report = check_file(target, rows, loss, given)
    terminal.show(report)
    return 0 if report.right else 1


def _numbers(table: Table) -> tuple[Any, Any]:
    """Return the columns of a table as rows and, from the last one, targets."""
    columns = [parse(values) for values in table.columns.values()]
    if len(columns) < 2 or any(column is None or np.isnan(column).any() for column in columns):
        raise ValueError(f"{table.path}: expected two columns of numbers or more, without gaps")
    named = zip(table.columns, columns, strict=True)
    cells = np.column_stack([finite(name, np.asarray(column), table) for name, column in named])
    return cells[:, :-1], cells[:, -1:]


def _setting(text: str) -> tuple[str, Any]:
    name, found, value = text.partition("=")
    if not (found and name.isidentifier()):
        raise ValueError(f"--set: expected NAME=VALUE, got {text!r}")
    try:
        return name, literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def _inputs(learned: Learned, one: Table) -> tuple[Any, Any]:
    """Return a row as a model's networks get it, and its target, if it has one."""
    target, ensemble = learned.target, learned.ensemble
    y = None
    if target.name in one.columns and one.column(target.name)[0]:
        y = standardised(target.encode(one), ensemble.mean, ensemble.sd)
    return encode(learned.encoding, one), y


def _bare(network: Network, one: Table) -> tuple[Any, Any]:
    """Return a row of numbers as a network without a table gets it, and its targets."""
    numbers = [parse(values) for values in one.columns.values()]
    many = network.inputs + network.outputs
    if None in numbers or len(numbers) not in (network.inputs, many):
        raise ValueError(
            f"DATA: expected {network.inputs} columns of numbers, as many as the network has "
            f"inputs, or {many} with targets, got {len(numbers)} columns"
        )
    cells = np.column_stack([np.asarray(column) for column in numbers])
    y = cells[:, network.inputs :] if len(numbers) == many else None
    return cells[:, : network.inputs], y
