"""Places that a file gives wrongly or not at all: told, with what to write; and folders that are no image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from hsi_studio.errors import UnknownFormat
from hsi_studio.scene.open import open_scene
from hsi_studio.scene.rules.georeference import doubt
from tests.scene import fake
from tests.scene.strangers import said, tiff


@pytest.mark.parametrize(
    ("code", "place", "remedy"),
    [
        (32733, (10, 0, 300_000, 0, -10, -3_700_000), "EPSG:32633"),
        (32633, (10, 0, 300_000, 0, -10, 9_950_000), "EPSG:32733"),
        (25833, (10, 0, 300_000, 0, -10, 9_950_000), "that zone's code"),
        (32633, (1e-4, 0, 15, 0, -1e-4, 52), "EPSG:4326"),
        (32633, (30, 0, 300_000, 0, -30, -3_700_000), None),  # as Landsat's scenes of the southern hemisphere
        (32733, (10, 0, 300_000, 0, -10, 10_200_000), None),  # a little north of the equator
        (32633, (10, 0, 500_000, 0, -10, 5_800_000), None),
        (3857, (10, 0, 300_000, 0, -10, -3_700_000), None),
    ],
)
def test_coordinates_of_the_other_hemisphere_and_degrees_in_a_utm_zone(code, place, remedy):
    system = rasterio.crs.CRS.from_epsg(code)
    found = doubt(place, system.to_wkt(), (6, 5))
    assert (found is None) == (remedy is None)
    assert remedy is None or f"--crs {remedy}" in found
    for version in ("WKT1_ESRI", "WKT2_2019"):
        assert (doubt(place, system.to_wkt(version=version), (6, 5)) is None) == (remedy is None)


def test_a_missing_false_northing_is_told_when_a_scene_is_opened(tmp_path):
    info = "map info = {UTM, 1, 1, 300000, -3700000, 10, 10, 33, South, WGS-84, units=Meters}"
    scene = open_scene(fake.envi(tmp_path, fake.cube(), extra=info))
    assert "lack the false northing" in said(scene)
    assert "lack the false northing" not in said(open_scene(tmp_path / "scene.img", crs="EPSG:32633"))


@pytest.mark.parametrize(
    ("extra", "note"),
    [
        ("geo points = {1.0, 1.0, 52.1, 13.1, 5.0, 1.0, 52.1, 13.2, 1.0, 6.0, 52.0, 13.1}", "ground control points"),
        ("rpc info = {" + ", ".join(["1.0"] * 93) + "}", "camera model"),
    ],
)
def test_points_and_camera_models_of_a_header_are_no_grid_and_are_told(tmp_path, extra, note):
    scene = open_scene(fake.envi(tmp_path, fake.cube(), extra=extra))
    assert scene.transform is None
    assert note in said(scene)


@pytest.mark.parametrize(
    ("listed", "side"),
    [
        ("2.0, 2.0, units=Meters", 2.0),
        ("2.0, 8.0", 4.0),
        ("2.0, 2.0, units=Degrees", None),
        ("0, 2", None),
        ("2.0", None),
        ("nan, 2", None),
    ],
)
def test_the_pixel_size_of_a_header_without_a_map(tmp_path, listed, side):
    path = fake.envi(tmp_path, fake.cube(), extra=f"pixel size = {{{listed}}}")
    assert open_scene(path).gsd_m == side
    assert open_scene(path, rules=8).gsd_m is None


def test_a_zarr_store_is_called_by_its_name(tmp_path: Path):
    (tmp_path / "cube.zarr" / "reflectance").mkdir(parents=True)
    (tmp_path / "cube.zarr" / ".zgroup").write_text('{"zarr_format": 2}')
    with pytest.raises(UnknownFormat, match=r"it is a Zarr store, which is not read\. Save it as netCDF"):
        open_scene(tmp_path / "cube.zarr")


@pytest.mark.parametrize(
    ("unit", "highest", "note"),
    [
        ("", 13_000, "reach 13,000 m, higher than any ground"),
        ("degrees", 40, "in “degrees”, which is no length"),
        ("cm", 13_000, "in “cm”, as it says"),
        ("m above ellipsoid", 400, ""),
        ("unknown", 400, ""),
    ],
)
def test_heights_that_cannot_be_heights_in_metres_are_told(tmp_path, unit, highest, note):
    scene = tiff(tmp_path / "a.tif", fake.cube())
    heights = np.linspace(0.9 * highest, highest, 30, dtype=np.float32).reshape(6, 5)
    found = said(open_scene(scene, dsm=str(tiff(tmp_path / "dsm.tif", heights, unit=unit))))
    assert note in found
    assert ("no length" in found or "higher than" in found) == (bool(note) and unit != "cm")


def test_a_cloud_of_points_is_called_by_its_name(tmp_path):
    (tmp_path / "a.laz").write_bytes(b"LASF" + bytes(300))
    with pytest.raises(UnknownFormat, match="it is a cloud of LiDAR points, no raster"):
        open_scene(tiff(tmp_path / "a.tif", fake.cube()), dsm=str(tmp_path / "a.laz"))
