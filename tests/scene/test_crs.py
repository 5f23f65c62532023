"""A coordinate system is a code or well-known text; a name that GDAL would open is refused before GDAL sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsi_studio.errors import FileProblem
from hsi_studio.scene.crs import crs_of_text

FILE = Path("labels.geojson")


@pytest.mark.parametrize(
    "text",
    [
        "EPSG:32632", "epsg:32632", " EPSG::32632 ", "urn:ogc:def:crs:EPSG::32632", "urn:ogc:def:crs:EPSG:9.8:32632",
        "http://www.opengis.net/def/crs/EPSG/0/32632", "http://www.opengis.net/gml/srs/epsg.xml#32632",
    ],
)  # fmt: skip
def test_codes_in_every_common_spelling(text: str) -> None:
    assert crs_of_text(FILE, text).to_epsg() == 32632


def test_wkt_and_longitude_with_latitude() -> None:
    from rasterio.crs import CRS

    for version in ("WKT2_2019", "WKT1_GDAL", "WKT1_ESRI"):
        text = CRS.from_epsg(3035).to_wkt(version=version)
        assert crs_of_text(FILE, text).to_dict() == CRS.from_epsg(3035).to_dict()
    for name in ("urn:ogc:def:crs:OGC:1.3:CRS84", "OGC:CRS84", "WGS84"):
        assert crs_of_text(FILE, name).to_epsg() == 4326


@pytest.mark.parametrize(
    "text",
    [
        "/etc/passwd", "http://127.0.0.1:1/x", "/vsicurl/http://127.0.0.1:1/x", "+proj=longlat +nadgrids=/etc/passwd",
        "ESRI::/etc/passwd", "IGNF:x", '{"type": "GeographicCRS"}', "", "EPSG:" + "1" * 5000, "PROJCS",
        "urn:ogc:def:crs:",
        'GEOGCS["a",EXTENSION["PROJ4_GRIDS","/etc/passwd"]]', 'GEOGCS["' + "a" * 70_000 + '"]',
    ],
)  # fmt: skip
def test_anything_else_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(FileProblem, match=r"labels\.geojson: its coordinate system"):
        crs_of_text(FILE, text)
