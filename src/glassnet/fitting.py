"""Fitting: a training to its end, and what people want beside it: restarts, patience, averages."""

import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet import checks
from glassnet.history import Epoch, History, InterruptedWarning
from glassnet.interrupting import Interruption
from glassnet.memory import remembered
from glassnet.network import Network
from glassnet.optimizers import LBFGS
from glassnet.progress import Progress
from glassnet.training import EPOCHS, Training, train
from glassnet.vocabulary import Array

if TYPE_CHECKING:
    from glassnet.files.checkpoint import Checkpoint
    from glassnet.files.container import StrPath


@dataclass(frozen=True)
class Plateau:
    """Lower the learning rate where the monitored value has stopped becoming better.

    Source: He et al. (2015), arXiv:1512.03385, section 3.4, which divides it by 10.

    Parameters
    ----------
    patience : int
        Reports without a better value before the rate is lowered, and again after as many more.
    factor : float
        What remains of the rate each time.
    least : float
        Where it ends.

    Examples
    --------
    >>> import glassnet as gn
    >>> net = gn.Network([gn.Dense(1)], inputs=1, seed=0)
    >>> rates = []
    >>> history = net.fit([[0.0], [1.0]], [0.0, 1.0], epochs=40, optimizer=gn.SGD(1.1),
    ...                   plateau=Plateau(patience=3),
    ...                   on_epoch=lambda epoch: rates.append(epoch.rate))
    >>> rates[0], rates[-1] < 1.1, history.loss[-1] < 0.001
    (1.1, True, True)
    """

    patience: int = 5
    factor: float = 0.5
    least: float = 0.0

    def __post_init__(self) -> None:
        checks.whole("patience", self.patience)
        checks.number("factor", self.factor, 0, 1)
        checks.number("least", self.least, 0)

    def __call__(self, epoch: Epoch) -> None:
        """Look at a report, and lower the rate where it is time."""
        waited = int(epoch.best.waited.min())
        if waited and waited % self.patience == 0:
            epoch.rate = max(epoch.rate * self.factor, min(self.least, epoch.rate))


# what means nothing to L-BFGS
BY_STEPS = (
    *("schedule", "batch_size", "clip_norm", "weight_decay", "average", "plateau", "rates"),
    "checkpoint",
)


class Average:
    """The mean of the weights at the reports of the last share of the epochs.

    Source: Izmailov et al. (2018), "Averaging weights leads to wider optima and better
    generalization", arXiv:1803.05407.
    """

    def __init__(self, share: float, epochs: int) -> None:
        self.begin, self.count = (1 - share) * epochs, 0
        self.mean: Any = 0.0

    def __call__(self, epoch: Epoch) -> None:
        """Take the weights of a report into the mean."""
        if epoch.number > self.begin:
            self.count += 1
            self.mean = self.mean + (epoch.network.theta - self.mean) / self.count

    def notes(self, theta: Array) -> dict[str, Array]:
        """Return the mean and of how many reports it is, as a checkpoint keeps them."""
        return {"count": np.array(self.count), "mean": np.zeros_like(theta) + self.mean}

    def go_on(self, notes: dict[str, Array]) -> None:
        """Take back what a checkpoint kept."""
        self.count = int(notes["count"])
        self.mean = notes["mean"] if self.count else 0.0

    def settle(self, theta: Array) -> None:
        """Let the weights be the mean."""
        if self.count:
            theta[...] = self.mean
        else:
            warnings.warn(
                f"average: training ended before epoch {int(self.begin) + 1}, the first whose "
                "weights would have been averaged; they are those of the end",
                RuntimeWarning,
                stacklevel=4,
            )


