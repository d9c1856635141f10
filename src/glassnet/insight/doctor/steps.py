"""What is wrong with a step: its numbers, its gradient, where it begins, and how long it is."""

import copy
from typing import Any

import numpy as np

from glassnet.insight.doctor.anatomy import describe
from glassnet.insight.doctor.diagnosis import Finding
from glassnet.insight.doctor.patient import MOST_ROWS, SOME_ROWS, Patient, quiet
from glassnet.insight.gradients import check_gradients
from glassnet.network import Network
from glassnet.parts import Part
from glassnet.quantities import CustomLoss
from glassnet.rows import Rows

# Scores begin about 1 apart, which costs about 1 beside the best constant, and where layers have
# ways around them a few. Beyond this the first steps only undo the beginning.
FAR_START, FAR_START_OF_QUANTITIES = 10.0, 30.0
VERY_FAR_START = 300.0  # where a network has learned all the same, or predicts exp(raw)
SHORT = 0.01  # of their length: how far weights should move in a whole training at the least
PATIENT_UPDATES = 1000  # a shorter training may well move them less
LONG = (
    10.0  # times as long as the weights themselves; with usual rates it is below 1, or 4 at first
)
CHECKED_ROWS, CHECKED_DIRECTIONS = 32, 2  # enough for a mistake to show
WRONG = 1e-3  # relative; rounding and kinks stay far below
TRIES = 200  # steps in which what diverged is made to diverge again


def non_finite(patient: Patient) -> Finding | None:
    """Find the first line whose result is infinite or not a number."""
    network, rows, when = patient.network, patient.some(SOME_ROWS), "at these weights"
    options = patient.options(batch_size=None, schedule="constant")
    del options["batch_size"], options["shuffle"]
    if patient.anatomy.finite:
        if patient.history is None or patient.history.diverged is None or not patient.stepping:
            return None
        found = _diverging(patient)
        if found is None:
            return None
        network, rows = found
        when = "in the step in which training diverges"
    trace = network.trace(rows.X, rows.y, rows.w, **(options if patient.stepping else {}))
    bad = [each for each in trace if not np.isfinite(each.value).all()]
    if not bad:
        return None
    owner = bad[0].row.owner
    layer = f"layer {owner}" if owner[:1].isdigit() else owner
    return Finding(
        "non_finite",
        f"line {bad[0].number}, {bad[0].row.text}, {layer}, {when}",
        "every number is finite",
        "Numbers have become too large for the network's floats, and whatever is computed from "
        "them is lost.",
        f"net.fit(X, y, optimizer={patient.better})  # and X = (X - X.mean(0)) / X.std(0)",
    )


def _diverging(patient: Patient) -> tuple[Network, Rows] | None:
    """Train on from the last good weights, until a step ends in what is not finite."""
    network, rows = copy.deepcopy(patient.network), patient.some(MOST_ROWS)
    size = min(patient.plan.batch_size or len(rows), len(rows))
    how = patient.options(batch_size=None, schedule="constant")
    with quiet():
        for step in range(TRIES):
            part = rows[np.arange(step * size, (step + 1) * size) % len(rows)]
            if network.partial_fit(part.X, part.y, part.w, **how).diverged:
                return network, part
    return None


def far_start(patient: Patient) -> Finding | None:
    """Find a loss that began far above that of the best constant."""
    constant, history = patient.baseline.constant, patient.history
    classes = patient.network.loss.classes
    if not patient.trained:
        began = patient.loss
    elif history is None or not history.loss:
        return None
    else:  # where there is a penalty, it is in that loss too
        began = patient.loss_of(patient.again()) if patient.plan.l2 else float(history.loss[0])
    far = FAR_START if classes else FAR_START_OF_QUANTITIES
    if patient.learned or not (patient.linear or classes):
        far = VERY_FAR_START
    most = constant + far * max(constant, 1.0)
    if began <= most:
        return None
    return Finding(
        "far_start",
        f"the loss began at {describe(began)}, where the best constant has {describe(constant)}",
        f"{describe(most)}",
        "The first scores are so wrong that the first steps are long and only undo them.",
        "net = gn.Network(layers, inputs, loss=loss)  # first weights of the usual size",
    )


def wrong_gradient(patient: Patient) -> Finding | None:
    """Find a part of one's own whose backward pass is not the derivative of its forward pass."""
    network = patient.network
    if not own_parts(network) or not patient.anatomy.finite:
        return None
    rows = patient.some(CHECKED_ROWS)
    check = check_gradients(
        network, rows.X, rows.y, rows.w, tolerance=WRONG, directions=CHECKED_DIRECTIONS
    )
    if check:
        return None
    name, error = max(check.errors.items(), key=lambda each: each[1])
    return Finding(
        "wrong_gradient",
        f"the gradient of {name} differs from differences of the loss by {describe(error)} of its "
        "length",
        f"{WRONG:g}",
        "Steps along a wrong gradient do not lead down: a backward pass of your own is not the "
        "derivative of its forward pass.",
        "print(gn.check_gradients(net, X[:9], y[:9]))",
    )


def own_parts(network: Network) -> bool:
    """Whether a layer, an activation or the loss is not glassnet's own."""
    seen: list[Any] = [network.loss, *network.layers]
    while seen:
        part = seen.pop()
        if isinstance(part, tuple):
            seen.extend(part)
        elif isinstance(part, Part):
            if not type(part).__module__.startswith("glassnet.") or isinstance(part, CustomLoss):
                return True
            seen.extend(vars(part).values())
    return False


def small_updates(patient: Patient) -> Finding | None:
    """Find updates too short to get anywhere."""
    if not patient.stepping or patient.learned:
        return None
    pace, updates = float(np.median(patient.pace)), max(patient.updates, PATIENT_UPDATES)
    if not pace * updates < SHORT:
        return None
    return Finding(
        "small_updates",
        f"an update changes weights by {describe(pace)} of their length, with "
        f"{patient.rule!r}; {updates} of them by {describe(pace * updates)} at most",
        f"{SHORT:g} over a training",
        "The steps are so short that the weights stay where they began.",
        f"net.fit(X, y, optimizer={patient.better})",
    )


def large_updates(patient: Patient) -> Finding | None:
    """Find updates as long as the weights themselves."""
    if not patient.stepping or patient.learned:
        return None
    pace = float(patient.pace.max(initial=0.0))
    if not pace > LONG:
        return None
    return Finding(
        "large_updates",
        f"an update changes weights by {describe(pace)} of their length, with {patient.rule!r}",
        f"{LONG:g}",
        "The steps are so long that each throws away what the ones before have learned.",
        f"net.fit(X, y, optimizer={patient.better})",
    )
