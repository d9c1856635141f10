"""What the parameters of scikit-learn's multilayer perceptrons mean for a network.

Nothing here needs scikit-learn: its one face is `estimators`, whose classes hand themselves to
these functions as ``given``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.activations import ACTIVATIONS
from glassnet.history import Best, Epoch, History
from glassnet.layers import Dense, Dropout
from glassnet.losses import LOSSES, BinaryCrossEntropy, MulticlassCrossEntropy
from glassnet.memory import remembered
from glassnet.metrics import Metric, find_metrics
from glassnet.network import Network
from glassnet.optimizers import LBFGS, OPTIMIZERS, SGD, Adam, AdamW, Momentum, Nesterov
from glassnet.parts import Activation, Layer, Loss, Optimizer
from glassnet.progress import Progress
from glassnet.quantities import SquaredError
from glassnet.rows import Rows
from glassnet.schedules import SCHEDULES, find_schedule
from glassnet.selection import put_aside
from glassnet.training import train
from glassnet.vocabulary import Array

FROM_0 = {"alpha": np.inf, "power_t": np.inf, "tol": np.inf, "momentum": 1, "beta_1": 1}
FROM_0 |= {"beta_2": 1}  # each up to, and not including
ABOVE_0 = {"learning_rate_init": np.inf, "epsilon": np.inf, "validation_fraction": 1}
WHOLE = ("max_iter", "max_fun")
FLAGS = ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping")
# what glassnet calls what these estimators have under another name
OWN_NAMES = {"metrics": "metric", "optimizer": "solver", "schedule": "learning_rate"}
ADAPTED = ("invscaling", "adaptive")  # rates that scikit-learn has and glassnet has not
BATCH = 200  # rows a step at most, where nobody says how many
MOST_PENALTY = float(np.finfo(np.float32).max)
LEAST_RATE = 1e-6  # where an adaptive rate ends
# the share of tol, and with it of the loss, by which L-BFGS must go on to change the loss: at the
# default tol this is what SciPy asks for by itself
CHANGE = 2.2e-5
LINKS = {"MulticlassCrossEntropy": "softmax", "BinaryCrossEntropy": "logistic"}
LINKS |= {"Focal": "logistic", "Poisson": "exp"}  # as scikit-learn calls them


@contextmanager
def whole(given: Any) -> Iterator[None]:
    """Let an estimator be as it was before if a fit fails, and its parameters be called by name."""
    check(given)
    before = vars(given).copy()
    try:
        yield
    except (ValueError, TypeError) as error:
        vars(given).clear()
        vars(given).update(before)
        name, mark, why = str(error).partition(": ")
        if mark and name in OWN_NAMES:
            raise type(error)(f"{OWN_NAMES[name]}: {why}") from None
        raise


def check(given: Any) -> None:
    """Make sure of the parameters that are plain numbers and switches."""
    for name, high in FROM_0.items():
        checks.number(name, getattr(given, name), 0, high)
    for name, high in ABOVE_0.items():
        if checks.number(name, getattr(given, name), 0, high) == 0:
            raise ValueError(f"{name}: expected a number above 0, got 0")
    for name in WHOLE:
        checks.whole(name, getattr(given, name))
    for name in FLAGS:
        checks.flag(name, getattr(given, name))
    if given.n_iter_no_change != np.inf:
        checks.whole("n_iter_no_change", given.n_iter_no_change)
    if isinstance(given.batch_size, str) and given.batch_size != "auto":
        raise TypeError(f"batch_size: expected a whole number or 'auto', got {given.batch_size!r}")
    checks.whole("batch_size", 1 if given.batch_size == "auto" else given.batch_size)
    if not isinstance(given.verbose, bool | int | np.bool_):
        raise TypeError(f"verbose: expected True or False, got {given.verbose!r}")


# ---- the network ---------------------------------------------------------------------------------


def layers(given: Any, outputs: int) -> list[Layer]:
    """Return the hidden layers, with dropout behind them, and the last one.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> layers(SimpleNamespace(hidden_layer_sizes=(8, 4), activation=["gelu", "tanh"],
    ...                        dropout=[0.5, 0]), outputs=3)
    [Dense(8, activation=Gelu()), Dropout(0.5), Dense(4, activation=Tanh()), Dense(3)]
    """
    sizes = given.hidden_layer_sizes
    if isinstance(sizes, str | Mapping):
        raise TypeError(f"hidden_layer_sizes: expected whole numbers, got {sizes!r}")
    sizes = list(sizes) if isinstance(sizes, Iterable) else [sizes]
    activations = each("activation", given.activation, len(sizes))
    rates = each("dropout", given.dropout, len(sizes))
    found: list[Layer] = []
    for size, activation, rate in zip(sizes, activations, rates, strict=True):
        found.append(_hidden(checks.whole("hidden_layer_sizes", size), activation))
        if checks.number("dropout", rate, 0, 1):
            found.append(Dropout(rate))
    return [*found, Dense(outputs)]


def each(name: str, given: Any, number: int) -> list[Any]:
    """Return so many settings, given one for all or a list of them."""
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        return [given] * number
    several = list(given)
    if len(several) != number:
        raise ValueError(f"{name}: expected {number}, or one for all, got {given!r}")
    return several


def _hidden(units: int, activation: Any) -> Dense:
    if not isinstance(activation, str):
        return Dense(units, checks.find("activation", activation, ACTIVATIONS, Activation))
    names = ("logistic", *ACTIVATIONS)
    name = checks.one_of("activation", activation, names, ", or an object of Activation")
    # where scikit-learn has the activation, weights begin as there
    init = "glorot" if name == "relu" else None
    return Dense(units, "sigmoid" if name == "logistic" else name, init=init)


def class_loss(given: Any, kind: str, classes: int) -> tuple[Loss, int]:
    """Return a loss of classes and how many outputs it wants.

    Parameters
    ----------
    given : str or Loss
    kind : str
        ``binary``, ``multiclass``, or ``multilabel``.
    classes : int
        How many classes, or labels.
    """
    suits = MulticlassCrossEntropy if kind == "multiclass" else BinaryCrossEntropy
    table = {"log_loss": suits} | {n: each for n, each in LOSSES.items() if each.classes}
    loss: Any = checks.find("loss", given, table, Loss)
    if not loss.classes:
        raise ValueError(f"loss: expected a loss of classes, got {loss!r}")
    if kind == ("multilabel" if loss.labels else "multiclass"):
        raise ValueError(f"loss: expected one that suits {kind} targets, as 'log_loss', got {loss}")
    return loss, classes if loss.labels or kind == "multilabel" else 1


def quantity_loss(given: Any) -> Loss:
    """Return a loss of quantities; squared_error is half of it, as scikit-learn has it."""
    table = {name: each for name, each in LOSSES.items() if not each.classes}
    loss: Any = checks.find("loss", given, table, Loss)
    if loss.classes:
        raise ValueError(f"loss: expected a loss of quantities, got {loss!r}")
    return SquaredError(half=True) if isinstance(given, str) and given == "squared_error" else loss


def copy_into(name: str, views: list[Array], given: Any) -> None:
    """Copy arrays into views of a network's parameters."""
    arrays = [checks.numbers(name, each) for each in given]
    shapes, wanted = [each.shape for each in arrays], [view.shape for view in views]
    if shapes != wanted:
        raise ValueError(f"{name}: expected arrays of the shapes {wanted}, got {shapes}")
    for view, array in zip(views, arrays, strict=True):
        view[...] = array


