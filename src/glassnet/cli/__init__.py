"""The command line: demo, train, predict, trace, check. The one face of typer."""

import os
import sys
import warnings
from typing import Any

import typer

from glassnet import terminal
from glassnet.cli import seeing, tables

__all__ = ["app", "run"]

WRONG, STOPPED = 2, 130  # exit codes: bad input; interrupted, as shells count it

app = typer.Typer(
    name="glassnet",
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run(arguments: list[str]) -> int:
    """Run a command; whatever is wrong with its input becomes one sentence and an exit code."""
    terminal.quiet(False)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            code = app(arguments or ["--help"], prog_name="glassnet", standalone_mode=False)
        if sys.stdout is not None:  # as it is where whoever began us has closed it
            sys.stdout.flush()
    except BrokenPipeError:
        # whoever read our output has seen enough; what is still in the buffer must go nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (KeyboardInterrupt, typer.Abort):
        code = STOPPED
    except tables.KeptError as kept:
        terminal.tell(kept)
        return STOPPED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _complain(f"{where}{error.strerror or error}")
    except (ValueError, TypeError, MemoryError) as error:
        return _complain(error or "not enough memory")
    except ModuleNotFoundError as error:
        if error.name not in ("pyarrow", "sklearn"):
            raise
        return _complain(error)
    except Exception as error:
        # typer's own complaints about options; what else comes here is our mistake
        if not hasattr(error, "format_message"):
            raise
        return _complain(error.format_message())
    if code == STOPPED:
        terminal.tell("stopped")
    return int(code or 0)


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    """Show a warning as `warnings.showwarning` would, in one line of ours."""
    terminal.tell(message)


def _complain(message: object) -> int:
    terminal.tell(message)
    return WRONG


@app.callback()
def glassnet() -> None:
    """Neural networks from scratch in NumPy, that you can see through and use at work.

    For example:

    - `glassnet demo` shows a network learn

    - `glassnet train sales.csv --target price` learns to predict that column

    - `glassnet predict sales.safetensors new.csv` predicts it for other rows

    - `glassnet check mine.py:Network` names the mistakes of a network that you wrote yourself

    - `glassnet train --help` tells more, and so does `--help` after any command
    """


for command in (tables.demo, tables.train, tables.predict, seeing.trace, seeing.check):
    app.command()(command)
