"""Labels back in: GeoJSON and CSV, ours or another program's.

Rows and columns are 0-based. Where a file has them they are used as they are; else coordinates are turned into
pixels with the scene's coordinate system. Nothing is dropped in silence: what is left out is counted in the notes,
and what cannot be understood stops the import with the line or the feature's number.
"""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import CorruptFile, FileProblem, UnknownFormat
from hsi_studio.io.coordinates import color_or_none, named, number, pixels_of
from hsi_studio.io.label_csv import unescape_cell
from hsi_studio.io.palette import next_color
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, Scene

log = logging.getLogger(__name__)

Label = tuple[int, int, str, str | None]  # row, column, class name, "#rrggbb" or None

LARGEST = 200 << 20  # bytes; 200 MB of labels is another kind of file
COLUMNS = {
    "row": ("row", "line", "row_index", "pixel_row"),
    "col": ("col", "column", "sample", "col_index", "pixel_col"),
    "x": ("x", "easting", "map_x", "x_coord"),
    "y": ("y", "northing", "map_y", "y_coord"),
    "lon": ("lon", "longitude", "lng"),
    "lat": ("lat", "latitude"),
    "class": ("class", "class_name", "classname", "label", "name", "class_id"),
    "color": ("color", "colour", "hex"),
}


def import_labels(path: Path | str, scene: Scene, schema: ClassSchema) -> tuple[list[Label], list[str]]:
    """((row, column, class name, colour or None) of every label on the scene, notes for the user).

    Names that differ from a class of `schema` only in case become that class's. A pixel that comes twice
    takes its last label. Raises FileProblem with the line or feature that cannot be understood.
    """
    path = Path(path)
    text = _read_text(path)
    kind = path.suffix.lower()
    if kind in (".geojson", ".json") or text.lstrip()[:1] in ("{", "["):
        found = _from_geojson(path, text, scene)
    elif kind in (".csv", ".txt", ".tsv"):
        found = _from_csv(path, text, scene)
    else:
        raise UnknownFormat(path, "labels are read from .geojson and .csv", "Export them as one of these")
    return found.finish(path, scene, schema)


def labels_from_file(path: Path | str, scene: Scene) -> LabelSet:
    """Labels of a file as a support set, without a project.

    Classes come in the order of the scene's reference, then of the file. What is left out goes to the log as
    warnings. Raises FileProblem when no label is left.
    """
    path = Path(path)
    known = tuple(ClassInfo(f"reference-{value}", name, "", value) for value, name in scene.reference_classes)
    points, notes = import_labels(path, scene, ClassSchema(known))
    valid = scene.valid
    kept = [point for point in points if valid[point[0], point[1]]]
    if len(kept) < len(points):
        notes.append(f"{len(points) - len(kept)} labels lie on pixels without data and are left out.")
    for note in notes:
        log.warning("%s: %s", path.name, note)
    if not kept:
        raise FileProblem(path, "no label in it lies on the scene's data", "Check that it belongs to this scene")
    colors: dict[str, str | None] = {}
    for *_, name, color in kept:
        colors[name] = colors.get(name) or color
    order = [info.name for info in known if info.name in colors]
    order += [name for name in colors if name not in set(order)]
    classes: list[ClassInfo] = []
    by_name = {info.name: info for info in known}
    for name in order:
        color = colors[name] or next_color([*(i.color for i in classes), *(c for c in colors.values() if c)])
        old = by_name.get(name)
        classes.append(ClassInfo(old.id, name, color, old.reference_value) if old else ClassInfo.new(name, color))
    index = {name: k for k, name in enumerate(order)}
    table = np.array([(row, col, index[name]) for row, col, name, _ in kept], dtype=np.int64)
    return LabelSet(ClassSchema(tuple(classes)), table[:, 0], table[:, 1], table[:, 2])


