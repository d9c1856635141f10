"""Model files: a network as data, never as code.

A model file is a container (`files.container`): the weights, and beside them one JSON text with the
layers, the loss, the number of inputs. Reading such a file runs nothing that the file brought: a
name in it is looked up in glassnet's own tables, and whatever does not fit is refused.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.activations import ACTIVATIONS
from glassnet.composites import Concat, Residual, Stack
from glassnet.embeddings import Embedding, Periodic
from glassnet.files.container import (
    Array,
    Container,
    ModelFileError,
    StrPath,
    opened,
    write_container,
)
from glassnet.initializers import INITIALIZERS
from glassnet.layers import Dense, Dropout, LayerNorm, Scale, Squash
from glassnet.losses import LOSSES
from glassnet.network import Network
from glassnet.parametric import Parametric
from glassnet.parts import Activation, Layer
from glassnet.schedules import SCHEDULES
from glassnet.step import named

__all__ = ["ModelFileError", "load", "load_with_table", "save_network"]

VERSION = 2
LAYERS: dict[str, type[Layer]] = {
    kind.__name__: kind
    for kind in (
        *(Dense, Dropout, LayerNorm, Scale, Squash, Embedding, Periodic),
        *(Stack, Residual, Concat),
    )
}
BENDS: dict[str, type[Activation]] = ACTIVATIONS | {"parametric": Parametric}
MOST_MEMBERS = 1000
NO_CODE = "a model file holds no code; keep the code and save network.theta with numpy.save"
FLOATS = ("float32", "float64")
SECTIONS = {"version": int, "inputs": int, "dtype": str, "seed": int, "layers": list}
SECTIONS |= {"frozen": list, **dict.fromkeys(("loss", "members", "table"), object)}
IN_1 = {*SECTIONS, "stored"}  # what a file of version 1 may have
SECTIONS |= {"stored": str, "untouched": bool, "generators": list, "estimator": object}
# what a file of version 1 leaves out
OF_1: dict[str, Any] = {"frozen": [], "members": None, "table": None, "untouched": False}
OF_1 |= {"generators": [], "estimator": None}
BESIDE = "estimator."  # arrays whose names begin so are no weights
STATE = ("state", "inc", "has_uint32", "uinteger")
MOST = dict(zip(STATE, (2**128, 2**128, 2, 2**32), strict=True))  # which a generator's are below


# ---- writing -------------------------------------------------------------------------------------


def save_network(network: Network, path: StrPath, table: Mapping[str, Any] | None = None) -> None:
    """Write a network to a file that `load` reads.

    The file appears whole or not at all: an old one stays as it was if anything goes wrong.

    Parameters
    ----------
    network : Network
        Of glassnet's own layers, activations and loss.
    path : str or PathLike
        Where to; ``model.safetensors`` is the usual ending.
    table : dict, optional
        What it knows of a table: what `Model.to_json` gives.

    Raises
    ------
    TypeError
        If a layer, an activation or the loss is not glassnet's own: the file holds no code.
    ValueError
        If a weight is not finite.
    OSError
        If the file cannot be written.
    """
    about, arrays = sections(network)
    write_container(path, about | {"table": table}, arrays)


def sections(network: Network) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return what a file says of a network, and its weights as they are stored."""
    for name, weight in network.weights.items():
        if not np.isfinite(weight).all():  # nothing is written that is not read
            raise ValueError(f"save: expected finite weights, got others in {name}")
    first, untouched = np.atleast_2d(network.theta)[0], network._untouched
    fresh = untouched is not None and np.array_equal(first, untouched)
    stored = network.dtype.name if fresh else _narrowest(network)
    about = {
        "version": VERSION,
        "inputs": network.inputs,
        "dtype": network.dtype.name,
        "stored": stored,
        "seed": network.seed,
        "layers": [describe(layer, LAYERS) for layer in network.layers],
        "frozen": sorted(network.frozen),
        "loss": describe(network.loss, LOSSES),
        "members": network.members,
        "untouched": fresh,
        "generators": [_drawn(rng.bit_generator.state) for rng in network.generators],
        "table": None,
        "estimator": None,
    }
    arrays = network.weights.items()
    return about, {name: weight.astype(stored, copy=False) for name, weight in arrays}


