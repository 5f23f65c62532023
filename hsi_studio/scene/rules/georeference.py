"""Where the pixels lie: map info, coordinate system strings, .prj files → transform and map system (CF: `cf_grid`).

The rule: a coordinate system string counts wherever it is given, also beside "map info = {Arbitrary, …}" (GDAL and this
program write that for systems ENVI has no name for); else the name, zone and datum of `map info`, in any spelling of
WGS 84; else what GDAL makes of the header; else a .prj beside the file. CF files: the variable that `grid_mapping`
names (spatial_ref, crs_wkt or CF's own parameters) with evenly spaced coordinate vectors, else its GeoTransform; a
grid whose y rises is stored from south to north and keeps that. A longitude and latitude for every pixel (a swath) is
no map grid and is said so. Pixel sizes in metres are told only for systems in metres or feet, never for degrees.

Formulas: GDAL's ENVI driver (rotation), CF conventions 1.11, appendix F.
"""

from __future__ import annotations

import logging
import math
import re
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import FileProblem
from hsi_studio.scene.crs import crs_of_text
from hsi_studio.scene.plan import RULES, Remark

log = logging.getLogger(__name__)
Transform = tuple[float, float, float, float, float, float]  # as in `raster.Transform`
PIXELS_ONLY = {"arbitrary", "pixel", "none", "unknown", ""}


LARGEST_PICTURE = 50_000  # pixels along a side
FARTHEST = 1e12  # metres, or any unit of a map of this earth


def transform_of(map_info: list[str]) -> tuple[Transform | None, float]:
    """(pixel corner → map transform, rotation in degrees) from `map info` items: name, x and y of the reference
    pixel (1-based, its upper left corner), its easting and northing, pixel sizes, …, rotation=…"""
    try:
        x_ref, y_ref, east, north, dx, dy = (float(item) for item in map_info[1:7])
    except ValueError:
        return None, 0.0
    rotation = 0.0
    for item in map_info[7:]:
        name, _, value = item.partition("=")
        if name.strip().lower() == "rotation":
            try:
                rotation = float(value)
            except ValueError:
                return None, 0.0
    known = all(abs(number) < FARTHEST for number in (x_ref, y_ref, east, north, dx, dy, rotation))  # NaN is not
    if dx == 0 or dy == 0 or not known:
        return None, 0.0
    if abs(rotation) == 180:  # GDAL's word for rows from south to north: x runs on from west to east
        rotation, dy = 0.0, -dy
    cosine, sine = np.cos(np.radians(-rotation)), np.sin(np.radians(-rotation))
    a, b, d, e = dx * cosine, -dx * sine, -dy * sine, -dy * cosine  # as GDAL's ENVI driver
    c = east - a * (x_ref - 1) - b * (y_ref - 1)
    f = north - d * (x_ref - 1) - e * (y_ref - 1)
    return (float(a), float(b), float(c), float(d), float(e), float(f)), rotation


def epsg_of(map_info: list[str]) -> int | None:
    """EPSG code of `map info` alone: UTM on four datums, or longitude/latitude on WGS 84."""
    names = [item.strip().lower() for item in map_info]
    datum = re.sub(r"[\s_-]+", " ", " ".join(names[7:])).replace("wgs84", "wgs 84").replace("wgs 1984", "wgs 84")
    if names[:1] == ["utm"] and len(names) > 8 and names[7].isdigit() and 1 <= int(names[7]) <= 60:
        zone, south = int(names[7]), names[8].startswith("s")
        if "wgs 84" in datum:
            return (32700 if south else 32600) + zone
        if ("nad 83" in datum or "north america 1983" in datum) and not south and zone <= 23:
            return 26900 + zone
        if ("nad 27" in datum or "north america 1927" in datum) and not south and zone <= 22:
            return 26700 + zone
        if ("etrs" in datum or "europe 1989" in datum) and not south and 28 <= zone <= 38:
            return 25800 + zone
    if names and names[0].startswith("geographic") and "wgs 84" in datum:
        return 4326
    return None


