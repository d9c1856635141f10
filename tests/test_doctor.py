"""The doctor: every break is found, and nothing in healthy runs; nothing is changed by looking."""

import ast
import copy
import gc
import pickle
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

import glassnet as gn
from glassnet.activations import ACTIVATIONS
from glassnet.insight.doctor import examine, recall, steps
from glassnet.insight.doctor.anatomy import Anatomy
from glassnet.insight.doctor.baseline import Baseline, constant_loss, loss_of
from glassnet.insight.doctor.diagnosis import Diagnosis, Finding
from glassnet.rows import Rows
from helpers import EVERY_LOSS, OWN_LOSS, targets_for
from patients import XOR, YES, Run, broken, fitted, healthy, network, table

NAMES = {rule.__name__ for rule in examine.RULES}


# ---- the two tables ------------------------------------------------------------------------------


@pytest.mark.parametrize("run", broken(), ids=str)
def test_a_break_is_found(run: Run) -> None:
    net, X, y, how = run.make()
    diagnosis = net.diagnose(X, y, **how)
    assert set(run.expected) & set(diagnosis.names), diagnosis
    for finding in diagnosis:
        assert finding.name in NAMES
        assert finding.measured
        assert finding.threshold
        assert finding.why.endswith(".")
        assert ". " not in finding.why, "one sentence"
        ast.parse(finding.cure)
        assert "\n" not in finding.cure
        assert finding.name in str(diagnosis)


@pytest.mark.parametrize("run", healthy(), ids=str)
def test_nothing_is_found_in_a_healthy_run(run: Run) -> None:
    net, X, y, how = run.make()
    diagnosis = net.diagnose(X, y, **how)
    assert not diagnosis, diagnosis
    assert str(diagnosis).startswith("nothing found (")
    assert "\n" not in str(diagnosis)


def test_the_tables_are_as_large_as_promised() -> None:
    runs = broken()
    assert len({run.expected for run in runs}) >= 16
    assert len(healthy()) >= 30
    found = {name for run in runs for name in run.expected}
    assert NAMES - found == {"rising_loss", "cannot_overfit"}  # which have tests of their own


def test_a_loss_that_ends_above_where_it_has_been() -> None:
    net, X, y = network("quantity", gn.Dense(16, "tanh"))
    fitted(net, X, y, epochs=10, optimizer=gn.SGD(0.02))
    history = gn.History(epoch=list(range(1, 21)), loss=[*np.linspace(2, 0.6, 12), *[1.5] * 8])
    net.weights["W2"][...] = 0
    assert "rising_loss" in net.diagnose(X, y, history=history).names


def test_a_network_that_cannot_learn_a_few_rows() -> None:
    net = gn.Network([gn.Dense(2, "relu"), gn.Dense(1)], 2, loss=YES, dtype="float64", seed=1)
    net, X, y, _ = fitted(net, *XOR, epochs=2000, batch_size=None, optimizer=gn.SGD(0.5))
    assert net.diagnose(X, y).names == ["cannot_overfit"]


# ---- looking changes nothing ---------------------------------------------------------------------


def state(net: gn.Network) -> Any:
    generators = [generator.bit_generator.state for generator in net.generators]
    return net.theta.tobytes(), generators, repr(net), net.memory, net.frozen, net.seed


@pytest.mark.parametrize("trained", [False, True])
def test_the_network_is_not_changed(trained: bool) -> None:
    net, X, y = network("wine", gn.Dense(8, "relu"), gn.Dropout(0.3))
    X, y = X.copy(), y.copy()
    if trained:
        net.fit(X, y, epochs=3)
    lines, replayed = (str(net.program(rows=9, replayed=both)) for both in (False, True))
    before, keys, tables = state(net), set(vars(net)), (X.tobytes(), y.tobytes())
    first = str(net.diagnose(X, y, rates=True))
    assert state(net) == before
    assert set(vars(net)) == keys
    assert (X.tobytes(), y.tobytes()) == tables
    assert lines == str(net.program(rows=9))
    assert replayed == str(net.program(rows=9, replayed=True))
    assert str(net.diagnose(X, y, rates=True)) == first


def test_a_fit_leaves_nothing_in_the_network_and_nothing_behind() -> None:
    net, X, y = network("moons", gn.Dense(4, "tanh"))
    net.fit(X, y, epochs=2, schedule=lambda step, total: 1.0)
    assert net in recall.FITS
    again = pickle.loads(pickle.dumps(net))
    assert "History" not in str(vars(net))
    assert again not in recall.FITS
    assert copy.deepcopy(net) not in recall.FITS
    count = len(recall.FITS)
    del net
    gc.collect()
    assert len(recall.FITS) < count


def test_an_import_does_not_bring_the_doctor() -> None:
    code = "import sys, glassnet; print([n for n in sys.modules if 'doctor' in n])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


