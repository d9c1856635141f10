"""The network of the well-known tutorial, with the names it has there, made right.

Everything is a `glassnet.Network` underneath: the same layers, the same loss, the same program.
"""

from typing import Any

import numpy as np

from glassnet import checks
from glassnet.activations import sigmoid
from glassnet.files.container import StrPath
from glassnet.layers import Dense
from glassnet.network import Network
from glassnet.optimizers import SGD
from glassnet.plan import Plan
from glassnet.rows import Rows
from glassnet.run import Run
from glassnet.vocabulary import Array

__all__ = ["SimpleNeuralNetwork", "binary_cross_entropy", "sigmoid", "sigmoid_derivative"]

REPORT = 100  # epochs from one printed loss to the next


def sigmoid_derivative(a: Array) -> Array:
    """Return the sigmoid's slope a (1 - a), given the sigmoid's value a (not z).

    Parameters
    ----------
    a : array of any shape

    Examples
    --------
    >>> sigmoid_derivative(sigmoid(0.0))
    np.float64(0.25)
    """
    return a * (1 - a)


def binary_cross_entropy(y_true: Array, y_pred: Array) -> float:
    """Return the mean of -y log p - (1 - y) log(1 - p), with p a probability.

    A probability of exactly 0 or 1 counts as the smallest number above 0, or as much below 1, so
    that a sure mistake costs about 708 and not infinitely much.

    Parameters
    ----------
    y_true, y_pred : array of any shape
        What came, 0 or 1, and the probabilities that were given to 1.

    Returns
    -------
    float

    Examples
    --------
    >>> binary_cross_entropy(np.array([1, 0]), np.array([0.8, 0.4]))
    0.3669845875401002
    >>> binary_cross_entropy(np.array([1, 0]), np.array([1.0, 0.0]))
    0.0
    """
    y, p = checks.numbers("y_true", y_true), checks.numbers("y_pred", y_pred)
    if y.shape != p.shape and y.size != p.size:
        raise ValueError(f"y_pred: expected shape {y.shape}, as y_true has, got {p.shape}")
    y, p = y.reshape(p.shape).astype(float), p.astype(float)
    tiny = np.finfo(float).tiny
    each = y * np.log(np.maximum(p, tiny)) + (1 - y) * np.log(np.maximum(1 - p, tiny))
    return float(0.0 - np.mean(each))


def _part(name: str) -> property:
    """Return an attribute that is a view of the network's parameter; assigning copies into it."""

    def get(self: "SimpleNeuralNetwork") -> Array:
        """Return a view of the network's parameter; assigning copies into it."""
        return self.network.weights[name]

    def put(self: "SimpleNeuralNetwork", value: Any) -> None:
        self.network.weights[name] = value

    return property(get, put)


