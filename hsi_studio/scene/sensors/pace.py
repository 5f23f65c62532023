"""PACE OCI L1B and L1C-like granules (.nc): blue, red and short-wave detectors as one cube, sorted by wavelength.

Source: NASA OB.DAAC, PACE OCI Level-1B data product, version 3 (2024): observation_data/rhot_blue, rhot_red, rhot_SWIR
(bands, scans, pixels), top-of-atmosphere reflectance, −32767 = no data; sensor_band_parameters/blue_wavelength,
red_wavelength, SWIR_wavelength (nm) and SWIR_bandpass; geolocation_data/latitude, longitude (scans, pixels), which is
no map grid. Where detectors overlap both bands stay. Level 2 surface reflectance (geophysical_data/rhos) needs no
reader of its own: its file names axes and wavelengths.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import CorruptFile
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.scene.formats import hdf
from hsi_studio.scene.plan import Fact
from hsi_studio.scene.raster import Candidate, Raster, choose
from hsi_studio.scene.sensors.base import JoinedCube, is_hdf5
from hsi_studio.types import Bands

PARTS = ("blue", "red", "SWIR")
MISSING = -32767.0


class Pace:
    """PACE OCI L1B; `variable` rhot_blue, rhot_red or rhot_SWIR opens one detector alone."""

    name = "pace"
    title = "PACE OCI"
    since = 3
    extensions: tuple[str, ...] = (".nc",)

    def sniff(self, path: Path) -> bool:
        return path.suffix.lower() in (".nc", ".nc4", ".h5") and is_hdf5(path, lambda handle: bool(_parts(handle)))

    def open(self, path: Path, variable: str | None) -> Raster:
        handle = hdf.open_file(path)
        found = _parts(handle)
        wanted = [p for p in found if variable in (None, f"rhot_{p}", f"observation_data/rhot_{p}")]
        if not wanted:
            raise choose(path, f"PACE has no cube “{variable}” in it", self.variables(path))
        cubes, centres, sizes = [], [], set()
        for part in wanted:
            name, dataset = f"rhot_{part}", found[part]
            waves = np.asarray(handle[f"sensor_band_parameters/{part}_wavelength"][()], dtype=np.float32).ravel()
            if waves.size != dataset.shape[0]:
                raise CorruptFile(
                    path,
                    f"{part}_wavelength has {waves.size} entries, not {dataset.shape[0]}",
                    "Download it again",
                )
            hdf.check_stored(path, name, dataset)
            fill = float(np.ravel(dataset.attrs.get("_FillValue", MISSING))[0])
            cubes.append(ArrayCube(hdf.Checked(path, name, dataset), (1, 2, 0), nodata=fill))
            centres.append(waves)
            sizes.add(tuple(dataset.shape[1:]))
        if len(sizes) != 1:
            raise CorruptFile(path, f"its detectors have different sizes: {sorted(sizes)}", "Download it again")
        nm = np.concatenate(centres)
        order = np.argsort(nm, kind="stable")
        axes = Fact("bands,rows,cols", "certain", "The product's description says so.")
        return Raster(
            JoinedCube(cubes, order),
            Bands(int(nm.size), nm[order]),
            files=(path,),
            value_unit="reflectance",
            notes=(
                f"Read as PACE OCI: {', '.join(wanted)}, {nm.size} bands sorted by wavelength; reflectance at the top "
                "of the atmosphere.",
                "Every pixel has its own longitude and latitude; the scene stays in the sensor's geometry.",
            ),
            facts={
                "variable": Fact(", ".join(f"rhot_{p}" for p in wanted), "certain", "The product's cubes."),
                "axes": axes,
                "wavelengths": Fact([float(nm.min()), float(nm.max())], "certain", "sensor_band_parameters."),
                "nodata": Fact(MISSING, "certain", "The product's description says so."),
                "product": Fact("PACE OCI", "certain", "Groups of the file."),
            },
            stored_wavelengths=nm[order],
            differs=("product:pace",),
        )

    def layer(self, path: Path, variable: str | None, shape: tuple[int, int] | None) -> Raster:
        return hdf.READER.layer(path, variable, shape)

    def variables(self, path: Path) -> list[Candidate]:
        return [(f"rhot_{p}", tuple(d.shape), str(d.dtype)) for p, d in _parts(hdf.open_file(path)).items()]


def _parts(handle: Any) -> dict[str, Any]:
    """{"blue": dataset …}; {} when it is no L1B granule."""
    names = {part: f"observation_data/rhot_{part}" for part in PARTS}
    found = {part: handle[name] for part, name in names.items() if name in handle}
    if "blue" not in found or any(f"sensor_band_parameters/{part}_wavelength" not in handle for part in found):
        return {}
    return {part: item for part, item in found.items() if len(item.shape) == 3}


READER = Pace()
