"""The estimators: parameters, attributes, what is new, what is right, and complaints."""

import copy
import inspect
import pickle
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

import joblib
import sklearn
from scipy import sparse
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.datasets import make_blobs, make_moons, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import glassnet as gn
from glassnet import mlp
from glassnet.estimators import MLPClassifier, MLPRegressor
from glassnet.training import train

BOTH = (MLPClassifier, MLPRegressor)
IGNORE = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = make_moons(80, noise=0.2, random_state=0)
X3, Y3 = make_blobs(90, centers=3, random_state=0)
XM, YM = make_multilabel_classification(60, 6, n_classes=3, random_state=0)
XM = StandardScaler().fit_transform(XM)
XR = np.random.default_rng(0).standard_normal((60, 3))
YR = np.sin(XR[:, 0]) + XR[:, 1]


def small(kind: Any, **settings: Any) -> Any:
    """Return an estimator that is trained in a few milliseconds."""
    settings = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0, **settings}
    return kind(**settings)


def fitted(kind: Any, **settings: Any) -> Any:
    table = (X, Y) if kind is MLPClassifier else (XR, YR)
    return small(kind, **settings).fit(*table)


# ---- the same to write ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", BOTH)
def test_parameters_are_scikit_learns_and_then_ours(kind: Any) -> None:
    peer = getattr(theirs, kind.__name__)
    ours, others = (inspect.signature(each).parameters for each in (kind, peer))
    names = [(p.name, p.default, p.kind) for p in others.values()]
    assert [(p.name, p.default, p.kind) for p in ours.values()][: len(names)] == names
    more = list(ours.values())[len(names) :]
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in more)
    new = ["dropout", "loss", "class_weight", "metric"]
    assert [p.name for p in more] == (new if kind is MLPClassifier else ["dropout", "metric"])


@IGNORE
@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("kind", BOTH)
def test_attributes_are_scikit_learns_and_more(kind: Any, early: bool) -> None:
    ours = fitted(kind, early_stopping=early)
    table = (X, Y) if kind is MLPClassifier else (XR, YR)
    peer = small(getattr(theirs, kind.__name__), early_stopping=early).fit(*table)
    for name in (name for name in vars(peer) if name.endswith("_")):
        mine, other = getattr(ours, name), getattr(peer, name)
        assert type(mine) is type(other) or {type(mine), type(other)} <= {float, np.float64}, name
        if isinstance(mine, list):
            assert [np.shape(each) for each in mine] == [np.shape(each) for each in other], name
        elif not isinstance(mine, float):
            np.testing.assert_equal(mine, other, name)
    assert (ours.validation_loss_curve_ is not None) == early
    assert "Dense" in repr(ours.network_)


def test_weights_are_views() -> None:
    model = small(MLPRegressor, hidden_layer_sizes=(4, 2), max_iter=1, dropout=[0.3, 0.0])
    with pytest.warns(ConvergenceWarning):
        model.fit(XR, YR)
    assert [W.shape for W in model.coefs_] == [(3, 4), (4, 2), (2, 1)]
    assert [b.shape for b in model.intercepts_] == [(4,), (2,), (1,)]
    before = model.predict(XR)
    model.intercepts_[-1][...] += 1
    np.testing.assert_allclose(model.predict(XR), before + 1)
    model.intercepts_ = [b + 1 for b in model.intercepts_[:2]] + [model.intercepts_[2] - 1]
    assert (model.network_.weights["b1"] == model.intercepts_[0]).all()
    with pytest.raises(ValueError, match=r"coefs_: expected arrays of the shapes \[\(3, 4\)"):
        model.coefs_ = model.coefs_[:2]


@IGNORE
@pytest.mark.parametrize("kind", BOTH)
def test_it_survives_pickle_copy_clone_and_joblib(kind: Any, tmp_path: Any) -> None:
    first = fitted(kind, solver=gn.Adam(0.01), activation=[gn.Gelu()])
    joblib.dump(first, tmp_path / "model")
    table = (X, Y) if kind is MLPClassifier else (XR, YR)
    for other in (
        pickle.loads(pickle.dumps(first)),
        copy.deepcopy(first),
        joblib.load(tmp_path / "model"),
        clone(first).fit(*table),
    ):
        assert (other.predict(table[0]) == first.predict(table[0])).all()
        theta = first.network_.theta.copy()
        other.partial_fit(*table)
        assert (first.network_.theta == theta).all()
        again = copy.deepcopy(first).partial_fit(*table)
        assert (other.network_.theta == again.network_.theta).all()


@IGNORE
def test_it_works_in_pipelines_and_searches() -> None:
    pipeline = make_pipeline(StandardScaler(), small(MLPClassifier, max_iter=50))
    pipeline.set_params(mlpclassifier__learning_rate_init=0.05)
    search = GridSearchCV(pipeline, {"mlpclassifier__activation": ["tanh", ["gelu"]]}, cv=3)
    assert search.fit(X, Y).best_score_ > 0.85
    with joblib.parallel_backend("threading", n_jobs=2):
        scores = [cross_val_score(pipeline, X, Y, cv=4) for _ in range(2)]
    assert (scores[0] == scores[1]).all()
    assert (scores[0] == cross_val_score(pipeline, X, Y, cv=4)).all()


