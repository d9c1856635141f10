"""The middle grain: every line a loop over one block of memory, and neighbours share a loop.

Lines over arrays of one shape are fused: what only they need becomes a local variable, and sums
over what they make are taken on the way. All arrays lie in one block at places that the source
knows, so that a compiler sees what cannot overlap. Products of some size go to BLAS. Where threads
share a step, each loop is cut into parts, and they meet where one needs what another has made.
"""

from dataclasses import dataclass, field
from math import prod

from glassnet.engines.lines import Lines, UntranslatableError, axes, combined, drawn
from glassnet.engines.shares import Touch, cut, touches
from glassnet.engines.together import GEMM
from glassnet.planner import ALIGNMENT, Call
from glassnet.value import Value

BLAS = 4_000  # multiplications from which on a product is left to BLAS
WIDE = 8  # columns up to which a product's sums are variables of their own
FUSED = ("elementwise", "select", "copy", "cast", "reduce")


@dataclass
class Nest:
    """Lines that share a loop over arrays of one shape, and that threads share if they are to."""

    shape: tuple[int, ...]
    calls: list[Call] = field(default_factory=list)
    shared: bool = False

    def takes(self, call: Call, skipped: list[Call]) -> bool:
        """Whether a line may be done here, before those that stood before it and are skipped."""
        if call.line.function.kind not in FUSED or looped(call) != self.shape:
            return False
        if self.shared and _by_rows(call) != _by_rows(self.calls[0]):
            return False
        if any(_meet(call, other) for other in skipped):
            return False
        return all(self._beside(call, other) for other in self.calls)

    def sums(self, call: Call) -> bool:
        """Whether a line reduces what is made here."""
        made = [other.out for other in self.calls]
        reduces = call.line.function.kind == "reduce"
        return reduces and any(call.operands[0].coincides(value) for value in made)

    def _beside(self, call: Call, earlier: Call) -> bool:
        """Whether a line touches what an earlier one did only at the same element."""
        for value in (*call.operands, call.out):
            if value.overlaps(earlier.out):
                whole = value.coincides(earlier.out) and earlier.line.function.kind != "reduce"
                if not whole:
                    return False
        return all(
            not call.out.overlaps(operand)
            or (call.out.coincides(operand) and call.line.function.kind != "reduce")
            for operand in earlier.operands
        )


def looped(call: Call) -> tuple[int, ...]:
    """Return the shape that a line's loop goes over."""
    reduces = call.line.function.kind == "reduce"
    return call.operands[0].shape if reduces else call.out.shape


def _meet(call: Call, other: Call) -> bool:
    """Whether two lines must stay in their order."""
    reads = any(other.out.overlaps(operand) for operand in call.operands)
    writes = any(call.out.overlaps(value) for value in (*other.operands, other.out))
    return reads or writes


def _by_rows(call: Call) -> bool:
    """Whether the loop of a line can be cut along its first axis."""
    return call.line.function.kind != "reduce" or 0 not in axes(call)


def _early(calls: list[Call]) -> list[Call]:
    """Return lines with those of single numbers as early as may be: they part no two loops."""
    result = list[Call]()
    for call in calls:
        place = len(result)
        if call.line.function.kind == "elementwise" and call.out.shape == ():
            while place and not _meet(call, result[place - 1]):
                place -= 1
        result.insert(place, call)
    return result


