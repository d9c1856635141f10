"""What estimators were given and have learned, as JSON says it: parameters, labels, scores.

JSON's own values are themselves. Whatever else there is comes as a dict of one tag, and the tags
are all here: tuples, dicts, numbers that are not finite, arrays of labels, glassnet's own parts.
"""

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from reprlib import repr as short
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassnet import checks
from glassnet.files.networks import BENDS, describe, restore
from glassnet.losses import LOSSES
from glassnet.metrics import METRICS
from glassnet.optimizers import OPTIMIZERS
from glassnet.schedules import SCHEDULES

Array = NDArray[Any]
PARTS: dict[str, Mapping[str, type[Any]]] = {
    "activation": BENDS,
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
}
PLAIN = (type(None), bool, int, float, str)
NOT_FINITE = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}
# dtypes of labels, and what Python has for their values; "U7" is text of up to 7 letters
NUMBERS: dict[str, type[Any]] = {"bool": bool}
NUMBERS |= {f"{sign}int{bits}": int for sign in ("", "u") for bits in (8, 16, 32, 64)}
NUMBERS |= {f"float{bits}": float for bits in (16, 32, 64)}
DATES = [f"datetime64[{unit}]" for unit in ("D", "h", "m", "s", "ms", "us")]
ROOM = 2**16  # letters, blanks behind shorter labels included, that need no longest label


def to_json(name: str, value: Any) -> Any:
    """Return a parameter as JSON says it, or raise a TypeError that names it.

    Examples
    --------
    >>> to_json("hidden_layer_sizes", (8, 4)), to_json("class_weight", {0: 1.0, 1: 2.5})
    ({'tuple': [8, 4]}, {'dict': [[0, 1.0], [1, 2.5]]})
    """
    if isinstance(value, np.generic):
        value = value.item()
    if hasattr(value, "to_numpy"):  # names of columns, as pandas and polars have them
        value = value.to_numpy()
    if type(value) in PLAIN:
        finite = type(value) is not float or np.isfinite(value)
        return value if finite else {"number": str(value)}
    if type(value) is list:
        return [to_json(name, each) for each in value]
    if type(value) is tuple:
        return {"tuple": [to_json(name, each) for each in value]}
    if type(value) is dict:
        pairs = [[to_json(name, key), to_json(name, each)] for key, each in value.items()]
        if all(type(key) in PLAIN for key, _ in pairs):
            return {"dict": pairs}
    if type(value) is np.ndarray and value.ndim == 1:
        return {"array": labels_to_json(name, value)}
    for tag, table in PARTS.items():
        if type(value) in table.values():
            return {tag: describe(value, table)}
    for metric, known in METRICS.items():
        if value is known:
            return {"metric": metric}
    raise TypeError(
        f"{name}: expected numbers, text, lists, dicts or glassnet's own parts to save, got "
        f"{short(value)}: a model file holds no code"
    )


def from_json(name: str, content: Any) -> Any:
    """Return the parameter that `to_json` said, or raise a ValueError if there is none.

    Examples
    --------
    >>> from_json("activation", {"activation": {"kind": "elu", "alpha": 0.5}})
    Elu(0.5)
    """
    if isinstance(content, list):
        return [from_json(name, each) for each in content]
    if not isinstance(content, dict):
        return content
    if len(content) != 1:
        raise ValueError(f"{name}: expected one tag, got {short(list(content))}")
    ((tag, inner),) = content.items()
    if tag in PARTS:
        return restore(inner, PARTS[tag])
    if tag == "metric":
        return METRICS[checks.one_of(name, inner, METRICS)]
    if tag == "number":
        return NOT_FINITE[checks.one_of(name, inner, NOT_FINITE)]
    if tag == "array":
        return labels_from_json(name, inner)
    if tag not in ("tuple", "dict") or not isinstance(inner, list):
        raise ValueError(f"{name}: expected a value, got {short(content)}")
    if tag == "tuple":
        return tuple(from_json(name, each) for each in inner)
    return _dict(name, inner)


def _dict(name: str, pairs: list[Any]) -> dict[Any, Any]:
    if any(not isinstance(pair, list) or len(pair) != 2 for pair in pairs):
        raise ValueError(f"{name}: expected pairs of a dict, got {short(pairs)}")
    if any(type(key) not in PLAIN for key, _ in pairs):
        raise ValueError(f"{name}: expected keys that are numbers or text, got {short(pairs)}")
    content = {key: from_json(name, each) for key, each in pairs}
    if len(content) != len(pairs):
        raise ValueError(f"{name}: expected different keys, got {short(pairs)}")
    return content


