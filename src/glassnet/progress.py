"""How a training shows itself: a bar where rich is installed and somebody looks, else lines."""

import sys
from contextlib import ExitStack
from typing import Any, Self

from glassnet.history import Epoch


class Progress:
    """Shows each report; nothing at all where it is not asked to.

    Parameters
    ----------
    total : int
        How many epochs there will be.
    shown : bool
    """

    def __init__(self, total: int, shown: bool) -> None:
        self.total, self.shown = total, shown
        self._stack = ExitStack()
        self._bar: Any = None

    def __enter__(self) -> Self:
        if self.shown and sys.stderr.isatty():
            try:
                from glassnet.terminal import progress
            except ModuleNotFoundError:
                return self
            self._bar = self._stack.enter_context(progress(self.total))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def __call__(self, epoch: Epoch) -> None:
        """Show a report."""
        if not self.shown:
            return
        numbers = {"loss": epoch.loss, "validation loss": epoch.validation_loss, **epoch.metrics}
        text = ", ".join(
            f"{name} {_figure(number)}" for name, number in numbers.items() if number is not None
        )
        if self._bar is not None:
            self._bar.report(epoch.number, text)
        else:
            print(f"epoch {epoch.number}/{self.total}: {text}")


def _figure(number: Any) -> str:
    if isinstance(number, float):
        return f"{number:.4g}"
    return " ".join(f"{each:.4g}" for each in number)
