"""A training step, in the order of the books: forward, loss, backward, update.

It is written once. Given arrays it runs; given values it is recorded, and what is recorded is
replayed for every batch.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partialmethod
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np

from glassnet.parts import Layer, Loss, Optimizer, Parameter
from glassnet.schedules import Scheduled
from glassnet.vocabulary import Array

T = TypeVar("T")
Within = Callable[..., AbstractContextManager[None]]
MODES = ("predict", "evaluate", "gradient", "train")


class Layout:
    """Where each layer's parameters lie in the flat vector theta.

    Attributes
    ----------
    size, outputs : int
        Number of parameters, and of columns that leave the last layer.
    places : list of dict
        For each layer, name -> (start, stop, Parameter).
    fixed : frozenset of int
        Numbers, from 1, of the layers none of whose parameters learns.
    """

    def __init__(self, layers: Sequence[Layer], inputs: int) -> None:
        self.places: list[dict[str, tuple[int, int, Parameter]]] = []
        width, start = inputs, 0
        for number, layer in enumerate(layers, 1):
            if not isinstance(layer, Layer):
                raise TypeError(f"layers: expected Layer objects, got {layer!r} as number {number}")
            places = {}
            for name, parameter in layer.parameters(width).items():
                stop = start + int(np.prod(parameter.shape))
                places[name] = (start, stop, parameter)
                start = stop
            self.places.append(places)
            width = layer.outputs(width)
        if start == 0:
            raise ValueError("layers: expected at least one layer with parameters, got none")
        self.outputs, self.size = width, start
        self.fixed = frozenset(
            number
            for number, places in enumerate(self.places, 1)
            if places and not any(parameter.rate for _, _, parameter in places.values())
        )

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
            for places in self.places
        ]

    def named(self, flat: Any) -> dict[str, Any]:
        """Return a flat vector (..., P) as parameters by their names in the network."""
        return {
            name: view
            for number, views in enumerate(self.views(flat), 1)
            for name, view in named(vars(views), number).items()
        }

    def first(self, rng: "np.random.Generator", dtype: Any) -> Array:
        """Return the first theta, drawn layer by layer."""
        theta = np.empty(self.size, dtype)
        for places in self.places:
            for start, stop, parameter in places.values():
                theta[start:stop].reshape(parameter.shape)[...] = parameter.init(
                    rng, parameter.shape
                )
        return theta

    def factors(self, name: str, dtype: Any, frozen: Collection[int] = ()) -> Array:
        """Return the parameters' rate or decay factors (P,), 0 in the layers that are frozen."""
        return np.concatenate(
            [
                np.full(stop - start, getattr(parameter, name) * (number not in frozen), dtype)
                for number, places in enumerate(self.places, 1)
                for start, stop, parameter in places.values()
            ]
        )


def named(own: Mapping[str, T], number: int, prefix: str = "") -> dict[str, T]:
    """Return what belongs to a layer's parameters by their names in the network.

    Examples
    --------
    >>> named({"W": 1.0, "W_2": 2.0}, 3, "d")
    {'dW3': 1.0, 'dW3_2': 2.0}
    """
    name = re.compile(r"(?=_\d+$)|$")
    return {prefix + name.sub(str(number), each, count=1): own[each] for each in own}


@dataclass(frozen=True)
class Variant:
    """Which of a network's steps: what it does, on how many rows, and with what.

    Attributes
    ----------
    rows : int
        Rows of the batch.
    mode : str
        ``predict`` goes forward, ``evaluate`` also takes the loss, ``gradient`` also goes
        backward, and ``train`` lets the optimizer update theta.
    rule : Optimizer or None
        Whose update a training step ends in.
    weighted, own : bool
        Whether rows have weights, and whether each member has rows of its own.
    l2, decay, fading, clip, rates : bool
        Whether there is an L2 penalty, decoupled weight decay, a schedule for it, a longest
        gradient, a learning rate for each member.
    """

    rows: int
    mode: str = "train"
    rule: Optimizer | None = None
    weighted: bool = False
    own: bool = False
    l2: bool = False
    decay: bool = False
    fading: bool = False
    clip: bool = False
    rates: bool = False


