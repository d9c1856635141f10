"""Predicting: programs run over tables, a chunk of rows at a time."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.base import Base
from glassnet.step import Variant
from glassnet.vocabulary import Array

CHUNK = 1024  # rows that predict and evaluate take at a time


class Predicting(Base):
    """A network that predicts and is evaluated."""

    def raw(self, X: Any, places: Array | None = None) -> Array:
        """Return the raw scores (rows, outputs), before the loss's link.

        Parameters
        ----------
        X : array or sparse matrix (rows, inputs)
            Finite numbers.
        places : array of int (members, n), optional
            The rows that each member is asked about; left out, all.

        Examples
        --------
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], 1, loss="binary_cross_entropy", seed=0)
        >>> net.weights = {"W1": [[1.0]], "b1": [[0.0]]}
        >>> net.raw([[-2.0], [3.0]])
        array([[-2.],
               [ 3.]], dtype=float32)
        """
        return self._forward(X, "raw", places)

    def predict(self, X: Any) -> Array:
        """Return predictions (rows, outputs): probabilities or means, the loss's link applied.

        Parameters
        ----------
        X : array or sparse matrix (rows, inputs)
            Finite numbers.

        Raises
        ------
        ValueError
            If X is not a table of finite numbers with `inputs` columns.

        Examples
        --------
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], 1, loss="binary_cross_entropy", seed=0)
        >>> net.weights = {"W1": [[1.0]], "b1": [[0.0]]}
        >>> net.predict([[-2.0], [3.0]]).round(4)
        array([[0.1192],
               [0.9526]], dtype=float32)
        """
        return self._forward(X, "prediction")

    def evaluate(
        self, X: Any, y: Any, sample_weight: Any = None, metrics: Any = ()
    ) -> dict[str, Any]:
        """Return the loss and metrics over a table: {"loss": number, "accuracy": number}.

        Several members give arrays of K numbers. The loss is that of the predictions alone,
        without the L2 penalty of a training.

        Parameters
        ----------
        X, y, sample_weight
            As for `train`.
        metrics : str, Metric, or a sequence of them
            Of accuracy, balanced_accuracy, auc, rmse, mae, r2, or your own.

        Examples
        --------
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], 1, loss="binary_cross_entropy", seed=0)
        >>> net.weights = {"W1": [[1.0]], "b1": [[0.0]]}
        >>> scores = net.evaluate([[-2.0], [3.0]], [0, 1], metrics="accuracy")
        >>> print({name: round(score, 4) for name, score in scores.items()})
        {'loss': 0.0878, 'accuracy': 1.0}
        """
        from glassnet.scoring import evaluate

        return evaluate(self, X, y, sample_weight, metrics)

    def _forward(self, X: Any, wanted: str, places: Array | None = None) -> Array:
        X = checks.matrix("X", X, self.inputs, self.dtype)
        rows = X.shape[0] if places is None else places.shape[-1]
        result = np.empty((*self.theta.shape[:-1], rows, self.outputs), self.dtype)
        for part, outputs in self.chunks("predict", (wanted,), {"x": X}, places):
            result[..., part, :] = outputs[wanted]
        return result

    def chunks(
        self,
        mode: str,
        wanted: tuple[str, ...],
        tables: dict[str, Any],
        places: Array | None = None,
    ) -> Iterator[tuple[slice, dict[str, Array]]]:
        """Run a program over tables, a chunk of rows at a time; yield where, and what it left."""
        rows = tables["x"].shape[0] if places is None else places.shape[-1]
        for start in range(0, rows, CHUNK):
            part = slice(start, min(start + CHUNK, rows))
            picked: Any = part if places is None else places[:, part].ravel()
            variant = Variant(
                part.stop - start, mode, weighted="w" in tables, own=places is not None
            )
            replay = self.replay(variant, wanted)
            replay.bind(theta=self.theta)
            with np.errstate(all="ignore"):
                for name, table in tables.items():
                    given = checks.dense(table[picked])
                    replay.arrays[name].reshape(given.shape)[...] = given
                replay()
            yield part, replay.outputs
