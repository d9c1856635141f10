"""Fitting: rows held out, patience, averages, plateaus, memory, and what is shown."""

import copy
import pickle
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.rows import Rows
from glassnet.selection import class_weights, hold_out, split
from glassnet.step import Variant
from helpers import made


def small_net(seed: int = 0, loss: Any = "squared_error", **options: Any) -> gn.Network:
    layers = [gn.Dense(6, "tanh"), gn.Dense(1)]
    return gn.Network(layers, 3, loss=loss, seed=seed, **options)


def data(rows: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, 3))
    return X, np.sin(2 * X[:, 0]) + 0.3 * rng.standard_normal(rows)


def labels(rows: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    X, y = data(rows, seed)
    return X, (y > 0.4).astype(int)


# ---- rows held out -------------------------------------------------------------------------------


@given(
    counts=st.lists(st.integers(1, 60), min_size=2, max_size=6),
    share=st.floats(0.05, 0.6),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=150)
def test_each_class_is_held_out_in_its_share(counts: list[int], share: float, seed: int) -> None:
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))[:, None]
    many = max(round(share * len(y)), 1)
    if many > len(y) - len(counts):
        with pytest.raises(ValueError, match="expected more rows to hold out"):
            hold_out(y, share, True)
        return
    rest, held = hold_out(y, share, True)
    assert np.array_equal(np.sort(np.concatenate([rest, held])), np.arange(len(y)))
    assert len(held) == many
    per_class = np.bincount(y[held, 0], minlength=len(counts))
    # of each class all rows but its first may be held out, and of these all classes' alike
    fair = many * (np.array(counts) - 1) / (len(y) - len(counts))
    assert (np.abs(per_class - fair) <= 1).all()
    assert set(y[rest, 0]) == set(range(len(counts)))


def test_quantities_are_held_out_evenly_over_their_range() -> None:
    y = np.random.default_rng(0).exponential(size=(1000, 1))
    rest, held = hold_out(y, 0.2, False)
    for q in (0.1, 0.5, 0.9):
        assert np.quantile(y[held], q) == pytest.approx(np.quantile(y[rest], q), rel=0.06)


def test_the_same_rows_are_held_out_in_every_fit_and_for_every_seed(monkeypatch: Any) -> None:
    """A second fit never trains on the rows that the first one watched, nor does another seed."""
    X, y = labels()
    seen: list[set[bytes]] = []

    def taught(self: Any, network: Any, rows: Any, *rest: Any) -> None:
        seen.append({row.tobytes() for row in rows.X})
        begin(self, network, rows, *rest)

    from glassnet.run import Run

    begin = Run.__init__
    monkeypatch.setattr(Run, "__init__", taught)
    net = small_net(1, "binary_cross_entropy")
    for _ in range(3):
        net.fit(X, y, epochs=1, validation=0.25)
    small_net(9, "binary_cross_entropy").fit(X, y, epochs=2, validation=0.25)
    assert len(seen[0]) == 45
    assert all(each == seen[0] for each in seen)


def test_held_out_rows_are_those_of_the_report() -> None:
    X, y = data()
    rest, held = hold_out(y[:, None], 0.2, False)
    one, other = small_net(), small_net()
    first = one.fit(X, y, epochs=4, validation=0.2, metrics="mae")
    second = other.fit(X[rest], y[rest], epochs=4, validation=(X[held], y[held]), metrics="mae")
    assert one.theta.tobytes() == other.theta.tobytes()
    assert first.validation_loss == second.validation_loss
    assert first.metrics == second.metrics
    assert first.metrics["mae"][-1] == np.abs(one.predict(X[held])[:, 0] - y[held]).mean()


def test_weights_of_held_out_rows_go_with_them() -> None:
    X, y = data()
    w = np.linspace(0.1, 2, len(y))
    rest, held = hold_out(y[:, None], 0.3, False)
    net = small_net()
    history = net.fit(X, y, sample_weight=w, validation=0.3, epochs=2)
    assert history.validation_loss[-1] == net.evaluate(X[held], y[held], w[held])["loss"]
    other = small_net()
    other.fit(X[rest], y[rest], sample_weight=w[rest], epochs=2)
    assert net.theta.tobytes() == other.theta.tobytes()


