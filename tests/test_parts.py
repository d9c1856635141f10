"""Activations, losses and layers against PyTorch's and scikit-learn's numbers, and by hand.

The numbers in golden/parts.json are float64; what goes in is a float32 too, so both dtypes are held
against them. What differs from one part in a million is stated here, place by place.
"""

import json
from dataclasses import FrozenInstanceError, fields, is_dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from helpers import ACTIVATIONS, EVERY_LOSS, OPTIMIZERS, every_layer, made, targets_for

GOLDEN = json.loads(Path(__file__).with_name("golden").joinpath("parts.json").read_text())
LIMIT = 1e-6
DTYPES = ("float32", "float64")
Z = np.array(GOLDEN["z"])


def alike(got: Any, expected: Any, relative: Any = LIMIT, absolute: Any = 0.0) -> None:
    """Assert that every number is as near as stated, relative to itself.

    Below the smallest normal number a dtype has fewer digits, whatever is done.
    """
    expected = np.asarray(expected)
    tiny = np.finfo(got.dtype).tiny
    assert got.shape == expected.shape
    error, allowed = np.abs(got - expected), relative * np.abs(expected) + absolute + tiny
    worst = np.argmax(error / allowed)
    assert (error <= allowed).all(), (got.flat[worst], expected.flat[worst])


# ---- activations ---------------------------------------------------------------------------------


def stated(activation: gn.Activation, what: str, dtype: str) -> tuple[Any, Any]:
    """Return how near an activation's numbers are at each z: relative, and beside it absolute."""
    relative, absolute = np.full(Z.shape, LIMIT), np.zeros(Z.shape)
    eps, name = np.finfo(dtype).eps, type(activation).__name__
    # where numbers are less than the smallest normal one, z times such a number may be more
    absolute += np.finfo(dtype).tiny * np.abs(Z)
    if what == "slope" and name in ("Sigmoid", "Tanh"):
        # a (1 - a) and 1 - a^2 end where 1 - a is one rounding of 1: PyTorch's do too
        absolute += eps
    if what == "slope" and name in ("Gelu", "Silu"):
        # the slope crosses 0 at -0.75 and -1.28, as a sum of two terms
        absolute[np.abs(Z + 1) < 0.3] += eps / 4
    if name == "Gelu" and dtype == "float32":
        # exp makes relative errors of the roundings of its argument, which goes down to -87
        argument = 1.6 * Z * (1 + 0.044715 * Z * Z)
        relative += eps * np.where(Z < -2, np.minimum(-argument, 88), 0)
    return relative, absolute


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", GOLDEN["activations"])
def test_an_activation_and_its_slope_are_pytorchs(name: str, dtype: str) -> None:
    activation, golden = made(name), GOLDEN["activations"][name]
    z = Z.astype(dtype)
    with np.errstate(all="raise", under="ignore"):
        a = activation.f(z)
        slope = activation.slope(z, a)
    assert a.dtype == slope.dtype == dtype
    alike(a, golden["value"], *stated(activation, "value", dtype))
    alike(slope, golden["slope"], *stated(activation, "slope", dtype))


def test_every_activation_is_compared_on_both_sides_of_0_and_far_away() -> None:
    names = {type(made(name)).__name__ for name in GOLDEN["activations"]}
    assert names == {kind.__name__ for kind in gn.activations.ACTIVATIONS.values()}
    assert (Z.astype(np.float32) == Z).all()
    assert (Z.min(), Z.max()) == (-1e4, 1e4)
    assert set(Z) == set(-Z)
    assert 0 in Z
    assert (np.abs(Z) < 4).sum() > 30


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_learned_leak_is_each_units_own(dtype: str) -> None:
    z = Z.astype(dtype)
    z = np.stack([z, z], axis=1)
    p = SimpleNamespace(leak=np.array([[0.25, -0.5]], dtype))
    d = SimpleNamespace(leak=np.zeros((1, 2), dtype))
    activation = gn.ParametricRelu()
    a = activation.forward(z, p)
    np.testing.assert_array_equal(a, np.where(z > 0, z, p.leak * z))
    da = np.linspace(1, 2, z.size, dtype=dtype).reshape(z.shape)
    dz = activation.backward(da, z, a, p, d)
    np.testing.assert_array_equal(dz, np.where(z > 0, da, p.leak * da))
    np.testing.assert_allclose(d.leak, np.sum(np.where(z < 0, z * da, 0), 0, keepdims=True))
    begins = activation.parameters(3)["leak"]
    assert (begins.init(np.random.default_rng(0), begins.shape) == 0.25).all()
    assert (begins.shape, begins.decay) == ((1, 3), 0)


