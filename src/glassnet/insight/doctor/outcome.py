"""What is wrong with the outcome: no better than a constant, a class missing, a local minimum."""

import numpy as np

from glassnet.insight.doctor import trials
from glassnet.insight.doctor.anatomy import describe
from glassnet.insight.doctor.course import stillness
from glassnet.insight.doctor.diagnosis import Finding
from glassnet.insight.doctor.patient import LEARNED, MOST_ROWS, Patient
from glassnet.vocabulary import Array

# All of these are shares of what there is to gain that is still missing, but where they say else.
# A signal of 3 % of the variance, the weakest that was tried, leaves 0.96.
NOTHING = 0.995
HARDLY = 0.95  # a classifier that gains less, and says one class of all rows, says only that
NOTICEABLE = 0.5  # of the share of rows that a class has if all have the same: never predicted
SOME = 10  # rows of a class, below which it may well be absent from the predictions
UNBELIEVED = 0.2  # of a class's share; a trained network's mean probability is near the share
UNFINISHED = 0.2  # below, nobody looks for better
# gained in the last half of the reports, and from one report to the next: a loss that falls on
# or swings is in no minimum
STANDS, RESTLESS = 0.03, 0.05
ELSEWHERE, CLEARLY = 0.5, 0.1  # as a part of what is missing here, and less by so much
UNFITTED = 0.5  # on five rows, of which a network that works leaves less than a tenth
SOMETHING = 0.985  # where the trial learned less, nothing can be said of what it learned
BY_HEART = 0.7  # where it learned so much, some of it must hold
AS_FAR = 0.1  # more than after the training itself: the trial came about as far
UNSEEN = 0.03  # less on validation rows than the constant's: that holds
# standard errors; where nothing holds it is less in nine of ten tables, and in the weakest of the
# healthy tables that were tried it was more
SURELY = 2.0
LEAST_ROWS = 60  # among fewer, what holds for some need not hold for others


def no_better_than_constant(patient: Patient) -> Finding | None:
    """Find a network that predicts no better than the best constant."""
    if not patient.judged or not patient.baseline.room or patient.share < NOTHING:
        return None
    return Finding(
        "no_better_than_constant",
        f"the loss is {describe(patient.loss)}, that of the best constant "
        f"{describe(patient.baseline.constant)}",
        f"{NOTHING:.1%} of what there is to gain still missing",
        "The network makes nothing of the inputs: they tell nothing, or training did not begin.",
        "print(net.diagnose(X, y, rates=True).rates)  # and are the rows of X those of y?",
    )


def majority(patient: Patient) -> Finding | None:
    """Find a classifier that says the same class of every row."""
    if not patient.judged or not patient.network.loss.classes or patient.share < HARDLY:
        return None
    said, true = _classes(patient)
    if said is None or (said != said[0]).any():
        return None
    right = float((said == true).mean())
    return Finding(
        "majority",
        f"every one of {len(said)} rows is said to be class {said[0]:g}; accuracy {right:.1%}, "
        "the share of that class",
        "two classes predicted, or a loss clearly below that of a constant",
        "Saying the most frequent class of every row is what a network does that knows nothing.",
        'net.fit(X, y, class_weight="balanced")  # if only the classes are uneven',
    )


def missing_class(patient: Patient) -> Finding | None:
    """Find a class that is never predicted."""
    network = patient.network
    if not patient.judged or not network.loss.labels or not patient.anatomy.finite:
        return None
    said, true = _classes(patient)
    believed = network.predict(patient.some(MOST_ROWS).X).mean(axis=0)
    counts = np.bincount(true.astype(int), minlength=network.outputs)
    for label in np.argsort(-counts):
        share = counts[label] / counts.sum()
        frequent = network.outputs > 2 and share >= NOTICEABLE / network.outputs
        never = frequent and not (said == label).any() and patient.learned
        if counts[label] >= SOME and (never or believed[label] < UNBELIEVED * share):
            return Finding(
                "missing_class",
                f"class {label} has {share:.1%} of the rows and a mean probability of "
                f"{believed[label]:.1%}; it is predicted {int((said == label).sum())} times",
                f"predicted once, and a mean probability of {UNBELIEVED:g} times its share",
                "The scores of this class are so low that its rows hardly move them.",
                f'net.weights["b{len(network.layers)}"][...] = 0  # then train again',
            )
    return None


