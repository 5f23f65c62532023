"""Regions drawn as polygons of a GeoJSON, as pixels of a scene: hold-out regions of an evaluation.

Coordinates are WGS 84 longitude and latitude, as RFC 7946 has it; on a scene without a coordinate system, and in a file
whose member "coordinates" begins with "pixel" (as labels are exported there), column and row. A pixel is inside when
its centre is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.types import BoolArray, Scene

LARGEST = 64 << 20  # bytes


def regions_mask(path: Path, scene: Scene) -> BoolArray:
    """(H, W) pixels inside any of the polygons. Raises FileProblem."""
    from rasterio import Affine
    from rasterio.features import rasterize
    from rasterio.warp import transform_geom

    shapes, pixels = _polygons(path)
    if scene.crs is not None and scene.transform is not None and not pixels:
        shapes = [transform_geom("EPSG:4326", scene.crs, shape) for shape in shapes]
        grid = Affine(*scene.transform)
    else:
        grid = Affine.identity()
    height, width, _ = scene.shape
    found = rasterize(((shape, 1) for shape in shapes), (height, width), transform=grid, dtype="uint8")
    if not found.any():
        raise FileProblem(
            path, f"none of its {len(shapes)} polygons holds a pixel of {scene.name}", "Draw them on this scene"
        )
    inside: BoolArray = found.astype(np.bool_)
    return inside


def _polygons(path: Path) -> tuple[list[dict[str, Any]], bool]:
    """(geometries, whether they are in pixels). Raises FileProblem."""
    try:
        if path.stat().st_size > LARGEST:
            raise FileProblem(path, f"it is larger than {LARGEST >> 20} MiB", "Give the regions alone")
        value = json.loads(path.read_text(encoding="utf-8"))
        features = value["features"] if value["type"] == "FeatureCollection" else [value]
        shapes = [feature.get("geometry") or feature for feature in features]
        found = [shape for shape in shapes if shape.get("type") in ("Polygon", "MultiPolygon")]
        pixels = (
            str(value.get("coordinates", "")).startswith("pixel") if value["type"] == "FeatureCollection" else False
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptFile(path, f"no GeoJSON ({error})", "Save the regions as GeoJSON polygons") from error
    if not found:
        raise CorruptFile(path, "it has no polygon", "Save the regions as GeoJSON polygons")
    return found, pixels
