"""Mangled CSV files through the command line: python tests/fuzz/csvs.py COUNT.

Whatever the file, the exit code is 0 or 2; what is wrong is told in one line, and a traceback, a
warning of NumPy's or a hang is a failure.
"""

import contextlib
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from glassnet import cli

sys.path.insert(0, str(Path(__file__).parents[1]))
from fuzz import report

HANG = 60  # seconds that no command may take
APART = 10  # each so many files also meet a process of its own
FAST = ("--epochs", "1", "--members", "1", "--network", "4")
Mangle = Callable[[bytes, np.random.Generator], bytes]

# ---- tables --------------------------------------------------------------------------------------

HEAD = ["n", "size", "kind", "day", "count", "class", "quantity"]


def table(rng: np.random.Generator) -> bytes:
    """Return a table as it should be: numbers, words, dates, gaps, classes and a quantity."""
    rows = int(rng.integers(10, 50))
    lines = [
        [
            *(str(row), f"{rng.normal():.4f}", str(rng.choice(["a", "b", "é", ""]))),
            f"2026-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}",
            *(str(rng.integers(0, 2**62)), ("no", "yes")[row % 2], f"{rng.normal():.3g}"),
        ]
        for row in range(rows)
    ]
    return text(lines)


def text(lines: list[list[str]], head: list[str] = HEAD) -> bytes:
    """Return lines of cells as a file, nothing quoted."""
    return "\n".join(",".join(line) for line in [head, *lines]).encode() + b"\n"


def cells(content: bytes) -> list[list[str]]:
    return [line.split(",") for line in content.decode(errors="replace").splitlines()]


def column(name: str, value: Callable[[int, np.random.Generator], str]) -> Mangle:
    """Return what puts values into a column."""

    def mangle(content: bytes, rng: np.random.Generator) -> bytes:
        head, *lines = cells(content)
        for row, line in enumerate(lines):
            line[head.index(name)] = value(row, rng)
        return text(lines, head)

    return mangle


def renamed(names: Callable[[list[str], np.random.Generator], list[str]]) -> Mangle:
    """Return what gives columns other names."""

    def mangle(content: bytes, rng: np.random.Generator) -> bytes:
        head, *lines = cells(content)
        return text(lines, names(head, rng))

    return mangle


# ---- what happens to files -----------------------------------------------------------------------


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    data = bytearray(content)
    for place in rng.integers(0, len(data), rng.integers(1, 20)):
        data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def dropped(content: bytes, rng: np.random.Generator) -> bytes:
    begin = int(rng.integers(len(content)))
    return content[:begin] + content[begin + int(rng.integers(1, 40)) :]


def inserted(what: list[bytes]) -> Mangle:
    def mangle(content: bytes, rng: np.random.Generator) -> bytes:
        for _ in range(rng.integers(1, 4)):
            place = int(rng.integers(len(content) + 1))
            content = content[:place] + what[rng.integers(len(what))] + content[place:]
        return content

    return mangle


def swapped(old: bytes, new: list[bytes]) -> Mangle:
    return lambda content, rng: content.replace(old, new[rng.integers(len(new))])


def encoded(names: list[str]) -> Mangle:
    return lambda content, rng: content.decode().encode(names[rng.integers(len(names))])


def ragged(content: bytes, rng: np.random.Generator) -> bytes:
    lines = cells(content)
    line = lines[rng.integers(len(lines))]
    line[rng.integers(len(line)) :] = ["1"] * int(rng.integers(0, 12))
    return text(lines[1:], lines[0])


def wide(content: bytes, rng: np.random.Generator) -> bytes:
    head, *lines = cells(content)
    more = [f"{rng.integers(10)}" for _ in range(10_000)]
    rows = [line + more[row:] + more[:row] for row, line in enumerate(lines)]
    return text(rows, head + [f"w{place}" for place in range(10_000)])


def some(values: list[str]) -> Callable[[int, np.random.Generator], str]:
    return lambda row, rng: str(rng.choice(values))


