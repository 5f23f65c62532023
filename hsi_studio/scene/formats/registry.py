"""Which reader opens a file: every format of this folder is asked `sniff(path)`.

Plug-ins (`hsi_studio/registry.py`) are asked before the built-in ones, so that a reader of one product can take files
that a container's reader would open as plain arrays. One whose `sniff` fails is passed over, with a line in the log.
"""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import Any

from hsi_studio.edges import reading
from hsi_studio.errors import CorruptFile, FileProblem, UnknownFormat
from hsi_studio.registry import Registry, scan
from hsi_studio.scene import formats
from hsi_studio.scene.formats.hdf import HDF4, IS_HDF4
from hsi_studio.scene.plan import RULES
from hsi_studio.scene.raster import Candidate, Reader, file_size, first_bytes

log = logging.getLogger(__name__)

PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ")
LABELS = (".csv", ".tsv", ".geojson", ".geojsonl", ".json", ".shp", ".dbf", ".gpkg", ".kml", ".kmz", ".xls", ".xlsx")
PARTS = ("name", "title", "extensions", "sniff", "open", "layer", "variables")


@functools.cache
def readers() -> Registry:
    """Every file format by name, built-in ones first."""
    return scan(formats, "READER", not_a_reader)


def not_a_reader(entry: Any) -> str:
    """Why an object cannot be a reader, in words; "" when it can."""
    if isinstance(entry, type):
        return f"READER is the class {entry.__name__}, not an object of it: write READER = {entry.__name__}()"
    lacking = [part for part in PARTS if not hasattr(entry, part)]
    if lacking:
        return f"{type(entry).__name__} has no {', '.join(lacking)}: see hsi_studio.scene.raster.Reader"
    return ""


def find_reader(path: str | Path, rules: int = RULES) -> Reader:
    """The reader that recognises the file: a plug-in's, a sensor's product (of those that `rules` know), a format.

    Raises FileProblem, CorruptFile (empty), UnknownFormat.
    """
    path = Path(path)
    file_size(path)
    known = readers()
    if not any(_recognises(known.entries[name], path, True) for name in known.sources):
        from hsi_studio.scene.sensors import product_of

        product = product_of(path, rules)
        if product is not None:
            return product
    for name, reader in sorted(known.entries.items(), key=lambda item: item[0] not in known.sources):
        if _recognises(reader, path, name in known.sources):
            found: Reader = reader
            return found
    titles = ", ".join(reader.title for reader in readers().entries.values())
    claimed = [r for r in readers().entries.values() if path.suffix.lower() in r.extensions]
    if claimed:
        for reader in claimed:
            why = getattr(reader, "why_not", lambda _: None)(path)
            if why is not None:
                raise FileProblem(path, *why)
        head = first_bytes(path, 256)
        text = " (it looks like a text file)" if head and all(b in b"\t\n\r" or b >= 32 for b in head) else ""
        raise CorruptFile(
            path,
            f"it is named like {claimed[0].title} but its content is not{text}",
            "Export it again from the program it comes from, or give it its right extension",
        )
    if first_bytes(path, 6).startswith(PACKED):
        raise UnknownFormat(path, "it is an archive or compressed", "Unpack it first and open the image in it")
    if first_bytes(path, 4) == HDF4:  # of Hyperion and MODIS, under endings of their own
        raise UnknownFormat(path, *IS_HDF4)
    if first_bytes(path, 4) == b"LASF":
        raise UnknownFormat(
            path,
            "it is a cloud of LiDAR points, no raster",
            "Make a surface model of it first: pdal, LAStools or a GIS",
        )
    if path.suffix.lower() in LABELS:
        raise UnknownFormat(
            path,
            "this is a table or a file of labels, no image",
            "Open the image first, then import this in the Map tab",
        )
    raise UnknownFormat(path, "no reader recognises this file", f"Convert it to one of: {titles}")


def _recognises(reader: Reader, path: Path, plugin: bool) -> bool:
    try:
        return reader.sniff(path)
    except Exception:
        if not plugin:
            raise
        log.exception("the reader %s failed to look at %s and is passed over", reader.name, path.name)
        return False


def list_variables(path: str | Path) -> list[Candidate]:
    """(name, shape, dtype) of the arrays in a file; one unnamed entry for single-raster formats."""
    with reading(path):
        return find_reader(path).variables(Path(path))
