"""Matrix products in a block: by BLAS where they are of some size, and how threads share them."""

from math import prod
from typing import Any

from glassnet.engines.block import Block, loops
from glassnet.engines.lines import Lines
from glassnet.engines.nests import FEW
from glassnet.engines.shares import INNER
from glassnet.engines.together import GEMM
from glassnet.planner import Call
from glassnet.value import Value

BLAS = 2_000  # multiplications from which on a product is left to BLAS
# numbers to a sum, by rows or columns, from which on threads share the sums: each then reads its
# own part of both factors, which it fetched and changed itself, for a few more sums in the end
DEEP = 3
TURNED = 4_096  # numbers of a second factor up to which it is turned, if it lies by columns
# of the factors and the result: which is cut where threads share rows, columns, and sums
CUT = (((0, 0), (2, 0)), ((1, 1), (2, 1)), ((0, 1), (1, 0)))


class Products(Block):
    """The products of a step."""

    def __init__(self, lines: Lines, threads: int = 1) -> None:
        super().__init__(lines, threads)
        self._unit: int | None = None  # where 0 and 1 are, for BLAS

    def _product(self, call: Call, axis: int | None) -> list[str]:
        """Return the statements of a product, of which a thread does a part of an axis, or all."""
        a, b = call.operands
        (rows, inner), columns = a.shape[-2:], b.shape[-1]
        if axis == INNER:
            return self._by_sums(call)
        if self._by_blas(call):
            return [self._gemm(call, axis)] if self.shared else self._turned(call)
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
            *loops([(k, str(inner))], steps),
            *(f"{self._element(call.out, [*indices, i, at])} = {total}" for total, at in sums),
        ]
        around = [(i, self.range(rows, own == 0)), (j, self.range(columns, own == 1))]
        return loops([*outer, *around[: 1 if side_by_side else 2]], text)

    # ---- threads that share the sums -------------------------------------------------------------

    def _deep(self, call: Call) -> bool:
        """Whether threads share the sums of a product, not its rows or columns."""
        if call.line.function.kind != "matmul" or not self._by_blas(call):
            return False
        return bool(call.operands[0].shape[1] > DEEP * max(call.out.shape))

    def _by_sums(self, call: Call) -> list[str]:
        """Return the statements of a product whose terms threads share: each has sums of its own.

        In the end they meet, and each adds up the sums of its rows.
        """
        rows, columns = call.out.shape
        size = rows * columns
        start = self.room(self.threads * size)
        product = self._gemm(call, INNER, f"{start} + _thread * {size}")
        parts = (f"_m[{start + n * size} + _i * {columns} + _j]" for n in range(self.threads))
        added = f"{self._element(call.out, ['_i', '_j'])} = {' + '.join(parts)}"
        every = [("_i", self.range(rows, True)), ("_j", str(columns))]
        return [product, "wait(_meeting, _threads)", *loops(every, [added])]

    # ---- BLAS ------------------------------------------------------------------------------------

    def _by_blas(self, call: Call) -> bool:
        """Whether a product is worth a call of BLAS, and its matrices lie as BLAS wants them."""
        a, b = call.operands
        work = a.shape[-2] * a.shape[-1] * b.shape[-1]
        return work >= BLAS and None not in map(self._leading, (a, b, call.out))

    def _turned(self, call: Call) -> list[str]:
        """Return a product by BLAS; small matrices that lie by columns are turned for it."""
        b, out = call.operands[1], call.out
        before, source, after, target = list[str](), "", list[str](), ""
        if self._leading(b)[1] and prod(b.shape) <= TURNED:
            before, source = self._as_rows(b, "{rows} = {value}")
        if self._leading(out)[1] and min(out.shape) <= FEW:
            after, target = self._as_rows(out, "{value} = {rows}")
        return [*before, self._gemm(call, None, target, source), *after]

    def _as_rows(self, value: Value, line: str) -> tuple[list[str], str]:
        """Return a loop between a matrix and its numbers row by row, and where these begin."""
        start, (rows, columns) = self.room(prod(value.shape)), value.shape
        place = f"_m[{start} + _i * {columns} + _j]"
        text = line.format(rows=place, value=self._element(value, ["_i", "_j"]))
        return loops([("_i", str(rows)), ("_j", str(columns))], [text]), str(start)

    def _gemm(self, call: Call, axis: int | None, target: str = "", source: str = "") -> str:
        """Return a product by BLAS, or a thread's part of it.

        The sums go to `target`, if it is given, and the second factor lies at `source`, as rows.
        """
        a, b, out = call.operands[0], call.operands[1], call.out
        ways = [self._leading(value) for value in (a, b, out)]
        numbers: list[Any] = [a.shape[0], b.shape[1], a.shape[1]]
        places: list[Any] = []
        for value in (a, b, out):
            places.append(self._array(value.root) + self._places(value)[0])
        if axis is not None:
            n = numbers[axis]
            self.range(n, True)
            numbers[axis] = f"_e{n} - _b{n}"
            for each, own in CUT[axis]:
                step = self._places((a, b, out)[each])[1][own]
                places[each] = f"{places[each]} + _b{n} * {step}"
        if target:
            places[2], ways[2] = target, (out.shape[1], False)
        if source:
            places[1], ways[1] = source, (b.shape[1], False)
        if self._unit is None:
            self._unit = self.room(2)
        kind = {"float32": "s", "float64": "d"}[str(self.lines.dtype)]
        self.lines.helpers[GEMM.format(dtype=self.lines.dtype, kind=ord(kind))] = None
        rows, columns, inner = numbers
        turned = [transposed for _, transposed in ways]
        matrices = [(place, leading) for place, (leading, _) in zip(places, ways, strict=True)]
        if turned[2]:  # (A @ B).T is B.T @ A.T
            rows, columns, matrices = columns, rows, [matrices[1], matrices[0], matrices[2]]
            turned = [not turned[1], not turned[0], False]
        factors = [
            f"{place}, {leading}, {ord('t' if transposed else 'n')}"
            for (place, leading), transposed in zip(matrices[:2], turned, strict=False)
        ]
        sizes, (to, apart) = f"{rows}, {inner}, {columns}", matrices[2]
        return f"gemm(_m, {self._unit}, {sizes}, {', '.join(factors)}, {to}, {apart})"

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
