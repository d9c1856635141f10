"""How often XOR is solved: the tutorial's listing with both classes, and the demo's network.

python benchmarks/xor.py                  # 1,000 seeds
python benchmarks/xor.py --seeds 100 --first 5000
"""

import argparse
import contextlib
import io
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial

os.environ.pop("OPENBLAS_CORETYPE", None)
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from tutorial_code import SimpleNeuralNetwork as TheTutorials

from glassnet import SimpleNeuralNetwork
from glassnet.demo import train_xor

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0], [1], [1], [0]])


def listing(network_class: Callable[..., object], seed: int) -> np.ndarray:
    """Run the tutorial's listing after np.random.seed(seed); return its four predictions."""
    np.random.seed(seed)  # noqa: NPY002  (the listing draws from the global state)
    nn = network_class(input_size=2, hidden_size=2, output_size=1)
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        nn.train(X, y, epochs=10000, learning_rate=0.1)
        return nn.forward(X)


def demo(seed: int) -> np.ndarray:
    """Train as `glassnet demo` does; return its four predictions."""
    return train_xor(seed).predict(X)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    runs = {
        "the listing, the tutorial's own code": partial(listing, TheTutorials),
        "the listing, glassnet": partial(listing, SimpleNeuralNetwork),
        "glassnet demo (2-2-1, restarts)": demo,
    }
    print(f"XOR, seeds {seeds[0]} to {seeds[-1]}")
    print(f"{'':38}{'right side of 0.5':>18}{'all within 0.2':>18}{'farthest':>10}")
    with ProcessPoolExecutor() as pool:
        for name, run in runs.items():
            away = np.array([np.abs(p - y).max() for p in pool.map(run, seeds, chunksize=10)])
            halves, near = int((away < 0.5).sum()), int((away < 0.2).sum())
            print(f"{name:38}{halves:>10} / {len(away)}{near:>10} / {len(away)}{away.max():>10.3f}")


if __name__ == "__main__":
    main()
