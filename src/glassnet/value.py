"""A stand-in for an array, which writes down what is done to it.

NumPy hands every operation on a `Value` to us (NEP 13, NEP 18), and each becomes a line of a
program. Shapes, dtypes, memory order and errors are NumPy's own: every operation is tried once
on an array of zeros of the right shape.

What cannot be written down faithfully raises a `RecordingError`, here and now; nothing else is
ever recorded in its place.
"""

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from glassnet.vocabulary import CAST, COPY

if TYPE_CHECKING:
    from glassnet.program import Program


class RecordingError(TypeError):
    """Something was asked of a value, while recording, that a program cannot say.

    Examples
    --------
    >>> import glassnet as gn
    >>> class Sign(gn.Activation):
    ...     def f(self, z):
    ...         return 1.0 if z > 0 else -1.0
    ...     def slope(self, z, a):
    ...         return 0 * z
    >>> net = gn.Network([gn.Dense(2, Sign()), gn.Dense(1)], inputs=2, seed=0)
    >>> try:
    ...     net.program()
    ... except gn.RecordingError as error:
    ...     print(error)
    layer 1 Dense, forward, ...:3 Sign.f: deciding by a value (if, while, and, or, in, max())
    cannot be recorded; use np.where or np.maximum
    """


class Value(NDArrayOperatorsMixin):
    """A stand-in for an array: it has a shape and a dtype, and knows where it comes from.

    Attributes
    ----------
    kind : str
        ``input``, ``constant``, ``fresh`` (a line's result) or ``view`` (of its parent).
    text : str
        How a constant or a view is printed; {0} is the parent.
    offset, reach : int, tuple of int
        First element's place in the root's memory in bytes, and the bytes it may touch.
    """

    __slots__ = (
        *("program", "kind", "shape", "dtype", "strides", "name", "data"),
        *("parent", "take", "text", "offset", "reach"),
    )

    def __init__(
        self,
        program: "Program",
        kind: str,
        like: NDArray[Any],
        *,
        name: str | None = None,
        data: NDArray[Any] | None = None,
        parent: "Value | None" = None,
        take: Callable[[NDArray[Any]], NDArray[Any]] | None = None,
        offset: int = 0,
        text: str = "",
    ) -> None:
        self.program, self.kind, self.name, self.data = program, kind, name, data
        self.shape, self.dtype, self.strides = like.shape, like.dtype, like.strides
        self.parent, self.take, self.text, self.offset = parent, take, text, offset
        steps = [(n - 1) * stride for n, stride in zip(like.shape, like.strides, strict=True)]
        self.reach = (
            offset + sum(step for step in steps if step < 0),
            offset + sum(step for step in steps if step > 0) + like.itemsize,
        )

    @property
    def root(self) -> "Value":
        """The value that owns the memory: itself, unless it is a view."""
        value = self
        while value.parent is not None:
            value = value.parent
        return value

    def of(self, root: NDArray[Any]) -> NDArray[Any]:
        """Return this value's array, given the array of its root."""
        if self.parent is None or self.take is None:
            return root
        return self.take(self.parent.of(root))

    def sample(self) -> NDArray[Any]:
        """Return an array of this value's shape, dtype and strides, to try an operation on."""
        root = self.root
        if root.data is not None:
            return self.of(root.data)
        memory = np.zeros(root.reach[1], np.uint8)
        return self.of(np.ndarray(root.shape, root.dtype, memory, 0, root.strides))

    def overlaps(self, other: "Value") -> bool:
        """Whether two values may share an element."""
        return (
            self.root is other.root
            and self.reach[0] < other.reach[1]
            and other.reach[0] < self.reach[1]
        )

    def coincides(self, other: "Value") -> bool:
        """Whether two values are the same elements of the same memory, one by one."""
        return self.root is other.root and self.layout == other.layout

    @property
    def layout(self) -> tuple[Any, ...]:
        """Where and how the elements lie in the root's memory."""
        return self.offset, self.shape, self.strides, self.dtype

    # ---- what NumPy asks -------------------------------------------------------------------

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **keywords: Any
    ) -> Any:
        program, name = self.program, f"np.{ufunc.__name__}"
        if method != "__call__":
            program.refuse(f"{name}.{method}", "np.sum, np.max or np.min")
        if keywords:
            program.refuse(f"{next(iter(keywords))}= of {name}", "np.where or x.astype")
        result = program.ufunc(ufunc, *inputs)
        if out is None:
            return result
        if not isinstance(out[0], Value):
            program.refuse(f"out= of {name} into an array of its own", "x[...] = value")
        out[0][...] = result
        return out[0]

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return self.program.function(function, args, kwargs)

    def __pow__(self, power: Any) -> "Value":
        # as an array's own ** does: these powers have functions of their own
        special = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal}
        if type(power) in (int, float) and power in special and self.dtype.kind == "f":
            return self.program.ufunc(special[power], self)
        return self.program.ufunc(np.power, self, power)

    def __getitem__(self, key: Any) -> "Value":
        keys = key if isinstance(key, tuple) else (key,)
        for part in keys:
            number = isinstance(part, int | np.integer) and not isinstance(part, bool)
            if not (number or part is None or part is Ellipsis or isinstance(part, slice)):
                self.program.refuse(f"indexing by {type(part).__name__}", "np.where or a slice")
        text = f"{{0}}[{', '.join(map(_spell, keys))}]"
        return self.program.view(self, lambda array: array[key], text)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.program.write(self[key], value)

    # ---- what an array has, and a value has too ------------------------------------------

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def mT(self) -> "Value":  # noqa: N802
        """The last two axes swapped."""
        return self.program.view(self, lambda array: array.mT, "{0}.mT")

    def reshape(self, *shape: Any) -> "Value":
        """Return the same elements in another shape: a view, or a copy where none can be."""
        to = shape[0] if len(shape) == 1 else shape
        before = self.sample()
        after = self.program.attempt(lambda: before.reshape(to))
        if after.size and not np.may_share_memory(before, after):
            return self.copy().reshape(to)
        return self.program.view(self, lambda array: array.reshape(to), f"{{0}}.reshape({to})")

    def sum(self, axis: Any = None, *, keepdims: bool = False) -> "Value":
        """Sum over axes."""
        return self.program.reduce(np.sum, self, axis, keepdims)

    def max(self, axis: Any = None, *, keepdims: bool = False) -> "Value":
        """Largest over axes."""
        return self.program.reduce(np.max, self, axis, keepdims)

    def min(self, axis: Any = None, *, keepdims: bool = False) -> "Value":
        """Smallest over axes."""
        return self.program.reduce(np.min, self, axis, keepdims)

    def mean(self, axis: Any = None, *, keepdims: bool = False) -> "Value":
        """Mean over axes: the sum divided by the count, which is how NumPy computes it."""
        total = self.sum(axis, keepdims=keepdims)
        return self.program.ufunc(np.divide, total, prod(self.shape) // prod(total.shape))

    def copy(self) -> "Value":
        """Return the same numbers in memory of their own."""
        return self.program.record(COPY, self)

    def astype(self, dtype: Any) -> "Value":
        """Return the same numbers in another dtype."""
        return self.program.record(CAST, self, dtype=np.dtype(dtype).name)

    def __repr__(self) -> str:
        return f"<value {self.name or self.kind} {self.shape} {self.dtype}>"

    # ---- what an array has, and a value refuses --------------------------------------------

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # protocols are probed for, and their absence is an answer
            raise AttributeError(name)
        self.program.refuse(f".{name}")

    def __bool__(self) -> NoReturn:  # noqa: PLE0304
        self.program.refuse(
            "deciding by a value (if, while, and, or, in, max())", "np.where or np.maximum"
        )

    def __len__(self) -> NoReturn:  # noqa: PLE0303
        self.program.refuse("len() of a value", "x.shape[-2]")

    def __iter__(self) -> NoReturn:
        self.program.refuse("going through a value row by row", "operations on whole arrays")

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        self.program.refuse("making an array of a value", "np.concatenate for a list of them")

    def _single(self, *item: Any) -> NoReturn:
        self.program.refuse("a single answer of a value (float, int, in)", "whole arrays, np.where")

    __float__ = __int__ = __complex__ = __index__ = __round__ = __contains__ = _single

    def __hash__(self) -> NoReturn:  # noqa: PLE0309
        self.program.refuse("a value as a key or in a set (hash)", "a list")

    def __format__(self, spec: str) -> str:
        return self._single() if spec else repr(self)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        self.program.refuse("pickling or deep-copying a value", "x.copy()")


def _spell(key: Any) -> str:
    """Return an index as it is written."""
    if isinstance(key, slice):
        ends = (key.start, key.stop, key.step)[: 2 + (key.step is not None)]
        return ":".join("" if part is None else str(part) for part in ends)
    return "..." if key is Ellipsis else str(key)
