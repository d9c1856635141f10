"""The results in Markdown."""

import datetime
import platform
import statistics
from dataclasses import dataclass

from fresh import Fresh
from host import machine
from measuring import Timing
from peers import PEERS
from targets import lines as targets
from tasks import OURS, Serving

INTRODUCTION = """\
Made by `make bench`: each peer in a process of its own, as its own users write it, the runs in
turn. A ratio is glassnet's time divided by the peer's in the same round, and the median over
rounds counts; below 1, glassnet is faster. Only ratios mean something elsewhere: a machine's speed
drifts.
"""
HOW = """\
A run is a whole training from fresh weights, with everything that a run begins with (glassnet's
recording included) but compiling, which came before and is told below. Right before each goes a
fiftieth of it that is not timed, for a processor that was idle is slow at first. XOR is trained by
plain gradient descent on all rows at once, in float64; the others by Adam in float32, with rows
shuffled every epoch and no loss read.

- **glassnet** is the compiled engine (`glassnet[fast]`), **glassnet numpy** the one that needs
  nothing but NumPy; both as they come.
- **tutorial** is the code of the well-known tutorials (`tutorial_code.py`).
- **scikit-learn** always takes the loss, in every step, and gives two classes one output.
- **PyTorch** is eager with the fused Adam, the fastest of its three; **compiled** is
  `torch.compile` of network and loss together. Each with one thread or all, whichever is faster.
- **JAX** is one `jit` of a loop over epochs with `lax.scan` over steps, orders of rows drawn by
  NumPy outside (faster than inside); rows gathered by step or by epoch, whichever is faster.
- **raw products** are the step's matrix products alone, by `np.matmul` into outputs that are
  there, with all threads: what a step of NumPy cannot get below.
"""
SERVED = """\
A network 20-64-64-1 (a quantity, relus, float32) with the same weights everywhere. One row:
`net.predictor()`; many: `net.predict`. PyTorch is in inference mode, and its rows are tensors
already, as JAX's are arrays of its own. PyTorch and onnxruntime take many rows at once or 4,096 at
a time, with one thread or all, whichever is faster. Every prediction was held against plain
NumPy's.
"""
MEMBERS = """\
1,000 networks 2-2-1 of the tutorial's size, 10,000 epochs each, as members of one program; beside
1,000 times one replayed run of one network (`glassnet numpy`), of which one was timed.
"""


@dataclass
class Results:
    """All that was measured, and where.

    Attributes
    ----------
    timings : dict of Timing
        By the task's name.
    fresh : Fresh or None
        What fresh processes said.
    abouts : dict of str
        Versions and kernels, by peer.
    missing : list of str
        Peers that are not installed.
    busy : float
        The load when the runs began.
    """

    timings: dict[str, Timing]
    fresh: Fresh | None
    abouts: dict[str, str]
    missing: list[str]
    busy: float

    def of(self, kind: str) -> list[Timing]:
        """Return the timings of a kind of task: training, members, serving."""
        return [
            timing
            for timing in self.timings.values()
            if ("members" if getattr(timing.task, "members", 1) > 1 else timing.task.kind) == kind
        ]


def report(results: Results, picture: str = "") -> str:
    """Return the results in Markdown, with a picture of that name."""
    parts = ["# glassnet beside its peers", INTRODUCTION.rstrip(), _where(results)]
    parts += ["## Targets", _targets(results)]
    training, members, serving = map(results.of, ("training", "members", "serving"))
    if training:
        parts += ["## Microseconds per training step", _steps(training)]
        parts += [f"![cost of a step against its size]({picture})"] if picture else []
        parts += [HOW.rstrip(), "## Ratios", _ratios(training)]
        parts += [
            "Medians, and from the least to the most. The loss is the median cross-entropy over "
            "the training rows after a run, to see that peers did the same work (2-2-1 networks "
            "get stuck at some seeds, and peers begin with weights of their own kind)."
        ]
    if members:
        parts += ["## Many networks at once", MEMBERS.rstrip(), _alone(members, "seconds", 1e-6)]
    if serving:
        parts += ["## Microseconds per prediction", SERVED.rstrip(), _alone(serving, "", 1)]
    parts += ["## Compiling", _compiling(results)]
    if results.fresh is not None:
        parts += ["## Import and memory", _fresh(results.fresh)]
    settings, skipped = _settings(results), _skipped(results)
    parts += ["## Settings", settings] if settings else []
    parts += ["## What took no part", skipped] if skipped else []
    return "\n\n".join(parts) + "\n"


def _where(results: Results) -> str:
    where = f"{machine()} (load {results.busy:.1f} when the runs began)"
    lines = [f"- {datetime.date.today():%Y-%m-%d}, {where}, Python {platform.python_version()}"]
    lines += [f"- {name}: {about}" for name, about in results.abouts.items() if about]
    lines += [f"- {name}: not installed here, and so not timed" for name in results.missing]
    return "\n".join(lines)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _targets(results: Results) -> str:
    rows = []
    for title, ours, beside, measured, most in targets(results.timings, results.fresh):
        word = "not measured"
        if measured is not None:
            word = "met" if measured <= most else "**not met**"
        shown = "" if measured is None else number(measured)
        rows.append([title, ours, beside, shown, f"{most:.3g}", word])
    return _table(["", "ours", "beside", "measured", "at most", ""], rows)


