# ruff: noqa: NPY002
"""More from-scratch networks, each with its mistake in it, written before the referee saw them."""

import itertools
import warnings
from typing import Any

import numpy as np


class SoftmaxRegression:
    """fit with class numbers, one-hot inside; sums, and a bare exp."""

    def __init__(self, n_features, n_classes, lr=0.05, epochs=1):
        self.W = 0.01 * np.random.randn(n_features, n_classes)
        self.lr, self.epochs, self.k = lr, epochs, n_classes

    def predict_proba(self, X):
        scores = np.exp(X @ self.W)
        return scores / scores.sum(axis=1, keepdims=True)

    def fit(self, X, y):
        onehot = np.zeros((len(y), self.k))
        onehot[np.arange(len(y)), y] = 1
        for _ in range(self.epochs):
            p = self.predict_proba(X)
            self.W += self.lr * X.T @ (onehot - p)

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)


class DictOfLayers:
    """Columns; a list of dicts; the bias gradient misses its 1/m."""

    def __init__(self, dims):
        self.layers = [
            {"W": np.random.randn(o, i) * 0.7, "b": np.zeros((o, 1))}
            for i, o in itertools.pairwise(dims)
        ]

    def forward_pass(self, X):
        A = X
        for k, layer in enumerate(self.layers):
            layer["A_prev"] = A
            layer["Z"] = layer["W"] @ A + layer["b"]
            last = k == len(self.layers) - 1
            A = np.tanh(layer["Z"]) if not last else 1 / (1 + np.exp(-np.clip(layer["Z"], -50, 50)))
        return A

    def backprop(self, X, Y, learning_rate):
        AL = self.forward_pass(X)
        m = Y.shape[1]
        dZ = AL - Y
        grads = []
        for k in range(len(self.layers) - 1, -1, -1):
            layer = self.layers[k]
            grads.append((layer, dZ @ layer["A_prev"].T / m, np.sum(dZ, axis=1, keepdims=True)))
            if k:
                dA = layer["W"].T @ dZ
                dZ = dA * (1 - np.tanh(self.layers[k - 1]["Z"]) ** 2)
        for layer, dW, db in grads:
            layer["W"] = layer["W"] - learning_rate * dW
            layer["b"] = layer["b"] - learning_rate * db


class Neuron:
    def __init__(self, n):
        self.weights = [float(w) for w in np.random.uniform(-1, 1, n)]
        self.bias = float(np.random.uniform(-1, 1))

    def fire(self, inputs):
        self.inputs = inputs
        total = sum(w * x for w, x in zip(self.weights, inputs, strict=True)) + self.bias
        self.out = 0.5 * np.tanh(0.5 * total) + 0.5
        return self.out


class ListsOfNeurons:
    """Python's floats in neurons; one sample at a time; updates the output before going back."""

    LEARNING_RATE = 0.5

    def __init__(self, n_inputs, n_hidden, n_outputs):
        self.hidden = [Neuron(n_inputs) for _ in range(n_hidden)]
        self.outer = [Neuron(n_hidden) for _ in range(n_outputs)]

    def feed_forward(self, inputs):
        h = [n.fire(inputs) for n in self.hidden]
        return [n.fire(h) for n in self.outer]

    def train(self, inputs, targets):
        self.feed_forward(inputs)
        deltas = [(n.out - t) * n.out * (1 - n.out)
                  for n, t in zip(self.outer, targets, strict=True)]  # fmt: skip
        for n, d in zip(self.outer, deltas, strict=True):
            for k in range(len(n.weights)):
                n.weights[k] -= self.LEARNING_RATE * d * n.inputs[k]
            n.bias -= self.LEARNING_RATE * d
        for j, n in enumerate(self.hidden):
            e = sum(d * o.weights[j] for o, d in zip(self.outer, deltas, strict=True))
            e *= n.out * (1 - n.out)
            for k in range(len(n.weights)):
                n.weights[k] -= self.LEARNING_RATE * e * n.inputs[k]
            n.bias -= self.LEARNING_RATE * e


