"""The pages: every block of them runs, they build without a warning, and nothing public is missing.

A page is Markdown. Its fenced blocks are of four kinds: ``pycon`` (doctests, one namespace a page),
``python`` (run from top to bottom, each by itself), ``console`` (commands) and ``text`` (drawings).
"""

import contextlib
import doctest
import importlib
import inspect
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpydoc.validate
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from numpydoc.docscrape import NumpyDocString

import glassnet
from glassnet import fitting
from glassnet.plan import Plan
from glassnet.training import OPTIONS
from test_house import BOOKS, HOUSE

ROOT = Path(__file__).parents[1]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
DIRECTIVES = ("{toctree}", "{include}")  # of Sphinx: no code
DRAWN = re.compile("[─│┌┐└┘├┤┬┴┼▶▼→]")


# ---- running a page ------------------------------------------------------------------------------


def complaints(text: str, folder: Path) -> Iterator[str]:
    """Yield what is wrong with a page's blocks, which are run in a folder."""
    names: dict[str, Any] = {"__name__": "page"}
    for block in MarkdownIt().parse(text):
        line = (block.map or [0])[0] + 1
        for what in _complaints(block, names, folder):
            yield f"line {line}: {what}"


def _complaints(block: Token, names: dict[str, Any], folder: Path) -> Iterator[str]:
    if block.type == "code_block":
        yield "indented code: expected a fence that says its language"
    if block.type == "inline" and re.search(r"(^|\n)\s*(>>>|\$ )", block.content):
        yield "a prompt outside of a fence"
    if block.type == "blockquote_open":
        yield "a quote: a prompt outside of a fence looks like one"
    if block.type != "fence" or block.info.split()[:1] in [[name] for name in DIRECTIVES]:
        return
    kinds = {"pycon": pycon, "python": python, "console": console, "text": drawing}
    if block.info not in kinds:
        yield f"expected a fence of {', '.join(kinds)}, got {block.info!r}"
        return
    if not block.content.strip():
        yield "an empty block"
    with contextlib.chdir(folder):
        yield from kinds[block.info](block.content, names)


def pycon(code: str, names: dict[str, Any]) -> Iterator[str]:
    """Run doctests in the page's namespace."""
    if not code.endswith("\n\n"):
        yield "expected a blank line before the closing fence"
    examples = doctest.DocTestParser().get_examples(code)
    if not examples:
        yield "expected a prompt, >>>"
    report = io.StringIO()
    test = doctest.DocTest(examples, names, "page", None, 0, code)
    test.globs = names  # a DocTest copies what it is given
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    if runner.run(test, out=report.write, clear_globs=False).failed:
        yield report.getvalue()


