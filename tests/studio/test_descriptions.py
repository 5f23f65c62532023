"""Descriptions of classes and regions; their sentences on a real scene are in `test_queries.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hsi_studio.errors import BadRequest
from hsi_studio.features.cache import FeatureCache
from hsi_studio.project.store import Project
from hsi_studio.studio import descriptions
from hsi_studio.studio.descriptions import Descriptions
from hsi_studio.studio.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "home")


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """40 × 40 pixels in two halves, with a reference."""
    monkeypatch.setattr(descriptions, "MEASURED", FeatureCache())
    cube = np.random.default_rng(0).normal(0.2, 0.02, (40, 40, 8)).astype(np.float32)
    cube[20:, :, 4:] += 0.3
    np.savez(tmp_path / "halves.npz", cube=cube, reference=np.repeat([1, 2], 800).reshape(40, 40))
    return workspace.new_project(tmp_path / "halves.npz")


def test_what_measures_never_sees_the_reference_and_is_kept(workspace: Workspace, project: Project) -> None:
    scene = workspace.scene_of(project.id)
    made = Descriptions(workspace, lambda _: None)
    assert scene.reference is not None
    assert made.pixel_facts(scene).scene.reference is None
    assert made.pixel_facts(scene) is made.pixel_facts(scene)


def test_facts_are_measured_once_for_labels_and_map(
    workspace: Workspace, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    whole = descriptions.class_facts
    monkeypatch.setattr(descriptions, "class_facts", lambda *given: calls.append(1) or whole(*given))
    made = Descriptions(workspace, lambda _: None)
    info, other = project.schema.classes[:2]
    with pytest.raises(BadRequest, match="label"):
        made.of_class(project.id, info.id)
    values = np.argwhere(workspace.scene_of(project.id).reference == info.reference_value)
    for row, col in values[:3].tolist():
        project.toggle_point(row, col, info.id)
    first = made.of_class(project.id, info.id)
    calls.clear()
    assert made.of_class(project.id, info.id) == first
    assert calls == []
    row, col = values[3].tolist()
    project.toggle_point(row, col, info.id)
    made.of_class(project.id, info.id)
    assert calls == [1]
    with pytest.raises(BadRequest):
        made.of_class(project.id, other.id)


def test_a_polygon_without_pixels_is_refused(workspace: Workspace, project: Project) -> None:
    made = Descriptions(workspace, lambda _: None)
    with pytest.raises(BadRequest):
        made.of_polygon(project.id, [(-9.0, -9.0), (-9.0, -5.0), (-5.0, -5.0)])
    said = made.of_polygon(project.id, [(10.0, 10.0), (10.0, 30.0), (30.0, 30.0), (30.0, 10.0)])
    assert said.text.startswith("This region")
