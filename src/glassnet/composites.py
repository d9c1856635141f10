"""Layers made of layers: a stack, a stack with a way around it, and stacks side by side."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count, pairwise
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np

from glassnet.parts import Layer, Parameter
from glassnet.schedules import Scheduled
from glassnet.vocabulary import Array

T = TypeVar("T")
Names = list[dict[str, str]]  # for each part, its own names of parameters -> those of the whole


@dataclass(frozen=True, repr=False)
class Stack(Layer):
    """Layers one after another, as one layer; an empty stack is no change at all.

    Its parameters are those of its layers; a name that comes again gets a number.

    Parameters
    ----------
    layers : Layer or sequence of Layer

    Examples
    --------
    >>> from glassnet import Dense
    >>> stack = Stack([Dense(3, "relu"), Dense(2)])
    >>> list(stack.parameters(4)), stack.outputs(4)
    (['W', 'b', 'W_2', 'b_2'], 2)
    """

    layers: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", _layers("layers", self.layers))

    def parameters(self, inputs: int) -> dict[str, Parameter]:
        """Return the parameters of every layer, each under a name of its own."""
        return _renamed(self._parts(inputs))

    def scheduled(self) -> dict[str, Scheduled]:
        """Return the numbers of every layer, each under a name of its own."""
        return _renamed([layer.scheduled() for layer in self.layers])

    def start(self, x: Array, p: Any, rng: "np.random.Generator") -> None:
        """Let every layer begin from the rows that reach it."""
        names = _names(self._parts(x.shape[-1]))
        for layer, part in zip(self.layers, _split(p, names), strict=True):
            layer.start(x, part, rng)
            x, _ = layer.forward(x, part, None)

    def outputs(self, inputs: int) -> int:
        """Return the number of columns that leave the last layer."""
        for layer in self.layers:
            inputs = layer.outputs(inputs)
        return inputs

    def forward(self, x: Array, p: Any, rng: Any) -> tuple[Array, Any]:
        """Go through the layers."""
        names, kept = _names(self._parts(x.shape[-1])), []
        for layer, part in zip(self.layers, _given(p, names, self.layers, rng), strict=True):
            x, needed = layer.forward(x, part, rng)
            kept.append(needed)
        return x, (names, kept)

    def backward(self, kept: Any, dy: Array, p: Any, d: Any, need_dx: bool) -> Array | None:
        """Go back through the layers, as far as somebody wants to know."""
        names, kepts = kept
        learning = [i for i, part in enumerate(names) if part]
        first = 0 if need_dx else min(learning, default=len(names))
        ps, ds, dx = _split(p, names), _split(d, names), dy
        for i in reversed(range(first, len(names))):
            dx = self.layers[i].backward(kepts[i], dx, ps[i], ds[i], need_dx or i > first)
        return dx if need_dx else None

    def _parts(self, inputs: int) -> list[dict[str, Parameter]]:
        parts = []
        for layer in self.layers:
            parts.append(layer.parameters(inputs))
            inputs = layer.outputs(inputs)
        return parts


@dataclass(frozen=True, repr=False)
class Residual(Stack):
    r"""A stack with a way around it: y = x + stack(x).

    .. math:: y = x + F(x), \quad dx = dy + F'(x)^T dy

    The stack learns what to add to x, and its gradient reaches x however deep the stack is.

    Source: He et al. (2015), "Deep residual learning", arXiv:1512.03385, equation 1.

    Parameters
    ----------
    layers : Layer or sequence of Layer
        They must end in as many columns as they begin with.

    Examples
    --------
    >>> from glassnet import Scale
    >>> p = SimpleNamespace(s=np.array([[1.0, 2.0]]))
    >>> Residual([Scale()]).forward(np.array([[1.0, 1.0]]), p, None)[0]
    array([[2., 3.]])
    """

    def outputs(self, inputs: int) -> int:
        """Return the number of columns, the same behind as before."""
        outputs = super().outputs(inputs)
        if outputs != inputs:
            raise ValueError(
                f"layers: expected the layers of a Residual to end in {inputs} columns, "
                f"as they begin, got {outputs}"
            )
        return outputs

    def forward(self, x: Array, p: Any, rng: Any) -> tuple[Array, Any]:
        """Return x + stack(x)."""
        y, kept = super().forward(x, p, rng)
        return x + y, kept

    def backward(self, kept: Any, dy: Array, p: Any, d: Any, need_dx: bool) -> Array | None:
        """Return dy + dx of the stack."""
        dx = super().backward(kept, dy, p, d, need_dx)
        return None if dx is None else dy + dx


@dataclass(frozen=True, repr=False)
class Concat(Layer):
    """Stacks side by side: each sees x, and their columns follow each other.

    An empty stack passes x on as it is.

    Source: Szegedy et al. (2014), "Going deeper with convolutions", arXiv:1409.4842, figure 2.

    Parameters
    ----------
    stacks : sequence of sequences of Layer

    Examples
    --------
    >>> from glassnet import Scale
    >>> p = SimpleNamespace(s=np.array([[1.0, 2.0]]))
    >>> Concat([[], [Scale()]]).forward(np.array([[3.0, 4.0]]), p, None)[0]
    array([[3., 4., 3., 8.]])
    """

    stacks: Any

    def __post_init__(self) -> None:
        if not isinstance(self.stacks, Sequence) or not self.stacks:
            raise TypeError(f"stacks: expected a sequence of stacks, got {self.stacks!r}")
        stacks = tuple(
            each if type(each) is Stack else Stack(_layers("stacks", each)) for each in self.stacks
        )
        object.__setattr__(self, "stacks", stacks)

    def parameters(self, inputs: int) -> dict[str, Parameter]:
        """Return the parameters of every stack, each under a name of its own."""
        return _renamed([stack.parameters(inputs) for stack in self.stacks])

    def scheduled(self) -> dict[str, Scheduled]:
        """Return the numbers of every stack, each under a name of its own."""
        return _renamed([stack.scheduled() for stack in self.stacks])

    def start(self, x: Array, p: Any, rng: "np.random.Generator") -> None:
        """Let every stack begin from the same rows."""
        names = _names([stack.parameters(x.shape[-1]) for stack in self.stacks])
        for stack, part in zip(self.stacks, _split(p, names), strict=True):
            stack.start(x, part, rng)

    def outputs(self, inputs: int) -> int:
        """Return the columns of all stacks together."""
        return sum(stack.outputs(inputs) for stack in self.stacks)

    def forward(self, x: Array, p: Any, rng: Any) -> tuple[Array, Any]:
        """Return the stacks' columns, one stack after the other."""
        names = _names([stack.parameters(x.shape[-1]) for stack in self.stacks])
        parts = zip(self.stacks, _given(p, names, self.stacks, rng), strict=True)
        ys, kepts = zip(*(stack.forward(x, part, rng) for stack, part in parts), strict=True)
        return np.concatenate(ys, axis=-1), (names, kepts, [y.shape[-1] for y in ys])

    def backward(self, kept: Any, dy: Array, p: Any, d: Any, need_dx: bool) -> Array | None:
        """Give each stack its columns of dy; dx is the sum of theirs."""
        names, kepts, widths = kept
        edges = [sum(widths[:i]) for i in range(len(widths) + 1)]
        dys = [dy[..., begin:end] for begin, end in pairwise(edges)]
        parts = zip(self.stacks, kepts, dys, _split(p, names), _split(d, names), strict=True)
        dxs = [stack.backward(*part, need_dx) for stack, *part in parts]
        return sum(dxs[1:], dxs[0]) if need_dx else None


