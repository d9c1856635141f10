"""Multilayer perceptrons in model files: what they say of themselves, and how that is read.

Curves, the weight of each class, and what the optimizer remembers are arrays; so a loaded estimator
goes on where the saved one was, with `partial_fit` as with a warm start.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from glassnet import checks, mlp
from glassnet.files.networks import describe, restore
from glassnet.files.values import labels_to_json, learned_labels, same, score, to_json
from glassnet.layers import Dense, Dropout
from glassnet.memory import Memory
from glassnet.network import Network
from glassnet.optimizers import OPTIMIZERS
from glassnet.vocabulary import Array

CURVES = ("loss_curve_", "validation_scores_", "validation_loss_curve_")
COUNTS = ("n_iter_", "t_")
SCORES = ("loss_", "best_loss_", "best_validation_score_")
NAMES = "feature_names_in_"
OF_CLASSES = ("classes_", "multilabel")


def say(own: Any) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return what a fitted estimator has learned beside its network: for JSON, and arrays."""
    network, names = own.network_, getattr(own, NAMES, None)
    learned: dict[str, Any] = {name: getattr(own, name) for name in COUNTS}
    learned |= {name: to_json(name, getattr(own, name)) for name in SCORES}
    learned |= {NAMES: None if names is None else names.tolist(), "memory": None}
    curves = {name: getattr(own, name) for name in CURVES}
    arrays = {name: np.array(curve, float) for name, curve in curves.items() if curve is not None}
    if hasattr(own, "classes_"):
        learned["classes_"] = labels_to_json("classes_", own.classes_)
        learned["multilabel"] = own._multilabel
        arrays["totals"] = own._totals
    if network.taught is not None:
        arrays["taught"] = network.taught
    memory = network.memory
    if memory is not None:
        learned["memory"] = {"rule": describe(memory.rule, OPTIMIZERS), "steps": memory.steps}
        arrays |= {f"memory.{name}": vector for name, vector in memory.state.items()}
    return learned, arrays


def read(own: Any, network: Network, learned: Mapping[str, Any], arrays: Any, names: Any) -> None:
    """Let an estimator that has its parameters know what was learned, if it fits.

    Parameters
    ----------
    own : MLPClassifier or MLPRegressor
    network : Network
    learned : dict
        What JSON says.
    arrays : Stored
        Where arrays are read from.
    names : set of str
        Those that are there.
    """
    of_classes = type(own).__name__ == "MLPClassifier"
    same("estimator", learned, {*COUNTS, *SCORES, NAMES, "memory", *OF_CLASSES[: 2 * of_classes]})
    kinds = {type(layer) for layer in network.layers}
    if network.members is not None or not kinds <= {Dense, Dropout}:
        raise ValueError("estimator: expected one network of dense layers")
    if network.loss.classes != of_classes:
        raise ValueError(f"estimator: expected another loss than {network.loss!r}")
    own.network_, own.n_features_in_ = network, network.inputs
    for name in COUNTS:
        setattr(own, name, checks.whole(name, learned[name], 0))
    for name in SCORES:
        setattr(own, name, score(name, learned[name]))
    if learned[NAMES] is not None:
        own.feature_names_in_ = _names(learned[NAMES], network.inputs)
    expected = {CURVES[0], *(names & {*CURVES, "taught"})}
    for name in CURVES:
        curve = arrays.vector(name, "float64").tolist() if name in expected else None
        setattr(own, name, curve)
    network.taught = arrays.vector("taught", "uint64") if "taught" in names else None
    network.memory = _memory(learned["memory"], network, arrays)
    if network.memory is not None:
        expected |= {f"memory.{name}" for name in network.memory.state}
    if of_classes:
        expected.add("totals")
        _read_classes(own, network, learned, arrays)
    same("estimator", names, expected)
    _check(own, network)


def _names(content: Any, inputs: int) -> Array:
    texts = isinstance(content, list) and all(type(name) is str for name in content)
    if not texts or len(content) != inputs:
        raise ValueError(f"{NAMES}: expected {inputs} names of columns")
    return np.array(content, dtype=object)


def _memory(content: Any, network: Network, arrays: Any) -> Memory | None:
    """Return what the optimizer remembers, with which partial_fit goes on."""
    if content is None:
        return None
    if not isinstance(content, dict) or content.keys() != {"rule", "steps"}:
        raise ValueError("memory: expected an optimizer, and its steps")
    rule, shape = restore(content["rule"], OPTIMIZERS), network.theta.shape
    state = {name: arrays.array(f"memory.{name}", network.dtype, shape) for name in rule.state}
    return Memory(rule, checks.whole("steps", content["steps"], 0), state)


def _read_classes(own: Any, network: Network, learned: Mapping[str, Any], arrays: Any) -> None:
    own.classes_ = learned_labels(learned["classes_"])
    own._multilabel = checks.flag("multilabel", learned["multilabel"])
    count, outputs = len(own.classes_), network.outputs
    if own._multilabel:
        fits = own.classes_.tolist() == list(range(outputs)) and not network.loss.labels
    else:
        fits = outputs == count or (outputs == 1 and count <= 2)
    if not fits:
        raise ValueError(f"classes_: expected those of {outputs} outputs, got {count}")
    shape = (count, 2) if own._multilabel else (1, count)
    own._totals = arrays.array("totals", "float64", shape)
    if not (np.isfinite(own._totals) & (own._totals >= 0)).all():
        raise ValueError("totals: expected finite numbers of at least 0")


def _check(own: Any, network: Network) -> None:
    """Let the estimator's own checks look at its parameters."""
    mlp.check(own)
    mlp.layers(own, network.outputs)
    mlp.optimizer(own)
    mlp.schedule(own, 0, 0, 1)
    mlp.metric(own, network.loss)
    if not network.loss.classes:
        mlp.quantity_loss(own.loss)
        return
    several = "multiclass" if len(own.classes_) > 2 else "binary"
    mlp.class_loss(own.loss, "multilabel" if own._multilabel else several, len(own.classes_))
    if own.class_weight is not None:
        labels = np.array([0, 1]) if own._multilabel else own.classes_
        for setting in mlp.each("class_weight", own.class_weight, len(own._totals)):
            mlp.class_weights(setting, labels, np.ones(len(labels)))
