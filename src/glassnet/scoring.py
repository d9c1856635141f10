"""How good a network is on some rows: its loss, and metrics of its predictions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassnet.metrics import Metric, find_metrics
from glassnet.predicting import Predicting
from glassnet.rows import Rows
from glassnet.serving import Errand


def evaluate(
    network: Predicting, X: Any, y: Any, sample_weight: Any, metrics: Any
) -> dict[str, Any]:
    """Return the loss and metrics over a table; `Network.evaluate` tells more."""
    rows = Rows.of(network, X, y, sample_weight)
    return score(network, rows, find_metrics(metrics, network.loss))


def score(network: Predicting, rows: Rows, metrics: Sequence[Metric] = ()) -> dict[str, Any]:
    """Return the loss and metrics on rows, of each member on those that it has."""
    w = np.ones((len(rows), 1)) if rows.w is None else rows.w
    tables = {"x": rows.X, "y": rows.y, **({} if rows.w is None else {"w": w})}
    places: Any = slice(None) if rows.places is None else rows.places
    y, w = rows.y[places], w[places]  # (n, outputs), or (members, n, outputs)
    lead = network.theta.shape[:-1]
    losses: dict[int, Any] = {}
    predictions = np.empty((*lead, y.shape[-2] if metrics else 0, network.outputs), network.dtype)
    wanted = ("loss", "prediction") if metrics else ("loss",)

    def take(part: slice, outputs: dict[str, Any]) -> None:
        losses[part.start] = outputs["loss"].astype(float) * w[..., part, :].sum((-2, -1))
        if metrics:
            predictions[..., part, :] = outputs["prediction"]

    Errand(network, network.theta, "evaluate", wanted, tables, rows.places, take).run()
    total = sum(losses[start] for start in sorted(losses))
    scores = {"loss": total / w.sum((-2, -1))}
    each = predictions if lead else predictions[None]
    ys, ws = (np.broadcast_to(part, (len(each), *part.shape[-2:])) for part in (y, w))
    for metric in metrics:
        found = [metric(*seen) for seen in zip(ys, each, ws, strict=True)]
        scores[metric.name] = np.array(found).reshape(lead)
    return {name: value if lead else float(value) for name, value in scores.items()}
