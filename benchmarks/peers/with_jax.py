"""JAX: a network and Adam written by hand, as in its documentation; all epochs are one call.

`jax.jit` of a loop over epochs, and in it `lax.scan` over the steps, with the state donated. The
rows' orders are drawn by NumPy beforehand, which is faster than `jax.random.permutation` inside;
whether rows are gathered step by step or once an epoch is tried.
"""

from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from peers.base import ServingPeer, TrainingPeer

FIRST, SECOND, EPSILON = 0.9, 0.999, 1e-8  # Adam's


def raw(layers: Any, x: Any, activation: Any) -> Any:
    """Return the network's raw scores."""
    for W, b in layers[:-1]:
        x = activation(x @ W + b)
    W, b = layers[-1]
    return x @ W + b


class Training(TrainingPeer):
    def prepare(self) -> None:
        task = self.task
        jax.config.update("jax_enable_x64", task.xor)
        self.dtype = jnp.float64 if task.xor else jnp.float32
        self.settings = ("",) if task.xor else ("gathered by step", "gathered by epoch")
        self.features = jnp.asarray(self.X, self.dtype)
        self.targets = jnp.asarray(self.y[:, None] if task.xor else self.y)
        self.first = jax.jit(self._first)
        self.whole = jax.jit(self._whole, donate_argnums=0)
        self.epochs = jax.jit(self._epochs, donate_argnums=0, static_argnums=5)
        self.by_epoch = False

    def use(self, setting: str) -> None:
        self.by_epoch = setting == "gathered by epoch"

    def run(self, seed: int, epochs: int) -> None:
        state = self.first(jax.random.key(seed))
        if self.task.xor:
            state = self.whole(state, self.features, self.targets, epochs)
        else:
            task, rng = self.task, np.random.default_rng(seed)
            orders = np.tile(np.arange(task.rows, dtype=np.int32), (task.epochs, 1))
            orders = rng.permuted(orders, axis=1).reshape(task.epochs, -1, task.batch)
            state = self.epochs(state, orders, self.features, self.targets, epochs, self.by_epoch)
        self.layers = jax.block_until_ready(state)[0]

    def predict(self) -> np.ndarray:
        scores = raw(self.layers, self.features, self._activation)
        return np.asarray(jax.nn.sigmoid(scores) if self.task.xor else jax.nn.softmax(scores))

    def _activation(self, z: Any) -> Any:
        return jax.nn.sigmoid(z) if self.task.xor else jax.nn.relu(z)

    def _first(self, key: Any) -> Any:
        sizes = list(pairwise(self.task.sizes))
        layers = [
            (
                jax.random.normal(each, (inputs, units), self.dtype) * (2 / inputs) ** 0.5,
                jnp.zeros(units, self.dtype),
            )
            for each, (inputs, units) in zip(jax.random.split(key, len(sizes)), sizes, strict=True)
        ]
        if self.task.xor:
            return (layers,)
        zeros = [jax.tree.map(jnp.zeros_like, layers) for _ in range(2)]
        return layers, *zeros, jnp.zeros((), jnp.float32)

    def _loss(self, layers: Any, x: Any, y: Any) -> Any:
        scores = raw(layers, x, self._activation)
        if self.task.xor:
            return (jax.nn.softplus(scores) - y * scores).mean()
        own = jnp.take_along_axis(scores, y[:, None], 1)[:, 0]
        return (jax.nn.logsumexp(scores, axis=1) - own).mean()

    def _whole(self, state: Any, X: Any, y: Any, epochs: Any) -> Any:
        def step(_: Any, state: Any) -> Any:
            slopes = jax.grad(self._loss)(state[0], X, y)
            return (jax.tree.map(lambda p, g: p - self.rate * g, state[0], slopes),)

        return lax.fori_loop(0, epochs, step, state)

    def _epochs(self, state: Any, orders: Any, X: Any, y: Any, epochs: Any, by_epoch: bool) -> Any:
        def step(state: Any, batch: Any) -> Any:
            return self._adam(state, *(batch if by_epoch else (X[batch], y[batch]))), None

        def epoch(number: Any, state: Any) -> Any:
            order = orders[number]
            return lax.scan(step, state, (X[order], y[order]) if by_epoch else order)[0]

        return lax.fori_loop(0, epochs, epoch, state)

    def _adam(self, state: Any, x: Any, y: Any) -> Any:
        layers, mean, square, count = state
        slopes, count = jax.grad(self._loss)(layers, x, y), count + 1
        mean = jax.tree.map(lambda m, g: FIRST * m + (1 - FIRST) * g, mean, slopes)
        square = jax.tree.map(lambda v, g: SECOND * v + (1 - SECOND) * g * g, square, slopes)
        by_mean, by_square = 1 - FIRST**count, 1 - SECOND**count

        def moved(p: Any, m: Any, v: Any) -> Any:
            return p - self.rate * (m / by_mean) / (jnp.sqrt(v / by_square) + EPSILON)

        return jax.tree.map(moved, layers, mean, square), mean, square, count


class Predicting(ServingPeer):
    """A compiled function; arrays of JAX come in and go out, as quick as it can be."""

    def use(self, setting: str) -> None:
        layers = jax.device_put(self.layers)
        predict = jax.jit(lambda x: raw(layers, x, jax.nn.relu))
        X = jax.device_put(self.X)
        self.call = lambda: predict(X).block_until_ready()
