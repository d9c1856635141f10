"""The rows and targets that the user gave, and the forms in which user's code may want targets."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.vocabulary import Array

# what targets (n, units) become before they are given to the user's code
ONE_OUTPUT: dict[str, Callable[[Array], Any]] = {
    "column": lambda Y: Y,  # (n, 1)
    "flat": lambda Y: Y[:, 0],  # (n,)
    "row": lambda Y: Y.T,  # (1, n)
    "slabs": lambda Y: Y[:, None, :],
    "stack": lambda Y: Y[:, :, None],
}
MORE_OUTPUTS: dict[str, Callable[[Array], Any]] = {
    "rows": lambda Y: Y,  # (n, units), one-hot where they are classes
    "columns": lambda Y: Y.T,  # (units, n)
    "labels": lambda Y: Y.argmax(axis=1),  # (n,)
    "label column": lambda Y: Y.argmax(axis=1)[:, None],  # (n, 1)
    "label row": lambda Y: Y.argmax(axis=1)[None, :],  # (1, n)
    "slabs": lambda Y: Y[:, None, :],
    "stack": lambda Y: Y[:, :, None],
}
ONE_ROW: dict[str, Callable[[Array], Any]] = {
    "one row": lambda Y: Y[0],  # (units,)
    "one column": lambda Y: Y[0][:, None],  # (units, 1)
    "one number": lambda Y: Y[0, 0],
    "one list": lambda Y: Y[0].tolist(),
    "one label": lambda Y: int(Y[0].argmax()),
}
SHAPES = {
    "column": "(n, 1)",
    "flat": "(n,)",
    "row": "(1, n)",
    "rows": "(n, {k})",
    "columns": "({k}, n)",
    "labels": "(n,), class numbers",
    "label column": "(n, 1), class numbers",
    "label row": "(1, n), class numbers",
}


@dataclass
class Task:
    """What the user gave, rows first.

    Attributes
    ----------
    X, Y : array (n, inputs), (n, units)
    x_form, y_form : str
        How the user gave them, of `feeding.X_FORMS`, and of the tables above.
    whole : bool
        Whether targets were whole numbers, and are passed on as such.
    classes : bool
        Whether targets are 0 and 1 alone: classes, one-hot if there are several outputs.
    """

    X: Array
    Y: Array
    x_form: str
    y_form: str
    whole: bool

    @property
    def classes(self) -> bool:
        """Whether every target is 0 or 1."""
        return bool(np.isin(self.Y, (0.0, 1.0)).all())

    @property
    def one_hot(self) -> bool:
        """Whether the targets of each row are a 1 among 0s."""
        return self.Y.shape[1] > 1 and self.classes and bool((self.Y.sum(axis=1) == 1).all())

    def forms(self, single: bool) -> list[str]:
        """Return the forms in which targets may be wanted, the user's first."""
        if single:
            return list(ONE_ROW)
        table = list(ONE_OUTPUT if self.Y.shape[1] == 1 else MORE_OUTPUTS)
        if self.Y.shape[1] > 1 and not self.one_hot:
            table = [form for form in table if "label" not in form]
        return [self.y_form, *(form for form in table if form != self.y_form)]

    def given(self, form: str, Y: Array) -> Any:
        """Return targets (n, units) in a form."""
        result = (ONE_OUTPUT | MORE_OUTPUTS | ONE_ROW)[form](Y)
        return result.astype(int) if self.whole and isinstance(result, np.ndarray) else result

    def shape(self, form: str) -> str:
        """Return what the shape of targets in a form is called."""
        return SHAPES.get(form, form).format(k=self.Y.shape[1])


def rows_of(X: Any, y: Any) -> list[tuple[Array, str]]:
    """Return X as (n, inputs) floats, and the form in which it came: the likeliest reading first.

    Examples
    --------
    >>> [form for _, form in rows_of(np.zeros((2, 4)), np.zeros((1, 4)))]
    ['columns']
    """
    x, target = checks.numbers("X", X).astype(float), checks.numbers("y", y)
    if x.ndim == 3 and 1 in x.shape[1:]:
        return [(x.reshape(len(x), -1), "slabs" if x.shape[1] == 1 else "stack")]
    if x.ndim == 1:
        return [(x[:, None], "flat")]
    if x.ndim != 2 or x.size == 0:
        raise ValueError(f"X: expected shape (rows, inputs), got {x.shape}")
    readings = []
    if len(x) in target.shape:
        readings.append((x, "rows"))
    if x.shape[1] in target.shape[-1:]:
        readings.append((x.T, "columns"))
    if not readings:
        raise ValueError(f"y: expected {len(x)} targets, one a row of X, got shape {target.shape}")
    return readings if target.shape[:1] == x.shape[:1] else readings[::-1]


def targets_of(y: Any, rows: int, units: int) -> tuple[Array, str]:
    """Return y as (n, units) floats, and the form in which it came."""
    given = checks.numbers("y", y)
    array = given.astype(float)
    if array.ndim == 3 and 1 in array.shape[1:]:
        return array.reshape(rows, units), "slabs" if given.shape[1] == 1 else "stack"
    labels = {(rows,): "labels", (rows, 1): "label column", (1, rows): "label row"}
    if units == 1:
        known = {(rows,): "flat", (rows, 1): "column", (1, rows): "row"}
    else:
        known = {(rows, units): "rows", (units, rows): "columns"}
    if array.shape in known:
        form = known[array.shape]
        return (array.T if form in ("row", "columns") else array.reshape(rows, units)), form
    if units > 1 and array.shape in labels:
        flat = array.reshape(-1)
        if (flat < 0).any() or (flat >= units).any() or (flat != np.floor(flat)).any():
            raise ValueError(
                f"y: expected class numbers 0 to {units - 1} for {units} outputs, got "
                f"values from {flat.min():g} to {flat.max():g}"
            )
        return np.eye(units)[flat.astype(int)], labels[array.shape]
    raise ValueError(
        f"y: expected shape ({rows}, {units}) for the network's {units} "
        f"output{'s' if units > 1 else ''}, got {given.shape}"
    )