class Digits:
    """Larger; sigmoid and softmax; the hidden slope is left out."""

    def __init__(self, n_in=20, n_hid=30, n_out=10, lr=0.1):
        self.weights1 = np.random.normal(0, 0.3, (n_in, n_hid))
        self.weights2 = np.random.normal(0, 0.3, (n_hid, n_out))
        self.biases1, self.biases2 = np.zeros(n_hid), np.zeros(n_out)
        self.learning_rate = lr

    def forward(self, images):
        self.images = images
        self.hidden = 1 / (1 + np.exp(-np.clip(images @ self.weights1 + self.biases1, -99, 99)))
        s = self.hidden @ self.weights2 + self.biases2
        s = np.exp(s - s.max(1)[:, None])
        self.probs = s / s.sum(1)[:, None]
        return self.probs

    def train_batch(self, images, labels):
        self.forward(images)
        d = self.probs.copy()
        d[np.arange(len(labels)), labels] -= 1
        d /= len(labels)
        dh = d @ self.weights2.T
        self.weights2 -= self.learning_rate * self.hidden.T @ d
        self.biases2 -= self.learning_rate * d.sum(0)
        self.weights1 -= self.learning_rate * self.images.T @ dh
        self.biases1 -= self.learning_rate * dh.sum(0)


class ElevenLines:
    """syn0 and syn1; train; nonlin with deriv, given what went into the sigmoid."""

    def __init__(self, d, h):
        self.syn0 = 2 * np.random.random((d, h)) - 1
        self.syn1 = 2 * np.random.random((h, 1)) - 1

    def nonlin(self, x, deriv=False):
        if deriv:
            return x * (1 - x)
        return 1 / (1 + np.exp(-np.clip(x, -500, 500)))

    def predict(self, X):
        return self.nonlin(self.nonlin(X @ self.syn0) @ self.syn1)

    def train(self, X, y, iterations=60000):
        for _ in range(iterations):
            s1 = X @ self.syn0
            l1 = self.nonlin(s1)
            l2 = self.nonlin(l1 @ self.syn1)
            l2_delta = (y - l2) * self.nonlin(l2, deriv=True)
            l1_delta = l2_delta.dot(self.syn1.T) * self.nonlin(s1, deriv=True)
            self.syn1 += l1.T.dot(l2_delta) / len(X)
            self.syn0 += X.T.dot(l1_delta) / len(X)


class Prime:
    """backward(X, y, o) without a rate; sends the error back, not the delta."""

    def __init__(self, d, h, k):
        self.W1, self.W2 = np.random.randn(d, h), np.random.randn(h, k)

    def sigmoid(self, s):
        return 1 / (1 + np.exp(-np.clip(s, -500, 500)))

    def sigmoidPrime(self, s):
        return s * (1 - s)

    def forward(self, X):
        self.z = np.dot(X, self.W1)
        self.z2 = self.sigmoid(self.z)
        self.z3 = np.dot(self.z2, self.W2)
        return self.sigmoid(self.z3)

    def backward(self, X, y, o):
        self.o_error = (y - o) / len(X)
        self.o_delta = self.o_error * self.sigmoidPrime(o)
        self.z2_error = self.o_error.dot(self.W2.T)
        self.z2_delta = self.z2_error * self.sigmoidPrime(self.z2)
        self.W1 += X.T.dot(self.z2_delta)
        self.W2 += self.z2.T.dot(self.o_delta)

    def train(self, X, y):
        o = self.forward(X)
        self.backward(X, y, o)


