"""`project.json`: what a list shows, and descriptions that are refused because they are not whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.project.metadata import SCHEMA_VERSION, classes_of, list_projects, read_about
from hsi_studio.project.store import Project
from tests.project.small import small_scene, striped_reference


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path, small_scene(), {"spec": "small", "dsm": "heights.npy"}, "My field")


def test_a_list_shows_what_the_project_is_without_opening_its_scene(project: Project, tmp_path: Path) -> None:
    for name in ("Corn", "Wood"):
        project.add_class(name)
    (tmp_path / ".trash").mkdir()
    (tmp_path / "holiday photos").mkdir()  # a folder that never was a project is not listed as a damaged one
    (found,) = list_projects(tmp_path)
    assert (found.id, found.title, found.problem) == (project.id, "My field", "")
    assert found.scene_spec == {"spec": "small", "dsm": "heights.npy"}
    assert found.scene_id == small_scene().id
    assert found.actions == 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda about: about.pop("title"),
        lambda about: about.update(title=5),
        lambda about: about["scene"].update(shape=[0, 16, 5]),
        lambda about: about["scene"].update(spec="small"),
        lambda about: about.update(classes=[{"name": "Corn"}]),
    ],
    ids=["no title", "title is a number", "no rows", "spec is text", "class without an id"],
)
def test_a_description_that_is_not_whole_is_refused_with_a_way_out(
    project: Project, spoil: Callable[[dict[str, Any]], object]
) -> None:
    file = project.folder / "project.json"
    about = json.loads(file.read_text(encoding="utf-8"))
    spoil(about)
    file.write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(CorruptFile, match=r"project\.json.*Restore the file from a backup"):
        read_about(project.folder)


def test_a_missing_description_is_told_apart_from_a_damaged_one(project: Project) -> None:
    assert read_about(project.folder).schema_version == SCHEMA_VERSION
    (project.folder / "project.json").unlink()
    with pytest.raises(FileProblem, match="cannot be read") as caught:
        read_about(project.folder)
    assert not isinstance(caught.value, CorruptFile)


def test_a_class_without_a_readable_name_is_called_after_its_value() -> None:
    scene = small_scene(reference=striped_reference(), reference_names={1: "Corn", 2: "\x00\n", 3: "x" * 90})
    names = [info.name for info in classes_of(scene)]
    assert names == ["Corn", "Class 2", "x" * 70]
