"""What is trained: the sizes, the rows and how long. The same for every peer."""

from dataclasses import dataclass

import numpy as np


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
        Who takes part, glassnet first.
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

    @property
    def xor(self) -> bool:
        return self.rows == 4

    @property
    def steps(self) -> int:
        return self.epochs * -(-self.rows // self.batch)

    @property
    def loss_read(self) -> str:
        if self.every == self.epochs:
            return "no"
        return "every epoch" if self.every == 1 else f"every {self.every} epochs"

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Return X and labels (rows,): XOR, or rows that a random linear rule labels."""
        if self.xor:
            X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])  # whole numbers, as in the tutorial
            return X, np.array([0, 1, 1, 0])
        rng = np.random.default_rng(0)
        X = rng.standard_normal((self.rows, self.sizes[0]), np.float32)
        scores = X @ rng.standard_normal((self.sizes[0], self.sizes[-1]), np.float32)
        return X, scores.argmax(1)


LIBRARIES = ("glassnet", "scikit-learn", "PyTorch", "PyTorch fused")
XOR = {"sizes": (2, 2, 1), "rows": 4, "batch": 4, "epochs": 10_000}


def _adam(name: str, batch: int, steps: int, epochs: int, rounds: int) -> Task:
    sizes = tuple(map(int, name.split("-")))
    title = f"{name}, batch {batch}"
    return Task(name, title, sizes, batch * steps, batch, epochs, epochs, rounds, LIBRARIES)


TASKS = {
    task.name: task
    for task in (
        Task(
            name="xor-100",
            title="XOR 2-2-1, loss every 100",
            every=100,
            rounds=9,
            peers=("glassnet", "tutorial", *LIBRARIES[1:]),
            **XOR,
        ),
        Task(
            name="xor-1",
            title="XOR 2-2-1, loss every epoch",
            every=1,
            rounds=21,
            peers=("glassnet", "tutorial"),
            **XOR,
        ),
        _adam("20-32-2", 32, 100, 60, 9),
        _adam("20-64-64-2", 64, 80, 40, 7),
        _adam("30-256-256-256-10", 256, 50, 8, 7),
        _adam("784-128-10", 128, 60, 16, 7),
        _adam("784-1024-1024-10", 256, 60, 1, 5),
    )
}