class PlusMinus:
    """tanh at the output, targets -1 and 1; its slope is left out."""

    def __init__(self, n_in, n_hidden):
        self.hidden_weights = np.random.uniform(-1, 1, (n_in, n_hidden))
        self.hidden_bias = np.random.uniform(-1, 1, (1, n_hidden))
        self.output_weights = np.random.uniform(-1, 1, (n_hidden, 1))
        self.output_bias = np.random.uniform(-1, 1, (1, 1))

    def activate(self, x):
        self.hidden = np.tanh(x @ self.hidden_weights + self.hidden_bias)
        return np.tanh(self.hidden @ self.output_weights + self.output_bias)

    def train_step(self, x, t, lr):
        out = self.activate(x)
        e = 2 * (out - t) / len(x)
        h = e @ self.output_weights.T * (1 - self.hidden**2)
        self.output_weights -= lr * self.hidden.T @ e
        self.output_bias -= lr * e.sum(0, keepdims=True)
        self.hidden_weights -= lr * x.T @ h
        self.hidden_bias -= lr * h.sum(0, keepdims=True)


def relu(z):
    return np.maximum(z, 0)


def d_relu(z):
    return np.where(z > 0, 1, 0)


def d_tanh(z):
    return 1 / np.cosh(z) ** 2


class Mixed:
    """Mixed activations in a list; the slope is that of the layer above."""

    def __init__(self, sizes):
        self.W = [np.random.randn(a, b) / np.sqrt(a)
                  for a, b in itertools.pairwise(sizes)]  # fmt: skip
        self.B = [np.random.randn(b) * 0.1 for b in sizes[1:]]
        self.f, self.df = [np.tanh, relu], [d_tanh, d_relu]

    def forward(self, x):
        self.hs, self.zs = [x], []
        for i in range(3):
            self.zs.append(self.hs[-1] @ self.W[i] + self.B[i])
            self.hs.append(self.f[i](self.zs[-1]) if i < 2 else self.zs[-1])
        return self.hs[-1]

    def backward(self, target, lr):
        g = 2 * (self.hs[-1] - target) / len(target)
        dW, dB = [0] * 3, [0] * 3
        for i in (2, 1, 0):
            dW[i], dB[i] = self.hs[i].T @ g, g.sum(axis=0)
            if i > 0:
                g = (g @ self.W[i].T) * self.df[min(i, 1)](self.zs[i - 1])
        for i in range(3):
            self.W[i] = self.W[i] - lr * dW[i]
            self.B[i] = self.B[i] - lr * dB[i]


class OffByOne:
    """Square hidden layers; the gradient of a weight takes the wrong activation."""

    def __init__(self, d, h):
        self.ws = [np.random.randn(d, h), np.random.randn(h, h), np.random.randn(h, 1)]

    def forward(self, X):
        self.acts = [X]
        for w in self.ws[:-1]:
            self.acts.append(np.tanh(self.acts[-1] @ w))
        return 1 / (1 + np.exp(-np.clip(self.acts[-1] @ self.ws[-1], -99, 99)))

    def backward(self, X, y, lr):
        p = self.forward(X)
        d3 = (p - y) / len(X)
        d2 = d3 @ self.ws[2].T * (1 - self.acts[2] ** 2)
        d1 = d2 @ self.ws[1].T * (1 - self.acts[1] ** 2)
        self.ws[2] -= lr * self.acts[2].T @ d3
        self.ws[1] -= lr * self.acts[2].T @ d2
        self.ws[0] -= lr * X.T @ d1


class Features:
    """Divides by the number of features instead of that of rows."""

    def __init__(self, d, h):
        self.w1, self.w2 = np.random.randn(d, h), np.random.randn(h, 1)
        self.c1, self.c2 = np.zeros(h), np.zeros(1)

    def predict(self, X):
        self.h = np.tanh(X.dot(self.w1) + self.c1)
        return self.h.dot(self.w2) + self.c2

    def train(self, X, y, n_iter, eta):
        for _ in range(n_iter):
            r = self.predict(X) - y
            n = X.shape[1]
            back = r.dot(self.w2.T) * (1 - self.h**2)
            self.w2 -= eta * 2 * self.h.T.dot(r) / n
            self.c2 -= eta * 2 * r.sum(0) / n
            self.w1 -= eta * 2 * X.T.dot(back) / n
            self.c1 -= eta * 2 * back.sum(0) / n


