"""Tables from cells whose figures are known by hand."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from hsi_studio.engine.sweep.cells import FORMAT, write_cell
from hsi_studio.engine.sweep.tables import latex, load_cells, long_csv, markdown, plus_minus, rows_of, tables
from hsi_studio.errors import BadRequest


def cell(label: str, seed: int, right: int, prompts: str = "none", **changes: Any) -> dict[str, Any]:
    """100 test pixels of two classes, `right` of the first 50 correct and all of the others."""
    confusion = [[right, 50 - right, 0], [0, 50, 0]]
    figures = {"n_test": 100, "oa": right + 50.0, "aa": right + 50.0, "kappa": 2.0 * right, "confusion": confusion}
    return {
        "format": FORMAT, "scene": "made", "scene_id": "x", "title": "Made_scene", "classes": ["a", "b"],
        "label": label, "method": label, "params": {}, "prompts": prompts, "shots": 5, "seed": seed,
        "draw": "draw", "n_train": 10,
        "prepare_seconds": 1.0 if seed == 0 else 0.0, "fit_seconds": 2.0, "predict_seconds": 0.5, "pixels": 100,
        "pixels_per_second": 200.0, "device": "cpu", "threads": "1", "code": "c0de",
        "memory": {"before_mb": 100.0, "peak_mb": 150.0, "since_start": False, "cuda_peak_mb": None, "load": 1.5},
        "results": {"random": figures, "buffered": {"problem": "leaves no pixel"}},
        **changes,
    }  # fmt: skip


def test_mean_spread_and_number_of_seeds() -> None:
    cells = [cell("one", seed, right) for seed, right in enumerate((30, 34, 38))]
    (title, made), *rest = tables(cells).items()
    assert (title, rest) == ("Made_scene", [])
    assert made[0].head == ["shots", "method", "OA, random", "AA, random", "κ, random", "n"]
    assert made[0].body == [["5", "one", "84.00 ± 4.00", "84.00 ± 4.00", "68.00 ± 8.00", "3"]]
    cost = dict(zip(made[1].head, made[1].body[0], strict=True))
    assert (cost["prepare, s"], cost["fit, s"], cost["pixels/s"]) == ("1.0", "2.00 ± 0.00", "200")
    assert (cost["above scene MB"], cost["GPU MB"]) == ("50", "–")
    assert plus_minus([]) == "–"
    assert plus_minus([3.0]) == "3.00"


def test_differences_are_of_the_same_seeds_only() -> None:
    base = [cell("base", seed, 30 + seed) for seed in range(6)]
    better = [cell("better", seed, 35 + seed) for seed in range(1, 8)]
    (made,) = tables(base + better, baselines=["base"]).values()
    difference = next(t for t in made if t.title.startswith("Difference from base"))
    assert [line[1] for line in difference.body] == ["better"]
    assert difference.body[0][2] == "+5.00 [+5.00, +5.00]"  # each seed is 5 points better: no spread
    assert difference.body[0][-1] == "5"
    few = tables(base[:3] + better[:2], baselines=["base"])["Made_scene"]
    assert next(t for t in few if t.title.startswith("Difference")).body[0][2] == "+5.00"  # two seeds: no interval


def test_other_test_pixels_are_not_compared() -> None:
    other = cell("other", 0, 30)
    other["results"]["random"]["confusion"] = [[30, 10, 0], [0, 60, 0]]
    (made,) = tables([cell("base", 0, 30), other], baselines=["base"]).values()
    assert next(t for t in made if t.title.startswith("Difference")).body[0][2:] == ["–", "–", "–", "0"]


def test_words_stand_against_plain_and_permuted_ones() -> None:
    cells = [cell("m", s, 30 + 4 * (p == "p5"), p) for s in range(5) for p in ("p5", "permuted", "p1", "permuted:p1")]
    (made,) = tables(cells).values()
    words = made[-1]
    assert [line[1] for line in words.body] == ["m: p1 − permuted:p1", "m: p5 − p1", "m: p5 − permuted"]
    assert [line[2] for line in words.body] == ["+0.00 [+0.00, +0.00]", *["+4.00 [+4.00, +4.00]"] * 2]


def test_published_figures_stand_beside_their_own_scene_only() -> None:
    entry = {
        "scene": "made",
        "method": "Paper",
        "protocol": "random",
        "shots": 5,
        "oa": 81.5,
        "aa": None,
        "kappa": 70.0,
    }
    published = [
        {**entry, "source": "Somebody 2025"},
        {**entry, "scene": "elsewhere", "source": "Another"},
        {**entry, "shots": 40, "source": "Other shots"},
    ]
    text = markdown(tables([cell("one", 0, 30)], published))
    assert "| 5 | *Paper* | 81.50 | – | 70.00 | ? |" in text
    assert "Somebody 2025" in text
    assert "Another" not in text
    assert "Other shots" not in text


def test_one_label_with_two_sets_of_parameters_is_two_rows_and_mixed_code_is_said() -> None:
    cells = [cell("m", 0, 30), cell("m", 0, 40, params={"a": 2}, code="other")]
    rows, protocols = rows_of(cells)
    assert [row.label for row in rows] == ["m", "m #2"]
    assert protocols == ["random", "buffered"]
    assert "2 versions of the program" in markdown(tables(cells))


def test_csv_has_a_line_a_cell_and_protocol_and_latex_is_escaped() -> None:
    cells = [cell("m_1", 0, 30), cell("m_1", 1, 40)]
    lines = list(csv.DictReader(io.StringIO(long_csv(cells))))
    assert len(lines) == 4
    assert (lines[0]["oa"], lines[0]["protocol"], lines[1]["oa"]) == ("80.0", "random", "")
    text = latex(tables(cells))
    assert r"m\_1" in text
    assert r"85.00 $\pm$ 7.07" in text
    assert text.count("\\begin{tabular}") == text.count("\\end{tabular}") == 2


def test_cells_come_from_a_folder(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no results"):
        load_cells(tmp_path)
    write_cell(tmp_path / "cells" / "made" / "m" / "a.json", cell("m", 0, 30))
    (tmp_path / "cells" / "broken.json").write_text("{")
    assert [c["label"] for c in load_cells(tmp_path)] == ["m"]
