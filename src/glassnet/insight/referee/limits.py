"""Steps that are more than a rate times a gradient: held within limits, or of constant size."""

import numpy as np

from glassnet.insight.referee.probes import Sample, agree
from glassnet.insight.referee.quiet import UnableError
from glassnet.vocabulary import Array

NEAR = 1e-4


def steps_of_optimizer(samples: list[Sample]) -> str:
    """Return a note if right gradients are held within limits, and take the limits away.

    Raises
    ------
    UnableError
        If the step has the gradient's signs and always the same size, as Adam's first step has.
    """
    usable = [sample for sample in samples if sample.truth]
    wrong = [sample for sample in usable if not all(agree(sample).values())]
    if not wrong:
        return ""
    if all(_only_signs(sample) for sample in usable):
        raise UnableError(
            "its step has the sign of the gradient and always the same size, as the first step of "
            "Adam or RMSprop has, so the gradient cannot be told from it; pass backward=, a "
            "function of (network, X, y, rate) that returns the gradients"
        )
    for words, limited in (("each number", _entries_limited), ("its length", _length_limited)):
        limits = [limited(sample) for sample in wrong]
        found = [limit for limit in limits if limit is not None]
        if len(found) == len(wrong) > 1 and np.ptp(found) < NEAR * found[0]:
            for sample in wrong:
                sample.used = {name: _filled(sample, name) for name in sample.used}
            return f"The gradient is held within limits: {words} to at most {found[0]:.4g}."
    return ""


def _filled(sample: Sample, name: str) -> Array:
    """Return differences in place of the gradient used, where they were taken."""
    truth = sample.truth[name]
    return np.where(np.isnan(truth), sample.used[name], truth)


def _pairs(sample: Sample) -> tuple[Array, Array]:
    """Return the gradient used and the differences, flat, where both are known."""
    used = np.concatenate([value.reshape(-1) for value in sample.used.values()])
    truth = np.concatenate([value.reshape(-1) for value in sample.truth.values()])
    taken = ~np.isnan(truth)
    return used[taken], truth[taken]


def _only_signs(sample: Sample) -> bool:
    used, truth = _pairs(sample)
    large = np.abs(truth) > 1e-5
    if large.sum() < 3 or not np.isfinite(used).all():
        return False
    sizes = np.abs(used[large])
    same = np.ptp(sizes) < 0.01 * sizes.max() and np.ptp(np.abs(truth[large])) > 1e-3
    return bool(same and (np.sign(used[large]) == np.sign(truth[large])).all())


def _entries_limited(sample: Sample) -> float | None:
    used, truth = _pairs(sample)
    limit = float(np.abs(used).max())
    return limit if np.allclose(np.clip(truth, -limit, limit), used, NEAR, 1e-7) else None


def _length_limited(sample: Sample) -> float | None:
    used, truth = _pairs(sample)
    length, whole = float(np.linalg.norm(used)), float(np.linalg.norm(truth))
    if not 0 < length < whole:
        return None
    return length if np.allclose(truth * (length / whole), used, NEAR, 1e-7) else None