class MeanOfAll:
    """The derivative of the loss by p, averaged to one number before it goes back."""

    def __init__(self, d, h):
        self.p = {"W1": np.random.randn(h, d), "b1": np.zeros((h, 1)),
                  "W2": np.random.randn(1, h), "b2": np.zeros((1, 1))}  # fmt: skip

    def forward(self, X):
        self.A1 = np.tanh(self.p["W1"] @ X + self.p["b1"])
        self.A2 = 1 / (1 + np.exp(-np.clip(self.p["W2"] @ self.A1 + self.p["b2"], -60, 60)))
        return self.A2

    def backward(self, X, Y):
        m = X.shape[1]
        dA2 = np.mean(-(Y / self.A2) + (1 - Y) / (1 - self.A2))
        dZ2 = dA2 * self.A2 * (1 - self.A2)
        dZ1 = self.p["W2"].T @ dZ2 * (1 - self.A1**2)
        return {"dW2": dZ2 @ self.A1.T / m, "db2": dZ2.sum(axis=1, keepdims=True) / m,
                "dW1": dZ1 @ X.T / m, "db1": dZ1.sum(axis=1, keepdims=True) / m}  # fmt: skip


class Penalised:
    """Right, with an L2 penalty."""

    def __init__(self, d, h, lambd=0.7):
        self.W1, self.b1 = np.random.randn(d, h), np.zeros((1, h))
        self.W2, self.b2 = np.random.randn(h, 1), np.zeros((1, 1))
        self.lambd = lambd

    def forward(self, X):
        self.A1 = relu(X @ self.W1 + self.b1)
        return 1 / (1 + np.exp(-np.clip(self.A1 @ self.W2 + self.b2, -60, 60)))

    def fit(self, X, y, num_iterations=1000, learning_rate=0.0075, print_cost=False):
        n = len(X)
        for i in range(num_iterations):
            p = self.forward(X)
            d2 = (p - y) / n
            d1 = d2 @ self.W2.T * (self.A1 > 0)
            gW2 = self.A1.T @ d2 + self.lambd / n * self.W2
            gW1 = X.T @ d1 + self.lambd / n * self.W1
            self.W2, self.b2 = self.W2 - learning_rate * gW2, self.b2 - learning_rate * d2.sum(0)
            self.W1, self.b1 = self.W1 - learning_rate * gW1, self.b1 - learning_rate * d1.sum(0)
            if print_cost and i % 100 == 0:
                print("cost")


class MatrixClass:
    """np.matrix, where * is the matrix product; right."""

    def __init__(self, d, h):
        self.theta1 = np.matrix(np.random.randn(d, h))
        self.theta2 = np.matrix(np.random.randn(h, 1))

    def forward(self, X):
        self.a1 = np.tanh(np.matrix(X) * self.theta1)
        return 1 / (1 + np.exp(-np.clip(self.a1 * self.theta2, -60, 60)))

    def backward(self, X, y, alpha):
        p = self.forward(X)
        d2 = (p - np.matrix(y)) / len(X)
        d1 = np.multiply(d2 * self.theta2.T, 1 - np.square(self.a1))
        self.theta2 = self.theta2 - alpha * self.a1.T * d2
        self.theta1 = self.theta1 - alpha * np.matrix(X).T * d1


class BiasUphill:
    """Only the biases go the wrong way."""

    def __init__(self, d, h, k):
        self.W1, self.W2 = np.random.randn(d, h) * 0.5, np.random.randn(h, k) * 0.5
        self.b1, self.b2 = np.zeros(h), np.zeros(k)

    def forward(self, X):
        self.h = relu(X @ self.W1 + self.b1)
        z = self.h @ self.W2 + self.b2
        e = np.exp(z - np.max(z, axis=-1, keepdims=True))
        self.y_hat = e / e.sum(axis=-1, keepdims=True)
        return self.y_hat

    def backward(self, X, Y, lr):
        n = len(X)
        err = Y - self.y_hat
        dh = err @ self.W2.T * (self.h > 0)
        self.W2 += lr * self.h.T @ err / n
        self.W1 += lr * X.T @ dh / n
        self.b2 -= lr * err.mean(axis=0)
        self.b1 -= lr * dh.mean(axis=0)


