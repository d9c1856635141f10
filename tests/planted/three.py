# ruff: noqa: NPY002
"""Two hidden layers by hand; everything after forward is handed over as an argument."""

import numpy as np


def act(z):
    return 1 / (1 + np.exp(-np.clip(z, -300, 300)))


class ThreeLayerNN:
    def __init__(self, n_in, n_h1, n_h2, n_out):
        self.w_out = np.random.uniform(-1, 1, (n_h2, n_out))
        self.w_hid2 = np.random.uniform(-1, 1, (n_h1, n_h2))
        self.w_hid1 = np.random.uniform(-1, 1, (n_in, n_h1))
        self.bias_out = np.random.uniform(-1, 1, n_out)
        self.bias_hid2 = np.random.uniform(-1, 1, n_h2)
        self.bias_hid1 = np.random.uniform(-1, 1, n_h1)

    def feed_forward(self, inputs):
        h1 = act(inputs.dot(self.w_hid1) + self.bias_hid1)
        h2 = act(h1.dot(self.w_hid2) + self.bias_hid2)
        out = act(h2.dot(self.w_out) + self.bias_out)
        return h1, h2, out

    def back_propagate(self, inputs, targets, h1, h2, out, alpha):
        count = len(inputs)
        d_out = out - targets
        d_h2 = d_out.dot(self.w_out.T) * h2 * (1 - h2)
        d_h1 = d_h2.dot(self.w_hid2.T) * h1 * (1 - h1)
        self.w_out -= alpha * h2.T.dot(d_out) / count
        self.bias_out -= alpha * d_out.mean(axis=0)
        self.w_hid2 -= alpha * h1.T.dot(d_h2) / count
        self.bias_hid2 -= alpha * d_h2.mean(axis=0)
        self.w_hid1 -= alpha * inputs.T.dot(d_h1) / count
        self.bias_hid1 -= alpha * d_h1.mean(axis=0)
