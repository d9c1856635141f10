"""Members that learn a table side by side, each judged by rows of its own, and what they say."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np

from glassnet.files.checkpoint import Checkpoint
from glassnet.history import DivergenceWarning, InterruptedWarning
from glassnet.interrupting import results
from glassnet.metrics import Metric, accuracy
from glassnet.network import Network
from glassnet.selection import FOLDS, Folds, folds, in_proportion
from glassnet.tabular.apart import Apart
from glassnet.tabular.calibration import temperature
from glassnet.tabular.choosing import Choice
from glassnet.tabular.defaults import Recipe
from glassnet.tabular.encoding import Encoding
from glassnet.tabular.keeping import Keeper
from glassnet.tabular.narrow import narrowed
from glassnet.tabular.target import in_units, mean_sd, standardised
from glassnet.training import Training
from glassnet.vocabulary import Array

EVERY = 2  # epochs from one look at the validation rows to the next
LEAST_ROWS = 2 * FOLDS  # fewer have no folds: all teach, and the last epoch stays
EXACT_ROWS = 256  # that are predicted in float64
TRIES = 5  # each with a quarter of the rate, where training diverges at once
LONG = 400  # steps of one member from which on a process of its own is worth its beginning
WIDE = 2**24  # bytes of rows up to which it gets a copy of them
Trained = tuple[Network, int, dict[str, Any]]
Progress = Callable[[int, int], object]  # called with the epochs done, and how many there will be


def _error(y: Array, p: Array, w: Array) -> Any:
    return 1 - accuracy(y, p, w)


def _unseen(done: int, epochs: int) -> None:
    """Show nobody how far a training is."""


ERROR = Metric("error", _error, higher=False)


class DivergenceError(ValueError):
    """Training ran away at once, at every rate that was tried."""


@dataclass(frozen=True)
class Table:
    """Encoded rows: X (n, columns), labels or a quantity y (n,), and how much each counts (n,)."""

    X: Array
    y: Array
    w: Array | None = None

    def __getitem__(self, places: Array) -> "Table":
        return Table(self.X[places], self.y[places], None if self.w is None else self.w[places])

    def of(self, places: Array) -> tuple[Array, Array]:
        """Return labels and weights of some rows as a loss has them, (..., n, 1)."""
        w = np.ones(len(self.y)) if self.w is None else self.w
        return self.y[places][..., None], w[places][..., None]


class Clock:
    """How much time there is, and for how many epochs.

    A schedule ends where the training ends, so it is planned for as many epochs as there is time
    for, and cut off only if they take longer than the second look said. The first is no measure:
    programs are recorded before it.
    """

    def __init__(self, end: float) -> None:
        self.end = end
        self._last: tuple[int, float] | None = None

    def fewer(self, done: int, epochs: int) -> int | None:
        """Return for how many epochs a training anew has time, if this one has not; see a look."""
        now, before = perf_counter(), self._last
        self._last = done, now
        if before is None:
            return None
        each = (now - before[1]) / (done - before[0])
        if now + each * (epochs - done) <= self.end:
            return None
        return min(max(int(0.9 * (self.end - now) / each), 1), epochs)


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
    interrupted : bool
        Whether Ctrl-C ended the training.
    """

    network: Network
    classes: int
    temperature: float = 1.0
    mean: float = 0.0
    sd: float = 1.0
    low: float = -np.inf
    high: float = np.inf
    epochs: int = 0
    interrupted: bool = field(default=False, init=False, repr=False, compare=False)
    _narrow: Network | None = field(default=None, init=False, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_narrow": None}

    def tell(self) -> None:
        """Warn if Ctrl-C ended the training."""
        if self.interrupted:
            told = f"interrupted after epoch {self.epochs}: the networks are the best so far"
            warnings.warn(told, InterruptedWarning, stacklevel=4)

    def members(self, X: Array) -> Array:
        """Return what each member says: probabilities (members, n, classes), or (members, n)."""
        raw = self._raw(X)
        if not self.classes:
            with np.errstate(over="ignore"):  # what is beyond float64 lies where the targets end
                quantities = raw[..., 0].astype(float) * self.sd + self.mean
                return np.clip(quantities, self.low, self.high)
        # class by class: most loops of a softmax are along rows then, of which there are more
        scores = np.moveaxis(np.divide(np.moveaxis(raw, -1, 0), self.temperature, order="C"), 0, -1)
        probabilities: Array = self.network.loss.link(scores)
        return probabilities

    def predict(self, X: Array) -> Array:
        """Return the mean of what the members say.

        Up to 256 rows it is computed in float64, so that what is said of a row does not hang on
        the others; more are computed in float32, by threads, and differ from that by rounding: by
        less than 1e-4 of a probability, or of the targets' range; after a dozen rows by more.
        """
        mean: Array = self.members(X).mean(axis=0, dtype=float)
        return mean / mean.sum(axis=1, keepdims=True) if self.classes else mean

    def _raw(self, X: Array) -> Array:
        if len(X) <= EXACT_ROWS:
            return self.network.raw(X)
        if self._narrow is None:
            self._narrow = narrowed(self.network)
        return self._narrow.raw(X)


def learn(
    recipe: Recipe,
    encoding: Encoding,
    rows: Table,
    *,
    classes: int,
    seed: int,
    metric: Metric | None = None,
    watched: Table | None = None,
    seconds: float = np.inf,
    threads: int = 1,
    progress: Progress = lambda done, epochs: None,
    kept: Keeper | None = None,
) -> Ensemble:
    """Train an ensemble on encoded rows.

    Parameters
    ----------
    rows : Table
    classes : int
        0 for a quantity.
    metric : Metric, optional
        What epochs are chosen by; left out, the share of wrong classes, and for a quantity the
        last epoch stays.
    watched : Table, optional
        Rows to judge by, in place of folds.
    seconds : float
        Time; training is made to fit into it.
    threads : int
        How many groups of members train at a time; what they learn does not depend on it.
    progress : callable
        ``progress(done, epochs)`` is called at each look at the first member.
    kept : Keeper, optional
        Where trainings are kept; without a limit to the time.

    Raises
    ------
    DivergenceError
        If training runs away at once, however low the rate.
    """
    end = perf_counter() + seconds
    if rows.w is not None and not rows.w.all():
        rows = rows[np.flatnonzero(rows.w)]  # a row of weight 0 is as if it were absent
    spread: dict[str, float] = {}
    if not classes:
        mean, sd = mean_sd(rows.y if rows.w is None else rows.y[in_proportion(rows.w)])
        spread = {"mean": mean, "sd": sd, "low": float(rows.y.min()), "high": float(rows.y.max())}
        rows = replace(rows, y=standardised(rows.y, mean, sd))
        watched = watched and replace(watched, y=standardised(watched.y, mean, sd))
        metric = metric and in_units(metric, **spread)
    shared = None
    if watched is None and len(rows.y) >= LEAST_ROWS:
        shared = folds(rows.y[:, None], recipe.members, bool(classes))
    how = recipe.how(classes, len(rows.y) if shared is None else rows_of_each(len(rows.y)))
    judged = shared is not None or watched is not None
    metric = (metric or (ERROR if classes else None)) if judged else None
    lesson = Lesson(
        *(recipe, encoding, rows, classes, seed, shared, watched, metric, how, end, progress),
        kept,
    )
    networks, epochs = lesson.learn(threads)
    network = stacked(networks)
    ensemble = Ensemble(network, classes, epochs=epochs, **spread)
    ensemble.interrupted = lesson.interrupted
    if classes and judged:
        judging = watched or rows
        everyone = np.tile(np.arange(len(judging.y)), (recipe.members, 1))
        places = everyone if shared is None else shared.held
        ensemble.temperature = temperature(network.raw(judging.X, places), *judging.of(places))
    return ensemble


def rows_of_each(rows: int) -> int:
    """Return how many of the rows each member learns from, where folds judge.

    Examples
    --------
    >>> rows_of_each(100), rows_of_each(9)
    (80, 9)
    """
    return rows if rows < LEAST_ROWS else rows - rows // FOLDS


@dataclass
class Lesson:
    """What members are taught, and how."""

    recipe: Recipe
    encoding: Encoding
    rows: Table
    classes: int
    seed: int
    shared: Folds | None
    watched: Table | None
    metric: Metric | None
    how: dict[str, Any]
    end: float
    progress: Progress
    kept: Keeper | None = None
    replanned: bool = False  # for the time there is; a second time would be no better a guess
    interrupted: bool = False
    apart: list[Apart] = field(default_factory=list)

    def _stop(self) -> None:
        """Let all members end with their epochs."""
        self.end = 0.0
        for each in self.apart:
            each.stop()

    def _halt(self) -> None:
        """Let all end with their epochs; where they are kept, the same call goes on."""
        if self.kept is not None:
            raise KeyboardInterrupt
        self.interrupted = True
        self._stop()

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Let all end with their epochs, if one is interrupted or fails."""
        try:
            yield
        except BaseException:
            self._stop()
            raise

    def _train(self, members: range, saved: Checkpoint | None) -> Trained:
        with self._together():
            trained = self._trained_apart(members) if members.start and self._long else None
            return self.train(members, saved) if trained is None else trained

    @property
    def _long(self) -> bool:
        """Whether members other than the first learn in processes of their own."""
        rows = len(self.rows.y) if self.shared is None else self.shared.taught.shape[-1]
        steps = self.how["epochs"] * rows // self.how["batch_size"]
        return self.kept is None and steps >= LONG and self.rows.X.nbytes <= WIDE

    def _trained_apart(self, members: range) -> Trained | None:
        """Return what a process of its own makes of members, or None if there can be none."""
        try:
            process = Apart(replace(self, progress=_unseen, apart=[]), members)
        except Exception:  # whatever the metric is: the user's own may hold anything
            return None
        self.apart.append(process)
        trained: Trained | None = process.result()
        return trained

    def _known(self, shared: Folds | None) -> Sequence[Array] | None:
        """Return the rows that each member may begin from, as often as they count."""
        w = self.rows.w
        if shared is None:
            return None
        if w is None:
            return list(shared.taught)
        return [taught[in_proportion(w[taught])] for taught in shared.taught]

    def learn(self, threads: int) -> tuple[list[Network], int]:
        """Train every member, and all anew where it has to be; return them, and the epochs."""
        members = range(self.recipe.members)
        threads = min(threads, len(members))
        if self.kept is not None:
            threads = self.kept.groups(threads, len(members))
        ends = [len(members) * k // threads for k in range(threads + 1)]
        groups = [members[begin:end] for begin, end in pairwise(ends)]
        with warnings.catch_warnings(), ThreadPoolExecutor(threads) as pool:
            warnings.simplefilter("ignore", DivergenceWarning)
            for attempt in range(1, TRIES + 1):
                files: list[Checkpoint | None] = [
                    self.kept.file(group, threads, attempt) if self.kept else None
                    for group in range(1, threads + 1)
                ]
                with self._together():
                    pairs = zip(groups, files, strict=True)
                    running = [pool.submit(self._train, *pair) for pair in pairs]
                    trained = results(running, self._halt)
                again = {name: value for *_, change in trained for name, value in change.items()}
                if not again:
                    return [network for network, *_ in trained], max(done for _, done, _ in trained)
                self.how |= again
                self.replanned |= "epochs" in again
        raise DivergenceError(
            "X: expected a table that can be learned, but training diverged each time"
        )

    def train(self, members: range, saved: Checkpoint | None = None) -> Trained:
        """Train some members: return them, the epochs, and what to change to begin anew, if so."""
        seeds = [self.seed + member for member in members]
        network = self.recipe.network(self.encoding, self.classes, len(self.rows.y), seeds)
        shared = self.shared and self.shared[members.start : members.stop]
        network.start(self.rows.X, self._known(shared))
        choice = Choice(network, self.metric) if self.metric else None
        training = Training(
            *(network, self.rows.X, self.rows.y),
            sample_weight=self.rows.w,
            validation=shared or (self.watched and (self.watched.X, self.watched.y)),
            metrics=[self.metric] if self.metric else (),
            every=EVERY,
            **self.how,
        )
        if saved is not None and saved.restore(training, choice) and not members.start:
            self.progress(training.done, self.how["epochs"])
        done, clock = training.done, Clock(self.end)
        for epoch in training.reports():
            done = epoch.number
            if not members.start:
                self.progress(done, self.how["epochs"])
            if choice is not None:
                choice.see(epoch)
            if saved is not None:
                over = perf_counter() >= self.end or not training.going
                saved.keep(training, choice, now=over)
            if done <= 2 * EVERY and not self.replanned:
                fewer = clock.fewer(done, self.how["epochs"])
                if fewer is not None and fewer > done:
                    return network, done, {"epochs": fewer}
            if perf_counter() >= self.end:
                break
        if not done:
            rule = self.how["optimizer"]
            return network, 0, {"optimizer": replace(rule, rate=rule.rate / 4)}
        if choice is not None:
            choice.settle(network)
        return network, done, {}


def stacked(networks: Sequence[Network]) -> Network:
    """Return one network in float64 with the members of all of these."""
    like, theta = networks[0], np.concatenate([each.theta for each in networks])
    network = Network(like.layers, like.inputs, loss=like.loss, dtype="float64", seed=0)
    network.spread(len(theta))
    network.theta[...] = theta
    return network
