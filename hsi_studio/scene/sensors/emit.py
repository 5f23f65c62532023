"""EMIT L2A reflectance (and L1B radiance), laid on its map grid through the geolocation table of the file.

Source: "EMIT L2A Estimated Surface Reflectance … V001", LP DAAC, doi:10.5067/EMIT/EMITL2ARFL.001, user guide version 1:
`reflectance` (downtrack, crosstrack, bands); sensor_band_parameters/wavelengths, fwhm, good_wavelengths;
location/glt_x, glt_y (ortho_y, ortho_x): column and row of the swath, counted from 1, 0 = none; the attributes
geotransform and spatial_ref of the root. A file without a geolocation table (a crop) is read as its format, in the
sensor's geometry.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import CorruptFile
from hsi_studio.scene.formats import hdf
from hsi_studio.scene.plan import Fact
from hsi_studio.scene.raster import Candidate, Raster
from hsi_studio.scene.rules import georeference
from hsi_studio.scene.sensors.base import OrthoCube, attribute, is_hdf5

CUBES = ("reflectance", "radiance")


class Emit:
    """EMIT L1B and L2A granules."""

    name = "emit"
    title = "EMIT"
    since = 2
    extensions: tuple[str, ...] = (".nc",)

    def sniff(self, path: Path) -> bool:
        def known(handle: Any) -> bool:
            cube = any(name in handle for name in CUBES)
            return cube and "location/glt_x" in handle and "geotransform" in handle.attrs

        return path.name.upper().startswith("EMIT_L") and is_hdf5(path, known)

    def open(self, path: Path, variable: str | None) -> Raster:
        handle = hdf.open_file(path)
        name = variable or next(name for name in CUBES if name in handle)
        swath = hdf.READER.open(path, name, "rows,cols,bands")
        x, y = (hdf.whole(path, key, handle[key]).astype(np.int32) for key in ("location/glt_x", "location/glt_y"))
        height, width, _ = swath.cube.shape
        inside = (x > 0) & (y > 0) & (x <= width) & (y <= height)
        if not inside.any():
            raise CorruptFile(path, "its geolocation table names no pixel", "Download it again")
        row, col = (np.where(inside, v - 1, -1).astype(np.int32) for v in (y, x))
        transform = georeference.gdal_numbers(attribute(handle, "geotransform"))
        crs = georeference.wkt(str(attribute(handle, "spatial_ref") or "")) or georeference.wkt("", 4326)
        note = (
            f"Read as EMIT: the swath ({height} × {width}) is laid on its map grid ({x.shape[0]} × {x.shape[1]}) by "
            "the file's geolocation table, without interpolation."
        )
        swath_words = ("longitude and latitude", "axis (")
        kept = tuple(n for n in swath.notes if not any(word in n for word in swath_words))
        return replace(
            swath,
            cube=OrthoCube(swath.cube, row, col),
            transform=transform,
            crs=crs,
            gsd_m=None,
            value_unit="reflectance" if name == "reflectance" else swath.value_unit,
            notes=(note, *kept),
            facts=swath.facts | {"product": Fact("EMIT", "certain", "Name and groups of the file.")},
            differs=("product:emit",),
        )

    def layer(self, path: Path, variable: str | None, shape: tuple[int, int] | None) -> Raster:
        return hdf.READER.layer(path, variable, shape)

    def variables(self, path: Path) -> list[Candidate]:
        return hdf.READER.variables(path)


READER = Emit()