@dataclass
class _Found:
    """Labels as a file has them, before the scene is looked at. `where` names the line or feature."""

    labels: list[tuple[str, int, int, str, str | None]] = field(default_factory=list)  # where, row, col, name, color
    notes: list[str] = field(default_factory=list)

    def finish(self, path: Path, scene: Scene, schema: ClassSchema) -> tuple[list[Label], list[str]]:
        height, width, _ = scene.shape
        by_fold = {info.name.casefold(): info.name for info in schema.classes}
        numbered = {
            str(info.reference_value): info.name for info in schema.classes if info.reference_value is not None
        } | {str(value): name for value, name in scene.reference_classes}
        outside: list[str] = []
        by_pixel: dict[tuple[int, int], Label] = {}
        twice = renamed = 0
        for where, row, col, name, color in self.labels:
            if not (0 <= row < height and 0 <= col < width):
                outside.append(f"{where} (row {row}, column {col})")
                continue
            if name.casefold() not in by_fold and name in numbered:
                name, renamed = numbered[name], renamed + 1
            name = by_fold.setdefault(name.casefold(), name)
            twice += (row, col) in by_pixel
            by_pixel[row, col] = (row, col, name, color)
        if outside:
            shown = ", ".join(outside[:5]) + (" …" if len(outside) > 5 else "")
            self.notes.append(
                f"{len(outside)} of {len(self.labels)} labels lie outside the scene (rows 0–{height - 1}, columns "
                f"0–{width - 1}) and are left out: {shown}."
            )
        if twice:
            self.notes.append(f"{twice} pixels come more than once; the last label counts.")
        if renamed:
            self.notes.append(f"{renamed} labels give a class number; they take the name it has in the reference.")
        return list(by_pixel.values()), self.notes


def _read_text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size == 0:
            raise CorruptFile(path, "the file is empty", "Export the labels again")
        if size > LARGEST:
            raise FileProblem(path, f"it has {size / 1e6:.0f} MB, too much for labels", "Choose the label file")
        data = path.read_bytes()
    except OSError as error:
        raise FileProblem(
            path, f"it cannot be read ({error.strerror})", "Check the name and its permissions"
        ) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise CorruptFile(path, f"line {line} is not UTF-8 text", "Save it as UTF-8 CSV or GeoJSON") from error


# ── CSV ─────────────────────────────────────────────────────────────────────────────────────────


def _from_csv(path: Path, text: str, scene: Scene) -> _Found:
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = [cell.strip().lower() for cell in next(reader)]
        place = {
            key: next((header.index(name) for name in names if name in header), None) for key, names in COLUMNS.items()
        }
        way = _way(path, place, header)
        found = _Found()
        if way == "pixel" and not {"row", "col"} <= set(header):  # ENVI's line and sample count from 1
            found.notes.append("Rows and columns (lines and samples) are read as counted from 0.")
        rows: list[tuple[str, list[str]]] = []
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((f"line {reader.line_num}", cells))
    except csv.Error as error:
        raise CorruptFile(path, f"line {reader.line_num} is not CSV ({error})", "Export the labels again") from error

    def cell(where: str, cells: Sequence[str], key: str) -> str:
        index = place[key]
        if index is None:
            return ""
        if index >= len(cells):
            raise CorruptFile(path, f"{where} has {len(cells)} values, the header {len(header)}", "Complete the line")
        return cells[index].strip() if key != "class" else cells[index]

    first_key, second_key = {"pixel": ("row", "col"), "map": ("x", "y"), "lonlat": ("lon", "lat")}[way]
    places = [
        (number(path, w, first_key, cell(w, c, first_key)), number(path, w, second_key, cell(w, c, second_key)))
        for w, c in rows
    ]
    pixels = pixels_of(path, [w for w, _ in rows], places, way, scene)
    for (where, cells), (row, col) in zip(rows, pixels, strict=True):
        name = unescape_cell(cell(where, cells, "class"))
        found.labels.append((where, row, col, named(path, where, name), color_or_none(cell(where, cells, "color"))))
    return found


def _way(path: Path, place: dict[str, int | None], header: list[str]) -> str:
    """How the file says where: "pixel", "map" or "lonlat"."""
    if place["class"] is None:
        raise FileProblem(
            path, f"line 1 names no class column (it has: {', '.join(header)[:120]})", "Call it class, label or name"
        )
    for way, keys in (("pixel", ("row", "col")), ("map", ("x", "y")), ("lonlat", ("lon", "lat"))):
        if all(place[key] is not None for key in keys):
            return way
    raise FileProblem(
        path,
        f"line 1 names no columns for the place (it has: {', '.join(header)[:120]})",
        "Call them row and col (from 0), x and y (map coordinates), or lon and lat",
    )


# ── GeoJSON ─────────────────────────────────────────────────────────────────────────────────────