def python(code: str, names: dict[str, Any]) -> Iterator[str]:
    """Run a program in a namespace of its own."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, "page", "exec"), {"__name__": "__main__"})
    except Exception as error:
        yield f"{type(error).__name__}: {error}"


def console(code: str, names: dict[str, Any]) -> Iterator[str]:
    """Run commands, and compare what they show with what the page shows, if it does."""
    for part in re.split(r"^(?=\$ )", code, flags=re.MULTILINE):
        if not part.strip():
            continue
        command, _, shown = part.partition("\n")
        if not command.startswith("$ "):
            yield f"expected a line that begins with '$ ', got {command!r}"
            continue
        got = ""
        for words in _commands(command):
            try:
                got += _run(words)
            except ValueError as error:
                yield str(error)
        if shown.strip() and not doctest.OutputChecker().check_output(shown, got, FLAGS):
            yield f"{command}\nexpected:\n{shown}\ngot:\n{got}"


def _commands(line: str) -> Iterator[list[str]]:
    """Yield the commands of a line as words, programs without the folder of their environment."""
    words: list[str] = []
    for word in [*shlex.split(line.removeprefix("$ "), comments=True), "&&"]:
        if word == "&&":
            yield [words[0].removeprefix(".venv/bin/"), *words[1:]]
            words = []
        else:
            words.append(word)


def _run(words: list[str]) -> str:
    """Run a command, or make sure that it is one; return what it printed."""
    program, *rest = words
    if program == "glassnet":
        return _glassnet(rest)
    if program == "pip" and rest[:1] == ["install"]:
        extras = re.findall(r"\[(.*?)\]", " ".join(rest))
        unknown = {name for each in extras for name in each.split(",")} - project_extras()
        if unknown:
            raise ValueError(f"pip install: no such extra in pyproject.toml: {sorted(unknown)}")
    elif program == "make":
        unknown = set(rest) - make_targets()
        if unknown or not rest:
            raise ValueError(f"make: no such target: {sorted(unknown)}")
    elif words not in (["python", "-m", "venv", ".venv"], ["python", "-m", "pytest"]):
        raise ValueError(f"expected glassnet, pip install or make, got {shlex.join(words)!r}")
    return ""


def _glassnet(words: list[str]) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "glassnet", *words],
        env={**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if run.returncode:
        raise ValueError(f"glassnet {shlex.join(words)}: exit code {run.returncode}, {run.stderr}")
    return run.stdout


def drawing(code: str, names: dict[str, Any]) -> Iterator[str]:
    """Make sure that a text is a drawing, and no code that nobody runs."""
    if not DRAWN.search(code) or ">>>" in code or "$ " in code:
        yield "expected a drawing, with lines or arrows"


def project_extras() -> set[str]:
    with open(ROOT / "pyproject.toml", "rb") as file:
        return set(tomllib.load(file)["project"]["optional-dependencies"])


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """Return a folder with the table that the pages use."""
    (tmp_path / "examples").mkdir()
    for example in ("penguins.csv", "from_scratch.py"):
        shutil.copy(ROOT / "examples" / example, tmp_path / "examples")
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_runs(page: Path, beside: Path) -> None:
    wrong = list(complaints(page.read_text(encoding="utf-8"), beside))
    assert not wrong, "\n".join(wrong)


def test_what_a_page_includes_is_there() -> None:
    """A part that is included begins and ends at lines that there are, each once."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for name, options in re.findall(r"```\{include\} (\S+)\n(.*?)```", text, re.S):
            source = (page.parent / name).read_text(encoding="utf-8")
            for mark in re.findall(r':(?:start|end)-\w+: "?(.*?)"?$', options, re.M):
                assert source.count(f"{mark}\n") == 1, (page.name, mark)


# ---- the check, checked --------------------------------------------------------------------------

GOOD = """
```pycon
>>> x = 1
>>> x + 1
2

```

```pycon
>>> x
1

```

```python
import sys
print(sys.version)
```

```console
$ make test    # a comment
$ python -m venv .venv && .venv/bin/pip install -e ".[cli,dev]"
```

```text
a ──> b
```

```{toctree}
api
```
"""


