"""The network behind `forward`, told from outside: which weights in which order, and which curves.

A chain is a guess z = a W + b, a = f(z), layer by layer. It is believed only if it gives what
`forward` gives, digit for digit, on rows and weights that it was not chosen by.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from glassnet.insight.referee.curves import COMMON, CURVES, HIDDEN, Curve
from glassnet.vocabulary import Array

CHAINS, TRIES = 400, 4000  # orders of weights, and mixtures of curves, that are tried
SUMS = {"softmax": 1, "softmax over rows": 0, "softmax over rows, shifted": 0,
        "softmax over everything": None}  # fmt: skip
FIRST = 30  # orders that are tried with unusual last curves too
OTHERS = tuple(name for name in CURVES if name not in ("identity", "sigmoid", "tanh"))
SAME = 1e-8  # how near a chain must come to what forward returned


@dataclass(frozen=True)
class Link:
    """One layer of a chain.

    Attributes
    ----------
    weight, bias : str
        Names of the arrays; bias is "" where there is none.
    turned : bool
        Whether the weight is kept as (units, inputs).
    ones : str
        "first" or "last", where the weight has a row for the bias there; otherwise "".
    curve : str
        A key of `curves.CURVES`.
    """

    weight: str
    bias: str = ""
    turned: bool = False
    ones: str = ""
    curve: str = "identity"

    def matrix(self, array: Array) -> Array:
        """Return an array shaped like the weight as (inputs, units), the bias's row left out."""
        whole = self._whole(array)
        if not self.ones:
            return whole
        return whole[1:] if self.ones == "first" else whole[:-1]

    def row(self, arrays: dict[str, Array]) -> Array | None:
        """Return the bias (units,), or what is shaped like it; None where there is none."""
        if self.ones:
            return self._whole(arrays[self.weight])[0 if self.ones == "first" else -1]
        return arrays[self.bias].reshape(-1) if self.bias else None

    def _whole(self, array: Array) -> Array:
        if array.ndim < 2:
            array = array.reshape(-1, 1)
        return array.T if self.turned else array

    @property
    def f(self) -> Curve:
        """The curve itself."""
        return CURVES[self.curve]


Chain = tuple[Link, ...]


def run(
    chain: Chain, values: dict[str, Array], X: Array, curves: tuple[str, ...] = ()
) -> tuple[list[Array], list[Array]]:
    """Return every z, and every a with X as the first; other curves may be put in."""
    zs: list[Array] = []
    activations = [X]
    for link, curve in itertools.zip_longest(chain, curves):
        z = activations[-1] @ link.matrix(values[link.weight])
        b = link.row(values)
        zs.append(z if b is None else z + b)
        if len(zs) < len(chain) or not curves:
            activations.append(CURVES[curve or link.curve].f(zs[-1]))
    return zs, activations


def reconstruct(
    forward: Callable[[dict[str, Array], Array], Array],
    samples: list[tuple[dict[str, Array], Array]],
    quick: bool = False,
    near: float = SAME,
) -> Chain | None:
    """Return the chain that gives what forward gives, or None if the network is no such chain.

    If ``quick``, unusual curves and mixtures of curves are not tried. ``near`` is how far off the
    outputs may be.
    """
    (values, X), *others = samples
    outputs = forward(values, X)
    wanted = [forward(*other) for other in others]
    ends = _ends(outputs)
    for chain, curves, unusual in _guesses(
        orders({k: v.shape for k, v in values.items()}, X.shape[1], outputs.shape[1]), quick
    ):
        last = run(chain, values, X, curves)[0][-1]
        for name in _fitting(last, ends, 100 * near) or (OTHERS if unusual else ()):
            if not _equal(CURVES[name].f(last), outputs, near):
                continue
            links = zip(chain, (*curves, name), strict=True)
            whole = tuple(replace(link, curve=curve) for link, curve in links)
            pairs = zip(others, wanted, strict=True)
            if all(_equal(run(whole, *other)[1][-1], out, near) for other, out in pairs):
                return whole
    return None


def _guesses(found: list[Chain], quick: bool) -> Iterator[tuple[Chain, tuple[str, ...], bool]]:
    """Yield orders with curves for the hidden layers, and whether any last curve may follow."""
    for chain in found[:FIRST] if quick else found:
        hidden = len(chain) - 1
        for name in COMMON if hidden else ("",):
            yield chain, (name,) * hidden, False
    if quick:
        found = found[:3]
    for chain in found[:FIRST]:
        hidden = len(chain) - 1
        for name in HIDDEN if hidden else ("",):
            yield chain, (name,) * hidden, True
    tries = 0 if quick else TRIES
    for chain in found:
        hidden = len(chain) - 1
        names = tuple(HIDDEN) if hidden == 2 else COMMON
        for curves in itertools.product(names, repeat=hidden) if hidden > 1 else ():
            if len(set(curves)) > 1:
                tries -= 1
                yield chain, curves, False
            if tries < 0:
                return


