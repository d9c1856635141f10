"""Make optimizers.json: what PyTorch computes, for glassnet to be compared with.

Run once where PyTorch is installed (``make golden``); the tests read the file and need no PyTorch.
Everything is float64, and every number that goes in is stored beside what comes out.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

STEPS, EPOCHS, ROWS = 10, 5, 9

# f(theta) = theta A theta / 2 + sum of amplitude * sin(frequency * theta), condition number 1,300
BOWL = {
    "A": [
        [40.0, 3.0, 0.0, 0.0, 0.2],
        [3.0, 8.0, -1.0, 0.0, 0.0],
        [0.0, -1.0, 2.0, 0.3, 0.0],
        [0.0, 0.0, 0.3, 0.4, 0.05],
        [0.2, 0.0, 0.0, 0.05, 0.04],
    ],
    "amplitude": [2.0, -1.0, 0.7, 1.5, -0.3],
    "frequency": [1.3, 2.1, -3.0, 0.8, 5.0],
}
START = [1.0, -2.0, 0.5, 3.0, -4.0]

OPTIMIZERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "SGD(rate=0.02)": (torch.optim.SGD, {"lr": 0.02}),
    "Momentum(rate=0.01, momentum=0.9)": (torch.optim.SGD, {"lr": 0.01, "momentum": 0.9}),
    "Adam()": (torch.optim.Adam, {}),
    "Adam(rate=0.05, beta1=0.8, beta2=0.95, epsilon=1e-6)": (
        torch.optim.Adam,
        {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-6},
    ),
}

ACTIVATIONS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "gelu": lambda z: functional.gelu(z, approximate="tanh"),
}
LOSSES = {
    "BinaryCrossEntropy()": lambda raw, y: (
        functional.binary_cross_entropy_with_logits(raw, y, reduction="none").sum(1).mean()
    ),
    "MulticlassCrossEntropy()": functional.cross_entropy,
    "MulticlassCrossEntropy(label_smoothing=0.1)": lambda raw, y: functional.cross_entropy(
        raw, y, label_smoothing=0.1
    ),
    "SquaredError()": lambda raw, y: ((raw - y) ** 2).sum(1).mean(),
}


def gradient(theta: np.ndarray) -> np.ndarray:
    """Return the derivative of f, as the test has it too."""
    a, frequency = np.array(BOWL["amplitude"]), np.array(BOWL["frequency"])
    slope: np.ndarray = BOWL["A"] @ theta + a * frequency * np.cos(frequency * theta)
    return slope


def path(optimizer: Any, options: dict[str, Any]) -> list[list[float]]:
    """Return theta after each step."""
    A, amplitude, frequency = (torch.tensor(part, dtype=torch.float64) for part in BOWL.values())
    theta = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    rule = optimizer([theta], **options)
    thetas = []
    for _ in range(STEPS):
        rule.zero_grad()
        f = theta @ A @ theta / 2 + (amplitude * torch.sin(frequency * theta)).sum()
        f.backward()
        np.testing.assert_allclose(theta.grad, gradient(theta.detach().numpy()), rtol=1e-12)
        rule.step()
        thetas.append(theta.tolist())
    return thetas


def training(activation: str, loss: str, weights: dict[str, Any], X: Any, y: Any) -> dict[str, Any]:
    """Return each step's loss, taken before its update, and the weights at the end."""
    p = {
        name: torch.tensor(start, dtype=torch.float64, requires_grad=True)
        for name, start in weights.items()
    }
    X = torch.tensor(X, dtype=torch.float64)
    y = torch.tensor(y) if loss.startswith("Multi") else torch.tensor(y, dtype=torch.float64)
    rule, losses = torch.optim.Adam(p.values(), lr=0.05), []
    for _ in range(EPOCHS):
        rule.zero_grad()
        z = X @ p["W1"] + p["b1"]
        assert activation != "relu" or z.abs().min() > 1e-4, "a row at the kink of relu"
        value = LOSSES[loss](ACTIVATIONS[activation](z) @ p["W2"] + p["b2"], y)
        value.backward()
        rule.step()
        losses.append(value.item())
    return {"losses": losses, "weights": {name: end.tolist() for name, end in p.items()}}


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(2)
    shapes = {"W1": (3, 4), "b1": (1, 4), "W2": (4, 2), "b2": (1, 2)}
    weights = {name: rng.normal(0, 0.8, shape).round(3).tolist() for name, shape in shapes.items()}
    X = rng.normal(0, 1, (ROWS, 3)).round(3).tolist()
    targets = {
        "BinaryCrossEntropy()": rng.integers(0, 2, (ROWS, 2)).tolist(),
        "MulticlassCrossEntropy()": rng.integers(0, 2, ROWS).tolist(),
        "SquaredError()": rng.normal(0, 2, (ROWS, 2)).round(3).tolist(),
    }
    smooth = "MulticlassCrossEntropy(label_smoothing=0.1)"
    targets[smooth] = targets["MulticlassCrossEntropy()"]
    golden = {
        "made_with": f"PyTorch {torch.__version__.split('+')[0]}, float64",
        "bowl": {**BOWL, "start": START},
        "paths": {rule: path(*made) for rule, made in OPTIMIZERS.items()},
        "net": {"weights": weights, "X": X, "targets": targets, "optimizer": "Adam(rate=0.05)"},
        "trainings": {
            f"{activation}, {loss}": training(activation, loss, weights, X, targets[loss])
            for activation in ACTIVATIONS
            for loss in LOSSES
        },
    }
    file = Path(__file__).with_name("optimizers.json")
    file.write_text(_json(golden) + "\n")


def _json(value: Any, indent: str = "") -> str:
    """Return JSON with dicts over several lines and lists on one."""
    if not isinstance(value, dict):
        return json.dumps(value)
    inner = indent + "  "
    lines = [f"{inner}{json.dumps(key)}: {_json(part, inner)}" for key, part in value.items()]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


if __name__ == "__main__":
    main()
