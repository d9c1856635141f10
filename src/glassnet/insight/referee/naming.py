"""Mistakes put into words: with the user's names, the line of algebra and the line that helps."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from glassnet.insight.referee.chain import Chain
from glassnet.insight.referee.lore import KINDS, told
from glassnet.insight.referee.probes import Sample
from glassnet.insight.referee.report import Finding
from glassnet.insight.referee.scene import Mark, Scale
from glassnet.insight.referee.stated import Stated
from glassnet.insight.referee.verdict import Verdict

CODE = {
    "sigmoid": "{a} * (1 - {a})",
    "tanh": "(1 - {a}**2)",
    "relu": "({z} > 0)",
    "identity": "1",
    "softmax": "{a} * (1 - {a})",
}
SAME = {
    "extra_slope": "the gradient of half the squared error",
    "missing_slope": "the gradient of the cross-entropy",
}
SLOPES = ("slope_at_a", "slope_at_z", "slope_twice", "wrong_slope", "value_for_slope")
EXPLAINED = "with this mistake in the formula it comes out as used, in every sample"


@dataclass
class Words:
    """What is needed to name things.

    Attributes
    ----------
    chain, loss : Chain or None, Stated
    units : int
        The number of outputs.
    columns : bool
        Whether the class has its samples as columns.
    arrays : list of str
        The names of all learned arrays.
    samples : list of Sample
        What was measured.
    rate_known : bool
        Whether the learning rate could be set, so that sizes mean something.
    """

    chain: Chain | None
    loss: Stated
    units: int
    columns: bool
    arrays: list[str]
    samples: list[Sample] = field(default_factory=list)
    rate_known: bool = True

    def of(self, layer: int, detail: str = "") -> dict[str, str]:
        """Return the words of `lore` for a layer."""
        chain = self.chain or ()
        last = len(chain) - 1
        layer = last if layer < 0 or not chain else min(layer, last)
        number = str(layer + 1) if chain else ""
        link = chain[layer] if chain else None
        curve = self._curve(layer) if chain else "activation"
        final = layer == last
        z, a = f"z{number}", "p" if final else f"a{number}"
        x = "X" if layer <= 0 else f"a{layer}"
        code = CODE.get(curve, f"{curve.split()[0]}_slope({{z}})").format(z=z, a=a)
        if curve.startswith("leaky"):
            code = f"np.where({z} > 0, 1, {curve.split('(')[-1].rstrip(')')})"
        formula = link.f.formula if link and curve == link.curve else "a (1 - a)"
        slope = re.sub(r"\ba\b", a, re.sub(r"\bz\b", z, formula))
        return {
            "W": link.weight if link else "W", "w": f"W{number}", "v": f"b{number}",
            "b": (link.bias or "b") if link else "b",
            "z": z, "a": a, "dz": f"dz{number}", "da": "dL_dp" if final else f"da{number}",
            "x": x, "below": f"da{layer}" if layer > 0 else "dX", "f": curve,
            "slope": slope,
            "code": code, "detail": detail, "place": self.place(layer) if chain else "the output",
            "pair": self.pair(curve), "arrays": detail, "first": detail.split(",")[0],
            "axis": "0" if self.columns else "1",
        }  # fmt: skip

    def _curve(self, layer: int) -> str:
        chain = self.chain or ()
        if layer == len(chain) - 1 and self.loss.logits:
            return "sigmoid" if self.loss.kind == "binary_cross_entropy" else "softmax"
        return chain[layer].curve.split(" over ")[0]

    def pair(self, curve: str) -> str:
        """Return the output's line of algebra, for the stated loss behind this curve."""
        if (self.loss.kind, curve) == ("binary_cross_entropy", "sigmoid"):
            return "dL/dp = (p - y) / (p (1 - p)) and dp/dz = p (1 - p), so dL/dz = p - y"
        if (self.loss.kind, curve) == ("cross_entropy", "softmax"):
            return "dL/dz_j = sum_k -y_k / p_k * p_k ([k = j] - p_j) = p_j - y_j"
        if self.loss.kind == "squared_error":
            slope = "" if curve == "identity" else f" * {curve}'(z)"
            return f"L = (p - y)^2, so dL/dz = 2 (p - y){slope}"
        return "dL/dz = dL/dp * dp/dz"

    def seen(self, names: list[str]) -> str:
        """Return the entry of these arrays where used and true gradient differ most, in numbers."""
        best, text = 0.0, ""
        for sample in self.samples[:2]:
            for name in names:
                if name not in sample.truth or not np.isfinite(sample.used[name]).all():
                    continue
                used, truth = sample.used[name], sample.truth[name]
                off = np.nan_to_num(np.abs(used - truth)) / (np.nanmax(np.abs(truth)) + 1e-12)
                place = np.unravel_index(int(off.argmax()), off.shape)
                if off[place] > best:
                    best = float(off[place])
                    index = ", ".join(str(int(i)) for i in place)
                    text = (
                        f"{name}{f'[{index}]' if place else ''}: used {used[place]:.5g}, "
                        f"by central differences {truth[place]:.5g}"
                    )
        return text if best > 1e-5 else ""

    def names(self, layer: int) -> list[str]:
        """Return the arrays of a layer."""
        if not self.chain:
            return []
        link = self.chain[layer]
        return [name for name in (link.weight, link.bias) if name]

    def place(self, layer: int) -> str:
        """Return what a layer is called."""
        chain = self.chain or ()
        if not chain:
            return ""
        layer = layer % len(chain)
        names = " and ".join(name for name in (chain[layer].weight, chain[layer].bias) if name)
        which = "the output layer" if layer == len(chain) - 1 else f"layer {layer + 1}"
        return f"{which} ({names})"


