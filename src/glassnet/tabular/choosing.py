"""Which of the weights that members had on their way they keep."""

import numpy as np

from glassnet.history import Epoch
from glassnet.metrics import Metric
from glassnet.network import Network
from glassnet.vocabulary import Array


class Choice:
    """The weights of each member at its best look, by the mean of three looks in a row.

    One look is noisy, and the best of many noisy ones is mostly luck; where several are as good,
    the last one counts.

    Attributes
    ----------
    theta : array (members, P)
        The weights to keep.
    score : array (members,)
        Their mean of three, the lower the better.
    """

    def __init__(self, network: Network, metric: Metric) -> None:
        self.metric, self.theta = metric, network.theta.copy()
        self.score = np.full(len(self.theta), np.inf)
        self._scores: list[Array] = []
        self._before = self.theta

    def see(self, epoch: Epoch) -> None:
        """Take a look into account."""
        found = np.asarray(epoch.metrics[self.metric.name], float)
        self._scores = [*self._scores[-2:], -found if self.metric.higher else found]
        if len(self._scores) > 1:
            self._keep(np.mean(self._scores, axis=0), self._before)
        self._before = epoch.network.theta.copy()

    def notes(self, theta: Array) -> dict[str, Array]:
        """Return what has been seen, as a checkpoint keeps it."""
        scores = np.array(self._scores).reshape(-1, len(theta))
        return {
            "theta": self.theta,
            "score": self.score,
            "scores": scores,
            "before": self._before,
        }

    def go_on(self, notes: dict[str, Array]) -> None:
        """Take back what a checkpoint kept."""
        self.theta, self.score, self._before = notes["theta"], notes["score"], notes["before"]
        self._scores = [*notes["scores"]]

    def settle(self, network: Network) -> None:
        """Look at the last weights too, and give the members their best."""
        if self._scores:
            self._keep(np.mean(self._scores[-2:], axis=0), network.theta)
            # where a metric is never a number, as the AUC of one class, the last weights stay
            judged = self.score < np.inf
            network.theta[judged] = self.theta[judged]

    def _keep(self, score: Array, theta: Array) -> None:
        better = score <= self.score
        self.score[better], self.theta[better] = score[better], theta[better]
