"""Periodic, Squash, Parametric and the tangent form, each against loops that say it once more."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from helpers import SameDraws, eager_step, gradient_error


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def drawn(layer: gn.Layer, inputs: int, seed: int = 1) -> SimpleNamespace:
    """Return random parameters of a layer behind so many columns."""
    draws = np.random.default_rng(seed)
    shapes = {name: each.shape for name, each in layer.parameters(inputs).items()}
    return SimpleNamespace(**{name: draws.standard_normal(s) for name, s in shapes.items()})


# ---- Periodic ------------------------------------------------------------------------------------


def waves(x: Any, p: Any, columns: int, units: int) -> list[float]:
    """Return what a Periodic makes of one row, one number at a time."""
    made = []
    for i in range(columns):
        for k in range(units):
            mixed = p.shift[i, k, 0]
            for j in range(p.F.shape[1]):
                mixed += p.V[i, j, k] * math.cos(p.F[i, j, 0] * x[i] + p.F[i, j, 1])
            made.append(mixed)
    return [*made, *x]


@pytest.mark.parametrize(("columns", "count", "units"), [(None, 4, 3), (2, 1, 1), (1, 5, 4)])
def test_a_periodic_is_its_loops(columns: int | None, count: int, units: int) -> None:
    layer = gn.Periodic(columns, count, units)
    p, x = drawn(layer, 3), rng().standard_normal((6, 3))
    y, _ = layer.forward(x, p, None)
    assert y.shape == (6, layer.outputs(3))
    expected = [waves(row, p, columns or 3, units) for row in x]
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-13)


def test_the_frequencies_of_a_periodic_begin_as_they_are_told() -> None:
    first = gn.Periodic(waves=3, units=2, slowest=0.01, fastest=4.0).parameters(5000)
    F, V, shift = (first[name].init(rng(), first[name].shape) for name in ("F", "V", "shift"))
    np.testing.assert_allclose(F[..., 0].std(axis=0) / (2 * np.pi), [0.01, 0.2, 4.0], rtol=0.05)
    for uniform, most in ((F[..., 1], np.pi), (V, 0.25), (shift, 0.25)):
        assert 0.99 * most < np.abs(uniform).max() <= most
        assert abs(uniform.mean()) < 0.03 * most


def test_fixed_frequencies_stay_and_their_derivatives_are_no_work() -> None:
    X, y = rng().standard_normal((40, 3)), rng().standard_normal(40)
    lines, kept = [], []
    for fixed in (False, True):
        net = gn.Network([gn.Periodic(2, 4, fixed=fixed), gn.Dense(1)], inputs=3, seed=0)
        before = net.weights["F1"].copy(), net.weights["V1"].copy()
        net.fit(X, y, epochs=3)
        kept.append(
            [(a == net.weights[n]).all() for a, n in zip(before, ("F1", "V1"), strict=True)]
        )
        lines.append(str(net.program(replayed=True)))
    assert kept == [[False, False], [True, False]]
    assert "sin(" in lines[0]
    assert "sin(" not in lines[1]


def test_a_parameter_of_rate_0_keeps_its_value_and_is_not_checked() -> None:
    net = gn.Network([gn.Dense(3, "tanh", bias_rate=0.0), gn.Dense(1)], inputs=2, seed=0)
    X, y = rng().standard_normal((20, 2)), rng().standard_normal(20)
    check = gn.check_gradients(net, X, y)
    assert check.right
    assert "b1" not in check.errors
    net.fit(X, y, epochs=2)
    assert not net.weights["b1"].any()
    assert net.weights["b2"].any()


# ---- Squash --------------------------------------------------------------------------------------


def squashed(x: Any, p: Any, layer: gn.Squash) -> list[float]:
    """Return what a Squash makes of one row, one number at a time."""
    made = []
    for i, number in enumerate(x):
        if i >= len(x) - layer.passing:
            made.append(number)
        elif layer.before <= i < layer.before + layer.gaps and x[i + layer.gaps] == 1:
            made.append(0.0)
        else:
            t = (number - p.centre[0, i]) * p.scale[0, i]
            made.append(t / math.sqrt(1 + (t / layer.limit) ** 2))
    return made


@pytest.mark.parametrize(
    "layer",
    [gn.Squash(), gn.Squash(1.5, 0, 0, 2), gn.Squash(2.0, 2, 1, 1), gn.Squash(3.0, 3)],
    ids=repr,
)
def test_a_squash_is_its_loop(layer: gn.Squash) -> None:
    x = 5 * rng().standard_normal((20, 6))
    marks = slice(layer.before + layer.gaps, layer.before + 2 * layer.gaps)
    x[:, marks] = rng().integers(0, 2, (20, layer.gaps))
    p = drawn(layer, 6)
    y, _ = layer.forward(x, p, None)
    np.testing.assert_allclose(y, [squashed(row, p, layer) for row in x], rtol=1e-13)
    assert (np.abs(y[:, : 6 - layer.passing]) < layer.limit).all()


def test_a_squash_is_never_trained() -> None:
    X = rng().standard_normal((30, 2))
    net = gn.Network([gn.Squash(), gn.Dense(1)], 2, seed=0)
    assert net.frozen == {1}
    net.freeze()
    assert net.frozen == {1}
    net.start(X)
    before = net.theta.copy()
    net.fit(X, X[:, 0], epochs=3, optimizer=gn.AdamW(0.1), l2=0.1)
    assert (net.theta[:4] == before[:4]).all()
    assert (net.theta[4:] != before[4:]).all()
    with pytest.raises(ValueError, match="at least one layer that learns"):
        net.freeze(2)


def test_gaps_do_not_count_in_the_centre() -> None:
    X = np.array([[0.0, 1, 7], [10, 0, 7], [20, 0, 8], [30, 0, 9]])  # a number, its mark, another
    net = gn.Network([gn.Squash(gaps=1), gn.Dense(1)], 3, dtype="float64", seed=0)
    net.start(X)
    assert net.weights["centre1"].ravel()[0] == 20
    assert net.weights["scale1"].ravel()[0] == 1 / 10


def test_half_the_range_counts_where_quartiles_are_the_same() -> None:
    net = gn.Network([gn.Squash(), gn.Dense(1)], 1, dtype="float64", seed=0)
    net.start(np.array([[0.0], [0], [0], [0], [0], [0], [8]]))
    assert net.weights["scale1"].ravel()[0] == 1 / 4


def test_what_is_far_away_comes_to_three() -> None:
    net = gn.Network([gn.Squash(), gn.Dense(1)], 1, dtype="float64", seed=0)
    net.weights = {"centre1": [[0.0]], "scale1": [[1.0]], "W2": [[1.0]], "b2": [[0.0]]}
    assert net.raw([[1e9], [-1e9]]) == pytest.approx(np.array([[3.0], [-3.0]]))


def test_weights_of_what_is_always_the_same_stay() -> None:
    net = gn.Network([gn.Dense(3), gn.Dense(1)], 2, dtype="float64", seed=0)
    before = net.weights["W1"].copy()
    net.start(np.zeros((5, 2)))
    assert (net.weights["W1"] == before).all()


def test_a_squash_inside_of_a_stack_is_not_trained_either() -> None:
    X = rng().standard_normal((30, 2))
    net = gn.Network([gn.Stack([gn.Squash(), gn.Dense(3, "tanh")]), gn.Dense(1)], 2, seed=0)
    net.start(X)
    before = net.weights["centre1"].copy(), net.weights["scale1"].copy()
    net.fit(X, X[:, 0], epochs=3, optimizer=gn.AdamW(0.1), l2=0.1)
    assert (net.weights["centre1"] == before[0]).all()
    assert (net.weights["scale1"] == before[1]).all()


# ---- the tangent form, and activations in part ---------------------------------------------------


@pytest.mark.parametrize("inputs", [1, 7])
def test_the_tangent_form_is_a_dense_of_w_over_the_root(inputs: int) -> None:
    tangent, plain, root = gn.Dense(4, "tanh", ntk=True), gn.Dense(4, "tanh"), math.sqrt(inputs)
    x, dy = rng().standard_normal((5, inputs)), rng().standard_normal((5, 4))
    p, d, d_other = (drawn(plain, inputs, seed) for seed in (1, 2, 3))
    other = SimpleNamespace(W=p.W / root, b=p.b)
    (y, kept), (y_other, kept_other) = tangent.forward(x, p, None), plain.forward(x, other, None)
    dx = tangent.backward(kept, dy, p, d, True)
    dx_other = plain.backward(kept_other, dy, other, d_other, True)
    same = [(y, y_other), (dx, dx_other), (d.W, d_other.W / root), (d.b, d_other.b)]
    for one, expected in same:
        np.testing.assert_allclose(one, expected, rtol=1e-12, atol=1e-14)


def test_the_tangent_form_begins_with_normal_weights() -> None:
    weights = gn.Network([gn.Dense(2000, "relu", ntk=True), gn.Dense(1)], 50, seed=0).weights
    assert weights["W1"].std() == pytest.approx(1, rel=0.01)
    assert not weights["b1"].any()
    he = gn.Network([gn.Dense(2000, "relu", init="he", ntk=True), gn.Dense(1)], 50, seed=0)
    assert he.weights["W1"].std() == pytest.approx(0.2, rel=0.01)


@pytest.mark.parametrize("name", ["relu", "selu", "mish"])
def test_a_parametric_activation_is_between_none_and_a_whole_one(name: str) -> None:
    z, share = rng().standard_normal((9, 3)), np.array([[0.0, 1.0, -0.5]])
    whole = gn.activations.ACTIVATIONS[name]().f(z)
    a = gn.Parametric(name).forward(z, SimpleNamespace(share=share))
    np.testing.assert_allclose(a, (1 - share) * z + share * whole, rtol=1e-12, atol=1e-15)


def test_a_parametric_activation_wants_one_that_learns_nothing() -> None:
    for activation in ("parametric_relu", gn.Parametric("relu")):
        with pytest.raises(ValueError, match="activation: expected one that learns nothing"):
            gn.Parametric(activation)
    assert gn.Dense(2, gn.Parametric("selu")).parameters(3)["W"].init is gn.Selu.init


# ---- derivatives ---------------------------------------------------------------------------------

ALONE = (
    gn.Squash(2.0),
    gn.Squash(1.5, gaps=1, before=1, passing=1),
    gn.Periodic(None, 3, 2, fastest=0.3),
    gn.Periodic(2, 2, 3, fastest=0.3),
    gn.Dense(3, gn.Parametric("mish"), ntk=True),
    gn.Dense(3, "tanh", ntk=True),
    gn.Embedding([0, 3], [2, 2], 2),
)


@pytest.mark.parametrize("layer", ALONE, ids=repr)
def test_the_derivatives_by_all_parameters(layer: gn.Layer) -> None:
    """Those too that training leaves alone: a Squash's centre and scale."""
    x, p, d = rng().standard_normal((6, 4)), drawn(layer, 4), drawn(layer, 4, 2)
    x[:, 0], x[:, 3] = [0, 2, 1, 0, 1, 1], [1, 0, 0, 1, 1, 0]
    dy = rng().standard_normal((6, layer.outputs(4)))
    _, kept = layer.forward(x, p, SameDraws(0))
    layer.backward(kept, dy, p, d, True)
    for name, numbers in vars(p).items():
        numeric = np.zeros_like(numbers)
        for place in np.ndindex(numbers.shape):
            before = numbers[place]
            for steps, weight in ((1, 8), (-1, -8), (2, -1), (-2, 1)):
                numbers[place] = before + steps * 1e-4
                y = layer.forward(x, p, SameDraws(0))[0]
                numeric[place] += weight * np.sum(y * dy) / 12e-4
            numbers[place] = before
        np.testing.assert_allclose(getattr(d, name), numeric, rtol=1e-7, atol=1e-8, err_msg=name)