def test_a_row_that_was_taught_is_never_held_out(monkeypatch: Any) -> None:
    """Whatever the order of the table, and also when it has grown or shrunk since."""
    rng = np.random.default_rng(0)
    X, y = labels(60)
    more = labels(30, seed=9)
    order = rng.permutation(60)
    for tables in (
        [(X, y), (X[order], y[order])],
        [(X, y), (np.vstack([more[0], X]), np.concatenate([more[1], y])), (X[order], y[order])],
        [(X, y), (X[:40], y[:40]), (X, y)],
    ):
        taught: set[bytes] = set()
        net = small_net(1, "binary_cross_entropy")
        for table, target in tables:
            rows, held = split(net, Rows.of(net, table, target), 0.2)
            assert held is not None
            assert not taught & {row.tobytes() for row in held.X}
            assert len(held) + len(rows) == len(target)
            if not taught:  # later there is less to choose from
                assert abs(held.y.mean() - target.mean()) < 0.1
            taught |= {row.tobytes() for row in rows.X}
    fresh = small_net(1, "binary_cross_entropy")
    first = split(fresh, Rows.of(fresh, X, y), 0.2)[1]
    other = small_net(2, "binary_cross_entropy")
    again = split(other, Rows.of(other, X[order], y[order]), 0.2)[1]
    assert {r.tobytes() for r in first.X} == {r.tobytes() for r in again.X}


def test_where_all_rows_were_taught_nothing_is_held_out() -> None:
    X, y = data()
    net = small_net()
    net.fit(X, y, epochs=1, validation=0.2)
    rest = split(net, Rows.of(net, X, y), 0.2)[0]
    with pytest.raises(ValueError, match="of which 48 were trained on before"):
        net.fit(rest.X, rest.y, epochs=1, validation=0.2)
    # the same rows many times over are on both sides, in every fit
    crowd = small_net()
    for _ in range(2):
        crowd.fit(np.eye(3).repeat(10, 0), np.arange(3.0).repeat(10), epochs=1, validation=0.3)


@pytest.mark.parametrize("batch", [None, 7])
def test_a_row_of_weight_0_is_as_if_it_were_absent(batch: int | None) -> None:
    X, y = data()
    w = np.where(np.arange(60) % 3 == 0, 0.0, 1.5)
    one, other = small_net(), small_net()
    one.fit(X, y, sample_weight=w, epochs=3, batch_size=batch, validation=0.2)
    other.fit(
        X[w > 0], y[w > 0], sample_weight=w[w > 0], epochs=3, batch_size=batch, validation=0.2
    )
    assert one.theta.tobytes() == other.theta.tobytes()


# ---- patience ------------------------------------------------------------------------------------


def test_patience_stops_and_restores_the_best() -> None:
    X, y = data(40)
    net, other = small_net(2), small_net(2)
    options: dict[str, Any] = {"validation": data(30, 1), "optimizer": gn.Adam(0.05)}
    history = net.fit(X, y, epochs=1000, patience=7, **options)
    best = int(np.argmin(history.validation_loss)) + 1
    assert history.best_epoch == best
    assert history.epoch[-1] == best + 7
    other.fit(X, y, epochs=best, **options)
    assert net.theta.tobytes() == other.theta.tobytes()
    assert net.evaluate(*data(30, 1))["loss"] == min(history.validation_loss)


def test_patience_without_validation_looks_at_the_training_loss() -> None:
    X, y = data(40)
    history = small_net().fit(X, y, epochs=5000, patience=3, optimizer=gn.Adam(0.05))
    assert history.epoch[-1] == history.best_epoch + 3 < 5000
    assert min(history.loss) == history.loss[history.best_epoch - 1]