def place_of_map_info(
    info: list[str], system: str, data: Path, driver: str = "ENVI", rules: int = RULES
) -> tuple[Transform | None, str | None, float | None, list[str]]:
    """(transform, WKT, pixel side in metres, notes) of ENVI's `map info` items and coordinate system string; `rules`
    of an older project."""
    if not info:
        return None, None, None, []
    info = _plainly(info) if rules > 6 else info
    name = info[0].strip().lower()
    transform, _ = transform_of(info)
    if name in PIXELS_ONLY and not system:
        if transform is None or rules < 7 or _is_of_pixels(transform):
            return None, None, None, []
        return (
            transform,
            prj_beside(data),
            None,
            ["The header calls its map system arbitrary: coordinates without one."],
        )
    if transform is None:
        return None, None, None, ["The header's map info cannot be read; the scene has no map coordinates."]
    notes: list[str] = []
    if rules > 7 and transform[4] > 0 and "-" in info[6]:
        notes.append(
            Remark(
                "The header's pixel height is negative: rows are read as running from south to north, as GDAL and this "
                "program write it. If the first row is the northern one, write it without the sign."
            )
        )
    crs = wkt(system, epsg_of(info))
    if crs is None:
        crs = by_gdal(data, driver)
        if crs is not None and not system:
            notes.append(
                f"The map system is what GDAL makes of the header's map info ({info[0]}): check it, or say which it is "
                "with --crs."
            )
    crs = crs or prj_beside(data)
    each = _metres_each(info) if rules > 6 else 1.0
    if each != 1 and not system and name == "utm":
        a, b, c, d, e, f = (number * each for number in transform)
        transform = (a, b, c, d, e, f)
        notes.append(f"The header gives its map coordinates in units of {each:g} m; they are read as metres.")
    if crs is None:
        notes.append("The map projection of the header is not known; coordinates are shown without it.")
    told = epsg_of(info)
    if system and told and crs and epsg_code(crs) not in (None, told):
        notes.append(
            f"The header's map info means EPSG:{told}, its coordinate system string EPSG:{epsg_code(crs)}; the string "
            "counts. Say which it is with --crs."
        )
    units = {item.replace(" ", "").replace("_", "").lower() for item in info}
    metric = name == "utm" or bool(units & {"units=meters", "units=metres", "units=meter", "units=m"})
    side = side_m(transform, crs)
    if side is None and metric and not is_degrees(crs):
        side = float(np.hypot(transform[0], transform[3]))
    return transform, crs, side, notes


def _is_of_pixels(transform: Transform) -> bool:
    """Pixels of size 1 whose coordinates are rows and columns of some picture."""
    a, b, c, d, e, f = transform
    return (b, d) == (0, 0) and abs(a) == abs(e) == 1 and max(abs(c), abs(f)) <= LARGEST_PICTURE


def _plainly(info: list[str]) -> list[str]:
    """Items of `map info` with decimal points, without zones as “33N”: semicolons between the items go with decimal
    commas."""
    if any(";" in item for item in info):
        info = [part.strip().replace(",", ".") for part in ",".join(info).split(";")]
    zone = re.fullmatch(r"(\d{1,2})\s*([NS])\b.*", info[7].strip(), re.IGNORECASE) if len(info) > 7 else None
    if zone is not None and info[0].strip().lower() == "utm":
        return [*info[:7], zone[1], {"n": "North", "s": "South"}[zone[2].lower()], *info[8:]]
    return info


UNIT_M = {"km": 1000.0, "kilometers": 1000.0, "kilometres": 1000.0, "feet": 0.3048, "ft": 0.3048, "foot": 0.3048,
          "ussurveyfeet": 1200 / 3937, "cm": 0.01, "centimeters": 0.01, "mm": 0.001}  # fmt: skip


def _metres_each(info: list[str]) -> float:
    """Metres of the unit that `map info` names (units=Feet); 1 without one and for degrees."""
    said = next((item.partition("=")[2] for item in info if item.strip().lower().startswith("units")), "")
    return UNIT_M.get(re.sub(r"[\s._()-]+", "", said.lower()), 1.0)


def wkt(text: str, epsg: int | None = None) -> str | None:
    """Well-known text of a coordinate system string (OGC or ESRI), else of the EPSG code; None when not understood."""
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        if text:
            return str(crs_of_text(Path(), text).to_wkt())
    except (CRSError, FileProblem) as error:
        log.info("coordinate system not understood: %s", error)
    try:
        return str(CRS.from_epsg(epsg).to_wkt()) if epsg else None
    except CRSError as error:
        log.info("EPSG code not understood: %s", error)
    return None


