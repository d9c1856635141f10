"""The referee itself: from an object and some rows to a report."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from glassnet.insight.referee.acquaintance import Help, fed, settle_learned, trials
from glassnet.insight.referee.feeding import methods, plain
from glassnet.insight.referee.limits import steps_of_optimizer
from glassnet.insight.referee.losses import resolve
from glassnet.insight.referee.naming import Words, findings
from glassnet.insight.referee.online import one_by_one
from glassnet.insight.referee.probes import Sample, difference, usable
from glassnet.insight.referee.quiet import UnableError, quietly, told
from glassnet.insight.referee.remarks import (
    of_extremes,
    of_form,
    of_forward,
    of_grown,
    of_whole_numbers,
    repeats,
    stays_whole,
    tell,
)
from glassnet.insight.referee.report import Finding, Report
from glassnet.insight.referee.sampling import any_wrong, single_samples, take_samples
from glassnet.insight.referee.stated import WORDS, Stated
from glassnet.insight.referee.subject import Subject
from glassnet.insight.referee.task import rows_of
from glassnet.insight.referee.trainer import of_trainer
from glassnet.insight.referee.trial import RANDOM, Bench, Chosen, draws, find_step
from glassnet.insight.referee.verdict import decide, find_chain
from glassnet.vocabulary import Array

ARGUMENTS = ("X:", "y:", "loss:", "parameters:")  # what messages begin with that are for the caller


def referee(
    nn: Any,
    X: Any,
    y: Any,
    loss: str | Callable[..., float] | None = None,
    *,
    forward: str | Callable[..., Any] | None = None,
    backward: str | Callable[..., Any] | None = None,
    parameters: list[str] | Callable[[Any], list[Any]] | None = None,
    learning_rate: str | None = None,
    seed: int = 0,
) -> Report:
    """Check a neural network that somebody wrote from scratch, and name its mistakes.

    It needs none of the network's internals. The arrays that ``forward`` depends on are the
    weights; the gradient that was really used is (before - after) / learning_rate; what it should
    be are central differences of the loss of what ``forward`` returns. Where they differ, the
    network is reconstructed from outside, and the mistake is the simplest one whose formula gives
    the gradient that was used.

    The class's own code is run, on copies: the object stays as it is. What it prints is kept in.

    Parameters
    ----------
    nn : object
        Arrays of floats as attributes, or in lists or dicts or objects; a method that returns
        outputs (``forward``, ``predict``, ``feedforward`` ...), and one that takes a step
        (``backward(X, y, learning_rate)``, ``train`` or ``fit``, ...) or returns gradients.
    X, y : array
        As the class takes them: samples as rows or as columns, classes as numbers or one-hot.
    loss : str or callable, optional
        "binary_cross_entropy", "cross_entropy", "squared_error", "absolute_error", each the mean
        over rows of the sum over outputs; or a function of (prediction, y). Left out, it is the
        loss that the class itself computes, else what suits outputs and targets.
    forward : str or callable, optional
        The method's name, or ``forward(nn, X)``, which returns the outputs.
    backward : str or callable, optional
        The method's name, or ``backward(nn, X, y, rate)``, which takes one step, or returns the
        gradients by name.
    parameters : list of str or callable, optional
        Names of the learned arrays, as "W1", "layers[0].weights", "params['b1']" or "params", for
        all in it; or ``parameters(nn)``, which returns the arrays.
    learning_rate : str, optional
        What the argument or attribute is called that holds the learning rate.
    seed : int
        Of the rows and weights that are tried.

    Returns
    -------
    Report
        ``report.right``, ``report.findings``; ``print(report)`` says it in words.

    Examples
    --------
    >>> class Neuron:
    ...     def __init__(self):
    ...         self.w, self.b = np.array([[0.5], [-0.3]]), np.zeros((1, 1))
    ...     def forward(self, X):
    ...         self.p = 1 / (1 + np.exp(-(X @ self.w + self.b)))
    ...         return self.p
    ...     def backward(self, X, y, rate):
    ...         delta = (self.p - y) * self.p * (1 - self.p) / len(X)
    ...         self.w -= rate * X.T @ delta
    ...         self.b -= rate * delta.sum(axis=0)
    >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [1]])
    >>> report = referee(Neuron(), X, y, loss="binary_cross_entropy")
    >>> report.right, report.kinds
    (False, ['extra_slope', 'overflow'])
    >>> print(report.findings[0].algebra)
    dL/dp = (p - y) / (p (1 - p)) and dp/dz = p (1 - p), so dL/dz = p - y
    """
    help_ = Help(loss, forward, backward, parameters, learning_rate, seed=seed)
    return judged(nn, X, y, help_)


def judged(nn: Any, X: Any, y: Any, help_: Help) -> Report:
    """Return the report on an object."""
    _checked(nn, help_)
    readings = rows_of(X, y)
    report = Report(type(nn).__name__)
    with quietly():
        try:
            _judge(nn, readings, y, help_, report)
        except UnableError as trouble:
            report.trouble, report.right = str(trouble), None
        except Exception as error:
            if isinstance(error, ValueError | TypeError) and str(error).startswith(ARGUMENTS):
                raise
            report.trouble, report.right = _lost(nn, error), None
    return report


def _checked(nn: Any, help_: Help) -> None:
    """Complain of arguments that cannot be meant."""
    if isinstance(nn, type):
        raise TypeError(f"nn: expected an object, got the class {nn.__name__}; make one of it")
    for name in ("forward", "backward"):
        given = getattr(help_, name)
        if given is None or callable(given):
            continue
        if not isinstance(given, str):
            raise TypeError(
                f"{name}: expected a method's name or a function, got {type(given).__name__}"
            )
        if plain(given) not in methods(nn):
            raise ValueError(
                f"{name}: expected the name of a method of {type(nn).__name__}, got {given!r}"
            )


def _lost(nn: Any, error: Exception) -> str:
    """Return a sentence for what the referee did not think of."""
    return (
        f"nn: the referee could not make sense of what {type(nn).__name__} returned "
        f"({told(error)}); pass forward=, a function of (network, X) that returns an array (rows, "
        "outputs), and backward=, a function of (network, X, y, rate) that takes one step"
    )


def _judge(nn: Any, readings: list[tuple[Array, str]], y: Any, help_: Help, report: Report) -> None:
    rng = np.random.default_rng(help_.seed)
    subject = Subject(nn)
    subject, feed, task = fed(subject, readings, y, help_, rng)
    settle_learned(subject, feed, task, help_, rng)
    loss, own = resolve(help_.loss, subject, feed, task, trials(subject, feed, task, rng))
    bench = Bench(subject, feed, task, loss, rng)
    chosen = find_step(bench, help_.backward, help_.learning_rate, help_.free)
    samples = _taken(bench, chosen, report)
    if "random numbers" in chosen.trouble:
        raise UnableError(f"{chosen.trouble}; leave that out for the check")
    if any_wrong(samples) and draws(bench, chosen.step, samples[0]):
        raise UnableError(f"{chosen.step}: {RANDOM}; leave that out for the check")
    verdict = decide(bench, samples, bends=not chosen.step.rate)
    chain = verdict.chain or find_chain(bench, samples, quick=True)
    words = Words(chain, bench.loss, task.Y.shape[1], feed.axis == 1, list(subject.learned),
                  samples, bool(chosen.step.rate) or chosen.step.how != "updates")  # fmt: skip
    tell(report, bench, chosen, samples, words)
    found, notes = findings(verdict, words)
    if any(stays_whole(bench, chosen, name) for name in subject.whole_numbers):
        found = [one for one in found if one.kind != "unnamed"]  # what is cut off has no formula
    vague = {"unnamed", "wrong_factor"} & {one.kind for one in found}
    if vague and not repeats(bench, chosen, samples[0]):
        raise UnableError(
            f"{chosen.step}: a second step from the same weights used another gradient, so it "
            "draws random numbers or remembers the step before; leave that out for the check"
        )
    more = of_trainer(bench, chosen.step, samples[0], words, [one.kind for one in found])
    found, notes = found + more[0], notes + more[1]
    report.findings = found + _besides(bench, chosen, own, words, notes)
    if words.columns and report.findings:
        notes.append("In the lines of algebra samples are rows; in the class they are columns, so "
                     "there every product is turned round.")  # fmt: skip
    report.notes += notes
    report.right = not [one for one in report.findings if not one.fragile]


def _taken(bench: Bench, chosen: Chosen, report: Report) -> list[Sample]:
    """Return the samples, and settle how the class is to be judged: by rows, by which loss."""
    samples, single = take_samples(bench, chosen)
    together = not single and chosen.step.how == "updates" and not bench.subject.whole_numbers
    if together and any_wrong(samples) and one_by_one(bench, chosen.step):
        samples = single_samples(bench, chosen)
        report.notes.append("It takes a step for each row, one after the other (stochastic "
                            "gradient descent), so it was checked row by row.")  # fmt: skip
    if chosen.single and chosen.trouble and not chosen.grown:
        report.notes.append(f"It was checked with one row at a time, as several rows at once did "
                            f"not work ({chosen.trouble}).")  # fmt: skip
    note = steps_of_optimizer(samples)
    report.notes += [note] if note else []
    bench.loss, samples = _better_guess(bench, samples, report)
    return samples


def _besides(
    bench: Bench, chosen: Chosen, own: Any, words: Words, notes: list[str]
) -> list[Finding]:
    """Return findings that are not of the gradient."""
    whole = [name for name in bench.subject.whole_numbers if stays_whole(bench, chosen, name)]
    single = all(sample.rows == 1 for sample in words.samples)
    return [
        *of_forward(bench, words, notes),
        *of_form(bench, chosen),
        *of_grown(chosen, words),
        *(of_whole_numbers(name) for name in whole),
        *of_extremes(bench, chosen, own, words, single),
    ]


def _better_guess(
    bench: Bench, samples: list[Sample], report: Report
) -> tuple[Stated, list[Sample]]:
    """Return another loss than the one that was guessed, if the gradient is exactly that one's."""
    if not bench.loss.source.startswith("guessed") or not any_wrong(samples):
        return bench.loss, samples
    for kind in ("squared_error", "cross_entropy", "binary_cross_entropy"):
        loss = Stated(kind, source="guessed from its gradient")
        others = [replace(sample, truth={}, slack={}) for sample in samples]
        if kind == bench.loss.kind or not all(
            usable(loss, bench.feed.outputs(bench.subject.fresh(one.before), one.X))
            for one in others
        ):
            continue
        for one in others:
            difference(bench.subject, bench.feed, loss, one, bench.rng)
        verdict = decide(Bench(bench.subject, bench.feed, bench.task, loss, bench.rng), others,
                         deep=False)  # fmt: skip
        words = Words(None, loss, bench.task.Y.shape[1], False, [])
        if not verdict.arrays and not findings(verdict, words)[0]:
            report.notes.append(
                f"Its gradient is that of the {WORDS[kind]}; if the loss is meant to be the "
                f"{WORDS[bench.loss.kind]}, say so with loss={bench.loss.kind!r}."
            )
            return loss, others
    return bench.loss, samples
