"""Record once: a network's own NumPy code, written down as a flat list of lines.

A program begins from inputs, which the caller binds; its lines are calls of the vocabulary's
functions, in sections; and it leaves outputs and writes behind. `record` makes one by running a
function on values, twice: what differs between the two (a random number, a counter, the clock)
cannot be replayed and is refused.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partialmethod
from itertools import chain, count, zip_longest
from types import CodeType, FrameType
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from glassnet import functions
from glassnet import value as value_module
from glassnet.functions import FUNCTIONS
from glassnet.value import RecordingError, Value
from glassnet.vocabulary import (
    COPY,
    DRAWS,
    INSTEAD,
    REDUCE,
    UFUNCS,
    Function,
)

T = TypeVar("T")
# frames of these files belong to the recorder and to NumPy, not to the code that is recorded
NOT_THE_CODE = (__file__, value_module.__file__, functions.__file__, np.__path__[0])


@dataclass(eq=False)
class Line:
    """One line: a function, its operands, and the value that it makes (or writes into).

    Attributes
    ----------
    writes : bool
        Whether `result` was there before and is written into.
    section, owner, source : str
        Where it belongs: ``forward``, ``1 Dense`` and ``layers.py:60 Dense.forward``.
    code, call : code object or None, int
        The function that wrote it, and which call of it.
    """

    function: Function
    operands: tuple[Value, ...]
    keywords: dict[str, Any]
    result: Value
    writes: bool
    section: str
    owner: str
    source: str
    code: CodeType | None = None
    call: int = 0


@dataclass(eq=False)
class Program:
    """A flat list of lines, with the inputs they begin from and the outputs they leave.

    Parameters
    ----------
    dtype : numpy.dtype
        The program's float type; a line that is wider is an error.
    """

    dtype: np.dtype[Any]
    lines: list[Line] = field(default_factory=list)
    inputs: dict[str, Value] = field(default_factory=dict)
    outputs: dict[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._constants: dict[Any, Value] = {}
        self._names: set[str] = set()
        self._section = self._owner = ""
        self._outside: FrameType | None = None
        self._unnamed: list[tuple[Value, list[FrameType]]] = []

    def __str__(self) -> str:
        from glassnet.listing import listing

        return listing(self)

    # ---- where values come from ----------------------------------------------------------------

    def input(self, name: str, shape: tuple[int, ...], dtype: Any) -> Value:
        """Return a new input: an array that the caller binds before the program runs."""
        self.inputs[name] = Value(self, "input", np.empty(shape, dtype))
        self.name(self.inputs[name], name)
        return self.inputs[name]

    def constant(self, number: Any, dtype: Any = None) -> Value:
        """Return a number or an array as a value, of the dtype that the operation runs in."""
        data = np.asarray(number, dtype)
        key = (data.dtype.str, data.tobytes()) if data.ndim == 0 else id(data)
        if key not in self._constants:
            shown = number if isinstance(number, int | float) else data.tolist()
            text = f"c{len(self._constants) + 1}" if data.ndim else repr(shown)
            self._constants[key] = Value(self, "constant", data, data=data, text=text)
        return self._constants[key]

    def value(self, operand: Any, dtype: Any) -> Value:
        """Return an operand as a value of this dtype, with a line that converts where needed."""
        if not isinstance(operand, Value):
            return self.constant(operand, dtype)
        if operand.program is not self:
            self.refuse("a value kept from another program or an earlier step", "kept")
        return operand if operand.dtype == dtype else operand.astype(dtype)

    def view(self, parent: Value, take: Callable[[NDArray[Any]], NDArray[Any]], text: str) -> Value:
        """Return a view: a value in its parent's memory, which needs no line."""
        before = parent.sample()
        after = self.attempt(lambda: np.asarray(take(before)))
        offset = parent.offset + address(after) - address(before)
        return Value(self, "view", after, parent=parent, take=take, offset=offset, text=text)

    # ---- how lines are made --------------------------------------------------------------------

    def record(self, function: Function, *operands: Value, **keywords: Any) -> Value:
        """Append a line and return its result."""
        like = self.attempt(lambda: _try(function, operands, keywords))
        self._check_dtype(like.dtype, function.name)
        result = Value(self, "fresh", like)
        self._append(function, operands, keywords, result, writes=False)
        return result

    def _check_dtype(self, dtype: np.dtype[Any], name: str) -> None:
        if dtype.kind not in "fiub":
            self.refuse(f"a result of dtype {dtype}", "real numbers")
        if dtype.kind == "f" and dtype.itemsize > self.dtype.itemsize:
            self.refuse(
                f"a {dtype} result of {name} in a {self.dtype} program",
                "Python numbers, or arrays made with x.dtype",
            )

    def write(self, target: Value, operand: Any) -> None:
        """Append a line that writes an operand into a value that is there already."""
        if target.root.kind == "constant":
            self.refuse("writing into an array from outside", "a new value")
        if isinstance(operand, Value) and operand.dtype != target.dtype:
            self.refuse(f"writing {operand.dtype} into {target.dtype}", "x.astype")
        source = self.value(operand, target.dtype)
        self.attempt(lambda: np.broadcast_to(source.sample(), target.shape))
        self._append(COPY, (source,), {}, target, writes=True)

    def ufunc(self, ufunc: np.ufunc, *operands: Any) -> Value:
        """Record an elementwise function or a matrix product, with NumPy's own promotion."""
        if ufunc not in UFUNCS:
            self.refuse(f"np.{ufunc.__name__}")
        if _holds_values([part for part in operands if not isinstance(part, Value)]):
            self.refuse("a list of values as an operand", "np.concatenate")
        kinds = [_promotes_as(operand) for operand in operands]
        dtypes = self.attempt(lambda: ufunc.resolve_dtypes((*kinds, None)))
        self._check_dtype(dtypes[-1], ufunc.__name__)
        values = [self.value(*pair) for pair in zip(operands, dtypes[:-1], strict=True)]
        if ufunc is np.matmul and min(value.ndim for value in values) < 2:
            self.refuse("@ of a vector", "x[..., None] @ W, or np.sum of a product")
        return self.record(UFUNCS[ufunc], *values)

    def reduce(self, function: Any, operand: Value, axis: Any, keepdims: bool) -> Value:
        """Record a sum, a maximum or a minimum over axes."""
        axes = tuple(range(operand.ndim)) if axis is None else axis
        return self.record(REDUCE[function], operand, axis=axes, keepdims=bool(keepdims))

    def function(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Record a NumPy function that is no ufunc, or refuse it by name."""
        name = f"{function.__module__}.{function.__name__}".removeprefix("numpy.")
        if function not in FUNCTIONS:
            self.refuse(f"np.{name}")
        return self.attempt(lambda: FUNCTIONS[function](*args, **kwargs))

    def _append(
        self,
        function: Function,
        operands: tuple[Value, ...],
        keywords: dict[str, Any],
        result: Value,
        *,
        writes: bool,
    ) -> None:
        frames = list(self._frames())
        where: tuple[Any, ...] = (self._section, self._owner, "")
        if frames:
            code = frames[0].f_code
            where = (*where[:2], _source(code, frames[0].f_lineno), code, id(frames[0]))
        self.lines.append(Line(function, operands, keywords, result, writes, *where))
        if not writes:
            self._unnamed.append((result, frames))

    # ---- where the recorded code stands, and what it calls its values -------------------------

    @contextmanager
    def within(
        self, section: str, owner: str = "", suffix: str = "", given: Any = None
    ) -> Iterator[None]:
        """Record lines of this section and owner, then name their values as the code did.

        A frame keeps its local variables for as long as somebody holds it: whatever value is
        called ``z`` at the end of layer 2's ``forward`` is ``z2`` from here on. `given` are
        values with their names, which the code finds as attributes: ``p.W`` is ``W2``.
        """
        before = (self._section, self._owner, self._outside)
        self._section, self._owner, self._outside = section, owner, sys._getframe(2)
        for name, value in (given or {}).items():
            self.name(value, name)
        try:
            yield
            self._give_names(suffix)
        finally:
            self._section, self._owner, self._outside = before
            self._unnamed.clear()

    def _give_names(self, suffix: str) -> None:
        frames = {id(frame): frame for _, stack in self._unnamed for frame in reversed(stack)}
        for frame in frames.values():
            names = list(frame.f_locals.items())
            # where there is no activation, z is a and da is dz: z and dz are the better names
            for name, held in reversed(names) if self._section == "backward" else names:
                if not isinstance(held, Value) or held.program is not self:
                    continue
                if held.name is None and held.kind == "fresh":
                    self.name(held, name + suffix)

    def name(self, value: Value, name: str) -> None:
        """Give a value this name, or the nearest that is free."""
        others = (f"{name}_{number}" for number in count(2))
        value.name = next(free for free in chain([name], others) if free not in self._names)
        self._names.add(value.name)

    def _frames(self) -> Iterator[FrameType]:
        """Yield the frames of the recorded code, innermost first."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame is not self._outside:
            if not frame.f_code.co_filename.startswith(NOT_THE_CODE):
                yield frame
            frame = frame.f_back

    def refuse(self, what: str, instead: str = "") -> NoReturn:
        """Raise a RecordingError that names the layer, the function and what serves instead."""
        from difflib import get_close_matches

        last = what.rsplit("np.", 1)[-1].lstrip(".").split(" ")[0]
        near = get_close_matches(last, sorted(ufunc.__name__ for ufunc in UFUNCS), 1)
        instead = instead or INSTEAD.get(last, "") or "".join(f"np.{name}" for name in near)
        hint = f"; use {instead}" if instead else ""
        raise RecordingError(f"{self.where()}{what} cannot be recorded{hint}")

    def where(self) -> str:
        """Return the place in the recorded code, as an error message begins."""
        frame = next(self._frames(), None)
        parts = (
            f"layer {self._owner}" if self._owner[:1].isdigit() else self._owner,
            self._section,
            _source(frame.f_code, frame.f_lineno) if frame is not None else "",
        )
        place = ", ".join(part for part in parts if part)
        return f"{place}: " if place else ""

    def attempt(self, operation: Callable[[], T]) -> T:
        """Run an operation on samples; NumPy's error gets the place in front."""
        try:
            with np.errstate(all="ignore"):
                return operation()
        except RecordingError:
            raise
        except (ValueError, IndexError) as error:
            kind = ValueError if isinstance(error, ValueError) else IndexError
            raise kind(f"{self.where()}{error}") from None
        except (TypeError, AttributeError) as error:
            raise RecordingError(f"{self.where()}{error}, which cannot be recorded") from None

    def signature(self) -> list[Any]:
        """Return what two records of the same code have in common: whose memory, where, numbers."""
        made = [*self.inputs.values(), *(line.result for line in self.lines)]
        number = {id(value): i for i, value in enumerate(made)}
        return [
            (
                "layer " * line.owner[:1].isdigit()
                + f"{line.owner}, {line.section}, {line.source}",
                *(line.function.name, line.keywords),
                *(
                    (number.get(id(value.root)), value.layout, _bytes(value.root.data))
                    for value in (line.result, *line.operands)
                ),
            )
            for line in self.lines
        ]


class Draws:
    """A stand-in for a random generator, with two of its methods: a draw becomes a line."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def _draw(self, name: str, size: Any = (), dtype: Any = np.float64) -> Value:
        shape = (size,) if isinstance(size, int) else tuple(size or ())
        return self._program.record(DRAWS[name], shape=shape, dtype=np.dtype(dtype).name)

    random = partialmethod(_draw, "random")
    standard_normal = partialmethod(_draw, "standard_normal")

    def __getattr__(self, name: str) -> Any:
        self._program.refuse(f"rng.{name}", "rng.random or rng.standard_normal")


def record(code: Callable[[Program], None], dtype: Any) -> Program:
    """Record what `code` does on a program's inputs, and make sure that it always does the same.

    Parameters
    ----------
    code : callable
        ``code(program)`` makes inputs, runs NumPy code on them and sets outputs.
    dtype : dtype
        The float type of the program.

    Examples
    --------
    >>> def double(program):
    ...     x = program.input("x", (2, 3), np.float64)
    ...     program.outputs["twice"] = 2 * x
    >>> [line.function.name for line in record(double, np.float64).lines]
    ['multiply']
    """
    first, second = Program(np.dtype(dtype)), Program(np.dtype(dtype))
    code(first)
    code(second)
    for one, other in zip_longest(first.signature(), second.signature()):
        if one != other:
            raise RecordingError(
                f"{(one or other)[0]}: this line differs between two records of the same step (a "
                "random number, a counter, the clock?); draw from the rng handed to forward"
            )
    return first


def address(array: NDArray[Any]) -> int:
    """Return where an array's first element lies."""
    return int(array.__array_interface__["data"][0])


def _try(function: Function, operands: tuple[Value, ...], keywords: dict[str, Any]) -> NDArray[Any]:
    """Return an array like the function's result, made by the function itself where it can be."""
    if function.kind == "random":
        return np.empty(keywords["shape"], keywords["dtype"])
    samples = [operand.sample() for operand in operands]
    if function.kind == "matmul" and samples[0].shape[-1] == samples[1].shape[-2]:
        # the product's shape without its work: a sum over nothing
        samples = [samples[0][..., :0], samples[1][..., :0, :]]
    return np.asarray(function.run(*samples, **keywords))


def _bytes(data: NDArray[Any] | None) -> bytes:
    return b"" if data is None else data.tobytes()


def _promotes_as(operand: Any) -> Any:
    """Return what NumPy's promotion sees: a Python number is weak, everything else has a dtype."""
    if type(operand) in (int, float, complex):
        return type(operand)
    return operand.dtype if isinstance(operand, Value) else np.asarray(operand).dtype


def _holds_values(operand: Any) -> bool:
    parts = operand if isinstance(operand, list | tuple) else ()
    return any(isinstance(part, Value) or _holds_values(part) for part in parts)


def _source(code: CodeType, line: int) -> str:
    return f"{code.co_filename.replace(chr(92), '/').rsplit('/', 1)[-1]}:{line} {code.co_qualname}"
