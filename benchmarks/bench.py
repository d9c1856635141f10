"""glassnet beside its peers: whole training runs and predictions, interleaved, into RESULTS.md.

    python benchmarks/bench.py                    # about ten minutes on two cores
    python benchmarks/bench.py --quick            # about three: shorter, printed and not written
    python benchmarks/bench.py --only xor one-row # some tasks, printed and not written

Each peer lives in a process of its own (workers.py), which waits to be asked for one run. The runs
take turns (measuring.py). What each peer does is in peers/, how long in tasks.py, what is aimed at
in targets.py. In a quick run, what a training begins with weighs four times as much.
"""

import argparse
import tempfile
import time
from pathlib import Path

from fresh import measure_fresh
from host import load
from measuring import Timing, measure
from peers import PEERS, installed
from picture import draw
from report import Results, number, report
from targets import TRAINING
from tasks import TASKS, find
from workers import Worker

HERE = Path(__file__).parent
FRESH = "fresh"  # as it is asked for: imports, the first fit, memory
SLOW = ("PyTorch compiled", "Keras")  # take no part in a quick run: they compile for minutes


def options() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="shorter, printed and not written")
    parser.add_argument("--only", nargs="+", choices=[*TASKS, FRESH], metavar="TASK")
    parser.add_argument("--peers", nargs="+", choices=PEERS, metavar="PEER")
    parser.add_argument("--output", type=Path, help="where to write the report, whatever was run")
    return parser.parse_args()


def run(tasks: list[str], names: list[str], quick: bool) -> dict[str, Timing]:
    """Time tasks, and tell of each when it is done; `names` are the peers."""
    timings = {}
    with tempfile.TemporaryDirectory() as caches:
        workers = {name: Worker(name, quick, Path(caches)) for name in names}
        for task in tasks:
            start = time.perf_counter()
            timing = timings[task] = measure(find(task, quick), workers)
            timing.abouts = {name: worker.about for name, worker in workers.items()}
            cells = [f"{peer} {number(timing.step(peer))}" for peer in timing.seconds]
            seconds = time.perf_counter() - start
            print(f"{timing.task.title}, microseconds: {', '.join(cells)} ({seconds:.0f} s)")
            for name, why in timing.skipped.items():
                print(f"  {name} took no part: {why}", flush=True)
        for worker in workers.values():
            worker.end()
    return timings


def main() -> None:
    asked, began, busy = options(), time.perf_counter(), load()
    if busy > 0.5:
        print(f"the machine is busy (load {busy:.1f}): threads will wait, and times mean little")
    wanted = asked.only or [*TASKS, FRESH]
    fresh = measure_fresh(asked.quick) if FRESH in wanted else None
    tasks = [name for name in TASKS if name in wanted]
    taking_part = {peer for name in tasks for peer in TASKS[name].peers}
    names = [name for name in asked.peers or PEERS if name in taking_part]
    if asked.quick and not asked.peers:
        names = [name for name in names if name not in SLOW]
    there = [name for name in names if installed(name)]
    timings = run(tasks, there, asked.quick)
    missing = [name for name in names if name not in there]
    results = Results(timings, fresh, _abouts(timings), missing, busy)
    output = asked.output
    if output is None and not (asked.quick or asked.only or asked.peers):
        output = HERE / "RESULTS.md"
    drawn = [timings[name] for name in TRAINING if name in timings]
    picture = output.with_suffix(".svg") if output and drawn else None
    text = report(results, picture.name if picture else "")
    print(f"\n{text}\n{time.perf_counter() - began:.0f} seconds")
    if output:
        output.write_text(text, encoding="utf-8")
    if picture:
        picture.write_text(draw(drawn), encoding="utf-8")


def _abouts(timings: dict[str, Timing]) -> dict[str, str]:
    return {name: text for timing in timings.values() for name, text in timing.abouts.items()}


if __name__ == "__main__":
    main()
