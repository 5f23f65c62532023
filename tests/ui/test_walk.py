"""The walk of `--demo`: every station can be reached from every other, whatever was done in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hsi_studio import Studio
from hsi_studio.scene.demo import demo_scene
from hsi_studio.ui import launch, walk
from tests.studio.shown import add_text_map, project_with_reference


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Studio, walk.Walk]]:
    studio = Studio(home=tmp_path / "home")
    upper, lower = project_with_reference(studio, tmp_path / "data").schema.names
    monkeypatch.setattr(walk, "SCENE", tmp_path / "data" / "halves.npz")
    monkeypatch.setattr(walk, "CLICKS", ((2, 3, upper), (25, 3, lower), (4, 20, upper)))
    walked = walk.Walk(studio)
    add_text_map(studio, studio.project(walked.project))
    yield studio, walked
    studio.close()


def test_a_station_is_the_same_from_wherever_one_comes(made: tuple[Studio, walk.Walk]) -> None:
    studio, walked = made
    project, last = studio.project(walked.project), len(walked.stations) - 1
    for number in (0, last, 1, 3, 1, last - 1, 2):
        upper = project.schema.classes[0].id
        project.add_point(10, 10, upper)  # somebody in the room
        walked.go(number)
        station = walked.stations[number]
        assert list(project.points) == [click[:2] for click in walk.CLICKS[: station.clicks]]
        assert studio.displayed.chosen(project.id) == (station.left, station.right)
    walked.go(last)
    assert [point.labels for point in studio.status(project.id).climb] == [2, 3]  # the curve has every click


def test_what_was_made_before_says_so_and_stations_are_asked_by_number(made: tuple[Studio, walk.Walk]) -> None:
    studio, walked = made
    server = FastAPI()
    server.include_router(walk.router(walked))
    client = TestClient(server)
    told = client.get("/hsi/walk").json()
    assert told["project"] == walked.project
    assert [bool(one["made"]) for one in told["stations"]] == [False, True, True, True, True, True, True]
    assert client.post("/hsi/walk/4").json() == {"problem": ""}
    assert client.post("/hsi/walk/99").status_code == 404
    assert len(studio.project(walked.project).points) == 3


def test_the_recorded_clicks_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    """Each lies in an area of its class: the reference of the demonstration's scene says so."""
    scene = demo_scene()
    assert scene.reference is not None
    names = dict(scene.reference_classes)
    assert [names[int(scene.reference[row, col])] for row, col, _ in walk.CLICKS] == [name for *_, name in walk.CLICKS]
    with pytest.raises(SystemExit):
        launch.main(["--demo", "--per-session"])
    assert "--demo" in capsys.readouterr().err