@IGNORE
def test_several_threads_predict_at_once() -> None:
    model = small(MLPClassifier, hidden_layer_sizes=(50, 50)).fit(X3, Y3)
    tables = [np.tile(X3, (20, 1)) + k for k in range(4)]
    wanted = [model.decision_function(table) for table in tables]
    wrong: list[int] = []

    def ask(k: int) -> None:
        for _ in range(30):
            if not (model.decision_function(tables[k]) == wanted[k]).all():
                wrong.append(k)

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@IGNORE
def test_what_beside_X_and_y_can_be_routed() -> None:
    with sklearn.config_context(enable_metadata_routing=True):
        model = small(MLPClassifier).set_fit_request(sample_weight=True, X_val=True)
        assert "X_val" in str(model.get_metadata_routing())


# ---- kinds of targets ----------------------------------------------------------------------------


@IGNORE
@pytest.mark.parametrize(
    "names",
    [["b", "a"], [True, False], [10, 2], [2.5, -1.0], np.array(["no", "yes"], object)],
    ids=str,
)
def test_classes_are_of_any_type(names: Any) -> None:
    names = np.asarray(names)
    if names.dtype == float:
        names = names.round()
    model = small(MLPClassifier, max_iter=100, learning_rate_init=0.05).fit(X, names[Y])
    assert (model.classes_ == np.unique(names)).all()
    assert model.classes_.dtype == model.predict(X).dtype == names.dtype
    assert model.score(X, names[Y]) > 0.85
    second = names[Y] == model.classes_[1]
    assert ((model.decision_function(X) > 0) == second).mean() > 0.85
    assert ((model.predict_proba(X)[:, 1] > 0.5) == second).mean() > 0.85


@IGNORE
def test_three_classes() -> None:
    names = np.array(["z", "a", "m"])
    model = small(MLPClassifier, max_iter=100, learning_rate_init=0.05).fit(X3, names[Y3])
    assert model.out_activation_ == "softmax"
    assert model.decision_function(X3).shape == (90, 3)
    assert (model.classes_[model.predict_proba(X3).argmax(axis=1)] == model.predict(X3)).all()
    assert model.score(X3, names[Y3]) > 0.85


@IGNORE
def test_labels_that_do_not_exclude_each_other() -> None:
    model = small(MLPClassifier, max_iter=200, learning_rate_init=0.05)
    dense = model.fit(XM, YM).predict(XM)
    assert model.out_activation_ == "logistic"
    assert dense.shape == YM.shape
    assert (dense == YM).mean() > 0.9
    assert (model.classes_ == [0, 1, 2]).all()
    assert ((model.predict_proba(XM) > 0.5) == dense).all()
    assert (model.fit(XM, sparse.csr_array(YM)).predict(XM) == dense).all()
    assert (model.fit(XM, YM.astype(bool)).predict(XM) == dense).all()


@IGNORE
def test_one_quantity_comes_back_as_it_came_and_several_too() -> None:
    assert fitted(MLPRegressor).predict(XR).shape == (60,)
    assert small(MLPRegressor).fit(XR, np.c_[YR, YR]).predict(XR).shape == (60, 2)
    with pytest.warns(DataConversionWarning):
        assert small(MLPRegressor).fit(XR, YR[:, None]).predict(XR).shape == (60,)


@IGNORE
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", BOTH)
def test_the_dtype_is_that_of_the_table(kind: Any, dtype: Any) -> None:
    table = (X, Y) if kind is MLPClassifier else (XR, YR)
    model = small(kind).fit(table[0].astype(dtype), table[1])
    told = model.predict_proba if kind is MLPClassifier else model.predict
    assert model.network_.dtype == model.coefs_[0].dtype == told(table[0]).dtype == dtype
    assert small(kind).fit((10 * table[0]).astype(int), table[1]).network_.dtype == np.float64


# ---- what is new ---------------------------------------------------------------------------------


@IGNORE
def test_each_layer_has_its_activation_and_its_dropout() -> None:
    model = small(
        *(MLPClassifier,),
        hidden_layer_sizes=[5, 4, 3],
        activation=["logistic", gn.Elu(0.5), "gelu"],
        dropout=[0.0, 0.5, 0.2],
    ).fit(X, Y)
    assert model.network_.layers == [
        *(gn.Dense(5, "sigmoid"), gn.Dense(4, gn.Elu(0.5)), gn.Dropout(0.5)),
        *(gn.Dense(3, "gelu"), gn.Dropout(0.2), gn.Dense(1)),
    ]
    assert model.n_layers_ == 5
    assert small(MLPRegressor, hidden_layer_sizes=7).fit(XR, YR).n_layers_ == 3
    assert small(MLPRegressor, hidden_layer_sizes=()).fit(XR, YR).n_layers_ == 2


def test_weights_begin_as_in_scikit_learn_and_biases_at_nothing() -> None:
    rows, y = np.eye(2, 40), [0.0, 1.0]
    for name in ("relu", "identity", "tanh", "logistic"):
        model = MLPRegressor("squared_error", (60,), name, solver=gn.SGD(1e-30), max_iter=1)
        with pytest.warns(ConvergenceWarning):
            W = model.fit(rows, y).coefs_[0]
        assert 0.99 * np.sqrt(6 / 100) < np.abs(W).max() <= np.sqrt(6 / 100), name
        assert np.abs(model.intercepts_[0]).max() < 1e-20
        assert model.intercepts_[1] == 0.5


