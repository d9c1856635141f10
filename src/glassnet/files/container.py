"""Containers: named arrays and one JSON text in a file, laid out as safetensors has it.

Eight bytes with the length of a header, the header (JSON), and the arrays' bytes, one after
another. What the arrays alone do not tell lies in the header's ``__metadata__``, as one JSON string
under the key ``glassnet``. Reading runs nothing that the file brought, and reserves no memory that
the file does not fill.

Format: https://huggingface.co/docs/safetensors/index#format
"""

import json
import os
import re
import stat
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from math import isfinite, prod
from pathlib import Path
from reprlib import repr as short
from typing import Any, BinaryIO, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
StrPath = str | os.PathLike[str]
LONGEST_HEADER = 100_000_000  # bytes, as safetensors has it; a table's words are in it
MOST_VALUES = 20_000  # of a JSON text, each of which becomes an object of Python,
BYTES = 36  # and one more for so many bytes of the file
# a backslash, a character in two halves, or one half of it alone
HALVES = re.compile(r"\\\\|\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|(\\u[dD][89a-fA-F]\w\w)")
# text within the first 256 letters takes a byte a letter: what a long header is made of
NARROW = 2**16  # bytes of a header from which on it is
WIDE = re.compile(r"\\\\|(\\u(?!00))")
DEEPEST = 200  # lists and dicts in each other: what reads them calls itself
CHUNK = 2**16  # numbers that are read or written at a time
DTYPES = {"float32": "F32", "float64": "F64", "int64": "I64", "uint64": "U64"}  # as safetensors'


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


def write_container(path: StrPath, about: Any, arrays: Mapping[str, Array]) -> None:
    """Write a container, whole or not at all.

    Parameters
    ----------
    path : str or PathLike
    about : dict
        What JSON can say.
    arrays : dict of str to array
        Of float32, float64, int64 or uint64.

    Raises
    ------
    ValueError
        If lists and dicts lie too deep in each other.
    OSError
        If it cannot be written.
    """
    header: dict[str, Any] = {"__metadata__": {"glassnet": dumps(shallow(about))}}
    start = 0
    for name, array in arrays.items():
        stop = start + array.nbytes
        header[name] = {
            "dtype": DTYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [start, stop],
        }
        start = stop
    text = dumps(header).encode()
    text += b" " * (-len(text) % 8)  # so that the arrays lie at a multiple of eight bytes
    write_pieces(path, _pieces(text, arrays.values()))


def _pieces(header: bytes, arrays: Iterable[Array]) -> Iterator[bytes]:
    yield len(header).to_bytes(8, "little")
    yield header
    for array in arrays:
        with _chunks(array, "readonly") as chunks:
            for chunk in chunks:
                yield chunk.astype(chunk.dtype.newbyteorder("<"), copy=False).tobytes()


def _chunks(array: Array, use: Any) -> Any:
    """Return an array's numbers in order, some at a time; to write into them changes the array."""
    flags: Any = ["external_loop", "buffered", "zerosize_ok"]
    return np.nditer(array, flags, [use], order="C", buffersize=CHUNK)


def write_whole(path: StrPath, content: bytes) -> None:
    """Write a file so that it has the new content or, if anything goes wrong, the old one."""
    write_pieces(path, [content])


