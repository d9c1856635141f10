"""A trace: one step of a network, line by line, with every number.

The lines are those of the recorded program, run as they are written: the same bits as the replay
that trains. Nothing here knows a layer.
"""

import copy
from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.layers import Dense
from glassnet.listing import Row, Writer, rows
from glassnet.network import Network
from glassnet.plan import planned
from glassnet.program import Program
from glassnet.rows import Rows
from glassnet.run import Run
from glassnet.step import Variant
from glassnet.summary import Text
from glassnet.vocabulary import Array
from glassnet.written import Written

MOST_ROWS, MOST_COLUMNS = 8, 10  # of one array in print


@dataclass(frozen=True, eq=False)
class Entry:
    """A line that was run, and what it made.

    Attributes
    ----------
    number : int
        Its place among the printed lines, from 1.
    row : Row
        The line in print, with its section, owner and source.
    name : str
        What it makes: ``z1``, or ``dW1``.
    value : array
        A copy of that.
    """

    number: int
    row: Row
    name: str
    value: Array

    def show(self, digits: int | None = 4) -> Text:
        """Return the line and its value, with so many digits behind the point (None: all)."""
        _check(digits)
        sign, lines = figures(self.value, digits)
        return Text("\n".join([f"{self.number:4d}  {self.row.text} {sign}", *lines]))

    def __repr__(self) -> str:
        return str(self.show())


class Trace:
    """One step of a network, line by line, with every number; made by `Network.trace`.

    Attributes
    ----------
    entries : list of Entry
        Every printed line with its value, in the order in which they ran.
    before, after : dict of str to array
        The weights before and after the step.
    gradient : array (P,)
        The derivatives by all weights, dW1, db1, ..., one after another.
    state : dict of str to array
        What the optimizer remembers after the step.
    loss : float or None
        The loss of the step; None without targets.

    Examples
    --------
    >>> import glassnet as gn
    >>> net = gn.Network([gn.Dense(1)], inputs=2, loss="binary_cross_entropy", dtype="float64")
    >>> net.weights = {"W1": [[0.5], [-0.3]], "b1": [[0.1]]}
    >>> trace = net.trace([[1.0, 0.0]], [1.0], optimizer="sgd")
    >>> trace["z1"], trace["prediction"].round(4), round(trace.loss, 4)
    (array([[0.6]]), array([[0.6457]]), 0.4375)
    >>> trace.neuron(1, 1)
    o1: z = 0.5*1 + (-0.3)*0 + 0.1 = 0.6
    """

    def __init__(
        self, network: Network, X: Any, y: Any = None, sample_weight: Any = None, **how: Any
    ) -> None:
        self._setting = _Setting(network, X, y, sample_weight, how)
        self.program = self._setting.program
        self.inputs = {name: array.copy() for name, array in self._setting.arrays.items()}
        self.before = self._setting.weights()
        self.entries = list(self._setting.run())
        self.after = self._setting.weights()
        self.gradient = self._setting.arrays.get("gradient", np.empty(0)).copy()
        self.state = {name: self._setting.arrays[name].copy() for name in self._setting.state}
        self._values = {**self.inputs, **self.before} | {e.name: e.value for e in self.entries}
        for name, value in self.program.outputs.items():
            if value.name in self._values:  # a loss may have another name in its own code
                self._values.setdefault(name, self._values[value.name])

    @property
    def loss(self) -> float | None:
        """The loss of the step."""
        return float(self._values["loss"]) if "loss" in self._values else None

    @property
    def forward(self) -> list[Entry]:
        """The lines of the forward pass."""
        return self._section("forward")

    @property
    def backward(self) -> list[Entry]:
        """The lines of the backward pass."""
        return self._section("backward")

    @property
    def update(self) -> list[Entry]:
        """The lines of the optimizer."""
        return self._section("update")

    def _section(self, name: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.row.section == name]

    def __getitem__(self, name: str) -> Array:
        if name not in self._values:
            raise KeyError(f"trace: expected one of {', '.join(self._values)}, got {name!r}")
        return self._values[name]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def contributions(self, name: str) -> Array:
        """Return each row's gradient of a weight, (rows, ...): their mean is the batch's.

        Where rows have weights it is the mean that counts them.

        Parameters
        ----------
        name : str
            Of a weight: ``W1``.

        Examples
        --------
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], inputs=1, dtype="float64", seed=0)
        >>> trace = net.trace([[1.0], [3.0]], [0.0, 0.0])
        >>> np.allclose(trace.contributions("W1").mean(axis=0), trace["dW1"])
        True
        """
        checks.one_of("name", name, self.before)
        if "y" not in self.inputs:
            raise ValueError("contributions: expected a trace with targets, got one without")
        return self._setting.contributions(name)

    def neuron(self, layer: int, unit: int, row: int = 1, digits: int | None = 4) -> Text:
        """Return the formula of one neuron of a Dense layer with its numbers plugged in.

        Parameters
        ----------
        layer, unit, row : int
            Positions, counted from 1.
        digits : int or None
            How many behind the point; None shows all. An equation holds for the digits that it
            shows, or has the sign for nearly equal.
        """
        _check(digits)
        layers = self._setting.network.layers
        for what, number, most in (("layer", layer, len(layers)), ("row", row, len(self["x"]))):
            if checks.whole(what, number) > most:
                raise ValueError(f"{what}: expected 1 to {most}, got {number}")
        dense = layers[layer - 1]
        if not isinstance(dense, Dense):
            raise ValueError(f"layer: expected a Dense layer, got {dense!r} as number {layer}")
        if checks.whole("unit", unit) > dense.units:
            raise ValueError(f"unit: expected 1 to {dense.units}, got {unit}")
        x = self[self._setting.feeds(layer)][row - 1]
        weights, bias = self[f"W{layer}"][:, unit - 1], self[f"b{layer}"][0, unit - 1]
        z = self[f"z{layer}"][row - 1, unit - 1]
        last = layer == len(layers)
        text = f"{'o' if last else 'h'}{unit}: z = {_sum(x, weights, bias, z, digits)}"
        if f"a{layer}" in self._values:
            a, shown = self[f"a{layer}"][row - 1, unit - 1], _number(z, digits)
            again = float(dense.activation.f(np.array([float(shown)]))[0])
            alike = _number(again, digits) == _number(a, digits)
            name = type(dense.activation).__name__.lower()
            text += f"; a = {name}({shown}) {'=' if alike else '≈'} {_number(a, digits)}"
        return Text(text)

    def show(self, digits: int | None = 4) -> Text:
        """Return everything as text, with so many digits behind the point (None: all).

        An equals sign says that the digits shown are all there are; ≈ that they are rounded.
        """
        _check(digits)
        parts = ["inputs"]
        rows = [name for name in ("x", "y", "w") if name in self.inputs]
        others = [n for n in self.inputs if n not in (*rows, "theta", "gradient")]
        parts += [_titled(name, self.inputs[name], digits) for name in (*rows, *others)]
        parts += [_titled(name, value, digits) for name, value in self.before.items()]
        section = ""
        for entry in self.entries:
            if entry.row.section != section:
                section = entry.row.section
                parts.append(f"\n{section}")
                if section == "update":
                    parts.append(_titled("gradient", self.gradient, digits))
            parts.append(entry.show(digits))
        if self._section("update"):
            parts.append("\nafter the update")
            for name, value in self.after.items():
                parts.append(_titled(name, value, digits))
            parts += [_titled(name, value, digits) for name, value in self.state.items()]
        return Text("\n".join(parts))

    def __str__(self) -> str:
        return str(self.show())

    __repr__ = __str__


