"""The referee: planted mistakes named, right networks left alone, awkward classes told apart."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tutorial_code import SimpleNeuralNetwork as TheTutorials

import glassnet as gn
from glassnet.insight.referee import Report, referee
from glassnet.insight.referee.lore import KINDS
from glassnet.insight.referee.userfile import DATA, build, check, size_role
from planted import awkward
from planted.newcomers import NEWCOMERS, newcomer
from planted.others import OTHERS, other
from planted.right import right
from planted.strangers import STRANGERS, stranger
from planted.table import MISTAKES, STYLES, network

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0], [1], [1], [0]])
LARGE = {"overflow", "log_of_zero", "division_by_zero"}  # found besides what is planted
KINDS_BEFORE = [[one.kinds for one in MISTAKES[:place]] for place in range(len(MISTAKES))]


def named(report: Report, wanted: str) -> bool:
    """Return whether the kinds that were wanted were named, and no others."""
    expected = set(wanted.split())
    return {kind for kind in report.kinds if kind in expected or kind not in LARGE} == expected


# ---- the table of planted mistakes ---------------------------------------------------------------


@pytest.mark.parametrize("place", range(len(MISTAKES)), ids=lambda i: f"{i}-{MISTAKES[i].kinds}")
def test_a_planted_mistake_is_named(place: int) -> None:
    """With 5 seeds (2, where the same was planted twice before): other weights, rows and sizes."""
    mistake = MISTAKES[place]
    for seed in range(5 if KINDS_BEFORE[place].count(mistake.kinds) < 2 else 2):
        nn, rows, targets, loss = network(mistake.style, mistake.changes, seed)
        targets = targets.reshape(-1) if mistake.flat else targets
        report = referee(nn, rows, targets, loss=loss)
        assert named(report, mistake.kinds), (seed, report.kinds, report.trouble)
        assert all(finding.kind in KINDS and finding.sentence for finding in report.findings)


LOTS = [
    *(("others", other, place) for place in range(len(OTHERS))),
    *(("strangers", stranger, place) for place in range(len(STRANGERS))),
    *(("newcomers", newcomer, place) for place in range(len(NEWCOMERS))),
]


@pytest.mark.parametrize(("lot", "make", "place"), LOTS, ids=lambda value: str(value)[:12])
def test_a_class_of_its_own_kind(lot: str, make: Any, place: int) -> None:
    for seed in range(2):
        nn, rows, targets, loss, wanted = make(place, seed)
        report = referee(nn, rows, targets, loss=loss)
        if wanted == "?":
            assert report.trouble
            assert report.right is None
        else:
            assert named(report, wanted), (seed, report.kinds, report.trouble)
        if wanted == "":
            assert report.right


@pytest.mark.parametrize("seed", range(100))
def test_a_right_network_is_right(seed: int) -> None:
    nn, rows, targets, loss = right(seed)
    for stated in (loss, None) if seed % 4 == 0 else (loss,):
        report = referee(nn, rows, targets, loss=stated)
        assert report.right is True, (report.kinds, report.trouble)
        assert report.findings == []


@pytest.mark.parametrize("style", STYLES)
def test_the_styles_themselves_are_right(style: str) -> None:
    for seed in range(2):
        nn, rows, targets, _ = network(style, (), seed)
        report = referee(nn, rows, targets)
        assert named(report, ""), (report.kinds, report.trouble)
        assert report.right is True or style == "model"  # which divides by p (1 - p)


# ---- the tutorial's own class --------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["binary_cross_entropy", None])
def test_the_tutorials_own_class_is_told_the_extra_slope(loss: str | None) -> None:
    report = referee(TheTutorials(2, 2, 1), X, y, loss=loss)
    assert report.right is False
    assert report.kinds == ["extra_slope", "sum_for_mean", "overflow", "log_of_zero"]
    first = report.findings[0]
    assert first.readings == ("the gradient of half the squared error",)
    assert "dL/dz = p - y" in first.algebra
    assert "dz2 = p - y" in first.fix
    text = str(report)
    assert max(map(len, text.splitlines())) <= 100
    text = " ".join(text.split())
    assert "Wrong: 2 mistakes, and 2 things that large numbers break." in text
    assert "overflow encountered in exp (tutorial_code.py, line 13)" in text


def test_cross_entropy_of_one_output_is_the_binary_one() -> None:
    assert referee(awkward.Good(), X, y, loss="cross_entropy").right


def test_ours_is_right() -> None:
    report = referee(gn.SimpleNeuralNetwork(2, 2, 1, seed=0), X, y, loss="binary_cross_entropy")
    assert report.right
    assert "Right: the gradient that it uses is the gradient of its loss." in str(report)


def test_for_squared_error_the_tutorials_slope_is_right() -> None:
    report = referee(TheTutorials(2, 2, 1), X, y, loss="squared_error")
    assert [kind for kind in report.kinds if kind not in LARGE] == ["sum_for_mean"]


# ---- what the object is left as, and what comes out ----------------------------------------------


def test_the_object_and_the_random_numbers_stay_as_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    nn = awkward.Prints()
    before = {name: value.copy() for name, value in vars(nn).items()}
    np.random.seed(3)  # noqa: NPY002
    state = np.random.get_state()[1].tolist()  # noqa: NPY002
    assert referee(nn, X, y).right
    assert all((vars(nn)[name] == value).all() for name, value in before.items())
    assert set(vars(nn)) == set(before)
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002
    assert capsys.readouterr() == ("", "")


def test_the_same_report_every_time() -> None:
    first, second = (str(referee(TheTutorials(2, 2, 1), X, y)) for _ in range(2))
    assert first == second


# ---- awkward classes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("RaisesForward", "forward(X): RuntimeError 'not written yet' (awkward.py, line"),
        ("RaisesBackward", "backward: KeyError 'dW' (awkward.py, line"),
        ("OtherArguments", "backward: its argument 'bar' means nothing to the referee; pass back"),
        ("DrawsInBackward", "backward: it draws random numbers in each step"),
        ("DrawsFromItsOwn", "a second step from the same weights used another gradient"),
        ("DrawsAnew", "forward: it returns something else each time"),
        ("NoForward", "expected a method like forward(X)"),
        ("NoBackward", "expected a method like backward(X, y, learning_rate)"),
        ("Classes", "forward: it returns classes"),
        ("ReturnsText", "forward(X): it returned text"),
        ("Exits", "backward: SystemExit '3'"),
        ("AdamLike", "its step has the sign of the gradient"),
    ],
)
def test_what_it_cannot_do_is_one_sentence_and_how_to_help(kind: str, words: str) -> None:
    report = referee(getattr(awkward, kind)(), X, y, loss="binary_cross_entropy")
    assert report.right is None
    assert report.findings == []
    assert words in report.trouble
    assert "\n" not in report.trouble
    assert "Not checked." in str(report)


@pytest.mark.parametrize(
    "kind",
    [
        "Good",
        "WholeAtFirst",
        "ReturnsNothing",
        "Prints",
        "Locked",
        "Dropout",
        "Momentum",
        "Limited",
    ],
)
def test_awkward_and_right(kind: str) -> None:
    report = referee(getattr(awkward, kind)(), X, y, loss="binary_cross_entropy")
    assert report.right is True, (report.kinds, report.trouble)


def test_whole_numbers_that_a_step_cannot_change() -> None:
    report = referee(awkward.Whole(), X, y, loss="binary_cross_entropy")
    assert report.kinds == ["whole_numbers"]
    assert report.findings[0].where == "W1"


def test_backward_that_begins_with_the_gradient_by_the_output() -> None:
    report = referee(awkward.InsideOut(), X, y, loss="squared_error")
    assert set(report.kinds) == {"updated_before_use", "weight_never_updated"}


@pytest.mark.parametrize(
    "junk",
    [None, "x", {}, [None], (), object(), np.nan, len, np.array(["a"]), np.zeros(0)],
    ids=lambda junk: type(junk).__name__,
)
def test_junk_is_one_sentence_too(junk: Any) -> None:
    class Forward(awkward.Good):
        def forward(self, X: Any) -> Any:
            super().forward(X)
            return junk

    class Backward(awkward.Good):
        def backward(self, X: Any, y: Any, lr: float) -> Any:
            return junk

    class Puts(awkward.Good):
        def backward(self, X: Any, y: Any, lr: float) -> None:
            self.W1 = junk

    for kind in (Forward, Backward, Puts):
        report = referee(kind(), X, y, loss="binary_cross_entropy")
        assert report.right is (True if junk is None and kind is Forward else None)
        assert "could not make sense" not in report.trouble
        assert "\n" not in report.trouble


def test_a_gradient_within_limits_is_noted() -> None:
    report = referee(awkward.Limited(), X, y, loss="binary_cross_entropy")
    assert report.notes == ["The gradient is held within limits: each number to at most 0.05."]


# ---- adapters and losses -------------------------------------------------------------------------


def forward(p: Any, rows: Any) -> Any:
    return awkward.sig(p["W2"] @ np.tanh(p["W1"] @ rows + p["b1"]) + p["b2"])


def gradients(p: Any, rows: Any, targets: Any, rate: float) -> Any:
    hidden, m = np.tanh(p["W1"] @ rows + p["b1"]), rows.shape[1]
    d2 = forward(p, rows) - targets
    d1 = p["W2"].T @ d2 * (1 - hidden**2)
    return {
        "dW1": d1 @ rows.T / m,
        "db1": d1.sum(1, keepdims=True) / m,
        "dW2": d2 @ hidden.T / m,
        "db2": d2.sum(1, keepdims=True) / m,
    }


def step(p: Any, rows: Any, targets: Any, rate: float) -> None:
    for name, g in gradients(p, rows, targets, rate).items():
        p[name[1:]] = p[name[1:]] - rate * g


def uphill(p: Any, rows: Any, targets: Any, rate: float) -> None:
    step(p, rows, targets, -rate)


def functions_and_a_dict() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    return {"W1": rng.normal(size=(3, 2)), "b1": np.zeros((3, 1)),
            "W2": rng.normal(size=(1, 3)), "b2": np.zeros((1, 1))}  # fmt: skip


def test_functions_and_a_dict_by_adapters() -> None:
    p = functions_and_a_dict()
    for backward in (gradients, step):
        report = referee(p, X.T, y.T, forward=forward, backward=backward)
        assert report.right is True, report.trouble
        assert "W1, b1, W2, b2" in report.network
    report = referee(p, X.T, y.T, forward=forward, backward=uphill, parameters=["W1", "W2"])
    assert report.kinds == ["sign"]
    report = referee(p, X.T, y.T, forward=forward, backward=step, parameters=lambda p: [p["W1"]])
    assert report.right
    assert "W2" not in report.network


def test_a_rate_with_a_name_of_its_own() -> None:
    class Named(awkward.Good):
        def backward(self, X: Any, y: Any, speed: float = 1.0) -> None:
            super().backward(X, y, 3 * speed)

    class Kept(awkward.Good):
        speed = 1.0

        def backward(self, X: Any, y: Any) -> None:
            super().backward(X, y, self.speed**2)

    report = referee(Named(), X, y, learning_rate="speed")
    assert (report.kinds, report.findings[0].where) == (["wrong_factor"], "every array")
    assert referee(Kept(), X, y, learning_rate="speed").kinds == ["rate_twice"]
    assert referee(Kept(), X, y).right


def test_train_is_compared_with_backward() -> None:
    class Twice(awkward.Good):
        def train(self, X: Any, y: Any, epochs: int, lr: float) -> None:
            for _ in range(epochs):
                self.forward(X)
                self.backward(X, y, lr * lr)

    report = referee(Twice(), X, y)
    assert [(one.kind, one.where) for one in report.findings] == [
        ("rate_twice", "every array, in train")
    ]


def test_a_loss_of_ones_own() -> None:
    def mine(prediction: Any, target: Any) -> Any:
        return np.mean((prediction - target) ** 4)

    report = referee(awkward.Good(), X, y, loss=mine)
    assert report.right is False

    class Fourth(awkward.Good):
        def slopes(self, X: Any, y: Any) -> Any:
            d = 4 * (self.o - y) ** 3 * self.o * (1 - self.o) / len(X)
            e = d @ self.W2.T * self.h * (1 - self.h)
            return {"W2": self.h.T @ d, "b2": d.sum(0), "W1": X.T @ e, "b1": e.sum(0)}

    assert referee(Fourth(), X, y, loss=mine).right


def test_the_class_says_which_loss_it_means() -> None:
    nn, rows, targets, _ = network("columns", (), 0)
    assert "its own compute_cost" in referee(nn, rows, targets).checked[1]
    nn, rows, targets, _ = network("neuron", (), 0)
    report = referee(nn, rows, targets)
    assert report.right
    assert "say so with loss='binary_cross_entropy'" in report.notes[0]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"loss": "hinge"}, ValueError, "loss: expected one of 'binary_cross_entropy'"),
        ({"loss": 3}, TypeError, "loss: expected a name or a function"),
        ({"loss": lambda a: 0}, ValueError, r"when called as loss\(prediction, y\)"),
        ({"y": y[:3]}, ValueError, "y: expected 4 targets, one a row of X"),
        ({"y": np.eye(4)[:, :3]}, ValueError, r"y: expected shape \(4, 1\)"),
        ({"X": "abc"}, ValueError, "X: expected numbers, got text"),
        ({"parameters": ["W9"]}, ValueError, "parameters: expected names among 'W1'"),
        ({"forward": 3}, TypeError, "forward: expected a method's name or a function, got int"),
        ({"backward": "nope"}, ValueError, "backward: expected the name of a method of Good"),
        ({"nn": awkward.Good}, TypeError, "nn: expected an object, got the class Good"),
    ],
)
def test_bad_arguments(options: dict[str, Any], error: type[Exception], words: str) -> None:
    given = {"nn": awkward.Good(), "X": X, "y": y} | options
    with pytest.raises(error, match=words) as caught:
        referee(**given)
    assert "\n" not in str(caught.value)


# ---- the user's file -----------------------------------------------------------------------------

PLANTED = Path(awkward.__file__).parent


@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("plain.py", "xor"),
        ("columns.py:TwoLayerModel", "xor"),
        ("lists.py:Network", "xor"),
        ("digits.py", "classes"),
        ("regressor.py", "numbers"),
        ("query.py", "classes"),
        ("inside.py", "xor"),
        ("course.py", "classes"),
        ("objects.py", "numbers"),
        ("neuron.py", "xor"),
        ("logistic.py", "xor"),
        ("three.py", "xor"),
        ("model.py", "xor"),
        ("numbered.py", "classes"),
    ],
)
def test_a_file_from_the_shell(file: str, data: str) -> None:
    report = check(str(PLANTED / file), data)
    assert named(report, ""), (report.kinds, report.trouble)
    assert report.trouble == ""
    assert "it is your own code" in report.checked[0]


def test_a_file_that_does_things_when_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.py"
    source = (PLANTED / "plain.py").read_text(encoding="utf-8")
    (tmp_path / "helper.py").write_text("RATE = 0.1\n", encoding="utf-8")
    source += "\nfrom helper import RATE\nprint('running', RATE)\n"
    mine.write_text(source, encoding="utf-8")
    assert check(f"{mine}:NeuralNetwork", (X, y[:, 0])).kinds == ["broadcasting"]
    assert check(f"{mine}:NeuralNetwork").right
    assert check(str(mine), (X, y), arguments={"hidden_size": 9}).right
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        (None, "mine.py:Net", "expected a Python file, found none"),
        ("x = 1 / 0", "mine.py:Net", r"running it raised ZeroDivisionError .*line 1\)"),
        ("class Other: pass", "mine.py:Net", "expected a class Net, found Other"),
        ("class Other: pass", "mine.py", "expected one class of a network, found Other"),
        ("class Net:\n def __init__(self, flavour): pass", "mine.py:Net", "argument 'flavour'"),
        ("class Net:\n def __init__(self): self.x = self.y", "mine.py:Net", "AttributeError"),
        ("import sys\nsys.exit()", "mine.py:Net", "SystemExit"),
    ],
)
def test_a_file_that_cannot_be_used(
    tmp_path: Path, source: str | None, target: str, words: str
) -> None:
    if source is not None:
        (tmp_path / "mine.py").write_text(source, encoding="utf-8")
    with pytest.raises(ValueError, match=words) as caught:
        check(str(tmp_path / target))
    assert "\n" not in str(caught.value)


def test_data_has_a_name() -> None:
    with pytest.raises(ValueError, match="data: expected one of 'xor', 'classes', 'numbers'"):
        check("mine.py", "iris")
    assert all(len(rows) == len(targets) for rows, targets in (make() for make in DATA.values()))


def test_sizes_are_guessed_from_names() -> None:
    class Net:
        def __init__(self, input_dim, hidden_layer_sizes=(3, 3), n_out=5, lr=0.1, seed=None):
            self.sizes = (input_dim, hidden_layer_sizes, n_out, lr, seed)

    assert build(Net, X, y, {}).sizes == (2, (4,), 1, 0.1, None)
    assert build(Net, X, y, {"n_out": 2, "lr": 1}).sizes == (2, (4,), 2, 1, None)
    assert [size_role(name) for name in ("inputnodes", "hiddennodes", "layers")] == [
        *("input", "hidden", "sizes")
    ]


# ---- what no gradient can be measured of ---------------------------------------------------------


class Linear:
    """A right network: one layer, squared error."""

    def __init__(self):
        self.W, self.b, self.taken = np.full((3, 1), 0.3), np.zeros(1), 0

    def forward(self, X):
        return X @ self.W + self.b

    def backward(self, X, y, lr):
        d = 2 * (self.forward(X) - y) / len(X) * self.factor(X)
        self.W = self.W - lr * self.seen(X).T @ d
        self.b = self.b - lr * d.sum(0)

    def factor(self, X):
        return 1

    def seen(self, X):
        return X


class Masked(Linear):
    """It drops inputs at random on the way back."""

    def seen(self, X):
        return X * (np.random.rand(*X.shape) > 0.5)  # noqa: NPY002


class Wild(Linear):
    """Its step has a random length, by Python's own generator."""

    def factor(self, X):
        return random.random()


class Slower(Linear):
    """Its rate falls from step to step."""

    def factor(self, X):
        self.taken += 1
        return 1 / (1 + 0.01 * self.taken)


@pytest.mark.parametrize("kind", [Masked, Wild, Slower])
def test_random_numbers_and_memory_are_no_mistake_of_the_gradient(kind: Any) -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((12, 3))
    report = referee(kind(), rows, rows[:, :1] + 0.1, loss="squared_error")
    assert not report.findings
    assert report.right is None
    assert "random numbers" in report.trouble
    assert referee(Linear(), rows, rows[:, :1] + 0.1, loss="squared_error").right


class Cut(Linear):
    """Its arrays stay integers, whatever a step takes away."""

    def __init__(self):
        self.W, self.b = np.ones((3, 1), int), np.zeros(1, int)

    def backward(self, X, y, lr):
        d = 2 * (self.forward(X) - y) / len(X)
        self.W = (self.W - lr * X.T @ d).astype(int)
        self.b = (self.b - lr * d.sum(0)).astype(int)


def test_integers_that_stay_integers_are_all_that_is_told() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((12, 3))
    report = referee(Cut(), rows, rows[:, :1] + 0.1, loss="squared_error")
    assert set(report.kinds) == {"whole_numbers"}
