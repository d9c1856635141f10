"""Somebody else's code, run so that nothing comes out of it but its result or one sentence."""

import contextlib
import io
import random
import sysconfig
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import glassnet

OURS = str(Path(glassnet.__file__).parent)
THEIRS = str(Path(np.__file__).parent)
PYTHONS = sysconfig.get_path("stdlib")


class UnableError(Exception):
    """What the referee could not do, in one sentence."""


class ReshapedError(UnableError):
    """A step that changed the shapes of arrays: their names, with both shapes."""

    def __init__(self, text: str, shapes: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]):
        super().__init__(text)
        self.shapes = shapes


@contextlib.contextmanager
def quietly() -> Iterator[io.StringIO]:
    """Keep prints and warnings in, and leave the global random numbers as they were."""
    state, own = np.random.get_state(), random.getstate()  # noqa: NPY002
    printed = io.StringIO()
    try:
        with (
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
        ):
            warnings.simplefilter("ignore")
            yield printed
    finally:
        np.random.set_state(state)  # noqa: NPY002
        random.setstate(own)


def attempt(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call somebody else's function; whatever it raises becomes one sentence."""
    try:
        return call(*args, **kwargs)
    except UnableError:
        raise
    except (Exception, SystemExit) as error:
        raise UnableError(told(error)) from None


def told(error: BaseException) -> str:
    r"""Return what was raised, and on which line of the user's code, in a few words.

    Examples
    --------
    >>> told(ValueError("no\nmore"))
    "ValueError 'no'"
    """
    words = error.args[0] if isinstance(error, KeyError) and error.args else error
    lines = str(words).strip().splitlines()
    text = f"{type(error).__name__} {lines[0]!r}" if lines else type(error).__name__
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((OURS, THEIRS, PYTHONS, "<frozen"))
    ]
    if not frames:
        return text
    return f"{text} ({Path(frames[-1].filename).name}, line {frames[-1].lineno})"


def seeded(seed: int = 0) -> None:
    """Let the global random numbers begin anew."""
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)
