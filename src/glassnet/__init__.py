"""glassnet: neural networks from scratch in NumPy, that you can see through and use at work.

A network's layers, losses and optimizers are textbook NumPy, forward and backward. Their code is
recorded once as a flat list of NumPy calls, and that list is replayed for every batch: what you
see is what runs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from glassnet.activations import (
    Elu,
    Gelu,
    Identity,
    LeakyRelu,
    Mish,
    ParametricRelu,
    Relu,
    Selu,
    Sigmoid,
    Silu,
    Softplus,
    Tanh,
    sigmoid,
)
from glassnet.layers import Dense, Dropout, LayerNorm, Scale, Squash
from glassnet.losses import BinaryCrossEntropy, Focal, MulticlassCrossEntropy
from glassnet.metrics import Metric
from glassnet.network import Network
from glassnet.parts import Activation, Layer, Loss, Optimizer, Parameter
from glassnet.program import record
from glassnet.quantities import AbsoluteError, CustomLoss, Huber, Poisson, Quantile, SquaredError
from glassnet.schedules import (
    Constant,
    Cosine,
    CosLog4,
    Exponential,
    FlatCos,
    Inverse,
    StepDecay,
    WarmUp,
)
from glassnet.value import RecordingError

if TYPE_CHECKING:
    from glassnet.composites import Concat, Residual, Stack
    from glassnet.embeddings import Embedding, Periodic
    from glassnet.estimators import MLPClassifier as MLPClassifier
    from glassnet.estimators import MLPRegressor as MLPRegressor
    from glassnet.files.networks import ModelFileError, load
    from glassnet.fitting import Plateau
    from glassnet.history import DivergenceWarning, Epoch, History, InterruptedWarning
    from glassnet.insight.doctor.recall import TrainingWarning
    from glassnet.insight.gradients import check_gradients
    from glassnet.insight.referee import referee
    from glassnet.optimizers import LBFGS, SGD, Adam, AdamW, Momentum, Nesterov, RMSprop
    from glassnet.parametric import Parametric
    from glassnet.serving import Predictor
    from glassnet.tabular.estimators import TabularClassifier as TabularClassifier
    from glassnet.tabular.estimators import TabularRegressor as TabularRegressor
    from glassnet.tutorial import SimpleNeuralNetwork, binary_cross_entropy, sigmoid_derivative

__version__ = "0.1.0"

__all__ = [
    "LBFGS",
    "SGD",
    "AbsoluteError",
    "Activation",
    "Adam",
    "AdamW",
    "BinaryCrossEntropy",
    "Concat",
    "Constant",
    "CosLog4",
    "Cosine",
    "CustomLoss",
    "Dense",
    "DivergenceWarning",
    "Dropout",
    "Elu",
    "Embedding",
    "Epoch",
    "Exponential",
    "FlatCos",
    "Focal",
    "Gelu",
    "History",
    "Huber",
    "Identity",
    "InterruptedWarning",
    "Inverse",
    "Layer",
    "LayerNorm",
    "LeakyRelu",
    "Loss",
    "Metric",
    "Mish",
    "ModelFileError",
    "Momentum",
    "MulticlassCrossEntropy",
    "Nesterov",
    "Network",
    "Optimizer",
    "Parameter",
    "Parametric",
    "ParametricRelu",
    "Periodic",
    "Plateau",
    "Poisson",
    "Predictor",
    "Quantile",
    "RMSprop",
    "RecordingError",
    "Relu",
    "Residual",
    "Scale",
    "Selu",
    "Sigmoid",
    "Silu",
    "SimpleNeuralNetwork",
    "Softplus",
    "SquaredError",
    "Squash",
    "Stack",
    "StepDecay",
    "TabularClassifier",
    "TabularRegressor",
    "Tanh",
    "TrainingWarning",
    "WarmUp",
    "binary_cross_entropy",
    "check_gradients",
    "load",
    "record",
    "referee",
    "sigmoid",
    "sigmoid_derivative",
]

# an import brings what a network is built from, and no more; the other rooms are found when one of
# their names is asked for
ROOMS = {
    "composites": ("Concat", "Residual", "Stack"),
    "embeddings": ("Embedding", "Periodic"),
    "estimators": ("MLPClassifier", "MLPRegressor"),
    "files.networks": ("ModelFileError", "load"),
    "fitting": ("Plateau",),
    "history": ("DivergenceWarning", "Epoch", "History", "InterruptedWarning"),
    "insight.doctor.recall": ("TrainingWarning",),
    "insight.gradients": ("check_gradients",),
    "insight.referee": ("referee",),
    "optimizers": ("LBFGS", "SGD", "Adam", "AdamW", "Momentum", "Nesterov", "RMSprop"),
    "parametric": ("Parametric",),
    "serving": ("Predictor",),
    "tabular.estimators": ("TabularClassifier", "TabularRegressor"),
    "tutorial": ("SimpleNeuralNetwork", "binary_cross_entropy", "sigmoid_derivative"),
}
LATER = {name: f"glassnet.{room}" for room, names in ROOMS.items() for name in names}

if not TYPE_CHECKING:  # a checker has the imports above, and shall notice a name that is in neither

    def __getattr__(name: str) -> Any:
        if name not in LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(LATER[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *LATER})
