"""Gradients that somebody else's code returns or keeps, instead of taking a step with them."""

import itertools
import re
from typing import Any

import numpy as np

from glassnet.insight.referee.places import leaves
from glassnet.insight.referee.subject import Subject
from glassnet.vocabulary import Array

PREFIX = r"^(d|D|grad|gradient|nabla|delta|del)_?"
SUFFIX = r"_?(grad|gradient|grads|gradients|d|delta)$"


def from_result(subject: Subject, result: Any) -> dict[str, Array]:
    """Return the gradients among what was returned, by the array that each belongs to."""
    if not isinstance(result, dict | list | tuple | np.ndarray):
        return {}
    found = {str(place): np.array(value, dtype=float) for place, value in leaves(result).items()}
    by_name = {name: place.name for place in leaves(result) for name in [str(place)]}
    return matched(subject, found, by_name)


def from_stores(subject: Subject, one: Any) -> dict[str, Array]:
    """Return the gradients among the attributes of an object, which say so in their names."""
    found, names = {}, {}
    for place, value in leaves(one).items():
        words = str(place)
        if words not in subject.learned and re.search(
            r"grad|nabla|^d_?[A-Za-z]|\.d[A-Za-z]", words
        ):
            found[words], names[words] = np.array(value, dtype=float), place.name
    return matched(subject, found, names)


def matched(subject: Subject, found: dict[str, Array], names: dict[str, str]) -> dict[str, Array]:
    """Return arrays by the weight they belong to: told by names, else by shapes in their order."""
    shapes = {name: places[0].read(subject.pristine).shape
              for name, places in subject.learned.items()}  # fmt: skip
    result: dict[str, Array] = {}
    left = dict(found)
    for weight, places in subject.learned.items():
        short = places[0].name
        for key, value in list(left.items()):
            bare = re.sub(PREFIX, "", names[key])
            bare = bare if bare != names[key] else re.sub(SUFFIX, "", names[key])
            owner = str(places[0])[: -len(short)] if str(places[0]).endswith(short) else ""
            close = not owner or "." not in owner or key.startswith(owner)
            named = len(bare) > 0 and bare.lower() == short.lower() and bare != names[key]
            named |= bool(short) and names[key] == short
            apart = _position(key) in (None, _position(weight))
            if named and close and apart and fits(value, shapes[weight]):
                result[weight] = left.pop(key).reshape(shapes[weight])
                break
    waiting = [weight for weight in shapes if weight not in result]
    for weight, key in _by_shape(waiting, left, shapes):
        result[weight] = left[key].reshape(shapes[weight])
    return result


def _position(text: str) -> str | None:
    numbers = re.findall(r"\[(\d+)\]", text)
    return numbers[-1] if numbers else None


def fits(value: Array, shape: tuple[int, ...]) -> bool:
    """Return whether an array has this shape, axes of one entry left out."""
    return [n for n in value.shape if n != 1] == [n for n in shape if n != 1]


def _by_shape(
    waiting: list[str], left: dict[str, Array], shapes: dict[str, tuple[int, ...]]
) -> list[tuple[str, str]]:
    """Return pairs of weight and array: in the same order, or turned round if only that fits."""
    for order in (list(left), list(left)[::-1]):
        pairs, rest = [], list(order)
        for weight in waiting:
            key = next((key for key in rest if fits(left[key], shapes[weight])), None)
            if key is not None:
                pairs.append((weight, key))
                rest.remove(key)
        ranks = [order.index(key) for _, key in pairs]
        if ranks == sorted(ranks) or len(set(map(str, shapes.values()))) == len(shapes):
            return pairs
    return list(itertools.chain(pairs))