def _from_geojson(path: Path, text: str, scene: Scene) -> _Found:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise CorruptFile(path, f"line {error.lineno} is not JSON ({error.msg})", "Export the labels again") from error
    except RecursionError as error:
        raise CorruptFile(path, "it is nested too deeply to be GeoJSON", "Export the labels again") from error
    features = document.get("features") if isinstance(document, dict) else document
    if not isinstance(features, list):
        raise CorruptFile(path, "it has no list of features", "Export the labels as a GeoJSON FeatureCollection")
    document = document if isinstance(document, dict) else {}
    in_pixels = str(document.get("coordinates", "")).startswith("pixel")
    found = _Found()
    trust = _same_grid(document, scene, found)
    left: dict[str, int] = {}
    placed: list[tuple[str, tuple[float, float], str, str | None]] = []  # by coordinates
    for position, feature in enumerate(features, start=1):
        where = f"feature {position}"
        properties, geometry = (
            (feature.get(key) or {} if isinstance(feature, dict) else None) for key in ("properties", "geometry")
        )
        if not isinstance(properties, dict) or not isinstance(geometry, dict):
            raise CorruptFile(path, f"{where} is not a GeoJSON feature", "Export the labels again")
        lower = {str(key).lower(): value for key, value in properties.items()}
        values = {key: next((lower[n] for n in names if n in lower), None) for key, names in COLUMNS.items()}
        points = _points(geometry)
        if points is None and (values["row"] is None or values["col"] is None):
            left[str(geometry.get("type"))] = left.get(str(geometry.get("type")), 0) + 1
            continue
        name = named(path, where, "" if values["class"] is None else str(values["class"]))
        color = color_or_none(str(values["color"] or ""))
        if trust and values["row"] is not None and values["col"] is not None:
            row, col = (number(path, where, key, str(values[key])) for key in ("row", "col"))
            ((r, c),) = pixels_of(path, [where], [(row, col)], "pixel", scene)
            found.labels.append((where, r, c, name, color))
            continue
        for point in points or []:
            try:
                placed.append((where, (float(point[0]), float(point[1])), name, color))
            except (TypeError, ValueError, IndexError) as error:
                raise CorruptFile(path, f"{where} has no coordinates", "Export the labels again") from error
    found.notes += [f"{n} features of type {kind} are left out: labels are points." for kind, n in left.items()]
    if placed:
        if in_pixels:
            places, way = [(y, x) for _, (x, y), *_ in placed], "pixel"
        else:
            places, way = [p for _, p, *_ in placed], _geojson_crs(document, scene)
        pixels = pixels_of(path, [where for where, *_ in placed], places, way, scene)
        for (where, _, name, color), (row, col) in zip(placed, pixels, strict=True):
            found.labels.append((where, row, col, name, color))
    return found


def _same_grid(document: dict[str, Any], scene: Scene, found: _Found) -> bool:
    """Whether the file's rows and columns are this scene's; else its labels are placed by coordinates."""
    origin = document.get("scene")
    if not isinstance(origin, dict) or origin.get("shape") in (None, list(scene.shape[:2])):
        return True
    georeferenced = scene.crs is not None and not str(document.get("coordinates", "")).startswith("pixel")
    found.notes.append(
        f"The labels come from a scene of another size ({origin.get('name', 'unnamed')}, {origin.get('shape')}); "
        + ("they are placed by their coordinates." if georeferenced else "their rows and columns are used as they are.")
    )
    return not georeferenced


def _points(geometry: dict[str, Any]) -> list[Any] | None:
    """Positions of a Point or MultiPoint; None for other geometries."""
    coordinates = geometry.get("coordinates")
    if geometry.get("type") == "Point" and isinstance(coordinates, list):
        return [coordinates]
    if geometry.get("type") == "MultiPoint" and isinstance(coordinates, list):
        return coordinates
    return None


def _geojson_crs(document: dict[str, Any], scene: Scene) -> str:
    """The name in an old-style "crs" member, else "lonlat" (RFC 7946), or "pixel-xy" without a coordinate system."""
    old = document.get("crs")
    if isinstance(old, dict) and isinstance(old.get("properties"), dict) and old["properties"].get("name"):
        return str(old["properties"]["name"])
    return "lonlat" if scene.crs is not None and scene.transform is not None else "pixel-xy"
