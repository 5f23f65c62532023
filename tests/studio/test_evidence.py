"""Evidence of a layer: areas, matrix cells, two maps on the same pixels, certificates, edited layers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.engine.evaluation.areas import estimate_areas
from hsi_studio.errors import BadRequest, CorruptFile, StudioError, TooFewLabels
from hsi_studio.project.store import Project
from hsi_studio.studio.certify import _small
from hsi_studio.studio.evidence import Areas, ClassArea
from hsi_studio.types import ClassInfo, ClassSchema
from tests.studio.shown import COMPARISON, RUN, add_comparison, add_run, add_text_map, project_with_reference


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, Project]]:
    folder = tmp_path_factory.mktemp("evidence")
    studio = Studio(home=folder / "home", data_root=folder / "data")
    project = project_with_reference(studio, folder / "data")
    add_run(studio, project)
    add_text_map(studio, project)
    add_comparison(studio, project)
    studio.displayed.find(project.id, "live")
    studio.live(project.id).wait(project.revision, 30, report=True)
    yield studio, project
    studio.close()


# ── which map is shown ──────────────────────────────────────────────────────────────────────────


def test_a_label_brings_back_the_map_that_follows_labels(made: tuple[Studio, Project]) -> None:
    studio, project = made
    studio.displayed.show(project.id, "run", RUN)
    assert studio.displayed.follow_labels(project.id) == "SVM, 3 labels a class"
    assert studio.displayed.chosen(project.id)[0] == "live"
    assert studio.displayed.follow_labels(project.id) == ""


def test_every_layer_knows_the_pixels_it_was_made_from(made: tuple[Studio, Project]) -> None:
    studio, project = made
    count = {}
    for layer in ("live", f"run:{RUN}", "texts", f"comparison:{COMPARISON}/1"):
        seen = studio.displayed.find(project.id, layer).seen
        assert seen is not None
        count[layer.partition(":")[0]] = len(seen)
    assert count == {"live": 6, "run": 6, "texts": 0, "comparison": 6}  # 3 shots of two classes
    assert studio.displayed.find(project.id, f"comparison:{COMPARISON}/0-1").seen is None


# ── the same pixels ─────────────────────────────────────────────────────────────────────────────


def test_a_comparison_uses_one_set_of_pixels_for_both_sides(made: tuple[Studio, Project]) -> None:
    """Neither the live map's labels nor the pixels drawn for the comparison count, on either side."""
    studio, project = made
    other = f"comparison:{COMPARISON}/0"
    found = studio.evidence.compare(project.id, "live", other)
    maps = [studio.displayed.find(project.id, layer) for layer in ("live", other)]
    scene = studio.scene_of(project.id)
    assert scene.reference is not None
    tested = (scene.reference > 0) & scene.valid
    for one in maps:
        assert one.seen is not None
        tested[one.seen.row, one.seen.col] = False
    share = [float((one.prediction.label == scene.reference)[tested].mean()) for one in maps]
    assert found.n == tested.sum()
    assert found.first is not None
    assert found.second is not None
    assert found.difference is not None
    assert [found.first.value, found.second.value] == pytest.approx(share)
    assert found.difference.value == pytest.approx(share[1] - share[0])
    assert f"the same {found.n} reference pixels" in found.words


def test_a_map_against_itself_differs_by_nothing(made: tuple[Studio, Project]) -> None:
    studio, project = made
    found = studio.evidence.compare(project.id, f"run:{RUN}", f"run:{RUN}", buffered=True)
    assert found.difference is not None
    assert (found.difference.value, found.difference.low, found.difference.high) == (0, 0, 0)


# ── the matrix ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("buffered", [False, True])
def test_a_cell_of_the_matrix_has_as_many_pixels_as_it_says(made: tuple[Studio, Project], buffered: bool) -> None:
    studio, project = made
    report = studio.displayed.find(project.id, f"run:{RUN}").report
    block = report.buffered if buffered else report.main
    ids = [one.info.id for one in block.classes]
    for i, true in enumerate(ids):
        for j, told in enumerate([*ids, ""]):
            mask = studio.evidence.cell(project.id, true, told, f"run:{RUN}", buffered)
            assert mask.sum() == block.confusion[i, j]
    with pytest.raises(BadRequest, match="not counted"):
        studio.evidence.cell(project.id, "nobody", ids[0], f"run:{RUN}")


