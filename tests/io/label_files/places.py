"""A scene of 12 × 16 pixels of 2 m in UTM 16 N, and geometries on it in any coordinate system."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from rasterio.warp import transform

from hsi_studio.io.label_import import LabelImport, LabelOptions, read_labels
from hsi_studio.types import ClassSchema, Scene
from tests.project.small import UTM, small_scene, utm_wkt

POINTS = [(1, 2, "Wald"), (5, 6, "Wasser"), (9, 12, "Acker"), (10, 3, "Wald")]
SCENE_CRS = "EPSG:32616"


def scene(**options: Any) -> Scene:
    return small_scene(**({"transform": UTM, "crs": utm_wkt()} | options))


def moved(shape: Any, crs: str = SCENE_CRS) -> Any:
    """A geometry of columns and rows (pixel corners at whole numbers) in another system."""

    def convert(xy: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        a, b, c, d, e, f = UTM
        x, y = a * xy[:, 0] + b * xy[:, 1] + c, d * xy[:, 0] + e * xy[:, 1] + f
        return np.column_stack(transform(SCENE_CRS, crs, x.tolist(), y.tolist()))

    return shapely.transform(shape, convert)


def point(row: int, col: int, crs: str = SCENE_CRS) -> Any:
    return moved(shapely.Point(col + 0.5, row + 0.5), crs)


def box(rows: tuple[int, int], cols: tuple[int, int], crs: str = SCENE_CRS) -> Any:
    """The area of whole pixels, first and last included."""
    return moved(shapely.box(cols[0], rows[0], cols[1] + 1, rows[1] + 1), crs)


def geojson(path: Path, features: list[tuple[Any, dict[str, Any]]], **members: Any) -> Path:
    """A file of (shapely geometry or dict or None, properties)."""
    listed = [
        {"type": "Feature", "properties": properties,
         "geometry": shapely.geometry.mapping(g) if hasattr(g, "geom_type") else g}
        for g, properties in features
    ]  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", **members, "features": listed}), encoding="utf-8")
    return path


def read(files: Any, on: Scene | None = None, **options: Any) -> LabelImport:
    return read_labels(files, on or scene(), ClassSchema(), LabelOptions(**options))


def labels(files: Any, on: Scene | None = None, **options: Any) -> list[tuple[int, int, str]]:
    return sorted(label[:3] for label in read(files, on, **options).labels)


def cells(rows: range, cols: range, name: str) -> list[tuple[int, int, str]]:
    return [(row, col, name) for row in rows for col in cols]
