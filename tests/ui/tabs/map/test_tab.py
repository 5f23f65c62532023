"""Downloads and labels from a file, without a page."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import rasterio

from hsi_studio import Studio
from hsi_studio.project.store import Project
from hsi_studio.ui.tabs.map import MapTab
from hsi_studio.ui.tabs.map.label_import import FIELDS, LabelImportPart
from tests.ui.tabs.events import event, untouched, value

NOTHING = (None,) * (len(FIELDS) + 1)  # no answer to any question, no limit


@pytest.fixture
def part(studio: Studio) -> LabelImportPart:
    return LabelImportPart(studio)


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


def test_the_picture_is_saved_as_it_is_on_the_page(tab: MapTab, project: Project) -> None:
    formats = [name for _, name in value(tab.panel(project.id))["formats"]]
    assert "picture.tif" in formats
    assert "query.tif" not in formats  # nothing was asked
    save = event("save", name="picture.tif", composite="custom:3,2,1", stretch="5-95")
    *_, files, _ = tab.act(project.id, save)
    (file,) = files["value"]
    with rasterio.open(file) as tiff:
        assert (tiff.count, tiff.tags()["composite"], tiff.tags()["stretch"]) == (4, "custom:3,2,1", "5-95")
    assert "value" in tab.export_one(project.id, "picture.png")


def test_another_project_takes_the_downloads_away(tab: MapTab) -> None:
    assert untouched(tab.opened("one", "")[1])  # the page has just been loaded
    assert untouched(tab.opened("one", "one")[1])
    here, files = tab.opened("two", "one")
    assert (here, files["value"], files["visible"]) == ("two", None, False)


def test_labels_alone_come_back_in(tab: MapTab, part: LabelImportPart, project: Project) -> None:
    files = [Path(name) for name in tab.export_labels(project.id)["value"]]
    assert {file.suffix for file in files} == {".csv", ".geojson", ".gpkg"}
    labels = project.labels()
    project.clear()
    assert len(project.labels()) == 0
    csv = str(next(file for file in files if file.suffix == ".csv"))
    report, *_, button = part.look(project.id, [csv], *NOTHING)
    assert button["value"] == f"Add {len(labels)} labels"
    assert json.loads(report)["sections"][0]["table"][0][1:] == ["CSV", str(len(labels)), str(len(labels))]
    assert len(project.labels()) == 0  # looked at, not added
    field, *_, viewer, classes = part.add(project.id, [csv], *NOTHING)
    assert field is None  # the field is empty again
    assert len(project.labels()) == len(labels) == len(value(viewer)["labels"]["points"])
    assert sum(c["count"] for c in value(classes)["classes"]) == len(labels)
    project.undo()
    assert len(project.labels()) == 0  # one action


def test_another_project_takes_files_away_but_not_those_given_while_the_page_loads(part: LabelImportPart) -> None:
    project, files, *_ = part.closed("another", "one")
    assert (project, files) == ("another", None)
    for before in ("", "one"):
        project, *rest = part.closed("one", before)
        assert project == "one"
        assert all(untouched(one) for one in rest)


def test_what_has_to_be_chosen_is_asked(part: LabelImportPart, project: Project, tmp_path: Path) -> None:
    two = tmp_path / "two.csv"
    two.write_text("row,col,level_1,level_2\n1,2,Veg,Tree\n3,4,Veg,Grass\n5,5,Soil,Sand\n")
    report, attribute, layer, crs, first, limit, button = part.look(project.id, [str(two)], *NOTHING)
    assert "not clear which column is the class" in json.loads(report)["notes"][0]
    assert [choice[1] for choice in attribute["choices"]] == ["level_1", "level_2"]
    assert "3 values: Tree, Grass, Sand" in attribute["choices"][1][0]
    assert attribute["visible"]
    assert all(untouched(update) for update in (layer, crs, first, limit))
    assert button["visible"] is False
    chosen = ("level_2", None, None, None, None)
    report, attribute, *_, button = part.look(project.id, [str(two)], *chosen)
    assert button["value"] == "Add 3 labels"
    assert attribute["value"] == "level_2"
    assert ["Tree", "1"] in json.loads(report)["sections"][1]["table"]
    part.add(project.id, [str(two)], *chosen)
    assert {"Tree", "Grass", "Sand"} <= set(project.schema.names)


def test_what_cannot_be_done_is_a_warning(
    tab: MapTab, part: LabelImportPart, studio: Studio, project: Project, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,b\n1,2\n")
    before = project.revision
    report, *_, button = part.look(project.id, [str(wrong)], *NOTHING)
    assert "names no class column" in json.loads(report)["notes"][0]
    assert button["visible"] is False
    with pytest.warns(UserWarning, match="names no class column"):
        assert all(untouched(answer) for answer in part.add(project.id, [str(wrong)], *NOTHING))
    assert project.revision == before
    empty = studio.new_project(project.scene_spec["spec"])
    with pytest.warns(UserWarning, match=r"[Ll]abel"):
        assert tab.export(empty.id) == {"__type__": "update", "visible": False}


def test_no_file_is_no_action(part: LabelImportPart, project: Project) -> None:
    assert all(untouched(answer) for answer in part.add(project.id, None, *NOTHING))
    report, *fields, button = part.look(project.id, None, *NOTHING)
    assert json.loads(report) == {"sections": []}
    assert not any(update["visible"] for update in (*fields, button))
