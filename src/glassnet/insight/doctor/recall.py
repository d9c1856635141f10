"""What is remembered of the last fit of a network, and the one line that points to the doctor.

It is remembered beside the network and not in it, for as long as the network lives: a copy, a
pickle, a model file and the text of a network stay as they were.
"""

import warnings
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from glassnet.history import DivergenceWarning, Epoch, History
from glassnet.insight.doctor.baseline import constant_loss
from glassnet.network import Network
from glassnet.plan import Plan
from glassnet.rows import Rows
from glassnet.scoring import score

ENOUGH = 200  # updates: a shorter fit that is no better than a constant may just have begun
BARELY = 1e-3  # of the constant's loss: a fit that gained less has gained nothing
MOST_ROWS = 10_000  # whose constant is taken, so that it costs nothing beside the fit
KEPT = {field.name for field in fields(Plan)} | {"epochs", "class_weight", "patience"}


class TrainingWarning(RuntimeWarning):
    """A fit ended no better than the best constant: `Network.diagnose` looks for the reason.

    Examples
    --------
    >>> import glassnet as gn
    >>> net = gn.Network([gn.Dense(1)], inputs=2, loss="binary_cross_entropy", seed=0)
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     history = net.fit(X, y, epochs=500, optimizer=gn.Adam(0.1))
    >>> print(caught[0].message)
    training ended no better than the best constant: loss 0.693, that of the constant 0.693;
    net.diagnose(X, y) looks for the reason
    """


@dataclass(frozen=True)
class Fit:
    """What is remembered of a fit.

    Attributes
    ----------
    history : History
    how : dict
        The options that say how it was trained, as they were given.
    weighted : bool
        Whether rows had weights.
    rows, updates : int
        Rows given, and steps made.
    mark : tuple of float
        What tells the weights it ended with from others.
    """

    history: History
    how: dict[str, Any]
    weighted: bool
    rows: int
    updates: int
    mark: tuple[float, float]


FITS: WeakKeyDictionary[Network, Fit] = WeakKeyDictionary()


def last_fit(network: Network) -> Fit | None:
    """Return the last fit of a network, if the weights are still those it ended with."""
    fit = FITS.get(network)
    return fit if fit is not None and fit.mark == _mark(network) else None


def remember(
    network: Network, history: History, last: Epoch | None, rows: int, options: dict[str, Any]
) -> None:
    """Remember a fit, and say where to look if it did badly."""
    if network.members is not None:
        return
    how = {name: option for name, option in options.items() if name in KEPT}
    if isinstance(options.get("validation"), float):
        how["validation"] = options["validation"]  # which holds out the same rows again
    run = None if last is None else last.run
    updates = run.steps_done if run else history.epoch[-1] if history.epoch else 0
    weighted = options.get("sample_weight") is not None
    FITS[network] = Fit(history, how, weighted, rows, updates, _mark(network))
    if history.diverged is not None:
        _point("training diverged", DivergenceWarning)
    elif last is not None and updates >= ENOUGH:
        told = None
        with suppress(Exception):  # a loss of one's own may want rows as a batch has them
            told = _no_better(network, float(history.loss[-1]), last)
        if told:
            _point(f"training ended no better than the best constant: {told}", TrainingWarning)


def _no_better(network: Network, loss: float, last: Epoch) -> str | None:
    """Return the losses where the constant's is as good, else None.

    The loss of the last epoch is known. Only where it looks bad is the network run once more, for
    that loss has the penalty and the dropped units in it.
    """
    run, rows = last.run, last.watch.rows
    if run is not None and run.sparse is None:
        rows = Rows(run.tables["x"], run.tables["y"], run.tables.get("w"))
    elif last.watch.held:
        return None
    some = rows[:: -(-len(rows) // MOST_ROWS)]
    if (some.y == some.y[0]).all():
        return None
    constant = constant_loss(network.loss, some.y, some.w, network.outputs)
    most = constant - BARELY * abs(constant)
    if loss >= most:
        loss = float(score(network, some)["loss"])
    return None if loss < most else f"loss {loss:.3g}, that of the constant {constant:.3g}"


def _point(what: str, category: type[Warning]) -> None:
    warnings.warn(f"{what}; net.diagnose(X, y) looks for the reason", category, stacklevel=5)


def _mark(network: Network) -> tuple[float, float]:
    theta = network.theta
    with np.errstate(over="ignore"):  # of a square
        return float(theta.sum()), float(theta.dot(theta))
