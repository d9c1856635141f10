"""The source of a compiled engine: a function that goes through epochs of full batches.

Tables, orders, numbers that change and vectors like theta come in; theta and the optimizer's
state are read once before the first step and written back after the last. Where several calls
follow each other, as long as nobody looks, they may stay in the block in between.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from glassnet.engines.block import loops
from glassnet.engines.gaps import Gaps
from glassnet.engines.lines import Lines
from glassnet.engines.loops import Loops
from glassnet.engines.scalars import Scalars
from glassnet.engines.together import WAIT
from glassnet.program import Program
from glassnet.value import Value
from glassnet.vocabulary import Array

HEADER = '''"""Written by glassnet: the lines of a training step, for Numba to compile."""

import numpy as np
from numba import njit

float32, float64 = np.float32, np.float64
'''
CELLS = 1500  # elements made in a step, up to which each is a variable of its own
# sums in any order and fused multiplications: within rounding; what is not finite stays so
DECORATOR = '@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})'


@dataclass(frozen=True)
class Source:
    """A translated step, with what its function is called with.

    Attributes
    ----------
    text : str
        A Python module whose ``run`` takes, in this order, the block of memory, the batches'
        `tables`, their order, the numbers of each step (`changing`), the arrays that it changes
        (`written`), those it reads (`vectors`), its constants, and where the sums of losses and
        shares go on, and of the squares of theta; then epochs, steps in each, whether the last
        one's loss is wanted, whether to leave theta and state as they were if they ran away, and
        whether this call is the first and the last of those that follow each other.
    size : int
        Elements of the block.
    draws : bool
        Whether it takes a random generator first.
    shared : bool
        Whether threads share each step: it takes, in the end, which of them it is called by, of
        how many, and the counter by which they meet.
    """

    text: str
    size: int
    tables: tuple[str, ...]
    changing: tuple[str, ...]
    written: tuple[str, ...]
    vectors: tuple[str, ...]
    constants: tuple[Array, ...]
    draws: bool
    shared: bool


def source(program: Program, written: tuple[str, ...], whole: bool, threads: int = 1) -> Source:
    """Translate a training step.

    Parameters
    ----------
    program : Program
        Of one network, on a full batch.
    written : tuple of str
        theta and the optimizer's state.
    whole : bool
        Whether the batch is the whole table, as it lies.
    threads : int
        How many are to share each step, if it is not a tiny one.
    """
    lines = Lines(program, written)
    tiny = lines.cells() <= CELLS
    shared = threads > 1 and not tiny
    writer: Any = ByScalars(lines) if tiny else ByLoops(lines, threads)
    used = lines.used()
    tables = tuple(name for name in ("x", "y", "w") if name in used)
    changing = tuple(name for name in lines.changing() if name in used)
    arrays = [name for name, value in program.inputs.items() if value.shape and name in used]
    vectors = tuple(n for n in arrays if n not in (*tables, *written, "gradient"))
    constants = [name for name, value in lines.constants.items() if getattr(value, "ndim", 0)]
    body = [f"{name} = _numbers[_t, {i}]" for i, name in enumerate(changing)]
    gather = [line for name in tables for line in writer.load(name, f"{name}[%s]", whole)]
    begin = [
        line for name in (*written, *vectors) for line in writer.load(name, f"{name}[_k]", True)
    ]
    once = list(writer.clear("gradient")) if "gradient" in used else []
    once += [line for name in constants for line in writer.constant(name)]
    end = [line for name in written for line in writer.store(name)]
    if isinstance(writer, ByLoops):  # whose block stays as it is from call to call
        begin, end = ["if _first:", *_indented(begin)], ["if _last:", *_indented(end)]
    if not whole:
        body += gather
    meet = ["wait(_meeting, _threads)"] if shared else []
    body += [*_optional(writer.body), *_loss(lines, writer, whole), *meet]
    steps = _indented(
        ["for _s in range(_steps):", *_indented(["_t = _epoch * _steps + _s", *body])]
    )
    epoch = ["for _epoch in range(_epochs):", "    _want = _read and _epoch == _epochs - 1", *steps]
    # sums go on from call to call: how an epoch is cut into calls hangs on the clock
    sums = ["_total = _losses[_k, 0]", "_shares = _losses[_k, 1]"]
    member = [*sums, *begin, *(gather if whole else []), *meet, *epoch]
    member += [*writer.size_of("theta"), "_losses[_k, 0] = _total", "_losses[_k, 1] = _shares"]
    if shared:
        member += ["_losses[_k, 2 + _thread] = _size", *meet, "_size = _losses[_k, 2:].sum()"]
    else:
        member.append("_losses[_k, 2] = _size")
    fine = "np.isfinite(_size) and np.isfinite(_total)"
    member += [f"if not _undo or ({fine}):", *_indented(end)]
    arguments = [
        *["_rng"] * lines.draws,
        "_m",
        *tables,
        "_order",
        "_numbers",
        *written,
        *vectors,
        *constants,
        "_losses",
    ]
    settings = ["_epochs", "_steps", "_read", "_undo", "_first", "_last"]
    settings += ["_thread", "_threads", "_meeting"] if shared else []
    helpers = [*lines.helpers, *[WAIT] * shared]
    text = [
        *(
            f"{name} = {value!r}"
            for name, value in lines.constants.items()
            if name not in constants
        ),
        "\n\n" + DECORATOR,
        f"def run({', '.join([*arguments, *settings])}):",
        *_indented([*once, *writer.begin, f"for _k in range({written[0]}.shape[0]):"]),
        *_indented(_indented(member)),
    ]
    return Source(
        HEADER + "\n".join([*helpers, *text]) + "\n",
        writer.size,
        *(tables, changing, written, vectors),
        tuple(lines.constants[name].ravel() for name in constants),
        lines.draws,
        shared,
    )


def _indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


def _optional(body: list[tuple[bool, str]]) -> Iterator[str]:
    """Yield statements, those for the loss under a condition."""
    inside = False
    for optional, text in body:
        if optional and not inside:
            yield "if _want:"
        inside = optional
        yield "    " * optional + text


def _loss(lines: Lines, writer: Any, whole: bool) -> list[str]:
    share = "1.0" if whole else str(lines.program.inputs["y"].shape[0])
    text = ["if _want:"]
    if "w" in lines.used() and not whole:
        text += _indented(writer.weights())
        share = "_w"
    loss = writer.scalar(lines.program.outputs["loss"])
    return [*text, f"    _total += {loss} * {share}", f"    _shares += {share}"]


class ByScalars(Scalars):
    """Elements as local variables."""

    size = 1
    begin = ()

    def load(self, name: str, place: str, once: bool) -> Iterator[str]:
        """Yield statements that fetch an input."""
        value = self.lines.program.inputs[name]
        if "%s" in place:
            rows, columns = value.shape
            if not once:
                yield from (f"_r{i} = _order[_k, _t * {rows} + {i}]" for i in range(rows))
            for i in range(rows):
                for j in range(columns):
                    row = str(i) if once else f"_r{i}"
                    yield f"{self.cells(value)[i, j]} = {name}[{row}, {j}]"
        else:
            part = f"{place[:-1]}, %d]"
            yield from (f"{cell} = {part % i}" for i, cell in enumerate(self.cells(value)))

    def size_of(self, name: str) -> Iterator[str]:
        """Yield statements that take the sum of an input's squares."""
        squares = (f"{cell} * {cell}" for cell in self.cells(self.lines.program.inputs[name]))
        yield f"_size = {' + '.join(squares)}"

    def clear(self, name: str) -> Iterator[str]:
        """Yield statements that make an input zero: derivatives that no line writes stay so."""
        zero = f"{self.lines.dtype}(0)"
        yield from (f"{cell} = {zero}" for cell in self.cells(self.lines.program.inputs[name]))

    def constant(self, name: str) -> Iterator[str]:
        """Yield statements that fetch a constant array."""
        for root in self._constants:
            if self.lines.name(root) == name:
                cells = self.cells(root).flat
                yield from (f"{cell} = {name}[{i}]" for i, cell in enumerate(cells))

    @property
    def _constants(self) -> list[Any]:
        roots = {id(o.root): o.root for call in self.lines.calls for o in call.operands}
        return [root for root in roots.values() if root.kind == "constant"]

    def store(self, name: str) -> Iterator[str]:
        """Yield statements that put an input back."""
        for i, cell in enumerate(self.cells(self.lines.program.inputs[name])):
            yield f"{name}[_k, {i}] = {cell}"

    def weights(self) -> list[str]:
        """Return the statement that adds up the batch's weights."""
        cells = self.cells(self.lines.program.inputs["w"]).flat
        return [f"_w = {' + '.join(f'float64({cell})' for cell in cells)}"]

    def scalar(self, value: Any) -> str:
        """Return the name of a single number."""
        return str(self.cells(value)[()])


