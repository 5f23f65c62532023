"""One array of a container, and what its name says.

Names count (cube, hsi, data; dsm, lidar; gt, reference, labels; wavelength …), with or without something in front:
indian_pines_gt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hsi_studio.scene.raster import Candidate, dtype_problem
from hsi_studio.types import FloatArray

CUBE_KEYS = ("cube", "hsi", "data", "reflectance", "reflectance_data", "radiance", "radiance_data")
DSM_KEYS = ("dsm", "lidar", "chm", "ndsm", "dem", "height", "elevation")
CLASS_KEYS = ("gt", "reference", "labels", "label", "groundtruth", "ground_truth", "scenelabels", "classes")
WAVELENGTH_KEYS = (
    "wl",
    "wvl",
    "lambda",
    "band_centers",
    "band_centres",
    "bandcenters",
    "centers",
    "centres",
)  # and every name with "wav" in it
FWHM_KEYS = ("fwhm", "fwhm_nm", "fwhm_um")
NAME_KEYS = ("class_names", "classnames", "label_names", "names", "labels_names", "class_name", "classname", "classes",
             "labels", "label", "legend", "categories", "category_names", "target_names", "gt_names",
             "names_of_classes", "material_names", "endmember_names")  # fmt: skip


@dataclass(frozen=True)
class Variable:
    """One array of a container. `load` gives something that indexes like an array with `shape`."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    load: Callable[[], Any]
    unit: str | None = None
    scale: float | FloatArray = 1.0  # value = stored · scale + offset; stored == nodata is missing
    offset: float | FloatArray = 0.0
    nodata: float | None = None
    dims: tuple[str, ...] | None = None  # names of the axes, where the file gives them
    differs: tuple[str, ...] = ()  # as of `Raster`

    @property
    def key(self) -> str:
        """Last part of the name, lower case: "hsi.Lidar" → "lidar"."""
        return self.name.replace("/", ".").rsplit(".", 1)[-1].lower()

    @property
    def candidate(self) -> Candidate:
        return self.name, self.shape, str(self.dtype)

    @property
    def numeric(self) -> bool:
        return dtype_problem(self.dtype) is None and 0 not in self.shape


def named_like(variable: Variable, keys: Sequence[str]) -> bool:
    """Is the name one of `keys`, or does it end in "_" + one of them (indian_pines_gt)?"""
    if keys is WAVELENGTH_KEYS and "wav" in variable.key:
        return not any(word in variable.key for word in ("good", "bad", "fwhm", "unit"))
    key = variable.key
    if keys is WAVELENGTH_KEYS:  # wl_nm, lambda_um
        key = key.removesuffix("_nm").removesuffix("_um")
    return key in keys or any(key.endswith("_" + name) for name in keys)
