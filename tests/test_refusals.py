"""What cannot be recorded raises while recording, and names the layer and the function."""

import math
import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet import record


class Odd(gn.Layer):
    """A layer whose forward pass does something odd on the way."""

    def __init__(self, odd: Callable[..., Any]) -> None:
        self.odd = odd
        self.memory: Any = None
        self.count = 0

    def parameters(self, inputs: int) -> dict[str, gn.Parameter]:
        return {"W": gn.Parameter((inputs, inputs))}

    def forward(self, x: Any, p: Any, rng: Any) -> tuple[Any, Any]:
        result = self.odd(x, self)
        return (x @ p.W + result if result is not None else x @ p.W), x

    def backward(self, kept: Any, dy: Any, p: Any, d: Any, need_dx: bool) -> Any:
        d.W[...] = kept.mT @ dy
        return dy @ p.W.mT


def assign(x: Any, key: Any, value: Any) -> None:
    y = 1 * x
    y[key] = value


def remember(x: Any, layer: Odd) -> Any:
    before = layer.memory
    layer.memory = x
    return x + before if before is not None else x


def count(x: Any, layer: Odd) -> Any:
    layer.count += 1
    return x * layer.count


ARRAY = np.ones((4, 3))
REFUSED: dict[str, Callable[..., Any]] = {
    "if x > 5": lambda x, layer: x if x > 5 else -x,
    "if x.sum()": lambda x, layer: x if x.sum() else -x,
    "x and y": lambda x, layer: x and x,
    "not x": lambda x, layer: not x,
    "while": lambda x, layer: next(iter([x])) if bool(x < 1) else x,
    "max(x, 0)": lambda x, layer: max(x, 0),
    "0 < x < 1": lambda x, layer: 0 < x < 1,
    "1 in x": lambda x, layer: 1.0 in x,
    "x in list": lambda x, layer: x in [1, 2],
    "float(x)": lambda x, layer: float(x),
    "int(x)": lambda x, layer: int(x),
    "complex(x)": lambda x, layer: complex(x),
    "math.exp(x)": lambda x, layer: math.exp(x),
    "len(x)": lambda x, layer: len(x),
    "for row in x": lambda x, layer: [row for row in x],  # noqa: C416
    "a, b = x": lambda x, layer: (lambda a, b: a)(*x),
    "list(x)": lambda x, layer: list(x),
    "range(x)": lambda x, layer: range(x),
    "hash(x)": lambda x, layer: hash(x),
    "{x}": lambda x, layer: {x},
    "np.array(x)": lambda x, layer: np.array(x),
    "np.asarray(x)": lambda x, layer: np.asarray(x),
    "np.array([x, x])": lambda x, layer: np.array([x, x]),
    "np.add([x, x], 1)": lambda x, layer: np.add([x, x], x),
    "x + [x]": lambda x, layer: x + [x],  # noqa: RUF005
    "x[mask] = 0": lambda x, layer: assign(x, x > 0, 0),
    "x[mask]": lambda x, layer: x[x > 0],
    "x[[0, 1]]": lambda x, layer: x[[0, 1]],
    "x[array]": lambda x, layer: x[np.array([0, 1])],
    "x[True]": lambda x, layer: x[True],
    "array[x]": lambda x, layer: ARRAY[x],
    "array[...] = x": lambda x, layer: ARRAY.copy().__setitem__(..., x),
    "array += x": lambda x, layer: ARRAY.copy().__iadd__(x),
    "out=array": lambda x, layer: np.add(x, 1, out=ARRAY.copy()),
    "where=": lambda x, layer: np.add(x, 1, where=ARRAY > 0),
    "dtype=": lambda x, layer: np.add(x, 1, dtype=np.float32),
    "casting=": lambda x, layer: np.add(x, 1, casting="unsafe"),
    "np.add.reduce": lambda x, layer: np.add.reduce(x),
    "np.add.outer": lambda x, layer: np.add.outer(x, x),
    "np.maximum.accumulate": lambda x, layer: np.maximum.accumulate(x),
    "np.add.at": lambda x, layer: np.add.at(x, [0], 1),
    "np.linalg.inv": lambda x, layer: np.linalg.inv(x),
    "np.linalg.norm": lambda x, layer: np.linalg.norm(x),
    "np.dot": lambda x, layer: np.dot(x, x),
    "x.dot": lambda x, layer: x.dot(x),
    "np.einsum": lambda x, layer: np.einsum("ij->i", x),
    "np.clip": lambda x, layer: np.clip(x, 0, 1),
    "x.clip": lambda x, layer: x.clip(0, 1),
    "np.argmax": lambda x, layer: np.argmax(x),
    "np.sort": lambda x, layer: np.sort(x),
    "np.cumsum": lambda x, layer: np.cumsum(x),
    "np.var": lambda x, layer: np.var(x),
    "np.prod": lambda x, layer: np.prod(x),
    "np.median": lambda x, layer: np.median(x),
    "np.stack": lambda x, layer: np.stack([x, x]),
    "np.take": lambda x, layer: np.take(x, [0]),
    "np.zeros_like": lambda x, layer: np.zeros_like(x),
    "np.copy": lambda x, layer: np.copy(x),
    "np.copyto": lambda x, layer: np.copyto(x, 0),
    "np.sum(where=)": lambda x, layer: np.sum(x, where=ARRAY > 0),
    "np.sum(dtype=)": lambda x, layer: np.sum(x, dtype=np.float32),
    "np.sum(out=)": lambda x, layer: np.sum(x, out=ARRAY.copy()),
    "np.max(initial=)": lambda x, layer: np.max(x, initial=0),
    "np.concatenate(out=)": lambda x, layer: np.concatenate([x, x], out=np.zeros((8, 3))),
    "x.T": lambda x, layer: x.T,
    "x.flat": lambda x, layer: x.flat,
    "x.fill": lambda x, layer: x.fill(0),
    "x.item": lambda x, layer: x.item(),
    "x.tolist": lambda x, layer: x.tolist(),
    "x.real": lambda x, layer: x.real,
    "x.view": lambda x, layer: x.view(np.int64),
    "x // 2": lambda x, layer: x // 2,
    "x % 2": lambda x, layer: x % 2,
    "divmod": lambda x, layer: divmod(x, 2),
    "x << 1": lambda x, layer: x << 1,
    "np.arctan": lambda x, layer: np.arctan(x),
    "np.modf": lambda x, layer: np.modf(x),
    "x * 1j": lambda x, layer: x * 1j,
    "x * longdouble": lambda x, layer: x * np.longdouble(1),
    "longdouble array": lambda x, layer: x * ARRAY.astype(np.longdouble),
    "x.astype(complex)": lambda x, layer: x.astype(complex),
    "x.astype(object)": lambda x, layer: x.astype(object),
    "x == None": lambda x, layer: x * (x == None),  # noqa: E711
    "x + 'text'": lambda x, layer: x + "text",
    "vector @": lambda x, layer: x @ np.ones(3),
    "writes ints": lambda x, layer: assign(x, ..., (x > 0).astype(np.int64)),
    "writes a constant": lambda x, layer: layer_constant(x),
    "np.random.rand": lambda x, layer: x * np.random.rand(),  # noqa: NPY002
    "np.random array": lambda x, layer: x * np.random.rand(4, 3),  # noqa: NPY002
    "the clock": lambda x, layer: x * time.perf_counter(),
    "a counter": count,
    "another step's value": remember,
    "pickle": lambda x, layer: x.__reduce_ex__(4),
    "print to float": lambda x, layer: f"{x:.3f}",
    "math.isnan": lambda x, layer: math.isnan(x),
    "sum(x)": lambda x, layer: sum(x),
    "round(x)": lambda x, layer: round(x),
    "isinstance by abs": lambda x, layer: math.fabs(x),
}


