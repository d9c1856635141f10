"""A profile: how long each line of a step takes, timed where it stands among the others.

The planned calls run as they do in training, one after another, with a clock read between each
two. So every line finds in the caches what the lines before it left there. Nothing here knows a
layer.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter, perf_counter_ns
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.listing import Row, rows, spelled, statements, wanted
from glassnet.network import Network
from glassnet.parts import Loss
from glassnet.plan import Plan
from glassnet.planner import Replay
from glassnet.program import Program
from glassnet.run import BUFFER
from glassnet.vocabulary import Array

FEWEST, MOST = 5, 20_000  # steps of each kind that are timed
WIDE, BAR = 100, 6  # columns of a table, and of the longest bar in it


@dataclass(frozen=True)
class Timed(Row):
    """A line in print, with the time that it takes.

    Attributes
    ----------
    calls : int
        Replayed calls that the line stands for. It has none where nobody wants what it makes,
        or where another line has made it already.
    microseconds, share : float
        What they take, and which part of all lines that is.
    """

    calls: int
    microseconds: float
    share: float


class Profile:
    """How long each line of a step takes; made by ``net.program().profile()``.

    Attributes
    ----------
    rows : list of Timed
        Every printed line with its time, in the order in which they ran.
    step : float
        Microseconds of the whole step, called as one.
    unread : float or None
        The same of a step whose loss nobody reads: it has no loss lines. None where there is
        nothing but the loss, or no loss.
    products : float
        The part of the lines' time that matrix products take.
    clock : float
        Microseconds that reading the clock takes, already taken off every time here.
    repeats : int
        How many steps were timed; a time is the median over them.

    Examples
    --------
    >>> import glassnet as gn
    >>> net = gn.Network([gn.Dense(8, "relu"), gn.Dense(1)], inputs=4, seed=0)
    >>> profile = net.program(rows=32, optimizer="sgd").profile(seconds=0.01)
    >>> profile[0].text, profile[0].owner, profile[0].calls
    ('z1 = x @ W1 + b1', '1 Dense', 2)
    >>> list(profile.sections), round(sum(row.share for row in profile), 6)
    (['forward', 'loss', 'backward', 'update'], 1.0)
    """

    def __init__(
        self, program: Program, style: str, arrays: dict[str, Array], rng: Any, seconds: float
    ) -> None:
        checks.number("seconds", seconds, 0)
        names = wanted(program)
        others = tuple(name for name in names if name != "loss")
        kinds = [names] if others in ((), names) else [names, others]
        steps = [_Timing(program, each) for each in kinds]
        for each in steps:
            each.bind(rng, **arrays)
        with _quiet(program):
            times, wholes, self.clock, self.repeats = measure(steps, seconds)
        self.step: float = wholes[0]
        self.unread: float | None = wholes[1] if len(wholes) > 1 else None
        total = float(times.sum())
        pairs = list(zip(steps[0].calls, times.tolist(), strict=True))
        self.products = sum(t for call, t in pairs if call.line.function.kind == "matmul") / total
        if style == "replayed":
            places = {id(call.line): i for i, (call, _) in enumerate(spelled(program))}
        else:
            places = _places(program, style)
        taken: list[list[float]] = [[] for _ in rows(program, style)]
        for call, time in pairs:
            taken[places[id(call.line)]].append(time)
        self.rows = [
            Timed(**vars(row), calls=len(own), microseconds=sum(own), share=sum(own) / total)
            for row, own in zip(rows(program, style), taken, strict=True)
        ]

    @property
    def microseconds(self) -> float:
        """The sum of all lines."""
        return sum(row.microseconds for row in self.rows)

    @property
    def sections(self) -> dict[str, float]:
        """Microseconds of forward, loss, backward and update."""
        return self._sums("section")

    @property
    def owners(self) -> dict[str, float]:
        """Microseconds of each layer, of the loss and of the optimizer."""
        return self._sums("owner")

    def _sums(self, name: str) -> dict[str, float]:
        sums: dict[str, float] = {}
        for row in self.rows:
            key = getattr(row, name)
            sums[key] = sums.get(key, 0.0) + row.microseconds
        return sums

    def __iter__(self) -> Iterator[Timed]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> Timed:
        return self.rows[place]

    def __str__(self) -> str:
        return "\n".join([*self._lines(), "", *self._table(), "", *self._words()])

    __repr__ = __str__

    def _lines(self) -> list[str]:
        """Return the lines with their times, as wide as the text allows."""
        shape, owner = (max(len(getattr(r, n)) for r in self.rows) for n in ("shape", "owner"))
        room = max(WIDE - 6 - shape - owner - 22 - BAR, 24)
        wide = min(max(len(row.text) for row in self.rows), room)
        most = max(row.share for row in self.rows)
        lines, section = [], ""
        for number, row in enumerate(self.rows, 1):
            if row.section != section:
                title = "" if section else f"{'microseconds':>{wide + shape + owner + 19}}      %"
                section = row.section
                lines.append(f"{section}{title[len(section) :]}")
            text = row.text if len(row.text) <= wide else f"{row.text[: wide - 4]} ..."
            time = f"{_number(row.microseconds):>7}  {100 * row.share:5.1f}" if row.calls else "-"
            bar = "█" * round(BAR * row.share / most)
            line = f"{number:4d}  {text:<{wide}}  {row.shape:<{shape}}  {row.owner:<{owner}}"
            lines.append(f"{line}  {time:<14}  {bar}".rstrip())
        return lines

    def _table(self) -> list[str]:
        """Return the sums by layer and section."""
        sections = list(self.sections)
        cells = [["", *sections, "all", "%"]]
        for owner, total in self.owners.items():
            own = [self._cell(section, owner) for section in sections]
            cells.append([owner, *own, *self._total(total)])
        sums = [_number(time) for time in self.sections.values()]
        cells.append(["all", *sums, *self._total(self.microseconds)])
        widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
        lines = []
        for name, *numbers in cells:
            beside = (f"  {n:>{max(wide, 6)}}" for n, wide in zip(numbers, widths[1:], strict=True))
            lines.append(f"{name:<{widths[0]}}{''.join(beside)}")
        return lines

    def _cell(self, section: str, owner: str) -> str:
        own = [r for r in self.rows if r.calls and (r.section, r.owner) == (section, owner)]
        return _number(sum(row.microseconds for row in own)) if own else ""

    def _total(self, time: float) -> tuple[str, str]:
        return _number(time), f"{100 * time / self.microseconds:.1f}"

    def _words(self) -> list[str]:
        calls, sums = sum(row.calls for row in self.rows), _number(self.microseconds)
        lines = [
            f"The step takes {_number(self.step)} microseconds, called as one; its {calls} calls "
            f"{sums} in sum,",
            f"{100 * self.products:.0f} % of it matrix products.",
            f"Medians of {self.repeats:,} steps; the clock's {1000 * self.clock:.0f} nanoseconds "
            "are taken off each call.",
        ]
        if self.unread is not None:
            lines[1] += f" Where nobody reads the loss it takes {_number(self.unread)}."
        if any(not row.calls for row in self.rows):
            lines.append("A line with - does not run: nobody wants it, or another has done it.")
        return lines


class _Timing(Replay):
    """A replay that can also run with the clock read between its calls."""

    def watched(self, lines: list[str]) -> Callable[[], tuple[int, ...]]:
        """Return a function that runs lines and returns the times before, between and behind."""
        ticks = [f"_at_{i}" for i in range(len(lines) + 1)]
        source = ["def watched():", f"{ticks[0]} = _clock()"]
        for line, tick in zip(lines, ticks[1:], strict=True):
            source += [line, f"{tick} = _clock()"]
        source.append(f"return {', '.join(ticks)}")
        self._namespace |= {"_clock": perf_counter_ns, "_step": self}
        exec(compile("\n    ".join(source), "<profile>", "exec"), self._namespace)
        run: Callable[[], tuple[int, ...]] = self._namespace["watched"]
        return run


def measure(steps: list[_Timing], seconds: float) -> tuple[Array, list[float], float, int]:
    """Return microseconds of the first step's calls, of each step as one, of the clock; repeats.

    The clock alone, the calls, and the steps as one take turns, so that a machine that slows
    down or speeds up does it to all of them.
    """
    lines = [line.strip() for line in steps[0].source.splitlines()[1:]]
    kinds = [step.watched(["_step()"]) for step in steps]
    kinds += [steps[0].watched(each) for each in (lines, ["pass"] * len(lines))]
    found: list[list[tuple[int, ...]]] = [[] for _ in kinds]
    for _ in range(FEWEST):
        steps[0]()
    end = perf_counter() + seconds
    while len(found[0]) < FEWEST or (perf_counter() < end and len(found[0]) < MOST):
        for run, times in zip(kinds, found, strict=True):
            times.append(run())
    *medians, empty = (np.median(np.diff(np.array(times)), axis=0) / 1000 for times in found)
    clock = float(np.mean(empty))
    *wholes, each = (np.maximum(median - clock, 0) for median in medians)
    return each, [float(whole[0]) for whole in wholes], clock, len(found[0])


def profile(
    program: Program,
    style: str,
    network: Network,
    how: dict[str, Any],
    X: Any,
    y: Any,
    seconds: float,
) -> Profile:
    """Return the profile of a network's program, on copies of all that it writes into."""
    rng = copy.deepcopy(network.rng)
    return Profile(program, style, filled(program, network, Plan(**how), X, y), rng, seconds)


