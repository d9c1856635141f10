"""What `glassnet demo` trains: XOR, with the network of the tutorials, and where its table lies."""

import warnings
from pathlib import Path

import numpy as np

from glassnet.history import InterruptedWarning
from glassnet.layers import Dense
from glassnet.network import Network
from glassnet.optimizers import Momentum

XOR_X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
XOR_Y = np.array([0, 1, 1, 0])
RESTARTS, EPOCHS = 25, 400  # together 10,000 epochs, as many as the tutorials spend on one network
OPTIMIZER = Momentum(1.0, momentum=0.9)


def train_xor(seed: int) -> Network:
    """Return a 2-2-1 network that learned XOR.

    Two hidden neurons are the fewest that can, and about a quarter of all starts end in a local
    minimum. So 25 networks, begun as any network is begun, train side by side for 400 epochs
    each, and the one with the lowest loss is kept: that none of 25 gets there has a probability
    of about 10^-16.

    Examples
    --------
    >>> train_xor(seed=0).predict(XOR_X).round(2).ravel()
    array([0., 1., 1., 0.])
    """
    network = Network(
        [Dense(2, "sigmoid"), Dense(1)],
        inputs=2,
        loss="binary_cross_entropy",
        dtype="float64",
        seed=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InterruptedWarning)
        history = network.fit(
            *(XOR_X, XOR_Y),
            epochs=EPOCHS,
            restarts=RESTARTS,
            batch_size=None,
            optimizer=OPTIMIZER,
            every=EPOCHS,
        )
    if history.interrupted is not None:
        raise KeyboardInterrupt  # who ends a part of a demonstration wants none of the others
    return network


def penguins() -> Path:
    """Return where the table of penguins lies: in an installed glassnet, or in its repository."""
    here = Path(__file__).resolve().parent
    places = (here / "examples" / "penguins.csv", here.parents[1] / "examples" / "penguins.csv")
    return next((place for place in places if place.is_file()), places[0])
