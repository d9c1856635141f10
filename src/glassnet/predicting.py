"""Predicting: what is asked of a network, whose programs the room `serving` runs over tables."""

from typing import TYPE_CHECKING, Any

from glassnet.base import Base
from glassnet.vocabulary import Array

if TYPE_CHECKING:
    from glassnet.serving import Predictor


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
        from glassnet.serving import forward

        return forward(self, X, "raw", places)

    def predict(self, X: Any) -> Array:
        """Return predictions (rows, outputs): probabilities or means, the loss's link applied.

        Parameters
        ----------
        X : array or sparse matrix (rows, inputs)
            Finite numbers.

        Raises
        ------
        ValueError
            If X is not a table of finite numbers with `inputs` columns, or numbers so large come up
            in between that a prediction is none.

        Examples
        --------
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], 1, loss="binary_cross_entropy", seed=0)
        >>> net.weights = {"W1": [[1.0]], "b1": [[0.0]]}
        >>> net.predict([[-2.0], [3.0]]).round(4)
        array([[0.1192],
               [0.9526]], dtype=float32)
        """
        from glassnet.serving import forward

        return forward(self, X, "prediction")

    def predictor(self) -> "Predictor":
        """Return a function that predicts with the least ado, of the weights as they are now.

        What it says is what `predict` says, bit for bit: ``predict(x)`` takes a row (inputs,) or a
        table. The network may be trained on, and the function stays as it is. It may be called
        from many threads at once, and pickled.

        Examples
        --------
        >>> import glassnet as gn
        >>> net = gn.Network([gn.Dense(1)], 1, loss="binary_cross_entropy", seed=0)
        >>> net.weights = {"W1": [[1.0]], "b1": [[0.0]]}
        >>> predict = net.predictor()
        >>> predict([3.0]).round(4)
        array([0.9526], dtype=float32)
        """
        from glassnet.serving import Predictor

        return Predictor(self)

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