class WholeColumns:
    """p[:, y] -= 1 instead of p[rows, y] -= 1."""

    def __init__(self, d, k):
        self.W, self.b = np.random.randn(d, k) * 0.5, np.zeros(k)

    def forward(self, X):
        z = X @ self.W + self.b
        e = np.exp(z - z.max(axis=1, keepdims=True))
        self.probs = e / e.sum(axis=1, keepdims=True)
        return self.probs

    def backward(self, X, y, lr):
        d = self.probs.copy()
        d[:, y] -= 1
        d /= len(X)
        self.W -= lr * X.T @ d
        self.b -= lr * d.sum(axis=0)


class OnlyTheLast:
    """The hidden layer is left as it was."""

    def __init__(self, input_dim, units, output_dim):
        self.kernel_1 = np.random.randn(input_dim, units)
        self.bias_1 = np.zeros(units)
        self.kernel_2 = np.random.randn(units, output_dim)
        self.bias_2 = np.zeros(output_dim)

    def __call__(self, x):
        self.u = np.tanh(x @ self.kernel_1 + self.bias_1)
        return self.u @ self.kernel_2 + self.bias_2

    def train_on_batch(self, x, y, lr=0.01):
        g = 2 * (self(x) - y) / len(x)
        self.kernel_2 -= lr * self.u.T @ g
        self.bias_2 -= lr * g.sum(0)


class WrongMask:
    """relu's mask is made of the error that comes back, not of z."""

    def __init__(self, d, h, k):
        self.W1, self.W2 = np.random.randn(d, h), np.random.randn(h, k)
        self.b1, self.b2 = np.random.randn(h) * 0.1, np.random.randn(k) * 0.1

    def forward(self, X):
        self.A1 = relu(X @ self.W1 + self.b1)
        return self.A1 @ self.W2 + self.b2

    def backward(self, X, y, lr):
        dout = 2 * (self.forward(X) - y) / len(X)
        dA1 = dout @ self.W2.T
        dZ1 = relu(dA1)
        self.W2 -= lr * self.A1.T @ dout
        self.b2 -= lr * dout.sum(axis=0)
        self.W1 -= lr * X.T @ dZ1
        self.b1 -= lr * dZ1.sum(axis=0)


class LeakyMinus:
    """leaky relu, whose slope has the wrong sign on the left."""

    def __init__(self, d, h):
        self.w_in, self.w_out = np.random.randn(d, h), np.random.randn(h, 1)

    def forward(self, X):
        self.net = X @ self.w_in
        self.act = np.where(self.net > 0, self.net, 0.01 * self.net)
        return self.act @ self.w_out

    def gradients(self, X, y):
        e = 2 * (self.forward(X) - y) / len(X)
        slope = np.where(self.net > 0, 1.0, -0.01)
        return X.T @ (e @ self.w_out.T * slope), self.act.T @ e


class Labels:
    """Several yes-or-no outputs; cross-entropy, with an extra slope."""

    def __init__(self, n, h, k):
        self.U, self.V = np.random.randn(n, h) * 0.8, np.random.randn(h, k) * 0.8
        self.bu, self.bv = np.zeros((1, h)), np.zeros((1, k))

    def propagate(self, X):
        self.H = np.tanh(np.dot(X, self.U) + self.bu)
        self.P = 0.5 + 0.5 * np.tanh(0.5 * (np.dot(self.H, self.V) + self.bv))
        return self.P

    def learn(self, X, T, eta):
        self.propagate(X)
        D = (self.P - T) * self.P * (1 - self.P) / len(X)
        E = D.dot(self.V.T) * (1 - self.H * self.H)
        self.V = self.V - eta * self.H.T.dot(D)
        self.bv = self.bv - eta * D.sum(axis=0, keepdims=True)
        self.U = self.U - eta * X.T.dot(E)
        self.bu = self.bu - eta * E.sum(axis=0, keepdims=True)


