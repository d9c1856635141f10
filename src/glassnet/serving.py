"""Serving: predictions of one row and of many, in one thread and in many.

A program's memory belongs to one run at a time. So whoever runs one over a table borrows a desk, a
copy of the network with programs and memory of its own, and puts it back for the next to come.
"""

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import Context
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.base import PROGRAMS, Base
from glassnet.onerow import with_biases
from glassnet.planner import Replay
from glassnet.predicting import Predicting
from glassnet.served import callable_on
from glassnet.step import Variant
from glassnet.threads import cores, one_thread
from glassnet.vocabulary import Array

CHUNK, LEAST = 1024, 256  # rows that a program takes at a time: fewer where a network is wide
WIDE = 2**23  # multiplications in the chunks of a wide network
# what a second thread is worth, in multiplications. Less than LITTLE is over before BLAS has woken
# one; MUCH in one chunk BLAS shares out well; in between products stay on the thread that asks
LITTLE, SHARED, MUCH = 2**19, 2**24, 2**26
BESIDE = 512  # what a row costs beside its products, in multiplications


def forward(
    network: Predicting, X: Any, wanted: str, places: Array | None = None, name: str = "X"
) -> Array:
    """Return what a network says of rows: its predictions, or its raw scores."""
    if places is None and type(X) is np.ndarray:
        said = _at_once(network, X, wanted)
        if said is not None:
            return said
    table = checks.matrix(name, X, network.inputs, network.dtype, finite=False)
    if places is None and _work(table.shape[0], network.theta) < LITTLE:
        said = _at_once(network, np.asarray(checks.dense(table), float), wanted)
        if said is not None:
            return said
    rows, theta = table.shape[0] if places is None else places.shape[-1], network.theta
    result = np.empty((*theta.shape[:-1], rows, network.outputs), network.dtype)

    def look(x: Array) -> None:
        # a sum of squares takes no array, and is finite where they are, if they are not very large
        if not isfinite(x.dot(x)) and not np.isfinite(x).all():
            checks.matrix(name, X, network.inputs, network.dtype)

    def take(part: slice, outputs: dict[str, Array]) -> None:
        result[..., part, :] = outputs[wanted]

    Errand(network, theta, "predict", (wanted,), {"x": table}, places, take, look).run()
    if np.isnan(result).any():  # infinity less infinity, for x or the weights are too large
        row = int(np.isnan(result).any(axis=-1).reshape(-1, rows).any(axis=0).argmax())
        raise ValueError(
            f"{name}: expected rows of which {network.dtype} can hold what the network makes, "
            f"got NaN from row {row}"
        )
    return result


class Desk:
    """Where one thread predicts at a time: a copy of a network, with programs and memory.

    Attributes
    ----------
    ready : dict
        (shape, wanted) -> the parameters, what runs a function without warnings, and a function.
    """

    def __init__(self, network: Base) -> None:
        self.network: Base = bare(network)
        self.ready: dict[Any, tuple[Array, Callable[..., Any], Callable[[Any], Any]]] = {}

    @classmethod
    def borrow(cls, network: Base, theta: Array) -> "Desk":
        """Return a desk for these parameters, which nobody else has."""
        try:
            desk: Desk = network.desks.pop()
        except IndexError:
            desk = cls(network)
        own = desk.network
        if own.theta is not theta:
            if own.theta.shape != theta.shape:
                own._forget()
            own.theta, own.members = theta, None if theta.ndim == 1 else len(theta)
        return desk

    def replay(self, variant: Variant, wanted: tuple[str, ...]) -> Replay:
        """Return a program that is bound to the parameters."""
        replay = self.network.replay(variant, wanted)
        if replay.arrays.get("theta") is not self.network.theta:
            replay.bind(theta=self.network.theta)
        return replay

    def prepare(self, rows: int, wanted: str) -> tuple[Array, Any, Any]:
        """Return the parameters, what runs a function without warnings, and a function of x."""
        quiet = Context()  # to enter it takes a tenth of what np.errstate takes
        quiet.run(np.seterr, all="ignore")
        replay = self.replay(Variant(rows, "predict"), (wanted,))
        alone = rows == 1 and self.network.members is None
        bound = replay.source, replay.bound().__globals__
        source, arrays = with_biases(replay) if alone else bound
        own = arrays.get("x", replay.arrays["x"])
        outputs = arrays[replay.variable(replay.program.outputs[wanted])]
        return self.network.theta, quiet.run, callable_on(source, arrays, own, outputs)


def bare(network: Base) -> Any:
    """Return a copy of a network that predicts, and knows nothing of how it was trained."""
    copied = copy.copy(network)
    copied.memory = copied.taught = copied._untouched = None
    return copied


def _work(rows: int, theta: Array) -> int:
    """Return about how many multiplications a program takes."""
    return rows * (int(theta.size) + BESIDE)


def _at_once(network: Base, X: Array, wanted: str) -> Any:
    """Return what is said of a few rows that nothing is wrong with, or None."""
    theta, desks, shape = network.theta, network.desks, X.shape
    if len(shape) != 2 or shape[1] != network.inputs or not 0 < _work(shape[0], theta) < LITTLE:
        return None
    desk = Desk.borrow(network, theta)
    ready = desk.ready.get((shape, wanted))
    if ready is None or ready[0] is not theta:
        if len(desk.ready) >= PROGRAMS:
            desk.ready.clear()
        ready = desk.ready[shape, wanted] = desk.prepare(shape[0], wanted)
    said = ready[1](ready[2], X)
    desks.append(desk)
    return said


