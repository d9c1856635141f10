"""Peers of NumPy alone: the tutorial's code, and the matrix products that no step is without."""

import contextlib
import os
from itertools import pairwise

import numpy as np
from tutorial_code import SimpleNeuralNetwork

from peers.base import TrainingPeer


class Tutorial(TrainingPeer):
    def run(self, seed: int, epochs: int) -> None:
        np.random.seed(seed)  # noqa: NPY002  (where the tutorial draws from)
        self.net = SimpleNeuralNetwork(*self.task.sizes)
        # its gradient is a sum over the four rows, not a mean
        rate, every = self.rate / 4, self.task.every
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            self.net.train(self.X, self.y[:, None], epochs, rate, every)

    def predict(self) -> np.ndarray:
        return self.net.forward(self.X)


class RawProducts(TrainingPeer):
    """The products of a step, by NumPy with all threads, into outputs that are there before.

    Three for each layer: forward, the weights' gradient, and (but for the first) the gradient of
    what came in. Nothing else: no bias, no activation, no loss, no update, no shuffling.
    """

    def prepare(self) -> None:
        rng = np.random.default_rng(0)
        rows, self.products = self.task.batch, []
        for number, (inputs, units) in enumerate(pairwise(self.task.sizes)):
            x, dz, W = (
                rng.standard_normal(shape, np.float32)
                for shape in ((rows, inputs), (rows, units), (inputs, units))
            )
            self.products += [(x, W, np.empty_like(dz)), (x.T, dz, np.empty_like(W))]
            if number:
                self.products += [(dz, W.T, np.empty_like(x))]

    def run(self, seed: int, epochs: int) -> None:
        matmul, products = np.matmul, self.products
        for _ in range(epochs * (self.task.rows // self.task.batch)):
            for a, b, out in products:
                matmul(a, b, out)

    def predict(self) -> None:
        return None
