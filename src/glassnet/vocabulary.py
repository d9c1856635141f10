"""The words a line may use.

A recorded program is a list of lines, and each line is one call of one of the functions in this
table. The table says for each function how NumPy runs it, how it is printed, and how it is
replayed into memory that exists already. Whoever reads programs (the planner, a printer, a
compiler, an exporter) reads this table and nothing else about a function.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any  # an ndarray, or the value that stands in for one while recording
ATOM = 9  # binds tighter than every operator: names, numbers, calls


@dataclass(frozen=True)
class Function:
    """One function of the vocabulary.

    Attributes
    ----------
    name : str
        Its name in listings and in replayed source.
    kind : str
        ``elementwise`` (the result may take the memory of a dying operand), ``matmul``,
        ``reduce``, ``select``, ``join``, ``copy`` (writes its operand into a target), ``cast``
        or ``random`` (draws, so it always runs).
    run : callable
        ``run(*operands, **keywords)`` returns a fresh array.
    text : str
        The format of the printed expression, with operands {0}, {1}, ... and keywords.
    code, math : str
        The same as Python that runs, where np is NumPy, and as mathematics.
    replay : str
        The format of the replayed statement, which also has {out}.
    precedence : int
        Of the printed expression's operator, so that parentheses stand only where needed.
    """

    name: str
    kind: str
    run: Callable[..., Any]
    text: str
    replay: str
    precedence: int = ATOM
    code: str = ""
    math: str = ""

    def spelling(self, style: str) -> str:
        """Return the format of a style: text, code or math; what has none is as in text."""
        return getattr(self, style) or self.text


INFIX = {
    np.equal: ("==", 3),
    np.not_equal: ("!=", 3),
    np.less: ("<", 3),
    np.less_equal: ("<=", 3),
    np.greater: (">", 3),
    np.greater_equal: (">=", 3),
    np.add: ("+", 4),
    np.subtract: ("-", 4),
    np.multiply: ("*", 5),
    np.divide: ("/", 5),
    np.power: ("**", 7),
}
CALLS = (
    *(np.exp, np.expm1, np.log, np.log1p, np.tanh, np.sin, np.cos, np.sqrt, np.square),
    *(np.absolute, np.sign, np.floor, np.reciprocal, np.logical_not, np.isfinite),
    *(np.maximum, np.minimum, np.logical_and, np.logical_or),
)
MATH = {
    "absolute": "|{0}|",
    "square": "{0}^2",
    "power": "{0}^{1}",
    "maximum": "max({0}, {1})",
    "minimum": "min({0}, {1})",
    "reciprocal": "1/{0}",
}
REDUCTIONS = {np.sum: np.add, np.max: np.maximum, np.min: np.minimum}


def _elementwise(ufunc: np.ufunc) -> Function:
    name = ufunc.__name__
    operands = ", ".join(f"{{{i}}}" for i in range(ufunc.nin))
    # maximum and minimum take their third argument by name only
    out = "out={out}" if ufunc in (np.maximum, np.minimum) else "{out}"
    replay = f"{name}({operands}, {out})"
    if ufunc in INFIX:
        symbol, precedence = INFIX[ufunc]
        text, code = f"{{0}} {symbol} {{1}}", ""
    else:
        text, code, precedence = f"{name}({operands})", f"np.{name}({operands})", ATOM
    return Function(
        *(name, "elementwise", ufunc, text, replay, precedence), code, MATH.get(name, "")
    )


def _reduction(function: Any, ufunc: np.ufunc) -> Function:
    # the ufunc's own reduce is what np.sum ends in, without the layers of Python above it
    name = function.__name__.removeprefix("a")
    replay = f"{ufunc.__name__}_reduce({{0}}, {{axis}}, None, {{out}}, {{keepdims}})"
    text = f"{name}({{0}}, axis={{axis}})"
    code = f"np.{name}({{0}}, axis={{axis}}{{kept}})"
    math = f"{name}{{over}}({{0}})"
    return Function(name, "reduce", ufunc.reduce, text, replay, code=code, math=math)


def _draw(name: str) -> Function:
    def run(rng: Any, shape: tuple[int, ...], dtype: Any) -> Any:
        return getattr(rng, name)(shape, dtype)

    replay = f"rng.{name}(None, {{dtype}}, {{out}})"
    code = f'rng.{name}({{shape}}, "{{dtype}}")'
    return Function(name, "random", run, f"rng.{name}({{shape}})", replay, code=code)


UFUNCS: dict[np.ufunc, Function] = {ufunc: _elementwise(ufunc) for ufunc in (*INFIX, *CALLS)}
UFUNCS[np.negative] = Function(
    "negative", "elementwise", np.negative, "-{0}", "negative({0}, {out})", 6
)
UFUNCS[np.matmul] = Function(
    *("matmul", "matmul", np.matmul, "{0} @ {1}", "matmul({0}, {1}, {out})", 5),
    math="{0} {1}",
)
REDUCE = {function: _reduction(function, ufunc) for function, ufunc in REDUCTIONS.items()}
SELECT = Function(
    "where",
    "select",
    np.where,
    "where({0}, {1}, {2})",
    "copyto({out}, {2}); copyto({out}, {1}, where={0})",
    code="np.where({0}, {1}, {2})",
    math="({1} if {0} else {2})",
)
JOIN = Function(
    "concatenate",
    "join",
    lambda *parts, axis: np.concatenate(parts, axis),
    "concatenate({parts}, axis={axis})",
    "concatenate({parts}, {axis}, {out})",
    code="np.concatenate({parts}, axis={axis})",
    math="[{parts}]",
)
COPY = Function("copy", "copy", lambda a: a.copy(), "{0}.copy()", "{out}[...] = {0}")
CAST = Function(
    "cast",
    "cast",
    lambda a, dtype: a.astype(dtype),
    "{0}.astype({dtype})",
    "{out}[...] = {0}",
    code='{0}.astype("{dtype}")',
    math="{0}",
)
DRAWS = {name: _draw(name) for name in ("random", "standard_normal")}

VOCABULARY = {
    function.name: function
    for function in (*UFUNCS.values(), *REDUCE.values(), SELECT, JOIN, COPY, CAST, *DRAWS.values())
}

# what replayed source may call, by the names it calls them
CALLABLE: dict[str, Any] = {
    **{ufunc.__name__: ufunc for ufunc in UFUNCS},
    **{f"{ufunc.__name__}_reduce": ufunc.reduce for ufunc in REDUCTIONS.values()},
    "copyto": np.copyto,
    "concatenate": np.concatenate,
    "float32": np.float32,
    "float64": np.float64,
}

# what people reach for and cannot have in a line, and what serves instead
INSTEAD = {
    "T": "x.mT, which swaps the last two axes",
    "transpose": "x.mT, which swaps the last two axes",
    "swapaxes": "x.mT, which swaps the last two axes",
    "dot": "x @ W",
    "einsum": "x @ W and np.sum",
    "clip": "np.minimum(np.maximum(x, low), high)",
    "var": "np.mean(np.square(x - np.mean(x, axis=-1, keepdims=True)), axis=-1)",
    "std": "np.sqrt of the mean of squares",
    "linalg.norm": "np.sqrt(np.sum(np.square(x)))",
    "stack": "np.concatenate",
    "vstack": "np.concatenate",
    "hstack": "np.concatenate",
    "expand_dims": "x[..., None]",
    "zeros_like": "np.zeros(x.shape, x.dtype)",
    "ones_like": "np.ones(x.shape, x.dtype)",
    "empty_like": "np.zeros(x.shape, x.dtype)",
    "abs": "np.absolute",
    "copy": "x.copy()",
    "flatten": "x.reshape",
    "ravel": "x.reshape",
    "fabs": "np.absolute",
    "float_power": "x ** power",
    "heaviside": "np.where(x > 0, 1.0, 0.0)",
    "logaddexp": "np.maximum, np.log1p and np.exp",
    "fill": "x[...] = value",
    "item": "an array operation: a line has no single numbers",
    "tolist": "an array operation: a line has no single numbers",
}
