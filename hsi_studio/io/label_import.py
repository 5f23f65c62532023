"""Labels back in: ours or another program's. The steps are those of `io/label_files`.

GeoJSON, GeoPackage, shapefile (its parts or a .zip), KML and KMZ, ENVI ROI (text and XML), CSV of any spreadsheet,
rasters of classes. Rows and columns are 0-based. Nothing is dropped in silence: what is left out is counted in the
report, and what cannot be understood stops the import with the line or the feature's number. What may be read in
several ways raises ChooseLabels, whose options `LabelOptions` takes.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hsi_studio.errors import FileProblem, UnknownFormat
from hsi_studio.io.label_files.bundle import Group, grouped, size_of
from hsi_studio.io.label_files.class_rasters import place_raster
from hsi_studio.io.label_files.decode import decoded
from hsi_studio.io.label_files.envi_roi import is_roi_text, is_roi_xml, read_roi_text, read_roi_xml
from hsi_studio.io.label_files.geojson import read_geojson
from hsi_studio.io.label_files.placing import Placed, place, together
from hsi_studio.io.label_files.records import FileReport, Label, LabelImport, LabelOptions
from hsi_studio.io.label_files.tables import read_table
from hsi_studio.io.label_files.vectors_in_room import read_vectors
from hsi_studio.io.palette import next_color
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, Scene

__all__ = ["FileReport", "Label", "LabelImport", "LabelOptions", "import_labels", "labels_from_file", "read_labels"]

log = logging.getLogger(__name__)

KNOWN = "GeoJSON, GeoPackage, shapefile, KML, ENVI ROI, CSV or a raster of classes"
VECTORS = {".shp": "shapefile", ".gpkg": "GeoPackage", ".kml": "KML"}
JSON, TABLES = (".geojson", ".json", ".geojsonl", ".ndjson"), (".csv", ".txt", ".tsv", ".asc")
SHEETS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
RASTERS = (
    ".tif",
    ".tiff",
    ".hdr",
    ".img",
    ".dat",
    ".bsq",
    ".bil",
    ".bip",
    ".mat",
    ".npy",
    ".npz",
    ".h5",
    ".hdf5",
    ".png",
)


def read_labels(
    files: Path | str | Sequence[Path | str], scene: Scene, schema: ClassSchema, options: LabelOptions | None = None
) -> LabelImport:
    """Labels of all files on the scene, with a report of each.

    Names that differ from a class of `schema` only in case become that class's. A pixel that comes twice takes its last
    label. Raises FileProblem with the line or feature that cannot be understood, ChooseLabels where there is a choice.
    """
    paths = [Path(files)] if isinstance(files, str | Path) else [Path(file) for file in files]
    options = options or LabelOptions()
    placed: list[Placed] = []
    with grouped(_without_data(paths)) as groups:
        for group in groups:
            placed += _read(group, scene, options)
    return together(placed, scene, schema)


def import_labels(
    path: Path | str | Sequence[Path | str], scene: Scene, schema: ClassSchema, options: LabelOptions | None = None
) -> tuple[list[Label], list[str]]:
    """((row, column, class name, colour or None) of every label on the scene, notes for the user). As `read_labels`."""
    found = read_labels(path, scene, schema, options)
    return found.labels, found.sentences()


def _without_data(paths: list[Path]) -> list[Path]:
    """An ENVI header stands for its data file too."""
    headers = {p.with_suffix("").name.lower() for p in paths if p.suffix.lower() == ".hdr"}
    data = (".img", ".dat", ".bsq", ".bil", ".bip", ".raw", "")
    return [p for p in paths if not (p.suffix.lower() in data and {p.stem.lower(), p.name.lower()} & headers)]


def _read(group: Group, scene: Scene, options: LabelOptions) -> list[Placed]:
    """What is in one file, by its ending and by how it begins."""
    shown, main = group.shown, group.main
    size_of(main)
    kind = main.suffix.lower()
    if kind in VECTORS:
        return [place(layer, scene, options) for layer in read_vectors(shown, main, VECTORS[kind], options)]
    if kind in RASTERS:
        return [place_raster(shown, main, scene, options)]
    data = main.read_bytes()
    if kind == ".asc" and data[:200].lstrip().lower().startswith((b"ncols", b"nrows")):  # ESRI's grid of numbers
        return [place_raster(shown, main, scene, options)]
    if kind == ".xml":
        if not is_roi_xml(decoded(shown, data)[0]):
            raise UnknownFormat(shown, "this XML holds no ENVI regions of interest", f"Labels are read from {KNOWN}")
        return [place(layer, scene, options) for layer in read_roi_xml(shown, data)]
    if kind == ".roi" and b"\x00" in data[:1000]:
        raise UnknownFormat(
            shown, "a binary ENVI ROI file", "Export the ROIs in ENVI as XML, or to ASCII with pixel locations"
        )
    looks = data.lstrip(b"\xef\xbb\xbf \t\r\n\x00\xff\xfe")[:1]
    if kind not in (*JSON, *TABLES, ".roi") and looks not in (b"{", b"["):
        if kind in SHEETS:
            raise UnknownFormat(shown, "this is a workbook of a spreadsheet", "Save its sheet as CSV and give that")
        raise UnknownFormat(shown, f"labels are not read from {kind or 'files without an ending'}", f"Give {KNOWN}")
    text, said = decoded(shown, data)
    if is_roi_text(text):
        layer = read_roi_text(shown, text, scene)
    elif kind in JSON or text.lstrip()[:1] in ("{", "["):
        layer = read_geojson(shown, text, scene)
    elif is_roi_xml(text):
        return [place(found, scene, options) for found in read_roi_xml(shown, data)]
    else:
        layer = read_table(shown, text, options)
    layer.notes[:0] = [said] if said else []
    return [place(layer, scene, options)]


def labels_from_file(
    path: Path | str | Sequence[Path | str], scene: Scene, options: LabelOptions | None = None
) -> LabelSet:
    """Labels of a file as a support set, without a project.

    Classes come in the order of the scene's reference, then of the file. What is left out goes to the log as
    warnings. Raises FileProblem when no label is left.
    """
    first = Path(path if isinstance(path, str | Path) else path[0])
    known = tuple(ClassInfo(f"reference-{value}", name, "", value) for value, name in scene.reference_classes)
    points, notes = import_labels(path, scene, ClassSchema(known), options)
    valid = scene.valid
    kept = [point for point in points if valid[point[0], point[1]]]
    if len(kept) < len(points):
        notes.append(f"{len(points) - len(kept)} labels lie on pixels without data and are left out.")
    for note in notes:
        log.warning("%s: %s", first.name, note)
    if not kept:
        raise FileProblem(first, "no label in it lies on the scene's data", "Check that it belongs to this scene")
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
