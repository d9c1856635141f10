"""Model files: a network as data, never as code.

A model file is a safetensors container: eight bytes with the length of a header, the header (JSON),
and the weights' bytes, one after another. What the weights alone do not tell, the layers, the loss,
the number of inputs, lies in the header's ``__metadata__`` as one JSON string under the key
``glassnet``. Reading such a file runs nothing that the file brought: a name in it is looked up in
glassnet's own tables, and whatever does not fit is refused.

Format: https://huggingface.co/docs/safetensors/index#format
"""

import json
import os
import textwrap
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from glassnet import checks
from glassnet.activations import ACTIVATIONS
from glassnet.composites import Concat, Residual, Stack
from glassnet.embeddings import Embedding, Periodic
from glassnet.initializers import INITIALIZERS
from glassnet.layers import Dense, Dropout, LayerNorm, Scale, Squash
from glassnet.losses import LOSSES
from glassnet.network import Network
from glassnet.parametric import Parametric
from glassnet.parts import Activation, Layer
from glassnet.schedules import SCHEDULES
from glassnet.step import Layout, named

VERSION = 1
LONGEST_HEADER = 100_000_000  # bytes, as safetensors has it; a table's words are in it
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
DTYPES = {"float32": "F32", "float64": "F64"}  # NumPy's names, and those of safetensors

StrPath = str | os.PathLike[str]


class ModelFileError(ValueError):
    """A file is not a model file, or is damaged, or of a later glassnet.

    Examples
    --------
    >>> import glassnet as gn, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     size = Path(f"{folder}/model.safetensors").write_text("no network")
    ...     try:
    ...         gn.load(f"{folder}/model.safetensors")
    ...     except gn.ModelFileError as error:
    ...         print(str(error).partition(": ")[2])
    not a glassnet model file: it is shorter than its header says, or of another format
    """


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
    OSError
        If the file cannot be written.
    """
    stored = _narrowest(network)
    about = {
        "version": VERSION,
        "inputs": network.inputs,
        "dtype": network.dtype.name,
        "seed": network.seed,
        "layers": [_describe(layer, LAYERS) for layer in network.layers],
        "frozen": sorted(network.frozen),
        "loss": _describe(network.loss, LOSSES),
        "members": network.members,
        "table": table,
    }
    about |= {} if stored == about["dtype"] else {"stored": stored}
    header: dict[str, Any] = {"__metadata__": {"glassnet": _dumps(about)}}
    data, start = [], 0
    for name, weight in network.weights.items():
        data.append(np.ascontiguousarray(weight, np.dtype(stored).newbyteorder("<")).tobytes())
        stop = start + len(data[-1])
        header[name] = {
            "dtype": DTYPES[stored],
            "shape": list(weight.shape),
            "data_offsets": [start, stop],
        }
        start = stop
    text = _dumps(header).encode()
    text += b" " * (-len(text) % 8)  # so that the weights lie at a multiple of eight bytes
    write_whole(path, b"".join([len(text).to_bytes(8, "little"), text, *data]))


def write_whole(path: StrPath, content: bytes) -> None:
    """Write a file so that it has the new content or, if anything goes wrong, the old one."""
    target = writable(path)
    beside = target.with_name(f".{os.urandom(8).hex()}.tmp")
    try:
        with open(beside, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except OSError as error:
        # the reader knows the file by the name that was asked for, not by ours
        raise type(error)(error.errno, error.strerror, str(path)) from None
    finally:
        beside.unlink(missing_ok=True)


def writable(path: StrPath) -> Path:
    """Return the file that a path leads to, or raise what writing to it would end in."""
    # a link stays a link, and what it leads to is replaced
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise OSError(f"{path}: expected a file to write, got a folder or a device")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {target.parent}")
    if not os.access(target.parent, os.W_OK):
        raise PermissionError(f"{path}: no permission to write in {target.parent}")
    return target


def _narrowest(network: Network) -> str:
    """Return the dtype to store weights in: float32 where it holds them to the last bit."""
    with np.errstate(over="ignore"):
        whole = (network.theta.astype(np.float32) == network.theta).all()
    return "float32" if whole else network.dtype.name


def _describe(thing: Any, table: Mapping[str, type[Any]]) -> dict[str, Any]:
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
        return _describe(value, BENDS)
    if isinstance(value, Layer):
        return _describe(value, LAYERS)
    if type(value) in SCHEDULES.values():
        return _describe(value, SCHEDULES)
    if isinstance(value, tuple):
        return [_content(name, each) for each in value]
    if callable(value):
        raise TypeError(f"save: expected {name} to be a name, got a function: {NO_CODE}")
    return value


def _dumps(content: Any) -> str:
    """Return JSON without blanks; NumPy's numbers become Python's."""
    return json.dumps(
        content, separators=(",", ":"), allow_nan=False, default=lambda number: number.item()
    )


# ---- reading -------------------------------------------------------------------------------------


def load(path: StrPath) -> Network:
    """Return the network in a model file; it predicts the same bits as the one that was saved.

    Several stacked members come back stacked, with the generators that `spread` gives them.

    Parameters
    ----------
    path : str or PathLike

    Returns
    -------
    Network

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
    return load_with_table(path)[0]


def load_with_table(path: StrPath) -> tuple[Network, Any]:
    """Return a model file's network, and its unchecked table section: None where it has none."""
    with open(path, "rb") as file:
        try:
            return _read(file)
        except (ValueError, TypeError, RecursionError) as error:
            # what a file says of itself may be long
            why = textwrap.shorten(str(error), 300, placeholder=" ...")
            raise ModelFileError(f"{path}: not a glassnet model file: {why}") from None


