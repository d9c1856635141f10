"""A network in the style of the tutorials, with a right gradient: something for `glassnet check`.

Break a line of `backward` and let the referee find it:

    glassnet check examples/from_scratch.py:Network --data xor
"""

import numpy as np


class Network:
    """One hidden layer, sigmoids, binary cross-entropy."""

    def __init__(self, input_size, hidden_size, output_size):
        rng = np.random.default_rng()
        self.W1 = rng.standard_normal((input_size, hidden_size))
        self.b1 = np.zeros((1, hidden_size))
        self.W2 = rng.standard_normal((hidden_size, output_size))
        self.b2 = np.zeros((1, output_size))

    def forward(self, X):
        """Return probabilities, one row for each row of X."""
        self.a1 = np.tanh(X @ self.W1 + self.b1)
        self.a2 = 0.5 * np.tanh(0.5 * (self.a1 @ self.W2 + self.b2)) + 0.5
        return self.a2

    def backward(self, X, y, learning_rate):
        """Take a step down the gradient of the cross-entropy, the mean over rows."""
        dz2 = (self.a2 - y) / len(X)
        dz1 = dz2 @ self.W2.T * (1 - self.a1**2)
        self.W2 -= learning_rate * self.a1.T @ dz2
        self.b2 -= learning_rate * dz2.sum(axis=0, keepdims=True)
        self.W1 -= learning_rate * X.T @ dz1
        self.b1 -= learning_rate * dz1.sum(axis=0, keepdims=True)
