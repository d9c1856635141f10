"""Members that learn a table side by side, each judged by rows of its own, and what they say."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np

from glassnet.history import DivergenceWarning, Epoch
from glassnet.metrics import Metric
from glassnet.network import Network
from glassnet.selection import FOLDS, folds
from glassnet.tabular.defaults import Recipe
from glassnet.tabular.encoding import Encoding
from glassnet.vocabulary import Array

EVERY = 2  # epochs from one look at the validation rows to the next
LEAST_ROWS = 2 * FOLDS  # fewer have no folds: all teach, and the last epoch stays


class Choice:
    """The weights of each member at its best look, by the mean of three looks in a row.

    One look is noisy, and the best of many noisy ones is mostly luck; where several are as good,
    the last one counts.

    Attributes
    ----------
    theta : array (members, P)
        The weights to keep.
    score : array (members,)
        Their mean of three, the lower the better.
    """

    def __init__(self, network: Network, metric: Metric) -> None:
        self.metric, self.theta = metric, network.theta.copy()
        self.score = np.full(len(self.theta), np.inf)
        self._scores: list[Array] = []
        self._before = self.theta

    def see(self, epoch: Epoch) -> None:
        """Take a look into account."""
        found = np.asarray(epoch.metrics[self.metric.name], float)
        self._scores = [*self._scores[-2:], -found if self.metric.higher else found]
        if len(self._scores) > 1:
            self._keep(np.mean(self._scores, axis=0), self._before)
        self._before = epoch.network.theta.copy()

    def settle(self, network: Network) -> None:
        """Look at the last weights too, and give the members their best."""
        if self._scores:
            self._keep(np.mean(self._scores[-2:], axis=0), network.theta)
            network.theta[...] = self.theta

    def _keep(self, score: Array, theta: Array) -> None:
        better = score <= self.score
        self.score[better], self.theta[better] = score[better], theta[better]


@dataclass
class Ensemble:
    """Trained members, and how what they say is put together.

    Attributes
    ----------
    network : Network
        The members, stacked.
    classes : int
        How many there are; 0 for a quantity.
    temperature : float
        What raw scores are divided by, so that probabilities are as sure as they are right.
    mean, sd, low, high : float
        Of a quantity in the rows learned from.
    epochs : int
        Epochs that were trained.
    """

    network: Network
    classes: int
    temperature: float = 1.0
    mean: float = 0.0
    sd: float = 1.0
    low: float = -np.inf
    high: float = np.inf
    epochs: int = 0

    def members(self, X: Array) -> Array:
        """Return what each member says: probabilities (members, n, classes), or (members, n)."""
        raw = self.network.raw(X)
        if not self.classes:
            return np.clip(raw[..., 0].astype(float) * self.sd + self.mean, self.low, self.high)
        return softmax(raw.astype(float) / self.temperature)

    def predict(self, X: Array) -> Array:
        """Return the mean of what the members say."""
        mean: Array = self.members(X).mean(axis=0)
        return mean


def softmax(raw: Array) -> Array:
    """Return the shares of e^raw along the last axis.

    Examples
    --------
    >>> softmax(np.array([0.0, np.log(3)])).round(4)
    array([0.25, 0.75])
    """
    e = np.exp(raw - raw.max(axis=-1, keepdims=True))
    shares: Array = e / e.sum(axis=-1, keepdims=True)
    return shares


def learn(
    recipe: Recipe,
    encoding: Encoding,
    X: Array,
    y: Array,
    w: Array | None = None,
    *,
    classes: int,
    seed: int,
    metric: Metric | None = None,
    watched: tuple[Array, Array, Array | None] | None = None,
    time_limit: float = np.inf,
    on_epoch: Callable[[Epoch], Any] | None = None,
) -> Ensemble:
    """Train an ensemble on encoded rows.

    Parameters
    ----------
    X : array (n, encoding.width)
    y : array (n,)
        Labels 0 ... classes - 1, or a quantity.
    w : array (n,), optional
        How much each row counts.
    classes : int
        0 for a quantity.
    metric : Metric, optional
        What epochs are chosen by; left out, the share of wrong classes, and for a quantity the
        last epoch stays.
    watched : tuple (X, y, w), optional
        Rows to judge by, in place of folds.
    time_limit : float
        Seconds; training is made to fit into it.
    """
    begun, ensemble = perf_counter(), Ensemble(recipe.network(encoding, classes, seed), classes)
    if not classes:
        ensemble.mean, ensemble.sd = _mean_sd(y)
        ensemble.low, ensemble.high = float(y.min()), float(y.max())
        y = (y - ensemble.mean) / ensemble.sd
        if watched is not None:
            watched = (watched[0], (watched[1] - ensemble.mean) / ensemble.sd, watched[2])
    network, rows = ensemble.network, len(y)
    taught = held = None
    if watched is None and rows >= LEAST_ROWS:
        taught, held = folds(y[:, None], recipe.members, bool(classes))
        rows = taught.shape[1]
    how = recipe.how(classes, rows)
    validation: Any = "folds" if held is not None else watched
    if validation is not None:
        how |= {"validation": validation, "every": EVERY}
    choosing = metric or (error() if classes else None)
    while True:
        network.start(X, taught)
        choice = Choice(network, choosing) if choosing and validation is not None else None
        looks = {"metrics": [choosing]} if choice else {}
        left = time_limit - (perf_counter() - begun)
        outcome = _train(network, (X, y, w), how | looks, choice, left, on_epoch)
        if outcome > 0:
            break
        # too little time for as many epochs, or too large a rate: again, with less
        network = ensemble.network = recipe.network(encoding, classes, seed)
        if outcome == 0:
            rule = how["optimizer"]
            how["optimizer"] = replace(rule, rate=rule.rate / 4)
        else:
            how["epochs"] = -outcome
    if choice is not None:
        choice.settle(network)
    ensemble.epochs = outcome
    if classes and validation is not None:
        ensemble.temperature = _temperature(network, X, y, w, held, watched)
    ensemble.network = _in_double(network)
    return ensemble


def _in_double(network: Network) -> Network:
    """Return the network in float64: what it says of a row then hangs on no other row."""
    double = Network(network.layers, network.inputs, loss=network.loss, dtype="float64", seed=0)
    double.spread(len(network.theta))
    double.theta[...] = network.theta
    return double


def _train(
    network: Network,
    rows: tuple[Array, Array, Array | None],
    how: dict[str, Any],
    choice: Choice | None,
    limit: float,
    on_epoch: Callable[[Epoch], Any] | None,
) -> int:
    """Train; return the epochs done, 0 if it diverged at once, or minus how many there is time for.

    A schedule ends where the training ends, so it is planned for as many epochs as there is time
    for, and cut off only if they take longer than the first ones said.
    """
    begun, looks, first = perf_counter(), 0, 0.0
    X, y, w = rows
    done = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        for epoch in network.train(X, y, sample_weight=w, **how):
            looks, done, spent = looks + 1, epoch.number, perf_counter() - begun
            if choice is not None:
                choice.see(epoch)
            if on_epoch is not None:
                on_epoch(epoch)
            if looks == 1:
                first = spent  # in which programs were recorded too: not what an epoch takes
                each = spent / done
            elif looks == 2:
                each = (spent - first) / how.get("every", 1)
                fewer = int(0.9 * (limit - spent) / each) if limit < np.inf else how["epochs"]
                if done < fewer < how["epochs"]:
                    return -fewer
            if spent + each * how.get("every", 1) > limit:
                break
    return done


def _temperature(
    network: Network,
    X: Array,
    y: Array,
    w: Array | None,
    held: Array | None,
    watched: tuple[Array, Array, Array | None] | None,
) -> float:
    """Return the temperature at which the members' log-loss on rows they never saw is least.

    Source: Guo et al. (2017), "On calibration of modern neural networks", arXiv:1706.04599.
    """
    if watched is not None:
        X, y, w = watched
    everyone = np.broadcast_to(np.arange(len(y)), (len(network.theta), len(y)))
    places = everyone if held is None else held
    raw = network.raw(X, places).astype(float)
    label = y[places].astype(int)[..., None]
    share = np.ones(places.shape) if w is None else w[places]

    def loss(log_temperature: float) -> float:
        scaled = raw / np.exp(log_temperature)
        top = scaled.max(axis=-1, keepdims=True)
        log_sum = np.log(np.exp(scaled - top).sum(axis=-1)) + top[..., 0]
        each = log_sum - np.take_along_axis(scaled, label, -1)[..., 0]
        return float((each * share).sum())

    return float(np.exp(_least(loss, -3.0, 3.0)))


def _least(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function of one valley is least, by golden sections."""
    golden = (5**0.5 - 1) / 2
    a, b = high - golden * (high - low), low + golden * (high - low)
    at_a, at_b = function(a), function(b)
    for _ in range(30):
        if at_a < at_b:
            high, b, at_b = b, a, at_a
            a = high - golden * (high - low)
            at_a = function(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + golden * (high - low)
            at_b = function(b)
    return (low + high) / 2


def error() -> Metric:
    """Return the share of rows whose likeliest class is not theirs, as a metric."""
    return Metric("error", _error, higher=False)


def _error(y: Array, p: Array, w: Array) -> Any:
    return np.average(p.argmax(axis=-1) != y[:, 0], weights=w[:, 0])


def _mean_sd(y: Array) -> tuple[float, float]:
    """Return mean and standard deviation, 1 where all are the same."""
    scale = float(np.abs(y).max()) or 1.0
    sd = float((y / scale).std()) * scale
    return float((y / scale).mean()) * scale, sd or 1.0