def _classes(patient: Patient) -> tuple[Array | None, Array]:
    """Return the classes that are predicted, and those that are; None where there are several."""
    rows = patient.some(MOST_ROWS)
    predicted = patient.network.predict(rows.X)
    if patient.network.loss.labels:
        return predicted.argmax(axis=1), rows.y[:, 0]
    if predicted.shape[1] != 1:
        return None, rows.y
    return (predicted[:, 0] > 0.5).astype(int), (rows.y[:, 0] > 0.5).astype(int)


def cannot_overfit(patient: Patient) -> Finding | None:
    """Find a network that cannot even learn a few rows by heart."""
    if patient.learned or not patient.anatomy.finite or not patient.baseline.room:
        return None
    tried = trials.five_rows(patient)
    if tried is None or tried[0] < UNFITTED:
        return None
    return Finding(
        "cannot_overfit",
        f"after {trials.FIVE_STEPS} steps on {tried[1]} rows alone, {min(tried[0], 9.99):.0%} of "
        "what there is to gain is missing",
        f"{UNFITTED:.0%}",
        "Any network that works learns so few rows by heart; something in it is broken or off.",
        "gn.check_gradients(net, X[:5], y[:5])  # if it is right: more units, or another seed",
    )


def local_minimum(patient: Patient) -> Finding | None:
    """Find a training that ended where others from other seeds do not."""
    if not patient.judged or patient.share < UNFINISHED or patient.restored:
        return None
    fell, moves = stillness(patient)
    if abs(fell) > STANDS or moves > RESTLESS:
        return None
    shares = trials.restarts(patient)
    if shares is None:
        return None
    best = min(shares)
    if best > LEARNED or best > ELSEWHERE * patient.share or patient.share - best < CLEARLY:
        return None
    return Finding(
        "local_minimum",
        f"the loss stands where {patient.share:.0%} of what there is to gain is missing; trained "
        f"alike from {len(shares)} other seeds, {best:.0%} at best",
        f"{ELSEWHERE:.0%} of what is missing here",
        "This beginning led into a local minimum, out of which no step leads.",
        "net.fit(X, y, restarts=8)  # or another seed, or more units",
    )


def learned_by_heart(patient: Patient) -> Finding | None:
    """Find a table from which nothing is learned that holds for other rows."""
    if len(patient.rows) < LEAST_ROWS or not patient.anatomy.finite or not patient.comparable:
        return None
    if not patient.baseline.room:
        return None
    if patient.history is not None and patient.history.validation_loss:
        best = float(np.nanmin(patient.history.validation_loss))
        if patient.baseline.share(best) < 1 - UNSEEN:
            return None
    lesson = trials.lesson(patient)
    if lesson is None or lesson.holds > SURELY or lesson.learned > SOMETHING:
        return None
    poor = patient.judged and not patient.learned and lesson.learned <= patient.share + AS_FAR
    if lesson.learned > BY_HEART and not poor:
        return None
    return Finding(
        "learned_by_heart",
        f"trained on two thirds of {lesson.rows} rows, {lesson.learned:.0%} of what there is to "
        f"gain is missing there; on the other third the predictions help by "
        f"{lesson.holds:.1f} standard errors",
        f"{SURELY:g} standard errors",
        "What is learned from some rows holds for no others: the targets do not depend on these "
        "inputs, or not in a way that this network can see.",
        "assert len(X) == len(y)  # and are they in the same order?",
    )
