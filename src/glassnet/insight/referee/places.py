"""Where the numbers of an object lie: its attributes, lists and dicts, walked, read and written."""

import builtins
import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.vocabulary import Array

DEEPEST = 7  # attributes of attributes of ...
NOT_WALKED = (
    *(type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType),
    *(np.random.Generator, np.random.RandomState, np.random.BitGenerator, str, bytes, np.dtype),
)


@dataclass(frozen=True)
class Place:
    """The way from an object to one of its numbers: (".", attribute) and ("[", key) steps."""

    steps: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        text = ""
        for kind, key in self.steps:
            if kind == ".":
                text += ("." if text else "") + re.sub(r"^_[A-Za-z]\w*?__", "__", key)
            else:
                text += f"[{key!r}]" if text or not isinstance(key, str) else key
        return text

    @property
    def name(self) -> str:
        """The last word of the way that is a name."""
        words = [key for _, key in self.steps if isinstance(key, str)]
        return re.sub(r"^_[A-Za-z]\w*?__", "", words[-1]).strip("_") if words else ""

    def raw(self, root: Any) -> Any:
        """Return what lies there."""
        for kind, key in self.steps:
            root = getattr(root, key) if kind == "." else root[key]
        return root

    def replace(self, root: Any, value: Any) -> None:
        """Let something else lie there."""
        *way, (kind, key) = self.steps
        owner = Place(tuple(way)).raw(root)
        if kind == ".":
            setattr(owner, key, value)
        else:
            owner[key] = value

    def read(self, root: Any) -> Array:
        """Return the numbers that lie there, as a new array of floats."""
        return np.array(self.raw(root), dtype=float)

    def write(self, root: Any, value: Array) -> None:
        """Put numbers there: into the array if there is one that can hold them."""
        there = self.raw(root)
        if isinstance(there, np.ndarray):
            if there.dtype == float and there.shape == value.shape and there.flags.writeable:
                there[...] = value
            else:
                self.replace(root, value.copy())
        elif isinstance(there, list):
            there[:] = value.tolist()
        else:
            self.replace(root, float(value))


@dataclass(frozen=True)
class Pile:
    """Numbers of equal shapes that lie apart, one for each unit, taken as one array.

    The first axis counts them: the weights of neurons that are objects of their own, say.
    """

    text: str
    places: tuple[Place, ...]

    def __str__(self) -> str:
        return self.text

    @property
    def name(self) -> str:
        """The last word of the way to each of them."""
        return self.places[0].name

    def read(self, root: Any) -> Array:
        """Return the numbers of all of them, as a new array."""
        return np.stack([place.read(root) for place in self.places])

    def write(self, root: Any, value: Array) -> None:
        """Put numbers into all of them."""
        for place, part in zip(self.places, value, strict=True):
            place.write(root, part)


def piles(root: Any, places: list[Place]) -> list[Place | Pile]:
    """Return places, those of Python's numbers piled up where they differ in one index alone."""
    found: dict[str, list[Place]] = {}
    for place in places:
        counted = [i for i, (kind, key) in enumerate(place.steps)
                   if kind == "[" and isinstance(key, int)]  # fmt: skip
        text = str(place)
        if counted and not isinstance(place.raw(root), np.ndarray):
            steps = list(place.steps)
            steps[counted[-1]] = ("[", Any)
            text = str(Place(tuple(steps))).replace("[typing.Any]", "[*]")
        found.setdefault(text, []).append(place)
    result: list[Place | Pile] = []
    for text, members in found.items():
        alike = len({np.shape(place.raw(root)) for place in members}) == 1
        result += [Pile(text, tuple(members))] if "[*]" in text and alike else members
    return result


def numeric(value: Any) -> bool:
    """Return whether this is a number, an array of numbers, or a list of numbers like one."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fiu" and value.size > 0
    if isinstance(value, list):
        return bool(value) and _plain(value)
    return isinstance(value, float | np.floating)


def _plain(value: Any) -> bool:
    """Return whether a list holds Python's numbers alone, in rows of equal lengths."""
    if any(not isinstance(entry, int | float | list) or entry is True for entry in value):
        return False
    flat = all(isinstance(entry, int | float) for entry in value)
    if flat:
        return any(isinstance(entry, float) for entry in value)
    rows = all(isinstance(entry, list) and entry for entry in value)
    return rows and len({len(entry) for entry in value}) == 1 and all(map(_plain, value))


def leaves(root: Any) -> dict[Place, Any]:
    """Return all numbers of an object by their places, in the order in which they were made.

    Examples
    --------
    >>> class Net:
    ...     def __init__(self):
    ...         self.weights, self.params = [np.zeros((2, 3))], {"b": np.zeros(3)}
    >>> [str(place) for place in leaves(Net())]
    ['weights[0]', "params['b']"]
    """
    return dict(_walk(root, (), set()))


def _walk(value: Any, steps: tuple[tuple[str, Any], ...], seen: set[int]) -> Iterator[Any]:
    if numeric(value):
        yield Place(steps), value
        return
    if len(steps) > DEEPEST or isinstance(value, NOT_WALKED) or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, dict):
        entries = [(("[", key), entry) for key, entry in value.items()]
    elif isinstance(value, list | tuple):
        entries = [(("[", place), entry) for place, entry in enumerate(value)]
    else:
        entries = [((".", name), entry) for name, entry in attributes(value).items()]
    for step, entry in entries:
        yield from _walk(entry, (*steps, step), seen)


def attributes(value: Any) -> dict[str, Any]:
    """Return the attributes of an object: its own, those in slots, and arrays of its class."""
    if not theirs(type(value)):
        return {}
    found = {}
    for kind in reversed(type(value).__mro__):
        for name, entry in vars(kind).items():
            arrays = isinstance(entry, np.ndarray | list | dict) and not name.startswith("__")
            if arrays or isinstance(entry, types.MemberDescriptorType):
                found[name] = getattr(value, name, None)
    return found | dict(getattr(value, "__dict__", {}))


def theirs(kind: type) -> bool:
    """Return whether a class was written by a user, and is not Python's or NumPy's own."""
    if kind.__module__ == "builtins":  # as what exec makes is, too
        return getattr(builtins, kind.__name__, None) is not kind
    return kind.__module__.split(".")[0] not in ("numpy", "threading", "_thread", "_io")


def same(first: Any, second: Any) -> bool:
    """Return whether two arrays hold the same numbers in the same shape."""
    a, b = np.asarray(first), np.asarray(second)
    return a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=True))
