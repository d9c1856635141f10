"""A neural network from scratch as the well-known tutorials write it: what glassnet is beside.

It is kept as such tutorials have it, its faults included: the output error is multiplied by the
sigmoid's derivative although the loss is cross-entropy, `sigmoid` overflows far to the left, and
`binary_cross_entropy` takes log(0) where a probability rounds to 0 or 1. Only `every` is added, so
that the loss can be taken in every epoch; as the tutorials have it, it is 100.
"""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def sigmoid_derivative(a):
    return a * (1 - a)


def binary_cross_entropy(y, p):
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


class SimpleNeuralNetwork:
    def __init__(self, input_size, hidden_size, output_size):
        self.weights_input_hidden = np.random.randn(input_size, hidden_size)  # noqa: NPY002
        self.weights_hidden_output = np.random.randn(hidden_size, output_size)  # noqa: NPY002
        self.bias_hidden = np.zeros((1, hidden_size))
        self.bias_output = np.zeros((1, output_size))

    def forward(self, X):
        self.hidden_input = np.dot(X, self.weights_input_hidden) + self.bias_hidden
        self.hidden_output = sigmoid(self.hidden_input)
        self.output_input = (
            np.dot(self.hidden_output, self.weights_hidden_output) + self.bias_output
        )
        self.output = sigmoid(self.output_input)
        return self.output

    def backward(self, X, y, learning_rate):
        error = y - self.output
        delta = error * sigmoid_derivative(self.output)
        hidden_error = delta.dot(self.weights_hidden_output.T)
        hidden_delta = hidden_error * sigmoid_derivative(self.hidden_output)
        self.weights_hidden_output += self.hidden_output.T.dot(delta) * learning_rate
        self.bias_output += np.sum(delta, axis=0, keepdims=True) * learning_rate
        self.weights_input_hidden += X.T.dot(hidden_delta) * learning_rate
        self.bias_hidden += np.sum(hidden_delta, axis=0, keepdims=True) * learning_rate

    def train(self, X, y, epochs, learning_rate, every=100):
        for epoch in range(epochs):
            output = self.forward(X)
            self.backward(X, y, learning_rate)
            if epoch % every == 0:
                loss = binary_cross_entropy(y, output)
                if epoch % 100 == 0:
                    print(f"Epoch {epoch}, Loss: {loss:.4f}")
