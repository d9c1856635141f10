# ruff: noqa: NPY002
"""relu and softmax, one-hot targets, the cross-entropy as a method, a train that prints."""

import numpy as np


class MLP:
    def __init__(self, input_dim, hidden_dim, output_dim, lr=0.1):
        self.lr = lr
        self.w1 = np.random.randn(input_dim, hidden_dim) * np.sqrt(2.0 / input_dim)
        self.b1 = np.zeros(hidden_dim)
        self.w2 = np.random.randn(hidden_dim, output_dim) * np.sqrt(2.0 / hidden_dim)
        self.b2 = np.zeros(output_dim)

    def relu(self, x):
        return np.maximum(0, x)

    def relu_grad(self, x):
        return (x > 0).astype(float)

    def softmax(self, x):
        e = np.exp(x - np.max(x, axis=1, keepdims=True))
        return e / np.sum(e, axis=1, keepdims=True)

    def forward(self, x):
        self.x = x
        self.h_in = x @ self.w1 + self.b1
        self.h = self.relu(self.h_in)
        self.o_in = self.h @ self.w2 + self.b2
        self.o = self.softmax(self.o_in)
        return self.o

    def cross_entropy(self, y_true, y_pred):
        return -np.mean(np.sum(y_true * np.log(y_pred + 1e-12), axis=1))

    def backward(self, y):
        batch = y.shape[0]
        grad_o = (self.o - y) / batch
        grad_w2 = self.h.T @ grad_o
        grad_b2 = grad_o.sum(axis=0)
        grad_h = grad_o @ self.w2.T
        grad_h_in = grad_h * self.relu_grad(self.h_in)
        grad_w1 = self.x.T @ grad_h_in
        grad_b1 = grad_h_in.sum(axis=0)
        self.w2 = self.w2 - self.lr * grad_w2
        self.b2 = self.b2 - self.lr * grad_b2
        self.w1 = self.w1 - self.lr * grad_w1
        self.b1 = self.b1 - self.lr * grad_b1

    def train(self, X, y, epochs=100):
        for epoch in range(epochs):
            out = self.forward(X)
            print(f"epoch {epoch} loss {self.cross_entropy(y, out):.4f}")
            self.backward(y)