def epsg_code(crs: str) -> int | None:
    """The EPSG code of well-known text; None where it has none."""
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        code = CRS.from_wkt(crs).to_epsg()
        return None if code is None else int(code)
    except CRSError:
        return None


def by_gdal(data: Path, driver: str) -> str | None:
    """The map system that GDAL finds for a file."""
    import rasterio
    from rasterio.errors import RasterioError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with rasterio.open(data, driver=driver) as dataset:
                return str(dataset.crs.to_wkt()) if dataset.crs else None
    except (RasterioError, OSError, UnicodeDecodeError, ValueError) as error:
        log.info("GDAL finds no map system: %s", error)
        return None


def prj_beside(path: Path) -> str | None:
    """Of FILE.prj beside FILE.img, in OGC's or ESRI's form."""
    for ending in (".prj", ".PRJ"):
        found = path.with_suffix(ending)
        if found.is_file() and found.stat().st_size < 1 << 16:
            return wkt(found.read_text(encoding="utf-8", errors="replace").strip())
    return None


def is_degrees(crs: str | None) -> bool:
    """Are the map coordinates longitudes and latitudes?"""
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        return crs is not None and bool(CRS.from_wkt(crs).is_geographic)
    except CRSError:
        return False


def side_m(transform: Transform | None, crs: str | None) -> float | None:
    """Side of a pixel along its row in metres; None without a map system in metres or feet."""
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    if transform is None or crs is None:
        return None
    try:
        system = CRS.from_wkt(crs)
        if not system.is_projected:
            return None
        return float(np.hypot(transform[0], transform[3])) * float(system.linear_units_factor[1])
    except CRSError:
        return None


UNEVEN = 0.03  # of a scene in degrees: share by which the area of a pixel may differ from the one in the middle
ODD = 0.01  # share by which a pixel's area may differ from the square of its side before it counts


def true_side(
    side: float | None, transform: Transform | None, crs: str | None, shape: tuple[int, int]
) -> tuple[float | None, str]:
    """The side of the square that has a pixel's area on the ground in metres, and a note where that is not `side`, the
    one along a row: areas are its square. Pixels that are no squares, map systems whose scale is not 1 at the middle of
    the scene (Web Mercator at 50° shows everything 2.4 times as large), and pixels of degrees."""
    if transform is not None and is_degrees(crs):
        return _side_of_degrees(transform, crs, shape)
    if side is None or transform is None:
        return side, ""
    a, b, _, d, e, _ = transform
    along, area = math.hypot(a, d), abs(a * e - b * d)
    unit = side / along
    flat = area * unit**2
    ground = _on_the_ground(transform, crs, shape)
    found = flat if ground is None or abs(ground / flat - 1) <= ODD else ground
    if abs(found / side**2 - 1) <= ODD:
        return side, ""
    made = math.sqrt(found)
    why = f"Pixels are {side:.4g} × {math.hypot(b, e) * unit:.4g} m on the map"
    if found is not flat:
        why += f", whose scale here is {math.sqrt(flat / found):.3f}"
    return made, f"{why}: areas are those of {made:.4g} × {made:.4g} m on the ground."


def _side_of_degrees(transform: Transform, crs: str | None, shape: tuple[int, int]) -> tuple[float | None, str]:
    """As `true_side`, of longitudes and latitudes: None where pixels differ by more than `UNEVEN` in their area."""
    height, width = shape
    middle = _on_the_ground(transform, crs, shape)
    ends = [_on_the_ground(transform, crs, (2 * row, 2 * col)) for row in (0, height) for col in (0, width)]
    known = [area for area in ends if area is not None]
    if middle is None or len(known) < len(ends):
        return None, ""
    apart = max(abs(area / middle - 1) for area in known)
    if apart > UNEVEN:
        return None, (
            f"Pixels are of degrees, and their areas on the ground differ by up to {100 * apart:.0f} % from the one in "
            "the middle: sizes are told in pixels. Bring the scene into a map system in metres for areas."
        )
    side = math.sqrt(middle)
    return side, (
        f"Pixels are of degrees: areas are those of the one in the middle, as large as {side:.4g} × {side:.4g} m "
        f"(up to {100 * apart:.1g} % off at the edges)."
    )


