"""What is wrong with the course of a training: it ran away, it swings, it stands still."""

import numpy as np

from glassnet.history import History
from glassnet.insight.doctor.anatomy import describe
from glassnet.insight.doctor.baseline import constant_loss
from glassnet.insight.doctor.diagnosis import Finding
from glassnet.insight.doctor.patient import Patient
from glassnet.scoring import score
from glassnet.vocabulary import Array

FEW_REPORTS = 8  # in fewer there is no course to be seen
# Small batches and dropout move the loss of small tables by up to a third of its level; steps
# that jump over the valley move it by more than half. Near the end of a good training even that
# is little of what there is to gain.
SWING, SWING_OF_LEVEL = 0.1, 0.4
TURNS = 0.4  # of the reports, where the loss turns round; in noise two thirds of them
RISE = 1.2  # times the least loss, which no usual training exceeds where it has learned little
STILL, AT_THE_CONSTANT = (
    0.001,
    0.99,
)  # of what there is to gain: gained in half of the reports; left
# Where few rows are held out, their loss may well end a fifth above its least.
WORSE = 1.5
APART = 0.5  # the training loss as a share of the validation loss, where they have come apart
BY_HEART = "The network learns its rows by heart, which says nothing of others."
STOP = "net.fit(X, y, validation=0.2, patience=20)  # or l2=1e-3, gn.Dropout(0.2), fewer units"


def diverged(patient: Patient) -> Finding | None:
    """Tell that training ran away."""
    history = patient.history
    if history is None or history.diverged is None:
        return None
    return Finding(
        "diverged",
        f"in epoch {history.diverged} a weight or the loss was no longer finite",
        "finite in every epoch",
        "The steps were so long that each made the loss larger than the one before.",
        f"net.fit(X, y, optimizer={patient.better})",
    )


def rising_loss(patient: Patient) -> Finding | None:
    """Find a training loss that ends above where it has been."""
    history, losses = patient.history, _losses(patient.history)
    if history is None or history.diverged is not None:
        return None
    if len(losses) < FEW_REPORTS or patient.learned:
        return None
    tenth, floor = max(len(losses) // 10, 2), patient.baseline.least
    means = np.convolve(losses, np.ones(tenth) / tenth, "valid")
    least, end = float(means.min()), float(means[-1])
    if not end - floor > RISE * (least - floor) or end - least < SWING * patient.baseline.room:
        return None
    return Finding(
        "rising_loss",
        f"the training loss was {describe(least)} and ended at {describe(end)}",
        f"{RISE:g} times the least",
        "Steps that are too long undo what was learned.",
        f"net.fit(X, y, optimizer={patient.better})",
    )


def oscillating_loss(patient: Patient) -> Finding | None:
    """Find a training loss that swings from report to report."""
    losses = _losses(patient.history)
    if len(losses) < FEW_REPORTS or not patient.baseline.room:
        return None
    late = losses[len(losses) // 2 :]
    moves = np.diff(late)
    swing, level = float(np.abs(moves).mean()), float(late.mean()) - patient.baseline.least
    turns = float((moves[1:] * moves[:-1] < 0).mean())
    if swing < SWING * patient.baseline.room or swing < SWING_OF_LEVEL * level or turns < TURNS:
        return None
    return Finding(
        "oscillating_loss",
        f"from report to report the loss moves by {describe(swing)}, at a level of "
        f"{describe(late.mean())}",
        f"{SWING:.0%} of what there is to gain and {SWING_OF_LEVEL:.0%} of the level",
        "Steps that are too long jump over the valley again and again.",
        f"net.fit(X, y, optimizer={patient.better})",
    )


def plateau(patient: Patient) -> Finding | None:
    """Find a loss that stands still where a constant would be."""
    losses, (gain, _) = _losses(patient.history), stillness(patient)
    if gain >= STILL or not patient.judged or patient.share < AT_THE_CONSTANT:
        return None
    return Finding(
        "plateau",
        f"over the last half of the reports the loss fell by {describe(max(gain, 0.0))} of what "
        f"there is to gain, and stands at {describe(losses[-1])}",
        f"{STILL:g}",
        "The loss is as flat here as if nothing depended on the weights.",
        f"net.fit(X, y, optimizer={patient.better})  # and another seed",
    )


def stillness(patient: Patient) -> tuple[float, float]:
    """Return how far the loss fell in the last half, and how far it moves from report to report.

    Both are shares of what there is to gain, and infinite where there is no course to be seen, or
    it ran away.
    """
    history, losses = patient.history, _losses(patient.history)
    if history is None or history.diverged is not None or not patient.baseline.room:
        return np.inf, np.inf
    if len(losses) < FEW_REPORTS:
        return np.inf, np.inf
    half, tenth = losses[len(losses) // 2 :], max(len(losses) // 10, 2)
    fell = float(half[:tenth].mean() - half[-tenth:].mean())
    moves = float(np.abs(np.diff(half)).mean())
    return fell / patient.baseline.room, moves / patient.baseline.room


def overfitting(patient: Patient) -> Finding | None:
    """Find a validation loss that rises while the training loss falls."""
    history, floor = patient.history, patient.baseline.least
    if history is None or patient.restored or len(history.validation_loss) < FEW_REPORTS:
        return _apart(patient)
    unseen, losses = np.array(history.validation_loss, float), _losses(history)
    least, end = float(unseen.min()), float(unseen[-max(len(unseen) // 20, 1) :].mean())
    if not end - floor > WORSE * (least - floor) or losses[-1] - floor >= APART * (end - floor):
        return None
    return Finding(
        "overfitting",
        f"the validation loss was {describe(least)} after epoch "
        f"{history.epoch[int(unseen.argmin())]} and ended at {describe(end)}, where the training "
        f"loss is {describe(losses[-1])}",
        f"{WORSE:g} times the least",
        BY_HEART,
        STOP,
    )


def _apart(patient: Patient) -> Finding | None:
    """Find a network that knows its own rows, and is worse than a constant on others."""
    held = patient.held
    if held is None or not patient.learned or patient.restored:
        return None
    constant = constant_loss(patient.network.loss, held.y, held.w, patient.network.outputs)
    loss = float(score(patient.network, held)["loss"])
    if loss <= constant:
        return None
    return Finding(
        "overfitting",
        f"the loss is {describe(patient.loss)} on the rows trained on and {describe(loss)} on "
        "others",
        f"{describe(constant)}, that of the best constant",
        BY_HEART,
        STOP,
    )


def _losses(history: History | None) -> Array:
    return np.array([] if history is None else history.loss, float)
