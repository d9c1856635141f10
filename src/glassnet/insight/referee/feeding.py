"""How somebody else's `forward` is fed, and which way round its result lies.

Inside the referee, rows are samples: X is (n, inputs), outputs are (n, units). What goes into the
user's code and what comes out of it is turned here, and only here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.insight.referee.habits import FORWARD, KEPT, LIKE_FORWARD, NOT_WHOLE
from glassnet.insight.referee.places import same, theirs
from glassnet.insight.referee.quiet import UnableError, attempt
from glassnet.insight.referee.roles import bind, call, parameters, role, roles
from glassnet.insight.referee.subject import Subject, vars_of
from glassnet.vocabulary import Array

# what rows become before they are given to the user's code
X_FORMS: dict[str, Callable[[Array], Any]] = {
    "rows": lambda X: X,  # (n, inputs)
    "columns": lambda X: X.T,  # (inputs, n)
    "slabs": lambda X: X[:, None, :],  # (n, 1, inputs): a matrix of one row for each sample
    "stack": lambda X: X[:, :, None],  # (n, inputs, 1)
    "flat": lambda X: X[:, 0],  # (n,), where there is one input
}
ONE_ROW: dict[str, Callable[[Array], Any]] = {
    "one row": lambda X: X[0],  # (inputs,)
    "one column": lambda X: X[0][:, None],  # (inputs, 1)
    "one list": lambda X: X[0].tolist(),
}


@dataclass
class Feed:
    """A way to call `forward` that works.

    Attributes
    ----------
    name : str
        The method's name, or what the adapter is called.
    form : str
        The form of X that it takes, of `X_FORMS` or `ONE_ROW`.
    function : callable
        ``function(object, x)`` returns what the user's code returns.
    pick : object
        Which entry of a tuple or dict is the output; None where the result is the output.
    axis : int
        The axis of the output that counts samples.
    inside : tuple of str
        Names of attributes that hold X and y, where `forward` takes no arguments.
    """

    name: str
    form: str
    function: Callable[[Any, Any], Any]
    pick: Any = None
    axis: int = 0
    flat: bool = False
    inside: tuple[str, str] | None = None

    @property
    def single(self) -> bool:
        """Whether it takes one sample at a time."""
        return self.form in ONE_ROW

    def raw(self, one: Any, X: Array) -> Any:
        """Return what the user's code returns for these rows (of one row, if single)."""
        return self.function(one, (X_FORMS | ONE_ROW)[self.form](X))

    def outputs(self, one: Any, X: Array) -> Array:
        """Return the outputs as (n, units)."""
        if self.single:
            rows = [self._array(self.raw(one, X[i : i + 1])).ravel() for i in range(len(X))]
            return np.stack(rows)
        return self.turned(self.raw(one, X), len(X))

    def precision(self, one: Any, X: Array) -> int:
        """Return how many digits the outputs have."""
        result = self.raw(one, X)
        array = np.asarray(result if self.pick is None else result[self.pick])
        return int(np.finfo(array.dtype).precision) if array.dtype.kind == "f" else 15

    def returned(self, outputs: Array) -> Array:
        """Return outputs (n, units) as the user's code would return them."""
        if self.single:
            return outputs[0]
        if self.flat:
            return outputs[:, 0]
        if self.form == "slabs":
            return outputs[:, None, :]
        if self.form == "stack":
            return outputs[:, :, None]
        return outputs if self.axis == 0 else outputs.T

    def _array(self, result: Any) -> Array:
        return picked(result, self.pick)

    def turned(self, result: Any, rows: int) -> Array:
        """Return what was returned for so many rows as outputs (n, units)."""
        out = self._array(result)
        if self.single:
            return out.reshape(1, -1)
        if out.ndim == 0 or out.shape[self.axis] != rows:
            raise UnableError(f"{self.name}: for {rows} samples it returned shape {out.shape}")
        return np.moveaxis(out, self.axis, 0).reshape(rows, -1)


