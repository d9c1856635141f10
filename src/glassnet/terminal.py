"""What is shown in a terminal: headings, tables, programs, progress. The one face of rich.

Whatever comes from a file or a command is shown as it is, though it may look like rich's markup.
"""

import shutil
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table as Grid

from glassnet.listing import statements
from glassnet.tabular.columns import Columns, figure

if TYPE_CHECKING:
    from glassnet.csvfile import Table
    from glassnet.recipe import Course, Task

MOST_SHOWN = 30  # columns of a table that are told one by one

out = Console(highlight=False)


def quiet(wanted: bool = True) -> None:
    """Print nothing on standard output from now on, or do so again."""
    out.quiet = wanted


def say(text: str) -> None:
    """Print a paragraph, broken into lines that fit."""
    out.print(escape(text))


def tell(message: object) -> None:
    """Print one line on standard error: what went wrong, or should be known."""
    print("glassnet:", " ".join(str(message).split()), file=sys.stderr)


def heading(number: str, title: str) -> None:
    """Begin a new part."""
    out.print()
    out.rule(f"[bold cyan]{escape(number)}[/]  [bold]{escape(title)}[/]", align="left", style="dim")
    out.print()


def show(text: object) -> None:
    """Print a text as it is, line by line."""
    out.print(escape(str(text)), soft_wrap=True, highlight=False)


def suggest(command: str, what: str = "") -> None:
    """Show a command so that it can be copied, whether or not glassnet is on the path."""
    called = Path(sys.argv[0])
    if shutil.which("glassnet"):
        name = "glassnet"
    else:
        name = near(called.absolute()) if called.stem == "glassnet" else "python -m glassnet"
    out.print(f"  [bold]{escape(f'{name} {command}')}[/]", soft_wrap=True)
    if what:
        out.print(f"    [dim]{escape(what)}[/]")


def wrote(path: Path) -> None:
    """Tell that a model file was written, and what it is for."""
    out.print(f"\nWrote [bold]{escape(str(path))}[/]. To predict the rows of another table:")


