"""GeoPackage, shapefile and KML, through GDAL (`pyogrio`).

GDAL tries each of its 64 drivers on a file, and some follow links in it (a VRT names other files and addresses).
So each file has to begin like what it is called before GDAL sees it, and the driver that opened it has to be ours.
A GeoPackage is looked into with `sqlite3` first: tables that are views may run for ever. Nothing is fetched.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from hsi_studio.edges import names_only
from hsi_studio.errors import ChooseLabels, CorruptFile, FileProblem
from hsi_studio.humanize import counted
from hsi_studio.io.label_files.decode import dbf_encoding
from hsi_studio.io.label_files.records import EXAMPLES, MOST_FEATURES, LabelOptions, Layer

DRIVERS = {"shapefile": ("ESRI Shapefile",), "GeoPackage": ("GPKG",), "KML": ("LIBKML", "KML")}
MOST_LAYERS = 200
# pyogrio 0.13 has errors of its own (RuntimeErrors), and trips over text that is not UTF-8 (a variable without a value)
REFUSALS = (RuntimeError, ValueError, TypeError, OverflowError, UnboundLocalError)
KML_FIELDS = frozenset(
    ("id", "description", "timestamp", "begin", "end", "altitudeMode", "tessellate", "extrude", "visibility",
     "drawOrder", "icon", "snippet")
)  # fmt: skip
TWIN = re.compile(r" \(#\d+\)$")
FOLDER = "folder"  # the attribute that KML's folders become


def read_vectors(shown: Path, main: Path, kind: str, options: LabelOptions) -> list[Layer]:
    """The layer of a file that has one, or the one asked for; of KML all folders. `shown`: the file in messages.

    Raises FileProblem and its kinds; ChooseLabels where a GeoPackage has several layers with features.
    """
    _check(shown, main, kind)
    import pyogrio

    try:
        have = pyogrio.list_drivers()
        if not any("r" in have.get(driver, "") for driver in DRIVERS[kind]):
            raise FileProblem(
                shown, f"the GDAL of this installation cannot read {kind} files", "Save the labels as GeoJSON"
            )
        names = [(str(name), shape) for name, shape in pyogrio.list_layers(main).tolist()]
    except REFUSALS as error:
        raise _unreadable(shown, kind, error) from error
    if len(names) > MOST_LAYERS:
        raise FileProblem(shown, f"it has {len(names)} layers; {MOST_LAYERS} are the most", "Save the labels alone")
    if kind == "KML":
        return [_kml(shown, main, [name for name, _ in names], options)]
    return [_layer(shown, main, kind, _chosen(shown, main, kind, names, options.layer))]


def _unreadable(shown: Path, kind: str, error: Exception) -> CorruptFile:
    said = names_only(str(error)).split("\n")[0][:160]
    return CorruptFile(shown, f"it cannot be read as a {kind} ({said})", "Export it again, or save it as GeoJSON")


def _check(shown: Path, main: Path, kind: str) -> None:
    """The file begins as its kind does. Raises CorruptFile, FileProblem."""
    try:
        with main.open("rb") as stream:
            head = stream.read(4096)
        if kind == "KML":
            _check_kml(shown, main.read_bytes())
    except OSError as error:
        raise FileProblem(shown, f"it cannot be read ({error.strerror})", "Check its permissions") from error
    if kind == "shapefile" and not head.startswith(b"\x00\x00\x27\x0a"):
        raise CorruptFile(shown, "it is named like a shapefile but its content is not", "Export the labels again")
    if kind == "GeoPackage":
        if not head.startswith(b"SQLite format 3\x00"):
            raise CorruptFile(shown, "it is named like a GeoPackage but its content is not", "Export the labels again")
        _check_tables(shown, main)


def _check_kml(shown: Path, data: bytes) -> None:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            data = data.decode(encoding, "replace").encode()
    if b"<!ENTITY" in data or b"<!DOCTYPE" in data:
        raise FileProblem(shown, "it declares XML entities, which KML has no use for", "Save it again from its program")
    if b"<kml" not in data[:4096] and b":kml" not in data[:4096]:
        raise CorruptFile(shown, "it is named like KML but its content is not", "Export the labels again")


def _database(main: Path) -> sqlite3.Connection:
    """To write where that is allowed, which takes in what a "-wal" beside it holds; else as the file is."""
    try:
        database = sqlite3.connect(f"file:{main}?mode=rw", uri=True)
        database.execute("SELECT name FROM sqlite_master").fetchone()
        return database
    except sqlite3.OperationalError:
        return sqlite3.connect(f"file:{main}?mode=ro&immutable=1", uri=True)


def _check_tables(shown: Path, main: Path) -> None:
    try:
        with closing(_database(main)) as database:
            kinds = dict(database.execute("SELECT name, type FROM sqlite_master").fetchall())
            if kinds.get("gpkg_contents") != "table":
                raise CorruptFile(shown, "it is a SQLite database but no GeoPackage", "Export the labels again")
            tables = [str(row[0]) for row in database.execute("SELECT table_name FROM gpkg_contents").fetchmany(1000)]
    except sqlite3.Error as error:
        raise CorruptFile(shown, f"it is a damaged GeoPackage ({error})", "Export the labels again") from error
    views = [
        name for name, what in kinds.items() if what == "view" and (name in tables or str(name).startswith("gpkg_"))
    ]
    if views:
        raise FileProblem(
            shown, f"its layer {views[0][:40]!r} is a view of others", "Save the layer as a GeoPackage of its own"
        )


def _chosen(shown: Path, main: Path, kind: str, names: list[tuple[str, Any]], asked: str | None) -> str:
    """The layer to read. Raises ChooseLabels."""
    import pyogrio

    placed = [name for name, shape in names if shape is not None]
    if asked is not None and kind != "shapefile":
        if asked not in placed:
            raise _choose_layer(shown, main, placed, f"it has no layer {asked[:60]!r}")
        return asked
    if not placed:
        raise FileProblem(shown, "it has no layer with geometries", "Export the labels as points or polygons")
    if len(placed) == 1:
        return placed[0]
    try:
        filled = [name for name in placed if pyogrio.read_info(main, layer=name)["features"]]
    except REFUSALS as error:
        raise _unreadable(shown, kind, error) from error
    if len(filled) == 1:
        return filled[0]
    raise _choose_layer(shown, main, filled or placed, f"it has {len(filled or placed)} layers")


def _choose_layer(shown: Path, main: Path, names: list[str], problem: str) -> ChooseLabels:
    import pyogrio

    options = []
    for name in names[:60]:
        info = pyogrio.read_info(main, layer=name)
        fields = ", ".join(map(str, info["fields"][:4])) or "no attributes"
        options.append((name, f"{info['geometry_type']}, {counted(int(info['features']), 'feature')}: {fields}"))
    listed = "; ".join(f"{name} ({words})" for name, words in options[:12])
    return ChooseLabels(
        shown, problem, f"Name the one with the labels (--layer NAME): {listed}", field="layer", options=options
    )


def _layer(shown: Path, main: Path, kind: str, name: str) -> Layer:
    import pyogrio
    import shapely

    encoding, said = None, ""
    if kind == "shapefile":
        encoding, said = dbf_encoding(main.with_suffix(".dbf"))
    try:
        info = pyogrio.read_info(main, layer=name, encoding=encoding)
        if info["driver"] not in DRIVERS[kind]:
            raise CorruptFile(shown, f"it is named like {kind} but is {info['driver']}", "Export the labels again")
        if info["features"] > MOST_FEATURES:
            raise FileProblem(
                shown, f"it has {info['features']} features; {MOST_FEATURES} are the most", "Cut it to the scene's area"
            )
        meta, _, shapes, values = pyogrio.raw.read(
            main, layer=name, encoding=encoding, force_2d=True, max_features=MOST_FEATURES + 1, datetime_as_string=True
        )
    except REFUSALS as error:
        raise _unreadable(shown, kind, error) from error
    geometry = shapely.from_wkb(shapes, on_invalid="ignore").tolist() if shapes is not None else []
    columns = {str(key): array.tolist() for key, array in zip(meta["fields"], values, strict=True)}
    count = len(geometry) or max((len(v) for v in columns.values()), default=0)
    crs = str(meta["crs"] or "")
    crs = "" if re.match(r"\s*(ENGCRS|LOCAL_CS|ENGINEERINGCRS)\b", crs, re.IGNORECASE) else crs  # of no place on earth
    layer = Layer(
        shown, kind, [f"feature {n}" for n in range(1, count + 1)], geometry or [None] * count, columns,
        name=name if kind != "shapefile" else "", crs=crs or None,
        crs_why="as the file names it" if crs else "",
    )  # fmt: skip
    broken = [
        w
        for w, g, s in zip(layer.where, shapes if geometry else (), geometry, strict=False)
        if g is not None and s is None
    ]
    if broken:
        layer.notes.append(f"{len(broken)} of its geometries cannot be read: {', '.join(broken[:EXAMPLES])}.")
    if said:
        layer.notes.append(said)
    return layer


def _kml(shown: Path, main: Path, names: list[str], options: LabelOptions) -> Layer:
    """All folders as one layer. The class is an attribute of the user's own, else the folder where there are several
    and the placemarks' names are those of places, else the name. Raises ChooseLabels when both may be."""
    from hsi_studio.io.label_files.attributes import CLASS, WEAK, column, distinct

    asked = options.layer
    if asked is not None:
        if asked not in names:
            raise ChooseLabels(
                shown, f"it has no folder {asked[:60]!r}", f"Name one: {', '.join(names[:12])}", field="layer",
                options=[(name, "folder") for name in names[:60]],
            )  # fmt: skip
        names = [asked]
    parts = [_layer(shown, main, "KML", name) for name in names]
    parts = [part for part in parts if len(part)]
    whole = Layer(shown, "KML", [], [], {}, crs="lonlat", standard=True)
    fields = list(dict.fromkeys(key for part in parts for key in part.columns if key not in KML_FIELDS))
    for part in parts:
        whole.where += [f"{part.name}: {w}" if len(parts) > 1 else w for w in part.where]
        whole.geometry += part.geometry
        whole.notes += part.notes
        for key in fields:
            whole.columns.setdefault(key, []).extend(part.columns.get(key, [None] * len(part)))
        twin = TWIN.sub("", part.name)  # GDAL numbers folders of one name: “Wald (#2)”
        folder_name = twin if twin in names else part.name
        whole.columns.setdefault(FOLDER, []).extend([folder_name] * len(part))
    if len(whole) > MOST_FEATURES:
        raise FileProblem(shown, f"it has {len(whole)} features; {MOST_FEATURES} are the most", "Cut it to the scene")
    if len(parts) < 2:
        whole.columns.pop(FOLDER, None)
        return whole
    known = column(fields, [name for name in CLASS if name not in WEAK])
    titles = next((key for key in fields if key.lower() == "name"), None)
    if known is None and options.attribute is None:
        titled = distinct(whole.columns[titles]) if titles else []
        if 2 * len(titled) > len(whole) or len(titled) < 2:
            whole.class_column = FOLDER
            whole.notes.append("The folders are the classes; the placemarks' names are not used.")
        else:
            either = [(FOLDER, ", ".join(p.name for p in parts[:4])), (str(titles), ", ".join(titled[:4]))]
            raise ChooseLabels(
                shown, "it has folders, and the placemarks' names repeat, so the class may be either",
                f"Say which (--attribute {FOLDER} or {titles}): {either[0][1]}; or {either[1][1]}",
                field="attribute", options=either,
            )  # fmt: skip
    return whole
