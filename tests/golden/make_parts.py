"""Make parts.json: activations, losses and schedules as PyTorch and scikit-learn compute them.

Run once where both are installed (``make golden``); the tests read the file and need neither.
Everything is float64, and every number that goes in is a float32 too, so that the same file is what
float32 is held against.

PyTorch's own forms lose digits where they subtract numbers that are nearly alike: a (1 - a) and
1 - a^2 where a is nearly 1, gelu's 1 + tanh far to the left, p - y where p is nearly y. There the
numbers come from a form that keeps them, written in PyTorch too, and are held against PyTorch's own
up to the digits that it loses.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn
import torch
from sklearn.metrics import mean_pinball_loss, mean_poisson_deviance
from torch import Tensor
from torch.nn import functional
from writing import shortened, write

NEAR = [2.0**-20, 2.0**-10, 2.0**-5, *(k / 4 for k in range(1, 25))]
FAR = [6.5, 7, 8, 9, 10, 12, 14, 16, 18, 20, 25, 30, 36, 40, 50, 60, 70, 80, 81, 87, 88, 89]
FARTHEST = [100, 103, 104, 150, 300, 700, 709, 710, 745, 746, 1e3, 3e3, 5e3, 1e4]
Z = [0.0, *(sign * float(z) for z in (*NEAR, *FAR, *FARTHEST) for sign in (1, -1))]

SIZES = [2.0**-10, 0.5, 1, 2, 3.5, 5, 8, 10, 12, 16, 20, 30, 50, 80, 88, 100, 700, 1e3, 1e4]
RAW = [0.0, *(sign * float(z) for z in SIZES for sign in (1, -1))]
QUANTITIES = [0.0, 1.0, -2.5, 30.0, 1000.0]
COUNTS = [0.0, 1.0, 3.0, 30.0, 1000.0]
ANSWERS = [0.0, 1.0]
SCORES = [
    *([0.0, 0.0, 0.0], [1.0, -1.0, 0.5], [1e4, 0.0, -1e4], [1e4, 1e4, 1e4], [-1e4, -1e4, 0.0]),
    *(
        [5.0, -5.0, 0.0],
        [10.0, -10.0, 0.0],
        [30.0, 0.0, 0.0],
        [50.0, 1.0, -60.0],
        [80.0, 0.0, 0.25],
    ),
    *([0.5, 20.0, -3.0], [700.0, 3.0, 1.0], [-700.0, -703.0, -701.0], [2.0, 2.0, -2.0]),
]


def softplus(z: Tensor) -> Tensor:
    """Return log(1 + exp(z)), with all its digits on both sides."""
    return torch.logaddexp(z, torch.zeros_like(z))


# ---- activations ---------------------------------------------------------------------------------


def gelu(z: Tensor) -> Tensor:
    """Return z sigmoid(2 u), which is z / 2 (1 + tanh u)."""
    return z * torch.sigmoid(2 * (2 / torch.pi) ** 0.5 * z * (1 + 0.044715 * z * z))


# name, arguments, the value, and the slope where autograd of the value loses digits
ACTIVATIONS: list[tuple[str, dict[str, float], Callable[[Tensor], Tensor], Any]] = [
    ("Identity", {}, lambda z: 1 * z, None),
    ("Sigmoid", {}, torch.sigmoid, lambda z: torch.sigmoid(z) * torch.sigmoid(-z)),
    ("Tanh", {}, torch.tanh, lambda z: 4 * torch.sigmoid(2 * z) * torch.sigmoid(-2 * z)),
    ("Relu", {}, torch.relu, None),
    ("LeakyRelu", {}, functional.leaky_relu, None),
    ("LeakyRelu", {"leak": 0.2}, lambda z: functional.leaky_relu(z, 0.2), None),
    ("ParametricRelu", {}, lambda z: functional.prelu(z, torch.tensor(0.25).double()), None),
    ("Elu", {}, functional.elu, None),
    ("Elu", {"alpha": 0.5}, lambda z: functional.elu(z, 0.5), None),
    ("Selu", {}, functional.selu, None),
    ("Gelu", {}, gelu, None),
    ("Silu", {}, functional.silu, None),
    ("Mish", {}, functional.mish, None),
    ("Softplus", {}, softplus, torch.sigmoid),
]
# PyTorch's own forms of what was written above
OWN = {
    "Gelu": lambda z: functional.gelu(z, approximate="tanh"),
    "Softplus": functional.softplus,
}


def slope_of(function: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """Return the derivative, elementwise, by autograd."""
    z = z.clone().requires_grad_()
    function(z).sum().backward()
    assert z.grad is not None
    return z.grad


def said(name: str, arguments: dict[str, Any]) -> str:
    """Return how one of our parts is written."""
    return f"{name}({', '.join(f'{n}={value!r}' for n, value in arguments.items())})"


def activation(
    name: str, arguments: dict[str, float], f: Any, slope: Any
) -> tuple[str, dict[str, Any]]:
    """Return an activation, and its values and slopes."""
    z = torch.tensor(Z, dtype=torch.float64)
    slopes = slope_of(f, z)
    if slope is not None:
        torch.testing.assert_close(slope(z), slopes, rtol=1e-12, atol=1e-15)
        slopes = slope(z)
    if name in OWN:
        # softplus is z itself beyond 20 there
        torch.testing.assert_close(f(z), OWN[name](z), rtol=2e-10, atol=1e-14)
        torch.testing.assert_close(slopes, slope_of(OWN[name], z), rtol=5e-9, atol=1e-13)
    numbers = {"value": shortened(f(z).tolist()), "slope": shortened(slopes.tolist())}
    return said(name, arguments), numbers


# ---- losses --------------------------------------------------------------------------------------


def squared(raw: Tensor, y: Tensor, half: bool = False) -> Tensor:
    """Return PyTorch's squared error, or half of it."""
    return functional.mse_loss(raw, y, reduction="none") * (0.5 if half else 1)