ODD = [b"\x0b", b"\x0c", b"\x1c", b"\xc2\x85", b"\xe2\x80\xa8", b"[b]", b"\x1b[31m"]
BYTES: dict[str, Mangle] = {
    "as it is": lambda content, rng: content,
    "bytes flipped": flipped,
    "bytes missing": dropped,
    "cut off": lambda content, rng: content[: rng.integers(len(content))],
    "separators": swapped(b",", [b";", b"\t", b"|", b" "]),
    "line ends": swapped(b"\n", [b"\r\n", b"\r", b"\n\n"]),
    "mark in front": lambda content, rng: b"\xef\xbb\xbf" + content,
    "UTF-16": encoded(["utf-16", "utf-16-le", "utf-16-be"]),
    "Latin-1": encoded(["latin-1"]),
    "NUL": inserted([b"\0"]),
    "quotes": inserted([b'"', b'""', b'"\n', b',"', b'",']),
    "odd signs": inserted(ODD),
    "ragged": ragged,
    "names twice": renamed(lambda head, rng: [str(rng.choice(head)) for _ in head]),
    "names empty": renamed(lambda head, rng: [name * int(rng.integers(2)) for name in head]),
    "names odd": renamed(lambda head, rng: [f"[{name}]\x1b=é%s" for name in head[:5]] + head[5:]),
    "no header": lambda content, rng: content.partition(b"\n")[2],
    "header only": lambda content, rng: content.partition(b"\n")[0],
    "one row": lambda content, rng: b"\n".join(content.split(b"\n")[:2]),
    "10,000 columns": wide,
    "a huge field": inserted([b"x" * 140_000, b"9" * 5_000]),
    "a huge number": column("size", some(["9" * 400, "-" + "9" * 400, "1e999", "1"])),
    "empty": lambda content, rng: b"",
    "spaces": lambda content, rng: b" \n" * int(rng.integers(5)),
    "gzip": lambda content, rng: gzip.compress(content),
    "PNG": lambda content, rng: b"\x89PNG\r\n\x1a\n" + rng.bytes(200),
    "random bytes": lambda content, rng: rng.bytes(int(rng.integers(1, 2000))),
    "random text": lambda content, rng: bytes(rng.choice(list(b'ab1,;\t|"\n\r .-e'), 300).tolist()),
    "beginning of Parquet": lambda content, rng: b"PAR1" + content,
    "Parquet around it": lambda content, rng: b"PAR1" + content + b"PAR1",
}  # fmt: skip
VALUES: dict[str, Mangle] = {
    "classes missing": column("class", some(["yes", "no", "NA", "NaN", ""])),
    "one class": column("class", some(["yes"])),
    "one class and gaps": column("class", some(["yes", ""])),
    "classes all different": column("class", lambda row, rng: f"c{row}"),
    "a class once": column("class", lambda row, rng: "once" if row == 3 else "often"),
    "no target": column("class", some([""])),
    "target of gaps": column("quantity", some(["1.5", "2.5", "nan", "NA", "-3.25"])),
    "target endless": column("quantity", some(["inf", "-inf", "1.5"])),
    "target huge": column("quantity", some(["1.7e308", "-1.7e308", "1e12", "1e-300", "0.5"])),
    "target mixed": column("quantity", some(["1.5", "x", "2026-01-01"])),
    "target of dates": column("quantity", lambda row, rng: f"2026-01-{row % 28 + 1:02d}"),
    "dates that are none": column("day", some(["2026-13-45", "2026-02-30", "0000-00-00"])),
    "dates of all kinds": column("day", some(["2026-01-01T25:00", "9999-12-31", "1.1.2026"])),
    "mixed types": column("size", some(["1", "x", "2026-01-01", "True", "", "1e5", "1_000"])),
    "extremes": column("size", some(["1.7e308", "-1.7e308", "1e-320", "0", "1e30", "inf", "nan"])),
    "nearly alike": column("size", some(["1", "1.0000000000000002", "1e300"])),
    "huge integers": column("count", some([str(2**63), str(2**64), "9" * 60, str(-(2**70))])),
    "decimal commas": column("size", some(['"1,5"', '"2,5"', "3"])),
}  # fmt: skip
MANGLES = BYTES | VALUES


def mangled(number: int) -> tuple[str, bytes]:
    """Return what happened to a file, and its content: one thing after another, mostly one."""
    rng = np.random.default_rng([number, 17])  # 17 as well as another: a sequence of files
    names = list(MANGLES)
    name, content = names[number % len(names)], table(rng)
    content = MANGLES[name](content, rng)
    if rng.random() < 0.3:
        other = str(rng.choice(["bytes flipped", "bytes missing", "cut off", "quotes"]))
        content = BYTES[other](content, rng) if content else content
    return name, content


