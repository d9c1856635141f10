"""The object under test: copies of it to run, and the arrays in it that are learned."""

import contextlib
import copy
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from glassnet.insight.referee.places import Pile, Place, leaves, piles, same
from glassnet.insight.referee.quiet import UnableError, attempt, seeded, told
from glassnet.vocabulary import Array

WEIGHT = re.compile(
    r"^(w|b|wt|wts|weights?|bias|biases|theta|kernel|coef|intercept|syn)(_|\d|$)"
    r"|weight|bias|synap|theta|kernel|^w[a-z]{1,2}$|^b[a-z]{1,2}$",
    re.I,
)
CONSTANT = re.compile(
    r"mean|std|^mu|sigma|min|max|var|eps|running|moment|veloc|^[vm]_?[wb]|^d_?[wb]|grad|cache"
    r"|histor|loss|cost|error|alpha|slope|rate|lambda|mask",
    re.I,
)
RATE = re.compile(r"^(lr|eta|alpha|rate|learn(ing)?_?rate|l_rate|step_?size)$", re.I)
EPOCHS = re.compile(r"^(n_?|num_?|max_?)?(epochs?|iter(ation)?s?|steps|n_iters?)$", re.I)


LARGE = 100_000  # numbers of an array that is not copied unless it is learned
BASES = 25  # sets of weights at which it is tried what the outputs depend on


class Subject:
    """An object, of which copies are run; the object itself stays as it is.

    Attributes
    ----------
    learned : dict of str to list of Place or Pile
        The arrays that `forward` depends on; where one array lies at several places, all of them.
    fickle, rough : bool
        Whether `forward` gives something else when it is called once more (it draws or counts);
        whether it computes in float32, whatever it is given.
    """

    def __init__(self, nn: Any) -> None:
        self.nn, self.learned = nn, dict[str, list[Place | Pile]]()
        self.whole_numbers: list[str] = []
        self.fickle = self.rough = False
        self.pristine = copied(nn, [])
        self.shared: list[Array] = []  # large arrays that are not learned, such as data
        seen: dict[int, str] = {}
        self.leaves: dict[str, list[Place]] = {}
        for place, value in leaves(self.pristine).items():
            name = str(place)
            if isinstance(value, np.ndarray) and id(value) in seen:
                self.leaves[seen[id(value)]].append(place)
                continue
            seen[id(value)] = name
            self.leaves[name] = [place]
        for name, places in self.leaves.items():
            self._as_floats(name, places)
        self.share(name for name in self.leaves if not WEIGHT.search(name))

    def _as_floats(self, name: str, places: list[Place]) -> None:
        """Let arrays hold float64, so that no step is lost in rounding."""
        there = places[0].raw(self.pristine)
        if isinstance(there, np.ndarray) and there.dtype != float:
            if there.dtype.kind != "f" and not WEIGHT.search(places[0].name):
                return
            if there.dtype.kind != "f":
                self.whole_numbers.append(name)
            for place in places:
                place.replace(self.pristine, there.astype(float))
        elif isinstance(there, np.ndarray) and places[0].steps[0][1] not in vars_of(self.pristine):
            places[0].replace(self.pristine, there.copy())  # an array of the class

    def share(self, names: Iterable[str]) -> None:
        """Do not copy these arrays with the object, where they are large."""
        raw = [self.leaves[name][0].raw(self.pristine) for name in names]
        self.shared = [one for one in raw if isinstance(one, np.ndarray) and one.size > LARGE]

    def fresh(self, values: dict[str, Array] | None = None) -> Any:
        """Return a copy, with these numbers in it; the global random numbers begin anew."""
        one = copied(self.pristine, self.shared)
        if values:
            self.put(one, values)
        seeded()
        return one

    def put(self, one: Any, values: dict[str, Array]) -> None:
        """Write numbers into a copy."""
        for name, value in values.items():
            for place in self.learned.get(name) or self.leaves[name]:
                place.write(one, value)

    def take(self, one: Any, before: dict[str, Array]) -> dict[str, Array]:
        """Return the learned numbers of a copy: of several places, from the one that changed."""
        found = {}
        for name, places in self.learned.items():
            try:
                values = [place.read(one) for place in places]
            except (TypeError, ValueError, KeyError, IndexError, AttributeError):
                raise UnableError(f"after the step, {name} is no array of numbers") from None
            changed = [value for value in values if not same(value, before[name])]
            found[name] = changed[0] if changed else values[0]
        return found

    def values(self, names: Iterable[str] | None = None) -> dict[str, Array]:
        """Return the numbers that the object came with."""
        chosen = self.learned if names is None else names
        places = {name: self.learned.get(name) or self.leaves[name] for name in chosen}
        return {name: ways[0].read(self.pristine) for name, ways in places.items()}

    def scalar(self, pattern: "re.Pattern[str]") -> Place | None:
        """Return the place of a single number whose name fits, such as the learning rate's."""
        return next(iter(_scalars(self.pristine, pattern)), None)


def copied(nn: Any, shared: list[Array]) -> Any:
    """Return a copy of an object, to any depth; what cannot be copied (a lock) is shared."""
    memo: dict[int, Any] = {id(array): array for array in shared}
    try:
        return copy.deepcopy(nn, memo)
    except Exception as error:
        if not hasattr(nn, "__dict__"):
            raise UnableError(
                f"nn: it cannot be copied (copy.deepcopy raised {told(error)}), and the referee "
                "works on copies"
            ) from None
    one = copy.copy(nn)
    for name, value in vars(nn).items():
        with contextlib.suppress(Exception):
            one.__dict__[name] = copy.deepcopy(value, memo)
    return one


