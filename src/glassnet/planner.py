"""Replay: the lines of a program, planned into memory that exists before the first step.

What a compiler does with registers is done here with arrays, in four passes that keep every bit:
lines that nobody wants are left out, a line that repeats another is dropped, a copy of a fresh
result becomes that line's ``out=``, and a value that dies in a line lends it its memory. What
remains is a plain Python function of NumPy calls, which is run once a step.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import prod
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.program import Line, Program, address
from glassnet.value import Value
from glassnet.vocabulary import CALLABLE

ALIGNMENT = 64  # bytes: a cache line, and the widest vector registers


@dataclass(eq=False)
class Call:
    """A line as it is replayed: its operands, and the value whose memory takes the result."""

    line: Line
    operands: tuple[Value, ...]
    out: Value


class Arena:
    """One block of memory that the programs of a network share, for only one runs at a time."""

    memory = np.empty(0, np.uint8)

    def reserve(self, size: int) -> NDArray[np.uint8]:
        """Return the block, made larger where it is too small."""
        if size > self.memory.nbytes:
            block = np.empty(size + ALIGNMENT, np.uint8)
            start = -address(block) % ALIGNMENT
            self.memory = block[start : start + size]
        return self.memory


class Replay:
    """The planned lines of a program that lead to what is wanted.

    Parameters
    ----------
    program : Program
    wanted : iterable of str
        Outputs, and inputs that the program writes into.
    arena : Arena, optional
        Where temporary arrays lie.

    Attributes
    ----------
    source : str
        The Python function that a call runs.
    values : dict of str to Value
        What its names stand for.
    arrays : dict of str to array
        The inputs as they are bound; a caller fills them in place between calls.
    outputs : dict of str to array
        What the last call left; overwritten by the next.

    Examples
    --------
    >>> from glassnet.program import record
    >>> def double(program):
    ...     x = program.input("x", (3,), np.float64)
    ...     program.outputs["y"] = 2 * x + 1
    >>> replay = Replay(record(double, np.float64), ["y"])
    >>> print(replay.source)
    def step():
        multiply(c1, x, t1)
        add(t1, c2, t1)
    >>> replay.bind(x=np.array([1.0, 2.0, 3.0]))
    >>> replay()
    >>> replay.outputs["y"]
    array([3., 5., 7.])
    """

    def __init__(self, program: Program, wanted: Iterable[str], arena: Arena | None = None) -> None:
        self.program, self.wanted = program, tuple(wanted)
        self._arena = arena or Arena()
        calls = [Call(line, line.operands, line.result) for line in program.lines]
        kept = [value.root for name, value in program.outputs.items() if name in self.wanted]
        kept += [value for name, value in program.inputs.items() if name in self.wanted]
        calls = _without_repeats(needed(calls, kept), kept)
        self.calls = _with_whole_constants(_without_copies(calls, kept))
        self._offsets, self._size = _place(self.calls, kept)
        self._variables: dict[Any, str] = {}
        self.values: dict[str, Value] = {}
        self.source = "\n    ".join(
            ["def step():", *([self._statement(call) for call in self.calls] or ["pass"])]
        )
        self._outputs = {
            name: self.variable(value)
            for name, value in program.outputs.items()
            if name in self.wanted
        }
        self._namespace: dict[str, Any] = dict(CALLABLE)
        exec(compile(self.source, "<replay>", "exec"), self._namespace)
        self.arrays: dict[str, NDArray[Any]] = {}
        self.outputs: dict[str, NDArray[Any]] = {}
        self._run = self._namespace["step"]

    def __call__(self) -> None:
        """Run the lines once."""
        self._run()

    def bind(self, rng: Any = None, **arrays: NDArray[Any]) -> None:
        """Bind inputs to these arrays, and those that never were to new ones.

        Raises
        ------
        ValueError
            If an array has not its input's shape, dtype and C order.
        """
        for name, value in self.program.inputs.items():
            array = arrays.get(name, self.arrays.get(name))
            array = np.zeros(value.shape, value.dtype) if array is None else array
            alike = (array.shape, array.dtype) == (value.shape, value.dtype)
            if not (alike and array.flags.c_contiguous):
                raise ValueError(
                    f"{name}: expected {value.dtype} {value.shape} in C order, "
                    f"got {array.dtype} {array.shape}"
                )
            self.arrays[name] = array
        memory = self._arena.reserve(self._size)
        for variable, value in self.values.items():
            self._namespace[variable] = value.of(self._root_array(value.root, memory))
        self._namespace["rng"] = rng
        self.outputs = {name: self._namespace[v] for name, v in self._outputs.items()}

    def bound(self) -> Callable[[], None]:
        """Return a function that runs the lines on what is bound now, whatever comes later."""
        return FunctionType(self._run.__code__, dict(self._namespace))

    def _root_array(self, root: Value, memory: NDArray[np.uint8]) -> NDArray[Any]:
        if root.data is not None:
            return root.data
        if root.kind == "input":
            return self.arrays[str(root.name)]
        offset = self._offsets[id(root)]
        return np.ndarray(root.shape, root.dtype, memory, offset, root.strides)

    def _statement(self, call: Call) -> str:
        names = [self.variable(operand) for operand in call.operands]
        template = call.line.function.replay
        if call.line.function.kind == "matmul" and all(map(_packed, (*call.operands, call.out))):
            template = "{0}.dot({1}, {out})"  # the same call of BLAS, and less on the way there
        return template.format(
            *names,
            out=self.variable(call.out),
            parts=f"({', '.join(names)},)",
            **call.line.keywords,
        )

    def variable(self, value: Value) -> str:
        """Return the name of a value's array in the source; values in one place share it."""
        root = value.root
        while value.parent is not None and value.parent.layout == value.layout:
            value = value.parent
        key: Any = (id(root), value.layout)
        if id(root) in self._offsets:
            key = (self._offsets[id(root)] + value.offset, value.layout[1:])
        if key not in self._variables:
            if root.kind == "input" and value.name is not None:
                name = value.name  # x, W1, dW1: what everybody calls it
            else:
                letter = {"constant": "c", "fresh": "t", "view": "v"}[value.kind]
                name = f"{letter}{sum(v[0] == letter for v in self.values) + 1}"
            own = value.kind == "input"
            while name in CALLABLE or name in self.values or (name in self.program.inputs) > own:
                name += "_"
            self._variables[key] = name
            self.values[name] = value
        return self._variables[key]


