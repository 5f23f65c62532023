"""The tables of class anchors: differences are paired by draw, and the report leaves what stands above it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import prompt_anchors
from benchmarks.prompt_anchors import HEADING, SHUFFLED, WORDS, tables
from hsi_studio.engine.sweep.cells import write_cell


def cell(anchors: str, prompts: str, seed: int, oa: float) -> dict[str, Any]:
    return {
        "format": 1, "title": "Fields: a scene", "method": "curated", "shots": 1, "params": {"anchors": anchors},
        "prompts": prompts, "seed": seed, "code": "c0de", "machine": "2 cores, load average 1.0, Python",
        "results": {"random": {"oa": oa}},
    }  # fmt: skip


def cells() -> list[dict[str, Any]]:
    """Draws of very different difficulty; materials are better by 1, 1.2, 1.4, 1.6 points in each."""
    out = []
    for seed, base in enumerate((30.0, 50.0, 70.0, 90.0)):
        out += [cell("text", WORDS, seed, base), cell("materials", WORDS, seed, base + 1 + seed / 5)]
        out += [cell("both", WORDS, seed, base), cell("materials", SHUFFLED, seed, base + 1 + seed / 5)]
    return [*out, cell("text", WORDS, 4, 0.0)]  # without a partner


def test_differences_are_paired_by_draw() -> None:
    made = tables(cells())
    row = next(line for line in made.splitlines() if line.startswith("| Fields |"))
    assert "| 4 | 60.0 ± 25.8 | **+1.3 " in row
    assert row.endswith("| 0.0 \\[0.0, 0.0\\] | 0.0 \\[0.0, 0.0\\] |")
    assert "materials − text: 1 above 0, 0 below; both − text: 0 above 0, 0 below" in made
    assert "buffered" not in made


def test_the_report_leaves_what_stands_above_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, one in enumerate(cells()):
        write_cell(tmp_path / "cells" / "fields" / "curated" / f"{number}.json", one)
    page = tmp_path / "page.md"
    page.write_text("# Above\n\nkept\n", encoding="utf-8")
    for _ in range(2):
        assert prompt_anchors._report(SimpleNamespace(folder=tmp_path, to=page)) == 0  # type: ignore[arg-type]
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Above\n\nkept\n\n" + HEADING)
    assert text.count(HEADING) == 1
