"""What is shown is what is exported and judged, whatever it is; what was chosen last is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hsi_studio import Studio
from hsi_studio.cli.main import main
from hsi_studio.engine.evaluation.map_accuracy import accuracy_report
from hsi_studio.errors import BadRequest, LabelProblem
from hsi_studio.project.store import Project
from hsi_studio.ui.viewer.page_state import Present
from hsi_studio.ui.viewer.tile_routes import Screen, router
from tests.studio.shown import (
    COMPARISON,
    MODEL,
    PREVIEW,
    RUN,
    add_comparison,
    add_model,
    add_run,
    add_text_map,
    project_with_reference,
)

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
ARM, DIFFERENCE = f"comparison:{COMPARISON}/1", f"comparison:{COMPARISON}/0-1"
EVERY = ["live", f"run:{RUN}", f"run:{PREVIEW}", f"model:{MODEL}", "texts", ARM, DIFFERENCE]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, Project]]:
    """A project with a map of every kind."""
    folder = tmp_path_factory.mktemp("whole")
    studio = Studio(home=folder / "home", data_root=folder / "data")
    project = project_with_reference(studio, folder / "data")
    add_run(studio, project)
    add_run(studio, project, PREVIEW, "preview.npz", title="An unfinished one")
    add_model(studio, project)
    add_text_map(studio, project)
    add_comparison(studio, project)
    studio.displayed.find(project.id, "live")  # waits for it
    yield studio, project
    studio.close()


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Studio, Project]]:
    """A project with its live map alone."""
    studio = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    project = project_with_reference(studio, tmp_path / "data")
    studio.displayed.find(project.id, "live")
    yield studio, project
    studio.close()


def show(studio: Studio, project: Project, layer: str) -> None:
    source, _, item = layer.partition(":")
    studio.displayed.show(project.id, source, item)


def on_screen(studio: Studio, project: Project, revision: str = "0") -> np.ndarray:
    """The class codes that the page paints: it fetches them by the viewer's own route."""
    app = FastAPI()
    app.include_router(router(Screen(studio)))
    answer = TestClient(app).get(f"/hsi/map/{project.id}/{revision}.bin")
    assert answer.status_code == 200, answer.text
    return np.frombuffer(answer.content, np.uint8).reshape(30, 30)


# ── the export is what is on the screen ─────────────────────────────────────────────────────────


@pytest.mark.parametrize("layer", EVERY)
def test_an_export_holds_the_map_on_the_screen_and_says_which(
    whole: tuple[Studio, Project], tmp_path: Path, layer: str
) -> None:
    studio, project = whole
    show(studio, project, layer)
    shown = studio.displayed.left(project.id)
    assert shown is not None
    assert shown.layer == layer
    (file,) = [f for f in studio.export(project.id, tmp_path) if f.name.endswith("_map.tif")]
    with rasterio.open(file) as tiff:
        codes, tags = tiff.read(1), tiff.tags()
    np.testing.assert_array_equal(codes, on_screen(studio, project))
    np.testing.assert_array_equal(codes, shown.prediction.label)
    assert tags["layer"] == layer
    assert tags["map_title"] == shown.title
    methods = {"live": "live", f"model:{MODEL}": "lda", "texts": "texts", ARM: "knn", DIFFERENCE: "difference"}
    assert tags["method"] == methods.get(layer, "svm")
    assert tags["map_source"] == ("preview" if PREVIEW in layer else layer.partition(":")[0])


def test_no_two_of_these_maps_are_alike(whole: tuple[Studio, Project]) -> None:
    """Else the test above could not fail."""
    studio, project = whole
    seen = [studio.displayed.find(project.id, layer).prediction.label.tobytes() for layer in EVERY]
    assert len(set(seen)) == len(EVERY)


@pytest.mark.slow
def test_exports_of_two_maps_do_not_take_each_others_name(whole: tuple[Studio, Project], tmp_path: Path) -> None:
    studio, project = whole
    names = [{f.name for f in studio.export(project.id, tmp_path, which=layer) if "_map" in f.name} for layer in EVERY]
    assert all(len(own) == 6 for own in names)
    assert len(set().union(*names)) == 6 * len(EVERY)