@IGNORE
def test_dropout_keeps_a_network_from_learning_by_heart() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 2, 60)
    rows = rng.standard_normal((60, 20))
    settings = {"hidden_layer_sizes": (50,), "max_iter": 200, "learning_rate_init": 0.01}
    heart, dropped = (
        small(MLPClassifier, **settings, dropout=rate).fit(rows, noise) for rate in (0.0, 0.8)
    )
    assert heart.score(rows, noise) == 1
    far = [np.abs(model.decision_function(rows)).mean() for model in (heart, dropped)]
    assert far[1] < 0.7 * far[0]


@IGNORE
@pytest.mark.parametrize(
    ("solver", "made"),
    [
        ("adam", gn.Adam(0.02, 0.8, 0.99, 1e-6)),
        ("adamw", gn.AdamW(0.02, 0.8, 0.99, 1e-6)),
        ("sgd", gn.Nesterov(0.02, 0.7)),
        ("nesterov", gn.Nesterov(0.02, 0.7)),
        ("momentum", gn.Momentum(0.02, 0.7)),
        ("rmsprop", gn.RMSprop(0.02)),
        (gn.RMSprop(0.1, 0.5), gn.RMSprop(0.1, 0.5)),
    ],
)
def test_solvers_are_optimizers(solver: Any, made: Any) -> None:
    settings = {"learning_rate_init": 0.02, "momentum": 0.7, "beta_1": 0.8, "beta_2": 0.99}
    ours = fitted(MLPRegressor, solver=solver, epsilon=1e-6, **settings)
    assert ours.network_.memory.rule == made
    assert (ours.network_.theta == fitted(MLPRegressor, solver=made).network_.theta).all()


@IGNORE
def test_without_momentum_or_without_nesterov() -> None:
    plain = fitted(MLPRegressor, solver="sgd", momentum=0.0)
    heavy = fitted(MLPRegressor, solver="sgd", nesterovs_momentum=False)
    assert plain.network_.memory.rule == gn.SGD(0.001)
    assert heavy.network_.memory.rule == gn.Momentum(0.001, 0.9)


@IGNORE
@pytest.mark.parametrize(
    "rate", ["cosine", gn.StepDecay(2, 0.5), lambda step, total: 1 / (1 + step)]
)
def test_rates_are_schedules(rate: Any) -> None:
    model = fitted(MLPRegressor, learning_rate=rate, batch_size=20)
    made = {"loss": gn.SquaredError(half=True), "dtype": "float64", "seed": model.network_.seed}
    net = gn.Network(model.network_.layers, 3, **made)
    for _ in net.train(
        XR, YR, epochs=5, batch_size=20, optimizer="adam", schedule=rate, l2=0.0001 / 20
    ):
        pass
    assert (net.theta == model.network_.theta).all()


@IGNORE
def test_invscaling_and_adaptive_leave_adam_alone_as_in_scikit_learn() -> None:
    constant = fitted(MLPRegressor).network_.theta
    for rate in ("invscaling", "adaptive"):
        assert (fitted(MLPRegressor, learning_rate=rate).network_.theta == constant).all()
        assert (
            fitted(MLPRegressor, learning_rate=rate, solver="sgd").network_.theta != constant
        ).any()


def test_an_adaptive_rate_is_divided_by_five_and_ends(monkeypatch: Any) -> None:
    """A rate that is too high makes nothing better, until it was divided often enough."""
    rates: list[float] = []

    class Spy(mlp.Watch):
        def __call__(self, epoch: Any) -> bool:
            rates.append(epoch.rate)
            return super().__call__(epoch)

    monkeypatch.setattr(mlp, "Watch", Spy)
    settings = {"solver": "sgd", "learning_rate_init": 0.5, "momentum": 0.0, "max_iter": 3000}
    settings |= {"hidden_layer_sizes": (), "n_iter_no_change": 3, "tol": 1e-6, "batch_size": 10}
    rows = np.random.default_rng(1).standard_normal((50, 3))
    y = rows @ [1.0, 2.0, 3.0] + np.random.default_rng(2).standard_normal(50)
    constant = MLPRegressor(random_state=0, **settings).fit(rows, y)
    assert set(rates) == {0.5}
    rates.clear()
    adaptive = MLPRegressor(random_state=0, learning_rate="adaptive", **settings).fit(rows, y)
    # from 0.5 it takes nine divisions to come below 1e-6, and each three epochs without success
    np.testing.assert_allclose(sorted(set(rates)), 0.5 / 5.0 ** np.arange(9, -1, -1))
    assert adaptive.n_iter_ == len(rates) >= 10 * 3 + 1
    assert adaptive.loss_ < constant.loss_ - 0.01


@IGNORE
@pytest.mark.parametrize(
    ("kind", "loss", "made"),
    [
        (MLPRegressor, "squared_error", gn.SquaredError(half=True)),
        (MLPRegressor, "absolute_error", gn.AbsoluteError()),
        (MLPRegressor, gn.SquaredError(), gn.SquaredError()),
        (MLPRegressor, gn.Quantile(0.9), gn.Quantile(0.9)),
        (MLPClassifier, "log_loss", gn.BinaryCrossEntropy()),
        (MLPClassifier, "focal", gn.Focal()),
        (MLPClassifier, gn.BinaryCrossEntropy(0.1), gn.BinaryCrossEntropy(0.1)),
        (MLPClassifier, "multiclass_cross_entropy", gn.MulticlassCrossEntropy()),
    ],
)
def test_losses_are_ours_too(kind: Any, loss: Any, made: Any) -> None:
    model = fitted(kind, loss=loss)
    assert model.network_.loss == made


