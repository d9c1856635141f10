"""What is remembered of a training: each report, the best weights, and whether it ran away."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet import checks
from glassnet.vocabulary import Array

if TYPE_CHECKING:
    from glassnet.network import Network
    from glassnet.run import Run
    from glassnet.training import Watch


class DivergenceWarning(RuntimeWarning):
    """Training ran away; the weights are the last good ones.

    Examples
    --------
    >>> import warnings
    >>> import glassnet as gn
    >>> net = gn.Network([gn.Dense(1)], inputs=1, seed=0)
    >>> with warnings.catch_warnings(record=True, action="always") as caught:
    ...     history = net.fit([[1.0], [2.0]], [1.0, 2.0], epochs=99, optimizer=gn.SGD(1e9))
    >>> print(caught[0].category.__name__, history.diverged)
    DivergenceWarning 3
    """


class InterruptedWarning(RuntimeWarning):
    """Ctrl-C ended `Network.fit` after an epoch; the message says how to go on.

    Examples
    --------
    >>> import signal, warnings
    >>> import glassnet as gn
    >>> net = gn.Network([gn.Dense(1)], inputs=1, seed=0)
    >>> with warnings.catch_warnings(record=True, action="always") as caught:
    ...     history = net.fit([[1.0], [2.0]], [1.0, 2.0], epochs=99,
    ...                       on_epoch=lambda epoch: signal.raise_signal(signal.SIGINT))
    >>> print(caught[0].category.__name__, history.interrupted)
    InterruptedWarning 1
    """


@dataclass
class History:
    """What training left behind: a number for each report.

    Attributes
    ----------
    epoch : list of int
        Epochs done at each report.
    loss, validation_loss : list
        Losses then; an array of K numbers for K members. ``loss`` has the L2 penalty in it,
        ``validation_loss`` has not.
    metrics : dict of str to list
        Metrics then, on the validation rows, or on those trained on where there are none.
    best_epoch : int or None
        The report with the best monitored value; an array for members.
    diverged : int or None
        The epoch in which training ran away, counted from 1.
    converged : bool or None
        Whether L-BFGS found that no step makes the loss smaller; None for other optimizers.
    engine : str
        What ran the steps, and where that is not what was asked for, why.
    interrupted : int or None
        The epoch after which Ctrl-C ended it.

    Examples
    --------
    >>> import glassnet as gn
    >>> net = gn.Network([gn.Dense(1)], inputs=1, seed=0)
    >>> history = net.fit([[0.0], [1.0]], [1.0, 3.0], epochs=100, every=50, metrics="r2")
    >>> history.epoch, len(history.metrics["r2"]), history.best_epoch, history.diverged
    ([50, 100], 2, 100, None)
    """

    epoch: list[int] = field(default_factory=list)
    loss: list[Any] = field(default_factory=list)
    validation_loss: list[Any] = field(default_factory=list)
    metrics: dict[str, list[Any]] = field(default_factory=dict)
    best_epoch: Any = None
    diverged: int | None = None
    converged: bool | None = None
    engine: str = ""
    interrupted: int | None = None

    def keep(self, member: int) -> None:
        """Keep one member's numbers."""
        for numbers in (self.loss, self.validation_loss, *self.metrics.values()):
            numbers[:] = [float(each[member]) for each in numbers]
        if self.best_epoch is not None:
            self.best_epoch = int(self.best_epoch[member])


@dataclass
class Epoch:
    """One report of a training run.

    Attributes
    ----------
    number : int
        Epochs done.
    loss : float
        Mean loss over the epoch's batches, each taken before its update.
    validation_loss : float or None
        Loss on the validation rows after the epoch.
    metrics : dict of str to float
        Metrics after the epoch, on the validation rows, or on those trained on.
    network : Network
        The network, with the weights after the epoch.

    Examples
    --------
    >>> import glassnet as gn
    >>> net = gn.Network([gn.Dense(1)], inputs=1, seed=0)
    >>> for epoch in net.train([[0.0], [1.0]], [1.0, 3.0], epochs=200, optimizer=gn.SGD(0.2)):
    ...     if epoch.loss < 0.01:
    ...         break
    >>> epoch.number, epoch.rate
    (28, 0.2)
    """

    number: int
    loss: Any
    validation_loss: Any
    metrics: dict[str, Any]
    network: "Network"
    best: "Best"
    watch: "Watch"
    run: "Run | None"

    @property
    def rate(self) -> float:
        """The learning rate, before the schedule; assign another for the epochs to come."""
        return 1.0 if self.run is None else self.run.rate

    @rate.setter
    def rate(self, rate: float) -> None:
        if self.run is None:
            raise ValueError("rate: L-BFGS chooses its own steps")
        self.run.rate = checks.number("rate", rate, 0)

    def restore_best(self) -> None:
        """Go back to the weights of the report with the best monitored value."""
        self.network.theta[...] = self.best.theta


class Best:
    """The best weights so far, of each member for itself, and how long ago that was.

    Attributes
    ----------
    theta : array
        Weights of the report with the best value.
    epoch : array of int (members,)
        Its number.
    stopped : array of bool (members,)
        Who has waited for something better long enough; nothing of theirs changes any more.
    """

    def __init__(self, theta: Array, higher: bool, patience: float, min_delta: float) -> None:
        self.theta, self.sign, self.min_delta = theta.copy(), 1.0 if higher else -1.0, min_delta
        self.patience = patience
        members = len(np.atleast_2d(theta))
        self.score = np.full(members, -np.inf)
        self.epoch, self.waited = np.zeros(members, int), np.zeros(members, int)

    @property
    def stopped(self) -> Array:
        """Who has waited long enough."""
        return self.waited >= self.patience

    def see(self, value: Any, theta: Array, number: int) -> None:
        """Compare this report with the best."""
        if theta.ndim == 1:  # one network: the same in a tenth of the time
            new, before, waited = self.sign * float(value), self.score[0], self.waited[0]
            if waited < self.patience:
                self.waited[0] = 0 if new > before + self.min_delta else waited + 1
                if new > before:
                    self.score[0], self.epoch[0] = new, number
                    np.copyto(self.theta, theta)
            return
        going = ~self.stopped
        score = self.sign * np.atleast_1d(value)
        better = going & (score > self.score)  # what is no number is not better
        enough = going & (score > self.score + self.min_delta)
        self.waited[going] += 1
        self.waited[enough] = 0
        self.score[better] = score[better]
        self.epoch[better] = number
        np.copyto(np.atleast_2d(self.theta), np.atleast_2d(theta), where=better[:, None])
