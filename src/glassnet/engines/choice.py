"""Which engine runs a training: by the sizes and the amount of work, before the first step."""

from importlib.util import find_spec

from glassnet.engines.lines import UntranslatableError
from glassnet.engines.source import Source, source
from glassnet.network import Network
from glassnet.plan import Plan
from glassnet.program import Program, record
from glassnet.rows import Rows
from glassnet.run import Run
from glassnet.step import Step

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
        compiles = find_spec("numba") and find_spec("scipy")
        engine = "numba" if compiles and seconds(network, rows, plan, epochs) >= WORTH else "numpy"
    if engine == "numba":
        from glassnet.engines.compiled import Compiled

        try:
            made = translated(network, rows, plan)
        except UntranslatableError as error:
            engine = f"numpy, for there is no compiled form of {error}"
        else:
            return Compiled(network, rows, plan, total, made), engine
    return Run(network, rows, plan, total), engine


def seconds(network: Network, rows: Rows, plan: Plan, epochs: int) -> float:
    """Return about how long a training takes by replay."""
    count = len(rows) if rows.places is None else rows.places.shape[-1]
    batch = min(plan.batch_size or count, count)
    lines = 12 * len(network.layers) + 25
    multiplications = 3 * batch * network.theta.size
    return epochs * (count / batch) * (CALL * lines + MULTIPLICATION * multiplications)


def translated(network: Network, rows: Rows, plan: Plan) -> Source:
    """Return the source of a full batch's step."""
    count = len(rows) if rows.places is None else rows.places.shape[-1]
    batch = min(plan.batch_size or count, count)
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
