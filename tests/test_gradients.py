"""Every gradient against central differences of its loss, in float64; and the check itself."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet.files.networks import LAYERS
from glassnet.optimizers import OPTIMIZERS
from glassnet.step import Variant
from helpers import (
    ACTIVATIONS,
    EVERY_LOSS,
    LOSSES,
    OWN_LOSS,
    Case,
    SameDraws,
    eager_step,
    frozen_in,
    gradient_error,
    label,
    scheduled_at,
    targets_for,
)

LIMIT = 1e-6
REACH = 1e-3  # further than a sum moves while a parameter is moved
# their slope, or the slope of it, jumps where z is 0
CORNERS = (gn.Relu, gn.LeakyRelu, gn.ParametricRelu, gn.Elu, gn.Selu)


def sums(layer: gn.Layer, kept: Any) -> Iterator[tuple[gn.Activation, Any]]:
    """Yield every activation in a layer, and the sums that it gets."""
    if isinstance(layer, gn.Dense):
        activation = layer.activation
        yield getattr(activation, "activation", activation), kept[1]
    elif isinstance(layer, gn.Stack | gn.Concat):
        parts = layer.stacks if isinstance(layer, gn.Concat) else layer.layers
        for part, needed in zip(parts, kept[1], strict=True):
            yield from sums(part, needed)


def far_from_kinks(net: gn.Network, X: Any, y: Any, draws: int) -> bool:
    """Whether nothing is within reach of a kink: no activation's sum, and no score."""
    step = net.step(Variant(len(X), "gradient"))
    v = {"x": X.astype(float), "theta": net.theta, **scheduled_at(net)}
    results, kept, _ = step._forward(v, SameDraws(draws), lambda *place: nullcontext())
    distances = [
        np.abs(z).min()
        for layer, needed in zip(net.layers, kept, strict=True)
        for activation, z in sums(layer, needed)
        if isinstance(activation, CORNERS)
    ]
    if isinstance(net.loss, gn.AbsoluteError | gn.Quantile | gn.Huber):
        far = np.abs(results["raw"] - net.loss.check(y, net.outputs))
        distances.append(np.abs(far - getattr(net.loss, "delta", 0)).min())
    return min(distances, default=1.0) > REACH


def settled(net: gn.Network, X: Any, y: Any, draws: int = 0) -> gn.Network:
    """Return the network with weights drawn until nothing sits on a kink."""
    rng = np.random.default_rng(net.seed)
    for _ in range(2000):
        net.theta[...] = rng.standard_normal(net.theta.shape) * 0.7
        if far_from_kinks(net, X, y, draws):
            return net
    raise AssertionError("no weights without a kink found")


# ---- networks ------------------------------------------------------------------------------------


def between(name: str, activation: Any) -> list[gn.Layer]:
    """Return hidden layers with one of this kind among them."""
    dense = gn.Dense(4, activation)
    layers: dict[str, list[gn.Layer]] = {
        "dense": [dense, gn.Dense(3, "tanh")],
        "dropout": [dense, gn.Dropout(0.4)],
        "norm": [dense, gn.LayerNorm()],
        "scale": [gn.Scale(), dense, gn.Scale()],
        "stack": [dense, gn.Stack([gn.Scale(), gn.Dense(3, activation), gn.Dropout(0.2)])],
        "residual": [dense, gn.Residual([gn.Dense(2, activation), gn.Dense(4)])],
        "concat": [dense, gn.Concat([[], [gn.Dense(2, activation)], [gn.LayerNorm()]])],
        "nested": [
            gn.Concat([[gn.Residual([dense, gn.Residual([gn.Scale()]), gn.Dense(4)])], []]),
            gn.Residual(gn.Concat([[gn.Stack([gn.Dense(3, activation)])], gn.Dense(5, "tanh")])),
        ],
        "ntk": [gn.Dense(4, activation, ntk=True), gn.Dense(3, activation, ntk=True)],
        "fading": [dense, gn.Residual([gn.Dropout(0.5, "flat_cos"), gn.Dropout(0.2, "cosine")])],
        "squash": [dense, gn.Concat([[gn.Squash(1.0, gaps=1, before=1, passing=1)], []]), dense],
        "periodic": [gn.Periodic(2, 3, 2, fastest=0.3), dense, gn.Periodic(None, 2, 1)],
        "fixed": [dense, gn.Residual([gn.Periodic(2, 3, 1, fastest=0.3, fixed=True), gn.Dense(4)])],
        "embedding": [gn.Embedding([0, 2], [3, 2], 3), dense],
        # where the embedded columns come through layers that leave them as they are
        "late embedding": [
            gn.Concat([[], [gn.Dense(2, activation)]]),
            gn.Embedding([2, 0], [2, 3], 2),
            gn.Dense(3, activation),
        ],
    }
    return layers[name]


