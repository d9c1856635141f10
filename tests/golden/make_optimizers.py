"""Make optimizers.json: what PyTorch computes, for glassnet to be compared with.

Run once where PyTorch is installed (``make golden``); the tests read the file and need no PyTorch.
Everything is float64, and every number that goes in is stored beside what comes out.
"""

from typing import Any

import numpy as np
import torch
from torch.nn import functional
from writing import write

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
    "Nesterov(rate=0.01, momentum=0.9)": (
        torch.optim.SGD,
        {"lr": 0.01, "momentum": 0.9, "nesterov": True},
    ),
    "RMSprop()": (torch.optim.RMSprop, {"lr": 0.001}),
    "RMSprop(rate=0.05, beta=0.9, epsilon=1e-6)": (
        torch.optim.RMSprop,
        {"lr": 0.05, "alpha": 0.9, "eps": 1e-6},
    ),
    # the weights decay in the step, not in the optimizer
    "AdamW(rate=0.02)": (torch.optim.AdamW, {"lr": 0.02, "weight_decay": 0.0}),
}

ACTIVATIONS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "gelu": lambda z: functional.gelu(z, approximate="tanh"),
    "leaky_relu": functional.leaky_relu,
    "parametric_relu": functional.prelu,
    "elu": functional.elu,
    "selu": functional.selu,
    "silu": functional.silu,
    "mish": functional.mish,
    "softplus": functional.softplus,
}
KINKS = ("relu", "leaky_relu", "parametric_relu", "elu", "selu")
# these with every activation, the others with tanh
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


def summed(function: Any, **options: Any) -> Any:
    """Return a loss of PyTorch as ours are: a sum over outputs, a mean over rows."""
    return lambda raw, y: function(raw, y, reduction="none", **options).sum(1).mean()


def focal(raw: Any, y: Any) -> Any:
    """Return the focal loss with gamma 2, as its paper has it."""
    log_q = functional.logsigmoid((2 * y - 1) * raw)
    return ((1 - log_q.exp()) ** 2 * -log_q).sum(1).mean()


