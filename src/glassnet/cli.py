"""The command line: demo, train, predict. The only module that knows typer and rich."""

import csv
import io
import os
import shutil
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table as Grid

from glassnet import demo as examples
from glassnet.csvfile import Table, read_csv
from glassnet.files import writable, write_whole
from glassnet.listing import statements
from glassnet.recipe import UNITS, Task, load_model
from glassnet.tabular import Columns, figure

WRONG, STOPPED = 2, 130  # exit codes: bad input; interrupted, as shells count it
MOST_SHOWN = 30  # columns of a table that are told one by one

app = typer.Typer(
    name="glassnet",
    help="Neural networks from scratch in NumPy, that you can see through and use at work.",
    epilog="Start with `glassnet demo`.",
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
out = Console(highlight=False)

Data = Annotated[
    Path, typer.Argument(metavar="DATA.csv", help="A table with a header line.", show_default=False)
]
Seed = Annotated[int, typer.Option(metavar="N", help="Where random numbers come from.", min=0)]


def run(arguments: list[str]) -> int:
    """Run a command; whatever is wrong with its input becomes one sentence and an exit code."""
    out.quiet = False
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            code = app(arguments or ["--help"], prog_name="glassnet", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # whoever read our output has seen enough; what is still in the buffer must go nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (KeyboardInterrupt, typer.Abort):
        code = STOPPED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _complain(f"{where}{error.strerror or error}")
    except (ValueError, TypeError, MemoryError) as error:
        return _complain(error or "not enough memory")
    except Exception as error:
        # typer's own complaints about options; what else comes here is our mistake
        if not hasattr(error, "format_message"):
            raise
        return _complain(error.format_message())
    if code == STOPPED:
        print("glassnet: stopped", file=sys.stderr)
    return int(code or 0)


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show a warning as `warnings.showwarning` would, in one line of ours."""
    _complain(message)


def _complain(message: Any) -> int:
    print("glassnet:", " ".join(str(message).split()), file=sys.stderr)
    return WRONG


@app.command()
def demo(seed: Seed = 0) -> None:
    """Watch a network learn XOR, and then a real table.

    Example: `glassnet demo --seed 7`
    """
    _heading("1", "XOR: two inputs, two hidden neurons, one output")
    out.print(
        f"{examples.RESTARTS} networks start from random weights and train side by side for "
        f"{examples.EPOCHS} epochs each; the best one stays. One step of the training, as it is "
        "recorded from the layers' own code, and as it runs:\n"
    )
    network = examples.train_xor(seed)
    _show_program(network.program(rows=4, optimizer=examples.OPTIMIZER))
    _show_truth(network)

    _heading("2", "A real table: which penguin is it?")
    path = examples.penguins()
    out.print(
        "344 penguins of the Palmer Archipelago, with gaps and text columns "
        "(Horst, Hill and Gorman 2020, CC0).\n"
    )
    task = _prepare(path, "species", seed)
    _train(task, task.epochs)
    _show_scores(task)

    _heading("3", "What next")
    for command, what in (
        (f"train {_near(path)} --target species", "the same, and keep the network"),
        (f"predict penguins.safetensors {_near(path)}", "then let it predict"),
        ("train --help", "your own table"),
    ):
        _suggest(command)
        out.print(f"    [dim]{what}[/]")


@app.command()
def train(
    data: Data,
    target: Annotated[
        str, typer.Option(metavar="NAME", help="The column to predict.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The model file; if left out, DATA.safetensors in this folder.",
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="How often to go through the rows; if left out, 20 to 200.",
            show_default=False,
        ),
    ] = None,
    seed: Seed = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Train a network on a table, and write it to a model file.

    Columns may be numbers or text, with gaps. Text and whole numbers with at most ten different
    values are predicted as classes, other numbers as quantities.

    Example: `glassnet train penguins.csv --target species`
    """
    out.quiet = quiet
    path = output or Path(f"{data.stem}.safetensors")
    _check_output(path, data)
    task = _prepare(data, target, seed)
    _train(task, epochs or task.epochs)
    _show_scores(task)
    task.save(path)
    out.print(f"\nWrote [bold]{escape(str(path))}[/]. To predict the rows of another table:")
    _suggest(f"predict {path} OTHER.csv")


@app.command()
def predict(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL", help="A file that `glassnet train` wrote.", show_default=False
        ),
    ],
    data: Data,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where to write; if left out, to the terminal.", show_default=False
        ),
    ] = None,
) -> None:
    """Predict every row of a table, as CSV.

    Columns are found by name; the target's need not be there. Classes come with their
    probabilities.

    Example: `glassnet predict penguins.safetensors new.csv --output predictions.csv`
    """
    if output is not None:
        _check_output(output, model, data)
    network, columns = load_model(model)
    predictions = network.predict(columns.encode(read_csv(data)))
    classes = columns.target.classes
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["prediction", *(f"p({name})" for name in classes)])
    for word, row in zip(columns.target.decode(predictions), predictions, strict=True):
        cells = [f"{p:.6f}" for p in row] if classes else []
        writer.writerow([word if classes else f"{word:.7g}", *cells])
    if output is None:
        sys.stdout.write(text.getvalue())
    else:
        write_whole(output, text.getvalue().encode())


