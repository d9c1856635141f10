"""Eager, as written and replayed are the same step: bit for bit, whatever was in the buffers."""

from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet.planner import Replay
from glassnet.step import Variant
from helpers import (
    ACTIVATIONS,
    EVERY_LOSS,
    OPTIMIZERS,
    OWN_LOSS,
    SCHEDULES,
    Case,
    as_written,
    every_layer,
    label,
    no_recorder,
    poisoned,
    targets_for,
)


def three_ways(case: Case, monkeypatch: pytest.MonkeyPatch) -> list[tuple[np.ndarray, np.ndarray]]:
    results = []
    with monkeypatch.context() as patch:
        no_recorder(patch)
        results.append(case.train("eager"))
    for way in (as_written, poisoned):
        with monkeypatch.context() as patch:
            patch.setattr(Replay, "__call__", way)
            results.append(case.train())
    return results


def assert_same_bits(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    (eager, eager_loss), *others = three_ways(case, monkeypatch)
    assert np.isfinite(eager).all()
    assert np.isfinite(eager_loss).all()
    for theta, loss in others:
        assert theta.tobytes() == eager.tobytes()
        assert loss.tobytes() == eager_loss.tobytes()


@pytest.mark.parametrize("part", range(10))
def test_300_random_networks(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(30 * part, 30 * part + 30):
        assert_same_bits(Case(seed), monkeypatch)


ALL_LOSSES = (*EVERY_LOSS, OWN_LOSS)
BESIDE = (
    *({"schedule": schedule} for schedule in SCHEDULES if schedule != "constant"),
    *({"l2": 0.1}, {"weight_decay": 0.2}, {"clip_norm": 0.1}, {"shuffle": False}),
)


def whole_case(loss: gn.Loss, rule: gn.Optimizer, activation: Any, members: int) -> Case:
    """Return a case with every layer, and everything that can be beside a step."""
    case, rng = Case(7), np.random.default_rng(1)
    case.loss, case.rule, case.outputs, case.members = loss, rule, 3, members
    case.layers, case.inputs, case.frozen, case.sparse = every_layer(activation), 5, [3], False
    case.rows, case.batch = 23, 5  # five steps an epoch, the last on three rows
    case.X = rng.standard_normal((23, 5))
    case.X[:, 0], case.X[:, 3] = rng.integers(-1, 4, 23), rng.integers(0, 2, 23)
    case.w = rng.uniform(0, 2, 23)
    case.y = targets_for(loss, 23, 3, rng)
    case.options = {
        "schedule": gn.WarmUp(3, "cosine"),
        "l2": 0.05,
        "weight_decay": 0.1,
        "clip_norm": 1.0,
        "shuffle": True,
    }
    return case


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=label)
@pytest.mark.parametrize("rule", OPTIMIZERS, ids=repr)
def test_every_layer_activation_and_optimizer(
    activation: Any, rule: gn.Optimizer, members: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_same_bits(whole_case(gn.SquaredError(), rule, activation, members), monkeypatch)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize("loss", ALL_LOSSES, ids=label)
def test_every_loss_and_optimizer(
    loss: gn.Loss, rule: gn.Optimizer, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = whole_case(loss, rule, "parametric_relu", 1)
    case.dtype = dtype
    assert_same_bits(case, monkeypatch)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("batch", [None, 5])
@pytest.mark.parametrize("beside", BESIDE, ids=label)
def test_everything_beside_a_step(
    beside: dict[str, Any],
    batch: int | None,
    members: int,
    sparse: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = whole_case(gn.Huber(0.7), gn.Adam(0.01), "silu", members)
    case.layers, case.frozen = [gn.Dense(4, "silu"), gn.Dense(3)], []
    case.options, case.batch, case.sparse = beside, batch, sparse
    assert_same_bits(case, monkeypatch)
    theta, case.sparse = case.train()[0], not sparse
    assert case.train()[0].tobytes() == theta.tobytes()
    # what is beside a step changes what comes of it
    case.options = {}
    assert (case.train()[0].tobytes() == theta.tobytes()) == ("shuffle" in beside and not batch)


def test_the_comparison_notices_one_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    def nudged(self: Replay) -> None:
        self._run()
        theta = self.arrays["theta"].reshape(-1)
        theta[0] = np.nextafter(theta[0], np.inf)

    case = Case(1)
    honest = case.train()[0]
    monkeypatch.setattr(Replay, "__call__", nudged)
    assert case.train()[0].tobytes() != honest.tobytes()


def test_poison_reaches_a_line_that_reads_before_it_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The poison is one: a replay that lost its first line ends in NaN."""
    net = gn.Network([gn.Dense(3, "tanh"), gn.Dense(1)], 2, seed=0)
    replay = net.replay(Variant(4, "predict"), ("prediction",))
    replay.bind(theta=net.theta)
    first = replay.source.splitlines()[1].strip()
    broken = replay.source.replace(first, "pass", 1)
    exec(broken, replay._namespace)
    replay._run = replay._namespace["step"]
    poisoned(replay)
    assert np.isnan(replay.outputs["prediction"]).any()


@pytest.mark.parametrize("seed", range(40))
def test_predict_and_evaluate_are_the_layers_own_numbers(seed: int) -> None:
    case = Case(seed)
    net = case.make()
    x = case.X.astype(net.dtype)
    if case.members > 1:
        x = np.broadcast_to(x, (case.members, *x.shape))
    for layer, p in zip(net.layers, net.layout.views(net.theta), strict=True):
        x = layer.forward(x, p, None)[0]
    assert net.raw(case.X).tobytes() == x.tobytes()
    assert net.predict(case.X).tobytes() == net.loss.link(x).tobytes()
    w = np.ones(case.rows) if case.w is None else case.w
    shares = (w / w.sum())[:, None]
    y = net.loss.check(case.y, net.outputs)
    expected = net.loss.value(x.astype(float), y, shares)
    np.testing.assert_allclose(net.evaluate(case.X, case.y, case.w)["loss"], expected, rtol=2e-5)