def scheduled(layers: Sequence[Layer]) -> dict[str, Scheduled]:
    """Return the layers' numbers that change from step to step, by names in the network."""
    return {
        name: number
        for place, layer in enumerate(layers, 1)
        for name, number in named(layer.scheduled(), place).items()
    }


class Nowhere:
    """What the derivatives of frozen layers, and of parameters of rate 0, are written into."""

    def __setitem__(self, key: Any, value: Any) -> None:
        pass


class Step:
    """A step of a network: its layers, its loss, and the variant.

    Parameters
    ----------
    members : int or None
        How many stacked networks.
    frozen : collection of int
        Numbers of the layers, from 1, that keep their weights.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        loss: Loss,
        layout: Layout,
        members: int | None,
        frozen: Collection[int],
        variant: Variant,
    ) -> None:
        self.layers, self.loss, self.layout, self.members = layers, loss, layout, members
        self.frozen, self.variant = frozen, variant

    def inputs(self, width: int, dtype: Any) -> dict[str, tuple[tuple[int, ...], Any]]:
        """Return the shape and dtype of every input, for a table of this many columns."""
        variant, rule = self.variant, self.variant.rule
        lead = () if self.members is None else (self.members,)
        rows = (*lead, variant.rows) if variant.own else (variant.rows,)
        theta, each = ((*lead, self.layout.size), dtype), ((self.layout.size,), dtype)
        number = ((), dtype)
        inputs: dict[str, tuple[tuple[int, ...], Any]] = {"x": ((*rows, width), dtype)}
        inputs["theta"] = theta
        if variant.mode == "predict":
            return inputs
        inputs["y"] = ((*rows, 1 if self.loss.labels else self.layout.outputs), dtype)
        if variant.weighted:
            inputs["w"] = ((*rows, 1), dtype)
        if variant.l2:
            inputs["l2"] = each
        if variant.mode in ("gradient", "train"):
            inputs["gradient"] = theta
            inputs |= dict.fromkeys(scheduled(self.layers), number)
        if variant.mode == "train" and rule is not None:
            beside = {
                "rate": (number, True),
                "factor": (
                    theta if variant.rates else each,
                    variant.rates
                    or any(
                        each.rate != 1 for own in self.layout.places for *_, each in own.values()
                    ),
                ),
                "longest": (number, variant.clip),
                "decay": (each, variant.decay),
                "fade": (number, variant.fading),
            }
            inputs |= {name: kind for name, (kind, wanted) in beside.items() if wanted}
            inputs |= dict.fromkeys(rule.state, theta)
            inputs |= dict.fromkeys(rule.corrections(1), number)
        return inputs

    def __call__(self, v: dict[str, Any], rng: Any, within: Within) -> dict[str, Any]:
        """Do the step on arrays or values, and return raw scores, prediction and loss.

        The layers' own code runs on whatever `v` holds; `within` is told whose turn it is.
        """
        mode = self.variant.mode
        results, kept, p = self._forward(v, rng, within)
        if mode == "predict":
            return results
        raw, name = results["raw"], type(self.loss).__name__
        with within("loss", name):
            w = self._shares(v)
            results["loss"] = self.loss.value(raw, v["y"], w)
        if self.variant.l2:
            with within("loss", "L2"):
                results["loss"] = results["loss"] + _penalty(v["theta"], v["l2"])
        if mode == "evaluate":
            return results
        with within("backward", name):
            dy = self.loss.gradient(raw, v["y"], w)
        if dy.shape != raw.shape:
            raise ValueError(f"loss {name}, gradient: expected {raw.shape}, got {dy.shape}")
        self._backward(v, kept, p, dy, within)
        if self.variant.l2:
            with within("backward", "L2"):
                v["gradient"][...] = v["gradient"] + v["l2"] * v["theta"]
        if mode == "train":
            self.update(v, within)
        return results

    def _forward(
        self, v: dict[str, Any], rng: Any, within: Within
    ) -> tuple[dict[str, Any], list[Any], list[SimpleNamespace]]:
        x, kept, p = v["x"], [], self.layout.views(v["theta"])
        if self.members is not None and not self.variant.own:
            # rows that members share get their axis, so that each draws its own dropout
            x = np.broadcast_to(x, (self.members, *x.shape))
        learning = self.variant.mode in ("gradient", "train")
        for number, layer in enumerate(self.layers, 1):
            weights, owner = p[number - 1], f"{number} {type(layer).__name__}"
            parameters = named(vars(weights), number)
            own = layer.scheduled() if learning else {}
            vars(weights).update(zip(own, (v[name] for name in named(own, number)), strict=True))
            with within("forward", owner, str(number), parameters):
                shape = (*x.shape[:-1], layer.outputs(x.shape[-1]))
                x, needed = layer.forward(x, weights, rng if learning else None)
                kept.append(needed)
            if x.shape != shape:
                raise ValueError(f"layer {owner}, forward: expected {shape}, got {x.shape}")
        with within("forward", type(self.loss).__name__):
            prediction = self.loss.link(x)
        return {"raw": x, "prediction": prediction}, kept, p

    def _shares(self, v: dict[str, Any]) -> Any:
        """Return each row's share of the mean."""
        if not self.variant.weighted:
            return 1 / self.variant.rows
        # the weights of one batch may all be zero: then no row has a share
        w, tiny = v["w"], float(np.finfo(v["w"].dtype).tiny)
        return w / np.maximum(np.sum(w, axis=-2, keepdims=True), tiny)

    def _backward(
        self, v: dict[str, Any], kept: list[Any], p: list[SimpleNamespace], dy: Any, within: Within
    ) -> None:
        d, places = self.layout.views(v["gradient"]), [*enumerate(self.layout.places)]
        learning = [i for i, own in places if own and i + 1 not in self.frozen]
        for i, own in reversed(places[learning[0] :]):
            owner, derivatives = f"{i + 1} {type(self.layers[i]).__name__}", vars(d[i])
            learned = {
                name: derivatives[name]
                for name, (*_, parameter) in own.items()
                if i in learning and parameter.rate
            }
            # nobody wants the others, so the planner leaves their lines out
            derivatives.update(dict.fromkeys(own.keys() - learned.keys(), Nowhere()))
            with within("backward", owner, str(i + 1), named(learned, i + 1, "d")):
                dy = self.layers[i].backward(kept[i], dy, p[i], d[i], i > learning[0])

    def update(self, v: dict[str, Any], within: Within) -> None:
        """Let the optimizer change theta, or a part of it: what it does holds for each element."""
        rule, theta, gradient = self.variant.rule, v["theta"], v["gradient"]
        assert rule is not None
        if self.variant.clip:
            with within("update", "clip"):
                norm = np.sqrt(np.sum(np.square(gradient), axis=-1, keepdims=True))
                gradient[...] = gradient * (v["longest"] / np.maximum(norm, v["longest"]))
        with within("update", type(rule).__name__):
            rate = v["rate"] * v["factor"] if "factor" in v else v["rate"]
            if self.variant.decay:
                decay = v["decay"] * v["fade"] if "fade" in v else v["decay"]
                theta[...] = theta - rate * decay * theta
            names = (*rule.state, *rule.corrections(1))
            rule.update(theta, gradient, rate, **{name: v[name] for name in names})


def _penalty(theta: Any, l2: Any) -> Any:
    """Return the penalty: half the sum of squared weights, each times its own l2."""
    penalty = 0.5 * np.sum(l2 * np.square(theta), axis=-1)
    return penalty


class MemberDraws:
    """Random draws for stacked members: each slice from its member's own generator."""

    def __init__(self, generators: list["np.random.Generator"]) -> None:
        self._generators = generators

    def _fill(self, name: str, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Array:
        array: Array = np.empty(size, dtype) if out is None else out
        for generator, part in zip(self._generators, array, strict=True):
            getattr(generator, name)(dtype=dtype, out=part)
        return array

    random = partialmethod(_fill, "random")
    standard_normal = partialmethod(_fill, "standard_normal")
