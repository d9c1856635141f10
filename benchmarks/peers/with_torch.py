"""PyTorch: eager, and compiled by its own compiler. The fused Adam is the fastest of three.

A small network is done before a second thread is awake, a large one is not: both are tried.
"""

import os
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from peers.base import ServingPeer, TrainingPeer

ALL = os.cpu_count() or 1
THREADS = ("one thread", "all threads")


def threads(setting: str) -> None:
    """Let products wake as many threads as a setting begins with."""
    torch.set_num_threads(1 if setting.startswith("one") else ALL)


class Eager(TrainingPeer):
    settings = THREADS

    def prepare(self) -> None:
        task = self.task
        self.features = torch.from_numpy(self.X.astype(float) if task.xor else self.X)
        targets = self.y[:, None].astype(float) if task.xor else self.y
        self.targets = torch.from_numpy(targets)
        modules: list[Any] = []
        for inputs, units in pairwise(task.sizes):
            modules += [nn.Linear(inputs, units, dtype=self.features.dtype)]
            modules += [nn.Sigmoid() if task.xor else nn.ReLU()]
        self.net = nn.Sequential(*modules[:-1])
        self.criterion = nn.BCEWithLogitsLoss() if task.xor else nn.CrossEntropyLoss()
        self.loss_of = self.make_loss()

    def make_loss(self) -> Any:
        """Return a function of a batch and its targets."""
        net, criterion = self.net, self.criterion
        return lambda x, y: criterion(net(x), y)

    def use(self, setting: str) -> None:
        threads(setting)

    def run(self, seed: int, epochs: int) -> None:
        torch.manual_seed(seed)
        for module in self.net[::2]:
            module.reset_parameters()
        if self.task.xor:
            optimizer = torch.optim.SGD(self.net.parameters(), lr=self.rate, fused=True)
            self._whole(optimizer, epochs)
        else:
            optimizer = torch.optim.Adam(self.net.parameters(), lr=self.rate, fused=True)
            self._batches(optimizer, epochs)

    def _whole(self, optimizer: Any, epochs: int) -> None:
        losses, every = [], self.task.every
        for epoch in range(epochs):
            optimizer.zero_grad(set_to_none=True)
            loss = self.loss_of(self.features, self.targets)
            loss.backward()
            optimizer.step()
            if epoch % every == 0:
                losses.append(loss.item())

    def _batches(self, optimizer: Any, epochs: int) -> None:
        batch, loss_of = self.task.batch, self.loss_of
        for _ in range(epochs):
            order = torch.randperm(len(self.features))
            # the table in the epoch's order, cut: a little faster than rows batch by batch
            X, y = self.features.index_select(0, order), self.targets.index_select(0, order)
            for x_batch, y_batch in zip(X.split(batch), y.split(batch), strict=True):
                optimizer.zero_grad(set_to_none=True)
                loss_of(x_batch, y_batch).backward()
                optimizer.step()

    def predict(self) -> np.ndarray:
        with torch.no_grad():
            raw = self.net(self.features)
            return (raw.sigmoid() if self.task.xor else raw.softmax(1)).numpy()


class Compiled(Eager):
    """Network and loss compiled together, which is faster than the network alone."""

    def make_loss(self) -> Any:
        return torch.compile(super().make_loss())


class Predicting(ServingPeer):
    """In inference mode; tensors come in and go out. Many rows at once, or so many at a time."""

    def prepare(self) -> None:
        if self.task.rows > 1:
            chunked = tuple(f"{each}, 4,096 rows at a time" for each in THREADS)
            self.settings = (*THREADS, *chunked)
        else:
            self.settings = THREADS
        modules: list[Any] = []
        for W, b in self.layers:
            linear = nn.Linear(*W.shape)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(W.T))
                linear.bias.copy_(torch.from_numpy(b[0]))
            modules += [linear, nn.ReLU()]
        self.net = self.make_network(nn.Sequential(*modules[:-1]).eval())

    def make_network(self, net: Any) -> Any:
        """Return what is called."""
        return net

    def use(self, setting: str) -> None:
        threads(setting)
        X, net = torch.from_numpy(self.X), self.net
        if "at a time" in setting:
            self.call = lambda: torch.cat([net(part) for part in X.split(4096)])
        else:
            self.call = lambda: net(X)

    def run(self, seed: int, calls: int) -> None:
        with torch.inference_mode():
            super().run(seed, calls)

    def outcome(self) -> float:
        with torch.inference_mode():
            return super().outcome()


class CompiledPredicting(Predicting):
    def make_network(self, net: Any) -> Any:
        return torch.compile(net)
