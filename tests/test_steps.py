"""What changes from step to step: dropout, decay, batches, and the rows that a member has."""

import contextlib
import io
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

import glassnet as gn
from glassnet.beginning import start_output
from glassnet.engines.eager import Eager
from glassnet.plan import Plan
from glassnet.planner import Replay
from glassnet.rows import Rows
from glassnet.run import Run
from glassnet.selection import folds, split
from glassnet.training import prepare

FADING = gn.Dropout(0.4, "flat_cos")
ENGINES = {"numpy": Replay, "eager": Eager}


def table(n: int = 40, inputs: int = 3) -> tuple[Any, Any]:
    X = np.random.default_rng(0).standard_normal((n, inputs))
    return X, np.sin(X[:, 0]) + X[:, 1] ** 2


def network(drop: Any = FADING, seed: int = 0, **how: Any) -> gn.Network:
    layers = [gn.Dense(6, "tanh"), drop, gn.Dense(1)]
    return gn.Network(layers, 3, dtype="float64", seed=seed, **how)


def own(step: int, total: int | None) -> float:
    """Return a schedule of one's own."""
    return 1 / (1 + step % 3)


# ---- schedules beside the rate's -----------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("schedule", ["flat_cos", "coslog4", own])
def test_a_step_sees_what_the_schedules_say(
    engine: str, members: int, schedule: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, float]] = []
    kind, known = ENGINES[engine], ("drop2", "drop2_2", "rate", "fade")

    def looked(self: Any, run: Any = kind.__call__) -> None:
        if "gradient" in self.arrays:
            seen.append({name: float(self.arrays[name]) for name in known})
        run(self)

    monkeypatch.setattr(kind, "__call__", looked)
    inside = gn.Stack([gn.Dropout(0.4, schedule), gn.Dropout(0.1), gn.Dropout(0.2, "cosine")])
    net, (X, y) = network(inside), table()
    if members > 1:
        net.spread(members)
    how: dict[str, Any] = {"weight_decay": 0.3, "decay_schedule": gn.StepDecay(5), "epochs": 4}
    net.fit(X, y, batch_size=16, optimizer=gn.Adam(0.02), schedule=schedule, engine=engine, **how)
    factor = {"flat_cos": gn.FlatCos(), "coslog4": gn.CosLog4()}.get(schedule, own)
    assert len(seen) == 12
    for step, numbers in enumerate(seen):
        assert numbers == {
            "drop2": 0.4 * factor(step, 12),
            "drop2_2": 0.2 * gn.Cosine()(step, 12),
            "rate": 0.02 * factor(step, 12),
            "fade": gn.StepDecay(5)(step, 12),
        }


def test_as_many_are_dropped_as_the_schedule_says() -> None:
    x = np.ones((400, 100))
    net = gn.Network([gn.Dropout(0.8, lambda step, total: step / 4), gn.Dense(1)], 100, seed=0)
    for step, share in ((0, 0.0), (1, 0.2), (2, 0.4), (4, 0.8)):
        (layer, _), p = net.layers, net.layout.views(net.theta)[0]
        p.drop = layer.scheduled()["drop"].at(step, None)
        y, mask = layer.forward(x, p, np.random.default_rng(0))
        assert np.mean(y == 0) == pytest.approx(share, abs=0.01)
        assert y.mean() == pytest.approx(1, abs=0.02)
        assert layer.backward(mask, x, p, None, True).tobytes() == y.tobytes()
        assert layer.forward(x, p, None)[0] is x


def test_decay_takes_away_what_its_schedule_says() -> None:
    """Where there is nothing to learn, weights are products of what each step leaves."""
    nothing = gn.CustomLoss(lambda raw, y: 0 * raw, lambda raw, y: 0 * raw)
    net = gn.Network(
        [gn.Dense(3, decay=0.5), gn.Dense(1)], 3, loss=nothing, dtype="float64", seed=0
    )
    X, y = table()
    before = net.theta.copy()
    how: dict[str, Any] = {"schedule": own, "weight_decay": 0.5, "decay_schedule": "flat_cos"}
    net.fit(X, y, epochs=3, batch_size=10, optimizer=gn.SGD(0.1), **how)
    for name, decay in (("W1", 0.5), ("W2", 1.0), ("b1", 0.0)):
        left = np.prod(
            [1 - 0.1 * own(k, 12) * 0.5 * decay * gn.FlatCos()(k, 12) for k in range(12)]
        )
        expected = net.layout.named(before)[name] * left
        np.testing.assert_allclose(net.weights[name], expected, rtol=1e-12)