def needed(calls: list[Call], kept: list[Value]) -> list[Call]:
    """Leave out what does not lead to a root that is kept; a draw always stays."""
    wanted = {id(root) for root in kept}
    result = []
    for call in reversed(calls):
        if id(call.out.root) in wanted or call.line.function.kind == "random":
            result.append(call)
            wanted |= {id(operand.root) for operand in call.operands}
    return result[::-1]


def _without_repeats(calls: list[Call], kept: list[Value]) -> list[Call]:
    """Drop a line that computes what another did, where nothing that it concerns ever changes."""
    changing = {id(call.out.root) for call in calls if call.line.writes}
    changing |= {id(root) for root in kept}
    first: dict[Any, Value] = {}
    same: dict[int, Value] = {}
    result = []
    for call in calls:
        operands = tuple(_renamed(operand, same) for operand in call.operands)
        places = tuple((id(operand.root), operand.layout) for operand in operands)
        key = (call.line.function.name, places, *sorted(call.line.keywords.items()))
        pure = changing.isdisjoint([id(call.out.root), *(root for root, _ in places)])
        pure = pure and call.line.function.kind != "random"
        if pure and first.setdefault(key, call.out) is not call.out:
            same[id(call.out)] = first[key]
        else:
            result.append(Call(call.line, operands, call.out))
    return result


def _renamed(value: Value, same: dict[int, Value]) -> Value:
    """Return the value, or the like view, of the root that stands for its own."""
    if value.parent is None or value.take is None:
        return same.get(id(value), value)
    parent = _renamed(value.parent, same)
    if parent is value.parent:
        return value
    return value.program.view(parent, value.take, value.text)


