"""One archive about a map: opened by the programs people use, in its place, with what proves it."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio

from hsi_studio import Studio, __version__
from hsi_studio.cli.main import main
from hsi_studio.errors import BadRequest
from hsi_studio.project.store import Project
from hsi_studio.studio.certify import map_hash
from tests.project.small import UTM
from tests.studio.shown import RUN, add_run

pytestmark = pytest.mark.slow  # figures, a report and three rasters
STEM = "scene_run-20260101-120000-abcdef"


def in_place(folder: Path, studio: Studio) -> Project:
    """24 × 30 pixels of 2 m in UTM 16N: upper half one class, lower half another, with a reference."""
    rng = np.random.default_rng(0)
    cube = rng.normal(0.2, 0.05, (6, 24, 30)).astype(np.float32)
    cube[:, 12:] += 0.4
    reference = np.ones((24, 30), np.uint8)
    reference[12:] = 2
    folder.mkdir(parents=True)
    grid = {"width": 30, "height": 24, "crs": "EPSG:32616", "transform": rasterio.Affine(*UTM)}
    with rasterio.open(folder / "scene.tif", "w", driver="GTiff", count=6, dtype="float32", **grid) as target:
        target.write(cube)
    with rasterio.open(folder / "reference.tif", "w", driver="GTiff", count=1, dtype="uint8", **grid) as target:
        target.write(reference, 1)
    project = studio.new_project(folder / "scene.tif", reference=str(folder / "reference.tif"))
    upper, lower = project.schema.classes
    for k in range(3):
        project.toggle_point(2, 3 + 8 * k, upper.id)
        project.toggle_point(20, 3 + 8 * k, lower.id)
    studio.refresh(project.id)
    return project


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, Project, Path]]:
    """(studio, project, the folder with everything of a run's map)."""
    folder = tmp_path_factory.mktemp("bundle")
    studio = Studio(home=folder / "home", data_root=folder / "data")
    project = in_place(folder / "data", studio)
    add_run(studio, project)
    studio.displayed.find(project.id, "live")
    studio.displayed.show(project.id, "run", RUN)
    archive = studio.exports.bundle(project.id, folder / "out")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder / "zip")
        assert {name.filename for name in opened.infolist()} == {path.name for path in (folder / "zip").iterdir()}
    yield studio, project, folder / "zip"
    studio.close()


def test_the_map_is_in_its_place_to_half_a_pixel(made: tuple[Studio, Project, Path]) -> None:
    """Raster and polygons: the corner of pixel (r, c) lies at (600000 + 2c, 4480000 − 2r)."""
    import shapely
    from pyogrio.raw import read

    studio, project, folder = made
    shown = studio.displayed.find(project.id, f"run:{RUN}").prediction
    with rasterio.open(folder / f"{STEM}_map.tif") as source:
        assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert source.crs.to_epsg() == 32616
        assert source.xy(7, 11) == (600000 + 2 * 11.5, 4480000 - 2 * 7.5)
        assert np.array_equal(source.read(1), shown.label)
        assert source.nodata == 0
    meta, _, geometry, columns = read(str(folder / f"{STEM}_map.gpkg"))
    assert "32616" in meta["crs"]
    polygons, fields = shapely.from_wkb(geometry), dict(zip(meta["fields"].tolist(), columns, strict=True))
    assert shapely.total_bounds(polygons) == pytest.approx([600000, 4480000 - 48, 600000 + 60, 4480000], abs=1)
    assert fields["area_m2"].sum() == pytest.approx(4 * (shown.label > 0).sum())
    for k, info in enumerate(shown.schema.classes, start=1):
        of = fields["class"] == info.name
        assert fields["pixels"][of].sum() == (shown.label == k).sum()
        row, col = np.argwhere(shown.label == k)[5]
        spot = shapely.Point(600000 + 2 * (col + 0.5), 4480000 - 2 * (row + 0.5))
        assert shapely.contains(polygons[of], spot).sum() == 1
        assert set(fields["color"][of]) == {info.color}