def findings(verdict: Verdict, words: Words) -> tuple[list[Finding], list[str]]:
    """Return what is wrong, and what is only worth knowing."""
    found: list[Finding] = []
    notes: list[str] = []
    grouped: dict[tuple[str, str], list[Mark]] = {}
    for mark in verdict.marks:
        if mark.kind == "penalty":
            name = words.of(mark.layer)["W"]
            text = (
                f"The gradient of {name} has {mark.detail} added to it, a penalty on large weights"
            )
            notes.append(f"{text} that the stated loss does not have.")
            continue
        grouped.setdefault((mark.kind, _common(mark)), []).append(mark)
    for (kind, _), marks in grouped.items():
        if kind != "unnamed":
            found.append(_finding(kind, marks, verdict, words))
    scaled, more = scale_findings(verdict, words)
    unnamed = [_array_of(mark, words) for mark in verdict.marks if mark.kind == "unnamed"]
    unnamed += [name for name, state in verdict.arrays.items() if state == "unnamed"]
    found += [_of_arrays(unnamed, "unnamed", words)] if unnamed else []
    found += [_of_arrays([name], state, words) for name, state in verdict.arrays.items()
              if state != "unnamed"]  # fmt: skip
    order = {kind: place for place, kind in enumerate(KINDS)}
    return sorted([*found, *scaled], key=lambda one: order.get(one.kind, 99)), notes + more


def _common(mark: Mark) -> str:
    """Return by what marks of one kind are told apart: not by the layer."""
    return mark.detail if mark.kind == "wrong_factor" else ""


def _array_of(mark: Mark, words: Words) -> str:
    """Return the name of the array that a mark is about."""
    names = words.of(mark.layer)
    return names["b"] if mark.detail == "bias" else names["W"]


def _finding(kind: str, marks: list[Mark], verdict: Verdict, words: Words) -> Finding:
    """Return one finding for the same mistake in one or several layers."""
    marks = sorted(marks, key=lambda mark: -mark.layer)
    first = marks[0]
    detail = first.detail
    if kind == "other_delta_sent_back":
        detail = f": it is what {detail} would give" if detail else ""
    kind_words = words.of(first.layer, detail)
    where = " and ".join(dict.fromkeys(words.place(mark.layer) for mark in marks))
    kind_words["place"] = where
    measured = _measured(kind, [mark.layer for mark in marks], words)
    readings = tuple(dict.fromkeys(_readings(kind, marks, verdict, words)))
    finding = told(kind, where, kind_words, measured, readings)
    extra = Mark("extra_slope", first.layer, kind_words["f"])
    if kind == "extra_slope" or extra not in verdict.marks or kind not in SLOPES:
        return finding
    return replace(finding, fix=f"leave the {kind_words['f']}' out altogether, as said above")


def _measured(kind: str, layers: list[int], words: Words) -> str:
    """Return what was seen of a mistake, in its layer or in the one below."""
    seen = ""
    for layer in [*layers, *(layer - 1 for layer in layers if layer > 0)]:
        names = words.names(layer)
        seen = seen or words.seen(names[-1:] if kind.startswith("bias") else names)
    return f"{seen}; {EXPLAINED}" if seen else ""


def _readings(kind: str, marks: list[Mark], verdict: Verdict, words: Words) -> Iterable[str]:
    """Yield what else the same mistake may be called."""
    outputs = len(verdict.chain or ()) - 1
    at_output = any(mark.layer in (outputs, -1) for mark in marks)
    alone = len([mark for mark in verdict.marks if mark.layer == outputs]) <= 1
    if at_output and alone and kind == "extra_slope" and words.loss.kind != "squared_error":
        yield SAME[kind]
    curve = words.of(-1)["f"]
    pair = {"sigmoid": "binary_cross_entropy", "softmax": "cross_entropy"}.get(curve)
    if at_output and kind == "missing_slope" and words.loss.kind == "squared_error" and pair:
        yield SAME[kind]
    for mark in marks:
        for other in verdict.readings.get(mark, []):
            told = [one.kind.replace("_", " ") + (f" ({one.detail})" if one.detail else "")
                    for one in other]  # fmt: skip
            if told and other[0].kind not in ("unlikely", kind):
                yield " with ".join(told)


