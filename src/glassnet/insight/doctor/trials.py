"""What is tried on copies: to fit five rows, other seeds, and what holds for rows not seen."""

import copy
from dataclasses import dataclass

import numpy as np

from glassnet.insight.doctor.baseline import Baseline
from glassnet.insight.doctor.patient import SOME_ROWS, Patient, quiet
from glassnet.network import Network
from glassnet.optimizers import Adam
from glassnet.rows import Rows
from glassnet.scoring import score
from glassnet.vocabulary import Array

FIVE, FIVE_STEPS = 5, 500
FIVE_RATES = (0.01, 0.1, 0.001)  # of Adam; one of them suits every network that works
FIVE_LEFT = 0.1  # of what there is to gain on five rows, still missing: that will do
NEAR = 1e-6  # squared standard deviations between rows that are the same
MOST_WORK = 1e10  # multiplications that one trial may take: about a second
MOST_UPDATES = 20_000  # and steps
LEAST_RESTARTS, MOST_RESTARTS, SEEDS_APART = 4, 16, 1009
FOLDS, FOLD_ROWS = 3, 1500  # parts of the rows, and how many of the rows
FOLD_UPDATES, LEAST_EPOCHS = 3000, 5
RARE = 40  # rows that are not of the most frequent class, below which nothing can be told
LOOKS = (0.04, 0.1, 0.25, 0.5, 1.0)  # shares of the epochs, for it may hold until it is overfitted
CERTAIN = 4.5  # standard errors, at which one part of the rows says enough


def five_rows(patient: Patient) -> tuple[float, int] | None:
    """Return the share still missing after training on a few rows, and how many those were.

    As many rows as the last layer alone can give any values to, far apart, so that nothing but
    the network itself stands in the way; and once more with their columns brought to one scale,
    which is not what is asked about here.
    """
    network = patient.network
    last = [units for units in patient.anatomy.units if units.weights.shape[1] == network.outputs]
    if not last:
        return None
    count = min(FIVE, last[-1].weights.shape[0] + 1, len(patient.rows))
    X, scaled, y = _apart(patient, count)
    if (y == y[0]).all() or np.ptp(scaled, axis=0).max() < NEAR:
        return None
    share = np.inf
    for table in (X, scaled):
        goal = y
        if patient.linear:  # as far apart as the scores are, and where they are
            raw = network.raw(table).astype(float)
            goal = (y - y.mean(axis=0)) / np.where(y.std(axis=0) > 0, y.std(axis=0), 1)
            goal = goal * max(float(raw.std()), 1.0) + raw.mean(axis=0)
        share = min(share, _left(network, table, goal))
        if share < FIVE_LEFT:
            break
    return share, len(y)


def _left(network: Network, X: Array, y: Array) -> float:
    """Return the share still missing after training on these rows, at the best of some rates."""
    baseline, share = Baseline.of(network.loss, y, None, network.outputs), np.inf
    for rate in FIVE_RATES:
        pupil = copy.deepcopy(network)
        how = {"optimizer": Adam(rate), "batch_size": None, "every": FIVE_STEPS // 10}
        with quiet():
            for _ in pupil.train(X, y, epochs=FIVE_STEPS, **how):
                share = min(share, baseline.share(pupil.evaluate(X, y)["loss"]))
                if share < FIVE_LEFT:
                    return share
    return share


def _apart(patient: Patient, count: int) -> tuple[Array, Array, Array]:
    """Return rows that lie far from each other as they are and scaled, with different targets."""
    rows = patient.some(SOME_ROWS)
    X = np.array(rows.X, float)
    spread = np.where(np.ptp(X, axis=0) > 0, X.std(axis=0), 1)
    scaled = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1)
    far = np.square(scaled - scaled[0]).sum(axis=1)
    chosen = [0, int(np.where((rows.y != rows.y[0]).any(axis=1), far, -1).argmax())]
    while len(chosen) < count:
        far = np.min([np.square(scaled - scaled[place]).sum(axis=1) for place in chosen], axis=0)
        if not far.max() > NEAR:
            break
        chosen.append(int(far.argmax()))
    codes = sorted(patient.anatomy.compared)
    scaled[:, codes] = X[:, codes]
    return X[chosen], scaled[chosen], rows.y[chosen].astype(float)


