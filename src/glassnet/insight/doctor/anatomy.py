"""The signals inside a network, read from its recorded program: sums, slopes, deltas.

No layer is known here. A line that multiplies something by a matrix of theta makes the sums z of
units; the lines that follow from z alone are their activation, run again a little to the left
and right for its slope; and the product that is written into that matrix's place in the gradient
has the deltas.
"""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.network import Network
from glassnet.program import Line, Program
from glassnet.rows import Rows
from glassnet.step import Variant
from glassnet.value import Value
from glassnet.vocabulary import Array
from glassnet.written import Written

NEAR = 1e-3  # how far to the left and right a slope is taken, for sums of about 1
FAR = 1e4  # where an activation shows whether it is bounded
# where the steepest slopes of the usual activations lie: some beside a corner at 0
GRID = np.concatenate([np.linspace(-8, 8, 65), [-0.002, 0.002]])


@dataclass(frozen=True, eq=False)
class Units:
    """The units behind one matrix of weights, in every row.

    Attributes
    ----------
    name, owner : str
        ``W1``, and ``1 Dense``.
    weights, gradient : array (inputs, units)
    sums : array (rows, units)
        What the units make their activation of.
    slopes : array (rows, units) or None
        Of the activation there, as a share of its steepest; None where there is none.
    bounded : bool
        Whether the activation is flat on both sides, as sigmoid and tanh are.
    deltas : array (rows, units) or None
        The derivative of the loss by the sums; None where the layer is frozen.
    """

    name: str
    owner: str
    weights: Array
    gradient: Array
    sums: Array
    slopes: Array | None
    bounded: bool
    deltas: Array | None


