"""The sheet's routes: over HTTP from an upload to a project, and what strangers may send."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hsi_studio import Studio
from hsi_studio.ui.first_page import first_page
from hsi_studio.ui.opening.routes import router
from hsi_studio.ui.server.edge import guard_routes
from tests.scene import fake
from tests.studio.models import labelled, scene_file
from tests.ui.tabs.events import untouched, value


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    (tmp_path / "data").mkdir()
    made = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    yield made
    made.close()


@pytest.fixture
def client(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "waiting"))
    server = FastAPI()
    server.include_router(router(studio))
    guard_routes(server, several=False)
    return TestClient(server)


def waited(client: TestClient, state: dict[str, Any]) -> dict[str, Any]:
    end = time.monotonic() + 20
    while state["stage"] in ("taking", "reading", "opening") and time.monotonic() < end:
        state = client.get(f"/hsi/openings/{state['id']}").json()
    return state


def test_what_may_be_no_data_is_asked_in_words(client: TestClient, tmp_path: Path) -> None:
    cube = 50 + 500 * np.random.default_rng(0).random((20, 18, 1)) * np.linspace(1, 5, 30)
    cube[:5] = -2
    file = tmp_path / "waiting" / "abc" / "field.npy"
    file.parent.mkdir(parents=True)
    np.save(file, cube)
    state = waited(client, client.post("/hsi/openings", json={"files": [str(file)]}).json())
    assert state["look"]["asks"]["question"] == "nodata"
    labels = [one["label"] for one in state["look"]["asks"]["choices"]]
    assert labels == ["-2 means “no data”", "every value is data"]


def test_a_mask_beside_the_cube_has_a_row_to_choose_it_in(client: TestClient, tmp_path: Path) -> None:
    flags = np.ones((9, 7), "u1")
    flags[6:, :3] = 0
    file = tmp_path / "waiting" / "abc" / "flight.npz"
    file.parent.mkdir(parents=True)
    np.savez(file, cube=fake.cube(9, 7, 30), valid_mask=flags)
    mask = file.parent / "other_mask.npy"
    np.save(mask, flags)

    def row(state: dict[str, Any]) -> dict[str, Any]:
        (found,) = [one for one in state["look"]["rows"] if one["key"] == "mask"]
        return found

    state = waited(client, client.post("/hsi/openings", json={"files": [str(file)]}).json())
    assert row(state)["words"] == "none"
    assert [words for _, words in row(state)["edit"]["choices"]] == [
        "not applied", "left out where valid_mask is 0", "left out where valid_mask is not 0",
    ]  # fmt: skip
    way = row(state)["edit"]["choices"][1][0]
    change = f"/hsi/openings/{state['id']}/change"
    state = waited(client, client.post(change, json={"said": {"mask": way}, "roles": {}}).json())
    assert row(state)["words"] == "left out where valid_mask is 0"
    assert row(state)["edit"]["value"] == way
    dropped = waited(client, client.post("/hsi/openings", json={"files": [str(file), str(mask)]}).json())
    assert (row(dropped)["words"], row(dropped)["sure"]) == ("left out where other_mask.npy is 0", "likely")
    clouds = mask.rename(file.parent / "cloud_mask.npy")
    dropped = waited(client, client.post("/hsi/openings", json={"files": [str(file), str(clouds)]}).json())
    assert row(dropped)["words"] == "left out where cloud_mask.npy is not 0"
    way = next(way for way, words in row(dropped)["edit"]["choices"] if words.endswith("is 0"))
    change = f"/hsi/openings/{dropped['id']}/change"
    turned = waited(client, client.post(change, json={"said": {"mask": way}, "roles": {}}).json())
    assert (row(turned)["words"], row(turned)["sure"]) == ("left out where cloud_mask.npy is 0", "certain")


def test_a_class_map_beside_the_cube_has_a_row_to_choose_it_in(client: TestClient, tmp_path: Path) -> None:
    file = tmp_path / "waiting" / "abc" / "flight.npz"
    file.parent.mkdir(parents=True)
    np.savez(file, cube=fake.cube(9, 7, 30), img_sub=np.arange(63.0).reshape(9, 7) % 4)

    def row(state: dict[str, Any]) -> dict[str, Any]:
        (found,) = [one for one in state["look"]["rows"] if one["title"] == "Reference map"]
        return found

    state = waited(client, client.post("/hsi/openings", json={"files": [str(file)]}).json())
    assert (row(state)["words"], row(state)["edit"]["choices"]) == ("none", [["", "as found"], ["img_sub", "img_sub"]])
    assert row(state)["why"] == "Not used: “img_sub” of the same size in the file."
    assert row(state)["why"] not in state["look"]["notes"]
    change = f"/hsi/openings/{state['id']}/change"
    state = waited(client, client.post(change, json={"said": {"reference": "img_sub"}, "roles": {}}).json())
    assert (row(state)["words"], row(state)["edit"]["value"]) == ("3 classes, 47 pixels", "img_sub")


def test_from_an_upload_to_a_project(client: TestClient, studio: Studio, tmp_path: Path) -> None:
    folder = tmp_path / "waiting" / "abc"
    folder.mkdir(parents=True)
    np.save(folder / "unclear.npy", fake.cube(9, 7, 30).transpose(2, 0, 1))
    state = waited(client, client.post("/hsi/openings", json={"files": [str(folder / "unclear.npy")]}).json())
    assert state["stage"] == "plan"
    assert state["look"]["asks"]["question"] == "axes"
    assert state["look"]["asks"]["choices"][0]["label"] == "bands × rows × columns"
    refused = client.post(f"/hsi/openings/{state['id']}/open")
    assert (refused.status_code, refused.json()["detail"]) == (400, "Answer the question first.")
    said = {"axes": "bands,rows,cols", "wavelengths": ",".join(str(400 + 10 * k) for k in range(30))}
    state = waited(client, client.post(f"/hsi/openings/{state['id']}/change", json={"said": said}).json())
    rows = {row["title"]: row for row in state["look"]["rows"]}
    assert rows["Size"]["words"] == "9 × 7 pixels, 30 bands"
    assert (rows["Axes"]["words"], rows["Axes"]["sure"]) == ("bands × rows × columns", "certain")
    assert rows["Wavelengths"]["words"] == "400 to 690 nm"
    assert rows["Their unit"]["edit"]["choices"][0] == ["", "as found"]
    assert rows["No-data value"]["sure"] == "likely"
    assert rows["Place"]["words"] == "rows and columns only"
    state = waited(client, client.post(f"/hsi/openings/{state['id']}/open").json())
    assert state["stage"] == "done"
    assert studio.scene_of(state["project"]).shape == (9, 7, 30)


def test_strangers_get_sentences(client: TestClient, tmp_path: Path) -> None:
    secret = tmp_path / "secret.npy"
    np.save(secret, np.ones((3, 3, 3)))
    for files in ([str(secret)], ["/etc/passwd"], [str(tmp_path / "waiting" / ".." / "secret.npy")]):
        answer = client.post("/hsi/openings", json={"files": files})
        assert (answer.status_code, "no upload" in answer.json()["detail"]) == (400, True)
    assert client.post("/hsi/openings", json={"path": "/etc/passwd"}).status_code == 400
    assert client.post("/hsi/openings", json={}).status_code == 400
    assert client.post("/hsi/openings", json={"files": "x"}).status_code == 422
    assert client.get("/hsi/openings/nothing").status_code == 404
    assert client.post("/hsi/openings/nothing/cancel").status_code == 404
    assert client.post("/hsi/shelf/nothing", json={"do": "delete"}).status_code == 400
    assert client.post("/hsi/shelf/nothing", json={"do": "burn"}).status_code == 422


def test_the_shelf(client: TestClient, studio: Studio, tmp_path: Path) -> None:
    project = labelled(studio, scene_file(tmp_path / "data"))
    shelf = client.get("/hsi/shelf").json()
    assert [scene["id"] for scene in shelf["scenes"]] == ["demo", "indian_pines"]
    (card,) = shelf["projects"]
    assert (card["size"], card["labels"], card["accuracy"]) == ("30 × 30, 10 bands", 6, "")
    assert client.get(card["picture"]).headers["content-type"] == "image/png"
    named = client.post(f"/hsi/shelf/{project.id}", json={"do": "rename", "title": "Auwald"}).json()
    assert named["projects"][0]["title"] == "Auwald"
    export = client.get(f"/hsi/shelf/{project.id}/export.zip")
    assert export.content[:2] == b"PK"
    assert "Auwald.zip" in export.headers["content-disposition"]
    gone = client.post(f"/hsi/shelf/{project.id}", json={"do": "delete"}).json()
    assert (gone["projects"], gone["trash"]) == ([], [{"id": project.id, "title": "Auwald"}])
    assert client.post(f"/hsi/shelf/{project.id}", json={"do": "bring back"}).json()["trash"] == []


def test_a_damaged_project_is_mended_from_its_card(client: TestClient, studio: Studio, tmp_path: Path) -> None:
    project = labelled(studio, scene_file(tmp_path / "data"))
    studio.close()
    file = project.folder / "project.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"classes"', '"klasses"'), encoding="utf-8")
    (card,) = client.get("/hsi/shelf").json()["projects"]
    assert card["problem"]
    shelf = client.post(f"/hsi/shelf/{project.id}", json={"do": "mend"}).json()
    assert shelf["said"].startswith("Mended. ")
    assert [(one["problem"], one["labels"]) for one in shelf["projects"]] == [("", 6)]


def test_a_page_without_a_scene_offers_what_there_is(studio: Studio, tmp_path: Path) -> None:
    project, top, *_ = first_page(studio, "", "")
    assert untouched(project)
    assert value(top)["start"]
    assert studio.projects() == []
    made = labelled(studio, scene_file(tmp_path / "data"))
    assert value(first_page(studio, "", "")[1])["start"]  # with the project as a card
    assert first_page(studio, made.id, "")[0] == made.id
