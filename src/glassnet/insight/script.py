"""A network as a Python program of its own: plain NumPy, and the same digits.

The program's lines are written down as Python (`glassnet.insight.code`), with the data and the
weights around them and the loop that trains. Nothing here knows a layer.
"""

import copy
import re
import textwrap
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.files.container import write_whole
from glassnet.insight.code import Code, RowsError, code
from glassnet.insight.loops import lbfgs_loop, training_loop
from glassnet.network import Network
from glassnet.optimizers import LBFGS
from glassnet.plan import Plan
from glassnet.rows import Rows
from glassnet.run import Run
from glassnet.step import Variant, named
from glassnet.summary import Text
from glassnet.training import EPOCHS, prepare
from glassnet.vocabulary import Array

MOST_NUMBERS = 5_000  # of one array that is written into the script; more go into a file beside it


def to_script(
    network: Network,
    path: str | PathLike[str],
    X: Any,
    y: Any = None,
    *,
    epochs: int = EPOCHS,
    every: int = 1,
    sample_weight: Any = None,
    class_weight: Any = None,
    **how: Any,
) -> Text:
    """Write the script; `Network.to_script` tells the options."""
    if network.members is not None:
        raise ValueError(f"to_script: expected one network, got {network.members} members")
    checks.whole("epochs", epochs)
    checks.whole("every", every)
    network, target, known = copy.deepcopy(network), Path(path), dict[str, Array]()
    x = np.ascontiguousarray(checks.dense(checks.matrix("X", X, network.inputs)), network.dtype)
    predicted = "X"
    if y is None:
        what, tables, training = "predicts", {"X": x}, []
    else:
        weights = {"sample_weight": sample_weight, "class_weight": class_weight}
        plan, rows, _, _ = prepare(network, x, y, **weights, **how)
        what = f"trains with {plan.optimizer!r}, then predicts"
        taught = np.ascontiguousarray(checks.dense(rows.X), network.dtype)
        tables = {"X": taught, "y": rows.y.astype(network.dtype)}
        if len(rows) < len(x):  # rows of weight 0 teach nothing
            tables["every_row"], predicted = x, "every_row"
        if rows.w is not None:
            tables["w"] = (rows.w / rows.w.mean()).astype(network.dtype)
        training = _training(network, rows, plan, epochs, every, known)
    one, two = (Variant(len(x) + more, "predict") for more in (0, 1))
    predicting = _function(network, "predict", one, two, known)
    beside = {name: table for name, table in tables.items() if table.size > MOST_NUMBERS}
    if network.theta.size > MOST_NUMBERS:
        beside["theta"] = network.theta
    blocks = [
        _head(network, what, bool(beside)),
        _data(tables, beside, target),
        _weights(network, beside),
        *training[:-1],
        *predicting,
        *training[-1:],
        f"print(predict({predicted}).tolist())",
    ]
    text = Text(_joined(blocks))
    if beside:
        np.savez(target.with_suffix(".npz"), **beside)  # type: ignore[arg-type]
    write_whole(target, text.encode())
    return text


def _joined(blocks: list[str]) -> str:
    """Return the blocks as a program: helpers once, and room around functions."""
    text = ""
    for block in dict.fromkeys(block for block in blocks if block):
        room = "def " in (block[:4], text.rsplit("\n\n\n", 1)[-1][:4])
        text += ("\n\n\n" if room else "\n\n") * bool(text) + block
    return text + "\n"


def _head(network: Network, what: str, beside: bool) -> str:
    layers = "\n".join(f"    {k}  {layer!r}" for k, layer in enumerate(network.layers, 1))
    about = textwrap.fill(
        f"and the loss {network.loss!r}. Run it: it {what}, and needs nothing but NumPy. Every "
        "line was recorded from the network that glassnet runs, and gives the same digits.",
        96,
    )
    places = "from pathlib import Path\n\n" if beside else ""
    return (
        f'"""A neural network in plain NumPy: {network.inputs} inputs, the layers\n\n{layers}\n\n'
        f'{about}\n"""\n\n{places}import numpy as np'
    )


