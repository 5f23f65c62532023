"""Exports of a studio; that a map's files hold what is shown is proved in `test_displayed_map.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsi_studio import Studio
from hsi_studio.project.store import Project
from tests.studio.models import labelled, scene_file

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Studio, Project]]:
    studio = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    yield studio, labelled(studio, scene_file(tmp_path / "data"))
    studio.close()


def test_labels_go_out_before_there_is_a_map_and_hold_every_point(made: tuple[Studio, Project]) -> None:
    studio, project = made
    files = studio.exports.labels(project.id)
    assert {file.suffix for file in files} == {".geojson", ".csv", ".gpkg"}
    assert {file.parent for file in files} == {project.folder / "exports"}
    (geojson,) = (file for file in files if file.suffix == ".geojson")
    found = json.loads(geojson.read_text())["features"]
    assert {(f["properties"]["row"], f["properties"]["col"]) for f in found} == set(project.points)


def test_files_go_where_they_are_asked_for(made: tuple[Studio, Project], tmp_path: Path) -> None:
    studio, project = made
    studio.refresh(project.id)
    files = studio.exports.map(project.id, tmp_path / "out", which="live", timeout=60)
    assert {file.parent for file in files} == {tmp_path / "out"}
    assert {".tif", ".png", ".geojson", ".csv"} <= {file.suffix for file in files}
    assert not (project.folder / "exports").exists()
