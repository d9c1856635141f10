"""What the peers have in common."""

from typing import Any

import numpy as np
from tasks import Serving, Task

RATE = {True: 0.4, False: 0.001}  # of SGD for XOR, and of Adam; losses are means over rows


class TrainingPeer:
    """A whole training run from fresh weights."""

    settings: tuple[str, ...] = ("",)
    times = 1  # how often a run would have to be repeated for the whole of the task

    def __init__(self, task: Task, X: np.ndarray, y: np.ndarray) -> None:
        self.task, self.X, self.y = task, X, y
        self.rate = RATE[task.xor]
        self.prepare()

    def prepare(self) -> None:
        """Do what can be done once."""

    def use(self, setting: str) -> None:
        """Run with one of the settings from now on."""

    def run(self, seed: int, epochs: int) -> None:
        """Train; this is what is timed."""
        raise NotImplementedError

    def predict(self) -> Any:
        """Return probabilities (rows, outputs) of X, or None where nothing was learned."""
        raise NotImplementedError

    def outcome(self) -> float | None:
        """Return the mean cross-entropy over the rows: seen, not timed."""
        p = self.predict()
        if p is None:
            return None
        p = np.asarray(p)
        if p.shape[-1] == 1:
            p = np.concatenate([1 - p, p], axis=-1)
        of_truth = p[..., np.arange(len(self.y)), self.y]
        return float(np.median(-np.log(np.maximum(of_truth, 1e-12)).mean(axis=-1)))


class ServingPeer:
    """Predictions of a network with given weights."""

    settings: tuple[str, ...] = ("",)
    times = 1

    def __init__(
        self, task: Serving, X: np.ndarray, layers: list[tuple[np.ndarray, np.ndarray]]
    ) -> None:
        self.task, self.X, self.layers = task, X, layers
        self.prepare()
        self.use(self.settings[0])

    def prepare(self) -> None:
        """Do what can be done once."""

    def use(self, setting: str) -> None:
        """Set `call`, which predicts X, and takes no argument."""
        raise NotImplementedError

    def run(self, seed: int, calls: int) -> None:
        """Predict so often; this is what is timed."""
        call = self.call
        for _ in range(calls):
            call()

    def outcome(self) -> float:
        """Return how far the first rows' predictions are from those of plain NumPy.

        They must be the same network's: a peer that predicts something else is not timed.
        """
        a = self.X[:1000].astype(float)
        for W, b in self.layers[:-1]:
            a = np.maximum(a @ W + b, 0)
        W, b = self.layers[-1]
        found = np.asarray(self.call()).reshape(len(self.X), -1)[:1000]
        deviation = float(np.abs(found - (a @ W + b)).max())
        if not deviation < 1e-3:
            raise ValueError(f"its predictions are {deviation:.2g} from those of plain NumPy")
        return deviation
