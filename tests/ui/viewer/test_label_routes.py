"""Labelling by plain routes: order, refusals, the map that follows, news from another process, who may ask."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hsi_studio import Studio
from hsi_studio.ui.server.guard import Guard
from hsi_studio.ui.viewer.change_routes import router as seen_feed
from hsi_studio.ui.viewer.label_routes import router
from hsi_studio.ui.viewer.page_state import Present
from tests.studio.shown import RUN, add_run, project_with_reference


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(home=tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(studio: Studio) -> TestClient:
    server = FastAPI()
    server.include_router(router(studio))
    server.include_router(seen_feed(studio))
    return TestClient(server)


@pytest.fixture
def project(studio: Studio) -> Any:
    return studio.new_project("indian_pines")


def pixels(studio: Studio, project: Any, count: int) -> list[dict[str, Any]]:
    """`count` clicks on labelled pixels of two classes in turn, as the page sends them."""
    scene = studio.scene_of(project.id)
    chosen = [scene.reference_classes[10], scene.reference_classes[13]]
    ids = {info.name: info.id for info in project.schema.classes}
    out = []
    for k in range(count):
        value, name = chosen[k % 2]
        row, col = np.argwhere(scene.reference == value)[7 * k]
        out.append({"do": "pick", "row": int(row), "col": int(col), "class_id": ids[name], "n": k + 1})
    return out


def values(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {name: json.loads(text) for name, text in answer.json()["show"].items()}


def test_what_was_done_meanwhile_comes_together_and_in_its_order(
    client: TestClient, studio: Studio, project: Any
) -> None:
    clicks = pixels(studio, project, 6)
    shown = values(client.post(f"/hsi/acts/{project.id}", json={"acts": [*clicks, {"do": "undo"}, {"do": "undo"}]}))
    points = shown["hsi-viewer"]["labels"]["points"]
    assert [(row, col) for row, col, _ in points] == [(c["row"], c["col"]) for c in clicks[:4]]
    assert shown["hsi-viewer"]["labels"]["seq"] == studio.project(project.id).revision
    assert shown["hsi-viewer"]["message"] == ""
    row, col = clicks[4]["row"], clicks[4]["col"]  # whoever made it, it is said what went
    assert shown["hsi-viewer"]["notice"].startswith("Undone: add ")
    assert f"row {row}, column {col}." in shown["hsi-viewer"]["notice"]
    assert sum(c["count"] for c in shown["hsi-classes"]["classes"]) == 4
    again = values(client.post(f"/hsi/acts/{project.id}", json={"acts": [{"do": "redo"}]}))
    assert len(again["hsi-viewer"]["labels"]["points"]) == 5


def test_a_refused_click_is_named_and_the_others_stay(client: TestClient, studio: Studio, project: Any) -> None:
    first, second = pixels(studio, project, 2)
    wrong = {**first, "row": 100_000, "n": 7}
    nobody = {**first, "class_id": "no such class", "n": 8}
    shown = values(client.post(f"/hsi/acts/{project.id}", json={"acts": [first, wrong, nobody, second]}))
    assert shown["hsi-viewer"]["refused"] == [7, 8]
    assert shown["hsi-viewer"]["message"]
    assert len(shown["hsi-viewer"]["labels"]["points"]) == 2


@pytest.mark.slow
def test_the_map_follows_then_its_accuracy_and_the_means(client: TestClient, studio: Studio, project: Any) -> None:
    client.post(f"/hsi/acts/{project.id}", json={"acts": pixels(studio, project, 4)})
    body: dict[str, Any] = {"done": False, "mapped": False}
    for _ in range(120):
        body = client.get(f"/hsi/follow/{project.id}", params={"report": body["mapped"]}).json()
        assert ("hsi-spectrum" in body["show"]) == body["done"]
        if body["done"]:
            break
    shown = {name: json.loads(text) for name, text in body["show"].items()}
    assert shown["hsi-viewer"]["map"]["rev"] == studio.project(project.id).revision
    assert shown["hsi-strip"]["state"] == "figures"
    assert len(shown["hsi-spectrum"]["classes"]) == 2
    assert shown["hsi-map-classes"]["sections"]
    assert client.get(f"/hsi/seen/{project.id}").text == body["seen"]  # the page is not behind


def test_a_map_made_anew_of_the_same_labels_is_drawn_and_measured_anew(
    client: TestClient, studio: Studio, project: Any
) -> None:
    """When the class names are known a moment after the map, the bar told the new map's figure over the old one."""
    client.post(f"/hsi/acts/{project.id}", json={"acts": pixels(studio, project, 4)})
    client.get(f"/hsi/follow/{project.id}")
    live = studio.live(project.id)
    live.wait(project.revision, 30, report=True)
    before = client.get(f"/hsi/follow/{project.id}?report=true").json()
    assert before["done"]
    live.request(project.labels(), again=True)
    end = time.monotonic() + 30
    while (live.status.remade, live.status.report_revision) != (1, project.revision) and time.monotonic() < end:
        time.sleep(0.01)
    after = client.get(f"/hsi/follow/{project.id}?report=true").json()
    assert after["done"]
    assert after["seen"] != before["seen"]
    maps = [json.loads(one["show"]["hsi-viewer"])["map"] for one in (before, after)]
    assert maps[0]["rev"] == maps[1]["rev"]
    assert maps[0]["url"] != maps[1]["url"]


