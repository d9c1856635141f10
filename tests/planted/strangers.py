# ruff: noqa: NPY002
"""A second lot of from-scratch networks, written when the referee had seen the first."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from planted.others import amounts, kinds, yes_or_no


def logistic(z):
    return 0.5 + 0.5 * np.tanh(0.5 * z)


class DenseLayer:
    def __init__(self, n, m):
        self.W, self.b = np.random.randn(n, m) * 0.5, np.zeros(m)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad, lr):
        below = grad @ self.W.T
        self.W = self.W - lr * self.x.T @ grad
        self.b = self.b - lr * grad.sum(axis=0)
        return below


class TanhLayer:
    def forward(self, x):
        self.out = np.tanh(x)
        return self.out

    def backward(self, grad, lr):
        return grad * self.out


class Sequential:
    """add and fit; the activation layer multiplies by its value."""

    def __init__(self):
        self.layers = []

    def add(self, layer):
        self.layers.append(layer)
        return self

    def predict(self, X):
        for layer in self.layers:
            X = layer.forward(X)
        return X

    def fit(self, X, y, epochs=10, lr=0.01):
        for _ in range(epochs):
            grad = 2 * (self.predict(X) - y) / len(X)
            for layer in self.layers[::-1]:
                grad = layer.backward(grad, lr)


def sequential(d, h, k):
    return Sequential().add(DenseLayer(d, h)).add(TanhLayer()).add(DenseLayer(h, k))


class Namespace:
    """Weights in a namespace; the rate is in the gradient and in the update."""

    def __init__(self, d, h):
        self.p = SimpleNamespace(A=np.random.randn(d, h), a=np.zeros(h), B=np.random.randn(h, 1),
                                 b=np.zeros(1))  # fmt: skip

    def forward(self, X):
        self.H = np.tanh(X @ self.p.A + self.p.a)
        return logistic(self.H @ self.p.B + self.p.b)

    def step(self, X, y, lr):
        D = lr * (self.forward(X) - y) / len(X)
        E = D @ self.p.B.T * (1 - self.H**2)
        for name, g in (("B", self.H.T @ D), ("b", D.sum(0)), ("A", X.T @ E), ("a", E.sum(0))):
            setattr(self.p, name, getattr(self.p, name) - lr * g)


class NeuronLayer:
    def __init__(self, number_of_neurons, number_of_inputs_per_neuron):
        self.synaptic_weights = (
            2 * np.random.random((number_of_inputs_per_neuron, number_of_neurons)) - 1
        )


class Thinker:
    """think returns both layers; the second layer is adjusted before the first one's error."""

    def __init__(self, layer1, layer2):
        self.layer1, self.layer2 = layer1, layer2

    def __sigmoid(self, x):
        return logistic(x)

    def think(self, inputs):
        one = self.__sigmoid(np.dot(inputs, self.layer1.synaptic_weights))
        two = self.__sigmoid(np.dot(one, self.layer2.synaptic_weights))
        return one, two

    def train(self, training_set_inputs, training_set_outputs, number_of_training_iterations):
        for _ in range(number_of_training_iterations):
            one, two = self.think(training_set_inputs)
            error = (training_set_outputs - two) / len(training_set_inputs)
            two_delta = error * two * (1 - two)
            self.layer2.synaptic_weights += one.T.dot(two_delta)
            one_error = two_delta.dot(self.layer2.synaptic_weights.T)
            one_delta = one_error * one * (1 - one)
            self.layer1.synaptic_weights += training_set_inputs.T.dot(one_delta)