# ---- the last fit --------------------------------------------------------------------------------


def test_the_last_fit_is_known_as_long_as_the_weights_are_its() -> None:
    net, X, y = network("quantity", gn.Dense(8, "relu"))
    fitted(net, X, y, epochs=5, optimizer=gn.SGD(1e3))
    assert "diverged" in net.diagnose(X, y).names
    net.partial_fit(X, y)
    assert "diverged" not in net.diagnose(X, y).names


def test_how_it_was_trained_is_known_and_can_be_told_otherwise() -> None:
    net, X, y = network("quantity", gn.Dense(8, "relu"))
    fitted(net, X, y, epochs=5, optimizer=gn.SGD(1e-9))
    assert "small_updates" in net.diagnose(X, y).names
    assert "small_updates" not in net.diagnose(X, y, optimizer="adam").names


def test_a_history_can_be_given() -> None:
    net, X, y = network("quantity", gn.Dense(8, "relu"))
    history = gn.History(epoch=[1], loss=[1.0], diverged=2)
    assert "diverged" in net.diagnose(X, y, history=history).names


def test_class_weights_of_the_fit_are_those_of_the_constant() -> None:
    net, X, y = network("uneven", gn.Dense(16, "tanh"))
    net.fit(X, y, epochs=40, class_weight="balanced")
    assert not net.diagnose(X, y)


def test_rows_that_counted_differently_are_not_judged_as_if_they_did_not() -> None:
    net, X, y = network("uneven", gn.Dense(16, "tanh"))
    w = np.where(y > 0, 100.0, 0.01)
    net.fit(X, y, epochs=40, sample_weight=w)
    assert not net.diagnose(X, y)
    assert not net.diagnose(X, y, w)


def test_a_row_of_weight_0_is_as_if_it_were_absent() -> None:
    net, X, y = network("quantity", gn.Dense(16, "tanh"))
    w = np.ones(len(y))
    w[::3] = 0
    y = np.where(w > 0, y, 1e9)
    net.fit(X, y, sample_weight=w, optimizer=gn.Adam(0.01))
    assert str(net.diagnose(X, y, w)).startswith("nothing found (266 rows, ")


def test_rows_held_out_are_not_counted_as_rows_trained_on() -> None:
    net, X, y = network("noisy", gn.Dense(100, "relu"))
    net.fit(X, y, epochs=20, validation=0.25)
    assert str(net.diagnose(X, y)).startswith("nothing found (300 rows, after 200 updates)")


# ---- the line that points to it ------------------------------------------------------------------


def test_a_fit_that_is_no_better_than_a_constant_points_to_the_doctor() -> None:
    net, X, y = network("moons", gn.Dense(8, "relu"))
    net.weights["b1"] = np.full((1, 8), -100.0)
    with pytest.warns(recall.TrainingWarning, match="no better than the best constant") as caught:
        net.fit(X, y, epochs=50)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert "net.diagnose(X, y) looks for the reason" in str(caught[0].message)


def test_a_fit_that_diverges_points_to_the_doctor() -> None:
    net, X, y = network("quantity", gn.Dense(8, "relu"))
    with pytest.warns(gn.DivergenceWarning) as caught:
        net.fit(X, y, optimizer=gn.SGD(1e3))
    assert "net.diagnose(X, y) looks for the reason" in str(caught[-1].message)
    assert caught[-1].filename == __file__


@pytest.mark.parametrize("loss", EVERY_LOSS, ids=repr)
def test_a_fit_that_learns_or_has_just_begun_says_nothing(loss: gn.Loss) -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((64, 3))
    y = (X[:, :2] > 0).astype(float) if loss.classes else np.abs(X[:, :2])
    y = y[:, 0] if loss.labels else y
    for epochs, rate in ((150, 0.01), (5, 1e-9)):
        net = gn.Network([gn.Dense(8, "tanh"), gn.Dense(2)], 3, loss=loss, seed=0)
        net.fit(X, y, epochs=epochs, optimizer=gn.Adam(rate))


def test_a_loss_that_wants_batches_does_not_break_a_fit() -> None:
    rows = np.ones((8, 1), "float32")
    loss = gn.CustomLoss(lambda raw, y: rows * (raw - y) ** 2, lambda raw, y: 2 * rows * (raw - y))
    net = gn.Network(gn.Dense(1), 1, loss=loss, seed=0)
    X = np.linspace(-1, 1, 64)[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gn.DivergenceWarning)
        net.fit(X, 0 * X + np.sign(X) ** 2, epochs=40, batch_size=8, optimizer=gn.SGD(1e-9))


def test_members_are_not_pointed_at() -> None:
    net, X, y = network("moons", gn.Dense(4, "relu"))
    net.spread(2)
    net.fit(X, y, epochs=30, optimizer=gn.SGD(1e-9))
    with pytest.raises(ValueError, match="diagnose: expected one network, got 2 members"):
        net.diagnose(X, y)