def vars_of(nn: Any) -> dict[str, Any]:
    """Return what an object's own attributes are; a dict or list counts as having all."""
    if isinstance(nn, dict | list | tuple):
        return dict.fromkeys(nn if isinstance(nn, dict) else range(len(nn)))
    return dict(getattr(nn, "__dict__", {}))


def _scalars(nn: Any, pattern: "re.Pattern[str]") -> Iterable[Place]:
    """Yield the places of single numbers whose name fits: in an object, or one level below."""
    owners: list[tuple[tuple[tuple[str, str], ...], Any]] = [((), nn)]
    owners += [(((".", name),), entry) for name, entry in vars_of(nn).items()
               if hasattr(entry, "__dict__") and not callable(entry)]  # fmt: skip
    for steps, owner in owners:
        for name, value in (_of_class(owner) | vars_of(owner)).items():
            number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
            if number and isinstance(name, str) and pattern.search(name.strip("_")):
                yield Place((*steps, ("[" if isinstance(owner, dict) else ".", name)))


def _of_class(nn: Any) -> dict[str, Any]:
    """Return the attributes that an object has from its class."""
    kinds = [] if isinstance(nn, dict | list | tuple) else type(nn).__mro__[-2::-1]
    return {name: value for kind in kinds for name, value in vars(kind).items()}


def find_learned(subject: Subject, forward: Callable[[Any], Array], rng: Any) -> None:
    """Find the numbers that forward depends on, which is how they are known to be learned."""
    names = [name for name, places in subject.leaves.items() if _may_be_learned(subject, places)]
    found: set[str] = set()
    own = base = subject.values(names)
    names = [name for name in names if not _overwritten(subject, forward, name, own[name], rng)]
    finite = False
    for turn in range(BASES):  # where a relu is dead, other weights let it live
        if turn == 2:  # large ones are data by now
            names = [name for name in names if name in found or own[name].size <= LARGE
                     or WEIGHT.search(subject.leaves[name][0].name)]  # fmt: skip
        if len(found) == len(names):
            break
        if turn:
            base = {name: near(own[name] * (turn % 2), rng, turn > 4) for name in names}
        first = _outcome(subject, forward, base)
        finite |= first is not None
        for name in [name for name in names if name not in found and first is not None]:
            moved = base[name] + (0.3 if turn % 2 else 1.0) * rng.standard_normal(base[name].shape)
            second = _outcome(subject, forward, base | {name: moved})
            if second is None or not same(first, second):
                found.add(name)
    if not finite:
        attempt(forward, subject.fresh(own))
        raise UnableError("forward: it returns numbers that are not finite, whatever the weights")
    settled(subject, [name for name in names if name in found])


def _overwritten(
    subject: Subject, forward: Callable[[Any], Array], name: str, value: Array, rng: Any
) -> bool:
    """Return whether forward puts something else in the place of these numbers: it keeps them."""
    if value.size > LARGE:
        return False
    moved = value + rng.standard_normal(value.shape)
    one, place = subject.fresh({name: moved}), subject.leaves[name][0]
    try:
        attempt(forward, one)
        return not same(place.read(one), moved)
    except (UnableError, TypeError, ValueError, KeyError, IndexError, AttributeError):
        return False


def settled(subject: Subject, names: list[str]) -> None:
    """Let these arrays be the learned ones; single numbers are piled up to arrays."""
    single = [subject.leaves[name][0] for name in names if len(subject.leaves[name]) == 1]
    piled = {place: str(pile) for pile in piles(subject.pristine, single)
             if isinstance(pile, Pile) for place in pile.places}  # fmt: skip
    ways = {str(pile): pile for pile in piles(subject.pristine, single)}
    subject.learned = {}
    subject.share(name for name in subject.leaves if name not in names)
    for name in names:
        key = piled.get(subject.leaves[name][0], name)
        subject.learned[key] = [ways[key]] if key != name else [*subject.leaves[name]]


def _may_be_learned(subject: Subject, places: list[Place]) -> bool:
    value, name = places[0].raw(subject.pristine), places[0].name
    if np.size(value) == 1 and not isinstance(value, np.ndarray):
        return bool(WEIGHT.search(name)) and not CONSTANT.search(name)
    if isinstance(value, np.ndarray) and value.dtype.kind != "f":
        return False
    return not CONSTANT.search(name) or bool(WEIGHT.match(name))


def near(value: Array, rng: Any, far: bool) -> Array:
    """Return numbers about as large as these, or far from them; no two of them alike."""
    size = float(np.sqrt(np.mean(np.square(value)))) if value.size else 0.0
    step = 1.0 if far else 0.1 + 0.3 * min(size, 3.0)
    return value + step * rng.standard_normal(value.shape)


def _outcome(
    subject: Subject, forward: Callable[[Any], Array], values: dict[str, Array]
) -> Array | None:
    """Return what forward gives with these numbers; None where it raises or is not finite."""
    try:
        result = attempt(forward, subject.fresh(values))
    except UnableError:
        return None
    return result if np.isfinite(result).all() else None
