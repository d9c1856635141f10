"""What `glassnet train` writes and `glassnet predict` reads: an ensemble that knows its table."""

from dataclasses import dataclass
from math import isfinite
from os import PathLike
from typing import Any, Self

from glassnet.csvfile import Table
from glassnet.files.networks import ModelFileError, load_with_table, save_network
from glassnet.losses import MulticlassCrossEntropy
from glassnet.network import Network
from glassnet.quantities import SquaredError
from glassnet.tabular.encoding import Encoding
from glassnet.tabular.ensemble import Ensemble
from glassnet.tabular.target import Target
from glassnet.tabular.text import encode
from glassnet.vocabulary import Array

OF_CLASSES, OF_QUANTITIES = ("temperature",), ("mean", "sd", "low", "high")
COLDEST = 0.01  # what is learned lies between 0.05 and 20
SECTIONS = ("encoding", "target", "scale")


@dataclass(frozen=True)
class Model:
    """An ensemble, and what it knows of the table that it learned.

    Attributes
    ----------
    ensemble : Ensemble
        The networks, and how what they say is put together.
    encoding : Encoding
        What the columns became.
    target : Target
        The column that it predicts.
    """

    ensemble: Ensemble
    encoding: Encoding
    target: Target

    def predict(self, table: Table) -> Array:
        """Return probabilities (rows, classes), or quantities (rows,), of a later table."""
        return self.ensemble.predict(encode(self.encoding, table))

    def to_json(self) -> dict[str, Any]:
        """Return what a model file holds beside the networks: dicts, lists, text and numbers."""
        names = OF_CLASSES if self.target.classes else OF_QUANTITIES
        return {
            "encoding": self.encoding.to_json(),
            "target": {"name": self.target.name, "classes": list(self.target.classes)},
            "scale": {name: getattr(self.ensemble, name) for name in names},
        }

    def save(self, path: str | PathLike[str]) -> None:
        """Write it to a model file."""
        save_network(self.ensemble.network, path, self.to_json())

    @classmethod
    def of(cls, network: Network, section: Any) -> Self:
        """Return the model of a file's network and section, or raise a ValueError if they are none.

        A file may come from anywhere: whatever does not fit is refused.
        """
        if not isinstance(section, dict) or section.keys() != {*SECTIONS}:
            raise ValueError(f"table: expected {', '.join(SECTIONS)}")
        encoding, target = Encoding.from_json(section["encoding"]), _target(section["target"])
        classes = len(target.classes)
        loss = MulticlassCrossEntropy if classes else SquaredError
        if (encoding.width, classes or 1) != (network.inputs, network.outputs):
            raise ValueError("table: its columns and its target do not fit the network")
        if type(network.loss) is not loss or network.members is None:
            raise ValueError(f"table: expected stacked networks of {loss.__name__}")
        scale = _scale(section["scale"], OF_CLASSES if classes else OF_QUANTITIES)
        return cls(Ensemble(network, classes, **scale), encoding, target)


def load_model(path: str | PathLike[str]) -> Model:
    """Return the model in a file that `Model.save` wrote.

    Raises
    ------
    ModelFileError
        If the file is no model file, or holds a network without a table.
    OSError
        If it cannot be read.
    """
    _, model = read_model(path)
    if model is None:
        raise ModelFileError(f"{path}: a network without a table: glassnet.load reads it in Python")
    return model


def read_model(path: str | PathLike[str]) -> tuple[Network, Model | None]:
    """Return the network in a file, and the model that it is part of, if it knows a table."""
    network, section = load_with_table(path)
    try:
        return network, None if section is None else Model.of(network, section)
    except ValueError as error:
        raise ModelFileError(f"{path}: not a glassnet model file: {error}") from None


def _target(content: Any) -> Target:
    if not isinstance(content, dict) or content.keys() != {"name", "classes"}:
        raise ValueError("table: expected a target, its name and its classes")
    name, classes = content["name"], content["classes"]
    texts = isinstance(classes, list) and all(isinstance(each, str) for each in classes)
    if not (isinstance(name, str) and texts) or not len(set(classes)) == len(classes) != 1:
        raise ValueError("table: expected a target's name, and none or several different classes")
    return Target(name, tuple(classes))


def _scale(content: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Return how raw scores become what is predicted."""
    if not isinstance(content, dict) or content.keys() != {*names}:
        raise ValueError(f"table: expected a scale of {', '.join(names)}")
    for name, value in content.items():
        if type(value) is not float or not isfinite(value):
            raise ValueError(f"table: expected {name} to be a finite number")
        if name == "sd" and value <= 0:
            raise ValueError(f"table: expected sd to be above 0, got {value:g}")
        if name == "temperature" and not COLDEST <= value <= 1 / COLDEST:
            raise ValueError(f"table: expected a temperature near 1, got {value:g}")
    if content.get("low", 0.0) > content.get("high", 0.0):
        raise ValueError("table: expected low to be at most high")
    return content
