"""What a loss is worth: that of the best constant, and the least there can be.

Between the two lies what a network can learn. Both are the loss's own numbers on the targets alone.
"""

from dataclasses import dataclass

import numpy as np

from glassnet.parts import Loss
from glassnet.vocabulary import Array

MOST_TARGETS = 300  # different rows of targets whose least loss is taken
ROUNDING = 1e-6  # of the constant's loss


@dataclass(frozen=True)
class Baseline:
    """The loss of the best constant, and of the best raw scores for every row.

    Attributes
    ----------
    raw : array (outputs,)
        The best constant.
    constant, least : float
    """

    raw: Array
    constant: float
    least: float

    @classmethod
    def of(cls, loss: Loss, y: Array, w: Array | None, outputs: int) -> "Baseline":
        """Take both on these targets.

        Examples
        --------
        >>> from glassnet.losses import BinaryCrossEntropy
        >>> y = np.array([[0.0], [1.0], [1.0], [0.0]])
        >>> baseline = Baseline.of(BinaryCrossEntropy(), y, None, 1)
        >>> [round(number, 3) for number in (baseline.constant, baseline.least)]
        [0.693, 0.0]
        >>> round(baseline.share(0.35), 2)
        0.5
        """
        y = y.astype(float)
        w = np.full((len(y), 1), 1 / len(y)) if w is None else w / w.sum()
        raw = constant_scores(loss, y, w, outputs)
        constant = loss_of(loss, np.tile(raw, (len(y), 1)), y, w)
        return cls(raw, constant, _least(loss, y, w, outputs))

    @property
    def room(self) -> float:
        """What there is to gain; 0 where it is nothing but rounding."""
        room = self.constant - self.least
        return room if room > ROUNDING * abs(self.constant) else 0.0

    def share(self, loss: float) -> float:
        """Return how much of what there is to gain is still missing: 1 as the constant, 0 at best.

        Where there is nothing to gain it is 0.
        """
        return (loss - self.least) / self.room if self.room else 0.0


def constant_loss(loss: Loss, y: Array, w: Array | None, outputs: int) -> float:
    """Return the loss of the best constant."""
    y = y.astype(float)
    w = np.full((len(y), 1), 1 / len(y)) if w is None else w / w.sum()
    return loss_of(loss, np.tile(constant_scores(loss, y, w, outputs), (len(y), 1)), y, w)


def loss_of(loss: Loss, raw: Array, y: Array, w: Array) -> float:
    """Return a loss of raw scores in float64."""
    with np.errstate(all="ignore"):
        return float(loss.value(raw, y, w))


def constant_scores(loss: Loss, y: Array, w: Array, outputs: int) -> Array:
    """Return the best raw scores where nothing is known of a row; sought, if the loss has none."""
    told = np.broadcast_to(loss.best_constant(y, w, outputs), (outputs,)).astype(float)
    if type(loss).best_constant is not Loss.best_constant:
        return told
    starts = [told, (y * w).sum(0)] if y.shape[1] == outputs else [told]
    return min(
        (_descend(loss, start, y, w) for start in starts),
        key=lambda raw: loss_of(loss, np.tile(raw, (len(y), 1)), y, w),
    )


def _descend(loss: Loss, raw: Array, y: Array, w: Array) -> Array:
    """Follow the sign of the loss's own gradient with ever shorter steps."""
    step = max(1.0, float(np.ptp(y)))
    with np.errstate(all="ignore"):
        for _ in range(200):
            gradient = loss.gradient(np.tile(raw, (len(y), 1)), y, w).sum(0)
            raw = raw - step * np.sign(gradient)
            step *= 0.93
    return raw


def _least(loss: Loss, y: Array, w: Array, outputs: int) -> float:
    """Return the loss if every row, or every one of a sample, had a constant of its own."""
    places = np.linspace(0, len(y) - 1, min(len(y), 10 * MOST_TARGETS)).astype(int)
    rows, place = np.unique(y[places], axis=0, return_inverse=True)
    counts = np.bincount(place.ravel(), w[places, 0], len(rows))
    chosen = np.linspace(0, len(rows) - 1, min(len(rows), MOST_TARGETS)).astype(int)
    one, counts = np.ones((1, 1)), counts[chosen] / counts[chosen].sum()
    total = 0.0
    for row, count in zip(rows[chosen], counts, strict=True):
        raw = constant_scores(loss, row[None], one, outputs)
        total += float(count) * loss_of(loss, raw[None], row[None], one)
    return total