def test_any_metric_can_be_monitored_in_its_direction() -> None:
    X, y = labels()
    for metric, higher in (("auc", True), ("accuracy", True)):
        net = small_net(1, "binary_cross_entropy")
        history = net.fit(
            *(X, y),
            epochs=200, patience=10, validation=labels(50, 3), metrics=[metric], monitor=metric,
            optimizer=gn.Adam(0.03),
        )  # fmt: skip
        values = np.array(history.metrics[metric]) * (1 if higher else -1)
        assert history.best_epoch == values.argmax() + 1
        assert net.evaluate(*labels(50, 3), metrics=metric)[metric] == values.max()
    worst = gn.Metric("worst", lambda y, p, w: np.abs(y - p).max(), higher=False)
    net = small_net()
    history = net.fit(
        *data(), epochs=60, patience=5, validation=0.2, metrics=[worst, "r2"], monitor="worst"
    )
    assert history.best_epoch == np.argmin(history.metrics["worst"]) + 1
    assert history.metrics.keys() == {"worst", "r2"}


def test_min_delta_is_what_counts_as_better() -> None:
    X, y = data()
    tight = small_net().fit(X, y, epochs=300, patience=5, min_delta=0.05)
    loose = small_net().fit(X, y, epochs=300, patience=5)
    assert tight.epoch[-1] < loose.epoch[-1]


@pytest.mark.parametrize("batch", [None, 16])
def test_members_stop_each_for_itself_as_if_trained_alone(batch: int | None) -> None:
    X, y = data(40)
    seeds = [11, 3, 7, 20]
    options: dict[str, Any] = {
        "validation": data(30, 1), "optimizer": gn.Adam(0.05), "batch_size": batch,
        "epochs": 400, "patience": 6,
    }  # fmt: skip
    together = small_net(0, dtype="float64")
    together.spread(seeds)
    history = together.fit(X, y, **options)
    stops = []
    for k, seed in enumerate(seeds):
        alone = small_net(seed, dtype="float64")
        own = alone.fit(X, y, **options)
        np.testing.assert_allclose(together.theta[k], alone.theta, rtol=1e-6, atol=1e-9)
        assert history.best_epoch[k] == own.best_epoch
        stops.append(own.epoch[-1])
    assert len(set(stops)) > 1
    assert history.epoch[-1] == max(stops)


def test_restarts_with_patience_keep_the_best_monitored_member() -> None:
    X, y = data(40)
    options: dict[str, Any] = {"validation": 0.3, "epochs": 60, "patience": 8}
    net = small_net(4, dtype="float64")
    history = net.fit(X, y, restarts=3, **options)
    alone = [small_net(4 + k, dtype="float64") for k in range(3)]
    best = min(
        (min(other.fit(X, y, **options).validation_loss), k) for k, other in enumerate(alone)
    )
    np.testing.assert_allclose(net.theta, alone[best[1]].theta, rtol=1e-6)
    assert isinstance(history.best_epoch, int)


def test_stopping_by_the_hook_is_training_so_many_epochs() -> None:
    X, y = data()
    hooked, whole = small_net(), small_net()
    numbers = []

    def hook(epoch: gn.Epoch) -> bool:
        numbers.append(epoch.number)
        return epoch.number == 5

    hooked.fit(X, y, epochs=50, on_epoch=hook)
    whole.fit(X, y, epochs=5)
    assert numbers == [1, 2, 3, 4, 5]
    assert hooked.theta.tobytes() == whole.theta.tobytes()


def test_nothing_of_this_costs_a_line() -> None:
    """What is recorded and replayed is the same with hooks, patience, metrics and a bar."""
    X, y = data(32)
    plain, busy = small_net(), small_net()
    plain.fit(X, y, epochs=2, batch_size=32)
    busy.fit(
        *(X, y),
        epochs=2, batch_size=32, patience=5, metrics=["r2"], on_epoch=lambda epoch: None,
        plateau=gn.Plateau(),
    )  # fmt: skip
    sources = [
        {
            (variant, wanted): replay.source
            for (program, wanted), replay in net._replays.items()
            for variant, known in net._programs.items()
            if known is program and variant.mode == "train"
        }
        for net in (plain, busy)
    ]
    assert sources[0] == sources[1]
    assert len(sources[0]) == 2
    assert plain.theta.tobytes() == busy.theta.tobytes()