# ---- losses --------------------------------------------------------------------------------------


def stated_loss(loss: gn.Loss, what: str, raw: Any, y: Any, dtype: str) -> tuple[Any, Any]:
    """Return how near a loss's numbers are: relative, and beside it absolute."""
    eps, name = np.finfo(dtype).eps, type(loss).__name__
    if name == "Poisson":
        # near raw = log y the loss is a difference of these
        terms = [np.exp(raw), y * np.abs(raw), np.abs(y * np.log(np.maximum(y, 1)) - y)]
        return LIMIT, eps * (sum(terms) if what == "value" else np.exp(raw) + y)
    if what == "gradient" and name in ("BinaryCrossEntropy", "MulticlassCrossEntropy"):
        return LIMIT, eps  # p - y, where p is nearly y: PyTorch's is the same
    if what == "gradient" and name == "Quantile":
        return LIMIT, eps / 4  # a rounding of the number q
    if what == "value" and name == "MulticlassCrossEntropy":
        return LIMIT, eps  # the log of a sum that begins with 1: PyTorch's is the same
    if name == "Focal" and dtype == "float32":
        return max(LIMIT, 3e-7 * loss.gamma), 0.0  # a power grows the error of what it is taken of
    return LIMIT, 0.0


def one_by_one(golden: dict[str, Any], dtype: str) -> Any:
    """Yield raw scores and a target for every number of a golden loss.

    Rows become members, so that each has a loss of its own.
    """
    raw = np.array(golden["raw"], dtype)
    raw = raw.reshape(len(raw), 1, -1)
    for y, value, gradient in zip(golden["y"], golden["value"], golden["gradient"], strict=True):
        yield raw, np.full((len(raw), 1, 1), y, dtype), value, gradient


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", GOLDEN["losses"])
def test_a_loss_its_gradient_and_its_link_are_the_peers(name: str, dtype: str) -> None:
    loss, golden = made(name), GOLDEN["losses"][name]
    for raw, y, values, gradients in one_by_one(golden, dtype):
        with np.errstate(all="raise", under="ignore"):
            value, gradient = loss.value(raw, y, 1.0), loss.gradient(raw, y, 1.0)
            link = loss.link(raw)
        assert value.dtype == gradient.dtype == link.dtype == dtype
        wide = raw.astype(float), y.astype(float)
        relative, absolute = stated_loss(loss, "value", *wide, dtype)
        alike(value, values, relative, np.broadcast_to(absolute, (len(raw), 1, 1))[:, 0, 0])
        gradients = np.reshape(gradients, gradient.shape)
        alike(gradient, gradients, *stated_loss(loss, "gradient", *wide, dtype))
        alike(link, np.reshape(golden["link"], link.shape))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", GOLDEN["losses"])
def test_a_loss_is_summed_over_outputs_and_a_weighted_mean_over_rows(name: str, dtype: str) -> None:
    loss, golden = made(name), GOLDEN["losses"][name]["weighted"]
    raw, w = np.array(golden["raw"], dtype), np.array(golden["w"], dtype)[:, None]
    y = loss.check(golden["y"], 3).astype(dtype)
    w /= w.sum()
    eps = 4 * np.finfo(dtype).eps
    for lead in ((), (2,)):
        several = np.broadcast_to(raw, (*lead, *raw.shape))
        value, gradient = loss.value(several, y, w), loss.gradient(several, y, w)
        assert value.shape == lead
        expected = np.broadcast_to(golden["value"], lead)
        alike(value, expected, absolute=eps * np.abs(golden["value"]))
        alike(gradient, np.broadcast_to(golden["gradient"], several.shape), absolute=eps)


def test_every_loss_is_compared() -> None:
    names = {type(made(name)).__name__ for name in GOLDEN["losses"]}
    assert names == {kind.__name__ for kind in gn.losses.LOSSES.values()}


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_count_beyond_the_dtype_is_infinite_and_never_no_number(dtype: str) -> None:
    loss, raw = gn.Poisson(), np.array([[[1e4]], [[800.0]], [[-1e4]]], dtype)
    for y in (0.0, 1e3):
        targets = np.full((1, 1), y, dtype)
        with np.errstate(over="ignore", invalid="raise", divide="raise"):
            value, gradient = loss.value(raw, targets, 1.0), loss.gradient(raw, targets, 1.0)
        assert (value[:2] == np.inf).all()
        assert (gradient[:2] == np.inf).all()
        far = 1e4 * y + (y * np.log(y) - y if y else 0)
        np.testing.assert_allclose(value[2], far, rtol=1e-6)
        assert gradient[2] == -y
        with pytest.warns(RuntimeWarning, match="overflow"):
            loss.value(raw, targets, 1.0)