def test_any_map_is_exported_by_its_id_whatever_is_shown(whole: tuple[Studio, Project]) -> None:
    studio, project = whole
    show(studio, project, "live")
    find = studio.displayed.find
    assert find(project.id, RUN).layer == f"run:{RUN}"
    assert find(project.id, MODEL).layer == f"model:{MODEL}"
    assert find(project.id, f"{COMPARISON}/1").layer == ARM
    assert find(project.id, COMPARISON).title == "lda"  # its first arm
    with pytest.raises(BadRequest, match="run:" + RUN):  # what there is
        find(project.id, "nobody")
    with pytest.raises(BadRequest):
        find(project.id, f"comparison:{COMPARISON}/9")
    with pytest.raises(BadRequest):
        find(project.id, f"comparison:{COMPARISON}/../../..")


def test_without_a_map_the_export_says_what_is_missing(tmp_path: Path) -> None:
    studio = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    project = project_with_reference(studio, tmp_path / "data")
    for row, col in list(project.points):
        studio.remove_label(project.id, row, col)
    with pytest.raises(LabelProblem, match=r"[Ll]abel"):
        studio.export(project.id, tmp_path)
    studio.close()


def test_from_the_shell(
    whole: tuple[Studio, Project],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    studio, project = whole
    monkeypatch.setenv("HSI_STUDIO_HOME", str(studio.home))
    out = tmp_path / "map.tif"
    for words, layer in (
        ([project.id], "live"), ([RUN], f"run:{RUN}"), ([MODEL], f"model:{MODEL}"), ([project.id, "--layer", ARM], ARM),
    ):  # fmt: skip
        assert main(["export", *words, "--out", str(out), "--confidence", str(tmp_path / "sure.tif")]) == 0
        with rasterio.open(out) as tiff:
            assert tiff.tags()["layer"] == layer
            np.testing.assert_array_equal(tiff.read(1), studio.displayed.find(project.id, layer).prediction.label)
        said = capsys.readouterr().out.splitlines()
        label = studio.displayed.find(project.id, layer).prediction.label
        assert [line.split()[-2] for line in said] == [str((label == k + 1).sum()) for k in range(2)]
    assert (tmp_path / "sure.tif").is_file()


def test_the_shell_says_what_it_does_not_know(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["export", "nobody", "--out", str(tmp_path / "map.tif")]) == 2
    assert "no project, run or model 'nobody'" in capsys.readouterr().err


# ── so is its accuracy ──────────────────────────────────────────────────────────────────────────


def test_a_runs_accuracy_is_on_its_own_labels(made: tuple[Studio, Project]) -> None:
    studio, project = made
    run = add_run(studio, project)
    expected = accuracy_report(run, project.labels(), studio.scene_of(project.id))
    studio.label(project.id, 20, 20, project.schema.classes[1].id)  # came later: it was not trained on
    show(studio, project, f"run:{RUN}")
    shown = studio.displayed.left(project.id)
    assert shown is not None
    assert shown.report is not None
    assert shown.report.main.oa == expected.main.oa
    assert shown.report.main.n == 30 * 29 - 6


def test_a_models_accuracy_leaves_out_the_labelled_pixels_and_says_what_is_not_known(
    whole: tuple[Studio, Project],
) -> None:
    studio, project = whole
    shown = studio.displayed.find(project.id, MODEL)
    assert shown.report is not None
    expected = accuracy_report(shown.prediction, project.labels(), studio.scene_of(project.id))
    assert shown.report.main.oa == expected.main.oa
    assert "not known here" in " ".join(shown.report.notes)


def test_an_arms_accuracy_leaves_out_what_was_drawn_for_it(whole: tuple[Studio, Project]) -> None:
    studio, project = whole
    shown = studio.displayed.find(project.id, ARM)
    assert shown.report is not None
    assert shown.report.main.n == 30 * 29 - 6
    assert "without the 6 drawn pixels" in shown.report.main.words
    assert "your" not in shown.report.main.words + shown.report.main.title
    assert studio.displayed.find(project.id, DIFFERENCE).report is None


@pytest.mark.parametrize("layer", [layer for layer in EVERY if layer not in (DIFFERENCE, f"run:{PREVIEW}")])
def test_the_table_per_class_is_the_displayed_maps(whole: tuple[Studio, Project], layer: str) -> None:
    studio, project = whole
    show(studio, project, layer)
    panels = Present(studio).map_tab(project.id)
    shown = studio.displayed.left(project.id)
    assert shown is not None
    assert shown.report is not None
    recall = [score.recall for score in shown.report.main.classes]
    assert recall
    assert all(f"{100 * value:.1f}" in panels["hsi-map-classes"] for value in recall if value is not None)
    assert shown.title in panels["hsi-map-shown"]


def test_a_map_without_figures_has_none_of_another(whole: tuple[Studio, Project]) -> None:
    studio, project = whole
    for layer in (f"run:{PREVIEW}", DIFFERENCE):
        show(studio, project, layer)
        assert "head" not in Present(studio).map_tab(project.id)["hsi-map-classes"]


# ── choosing ────────────────────────────────────────────────────────────────────────────────────


def test_what_was_chosen_last_is_shown(whole: tuple[Studio, Project]) -> None:
    studio, project = whole
    for layer in [*EVERY, *reversed(EVERY)]:
        show(studio, project, layer)
        left = studio.displayed.left(project.id)
        assert left is not None
        assert left.layer == layer


def test_the_stamp_changes_when_what_is_shown_changes(made: tuple[Studio, Project]) -> None:
    studio, project = made
    stamps = [studio.displayed.stamp(project.id)]

    def changed() -> None:
        stamps.append(studio.displayed.stamp(project.id))
        assert stamps[-1] == studio.displayed.stamp(project.id)  # only then
        assert stamps[-1] not in stamps[:-1]

    studio.label(project.id, 20, 20, project.schema.classes[1].id)
    studio.displayed.find(project.id, "live")
    changed()
    add_text_map(studio, project)
    show(studio, project, "texts")
    changed()
    add_text_map(studio, project, seed=6, serial=2)  # other words, the same labels
    changed()
    run = project.folder / "runs" / PREVIEW
    add_run(studio, project, PREVIEW, "preview.npz")
    show(studio, project, f"run:{PREVIEW}")
    changed()
    (run / "preview.npz").touch()
    changed()
    studio.displayed.show_beside(project.id, "texts")
    changed()
    add_run(studio, project)
    studio.displayed.show_beside(project.id, f"run:{RUN}")
    changed()


def test_two_maps_stand_beside_each_other(whole: tuple[Studio, Project]) -> None:
    studio, project = whole
    studio.displayed.show(project.id, "comparison", f"{COMPARISON}/0", beside=ARM)
    left, right = studio.displayed.left(project.id), studio.displayed.right(project.id)
    assert left is not None
    assert right is not None
    assert (left.title, right.title) == ("lda", "knn")
    np.testing.assert_array_equal(on_screen(studio, project, "beside"), right.prediction.label)
    show(studio, project, "live")
    assert studio.displayed.right(project.id) is None  # an arm goes with the other
    studio.displayed.show_beside(project.id, f"model:{MODEL}")
    show(studio, project, f"run:{RUN}")
    assert studio.displayed.chosen(project.id) == (f"run:{RUN}", f"model:{MODEL}")
    studio.displayed.show_beside(project.id)
    assert studio.displayed.right(project.id) is None


def test_a_map_in_the_making_leaves_the_one_before_it(made: tuple[Studio, Project]) -> None:
    studio, project = made
    add_run(studio, project)
    add_model(studio, project)
    show(studio, project, f"run:{RUN}")
    (project.folder / "maps" / f"{MODEL}.npz").unlink()
    studio.models.maps.forget(MODEL)
    show(studio, project, f"model:{MODEL}")
    left = studio.displayed.left(project.id)
    assert left is not None
    assert left.layer == f"run:{RUN}"  # and says so: an export now is of this one
    studio.models.map(MODEL, project.id)
    left = studio.displayed.left(project.id)
    assert left is not None
    assert left.layer == f"model:{MODEL}"


def test_what_has_gone_is_shown_no_more(made: tuple[Studio, Project]) -> None:
    studio, project = made
    add_run(studio, project)
    studio.displayed.show(project.id, "run", RUN, beside=f"run:{RUN}")
    studio.runs.delete(RUN)
    assert studio.displayed.chosen(project.id) == ("live", "")
    with pytest.raises(BadRequest, match="no run"):
        show(studio, project, f"run:{RUN}")
    with pytest.raises(BadRequest, match="no kind of map"):
        show(studio, project, "painting")


def test_a_run_of_another_project_is_not_shown(made: tuple[Studio, Project], tmp_path: Path) -> None:
    studio, project = made
    other = project_with_reference(studio, tmp_path / "data")
    add_run(studio, other)
    add_comparison(studio, other)
    for layer in (f"run:{RUN}", ARM):
        with pytest.raises(BadRequest, match="in this project"):
            show(studio, project, layer)
    assert [layer.id for layer in studio.displayed.maps(project.id)] == ["live", "reference"]


# ── the list of layers ──────────────────────────────────────────────────────────────────────────


def test_the_layers_are_listed_with_what_is_shown(whole: tuple[Studio, Project]) -> None:
    studio, project = whole
    studio.displayed.show(project.id, "texts", beside=ARM)
    layers = {layer.id: layer for layer in studio.displayed.maps(project.id)}
    lda = f"comparison:{COMPARISON}/0"
    runs = [f"run:{PREVIEW}", f"run:{RUN}"]  # newest first
    assert list(layers) == ["live", "texts", *runs, f"model:{MODEL}", lda, ARM, DIFFERENCE, "reference"]
    assert {key: layer.shown for key, layer in layers.items() if layer.shown} == {"texts": "left", ARM: "right"}
    assert all(layer.ready for layer in layers.values())
    for key in layers:
        show(studio, project, key)  # what is listed can be shown


def test_twins_are_told_apart_by_what_they_differ_in(made: tuple[Studio, Project]) -> None:
    studio, project = made
    for k, seed in enumerate((0, 1, 1)):
        add_run(studio, project, f"20260101-12000{k}-abcdef", seed=seed, created=f"2026-01-01T12:00:0{k}Z")
    add_run(studio, project, "20260101-120009-abcdef", title="Alone")
    titles = [layer.title for layer in studio.displayed.maps(project.id)]
    assert titles == [
        "Map of your labels",
        "Alone",
        "SVM, 3 labels a class · seed 1, 2026-01-01 12:00:02",
        "SVM, 3 labels a class · seed 1, 2026-01-01 12:00:01",
        "SVM, 3 labels a class · seed 0, 2026-01-01 12:00:00",
        "Reference",
    ]


@pytest.mark.parametrize("layer", EVERY)
def test_a_class_renamed_since_has_one_name_everywhere(whole: tuple[Studio, Project], layer: str) -> None:
    """The legend and the labels have the name of today; matrix, areas and exports had that of the training."""
    studio, project = whole
    before = studio.displayed.find(project.id, layer)
    first = project.schema.classes[0]
    studio.edit(project.id, lambda it: it.rename_class(first.id, "Meadow"))
    try:
        found, again = (studio.displayed.find(project.id, layer) for _ in range(2))
        names = found.prediction.schema.names
        assert first.name not in names
        if layer != DIFFERENCE:  # its classes are "the same" and "other"
            assert names[0] == "Meadow"
        np.testing.assert_array_equal(found.prediction.label, before.prediction.label)
        assert again.prediction is found.prediction
        for block in () if found.report is None else (found.report.main, found.report.buffered):
            assert block is None or first.name not in [row.info.name for row in block.classes]
    finally:
        studio.edit(project.id, lambda it: it.undo())


def test_a_class_that_the_project_has_no_more_is_not_mixed_up_with_its_namesake(made: tuple[Studio, Project]) -> None:
    studio, project = made
    add_run(studio, project)
    upper, lower = project.schema.classes
    studio.edit(project.id, lambda it: it.delete_class(upper.id))
    studio.edit(project.id, lambda it: it.rename_class(lower.id, upper.name))
    found = studio.displayed.find(project.id, f"run:{RUN}")
    assert found.prediction.schema.names == [f"{upper.name} (of this map)", upper.name]