def absolute(raw: Tensor, y: Tensor) -> Tensor:
    """Return PyTorch's absolute error."""
    return functional.l1_loss(raw, y, reduction="none")


def huber(raw: Tensor, y: Tensor, delta: float = 1.0) -> Tensor:
    """Return PyTorch's Huber loss."""
    return functional.huber_loss(raw, y, reduction="none", delta=delta)


def quantile(raw: Tensor, y: Tensor, q: float = 0.5) -> Tensor:
    """Return the pinball loss, held against scikit-learn's."""
    loss = torch.maximum(q * (y - raw), (q - 1) * (y - raw))
    pairs = zip(y.flatten().tolist(), raw.flatten().tolist(), loss.flatten().tolist(), strict=True)
    for one, score, each in pairs:
        np.testing.assert_allclose(each, mean_pinball_loss([one], [score], alpha=q), rtol=1e-13)
    return loss


def poisson(raw: Tensor, y: Tensor) -> Tensor:
    """Return half of scikit-learn's deviance: PyTorch's loss and what y alone adds to it."""
    own = functional.poisson_nll_loss(raw, y, log_input=True, full=False, reduction="none")
    loss = own + torch.xlogy(y, y) - y
    pairs = zip(y.flatten().tolist(), raw.flatten().tolist(), loss.flatten().tolist(), strict=True)
    for one, score, each in pairs:
        if np.exp(score) > 0:
            half = mean_poisson_deviance([one], [np.exp(score)]) / 2
            np.testing.assert_allclose(each, half, rtol=1e-11, atol=1e-11)
    return loss