def test_ones_own_loss_is_its_function() -> None:
    own = gn.CustomLoss(
        lambda raw, y: np.square(raw - y), lambda raw, y: 2 * (raw - y), lambda raw: raw + 1
    )
    ours, rng = gn.SquaredError(), np.random.default_rng(0)
    raw, y = rng.standard_normal((2, 5, 3)), rng.standard_normal((5, 3))
    w = rng.uniform(size=(5, 1))
    assert (own.value(raw, y, w) == ours.value(raw, y, w)).all()
    np.testing.assert_allclose(own.gradient(raw, y, w), ours.gradient(raw, y, w), rtol=1e-15)
    assert (own.link(raw) == raw + 1).all()
    assert gn.CustomLoss(own.function, own.derivative).link(raw) is raw


@pytest.mark.parametrize("loss", EVERY_LOSS, ids=repr)
def test_no_constant_is_better_than_the_best(loss: gn.Loss) -> None:
    rng = np.random.default_rng(0)
    y = loss.check(targets_for(loss, 41, 3, rng), 3).astype(float)
    w = rng.uniform(0, 1, (41, 1))
    w /= w.sum()
    best = loss.best_constant(y, w, 3)
    assert best.shape == (3,)

    def of(constant: Any) -> Any:
        return loss.value(np.broadcast_to(constant, (41, 3)), y, w)

    # focal's is the best where gamma is 0, and near it else
    near = 0.05 if isinstance(loss, gn.Focal) and loss.gamma else 1e-9
    for step in (1e-3, 0.03, 0.3, 3.0):
        for side in np.concatenate([np.eye(3), -np.eye(3)]):
            assert of(best + step * side) >= of(best) - near * abs(of(best))


def test_one_class_alone_begins_far_out_and_finite() -> None:
    w = np.full((4, 1), 0.25)
    for loss in (gn.BinaryCrossEntropy(), gn.Focal(), gn.Poisson()):
        constant = loss.best_constant(np.zeros((4, 1)), w, 1)
        assert np.isfinite(constant).all()
        assert (loss.link(constant) < 1e-5).all()


# ---- layers --------------------------------------------------------------------------------------


def test_a_layer_norm_is_pytorchs() -> None:
    golden = {name: np.array(numbers) for name, numbers in GOLDEN["norm"].items()}
    p = SimpleNamespace(gain=golden["gain"], shift=golden["shift"])
    d = SimpleNamespace(gain=np.zeros((1, 5)), shift=np.zeros((1, 5)))
    layer = gn.LayerNorm()
    y, kept = layer.forward(golden["x"], p, None)
    dx = layer.backward(kept, golden["dy"], p, d, True)
    for got, name in ((y, "y"), (dx, "dx"), (d.gain, "dgain"), (d.shift, "dshift")):
        np.testing.assert_allclose(got, golden[name], rtol=1e-9, atol=1e-9)


def test_a_vector_stands_in_the_place_of_each_whole_number() -> None:
    layer = gn.Embedding(columns=[2, 0], categories=[2, 3], units=2)
    shapes = {name: parameter.shape for name, parameter in layer.parameters(4).items()}
    assert shapes == {"E": (2, 2), "E_2": (3, 2)}
    assert layer.outputs(4) == 6
    p = SimpleNamespace(
        E=np.array([[1.0, 2.0], [3.0, 4.0]]), E_2=np.array([[5.0, 6.0], [7.0, 8.0], [9.0, 10.0]])
    )
    x = np.array([[0, 0.5, 1, -0.5], [2, 1.5, 0, 2.5], [3, 0.25, -1, 0], [1.5, 0, np.nan, 0]])
    y, kept = layer.forward(x, p, None)
    # what passes stands in front; what was never seen, or is no whole number, is zeros
    np.testing.assert_array_equal(
        y,
        [
            [0.5, -0.5, 3, 4, 5, 6],
            [1.5, 2.5, 1, 2, 9, 10],
            [0.25, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0],
        ],
    )
    d = SimpleNamespace(E=np.ones((2, 2)), E_2=np.ones((3, 2)))
    dx = layer.backward(kept, np.arange(24.0).reshape(4, 6), p, d, True)
    np.testing.assert_array_equal(d.E, [[8, 9], [2, 3]])
    np.testing.assert_array_equal(d.E_2, [[4, 5], [0, 0], [10, 11]])
    np.testing.assert_array_equal(dx, [[0, 0, 0, 1], [0, 6, 0, 7], [0, 12, 0, 13], [0, 18, 0, 19]])
    assert layer.backward(kept, np.ones((4, 6)), p, d, False) is None


