"""A recorded program as a function of x: its lines between the checks that x needs.

What a single row costs is calls. So the lines are written into the function, and its checks are
such as take no call more than they must.
"""

import re
from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np

from glassnet.vocabulary import Array

PRODUCT = re.compile(r"x(?:_1)?\.dot\(\w+, (\w+)\)")  # of a row and weights: what it goes to
SERVED = """
def function(served):
    if type(served) is served_array and served.dtype in served_kinds:
        served_shape = served.shape
        if served_shape in served_shapes:
            served_own[...] = served
            {first}
            if served_finite({probe}):
                {lines}
                if (served_sum := {total}) == served_sum:  # or one of them is NaN
                    return served_whole() if served_shape == served_table else served_alone()
    return None
"""


def callable_on(
    source: str, arrays: dict[str, Any], own: Array, outputs: Array
) -> Callable[[Any], Any]:
    r"""Return a program as a function of x: an array, or None if x wants to be looked at.

    Parameters
    ----------
    source : str
        A function without arguments: its lines go from `own` to `outputs`.
    arrays : dict
        What the lines' names stand for.
    own, outputs : array
        Where x goes to, and where the result is found; each call returns a copy of it.

    Examples
    --------
    >>> x, doubled = np.zeros((1, 2)), np.zeros((1, 2))
    >>> names = {"x": x, "doubled": doubled, "add": np.add}
    >>> twice = callable_on("def step():\n    add(x, x, out=doubled)", names, x, doubled)
    >>> twice(np.array([1.0, 2.0])), twice([1.0, 2.0]), twice(np.array([1.0, np.nan]))
    (array([2., 4.]), None, None)
    """
    flat, plain, table = own.reshape(-1), outputs.flags.c_contiguous, own.shape
    said, total = (outputs.reshape(-1), outputs.reshape(-1).dot) if plain else (None, outputs.sum)
    names = {"array": np.ndarray, "kinds": (np.dtype("f4"), np.dtype("f8")), "finite": isfinite}
    names |= {"own": own, "flat": flat, "squares": flat.dot, "table": table}
    names |= {"shapes": (table, table[1:])}  # nobody gives a single row to a program of more
    names |= {"whole": outputs.copy, "alone": outputs[..., 0, :].copy}
    names |= {"said": said, "total": total, "item": outputs.item}
    lines = [line.strip() for line in source.split("\n")[1:]]
    # a sum of squares takes no array, and where it is finite so are they; and any product with a
    # row that is not finite is not, whatever the weights are: 0 times what is infinite is NaN
    first, probe, product = "pass", "served_squares(served_flat)", PRODUCT.fullmatch(lines[0])
    if product and own.shape[:-1] == (1,):
        first, probe = lines.pop(0), "served_item_of_product(0)"
        names["item_of_product"] = arrays[product[1]].item
    text = SERVED.format(
        first=first,
        probe=probe,
        lines=("\n" + " " * 16).join(lines or ["pass"]),
        total="served_item()" if outputs.size == 1 else "served_total(served_said)",
    )
    made = arrays | {f"served_{name}": each for name, each in names.items()}
    exec(compile(text, "<served>", "exec"), made)
    function: Callable[[Any], Any] = made["function"]
    return function
