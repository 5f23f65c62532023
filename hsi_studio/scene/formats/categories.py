"""Class names of a GeoTIFF: GDAL's category names or attribute table beside it (.aux.xml), or its tags.

rasterio gives no access to category names, so the .aux.xml that GDAL and QGIS write is read directly.
Tags: `class_names` as JSON ({"1": "Water"} or ["Unlabelled", "Water"]), or one tag `class_1` a class.
"""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

log = logging.getLogger(__name__)
LARGEST_XML = 4 << 20
EMPTY = {"", "unlabelled", "unlabeled", "unclassified", "no class", "no data", "nodata", "background"}


def read_tags(dataset: Any, band: int = 0, domain: str | None = None) -> dict[str, str]:
    """GDAL metadata of a band (1-based) or of the file (0); {} when it is not UTF-8, as some old writers leave it."""
    try:
        return dict(dataset.tags(band, ns=domain))
    except UnicodeDecodeError as error:
        log.info("tags of band %s cannot be read: %s", band, error)
        return {}


def category_names(path: Path, dataset: Any) -> dict[int, str]:
    """{value: name} for values ≥ 1; {} when the file names none."""
    tags = {k.lower(): v for k, v in (read_tags(dataset) | read_tags(dataset, 1)).items()}
    return from_tags(tags) or from_aux_xml(path.with_name(path.name + ".aux.xml"))


def from_tags(tags: dict[str, str]) -> dict[int, str]:
    """From `class_names` (JSON) or `class_<value>` tags; keys in lower case."""
    text = tags.get("class_names")
    if text:
        try:
            found = json.loads(text)
        except RecursionError:
            return {}
        except ValueError:
            found = [part.strip() for part in text.strip("{}[] ").split(",")]
        if isinstance(found, dict):
            return {int(k): str(v) for k, v in found.items() if re.fullmatch(r"[0-9]{1,9}", str(k)) and int(k) > 0}
        if isinstance(found, list) and found:
            start = 0 if str(found[0]).strip().lower() in EMPTY else 1
            return {k: str(name) for k, name in enumerate(found, start) if k > 0}
    numbered = ((re.fullmatch(r"class_([0-9]{1,9})", key), value) for key, value in tags.items())
    return {int(match.group(1)): value for match, value in numbered if match and int(match.group(1)) > 0}


def from_aux_xml(path: Path) -> dict[int, str]:
    """From <CategoryNames> or a <GDALRasterAttributeTable> with a value and a name column."""
    if not path.is_file() or path.stat().st_size > LARGEST_XML:
        return {}
    text = path.read_text(encoding="utf-8", errors="replace")
    if "<!" in text.replace("<!--", ""):  # a document type, which may declare entities
        return {}
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        log.info("%s cannot be read: %s", path.name, error)
        return {}
    band = root.find("PAMRasterBand")
    if band is None:
        return {}
    listed = [(item.text or "").strip() for item in band.findall("CategoryNames/Category")]
    if any(name for name in listed[1:]):
        return {k: name for k, name in enumerate(listed) if k > 0 and name}
    return _attribute_table(band)


def _attribute_table(band: ElementTree.Element) -> dict[int, str]:
    columns: dict[str, int] = {}
    for field in band.findall("GDALRasterAttributeTable/FieldDefn"):
        usage = (field.findtext("Usage") or "").strip()
        name = (field.findtext("Name") or "").strip().lower()
        index = int(field.get("index") or len(columns))
        if usage in ("5", "1") or name == "value":  # GFU_MinMax
            columns.setdefault("value", index)
        elif usage == "2" or name in ("class", "class_name", "classname", "name", "label"):  # GFU_Name
            columns.setdefault("name", index)
    if len(columns) != 2:
        return {}
    names = {}
    for row in band.findall("GDALRasterAttributeTable/Row"):
        cells = [(cell.text or "").strip() for cell in row.findall("F")]
        if len(cells) > max(columns.values()) and re.fullmatch(r"[0-9]{1,9}(\.0*)?", cells[columns["value"]]):
            value = int(float(cells[columns["value"]]))
            if value > 0 and cells[columns["name"]]:
                names[value] = cells[columns["name"]]
    return names