class ByLoops(Loops):
    """Arrays as parts of one block."""

    def load(self, name: str, place: str, once: bool) -> Iterator[str]:
        """Yield statements that fetch an input."""
        value = self.lines.program.inputs[name]
        if "%s" in place:
            start, (rows, columns) = self._array(value), value.shape
            row = "_i" if once else "_r"
            yield f"for _i in range({self.range(rows, self.shared)}):"
            if not once:
                yield f"    _r = _order[_k, _t * {rows} + _i]"
            yield f"    for _j in range({columns}):"
            yield f"        _m[{start} + _i * {columns} + _j] = {name}[{row}, _j]"
        else:
            for around, at, element in self._vector(value):
                yield from loops(around, [f"_m[{at}] = {place[:-1]}, {element}]"])

    def size_of(self, name: str) -> Iterator[str]:
        """Yield statements that take the sum of an input's squares, or of a thread's part."""
        value = self.lines.program.inputs[name]
        yield f"_size = {self.lines.dtype}(0)"
        for around, at, _ in self._vector(value):
            yield from loops(around, [f"_size += _m[{at}] * _m[{at}]"])

    def clear(self, name: str) -> Iterator[str]:
        """Yield nothing: the block is given as zeros."""
        yield from ()

    def constant(self, name: str) -> Iterator[str]:
        """Yield nothing: a constant array is read where it lies."""
        yield from ()

    def store(self, name: str) -> Iterator[str]:
        """Yield statements that put an input back."""
        value = self.lines.program.inputs[name]
        for around, at, element in self._vector(value):
            yield from loops(around, [f"{name}[_k, {element}] = _m[{at}]"])

    def _vector(self, value: Value) -> Iterator[tuple[list[tuple[str, str]], str, str]]:
        """Yield loops through parts of a vector, and where an element lies, and which it is."""
        start, n = self._array(value), value.shape[0]
        gaps = self.gaps.get(self.lines.name(value), Gaps(n, (), 0))
        for element, place, rows, columns in gaps.parts():
            if rows == 1:
                around = [("_i", self.range(columns, self.shared))]
                yield around, f"{start + place} + _i", f"{element} + _i"
            else:
                around = [("_i", self.range(rows, self.shared)), ("_j", str(columns))]
                at = f"{start + place} + _i * {columns + gaps.gap} + _j"
                yield around, at, f"{element} + _i * {columns} + _j"

    def weights(self) -> list[str]:
        """Return the statements that add up the batch's weights."""
        value = self.lines.program.inputs["w"]
        line = f"for _i in range({value.shape[0]}):"
        return ["_w = 0.0", line, f"    _w += _m[{self._array(value)} + _i]"]

    def scalar(self, value: Any) -> str:
        """Return the name or place of a single number."""
        return self._element(value, [])
