"""From gradients that were used to the mistakes behind them."""

from dataclasses import dataclass, field, replace

import numpy as np

from glassnet.insight.referee.chain import SAME, Chain, reconstruct
from glassnet.insight.referee.probes import Sample, agree, difference
from glassnet.insight.referee.scene import Mark, Scale, Scene, fitted, slope_by_differences
from glassnet.insight.referee.search import Reading, explain
from glassnet.insight.referee.stated import EACH, Stated
from glassnet.insight.referee.trial import Bench
from glassnet.vocabulary import Array

ROWWISE = {"one_row", "one_gradient", "broadcasting"}  # which leave the size of a gradient open


@dataclass
class Verdict:
    """What was found out.

    Attributes
    ----------
    marks : list of Mark
        Mistakes in layers.
    scales : dict of str to Scale
        By what each array's gradient is too large; arrays of which nothing is to be said left out.
    arrays : dict of str to str
        What is said of single arrays, where the network could not be told from outside.
    chain : Chain, optional
        The network, if it was told from outside.
    readings : dict of Mark to list of str
        Other names of the same mistake.
    """

    marks: list[Mark] = field(default_factory=list)
    scales: dict[str, Scale] = field(default_factory=dict)
    arrays: dict[str, str] = field(default_factory=dict)
    chain: Chain | None = None
    readings: dict[Mark, list[tuple[Mark, ...]]] = field(default_factory=dict)


def decide(bench: Bench, samples: list[Sample], deep: bool = True, bends: bool = False) -> Verdict:
    """Return what is wrong with the gradients in these samples; nothing, if all are right.

    With ``deep`` False the network is not reconstructed: wrong arrays are only told by name.
    ``bends`` says that the gradient may depend on the rate, although that cannot be set.
    """
    usable = [sample for sample in samples if sample.truth]
    wrong = {name for sample in usable for name, good in agree(sample).items() if not good}
    if not wrong:
        return Verdict()
    scales = {name: _scale_of(usable, name) for name in bench.subject.learned}
    if all(scale is not None for scale in scales.values()):
        return Verdict(scales={k: v for k, v in scales.items() if v})
    random = [sample for sample in samples if np.isfinite(_all(sample.used)).all()]
    if not deep:
        return Verdict(arrays=dict.fromkeys(wrong, "unnamed"))
    chain = find_chain(bench, random)
    if chain is None:
        return _unknown(bench, usable, scales)
    scenes = [_scene(bench, chain, sample) for sample in random]
    readings = explain(scenes, any(s.rows > 1 for s in random), bends or _bends(random))
    return _collected(chain, readings)


def _all(values: dict[str, Array]) -> Array:
    return np.concatenate([value.reshape(-1) for value in values.values()])


def _scale_of(samples: list[Sample], name: str) -> Scale | None:
    """Return by what an array's gradient differs from the true one, if by a constant alone."""
    factors = []
    for sample in samples:
        truth, used = sample.truth[name], sample.used[name]
        taken = ~np.isnan(truth) & (np.abs(truth) > sample.slack[name] * 100)
        if not taken.any():
            continue
        t, u = truth[taken], used[taken]
        factor = float(t @ u) / float(t @ t)
        if factor == 0 or not agree(sample, factor)[name]:
            return None
        factors.append((factor, sample.rows, sample.rate))
    return fitted(factors, 2e-2 if samples[0].rough else 1e-4) if factors else None


def _bends(samples: list[Sample]) -> bool:
    """Return whether the gradient depends on the rate, other than as a factor."""
    for first in samples:
        for second in samples:
            if first.before is second.before and first.X is second.X and first is not second:
                for name, used in first.used.items():
                    other = second.used[name]
                    size = float(np.sum(used * used))
                    factor = float(np.sum(used * other)) / size if size else 1.0
                    far = 1e-2 if first.rough else 1e-9
                    if np.abs(other - factor * used).max() > far * np.abs(other).max(initial=1e-9):
                        return True
    return False