def fit(
    network: Network,
    X: Any,
    y: Any,
    *,
    members: int | Sequence[int] | None = None,
    restarts: int = 1,
    average: float = 0.0,
    plateau: Plateau | None = None,
    checkpoint: "StrPath | None" = None,
    verbose: bool = False,
    on_epoch: Callable[[Epoch], Any] | None = None,
    **options: Any,
) -> History:
    """Train a network to the end; `Network.fit` tells the options."""
    history, best, last = History(), 0, None
    rule = options.get("optimizer")
    by_lbfgs = rule == "lbfgs" or isinstance(rule, LBFGS)
    if checks.whole("restarts", restarts) > 1 and members is not None:
        raise ValueError("members: expected None where restarts keep one of several")
    several = restarts > 1 or members is not None or network.members is not None
    checks.flag("verbose", verbose)
    if not (on_epoch is None or callable(on_epoch)):
        raise TypeError(f"on_epoch: expected a function, got {on_epoch!r}")
    beside = {"average": average, "plateau": plateau, "restarts": restarts}
    _check_plateau(plateau, several)
    if by_lbfgs:
        _check_lbfgs(
            several, options | beside | {"average": average or None, "checkpoint": checkpoint}
        )
    mean = _average(average, options)
    looks = [each for each in (mean, plateau, on_epoch) if each is not None]
    with ExitStack() as stack:
        saved = None
        if checkpoint is not None:
            from glassnet.files.checkpoint import opened

            saved = stack.enter_context(opened(checkpoint, network))
        if members is not None:
            network.spread(members)
        if restarts > 1:
            network.spread(restarts)
        try:
            with Progress(options.get("epochs", EPOCHS), verbose) as shown:

                def stop(epoch: Epoch) -> bool:
                    shown(epoch)
                    answers = [look(epoch) for look in looks]
                    return any(answer is True for answer in answers)

                if by_lbfgs:
                    from glassnet.lbfgs import minimise

                    last = minimise(network, X, y, stop=stop, history=history, **options)
                else:
                    training = Training(network, X, y, history=history, **options)
                    if saved is not None:
                        last = saved.restore(training, mean, **beside)
                    last = _run(training, last, stop, saved, mean)
            if last is not None and options.get("patience") is not None:
                last.restore_best()
            if mean is not None:
                mean.settle(network.theta)
            if restarts > 1 and last is not None:
                best = _best_member(last, options)
        finally:
            if restarts > 1:
                network.keep(best)
                history.keep(best)
    from glassnet.insight.doctor.recall import remember

    remember(network, history, last, len(y), options)  # and point to the doctor if it did badly
    return history


def _check_plateau(plateau: Any, several: bool) -> None:
    if plateau is not None and several:
        raise ValueError(
            "plateau: expected None where several networks share a rate, got a Plateau"
        )
    if not (plateau is None or isinstance(plateau, Plateau)):
        raise TypeError(f"plateau: expected a Plateau, got {plateau!r}")


def _check_lbfgs(several: bool, given: dict[str, Any]) -> None:
    if several:
        raise ValueError("optimizer: LBFGS trains one network at a time, got several")
    for name in BY_STEPS:
        if given.get(name) is not None:
            raise ValueError(f"{name}: expected none with LBFGS, which takes its own steps")


def _run(
    training: Training,
    last: Epoch | None,
    stop: Callable[[Epoch], bool],
    saved: "Checkpoint | None",
    mean: Average | None,
) -> Epoch | None:
    """Train to the end, or to the end of the epoch in which Ctrl-C came; return the last report."""
    halted = between = False
    with Interruption(training.run):
        while training.going and not halted and training.advance():
            between = training.between
            if saved is not None and between:  # before a report that only this training has
                saved.keep(training, mean, now=True)
            last = training.report()
            training.stopped = stop(last)
            halted = training.run.halted
            if saved is not None and not between:
                saved.keep(training, mean, now=halted or not training.going)
    if halted and (between or training.going):
        training.history.interrupted = training.done
        _tell(training, saved)
    return last


def _tell(training: Training, saved: "Checkpoint | None") -> None:
    """Say where Ctrl-C ended a training, and how to go on."""
    chosen = training.best.patience < np.inf
    whose = "those of the best report" if chosen else f"those after epoch {training.done}"
    if saved is not None:
        how = f"the same call with checkpoint={str(saved.path.parent)!r} goes on from there"
    else:
        how = 'with checkpoint="run/" the same call would go on from there'
    warnings.warn(
        f"interrupted after epoch {training.done} of {training.epochs}: the weights are {whose}; "
        f"{how}",
        InterruptedWarning,
        stacklevel=5,
    )


def partial_fit(network: Network, X: Any, y: Any, **options: Any) -> History:
    """Train on with the optimizer's memory; `Network.partial_fit` tells more."""
    options.setdefault("epochs", 1)
    history = History()
    for epoch in train(network, X, y, history=history, continued=True, **options):
        if epoch.run is not None:
            network.memory = remembered(epoch.run)
    return history


def _average(share: float, options: dict[str, Any]) -> Average | None:
    if not checks.number("average", share, 0, 1):
        return None
    if options.get("patience") is not None:
        raise ValueError("average: expected 0 where patience chooses the best weights")
    return Average(share, options.get("epochs", EPOCHS))


def _best_member(last: Epoch, options: dict[str, Any]) -> int:
    """Return the member that the monitored value says is best, as its weights are now."""
    if options.get("patience") is not None:
        return int(last.best.score.argmax())
    value = last.watch.scores()[last.watch.monitor]
    # what is no number is as bad as an infinite one
    return int(np.argmax(np.nan_to_num(last.best.sign * value, nan=-np.inf)))
