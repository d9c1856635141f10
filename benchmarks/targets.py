"""What is aimed at: our time divided by a peer's, at most so much."""

import statistics
from collections.abc import Iterator

from fresh import MEMORIES, Fresh
from measuring import Timing

# for each task of the table, at most so much of the peer's time; None where nothing is asked
TRAINING = ("20-32-2", "20-64-64-2", "30-256-256-256-10", "784-128-10", "784-1024-1024-10")
COMPILED = {
    "PyTorch": (0.04, 0.12, 0.55, 0.50, 0.50),
    "scikit-learn": (0.05, 0.15, 0.42, 0.42, 0.35),
    "JAX": (0.30, 0.60, 0.95, 1.0, 1.0),
    "raw products": (None, None, 1.35, 1.35, 1.20),
}
# (task, ours, the peer, at most this ratio)
OTHERS = (
    ("xor", "glassnet", "tutorial", 0.008),
    ("xor", "glassnet", "JAX", 1.2),
    *((task, "glassnet numpy", "PyTorch", 1.0) for task in TRAINING),
    ("xor-members", "glassnet", "one by one", 1 / 60),
    ("one-row", "glassnet", "PyTorch", 0.30),
    ("one-row", "glassnet", "scikit-learn", 0.08),
    ("one-row", "glassnet", "onnxruntime", 0.8),
    ("many-rows", "glassnet", "PyTorch", 1.0),
    ("xor-100", "glassnet numpy", "tutorial", 0.70),
    ("xor-1", "glassnet numpy", "tutorial", 0.80),
    ("20-32-2", "glassnet numpy", "PyTorch", 0.12),
    ("20-32-2", "glassnet numpy", "scikit-learn", 0.20),
)
IMPORT, FIRST_FIT, MEMORY = 1.5, 0.3, 100.0

Line = tuple[str, str, str, float | None, float]  # title, ours, beside, measured, at most


def lines(timings: dict[str, Timing], fresh: Fresh | None) -> Iterator[Line]:
    """Yield every target whose task was run, with what was measured."""
    compiled = [
        (task, "glassnet", peer, most)
        for peer, row in COMPILED.items()
        for task, most in zip(TRAINING, row, strict=True)
        if most is not None
    ]
    for task, ours, peer, most in (*compiled, *OTHERS):
        if task in timings:
            ratios = timings[task].ratios(ours, peer)
            measured = statistics.median(ratios) if ratios else None
            yield timings[task].task.title, ours, peer, measured, most
    if fresh is not None:
        yield from _of_fresh(fresh)


def _of_fresh(fresh: Fresh) -> Iterator[Line]:
    pairs = zip(fresh.imports["glassnet"], fresh.imports["numpy"], strict=True)
    middle = statistics.median(ours / theirs for ours, theirs in pairs)
    yield "import", "glassnet", "import numpy", middle, IMPORT
    yield "first compiled fit, seconds (cache warm)", "glassnet", "", fresh.warm, FIRST_FIT
    for name in (name for name in MEMORIES if name.startswith("glassnet")):
        before, peak = fresh.memory.get(name, (None, None))
        more = None if peak is None else peak - before
        yield "memory of fit beyond the data, MB", name, "", more, MEMORY
