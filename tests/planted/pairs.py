"""backprop returns a list of (dw, db); apply_gradients takes it; squared error, mixed layers."""

import itertools

import numpy as np

SIGMOID = (lambda v: 1.0 / (1.0 + np.exp(-np.clip(v, -500, 500))), lambda out: out * (1.0 - out))
TANH = (np.tanh, lambda out: 1.0 - out * out)
LINEAR = (lambda v: v, np.ones_like)


class Net:
    def __init__(self, shape, functions, rng):
        self.functions = functions
        self.layers = []
        for n_in, n_out in itertools.pairwise(shape):
            self.layers.append({"weights": rng.uniform(-0.8, 0.8, (n_in, n_out)),
                                "biases": rng.uniform(-0.2, 0.2, n_out)})  # fmt: skip

    def run(self, x):
        self.outs = [np.asarray(x, dtype=float)]
        for layer, (f, _) in zip(self.layers, self.functions, strict=True):
            self.outs.append(f(self.outs[-1] @ layer["weights"] + layer["biases"]))
        return self.outs[-1]

    def backprop(self, x, target):
        guess = self.run(x)
        n = len(guess)
        grads = []
        err = 2.0 * (guess - target) / n
        for k in reversed(range(len(self.layers))):
            delta = err * self.functions[k][1](self.outs[k + 1])
            grads.append((self.outs[k].T @ delta, delta.sum(axis=0)))
            err = delta @ self.layers[k]["weights"].T
        return grads[::-1]

    def apply_gradients(self, grads, lr=0.1):
        for layer, (dw, db) in zip(self.layers, grads, strict=True):
            layer["weights"] = layer["weights"] - lr * dw
            layer["biases"] = layer["biases"] - lr * db
