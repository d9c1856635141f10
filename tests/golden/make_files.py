"""Make model files of the present format, and what they predict, into files/<version>/.

Files of earlier versions stay as they are, for ever: the tests load all of them. This script is run
once for each version, and again only while that version is in no release.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

import glassnet as gn
from glassnet.csvfile import Table
from glassnet.files import VERSION
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


def digest(network: gn.Network) -> str:
    """Return what tells whether weights came back to the bit."""
    order = network.dtype.newbyteorder("<")
    return hashlib.sha256(network.theta.astype(order).tobytes()).hexdigest()


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    expected: dict[str, Any] = {}
    for name, net in networks().items():
        net.save(FOLDER / f"{name}.safetensors")
        predicted = net.predict(inputs(net.inputs)).tolist()
        expected[name] = {"theta": digest(net), "predicted": predicted}
    for name, model in models().items():
        model.save(FOLDER / f"{name}.safetensors")
        predicted = model.predict(table().rows(range(4))).tolist()
        expected[name] = {"theta": digest(model.ensemble.network), "predicted": predicted}
    text = json.dumps(expected, indent=1) + "\n"
    (FOLDER / "expected.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
