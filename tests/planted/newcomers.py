# ruff: noqa: NPY002
"""A third lot of from-scratch networks, written when the referee had seen the first two."""

import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from planted.others import amounts, hot, kinds, turned, yes_or_no


def squash(x):
    return 0.5 * (1 + np.tanh(x / 2))


class ReturnsADict:
    """forward returns a dict of both layers; sums."""

    def __init__(self, n_in, n_hid):
        self.layers = [[np.random.randn(n_in, n_hid), np.zeros(n_hid)],
                       [np.random.randn(n_hid, 1), np.zeros(1)]]  # fmt: skip

    def forward(self, X):
        hidden = squash(X @ self.layers[0][0] + self.layers[0][1])
        return {"hidden": hidden, "output": squash(hidden @ self.layers[1][0] + self.layers[1][1])}

    def backward(self, X, y, lr):
        both = self.forward(X)
        d2 = both["output"] - y
        d1 = d2 @ self.layers[1][0].T * both["hidden"] * (1 - both["hidden"])
        self.layers[1][0] -= lr * both["hidden"].T @ d2
        self.layers[1][1] -= lr * d2.sum(0)
        self.layers[0][0] -= lr * X.T @ d1
        self.layers[0][1] -= lr * d1.sum(0)


class ColumnsSoftmax:
    """Samples as columns, but the softmax is taken along the rows."""

    def __init__(self, d, h, k):
        self.W1, self.b1 = np.random.randn(h, d), np.zeros((h, 1))
        self.W2, self.b2 = np.random.randn(k, h), np.zeros((k, 1))

    def forward_prop(self, X):
        self.Z1 = self.W1.dot(X) + self.b1
        self.A1 = np.maximum(self.Z1, 0)
        Z2 = self.W2.dot(self.A1) + self.b2
        Z2 = Z2 - np.max(Z2)
        self.A2 = np.exp(Z2) / np.sum(np.exp(Z2), axis=1, keepdims=True)
        return self.A2

    def back_prop(self, X, Y):
        m = X.shape[1]
        dZ2 = self.A2 - Y
        dZ1 = self.W2.T.dot(dZ2) * (self.Z1 > 0)
        return (dZ1.dot(X.T) / m, dZ1.sum(1).reshape(-1, 1) / m, dZ2.dot(self.A1.T) / m,
                dZ2.sum(1).reshape(-1, 1) / m)  # fmt: skip

    def update_params(self, dW1, db1, dW2, db2, alpha):
        self.W1, self.b1 = self.W1 - alpha * dW1, self.b1 - alpha * db1
        self.W2, self.b2 = self.W2 - alpha * dW2, self.b2 - alpha * db2


class Epochs:
    """run_epoch, a rate called alpha; the middle layer's slope is that of its z."""

    def __init__(self, a, b, c):
        self.alpha = 0.2
        self.m1, self.m2, self.m3 = (np.random.randn(*s) for s in ((a, b), (b, c), (c, 1)))

    def predict(self, X):
        self.z1 = X @ self.m1
        self.h1 = squash(self.z1)
        self.z2 = self.h1 @ self.m2
        self.h2 = squash(self.z2)
        return self.h2 @ self.m3

    def run_epoch(self, X, y):
        g3 = 2 * (self.predict(X) - y) / len(X)
        g2 = g3 @ self.m3.T * self.z2 * (1 - self.z2)
        g1 = g2 @ self.m2.T * self.h1 * (1 - self.h1)
        self.m3 -= self.alpha * self.h2.T @ g3
        self.m2 -= self.alpha * self.h1.T @ g2
        self.m1 -= self.alpha * X.T @ g1


