"""An activation that each unit may bend: as much of it as is learned."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.activations import ACTIVATIONS
from glassnet.initializers import ones
from glassnet.parts import Activation, Parameter
from glassnet.vocabulary import Array


@dataclass(frozen=True, repr=False)
class Parametric(Activation):
    r"""Between no activation and a whole one: a = z + share (f(z) - z), each unit its own share.

    .. math:: dshare = \sum_{rows} da \cdot (f(z) - z), \quad dz = da\, (1 + share\, (f'(z) - 1))

    Source: Holzmüller, Grinsztajn and Steinwart (2024), arXiv:2407.04491, appendix A.

    Parameters
    ----------
    activation : str or Activation
        f, one that learns nothing itself.
    rate, decay : float
        Factors on the learning rate of the shares, which begin at 1, and on weight decay.

    Examples
    --------
    >>> from types import SimpleNamespace as Parameters
    >>> p = Parameters(share=np.array([[1.0, 0.5]]))
    >>> Parametric("relu").forward(np.array([[-2.0, -2.0]]), p)
    array([[ 0., -1.]])
    """

    activation: Any
    rate: float = 1.0
    decay: float = 0.0

    def __post_init__(self) -> None:
        activation = checks.find("activation", self.activation, ACTIVATIONS, Activation)
        if activation.parameters(1):
            raise ValueError(f"activation: expected one that learns nothing, got {activation!r}")
        object.__setattr__(self, "activation", activation)
        checks.number("rate", self.rate, 0)
        checks.number("decay", self.decay, 0)

    @property
    def init(self) -> Any:  # type: ignore[override]
        """The initialiser that suits f."""
        return self.activation.init

    def parameters(self, units: int) -> dict[str, Parameter]:
        """Return the shares (1, units)."""
        return {"share": Parameter((1, units), ones, self.rate, self.decay)}

    def f(self, z: Array) -> Array:
        """Return the activation as it begins."""
        return self.activation.f(z)

    def slope(self, z: Array, a: Array) -> Array:
        """Return the slope as it begins."""
        return self.activation.slope(z, a)

    def forward(self, z: Array, p: Any) -> Array:
        """Return z + share (f(z) - z)."""
        return z + p.share * (self.activation.f(z) - z)

    def backward(self, da: Array, z: Array, a: Array, p: Any, d: Any) -> Array:
        """Write dshare, and return dz."""
        # f(z) again: a program drops the lines that repeat the forward ones
        f = self.activation.f(z)
        d.share[...] = np.sum(da * (f - z), axis=-2, keepdims=True)
        return da * (1 + p.share * (self.activation.slope(z, f) - 1))
