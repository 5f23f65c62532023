"""The plot's pins and regions by plain routes: lines, a table, the library; what cannot be is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hsi_studio.cli.main import main
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.viewer.spectra_routes import router


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    made = Studio(tmp_path_factory.mktemp("home"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def project(studio: Studio) -> str:
    return studio.new_project("indian_pines").id


@pytest.fixture
def client(studio: Studio) -> TestClient:
    app = FastAPI()
    app.include_router(router(studio))
    return TestClient(app)


def test_pixels_come_first_then_regions_with_their_spread(client: TestClient, project: str) -> None:
    square = [[10, 10], [10, 13], [13, 13], [13, 10]]
    body = client.post(f"/hsi/spectra/{project}", json={"pixels": [[1, 2], [3, 4]], "regions": [square]}).json()
    first, _, region = body["lines"]
    assert len(first["y"]) == len(body["x"])
    assert region["count"] == 9
    assert {"low", "high"} <= set(region)
    assert any(why == "water" for *_, why in body["shades"])
    flat = client.post(f"/hsi/spectra/{project}", json={"pixels": [[1, 2]], "form": "continuum"}).json()
    assert max(v for v in flat["lines"][0]["y"] if v is not None) <= 1.0001


def test_the_table_has_a_row_a_band(client: TestClient, studio: Studio, project: str) -> None:
    text = client.get(f"/hsi/spectra/{project}.csv", params={"pixels": "1,2;3,4"}).text
    rows = text.splitlines()
    assert rows[0] == "band,wavelength_nm,used,row 1 column 2,row 3 column 4"
    assert len(rows) == 201
    value = float(rows[51].split(",")[3])
    assert value == pytest.approx(float(studio.scene_of(project).spectrum(1, 2)[50]), rel=1e-4)


@pytest.mark.parametrize("pixels", ["", "1", "1,2;", "9999,1", ";".join(["1,1"] * 13)])
def test_no_such_pixels_are_told(client: TestClient, project: str, pixels: str) -> None:
    assert client.get(f"/hsi/spectra/{project}.csv", params={"pixels": pixels}).status_code == 400


def test_the_nearest_are_listed_with_their_angle_and_the_unit_is_doubted(client: TestClient, project: str) -> None:
    body = client.get(f"/hsi/matches/{project}/40/20").json()
    angles = [one["angle"] for one in body["matches"]]
    assert len(angles) == 5
    assert angles == sorted(angles)
    assert "hints at most" in body["note"]


def test_the_shell_says_the_same(
    studio: Studio, project: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HSI_STUDIO_HOME", str(studio.home))
    assert main(["spectra", project, "--pixel", "1,2", "--out", str(tmp_path / "a.csv")]) == 0
    assert (tmp_path / "a.csv").read_text() == studio.spectra.as_csv(project, [(1, 2)])
    assert main(["spectra", project, "--pixel", "1;2"]) == 2
    assert "row and column" in capsys.readouterr().err