class Parent:
    def __init__(self, d, h):
        self.__W = np.random.randn(d, h)
        self.__V = np.random.randn(h, 1)
        self.__c = np.zeros((1, 1))

    def think(self, x):
        self._h = np.tanh(x @ self.__W)
        return squash(self._h @ self.__V + self.__c)

    def adjust(self, x, e, rate):
        back = (e @ self.__V.T) * (1 - np.tanh(self._h) ** 2)
        self.__V -= rate * self._h.T @ e
        self.__c -= rate * e.sum()
        self.__W -= rate * x.T @ back


class Child(Parent):
    """Private arrays of a parent; tanh' at a."""

    def train(self, x, y, epochs=1, lr=0.1):
        for _ in range(epochs):
            e = (self.think(x) - y) / len(x)
            self.adjust(x, e, lr)


@dataclass(slots=True)
class Slotted:
    """A dataclass with slots; the hidden layer's rate is squared."""

    d: int
    h: int
    A: Any = None
    B: Any = None
    kept: dict = field(default_factory=dict)

    def __post_init__(self):
        self.A, self.B = np.random.randn(self.d, self.h), np.random.randn(self.h, 1)

    def forward(self, x):
        self.kept["h"] = np.tanh(x @ self.A)
        return self.kept["h"] @ self.B

    def backward(self, x, y, lr):
        h = self.kept["h"]
        e = 2 * (h @ self.B - y) / len(x)
        below = lr * (e @ self.B.T) * (1 - h**2)
        self.B = self.B - lr * h.T @ e
        self.A = self.A - lr * x.T @ below


class SquareColumns:
    """Columns, hidden layers of equal width; one weight is not turned on the way back."""

    def __init__(self, d, h):
        self.w = {
            "1": np.random.randn(h, d),
            "2": np.random.randn(h, h),
            "3": np.random.randn(1, h),
        }
        self.cache = {}

    @staticmethod
    def act(z):
        return np.tanh(z)

    def forward(self, x):
        self.cache["a0"] = x
        self.cache["a1"] = self.act(self.w["1"] @ x)
        self.cache["a2"] = self.act(self.w["2"] @ self.cache["a1"])
        self.cache["p"] = squash(self.w["3"] @ self.cache["a2"])
        return self.cache["p"]

    def backward(self, y, lr):
        n = y.shape[1]
        c = self.cache
        d3 = (c["p"] - y) / n
        d2 = (self.w["3"].T @ d3) * (1 - c["a2"] ** 2)
        d1 = (self.w["2"] @ d2) * (1 - c["a1"] ** 2)
        for key, d, a in (("3", d3, c["a2"]), ("2", d2, c["a1"]), ("1", d1, c["a0"])):
            self.w[key] -= lr * d @ a.T


class OuterOfMeans:
    """The gradient is the outer product of the mean activation and the mean delta."""

    def __init__(self, d, h, k):
        self.W1, self.b1 = np.random.randn(d, h), np.zeros(h)
        self.W2, self.b2 = np.random.randn(h, k), np.zeros(k)

    def forward(self, X):
        self.X, self.H = X, squash(X @ self.W1 + self.b1)
        s = self.H @ self.W2 + self.b2
        s = np.exp(s - s.max(1, keepdims=True))
        self.P = s / s.sum(1, keepdims=True)
        return self.P

    def backward(self, Y, lr):
        d2 = (self.P - Y).mean(axis=0)
        d1 = d2 @ self.W2.T * (self.H * (1 - self.H)).mean(axis=0)
        self.W2 -= lr * np.outer(self.H.mean(axis=0), d2)
        self.b2 -= lr * d2
        self.W1 -= lr * np.outer(self.X.mean(axis=0), d1)
        self.b1 -= lr * d1