def _read(file: BinaryIO) -> tuple[Network, Any]:
    header, start, size = _header(file)
    about = _about(header)
    layers = [_restore(layer, LAYERS) for layer in about["layers"]]
    layout = Layout(layers, about["inputs"])
    members = about.get("members")
    if members is not None and checks.whole("members", members) > MOST_MEMBERS:
        raise ValueError(f"members: expected at most {MOST_MEMBERS}, got {members}")
    lead = () if members is None else (members,)
    shapes = {
        name: (*lead, *parameter.shape)
        for number, places in enumerate(layout.places, 1)
        for name, (_, _, parameter) in named(places, number).items()
    }
    dtype, stored = about["dtype"], about.get("stored", about["dtype"])
    if dtype not in DTYPES or stored not in ("float32", dtype):
        raise ValueError(f"expected float32 or float64, got {dtype!r}, stored as {stored!r}")
    # checked before a network is made: a file must not make us reserve more than it holds
    places = _places(header, shapes, DTYPES[stored], np.dtype(stored).itemsize, size)
    file.seek(start)
    content = file.read(size)
    loss, seed = _restore(about["loss"], LOSSES), about["seed"]
    network = Network(layers, about["inputs"], loss=loss, dtype=dtype, seed=seed)
    if members is not None:
        network.spread(members)
    for name, weight in network.weights.items():
        weight[...] = _weight(name, content[places[name]], np.dtype(stored), shapes[name])
    frozen = about.get("frozen", [])
    network.freeze(*(frozen if isinstance(frozen, list) else [frozen]))
    return network, about.get("table")


def _header(file: BinaryIO) -> tuple[dict[str, Any], int, int]:
    """Return the header, where the weights start, and how many bytes there are of them."""
    whole = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if whole < 8 or length > whole - 8:
        raise ValueError("it is shorter than its header says, or of another format")
    if length > LONGEST_HEADER:
        raise ValueError(f"its header is longer than {LONGEST_HEADER} bytes")
    header = _loads(file.read(length).decode())
    if not isinstance(header, dict):
        raise ValueError("its header is not a JSON object")
    return header, 8 + length, whole - 8 - length


def _about(header: dict[str, Any]) -> dict[str, Any]:
    """Return what the header says of the network, with every section that must be there."""
    metadata = header.pop("__metadata__", None)
    text = metadata.get("glassnet") if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise ValueError("a safetensors file, but without a glassnet section")
    about = _loads(text)
    if not isinstance(about, dict) or type(about.get("version")) is not int:
        raise ValueError("its glassnet section has no version")
    if about["version"] != VERSION:
        raise ValueError(
            f"its format has version {about['version']}, this glassnet reads version {VERSION}"
        )
    missing = {"inputs", "dtype", "seed", "layers", "loss"} - about.keys()
    if missing:
        raise ValueError(f"its glassnet section has no {min(missing)}")
    for name, kind in {"inputs": int, "dtype": str, "seed": int, "layers": list}.items():
        if type(about[name]) is not kind:
            raise ValueError(f"expected {name} to be {kind.__name__}, got {about[name]!r}")
    return about


def _restore(config: Any, table: Mapping[str, type[Any]]) -> Any:
    """Return the object that `_describe` described, looked up in our own table."""
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
            settings[name] = _restore(value, BENDS)
        elif name in ("schedule", "then"):
            settings[name] = _restore(value, SCHEDULES)
        elif name in ("layers", "stacks"):
            if not isinstance(value, list):
                raise ValueError(f"expected {name} to be a list, got {value!r}")
            settings[name] = [_restore(each, LAYERS) for each in value]
        elif name == "init" and value is not None:
            checks.one_of("init", value, INITIALIZERS)
    return table[kind](**settings)


def _places(
    header: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
    dtype: str,
    itemsize: int,
    size: int,
) -> dict[str, slice]:
    """Return where each weight lies, if together they are the file's bytes, each once."""
    if header.keys() != shapes.keys():
        odd = min(header.keys() ^ shapes.keys())
        raise ValueError(f"its layers and its weights do not fit: {odd!r} is in one of them only")
    places = {}
    for name, entry in header.items():
        expected = {"dtype": dtype, "shape": list(shapes[name])}
        if not isinstance(entry, dict) or {k: entry.get(k) for k in expected} != expected:
            raise ValueError(f"{name}: expected {dtype} {list(shapes[name])}, got {entry!r}")
        places[name] = _span(name, entry.get("data_offsets"))
        if places[name].stop - places[name].start != itemsize * _product(shapes[name]):
            raise ValueError(f"{name}: its offsets do not fit its shape")
    end = 0
    for place in sorted(places.values(), key=lambda place: place.start):
        if place.start != end:
            raise ValueError("its weights overlap, or leave gaps")
        end = place.stop
    if end != size:
        raise ValueError(f"expected {end} bytes of weights, got {size}")
    return places


def _span(name: str, offsets: Any) -> slice:
    if (
        not isinstance(offsets, list)
        or [type(offset) for offset in offsets] != [int, int]
        or not 0 <= offsets[0] <= offsets[1]
    ):
        raise ValueError(f"{name}: expected two offsets, got {offsets!r}")
    return slice(*offsets)


def _product(shape: tuple[int, ...]) -> int:
    """Return the number of elements, exact however large the numbers in a file are."""
    product = 1
    for length in shape:
        product *= length
    return product


def _weight(name: str, content: bytes, dtype: np.dtype[Any], shape: Any) -> NDArray[Any]:
    weight = np.frombuffer(content, dtype.newbyteorder("<")).reshape(shape)
    if not np.isfinite(weight).all():
        raise ValueError(f"{name}: expected finite numbers")
    return weight


def _loads(text: str) -> Any:
    """Return what a JSON text says; refuse NaN and a key that comes twice."""
    return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_once)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"expected finite numbers, got {name}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key comes twice in its header")
    return content
