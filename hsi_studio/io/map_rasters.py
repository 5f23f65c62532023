"""Maps as cloud-optimised GeoTIFF (COG) and ENVI classification files; confidence and probabilities as float COG.

Pixel values: 0 = no class ("no data"), k + 1 = class k of the prediction's schema.

Class names go to three places, because programs look in different ones: the GeoTIFF's band tags (`class_names`,
JSON, exact), `FILE.tif.aux.xml` as GDAL category names (what GDAL shows) and as a raster attribute table
with colours (what ArcGIS and QGIS show). ENVI headers have no escape for commas, braces and line breaks:
`class names` shows them as similar characters and `class names exact` holds them percent-encoded (RFC 3986).
Without a coordinate system the files are plain rasters. Overviews of class maps hold the most frequent class (mode),
those of floats the mean.
"""

from __future__ import annotations

import json
import logging
import math
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from hsi_studio.files import replacing
from hsi_studio.io.lonlat import written_transform
from hsi_studio.io.whole import drop_sides, whole_raster
from hsi_studio.sanitize import clean_text
from hsi_studio.types import ClassSchema, Prediction, Scene

log = logging.getLogger(__name__)

TILE = 256


def export_map_geotiff(prediction: Prediction, scene: Scene, path: Path, tags: Mapping[str, str] | None = None) -> Path:
    """Deflated uint8 (uint16 past 255 classes) COG with a colour table, and FILE.aux.xml beside it."""
    path = Path(path)
    data = _codes(prediction)
    names = prediction.schema.names
    colors = {0: (0, 0, 0, 0)}
    colors |= {k: (*_rgb(color), 255) for k, color in enumerate(prediction.schema.colors, start=1)}
    side = path.with_name(path.name + ".aux.xml")
    with replacing(side) as partial, cog(path, scene, data.dtype.name, 0, "MODE") as target:
        partial.write_bytes(_aux_xml(prediction).encode())
        target.write(data, 1)
        target.write_colormap(1, colors)
        target.set_band_description(1, "class")
        target.update_tags(**{**(tags or {}), **_facts(prediction, scene)})
        target.update_tags(1, class_names=json.dumps({str(k): name for k, name in enumerate(names, start=1)}))
    return path


def export_confidence_geotiff(
    prediction: Prediction, scene: Scene, path: Path, tags: Mapping[str, str] | None = None
) -> Path:
    """Probability of the mapped class, float32, NaN = no data."""
    path = Path(path)
    with cog(path, scene, "float32", math.nan, "AVERAGE") as target:
        target.write(prediction.confidence.astype(np.float32), 1)
        target.set_band_description(1, "probability of the mapped class")
        target.update_tags(**{**(tags or {}), **_facts(prediction, scene)})
    return path


def export_probabilities_geotiff(
    prediction: Prediction,
    scene: Scene,
    path: Path,
    blocks: Iterable[tuple[slice, slice, npt.NDArray[np.float32]]],
    schema: ClassSchema,
    tags: Mapping[str, str] | None = None,
) -> Path:
    """Probabilities of all classes of the model, one band each, float32, NaN = no data. `blocks`: (rows, columns, (K,
    h, w)) that cover the scene; `schema`: the model's classes, in the bands' order."""
    import rasterio

    path = Path(path)
    with cog(path, scene, "float32", math.nan, "AVERAGE", count=len(schema)) as target:
        for rows, cols, values in blocks:
            window = rasterio.windows.Window.from_slices(rows, cols)
            target.write(values.astype(np.float32), window=window)
        for k, name in enumerate(schema.names, start=1):
            target.set_band_description(k, clean_text(name))
        target.update_tags(**{**(tags or {}), **_facts(prediction, scene)})
    return path


