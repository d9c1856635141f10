"""A bounded sample of the fuzzers in tests/fuzz, which `make fuzz` lets run for longer."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from fuzz import csvs, files, report, tables


@pytest.mark.parametrize(("kind", "count"), [("tables", 60), ("arrays", 40)])
def test_random_tables_and_arrays_end_in_a_result_or_a_sentence(kind: str, count: int) -> None:
    seen, why = tables.examine(kind, count, number=0)
    assert not why, why
    assert seen[kind] == count
    assert sum(times for end, times in seen.items() if end.endswith(" done")) > count / 2


def test_mangled_files_end_in_a_result_or_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ends, failed = csvs.examine(range(1, len(csvs.MANGLES) + 1), apart=30)
    assert not failed, "\n".join(failed)
    assert {name for name, _ in ends} == {*csvs.MANGLES}
    assert {end for _, end in ends} == {"learned", "refused"}


# ---- a planted bug is found ----------------------------------------------------------------------


def test_a_traceback_and_a_wrong_answer_are_found_in_tables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    predict = gn.TabularClassifier.predict_proba
    for bug in (lambda self, X: {}["no"], lambda self, X: predict(self, X) * np.nan):
        with monkeypatch.context() as planted:
            planted.setattr(gn.TabularClassifier, "predict_proba", bug)
            assert tables.examine("tables", 30, number=0)[1], bug


def test_a_traceback_and_a_hang_are_found_in_csvs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def fails(*arguments: Any) -> None:
        raise KeyError("a mistake of ours")

    with monkeypatch.context() as planted:
        planted.setattr("glassnet.csvfile.distinct", fails)
        planted.setattr(csvs, "prepare", lambda: "good.safetensors")
        assert len(csvs.examine(range(1, 7), apart=30)[1]) > 2
    monkeypatch.setattr(csvs, "HANG", 1)
    monkeypatch.setattr(csvs, "prepare", lambda: "good.safetensors")
    monkeypatch.setattr(csvs, "through", lambda *given: time.sleep(60))
    assert "a command took more than 1 seconds" in csvs.examine(range(1, 2), apart=30)[1][0]


def test_what_is_wrong_with_a_reader_of_model_files_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = files.originals()["2/network"]
    fuzzer = files.Fuzzer(tmp_path)
    assert fuzzer.look("as it is", content) == "read"
    load = gn.load

    def other(path: Any) -> Any:
        net = load(path)
        net.theta[0] += 1
        return net

    def writes(path: Any) -> Any:
        (tmp_path / "beside").touch()
        return load(path)

    def raises(path: Any) -> Any:
        raise KeyError("a mistake of ours")

    for bug, found in ((other, "another gain1"), (writes, "touched"), (raises, "KeyError")):
        with monkeypatch.context() as planted:
            planted.setattr(gn, "load", bug)
            assert fuzzer.look("as it is", content).startswith(found)


def test_what_was_found_is_kept_between_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- x -->\nold\n<!-- /x -->\nb\n", encoding="utf-8")
    monkeypatch.setattr(report, "PAGE", page)
    report.section("x", report.grid(("what", "times"), [("good", 3)]))
    lines = page.read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["a", "<!-- x -->"]
    assert lines[-5:] == ["| what | times |", "| --- | --- |", "| good | 3 |", "<!-- /x -->", "b"]
    with pytest.raises(ValueError, match=r"page.md: expected the marks <!-- y --> and <!-- /y -->"):
        report.section("y", "")