def table() -> Any:
    """Return six rows of four columns; the first and the third are numbers, some unknown."""
    X = np.random.default_rng(5).standard_normal((6, 4))
    X[:, 0], X[:, 2] = [0, 2, 1, 3, 2, -1], [1, 0, 0, 1, 2, 1]
    return X


@pytest.mark.parametrize("loss", [*EVERY_LOSS, OWN_LOSS], ids=label)
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=label)
@pytest.mark.parametrize(
    "layer",
    [
        *("dense", "dropout", "norm", "scale", "stack", "residual", "concat", "nested"),
        *("embedding", "late embedding", "ntk", "fading", "squash", "periodic", "fixed"),
    ],
)
def test_every_layer_activation_loss_and_weights(
    layer: str, activation: Any, loss: gn.Loss
) -> None:
    X, layers = table(), [*between(layer, activation), gn.Dense(3)]
    net = gn.Network(layers, 4, loss=loss, dtype="float64", seed=3)
    y = targets_for(loss, 6, 3, np.random.default_rng(5))
    settled(net, X, y)
    w = np.array([0.0, 1.0, 2.0, 0.5, 3.0, 1.0])
    assert gradient_error(net, X, y) < LIMIT
    assert gradient_error(net, X, y, w, l2=0.7) < LIMIT


@pytest.mark.parametrize("part", range(6))
def test_300_random_networks(part: int) -> None:
    for seed in range(50 * part, 50 * part + 50):
        case = Case(seed, "float64")
        case.members, case.frozen = 1, []
        net = settled(case.make(), case.X, case.y, draws=seed)
        error = gradient_error(net, case.X, case.y, case.w, seed, case.options["l2"])
        assert error < LIMIT, seed


def test_random_networks_have_everything_in_them() -> None:
    cases = [Case(seed) for seed in range(300)]
    text = " ".join(map(repr, [part for case in cases for part in (*case.layers, case.loss)]))
    kinds = [*LAYERS.values(), *map(type, EVERY_LOSS), gn.CustomLoss]
    kinds += [gn.activations.ACTIVATIONS[name] for name in ACTIVATIONS if isinstance(name, str)]
    # what is left out in a repr is the default
    missing = [kind.__name__ for kind in kinds if f"{kind.__name__}(" not in text]
    assert missing == ["Identity"]
    assert text.count("ntk=True") > 50
    assert text.count("Parametric(") > 50
    assert text.count("schedule=") > 30
    for name, least in (("l2", 50), ("clip_norm", 50), ("weight_decay", 50), ("schedule", 50)):
        assert sum(bool(case.options[name]) for case in cases) > least
    assert sum(bool(case.frozen) for case in cases) > 50
    assert sum(case.sparse for case in cases) > 30
    assert sum(not case.options["shuffle"] for case in cases) > 30
    assert {type(case.rule) for case in cases} == {*OPTIMIZERS.values()} - {gn.LBFGS}