def _of_arrays(names: list[str], state: str, words: Words) -> Finding:
    """Return a finding on arrays, told without the formula that was used for them."""
    kind, listed = state, ", ".join(dict.fromkeys(names))
    if state == "never_updated":
        bias = re.search(r"bias|^b|\.b|'b", names[0].lower()) is not None
        kind = "bias_never_updated" if bias else "weight_never_updated"
    filled = words.of(-1, listed) | {"W": listed, "b": listed}
    return told(kind, listed, filled, words.seen(names))


# ---- sizes ---------------------------------------------------------------------------------------


def scale_findings(verdict: Verdict, words: Words) -> tuple[list[Finding], list[str]]:
    """Return what factors on gradients mean: mistakes, and conventions."""
    grouped: dict[tuple[str, str], list[str]] = {}
    notes: dict[str, list[str]] = {}
    scales = verdict.scales if words.rate_known else _without_rate(verdict.scales, notes)
    for name, scale in scales.items():
        for kind, detail in scale_kinds(scale, words):
            if kind == "note":
                notes.setdefault(detail, []).append(name)
            else:
                grouped.setdefault((kind, detail), []).append(name)
    found = []
    for (kind, detail), names in grouped.items():
        filled = words.of(_layer_of(names[0], verdict), detail)
        size = written(scales[names[0]])
        measured = f"gradient used / gradient of the loss = {size} for {', '.join(names)}"
        found.append(told(kind, _where(names, words), filled, measured))
    texts = [text if len(names) == len(verdict.scales) else f"{text} (in {', '.join(names)})"
            for text, names in notes.items()]  # fmt: skip
    return found, texts


def _without_rate(scales: dict[str, Scale], notes: dict[str, list[str]]) -> dict[str, Scale]:
    """Return scales without the factor that most have in common, which may be a built-in rate."""
    sizes = [abs(scale.k) for scale in scales.values()]
    usual = max(sizes, key=sizes.count, default=1.0)
    if usual != 1:
        text = f"Its rate cannot be set; rate and factors together are {usual:.4g}."
        notes[text] = list(scales)
    return {name: scale._replace(k=scale.k / usual) for name, scale in scales.items()}


def _where(names: list[str], words: Words) -> str:
    return "every array" if set(names) >= set(words.arrays) else ", ".join(names)


def _layer_of(name: str, verdict: Verdict) -> int:
    for layer, link in enumerate(verdict.chain or ()):
        if name in (link.weight, link.bias):
            return layer
    return -1


def written(scale: Scale) -> str:
    """Return a scale as a formula.

    Examples
    --------
    >>> written(Scale(-0.5, 1, 0)), written(Scale(1.0, 0, 1))
    ('-0.5 n', 'rate')
    """
    parts = [] if abs(scale.k) == 1 else [f"{abs(scale.k):.6g}"]
    powers = {1: "n", -1: "1/n", 2: "n^2", -2: "1/n^2"}
    parts += [powers[scale.rows]] if scale.rows else []
    rates = {1: "rate", -1: "1/rate", 2: "rate^2", -2: "1/rate^2"}
    parts += [rates[scale.rate]] if scale.rate else []
    return ("-" if scale.k < 0 else "") + (" ".join(parts) or "1")


def scale_kinds(scale: Scale, words: Words) -> list[tuple[str, str]]:
    """Return the kinds of mistake in a factor, or "note" with a text where it is a convention."""
    loss, found = words.loss, list[tuple[str, str]]()
    if scale.k < 0:
        found.append(("sign", ""))
    if scale.rate:
        kinds = {-1: "rate_ignored", -2: "rate_divides"}
        found.append((kinds.get(scale.rate, "rate_twice"), ""))
    rows, size = scale.rows, abs(scale.k)
    if loss.own and rows and loss.power + rows == loss.own[1]:
        found.append(("note", "The class's own loss is a sum over rows, and so is its gradient; "
                      "that of the mean is n times smaller."))  # fmt: skip
    elif rows > 0 and loss.source.startswith("guessed"):
        found.append(("note", "The gradient is that of the sum over rows, not of the mean: the "
                      "step grows with the number of rows."))  # fmt: skip
    elif rows > 0:
        found.append(("sum_for_mean", ""))
    elif rows < 0:
        found.append(("mean_for_sum" if loss.power == 0 and rows == -1 else "mean_twice", ""))
    conventions = _conventions(words)
    if abs(size - 1) > 1e-4:
        text = next((text for one, text in conventions if abs(size / one - 1) < 1e-4), "")
        found.append(("note", text) if text else ("wrong_factor", f"{size:.4g}"))
    return found


def _conventions(words: Words) -> list[tuple[float, str]]:
    """Return factors that are a matter of taste, each with its sentence."""
    k = words.units
    usual: list[tuple[float, str]] = []
    half = "The gradient is that of half the loss (or twice that of a half): a matter of taste."
    if words.loss.kind == "squared_error":
        usual += [(0.5, half), (2.0, half)]
    if k > 1:
        mean = "The gradient is that of the mean over outputs, where the loss is their sum."
        usual += [(1 / k, mean), (0.5 / k, mean), (2 / k, mean)]
        if words.loss.factor < 1:
            usual += [(k, "The gradient is that of the sum over outputs, where the loss is their "
                       "mean.")]  # fmt: skip
    return usual
