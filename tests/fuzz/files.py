"""Mutated model files: COUNT of them, made of every golden file, and what came of each.

A mutant is refused with a ModelFileError of one sentence, or it is a model that says what the file
says: saved again, it has the same JSON and the same arrays, and it predicts. While one is read,
memory stays below twice its size, once more its header, and a fixed allowance, and nothing but the
file itself is touched.

    python tests/fuzz/files.py 200000 --processes 2 --report
"""

import argparse
import json
import os
import random
import struct
import sys
import tempfile
import tracemalloc
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from copy import deepcopy
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import glassnet as gn
from glassnet.files import container, estimators, networks

GOLDEN = Path(__file__).parents[1] / "golden" / "files"
ALLOWANCE = 2**20  # bytes beside these: the JSON as objects, layers, a buffer
SLOWEST = 10.0  # seconds that one file may take on a machine that does other work too
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
WHOLE = 10_000  # bytes: smaller files are cut at every length
SHOWN = 100  # mutants that are told one by one
PREDICTED = 8  # one of so many models that were read is asked to predict

WORDS = (b"\0\0\x80\x7f", b"\0\0\xc0\x7f", b"\0\0\0\0")  # infinite, none, 0 in float32
DTYPES = ("F16", "F32", "F64", "I64", "U64", "BOOL", "U8", "", 7, None)
HUGE = [2**31, 2**63, 2**64, 10**30, 10**400, -(2**63), -(10**30), 1e308, -1e308, 5e-324]
OTHERS: list[Any] = [None, True, False, 0, 1, -1, 2, 3, 0.0, 0.5, -0.0, -2.5, "", "x", "relu"]
OTHERS += ["Dense", "os.system", "builtins.exec", "\0", "\ud800", "é" * 50, [], [[]], [0], ["x"]]
OTHERS += [[1, 2], {}, {"kind": "Dense"}, {"kind": "Dense", "units": 3}, {"a": 1}, {"tuple": []}]
OTHERS += [{"dict": [[[], 1]]}, {"number": "nan"}, {"array": {"dtype": "U9999999", "values": [""]}}]
OTHERS += [{"dtype": "object", "values": [None]}, {"loss": {"kind": "huber"}}, "U12", "float16"]


# ---- mutations -----------------------------------------------------------------------------------

Parts = tuple[Any, Any, bytes]  # the header without the JSON string, the JSON in it, the arrays


def take_apart(content: bytes) -> Parts:
    """Return a model file's header, what its JSON string says, and its arrays."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    return header, json.loads(header["__metadata__"]["glassnet"]), content[8 + length :]


def put_together(header: Any, about: Any, body: bytes) -> bytes:
    """Return a file of these parts, with the length of its header as it is."""
    text = about if isinstance(about, str) else json.dumps(about)
    if isinstance(header, dict):
        header = {"__metadata__": {"glassnet": text}} | {
            name: entry for name, entry in header.items() if name != "__metadata__"
        }
        header = json.dumps(header)
    data = header.encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(data)) + data + body


def places(content: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every value in a JSON document."""
    yield here
    items = content.items() if isinstance(content, dict) else ()
    items = enumerate(content) if isinstance(content, list) else items
    for key, value in items:
        yield from places(value, (*here, key))


def at(content: Any, place: tuple[Any, ...]) -> Any:
    """Return the value at a place."""
    for key in place:
        content = content[key]
    return content


