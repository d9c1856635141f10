"""First weights that follow from a table."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

import glassnet as gn


def network(seed: int = 0, dtype: str = "float64") -> gn.Network:
    layers = [gn.Squash(), gn.Dense(40, "relu", ntk=True), gn.Dense(30, "tanh"), gn.Dense(2)]
    return gn.Network(layers, 3, dtype=dtype, seed=seed)


def table(n: int = 500) -> Any:
    """Return columns of very different scales."""
    return np.random.default_rng(1).lognormal(size=(n, 3)) * [1e-3, 1.0, 1e4] + [0, -50, 7]


def sums(net: gn.Network, X: Any) -> list[Any]:
    """Return what every Dense adds up for each row, without and with its bias."""
    found, x = [], np.asarray(X, net.dtype)
    for layer, p in zip(net.layers, net.layout.views(net.theta), strict=True):
        if isinstance(layer, gn.Dense):
            z = x @ p.W / (np.sqrt(x.shape[1]) if layer.ntk else 1)
            found.append((z, z + p.b))
        x = layer.forward(x, p, None)[0]
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_sum_begins_with_a_spread_of_1_and_a_bend_among_the_rows(dtype: str) -> None:
    net, X = network(dtype=dtype), table()
    net.start(X)
    for plain, z in sums(net, X):
        np.testing.assert_allclose(plain.std(axis=0), 1, rtol=1e-4)
        # minus the bias is a mean of five rows, so it is none of the far ends
        assert (z.min(axis=0) <= 0).all()
        assert (z.max(axis=0) >= 0).all()
        assert z.mean(axis=0).std() > 0.1, "not every bend is in the middle"


def test_it_is_the_same_for_a_seed_and_another_for_another() -> None:
    nets, X = [network(seed) for seed in (3, 3, 4)], table()
    for net in nets:
        net.start(X)
    assert nets[0].theta.tobytes() == nets[1].theta.tobytes()
    assert (nets[0].weights["b2"] != nets[2].weights["b2"]).all()


def test_members_begin_as_they_do_alone_and_each_from_its_own_rows() -> None:
    X = table(60)
    places = np.stack([np.arange(40), np.arange(20, 60)])
    for rows in (None, places):
        both = network()
        both.spread([3, 8])
        both.start(X, rows)
        for k, seed in enumerate((3, 8)):
            alone = network(seed)
            alone.start(X if rows is None else X[rows[k]])
            np.testing.assert_allclose(both.theta[k], alone.theta, rtol=1e-12, atol=1e-13)


def test_a_row_that_a_member_may_not_know_changes_nothing() -> None:
    X, places = table(60), np.arange(40)[None]
    changed = X.copy()
    changed[40:] = 1e6
    thetas = []
    for given in (X, changed):
        net = network()
        net.start(given, places)
        thetas.append(net.theta.tobytes())
    assert thetas[0] == thetas[1]


def test_a_sparse_table_is_the_same() -> None:
    X = table(50) * (np.random.default_rng(0).random((50, 3)) < 0.5)
    dense, sparse = network(), network()
    dense.start(X)
    sparse.start(csr_array(X))
    np.testing.assert_array_equal(dense.theta, sparse.theta)


@pytest.mark.parametrize("n", [1, 2, 50])
def test_columns_that_say_nothing_make_no_nan(n: int) -> None:
    for X in (np.zeros((n, 3)), np.full((n, 3), 1e30), table(n) * [0, 1, 0]):
        net = network(dtype="float32")
        with np.errstate(all="raise", under="ignore"):
            net.start(X)
        assert np.isfinite(net.theta).all()
        assert np.isfinite(net.predict(X)).all()
        history = net.fit(X, np.ones((n, 2)), epochs=2)
        assert history.diverged is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_tables_of_any_size_begin_alike(dtype: str, size: float) -> None:
    X, layers = table(), [gn.Dense(40, "relu"), gn.Dense(30, "tanh"), gn.Dense(2)]
    plain, scaled = (gn.Network(layers, 3, dtype=dtype, seed=0) for _ in range(2))
    plain.start(X)
    with np.errstate(all="raise", under="ignore"):
        scaled.start(X * size)
    for (first, _), (second, _) in zip(sums(plain, X), sums(scaled, X * size), strict=True):
        np.testing.assert_allclose(second.std(axis=0), 1, rtol=1e-4)
        np.testing.assert_allclose(second, first, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "X", [[[0.0], [5e-324]], [[-1.7e308]], [[-4e307], [7e307]], [[-1e308], [1e308], [1.7e308]]]
)
@pytest.mark.parametrize("first", [[], [gn.Squash()]])
def test_the_smallest_and_largest_numbers_make_no_weight_infinite(X: Any, first: Any) -> None:
    net = gn.Network([*first, gn.Dense(3, "tanh"), gn.Dense(1)], 1, dtype="float64", seed=0)
    net.start(X)  # both were found by the fuzzer
    assert np.isfinite(net.theta).all()


def test_the_largest_numbers_make_no_nan() -> None:
    X = np.array([[3e38, 3e38], [-3e38, 3e38], [3e38, -3e38], [1.0, 2.0]])
    net = gn.Network([gn.Dense(3, "tanh"), gn.Dense(1)], 2, seed=0)
    with np.errstate(all="raise"):
        net.start(X)
    assert np.isfinite(net.theta).all()


@pytest.mark.parametrize(("near", "far"), [(2e-38, 1e6), (2e-38, 1e30), (1e-44, 1e-40)])
def test_the_unit_of_a_column_is_no_smaller_than_it_can_bear(near: float, far: float) -> None:
    X = np.full((40, 1), 0.0)
    X[12:32], X[32:] = near, far  # quartiles that are nearly alike
    net = gn.Network([gn.Squash(), gn.Dense(1)], 1, dtype="float32", seed=0)
    with np.errstate(all="raise", under="ignore"):
        net.start(X)
    scale = float(net.weights["scale1"][0, 0])
    assert 0 < scale * far < 2e15
    assert np.isfinite(net.raw(X)).all()
    assert net.raw(X)[0] != net.raw(X)[-1]


def test_a_squash_takes_medians_and_quartiles_without_the_gaps() -> None:
    places = np.arange(9.0)
    jump = np.where(places == 4, 7.0, 2.0)  # quartiles alike: half of the range is the scale
    gap = np.where(places < 4, 1e9, 10 * places)
    X = np.stack([places, gap, places < 4, jump, np.full(9, 5.0), places], axis=1)
    squash = gn.Squash(gaps=1, before=1, passing=1)
    net = gn.Network([squash, gn.Dense(1)], 6, dtype="float64", seed=0)
    net.start(X)
    np.testing.assert_array_equal(net.weights["centre1"], [[4, 60, 0, 2, 5]])
    np.testing.assert_allclose(net.weights["scale1"], [[1 / 4, 1 / 20, 1, 1 / 2.5, 0]])
    X[:, 2] = 1  # nothing but gaps
    net.start(X)
    assert net.weights["centre1"][0, 1] == net.weights["scale1"][0, 1] == 0


def test_layers_inside_of_layers_begin_from_the_rows_that_reach_them() -> None:
    X, plain = table(), gn.Network([gn.Squash(), gn.Dense(5, "tanh"), gn.Dense(1)], 3, seed=0)
    inside = [gn.Stack([gn.Squash(), gn.Dense(5, "tanh")]), gn.Dense(1)]
    stack = gn.Network(inside, 3, seed=0)
    for net in (plain, stack):
        net.start(X)
    assert plain.theta.tobytes() == stack.theta.tobytes()
    wide = gn.Network([gn.Concat([[gn.Squash()], [gn.Dense(2)]]), gn.Dense(1)], 3, seed=0)
    wide.start(X)
    assert (wide.weights["centre1"] == plain.weights["centre1"]).all()
    made = X.astype("float32") @ wide.weights["W1"]
    np.testing.assert_allclose(made.std(axis=0), 1, rtol=1e-3)


def test_a_wrong_table_is_refused() -> None:
    with pytest.raises(ValueError, match=r"X: expected shape \(rows, 3\)"):
        network().start(np.zeros((4, 2)))
