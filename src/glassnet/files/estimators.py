"""Estimators in model files: a network's file that also says whose network it is.

What an estimator was given and has learned stands in the section ``estimator``; what a table's
estimator knows of its columns in the section ``table``, as `glassnet train` writes it. The
estimators that there are stand in a table here, and what is written has been read once before.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from glassnet import checks
from glassnet.files import perceptrons
from glassnet.files.container import (
    Array,
    StrPath,
    dumps,
    loads,
    most_values,
    write_container,
)
from glassnet.files.networks import BESIDE, NO_CODE, sections
from glassnet.files.values import from_json, labels_to_json, learned_labels, same, to_json
from glassnet.layers import Dense
from glassnet.losses import BinaryCrossEntropy
from glassnet.network import Network
from glassnet.selection import class_weights
from glassnet.tabular.model import Model
from glassnet.tabular.target import Target
from glassnet.tabular.words import word

SIZES = ("input_size", "hidden_size", "output_size")
MOST_SEED = 2**32 - 1  # that NumPy's RandomState takes


class Stored(NamedTuple):
    """An estimator's arrays, by their names without what marks them as its own.

    Attributes
    ----------
    source : Container or Given
        Where they are.
    """

    source: Any

    @property
    def names(self) -> set[str]:
        """The arrays that there are."""
        entries = self.source.entries
        return {name.removeprefix(BESIDE) for name in entries if name.startswith(BESIDE)}

    def vector(self, name: str, dtype: Any) -> Array:
        """Return an array (n,)."""
        found: Array = self.source.vector(BESIDE + name, dtype)
        return found

    def array(self, name: str, dtype: Any, shape: tuple[int, ...]) -> Array:
        """Return an array of this shape."""
        found: Array = self.source.array(BESIDE + name, dtype, shape)
        return found


class Given(NamedTuple):
    """Arrays that are about to be written, in place of a container."""

    entries: Mapping[str, Array]

    def vector(self, name: str, dtype: Any) -> Array:
        """Return an array (n,)."""
        return self.entries[name]

    def array(self, name: str, dtype: Any, shape: tuple[int, ...]) -> Array:
        """Return an array of this shape."""
        return self.entries[name]


# ---- writing and reading -------------------------------------------------------------------------


def save_estimator(own: Any, network: Network | None, path: StrPath) -> None:
    """Write a fitted estimator to a file that `load` reads.

    Parameters
    ----------
    own : estimator
        One of glassnet's own.
    network : Network or None
        Its network; None before its fit.
    path : str or PathLike

    Raises
    ------
    NotFittedError
        If there is no network yet.
    TypeError
        If it is not glassnet's own, or a parameter is what no file holds: a function, a scorer, a
        generator of random numbers.
    ValueError
        If a parameter, which may have been changed since `fit`, is not what it should be.
    OSError
        If the file cannot be written.
    """
    name = type(own).__name__
    if name not in KINDS or type(own) is not _type(name):
        raise TypeError(f"save: expected one of glassnet's own estimators, got {name}: {NO_CODE}")
    if network is None:
        from sklearn.exceptions import NotFittedError

        raise NotFittedError(f"save: expected a fitted {name}, got one before its fit")
    kind = KINDS[name]
    about, arrays = sections(network)
    learned, more, table = kind.say(own)
    parameters = {each: to_json(each, getattr(own, each)) for each in _parameters(type(own))}
    arrays |= {BESIDE + each: array for each, array in more.items()}
    about["estimator"] = {"kind": name, "parameters": parameters, "learned": learned}
    about["table"] = table
    text = dumps(about)
    most = most_values(len(text) + sum(array.nbytes for array in arrays.values()))
    restored(network, loads(text, most), Given(arrays))  # nothing is written that is not read
    write_container(path, about, arrays)


def restored(network: Network, about: Mapping[str, Any], source: Any) -> Any:
    """Return the estimator that a file's sections tell of, over a network, or raise a ValueError.

    Parameters
    ----------
    network : Network
    about : dict
        The file's JSON, of which it has ``estimator`` or ``table``.
    source : Container or Given
        Where arrays are read from.
    """
    section, stored = about["estimator"], Stored(source)
    if section is None:
        return _of_table_alone(Model.of(network, about["table"]))
    if not isinstance(section, dict):
        raise ValueError("estimator: expected its kind, its parameters and what it learned")
    same("estimator", section, {"kind", "parameters", "learned"})
    name = checks.one_of("estimator", section["kind"], KINDS)
    parameters, learned = section["parameters"], section["learned"]
    if not isinstance(parameters, dict) or not isinstance(learned, dict):
        raise ValueError("estimator: expected its parameters and what it learned by name")
    own = _made(name, {each: from_json(each, value) for each, value in parameters.items()})
    KINDS[name].read(own, network, learned, about["table"], stored)
    return own


def _type(name: str) -> Any:
    """Return an estimator's class; all but the tutorial's need scikit-learn."""
    if name == "SimpleNeuralNetwork":
        from glassnet.tutorial import SimpleNeuralNetwork

        return SimpleNeuralNetwork
    if name in ("MLPClassifier", "MLPRegressor"):
        from glassnet.estimators import MLPClassifier, MLPRegressor

        return MLPClassifier if name == "MLPClassifier" else MLPRegressor
    from glassnet.tabular.estimators import TabularClassifier, TabularRegressor

    return TabularClassifier if name == "TabularClassifier" else TabularRegressor


def _parameters(kind: Any) -> list[str]:
    return list(SIZES) if kind is _type("SimpleNeuralNetwork") else kind._get_param_names()


def _made(name: str, parameters: dict[str, Any]) -> Any:
    """Return an estimator with these parameters; one that is left out has its default."""
    kind = _type(name)
    strange = sorted(parameters.keys() - {*_parameters(kind)})
    if strange:
        raise ValueError(f"{name}: expected its own parameters, got {strange[0]!r}")
    if name == "SimpleNeuralNetwork":
        same(name, parameters, SIZES)
        own = kind.__new__(kind)  # what it would draw is not wanted
        vars(own).update({each: checks.whole(each, size) for each, size in parameters.items()})
        return own
    own = kind(**parameters)
    if (
        own.random_state is not None
        and checks.whole("random_state", own.random_state, 0) > MOST_SEED
    ):
        raise ValueError(f"random_state: expected at most {MOST_SEED}, got {own.random_state}")
    return own


# ---- multilayer perceptrons ----------------------------------------------------------------------


def _say_perceptron(own: Any) -> tuple[Any, Any, Any]:
    return *perceptrons.say(own), None


def _read_perceptron(own: Any, network: Network, learned: Any, table: Any, stored: Stored) -> None:
    if table is not None:
        raise ValueError("table: expected none of a multilayer perceptron")
    perceptrons.read(own, network, learned, stored, stored.names)


# ---- tables --------------------------------------------------------------------------------------


def _say_table(own: Any) -> tuple[Any, Any, Any]:
    classes = getattr(own, "classes_", None)
    words = () if classes is None else tuple(map(word, classes.tolist()))
    # an estimator is not told what its target is called
    table = Model(own.ensemble_, own.encoding_, Target("", words)).to_json()
    labels = None if classes is None else labels_to_json("classes_", classes)
    return {"classes_": labels, "n_iter_": own.n_iter_}, {}, table


def _read_table(own: Any, network: Network, learned: Any, table: Any, stored: Stored) -> None:
    model = Model.of(network, table)
    same("estimator", learned, {"classes_", "n_iter_"})
    same("estimator", stored.names, ())
    words: tuple[str, ...] = ()
    if learned["classes_"] is not None:
        own.classes_ = learned_labels(learned["classes_"])
        words = tuple(map(word, own.classes_.tolist()))
    if Target("", words) != model.target or bool(words) != own._CLASSES:
        raise ValueError("classes_: expected those of a target without a name")
    own.n_iter_ = model.ensemble.epochs = checks.whole("n_iter_", learned["n_iter_"], 0)
    own.know(model.ensemble, model.encoding)
    own.check_parameters()
    if words and own.class_weight is not None:
        class_weights(np.arange(len(words))[:, None], own._class_weight(), True)


def _of_table_alone(model: Model) -> Any:
    """Return an estimator of what the command line wrote.

    Its parameters are the defaults, and its epochs 0: the command line writes neither.
    """
    own = _made("TabularClassifier" if model.target.classes else "TabularRegressor", {})
    if model.target.classes:
        own.classes_ = np.array(model.target.classes)
    own.n_iter_ = model.ensemble.epochs
    own.know(model.ensemble, model.encoding)
    return own


# ---- the tutorial's ------------------------------------------------------------------------------


def _say_tutorial(own: Any) -> tuple[Any, Any, Any]:
    return {}, {}, None


def _read_tutorial(own: Any, network: Network, learned: Any, table: Any, stored: Stored) -> None:
    same("estimator", learned, ())
    same("estimator", stored.names, ())
    layers = [Dense(own.hidden_size, "sigmoid"), Dense(own.output_size)]
    found = (network.layers, network.inputs, network.loss, network.dtype, network.members, table)
    if found != (layers, own.input_size, BinaryCrossEntropy(), np.float64, None, None):
        raise ValueError("estimator: expected the network of a SimpleNeuralNetwork")
    own.network = network


class Kind(NamedTuple):
    """How an estimator says what it has learned (JSON, arrays, a table), and how that is read."""

    say: Callable[[Any], tuple[Any, Any, Any]]
    read: Callable[[Any, Network, Any, Any, Stored], None]


KINDS = dict.fromkeys(("MLPClassifier", "MLPRegressor"), Kind(_say_perceptron, _read_perceptron))
KINDS |= dict.fromkeys(("TabularClassifier", "TabularRegressor"), Kind(_say_table, _read_table))
KINDS["SimpleNeuralNetwork"] = Kind(_say_tutorial, _read_tutorial)
