"""A single neuron that thinks: no bias, no rate, private helpers, squared error."""

import numpy as np


class NeuralNetwork:
    def __init__(self, inputs=3, seed=1):
        generator = np.random.RandomState(seed)
        self.synaptic_weights = 2 * generator.random_sample((inputs, 1)) - 1

    def __sigmoid(self, x):
        return 1 / (1 + np.exp(-np.clip(x, -500, 500)))

    def __sigmoid_derivative(self, x):
        return x * (1 - x)

    def train(self, training_set_inputs, training_set_outputs, number_of_training_iterations):
        for _ in range(number_of_training_iterations):
            output = self.think(training_set_inputs)
            error = training_set_outputs - output
            adjustment = np.dot(training_set_inputs.T, error * self.__sigmoid_derivative(output))
            self.synaptic_weights += adjustment

    def think(self, inputs):
        return self.__sigmoid(np.dot(inputs, self.synaptic_weights))