def recipe(seed: int = 2) -> gn.Network:
    """Return a network that has all of them."""
    layers = [
        *(gn.Embedding([0], [3], 2), gn.Squash(gaps=1, passing=2)),
        *(gn.Periodic(1, 4, 2, fastest=0.3), gn.Scale(6.0, decay=1.0)),
        gn.Dense(5, gn.Parametric("mish", rate=0.1), ntk=True),
        *(gn.Dropout(0.3, "flat_cos"), gn.Dense(2, rate=0.1, ntk=True)),
    ]
    return gn.Network(layers, 4, dtype="float64", seed=seed)


def rows(n: int) -> tuple[Any, Any]:
    """Return rows of a category, a number, another with gaps, and their marks."""
    X, y = rng().standard_normal((n, 4)), rng().standard_normal((n, 2))
    X[:, 0], X[:, 2] = rng().integers(-1, 3, n), rng().integers(0, 2, n)
    return X, y


def test_the_gradient_of_all_of_them_together_and_in_members() -> None:
    (X, y), w, net = rows(7), rng().uniform(0, 2, 7), recipe()
    run = eager_step(net, X, y, w, l2=0.7)
    thetas = net.theta + 0.3 * rng().standard_normal((3, net.theta.size))
    losses, gradients = run(thetas)
    for theta, loss, gradient in zip(thetas, losses, gradients, strict=True):
        net.theta[...] = theta
        assert gradient_error(net, X, y) < 1e-6
        assert gradient_error(net, X, y, w, l2=0.7) < 1e-6
        alone, own = run(theta)
        np.testing.assert_allclose(loss, alone, rtol=1e-12)
        np.testing.assert_allclose(gradient, own, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("batch", [None, 16])
def test_members_of_all_of_them_are_the_networks_trained_alone(batch: int | None) -> None:
    X, y = rows(40)
    how: dict[str, Any] = {"epochs": 4, "batch_size": batch, "drop_last": True}
    how |= {"schedule": "coslog4", "weight_decay": 0.1, "decay_schedule": "flat_cos"}
    how |= {"optimizer": gn.Adam(0.02)}
    both = recipe()
    both.spread([5, 9])
    both.start(X)
    both.fit(X, y, **how)
    for k, seed in enumerate((5, 9)):
        alone = recipe(seed)
        alone.start(X)
        alone.fit(X, y, **how)
        np.testing.assert_allclose(both.theta[k], alone.theta, rtol=1e-8, atol=1e-10)


# ---- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "error", "why"),
    [
        (lambda: gn.Squash(0.0), ValueError, "limit: expected a number above 0"),
        (lambda: gn.Squash(gaps=-1), ValueError, "gaps: expected at least 0"),
        (lambda: gn.Squash(gaps=2).parameters(3), ValueError, "passing: expected fewer columns"),
        (lambda: gn.Squash(passing=3).parameters(3), ValueError, "passing: expected fewer columns"),
        (lambda: gn.Periodic(0), ValueError, "columns: expected at least 1"),
        (lambda: gn.Periodic(4).parameters(3), ValueError, "columns: expected at most 3, got 4"),
        (lambda: gn.Periodic(waves=0), ValueError, "waves: expected at least 1"),
        (lambda: gn.Periodic(units=1.5), TypeError, "units: expected a whole number"),
        (lambda: gn.Periodic(fastest=-1), ValueError, "fastest: expected"),
        (lambda: gn.Dense(1, ntk=1), TypeError, "ntk: expected True or False"),
        (lambda: gn.Dense(1, decay=-1.0), ValueError, "decay: expected"),
        (lambda: gn.Parametric("relu", rate=-1), ValueError, "rate: expected"),
        (lambda: gn.Dropout(0.5, "no"), ValueError, "schedule: expected one of"),
    ],
)
def test_a_wrong_argument_is_named_in_one_sentence(wrong: Any, error: Any, why: str) -> None:
    with pytest.raises(error, match=why):
        wrong()


@pytest.mark.parametrize("name", ["rate", "decay"])
def test_a_factor_is_that_of_the_parameters(name: str) -> None:
    factor: dict[str, Any] = {name: 0.5}
    for layer, own in (
        (gn.Dense(1, **factor), ["W"]),
        (gn.Scale(**factor), ["s"]),
        (gn.Periodic(**factor), ["F", "V", "shift"]),
        (gn.Embedding([0, 1], [2, 2], 1, **factor), ["E", "E_2"]),
        (gn.Dense(1, gn.Parametric("relu", **factor)), ["share"]),
    ):
        parameters = layer.parameters(2)
        assert [getattr(parameters[each], name) for each in own] == [0.5] * len(own)
