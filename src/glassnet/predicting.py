"""Predicting: programs run over tables, a chunk of rows at a time."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.base import Base
from glassnet.metrics import Metric, find_metrics
from glassnet.step import Variant
from glassnet.vocabulary import Array

CHUNK = 1024  # rows that predict and evaluate take at a time


class Predicting(Base):
    """A network that predicts and is evaluated."""

    def raw(self, X: Any) -> Array:
        """Return the raw scores (rows, outputs), before the loss's link.

        Parameters
        ----------
        X : array or sparse matrix (rows, inputs)
            Finite numbers.

        Examples
        --------
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], 1, loss="binary_cross_entropy", seed=0)
        >>> net.weights = {"W1": [[1.0]], "b1": [[0.0]]}
        >>> net.raw([[-2.0], [3.0]])
        array([[-2.],
               [ 3.]], dtype=float32)
        """
        return self._forward(X, "raw")

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

    def raw_of(self, X: Any, places: Array) -> Array:
        """Return each member's raw scores of rows of its own, given by their places.

        Parameters
        ----------
        X : array or sparse matrix (rows, inputs)
        places : array of int (members, n)

        Examples
        --------
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], inputs=1, seed=0)
        >>> net.spread(2)
        >>> net.raw_of([[1.0], [2.0]], np.array([[0], [1]])).shape
        (2, 1, 1)
        """
        return self._forward(X, "raw", places)

    def _forward(self, X: Any, wanted: str, places: Array | None = None) -> Array:
        X = checks.matrix("X", X, self.inputs, self.dtype)
        rows = X.shape[0] if places is None else places.shape[-1]
        result = np.empty((*self.theta.shape[:-1], rows, self.outputs), self.dtype)
        for part, outputs in self._chunks("predict", (wanted,), {"x": X}, places):
            result[..., part, :] = outputs[wanted]
        return result

    def _chunks(
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
            own = places is not None
            variant = Variant(part.stop - start, mode, weighted="w" in tables, own=own)
            replay = self.replay(variant, wanted)
            replay.bind(theta=self.theta)
            with np.errstate(all="ignore"):
                for name, table in tables.items():
                    array = replay.arrays[name]
                    array[...] = checks.dense(table[picked]).reshape(array.shape)
                replay()
            yield part, replay.outputs

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
        X = checks.matrix("X", X, self.inputs, self.dtype)
        y, w = self.check_targets(X.shape[0], y, sample_weight)
        found = find_metrics(metrics, self.loss)
        return self.score(X, y, None if sample_weight is None else w, found)

    def score(
        self,
        X: Any,
        y: Array,
        w: Array | None,
        metrics: Sequence[Metric],
        places: Array | None = None,
    ) -> dict[str, Any]:
        """Do what `evaluate` does, on rows that were checked before; each member's on its own."""
        tables = {"x": X, "y": y, **({} if w is None else {"w": w})}
        w = np.ones((len(y), 1)) if w is None else w
        lead, total = self.theta.shape[:-1], np.zeros(self.theta.shape[:-1])
        picked: Any = slice(None) if places is None else places
        y, w = y[picked], w[picked]  # (n, outputs), or (members, n, outputs)
        predictions = np.empty((*lead, y.shape[-2] if metrics else 0, self.outputs), self.dtype)
        wanted = ("loss", "prediction") if metrics else ("loss",)
        for part, outputs in self._chunks("evaluate", wanted, tables, places):
            total = total + outputs["loss"].astype(float) * w[..., part, :].sum((-2, -1))
            if metrics:
                predictions[..., part, :] = outputs["prediction"]
        scores = {"loss": total / w.sum((-2, -1))}
        each = predictions if lead else predictions[None]
        ys, ws = (np.broadcast_to(part, (len(each), *part.shape[-2:])) for part in (y, w))
        for metric in metrics:
            found = [metric(*seen) for seen in zip(ys, each, ws, strict=True)]
            scores[metric.name] = np.array(found).reshape(lead)
        return {name: score if lead else float(score) for name, score in scores.items()}
