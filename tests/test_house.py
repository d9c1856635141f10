"""The house: who may know whom, how much the core says, and what it needs."""

import ast
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import glassnet

SOURCE = Path(glassnet.__file__).parent
# every room knows those before it and none behind it; a room may also look into its neighbours
HOUSE = [
    {"vocabulary", "checks"},
    {"value", "functions", "program", "planner"},
    {"initializers", "schedules"},
    {"parts"},
    {"activations", "parametric"},
    {"layers", "embeddings", "composites", "losses", "quantities", "optimizers", "metrics"},
    {"step"},
    {"base"},
    {"predicting"},
    {"network", "plan", "rows"},
    {"run"},
]
CORE = set().union(*HOUSE)
# the books: formulas beside each other, each read by itself, so they do not count as one sitting
BOOKS = {"initializers", "schedules", "activations", "parametric", "layers", "embeddings"}
BOOKS |= {"composites", "losses", "quantities", "optimizers", "metrics"}
BUDGET, LONGEST = 1200, 16


def tree(name: str) -> ast.Module:
    return ast.parse((SOURCE / f"{name}.py").read_text(encoding="utf-8"))


def imports(name: str) -> set[str]:
    """Return what a module imports when it is imported itself, not what its functions look up."""
    found: set[str] = set()
    for node in tree(name).body:
        if isinstance(node, ast.ImportFrom) and node.module == "glassnet":
            found |= {f"glassnet.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("name", sorted(CORE))
def test_a_room_knows_nobody_behind_it(name: str) -> None:
    floor = next(i for i, rooms in enumerate(HOUSE) if name in rooms)
    allowed = set().union(*HOUSE[: floor + 1])
    for module in imports(name):
        top = module.split(".")[0]
        if top == "glassnet":
            assert module.split(".")[1] in allowed, f"{name} knows {module}"
        else:
            assert top == "numpy" or top in sys.stdlib_module_names, f"{name} needs {module}"


def counts(node: ast.AST) -> bool:
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    imported = isinstance(node, ast.Import | ast.ImportFrom)
    return isinstance(node, ast.stmt) and not docstring and not imported


def test_the_core_reads_in_one_sitting() -> None:
    """Statements are counted by ast: all of them but imports and docstrings."""
    statements = {name: sum(map(counts, ast.walk(tree(name)))) for name in CORE - BOOKS}
    total = sum(statements.values())
    assert 300 < total <= BUDGET, statements


@pytest.mark.parametrize("name", sorted(BOOKS))
def test_a_formula_fits_into_a_few_lines(name: str) -> None:
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.FunctionDef):
            length = sum(map(counts, ast.walk(node))) - 1
            assert length <= LONGEST, f"{name}.{node.name} has {length} statements"


def test_the_core_prints_nothing() -> None:
    for name in CORE:
        calls = [node.func for node in ast.walk(tree(name)) if isinstance(node, ast.Call)]
        assert not [c for c in calls if isinstance(c, ast.Name) and c.id == "print"], name


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.name)
def test_files_are_one_concept_long(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 400
    assert max(map(len, lines), default=0) <= 100


def test_everything_public_has_a_docstring_and_classes_show_a_number() -> None:
    for name in glassnet.__all__:
        public = getattr(glassnet, name)
        assert (public.__doc__ or "").strip(), name
        assert not public.__doc__.startswith(f"{name}("), f"{name} has only a made-up docstring"


# what a network is built from: `import glassnet` brings these rooms and no other
BROUGHT = {"vocabulary", "checks", "value", "functions", "program", "planner", "initializers"}
BROUGHT |= {"parts", "schedules", "activations", "layers", "losses", "quantities", "metrics"}
BROUGHT |= {"step", "base", "predicting", "network"}
IMPORTED = """
import sys, dataclasses, numpy.typing
before = {*sys.modules}
import glassnet as gn
print(*{*sys.modules} - before)
gn.Network([gn.Dense(2, "tanh"), gn.Dense(1)], 2)
print(*(name for name in {*sys.modules} - before if name.startswith("glassnet")))
"""


def test_an_import_brings_what_a_network_is_built_from_and_no_more() -> None:
    run = subprocess.run(
        [sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True
    )
    imported, built = map(str.split, run.stdout.splitlines())
    rooms = {"glassnet", *(f"glassnet.{room}" for room in BROUGHT)}
    assert set(imported) == rooms, "beside NumPy and dataclasses"
    assert set(built) == rooms


def test_what_comes_later_is_what_a_checker_sees() -> None:
    (block,) = (
        node
        for node in tree("__init__").body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == glassnet.LATER
    assert {*glassnet.__all__, *glassnet.LATER} <= {*dir(glassnet)}
    slip = "Netwrok"
    with pytest.raises(AttributeError, match=f"module 'glassnet' has no attribute '{slip}'"):
        getattr(glassnet, slip)


NUMPY_ONLY = """
import sys, types
class Nothing:
    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        if top not in {"numpy", "glassnet"} and top not in sys.stdlib_module_names:
            raise ImportError(f"this environment has no {top}")
sys.meta_path.insert(0, Nothing())
import numpy as np, glassnet as gn
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]); y = np.array([0, 1, 1, 0])
net = gn.Network([gn.Dense(4, "tanh"), gn.Dense(1)], 2, loss="binary_cross_entropy", seed=0)
net.fit(X, y, epochs=300, batch_size=None, optimizer=gn.Adam(0.1))
assert (net.predict(X).round().ravel() == y).all()
print(net.program())
known = sys.stdlib_module_names | {"numpy", "glassnet", "cython_runtime"}
extra = {m.split(".")[0] for m in sys.modules} - known
print("extra:", sorted(name for name in extra if not name.startswith("_")))
"""


def test_the_core_runs_where_there_is_nothing_but_numpy(tmp_path: Path) -> None:
    """A folder that holds NumPy and glassnet, and no site-packages beside them."""
    packages = Path(sysconfig.get_path("purelib"))
    for part in ("numpy", "numpy.libs"):
        if (packages / part).exists():
            (tmp_path / part).symlink_to(packages / part)
    (tmp_path / "glassnet").symlink_to(SOURCE)
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", "-c",
         f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n" + NUMPY_ONLY],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "a1 = tanh(z1)" in run.stdout
    assert run.stdout.strip().endswith("extra: []")
