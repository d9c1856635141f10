"""Embeddings: what a column says, spread over several numbers that are learned."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.initializers import normal
from glassnet.parts import Layer, Parameter
from glassnet.vocabulary import Array


@dataclass(frozen=True, repr=False)
class Embedding(Layer):
    r"""Columns of whole numbers become vectors that are learned, one for each number.

    .. math:: e = hot\, E, \quad dE = hot^T de

    where a row of `hot` is 1 at the row's number, counted from 0, and 0 elsewhere. Columns that
    are not embedded pass through in front of the vectors. A number that is none of
    0 ... categories - 1 stands for what was never seen: its vector is zeros.

    Source: Guo and Berkhahn (2016), "Entity embeddings of categorical variables",
    arXiv:1604.06737.

    Parameters
    ----------
    columns : int or sequence of int
        The columns of whole numbers, counted from 0.
    categories : int or sequence of int
        How many numbers each of them has.
    units : int
        Length of a vector.
    rate, decay : float
        Factors on the learning rate of the vectors, and on their L2 penalty and weight decay.

    Examples
    --------
    >>> from types import SimpleNamespace as Parameters
    >>> p = Parameters(E=np.array([[0.5, 0.1], [-0.5, 0.2]]))
    >>> x = np.array([[7.0, 0.0], [8.0, 1.0], [9.0, 5.0]])
    >>> Embedding(columns=1, categories=2, units=2).forward(x, p, None)[0]
    array([[ 7. ,  0.5,  0.1],
           [ 8. , -0.5,  0.2],
           [ 9. ,  0. ,  0. ]])
    """

    columns: Any
    categories: Any
    units: int
    rate: float = 1.0
    decay: float = 0.0

    def __post_init__(self) -> None:
        for name in ("columns", "categories"):
            given = getattr(self, name)
            given = tuple(given) if isinstance(given, Sequence | np.ndarray) else (given,)
            least = 0 if name == "columns" else 1
            several = tuple(checks.whole(name, each, least) for each in given)
            if not several:
                raise ValueError(f"{name}: expected at least one, got none")
            object.__setattr__(self, name, several)
        if not len(set(self.columns)) == len(self.columns) == len(self.categories):
            raise ValueError(
                f"categories: expected a number for each of the different columns {self.columns}, "
                f"got {self.categories}"
            )
        checks.whole("units", self.units)
        checks.number("rate", self.rate, 0)
        checks.number("decay", self.decay, 0)

    def parameters(self, inputs: int) -> dict[str, Parameter]:
        """Return a table of vectors for each column, E, E_2, ... (categories, units)."""
        if max(self.columns) >= inputs:
            raise ValueError(f"columns: expected columns 0 to {inputs - 1}, got {self.columns}")
        shapes = ((n, self.units) for n in self.categories)
        return {
            name: Parameter(shape, normal, self.rate, self.decay)
            for name, shape in zip(self._names(), shapes, strict=True)
        }

    def outputs(self, inputs: int) -> int:
        """Return the columns that pass, and the units of each vector."""
        return inputs + len(self.columns) * (self.units - 1)

    def forward(self, x: Array, p: Any, rng: Any) -> tuple[Array, Any]:
        """Return the columns that pass, then the vectors."""
        hots = [
            (x[..., column, None] == np.arange(n, dtype=x.dtype)).astype(x.dtype)
            for column, n in zip(self.columns, self.categories, strict=True)
        ]  # each (..., n, categories)
        vectors = [hot @ table for hot, table in zip(hots, self._tables(p), strict=True)]
        passing = [x[..., begin:end] for begin, end in self._passing(x.shape[-1])]
        return np.concatenate([*passing, *vectors], axis=-1), (x, hots)

    def backward(self, kept: Any, dy: Array, p: Any, d: Any, need_dx: bool) -> Array | None:
        """Write the tables' derivatives; dx is 0 in the embedded columns."""
        x, hots = kept
        start = x.shape[-1] - len(self.columns)
        for k, (hot, dtable) in enumerate(zip(hots, self._tables(d), strict=True)):
            begin = start + k * self.units
            dtable[...] = hot.mT @ dy[..., begin : begin + self.units]
        if not need_dx:
            return None
        dx, at = [], 0
        nothing = np.zeros((*x.shape[:-1], 1), x.dtype)
        for begin, end in self._passing(x.shape[-1], embedded=True):
            passes = begin not in self.columns
            dx.append(dy[..., at : at + end - begin] if passes else nothing)
            at += (end - begin) * passes
        return np.concatenate(dx, axis=-1)

    def _tables(self, p: Any) -> list[Array]:
        return [getattr(p, name) for name in self._names()]

    def _names(self) -> list[str]:
        return ["E" if k == 1 else f"E_{k}" for k in range(1, len(self.columns) + 1)]

    def _passing(self, inputs: int, embedded: bool = False) -> list[tuple[int, int]]:
        """Return the stretches of columns between the embedded ones, or with them."""
        edges = {0, inputs, *self.columns, *(column + 1 for column in self.columns)}
        stretches = pairwise(sorted(edges))
        return [each for each in stretches if embedded or each[0] not in self.columns]


