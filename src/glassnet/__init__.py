"""glassnet: neural networks from scratch in NumPy, that you can see through and use at work.

A network's layers, losses and optimizers are textbook NumPy, forward and backward. Their code is
recorded once as a flat list of NumPy calls, and that list is replayed for every batch: what you
see is what runs.
"""

from glassnet.activations import Activation, Gelu, Identity, Relu, Sigmoid, Tanh, sigmoid
from glassnet.files import ModelFileError, load
from glassnet.layers import Dense, Dropout, Layer, LayerNorm, Parameter
from glassnet.losses import BinaryCrossEntropy, Loss, MulticlassCrossEntropy, SquaredError
from glassnet.network import Network
from glassnet.optimizers import SGD, Adam, Momentum, Optimizer
from glassnet.program import record
from glassnet.training import DivergenceWarning, Epoch, History
from glassnet.tutorial import SimpleNeuralNetwork, binary_cross_entropy, sigmoid_derivative
from glassnet.value import RecordingError

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "Activation",
    "Adam",
    "BinaryCrossEntropy",
    "Dense",
    "DivergenceWarning",
    "Dropout",
    "Epoch",
    "Gelu",
    "History",
    "Identity",
    "Layer",
    "LayerNorm",
    "Loss",
    "ModelFileError",
    "Momentum",
    "MulticlassCrossEntropy",
    "Network",
    "Optimizer",
    "Parameter",
    "RecordingError",
    "Relu",
    "Sigmoid",
    "SimpleNeuralNetwork",
    "SquaredError",
    "Tanh",
    "binary_cross_entropy",
    "load",
    "record",
    "sigmoid",
    "sigmoid_derivative",
]