# ── certify ─────────────────────────────────────────────────────────────────────────────────────


def test_a_certificate_from_a_sample_labelled_blind(made: tuple[Studio, Project], tmp_path: Path) -> None:
    """All pixels are told as the reference has them: the interval holds the truth, which is known here."""
    studio, project = made
    layer, scene = f"run:{RUN}", studio.scene_of(project.id)
    counted = studio.evidence.areas(project.id, layer)
    assert all(one.estimate is None for one in counted.classes)
    plan = studio.certify.plan(project.id, layer, 0.05)
    sample = studio.certify.draw(project.id, layer, 0.05, seed=2)
    assert np.bincount(sample.stratum).tolist() == plan.count.tolist()
    assert sample.next == 0
    assert "No pixel of" in studio.certify.result(project.id).problem
    truth = {info.reference_value: info.id for info in project.schema.classes}
    assert scene.reference is not None
    for n, (row, col) in enumerate(zip(sample.row.tolist(), sample.col.tolist(), strict=True)):
        studio.certify.answer(project.id, n, truth[int(scene.reference[row, col])])
    found = studio.certify.result(project.id)
    assert found.estimates is not None
    real = [float((scene.reference[scene.valid] == value).mean()) for value in (1, 2)]
    for one, value in zip(found.estimates.area, real, strict=True):
        assert one.low <= value <= one.high
    areas = studio.evidence.areas(project.id, layer)
    total = sum(one.pixels for one in areas.classes)
    assert sum(one.estimate.value for one in areas.classes if one.estimate) == pytest.approx(total)
    assert "labelled without seeing the map" in areas.words
    other = studio.certify.result(project.id, "live")
    assert "not the strata of the sample" in other.words

    file = studio.certify.write_file(project.id, tmp_path / "sample.gpkg")
    for n in range(len(sample.answers)):
        studio.certify.answer(project.id, n, None)
    assert studio.certify.sample(project.id).done == 0
    studio.certify.read_file(project.id, file)
    again = studio.certify.result(project.id).estimates
    assert again is not None
    assert (again.overall, again.area, again.n) == (found.estimates.overall, found.estimates.area, found.estimates.n)


def test_a_class_renamed_since_leaves_the_map_the_one_that_was_sampled(made: tuple[Studio, Project]) -> None:
    studio, project = made
    layer = f"run:{RUN}"
    sample = studio.certify.draw(project.id, layer, 0.05, seed=2)
    info = project.schema.classes[0]
    project.rename_class(info.id, "Quite another name")
    assert "No pixel of Quite another name" in studio.certify.result(project.id, layer).problem
    for n, stratum in enumerate(sample.stratum.tolist()):  # nobody disagrees with the map
        studio.certify.answer(project.id, n, sample.classes.classes[stratum].id)
    found = studio.certify.result(project.id, layer)
    project.rename_class(info.id, info.name)
    assert "another map" not in found.words
    assert found.classes[0].name == "Quite another name"
    assert found.estimates is not None
    assert (found.estimates.overall.value, found.estimates.overall.se) == (1.0, 0.0)
    assert found.words.endswith("so a standard error of 0 says nothing of the others")


def test_a_class_deleted_and_made_again_is_the_class_of_the_sample(tmp_path: Path) -> None:
    """Its id is another; whoever tells the pixels sees the same name, and so does the file that comes back."""
    studio = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    try:
        project = project_with_reference(studio, tmp_path / "data")
        add_run(studio, project)
        layer = f"run:{RUN}"
        sample = studio.certify.draw(project.id, layer, 0.05, seed=2)
        gone = project.schema.classes[0]
        project.delete_class(gone.id)
        project.add_class(gone.name)
        again = {info.name: info.id for info in project.schema.classes}
        for n, stratum in enumerate(sample.stratum.tolist()):  # nobody disagrees with the map
            studio.certify.answer(project.id, n, again[sample.classes.classes[stratum].name])
        for _ in ("answered on the page", "by the file"):
            found = studio.certify.result(project.id)
            assert [info.name for info in found.classes] == sample.classes.names
            assert found.estimates is not None
            assert found.estimates.overall.value == 1.0
            file = studio.certify.write_file(project.id, tmp_path / "sample.gpkg")
            assert studio.certify.read_file(project.id, file).startswith(str(len(sample.answers)))
        areas = studio.evidence.areas(project.id, layer)
        assert all(one.estimate is not None for one in areas.classes if one.pixels)
    finally:
        studio.close()


