"""A program in print: its lines as they were written, with shapes, layer by layer.

A value that has no name and is used once, in its own section, is printed inside the line that
uses it, so that a line reads like the code that it was recorded from.
"""

from collections import Counter
from dataclasses import dataclass

from glassnet.program import Line, Program
from glassnet.value import Value
from glassnet.vocabulary import ATOM


@dataclass(frozen=True)
class Statement:
    """One printed line: the last of the recorded lines that it stands for, and its text."""

    line: Line
    target: str
    expression: str


def statements(program: Program) -> list[Statement]:
    """Return a program as the statements that its code was written in."""
    return _Writer(program).statements


def listing(program: Program) -> str:
    """Return a program as numbered statements in sections, each with its shape and its owner."""
    rows: list[tuple[str, str, str, str]] = []
    for number, statement in enumerate(statements(program), 1):
        line = statement.line
        text = f"{number:4d}  {statement.target} = {statement.expression}"
        rows.append((line.section, text, str(line.result.shape), line.owner))
    width = max((len(text) for _, text, _, _ in rows), default=0)
    wide = max((len(shape) for _, _, shape, _ in rows), default=0)
    lines, section = [], ""
    for place, text, shape, owner in rows:
        if place != section:
            section = place
            lines.append(section)
        lines.append(f"{text:<{width}}  {shape:<{wide}}  {owner}".rstrip())
    return "\n".join(lines)


class _Writer:
    def __init__(self, program: Program) -> None:
        self.statements: list[Statement] = []
        self._uses = Counter(
            id(value)
            for line in program.lines
            for operand in line.operands
            for value in _with_parents(operand)
        )
        self._uses.update(id(value) for value in program.outputs.values())
        self._inside: dict[int, tuple[str, int]] = {}
        self._names: dict[int, str] = {}
        lines = program.lines
        for i, line in enumerate(lines):
            text = self._expression(line)
            if self._folds(line, lines[i + 1 :]):
                self._inside[id(line.result)] = text
                continue
            if line.writes:
                target = self.spell(line.result)[0]
                target = target if "[" in target else f"{target}[...]"
            else:
                target = line.result.name or f"t{len(self._names) + 1}"
                if line.result.name is None:
                    self._names[id(line.result)] = target
            self.statements.append(Statement(line, target, text[0]))

    def _folds(self, line: Line, later: list[Line]) -> bool:
        """Whether a line can be printed inside the one that uses it without a change of meaning."""
        if line.writes or line.result.name is not None or self._uses[id(line.result)] != 1:
            return False
        for other in later:
            if any(operand.root is line.result for operand in other.operands):
                return other.section == line.section
            if other.writes or other.function.kind == "random":
                return False
        return False

    def _expression(self, line: Line) -> tuple[str, int]:
        function = line.function
        spelled = [self.spell(operand) for operand in line.operands]
        if function.precedence < ATOM:
            # the right side of - and / binds tighter than the operator itself
            spelled = [
                (f"({text})" if rank < function.precedence + (i > 0) else text, rank)
                for i, (text, rank) in enumerate(spelled)
            ]
        parts = f"({', '.join(text for text, _ in spelled)})"
        if line.writes:
            return spelled[0]
        text = function.text.format(*(text for text, _ in spelled), parts=parts, **line.keywords)
        return text, function.precedence

    def spell(self, value: Value) -> tuple[str, int]:
        """Return a value as it is printed, and how tightly that binds."""
        if value.name is not None:
            return value.name, ATOM
        if value.parent is not None:
            text, rank = self.spell(value.parent)
            text = text if rank == ATOM else f"({text})"
            return value.text.format(text), ATOM
        if value.kind == "constant":
            return value.text, ATOM if not value.text.startswith("-") else 6
        if id(value) in self._inside:
            return self._inside[id(value)]
        return self._names.get(id(value), "?"), ATOM


def _with_parents(value: Value) -> list[Value]:
    chain = [value]
    while chain[-1].parent is not None:
        chain.append(chain[-1].parent)
    return chain
