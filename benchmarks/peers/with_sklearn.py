"""scikit-learn: MLPClassifier and MLPRegressor.

The classifier takes the loss in every step and cannot be told not to; two classes are one output.
"""

import warnings

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from peers.base import ServingPeer, TrainingPeer

warnings.simplefilter("ignore")  # that it has not converged: it is not asked to


class Training(TrainingPeer):
    def run(self, seed: int, epochs: int) -> None:
        task = self.task
        plain_sgd = {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False}
        self.net = MLPClassifier(
            hidden_layer_sizes=task.sizes[1:-1],
            activation="logistic" if task.xor else "relu",
            alpha=0.0,
            batch_size=task.batch,
            learning_rate_init=self.rate,
            max_iter=epochs,
            shuffle=not task.xor,
            random_state=seed,
            tol=0.0,
            n_iter_no_change=10**9,
            **(plain_sgd if task.xor else {"solver": "adam"}),
        )
        self.net.fit(self.X, self.y)

    def predict(self) -> np.ndarray:
        return self.net.predict_proba(self.X)[:, -self.task.sizes[-1] :]


class Predicting(ServingPeer):
    def prepare(self) -> None:
        rows = np.zeros((2, self.task.sizes[0]), np.float32)
        self.net = MLPRegressor(hidden_layer_sizes=self.task.sizes[1:-1], max_iter=1)
        self.net.fit(rows, np.zeros(2, np.float32))
        self.net.coefs_ = [W for W, _ in self.layers]
        self.net.intercepts_ = [b[0] for _, b in self.layers]

    def use(self, setting: str) -> None:
        X, predict = self.X, self.net.predict
        self.call = lambda: predict(X)