def _in_space(lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(N, 3) metres from the middle of the earth, of radians on the ellipsoid of WGS 84: at a pole, longitudes tell no
    distance."""
    squared = 0.00669437999014  # e²
    radius = 6378137.0 / np.sqrt(1 - squared * np.sin(lat) ** 2)
    flat = radius * np.cos(lat)
    return np.column_stack([flat * np.cos(lon), flat * np.sin(lon), (1 - squared) * radius * np.sin(lat)])


def _on_the_ground(transform: Transform, crs: str | None, shape: tuple[int, int]) -> float | None:
    """Square metres of the pixel in the middle, on the ellipsoid of WGS 84; None where that cannot be told."""
    from rasterio._err import CPLE_BaseError  # rasterio has no public name for what GDAL reports
    from rasterio.crs import CRS
    from rasterio.errors import CRSError
    from rasterio.warp import transform as moved

    a, b, c, d, e, f = transform
    row, col = shape[0] / 2, shape[1] / 2
    places = [(col, row), (col + 1, row), (col, row + 1)]
    try:
        lon, lat = moved(
            CRS.from_wkt(crs or ""), CRS.from_epsg(4326), [a * x + b * y + c for x, y in places],
            [d * x + e * y + f for x, y in places],
        )  # fmt: skip
    except (CRSError, CPLE_BaseError) as error:
        log.info("the ground size of a pixel is not known: %s", error)
        return None
    here, right, below = _in_space(np.radians(lon), np.radians(lat))
    found = float(np.linalg.norm(np.cross(right - here, below - here)))
    return found if math.isfinite(found) and found > 0 else None


def named(text: str) -> str | None:
    """WKT of "EPSG:32633", "32633" or well-known text; None when not understood."""
    code = re.fullmatch(r"\s*(?:EPSG:)?(\d{4,6})\s*", text, re.IGNORECASE)
    return wkt("", int(code.group(1))) if code else wkt(text)


def contradiction(transform: Transform | None, crs: str | None, shape: tuple[int, int]) -> str | None:
    """A sentence when the coordinates cannot be of that system: metres called degrees."""
    if transform is None or not is_degrees(crs):
        return None
    height, width = shape
    a, b, c, d, e, f = transform
    xs = [a * col + b * row + c for row in (0, height) for col in (0, width)]
    ys = [d * col + e * row + f for row in (0, height) for col in (0, width)]
    if max(abs(v) for v in xs) <= 361 and max(abs(v) for v in ys) <= 91:
        return None
    return (
        f"The file says longitude and latitude, but its coordinates ({xs[0]:.6g}, {ys[0]:.6g}) are none; they are kept "
        "without a map system. Say which it is with --crs."
    )


NORTH_END, FALSE_NORTHING = 9_400_000, 10_000_000  # metres: of UTM's use at 84° N, and of its southern zones


def doubt(transform: Transform | None, crs: str | None, shape: tuple[int, int]) -> str | None:
    """A sentence when coordinates of a UTM zone are those of the other hemisphere or degrees; GIS programs put them at
    the poles or beside Africa without one. Northern zones go on south of the equator with negative northings."""
    zone = re.search(r'PROJC(?:S|RS)\["[^"]*UTM[ _]zone[ _](\d{1,2})([NS])\b', crs or "", re.IGNORECASE)
    if transform is None or zone is None:
        return None
    a, b, c, d, e, f = transform
    row, col = shape[0] / 2, shape[1] / 2
    x, y = a * col + b * row + c, d * col + e * row + f
    code = epsg_code(crs or "") or 0
    of, of_wgs84 = f"UTM zone {zone[1]}{zone[2].upper()}", code // 100 in (326, 327)
    if abs(x) <= 180 and abs(y) <= 90 and math.hypot(a, d) < 1:
        said, remedy = "look like longitude and latitude", "EPSG:4326"
    elif zone[2].upper() == "S" and y < 0:
        said = "lack the false northing of 10,000,000 m; without it they are those of the northern zone"
        remedy = f"EPSG:{code - 100}" if of_wgs84 else "that zone's code"
    elif zone[2].upper() == "N" and NORTH_END < y <= FALSE_NORTHING:
        said = "lie beyond 84° N, where UTM is not used; in the southern zone they lie just south of the equator"
        remedy = f"EPSG:{code + 100}" if of_wgs84 else "that zone's code"
    else:
        return None
    return f"The file says {of}, and its coordinates ({x:.9g}, {y:.9g}) {said}. If so, open it with --crs {remedy}."
