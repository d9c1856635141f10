"""What a training was worth, in a terminal and as JSON."""

import re
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from glassnet.tabular.encoding import Encoding
from glassnet.tabular.report import (
    BASELINE,
    MOST_COLUMNS,
    NETWORK,
    Calibration,
    Report,
    measures,
)
from glassnet.tabular.target import cut, figure
from glassnet.tabular.task import Course, Task
from glassnet.terminal import escape, grid, out

MOST_SHOWN = 30  # columns of a table, or notes on it, that are told one by one
MOST_IMPORTANT = 10
BAR = 20  # characters of the longest bar


# ---- before ----------------------------------------------------------------------------------


def show_task(task: Task) -> None:
    """Tell what was inferred of a table, and what will learn it."""
    table, goal = task.table, task.target
    rows = len(table.lines) + task.dropped
    out.print(
        f"[bold]{escape(Path(table.path).name)}[/]: {rows} rows, {len(table.columns)} columns"
        + (f"; {task.gone} without {escape(goal.name)} left out" if task.dropped else "")
    )
    for note in table.notes[:MOST_SHOWN]:
        out.print(f"[yellow]{escape(note)}[/]")
    if len(table.notes) > MOST_SHOWN:
        out.print(f"[yellow]... and {len(table.notes) - MOST_SHOWN} more such names[/]")
    what = goal.describe(task.y[task.taught])
    out.print(f"To predict: [bold]{escape(goal.name)}[/], {escape(what)}")
    show_columns(task.encoding)
    recipe = task.recipe
    units = (task.encoding.width, *recipe.units(len(goal.classes)), len(goal.classes) or 1)
    out.print(
        f"Rows: {len(task.taught)} to learn from, {len(task.held)} held out for the report\n"
        f"Networks: {recipe.members} of {' - '.join(map(str, units))}, {task.weights:,} weights"
    )


def show_columns(encoding: Encoding) -> None:
    """Show what was inferred of each column, the first of them if there are very many."""
    described = encoding.describe()
    names = [len(name) for name, _, _ in described[:MOST_SHOWN]]
    table = grid("column", "kind", "as the networks see it")
    name, kind, what = table.columns
    name.overflow, name.width, kind.width = "fold", min(max(6, *names), 30), 10
    kind.justify = what.justify = "left"
    what.overflow = "fold"
    for each in table.columns:
        each.vertical = "top"
    styles = {"left out": "yellow", "categories": "green", "numbers": "blue", "mark": "blue"}
    for title, sort, told in described[:MOST_SHOWN]:
        table.add_row(escape(title), f"[{styles[sort]}]{sort}[/]", escape(told))
    out.print(table)
    rest = [(each, sort) for each, sort, _ in described[MOST_SHOWN:]]
    if rest:
        out_too = ", ".join(each for each, sort in rest if sort == "left out")
        more = f", of which left out: {escape(out_too)}" if out_too else ""
        out.print(f"... and {len(rest)} more columns{more}\n")


# ---- after -----------------------------------------------------------------------------------


def show_report(task: Task, course: Course, report: Report) -> None:
    """Show what an ensemble is worth, and what it goes by."""
    out.print(f"Trained {course.model.ensemble.epochs} epochs in {_seconds(course.seconds)}")
    _show_scores(task, report)
    if report.confusion:
        _show_confusion(task.target.classes, report.confusion)
    if report.confused:
        _show_confused(report)
    if report.errors:
        _show_errors(task, report)
    _show_importances(task, report)
    if report.calibration is not None:
        _show_calibration(report.calibration)


def baseline(task: Task) -> str:
    """Return what is said by whoever knows the targets that teach, and no column."""
    return "most frequent class" if task.target.classes else "mean"


