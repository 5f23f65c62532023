"""The routes of the page while a project's files go away, come back or are damaged: sentences, never a 500."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hsi_studio import Studio
from hsi_studio.project.store import Project
from hsi_studio.ui.viewer.change_routes import router as seen_feed
from hsi_studio.ui.viewer.label_routes import router as click_feed
from hsi_studio.ui.viewer.tile_routes import Screen, router


@pytest.fixture
def page(studio: Studio) -> TestClient:
    app = FastAPI()
    for routes in (click_feed(studio), seen_feed(studio), router(Screen(studio))):
        app.include_router(routes)
    return TestClient(app)  # raises what a route raises


GONE: dict[str, Callable[[Path], object]] = {
    "the journal": lambda folder: (folder / "journal.jsonl").unlink(),
    "the end of the journal": lambda folder: os.truncate(folder / "journal.jsonl", 100),
    "the folder": shutil.rmtree,
    "sense in the last line": lambda folder: _append(folder / "journal.jsonl", b'{"seq": 9, "row": 1e999}\n'),
}


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as stream:
        stream.write(data)


@pytest.mark.parametrize("kind", GONE)
def test_no_route_fails_when_files_go_away_under_it(page: TestClient, project: Project, kind: str) -> None:
    here, corn = project.id, project.schema.classes[0].id
    assert page.get(f"/hsi/follow/{here}").status_code == 200
    GONE[kind](project.folder)
    acts = {"acts": [{"do": "pick", "row": 4, "col": 4, "class_id": corn, "n": 1}, {"do": "undo"}]}
    answers = [
        page.post(f"/hsi/acts/{here}", json=acts),
        page.get(f"/hsi/follow/{here}"),
        page.get(f"/hsi/seen/{here}"),
        page.get(f"/hsi/spectrum/{here}/3/3"),
        page.post(f"/hsi/acts/{here}", json=acts),
    ]
    assert {answer.status_code for answer in answers} <= {200, 404}
    for answer in answers:
        if answer.status_code == 404:
            assert len(answer.json()["detail"]) > 20
    if kind != "the end of the journal":  # that one is shown as it is now: cut
        assert any(word in answers[0].text for word in ("is damaged", "is missing", "is gone"))
