"""The loops of a script: over epochs and batches, or inside L-BFGS."""

from typing import Any

import numpy as np

from glassnet.optimizers import LBFGS
from glassnet.parts import Optimizer
from glassnet.run import Run

RULE = "# ---- the training " + "-" * 56


class Symbol:
    """A number that stands for itself: arithmetic on it writes the arithmetic down."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _binary(self, operator: str, other: Any, swapped: bool = False) -> "Symbol":
        sides = [self.text, other.text if isinstance(other, Symbol) else repr(other)]
        left, right = (
            f"({side})" if " " in side else side for side in sides[:: -1 if swapped else 1]
        )
        return Symbol(f"{left} {operator} {right}")

    def __add__(self, other: Any) -> "Symbol":
        return self._binary("+", other)

    def __radd__(self, other: Any) -> "Symbol":
        return self._binary("+", other, swapped=True)

    def __sub__(self, other: Any) -> "Symbol":
        return self._binary("-", other)

    def __rsub__(self, other: Any) -> "Symbol":
        return self._binary("-", other, swapped=True)

    def __mul__(self, other: Any) -> "Symbol":
        return self._binary("*", other)

    def __rmul__(self, other: Any) -> "Symbol":
        return self._binary("*", other, swapped=True)

    def __truediv__(self, other: Any) -> "Symbol":
        return self._binary("/", other)

    def __rtruediv__(self, other: Any) -> "Symbol":
        return self._binary("/", other, swapped=True)

    def __pow__(self, other: Any) -> "Symbol":
        return self._binary("**", other)

    def __rpow__(self, other: Any) -> "Symbol":
        return self._binary("**", other, swapped=True)


def training_loop(run: Run, epochs: int, every: int, two: bool) -> str:
    """Return the loop over epochs and batches, which prints what `fit` would report."""
    before = _each_step(run, epochs)
    step, lines = "train_step", [RULE]
    if run.buffer is not None:
        lines.append(
            f"np.setbufsize({run.buffer})  # NumPy adds up in pieces: these are glassnet's"
        )
    if before:
        lines.append("steps_done = 0")
    if two:
        sizes = sorted(run.with_loss, reverse=True)
        lines.append("train_step = {" + ", ".join(f"{n}: train_step_{n}" for n in sizes) + "}")
        step = "train_step[len(rows)]"
    rows = {"x": "X", "y": "y"} | ({"w": "w"} if run.weighted else {})
    if run.whole:
        lines.append(f"for epoch in range(1, {epochs + 1}):")
        lines += [f"    {each}" for each in before]
        lines.append(f"    loss = float({step}({', '.join(rows.values())}))")
        return "\n".join([*lines, *_report(epochs, every, "loss"), *_after(run)])
    order = "rng.permutation(len(X))" if run.plan.shuffle else "np.arange(len(X))"
    lines += [
        f"for epoch in range(1, {epochs + 1}):",
        f"    order = {order}",
        "    total, shares = 0.0, 0.0",
        f"    for start in range(0, {_end(run)}, {run.batch}):",
        f"        rows = order[start : start + {run.batch}]",
        *(f"        {each}" for each in before),
        f"        loss = {step}({', '.join(f'{name}[rows]' for name in rows.values())})",
        f"        share = {'w[rows].sum((-2, -1))' if run.weighted else 'len(rows)'}",
        "        total = total + np.multiply(loss, share, dtype=np.float64)",
        "        shares = shares + share",
    ]
    return "\n".join([*lines, *_report(epochs, every, "float(total / shares)"), *_after(run)])


def lbfgs_loop(rule: LBFGS, weighted: bool, epochs: int, every: int) -> str:
    """Return the lines that hand loss and gradient to SciPy, and print every iteration."""
    rows = "X, y, w" if weighted else "X, y"
    return f'''{RULE}
from scipy.optimize import minimize


def loss_and_gradient(at):
    """Return both as functions of all weights, in float64."""
    theta[...] = at
    return float(train_step({rows})), gradient.astype(float)


iterations = []


def report(intermediate_result):
    """Print the loss of an iteration."""
    iterations.append(intermediate_result.fun)
    if len(iterations) % {every} == 0 or len(iterations) >= {epochs}:
        print(f"epoch {{len(iterations)}}: loss {{float(intermediate_result.fun)!r}}")


result = minimize(
    loss_and_gradient,
    theta.astype(float),
    jac=True,
    method="L-BFGS-B",
    callback=report,
    options={{
        "maxiter": {epochs},
        "maxfun": {rule.evaluations},
        "gtol": {rule.tolerance!r},
        "ftol": 64 * np.finfo(float).eps,
    }},
)
theta[...] = result.x'''


def _end(run: Run) -> str:
    """Return where the last batch of an epoch ends at most."""
    return "len(X)" if run.steps * run.batch >= run.rows else str(run.full * run.batch)


def _after(run: Run) -> list[str]:
    """Return the line that leaves NumPy as it was."""
    return [] if run.buffer is None else [f"np.setbufsize({np.getbufsize()})"]


def _report(epochs: int, every: int, loss: str) -> list[str]:
    shown = f'print(f"epoch {{epoch}}: loss {{{loss}!r}}")'
    if every == 1:
        return [f"    {shown}"]
    return [f"    if epoch % {every} == 0 or epoch == {epochs}:", f"        {shown}"]


def _each_step(run: Run, epochs: int) -> list[str]:
    """Return the lines that set what changes with the step."""
    lines, total = [], epochs * run.steps
    every_step = [run.changing(step, total) for step in range(total)]
    for name in every_step[0]:
        lines.append(f"{name}[...] = {[each[name] for each in every_step]!r}[steps_done]")
    corrections = _corrections(run.rule, total)
    if lines or corrections:
        lines.append("steps_done += 1")
    return lines + [f"{name}[...] = {text}" for name, text in corrections.items()]


def _corrections(rule: Optimizer, total: int) -> dict[str, str]:
    """Return the optimizer's numbers of a step as arithmetic on `steps_done`, or in a list."""
    try:
        symbols: Any = rule.corrections(Symbol("steps_done"))  # type: ignore[arg-type]
        return {
            name: each.text if isinstance(each, Symbol) else repr(each)
            for name, each in symbols.items()
        }
    except TypeError:
        steps = [rule.corrections(step) for step in range(1, total + 1)]
        return {name: f"{[step[name] for step in steps]!r}[steps_done - 1]" for name in steps[0]}
