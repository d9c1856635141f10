"""Any depth, activations by name; backward keeps gradients, step uses them."""

import itertools

import numpy as np

F = {
    "sigmoid": lambda z: np.where(z >= 0, 1 / (1 + np.exp(-np.abs(z))),
                                  np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z)))),
    "tanh": np.tanh,
    "relu": lambda z: np.where(z > 0, z, 0.0),
    "leaky": lambda z: np.where(z > 0, z, 0.01 * z),
}  # fmt: skip
D = {
    "sigmoid": lambda z: F["sigmoid"](z) * (1 - F["sigmoid"](z)),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "relu": lambda z: np.where(z > 0, 1.0, 0.0),
    "leaky": lambda z: np.where(z > 0, 1.0, 0.01),
}


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class DeepNet:
    def __init__(self, layer_sizes, activation="tanh", task="binary", seed=0):
        rng = np.random.default_rng(seed)
        self.activation, self.task = activation, task
        self.Ws = [rng.normal(0, 1 / np.sqrt(a), (a, b))
                   for a, b in itertools.pairwise(layer_sizes)]  # fmt: skip
        self.bs = [rng.normal(0, 0.1, b) for b in layer_sizes[1:]]

    def __call__(self, x):
        self.A, self.Z = [x], []
        last = len(self.Ws) - 1
        for i, (W, b) in enumerate(zip(self.Ws, self.bs, strict=True)):
            self.Z.append(self.A[-1] @ W + b)
            self.A.append(self.Z[-1] if i == last else F[self.activation](self.Z[-1]))
        if self.task == "binary":
            self.A[-1] = F["sigmoid"](self.A[-1])
        elif self.task == "classes":
            self.A[-1] = softmax(self.A[-1])
        return self.A[-1]

    def backward(self, t):
        delta = self.A[-1] - t
        if self.task == "numbers":
            delta = 2 * delta
        delta = delta / len(t)
        self.grad_W, self.grad_b = [], []
        for i in reversed(range(len(self.Ws))):
            self.grad_W.insert(0, self.A[i].T @ delta)
            self.grad_b.insert(0, delta.sum(0))
            if i > 0:
                delta = (delta @ self.Ws[i].T) * D[self.activation](self.Z[i - 1])

    def step(self, lr):
        for i in range(len(self.Ws)):
            self.Ws[i] -= lr * self.grad_W[i]
            self.bs[i] -= lr * self.grad_b[i]
