"""Training: batches, members, restarts, reports, divergence, and the losses' identities."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.plan import Plan
from glassnet.rows import Rows
from glassnet.run import Run
from helpers import LOSSES, Case, made, targets_for

X_XOR, Y_XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])


def small_net(seed: int = 0, loss: Any = "squared_error", **options: Any) -> gn.Network:
    layers = [gn.Dense(5, "tanh"), gn.Dropout(0.2), gn.Dense(2)]
    return gn.Network(layers, 3, loss=loss, seed=seed, **options)


def data(rows: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((rows, 3)), rng.standard_normal((rows, 2))


# ---- batches -------------------------------------------------------------------------------------


@given(rows=st.integers(1, 50), batch=st.integers(1, 60), members=st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_every_row_is_seen_once_an_epoch(rows: int, batch: int, members: int) -> None:
    X, y = data(rows)
    net = small_net()
    if members > 1:
        net.spread(members)
    run = Run(net, Rows(X, y, None), Plan(gn.SGD(), batch, engine="eager"))
    batches = list(run._batches())
    assert sum(size for size, _ in batches) == rows
    assert all(size == min(batch, rows) for size, _ in batches[:-1])
    if batch >= rows:
        assert batches == [(rows, None)]
    else:
        picked = np.concatenate([places for _, places in batches], axis=-1)
        expected = np.broadcast_to(np.arange(rows), picked.shape)
        assert (np.sort(picked, axis=-1) == expected).all()


def test_rows_meet_in_ever_new_batches() -> None:
    run = Run(small_net(), Rows(*data(64), None), Plan(gn.SGD(), 8, engine="eager"))
    together = np.zeros((64, 64))
    for _ in range(300):
        for _, places in run._batches():
            together[np.ix_(places, places)] += 1
    often = together[~np.eye(64, dtype=bool)] / 300
    assert abs(often.mean() - 7 / 63) < 1e-12
    assert often.max() < 0.25  # a row's companions are not fixed: that would be 1


def test_the_same_seed_gives_the_same_bits_and_another_does_not() -> None:
    X, y = data()
    nets = [small_net(seed) for seed in (1, 1, 2)]
    for net in nets:
        net.fit(X, y, epochs=3, batch_size=7)
    assert nets[0].theta.tobytes() == nets[1].theta.tobytes()
    assert (nets[0].theta != nets[2].theta).any()


def test_stopping_after_k_epochs_is_training_k_epochs() -> None:
    X, y = data()
    stopped, whole = small_net(), small_net()
    for epoch in stopped.train(X, y, epochs=100, batch_size=7):
        if epoch.number == 4:
            break
    whole.fit(X, y, epochs=4, batch_size=7)
    assert stopped.theta.tobytes() == whole.theta.tobytes()


def test_every_does_not_change_the_training() -> None:
    X, y = data()
    one, three = small_net(), small_net()
    first = one.fit(X, y, epochs=10, batch_size=7)
    second = three.fit(X, y, epochs=10, batch_size=7, every=3)
    assert one.theta.tobytes() == three.theta.tobytes()
    assert second.epoch == [3, 6, 9, 10]
    assert second.loss == [first.loss[k - 1] for k in second.epoch]


# ---- members and restarts --------------------------------------------------------------------


@pytest.mark.parametrize("batch", [None, 7])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_members_are_the_networks_trained_alone(batch: int | None, dtype: str) -> None:
    X, y = data()
    together = small_net(5, dtype=dtype)
    together.spread(3)
    history = together.fit(X, y, epochs=6, batch_size=batch, validation=data(9, 1))
    for k in range(3):
        alone = small_net(5 + k, dtype=dtype)
        own = alone.fit(X, y, epochs=6, batch_size=batch, validation=data(9, 1))
        close = 1e-5 if dtype == "float32" else 1e-12
        # the output bias starts at the best constant for each, so the start is the same
        np.testing.assert_allclose(together.theta[k], alone.theta, rtol=close, atol=close)
        np.testing.assert_allclose([loss[k] for loss in history.loss], own.loss, rtol=close)
        unseen = [loss[k] for loss in history.validation_loss]
        np.testing.assert_allclose(unseen, own.validation_loss, rtol=close)


@pytest.mark.parametrize("validated", [False, True])
def test_restarts_keep_the_best_member(validated: bool) -> None:
    X, y = data(30)
    unseen = data(20, 3) if validated else None
    net = small_net(5, dtype="float64")
    history = net.fit(X, y, epochs=5, batch_size=8, validation=unseen, restarts=4)
    alone = [small_net(5 + k, dtype="float64") for k in range(4)]
    for other in alone:
        other.fit(X, y, epochs=5, batch_size=8, validation=unseen)
    losses = [other.evaluate(*(unseen or (X, y)))["loss"] for other in alone]
    best = alone[int(np.argmin(losses))]
    assert net.members is None
    np.testing.assert_allclose(net.theta, best.theta, rtol=1e-12)
    assert isinstance(history.loss[-1], float)
    assert net.predict(X).shape == (30, 2)
    net.fit(X, y, epochs=1)  # and it goes on as any network


def test_a_member_that_runs_away_does_not_take_the_others_along() -> None:
    X, y = data(dtype_rows := 20)
    assert dtype_rows == 20
    net = small_net(0)
    net.spread(3)
    net.theta[1] = 1e30
    with np.errstate(all="raise"):
        history = net.fit(X, y, epochs=3, batch_size=None)
    assert history.diverged is None
    assert np.isfinite(net.theta).all()
    assert (np.isfinite(history.loss[-1]) == [True, False, True]).all()


def test_weights_drawn_by_restarts_are_those_of_any_network() -> None:
    net = small_net(3)
    net.spread(2)
    assert net.theta[1].tobytes() == small_net(4).theta.tobytes()


# ---- reports -----------------------------------------------------------------------------------


def test_the_loss_of_an_epoch_is_the_mean_over_its_rows() -> None:
    X, y = data(11)
    w = np.linspace(0.1, 2, 11)
    net = gn.Network([gn.Dense(2)], 3, dtype="float64", seed=0)
    for weights in (None, w):
        expected = net.evaluate(X, y, weights)["loss"]
        rows = Rows(X, y, None if weights is None else w[:, None])
        run = Run(net, rows, Plan(gn.SGD(0.0), batch_size=4))
        assert run.advance(1)[1] == pytest.approx(expected, rel=1e-12)


def test_restore_best() -> None:
    X, y = data(30)
    net = small_net(1)
    seen = []
    for epoch in net.train(X, y, epochs=30, validation=data(20, 1), optimizer=gn.Adam(0.05)):
        seen.append((epoch.validation_loss, net.theta.copy()))
    assert net.theta.tobytes() == seen[-1][1].tobytes()
    epoch.restore_best()
    best = min(seen, key=lambda pair: pair[0])
    assert net.theta.tobytes() == best[1].tobytes()
    assert net.evaluate(*data(20, 1))["loss"] == pytest.approx(best[0])


def test_the_output_bias_starts_at_the_best_constant() -> None:
    X = np.zeros((4, 3))
    run_away = gn.SGD(0.0)
    net = gn.Network([gn.Dense(1)], 3, dtype="float64", seed=0)
    net.fit(X, [1, 2, 3, 6], epochs=1, optimizer=run_away)
    assert net.weights["b1"] == 3
    net = gn.Network([gn.Dense(1)], 3, loss="binary_cross_entropy", dtype="float64", seed=0)
    net.fit(X, [0, 1, 1, 1], epochs=1, optimizer=run_away, sample_weight=[3, 1, 1, 1])
    assert net.predict(X)[0] == pytest.approx(0.5)
    net = gn.Network([gn.Dense(3)], 3, loss="multiclass_cross_entropy", dtype="float64", seed=0)
    net.fit(X, [0, 1, 1, 1], epochs=1, optimizer=run_away)
    np.testing.assert_allclose(net.predict(X)[0], [0.25, 0.75, 0], atol=1e-6)


def test_weights_set_by_hand_stay() -> None:
    net = gn.Network([gn.Dense(1)], 3, dtype="float64", seed=0)
    net.weights["W1"][...] = 2
    net.fit(np.zeros((4, 3)), [1, 2, 3, 6], epochs=1, optimizer=gn.SGD(0.0))
    assert net.weights["b1"] == 0


# ---- a run that diverges -----------------------------------------------------------------------


@pytest.mark.parametrize("batch", [None, 8])
@pytest.mark.parametrize("members", [1, 2])
def test_a_diverging_run_stops_and_gives_back_the_last_good_weights(
    batch: int | None, members: int
) -> None:
    X, y = data()
    net = gn.Network([gn.Dense(5), gn.Dense(2)], 3, seed=0)
    if members > 1:
        net.spread(members)
    reports = net.train(X, y, epochs=500, batch_size=batch, optimizer=gn.SGD(3.0))
    with pytest.warns(gn.DivergenceWarning, match="diverged in epoch") as caught:
        good = [(epoch.number, net.theta.copy()) for epoch in reports]
    last, theta = good[-1] if good else (0, None)
    assert len(caught) == 1
    assert f"in epoch {last + 1}: the weights are those after epoch {last};" in str(
        caught[0].message
    )
    assert np.isfinite(net.theta).all()
    if theta is not None and members == 1:
        assert net.theta.tobytes() == theta.tobytes()


def test_diverging_between_reports_tells_the_epoch_too() -> None:
    X, y = data()
    told = []
    for every in (1, 7):
        net = gn.Network([gn.Dense(5), gn.Dense(2)], 3, seed=0)
        with pytest.warns(gn.DivergenceWarning):
            history = net.fit(X, y, epochs=500, optimizer=gn.SGD(3.0), every=every)
        told.append((history.diverged, net.theta.tobytes()))
    assert told[0] == told[1]


def test_a_healthy_run_warns_of_nothing() -> None:
    net = gn.Network([gn.Dense(8, "relu"), gn.Dense(1)], 3, loss="binary_cross_entropy", seed=0)
    X = data()[0] * 1e4
    with np.errstate(all="raise"):
        net.fit(X, np.arange(40) % 2, epochs=3)
        assert np.isfinite(net.predict(X * 1e3)).all()


# ---- identities of the losses ---------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_weight_is_that_many_copies_and_none_is_absence(loss: gn.Loss) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((8, 3)), targets_for(loss, 8, 3, rng)
    counts = np.array([1, 2, 0, 3, 1, 0, 1, 2])
    layers = [gn.Dense(4, "tanh"), gn.Dense(3)]
    weighted, copied = (gn.Network(layers, 3, loss=loss, dtype="float64", seed=0) for _ in range(2))
    weighted.fit(X, y, epochs=20, batch_size=None, sample_weight=counts)
    copied.fit(np.repeat(X, counts, 0), np.repeat(y, counts, 0), epochs=20, batch_size=None)
    np.testing.assert_allclose(weighted.theta, copied.theta, rtol=1e-9, atol=1e-12)
    scaled = gn.Network(layers, 3, loss=loss, dtype="float64", seed=0)
    scaled.fit(X, y, epochs=20, batch_size=None, sample_weight=counts * 1e6)
    np.testing.assert_allclose(weighted.theta, scaled.theta, rtol=1e-9, atol=1e-12)


def test_a_softmax_of_two_is_a_sigmoid() -> None:
    raw = np.random.default_rng(0).standard_normal((9, 1)) * 3
    two = np.concatenate([np.zeros_like(raw), raw], axis=1)
    y = (np.arange(9) % 2)[:, None]
    multi, binary = gn.MulticlassCrossEntropy(), gn.BinaryCrossEntropy()
    np.testing.assert_allclose(multi.link(two)[:, 1:], binary.link(raw), rtol=1e-14)
    assert multi.value(two, y, 1 / 9) == pytest.approx(binary.value(raw, y, 1 / 9), rel=1e-14)
    np.testing.assert_allclose(
        multi.gradient(two, y, 1 / 9)[:, 1:], binary.gradient(raw, y, 1 / 9), atol=1e-16
    )


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [0.0, 1e4])
def test_losses_stay_finite_at_extreme_scores(loss: gn.Loss, dtype: str, size: float) -> None:
    raw = np.array([[size, -size], [-size, size]], dtype)
    y = np.array([[0], [0]], dtype) if loss.labels else np.array([[0, 1], [1, 1]], dtype)
    with np.errstate(all="raise", under="ignore"):
        value = loss.value(raw, y, 0.5)
        gradient, link = loss.gradient(raw, y, 0.5), loss.link(raw)
    for numbers in (value, gradient, link):
        assert np.isfinite(numbers).all()
        assert numbers.dtype == dtype


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_best_constant_is_the_best(loss: gn.Loss) -> None:
    rng = np.random.default_rng(0)
    y = loss.check(targets_for(loss, 50, 3, rng), 3)
    w = rng.uniform(0, 1, (50, 1))
    w /= w.sum()
    best = np.broadcast_to(loss.best_constant(y, w, 3), (50, 3))
    np.testing.assert_allclose(np.sum(loss.gradient(best, y, w), axis=0), 0, atol=2e-6)


@pytest.mark.parametrize("rule", [gn.SGD(1e-3), gn.Momentum(1e-3), gn.Adam(2e-2)], ids=repr)
@pytest.mark.parametrize("function", ["parabola", "rosenbrock"])
def test_optimizers_converge(rule: gn.Optimizer, function: str) -> None:
    theta = np.array([-1.0, 1.5])
    state = {name: np.zeros(2) for name in rule.state}
    for step in range(1, 60_001):
        a, b = theta
        slopes = {
            "parabola": [2 * (a - 1), 20 * (b - 1)],
            "rosenbrock": [-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)],
        }
        gradient = np.array(slopes[function])
        rule.update(theta, gradient, rule.rate, **state, **rule.corrections(step))
    np.testing.assert_allclose(theta, 1, atol=1e-3)


# ---- a network as an object ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))]
)
def test_copies_and_pickles_go_on_alike(duplicate: Any) -> None:
    case = Case(4)
    net = case.make()
    net.fit(case.X, case.y, epochs=2)
    other = duplicate(net)
    assert other.predict(case.X).tobytes() == net.predict(case.X).tobytes()
    if duplicate is not copy.copy:  # a shallow copy shares its weights
        for one in (net, other):
            one.fit(case.X, case.y, epochs=2)
        assert other.theta.tobytes() == net.theta.tobytes()


def test_predict_takes_any_number_of_rows_and_leaves_a_copy() -> None:
    X, y = data(3000)
    net = small_net()
    net.fit(X, y, epochs=1)
    whole = net.predict(X)
    assert whole.shape == (3000, 2)
    first = net.predict(X[:1])
    kept = first.copy()
    net.predict(X[1:2])
    assert (first == kept).all()
    np.testing.assert_allclose(
        np.concatenate([net.predict(X[:7]), net.predict(X[7:])]), whole, rtol=1e-5
    )


def test_float32_stays_float32() -> None:
    net = small_net()
    net.fit(*data(), epochs=1)
    assert net.theta.dtype == net.predict(data()[0]).dtype == np.float32


def test_the_program_is_kept_and_few_are() -> None:
    net = small_net()
    assert net.program(4).lines is net.program(4).lines
    for rows in range(1, 100):
        net.program(rows, "predict")
    assert len(net._programs) <= 16


def test_xor_from_the_readme() -> None:
    net = gn.Network(
        [gn.Dense(2, "sigmoid"), gn.Dense(1)],
        inputs=2, loss="binary_cross_entropy", dtype="float64", seed=0,
    )  # fmt: skip
    net.fit(X_XOR, Y_XOR, epochs=1000, batch_size=None, optimizer=gn.Adam(0.1), restarts=8)
    assert (np.abs(net.predict(X_XOR).ravel() - Y_XOR) < 0.05).all()
    assert made(repr(net)).theta.shape == net.theta.shape
