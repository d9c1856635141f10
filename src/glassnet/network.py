"""A network: layers, a loss, one flat vector of parameters, and the programs recorded of them."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet import checks
from glassnet.layers import Layer
from glassnet.losses import LOSSES, Loss
from glassnet.optimizers import OPTIMIZERS, Optimizer
from glassnet.planner import Arena, Replay
from glassnet.program import Draws, Program, record
from glassnet.step import Layout, MemberDraws, Step
from glassnet.vocabulary import Array

if TYPE_CHECKING:
    from os import PathLike

    from glassnet.training import Epoch, History

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
        layers: Sequence[Layer] | Layer,
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
        self.layers = [layers] if isinstance(layers, Layer) else list(layers)
        self.layout = Layout(self.layers, self.inputs)
        self.outputs = self.layout.outputs
        self._check_end()
        self._forget()
        seed = np.random.SeedSequence().generate_state(1)[0] if seed is None else seed
        self.seed = checks.whole("seed", seed, least=0)
        self.members: int | None = None
        self.generators = [np.random.default_rng(self.seed)]
        self.theta = self.layout.first(self.generators[0], self.dtype)
        self._untouched: Array | None = self.theta.copy()

    def _check_end(self) -> None:
        """Make sure that the network ends in what its loss begins with."""
        loss = type(self.loss).__name__
        last = getattr(self.layers[-1], "activation", None)
        if last is not None and type(last).__name__ != "Identity":
            raise ValueError(
                f"layers: expected the last layer to end in raw scores, without activation, got "
                f"{type(last).__name__.lower()}; {loss} applies its own link"
            )
        if self.outputs < self.loss.least_outputs:
            raise ValueError(
                f"layers: expected at least {self.loss.least_outputs} outputs for {loss}, "
                f"got {self.outputs}"
            )

    # ---- parameters ------------------------------------------------------------------------------

    @property
    def weights(self) -> dict[str, Array]:
        """Every parameter by name, W1, b1, W2, ...: views, so writing into one changes the network.

        The number is the layer's position, counted from 1.
        """
        return {
            f"{name}{number}": view
            for number, views in enumerate(self.layout.views(self.theta), 1)
            for name, view in vars(views).items()
        }

    @property
    def rng(self) -> Any:
        """What random numbers are drawn from: one generator, or one a member."""
        return self.generators[0] if self.members is None else MemberDraws(self.generators)

    def spread(self, members: int) -> None:
        """Become this many members, stacked: this network, and those of the seeds after its own."""
        checks.whole("members", members)
        more = [np.random.default_rng(self.seed + k) for k in range(1, members)]
        self.theta = np.stack([self.theta, *(self.layout.first(rng, self.dtype) for rng in more)])
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
        if untouched is None or not np.array_equal(np.atleast_2d(self.theta)[0], untouched):
            return
        bias = getattr(self.layout.views(self.theta)[-1], "b", None)
        if bias is not None and bias.shape[-2:] == (1, self.outputs):
            bias[...] = self.loss.best_constant(y, w, self.outputs)

    # ---- programs --------------------------------------------------------------------------------

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
        key = (rows, mode, rule if mode == "train" else None, weighted, own)
        if key not in self._programs:
            if len(self._programs) == PROGRAMS:
                self._forget()
            step = self.step(rows, mode, rule, weighted=weighted, own=own)
            self._programs[key] = record(lambda program: self._write(program, step), self.dtype)
        return self._programs[key]

    def step(
        self, rows: int, mode: str, rule: Optimizer, *, weighted: bool = False, own: bool = False
    ) -> Step:
        """Return a step, which runs on arrays and is recorded on values."""
        return Step(
            *(self.layers, self.loss, self.layout, rule, mode, self.members, rows),
            weighted=weighted,
            own=own,
        )

    def _write(self, program: Program, step: Step) -> None:
        inputs = {
            name: program.input(name, shape, dtype)
            for name, (shape, dtype) in step.inputs(self.inputs, self.dtype).items()
        }
        results = step(inputs, Draws(program), program.within)
        for name, value in results.items():
            program.outputs[name] = value
            if value.name is None:
                program.name(value, name)

    def replay(self, rows: int, mode: str, wanted: tuple[str, ...], **options: Any) -> Replay:
        """Return a program's replay of what is wanted, planned into the network's memory."""
        program = self.program(rows, mode, **options)
        if (program, wanted) not in self._replays:
            self._replays[program, wanted] = Replay(program, wanted, self._arena)
        return self._replays[program, wanted]

    def _forget(self) -> None:
        self._programs: dict[Any, Program] = {}
        self._replays: dict[Any, Replay] = {}
        self._arena = Arena()

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_programs": {}, "_replays": {}, "_arena": Arena()}

    # ---- use -------------------------------------------------------------------------------------

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
        result = np.empty((*self.theta.shape[:-1], len(X), self.outputs), self.dtype)
        for part, outputs in self._chunks("predict", wanted, {"x": X}):
            result[..., part, :] = outputs
        return result

    def _chunks(
        self, mode: str, wanted: str, tables: dict[str, Array]
    ) -> Iterator[tuple[slice, Array]]:
        """Run a program over tables, a chunk of rows at a time; yield where, and what it left."""
        rows = len(tables["x"])
        for start in range(0, rows, CHUNK):
            part = slice(start, min(start + CHUNK, rows))
            replay = self.replay(part.stop - start, mode, (wanted,), weighted="w" in tables)
            replay.bind(theta=self.theta)
            with np.errstate(all="ignore"):
                for name, table in tables.items():
                    replay.arrays[name][...] = table[part]
                replay()
            yield part, replay.outputs[wanted]

    def evaluate(self, X: Any, y: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Return the loss over a table: {"loss": number}, an array of K numbers for K members."""
        X = checks.matrix("X", X, self.inputs)
        y, w = self.check_targets(len(X), y, sample_weight)
        tables = {"x": X, "y": y, **({} if sample_weight is None else {"w": w})}
        total = sum(
            loss.astype(float) * w[part].sum()
            for part, loss in self._chunks("evaluate", "loss", tables)
        )
        return {"loss": total / w.sum() if self.members is not None else float(total / w.sum())}

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
