"""Standalone scripts: where there is nothing but NumPy, they print glassnet's own digits."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from helpers import Case

RUNNER = """
import contextlib, io, json, runpy, sys, warnings
warnings.simplefilter("ignore")
import numpy
import importlib.util
assert importlib.util.find_spec("glassnet") is None, "glassnet must not be there"
said = {}
for path in sys.argv[1:]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        runpy.run_path(path, run_name="__main__")
    said[path] = out.getvalue()
print(json.dumps(said))
"""


def run_alone(tmp_path: Path, *scripts: Path) -> dict[str, str]:
    """Run scripts where NumPy is all there is; return what each printed."""
    packages, alone = Path(sysconfig.get_path("purelib")), tmp_path / "alone"
    alone.mkdir(exist_ok=True)
    for part in ("numpy", "numpy.libs"):
        if (packages / part).exists() and not (alone / part).exists():
            (alone / part).symlink_to(packages / part)
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(alone)!r})\n"
         + RUNNER, *map(str, scripts)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    said: dict[str, str] = json.loads(run.stdout)
    return said


def expected(net: gn.Network, X: Any, y: Any, **options: Any) -> str:
    """Return what the script should print, from a training of the network itself."""
    history = net.fit(X, y, **options)
    assert history.diverged is None
    lines = [
        f"epoch {epoch}: loss {loss!r}"
        for epoch, loss in zip(history.epoch, history.loss, strict=True)
    ]
    return "\n".join([*lines, str(net.predict(X).tolist()), ""])


@pytest.mark.parametrize("part", range(5))
def test_200_random_networks_print_the_same_digits(part: int, tmp_path: Path) -> None:
    scripts, wanted = [], {}
    for seed in range(40 * part, 40 * part + 40):
        case = Case(seed)
        case.members = 1
        path = tmp_path / f"net{seed}.py"
        options = {
            "epochs": 1 + seed % 4, "every": 1 + seed % 2, "batch_size": case.batch,
            "optimizer": case.rule, "sample_weight": case.w, **case.options,
        }  # fmt: skip
        net = case.make()
        before = net.theta.copy()
        text = net.to_script(path, X=case.table, y=case.y, **options)
        assert net.theta.tobytes() == before.tobytes()
        assert text == path.read_text()
        assert "glassnet" not in text.split('"""')[2]
        wanted[str(path)] = expected(net, case.table, case.y, **options)
        scripts.append(path)
    said = run_alone(tmp_path, *scripts)
    wrong = [path for path in wanted if said[path] != wanted[path]]
    assert not wrong, (wrong, said[wrong[0]], wanted[wrong[0]])


def test_a_digit_in_a_line_makes_a_difference(tmp_path: Path) -> None:
    """The comparison sees one weight that is off in its twelfth digit."""
    X, y = np.eye(3), np.array([0.3, 0.1, 0.7])
    net = gn.Network([gn.Dense(2, "tanh"), gn.Dense(1)], 3, dtype="float64", seed=0)
    path = tmp_path / "net.py"
    text = net.to_script(path, X=X, y=y, epochs=2)
    weight = float(net.theta[0])
    broken = text.replace(repr(weight), repr(weight * (1 + 1e-12)), 1)
    assert broken != text
    path.write_text(broken)
    assert run_alone(tmp_path, path)[str(path)] != expected(net, X, y, epochs=2)


def test_a_trained_network_predicts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 4)), rng.integers(0, 3, 30)
    net = gn.Network(
        [gn.Dense(5, "gelu"), gn.Dropout(0.3), gn.Dense(3)],
        4, loss="multiclass_cross_entropy", seed=1,
    )  # fmt: skip
    net.fit(X, y, epochs=5)
    path = tmp_path / "net.py"
    text = net.to_script(path, X=X)
    assert "rng" not in text
    assert "gradient" not in text
    assert run_alone(tmp_path, path)[str(path)] == f"{net.predict(X).tolist()}\n"


def test_large_tables_lie_beside_the_script(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((900, 7)), rng.standard_normal(900)
    net = gn.Network([gn.Dense(3, "tanh"), gn.Dense(1)], 7, seed=1)
    path = tmp_path / "net.py"
    text = net.to_script(path, X=X, y=y, epochs=2, batch_size=128)
    assert len(text) < 30_000
    assert sorted(np.load(tmp_path / "net.npz").files) == ["X"]
    assert run_alone(tmp_path, path)[str(path)] == expected(net, X, y, epochs=2, batch_size=128)


def test_lbfgs_calls_scipy(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 3)), rng.standard_normal(30)
    net = gn.Network([gn.Dense(4, "tanh"), gn.Dense(1)], 3, dtype="float64", seed=1)
    path = tmp_path / "net.py"
    net.to_script(path, X=X, y=y, epochs=12, optimizer="lbfgs", l2=0.01)
    run = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True)
    assert run.stdout == expected(net, X, y, epochs=12, optimizer="lbfgs", l2=0.01)