def test_a_column_in_the_middle_and_all_columns_are_embedded() -> None:
    rng = np.random.default_rng(0)
    x = np.array([[1.0, 0.0, 7.0]])
    for columns, passes in (([1], [1.0, 7.0]), ([0, 1, 2], []), ([2], [1.0, 0.0])):
        layer = gn.Embedding(columns, [2] * len(columns), 3)
        tables = {
            name: parameter.init(rng, parameter.shape)
            for name, parameter in layer.parameters(3).items()
        }
        y, kept = layer.forward(x, SimpleNamespace(**tables), None)
        assert y.shape == (1, layer.outputs(3))
        assert y[0, : len(passes)].tolist() == passes
        d = SimpleNamespace(**{name: np.zeros_like(table) for name, table in tables.items()})
        dx = layer.backward(
            kept, np.arange(1.0, y.size + 1)[None], SimpleNamespace(**tables), d, True
        )
        expected = np.zeros(3)
        expected[[i for i in range(3) if i not in columns]] = np.arange(1, len(passes) + 1)
        assert dx.tolist() == [expected.tolist()]


def test_composites_are_what_their_layers_make_one_after_another() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((7, 4))
    first, second = gn.Dense(3, "tanh"), gn.Dense(4, "silu")
    tables = {}
    for number, (layer, inputs) in enumerate(((first, 4), (second, 3)), 1):
        drawn = {n: rng.standard_normal(q.shape) for n, q in layer.parameters(inputs).items()}
        tables[number] = SimpleNamespace(**drawn)
    both = SimpleNamespace(
        W=tables[1].W,
        b=tables[1].b,
        W_2=tables[2].W,
        b_2=tables[2].b,
        W_3=tables[1].W,
        b_3=tables[1].b,
    )
    a = first.forward(x, tables[1], None)[0]
    y = second.forward(a, tables[2], None)[0]
    stack = gn.Stack([first, second])
    residual = gn.Residual([first, second])
    concat = gn.Concat([[], stack, first])
    assert list(concat.parameters(4)) == ["W", "b", "W_2", "b_2", "W_3", "b_3"]
    np.testing.assert_array_equal(stack.forward(x, both, None)[0], y)
    np.testing.assert_array_equal(residual.forward(x, both, None)[0], x + y)
    np.testing.assert_array_equal(
        concat.forward(x, both, None)[0], np.concatenate([x, y, a], axis=1)
    )
    assert (stack.outputs(4), residual.outputs(4), concat.outputs(4)) == (4, 4, 11)
    assert gn.Stack([]).forward(x, SimpleNamespace(), None)[0] is x
    assert gn.Residual([]).forward(x, SimpleNamespace(), None)[0].tolist() == (2 * x).tolist()


def test_nested_composites_name_every_parameter_once() -> None:
    inner = gn.Residual([gn.Dense(4, "parametric_relu"), gn.LayerNorm()])
    layer = gn.Stack([gn.Concat([[inner], [inner, gn.Scale()]]), gn.Dense(4), gn.Dense(4)])
    names = list(layer.parameters(4))
    assert len(set(names)) == len(names) == 5 * 2 + 1 + 4
    net = gn.Network([layer, gn.Dense(1)], inputs=4, seed=0)
    assert list(net.weights)[:3] == ["W1", "b1", "leak1"]
    assert net.weights["W1_3"].shape == (8, 4)
    assert sum(weight.size for weight in net.weights.values()) == net.theta.size


def test_only_the_weights_of_sums_decay() -> None:
    net = gn.Network(every_layer("parametric_relu"), inputs=5, seed=0)
    factors = net.layout.factors("decay", "float64")
    for name, decays in net.layout.named(factors).items():
        assert (decays == float(name.startswith("W"))).all(), name
    kinds = {name.rstrip("0123456789_") for name in net.weights}
    assert kinds == {"W", "b", "leak", "gain", "shift", "s", "E", "F", "V", "centre", "scale"}


def test_every_layer_takes_factors_on_the_learning_rate() -> None:
    layers = [gn.Embedding(0, 2, 2, rate=0.5), gn.Scale(6.0), gn.Dense(1, "identity", 2.0, 3.0)]
    net = gn.Network(layers, inputs=1, seed=0)
    assert net.layout.factors("rate", "float64").tolist() == [0.5] * 4 + [6.0] * 2 + [2.0] * 2 + [3]


