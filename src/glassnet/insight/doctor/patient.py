"""The patient: a copy of a network with its rows, and what the rules ask about it.

Nothing here changes the network, and everything is found when it is first asked for.
"""

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.beginning import start_output
from glassnet.history import History
from glassnet.insight.doctor.anatomy import Anatomy
from glassnet.insight.doctor.baseline import Baseline
from glassnet.insight.doctor.rates import RateTest, rate_test, spelled, with_rate
from glassnet.insight.doctor.recall import last_fit
from glassnet.network import Network
from glassnet.optimizers import LBFGS, Adam
from glassnet.parts import Optimizer
from glassnet.plan import planned
from glassnet.rows import Rows
from glassnet.scoring import score
from glassnet.selection import split, weighted
from glassnet.training import EPOCHS
from glassnet.vocabulary import Array

MOST_ROWS = 20_000  # that the loss is taken of
MOST_NUMBERS = 5_000_000  # of a table that is looked at; of a larger one, that many are drawn
SOME_ROWS = 512  # whose signals are looked at one by one
LEARNED = 0.5  # of what there is to gain still missing: a network with less has learned
PACE_STEPS = 10  # whose updates are compared with the weights
FEW_UPDATES = 50  # after fewer, no outcome can be judged
PLAN = ("optimizer", "batch_size", "shuffle", "schedule", "l2", "weight_decay", "clip_norm")


