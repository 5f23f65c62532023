"""Places of CF files: the figure of the earth, the prime meridian, kilometres, the 180th meridian, uneven vectors."""

import re

import h5py
import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.warp import transform

from hsi_studio.scene.open import open_scene
from hsi_studio.scene.rules.cf_grid import cf_crs, from_vectors

LAEA = {"grid_mapping_name": "lambert_azimuthal_equal_area", "latitude_of_projection_origin": 50.0}
PARIS = 2.33722917


def lonlat(crs, x, y):
    lon, lat = transform(CRS.from_wkt(crs), CRS.from_epsg(4326), [x], [y])
    return lon[0], lat[0]


def write(path, x, y, mapping=None, unit="m", names=("x", "y")):
    with h5py.File(path, "w") as file:
        cube = file.create_dataset("reflectance", data=np.random.default_rng(0).random((6, len(y), len(x))))
        for n, (name, values) in enumerate(zip(names[::-1], (y, x), strict=True)):
            file[name] = np.asarray(values, dtype=np.float64)
            file[name].attrs["units"] = unit
            file[name].make_scale(name)
            cube.dims[n + 1].attach_scale(file[name])
        file["wavelength"] = np.linspace(400, 900, 6)
        file["wavelength"].make_scale("wavelength")
        cube.dims[0].attach_scale(file["wavelength"])
        if mapping:
            file["grid"] = 0
            file["grid"].attrs.update(mapping)
            cube.attrs["grid_mapping"] = "grid"
    return path


@pytest.mark.parametrize(
    ("said", "long", "short"),
    [
        ({"earth_radius": 6371229.0}, 6371229.0, 6371229.0),
        ({"semi_major_axis": 6371000.0, "inverse_flattening": 0.0}, 6371000.0, 6371000.0),
        ({"semi_major_axis": 6370997.0, "semi_minor_axis": 6370997.0}, 6370997.0, 6370997.0),
        ({"semi_major_axis": 6378388.0, "semi_minor_axis": 6356911.946}, 6378388.0, 6356911.946),
        ({"semi_minor_axis": 6356752.314, "inverse_flattening": 298.257223563}, 6378137.0, 6356752.314),
        ({}, 6378137.0, 6356752.314),
    ],
)
def test_the_figure_of_the_earth_is_the_files_own(said, long, short):
    a, flattening = map(float, re.search(r'SPHEROID\["[^"]*",([\d.]+),([\d.]+)', cf_crs(LAEA | said)).groups())
    b = a * (1 - 1 / flattening) if flattening else a
    assert (a, b) == pytest.approx((long, short), abs=0.01)


def test_longitudes_count_from_the_files_own_prime_meridian():
    cone = {
        "grid_mapping_name": "lambert_conformal_conic", "standard_parallel": 46.8, "longitude_of_central_meridian": 0.0,
        "latitude_of_projection_origin": 46.8, "false_easting": 6e5, "false_northing": 2.2e6,
        "scale_factor_at_projection_origin": 0.99987742, "longitude_of_prime_meridian": PARIS,
    }  # fmt: skip
    assert lonlat(cf_crs(cone), 6e5, 2.2e6) == pytest.approx((PARIS, 46.8), abs=1e-6)
    north = lonlat(cf_crs(cone), 6e5, 2.2e6 + 1e5)[1] - 46.8
    whole = lonlat(cf_crs(cone | {"scale_factor_at_projection_origin": 1.0}), 6e5, 2.2e6 + 1e5)[1] - 46.8
    assert north / whole == pytest.approx(1 / 0.99987742, rel=1e-5)


@pytest.mark.parametrize("false", [500.0, 500_000.0], ids=["in kilometres", "in metres"])
def test_false_eastings_are_in_the_unit_of_the_coordinates(tmp_path, false):
    mercator = {
        "grid_mapping_name": "transverse_mercator", "longitude_of_central_meridian": 15.0, "false_easting": false,
        "scale_factor_at_central_meridian": 0.9996,
    }  # fmt: skip
    x, y = 500 + 0.01 * (np.arange(5) + 0.5), 5800 - 0.01 * (np.arange(4) + 0.5)
    scene = open_scene(write(tmp_path / "a.nc", x, y, mercator, "km"))
    assert scene.transform == pytest.approx((10, 0, 500_000, 0, -10, 5_800_000))
    assert lonlat(scene.crs, 500_000, 5_800_000)[0] == pytest.approx(15.0, abs=1e-6)


def test_longitudes_go_on_over_the_180th_meridian(tmp_path):
    lon = (179.975 + 0.01 * np.arange(6) + 180) % 360 - 180
    scene = open_scene(write(tmp_path / "a.nc", lon, -5 - 0.01 * np.arange(4), unit="degrees", names=("lon", "lat")))
    assert scene.transform == pytest.approx((0.01, 0, 179.97, 0, -0.01, -4.995))
    assert CRS.from_wkt(scene.crs).to_epsg() == 4326
    assert from_vectors(np.array([0.5, 359.5, 358.5]), np.array([1.0, 0.0]), around=True)[0] == pytest.approx(-1)
    former = open_scene(tmp_path / "a.nc", rules=7)
    assert former.transform is None


def test_uneven_coordinates_and_unknown_projections_are_told(tmp_path):
    odd = open_scene(write(tmp_path / "a.nc", [10.0, 20, 30], [40.0, 30, 15]))
    assert odd.transform is None
    assert any("not evenly spaced" in note for note in odd.notes)
    turned = {"grid_mapping_name": "rotated_latitude_longitude", "grid_north_pole_latitude": 39.0}
    pole = open_scene(write(tmp_path / "b.nc", [0.1, 0.2], [0.2, 0.1], turned, "degrees", ("rlon", "rlat")))
    assert pole.transform is None
    assert any("rotated_latitude_longitude" in note for note in pole.notes)