def restarts(patient: Patient) -> list[float] | None:
    """Return the shares still missing if training began from other seeds; None if that is long."""
    rows, seed = patient.rows, patient.network.seed
    work = 6.0 * patient.network.layout.size * len(rows) * patient.epochs
    count = int(min(MOST_WORK / work, MOST_RESTARTS))
    if count < LEAST_RESTARTS or patient.updates > MOST_UPDATES or not patient.stepping:
        return None
    if patient.network.frozen:
        return None
    several, epochs = patient.again(), patient.epochs
    several.spread([seed + SEEDS_APART * k for k in range(1, count + 1)])
    with quiet():
        how = {**patient.options(), "epochs": epochs, "every": epochs, "sample_weight": rows.w}
        for _ in several.train(rows.X, rows.y, **how):
            pass
        losses = score(several, rows)["loss"]
    return [patient.baseline.share(float(loss)) for loss in losses]


@dataclass(frozen=True)
class Lesson:
    """What was learned on a part of the rows, and what of it holds for the others.

    Attributes
    ----------
    learned : float
        The share of what there is to gain that is missing at the end, on the rows trained on.
    holds : float
        How surely a step from the constant towards the predictions makes the loss on the other
        rows smaller, in standard errors: about 0 where nothing holds. The best of some looks.
    rows : int
    """

    learned: float
    holds: float
    rows: int


def lesson(patient: Patient) -> Lesson | None:
    """Train on parts of the rows, and ask about the rest, each row once; None if that is long.

    As soon as it is certain that something holds, nothing more is asked.
    """
    rows = patient.some(FOLD_ROWS, seed=1)
    epochs = _epochs(patient, len(rows) * (FOLDS - 1) / FOLDS)
    if epochs is None or (patient.network.loss.classes and len(rows) - _most(rows.y) < RARE):
        return None
    order = np.random.default_rng(2).permutation(len(rows))
    order = order[np.argsort(rows.y[order, 0], kind="stable")]  # each fold has its share
    folds = []
    for fold in range(FOLDS):
        asked = np.sort(order[fold::FOLDS])
        taught = rows[np.setdiff1d(order, asked)]
        if patient.network.loss.classes and (taught.y == taught.y[0]).all():
            return None
        folds.append(_learn(patient, taught, rows[asked], epochs))
        if folds[-1].certain:
            break
    # a fold that ran away has fewer looks than the others
    looks = zip(*(fold.looks for fold in folds), strict=False)
    holds = max((_surely(np.concatenate(look)) for look in looks), default=0.0)
    return Lesson(float(np.mean([fold.left for fold in folds])), holds, len(rows))


def _epochs(patient: Patient, rows: float) -> int | None:
    """Return how often to go through the rows: for as many updates as the training had, or few."""
    most = MOST_WORK / (6.0 * patient.network.layout.size * rows * FOLDS)
    if most < LEAST_EPOCHS or not patient.stepping:
        return None
    per_epoch = max(rows / (patient.plan.batch_size or rows), 1)
    return max(int(min(patient.updates / per_epoch, FOLD_UPDATES / per_epoch, most)), 1)


@dataclass(frozen=True, eq=False)
class _Fold:
    """One part: what each row asked about gains at some looks, and what is left to learn."""

    looks: list[Array]
    left: float

    @property
    def certain(self) -> bool:
        return any(_surely(look) > CERTAIN for look in self.looks)


def _learn(patient: Patient, taught: Rows, asked: Rows, epochs: int) -> _Fold:
    pupil, looks = patient.again(), []
    baseline = Baseline.of(pupil.loss, taught.y, taught.w, pupil.outputs)
    when = {max(round(epochs * part), 1) for part in LOOKS}
    how = {**patient.options(), "epochs": epochs, "sample_weight": taught.w}
    with quiet():
        for epoch in pupil.train(taught.X, taught.y, **how):
            if epoch.number in when:
                looks.append(_gains(pupil, baseline.raw, asked))
                if _surely(looks[-1]) > CERTAIN:
                    break
        loss = float(score(pupil, taught)["loss"])
    return _Fold(looks, baseline.share(loss))


def _gains(pupil: Network, constant: Array, asked: Rows) -> Array:
    """Return by how much each row's loss falls on the first bit of the way to its prediction."""
    start = np.tile(constant, (len(asked), 1))
    slope = pupil.loss.gradient(start, asked.y.astype(float), 1.0)
    gain = -(slope * (pupil.raw(asked.X).astype(float) - start)).sum(axis=1)
    return gain if asked.w is None else gain * asked.w[:, 0]


def _surely(gain: Array) -> float:
    """Return a mean in units of its standard error."""
    error = float(gain.std() / np.sqrt(len(gain)))
    return float(gain.mean()) / error if error > 0 else 0.0


def _most(y: Array) -> int:
    """Return how often the most frequent target comes."""
    return int(np.unique(y, axis=0, return_counts=True)[1].max())