class Patient:
    """A copy of a network, its rows, and how it is or was trained.

    Attributes
    ----------
    network : Network
        A copy; if it was not trained, its output begins where `fit` would let it begin.
    rows, held : Rows, Rows or None
        Those trained on, class weights included, and those that were not.
    history : History or None
        Of the training that ended in these weights.
    trained : bool
        Whether the weights come from a training.
    plan, epochs, updates
        How it was trained, or would be.
    """

    def __init__(
        self,
        network: Network,
        X: Any,
        y: Any,
        sample_weight: Any,
        history: History | None,
        validation: Any,
        how: dict[str, Any],
    ) -> None:
        if network.members is not None:
            raise ValueError(f"diagnose: expected one network, got {network.members} members")
        if not (history is None or isinstance(history, History)):
            raise TypeError(f"history: expected a History, got {history!r}")
        if history is not None and any(np.ndim(loss) for loss in history.loss):
            raise ValueError("history: expected that of one network, got that of several members")
        fit = last_fit(network)
        options = {**({} if fit is None else fit.how), **how}
        self.restored = options.pop("patience", None) is not None
        held = options.pop("validation", None)
        self.epochs = checks.whole("epochs", options.pop("epochs", EPOCHS))
        class_weight = options.pop("class_weight", None)
        self.plan = planned(options, ("epochs", "class_weight"))
        self.rule: Optimizer = self.plan.optimizer
        self.network = copy.deepcopy(network)
        rows = Rows.of(self.network, X, y, sample_weight)
        if validation is None and fit is not None and len(rows) == fit.rows:
            validation = held
        rows, self.held = split(self.network, rows, validation)
        rows = weighted(rows, class_weight, network.loss.classes)
        # a row of weight 0 teaches nothing, as if it were absent
        self.rows = rows if rows.w is None or rows.w.all() else rows[np.flatnonzero(rows.w)]
        self.history = history or (None if fit is None else fit.history)
        self.trained = self.history is not None or network._untouched is None
        self.updates = self._updates()
        if fit is not None:
            self.updates = fit.updates
        self.comparable = fit is None or not fit.weighted or sample_weight is not None
        self._begin(self.network)

    def _updates(self) -> int:
        per_epoch = -(-len(self.rows) // (self.plan.batch_size or len(self.rows)))
        history = self.history
        return per_epoch * (history.epoch[-1] if history and history.epoch else self.epochs)

    def _begin(self, network: Network) -> None:
        """Let the output begin where `fit` lets it begin."""
        w = np.ones((len(self.rows), 1)) if self.rows.w is None else self.rows.w
        start_output(network, self.rows.y, w / w.sum())

    @property
    def told(self) -> str:
        """What was looked at, in words."""
        state = f"after {self.updates:,} updates" if self.trained else "before training"
        return f"{len(self.rows):,} rows, {state}"

    # ---- rows --------------------------------------------------------------------------------

    def some(self, most: int, seed: int = 0) -> Rows:
        """Return at most so many of the rows, drawn at random, as a dense table."""
        rows, most = self.rows, min(most, max(MOST_NUMBERS // self.network.inputs, 1))
        if len(rows) > most:
            order = np.random.default_rng(seed).permutation(len(rows))
            rows = rows[np.sort(order[:most])]
        return replace(rows, X=checks.dense(rows.X))

    @cached_property
    def table(self) -> Array:
        """The inputs, or as many rows of them as can be looked at, in float64."""
        return np.asarray(self.some(len(self.rows)).X, float)

    def columns(self, places: Array) -> Array:
        """Return some columns of every row in float64."""
        return np.asarray(checks.dense(self.rows.X[:, places]), float)

    # ---- where it stands ---------------------------------------------------------------------

    @cached_property
    def anatomy(self) -> Anatomy:
        """The signals inside, on some of the rows."""
        return Anatomy(self.network, self.some(SOME_ROWS))

    @cached_property
    def baseline(self) -> Baseline:
        """The losses between which there is something to learn."""
        rows = self.some(MOST_ROWS)
        return Baseline.of(self.network.loss, rows.y, rows.w, self.network.outputs)

    @cached_property
    def loss(self) -> float:
        """The loss of the weights as they are."""
        return self.loss_of(self.network)

    def loss_of(self, network: Network) -> float:
        """Return the loss of a network on the rows."""
        rows = self.some(MOST_ROWS)
        return float(score(network, rows)["loss"])

    @cached_property
    def share(self) -> float:
        """How much of what there is to gain is missing: 1 as the best constant, 0 at best."""
        return self.baseline.share(self.loss)

    @property
    def learned(self) -> bool:
        """Whether the network has learned: what might have hindered it did not."""
        return self.share < LEARNED

    @property
    def judged(self) -> bool:
        """Whether the outcome can be judged: it is that of a training of some length."""
        return self.trained and self.updates >= FEW_UPDATES and self.comparable

    @cached_property
    def linear(self) -> bool:
        """Whether predictions are the raw scores themselves, so that these have y's scale."""
        loss, probe = self.network.loss, np.linspace(-2, 2, self.network.outputs)[None]
        return not loss.classes and bool(np.array_equal(loss.link(probe), probe))

    # ---- how it would go ---------------------------------------------------------------------

    @property
    def stepping(self) -> bool:
        """Whether it is trained in steps that can be tried."""
        return not isinstance(self.rule, LBFGS)

    def options(self, **others: Any) -> dict[str, Any]:
        """Return how it is trained, as options of `train`, with others in their place."""
        plan = replace(self.plan, **others)
        return {name: getattr(plan, name) for name in PLAN}

    def again(self) -> Network:
        """Return the network as its seed makes it; frozen layers keep the weights they have."""
        old = self.network
        new = Network(old.layers, old.inputs, loss=old.loss, dtype=old.dtype, seed=old.seed)
        self._begin(new)
        for number in old.frozen:
            for start, stop, _ in old.layout.places[number - 1].values():
                new.theta[start:stop] = old.theta[start:stop]
        new.freeze(*old.frozen)
        return new

    @cached_property
    def pace(self) -> Array:
        """The first updates: for each, the longest change of a matrix, as a share of its length."""
        network, steps = self.again(), []
        rows = self.some(PACE_STEPS * (self.plan.batch_size or len(self.rows)))
        size = min(self.plan.batch_size or len(rows), len(rows))
        how = self.options(batch_size=None, schedule="constant")
        names = [units.name for units in self.anatomy.units if units.deltas is not None]
        names = names or list(network.weights)
        with quiet():
            for step in range(PACE_STEPS):
                before = {name: network.weights[name].astype(float) for name in names}
                part = rows[np.arange(step * size, (step + 1) * size) % len(rows)]
                if network.partial_fit(part.X, part.y, part.w, **how).diverged:
                    steps.append(np.inf)
                    break
                steps.append(max(_moved(before[name], network.weights[name]) for name in names))
        return np.array(steps)

    @cached_property
    def rates(self) -> RateTest | None:
        """The learning-rate range test, from weights as they are before training."""
        if not self.stepping:
            return None
        return rate_test(self.again(), self.some(SOME_ROWS), self.options())

    @cached_property
    def better(self) -> str:
        """The optimizer with a rate that the range test found, as code; or with a lower one."""
        if self.rates is None:
            return spelled(Adam())
        best = self.rates.best
        return spelled(with_rate(self.rule, self.rule.rate / 10 if best is None else best))


def _moved(before: Array, after: Array) -> float:
    """Return how far a matrix moved, as a share of its length or of the usual first one."""
    usual = np.sqrt(before.shape[-1])
    return float(np.linalg.norm(after - before) / max(np.linalg.norm(before), usual))


@contextmanager
def quiet() -> Iterator[None]:
    """Try something whose warnings are nobody's business."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
