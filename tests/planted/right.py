"""Right networks, as different as they come: shapes, curves, keeping, calling, sizes of weights."""

import itertools
from typing import Any

import numpy as np

CURVES = {
    "sigmoid": (lambda z: 0.5 * np.tanh(z / 2) + 0.5, lambda z, a: a * (1 - a)),
    "tanh": (np.tanh, lambda z, a: 1 - a**2),
    "relu": (lambda z: np.maximum(z, 0), lambda z, a: (z > 0) * 1.0),
    "leaky": (lambda z: np.where(z > 0, z, 0.1 * z), lambda z, a: np.where(z > 0, 1, 0.1)),
    "softplus": (lambda z: np.logaddexp(0, z), lambda z, a: 0.5 * np.tanh(z / 2) + 0.5),
    "swish": (
        lambda z: z * (0.5 * np.tanh(z / 2) + 0.5),
        lambda z, a: a + (0.5 * np.tanh(z / 2) + 0.5) * (1 - a),
    ),
    "cubic": (lambda z: z + 0.1 * z**3, lambda z, a: 1 + 0.3 * z**2),  # none that anybody has
}


class Base:
    """Forward and gradients for rows; what differs between people is in the classes below."""

    def begin(self, rng: Any, sizes: list[int], curve: str, task: str, size: float) -> None:
        self.curve, self.task = curve, task
        self.initial = [
            (rng.standard_normal((a, b)) * size / np.sqrt(a), rng.standard_normal(b) * 0.1 * size)
            for a, b in itertools.pairwise(sizes)
        ]

    def through(self, X: Any, pairs: Any) -> Any:
        self.z, self.a = [], [X]
        for i, (W, b) in enumerate(pairs):
            z = self.a[-1] @ W + b
            last = i == len(pairs) - 1
            self.z.append(z)
            self.a.append(self.out(z) if last else CURVES[self.curve][0](z))
        return self.a[-1]

    def out(self, z: Any) -> Any:
        if self.task == "binary":
            return np.exp(-np.logaddexp(0, -z))
        if self.task == "classes":
            e = np.exp(z - z.max(axis=1, keepdims=True))
            return e / e.sum(axis=1, keepdims=True)
        return z

    def gradients(self, y: Any, pairs: Any) -> Any:
        delta = (self.a[-1] - y) / len(y) * (2 if self.task == "numbers" else 1)
        found = []
        for i in reversed(range(len(pairs))):
            found.insert(0, (self.a[i].T @ delta, delta.sum(axis=0)))
            if i:
                slope = CURVES[self.curve][1](self.z[i - 1], self.a[i])
                delta = delta @ pairs[i][0].T * slope
        return found


class Attributes(Base):
    """W1, b1, ... as attributes, updated in place, b as (1, units)."""

    def __init__(self, *args: Any) -> None:
        self.begin(*args)
        for i, (W, b) in enumerate(self.initial, 1):
            setattr(self, f"W{i}", W)
            setattr(self, f"b{i}", b[None, :])
        self.layers = len(self.initial)
        del self.initial

    def pairs(self) -> Any:
        return [(getattr(self, f"W{i}"), getattr(self, f"b{i}"))
                for i in range(1, self.layers + 1)]  # fmt: skip

    def forward(self, X: Any) -> Any:
        return self.through(X, self.pairs())

    def backward(self, X: Any, y: Any, learning_rate: float) -> None:
        for (W, b), (dW, db) in zip(self.pairs(), self.gradients(y, self.pairs()), strict=True):
            W -= learning_rate * dW
            b -= learning_rate * db


