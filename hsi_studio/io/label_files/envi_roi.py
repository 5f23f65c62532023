"""Regions of interest (ROI) of ENVI: as text, and as XML (ENVI 5).

Text ("; ENVI Output of ROIs"): blocks of points in the order of the regions in the header; X and Y count from 1 (ENVI's
pixel coordinates), "Map X" and "Map Y" are in the system of the picture, which the file does not name. X and Y count
where the picture has the scene's size ("File Dimension") and lies where the scene does, else the map coordinates. A
file with band values alone has no place.

XML: points, lines and polygons with the coordinate system as WKT ("CoordSysStr", Esri's flavour), or "none": then pixel
coordinates from the corner of the first pixel. Regions that are thresholds have no outline and are told.
The layout is that of files which ENVI 5 writes; NV5 publishes no schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.humanize import counted
from hsi_studio.io.coordinates import number
from hsi_studio.io.label_files.frames import Frame, to_pixels
from hsi_studio.io.label_files.records import MOST_FEATURES, MOST_VERTICES, Layer
from hsi_studio.types import Scene

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

TEXT_START = re.compile(r"\s*;\s*ENVI Output of ROIs", re.IGNORECASE)
XML_START = re.compile(r"<(\w+:)?RegionsOfInterest\b")
HEADER = re.compile(r"Map X|Map Y|Lat|Lon|ID|X|Y|B\d+|\S+", re.IGNORECASE)
FIELD = re.compile(r";\s*(ROI name|ROI rgb value|ROI npts|File Dimension)\s*:\s*(.*?)\s*$", re.IGNORECASE)


def is_roi_text(text: str) -> bool:
    return TEXT_START.match(text) is not None


def is_roi_xml(text: str) -> bool:
    return XML_START.search(text[:4096]) is not None


def hex_color(text: str) -> str | None:
    """ "{0, 139, 0}" → "#008b00"."""
    parts = [int(n) for n in re.findall(r"\d+", text)[:3]]
    return "#{:02x}{:02x}{:02x}".format(*parts) if len(parts) == 3 and max(parts) < 256 else None


# ── text ────────────────────────────────────────────────────────────────────────────────────────


def read_roi_text(path: Path, text: str, scene: Scene) -> Layer:
    """Raises CorruptFile with the line, FileProblem when there are no coordinates in it."""
    regions: list[tuple[str, str | None, int]] = []  # name, colour, points
    size: tuple[int, int] | None = None
    columns: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    for line_number, line in enumerate(text.splitlines(), start=1):
        if not line.lstrip().startswith(";"):
            if line.strip():
                rows.append((line_number, line.split()))
            continue
        field = FIELD.match(line.strip())
        if field is None:
            if re.match(r";\s*(ID|X|Y|Map|Lat|Lon|B1)\b", line.strip(), re.IGNORECASE):
                columns = [name.lower() for name in HEADER.findall(line.strip().lstrip("; "))]
            continue
        key, value = field[1].lower(), field[2]
        if key == "roi name":
            regions.append((value, None, 0))
        elif key == "file dimension":
            found = re.findall(r"\d+", value)
            size = (int(found[1]), int(found[0])) if len(found) > 1 else None
        elif regions:
            name, color, count = regions[-1]
            digits = re.findall(r"\d+", value)
            if key == "roi npts":
                count = int(digits[0]) if digits and len(digits[0]) < 12 else 0
            regions[-1] = (name, hex_color(value) if key == "roi rgb value" else color, count)
    if len(rows) > MOST_FEATURES:
        raise FileProblem(path, f"it has {len(rows)} points; {MOST_FEATURES} are the most", "Export fewer ROIs")
    return _roi_layer(path, scene, regions, size, columns, rows)


def _roi_layer(
    path: Path, scene: Scene, regions: list[tuple[str, str | None, int]], size: tuple[int, int] | None,
    columns: list[str], rows: list[tuple[int, list[str]]],
) -> Layer:  # fmt: skip
    import shapely

    total = sum(count for *_, count in regions)
    if total != len(rows):
        raise CorruptFile(
            path, f"its header announces {total} points in {len(regions)} ROIs and it has {len(rows)}",
            "Export the ROIs to ASCII again",
        )  # fmt: skip
    order = [k for k, (*_, count) in enumerate(regions) for _ in range(count)]
    layer = Layer(path, "ENVI ROI", [f"line {n}" for n, _ in rows], [None] * len(rows), {
        "ROI": [regions[k][0] for k in order], "color": [regions[k][1] for k in order],
    }, class_column="ROI")  # fmt: skip
    pixels = "x" in columns and "y" in columns
    mapped = "map x" in columns and "map y" in columns
    degrees = "lat" in columns and "lon" in columns
    same = size is None or size == tuple(scene.shape[:2])
    moved = pixels and mapped and same and _elsewhere(path, columns, rows, scene)
    if moved:
        layer.notes.append("Its X and Y are other pixels than its map coordinates: the picture lies elsewhere than the "
                           "scene, and the points are placed by Map X and Map Y.")  # fmt: skip
    if pixels and not moved and (same or not (mapped or degrees) or scene.transform is None):
        xs, ys = (_column(path, columns, rows, key) for key in ("x", "y"))
        layer.columns["row"], layer.columns["col"] = [y - 1 for y in ys], [x - 1 for x in xs]
        layer.notes.append("An ENVI ROI file: X and Y count from 1.")
        if not same:
            layer.notes.append(
                f"Its picture has {size[0] if size else 0} × {size[1] if size else 0} pixels, another size than the "
                "scene's; rows and columns are used as they are."
            )
    elif mapped or degrees:
        keys = ("map x", "map y") if mapped else ("lon", "lat")
        xs, ys = (_column(path, columns, rows, key) for key in keys)
        layer.geometry = [shapely.Point(x, y) for x, y in zip(xs, ys, strict=True)]
        layer.crs, layer.map_columns = (None, True) if mapped else ("EPSG:4326", False)
        if size is not None and not same:
            layer.notes.append(
                f"Its picture has {size[0]} × {size[1]} pixels, another size than the scene's: the points are placed "
                f"by {' and '.join(keys).title()}."
            )
    elif rows:
        raise FileProblem(
            path, "an ENVI ROI file without coordinates (it has band values only)",
            "Export the ROIs to ASCII again, with pixel or map location",
        )  # fmt: skip
    return layer


def _elsewhere(path: Path, columns: list[str], rows: list[tuple[int, list[str]]], scene: Scene) -> bool:
    """Whether the map coordinates lie on the scene, on other pixels than X and Y say: those of a shifted picture of the
    same size. Up to a pixel and a half apart are the same: they may be corners or centres."""
    if scene.transform is None or not rows:
        return False
    x, y, east, north = (np.array(_column(path, columns, rows, key)) for key in ("x", "y", "map x", "map y"))
    at = to_pixels(Frame("map", ""), np.column_stack([east, north]), scene)
    height, width, _ = scene.shape
    inside = (at >= 0).all(axis=1) & (at[:, 0] < width) & (at[:, 1] < height)
    apart = np.abs(at - np.column_stack([x - 0.5, y - 0.5])).max(axis=1) > 1.5
    return bool(2 * np.count_nonzero(inside & apart) >= len(rows))


def _column(path: Path, columns: list[str], rows: list[tuple[int, list[str]]], key: str) -> list[float]:
    index = columns.index(key)
    found = []
    for line, cells in rows:
        if index >= len(cells):
            raise CorruptFile(path, f"line {line} has {len(cells)} values, {key} is number {index + 1}", "Export again")
        found.append(number(path, f"line {line}", key, cells[index]))
    return found


# ── XML ─────────────────────────────────────────────────────────────────────────────────────────


def read_roi_xml(path: Path, data: bytes) -> list[Layer]:
    """One layer for each coordinate system. Raises CorruptFile."""
    if b"<!ENTITY" in data or b"<!DOCTYPE" in data:
        raise FileProblem(path, "it declares XML entities, which ROI files have no use for", "Save it again from ENVI")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, expat.ExpatError, ValueError, LookupError, RecursionError) as error:
        raise CorruptFile(path, f"it is not XML ({error})"[:200], "Save the ROIs again from ENVI") from error
    by_crs: dict[str, Layer] = {}
    thresholds: list[str] = []
    for number_, region in enumerate(_named(root, "Region"), start=1):
        name = (region.get("name") or f"Region {number_}").strip()
        color = hex_color(region.get("color") or "")
        if next(_named(region, "ThresholdDef"), None) is not None:
            thresholds.append(name)
        for geometry in _named(region, "GeometryDef"):
            wkt = next((e.text or "" for e in _named(geometry, "CoordSysStr")), "").strip()
            layer = by_crs.setdefault(
                wkt, Layer(path, "ENVI ROI", [], [], {"ROI": [], "color": []}, class_column="ROI")
            )
            for shape in _shapes(path, name, geometry):
                layer.where.append(f"{name} {len(layer.where) + 1}")
                layer.geometry.append(shape)
                layer.columns["ROI"].append(name)
                layer.columns["color"].append(color)
                if len(layer) > MOST_FEATURES:
                    raise FileProblem(path, f"it has more than {MOST_FEATURES} shapes", "Export fewer ROIs")
    for wkt, layer in by_crs.items():
        if wkt.lower() in ("none", ""):
            _corners_to_centres(layer)
        else:
            layer.crs, layer.crs_why = wkt, "as the file names it"
    layers = list(by_crs.values()) or [Layer(path, "ENVI ROI", [], [], {})]
    if thresholds:
        layers[0].notes.append(
            f"{counted(len(thresholds), 'region')} given by thresholds {'has' if len(thresholds) == 1 else 'have'} no "
            f"outline and {'is' if len(thresholds) == 1 else 'are'} left out: {', '.join(thresholds[:5])}."
        )
    return layers


def _corners_to_centres(layer: Layer) -> None:
    """ENVI's pixel coordinates begin at the first pixel's corner; `Layer.pixels` has whole numbers at the centres."""
    import shapely

    def shifted(xy: Any) -> Any:
        return np.floor(xy) if len(xy) == 1 else xy - 0.5

    layer.geometry = [shapely.transform(g, shifted) if g is not None else None for g in layer.geometry]
    layer.pixels = True
    layer.notes.append("Its coordinates are ENVI's pixel coordinates: they begin at the corner of the first pixel.")


def _named(element: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """Descendants of a name, whatever its namespace."""
    return (e for e in element.iter() if e.tag.rpartition("}")[2] == name)


def _shapes(path: Path, name: str, geometry: ElementTree.Element) -> Iterator[BaseGeometry]:
    import shapely

    left = MOST_VERTICES
    for element in geometry.iter():
        kind = element.tag.rpartition("}")[2]
        try:
            if kind == "Polygon":
                outer = next((_pairs(path, name, e) for e in _named(element, "Exterior")), [])
                holes = [_pairs(path, name, e) for e in _named(element, "Interior")]
                left -= len(outer)
                if outer:
                    yield shapely.Polygon(outer, [hole for hole in holes if hole])
            elif kind in ("LineString", "Polyline"):
                yield shapely.LineString(_pairs(path, name, element))
            elif kind in ("Point", "MultiPoint"):
                yield from (shapely.Point(pair) for pair in _pairs(path, name, element))
        except (ValueError, shapely.errors.ShapelyError) as error:
            raise CorruptFile(path, f"region {name!r}: {error}"[:200], "Save the ROIs again from ENVI") from error
        if left < 0:
            raise FileProblem(path, f"its outlines have more than {MOST_VERTICES} points", "Export fewer ROIs")


def _pairs(path: Path, name: str, element: ElementTree.Element) -> list[tuple[float, float]]:
    text = " ".join(e.text or "" for e in _named(element, "Coordinates"))
    values = [number(path, f"region {name!r}", "coordinate", word) for word in text.replace(",", " ").split()]
    if len(values) % 2:
        raise CorruptFile(path, f"region {name!r} has an odd number of coordinates", "Save the ROIs again from ENVI")
    return list(zip(values[::2], values[1::2], strict=True))
