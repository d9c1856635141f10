"""Which engine runs a training: by the sizes and the amount of work, before the first step."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from glassnet.engines.chunked import Chunked, chunks
from glassnet.network import Network
from glassnet.plan import Plan
from glassnet.program import Program, record
from glassnet.rows import Rows
from glassnet.run import Run
from glassnet.step import Step

if TYPE_CHECKING:
    from glassnet.engines.source import Source

CALL, MULTIPLICATION = 1e-6, 5e-11  # seconds of a replayed line, and of what it multiplies
WORTH = 10.0  # seconds of replay from which on compiling is worth its time


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

        try:
            made = translated(network, rows, plan)
        except UntranslatableError as error:
            engine = f"numpy, for there is no compiled form of {error}"
        else:
            return Compiled(network, rows, plan, total, made), engine
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
    return count, min(plan.batch_size or count, count)


def translated(network: Network, rows: Rows, plan: Plan) -> "Source":
    """Return the source of a full batch's step."""
    from glassnet.engines.lines import UntranslatableError
    from glassnet.engines.source import source

    count, batch = sizes(rows, plan)
    whole = batch == count and rows.places is None
    if hasattr(rows.X, "toarray") and not whole:
        raise UntranslatableError("sparse rows")
    program = alone(network, plan, batch, rows.w is not None)
    return source(program, ("theta", *plan.optimizer.state), whole)


def alone(network: Network, plan: Plan, rows: int, weighted: bool) -> Program:
    """Return the program of a training step of one network, which members take one by one."""
    variant = plan.variant(rows, "train", weighted, own=False)
    if network.members is None:
        return network.recorded(variant)
    step = Step(network.layers, network.loss, network.layout, None, network.frozen, variant)
    return record(lambda program: network.write(program, step), network.dtype)