def _show_scores(task: Task, report: Report) -> None:
    who = list(next(iter(report.scores.values())))
    heads = [f"{name}\n({baseline(task)})" if name == BASELINE else _lines(name) for name in who]
    table = grid(f"{report.rows} held-out rows", *heads)
    metrics = measures(bool(task.target.classes))
    for metric, scores in report.scores.items():
        sign = 1 if metrics[metric].higher else -1
        better = sign * scores[NETWORK] > sign * scores[BASELINE]
        style = "bold green" if better else "bold yellow"
        cells = [_metric(metric, scores[name]) for name in who]
        cells[who.index(NETWORK)] = f"[{style}]{cells[who.index(NETWORK)]}[/]"
        table.add_row(metric, *cells)
    if len(who) > 2:
        times = report.seconds
        table.add_row("to learn", *(_seconds(times[n]) if n in times else "" for n in who))
    out.print(table)


def _show_confusion(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
    out.print("Held-out rows of each class (down), and what they were taken for (across)")
    longest = max(map(len, classes))
    heads, sides = list(classes), list(classes)
    if longest + (longest + 3) * len(classes) + 2 > out.width:  # names go beside, numbers above
        heads = list(map(str, range(1, len(classes) + 1)))
        most = max(2, len(str(max(map(max, counts)))))
        room = max(out.width - (most + 3) * len(classes) - 5, 5)
        sides = [f"{at} {cut(name, room)}" for at, name in zip(heads, classes, strict=True)]
    table = grid("", *map(escape, heads))
    for place, (name, row) in enumerate(zip(sides, counts, strict=True)):
        cells = [
            f"[bold green]{count}[/]" if at == place else f"[yellow]{count}[/]" if count else "0"
            for at, count in enumerate(row)
        ]
        table.add_row(escape(name), *cells)
    out.print(table)


def _show_confused(report: Report) -> None:
    out.print("Classes that were most often confused on held-out rows")
    table = grid("class", "taken for", "rows")
    table.columns[1].justify = "left"
    for known, said, count in report.confused:
        table.add_row(escape(cut(known)), escape(cut(said)), str(count))
    out.print(table)


def _show_errors(task: Task, report: Report) -> None:
    *shares, most = report.errors
    told = ", ".join(f"{share:.0%} by at most {figure(report.errors[share])}" for share in shares)
    out.print(f"Off: {told}; the worst by {figure(report.errors[most])}")
    table = grid("worst rows", escape(cut(task.target.name)), "predicted", "off by")
    for row in report.worst:
        off = row.predicted - row.known
        table.add_row(row.place, figure(row.known), figure(row.predicted), f"{off:+,.4g}")
    out.print(table)


def _show_importances(task: Task, report: Report) -> None:
    if not report.importances:
        out.print(f"Which columns matter is not told: there are more than {MOST_COLUMNS}\n")
        return
    metric = "log-loss" if task.target.classes else "RMSE"
    shown = report.importances[:MOST_IMPORTANT]
    out.print(f"How much the {metric} grows when a column's values go to other rows")
    table = grid("column", metric, "")
    table.columns[0].overflow = "fold"
    table.columns[2].justify = "left"
    most = max(shown[0][1], 0.0)
    for name, worse in shown:
        bar = "█" * round(BAR * max(worse, 0.0) / most) if most and isfinite(most) else ""
        table.add_row(escape(cut(name)), f"{'+' if worse >= 0 else '-'}{figure(abs(worse))}",
                      f"[cyan]{bar}[/]")  # fmt: skip
    out.print(table)
    if len(report.importances) > len(shown):
        out.print(f"... and {len(report.importances) - len(shown)} more columns\n")


def _show_calibration(found: Calibration) -> None:
    out.print("Whether probabilities are as sure as they are right")
    table = grid("confidence", "rows", "said", "right")
    for each in found.bins:
        span = f"{each.low:.0%} to {each.high:.0%}"
        table.add_row(span, str(each.rows), f"{each.said:.1%}", f"{each.right:.1%}")
    out.print(table)
    out.print(
        f"Off by {found.error:.1%} on average (expected calibration error). Log-loss "
        f"{_metric('log-loss', found.before)} before, {_metric('log-loss', found.after)} after "
        f"dividing raw scores by the temperature {found.temperature:.3g}"
    )


def _lines(name: str) -> str:
    """Return the name of an estimator on two lines, without what they all are."""
    short = re.sub("(Classifier|Regressor)$", "", name)
    return re.sub(r"(?<=[a-z])(?=[A-Z][a-z]+$)", "\n", short)


def _metric(metric: str, value: float) -> str:
    if metric == "accuracy":
        return f"{value:.1%}"
    if metric in ("log-loss", "R²"):
        return f"{round(value, 4) + 0.0:.4f}"  # + 0.0 makes 0 of -0
    return figure(value)


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds:,.0f} s"


