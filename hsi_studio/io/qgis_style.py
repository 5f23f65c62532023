"""A map's colours and names as a QGIS layer style (.qml)."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from hsi_studio.files import write_text
from hsi_studio.io.map_rasters import xml_text
from hsi_studio.types import Prediction


def export_qgis_style(prediction: Prediction, path: Path | str) -> Path:
    """A .qml that QGIS applies by itself to the raster of the same name: one palette entry a class."""
    root = ElementTree.Element("qgis", version="3.0")
    pipe = ElementTree.SubElement(root, "pipe")
    renderer = ElementTree.SubElement(pipe, "rasterrenderer", type="paletted", band="1", opacity="1", alphaBand="-1")
    palette = ElementTree.SubElement(renderer, "colorPalette")
    for value, info in enumerate(prediction.schema.classes, start=1):
        ElementTree.SubElement(
            palette, "paletteEntry", value=str(value), color=info.color, label=xml_text(info.name), alpha="255"
        )
    return write_text(Path(path), ElementTree.tostring(root, encoding="unicode") + "\n")
