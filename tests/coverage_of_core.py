"""How many of the core's lines its own tests run: python tests/coverage_of_core.py [FILE ...].

Without files, what came out is kept in docs/fuzzing.md.
"""

import sys
from pathlib import Path

import coverage
import pytest

# these are the core's own; what else runs its lines, as estimators and files do, does not count
OWN = (
    *("bad_input", "refusals", "training", "parts", "optimizers", "initializers", "schedules"),
    *("metrics", "steps", "gradients", "extending", "planner", "beginning", "float32"),
)
LEAST = 98.0


def main(names: list[str]) -> int:
    """Run the core's own tests, and fail where they fail or leave out too many lines."""
    tests = Path(__file__).parent
    watch = coverage.Coverage(source=["glassnet"], data_file=None)
    watch.start()
    files = names or [str(tests / f"test_{name}.py") for name in OWN]
    failed = pytest.main(["-q", "-p", "no:cacheprovider", *files])
    watch.stop()
    sys.path.insert(0, str(tests))
    from test_house import CORE, SOURCE

    rooms = [str(SOURCE / f"{name}.py") for name in sorted(CORE)]
    share = watch.report(include=rooms, show_missing=True, precision=1)
    if failed or share < LEAST:
        return 1
    if not names:
        from fuzz.report import section

        section("coverage", f"{share:.1f} % of the lines of {len(rooms)} files are run.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
