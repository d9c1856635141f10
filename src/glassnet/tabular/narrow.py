"""Networks that predict many rows: in float32, their factors taken into the weights."""

from dataclasses import replace
from math import sqrt
from typing import Any

from glassnet.layers import Dense, Scale
from glassnet.network import Network
from glassnet.parts import Layer
from glassnet.vocabulary import Array


def narrowed(network: Network) -> Network:
    r"""Return a network in float32 that predicts the same within rounding, by fewer lines.

    A dense layer's factor, 1 / sqrt(inputs), and the factors of a `Scale` in front of it become
    part of its weights:

    .. math:: (x \cdot s) W / \sqrt n = x (s^T W / \sqrt n)

    Parameters
    ----------
    network : Network
        Of members.

    Examples
    --------
    >>> import glassnet as gn
    >>> net = gn.Network([gn.Scale(), gn.Dense(1, ntk=True)], inputs=4, seed=0, dtype="float64")
    >>> net.spread(2)
    >>> narrow, X = narrowed(net), [[1.0, 2.0, 3.0, 4.0]]
    >>> narrow.layers, net.raw(X).ravel().round(3), narrow.raw(X).ravel().round(3)
    ([Dense(1)], array([ 1.101, -1.116]), array([ 1.101, -1.116], dtype=float32))
    """
    layers: list[Layer] = []
    weights: list[dict[str, Array]] = []
    factors: Any = 1.0
    following, theirs = (*network.layers[1:], None), network.layout.views(network.theta)
    for layer, after, views in zip(network.layers, following, theirs, strict=True):
        own = dict(vars(views))
        if isinstance(layer, Scale) and isinstance(after, Dense):
            factors = own["s"].mT
            continue
        if isinstance(layer, Dense):
            W = own["W"] * factors
            own["W"] = W / sqrt(W.shape[-2]) if layer.ntk else W
            layer, factors = replace(layer, ntk=False), 1.0
        layers.append(layer)
        weights.append(own)
    narrow = Network(layers, network.inputs, loss=network.loss, seed=0)
    narrow.spread(len(network.theta))
    for views, own in zip(narrow.layout.views(narrow.theta), weights, strict=True):
        for name, array in own.items():
            getattr(views, name)[...] = array
    return narrow
