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


@pytest.mark.slow
def test_an_export_is_one_archive_with_its_report(tab: MapTab, project: Project) -> None:
    update = tab.export(project.id)
    assert update["visible"]
    (bundle,) = map(Path, update["value"])
    with zipfile.ZipFile(bundle) as archive:
        endings = {name.rpartition(".")[2] for name in archive.namelist()}
    assert {"tif", "hdr", "img", "gpkg", "svg", "pdf", "png", "csv", "geojson", "qml", "json", "md", "html"} <= endings


def test_one_kind_of_file_comes_alone(tab: MapTab, project: Project) -> None:
    update = tab.export_one(project.id, "map.tif")
    assert {Path(name).suffix for name in update["value"]} == {".tif", ".xml"}
    assert {Path(name).suffix for name in tab.export_one(project.id, "map.hdr")["value"]} == {".hdr", ".img"}
    assert untouched(tab.export_one(project.id, "../../passwd"))


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
