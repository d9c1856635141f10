"""scikit-learn's estimators, `MLPClassifier` and `MLPRegressor`, each over one `Network`."""

from typing import Any, Self

import numpy as np

try:
    from sklearn.base import ClassifierMixin, RegressorMixin
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.multiclass import check_classification_targets, type_of_target
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        'MLPClassifier and MLPRegressor need scikit-learn: pip install "glassnet[sklearn]"',
        name="sklearn",
    ) from None

from glassnet import checks, mlp
from glassnet.beginning import start_output
from glassnet.parts import Loss
from glassnet.perceptron import Perceptron
from glassnet.quantities import Poisson
from glassnet.vocabulary import Array


def _goes_on(estimator: Any) -> bool:
    """Whether there is a partial_fit; else an AttributeError says why not."""
    if mlp.by_lbfgs(estimator):
        raise AttributeError("solver: expected one that takes single steps, got lbfgs")
    if estimator.early_stopping:
        raise AttributeError("early_stopping: expected False for partial_fit, got True")
    return True


class MLPClassifier(ClassifierMixin, Perceptron):
    """A neural network that tells classes apart, with scikit-learn's names and defaults.

    Binary, of several classes, or multilabel (y of 0 and 1, a column for each label), as y is.
    Whatever scikit-learn's class can do is written alike; `dropout`, `loss`, `class_weight` and
    `metric` are new, and `activation`, `solver` and `learning_rate` take more.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        Units of each hidden layer; ``()`` is logistic regression.
    activation : str, Activation, or a list of them, one for each hidden layer
        identity, logistic (or sigmoid), tanh, relu; or leaky_relu, parametric_relu, elu, selu,
        gelu, silu, mish, softplus, or an object. The first four begin with Glorot's weights.
    solver : str or Optimizer
        adam, sgd (with momentum), lbfgs; or momentum, nesterov, rmsprop, adamw, or an object,
        which has its own rate and settings in place of those below.
    alpha : float
        The L2 penalty: alpha / 2 times the sum of squared weights, divided by the rows of a step
        (by all, for lbfgs) times their mean weight.
    batch_size : int or "auto"
        Rows a step; auto is 200, or all rows where these are fewer.
    learning_rate : str or callable
        constant; invscaling: divided, after each epoch, by (1 + rows seen) ** power_t; adaptive:
        by 5 where training would else stop, as it does at 1e-6; both leave adam and lbfgs alone.
        Or warm_up, cosine, step, exponential, inverse, or a function (step, total) -> factor.
    learning_rate_init, power_t : float
    max_iter : int
        Epochs (iterations, for lbfgs) at most.
    shuffle, warm_start, verbose : bool
        Whether rows come in a new order each epoch, `fit` goes on from the weights there are, and
        progress is shown.
    random_state : int, RandomState or None
        The same int makes the same bits.
    tol, n_iter_no_change : float, int or inf
        Training stops when this many epochs have not bettered the training loss (or validation
        score) by more than tol; lbfgs where derivatives are below it, or the loss changes little.
    momentum, nesterovs_momentum, beta_1, beta_2, epsilon : float, bool, float, float, float
        The first two for sgd, the others for adam and adamw.
    early_stopping : bool
        Whether to stop by the validation score, and go back to the best weights.
    validation_fraction : float
        The share of rows, by class, held out for it, always the same of a table; none with X_val.
    max_fun : int
        For lbfgs: how often loss and gradient are computed at most.
    dropout : float or a list, one for each hidden layer
        The share of each hidden layer's outputs that is dropped in training.
    loss : str or Loss
        log_loss (cross-entropy, as y demands), focal, multiclass_cross_entropy (which makes a
        softmax of two classes too), or an object, as ``BinaryCrossEntropy(label_smoothing=0.1)``.
    class_weight : dict, "balanced", a list of them for each label, or None
        Factors on rows' weights, multiplied over labels; balanced evens out the rows seen.
    metric : str, Metric or None
        The validation score: accuracy, unless another is named (balanced_accuracy, auc).

    Attributes
    ----------
    network_ : Network
        What is underneath: ``print(clf.network_.program())`` shows every line that runs.
    classes_ : array
    coefs_, intercepts_ : list of array
        Views of the network's weights: writing into them changes it.
    loss_, best_loss_ : float
        The last and the least training loss; no least with early stopping.
    loss_curve_ : list of float
        Training loss of each epoch, warm starts and partial fits included.
    validation_scores_, validation_loss_curve_ : list of float or None
        Of the validation rows after each epoch; the loss without the L2 penalty.
    best_validation_score_ : float or None
    n_iter_, t_ : int
        Epochs of the last fit; rows that all fits went through.
    n_layers_, n_outputs_, out_activation_ : int, int, str
    n_features_in_, feature_names_in_ : int, array of str

    Notes
    -----
    Differs from scikit-learn's class in first weights, penalty, epsilon, stopping and validation
    rows: docs/sklearn.md tells how. One that runs away keeps its last good weights, and warns.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> X, y = make_moons(200, noise=0.2, random_state=0)
    >>> names = np.array(["lower", "upper"])[1 - y]
    >>> clf = MLPClassifier((16, 8), ["gelu", "tanh"], solver="lbfgs", alpha=1.0, random_state=0)
    >>> clf.fit(X, names).score(X, names)
    0.98
    """

    classes_: Array

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        loss: Any = "log_loss",
        class_weight: Any = None,
        metric: Any = None,
    ) -> None:
        self._keep(locals())

    @available_if(_goes_on)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train on for one epoch, the optimizer's memory included; not with early stopping.

        >>> MLPClassifier().partial_fit([[-1], [1]], [4, 7], classes=[4, 7, 9]).classes_
        array([4, 7, 9])

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`. No class need be there.
        classes : array, optional
            All classes there will be: wanted in the first call, except for multilabel y.
        """
        later = classes is not None and hasattr(self, "network_")
        if later and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(
                f"classes: expected those of the first call, {self.classes_}, got {classes}"
            )
        return self._go_on(X, y, sample_weight, classes=classes, partial=True)

    def _learn_targets(self, y: Any, classes: Any = None, partial: bool = False) -> None:
        check_classification_targets(y)
        self._multilabel = type_of_target(y) == "multilabel-indicator"
        if self._multilabel:
            self.classes_ = np.arange(y.shape[1])
        elif partial and classes is None:
            raise ValueError("classes: expected all classes in the first partial_fit, got None")
        else:
            self.classes_ = np.unique(y if classes is None else classes)
        shape = (len(self.classes_), 2) if self._multilabel else (1, len(self.classes_))
        self._totals = np.zeros(shape)  # the weight of each class seen, in each column of y

    def _encode(self, y: Any) -> Array:
        """Return places of classes (rows, 1), or labels (rows, labels)."""
        if self._multilabel:
            y = checks.targets("y", checks.dense(y), len(self.classes_))
            if not np.isin(y, (0, 1)).all():
                raise ValueError(
                    "y: expected a column of 0 and 1 for each label, got other numbers"
                )
            return y.astype(int)
        check_classification_targets(y)
        if y.ndim == 2:
            raise ValueError(f"y: expected one class a row, got {y.shape[1]} columns")
        labels, places = np.unique(y, return_inverse=True)
        known = {label: place for place, label in enumerate(self.classes_.tolist())}
        found = [known.get(label, -1) for label in labels.tolist()]
        if -1 in found:
            raise ValueError(
                f"y: expected the classes {list(known)}, got {labels[found.index(-1)].item()!r}"
            )
        return np.array(found)[places].reshape(-1, 1)

    def _weigh(self, y: Array, w: Array | None, learn: bool) -> Array | None:
        if self.class_weight is None:
            return w
        own = np.ones(len(y)) if w is None else w[:, 0]
        labels = np.array([0, 1]) if self._multilabel else self.classes_
        settings = mlp.each("class_weight", self.class_weight, y.shape[1])
        product = own
        for setting, column, totals in zip(settings, y.T, self._totals, strict=True):
            if learn:
                totals += np.bincount(column, own, len(labels))
            product = product * mlp.class_weights(setting, labels, totals)[column]
        return checks.weights("class_weight", product, len(y))

    def _check_classes(self, y: Array, going_on: bool) -> int:
        if self._multilabel:
            return 0
        there = self.classes_[np.unique(y)]
        if len(there) < 2:
            raise ValueError(
                f"y: expected at least two classes, got one class, {there.tolist()[0]!r}"
            )
        if going_on and len(there) < len(self.classes_):
            raise ValueError(
                f"y: expected all classes of the first fit, {self.classes_}, got {there}"
            )
        return len(there)

    def _start_even(self) -> None:
        columns = self.network_.outputs if self._multilabel else 1
        y = np.arange(2 if self._multilabel else len(self.classes_))[:, None].repeat(columns, 1)
        start_output(self.network_, y, np.full((len(y), 1), 1 / len(y)))

    def _loss(self, y: Array) -> tuple[Loss, int]:
        many = "multiclass" if len(self.classes_) > 2 else "binary"
        kind = "multilabel" if self._multilabel else many
        return mlp.class_loss(self.loss, kind, len(self.classes_))

    def predict(self, X: Any) -> Array:
        """Return the class of each row, or its labels (rows, labels).

        >>> MLPClassifier((), solver="lbfgs", alpha=1.0).fit([[-1], [1]], [4, 7]).predict([[2]])
        array([7])
        """
        scores = self.decision_function(X)
        if self._multilabel:
            return (scores > 0).astype(int)
        best = scores.argmax(axis=1) if scores.ndim == 2 else (scores > 0).astype(int)
        return self.classes_[best]

    def decision_function(self, X: Any) -> Array:
        """Return raw scores (rows, classes), or the log-odds of the second class (rows,) of two.

        >>> clf = MLPClassifier((), solver="lbfgs", alpha=1.0)
        >>> clf.fit([[-1], [1]], ["no", "yes"]).decision_function([[2]]).round(2)
        array([1.35])
        """
        raw = self._scores(X)
        if raw.shape[1] == 1:
            return raw[:, 0]
        binary = len(self.classes_) == 2 and not self._multilabel
        return raw[:, 1] - raw[:, 0] if binary else raw

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logs of `predict_proba`: at least about -708, or -87 in float32, never -inf.

        >>> clf = MLPClassifier((), solver="lbfgs", alpha=1.0)
        >>> clf.fit([[-1], [1]], ["no", "yes"]).predict_log_proba([[2]]).round(2)
        array([[-1.58, -0.23]])
        """
        raw = self._scores(X)
        if self._multilabel:
            logs = -np.logaddexp(0, -raw)
        else:
            raw = np.hstack([np.zeros_like(raw), raw]) if raw.shape[1] == 1 else raw
            shifted = raw - raw.max(axis=1, keepdims=True)
            logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return np.maximum(logs, np.log(np.finfo(logs.dtype).tiny))

    def predict_proba(self, X: Any) -> Array:
        """Return probabilities, never 0 or 1: (rows, classes), or (rows, labels) of each label.

        >>> clf = MLPClassifier((), solver="lbfgs", alpha=1.0)
        >>> clf.fit([[-1], [1]], ["no", "yes"]).predict_proba([[2]]).round(2)
        array([[0.21, 0.79]])
        """
        logs = self.predict_log_proba(X)
        return np.minimum(np.exp(logs), 1 - np.finfo(logs.dtype).epsneg)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class MLPRegressor(RegressorMixin, Perceptron):
    """A neural network that predicts quantities, with scikit-learn's names and defaults.

    One quantity (y of shape (rows,)) or several at once (rows, outputs). `dropout` and `metric`
    are new, and `loss`, `activation`, `solver` and `learning_rate` take more.

    Parameters
    ----------
    loss : str or Loss
        squared_error (half of it, summed over outputs), poisson (half the deviance); or
        absolute_error, huber, quantile, or an object, as ``Quantile(0.9)``.
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init, \
power_t, max_iter, shuffle, random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, \
early_stopping, validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun, dropout
        As for `MLPClassifier`. Rows held out are spread over small and large targets.
    metric : str, Metric or None
        The validation score: r2, unless another is named (rmse, mae).

    Attributes
    ----------
    network_ : Network
        What is underneath: ``print(reg.network_.program())`` shows every line that runs.
    coefs_, intercepts_, loss_, best_loss_, loss_curve_, validation_scores_, \
validation_loss_curve_, best_validation_score_, n_iter_, t_, n_layers_, n_outputs_, \
out_activation_, n_features_in_, feature_names_in_
        As for `MLPClassifier`.

    Notes
    -----
    Differs as `MLPClassifier` does; sums the loss over outputs, and computes in the dtype of X.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 100)[:, None]
    >>> reg = MLPRegressor("huber", (16,), "tanh", solver="lbfgs", random_state=0, max_iter=1000)
    >>> reg.fit(X, np.sin(3 * X[:, 0])).score(X, np.sin(3 * X[:, 0])) > 0.99
    True
    """

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        metric: Any = None,
    ) -> None:
        self._keep(locals())

    @available_if(_goes_on)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on for one epoch, the optimizer's memory included; not with early stopping.

        >>> MLPRegressor(random_state=0).partial_fit([[0], [1]], [1, 3]).n_iter_
        1
        """
        return self._go_on(X, y, sample_weight)

    def predict(self, X: Any) -> Array:
        """Return predictions (rows,), or (rows, outputs) where there are several.

        >>> line = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0.0)
        >>> line.fit([[0], [1]], [1, 3]).predict([[2]]).round(3)
        array([5.])
        """
        predicted = self._scores(X, raw=False)
        return predicted[:, 0] if predicted.shape[1] == 1 else predicted

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.positive_only = self.loss == "poisson" or isinstance(self.loss, Poisson)
        return tags
