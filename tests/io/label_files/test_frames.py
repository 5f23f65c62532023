"""What coordinates are: as declared, or as the numbers show; places become the pixel they lie in, or none."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from rasterio.crs import CRS

from hsi_studio.errors import ChooseLabels, FileProblem
from hsi_studio.io.label_files.frames import Frame, crs_of, crs_text, lonlat_frame, to_pixels
from tests.io.label_files.places import POINTS, geojson, labels, point, read, scene
from tests.project.small import UTM, small_scene, utm_wkt

TURN = math.radians(30)
TURNED = (2 * math.cos(TURN), 3 * math.sin(TURN), 600000.0, 2 * math.sin(TURN), -3 * math.cos(TURN), 4480000.0)
PIXELS = [(0, 0), (11, 0), (0, 15), (7, 9)]
OWN = Frame("map", "")


def cells(frame: Frame, xy: list[Any], on: Any) -> list[tuple[int, int]]:
    return [(int(r), int(c)) for c, r in np.floor(to_pixels(frame, np.array(xy, dtype=float), on))]


@pytest.mark.parametrize("transform", [UTM, TURNED], ids=["north up", "turned, oblong pixels"])
def test_every_point_of_a_pixel_is_that_pixel(transform: tuple[float, float, float, float, float, float]) -> None:
    on = small_scene(transform=transform)
    for down, right in ((0.0, 0.0), (0.49, -0.49), (-0.49, 0.49)):
        assert cells(OWN, [on.map_xy(row + down, col + right) for row, col in PIXELS], on) == PIXELS


def test_the_origin_of_utm_zone_16_is_where_its_definition_says() -> None:
    """87° W on the equator is 500,000 m east, 0 m north."""
    on = small_scene(transform=(2.0, 0.0, 500000.0 - 7, 0.0, -2.0, 11.0), crs=utm_wkt())
    assert cells(lonlat_frame(), [(-87.0, 0.0)], on) == [(5, 3)]
    assert cells(lonlat_frame(swapped=True), [(0.0, -87.0)], on) == [(5, 3)]
    assert cells(Frame("map", "", "EPSG:32616"), [(500000.0, 0.0)], on) == [(5, 3)]
    south = small_scene(transform=on.transform, crs=CRS.from_epsg(32716).to_wkt())  # 10,000 km more
    assert cells(lonlat_frame(), [(-87.0, 0.0)], south) != [(5, 3)]


def test_what_has_no_place_is_nowhere_and_takes_no_other_with_it() -> None:
    on = small_scene(transform=(2.0, 0.0, 500000.0 - 7, 0.0, -2.0, 11.0), crs=utm_wkt())
    found = to_pixels(lonlat_frame(), np.array([(-87.0, 0.0), (0, 95), (600000, 4480000), (np.nan, 0), (-87, 0)]), on)
    assert np.isnan(found[1:4]).all()
    assert (np.floor(found[[0, 4]]) == (3, 5)).all()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("EPSG:32616", 32616), ("epsg:25832", 25832), ("urn:ogc:def:crs:EPSG::32616", 32616),
        ("urn:ogc:def:crs:EPSG:6.9:32616", 32616), ("urn:ogc:def:crs:OGC:1.3:CRS84", 4326), ("OGC:CRS84", 4326),
        ("CRS84", 4326),
        ("http://www.opengis.net/def/crs/EPSG/0/3857", 3857), ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", 4326),
        (utm_wkt(), 32616),
    ],
)  # fmt: skip
def test_names_of_coordinate_systems(name: str, code: int) -> None:
    found = crs_of(name)
    assert found is not None
    assert found.to_epsg() == code


@pytest.mark.parametrize(
    "name",
    [
        "+proj=utm +zone=16", "/etc/passwd", "@/tmp/x.prj", "+init=/tmp/evil:1", "EPSG:1", "ESRI:102001", "", "PROJCS[",
        "x" * 30000,
        "PROJCS[" + "A" * 30000, "http://evil.example/crs", '{"type": "GeographicCRS"}', "EPSG:99999",
    ],
)  # fmt: skip
def test_other_names_are_none_and_are_never_opened(name: str) -> None:
    assert crs_of(name) is None


def test_a_system_is_shown_by_code_and_name() -> None:
    assert crs_text("urn:ogc:def:crs:EPSG::32616").startswith("EPSG:32616 (WGS 84 / UTM zone 16N")
    assert crs_text("nonsense") == "nonsense"


# ── readings ────────────────────────────────────────────────────────────────────────────────────


def flipped(shape: Any) -> Any:
    return shapely.transform(shape, lambda xy: xy[:, ::-1])


def crs_member(name: str) -> dict[str, Any]:
    return {"crs": {"type": "name", "properties": {"name": name}}}


@pytest.mark.parametrize(
    ("system", "turn", "members", "note"),
    [
        ("EPSG:4326", False, {}, ""),
        ("EPSG:4326", False, crs_member("urn:ogc:def:crs:OGC:1.3:CRS84"), ""),
        ("EPSG:4326", False, crs_member("urn:ogc:def:crs:EPSG::4326"), ""),
        ("EPSG:4326", True, {}, "latitude and longitude"),
        ("EPSG:4326", True, crs_member("urn:ogc:def:crs:EPSG::4326"), "latitude and longitude"),
        ("EPSG:32616", False, {}, "the scene's own system"),
        ("EPSG:32616", True, {}, "the second coordinate first"),
        ("EPSG:32616", False, crs_member("EPSG:32616"), ""),
        ("EPSG:32616", False, crs_member("urn:ogc:def:crs:OGC:1.3:CRS84"), "the scene's own system"),
        ("EPSG:32617", False, crs_member("urn:ogc:def:crs:EPSG::32617"), ""),
        ("EPSG:5070", False, crs_member("EPSG:5070"), ""),
        ("EPSG:3857", False, crs_member("EPSG:3857"), ""),
        ("EPSG:3857", True, crs_member("EPSG:3857"), "the second coordinate first"),
    ],
)  # fmt: skip
def test_geojson_is_read_as_what_it_is_and_a_departure_is_told(
    tmp_path: Path, system: str, turn: bool, members: dict[str, Any], note: str
) -> None:
    shapes = [(flipped(point(r, c, system)) if turn else point(r, c, system), {"class": n}) for r, c, n in POINTS]
    found = read(geojson(tmp_path / "l.geojson", shapes, **members))
    assert sorted(label[:3] for label in found.labels) == sorted(POINTS)
    said = found.sentences()
    assert (note in " ".join(said)) if note else said == []


def test_an_option_beats_the_file(tmp_path: Path) -> None:
    shapes = [(point(r, c, "EPSG:32617"), {"class": n}) for r, c, n in POINTS]
    path = geojson(tmp_path / "l.geojson", shapes)
    assert labels(path) == []  # UTM 17 metres are nothing here
    said = " ".join(read(path).sentences())
    assert "4 of 4 labels are left out" in said
    assert "say in which (--crs EPSG:…)" in said
    assert labels(path, crs="EPSG:32617") == sorted(POINTS)
    for crs in ("EPSG:1", "/etc/passwd", "+proj=utm +zone=17"):
        with pytest.raises(FileProblem, match="is unknown"):
            read(path, crs=crs)


def test_a_system_that_nobody_knows_is_told(tmp_path: Path) -> None:
    path = geojson(tmp_path / "l.geojson", [(point(1, 1), {"class": "A"})], **crs_member("EPSG:1"))
    with pytest.raises(FileProblem, match="'EPSG:1' is unknown"):
        read(path)


def test_two_readings_that_fit_are_asked(tmp_path: Path) -> None:
    """A scene on the diagonal of the map: some points lie on it either way."""
    on = scene(transform=(0.01, 0, 20.0, 0, -0.01, 20.1), crs=CRS.from_epsg(4326).to_wkt())
    shapes = [shapely.Point(20.05, 20.05), *(shapely.Point(20.02, 20.10 + 0.01 * k) for k in range(4))]
    path = geojson(tmp_path / "l.geojson", [(shape, {"class": "A"}) for shape in shapes])
    with pytest.raises(ChooseLabels) as caught:
        read(path, on)
    assert caught.value.field == "crs"
    assert {value for value, _ in caught.value.options} == {"lonlat", "latlon"}
    assert len(labels(path, on, crs="latlon")) > len(labels(path, on, crs="lonlat")) > 0


def test_a_scene_without_a_place_takes_columns_and_rows(tmp_path: Path) -> None:
    on = small_scene()
    whole = geojson(tmp_path / "a.geojson", [(shapely.Point(7, 2), {"class": "A"})])
    assert labels(whole, on) == [(2, 7, "A")]
    gis = geojson(
        tmp_path / "b.geojson",
        [(shapely.Point(7.4, -2.6), {"class": "A"}), (shapely.box(0, -2, 3, -0.1), {"class": "B"})],
    )
    assert labels(gis, on) == [(0, c, "B") for c in range(3)] + [(1, c, "B") for c in range(3)] + [(2, 7, "A")]
    part = geojson(tmp_path / "c.geojson", [(shapely.Point(7.4, 2.6), {"class": "A"})])
    with pytest.raises(FileProblem, match=r"feature 1: row 2\.6 is not a whole number"):
        read(part, on)
    placed = geojson(tmp_path / "d.geojson", [(point(1, 1), {"class": "A"})], **crs_member("EPSG:32616"))
    with pytest.raises(FileProblem, match="small has no coordinate system"):
        read(placed, on)


def test_a_scene_without_a_named_system(tmp_path: Path) -> None:
    on = small_scene(transform=UTM)
    assert labels(geojson(tmp_path / "a.geojson", [(point(3, 4), {"class": "A"})]), on) == [(3, 4, "A")]
    named = geojson(tmp_path / "b.geojson", [(point(3, 4), {"class": "A"})], **crs_member("EPSG:32616"))
    with pytest.raises(FileProblem, match="names no coordinate system"):
        read(named, on)
    assert labels(named, on, crs="scene") == [(3, 4, "A")]