# ---- layers alone: the derivative by what comes in ----------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=label)
@pytest.mark.parametrize("rows", [1, 5])
def test_the_derivative_by_the_input(activation: Any, rows: int) -> None:
    rng = np.random.default_rng(2)
    for layer in (
        gn.Dense(3, activation),
        *(gn.Dropout(0.4), gn.LayerNorm(), gn.Scale()),
        *(gn.Dense(3, activation, ntk=True), gn.Squash(), gn.Squash(2.0, 1, 1, 1), gn.Squash(1, 2)),
        *(gn.Periodic(), gn.Periodic(2, 3, 1, fastest=0.2), gn.Periodic(4, 1, 5, fastest=0.2)),
        gn.Embedding([1, 3], [2, 3], 3),
        gn.Embedding([0, 1, 2, 3], [1, 2, 3, 4], 1),
        gn.Stack([gn.Dense(3, activation), gn.Dropout(0.2), gn.Scale()]),
        *(gn.Stack([]), gn.Residual([]), gn.Concat([[], []])),
        gn.Residual([gn.Dense(4, activation), gn.Residual(gn.LayerNorm())]),
        gn.Concat([[gn.Dense(2, activation)], [], [gn.Concat([[gn.Scale()], gn.Dense(1)])]]),
    ):
        x = rng.standard_normal((rows, 4))
        x += 0.1 * np.sign(x)
        p, d = (
            SimpleNamespace(
                **{n: rng.standard_normal(q.shape) for n, q in layer.parameters(4).items()}
            )
            for _ in range(2)
        )
        dy = rng.standard_normal((rows, layer.outputs(4)))
        _, kept = layer.forward(x, p, SameDraws(3))
        if any(np.abs(z).min() < REACH for _, z in sums(layer, kept)):
            continue
        dx = layer.backward(kept, dy, p, d, True)
        numeric = np.zeros_like(x)
        h = 1e-4
        for place in np.ndindex(x.shape):
            for steps, weight in ((1, 8), (-1, -8), (2, -1), (-2, 1)):
                moved = x.copy()
                moved[place] += steps * h
                y = layer.forward(moved, p, SameDraws(3))[0]
                numeric[place] += weight * np.sum(y * dy) / (12 * h)
        # numbers that are not whole are no categories, near them as well: the derivative is 0
        np.testing.assert_allclose(dx, numeric, rtol=LIMIT, atol=LIMIT, err_msg=repr(layer))


def test_a_layer_that_nobody_asks_for_it_gives_no_derivative() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 4))
    for layer in (
        *(gn.Dense(3), gn.LayerNorm(), gn.Scale(), gn.Embedding(0, 2, 2)),
        *(gn.Dense(3, ntk=True), gn.Squash(), gn.Squash(1.0, 1, 1, 1), gn.Periodic(2)),
        gn.Stack([gn.Dropout(0.2), gn.Dense(3)]),
        gn.Residual([gn.Dense(4, "tanh"), gn.LayerNorm()]),
        gn.Concat([[gn.Dense(3)], [], [gn.Dropout(0.5)]]),
    ):
        shapes = {name: q.shape for name, q in layer.parameters(4).items()}
        p = SimpleNamespace(**{name: rng.standard_normal(shape) for name, shape in shapes.items()})
        asked, unasked = (
            SimpleNamespace(**{n: np.zeros(s) for n, s in shapes.items()}) for _ in range(2)
        )
        y, kept = layer.forward(x, p, SameDraws(0))
        assert layer.backward(kept, np.ones_like(y), p, asked, True) is not None
        assert layer.backward(kept, np.ones_like(y), p, unasked, False) is None
        for name in shapes:
            np.testing.assert_array_equal(getattr(asked, name), getattr(unasked, name))


# ---- frozen layers -------------------------------------------------------------------------------


