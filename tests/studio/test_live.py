"""Live maps of a studio: one a project, a few kept, and always one of the layers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hsi_studio.engine import live_map
from hsi_studio.engine.live_map import LiveMap
from hsi_studio.errors import BadRequest, LabelProblem
from hsi_studio.project.store import Project
from hsi_studio.studio import live
from hsi_studio.studio.live import LiveMaps
from hsi_studio.studio.workspace import Workspace
from tests.studio.models import scene_file


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "home", tmp_path / "data")


@pytest.fixture
def maps(workspace: Workspace) -> Iterator[LiveMaps]:
    made = LiveMaps(workspace)
    yield made
    made.close()


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> Project:
    return workspace.new_project(scene_file(tmp_path / "data"))


def label(project: Project) -> None:
    for k, name in enumerate(("upper", "lower")):
        project.add_class(name)
        project.toggle_point(3 + 22 * k, 3, project.schema.classes[-1].id)


def ended(made: LiveMap, within: float = 30) -> bool:
    made._thread.join(within)
    return not made._thread.is_alive()


def test_the_one_unused_longest_is_closed_and_comes_back(
    maps: LiveMaps, workspace: Workspace, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MAX_LIVE", 2)
    second, third = (workspace.new_project(tmp_path / "data" / "two_halves.npy") for _ in range(2))
    label(project)
    oldest, middle = maps.get(project.id), maps.get(second.id)
    assert maps.get(project.id) is oldest  # used again: now the other is the oldest
    maps.get(third.id)
    assert ended(middle)
    assert not ended(oldest, 0)
    assert maps.get(second.id) is not middle
    again = maps.get(project.id)  # in its turn it had been the oldest
    assert again is not oldest
    assert again.wait(project.revision, 60).prediction is not None


def test_the_layer_is_there_before_its_map(maps: LiveMaps, project: Project) -> None:
    (layer,) = maps.listed(project.id)
    assert (layer.id, layer.ready) == ("live", False)
    assert maps.displayed(project.id, "") is None
    with pytest.raises(LabelProblem, match="class"):
        maps.finished(project.id, "", 30)
    label(project)
    maps.refresh(project.id)
    found = maps.finished(project.id, "", 60)
    assert (found.layer, found.revision) == ("live", project.revision)
    assert maps.listed(project.id)[0].ready
    assert maps.displayed(project.id, "").prediction is found.prediction  # type: ignore[union-attr]
    with pytest.raises(BadRequest, match="one live map"):
        maps.displayed(project.id, "2")


def test_an_export_waits_for_the_newest_labels(maps: LiveMaps, project: Project) -> None:
    label(project)
    maps.refresh(project.id)
    first = maps.finished(project.id, "", 60)
    project.toggle_point(4, 9, project.schema.classes[0].id)
    maps.refresh(project.id)
    assert maps.finished(project.id, "", 60).revision == project.revision > first.revision


def test_an_export_is_of_a_project_that_another_program_changed(maps: LiveMaps, project: Project) -> None:
    """Nobody asked this map for the labels as they are now."""
    label(project)
    maps.finished(project.id, "", 30)
    project.rename_class(project.schema.classes[0].id, "another name")
    found = maps.finished(project.id, "", 30)
    assert found.prediction.revision == project.revision
    assert found.prediction.schema.names[0] == "another name"


def test_an_export_has_the_accuracy_of_its_own_map(
    maps: LiveMaps, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The accuracy comes a moment after the map: a file written in between had that of the labels before."""
    measure = live_map.accuracy_report

    def slowly(*args: Any, **options: Any) -> Any:
        time.sleep(0.3)
        return measure(*args, **options)

    monkeypatch.setattr(live_map, "accuracy_report", slowly)
    label(project)
    for col in (8, 12, 16):
        project.toggle_point(3, col, project.schema.classes[0].id)
        maps.refresh(project.id)
        found = maps.finished(project.id, "", 30)
        assert found.report is not None
        assert found.report.revision == found.prediction.revision == project.revision


def test_closing_ends_the_threads(maps: LiveMaps, project: Project) -> None:
    made = maps.get(project.id)
    maps.close()
    assert ended(made)
    assert maps.get(project.id) is not made


def test_the_end_waits_for_the_threads_that_are_at_work(
    maps: LiveMaps, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    label(project)
    made = maps.get(project.id)
    maps.close()
    assert ended(made, 0)
    again = maps.get(project.id)
    monkeypatch.setattr(live, "END_SECONDS", 0.0)  # one that does not stop in time is left alone
    maps.close()
    assert ended(again)
