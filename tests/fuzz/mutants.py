"""Mutants of the core: COUNT changes of its code, drawn at random, each tried on its own tests.

    python tests/fuzz/mutants.py 200 --report   # the table goes into docs/fuzzing.md, too

cosmic-ray (pip install cosmic-ray) knows what can be changed: operators, comparisons, numbers,
conditions, loops. A mutant is killed by the first test that fails, or that takes too long. Those
that live are printed, to be looked at: some say the same in other words.
"""

import argparse
import difflib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from fuzz.report import grid, section  # noqa: E402

MUTATED = ("program", "layers", "losses", "optimizers")
# the quick ones first, for the first that fails ends it
OWN = ("steps", "parts", "optimizers", "golden", "planner", "refusals", "beginning")
OWN += ("extending", "tabular_layers", "trace", "gradients", "identities")
# engines that run the same lines agree whatever a layer writes: these tell of the recorder alone
RECORDED = ("script", "memory")
LATE = 300.0  # seconds

Mutant = tuple[str, str, int]  # a room, what is changed, and where


def all_mutants() -> list[Mutant]:
    """Return every mutant that there is."""
    from cosmic_ray.ast import ast_nodes, get_ast_from_path
    from cosmic_ray.plugins import get_operator, operator_names

    found = []
    for room in MUTATED:
        nodes = list(ast_nodes(get_ast_from_path(path_of(room))))
        for name in operator_names():
            if get_operator(name).arguments():
                continue  # it wants to be told which variables
            operator = get_operator(name)()
            places = sum(len(list(operator.mutation_positions(node))) for node in nodes)
            found += [(room, name, place) for place in range(places)]
    return found


def path_of(room: str) -> Path:
    """Return where a room's code is."""
    return ROOT / "src" / "glassnet" / f"{room}.py"


def mutated(mutant: Mutant) -> tuple[str, str]:
    """Return a room's code before and after."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    room, name, place = mutant
    before = path_of(room).read_text(encoding="utf-8")
    return before, mutate_code(before, get_operator(name)(), place)


def killed(mutant: Mutant, copy: Path) -> bool:
    """Run the tests on a copy of the code in which one thing is changed."""
    before, after = mutated(mutant)
    target = copy / "glassnet" / f"{mutant[0]}.py"
    target.write_text(after, encoding="utf-8")
    try:
        return not passes(copy, (*OWN, *RECORDED) if mutant[0] == "program" else OWN)
    finally:
        target.write_text(before, encoding="utf-8")


def passes(copy: Path, names: tuple[str, ...]) -> bool:
    """Run tests on a copy of the code."""
    tests = [str(ROOT / "tests" / f"test_{name}.py") for name in names]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            # bytecode goes by seconds and sizes, and may be that of the mutant before
            env=os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            timeout=LATE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--report", action="store_true", help="write the page, too")
    asked = parser.parse_args()
    everyone = all_mutants()
    drawn = random.Random(asked.seed).sample(everyone, min(asked.count, len(everyone)))
    dead, there = Counter[str](), Counter(room for room, *_ in drawn)
    with tempfile.TemporaryDirectory() as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(asked.processes):
            copy = Path(folder) / str(number)
            shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
            copies.put(copy)

        if not passes(Path(folder) / "0", (*OWN, *RECORDED)):
            raise SystemExit("the tests fail where nothing is changed: each mutant would look dead")

        def tried(mutant: Mutant) -> bool:
            copy = copies.get()
            try:
                return killed(mutant, copy)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(asked.processes) as pool:
            for mutant, died in zip(drawn, pool.map(tried, drawn), strict=True):
                dead[mutant[0]] += died
                print("." if died else shown(mutant), end="" if died else "\n", flush=True)
    text = table(everyone, there, dead)
    print(f"\n{text}")
    if asked.report:
        section("mutants", text)
    return int(sum(dead.values()) < 0.9 * sum(there.values()))


def shown(mutant: Mutant) -> str:
    """Return what a mutant that lives changes."""
    lines: Any = (code.splitlines() for code in mutated(mutant))
    changed = [line for line in difflib.ndiff(*lines) if line[:1] in "+-"]
    return "\n".join(["", f"{mutant[0]}, {mutant[1].removeprefix('core/')}:", *changed])


def table(everyone: list[Mutant], there: Counter[str], dead: Counter[str]) -> str:
    """Return what came out, as a table."""
    possible = Counter(room for room, *_ in everyone)
    rows: list[tuple[object, ...]] = [
        (room, possible[room], there[room], dead[room]) for room in MUTATED
    ]
    share = 100 * sum(dead.values()) / max(sum(there.values()), 1)
    total = (
        "all",
        sum(possible.values()),
        sum(there.values()),
        f"{sum(dead.values())}: {share:.1f} %",
    )
    return grid(("room", "mutants", "drawn and tried", "killed"), [*rows, total])


if __name__ == "__main__":
    sys.exit(main())
