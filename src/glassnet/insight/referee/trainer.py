"""Where a class has both a backward and a train: whether train does what backward does."""

from dataclasses import replace

import numpy as np

from glassnet.insight.referee.naming import Words, findings
from glassnet.insight.referee.online import one_by_one
from glassnet.insight.referee.probes import Sample
from glassnet.insight.referee.quiet import UnableError
from glassnet.insight.referee.report import Finding
from glassnet.insight.referee.sampling import take_samples
from glassnet.insight.referee.stepping import Step, candidates
from glassnet.insight.referee.trial import Bench, Chosen
from glassnet.insight.referee.verdict import decide


def of_trainer(
    bench: Bench, judged: Step, sample: Sample, words: Words, known: list[str]
) -> tuple[list[Finding], list[str]]:
    """Return what is wrong with a trainer beside what is wrong with the step that was judged."""
    step = _other(bench, judged, sample)
    if step is None:
        return [], []
    note = f"{step} changes the weights otherwise than {judged} does, which is what was checked."
    try:
        samples, _ = take_samples(bench, Chosen(step))
        verdict = decide(bench, samples, bends=not step.rate)
    except UnableError:
        return [], [note]
    words = replace(words, samples=samples, rate_known=bool(step.rate))
    found, notes = findings(verdict, words)
    if "unnamed" in [one.kind for one in found]:
        return [], [note]
    new = [replace(one, where=f"{one.where}, in {step}") for one in found if one.kind not in known]
    return new, [f"{text} (in {step})" for text in notes] if new else []


def _other(bench: Bench, judged: Step, sample: Sample) -> Step | None:
    """Return the trainer, if it works and does something else with a sample of several rows."""
    if judged.trainer or judged.how != "updates" or judged.adapter or sample.rows == 1:
        return None
    for step, returns in candidates(bench.subject, bench.feed, None, None):
        if not step.trainer or returns or set(step.names) & set(judged.names):
            continue
        step = replace(step, x_form=judged.x_form, y_form=judged.y_form, how="updates")
        first, second = (replace(sample, used={}, after={}) for _ in range(2))
        try:
            bench.measure(step, first)
            bench.measure(step, second, seed=1)
        except UnableError:
            continue
        if step.rate != judged.rate or not _same(first, second) or _same(first, sample):
            return None
        return None if one_by_one(bench, step) else step
    return None


def _same(first: Sample, second: Sample) -> bool:
    pairs = [(first.after[name], after) for name, after in second.after.items()]
    return all(np.allclose(a, b, rtol=1e-6, atol=1e-9, equal_nan=True) for a, b in pairs)
