"""Coordinate systems that a file names: as an EPSG code or as well-known text, and in no other way.

GDAL takes a coordinate system "from user input": a code, WKT, PROJ strings, and also the name of a file or an address,
which it opens. In a GeoJSON's `crs` that is a request of whoever made the file, sent by the server. So a name is parsed
here and only a number or WKT goes on. WKT may name files too, of datum shifts: with a folder in it, it is refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hsi_studio.errors import FileProblem

LONGEST = 64 << 10  # characters; the longest of the EPSG register has 3 kB
WKT = re.compile(
    r"\s{0,9}(PROJ|GEOG|GEOD|BOUND|COMPD|COMPOUND|LOCAL|ENG|GEOC|VERT)[A-Z_]{0,20}\s{0,9}[\[(]", re.IGNORECASE
)
EPSG = re.compile(
    r"(?:EPSG::?|urn:(?:ogc|x-ogc):def:crs:EPSG:[0-9.]{0,9}:|https?://www\.opengis\.net/def/crs/EPSG/[0-9.]{1,9}/"
    r"|https?://www\.opengis\.net/gml/srs/epsg\.xml#)([0-9]{1,6})",
    re.IGNORECASE,
)
LONLAT = re.compile(
    r"(?:(?:urn:ogc:def:crs:)?OGC:[0-9.]{0,9}:?)?CRS84h?|https?://www\.opengis\.net/def/crs/OGC/[0-9.]{1,9}/CRS84h?"
    r"|WGS ?84",
    re.IGNORECASE,
)
GRID = re.compile(r"(?:PARAMETERFILE|PROJ4_GRIDS|nadgrids|geoidgrids)[^\]]{0,200}?[/\\]", re.IGNORECASE)


def crs_of_text(path: Path, text: str) -> Any:
    """A rasterio CRS from the name or WKT that stands in the file `path`. Raises FileProblem.

    "EPSG:32632", "urn:ogc:def:crs:EPSG::32632", "urn:ogc:def:crs:OGC:1.3:CRS84" (longitude, latitude) and WKT.
    """
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    text = text.strip()
    shown = "".join(c for c in text[:60] if c.isprintable())
    code = EPSG.fullmatch(text)
    try:
        if code is not None:
            return CRS.from_epsg(int(code.group(1)))
        if LONLAT.fullmatch(text):
            return CRS.from_epsg(4326)
        if len(text) <= LONGEST and WKT.match(text) and not GRID.search(text):
            return CRS.from_wkt(text)
    except CRSError as error:
        raise FileProblem(path, f"its coordinate system (CRS) {shown!r} is unknown", "Save it as WGS 84") from error
    raise FileProblem(
        path,
        f"its coordinate system (CRS) {shown!r} is neither an EPSG code nor well-known text (WKT)",
        "Save it as WGS 84, or name it like EPSG:32632",
    )
