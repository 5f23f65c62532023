"""The page opens whatever is wrong with projects: all kinds of damage at once, and the project of an address."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from pathlib import Path

import pytest

from hsi_studio import Studio
from hsi_studio.project.store import Project
from hsi_studio.studio.guest import guest_of
from hsi_studio.ui.first_page import first_page
from hsi_studio.ui.tabs.scene import SceneTab, plain
from hsi_studio.ui.tabs.scene.damaged import Mending
from tests.studio.damage import ABOUT, EVERY, LINES, SCENE
from tests.studio.models import scene_file
from tests.ui.tabs.events import value


def copies(project: Project, names: list[str]) -> list[Path]:
    """The same project under other names, each on a scene file of its own."""
    made = []
    for number, name in enumerate(names):
        folder = shutil.copytree(project.folder, project.folder.with_name(f"{project.id}-{number}"))
        file = folder / "project.json"
        about = json.loads(file.read_text(encoding="utf-8"))
        spec = Path(about["scene"]["spec"]["spec"])
        about["title"] = name
        about["scene"]["spec"]["spec"] = str(shutil.copy(spec, spec.with_name(f"scene-{number}.npy")))
        file.write_text(json.dumps(about, indent=2), encoding="utf-8")
        made.append(folder)
    return made


@pytest.mark.slow
def test_no_kind_of_damage_keeps_the_page_from_opening(studio: Studio, project: Project) -> None:
    """All at once in one home, each asked for by its address."""
    folders = dict(zip(EVERY, copies(project, list(EVERY)), strict=True))
    for kind, damage in EVERY.items():
        damage(folders[kind])
    os.utime(project.folder / "journal.jsonl", (4e9, 4e9))  # the one to show instead comes first
    fresh = Studio(home=studio.home, data_root=studio.data_root)
    shown = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the toasts
        for kind, folder in folders.items():
            project_id, top, *_ = first_page(fresh, folder.name, "demo")
            if project_id == folder.name:
                shown.add(kind)
            else:
                assert value(top)["notes"][0].startswith("The project of this address: "), kind
    assert shown == set()
    fresh.close()


def test_a_guest_whose_project_cannot_be_shown_is_told_and_can_leave(studio: Studio, project: Project) -> None:
    """The page was empty then, “Opening the scene …” for good, without the way back to the own projects."""
    Path(project.scene_spec["spec"]).unlink()
    fresh = Studio(home=studio.home, data_root=studio.data_root)
    top = value(first_page(guest_of(fresh, project.id), project.id, "demo", several=True)[1])
    assert (top["guest"], top["start"]) == (True, False)
    assert "is no longer there" in top["notes"][0]
    assert str(studio.data_root) not in top["notes"][0]  # its folder is nothing of a guest's
    fresh.close()


def test_without_one_project_that_can_be_shown_a_new_one_is_made(
    studio: Studio, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = str(scene_file(tmp_path / "data", "fresh", seed=3))
    SCENE["zero everywhere"](project.folder)
    fresh = Studio(home=studio.home, data_root=studio.data_root)
    project_id, top, *_ = first_page(fresh, "", spec)
    assert project_id != project.id
    assert fresh.project(project_id).scene_spec["spec"] == spec
    (note,) = value(top)["notes"]
    assert note.startswith("“two_halves”: ")
    assert "two_halves.npy" in note
    broken = tmp_path / "broken.npy"
    broken.write_bytes(b"")
    shutil.rmtree(fresh.projects_folder / project_id)
    monkeypatch.setattr("hsi_studio.ui.first_page.ALWAYS", spec)  # in place of the built-in scene
    assert fresh.project(first_page(fresh, "", str(broken))[0]).scene_spec["spec"] == spec
    fresh.close()


def test_a_damaged_project_can_be_mended_from_the_list(studio: Studio, project: Project) -> None:
    LINES["row 1e999"](project.folder)
    fresh = Studio(home=studio.home, data_root=studio.data_root)
    tab = SceneTab(fresh)
    mending = Mending(fresh, tab.show, tab.failed, plain)
    with pytest.warns(UserWarning, match="line 8 is damaged"):
        trouble, *_ = tab.from_shelf(project.id)
    assert "mend" in trouble
    shown, said = mending.offer(project.id)
    assert shown["visible"]
    assert "line 8 is damaged" in said
    assert not mending.offer(None)[0]["visible"]
    ABOUT["empty"](project.folder)
    assert mending.offer(project.id)[0]["visible"]
    said, _, project_id, *_ = mending.mend(project.id)
    assert project_id == project.id
    assert "its copy is in its place" in said
    assert "7 of 8 actions were kept" in said
    assert not mending.offer(project.id)[0]["visible"]
    with pytest.warns(UserWarning, match="Choose a project"):
        mending.mend(None)
    fresh.close()