# ---- averages, plateaus, schedules ------------------------------------------------------------


def test_average_is_the_mean_of_the_last_epochs_weights() -> None:
    X, y = data()
    net, watched, seen = small_net(), small_net(), []
    net.fit(X, y, epochs=10, average=0.3)
    for epoch in watched.train(X, y, epochs=10):
        if epoch.number > 7:
            seen.append(watched.theta.astype(float))
    np.testing.assert_allclose(net.theta, np.mean(seen, axis=0), rtol=1e-6)


def test_a_plateau_lowers_the_rate_after_so_many_reports() -> None:
    rates, losses = [], []
    X, y = data(20)

    def note(epoch: gn.Epoch) -> None:
        rates.append(epoch.rate)
        losses.append(epoch.loss)

    small_net().fit(
        *(X, y),
        epochs=400, batch_size=4, optimizer=gn.SGD(0.2), on_epoch=note,
        plateau=gn.Plateau(patience=4, factor=0.1, least=0.001),
    )  # fmt: skip
    falls = [i for i in range(1, len(rates)) if rates[i] < rates[i - 1]]
    assert falls
    assert rates[-1] >= 0.001
    best, waited = np.inf, 0
    for i, loss in enumerate(losses):
        waited = 0 if loss < best else waited + 1
        best = min(best, loss)
        if i + 1 < len(losses) and waited and waited % 4 == 0 and rates[i] > 0.001:
            assert i in falls or i + 1 in falls


def test_a_schedule_is_the_rate_of_each_step() -> None:
    """Three epochs under a schedule are steps of plain gradient descent with these rates."""
    X, y = data(20)
    net = gn.Network([gn.Dense(1)], 3, dtype="float64", seed=0)
    net.fit(X, y, epochs=3, batch_size=10, shuffle=False, optimizer=gn.SGD(0.1), schedule="cosine")
    theta = gn.Network([gn.Dense(1)], 3, dtype="float64", seed=0).theta
    theta[-1] = y.mean()  # where the output bias begins
    for step in range(6):
        part = slice(10, 20) if step % 2 else slice(0, 10)
        A = np.column_stack([X[part], np.ones(10)])
        rate = 0.1 * (1 + np.cos(np.pi * step / 6)) / 2
        theta = theta - rate * 2 * A.T @ (A @ theta - y[part]) / 10
    np.testing.assert_allclose(net.theta, theta, rtol=1e-10)


def test_a_schedule_of_ones_own_is_a_function() -> None:
    steps = []
    X, y = data(20)

    def schedule(step: int, total: int | None) -> float:
        steps.append((step, total))
        return 0.0

    net = small_net()
    net.fit(X, y, epochs=1)
    before = net.theta.copy()
    net.fit(X, y, epochs=2, batch_size=8, schedule=schedule)
    assert steps == [(step, 6) for step in range(6)]
    assert net.theta.tobytes() == before.tobytes()


def test_an_average_that_never_began_says_so() -> None:
    with pytest.warns(RuntimeWarning, match="average: training ended before epoch 8"):
        small_net().fit(*data(), epochs=10, average=0.3, on_epoch=lambda epoch: epoch.number == 3)


# ---- penalties, decay, clipping, freezing --------------------------------------------------------


