"""The planner against memory of its own for every line, over random programs."""

from typing import Any

import numpy as np
import pytest

from glassnet import record
from glassnet.planner import Arena, Replay
from glassnet.program import Program
from glassnet.written import Written
from helpers import poisoned

ELEMENTWISE = (np.add, np.subtract, np.multiply, np.maximum, np.minimum)
UNARY = (np.tanh, np.sin, np.negative, np.absolute, np.square, np.sign, np.floor)


class Scribe:
    """Writes a random program; the same one each time it is called with the same seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, program: Program) -> None:
        self.rng = rng = np.random.default_rng(self.seed)
        shape = tuple(int(n) for n in rng.integers(1, 5, rng.integers(2, 4)))
        self.pool: list[Any] = [
            program.input("x", shape, np.float64),
            program.input("y", shape, np.float64),
            program.input("state", shape, np.float64),
        ]
        for _ in range(int(rng.integers(4, 26))):
            self.move(self.pool)
            self.pool = self.pool[-12:] + self.pool[:3]
        for k, value in enumerate(self.pool[-4:]):
            program.outputs[f"out{k}"] = value

    def pick(self) -> Any:
        return self.pool[self.rng.integers(len(self.pool))]

    def partner(self, value: Any) -> Any:
        """Return another value that broadcasts with this one, or the value itself."""
        fits = [other for other in self.pool if other.shape == value.shape]
        return fits[self.rng.integers(len(fits))]

    def view(self, value: Any) -> Any:
        kind = self.rng.integers(5)
        if kind == 0 and value.ndim >= 2:
            return value.mT
        if kind == 1:
            axis = int(self.rng.integers(value.ndim))
            start = int(self.rng.integers(value.shape[axis]))
            key = [slice(None)] * value.ndim
            key[axis] = slice(start, None, int(self.rng.choice([1, 1, 2])))
            return value[tuple(key)]
        if kind == 2:
            return value[..., ::-1]
        if kind == 3:
            return value.reshape(-1, value.shape[-1])
        return value[None] if value.ndim < 4 else value

    def move(self, pool: list[Any]) -> None:
        rng, value = self.rng, self.pick()
        kind = rng.integers(12)
        if kind <= 2:
            pool.append(ELEMENTWISE[rng.integers(len(ELEMENTWISE))](value, self.partner(value)))
        elif kind == 3:
            pool.append(UNARY[rng.integers(len(UNARY))](value))
        elif kind == 4:
            pool.append(self.view(value))
        elif kind == 5:
            self.view(value)[...] = float(rng.integers(-2, 3))
        elif kind == 6:
            target = self.view(value)
            made = np.tanh(self.partner(target) if target.shape == value.shape else target)
            for _ in range(rng.integers(3)):
                self.move(pool)  # which may read or write the target before the copy does
            target[...] = made
        elif kind == 7:
            value += self.partner(value)
        elif kind == 8 and value.ndim >= 2:
            pool.append(np.tanh(value @ value.mT))
        elif kind == 9:
            axis = int(rng.integers(value.ndim))
            pool.append(np.sum(value, axis=axis, keepdims=True) * value)
        elif kind == 10:
            pool.append(np.concatenate([value, self.partner(value)], axis=-1))
        else:
            other = self.partner(value)
            pool.append(np.where(value > other, value, np.sin(other)))


def run_both(seed: int, calls: int = 2) -> None:
    program = record(Scribe(seed), np.float64)
    rng = np.random.default_rng(seed)
    arrays = {name: rng.standard_normal(v.shape) for name, v in program.inputs.items()}
    mine = {name: array.copy() for name, array in arrays.items()}
    wanted = [*program.outputs, *program.inputs]
    replay = Replay(program, wanted, Arena())
    replay.bind(**mine)
    for _ in range(calls):
        written = Written(program, arrays)
        for _line in written:
            pass
        poisoned(replay)
        for name, value in program.outputs.items():
            np.testing.assert_array_equal(replay.outputs[name], written.array(value), strict=True)
        for name, array in arrays.items():
            np.testing.assert_array_equal(mine[name], array)


@pytest.mark.parametrize("part", range(10))
def test_1000_random_programs(part: int) -> None:
    for seed in range(100 * part, 100 * part + 100):
        run_both(seed)


@pytest.mark.parametrize(
    "broken",
    ["quiet = not any(", "whole and touched", "pure = changing"],
)
def test_a_careless_planner_is_caught(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the planner's cautions taken away must turn the comparison red."""
    import inspect

    from glassnet import planner

    careless = {
        "quiet = not any(": "quiet = True or any(",
        "whole and touched": "whole or touched",
        "pure = changing": "pure = True or changing",
    }[broken]
    source = inspect.getsource(planner)
    assert broken in source
    namespace = {**vars(planner)}
    exec(source.replace(broken, careless), namespace)
    for name in ("_without_copies", "_without_repeats", "_place"):
        monkeypatch.setattr(planner, name, namespace[name])

    def run_all() -> None:
        for seed in range(1000):
            run_both(seed)

    with pytest.raises((AssertionError, ValueError, KeyError)):
        run_all()