@IGNORE
def test_a_quantile_is_one() -> None:
    rng = np.random.default_rng(0)
    y = rng.exponential(size=2000)
    model = MLPRegressor(gn.Quantile(0.9), (), learning_rate_init=0.01, random_state=0, max_iter=60)
    model.fit(rng.standard_normal((2000, 1)), y)
    assert (y < model.predict(np.zeros((1, 1)))).mean() == pytest.approx(0.9, abs=0.02)


@IGNORE
def test_classes_count_as_they_are_told_to() -> None:
    names = np.array(["rare", "usual"])
    rng = np.random.default_rng(0)
    y = names[(rng.random(400) < 0.95).astype(int)]
    rows = rng.standard_normal((400, 2))
    rows[y == "rare"] += 1
    settings = {"max_iter": 40, "learning_rate_init": 0.02}

    def rare(**more: Any) -> float:
        model = small(MLPClassifier, **settings, **more).fit(rows, y)
        return float((model.predict(rows) == "rare").mean())

    many = (y == "rare").sum()
    each = {"rare": 200 / many, "usual": 200 / (400 - many)}
    by_hand, by_rows = np.array([each[label] for label in y]), small(MLPClassifier, **settings)
    by_rows.fit(rows, y, by_hand)
    assert rare() < 0.1
    assert 0.2 < rare(class_weight="balanced") < 0.4
    assert rare(class_weight="balanced") == rare(class_weight=each)
    assert rare(class_weight=each) == (by_rows.predict(rows) == "rare").mean()
    assert rare(class_weight={"usual": 0.001}) > 0.9


@IGNORE
def test_each_label_may_have_weights_of_its_own() -> None:
    settings = {"max_iter": 100, "learning_rate_init": 0.02}
    shares = [
        small(MLPClassifier, class_weight=each, **settings).fit(XM, YM).predict(XM).mean(axis=0)
        for each in (None, [{1: 50}, {}, {1: 0.02}])
    ]
    assert shares[0][0] < shares[1][0]
    assert shares[0][2] > shares[1][2]
    balanced = small(MLPClassifier, class_weight="balanced").fit(XM, YM)
    assert (balanced._totals == [[60 - n, n] for n in YM.sum(axis=0)]).all()


@IGNORE
def test_classes_are_balanced_over_all_parts_of_a_table() -> None:
    """The first part has one class only, and the second more of the other."""
    order = np.argsort(Y, kind="stable")
    rows, y = X[order], Y[order]
    model = small(MLPClassifier, class_weight="balanced")
    model.partial_fit(rows[:20], y[:20], classes=[0, 1])
    assert np.isfinite(model.network_.theta).all()
    model.partial_fit(rows[20:], y[20:])
    assert (model._totals == [[40, 40]]).all()
    model.fit(X, Y, X_val=X[:9], y_val=Y[:9])  # nor do rows count that are only watched
    assert (model._totals == [[40, 40]]).all()


# ---- validation ----------------------------------------------------------------------------------


def test_own_validation_rows_decide() -> None:
    wrong = 1 - Y  # the better the network, the worse it looks
    model = small(MLPClassifier, early_stopping=True, max_iter=300, learning_rate_init=0.05)
    model.fit(X, Y, X_val=X, y_val=wrong)
    assert model.n_iter_ < 100
    assert model.score(X, Y) == 1 - model.best_validation_score_
    assert model.t_ == len(X) * model.n_iter_  # none was held out
    model.fit(X, Y, X_val=X, y_val=Y)
    assert model.best_validation_score_ == model.score(X, Y) > 0.85
    weight = (Y == 0).astype(float)
    model.fit(X, Y, X_val=X, y_val=Y, sample_weight_val=weight)
    assert model.best_validation_score_ == model.score(X, Y, weight)


@IGNORE
def test_validation_rows_are_only_watched_without_early_stopping() -> None:
    plain, watched = small(MLPRegressor), small(MLPRegressor)
    plain.fit(XR, YR)
    watched.fit(XR, YR, X_val=XR[:20], y_val=YR[:20])
    assert (plain.network_.theta == watched.network_.theta).all()
    assert plain.validation_scores_ is plain.validation_loss_curve_ is None
    assert watched.validation_scores_[-1] == pytest.approx(watched.score(XR[:20], YR[:20]))
    loss = np.mean((watched.predict(XR[:20]) - YR[:20]) ** 2) / 2
    assert watched.validation_loss_curve_[-1] == pytest.approx(loss)
    assert len(watched.validation_loss_curve_) == 5
    watched.set_params(warm_start=True).fit(XR, YR, X_val=XR[:20], y_val=YR[:20])
    assert len(watched.validation_loss_curve_) == len(watched.loss_curve_) == 10