def _ends(outputs: Array) -> list[tuple[str, Array]]:
    """Return what the last z must be for each of the usual last curves, and what is left open."""
    ends: list[tuple[str, Array]] = [("identity", outputs)]
    inside = bool(((outputs > 0) & (outputs < 1)).all())
    if inside:
        ends.append(("sigmoid", np.log(outputs / (1 - outputs))))
        for name, axis in SUMS.items():
            if np.allclose(outputs.sum(axis=axis), 1):
                logs = np.log(outputs)
                ends.append((name, logs - logs.mean(axis=axis, keepdims=True)))
    if (np.abs(outputs) < 1).all():
        ends.append(("tanh", np.arctanh(outputs)))
    return ends


def _fitting(last: Array, ends: list[tuple[str, Array]], near: float) -> list[str]:
    """Return the usual last curves that make the outputs of this z."""
    found = []
    for name, wanted in ends:
        z = last
        if name.startswith("softmax"):
            z = last - last.max(axis=1, keepdims=True) if "shifted" in name else last
            z = z - z.mean(axis=SUMS[name], keepdims=True)
        if np.abs(z - wanted).max() <= near * (1 + np.abs(wanted).max()):
            found.append(name)
    return found


def _equal(a: Array, b: Array, near: float) -> bool:
    return bool((np.abs(a - b) <= near * np.maximum(1.0, np.abs(b))).all())


# ---- orders --------------------------------------------------------------------------------------


def orders(shapes: dict[str, tuple[int, ...]], inputs: int, outputs: int) -> list[Chain]:
    """Return the ways in which arrays of these shapes make a chain, the most natural first.

    Examples
    --------
    >>> [link.weight for link in orders({"B": (3, 1), "A": (2, 3)}, 2, 1)[0]]
    ['A', 'B']
    """
    names = list(shapes)
    found = itertools.islice(_grown(inputs, outputs, names, shapes), CHAINS)
    return sorted(found, key=lambda chain: _unnatural(chain, names))


def _grown(
    width: int, outputs: int, left: list[str], shapes: dict[str, tuple[int, ...]]
) -> Iterator[Chain]:
    for name in left:
        for turned, ones, units in _as_weight(shapes[name], width):
            rest = [other for other in left if other != name]
            fitting = [] if ones else [b for b in rest if _as_bias(shapes[b], units)]
            fitting.sort(key=lambda b: (_digits(b) != _digits(name), rest.index(b)))
            for bias in (*fitting, ""):
                link = Link(name, bias, turned, ones)
                remaining = [other for other in rest if other != bias]
                if not remaining and units == outputs:
                    yield (link,)
                elif remaining:
                    for more in _grown(units, outputs, remaining, shapes):
                        yield (link, *more)


def _as_weight(shape: tuple[int, ...], width: int) -> Iterator[tuple[bool, str, int]]:
    """Yield how an array may be a weight behind so many units: turned, ones, units."""
    if len(shape) < 2:
        size = shape[0] if shape else 1
        if size == width:
            yield False, "", 1
        elif size == width + 1 > 2:
            yield from ((False, ones, 1) for ones in ("first", "last"))
        return
    if len(shape) > 2:
        return
    for turned, (inputs, units) in ((False, shape), (True, shape[::-1])):
        if inputs == width:
            yield turned, "", units
    for turned, (inputs, units) in ((False, shape), (True, shape[::-1])):
        if inputs == width + 1:
            yield from ((turned, ones, units) for ones in ("last", "first"))


def _as_bias(shape: tuple[int, ...], units: int) -> bool:
    size = int(np.prod(shape))
    return size == units and max(shape, default=1) == size


def _unnatural(chain: Chain, names: list[str]) -> float:
    """Return how odd a chain is: weights out of order, some turned and some not, biases apart."""
    weights = [_rank(link.weight, names) for link in chain]
    biases = [_rank(link.bias, names) for link in chain if link.bias]
    turned = [link.turned for link in chain]
    odd = min(sum(turned), len(turned) - sum(turned))
    cost = sum(a > b for a, b in itertools.pairwise(weights)) * 2.0
    cost += sum(a > b for a, b in itertools.pairwise(biases)) * 2.0
    cost += odd + 0.5 * sum(bool(link.ones) for link in chain)
    strange = [link for link in chain if link.bias and _digits(link.bias) != _digits(link.weight)]
    return cost + 0.1 * len(strange)


def _rank(name: str, names: list[str]) -> tuple[bool, int, int]:
    """Return where a name lets one expect the array: the last layer's, by its number, in order."""
    last = re.search("out|final|last", name.lower()) is not None
    return last, int(_digits(name) or 0), names.index(name)


def _digits(name: str) -> str:
    return "".join(letter for letter in name if letter.isdigit())[:6]