def find_chain(bench: Bench, samples: list[Sample], quick: bool = False) -> Chain | None:
    """Return the network as it looks from outside."""

    def forward(values: dict[str, Array], X: Array) -> Array:
        return bench.feed.outputs(bench.subject.fresh(values), X)

    wide = sorted(samples, key=lambda sample: -sample.rows)
    distinct = {id(sample.before): (sample.before, sample.X) for sample in wide}
    return reconstruct(
        forward, list(distinct.values())[:3], quick, 1e-5 if bench.subject.rough else SAME
    )


def _scene(bench: Bench, chain: Chain, sample: Sample) -> Scene:
    slope = None
    if bench.loss.kind == "custom":
        one = bench.subject.fresh(sample.before)
        P = bench.feed.outputs(one, sample.X)
        slope = slope_by_differences(bench.loss, one, sample.X, P, sample.Y)
    return Scene(sample, chain, bench.loss, slope)


def _collected(chain: Chain, readings: list[Reading]) -> Verdict:
    """Return readings as one verdict."""
    verdict = Verdict(chain=chain)
    rowwise = False
    for reading in readings:
        link = chain[reading.layer]
        marks = [*reading.marks, *reading.weight.marks]
        marks += reading.bias.marks if reading.bias else ()
        verdict.marks += [mark for mark in marks if mark not in verdict.marks]
        if reading.marks and reading.readings:
            verdict.readings[reading.marks[0]] = reading.readings
        rowwise |= any(mark.kind in ROWWISE for mark in marks)
        for name, match in ((link.weight, reading.weight), (link.bias, reading.bias)):
            if name and match and match.scale:
                scale = match.scale
                if rowwise:
                    scale = Scale(float(np.sign(scale.k)), 0, scale.rate)
                verdict.scales[name] = scale
    last = len(chain) - 1
    if chain[-1].curve == "softmax" and any(m.kind == "bias_axis" for m in verdict.marks):
        # p - y adds up to 0 over the classes, so that this, too, leaves a bias where it is
        still = Mark("bias_never_updated", last)
        added = Mark("bias_axis", last, "everything is added up")
        verdict.marks = [added if mark == still else mark for mark in verdict.marks]
    return verdict


# ---- where the network could not be told ---------------------------------------------------------


def _unknown(bench: Bench, samples: list[Sample], scales: dict[str, Scale | None]) -> Verdict:
    """Return what can be said without knowing the network: still arrays, scales, other losses."""
    other = _other_loss(bench, samples)
    if other is not None:
        kind, found = other
        return Verdict([Mark("extra_slope" if kind == "squared_error" and bench.loss.probabilities
                             else "other_loss", -1, kind)], found)  # fmt: skip
    verdict = Verdict(scales={name: scale for name, scale in scales.items() if scale})
    for name, scale in scales.items():
        if scale is not None:
            continue
        if not any(sample.used[name].any() for sample in samples):
            verdict.arrays[name] = "never_updated"
        elif not all(np.isfinite(sample.used[name]).all() for sample in samples):
            verdict.arrays[name] = "not_finite"
        elif any(not agree(sample)[name] for sample in samples):
            verdict.arrays[name] = "unnamed"
    return verdict


def _other_loss(bench: Bench, samples: list[Sample]) -> tuple[str, dict[str, Scale]] | None:
    """Return another standard loss, if the gradient used is that one's."""
    for kind in EACH:
        if kind == bench.loss.kind:
            continue
        loss = Stated(kind)
        trials = []
        for sample in samples:
            other = replace(sample, truth={}, slack={})
            try:
                difference(bench.subject, bench.feed, loss, other, bench.rng)
            except FloatingPointError:
                break
            trials.append(other)
        scales = {name: _scale_of(trials, name) for name in bench.subject.learned}
        if all(scale is not None for scale in scales.values()):
            return kind, {name: scale for name, scale in scales.items() if scale}
    return None
