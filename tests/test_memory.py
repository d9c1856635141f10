"""A replayed step makes nothing."""

import tracemalloc

import numpy as np
import pytest

import glassnet as gn
from glassnet.plan import Plan
from glassnet.rows import Rows
from glassnet.run import Run


def peak_of_100_steps(rows: int, loss: str, rule: gn.Optimizer, *, members: int = 1) -> int:
    outputs = 3
    net = gn.Network(
        [gn.Dense(16, "relu"), gn.Dropout(0.2), gn.LayerNorm(), gn.Dense(8, "gelu"),
         gn.Dense(8, "sigmoid"), gn.Dense(outputs)],
        inputs=10, loss=loss, seed=0,
    )  # fmt: skip
    if members > 1:
        net.spread(members)
    rng = np.random.default_rng(0)
    X, w = rng.standard_normal((rows, 10)), rng.uniform(0.5, 1, (rows, 1))
    y = rng.integers(0, 2, (rows, 1 if net.loss.labels else outputs))
    run = Run(net, Rows(X, y, w), Plan(rule, batch_size=None))
    run.advance(2)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        run.advance(100)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("rule", [gn.SGD(), gn.Momentum(), gn.Adam()], ids=repr)
@pytest.mark.parametrize(
    "loss", ["squared_error", "binary_cross_entropy", "multiclass_cross_entropy"]
)
def test_replay_makes_nothing(loss: str, rule: gn.Optimizer) -> None:
    small, large = (peak_of_100_steps(rows, loss, rule) for rows in (32, 4096))
    assert small <= 4096
    assert large <= 4096
    # what is left is NumPy's own: two small buffers of a comparison, which 32 rows do not fill
    assert abs(large - small) <= 1024


def test_nor_with_members() -> None:
    assert peak_of_100_steps(32, "multiclass_cross_entropy", gn.Adam(), members=3) <= 4096


def test_the_measure_sees_an_array() -> None:
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        np.ones(2000)
        assert tracemalloc.get_traced_memory()[1] - before > 4096
    finally:
        tracemalloc.stop()
