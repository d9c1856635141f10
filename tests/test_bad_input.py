"""Bad input gets one sentence that names the argument, what was expected and what came."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassnet as gn

X, Y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 1, 0])
NAN, INF = X.copy(), X.copy()
NAN[2, 1], INF[0, 0] = np.nan, -np.inf


class Sparse:
    def toarray(self) -> Any:
        return X


def binary(**options: Any) -> gn.Network:
    return gn.Network([gn.Dense(1)], 2, loss="binary_cross_entropy", seed=0, **options)


def multi() -> gn.Network:
    return gn.Network([gn.Dense(3)], 2, loss="multiclass_cross_entropy", seed=0)


def fit(**options: Any) -> Any:
    arguments = {"X": X, "y": Y, "epochs": 1, **options}
    return binary().fit(arguments.pop("X"), arguments.pop("y"), **arguments)


BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: fit(X=X[:, :1]), r"X: expected shape \(rows, 2\), got \(6, 1\)"),
    (
        lambda: fit(X=X[0]),
        r"X: expected shape \(rows, 2\), got \(2,\); for one row use X\[None, :\]",
    ),
    (lambda: fit(X=X[:0]), r"X: expected at least one row, got shape \(0, 2\)"),
    (lambda: fit(X=NAN), r"X: expected finite numbers, got nan at index \(2, 1\)"),
    (lambda: fit(X=INF), r"X: expected finite numbers, got -inf at index \(0, 0\)"),
    (lambda: fit(X=[["a", "b"]] * 6), "X: expected numbers, got text"),
    (lambda: fit(X=[[1, 2], [3]]), "X: expected rows of numbers, got rows of unequal lengths"),
    (lambda: fit(X=X + 1j), "X: expected numbers, got dtype complex128"),
    (lambda: fit(X=np.array([[None, object()]] * 6)), "X: expected rows of numbers, got"),
    (lambda: fit(X=Sparse()), "X: expected a dense array, got a sparse one"),
    (lambda: fit(X=X[None]), r"X: expected shape \(rows, 2\), got \(1, 6, 2\)"),
    (lambda: fit(y=Y[:5]), "y: expected 6 rows, as many as X, got 5"),
    (lambda: fit(y=Y + 1), "y: expected labels 0 and 1 .*, got 2"),
    (lambda: fit(y=Y * 0), "y: expected at least two classes, got only 0"),
    (lambda: fit(y=Y * np.nan), "y: expected finite numbers, got nan"),
    (lambda: fit(y=["yes", "no"] * 3), "y: expected numbers, got text"),
    (lambda: fit(y=np.ones((6, 2))), r"y: expected shape \(rows,\) or \(rows, 1\), got \(6, 2\)"),
    (lambda: fit(y=[]), "y: expected 6 rows, as many as X, got 0"),
    (lambda: multi().fit(X, Y + 2), "y: expected whole numbers from 0 to 2, got 3"),
    (lambda: multi().fit(X, Y - 1), "y: expected whole numbers from 0 to 2, got -1"),
    (lambda: multi().fit(X, Y + 0.5), "y: expected whole numbers from 0 to 2, got 0.5"),
    (lambda: multi().fit(X, Y * 0 + 1), "y: expected at least two classes, got only 1"),
    (lambda: fit(sample_weight=[1, 2]), "sample_weight: expected 6 weights, one a row, got 2"),
    (lambda: fit(sample_weight=-Y), "sample_weight: expected weights of at least 0, got -1"),
    (
        lambda: fit(sample_weight=Y * 0),
        "sample_weight: expected a weight above zero and a finite sum, got 0 at most",
    ),
    (lambda: fit(sample_weight=Y * 0 + 1e308), "finite sum, got 1e\\+308 at most"),
    (lambda: fit(epochs=0), "epochs: expected at least 1, got 0"),
    (lambda: fit(epochs=1.5), "epochs: expected a whole number, got 1.5"),
    (lambda: fit(epochs=True), "epochs: expected a whole number, got True"),
    (lambda: fit(batch_size=0), "batch_size: expected at least 1, got 0"),
    (lambda: fit(batch_size="all"), "batch_size: expected a whole number, got 'all'"),
    (lambda: fit(every=0), "every: expected at least 1, got 0"),
    (lambda: fit(restarts=0), "restarts: expected at least 1, got 0"),
    (
        lambda: fit(engine="gpu"),
        "engine: expected one of 'auto', 'numpy', 'numba', 'eager', got 'gpu'",
    ),
    (
        lambda: fit(optimizer="adan"),
        "optimizer: expected one of 'sgd', 'momentum', .*'adam', .*, or an object .*'adan'",
    ),
    (lambda: fit(optimizer=gn.Adam), "optimizer: expected one of .*, got <class"),
    (lambda: fit(validation=X), r"validation: expected \(X, y\), .* or the share .*, got ndarray"),
    (lambda: fit(validation=(X,)), r"validation: expected \(X, y\) or \(X, y, sample_weight\)"),
    (lambda: fit(validation=0.0), "validation: expected a share between 0 and 1, got 0"),
    (lambda: fit(validation=1), "validation: expected a share between 0 and 1, got 1"),
    (lambda: fit(validation=True), "validation: expected .*, got bool"),
    (lambda: fit(X=X[:2], y=Y[:2], validation=0.5), "validation: expected more rows to hold out"),
    (lambda: fit(validation=(X, Y, -Y)), "validation sample_weight: expected weights of at least"),
    (lambda: fit(shuffle=1), "shuffle: expected True or False, got 1"),
    (lambda: fit(schedule="cosin"), "schedule: expected one of 'constant', .*, got 'cosin'"),
    (lambda: fit(schedule=gn.Cosine), "schedule: expected one of .*, got <class"),
    (lambda: fit(schedule=0.5), "schedule: expected one of .*, got 0.5"),
    (lambda: gn.WarmUp(0), "steps: expected at least 1, got 0"),
    (lambda: gn.WarmUp(5, then="linear"), "then: expected one of 'constant', .*'linear'"),
    (lambda: gn.StepDecay(every=2.5), "every: expected a whole number, got 2.5"),
    (lambda: gn.Exponential(factor=-1), r"factor: expected a number in \[0, inf\), got -1"),
    (lambda: gn.Cosine()(0, None), "schedule: Cosine expects to know the number of steps"),
    (lambda: fit(l2=-1), r"l2: expected a number in \[0, inf\), got -1"),
    (lambda: fit(weight_decay="much"), "weight_decay: expected a number, got 'much'"),
    (lambda: fit(clip_norm=0), "clip_norm: expected a number above 0, got 0"),
    (lambda: fit(class_weight="even"), "class_weight: expected a dict or 'balanced', got 'even'"),
    (lambda: fit(class_weight={2: 1.0}), "class_weight: expected classes of y, 0, 1, got 2"),
    (lambda: fit(class_weight={0: -1}), r"class_weight of 0: expected a number in \[0, inf\)"),
    (lambda: fit(class_weight={0: 0, 1: 0}), "class_weight: expected a weight above zero"),
    (
        lambda: gn.Network([gn.Dense(1)], 2).fit(X, Y, class_weight="balanced"),
        "class_weight: expected targets that are one class a row",
    ),
    (lambda: fit(metrics="acuracy"), "metrics: expected one of 'accuracy', .*, got 'acuracy'"),
    (lambda: fit(metrics="rmse"), "metrics: expected metrics of classes, accuracy, .*, got 'rmse'"),
    (lambda: fit(metrics=[len]), "metrics: expected one of .*, or a Metric, got <built-in"),
    (
        lambda: fit(monitor="auc"),
        "monitor: expected one of 'loss', or another of the metrics, got 'auc'",
    ),
    (lambda: fit(patience=0), "patience: expected at least 1, got 0"),
    (lambda: fit(min_delta=-1), r"min_delta: expected a number in \[0, inf\), got -1"),
    (lambda: fit(average=1), r"average: expected a number in \[0, 1\), got 1"),
    (lambda: fit(average=0.5, patience=3), "average: expected 0 where patience chooses"),
    (lambda: fit(verbose="yes"), "verbose: expected True or False, got 'yes'"),
    (lambda: fit(on_epoch=3), "on_epoch: expected a function, got 3"),
    (lambda: fit(plateau=5), "plateau: expected a Plateau, got 5"),
    (lambda: gn.Plateau(factor=1.5), r"factor: expected a number in \[0, 1\), got 1.5"),
    (lambda: fit(lr=0.1), "options: expected some of epochs, .*, got 'lr'"),
    (lambda: fit(optimizer="lbfgs", restarts=2), "optimizer: LBFGS trains one network at a time"),
    (lambda: fit(optimizer="lbfgs", lr=0.1), "options: expected some of epochs, .*, got 'lr'"),
    (
        lambda: list(binary().train(X, Y, optimizer="lbfgs")),
        "optimizer: LBFGS takes no single steps: give it to fit",
    ),
    (lambda: binary().program(optimizer="lbfgs"), "optimizer: LBFGS takes no single steps"),
    (lambda: gn.LBFGS(evaluations=0), "evaluations: expected at least 1, got 0"),
    (
        lambda: gn.Network([gn.Dropout(0.5), gn.Dense(1)], 2).fit(X, Y, optimizer="lbfgs"),
        "optimizer: LBFGS expects no layer that draws at random, as Dropout does",
    ),
    (lambda: binary().partial_fit(X[:, :1], Y), r"X: expected shape \(rows, 2\), got \(6, 1\)"),
    (lambda: binary().evaluate(X, Y, metrics="r2"), "metrics: expected metrics of classes"),
    (lambda: binary().freeze(2), r"layers: expected some of \[1\], got 2"),
    (lambda: binary().freeze(1), "layers: expected at least one layer that learns, got all"),
    (lambda: binary().freeze("1"), "layers: expected a whole number, got '1'"),
    (lambda: binary().weights.__setitem__("W9", X), "weights: expected one of W1, b1, got 'W9'"),
    (lambda: binary().weights.__setitem__("W1", X), r"W1: expected shape \(2, 1\), got \(6, 2\)"),
    (lambda: setattr(binary(), "weights", {"b1": [[np.nan]]}), "b1: expected finite numbers"),
    (lambda: binary().spread([0, -1]), "members: expected at least 0, got -1"),
    (lambda: binary().spread([]), "members: expected at least 1, got 0"),
    (
        lambda: fit(validation=(X[:, :1], Y)),
        r"validation X: expected shape \(rows, 2\), got \(6, 1\)",
    ),
    (lambda: fit(validation=(X, Y[:3])), "y: expected 6 rows"),
    (lambda: binary().predict(NAN), "X: expected finite numbers, got nan"),
    (lambda: binary().predict([1, 2]), r"X: expected shape \(rows, 2\), got \(2,\)"),
    (lambda: binary().evaluate(X, Y[:2]), "y: expected 6 rows, as many as X, got 2"),
    (lambda: binary().program(0), "rows: expected at least 1, got 0"),
    (lambda: binary().program(4, "fly"), "mode: expected one of 'predict', .*, got 'fly'"),
    (lambda: binary(dtype="float16"), "dtype: expected float32 or float64, got float16"),
    (lambda: gn.Network([gn.Dense(1)], 2, seed=-1), "seed: expected at least 0, got -1"),
    (lambda: gn.Network([gn.Dense(1)], 0), "inputs: expected at least 1, got 0"),
    (
        lambda: gn.Network([gn.Dense(1)], 2, loss="mse"),
        "loss: expected one of 'squared_error', .*'mse'",
    ),
    (lambda: gn.Network([], 2), "layers: expected at least one layer with parameters, got none"),
    (
        lambda: gn.Network([gn.Dropout(0.5)], 2),
        "layers: expected at least one layer with parameters",
    ),
    (lambda: gn.Network(["dense"], 2), "layers: expected Layer objects, got 'dense' as number 1"),
    (lambda: gn.Network("dense", 2), "layers: expected Layer objects, got 'd' as number 1"),
    (
        lambda: gn.Network([gn.Dense(1, "sigmoid")], 2, loss="binary_cross_entropy"),
        "layers: expected the last layer to end in raw scores, without activation, got sigmoid",
    ),
    (
        lambda: gn.Network([gn.Dense(1)], 2, loss="multiclass_cross_entropy"),
        "layers: expected at least 2 outputs for MulticlassCrossEntropy, got 1",
    ),
    (lambda: gn.Dense(0), "units: expected at least 1, got 0"),
    (lambda: gn.Dense("8"), "units: expected a whole number, got '8'"),
    (
        lambda: gn.Dense(8, "rleu"),
        "activation: expected one of 'identity', 'sigmoid', .*, or an object of Activation.*'rleu'",
    ),
    (lambda: gn.Dense(8, np.tanh), "activation: expected one of .*, got <ufunc 'tanh'>"),
    (lambda: gn.Dense(8, rate=-1), r"rate: expected a number in \[0, inf\), got -1"),
    (lambda: gn.Dropout(1), r"drop: expected a number in \[0, 1\), got 1"),
    (lambda: gn.Dropout("half"), "drop: expected a number, got 'half'"),
    (lambda: gn.SGD(float("nan")), r"rate: expected a number in \[0, inf\), got nan"),
    (lambda: gn.SGD(float("inf")), r"rate: expected a number in \[0, inf\), got inf"),
    (lambda: gn.Adam(beta2=1.0), r"beta2: expected a number in \[0, 1\), got 1.0"),
    (lambda: gn.Momentum(momentum=True), "momentum: expected a number, got True"),
    (lambda: gn.MulticlassCrossEntropy(-0.1), r"label_smoothing: expected a number in \[0, 1\)"),
    (lambda: gn.Dense(3, init="xavier"), "init: expected one of 'zeros', .*, got 'xavier'"),
    (lambda: gn.LeakyRelu(1.0), r"leak: expected a number in \[0, 1\), got 1.0"),
    (lambda: gn.Elu(-1), r"alpha: expected a number in \[0, inf\), got -1"),
    (lambda: gn.Scale(rate="x"), "rate: expected a number, got 'x'"),
    (lambda: gn.Embedding(0, 0, 2), "categories: expected at least 1, got 0"),
    (lambda: gn.Embedding((0, 1), (3,), 2), "categories: expected a number for each of the diff"),
    (lambda: gn.Embedding((1, 1), (3, 3), 2), "categories: expected a number for each of the diff"),
    (lambda: gn.Embedding(-1, 3, 2), "columns: expected at least 0, got -1"),
    (
        lambda: gn.Network([gn.Embedding(5, 3, 2), gn.Dense(1)], 2),
        r"columns: expected columns 0 to 1, got \(5,\)",
    ),
    (lambda: gn.Residual("dense"), "layers: expected Layer objects, got 'dense'"),
    (
        lambda: gn.Network([gn.Residual([gn.Dense(3)]), gn.Dense(1)], 2),
        "layers: expected the layers of a Residual to end in 2 columns, as they begin, got 3",
    ),
    (lambda: gn.Concat([]), "stacks: expected a sequence of stacks, got"),
    (lambda: gn.Concat([["dense"]]), "stacks: expected Layer objects, got"),
    (lambda: gn.Huber(0), "delta: expected a number above 0, got 0"),
    (lambda: gn.Quantile(1.0), r"q: expected a number in \[0, 1\), got 1.0"),
    (lambda: gn.Focal(-1), r"gamma: expected a number in \[0, inf\), got -1"),
    (lambda: gn.SquaredError(half="no"), "half: expected True or False, got 'no'"),
    (lambda: gn.CustomLoss("mse", abs), "function: expected a function, got 'mse'"),
    (lambda: gn.BinaryCrossEntropy(1.0), r"label_smoothing: expected a number in \[0, 1\)"),
    (
        lambda: gn.Network([gn.Dense(1)], 2, loss="poisson").fit(X, -Y),
        "y: expected counts of at least 0, got -1",
    ),
    (
        lambda: gn.Network([gn.Dense(1)], 2, loss="focal").fit(X, Y / 2),
        "y: expected labels 0 and 1, got 0.5",
    ),
    (lambda: gn.Embedding([0, 0], 3, 2), "categories: expected a number for each of the different"),
    (
        lambda: fit(plateau=gn.Plateau(), restarts=2),
        "plateau: expected None where several networks share a rate",
    ),
    *[
        (
            lambda option=option: fit(optimizer="lbfgs", **option),
            f"{next(iter(option))}: expected none with LBFGS, which takes its own steps",
        )
        for option in (
            {"schedule": "cosine"},
            {"batch_size": 2},
            {"clip_norm": 1.0},
            {"weight_decay": 0.1},
            {"average": 0.5},
            {"plateau": gn.Plateau()},
        )
    ],
    (lambda: binary().predict(X * 1e300), "X: expected numbers that float32 holds, got 1.1e"),
    (lambda: fit(X=X * 1e300), "X: expected numbers that float32 holds, got 1.1e"),
    (
        lambda: gn.Network([gn.Dense(1)], 2).fit(X, Y * -1e300),
        "y: expected numbers that float32 holds, got -1e",
    ),
    (lambda: binary().fit(X, [10**400, *Y[1:]]), "y: expected numbers that float64 holds, got la"),
    (lambda: fit(l2=1e60), r"l2: expected numbers that float32 holds, got 1e\+60"),
    (lambda: fit(weight_decay=1e60), "weight_decay: expected numbers that float32 holds, got 1e"),
    (lambda: fit(clip_norm=1e60), "clip_norm: expected numbers that float32 holds, got 1e"),
    (lambda: fit(schedule=lambda step, total: "a"), "schedule: expected a number, got 'a'"),
    (lambda: fit(schedule=lambda step, total: -1), r"schedule: expected a number in \[0, inf\)"),
    (lambda: fit(schedule=lambda step, total: np.nan), "schedule: expected a number in"),
    (lambda: binary().keep(1), "member: expected one of 1, from 0, got 1"),
    (lambda: binary().evaluate(X, None), "y: expected numbers, got None"),
    (
        lambda: gn.Network(
            [gn.Dense(1)], 2, loss=gn.CustomLoss(lambda raw, y: 3.0, lambda raw, y: raw)
        ).fit(X, Y),
        r"function: expected a loss for each row and output, .*got \(\)",
    ),
    (
        lambda: gn.Network(
            [gn.Dense(1)], 2, loss=gn.CustomLoss(lambda raw, y: raw, lambda raw, y: raw[:1])
        ).fit(X, Y, batch_size=None),
        r"loss CustomLoss, gradient: expected \(6, 1\), got \(1, 1\)",
    ),
]


@pytest.mark.parametrize(("call", "message"), BAD, ids=[message[:40] for _, message in BAD])
def test_one_sentence(call: Callable[[], Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["epochs", "X", "y", "optimizer", "validation"])
def test_a_call_that_fails_leaves_the_network_as_it_was(name: str) -> None:
    wrong = {"epochs": 0, "X": NAN, "y": Y * 0, "optimizer": "none", "validation": X}[name]
    for restarts in (1, 3):
        net = binary()
        before = net.theta.copy()
        arguments = {"X": X, "y": Y, "epochs": 1, name: wrong}
        with pytest.raises((ValueError, TypeError)):
            net.fit(arguments.pop("X"), arguments.pop("y"), restarts=restarts, **arguments)
        assert net.members is None
        assert net.theta.tobytes() == before.tobytes()


def test_what_is_harmless_is_taken() -> None:
    for table in (X.astype(int), X.tolist(), X > 3, X.astype(object), np.asfortranarray(X)):
        net = binary()
        net.fit(table, Y, epochs=1)
        assert net.predict(table).shape == (6, 1)
    for y in (Y.astype(bool), Y.tolist(), Y[:, None], Y.astype(np.uint8), Y.astype(float)):
        binary().fit(X, y, epochs=1)
        multi().fit(X, y, epochs=1)
    binary().fit(X, Y, epochs=1, batch_size=1000)
    binary().fit(X[:2], Y[:2], epochs=1, batch_size=1)
