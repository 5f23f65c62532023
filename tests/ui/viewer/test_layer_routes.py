"""The bar over the picture: what it lists, and that a choice there is the project's."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hsi_studio import Studio
from hsi_studio.engine.query.matcher import Answer
from hsi_studio.errors import BadRequest
from hsi_studio.project.store import Project
from hsi_studio.types import Progress
from hsi_studio.ui.viewer import dock_routes, heat_routes
from hsi_studio.ui.viewer.layer_routes import job, router
from hsi_studio.ui.viewer.page_state import Present
from tests.studio.models import labelled, scene_file, train
from tests.studio.shown import project_with_reference


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(home=tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def project(studio: Studio, tmp_path: Path) -> Project:
    made = project_with_reference(studio, tmp_path / "data")
    studio.live(made.id).wait(made.revision, 30, report=True)
    return made


@pytest.fixture
def client(studio: Studio) -> TestClient:
    server = FastAPI()
    server.include_router(router(studio))
    server.include_router(heat_routes.router(studio))
    server.include_router(dock_routes.router(studio))
    return TestClient(server)


def shown(answer: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {layer["id"]: layer["shown"] for layer in answer["layers"] if layer["kind"] not in ("picture", "query")}


def test_every_map_is_listed_with_its_accuracy(studio: Studio, project: Project, client: TestClient) -> None:
    live, reference, picture = client.get(f"/hsi/layers/{project.id}").json()["layers"]
    report = studio.status(project.id).report
    assert report is not None
    assert report.leading.oa is not None
    assert live == {
        "id": "live", "kind": "live", "title": "Map of your labels", "ready": True, "shown": "left",
        "oa": f"{100 * report.leading.oa.value:.1f}", "pixels": report.leading.n, "away": report.away,
    }  # fmt: skip
    assert (reference["id"], reference["shown"], reference["oa"]) == ("reference", "", "")
    assert (picture["id"], picture["kind"], picture["title"]) == ("picture", "picture", "Picture")


def test_a_choice_is_shown_and_put_beside(studio: Studio, project: Project, client: TestClient) -> None:
    address = f"/hsi/layers/{project.id}"
    assert shown(client.post(address, json={"left": "reference"}).json()) == {"live": "", "reference": "left"}
    assert shown(client.post(address, json={"right": "live"}).json()) == {"live": "right", "reference": "left"}
    assert studio.displayed.chosen(project.id) == ("reference", "live")
    assert shown(client.post(address, json={"right": ""}).json()) == {"live": "", "reference": "left"}


@pytest.mark.parametrize(
    "wanted",
    [{"left": "run:none"}, {"left": "strange"}, {"right": "reference:2"}, {"left": "picture"}, {"right": "query"}],
)
def test_what_is_not_there_is_refused_and_changes_nothing(
    studio: Studio, project: Project, client: TestClient, wanted: dict[str, str]
) -> None:
    answer = client.post(f"/hsi/layers/{project.id}", json=wanted)
    assert answer.status_code == 400
    assert answer.json()["detail"]
    assert studio.displayed.chosen(project.id) == ("live", "")


def test_an_answer_is_listed_with_its_heat_map_until_that_is_taken_away(
    studio: Studio, project: Project, client: TestClient
) -> None:
    values = np.full((30, 30), 0.5, dtype=np.float32)
    studio.queries._put(
        project.id, state="done", answer=Answer("water", "described", values, 0.4, 0.1), threshold=0.4, heat=True
    )
    before = client.get(f"/hsi/layers/{project.id}").json()["layers"]
    query = next(layer for layer in before if layer["kind"] == "query")
    assert (query["id"], query["title"], query["shown"]) == ("query", "Query: water", "")
    assert query["heat"]["threshold"] == 0.4
    assert query["heat"]["query"] is True
    answer = client.get(query["heat"]["url"])
    assert set(answer.content) == {127}
    assert [layer["shown"] for layer in before] == ["left", "", "", ""]  # what is measured stays the map
    studio.queries.show_heat(project.id, False)
    assert "query" not in [layer["kind"] for layer in client.get(f"/hsi/layers/{project.id}").json()["layers"]]


def test_an_unknown_project_is_said(client: TestClient) -> None:
    assert client.get("/hsi/layers/nobody").status_code == 404
    assert client.post("/hsi/layers/nobody", json={}).status_code == 400


def test_the_status_line_learns_of_the_training_that_runs(client: TestClient, project: Project) -> None:
    """The one at work, not the one that was asked for last; the others are counted."""
    assert client.get(f"/hsi/layers/{project.id}").json()["job"] is None
    at_work = Progress("Training", 42, 100, seconds_left=60.0)
    found = [
        SimpleNamespace(alive=True, position=1, title="waits", progress=None),
        SimpleNamespace(alive=True, position=0, title="runs", progress=at_work),
        SimpleNamespace(alive=False, position=None, title="ended", progress=None),
    ]
    studio: Any = SimpleNamespace(runs=SimpleNamespace(list=lambda project_id: found))
    assert job(studio, "p") == {"text": "runs", "fraction": at_work.fraction, "seconds_left": 60.0, "waiting": 1}


def test_the_dock_says_what_was_done_how_far_it_came_and_from_what(
    client: TestClient, studio: Studio, project: Project
) -> None:
    """Undone actions say so; the curve has the newest number of labels; the chain ends at the scene."""
    project.undo()
    done = client.get(f"/hsi/dock/{project.id}/history").json()["lines"]
    assert [line["undone"] for line in done[:2]] == [True, False]
    assert len(done) == 6
    assert all(line["time"] for line in done)
    studio.refresh(project.id)
    studio.live(project.id).wait(project.revision, 30, report=True)
    points = client.get(f"/hsi/dock/{project.id}/curve").json()["points"]
    assert [point["labels"] for point in points] == [5]  # the point of the label that went has gone too
    value, low, high = points[0]["oa"]
    assert low <= value <= high
    assert points[0]["whole"] == [value, None, None]  # both classes of the reference have labels
    chain = client.get(f"/hsi/dock/{project.id}/origin").json()
    assert [what for what, _ in chain["chain"]] == ["Map", "Method", "Labels", "Scene"]
    assert "5 labels" in chain["chain"][2][1]
    assert client.get(f"/hsi/dock/{project.id}/nothing").status_code == 404
    assert client.get("/hsi/dock/nobody/history").status_code == 404


def test_a_model_of_another_scene_says_so_and_its_map_is_made_when_it_is_chosen(
    studio: Studio, tmp_path: Path, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = labelled(studio, scene_file(tmp_path / "data"))
    run = train(studio, first)
    here = studio.new_project(scene_file(tmp_path / "data", "another", seed=5))
    address, layer = f"/hsi/layers/{here.id}", f"model:{run}"
    (found,) = (one for one in client.get(address).json()["layers"] if one["id"] == layer)
    assert found["title"] == f"two_halves: {studio.models.get(run).title}"
    assert not found["ready"]

    def failing(model_id: str, *_: Any) -> Any:
        raise BadRequest("Not today.")

    present = Present(studio)
    before = present.seen(here.id)
    with monkeypatch.context() as patch:
        patch.setattr(studio.models.maps, "make", failing)
        client.post(address, json={"left": layer})
        finished(studio, here.id, run)
    assert json.loads(present.strip(here.id))["text"] == f"{found['title']}: Not today."
    assert present.seen(here.id) != before
    client.post(address, json={"left": layer})  # once more
    assert finished(studio, here.id, run) == "done"
    left = studio.displayed.left(here.id)
    assert left is not None
    assert (left.layer, left.title) == (layer, found["title"])
    assert json.loads(present.strip(here.id))["state"] != "error"


def finished(studio: Studio, project_id: str, model_id: str) -> str:
    """The state of a model's map once it is made, or not."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        work = studio.models.maps.work(project_id, model_id)
        if work is not None and work.state not in ("waiting", "running"):
            return work.state
        time.sleep(0.01)
    raise AssertionError("the map is still being made")