def export_map_envi(prediction: Prediction, scene: Scene, path: Path) -> Path:
    """ENVI classification: `path` with .hdr, the pixels beside it with .img. Returns the header's path."""
    header = Path(path).with_suffix(".hdr")
    data = _codes(prediction)
    with replacing(header.with_suffix(".img")) as partial, replacing(header) as text:  # both are whole, or neither new
        partial.write_bytes(data.astype(data.dtype.newbyteorder("<")).tobytes())  # `tofile` tells no full disk
        text.write_bytes(_envi_header(prediction, scene, data).encode())
    drop_sides(header.with_suffix(".img"))
    return header


def _codes(prediction: Prediction) -> npt.NDArray[Any]:
    """(H, W) uint8, or uint16 for more than 255 classes."""
    return prediction.label.astype(np.uint8 if len(prediction.schema) <= 255 else np.uint16)


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def scene_tags(scene: Scene) -> dict[str, str]:
    """What every file says of where it is from."""
    return {"scene": scene.name, "scene_id": scene.id, "software": "HSI Studio"}


def _facts(prediction: Prediction, scene: Scene) -> dict[str, str]:
    return {
        **scene_tags(scene),
        "method": prediction.method,
        "params": json.dumps(prediction.params, default=str),
        "labels_revision": str(prediction.revision),
    }


