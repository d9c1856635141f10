"""The middle grain: every line a loop over one block of memory, and neighbours share a loop.

Lines over arrays of one shape are fused: what only they need becomes a local variable, and sums
over what they make are taken on the way. All arrays lie in one block at places that the source
knows, so that a compiler sees what cannot overlap. Products of some size go to BLAS. Where threads
share a step, each loop is cut into parts, and they meet where one needs what another has made.
"""

import numpy as np

from glassnet.engines.block import loops
from glassnet.engines.lines import Lines, UntranslatableError, axes, combined, drawn
from glassnet.engines.nests import FUSED, Nest
from glassnet.engines.products import Products
from glassnet.engines.shares import INNER, Touch, cut, touches
from glassnet.planner import Call
from glassnet.value import Value


class Loops(Products):
    """A step as loops over one block of memory.

    Attributes
    ----------
    body : list of (bool, str)
        The statements of a step, and whether only the loss needs them.
    """

    def __init__(self, lines: Lines, threads: int = 1) -> None:
        super().__init__(lines, threads)
        inputs = lines.program.inputs
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
        axis = INNER if self._deep(calls[0]) else 0 if len(group) > 1 else cut(calls)
        found = [each for each in touches(calls, axis) if self._in_memory(each.value)]
        text = self._statements(group, axis)
        if axis is None and any(each.writes for each in found):
            text = ["if _thread == 0:", *("    " + line for line in text)]
        meet = any(each.meets(other) for each in found for other in self._touched)
        if meet:
            text.insert(0, "wait(_meeting, _threads)")
        if (meet or axis == INNER) and not optional:  # otherwise they may not have met here
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

    # ---- what is written -------------------------------------------------------------------------

    def _statements(self, group: list[Nest], axis: int | None) -> list[str]:
        """Return the statements of a group, of which a thread does a part of an axis, or all."""
        call = group[0].calls[0]
        kind = call.line.function.kind
        if group[0].by_rows:
            still: dict[str, str] = {}  # what every row reads, and what it is called
            inner = [line for nest in group for line in self._row(nest, still)]
            each = loops(self._ranges(group[0].shape, axis)[:1], inner)
            return [*(f"{name} = {place}" for place, name in still.items()), *each]
        if kind in FUSED:
            return self._loop(group[0], axis)
        if kind == "matmul":
            return self._product(call, axis)
        if kind == "join":
            return self._join(call, axis)
        if kind == "random":
            around = self._ranges(call.out.shape, None)
            line = f"{self._element(call.out, [index for index, _ in around])} = {drawn(call)}"
            return loops(around, [line])
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
        around = self._ranges(nest.shape, axis)
        indices, order = [index for index, _ in around], nest.order()
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
                clear += loops([around[each] for each in kept], [f"{target} = {start}"])
            inner.append(f"{total} = {combined(call, [total, operands[0]])}")
        return clear + _nested([around[each] for each in order], before, inner, after)

    def _reduced(self, call: Call, indices: list[str], over: tuple[int, ...]) -> str:
        """Return the element that a reduction's result goes to."""
        ndim = call.operands[0].ndim
        if call.line.keywords["keepdims"] or call.out.ndim == ndim:
            return self._element(call.out, indices)
        own = [indices[axis] for axis in range(ndim) if axis not in over]
        return self._element(call.out, own)

    def _join(self, call: Call, axis: int | None) -> list[str]:
        joined, out = call.line.keywords["axis"] % call.out.ndim, call.out
        begin, text = 0, list[str]()
        for operand in call.operands:
            around = self._ranges(operand.shape, axis)
            indices = [index for index, _ in around]
            shifted = [f"({i} + {begin})" if n == joined else i for n, i in enumerate(indices)]
            line = f"{self._element(out, shifted)} = {self._element(operand, indices)}"
            text += loops(around, [line])
            begin += operand.shape[joined]
        return text


def _start(call: Call, lines: Lines) -> str:
    starts = {"sum": "0", "max": "-np.inf", "min": "np.inf"}
    return f"{lines.dtype}({starts[call.line.function.name]})"


def _nested(
    around: list[tuple[str, str]],
    before: dict[int, list[str]],
    inner: list[str],
    after: dict[int, list[str]],
) -> list[str]:
    """Return statements within loops, with what stands before and after those inside of each."""
    text = [*before.get(len(around), []), *inner, *after.get(len(around), [])]
    for depth in range(len(around) - 1, -1, -1):
        text = [*before.get(depth, []), *loops([around[depth]], text), *after.get(depth, [])]
    return text
