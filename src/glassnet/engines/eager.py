"""Eager steps: the layers' own code on arrays, so that a debugger can stop in it."""

from contextlib import nullcontext
from typing import Any

import numpy as np

from glassnet.base import Base
from glassnet.step import Variant
from glassnet.vocabulary import Array


class Eager:
    """A step without a recorder: the layers' own code on arrays, in the place of a replay."""

    def __init__(self, network: Base, variant: Variant) -> None:
        self._step = network.step(variant)
        self._inputs = self._step.inputs(network.inputs, network.dtype)
        self.arrays: dict[str, Array] = {}
        self.outputs: dict[str, Array] = {}

    def bind(self, rng: Any, **arrays: Array) -> None:
        """Bind inputs as a replay does."""
        self._rng = rng
        for name, (shape, dtype) in self._inputs.items():
            self.arrays[name] = arrays[name] if name in arrays else np.zeros(shape, dtype)

    def __call__(self) -> None:
        """Run the step."""
        self.outputs = self._step(self.arrays, self._rng, _unobserved)


def _unobserved(*place: Any) -> nullcontext[None]:
    return nullcontext()