def _layers(name: str, given: Any) -> tuple[Layer, ...]:
    layers = (given,) if isinstance(given, Layer) else given
    if not isinstance(layers, Sequence) or not all(isinstance(each, Layer) for each in layers):
        raise TypeError(f"{name}: expected Layer objects, got {given!r}")
    return tuple(layers)


def _names(parts: Sequence[dict[str, Any]]) -> Names:
    """Return each part's names with those of the whole: W, and where W comes again W_2, W_3."""
    taken: set[str] = set()
    free: dict[str, Iterator[str]] = {}
    names: Names = []
    for part in parts:
        names.append({})
        for name in part:
            base = re.sub(r"_\d+$", "", name)
            free.setdefault(base, chain([base], (f"{base}_{k}" for k in count(2))))
            names[-1][name] = next(each for each in free[base] if each not in taken)
            taken.add(names[-1][name])
    return names


def _renamed(parts: Sequence[dict[str, T]]) -> dict[str, T]:
    """Return what all parts have under the names of the whole."""
    both = zip(_names(parts), parts, strict=True)
    return {names[name]: part[name] for names, part in both for name in part}


def _split(p: Any, names: Names) -> list[SimpleNamespace]:
    """Return what the whole holds as each part finds it."""
    return [SimpleNamespace(**{n: getattr(p, own) for n, own in part.items()}) for part in names]


def _given(p: Any, names: Names, layers: Sequence[Layer], rng: Any) -> list[SimpleNamespace]:
    """Return the same, and in training the scheduled numbers beside it."""
    parts = _split(p, names)
    if rng is not None:
        numbers = _names([layer.scheduled() for layer in layers])
        for part, more in zip(parts, _split(p, numbers), strict=True):
            vars(part).update(vars(more))
    return parts
