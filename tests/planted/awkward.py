# ruff: noqa: NPY002
"""Classes that are awkward to check: they raise, print, draw, keep whole numbers, and so on."""

import sys
import threading

import numpy as np


def sig(z):
    return 0.5 * np.tanh(0.5 * z) + 0.5


class Good:
    """Right; the others differ from it in one thing each."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.W1, self.b1 = rng.normal(size=(2, 3)), np.zeros(3)
        self.W2, self.b2 = rng.normal(size=(3, 1)), np.zeros(1)

    def forward(self, X):
        self.h = sig(X @ self.W1 + self.b1)
        self.o = sig(self.h @ self.W2 + self.b2)
        return self.o

    def slopes(self, X, y):
        d = (self.o - y) / len(X)
        e = d @ self.W2.T * self.h * (1 - self.h)
        return {"W2": self.h.T @ d, "b2": d.sum(0), "W1": X.T @ e, "b1": e.sum(0)}

    def backward(self, X, y, lr):
        for name, g in self.slopes(X, y).items():
            setattr(self, name, getattr(self, name) - lr * g)


class RaisesForward(Good):
    def forward(self, X):
        raise RuntimeError("not written yet")


class RaisesBackward(Good):
    def backward(self, X, y, lr):
        raise KeyError("dW")


class OtherArguments(Good):
    def backward(self, X, y, foo, bar, baz):
        pass


class DrawsInBackward(Good):
    def backward(self, X, y, lr):
        super().backward(X, y, lr)
        self.W1 = self.W1 + lr * np.random.normal(size=self.W1.shape)


class DrawsFromItsOwn(Good):
    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(0)

    def backward(self, X, y, lr):
        super().backward(X, y, lr)
        self.W1 = self.W1 + lr * self.rng.normal(size=self.W1.shape)


class DrawsAnew(Good):
    def forward(self, X):
        return super().forward(X) + 1e-3 * np.random.default_rng().random()


class Whole(Good):
    def __init__(self):
        super().__init__()
        self.W1 = np.array([[1, -1, 2], [2, 1, -1]])

    def backward(self, X, y, lr):
        for name, g in self.slopes(X, y).items():
            array = getattr(self, name)
            array -= lr * g


class WholeAtFirst(Good):
    def __init__(self):
        super().__init__()
        self.W1 = np.array([[1, -1, 2], [2, 1, -1]])


class NoForward:
    def __init__(self):
        self.W = np.ones((2, 1))


class NoBackward(NoForward):
    def forward(self, X):
        return X @ self.W


class Classes(Good):
    def forward(self, X):
        return (super().forward(X) > 0.5).astype(int)


class ReturnsNothing(Good):
    def forward(self, X):
        super().forward(X)


class ReturnsText(Good):
    def forward(self, X):
        return "0.5"


class Exits(Good):
    def backward(self, X, y, lr):
        sys.exit(3)


class Prints(Good):
    def forward(self, X):
        print("hello", file=sys.stderr)
        print("hello")
        return super().forward(X)


class Locked(Good):
    def __init__(self):
        super().__init__()
        self.lock, self.numpy = threading.Lock(), np


class Dropout(Good):
    def forward(self, X):
        full = sig(X @ self.W1 + self.b1)
        self.mask = (np.random.rand(*full.shape) > 0.3) / 0.7
        self.full, self.h = full, full * self.mask
        self.o = sig(self.h @ self.W2 + self.b2)
        return self.o

    def slopes(self, X, y):
        d = (self.o - y) / len(X)
        e = d @ self.W2.T * self.mask * self.full * (1 - self.full)
        return {"W2": self.h.T @ d, "b2": d.sum(0), "W1": X.T @ e, "b1": e.sum(0)}


class Momentum(Good):
    def __init__(self):
        super().__init__()
        self.v = dict.fromkeys(("W1", "b1", "W2", "b2"), 0.0)

    def backward(self, X, y, lr):
        for name, g in self.slopes(X, y).items():
            self.v[name] = 0.9 * self.v[name] - lr * g
            setattr(self, name, getattr(self, name) + self.v[name])


class AdamLike(Good):
    def slopes(self, X, y):
        found = super().slopes(X, y)
        return {name: g / (np.abs(g) + 1e-12) for name, g in found.items()}


class Limited(Good):
    def slopes(self, X, y):
        return {name: np.clip(g, -0.05, 0.05) for name, g in super().slopes(X, y).items()}


class InsideOut(Good):
    """backward begins with the gradient by the output."""

    def backward(self, grad_output, lr):
        d = grad_output * self.o * (1 - self.o)
        self.W2 = self.W2 - lr * self.h.T @ d
        self.b2 = self.b2 - lr * d.sum(0)
        e = d @ self.W2.T * self.h * (1 - self.h)
        self.b1 = self.b1 - lr * e.sum(0)