@IGNORE
def test_the_metric_is_chosen() -> None:
    model = small(MLPRegressor, early_stopping=True, metric="rmse", max_iter=50)
    model.fit(XR, YR, X_val=XR[:20], y_val=YR[:20])
    assert model.best_validation_score_ == min(model.validation_scores_)
    rmse = np.sqrt(np.mean((model.predict(XR[:20]) - YR[:20]) ** 2))
    assert model.best_validation_score_ == pytest.approx(rmse)
    model = fitted(MLPClassifier, early_stopping=True, metric="auc", max_iter=50)
    assert model.best_validation_score_ == max(model.validation_scores_)
    worst = gn.Metric("worst", lambda y, p, w: np.abs(y - p).max(), higher=False)
    model = fitted(MLPRegressor, early_stopping=True, metric=worst)
    assert model.best_validation_score_ == min(model.validation_scores_)


def test_training_stops_after_so_many_epochs_without_success() -> None:
    settings = {"hidden_layer_sizes": (), "max_iter": 500, "tol": 10.0}
    for patience in (1, 7):
        model = small(MLPRegressor, n_iter_no_change=patience, **settings | {"max_iter": 500})
        assert model.fit(XR, YR).n_iter_ == patience + 1
    endless = small(MLPRegressor, n_iter_no_change=np.inf, tol=10.0, max_iter=30)
    with pytest.warns(ConvergenceWarning, match="had not converged after 30 iterations"):
        endless.fit(XR, YR)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("kind", BOTH)
def test_that_training_has_not_converged_is_said(kind: Any, solver: str) -> None:
    with pytest.warns(ConvergenceWarning, match=r"after 3 iterations \(max_iter=3"):
        assert fitted(kind, solver=solver, max_iter=3).n_iter_ == 3
    if solver == "lbfgs":
        with pytest.warns(ConvergenceWarning, match="max_fun=4"):
            assert fitted(kind, solver=solver, max_iter=300, max_fun=4).n_iter_ < 5
    fitted(kind, solver=solver, max_iter=5000, tol=0.01, n_iter_no_change=2)  # and not, if it has


def test_lbfgs_ends_where_the_loss_hardly_changes_as_in_scikit_learn() -> None:
    """The targets are so large that no derivative comes near tol."""
    settings = {"hidden_layer_sizes": (), "solver": "lbfgs", "random_state": 0}
    ours, peer = (
        kind(**settings).fit(XR, 1e6 * YR) for kind in (MLPRegressor, theirs.MLPRegressor)
    )
    assert ours.loss_ == pytest.approx(peer.loss_, rel=1e-6)
    assert ours.n_iter_ == pytest.approx(peer.n_iter_, abs=3)
    assert (
        MLPRegressor(**settings, tol=1e-12, max_iter=1000).fit(XR, 1e6 * YR).n_iter_ > ours.n_iter_
    )


def test_a_training_that_runs_away_keeps_the_last_good_weights() -> None:
    settings = {"solver": "sgd", "learning_rate_init": 100.0, "max_iter": 50}
    with pytest.warns(gn.DivergenceWarning, match="training diverged in epoch"):
        model = fitted(MLPRegressor, **settings)
    assert np.isfinite(model.predict(XR)).all()
    assert np.isfinite(model.loss_)
    assert model.n_iter_ == len(model.loss_curve_) < 50


def test_it_may_be_interrupted() -> None:
    count = []

    def rate(step: int, total: int | None) -> float:
        count.append(step)
        if len(count) == 7:
            raise KeyboardInterrupt
        return 1.0

    model = small(MLPRegressor, learning_rate=rate, max_iter=100)
    with pytest.warns(UserWarning, match="training was interrupted"):
        model.fit(XR, YR)
    assert model.n_iter_ == len(model.loss_curve_) == 6
    assert np.isfinite(model.predict(XR)).all()


@IGNORE
def test_progress_is_shown_if_wanted(capsys: Any) -> None:
    fitted(MLPRegressor)
    assert capsys.readouterr().out == ""
    fitted(MLPRegressor, verbose=True)
    assert capsys.readouterr().out.count("loss") == 5


# ---- going on ------------------------------------------------------------------------------------


@IGNORE
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("kind", BOTH)
def test_a_warm_start_goes_on_from_the_weights(kind: Any, solver: str) -> None:
    model = fitted(kind, solver=solver, warm_start=True, max_iter=20)
    first, network = model.loss_, model.network_
    table = (X, Y) if kind is MLPClassifier else (XR, YR)
    model.fit(*table)
    assert model.network_ is network
    assert model.loss_curve_[20] < model.loss_curve_[0]
    assert model.loss_ < first
    assert model.n_iter_ == 20
    assert len(model.loss_curve_) == 40
    model.set_params(warm_start=False).fit(*table)
    assert model.network_ is not network
    assert len(model.loss_curve_) == 20


@IGNORE
def test_parts_of_a_table_that_come_by_class() -> None:
    order = np.argsort(Y3, kind="stable")
    parts = np.array_split(order, 9)
    names = np.array(["z", "a", "m"])
    model = small(MLPClassifier, solver=gn.Adam(0.02))
    for _ in range(40):
        for part in parts:
            model.partial_fit(X3[part], names[Y3[part]], classes=names)
    assert model.score(X3, names[Y3]) > 0.8
    labels = small(MLPClassifier)
    labels.partial_fit(XM[:1], YM[:1])
    assert np.abs(labels.decision_function(XM)).max() < 5  # one row does not decide the bias
    assert labels.partial_fit(XM, YM).predict(XM).shape == YM.shape