def test_l2_is_a_penalty_in_the_loss_whatever_the_batch() -> None:
    """The training loss at rate 0 is the loss of the predictions plus the penalty."""
    X, y = data()
    for batch in (None, 7, 60):
        net = small_net(dtype="float64")
        net.fit(X, y, epochs=1)
        plain = net.evaluate(X, y)["loss"]
        history = net.fit(X, y, epochs=1, batch_size=batch, l2=0.3, optimizer=gn.SGD(0.0))
        squares = sum((net.weights[name] ** 2).sum() for name in ("W1", "W2"))
        assert history.loss[0] == pytest.approx(plain + 0.15 * squares, rel=1e-12)


@pytest.mark.parametrize("rule", [gn.SGD(0.0), gn.Adam(0.0), gn.AdamW(0.0)])
def test_a_rate_of_zero_changes_nothing_not_even_by_decay(rule: gn.Optimizer) -> None:
    net = small_net()
    net.fit(*data(), epochs=1)
    before = net.theta.copy()
    net.fit(*data(), epochs=2, optimizer=rule, weight_decay=0.5)
    assert net.theta.tobytes() == before.tobytes()


def test_weight_decay_shrinks_matrices_and_not_biases() -> None:
    X, y = np.zeros((8, 3)), np.zeros(8)  # no gradient for W1, and none for b where all is 0
    net = small_net(dtype="float64")
    net._untouched = None
    before = {name: weight.copy() for name, weight in net.weights.items()}
    net.fit(X, y, epochs=3, batch_size=None, optimizer=gn.SGD(0.1), weight_decay=0.2)
    np.testing.assert_allclose(net.weights["W1"], before["W1"] * (1 - 0.02) ** 3, rtol=1e-12)
    np.testing.assert_allclose(net.weights["W2"], before["W2"] * (1 - 0.02) ** 3, rtol=1e-12)
    assert (net.weights["b1"] == before["b1"]).all()


def test_a_step_is_never_longer_than_the_norm() -> None:
    X, y = data()
    for rows in (None, 10):
        net = small_net(dtype="float64")
        net.fit(X, 1000 * y, epochs=1)
        for norm in (1e-3, 0.5, 1e9):
            before = net.theta.copy()
            net.fit(X, 1000 * y, epochs=1, batch_size=rows, clip_norm=norm, optimizer=gn.SGD(1.0),
                    on_epoch=lambda epoch: True)  # fmt: skip
            steps = 1 if rows is None else 6
            moved = np.linalg.norm(net.theta - before)
            if norm < 1:
                assert moved <= steps * norm * (1 + 1e-9)
                assert rows is not None or moved == pytest.approx(norm)


def test_a_frozen_layer_keeps_its_weights_and_costs_no_product() -> None:
    X, y = data()
    layers = [gn.Dense(6, "tanh"), gn.LayerNorm(), gn.Dense(4, "relu"), gn.Dense(1)]
    net = gn.Network(layers, 3, seed=0)
    net.fit(X, y, epochs=1)
    for frozen in ((1,), (1, 2), (3,), (4,), (2, 4)):
        net.freeze(*frozen)
        before = {name: weight.copy() for name, weight in net.weights.items()}
        net.fit(X, y, epochs=2, l2=0.1, weight_decay=0.1, clip_norm=1.0)
        for name, weight in net.weights.items():
            kept = int(name[-1]) in frozen
            assert (weight == before[name]).all() == kept, (name, frozen)
        assert net.summary().count("(frozen)") == len(frozen)
        assert _lines(net) < _lines(gn.Network(layers, 3, seed=0))
    net.freeze()
    net.fit(X, y, epochs=1)
    assert all((net.weights[name] != before[name]).any() for name in before)


def _lines(net: gn.Network) -> int:
    return len(net.replay(Variant(4, "gradient"), ("gradient",)).calls)


# ---- class weights ----------------------------------------------------------------------------


def test_class_weights_are_sample_weights() -> None:
    X, y = labels()
    one, other, third = (small_net(0, "binary_cross_entropy") for _ in range(3))
    one.fit(X, y, epochs=3, class_weight={0: 1.0, 1: 3.0})
    other.fit(X, y, epochs=3, sample_weight=np.where(y == 1, 3.0, 1.0))
    third.fit(X, y, epochs=3, sample_weight=np.full(len(y), 2.0), class_weight={1: 3})
    assert one.theta.tobytes() == other.theta.tobytes() == third.theta.tobytes()


