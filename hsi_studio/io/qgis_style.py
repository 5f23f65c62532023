"""A map's colours and names as QGIS layer styles: a .qml beside a raster; of polygons inside their GeoPackage, in the
table `layer_styles` as QGIS itself writes it, since a .qml of the same name is the raster's."""

from __future__ import annotations

import sqlite3
from contextlib import closing
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


STYLES_TABLE = """CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256),
f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT,
styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
update_time DATETIME DEFAULT CURRENT_TIMESTAMP)"""
IN_CONTENTS = (
    "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) "
    "VALUES ('layer_styles', 'attributes', 'layer_styles', '', 0)"
)


def style_polygons(prediction: Prediction, path: Path, layer: str, attribute: str) -> None:
    """Put the style of a GeoPackage's layer of polygons into it: filled in the colour of the class that `attribute`
    names."""
    root = ElementTree.Element("qgis", version="3.0")
    renderer = ElementTree.SubElement(root, "renderer-v2", type="categorizedSymbol", attr=attribute, symbollevels="0")
    categories = ElementTree.SubElement(renderer, "categories")
    symbols = ElementTree.SubElement(renderer, "symbols")
    for number, info in enumerate(prediction.schema.classes):
        name = xml_text(info.name)
        ElementTree.SubElement(categories, "category", value=name, label=name, symbol=str(number), render="true")
        symbol = ElementTree.SubElement(symbols, "symbol", type="fill", name=str(number), alpha="1")
        fill = ElementTree.SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "pass": "0"})
        red, green, blue = (int(info.color[at : at + 2], 16) for at in (1, 3, 5))
        for key, value in (("color", f"{red},{green},{blue},255"), ("style", "solid"), ("outline_style", "no")):
            ElementTree.SubElement(fill, "prop", k=key, v=value)
    with closing(sqlite3.connect(path)) as base, base:
        (column,) = base.execute(
            "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (layer,)
        ).fetchone()
        base.execute(STYLES_TABLE)
        base.execute(IN_CONTENTS)
        base.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, "
            "styleQML, styleSLD, useAsDefault, description, owner, update_time) "
            "VALUES ('', '', ?, ?, 'classes', ?, '', 1, 'Colours of the classes', '', '2000-01-01T00:00:00.000Z')",
            (layer, column, ElementTree.tostring(root, encoding="unicode")),
        )
