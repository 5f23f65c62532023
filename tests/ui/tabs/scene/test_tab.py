"""Opening scenes and projects, without a page: what opens is shown whole, what does not says why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.project.store import Project
from hsi_studio.ui.tabs.scene import SHOWN, SceneTab, plain
from tests.studio.models import scene_file
from tests.ui.tabs.events import untouched, value


def progress(*_: object, **__: object) -> None:
    """In place of the page's bar."""


@pytest.fixture
def tab(studio: Studio) -> SceneTab:
    return SceneTab(studio)


def opened(answer: tuple[object, ...]) -> str:
    """Id of the project that was opened."""
    trouble, variable, project_id, top, viewer, *_ = answer
    assert trouble == ""
    assert variable == {"__type__": "update", "visible": False}
    assert value(viewer)["project"] == project_id
    assert value(top)["title"]
    return str(project_id)


def test_a_file_opens_as_its_latest_project(tab: SceneTab, studio: Studio, project: Project, tmp_path: Path) -> None:
    again = opened(tab.from_file(None, " two_halves.npy ", "", "", "", progress))  # type: ignore[arg-type]
    assert again == project.id
    other = scene_file(tmp_path / "data", "other", bands=5, seed=1)
    made = opened(tab.from_file(None, str(other), None, "", "", progress))  # type: ignore[arg-type]
    assert made != project.id
    assert studio.scene_of(made).shape == (30, 30, 5)


def test_surface_model_and_reference_are_found_beside_the_file(tab: SceneTab, studio: Studio, tmp_path: Path) -> None:
    scene_file(tmp_path / "data")
    np.save(tmp_path / "data" / "height.npy", np.ones((30, 30), np.float32))
    np.save(tmp_path / "data" / "truth.npy", np.ones((30, 30), np.int32))
    made = opened(tab.from_file(None, "two_halves.npy", "", "height.npy", "truth.npy", progress))  # type: ignore[arg-type]
    scene = studio.scene_of(made)
    assert scene.dsm is not None
    assert scene.reference is not None
    rows = dict(value(tab.facts(made))["sections"][0]["rows"])
    assert rows["Surface model (DSM)"] == "1 layer"
    assert rows["Coordinate system (CRS)"] == "none: rows and columns only"
    assert value(tab.facts(made))["sections"][1]["title"] == "Reference map"


def test_a_file_that_does_not_open_leaves_the_page_as_it_is(tab: SceneTab, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="none.npy"):
        trouble, _, *rest = tab.from_file(None, "none.npy", "", "", "", progress)  # type: ignore[arg-type]
    assert str(trouble).startswith("**Not opened.**")
    rest = rest[:SHOWN]
    assert len(rest) == SHOWN
    assert all(untouched(answer) for answer in rest)
    with pytest.warns(UserWarning, match="passwd"):  # outside of the folder one may open
        trouble, *_ = tab.from_file(None, "/etc/passwd", "", "", "", progress)  # type: ignore[arg-type]
    assert "Not opened" in str(trouble)


def test_of_several_variables_one_is_chosen(tab: SceneTab, studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(exist_ok=True)
    cubes = {name: np.random.default_rng(0).random((6, 7, 5), np.float32) for name in ("first", "second")}
    np.savez(tmp_path / "data" / "two.npz", **cubes)
    with pytest.warns(UserWarning, match="first"):
        _, choose, *_ = tab.from_file(None, "two.npz", "", "", "", progress)  # type: ignore[arg-type]
    assert choose["visible"]
    assert {name for _, name in choose["choices"]} == {"first", "second"}
    assert studio.scene_of(opened(tab.from_file(None, "two.npz", "second", "", "", progress)))  # type: ignore[arg-type]


def test_the_shelf(tab: SceneTab, studio: Studio, project: Project) -> None:
    fresh = opened(tab.start_fresh(project.id))
    assert fresh != project.id
    listed = tab.list_projects(project.id)
    assert {key for _, key in listed["choices"]} == {fresh, project.id}
    assert listed["value"] == project.id
    assert tab.list_projects("gone")["value"] is None
    assert opened(tab.from_shelf(project.id)) == project.id
    with pytest.warns(UserWarning, match="project"):
        assert "Not opened" in str(tab.from_shelf(None)[0])
    with pytest.warns(UserWarning, match="project"):
        assert "Not opened" in str(tab.start_fresh("gone")[0])


def test_the_catalogue_opens_the_latest_project_of_a_scene(
    tab: SceneTab, studio: Studio, project: Project, tmp_path: Path
) -> None:
    other = scene_file(tmp_path / "data", "other", bands=5, seed=1)  # a path, as an entry's id, is a scene
    made = opened(tab.from_catalogue(str(other), progress))  # type: ignore[arg-type]
    assert studio.scene_of(made).shape == (30, 30, 5)
    assert opened(tab.from_catalogue(str(other), progress)) == made  # type: ignore[arg-type]
    with pytest.warns(UserWarning, match="nowhere"):
        trouble, *_ = tab.from_catalogue("nowhere", progress)  # type: ignore[arg-type]
    assert "Not opened" in str(trouble)


def test_plug_ins_that_were_left_out_are_told_first(
    tab: SceneTab, studio: Studio, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = value(tab.facts(project.id))["notes"]
    monkeypatch.setattr(studio, "problems", lambda: ["grid.py cannot be imported: no module named “numpi”"])
    assert value(tab.facts(project.id))["notes"] == ["grid.py cannot be imported: no module named “numpi”", *before]


def test_names_of_files_are_text() -> None:
    assert plain("<b>*x*") == "\\<b\\>\\*x\\*"
