"""What an ensemble is worth on rows that it never saw: numbers, to be shown or written.

Scores beside a baseline and beside peers, what is taken for what or how far off, which columns
matter, and whether probabilities are as sure as they are right.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from glassnet.metrics import METRICS, Metric
from glassnet.tabular.ensemble import Ensemble
from glassnet.tabular.peers import Peer
from glassnet.tabular.scores import LOG_LOSS, log_loss
from glassnet.tabular.target import mean_sd
from glassnet.tabular.task import Course, Task
from glassnet.threads import one_thread
from glassnet.vocabulary import Array

NETWORK, BASELINE = "network", "baseline"
CLASSES = {"accuracy": METRICS["accuracy"], "log-loss": LOG_LOSS}
QUANTITIES = {"RMSE": METRICS["rmse"], "MAE": METRICS["mae"], "R²": METRICS["r2"]}
QUANTILES = (0.5, 0.75, 0.9, 0.95, 1.0)
MOST_CLASSES = 12  # with more, the pairs that are most often confused say more than a table
MOST_PAIRS, WORST, MOST_SHUFFLED = 10, 5, 1000
SHUFFLES, PREDICTIONS = 5, 100  # of a column; of all columns, where there are many
MOST_COLUMNS = 500  # of more, none is shuffled: it would take longer than to learn them
BINS, FEW_BINS, FEW_ROWS = 10, 5, 500


@dataclass(frozen=True)
class Missed:
    """A row that was predicted badly: where it is in the file, what it is, and what was said."""

    place: str
    known: float
    predicted: float


@dataclass(frozen=True)
class Bin:
    """Rows of about one confidence.

    Attributes
    ----------
    low, high : float
        The confidence of its rows lies between.
    rows : int
        How many there are.
    said, right : float
        Their mean confidence, and the share that is right.
    """

    low: float
    high: float
    rows: int
    said: float
    right: float


@dataclass(frozen=True)
class Calibration:
    """Whether probabilities are as sure as they are right.

    Attributes
    ----------
    bins : tuple of Bin
        Those that have rows.
    error : float
        The expected calibration error: the mean distance of said and right.
    before, after : float
        The log-loss without the temperature, and with it.
    temperature : float
        What raw scores are divided by.
    """

    bins: tuple[Bin, ...]
    error: float
    before: float
    after: float
    temperature: float


@dataclass(frozen=True)
class Report:
    """What an ensemble is worth on rows that it never saw.

    Attributes
    ----------
    rows : int
        How many rows were held out.
    scores : dict of str to dict
        For each metric the number of the network, of the baseline, and of the peers, by name.
    seconds : dict of str to float
        How long they took to learn.
    confusion : tuple of tuples of int
        How many rows of each class are taken for each class; empty for quantities or many classes.
    confused : tuple of (str, str, int)
        For many classes: class, what it is taken for, how often.
    errors : dict of float to float
        Of a quantity, quantiles of the absolute error.
    worst : tuple of Missed
        Of a quantity, the rows with the largest errors.
    importances : tuple of (str, float)
        How much worse the log-loss, or the RMSE, becomes when a column is shuffled.
    calibration : Calibration or None
        Of classes.
    """

    rows: int
    scores: dict[str, dict[str, float]]
    seconds: dict[str, float]
    confusion: tuple[tuple[int, ...], ...]
    confused: tuple[tuple[str, str, int], ...]
    errors: dict[float, float]
    worst: tuple[Missed, ...]
    importances: tuple[tuple[str, float], ...]
    calibration: Calibration | None

    @classmethod
    def of(cls, task: Task, course: Course, peers: Sequence[Peer] = ()) -> "Report":
        """Judge a model on the rows held out."""
        ensemble, classes = course.model.ensemble, task.target.classes
        X, y = task.inputs[task.held], task.y[task.held, None]
        with one_thread():
            said = ensemble.predict(X).reshape(len(y), -1)
            unit = 1.0 if classes else mean_sd(task.y[task.taught])[1]
            metrics = {name: _in(unit, metric) for name, metric in measures(bool(classes)).items()}
            who = {NETWORK: said, BASELINE: _baseline(task)}
            who |= {peer.name: peer.predicted for peer in peers}
            w = np.ones((len(y), 1))
            scores = {
                name: {each: metric(y, p, w) for each, p in who.items()}
                for name, metric in metrics.items()
            }
            judge = metrics["log-loss" if classes else "RMSE"]
            importances = shuffled(
                lambda X: ensemble.predict(X).reshape(len(X), -1),
                *(X, y, task.encoding.places, judge, task.settings.seed),
            )
            calibration = _calibration(ensemble, said, X, y) if classes else None
        few = len(classes) <= MOST_CLASSES
        return cls(
            rows=len(y),
            scores=scores,
            seconds={NETWORK: course.seconds} | {peer.name: peer.seconds for peer in peers},
            confusion=_counts(y, said) if classes and few else (),
            confused=() if few else _confused(y, said, classes),
            errors={} if classes else errors(y, said),
            worst=() if classes else _worst(task, said[:, 0]),
            importances=importances,
            calibration=calibration,
        )


def measures(classes: bool) -> dict[str, Metric]:
    """Return the metrics of a report by name."""
    return CLASSES if classes else QUANTITIES


def _in(unit: float, metric: Metric) -> Metric:
    """Return a metric that is taken in units of a scale, so that no square overflows."""
    back = 1.0 if metric is METRICS["r2"] else unit
    return replace(metric, function=lambda y, p, w: back * metric(y / unit, p / unit, w))


def _baseline(task: Task) -> Array:
    """Return what is said by whoever knows the targets that teach, and no column."""
    taught, rows = task.y[task.taught], len(task.held)
    if not task.target.classes:
        return np.full((rows, 1), mean_sd(taught)[0])
    shares = np.bincount(taught.astype(int), minlength=len(task.target.classes))
    return np.tile(shares / shares.sum(), (rows, 1))


def _counts(y: Array, said: Array) -> tuple[tuple[int, ...], ...]:
    """Return how many rows of each class are taken for each class."""
    counts = np.zeros((said.shape[1],) * 2, int)
    np.add.at(counts, (y[:, 0].astype(int), said.argmax(axis=1)), 1)
    return tuple(map(tuple, counts.tolist()))


def _confused(y: Array, said: Array, classes: Sequence[str]) -> tuple[tuple[str, str, int], ...]:
    """Return the pairs of classes that are most often confused."""
    both = np.column_stack([y[:, 0].astype(int), said.argmax(axis=1)])
    pairs, counts = np.unique(both[both[:, 0] != both[:, 1]], axis=0, return_counts=True)
    most = np.argsort(-counts, kind="stable")[:MOST_PAIRS]
    return tuple(
        (classes[known], classes[taken], int(count))
        for (known, taken), count in zip(pairs[most], counts[most], strict=True)
    )


def errors(y: Array, p: Array) -> dict[float, float]:
    """Return quantiles of the absolute error.

    Examples
    --------
    >>> errors(np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [4.0], [2.0]]))[0.5]
    1.0
    """
    with np.errstate(over="ignore"):  # of the largest numbers that there are
        found = np.quantile(np.abs(y - p), QUANTILES).tolist()
    return dict(zip(QUANTILES, found, strict=True))


def _worst(task: Task, said: Array) -> tuple[Missed, ...]:
    known = task.y[task.held]
    with np.errstate(over="ignore"):
        worst = np.argsort(-np.abs(known - said), kind="stable")[:WORST]
    return tuple(
        Missed(task.table.place(int(task.held[row])), float(known[row]), float(said[row]))
        for row in worst
    )


def shuffled(
    predict: Callable[[Array], Array],
    X: Array,
    y: Array,
    places: Mapping[str, list[int]],
    metric: Metric,
    seed: int,
) -> tuple[tuple[str, float], ...]:
    """Return how much worse a metric becomes when a column's values go to other rows.

    All inputs that a column became move together; the most important comes first. Of a table with
    very many columns nothing is told.

    Source: Breiman (2001), "Random forests", Machine Learning 45, section 10.

    Examples
    --------
    >>> X = np.array([[0.0, 5.0], [1.0, 6.0], [2.0, 7.0]])
    >>> found = shuffled(lambda X: X[:, :1], X, X[:, :1], {"a": [0], "b": [1]}, METRICS["mae"], 0)
    >>> found[0][0], found[0][1] > 0, found[1]
    ('a', True, ('b', 0.0))
    """
    if len(places) > MOST_COLUMNS:
        return ()
    rng = np.random.default_rng(seed)
    some = rng.permutation(len(X))[:MOST_SHUFFLED]
    X, y, w = X[some], y[some], np.ones((len(some), 1))
    sign = -1.0 if metric.higher else 1.0
    plain = metric(y, predict(X), w)
    times = min(max(PREDICTIONS // len(places), 1), SHUFFLES)
    found = []
    for name, columns in places.items():
        worse = []
        for _ in range(times):
            mixed = X.copy()
            mixed[:, columns] = X[rng.permutation(len(X))][:, columns]
            worse.append(sign * (metric(y, predict(mixed), w) - plain))
        found.append((name, float(np.mean(worse))))
    return tuple(sorted(found, key=lambda each: -each[1]))


def _calibration(ensemble: Ensemble, p: Array, X: Array, y: Array) -> Calibration:
    w, bare = np.ones((len(y), 1)), replace(ensemble, temperature=1.0)
    bins = reliability(p, y, FEW_BINS if len(y) < FEW_ROWS else BINS)
    error = sum(each.rows * abs(each.said - each.right) for each in bins) / len(y)
    before, after = log_loss(y, bare.predict(X), w), log_loss(y, p, w)
    return Calibration(bins, error, before, after, ensemble.temperature)


def reliability(p: Array, y: Array, bins: int) -> tuple[Bin, ...]:
    """Return rows by their confidence: the probability of the class that is likeliest.

    Source: Guo et al. (2017), "On calibration of modern neural networks", arXiv:1706.04599.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.25, 0.75], [0.75, 0.25]])
    >>> for each in reliability(p, np.array([[0], [1], [1]]), bins=2):
    ...     print(each)
    Bin(low=0.75, high=1.0, rows=3, said=0.7999999999999999, right=0.6666666666666666)
    """
    sure, right = p.max(axis=1), p.argmax(axis=1) == y[:, 0]
    edges = np.linspace(1 / p.shape[1], 1, bins + 1)
    which = np.clip(np.searchsorted(edges, sure, side="right") - 1, 0, bins - 1)
    return tuple(
        Bin(
            float(edges[k]),
            float(edges[k + 1]),
            int((which == k).sum()),
            float(sure[which == k].mean()),
            float(right[which == k].mean()),
        )
        for k in range(bins)
        if (which == k).any()
    )