@pytest.mark.parametrize("part", range(4))
def test_a_frozen_layer_has_no_gradient_and_the_others_have_theirs(part: int) -> None:
    compared = 0
    for seed in range(50 * part, 50 * part + 50):
        case = Case(seed)
        case.members, l2 = 1, case.options["l2"]
        net = case.make()
        if not net.frozen:
            continue
        frozen = frozen_in(net)
        free = case.net()
        both = [
            eager_step(each, case.X, case.y, case.w, draws=seed, l2=l2)(each.theta)[1]
            for each in (net, free)
        ]
        assert not both[0][frozen].any()
        assert both[0][~frozen].tobytes() == both[1][~frozen].tobytes()
        compared += frozen.any() and both[1][frozen].any()
        net.theta += 0.125  # so that the output's bias begins as it is
        before = net.theta.copy()
        net.fit(case.X, case.y, epochs=2, optimizer=case.rule, **case.options)
        assert net.theta[frozen].tobytes() == before[frozen].tobytes()
        assert net.theta[~frozen].tobytes() != before[~frozen].tobytes()
    assert compared > 10


def test_all_layers_learn_again_when_none_is_frozen() -> None:
    net = gn.Network([gn.Dense(2, "tanh"), gn.Scale(), gn.Dense(1)], 2, seed=0)
    whole = eager_step(net, np.eye(2), np.ones(2))(net.theta)[1]
    net.freeze(1, 2)
    assert not eager_step(net, np.eye(2), np.ones(2))(net.theta)[1][:-3].any()
    net.freeze()
    assert eager_step(net, np.eye(2), np.ones(2))(net.theta)[1].tobytes() == whole.tobytes()


def test_a_layer_that_is_frozen_between_two_fits_stays() -> None:
    X = np.random.default_rng(0).standard_normal((20, 2))
    net = gn.Network([gn.Dense(3, "tanh"), gn.Dense(1)], 2, seed=0)
    net.partial_fit(X, X[:, :1], optimizer="momentum")
    net.freeze(1)
    before = net.weights["W1"].copy()
    net.partial_fit(X, X[:, :1], optimizer="momentum")
    assert (net.weights["W1"] == before).all()


def test_a_frozen_output_keeps_its_bias() -> None:
    net = gn.Network([gn.Dense(3, "tanh"), gn.Dense(1)], 2, seed=0)
    net.freeze(2)
    net.fit(np.eye(2), np.array([5.0, 6.0]), epochs=1)
    assert net.weights["b2"].item() == 0


def test_a_frozen_layer_is_the_same_after_restarts() -> None:
    X = np.random.default_rng(0).standard_normal((40, 2))
    for seed in range(5):
        net = gn.Network([gn.Dense(3, "tanh"), gn.Dense(1)], 2, seed=seed)
        net.freeze(1)
        before = net.weights["W1"].copy()
        net.fit(X, X[:, :1] * X[:, 1:], epochs=5, restarts=5)
        assert (net.weights["W1"] == before).all()


# ---- the check itself ----------------------------------------------------------------------------


@dataclass(frozen=True)
class NearlyTanh(gn.Tanh):
    """A tanh whose slope is 0.05% too large."""

    def slope(self, z: Any, a: Any) -> Any:
        return 1.0005 * (1 - a * a)


class NoBias(gn.Dense):
    """A Dense that forgets the gradient of its bias."""

    def backward(self, kept: Any, da: Any, p: Any, d: Any, need_dx: bool) -> Any:
        dx = super().backward(kept, da, p, d, need_dx)
        d.b[...] = 0 * d.b
        return dx


class TutorialsMistake(gn.BinaryCrossEntropy):
    """The tutorial's extra factor p (1 - p)."""

    def gradient(self, raw: Any, y: Any, w: Any) -> Any:
        p = gn.sigmoid(raw)
        return (p - y) * p * (1 - p) * w


class Detour(gn.Residual):
    """A Residual that forgets the derivative of the way around."""

    def backward(self, kept: Any, dy: Any, p: Any, d: Any, need_dx: bool) -> Any:
        return gn.Stack.backward(self, kept, dy, p, d, need_dx)


