"""A picture of how a step grows: small multiples with logarithmic axes, written as SVG by hand."""

import math
from html import escape

Points = list[tuple[int, float, float]]  # how many, microseconds of a step, of its products

WIDE, HIGH = 820, 632
PANEL, TALL = 320, 220  # of one plot, in units of the picture
LEFT, TOP, ACROSS, DOWN = 70, 80, 400, 290  # where the first begins, and from one to the next
STEP, PRODUCTS, FAINT, TEXT = "#1f6fb4", "#d9730d", "#dddddd", "#333333"


def picture(titles: dict[str, str], series: dict[str, Points], base: dict[str, int]) -> str:
    """Return the picture: one plot for each thing that grows, all with the same times upwards.

    `base` tells where in each plot the network lies from which all others are changed.
    """
    times = [time for points in series.values() for _, *both in points for time in both]
    low, high = math.log10(min(times)) - 0.1, math.log10(max(times)) + 0.1
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{WIDE}" height="{HIGH}" rx="8" fill="#ffffff"/>',
        *_legend(),
    ]
    for place, (name, points) in enumerate(series.items()):
        x, y = LEFT + ACROSS * (place % 2), TOP + DOWN * (place // 2)
        parts += Plot(x, y, points, (low, high)).drawn(titles[name], base[name])
    return "\n".join([*parts, "</svg>", ""])


def _legend() -> list[str]:
    words = [
        (STEP, "", "a training step"),
        (PRODUCTS, "", "its matrix products"),
        ("#888888", "3 4", "in proportion to what grows"),
    ]
    parts, x = [], LEFT
    for colour, dashes, text in words:
        parts.append(_line([(x, 28), (x + 26, 28)], colour, dashes))
        parts.append(_text(x + 34, 32, text))
        x += 70 + 7 * len(text)
    return parts


class Plot:
    """One plot, at a place in the picture, with times upwards between two powers of ten."""

    def __init__(self, x: float, y: float, points: Points, ends: tuple[float, float]) -> None:
        self.x, self.y, self.points, (self.low, self.high) = x, y, points, ends
        self.first, self.last = math.log(points[0][0]), math.log(points[-1][0])

    def across(self, value: float) -> float:
        """Return where a number lies from left to right."""
        return self.x + PANEL * (math.log(value) - self.first) / (self.last - self.first)

    def up(self, time: float) -> float:
        """Return where a time lies from the top down."""
        share = (math.log10(time) - self.low) / (self.high - self.low)
        return self.y + TALL * (1 - share)

    def drawn(self, title: str, base: int) -> list[str]:
        """Return the plot with its grid, its two lines, and a ring around the base."""
        steps = [(self.across(value), self.up(step)) for value, step, _ in self.points]
        products = [(self.across(value), self.up(part)) for value, _, part in self.points]
        ring = next(at for at, point in zip(steps, self.points, strict=True) if point[0] == base)
        parts = [_text(self.x, self.y - 10, title, "start", "bold"), *self._grid()]
        parts += [self._proportion(base), _line(products, PRODUCTS), _line(steps, STEP)]
        parts += [_dot(*at, PRODUCTS, 2.5) for at in products]
        parts += [_dot(*at, STEP, 3.5) for at in steps]
        parts.append(
            f'<circle cx="{ring[0]:.1f}" cy="{ring[1]:.1f}" r="7" fill="none" stroke="{STEP}"/>'
        )
        return parts

    def _grid(self) -> list[str]:
        x, y = self.x, self.y
        corners = [(x, y), (x + PANEL, y), (x + PANEL, y + TALL), (x, y + TALL), (x, y)]
        parts = [_line(corners, FAINT)]
        for decade in range(math.ceil(self.low), math.floor(self.high) + 1):
            y = self.up(10.0**decade)
            parts.append(_line([(self.x, y), (self.x + PANEL, y)], FAINT))
            parts.append(_text(self.x - 12, y + 4, _time(decade), "end"))
        for value, *_ in self.points:
            x = self.across(value)
            parts.append(_line([(x, self.y), (x, self.y + TALL)], FAINT))
            parts.append(_text(x, self.y + TALL + 18, f"{value:,}", "middle"))
        return parts

    def _proportion(self, base: int) -> str:
        """Return the line on which twice as much takes twice as long, cut at the edges."""
        value, time = next(point[:2] for point in self.points if point[0] == base)
        least = max(self.points[0][0], value * 10.0**self.low / time)
        most = min(self.points[-1][0], value * 10.0**self.high / time)
        ends = [(self.across(v), self.up(time * v / value)) for v in (least, most)]
        return _line(ends, "#888888", "3 4")


def _time(decade: int) -> str:
    return f"{10**decade} µs" if decade < 3 else f"{10 ** (decade - 3)} ms"


def _line(points: list[tuple[float, float]], colour: str, dashes: str = "") -> str:
    at = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    wide = 1 if colour == FAINT or dashes else 2
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<polyline points="{at}" fill="none" stroke="{colour}" stroke-width="{wide}"{dashed}/>'


def _dot(x: float, y: float, colour: str, radius: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>'


def _text(x: float, y: float, text: str, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="{TEXT}">{escape(text)}</text>'
    )
