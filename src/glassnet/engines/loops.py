"""The middle grain: every line a loop over one block of memory, and neighbours share a loop.

Lines over arrays of one shape are fused: what only they need becomes a local variable, and sums
over what they make are taken on the way. All arrays lie in one block at places that the source
knows, so that a compiler sees what cannot overlap. Products of some size go to BLAS. Where threads
share a step, each loop is cut into parts, and they meet where one needs what another has made.
"""

from math import prod
from typing import Any

import numpy as np

from glassnet.engines.lines import Lines, UntranslatableError, axes, combined, drawn
from glassnet.engines.nests import FEW, FUSED, Nest, nests, together
from glassnet.engines.shares import Touch, cut, touches
from glassnet.engines.together import GEMM
from glassnet.planner import ALIGNMENT, Call
from glassnet.value import Value

BLAS = 2_000  # multiplications from which on a product is left to BLAS


class Loops:
    """A step as loops over one block of memory.

    Attributes
    ----------
    body : list of (bool, str)
        The statements of a step, and whether only the loss needs them.
    offsets : dict of str to int
        Where each array lies in the block; `size` elements in all.
    shared : bool
        Whether threads share the loops, each from ``_b{n}`` to ``_e{n}`` of an axis of n.
    """

    def __init__(self, lines: Lines, shared: bool = False) -> None:
        self.lines, self.shared = lines, shared
        self.offsets: dict[str, int] = {}
        self.size = 0
        self._unit: int | None = None  # where 0 and 1 are, for BLAS
        self._parts: set[int] = set()  # lengths of the axes that are cut
        self._groups = together(nests(lines, shared), lines)
        self._within = self._locals()  # arrays that only one loop touches, which keeps none of it
        self._upright = self._columns()  # arrays that lie column by column
        inputs = lines.program.inputs
        for name in sorted(lines.used()):
            if inputs[name].shape:
                self._array(inputs[name])
        # what has been touched since the threads met: rows that were fetched, in the beginning
        self._touched = [Touch(inputs[name], True, 0) for name in ("x", "y", "w") if name in inputs]
        self.body = [
            (optional, text)
            for group in self._groups
            for optional in [id(group[0].calls[0]) in lines.optional]
            for text in self._written(group, optional)
        ]

    @property
    def begin(self) -> list[str]:
        """Return the statements that come before all others."""
        # within bounds that a compiler sees: what may be negative would count from the end
        part = "min(max({n} * {which} // _threads, 0), {n})"
        text = [
            f"_{letter}{n} = {part.format(n=n, which=which)}"
            for n in sorted(self._parts)
            for letter, which in (("b", "_thread"), ("e", "(_thread + 1)"))
        ]
        if self._unit is not None:
            text.append(f"_m[{self._unit}], _m[{self._unit + 1}] = 0, 1")
        return text

    # ---- who does what ---------------------------------------------------------------------------

    def _written(self, group: list[Nest], optional: bool) -> list[str]:
        """Return the statements of a group of nests, which threads may share."""
        if not self.shared:
            return self._statements(group, None)
        calls = [call for nest in group for call in nest.calls]
        axis = 0 if len(group) > 1 else cut(calls)
        found = [each for each in touches(calls, axis) if self._in_memory(each.value)]
        text = self._statements(group, axis)
        if axis is None and any(each.writes for each in found):
            text = ["if _thread == 0:", *("    " + line for line in text)]
        if any(each.meets(other) for each in found for other in self._touched):
            text.insert(0, "wait(_meeting, _threads)")
            if not optional:  # otherwise they may not have met here
                self._touched = []
        self._touched += found
        return text

    def _in_memory(self, value: Value) -> bool:
        root = value.root
        return (
            root.kind != "constant"
            and bool(root.shape)
            and self.lines.name(root) not in self._within
        )

    def range(self, n: int, cut: bool) -> str:
        """Return how far a loop of n goes: from one end to the other, or a thread's part."""
        if cut:
            self._parts.add(n)
        return f"_b{n}, _e{n}" if cut else str(n)

    def _ranges(self, shape: tuple[int, ...], axis: int | None) -> list[tuple[str, str]]:
        """Return the indices of loops over a shape, and how far each goes."""
        return [(f"_i{i}", self.range(n, i == axis)) for i, n in enumerate(shape)]

    # ---- where values lie ------------------------------------------------------------------------

    def _locals(self) -> set[str]:
        touched: dict[str, set[int]] = {}
        whole: dict[str, bool] = {}
        for number, group in enumerate(self._groups):
            for nest in group:
                for call in nest.calls:
                    for value in (*call.operands, call.out):
                        name = self.lines.name(value.root)
                        touched.setdefault(name, set()).add(number)
                        whole[name] = whole.get(name, True) and _local(value, call, nest)
        return {name for name, numbers in touched.items() if whole[name] and len(numbers) == 1}

    def _columns(self) -> set[str]:
        """Return the arrays of few columns, which lie one by one: loops go through many rows."""
        upright: dict[str, bool] = {}
        for call in self.lines.calls:
            for value in (*call.operands, call.out):
                root = value.root
                fits = root.kind == "fresh" and root.ndim == 2 and root.shape[0] > FEW
                fits = fits and 1 < root.shape[1] <= FEW and root.strides[0] > root.strides[1]
                steps = {
                    n: step for n, step in zip(value.shape, value.strides, strict=True) if n > 1
                }
                fits = fits and value.ndim <= 2 and {*steps.values()} <= {0, *root.strides}
                name = self.lines.name(root)
                upright[name] = upright.get(name, True) and fits
        return {name for name, fits in upright.items() if fits}

    def _places(self, value: Value) -> tuple[int, list[int]]:
        """Return where a value begins in its root, and its strides, in elements."""
        size, root = value.root.dtype.itemsize, value.root
        start, steps = value.offset // size, [stride // size for stride in value.strides]
        if self.lines.name(root) not in self._upright:
            return start, steps
        rows, columns = root.shape
        turned = {columns: 1, 1: rows, 0: 0}
        return start // columns + start % columns * rows, [
            turned.get(step, 0) if n > 1 else 0 for step, n in zip(steps, value.shape, strict=True)
        ]

    def _array(self, root: Value) -> int:
        """Return where an array begins in the block, counted in elements."""
        name = self.lines.name(root)
        if name not in self.offsets:
            self.offsets[name] = self.size
            step = ALIGNMENT // self.lines.dtype.itemsize
            self.size += -(-prod(root.shape) // step) * step
        return self.offsets[name]

    def _element(self, value: Value, indices: list[str]) -> str:
        """Return the name or the place of a value's element in a loop; axes of one stand still."""
        root = value.root
        name, number = self.lines.name(root), self.lines.number(value)
        if number or root.shape == ():
            return number or name
        place, steps = self._places(value)
        terms = list[str]()
        own = indices[len(indices) - value.ndim :]
        for index, step, length in zip(own, steps, value.shape, strict=True):
            if length > 1 and step:
                if index.isdecimal():
                    place += int(index) * step
                else:
                    terms.append(index if step == 1 else f"{index} * {step}")
        if name in self._within:
            return f"{name}__{place}" if place else name
        place += self._array(root) if root.kind != "constant" else 0
        return f"{name if root.kind == 'constant' else '_m'}[{' + '.join([str(place), *terms])}]"

    # ---- what is written -------------------------------------------------------------------------

    def _statements(self, group: list[Nest], axis: int | None) -> list[str]:
        """Return the statements of a group, of which a thread does a part of an axis, or all."""
        call = group[0].calls[0]
        kind = call.line.function.kind
        if group[0].by_rows:
            still: dict[str, str] = {}  # what every row reads, and what it is called
            inner = [line for nest in group for line in self._row(nest, still)]
            loop = _for(self._ranges(group[0].shape, axis)[:1], inner)
            return [*(f"{name} = {place}" for place, name in still.items()), *loop]
        if kind in FUSED:
            return self._loop(group[0], axis)
        if kind == "matmul":
            return self._product(call, axis)
        if kind == "join":
            return self._join(call, axis)
        if kind == "random":
            loops = self._ranges(call.out.shape, None)
            line = f"{self._element(call.out, [index for index, _ in loops])} = {drawn(call)}"
            return _for(loops, [line])
        raise UntranslatableError(call.line.function.name)

    def _row(self, nest: Nest, still: dict[str, str]) -> list[str]:
        """Return what is done to one row, number by number."""

        def element(value: Value, indices: list[str]) -> str:
            text = self._element(value, indices)
            if "[" in text and "_i0" not in text:
                text = still.setdefault(text, f"_still{len(still)}")
            return text

        text = []
        for call in nest.calls:
            over = axes(call) if call.line.function.kind == "reduce" else ()
            inside = nest.shape[1 : len(nest.shape) - len(over)]
            for place in np.ndindex(inside):
                indices = ["_i0", *map(str, place)]
                if over:
                    gone = np.ndindex(nest.shape[len(nest.shape) - len(over) :])
                    every = [[*indices, *map(str, each)] for each in gone]
                    parts = [element(call.operands[0], each) for each in every]
                    target = self._reduced(call, every[0], over)
                    text.append(f"{target} = {combined(call, parts)}")
                else:
                    parts = [element(operand, indices) for operand in call.operands]
                    expression = self.lines.expression(call, parts)
                    text.append(f"{self._element(call.out, indices)} = {expression}")
        return text

    def _loop(self, nest: Nest, axis: int | None) -> list[str]:
        loops = self._ranges(nest.shape, axis)
        indices, order = [index for index, _ in loops], nest.order()
        before: dict[int, list[str]] = {}
        after: dict[int, list[str]] = {}
        clear: list[str] = []
        inner: list[str] = []
        for call in nest.calls:
            operands = [self._element(operand, indices) for operand in call.operands]
            if call.line.function.kind != "reduce":
                inner.append(
                    f"{self._element(call.out, indices)} = {self.lines.expression(call, operands)}"
                )
                continue
            over = axes(call)
            kept = [each for each in range(len(order)) if each not in over]
            start = _start(call, self.lines)
            target = self._reduced(call, indices, over)
            inside = len(kept)
            if kept == order[:inside]:
                total = f"_total{len(after.get(inside, []))}_{inside}"
                before.setdefault(inside, []).append(f"{total} = {start}")
                after.setdefault(inside, []).append(f"{target} = {total}")
            else:
                total = target
                clear += _for([loops[each] for each in kept], [f"{target} = {start}"])
            inner.append(f"{total} = {combined(call, [total, operands[0]])}")
        return clear + _nested([loops[each] for each in order], before, inner, after)

    def _reduced(self, call: Call, indices: list[str], over: tuple[int, ...]) -> str:
        """Return the element that a reduction's result goes to."""
        ndim = call.operands[0].ndim
        if call.line.keywords["keepdims"] or call.out.ndim == ndim:
            return self._element(call.out, indices)
        own = [indices[axis] for axis in range(ndim) if axis not in over]
        return self._element(call.out, own)

    def _product(self, call: Call, axis: int | None) -> list[str]:
        a, b = call.operands
        (rows, inner), columns = a.shape[-2:], b.shape[-1]
        if rows * inner * columns >= BLAS and (by_blas := self._gemm(call, axis)):
            return [by_blas]
        lead = call.out.shape[:-2]
        outer = [(f"_l{i}", self.range(n, i == axis)) for i, n in enumerate(lead)]
        indices = [index for index, _ in outer]
        i, j, k = "_i", "_j", "_n"
        own = None if lead else axis
        # few columns go side by side: their sums stay in registers
        side_by_side = columns <= FEW and own != 1
        places = [str(column) for column in range(columns)] if side_by_side else [j]
        left, zero = self._element(a, [*indices, i, k]), f"{self.lines.dtype}(0)"
        sums = [(f"_sum{number}", place) for number, place in enumerate(places)]
        steps = [f"{total} += {left} * {self._element(b, [*indices, k, at])}" for total, at in sums]
        text = [
            *(f"{total} = {zero}" for total, _ in sums),
            *_for([(k, str(inner))], steps),
            *(f"{self._element(call.out, [*indices, i, at])} = {total}" for total, at in sums),
        ]
        around = [(i, self.range(rows, own == 0)), (j, self.range(columns, own == 1))]
        return _for([*outer, *around[: 1 if side_by_side else 2]], text)

    def _gemm(self, call: Call, axis: int | None) -> str | None:
        """Return a product by BLAS, if its matrices lie as BLAS wants them."""
        a, b, out = call.operands[0], call.operands[1], call.out
        if None in (ways := [self._leading(value) for value in (a, b, out)]):
            return None
        size = self.lines.dtype.itemsize
        numbers: list[Any] = [a.shape[0], a.shape[1], b.shape[1]]
        places: list[Any] = []
        for value in (a, b, out):
            places.append(self._array(value.root) + self._places(value)[0])
        if axis is not None:
            n = out.shape[axis]
            self.range(n, True)
            numbers[2 * axis] = f"_e{n} - _b{n}"
            for each in (axis, 2):  # the factor whose part it takes, and the result
                step = self._places((a, b, out)[each])[1][axis]
                places[each] = f"{places[each]} + _b{n} * {step}"
        if self._unit is None:
            self._unit, self.size = self.size, self.size + ALIGNMENT // size
        kind = {"float32": "s", "float64": "d"}[str(self.lines.dtype)]
        self.lines.helpers[GEMM.format(dtype=self.lines.dtype, kind=ord(kind))] = None
        turned = [transposed for _, transposed in ways]
        matrices = [(place, leading) for place, (leading, _) in zip(places, ways, strict=True)]
        if turned[2]:  # (A @ B).T is B.T @ A.T
            numbers, matrices = numbers[::-1], [matrices[1], matrices[0], matrices[2]]
            turned = [not turned[1], not turned[0], False]
        factors = [
            f"{place}, {leading}, {ord('t' if transposed else 'n')}"
            for (place, leading), transposed in zip(matrices[:2], turned, strict=False)
        ]
        sizes = ", ".join(map(str, numbers))
        return f"gemm(_m, {self._unit}, {sizes}, {', '.join(factors)}, {places[2]}, {ways[2][0]})"

    def _leading(self, value: Value) -> Any:
        """Return how far apart a matrix's rows lie, and whether it is its transpose's that do.

        None where BLAS does not take it as it lies.
        """
        if value.ndim != 2 or value.root.kind == "constant":
            return None
        steps = self._places(value)[1]
        for transposed in (False, True):
            way = -1 if transposed else 1
            (rows, columns), (step, unit) = value.shape[::way], steps[::way]
            step = columns if rows == 1 else step
            if (columns == 1 or unit == 1) and step >= columns:
                return step, transposed
        return None

    def _join(self, call: Call, axis: int | None) -> list[str]:
        joined, out = call.line.keywords["axis"] % call.out.ndim, call.out
        begin, text = 0, list[str]()
        for operand in call.operands:
            loops = self._ranges(operand.shape, axis)
            indices = [index for index, _ in loops]
            shifted = [f"({i} + {begin})" if n == joined else i for n, i in enumerate(indices)]
            line = f"{self._element(out, shifted)} = {self._element(operand, indices)}"
            text += _for(loops, [line])
            begin += operand.shape[joined]
        return text


def _start(call: Call, lines: Lines) -> str:
    starts = {"sum": "0", "max": "-np.inf", "min": "np.inf"}
    return f"{lines.dtype}({starts[call.line.function.name]})"


def _for(loops: list[tuple[str, str]], inner: list[str]) -> list[str]:
    """Return statements within loops, outermost first."""
    for index, extent in reversed(loops):
        inner = [f"for {index} in range({extent}):", *("    " + line for line in inner)]
    return inner


def _nested(
    loops: list[tuple[str, str]],
    before: dict[int, list[str]],
    inner: list[str],
    after: dict[int, list[str]],
) -> list[str]:
    """Return statements within loops, with what stands before and after those inside of each."""
    text = [*before.get(len(loops), []), *inner, *after.get(len(loops), [])]
    for depth in range(len(loops) - 1, -1, -1):
        text = [*before.get(depth, []), *_for([loops[depth]], text), *after.get(depth, [])]
    return text


def _local(value: Value, call: Call, nest: Nest) -> bool:
    """Whether a value may be a variable of the loop through it, or one for each column."""
    root = value.root
    if root.kind != "fresh" or call.line.function.kind not in FUSED:
        return False
    if nest.by_rows:
        found = [touch for touch in touches([call], 0) if touch.value is value]
        return all(touch.axis is not None and touch.by_rows for touch in found)
    reduced = value is call.out and call.line.function.kind == "reduce"
    return value.layout == root.layout and value.shape == nest.shape and not reduced
