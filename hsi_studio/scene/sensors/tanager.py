"""Tanager-1 core imagery (.h5): top-of-atmosphere radiance or surface reflectance, in the sensor's geometry.

Source: Planet, "Tanager Product Specification", September 2025: HDFEOS/SWATHS/HYP/Data Fields/toa_radiance or
surface_reflectance (bands, rows, columns) with the attributes wavelengths, fwhm (nm) and good_wavelengths (1 = usable);
nodata_pixels (1 = outside the footprint); beta_cloud_mask, beta_cirrus_mask; Geolocation Fields give a longitude and
latitude for every pixel, which is no map grid. Ortho products hold the same fields in HDFEOS/GRIDS/HYP.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.scene.formats import hdf
from hsi_studio.scene.plan import Fact
from hsi_studio.scene.raster import Candidate, Raster
from hsi_studio.scene.said_cube import SaidCube
from hsi_studio.scene.sensors.base import is_hdf5
from hsi_studio.types import Bands

FIELDS = ("HDFEOS/SWATHS/HYP/Data Fields", "HDFEOS/GRIDS/HYP/Data Fields")
CUBES = {"surface_reflectance": "reflectance", "toa_radiance": "W/(m² sr µm)"}
MASKS = {"cloud": "beta_cloud_mask", "cirrus": "beta_cirrus_mask", "uncertain": "beta_uncertainty_mask"}


class Tanager:
    """Tanager radiance and surface reflectance."""

    name = "tanager"
    title = "Tanager"
    since = 3
    extensions: tuple[str, ...] = (".h5",)

    def sniff(self, path: Path) -> bool:
        return path.suffix.lower() in (".h5", ".hdf5") and is_hdf5(path, lambda handle: _cube(handle) is not None)

    def open(self, path: Path, variable: str | None) -> Raster:
        handle = hdf.open_file(path)
        name = variable or _cube(handle)
        raster = hdf.READER.open(path, name, "bands,rows,cols")
        cube = handle[raster.facts["variable"].value]
        height, width, count = raster.cube.shape
        bands, notes = raster.bands, [f"Read as Tanager: {cube.name.rsplit('/', 1)[-1]}."]
        good = np.asarray(cube.attrs.get("good_wavelengths", ())).ravel()
        if good.size == count and (good > 0).any() and bands.usable is None:
            bands = Bands(count, bands.wavelength_nm, bands.fwhm_nm, good > 0)
        inner: Any = raster.cube
        outside = cube.parent.get("nodata_pixels")
        if outside is not None and tuple(outside.shape) == (height, width):
            inner = SaidCube(inner, usable=np.asarray(hdf.whole(path, "nodata_pixels", outside)) == 0)
            notes.append("Pixels outside the sensor's footprint (nodata_pixels) are left out.")
        masks = [
            f"{kind}={path.name}:{cube.parent.name.strip('/')}/{key}"
            for kind, key in MASKS.items()
            if key in cube.parent and tuple(cube.parent[key].shape) == (height, width)
        ]
        kept = [
            n for n in raster.notes if not n.startswith(("The cube is", "The file gives wavelengths", "You say so"))
        ]
        facts = raster.facts | {"product": Fact("Tanager", "certain", "Groups and fields of the file.")}
        facts["axes"] = Fact("bands,rows,cols", "certain", "The product's specification says so.")
        return replace(
            raster,
            cube=inner,
            bands=bands,
            value_unit=CUBES.get(cube.name.rsplit("/", 1)[-1], raster.value_unit),
            notes=(*notes, *kept),
            facts=facts | ({"masks": Fact(masks, "certain", "Of the product.")} if masks else {}),
            differs=("product:tanager",),
        )

    def layer(self, path: Path, variable: str | None, shape: tuple[int, int] | None) -> Raster:
        return hdf.READER.layer(path, variable, shape)

    def variables(self, path: Path) -> list[Candidate]:
        return hdf.READER.variables(path)


def _cube(handle: Any) -> str | None:
    """The name of the product's cube in the file."""
    names = (f"{group}/{cube}" for group in FIELDS for cube in CUBES)
    return next((name for name in names if name in handle and "wavelengths" in handle[name].attrs), None)


READER = Tanager()