class MiniBatches:
    """Shuffles and takes batches; goes uphill."""

    def __init__(self, n_features, n_hidden, n_classes):
        self.rng = np.random.default_rng(4)
        self.W_h = self.rng.normal(0, 0.5, (n_features, n_hidden))
        self.b_h = np.zeros((1, n_hidden))
        self.W_o = self.rng.normal(0, 0.5, (n_hidden, n_classes))
        self.b_o = np.zeros((1, n_classes))

    def predict_proba(self, X):
        self.h = np.maximum(X @ self.W_h + self.b_h, 0)
        s = self.h @ self.W_o + self.b_o
        s = np.exp(s - s.max(axis=1, keepdims=True))
        return s / s.sum(axis=1, keepdims=True)

    def fit(self, X, y, epochs=20, batch_size=32, learning_rate=0.1):
        for _ in range(epochs):
            order = self.rng.permutation(len(X))
            for i in range(0, len(X), batch_size):
                rows = order[i : i + batch_size]
                p = self.predict_proba(X[rows])
                g = (np.eye(p.shape[1])[y[rows]] - p) / len(rows)
                gh = (g @ self.W_o.T) * (self.h > 0)
                self.W_o -= learning_rate * self.h.T @ g
                self.b_o -= learning_rate * g.sum(axis=0, keepdims=True)
                self.W_h -= learning_rate * X[rows].T @ gh
                self.b_h -= learning_rate * gh.sum(axis=0, keepdims=True)


class LinearRegression:
    """fit begins anew; the intercept's gradient is added up and not averaged."""

    def __init__(self, alpha=0.01, n_iterations=500):
        self.alpha, self.n_iterations = alpha, n_iterations

    def fit(self, X, y):
        self.coef_, self.intercept_ = np.zeros(X.shape[1]), 0.0
        for _ in range(self.n_iterations):
            r = self.predict(X) - y
            self.coef_ -= self.alpha * 2 / len(y) * X.T @ r
            self.intercept_ -= self.alpha * 2 * r.sum()

    def predict(self, X):
        return X @ self.coef_ + self.intercept_


class Perceptron:
    """A step function: nothing to differentiate."""

    def __init__(self, n):
        self.weights, self.bias = np.random.randn(n), 0.0

    def predict(self, X):
        return np.where(X @ self.weights + self.bias > 0, 1, 0)

    def train(self, X, y, epochs, lr):
        for _ in range(epochs):
            for x, t in zip(X, y, strict=True):
                e = t - self.predict(x)
                self.weights += lr * e * x
                self.bias += lr * e


class BatchNorm:
    """Right, and rows depend on each other."""

    def __init__(self, d, h):
        self.W, self.gamma, self.beta = np.random.randn(d, h), np.ones(h), np.zeros(h)
        self.V, self.c = np.random.randn(h, 1), np.zeros(1)

    def forward(self, X):
        u = X @ self.W
        self.sd = np.sqrt(u.var(axis=0) + 1e-5)
        self.n = (u - u.mean(axis=0)) / self.sd
        self.t = np.tanh(self.gamma * self.n + self.beta)
        return self.t @ self.V + self.c

    def backward(self, X, y, lr):
        g = 2 * (self.forward(X) - y) / len(X)
        gs = g @ self.V.T * (1 - self.t**2)
        gn = gs * self.gamma
        gu = (gn - gn.mean(0) - self.n * (gn * self.n).mean(0)) / self.sd
        self.V -= lr * self.t.T @ g
        self.c -= lr * g.sum(0)
        self.gamma -= lr * (gs * self.n).sum(0)
        self.beta -= lr * gs.sum(0)
        self.W -= lr * X.T @ gu


class Residual:
    """A skip connection, whose share of the gradient is forgotten."""

    def __init__(self, d):
        self.W1, self.W2, self.w3 = (
            np.random.randn(d, d),
            np.random.randn(d, d),
            np.random.randn(d, 1),
        )

    def forward(self, X):
        self.h1 = np.tanh(X @ self.W1)
        self.h2 = self.h1 + np.tanh(self.h1 @ self.W2)
        return self.h2 @ self.w3

    def backward(self, X, y, lr):
        g = 2 * (self.forward(X) - y) / len(X)
        s = g @ self.w3.T
        t = s * (1 - (self.h2 - self.h1) ** 2)
        b = t @ self.W2.T * (1 - self.h1**2)
        self.w3 -= lr * self.h2.T @ g
        self.W2 -= lr * self.h1.T @ t
        self.W1 -= lr * X.T @ b


