"""A replayed step makes nothing."""

import tracemalloc
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet import checks
from glassnet.plan import Plan
from glassnet.rows import Rows
from glassnet.run import Run
from helpers import ACTIVATIONS, EVERY_LOSS, OPTIMIZERS, OWN_LOSS, label, targets_for

DENSE = (
    *(gn.Dense(16, "relu"), gn.Dropout(0.2), gn.LayerNorm(), gn.Dense(8, "gelu")),
    gn.Dense(8, "sigmoid"),
)
COMPOSITE = (
    gn.Concat([[gn.Embedding([0, 4], [3, 2], 4)], [gn.Scale(), gn.Dense(4, "silu")], []]),
    gn.Residual([gn.Dense(8, "elu"), gn.Dropout(0.1), gn.Residual(gn.Scale()), gn.Dense(30)]),
    gn.Stack([gn.LayerNorm(), gn.Dense(8, "parametric_relu")]),
)
OPTIONS = {"weight_decay": 0.1, "l2": 0.1, "clip_norm": 1.0}


def peak_of_30_steps(
    rows: int,
    loss: gn.Loss,
    rule: gn.Optimizer,
    layers: Any = DENSE,
    *,
    members: int = 1,
    **how: Any,
) -> int:
    outputs, rng = 3, np.random.default_rng(0)
    net = gn.Network([*layers, gn.Dense(outputs)], inputs=10, loss=loss, seed=0)
    if members > 1:
        net.spread(members)
    X, w = rng.standard_normal((rows, 10)), rng.uniform(0.5, 1, (rows, 1))
    X[:, 0], X[:, 4] = rng.integers(-1, 4, rows), rng.integers(0, 2, rows)
    y = net.loss.check(targets_for(net.loss, rows, outputs, rng), outputs)
    run = Run(net, Rows(X, y, w), Plan(rule, batch_size=None, **how))
    run.advance(2)
    with np.errstate():
        run.quieten()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for step in range(30):
                run._epoch(want_loss=step == 29)
            return tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()


def assert_makes_nothing(*given: Any, **how: Any) -> None:
    """Assert that what is left is NumPy's own: small buffers, which 32 rows do not fill."""
    peaks = [peak_of_30_steps(rows, *given, **how) for rows in (32, 512, 4096)]
    assert max(peaks) <= 4096, peaks
    assert abs(peaks[2] - peaks[1]) <= 256, peaks


@pytest.mark.parametrize("loss", [*EVERY_LOSS, OWN_LOSS], ids=label)
def test_replay_makes_nothing(loss: gn.Loss) -> None:
    assert_makes_nothing(loss, gn.Adam())


@pytest.mark.parametrize("rule", OPTIMIZERS, ids=repr)
def test_nor_does_any_optimizer(rule: gn.Optimizer) -> None:
    assert_makes_nothing(gn.BinaryCrossEntropy(), rule)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=label)
def test_nor_does_any_activation(activation: Any) -> None:
    assert_makes_nothing(gn.SquaredError(), gn.SGD(1e-3), [gn.Dense(16, activation)])


@pytest.mark.parametrize("layer", [*COMPOSITE, gn.Embedding([0, 4], [3, 2], 1)], ids=repr)
def test_nor_does_any_layer(layer: gn.Layer) -> None:
    layers = [layer] if isinstance(layer, gn.Embedding | gn.Concat) else [gn.Dense(30), layer]
    assert_makes_nothing(gn.SquaredError(), gn.SGD(1e-3), layers)


@pytest.mark.parametrize("rule", OPTIMIZERS, ids=repr)
def test_nor_does_what_is_beside_a_step(rule: gn.Optimizer) -> None:
    assert_makes_nothing(gn.Focal(), rule, COMPOSITE, schedule=gn.WarmUp(5, "inverse"), **OPTIONS)


@pytest.mark.parametrize("layers", [DENSE, COMPOSITE], ids=["layers", "composites"])
def test_nor_with_members(layers: Any) -> None:
    loss = gn.MulticlassCrossEntropy()
    assert peak_of_30_steps(32, loss, gn.Adam(), layers, members=3, **OPTIONS) <= 4096


def test_the_measure_sees_an_array() -> None:
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        np.ones(2000)
        assert tracemalloc.get_traced_memory()[1] - before > 4096
    finally:
        tracemalloc.stop()


def test_a_table_is_looked_through_in_place() -> None:
    X = np.ones((100_000, 10), np.float32)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        assert checks.matrix("X", X, 10, np.float32) is X
        assert tracemalloc.get_traced_memory()[1] - before < 10_000
    finally:
        tracemalloc.stop()
    for value in (np.nan, np.inf, -np.inf):
        for place in (0, 555_555, -1):
            X.flat[:], X.flat[place] = 1, value
            with pytest.raises(ValueError, match="expected finite numbers"):
                checks.numbers("X", X)