class Mutator:
    """Mutations of some files, by what they do; each takes a file's bytes and returns others."""

    def __init__(self, originals: list[bytes], rng: random.Random) -> None:
        self.originals, self.rng = originals, rng
        self.donors = [take_apart(content) for content in originals]
        self.kinds: dict[str, Callable[[bytes], bytes]] = {
            "bits flipped": self.flip,
            "bytes cut out, doubled or put in": self.chunk,
            "two files spliced": self.splice,
            "header's length changed": self.length,
            "weights overwritten": self.weights,
            "JSON value replaced by another": lambda c: self.value(c, OTHERS),
            "JSON value replaced by a huge number": lambda c: self.value(c, HUGE),
            "JSON value of another file": self.foreign,
            "JSON key dropped or added": self.keys,
            "JSON key twice": self.twice,
            "JSON nested deep": self.deep,
            "offsets, shapes, dtypes": self.entries,
        }

    def flip(self, content: bytes) -> bytes:
        """Flip some bits, mostly in the header."""
        damaged = bytearray(content)
        end = len(content) if self.rng.random() < 0.3 else min(len(content), 4096)
        for _ in range(self.rng.choice((1, 1, 1, 2, 8))):
            damaged[self.rng.randrange(end)] ^= 1 << self.rng.randrange(8)
        return bytes(damaged)

    def chunk(self, content: bytes) -> bytes:
        """Remove, repeat or put in some bytes."""
        start = self.rng.randrange(len(content))
        stop = min(start + self.rng.choice((1, 2, 8, 64)), len(content))
        inside = self.rng.choice((b"", content[start:stop] * 2, self.rng.randbytes(stop - start)))
        return content[:start] + inside + content[stop:]

    def splice(self, content: bytes) -> bytes:
        """Put the beginning of one file before the end of another, or of another's parts."""
        other = self.rng.choice(self.originals)
        if self.rng.random() < 0.5:
            mine, theirs = take_apart(content), take_apart(other)
            return put_together(*(self.rng.choice(pair) for pair in zip(mine, theirs, strict=True)))
        here, there = self.rng.randrange(len(content)), self.rng.randrange(len(other))
        return content[:here] + other[there:]

    def length(self, content: bytes) -> bytes:
        """Write another length of the header."""
        length = int.from_bytes(content[:8], "little")
        near = [length + by for by in (-8, -2, -1, 1, 2, 8)]
        other = self.rng.choice([*near, 0, 1, len(content), 10**8, 2**63, 2**64 - 1])
        return struct.pack("<Q", max(other, 0)) + content[8:]

    def weights(self, content: bytes) -> bytes:
        """Write other numbers into the arrays: finite, infinite, none at all."""
        header, about, body = take_apart(content)
        damaged = bytearray(body)
        for _ in range(self.rng.choice((1, 3, 20))):
            place = self.rng.randrange(max(len(body) // 4, 1)) * 4
            word = self.rng.choice(
                (self.rng.randbytes(4), b"\0\0\x80\x7f", b"\0\0\xc0\x7f", b"\0" * 4)
            )
            damaged[place : place + 4] = word
        return put_together(header, about, bytes(damaged[: len(body)]))

    def value(self, content: bytes, choice: list[Any]) -> bytes:
        """Put another value somewhere into the JSON."""
        header, about, body = take_apart(content)
        for _ in range(self.rng.choice((1, 1, 1, 2))):
            place = self.rng.choice(list(places(about)))
            about = self.put(about, place, self.rng.choice(choice))
        return put_together(header, about, body)

    def put(self, content: Any, place: tuple[Any, ...], value: Any) -> Any:
        """Return JSON with a value at a place; the place may be all of it."""
        value = deepcopy(value)  # or a list of ours may get into itself, one mutant after another
        if not place:
            return value
        at(content, place[:-1])[place[-1]] = value
        return content

    def foreign(self, content: bytes) -> bytes:
        """Put a value of another file where one of the same name is, or anywhere."""
        header, about, body = take_apart(content)
        place = self.rng.choice(list(places(about)))
        theirs = self.rng.choice(self.donors)[1]
        known = [each for each in places(theirs) if each[-1:] == place[-1:]]
        found = self.rng.choice(known or list(places(theirs)))
        return put_together(header, self.put(about, place, at(theirs, found)), body)

    def keys(self, content: bytes) -> bytes:
        """Drop or add a key or an element."""
        header, about, body = take_apart(content)
        whole = {"header": header, "about": about}
        inner = [at(whole, place) for place in places(whole)]
        inner = [each for each in inner if isinstance(each, dict | list) and each is not whole]
        chosen = self.rng.choice([each for each in inner if each] or [about])
        if self.rng.random() < 0.5:
            del chosen[
                self.rng.choice([*chosen] if isinstance(chosen, dict) else range(len(chosen)))
            ]
        elif isinstance(chosen, dict):
            key = self.rng.choice(("x", "kind", "", "__class__", "estimator"))
            chosen[key] = deepcopy(self.rng.choice(OTHERS))
        else:
            added = deepcopy(self.rng.choice([*OTHERS, *chosen]))
            chosen.insert(self.rng.randrange(len(chosen) + 1), added)
        return put_together(header, about, body)

    def twice(self, content: bytes) -> bytes:
        """Say a key twice, in the JSON or in the header."""
        header, about, body = take_apart(content)
        text = put_together(header, about, b"")[8:].decode()
        mark = self.rng.choice(('{\\"', '{"'))
        spots = [i for i in range(len(text)) if text.startswith(mark, i)]
        if not spots:
            return self.flip(content)
        spot = self.rng.choice(spots) + 1
        quote = '\\"' if mark == '{\\"' else '"'
        key = text[spot:].split(quote, 2)[1]
        again = f"{quote}{key}{quote}:{self.rng.choice(('null', '1', '[]', '{}'))},"
        return put_together(text[:spot] + again + text[spot:], "", body)

    def deep(self, content: bytes) -> bytes:
        """Wrap a value into very many others."""
        header, about, body = take_apart(content)
        depth = self.rng.choice((10, 100, 400, 900, 5000, 100_000))
        before, after = self.rng.choice(
            (
                ("[", "]"),
                ('{"a":', "}"),
                ('{"tuple":[', "]}"),
                ('{"kind":"Stack","layers":[', "]}"),
                ('{"kind":"Concat","stacks":[', "]}"),
                ('{"kind":"Residual","layers":[', "]}"),
            )
        )
        place = self.rng.choice([each for each in places(about) if each])
        inside = json.dumps(at(about, place))
        mark = "@HERE@"
        text = json.dumps(self.put(about, place, mark))
        return put_together(
            header, text.replace(f'"{mark}"', before * depth + inside + after * depth), body
        )

    def entries(self, content: bytes) -> bytes:
        """Let arrays overlap, leave gaps, be of other shapes and dtypes, or change places."""
        header, about, body = take_apart(content)
        names = [name for name in header if name != "__metadata__"]
        one, other = self.rng.choice(names), self.rng.choice(names)
        entry = header[one]
        key = self.rng.choice(("dtype", "shape", "data_offsets", "swap", "name"))
        if key == "swap":
            header[one], header[other] = header[other], entry
        elif key == "name":
            header[self.rng.choice(("W1", "W99", "estimator.taught", "x", ""))] = header.pop(one)
        elif key == "dtype":
            entry[key] = self.rng.choice(
                ("F16", "F32", "F64", "I64", "U64", "BOOL", "U8", "", 7, None)
            )
        elif key == "shape":
            shape = self.rng.choice(([], [0], [-1], entry[key][::-1], [1, *entry[key]], "x", None))
            entry[key] = self.rng.choice((shape, [self.rng.choice(HUGE)], [*entry[key][:-1], 1.0]))
        else:
            start, stop = entry[key]
            by = self.rng.choice((-8, -4, -1, 1, 4, 8, 2**40, 2**63))
            pairs = ([start + by, stop + by], [start, stop + by], [start + by, stop], [stop, start])
            entry[key] = self.rng.choice((*pairs, [start], [0, len(body)], header[other][key], "x"))
        return put_together(header, about, body)


def cuts(originals: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield files cut at every length; large ones at every length of their headers."""
    for name, content in originals.items():
        header = int.from_bytes(content[:8], "little") + 8
        for length in range(len(content) if len(content) < WHOLE else header):
            yield name, content[:length]


# ---- what a mutant is ----------------------------------------------------------------------------


class Watch:
    """What happens while a file is read: events of Python's audit hooks that touch the world."""

    HARMLESS = (
        "builtins.id",
        "object.__getattr__",
        "object.__setattr__",
        "sys._getframe",
        "code.__new__",
    )

    def __init__(self) -> None:
        self.on, self.path = False, ""
        self.seen: list[str] = []
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note an event, unless it is that the file is opened to be read."""
        if not self.on or event in self.HARMLESS:
            return
        if event != "open" or str(arguments[0]) != self.path or arguments[2] & WRITES:
            self.seen.append(f"{event} {arguments!r:.100}")


def said(model: Any) -> tuple[Any, dict[str, Any]]:
    """Return the JSON and the arrays that a model would be saved as."""
    kept: list[Any] = []
    modules = (networks, estimators)
    before = [module.write_container for module in modules]  # type: ignore[attr-defined]
    for module in modules:
        module.write_container = lambda path, *content: kept.extend(content)  # type: ignore
    try:
        model.save("")
    finally:
        for module, function in zip(modules, before, strict=True):
            module.write_container = function  # type: ignore[attr-defined]
    return json.loads(container.dumps(kept[0])), kept[1]


def beside(part: Any, whole: Any, here: str = "") -> str:
    """Return where JSON does not say, of the same type, what other JSON says, or nothing.

    The other may say more in a dict: what a file leaves out of a layer has its default.
    """
    if type(part) is not type(whole):
        return f"{here}: {part!r:.50}, {whole!r:.50}"
    pairs: Any = ()
    if isinstance(part, dict):
        pairs = [(key, part[key], whole.get(key, "no key")) for key in part]
    elif isinstance(part, list) and len(part) == len(whole):
        pairs = zip(range(len(part)), part, whole, strict=True)
    elif part != whole:
        return f"{here}: {part!r:.50}, {whole!r:.50}"
    return next(filter(None, (beside(a, b, f"{here}/{key}") for key, a, b in pairs)), "")


def listed(content: Any) -> None:
    """Make lists of single columns and categories, as layers do."""
    if isinstance(content, dict):
        for key in {"columns", "categories"} & content.keys():
            if type(content[key]) is int:
                content[key] = [content[key]]
    for inner in content.values() if isinstance(content, dict) else content:
        if isinstance(inner, dict | list):
            listed(inner)


def network_of(model: Any) -> gn.Network:
    """Return the network of a model."""
    if hasattr(model, "ensemble_"):
        return model.ensemble_.network
    return getattr(model, "network_", None) or getattr(model, "network", model)


def same(content: bytes, model: Any) -> str:
    """Return in what a model differs from what its file says, or nothing."""
    header, about, body = take_apart(content)
    again, arrays = said(model)
    for key in (
        "stored",
        "version",
        *(() if about["version"] > 1 else ("generators", "untouched")),
    ):
        about.pop(key, None)
    if about.get("table") is not None and about.get("estimator") is None:
        again["estimator"] = None  # what the command line wrote has no parameters
        again["table"]["target"] = about["table"]["target"]
    about["frozen"] = sorted({*about.get("frozen", []), *network_of(model).layout.fixed})
    listed(about)
    listed(again)
    if found := beside(about, again):
        return f"another JSON, {found}"
    del header["__metadata__"]
    if header.keys() != arrays.keys():
        return "other arrays"
    for name, entry in header.items():
        dtype = {"F32": "<f4", "F64": "<f8", "U64": "<u8"}[entry["dtype"]]
        array = np.frombuffer(body[slice(*entry["data_offsets"])], dtype)
        mine = arrays[name].ravel()
        mine = mine.astype(np.promote_types(mine.dtype, array.dtype))
        if not np.array_equal(mine, array.astype(mine.dtype), equal_nan=mine.dtype.kind == "f"):
            return f"another {name}"
    return ""


def predict(model: Any) -> None:
    """Let a model predict; what it says hangs on weights that may be anything: even too large."""
    try:
        _predict(model)
    except ValueError as error:
        if "can hold what the network makes" not in str(error):
            raise


def _predict(model: Any) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if isinstance(model, gn.Network):
            shape = np.shape(model.predict(np.zeros((2, model.inputs))))
            assert shape[-2:] == (2, model.outputs)
        elif isinstance(model, gn.SimpleNeuralNetwork):
            assert model.forward(np.zeros((2, model.input_size))).shape == (2, model.output_size)
        elif hasattr(model, "encoding_"):
            columns = {column.name: [None, None] for column in model.encoding_.columns}
            assert (
                len(
                    model.predict(columns if model.encoding_.named else [[None] * len(columns)] * 2)
                )
                == 2
            )
        else:
            assert len(model.predict(np.zeros((2, model.n_features_in_)))) == 2


class Fuzzer:
    """Reads mutants, and counts what came of them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "mutant.safetensors"
        self.watch = Watch()
        self.watch.path = str(self.path)
        self.came: dict[str, Counter[str]] = {}
        self.bad: list[tuple[str, str, bytes]] = []
        self.memory, self.slowest, self.read = 0.0, 0.0, 0

    def look(self, kind: str, content: bytes, timed: bool = True) -> str:
        """Read a mutant, and return what came."""
        self.path.write_bytes(content)
        self.watch.seen.clear()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        begun, model = perf_counter(), None
        self.watch.on = True
        try:
            model = gn.load(self.path)
            outcome = "read"
        except gn.ModelFileError as error:
            outcome = "refused"
            if "\n" in str(error) or not str(error).startswith(f"{self.path}: not a glassnet"):
                outcome = f"not one sentence: {error}"
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
        finally:
            self.watch.on = False
        seconds, peak = perf_counter() - begun, tracemalloc.get_traced_memory()[1] - before
        header = min(int.from_bytes(content[:8], "little"), len(content))
        self.slowest, self.memory = (
            max(self.slowest, seconds),
            max(self.memory, peak - 2 * len(content) - header),
        )
        if peak > 2 * len(content) + header + ALLOWANCE:
            outcome = f"{peak} bytes of memory for {len(content)}"
        if self.watch.seen:
            outcome = f"touched: {self.watch.seen[0]}"
        if timed and seconds > SLOWEST:
            outcome = f"{seconds:.0f} seconds"
        if outcome == "read":
            outcome = self.examine(content, model)
        self.came.setdefault(kind, Counter())[outcome] += 1
        if outcome not in ("refused", "read"):
            self.bad.append((kind, outcome, content))
        return outcome

    def examine(self, content: bytes, model: Any) -> str:
        """Return "read" if a model is what its file says, and predicts."""
        self.read += 1
        try:
            other = same(content, model)
            if other:
                return other
            if self.read % PREDICTED == 0:
                predict(model)
        except Exception as error:
            return f"after reading, {type(error).__name__}: {error}"
        return "read"


def originals() -> dict[str, bytes]:
    """Return the golden files of every version."""
    return {
        f"{path.parent.name}/{path.stem}": path.read_bytes()
        for path in sorted(GOLDEN.glob("*/*.safetensors"))
    }


def mutants(count: int, seed: int, sample: bool = False) -> Iterator[tuple[str, bytes]]:
    """Yield mutants and what was done to each; a sample is not cut at every length."""
    rng, given = random.Random(seed), originals()
    mutator = Mutator(list(given.values()), rng)
    cut = list(cuts(given))
    cut = rng.sample(cut, count // 13) if sample or len(cut) > count // 2 else cut
    for _, content in cut:
        yield "cut short", content
    names = list(mutator.kinds)
    for number in range(count - len(cut)):
        kind = names[number % len(names)]
        content = rng.choice(mutator.originals)
        changed = mutator.kinds[kind](content)
        if rng.random() < 0.1:  # two mutations
            with suppress(Exception):  # what cannot be taken apart any more stays as it is
                changed = mutator.kinds[rng.choice(names)](changed)
        yield kind, changed


def warm(fuzzer: Fuzzer) -> None:
    """Read every original once, so that all imports are done, and see that each is what it was."""
    for name, content in originals().items():
        fuzzer.path.write_bytes(content)
        model = gn.load(fuzzer.path)
        assert not (other := same(content, model)), f"{name}: {other}"
        predict(model)


Part = tuple[dict[str, Counter[str]], int, float, float]  # what came, wrong ones, memory, seconds


def part(count: int, seed: int) -> Part:
    """Read so many mutants in a process of its own."""
    begun = perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        fuzzer = Fuzzer(Path(folder))
        warm(fuzzer)
        tracemalloc.start()
        for number, (kind, content) in enumerate(mutants(count, seed), 1):
            outcome = fuzzer.look(kind, content)
            if outcome not in ("refused", "read") and len(fuzzer.bad) < SHOWN:
                print(f"seed {seed}, {number}, {kind}: {outcome:.300}", flush=True)
            if number % 5_000 == 0:
                print(f"seed {seed}: {number:,}, {perf_counter() - begun:.0f} s", flush=True)
        tracemalloc.stop()
    return fuzzer.came, len(fuzzer.bad), fuzzer.memory, fuzzer.slowest


def told(parts: list[Part], seed: int, seconds: float) -> str:
    """Return what came, as the page has it."""
    from report import grid

    came: dict[str, Counter[str]] = {}
    for each, *_ in parts:
        for kind, counts in each.items():
            came.setdefault(kind, Counter()).update(counts)
    rows: list[tuple[object, ...]] = []
    for kind, counts in came.items():
        wrong = counts.total() - counts["refused"] - counts["read"]
        found = (counts.total(), counts["refused"], counts["read"], wrong)
        rows.append((kind, *(f"{number:,}" for number in found)))
    count, memory = sum(counts.total() for counts in came.values()), max(each[2] for each in parts)
    return (
        f"{count:,} mutants of {len(originals())} golden files, seeds {seed} to "
        f"{seed + len(parts) - 1}, {seconds / 60:.0f} minutes. Memory beyond twice the file and "
        f"its header: {memory / 1024:.0f} KiB at most ({ALLOWANCE // 1024} allowed). The slowest "
        f"file took {max(each[3] for each in parts):.2f} seconds.\n\n"
        + grid(("what was done", "files", "refused", "read as they say", "wrong"), rows)
    )


def main() -> None:
    """Read as many mutants as were asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--report", action="store_true", help="write docs/fuzzing.md")
    asked, begun = parser.parse_args(), perf_counter()
    seeds = range(asked.seed, asked.seed + asked.processes)
    with ProcessPoolExecutor(asked.processes, get_context("spawn")) as pool:
        parts = list(pool.map(part, [asked.count // asked.processes] * asked.processes, seeds))
    text = told(parts, asked.seed, perf_counter() - begun)
    print(text)
    if asked.report:
        from report import section

        section("model files", text)
    sys.exit(any(wrong for _, wrong, *_ in parts))


if __name__ == "__main__":
    main()
