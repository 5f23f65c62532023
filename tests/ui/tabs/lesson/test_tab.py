"""A lesson on the page: started, counted down, handed in, and there again after a reload."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hsi_studio import Studio
from hsi_studio.studio.guest import guest_of
from hsi_studio.ui.tabs.lesson.routes import router
from hsi_studio.ui.tabs.lesson.values import lesson_value
from hsi_studio.ui.viewer.label_routes import router as click_routes
from hsi_studio.ui.viewer.page_state import Present
from tests.studio.shown import project_with_reference


@pytest.fixture
def page(studio: Studio) -> Iterator[TestClient]:
    app = FastAPI()
    for routes in (router(studio), click_routes(studio)):
        app.include_router(routes)
    with TestClient(app) as client:
        yield client


def act(page: TestClient, lesson: str, row: int, class_id: str) -> dict[str, Any]:
    """A click's answer: the class list and what was refused."""
    acts = [{"do": "pick", "row": row, "col": 3, "class_id": class_id, "n": row}]
    show = page.post(f"/hsi/acts/{lesson}", json={"acts": acts}).json()["show"]
    viewer = json.loads(show["hsi-viewer"])
    return {**json.loads(show["hsi-classes"]), "message": viewer["message"], "refused": viewer["refused"]}


def test_from_the_first_click_to_the_score(studio: Studio, page: TestClient, tmp_path: Path) -> None:
    source = project_with_reference(studio, tmp_path / "data")
    assert lesson_value(studio, source.id)["start"]
    assert page.post(f"/hsi/lesson/{source.id}/start", json={"shots": 0}).status_code == 400
    lesson = page.post(f"/hsi/lesson/{source.id}/start", json={"shots": 1}).json()["project"]
    upper, lower = (info.id for info in studio.project(lesson).schema.classes)
    assert page.post(f"/hsi/lesson/{lesson}/hand-in").status_code == 400  # no map yet
    assert act(page, lesson, 3, upper)["lesson"] == {"shots": 1}
    over = act(page, lesson, 5, upper)
    assert over["refused"] == [5]
    assert "take one away first" in over["message"]
    assert [one["count"] for one in over["classes"]] == [1, 0]
    value = lesson_value(studio, lesson)
    assert (value["state"], value["left"], value["total"], value["without"]) == ("on", 1, 2, ["Class 2"])
    assert "lesson" in json.loads(Present(studio).top(lesson))["facts"]
    act(page, lesson, 27, lower)
    assert page.post(f"/hsi/lesson/{lesson}/hand-in").json() == {"project": lesson}
    value = lesson_value(studio, lesson)
    assert value["state"] == "done"
    assert [one["name"] for one in value["figures"]] == ["Yours", "Baseline"]
    assert any("reference pixels of 2 classes" in text for text in value["said"])
    assert act(page, lesson, 6, upper)["lesson"] is None


def test_a_guest_starts_none(studio: Studio, tmp_path: Path) -> None:
    source = project_with_reference(studio, tmp_path / "data")
    value = lesson_value(guest_of(studio, source.id), source.id)
    assert (value["state"], value["start"], value["guest"]) == ("none", False, True)