def _without_copies(calls: list[Call], kept: list[Value]) -> list[Call]:
    """Let a line write where its result would be copied to, if nobody can tell the difference."""
    touched = _touches(calls)
    protected, gone = {id(root) for root in kept}, set[int]()
    for j, copy in enumerate(calls):
        value, target = copy.operands[0] if copy.operands else copy.out, copy.out
        places = touched[id(value.root)]
        maker = calls[places[0]]
        once = len(places) == 2 and maker.out is value and id(value) not in protected
        alike = (value.shape, value.dtype) == (target.shape, target.dtype)
        if not (copy.line.writes and once and alike and _inner(value) == _inner(target)):
            continue
        between = calls[places[0] + 1 : j]
        quiet = not any(
            part.overlaps(target) for call in between for part in (*call.operands, call.out)
        )
        harmless = all(
            not operand.overlaps(target)
            or (operand.coincides(target) and maker.line.function.kind == "elementwise")
            for operand in maker.operands
        )
        if quiet and harmless:
            maker.out = target
            gone.add(j)
    return [call for j, call in enumerate(calls) if j not in gone]


def _with_whole_constants(calls: list[Call]) -> list[Call]:
    """Let maximum and minimum have a constant as a whole array.

    With a single number NumPy goes one element at a time there: five times as long.
    """
    whole: dict[Any, Value] = {}
    for call in calls:
        if call.line.function.name in ("maximum", "minimum"):
            call.operands = tuple(_whole(value, call.out.shape, whole) for value in call.operands)
    return calls


def _whole(value: Value, shape: tuple[int, ...], whole: dict[Any, Value]) -> Value:
    """Return a constant number as an array of this shape, one for all who want it."""
    if value.data is None or value.ndim:
        return value
    data = np.full(shape, value.data)
    array = Value(value.program, "constant", data, data=data, text=value.text)
    return whole.setdefault((id(value), shape), array)


def _place(calls: list[Call], kept: list[Value]) -> tuple[dict[int, int], int]:
    """Return each temporary's offset in the arena, and the arena's size in bytes."""
    touched = _touches(calls)
    for root in kept:
        touched.setdefault(id(root), []).append(len(calls))
    offsets: dict[int, int] = {}
    blocks: dict[int, tuple[int, int]] = {}  # root -> (begin, end), of roots alive
    size = 0
    for i, call in enumerate(calls):
        root = call.out.root
        if root.kind == "fresh" and id(root) not in offsets:
            lender = _lender(call, i, touched)
            if lender is not None:
                blocks[id(root)] = blocks.pop(id(lender))
            else:
                blocks[id(root)] = _first_gap(blocks, root.reach[1])
            offsets[id(root)] = blocks[id(root)][0]
            size = max(size, blocks[id(root)][1])
        dying = {id(value.root) for value in (*call.operands, call.out)}
        for key in dying & blocks.keys():
            if touched[key][-1] == i:
                del blocks[key]
    return offsets, size


def _lender(call: Call, i: int, touched: dict[int, list[int]]) -> Value | None:
    """Return the operand that dies in this line and whose memory its result can take."""
    if call.line.function.kind != "elementwise" or prod(call.out.shape) == 1:
        return None  # NumPy takes three times as long over one number that it writes over
    for operand in call.operands:
        whole = operand.kind == "fresh" and operand.layout == call.out.layout
        others = (other for other in call.operands if other.root is operand)
        if whole and touched[id(operand)][-1] == i and all(operand.coincides(o) for o in others):
            return operand
    return None


def _touches(calls: list[Call]) -> dict[int, list[int]]:
    """Return for each root the lines that read or write it."""
    touched: dict[int, list[int]] = {}
    for i, call in enumerate(calls):
        for key in {id(value.root) for value in (*call.operands, call.out)}:
            touched.setdefault(key, []).append(i)
    return touched


def _first_gap(blocks: dict[int, tuple[int, int]], size: int) -> tuple[int, int]:
    """Return the lowest aligned place where this many bytes are free."""
    size += -size % ALIGNMENT
    begin = 0
    for low, high in sorted(blocks.values()):
        if begin + size <= low:
            break
        begin = max(begin, high)
    return begin, begin + size


def _packed(value: Value) -> bool:
    """Whether a value is one matrix without gaps between its rows or columns."""
    return value.ndim == 2 and value.sample().flags.forc


def _inner(value: Value) -> list[int]:
    """Return the strides of the last two axes, those of length 1 left out.

    A product goes through BLAS, and a sum in its usual order, only where these are as usual.
    """
    return [value.strides[axis] for axis in range(-min(2, value.ndim), 0) if value.shape[axis] > 1]
