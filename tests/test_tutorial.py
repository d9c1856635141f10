"""The tutorial's class: drop-in, and right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet import (
    SimpleNeuralNetwork,
    binary_cross_entropy,
    sigmoid,
    sigmoid_derivative,
)

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0], [1], [1], [0]])


def test_the_listing_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    np.random.seed(1)  # noqa: NPY002
    nn = SimpleNeuralNetwork(input_size=2, hidden_size=2, output_size=1)
    nn.train(X, y, epochs=10000, learning_rate=0.1)
    output = nn.forward(X)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(", Loss: ")[0] for line in lines] == [
        f"Epoch {e}" for e in range(0, 10000, 100)
    ]
    losses = [float(line.split(": ")[1]) for line in lines]
    assert losses[-1] < 0.1 < losses[0]
    assert (np.abs(output - y) < 0.2).all()


@pytest.mark.parametrize("seed", range(400_000, 400_040))
def test_it_solves_the_listing(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    """40 seeds of the listing; at 90% four or more would fail half the time, here none does."""
    nn = SimpleNeuralNetwork(2, 2, 1, seed=seed)
    nn.train(X, y, epochs=10000, learning_rate=0.1)
    assert (np.abs(nn.output - y) < 0.5).all()


def test_attributes_are_the_network_itself() -> None:
    nn = SimpleNeuralNetwork(3, 4, 2, seed=0)
    shapes = {
        "weights_input_hidden": (3, 4),
        "bias_hidden": (1, 4),
        "weights_hidden_output": (4, 2),
        "bias_output": (1, 2),
    }
    for name, shape in shapes.items():
        assert getattr(nn, name).shape == shape
        assert getattr(nn, name).dtype == np.float64
        setattr(nn, name, np.full(shape, 0.25))
        getattr(nn, name)[0, 0] += 1
    assert (nn.network.theta == 0.25).sum() == nn.network.theta.size - 4
    with pytest.raises(ValueError, match=r"bias_output|b2: expected shape \(1, 2\), got \(3,\)"):
        nn.bias_output = np.zeros(3)
    output = nn.forward(np.ones((5, 3)))
    assert output is nn.output
    assert nn.hidden_output.shape == (5, 4)
    hidden = sigmoid(np.ones((5, 3)) @ nn.weights_input_hidden + nn.bias_hidden)
    np.testing.assert_allclose(nn.hidden_output, hidden)
    np.testing.assert_allclose(output, sigmoid(hidden @ nn.weights_hidden_output + nn.bias_output))


@pytest.mark.parametrize(("outputs", "rows"), [(1, 4), (1, 1), (3, 7)])
def test_its_gradient_is_the_gradient_of_its_loss(outputs: int, rows: int) -> None:
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((rows, 3)), rng.integers(0, 2, (rows, outputs))
    nn = SimpleNeuralNetwork(3, 4, outputs, seed=1)
    before = nn.network.theta.copy()
    nn.forward(x)
    nn.backward(x, target, 0.1)
    used = (before - nn.network.theta) / 0.1
    numeric = np.zeros_like(before)
    for i in range(before.size):
        losses = []
        for h in (1e-5, -1e-5):
            nn.network.theta[...] = before
            nn.network.theta[i] += h
            losses.append(binary_cross_entropy(target, nn.forward(x)))
        numeric[i] = (losses[0] - losses[1]) / 2e-5
    np.testing.assert_allclose(used, numeric, rtol=1e-6, atol=1e-9)


def test_without_a_seed_it_draws_from_the_global_state() -> None:
    np.random.seed(5)  # noqa: NPY002
    first, second = SimpleNeuralNetwork(2, 2, 1), SimpleNeuralNetwork(2, 2, 1)
    np.random.seed(5)  # noqa: NPY002
    again = SimpleNeuralNetwork(2, 2, 1)
    assert (first.network.theta == again.network.theta).all()
    assert (first.network.theta != second.network.theta).any()
    state = np.random.get_state()[1].tolist()  # noqa: NPY002
    assert (SimpleNeuralNetwork(2, 2, 1, seed=5).network.theta == first.network.theta).all()
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002


@given(st.floats(-1e300, 1e300))
@settings(deadline=None, max_examples=200)
def test_nothing_overflows_and_no_log_of_zero(z: float) -> None:
    with np.errstate(all="raise", under="ignore"):
        p = sigmoid(np.array([z]))
        assert 0 <= p[0] <= 1
        assert np.isfinite(binary_cross_entropy(np.array([0]), p))
        assert np.isfinite(binary_cross_entropy(np.array([1]), p))
        assert 0 <= sigmoid_derivative(p)[0] <= 0.25


def test_extreme_weights_train_without_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    nn = SimpleNeuralNetwork(2, 2, 1, seed=0)
    nn.weights_hidden_output = np.array([[1e6], [-1e6]])
    nn.train(X * 1e6, y, epochs=101, learning_rate=1e3)
    assert np.isfinite(nn.output).all()
    assert "nan" not in capsys.readouterr().out


def test_rows_one_by_one_as_in_online_learning() -> None:
    nn = SimpleNeuralNetwork(2, 2, 1, seed=0)
    for _ in range(3):
        for row in range(4):
            nn.forward(X[row : row + 1])
            nn.backward(X[row : row + 1], y[row : row + 1], 0.1)
    assert nn.output.shape == (1, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SimpleNeuralNetwork(0, 2, 1), "input_size: expected at least 1, got 0"),
        (lambda: SimpleNeuralNetwork(2, 2.5, 1), "hidden_size: expected a whole number, got 2.5"),
        (
            lambda: SimpleNeuralNetwork(2, 2, 1).forward(np.ones((4, 3))),
            r"X: expected shape \(rows, 2\)",
        ),
        (lambda: SimpleNeuralNetwork(2, 2, 1).train(X, y, 0, 0.1), "epochs: expected at least 1"),
        (
            lambda: SimpleNeuralNetwork(2, 2, 1).train(X, y + 2, 9, 0.1),
            "y: expected labels 0 and 1",
        ),
        (lambda: SimpleNeuralNetwork(2, 2, 1).train(X, y[:3], 9, 0.1), "y: expected 4 rows"),
        (
            lambda: SimpleNeuralNetwork(2, 2, 1).backward(X, y, "fast"),
            "learning_rate: expected a number",
        ),
        (lambda: binary_cross_entropy(np.ones(3), np.ones(4)), "y_pred: expected shape"),
    ],
)
def test_bad_input_is_one_sentence(call: object, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        call()  # type: ignore[operator]
    assert "\n" not in str(caught.value)


def test_y_may_be_flat() -> None:
    flat, column = SimpleNeuralNetwork(2, 2, 1, seed=0), SimpleNeuralNetwork(2, 2, 1, seed=0)
    flat.backward(X, y.ravel(), 0.5)
    column.backward(X, y, 0.5)
    assert (flat.network.theta == column.network.theta).all()
    assert isinstance(flat.network, gn.Network)