def test_every_file_says_what_the_map_was_made_from(made: tuple[Studio, Project, Path]) -> None:
    studio, project, folder = made
    digest = map_hash(studio.displayed.find(project.id, f"run:{RUN}").prediction)
    for name in ("map", "confidence"):
        with rasterio.open(folder / f"{STEM}_{name}.tif") as source:
            tags = source.tags()
        assert tags["map_sha256"] == digest
        assert tags["scene_hash"] == studio.scene_of(project.id).id
        assert tags["layer"] == f"run:{RUN}"
        assert tags["command"] == f"python -m hsi_studio replay {RUN}"
        assert tags["version_numpy"] == np.__version__
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert digest in readme
    assert "Labels: 6 labels" in readme
    assert not re.findall(r"\|  \|$", readme, re.MULTILINE), "a file of the archive is not explained"


def test_the_report_needs_no_other_file_and_escapes_what_people_wrote(made: tuple[Studio, Project, Path]) -> None:
    studio, project, folder = made
    text = (folder / f"{STEM}_report.html").read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', text)
    report = studio.displayed.find(project.id, f"run:{RUN}").report
    assert report is not None
    assert report.main.oa is not None
    assert f"<b>{100 * report.main.oa.value:.1f}</b>" in text
    assert "but with their neighbours" in text
    assert f"replay {RUN}" in text
    first = project.schema.classes[0].id
    studio.edit(project.id, lambda p: p.rename_class(first, "<script>alert(1)</script>"))
    page = studio.reports.page(studio.displayed.find(project.id, "live"))
    assert "<script>" not in page
    studio.edit(project.id, lambda p: p.undo())


def test_the_matrix_of_the_report_is_readable_with_long_names(made: tuple[Studio, Project, Path]) -> None:
    """Columns go by number: forty names of sixty letters side by side are metres wide."""
    studio, project, _ = made
    name = "Broadleaf forest on slopes, older than forty years, thinned"
    first = project.schema.classes[0].id
    studio.edit(project.id, lambda p: p.rename_class(first, name))
    page = studio.reports.page(studio.displayed.find(project.id, "live"))
    matrix = page[page.index('<table class="matrix">') :]
    head = matrix[: matrix.index("</thead>")]
    assert re.findall(r"<th[^>]*>([^<]*)</th>", head) == ["", "1", "2", "other or none"]
    assert f"</i>1 {name}</td>" in matrix
    studio.edit(project.id, lambda p: p.undo())