def nests(lines: Lines, shared: bool = False) -> list[Nest]:
    """Return the lines in an order and in groups that go through memory as seldom as may be."""
    pending, result = _early(lines.calls), []
    while pending:
        first = pending.pop(0)
        nest, skipped = Nest(looped(first), [first], shared), list[Call]()
        if first.line.function.kind in FUSED:
            optional = id(first) in lines.optional
            passed = False  # a line of its kind was left behind: only sums still come forward
            for call in pending:
                alike = (id(call) in lines.optional) == optional
                near = not passed or nest.sums(call)
                if alike and near and nest.takes(call, skipped):
                    nest.calls.append(call)
                else:
                    skipped.append(call)
                    passed |= alike
            pending = skipped
        result.append(nest)
    return result


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
        self._nests = nests(lines, shared)
        self._within = self._locals()  # arrays that only one nest touches
        inputs = lines.program.inputs
        for name in sorted(lines.used()):
            if inputs[name].shape:
                self._array(inputs[name])
        # what has been touched since the threads met: rows that were fetched, in the beginning
        self._touched = [Touch(inputs[name], True, 0) for name in ("x", "y", "w") if name in inputs]
        self.body = [
            (optional, text)
            for nest in self._nests
            for optional in [id(nest.calls[0]) in lines.optional]
            for text in self._written(nest, optional)
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

    def _written(self, nest: Nest, optional: bool) -> list[str]:
        """Return the statements of a nest, which threads may share."""
        if not self.shared:
            return self._statements(nest, None)
        axis = cut(nest.calls)
        found = [each for each in touches(nest.calls, axis) if self._in_memory(each.value)]
        text = self._statements(nest, axis)
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
        return root.kind != "constant" and bool(root.shape) and self.lines.name(root) not in self._within

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
        for number, nest in enumerate(self._nests):
            for call in nest.calls:
                for value in (*call.operands, call.out):
                    root = value.root
                    name = self.lines.name(root)
                    fused = call.line.function.kind in FUSED and value.layout == root.layout
                    reduced = value is call.out and call.line.function.kind == "reduce"
                    fits = fused and not reduced and value.shape == nest.shape
                    touched.setdefault(name, set()).add(number)
                    whole[name] = whole.get(name, root.kind == "fresh") and fits
        return {name for name, numbers in touched.items() if whole[name] and len(numbers) == 1}

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
        if number or root.shape == () or name in self._within:
            return number or name
        size = root.dtype.itemsize
        terms = [str(value.offset // size)]
        if root.kind != "constant":
            terms = [str(self._array(root) + value.offset // size)]
        own = indices[len(indices) - value.ndim :]
        for index, stride, length in zip(own, value.strides, value.shape, strict=True):
            if length > 1 and stride:
                step = stride // size
                terms.append(index if step == 1 else f"{index} * {step}")
        return f"{name if root.kind == 'constant' else '_m'}[{' + '.join(terms)}]"

    # ---- what is written -------------------------------------------------------------------------

    def _statements(self, nest: Nest, axis: int | None) -> list[str]:
        """Return the statements of a nest, of which a thread does a part of an axis, or all."""
        call = nest.calls[0]
        kind = call.line.function.kind
        if kind in FUSED:
            return self._loop(nest, axis)
        if kind == "matmul":
            return self._product(call, axis)
        if kind == "join":
            return self._join(call, axis)
        if kind == "random":
            loops = self._ranges(call.out.shape, None)
            line = f"{self._element(call.out, [index for index, _ in loops])} = {drawn(call)}"
            return _for(loops, [line])
        raise UntranslatableError(call.line.function.name)

    def _loop(self, nest: Nest, axis: int | None) -> list[str]:
        loops = self._ranges(nest.shape, axis)
        indices, depth = [index for index, _ in loops], len(loops)
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
            kept = [each for each in range(depth) if each not in over]
            name, start = self.lines.name(call.out.root), _start(call, self.lines)
            target = self._reduced(call, indices, over)
            inside = depth - len(over)
            if kept == list(range(inside)):
                total = f"_of_{name}"
                before.setdefault(inside, []).append(f"{total} = {start}")
                after.setdefault(inside, []).append(f"{target} = {total}")
            else:
                total = target
                clear += _for([loops[each] for each in kept], [f"{target} = {start}"])
            inner.append(f"{total} = {combined(call, [total, operands[0]])}")
        return clear + _nested(loops, before, inner, after)

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
        if rows * inner * columns >= BLAS and (text := self._gemm(call, axis)):
            return [text]
        lead = call.out.shape[:-2]
        outer = [(f"_l{i}", self.range(n, i == axis)) for i, n in enumerate(lead)]
        indices = [index for index, _ in outer]
        i, j, k = "_i", "_j", "_n"
        own = None if lead else axis
        # few columns go side by side: their sums stay in registers
        side_by_side = columns <= WIDE and own != 1
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
        values = (*call.operands, call.out)
        ways = [_leading(value) for value in values]
        if None in ways or ways[2][1]:  # type: ignore[index]
            return None
        (rows, inner), columns = call.operands[0].shape, call.out.shape[1]
        size = self.lines.dtype.itemsize
        numbers = [rows, inner, columns]
        places = [self._array(value.root) + value.offset // size for value in values]
        if axis is not None:
            n = call.out.shape[axis]
            self.range(n, True)
            numbers[2 * axis] = f"_e{n} - _b{n}"
            for each in (axis, 2):  # the factor whose part it takes, and the result
                places[each] = f"{places[each]} + _b{n} * {values[each].strides[axis] // size}"
        if self._unit is None:
            self._unit, self.size = self.size, self.size + ALIGNMENT // size
        kind = {"float32": "s", "float64": "d"}[str(self.lines.dtype)]
        self.lines.helpers[GEMM.format(dtype=self.lines.dtype, kind=ord(kind))] = None
        matrices = [
            f"{place}, {leading}, {ord('t' if transposed else 'n')}"
            for place, (leading, transposed) in zip(places, ways, strict=True)
        ]
        matrices[2] = f"{places[2]}, {ways[2][0]}"
        return f"gemm(_m, {self._unit}, {', '.join([*map(str, numbers), *matrices])})"

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
    """Return statements within loops, with what stands before and after the loops inside of each."""
    text = [*before.get(len(loops), []), *inner, *after.get(len(loops), [])]
    for depth in range(len(loops) - 1, -1, -1):
        text = [*before.get(depth, []), *_for([loops[depth]], text), *after.get(depth, [])]
    return text


def _leading(value: Value) -> tuple[int, bool] | None:
    """Return how far apart a matrix's rows lie, and whether it is those of its transpose that do.

    None where BLAS does not take it as it lies.
    """
    if value.ndim != 2 or value.root.kind == "constant":
        return None
    size = value.dtype.itemsize
    for transposed in (False, True):
        rows, columns = value.shape[:: -1 if transposed else 1]
        step, unit = (stride // size for stride in value.strides[:: -1 if transposed else 1])
        step = columns if rows == 1 else step
        if (columns == 1 or unit == 1) and step >= columns:
            return step, transposed
    return None
