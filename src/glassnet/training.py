"""Training: batches, epochs, reports. A generator, which `fit` exhausts.

Whoever wants to look, log, stop or change something between epochs writes it into a ``for``
loop: there are no callbacks to learn.
"""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.beginning import start_output
from glassnet.engines import start
from glassnet.guard import Guard
from glassnet.history import Best, DivergenceWarning, Epoch, History
from glassnet.memory import resume
from glassnet.metrics import Metric, find_metrics
from glassnet.network import Network
from glassnet.optimizers import LBFGS
from glassnet.plan import Plan, planned
from glassnet.rows import Rows
from glassnet.run import Run
from glassnet.scoring import score
from glassnet.selection import Folds, split, weighted

EPOCHS = 100  # where nobody says how many
OPTIONS = (
    *("epochs", "every", "validation", "metrics", "monitor", "patience", "min_delta"),
    *("sample_weight", "class_weight"),
)


class Watch:
    """What is looked at in a report: the validation rows, or those trained on, and the metrics."""

    def __init__(
        self, network: Network, taught: Rows, held: Rows | None, metrics: list[Metric], monitor: str
    ) -> None:
        self.network, self.metrics, self.monitor = network, metrics, monitor
        self.held, self.rows = held is not None, (held or taught).as_type(network.dtype)

    def scores(self) -> dict[str, Any]:
        """Return the loss and the metrics of the weights as they are."""
        return score(self.network, self.rows, self.metrics)

    def report(
        self, number: int, loss: Any, best: Best, history: History, run: Run | None = None
    ) -> Epoch:
        """Look at the weights after an epoch, remember what is seen, and return the report."""
        network, members = self.network, self.network.members
        scores = self.scores() if self.held or self.metrics else {}
        evaluated = scores.pop("loss", None)
        unseen = evaluated if self.held else None
        loss = float(loss) if members is None else loss
        watched = loss if unseen is None else unseen
        best.see(watched if self.monitor == "loss" else scores[self.monitor], network.theta, number)
        history.epoch.append(number)
        history.loss.append(loss)
        history.best_epoch = int(best.epoch[0]) if members is None else best.epoch.copy()
        if self.held:
            history.validation_loss.append(unseen)
        for name, found in scores.items():
            history.metrics.setdefault(name, []).append(found)
        return Epoch(number, loss, unseen, scores, network, best, self, run)


class Training:
    """A training under way: what runs it, what watches it, and how far it is.

    Attributes
    ----------
    run : Run
        What makes the steps.
    epochs, every : int
        How many epochs there will be, and from one report to the next.
    done : int
        Epochs done.
    stopped : bool
        Whether somebody who looked at a report wanted an end.
    """

    def __init__(
        self,
        network: Network,
        X: Any,
        y: Any,
        *,
        epochs: int = EPOCHS,
        every: int = 1,
        history: History | None = None,
        continued: bool = False,
        **options: Any,
    ) -> None:
        self.epochs, self.every = checks.whole("epochs", epochs), checks.whole("every", every)
        plan, taught, self.best, self.watch = prepare(network, X, y, continued=continued, **options)
        if isinstance(plan.optimizer, LBFGS):
            raise ValueError("optimizer: LBFGS takes no single steps: give it to fit")
        self.history = History() if history is None else history
        self.run, self.history.engine = start(network, taught, plan, epochs, continued)
        self.done, self.loss, self.stopped = 0, None, False
        self._guard = Guard(self.run)

    @property
    def going(self) -> bool:
        """Whether there is more to do."""
        if self.stopped or self.run.diverged or self.done >= self.epochs:
            return False
        return self.best.patience == np.inf or not self.best.stopped.all()

    @property
    def between(self) -> bool:
        """Whether it was halted where no report is due."""
        return self.done % self.every > 0 and self.done < self.epochs

    def advance(self) -> bool:
        """Train to the next report, and return whether it went well."""
        self._guard.look(self.done)
        due = min(self.every - self.done % self.every, self.epochs - self.done)
        went, self.loss = self.run.advance(due)
        self.done += went
        if self.run.diverged:
            self.history.diverged = self.done + 1
            where = self._guard.where(self.done, self.epochs)
            warnings.warn(
                f"training diverged in epoch {self.done + 1}: the weights are those after epoch "
                f"{self.done}; {f'it broke first in {where}; ' * bool(where)}"
                f"a lower learning rate than {self.run.rule.rate:g} may help",
                DivergenceWarning,
                stacklevel=4,
            )
        return not self.run.diverged

    def report(self) -> Epoch:
        """Look at the weights as they are now."""
        return self.watch.report(self.done, self.loss, self.best, self.history, self.run)

    def reports(self) -> Iterator[Epoch]:
        """Train to the end, from report to report."""
        while self.going and self.advance():
            yield self.report()


def train(
    network: Network, X: Any, y: Any, *, continued: bool = False, **options: Any
) -> Iterator[Epoch]:
    """Train a network as a generator of reports; `Network.train` tells the options."""
    training = Training(network, X, y, continued=continued, **options)
    if continued:
        resume(training.run, network.memory)
    return training.reports()


def prepare(
    network: Network,
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    class_weight: Any = None,
    validation: Any = None,
    metrics: Any = (),
    monitor: str = "loss",
    patience: float | None = None,
    min_delta: float = 0.0,
    continued: bool = False,
    **how: Any,
) -> tuple[Plan, Rows, Best, Watch]:
    """Check what a training is given: how, on which rows, and what is watched."""
    plan = planned(how, OPTIONS)
    if plan.rates is not None:
        rates = checks.weights("rates", plan.rates, np.size(plan.rates))
        if len(rates) != network.members:
            raise ValueError(
                f"rates: expected one for each of {network.members or 'several'} members, "
                f"got {len(rates)}"
            )
    patience = np.inf if patience in (None, np.inf) else checks.whole("patience", patience)
    checks.number("min_delta", min_delta, 0)
    found = {metric.name: metric for metric in find_metrics(metrics, network.loss)}
    checks.one_of("monitor", monitor, ("loss", *found), ", or another of the metrics")
    rows = weighted(Rows.of(network, X, y, sample_weight), class_weight, network.loss.classes)
    if rows.w is not None and not rows.w.all() and not isinstance(validation, Folds):
        rows = rows[np.flatnonzero(rows.w)]  # a row of weight 0 is as if it were absent
    taught, held = split(network, rows, validation)
    if network.loss.classes and not continued and (taught.y == taught.y.flat[0]).all():
        raise ValueError(f"y: expected at least two classes, got only {taught.y.flat[0]:g}")
    w = np.ones((len(taught), 1)) if taught.w is None else taught.w
    start_output(network, taught.y, w / w.sum())
    best = Best(network.theta, monitor != "loss" and found[monitor].higher, patience, min_delta)
    return plan, taught, best, Watch(network, taught, held, list(found.values()), monitor)
