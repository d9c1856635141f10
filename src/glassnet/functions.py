"""NumPy functions that are no ufuncs, with the arguments that a line can say.

An array function is looked up here when NumPy hands it over; what is missing is refused.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet.value import Value
from glassnet.vocabulary import JOIN, SELECT


def _where(condition: Any, x: Any, y: Any) -> Value:
    program = next(part.program for part in (condition, x, y) if isinstance(part, Value))
    dtype = np.result_type(*(p.dtype if isinstance(p, Value) else p for p in (x, y)))
    return program.record(
        SELECT, program.value(condition, np.bool_), program.value(x, dtype), program.value(y, dtype)
    )


def _concatenate(arrays: Any, axis: int = 0) -> Value:
    program = next(part.program for part in arrays if isinstance(part, Value))
    dtypes = (part.dtype if isinstance(part, Value) else np.asarray(part).dtype for part in arrays)
    dtype = np.result_type(*dtypes)
    return program.record(JOIN, *(program.value(part, dtype) for part in arrays), axis=int(axis))


def _broadcast_to(array: Value, shape: tuple[int, ...]) -> Value:
    text = f"broadcast_to({{0}}, {shape})"
    return array.program.view(array, lambda a: np.broadcast_to(a, shape), text)


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.sum: Value.sum,
    np.max: Value.max,
    np.min: Value.min,
    np.amax: Value.max,
    np.amin: Value.min,
    np.mean: Value.mean,
    np.reshape: lambda a, shape: a.reshape(shape),
    np.matrix_transpose: lambda a: a.mT,
    np.where: _where,
    np.concatenate: _concatenate,
    np.broadcast_to: _broadcast_to,
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
}
