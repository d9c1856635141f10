# ruff: noqa: E741, NPY002
"""Dicts by layer number; backward keeps gradients; gradient_descent uses them; any depth; relu."""

import numpy as np


class DeepNeuralNetwork:
    def __init__(self, layer_dims):
        self.L = len(layer_dims) - 1
        self.W, self.b = {}, {}
        for l in range(1, self.L + 1):
            self.W[l] = np.random.randn(layer_dims[l - 1], layer_dims[l]) * 0.8
            self.b[l] = np.zeros((1, layer_dims[l]))

    def relu(self, Z):
        return np.maximum(0.0, Z)

    def softmax(self, Z):
        expZ = np.exp(Z - np.max(Z, axis=1, keepdims=True))
        return expZ / np.sum(expZ, axis=1, keepdims=True)

    def forward_propagate(self, X):
        self.A, self.Z = {0: X}, {}
        for l in range(1, self.L + 1):
            self.Z[l] = np.dot(self.A[l - 1], self.W[l]) + self.b[l]
            self.A[l] = self.softmax(self.Z[l]) if l == self.L else self.relu(self.Z[l])
        return self.A[self.L]

    def calculate_loss(self, Y, Y_hat):
        return -np.sum(Y * np.log(Y_hat + 1e-9)) / Y.shape[0]

    def back_propagate(self, Y):
        m = Y.shape[0]
        self.dW, self.db = {}, {}
        dZ = self.A[self.L] - Y
        for l in range(self.L, 0, -1):
            self.dW[l] = np.dot(self.A[l - 1].T, dZ) / m
            self.db[l] = np.sum(dZ, axis=0, keepdims=True) / m
            if l > 1:
                dA = np.dot(dZ, self.W[l].T)
                dZ = np.where(self.Z[l - 1] > 0, dA, 0)

    def gradient_descent(self, learning_rate):
        for l in range(1, self.L + 1):
            self.W[l] -= learning_rate * self.dW[l]
            self.b[l] -= learning_rate * self.db[l]