# ---- bad input -----------------------------------------------------------------------------------


def test_what_is_wrong_is_said_in_one_sentence() -> None:
    net, X, y = network("moons", gn.Dense(4, "relu"))
    with pytest.raises(TypeError, match=r"options: expected some of epochs, .*, got 'epoch'"):
        net.diagnose(X, y, epoch=3)
    with pytest.raises(TypeError, match="history: expected a History, got 3"):
        net.diagnose(X, y, history=3)
    with pytest.raises(ValueError, match="history: expected that of one network"):
        net.diagnose(X, y, history=gn.History(loss=[np.ones(2)]))
    with pytest.raises(ValueError, match="y: expected 300 rows"):
        net.diagnose(X, y[:-1])
    with pytest.raises(ValueError, match=r"X: expected shape \(rows, 2\)"):
        net.diagnose(X[:, :1], y)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_few_rows_are_enough(rows: int) -> None:
    net, X, y = network("iris", gn.Dense(4, "relu"))
    places = np.linspace(0, len(y) - 1, rows).astype(int)
    assert isinstance(net.diagnose(X[places], y[places]), Diagnosis)


def test_sparse_rows_and_codes_of_categories() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 5)) * (rng.random((300, 5)) < 0.3)
    y = X[:, 0] + X[:, 1]
    net = gn.Network([gn.Dense(16, "relu"), gn.Dense(1)], 5, seed=0)
    net.fit(csr_array(X), y)
    assert not net.diagnose(csr_array(X), y)
    X[:, 2] = X[:, 4] = rng.integers(0, 90, 300)  # the same codes twice, up to 89
    layers = [gn.Embedding((2, 4), (90, 90), 2), gn.Dense(16, "relu"), gn.Dense(1)]
    net = gn.Network(layers, 5, seed=0)
    net.fit(X, y)
    assert not net.diagnose(X, y)


# ---- what it measures ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_slopes_read_from_lines_are_the_activations_own(name: str, dtype: str) -> None:
    layers = [gn.Dense(5, name), gn.Stack([gn.Dense(4, name), gn.Dropout(0.2)]), gn.Dense(1)]
    net = gn.Network(layers, 3, seed=0, dtype=dtype)
    X = 2 * np.random.default_rng(0).standard_normal((40, 3))
    anatomy = Anatomy(net, Rows.of(net, X, X[:, 0]))
    assert [units.name for units in anatomy.units] == ["W1", "W2", "W3"]
    activation = ACTIVATIONS[name]()
    for units in anatomy.units[:2]:
        if name == "identity":
            assert units.slopes is None
            continue
        z = units.sums.astype(float)
        grid = np.linspace(-8, 8, 1001)
        slope, steep = (np.abs(activation.slope(at, activation.f(at))) for at in (z, grid))
        smooth = np.abs(z) > 0.01  # where none has a corner
        assert units.slopes is not None
        np.testing.assert_allclose(units.slopes[smooth], (slope / steep.max())[smooth], atol=0.003)
        assert units.bounded == (name in ("sigmoid", "tanh"))
    assert anatomy.units[2].slopes is None


def test_signals_are_those_of_the_trace() -> None:
    net, X, y = network("wine", gn.Dense(6, "gelu"), gn.Dense(5, "tanh"), dtype="float64")
    anatomy, trace = Anatomy(net, Rows.of(net, X, y)), net.trace(X, y)
    for number, units in enumerate(anatomy.units, 1):
        for name, array in (
            *((f"z{number}", units.sums), (f"dz{number}", units.deltas)),
            *((f"W{number}", units.weights), (f"dW{number}", units.gradient)),
        ):
            assert array is not None
            assert np.array_equal(trace[name], array)
    assert anatomy.finite
    assert not anatomy.compared
    assert not anatomy.normalised


def test_a_frozen_layer_has_no_deltas() -> None:
    net, X, y = network("wine", gn.Dense(6, "gelu"), gn.Dense(5, "tanh"))
    net.freeze(1)
    first, second, _ = Anatomy(net, Rows.of(net, X, y)).units
    assert first.deltas is None
    assert second.deltas is not None


