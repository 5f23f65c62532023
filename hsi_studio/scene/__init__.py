"""Reading: a path or a catalogue id → an immutable, lazy `Scene`.

Every module of `formats/` that ends with `READER = …` is a file format, asked with `sniff(path)`; a new format is one
new file.
"""

from __future__ import annotations

from hsi_studio.scene.catalog import CatalogEntry, catalog, open_catalog
from hsi_studio.scene.formats.registry import readers
from hsi_studio.scene.labelmap import read_class_map, read_dsm
from hsi_studio.scene.open import open_scene, scene_from_raster
from hsi_studio.scene.resolve import resolve
from hsi_studio.scene.room.access import find_reader, list_variables

__all__ = [
    "CatalogEntry",
    "catalog",
    "find_reader",
    "list_variables",
    "open_catalog",
    "open_scene",
    "read_class_map",
    "read_dsm",
    "readers",
    "resolve",
    "scene_from_raster",
]