# ---- JSON ------------------------------------------------------------------------------------


def to_json(task: Task, course: Course, report: Report) -> dict[str, Any]:
    """Return all that there is to tell, as JSON has it: no number in it is infinite or NaN."""
    content: dict[str, Any] = _finite(
        {
            "data": task.table.path,
            "rows": {"read": len(task.table.lines) + task.dropped, "without_target": task.dropped}
            | {"training": len(task.taught), "held_out": len(task.held)},
            "target": {
                "name": task.target.name,
                "kind": "classes" if task.target.classes else "quantity",
                "classes": list(task.target.classes),
            },
            "columns": _columns(task),
            "network": _network(task, course),
            "training": _training(task, course),
            "baseline": baseline(task),
            "scores": {name.replace("²", "2"): each for name, each in report.scores.items()},
            "seconds": report.seconds,
            **_outcome(task, report),
            "notes": [*task.notes, *course.notes],
        }
    )
    return content


def _columns(task: Task) -> dict[str, Any]:
    places, kinds = task.encoding.places, task.encoding.describe()
    return {
        "used": [
            {"name": name, "kind": kind, "as_seen": told, "inputs": len(places[name])}
            | {"gaps": task.table.column(name).count("")}
            for name, kind, told in kinds
            if name in places
        ],
        "left_out": {name: told for name, _, told in kinds if name not in places},
    }


def _network(task: Task, course: Course) -> dict[str, Any]:
    network, recipe = course.model.ensemble.network, task.recipe
    return {
        "members": recipe.members,
        "inputs": network.inputs,
        "hidden_layers": list(recipe.units(len(task.target.classes))),
        "activation": recipe.activation,
        "dropout": recipe.dropout,
        "outputs": network.outputs,
        "weights": network.theta.size,
    }


def _training(task: Task, course: Course) -> dict[str, Any]:
    settings, recipe, classes = task.settings, task.recipe, len(task.target.classes)
    return {
        "preset": settings.preset,
        "time_limit": settings.time_limit,
        "metric": settings.metric,
        "optimizer": recipe.optimizer,
        "rate": recipe.rule(classes).rate,
        "batch_size": task.batch_size,
        "epochs": course.epochs,
        "epochs_done": course.model.ensemble.epochs,
        "seed": settings.seed,
    }


def _outcome(task: Task, report: Report) -> dict[str, Any]:
    """Return what only classes have, or only quantities, and what matters to both."""
    what, found = "log_loss" if task.target.classes else "rmse", report.calibration
    content: dict[str, Any] = {
        "importances": [{"column": name, what: worse} for name, worse in report.importances]
    }
    if report.errors:
        content["absolute_error"] = {f"{share:.0%}": off for share, off in report.errors.items()}
        content["worst_rows"] = [vars(each) for each in report.worst]
    if report.confusion:
        content["confusion"] = report.confusion
    if report.confused:
        names = ("class", "taken_for", "rows")
        content["confused"] = [dict(zip(names, each, strict=True)) for each in report.confused]
    if found is not None:
        content["calibration"] = {
            "temperature": found.temperature,
            "log_loss": {"without_temperature": found.before, "with_temperature": found.after},
            "expected_error": found.error,
            "bins": [vars(each) for each in found.bins],
        }
    return content


def _finite(content: Any) -> Any:
    """Return the content with None where a number is none."""
    if isinstance(content, dict):
        return {name: _finite(each) for name, each in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(each) for each in content]
    return None if isinstance(content, float) and not isfinite(content) else content