class _Setting:
    """A copy of a network, with the rows and the program of one step."""

    state: tuple[str, ...] = ()

    def __init__(
        self, network: Network, X: Any, y: Any, sample_weight: Any, how: dict[str, Any]
    ) -> None:
        if network.members is not None:
            raise ValueError(f"trace: expected one network, got {network.members} members")
        self.network = copy.deepcopy(network)
        self._theta = self.network.theta.copy()
        self._quieten: Callable[[], object]
        if y is None:
            self._quieten = partial(np.seterr, all="ignore")
            x = checks.dense(checks.matrix("X", X, network.inputs))
            self._variant = Variant(len(x), "predict")
            self.arrays = {"x": np.ascontiguousarray(x, network.dtype), "theta": self.network.theta}
        else:
            teaching = Rows.of(self.network, X, y, sample_weight)
            plan = planned({**how, "batch_size": None})
            run = Run(self.network, teaching, plan, 1)
            self.state, self._quieten = run.rule.state, run.quieten
            run.scalars["rate"][...] = run.rate
            for name, number in (run.rule.corrections(1) | run.changing(0, 1)).items():
                run.scalars[name][...] = number
            self.arrays = {**run.tables, **run.shared, **run.scalars}
            self._variant = plan.variant(len(teaching), "train", teaching.w is not None, own=False)
        self.program = self.network.recorded(self._variant)
        self.arrays = {name: self.arrays[name] for name in self.program.inputs}
        self._draws = copy.deepcopy(self.network.generators[0])

    def weights(self) -> dict[str, Array]:
        """Return copies of the weights as they are now."""
        return {name: view.copy() for name, view in self.network.weights.items()}

    def run(self) -> Iterator[Entry]:
        """Run the lines as written, and yield each printed one with a copy of its value."""
        writer = Writer(self.program.lines, self.program.outputs.values())
        printed = iter(zip(writer.statements, rows(self.program), strict=True))
        statement, row = next(printed)
        number = 1
        own = copy_context()  # who pauses between two lines keeps NumPy's warnings as they were
        own.run(self._quieten)
        steps = iter(Written(self.program, self.arrays, self.network.rng))
        while done := own.run(next, steps, None):
            line, value = done
            if line is not statement.line:
                continue
            name = statement.target.removesuffix("[...]")
            yield Entry(number, row, name, value.copy())
            number += 1
            statement, row = next(printed, (statement, row))

    def feeds(self, layer: int) -> str:
        """Return what a Dense layer multiplies by its weights, by name."""
        writer = Writer(self.program.lines, self.program.outputs.values())
        for line in self.program.lines:
            if line.function.kind == "matmul" and line.owner.split(" ")[0] == str(layer):
                return writer.spell(line.operands[0])[0]
        raise AssertionError("a Dense layer without a product")

    def contributions(self, name: str) -> Array:
        """Return the gradient of a weight from each row alone, with the same random draws."""
        n = self._variant.rows
        variant = Variant(n, "gradient", weighted=True)  # without a penalty, which no row has
        replay = self.network.replay(variant, ("gradient",))
        w, gradient = np.zeros((n, 1), self.network.dtype), np.zeros_like(self.arrays["gradient"])
        arrays = {**self.arrays, "w": w, "gradient": gradient, "theta": self._theta}
        parts = []
        with np.errstate():
            self._quieten()
            for row in range(n):
                w[...] = 0
                w[row] = 1
                replay.bind(copy.deepcopy(self._draws), **arrays)
                replay()
                parts.append(self.network.layout.named(gradient)[name].copy())
        return np.stack(parts)