def layer_constant(x: Any) -> Any:
    constant = np.broadcast_to(np.zeros((4, 3)), x.shape) + 0 * x.shape[0]
    return np.add(x, constant, out=constant)


def test_there_are_at_least_forty() -> None:
    assert len(REFUSED) >= 40


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what: str) -> None:
    net = gn.Network([Odd(REFUSED[what]), gn.Dense(1)], inputs=3, dtype="float64", seed=0)
    with pytest.raises(gn.RecordingError) as caught:
        net.program(4)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("layer 1 Odd, forward, test_refusals.py")
    if what not in ("np.random.rand", "np.random array", "the clock", "a counter"):
        assert "cannot be recorded" in message
        assert re.search(
            r"test_refusals.py:\d+ (<lambda>|assign|remember|layer_constant): ", message
        )
    else:
        assert "differs between two records" in message


@pytest.mark.parametrize(
    ("what", "instead"),
    [
        ("np.clip", "np.minimum(np.maximum"),
        ("x.T", "x.mT"),
        ("np.arctan", "np.tanh"),
        ("if x > 5", "np.where"),
        ("np.array([x, x])", "np.concatenate"),
        ("np.add.reduce", "np.sum"),
    ],
)
def test_the_nearest_allowed_is_named(what: str, instead: str) -> None:
    net = gn.Network([Odd(REFUSED[what]), gn.Dense(1)], inputs=3, dtype="float64", seed=0)
    with pytest.raises(gn.RecordingError) as caught:
        net.program(4)
    assert instead in str(caught.value).split("; use ")[1]


