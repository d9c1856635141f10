"""What scikit-learn's two multilayer perceptrons have in common, over a `Network`.

What their parameters mean for a network stands in `mlp`; the two themselves in `estimators`.
"""

import warnings
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from glassnet import checks, mlp
from glassnet.files.container import StrPath
from glassnet.network import Network
from glassnet.parts import Loss
from glassnet.rows import Rows
from glassnet.vocabulary import Array

FLOATS = (np.float64, np.float32)


class Perceptron(BaseEstimator):
    """What both estimators are: parameters, and a network that they make and train.

    The two say what targets are, how much each row counts, and which loss there is.
    """

    network_: Network
    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    validation_loss_curve_: list[float] | None
    best_validation_score_: float | None

    def _keep(self, given: dict[str, Any]) -> None:
        """Keep what the constructor was given, as it was given."""
        self.__dict__.update({name: value for name, value in given.items() if name != "self"})

    # ---- training --------------------------------------------------------------------------------

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train to the end.

        Parameters
        ----------
        X : array or sparse matrix (rows, features)
            The network computes in its dtype, float32 or float64; others become float64.
        y : array (rows,) or (rows, outputs)
        sample_weight : array (rows,), optional
            How much each row counts: 0 as if it were absent, k as if it were there k times.
        X_val, y_val, sample_weight_val : optional
            Rows to watch and not to train on: `validation_scores_` and `validation_loss_curve_`
            tell of them, and with early stopping they decide, in place of rows held out.

        Examples
        --------
        >>> from glassnet import MLPRegressor
        >>> line = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0.0)
        >>> line.fit([[0], [1]], [1, 3]).coefs_[0].round(3)
        array([[2.]])
        """
        with mlp.whole(self):
            going_on = self.warm_start and hasattr(self, "network_")
            rows = self._rows(X, y, sample_weight, reset=not going_on)
            held = self._watched(X_val, y_val, sample_weight_val)
            classes = self._check_classes(rows.y, going_on)
            taught = self.network_.taught if going_on else None
            if held is None and self.early_stopping:
                rows, held, taught = mlp.hold_some(rows, self.validation_fraction, classes, taught)
            self._begin(rows, going_on)
            self.network_.taught = taught
            self._train(rows, held)
        return self

    def _rows(
        self, X: Any, y: Any, sample_weight: Any, *, reset: bool, learn: bool = True, **known: Any
    ) -> Rows:
        """Check a table; return its rows, those of weight 0 left out."""
        how = {"accept_sparse": "csr", "dtype": FLOATS, "multi_output": True}
        with np.errstate(all="ignore"):  # it adds all numbers up, to see whether one is infinite
            X, y = validate_data(self, X, y, reset=reset, y_numeric=is_regressor(self), **how)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if reset:
            self._learn_targets(y, **known)
        targets, w = self._encode(y), None
        if sample_weight is not None:
            w = checks.weights("sample_weight", sample_weight, len(targets))
        rows = Rows(X, targets, self._weigh(targets, w, learn))
        return rows if rows.w is None or rows.w.all() else rows[np.flatnonzero(rows.w)]

    def _watched(self, X: Any, y: Any, sample_weight: Any) -> Rows | None:
        """Return the user's own validation rows."""
        if X is None and y is None and sample_weight is None:
            return None
        if X is None or y is None:
            raise ValueError("X_val: expected X_val and y_val, or neither, got one of the three")
        try:
            return self._rows(X, y, sample_weight, reset=False, learn=False)
        except (ValueError, TypeError) as error:
            raise type(error)(f"X_val, y_val: {error}") from None

    def _begin(self, rows: Rows, going_on: bool) -> None:
        """Make the network, or make sure that the one there is is the one that is wanted."""
        loss, outputs = self._loss(rows.y)
        layers = mlp.layers(self, outputs)
        if going_on:
            if layers != self.network_.layers or loss != self.network_.loss:
                raise ValueError(
                    "warm_start: expected hidden_layer_sizes, activation, dropout and loss as in "
                    f"the fit before, which made {self.network_}"
                )
            return
        try:
            seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        except ValueError:
            raise ValueError(
                "random_state: expected a whole number of at least 0, a RandomState or None, got "
                f"{self.random_state!r}"
            ) from None
        dtype, columns = rows.X.dtype, rows.X.shape[1]
        self.network_ = Network(layers, columns, loss=loss, dtype=dtype, seed=seed)
        self.t_, self.loss_curve_ = 0, []
        self.validation_scores_ = self.validation_loss_curve_ = self.best_validation_score_ = None

    def _train(self, rows: Rows, held: Rows | None) -> None:
        """Train to the end, and remember what was seen."""
        network, metric = self.network_, mlp.metric(self, self.network_.loss)
        how = mlp.options(self, rows, self.t_) | {"epochs": self.max_iter}
        if held is not None:
            how |= {"validation": (held.X, held.y, held.w), "metrics": metric}
        watch = mlp.Watch(self, network, None if held is None else metric)
        ended = True
        try:
            history = mlp.run(network, rows, watch, bool(self.verbose), how)
            ended = watch.stopped or bool(history.converged or history.diverged)
        except KeyboardInterrupt:
            warnings.warn("training was interrupted: the weights are those it had", stacklevel=3)
        watch.settle(network)
        self._note(rows, watch.losses)
        if held is not None:
            scores = [*(self.validation_scores_ or []), *watch.scores]
            losses = [*(self.validation_loss_curve_ or []), *watch.validation_losses]
            self.validation_scores_, self.validation_loss_curve_ = scores, losses
            best = np.fmax if metric.higher else np.fmin  # what is no number is not the best
            self.best_validation_score_ = float(best.reduce(scores)) if scores else None
        if not ended:
            warnings.warn(
                f"training had not converged after {self.n_iter_} iterations "
                f"(max_iter={self.max_iter}, max_fun={self.max_fun})",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _note(self, rows: Rows, losses: list[float]) -> None:
        """Remember the losses of some epochs."""
        self.n_iter_, self.loss_curve_ = len(losses), self.loss_curve_ + losses
        self.t_ += len(rows) * len(losses)
        # without a single epoch, that of the first weights
        start = [] if losses else [self.network_.evaluate(rows.X, rows.y, rows.w)["loss"]]
        self.loss_ = [*losses, *start][-1]
        self.best_loss_ = None if self.early_stopping else min([*self.loss_curve_, *start])

    def _go_on(self, X: Any, y: Any, sample_weight: Any, **known: Any) -> Self:
        with mlp.whole(self):
            first = not hasattr(self, "network_")
            rows = self._rows(X, y, sample_weight, reset=first, **known)
            if first:
                self._begin(rows, going_on=False)
                self._start_even()
            how = mlp.options(self, rows, self.t_, continued=True)
            self._note(rows, self.network_.partial_fit(rows.X, rows.y, **how).loss)
        return self

    # ---- what the two estimators say -------------------------------------------------------------

    def _learn_targets(self, y: Any) -> None:
        """Learn from the first targets what all will be."""

    def _encode(self, y: Any) -> Array:
        """Return targets as the network gets them."""
        return y if y.ndim == 2 else y[:, None]

    def _weigh(self, y: Array, w: Array | None, learn: bool) -> Array | None:
        """Return how much rows count."""
        return w

    def _check_classes(self, y: Array, going_on: bool) -> int:
        """Make sure that there is something to tell apart; return how many classes there are."""
        return 0

    def _start_even(self) -> None:
        """Let the first of many parts of a table not decide how the output begins."""

    def _loss(self, y: Array) -> tuple[Loss, int]:
        """Return the loss, and how many outputs it wants."""
        return mlp.quantity_loss(self.loss), y.shape[1]

    # ---- predicting ------------------------------------------------------------------------------

    def _scores(self, X: Any, raw: bool = True) -> Array:
        """Return the network's raw scores or predictions."""
        check_is_fitted(self)
        with np.errstate(all="ignore"):
            X = validate_data(self, X, accept_sparse="csr", dtype=FLOATS, reset=False)
        return self.network_.raw(X) if raw else self.network_.predict(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def save(self, path: StrPath) -> None:
        """Write the fitted estimator to a file that `glassnet.load` reads: data, never code.

        Parameters
        ----------
        path : str or PathLike
            ``model.safetensors`` is the usual ending.

        Examples
        --------
        >>> import glassnet as gn, tempfile
        >>> line = gn.MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0.0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     line.fit([[0], [1]], [1, 3]).save(f"{folder}/line.safetensors")
        ...     gn.load(f"{folder}/line.safetensors").predict([[2]]).round(3)
        array([5.])
        """
        from glassnet.files.estimators import save_estimator

        save_estimator(self, getattr(self, "network_", None), path)

    # ---- what scikit-learn's have too ------------------------------------------------------------

    @property
    def coefs_(self) -> list[Array]:
        """Weights of each layer (inputs, units): views of the network's; assigning copies."""
        return [views.W for views in self._dense()]

    @coefs_.setter
    def coefs_(self, given: Any) -> None:
        mlp.copy_into("coefs_", self.coefs_, given)

    @property
    def intercepts_(self) -> list[Array]:
        """Biases of each layer (units,): views of the network's; assigning copies."""
        return [views.b[0] for views in self._dense()]

    @intercepts_.setter
    def intercepts_(self, given: Any) -> None:
        mlp.copy_into("intercepts_", self.intercepts_, given)

    def _dense(self) -> list[Any]:
        views = self.network_.layout.views(self.network_.theta)
        return [each for each in views if hasattr(each, "W")]

    @property
    def n_layers_(self) -> int:
        """Number of layers, the input counted as one."""
        return len(self._dense()) + 1

    @property
    def n_outputs_(self) -> int:
        """Number of outputs."""
        return self.network_.outputs

    @property
    def out_activation_(self) -> str:
        """What makes predictions of the last layer's scores."""
        return mlp.LINKS.get(type(self.network_.loss).__name__, "identity")
