"""Class maps that were made elsewhere: in their place, in the project's classes, never judged as if they were ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio

from hsi_studio import Studio
from hsi_studio.errors import BadRequest, SizeMismatch
from hsi_studio.project.store import Project
from tests.studio.test_bundle import in_place

GRID = rasterio.Affine(2, 0, 600000, 0, -2, 4480000)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, Project]]:
    folder = tmp_path_factory.mktemp("imported")
    studio = Studio(home=folder / "home", data_root=folder / "data")
    yield studio, in_place(folder / "data", studio)
    studio.close()


def a_map(path: Path, values: np.ndarray, names: dict[int, str], place: rasterio.Affine = GRID) -> Path:
    with rasterio.open(
        path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1, dtype="uint8",
        crs="EPSG:32616", transform=place, nodata=0,
    ) as target:  # fmt: skip
        target.write(values.astype(np.uint8), 1)
        target.write_colormap(1, {0: (0, 0, 0, 0), **{value: (200, 10 * value, 5, 255) for value in names}})
        target.update_tags(1, class_names=json.dumps({str(value): name for value, name in names.items()}))
    return path


def test_it_lies_where_it_lies_and_takes_the_projects_classes_by_name(
    made: tuple[Studio, Project], tmp_path: Path
) -> None:
    studio, project = made
    upper, lower = project.schema.classes
    values = np.full((24, 30), 7)
    values[:3], values[-2:] = 9, 4
    names = {7: lower.name.upper(), 9: upper.name, 4: "Landfill"}
    northward = rasterio.Affine(2, 0, 600000, 0, 2, 4480000 - 48)
    file = a_map(tmp_path / "theirs.tif", np.flipud(values), names, northward)
    layer = studio.imported.add(project.id, file)
    shown = studio.displayed.find(project.id, layer)
    label, schema = shown.prediction.label, shown.prediction.schema
    assert [schema.classes[k - 1].name for k in (label[0, 0], label[10, 5], label[-1, 0])] == [
        upper.name, lower.name, "Landfill",
    ]  # fmt: skip
    assert schema.classes[:2] == project.schema.classes
    assert schema.classes[2].color == "#c82805"  # the file's own
    assert studio.imported.add(project.id, file) == layer  # the same map once more
    assert [one.title for one in studio.displayed.layers(project.id)].count("theirs") == 1
    assert shown.seen is None
    report = shown.report
    assert report is not None
    assert report.main.n == 24 * 30
    assert "certify it" in " ".join(report.notes)
    assert studio.evidence.cell(project.id, upper.id, lower.id, layer).sum() == 9 * 30
    studio.certify.draw(project.id, layer, 0.1)
    assert studio.certify.sample(project.id).title == "theirs"


def test_it_is_compared_on_the_pixels_that_are_nobodys_labels_and_says_what_is_not_known(
    made: tuple[Studio, Project], tmp_path: Path
) -> None:
    studio, project = made
    upper, lower = project.schema.classes
    values = np.full((24, 30), 7)
    values[:9], values[-2:] = 9, 4  # a quarter of the upper half is told as lower
    names = {7: lower.name, 9: upper.name, 4: "Landfill"}
    layer = studio.imported.add(project.id, a_map(tmp_path / "c.tif", values, names), "Theirs")
    live, scene = studio.displayed.find(project.id, "live"), studio.scene_of(project.id)
    assert scene.reference is not None
    tested = np.ones((24, 30), dtype=bool)
    for row, col in project.points:
        tested[row, col] = False
    theirs = np.select([values == 9, values == 7], [1, 2], 0)
    right = [float((one == scene.reference)[tested].mean()) for one in (live.prediction.label, theirs)]
    both = studio.evidence.compare(project.id, "live", layer)
    assert both.n == tested.sum() == 24 * 30 - 6
    assert both.first is not None
    assert both.second is not None
    assert both.difference is not None
    assert [both.first.value, both.second.value, both.difference.value] == pytest.approx([*right, right[1] - right[0]])
    assert "without the 6 labelled pixels that the other map was made from" in both.words
    assert both.caveat.startswith("What “Theirs” was trained on is not known here, so some of these pixels may have")
    assert "reference has none of these, so where “Theirs” shows them it is wrong: Landfill." in both.caveat
    figures = f"{100 * right[1]:.1f} against live {100 * right[0]:.1f}"
    assert both.sentence("live", "Theirs").startswith(f"Theirs {figures} on the same 714 pixels (−")

    turned = studio.evidence.compare(project.id, layer, "live", buffered=True)
    assert turned.difference is not None
    assert turned.difference.value > 0
    assert turned.n < both.n
    assert turned.caveat == both.caveat
    sieved = studio.edits.add(project.id, "majority=1", layer)  # after a step nobody knows more of it
    assert "Theirs, majority" in studio.evidence.compare(project.id, "live", sieved).caveat
    assert studio.evidence.compare(project.id, layer, "reference").problem.startswith("Which pixels “Reference”")


def test_what_is_no_map_of_this_scene_is_refused(made: tuple[Studio, Project], tmp_path: Path) -> None:
    studio, project = made
    far = a_map(tmp_path / "far.tif", np.ones((24, 30)), {1: "A"}, rasterio.Affine(2, 0, 900000, 0, -2, 4480000))
    with pytest.raises(SizeMismatch):
        studio.imported.add(project.id, far)
    with pytest.raises(BadRequest):
        studio.imported.remove(project.id, "imported:nothing")


def test_a_layer_that_is_shown_and_removed_leaves_the_live_map(made: tuple[Studio, Project], tmp_path: Path) -> None:
    studio, project = made
    layer = studio.imported.add(project.id, a_map(tmp_path / "b.tif", np.ones((24, 30)), {1: "A"}), "Theirs, 2019")
    studio.displayed.show(project.id, *layer.partition(":")[::2])
    left = studio.displayed.left(project.id)
    assert left is not None
    assert left.title == "Theirs, 2019"
    studio.imported.remove(project.id, layer)
    left = studio.displayed.left(project.id)
    assert left is not None
    assert left.source == "live"


def test_a_damaged_list_keeps_no_project_closed(made: tuple[Studio, Project], caplog: pytest.LogCaptureFixture) -> None:
    studio, project = made
    file = project.folder / "maps" / "imported.json"
    kept = file.read_text(encoding="utf-8")
    file.write_text("{", encoding="utf-8")
    try:
        assert not any("imported" in layer.id for layer in studio.displayed.layers(project.id))
        assert "it is kept as imported.damaged-" in caplog.text
        (said,) = (note for note in project.notes if "imported.json" in note)
        assert "is kept as imported.damaged-" in said
    finally:
        file.write_text(kept, encoding="utf-8")


def test_a_stored_name_leads_to_no_other_file(made: tuple[Studio, Project], caplog: pytest.LogCaptureFixture) -> None:
    """A project's folder may come from a stranger: the id is a part of a file's name."""
    studio, project = made
    folder = project.folder / "maps"
    folder.mkdir(exist_ok=True)
    entry = {"id": "../../../other/maps/0123456789ab", "title": "a", "file": "b", "notes": []}
    (folder / "imported.json").write_text(json.dumps({"maps": [entry]}))
    assert studio.imported.listed(project.id) == []
    assert "1 entries make no sense" in caplog.text


def test_a_class_that_takes_a_name_of_the_reference_counts_from_then_on(
    made: tuple[Studio, Project], tmp_path: Path
) -> None:
    studio, project = made
    upper, lower = project.schema.classes
    values = np.full((24, 30), 1)
    values[12:] = 2
    other = project.add_class("Meadow")
    project.delete_class(lower.id)
    layer = studio.imported.add(project.id, a_map(tmp_path / "m.tif", values, {1: upper.name, 2: "Meadow"}))
    before = studio.displayed.find(project.id, layer).report
    project.rename_class(other.id, lower.name)
    after = studio.displayed.find(project.id, layer).report
    project.undo()
    project.undo()
    assert before is not None
    assert after is not None
    assert before.main.problem
    assert after.main.oa is not None
    assert after.main.oa.value == 1.0
