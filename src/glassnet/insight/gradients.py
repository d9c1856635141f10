"""The gradient check: what backpropagation says, beside central differences of the loss."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.network import Network
from glassnet.objective import objective
from glassnet.parts import Parameter
from glassnet.plan import planned
from glassnet.rows import Rows
from glassnet.step import named
from glassnet.summary import Text
from glassnet.vocabulary import Array

Objective = Callable[[Array], tuple[float, Array]]

STEP = 3e-5  # of a difference of fourth order in float64: its error is below 1e-9 of the loss
MOST = 3_000  # parameters that are gone through one by one; more are checked along directions
DIRECTIONS = 8
WORST = 5  # entries that are shown


@dataclass(frozen=True)
class Entry:
    """One derivative: what backpropagation says, and what the differences say.

    Attributes
    ----------
    name, index
        Of which weight: ``W1``, (0, 2).
    analytic, numeric : float
        The derivative by backpropagation, and by central differences.
    kink : bool
        Whether the loss has a corner here, left and right of which it has other slopes: a relu
        at 0, or a target that is met exactly.
    """

    name: str
    index: tuple[int, ...]
    analytic: float
    numeric: float
    kink: bool = False

    @property
    def error(self) -> float:
        """The difference, relative to the larger of the two."""
        size = max(abs(self.analytic), abs(self.numeric))
        return abs(self.analytic - self.numeric) / size if size else 0.0

    def __str__(self) -> str:
        place = f"{self.name}[{', '.join(map(str, self.index))}]"
        kink = "  at a kink" if self.kink else ""
        return f"{place:<14} {self.analytic:>14.7g} {self.numeric:>14.7g} {self.error:>10.1e}{kink}"


@dataclass(frozen=True)
class GradientCheck:
    """What a gradient check found.

    Attributes
    ----------
    right : bool
        Whether every derivative is right, or sits at a kink of the loss.
    error : float
        The distance of the two gradients, relative to their length; kinks left out.
    errors : dict of str to float
        The same for each weight.
    worst : list of Entry
        The derivatives that differ most, if they were gone through one by one.
    kinks : list of Entry
        Those at a kink.
    parameters, directions : int
        How many derivatives there are, and along how many random directions they were checked;
        0 where each was.
    """

    right: bool
    error: float
    errors: dict[str, float]
    worst: list[Entry]
    kinks: list[Entry]
    parameters: int
    directions: int
    tolerance: float

    def __bool__(self) -> bool:
        return self.right

    def show(self) -> Text:
        """Return the verdict in words, and the worst entries."""
        how = (
            f"along {self.directions} random directions in each weight"
            if self.directions
            else "one by one"
        )
        lines = [
            f"{self.parameters:,} derivatives, {how}: relative error {self.error:.1e}",
            "The gradient is right: it is the derivative of the loss."
            if self.right
            else "The gradient is wrong: it is not the derivative of the loss.",
        ]
        if self.kinks:
            lines.append(
                f"{len(self.kinks)} of them lie at a kink of the loss, where it has no derivative; "
                "these do not count."
            )
        if not self.right:
            wrong = [name for name, error in self.errors.items() if error > self.tolerance]
            lines.append(
                f"Wrong in {', '.join(wrong)}; look at the backward pass of these layers first, "
                "and then behind them."
            )
        for name, error in self.errors.items():
            lines.append(f"  {name:<12} {error:8.1e}")
        if self.worst and not self.right:
            lines.append(f"{'worst':<14} {'backward':>14} {'differences':>14} {'error':>10}")
            lines += [str(entry) for entry in self.worst]
        return Text("\n".join(lines))

    def __repr__(self) -> str:
        return str(self.show())


def check_gradients(
    network: Network,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    l2: float = 0.0,
    tolerance: float = 1e-6,
    directions: int | None = None,
    seed: int = 0,
) -> GradientCheck:
    r"""Compare a network's gradient with central differences of its loss, in float64.

    .. math:: \frac{\partial L}{\partial \theta_i} \approx
        \frac{8 (L(\theta + h e_i) - L(\theta - h e_i))
              - (L(\theta + 2h e_i) - L(\theta - 2h e_i))}{12 h}

    The network is not changed. Layers that draw at random draw the same numbers every time.

    Parameters
    ----------
    network : Network
    X, y, sample_weight
        As for `Network.train`; all rows at once.
    l2 : float
        A penalty in the loss.
    tolerance : float
        How large the relative error of a weight may be.
    directions : int, optional
        Check so many random directions in each weight instead of every derivative: two
        evaluations each, however many parameters there are. Left out, that is done for more than
        3,000 parameters.
    seed : int
        Where the directions come from.

    Returns
    -------
    GradientCheck

    Examples
    --------
    >>> import glassnet as gn
    >>> net = gn.Network([gn.Dense(3, "tanh"), gn.Dense(1)], inputs=2, seed=0)
    >>> check = check_gradients(net, [[0.0, 1.0], [1.0, 1.0]], [0.5, -0.5])
    >>> check.right, check.error < 1e-9
    (True, True)
    """
    if not isinstance(network, Network):
        raise TypeError(f"network: expected a Network, got {type(network).__name__}")
    if network.members is not None:
        raise ValueError(f"check_gradients: expected one network, got {network.members} members")
    checks.number("tolerance", tolerance, 0)
    if directions is None:
        directions = 0 if network.theta.size <= MOST else DIRECTIONS
    checks.whole("directions", directions, least=0)
    double = _double(network)
    rows = Rows.of(double, X, y, sample_weight)
    function = objective(double, rows, planned({"batch_size": None, "l2": l2}))
    theta = double.theta.copy()
    gradient = function(theta)[1]
    places = {
        name: place
        for number, own in enumerate(double.layout.places, 1)
        if number not in network.frozen
        for name, place in named(own, number).items()
        if place[2].rate
    }
    if directions:
        return _along(function, theta, gradient, places, directions, seed, tolerance)
    entries = [
        _entry(function, theta, gradient, name, start, parameter.shape, place)
        for name, (start, stop, parameter) in places.items()
        for place in range(start, stop)
    ]
    smooth = [entry for entry in entries if not entry.kink]
    whole = float(np.linalg.norm([entry.numeric for entry in smooth]))
    errors = {name: _distance([e for e in smooth if e.name == name], whole) for name in places}
    return GradientCheck(
        max(errors.values()) <= tolerance,
        _distance(smooth, whole),
        errors,
        sorted(smooth, key=lambda entry: -abs(entry.analytic - entry.numeric))[:WORST],
        [entry for entry in entries if entry.kink],
        len(entries),
        0,
        tolerance,
    )


def _double(network: Network) -> Network:
    """Return a copy of a network in float64."""
    double = Network(
        network.layers, network.inputs, loss=network.loss, dtype="float64", seed=network.seed
    )
    double.theta[...] = network.theta
    double.freeze(*network.frozen)
    double.generators = copy.deepcopy(network.generators)
    return double


def _slope(
    function: Objective, theta: Array, direction: Array, analytic: float, size: float
) -> tuple[float, bool]:
    """Return the derivative of the loss along a direction, and whether the loss has a kink there.

    Where it is not the analytic one, it is taken again from nearby, for there may be a corner
    within reach of the step. If that does not help, both are taken elsewhere: what is right at
    weights that differ a little, and not at these, stands at a corner.
    """
    slopes = []
    for shorter in (1, 10, 100):
        slopes.append(_difference(function, theta, direction, STEP / shorter))
        if abs(analytic - slopes[-1]) <= 3e-7 * size:
            return slopes[-1], False
    rng = np.random.default_rng(0)
    for scale in (1e-3, 1e-2, 1e-2):
        moved = theta + scale * rng.standard_normal(theta.size) * (np.abs(theta) + 0.1)
        there = float(function(moved)[1] @ direction)
        again = _difference(function, moved, direction, STEP / 100)
        if abs(there - again) <= 1e-6 * max(abs(there), size):
            return slopes[0], True
    return slopes[0], False


def _difference(function: Objective, theta: Array, direction: Array, h: float) -> float:
    """Return a central difference of fourth order."""

    def loss(step: float) -> float:
        return function(theta + step * h * direction)[0]

    return (8 * (loss(1) - loss(-1)) - (loss(2) - loss(-2))) / (12 * h)


def _entry(
    function: Objective,
    theta: Array,
    gradient: Array,
    name: str,
    start: int,
    shape: tuple[int, ...],
    place: int,
) -> Entry:
    direction = np.zeros_like(theta)
    direction[place] = 1
    analytic = float(gradient[place])
    size = max(abs(analytic), 1e-3 * float(np.abs(gradient).max()), 1e-8)
    slope, kink = _slope(function, theta, direction, analytic, size)
    index = tuple(int(i) for i in np.unravel_index(place - start, shape))
    return Entry(name, index, analytic, slope, kink)


def _along(
    function: Objective,
    theta: Array,
    gradient: Array,
    places: dict[str, tuple[int, int, Parameter]],
    directions: int,
    seed: int,
    tolerance: float,
) -> GradientCheck:
    """Check each weight along random directions: of its gradient's length in the mean."""
    rng, errors, count = np.random.default_rng(seed), {}, 0
    kinks: list[Entry] = []
    small = max(1e-3 * _root_mean_square(gradient), 1e-8)
    for name, (start, stop, _) in places.items():
        count += stop - start
        off = norm = 0.0
        for _ in range(directions):
            direction = np.zeros_like(theta)
            direction[start:stop] = rng.choice([-1.0, 1.0], stop - start) / np.sqrt(stop - start)
            analytic = float(gradient @ direction)
            size = max(_root_mean_square(gradient[start:stop]), small)
            slope, kink = _slope(function, theta, direction, analytic, size)
            if kink:
                kinks.append(Entry(name, (), analytic, slope, kink=True))
            else:
                off, norm = off + (analytic - slope) ** 2, norm + max(slope**2, size**2)
        errors[name] = float(np.sqrt(off / max(norm, 1e-16)))
    error = max(errors.values())
    return GradientCheck(error <= tolerance, error, errors, [], kinks, count, directions, tolerance)


def _root_mean_square(values: Array) -> float:
    return float(np.linalg.norm(values)) / float(np.sqrt(values.size))


def _distance(entries: list[Entry], whole: float) -> float:
    """Return the length of the difference of two gradients, relative to the numeric one's.

    A weight whose derivatives are small beside all others' is measured by a thousandth of these.
    """
    off = float(np.linalg.norm([entry.analytic - entry.numeric for entry in entries]))
    own = float(np.linalg.norm([entry.numeric for entry in entries]))
    size = max(own, 1e-3 * whole, 1e-8)
    return off / size
