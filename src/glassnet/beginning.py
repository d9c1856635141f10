"""How a network begins: first weights that follow from the table."""

from typing import Any

import numpy as np

from glassnet import checks
from glassnet.base import Base
from glassnet.vocabulary import Array

ROWS = 5_000  # as good as all of them


def start(network: Base, X: Any, rows: Array | None = None) -> None:
    """Let each member begin from its rows; `Network.start` tells how."""
    X = checks.matrix("X", X, network.inputs, network.dtype)
    layers, generators, dtype = network.layers, network.generators, network.dtype
    thetas = network.theta.reshape(len(generators), -1)
    for k, (theta, rng) in enumerate(zip(thetas, generators, strict=True)):
        mine = np.arange(X.shape[0]) if rows is None else rows[k]
        x = np.asarray(checks.dense(X[rng.permutation(mine)[:ROWS]]), dtype)
        with np.errstate(all="ignore"):  # as in a step: what is too large is no news to the user
            for layer, p in zip(layers, network.layout.views(theta), strict=True):
                layer.start(x, p, rng)
                x, _ = layer.forward(x, p, None)


def start_output(network: Base, y: Array, w: Array) -> None:
    """Let the output bias begin at the loss's best constant, if no weight was touched yet."""
    untouched, network._untouched = network._untouched, None
    if untouched is None or not np.array_equal(np.atleast_2d(network.theta)[0], untouched):
        return
    bias = getattr(network.layout.views(network.theta)[-1], "b", None)
    if bias is None or len(network.layers) in network.frozen:
        return
    if bias.shape[-2:] == (1, network.outputs):
        with np.errstate(all="ignore"):
            bias[...] = network.loss.best_constant(y, w, network.outputs)