# ---- the training --------------------------------------------------------------------------------


def optimizer(given: Any) -> Optimizer:
    """Return the optimizer that the solver and its parameters make."""
    if not isinstance(given.solver, str):
        return checks.find("solver", given.solver, OPTIMIZERS, Optimizer)
    name = checks.one_of("solver", given.solver, OPTIMIZERS, ", or an object of Optimizer")
    rate, betas = given.learning_rate_init, (given.beta_1, given.beta_2, given.epsilon)
    if name == "lbfgs":
        return LBFGS(given.tol, given.max_fun)
    if name in ("adam", "adamw"):
        return AdamW(rate, *betas) if name == "adamw" else Adam(rate, *betas)
    if name == "sgd" and given.momentum == 0:
        return SGD(rate)
    if name == "sgd":
        name = "nesterov" if given.nesterovs_momentum else "momentum"
    if name in ("nesterov", "momentum"):
        return (Nesterov if name == "nesterov" else Momentum)(rate, given.momentum)
    return OPTIMIZERS[name](rate)  # type: ignore[call-arg]


def by_lbfgs(given: Any) -> bool:
    """Whether the solver is L-BFGS, which takes no single steps."""
    return isinstance(given.solver, LBFGS) or (
        isinstance(given.solver, str) and given.solver == "lbfgs"
    )


