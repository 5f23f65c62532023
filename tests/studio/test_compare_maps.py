"""Maps of a comparison by their names: "RUN/0" and "RUN/0-1", whose colours and objects stay while nothing changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.engine.compare.results import read_comparison
from hsi_studio.errors import BadRequest
from hsi_studio.project.store import Project
from hsi_studio.studio.compare_maps import CompareMaps, _not_yours, _parsed
from hsi_studio.types import Prediction
from hsi_studio.ui.tabs.compare.values import result_value
from tests.studio.models import labelled, scene_file
from tests.studio.shown import COMPARISON, add_comparison, project_with_reference


@pytest.fixture
def project(studio: Studio, tmp_path: Path) -> Project:
    return project_with_reference(studio, tmp_path / "data")


@pytest.fixture
def arms(studio: Studio, project: Project) -> tuple[Prediction, Prediction]:
    return add_comparison(studio, project)


def test_an_item_is_a_run_and_one_or_two_numbers() -> None:
    assert _parsed("run") == ("run", (0,))
    assert _parsed("run/2") == ("run", (2,))
    assert _parsed("run/0-12") == ("run", (0, 12))
    for wrong in ("run/a", "run/1-", "run/1-2-3", "run/-1", "run/1234", "run/0/1", "run/0\n"):
        with pytest.raises(BadRequest, match="write RUN/0 for an arm"):
            _parsed(wrong)


def test_arms_are_listed_and_then_where_each_differs_from_the_first(
    studio: Studio, project: Project, arms: tuple[Prediction, Prediction]
) -> None:
    listed = studio.compare.maps.listed(project.id)
    assert [(layer.id, layer.title) for layer in listed] == [
        (f"comparison:{COMPARISON}/0", "lda"),
        (f"comparison:{COMPARISON}/1", "knn"),
        (f"comparison:{COMPARISON}/0-1", "Where lda and knn differ"),
    ]
    assert studio.compare.maps.arms(f"{COMPARISON}/0-1") == ("lda", "knn")
    with pytest.raises(BadRequest, match="no arm 2 with a map"):
        studio.compare.maps.arms(f"{COMPARISON}/2")


def test_a_map_is_the_same_object_until_the_classes_change(
    studio: Studio, project: Project, arms: tuple[Prediction, Prediction]
) -> None:
    maps, item = studio.compare.maps, f"{COMPARISON}/1"

    def prediction() -> Prediction:
        shown = maps.displayed(project.id, item)
        assert shown is not None
        return shown.prediction

    first = prediction()
    np.testing.assert_array_equal(first.label, arms[1].label)
    assert prediction() is first
    upper = project.schema.classes[0]
    project.recolour_class(upper.id, "#123456")
    again = prediction()
    assert again is not first
    assert again.schema.classes[0].color == "#123456"


def test_classes_that_the_project_lacks_get_colours_of_their_own(
    studio: Studio, project: Project, arms: tuple[Prediction, Prediction]
) -> None:
    comparison = read_comparison(studio.runs.folder(COMPARISON))
    assert comparison is not None
    known = project.schema.classes[1]
    names = (*comparison.classes, "Water", "Road")
    found = studio.compare.maps.schema(project.id, comparison.model_copy(update={"classes": names}), COMPARISON)
    assert [info.name for info in found.classes[2:]] == ["Water", "Road"]
    assert found.classes[2].color == "#0072b2"  # by their meaning
    assert found.classes[1].id == known.id
    assert len({info.color for info in found.classes}) == 4
    project.rename_class(known.id, "Meadow")  # tied by its value in the reference, not by its name
    assert studio.compare.maps.schema(project.id, comparison, COMPARISON).classes[1].name == "Meadow"
    told = result_value(studio, project.id, comparison, COMPARISON)
    assert told["notes"][-1] == f"Named otherwise in the reference: “{comparison.classes[1]}” is “Meadow” now."


def test_without_a_reference_the_labels_say_who_is_right(studio: Studio, tmp_path: Path) -> None:
    project = labelled(studio, scene_file(tmp_path / "plain"))
    for col, info in [(col, info) for col in range(20, 28) for info in project.schema.classes]:
        project.toggle_point(2 if info.name == "upper" else 25, col, info.id)
    a, b = add_comparison(studio, project)
    found = read_comparison(studio.runs.folder(COMPARISON))
    assert found is not None
    found = found.model_copy(update={"classes": ("upper", "lower"), "basis": "labels"})
    labels = project.labels()  # those the comparison has in its folder
    project.rename_class(project.schema.classes[0].id, "Sky")
    for col in range(3, 9):
        project.toggle_point(5, col, project.schema.classes[1].id)
    maps = CompareMaps(studio.workspace, studio.runs, lambda run: found)
    shown = maps.displayed(project.id, f"{COMPARISON}/0-1")
    assert shown is not None
    expected = np.where(a.label != b.label, 3, 0)
    for row, col, label in zip(labels.row, labels.col, labels.label + 1, strict=True):  # maps count classes from 1
        if a.label[row, col] != b.label[row, col]:
            expected[row, col] = 1 if a.label[row, col] == label else 2
    assert {0, 1, 2, 3} == set(np.unique(expected).tolist())
    np.testing.assert_array_equal(shown.prediction.label, expected)
    assert maps.report(replace(shown, id=f"{COMPARISON}/0")) is None  # nothing to judge a map on


def test_classes_of_labels_are_known_by_their_ids_also_when_two_exchanged_their_names(
    studio: Studio, tmp_path: Path
) -> None:
    """By name, the map of what was "upper" had the colour and the name of what is "upper" now: the other class."""
    project = labelled(studio, scene_file(tmp_path / "plain"))
    upper, lower = project.schema.classes
    add_comparison(studio, project)
    found = read_comparison(studio.runs.folder(COMPARISON))
    assert found is not None
    found = found.model_copy(update={"classes": (upper.name, lower.name), "basis": "labels"})
    maps = CompareMaps(studio.workspace, studio.runs, lambda run: found)
    for info, name in ((upper, "between"), (lower, upper.name), (upper, lower.name)):
        project.rename_class(info.id, name)
    shown = maps.displayed(project.id, f"{COMPARISON}/0")
    assert shown is not None
    assert [(one.id, one.name) for one in shown.prediction.schema.classes] == [
        (upper.id, lower.name), (lower.id, upper.name),
    ]  # fmt: skip
    told = result_value(studio, project.id, found, COMPARISON)
    assert told["notes"][-1] == "Renamed since it was compared: “upper” is “lower” now; “lower” is “upper” now."
    project.delete_class(upper.id)
    gone, kept = maps.schema(project.id, found, COMPARISON).classes
    assert (gone.id, gone.name) == ("compared-0", "upper (deleted)")  # "upper" is the name of the other by now
    assert (kept.id, kept.name) == (lower.id, upper.name)


def test_a_comparison_of_elsewhere_or_without_a_seed_is_not_shown(
    studio: Studio, project: Project, arms: tuple[Prediction, Prediction], tmp_path: Path
) -> None:
    other = labelled(studio, scene_file(tmp_path / "data", "other", seed=1))
    with pytest.raises(BadRequest, match=r"no comparison .* in this project"):
        studio.compare.maps.displayed(other.id, f"{COMPARISON}/0")
    unfinished = CompareMaps(studio.workspace, studio.runs, lambda run: None)
    with pytest.raises(BadRequest, match="first seed is still running"):
        unfinished.displayed(project.id, f"{COMPARISON}/0")
    assert unfinished.listed(project.id) == []


def test_a_report_speaks_of_what_was_drawn() -> None:
    assert _not_yours("without your 6 labelled pixels") == "without the 6 drawn pixels"
    assert _not_yours("the class you labelled") == "the class"
    assert _not_yours("On your labels") == "On the drawn labels"
