"""One block of memory for a step: where each array lies in it, and how its elements are named."""

from math import prod

from glassnet.engines.gaps import places, with_gaps
from glassnet.engines.lines import Lines, UntranslatableError
from glassnet.engines.nests import FEW, FUSED, Nest, nests, together
from glassnet.engines.shares import touches
from glassnet.planner import ALIGNMENT, Call
from glassnet.value import Value


class Block:
    """Where the arrays of a step lie, and which of them no memory is needed for.

    Attributes
    ----------
    offsets : dict of str to int
        Where each array lies in the block; `size` elements in all.
    threads : int
        How many share the loops, each from ``_b{n}`` to ``_e{n}`` of an axis of n.
    """

    def __init__(self, lines: Lines, threads: int = 1) -> None:
        self.lines, self.threads = lines, threads
        self.offsets: dict[str, int] = {}
        self.size = 0
        self._parts: set[int] = set()  # lengths of the axes that are cut
        self._groups = together(nests(lines, self.shared), lines)
        self._within = self._locals()  # arrays that only one loop touches, which keeps none of it
        self._upright = self._columns()  # arrays that lie column by column
        self.gaps = with_gaps(lines)
        vector = self.gaps.get("theta")  # a loop through all weights goes through the gaps, too
        self._through = {vector.size: vector.place(vector.size)} if vector else {}
        inputs = lines.program.inputs
        for name in sorted(lines.used()):
            if inputs[name].shape:
                self._array(inputs[name])

    @property
    def shared(self) -> bool:
        """Whether threads share the loops."""
        return self.threads > 1

    def room(self, elements: int) -> int:
        """Return where so many more elements begin."""
        step = ALIGNMENT // self.lines.dtype.itemsize
        start, self.size = self.size, self.size - -elements // step * step
        return start

    def range(self, n: int, cut: bool) -> str:
        """Return how far a loop of n goes: from one end to the other, or a thread's part."""
        n = self._through.get(n, n)
        if cut:
            self._parts.add(n)
        return f"_b{n}, _e{n}" if cut else str(n)

    def _ranges(self, shape: tuple[int, ...], axis: int | None) -> list[tuple[str, str]]:
        """Return the indices of loops over a shape, and how far each goes."""
        return [(f"_i{i}", self.range(n, i == axis)) for i, n in enumerate(shape)]

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
        name = self.lines.name(value.root)
        if name in self.gaps:
            found = self.gaps[name].of(value)
            if found is None:  # no line has such a value, or there would be no gaps
                raise UntranslatableError(f"a part of {name} across its gaps")
            return found
        start, steps = places(value)
        if name not in self._upright:
            return start, steps
        rows, columns = value.root.shape
        turned = {columns: 1, 1: rows, 0: 0}
        return start // columns + start % columns * rows, [
            turned.get(step, 0) if n > 1 else 0 for step, n in zip(steps, value.shape, strict=True)
        ]

    def _array(self, root: Value) -> int:
        """Return where an array begins in the block, counted in elements."""
        name = self.lines.name(root)
        if name not in self.offsets:
            gaps, size = self.gaps.get(name), prod(root.shape)
            self.offsets[name] = self.room(gaps.place(size) if gaps else size)
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


def loops(around: list[tuple[str, str]], inner: list[str]) -> list[str]:
    """Return statements within loops, outermost first."""
    for index, extent in reversed(around):
        inner = [f"for {index} in range({extent}):", *("    " + line for line in inner)]
    return inner


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