@pytest.mark.parametrize("kind", BOTH)
def test_only_what_takes_steps_can_be_trained_in_parts(kind: Any) -> None:
    assert hasattr(kind(), "partial_fit")
    assert hasattr(kind(solver=gn.RMSprop()), "partial_fit")
    for solver in ("lbfgs", gn.LBFGS()):
        assert not hasattr(kind(solver=solver), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit") as caught:
        _ = kind(early_stopping=True).partial_fit
    assert "early_stopping: expected False" in str(caught.value.__cause__)


# ---- what is wrong in scikit-learn 1.9.1 and right here ------------------------------------------


def test_defect_1_with_several_outputs_the_gradient_is_that_of_the_loss() -> None:
    """Of a loss whose gradient it is L-BFGS finds the minimum; here it is known: Ridge's."""
    targets = np.c_[YR, 3 * XR[:, 2], YR - XR[:, 2]]
    settings = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 2.0, "tol": 1e-8}
    model = MLPRegressor(**settings, max_iter=1000, random_state=0).fit(XR, targets)
    A, b = XR - XR.mean(0), targets - targets.mean(0)
    known = np.linalg.solve(A.T @ A + 2 * np.eye(3), A.T @ b)
    np.testing.assert_allclose(model.coefs_[0], known, atol=1e-6)
    moved, rng = [], np.random.default_rng(0)
    for _ in range(20):  # no other weights have a smaller loss
        W = known + 0.01 * rng.standard_normal((3, 3))
        loss = ((A @ W - b) ** 2).sum() / 2 / 60 + 2 / 2 * (W**2).sum() / 60
        moved.append(loss > model.loss_)
    assert all(moved)


@IGNORE
def test_defect_2_the_whole_training_is_in_the_dtype_of_the_table() -> None:
    model = small(MLPRegressor).fit(XR.astype(np.float32), YR)
    assert YR.dtype == np.float64
    state = model.network_.memory.state
    assert {each.dtype for each in (*state.values(), model.network_.theta)} == {np.dtype("float32")}


@IGNORE
def test_defect_3_rows_are_held_out_of_each_of_several_classes(monkeypatch: Any) -> None:
    seen: list[Any] = []

    def spy(network: Any, table: Any, y: Any, **options: Any) -> Any:
        seen.append((y.ravel(), options["validation"][1].ravel()))
        return train(network, table, y, **options)

    monkeypatch.setattr(mlp, "train", spy)
    y = np.repeat([0, 1, 2], [100, 60, 40])
    rows = np.random.default_rng(0).standard_normal((200, 2))
    small(MLPClassifier, early_stopping=True).fit(rows, y)
    assert np.bincount(seen[0][1]).tolist() == [10, 6, 4]
    assert np.bincount(seen[0][0]).tolist() == [90, 54, 36]


@IGNORE
@pytest.mark.parametrize("kind", BOTH)
def test_defect_4_a_warm_start_holds_the_same_rows_out(kind: Any, monkeypatch: Any) -> None:
    seen: list[Any] = []

    def spy(network: Any, table: Any, y: Any, **options: Any) -> Any:
        seen.append(options["validation"][0])
        return train(network, table, y, **options)

    monkeypatch.setattr(mlp, "train", spy)
    model = fitted(kind, early_stopping=True, warm_start=True, validation_fraction=0.2)
    model.fit(*((X, Y) if kind is MLPClassifier else (XR, YR)))
    assert (seen[0] == seen[1]).all()
    assert len(seen[0]) == round(0.2 * (80 if kind is MLPClassifier else 60))


def test_defect_5_each_partial_fit_has_an_order_of_its_own(monkeypatch: Any) -> None:
    from glassnet.run import Run

    orders: list[Any] = []
    batches = Run._batches

    def spy(run: Any) -> Any:
        found = list(batches(run))
        orders.append(np.concatenate([places for _, places in found]))
        return found

    monkeypatch.setattr(Run, "_batches", spy)
    model = small(MLPRegressor, batch_size=20, random_state=0)
    for _ in range(4):
        model.partial_fit(XR, YR)
    assert len({order.tobytes() for order in orders}) == 4
    assert all((np.sort(order) == np.arange(60)).all() for order in orders)


@IGNORE
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("table", [(X, Y), (X3, Y3), (XM, YM)], ids=["two", "three", "labels"])
def test_defect_6_log_probabilities_are_finite(table: Any, dtype: Any) -> None:
    model = small(MLPClassifier).fit(table[0].astype(dtype), table[1])
    for scale in (1, 3, 100, 1e4):
        W = [scale * model.coefs_[-1]]
        model.coefs_ = [*model.coefs_[:-1], *W]
        logs, p = model.predict_log_proba(table[0]), model.predict_proba(table[0])
        assert logs.dtype == p.dtype == dtype
        assert np.isfinite(logs).all()
        assert ((p > 0) & (p < 1)).all()
        np.testing.assert_allclose(np.exp(logs), p, rtol=1e-5)
        if model.out_activation_ == "softmax" or p.shape[1] == 2:
            np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)


