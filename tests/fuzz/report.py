"""What the fuzzers found last, kept in docs/fuzzing.md: each has a section between two marks."""

import os
import platform
from datetime import date
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "fuzzing.md"


def section(name: str, text: str) -> None:
    """Write a text, and on which day and machine it came about, between a section's marks."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{PAGE.name}: expected the marks {begin} and {end}")
    machine = f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores"
    told = f"{date.today().isoformat()}, {machine}, Python {platform.python_version()}"
    PAGE.write_text(f"{before}{begin}\n{told}:\n\n{text}\n{end}{after}", encoding="utf-8")


def grid(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """Return a table as Markdown has it."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