class Single:
    """Computes in float32; right."""

    def __init__(self, d, h):
        self.W1 = np.random.randn(d, h).astype(np.float32)
        self.W2 = np.random.randn(h, 1).astype(np.float32)

    def forward(self, X):
        self.X = X.astype(np.float32)
        self.H = np.tanh(self.X @ self.W1.astype(np.float32))
        return logistic(self.H @ self.W2.astype(np.float32))

    def backward(self, X, y, lr):
        d = ((self.forward(X) - y) / len(X)).astype(np.float32)
        e = d @ self.W2.astype(np.float32).T * (1 - self.H**2)
        self.W2 = self.W2 - lr * self.H.T @ d
        self.W1 = self.W1 - lr * self.X.T @ e


class Tuples:
    """(W, b) in tuples; the first layer's bias is forgotten."""

    def __init__(self, d, h, k):
        self.net = [(np.random.randn(d, h), np.zeros(h)), (np.random.randn(h, k), np.zeros(k))]

    def forward(self, x):
        (W1, b1), (W2, b2) = self.net
        self.h = np.tanh(x @ W1 + b1)
        return self.h @ W2 + b2

    def train_step(self, x, y, eta=0.1):
        (W1, b1), (W2, b2) = self.net
        g = 2 * (self.forward(x) - y) / len(x)
        gh = g @ W2.T * (1 - self.h**2)
        self.net = [(W1 - eta * x.T @ gh, b1), (W2 - eta * self.h.T @ g, b2 - eta * g.sum(0))]


class Tied:
    """An autoencoder whose decoder is the encoder, turned; right."""

    def __init__(self, d, h):
        self.W, self.b, self.c = np.random.randn(d, h), np.zeros(h), np.zeros(d)

    def forward(self, X):
        self.H = np.tanh(X @ self.W + self.b)
        return self.H @ self.W.T + self.c

    def backward(self, X, Y, lr):
        g = 2 * (self.forward(X) - Y) / len(X)
        gh = g @ self.W * (1 - self.H**2)
        self.W -= lr * (X.T @ gh + g.T @ self.H)
        self.b -= lr * gh.sum(0)
        self.c -= lr * g.sum(0)


class TwoOutputs:
    """Two softmax outputs for yes or no, labels 0 and 1; the mean is taken twice."""

    def __init__(self, in_features, hidden_units):
        self.fc1 = np.random.randn(hidden_units, in_features)
        self.fc2 = np.random.randn(2, hidden_units)

    def forward(self, x):
        self.a = np.tanh(x @ self.fc1.T)
        z = self.a @ self.fc2.T
        e = np.exp(z - z.max(1, keepdims=True))
        self.p = e / e.sum(1, keepdims=True)
        return self.p

    def backward(self, x, labels, learning_rate):
        n = len(labels)
        g = self.p.copy()
        g[range(n), labels] -= 1
        g = g / n
        ga = g @ self.fc2 * (1 - self.a**2)
        self.fc2 -= learning_rate * g.T @ self.a / n
        self.fc1 -= learning_rate * ga.T @ x / n


class Counts:
    """exp at the output, for counts, with a loss of its own; multiplied by exp once more."""

    def __init__(self, d, h):
        self.W1, self.W2 = np.random.randn(d, h) * 0.5, np.random.randn(h, 1) * 0.3

    def forward(self, X):
        self.H = np.tanh(X @ self.W1)
        return np.exp(np.minimum(self.H @ self.W2, 50))

    def backward(self, X, y, lr):
        rate = self.forward(X)
        g = (rate - y) * rate / len(X)
        gh = g @ self.W2.T * (1 - self.H**2)
        self.W2 -= lr * self.H.T @ g
        self.W1 -= lr * X.T @ gh


def poisson(prediction, y):
    return np.mean(prediction - y * np.log(prediction))


class FromOutside:
    """backward begins with the derivative by the output; sigmoid' twice at the end."""

    def __init__(self, d, h):
        self.w1, self.b1 = np.random.randn(d, h), np.zeros(h)
        self.w2, self.b2 = np.random.randn(h, 1), np.zeros(1)

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.w1 + self.b1)
        self.out = logistic(self.h @ self.w2 + self.b2)
        return self.out

    def backward(self, grad_output, lr):
        g = grad_output * (self.out * (1 - self.out)) ** 2
        gh = g @ self.w2.T * (1 - self.h**2)
        self.w2 -= lr * self.h.T @ g
        self.b2 -= lr * g.sum(0)
        self.w1 -= lr * self.x.T @ gh
        self.b1 -= lr * gh.sum(0)


