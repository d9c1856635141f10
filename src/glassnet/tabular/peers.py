"""What scikit-learn's own estimators make of the same rows: the yardstick beside the baseline."""

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import numpy as np

from glassnet.tabular.encoding import Encoding, as_numbers
from glassnet.tabular.fitted import Categories, Numbers
from glassnet.tabular.frame import Frame
from glassnet.tabular.task import Task
from glassnet.threads import one_thread
from glassnet.vocabulary import Array

FEW_ROWS = 10_000  # for which threads of OpenMP mostly wait for each other


@dataclass(frozen=True, eq=False)
class Peer:
    """An estimator that learned the rows that teach.

    Attributes
    ----------
    name : str
        The name of its class.
    seconds : float
        How long it took.
    predicted : array (rows, classes) or (rows, 1)
        What it says of the rows held out.
    """

    name: str
    seconds: float
    predicted: Array


def needed() -> None:
    """Make sure, before anybody waits for it, that scikit-learn is there."""
    if find_spec("sklearn") is None:
        raise ModuleNotFoundError(
            '--compare needs scikit-learn: pip install "glassnet[sklearn]"', name="sklearn"
        )


def compare(task: Task) -> list[Peer]:
    """Return a boosting of trees and a linear model, both as scikit-learn has them by default.

    Trees get categories as categories and gaps as gaps; the linear model gets hot columns, gaps
    filled and marked, and all of it scaled.
    """
    needed()
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression, Ridge

    numbers, codes = plain(task.encoding, task.frame)
    seed, classes = task.settings.seed, task.target.classes
    chosen = np.arange(numbers.shape[1] + codes.shape[1]) >= numbers.shape[1]
    boosting: Any = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    how: dict[str, Any] = {"categorical_features": chosen, "random_state": seed % 2**32}
    if classes and np.bincount(task.y[task.taught].astype(int)).min(initial=2) < 2:
        how["early_stopping"] = False  # it could not hold out rows of each class
    trees = boosting(**how)
    line = LogisticRegression(max_iter=1000) if classes else Ridge()
    peers = []
    for estimator in (trees, _prepared(line, numbers.shape[1], codes.shape[1])):
        X, start = np.column_stack([numbers, codes]), perf_counter()
        with warnings.catch_warnings(), one_thread(len(task.taught) > FEW_ROWS):
            warnings.simplefilter("ignore")  # that it could go on for longer
            estimator.fit(X[task.taught], task.y[task.taught])
        seconds = perf_counter() - start
        say = estimator.predict_proba if classes else estimator.predict
        last = estimator[-1] if hasattr(estimator, "steps") else estimator
        said = np.asarray(say(X[task.held])).reshape(len(task.held), -1)
        peers.append(Peer(type(last).__name__, seconds, said))
    return peers


def plain(encoding: Encoding, frame: Frame) -> tuple[Array, Array]:
    """Return a table's numbers, and the codes of its categories; NaN where there is a gap.

    Examples
    --------
    >>> from glassnet.tabular.frame import read_frame
    >>> frame = read_frame({"size": [1.0, None, 5.0, 3.0], "sex": ["f", "m", None, "f"]})
    >>> numbers, codes = plain(Encoding.fit(frame), frame)
    >>> numbers.ravel(), codes.ravel()
    (array([-1., nan,  1.,  0.]), array([ 0.,  1., nan,  0.]))
    """
    numbers, codes = [], []
    for each, column in zip(encoding.columns, frame.columns, strict=True):
        if isinstance(each, Categories):
            found, words = column.coded()
            place = np.array([*(each.place.get(word, np.nan) for word in words), np.nan])
            codes.append(place[found])
        elif each.name in encoding.places:
            values = as_numbers(column)
            scaled = each.encode(values) if isinstance(each, Numbers) else 0 * values
            numbers.append(np.where(np.isnan(values), np.nan, scaled))
    empty = np.empty((frame.rows, 0))
    return np.column_stack([empty, *numbers]), np.column_stack([empty, *codes])


def _prepared(linear: Any, numbers: int, codes: int) -> Any:
    """Return a linear model behind what makes columns of one scale."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    filled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    hot = OneHotEncoder(handle_unknown="ignore")
    # places, for scikit-learn leaves out what has none, but not what has an empty slice
    each = [
        ("numbers", filled, list(range(numbers))),
        ("categories", hot, list(range(numbers, numbers + codes))),
    ]
    return make_pipeline(ColumnTransformer(each), linear)
