"""Two hidden tanh layers and a linear output; fit, with the rate as an attribute."""

import numpy as np


class Regressor:
    def __init__(self, n_features, hidden=(5, 4), n_outputs=1, learning_rate=0.01, n_iter=1000):
        generator = np.random.default_rng(n_features)
        self.learning_rate = learning_rate
        self.n_iter = n_iter
        self.weights = {}
        sizes = [n_features, *hidden, n_outputs]
        for i in range(len(sizes) - 1):
            self.weights[f"W{i + 1}"] = generator.normal(0, 0.6, (sizes[i], sizes[i + 1]))
            self.weights[f"b{i + 1}"] = np.zeros(sizes[i + 1])

    def predict(self, X):
        w = self.weights
        self.A1 = np.tanh(X @ w["W1"] + w["b1"])
        self.A2 = np.tanh(self.A1 @ w["W2"] + w["b2"])
        return self.A2 @ w["W3"] + w["b3"]

    def mse(self, y_true, y_pred):
        return np.mean((y_true - y_pred) ** 2)

    def fit(self, X, y):
        y = y.reshape(len(X), -1)
        self.losses = []
        for _ in range(self.n_iter):
            pred = self.predict(X)
            self.losses.append(self.mse(y, pred))
            d3 = 2 * (pred - y) / y.size
            d2 = d3 @ self.weights["W3"].T * (1 - self.A2**2)
            d1 = d2 @ self.weights["W2"].T * (1 - self.A1**2)
            self.weights["W3"] -= self.learning_rate * self.A2.T @ d3
            self.weights["b3"] -= self.learning_rate * d3.sum(axis=0)
            self.weights["W2"] -= self.learning_rate * self.A1.T @ d2
            self.weights["b2"] -= self.learning_rate * d2.sum(axis=0)
            self.weights["W1"] -= self.learning_rate * X.T @ d1
            self.weights["b1"] -= self.learning_rate * d1.sum(axis=0)
        return self