def filled(
    program: Program, network: Network, plan: Plan, X: Any = None, y: Any = None
) -> dict[str, Array]:
    """Return arrays for a program's inputs: the network's weights, rows, targets.

    The rate is 0, so that every step finds what the first one did.
    """
    rng = np.random.default_rng(0)
    shapes = {name: value.shape for name, value in program.inputs.items()}
    numbers: dict[str, Any] = dict.fromkeys(shapes, 0.0)
    numbers |= {name: each.at(0, 1) for name, each in plan.scheduled(network).items()}
    numbers |= plan.optimizer.corrections(1) | plan.vectors(network)
    numbers |= {"theta": network.theta, "rate": 0.0}
    if X is None:
        numbers["x"] = rng.standard_normal(shapes["x"])
    else:
        numbers["x"] = checks.dense(checks.matrix("X", X, network.inputs))
    if "w" in shapes:
        numbers["w"] = rng.uniform(0.5, 1.5, shapes["w"])
    if "y" in shapes and y is None:
        numbers["y"] = targets(network.loss, shapes["y"], network.outputs, rng)
    elif "y" in shapes:
        numbers["y"] = network.check_targets(len(numbers["x"]), y, None)[0]
    arrays = {name: np.empty(value.shape, value.dtype) for name, value in program.inputs.items()}
    for name, array in arrays.items():
        array[...] = numbers[name]
    return arrays


