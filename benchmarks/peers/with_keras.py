"""Keras, on JAX where it is installed, else on PyTorch; many steps are one call of its own."""

import importlib.util
import os

os.environ.setdefault("KERAS_BACKEND", "jax" if importlib.util.find_spec("jax") else "torch")

import keras
import numpy as np

from peers.base import TrainingPeer


class Training(TrainingPeer):
    settings = ("a step a call", "an epoch a call")

    def use(self, setting: str) -> None:
        steps = self.task.rows // self.task.batch
        layers = [keras.layers.Dense(units, "relu") for units in self.task.sizes[1:-1]]
        last = keras.layers.Dense(self.task.sizes[-1])
        self.net = keras.Sequential([keras.Input((self.task.sizes[0],)), *layers, last])
        self.net.compile(
            optimizer=keras.optimizers.Adam(self.rate),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            steps_per_execution=steps if setting == "an epoch a call" else 1,
        )
        self.fresh = self.net.get_weights()

    def run(self, seed: int, epochs: int) -> None:
        keras.utils.set_random_seed(seed)
        self.net.set_weights(self.fresh)
        for variable in self.net.optimizer.variables[2:]:  # all but the count and the rate
            variable.assign(keras.ops.zeros(variable.shape))
        self.net.optimizer.iterations.assign(0)
        self.net.fit(self.X, self.y, self.task.batch, epochs, verbose=0)

    def predict(self) -> np.ndarray:
        scores = self.net.predict(self.X, batch_size=4096, verbose=0)
        return keras.ops.convert_to_numpy(keras.ops.softmax(scores))