def test_a_constant_schedule_is_as_none_and_has_no_input() -> None:
    X, y = table()
    plain, same = network(gn.Dropout(0.4)), network(gn.Dropout(0.4, "constant"))
    assert repr(plain.layers[1]) == repr(same.layers[1]) == "Dropout(0.4)"
    plain.fit(X, y, epochs=3, weight_decay=0.1)
    same.fit(X, y, epochs=3, weight_decay=0.1, decay_schedule="constant")
    assert plain.theta.tobytes() == same.theta.tobytes()
    other = network(gn.Dropout(0.4, lambda step, total: 1.0))
    other.fit(X, y, epochs=3, weight_decay=0.1, decay_schedule=lambda step, total: 1.0)
    np.testing.assert_allclose(other.theta, plain.theta, rtol=1e-9, atol=1e-12)
    assert "drop" not in str(plain.program())
    assert network(gn.Dropout(0.0, "flat_cos")).layers[1].scheduled() == {}


@pytest.mark.parametrize(
    ("drop", "how", "error", "why"),
    [
        (gn.Dropout(0.4, lambda *at: 3.0), {}, ValueError, r"drop: expected .* \[0, 1\), got 1.2"),
        (gn.Dropout(0.4, lambda *at: -1.0), {}, ValueError, "schedule: expected a number"),
        (gn.Dropout(0.4, lambda *at: "x"), {}, TypeError, "schedule: expected a number"),
        (gn.Dropout(0.4), {"decay_schedule": lambda *at: np.nan}, ValueError, "decay_schedule: "),
        (gn.Dropout(0.4), {"decay_schedule": lambda *at: None}, TypeError, "decay_schedule: "),
        (gn.Dropout(0.4), {"decay_schedule": "no"}, ValueError, "decay_schedule: expected one of"),
        (gn.Dropout(0.4), {"schedule": lambda *at: -1.0}, ValueError, "schedule: expected"),
        (gn.Dropout(0.4), {"drop_last": 1}, TypeError, "drop_last: expected True or False"),
    ],
)
def test_a_wrong_factor_is_named(drop: gn.Layer, how: Any, error: Any, why: str) -> None:
    with pytest.raises(error, match=why):
        network(drop).fit(*table(), epochs=2, **{"weight_decay": 0.1, **how})


# ---- batches -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "batch", "steps"),
    [(40, 16, 2), (40, 20, 2), (40, 40, 1), (40, 64, 1), (40, None, 1), (7, 1, 7), (41, 40, 1)],
)
def test_drop_last_leaves_out_what_remains(rows: int, batch: int | None, steps: int) -> None:
    X, y = table(rows)
    net = network()
    run = Run(net, Rows.of(net, X, y), Plan(batch_size=batch, drop_last=True), 3)
    assert run.advance(3)[0] == 3
    assert (run.steps_done, run.total) == (3 * steps, 3 * steps)
    assert len(run.with_loss) == 1, "every step has as many rows"


@pytest.mark.parametrize("kind", [np.int64, np.uint8])
@pytest.mark.parametrize("engine", ["numpy", "eager", "numba"])
def test_a_batch_size_of_numpys_is_the_same_number(kind: Any, engine: str) -> None:
    X, y = table(40)
    nets = network(), network()
    for net, batch in zip(nets, (16, kind(16)), strict=True):
        net.fit(X, y, batch_size=batch, epochs=30, engine=engine)
    assert nets[0].theta.tobytes() == nets[1].theta.tobytes()


def test_drop_last_is_the_training_without_the_rows_that_remain() -> None:
    X, y = table(40)
    how: dict[str, Any] = {"epochs": 3, "batch_size": 16, "shuffle": False}
    short, whole = network(), network()
    start_output(whole, y[:, None], np.full((40, 1), 1 / 40))
    short.theta[...] = whole.theta
    losses = whole.fit(X, y, drop_last=True, **how).loss
    assert losses == short.fit(X[:32], y[:32], **how).loss
    assert whole.theta.tobytes() == short.theta.tobytes()