@dataclass(frozen=True, repr=False)
class Periodic(Layer):
    r"""Numbers become waves of several lengths, mixed by weights that are learned, and themselves.

    .. math:: y = [\, e_1, e_2, ..., e_d,\ x \,], \quad
              e_i = V_i^T \cos(u_i) + shift_i, \quad u_i = F_i\, [x_i, 1]^T

    for each of the first `columns` of x, where a row of F is a frequency and a phase, both learned,
    and there are `waves` of them; in front of what comes in, all of which passes. So a network
    sees how a quantity bends from its first layer on. Backward:

    .. math:: dV_i = \cos(u_i)\, de_i^T, \quad du_i = -\sin(u_i) \cdot V_i\, de_i, \quad
              dF_i = du_i\, [x_i, 1]

    Source: Gorishniy, Rubachev and Babenko (2022), arXiv:2203.05556, section 3.3; as PBLD in
    Holzmüller, Grinsztajn and Steinwart (2024), arXiv:2407.04491, where all frequencies have one
    standard deviation.

    Parameters
    ----------
    columns : int, optional
        How many of the first columns become waves; left out, all.
    waves : int
        Frequencies a column.
    units : int
        Numbers that a column's waves are mixed into.
    slowest, fastest : float
        Standard deviations of the frequencies, in cycles for a unit of x, spread geometrically.
    rate : float
        A factor on the learning rate of all four.
    decay : float
        A factor on weight decay and the L2 penalty.
    fixed : bool
        Whether frequencies and phases stay as they were drawn: a step is shorter.

    Examples
    --------
    >>> from types import SimpleNamespace as Parameters
    >>> one, F = np.ones((1, 1, 1)), np.array([[[np.pi, 0.0]]])
    >>> p = Parameters(F=F, V=one, shift=0 * one)
    >>> Periodic(waves=1, units=1).forward(np.array([[0.0], [0.5], [1.0]]), p, None)[0].round(4)
    array([[ 1. ,  0. ],
           [ 0. ,  0.5],
           [-1. ,  1. ]])
    """

    columns: int | None = None
    waves: int = 16
    units: int = 3
    slowest: float = 0.05
    fastest: float = 1.0
    rate: float = 1.0
    decay: float = 0.0
    fixed: bool = False

    def __post_init__(self) -> None:
        for name in ("waves", "units"):
            checks.whole(name, getattr(self, name))
        checks.whole("columns", 1 if self.columns is None else self.columns)
        for name in ("slowest", "fastest", "rate", "decay"):
            checks.number(name, getattr(self, name), 0)

    def parameters(self, inputs: int) -> dict[str, Parameter]:
        """Return F (columns, waves, 2), V (columns, waves, units) and shift (columns, units, 1)."""
        d, learns = self._columns(inputs), not self.fixed
        return {
            "F": Parameter(
                (d, self.waves, 2), self._first, self.rate * learns, self.decay * learns
            ),
            "V": Parameter((d, self.waves, self.units), _uniform, self.rate, self.decay),
            "shift": Parameter((d, self.units, 1), _uniform, self.rate, self.decay),
        }

    def outputs(self, inputs: int) -> int:
        """Return the mixed waves' columns and those that pass."""
        return inputs + self._columns(inputs) * self.units

    def forward(self, x: Array, p: Any, rng: Any) -> tuple[Array, Any]:
        """Return the mixed waves, then x."""
        # rows lie on the last axis here: long runs for cosines, and products that BLAS does whole
        rows = x.mT  # (..., inputs, n)
        seen = rows[..., : p.F.shape[-3], None, :]
        ones = (seen == seen).astype(x.dtype)  # a line, for any number of rows
        seen = np.concatenate([seen, ones], axis=-2)  # (..., columns, 2, n)
        u = p.F @ seen  # (..., columns, waves, n)
        wave = np.cos(u)
        mixed = p.V.mT @ wave + p.shift  # (..., columns, units, n)
        mixed = mixed.reshape(*rows.shape[:-2], -1, rows.shape[-1])
        return np.concatenate([mixed, rows], axis=-2).mT, (seen, u, wave)

    def backward(self, kept: Any, dy: Array, p: Any, d: Any, need_dx: bool) -> Array | None:
        """Write the derivatives by F, V and shift, and return dx."""
        seen, u, wave = kept
        columns, rows = p.F.shape[-3], dy.mT
        size = columns * self.units
        dmixed = rows[..., :size, :].reshape(*u.shape[:-2], self.units, u.shape[-1])
        d.V[...] = wave @ dmixed.mT
        d.shift[...] = np.sum(dmixed, axis=-1, keepdims=True)
        du = np.sin(u) * (-p.V @ dmixed)  # (..., columns, waves, n)
        d.F[...] = du @ seen.mT
        if not need_dx:
            return None
        dseen = np.sum(du * p.F[..., :1], axis=-2) + rows[..., size : size + columns, :]
        return np.concatenate([dseen, rows[..., size + columns :, :]], axis=-2).mT

    def _columns(self, inputs: int) -> int:
        if self.columns is not None and self.columns > inputs:
            raise ValueError(f"columns: expected at most {inputs}, got {self.columns}")
        return inputs if self.columns is None else self.columns

    def _first(self, rng: "np.random.Generator", shape: tuple[int, ...]) -> Array:
        sd = np.geomspace(self.slowest, self.fastest, self.waves)
        frequency = 2 * np.pi * sd * rng.standard_normal(shape[:-1])
        return np.stack([frequency, rng.uniform(-np.pi, np.pi, shape[:-1])], axis=-1)


def _uniform(rng: "np.random.Generator", shape: tuple[int, ...]) -> Array:
    return rng.uniform(-0.25, 0.25, shape)