# ---- labels --------------------------------------------------------------------------------------


def labels_to_json(name: str, labels: Array) -> dict[str, Any]:
    """Return an array (n,) of numbers, truths, text, or objects that are these, as JSON says it.

    Examples
    --------
    >>> labels_to_json("classes_", np.array(["no", "yes"]))
    {'dtype': 'U3', 'values': ['no', 'yes']}
    """
    dtype = labels.dtype
    said: dict[str, Any] = {
        "dtype": dtype.str[1:] if dtype.kind == "U" else dtype.name,
        "values": [to_json(name, label) for label in _plain(labels)],
    }
    try:
        again = labels_from_json(name, said)
        right = again.dtype == dtype and bool((again == labels).all())
    except ValueError:
        right = False
    if not right:
        raise TypeError(
            f"{name}: expected numbers, truths or text to save, got {short(labels.tolist())} of "
            f"{dtype}"
        )
    return said


def _plain(labels: Array) -> list[Any]:
    """Return labels as Python has them; dates as text."""
    values: list[Any] = (labels.astype(str) if labels.dtype.kind == "M" else labels).tolist()
    return values


def labels_from_json(name: str, content: Any) -> Array:
    """Return the labels that `labels_to_json` said, or raise a ValueError if there are none.

    Examples
    --------
    >>> labels_from_json("classes_", {"dtype": "uint8", "values": [3, 5]})
    array([3, 5], dtype=uint8)
    """
    if not isinstance(content, dict) or content.keys() != {"dtype", "values"}:
        raise ValueError(f"{name}: expected labels with their dtype, got {short(content)}")
    dtype, values = content["dtype"], content["values"]
    if not isinstance(dtype, str) or not isinstance(values, list):
        raise ValueError(f"{name}: expected a dtype and a list of labels, got {short(content)}")
    values = [from_json(name, value) for value in values]
    if dtype == "object":
        if all(type(value) in PLAIN for value in values):
            labels = np.empty(len(values), object)
            labels[:] = values
            return labels
    elif dtype in NUMBERS or dtype in DATES:
        with suppress(ValueError):  # text that is no date
            if all(type(value) is NUMBERS.get(dtype, str) for value in values):
                labels = np.array(values, dtype)
                if _plain(labels) == values:
                    return labels
    elif re.fullmatch(r"U[1-9]\d{0,8}", dtype) and all(type(value) is str for value in values):
        longest, width = max(map(len, values), default=0), int(dtype[1:])
        # a file must not make us reserve more than it holds
        if longest == width or (longest < width and width * len(values) <= ROOM):
            labels = np.array(values, dtype)
            if labels.tolist() == values:
                return labels
    raise ValueError(f"{name}: expected labels of a dtype, got {short(content)}")


def learned_labels(content: Any) -> Array:
    """Return the classes of an estimator, each of them once.

    Examples
    --------
    >>> learned_labels({"dtype": "object", "values": ["a", 1]})
    array(['a', 1], dtype=object)
    """
    labels = labels_from_json("classes_", content)
    different = {(type(label), label) for label in labels.tolist()}
    if not len(labels) or len(different) < len(labels):
        raise ValueError(f"classes_: expected different labels, got {short(labels.tolist())}")
    return labels


def score(name: str, content: Any) -> float | None:
    """Return a number, which may not be finite, or None where there is none.

    Examples
    --------
    >>> score("loss_", 0.5), score("loss_", {"number": "inf"})
    (0.5, inf)
    """
    value = from_json(name, content)
    if value is None or type(value) is float:
        return value
    raise ValueError(f"{name}: expected a number with a point, or none, got {short(content)}")


def same(name: str, found: Collection[str], expected: Collection[str]) -> None:
    """Make sure that what is there is what should be there.

    Examples
    --------
    >>> same("estimator", ["n_iter_", "x"], ["n_iter_"])
    Traceback (most recent call last):
        ...
    ValueError: estimator: expected n_iter_, got x beside it
    """
    for odd in sorted({*found} ^ {*expected}):
        what = f"got {odd} beside it" if odd in found else f"got no {odd}"
        raise ValueError(f"{name}: expected {', '.join(sorted(expected)) or 'nothing'}, {what}")
