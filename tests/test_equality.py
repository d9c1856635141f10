"""Eager, as written and replayed are the same step: bit for bit, whatever was in the buffers."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.planner import Replay
from glassnet.step import Variant
from helpers import ACTIVATIONS, LOSSES, OPTIMIZERS, Case, as_written, no_recorder, poisoned


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


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("rule", OPTIMIZERS, ids=repr)
def test_every_layer_loss_and_optimizer(
    activation: str, loss: gn.Loss, rule: gn.Optimizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for members in (1, 3):
        case = Case(7)
        rng = np.random.default_rng(1)
        case.loss, case.rule, case.outputs, case.members = loss, rule, 3, members
        case.layers = [
            *(gn.Dense(6, activation, 0.5), gn.LayerNorm(), gn.Dropout(0.3)),
            *(gn.Dense(5, activation), gn.Dense(3)),
        ]
        case.rows, case.batch = 23, 5  # five steps an epoch, the last on three rows
        case.X = rng.standard_normal((23, case.inputs))
        case.w = rng.uniform(0, 2, 23)
        if loss.labels:
            case.y = np.arange(23) % 3
        elif loss.classes:
            case.y = (rng.random((23, 3)) < 0.5).astype(float)
        else:
            case.y = rng.standard_normal((23, 3))
        assert_same_bits(case, monkeypatch)


def test_the_comparison_notices_one_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    def nudged(self: Replay) -> None:
        self._run()
        theta = self.arrays["theta"].reshape(-1)
        theta[0] = np.nextafter(theta[0], np.inf)

    case = Case(3)
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