@pytest.mark.parametrize(
    ("wrong", "error", "why"),
    [
        (lambda: gn.Embedding([], [], 2), ValueError, "columns: expected"),
        (lambda: gn.Embedding([0, 0], [2, 2], 2), ValueError, "categories: expected"),
        (lambda: gn.Embedding([0, 1], [2], 2), ValueError, "categories: expected"),
        (lambda: gn.Embedding(-1, 2, 2), ValueError, "columns: expected at least 0"),
        (lambda: gn.Embedding("0", 2, 2), TypeError, "columns: expected a whole number"),
        (lambda: gn.Embedding(0, 0, 2), ValueError, "categories: expected at least 1"),
        (lambda: gn.Embedding(0, 2, 0), ValueError, "units: expected at least 1"),
        (lambda: gn.Embedding(3, 2, 2).parameters(3), ValueError, "expected columns 0 to 2"),
        (lambda: gn.Residual([gn.Dense(3)]).outputs(4), ValueError, "end in 4 columns.* got 3"),
        (lambda: gn.Concat([]), TypeError, "stacks: expected"),
        (lambda: gn.Concat([[1]]), TypeError, "stacks: expected Layer objects"),
        (lambda: gn.Concat(gn.Dense(1)), TypeError, "stacks: expected"),
        (lambda: gn.Stack(["relu"]), TypeError, "layers: expected Layer objects"),
        (lambda: gn.Network([gn.Stack([])], 2), ValueError, "at least one layer with parameters"),
        (lambda: gn.Huber(0), ValueError, "delta: expected a number above 0"),
        (lambda: gn.Quantile(0.0), ValueError, "q: expected"),
        (lambda: gn.Quantile(1.0), ValueError, "q: expected"),
        (lambda: gn.Focal(-1), ValueError, "gamma: expected"),
        (lambda: gn.BinaryCrossEntropy(1.0), ValueError, "label_smoothing: expected"),
        (lambda: gn.SquaredError(half=1), TypeError, "half: expected True or False"),
        (lambda: gn.CustomLoss(1, 2), TypeError, "function: expected a function"),
        (lambda: gn.LeakyRelu(1.0), ValueError, "leak: expected"),
        (lambda: gn.Elu(-1.0), ValueError, "alpha: expected"),
        (lambda: gn.Dense(1, init="xavier"), ValueError, "init: expected one of 'zeros'"),
        (lambda: gn.Poisson().check([-1.0], 1), ValueError, "counts of at least 0, got -1"),
        (lambda: gn.Focal().check([0.5], 1), ValueError, "labels 0 and 1, got 0.5"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_named_in_one_sentence(wrong: Any, error: Any, why: str) -> None:
    with pytest.raises(error, match=why) as caught:
        wrong()
    assert "\n" not in str(caught.value)


# ---- what a mutant of the code had survived ------------------------------------------------------


@pytest.mark.parametrize("loss", [gn.BinaryCrossEntropy(), gn.Focal()])
def test_the_best_constant_of_one_class_alone_is_finite(loss: gn.Loss) -> None:
    w = np.full((4, 1), 0.25)
    for target, side in ((0.0, -1), (1.0, 1)):
        found = loss.best_constant(np.full((4, 1), target), w, 1)
        assert found * side == pytest.approx(np.log((1 - 1e-6) / 1e-6))


@pytest.mark.parametrize("label", [-0.1, 1.1, 2.0])
def test_labels_beside_0_and_1_are_refused(label: float) -> None:
    with pytest.raises(ValueError, match=f"between them.*got {label:g}"):
        gn.BinaryCrossEntropy().check([[0.0], [label], [1.0]], 1)


EVERY_PART = [*every_layer("relu"), *EVERY_LOSS, *OPTIMIZERS, *ACTIVATIONS]


@pytest.mark.parametrize("part", [p for p in EVERY_PART if is_dataclass(p) and fields(p)])
def test_nobody_changes_a_part(part: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(part, fields(part)[0].name, 0.5)


def test_a_class_that_no_row_has_begins_at_a_finite_score() -> None:
    found = gn.MulticlassCrossEntropy().best_constant(np.array([[0], [1]]), np.full((2, 1), 0.5), 3)
    expected = (1 - 1e-6) * np.array([0.5, 0.5, 0]) + 1e-6 / 3
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-12)


def test_a_tolerance_below_0_is_refused() -> None:
    with pytest.raises(ValueError, match=r"tolerance: expected a number in \[0, inf\), got -0.5"):
        gn.LBFGS(-0.5)
