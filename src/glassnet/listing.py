"""A program in print: its lines as they were written, with shapes, layer by layer.

A value that has no name and is used once, in its own section, is printed inside the line that
uses it, so that a line reads like the code that it was recorded from. Three spellings: as text,
as mathematics, and as Python that runs.
"""

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

from glassnet import checks
from glassnet.network import Network
from glassnet.optimizers import OPTIMIZERS
from glassnet.parts import Optimizer
from glassnet.planner import Call, Replay
from glassnet.program import Line, Program
from glassnet.step import MODES, Variant
from glassnet.value import Value
from glassnet.vocabulary import ATOM

if TYPE_CHECKING:
    from glassnet.insight.profile import Profile

AXES: dict[tuple[int, ...], str] = {
    (-2,): "_rows",
    (-1,): "_columns",
}  # what a sum goes over, in mathematics


@dataclass(frozen=True)
class Statement:
    """One printed line: the last of the recorded lines that it stands for, and its text."""

    line: Line
    target: str
    expression: str

    def __str__(self) -> str:
        return f"{self.target} = {self.expression}"


@dataclass(frozen=True)
class Row:
    """A printed line, with what stands beside it.

    Attributes
    ----------
    section, owner, source : str
        Where it belongs: ``forward``, ``1 Dense`` and ``layers.py:60 Dense.forward``.
    text, shape : str
        The line, and the shape of what it makes.
    """

    section: str
    text: str
    shape: str
    owner: str
    source: str

    def __str__(self) -> str:
        return self.text


def statements(program: Program, style: str = "text") -> list[Statement]:
    """Return a program as the statements that its code was written in.

    Parameters
    ----------
    program : Program
    style : str
        ``text``, ``math`` or ``code``.
    """
    return Writer(program.lines, program.outputs.values(), style).statements


def rows(program: Program, style: str = "text") -> list[Row]:
    """Return a program's printed lines in a style: text, math or replayed."""
    if style == "replayed":
        return [
            Row(
                *(call.line.section, text),
                *(str(call.out.shape), call.line.owner, call.line.source),
            )
            for call, text in spelled(program)
        ]
    return [
        Row(
            *(each.line.section, str(each)),
            *(str(each.line.result.shape), each.line.owner, each.line.source),
        )
        for each in statements(program, style)
    ]


def spelled(program: Program) -> list[tuple[Call, str]]:
    """Return the calls of a program's replay, with their text and what each result is called."""
    replay = Replay(program, wanted(program))
    numbers = {name: value.text for name, value in replay.values.items() if value.text[:1] != "c"}
    texts = [line.strip() for line in replay.source.splitlines()[1:]]
    named = []
    for call, text in zip(replay.calls, texts, strict=True):
        text = re.sub(r"\bc\d+\b", lambda found: numbers.get(found[0]) or found[0], text)
        name = call.line.result.name
        known = name is None or call.line.writes or re.search(rf"\b{name}\)$", text)
        named.append((call, text if known else f"{text}  # {name}"))
    return named


def wanted(program: Program) -> tuple[str, ...]:
    """Return what a program is run for: what it writes into, its loss, or its prediction."""
    written = {id(line.result.root) for line in program.lines if line.writes}
    inputs = [name for name, value in program.inputs.items() if id(value) in written]
    return (*inputs, "loss" if "loss" in program.outputs else "prediction")


def listing(program: Program, style: str = "text") -> str:
    """Return a program as numbered lines in sections, each with its shape and its owner.

    Mathematics and the replayed spelling also name the line of source that wrote each.
    """
    table = rows(program, style)
    sourced = style != "text"
    texts = [f"{number:4d}  {row.text}" for number, row in enumerate(table, 1)]
    wide = max((len(text) for text in texts), default=0)
    widths = [max((len(getattr(r, n)) for r in table), default=0) for n in ("shape", "owner")]
    lines, section = [], ""
    for row, text in zip(table, texts, strict=True):
        if row.section != section:
            section = row.section
            lines.append(section)
        source = f"  {row.source}" if sourced else ""
        parts = f"{text:<{wide}}  {row.shape:<{widths[0]}}  {row.owner:<{widths[1]}}{source}"
        lines.append(parts.rstrip())
    return "\n".join(lines)


