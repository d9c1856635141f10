"""The default for tables: any table in, and what scikit-learn asks of an estimator."""

import pickle
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, get_scorer, log_loss, make_scorer, mean_absolute_error
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import glassnet as gn
from glassnet.engines import choice
from glassnet.selection import folds
from glassnet.tabular import ensemble
from glassnet.tabular.calibration import temperature
from glassnet.tabular.defaults import Recipe, preset
from glassnet.tabular.encoding import Encoding
from glassnet.tabular.ensemble import Choice, Clock
from glassnet.tabular.frame import read_frame
from glassnet.tabular.scorers import from_scorer
from glassnet.training import Training

HELD = "each member is judged by rows of its own, which a row's weight or copies would change"
EXPECTED = dict.fromkeys(
    ("check_sample_weight_equivalence_on_dense_data",
     "check_sample_weight_equivalence_on_sparse_data"),
    HELD,
)  # fmt: skip


@parametrize_with_checks(
    [gn.TabularClassifier(epochs=20), gn.TabularRegressor(epochs=20)],
    expected_failed_checks=lambda estimator: EXPECTED,
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_what_scikit_learn_asks_of_every_estimator(estimator: Any, check: Callable) -> None:
    if check.func.__name__ == "check_array_api_input":
        pytest.skip("asks for an environment in which SciPy is imported anew")
    check(estimator)


def mixed(rows: int = 300, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    x, kind = rng.standard_normal(rows), rng.choice(["a", "b", "c"], rows)
    town = rng.choice([f"town {k}" for k in range(20)], rows)
    size = np.where(rng.random(rows) < 0.2, np.nan, rng.exponential(5, rows))
    y = x + 2 * (kind == "b") + np.isnan(size) + 0.1 * rng.standard_normal(rows)
    columns = {"x": x, "kind": kind, "town": town, "size": size, "flag": x > 0, "same": 1.0}
    return pd.DataFrame(columns), y


QUICK = {"preset": "quick", "random_state": 0}


def test_a_table_as_it_is_learns_better_than_the_mean_or_the_commonest_class() -> None:
    X, y = mixed(800)
    regressor = gn.TabularRegressor(**QUICK).fit(X[:600], y[:600])
    assert regressor.score(X[600:], y[600:]) > 0.8
    labels = np.where(y > 1, "many", "few").astype(object)
    classifier = gn.TabularClassifier(**QUICK).fit(X[:600], labels[:600])
    assert classifier.score(X[600:], labels[600:]) > 0.9
    assert set(classifier.predict(X)) == {"few", "many"}


def test_pandas_polars_and_columns_in_another_order_are_the_same_table() -> None:
    X, y = mixed()
    one = gn.TabularRegressor(epochs=4, **QUICK).fit(X, y)
    other = gn.TabularRegressor(epochs=4, **QUICK).fit(pl.from_pandas(X), y)
    assert (one.predict(X) == other.predict(pl.from_pandas(X))).all()
    assert (one.predict(X[X.columns[::-1]]) == one.predict(X)).all()
    with pytest.raises(ValueError, match="'town'"):
        one.predict(X.drop(columns="town"))


def test_what_was_never_seen_is_predicted_all_the_same() -> None:
    X, y = mixed()
    reg = gn.TabularRegressor(epochs=4, **QUICK).fit(X, y)
    odd = X.iloc[:4].copy()
    odd["kind"], odd["town"] = ["zzz", None, "a", "b"], [None, "nowhere", "town 1", "town 2"]
    odd["x"] = [np.nan, np.inf, -np.inf, 1e300]
    predicted = reg.predict(odd)
    assert np.isfinite(predicted).all()
    assert (y.min() <= predicted).all()
    assert (predicted <= y.max()).all()
    assert reg.predict(odd.iloc[:1])[0] == pytest.approx(predicted[0], rel=1e-12)


def test_the_same_seed_makes_the_same_network_and_pickles_keep_it() -> None:
    X, y = mixed()
    first, again = (gn.TabularRegressor(epochs=4, **QUICK).fit(X, y) for _ in range(2))
    assert (first.predict(X) == again.predict(X)).all()
    assert (pickle.loads(pickle.dumps(first)).predict(X) == first.predict(X)).all()
    other = clone(first).set_params(random_state=1).fit(X, y)
    assert (other.predict(X) != first.predict(X)).any()


def test_it_works_where_estimators_work() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    clf = gn.TabularClassifier(epochs=10, **QUICK)
    assert cross_val_score(clf, X, y, cv=3).mean() > 0.93
    assert make_pipeline(StandardScaler(), clf).fit(X, y).score(X, y) > 0.95
    search = GridSearchCV(clf, {"n_ensemble": [1, 2]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.9


@pytest.mark.parametrize("metric", ["error", "log_loss", "auc", "balanced_accuracy", "scorer"])
def test_epochs_are_chosen_by_any_metric(metric: str) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    if metric == "scorer":
        metric = make_scorer(log_loss, greater_is_better=False, response_method="predict_proba")
    clf = gn.TabularClassifier(epochs=8, metric=metric, **QUICK).fit(X, y)
    assert clf.score(X, y) > 0.9


def test_quantities_are_chosen_by_any_metric_too() -> None:
    X, y = load_diabetes(return_X_y=True)
    for metric in ("mae", make_scorer(mean_absolute_error, greater_is_better=False)):
        reg = gn.TabularRegressor(epochs=8, metric=metric, **QUICK).fit(X, y)
        assert reg.score(X, y) > 0.3
    with pytest.raises(ValueError, match="metric: expected one of 'rmse'"):
        gn.TabularRegressor(metric="auc").fit(X, y)


def test_given_rows_judge_instead_of_folds() -> None:
    X, y = mixed(400)
    labels = (y > 1).astype(int)
    clf = gn.TabularClassifier(epochs=6, **QUICK)
    clf.fit(X[:300], labels[:300], eval_set=(X[300:], labels[300:]))
    assert clf.score(X[300:], labels[300:]) > 0.7
    with pytest.raises(ValueError, match="eval_set: expected classes of y"):
        clf.fit(X[:300], labels[:300], eval_set=(X[300:], labels[300:] + 5))
    with pytest.raises(TypeError, match="eval_set: expected a pair"):
        clf.fit(X, labels, eval_set=X)


class Ticks:
    """A clock of which every look takes a second, and the first one ten more."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1.0 if self.now else 11.0
        return self.now


def test_a_schedule_is_planned_for_the_time_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ensemble, "perf_counter", Ticks())
    clock = Clock(100.0)
    assert clock.fewer(2, 1000) is None  # at 11: programs were recorded, so it is no measure
    assert clock.fewer(4, 1000) == int(0.9 * (100 - 12) / 0.5)  # at 12: half a second an epoch
    assert clock.fewer(6, 100) is None


def test_threads_share_out_the_members_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = mixed(300)
    labels = (y > 0).astype(int)
    how = {"n_ensemble": 5, "epochs": 6, "random_state": 0}
    one = gn.TabularClassifier(n_jobs=1, **how).fit(X, labels)
    groups: list[int] = []
    spread = gn.Network.spread

    def seen(self: gn.Network, members: Any) -> None:
        groups.append(len(members) if isinstance(members, list) else members)
        spread(self, members)

    with monkeypatch.context() as patch:
        patch.setattr(gn.Network, "spread", seen)
        # nor may the size of a group decide on the engine
        patch.setattr(choice, "seconds", lambda network, *_: 1e9 * (network.members == 2))
        three = gn.TabularClassifier(n_jobs=3, **how).fit(X, labels)
    assert sorted(groups) == [1, 2, 2, 5]
    assert (one.predict_proba(X) == three.predict_proba(X)).all()


def test_many_rows_are_predicted_as_few_are() -> None:
    X, y = mixed(700)
    X = X.assign(street=X["town"].str[::-1])  # two columns that are embedded
    labels = np.digitize(y, [-0.5, 0.5])
    for fitted, said in (
        (gn.TabularRegressor(epochs=8, n_ensemble=3, random_state=0).fit(X, y), "predict"),
        (gn.TabularClassifier(epochs=8, random_state=0).fit(X, labels), "predict_proba"),
    ):
        predict = getattr(fitted, said)
        many = predict(X)
        few = np.concatenate([predict(X[k : k + 100]) for k in range(0, 700, 100)])
        assert np.abs(many - few).max() <= 1e-5 * np.ptp(few)
        assert (many[:300] != few[:300]).any(), "float32 is what makes many rows fast"
        one = np.concatenate([predict(X[k : k + 1]) for k in range(100)])
        np.testing.assert_allclose(one, few[:100], rtol=1e-9)
        again = pickle.loads(pickle.dumps(fitted))
        assert (getattr(again, said)(X) == many).all()
    np.testing.assert_allclose(many.sum(axis=1), 1, rtol=1e-15)


def test_an_interrupt_ends_every_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = mixed(2000)
    done: list[int] = []

    class Broken(Training):
        def reports(self) -> Any:
            for epoch in super().reports():
                done.append(epoch.number)
                if len(done) == 2:
                    raise KeyboardInterrupt
                yield epoch

    monkeypatch.setattr(ensemble, "Training", Broken)
    with pytest.raises(KeyboardInterrupt):
        gn.TabularRegressor(n_jobs=2, epochs=5_000, random_state=0).fit(X, y)
    assert len(done) < 200


def test_a_short_time_trains_fewer_epochs_to_the_end() -> None:
    X, y = mixed(2000)
    reg = gn.TabularRegressor(epochs=50_000, time_limit=2.0, random_state=0)
    planned: list[int] = []
    looks = count()

    class Seen(Training):
        def __init__(self, *args: Any, **how: Any) -> None:
            planned.append(how["epochs"])
            super().__init__(*args, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ensemble, "Training", Seen)
        # a clock that goes on by a hundredth of a second whenever somebody looks at it
        patch.setattr(ensemble, "perf_counter", lambda: next(looks) / 100)
        reg.fit(X, y)
    assert planned[0] == 50_000
    assert planned[-1] < 1_000
    assert reg.n_iter_ <= planned[-1]
    assert reg.score(X, y) > 0.3


def test_too_large_a_rate_is_made_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    how, rates = Recipe.how, [1e30]

    def wild(self: Recipe, classes: int, rows: int) -> dict[str, Any]:
        return how(self, classes, rows) | {"optimizer": gn.SGD(rates[0]), "schedule": "constant"}

    monkeypatch.setattr(Recipe, "how", wild)
    X, y = mixed(200)
    with pytest.raises(ValueError, match="training diverged each time"):
        gn.TabularRegressor(**QUICK).fit(X, y)
    rates[0] = 1.0
    assert np.isfinite(gn.TabularRegressor(**QUICK).fit(X, y).predict(X)).all()


def test_which_columns_are_categories_can_be_said() -> None:
    rng = np.random.default_rng(0)
    code = rng.integers(0, 6, 400)
    X, y = np.column_stack([code, rng.standard_normal(400)]), np.sin(9.0 * code)
    reg = gn.TabularRegressor(epochs=20, categorical_features=[0], random_state=0).fit(X, y)
    assert reg.encoding_.hot == 6
    assert reg.encoding_.numbers == 1
    assert reg.score(X, y) > 0.9


def test_products_keep_to_one_thread_while_a_table_is_learned() -> None:
    from threadpoolctl import threadpool_info

    from glassnet.threads import one_thread

    def threads() -> set[int]:
        return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}

    before = threads()
    with one_thread():
        assert threads() == {1}
    assert threads() == before


def test_preprocessing_takes_a_row_as_often_as_it_counts() -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.standard_normal(60), rng.choice([1.0, 2.0, np.nan], 60)])
    X[::7] = 1e6  # rows of weight 0 are as if they were absent
    y, w = rng.standard_normal(60), rng.integers(1, 4, 60)
    w[::7] = 0
    y[::7] = -1e9
    how = {"epochs": 2, "random_state": 0}
    one = gn.TabularRegressor(**how).fit(X, y, sample_weight=w)
    two = gn.TabularRegressor(**how).fit(np.repeat(X, w, axis=0), np.repeat(y, w))
    assert one.encoding_.columns == two.encoding_.columns
    for name in ("mean", "sd", "low", "high"):
        assert getattr(one.ensemble_, name) == getattr(two.ensemble_, name)
    half = gn.TabularRegressor(**how).fit(X, y, sample_weight=w / 7)
    assert abs(half.ensemble_.mean - one.ensemble_.mean) < 0.1 * one.ensemble_.sd


def test_weights_of_classes_and_rows_move_predictions() -> None:
    X, y = mixed(400)
    labels = (y > 2.5).astype(int)
    few, even, w = (
        gn.TabularClassifier(epochs=10, class_weight=given, **QUICK)
        .fit(X, labels, weight).predict_proba(X)[:, 1].mean()
        for given, weight in
        ((None, None), ("balanced", None), ({1: 1.0}, np.where(labels, 10.0, 1.0)))
    )  # fmt: skip
    assert even > few
    assert w > few
    with pytest.raises(ValueError, match="class_weight: expected classes of y"):
        gn.TabularClassifier(class_weight={"x": 1.0}).fit(X, labels)


def test_a_member_knows_nothing_of_the_rows_that_judge_it() -> None:
    """Neither its weights nor its scaling: other values there change nothing of it."""
    X, y = mixed(100)
    X = X[["x", "size"]].fillna(0).to_numpy()
    clf = gn.TabularClassifier(epochs=1, n_ensemble=2, random_state=0)
    held = folds((y > 1)[:, None].astype(float), 2, True).held
    changed = X.copy()
    changed[held[0]] = 7 * changed[held[0]] + 3
    # what a member makes of the columns: centre and scale in its own units
    centres = []
    for table in (X, changed):
        clf.fit(table, y > 1)
        numbers, net = clf.encoding_.columns, clf.ensemble_.network
        centre, scale = net.weights["centre1"], net.weights["scale1"]
        centres.append([centre[:, 0] * [c.scale for c in numbers] + [c.center for c in numbers],
                        scale[:, 0] / [c.scale for c in numbers]])  # fmt: skip
    np.testing.assert_allclose(centres[0][0][0], centres[1][0][0], rtol=1e-5)
    np.testing.assert_allclose(centres[0][1][0], centres[1][1][0], rtol=1e-5)
    assert not np.allclose(centres[0][1][1], centres[1][1][1])


def test_probabilities_are_as_sure_as_they_are_right() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((3000, 5))
    y = (X[:, 0] + 0.5 * rng.standard_normal(3000) > 0).astype(int)
    clf = gn.TabularClassifier(epochs=12, **QUICK).fit(X[:1500], y[:1500])
    after = log_loss(y[1500:], clf.predict_proba(X[1500:]))
    clf.ensemble_.temperature = 1.0
    assert after < log_loss(y[1500:], clf.predict_proba(X[1500:]))


def test_the_best_of_three_looks_in_a_row_stays_and_the_last_of_equals() -> None:
    class Net:
        theta = np.zeros((1, 1))

    class Look:
        network = Net()
        metrics: dict[str, Any]

    metric = gn.Metric("error", lambda y, p, w: 0.0, higher=False)
    choice, net = Choice(Net(), metric), Net()
    for k, score in enumerate([0.0, 0.9, 0.9, 0.3, 0.3, 0.3, 0.9]):
        look = Look()
        look.network, look.metrics = Net(), {"error": [score]}
        look.network.theta = np.full((1, 1), float(k))
        choice.see(look)
    net.theta = np.full((1, 1), 6.0)
    choice.settle(net)
    assert net.theta[0, 0] == 4.0
    assert choice.score[0] == pytest.approx(0.3)


@pytest.mark.parametrize("given", [
    {"preset": "slow"}, {"n_ensemble": 0}, {"epochs": 1.5}, {"time_limit": 0}, {"metric": "wow"},
])  # fmt: skip
def test_a_wrong_parameter_is_named(given: dict[str, Any]) -> None:
    X, y = mixed(50)
    with pytest.raises((ValueError, TypeError), match=f"^{next(iter(given))}: expected"):
        gn.TabularClassifier(**given).fit(X, y > 1)


@pytest.mark.parametrize("rows", [2, 4, 9, 12, 30])
def test_few_rows_are_enough(rows: int) -> None:
    X, y = mixed(rows)
    assert np.isfinite(gn.TabularRegressor(epochs=3).fit(X, y).predict(X)).all()
    labels = np.arange(rows) % 2
    assert gn.TabularClassifier(epochs=3).fit(X, labels).predict(X).shape == (rows,)


def test_all_categories_many_classes_and_all_gaps() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({k: rng.choice(list("abcdefghijklm"), 200) for k in "pqr"})
    X["none"] = np.nan
    y = rng.integers(0, 30, 200)
    clf = gn.TabularClassifier(epochs=3, random_state=0).fit(X, y)
    assert clf.predict_proba(X).shape == (200, len(np.unique(y)))
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1)
    with pytest.raises(ValueError, match="only constant or empty ones"):
        clf.fit(X[["none"]], y)


# ---- what users hand over ------------------------------------------------------------------------


def test_a_metric_that_is_never_a_number_leaves_the_last_weights() -> None:
    X, y = mixed(300)
    labels = (y > np.sort(y)[-3]).astype(int)  # two rows: some folds have none
    how = {"epochs": 6, "random_state": 0, "preset": "quick"}
    nothing = make_scorer(lambda y, p: float("nan"))
    found = gn.TabularClassifier(metric=nothing, **how).fit(X, labels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Choice, "settle", lambda choice, network: None)
        last = gn.TabularClassifier(**how).fit(X, labels)
    assert (found.ensemble_.network.theta == last.ensemble_.network.theta).all()
    assert gn.TabularClassifier(metric="auc", **how).fit(X, labels).score(X, labels) > 0.98


def test_time_is_planned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second look at the clock, on a machine that is busy, must not begin the training anew."""
    X, y = mixed(200)
    asked: list[int] = []

    def shorter(self: Clock, done: int, epochs: int) -> int:
        asked.append(epochs)
        return epochs - 1

    monkeypatch.setattr(Clock, "fewer", shorter)
    reg = gn.TabularRegressor(epochs=8, n_jobs=1, random_state=0).fit(X, y)
    assert (asked, reg.n_iter_) == ([8], 7)


def test_few_rows_that_are_all_right_are_not_made_certain() -> None:
    found = []
    for rows in (10, 10_000):
        y = np.tile([0, 1], rows // 2)[None, :, None]
        raw = 2.0 * (np.arange(2) == y)
        found.append(temperature(raw, y, np.ones(y.shape)))
    assert 0.4 < found[0] < 1
    assert 0.05 < found[1] < found[0]  # the more rows say so, the surer


def test_a_scorer_may_be_a_name_of_scikit_learns() -> None:
    X, y = mixed(200)
    gn.TabularRegressor(metric="neg_mean_absolute_error", **QUICK).fit(X, y)
    gn.TabularClassifier(metric="roc_auc", **QUICK).fit(X, y > 0)
    with pytest.raises(ValueError, match="metric: expected one of 'rmse', 'mae', 'r2', or a sc"):
        gn.TabularRegressor(metric="nonsense", **QUICK).fit(X, y)


def test_a_fit_that_fails_leaves_nothing_that_predicts() -> None:
    X, y = mixed(60)
    clf = gn.TabularClassifier(**QUICK).fit(X, np.where(y > 0, "yes", "no"))
    with pytest.raises(ValueError, match="at least two classes"):
        clf.fit(X, np.full(60, "no"))
    with pytest.raises(NotFittedError):
        clf.predict(X)


def test_labels_may_be_objects_and_must_be_there() -> None:
    X, y = mixed(60)
    clf = gn.TabularClassifier(**QUICK).fit(X, (y > 0).astype(int).astype(object))
    assert clf.predict(X).dtype.kind == "i"
    labels = np.where(y > 0, "yes", "no").astype(object)
    labels[3] = None
    with pytest.raises(ValueError, match="y: expected a label in every row, got None in row 3"):
        clf.fit(X, labels)
    labels[3] = 7
    with pytest.raises(ValueError, match="y: expected labels of one type, got int and str"):
        clf.fit(X, labels)


@pytest.mark.parametrize(
    ("y", "w", "why"),
    [
        ([[0], [1, 2]] * 30, None, "y: expected one value a row, got rows of unequal lengths"),
        ([[0, 1]] * 60, None, "y: y should be a 1d array"),
        (np.array(["NaT", "2026-01-01"] * 30, "M8[s]"), None, "y: expected a label .* in row 0"),
        ([date(2026, 1, 1), date(2026, 1, 2)] * 30, None, "y: expected numbers, .* got date;"),
        ([Decimal(0), Decimal(1)] * 30, None, "y: expected numbers, .* got Decimal; y.astype"),
        ([0j, 1j] * 30, None, "y: Complex data not supported, got complex128"),
        ([], None, "y: expected 60 rows, as many as X, got 0"),
        (np.ma.masked_equal([0, 1, 0, 2] * 15, 2), None, "y: .* got a masked one in row 3"),
        ([1e300, 0.5] * 30, None, "y: Unknown label type: continuous"),
        ([0, 1] * 30, [0.0] * 60, "sample_weight: .* at least one non-zero"),
        ([0, 1] * 30, ["a"] * 60, "sample_weight: "),
        ([0, 1] * 30, [np.nan] * 60, "sample_weight: .* NaN"),
        ([0, 1] * 30, np.ma.masked_equal([1] * 59 + [2], 2), "sample_weight: .* in row 59"),
        ([0, 1] * 30, [1e308] * 60, "sample_weight: expected weights of a finite sum, got 1e+"),
    ],
)
def test_a_refusal_names_y_or_the_weights(y: Any, w: Any, why: str) -> None:
    X, _ = mixed(60)
    with pytest.raises((ValueError, TypeError), match=f"^{why}") as caught:
        gn.TabularClassifier(**QUICK).fit(X, y, sample_weight=w)
    assert "\n" not in str(caught.value)


def test_targets_of_hundreds_of_digits_are_refused() -> None:
    X, _ = mixed(60)
    with pytest.raises(ValueError, match="y: expected numbers that float64 holds"):
        gn.TabularRegressor(**QUICK).fit(X, [10**400, 1] * 30)


def test_weights_must_leave_two_classes() -> None:
    X, y = mixed(60)
    labels = np.where(y > 0, "yes", "no")
    message = r"expected at least two classes with weights above 0, got \['no'\]"
    with pytest.raises(ValueError, match=message):
        gn.TabularClassifier(class_weight={"yes": 0}, **QUICK).fit(X, labels)
    with pytest.raises(ValueError, match=message):
        gn.TabularClassifier(**QUICK).fit(X, labels, sample_weight=(labels == "no").astype(float))


def test_words_that_hardly_come_twice_are_no_categories() -> None:
    X, y = mixed(300)
    order = np.argsort(np.argsort(y))
    named = pd.DataFrame(X).assign(name=[f"u{place:05}" for place in order])
    named.columns = named.columns.astype(str)
    reg = gn.TabularRegressor(**QUICK).fit(named, y)
    assert reg.encoding_.describe()[-1] == ("name", "left out", "hardly a word comes twice")


def test_waves_are_as_rough_as_there_are_rows_and_only_quantities_have_wide_layers() -> None:
    encoding = Encoding.fit(read_frame(np.random.default_rng(0).standard_normal((50, 3))))

    def fastest(classes: int, rows: int) -> float:
        layers = Recipe().layers(encoding, classes, rows)
        (waves,) = (layer for layer in layers if isinstance(layer, gn.Periodic))
        assert waves.fastest == pytest.approx(20 * waves.slowest)
        return waves.fastest

    assert [fastest(0, rows) for rows in (10, 500, 1_000, 2_000, 10**6)] == [1, 1, 2, 4, 4]
    assert [fastest(3, rows) for rows in (10, 10**6)] == [1, 1]
    best = preset("best")
    assert (best.units(0), best.units(2)) == ((256,) * 3, (128,) * 3)
    assert preset("best", hidden=(16,)).units(0) == (16,)
    assert preset("best", hidden=()).units(0) == ()


def test_a_scorer_judges_a_quantity_in_its_own_units() -> None:
    X, y = mixed(300)
    y = np.exp(y / 2) + 1
    seen: list[Any] = []

    def scorer(estimator: Any, X: Any, truth: Any) -> float:
        seen.append((truth, estimator.predict(X)))
        return -float(np.square(np.log(truth) - np.log(seen[-1][1])).mean())

    for metric in (scorer, "neg_mean_squared_log_error", "neg_mean_gamma_deviance"):
        reg = gn.TabularRegressor("quick", epochs=4, metric=metric, random_state=0).fit(X, y)
        assert np.isfinite(reg.predict(X)).all()
    truths = np.concatenate([truth for truth, _ in seen])
    assert np.abs(np.sort(truths)[:, None] - np.sort(y)).min(axis=1).max() < 1e-5
    assert all(said.min() >= y.min() and said.max() <= y.max() for _, said in seen)


def test_a_class_that_no_row_to_judge_by_has_is_no_question_to_a_scorer() -> None:
    X = np.random.default_rng(0).standard_normal((300, 4))
    y = np.where(X[:, 0] > 0, "a", "b")
    y[7] = "z"
    for metric in ("neg_log_loss", "roc_auc_ovr", "f1_macro", "accuracy"):
        clf = gn.TabularClassifier("quick", epochs=4, metric=metric, random_state=0).fit(X, y)
        assert clf.score(X, y) > 0.8


def test_where_only_an_absent_class_is_likely_the_others_share_alike() -> None:
    scorer = get_scorer("neg_log_loss")
    metric = from_scorer(scorer, np.array(["a", "b", "z"]))
    p = np.array([[0.0, 0.0, 1.0], [0.2, 0.6, 0.2]])
    found = metric(np.array([[0], [1]]), p, np.ones((2, 1)))
    assert found == pytest.approx((np.log(0.5) + np.log(0.75)) / 2)


def test_a_scorer_that_fails_is_named() -> None:
    def scorer(estimator: Any, X: Any, y: Any) -> float:
        raise ValueError("not these")

    X = np.random.default_rng(0).standard_normal((300, 4))
    for function, why in (
        (scorer, "not these"),
        (accuracy_score, "too many positional"),
        (lambda clf, X, y: clf.predict(X) == y, "only "),
        (lambda clf, X, y: None, "float"),
    ):
        message = f"^metric: expected a scorer for the 60 rows that judge, got {why}"
        with pytest.raises(ValueError, match=message):
            gn.TabularClassifier("quick", epochs=4, metric=function).fit(X, X[:, 0] > 0)


@pytest.mark.parametrize(
    "chosen", [["kind", "same"], [1, 2], [False, True, True], [np.False_, np.True_, np.True_]]
)
def test_what_was_chosen_for_columns_holds_for_other_tables(chosen: Any) -> None:
    rng = np.random.default_rng(0)
    table = {"size": rng.normal(size=90), "kind": rng.integers(0, 5, 90), "same": np.ones(90)}
    y = table["size"] + (table["kind"] == 3)
    how = {"epochs": 4, "categorical_features": chosen, "random_state": 0}
    reg = gn.TabularRegressor("quick", **how).fit(table, y)
    assert {name: kind for name, kind, _ in reg.encoding_.describe()}["kind"] == "categories"
    expected = reg.predict(table)
    for other in (
        {"kind": table["kind"], "size": table["size"]},
        {"more": y, **table, "most": y},
    ):
        assert (reg.predict(other) == expected).all()
    assert (reg.predict(np.column_stack([*table.values()])) == expected).all()
    with pytest.raises(ValueError, match="expected a column 'size'"):
        reg.predict({"kind": table["kind"], "same": table["same"]})


def test_what_is_wrong_with_classes_and_rows_to_judge_by_is_said_by_name() -> None:
    X = np.random.default_rng(0).standard_normal((40, 2))
    y = np.array(["p", "q"] * 20)
    with pytest.raises(ValueError, match=r"class_weight of 'p': expected .* got -1"):
        gn.TabularClassifier(class_weight={"p": -1.0, "q": 1.0}).fit(X, y)
    for weights in ({"p": 1e308}, {"p": 1e200, "q": 0.5}):
        clf = gn.TabularClassifier(class_weight=weights)
        with pytest.raises(ValueError, match="class_weight: expected"):
            clf.fit(X, y, sample_weight=np.full(40, 1e200))
    for eval_set, why in (
        ((X, y[1:]), "expected 40 targets, got 39"),
        ((X[:, :1], y), "X has 1 features"),
        ((X[:0], y[:0]), "X: Found array with 0 sample"),
        ((X, None), "y: this estimator requires y"),
        ((X, np.where(y == "q", "r", "p")), "expected classes of y, got 'r'"),
    ):
        with pytest.raises(ValueError, match=f"^eval_set: {why}"):
            gn.TabularClassifier().fit(X, y, eval_set=eval_set)
    with pytest.raises(ValueError, match=r"^eval_set: y: expected numbers, got text"):
        gn.TabularRegressor().fit(X, X[:, 0], eval_set=(X, y))


def test_a_batch_size_of_numpys_will_do() -> None:
    X, y = mixed(60)
    one, other = (
        gn.TabularRegressor("quick", epochs=3, batch_size=size, random_state=0).fit(X, y)
        for size in (16, np.int64(16))
    )
    assert (one.predict(X) == other.predict(X)).all()


@pytest.mark.parametrize("dtype", [float, int])
def test_what_is_masked_is_a_gap(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    X = (10 * rng.standard_normal((90, 3))).astype(dtype)
    mask = rng.random(X.shape) < 0.3
    masked = np.ma.masked_array(np.where(mask, 99999, X), mask)
    gappy = np.where(mask, np.nan, X)
    one, other = (
        gn.TabularClassifier("quick", epochs=3, random_state=0).fit(table, X[:, 0] > 0)
        for table in (gappy, masked)
    )
    assert one.encoding_.describe() == other.encoding_.describe()
    assert (one.predict_proba(gappy) == other.predict_proba(masked)).all()


@pytest.mark.parametrize("unit", ["D", "s", "us", "ns"])
def test_dates_are_labels(unit: str, tmp_path: Any) -> None:
    X = np.random.default_rng(0).standard_normal((60, 2))
    days = np.where(X[:, 0] > 0, "2020-01-01", "2021-12-31").astype(f"datetime64[{unit}]")
    first = days.min().astype("datetime64[us]" if unit == "ns" else days.dtype).item()
    for label in (first, days.min(), np.datetime64("2020-01-01", "h")):
        clf = gn.TabularClassifier("quick", class_weight={label: 2}, random_state=0)
        clf.fit(X, days, eval_set=(X, days.astype("datetime64[ms]")))
    assert clf.score(X, days) > 0.9
    with pytest.raises(ValueError, match="class_weight: expected classes of y, got "):
        clf.set_params(class_weight={np.datetime64("2020-01-01T01"): 2}).fit(X, days)
    clf.set_params(class_weight=None).fit(X, days).save(tmp_path / "days.safetensors")
    again = gn.load(tmp_path / "days.safetensors")
    assert again.classes_.dtype == clf.classes_.dtype
    assert (again.predict(X) == clf.predict(X)).all()
