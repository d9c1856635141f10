"""Which lines share a loop: as many as may be, for then memory is gone through more seldom."""

from dataclasses import dataclass, field
from math import prod

from glassnet.engines.lines import Lines, axes
from glassnet.engines.shares import touches
from glassnet.planner import Call

FUSED = ("elementwise", "select", "copy", "cast", "reduce")
FEW = 8  # numbers of a row up to which all that is done to it is done at once


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
        apart = self.shared or prod(self.shape[1:]) <= FEW
        if apart and _by_rows(call) != _by_rows(self.calls[0]):
            return False
        if any(_meet(call, other) for other in skipped):
            return False
        return all(self._beside(call, other) for other in self.calls)

    @property
    def by_rows(self) -> bool:
        """Whether it has few numbers a row, and goes through the rows one by one."""
        few = len(self.shape) > 0 and self.shape[0] > 1 and 0 < prod(self.shape[1:]) <= FEW
        kinds = {call.line.function.kind for call in self.calls}
        return few and kinds <= {*FUSED} and all(_by_rows(call) for call in self.calls)

    def order(self) -> list[int]:
        """Return its axes as its loops go, outermost first: few sums are taken one by one."""
        gone = {axes(call) if call.line.function.kind == "reduce" else () for call in self.calls}
        every = range(len(self.shape))
        over = gone.pop() if len(gone) == 1 else ()
        kept = [axis for axis in every if axis not in over]
        few = prod(self.shape[axis] for axis in kept) <= FEW
        return [*kept, *over] if over and few else list(every)

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
    """Whether a line's loop can go through its first axis with all others inside."""
    if call.line.function.kind != "reduce":
        return True
    kept = call.operands[0].ndim - len(axes(call))
    return kept > 0 and axes(call) == tuple(range(kept, call.operands[0].ndim))


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


def together(found: list[Nest], lines: Lines) -> list[list[Nest]]:
    """Return nests in groups that share the loop over their rows, if these are short.

    Each touches only its own row of what another one in the group touches.
    """
    pending, result = list(found), []
    while pending:
        group, skipped = [pending.pop(0)], list[Nest]()
        if group[0].by_rows:
            touched = touches(group[0].calls, 0)
            for nest in pending:
                more = touches(nest.calls, 0) if nest.by_rows else []
                alike = nest.by_rows and nest.shape[0] == group[0].shape[0]
                alike = alike and _optional(nest, lines) == _optional(group[0], lines)
                before = [call for other in skipped for call in other.calls]
                if (
                    alike
                    and not any(_meet(call, other) for call in nest.calls for other in before)
                    and not any(each.meets(other) for each in more for other in touched)
                ):
                    group.append(nest)
                    touched += more
                else:
                    skipped.append(nest)
            pending = skipped
        result.append(group)
    return result


def _optional(nest: Nest, lines: Lines) -> bool:
    return id(nest.calls[0]) in lines.optional
