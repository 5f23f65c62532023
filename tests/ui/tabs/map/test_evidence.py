"""The panel of evidence: figures of the map that is shown, cells on the picture, random pixels labelled blind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hsi_studio import Studio
from hsi_studio.errors import BadRequest
from hsi_studio.project.store import Project
from hsi_studio.ui.server.bodies import most_bytes
from hsi_studio.ui.tabs.map.routes import router
from hsi_studio.ui.tabs.map.tab import MapTab
from hsi_studio.ui.tabs.map.values import evidence_value
from hsi_studio.ui.viewer.page_state import Present
from tests.studio.shown import RUN, add_run, add_text_map, project_with_reference
from tests.ui.tabs.events import value


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, Project]]:
    folder = tmp_path_factory.mktemp("panel")
    studio = Studio(home=folder / "home", data_root=folder / "data")
    project = project_with_reference(studio, folder / "data")
    add_run(studio, project)
    add_text_map(studio, project)
    studio.displayed.find(project.id, "live")
    studio.live(project.id).wait(project.revision, 30, report=True)
    yield studio, project
    studio.close()


def test_the_matrix_is_that_of_the_map_shown_also_of_a_trained_one(made: tuple[Studio, Project]) -> None:
    studio, project = made
    for layer, item in (("live", ""), ("run", RUN), ("texts", "")):
        studio.displayed.show(project.id, layer, item)
        shown = studio.displayed.left(project.id)
        assert shown is not None
        assert shown.report is not None
        found = evidence_value(studio, project.id)
        assert found["shown"] == shown.title
        assert found["blocks"][0]["counts"] == shown.report.main.confusion.tolist()
        own = [info.id for info in project.schema.classes]
        assert all(own[int(one["number"]) - 1] == one["id"] for one in found["blocks"][0]["classes"])
        assert [one["id"] for one in found["layers"] if one["shown"]] == [shown.layer]


def test_a_cell_is_a_colouring_of_as_many_pixels(made: tuple[Studio, Project]) -> None:
    studio, project = made
    studio.displayed.show(project.id, "run", RUN)
    block = evidence_value(studio, project.id)["blocks"][0]
    first, second = (one["id"] for one in block["classes"])
    server = FastAPI()
    server.include_router(router(studio))
    client = TestClient(server)
    where = f"/hsi/evidence/{project.id}/cell/{first}/{second}/0"
    heat = json.loads(client.get(where, params={"title": "t"}).json()["show"]["hsi-viewer"])["heat"]
    assert heat["title"] == "t"
    got = client.get(heat["url"])
    assert got.status_code == 200
    bytes_ = np.frombuffer(got.content, np.uint8)
    assert (bytes_ == 254).sum() == block["counts"][0][1]
    assert set(np.unique(bytes_)) == {254, 255}
    assert client.get(heat["url"].replace(first, "nobody")).status_code == 404


def test_random_pixels_are_asked_without_what_the_map_shows(made: tuple[Studio, Project]) -> None:
    studio, project = made
    studio.displayed.show(project.id, "run", RUN)
    tab = MapTab(studio)
    panel, viewer, *_ = tab.do(project.id, {"do": "draw sample", "se": 8, "seed": 1})
    sample, heat = value(panel)["certify"], value(viewer)["heat"]
    assert "stratum" not in str(sample)
    assert heat["blind"]
    assert heat["marks"] == [sample["points"][0]]
    panel, viewer, *_ = tab.do(project.id, {"do": "answer", "number": 0, "id": project.schema.classes[0].id})
    assert value(panel)["at"] == 1
    assert value(viewer)["heat"]["marks"] == [sample["points"][1]]
    before = project.revision
    for number in range(1, sample["total"]):
        panel, viewer, *_ = tab.do(project.id, {"do": "answer", "number": number, "id": project.schema.classes[1].id})
    assert value(viewer)["heat"] is None
    assert value(panel)["areas"]["certified"].startswith("OA ")
    assert project.revision == before  # no label was given
    with pytest.raises(BadRequest):
        tab.do(project.id, {"do": "draw sample", "se": "many"})


def test_a_pixel_can_be_told_as_a_class_of_the_map_that_the_project_has_no_more(made: tuple[Studio, Project]) -> None:
    """Else its pixels, told as they are, could only be told as errors of the map."""
    studio, project = made
    sample = studio.certify.draw(project.id, f"run:{RUN}", 0.08)
    gone = sample.classes.classes[0]
    project.delete_class(gone.id)
    try:
        panel = evidence_value(studio, project.id)["certify"]
        assert [one["name"] for one in panel["classes"]][: len(sample.classes.names)] == sample.classes.names
        studio.certify.answer(project.id, 0, panel["classes"][0]["id"])
        assert studio.certify.sample(project.id).answers[0] == gone.id
    finally:
        project.undo()


def test_a_sample_labelled_elsewhere_comes_back(
    made: tuple[Studio, Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio, project = made
    studio.certify.draw(project.id, f"run:{RUN}", 0.08)
    studio.certify.answer(project.id, 0, project.schema.classes[0].id)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))  # where uploads wait
    file = studio.certify.write_file(project.id, tmp_path / "s.gpkg")
    asked = json.dumps({"files": [str(file)]})
    assert len(asked) < most_bytes("POST", f"/hsi/evidence/{project.id}/sample") < file.stat().st_size
    studio.certify.answer(project.id, 0, None)
    server = FastAPI()
    server.include_router(router(studio))
    client = TestClient(server)
    got = client.post(f"/hsi/evidence/{project.id}/sample", content=asked, headers={"Content-Type": "application/json"})
    assert got.json() == {"said": "1 pixel taken from s.gpkg."}
    assert studio.certify.sample(project.id).done == 1
    (tmp_path / "no.gpkg").write_bytes(b"no")
    for name, words in (("no.gpkg", "no GeoPackage"), ("gone.gpkg", "is no upload"), ("../s.gpkg", "is no upload")):
        wrong = client.post(f"/hsi/evidence/{project.id}/sample", json={"files": [str(tmp_path / name)]})
        assert wrong.status_code == 400
        assert words in wrong.json()["detail"]


def test_a_map_from_elsewhere_becomes_a_layer_and_goes_again(
    made: tuple[Studio, Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio, project = made
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    studio.displayed.show(project.id, "live", beside="")
    _, header = studio.exports.file(project.id, tmp_path / "a" / "theirs.hdr", which="live")
    image = header.with_suffix(".img").rename(tmp_path / "theirs.img")  # each upload lies in a folder of its own
    server = FastAPI()
    server.include_router(router(studio))
    got = TestClient(server).post(f"/hsi/evidence/{project.id}/maps", json={"files": [str(header), str(image)]}).json()
    assert got["said"].startswith("theirs is a layer now.")
    present, tab = Present(studio), MapTab(studio)
    card = value(present.strip(project.id))["card"]
    both = studio.evidence.compare(project.id, "live", got["layer"])
    assert both.n > 0
    assert card["text"] == both.sentence("map of your labels", "Imported “theirs”")
    assert f"on the same {both.n:,} pixels (" in card["text"]
    assert card["caveat"] == both.caveat
    assert not card["worse"]  # the same map again
    assert "may have been among its training pixels" in both.caveat
    panel, *_ = tab.do(project.id, {"do": "show", "layer": got["layer"]})
    assert value(panel)["shown"] == "theirs"
    strip = value(present.strip(project.id))
    assert "card" not in strip
    assert strip["text"] == f"{card['text']} {card['caveat']}"
    studio.displayed.show_beside(project.id, "live")
    strip = value(present.strip(project.id))  # side by side: the caveat stands with the difference
    assert [len(group["figures"]) for group in strip["groups"]] == [1, 1]
    assert strip["groups"][1]["words"].endswith(both.caveat)
    studio.displayed.show_beside(project.id, "")
    panel, *_ = tab.do(project.id, {"do": "remove", "layer": got["layer"]})
    assert value(panel)["shown"] != "theirs"
    assert all(not one["id"].startswith("imported:") for one in value(panel)["layers"])


def test_a_step_that_a_map_cannot_take_leaves_no_layer(made: tuple[Studio, Project]) -> None:
    studio, project = made
    studio.displayed.show(project.id, "texts")
    tab, before = MapTab(studio), [one.id for one in studio.displayed.layers(project.id)]
    with pytest.raises(BadRequest, match="was not kept"):
        tab.do(project.id, {"do": "step", "kind": "margin", "value": 0.3})
    assert [one.id for one in studio.displayed.layers(project.id)] == before


# ── what is shown is not replaced ───────────────────────────────────────────────────────────────


def test_a_new_map_waits_on_a_card_that_says_what_it_would_change(made: tuple[Studio, Project]) -> None:
    studio, project = made
    present = Present(studio)
    studio.displayed.show(project.id, "live", beside="")
    studio.displayed.announce(project.id, f"run:{RUN}")
    assert studio.displayed.chosen(project.id)[0] == "live"
    card = value(present.strip(project.id))["card"]
    found = studio.evidence.compare(project.id, "live", f"run:{RUN}")
    assert found.first is not None
    assert found.second is not None
    assert f"{100 * found.second.value:.1f} against map of your labels {100 * found.first.value:.1f}" in card["text"]
    assert f"on the same {found.n} pixels (−" in card["text"]
    assert card["worse"] is found.worse
    present.after_news(project.id, {"do": "dismiss"})
    assert "card" not in value(present.strip(project.id))
    studio.displayed.announce(project.id, f"run:{RUN}")
    present.after_news(project.id, {"do": "show"})
    assert studio.displayed.chosen(project.id)[0] == f"run:{RUN}"
    assert "card" not in value(present.strip(project.id))


def test_two_maps_side_by_side_are_told_on_the_same_pixels(made: tuple[Studio, Project]) -> None:
    studio, project = made
    studio.displayed.show(project.id, "live", beside=f"run:{RUN}")
    strip = value(Present(studio).strip(project.id))
    both = studio.evidence.compare(project.id, "live", f"run:{RUN}")
    assert [group["figures"][0]["value"] for group in strip["groups"]] == [
        f"{100 * one.value:.1f}" for one in (both.first, both.second) if one
    ]
    assert f"the same {both.n} reference pixels" in strip["groups"][0]["words"]
    studio.displayed.show_beside(project.id, f"run:{RUN}")
    studio.displayed.show(project.id, "run", RUN, beside=f"run:{RUN}")  # a map against itself
    strip = value(Present(studio).strip(project.id))
    assert len({group["figures"][0]["value"] for group in strip["groups"]}) == 1
    assert strip["groups"][1]["words"].startswith("0.0 points")
    studio.displayed.show(project.id, "live", beside="")


def test_a_click_on_another_map_brings_back_the_one_that_follows_clicks(made: tuple[Studio, Project]) -> None:
    from hsi_studio.ui.viewer.label_routes import router as clicks

    studio, project = made
    server = FastAPI()
    server.include_router(clicks(studio))
    studio.displayed.show(project.id, "run", RUN)
    act = {"do": "pick", "row": 8, "col": 8, "class_id": project.schema.classes[0].id, "n": 1}
    shown = [
        value(TestClient(server).post(f"/hsi/acts/{project.id}", json={"acts": [act]}).json()["show"]["hsi-viewer"])
        for _ in range(2)
    ]
    assert shown[0]["notice"].startswith("Shown again: the map of your labels")
    assert shown[0]["map"]["kind"] == "live"
    assert shown[1]["notice"] == ""


def test_a_drawn_region_is_measured_in_and_taken_away(made: tuple[Studio, Project]) -> None:
    studio, project = made
    tab = MapTab(studio)
    studio.displayed.show(project.id, "live")
    with pytest.raises(BadRequest, match="no region"):
        tab.do(project.id, {"do": "hold out", "polygon": [[1], "x"]})
    corners = [[10, 10], [10, 20], [20, 20], [20, 10]]
    answer = tab.do(project.id, {"do": "hold out", "polygon": corners})
    assert value(answer[0])["regions"] == [100]
    score = value(tab.do(project.id, {"do": "measure regions", "key": "k"})[0])["score"]
    assert score["key"] == "k"
    assert score["figures"].startswith("OA ")
    assert score["words"].startswith("On 100 reference pixels inside your 1 hold-out region")
    app = FastAPI()
    app.include_router(router(studio))
    url = value(tab.do(project.id, {"do": "show regions"})[1])["heat"]["url"]
    with TestClient(app) as page:
        pixels = np.frombuffer(page.get(url).content, np.uint8).reshape(30, 30)
    assert np.argwhere(pixels == 254).min(axis=0).tolist() == [10, 10]
    assert int((pixels == 254).sum()) == 100
    assert value(tab.do(project.id, {"do": "release", "number": None})[0])["regions"] == []