def adapted(given: Any, how: str) -> bool:
    """Whether the rate is adapted in one of scikit-learn's ways, and the solver follows it."""
    rate, solver = given.learning_rate, given.solver
    ignored = by_lbfgs(given) or (isinstance(solver, str) and solver == "adam")
    return isinstance(rate, str) and rate == how and not ignored


def schedule(given: Any, seen: int, rows: int, batch: int) -> Callable[[int, int | None], float]:
    """Return the factor on the rate as a function of the step.

    Parameters
    ----------
    seen : int
        Rows that were trained on before, repeats included: what invscaling counts from.
    rows, batch : int
        Rows of an epoch (0 where there is only one) and of a step.
    """
    rate, names = given.learning_rate, (*SCHEDULES, *ADAPTED)
    if callable(rate) and not isinstance(rate, type):
        return find_schedule("learning_rate", rate)
    name = checks.one_of("learning_rate", rate, names, ", or a function (step, total)")
    if name not in ADAPTED:
        return find_schedule("learning_rate", name)
    if not adapted(given, "invscaling"):
        return find_schedule("learning_rate", "constant")
    steps = max(-(-rows // batch), 1)
    return lambda step, total: float((1 + seen + rows * (step // steps)) ** -given.power_t)


def options(given: Any, rows: Rows, seen: int, continued: bool = False) -> dict[str, Any]:
    """Return what `Network.train` is to be told of a training on these rows."""
    mean = 1.0 if rows.w is None else float(rows.w.mean())
    batch = min(BATCH if given.batch_size == "auto" else given.batch_size, len(rows))
    step = mean * (len(rows) if by_lbfgs(given) else batch)
    if given.alpha > step * MOST_PENALTY:
        raise ValueError(
            f"sample_weight: expected weights that alpha does not outweigh, got a mean of {mean:g}"
        )
    return {
        "sample_weight": rows.w,
        "optimizer": optimizer(given),
        "batch_size": batch,
        "shuffle": given.shuffle,
        "schedule": schedule(given, seen, 0 if continued else len(rows), batch),
        # scikit-learn's penalty in a step on all rows; in a smaller one, its mean
        "l2": given.alpha / step if given.alpha else 0.0,
    }


def metric(given: Any, loss: Loss) -> Metric:
    """Return what early stopping looks at."""
    if given.metric is None:
        return find_metrics("accuracy" if loss.classes else "r2", loss)[0]
    if not isinstance(given.metric, str | Metric):
        raise TypeError(f"metric: expected a name or a Metric, got {given.metric!r}")
    return find_metrics(given.metric, loss)[0]


class Watch:
    """What is done after each epoch: it is remembered, and perhaps the last or a slower one comes.

    Attributes
    ----------
    best : Best
        The best weights so far, by the training loss or, stopping early, by the metric.
    last : Epoch or None
        The last report.
    losses, validation_losses, scores : list of float
    """

    def __init__(self, given: Any, network: Network, metric: Metric | None) -> None:
        self.early = given.early_stopping and metric is not None
        endless = by_lbfgs(given) and not self.early
        patience = np.inf if endless else given.n_iter_no_change
        higher = self.early and metric is not None and metric.higher
        self.best = Best(network.theta, higher, patience, given.tol)
        self.metric, self.adaptive = metric, adapted(given, "adaptive")
        self.change = given.tol * CHANGE if by_lbfgs(given) else None
        self.stopped = False
        self.last: Epoch | None = None
        self.losses: list[float] = []
        self.validation_losses: list[float] = []
        self.scores: list[float] = []

    def __call__(self, epoch: Epoch) -> bool:
        """Look at a report, and tell whether it is enough."""
        self.last = epoch
        self.losses.append(epoch.loss)
        if self.metric is not None:
            self.validation_losses.append(epoch.validation_loss)
            self.scores.append(epoch.metrics[self.metric.name])
        value = self.scores[-1] if self.early else epoch.loss
        self.best.see(value, epoch.network.theta, epoch.number)
        waited = bool(self.best.stopped.all())
        if waited and self.adaptive and epoch.rate > LEAST_RATE:
            epoch.rate /= 5
            self.best.waited[:] = 0
            waited = False
        self.stopped = waited or self._settled()
        return self.stopped

    def settle(self, network: Network) -> None:
        """Let the network have the best weights, stopping early, else what it needs to go on."""
        if self.early and self.best.epoch[0]:
            network.theta[...] = self.best.theta
        elif self.last is not None and self.last.run is not None:
            network.memory = remembered(self.last.run)

    def _settled(self) -> bool:
        """Whether L-BFGS hardly changes the loss any more."""
        if self.change is None or len(self.losses) < 2:
            return False
        before, now = self.losses[-2:]
        return bool(abs(before - now) <= self.change * max(before, now, 1))


def run(network: Network, rows: Rows, watch: Watch, verbose: bool, how: dict[str, Any]) -> History:
    """Train until the watch has seen enough, or to the last epoch."""
    history = History()
    with Progress(how["epochs"], verbose) as shown:

        def enough(epoch: Epoch) -> bool:
            shown(epoch)
            return watch(epoch)

        if isinstance(how["optimizer"], LBFGS):
            from glassnet.lbfgs import minimise

            minimise(network, rows.X, rows.y, stop=enough, history=history, **how)
        else:
            for epoch in train(network, rows.X, rows.y, history=history, **how):
                if enough(epoch):
                    break
    return history


# ---- the rows ------------------------------------------------------------------------------------


def class_weights(given: Any, classes: Array, totals: Array) -> Array:
    """Return a weight for each class.

    Parameters
    ----------
    given : dict or "balanced"
        Weights by class, 1 for those left out; or weights that make every class count alike.
    classes : array (classes,)
    totals : array (classes,)
        The weight of each class's rows.

    Examples
    --------
    >>> class_weights("balanced", np.array(["no", "yes"]), np.array([30.0, 10.0])).round(3)
    array([0.667, 2.   ])
    """
    if isinstance(given, str) and given == "balanced":
        there = totals > 0
        return np.divide(totals.sum() / there.sum(), totals, out=np.ones(len(totals)), where=there)
    if not isinstance(given, Mapping):
        kind = ValueError if isinstance(given, str) else TypeError
        raise kind(f"class_weight: expected a dict or 'balanced', got {given!r}")
    for label, weight in given.items():
        checks.number(f"class_weight of {label!r}", weight, 0)
    labels = classes.tolist()
    unknown = [label for label in given if label not in labels]
    if unknown and not set(labels) <= set(given):  # a part of a table may lack a class
        raise ValueError(f"class_weight: expected some of {labels}, got {unknown[0]!r}")
    return np.array([float(given.get(label, 1)) for label in labels])


def hold_some(
    rows: Rows, share: float, classes: int, taught: Array | None
) -> tuple[Rows, Rows, Array]:
    """Return what `put_aside` does, where at least two rows are held out."""
    n, many = len(rows), max(round(share * len(rows)), 2)
    if many > n - max(classes, 1):
        raise ValueError(
            f"validation_fraction: expected more rows to hold out {many} of, got n_samples = {n}"
        )
    return put_aside(rows, many / n, classes > 0, taught)
