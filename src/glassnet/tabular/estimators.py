"""scikit-learn's view of the default for tables: `TabularClassifier` and `TabularRegressor`."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.metrics import get_scorer, get_scorer_names
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_is_fitted
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        'TabularClassifier and TabularRegressor need scikit-learn: pip install "glassnet[sklearn]"',
        name="sklearn",
    ) from None

from glassnet import checks
from glassnet.files.container import StrPath
from glassnet.metrics import Metric
from glassnet.selection import class_weights, in_proportion
from glassnet.tabular.defaults import PRESETS, preset
from glassnet.tabular.encoding import Encoding
from glassnet.tabular.ensemble import Ensemble, Table, learn
from glassnet.tabular.frame import Frame, read_frame
from glassnet.tabular.given import as_python, dates_as, labels_of, naming, quantities_of, weights_of
from glassnet.tabular.scorers import from_scorer
from glassnet.tabular.scores import OF_CLASSES, OF_PROBABILITIES, OF_QUANTITIES, metric_of
from glassnet.threads import cores, one_thread
from glassnet.vocabulary import Array


class _Tabular(BaseEstimator, ABC):
    """What both have in common: a table in, an ensemble trained, a table's predictions out."""

    ensemble_: Ensemble
    encoding_: Encoding
    n_features_in_: int
    feature_names_in_: Array
    _CLASSES: ClassVar[bool]

    def __init__(
        self,
        preset: str = "default",
        *,
        n_ensemble: int | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        metric: Any = None,
        categorical_features: Any = "from_dtype",
        time_limit: float | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.preset = preset
        self.n_ensemble = n_ensemble
        self.epochs = epochs
        self.batch_size = batch_size
        self.metric = metric
        self.categorical_features = categorical_features
        self.time_limit = time_limit
        self.n_jobs = n_jobs
        self.random_state = random_state

    def check_parameters(self) -> None:
        """Make sure of the parameters that hang on no table."""
        checks.one_of("preset", self.preset, PRESETS)
        for name in ("n_ensemble", "epochs", "batch_size"):
            if getattr(self, name) is not None:
                checks.whole(name, getattr(self, name))
        if self.n_jobs not in (None, -1):
            checks.whole("n_jobs", self.n_jobs)
        if self.time_limit is not None and checks.number("time_limit", self.time_limit, 0) == 0:
            raise ValueError("time_limit: expected seconds above 0, got 0")

    def know(self, ensemble: Ensemble, encoding: Encoding) -> None:
        """Become an estimator that has learned this, if its parameters fit the columns."""
        names = encoding.known(self.categorical_features).names
        self._metric()
        self.ensemble_, self.encoding_, self.n_features_in_ = ensemble, encoding, len(names)
        if encoding.named:
            self.feature_names_in_ = np.array(names, dtype=object)

    def save(self, path: StrPath) -> None:
        """Write the fitted estimator to a file: data, never code.

        `glassnet.load` reads it, and `glassnet predict` from the shell.

        Parameters
        ----------
        path : str or PathLike
            ``model.safetensors`` is the usual ending.
        """
        from glassnet.files.estimators import save_estimator

        fitted = getattr(self, "ensemble_", None)
        save_estimator(self, fitted and fitted.network, path)

    def _begin(self, X: Any) -> Frame:
        """Check the parameters, and return the table to learn."""
        self.check_parameters()
        frame = read_frame(X, self.categorical_features)
        if frame.rows < 2:
            raise ValueError(f"X: expected at least 2 rows, got n_samples={frame.rows}")
        self.__dict__.pop("ensemble_", None)  # a fit that fails leaves nothing that predicts
        self.n_features_in_ = len(frame.columns)
        self.__dict__.pop("feature_names_in_", None)
        if frame.named:
            self.feature_names_in_ = np.array([each.name for each in frame.columns], dtype=object)
        return frame

    def _inputs(self, frame: Frame, y: Array, w: Array | None) -> Array:
        """Infer what the columns become, from rows as often as they count; return the inputs."""
        self.encoding_ = Encoding.fit(frame, None if w is None else in_proportion(w))
        if not self.encoding_.width:
            raise ValueError(
                "X: expected a column to learn from, got only constant or empty ones, or words of "
                "which hardly one comes twice"
            )
        return self.encoding_.encode(frame)

    def _learn(self, X: Array, y: Array, w: Array | None, eval_set: Any, classes: int) -> None:
        """Train on encoded rows and targets."""
        watched = None
        if eval_set is not None:
            if not isinstance(eval_set, tuple | list) or len(eval_set) != 2:
                raise TypeError(f"eval_set: expected a pair (X, y), got {type(eval_set).__name__}")
            with naming("eval_set"):
                watched = Table(self._encode(eval_set[0]), self._encode_target(eval_set[1]))
            if (n := len(watched.y)) != len(watched.X):
                raise ValueError(f"eval_set: expected {len(watched.X)} targets, got {n}")
        seed = check_random_state(self.random_state).randint(2**31 - 64)
        with one_thread():
            self.ensemble_ = learn(
                preset(
                    self.preset,
                    members=self.n_ensemble,
                    epochs=self.epochs,
                    batch_size=self.batch_size,
                    smoothing=0.0 if self.metric in OF_PROBABILITIES else None,
                ),
                self.encoding_,
                Table(X, y, w),
                classes=classes,
                seed=int(seed),
                metric=self._metric(),
                watched=watched,
                seconds=np.inf if self.time_limit is None else self.time_limit,
                threads=cores() if self.n_jobs in (None, -1) else self.n_jobs,
            )
        self.n_iter_ = self.ensemble_.epochs
        self.ensemble_.tell()

    def _encode(self, X: Any) -> Array:
        known = self.encoding_.known(self.categorical_features)
        return self.encoding_.encode(read_frame(X, known), owner=type(self).__name__)

    @abstractmethod
    def _encode_target(self, y: Any) -> Array:
        """Return the targets of rows to judge by, as the network learns them."""

    def _said(self, X: Any) -> Array:
        """Return the ensemble's predictions."""
        check_is_fitted(self, "ensemble_")
        return self.ensemble_.predict(self._encode(X))

    def _metric(self) -> Metric | None:
        """Return what epochs are chosen by, or None for the default."""
        if callable(self.metric):
            return from_scorer(self.metric, getattr(self, "classes_", None))
        ours = OF_CLASSES if self._CLASSES else OF_QUANTITIES
        if self.metric not in ours and self.metric in get_scorer_names():
            return from_scorer(get_scorer(self.metric), getattr(self, "classes_", None))
        return metric_of(self.metric, self._CLASSES, ", or a scorer")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.non_deterministic = False
        return tags


class TabularClassifier(ClassifierMixin, _Tabular):
    """Classes from any table, as it is: no scaling, no encoding, no tuning.

    Several small networks learn side by side in one recorded program; each is judged by a fifth of
    the rows that it never sees, and their probabilities are averaged and made as sure as they are
    right. `docs/tables.md` tells the recipe and what each part of it brings.

    Parameters
    ----------
    preset : str
        ``quick``, ``default`` or ``best``: 2, 4 or 12 networks, and half, once or one and a half
        times the epochs.
    n_ensemble, epochs, batch_size : int, optional
        Instead of the preset's, which go by the number of rows.
    metric : str or scorer, optional
        What an epoch is chosen by: ``error`` (the default), ``log_loss``, ``auc``,
        ``balanced_accuracy``, or a scorer (`make_scorer`, `get_scorer`), which gets zeros for X.
    class_weight : dict or "balanced", optional
        How much each class counts, beside the rows' own weights.
    categorical_features : optional
        Which columns are categories, as in ``HistGradientBoostingClassifier``: ``from_dtype``
        (text, bool and category columns), a mask, places or names.
    time_limit : float, optional
        Seconds for `fit`; fewer epochs are planned where the time is short.
    n_jobs : int, optional
        Groups of networks that learn at a time; None or -1 for as many as there are cores. What
        is learned does not depend on it. Long trainings take a process each, short ones a thread.
    random_state : int, RandomState or None
        Where random numbers come from.

    Attributes
    ----------
    classes_ : array
        The classes in order.
    ensemble_ : Ensemble
        The trained networks: ``print(clf.ensemble_.network.program())`` shows every line.
    encoding_ : Encoding
        What became of each column: ``clf.encoding_.describe()``.
    n_iter_, n_features_in_, feature_names_in_
        Epochs trained; the columns of `fit`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = TabularClassifier(preset="quick", random_state=0).fit(X[::2], y[::2])
    >>> clf.score(X[1::2], y[1::2]) > 0.9
    True
    """

    _CLASSES = True

    def __init__(
        self,
        preset: str = "default",
        *,
        n_ensemble: int | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        metric: Any = None,
        class_weight: Any = None,
        categorical_features: Any = "from_dtype",
        time_limit: float | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            preset,
            n_ensemble=n_ensemble,
            epochs=epochs,
            batch_size=batch_size,
            metric=metric,
            categorical_features=categorical_features,
            time_limit=time_limit,
            n_jobs=n_jobs,
            random_state=random_state,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None, eval_set: Any = None) -> Self:
        """Train on a table.

        Parameters
        ----------
        X : DataFrame, array, dict of columns, ... (rows, columns)
            Numbers, text, truths, categories, dates; with gaps.
        y : array (rows,)
            Labels of any type.
        sample_weight : array (rows,), optional
            How much each row counts.
        eval_set : tuple (X, y), optional
            Rows to judge by, in place of a fifth of those given.
        """
        frame = self._begin(X)
        y = labels_of(y, frame.rows)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y: expected at least two classes, got one class, {self.classes_.tolist()[0]!r}"
            )
        w = weights_of(sample_weight, y)
        rows = self._inputs(frame, y, w)
        del frame  # it may be a copy of the table
        if self.class_weight is not None:
            each = class_weights(labels[:, None], self._class_weight(), True)[:, 0]
            with np.errstate(over="ignore", under="ignore"):
                w = each if w is None else w * each
            w = checks.weights("class_weight", w, len(w))[:, 0]
        if w is not None and len(counting := np.unique(labels[w > 0])) < 2:
            raise ValueError(
                "y: expected at least two classes with weights above 0, got "
                f"{self.classes_[counting].tolist()}"
            )
        self._learn(rows, labels.astype(float), w, eval_set, len(self.classes_))
        return self

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, (rows, classes).

        Parameters
        ----------
        X : table
            Columns are found by name where the table of `fit` had names.
        """
        return self._said(X)

    def predict(self, X: Any) -> Array:
        """Return the likeliest class of each row.

        Parameters
        ----------
        X : table
        """
        said = self._said(X)
        return self.classes_[said.argmax(axis=1)]

    def _encode_target(self, y: Any) -> Array:
        y = dates_as(labels_of(y), self.classes_.dtype)
        place = {label: float(k) for k, label in enumerate(self.classes_.tolist())}
        unknown = [label for label in y.tolist() if label not in place]
        if unknown:
            raise ValueError(f"eval_set: expected classes of y, got {unknown[0]!r}")
        return np.array([place[label] for label in y.tolist()])

    def _class_weight(self) -> Any:
        if not isinstance(self.class_weight, dict):
            return self.class_weight
        place = {label: k for k, label in enumerate(self.classes_.tolist())}
        weights = {}
        for label, weight in self.class_weight.items():
            if (known := as_python(label, self.classes_.dtype)) not in place:
                raise ValueError(f"class_weight: expected classes of y, got {label!r}")
            weights[place[known]] = checks.number(f"class_weight of {label!r}", weight, 0)
        return weights


class TabularRegressor(RegressorMixin, _Tabular):
    """A quantity from any table, as it is: no scaling, no encoding, no tuning.

    As `TabularClassifier`, with the squared error; predictions stay within the range of the
    targets that were learned from.

    Parameters
    ----------
    preset, n_ensemble, epochs, batch_size, categorical_features, time_limit, n_jobs, random_state
        As for `TabularClassifier`.
    metric : str or scorer, optional
        What an epoch is chosen by: ``rmse``, ``mae``, ``r2``, or a scorer; left out, the last
        epoch stays, which its schedule makes the best more often than a choice does.

    Attributes
    ----------
    ensemble_, encoding_, n_iter_, n_features_in_, feature_names_in_
        As for `TabularClassifier`.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 200)[:, None]
    >>> reg = TabularRegressor(preset="quick", random_state=0).fit(X, np.sin(3 * X[:, 0]))
    >>> reg.score(X, np.sin(3 * X[:, 0])) > 0.95
    True
    """

    _CLASSES = False

    def fit(self, X: Any, y: Any, sample_weight: Any = None, eval_set: Any = None) -> Self:
        """Train on a table.

        Parameters
        ----------
        X, sample_weight, eval_set
            As for `TabularClassifier.fit`.
        y : array (rows,)
            Finite numbers.
        """
        frame = self._begin(X)
        y = quantities_of(y, frame.rows)
        w = weights_of(sample_weight, y)
        rows = self._inputs(frame, y, w)
        del frame  # it may be a copy of the table
        self._learn(rows, y, w, eval_set, 0)
        return self

    def predict(self, X: Any) -> Array:
        """Return the predicted quantity of each row.

        Parameters
        ----------
        X : table
            Columns are found by name where the table of `fit` had names.
        """
        return self._said(X)

    def _encode_target(self, y: Any) -> Array:
        return quantities_of(y)