def picked(result: Any, pick: Any) -> Array:
    """Return the output among what was returned, as floats."""
    chosen = result if pick is None else result[pick]
    array = np.asarray(chosen)
    if array.dtype.kind in "US" or chosen is None:
        raise UnableError(f"it returned {'nothing' if chosen is None else 'text'}")
    if array.dtype == object and not isinstance(chosen, list | tuple | np.ndarray):
        raise UnableError(f"it returned an object of {type(chosen).__name__}")
    if array.dtype == object:
        array = np.array([np.asarray(entry, dtype=float).ravel() for entry in chosen])
    return array.astype(float)


def choices(result: Any) -> list[Any]:
    """Return which entries of a result may be the output: the last array, then the first."""
    if isinstance(result, dict):
        keys = list(result)
    elif isinstance(result, tuple) or (
        isinstance(result, list) and len({np.shape(entry) for entry in result}) > 1
    ):
        keys = list(range(len(result)))
    else:
        return [None]
    arrays = [key for key in keys if isinstance(result[key], np.ndarray | float | np.floating)]
    floats = [key for key in arrays if np.asarray(result[key]).dtype.kind == "f"]
    if isinstance(result, tuple) and len(floats) < len(keys):
        return floats  # (output, cache): the first array
    return floats[::-1]


def find_feed(
    subject: Subject, X: Array, units: int | None, given: str, forward: Any, rng: Any
) -> Feed:
    """Return a way to call forward; say what was tried if there is none.

    ``given`` is the form in which the user gave X, which is tried first.
    """
    troubles, hard = [], []
    for name, function, inside in _functions(subject, X, forward):
        forms = [given, *(form for form in X_FORMS | ONE_ROW if form != given)]
        for form in forms:
            if form == "flat" and X.shape[1] != 1:
                continue
            feed = Feed(name, form, function, inside=inside)
            try:
                found = _tried(subject, feed, X, units, rng)
            except UnableError as error:
                troubles.append(f"{name}(X){'' if form == given else f' with {form}'}: {error}")
                continue
            if found and _smooth(subject, found, X):
                return found
            if found:  # it works, and other forms would only broadcast
                hard.append(name)
                break
    if hard:
        raise UnableError(
            f"{hard[0]}: it returns classes, not numbers that change with the weights; pass "
            "forward=, a function of (network, X) that returns what the loss is taken of"
        )
    if troubles:
        raise UnableError(
            f"{troubles[0]}; pass forward=, a function of (network, X) for the referee"
        )
    raise UnableError(
        f"nn: expected a method like forward(X), predict or feedforward, got "
        f"{type(subject.nn).__name__} without one; pass forward=, a function of (network, X)"
    )


def _functions(subject: Subject, X: Array, forward: Any) -> Any:
    """Yield candidates: name, function of (object, x), and names of inner data."""
    if callable(forward):
        yield getattr(forward, "__name__", "forward"), forward, None
        return
    known = methods(subject.pristine)
    words = among(known, FORWARD, LIKE_FORWARD)
    for word in [plain(forward)] if isinstance(forward, str) else words:
        name = known[word]
        method = getattr(subject.pristine, name)
        listed = parameters(method)
        if listed is not None and not [p for p in listed if p.default is p.empty]:
            inside = _inner(subject, X)
            if inside and "X" not in roles(method).values():
                yield name, _without(name, inside[0]), inside
                continue
        yield name, _method(name), None


def plain(name: str) -> str:
    """Return a name without underscores and capitals: as people agree on it."""
    return re.sub(r"^_[A-Za-z]\w*?__", "", name).replace("_", "").lower()


def methods(one: Any) -> dict[str, str]:
    """Return the methods of an object, their true names by their plain ones."""
    found: dict[str, str] = {}
    for kind in reversed(type(one).__mro__[:-1]):
        for name, entry in vars(kind).items() if theirs(kind) else ():
            if callable(entry) or isinstance(entry, staticmethod | classmethod):
                found[plain(name)] = name
    for name, entry in vars_of(one).items():
        if callable(entry) and isinstance(name, str) and not isinstance(one, dict):
            found[plain(name)] = name
    return found


