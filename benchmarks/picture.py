"""A picture of what a step costs against its size, in SVG, written by hand."""

import math
from collections.abc import Iterator
from html import escape

from measuring import Timing
from peers import PEERS

WIDTH, HEIGHT = 860, 560
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 64, 76
NAMES = 150  # room for the names, before the first points
APART = 16  # from one name to the next
LETTER = 8.2  # width of a letter
COLORS = {
    "glassnet": "#b91c1c",
    "glassnet numpy": "#d97706",
    "scikit-learn": "#2563eb",
    "PyTorch": "#7c3aed",
    "PyTorch compiled": "#db2777",
    "JAX": "#059669",
    "Keras": "#0e7490",
    "raw products": "#6b7280",
}
STYLE = "font-family: system-ui, sans-serif; font-size: 13px; fill: #1f2937"

Points = list[tuple[float, float]]


def draw(timings: list[Timing]) -> str:
    """Return the picture of training steps; peers are lines, tasks are their points."""
    timings = sorted(timings, key=lambda timing: timing.task.size)
    lines = {
        name: [(float(t.task.size), t.step(name)) for t in timings if name in t.seconds]
        for name in PEERS
    }
    lines = {name: points for name, points in lines.items() if points}
    sizes = [timing.task.size for timing in timings]
    costs = [cost for points in lines.values() for _, cost in points]
    x = Axis(min(sizes), max(sizes), LEFT + NAMES, WIDTH - RIGHT - 16)
    y = Axis(min(costs) / 1.3, max(costs) * 1.3, HEIGHT - BOTTOM, TOP)
    body = [
        *_frame(x, y, timings),
        *(part for name, points in lines.items() for part in _line(name, points, x, y)),
        *_names({name: y(points[0][1]) for name, points in lines.items()}, x(min(sizes))),
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'width="{WIDTH}" height="{HEIGHT}" style="{STYLE}" role="img">',
            "<title>Microseconds of a training step against its size</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            *body,
            "</svg>\n",
        ]
    )


class Axis:
    """A logarithmic axis: from numbers to places."""

    def __init__(self, least: float, most: float, start: float, stop: float) -> None:
        self.least, self.most, self.start, self.stop = least, max(most, least * 1.01), start, stop

    def __call__(self, value: float) -> float:
        """Return where a number lies."""
        share = math.log(value / self.least) / math.log(self.most / self.least)
        return round(self.start + share * (self.stop - self.start), 1)

    def powers(self) -> Iterator[float]:
        """Yield the powers of ten on the axis."""
        for power in range(math.ceil(math.log10(self.least)), 20):
            if 10**power > self.most:
                return
            yield 10.0**power


def _frame(x: Axis, y: Axis, timings: list[Timing]) -> Iterator[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    yield _text(LEFT, 26, "Microseconds of a training step (Adam, float32)", weight=600, size=16)
    yield _text(LEFT, 46, "each line a peer, each point a network; lower is faster", "#6b7280")
    for value in y.powers():
        yield _rule(LEFT, y(value), right, y(value), "#e5e7eb")
        yield _text(LEFT - 8, y(value) + 4, f"{value:,.0f}", "#6b7280", anchor="end")
    ends = [0.0, 0.0]  # where the names in either row end
    for timing in timings:
        place, name = x(timing.task.size), _short(timing.task.sizes)
        yield _rule(place, TOP, place, bottom, "#f3f4f6")
        half = LETTER * len(name) / 2
        middle = min(place, WIDTH - 10 - half)
        row = 0 if middle - half > ends[0] else 1
        ends[row] = middle + half + LETTER
        yield _text(middle, bottom + 18 + 17 * row, name, anchor="middle")
    yield _rule(LEFT, bottom, right, bottom, "#9ca3af")
    least, most = (_rounded(timings[place].task.size) for place in (0, -1))
    under = f"size of a step: parameters times rows, from {least} to {most}; both axes logarithmic"
    yield _text((LEFT + right) / 2, HEIGHT - 14, under, "#6b7280", "middle")


def _rounded(size: int) -> str:
    """Return a number to two figures."""
    size = int(float(f"{size:.2g}"))
    return f"{size:,}" if size < 10**6 else f"{size / 1e6:g} million"


def _short(sizes: tuple[int, ...]) -> str:
    """Return 30-256x3-10 for 30-256-256-256-10."""
    hidden = sizes[1:-1]
    if len(hidden) > 2 and len(set(hidden)) == 1:
        return f"{sizes[0]}-{hidden[0]}×{len(hidden)}-{sizes[-1]}"  # noqa: RUF001
    return "-".join(map(str, sizes))


def _line(name: str, points: Points, x: Axis, y: Axis) -> Iterator[str]:
    color = COLORS.get(name, "#111827")
    places = " ".join(f"{x(size)},{y(cost)}" for size, cost in points)
    dashes = ' stroke-dasharray="5 4"' if name == "raw products" else ""
    width = 3 if name.startswith("glassnet") else 1.75
    yield (
        f'<polyline points="{places}" fill="none" stroke="{color}" stroke-width="{width}"'
        f'{dashes} stroke-linejoin="round"/>'
    )
    for size, cost in points:
        yield f'<circle cx="{x(size)}" cy="{y(cost)}" r="3.5" fill="{color}"/>'


def _names(heights: dict[str, float], start: float) -> Iterator[str]:
    """Yield the names beside the first points, moved apart where they would touch."""
    order = sorted(heights, key=heights.__getitem__)
    places = spread([heights[name] for name in order], APART, HEIGHT - BOTTOM - 6)
    for name, place in zip(order, places, strict=True):
        color = COLORS.get(name, "#111827")
        yield _rule(start - 22, place, start - 5, heights[name], color)
        weight = 600 if name.startswith("glassnet") else 400
        yield _text(start - 26, place + 4, name, color, "end", weight)


def spread(places: list[float], apart: float, most: float) -> list[float]:
    """Return sorted places moved until they are so far apart, and none is beyond the most."""
    moved = list(places)
    for _ in range(200):
        for i in range(len(moved) - 1):
            missing = apart - (moved[i + 1] - moved[i])
            if missing > 0:
                moved[i] -= missing / 2
                moved[i + 1] += missing / 2
        if moved[-1] > most:
            moved[-1] = most
    return [round(place, 1) for place in moved]


def _rule(x1: float, y1: float, x2: float, y2: float, color: str) -> str:
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{color}"/>'


def _text(
    x: float,
    y: float,
    text: str,
    color: str = "#1f2937",
    anchor: str = "start",
    weight: int = 400,
    size: int = 13,
) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" fill="{color}" text-anchor="{anchor}" '
        f'font-weight="{weight}" font-size="{size}">{escape(text)}</text>'
    )
