"""What the doctor says: findings, each with its measurement, and the diagnosis that holds them."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from glassnet.insight.doctor.rates import RateTest

WIDTH = 100  # of a diagnosis in print


@dataclass(frozen=True)
class Finding:
    """One reason why a network does not learn.

    Attributes
    ----------
    name : str
        What it is called, the same in every release: ``dead_units``.
    measured, threshold : str
        What was measured, and from where on it is a finding.
    why : str
        One sentence: what it does to the training.
    cure : str
        One line of code that helps.

    Examples
    --------
    >>> print(Finding("no_rows", "0 rows", "1 row", "Nothing can be learned.", "X = load()"))
    no_rows: 0 rows (threshold: 1 row)
      why: Nothing can be learned.
      try: X = load()
    """

    name: str
    measured: str
    threshold: str
    why: str
    cure: str

    def __str__(self) -> str:
        head = f"{self.name}: {self.measured} (threshold: {self.threshold})"
        lines = [
            *textwrap.wrap(head, WIDTH, subsequent_indent="  "),
            *textwrap.wrap(
                f"why: {self.why}", WIDTH, initial_indent="  ", subsequent_indent=" " * 7
            ),
            f"  try: {self.cure}",
        ]
        return "\n".join(lines)


class Diagnosis(Sequence[Finding]):
    """What the doctor found, the causes before what follows from them; made by `Network.diagnose`.

    Attributes
    ----------
    looked : str
        What was looked at.
    rates : RateTest or None
        The learning-rate range test, if it was asked for.

    Examples
    --------
    >>> Diagnosis([], "4 rows, before training")
    nothing found (4 rows, before training)
    """

    def __init__(
        self, findings: Sequence[Finding], looked: str, rates: "RateTest | None" = None
    ) -> None:
        self._findings, self.looked, self.rates = list(findings), looked, rates

    @property
    def names(self) -> list[str]:
        """What was found, by name."""
        return [finding.name for finding in self._findings]

    def __len__(self) -> int:
        return len(self._findings)

    @overload
    def __getitem__(self, place: int) -> Finding: ...

    @overload
    def __getitem__(self, place: slice) -> list[Finding]: ...

    def __getitem__(self, place: int | slice) -> Finding | list[Finding]:
        return self._findings[place]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._findings)

    def __str__(self) -> str:
        count = len(self._findings)
        title = f"{count} finding{'s' if count > 1 else ''}" if count else "nothing found"
        parts = [f"{title} ({self.looked})", *map(str, self._findings)]
        return "\n".join([*parts, *(["", str(self.rates)] if self.rates else [])])

    __repr__ = __str__
