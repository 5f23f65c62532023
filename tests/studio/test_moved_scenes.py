"""Projects whose scene was moved: only those whose file is gone, and with the layers they had."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hsi_studio import Studio
from hsi_studio.studio.moved_scenes import project_of
from tests.scene import fake


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """With a project on town.img and its reference."""
    fake.envi(tmp_path, fake.cube(6, 5, 12), name="town")
    np.save(tmp_path / "truth.npy", np.arange(30).reshape(6, 5) % 3)
    made = Studio(home=tmp_path / "home", data_root=tmp_path)
    made.new_project(str(tmp_path / "town.img"), reference=str(tmp_path / "truth.npy"))
    yield made
    made.close()


def elsewhere(place: Path, move: bool) -> dict[str, str]:
    """The scene and its reference in another folder."""
    (place / "archive").mkdir()
    for name in ("town.img", "town.hdr", "truth.npy"):
        (shutil.move if move else shutil.copy)(place / name, place / "archive" / name)
    return {"reference": str(place / "archive" / "truth.npy")}


def test_a_project_that_still_has_its_file_stays_with_it(studio: Studio, tmp_path: Path) -> None:
    options = elsewhere(tmp_path, move=False)
    spec = str(tmp_path / "archive" / "town.img")
    scene = studio.open(spec, **options)
    assert scene.id == studio.projects()[0].scene_id
    assert project_of(studio.workspace, scene, spec, options) is None
    assert studio.projects()[0].scene_spec["spec"] == str(tmp_path / "town.img")


def test_its_reference_comes_along(studio: Studio, tmp_path: Path) -> None:
    options = elsewhere(tmp_path, move=True)
    spec = str(tmp_path / "archive" / "town.img")
    scene = studio.open(spec, **options)
    found = project_of(studio.workspace, scene, spec, options)
    assert found is not None
    kept = studio.projects()[0].scene_spec
    assert (kept["spec"], kept["reference"]) == (spec, options["reference"])


def test_another_scene_is_not_the_one_that_was_moved(studio: Studio, tmp_path: Path) -> None:
    elsewhere(tmp_path, move=True)
    other = fake.envi(tmp_path, fake.cube(6, 5, 12, seed=1), name="other")
    assert project_of(studio.workspace, studio.open(str(other)), str(other), {}) is None