def test_a_good_page_passes(tmp_path: Path) -> None:
    assert not list(complaints(GOOD, tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (">>> x + 1\n2", ">>> x + 1\n3", "Expected:\n    3"),
        (">>> x + 1\n2", ">>> x + 1 / 0\n2", "ZeroDivisionError"),
        (">>> x + 1\n2\n", "x + 1\n", "Got nothing"),
        (">>> x\n1\n\n```", ">>> x\n1\n```", "blank line before the closing fence"),
        (">>> x\n1\n", "1\n", "expected a prompt"),
        ("```pycon\n>>> x = 1", "```pycon\n>>> y = 1", "name 'x' is not defined"),
        ("import sys\n", "import sis\n", "ModuleNotFoundError"),
        ("print(sys", "print(x, sys", "name 'x' is not defined"),
        ("print(sys", "print(sys x", "SyntaxError"),
        ("```python", "```", "expected a fence of"),
        ("```python", "```py", "expected a fence of"),
        ("```python", "```sh", "expected a fence of"),
        ("```{toctree}", "```{code-block} python", "expected a fence of"),
        ("```pycon\n>>> x\n1\n\n```", ">>> x\n1", "a quote"),
        ("```pycon\n>>> x\n1\n\n```", "so\n$ make it", "a prompt outside"),
        ("```pycon\n>>> x\n1\n\n```", "    >>> x\n    1", "indented code"),
        ("make test", "make tests", r"no such target: \['tests'\]"),
        ("make test", "make", "no such target"),
        ("cli,dev", "cli,deb", r"no such extra in pyproject.toml: \['deb'\]"),
        ("$ make", "make", "begins with '\\$ '"),
        ("make test", "rm -rf .", "expected glassnet, pip install or make"),
        ("make test", "make test && rm -rf .", "expected glassnet, pip install or make"),
        ("make test", "glassnet trian", "exit code 2"),
        ("make test    # a comment", "glassnet --help\nusage: nobody", "expected:\nusage: nobody"),
        ("a ──> b", "a = 1", "expected a drawing"),
        ("a ──> b", "$ a ──> b", "expected a drawing"),
        ("a ──> b\n", "\n", "empty block"),
    ],
)
def test_a_wrong_block_is_found(old: str, new: str, why: str, tmp_path: Path) -> None:
    assert GOOD.count(old) >= 1
    wrong = list(complaints(GOOD.replace(old, new, 1), tmp_path))
    assert any(re.search(why, each) for each in wrong), wrong


# ---- the pages as a whole ------------------------------------------------------------------------


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Build pages as `make docs` does."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html"),
            *(folder / "docs", folder / "html"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def copied(folder: Path) -> Path:
    """Copy the sources of the pages, without what was built of them."""
    built = shutil.ignore_patterns("_build", "_api")
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=built)
    (folder / "benchmarks").mkdir()
    results = [*(ROOT / "benchmarks").glob("*.md"), *(ROOT / "benchmarks").glob("*.svg")]
    for page in [*ROOT.glob("*.md"), *results]:
        shutil.copy(page, folder / page.relative_to(ROOT))
    return folder


def test_the_pages_build_without_a_warning(tmp_path: Path) -> None:
    run = build(copied(tmp_path))
    assert run.returncode == 0, run.stderr
    assert not run.stderr
    html = tmp_path / "html"
    assert "<math" in (html / "_api" / "glassnet.Dense.html").read_text(encoding="utf-8")
    for page in html.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r'(?:src|rel="stylesheet" href)="(?:https?:)?//', text), page


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("[lost](nowhere.md)", "nowhere"),
        ("{py:obj}`glassnet.Nobody`", "glassnet.Nobody"),
        ("$$\\nonsense$$", "nonsense"),
        ("### Too deep", "Non-consecutive header"),
    ],
)
def test_a_wrong_page_does_not_build(line: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "conf.py", tmp_path / "docs")
    for name in ("_static", "_templates"):
        shutil.copytree(ROOT / "docs" / name, tmp_path / "docs" / name)
    (tmp_path / "docs" / "index.md").write_text(f"# A page\n\n{line}\n", encoding="utf-8")
    run = build(tmp_path)
    assert run.returncode != 0
    assert why in run.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    """Also those that only a reader of the repository follows."""
    for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        assert link.startswith("https://") or (page.parent / link).is_file(), link


def test_the_design_tells_who_is_in_the_house() -> None:
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z, ]+) \| (?:NumPy|those above|the core|all above)", text, re.M)
    rooms = [set(row.split(", ")) for row in rows]
    assert rooms[: len(HOUSE)] == HOUSE
    parts = {path.stem for path in (ROOT / "src" / "glassnet").glob("[a-z]*")} - {"py"}
    assert set().union(*rooms) == parts


# ---- the reference -------------------------------------------------------------------------------

PUBLIC = sorted({*glassnet.__all__, *glassnet.LATER})
# of numpydoc's own checks those that say what we do; PR01 and PR02, where there is a section
CHECKS = {"GL03", "GL05", "GL06", "GL07", "GL08", "GL10", "SS01", "SS03", "SS04", "SS05", "SS06"}
CHECKS |= {"PR01", "PR02", "PR05", "PR06", "PR10", "RT02", "YD01"}
FORMULA = re.compile(r"\.\. math::|Source:|[^=<>!]= |<- |\*\* | ~ ")
PLAIN = ("Constant", "initializers.ones", "initializers.zeros")  # there is nothing to say