def test_balanced_classes_weigh_alike() -> None:
    y = np.array([[0.0]] * 30 + [[1.0]] * 6 + [[2.0]] * 4)
    w = class_weights(y, "balanced", True)
    assert [w[y == k].sum() for k in range(3)] == pytest.approx([40 / 3] * 3)


# ---- going on ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [gn.Momentum(0.01), gn.Adam(0.01), gn.RMSprop(0.01)])
def test_partial_fit_goes_on_with_the_optimizers_memory(rule: gn.Optimizer) -> None:
    X, y = data()
    whole, parts, fresh = small_net(), small_net(), small_net()
    whole.fit(X, y, epochs=4, optimizer=rule, batch_size=16)
    for _ in range(4):
        parts.partial_fit(X, y, optimizer=rule, batch_size=16)
        parts = pickle.loads(pickle.dumps(parts))
        fresh.fit(X, y, epochs=1, optimizer=rule, batch_size=16)
    assert parts.theta.tobytes() == whole.theta.tobytes()
    assert fresh.theta.tobytes() != whole.theta.tobytes()


def test_partial_fit_with_another_optimizer_begins_anew_and_one_class_is_welcome() -> None:
    X, y = labels()
    net, other = (small_net(0, "binary_cross_entropy") for _ in range(2))
    for each in (net, other):
        each.fit(X, y, epochs=1)
    net.partial_fit(X, y, optimizer=gn.Adam(0.1))
    other.theta[...] = net.theta
    other.generators = copy.deepcopy(net.generators)
    net.partial_fit(X, y, optimizer=gn.Momentum(0.1))
    other.partial_fit(X, y, optimizer=gn.Momentum(0.1))
    assert net.theta.tobytes() == other.theta.tobytes()
    net.partial_fit(X[:3], np.zeros(3))


def test_a_second_fit_goes_on_from_the_weights() -> None:
    X, y = data()
    net = small_net()
    first = net.fit(X, y, epochs=20, optimizer=gn.Adam(0.01))
    second = net.fit(X, y, epochs=1, optimizer=gn.Adam(0.01))
    assert second.loss[0] < first.loss[0]
    assert second.loss[0] == pytest.approx(first.loss[-1], rel=0.2)


# ---- sparse tables -------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [None, 16])
def test_sparse_is_dense(batch: int | None) -> None:
    scipy_sparse = pytest.importorskip("scipy.sparse")
    X, y = data()
    X[np.abs(X) < 1] = 0
    dense, sparse = small_net(), small_net()
    for members in (1, 3):
        for net, table in ((dense, X), (sparse, scipy_sparse.coo_matrix(X))):
            if members > 1:
                net.spread(members)
            net.fit(table, y, epochs=3, batch_size=batch, validation=0.2)
        assert dense.theta.tobytes() == sparse.theta.tobytes()
        assert dense.predict(X).tobytes() == sparse.predict(scipy_sparse.csc_array(X)).tobytes()
    with pytest.raises(ValueError, match="X: expected finite numbers, got nan"):
        dense.predict(scipy_sparse.csr_array(X * np.nan))


# ---- L-BFGS --------------------------------------------------------------------------------------


def test_lbfgs_reports_stops_and_restores_like_any_training() -> None:
    X, y = data()
    net = small_net(dtype="float64")
    history = net.fit(X, y, optimizer="lbfgs", epochs=500, validation=0.3, patience=15, l2=1e-4)
    assert history.epoch == list(range(1, len(history.epoch) + 1))
    assert len(history.epoch) == history.best_epoch + 15
    assert history.loss == sorted(history.loss, reverse=True)
    _, held = hold_out(y[:, None], 0.3, False)
    assert net.evaluate(X[held], y[held])["loss"] == min(history.validation_loss)
    seen = []
    net.fit(X, y, optimizer="lbfgs", epochs=50, on_epoch=lambda e: seen.append(e) or len(seen) == 3)
    assert len(seen) == 3
    with pytest.raises(ValueError, match="L-BFGS chooses its own steps"):
        seen[0].rate = 0.1


