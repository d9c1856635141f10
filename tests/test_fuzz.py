"""A bounded sample of the fuzzers in tests/fuzz, which `make fuzz` lets run for longer."""

from pathlib import Path

import pytest

from fuzz import csvs, report, tables


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
