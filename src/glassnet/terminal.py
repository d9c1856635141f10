"""What is shown in a terminal: headings, tables, programs, progress. The one face of rich.

Whatever comes from a file or a command is shown as it is, though it may look like rich's markup;
but characters that would tell the terminal something are shown as their numbers.
"""

import re
import shutil
import sys
from pathlib import Path
from typing import Any, Self

from rich import box
from rich.console import Console
from rich.markup import escape as as_it_is
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table as Grid

from glassnet.listing import statements

out = Console(highlight=False)
# commands to a terminal, and what turns the direction of the text around it; not tab and newline
COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str) -> str:
    r"""Return a text without commands to the terminal.

    Examples
    --------
    >>> print(plain("a\x1b[31mred"))
    a\x1b[31mred
    """
    return COMMANDS.sub(lambda found: ascii(found[0])[1:-1], text)


def escape(text: str) -> str:
    """Return a text so that it is printed as it is."""
    return as_it_is(plain(text))


def quiet(wanted: bool = True) -> None:
    """Print nothing on standard output from now on, or do so again."""
    out.quiet = wanted


def say(text: str) -> None:
    """Print a paragraph, broken into lines that fit."""
    out.print(escape(text))


def tell(message: object) -> None:
    """Print one line on standard error: what went wrong, or should be known."""
    print("glassnet:", plain(" ".join(str(message).split())), file=sys.stderr)


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


def grid(*headers: str) -> Grid:
    """Return a table; its first column is words, the others are numbers."""
    table = Grid(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False)
    for place, header in enumerate(headers):
        justify: Any = "right" if place else "left"
        table.add_column(header, justify=justify, vertical="bottom")
    return table


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

    def __exit__(self, *error: object) -> None:
        if self._shown:
            self._bar.stop()

    def report(self, number: int, text: str = "", total: int | None = None) -> None:
        """Show that this many epochs are done, of how many, and a few words on the last."""
        if self._shown:
            self._bar.update(self._task, completed=number, text=text, total=total)


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
    table = Grid.grid(padding=(0, 2, 0, 0))
    longest = max(len(line.target) + len(line.expression) for line in lines)
    roomy = out.width >= longest + 38
    section = ""
    for number, line in enumerate(lines, 1):
        place = line.line
        if place.section != section:
            section = place.section
            table.add_row("", f"[cyan]{section}[/]")
        code = f"{escape(line.target)} [dim]=[/] {escape(line.expression)}"
        owner = [f"[dim]{place.owner}[/]"] if roomy else []
        table.add_row(f"[dim]{number:3d}[/]", code, f"[dim]{place.result.shape}[/]", *owner)
    out.print(table)


def show_truth(network: Any, X: Any, y: Any) -> None:
    """Show what a network makes of each row of a truth table with two columns."""
    loss = network.evaluate(X, y)["loss"]
    table = grid("x1  x2", "XOR", "probability of 1")
    for x, label, p in zip(X, y, network.predict(X), strict=True):
        shown = f"[{'green' if label else 'blue'}]{p[0]:.4f}[/]"
        table.add_row(f" {x[0]}   {x[1]}", str(label), shown)
    out.print(f"\nThe loss, binary cross-entropy, is now [bold]{loss:.5f}[/].")
    out.print(table)
