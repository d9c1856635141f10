"""How a training step grows with rows, width, depth and members, into GROWTH.md and GROWTH.svg.

    python benchmarks/growth.py    # about a minute

One thing is changed at a time around a 20-64-64-2 network on batches of 64 rows: relu, Adam,
float32, one thread, the loss read in every fourth epoch. All sizes train in turn, a little at a
time, because a machine's speed drifts; a time is the median over the rounds. What the matrix
products take of it comes from the profile of the same step.
"""

import argparse
import datetime
import gc
import platform
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from growth_picture import picture
from host import load, machine
from peers import about
from report import number

import glassnet as gn
from glassnet.threads import one_thread

HERE = Path(__file__).parent
ROUNDS, TURN = 21, 0.05  # how often each size has a turn, and for about how many seconds
STEPS, READ = 16, 4  # steps an epoch, and epochs from one reading of the loss to the next
INPUTS, OUTPUTS = 20, 2
WATCHED = 0.3  # seconds of a profile


@dataclass(frozen=True)
class Size:
    """What is trained."""

    rows: int = 64
    width: int = 64
    depth: int = 2
    members: int = 1

    def network(self) -> gn.Network:
        """Return the network."""
        hidden = [gn.Dense(self.width, "relu") for _ in range(self.depth)]
        layers = [*hidden, gn.Dense(OUTPUTS)]
        net = gn.Network(layers, INPUTS, loss="multiclass_cross_entropy", seed=0)
        if self.members > 1:
            net.spread(self.members)
        return net

    @property
    def own(self) -> bool:
        """Whether each member has rows of its own."""
        return self.members > 1

    @property
    def parameters(self) -> int:
        """How many numbers are learned."""
        return self.network().theta.size


BASE = Size()
GROWTH: dict[str, tuple[str, tuple[int, ...]]] = {
    "rows": ("rows of the batch", (1, 4, 16, 64, 256, 1024, 4096)),
    "width": ("units of each hidden layer", (8, 16, 32, 64, 128, 256, 512)),
    "depth": ("hidden layers", (1, 2, 4, 8, 16)),
    "members": ("members", (1, 2, 4, 8, 16, 32)),
}


@dataclass
class Timing:
    """A training that goes on whenever it has its turn."""

    size: Size
    seconds: list[float] = field(default_factory=list)
    products: float = 0.0

    def __post_init__(self) -> None:
        rows = STEPS * self.size.rows
        rng = np.random.default_rng(0)
        X = rng.standard_normal((rows, INPUTS), np.float32)
        y = (X @ rng.standard_normal((INPUTS, OUTPUTS), np.float32)).argmax(1)
        y[:2] = 0, 1  # two classes, however few the rows
        self._epochs = self._train(X, y)
        next(self._epochs)

    def _train(self, X: np.ndarray, y: np.ndarray) -> Iterator[gn.Epoch]:
        return self.size.network().train(
            *(X, y),
            epochs=10**9,
            every=READ,
            batch_size=self.size.rows,
            engine="numpy",
            optimizer=gn.Adam(1e-6),  # so small that the same network is timed at the end
        )

    def turn(self) -> None:
        """Train for about as long as a turn is, and remember the seconds a step."""
        reports, end = 0, time.perf_counter() + TURN
        start = now = time.perf_counter()
        while now < end:
            next(self._epochs)
            reports, now = reports + 1, time.perf_counter()
        self.seconds.append((now - start) / (reports * READ * STEPS))

    def watch(self) -> None:
        """Take what the matrix products are of a step."""
        program = self.size.network().program(rows=self.size.rows, own=self.size.own)
        self.products = program.profile(WATCHED).products

    @property
    def step(self) -> float:
        """Median microseconds of a step."""
        return statistics.median(self.seconds) * 1e6


def measure() -> dict[str, list[Timing]]:
    """Return the timings of all sizes, each size measured once."""
    sizes = {
        name: [replace(BASE, **{name: value}) for value in values]
        for name, (_, values) in GROWTH.items()
    }
    timings = {size: Timing(size) for size in {each for own in sizes.values() for each in own}}
    gc.collect()
    for _ in range(ROUNDS):
        for timing in timings.values():
            timing.turn()
    for timing in timings.values():
        timing.watch()
    return {name: [timings[size] for size in own] for name, own in sizes.items()}


# ---- telling -------------------------------------------------------------------------------------


def report(found: dict[str, list[Timing]], busy: float) -> str:
    """Return the results in Markdown."""
    base = next(each for each in found["rows"] if each.size == BASE)
    versions = about("glassnet").replace(" 1 threads", " 1 thread")
    lines = [
        "# The cost of a step, measured",
        "",
        "Made by `make growth`: a 20-64-64-2 network of relus, Adam, float32, batches of 64 rows, "
        "one thread, and one thing at a time changed. A step is everything that training does for "
        f"it: the batch is gathered, an epoch begins after {STEPS} steps, and the loss is read in "
        f"every {READ}th epoch. Medians of {ROUNDS} rounds, in which all sizes take turns; what "
        "the matrix products are of it comes from the profile of the same step. In the picture a "
        "ring is around the network from which all others are changed.",
        "",
        f"- {datetime.date.today():%Y-%m-%d}, {machine()} (load {busy:.1f} when it began), "
        f"Python {platform.python_version()}, {versions}",
        "",
        "![Microseconds of a training step, by rows, width, depth and members](GROWTH.svg)",
        "",
    ]
    for name, (title, _) in GROWTH.items():
        lines += [f"## {title[0].upper()}{title[1:]}", "", *table(name, found[name], base), ""]
    lines += ["## Line by line", "", "```text", profiled(), "```", ""]
    return "\n".join(lines)


def table(name: str, timings: list[Timing], base: Timing) -> list[str]:
    """Return the table of what one thing costs."""
    shared = name in ("rows", "members")
    beside = f"microseconds a {name.removesuffix('s')}" if shared else "parameters"
    lines = [f"| {name} | microseconds a step | beside the base | products | {beside} |"]
    lines.append("|---" * 5 + "|")
    for timing in timings:
        value = getattr(timing.size, name)
        last = number(timing.step / value) if shared else f"{timing.size.parameters:,}"
        lines.append(
            f"| {value:,} | {number(timing.step)} | {timing.step / base.step:.2f} "
            f"| {100 * timing.products:.0f} % | {last} |"
        )
    return lines


def profiled() -> str:
    """Return the profile of the network that all others are changed from, in print."""
    return str(BASE.network().program(rows=BASE.rows).profile())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=HERE / "GROWTH.md")
    options = parser.parse_args()
    began, busy = time.perf_counter(), load()
    with one_thread():  # two would wait for each other wherever a core has other work
        found = measure()
        text = report(found, busy)
    options.output.write_text(text, encoding="utf-8")
    series = {
        name: [(getattr(t.size, name), t.step, t.step * t.products) for t in timings]
        for name, timings in found.items()
    }
    titles = {name: title for name, (title, _) in GROWTH.items()}
    drawn = picture(titles, series, asdict(BASE))
    options.output.with_suffix(".svg").write_text(drawn, encoding="utf-8")
    print(f"{text}\n{time.perf_counter() - began:.0f} seconds")


if __name__ == "__main__":
    main()