def _drawn(state: Mapping[str, Any]) -> list[int]:
    """Return the state of NumPy's own generator, PCG64."""
    return [*state["state"].values(), state["has_uint32"], state["uinteger"]]


def _narrowest(network: Network) -> str:
    """Return the dtype to store weights in: float32 where it holds them to the last bit."""
    with np.errstate(over="ignore"):
        whole = (network.theta.astype(np.float32) == network.theta).all()
    return "float32" if whole else network.dtype.name


def describe(thing: Any, table: Mapping[str, type[Any]]) -> dict[str, Any]:
    """Return a layer, activation or loss as its name in a table and its fields."""
    name = next((name for name, kind in table.items() if type(thing) is kind), None)
    if name is None:
        raise TypeError(
            f"save: expected glassnet's own layers, activations and losses, got "
            f"{type(thing).__name__}: {NO_CODE}"
        )
    return {"kind": name} | {
        field.name: _content(field.name, getattr(thing, field.name)) for field in fields(thing)
    }


def _content(name: str, value: Any) -> Any:
    """Return a setting as JSON can say it."""
    if isinstance(value, Activation):
        return describe(value, BENDS)
    if isinstance(value, Layer):
        return describe(value, LAYERS)
    if type(value) in SCHEDULES.values():
        return describe(value, SCHEDULES)
    if isinstance(value, tuple):
        return [_content(name, each) for each in value]
    if callable(value):
        raise TypeError(f"save: expected {name} to be a name, got a function: {NO_CODE}")
    return value


# ---- reading -------------------------------------------------------------------------------------


def load(path: StrPath) -> Any:
    """Return what is in a model file; it predicts the same bits as what was saved.

    Parameters
    ----------
    path : str or PathLike

    Returns
    -------
    Network or estimator
        What was saved; of what `glassnet train` wrote a `TabularClassifier` or `TabularRegressor`.
        Several stacked members come back stacked.

    Raises
    ------
    ModelFileError
        If the file is not a model file, is damaged, or was written by a later glassnet.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> import glassnet as gn, tempfile
    >>> net = gn.Network([gn.Dense(3, "tanh"), gn.Dense(1)], inputs=2, seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     net.save(f"{folder}/model.safetensors")
    ...     again = load(f"{folder}/model.safetensors")
    >>> again.predict([[1.0, 2.0]]) == net.predict([[1.0, 2.0]])
    array([[ True]])
    """
    with opened(path) as file:
        about = _about(file)
        network = _network(file, about)
        if about["estimator"] is None and about["table"] is None:
            return network
        from glassnet.files.estimators import restored

        return restored(network, about, file)


def load_with_table(path: StrPath) -> tuple[Network, Any]:
    """Return a model file's network, and its unchecked table section: None where it has none."""
    with opened(path) as file:
        about = _about(file)
        return _network(file, about), about["table"]


def _about(file: Container) -> dict[str, Any]:
    """Return what the file says of the network, with every section that must be there."""
    about = file.about
    if "checkpoint" in about:
        raise ValueError("it is a checkpoint, from which fit(checkpoint=...) goes on")
    version = about.get("version")
    if type(version) is not int:
        raise ValueError("its glassnet section has no version")
    if version not in range(1, VERSION + 1):
        raise ValueError(
            f"its format has version {version}, this glassnet reads versions 1 to {VERSION}"
        )
    known = {*SECTIONS} if version > 1 else IN_1
    strange = min(about.keys() - known, default=None)
    if strange is not None:
        raise ValueError(f"its glassnet section has an unknown {strange!r}")
    if version == 1:
        # its generators are not in it, and need not be: only training draws from them
        about = OF_1 | {"stored": about.get("dtype")} | about
    missing = SECTIONS.keys() - about.keys()
    if missing:
        raise ValueError(f"its glassnet section has no {min(missing)}")
    for name, kind in SECTIONS.items():
        if kind is not object and type(about[name]) is not kind:
            raise ValueError(f"expected {name} to be {kind.__name__}, got {about[name]!r}")
    return about


