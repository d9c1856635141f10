"""The default for tables: which layers, and how they are trained, by the kind of task and its size.

Source: Holzmüller, Grinsztajn and Steinwart (2024), "Better by default", arXiv:2407.04491,
appendix A, whose RealMLP-TD this begins from. What differs was measured, see docs/tables.md:
several narrow members instead of a wide network, smaller batches and fewer epochs, waves of mixed
lengths that stay as they were drawn, relus, no dropout, members judged each by a fold of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from glassnet.embeddings import Embedding, Periodic
from glassnet.layers import Dense, Dropout, Scale, Squash
from glassnet.losses import MulticlassCrossEntropy
from glassnet.network import Network
from glassnet.optimizers import OPTIMIZERS, Adam, RMSprop
from glassnet.parts import Layer, Optimizer
from glassnet.quantities import SquaredError
from glassnet.tabular.encoding import Encoding

MANY_NUMBERS = 40  # columns of numbers from which on each has half as many waves
UNITS = 128  # of each hidden layer
VECTOR = 8  # numbers that stand for a category of many
SLOWEST, FASTEST = 0.05, 1.0  # waves' frequencies
ROUGHER, EACH = 4.0, 500  # times that, at most, for a quantity: once for so many rows


@dataclass(frozen=True)
class Recipe:
    """What can be chosen of the default.

    Attributes
    ----------
    members : int
        Networks whose predictions are averaged.
    epochs, batch_size : int or None
        How often to go through the rows, and how many a step; None goes by how many there are.
    hidden : tuple of int, optional
        Units of each hidden layer; left out, three of 128 for classes, of `wide` for a quantity.
    wide : int
        More units make a quantity finer; classes gain nothing from them.
    activation : str
        Of the hidden layers.
    dropout : float
        Share of the hidden units that a step leaves out.
    optimizer : str
        One that learns batch by batch.
    rate : float, optional
        Learning rate; left out, the default's own for optimizers whose steps are as long as the
        rate, and the optimizer's own for the others.
    smoothing : float
        Label smoothing: good for the share of right classes, bad for probabilities.
    effort : float
        A factor on the epochs that go by the number of rows.

    Examples
    --------
    >>> Recipe().sizes(1_000), Recipe().sizes(500_000)
    ((64, 64), (13, 512))
    """

    members: int = 4
    epochs: int | None = None
    batch_size: int | None = None
    hidden: tuple[int, ...] | None = None
    wide: int = UNITS
    activation: str = "relu"
    dropout: float = 0.0
    optimizer: str = "adam"
    rate: float | None = None
    smoothing: float = 0.1
    effort: float = 1.0

    def sizes(self, rows: int) -> tuple[int, int]:
        """Return epochs and batch size for so many rows to learn from."""
        larger = ((32, 300), (64, 1_000), (128, 20_000), (256, 60_000))
        batch = next((size for size, most in larger if rows <= most), 512)
        # a large table needs fewer rounds; so its time grows with the root of its length
        epochs = max(round(64 * self.effort * min(1.0, (20_000 / rows) ** 0.5)), 12)
        return self.epochs or epochs, self.batch_size or batch

    def units(self, classes: int) -> tuple[int, ...]:
        """Return the units of each hidden layer, for so many classes or, at 0, for a quantity."""
        return (UNITS if classes else self.wide,) * 3 if self.hidden is None else self.hidden

    def layers(self, encoding: Encoding, classes: int, rows: int) -> list[Layer]:
        """Return the layers for a table: `classes` outputs, or one for a quantity.

        A quantity's bends are as fine as there are rows to tell them from noise.
        """
        codes, gaps = len(encoding.cardinalities), encoding.gappy
        numbers = encoding.numbers + gaps
        layers: list[Layer] = []
        columns = encoding.width
        if columns > codes:
            layers.append(Squash(gaps=gaps, before=encoding.numbers, passing=codes))
        if numbers:
            waves = 16 if numbers <= MANY_NUMBERS else 8
            rough = 1.0 if classes else min(max(rows / EACH, 1.0), ROUGHER)
            lengths = SLOWEST * rough, FASTEST * rough
            layers.append(Periodic(numbers, waves, 3, *lengths, 0.1, 0.1, fixed=True))
            columns = layers[-1].outputs(columns)
        if codes:
            last = range(columns - codes, columns)
            layers.append(Embedding(last, encoding.cardinalities, VECTOR, decay=1.0))
        layers.append(Scale(rate=6.0, decay=6.0))
        for units in self.units(classes):
            layers.append(Dense(units, self.activation, ntk=True, bias_rate=0.1))
            layers += [Dropout(self.dropout)] if self.dropout else []
        return [*layers, Dense(classes or 1, ntk=True, bias_rate=0.1)]

    def network(self, encoding: Encoding, classes: int, rows: int, seeds: Sequence[int]) -> Network:
        """Return the members, stacked, as they begin: one for each seed."""
        network = Network(
            self.layers(encoding, classes, rows),
            inputs=encoding.width,
            loss=MulticlassCrossEntropy(self.smoothing) if classes else SquaredError(),
            seed=seeds[0],
        )
        network.spread(seeds)
        return network

    def rule(self, classes: int) -> Optimizer:
        """Return the optimizer.

        Examples
        --------
        >>> Recipe().rule(classes=3), Recipe(optimizer="sgd").rule(classes=3)
        (Adam(0.04, beta2=0.95), SGD())
        """
        kind: Any = OPTIMIZERS[self.optimizer]
        chosen = {"beta2": 0.95} if issubclass(kind, Adam) else {}
        rate = self.rate
        if rate is None and issubclass(kind, Adam | RMSprop):
            rate = 0.04 if classes else 0.2
        rule: Optimizer = kind(**chosen) if rate is None else kind(rate=rate, **chosen)
        return rule

    def how(self, classes: int, rows: int) -> dict[str, Any]:
        """Return the options of training on so many rows."""
        epochs, batch = self.sizes(rows)
        return {
            "epochs": epochs,
            "batch_size": min(batch, rows),
            "drop_last": True,
            "optimizer": self.rule(classes),
            "schedule": "coslog4",
            "weight_decay": 0.02,
            "decay_schedule": "flat_cos",
            # "auto" would go by the size of a group of members, and so by the number of threads
            "engine": "numpy",
        }


PRESETS = {
    "quick": Recipe(members=2, effort=0.5),
    "default": Recipe(),
    "best": Recipe(members=12, wide=256, effort=1.5),
}


def preset(name: str, **chosen: Any) -> Recipe:
    """Return a preset with what was chosen instead of its own.

    Examples
    --------
    >>> preset("quick", members=3, epochs=None).members
    3
    """
    return replace(PRESETS[name], **{key: v for key, v in chosen.items() if v is not None})
