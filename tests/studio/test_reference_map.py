"""The reference is a layer like the others: to look at and to export, never measured and never seen by a method."""

from __future__ import annotations

import html
from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.errors import BadRequest
from hsi_studio.project.store import Project
from hsi_studio.studio.reference_map import reference_picture
from hsi_studio.types import ClassInfo, ClassSchema
from tests.studio.models import scene_file
from tests.studio.shown import project_with_reference


@pytest.fixture
def project(studio: Studio, tmp_path: Path) -> Project:
    return project_with_reference(studio, tmp_path / "data")


def test_it_is_listed_shown_and_exported(studio: Studio, project: Project, tmp_path: Path) -> None:
    assert "reference" in [layer.id for layer in studio.displayed.layers(project.id)]
    studio.displayed.show(project.id, "reference")
    shown = studio.displayed.left(project.id)
    assert shown is not None
    assert shown.title == "Reference"
    assert shown.report is None
    told = studio.displayed.unmeasured(shown)
    assert "the scene's reference" in told
    assert html.escape(told, quote=True) in studio.reports.page(shown)  # nor does the report say there is none
    assert np.array_equal(shown.prediction.label, studio.scene_of(project.id).reference)
    assert studio.displayed.find(project.id).layer == "reference"


def test_the_picture_changes_only_with_the_classes(studio: Studio, project: Project) -> None:
    studio.displayed.show(project.id, "reference")
    first = studio.displayed.left(project.id)
    again = studio.displayed.left(project.id)
    assert first is not None
    assert again is not None
    assert first.prediction is again.prediction
    studio.edit(project.id, lambda it: it.rename_class(it.schema.classes[0].id, "the upper half"))
    renamed = studio.displayed.left(project.id)
    assert renamed is not None
    assert renamed.stamp != first.stamp
    assert renamed.prediction.schema.classes[0].name == "the upper half"


def test_classes_of_the_project_keep_their_colour_and_others_follow(studio: Studio, project: Project) -> None:
    scene = studio.scene_of(project.id)
    (_, upper), (_, lower) = scene.reference_classes
    schema = ClassSchema((ClassInfo("x", "mine", "#123456"), ClassInfo("y", lower, "#abcdef")))
    picture = reference_picture(scene, schema)
    assert [info.name for info in picture.schema.classes] == ["mine", lower, upper]
    assert picture.schema.classes[1].color == "#abcdef"
    assert scene.reference is not None
    assert set(picture.label[scene.reference == 2].tolist()) == {2}
    assert set(picture.label[scene.reference == 1].tolist()) == {3}


def test_a_scene_without_one_has_no_such_layer(studio: Studio, tmp_path: Path) -> None:
    project = studio.new_project(scene_file(tmp_path / "plain"))
    assert "reference" not in [layer.id for layer in studio.displayed.layers(project.id)]
    with pytest.raises(BadRequest, match="no reference to show"):
        studio.displayed.show(project.id, "reference")
