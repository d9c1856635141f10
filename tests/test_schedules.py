"""Schedules against PyTorch's, at chosen steps, and in a training."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet.schedules import SCHEDULES, find_schedule
from helpers import label, made

GOLDEN = json.loads(Path(__file__).with_name("golden").joinpath("parts.json").read_text())
FACTORS = GOLDEN["schedules"]
WAVE = math.pi * math.log2(1.5)  # where the middle of a wave's way is, for it is slow to begin


@pytest.mark.parametrize("name", FACTORS)
def test_a_schedule_is_pytorchs(name: str) -> None:
    schedule, expected = made(name), FACTORS[name]
    assert len(expected) == 20
    got = [schedule(step, 20) for step in range(20)]
    assert all(type(factor) is float for factor in got)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-15)
    assert repr(made(repr(schedule))) == repr(schedule)


def four_waves(done: float) -> float:
    """Return four waves over [0, 1], [1, 3], [3, 7] and [7, 15] of 15, as sines squared."""
    at = 15 * done
    begin, end = next(each for each in ((0, 1), (1, 3), (3, 7), (7, 15)) if at <= each[1])
    return (
        math.sin(math.pi * math.log2((1 + at) / (1 + begin)) / math.log2((1 + end) / (1 + begin)))
        ** 2
    )


def flat_then_down(done: float) -> float:
    """Return 1, and from the middle on a cosine squared."""
    return 1.0 if done <= 0.5 else math.cos(math.pi * (done - 0.5)) ** 2


FORMULAS = {"CosLog4()": four_waves, "FlatCos()": flat_then_down}  # which PyTorch has not


@pytest.mark.parametrize("name", FORMULAS)
def test_a_schedule_is_its_formula_written_in_another_way(name: str) -> None:
    schedule = made(name)
    got = [schedule(step, 150) for step in range(160)]
    assert all(type(factor) is float for factor in got)
    expected = [FORMULAS[name](min(step / 150, 1)) for step in range(160)]
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)
    assert repr(schedule) == name


def test_every_schedule_is_compared() -> None:
    compared = {type(made(name)) for name in (*FACTORS, *FORMULAS)}
    assert compared == set(SCHEDULES.values())


@pytest.mark.parametrize(
    ("schedule", "total", "factors"),
    [
        (gn.Constant(), None, {0: 1, 1000: 1}),
        (gn.Cosine(), 100, {0: 1, 25: 0.5 + 0.5**1.5, 50: 0.5, 75: 0.5 - 0.5**1.5, 100: 0}),
        (gn.Cosine(0.2), 10, {0: 1, 5: 0.6, 10: 0.2, 15: 0.2}),
        (gn.StepDecay(10, 0.5), None, {0: 1, 9: 1, 10: 0.5, 19: 0.5, 20: 0.25, 35: 0.125}),
        (gn.Exponential(10, 0.25), None, {0: 1, 5: 0.5, 10: 0.25, 20: 0.0625}),
        (gn.Inverse(4, 0.5), None, {0: 1, 12: 0.5, 32: 1 / 3}),
        (gn.Inverse(1, 1.0), None, {0: 1, 1: 0.5, 9: 0.1}),
        (gn.CosLog4(), 15, {0: 0, 1: 0, 3: 0, 7: 0, 15: 0, 20: 0}),
        (gn.CosLog4(), 1500, dict.fromkeys((50, 200, 500, 1100), math.sin(WAVE) ** 2)),
        (gn.FlatCos(), 8, {0: 1, 4: 1, 5: 0.5 + 0.5**1.5, 6: 0.5, 7: 0.5 - 0.5**1.5, 8: 0, 9: 0}),
        (gn.WarmUp(2, "flat_cos"), 10, {0: 0.5, 2: 1, 6: 1, 8: 0.5, 10: 0}),
        (gn.WarmUp(4), None, {0: 0.25, 1: 0.5, 2: 0.75, 3: 1, 4: 1, 1000: 1}),
        (gn.WarmUp(4, "cosine"), 14, {0: 0.25, 3: 1, 4: 1, 9: 0.5, 14: 0}),
        (gn.WarmUp(1), None, {0: 1, 1: 1}),
        # a warm-up that is longer than the training is all of it
        (gn.WarmUp(10, "cosine"), 5, {0: 0.1, 4: 0.5}),
        (gn.WarmUp(2, gn.WarmUp(2, gn.StepDecay(1, 0.5))), None, {0: 0.5, 1: 1, 2: 0.5, 5: 0.5}),
        (gn.WarmUp(3, lambda step, total: total - step), 10, {2: 1, 3: 7, 9: 1}),
    ],
    ids=label,
)
def test_a_schedule_at_chosen_steps(schedule: Any, total: Any, factors: dict[int, float]) -> None:
    assert {step: schedule(step, total) for step in factors} == pytest.approx(factors, abs=1e-15)


@pytest.mark.parametrize(
    ("wrong", "error", "why"),
    [
        (lambda: gn.Cosine()(0, None), ValueError, "Cosine expects to know the number of steps"),
        (lambda: gn.WarmUp(2, "cosine")(3, None), ValueError, "Cosine expects"),
        (lambda: gn.CosLog4()(0, None), ValueError, "CosLog4 expects to know"),
        (lambda: gn.FlatCos()(0, None), ValueError, "FlatCos expects to know"),
        (lambda: gn.Cosine(-1), ValueError, "end: expected"),
        (lambda: gn.WarmUp(0), ValueError, "steps: expected at least 1"),
        (lambda: gn.WarmUp(2, "cosin"), ValueError, "then: expected one of 'constant'"),
        (lambda: gn.StepDecay(0), ValueError, "every: expected at least 1"),
        (lambda: gn.StepDecay(5, -0.5), ValueError, "factor: expected"),
        (lambda: gn.Exponential(1.5), TypeError, "every: expected a whole number"),
        (lambda: gn.Inverse(1, "x"), TypeError, "power: expected a number"),
        (lambda: find_schedule("schedule", gn.Cosine), TypeError, "schedule: expected one of"),
    ],
)
def test_a_wrong_argument_is_named_in_one_sentence(wrong: Any, error: Any, why: str) -> None:
    with pytest.raises(error, match=why):
        wrong()


@pytest.mark.parametrize("engine", ["numpy", "eager"])
def test_a_training_takes_the_factor_of_every_step_in_turn(engine: str) -> None:
    """On a slope that is always 1 the weight goes down by the sum of rates."""
    asked: list[tuple[int, int | None]] = []

    def own(step: int, total: int | None) -> float:
        asked.append((step, total))
        return 1 / (step + 1)

    slope = gn.CustomLoss(lambda raw, y: raw * 1.0, lambda raw, y: 0 * raw + 1)
    net = gn.Network([gn.Dense(1)], 1, loss=slope, dtype="float64", seed=0)
    net.weights = {"W1": [[0.0]], "b1": [[0.0]]}
    how = {"epochs": 3, "batch_size": 2, "optimizer": gn.SGD(0.5), "engine": engine}
    net.fit(np.zeros((5, 1)), np.zeros(5), schedule=own, **how)
    assert asked == [(step, 9) for step in range(9)]
    rates = sum(0.5 / (step + 1) for step in range(9))
    assert net.weights["b1"].item() == pytest.approx(-rates, rel=1e-12)


def test_names_are_schedules_and_a_function_is_one() -> None:
    for name, kind in SCHEDULES.items():
        assert type(find_schedule("schedule", name)) is kind
    assert find_schedule("schedule", max) is max