def _check_output(path: Path, *inputs: Path) -> None:
    """Refuse what cannot be written, before anybody waits for it, and what is read."""
    if writable(path) in [each.resolve() for each in inputs]:
        raise ValueError(f"{path}: expected another file to write than one that is read")


# ---- what is shown -------------------------------------------------------------------------------


def _suggest(command: str) -> None:
    """Show a command so that it can be copied, whether or not glassnet is on the path."""
    called = Path(sys.argv[0])
    if shutil.which("glassnet"):
        name = "glassnet"
    else:
        name = _near(called.absolute()) if called.stem == "glassnet" else "python -m glassnet"
    out.print(f"  [bold]{escape(f'{name} {command}')}[/]", soft_wrap=True)


def _near(path: Path) -> str:
    """Return a path as seen from here, if it lies below."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _heading(number: str, title: str) -> None:
    out.print()
    out.rule(f"[bold cyan]{number}[/]  [bold]{title}[/]", align="left", style="dim")
    out.print()


def _grid(*headers: str) -> Grid:
    """Return a table; its first column is words, the others are numbers."""
    grid = Grid(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False)
    for place, header in enumerate(headers):
        grid.add_column(header, justify="right" if place else "left")
    return grid


def _show_program(program: Any) -> None:
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


def _show_truth(network: Any) -> None:
    loss = network.evaluate(examples.XOR_X, examples.XOR_Y)["loss"]
    grid = _grid("x1  x2", "XOR", "probability of 1")
    for x, y, p in zip(
        examples.XOR_X, examples.XOR_Y, network.predict(examples.XOR_X), strict=True
    ):
        grid.add_row(f" {x[0]}   {x[1]}", str(y), f"[{'green' if y else 'blue'}]{p[0]:.4f}[/]")
    out.print(f"\nThe loss, binary cross-entropy, is now [bold]{loss:.5f}[/].")
    out.print(grid)


def _prepare(data: Path, target: str, seed: int) -> Task:
    """Read a table, make it a task, and tell what was inferred."""
    table = read_csv(data)
    known = table.where_known(target)
    task = Task.of(known, target, seed)
    dropped = len(table.lines) - len(known.lines)
    rows = [len(part.y) for part in (task.training, task.validation, task.held_out)]
    out.print(
        f"[bold]{escape(data.name)}[/]: {len(table.lines)} rows, {len(table.columns)} columns"
        + (f"; {dropped} rows without {escape(target)} left out" if dropped else "")
    )
    goal = task.columns.target
    out.print(f"To predict: [bold]{escape(goal.name)}[/], {escape(goal.describe())}")
    _show_columns(task.columns, known)
    units = (task.network.inputs, UNITS, UNITS, task.network.outputs)
    out.print(
        f"Rows: {rows[0]} to learn from, {rows[1]} to choose the best epoch, {rows[2]} held out\n"
        f"Network: {' - '.join(map(str, units))}, {task.network.theta.size:,} weights"
    )
    return task


def _show_columns(columns: Columns, table: Table) -> None:
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


def _train(task: Task, epochs: int) -> None:
    """Train with a progress bar, and tell which epoch was best."""
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("epoch {task.completed}/{task.total}"),
        BarColumn(complete_style="cyan", finished_style="cyan"),
        TextColumn("loss {task.fields[loss]}"),
        TimeRemainingColumn(compact=True),
        console=console,
        transient=True,
        disable=out.quiet or not console.is_terminal,  # a bar in a file is no help
    )
    best, best_loss = 0, float("inf")
    with progress:
        bar = progress.add_task("", total=epochs, loss="")
        for epoch in task.train(epochs):
            loss = f"{epoch.loss:.4f}, on unseen rows {epoch.validation_loss:.4f}"
            progress.update(bar, completed=epoch.number, loss=loss)
            if epoch.validation_loss < best_loss:
                best, best_loss = epoch.number, epoch.validation_loss
    out.print(f"The best of {epochs} epochs was number {best}, and its weights are kept")


def _show_scores(task: Task) -> None:
    """Show what the network is worth beside knowing nothing."""
    baseline = "most frequent class" if task.columns.target.classes else "mean"
    grid = _grid(f"{len(task.held_out.y)} held-out rows", "network", f"baseline ({baseline})")
    for metric, ours, theirs in task.scores():
        better = ours > theirs if metric in ("accuracy", "R²") else ours < theirs
        style = "bold green" if better else "bold yellow"
        grid.add_row(metric, f"[{style}]{_figure(metric, ours)}[/]", _figure(metric, theirs))
    out.print(grid)


def _figure(metric: str, value: float) -> str:
    if metric == "accuracy":
        return f"{value:.1%}"
    if metric in ("log-loss", "R²"):
        return f"{round(value, 4) + 0.0:.4f}"  # + 0.0 makes 0 of -0
    return figure(value)