class NaiveSoftmax:
    """Deep, right, and exp without taking off the largest."""

    def __init__(self, sizes):
        self.weights = [np.random.randn(a, b) / np.sqrt(a)
                        for a, b in itertools.pairwise(sizes)]  # fmt: skip

    def forward(self, x):
        self.outs = [x]
        for w in self.weights[:-1]:
            self.outs.append(np.maximum(0.01 * (self.outs[-1] @ w), self.outs[-1] @ w))
        e = np.exp(self.outs[-1] @ self.weights[-1])
        return e / np.sum(e, axis=1, keepdims=True)

    def step(self, x, y, lr):
        d = (self.forward(x) - y) / len(x)
        grads = []
        for i in range(len(self.weights) - 1, -1, -1):
            grads.append(self.outs[i].T @ d)
            d = d @ self.weights[i].T * np.where(self.outs[i] > 0, 1, 0.01)
        for w, g in zip(self.weights, grads[::-1], strict=True):
            w -= lr * g


class LogOfZero:
    """Its loss has no epsilon."""

    def __init__(self, d):
        self.w, self.b = np.random.randn(d, 1), 0.3

    def forward(self, X):
        return squash(X @ self.w + self.b)

    def loss(self, y_true, y_pred):
        return -np.mean(y_true * np.log(y_pred) + (1 - y_true) * np.log(1 - y_pred))

    def backward(self, X, y, lr):
        e = (self.forward(X) - y) / len(X)
        self.w = self.w - lr * X.T @ e
        self.b = self.b - lr * float(e.sum())


class UpdatesInTheLoop:
    """Every layer is updated before its weights are used to go on."""

    def __init__(self, sizes):
        self.sizes = sizes
        self.theta = [np.random.uniform(-1, 1, (m + 1, n))
                      for m, n in itertools.pairwise(sizes)]  # fmt: skip

    def feed_forward(self, X):
        self.a = [X]
        for t in self.theta:
            self.a.append(squash(np.hstack([np.ones((len(X), 1)), self.a[-1]]) @ t))
        return self.a[-1]

    def back_propagate(self, X, y, eta):
        delta = (self.feed_forward(X) - y) / len(X)
        for i in reversed(range(len(self.theta))):
            ones = np.hstack([np.ones((len(X), 1)), self.a[i]])
            self.theta[i] -= eta * ones.T @ delta
            delta = delta @ self.theta[i][1:].T * self.a[i] * (1 - self.a[i])


class BiasTwice:
    """The delta is a mean already, and the biases take the mean of it."""

    def __init__(self, d, h):
        self.Wh, self.bh = np.random.randn(d, h), np.random.randn(1, h)
        self.Wo, self.bo = np.random.randn(h, 1), np.random.randn(1, 1)

    def forward(self, X):
        self.h = np.tanh(X @ self.Wh + self.bh)
        self.o = self.h @ self.Wo + self.bo
        return self.o

    def backward(self, X, y, learning_rate=0.01):
        d = 2 * (self.o - y) / len(y)
        dh = d @ self.Wo.T * (1 - np.power(self.h, 2))
        self.Wo -= learning_rate * self.h.T @ d
        self.bo -= learning_rate * d.mean(axis=0)
        self.Wh -= learning_rate * X.T @ dh
        self.bh -= learning_rate * dh.mean(axis=0)


class LeCun:
    """1.7159 tanh(2x/3), whose slope is taken for that of tanh."""

    def __init__(self, d, h):
        self.W, self.V = np.random.randn(d, h), np.random.randn(h, 1)

    def forward(self, X):
        self.t = np.tanh(2.0 / 3.0 * (X @ self.W))
        return 1.7159 * self.t @ self.V

    def backward(self, X, y, lr):
        e = 2 * (self.forward(X) - y) / len(X)
        back = e @ self.V.T * (1 - self.t**2)
        self.V -= lr * 1.7159 * self.t.T @ e
        self.W -= lr * X.T @ back


class ThreeAtOnce:
    """An extra slope at the output, uphill, and a bias that is left out."""

    def __init__(self, d, h):
        self.w1, self.b1 = np.random.randn(d, h), np.zeros(h)
        self.w2, self.b2 = np.random.randn(h, 1), np.zeros(1)

    def forward(self, x):
        self.h = squash(x @ self.w1 + self.b1)
        self.y = squash(self.h @ self.w2 + self.b2)
        return self.y

    def backward(self, x, t, lr):
        d = (self.y - t) * self.y * (1 - self.y) / len(x)
        e = d @ self.w2.T * self.h * (1 - self.h)
        self.w2 += lr * self.h.T @ d
        self.b2 += lr * d.sum(0)
        self.w1 += lr * x.T @ e


