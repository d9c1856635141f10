"""The middle grain: every line a loop over one block of memory, and neighbours share a loop.

Lines over arrays of one shape are fused: what only they need becomes a local variable, and sums
over what they make are taken on the way. All arrays lie in one block at places that the source
knows, so that a compiler sees what cannot overlap. Products of some size go to BLAS.
"""

from dataclasses import dataclass, field
from math import prod

from glassnet.engines.lines import Lines, UntranslatableError, axes, combined, drawn
from glassnet.planner import ALIGNMENT, Call
from glassnet.value import Value

BLAS = 4_000  # multiplications from which on a product is left to BLAS
WIDE = 8  # columns up to which a product's sums are variables of their own
FUSED = ("elementwise", "select", "copy", "cast", "reduce")


@dataclass
class Nest:
    """Lines that share a loop over arrays of one shape."""

    shape: tuple[int, ...]
    calls: list[Call] = field(default_factory=list)

    def takes(self, call: Call, skipped: list[Call]) -> bool:
        """Whether a line may be done here, before those that stood before it and are skipped."""
        if call.line.function.kind not in FUSED or looped(call) != self.shape:
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


def nests(lines: Lines) -> list[Nest]:
    """Return the lines in an order and in groups that go through memory as seldom as may be."""
    pending, result = list(lines.calls), []
    while pending:
        first = pending.pop(0)
        nest, skipped = Nest(looped(first), [first]), list[Call]()
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
    views : list of str
        Statements that make the matrices which are given to BLAS.
    offsets : dict of str to int
        Where each array lies in the block; `size` elements in all.
    """

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.views: list[str] = []
        self.offsets: dict[str, int] = {}
        self.size = 0
        self._nests = nests(lines)
        self._within = self._locals()  # arrays that only one nest touches
        for name in sorted(lines.used()):
            if lines.program.inputs[name].shape:
                self._array(lines.program.inputs[name])
        self.body = [
            (id(nest.calls[0]) in lines.optional, text)
            for nest in self._nests
            for text in self._statements(nest)
        ]

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

    def _statements(self, nest: Nest) -> list[str]:
        call = nest.calls[0]
        kind = call.line.function.kind
        if kind in FUSED:
            return self._loop(nest)
        if kind == "matmul":
            return self._product(call)
        if kind == "join":
            return self._join(call)
        if kind == "random":
            indices = [f"_i{axis}" for axis in range(call.out.ndim)]
            line = f"{self._element(call.out, indices)} = {drawn(call)}"
            return _for(list(zip(indices, call.out.shape, strict=True)), [line])
        raise UntranslatableError(call.line.function.name)

    def _loop(self, nest: Nest) -> list[str]:
        depth = len(nest.shape)
        indices = [f"_i{axis}" for axis in range(depth)]
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
            kept = [axis for axis in range(depth) if axis not in over]
            name, start = self.lines.name(call.out.root), _start(call, self.lines)
            target = self._reduced(call, indices, over)
            inside = depth - len(over)
            if kept == list(range(inside)):
                total = f"_of_{name}"
                before.setdefault(inside, []).append(f"{total} = {start}")
                after.setdefault(inside, []).append(f"{target} = {total}")
            else:
                total = target
                around = [(indices[axis], nest.shape[axis]) for axis in kept]
                clear += _for(around, [f"{target} = {start}"])
            inner.append(f"{total} = {combined(call, [total, operands[0]])}")
        return clear + _nested(nest.shape, before, inner, after)

    def _reduced(self, call: Call, indices: list[str], over: tuple[int, ...]) -> str:
        """Return the element that a reduction's result goes to."""
        ndim = call.operands[0].ndim
        if call.line.keywords["keepdims"] or call.out.ndim == ndim:
            return self._element(call.out, indices)
        own = [indices[axis] for axis in range(ndim) if axis not in over]
        return self._element(call.out, own)

    def _product(self, call: Call) -> list[str]:
        a, b = call.operands
        (rows, inner), columns = a.shape[-2:], b.shape[-1]
        values = (a, b, call.out)
        big = rows * inner * columns >= BLAS
        if big and all(value.ndim == 2 and _dense(value) for value in values):
            left, right, out = map(self._matrix, values)
            return [f"np.dot({left}, {right}, {out})"]
        lead = call.out.shape[:-2]
        outer = [f"_l{axis}" for axis in range(len(lead))]
        i, j, k = "_i", "_j", "_n"
        # few columns go side by side: their sums stay in registers
        places = [j] if columns > WIDE else [str(column) for column in range(columns)]
        left, zero = self._element(a, [*outer, i, k]), f"{self.lines.dtype}(0)"
        sums = [(f"_sum{number}", place) for number, place in enumerate(places)]
        steps = [f"{total} += {left} * {self._element(b, [*outer, k, at])}" for total, at in sums]
        text = [
            *(f"{total} = {zero}" for total, _ in sums),
            *_for([(k, inner)], steps),
            *(f"{self._element(call.out, [*outer, i, at])} = {total}" for total, at in sums),
        ]
        text = _for([(i, rows), (j, columns)] if columns > WIDE else [(i, rows)], text)
        return _for(list(zip(outer, lead, strict=True)), text)

    def _matrix(self, value: Value) -> str:
        name = f"_a{len(self.views)}"
        start = self._array(value.root) + value.offset // value.dtype.itemsize
        rows, columns = value.shape
        block = f"_m[{start}:{start + rows * columns}]"
        if value.strides[-1] == value.dtype.itemsize or columns == 1:
            text = f"{block}.reshape(({rows}, {columns}))"
        else:
            text = f"{block}.reshape(({columns}, {rows})).T"
        for known in self.views:
            if known.split(" = ")[1] == text:
                return known.split(" = ")[0]
        self.views.append(f"{name} = {text}")
        return name

    def _join(self, call: Call) -> list[str]:
        axis, out = call.line.keywords["axis"] % call.out.ndim, call.out
        indices = [f"_i{each}" for each in range(out.ndim)]
        begin, text = 0, list[str]()
        for operand in call.operands:
            shifted = [f"({i} + {begin})" if n == axis else i for n, i in enumerate(indices)]
            line = f"{self._element(out, shifted)} = {self._element(operand, indices)}"
            text += _for(list(zip(indices, operand.shape, strict=True)), [line])
            begin += operand.shape[axis]
        return text


def _start(call: Call, lines: Lines) -> str:
    starts = {"sum": "0", "max": "-np.inf", "min": "np.inf"}
    return f"{lines.dtype}({starts[call.line.function.name]})"


def _for(loops: list[tuple[str, int]], inner: list[str]) -> list[str]:
    """Return statements within loops, outermost first."""
    for index, length in reversed(loops):
        inner = [f"for {index} in range({length}):", *("    " + line for line in inner)]
    return inner


def _nested(
    shape: tuple[int, ...],
    before: dict[int, list[str]],
    inner: list[str],
    after: dict[int, list[str]],
) -> list[str]:
    """Return loops over a shape, with what stands before and after the loops inside of each."""
    text = [*before.get(len(shape), []), *inner, *after.get(len(shape), [])]
    for depth in range(len(shape) - 1, -1, -1):
        loop = _for([(f"_i{depth}", shape[depth])], text)
        text = [*before.get(depth, []), *loop, *after.get(depth, [])]
    return text


def _dense(value: Value) -> bool:
    """Whether a matrix has no gaps, so that BLAS takes it as it is."""
    return value.root.kind != "constant" and bool(value.sample().flags.forc)