def test_a_wider_line_is_an_error() -> None:
    net = gn.Network(
        [Odd(lambda x, layer: x * np.float64(2)), gn.Dense(1)], inputs=3, dtype="float32", seed=0
    )
    with pytest.raises(gn.RecordingError, match="float64 result of multiply in a float32 program"):
        net.program(4)


def test_arrays_from_outside_are_counted_from_1() -> None:
    net = gn.Network(
        [Odd(lambda x, layer: x * ARRAY + 2 * ARRAY[:1]), gn.Dense(1)], 3, dtype="float64"
    )
    text = str(net.program(4))
    assert re.findall(r"\bc\d\b", text)[:2] == ["c1", "c2"]


def test_numpys_own_errors_name_the_place() -> None:
    net = gn.Network([Odd(lambda x, layer: x + np.ones((7, 7))), gn.Dense(1)], 3, dtype="float64")
    with pytest.raises(ValueError, match=r"layer 1 Odd, forward, test_refusals.py:\d+ .*broadcast"):
        net.program(4)
    net = gn.Network([Odd(lambda x, layer: x[..., 9]), gn.Dense(1)], 3, dtype="float64")
    with pytest.raises(IndexError, match="layer 1 Odd, forward"):
        net.program(4)


@pytest.mark.parametrize(
    "odd",
    [
        lambda x, layer: np.float64(2) * x,
        lambda x, layer: x + np.ones(3),
        lambda x, layer: np.ones(3) + x,
        lambda x, layer: np.where(x > 0, x, 0) + np.where(x > 1, 1.0, x),
        lambda x, layer: x * (x > 0),
        lambda x, layer: x**2 + x**0.5 + x**-1 + x**3 + x**1 + np.float64(2) ** x,
        lambda x, layer: np.mean(x, axis=-1, keepdims=True) + x.mean() + x.max() - np.min(x),
        lambda x, layer: np.concatenate([x, x[..., :1]], axis=-1)[..., 1:],
        lambda x, layer: x.mT.mT[::-1],
        lambda x, layer: x.reshape(-1).reshape(x.shape) + np.reshape(x, x.shape),
        lambda x, layer: x.mT.reshape(4, 3),
        lambda x, layer: x[None][0] + np.broadcast_to(x[:1], x.shape),
        lambda x, layer: x + np.shape(x)[0] + np.ndim(x),
        lambda x, layer: abs(-x) + (+x.copy() if False else x),
        lambda x, layer: np.log1p(np.exp(-np.absolute(x))),
        lambda x, layer: 2 / (1 + np.exp(x)) - (1 - x) * 3,
        lambda x, layer: (x >= 0).astype(x.dtype) + np.isfinite(x),
        lambda x, layer: np.sum(np.square(x), axis=(-2, -1), keepdims=True) + x,
    ],
)
def test_what_can_be_recorded_is_the_same_as_on_arrays(odd: Callable[..., Any]) -> None:
    from glassnet.planner import Replay

    def code(program: Any) -> None:
        program.outputs["y"] = odd(program.input("x", (4, 3), np.float64), None)

    replay = Replay(record(code, np.float64), ["y"])
    x = np.abs(np.random.default_rng(0).standard_normal((4, 3)))
    replay.bind(x=x)
    replay()
    np.testing.assert_array_equal(replay.outputs["y"], odd(x, None), strict=True)