class Rebound(Base):
    """A dict of parameters, turned, samples as columns; new arrays in every step; no backward."""

    def __init__(self, *args: Any) -> None:
        self.begin(*args)
        self.params = {}
        for i, (W, b) in enumerate(self.initial, 1):
            self.params["W" + str(i)] = W.T.copy()
            self.params["b" + str(i)] = b[:, None].copy()
        self.eta = 0.5

    def pairs(self) -> Any:
        return [(self.params[f"W{i}"].T, self.params[f"b{i}"].T)
                for i in range(1, len(self.params) // 2 + 1)]  # fmt: skip

    def feedforward(self, X: Any) -> Any:
        return self.through(X.T, self.pairs()).T

    def train(self, X: Any, Y: Any, iterations: int, verbose: bool = True) -> None:
        for k in range(iterations):
            self.feedforward(X)
            for i, (dW, db) in enumerate(self.gradients(Y.T, self.pairs()), 1):
                self.params[f"W{i}"] = self.params[f"W{i}"] - self.eta * dW.T
                self.params[f"b{i}"] = self.params[f"b{i}"] - self.eta * db[:, None]
            if verbose:
                print("iteration", k)


class Returned(Base):
    """Lists, and a function that returns gradients; a velocity and scaling that are not learned."""

    def __init__(self, *args: Any) -> None:
        self.begin(*args)
        self.coefs = [W.astype(np.float32) for W, _ in self.initial]
        self.intercepts = [b.astype(np.float32) for _, b in self.initial]
        self.velocity = [np.zeros_like(W) for W, _ in self.initial]
        self.mean, self.std = np.full(len(self.coefs[0]), 0.1), np.full(len(self.coefs[0]), 1.5)

    def predict(self, inputs: Any) -> Any:
        inputs = (inputs - self.mean) / self.std
        return self.through(inputs, list(zip(self.coefs, self.intercepts, strict=True)))

    def compute_gradients(self, inputs: Any, targets: Any) -> Any:
        self.predict(inputs)
        found = self.gradients(targets, list(zip(self.coefs, self.intercepts, strict=True)))
        return [dW for dW, _ in found], [db for _, db in found]


class Layer:
    """A layer object that keeps its own gradients."""

    def __init__(self, W: Any, b: Any) -> None:
        self.weights, self.biases = W, b
        self.dweights = self.dbiases = None


class Kept(Base):
    """Layer objects; backward keeps gradients, update uses them; momentum of the first step."""

    def __init__(self, *args: Any) -> None:
        self.begin(*args)
        self.layers = [Layer(W, b) for W, b in self.initial]
        del self.initial

    def pairs(self) -> Any:
        return [(layer.weights, layer.biases) for layer in self.layers]

    def __call__(self, x: Any) -> Any:
        return self.through(x, self.pairs())

    def backward(self, y_true: Any) -> None:
        found = self.gradients(y_true, self.pairs())
        for layer, (dW, db) in zip(self.layers, found, strict=True):
            layer.dweights, layer.dbiases = dW, db

    def update(self, lr: float = 0.01) -> None:
        for layer in self.layers:
            layer.weights += -lr * layer.dweights
            layer.biases += -lr * layer.dbiases


class RowByRow(Base):
    """One row after the other, in random order, with extra ones for a bias; fit."""

    def __init__(self, *args: Any) -> None:
        self.begin(*args)
        self.theta = [np.vstack([W, b]) for W, b in self.initial]
        self.rng = np.random.default_rng(3)

    def pairs(self) -> Any:
        return [(t[:-1], t[-1]) for t in self.theta]

    def predict_proba(self, X: Any) -> Any:
        return self.through(X, self.pairs())

    def fit(self, X: Any, y: Any, n_epochs: int = 10, alpha: float = 0.1) -> "RowByRow":
        for _ in range(n_epochs):
            for i in self.rng.permutation(len(X)):
                self.predict_proba(X[i : i + 1])
                found = self.gradients(y[i : i + 1], self.pairs())
                for t, (dW, db) in zip(self.theta, found, strict=True):
                    t -= alpha * np.vstack([dW, db])
        return self


KINDS = (Attributes, Rebound, Returned, Kept, RowByRow)
LOSSES = {
    "binary": "binary_cross_entropy",
    "classes": "cross_entropy",
    "numbers": "squared_error",
}


def right(seed: int) -> tuple[Any, Any, Any, str]:
    """Return a right network, rows, targets and the loss."""
    rng = np.random.default_rng(1000 + seed)
    kind = KINDS[seed % len(KINDS)]
    task = str(rng.choice(list(LOSSES)))
    outputs = {"binary": 1, "classes": int(rng.integers(2, 5)), "numbers": int(rng.integers(1, 3))}
    d, n = int(rng.integers(1, 6)), int(rng.integers(9, 30))
    depth = int(rng.integers(1, 4)) if rng.random() < 0.9 else 0
    sizes = [d, *(int(rng.integers(1, 8)) for _ in range(depth)), outputs[task]]
    size = float(rng.choice([1.0, 1.0, 0.0, 0.01, 30.0]))  # zero, tiny, saturated
    nn = kind(rng, sizes, str(rng.choice(list(CURVES))), task, size)
    X = rng.standard_normal((n, d)) * float(rng.choice([1.0, 0.1, 50.0]))
    if rng.random() < 0.3:
        X = np.round(X).astype(int)  # many zeros: relu units at 0
    if task == "binary":
        y: Any = (rng.random((n, 1)) < 0.5).astype(int)
        y[:2] = [[0], [1]]
    elif task == "classes":
        k = outputs[task]
        y = np.eye(k)[np.concatenate([np.arange(k), rng.integers(0, k, n - k)])]
    else:
        y = 3 * rng.standard_normal((n, outputs[task]))
    if kind is Rebound:
        X, y = X.T, y.T
    return nn, X, y, LOSSES[task]
