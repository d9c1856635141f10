"""L-BFGS: SciPy's minimiser on the loss as a function of theta. The one face of SciPy."""

from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.history import Epoch, History
from glassnet.network import Network
from glassnet.objective import draws, objective
from glassnet.training import EPOCHS, prepare

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
    if draws(network, taught, plan):
        raise ValueError("optimizer: LBFGS expects no layer that draws at random, as Dropout does")
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

    other = plan.engine not in ("auto", "numpy")
    history.engine = "numpy" + ", for L-BFGS asks for losses, not for steps" * other
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
    if done and history.epoch[-1:] != [done]:  # it ended between two reports
        last[:] = [watch.report(done, result.fun, best, history)]
    history.converged = result.status == 0
    return last[0] if last else None
