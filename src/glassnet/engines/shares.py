"""A step that threads share: who goes through which part of a loop, and where they must meet.

Every loop is cut along one axis, so that each thread writes a part of its own and no sum is taken
by two: what comes out does not depend on how many they are, as far as products do not. Two loops
need nobody to wait in between where each thread touches, in both, its own part of the same rows.
"""

from dataclasses import dataclass

from glassnet.engines.lines import axes
from glassnet.planner import Call
from glassnet.value import Value


@dataclass(frozen=True)
class Touch:
    """What a loop does to a value: whether it writes, and the axis that threads have parts of.

    Without an axis, a thread may touch all of it.
    """

    value: Value
    writes: bool
    axis: int | None

    def meets(self, other: "Touch") -> bool:
        """Whether a thread may touch what another one does, and one of them writes."""
        if not (self.writes or other.writes) or not self.value.overlaps(other.value):
            return False
        if self.axis is None or other.axis is None:
            return True
        mine, theirs = self.value, other.value
        if mine.coincides(theirs) and self.axis == other.axis:
            return False
        alike = self._cut == other._cut
        return not (alike and self._in_blocks and other._in_blocks)

    @property
    def _cut(self) -> tuple[int, int]:
        """How far apart its parts lie, and how many there are."""
        axis = self.axis or 0
        return self.value.strides[axis], self.value.shape[axis]

    @property
    def by_rows(self) -> bool:
        """Whether its parts are rows of the array that it is of."""
        stride, n = self._cut
        root = self.value.root
        whole = (stride, n) == (root.strides[0], root.shape[0])
        return bool(whole and self._in_blocks)

    @property
    def _in_blocks(self) -> bool:
        """Whether what lies at one place of the axis lies between it and the next."""
        stride, n = self._cut
        low, high = self.value.reach
        return bool(low >= 0 and high - (n - 1) * stride <= stride)


INNER = 2  # a product's axis that it sums over, beside its rows and columns


def cut(calls: list[Call]) -> int | None:
    """Return the axis along which threads share a loop, or None where it has no such axis.

    Along rows where that can be; a product that has more columns than rows along these, for then
    each thread reads all of the smaller factor and its part of the larger.
    """
    call = calls[0]
    kind = call.line.function.kind
    if kind == "matmul":
        if call.out.ndim > 2:
            return 0
        rows, columns = call.out.shape
        return None if rows == columns == 1 else int(columns > rows)
    if kind == "random":
        return None
    shape = call.operands[0].shape if kind == "reduce" else call.out.shape
    gone = {axis for each in calls if each.line.function.kind == "reduce" for axis in axes(each)}
    if kind == "join":
        gone = {call.line.keywords["axis"] % len(shape)}
    kept = [axis for axis, n in enumerate(shape) if axis not in gone and n > 1]
    return kept[0] if kept else None


def touches(calls: list[Call], axis: int | None) -> list[Touch]:
    """Return what a loop that is cut along an axis touches."""
    found = []
    for call in calls:
        places = _product(call, axis) if call.line.function.kind == "matmul" else _each(call, axis)
        for value, place in zip((call.out, *call.operands), places, strict=True):
            found.append(Touch(value, value is call.out, place))
    return found


def _product(call: Call, axis: int | None) -> tuple[int | None, ...]:
    """Return the axes of a product's result and factors that are cut."""
    if axis is None:
        return None, None, None
    if call.out.ndim > 2:
        parts = (part.ndim == call.out.ndim and part.shape[0] > 1 for part in call.operands)
        return 0, *(0 if whole else None for whole in parts)
    return ((0, 0, None), (1, None, 1), (0, 1, 0))[axis]


def _each(call: Call, axis: int | None) -> list[int | None]:
    """Return the axes of a line's result and operands that are cut."""
    reduces = call.line.function.kind == "reduce"
    ndim = call.operands[0].ndim if reduces else call.out.ndim
    places: list[int | None] = []
    for value in (call.out, *call.operands):
        place = None if axis is None else axis - (ndim - value.ndim)
        if value is call.out and reduces and axis is not None and value.ndim < ndim:
            place = axis - sum(other < axis for other in axes(call))
        standing = place is None or place < 0 or value.shape[place] == 1
        places.append(None if standing else place)
    return places
