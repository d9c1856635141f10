"""scikit-learn's own checks, on the estimators at their defaults and in other settings.

What is expected to fail is a promise that scikit-learn's checks make of every estimator and that no
such network keeps, scikit-learn's own included: that is tested here too.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from scipy import sparse
from sklearn import neural_network as theirs
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from glassnet.estimators import MLPClassifier, MLPRegressor

# the checks fit on tables of all kinds, and few of them wait until training has converged
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

WEIGHTS = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
)
HELD_OUT = "which rows are held out, and so not trained on, depends on how many there are"
DROPPED = "a row of weight 2 is dropped once, two rows of weight 1 each for itself"
DTYPE = "it asks for float64 predictions of several outputs, whatever X is"
ROUNDED = "it asks for seven digits after a training, and float32 has seven at its beginning"


def single(X: Any) -> Any:
    """Return a table of float64 in float32; anything else as it is."""
    double = getattr(X, "dtype", None) == np.float64 and (sparse.issparse(X) or np.ndim(X) == 2)
    return X.astype(np.float32) if double else X


class Single:
    """Sees every table in float32."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return super().fit(single(X), y, sample_weight=sample_weight)  # type: ignore[misc]

    def predict(self, X: Any) -> Any:
        return super().predict(single(X))  # type: ignore[misc]


class SingleClassifier(Single, MLPClassifier):
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Any:
        return super().partial_fit(single(X), y, sample_weight=sample_weight, classes=classes)

    def decision_function(self, X: Any) -> Any:
        return super().decision_function(single(X))

    def predict_log_proba(self, X: Any) -> Any:
        return super().predict_log_proba(single(X))

    def predict_proba(self, X: Any) -> Any:
        return super().predict_proba(single(X))


class SingleRegressor(Single, MLPRegressor):
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return super().partial_fit(single(X), y, sample_weight=sample_weight)


class TheirSingleClassifier(Single, theirs.MLPClassifier):
    def predict_proba(self, X: Any) -> Any:
        return super().predict_proba(single(X))


class TheirSingleRegressor(Single, theirs.MLPRegressor):
    pass


SETTINGS: list[tuple[Any, dict[str, str]]] = [
    (MLPClassifier(), {}),
    (MLPClassifier(early_stopping=True), dict.fromkeys(WEIGHTS, HELD_OUT)),
    (MLPClassifier(solver="sgd"), {}),
    (MLPClassifier(solver="lbfgs"), {}),
    (SingleClassifier(), dict.fromkeys(WEIGHTS, ROUNDED)),
    (MLPClassifier(dropout=0.1), dict.fromkeys(WEIGHTS, DROPPED)),
    (MLPClassifier(class_weight="balanced"), {}),
    (MLPRegressor(), {}),
    (MLPRegressor(early_stopping=True), dict.fromkeys(WEIGHTS, HELD_OUT)),
    (MLPRegressor(solver="sgd"), {}),
    (MLPRegressor(solver="lbfgs"), {}),
    (SingleRegressor(), dict.fromkeys(WEIGHTS, ROUNDED) | {"check_regressor_multioutput": DTYPE}),
    (MLPRegressor(dropout=0.1), dict.fromkeys(WEIGHTS, DROPPED)),
    (MLPRegressor(loss="huber"), {}),
]


def expected(estimator: Any) -> dict[str, str]:
    return next(reasons for each, reasons in SETTINGS if repr(each) == repr(estimator))


# this check asks for an environment in which SciPy is imported anew: see below
ELSEWHERE = "check_array_api_input"


@parametrize_with_checks([each for each, _ in SETTINGS], expected_failed_checks=expected)
def test_what_scikit_learn_asks_of_every_estimator(estimator: Any, check: Callable) -> None:
    if check.func.__name__ == ELSEWHERE:
        with pytest.raises(estimator_checks.SkipTest):
            check(estimator)
    else:
        check(estimator)


def test_every_check_runs_at_the_defaults_and_none_is_expected_to_fail() -> None:
    for estimator in (MLPClassifier(), MLPRegressor()):
        assert not expected(estimator)
        ours = [check.func.__name__ for _, check in estimator_checks_generator(estimator)]
        name = type(estimator).__name__
        peer = [c.func.__name__ for _, c in estimator_checks_generator(getattr(theirs, name)())]
        assert set(peer) < set(ours)  # class_weight, several outputs
        assert ours.count(ELSEWHERE) == 1


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_the_check_that_wants_an_environment_of_its_own(name: str) -> None:
    code = (
        "from sklearn.utils.estimator_checks import estimator_checks_generator\n"
        f"import glassnet\n"
        f"for each, check in estimator_checks_generator(glassnet.{name}()):\n"
        f"    if check.func.__name__ == {ELSEWHERE!r}:\n"
        "        check(each); print('passed')\n"
    )
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=os.environ | {"SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout == "passed\n", run.stderr


# scikit-learn's own class, where ours is expected to fail. It has no dropout: in its place stand
# batches, with which too a row's fate depends on how many rows there are
PEERS: list[tuple[Any, str]] = [
    *((theirs.MLPClassifier(early_stopping=True), check) for check in WEIGHTS),
    *((theirs.MLPRegressor(early_stopping=True), check) for check in WEIGHTS),
    *((theirs.MLPClassifier(batch_size=10), check) for check in WEIGHTS),
    *((theirs.MLPRegressor(batch_size=10), check) for check in WEIGHTS),
    *((TheirSingleClassifier(), check) for check in WEIGHTS),
    *((TheirSingleRegressor(), check) for check in WEIGHTS),
    (TheirSingleRegressor(), "check_regressor_multioutput"),
]


@pytest.mark.parametrize(("peer", "check"), PEERS, ids=str)
def test_scikit_learns_own_class_fails_there_too(peer: Any, check: str) -> None:
    with pytest.raises((AssertionError, ValueError)):
        getattr(estimator_checks, check)(type(peer).__name__, peer)


def test_for_each_failure_that_is_expected_there_is_such_a_peer() -> None:
    counts = {check: sum(name == check for _, name in PEERS) for _, check in PEERS}
    ours = [check for _, reasons in SETTINGS for check in reasons]
    assert counts == {check: ours.count(check) for check in counts}
    assert sum(counts.values()) == len(ours)
