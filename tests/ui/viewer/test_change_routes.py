"""A page learns that it is behind: the text changes with every action, of whichever process, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hsi_studio import Studio
from hsi_studio.ui.viewer.change_routes import router
from tests.studio.models import labelled, scene_file


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(home=tmp_path / "home")
    yield made
    made.close()


def test_the_text_changes_with_an_action_of_another_process(studio: Studio, tmp_path: Path) -> None:
    project = labelled(studio, scene_file(tmp_path / "data"))
    studio.refresh(project.id)
    studio.live(project.id).wait(project.revision, 30, report=True)
    server = FastAPI()
    server.include_router(router(studio))
    client = TestClient(server)
    address = f"/hsi/seen/{project.id}"
    before = client.get(address)
    assert before.headers["cache-control"] == "no-store"
    assert client.get(address).text == before.text != ""
    other = Studio(home=tmp_path / "home")
    other.project(project.id).add_class("from elsewhere")
    other.close()
    assert client.get(address).text != before.text


def test_an_unknown_project_has_nothing_to_draw(studio: Studio) -> None:
    server = FastAPI()
    server.include_router(router(studio))
    answer = TestClient(server).get("/hsi/seen/nobody")
    assert (answer.status_code, answer.text) == (200, "")