def plan(code: Any, wanted: tuple[str, ...] = ("y",)) -> str:
    return Replay(record(code, np.float64), wanted).source


def test_what_nobody_wants_is_left_out() -> None:
    def code(program: Program) -> None:
        x = program.input("x", (3,), np.float64)
        program.outputs["unused"] = np.exp(x)
        program.outputs["y"] = np.tanh(x)

    assert "exp" not in plan(code)
    assert "exp" in plan(code, ("y", "unused"))


def test_a_repeated_line_runs_once() -> None:
    def code(program: Program) -> None:
        x = program.input("x", (3,), np.float64)
        program.outputs["y"] = np.tanh(x) + 2 * np.tanh(x)

    assert plan(code).count("tanh") == 1


def test_a_copy_becomes_the_lines_own_target() -> None:
    def code(program: Program) -> None:
        x = program.input("x", (3,), np.float64)
        program.input("y", (3,), np.float64)[...] = np.tanh(2 * x)

    assert plan(code).splitlines()[-1].strip() == "tanh(t1, y)"


def test_a_line_does_not_write_over_what_it_reads_crosswise() -> None:
    """NumPy would make a copy then, on every step."""

    def code(program: Program) -> None:
        y = program.input("y", (3, 3), np.float64)
        y[...] = y + y.mT

    assert plan(code).splitlines()[1:] == ["    add(y, v1, t1)", "    y[...] = t1"]


def test_two_ways_to_a_product_give_the_same_bits() -> None:
    """The planner replays a product of two packed matrices by ndarray.dot."""
    rng = np.random.default_rng(0)

    def packed(rows: int, columns: int, dtype: type) -> np.ndarray:
        numbers = rng.standard_normal(rows * columns + 3).astype(dtype)[rng.integers(4) :]
        numbers = numbers[: rows * columns]
        shape = (rows, columns)
        return numbers.reshape(shape) if rng.integers(2) else numbers.reshape(shape[::-1]).mT

    for _ in range(5000):
        n, k, m = (int(size) for size in rng.integers(1, rng.choice([9, 90]), 3))
        dtype = np.float32 if rng.integers(2) else np.float64
        a = packed(n, k, dtype)
        b = a.mT if rng.random() < 0.1 else packed(k, m, dtype)
        out = np.empty((n, b.shape[1]), dtype)
        assert a.dot(b, out).tobytes() == (a @ b).tobytes()


def test_arrays_that_do_not_fit_are_refused() -> None:
    def code(program: Program) -> None:
        program.outputs["y"] = 2 * program.input("x", (3, 2), np.float64)

    replay = Replay(record(code, np.float64), ["y"])
    for wrong in (np.zeros((3, 3)), np.zeros((3, 2), np.float32), np.zeros((2, 3)).T):
        with pytest.raises(ValueError, match=r"x: expected float64 \(3, 2\) in C order, got"):
            replay.bind(x=wrong)
