"""How golden values become a file that can be read, and that changes only where they do."""

import json
from pathlib import Path
from typing import Any

import numpy as np


def write(name: str, golden: dict[str, Any]) -> None:
    """Write golden values beside the script that made them."""
    text = _json(golden, "") + "\n"
    Path(__file__).with_name(name).write_text(text, encoding="utf-8")


def shortened(numbers: Any, digits: int = 13) -> Any:
    """Return numbers, or lists of them, with as many digits as a test looks at."""
    if isinstance(numbers, list):
        return [shortened(each, digits) for each in numbers]
    assert np.isfinite(numbers)
    return float(f"{numbers:.{digits}g}")


def _json(value: Any, indent: str) -> str:
    """Return JSON with dicts over several lines and lists on one."""
    if not isinstance(value, dict):
        return json.dumps(value)
    inner = indent + "  "
    lines = [f"{inner}{json.dumps(key)}: {_json(part, inner)}" for key, part in value.items()]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
