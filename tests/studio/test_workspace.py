"""A workspace: one home folder, its scenes and projects; a guest's knows one project of the same home."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from hsi_studio.errors import BadRequest, FileProblem
from hsi_studio.studio.shared_server import SharedServer
from hsi_studio.studio.workspace import Workspace
from tests.studio.models import scene_file as two_halves


@pytest.fixture
def scene_file(tmp_path: Path) -> Path:
    return two_halves(tmp_path / "data")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "home", tmp_path / "data")


def test_the_same_content_is_one_scene_whatever_its_name(workspace: Workspace, scene_file: Path) -> None:
    copy = scene_file.with_name("again.npy")
    shutil.copy(scene_file, copy)
    scene = workspace.open(scene_file)
    assert workspace.open(copy) is scene
    assert workspace.scene(scene.id) is scene
    with pytest.raises(BadRequest, match="Scene tab"):
        workspace.scene("another")


def test_another_workspace_finds_everything_again(workspace: Workspace, scene_file: Path) -> None:
    project = workspace.new_project(scene_file)
    upper = project.add_class("upper")
    project.toggle_point(3, 4, project.schema.classes[0].id)
    found = Workspace(workspace.home).latest_project()
    assert upper
    assert found is not None
    assert found is not project
    assert found.id == project.id
    assert list(found.points) == [(3, 4)]


def test_the_newest_project_is_passed_over_when_it_is_damaged(workspace: Workspace, scene_file: Path) -> None:
    old, new = workspace.new_project(scene_file), workspace.new_project(scene_file)
    (new.folder / "project.json").write_text("{")
    fresh = Workspace(workspace.home)
    found = fresh.latest_project()
    assert found is not None
    assert found.id == old.id
    assert fresh.latest_project("another scene") is None
    assert {one.id for one in fresh.projects()} == {old.id, new.id}  # the damaged one is listed, with its problem


@pytest.mark.parametrize("name", ["../x", "/etc", "", "no-such-project"])
def test_project_ids_are_names_not_paths(workspace: Workspace, name: str) -> None:
    with pytest.raises(BadRequest):
        workspace.project(name)
    with pytest.raises(BadRequest):
        workspace.mend(name)


def test_files_are_read_only_under_the_data_folder(workspace: Workspace, scene_file: Path, tmp_path: Path) -> None:
    assert workspace.confined(str(scene_file)) == scene_file
    assert workspace.confined(scene_file.name) == scene_file
    outside = tmp_path / "outside.npy"
    outside.write_bytes(b"x")
    link = scene_file.parent / "link.npy"
    link.symlink_to(outside)
    for path in (str(outside), "../outside.npy", str(link)):
        with pytest.raises(BadRequest, match="--data"):
            workspace.confined(path)


def test_nothing_is_read_from_the_apps_own_folder_but_by_its_owner(tmp_path: Path, scene_file: Path) -> None:
    owner = Workspace(tmp_path / "home" / "users" / "ana", tmp_path, SharedServer(tmp_path / "home"))
    (kept,) = owner.keep_upload([scene_file])
    assert owner.confined(str(kept)) == kept
    project = owner.new_project(kept)
    other = Workspace(tmp_path / "home" / "users" / "ben", tmp_path, owner.server)
    for workspace in (owner.guest(project.id), other):
        with pytest.raises(BadRequest, match="upload the file instead"):
            workspace.confined(str(kept))


# ── guests ──────────────────────────────────────────────────────────────────────────────────────


def test_a_guest_has_one_project_and_its_scene(workspace: Workspace, tmp_path: Path) -> None:
    project = workspace.new_project(two_halves(tmp_path / "data", "one", seed=1))
    other = workspace.new_project(two_halves(tmp_path / "data", "two", seed=2))
    guest = workspace.guest(project.id)
    assert guest.project(project.id) is project
    assert guest.latest_project() is project
    assert [one.id for one in guest.projects()] == [project.id]
    assert guest.scene(guest.scene_of(project.id).id) is workspace.scene_of(project.id)
    for attempt in (
        lambda: guest.project(other.id),
        lambda: guest.scene_of(other.id),
        lambda: guest.mend(other.id),
        lambda: guest.admit(other.id),
        lambda: guest.guest(other.id),
        lambda: guest.new_project(tmp_path / "data" / "one.npy"),
    ):
        with pytest.raises(BadRequest, match="shared with you"):
            attempt()
    with pytest.raises(BadRequest, match="is open"):
        guest.scene(workspace.scene_of(other.id).id)
    workspace.admit(other.id)  # the owner may


def test_what_is_shared_is_made_once_for_a_home(workspace: Workspace, scene_file: Path) -> None:
    project = workspace.new_project(scene_file)
    first, second = workspace.guest(project.id), workspace.guest(project.id)
    kept = first.shared(dict, {"a": 1})
    assert kept == {"a": 1}
    assert second.shared(dict, {"b": 2}) is kept
    assert workspace.shared(dict) is kept
    assert Workspace(workspace.home).shared(dict) is not kept


def test_who_writes_in_a_project_and_who_looks_at_its_scene_do_not_wait_for_each_other(
    workspace: Workspace, scene_file: Path
) -> None:
    project = workspace.new_project(scene_file)
    with ThreadPoolExecutor(1) as other, project.writing():  # as an import of many labels does for long
        scene = other.submit(workspace.scene_of, project.id).result(20)
        assert workspace.scene_of(project.id) is scene


def test_a_project_whose_scene_has_gone_says_where_it_was_and_nothing_of_the_catalogue(tmp_path: Path) -> None:
    np.save(tmp_path / "town.npy", np.random.default_rng(0).random((9, 8, 4), np.float32))
    project = Workspace(tmp_path / "home").new_project(tmp_path / "town.npy")
    (tmp_path / "town.npy").rename(tmp_path / "moved.npy")
    again = Workspace(tmp_path / "home")
    with pytest.raises(FileProblem, match=r"scene of the project 'town' is no longer there .*Put the file back"):
        again.project(project.id)
    (tmp_path / "moved.npy").rename(tmp_path / "town.npy")
    assert again.scene_of(project.id).shape == (9, 8, 4)


def test_a_reference_given_as_a_path_is_kept_as_text(tmp_path: Path) -> None:
    """It was refused as no JSON, after the project's folder had been made."""
    np.save(tmp_path / "town.npy", np.random.default_rng(0).random((9, 8, 4), np.float32))
    np.save(tmp_path / "truth.npy", np.repeat([1, 2], 36).reshape(9, 8))
    workspace = Workspace(tmp_path / "home")
    project = workspace.new_project(tmp_path / "town.npy", reference=tmp_path / "truth.npy")
    again = Workspace(tmp_path / "home").scene_of(project.id)
    assert again.reference is not None
    assert again.reference.max() == 2