class SimpleNeuralNetwork:
    """One hidden layer, sigmoids, binary cross-entropy, gradient descent on all rows at once.

    Parameters
    ----------
    input_size, hidden_size, output_size : int
        Columns of X, hidden neurons, columns of y.
    seed : int, optional
        Left out, the weights come from NumPy's global state, so ``np.random.seed(s)`` decides;
        ``seed=s`` gives the same weights and leaves the global state alone.

    Attributes
    ----------
    weights_input_hidden, bias_hidden : array (input_size, hidden_size), (1, hidden_size)
    weights_hidden_output, bias_output : array (hidden_size, output_size), (1, output_size)
    hidden_output, output : array (rows, hidden_size), (rows, output_size)
        Activations of the last `forward`.
    network : Network
        What is underneath: ``print(nn.network.program())`` shows every line.

    Notes
    -----
    What was wrong in the tutorial. Its loss is cross-entropy, but its backward pass multiplies
    the error p - y by the sigmoid's derivative p (1 - p). That is the gradient of half the
    squared error. The derivative of cross-entropy has 1 / (p (1 - p)), which cancels that
    factor: dz2 = (p - y) / rows, with nothing more. The extra factor makes a sure mistake (p near
    0 where y is 1) learn slowest of all. Its sigmoid overflows for z below -709, its loss takes
    log(0), and it adds up the rows where its loss takes their mean, so that the step grows with
    the number of rows.

    What was not wrong. Backpropagation through the hidden layer is as it should be, and so is
    ``sigmoid_derivative(a) = a (1 - a)``. That some runs stay near 0.5 is no bug at all: with two
    hidden neurons XOR has local minima (two of the four points right, the others at 0.5), and
    from N(0, 1) weights about one run in four ends there with either gradient.

    How weights begin here. The hidden neurons look in perpendicular directions (a random
    rotation, times 0.42), so that they do not learn the same thing. The output weights are +5
    or -5 (times sqrt(2 / hidden_size)), so that the error reaches the hidden layer with strength.
    The biases put the middle of inputs between 0 and 1 at z = 0, and the output at 0.5.

    Examples
    --------
    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> y = np.array([[0], [1], [1], [0]])
    >>> nn = SimpleNeuralNetwork(input_size=2, hidden_size=2, output_size=1, seed=0)
    >>> nn.train(X, y, epochs=201, learning_rate=0.1)  # doctest: +ELLIPSIS
    Epoch 0, Loss: 0.7100...
    Epoch 100, Loss: 0.6941...
    Epoch 200, Loss: 0.6933...
    >>> nn.forward(X).shape
    (4, 1)
    """

    hidden_output: Array
    output: Array
    weights_input_hidden = _part("W1")
    bias_hidden = _part("b1")
    weights_hidden_output = _part("W2")
    bias_output = _part("b2")

    def __init__(
        self, input_size: int, hidden_size: int, output_size: int, seed: int | None = None
    ) -> None:
        self.input_size = checks.whole("input_size", input_size)
        self.hidden_size = checks.whole("hidden_size", hidden_size)
        self.output_size = checks.whole("output_size", output_size)
        self.network = Network(
            [Dense(self.hidden_size, "sigmoid"), Dense(self.output_size)],
            inputs=self.input_size,
            loss="binary_cross_entropy",
            dtype="float64",
            seed=0,  # its own first weights are not used
        )
        source: Any = np.random if seed is None else np.random.RandomState(seed)
        # the longer side first, so that a QR decomposition has as many directions as fit
        sides = (max(input_size, hidden_size), min(input_size, hidden_size))
        directions, _ = np.linalg.qr(source.standard_normal(sides))
        directions = directions if sides[0] == input_size else directions.T
        signs = np.where(source.standard_normal((hidden_size, output_size)) < 0, -1, 1)
        self.weights_input_hidden = 0.42 * directions
        self.bias_hidden = -0.5 * self.weights_input_hidden.sum(axis=0, keepdims=True)
        self.weights_hidden_output = 5 * np.sqrt(2 / hidden_size) * signs
        self.bias_output = -0.5 * self.weights_hidden_output.sum(axis=0, keepdims=True)

    def forward(self, X: Any) -> Array:
        """Return the probabilities (rows, output_size), and keep both layers' activations.

        Parameters
        ----------
        X : array (rows, input_size)
        """
        x = checks.matrix("X", X, self.input_size).astype(float)
        hidden, last = self.network.layers
        weights = self.network.layout.views(self.network.theta)
        self.hidden_output = hidden.forward(x, weights[0], None)[0]
        raw = last.forward(self.hidden_output, weights[1], None)[0]
        self.output = self.network.loss.link(raw)
        return self.output

    def backward(self, X: Any, y: Any, learning_rate: float) -> None:
        """Take one step down the gradient of `binary_cross_entropy` on these rows.

        Parameters
        ----------
        X : array (rows, input_size)
        y : array (rows,) or (rows, output_size)
        learning_rate : float
        """
        self._run(X, y, learning_rate).advance(1)

    def train(self, X: Any, y: Any, epochs: int, learning_rate: float) -> None:
        """Take that many steps, and print the loss every 100 of them, each before its step.

        Parameters
        ----------
        X : array (rows, input_size)
        y : array (rows,) or (rows, output_size)
        epochs : int
        learning_rate : float
        """
        checks.whole("epochs", epochs)
        run = self._run(X, y, learning_rate)
        for epoch in range(0, epochs, REPORT):
            _, loss = run.advance(1 if epoch == 0 else REPORT)
            print(f"Epoch {epoch}, Loss: {loss / self.output_size:.6f}")
        if (epochs - 1) % REPORT:
            run.advance((epochs - 1) % REPORT)
        self.forward(X)

    def save(self, path: StrPath) -> None:
        """Write it to a file that `glassnet.load` reads: data, never code.

        Parameters
        ----------
        path : str or PathLike

        Examples
        --------
        >>> import glassnet as gn, tempfile
        >>> nn = SimpleNeuralNetwork(2, 2, 1, seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     nn.save(f"{folder}/nn.safetensors")
        ...     gn.load(f"{folder}/nn.safetensors")
        SimpleNeuralNetwork(input_size=2, hidden_size=2, output_size=1)
        """
        from glassnet.files.estimators import save_estimator

        save_estimator(self, self.network, path)

    def _run(self, X: Any, y: Any, learning_rate: float) -> Run:
        rows = Rows.of(self.network, X, y)
        checks.number("learning_rate", learning_rate, 0)
        # the network's loss adds up outputs, and the tutorial's takes their mean
        rule = SGD(learning_rate / self.output_size)
        return Run(self.network, rows, Plan(rule, batch_size=None))

    def __repr__(self) -> str:
        sizes = (self.input_size, self.hidden_size, self.output_size)
        return "SimpleNeuralNetwork(input_size={}, hidden_size={}, output_size={})".format(*sizes)