class SigmoidOfRelu:
    """relu hidden units with the sigmoid's derivative."""

    def __init__(self, d, h, k):
        self.coefs_ = [np.random.randn(d, h), np.random.randn(h, k)]
        self.intercepts_ = [np.zeros(h), np.zeros(k)]

    def predict_proba(self, X):
        self.h = np.maximum(0, X @ self.coefs_[0] + self.intercepts_[0])
        s = self.h @ self.coefs_[1] + self.intercepts_[1]
        e = np.exp(s - s.max(axis=1)[:, np.newaxis])
        return e / e.sum(axis=1)[:, np.newaxis]

    def partial_fit(self, X, y, eta0=0.1):
        p = self.predict_proba(X)
        p[np.arange(len(y)), y] -= 1
        p /= len(y)
        back = p @ self.coefs_[1].T * self.h * (1 - self.h)
        self.coefs_[1] -= eta0 * self.h.T @ p
        self.intercepts_[1] -= eta0 * p.sum(0)
        self.coefs_[0] -= eta0 * X.T @ back
        self.intercepts_[0] -= eta0 * back.sum(0)


class ReluOut:
    """relu at the output too, whose slope is left out."""

    def __init__(self, d, h):
        self.fc1, self.fc2 = np.random.randn(h, d), np.abs(np.random.randn(1, h))

    def forward(self, x):
        self.a = np.maximum(x @ self.fc1.T, 0)
        return np.maximum(self.a @ self.fc2.T - 0.5, 0)

    def backward(self, x, y, lr):
        g = 2 * (self.forward(x) - y) / len(x)
        ga = g @ self.fc2 * (self.a > 0)
        self.fc2 -= lr * g.T @ self.a
        self.fc1 -= lr * ga.T @ x


class DividesByTheRate:
    """The gradient is divided by the rate instead of multiplied with it: as if it were 1/rate^2."""

    def __init__(self, d):
        self.weights, self.bias = np.random.randn(d), 0.0

    def forward(self, X):
        return X @ self.weights + self.bias

    def backward(self, X, y, lr):
        e = 2 * (self.forward(X) - y) / len(X)
        self.weights = self.weights - X.T @ e / lr
        self.bias = self.bias - e.sum() / lr


class NoSlopeAnywhere:
    """Three hidden layers, and not one derivative of tanh."""

    def __init__(self, *sizes):
        self.Ws = [np.random.randn(a, b) / np.sqrt(a) for a, b in itertools.pairwise(sizes)]
        self.bs = [np.zeros((1, b)) for b in sizes[1:]]

    def forward(self, X):
        self.As = [X]
        for W, b in zip(self.Ws[:-1], self.bs[:-1], strict=True):
            self.As.append(np.tanh(self.As[-1] @ W + b))
        return squash(self.As[-1] @ self.Ws[-1] + self.bs[-1])

    def gradient(self, X, y):
        d = (self.forward(X) - y) / len(X)
        gW, gb = [], []
        for W, A in zip(self.Ws[::-1], self.As[::-1], strict=True):
            gW.append(A.T @ d)
            gb.append(d.sum(0, keepdims=True))
            d = d @ W.T
        return gW[::-1], gb[::-1]