def test_the_file_of_a_sample_does_not_say_what_the_map_shows(made: tuple[Studio, Project], tmp_path: Path) -> None:
    from pyogrio.raw import read

    studio, project = made
    studio.certify.draw(project.id, f"run:{RUN}", 0.05)
    file = studio.certify.write_file(project.id, tmp_path / "sample.gpkg")
    meta, _, places, columns = read(str(file))
    assert meta["fields"].tolist() == ["id", "row", "col", "class", "note"]
    assert set(columns[3].tolist()) == {""}
    assert len(places) == len(studio.certify.sample(project.id).answers)
    (tmp_path / "no.gpkg").write_bytes(b"nothing")
    with pytest.raises(CorruptFile, match="no GeoPackage"):
        studio.certify.read_file(project.id, tmp_path / "no.gpkg")


def test_answers_of_another_sample_are_not_taken_for_this_one(made: tuple[Studio, Project], tmp_path: Path) -> None:
    """Both are numbered from 1, and of one size."""
    studio, project = made
    sample = studio.certify.draw(project.id, f"run:{RUN}", 0.05, seed=0)
    for n in range(len(sample.answers)):
        studio.certify.answer(project.id, n, project.schema.classes[0].id)
    file = studio.certify.write_file(project.id, tmp_path / "old.gpkg")
    assert len(studio.certify.draw(project.id, f"run:{RUN}", 0.05, seed=1).answers) == len(sample.answers)
    with pytest.raises(BadRequest, match="of another sample"):
        studio.certify.read_file(project.id, file)
    assert studio.certify.sample(project.id).done == 0


# ── edited layers ───────────────────────────────────────────────────────────────────────────────


def test_an_edited_layer_is_shown_judged_and_gone_again(made: tuple[Studio, Project]) -> None:
    studio, project = made
    below = studio.displayed.find(project.id, f"run:{RUN}")
    layer = studio.edits.add(project.id, "majority=1", f"run:{RUN}")
    studio.displayed.show(project.id, *layer.split(":", 1))
    shown = studio.displayed.left(project.id)
    assert shown is not None
    assert shown.layer == layer
    assert shown.title == "SVM, 3 labels a class, majority of 3 × 3"
    assert not np.array_equal(shown.prediction.label, below.prediction.label)
    assert shown.report is not None
    assert below.report is not None
    assert shown.report.main.n == below.report.main.n
    assert layer in [one.id for one in studio.displayed.layers(project.id)]
    assert studio.edits.add(project.id, "confidence=0.6", "shown") == f"edited:majority=1,confidence=0.6@run:{RUN}"
    studio.edits.remove(project.id, layer)
    left = studio.displayed.left(project.id)
    assert left is not None
    assert left.layer == f"run:{RUN}"


def test_steps_on_a_layer_that_has_gone_keep_no_list_from_being_made(made: tuple[Studio, Project]) -> None:
    studio, project = made
    other = "20260101-120008-abcdef"
    add_run(studio, project, other)
    layer = studio.edits.add(project.id, "majority=1", f"run:{other}")
    assert layer in [one.id for one in studio.displayed.layers(project.id)]
    studio.runs.delete(other)
    assert layer not in [one.id for one in studio.displayed.layers(project.id)]


def test_margins_need_the_model_and_say_so(made: tuple[Studio, Project]) -> None:
    studio, project = made
    layer = studio.edits.add(project.id, "margin=0.5", "live")
    shown = studio.displayed.find(project.id, layer)
    below = studio.displayed.find(project.id, "live")
    gone = (below.prediction.label > 0) & (shown.prediction.label == 0)
    kept = shown.prediction.label > 0
    assert (shown.prediction.label[kept] == below.prediction.label[kept]).all()
    assert gone.sum() + kept.sum() == (below.prediction.label > 0).sum()
    studio.edits.remove(project.id, layer)
    texts = studio.edits.add(project.id, "margin=0.5", "texts")
    with pytest.raises(StudioError, match="was not kept"):
        studio.displayed.find(project.id, texts)
    studio.edits.remove(project.id, texts)


