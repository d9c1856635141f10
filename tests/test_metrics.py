"""Metrics against scikit-learn's: with weights, ties, several classes, several outputs."""

import math
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as peers

import glassnet as gn
from glassnet.metrics import METRICS, find_metrics

SEEDS = range(40)
BINARY, MULTI, QUANTITY = gn.BinaryCrossEntropy(), gn.MulticlassCrossEntropy(), gn.SquaredError()


def near(got: Any, expected: Any) -> None:
    assert type(got) is float
    assert got == pytest.approx(expected, rel=1e-12, abs=1e-12)


def rows(seed: int) -> tuple[Any, int, Any]:
    """Return a generator, a number of rows, and weights: none, or some of them zero."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(6, 60))
    w = rng.choice([0.0, 0.5, 1.0, 3.0], (n, 1)) if seed % 2 else np.ones((n, 1))
    w[:4] = 1.0
    return rng, n, w


def scores(rng: Any, shape: tuple[int, ...], seed: int) -> Any:
    """Return probabilities; in every other case few different ones, so that there are ties."""
    p = rng.random(shape)
    return p.round(1) if seed % 4 > 1 else p


@pytest.mark.parametrize("seed", SEEDS)
def test_two_classes(seed: int) -> None:
    rng, n, w = rows(seed)
    y = rng.integers(0, 2, (n, 1)).astype(float)
    y[:2] = [[0], [1]]
    p = scores(rng, (n, 1), seed)
    label, weights = (p[:, 0] > 0.5).astype(float), {"sample_weight": w[:, 0]}
    near(METRICS["accuracy"](y, p, w), peers.accuracy_score(y[:, 0], label, **weights))
    near(
        METRICS["balanced_accuracy"](y, p, w),
        peers.balanced_accuracy_score(y[:, 0], label, **weights),
    )
    near(METRICS["auc"](y, p, w), peers.roc_auc_score(y[:, 0], p[:, 0], **weights))


@pytest.mark.parametrize("seed", SEEDS)
def test_several_classes(seed: int) -> None:
    rng, n, w = rows(seed)
    classes = int(rng.integers(3, 6))
    y = rng.integers(0, classes, (max(n, 2 * classes), 1)).astype(float)
    y[:classes, 0] = np.arange(classes)
    w = np.concatenate([np.ones((classes, 1)), np.resize(w, (len(y) - classes, 1))])
    p = scores(rng, (len(y), classes), seed) + 0.01
    p /= p.sum(axis=1, keepdims=True)
    weights = {"sample_weight": w[:, 0]}
    label = p.argmax(axis=1)
    near(METRICS["accuracy"](y, p, w), peers.accuracy_score(y[:, 0], label, **weights))
    near(
        METRICS["balanced_accuracy"](y, p, w),
        peers.balanced_accuracy_score(y[:, 0], label, **weights),
    )
    areas = [peers.roc_auc_score(y[:, 0] == k, p[:, k], **weights) for k in range(classes)]
    near(METRICS["auc"](y, p, w), np.mean(areas))
    near(
        METRICS["auc"](y, p, np.ones_like(w)),
        peers.roc_auc_score(y[:, 0], p, multi_class="ovr", average="macro"),
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_several_labels_at_once(seed: int) -> None:
    rng, n, w = rows(seed)
    y = rng.integers(0, 2, (n, 3)).astype(float)
    y[:2] = [[0] * 3, [1] * 3]
    p = scores(rng, (n, 3), seed)
    weights = {"sample_weight": w[:, 0]}
    # all labels of a row must be right: scikit-learn's subset accuracy
    near(METRICS["accuracy"](y, p, w), peers.accuracy_score(y, p > 0.5, **weights))
    near(METRICS["auc"](y, p, w), peers.roc_auc_score(y, p, average="macro", **weights))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("outputs", [1, 3])
def test_quantities(outputs: int, seed: int) -> None:
    rng, n, w = rows(seed)
    y = 10 * rng.standard_normal((n, outputs)) + 100
    p = y + rng.standard_normal((n, outputs)) * rng.choice([0.1, 1.0, 30.0])
    if seed % 3 == 0:
        y[:, 0] = 5.0  # an output without variance
    if seed % 6 == 0:
        p[:, 0] = 5.0
    weights = {"sample_weight": w[:, 0]}
    near(METRICS["rmse"](y, p, w), peers.root_mean_squared_error(y, p, **weights))
    near(METRICS["mae"](y, p, w), peers.mean_absolute_error(y, p, **weights))
    near(METRICS["r2"](y, p, w), peers.r2_score(y, p, **weights))


def test_a_perfect_and_a_reversed_order() -> None:
    y, w = np.array([[0.0], [0.0], [1.0], [1.0]]), np.ones((4, 1))
    p = np.array([[0.1], [0.2], [0.3], [0.4]])
    assert [METRICS["auc"](y, score, w) for score in (p, 1 - p, 0 * p)] == [1, 0, 0.5]


def test_a_class_without_rows_or_weight_is_left_out() -> None:
    y, w = np.array([[0.0], [1.0], [1.0], [2.0]]), np.array([[1.0], [1.0], [1.0], [0.0]])
    p = np.array([[0.6, 0.2, 0.1, 0.1], [0.5, 0.4, 0.1, 0.0], [0.1, 0.8, 0.1, 0.0], [1, 0, 0, 0]])
    near(METRICS["balanced_accuracy"](y, p, w), (1 + 0.5) / 2)
    near(METRICS["auc"](y, p, w), 1.0)
    assert math.isnan(METRICS["auc"](y[1:3], p[1:3], w[1:3]))


def test_half_is_no_yes_and_targets_between_are_rounded() -> None:
    one = np.ones((1, 1))
    assert METRICS["accuracy"](one, 0.5 * one, one) == 0
    assert METRICS["accuracy"](0 * one, 0.5 * one, one) == 1
    assert METRICS["accuracy"](0.9 * one, 0.7 * one, one) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("loss", [BINARY, MULTI, QUANTITY], ids=repr)
def test_a_network_is_evaluated_by_the_same_numbers(
    loss: gn.Loss, members: int, dtype: str
) -> None:
    rng = np.random.default_rng(0)
    net = gn.Network([gn.Dense(4, "tanh"), gn.Dense(3)], 2, loss=loss, dtype=dtype, seed=0)
    if members > 1:
        net.spread(members)
    # more rows than are taken at a time
    X, w = rng.standard_normal((2500, 2)), rng.uniform(0.5, 2, 2500)
    y = rng.integers(0, 3, 2500) if loss.labels else rng.integers(0, 2, (2500, 3))
    names = ["accuracy", "auc"] if loss.classes else ["rmse", "mae", "r2"]
    evaluated = net.evaluate(X, y, w, metrics=names)
    assert list(evaluated) == ["loss", *names]
    targets = loss.check(y, 3)
    for name in names:
        each = [METRICS[name](targets, p, w[:, None]) for p in net.predict(X).reshape(-1, 2500, 3)]
        np.testing.assert_allclose(np.ravel(evaluated[name]), each, rtol=1e-12)
    assert net.evaluate(X, y, w) == {"loss": pytest.approx(evaluated["loss"])}


def test_ones_own_metric_gets_targets_predictions_and_weights() -> None:
    seen = []

    def worst(y: Any, p: Any, w: Any) -> Any:
        seen.append((y.shape, p.shape, w.shape))
        return np.abs(y - p).max()

    net = gn.Network([gn.Dense(2)], 3, dtype="float64", seed=0)
    X, y = np.eye(3), np.ones((3, 2))
    own = gn.Metric("worst", worst, higher=False)
    scores = net.evaluate(X, y, metrics=[own, "mae"])
    assert scores["worst"] == np.abs(y - net.predict(X)).max()
    assert seen == [((3, 2), (3, 2), (3, 1))]


@pytest.mark.parametrize(
    ("given", "loss", "error", "why"),
    [
        ("acuracy", BINARY, ValueError, "metrics: expected one of 'accuracy', .* or a Metric"),
        (
            "r2",
            BINARY,
            ValueError,
            "metrics of classes, accuracy, balanced_accuracy, auc, got 'r2'",
        ),
        (["auc"], QUANTITY, ValueError, "metrics of quantities, rmse, mae, r2, got 'auc'"),
        (3, QUANTITY, TypeError, "metrics: expected one of"),
        ([None], QUANTITY, TypeError, "metrics: expected one of"),
    ],
)
def test_a_metric_that_does_not_fit_is_refused(
    given: Any, loss: gn.Loss, error: Any, why: str
) -> None:
    with pytest.raises(error, match=why):
        find_metrics(given, loss)


def test_metrics_are_found_by_name_alone_or_several() -> None:
    own = gn.Metric("own", max)
    assert [each.name for each in find_metrics("mae", QUANTITY)] == ["mae"]
    assert [each.name for each in find_metrics(["r2", own], QUANTITY)] == ["r2", "own"]
    assert find_metrics(own, BINARY) == [own]
    assert find_metrics((), MULTI) == []
    assert {each.name for each in METRICS.values() if not each.higher} == {"rmse", "mae"}
