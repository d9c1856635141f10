"""The learning-rate range test: one short training whose rate grows at every step.

Where the rate is too small the loss stays, then it falls, and where the rate is too large it
rises and runs away. Source: Smith (2017), "Cyclical learning rates for training neural networks",
arXiv:1506.01186, section 3.3; one batch and a geometric row of rates, as is usual since.
"""

import copy
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.network import Network
from glassnet.parts import Optimizer
from glassnet.rows import Rows
from glassnet.training import train
from glassnet.vocabulary import Array

LOW, HIGH, STEPS = 1e-6, 10.0, 211  # thirty steps a decade
BELOW = 10.0  # the rate with the least loss, divided by this, is a good one to train with
HALFWAY, ABOVE = 0.5, 2.0  # of the way down; twice the rate there is large enough
GAIN = 0.02  # of the first loss: a test that gains less has found no rate that helps
RUNAWAY = 4.0  # times the first loss, where the test ends
PLOT = (61, 10)  # columns and lines


@dataclass(frozen=True, eq=False)
class RateTest:
    """What a range test saw; printed, it is a plot.

    Attributes
    ----------
    optimizer : Optimizer
        The rule whose rates were tried.
    rates, losses : array (steps,)
        The rate of each step, and the loss after it.
    best : float or None
        A rate to train with: a tenth of that with the least loss, or twice that which is halfway
        down if it is lower; None where no rate helps.
    """

    optimizer: Optimizer
    rates: Array
    losses: Array
    best: float | None

    def __str__(self) -> str:
        width, height = PLOT
        losses = np.where(np.isfinite(self.losses), self.losses, np.inf)
        low, high = float(losses.min()), float(losses[0])
        high += max(high - low, 1e-12 + 1e-3 * abs(high)) / 2
        place = np.log(self.rates / LOW) / np.log(HIGH / LOW) * (width - 1)
        depth = (high - np.minimum(losses, high)) / (high - low) * (height - 1)
        canvas = [[" "] * width for _ in range(height)]
        for column, line in zip(place.round().astype(int), depth.round().astype(int), strict=True):
            canvas[line][column] = "*"
        marks = [f"{high:8.3g} ", *[" " * 9] * (height - 2), f"{low:8.3g} "]
        lines = [f"{mark}|{''.join(row).rstrip()}" for mark, row in zip(marks, canvas, strict=True)]
        axis = ["-"] * width
        if self.best is not None:
            axis[round(np.log(self.best / LOW) / np.log(HIGH / LOW) * (width - 1))] = "^"
        told = "no rate makes the loss smaller"
        if self.best is not None:
            told = f"^ {self.best:g}: a rate to train with"
        title = f"loss against the rate of {type(self.optimizer).__name__}, one step at each rate"
        decades = [f"{10.0**power:g}" for power in range(-6, 2)]
        step = (width - 1) // 7
        names = "".join(f"{name:<{step}}" for name in decades[:-1]) + decades[-1]
        return "\n".join([title, *lines, f"{'':9}+{''.join(axis)}", f"{'':10}{names}", told])

    __repr__ = __str__


def rate_test(network: Network, rows: Rows, options: dict[str, Any]) -> RateTest:
    """Try rates on a copy of a network, all rows at once.

    Parameters
    ----------
    network : Network
        As it is before training.
    rows : Rows
    options : dict
        As for `train`; the rate, the schedule and the batch size are the test's own.

    Examples
    --------
    >>> import glassnet as gn
    >>> X = np.linspace(-1, 1, 40)[:, None]
    >>> net = gn.Network([gn.Dense(8, "tanh"), gn.Dense(1)], inputs=1, seed=0)
    >>> test = rate_test(net, Rows.of(net, X, np.sin(3 * X)), {"optimizer": gn.SGD()})
    >>> 0.01 < test.best < 1
    True
    """
    rule, network = options["optimizer"], copy.deepcopy(network)
    rates = np.geomspace(LOW, HIGH, STEPS)
    own = {
        "optimizer": with_rate(rule, LOW),
        "schedule": lambda step, total: float((HIGH / LOW) ** (step / (STEPS - 1))),
        "batch_size": None,
    }
    losses: list[float] = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        how = {**options, **own, "sample_weight": rows.w, "continued": False}
        for epoch in train(network, rows.X, rows.y, epochs=STEPS + 1, **how):
            losses.append(float(epoch.loss))
            if not losses[-1] < RUNAWAY * max(losses[0], 1e-12):
                break
    # the loss of a step is taken before its update
    after = np.array([*losses[1:], *[np.inf] * (STEPS + 1 - len(losses))][:STEPS])
    return RateTest(rule, rates, after, _best(rates, np.array([*losses[:1], *after])))


def _best(rates: Array, losses: Array) -> float | None:
    smooth = np.convolve(np.nan_to_num(losses, posinf=1e300), np.ones(3) / 3, "valid")
    least, start = float(smooth.min()), float(losses[0])
    if not least < start - GAIN * abs(start):
        return None
    halfway = int((smooth < start - HALFWAY * (start - least)).argmax())
    return float(f"{min(rates[smooth.argmin()] / BELOW, ABOVE * rates[halfway]):.0e}")


def with_rate(rule: Optimizer, rate: float) -> Optimizer:
    """Return the same rule with another learning rate."""
    other = copy.copy(rule)
    object.__setattr__(other, "rate", rate)
    return other


def spelled(rule: Optimizer) -> str:
    """Return a rule as it is written in a line of code."""
    ours = type(rule).__module__.startswith("glassnet.")
    return f"gn.{rule!r}" if ours else repr(rule)