def listed() -> set[str]:
    """Return the names that the reference lists."""
    lines = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8").splitlines()
    return {line.strip() for line in lines if re.fullmatch(r"   [\w.]+", line)}


def test_nothing_public_is_missing_in_the_reference() -> None:
    tables = ("initializers.INITIALIZERS", "metrics.METRICS")
    named = {
        f"{module}.{name}"
        for module, _, table in (each.partition(".") for each in tables)
        for name in getattr(importlib.import_module(f"glassnet.{module}"), table)
    }
    assert listed() == {*PUBLIC, *named}


def methods(name: str) -> list[str]:
    """Return the public methods and properties that a public class says itself."""
    thing = getattr(glassnet, name)
    if not inspect.isclass(thing):
        return []
    kinds = (property, classmethod, staticmethod)
    return [
        f"{name}.{own}"
        for own, value in vars(thing).items()
        if not own.startswith("_") and (inspect.isfunction(value) or isinstance(value, kinds))
    ]


def found(path: str) -> Any:
    """Return what a name in the reference stands for, or a method of it."""
    thing: Any = glassnet
    for part in path.split("."):
        thing = getattr(thing, part)
    return thing


def unsound(path: str) -> list[str]:
    """Return what numpydoc has to say of a docstring."""
    about, thing = numpydoc.validate.validate(f"glassnet.{path}"), found(path)
    errors = {code: why for code, why in about["errors"] if code in CHECKS}
    plain = isinstance(thing, property) or (
        inspect.isclass(thing) and issubclass(thing, BaseException)
    )
    kinds = [] if plain else inspect.signature(thing).parameters.values()
    named = any(each.kind is each.VAR_KEYWORD for each in kinds)  # options are told one by one
    if named or not re.search(r"^ *Parameters\n", about["docstring"], re.M):
        errors.pop("PR01", None)
        errors.pop("PR02", None)
    return [f"{path}: {code} {why}" for code, why in errors.items()]


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings_are_sound(name: str) -> None:
    errors = [each for path in (name, *methods(name)) for each in unsound(path)]
    assert not errors, "\n".join(errors)


@pytest.mark.parametrize("name", sorted(listed()))
def test_docstrings_show_a_number(name: str) -> None:
    """Each has an example with a result; `pytest src` runs it."""
    thing = found(name)
    examples = doctest.DocTestParser().get_examples(thing.__doc__)
    assert any(example.want for example in examples)
    module = thing.__module__.removeprefix("glassnet.")
    if module in BOOKS and name not in PLAIN:
        assert FORMULA.search(thing.__doc__), f"{name} has no formula and no source"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("    rate : float", "    late : float", "PR02"),
        ("y = x s.", "y = x s", "SS03"),
        ("Parameters\n    ----------", "Arguments\n    ---------", "GL06"),
    ],
)
def test_an_unsound_docstring_is_found(
    old: str, new: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = glassnet.Scale.__doc__ or ""
    assert old in sound
    assert not unsound("Scale")
    monkeypatch.setattr(glassnet.Scale, "__doc__", sound.replace(old, new))
    with contextlib.suppress(UserWarning):
        assert code in "".join(unsound("Scale"))


def test_every_option_of_training_is_documented() -> None:
    """What `fit` and `train` take is what their docstrings tell."""
    taken = {*OPTIONS, *(field.name for field in fields(Plan))}
    taken |= set(inspect.signature(fitting.fit).parameters) - {"network", "X", "y", "options"}
    told: set[str] = set()
    for method in (glassnet.Network.fit, glassnet.Network.train):
        for parameter in NumpyDocString(inspect.getdoc(method))["Parameters"]:
            told |= set(parameter.name.split(", ")) - {"X", "y"}
    assert told == taken
