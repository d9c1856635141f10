"""What the referee says: its findings, and a text for a terminal."""

import textwrap
from dataclasses import dataclass, field

WIDTH = 88


@dataclass(frozen=True)
class Finding:
    """One mistake.

    Attributes
    ----------
    kind : str
        A short word for the mistake that stays the same from version to version.
    where : str
        The layer or the arrays, by the user's own names.
    sentence : str
        What is wrong.
    measured : str
        How that was seen.
    algebra : str
        The line of mathematics that the code should follow.
    fix : str
        The line of code that puts it right.
    readings : tuple of str
        Other names for the same mistake: they cannot be told apart by what they do.
    fragile : bool
        Whether results are right all the same, as long as no number is very large.
    """

    kind: str
    where: str
    sentence: str
    measured: str = ""
    algebra: str = ""
    fix: str = ""
    readings: tuple[str, ...] = ()
    fragile: bool = False

    def __str__(self) -> str:
        lines = _wrapped(self.sentence, "   ")
        for title, text in (("measured", self.measured), ("same as", "; ".join(self.readings))):
            if text:
                lines += _wrapped(text, f"   {title:<10}")
        for title, text in (("algebra", self.algebra), ("fix", self.fix)):
            lines += [
                f"   {title if place == 0 else '':<10}{line}"
                for place, line in enumerate(text.splitlines())
            ]
        return "\n".join(lines)


@dataclass(repr=False)
class Report:
    """What `referee` returns: ``print(report)`` says it in words.

    Attributes
    ----------
    name : str
        The class that was checked.
    right : bool or None
        Whether the gradient is right, and nothing breaks; None if that could not be found out.
    findings : list of Finding
        The mistakes, the gravest first. Those that are only `fragile` leave `right` True.
    notes : list of str
        What is no mistake, but worth knowing: conventions, penalties.
    checked : list of str
        What was done.
    network : str
        The network as it looks from outside.
    trouble : str
        What the referee could not do, and how to help it; empty if all was done.
    """

    name: str
    right: bool | None = None
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    network: str = ""
    trouble: str = ""

    def __repr__(self) -> str:
        return str(self)

    @property
    def kinds(self) -> list[str]:
        """The kinds of all findings, in their order."""
        return [finding.kind for finding in self.findings]

    def __str__(self) -> str:
        lines = _wrapped(f"{self.name}{': ' if self.network else ''}{self.network}", "")
        for text in self.checked:
            lines += _wrapped(text, "  ")
        lines += ["", *_wrapped(self.verdict, "")]
        for number, finding in enumerate(self.findings, 1):
            title = f"{number}. {finding.kind.replace('_', ' ')}: {finding.where}"
            lines += ["", *_wrapped(title, ""), str(finding)]
        if self.notes:
            lines += ["", "No mistake, but worth knowing:"]
            for note in self.notes:
                lines += _wrapped(note, "  - ")
        return "\n".join(lines)

    @property
    def verdict(self) -> str:
        """The result in a sentence."""
        if self.trouble:
            return f"Not checked. {self.trouble[:1].upper()}{self.trouble[1:]}."
        count = sum(not finding.fragile for finding in self.findings)
        if self.right:
            if not self.findings:
                return "Right: the gradient that it uses is the gradient of its loss."
            return (
                "Right: the gradient that it uses is the gradient of its loss. But numbers that "
                "are large break something:"
            )
        if self.right is None:
            return "Not decided."
        rest = len(self.findings) - count
        things = f", and {rest} thing{'s' * (rest != 1)} that large numbers break" if rest else ""
        return f"Wrong: {count} mistake{'s' * (count != 1)}{things}."


def _wrapped(text: str, first: str) -> list[str]:
    rest = " " * len(first)
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False
    )
