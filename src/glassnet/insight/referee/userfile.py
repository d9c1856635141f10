"""A class in the user's own file: the file is run, an object is made, and the referee looks at it.

The file is the user's program and is run as such: whatever it does when imported, it does.
"""

import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from glassnet.insight.referee.acquaintance import Help
from glassnet.insight.referee.feeding import among, plain
from glassnet.insight.referee.habits import (
    BACKWARD,
    FORWARD,
    LIKE_BACKWARD,
    LIKE_FORWARD,
    LIKE_TRAIN,
    SIZES,
    TRAIN,
)
from glassnet.insight.referee.judge import judged
from glassnet.insight.referee.quiet import UnableError, attempt, quietly, seeded, told
from glassnet.insight.referee.report import Report
from glassnet.insight.referee.roles import parameters, role
from glassnet.vocabulary import Array

HIDDEN = 4  # units of a hidden layer, where the size is ours to choose
ROLE_OF = {word: part for part, words in SIZES.items() for word in words.split()}


def _xor() -> tuple[Array, Array]:
    return np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])


def _classes() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    labels = np.arange(30) % 3
    middle = np.array([[0.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    return middle[labels] + 0.4 * rng.standard_normal((30, 2)), np.eye(3)[labels]


def _numbers() -> tuple[Array, Array]:
    X = np.linspace(-2, 2, 20)[:, None]
    return X, np.sin(X)


DATA: dict[str, Callable[[], tuple[Array, Array]]] = {
    "xor": _xor,  # two inputs, one output, 0 or 1
    "classes": _classes,  # two inputs, three classes, one-hot
    "numbers": _numbers,  # one input, one number
}


def check(
    target: str,
    data: str | tuple[Any, Any] = "xor",
    loss: str | None = None,
    arguments: dict[str, Any] | None = None,
    seed: int = 0,
) -> Report:
    """Check a class in a file, as `referee` checks an object.

    The file is run, with its folder on Python's path; what it prints is kept in.

    Parameters
    ----------
    target : str
        "mine.py:SimpleNeuralNetwork"; the class may be left out if there is only one that has a
        forward and a step.
    data : str or tuple of arrays
        "xor", "classes" (two inputs, three classes), "numbers" (one input, one number), or (X, y).
    loss : str, optional
        As for `referee`; left out, the loss that the class itself computes, or that suits.
    arguments : dict, optional
        Arguments of the class by name, where those that are guessed do not fit.
    seed : int
        Of the object's first weights (NumPy's global state), rows and weights.

    Raises
    ------
    ValueError
        If there is no such file or class, the file raises, or no object can be made.
    """
    file, _, name = target.rpartition(":") if _has_name(target) else (target, "", "")
    X, y = _data(data)
    with quietly():
        seeded(seed)
        module = load(Path(file))
        kind = find_class(module, name, file)
        try:
            nn = build(kind, X, y, arguments or {})
        except UnableError as trouble:
            raise ValueError(f"{target}: {trouble}") from None
    report = judged(nn, X, y, Help(loss=loss, free=isinstance(data, str), seed=seed))
    report.checked.insert(0, f"Ran {file}: it is your own code, and did what it does when run.")
    return report


def _has_name(target: str) -> bool:
    head, mark, tail = target.rpartition(":")
    return bool(mark) and tail.isidentifier() and len(head) > 1  # a drive is one letter


def _data(data: str | tuple[Any, Any]) -> tuple[Any, Any]:
    if not isinstance(data, str):
        return data
    if data not in DATA:
        raise ValueError(f"data: expected one of {', '.join(map(repr, DATA))}, got {data!r}")
    return DATA[data]()


def load(path: Path) -> ModuleType:
    """Run a file as a module, not as a script: what stands under ``if __name__ ...`` is left."""
    if not path.is_file():
        raise ValueError(f"{path}: expected a Python file, found none")
    spec = importlib.util.spec_from_file_location(f"checked_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path}: expected a Python file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ValueError(
            f"{path}: running it raised {told(error)}; put what trains or prints under "
            "if __name__ == '__main__':"
        ) from None
    finally:
        sys.path.remove(str(path.resolve().parent))
        sys.modules.pop(spec.name, None)
    return module


def find_class(module: ModuleType, name: str, file: str) -> type:
    """Return the class of this name, or the only one that looks like a network."""
    own = {
        key: value
        for key, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__
    }
    if name:
        found = getattr(module, name, None)
        if not inspect.isclass(found):
            raise ValueError(
                f"{file}: expected a class {name}, found {', '.join(own) or 'no class at all'}"
            )
        return found
    likely = [kind for kind in own.values() if looks_like_network(kind)]
    if len(likely) > 1:  # a network trains, a layer does not
        likely = [kind for kind in likely if _words(kind) & set(TRAIN)] or likely
    if len(likely) != 1:
        names = ", ".join(kind.__name__ for kind in likely or own.values()) or "none"
        raise ValueError(f"{file}: expected one class of a network, found {names}; say {file}:NAME")
    return likely[0]


def looks_like_network(kind: type) -> bool:
    """Return whether a class has a forward and a step, and not one layer's forward alone."""
    known = dict.fromkeys(_words(kind), "")
    backward = among(known, BACKWARD, LIKE_BACKWARD) + among(known, TRAIN, LIKE_TRAIN)
    return bool(among(known, FORWARD, LIKE_FORWARD)) and bool(backward)


def _words(kind: type) -> set[str]:
    return {plain(name) for base in kind.__mro__[:-1] for name in vars(base)}


# ---- an object -----------------------------------------------------------------------------------


def build(kind: type, X: Array, y: Array, arguments: dict[str, Any]) -> Any:
    """Return an object of a class, its arguments guessed from their names and the rows."""
    inputs, outputs = X.shape[1], (1 if np.ndim(y) == 1 else y.shape[1])
    guesses = {
        "input": inputs,
        "output": outputs,
        "sizes": [inputs, HIDDEN, outputs],
        "hiddens": [HIDDEN],
        "X": X,
        "y": y,
        "rate": 0.1,
        "epochs": 1,
        "rows": len(X),
        "quiet": False,
    }
    chosen = dict(arguments)
    unknown = []
    for p in parameters(kind) or []:
        part = size_role(p.name)
        if p.name in chosen:
            continue
        if part in ("input", "output", "sizes", "hiddens", "hidden") and part:
            wide = isinstance(p.default, list | tuple)
            if part == "hidden" and p.default is not p.empty:
                continue
            chosen[p.name] = _sized(guesses.get(part, HIDDEN), wide, p.default)
        elif p.default is p.empty and part in guesses:
            chosen[p.name] = guesses[part]
        elif p.default is p.empty:
            unknown.append(p.name)
    if unknown:
        raise UnableError(
            f"{kind.__name__} wants an argument {unknown[0]!r}, which means nothing to the "
            "referee; give its value"
        )
    return attempt(_made, kind, chosen)


def _sized(guess: Any, wide: bool, default: Any) -> Any:
    return type(default)(guess) if wide and isinstance(guess, list) else guess


def _made(kind: type, chosen: dict[str, Any]) -> Any:
    listed = parameters(kind) or []
    first = [chosen[p.name] for p in listed if p.kind == p.POSITIONAL_ONLY]
    return kind(*first, **{p.name: chosen[p.name] for p in listed
                           if p.name in chosen and p.kind != p.POSITIONAL_ONLY})  # fmt: skip


def size_role(name: str) -> str | None:
    """Return what an argument of a class is for: a size, or what `roles.role` says.

    Examples
    --------
    >>> [size_role(n) for n in ("input_size", "n_hidden", "layer_sizes", "X", "lr", "flavour")]
    ['input', 'hidden', 'sizes', 'X', 'rate', None]
    """
    word = plain(name)
    if word in ROLE_OF:
        return ROLE_OF[word]
    if "hid" in word or word in ("nh", "h", "units", "nunits", "h1", "h2", "nh1", "nh2"):
        return "hidden"
    if word.startswith(("input", "nin", "numin")):
        return "input"
    if word.startswith(("output", "nout", "numout")):
        return "output"
    return role(name)