class CountingRows(gn.Layer):
    """A layer whose lines depend on the number of rows in its own way."""

    def forward(self, x: Any, p: Any, rng: Any) -> tuple[Any, Any]:
        return x * (1 + x.shape[-2] / 7), None

    def backward(self, kept: Any, dy: Any, p: Any, d: Any, need_dx: bool) -> Any:
        return dy * (1 + dy.shape[-2] / 7)


class Clocks(gn.Layer):
    """A layer with a table for each number of rows, and a local name that a reader might make."""

    def forward(self, x: Any, p: Any, rng: Any) -> tuple[Any, Any]:
        hours = np.cos(np.arange(x.shape[-2] * 1.0))[:, None]
        t = np.square(x) * hours
        return t + t * x, (x, hours, t)

    def backward(self, kept: Any, dy: Any, p: Any, d: Any, need_dx: bool) -> Any:
        x, hours, t = kept
        return dy * (2 * x * hours + 3 * t)


class Doubled(gn.Layer):
    """A layer that wants a value twice which it gives no name."""

    def forward(self, x: Any, p: Any, rng: Any) -> tuple[Any, Any]:
        return self.product(np.sin(x)), x

    def product(self, *both: Any) -> Any:
        return both[0] * both[0]

    def backward(self, kept: Any, dy: Any, p: Any, d: Any, need_dx: bool) -> Any:
        return dy * np.sin(2 * kept)


def test_names_and_constants_of_one_function_are_not_those_of_another(tmp_path: Path) -> None:
    """Each function has its own tables, and what has no name gets none that is taken."""
    X, y = np.arange(20.0).reshape(10, 2) / 20, np.arange(10.0)
    layers = [gn.Scale(), Clocks(), Doubled(), Doubled(), gn.Dense(1)]
    net = gn.Network(layers, 2, dtype="float64", seed=1)
    path = tmp_path / "net.py"
    how = {"epochs": 2, "batch_size": 4, "optimizer": gn.SGD(1e-4)}
    text = net.to_script(path, X=X, y=y, **how)
    assert "def train_step_2(" in text
    assert run_alone(tmp_path, path)[str(path)] == expected(net, X, y, **how)


def test_what_depends_on_the_rows_otherwise_gets_a_function_for_each(tmp_path: Path) -> None:
    X, y = np.arange(20.0).reshape(10, 2) / 20, np.arange(10.0)
    net = gn.Network([CountingRows(), gn.Dense(1)], 2, dtype="float64", seed=1)
    path = tmp_path / "net.py"
    text = net.to_script(path, X=X, y=y, epochs=2, batch_size=4)
    assert "def train_step_4(" in text
    assert "def train_step_2(" in text
    assert run_alone(tmp_path, path)[str(path)] == expected(net, X, y, epochs=2, batch_size=4)


def test_a_number_that_happens_to_be_a_share_stays(tmp_path: Path) -> None:
    """With 4 rows 1 / rows is 0.25, and so is the drop rate's other side."""
    X, y = np.arange(8.0).reshape(4, 2) / 8, np.arange(4.0)
    net = gn.Network([gn.Dropout(0.75), gn.Dense(1)], 2, dtype="float64", seed=1)
    text = net.to_script(tmp_path / "net.py", X=X, y=y, epochs=2, batch_size=None)
    assert "draw1 < 0.25)" in text
    assert "* share" in text


def test_refusals() -> None:
    net = gn.Network([gn.Dense(1)], 2, seed=0)
    X, y = np.eye(2), np.array([0.0, 1.0])
    with pytest.raises(ValueError, match="epochs: expected at least 1, got 0"):
        net.to_script("net.py", X, y, epochs=0)
    with pytest.raises(TypeError, match=r"options: expected some of .*, got 'lr'"):
        net.to_script("net.py", X, y, lr=1)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        net.to_script("no/such/folder/net.py", X, y)
    net.spread(2)
    with pytest.raises(ValueError, match="to_script: expected one network, got 2 members"):
        net.to_script("net.py", X, y)
