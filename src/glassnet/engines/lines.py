"""A training step's lines, as a translator wants them: each with its place and its elements.

The planner has left out what nobody wants and turned copies into results; here each value gets a
name, each constant is told apart, and the lines that only the loss needs are marked, so that one
translation serves steps whose loss is read and steps whose loss is not.
"""

from keyword import kwlist
from math import prod
from typing import Any

import numpy as np

from glassnet.engines.vectors import CHOOSE, FLOAT32
from glassnet.planner import Call, Replay, needed
from glassnet.program import Program
from glassnet.value import Value
from glassnet.vocabulary import INFIX

# what translated source calls something else; its own names begin with an underscore
RESERVED = (
    *("np", "njit", "float32", "float64", "range", "run", "types", "intrinsic"),
    *("exp32", "tanh32", "expm1_32", "choose", "gemm", "wait"),
)


# what makes truths in NumPy and in a compiled function alike; + of two is "or" in one of them
TRUTHS = {function.__name__ for function in (*INFIX, np.logical_not, np.logical_and, np.logical_or)}
TRUTHS = TRUTHS - {"add", "multiply"} | {"isfinite", "where", "copy", "cast", "concatenate"}


class UntranslatableError(Exception):
    """A line that the translator has no words for."""


class Lines:
    """The planned lines of a training step.

    Parameters
    ----------
    program : Program
        Of one network, without members.
    written : sequence of str
        The inputs that it writes into and that outlive the step: theta and the optimizer's state.

    Attributes
    ----------
    calls : list of Call
    optional : set of int
        ``id`` of the calls that only the loss needs.
    constants : dict of str to number or array
        What the translated source calls its constants.
    helpers : dict of str
        The source of functions that the lines turned out to need.
    """

    def __init__(self, program: Program, written: tuple[str, ...]) -> None:
        self.program, self.dtype = program, program.dtype
        self.calls = Replay(program, (*written, "loss")).calls
        kept = [program.inputs[name] for name in written]
        always = {id(call) for call in needed(self.calls, kept)}
        self.optional = {id(call) for call in self.calls} - always
        self.constants: dict[str, Any] = {}
        self.helpers: dict[str, None] = {}
        self._names: dict[int, str] = {}
        self._taken: set[str] = {*kwlist, *RESERVED}
        for call in self.calls:
            name, dtype = call.line.function.name, call.out.dtype
            if dtype not in ("f4", "f8") and (dtype.kind != "b" or name not in TRUTHS):
                raise UntranslatableError(f"{name} that makes {dtype}")
            if any(o.overlaps(call.out) and not o.coincides(call.out) for o in call.operands):
                raise UntranslatableError(f"{name} into what it reads")
        for value in (*program.inputs.values(), *(call.line.result for call in self.calls)):
            self.name(value.root)

    def name(self, root: Value) -> str:
        """Return what a root is called: as in the program where it has a name there."""
        if id(root) not in self._names:
            if root.kind == "constant":
                name, number = self._free("c"), np.asarray(root.data)
                same = number.size > 0 and bool((number == number.flat[0]).all())
                self.constants[name] = number.flat[0] if same else number
            else:
                name = root.name or "_"
                usable = name.isidentifier() and name[0] != "_" and name not in self._taken
                name = name if usable else self._free("t")
            self._taken.add(name)
            self._names[id(root)] = name
        return self._names[id(root)]

    def _free(self, letter: str) -> str:
        number = 1 + sum(name[0] == letter for name in self._taken)
        while f"{letter}{number}" in self._taken:
            number += 1
        return f"{letter}{number}"

    @property
    def draws(self) -> bool:
        """Whether a line draws at random."""
        return any(call.line.function.kind == "random" for call in self.calls)

    def number(self, value: Value) -> str | None:
        """Return the name of a constant whose elements are all the same, or None."""
        if value.root.kind != "constant":
            return None
        name = self.name(value.root)
        return name if np.ndim(self.constants[name]) == 0 else None

    def changing(self) -> list[str]:
        """Return the inputs that are one number each, and may be another one in each step."""
        return [name for name, value in self.program.inputs.items() if value.shape == ()]

    def cells(self) -> int:
        """Return how many elements a step makes, those inside of products included."""
        inner = [
            c.operands[0].shape[-1] if c.line.function.kind == "matmul" else 1 for c in self.calls
        ]
        return sum(prod(c.out.shape) * n for c, n in zip(self.calls, inner, strict=True))

    def expression(self, call: Call, operands: list[str]) -> str:
        """Return an elementwise line for one element, as Python that runs."""
        function = call.line.function
        if function.kind == "select":
            self.helpers |= {CHOOSE: None}
            return "choose({}, {}, {})".format(*operands)
        if function.kind == "copy":
            return operands[0]
        if function.kind == "cast":
            return f"{call.line.keywords['dtype']}({operands[0]})"
        if function.kind != "elementwise":
            raise UntranslatableError(function.name)
        if call.out.dtype == np.float32 and function.name in FLOAT32:
            text, helpers = FLOAT32[function.name]
            self.helpers |= dict.fromkeys(helpers)
            return text.format(*operands)
        return function.spelling("code").format(*operands)

    def used(self) -> set[str]:
        """Return the names of all inputs that a line reads or writes."""
        roots = [v.root for call in self.calls for v in (*call.operands, call.out)]
        return {str(root.name) for root in roots if root.kind == "input"}


def drawn(call: Call) -> str:
    """Return a random number: the next of those that the same line would draw in a replay."""
    return f"_rng.{call.line.function.name}(None, {call.line.keywords['dtype']})"


def axes(call: Call) -> tuple[int, ...]:
    """Return the axes that a reduction goes over, from the first."""
    given = call.line.keywords["axis"]
    given = (given,) if isinstance(given, int) else given
    return tuple(sorted(axis % call.operands[0].ndim for axis in given))


def combined(call: Call, parts: list[str]) -> str:
    """Return what a reduction makes of these elements."""
    name = call.line.function.name
    if name == "sum":
        return " + ".join(parts)
    whole = parts[0]
    for part in parts[1:]:
        whole = f"np.{name}imum({whole}, {part})"
    return whole
