"""Figures and tables of the results say what the packed sweep says."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import pytest

from benchmarks import figures
from benchmarks.few_shot import PACKED
from benchmarks.packed import load
from benchmarks.result_figures import STYLES, parts_figure, svg
from benchmarks.result_tables import METHODS, Difference, Sweep, filled
from hsi_studio.errors import BadRequest

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    return Sweep(load(PACKED))


@pytest.mark.slow
def test_the_generated_parts_of_the_page_are_up_to_date(sweep: Sweep) -> None:
    page = figures.PAGE.read_text(encoding="utf-8")
    assert filled(page, figures.blocks(sweep)) == page, "run: python -m benchmarks.figures"


def test_every_figure_on_disk_is_of_these_results_and_on_the_page() -> None:
    page = figures.PAGE.read_text(encoding="utf-8")
    assert {file.stem for file in figures.FIGURES.glob("*.svg")} >= set(figures.sources())
    for name, source in figures.sources().items():
        text = (figures.FIGURES / f"{name}.svg").read_text(encoding="utf-8")
        assert source in text, f"{name} is of other results: python -m benchmarks.figures"
        assert f"../docs/figures/{name}.svg" in page
        assert "<dc:date>" not in text


@pytest.mark.slow
def test_every_generated_file_is_what_the_command_makes(sweep: Sweep) -> None:
    found = figures.made()
    assert figures.EVERY_TABLE not in figures.stale(found)
    for file in figures.stale(found):  # another version of matplotlib draws the same figure with other bytes
        stored = file.read_text(encoding="utf-8")
        if f"matplotlib {matplotlib.__version__}" in stored:
            assert drawing(stored) == drawing(found[file]), file


def drawing(text: str) -> str:
    """A figure without what another processor's last digits change: names made of coordinates, and thousandths."""
    named = re.sub(r"\b([mpCD])[0-9a-f]{10,}\b", r"\1", text)
    return re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.2f}", named)


@pytest.mark.slow
def test_a_figure_is_drawn_the_same_twice_and_names_units_and_n(sweep: Sweep) -> None:
    first, second = (svg(lambda: parts_figure(sweep), "made") for _ in range(2))
    assert first == second
    texts = [node.text or "" for node in ElementTree.fromstring(first).iter(f"{SVG}text")]
    assert "difference of OA, points" in texts
    assert any("n 5 paired draws" in text for text in texts)
    assert any("without text" in text for text in texts)


def test_an_interval_is_clear_when_it_leaves_out_0() -> None:
    assert Difference(1.0, 0.2, 2.0, 5).text(mark=True) == "**+1.0 (+0.2 to +2.0)**"
    assert Difference(-1.0, -2.0, 0.0, 5).text(mark=True) == "−1.0 (−2.0 to +0.0)"
    assert Difference(0.5, None, None, 3).text(mark=True) == "+0.5"


def test_a_part_without_its_place_on_the_page_is_refused() -> None:
    page = "a\n<!-- generated: one -->\nold\n<!-- end -->\nb\n"
    assert filled(page, {"one": ["new"]}) == "a\n<!-- generated: one -->\n\nnew\n\n<!-- end -->\nb\n"
    with pytest.raises(BadRequest, match="two"):
        filled(page, {"one": ["new"], "two": []})
    with pytest.raises(BadRequest, match="no <!-- end -->"):
        filled(page.replace("<!-- end -->", ""), {"one": ["new"]})


def test_the_check_names_what_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "page.md"
    file.write_text("old")
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    monkeypatch.setattr(figures, "made", lambda: {file: "new"})
    assert figures.main(["--check"]) == 1
    assert "not up to date: page.md" in capsys.readouterr().out
    assert figures.main([]) == 0
    assert file.read_text() == "new"
    assert figures.main(["--check"]) == 0


def test_every_method_has_a_look_of_its_own() -> None:
    styles = [STYLES[label] for label in METHODS]
    assert len({color for color, *_ in styles}) == len({marker for _, marker, _ in styles}) == len(styles)
    assert all(re.fullmatch(r"#[0-9A-F]{6}", color) for color, *_ in styles)