@contextmanager
def cog(path: Path, scene: Scene, dtype: str, nodata: float | None, overviews: str, count: int = 1) -> Iterator[Any]:
    """A raster to write to; at the end it is `path`, as COG. GDAL makes one from a whole raster only, so a plain
    GeoTIFF stands beside it until then."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.shutil import copy

    height, width, _ = scene.shape
    options: dict[str, Any] = {"tiled": True, "blockxsize": TILE, "blockysize": TILE}
    transform = written_transform(scene)
    if transform is not None:
        options["transform"] = rasterio.Affine(*transform)
    if transform is not None and scene.crs is not None:
        options["crs"] = rasterio.crs.CRS.from_wkt(scene.crs)
    with replacing(path) as partial, whole_raster(partial, path.name), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        plain = partial.with_name(f"{partial.stem}-plain.tif")
        try:
            with rasterio.open(
                plain, "w", driver="GTiff", width=width, height=height, count=count, dtype=dtype, nodata=nodata,
                BIGTIFF="IF_SAFER", **options,
            ) as target:  # fmt: skip
                yield target
            copy(
                plain, partial, driver="COG", COMPRESS="DEFLATE", PREDICTOR="YES" if dtype == "float32" else "NO",
                OVERVIEW_RESAMPLING=overviews, BLOCKSIZE=TILE, BIGTIFF="IF_SAFER",
            )  # fmt: skip
        finally:
            plain.unlink(missing_ok=True)
    drop_sides(path)


def _aux_xml(prediction: Prediction) -> str:
    """GDAL's side file: category names and an attribute table (value, name, red, green, blue, pixel count)."""
    counts = np.bincount(prediction.label.ravel(), minlength=len(prediction.schema) + 1)
    root = ElementTree.Element("PAMDataset")
    band = ElementTree.SubElement(root, "PAMRasterBand", band="1")
    categories = ElementTree.SubElement(band, "CategoryNames")
    names = ["Unclassified", *(xml_text(name) for name in prediction.schema.names)]
    for name in names:
        ElementTree.SubElement(categories, "Category").text = name
    table = ElementTree.SubElement(band, "GDALRasterAttributeTable", tableType="thematic")
    # (name, type: 0 integer, 2 text; usage: 5 value, 2 name, 6–8 red, green, blue, 1 pixel count)
    fields = (("Value", 0, 5), ("Class", 2, 2), ("Red", 0, 6), ("Green", 0, 7), ("Blue", 0, 8), ("Count", 0, 1))
    for index, (name, kind, usage) in enumerate(fields):
        field = ElementTree.SubElement(table, "FieldDefn", index=str(index))
        for tag, value in (("Name", name), ("Type", str(kind)), ("Usage", str(usage))):
            ElementTree.SubElement(field, tag).text = value
    colors = ["#000000", *prediction.schema.colors]
    for number, (name, color) in enumerate(zip(names, colors, strict=True)):
        row = ElementTree.SubElement(table, "Row", index=str(number))
        for cell in (str(number), name, *(str(c) for c in _rgb(color)), str(int(counts[number]))):
            ElementTree.SubElement(row, "F").text = cell
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def xml_text(text: str) -> str:
    """Without the characters XML 1.0 cannot hold."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


def _envi_header(prediction: Prediction, scene: Scene, data: npt.NDArray[Any]) -> str:
    schema = prediction.schema
    colors = [0, 0, 0, *(channel for color in schema.colors for channel in _rgb(color))]
    fields = {
        "description": f"{{Class map of {_envi_text(scene.title or scene.name)}, method {prediction.method}}}",
        "samples": str(data.shape[1]),
        "lines": str(data.shape[0]),
        "bands": "1",
        "header offset": "0",
        "file type": "ENVI Classification",
        "data type": "1" if data.dtype == np.uint8 else "12",
        "interleave": "bsq",
        "byte order": "0",
        "data ignore value": "0",
        "band names": "{class}",
        "classes": str(len(schema) + 1),
        "class names": f"{{{', '.join(['Unclassified', *_envi_names(schema)])}}}",
        "class names exact": f"{{{', '.join(['Unclassified', *(quote(n, safe=' ') for n in schema.names)])}}}",
        "class lookup": f"{{{', '.join(map(str, colors))}}}",
    }
    fields |= envi_georeference(scene)
    return "ENVI\n" + "".join(f"{key} = {value}\n" for key, value in fields.items())


def _envi_text(text: str) -> str:
    """Line breaks, braces and commas as what looks like them."""
    return clean_text(text).translate(str.maketrans("{},=", "();-"))


def _envi_names(schema: ClassSchema) -> list[str]:
    return [_envi_text(name) or f"Class {k}" for k, name in enumerate(schema.names, start=1)]


def envi_georeference(scene: Scene) -> dict[str, str]:
    """`map info` and `coordinate system string`; {} for a plain raster.

    `map info` knows a corner, two pixel sizes and a rotation: x = x₀ + cosθ·sx·col + sinθ·sx·row, y = y₀ +
    sinθ·sy·col − cosθ·sy·row (as GDAL reads it); sy is negative for a picture that is mirrored. A sheared transform
    does not fit and is left out, with a log entry.
    """
    transform = written_transform(scene)
    if transform is None:
        return {}
    a, b, c, d, e, f = transform
    angle = math.atan2(b, a) if (b or d) else 0.0
    size_x, size_y = (math.hypot(a, b), math.copysign(math.hypot(d, e), b * d - a * e)) if angle else (a, -e)
    rebuilt = (math.cos(angle) * size_x, math.sin(angle) * size_x, math.sin(angle) * size_y, -math.cos(angle) * size_y)
    if not np.allclose(rebuilt, (a, b, d, e), rtol=1e-6, atol=1e-9 * abs(size_x)):
        log.warning("%s: its map transform is sheared; the ENVI file is written without map info", scene.name)
        return {}
    parts = ["Arbitrary", "1", "1", repr(c), repr(f), repr(size_x), repr(size_y)]
    system = {}
    if scene.crs is not None:
        from rasterio.crs import CRS

        crs = CRS.from_wkt(scene.crs)
        epsg = crs.to_epsg() or 0
        if 32601 <= epsg <= 32660 or 32701 <= epsg <= 32760:
            parts[0] = "UTM"
            parts += [str(epsg % 100), "North" if epsg < 32700 else "South", "WGS-84", "units=Meters"]
        elif crs.is_geographic:
            parts[0] = "Geographic Lat/Lon"
            parts += ["WGS-84"] * (epsg == 4326)  # with "units=Degrees" GDAL loses the code EPSG:4326
        system = {"coordinate system string": f"{{{crs.to_wkt(version='WKT1_ESRI')}}}"}
    if angle:
        parts.append(f"rotation={math.degrees(angle)!r}")
    return {"map info": f"{{{', '.join(parts)}}}", **system}