# ---- the command line ----------------------------------------------------------------------------


def here(arguments: list[str]) -> tuple[int, str, str]:
    """Run a command in this process: its exit code, output, and what it tells."""
    out, told = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(told),
        warnings.catch_warnings(),
    ):
        warnings.resetwarnings()
        warnings.simplefilter("error", RuntimeWarning)  # NumPy's
        code = cli.run(arguments)
    return code, out.getvalue(), told.getvalue()


def in_a_process(arguments: list[str]) -> tuple[int, str, str]:
    """Run a command in a process of its own."""
    given = {
        "PYTHONPATH": str(Path(cli.__file__).parents[2]),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONWARNINGS": "error::RuntimeWarning",
    }
    done = subprocess.run(
        [sys.executable, "-m", "glassnet", *arguments],
        check=False,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=HANG,
        env={**os.environ, **given},
    )
    return done.returncode, done.stdout, done.stderr


def check(code: int, out: str, told: str, arguments: list[str]) -> None:
    """Make sure that a command ended as commands should."""
    lines = told.splitlines()
    assert code in (0, 2), f"exit code {code}: {told}"
    assert all(line.startswith("glassnet: ") for line in lines), f"told {told!r}"
    assert "Warning" not in told, told
    assert code == 0 or lines, "refused without a word"
    assert code == 0 or len(lines[-1]) < 2000, f"a long complaint: {lines[-1][:300]}"
    if code == 0 and "--json" in arguments:
        json.loads(out)


def through(run: Callable[[list[str]], tuple[int, str, str]], number: int, good: str) -> list[int]:
    """Let a mangled file be learned and predicted; return the exit codes."""
    path = Path(f"{number}.csv")
    path.write_bytes(mangled(number)[1])
    target = ("class", "quantity")[number % 3 == 0]
    form = ["--json"] if number % 2 else []
    model = f"{number}.safetensors"
    commands = [
        ["train", str(path), "--target", target, *FAST, "--output", model, *form],
        ["predict", good, str(path), *form],
        ["predict", str(path), good],
    ]
    codes = []
    for arguments in commands:
        ended = run(arguments)
        check(*ended, arguments)
        codes.append(ended[0])
    if codes[0] == 0:  # what was learned can be used on the same file
        ended = run(["predict", model, str(path), *form])
        check(*ended, arguments)
        assert ended[0] == 0, f"learned, and not predicted: {ended[2]}"
        codes.append(0)
    return codes


def prepare() -> str:
    """Make a model of a good table, and a folder in the place of a file."""
    Path("good.csv").write_bytes(table(np.random.default_rng(0)))
    train = ["train", "good.csv", "--target", "class", *FAST, "--output", "good.safetensors"]
    assert here(train)[0] == 0
    Path("folder.csv").mkdir()
    for arguments in (["train", "folder.csv", "--target", "class"], ["predict", "folder.csv", "x"]):
        ended = here(arguments)
        check(*ended, arguments)
        assert ended[0] == 2
    return "good.safetensors"


def _late(*_: object) -> None:
    raise AssertionError(f"a command took more than {HANG} seconds")


def examine(numbers: range, apart: int = APART) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Go through some files; return how each kind ended, and what failed."""
    ends, failed = Counter[tuple[str, str]](), []
    good = prepare()
    before = signal.signal(signal.SIGALRM, _late)
    for number in numbers:
        for run in (here, in_a_process) if number % apart == 0 else (here,):
            name = mangled(number)[0]
            signal.alarm(4 * HANG)
            try:
                codes = through(run, number, good)
            except Exception:
                failed.append(f"{name}, {number}\n{traceback.format_exc()}")
                ends[name, "failed"] += 1
                continue
            ends[name, "learned" if codes[0] == 0 else "refused"] += 1
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    return ends, failed


def main(count: int) -> int:
    """Go through so many files, and keep in the docs how they ended."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        ends, failed = examine(range(count))
    print(*failed, sep="\n")
    rows = [(name, ends[name, "learned"], ends[name, "refused"]) for name in MANGLES]
    text = report.grid(("what happened to the file", "learned", "refused"), rows)
    total = sum(ends.values())
    text += f"\n\n{count} files, {total} times through the commands, {len(failed)} failures; "
    text += f"{total / (time.perf_counter() - start):.0f} a second."
    print(text)
    if not failed:
        report.section("csvs", text)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
