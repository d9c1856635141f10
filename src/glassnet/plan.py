"""How a network is trained: which optimizer, on how many rows at a time, with what beside."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from glassnet import checks
from glassnet.base import Base
from glassnet.optimizers import OPTIMIZERS
from glassnet.parts import Optimizer
from glassnet.schedules import Constant, Scheduled, find_schedule
from glassnet.step import Variant, scheduled
from glassnet.vocabulary import Array

ENGINES = ("auto", "numpy", "numba", "eager")


@dataclass(frozen=True)
class Plan:
    """How a network is trained; `Network.train` tells what each option does."""

    optimizer: Any = "adam"
    batch_size: int | None = 32
    drop_last: bool = False
    shuffle: bool = True
    schedule: Any = "constant"
    l2: float = 0.0
    weight_decay: float | None = None
    decay_schedule: Any = "constant"
    clip_norm: float | None = None
    engine: str = "auto"
    rates: Any = None

    def __post_init__(self) -> None:
        rule = checks.find("optimizer", self.optimizer, OPTIMIZERS, Optimizer)
        object.__setattr__(self, "optimizer", rule)
        for name in ("schedule", "decay_schedule"):
            object.__setattr__(self, name, find_schedule(name, getattr(self, name)))
        checks.whole("batch_size", 1 if self.batch_size is None else self.batch_size)
        checks.flag("drop_last", self.drop_last)
        checks.flag("shuffle", self.shuffle)
        checks.number("l2", self.l2, 0)
        if self.weight_decay is None:
            object.__setattr__(self, "weight_decay", rule.weight_decay)
        checks.number("weight_decay", self.weight_decay, 0)
        if self.clip_norm is not None and checks.number("clip_norm", self.clip_norm, 0) == 0:
            raise ValueError("clip_norm: expected a number above 0, got 0")
        checks.one_of("engine", self.engine, ENGINES)

    def variant(self, rows: int, mode: str, weighted: bool, own: bool) -> Variant:
        """Return the step that this plan takes on so many rows."""
        variant = Variant(rows, mode, weighted=weighted, own=own, l2=self.l2 > 0)
        if mode != "train":
            return variant
        decay = bool(self.weight_decay)
        return replace(
            variant,
            rule=self.optimizer,
            decay=decay,
            fading=decay and not isinstance(self.decay_schedule, Constant),
            clip=self.clip_norm is not None,
            rates=self.rates is not None,
        )

    def scheduled(self, network: Base) -> dict[str, Scheduled]:
        """Return what changes from step to step, by its name in the program; the rate as 1."""
        own = {
            "rate": Scheduled(1, self.schedule),
            "fade": Scheduled(1, self.decay_schedule, "decay_schedule"),
        }
        return scheduled(network.layers) | {
            name: each for name, each in own.items() if not isinstance(each.schedule, Constant)
        }

    def vectors(self, network: Base) -> dict[str, Array]:
        """Return what a step wants of this plan for each parameter, and of the longest gradient.

        No more than it wants: each is as long as theta.
        """
        factors, dtype = network.layout.factors, network.dtype
        wanted = network.step(self.variant(1, "train", False, False)).inputs(network.inputs, dtype)

        def held(name: str) -> Array:
            return checks.fitting(name, np.array(getattr(self, name) or 0), dtype).astype(dtype)

        # rates of members are to the optimizer's own as factors
        made: dict[str, Callable[[], Array]] = {
            "factor": lambda: (
                factors("rate", dtype)
                * np.asarray(
                    1
                    if self.rates is None
                    else np.reshape(self.rates, (-1, 1)) / self.optimizer.rate,
                    dtype,
                )
            ),
            "l2": lambda: held("l2") * factors("decay", dtype, network.frozen),
            "decay": lambda: held("weight_decay") * factors("decay", dtype, network.frozen),
            "longest": lambda: held("clip_norm"),
        }
        return {name: make() for name, make in made.items() if name in wanted}


def planned(how: dict[str, Any], others: tuple[str, ...] = ()) -> Plan:
    """Return the plan that options make, or say which options there are."""
    known = [each.name for each in fields(Plan)]
    unknown = [name for name in how if name not in known]
    if unknown:
        raise TypeError(
            f"options: expected some of {', '.join((*others, *known))}, got {unknown[0]!r}"
        )
    return Plan(**how)