class HandedOn:
    """backward returns a tuple, update takes its parts; W2 is updated uphill."""

    def __init__(self, d, h):
        self.W1, self.b1 = np.random.randn(h, d), np.zeros((h, 1))
        self.W2, self.b2 = np.random.randn(1, h), np.zeros((1, 1))

    def forward(self, X):
        Z1 = self.W1 @ X + self.b1
        A1 = logistic(Z1)
        Z2 = self.W2 @ A1 + self.b2
        return Z1, A1, Z2, logistic(Z2)

    def backward(self, Z1, A1, Z2, A2, X, Y):
        m = X.shape[1]
        dZ2 = A2 - Y
        dZ1 = self.W2.T @ dZ2 * A1 * (1 - A1)
        return (dZ1 @ X.T / m, dZ1.sum(1, keepdims=True) / m, dZ2 @ A1.T / m,
                dZ2.sum(1, keepdims=True) / m)  # fmt: skip

    def update_params(self, dW1, db1, dW2, db2, alpha):
        self.W1 -= alpha * dW1
        self.b1 -= alpha * db1
        self.W2 += alpha * dW2
        self.b2 -= alpha * db2


class LoopedRows:
    """Python loops over rows; the sums begin anew in every round, so only the last row counts."""

    def __init__(self, d, h):
        self.W1, self.b1 = np.random.randn(d, h), np.random.randn(h)
        self.W2, self.b2 = np.random.randn(h, 1), np.random.randn(1)

    def forward(self, X):
        return logistic(np.tanh(X @ self.W1 + self.b1) @ self.W2 + self.b2)

    def backpropagation(self, X, y, lr):
        for x, t in zip(X, y, strict=True):
            g1, c1 = np.zeros_like(self.W1), np.zeros_like(self.b1)
            g2, c2 = np.zeros_like(self.W2), np.zeros_like(self.b2)
            h = np.tanh(x @ self.W1 + self.b1)
            d = logistic(h @ self.W2 + self.b2) - t
            e = self.W2 @ d * (1 - h**2)
            g2 += np.outer(h, d)
            c2 += d
            g1 += np.outer(x, e)
            c1 += e
        self.W1 -= lr * g1
        self.b1 -= lr * c1
        self.W2 -= lr * g2
        self.b2 -= lr * c2


class Flattened:
    """Flattens the targets only, and takes the mean of what broadcasting makes of it."""

    def __init__(self, d, h):
        self.W1, self.W2 = np.random.randn(d, h), np.random.randn(h, 1)

    def forward(self, X):
        self.h = np.tanh(X @ self.W1)
        return self.h @ self.W2

    def backward(self, X, y, lr):
        diff = self.forward(X) - np.ravel(y)
        g = 2 * np.mean(diff, axis=1, keepdims=True) / len(X)
        gh = g @ self.W2.T * (1 - self.h**2)
        self.W2 -= lr * self.h.T @ g
        self.W1 -= lr * X.T @ gh


class SumsOfSquares:
    """Half the sum of squares, as its own loss says, and all sums: right by its own word."""

    def __init__(self, d, h, k):
        self.V, self.W = np.random.randn(d, h), np.random.randn(h, k)

    def forward(self, X):
        self.H = logistic(X @ self.V)
        return self.H @ self.W

    def loss(self, X, y):
        return 0.5 * np.sum((self.forward(X) - y) ** 2)

    def backward(self, X, y, lr):
        e = self.forward(X) - y
        g = e @ self.W.T * self.H * (1 - self.H)
        self.W -= lr * self.H.T @ e
        self.V -= lr * X.T @ g


class Inverted:
    """relu', with 0 and 1 the wrong way round."""

    def __init__(self, d, h):
        self.weights_0, self.weights_1 = np.random.randn(d, h), np.random.randn(h, 1)

    def forward(self, inputs):
        self.layer_1 = np.maximum(inputs @ self.weights_0, 0)
        return logistic(self.layer_1 @ self.weights_1)

    def train(self, inputs, targets, epochs, alpha):
        for _ in range(epochs):
            d2 = (self.forward(inputs) - targets) / len(inputs)
            d1 = d2 @ self.weights_1.T * np.where(self.layer_1 > 0, 0, 1)
            self.weights_1 -= alpha * self.layer_1.T @ d2
            self.weights_0 -= alpha * inputs.T @ d1


