"""Downloads and labels from a file, without a page."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from hsi_studio import Studio
from hsi_studio.project.store import Project
from hsi_studio.ui.tabs.map import MapTab
from tests.ui.tabs.events import untouched, value


@pytest.fixture
def tab(studio: Studio) -> MapTab:
    return MapTab(studio)


def test_an_export_is_an_archive_and_its_files(tab: MapTab, project: Project) -> None:
    update = tab.export(project.id)
    assert update["visible"]
    bundle, *files = map(Path, update["value"])
    assert all(file.is_file() for file in files)
    with zipfile.ZipFile(bundle) as archive:
        assert sorted(archive.namelist()) == sorted(file.name for file in files)
    assert any(file.suffix == ".tif" for file in files) or any(file.suffix == ".hdr" for file in files)


def test_labels_alone_come_back_in(tab: MapTab, studio: Studio, project: Project) -> None:
    files = [Path(name) for name in tab.export_labels(project.id)["value"]]
    assert {file.suffix for file in files} == {".csv", ".geojson"}
    labels = project.labels()
    project.clear()
    assert len(project.labels()) == 0
    csv = next(file for file in files if file.suffix == ".csv")
    field, viewer, classes = tab.import_labels(project.id, str(csv))
    assert field is None  # the field is empty again
    assert len(project.labels()) == len(labels) == len(value(viewer)["labels"]["points"])
    assert sum(c["count"] for c in value(classes)["classes"]) == len(labels)


def test_what_cannot_be_done_is_a_warning(tab: MapTab, studio: Studio, project: Project, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,b\n1,2\n")
    before = project.revision
    with pytest.warns(UserWarning, match="names no class column"):
        field, *_ = tab.import_labels(project.id, str(wrong))
    assert field is None
    assert project.revision == before
    empty = studio.new_project(project.scene_spec["spec"])
    with pytest.warns(UserWarning, match=r"[Ll]abel"):
        assert tab.export(empty.id) == {"__type__": "update", "visible": False}


def test_no_file_is_no_action(tab: MapTab, project: Project) -> None:
    assert all(untouched(answer) for answer in tab.import_labels(project.id, None))
