"""One row through a network, with the biases inside of the products.

A dense layer's W and b lie one behind the other in theta, and so are one matrix of a row more:

    x @ W + b = [x, 1] @ [W; b]

What such a product reads gets a place of its own with a 1 behind it; the sum needs no call any
more, of which a single row costs hardly anything else.
"""

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np

from glassnet.planner import Call, Replay
from glassnet.program import address
from glassnet.vocabulary import Array


def with_biases(replay: Replay) -> tuple[str, dict[str, Any]]:
    """Return a bound replay's source with sums of a product and a bias as one, and its arrays.

    The arrays, and the functions that it calls, go by the names that the source has for them.

    Examples
    --------
    >>> import glassnet as gn
    >>> from glassnet.step import Variant
    >>> net = gn.Network([gn.Dense(2, "relu"), gn.Dense(1)], inputs=3, seed=0)
    >>> replay = net.replay(Variant(1, "predict"), ("prediction",))
    >>> print(replay.source)
    def step():
        x.dot(W1, t1)
        add(t1, b1, t1)
        maximum(t1, c1, out=t1)
        t1.dot(W2, t2)
        add(t2, b2, t3)
    >>> replay.bind(theta=net.theta)
    >>> source, arrays = with_biases(replay)
    >>> print(source)
    def step():
        x_1.dot(W1_b1, t1)
        maximum(t1, c1, out=t1)
        t1_1.dot(W2_b2, t3)
    >>> arrays["W1_b1"].shape, arrays["x_1"][0, 3]
    ((4, 2), np.float32(1.0))
    """
    arrays, name = dict(replay.bound().__globals__), replay.variable
    read = Counter(root for call in replay.calls for root in {id(o.root) for o in call.operands})
    values = [value for call in replay.calls for value in (*call.operands, call.out)]
    values += [replay.program.outputs[each] for each in replay.wanted]
    lines = replay.source.split("\n")
    for place, (product, total) in enumerate(pairwise(replay.calls), 1):
        if not (_is_sum(product, total) and read[id(product.out.root)] == 1):
            continue
        (x, W), b = map(name, product.operands), name(total.operands[1])
        weights = _together(replay.arrays["theta"], arrays[W], arrays[b])
        roots = {id(value.root) for value in values if name(value) == x}
        if weights is None or any(id(v.root) in roots and name(v) != x for v in values):
            continue
        if f"{x}_1" not in arrays:
            arrays[f"{x}_1"] = np.ones((1, len(weights)), weights.dtype)
            arrays[x] = arrays[f"{x}_1"][:, :-1]
        arrays[f"{W}_{b}"] = weights
        lines[place : place + 2] = [f"    {x}_1.dot({W}_{b}, {name(total.out)})", ""]
    return "\n".join(line for line in lines if line), arrays


def _is_sum(product: Call, total: Call) -> bool:
    """Whether two lines are a row by a matrix and a sum with something that is not made of it."""
    names = (product.line.function.name, total.line.function.name)
    return names == ("matmul", "add") and (
        product.operands[0].shape[0] == 1
        and total.operands[0].coincides(product.out)
        and total.operands[1].shape == total.out.shape == product.out.shape
    )


def _together(theta: Array, W: Array, b: Array) -> Array | None:
    """Return the rows of W and, as the last one, b, if they lie so in theta."""
    start, step = address(W) - address(theta), theta.itemsize
    stop = start + (W.size + b.size) * step
    if not W.flags.c_contiguous or address(b) != address(W) + W.nbytes:
        return None
    if not 0 <= start < stop <= theta.nbytes:
        return None
    return theta[start // step : stop // step].reshape(-1, W.shape[1])
