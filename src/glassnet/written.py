"""A program run as it is written: the reference for whatever runs it faster."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet.program import Line, Program
from glassnet.value import Value


class Written:
    """A run of a program as it is written, with memory of its own for every line.

    Iterating runs the next line and yields it with its array; `array` looks up any value.
    """

    def __init__(self, program: Program, arrays: dict[str, NDArray[Any]], rng: Any = None) -> None:
        self.program, self._rng = program, rng
        self._roots = {id(value): arrays[name] for name, value in program.inputs.items()}

    def __iter__(self) -> Iterator[tuple[Line, NDArray[Any]]]:
        for line in self.program.lines:
            operands = [self.array(operand) for operand in line.operands]
            if line.writes:
                self.array(line.result)[...] = operands[0]
            else:
                draws = (self._rng,) if line.function.kind == "random" else ()
                result = line.function.run(*draws, *operands, **line.keywords)
                self._roots[id(line.result)] = np.asarray(result)
            yield line, self.array(line.result)

    def array(self, value: Value) -> NDArray[Any]:
        """Return the array that a value has now."""
        root = value.root
        return value.of(root.data if root.data is not None else self._roots[id(root)])
