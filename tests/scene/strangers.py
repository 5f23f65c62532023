"""A small cube as strangers write it: netCDF and GeoTIFF, with what one wants said of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import rasterio

SIZE = 12, 10, 6
DN = np.random.default_rng(0).integers(100, 4000, SIZE).astype("i2")
NM = np.linspace(450, 900, 6)
PLACE = (10.0, 0.0, 500000.0, 0.0, -10.0, 5800000.0)
EVERYTHING = slice(None), slice(None)


def netcdf(path: Path, values: np.ndarray[Any, Any] = DN, name: str = "reflectance", **attributes: Any) -> Path:
    with h5py.File(path, "w") as f:
        f[name] = values
        for axis, label in enumerate(("y", "x", "band") if values.ndim == 3 else ()):
            f[name].dims[axis].label = label
        for key, value in attributes.items():
            f[name].attrs[key] = value
    return path


def tiff(path: Path, values: np.ndarray[Any, Any], crs: Any = "EPSG:32633", unit: str = "") -> Path:
    values = values if values.ndim == 3 else values[:, :, None]
    profile = {"height": values.shape[0], "width": values.shape[1], "count": values.shape[2], "crs": crs}
    profile["transform"] = rasterio.Affine(*PLACE)
    with rasterio.open(path, "w", driver="GTiff", dtype=values.dtype.name, **profile) as target:
        target.write(np.moveaxis(values, 2, 0))
        if unit:
            target.units = [unit] * values.shape[2]
    return path


def said(scene: Any) -> str:
    return " ".join(scene.notes)
