"""A small scene made in memory, for tests of everything that needs some scene."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsi_studio.scene.cube import ArrayCube
from hsi_studio.types import Bands, Scene, Survey

UTM = (2.0, 0.0, 600000.0, 0.0, -2.0, 4480000.0)


def utm_wkt() -> str:
    from rasterio.crs import CRS

    return str(CRS.from_epsg(32616).to_wkt())


def small_scene(height: int = 12, width: int = 16, bands: int = 5, *, seed: int = 0, **options: Any) -> Scene:
    """Random reflectance; `invalid` lists (row, column) pixels without data."""
    invalid = options.pop("invalid", [])
    cube = np.random.default_rng(seed).random((height, width, bands)).astype(np.float32)
    for row, col in invalid:
        cube[row, col] = np.nan
    valid = np.isfinite(cube).all(axis=2)

    def survey(_: Scene) -> Survey:
        stats = [f(cube[valid], axis=0) for f in (np.min, np.max, np.mean, np.std)]
        return Survey(valid, np.ones(bands, bool), *stats)

    values = {"id": "0123456789abcdef", "name": "small", "title": "A small scene", **options}
    return Scene(cube=ArrayCube(cube), bands=Bands(bands), survey_fn=survey, **values)


def striped_reference(height: int = 12, width: int = 16, classes: int = 3) -> np.ndarray[Any, Any]:
    """(H, W) int32: vertical stripes 1 … K, the first and last row unlabelled."""
    stripes = np.arange(width) * classes // width + 1
    reference = np.tile(stripes.astype(np.int32), (height, 1))
    reference[0], reference[-1] = 0, 0
    return reference
