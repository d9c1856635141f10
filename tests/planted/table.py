"""The table of planted mistakes: in which network, which lines become which, and what they are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Style:
    """How to make a network of a file, and its rows."""

    file: str
    name: str
    make: Any  # of (class, rng) -> (network, X, y)
    loss: str | None


def binary(rng: Any, d: int, n: int = 12, columns: bool = False) -> tuple[Any, Any]:
    X = rng.standard_normal((n, d))
    y = (X[:, :1] * X[:, -1:] + 0.3 * rng.standard_normal((n, 1)) > 0).astype(int)
    y[:2] = [[0], [1]]
    return (X.T, y.T) if columns else (X, y)


def classes(rng: Any, d: int, k: int, n: int = 15) -> tuple[Any, Any]:
    X = rng.standard_normal((n, d))
    return X, np.concatenate([np.arange(k), rng.integers(0, k, n - k)])


def numbers(rng: Any, d: int, k: int = 1, n: int = 12) -> tuple[Any, Any]:
    X = rng.standard_normal((n, d))
    return X, np.sin(X @ rng.standard_normal((d, k)))


def _plain(cls: Any, rng: Any) -> Any:
    d, h = rng.integers(2, 5), rng.integers(2, 6)
    return cls(d, h, 1), *binary(rng, d)


def _columns(cls: Any, rng: Any) -> Any:
    d, h = rng.integers(2, 5), rng.integers(2, 6)
    return cls(d, h, 1), *binary(rng, d, columns=True)


def _lists(cls: Any, rng: Any) -> Any:
    d, k = int(rng.integers(2, 5)), int(rng.integers(1, 4))
    X, y = numbers(rng, d, k)
    return cls([d, int(rng.integers(3, 6)), 4, k]), X, abs(y)


def _digits(cls: Any, rng: Any) -> Any:
    d, k = int(rng.integers(2, 6)), int(rng.integers(3, 5))
    X, y = classes(rng, d, k)
    return cls(d, int(rng.integers(3, 8)), k), X, np.eye(k)[y]


def _regressor(cls: Any, rng: Any) -> Any:
    d, k = int(rng.integers(1, 5)), int(rng.integers(1, 3))
    return cls(d, (int(rng.integers(3, 6)), int(rng.integers(3, 6))), k), *numbers(rng, d, k)


def _query(cls: Any, rng: Any) -> Any:
    d, k = int(rng.integers(2, 5)), int(rng.integers(2, 4))
    X, y = classes(rng, d, k)
    return cls(d, int(rng.integers(2, 6)), k, 0.3), X, np.eye(k)[y] * 0.98 + 0.01


def _inside(cls: Any, rng: Any) -> Any:
    X, y = binary(rng, int(rng.integers(2, 5)))
    return cls(X, y), X, y


def _course(cls: Any, rng: Any) -> Any:
    d, k = int(rng.integers(2, 6)), int(rng.integers(3, 5))
    return cls(d, int(rng.integers(3, 8)), k), *classes(rng, d, k)


def _objects(cls: Any, rng: Any) -> Any:
    d, k = int(rng.integers(2, 5)), int(rng.integers(1, 3))
    X, y = numbers(rng, d, k)
    return cls(d, int(rng.integers(2, 6)), k), X[:, None, :], y[:, None, :]


def _neuron(cls: Any, rng: Any) -> Any:
    d = int(rng.integers(2, 5))
    return cls(d, int(rng.integers(100))), *binary(rng, d)


def _deep(task: str, activation: str = "tanh", square: bool = False) -> Any:
    def make(cls: Any, rng: Any) -> Any:
        d, h = int(rng.integers(2, 5)), int(rng.integers(3, 6))
        k = 1 if task == "binary" else int(rng.integers(2, 4))
        sizes = [d, h, h if square else int(rng.integers(3, 6)), k]
        if task == "binary":
            X, y = binary(rng, d)
        elif task == "classes":
            X, y = classes(rng, d, k)
            y = np.eye(k)[y]
        else:
            X, y = numbers(rng, d, k)
        return cls(sizes, activation, task, int(rng.integers(100))), X, y

    return make


def _logistic(cls: Any, rng: Any) -> Any:
    X, y = binary(rng, int(rng.integers(2, 5)))
    return cls(), X, y[:, 0]


def _three(cls: Any, rng: Any) -> Any:
    d, h = int(rng.integers(2, 5)), int(rng.integers(3, 6))
    return cls(d, h, int(rng.integers(2, 5)), 1), *binary(rng, d)


def _three_square(cls: Any, rng: Any) -> Any:
    d, h = int(rng.integers(2, 5)), int(rng.integers(3, 6))
    return cls(d, h, h, 1), *binary(rng, d)


def _numbered(square: bool) -> Any:
    def make(cls: Any, rng: Any) -> Any:
        d, k, h = int(rng.integers(2, 5)), int(rng.integers(3, 5)), int(rng.integers(3, 6))
        X, y = classes(rng, d, k)
        return cls([d, h, h if square else int(rng.integers(3, 6)), k]), X, np.eye(k)[y]

    return make


def _model(cls: Any, rng: Any) -> Any:
    d = int(rng.integers(2, 5))
    sizes = [d, int(rng.integers(3, 6)), int(rng.integers(2, 5)), 1]
    return cls(sizes), *binary(rng, d, columns=True)


def _pairs(cls: Any, rng: Any) -> Any:
    d, k = int(rng.integers(2, 5)), int(rng.integers(1, 3))
    world = cls.__init__.__globals__
    functions = [world[name] for name in ("SIGMOID", "TANH", "LINEAR")]
    return cls([d, 4, int(rng.integers(3, 6)), k], functions, rng), *numbers(rng, d, k)


def _written(square: bool) -> Any:
    def make(cls: Any, rng: Any) -> Any:
        d, k, h = int(rng.integers(2, 5)), int(rng.integers(1, 3)), int(rng.integers(3, 6))
        return cls(d, h, h if square else int(rng.integers(3, 6)), k, rng), *numbers(rng, d, k)

    return make


def _loops(cls: Any, rng: Any) -> Any:
    d = int(rng.integers(2, 5))
    X, y = binary(rng, d)
    return cls(d, int(rng.integers(2, 5)), rng), X, y[:, 0]


BCE, CE, SE = "binary_cross_entropy", "cross_entropy", "squared_error"
STYLES = {
    "plain": Style("plain", "NeuralNetwork", _plain, BCE),
    "columns": Style("columns", "TwoLayerModel", _columns, BCE),
    "lists": Style("lists", "Network", _lists, SE),
    "digits": Style("digits", "MLP", _digits, CE),
    "regressor": Style("regressor", "Regressor", _regressor, SE),
    "query": Style("query", "neuralNetwork", _query, SE),
    "inside": Style("inside", "NeuralNetwork", _inside, SE),
    "course": Style("course", "TwoLayerNet", _course, CE),
    "objects": Style("objects", "Network", _objects, SE),
    "neuron": Style("neuron", "NeuralNetwork", _neuron, SE),
    "deep binary": Style("deep", "DeepNet", _deep("binary"), BCE),
    "deep classes": Style("deep", "DeepNet", _deep("classes", "relu"), CE),
    "deep numbers": Style("deep", "DeepNet", _deep("numbers", "sigmoid"), SE),
    "deep leaky": Style("deep", "DeepNet", _deep("classes", "leaky"), CE),
    "deep square": Style("deep", "DeepNet", _deep("binary", "tanh", True), BCE),
    "logistic": Style("logistic", "LogisticRegression", _logistic, BCE),
    "three": Style("three", "ThreeLayerNN", _three, BCE),
    "three square": Style("three", "ThreeLayerNN", _three_square, BCE),
    "numbered": Style("numbered", "DeepNeuralNetwork", _numbered(False), CE),
    "numbered square": Style("numbered", "DeepNeuralNetwork", _numbered(True), CE),
    "model": Style("model", "LLayerModel", _model, BCE),
    "pairs": Style("pairs", "Net", _pairs, SE),
    "written": Style("written", "HandMade", _written(False), SE),
    "written square": Style("written", "HandMade", _written(True), SE),
    "loops": Style("loops", "LoopNet", _loops, BCE),
}


def network(style: str, changes: tuple[tuple[str, str], ...], seed: int) -> Any:
    """Return a network of a style with these changes in its code, rows, targets and the loss."""
    chosen = STYLES[style]
    text = (HERE / f"{chosen.file}.py").read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) >= 1, f"{style}: {old!r} is not there"
        text = text.replace(old, new)
    world: dict[str, Any] = {"__name__": f"planted.{chosen.file}"}
    exec(compile(text, f"{chosen.file}.py", "exec"), world)
    np.random.seed(seed)  # noqa: NPY002
    rng = np.random.default_rng(seed)
    nn, X, y = chosen.make(world[chosen.name], rng)
    return nn, X, y, chosen.loss


@dataclass(frozen=True)
class Mistake:
    """Changes in a network's code, and the kinds that the referee should name."""

    style: str
    kinds: str
    changes: tuple[tuple[str, str], ...]
    flat: bool = False  # whether y is given to the referee as (n,)


def mistakes() -> list[Mistake]:
    """Return what stands in mistakes.txt.

    A mistake is a line "style: kinds" and changes: lines that begin with - become those that begin
    with +. Where no + follows, whole lines are taken out; & is between two such.
    """
    found = []
    for block in (HERE / "mistakes.txt").read_text(encoding="utf-8").rstrip().split("\n\n"):
        head, *lines = block.split("\n")
        style, kinds = head.split(": ")
        changes: list[tuple[list[str], list[str]]] = []
        for line in lines:
            mark, text = line[:1], line[2:]
            if mark == "-" and (not changes or changes[-1][1]):
                changes.append(([], []))
            if mark == "&":
                changes.append(([], []))
            else:
                changes[-1][mark == "+"].append(text)
        pairs = tuple(("\n".join(old) + "\n" * (not new), "\n".join(new)) for old, new in changes)
        found.append(
            Mistake(style.removesuffix(", flat y"), kinds, pairs, style.endswith("flat y"))
        )
    return found


MISTAKES = mistakes()
