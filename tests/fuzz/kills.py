"""Kill trainings with SIGKILL at random moments, let the same call go on, and compare the bits.

    python tests/fuzz/kills.py 100

Each training runs in a process of its own, which says when it begins. Every second one writes its
checkpoint at each report, so that many are killed while they write.
"""

import hashlib
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import glassnet as gn
from glassnet.files import checkpoint

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.report import section

LONG = 100  # kills from which on the page is written

KINDS: dict[str, dict[str, Any]] = {
    "dropout": {"schedule": "cosine"},
    "patience": {"validation": 0.2, "patience": 40, "metrics": "r2", "optimizer": "momentum"},
    "members": {"members": 3, "validation": "folds", "optimizer": gn.AdamW(0.01)},
    "restarts": {"restarts": 4, "every": 3, "l2": 1e-3},
    "average": {"average": 0.5, "clip_norm": 0.5, "batch_size": 25},
    "plateau": {"plateau": gn.Plateau(patience=3), "optimizer": "rmsprop"},
}
EPOCHS = 150


def train(kind: str, folder: str | None) -> str:
    """Train a network to the end, and return what tells its last bits and its history."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 4))
    y = np.sin(2 * X[:, 0]) + 0.1 * rng.standard_normal(300)
    layers = [gn.Dense(12, "tanh"), gn.Dropout(0.1), gn.Dense(1)]
    net = gn.Network(layers, 4, seed=3)
    history = net.fit(X, y, epochs=EPOCHS, checkpoint=folder, **KINDS[kind])
    states = [generator.bit_generator.state for generator in net.generators]
    told = [net.theta.tobytes(), repr(states).encode(), repr(history).encode()]
    return hashlib.sha256(b"".join(told)).hexdigest()


def command(kind: str, folder: Path, seldom: float) -> list[str]:
    """Return what starts a training in a process of its own."""
    return [sys.executable, __file__, "--train", kind, str(folder), str(seldom)]


def killed(kind: str, folder: Path, seconds: float, seldom: float) -> bool:
    """Start a training, kill it so long after its beginning, and tell whether it was alive."""
    with subprocess.Popen(command(kind, folder, seldom), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # "begun"
        time.sleep(seconds)
        process.kill()
        return process.wait() < 0


def resumed(kind: str, folder: Path, seldom: float) -> str:
    """Let the same call go on to the end, and return what tells its last bits."""
    made = subprocess.run(
        command(kind, folder, seldom), capture_output=True, text=True, check=True, timeout=300
    )
    return made.stdout.split()[-1]


def main(kills: int, seed: int) -> int:
    """Kill so many trainings, and count those that ended with the same bits."""
    draw = random.Random(seed)
    same = alive = 0
    whole, seconds = {}, {}
    for kind in KINDS:
        begin = time.perf_counter()
        whole[kind] = train(kind, None)
        seconds[kind] = time.perf_counter() - begin
    for number in range(kills):
        kind, seldom = draw.choice([*KINDS]), (checkpoint.SELDOM, 0.0)[number % 2]
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            # writing each time takes about as long again
            moment = draw.uniform(0, seconds[kind] * (1.2 if seldom else 2))
            alive += killed(kind, run, moment, seldom)
            fine = resumed(kind, run, seldom) == whole[kind]
        same += fine
        if not fine:
            print(f"{kind}: killed after {moment:.3f} seconds, and ended with other bits")
    text = f"{same} of {kills} bit-identical; {alive} were killed before their end (seed {seed})"
    print(text)
    if kills >= LONG:
        section("kills", text)
    return int(same < kills)


if __name__ == "__main__":
    if sys.argv[1] == "--train":
        kind, folder, seldom = sys.argv[2:]
        checkpoint.SELDOM = float(seldom)
        print("begun", flush=True)
        print(train(kind, folder))
    else:
        seed = int(sys.argv[2]) if len(sys.argv) > 2 else int.from_bytes(os.urandom(4), "little")
        sys.exit(main(int(sys.argv[1]), seed))
