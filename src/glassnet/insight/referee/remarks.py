"""What else there is to say than the gradient: of forward, of shapes, of large numbers."""

from typing import Any

import numpy as np

from glassnet.insight.referee.chain import Chain
from glassnet.insight.referee.extremes import extremes
from glassnet.insight.referee.lore import told
from glassnet.insight.referee.naming import Words
from glassnet.insight.referee.probes import Sample, rows, weights
from glassnet.insight.referee.quiet import UnableError, attempt
from glassnet.insight.referee.report import Finding, Report
from glassnet.insight.referee.stepping import perform
from glassnet.insight.referee.subject import copied
from glassnet.insight.referee.trial import Bench, Chosen


def tell(report: Report, bench: Bench, chosen: Chosen, samples: list[Sample], words: Words) -> None:
    """Say what the network looks like, and what was done."""
    numbers = sum(v.size for v in bench.subject.values().values())
    inputs = bench.task.X.shape[1]
    if words.chain:
        report.network = " -> ".join(
            [f"{inputs} inputs", *(f"{_units(words.chain, bench, i)} {link.curve}"
                                   for i, link in enumerate(words.chain))]
        )  # fmt: skip
    report.network += f"{', ' if words.chain else ''}{numbers} numbers in " + ", ".join(
        bench.subject.learned
    )
    step = chosen.step
    rates = "; it has no rate to set" if not step.rate and step.how == "updates" else ""
    report.checked = [
        f"Ran the class's own code, {bench.feed.name} and {step}, on copies of the object.",
        f"Loss: {bench.loss}.",
        f"Compared {len(samples)} steps with central differences: several weights, inputs, rates "
        f"and numbers of rows{rates}.",
    ]


def _units(chain: Chain, bench: Bench, layer: int) -> int:
    link = chain[layer]
    value = bench.subject.learned[link.weight][0].read(bench.subject.pristine)
    return int(link.matrix(value).shape[1])


def of_forward(bench: Bench, words: Words, notes: list[str]) -> list[Finding]:
    """Return a finding if a softmax mixes rows; note it if something else does."""
    if bench.feed.single:
        return []
    X = bench.rng.standard_normal((6, bench.task.X.shape[1]))
    values = weights(bench.subject, bench.rng)
    whole = bench.feed.outputs(bench.subject.fresh(values), X)
    try:
        alone = bench.feed.outputs(bench.subject.fresh(values), X[:1])
    except (UnableError, ValueError, IndexError):
        return []
    near = 1e-3 if bench.subject.rough else 1e-6
    if np.allclose(whole[:1], alone, rtol=near, atol=1e-3 * near) or bench.subject.fickle:
        return []
    axis = not np.allclose(whole.sum(axis=1), 1) and (
        np.allclose(whole.sum(axis=0), 1) or np.allclose(whole.sum(), 1)
    )
    if not axis or whole.shape[1] == 1:
        notes.append("What forward returns for a row depends on the rows it comes with, as batch "
                     "normalisation does.")  # fmt: skip
        return []
    detail = "over the samples its outputs sum to 1, over the classes they do not"
    seen = "a row alone and the same row among others gave different outputs"
    return [told("softmax_axis", "forward", words.of(-1, detail), seen)]


def of_grown(chosen: Chosen, words: Words) -> list[Finding]:
    """Return findings on biases that got a row for each sample."""
    found = []
    for name in chosen.grown:
        chain = words.chain or ()
        layer = next((i for i, link in enumerate(chain) if link.bias == name), -1)
        filled = words.of(layer) | {"b": name, "rows": "1" if words.columns else "0"}
        found.append(told("bias_not_summed", name, filled, chosen.trouble))
    return found


