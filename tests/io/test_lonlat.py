"""Longitudes and latitudes that leave the program, on grids that are no ordinary ones.

RFC 7946: longitudes from −180 to 180; what crosses the 180th meridian is cut there (3.1.9), its box has the western
edge first (5.2), rings run counter-clockwise (3.1.6).
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.warp import transform as moved

from hsi_studio.io.export import export_all
from hsi_studio.io.label_geojson import labels_to_geojson
from hsi_studio.io.label_geopackage import export_labels_geopackage
from hsi_studio.io.label_import import read_labels
from hsi_studio.io.lonlat import footprint, written_transform
from hsi_studio.io.map_polygons import export_map_polygons
from hsi_studio.io.regions import regions_mask
from hsi_studio.io.stac_item import item
from hsi_studio.scene.labelmap import read_classes
from hsi_studio.scene.rules.alignment import Grid
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, Prediction, Scene
from tests.project.small import UTM, small_scene

SCHEMA = ClassSchema((ClassInfo("a", "Água; 水", "#112233"), ClassInfo("b", "=B, {b}", "#445566")))
SITE = 'LOCAL_CS["site grid",UNIT["metre",1]]'


def placed(transform: tuple[float, ...], crs: str, **options: Any) -> Scene:
    wkt = crs if crs == SITE else CRS.from_string(crs).to_wkt()
    return small_scene(transform=transform, crs=wkt, **options)


def a_map(scene: Scene) -> Prediction:
    label = (np.indices(scene.shape[:2]).sum(axis=0) % 3).astype(np.uint16)
    return Prediction(SCHEMA, label, np.ones(label.shape, np.float32), "live", {}, 1)


def labels() -> LabelSet:
    return LabelSet(SCHEMA, np.array([0, 3, 11]), np.array([0, 9, 15]), np.array([0, 1, 0]))


@pytest.mark.parametrize(
    ("transform", "crs"),
    [
        ((0.01, 0, 190.0, 0, -0.01, 60.5), "EPSG:4326"),  # counts to 360
        ((0.01, 0, 179.93, 0, -0.01, -16.5), "EPSG:4326"),  # over the 180th meridian
        ((0.01, 0, -180.07, 0, -0.01, -16.5), "EPSG:4326"),
        ((3000, 0, 160000, 0, -3000, 8200000), "EPSG:32701"),  # zone 1, from zone 60 on
    ],
)
def test_points_lie_between_the_180th_meridians_and_find_their_pixel_again(
    tmp_path: Path, transform: tuple[float, ...], crs: str
) -> None:
    scene = placed(transform, crs)
    document = labels_to_geojson(labels(), scene)
    places = np.array([f["geometry"]["coordinates"] for f in document["features"]])
    assert np.abs(places[:, 0]).max() <= 180
    own = scene.map_xy(3, 9)
    assert own is not None
    ((x,), (y,)) = moved(crs, "EPSG:4326", [own[0]], [own[1]])
    assert (places[1, 0] - x) % 360 == pytest.approx(0, abs=1e-9) or (places[1, 0] - x) % 360 == pytest.approx(360)
    assert places[1, 1] == pytest.approx(y)
    for feature in document["features"]:
        del feature["properties"]["row"], feature["properties"]["col"]
    del document["scene"]
    (tmp_path / "l.geojson").write_text(json.dumps(document), encoding="utf-8")
    found = read_labels(tmp_path / "l.geojson", scene, ClassSchema())
    assert sorted((row, col) for row, col, _, _ in found.labels) == [(0, 0), (3, 9), (11, 15)]


def test_an_outline_over_the_180th_meridian_is_cut_there() -> None:
    """UTM zone 1 from 179.8° east: its box is 1° wide, not 359°."""
    found = footprint(placed((3000, 0, 160000, 0, -3000, 8200000), "EPSG:32701"))
    assert found is not None
    geometry, (west, south, east, north) = found
    assert geometry["type"] == "MultiPolygon"
    assert (west > 179, east < -179, south < north) == (True, True, True)
    first, second = (np.array(polygon[0]) for polygon in geometry["coordinates"])
    assert first[:, 0].max() == 180
    assert second[:, 0].min() == -180
    for ring in (first, second):
        x, y = ring[:-1].T
        assert (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() > 0


def test_an_outline_around_the_pole_holds_the_pole() -> None:
    found = footprint(placed((3000, 0, -24000, 0, -3000, 18000), "EPSG:3413"))
    assert found is not None
    assert found[1][::2] == [-180, 180]
    assert found[1][3] == 90
    assert 89 < found[1][1] < 90


def test_an_ordinary_outline_is_its_four_corners_in_order() -> None:
    found = footprint(placed(UTM, "EPSG:32616"))
    assert found is not None
    ring = np.array(found[0]["coordinates"][0])
    assert ring.shape == (5, 2)
    assert found[1] == [*ring.min(axis=0), *ring.max(axis=0)]
    assert found[1][2] - found[1][0] < 0.001


def test_a_grid_of_no_place_on_the_earth_is_exported_all_the_same(tmp_path: Path) -> None:
    """GDAL finds no way from an engineering system to longitudes, and its error is of no public kind."""
    scene = placed(UTM, SITE)
    made = a_map(scene)
    assert len(export_all(made, labels(), scene, tmp_path)) == 10
    assert labels_to_geojson(labels(), scene)["coordinates"].startswith("pixel column")
    assert item("m", made, scene, [], {})["geometry"] is None


def test_a_system_without_coordinates_places_nothing(tmp_path: Path) -> None:
    """A file that names a coordinate system and gives no transform: pixels are no metres of it."""
    from pyogrio.raw import read

    scene = replace(placed(UTM, "EPSG:32616"), transform=None)
    made = a_map(scene)
    files = export_all(made, labels(), scene, tmp_path)
    with rasterio.open(files[0]) as source:
        assert source.crs is None
    assert read(str(export_map_polygons(made, scene, tmp_path / "p.gpkg")))[0]["crs"] is None
    assert item("m", made, scene, [], {})["properties"]["proj:wkt2"] is None


@pytest.mark.parametrize(
    "transform",
    [
        (3**0.5, -1.0, 600000.0, 1.0, 3**0.5, 4480000.0),  # turned by 30°, and from south to north
        (0.0, 2.0, 600000.0, -2.0, 0.0, 4480000.0),  # rows run along x
        (2.0, 0.0, 600000.0, 0.0, 2.0, 4480000.0),
        (-2.0, 0.0, 600000.0, 0.0, -2.0, 4480000.0),
    ],
)
def test_a_mirrored_picture_keeps_its_place_in_envi(tmp_path: Path, transform: tuple[float, ...]) -> None:
    scene = placed(transform, "EPSG:32616")
    export_all(a_map(scene), labels(), scene, tmp_path)
    with rasterio.open(tmp_path / "small_map_envi.img") as source:
        assert tuple(source.transform)[:6] == pytest.approx(transform, abs=1e-6)
        assert source.crs.to_epsg() == 32616


def test_regions_are_found_on_a_grid_that_counts_to_360(tmp_path: Path) -> None:
    scene = placed((0.01, 0, 190.0, 0, -0.01, 60.5), "EPSG:4326")
    west, east, south, north = -169.97, -169.94, 60.44, 60.48  # columns 3 to 5, rows 2 to 5
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    (tmp_path / "r.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}), encoding="utf-8")
    found = np.argwhere(regions_mask(tmp_path / "r.geojson", scene))
    assert (found.min(axis=0).tolist(), found.max(axis=0).tolist()) == ([2, 3], [5, 5])


@pytest.mark.parametrize("ending", ["csv", "gpkg", "img", "map"])
def test_files_of_a_grid_that_counts_to_360_lie_at_one_place_and_come_back(tmp_path: Path, ending: str) -> None:
    """GeoJSON has to be at −170°; rasters, GeoPackages and tables of the same scene lie there too, not at 190°."""
    scene = placed((0.01, 0, 190.0, 0, -0.01, 60.5), "EPSG:4326")
    files = export_all(a_map(scene), labels(), scene, tmp_path)
    export_labels_geopackage(labels(), scene, tmp_path / "l.gpkg")
    rasters = [f for f in files if f.suffix in (".tif", ".img")]
    assert len(rasters) >= 2
    for file in rasters:
        with rasterio.open(file) as source:
            assert (source.bounds.left, source.bounds.top) == pytest.approx((-170, 60.5))
    assert item("m", a_map(scene), scene, [], {})["properties"]["proj:transform"][2] == -170
    if ending in ("csv", "gpkg"):
        file = tmp_path / "l.gpkg" if ending == "gpkg" else next(f for f in files if f.suffix == ".csv")
        rows = [line.split(",") for line in file.read_text("utf-8-sig").splitlines()[1:]] if ending == "csv" else []
        assert all(float(row[-3]) < -169 for row in rows)
        found = read_labels(file, scene, ClassSchema())
        assert sorted((row, col) for row, col, _, _ in found.labels) == [(0, 0), (3, 9), (11, 15)]
        return
    grid = Grid(scene.shape[:2], scene.transform, scene.crs)
    file = next(f for f in rasters if (f.suffix == ".img") == (ending == "img") and "map" in f.name)
    back = read_classes(str(file), grid).labels
    assert np.array_equal(back > 0, a_map(scene).label > 0)


def test_what_does_not_lie_beyond_180_as_a_whole_keeps_its_numbers() -> None:
    for west in (-170.0, 179.95, 10.0):
        assert written_transform(placed((0.01, 0, west, 0, -0.01, 60.5), "EPSG:4326"))[2] == west
    assert written_transform(placed((0.01, 0, -190.0, 0, -0.01, 60.5), "EPSG:4326"))[2] == 170
    assert written_transform(placed(UTM, "EPSG:32616")) == UTM