MORE_LOSSES = {
    "SquaredError(half=True)": lambda raw, y: ((raw - y) ** 2).sum(1).mean() / 2,
    "AbsoluteError()": summed(functional.l1_loss),
    "Huber(delta=0.5)": summed(functional.huber_loss, delta=0.5),
    "Quantile(q=0.8)": lambda raw, y: torch.maximum(0.8 * (y - raw), 0.2 * (raw - y)).sum(1).mean(),
    "Poisson()": lambda raw, y: (torch.exp(raw) - y * raw + torch.xlogy(y, y) - y).sum(1).mean(),
    "BinaryCrossEntropy(label_smoothing=0.1)": lambda raw, y: summed(
        functional.binary_cross_entropy_with_logits
    )(raw, 0.9 * y + 0.05),
    "Focal(gamma=2.0)": focal,
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
        assert activation not in KINKS or z.abs().min() > 1e-4, "a row at the kink"
        learned = [p["leak1"][0]] if "leak1" in p else []
        a = ACTIVATIONS[activation](z, *learned)
        raw = a @ p["W2"] + p["b2"]
        value = (LOSSES | MORE_LOSSES)[loss](raw, y)
        value.backward()
        rule.step()
        losses.append(value.item())
    return {"losses": losses, "weights": {name: end.tolist() for name, end in p.items()}}


# PyTorch's of each of ours, and how much of the weights decays where training says nothing
OF, LATER = torch.optim, torch.optim.lr_scheduler
RULES: dict[str, tuple[Any, float]] = {
    "SGD(rate=0.002)": (lambda p: OF.SGD(p, lr=0.002), 0),
    "SGD(rate=0.02)": (lambda p: OF.SGD(p, lr=0.02), 0),
    "Momentum(rate=0.01)": (lambda p: OF.SGD(p, lr=0.01, momentum=0.9), 0),
    "Nesterov(rate=0.002)": (
        lambda p: OF.SGD(p, lr=0.002, momentum=0.9, nesterov=True),
        0,
    ),
    "RMSprop(rate=0.05)": (lambda p: OF.RMSprop(p, lr=0.05), 0),
    "Adam(rate=0.05)": (lambda p: OF.Adam(p, lr=0.05), 0),
    "AdamW(rate=0.05)": (lambda p: OF.AdamW(p, lr=0.05), 0.01),
    "AdamW(rate=0.05, weight_decay=0.3)": (lambda p: OF.AdamW(p, lr=0.05), 0.3),
}
RATES = {"W1": 0.5, "b1": 2.0, "W2": 1.0, "b2": 0.25}
BESIDE: list[tuple[str, dict[str, Any]]] = [
    ("AdamW(rate=0.05)", {}),
    ("AdamW(rate=0.05, weight_decay=0.3)", {}),
    ("AdamW(rate=0.05, weight_decay=0.3)", {"weight_decay": 0.1}),
    ("SGD(rate=0.002)", {"weight_decay": 0.2}),
    ("SGD(rate=0.02)", {"clip_norm": 2.0}),
    ("Adam(rate=0.05)", {"clip_norm": 2.0}),
    ("Nesterov(rate=0.002)", {"l2": 0.3}),
    ("RMSprop(rate=0.05)", {"l2": 0.1}),
    ("Momentum(rate=0.01)", {"l2": 0.4, "clip_norm": 5.0}),
    ("Adam(rate=0.05)", {"rates": RATES}),
    ("AdamW(rate=0.05)", {"rates": RATES, "l2": 0.2}),
    ("AdamW(rate=0.05)", {"frozen": 1, "l2": 0.2, "clip_norm": 3.0}),
    ("Nesterov(rate=0.002)", {"frozen": 2}),
    ("AdamW(rate=0.05)", {"schedule": "cosine"}),
    ("RMSprop(rate=0.05)", {"schedule": "inverse"}),
]
SCHEDULES = {
    "cosine": lambda rule: LATER.CosineAnnealingLR(rule, STEPS),
    "inverse": lambda rule: LATER.LambdaLR(rule, lambda step: (1 + step) ** -0.5),
}


def regularised(net: dict[str, Any], ours: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return losses and weights of the tanh network with the squared error, and more beside.

    Biases have no penalty and do not decay, nor does a frozen layer. `rates` are factors on the
    learning rate, by parameter.
    """
    X, y = (torch.tensor(net[name], dtype=torch.float64) for name in ("X", "large"))
    p, groups, (rule, decay) = {}, [], RULES[ours]
    for name, start in net["weights"].items():
        p[name] = torch.tensor(start, dtype=torch.float64)
        p[name].requires_grad_(not name.endswith(str(options.get("frozen"))))
        wanes = options.get("weight_decay", decay) * name.startswith("W")
        groups.append({"params": [p[name]], "weight_decay": wanes})
    optimizer, losses = rule(groups), []
    for group, name in zip(optimizer.param_groups, p, strict=True):
        group["lr"] *= options.get("rates", {}).get(name, 1.0)
    scheduler = SCHEDULES[options["schedule"]](optimizer) if "schedule" in options else None
    matrices = [p[name] for name in ("W1", "W2") if p[name].requires_grad]
    for _ in range(STEPS):
        optimizer.zero_grad()
        raw = torch.tanh(X @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]
        penalty = options.get("l2", 0) / 2 * sum((matrix**2).sum() for matrix in matrices)
        value = ((raw - y) ** 2).sum(1).mean() + penalty
        value.backward()
        if "clip_norm" in options:
            # PyTorch adds 1e-6 to the length: nothing beside these
            length = torch.nn.utils.clip_grad_norm_(p.values(), options["clip_norm"])
            assert length > 2 * options["clip_norm"]
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        losses.append(value.item())
    return {"losses": losses, "weights": {name: end.tolist() for name, end in p.items()}}


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(2)
    shapes = {"W1": (3, 4), "b1": (1, 4), "W2": (4, 2), "b2": (1, 2)}
    weights = {name: rng.normal(0, 0.8, shape).round(3).tolist() for name, shape in shapes.items()}
    X = rng.normal(0, 1, (ROWS, 3)).round(3).tolist()
    answers = rng.integers(0, 2, (ROWS, 2)).tolist()
    labels = rng.integers(0, 2, ROWS).tolist()
    quantities = rng.normal(0, 2, (ROWS, 2)).round(3)
    counts = rng.poisson(2, (ROWS, 2)).tolist()
    targets = {loss: quantities.tolist() for loss in LOSSES | MORE_LOSSES} | {
        "BinaryCrossEntropy()": answers,
        "BinaryCrossEntropy(label_smoothing=0.1)": answers,
        "Focal(gamma=2.0)": answers,
        "MulticlassCrossEntropy()": labels,
        "MulticlassCrossEntropy(label_smoothing=0.1)": labels,
        "Poisson()": counts,
    }
    net = {
        "weights": weights,
        "X": X,
        "targets": targets,
        "large": (10 * quantities).round(2).tolist(),
        "optimizer": "Adam(rate=0.05)",
    }
    leaks = {"parametric_relu": {"leak1": [[0.25] * 4]}}
    pairs = [
        *((activation, loss) for activation in ACTIVATIONS for loss in LOSSES),
        *(("tanh", loss) for loss in MORE_LOSSES),
    ]
    golden = {
        "made_with": f"PyTorch {torch.__version__.split('+')[0]}, float64",
        "bowl": {**BOWL, "start": START},
        "paths": {rule: path(*made) for rule, made in OPTIMIZERS.items()},
        "net": net,
        "trainings": {
            f"{activation}, {loss}": training(
                activation, loss, weights | leaks.get(activation, {}), X, targets[loss]
            )
            for activation, loss in pairs
        },
        "regularised": {
            ", ".join([ours, *(f"{name}={value}" for name, value in options.items())]): {
                "optimizer": ours,
                "options": options,
                **regularised(net, ours, options),
            }
            for ours, options in BESIDE
        },
    }
    write("optimizers.json", golden)


if __name__ == "__main__":
    main()