class OneMissing(gn.Embedding):
    """An Embedding that forgets the first row of its table."""

    def backward(self, kept: Any, dy: Any, p: Any, d: Any, need_dx: bool) -> Any:
        dx = super().backward(kept, dy, p, d, need_dx)
        d.E[..., 0, :] = 0
        return dx


class Swapped(gn.Concat):
    """A Concat that gives its stacks each other's derivatives."""

    def backward(self, kept: Any, dy: Any, p: Any, d: Any, need_dx: bool) -> Any:
        return super().backward(kept, dy[..., ::-1], p, d, need_dx)


class FixedLeak(gn.ParametricRelu):
    """A learned leak that forgets the rows where z is above 0 less than it should."""

    def backward(self, da: Any, z: Any, a: Any, p: Any, d: Any) -> Any:
        dz = super().backward(da, z, a, p, d)
        d.leak[...] = np.sum(da * z, axis=-2, keepdims=True)
        return dz


class NoFocus(gn.Focal):
    """A focal loss whose factor is taken for a constant."""

    def gradient(self, raw: Any, y: Any, w: Any) -> Any:
        sign = 2 * y - 1
        return -sign * gn.sigmoid(-sign * raw) ** (self.gamma + 1) * w


@pytest.mark.parametrize(
    ("layers", "loss"),
    [
        ([gn.Dense(3, NearlyTanh()), gn.Dense(1)], "squared_error"),
        ([NoBias(3, "tanh"), gn.Dense(1)], "squared_error"),
        ([gn.Dense(3, "tanh"), gn.Dense(1)], TutorialsMistake()),
        ([gn.Dense(4, "tanh"), Detour([gn.Dense(4, "tanh")]), gn.Dense(1)], "squared_error"),
        ([OneMissing(0, 3, 2), gn.Dense(1)], "squared_error"),
        ([gn.Dense(2, "tanh"), Swapped([[], [gn.Scale()]]), gn.Dense(1)], "squared_error"),
        ([gn.Dense(3, FixedLeak()), gn.Dense(1)], "squared_error"),
        ([gn.Dense(3, "tanh"), gn.Dense(1)], NoFocus()),
    ],
    ids=[
        *("slope off by 0.05%", "bias forgotten", "extra p(1-p)", "way around forgotten"),
        *("row of the table forgotten", "columns swapped", "leak of all rows", "no focus"),
    ],
)
def test_a_planted_mistake_is_found(layers: list[gn.Layer], loss: Any) -> None:
    X = np.random.default_rng(0).standard_normal((6, 2))
    X[:, 0] = [0, 1, 2, 0, 1, 3]
    net = gn.Network(layers, 2, loss=loss, dtype="float64", seed=0)
    assert gradient_error(net, X, np.array([0, 1, 1, 0, 1, 0])) > 10 * LIMIT


def test_a_penalty_left_out_is_found() -> None:
    net = gn.Network([gn.Dense(2)], 2, dtype="float64", seed=0)
    X, y = np.eye(2), np.ones((2, 2))
    with_penalty, without = (eager_step(net, X, y, l2=l2) for l2 in (0.1, 0.0))
    difference = with_penalty(net.theta)[1] - without(net.theta)[1]
    np.testing.assert_allclose(difference, [*(0.1 * net.theta[:4]), 0, 0], rtol=1e-9)
    assert with_penalty(net.theta)[0] - without(net.theta)[0] == pytest.approx(
        0.05 * np.sum(net.theta[:4] ** 2)
    )


def test_a_gradient_of_a_weighted_batch_without_weights_is_zero() -> None:
    for loss in LOSSES[:5]:
        net = gn.Network([gn.Dense(2)], 2, loss=loss, dtype="float64", seed=0)
        value, gradient = eager_step(net, np.ones((2, 2)), np.ones((2, 2)), np.zeros(2))(net.theta)
        assert value == 0
        assert not gradient.any()
