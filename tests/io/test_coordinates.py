"""Places become the pixel they lie in, or none; what cannot be understood is told with its place in the file."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from rasterio.crs import CRS

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.io.coordinates import color_or_none, named, number, pixels_of
from tests.project.small import UTM, small_scene, utm_wkt

FILE = Path("labels.csv")
TURN = math.radians(30)
TURNED = (2 * math.cos(TURN), 3 * math.sin(TURN), 600000.0, 2 * math.sin(TURN), -3 * math.cos(TURN), 4480000.0)
PIXELS = [(0, 0), (11, 0), (0, 15), (7, 9)]


@pytest.mark.parametrize("transform", [UTM, TURNED], ids=["north up", "turned, oblong pixels"])
def test_every_point_of_a_pixel_is_that_pixel(transform: tuple[float, float, float, float, float, float]) -> None:
    scene = small_scene(transform=transform)
    for down, right in ((0.0, 0.0), (0.49, -0.49), (-0.49, 0.49)):
        places = [scene.map_xy(row + down, col + right) for row, col in PIXELS]
        assert pixels_of(FILE, [""] * 4, [p for p in places if p], "map", scene) == PIXELS


def test_the_origin_of_utm_zone_16_is_where_its_definition_says() -> None:
    """87° W on the equator is 500,000 m east, 0 m north."""
    scene = small_scene(transform=(2.0, 0.0, 500000.0 - 7, 0.0, -2.0, 11.0), crs=utm_wkt())
    assert pixels_of(FILE, [""], [(-87.0, 0.0)], "lonlat", scene) == [(5, 3)]
    assert pixels_of(FILE, [""], [(500000.0, 0.0)], "EPSG:32616", scene) == [(5, 3)]
    south = small_scene(transform=scene.transform, crs=CRS.from_epsg(32716).to_wkt())  # 10,000 km more
    assert pixels_of(FILE, [""], [(-87.0, 0.0)], "lonlat", south) != [(5, 3)]


def test_a_place_before_the_first_pixel_is_outside_and_not_the_first_pixel() -> None:
    scene = small_scene(transform=UTM, crs=utm_wkt())
    assert pixels_of(FILE, [""], [(UTM[2] - 0.1, UTM[5] + 0.1)], "map", scene) == [(-1, -1)]


def test_a_place_that_cannot_be_projected_is_outside_and_the_others_are_found() -> None:
    """GeoJSON with metres where degrees belong, a latitude of 95°: GDAL refuses the whole list for one of them."""
    scene = small_scene(transform=(2.0, 0.0, 500000.0 - 7, 0.0, -2.0, 11.0), crs=utm_wkt())
    good = (-87.0, 0.0)
    places = [good, (0.0, 95.0), good, (600000.0, 4480000.0), good]
    assert pixels_of(FILE, [""] * 5, places, "lonlat", scene) == [(5, 3), (-1, -1), (5, 3), (-1, -1), (5, 3)]


def test_pictures_say_column_before_row() -> None:
    scene = small_scene()
    assert pixels_of(FILE, [""], [(7.0, 2.0)], "pixel", scene) == [(7, 2)]
    assert pixels_of(FILE, [""], [(7.0, 2.0)], "pixel-xy", scene) == [(2, 7)]
    with pytest.raises(CorruptFile, match=r"line 4: row 2\.5 is not a whole number"):
        pixels_of(FILE, ["line 4"], [(7.0, 2.5)], "pixel-xy", scene)


def test_coordinates_without_a_meaning_here_are_refused() -> None:
    with pytest.raises(FileProblem, match="small has no coordinate system"):
        pixels_of(FILE, [""], [(1.0, 1.0)], "map", small_scene())
    with pytest.raises(FileProblem, match="names no coordinate system"):
        pixels_of(FILE, [""], [(1.0, 1.0)], "lonlat", small_scene(transform=UTM))
    with pytest.raises(FileProblem, match="'EPSG:1' is unknown"):
        pixels_of(FILE, [""], [(1.0, 1.0)], "EPSG:1", small_scene(transform=UTM, crs=utm_wkt()))


def test_values_are_read_exactly_or_refused_where_they_stand() -> None:
    assert number(FILE, "line 2", "x", " -1.5e3 ") == -1500.0
    for text in ("inf", "-Infinity", "1,5", ""):
        with pytest.raises(CorruptFile, match="line 2: x"):
            number(FILE, "line 2", "x", text)
    assert named(FILE, "line 2", " Corn, sweet ") == " Corn, sweet "
    with pytest.raises(CorruptFile, match="line 2 has no class"):
        named(FILE, "line 2", " \t")
    assert [color_or_none(text) for text in ("#A1b2C3", "", "javascript:x")] == ["#a1b2c3", None, None]