def test_lbfgs_keeps_frozen_layers_and_ends_where_the_gradient_does() -> None:
    X, y = data()
    net = small_net(dtype="float64")
    net.fit(X, y, epochs=1)
    net.freeze(1)
    W1 = net.weights["W1"].copy()
    net.fit(X, y, optimizer=gn.LBFGS(tolerance=1e-10), epochs=2000, l2=0.1)
    assert (net.weights["W1"] == W1).all()
    H = np.column_stack([np.tanh(X @ W1 + net.weights["b1"]), np.ones(60)])
    D = np.diag([0.1] * 6 + [0.0]) / 2 * 60
    best = np.linalg.solve(H.T @ H + D, H.T @ y)
    np.testing.assert_allclose(net.theta[-7:], best, rtol=1e-5)


# ---- what is shown -------------------------------------------------------------------------------


def test_verbose_prints_a_line_for_each_report(capsys: pytest.CaptureFixture[str]) -> None:
    net = small_net()
    net.fit(*data(), epochs=4, every=2, verbose=True, validation=0.2, metrics="r2")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 2/4", "epoch 4/4"]
    assert all("loss" in line and "validation loss" in line and "r2" in line for line in lines)
    net.fit(*data(), epochs=4)
    assert capsys.readouterr() == ("", "")


def test_verbose_without_rich_prints_lines_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "glassnet.terminal", None)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    small_net().fit(*data(), epochs=2, verbose=True)
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_summary_counts_every_parameter() -> None:
    net = gn.Network(
        [gn.Scale(), gn.Residual([gn.Dense(4, "relu"), gn.Dense(3)]), gn.Dense(2)],
        3, loss="multiclass_cross_entropy", seed=0,
    )  # fmt: skip
    lines = net.summary().splitlines()
    counts = [int(line.split()[-1].replace(",", "")) for line in lines[1:]]
    assert counts[-1] == sum(counts[:-1]) == net.theta.size
    assert repr(net.summary()) == str(net.summary())
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize(
    "layers",
    [
        [gn.Dense(4, "parametric_relu", init="lecun"), gn.Dense(2)],
        [gn.Embedding((0, 2), (3, 4), 2), gn.Scale(6.0), gn.Dense(3, gn.Elu(0.5)), gn.Dense(2)],
        [gn.Concat([[], [gn.Dense(3, "mish"), gn.Dropout(0.1)]]), gn.Residual(gn.LayerNorm()),
         gn.Dense(2, rate=0.5)],
    ],
)  # fmt: skip
@pytest.mark.parametrize("loss", [gn.MulticlassCrossEntropy(0.1), gn.Huber(2.0), gn.Quantile(0.9)])
def test_repr_builds_the_network_again(layers: list[gn.Layer], loss: gn.Loss) -> None:
    net = gn.Network(layers, 3, loss=loss, dtype="float64", seed=7)
    again = made(repr(net))
    assert repr(again) == repr(net)
    assert again.theta.tobytes() == net.theta.tobytes()


def test_weights_are_set_by_name_all_or_none() -> None:
    net = small_net()
    net.weights["W2"] = np.ones((6, 1))
    net.weights = {"b1": np.full((1, 6), 2.0), "b2": [[3]]}
    assert net.theta[-7:].tolist() == [1] * 6 + [3]
    before = net.theta.copy()
    with pytest.raises(ValueError, match="b2: expected shape"):
        net.weights = {"W2": np.zeros((6, 1)), "b2": [1.0, 2.0]}
    assert net.theta.tobytes() == before.tobytes()
    net.weights["W1"][0, 0] = 9
    assert net.theta[0] == 9