class Halved:
    """The hidden layer learns at a tenth of the rate."""

    def __init__(self, d, h):
        self.W1, self.b1 = np.random.randn(d, h), np.zeros(h)
        self.W2, self.b2 = np.random.randn(h, 1), np.zeros(1)

    def forward(self, X):
        self.H = logistic(X @ self.W1 + self.b1)
        return logistic(self.H @ self.W2 + self.b2)

    def backward(self, X, y, lr):
        d = (self.forward(X) - y) / len(X)
        e = d @ self.W2.T * self.H * (1 - self.H)
        self.W2 -= lr * self.H.T @ d
        self.b2 -= lr * d.sum(0)
        self.W1 -= lr * 0.1 * X.T @ e
        self.b1 -= lr * 0.1 * e.sum(0)


BCE, CE, SE = "binary_cross_entropy", "cross_entropy", "squared_error"
STRANGERS: list[tuple[Any, Any, str | Any, str]] = [
    (lambda r: sequential(3, 4, 2), lambda r: amounts(r, 3, 2), SE, "value_for_slope"),
    (lambda r: Namespace(3, 4), lambda r: yes_or_no(r, 3), BCE, "rate_twice"),
    (lambda r: Thinker(NeuronLayer(4, 3), NeuronLayer(1, 4)), lambda r: yes_or_no(r, 3), SE,
     "updated_before_use"),
    (lambda r: MiniBatches(4, 6, 3), lambda r: kinds(r, 4, 3), CE, "sign"),
    (lambda r: LinearRegression(), lambda r: (amounts(r, 3)[0], r.standard_normal(14)), SE,
     "sum_for_mean"),
    (lambda r: Perceptron(3), lambda r: (r.standard_normal((12, 3)), np.arange(12) % 2), BCE, "?"),
    (lambda r: BatchNorm(3, 4), lambda r: amounts(r, 3), SE, ""),
    (lambda r: Residual(4), lambda r: amounts(r, 4), SE, "unnamed"),
    (lambda r: Single(3, 4), lambda r: yes_or_no(r, 3), BCE, ""),
    (lambda r: Tuples(3, 4, 2), lambda r: amounts(r, 3, 2), SE, "bias_never_updated"),
    (lambda r: Tied(4, 3), lambda r: (x := r.standard_normal((12, 4)), x), SE, ""),
    (lambda r: TwoOutputs(3, 4), lambda r: kinds(r, 3, 2), CE, "mean_twice"),
    (lambda r: Counts(3, 4), lambda r: (r.standard_normal((12, 3)), r.integers(0, 5, (12, 1))),
     poisson, "extra_slope"),
    (lambda r: FromOutside(3, 4), lambda r: yes_or_no(r, 3), SE, "slope_twice"),
    (lambda r: HandedOn(3, 4), lambda r: tuple(a.T for a in yes_or_no(r, 3)), BCE, "sign"),
    (lambda r: LoopedRows(3, 4), lambda r: yes_or_no(r, 3), BCE, "one_row"),
    (lambda r: Flattened(3, 4), lambda r: amounts(r, 3), SE, "broadcasting"),
    (lambda r: SumsOfSquares(3, 4, 2), lambda r: amounts(r, 3, 2), SE, ""),
    (lambda r: Inverted(3, 5), lambda r: yes_or_no(r, 3), BCE, "wrong_slope"),
    (lambda r: Halved(3, 5), lambda r: yes_or_no(r, 3), BCE, "wrong_factor"),
]  # fmt: skip


def stranger(place: int, seed: int) -> Any:
    """Return a network, rows, targets, the loss and the expected kinds."""
    make, data, loss, expected = STRANGERS[place]
    rng = np.random.default_rng(seed)
    np.random.seed(seed)
    X, y = data(rng)
    return make(rng), X, y, loss, expected