def page(program: Program, style: str = "text") -> str:
    """Return a program as an HTML table, for notebooks."""
    body, section = [], ""
    for number, row in enumerate(rows(program, style), 1):
        if row.section != section:
            section = row.section
            body.append(f'<tr><th colspan="5" style="text-align:left">{section}</th></tr>')
        beside = [html.escape(each) for each in (row.shape, row.owner, row.source)]
        cells = [str(number), f"<code>{html.escape(row.text)}</code>", *beside]
        body.append(
            "<tr>" + "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells) + "</tr>"
        )
    return f"<table>{''.join(body)}</table>"


class Listing(Program):
    """A program to look at: print it, index it, go through its lines, step through them.

    Attributes
    ----------
    style : str
        How it is printed: ``text``, ``math`` or ``replayed``.
    """

    def __init__(
        self,
        program: Program,
        style: str,
        steps: Iterator[Any] | None = None,
        setting: tuple[Network, dict[str, Any], Any, Any] | None = None,
    ) -> None:
        vars(self).update(vars(program))
        self.style, self._steps, self._setting = style, steps, setting
        self._rows = rows(program, style)

    def __str__(self) -> str:
        return listing(self, self.style)

    def _repr_html_(self) -> str:
        return page(self, self.style)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __getitem__(self, place: int) -> Row:
        return self._rows[place]

    def step(self) -> Any:
        """Run the next line on the rows that the program was given, and return it with its value.

        Returns None behind the last line.
        """
        if self._steps is None:
            raise ValueError("step: expected rows to run on: net.program(X=..., y=...).step()")
        return next(self._steps, None)

    def profile(self, seconds: float = 1.0) -> "Profile":
        """Run the step again and again for so long, and return how long each line takes.

        On copies of the weights, and on the rows that the program was given or else on random
        ones: the network is not changed. A statement's time is that of its replayed calls; those
        of ``net.program(replayed=True)`` are told one by one.

        Parameters
        ----------
        seconds : float
            For how long; a few steps are timed however short it is.

        Examples
        --------
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], inputs=2, seed=0)
        >>> [row.text for row in net.program(mode="predict", replayed=True).profile(seconds=0.01)]
        ['x.dot(W1, t1)', 'add(t1, b1, t1)  # z1']
        """
        if self._setting is None:
            raise ValueError("profile: expected a network's program: net.program().profile()")
        from glassnet.insight.profile import profile

        return profile(self, self.style, *self._setting, seconds)


def listed(
    network: Network,
    rows: int,
    mode: str,
    *,
    optimizer: str | Optimizer = "adam",
    weighted: bool = False,
    own: bool = False,
    l2: float = 0.0,
    weight_decay: float | None = None,
    clip_norm: float | None = None,
    math: bool = False,
    replayed: bool = False,
    X: Any = None,
    y: Any = None,
) -> Listing:
    """Return a network's program to look at; `Network.program` tells the options."""
    rule = checks.find("optimizer", optimizer, OPTIMIZERS, Optimizer)
    decay = bool(rule.weight_decay if weight_decay is None else weight_decay)
    clip = clip_norm is not None
    if checks.flag("math", math) and checks.flag("replayed", replayed):
        raise ValueError("replayed: expected False beside math=True, got True")
    style = "math" if math else "replayed" if replayed else "text"
    how = {"optimizer": rule, "l2": l2, "weight_decay": weight_decay, "clip_norm": clip_norm}
    setting = (network, how, X, y)
    if X is not None:
        from glassnet.insight.trace import stepping

        program, steps = stepping(network, X, y, how)
        return Listing(program, style, steps, setting)
    variant = Variant(checks.whole("rows", rows), checks.one_of("mode", mode, MODES))
    if mode == "train":
        variant = replace(variant, rule=rule, decay=decay, clip=clip)
    variant = replace(variant, weighted=weighted, own=own, l2=bool(l2))
    return Listing(network.recorded(variant), style, setting=setting)


