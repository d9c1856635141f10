"""Ctrl-C while a network trains: the first ends an epoch, a second ends everything."""

import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import FrameType
from typing import Any, Self

from glassnet.run import Run


class Interruption:
    """While it lasts, Ctrl-C halts a run at the end of an epoch, and a second one raises.

    Only the main thread hears of signals, and a handler that somebody else has set is left alone:
    then Ctrl-C does what it did.

    Parameters
    ----------
    run : Run
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._before: Any = None

    def __enter__(self) -> Self:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._heard)
        return self

    def __exit__(self, *error: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self._run.halted:
            raise KeyboardInterrupt
        self._run.halted = True


def results(running: Sequence[Future[Any]], halt: Callable[[], object]) -> list[Any]:
    """Return what threads come to; Ctrl-C calls `halt`, so that they end, and a second raises."""
    try:
        return [each.result() for each in running]
    except KeyboardInterrupt:
        halt()
        return [each.result() for each in running]
