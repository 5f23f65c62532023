"""Regions drawn as polygons of a GeoJSON, as pixels of a scene: hold-out regions of an evaluation.

Coordinates are WGS 84 longitude and latitude, as RFC 7946 has it, or of the system that a "crs" member names (GeoJSON
2008, QGIS); on a scene with map coordinates of no known system they are the scene's own; on one without map
coordinates, and in a file whose member "coordinates" begins with "pixel", column and row, corners of pixels at whole
numbers. A pixel is inside when its centre is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.scene.crs import crs_of_text
from hsi_studio.scene.rules.georeference import is_degrees
from hsi_studio.types import BoolArray, Scene

LARGEST = 64 << 20  # bytes


def regions_mask(path: Path, scene: Scene) -> BoolArray:
    """(H, W) pixels inside any of the polygons. Raises FileProblem."""
    from rasterio import Affine
    from rasterio._err import CPLE_BaseError  # rasterio has no public name for what GDAL reports
    from rasterio.features import rasterize
    from rasterio.warp import transform_geom

    shapes, pixels, named = _polygons(path)
    placed = scene.transform is not None and not pixels
    if placed and scene.crs is not None:
        try:
            source = crs_of_text(path, named or "EPSG:4326")
            shapes = [transform_geom(source, scene.crs, shape) for shape in shapes]
            shapes = [_beside(scene, shape) for shape in shapes] if is_degrees(scene.crs) else shapes
        except CPLE_BaseError as error:
            raise FileProblem(
                path, f"its coordinates are none of {named or 'longitude and latitude (WGS 84)'}", "Save it as WGS 84"
            ) from error
    grid = Affine(*scene.transform) if placed and scene.transform is not None else Affine.identity()
    height, width, _ = scene.shape
    found = rasterize(((shape, 1) for shape in shapes), (height, width), transform=grid, dtype="uint8")
    if not found.any():
        raise FileProblem(
            path, f"none of its {len(shapes)} polygons holds a pixel of {scene.name}", "Draw them on this scene"
        )
    inside: BoolArray = found.astype(np.bool_)
    return inside


def _beside(scene: Scene, shape: dict[str, Any]) -> dict[str, Any]:
    """The same polygon, its longitudes counted as the scene counts them: −170° is 190° of a grid that goes to 360."""
    import shapely
    from shapely.geometry import mapping
    from shapely.geometry import shape as made_of

    middle = scene.map_xy(scene.shape[0] / 2, scene.shape[1] / 2)
    found = made_of(shape)
    turns = 0 if middle is None or found.is_empty else round((middle[0] - found.centroid.x) / 360)
    return dict(mapping(shapely.transform(found, lambda xy: xy + np.array([360 * turns, 0])))) if turns else shape


def _polygons(path: Path) -> tuple[list[dict[str, Any]], bool, str]:
    """(geometries, whether they are in pixels, the system that the file names or ""). Raises FileProblem."""
    try:
        if path.stat().st_size > LARGEST:
            raise FileProblem(path, f"it is larger than {LARGEST >> 20} MiB", "Give the regions alone")
        value = json.loads(path.read_text(encoding="utf-8"))
        features = value["features"] if value["type"] == "FeatureCollection" else [value]
        shapes = [feature.get("geometry") or feature for feature in features]
        found = [shape for shape in shapes if shape.get("type") in ("Polygon", "MultiPolygon")]
        whole = value["type"] == "FeatureCollection"
        pixels = str(value.get("coordinates", "")).startswith("pixel") if whole else False
        named = str(((value.get("crs") or {}).get("properties") or {}).get("name") or "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptFile(path, f"no GeoJSON ({error})", "Save the regions as GeoJSON polygons") from error
    if not found:
        raise CorruptFile(path, "it has no polygon", "Save the regions as GeoJSON polygons")
    return found, pixels, named
