"""Recorded lines as Python that runs without glassnet: for any number of rows, in functions.

A program is recorded for a number of rows. What depends on it is found by recording it for
another number too: a constant that is 1 / rows in both, a shape that has the rows in it.
"""

import re
from dataclasses import dataclass, replace
from types import CodeType
from typing import Any

import numpy as np

from glassnet.listing import Statement, Writer, wanted
from glassnet.planner import Call, needed
from glassnet.program import Line, Program
from glassnet.value import Value
from glassnet.vocabulary import Array, Function


class RowsError(ValueError):
    """Two programs of the same step differ in more than their number of rows explains."""


@dataclass(frozen=True)
class Code:
    """A program's statements as Python, and what they need.

    Attributes
    ----------
    statements : list of Statement
        In the order in which they run; `functions` stand in for the lines of their calls.
    functions : dict of str to str
        Small functions that the lines came from, by name, each as source.
    constants : dict of str to array
        Arrays that the lines use, by name, where they are not known before.
    shapes : dict of int to str
        What the statements make, by the id of their line's result; n is the number of rows.
    result : str
        What the loss is called, or without one the prediction.
    """

    statements: list[Statement]
    functions: dict[str, str]
    constants: dict[str, Array]
    shapes: dict[int, str]
    result: str


def code(
    program: Program,
    other: Program,
    results: tuple[str, ...] = (),
    known: dict[str, Array] | None = None,
) -> Code:
    """Return a program as Python, for as many rows as x has.

    Parameters
    ----------
    program, other : Program
        The same step, recorded for two numbers of rows.
    results : tuple of str
        Outputs to keep; left out, what the program is run for.
    known : dict of str to array, optional
        Constants of other code beside it; those that are new are added.

    Raises
    ------
    RowsError
        If they differ in something that is not understood.
    """
    lines, others = (_lines(each, results) for each in (program, other))
    pair = (program.inputs["x"].shape[-2], other.inputs["x"].shape[-2])
    known = {} if known is None else known
    constants = known.copy()
    shapes: dict[int, str] = {}
    keywords: dict[int, dict[str, Any]] = {}
    if len(lines) != len(others):
        raise RowsError("another number of lines")
    body = []
    for line, twin in zip(lines, others, strict=True):
        if line.function is not twin.function:
            raise RowsError("another function")
        shapes[id(line.result)] = _shape(line.result.shape, twin.result.shape, pair, "n")
        both = zip(line.operands, twin.operands, strict=True)
        operands = tuple(_operand(value, like, pair, constants) for value, like in both)
        body.append(replace(line, operands=operands))
        keywords[id(body[-1])] = _keywords(line, twin, pair)
    functions: dict[str, str] = {}
    body = _outlined(body, functions)
    writer = Writer(body, program.outputs.values(), "code", keywords)
    left = program.outputs["loss" if "loss" in program.outputs else "prediction"]
    new = {name: constants[name] for name in constants if name not in known}
    known.update(new)
    return Code(writer.statements, functions, new, shapes, writer.spell(left)[0])


def _lines(program: Program, results: tuple[str, ...]) -> list[Line]:
    """Return the lines that lead to what is wanted."""
    names = results or wanted(program)
    kept = [value.root for name, value in program.outputs.items() if name in names]
    kept += [value for name, value in program.inputs.items() if name in names]
    calls = [Call(line, line.operands, line.result) for line in program.lines]
    return [call.line for call in needed(calls, kept)]


def _keywords(line: Line, twin: Line, rows: tuple[int, int]) -> dict[str, Any]:
    """Return keywords that hold for any number of rows, where those of two programs differ."""
    found = {}
    for name, value in line.keywords.items():
        if value == twin.keywords[name]:
            continue
        if name != "shape":
            raise RowsError(f"another {name}")
        found[name] = _shape(value, twin.keywords[name], rows)
    return found


def _shape(
    one: tuple[int, ...], other: tuple[int, ...], rows: tuple[int, int], n: str = "len(x)"
) -> str:
    sides = []
    for a, b in zip(one, other, strict=True):
        if a != b and (a, b) != rows:
            raise RowsError("a shape that grows otherwise than the rows")
        sides.append(str(a) if a == b else n)
    return f"({', '.join(sides)},)" if len(sides) == 1 else f"({', '.join(sides)})"


