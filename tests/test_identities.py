"""Identities that hold for the estimators whatever the data: no reference value is written down."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from scipy import sparse
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.metrics import log_loss, mean_poisson_deviance, mean_squared_error

from glassnet.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROWS = 60
KINDS = ("binary", "multiclass", "multilabel", "quantity", "quantities", "counts")
LOSSES = {"counts": "poisson"}


def table(kind: str, rows: int = ROWS, seed: int = 0) -> tuple[Any, Any]:
    """Return a table with targets of a kind; the classes have names that are in no order."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, 4))
    scores = X @ rng.standard_normal((4, 3)) + 0.5 * rng.standard_normal((rows, 3))
    return X, {
        "binary": np.array(["no", "yes"])[(scores[:, 0] > 0).astype(int)],
        "multiclass": np.array([7, -1, 3])[scores.argmax(axis=1)],
        "multilabel": (scores > 0.3).astype(int),
        "quantity": scores[:, 0],
        "quantities": scores,
        "counts": rng.poisson(np.exp(np.clip(scores[:, 0], -2, 2))).astype(float),
    }[kind]


def model(kind: str, **settings: Any) -> Any:
    """Return an estimator for targets of a kind, small and with a seed."""
    settings = {"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 30, **settings}
    if kind in ("binary", "multiclass", "multilabel"):
        return MLPClassifier(**settings)
    return MLPRegressor(**{"loss": LOSSES.get(kind, "squared_error"), **settings})


def outputs(fitted: Any, X: Any) -> Any:
    """Return what a fitted estimator says, with all its digits."""
    return (fitted.decision_function if hasattr(fitted, "classes_") else fitted.predict)(X)


def bits(fitted: Any) -> bytes:
    """Return every weight, bit for bit."""
    return fitted.network_.theta.tobytes()


# ---- weights of rows -----------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_row_of_weight_k_is_k_rows(kind: str, solver: str) -> None:
    X, y = table(kind)
    w = np.random.default_rng(1).integers(0, 4, ROWS)
    settings = {"solver": solver, "alpha": 0.1, "activation": "tanh", "learning_rate_init": 0.01}
    weighted = model(kind, **settings).fit(X, y, sample_weight=w)
    copied = model(kind, **settings).fit(X.repeat(w, axis=0), y.repeat(w, axis=0))
    np.testing.assert_allclose(outputs(weighted, X), outputs(copied, X), rtol=1e-5, atol=1e-7)
    assert weighted.loss_ == pytest.approx(copied.loss_, rel=1e-7)
    plain = model(kind, **settings).fit(X, y)
    assert not np.allclose(outputs(plain, X), outputs(copied, X), rtol=1e-2)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_so_it_is_where_classes_weigh_alike(kind: str) -> None:
    X, y = table(kind)
    w = np.random.default_rng(1).integers(1, 4, ROWS)
    balanced = {"class_weight": "balanced", "activation": "tanh"}
    weighted = model(kind, **balanced).fit(X, y, sample_weight=w)
    copied = model(kind, **balanced).fit(X.repeat(w, axis=0), y.repeat(w, axis=0))
    np.testing.assert_allclose(outputs(weighted, X), outputs(copied, X), rtol=1e-6)


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_row_of_weight_0_is_absent(kind: str, early: bool) -> None:
    X, y = table(kind)
    w = np.random.default_rng(1).integers(0, 3, ROWS)
    settings = {"batch_size": 7, "early_stopping": early, "dropout": 0.2}
    weighted = model(kind, **settings).fit(X, y, sample_weight=w)
    without = model(kind, **settings).fit(X[w > 0], y[w > 0], sample_weight=w[w > 0])
    assert bits(weighted) == bits(without)
    assert weighted.t_ == without.t_ < ROWS * weighted.n_iter_


def test_only_the_ratios_of_weights_matter_but_for_the_penalty() -> None:
    X, y = table("binary")
    w = np.random.default_rng(1).uniform(0.5, 2, ROWS)
    small = model("binary", alpha=0.1, solver="lbfgs").fit(X, y, w)
    large = model("binary", alpha=0.1 * 1024, solver="lbfgs").fit(X, y, w * 1024)
    np.testing.assert_allclose(outputs(small, X), outputs(large, X), rtol=1e-9)


# ---- losses --------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_that_of_the_predictions_and_the_penalty(kind: str, weighted: bool) -> None:
    X, y = table(kind)
    w = np.random.default_rng(1).uniform(0, 2, ROWS) if weighted else np.ones(ROWS)
    alpha = 0.3
    fitted = model(kind, alpha=alpha, solver="lbfgs").fit(X, y, w if weighted else None)
    if kind in ("binary", "multiclass"):
        loss = log_loss(y, fitted.predict_proba(X), sample_weight=w, labels=fitted.classes_)
    elif kind == "multilabel":
        p = fitted.predict_proba(X)
        loss = sum(log_loss(y[:, k], p[:, k], sample_weight=w) for k in range(3))
    elif kind == "counts":
        loss = mean_poisson_deviance(y, fitted.predict(X), sample_weight=w) / 2
    else:
        sum_of = mean_squared_error(
            y, fitted.predict(X), sample_weight=w, multioutput="raw_values"
        ).sum()
        loss = sum_of / 2
    penalty = alpha / 2 * sum((W**2).sum() for W in fitted.coefs_) / w.sum()
    assert fitted.loss_ == pytest.approx(loss + penalty, rel=1e-9)
    assert fitted.loss_ == fitted.loss_curve_[-1] == fitted.best_loss_


def test_a_softmax_of_two_is_a_sigmoid() -> None:
    X, y = table("binary")
    sigmoid = model("binary").fit(X, y)
    softmax = model("binary", loss="multiclass_cross_entropy").fit(X, y)
    assert (sigmoid.n_outputs_, softmax.n_outputs_) == (1, 2)
    W, b = sigmoid.coefs_[1], sigmoid.intercepts_[1]
    softmax.coefs_ = [sigmoid.coefs_[0], np.hstack([0.7 - W, np.full_like(W, 0.7)])]
    softmax.intercepts_ = [sigmoid.intercepts_[0], np.array([-0.2, -0.2 + b[0]])]
    for method in ("decision_function", "predict_log_proba", "predict_proba"):
        np.testing.assert_allclose(getattr(softmax, method)(X), getattr(sigmoid, method)(X))
    assert (softmax.predict(X) == sigmoid.predict(X)).all()


def test_so_are_their_optima() -> None:
    """A softmax has a weight too many, so its penalty counts half."""
    X, y = table("binary")
    settings = {"hidden_layer_sizes": (), "solver": "lbfgs", "tol": 1e-9, "max_iter": 1000}
    sigmoid = model("binary", alpha=1.0, **settings).fit(X, y)
    softmax = model("binary", alpha=2.0, loss="multiclass_cross_entropy", **settings).fit(X, y)
    np.testing.assert_allclose(outputs(sigmoid, X), outputs(softmax, X), atol=1e-6)


# ---- no hidden layer: what is known in another way -----------------------------------------------

LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs", "tol": 1e-8, "max_iter": 5000}


@pytest.mark.parametrize("alpha", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("balanced", [None, "balanced"])
@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_logistic_regression(kind: str, balanced: str | None, alpha: float) -> None:
    X, y = table(kind)
    w = np.random.default_rng(1).uniform(0.1, 2, ROWS)
    ours = model(kind, alpha=alpha, class_weight=balanced, **LINEAR).fit(X, y, w)
    known = LogisticRegression(C=1 / alpha, class_weight=balanced, tol=1e-10, max_iter=10_000)
    known.fit(X, y, w)
    np.testing.assert_allclose(ours.coefs_[0].T, known.coef_, atol=1e-4)
    scores, wanted = ours.decision_function(X), known.decision_function(X)
    if kind == "multiclass":  # the same number added to all scores of a row changes nothing
        scores, wanted = (each - each.mean(axis=1, keepdims=True) for each in (scores, wanted))
    np.testing.assert_allclose(scores, wanted, atol=1e-4)
    np.testing.assert_allclose(ours.predict_proba(X), known.predict_proba(X), atol=1e-4)
    assert (ours.classes_ == known.classes_).all()


@pytest.mark.parametrize("alpha", [0.0, 1.0, 30.0])
@pytest.mark.parametrize("kind", ["quantity", "quantities"])
def test_ridge_regression(kind: str, alpha: float) -> None:
    X, y = table(kind)
    w = np.random.default_rng(1).uniform(0.1, 2, ROWS)
    ours = model(kind, alpha=alpha, **LINEAR).fit(X, y, w)
    known = Ridge(alpha=alpha).fit(X, y, w)
    np.testing.assert_allclose(ours.coefs_[0].T, np.atleast_2d(known.coef_), atol=1e-4)
    np.testing.assert_allclose(ours.intercepts_[0], known.intercept_, atol=1e-4)


@pytest.mark.parametrize("alpha", [0.001, 0.1])
def test_poisson_regression(alpha: float) -> None:
    X, y = table("counts")
    w = np.random.default_rng(1).uniform(0.1, 2, ROWS)
    ours = model("counts", alpha=alpha * w.sum(), **LINEAR).fit(X, y, w)
    known = PoissonRegressor(alpha=alpha, tol=1e-10, max_iter=10_000).fit(X, y, w)
    np.testing.assert_allclose(ours.coefs_[0][:, 0], known.coef_, atol=1e-4)
    np.testing.assert_allclose(ours.predict(X), known.predict(X), rtol=1e-4)


def test_a_step_on_a_batch_has_the_penalty_of_a_table_of_its_size() -> None:
    X, y = table("quantity")
    settings = {"hidden_layer_sizes": (), "solver": "sgd", "max_iter": 2000, "tol": 0.0}
    settings |= {"learning_rate": "invscaling", "learning_rate_init": 0.3, "momentum": 0.0}
    settings |= {"n_iter_no_change": np.inf}
    batches = model("quantity", alpha=3.0, batch_size=20, **settings).fit(X, y)
    known = Ridge(alpha=3.0 * ROWS / 20).fit(X, y)
    np.testing.assert_allclose(batches.coefs_[0][:, 0], known.coef_, atol=0.01)


# ---- the same bits -------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("kind", KINDS)
def test_sparse_is_dense(kind: str, solver: str, form: Any) -> None:
    X, y = table(kind)
    X = np.where(np.abs(X) < 0.7, 0, X)
    settings = {"solver": solver, "batch_size": 16}
    dense, thin = (model(kind, **settings).fit(each, y) for each in (X, form(X)))
    assert bits(dense) == bits(thin)
    assert outputs(dense, X).tobytes() == outputs(thin, form(X)).tobytes()
    if solver == "adam":
        dense.partial_fit(X, y)
        thin.partial_fit(form(X), y)
        assert bits(dense) == bits(thin)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_makes_the_same_bits(kind: str, solver: str) -> None:
    X, y = table(kind)
    settings = {"solver": solver, "batch_size": 16}
    if solver != "lbfgs":
        settings |= {"dropout": 0.2, "early_stopping": True}
    first = model(kind, **settings).fit(X, y)
    again, other = clone(first).fit(X, y), model(kind, **settings, random_state=1)
    assert bits(first) == bits(again) == bits(first.fit(X, y))
    assert bits(first) != bits(other.fit(X, y))
    states = [np.random.RandomState(3) for _ in range(2)]
    ours, same = (model(kind, **settings, random_state=each) for each in states)
    assert bits(ours.fit(X, y)) == bits(same.fit(X, y)) != bits(ours.fit(X, y))


@pytest.mark.parametrize("kind", KINDS)
def test_to_stop_at_an_epoch_is_to_train_so_many(kind: str) -> None:
    X, y = table(kind)
    settings = {"learning_rate_init": 0.05, "batch_size": 16, "tol": 0.01, "n_iter_no_change": 2}
    settings |= {"dropout": 0.1}
    stopped = model(kind, max_iter=500, **settings).fit(X, y)
    assert 3 < stopped.n_iter_ < 500
    assert bits(stopped) == bits(model(kind, max_iter=stopped.n_iter_, **settings).fit(X, y))


@pytest.mark.parametrize("kind", KINDS)
def test_early_stopping_is_to_train_up_to_the_best_epoch(kind: str) -> None:
    X, y = table(kind)
    settings = {"learning_rate_init": 0.05, "batch_size": 16, "n_iter_no_change": 5}
    stopped = model(kind, max_iter=500, early_stopping=True, **settings).fit(X, y)
    scores = stopped.validation_scores_
    best = int(np.argmax(scores)) + 1
    assert stopped.n_iter_ == len(scores) < 500
    assert max(scores[-5:]) <= max(scores[:-5]) + stopped.tol
    until = model(kind, max_iter=best, early_stopping=True, **settings).fit(X, y)
    assert bits(stopped) == bits(until)
    assert until.best_validation_score_ == stopped.best_validation_score_ == scores[best - 1]


@pytest.mark.parametrize("rate", ["constant", "invscaling"])
@pytest.mark.parametrize("kind", ["quantity", "quantities", "counts"])
def test_partial_fits_are_the_epochs_of_a_fit(kind: str, rate: str) -> None:
    X, y = table(kind)
    settings = {"batch_size": 16, "dropout": 0.1, "learning_rate": rate, "learning_rate_init": 0.01}
    settings |= {"solver": "sgd" if rate == "invscaling" else "adam"}
    whole = model(kind, max_iter=5, **settings).fit(X, y)
    parts = model(kind, **settings)
    for _ in range(5):
        parts.partial_fit(X, y)
    assert bits(whole) == bits(parts)
    assert whole.loss_curve_ == parts.loss_curve_
    assert whole.t_ == parts.t_ == 5 * ROWS
    assert bits(whole.partial_fit(X, y)) == bits(parts.partial_fit(X, y))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_predicted_each_for_itself(kind: str) -> None:
    X, y = table(kind)
    fitted = model(kind).fit(X, y)
    many = np.random.default_rng(2).standard_normal((3000, 4))
    parts = np.concatenate([outputs(fitted, many[i : i + 7]) for i in range(0, 3000, 7)])
    np.testing.assert_allclose(outputs(fitted, many), parts, rtol=1e-12)


# ---- scikit-learn's own steps --------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize(
    ("solver", "batch"),
    [
        ({"solver": "sgd", "momentum": 0.0}, "auto"),
        ({"solver": "sgd", "nesterovs_momentum": False}, "auto"),
        ({"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3}, "auto"),
        ({"solver": "sgd"}, 20),
        ({"solver": "adam", "epsilon": 1e-30}, 20),  # they add it at different places
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_from_the_same_weights_come_the_same_steps(
    kind: str, solver: dict[str, Any], batch: Any, activation: str
) -> None:
    """Two hidden layers, an L2 penalty and, on all rows, weights of rows; five epochs."""
    X, y = table(kind)
    settings = {"hidden_layer_sizes": (5, 4), "activation": activation, "alpha": 0.7}
    settings |= {"batch_size": batch, "shuffle": False, "learning_rate_init": 0.02, "tol": 0.0}
    settings |= {"max_iter": 1, "warm_start": True, **solver}
    ours = model(kind, **settings)
    peer = getattr(theirs, type(ours).__name__)(**{"random_state": 0, **settings})
    if kind == "counts":
        peer.set_params(loss="poisson")
    for each in (ours, peer):
        each.fit(X, y)
    ours.coefs_, ours.intercepts_ = peer.coefs_, peer.intercepts_
    ours.t_ = peer.t_ = 0
    w = np.random.default_rng(1).uniform(0.5, 2, ROWS) if batch == "auto" else None
    for each in (ours, peer):
        each.set_params(max_iter=5).fit(X, y, sample_weight=w)
    for mine, other in zip(
        [*ours.coefs_, *ours.intercepts_], [*peer.coefs_, *peer.intercepts_], strict=True
    ):
        np.testing.assert_allclose(mine, other, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(told(ours, X), told(peer, X), rtol=1e-7)
    assert (ours.out_activation_, ours.n_layers_) == (peer.out_activation_, peer.n_layers_)
    if kind != "quantities":  # theirs is the mean over outputs, and its gradient that of the sum
        assert ours.loss_ == pytest.approx(peer.loss_, rel=1e-9)


def told(fitted: Any, X: Any) -> Any:
    """Return probabilities or predictions: what both can say."""
    return (fitted.predict_proba if hasattr(fitted, "classes_") else fitted.predict)(X)
