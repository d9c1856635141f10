"""L-BFGS: SciPy's minimiser on the loss as a function of theta. The one face of SciPy."""

from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.history import Epoch, History
from glassnet.network import Network
from glassnet.plan import Plan
from glassnet.rows import Rows
from glassnet.training import EPOCHS, prepare
from glassnet.vocabulary import Array

try:
    from scipy.optimize import minimize
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        'optimizer: LBFGS needs SciPy: pip install "glassnet[lbfgs]"', name="scipy"
    ) from None


def minimise(
    network: Network,
    X: Any,
    y: Any,
    *,
    stop: Callable[[Epoch], bool],
    history: History,
    epochs: int = EPOCHS,
    every: int = 1,
    **options: Any,
) -> Epoch | None:
    """Let L-BFGS find the best weights, with a report after every iteration.

    Returns
    -------
    Epoch or None
        The last report; None where not one step was taken.
    """
    checks.whole("epochs", epochs)
    checks.whole("every", every)
    plan, taught, best, watch = prepare(network, X, y, **options)
    function = objective(network, taught, plan)
    last: list[Epoch] = []
    done = 0

    def look(intermediate_result: Any) -> None:
        nonlocal done
        done += 1
        if done % every and done < epochs:
            return
        network.theta[...] = intermediate_result.x
        last[:] = [watch.report(done, intermediate_result.fun, best, history)]
        if stop(last[0]) or best.stopped.all():
            raise StopIteration

    rule = plan.optimizer
    with np.errstate(all="ignore"):
        result = minimize(
            *(function, network.theta.astype(float)),
            jac=True,
            method="L-BFGS-B",
            callback=look,
            options={
                "maxiter": epochs,
                "maxfun": rule.evaluations,
                "gtol": rule.tolerance,
                "ftol": 64 * np.finfo(float).eps,  # the gradient says when it is done
            },
        )
    network.theta[...] = result.x
    return last[0] if last else None


def objective(network: Network, rows: Rows, plan: Plan) -> Callable[[Array], tuple[float, Array]]:
    """Return theta -> (loss, gradient) over all rows, the L2 penalty included, in float64.

    Raises
    ------
    ValueError
        If the network draws random numbers, for then the loss is no function of theta.
    """
    variant = plan.variant(len(rows), "gradient", rows.w is not None, own=False)
    if any(line.function.kind == "random" for line in network.recorded(variant).lines):
        raise ValueError("optimizer: LBFGS expects no layer that draws at random, as Dropout does")
    replay = network.replay(variant, ("loss", "gradient"))
    tables = {"x": checks.dense(rows.X), "y": rows.y}
    if rows.w is not None:
        tables["w"] = rows.w / rows.w.mean()
    tables = {name: np.ascontiguousarray(table, network.dtype) for name, table in tables.items()}
    theta, gradient = np.empty_like(network.theta), np.zeros_like(network.theta)
    replay.arrays.clear()
    replay.bind(theta=theta, gradient=gradient, **tables, **plan.vectors(network))

    def function(at: Array) -> tuple[float, Array]:
        theta[...] = at
        replay()
        return float(replay.outputs["loss"]), gradient.astype(float)

    return function
