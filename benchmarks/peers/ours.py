"""glassnet: its compiled engine, its NumPy engine, and its predictions."""

from dataclasses import replace

import numpy as np

import glassnet as gn
from peers.base import ServingPeer, TrainingPeer


class Replayed(TrainingPeer):
    """The recorded program, replayed by NumPy."""

    engine = "numpy"

    def network(self, seed: int) -> gn.Network:
        """Return a new network."""
        task = self.task
        hidden = [gn.Dense(n, "sigmoid" if task.xor else "relu") for n in task.sizes[1:-1]]
        return gn.Network(
            [*hidden, gn.Dense(task.sizes[-1])],
            inputs=task.sizes[0],
            loss="binary_cross_entropy" if task.xor else "multiclass_cross_entropy",
            dtype="float64" if task.xor else "float32",
            seed=seed,
        )

    def run(self, seed: int, epochs: int) -> None:
        task = self.task
        together = {"members": task.members} if task.members > 1 else {}
        self.net = self.network(seed)
        history = self.net.fit(
            self.X,
            self.y,
            epochs=epochs,
            batch_size=None if task.xor else task.batch,
            optimizer=gn.SGD(self.rate) if task.xor else gn.Adam(self.rate),
            every=min(task.every, epochs),
            engine=self.engine,
            **together,
        )
        if history.engine != self.engine:  # what cannot be compiled is replayed
            raise ValueError(f"engine: {history.engine}")

    def predict(self) -> np.ndarray:
        return self.net.predict(self.X)


class Compiled(Replayed):
    """The recorded program, compiled."""

    engine = "numba"


class OneByOne(Replayed):
    """Members, each in a replayed run of its own: one is timed, and stands for all."""

    def prepare(self) -> None:
        self.times, self.task = self.task.members, replace(self.task, members=1)


class Predicting(ServingPeer):
    def prepare(self) -> None:
        *hidden, last = self.task.sizes[1:]
        layers = [*(gn.Dense(units, "relu") for units in hidden), gn.Dense(last)]
        self.net = gn.Network(layers, inputs=self.task.sizes[0], seed=0)
        for number, (W, b) in enumerate(self.layers, 1):
            self.net.weights[f"W{number}"] = W
            self.net.weights[f"b{number}"] = b

    def use(self, setting: str) -> None:
        X = self.X
        predict = self.net.predictor() if self.task.rows == 1 else self.net.predict
        self.call = lambda: predict(X)