def _steps(timings: list[Timing]) -> str:
    names = [name for name in PEERS if any(name in timing.seconds for timing in timings)]
    rows = []
    for timing in timings:
        task = timing.task
        cells = [number(timing.step(name)) if name in timing.seconds else "" for name in names]
        rows.append([task.title, f"{task.steps:,}", task.loss_read, *cells])
    return _table(["", "steps", "loss read", *names], rows)


def _ratios(timings: list[Timing]) -> str:
    rows = []
    for timing in timings:
        title = timing.task.title
        for peer in timing.seconds:
            if peer in OURS:
                continue
            both = [_spread(timing.ratios(ours, peer)) for ours in OURS]
            rounds = f"{len(timing.seconds[peer])}"
            rows.append([title, peer, rounds, *both, loss(timing.outcome[peer])])
            title = ""
        for ours in OURS:
            if ours in timing.seconds:
                rounds = f"{len(timing.seconds[ours])}"
                rows.append([title, ours, rounds, "", "", loss(timing.outcome[ours])])
                title = ""
    return _table(["", "beside", "rounds", *OURS, "its loss"], rows)


def _alone(timings: list[Timing], unit: str, factor: float) -> str:
    """Return a table of tasks that are told one by one: time, and ratio to each peer."""
    rows = []
    for timing in timings:
        title = timing.task.title + (f", {unit}" if unit else "")
        for name in timing.seconds:
            shown = number(timing.step(name) * (timing.task.steps if unit else 1) * factor)
            ratio = "" if name == "glassnet" else _spread(timing.ratios("glassnet", name))
            rows.append([title, name, shown, ratio, f"{timing.outcome[name] or 0:.2g}"])
            title = ""
    what = "deviation" if timings and isinstance(timings[0].task, Serving) else "loss"
    return _table(["", "", "time", "glassnet beside it", what], rows)


def _spread(ratios: list[float]) -> str:
    if not ratios:
        return ""
    middle, least, most = statistics.median(ratios), min(ratios), max(ratios)
    return f"{number(middle)} ({number(least)} to {number(most)})"


def _compiling(results: Results) -> str:
    names = [name for name, peer in PEERS.items() if peer.compiles]
    timings = [timing for timing in results.timings.values() if timing.task.kind == "training"]
    names = [name for name in names if any(name in timing.seconds for timing in timings)]
    rows = [
        [timing.task.title]
        + [f"{timing.compiling[n]:.2f}" if n in timing.seconds else "" for n in names]
        for timing in timings
    ]
    text = (
        "Seconds that the first run took beyond later ones, before any timing, with caches on "
        "disk that were empty when the benchmark began (what a peer keeps in memory or on disk "
        "from one task to the next it may use)."
    )
    parts = [text, _table(["", *names], rows)] if names else []
    fresh = results.fresh
    if fresh is not None and fresh.warm is not None:
        parts += [
            f"The first compiled fit of XOR (10,000 epochs) in a fresh process, `import numba` "
            f"({number(fresh.compiler)} s) left out: {number(fresh.empty)} s with an empty cache, "
            f"{number(fresh.warm)} s with a warm one; the second fit {number(fresh.later)} s. The "
            f"first call of any function that Numba compiled, one line long and from the cache, "
            f"takes {number(fresh.least)} s."
        ]
    return "\n\n".join(parts) or "Nothing was compiled."


def _fresh(fresh: Fresh) -> str:
    ours, theirs = (statistics.median(fresh.imports[name]) for name in ("glassnet", "numpy"))
    parts = [
        f"`import glassnet` {ours:.0f} ms, `import numpy` {theirs:.0f} ms: medians of "
        f"{len(fresh.imports['numpy'])} fresh interpreters each, in turn."
    ]
    rows = [
        [name, f"{before:,.0f}", f"{peak:,.0f}", f"{peak - before:,.0f}"]
        for name, (before, peak) in fresh.memory.items()
    ]
    if rows:
        parts += [
            "One epoch on 1,000,000 x 50 float32 (a table of 200 MB), 50-64-64-1, batch 256, in a "
            "fresh process. Beforehand it holds Python, NumPy, glassnet, the packages of its extra "
            "where it compiles (Numba and SciPy's linear algebra), and the rows, which were drawn "
            "in place; the peak is the process's own (VmHWM). MB are MiB. The last line is what "
            "Numba takes to compile anything.",
            _table(["", "MB before", "MB at the peak", "MB that it took"], rows),
        ]
    return "\n\n".join(parts)


def _settings(results: Results) -> str:
    rows = []
    for timing in results.timings.values():
        chosen = [f"{name}: {setting}" for name, setting in timing.setting.items() if setting]
        if chosen:
            rows.append([timing.task.title, "; ".join(chosen)])
    return _table(["", "the fastest, found by short runs beforehand"], rows) if rows else ""


def _skipped(results: Results) -> str:
    lines = [
        f"- {timing.task.title}, {name}: {why}"
        for timing in results.timings.values()
        for name, why in timing.skipped.items()
    ]
    if results.fresh is not None:
        lines += [f"- {name}: {why}" for name, why in results.fresh.skipped.items()]
    return "\n".join(lines)


def number(value: float) -> str:
    """Return a number to three figures."""
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:#.3g}".rstrip(".")


def loss(value: float | None) -> str:
    """Return a loss to two figures, or nothing."""
    return "" if value is None else f"{value:.2g}"