class Flat:
    """Outputs (n,), because the last weights are a vector; error against (n, 1), summed up."""

    def __init__(self, d, h):
        self.W = np.random.randn(d, h)
        self.v = np.random.randn(h)

    def forward(self, X):
        self.H = np.tanh(X @ self.W)
        return self.H @ self.v

    def train(self, X, y, epochs, lr):
        for _ in range(epochs):
            out = self.forward(X)
            err = (out - y).sum(axis=0) / len(X) if y.ndim == 2 else out - y
            err = 2 * err / len(X)
            dH = np.outer(err, self.v) * (1 - self.H**2)
            self.v = self.v - lr * self.H.T @ err
            self.W = self.W - lr * X.T @ dH


class Adagrad:
    """A step that is divided by the root of all squared gradients so far."""

    def __init__(self, d, h):
        self.W1, self.W2 = np.random.randn(d, h), np.random.randn(h, 1)
        self.G1, self.G2 = np.zeros((d, h)), np.zeros((h, 1))

    def forward(self, X):
        self.H = np.tanh(X @ self.W1)
        return 0.5 + 0.5 * np.tanh(0.5 * self.H @ self.W2)

    def backward(self, X, y, lr):
        D = (self.forward(X) - y) / len(X)
        g2 = self.H.T @ D
        g1 = X.T @ (D @ self.W2.T * (1 - self.H**2))
        self.G1 += g1**2
        self.G2 += g2**2
        self.W1 -= lr * g1 / (np.sqrt(self.G1) + 1e-8)
        self.W2 -= lr * g2 / (np.sqrt(self.G2) + 1e-8)


class CosAndAbs:
    """An activation that nobody has, and a hidden gradient that is divided by n once more."""

    def __init__(self, d, h):
        self.A, self.B = np.random.randn(d, h), np.random.randn(h, 1)

    def forward(self, X):
        self.s = X @ self.A
        self.r = np.cos(self.s) + 0.3 * self.s
        return self.r @ self.B

    def backward(self, X, y, lr):
        e = 2 * (self.forward(X) - y) / len(X)
        back = e @ self.B.T * (0.3 - np.sin(self.s)) / len(X)
        self.B -= lr * self.r.T @ e
        self.A -= lr * X.T @ back


class BiasPerRow:
    """The bias gradient is not added up at all, so the bias grows a row for each sample."""

    def __init__(self, d, h):
        self.W1, self.b1 = np.random.randn(d, h), np.zeros((1, h))
        self.W2, self.b2 = np.random.randn(h, 1), np.zeros((1, 1))

    def forward(self, X):
        self.H = np.tanh(X @ self.W1 + self.b1)
        return 0.5 + 0.5 * np.tanh(0.5 * (self.H @ self.W2 + self.b2))

    def backward(self, X, y, lr):
        d2 = (self.forward(X) - y) / len(X)
        d1 = d2 @ self.W2.T * (1 - self.H**2)
        self.W2 = self.W2 - lr * self.H.T @ d2
        self.b2 = self.b2 - lr * d2.sum(axis=0)
        self.W1 = self.W1 - lr * X.T @ d1
        self.b1 = self.b1 - lr * d1


def yes_or_no(rng: Any, d: int, k: int = 1, n: int = 14) -> Any:
    X = rng.standard_normal((n, d))
    Y = (rng.random((n, k)) < 0.5).astype(int)
    Y[0], Y[1] = 0, 1
    return X, Y


def kinds(rng: Any, d: int, k: int, n: int = 16) -> Any:
    return rng.standard_normal((n, d)), np.r_[np.arange(k), rng.integers(0, k, n - k)]


def amounts(rng: Any, d: int, k: int = 1, n: int = 14) -> Any:
    X = rng.standard_normal((n, d))
    return X, np.cos(X @ rng.standard_normal((d, k)))