def test_tables_hold_the_figures(made: tuple[Studio, Project, Path]) -> None:
    studio, project, folder = made
    report = studio.displayed.find(project.id, f"run:{RUN}").report
    assert report is not None
    with (folder / f"{STEM}_accuracy.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["class"]]
    assert float(rows[0]["producers_accuracy"]) == pytest.approx(report.main.classes[0].recall)
    assert float(rows[0]["f1_low"]) <= float(rows[0]["f1"]) <= float(rows[0]["f1_high"])
    with (folder / f"{STEM}_areas.csv").open(encoding="utf-8", newline="") as stream:
        areas = [row for row in csv.DictReader(stream) if row["pixels"]]
    assert sum(float(row["mapped_m2"]) for row in areas) == 4 * 24 * 30


def test_the_stac_item_has_its_files_place_and_bands(made: tuple[Studio, Project, Path]) -> None:
    """Fields that STAC 1.0.0 demands; the outline is the scene's, in longitude and latitude."""
    import hashlib

    _, _, folder = made
    item = json.loads((folder / f"{STEM}.json").read_text(encoding="utf-8"))
    assert (item["type"], item["stac_version"]) == ("Feature", "1.0.0")
    assert item["properties"]["processing:software"] == {"HSI Studio": __version__}
    assert {"id", "geometry", "bbox", "properties", "links", "assets", "stac_extensions"} <= item.keys()
    ring = np.array(item["geometry"]["coordinates"][0])
    assert (ring[0] == ring[-1]).all()
    assert item["bbox"] == pytest.approx([*ring.min(axis=0), *ring.max(axis=0)])
    assert -86 < ring[0, 0] < -85
    assert len(item["properties"]["eo:bands"]) == 6
    for name, asset in item["assets"].items():
        data = (folder / name).read_bytes()
        assert asset["file:size"] == len(data)
        assert asset["file:checksum"] == "1220" + hashlib.sha256(data).hexdigest()


def test_the_command_of_the_live_map_makes_the_same_map(
    made: tuple[Studio, Project, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    studio, project, _ = made
    found = studio.displayed.find(project.id, "live")
    origin = studio.provenance.of(found)
    labels = studio.export_labels(project.id, tmp_path)[0]
    labels.rename(tmp_path / "labels.geojson")
    monkeypatch.chdir(tmp_path)
    command = origin.command.removeprefix("python -m hsi_studio ").split()
    assert main(command) == 0
    assert origin.map_hash in capsys.readouterr().err


def test_labels_that_came_after_the_map_are_said_to_be_others(
    made: tuple[Studio, Project, Path], tmp_path: Path
) -> None:
    studio, project, folder = made
    assert "of today" not in (folder / "README.md").read_text(encoding="utf-8")
    before = studio.reports.page(studio.displayed.find(project.id, f"run:{RUN}"))
    studio.label(project.id, 20, 5, project.schema.classes[0].id)  # a pixel of the other half
    after = studio.reports.page(studio.displayed.find(project.id, f"run:{RUN}"))
    drawn = [re.findall(r'<path d="([^"]*)"', page) for page in (before, after)]
    assert drawn[0] == drawn[1], "the spectra are those of the labels of today"
    archive = studio.exports.bundle(project.id, tmp_path, which=f"run:{RUN}")
    studio.remove_label(project.id, 20, 5)
    readme = zipfile.ZipFile(archive).read("README.md").decode()
    assert "hold the project's 7 labels of today; the map was made from 6." in readme


def test_a_kept_map_of_a_file_that_changed_says_what_it_was_made_from(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The same size, elsewhere: the map lies where the file says now, and every export says that it was another."""
    studio = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    project = in_place(tmp_path / "data", studio)
    add_run(studio, project)
    with rasterio.open(tmp_path / "data" / "scene.tif") as source:
        values = source.read()
    studio.close()
    moved = rasterio.Affine(*UTM) @ rasterio.Affine.translation(5, 0)
    with rasterio.open(
        tmp_path / "data" / "scene.tif", "w", driver="GTiff", count=6, dtype="float32", width=30, height=24,
        crs="EPSG:32616", transform=moved,
    ) as target:  # fmt: skip
        target.write(values)
    studio = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    try:
        file = studio.exports.file(project.id, tmp_path / "m.tif", which=f"run:{RUN}")[1]
        now = studio.scene_of(project.id).id
        with rasterio.open(file) as source:
            tags = source.tags()
        assert tags["scene_hash_now"] == now
        assert tags["scene_hash"] == studio.runs.record(RUN).scene["id"] != now
        found = studio.provenance.of(studio.displayed.find(project.id, f"run:{RUN}"))
        assert "not what the file holds now" in dict(found.chain)["Scene"]
        assert "not quite the file this project was made on" in caplog.text
    finally:
        studio.close()


def test_one_file_goes_by_its_ending(made: tuple[Studio, Project, Path], tmp_path: Path) -> None:
    studio, project, _ = made
    shown, path = studio.exports.file(project.id, tmp_path / "m_probabilities.tif", which="live")
    with rasterio.open(path) as source:
        assert source.descriptions == tuple(shown.prediction.schema.names)
        assert source.read().sum(axis=0) == pytest.approx(np.ones((24, 30)), abs=1e-3)
    with pytest.raises(BadRequest, match=r"\.gpkg"):
        studio.exports.file(project.id, tmp_path / "map.docx")


def test_the_report_of_the_live_map_shows_how_its_accuracy_grew(tmp_path: Path) -> None:
    studio = Studio(home=tmp_path / "home", data_root=tmp_path / "data")
    project = in_place(tmp_path / "data", studio)
    upper = project.schema.classes[0]
    studio.live(project.id).wait(project.revision, 60, report=True)
    assert "Accuracy over labels" not in studio.reports.page(studio.displayed.find(project.id, "live"))
    studio.label(project.id, 4, 20, upper.id)
    studio.live(project.id).wait(project.revision, 60, report=True)
    assert "Accuracy over labels" in studio.reports.page(studio.displayed.find(project.id, "live"))
    studio.close()