# ── calibration and class sets ──────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_calibration_and_class_sets_of_the_live_map(made: tuple[Studio, Project]) -> None:
    studio, project = made
    found = studio.evidence.reliability(project.id, "live")
    assert found.after.ece <= found.before.ece + 0.02
    assert "reference pixels that the model has not seen" in found.words
    sets = studio.evidence.sets(project.id, "live", 0.9)
    assert sets.coverage > 0.8
    names = studio.evidence.set_at(project.id, 2, 3, "live")
    assert set(names) <= {info.name for info in project.schema.classes}
    with pytest.raises(TooFewLabels):
        studio.evidence.sets(project.id, "live", 0.9999)


# ── what figures say of themselves ──────────────────────────────────────────────────────────────


def test_pixels_that_steps_left_out_are_said_to_count_as_wrong_for_that_map(made: tuple[Studio, Project]) -> None:
    studio, project = made
    layer, scene = studio.edits.add(project.id, "confidence=0.7", f"run:{RUN}"), studio.scene_of(project.id)
    shown = studio.displayed.find(project.id, layer)
    assert scene.reference is not None
    assert shown.report is not None
    assert shown.seen is not None
    tested = (scene.reference > 0) & scene.valid
    tested[shown.seen.row, shown.seen.col] = False
    said = f"; {np.count_nonzero(tested & (shown.prediction.label == 0))} pixels without a class on"
    assert shown.report.main.words.endswith(f"{said} the map count as wrong")
    both = studio.evidence.compare(project.id, f"run:{RUN}", layer)
    assert both.words.endswith(f"{said} “{shown.title}” count as wrong")


def test_a_class_that_is_not_mapped_and_was_not_seen_has_no_estimate(made: tuple[Studio, Project]) -> None:
    """0 ± 0 would claim that there is none."""
    studio, project = made
    layer = f"run:{RUN}"
    sample = studio.certify.draw(project.id, layer, 0.05, seed=2)
    for n, stratum in enumerate(sample.stratum.tolist()):
        studio.certify.answer(project.id, n, sample.classes.classes[stratum].id)
    shown = studio.displayed.find(project.id, layer)
    extra = ClassInfo.new("Rare", "#123456")
    schema = ClassSchema((*shown.prediction.schema.classes, extra))
    wider = replace(shown, prediction=replace(shown.prediction, schema=schema))
    rows = studio.evidence.areas_of(wider).classes
    assert [one.info.name for one in rows if one.estimate is None] == ["Rare"]


@pytest.mark.parametrize(
    ("m2", "unit"), [(30.0, ("m²", 1.0, 4)), (9_999.0, ("m²", 1.0, 1)), (10_000.0, ("ha", 1e4, 2))]
)
def test_a_map_below_a_hectare_is_told_in_square_metres(m2: float, unit: tuple[str, float, int]) -> None:
    rows = tuple(ClassArea(ClassInfo.new(name, "#000000"), 1, m2 / 2) for name in "ab")
    assert Areas(rows, "").unit == unit
    without = tuple(ClassArea(ClassInfo.new(name, "#000000"), 1, None) for name in "ab")
    assert Areas(without, "").unit[0] == "pixels"


@pytest.mark.parametrize(
    ("stratum", "true", "said"),
    [
        ([0, 0, 0, 1], [0, 0, 1, 1], "; only one pixel of b was told, so its part of the standard errors is not known"),
        ([0, 0, 1, 1], [0, 0, 1, 1], "; within each class they were all right or all wrong, so a standard error of 0"),
        ([0, 0, 1, 1], [0, 1, 1, 1], ""),
    ],
)
def test_a_certificate_says_what_its_standard_errors_do_not_hold(
    stratum: list[int], true: list[int], said: str
) -> None:
    found = estimate_areas(np.array(stratum), np.array(stratum), np.array(true), np.array([50, 20]), 2)
    words = _small(found, [ClassInfo.new(name, "#000000") for name in "ab"])
    assert words.startswith(said)
    assert bool(words) == bool(said)
