"""What a network is made of: layers, one flat vector of parameters, and recorded programs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet import checks
from glassnet.losses import LOSSES
from glassnet.parts import Layer, Loss
from glassnet.planner import Arena, Replay
from glassnet.program import Draws, Program, record
from glassnet.step import Layout, MemberDraws, Step, Variant
from glassnet.vocabulary import Array

if TYPE_CHECKING:
    from glassnet.memory import Memory

PROGRAMS = 16  # recorded programs that a network keeps


class Weights(dict[str, Any]):
    """A network's parameters by name: views, and assigning to one copies into it."""

    def __setitem__(self, name: str, value: Any) -> None:
        self[name][...] = self.fitting(name, value)

    def fitting(self, name: str, value: Any) -> Array:
        """Return an array that fits into a parameter, or say why none does."""
        if name not in self:
            raise ValueError(f"weights: expected one of {', '.join(self)}, got {name!r}")
        array, shape = checks.numbers(name, value), self[name].shape
        if array.shape != shape:
            raise ValueError(f"{name}: expected shape {shape}, got {array.shape}")
        return array


class Base:
    """A network's state: configuration, theta, generators; its programs are made from them."""

    def __init__(
        self,
        layers: Sequence[Layer] | Layer,
        inputs: int,
        *,
        loss: str | Loss = "squared_error",
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        self.configure(layers, inputs, loss, dtype, seed)
        self.generators = [np.random.default_rng(self.seed)]
        self.theta = self.layout.first(self.generators[0], self.dtype)
        self._untouched: Array | None = self.theta.copy()

    def configure(
        self, layers: Sequence[Layer] | Layer, inputs: int, loss: Any, dtype: Any, seed: int | None
    ) -> None:
        """Become a network without weights and generators, which nothing is asked of yet."""
        self.inputs = checks.whole("inputs", inputs)
        self.loss = checks.find("loss", loss, LOSSES, Loss)
        if np.dtype(dtype) not in (np.float32, np.float64):
            raise ValueError(f"dtype: expected float32 or float64, got {np.dtype(dtype)}")
        self.dtype = np.dtype(dtype)
        self.layers = [layers] if isinstance(layers, Layer) else list(layers)
        self.layout = Layout(self.layers, self.inputs)
        self.outputs = self.layout.outputs
        self._check_end()
        self.frozen: frozenset[int] = self.layout.fixed
        self.memory: Memory | None = None
        self.taught: Array | None = None  # fingerprints of rows that are never to be held out
        self._forget()
        seed = np.random.SeedSequence().generate_state(1)[0] if seed is None else seed
        self.seed = checks.whole("seed", seed, least=0)
        self.members: int | None = None

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
    def weights(self) -> "Weights":
        """Every parameter by name, W1, b1, W2, ...: views, so writing into one changes the network.

        The number is the layer's position, counted from 1. ``net.weights["W1"] = array`` copies
        into the view, and so does ``net.weights = {"W1": ..., "b1": ...}``.

        Examples
        --------
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], inputs=1, dtype="float64")
        >>> net.weights["W1"] = [[0.5]]
        >>> net.weights["W1"], net.theta[0]
        (array([[0.5]]), np.float64(0.5))
        """
        return Weights(self.layout.named(self.theta))

    @weights.setter
    def weights(self, given: Mapping[str, Any]) -> None:
        views = self.weights
        arrays = {name: views.fitting(name, array) for name, array in given.items()}
        for name, array in arrays.items():
            views[name][...] = array

    @property
    def rng(self) -> Any:
        """What random numbers are drawn from: one generator, or one a member."""
        return self.generators[0] if self.members is None else MemberDraws(self.generators)

    def spread(self, members: int | Sequence[int]) -> None:
        """Become several members, stacked.

        Parameters
        ----------
        members : int or sequence of int
            How many: this network, and those of the seeds after its own; or the seeds of all.

        Examples
        --------
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], inputs=1, seed=0)
        >>> net.spread(3)
        >>> net.members, net.predict([[1.0], [2.0]]).shape
        (3, (3, 2, 1))
        """
        if isinstance(members, Sequence):
            seeds = [checks.whole("members", seed, least=0) for seed in members]
            checks.whole("members", len(seeds))
            self.generators, thetas = [], []
        else:
            seeds = [self.seed + k for k in range(1, checks.whole("members", members))]
            thetas = [self.theta]
        before, more = self.theta, [np.random.default_rng(seed) for seed in seeds]
        self.theta = np.stack([*thetas, *(self.layout.first(rng, self.dtype) for rng in more)])
        for number in self.frozen:
            for start, stop, _ in self.layout.places[number - 1].values():
                self.theta[:, start:stop] = before[start:stop]
        if not thetas:
            self._untouched = self.theta[0].copy()
        self.generators, self.members, self.memory = self.generators + more, len(self.theta), None
        self._forget()

    def keep(self, member: int) -> None:
        """Become one of the members.

        Parameters
        ----------
        member : int
            Which, counted from 0.

        Examples
        --------
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], inputs=1, seed=0)
        >>> net.spread(3)
        >>> net.keep(2)
        >>> net.predict([[1.0]]) == gn.Network([gn.Dense(1)], inputs=1, seed=2).predict([[1.0]])
        array([[ True]])
        """
        if self.members is None or not 0 <= checks.whole("member", member, 0) < self.members:
            raise ValueError(f"member: expected one of {self.members or 1}, from 0, got {member}")
        self.theta = self.theta[member].copy()
        self.generators, self.members, self.memory = [self.generators[member]], None, None
        self._forget()

    def freeze(self, *layers: int) -> None:
        """Keep the weights of these layers as they are, and let the others learn.

        A call replaces what was frozen before.

        Parameters
        ----------
        *layers : int
            Positions, counted from 1; none at all lets every layer learn again.

        Examples
        --------
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(2, "tanh"), gn.Dense(3, "tanh"), gn.Dense(1)], inputs=1)
        >>> net.freeze(1, 2)
        >>> net.freeze(2)
        >>> net.frozen
        frozenset({2})
        """
        learning = {i for i, places in enumerate(self.layout.places, 1) if places}
        for number in layers:
            if checks.whole("layers", number) not in learning:
                raise ValueError(f"layers: expected some of {sorted(learning)}, got {number}")
        if learning <= self.layout.fixed | set(layers):
            raise ValueError("layers: expected at least one layer that learns, got all of them")
        self.frozen, self.memory = frozenset(layers) | self.layout.fixed, None
        self._forget()

    # ---- programs --------------------------------------------------------------------------------

    def recorded(self, variant: Variant) -> Program:
        """Return the program of this variant of a step, recorded the first time."""
        if variant not in self._programs:
            if len(self._programs) == PROGRAMS:
                self._forget()
            step = self.step(variant)
            self._programs[variant] = record(lambda program: self.write(program, step), self.dtype)
        return self._programs[variant]

    def step(self, variant: Variant) -> Step:
        """Return a step, which runs on arrays and is recorded on values."""
        return Step(self.layers, self.loss, self.layout, self.members, self.frozen, variant)

    def write(self, program: Program, step: Step) -> None:
        """Run a step on the values of a program that is being recorded."""
        inputs = {
            name: program.input(name, shape, dtype)
            for name, (shape, dtype) in step.inputs(self.inputs, self.dtype).items()
        }
        results = step(inputs, Draws(program), program.within)
        for name, value in results.items():
            program.outputs[name] = value
            if value.name is None:
                program.name(value, name)

    def replay(self, variant: Variant, wanted: tuple[str, ...]) -> Replay:
        """Return a program's replay of what is wanted, planned into the network's memory."""
        program = self.recorded(variant)
        if (program, wanted) not in self._replays:
            self._replays[program, wanted] = Replay(program, wanted, self._arena)
        return self._replays[program, wanted]

    def _forget(self) -> None:
        self._programs: dict[Variant, Program] = {}
        self._replays: dict[Any, Replay] = {}
        self._arena = Arena()
        self.desks: list[Any] = []  # where nobody predicts just now

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_programs": {}, "_replays": {}, "_arena": Arena(), "desks": []}

    def check_targets(self, rows: int, y: Any, sample_weight: Any) -> tuple[Array, Array]:
        """Return targets and weights as a step gets them, one row for each row of X."""
        y = checks.fitting("y", self.loss.check(y, self.outputs), self.dtype)
        if len(y) != rows:
            raise ValueError(f"y: expected {rows} rows, as many as X, got {len(y)}")
        w = np.ones((rows, 1)) if sample_weight is None else sample_weight
        return y, checks.weights("sample_weight", w, rows)

    def __repr__(self) -> str:
        """Return what builds the network as it begins.

        Members, frozen layers and trained weights are not in it: `save` keeps those. Parts of
        your own need a repr of their own.
        """
        layers = ", ".join(map(repr, self.layers))
        return (
            f"Network([{layers}], inputs={self.inputs}, loss={self.loss!r}, "
            f"dtype={self.dtype.name!r}, seed={self.seed})"
        )
