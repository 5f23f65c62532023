"""A map as an item of a SpatioTemporal Asset Catalog (STAC 1.0.0, https://github.com/radiantearth/stac-spec), with its
files as assets and the wavelengths of the scene it was made from.

Extensions: `proj` (coordinate system and grid), `eo` (bands: centre and width in µm), `classification` (values, names,
colours), `processing` (software). `datetime` is when the map was made: no reader knows when a scene was taken. Without
a coordinate system `geometry` is null and there is no `bbox`, as the specification says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hsi_studio.files import write_json
from hsi_studio.io.lonlat import footprint, placed_crs, written_transform
from hsi_studio.types import Prediction, Scene

VERSION = "1.0.0"
EXTENSIONS = [
    "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
    "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
    "https://stac-extensions.github.io/classification/v1.1.0/schema.json",
    "https://stac-extensions.github.io/processing/v1.1.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
]
MEDIA = {
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized", ".gpkg": "application/geopackage+sqlite3",
    ".png": "image/png", ".svg": "image/svg+xml", ".pdf": "application/pdf", ".csv": "text/csv", ".html": "text/html",
    ".geojson": "application/geo+json", ".json": "application/json", ".qml": "application/xml", ".md": "text/markdown",
}  # fmt: skip


def write_item(
    path: Path, prediction: Prediction, scene: Scene, files: Sequence[Path], facts: Mapping[str, str], title: str = ""
) -> Path:
    """`files` lie beside `path`; `facts` are the map's tags, which go into the properties as `hsi_studio:…`."""
    value = item(path.stem, prediction, scene, files, facts, title)
    return write_json(path, value, indent=1)


def item(
    name: str, prediction: Prediction, scene: Scene, files: Sequence[Path], facts: Mapping[str, str], title: str = ""
) -> dict[str, Any]:
    """The item as plain values."""
    outline = footprint(scene)
    height, width, _ = scene.shape
    transform = written_transform(scene)
    properties: dict[str, Any] = {
        "title": title or f"Class map of {scene.title or scene.name}",
        "datetime": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "gsd": scene.gsd_m,
        "proj:shape": [height, width],
        "proj:transform": None if transform is None else list(transform),
        "proj:wkt2": placed_crs(scene),
        "processing:software": {"HSI Studio": facts.get("version_hsi_studio", "")},
        "eo:bands": bands_of(scene),
        **{f"hsi_studio:{key}": value for key, value in facts.items()},
    }
    if properties["gsd"] is None:
        del properties["gsd"]
    value: dict[str, Any] = {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": EXTENSIONS,
        "id": name,
        "geometry": None if outline is None else outline[0],
        "properties": properties,
        "links": [],
        "assets": {file.name: asset(file, prediction) for file in files},
    }
    if outline is not None:
        value["bbox"] = outline[1]
    return value


def asset(file: Path, prediction: Prediction) -> dict[str, Any]:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    made: dict[str, Any] = {
        "href": f"./{file.name}", "type": MEDIA.get(file.suffix.lower(), "application/octet-stream"),
        "roles": ["data"] if file.name.endswith("_map.tif") else ["metadata"], "file:size": file.stat().st_size,
        "file:checksum": f"1220{digest}",  # a multihash: sha2-256, 32 bytes
    }  # fmt: skip
    if file.name.endswith("_map.tif"):
        made["classification:classes"] = [
            {"value": k, "name": f"class-{k}", "title": info.name, "description": info.name,
             "color_hint": info.color.lstrip("#").upper()}
            for k, info in enumerate(prediction.schema.classes, start=1)
        ]  # fmt: skip
    return made


def bands_of(scene: Scene) -> list[dict[str, Any]]:
    """Name, centre and width (µm) of every band, as far as they are known."""
    found = []
    for k, name in enumerate(scene.bands.labels):
        band: dict[str, Any] = {"name": name}
        if scene.bands.wavelength_nm is not None:
            band["center_wavelength"] = round(float(scene.bands.wavelength_nm[k]) / 1000, 6)
        if scene.bands.fwhm_nm is not None:
            band["full_width_half_max"] = round(float(scene.bands.fwhm_nm[k]) / 1000, 6)
        found.append(band)
    return found
