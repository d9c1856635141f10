"""What is timed: the sizes, the rows and how long. The same for every peer."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np


def parameters(sizes: tuple[int, ...]) -> int:
    """Return how many weights and biases dense layers of these sizes have."""
    return sum((inputs + 1) * units for inputs, units in pairwise(sizes))


@dataclass(frozen=True)
class Task:
    """A whole training run.

    Attributes
    ----------
    name, title : str
        How it is asked for, and how it is told.
    sizes : tuple of int
        Inputs, units of every layer.
    rows, batch, epochs, rounds : int
        Rows of the table, rows a step, how often through the table, timed runs of each peer.
    every : int
        Epochs from one reading of the loss to the next; as many as epochs where none is wanted.
    peers : tuple of str
        Who takes part.
    members : int
        How many networks are trained at once.
    """

    name: str
    title: str
    sizes: tuple[int, ...]
    rows: int
    batch: int
    epochs: int
    every: int
    rounds: int
    peers: tuple[str, ...]
    members: int = 1

    kind = "training"

    @property
    def xor(self) -> bool:
        return self.rows == 4

    @property
    def steps(self) -> int:
        """How many steps a run takes: by what its seconds are divided."""
        return self.epochs * -(-self.rows // self.batch)

    @property
    def size(self) -> int:
        """What a step's cost is set against: parameters times rows."""
        return parameters(self.sizes) * self.batch

    @property
    def loss_read(self) -> str:
        if self.every == self.epochs:
            return "no"
        return "every epoch" if self.every == 1 else f"every {self.every} epochs"

    def shorter(self, share: int) -> "Task":
        """Return the same task with one in `share` of its epochs, in three rounds."""
        epochs = max(1, self.epochs // share)
        every = epochs if self.every == self.epochs else self.every
        return replace(self, epochs=epochs, every=every, rounds=3)

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Return X and labels (rows,): XOR, or rows that a random linear rule labels."""
        if self.xor:
            X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])  # whole numbers, as in the tutorial
            return X, np.array([0, 1, 1, 0])
        rng = np.random.default_rng(0)
        X = rng.standard_normal((self.rows, self.sizes[0]), np.float32)
        scores = X @ rng.standard_normal((self.sizes[0], self.sizes[-1]), np.float32)
        return X, scores.argmax(1)


@dataclass(frozen=True)
class Serving:
    """Predictions of one network with given weights, so many rows a call.

    Attributes
    ----------
    name, title : str
        How it is asked for, and how it is told.
    sizes : tuple of int
        Inputs, units of every layer: relus, and a quantity in the end.
    rows, calls, rounds : int
        Rows a call, calls a timed run, timed runs of each peer.
    peers : tuple of str
        Who takes part.
    """

    name: str
    title: str
    sizes: tuple[int, ...]
    rows: int
    calls: int
    rounds: int
    peers: tuple[str, ...]

    kind = "serving"

    @property
    def steps(self) -> int:
        """By what a run's seconds are divided."""
        return self.calls

    def shorter(self, share: int) -> "Serving":
        """Return the same task with one in `share` of its calls, in three rounds."""
        return replace(self, calls=max(1, self.calls // share), rounds=3)

    def data(self) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
        """Return X, and W and b of every layer."""
        rng = np.random.default_rng(0)
        layers = [
            (
                rng.standard_normal((inputs, units), np.float32) * np.float32(inputs**-0.5),
                rng.standard_normal((1, units), np.float32),
            )
            for inputs, units in pairwise(self.sizes)
        ]
        return rng.standard_normal((self.rows, self.sizes[0]), np.float32), layers


LIBRARIES = ("scikit-learn", "PyTorch", "PyTorch compiled", "JAX", "Keras")
OURS = ("glassnet", "glassnet numpy")
XOR = {"sizes": (2, 2, 1), "rows": 4, "batch": 4, "epochs": 10_000}
SERVED = {
    "sizes": (20, 64, 64, 1),
    "peers": ("glassnet", "scikit-learn", "PyTorch", "PyTorch compiled", "JAX", "onnxruntime"),
}


def _adam(name: str, batch: int, steps: int, epochs: int, rounds: int) -> Task:
    sizes = tuple(map(int, name.split("-")))
    peers = (*OURS, *LIBRARIES, "raw products")
    rows = batch * steps
    return Task(name, f"{name}, batch {batch}", sizes, rows, batch, epochs, epochs, rounds, peers)


TASKS: dict[str, Task | Serving] = {
    task.name: task
    for task in (
        Task(
            name="xor",
            title="XOR 2-2-1",
            every=XOR["epochs"],
            rounds=15,
            peers=(*OURS, "tutorial", "JAX"),
            **XOR,
        ),
        Task(
            name="xor-100",
            title="XOR 2-2-1, loss every 100",
            every=100,
            rounds=9,
            peers=(*OURS, "tutorial", "scikit-learn", "PyTorch"),
            **XOR,
        ),
        Task(
            name="xor-1",
            title="XOR 2-2-1, loss every epoch",
            every=1,
            rounds=21,
            peers=(*OURS, "tutorial"),
            **XOR,
        ),
        Task(
            name="xor-members",
            title="1,000 XOR networks 2-2-1",
            every=XOR["epochs"],
            rounds=3,
            peers=(*OURS, "one by one"),
            members=1000,
            **XOR,
        ),
        _adam("20-32-2", 32, 100, 60, 9),
        _adam("20-64-64-2", 64, 80, 40, 7),
        _adam("30-256-256-256-10", 256, 50, 8, 7),
        _adam("784-128-10", 128, 60, 16, 7),
        _adam("784-1024-1024-10", 256, 60, 1, 5),
        Serving(name="one-row", title="one row", rows=1, calls=4000, rounds=9, **SERVED),
        Serving(name="many-rows", title="1,000,000 rows", rows=10**6, calls=1, rounds=5, **SERVED),
    )
}


def find(name: str, quick: bool) -> Task | Serving:
    """Return a task, a quarter as long where it must be quick; XOR alone is quick as it is."""
    return TASKS[name].shorter(1 if name == "xor" else 4) if quick else TASKS[name]
