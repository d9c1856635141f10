"""The float32 copy of an ensemble's networks says what they say."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.tabular.narrow import narrowed

DENSE = [gn.Dense(7, "relu", ntk=True), gn.Dense(3, ntk=True)]


@pytest.mark.parametrize(
    ("layers", "fewer"),
    [
        (DENSE, 0),
        ([gn.Squash(), gn.Periodic(4, 2), gn.Scale(), *DENSE], 1),
        ([gn.Embedding([0, 1], [3, 2], 2), gn.Scale(), gn.Dense(7, "relu"), gn.Scale(), *DENSE], 2),
        ([gn.Scale(), gn.Dropout(0.5), *DENSE, gn.Scale()], 0),  # no dense layer comes after these
    ],
    ids=["dense", "recipe", "two", "alone"],
)
def test_what_is_taken_into_the_weights_changes_nothing(layers, fewer) -> None:
    rng = np.random.default_rng(0)
    net = gn.Network(layers, inputs=5, dtype="float64", seed=1)
    net.spread(3)
    net.theta += 0.5 * rng.standard_normal(net.theta.shape)
    X = rng.standard_normal((40, 5))
    X[:, 0], X[:, 1] = rng.integers(0, 3, 40), rng.integers(0, 2, 40)
    narrow = narrowed(net)
    assert len(narrow.layers) == len(layers) - fewer
    assert narrow.dtype == np.float32
    assert not any(getattr(layer, "ntk", False) for layer in narrow.layers)
    np.testing.assert_allclose(narrow.raw(X), net.raw(X), rtol=1e-4, atol=1e-4)