class Writer:
    """Writes recorded lines as statements.

    Parameters
    ----------
    lines : list of Line
    kept : iterable of Value
        Values that somebody wants besides the lines themselves.
    style : str
        ``text``, ``math`` or ``code``.
    keywords : dict of int to dict, optional
        Other keywords for lines, by their id.
    """

    def __init__(
        self,
        lines: list[Line],
        kept: Iterable[Value],
        style: str = "text",
        keywords: dict[int, dict[str, Any]] | None = None,
    ) -> None:
        self.statements: list[Statement] = []
        self._style, self._keywords = style, keywords or {}
        self._uses = Counter(
            id(value)
            for line in lines
            for operand in line.operands
            for value in _with_parents(operand)
        )
        self._uses.update(id(value) for value in kept)
        self._inside: dict[int, tuple[str, int]] = {}
        self._names: dict[int, str] = {}
        taken = {value.root.name for line in lines for value in (line.result, *line.operands)}
        free = (name for name in map("t{}".format, count(1)) if name not in taken)
        for i, line in enumerate(lines):
            text = self._expression(line)
            if self._folds(line, lines[i + 1 :]):
                self._inside[id(line.result)] = text
                continue
            if line.writes:
                target = self.spell(line.result)[0]
                target = target if "[" in target else f"{target}[...]"
                if style == "math":  # where a name simply stands for its new value
                    target = target.removesuffix("[...]")
            else:
                target = line.result.name or next(free)
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
        function, template = line.function, line.function.spelling(self._style)
        spelled = [self.spell(operand) for operand in line.operands]
        if line.writes:
            return spelled[0]
        binds = function.precedence
        if template.startswith("{0}^") or template.startswith("1/"):
            binds = 7  # a power in mathematics is a call elsewhere
        if binds < ATOM:
            # the right side of - and / binds tighter than the operator itself
            spelled = [
                (f"({text})" if rank < binds + (i > 0) else text, rank)
                for i, (text, rank) in enumerate(spelled)
            ]
        elif template.startswith("{0}."):
            spelled = [(text if rank == ATOM else f"({text})", ATOM) for text, rank in spelled]
        parts = ", ".join(text for text, _ in spelled)
        if self._style != "math":
            parts = f"({parts},)" if len(spelled) == 1 else f"({parts})"
        keywords = line.keywords | self._keywords.get(id(line), {})
        over = AXES.get(_several(keywords.get("axis", ())), "")
        kept = ", keepdims=True" if keywords.get("keepdims") else ""
        extra = {"parts": parts, "over": over, "kept": kept, **keywords}
        text = template.format(*(text for text, _ in spelled), **extra)
        return text, binds

    def spell(self, value: Value) -> tuple[str, int]:
        """Return a value as it is printed, and how tightly that binds."""
        if value.name is not None:
            return value.name, ATOM
        if value.parent is not None:
            text, rank = self.spell(value.parent)
            text = text if rank == ATOM else f"({text})"
            return _view(value.text, self._style).format(text), ATOM
        if value.kind == "constant":
            return value.text, ATOM if not value.text.startswith("-") else 6
        if id(value) in self._inside:
            return self._inside[id(value)]
        return self._names.get(id(value), "?"), ATOM


def _view(text: str, style: str) -> str:
    """Return the format of a view in a style."""
    if style == "math":
        return text.replace(".mT", "^T") if text.startswith("{0}") else "{0}"
    return f"np.{text}" if style == "code" and not text.startswith("{0}") else text


def _several(axis: Any) -> tuple[int, ...]:
    return axis if isinstance(axis, tuple) else (axis,)


def _with_parents(value: Value) -> list[Value]:
    chain = [value]
    while chain[-1].parent is not None:
        chain.append(chain[-1].parent)
    return chain
