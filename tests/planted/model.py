# ruff: noqa: NPY002
"""L_model_forward and L_model_backward, samples as columns, caches in lists, a printing train."""

import numpy as np


def sigmoid(Z):
    return np.where(
        Z > 0, 1 / (1 + np.exp(-np.abs(Z))), np.exp(-np.abs(Z)) / (1 + np.exp(-np.abs(Z)))
    )


class LLayerModel:
    def __init__(self, layers_dims, learning_rate=0.0075):
        self.learning_rate = learning_rate
        self.parameters = {}
        for i in range(1, len(layers_dims)):
            self.parameters["W" + str(i)] = (
                np.random.randn(layers_dims[i], layers_dims[i - 1]) * 0.5
            )
            self.parameters["b" + str(i)] = np.zeros((layers_dims[i], 1))

    def linear_activation(self, A_prev, W, b, activation):
        Z = np.dot(W, A_prev) + b
        A = sigmoid(Z) if activation == "sigmoid" else np.tanh(Z)
        return A, (A_prev, W, b, Z)

    def L_model_forward(self, X):
        caches, A, L = [], X, len(self.parameters) // 2
        for i in range(1, L):
            A, cache = self.linear_activation(
                A, self.parameters["W" + str(i)], self.parameters["b" + str(i)], "tanh"
            )
            caches.append(cache)
        AL, cache = self.linear_activation(
            A, self.parameters["W" + str(L)], self.parameters["b" + str(L)], "sigmoid"
        )
        caches.append(cache)
        return AL, caches

    def compute_cost(self, AL, Y):
        m = Y.shape[1]
        AL = np.clip(AL, 1e-12, 1 - 1e-12)
        return -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / m

    def L_model_backward(self, AL, Y, caches):
        grads, m = {}, AL.shape[1]
        dAL = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))
        s = sigmoid(caches[-1][3])
        dZ = dAL * s * (1 - s)
        dA = np.zeros(0)
        for i in range(len(caches), 0, -1):
            A_prev, W, _, Z = caches[i - 1]
            if i < len(caches):
                dZ = dA * (1 - np.tanh(Z) ** 2)
            grads["dW" + str(i)] = np.dot(dZ, A_prev.T) / m
            grads["db" + str(i)] = np.sum(dZ, axis=1, keepdims=True) / m
            dA = np.dot(W.T, dZ)
        return grads

    def update_parameters(self, grads):
        for i in range(1, len(self.parameters) // 2 + 1):
            self.parameters["W" + str(i)] -= self.learning_rate * grads["dW" + str(i)]
            self.parameters["b" + str(i)] -= self.learning_rate * grads["db" + str(i)]

    def train(self, X, Y, num_iterations=3000, print_cost=True):
        for i in range(num_iterations):
            AL, caches = self.L_model_forward(X)
            cost = self.compute_cost(AL, Y)
            grads = self.L_model_backward(AL, Y, caches)
            self.update_parameters(grads)
            if print_cost and i % 100 == 0:
                print("Cost after iteration", i, cost)