def of_form(bench: Bench, chosen: Chosen) -> list[Finding]:
    """Return a finding if the user's form of targets does not go with the class."""
    if not chosen.other_form:
        return []
    task = bench.task
    given, good = task.shape(task.y_form), task.shape(chosen.other_form)
    hot = "label" in task.y_form and chosen.other_form in ("rows", "columns")
    kind = "labels_not_one_hot" if hot else "broadcasting"
    filled = Words(None, bench.loss, task.Y.shape[1], False, []).of(-1)
    seen = f"with y of shape {given}: {chosen.trouble or 'another gradient'}; with {good} it works"
    return [told(kind, "y", filled, seen)]


def stays_whole(bench: Bench, chosen: Chosen, name: str) -> bool:
    """Return whether whole numbers that are weights stay whole in a step, or make it fail."""
    if name not in bench.subject.learned:
        return False
    one, place = copied(bench.subject.nn, []), bench.subject.leaves[name][0]
    X, Y = rows(bench.task, 4 if not chosen.single else 1, bench.rng)
    try:
        attempt(perform, chosen.step, one, bench.feed, bench.task, bench.loss, X, Y, 0.1)
    except UnableError:
        return True
    return bool(np.asarray(place.raw(one)).dtype.kind != "f")


def repeats(bench: Bench, chosen: Chosen, sample: Sample) -> bool:
    """Return whether a step does the same once more, from the same weights, with the same copy."""
    if chosen.step.how != "updates":
        return True
    one = bench.subject.fresh(sample.before)
    afters = []
    for _ in range(2):
        bench.subject.put(one, sample.before)
        attempt(perform, chosen.step, one, bench.feed, bench.task, bench.loss, sample.X, sample.Y,
                sample.rate)  # fmt: skip
        afters.append(bench.subject.take(one, sample.before))
    return all(np.allclose(v, afters[1][k], rtol=1e-9, atol=1e-12) for k, v in afters[0].items())


def of_whole_numbers(name: str) -> Finding:
    """Return a finding on an array of whole numbers that should be floats."""
    seen = "it came with an integer dtype; the rest was checked with floats in it"
    return told("whole_numbers", name, {"arrays": name, "first": name}, seen)


OVERFLOW: dict[str, tuple[str, str]] = {
    "softmax": (
        "exp(z_k) / sum exp(z) = exp(z_k - m) / sum exp(z - m) for every m, such as max(z)",
        "e = np.exp(z - z.max(axis={axis}, keepdims=True))",
    ),
    "sigmoid": (
        "1 / (1 + exp(-z)) = exp(z) / (1 + exp(z)) = (1 + tanh(z / 2)) / 2",
        "0.5 * np.tanh(0.5 * z) + 0.5",
    ),
    "tanh": ("(e^z - e^-z) / (e^z + e^-z) = tanh(z)", "np.tanh(z)"),
    "other": ("exp(z) is infinite for z above 709", "np.exp(np.minimum(z, 709))"),
}


LOGS = {
    "cross_entropy": "-log p_k = log(sum exp(z - m)) - (z_k - m) with m = max(z), without a p",
    "binary_cross_entropy": "-y log p - (1 - y) log(1 - p) = max(z, 0) - y z + log(1 + exp(-|z|))",
}


def of_extremes(
    bench: Bench, chosen: Chosen, own: Any, words: Words, single: bool
) -> list[Finding]:
    """Return findings on large numbers."""
    found = []
    curves = {link.curve.split()[0] for link in words.chain or ()}
    for broken in extremes(bench, chosen.step, own, single):
        # a softmax that overflows returns nan, a sigmoid the right thing all the same
        names = [name for name in OVERFLOW if name in curves][:: -1 if broken.fragile else 1]
        algebra, stable = OVERFLOW[(names or ["other"])[0]]
        filled = words.of(-1, broken.detail)
        filled |= {"overflow": algebra, "stable": stable.format(axis=filled["axis"])}
        filled["logs"] = LOGS["cross_entropy" if "softmax" in curves else "binary_cross_entropy"]
        where, seen = "large rows or weights", "rows and weights 1,000 times ordinary ones"
        found.append(told(broken.kind, where, filled, seen, fragile=broken.fragile))
    return found