# ---- folds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("members", [1, 3, 5, 7, 10])
@pytest.mark.parametrize("n", [5, 23, 100])
def test_every_member_has_a_fold_of_its_own(n: int, members: int) -> None:
    y = np.random.default_rng(n).integers(0, 2, (n, 1)).astype(float)
    shared = folds(y, members, True)
    taught, held = shared.taught, shared.held
    assert taught.shape == (members, n - n // 5)
    assert held.shape == (members, n // 5)
    for mine, others in zip(taught, held, strict=True):
        assert sorted([*mine, *others]) == list(range(n))
        assert abs(y[others].mean() - y.mean()) <= 1 / len(others)
    for first in range(0, members - 4, 5):
        five = held[first : first + 5].ravel()
        assert len(set(five)) == len(five), "the folds of five members have no row in common"
    if members > 5 and n > 5:
        assert set(held[0]) != set(held[5])
    again = folds(y, members, True)
    assert (again.taught == taught).all()


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("batch", [8, None])
def test_each_member_is_the_network_trained_alone_on_its_rows(
    batch: int | None, weighted: bool, sparse: bool
) -> None:
    X, y = table(43)
    w = np.random.default_rng(1).uniform(0.5, 2, 43) if weighted else None
    how: dict[str, Any] = {
        "batch_size": batch,
        "metrics": ("rmse", "r2"),
        "optimizer": gn.Adam(0.03),
    }
    how |= {"epochs": 6, "patience": 2, "weight_decay": 0.1, "decay_schedule": "flat_cos"}
    both = network()
    both.spread(6)
    start_output(both, y[:, None], np.full((43, 1), 1 / 43))
    begin = both.theta.copy()
    given = csr_array(X) if sparse else X
    history = both.fit(given, y, sample_weight=w, validation="folds", **how)
    shared = folds(y[:, None], 6, False)
    taught, held = shared.taught, shared.held
    for k, (mine, seen) in enumerate(zip(taught, held, strict=True)):
        alone = network(seed=k)
        start_output(alone, y[:, None], np.full((43, 1), 1 / 43))
        np.testing.assert_array_equal(alone.theta, begin[k])
        # the scale of weights is that of all rows, and does not matter
        weights = (None, None) if w is None else (w[mine], w[seen])
        validation = (X[seen], y[seen]) if w is None else (X[seen], y[seen], weights[1])
        told = alone.fit(X[mine], y[mine], sample_weight=weights[0], validation=validation, **how)
        np.testing.assert_allclose(both.theta[k], alone.theta, rtol=1e-7, atol=1e-9)
        for mark, one in (("loss", told.loss), ("validation_loss", told.validation_loss)):
            several = [each[k] for each in getattr(history, mark)][: len(one)]
            np.testing.assert_allclose(several, one, rtol=1e-6, err_msg=mark)
        for name in ("rmse", "r2"):
            several = [each[k] for each in history.metrics[name]][: len(told.metrics[name])]
            np.testing.assert_allclose(several, told.metrics[name], rtol=1e-6)
        assert history.best_epoch[k] == told.best_epoch


def test_no_member_learns_from_the_rows_that_it_is_judged_by() -> None:
    X, y = table(40)
    held = folds(y[:, None], 3, False).held
    # the order of targets decides on the folds: it stays
    for k in range(3):
        other = X.copy()
        other[held[k]] += 5
        thetas = []
        for given in (X, other):
            net = network(gn.Dropout(0.0))
            net.spread(3)
            net.fit(given, y, epochs=3, validation="folds", batch_size=8)
            thetas.append(net.theta)
        assert thetas[0][k].tobytes() == thetas[1][k].tobytes()
        assert all((thetas[0][j] != thetas[1][j]).any() for j in range(3) if j != k)


def test_folds_keep_classes_and_labels() -> None:
    X, _ = table(50)
    labels = np.arange(50) % 3
    loss: dict[str, Any] = {"loss": "multiclass_cross_entropy", "seed": 0}
    net = gn.Network([gn.Dense(4, "tanh"), gn.Dense(3)], 3, **loss)
    net.spread(5)
    history = net.fit(X, labels, epochs=3, validation="folds", metrics="accuracy")
    assert np.shape(history.metrics["accuracy"]) == (3, 5)
    _, rows, _, watch = prepare(net, X, labels, validation="folds")
    assert watch.rows.places is not None
    assert rows.places is not None
    assert not (set(rows.places[0]) & set(watch.rows.places[0]))


def test_folds_want_members_and_rows() -> None:
    net, (X, y) = network(), table()
    with pytest.raises(ValueError, match="validation: expected several members to share out folds"):
        net.fit(X, y, validation="folds")
    net.spread(2)
    with pytest.raises(ValueError, match="validation: expected at least 5 rows for folds, got 4"):
        split(net, Rows.of(net, X[:4], y[:4]), "folds")


# ---- scripts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [16, None])
@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize("schedule", ["constant", "coslog4"])
def test_a_script_prints_the_same_digits(
    batch: int | None, drop_last: bool, schedule: str, tmp_path: Path
) -> None:
    """With scheduled dropout, decay that fades, batches left out, and all the new layers."""
    X, y = table(42)
    layers = [
        *(gn.Squash(passing=1), gn.Periodic(2, 3, 2), gn.Scale(6.0)),
        *(gn.Dense(6, gn.Parametric("mish"), ntk=True), gn.Dropout(0.4, "flat_cos"), gn.Dense(1)),
    ]
    net, path = gn.Network(layers, 3, seed=0), tmp_path / "mine.py"
    net.start(X)
    how: dict[str, Any] = {"epochs": 4, "batch_size": batch, "drop_last": drop_last}
    how |= {"schedule": schedule, "weight_decay": 0.2, "decay_schedule": "flat_cos"}
    net.to_script(path, X, y, optimizer="adam", **how)
    losses = net.fit(X, y, optimizer="adam", **how).loss
    said = io.StringIO()
    with contextlib.redirect_stdout(said), np.errstate(all="ignore"):
        runpy.run_path(str(path))
    lines = [f"epoch {k}: loss {loss!r}" for k, loss in enumerate(losses, 1)]
    assert said.getvalue().splitlines() == [*lines, str(net.predict(X).tolist())]