def among(known: dict[str, str], words: tuple[str, ...], pattern: str) -> list[str]:
    """Return which of these words a class has for methods, then those that a pattern is in."""
    exact = [word for word in words if word in known]
    like = [word for word in known if re.search(pattern, word) and word not in words]
    return exact + [word for word in like if not re.search(NOT_WHOLE, word)]


def _method(name: str) -> Callable[[Any, Any], Any]:
    def function(one: Any, x: Any) -> Any:
        method = getattr(one, name)
        return _kept(one, call(method, bind(method, {"X": x, "quiet": False})))

    return function


def _kept(one: Any, result: Any) -> Any:
    """Return a result, or what the object keeps as its output where nothing was returned."""
    if result is not None:
        return result
    known = {plain(name): value for name, value in vars_of(one).items() if isinstance(name, str)}
    for word in KEPT:
        if isinstance(known.get(word), np.ndarray):
            return known[word]
    raise UnableError("it returns nothing, and keeps nothing that is called output")


def _without(name: str, inner: str) -> Callable[[Any, Any], Any]:
    """Return a function that lets the object have the rows, and calls its method with nothing."""

    def function(one: Any, x: Any) -> Any:
        setattr(one, inner, x)
        return _kept(one, getattr(one, name)())

    return function


def _inner(subject: Subject, X: Array) -> tuple[str, str] | None:
    """Return the names of the attributes that hold X and y, if the object keeps its data."""
    own = vars_of(subject.pristine)
    arrays = {name: value for name, value in own.items() if isinstance(value, np.ndarray)}
    inputs = [name for name, value in arrays.items() if same(value, X) or same(value.T, X)]
    wanted = [name for name in arrays if role(name) == "y"]
    return (inputs[0], wanted[0]) if inputs and wanted else None


def _tried(subject: Subject, feed: Feed, X: Array, units: int | None, rng: Any) -> Feed | None:
    """Return the feed, completed, if its result follows the number of samples."""
    counts = (5, 3) if X.shape[1] not in (5, 3) else (7, 4)
    inputs = [rng.standard_normal((count, X.shape[1])) for count in counts]
    if feed.single:
        result = attempt(feed.raw, subject.fresh(), inputs[0][:1])
        for pick in choices(result):
            feed.pick = pick
            if picked(result, pick).size:
                return feed
        return None
    first, second = (attempt(feed.raw, subject.fresh(), x) for x in inputs)
    options = choices(first)
    if units is not None and len(options) > 1:
        options.sort(key=lambda key: picked(first, key).size != units * counts[0])
    for pick in options:
        a, b = attempt(picked, first, pick), attempt(picked, second, pick)
        if a.ndim != b.ndim:
            continue
        axes = [i for i in range(a.ndim) if (a.shape[i], b.shape[i]) == counts]
        if len(axes) == 1:
            feed.pick, feed.axis, feed.flat = pick, axes[0], a.ndim == 1
            return feed
    if first is None:
        raise UnableError("it returned nothing")
    if not options:
        raise UnableError("it returned no array of floats")
    shape = np.shape(picked(first, options[0]))
    raise UnableError(f"for {counts[0]} samples it returned shape {shape}")


def _smooth(subject: Subject, feed: Feed, X: Array) -> bool:
    """Return whether the output is more than a class: whether small changes of X change it."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((4, X.shape[1]))
    # where it saturates, smaller weights help; where a relu is dead, others
    for own, size in ((1.0, 0.3), *((0.0, size) for size in (1.0, 0.3, 1.0, 0.1, 1.0, 0.03))):
        values = {}
        for name, places in subject.leaves.items():
            value = places[0].raw(subject.pristine)
            if isinstance(value, np.ndarray) and value.dtype == float:
                values[name] = own * value + size * rng.standard_normal(value.shape)
        try:
            results = [
                attempt(feed.outputs, subject.fresh(values), x + 1e-3 * step) for step in range(4)
            ]
        except UnableError:
            return True
        if any((r != results[0]).any() for r in results[1:]):
            return True
    return False
