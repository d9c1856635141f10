"""Which engine runs a training: by the sizes and the amount of work, before the first step."""

import sys
from dataclasses import fields, is_dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from glassnet.engines.chunked import Chunked, chunks
from glassnet.network import Network
from glassnet.plan import Plan
from glassnet.program import Program, record
from glassnet.rows import Rows
from glassnet.run import Run
from glassnet.step import Step
from glassnet.threads import threads

if TYPE_CHECKING:
    from glassnet.engines.source import Source

CALL, MULTIPLICATION = 1e-6, 5e-11  # seconds of a replayed line, and of what it multiplies
WORTH = 10.0  # seconds of replay from which on compiling is worth its time
SHARE = 5_000_000  # multiplications of a step for each thread, at least
MOST = 64  # translated steps that are kept, by what they follow from
KNOWN: "dict[Any, Source]" = {}


def start(
    network: Network, rows: Rows, plan: Plan, epochs: int, continued: bool
) -> tuple[Run, str]:
    """Return a run by the engine that the plan names, and what that is.

    Parameters
    ----------
    epochs : int
        How long it will be, as far as is known.
    continued : bool
        Whether more may come, so that schedules do not know the end.
    """
    total = None if continued else epochs
    engine = plan.engine
    if engine == "auto":
        worth = seconds(network, rows, plan, epochs) >= WORTH
        engine = "numba" if worth and find_spec("numba") and find_spec("scipy") else "numpy"
    if engine == "numba":
        from glassnet.engines.compiled import Compiled
        from glassnet.engines.lines import UntranslatableError

        count = team(network, rows, plan)
        try:
            made = translated(network, rows, plan, count)
            return Compiled(network, rows, plan, total, made, count), engine
        except UntranslatableError as error:
            engine = f"numpy, for there is no compiled form of {error}"
    if plan.engine != "eager" and chunks(network, plan.variant(1, "train", False, False)):
        return Chunked(network, rows, plan, total), engine
    return Run(network, rows, plan, total), engine


def seconds(network: Network, rows: Rows, plan: Plan, epochs: int) -> float:
    """Return about how long a training takes by replay."""
    count, batch = sizes(rows, plan)
    lines = 12 * len(network.layers) + 25
    multiplications = 3 * batch * network.theta.size
    return epochs * count / batch * float(CALL * lines + MULTIPLICATION * multiplications)


def sizes(rows: Rows, plan: Plan) -> tuple[int, int]:
    """Return how many rows each member learns from, and how many a step takes."""
    count = len(rows) if rows.places is None else rows.places.shape[-1]
    return count, min(int(plan.batch_size or count), count)


def team(network: Network, rows: Rows, plan: Plan) -> int:
    """Return how many threads share a compiled step: as many as products have, if that pays."""
    if sys.platform == "win32":  # where they could not wait for each other politely
        return 1
    _, batch = sizes(rows, plan)
    work = 3 * batch * network.layout.size
    return max(1, min(threads(), work // SHARE))


def translated(network: Network, rows: Rows, plan: Plan, sharing: int = 1) -> "Source":
    """Return the source of a full batch's step: one that is known, where glassnet's parts make it.

    To record and translate it takes as long as thousands of steps of a tiny network.
    """
    from glassnet.engines.lines import UntranslatableError
    from glassnet.engines.source import source

    count, batch = sizes(rows, plan)
    whole = batch == count and rows.places is None
    if hasattr(rows.X, "toarray") and not whole:
        raise UntranslatableError("sparse rows")
    weighted = rows.w is not None
    variant = plan.variant(batch, "train", weighted, own=False)
    try:
        parts = tuple(map(settings, (network.layers, network.loss, variant.rule)))
    except TypeError:
        parts = None
    key: Any = parts, network.inputs, network.dtype, network.frozen, replace(variant, rule=None)
    key += (whole, sharing)
    if parts is None or key not in KNOWN:
        program = alone(network, plan, batch, weighted)
        made = source(program, ("theta", *plan.optimizer.state), whole, sharing)
        if parts is None:
            return made
        if len(KNOWN) == MOST:
            KNOWN.clear()
        KNOWN[key] = made
    return KNOWN[key]


def settings(part: Any) -> Any:
    """Return what glassnet's own layers, losses and optimizers do as something with a hash.

    Raises
    ------
    TypeError
        If code of somebody else's takes part: what it does follows from more than its fields.

    Examples
    --------
    >>> import glassnet as gn
    >>> settings(gn.Dense(3, "tanh")) == settings(gn.Dense(3, gn.activations.Tanh()))
    True
    """
    if isinstance(part, tuple | list):
        return tuple(map(settings, part))
    if is_dataclass(part) and type(part).__module__.startswith("glassnet."):
        return type(part), *(settings(getattr(part, field.name)) for field in fields(part))
    if part is None or isinstance(part, str | int | float | range):
        return type(part), part
    raise TypeError(f"expected glassnet's own, got {part!r}")


def alone(network: Network, plan: Plan, rows: int, weighted: bool) -> Program:
    """Return the program of a training step of one network, which members take one by one."""
    variant = plan.variant(rows, "train", weighted, own=False)
    if network.members is None:
        return network.recorded(variant)
    step = Step(network.layers, network.loss, network.layout, None, network.frozen, variant)
    return record(lambda program: network.write(program, step), network.dtype)