def test_labels_of_another_process_get_their_map(client: TestClient, studio: Studio, project: Any) -> None:
    first = client.get(f"/hsi/follow/{project.id}").json()
    other = Studio(home=studio.home)
    for click in pixels(studio, project, 4):
        other.label(project.id, click["row"], click["col"], click["class_id"])
    other.close()
    assert client.get(f"/hsi/seen/{project.id}").text != first["seen"]
    body: dict[str, Any] = {"mapped": False, "done": False}
    for _ in range(120):
        body = client.get(f"/hsi/follow/{project.id}", params={"report": body["mapped"]}).json()
        if body["done"]:
            break
    shown = json.loads(body["show"]["hsi-viewer"])
    assert len(shown["labels"]["points"]) == 4
    assert shown["map"]["rev"] == studio.project(project.id).revision


def test_one_or_no_label_is_no_reason_to_wait(client: TestClient, studio: Studio, project: Any) -> None:
    client.post(f"/hsi/acts/{project.id}", json={"acts": pixels(studio, project, 1)})
    bodies = []
    for _ in range(120):
        bodies.append(client.get(f"/hsi/follow/{project.id}").json())
        if bodies[-1]["done"]:
            break
    assert bodies[-1]["done"]
    assert json.loads(bodies[-1]["show"]["hsi-viewer"])["map"] is None


def test_a_spectrum_and_a_pixel_outside(client: TestClient, project: Any) -> None:
    shown = values(client.get(f"/hsi/spectrum/{project.id}/3/4"))
    assert shown["hsi-spectrum"]["pixel"]["name"] == "row 3, column 4"
    refused = client.get(f"/hsi/spectrum/{project.id}/9999/4")
    assert refused.status_code == 400
    assert "outside" in refused.json()["detail"]


def test_wrong_requests_are_told_so(client: TestClient, project: Any) -> None:
    assert client.post("/hsi/acts/nowhere", json={"acts": []}).status_code == 404
    assert client.get("/hsi/follow/nowhere").status_code == 404
    assert client.post(f"/hsi/acts/{project.id}", json={"acts": [{"do": "wipe"}]}).status_code == 422
    many = [{"do": "undo"}] * 1001
    assert client.post(f"/hsi/acts/{project.id}", json={"acts": many}).status_code == 422


def test_another_web_page_cannot_label(studio: Studio, project: Any) -> None:
    server = FastAPI()
    server.include_router(router(studio))
    client = TestClient(Guard(server, ["testserver"]))
    click = pixels(studio, project, 1)
    foreign = client.post(f"/hsi/acts/{project.id}", json={"acts": click}, headers={"Origin": "http://evil.example"})
    assert foreign.status_code == 403
    assert len(studio.project(project.id).labels()) == 0


def test_a_page_that_is_loaded_again_has_the_accuracy_per_class(tmp_path: Path) -> None:
    first = Studio(home=tmp_path / "home", data_root=tmp_path)
    project = project_with_reference(first, tmp_path / "data")
    add_run(first, project)
    first.close()
    studio = Studio(home=tmp_path / "home", data_root=tmp_path)
    server = FastAPI()
    server.include_router(router(studio))
    with TestClient(server) as page:  # no click, no other event: what a page asks when it opens
        for source, item, told in (("live", "", "Against the reference"), ("run", RUN, "trained map (svm)")):
            studio.displayed.show(project.id, source, item)
            studio.live(project.id).wait(project.revision, 30, report=True)
            found = values(page.get(f"/hsi/follow/{project.id}?report=true"))["hsi-map-classes"]
            assert told in found["sections"][0]["title"]
            assert [row[0] for row in found["sections"][0]["table"]] == ["Class 1", "Class 2"]
    studio.close()


def test_where_a_label_helps_most_is_told_and_another_place_each_time(
    client: TestClient, studio: Studio, project: Any
) -> None:
    early = client.get(f"/hsi/next/{project.id}")
    assert early.status_code == 400
    assert "label one pixel each of two classes" in early.json()["detail"]
    client.post(f"/hsi/acts/{project.id}", json={"acts": pixels(studio, project, 6)})
    first = client.get(f"/hsi/next/{project.id}").json()
    again = client.get(f"/hsi/next/{project.id}?shown={first['row']},{first['col']}").json()
    assert sorted(first["between"]) == sorted(c.name for c in project.labels().only_labelled().schema.classes)
    assert max(abs(first["row"] - again["row"]), abs(first["col"] - again["col"])) > 10
    assert client.get(f"/hsi/next/{project.id}?shown=1,2;x").status_code == 422
    assert client.get("/hsi/next/nowhere").status_code == 404


def map_panels(studio: Studio, project: Any) -> dict[str, str]:
    """Of the Map step, by the element's id."""
    found = Present(studio).map_tab(project.id)
    assert found
    return found


def test_the_answer_to_a_click_waits_for_no_export(
    client: TestClient, studio: Studio, project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is exported waits for accuracy and words; panels that follow a click have the map as it is."""
    client.post(f"/hsi/acts/{project.id}", json={"acts": pixels(studio, project, 4)})
    studio.live(project.id).wait(4, 30, report=True)

    def waiting(*_: Any, **__: Any) -> Any:
        raise AssertionError("a click waits for what an export waits for")

    monkeypatch.setattr(studio.displayed, "find", waiting)
    answer = client.get(f"/hsi/follow/{project.id}").json()
    assert answer["mapped"]
    assert set(map_panels(studio, project)) <= set(answer["show"])
