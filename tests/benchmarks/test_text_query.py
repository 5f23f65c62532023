"""The benchmark of questions in words: its table, its figures, the EnMAP mosaic."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.text_query import as_table, enmap_mosaic, open_named, precision, said
from hsi_studio.errors import BadRequest, FileProblem


def test_precision_is_1_for_a_perfect_order_and_the_share_for_none() -> None:
    own = np.array([True, True, False, False])
    assert precision(own, np.array([0.9, 0.8, 0.2, 0.1], dtype=np.float32)) == 1.0
    assert precision(own, np.zeros(4, dtype=np.float32)) == pytest.approx(0.5)
    assert precision(own, np.array([np.nan, 0.8, 0.2, 0.1], dtype=np.float32)) < 1.0  # no data ranks last


def test_names_are_asked_as_people_type_them() -> None:
    assert said("Corn-notill") == "corn notill"
    assert said("Soil_vinyard") == "soil vinyard"


def test_the_table_marks_what_beats_the_floor() -> None:
    row = {
        "class": "Water",
        "words": 0.9,
        "materials": 0.5,
        "described": 0.6,
        "sentences": 0.2,
        "both": 0.8,
        "p5": 0.7,
        "ndvi": 0.5,
        "chance": 0.1,
    }
    found = {
        "scene": "x", "labelled": 10, "nodes": 3, "things": 2, "prepare_s": 1.0, "query_ms": 2.0,
        "classes": [row, {**row, **dict.fromkeys(("words", "materials", "both", "p5"), 0.3), "class": "Soil"}],
        "zero_click": {"names": 50.0}, "largest_class": 40.0, "curve": [[0, 50.0, 0.0], [1, 60.0, 1.0]], "notes": [],
    }  # fmt: skip
    table = as_table(found)
    assert "| Water | **0.900** |" in table
    assert "| Soil | 0.300 |" in table
    assert "names 50.0; largest class alone 40.0. Then 1 clicks 60.0 ± 1.0" in table


def test_missing_data_says_what_to_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HSI_STUDIO_TEST_DATA", raising=False)
    with pytest.raises(BadRequest, match="--data"):
        open_named("enmap_potsdam", None)
    with pytest.raises(FileProblem, match="no tiles"):
        enmap_mosaic(tmp_path)


def test_the_enmap_tiles_lie_beside_each_other() -> None:
    folder = Path(os.environ.get("HSI_STUDIO_TEST_DATA", "")) / "enmap_potsdam"
    if not (folder / "images").is_dir():
        pytest.skip("$HSI_STUDIO_TEST_DATA/enmap_potsdam is not there")
    scene = enmap_mosaic(folder)
    assert scene.reference is not None
    counts = np.bincount(scene.reference[scene.reference > 0], minlength=7)[1:]
    assert counts.tolist() == [505, 953, 1694, 2070, 91, 359]
    assert int(scene.good_bands.sum()) == 218