class Anatomy:
    """A network's signals on some rows, forward and backward.

    Attributes
    ----------
    program : Program
        Forward, loss and backward.
    units : list of Units
        In the order of the program.
    compared : set of int
        Columns of x that are only compared with numbers, as codes of categories are.
    normalised : bool
        Whether the first thing done to x is to bring its rows to a scale.
    finite : bool
        Whether every number is.

    Examples
    --------
    >>> import glassnet as gn
    >>> net = gn.Network([gn.Dense(3, "relu"), gn.Dense(1)], inputs=2, seed=0)
    >>> rows = Rows.of(net, [[1.0, 2.0], [0.0, 1.0]], [0.0, 1.0])
    >>> [(units.name, units.sums.shape) for units in Anatomy(net, rows).units]
    [('W1', (2, 3)), ('W2', (2, 1))]
    """

    def __init__(self, network: Network, rows: Rows) -> None:
        variant = Variant(len(rows), "gradient", weighted=rows.w is not None)
        self.program = network.recorded(variant)
        theta, arrays = network.theta.copy(), {"x": rows.X, "y": rows.y}
        if rows.w is not None:
            arrays["w"] = rows.w / rows.w.mean()
        arrays = {n: np.ascontiguousarray(array, network.dtype) for n, array in arrays.items()}
        arrays |= {"theta": theta, "gradient": np.zeros_like(theta)}
        self._written = Written(self.program, arrays, copy.deepcopy(network.generators[0]))
        with np.errstate(all="ignore"):
            finite = [bool(np.isfinite(array).all()) for _, array in self._written]
            self.finite = all(finite)
            self.gradient = network.layout.named(arrays["gradient"])
            self._made = {id(line.result): line for line in self.program.lines if not line.writes}
            self.units = [self._units(line) for line in self.program.lines if _multiplies(line)]
        self.compared = compared(self.program)
        self.normalised = any(
            line.function.kind == "reduce" and line.operands[0].root.name == "x"
            for line in self.program.lines
        )

    def _units(self, line: Line) -> Units:
        matrix, z = line.operands[1], line.result
        users = [each for each in self.program.lines if _uses(each, z)]
        if users and users[0].function.name == "add" and users[0].section == "forward":
            others = [each for each in users[0].operands if each is not z]
            if others and others[0].root.name == "theta":
                z = users[0].result
        activation = self._activation(z, line.owner)
        sums = self._written.array(z)
        slopes, bounded = None, False
        if activation:
            slopes = self._slope(activation, z, sums.astype(float))
            steepest = np.abs(self._slope(activation, z, self._along(GRID, sums))).max(axis=-2)
            slopes = np.abs(slopes) / np.where(steepest > 0, steepest, 1)
            ends = self._run(activation, z, self._along(np.array([-FAR, FAR]), sums))
            bounded = bool(np.abs(ends).max() < FAR / 100)
        delta = self._delta(matrix)
        deltas = None if delta is None else self._written.array(delta)
        name = str(matrix.name)
        weights = self._written.array(matrix)
        gradient = self.gradient[name]
        return Units(name, line.owner, weights, gradient, sums, slopes, bounded, deltas)

    def _activation(self, z: Value, owner: str) -> list[Line]:
        """Return the lines of a layer that follow from z alone, number by number."""
        lines, known = [], {id(z)}
        for line in self.program.lines:
            if line.section != "forward" or line.owner != owner or line.writes:
                continue
            if line.function.kind not in ("elementwise", "select", "cast"):
                continue
            from_z = any(id(each) in known for each in line.operands)
            if (
                from_z
                and line.result.shape == z.shape
                and all(
                    id(each) in known or each.root.kind == "constant" or each.root.name == "theta"
                    for each in line.operands
                )
            ):
                lines.append(line)
                known.add(id(line.result))
        return lines

    def _run(self, activation: list[Line], z: Value, at: Array) -> Array:
        """Return the activation of other sums."""
        values = {id(z): at}
        for line in activation:
            operands = [
                values[id(each)] if id(each) in values else self._written.array(each)
                for each in line.operands
            ]
            values[id(line.result)] = line.function.run(*operands, **line.keywords)
        return values[id(activation[-1].result)]

    def _slope(self, activation: list[Line], z: Value, at: Array) -> Array:
        step = NEAR * (1 + np.abs(at))
        right, left = (self._run(activation, z, at + sign * step) for sign in (1, -1))
        return (right - left) / (2 * step)

    def _along(self, line: Array, sums: Array) -> Array:
        return np.broadcast_to(line[:, None], (len(line), sums.shape[-1]))

    def _delta(self, matrix: Value) -> Value | None:
        """Return what the gradient of a matrix is a product with."""
        for line in self.program.lines:
            if not (line.writes and line.result.root.name == "gradient"):
                continue
            source = self._made.get(id(line.operands[0]))
            if line.result.offset == matrix.offset and source is not None:
                return source.operands[1] if source.function.kind == "matmul" else None
        return None


def _multiplies(line: Line) -> bool:
    """Whether a line multiplies something by a matrix of theta, going forward."""
    if line.function.kind != "matmul" or line.section != "forward":
        return False
    matrix = line.operands[1]
    return matrix.root.name == "theta" and matrix.name is not None


def _uses(line: Line, value: Value) -> bool:
    return any(each is value for each in line.operands)


def compared(program: Program) -> set[int]:
    """Return the columns of x that lines compare with numbers."""
    found: set[int] = set()
    x = program.inputs["x"]
    places = np.broadcast_to(np.arange(x.shape[-1]), x.shape)
    for line in program.lines:
        if line.section == "forward" and line.function.name == "equal":
            for each in line.operands:
                if each.root is x:
                    found |= {int(place) for place in np.unique(each.of(places))}
    return found


def mixing(program: Program, rows: int) -> Line | None:
    """Return the first line whose result has the rows on two axes, if there is one."""
    for line in program.lines:
        if not line.writes and list(line.result.shape).count(rows) > 1:
            return line
    return None


def describe(array: Any) -> str:
    """Return a number in three digits."""
    return f"{float(array):.3g}"