@pytest.mark.parametrize("loss", [*EVERY_LOSS, OWN_LOSS], ids=lambda loss: type(loss).__name__)
def test_no_constant_is_better_and_no_row_can_be_less(loss: gn.Loss) -> None:
    rng = np.random.default_rng(0)
    y = loss.check(targets_for(loss, 60, 2, rng), 2).astype(float)
    w = rng.random((60, 1))
    baseline, w = Baseline.of(loss, y, w, 2), w / w.sum()
    # best_constant of the focal loss is near the best
    slack = 0.05 if isinstance(loss, gn.Focal) else 1e-4
    assert constant_loss(loss, y, w, 2) == pytest.approx(baseline.constant)
    for _ in range(300):
        raw = np.tile(baseline.raw + rng.standard_normal(2) * rng.choice([0.01, 1.0]), (60, 1))
        assert loss_of(loss, raw, y, w) >= baseline.constant - slack
        own = rng.standard_normal((60, 2)) * 3
        assert loss_of(loss, own, y, w) >= baseline.least - 1e-9
    assert baseline.least < baseline.constant
    assert baseline.share(baseline.constant) == pytest.approx(1)
    assert baseline.share(baseline.least) == pytest.approx(0)


def test_the_first_line_that_is_not_finite_is_named() -> None:
    net, X, y = network("quantity", gn.Dense(4, "relu"), gn.Dense(4, "relu"))
    net.weights["W2"][...] = 1e38
    found = next(each for each in net.diagnose(X, y) if each.name == "non_finite")
    assert "layer 2 Dense" in found.measured
    assert "z2 = a1 @ W2 + b2" in found.measured


def test_the_step_in_which_training_diverges_is_found_again() -> None:
    net, X, y = network("quantity", gn.Dense(24, "relu"))
    fitted(net, X, y, optimizer=gn.SGD(1e3))
    found = next(each for each in net.diagnose(X, y) if each.name == "non_finite")
    assert "in the step in which training diverges" in found.measured


def test_own_parts_are_told_from_glassnets() -> None:
    class Mine(gn.Tanh):
        """A tanh."""

    block = [gn.Residual([gn.Dense(3, "relu"), gn.Dense(3)]), gn.Dense(1)]
    assert not steps.own_parts(gn.Network(block, 3))
    block = [gn.Residual([gn.Dense(3, Mine()), gn.Dense(3)]), gn.Dense(1)]
    assert steps.own_parts(gn.Network(block, 3))
    assert steps.own_parts(gn.Network(gn.Dense(1), 3, loss=OWN_LOSS))


# ---- rates ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule", [gn.SGD(), gn.Momentum(), gn.RMSprop(), gn.Adam(), gn.AdamW()], ids=repr
)
@pytest.mark.parametrize("name", ["wine", "quantity"])
def test_the_rate_that_the_range_test_finds_is_one_to_train_with(name: str, rule: Any) -> None:
    net, X, y = network(name, gn.Dense(16, "tanh"))
    rates = net.diagnose(X, y, optimizer=rule, rates=True).rates
    assert rates is not None
    assert rates.best is not None
    (rule := copy.copy(rule)).__dict__["rate"] = rates.best
    net.fit(X, y, epochs=40, optimizer=rule)
    _, _, loss = table(name)
    most = Baseline.of(net.loss, net.loss.check(y, net.outputs), None, net.outputs).constant
    assert net.evaluate(X, y)["loss"] < 0.7 * most, (loss, rates.best)


def test_the_range_test_is_a_plot() -> None:
    net, X, y = network("wine", gn.Dense(16, "tanh"))
    diagnosis = net.diagnose(X, y, rates=True)
    lines = str(diagnosis.rates).splitlines()
    assert lines[0] == "loss against the rate of Adam, one step at each rate"
    assert sum("*" in line for line in lines) >= 4
    assert "^" in lines[-3]
    assert max(map(len, lines)) <= 80
    assert str(diagnosis).endswith(lines[-1])
    assert net.diagnose(X, y).rates is None
    assert net.diagnose(X, y, optimizer="lbfgs", rates=True).rates is None


def test_where_no_rate_helps_there_is_none() -> None:
    net, X, y = network("quantity", gn.Dense(8, "relu"))
    net.weights = {name: 0 * array for name, array in net.weights.items()}
    net.freeze(1)
    y = np.random.default_rng(0).permutation(y)
    rates = net.diagnose(X, y, optimizer="sgd", rates=True).rates
    assert rates is not None
    assert rates.best is None
    assert "no rate makes the loss smaller" in str(rates)


# ---- in print ------------------------------------------------------------------------------------


def test_a_diagnosis_is_a_sequence_that_reads_well() -> None:
    net, X, y = network("quantity", gn.Dense(8, "relu"))
    net.weights["b1"] = np.full((1, 8), -100.0)
    diagnosis = net.diagnose(*fitted(net, X, y, epochs=20)[1:3])
    assert isinstance(diagnosis[0], Finding)
    assert [*diagnosis] == diagnosis[:]
    assert diagnosis.names == [finding.name for finding in diagnosis]
    lines = str(diagnosis).splitlines()
    assert lines[0] == f"{len(diagnosis)} findings (400 rows, after 260 updates)"
    assert max(map(len, lines)) <= 100
    assert repr(diagnosis) == str(diagnosis)