def _data(tables: dict[str, Array], beside: dict[str, Array], target: Path) -> str:
    about = {
        "X": "one row for each sample",
        "y": "what should come out",
        "w": "how much rows count",
        "every_row": "those of weight 0 too, to predict",
    }
    lines = ["# ---- the data " + "-" * 60]
    if beside:
        lines.append(f'beside = np.load(Path(__file__).with_name("{target.stem}.npz"))')
    for name, table in tables.items():
        lines.append(f"{name} = {literal(name, table, beside)}  # {table.shape}: {about[name]}")
    return "\n".join(lines)


def _weights(network: Network, beside: dict[str, Array]) -> str:
    return "\n".join(
        [
            "# ---- the weights " + "-" * 57,
            "# one vector holds them all; each name is a window onto its part",
            f"theta = {literal('theta', network.theta, beside)}",
            *windows(network, "theta", ""),
        ]
    )


def windows(network: Network, vector: str, prefix: str) -> list[str]:
    """Return the lines that name the parts of a flat vector."""
    lines = []
    for number, places in enumerate(network.layout.places, 1):
        for name, (start, stop, parameter) in named(places, number, prefix).items():
            lines.append(f"{name} = {vector}[{start}:{stop}].reshape{parameter.shape}")
    return lines


def literal(name: str, array: Array, beside: dict[str, Array]) -> str:
    """Return an array as Python, to the last digit."""
    if name in beside:
        return f'beside["{name}"]'
    if array.ndim == 1 and array.size > 8:
        starts = [0, *(np.flatnonzero(np.diff(array)) + 1)]
        if len(starts) <= 8:  # a few numbers, each many times
            values, counts = array[starts], np.diff([*starts, array.size])
            return f"np.repeat({literal(name, values, {})}, {counts.tolist()})"
    digits = np.array2string(
        array,
        separator=", ",
        threshold=array.size + 1,
        max_line_width=92,
        formatter={"float_kind": str},
    )
    if "\n" not in digits:
        return f'np.array({digits}, "{array.dtype}")'
    inner = textwrap.indent(re.sub(r"\n +", "\n", digits[1:-1]), "        ").replace("],,", "],")
    return f'np.array(\n    [\n{inner},\n    ],\n    "{array.dtype}",\n)'


def _training(
    network: Network, rows: Rows, plan: Plan, epochs: int, every: int, known: dict[str, Array]
) -> list[str]:
    """Return the blocks that train: what is remembered, the step, the loop."""
    gradient = ["# ---- the derivative of the loss by each weight, laid out alike " + "-" * 11,
                "gradient = np.zeros_like(theta)", *windows(network, "gradient", "d")]  # fmt: skip
    weighted = rows.w is not None
    if isinstance(plan.optimizer, LBFGS):
        one = plan.variant(len(rows), "gradient", weighted, own=False)
        step = _function(network, "train_step", one, replace(one, rows=one.rows + 1), known)
        return ["\n".join(gradient), _inputs(network, one, plan.vectors(network)), *step,
                lbfgs_loop(plan.optimizer, weighted, epochs, every)]  # fmt: skip
    run = Run(network, rows, plan, epochs)
    sizes = sorted(run.with_loss, reverse=True)
    other = sizes[1] if len(sizes) > 1 else sizes[0] + 1
    one = plan.variant(sizes[0], "train", weighted, own=False)
    inputs = {
        name: array for name, array in run.shared.items() if name not in ("theta", "gradient")
    }
    inputs |= run.scalars | {"rate": np.array(run.rate, network.dtype)}
    draws = not run.whole and plan.shuffle
    draws = draws or any(line.function.kind == "random" for line in network.recorded(one).lines)
    two = replace(one, rows=other)
    step = _function(network, "train_step", one, two, known, both=len(sizes) > 1)
    return [
        "\n".join(gradient),
        _inputs(network, one, inputs),
        _generator(network) if draws else "",
        *step,
        training_loop(run, epochs, every, two=sum("def train_step" in block for block in step) > 1),
    ]


