"""A network: layers, a loss, one flat vector of parameters, and the programs recorded from them.

`Network.step` is the whole of a training step, in the order of the books: forward, loss,
backward, update. It is written once. Given arrays it runs; given values it is recorded, and what
is recorded is replayed for every batch.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glassnet import checks
from glassnet.layers import Layer, Parameter
from glassnet.losses import LOSSES, Loss
from glassnet.optimizers import OPTIMIZERS, Optimizer
from glassnet.planner import Arena, Replay
from glassnet.program import Draws, Program, record

if TYPE_CHECKING:
    from os import PathLike

    from glassnet.training import Epoch, History

Array = NDArray[Any]
Within = Callable[..., AbstractContextManager[None]]
CHUNK = 1024  # rows that predict and evaluate take at a time
PROGRAMS = 16  # recorded programs that a network keeps


class Network:
    """A feed-forward network of layers, trained by backpropagation.

    Parameters
    ----------
    layers : sequence of Layer
        The last one ends in raw scores: a Dense without activation.
    inputs : int
        Number of columns of X.
    loss : str or Loss
        One of squared_error, binary_cross_entropy, multiclass_cross_entropy, or your own.
    dtype : str
        float32 or float64.
    seed : int, optional
        Where every random number comes from; drawn from the system if left out.

    Attributes
    ----------
    theta : array (P,) or (members, P)
        Every parameter, layer by layer; `weights` are views of it.
    seed : int
        As given or drawn. Member k of several is the network that ``seed + k`` makes.

    Examples
    --------
    >>> import glassnet as gn
    >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    >>> net = gn.Network([gn.Dense(2, "sigmoid"), gn.Dense(1)], inputs=2,
    ...                  loss="binary_cross_entropy", dtype="float64", seed=0)
    >>> history = net.fit(X, y, epochs=500, batch_size=None, optimizer=gn.Adam(0.1), restarts=8)
    >>> net.predict(X).round().ravel()
    array([0., 1., 1., 0.])
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        inputs: int,
        *,
        loss: str | Loss = "squared_error",
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        self.inputs = checks.whole("inputs", inputs)
        self.loss = checks.find("loss", loss, LOSSES, Loss)
        if np.dtype(dtype) not in (np.float32, np.float64):
            raise ValueError(f"dtype: expected float32 or float64, got {np.dtype(dtype)}")
        self.dtype = np.dtype(dtype)
        self.layers = list(layers)
        self._slots = self._lay_out()
        if seed is not None:
            checks.whole("seed", seed, least=0)
        self.seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else int(seed)
        self.members: int | None = None
        self._forget()
        self.generators = [np.random.default_rng(self.seed)]
        self.theta = self._first_theta(self.generators[0])
        self._untouched: Array | None = self.theta.copy()

    def _lay_out(self) -> list[dict[str, tuple[int, int, Parameter]]]:
        """Return each layer's parameters with their place in theta."""
        slots, width, start = [], self.inputs, 0
        for position, layer in enumerate(self.layers, 1):
            if not isinstance(layer, Layer):
                raise TypeError(f"layers: expected Layer objects, got {layer!r} at {position}")
            places = {}
            for name, parameter in layer.parameters(width).items():
                stop = start + int(np.prod(parameter.shape))
                places[name] = (start, stop, parameter)
                start = stop
            slots.append(places)
            width = layer.outputs(width)
        if start == 0:
            raise ValueError("layers: expected at least one layer with parameters, got none")
        last = getattr(self.layers[-1], "activation", None)
        if last is not None and type(last).__name__ != "Identity":
            raise ValueError(
                f"layers: expected the last layer to end in raw scores, without activation, got "
                f"{type(last).__name__.lower()}; {type(self.loss).__name__} applies its own link"
            )
        if width < self.loss.least_outputs:
            raise ValueError(
                f"layers: expected at least {self.loss.least_outputs} outputs for "
                f"{type(self.loss).__name__}, got {width}"
            )
        self.outputs, self.size = width, start
        return slots

    def _first_theta(self, rng: np.random.Generator) -> Array:
        theta = np.empty(self.size, self.dtype)
        for places in self._slots:
            for name, (start, stop, parameter) in places.items():
                first = np.asarray(parameter.init(rng, parameter.shape))
                if first.shape != parameter.shape:
                    raise ValueError(
                        f"init of {name}: expected shape {parameter.shape}, got {first.shape}"
                    )
                theta[start:stop] = first.ravel()
        return theta

    # ---- parameters ------------------------------------------------------------------------------

    @property
    def weights(self) -> dict[str, Array]:
        """Every parameter by name, W1, b1, W2, ...: views, so writing into one changes the network.

        The number is the layer's position, counted from 1.
        """
        return {
            f"{name}{number}": view
            for number, views in enumerate(self.views(self.theta), 1)
            for name, view in vars(views).items()
        }

    def views(self, flat: Any) -> list[SimpleNamespace]:
        """Return a flat vector (..., P) as each layer's parameters, in their shapes."""
        lead = flat.shape[:-1]
        return [
            SimpleNamespace(
                **{
                    name: flat[..., start:stop].reshape(lead + parameter.shape)
                    for name, (start, stop, parameter) in places.items()
                }
            )
            for places in self._slots
        ]

    @property
    def rng(self) -> Any:
        """What random numbers are drawn from: one generator, or one a member."""
        return self.generators[0] if self.members is None else MemberDraws(self.generators)

    def spread(self, members: int) -> None:
        """Become this many members, stacked: this network, and those of the seeds after its own."""
        checks.whole("members", members)
        more = [np.random.default_rng(self.seed + k) for k in range(1, members)]
        self.theta = np.stack([self.theta, *(self._first_theta(rng) for rng in more)])
        self.generators, self.members = self.generators + more, members
        self._forget()

    def keep(self, member: int) -> None:
        """Become one of the members."""
        self.theta = self.theta[member].copy()
        self.generators, self.members = [self.generators[member]], None
        self._forget()

    def start_output(self, y: Array, w: Array) -> None:
        """Let the output bias begin at the loss's best constant, if no weight was touched yet."""
        untouched, self._untouched = self._untouched, None
        bias = self._slots[-1].get("b")
        if bias is not None and bias[2].shape == (1, self.outputs) and untouched is not None:
            if np.array_equal(np.atleast_2d(self.theta)[0], untouched):
                self.theta[..., bias[0] : bias[1]] = self.loss.best_constant(y, w, self.outputs)

    # ---- the step ---------------------------------------------------------------------------------

    def step(self, v: SimpleNamespace, rng: Any, within: Within, mode: str, rule: Any) -> None:
        """Do what `mode` says with the inputs in v, and leave results there.

        ``predict`` goes forward, ``evaluate`` also takes the loss, ``train`` also goes backward
        and lets the optimizer `rule` update theta. The layers' own code runs on whatever v holds.
        """
        x, p = v.x, self.views(v.theta)
        rows, training = v.x.shape[-2], mode == "train"
        if self.members is not None and v.x.ndim == 2:
            x = np.broadcast_to(v.x, (self.members, *v.x.shape))
        kept = []
        for number, (layer, weights) in enumerate(zip(self.layers, p, strict=True), 1):
            owner = f"{number} {type(layer).__name__}"
            with within("forward", owner, str(number), weights):
                columns = layer.outputs(x.shape[-1])
                result = layer.forward(x, weights, rng if training else None)
                x, needed = _pair(result, x.shape[:-1] + (columns,), layer)
                kept.append(needed)
        raw = v.raw = x
        with within("forward", type(self.loss).__name__):
            v.prediction = self.loss.link(raw)
        if mode == "predict":
            return
        with within("loss", type(self.loss).__name__):
            w = 1 / rows
            if v.w is not None:
                # weights of a batch may all be zero: then no row has a share
                total = np.sum(v.w, axis=-2, keepdims=True)
                w = v.w / np.maximum(total, float(np.finfo(self.dtype).tiny))
            v.loss = self.loss.value(raw, v.y, w)
        if mode == "evaluate":
            return
        with within("backward", type(self.loss).__name__):
            dy = self.loss.gradient(raw, v.y, w)
        d = self.views(v.gradient)
        first = next(i for i, places in enumerate(self._slots) if places)
        for i in range(len(self.layers) - 1, first - 1, -1):
            owner = f"{i + 1} {type(self.layers[i]).__name__}"
            with within("backward", owner, str(i + 1), d[i], "d"):
                dy = self.layers[i].backward(kept[i], dy, p[i], d[i], i > first)
        with within("update", type(rule).__name__):
            rate = v.rate if v.factor is None else v.rate * v.factor
            rule.update(v.theta, v.gradient, rate, **v.state)

    def specify(
        self, rows: int, mode: str, rule: Optimizer | None, weighted: bool, own: bool
    ) -> dict[str, tuple[tuple[int, ...], Any]]:
        """Return the shape and dtype of every input of a step.

        `own` says that each member has rows of its own.
        """
        lead = () if self.members is None else (self.members,)
        rows_of = (*lead, rows) if own else (rows,)
        inputs: dict[str, tuple[tuple[int, ...], Any]] = {
            "x": ((*rows_of, self.inputs), self.dtype),
            "theta": (self.theta.shape, self.dtype),
        }
        if mode != "predict":
            labels = self.loss.labels
            inputs["y"] = (
                (*rows_of, 1 if labels else self.outputs),
                np.dtype(np.int64) if labels else self.dtype,
            )
        if mode != "predict" and weighted:
            inputs["w"] = ((*rows_of, 1), self.dtype)
        if rule is not None:
            inputs["gradient"] = inputs["theta"]
            inputs["rate"] = ((), self.dtype)
            if self.factor is not None:
                inputs["factor"] = ((self.size,), self.dtype)
            inputs |= {name: inputs["theta"] for name in rule.state}
            inputs |= {name: ((), self.dtype) for name in rule.corrections(1)}
        return inputs

    @property
    def factor(self) -> Array | None:
        """Factors on the learning rate (P,), or None where all are 1."""
        factor = np.empty(self.size, self.dtype)
        for places in self._slots:
            for start, stop, parameter in places.values():
                factor[start:stop] = parameter.rate
        return None if (factor == 1).all() else factor

    # ---- programs ----------------------------------------------------------------------------------

    def program(
        self,
        rows: int = 4,
        mode: str = "train",
        *,
        optimizer: str | Optimizer = "adam",
        weighted: bool = False,
        own: bool = False,
    ) -> Program:
        """Return the recorded program of a step: print it, or go through its lines.

        Parameters
        ----------
        rows : int
            Rows of the batch.
        mode : str
            ``predict``, ``evaluate`` or ``train``.
        optimizer : str or Optimizer
            Whose update a training step ends in.
        weighted : bool
            Whether rows have weights.
        own : bool
            Whether each member has rows of its own.

        Examples
        --------
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], inputs=2, dtype="float64")
        >>> print(net.program(rows=4, mode="predict"))
        forward
           1  z1 = x @ W1 + b1  (4, 1)  1 Dense
        """
        if mode not in ("predict", "evaluate", "train"):
            raise ValueError(f"mode: expected predict, evaluate or train, got {mode!r}")
        checks.whole("rows", rows)
        rule = checks.find("optimizer", optimizer, OPTIMIZERS, Optimizer)
        used = rule if mode == "train" else None
        key = (rows, mode, used, weighted and mode != "predict", own)
        if key not in self._programs:
            if len(self._programs) >= PROGRAMS:
                self._programs.pop(next(iter(self._programs)))
            self._programs[key] = record(lambda program: self._write(program, *key), self.dtype)
        return self._programs[key]

    def _write(
        self, program: Program, rows: int, mode: str, rule: Any, weighted: bool, own: bool
    ) -> None:
        inputs = {
            name: program.input(name, shape, dtype)
            for name, (shape, dtype) in self.specify(rows, mode, rule, weighted, own).items()
        }
        v = gather(inputs, rule)

        self.step(v, Draws(program), program.within, mode, rule)
        for name in ("raw", "prediction", "loss"):
            if hasattr(v, name):
                program.outputs[name] = getattr(v, name)
                if program.outputs[name].name is None:
                    program.name(program.outputs[name], name)

    def replay(
        self, rows: int, mode: str, wanted: tuple[str, ...], **options: Any
    ) -> Replay:
        """Return a program's replay of what is wanted, planned into the network's memory."""
        program = self.program(rows, mode, **options)
        key = (id(program), wanted)
        if key not in self._replays:
            alive = {id(kept) for kept in self._programs.values()}
            self._replays = {k: r for k, r in self._replays.items() if k[0] in alive}
            self._replays[key] = Replay(program, wanted, self._arena)
        return self._replays[key]

    def _forget(self) -> None:
        self._programs: dict[Any, Program] = {}
        self._replays: dict[Any, Replay] = {}
        self._arena = Arena()

    def __getstate__(self) -> dict[str, Any]:
        derived = ("_programs", "_replays", "_arena")
        return {name: value for name, value in vars(self).items() if name not in derived}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._forget()

    # ---- use -----------------------------------------------------------------------------------------

    def raw(self, X: Any) -> Array:
        """Return the raw scores (rows, outputs), before the loss's link."""
        return self._forward(X, "raw")

    def predict(self, X: Any) -> Array:
        """Return predictions (rows, outputs): probabilities or means, the loss's link applied.

        Raises
        ------
        ValueError
            If X is not a table of finite numbers with `inputs` columns.
        """
        return self._forward(X, "prediction")

    def _forward(self, X: Any, wanted: str) -> Array:
        X = checks.matrix("X", X, self.inputs)
        lead = () if self.members is None else (self.members,)
        result = np.empty((*lead, len(X), self.outputs), self.dtype)
        with np.errstate(all="ignore"):
            for start in range(0, len(X), CHUNK):
                chunk = X[start : start + CHUNK]
                replay = self.replay(len(chunk), "predict", (wanted,))
                replay.bind(theta=self.theta)
                replay.arrays["x"][...] = chunk
                replay()
                result[..., start : start + len(chunk), :] = replay.outputs[wanted]
        return result

    def evaluate(self, X: Any, y: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Return the loss over a table: {"loss": number}, an array of K numbers for K members."""
        X = checks.matrix("X", X, self.inputs)
        y, w = self.check_targets(len(X), y, sample_weight)
        total: Any = 0.0
        with np.errstate(all="ignore"):
            for start in range(0, len(X), CHUNK):
                part = slice(start, start + CHUNK)
                weighted = sample_weight is not None
                replay = self.replay(len(X[part]), "evaluate", ("loss",), weighted=weighted)
                replay.bind(theta=self.theta)
                for name, table in (("x", X), ("y", y), *([("w", w)] if weighted else [])):
                    replay.arrays[name][...] = table[part]
                replay()
                total = total + replay.outputs["loss"].astype(float) * float(w[part].sum())
        loss = total / float(w.sum())
        return {"loss": loss if self.members is not None else float(loss)}

    def check_targets(self, rows: int, y: Any, sample_weight: Any) -> tuple[Array, Array]:
        """Return targets and weights as a step gets them, one row for each row of X."""
        y = self.loss.check(y, self.outputs)
        if len(y) != rows:
            raise ValueError(f"y: expected {rows} rows, as many as X, got {len(y)}")
        w = np.ones((rows, 1)) if sample_weight is None else sample_weight
        return y, checks.weights("sample_weight", w, rows)

    def fit(self, X: Any, y: Any, *, restarts: int = 1, **options: Any) -> "History":
        """Train, and return the history; see `train` for the options.

        Parameters
        ----------
        restarts : int
            Train this many networks at once, each from weights of its own, and keep the one with
            the lowest validation loss, or training loss where there is no validation.
        """
        from glassnet.training import fit

        return fit(self, X, y, restarts=restarts, **options)

    def train(self, X: Any, y: Any, **options: Any) -> "Iterator[Epoch]":
        """Train as a generator: ``for epoch in net.train(X, y, epochs=10): ...``.

        Parameters
        ----------
        X : array (rows, inputs)
            Finite numbers.
        y : array (rows,) or (rows, outputs)
            Targets, as the loss has them.
        epochs : int
            How often to go through the rows.
        batch_size : int or None
            Rows a step, in a new order each epoch; the last step takes what remains. None takes
            all rows at once, in their order.
        optimizer : str or Optimizer
            One of sgd, momentum, adam, or an object.
        sample_weight : array (rows,), optional
            How much each row counts.
        validation : tuple (X, y) or (X, y, sample_weight), optional
            Rows to watch and not to train on.
        every : int
            Epochs from one report to the next: then the loss is taken, and the generator yields.
        engine : str
            ``numpy`` replays the recorded program; ``eager`` runs the layers' own code on arrays,
            slowly, so that a debugger can stop in it. Both give the same bits.
        """
        from glassnet.training import train

        return train(self, X, y, **options)

    def save(self, path: "str | PathLike[str]") -> None:
        """Write the network to a file that `glassnet.load` reads: data, never code."""
        from glassnet.files import save_network

        save_network(self, path)

    def __repr__(self) -> str:
        layers = ", ".join(map(repr, self.layers))
        return (
            f"Network([{layers}], inputs={self.inputs}, loss={self.loss!r}, "
            f"dtype={self.dtype.name!r}, seed={self.seed})"
        )


class MemberDraws:
    """Random draws for stacked members: each slice from its member's own generator."""

    def __init__(self, generators: list[np.random.Generator]) -> None:
        self._generators = generators

    def random(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Array:
        """Uniform numbers in [0, 1), (members, ...)."""
        return self._fill("random", size, dtype, out)

    def standard_normal(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Array:
        """Normal numbers, (members, ...)."""
        return self._fill("standard_normal", size, dtype, out)

    def _fill(self, name: str, size: Any, dtype: Any, out: Any) -> Array:
        array: Array = np.empty(size, dtype) if out is None else out
        for generator, part in zip(self._generators, array, strict=True):
            getattr(generator, name)(dtype=dtype, out=part)
        return array


def gather(inputs: dict[str, Any], rule: Optimizer | None) -> SimpleNamespace:
    """Return inputs as `Network.step` takes them."""
    names = () if rule is None else (*rule.state, *rule.corrections(1))
    state = {name: inputs[name] for name in names}
    rest = {name: value for name, value in inputs.items() if name not in state}
    return SimpleNamespace(**{"w": None, "factor": None, **rest}, state=state)


def _pair(result: Any, shape: tuple[int, ...], layer: Layer) -> tuple[Any, Any]:
    """Return what a forward pass gave, if it is (result, kept) and of the shape it promised."""
    name = type(layer).__name__
    if not (isinstance(result, tuple) and len(result) == 2):
        raise TypeError(f"{name}.forward: expected (result, kept), got {type(result).__name__}")
    if result[0].shape != shape:
        raise ValueError(f"{name}.forward: expected shape {shape}, got {result[0].shape}")
    return result