def _network(file: Container, about: Mapping[str, Any]) -> Network:
    network = Network.__new__(Network)
    layers = [restore(layer, LAYERS) for layer in about["layers"]]
    dtype, stored = about["dtype"], about["stored"]
    # what is untouched is kept twice, so it has no narrow form
    if dtype not in FLOATS or stored not in ("float32", dtype)[about["untouched"] :]:
        raise ValueError(f"expected float32 or float64, got {dtype!r}, stored as {stored!r}")
    network.configure(layers, about["inputs"], restore(about["loss"], LOSSES), dtype, about["seed"])
    members = about["members"]
    if members is not None and checks.whole("members", members) > MOST_MEMBERS:
        raise ValueError(f"members: expected at most {MOST_MEMBERS}, got {members}")
    lead = () if members is None else (members,)
    shapes = {
        name: (*lead, *parameter.shape)
        for number, places in enumerate(network.layout.places, 1)
        for name, (_, _, parameter) in named(places, number).items()
    }
    weights = {name for name in file.entries if not name.startswith(BESIDE)}
    if weights != shapes.keys() or (about["estimator"] is None and weights != file.entries.keys()):
        odd = min(weights ^ shapes.keys() or file.entries.keys() - weights)
        raise ValueError(f"its layers and its weights do not fit: {odd!r} is in one of them only")
    for name, shape in shapes.items():
        file.expect(name, stored, shape)
    # only now is memory reserved: a file must not make us reserve more than it holds
    network.members, network.theta = members, np.empty((*lead, network.layout.size), dtype)
    for name, weight in network.weights.items():
        file.read_into(name, weight, stored)
    network._untouched = np.atleast_2d(network.theta)[0].copy() if about["untouched"] else None
    network.generators = _generators(about, members or 1)
    network.freeze(*about["frozen"])
    return network


def _generators(about: Mapping[str, Any], count: int) -> list[np.random.Generator]:
    """Return what each member draws from, as it was left; anew where a file does not say."""
    if about["version"] == 1:
        return [np.random.default_rng((about["seed"], member)) for member in range(count)]
    if len(about["generators"]) != count:
        raise ValueError(f"expected {count} generators, got {len(about['generators'])}")
    return list(map(_generator, about["generators"]))


def _generator(content: Any) -> np.random.Generator:
    whole = isinstance(content, list) and [type(each) for each in content] == [int] * len(STATE)
    if not whole or not all(
        0 <= each < MOST[name] for name, each in zip(STATE, content, strict=True)
    ):
        raise ValueError(f"generators: expected {', '.join(STATE)}, got {content!r}")
    bits, (state, inc, held, left) = np.random.PCG64(0), content
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": state, "inc": inc},
        "has_uint32": held,
        "uinteger": left,
    }
    return np.random.Generator(bits)


def restore(config: Any, table: Mapping[str, type[Any]]) -> Any:
    """Return the object that `describe` described, looked up in our own table."""
    kind = config.get("kind") if isinstance(config, dict) else None
    if not isinstance(kind, str) or kind not in table:
        raise ValueError(f"expected one of {', '.join(table)}, got {kind!r}")
    settings = {name: value for name, value in config.items() if name != "kind"}
    known = {field.name: field.default is MISSING for field in fields(table[kind])}
    needed = {name for name, must in known.items() if must}
    if not needed <= settings.keys() <= known.keys():
        raise ValueError(f"{kind} has other settings than {', '.join(settings) or 'none'}")
    for name, value in settings.items():
        if name == "activation":
            settings[name] = restore(value, BENDS)
        elif name in ("schedule", "then"):
            settings[name] = restore(value, SCHEDULES)
        elif name in ("layers", "stacks"):
            if not isinstance(value, list):
                raise ValueError(f"expected {name} to be a list, got {value!r}")
            inner = {"Stack": Stack} if name == "stacks" else LAYERS
            settings[name] = [restore(each, inner) for each in value]
        elif name == "init" and value is not None:
            checks.one_of("init", value, INITIALIZERS)
    return table[kind](**settings)
