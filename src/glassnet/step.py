"""A training step, in the order of the books: forward, loss, backward, update.

It is written once. Given arrays it runs; given values it is recorded, and what is recorded is
replayed for every batch.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partialmethod
from types import SimpleNamespace
from typing import Any

import numpy as np

from glassnet.layers import Layer, Parameter
from glassnet.losses import Loss
from glassnet.optimizers import Optimizer
from glassnet.vocabulary import Array

Within = Callable[..., AbstractContextManager[None]]


class Layout:
    """Where each layer's parameters lie in the flat vector theta.

    Attributes
    ----------
    size, outputs : int
        Number of parameters, and of columns that leave the last layer.
    places : list of dict
        For each layer, name -> (start, stop, Parameter).
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

    def first(self, rng: "np.random.Generator", dtype: Any) -> Array:
        """Return the first theta, drawn layer by layer."""
        theta = np.empty(self.size, dtype)
        for places in self.places:
            for start, stop, parameter in places.values():
                theta[start:stop].reshape(parameter.shape)[...] = parameter.init(
                    rng, parameter.shape
                )
        return theta

    def factor(self, dtype: Any) -> Array | None:
        """Return the factors on the learning rate (P,), or None where all are 1."""
        slots = [slot for places in self.places for slot in places.values()]
        factor = np.concatenate([np.full(stop - start, p.rate, dtype) for start, stop, p in slots])
        return None if (factor == 1).all() else factor


class Step:
    """A step of a network: its layers, its loss, an optimizer, and what goes into them.

    Parameters
    ----------
    mode : str
        ``predict`` goes forward, ``evaluate`` also takes the loss, ``train`` also goes backward
        and lets the optimizer update theta.
    members : int or None
        How many stacked networks.
    rows : int
        Rows of the batch.
    weighted, own : bool
        Whether rows have weights, and whether each member has rows of its own.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        loss: Loss,
        layout: Layout,
        rule: Optimizer,
        mode: str,
        members: int | None,
        rows: int,
        *,
        weighted: bool,
        own: bool,
    ) -> None:
        self.layers, self.loss, self.layout, self.rule = layers, loss, layout, rule
        self.mode, self.members, self.rows = mode, members, rows
        self.weighted, self.own = weighted, own

    def inputs(self, width: int, dtype: Any) -> dict[str, tuple[tuple[int, ...], Any]]:
        """Return the shape and dtype of every input, for a table of this many columns."""
        lead = () if self.members is None else (self.members,)
        rows = (*lead, self.rows) if self.own else (self.rows,)
        theta = ((*lead, self.layout.size), dtype)
        inputs: dict[str, tuple[tuple[int, ...], Any]] = {"x": ((*rows, width), dtype)}
        inputs["theta"] = theta
        if self.mode == "predict":
            return inputs
        inputs["y"] = ((*rows, 1 if self.loss.labels else self.layout.outputs), dtype)
        if self.weighted:
            inputs["w"] = ((*rows, 1), dtype)
        if self.mode == "train":
            inputs |= {"gradient": theta, "rate": ((), dtype)}
            if self.layout.factor(dtype) is not None:
                inputs["factor"] = ((self.layout.size,), dtype)
            inputs |= dict.fromkeys(self.rule.state, theta)
            inputs |= dict.fromkeys(self.rule.corrections(1), ((), dtype))
        return inputs

    def __call__(self, v: dict[str, Any], rng: Any, within: Within) -> dict[str, Any]:
        """Do the step on arrays or values, and return raw scores, prediction and loss.

        The layers' own code runs on whatever `v` holds; `within` is told whose turn it is.
        """
        results, kept, p = self._forward(v, rng, within)
        raw, name = results["raw"], type(self.loss).__name__
        if self.mode == "predict":
            return results
        with within("loss", name):
            w = self._shares(v)
            results["loss"] = self.loss.value(raw, v["y"], w)
        if self.mode == "evaluate":
            return results
        with within("backward", name):
            dy = self.loss.gradient(raw, v["y"], w)
        self._backward(v, kept, p, dy, within)
        with within("update", type(self.rule).__name__):
            rate = v["rate"] * v["factor"] if "factor" in v else v["rate"]
            names = (*self.rule.state, *self.rule.corrections(1))
            self.rule.update(v["theta"], v["gradient"], rate, **{name: v[name] for name in names})
        return results

    def _forward(
        self, v: dict[str, Any], rng: Any, within: Within
    ) -> tuple[dict[str, Any], list[Any], list[SimpleNamespace]]:
        x, kept, p = v["x"], [], self.layout.views(v["theta"])
        if self.members is not None and not self.own:
            # rows that members share get their axis, so that each draws its own dropout
            x = np.broadcast_to(x, (self.members, *x.shape))
        for number, layer in enumerate(self.layers, 1):
            weights, owner = p[number - 1], f"{number} {type(layer).__name__}"
            with within("forward", owner, str(number), weights):
                shape = (*x.shape[:-1], layer.outputs(x.shape[-1]))
                x, needed = layer.forward(x, weights, rng if self.mode == "train" else None)
                kept.append(needed)
            if x.shape != shape:
                raise ValueError(f"layer {owner}, forward: expected {shape}, got {x.shape}")
        with within("forward", type(self.loss).__name__):
            prediction = self.loss.link(x)
        return {"raw": x, "prediction": prediction}, kept, p

    def _shares(self, v: dict[str, Any]) -> Any:
        """Return each row's share of the mean."""
        if not self.weighted:
            return 1 / self.rows
        # the weights of one batch may all be zero: then no row has a share
        w, tiny = v["w"], float(np.finfo(v["w"].dtype).tiny)
        return w / np.maximum(np.sum(w, axis=-2, keepdims=True), tiny)

    def _backward(
        self, v: dict[str, Any], kept: list[Any], p: list[SimpleNamespace], dy: Any, within: Within
    ) -> None:
        d = self.layout.views(v["gradient"])
        first = next(i for i, places in enumerate(self.layout.places) if places)
        for i in range(len(self.layers) - 1, first - 1, -1):
            owner = f"{i + 1} {type(self.layers[i]).__name__}"
            with within("backward", owner, str(i + 1), d[i], "d"):
                dy = self.layers[i].backward(kept[i], dy, p[i], d[i], i > first)


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
