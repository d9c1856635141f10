"""Make model files of the present format, and what they predict, into files/<version>/.

Files of earlier versions stay as they are, for ever: the tests load all of them. This script is run
once for each version, and again only while that version is in no release.
"""

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import glassnet as gn
from glassnet.csvfile import Table
from glassnet.files.networks import VERSION
from glassnet.metrics import METRICS
from glassnet.tabular.task import Settings, Task

FOLDER = Path(__file__).with_name("files") / str(VERSION)
ROWS = 60
LAYERS: list[gn.Layer] = [
    gn.Residual([gn.LayerNorm(), gn.Stack([gn.Scale(rate=2.0), gn.Dense(5, gn.Elu(0.5))])]),
    gn.Embedding(4, 3, 2),
    gn.Concat([[gn.Dense(3, gn.LeakyRelu(0.2)), gn.Dropout(0.25)], []]),
    gn.Squash(),
    gn.Dense(4, "parametric_relu", bias_rate=0.5),
    gn.Dense(1),
]


def inputs(columns: int) -> Any:
    """Return rows to predict: quarters, which every float type holds."""
    return np.arange(4 * columns).reshape(4, columns) % 7 / 4 - 0.5


def networks() -> dict[str, gn.Network]:
    """Return networks as people save them."""
    made = {
        "network": gn.Network(LAYERS, 5, loss=gn.Huber(0.5), dtype="float64", seed=1),
        "float32": gn.Network(
            [gn.Dense(4, "gelu"), gn.Dense(3)], 2, loss="multiclass_cross_entropy", seed=2
        ),
        "members": gn.Network([gn.Dense(3, "tanh"), gn.Dense(2)], 2, loss="focal", seed=3),
    }
    made["network"].freeze(1)
    made["members"].spread(2)
    for net in made.values():
        net.theta[...] += np.linspace(-0.5, 0.5, net.theta.size).reshape(net.theta.shape)
    return made


def table() -> Table:
    """Return a table with numbers, gaps and words, as a file has it."""
    columns = {
        "size": [str(row % 11 / 2) if row % 9 else "" for row in range(ROWS)],
        "kind": [("oak", "ash", "yew")[row % 3] for row in range(ROWS)],
        "name": [f"n{row % 12}" for row in range(ROWS)],
        "class": ["yes" if row % 11 > 4 else "no" for row in range(ROWS)],
        "quantity": [str(row % 11 * 1.25 + row % 3) for row in range(ROWS)],
    }
    return Table(columns, list(range(2, ROWS + 2)), "table.csv")


def models() -> dict[str, Any]:
    """Return what `glassnet train` writes."""
    settings = Settings(members=2, network=(4,), epochs=2, seed=0)
    return {f"cli_{name}": Task.of(table(), name, settings).learn().model for name in TARGETS}


TARGETS = ("class", "quantity")


def frame() -> dict[str, Any]:
    """Return the table's inputs, as an estimator gets them, with a column of truths."""
    columns = table().columns
    size = [float(text) if text else None for text in columns["size"]]
    truths = [row % 5 > 1 for row in range(ROWS)]
    return {"size": size, "kind": columns["kind"], "name": columns["name"], "truth": truths}


def perceptrons() -> dict[str, Any]:
    """Return fitted multilayer perceptrons, with targets and parameters of many kinds."""
    X = np.arange(3.0 * ROWS).reshape(ROWS, 3) % 11 / 4 - 1
    words, several = np.array(["no", "perhaps", "yes"])[np.arange(ROWS) % 3], (X > 0).astype(int)
    mixed = np.where(X[:, 0] > 0, np.uint8(7), np.uint8(3))
    how: dict[str, Any] = {"max_iter": 3, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "mlp_words": gn.MLPClassifier((4, 3), ["gelu", gn.Elu(0.5)], **how).fit(X, words),
            "mlp_float32": gn.MLPClassifier(
                [4], solver=gn.Momentum(0.02, 0.8), class_weight={3: 2.0, 7: 1.0}, **how
            ).fit(X.astype("float32"), mixed),
            "mlp_labels": gn.MLPClassifier(
                (3,), dropout=0.25, class_weight=["balanced", {0: 1.0, 1: 2.0}, "balanced"], **how
            ).fit(X, several),
            "mlp_early": gn.MLPClassifier(
                (3,), "tanh", early_stopping=True, n_iter_no_change=np.inf, metric="auc", **how
            ).fit(X, X[:, 1] > 0),
            "mlp_quantity": gn.MLPRegressor(
                gn.Quantile(0.9), (4,), solver="sgd", learning_rate=gn.WarmUp(5, "cosine"), **how
            ).fit(X, X[:, 0] - X[:, 1]),
            "mlp_quantities": gn.MLPRegressor(
                hidden_layer_sizes=(), solver="lbfgs", metric=METRICS["rmse"], **how
            ).fit(X, X[:, :2] * 3),
        }


def tabulars() -> dict[str, Any]:
    """Return fitted estimators for tables."""
    columns, how = frame(), {"preset": "quick", "epochs": 2, "random_state": 0}
    labels = np.arange(ROWS) % 11 > 4
    quantity = [float(text) for text in table().columns["quantity"]]
    return {
        "tabular_classes": gn.TabularClassifier(metric="log_loss", n_ensemble=1, **how).fit(
            columns, labels
        ),
        "tabular_quantity": gn.TabularRegressor(n_ensemble=1, **how).fit(columns, quantity),
    }


def tutorials() -> gn.SimpleNeuralNetwork:
    """Return the tutorial's network, after a few steps."""
    nn = gn.SimpleNeuralNetwork(2, 3, 1, seed=0)
    for _ in range(3):
        nn.backward([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], 0.5)
    return nn


def told(name: str, model: Any) -> Any:
    """Return what a loaded file predicts."""
    if name == "tutorial":
        return model.forward(inputs(2))
    if name.startswith("cli"):
        return model.predict(table().rows(range(4)))
    if name.startswith("tabular"):
        rows = {column: values[:4] for column, values in frame().items()}
        return model.predict_proba(rows) if hasattr(model, "classes_") else model.predict(rows)
    if name.startswith("mlp"):
        X = inputs(3).astype(model.network_.dtype)
        return model.predict_proba(X) if hasattr(model, "classes_") else model.predict(X)
    return model.predict(inputs(model.inputs))


def network_of(model: Any) -> gn.Network:
    """Return the network in a loaded file."""
    for name in ("ensemble", "ensemble_"):
        if hasattr(model, name):
            return getattr(model, name).network
    return getattr(model, "network_", None) or getattr(model, "network", model)


def digest(network: gn.Network) -> str:
    """Return what tells whether weights came back to the bit."""
    order = network.dtype.newbyteorder("<")
    return hashlib.sha256(network.theta.astype(order).tobytes()).hexdigest()


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    expected: dict[str, Any] = {}
    made = {**networks(), **models(), **perceptrons(), **tabulars(), "tutorial": tutorials()}
    for name, model in made.items():
        model.save(FOLDER / f"{name}.safetensors")
        predicted = told(name, model).tolist()
        expected[name] = {"theta": digest(network_of(model)), "predicted": predicted}
    text = json.dumps(expected, indent=1) + "\n"
    (FOLDER / "expected.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