def _inputs(network: Network, variant: Variant, arrays: dict[str, Array]) -> str:
    """Return the lines that make what the step finds besides rows and weights."""
    lines = []
    for name in network.step(variant).inputs(network.inputs, network.dtype):
        if name in ("x", "y", "w", "theta", "gradient"):
            continue
        array = arrays[name]
        if array.ndim and not array.any():
            lines.append(f"{name} = np.zeros_like(theta)")
        else:
            lines.append(f"{name} = {literal(name, array, {})}")
    if not lines:
        return ""
    return "\n".join(["# ---- what the step finds besides " + "-" * 41, *lines])


def _generator(network: Network) -> str:
    state = network.generators[0].bit_generator.state
    return (
        "# ---- random numbers, from where the network's own generator stands "
        + "-" * 7
        + f"\nrng = np.random.{state['bit_generator']}()\nrng.state = {state!r}"
        + "\nrng = np.random.Generator(rng)"
    )


def _function(
    network: Network,
    name: str,
    variant: Variant,
    other: Variant,
    known: dict[str, Array],
    both: bool = False,
) -> list[str]:
    """Return the blocks of a step as a function, or as one for each number of rows."""
    one, two = network.recorded(variant), network.recorded(other)
    try:
        return _written(network, name, variant, code(one, two, known=known))
    except RowsError:
        blocks = _written(network, f"{name}_{variant.rows}", variant, code(one, one, known=known))
        if both:
            blocks += _written(network, f"{name}_{other.rows}", other, code(two, two, known=known))
        else:
            blocks.append(f"{name} = {name}_{variant.rows}")
        return blocks


def _written(network: Network, name: str, variant: Variant, made: Code) -> list[str]:
    """Return helpers, constants and the function that runs the statements."""
    about = {
        "predict": "Return the predictions of these rows.",
        "gradient": "Fill in the gradient on these rows; return the loss.",
        "train": "Learn from these rows: one step of training. Return the loss.",
    }[variant.mode]
    constants = [f"{n} = {literal(n, array, {})}" for n, array in made.constants.items()]
    names = [
        "x",
        *(["y"] if variant.mode != "predict" else []),
        *(["w"] if variant.weighted else []),
    ]
    lines = [f"def {name}({', '.join(names)}):", f'    """{about}"""']
    body = [(each.line, str(each)) for each in made.statements]
    if any(re.search(r"\bshare\b", text) for _, text in body):
        lines.append("    share = 1 / len(x)  # of each row in the mean")
    wide = min(max((len(text) for _, text in body), default=0), 70)
    place = ("", "")
    for line, text in body:
        if (line.section, line.owner) != place:
            place = (line.section, line.owner)
            heading = _heading(network, variant, *place)
            lines += textwrap.wrap(
                heading, 96, initial_indent="    # ", subsequent_indent="    #     "
            )
        lines.append(f"    {text:<{wide}}  # {made.shapes[id(line.result)]}")
    lines.append(f"    return {made.result}")
    return [*made.functions.values(), "\n".join(constants), "\n".join(lines)]


def _heading(network: Network, variant: Variant, section: str, owner: str) -> str:
    """Return what stands above the lines of a layer, a loss or an optimizer."""
    number, _, _ = owner.partition(" ")
    if number.isdigit():
        layer = network.layers[int(number) - 1]
        if section == "forward":
            return f"layer {number}, {layer!r}: {_about(layer)}"
        return f"back through layer {number}, {layer!r}"
    known = {
        ("loss", "L2"): "the penalty: half of each squared weight, times its l2",
        ("backward", "L2"): "the derivative of the penalty",
        ("update", "clip"): "a gradient that is longer than `longest` is shortened to it",
        ("forward", owner): "what the scores mean as a prediction",
        ("loss", owner): f"the loss, {network.loss!r}: {_about(network.loss)}",
        ("backward", owner): "backward: the derivative of the loss by the scores",
        ("update", owner): f"update, {variant.rule!r}: {_about(variant.rule)}",
    }
    return known[section, owner]


def _about(part: Any) -> str:
    """Return the first sentence of a part's documentation."""
    return (type(part).__doc__ or "").strip().split("\n")[0].rstrip(".")