class Good:
    """Right: relu with >=, labels in, rows shuffled in place on the way."""

    def __init__(self, d, h, k):
        self.W1, self.W2 = np.random.randn(d, h), np.random.randn(h, k)
        self.b1, self.b2 = np.zeros(h), np.zeros(k)
        self.history = []

    def forward(self, X):
        self.Z1 = X @ self.W1 + self.b1
        self.A1 = np.where(self.Z1 >= 0, self.Z1, 0)
        Z2 = self.A1 @ self.W2 + self.b2
        E = np.exp(Z2 - np.max(Z2, axis=1, keepdims=True))
        return E / E.sum(axis=1, keepdims=True)

    def fit(self, X, y, epochs=5, lr=0.1):
        for _ in range(epochs):
            order = np.random.permutation(len(X))
            X, y = X[order], y[order]
            P = self.forward(X)
            self.history.append(float(-np.log(P[np.arange(len(y)), y] + 1e-12).mean()))
            P[np.arange(len(y)), y] -= 1
            P /= len(y)
            D1 = (P @ self.W2.T) * (self.Z1 >= 0)
            self.W2 -= lr * self.A1.T @ P
            self.b2 -= lr * P.sum(axis=0)
            self.W1 -= lr * X.T @ D1
            self.b1 -= lr * D1.sum(axis=0)
        return self


BCE, CE, SE = "binary_cross_entropy", "cross_entropy", "squared_error"
NEWCOMERS: list[tuple[Any, Any, Any, str]] = [
    (lambda r: ReturnsADict(3, 4), lambda r: yes_or_no(r, 3), BCE, "sum_for_mean"),
    (lambda r: ColumnsSoftmax(4, 6, 3), lambda r: turned(hot(kinds(r, 4, 3))), CE, "softmax_axis"),
    (lambda r: Epochs(3, 4, 5), lambda r: amounts(r, 3), SE, "slope_at_z"),
    (lambda r: Child(3, 4), lambda r: yes_or_no(r, 3), BCE, "slope_at_a"),
    (lambda r: Slotted(3, 4), lambda r: amounts(r, 3), SE, "rate_twice"),
    (lambda r: SquareColumns(3, 4), lambda r: turned(yes_or_no(r, 3)), BCE, "transposed_weight"),
    (lambda r: OuterOfMeans(3, 4, 3), lambda r: hot(kinds(r, 3, 3)), CE, "one_gradient"),
    (lambda r: NaiveSoftmax([3, 5, 4, 3]), lambda r: hot(kinds(r, 3, 3)), CE, "overflow"),
    (lambda r: LogOfZero(3), lambda r: yes_or_no(r, 3), BCE, "log_of_zero"),
    (lambda r: UpdatesInTheLoop([3, 4, 5, 1]), lambda r: yes_or_no(r, 3), BCE,
     "updated_before_use"),
    (lambda r: BiasTwice(3, 4), lambda r: amounts(r, 3), SE, "mean_twice"),
    (lambda r: LeCun(3, 4), lambda r: amounts(r, 3), SE, "wrong_factor"),
    (lambda r: ThreeAtOnce(3, 4), lambda r: yes_or_no(r, 3), BCE,
     "extra_slope sign bias_never_updated"),
    (lambda r: SigmoidOfRelu(3, 6, 3), lambda r: kinds(r, 3, 3), CE, "wrong_slope"),
    (lambda r: ReluOut(3, 5), lambda r: amounts(r, 3), SE, "unnamed"),
    (lambda r: DividesByTheRate(3), lambda r: (amounts(r, 3)[0], r.standard_normal(14)), SE,
     "rate_divides"),
    (lambda r: NoSlopeAnywhere(3, 4, 5, 4, 1), lambda r: yes_or_no(r, 3), BCE, "missing_slope"),
    (lambda r: Good(3, 6, 3), lambda r: kinds(r, 3, 3), CE, ""),
]  # fmt: skip


def newcomer(place: int, seed: int) -> Any:
    """Return a network, rows, targets, the loss and the expected kinds."""
    make, data, loss, expected = NEWCOMERS[place]
    rng = np.random.default_rng(seed)
    np.random.seed(seed)
    X, y = data(rng)
    return make(rng), X, y, loss, expected