def _operand(
    operand: Value, like: Value, rows: tuple[int, int], constants: dict[str, Array]
) -> Value:
    """Return an operand; a constant becomes one of its own, with its text for any rows."""
    value = operand
    if value.kind == "constant":
        text = _constant(value, like, rows, constants)
        return Value(value.program, "constant", value.sample(), data=value.data, text=text)
    while value.parent is not None and like.parent is not None:
        if value.text != like.text:
            raise RowsError("another view")
        if value.parent.kind == "constant":
            raise RowsError("a view of a constant")
        value, like = value.parent, like.parent
    return operand


def _constant(value: Value, like: Value, rows: tuple[int, int], constants: dict[str, Array]) -> str:
    """Return how a constant is written."""
    one, other = np.asarray(value.data), np.asarray(like.data)
    if one.ndim == 0:
        if one == other:
            return value.text
        dtype = one.dtype.type
        if one == dtype(1 / rows[0]) and other == dtype(1 / rows[1]):
            return "share"
        raise RowsError("a number that is not 1 / rows")
    if one.shape != other.shape:
        if one.size == 0 or other.size == 0 or np.ptp(one) or one.flat[0] != other.flat[0]:
            raise RowsError("an array for each number of rows")
        shape = _shape(one.shape, other.shape, rows)
        return f'np.full({shape}, {one.flat[0]!r}, "{one.dtype}")'.replace("np.float", "float")
    if one.tobytes() != other.tobytes():
        raise RowsError("another array")
    for name, known in constants.items():
        if known.dtype == one.dtype and np.array_equal(known, one):
            return name
    counting = one.ndim == 1 and np.array_equal(one, np.arange(len(one)))
    name = f"numbers{len(one)}" if counting else f"c{len(constants) + 1}"
    constants[name] = one
    return name


def _outlined(lines: list[Line], functions: dict[str, str]) -> list[Line]:
    """Put a call in the place of lines that one call of a plain function of one array wrote."""
    result, i = [], 0
    while i < len(lines):
        j = i + 1
        while j < len(lines) and (lines[j].code, lines[j].call) == (lines[i].code, lines[i].call):
            j += 1
        call = _call(lines[i:j], lines[j:], functions)
        result += lines[i:j] if call is None else [call]
        i = j
    return result


def _call(group: list[Line], later: list[Line], functions: dict[str, str]) -> Line | None:
    """Return the line that calls a function of these lines, or None where they are none."""
    code, last = group[0].code, group[-1]
    if code is None or "." in code.co_qualname or code.co_argcount != 1 or len(group) < 2:
        return None
    made = {id(line.result) for line in group}
    outside = [o for line in group for o in line.operands if id(o.root) not in made]
    given = {id(value): value for value in outside if value.root.kind != "constant"}
    inner = made - {id(last.result)}
    leaves = any(id(o.root) in inner for line in later for o in line.operands)
    if len(given) != 1 or leaves or any(line.writes or line.keywords for line in group):
        return None
    argument = next(iter(given.values()))
    source = _source(code, group, argument)
    if functions.setdefault(code.co_name, source) != source:
        return None
    function = Function(code.co_name, "elementwise", np.copy, f"{code.co_name}({{0}})", "")
    return replace(last, function=function, operands=(argument,), keywords={})


def _source(code: CodeType, group: list[Line], given: Value) -> str:
    """Return the function that these lines are the body of."""
    argument, values = code.co_varnames[0], [given, *(line.result for line in group)]
    known = [value.name for value in values]
    try:
        given.name, group[-1].result.name = argument, "result"
        for line in group[:-1]:
            if line.result.name is not None:
                line.result.name = re.sub(r"\d*(_\d+)?$", "", line.result.name)
        statements = Writer(group, [group[-1].result], "code").statements
    finally:
        for value, name in zip(values, known, strict=True):
            value.name = name
    doc = str(code.co_consts[0] or "").strip().split("\n")[0]
    body = [f"    {each}" for each in statements[:-1]]
    end = f"    return {statements[-1].expression}"
    return "\n".join([f"def {code.co_name}({argument}):", f'    """{doc}"""', *body, end])