@dataclass(eq=False)
class Errand:
    """A program to be run over tables, a chunk of rows at a time; many are shared out to threads.

    Attributes
    ----------
    theta : array (P,) or (members, P)
        The network's parameters; somebody else may give it others meanwhile.
    mode, wanted : str, tuple of str
        Which step, and the outputs that it leaves.
    tables : dict of str to array
        The program's inputs by name, a row for each row.
    places : array of int (members, n) or None
        The rows that each member is asked about; None is all.
    take : callable
        ``take(part, outputs)`` copies what was left for this slice of the rows.
    look : callable
        ``look(x)`` is shown each chunk of x, flat, before it is run.
    """

    network: Base
    theta: Array
    mode: str
    wanted: tuple[str, ...]
    tables: dict[str, Any]
    places: Array | None
    take: Callable[[slice, dict[str, Array]], None]
    look: Callable[[Array], None] = lambda x: None

    def run(self) -> None:
        """Run it, on as many threads as it is worth; the numbers do not hang on how many."""
        rows = self.tables["x"].shape[0] if self.places is None else self.places.shape[-1]
        chunk = min(CHUNK, max(LEAST, WIDE // self.theta.size // LEAST * LEAST))
        work = _work(rows, self.theta)
        if rows <= chunk:
            with one_thread() if LITTLE <= work < MUCH else nullcontext():
                return self._go([None, slice(0, rows)])
        threads = min(cores(), -(-rows // chunk)) if work >= SHARED else 1
        # the first rows are popped first, and in the end each thread pops a None
        parts = [slice(start, min(start + chunk, rows)) for start in range(0, rows, chunk)]
        todo = [*[None] * threads, *reversed(parts)]
        with one_thread(), ThreadPoolExecutor(threads) as pool:
            others = [pool.submit(self._go, todo) for _ in range(threads - 1)]
            self._go(todo)
            for other in others:
                other.result()

    def _go(self, todo: list[slice | None]) -> None:
        """Run the program over parts of the rows, from the last in the list to a None."""
        desks, desk = self.network.desks, Desk.borrow(self.network, self.theta)
        try:
            with np.errstate(all="ignore"):
                for part in iter(todo.pop, None):
                    self._chunk(desk, part)
        except BaseException:
            todo[:] = [None] * len(todo)  # which ends the other threads
            raise
        desks.append(desk)

    def _chunk(self, desk: Desk, part: slice) -> None:
        """Run the program over some rows."""
        own, rows = self.places is not None, part.stop - part.start
        variant = Variant(rows, self.mode, None, "w" in self.tables, own)
        replay = desk.replay(variant, self.wanted)
        picked: Any = part if self.places is None else self.places[:, part].ravel()
        for name, table in self.tables.items():
            given = checks.dense(table[picked])
            replay.arrays[name].reshape(given.shape)[...] = given
        self.look(replay.arrays["x"].reshape(-1))
        replay()
        self.take(part, replay.outputs)


class Predictor:
    """What `Network.predictor` returns: a function that predicts, of weights as they were.

    Parameters
    ----------
    network : Network
        Whose weights are copied; it may be trained on, and the predictor stays as it is.

    Examples
    --------
    >>> import glassnet as gn
    >>> net = gn.Network([gn.Dense(1)], inputs=2, dtype="float64", seed=0)
    >>> net.weights = {"W1": [[1.0], [2.0]], "b1": [[0.5]]}
    >>> predict = net.predictor()
    >>> predict([1.0, 1.0])
    array([3.5])
    >>> predict([[1.0, 1.0], [2.0, 0.0]])
    array([[3.5],
           [2.5]])
    """

    def __init__(self, network: Predicting) -> None:
        self._network: Predicting = bare(network)
        self._network.theta = network.theta.copy()
        self._idle: list[tuple[Array, Any, Any]] = []  # what no thread is running just now

    def __call__(self, x: Any) -> Array:
        """Return predictions: (outputs,) of a row (inputs,), or (rows, outputs) of a table.

        Parameters
        ----------
        x : array (inputs,) or (rows, inputs), or sparse matrix
            Finite numbers.

        Returns
        -------
        array
            A new one for each call. Members come first: (members, rows, outputs).

        Raises
        ------
        ValueError
            If x is no row and no table of finite numbers with `inputs` columns.
        """
        try:
            ready = self._idle.pop()
        except IndexError:
            ready = self._ready()
        try:
            said = ready[1](ready[2], x)
        finally:
            self._idle.append(ready)
        return self._other(x) if said is None else said

    def _ready(self) -> tuple[Array, Any, Any]:
        theta = self._network.theta
        if _work(1, theta) < LITTLE:
            return Desk(self._network).prepare(1, "prediction")
        return theta, lambda function, x: None, None

    def _other(self, x: Any) -> Array:
        """Predict whatever is not the one row that is foreseen, or complain of it."""
        network, columns = self._network, self._network.inputs
        table = x if hasattr(x, "tocsr") else checks.numbers("x", x, finite=False)
        if table.ndim not in (1, 2) or table.shape[-1] != columns:
            raise ValueError(
                f"x: expected shape ({columns},) or (rows, {columns}), got {table.shape}"
            )
        if table.ndim == 2:
            return forward(network, table, "prediction", name="x")
        checks.fitting("x", checks.numbers("x", table), network.dtype)
        row: Array = forward(network, table[None], "prediction", name="x")[..., 0, :]
        return row

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_idle": []}