def write_pieces(path: StrPath, pieces: Iterable[bytes]) -> None:
    """Write a file so that it has all the pieces or, if anything goes wrong, what it had."""
    target = writable(path)
    beside = target.with_name(f".{os.urandom(8).hex()}.tmp")
    try:
        with open(beside, "xb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():  # whoever may not read the old file may not read the new one
            os.chmod(beside, stat.S_IMODE(target.stat().st_mode))
        os.replace(beside, target)
        _settle(target.parent)
    except OSError as error:
        # the reader knows the file by the name that was asked for, not by ours
        raise type(error)(error.errno, error.strerror, str(path)) from None
    finally:
        beside.unlink(missing_ok=True)


def _settle(folder: Path) -> None:
    """Let a folder know its files even after the power fails, where folders can be opened."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


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


def dumps(content: Any) -> str:
    """Return JSON without blanks; NumPy's numbers become Python's."""
    return json.dumps(
        content, separators=(",", ":"), allow_nan=False, default=lambda number: number.item()
    )


# ---- reading -------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """Where an array lies among the bytes behind the header, and what it is there."""

    dtype: Any
    shape: Any
    start: int
    stop: int


class Container:
    """A container that is being read: its arrays lie in the file until they are asked for.

    Attributes
    ----------
    about : dict
        What the JSON string says.
    entries : dict of str to Entry
        The arrays, which together are the bytes of the file, each once.
    """

    about: dict[str, Any]
    entries: dict[str, Entry]

    def __init__(self, file: BinaryIO) -> None:
        whole = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if whole < 8 or length > whole - 8:
            raise ValueError("it is shorter than its header says, or of another format")
        if length > LONGEST_HEADER:
            raise ValueError(f"its header is longer than {LONGEST_HEADER} bytes")
        self._file, self._start = file, 8 + length
        most = most_values(whole)
        header = loads(_narrow(file.read(length)), most)
        if not isinstance(header, dict):
            raise ValueError("its header is not a JSON object")
        metadata = header.pop("__metadata__", None)
        text = metadata.get("glassnet") if isinstance(metadata, dict) else None
        if not isinstance(text, str):
            raise ValueError("a safetensors file, but without a glassnet section")
        del metadata
        about = loads(text, most)
        if not isinstance(about, dict):
            raise ValueError("its glassnet section is not a JSON object")
        self.about = about
        self.entries = {name: _entry(name, entry) for name, entry in header.items()}
        end = 0
        for entry in sorted(self.entries.values(), key=lambda each: (each.start, each.stop)):
            if entry.start != end:
                raise ValueError("its weights overlap, or leave gaps")
            end = entry.stop
        if end != whole - self._start:
            raise ValueError(f"expected {end} bytes of weights, got {whole - self._start}")

    def expect(self, name: str, dtype: Any, shape: tuple[int, ...]) -> Entry:
        """Return an entry, if it is of this dtype and shape."""
        entry, code = self.entries[name], DTYPES[np.dtype(dtype).name]
        fits = (entry.dtype, entry.shape) == (code, list(shape))
        if not fits or any(type(length) is not int for length in entry.shape):
            raise ValueError(
                f"{name}: expected {code} {list(shape)}, got {entry.dtype!r} {entry.shape!r}"
            )
        if entry.stop - entry.start != np.dtype(dtype).itemsize * prod(shape):
            raise ValueError(f"{name}: its offsets do not fit its shape")
        return entry

    def vector(self, name: str, dtype: Any) -> Array:
        """Return an array (n,) of which only the file knows the length; it may hold NaN."""
        if name not in self.entries:
            raise ValueError(f"it has no array {name!r}")
        shape = self.entries[name].shape
        if not isinstance(shape, list) or [type(each) for each in shape] != [int]:
            raise ValueError(f"{name}: expected one axis, got {shape!r}")
        return self.array(name, dtype, tuple(shape))

    def array(self, name: str, dtype: Any, shape: tuple[int, ...]) -> Array:
        """Return an array of this dtype and shape; it may hold NaN."""
        if name not in self.entries:
            raise ValueError(f"it has no array {name!r}")
        self.expect(name, dtype, shape)
        array = np.empty(shape, dtype)
        self.read_into(name, array, dtype, finite=False)
        return array

    def read_into(self, name: str, array: Array, dtype: Any, finite: bool = True) -> None:
        """Read into an array, in the file of this dtype, some numbers at a time."""
        entry = self.expect(name, dtype, array.shape)
        little = np.dtype(dtype).newbyteorder("<")
        self._file.seek(self._start + entry.start)
        with _chunks(array, "writeonly") as chunks:
            for chunk in chunks:
                numbers = np.frombuffer(self._file.read(chunk.size * little.itemsize), little)
                if finite and not np.isfinite(numbers).all():
                    raise ValueError(f"{name}: expected finite numbers")
                chunk[...] = numbers


@contextmanager
def opened(path: StrPath) -> Iterator[Container]:
    """Open a container; whatever does not fit is a ModelFileError of one sentence.

    Parameters
    ----------
    path : str or PathLike

    Raises
    ------
    ModelFileError
        If the file is no container, or what is done with it raises a ValueError.
    OSError
        If it cannot be read.
    """
    if Path(path).is_fifo():  # which to open may take for ever
        raise ModelFileError(f"{path}: not a glassnet model file: it is a pipe")
    with open(path, "rb") as file:
        try:
            yield Container(file)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise ModelFileError(f"{path}: not a glassnet model file: {brief(error)}") from None


def brief(value: Any, most: int = 300) -> str:
    """Return what there is to say in so many letters: what a file says of itself may be long."""
    return textwrap.shorten(str(value)[: 2 * most], most, placeholder=" ...")


def _narrow(header: bytes) -> str:
    """Return a header's text; if it is long, it is written as glassnet writes it, in ASCII.

    Python holds a text with one letter beyond the first 256 in two or four bytes a letter.
    """
    if len(header) > NARROW:
        text = header.decode("ascii") if header.isascii() else None
        if text is None or any(found[1] for found in WIDE.finditer(text)):
            raise ValueError(f"its header is longer than {NARROW} bytes, and not in ASCII")
        return text
    return header.decode()


def _entry(name: str, content: Any) -> Entry:
    if not isinstance(content, dict) or content.keys() != {*Entry._fields[:2], "data_offsets"}:
        raise ValueError(f"{name}: expected dtype, shape and data_offsets, got {short(content)}")
    offsets = content["data_offsets"]
    if (
        not isinstance(offsets, list)
        or [type(offset) for offset in offsets] != [int, int]
        or not 0 <= offsets[0] <= offsets[1]
    ):
        raise ValueError(f"{name}: expected two offsets, got {short(offsets)}")
    return Entry(content["dtype"], content["shape"], *offsets)


def loads(text: str, most: int) -> Any:
    """Return what a JSON text says, if it is no more than so many values.

    Refused are NaN, numbers too large, a key that comes twice, and text that no file can hold.
    """
    if sum(text.count(mark) for mark in ",[{") > most:
        raise ValueError(f"its header holds more than {most} values")
    if any(found[1] for found in HALVES.finditer(text)):
        raise ValueError("its header holds half a character")
    return shallow(
        json.loads(text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_once)
    )


def most_values(size: int) -> int:
    """Return how many values the JSON of a file of so many bytes may hold."""
    return MOST_VALUES + size // BYTES


def shallow(content: Any) -> Any:
    """Return JSON, if its lists and dicts lie in each other no deeper than can be read.

    Examples
    --------
    >>> shallow([[[1, 2]], {}])
    [[[1, 2]], {}]
    """
    level = [content] if isinstance(content, list | dict) else []
    for _ in range(DEEPEST):
        lists = [each.values() if isinstance(each, dict) else each for each in level]
        level = [inner for each in lists for inner in each if isinstance(inner, list | dict)]
        if not level:
            return content
    raise ValueError(f"expected lists and dicts at most {DEEPEST} deep in each other")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"expected finite numbers, got {name}")


def _finite(text: str) -> float:
    number = float(text)
    return number if isfinite(number) else _no_constant(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key comes twice in its header")
    return content
