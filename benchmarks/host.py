"""What a benchmark says of the machine that it runs on, and what it clears before it runs."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """Return the processor, how many cores there are, and the system."""
    name, cpuinfo = platform.processor() or platform.machine(), Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                name = line.split(":")[1].strip()
                break
    return f"{name}, {os.cpu_count()} cores, {platform.system()}"


def load() -> float:
    """Return how many processes wanted a core in the last minute; 0 where unknown."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


# what makes OpenBLAS use an older machine's kernels, and Python compile a module at every import
SLOWING = ("OPENBLAS_CORETYPE", "PYTHONDONTWRITEBYTECODE")


def environment() -> dict[str, str]:
    """Return the environment without what makes a process slower than its user's would be."""
    return {name: value for name, value in os.environ.items() if name not in SLOWING}
