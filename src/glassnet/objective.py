"""A network's loss as a function of its weights, with its gradient: for minimisers and checks."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.network import Network
from glassnet.plan import Plan
from glassnet.rows import Rows
from glassnet.step import Variant, scheduled
from glassnet.vocabulary import Array


def objective(network: Network, rows: Rows, plan: Plan) -> Callable[[Array], tuple[float, Array]]:
    """Return theta -> (loss, gradient) over all rows, the L2 penalty included, in float64.

    Where layers draw at random, they draw the same numbers every time.
    """
    replay = network.replay(_variant(rows, plan), ("loss", "gradient"))
    tables = {"x": checks.dense(rows.X), "y": rows.y}
    if rows.w is not None:
        tables["w"] = rows.w / rows.w.mean()
    tables = {name: np.ascontiguousarray(table, network.dtype) for name, table in tables.items()}
    theta, gradient = np.empty_like(network.theta), np.zeros_like(network.theta)
    arrays: dict[str, Any] = {"theta": theta, "gradient": gradient, **plan.vectors(network)}
    first = scheduled(network.layers)  # a schedule stays where it begins
    arrays |= {name: np.array(each.at(0, 1), network.dtype) for name, each in first.items()}
    random, rng = draws(network, rows, plan), network.rng
    replay.arrays.clear()
    replay.bind(rng, **tables, **arrays)

    def function(at: Array) -> tuple[float, Array]:
        theta[...] = at
        if random:
            replay.bind(copy.deepcopy(rng))
        with np.errstate(all="ignore"):
            replay()
        return float(replay.outputs["loss"]), gradient.astype(float)

    return function


def draws(network: Network, rows: Rows, plan: Plan) -> bool:
    """Whether a layer draws at random, so that the loss is another one every time."""
    lines = network.recorded(_variant(rows, plan)).lines
    return any(line.function.kind == "random" for line in lines)


def _variant(rows: Rows, plan: Plan) -> Variant:
    return plan.variant(len(rows), "gradient", rows.w is not None, own=False)