def test_defect_6_and_right_where_a_logarithm_of_a_probability_is_not() -> None:
    with pytest.warns(ConvergenceWarning):
        model = fitted(MLPClassifier, hidden_layer_sizes=())
    model.coefs_, model.intercepts_ = [np.array([[1.0], [0.0]])], [np.zeros(1)]
    logs = model.predict_log_proba([[-600.0, 0.0], [600.0, 0.0], [2.0, 0.0]])
    wanted = [[0, -600], [-600, 0], [-np.log1p(np.exp(2)), -np.log1p(np.exp(-2))]]
    np.testing.assert_allclose(logs, wanted, rtol=1e-14, atol=1e-200)


def test_defect_7_a_regressor_by_lbfgs_has_no_partial_fit() -> None:
    assert not hasattr(MLPRegressor(solver="lbfgs"), "partial_fit")
    assert hasattr(theirs.MLPRegressor(solver="lbfgs"), "partial_fit"), "scikit-learn has learned"


# ---- complaints ----------------------------------------------------------------------------------

SETTINGS_REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"hidden_layer_sizes": (5, 0)}, ValueError, "hidden_layer_sizes: expected at least 1, got 0"),
    (
        {"hidden_layer_sizes": 2.5},
        TypeError,
        "hidden_layer_sizes: expected a whole number, got 2.5",
    ),
    ({"hidden_layer_sizes": None}, TypeError, "hidden_layer_sizes: expected a whole number"),
    ({"activation": "rleu"}, ValueError, "activation: expected one of 'logistic', 'identity'"),
    ({"activation": ["relu", "tanh"]}, ValueError, "activation: expected 1, or one for all, got"),
    ({"activation": None}, TypeError, "activation: expected one of"),
    ({"dropout": [0.1, 0.2]}, ValueError, "dropout: expected 1, or one for all, got"),
    ({"dropout": 1.0}, ValueError, r"dropout: expected a number in \[0, 1\), got 1"),
    ({"solver": "bfgs"}, ValueError, "solver: expected one of 'sgd', 'momentum'.*got 'bfgs'"),
    ({"solver": gn.Adam}, TypeError, "solver: expected one of"),
    ({"alpha": -1}, ValueError, r"alpha: expected a number in \[0, inf\), got -1"),
    ({"alpha": "1"}, TypeError, "alpha: expected a number, got '1'"),
    ({"batch_size": "all"}, TypeError, "batch_size: expected a whole number or 'auto', got 'all'"),
    ({"batch_size": 0}, ValueError, "batch_size: expected at least 1, got 0"),
    ({"learning_rate": "slow"}, ValueError, "learning_rate: expected one of.*'adaptive'.*'slow'"),
    ({"learning_rate": gn.Cosine}, TypeError, "learning_rate: expected one of"),
    ({"learning_rate_init": 0}, ValueError, "learning_rate_init: expected a number above 0, got 0"),
    ({"power_t": -1}, ValueError, "power_t: expected"),
    ({"max_iter": 0}, ValueError, "max_iter: expected at least 1, got 0"),
    ({"max_iter": 2.5}, TypeError, "max_iter: expected a whole number, got 2.5"),
    ({"shuffle": "yes"}, TypeError, "shuffle: expected True or False, got 'yes'"),
    ({"tol": -1e-4}, ValueError, "tol: expected"),
    ({"momentum": 1.0}, ValueError, r"momentum: expected a number in \[0, 1\), got 1"),
    ({"validation_fraction": 1.0}, ValueError, "validation_fraction: expected"),
    ({"validation_fraction": 0}, ValueError, "validation_fraction: expected a number above 0"),
    ({"beta_1": 1}, ValueError, "beta_1: expected"),
    ({"epsilon": 0}, ValueError, "epsilon: expected a number above 0, got 0"),
    ({"n_iter_no_change": 0}, ValueError, "n_iter_no_change: expected at least 1, got 0"),
    ({"max_fun": 0}, ValueError, "max_fun: expected at least 1, got 0"),
    ({"metric": ["r2"]}, TypeError, r"metric: expected a name or a Metric, got \['r2'\]"),
    ({"loss": "hinge"}, ValueError, "loss: expected one of .*got 'hinge'"),
    ({"random_state": "x"}, ValueError, "random_state|seed"),
]


@pytest.mark.parametrize(("settings", "error", "words"), SETTINGS_REFUSED, ids=str)
@pytest.mark.parametrize("kind", BOTH)
def test_a_complaint_names_the_parameter(
    kind: Any, settings: dict[str, Any], error: type[Exception], words: str
) -> None:
    model = small(kind, **settings)  # nothing is looked at before fit
    with pytest.raises(error, match=words) as caught:
        model.fit(X, Y if kind is MLPClassifier else X[:, 0] + Y)
    assert "\n" not in str(caught.value)