def turned(pair: Any) -> Any:
    return pair[0].T, pair[1].T


def hot(pair: Any) -> Any:
    return pair[0], np.eye(pair[1].max() + 1)[pair[1]]


def signs(pair: Any) -> Any:
    return pair[0], 2 * pair[1] - 1


BCE, CE, SE = "binary_cross_entropy", "cross_entropy", "squared_error"
# class, its arguments, rows, loss, the kinds that should be named; "?" where only a sentence can be
OTHERS: list[tuple[Any, Any, Any, str, str]] = [
    (SoftmaxRegression, lambda r: (4, 3), lambda r: kinds(r, 4, 3), CE, "sum_for_mean overflow"),
    (DictOfLayers, lambda r: ([3, 5, 4, 1],), lambda r: turned(yes_or_no(r, 3)), BCE,
     "sum_for_mean"),
    (ListsOfNeurons, lambda r: (2, 3, 2), lambda r: amounts(r, 2, 2), SE, "updated_before_use"),
    (Digits, lambda r: (), lambda r: kinds(r, 20, 10, 40), CE, "missing_slope"),
    (ElevenLines, lambda r: (3, 4), lambda r: yes_or_no(r, 3), SE, "slope_at_z"),
    (Prime, lambda r: (2, 3, 1), lambda r: yes_or_no(r, 2), SE, "other_delta_sent_back"),
    (PlusMinus, lambda r: (2, 4), lambda r: signs(yes_or_no(r, 2)), SE, "missing_slope"),
    (Mixed, lambda r: ([3, 4, 5, 2],), lambda r: amounts(r, 3, 2), SE, "wrong_slope"),
    (OffByOne, lambda r: (3, 4), lambda r: yes_or_no(r, 3), BCE, "wrong_input"),
    (Features, lambda r: (3, 4), lambda r: amounts(r, 3), SE, "sum_for_mean wrong_factor"),
    (MeanOfAll, lambda r: (3, 4), lambda r: turned(yes_or_no(r, 3)), BCE, "one_gradient"),
    (Penalised, lambda r: (3, 4), lambda r: yes_or_no(r, 3), BCE, ""),
    (MatrixClass, lambda r: (3, 4), lambda r: yes_or_no(r, 3), BCE, ""),
    (BiasUphill, lambda r: (4, 5, 3), lambda r: hot(kinds(r, 4, 3)), CE, "sign"),
    (WholeColumns, lambda r: (4, 3), lambda r: kinds(r, 4, 3), CE, "whole_columns"),
    (OnlyTheLast, lambda r: (3, 4, 2), lambda r: amounts(r, 3, 2), SE,
     "weight_never_updated bias_never_updated"),
    (WrongMask, lambda r: (3, 5, 2), lambda r: amounts(r, 3, 2), SE, "slope_at_error"),
    (LeakyMinus, lambda r: (3, 5), lambda r: amounts(r, 3), SE, "wrong_slope"),
    (Labels, lambda r: (3, 5, 4), lambda r: yes_or_no(r, 3, 4), BCE, "extra_slope"),
    (Flat, lambda r: (3, 5), lambda r: amounts(r, 3), SE, "broadcasting"),
    (Adagrad, lambda r: (3, 5), lambda r: yes_or_no(r, 3), BCE, "?"),
    (CosAndAbs, lambda r: (3, 5), lambda r: amounts(r, 3), SE, "mean_twice"),
    (BiasPerRow, lambda r: (3, 5), lambda r: yes_or_no(r, 3), BCE, "bias_not_summed"),
]  # fmt: skip


def other(place: int, seed: int) -> Any:
    """Return a network, rows, targets, the loss and the expected kinds."""
    kind, arguments, data, loss, expected = OTHERS[place]
    rng = np.random.default_rng(seed)
    np.random.seed(seed)
    X, y = data(rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what np.matrix says of itself
        return kind(*arguments(rng)), X, y, loss, expected
