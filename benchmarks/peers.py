"""Who is timed: each peer as its own users write it, at its best.

A peer is made with a task and its rows, with whatever can be done once done then. `train` does a
whole training run from fresh weights and is what is timed; `predict` then gives probabilities, by
which it is seen that all have learned the same. A library is imported by its peer alone.
"""

import contextlib
import importlib.metadata
import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from tasks import Task

RATE = {True: 0.4, False: 0.001}  # of SGD for XOR, and of Adam; losses are means over rows


class Glassnet:
    package = "glassnet"

    def __init__(self, task: Task, X: np.ndarray, y: np.ndarray) -> None:
        import glassnet as gn

        self.gn, self.task, self.X, self.y = gn, task, X, y

    def train(self, seed: int) -> None:
        gn, task = self.gn, self.task
        hidden = [gn.Dense(n, "sigmoid" if task.xor else "relu") for n in task.sizes[1:-1]]
        self.net = gn.Network(
            [*hidden, gn.Dense(task.sizes[-1])],
            inputs=task.sizes[0],
            loss="binary_cross_entropy" if task.xor else "multiclass_cross_entropy",
            dtype="float64" if task.xor else "float32",
            seed=seed,
        )
        self.net.fit(
            self.X,
            self.y,
            epochs=task.epochs,
            batch_size=None if task.xor else task.batch,
            optimizer=gn.SGD(RATE[True]) if task.xor else gn.Adam(RATE[False]),
            every=task.every,
        )

    def predict(self) -> np.ndarray:
        return self.net.predict(self.X)


class Tutorial:
    package = "numpy"

    def __init__(self, task: Task, X: np.ndarray, y: np.ndarray) -> None:
        self.task, self.X, self.y = task, X, y[:, None]

    def train(self, seed: int) -> None:
        from tutorial_code import SimpleNeuralNetwork

        np.random.seed(seed)  # noqa: NPY002  (where the tutorial draws from)
        self.net = SimpleNeuralNetwork(*self.task.sizes)
        # its gradient is a sum over the four rows, not a mean
        rate = RATE[True] / 4
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            self.net.train(self.X, self.y, self.task.epochs, rate, self.task.every)

    def predict(self) -> np.ndarray:
        return self.net.forward(self.X)


class ScikitLearn:
    """It takes the loss in every step and cannot be told not to; two classes are one output."""

    package = "scikit-learn"

    def __init__(self, task: Task, X: np.ndarray, y: np.ndarray) -> None:
        from sklearn.neural_network import MLPClassifier

        warnings.simplefilter("ignore")  # that it has not converged: it is not asked to
        self.MLPClassifier, self.task, self.X, self.y = MLPClassifier, task, X, y

    def train(self, seed: int) -> None:
        task = self.task
        plain_sgd = {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False}
        self.net = self.MLPClassifier(
            hidden_layer_sizes=task.sizes[1:-1],
            activation="logistic" if task.xor else "relu",
            alpha=0.0,
            batch_size=task.batch,
            learning_rate_init=RATE[task.xor],
            max_iter=task.epochs,
            shuffle=not task.xor,
            random_state=seed,
            tol=0.0,
            n_iter_no_change=10**9,
            **(plain_sgd if task.xor else {"solver": "adam"}),
        )
        self.net.fit(self.X, self.y)

    def predict(self) -> np.ndarray:
        return self.net.predict_proba(self.X)[:, -self.task.sizes[-1] :]


class PyTorch:
    package = "torch"
    options: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, task: Task, X: np.ndarray, y: np.ndarray) -> None:
        import torch

        self.torch, self.task = torch, task
        self.X = torch.from_numpy(X.astype(float) if task.xor else X)
        self.y = torch.from_numpy(y[:, None].astype(float) if task.xor else y)

    def train(self, seed: int) -> None:
        torch, task = self.torch, self.task
        torch.manual_seed(seed)
        modules: list[Any] = []
        for inputs, units in zip(task.sizes, task.sizes[1:], strict=False):
            modules += [torch.nn.Linear(inputs, units, dtype=self.X.dtype)]
            modules += [torch.nn.Sigmoid() if task.xor else torch.nn.ReLU()]
        self.net = torch.nn.Sequential(*modules[:-1])
        if task.xor:
            optimizer = torch.optim.SGD(self.net.parameters(), lr=RATE[True], **self.options)
            self._whole(torch.nn.BCEWithLogitsLoss(), optimizer)
        else:
            optimizer = torch.optim.Adam(self.net.parameters(), lr=RATE[False], **self.options)
            self._batches(torch.nn.CrossEntropyLoss(), optimizer)

    def _whole(self, loss_of: Any, optimizer: Any) -> None:
        losses, net, X, y, every = [], self.net, self.X, self.y, self.task.every
        for epoch in range(self.task.epochs):
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(net(X), y)
            loss.backward()
            optimizer.step()
            if epoch % every == 0:
                losses.append(loss.item())

    def _batches(self, loss_of: Any, optimizer: Any) -> None:
        net, batch = self.net, self.task.batch
        for _ in range(self.task.epochs):
            order = self.torch.randperm(len(self.X))
            # the table in the epoch's order, cut: a little faster than rows batch by batch
            X, y = self.X.index_select(0, order), self.y.index_select(0, order)
            for x_batch, y_batch in zip(X.split(batch), y.split(batch), strict=True):
                optimizer.zero_grad(set_to_none=True)
                loss_of(net(x_batch), y_batch).backward()
                optimizer.step()

    def predict(self) -> np.ndarray:
        with self.torch.no_grad():
            raw = self.net(self.X)
            return (raw.sigmoid() if self.task.xor else raw.softmax(1)).numpy()


class PyTorchFused(PyTorch):
    options = {"fused": True}  # noqa: RUF012


PEERS: dict[str, Callable[..., Any]] = {
    "glassnet": Glassnet,
    "tutorial": Tutorial,
    "scikit-learn": ScikitLearn,
    "PyTorch": PyTorch,
    "PyTorch fused": PyTorchFused,
}


def installed(name: str) -> bool:
    """Whether a peer's package is installed."""
    try:
        importlib.metadata.version(PEERS[name].package)
    except importlib.metadata.PackageNotFoundError:
        return name == "glassnet"
    return True


def about(name: str) -> str:
    """Return a peer's versions, and the kernels and threads that this process has loaded."""
    packages = dict.fromkeys([PEERS[name].package, "numpy"])
    text = []
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            text.append(f"{package} {importlib.metadata.version(package)}")
    if PEERS[name].package == "torch":
        import torch

        text.append(f"{torch.get_num_threads()} threads")
        text.append("MKL" if torch.backends.mkl.is_available() else "no MKL")
        text.append(f"CPU capability {torch.backends.cpu.get_cpu_capability()}")
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return ", ".join([*text, "kernels and threads unknown (threadpoolctl is not installed)"])
    for pool in threadpool_info():
        kernel = f" kernel {pool['architecture']}" if "architecture" in pool else ""
        version = f" {pool['version']}" if pool["version"] else ""
        text.append(f"{pool['internal_api']}{version}{kernel} {pool['num_threads']} threads")
    return ", ".join(dict.fromkeys(text))
