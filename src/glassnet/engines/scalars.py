"""The finest grain: every element of every array is a local variable of the compiled function.

For networks as small as XOR's: nothing is loaded or stored in a step, and no loop is left.
"""

from typing import Any

import numpy as np

from glassnet.engines.lines import Lines, axes, combined, drawn
from glassnet.planner import Call
from glassnet.value import Value
from glassnet.vocabulary import Array


class Scalars:
    """A step written out, element by element.

    Attributes
    ----------
    body : list of (bool, str)
        The statements of a step, and whether only the loss needs them.
    """

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self._cells: dict[int, Array] = {}
        self.body = [
            (id(call) in lines.optional, f"{target} = {text}")
            for call in lines.calls
            for target, text in self._statements(call)
        ]

    def cells(self, value: Value) -> Array:
        """Return the names of a value's elements, in its shape."""
        root = value.root
        if id(root) not in self._cells:
            name = self.lines.name(root)
            if self.lines.number(root):
                names: Any = np.full(root.shape, name, object)
            else:
                names = np.empty(root.shape, object)
                for place in np.ndindex(root.shape):
                    names[place] = "__".join([name, "_".join(map(str, place))]) if place else name
            self._cells[id(root)] = names
        return value.of(self._cells[id(root)])

    def _statements(self, call: Call) -> list[tuple[str, str]]:
        kind, out = call.line.function.kind, self.cells(call.out)
        parts = [self.cells(operand) for operand in call.operands]
        if kind == "matmul":
            return _product(out, *parts)
        if kind == "reduce":
            return _reduction(call, out, parts[0])
        if kind == "join":
            whole = np.concatenate(parts, call.line.keywords["axis"])
            return list(zip(out.flat, whole.flat, strict=True))
        if kind == "random":
            return [(target, drawn(call)) for target in out.flat]
        flat = [np.broadcast_to(part, out.shape).flat for part in parts]
        each = zip(out.flat, zip(*flat, strict=True), strict=True)
        return [(target, self.lines.expression(call, list(names))) for target, names in each]


def _product(out: Array, a: Array, b: Array) -> list[tuple[str, str]]:
    lead = out.shape[:-2]
    a, b = np.broadcast_to(a, lead + a.shape[-2:]), np.broadcast_to(b, lead + b.shape[-2:])
    result = []
    for place in np.ndindex(out.shape):
        pairs = zip(a[*place[:-1], :], b[*place[:-2], :, place[-1]], strict=True)
        result.append((out[place], " + ".join(f"{x} * {y}" for x, y in pairs)))
    return result


def _reduction(call: Call, out: Array, a: Array) -> list[tuple[str, str]]:
    over = axes(call)
    rest = tuple(axis for axis in range(a.ndim) if axis not in over)
    rows = a.transpose(rest + over).reshape(out.size, -1)
    return [
        (target, combined(call, list(row)))
        for target, row in zip(out.reshape(-1), rows, strict=True)
    ]
