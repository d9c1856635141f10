"""Who is timed: each peer as its own users write it, at its best.

A peer is made with a task and its data, with whatever can be done once done then. `run` is what is
timed: a whole training run from fresh weights, or a call that predicts. `outcome` tells afterwards
what came of it, by which it is seen that all have done the same. Where a peer has `settings` of
which none is the fastest everywhere, each is tried on the task and the fastest is timed. A peer's
module imports its library, and is itself imported by the peer's own process alone.
"""

import contextlib
import importlib
import importlib.metadata
import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Peer:
    """Which package a peer needs, and where its classes are: ``module:class``.

    Attributes
    ----------
    package : str
        The distribution that must be installed.
    training, serving : str
        What trains, and what predicts; empty where it takes no part in that.
    compiles : bool
        Whether it compiles something first, which is told apart.
    """

    package: str
    training: str = ""
    serving: str = ""
    compiles: bool = False


PEERS = {
    "glassnet": Peer("glassnet", "ours:Compiled", "ours:Predicting", compiles=True),
    "glassnet numpy": Peer("glassnet", "ours:Replayed"),
    "one by one": Peer("glassnet", "ours:OneByOne"),
    "tutorial": Peer("numpy", "by_hand:Tutorial"),
    "scikit-learn": Peer("scikit-learn", "with_sklearn:Training", "with_sklearn:Predicting"),
    "PyTorch": Peer("torch", "with_torch:Eager", "with_torch:Predicting"),
    "PyTorch compiled": Peer(
        "torch", "with_torch:Compiled", "with_torch:CompiledPredicting", compiles=True
    ),
    "JAX": Peer("jax", "with_jax:Training", "with_jax:Predicting", compiles=True),
    "Keras": Peer("keras", "with_keras:Training", compiles=True),
    "onnxruntime": Peer("onnxruntime", serving="with_onnx:Predicting"),
    "raw products": Peer("numpy", "by_hand:RawProducts"),
}


def make(name: str, task: Any) -> Any:
    """Return a peer that is ready for a task."""
    place = getattr(PEERS[name], task.kind)
    module, _, kind = place.partition(":")
    return getattr(importlib.import_module(f"peers.{module}"), kind)(task, *task.data())


def installed(name: str) -> bool:
    """Whether a peer's package is installed."""
    try:
        importlib.metadata.version(PEERS[name].package)
    except importlib.metadata.PackageNotFoundError:
        return PEERS[name].package == "glassnet"
    return True


def about() -> str:
    """Return what this process has loaded: versions, kernels and threads."""
    packages = ("torch", "jax", "keras", "onnxruntime", "sklearn", "numba", "numpy")
    text = []
    for package in packages:
        if package in sys.modules:
            with contextlib.suppress(AttributeError):
                text.append(f"{package} {sys.modules[package].__version__}")
    torch = sys.modules.get("torch")
    if torch is not None:
        text.append("MKL" if torch.backends.mkl.is_available() else "no MKL")
        text.append(f"CPU capability {torch.backends.cpu.get_cpu_capability()}")
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return ", ".join([*text, "kernels unknown (threadpoolctl is not installed)"])
    for pool in threadpool_info():
        if "architecture" in pool:
            version = f" {pool['version']}" if pool["version"] else ""
            text.append(f"{pool['internal_api']}{version} kernel {pool['architecture']}")
    return ", ".join(dict.fromkeys(text))
