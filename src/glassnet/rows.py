"""Rows of a table, as a network gets them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.base import Base
from glassnet.vocabulary import Array


@dataclass(frozen=True)
class Rows:
    """Rows of a table: inputs, targets, and how much each row counts.

    Attributes
    ----------
    X : array or sparse matrix (rows, inputs)
    y : array (rows, outputs), or labels (rows, 1)
    w : array (rows, 1) or None
        How much each row counts; None where all count alike.
    places : array of int (members, n) or None
        Which rows each member has; None where it has all.
    """

    X: Any
    y: Array
    w: Array | None
    places: Array | None = None

    @classmethod
    def of(cls, network: Base, X: Any, y: Any, sample_weight: Any = None) -> "Rows":
        """Check a table and its targets."""
        X = checks.matrix("X", X, network.inputs, network.dtype)
        y, w = network.check_targets(X.shape[0], y, sample_weight)
        return cls(X, y, None if sample_weight is None else w)

    def __len__(self) -> int:
        return len(self.y)

    def as_type(self, dtype: Any) -> "Rows":
        """Return the same rows in a network's dtype, so that nothing is converted twice."""
        sparse = hasattr(self.X, "toarray")
        X = self.X.astype(dtype) if sparse else np.ascontiguousarray(self.X, dtype)
        return Rows(X, self.y, self.w, self.places)

    def __getitem__(self, places: Array) -> "Rows":
        w = None if self.w is None else self.w[places]
        return Rows(self.X[places], self.y[places], w)
