"""Gaps between the rows of large matrices in a block, for the sake of a processor's caches.

Rows that begin a multiple of 2,048 bytes apart come to lie at the same few places of a cache. A
product goes through some columns of many rows at a time, and would throw out what it wants next.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import prod

from glassnet.engines.lines import Lines
from glassnet.planner import ALIGNMENT
from glassnet.value import Value

APART = 2048  # bytes from row to row, or a multiple of them, where a gap helps
ONE_BY_ONE = ("elementwise", "select", "copy", "cast")


@dataclass(frozen=True)
class Matrix:
    """Rows that lie one behind the other in an array, from an element on."""

    start: int
    rows: int
    columns: int

    @property
    def stop(self) -> int:
        """The element behind the last."""
        return self.start + self.rows * self.columns


@dataclass(frozen=True)
class Gaps:
    """Where an array's elements lie if there is a gap behind each row of its matrices.

    Parameters
    ----------
    size : int
        Elements of the array.
    matrices : tuple of Matrix
        In their order, and none within another.
    gap : int
        Elements of a gap.

    Examples
    --------
    >>> gaps = Gaps(10, (Matrix(2, 2, 3),), gap=4)
    >>> [gaps.place(element) for element in range(11)]
    [0, 1, 2, 3, 4, 9, 10, 11, 16, 17, 18]
    >>> list(gaps.parts())
    [(0, 0, 1, 2), (2, 2, 2, 3), (8, 16, 1, 2)]
    """

    size: int
    matrices: tuple[Matrix, ...]
    gap: int

    def place(self, element: int) -> int:
        """Return where an element lies."""
        before = (m for m in self.matrices if m.start <= element)
        return element + self.gap * sum(
            min((element - m.start) // m.columns, m.rows) for m in before
        )

    def parts(self) -> list[tuple[int, int, int, int]]:
        """Return the parts of the array: first element, its place, rows and columns."""
        ends = [0, *(end for m in self.matrices for end in (m.start, m.stop)), self.size]
        inside = {m.start: m for m in self.matrices}
        found = list[tuple[int, int, int, int]]()
        for start, stop in pairwise(ends):
            if start < stop:
                matrix = inside.get(start)
                shape = (matrix.rows, matrix.columns) if matrix else (1, stop - start)
                found.append((start, self.place(start), *shape))
        return found

    def of(self, value: Value) -> tuple[int, list[int]] | None:
        """Return where a value begins and its strides, in elements; None where gaps part it."""
        start, steps = places(value)
        if value.shape == value.root.shape == (self.size,):  # gone through with all its gaps
            return (0, [1]) if (start, steps) == (0, [1]) else None
        length = 1 + sum((n - 1) * step for n, step in zip(value.shape, steps, strict=True))
        if any(step < 0 for step in steps):
            return None
        around = [m for m in self.matrices if m.start < start + length and start < m.stop]
        if not around:
            return self.place(start), steps
        matrix = around[0]
        if start < matrix.start or start + length > matrix.stop:
            return None
        by_rows = [step % matrix.columns == 0 for step in steps]
        along = sum(
            (n - 1) * step
            for n, step, rows in zip(value.shape, steps, by_rows, strict=True)
            if not rows
        )
        if (start - matrix.start) % matrix.columns + along >= matrix.columns:
            return None
        return self.place(start), [
            step + rows * step // matrix.columns * self.gap
            for step, rows in zip(steps, by_rows, strict=True)
        ]


def places(value: Value) -> tuple[int, list[int]]:
    """Return where a value begins in its root, and its strides, in elements."""
    size = value.root.dtype.itemsize
    steps = zip(value.shape, value.strides, strict=True)
    return value.offset // size, [stride // size if n > 1 else 0 for n, stride in steps]


def with_gaps(lines: Lines) -> dict[str, Gaps]:
    """Return the arrays of a step whose matrices are to have gaps: weights, and what is made."""
    n, gap = prod(lines.program.inputs["theta"].shape), ALIGNMENT // lines.dtype.itemsize
    values = [value for call in lines.calls for value in (*call.operands, call.out)]
    matrices: dict[str, set[Matrix]] = {}
    for call in lines.calls:
        if call.line.function.kind == "matmul":
            for value in (*call.operands, call.out):
                for matrix in _matrix(value):
                    matrices.setdefault(lines.name(value.root), set()).add(matrix)
    found = {
        name: Gaps(prod(root.shape), (Matrix(0, *root.shape),), gap)
        for root in {id(value.root): value.root for value in values}.values()
        for name in [lines.name(root)]
        if root.kind == "fresh" and root.ndim == 2 and name in matrices
    }
    weights = Gaps(n, _apart(matrices.get("theta", set())), gap)
    inputs = lines.program.inputs.values()  # some of them, perhaps, in no line
    vectors = {lines.name(v) for v in (*inputs, *(v.root for v in values)) if v.shape == (n,)}
    if weights.matrices and _alike(lines, n):
        found |= dict.fromkeys(vectors, weights)
    for value in values:
        name = lines.name(value.root)
        if name in found and found[name].of(value) is None:
            for each in vectors if name in vectors else (name,):
                found.pop(each, None)
    return found


def _matrix(value: Value) -> list[Matrix]:
    """Return the matrix that a product takes, if a gap behind its rows helps."""
    start, steps = places(value)
    if value.ndim != 2 or value.root.kind == "constant" or 1 in value.shape:
        return []
    way = 1 if steps[1] == 1 else -1  # as it lies, or transposed
    (rows, columns), steps = value.shape[::way], steps[::way]
    dense = steps == [columns, 1] and columns * value.dtype.itemsize % APART == 0
    return [Matrix(start, rows, columns)] if dense else []


def _apart(found: set[Matrix]) -> tuple[Matrix, ...]:
    """Return matrices none of which is a part of another; none at all where two overlap.

    >>> _apart({Matrix(0, 6, 2), Matrix(2, 3, 2), Matrix(12, 2, 4)})
    (Matrix(start=0, rows=6, columns=2), Matrix(start=12, rows=2, columns=4))
    >>> _apart({Matrix(0, 6, 2), Matrix(8, 4, 2)})
    ()
    """
    apart = list[Matrix]()
    for matrix in sorted(found, key=lambda m: (m.start, -m.stop)):
        if not apart or apart[-1].stop <= matrix.start:
            apart.append(matrix)
        elif apart[-1].stop < matrix.stop:
            return ()
    return tuple(apart)


def _alike(lines: Lines, n: int) -> bool:
    """Whether all that goes through n weights does the same to each, and nothing else is n long.

    What lies in the gaps is gone through as well: weights and derivatives that are zero.
    """
    for call in lines.calls:
        one_by_one = call.line.function.kind in ONE_BY_ONE
        for value in (*call.operands, call.out):
            vector = value.root.shape == (n,)
            if vector and value.root.kind == "constant" and lines.number(value) is None:
                return False
            if value.shape == (n,) and not (vector and one_by_one):
                return False
            if not vector and n in (*value.shape, *value.root.shape):
                return False
    return True
