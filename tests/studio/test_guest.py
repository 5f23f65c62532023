"""A guest is in one project of the owner's: the same objects there, and nothing of any other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hsi_studio import Studio
from hsi_studio.engine.runs.record import RunFolder
from hsi_studio.errors import BadRequest
from hsi_studio.project.store import Project
from hsi_studio.studio.guest import guest_of
from hsi_studio.studio.quotas import Quotas
from hsi_studio.text.llm.endpoint import Endpoint
from hsi_studio.types import Prediction
from tests.studio.models import train
from tests.studio.shown import MODEL, PREVIEW, RUN, add_run, add_text_map, project_with_reference, some_map


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Studio, Project]]:
    studio = Studio(home=tmp_path / "home", data_root=tmp_path / "data", quotas=Quotas(jobs=1))
    yield studio, project_with_reference(studio, tmp_path / "data")
    studio.close()


def show(studio: Studio, project: Project, layer: str) -> None:
    source, _, item = layer.partition(":")
    studio.displayed.show(project.id, source, item)


def test_the_owner_has_the_picture_of_what_a_guest_opened_first(tmp_path: Path) -> None:
    """After a restart of the server it may be the guest who comes first."""
    before = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    project_id = project_with_reference(before, tmp_path / "data").id
    before.close()
    studio = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    scene = guest_of(studio, project_id).scene_of(project_id)
    assert studio.scene_of(project_id) is scene
    assert studio.scene(scene.id) is scene
    assert studio.workspace.let_go(scene.id)
    assert studio.scene(scene.id).id == scene.id
    studio.close()


def test_a_guest_is_not_told_where_the_owners_files_lie(made: tuple[Studio, Project], tmp_path: Path) -> None:
    studio, project = made
    for row, info in zip((3, 23), project.schema.classes, strict=False):
        studio.label(project.id, row, 3, info.id)
    studio.live(project.id).wait(project.revision, 30)
    for here, told in ((studio, True), (guest_of(studio, project.id), False)):
        shown = here.displayed.left(project.id)
        assert shown is not None
        origin = here.provenance.of(shown)
        assert (str(tmp_path) in str((origin.command, origin.tags, origin.chain))) is told


def test_a_guest_deletes_nothing(made: tuple[Studio, Project]) -> None:
    """A link lets label and train; a deleted training does not come back."""
    studio, project = made
    add_run(studio, project)
    train(studio, project, MODEL)
    guest = guest_of(studio, project.id)
    assert [model.id for model in guest.models.find()] == [MODEL]
    for attempt in (lambda: guest.runs.delete(RUN), lambda: guest.models.delete(MODEL)):
        with pytest.raises(BadRequest, match="only its owner can delete"):
            attempt()
    studio.models.delete(MODEL)
    studio.runs.delete(RUN)
    assert studio.models.find() == []


def test_a_guest_sees_the_owners_screen_of_one_project_and_no_other(
    made: tuple[Studio, Project], tmp_path: Path
) -> None:
    studio, project = made
    other = project_with_reference(studio, tmp_path / "data")
    add_run(studio, project)
    add_run(studio, other, PREVIEW)
    add_text_map(studio, other)
    guest = guest_of(studio, project.id)
    show(guest, project, f"run:{RUN}")
    for one in (studio, guest):
        left = one.displayed.left(project.id)
        assert left.layer == f"run:{RUN}"
    made_by_guest = some_map(guest, project, 3, "texts")
    guest.queries.text_maps._put(project.id, replace(studio.queries.text_maps.get(other.id), prediction=made_by_guest))
    show(guest, project, "texts")
    shown = studio.displayed.find(project.id)
    assert isinstance(shown.prediction, Prediction)
    assert shown.prediction is made_by_guest
    for attempt in (
        lambda: guest.displayed.left(other.id),
        lambda: guest.displayed.show(other.id, "texts"),
        lambda: guest.displayed.show(project.id, "run", PREVIEW),
        lambda: guest.displayed.show_beside(other.id),
        lambda: guest.displayed.layers(other.id),
        lambda: guest.displayed.stamp(other.id),
        lambda: guest.displayed.find(project.id, PREVIEW),
        lambda: guest.export(other.id),
    ):
        with pytest.raises(BadRequest):
            attempt()


def test_both_work_on_the_same_objects(made: tuple[Studio, Project]) -> None:
    studio, project = made
    guest = guest_of(studio, project.id)
    assert guest.project(project.id) is project
    assert guest.live(project.id) is studio.live(project.id)
    studio.prompts.drafts.writer = Endpoint("http://127.0.0.1:1", "tiny")  # set after the guest came
    assert guest.prompts.drafts.available
    add_run(studio, project)
    assert guest.runs.prediction(RUN) is studio.runs.prediction(RUN)


def test_what_is_in_memory_of_another_project_is_not_told_either(made: tuple[Studio, Project], tmp_path: Path) -> None:
    studio, project = made
    other = project_with_reference(studio, tmp_path / "data")
    studio.displayed.find(other.id, "live")  # its live map is there
    add_text_map(studio, other)
    add_run(studio, other)
    assert studio.runs.prediction(RUN) is not None
    guest = guest_of(studio, project.id)
    for attempt in (
        lambda: guest.live(other.id),
        lambda: guest.status(other.id),
        lambda: guest.refresh(other.id),
        lambda: guest.queries.text_maps.get(other.id),
        lambda: guest.models.maps.work(other.id, RUN),
        lambda: guest.models.maps.stop(other.id, RUN),
        lambda: guest.prompts.drafts.get(other.id),
        lambda: guest.prompts.drafts.cancel(other.id),
        lambda: guest.runs.prediction(RUN),
        lambda: guest.mend(other.id),
    ):
        with pytest.raises(BadRequest, match="shared with you"):
            attempt()
    assert guest.runs.list() == []


def test_a_guests_runs_count_against_all_that_the_owner_has_waiting(
    made: tuple[Studio, Project], tmp_path: Path
) -> None:
    studio, project = made
    other = project_with_reference(studio, tmp_path / "data")
    add_run(studio, other)
    folder = RunFolder(other.folder / "runs" / RUN)
    folder.write(folder.read().model_copy(update={"state": "queued", "queue": studio.runs.queue.id}))
    guest = guest_of(studio, project.id)
    assert (guest.runs.alive(), guest.runs.list()) == (1, [])
    with pytest.raises(BadRequest, match="1 are allowed at once"):
        guest.runs.start(project.id, "lda")


def test_a_guest_who_leaves_stops_nothing_of_the_owners(made: tuple[Studio, Project]) -> None:
    studio, project = made
    guest = guest_of(studio, project.id)
    live = guest.live(project.id)
    guest.close()
    assert studio.live(project.id) is live
    assert live.wait(project.revision, 60).prediction is not None
    assert guest.queries.wait(project.id, 0).state == "idle"


def test_there_is_no_guest_in_a_project_that_is_not(made: tuple[Studio, Project]) -> None:
    with pytest.raises(BadRequest, match="no project"):
        guest_of(made[0], "nobody")
