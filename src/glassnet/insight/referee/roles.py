"""What the arguments of somebody else's function are for, told by their names."""

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

from glassnet.insight.referee.habits import ARGUMENTS
from glassnet.insight.referee.quiet import UnableError

AFFIXES = r"(training|train|testing|test|validation|valid|val|batch|set|list|array|vector|the)"
ROLES = {name: role for role, names in ARGUMENTS.items() for name in names.split()}


def role(name: str) -> str | None:
    """Return what an argument of this name is for.

    Examples
    --------
    >>> role("X_train"), role("training_set_inputs"), role("learning_rate"), role("nonsense")
    ('X', 'X', 'rate', None)
    """
    word = re.sub(r"[_\d]*$", "", name) if len(name) > 2 else name
    word = word.lower().replace("_", "")
    short = re.sub(AFFIXES, "", word)
    return ROLES.get(word) or ROLES.get(short)


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter] | None:
    """Return the arguments that a function takes; None where Python cannot tell."""
    plain = getattr(function, "__func__", None)  # of a method: the same for all copies
    if plain is None:
        return _listed(function)
    listed = _listed(plain)
    return listed[1:] if listed is not None else None


@functools.lru_cache(maxsize=512)
def _listed(function: Callable[..., Any]) -> list[inspect.Parameter] | None:
    try:
        listed = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return None
    return [p for p in listed if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def roles(function: Callable[..., Any]) -> dict[str, str]:
    """Return the roles of a function's arguments: role by name of the argument.

    The word output means what is wanted, in a function that has no other word for that, and
    what came out, in a function that has; data are pairs of both where there is no other y.
    """
    named = {p.name: role(p.name) for p in parameters(function) or []}
    found = {name: part for name, part in named.items() if part}
    if "y" not in found.values():
        outputs = [name for name, part in found.items() if part == "out"]
        if outputs and "X" in found.values():
            found[outputs[0]] = "y"
    kinds = set(found.values())
    for name, part in list(found.items()):
        if part == "pairs":
            if "X" not in kinds and "y" in kinds:
                found[name] = "X"
            elif "X" in kinds:
                del found[name]
    return found


def bind(
    function: Callable[..., Any], values: dict[str, Any], names: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the arguments for a function as keywords, given values by role, or by exact name.

    An argument without a default whose name says nothing gets, in this order, what X, y and the
    rate have not been given to.
    """
    known, arguments, spare = roles(function), {}, []
    for p in parameters(function) or []:
        part = known.get(p.name)
        if names and p.name in names:
            arguments[p.name] = names[p.name]
        elif part in values:
            arguments[p.name] = values[part]
        elif p.default is p.empty:
            spare.append(p.name)
    used = {known[name] for name in arguments if name in known}
    free = [part for part in ("X", "y", "rate") if part in values and part not in used]
    if "pairs" in used:
        free = [part for part in free if part == "rate"]
    for name in spare:
        if not free:
            raise UnableError(f"its argument {name!r} means nothing to the referee")
        arguments[name] = values[free.pop(0)]
    return arguments


def call(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Call a function with arguments by name, those by position too that have no keyword."""
    listed = parameters(function)
    if listed is None:
        return function(*arguments.values())
    first = [p.name for p in listed if p.kind == p.POSITIONAL_ONLY]
    rest = {name: value for name, value in arguments.items() if name not in first}
    return function(*(arguments[name] for name in first if name in arguments), **rest)