TABLES_REFUSED: list[tuple[Any, dict[str, Any], dict[str, Any], str]] = [
    (MLPClassifier, {}, {"y": np.ones(80)}, "y: expected at least two classes, got one class, 1.0"),
    (MLPClassifier, {}, {"y": X[:, 0]}, "Unknown label type"),
    (MLPClassifier, {}, {"y": np.c_[Y, Y + 1]}, "y: expected one class a row, got 2 columns"),
    (
        MLPClassifier,
        {"loss": "focal"},
        {"X": X3, "y": Y3},
        "loss: expected one that suits multicla",
    ),
    (MLPClassifier, {"loss": "huber"}, {}, "loss: expected one of 'log_loss'"),
    (MLPClassifier, {"loss": gn.Huber()}, {}, r"loss: expected a loss of classes, got Huber\(\)"),
    (MLPRegressor, {"loss": gn.Focal()}, {}, r"loss: expected a loss of quantities, got Focal\(\)"),
    (MLPRegressor, {"loss": "poisson"}, {"y": Y - 1.0}, "y: expected counts of at least 0, got -1"),
    (MLPClassifier, {"metric": "r2"}, {}, "metric: expected metrics of classes"),
    (
        MLPClassifier,
        {"class_weight": {2: 1}},
        {},
        r"class_weight: expected some of \[0, 1\], got 2",
    ),
    (MLPClassifier, {"class_weight": {0: -1}}, {}, "class_weight of 0: expected a number"),
    (
        MLPClassifier,
        {"class_weight": {0: 0, 1: 0}},
        {},
        "class_weight: expected a weight above zero",
    ),
    (MLPClassifier, {"class_weight": {0: 0}}, {}, "y: expected at least two classes, got one cla"),
    (
        MLPRegressor,
        {},
        {"sample_weight": np.zeros(80)},
        "sample_weight: expected a weight above zero",
    ),
    (MLPRegressor, {}, {"sample_weight": -np.ones(80)}, "sample_weight: expected weights of at le"),
    (MLPRegressor, {}, {"sample_weight": np.ones(3)}, "sample_weight: expected 80 weights"),
    (MLPRegressor, {}, {"sample_weight": np.full(80, 1e-300)}, "sample_weight: .* alpha"),
    (MLPRegressor, {}, {"X_val": X}, "X_val: expected X_val and y_val, or neither"),
    (MLPRegressor, {}, {"X_val": X[:, :1], "y_val": Y}, "X_val, y_val: X has 1 features"),
    (
        MLPClassifier,
        {},
        {"X_val": X, "y_val": Y + 1},
        r"X_val, y_val: y: expected the classes \[0,",
    ),
    (
        MLPRegressor,
        {"early_stopping": True},
        {"X": X[:2], "y": Y[:2]},
        "validation_fraction: expec",
    ),
    (
        *(MLPClassifier, {"early_stopping": True, "validation_fraction": 0.99}, {}),
        "validation_fraction: expected more rows to hold out 79 of, got n_samples = 80",
    ),
    (MLPRegressor, {"solver": "lbfgs", "dropout": 0.5}, {}, "LBFGS expects no layer that draws"),
]


@IGNORE
@pytest.mark.parametrize(("kind", "settings", "table", "words"), TABLES_REFUSED)
def test_a_complaint_names_what_does_not_fit(
    kind: Any, settings: dict[str, Any], table: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        small(kind, **settings).fit(**{"X": X, "y": Y, **table})
    assert "\n" not in str(caught.value)


def test_class_weight_is_a_dict_or_balanced() -> None:
    with pytest.raises(TypeError, match="class_weight: expected a dict or 'balanced', got 3"):
        fitted(MLPClassifier, class_weight=3)


@IGNORE
def test_a_part_of_a_table_may_lack_a_class_that_has_a_weight() -> None:
    fitted(MLPClassifier, class_weight={0: 1, 1: 2, 2: 3})


@IGNORE
def test_complaints_of_going_on() -> None:
    with pytest.raises(ValueError, match="classes: expected all classes in the first partial_fit"):
        small(MLPClassifier).partial_fit(X, Y)
    model = small(MLPClassifier).partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="classes: expected those of the first call"):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"y: expected the classes \[0, 1\], got 2"):
        model.partial_fit(X, Y + 1)
    warm = fitted(MLPClassifier, warm_start=True)
    with pytest.raises(ValueError, match="warm_start: expected hidden_layer_sizes, activation"):
        warm.set_params(hidden_layer_sizes=(3,)).fit(X, Y)
    warm = small(MLPClassifier, warm_start=True).fit(X3, Y3)
    with pytest.raises(ValueError, match="y: expected all classes of the first fit"):
        warm.fit(X3[Y3 > 0], Y3[Y3 > 0])
    with pytest.raises(NotFittedError):
        MLPRegressor().predict(X)


# ---- scikit-learn itself -------------------------------------------------------------------------


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_scikit_learn_is_imported_when_it_is_wanted() -> None:
    told = run(
        "import sys, glassnet\n"
        "print('sklearn' in sys.modules, 'MLPClassifier' in dir(glassnet))\n"
        "print(glassnet.MLPRegressor().__module__, 'sklearn' in sys.modules)\n"
    )
    assert told == "False True\nglassnet.estimators True\n"
    assert gn.MLPClassifier is MLPClassifier
    with pytest.raises(AttributeError, match="module 'glassnet' has no attribute 'MLP'"):
        _ = gn.MLP


def test_without_it_one_line_says_what_to_install() -> None:
    told = run(
        "import sys\nsys.modules['sklearn'] = None\nimport glassnet\nglassnet.MLPClassifier\n"
    )
    last = told.strip().splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: MLPClassifier and MLPRegressor need scikit-learn")
    assert 'pip install "glassnet[sklearn]"' in last
