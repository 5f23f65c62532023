"""A kept map is the map that was made, or none: never another model's, another scene's or a damaged one."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hsi_studio.engine.mapping.map_cache import keep_map, kept_map
from hsi_studio.types import ClassInfo, ClassSchema, Prediction

SCHEMA = ClassSchema((ClassInfo("a", "Corn", "#112233", 3), ClassInfo("b", "Süßgras 草地", "#445566")))
LABEL = np.array([[0, 1, 2], [2, 1, 0]], dtype=np.uint16)
CONFIDENCE = np.where(LABEL > 0, 0.5 + LABEL / 8, np.nan).astype(np.float32)
MAP = Prediction(SCHEMA, LABEL, CONFIDENCE, "live", {"scales": [2, 5], "note": None}, 7)


def test_a_kept_map_is_the_map_with_its_classes_and_gaps(tmp_path: Path) -> None:
    keep_map(tmp_path / "m.npz", MAP, "digest")
    found = kept_map(tmp_path / "m.npz", (2, 3), "digest")
    assert found is not None
    assert np.array_equal(found.label, LABEL)
    assert np.array_equal(found.confidence, CONFIDENCE, equal_nan=True)
    assert (found.schema, found.method, found.params, found.revision) == (SCHEMA, "live", MAP.params, 7)


def test_other_weights_another_scenes_size_and_no_file_are_no_map_and_no_complaint(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keep_map(tmp_path / "m.npz", MAP, "digest")
    assert kept_map(tmp_path / "m.npz", (2, 3), "retrained") is None
    assert kept_map(tmp_path / "m.npz", (3, 2), "digest") is None
    assert kept_map(tmp_path / "none.npz", (2, 3), "digest") is None
    assert caplog.records == []


@pytest.mark.parametrize("what", ["a class the list has not", "wide numbers", "cut short"])
def test_damage_is_logged_and_the_map_is_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    path = tmp_path / "m.npz"
    wrong = {"a class the list has not": LABEL + np.uint16(1), "wide numbers": LABEL.astype(np.int64)}
    keep_map(path, replace(MAP, label=wrong.get(what, LABEL)), "digest")
    if what == "cut short":
        path.write_bytes(path.read_bytes()[:-40])
    with caplog.at_level(logging.WARNING):
        assert kept_map(path, (2, 3), "digest") is None
    assert "made again" in caplog.text
