"""Hold-out regions: polygons become the pixels whose centres they hold, and an evaluation tests inside them alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from rasterio.warp import transform

from hsi_studio.engine.evaluation.few_shot import read_mask
from hsi_studio.engine.evaluation.splits import make_split, parse_protocol
from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.io.regions import regions_mask
from tests.project.small import UTM, small_scene, striped_reference, utm_wkt


def saved(path: Path, ring: list[tuple[float, float]], **more: str) -> Path:
    shape = {"type": "Polygon", "coordinates": [[*map(list, ring), list(ring[0])]]}
    feature = {"type": "Feature", "properties": {}, "geometry": shape}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature], **more}))
    return path


BOX = [(2.0, 3.0), (7.0, 3.0), (7.0, 9.0), (2.0, 9.0)]  # columns 2–6, rows 3–8
INSIDE = np.zeros((12, 16), bool)
INSIDE[3:9, 2:7] = True


def test_pixels_and_longitudes_give_the_same_mask(tmp_path: Path) -> None:
    assert np.array_equal(regions_mask(saved(tmp_path / "a.geojson", BOX), small_scene()), INSIDE)
    scene = small_scene(transform=UTM, crs=utm_wkt())
    x, y = zip(*((UTM[2] + 2 * c, UTM[5] - 2 * r) for c, r in BOX), strict=True)
    lon, lat = transform(utm_wkt(), "EPSG:4326", x, y)
    ring = list(zip(lon, lat, strict=True))
    assert np.array_equal(regions_mask(saved(tmp_path / "b.geojson", ring), scene), INSIDE)
    pixels = saved(tmp_path / "c.geojson", BOX, coordinates="pixel column, row")
    assert np.array_equal(regions_mask(pixels, scene), INSIDE)


def test_map_coordinates_are_of_the_system_that_is_named_or_the_scenes_own(tmp_path: Path) -> None:
    ring = [(UTM[2] + 2 * c, UTM[5] - 2 * r) for c, r in BOX]
    named = json.loads(saved(tmp_path / "u.geojson", ring).read_text())
    named["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32616"}}  # as QGIS writes it
    (tmp_path / "u.geojson").write_text(json.dumps(named))
    assert np.array_equal(
        regions_mask(tmp_path / "u.geojson", small_scene(transform=UTM, crs=utm_wkt())), INSIDE
    )  # fmt: skip
    local = small_scene(transform=(0.5, 0.0, 0.0, 0.0, -0.5, 6.0))  # metres of a field, no system
    field = saved(tmp_path / "f.geojson", [(0.5 * c, 6 - 0.5 * r) for c, r in BOX])
    assert np.array_equal(regions_mask(field, local), INSIDE)
    with pytest.raises(FileProblem, match="none of longitude and latitude"):
        regions_mask(saved(tmp_path / "w.geojson", ring), small_scene(transform=UTM, crs=utm_wkt()))


def test_training_stays_outside_and_tests_inside(tmp_path: Path) -> None:
    reference = striped_reference()
    scene = small_scene(reference=reference, reference_names={1: "a", 2: "b", 3: "c"})
    rule = parse_protocol(f"regions:{saved(tmp_path / 'a.geojson', BOX)}")
    split = make_split(reference, 2, 0, rule, read_mask(rule, scene), {1: "a", 2: "b", 3: "c"})
    assert not INSIDE.ravel()[split.train].any()
    assert set(split.test.tolist()) == set(np.flatnonzero(INSIDE & (reference > 0)).tolist())
    assert "No pixel tests for 1 of 3 classes: c." in split.notes


def test_a_file_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    (tmp_path / "x.geojson").write_text("nothing")
    with pytest.raises(CorruptFile, match="no GeoJSON"):
        regions_mask(tmp_path / "x.geojson", small_scene())
    (tmp_path / "y.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(CorruptFile, match="no polygon"):
        regions_mask(tmp_path / "y.geojson", small_scene())
    far = [(c + 100, r + 100) for c, r in BOX]
    with pytest.raises(FileProblem, match="none of its 1 polygons holds a pixel"):
        regions_mask(saved(tmp_path / "z.geojson", far), small_scene())
