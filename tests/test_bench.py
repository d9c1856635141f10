"""The benchmark's own rules: who is compared with whom, what is told, what is drawn."""

import runpy
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from fresh import Fresh
from measuring import Timing, enough, measure
from peers import PEERS, make
from picture import draw, spread
from report import Results, number, report
from targets import TRAINING, lines
from tasks import TASKS
from workers import Skipped, Worker

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
COMMANDS = ("bench", "growth", "against_sklearn", "quality", "ablation", "tables", "doctor", "xor")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_benchmark_can_be_begun(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(BENCHMARKS / f"{name}.py"), run_name="__main__")
    assert end.value.code == 0
    assert "usage" in capsys.readouterr().out


def timing(name: str, **seconds: list[float]) -> Timing:
    made = Timing(TASKS[name])
    made.seconds = {peer.replace("_", " "): each for peer, each in seconds.items()}
    made.outcome = dict.fromkeys(made.seconds, 0.1)
    made.compiling = dict.fromkeys(made.seconds, 1.5)
    made.setting = dict.fromkeys(made.seconds, "")
    return made


def test_ratios_are_of_the_same_round_and_a_slow_peer_sits_out_the_last() -> None:
    made = timing("xor", glassnet=[1.0, 2.0, 3.0, 4.0], tutorial=[10.0, 10.0])
    assert made.ratios("glassnet", "tutorial") == [0.1, 0.2]
    assert made.ratios("glassnet", "JAX") == []
    assert not enough([9.0, 9.0], 2)  # three rounds at least
    assert enough([9.0, 9.0, 9.0], 3)
    assert not enough([1.0, 1.0, 1.0], 3)
    assert enough([1.0, 1.0, 1.0], 4)  # who was out once stays out, so that rounds are pairs


def test_targets_say_met_and_not_met_and_not_measured() -> None:
    timings = {"xor": timing("xor", glassnet=[1.0, 1.0, 1.0], tutorial=[200.0, 200.0, 50.0])}
    fresh = Fresh({"numpy": [100.0], "glassnet": [160.0]}, memory={}, skipped={})
    found = {line[:3]: line[3:] for line in lines(timings, fresh)}
    assert found["XOR 2-2-1", "glassnet", "tutorial"] == (0.005, 0.008)
    assert found["XOR 2-2-1", "glassnet", "JAX"] == (None, 1.2)
    text = report(Results(timings, fresh, {}, ["Keras"], 0.0))
    assert "| XOR 2-2-1 | glassnet | tutorial | 0.00500 | 0.008 | met |" in text
    assert "| XOR 2-2-1 | glassnet | JAX |  | 1.2 | not measured |" in text
    assert "| import | glassnet | import numpy | 1.60 | 1.5 | **not met** |" in text
    assert "Keras: not installed" in text


def test_the_report_tells_who_took_no_part() -> None:
    made = timing("one-row", glassnet=[0.004], PyTorch=[0.04])
    made.skipped["onnxruntime"] = "its process ended"
    text = report(Results({"one-row": made}, None, {}, [], 0.0))
    assert "- one row, onnxruntime: its process ended" in text
    assert "| one row | glassnet | 1.00 |" in text  # microseconds a call, 4,000 calls


def test_the_picture_has_a_line_for_each_peer_and_a_point_for_each_task() -> None:
    timings = [timing(name, glassnet=[1.0], raw_products=[0.5]) for name in TRAINING]
    del timings[1].seconds["raw products"]
    drawn = ElementTree.fromstring(draw(timings))
    tag = "{http://www.w3.org/2000/svg}"
    assert len(drawn.findall(f"{tag}polyline")) == 2
    assert len(drawn.findall(f"{tag}circle")) == 5 + 4
    names = {element.text for element in drawn.findall(f"{tag}text")}
    assert {"glassnet", "raw products", "784-1024-1024-10", "30-256×3-10"} <= names  # noqa: RUF001


def test_names_that_would_touch_are_moved_apart() -> None:
    moved = spread([10.0, 11.0, 12.0, 100.0], 16, 110)
    assert all(np.diff(moved) >= 15.9)
    assert moved[-1] == 100


@pytest.mark.parametrize(
    ("value", "text"), [(0.0081234, "0.00812"), (1.0, "1.00"), (26912.0, "26,900"), (99.96, "100")]
)
def test_numbers_have_three_figures(value: float, text: str) -> None:
    assert number(value) == text


def test_every_peer_of_a_task_is_there_and_can_do_it() -> None:
    for task in TASKS.values():
        for peer in task.peers:
            assert getattr(PEERS[peer], task.kind), (task.name, peer)


def test_raw_products_are_those_of_a_step() -> None:
    peer = make("raw products", TASKS["20-64-64-2"])
    shapes = [(a.shape, b.shape, out.shape) for a, b, out in peer.products]
    assert len(shapes) == 3 * 3 - 1
    assert shapes[:3] == [
        ((64, 20), (20, 64), (64, 64)),
        ((20, 64), (64, 64), (20, 64)),
        ((64, 64), (64, 64), (64, 64)),
    ]


def test_a_worker_answers_and_says_why_it_cannot(tmp_path: Path) -> None:
    worker = Worker("tutorial", quick=True, caches=tmp_path)
    with pytest.raises(Skipped, match="Error"):
        worker.ask(ask="prepare", task="one-row")
    found = measure(TASKS["xor-1"].shorter(50), {"tutorial": worker})
    worker.end()
    assert len(found.seconds["tutorial"]) == 3
    assert not found.skipped
    assert "numpy" in worker.about