def binary(raw: Tensor, y: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Return the cross-entropy of answers, held against PyTorch's."""
    t = (1 - label_smoothing) * y + label_smoothing / 2
    loss = t * softplus(-raw) + (1 - t) * softplus(raw)
    own = functional.binary_cross_entropy_with_logits(raw, t, reduction="none")
    torch.testing.assert_close(loss, own, rtol=1e-12, atol=1e-11)
    return loss


def focal(raw: Tensor, y: Tensor, gamma: float = 2.0) -> Tensor:
    """Return (1 - q)^gamma (-log q); with gamma 0 it is PyTorch's binary cross-entropy."""
    s = (2 * y - 1) * raw
    if gamma == 0:
        torch.testing.assert_close(softplus(-s), binary(raw, y))
    return torch.exp(-gamma * softplus(s)) * softplus(-s)


def multiclass(raw: Tensor, y: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Return the cross-entropy of labels (rows,), held against PyTorch's."""
    classes = raw.shape[1]
    t = (1 - label_smoothing) * functional.one_hot(y, classes).double() + label_smoothing / classes
    rest = [[j for j in range(classes) if j != k] for k in range(classes)]
    others = torch.stack([torch.logsumexp(raw[:, each], 1) for each in rest], 1)
    loss = (t * softplus(others - raw)).sum(1)
    own = functional.cross_entropy(raw, y, reduction="none", label_smoothing=label_smoothing)
    torch.testing.assert_close(loss, own, rtol=1e-12, atol=1e-11)
    return loss


ELEMENTWISE: list[tuple[str, dict[str, Any], Callable[..., Tensor], list[float], Any]] = [
    ("SquaredError", {}, squared, QUANTITIES, None),
    ("SquaredError", {"half": True}, squared, QUANTITIES, None),
    ("AbsoluteError", {}, absolute, QUANTITIES, None),
    ("Huber", {}, huber, QUANTITIES, None),
    ("Huber", {"delta": 0.5}, huber, QUANTITIES, None),
    ("Huber", {"delta": 20.0}, huber, QUANTITIES, None),
    ("Quantile", {}, quantile, QUANTITIES, None),
    ("Quantile", {"q": 0.1}, quantile, QUANTITIES, None),
    ("Quantile", {"q": 0.9}, quantile, QUANTITIES, None),
    ("Quantile", {"q": 0.99}, quantile, QUANTITIES, None),
    ("Poisson", {}, poisson, COUNTS, torch.exp),
    ("BinaryCrossEntropy", {}, binary, [*ANSWERS, 0.25], torch.sigmoid),
    ("BinaryCrossEntropy", {"label_smoothing": 0.1}, binary, ANSWERS, torch.sigmoid),
    ("BinaryCrossEntropy", {"label_smoothing": 0.5}, binary, ANSWERS, torch.sigmoid),
    ("Focal", {"gamma": 0.0}, focal, ANSWERS, torch.sigmoid),
    ("Focal", {"gamma": 0.5}, focal, ANSWERS, torch.sigmoid),
    ("Focal", {"gamma": 1.0}, focal, ANSWERS, torch.sigmoid),
    ("Focal", {}, focal, ANSWERS, torch.sigmoid),
    ("Focal", {"gamma": 5.0}, focal, ANSWERS, torch.sigmoid),
]
SMOOTHINGS: list[dict[str, Any]] = [{}, {"label_smoothing": 0.1}, {"label_smoothing": 0.5}]


def elementwise(
    name: str, arguments: dict[str, Any], f: Any, targets: list[float], link: Any
) -> tuple[str, dict[str, Any]]:
    """Return a loss, and its values and derivatives: a list of all raw scores for each target."""
    # beyond 88 exp is no float32
    scores = [raw for raw in RAW if name != "Poisson" or raw <= 88]
    raw = torch.tensor([scores] * len(targets), dtype=torch.float64)
    y = torch.tensor(targets, dtype=torch.float64)[:, None].expand(raw.shape)
    return said(name, arguments), {
        "raw": scores,
        "y": targets,
        "value": shortened(f(raw, y, **arguments).tolist()),
        "gradient": shortened(slope_of(lambda raw: f(raw, y, **arguments), raw).tolist()),
        "link": shortened((raw if link is None else link(raw))[0].tolist()),
        "weighted": weighted(f, targets, arguments),
    }


def labelled(arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the same of the cross-entropy of labels: a list of rows for each label."""
    raw, labels = torch.tensor(SCORES, dtype=torch.float64), range(3)
    ys = [torch.full((len(SCORES),), k) for k in labels]
    parts = [slope_of(lambda raw, y=y: multiclass(raw, y, **arguments), raw) for y in ys]
    return said("MulticlassCrossEntropy", arguments), {
        "raw": SCORES,
        "y": list(labels),
        "value": shortened([multiclass(raw, y, **arguments).tolist() for y in ys]),
        "gradient": shortened([part.tolist() for part in parts]),
        "link": shortened(torch.softmax(raw, 1).tolist()),
        "weighted": weighted(multiclass, None, arguments),
    }


def weighted(f: Any, targets: list[float] | None, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return a weighted mean over rows of the sum over three outputs, and its derivative."""
    rng = np.random.default_rng(4)
    start = (128 * rng.standard_normal((5, 3))).round() / 64
    w = rng.choice([0.0, 0.5, 1.0, 3.0], 5)
    w[0] = 2.0
    raw = torch.tensor(start, requires_grad=True)
    if targets is None:
        y = torch.tensor(rng.integers(0, 3, 5))
        rows = f(raw, y, **arguments)
    else:
        y = torch.tensor(rng.choice(targets, (5, 3)))
        rows = f(raw, y, **arguments).sum(1)
    loss = (rows * torch.tensor(w)).sum() / w.sum()
    loss.backward()
    assert raw.grad is not None
    return {
        "raw": start.tolist(),
        "y": y.tolist(),
        "w": w.tolist(),
        "value": shortened(loss.item()),
        "gradient": shortened(raw.grad.tolist()),
    }


# ---- layers --------------------------------------------------------------------------------------


def norm() -> dict[str, Any]:
    """Return what PyTorch's layer norm makes of rows, and its derivatives."""
    rng = np.random.default_rng(6)
    given = {n: rng.standard_normal(s).round(3) for n, s in (("x", (4, 5)), ("dy", (4, 5)))}
    given |= {n: rng.standard_normal((1, 5)).round(3) for n in ("gain", "shift")}
    given["x"] *= np.array([[1.0], [100.0], [0.01], [1.0]])
    given["x"][3] = 2.0
    x, gain, shift = (torch.tensor(given[n], requires_grad=True) for n in ("x", "gain", "shift"))
    y = functional.layer_norm(x, (5,), gain[0], shift[0], eps=1e-5)
    y.backward(torch.tensor(given["dy"]))
    return {
        **{name: numbers.tolist() for name, numbers in given.items()},
        "y": shortened(y.tolist()),
        **{
            name: shortened(leaf.grad.tolist())
            for name, leaf in (("dx", x), ("dgain", gain), ("dshift", shift))
            if leaf.grad is not None
        },
    }


# ---- schedules -----------------------------------------------------------------------------------


def schedule(make: Callable[[Any], Any], steps: int) -> list[float]:
    """Return the factors of so many steps, as a PyTorch scheduler gives them."""
    rule = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler, factors = make(rule), []
    for _ in range(steps):
        factors.append(rule.param_groups[0]["lr"])
        rule.step()
        scheduler.step()
    return shortened(factors)


def warm_up(then: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return PyTorch's four steps of warm-up, and a schedule after them."""
    of = torch.optim.lr_scheduler
    return lambda rule: of.SequentialLR(
        rule, [of.LinearLR(rule, 1 / 4, 1.0, total_iters=3), then(rule)], milestones=[4]
    )


def schedules() -> dict[str, Any]:
    """Return twenty factors of each schedule, of twenty steps in all."""
    of = torch.optim.lr_scheduler
    return {
        "Constant()": schedule(lambda rule: of.ConstantLR(rule, 1.0), 20),
        "Cosine()": schedule(lambda rule: of.CosineAnnealingLR(rule, 20), 20),
        "Cosine(end=0.1)": schedule(lambda rule: of.CosineAnnealingLR(rule, 20, 0.1), 20),
        "StepDecay(every=6, factor=0.3)": schedule(lambda rule: of.StepLR(rule, 6, 0.3), 20),
        "Exponential(every=1, factor=0.9)": schedule(lambda rule: of.ExponentialLR(rule, 0.9), 20),
        "Exponential(every=5, factor=0.5)": schedule(
            lambda rule: of.ExponentialLR(rule, 0.5**0.2), 20
        ),
        "Inverse(every=3, power=0.7)": schedule(
            lambda rule: of.LambdaLR(rule, lambda step: (1 + step / 3) ** -0.7), 20
        ),
        "WarmUp(4)": schedule(warm_up(lambda rule: of.ConstantLR(rule, 1.0)), 20),
        "WarmUp(4, Cosine())": schedule(warm_up(lambda rule: of.CosineAnnealingLR(rule, 16)), 20),
        "WarmUp(4, StepDecay(every=6, factor=0.3))": schedule(
            warm_up(lambda rule: of.StepLR(rule, 6, 0.3)), 20
        ),
    }


# ---- the file ------------------------------------------------------------------------------------


def main() -> None:
    """Write the file."""
    losses = [
        *(elementwise(*each) for each in ELEMENTWISE),
        *(labelled(arguments) for arguments in SMOOTHINGS),
    ]
    golden = {
        "made_with": f"PyTorch {torch.__version__.split('+')[0]}, "
        f"scikit-learn {sklearn.__version__}, float64",
        "z": Z,
        "activations": dict(activation(*each) for each in ACTIVATIONS),
        "losses": dict(losses),
        "norm": norm(),
        "schedules": schedules(),
    }
    inputs = [Z, RAW, SCORES, QUANTITIES, COUNTS]
    assert all((np.float32(numbers) == numbers).all() for numbers in inputs), "not a float32"
    write("parts.json", golden)


if __name__ == "__main__":
    main()