def stepping(network: Network, X: Any, y: Any, how: dict[str, Any]) -> tuple[Program, Any]:
    """Return a program and an iterator that runs its next line on these rows."""
    setting = _Setting(network, X, y, None, how)
    return setting.program, setting.run()


def _check(digits: int | None) -> None:
    if digits is not None:
        checks.whole("digits", digits)


def figures(array: Array, digits: int | None) -> tuple[str, list[str]]:
    """Return = or ≈, and an array in print: as a table of at most a few rows and columns."""
    table = np.atleast_2d(array.reshape(-1, array.shape[-1]) if array.ndim > 2 else array)
    part = table[:MOST_ROWS, :MOST_COLUMNS]
    cells = [[_number(number, digits, trim=False) for number in row] for row in part]
    texts, numbers = [cell for row in cells for cell in row], part.ravel()
    exact = all(float(text) == float(n) for text, n in zip(texts, numbers, strict=True))
    if all("." in text and "e" not in text for text in texts):
        spare = min((len(text) - len(text.rstrip("0")) for text in texts), default=0)
        cells = [[cell[: len(cell) - spare].rstrip(".") for cell in row] for row in cells]
    wide = max((len(cell) for row in cells for cell in row), default=0)
    more = " ..." if table.shape[1] > MOST_COLUMNS else ""
    lines = ["      " + "  ".join(f"{cell:>{wide}}" for cell in row) + more for row in cells]
    if len(table) > MOST_ROWS:
        lines.append(f"      ... {len(table) - MOST_ROWS} more rows")
    return "=" if exact else "≈", lines


def _titled(name: str, array: Array, digits: int | None) -> str:
    sign, lines = figures(array, digits)
    return "\n".join([f"      {name} {array.shape} {sign}", *lines])


def _number(number: Any, digits: int | None, trim: bool = True) -> str:
    """Return a number with so many digits behind the point, or, if it is tiny or huge, in all."""
    number = float(number) + 0.0  # which makes 0 of -0
    if digits is None:
        return repr(number)
    if number and not 10.0**-digits <= abs(number) < 1e7:
        return f"{number:.{digits}g}"
    text = f"{number:.{digits}f}"
    return text.rstrip("0").rstrip(".") if trim and "." in text else text


def _sum(x: Array, weights: Array, bias: Any, z: Any, digits: int | None) -> str:
    """Return w1*x1 + ... + b = z, and the sign that holds for the digits shown."""
    pairs = [(_number(w, digits), _number(v, digits)) for w, v in zip(weights, x, strict=True)]
    last, shown = _number(bias, digits), _number(z, digits)
    total = sum(Decimal(w) * Decimal(v) for w, v in pairs) + Decimal(last)
    if digits is None:
        alike = float(total) == z
    else:
        # half a unit of the last place: of the digits asked for, or of those of a tiny number
        exponent = Decimal(shown).as_tuple().exponent
        place = int(exponent) if "e" in shown else -digits
        alike = abs(total - Decimal(shown)) <= Decimal(10) ** place / 2
    terms = [f"{_signed(w)}*{v if not v.startswith('-') else f'({v})'}" for w, v in pairs]
    if len(terms) > MOST_COLUMNS:
        terms[MOST_COLUMNS - 1 :] = [f"... ({len(terms) - MOST_COLUMNS + 1} more)"]
    return f"{' + '.join([*terms, _signed(last)])} {'=' if alike else '≈'} {shown}"


def _signed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text