def near(path: Path) -> str:
    """Return a path as seen from here, if it lies below."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _grid(*headers: str) -> Grid:
    """Return a table; its first column is words, the others are numbers."""
    grid = Grid(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False)
    for place, header in enumerate(headers):
        grid.add_column(header, justify="right" if place else "left")
    return grid


# ---- progress ------------------------------------------------------------------------------------


class Bar:
    """What `progress` returns: a bar for as long as a ``with`` block runs."""

    def __init__(self, total: int, shown: bool) -> None:
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("epoch {task.completed}/{task.total}"),
            BarColumn(complete_style="cyan", finished_style="cyan"),
            TextColumn("{task.fields[text]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=total, text="")
        self._shown = shown and console.is_terminal

    def __enter__(self) -> Self:
        if self._shown:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown:
            self._bar.stop()

    def report(self, number: int, text: str) -> None:
        """Show that this many epochs are done, and a few words on the last."""
        if self._shown:
            self._bar.update(self._task, completed=number, text=text)


def progress(total: int, shown: bool = True) -> Bar:
    """Return a progress bar on standard error, of which nothing stays when its block ends.

    Parameters
    ----------
    total : int
        How many epochs there will be.
    shown : bool
        Whether to show it, if standard error is a terminal: a bar in a file is no help.

    Examples
    --------
    >>> with progress(total=3) as bar:
    ...     for number in (1, 2, 3):
    ...         bar.report(number, f"loss {1 / number:.4f}")
    """
    return Bar(total, shown)


# ---- networks ------------------------------------------------------------------------------------


def show_program(program: Any) -> None:
    """Show the statements that `print(program)` shows; owners only where there is room."""
    lines = statements(program)
    grid = Grid.grid(padding=(0, 2, 0, 0))
    longest = max(len(line.target) + len(line.expression) for line in lines)
    roomy = out.width >= longest + 38
    section = ""
    for number, line in enumerate(lines, 1):
        place = line.line
        if place.section != section:
            section = place.section
            grid.add_row("", f"[cyan]{section}[/]")
        code = f"{escape(line.target)} [dim]=[/] {escape(line.expression)}"
        owner = [f"[dim]{place.owner}[/]"] if roomy else []
        grid.add_row(f"[dim]{number:3d}[/]", code, f"[dim]{place.result.shape}[/]", *owner)
    out.print(grid)


def show_truth(network: Any, X: Any, y: Any) -> None:
    """Show what a network makes of each row of a truth table with two columns."""
    loss = network.evaluate(X, y)["loss"]
    grid = _grid("x1  x2", "XOR", "probability of 1")
    for x, label, p in zip(X, y, network.predict(X), strict=True):
        shown = f"[{'green' if label else 'blue'}]{p[0]:.4f}[/]"
        grid.add_row(f" {x[0]}   {x[1]}", str(label), shown)
    out.print(f"\nThe loss, binary cross-entropy, is now [bold]{loss:.5f}[/].")
    out.print(grid)


# ---- a task on a table ---------------------------------------------------------------------------


def show_task(task: "Task") -> None:
    """Tell what was inferred of a table, and what will learn it."""
    table, goal = task.table, task.columns.target
    rows = len(table.lines) + task.dropped
    out.print(
        f"[bold]{escape(Path(table.path).name)}[/]: {rows} rows, {len(table.columns)} columns"
        + (f"; {task.dropped} rows without {escape(goal.name)} left out" if task.dropped else "")
    )
    for note in table.notes[:MOST_SHOWN]:
        out.print(f"[yellow]{escape(note)}[/]")
    if len(table.notes) > MOST_SHOWN:
        out.print(f"[yellow]... and {len(table.notes) - MOST_SHOWN} more such names[/]")
    out.print(f"To predict: [bold]{escape(goal.name)}[/], {escape(goal.describe())}")
    show_columns(task.columns, table)
    teach, choose, judge = (len(part.y) for part in (task.training, task.validation, task.held_out))
    units = (task.network.inputs, *task.settings.network, task.network.outputs)
    out.print(
        f"Rows: {teach} to learn from, {choose} to choose the best epoch, {judge} held out\n"
        f"Network: {' - '.join(map(str, units))}, {task.network.theta.size:,} weights"
    )


def show_columns(columns: Columns, table: "Table") -> None:
    """Show what was inferred of each column, the first of them if there are very many."""
    described = columns.describe()
    grid = Grid(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False)
    names = [len(name) for name, _, _ in described[:MOST_SHOWN]]
    gap_counts = {name: table.columns[name].count("") for name, _, _ in described}
    widths = min(max(6, *names), 30), 8, max(4, len(str(max(gap_counts.values()))))
    grid.add_column("column", overflow="fold", width=widths[0])
    grid.add_column("kind", width=widths[1])
    grid.add_column("gaps", justify="right", width=widths[2])
    room = max(out.width - sum(widths) - 11, 22)  # 11 for what rich puts between columns
    grid.add_column("as the network sees it", no_wrap=True, overflow="ellipsis", max_width=room)
    styles = {"left out": "yellow", "text": "green", "numbers": "blue"}
    for name, kind, what in described[:MOST_SHOWN]:
        gaps = str(gap_counts[name] or "")
        grid.add_row(escape(name), f"[{styles[kind]}]{kind}[/]", gaps, escape(what))
    out.print(grid)
    rest = [(name, kind) for name, kind, _ in described[MOST_SHOWN:]]
    if rest:
        out_too = ", ".join(name for name, kind in rest if kind == "left out")
        more = f", of which left out: {escape(out_too)}" if out_too else ""
        out.print(f"... and {len(rest)} more columns{more}\n")
    if any(gap_counts[feature.name] for feature in columns.features):
        out.print("Gaps in numbers become the median and a mark, gaps in text a category.\n")


def show_scores(task: "Task", course: "Course") -> None:
    """Show which epoch was best, and what the network is worth beside knowing nothing."""
    out.print(
        f"The best of {course.done} epochs was number {course.best}, and its weights are kept"
    )
    grid = _grid(f"{len(task.held_out.y)} held-out rows", "network", f"baseline ({task.baseline})")
    for metric, ours, theirs in task.scores():
        better = ours > theirs if metric in ("accuracy", "R²") else ours < theirs
        style = "bold green" if better else "bold yellow"
        grid.add_row(metric, f"[{style}]{_metric(metric, ours)}[/]", _metric(metric, theirs))
    out.print(grid)


def _metric(metric: str, value: float) -> str:
    if metric == "accuracy":
        return f"{value:.1%}"
    if metric in ("log-loss", "R²"):
        return f"{round(value, 4) + 0.0:.4f}"  # + 0.0 makes 0 of -0
    return figure(value)
