"""Plain loops over units, flat arrays, one row at a time inside; returns nothing; sigmoid."""

import math

import numpy as np


def squash(t):
    if t < -700:
        return 0.0
    return 1.0 / (1.0 + math.exp(-t))


class LoopNet:
    def __init__(self, n_inputs, n_hidden, rng):
        self.ih = rng.uniform(-1, 1, (n_hidden, n_inputs))
        self.hb = rng.uniform(-1, 1, n_hidden)
        self.ho = rng.uniform(-1, 1, n_hidden)
        self.ob = np.array([0.1])

    def forward_one(self, row):
        self.hid = np.array(
            [squash(sum(w * v for w, v in zip(ws, row, strict=True)) + b)
             for ws, b in zip(self.ih, self.hb, strict=True)]
        )  # fmt: skip
        self.res = squash(float(self.ho @ self.hid) + self.ob[0])
        return self.res

    def predict(self, rows):
        return np.array([self.forward_one(row) for row in rows])

    def train_epoch(self, rows, labels, rate):
        for row, label in zip(rows, labels, strict=True):
            out = self.forward_one(row)
            d = out - label
            old = self.ho.copy()
            for j in range(len(self.ho)):
                self.ho[j] -= rate * d * self.hid[j]
            self.ob[0] -= rate * d
            for j in range(len(self.hb)):
                dj = d * old[j] * self.hid[j] * (1 - self.hid[j])
                for i in range(len(row)):
                    self.ih[j, i] -= rate * dj * row[i]
                self.hb[j] -= rate * dj