def targets(loss: Loss, shape: tuple[int, ...], outputs: int, rng: Any) -> Array:
    """Return targets that a loss may meet: labels, yes and no, numbers, or counts."""
    if loss.labels or loss.classes:
        return rng.integers(0, max(outputs, 2) if loss.labels else 2, shape)
    numbers = rng.standard_normal(shape)
    try:
        loss.check(numbers.reshape(-1, shape[-1]), outputs)
    except ValueError:
        return rng.poisson(2.0, shape)
    return numbers


def _places(program: Program, style: str) -> dict[int, int]:
    """Return for each recorded line, by its id, which printed one it is in."""
    printed = {id(each.line): i for i, each in enumerate(statements(program, style))}
    users: dict[int, int] = {}
    places: dict[int, int] = {}
    for line in reversed(program.lines):
        # a line that is not printed by itself is used once, in one that is
        place = printed[id(line)] if id(line) in printed else users[id(line.result)]
        places[id(line)] = place
        users.update((id(operand.root), place) for operand in line.operands)
    return places


@contextmanager
def _quiet(program: Program) -> Iterator[None]:
    """Let NumPy work as it does in a run: without warnings; small buffers while training."""
    x, theta = program.inputs["x"].shape, program.inputs["theta"].sample().size
    with np.errstate(all="ignore"):
        if "gradient" in program.inputs and x[-2] * theta > BUFFER:
            np.setbufsize(BUFFER)  # ends with errstate
        yield


def _number(microseconds: float) -> str:
    digits = 2 if microseconds < 100 else 1 if microseconds < 10_000 else 0
    return f"{microseconds:,.{digits}f}"
