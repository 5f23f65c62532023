"""EMIT L2A reflectance (and L1B radiance), laid on its map grid through the geolocation table of the file.

Source: "EMIT L2A Estimated Surface Reflectance … V001", LP DAAC, doi:10.5067/EMIT/EMITL2ARFL.001, user guide version 1:
`reflectance` (downtrack, crosstrack, bands); sensor_band_parameters/wavelengths, fwhm, good_wavelengths;
location/glt_x, glt_y (ortho_y, ortho_x): column and row of the swath, counted from 1, 0 = none; the attributes
geotransform and spatial_ref of the root. A file without a geolocation table (a crop) is read as its format, in the
sensor's geometry. The MASK file beside it holds flags (downtrack, crosstrack, mask_bands), named in
sensor_band_parameters/mask_bands: quality masks of the scene, and no image.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.scene.formats import hdf
from hsi_studio.scene.plan import Fact
from hsi_studio.scene.raster import Candidate, Raster, Transform
from hsi_studio.scene.rules import cf_grid, georeference
from hsi_studio.scene.sensors.base import JoinedCube, OrthoCube, attribute, is_hdf5
from hsi_studio.types import Bands, Cube

CUBES = ("reflectance", "radiance")
FLAGS = {"cloud": "cloud flag", "cirrus": "cirrus flag", "dilated": "dilated cloud flag",
         "spacecraft": "spacecraft flag", "aggregate": "aggregate flag"}  # fmt: skip


class Emit:
    """EMIT L1B and L2A granules."""

    name = "emit"
    title = "EMIT"
    since: int = 2
    extensions: tuple[str, ...] = (".nc",)

    def sniff(self, path: Path) -> bool:
        return path.name.upper().startswith("EMIT_L") and is_hdf5(path, _is_granule)

    def open(self, path: Path, variable: str | None) -> Raster:
        handle = hdf.open_file(path)
        name = variable or next(name for name in CUBES if name in handle)
        swath = hdf.READER.open(path, name, "rows,cols,bands")
        height, width, _ = swath.cube.shape
        cube, transform, crs = _on_grid(path, handle, swath.cube)
        note = (
            f"Read as EMIT: the swath ({height} × {width}) is laid on its map grid ({cube.shape[0]} × {cube.shape[1]}) "
            "by the file's geolocation table, without interpolation."
        )
        swath_words = ("longitude and latitude", "axis (")
        kept = tuple(n for n in swath.notes if not any(word in n for word in swath_words))
        return replace(
            swath,
            cube=cube,
            transform=transform,
            crs=crs,
            gsd_m=None,
            value_unit="reflectance" if name == "reflectance" else swath.value_unit,
            notes=(note, *kept),
            facts=swath.facts
            | {"product": Fact("EMIT", "certain", "Name and groups of the file.")}
            | _masks(path, name),
            differs=("product:emit",),
        )

    def layer(self, path: Path, variable: str | None, shape: tuple[int, int] | None) -> Raster:
        return hdf.READER.layer(path, variable, shape)

    def variables(self, path: Path) -> list[Candidate]:
        return hdf.READER.variables(path)


class RenamedEmit(Emit):
    """The same granules under another name, known by what they hold."""

    name = "emit_renamed"
    since = 7
    extensions: tuple[str, ...] = (".nc", ".nc4", ".h5")

    def sniff(self, path: Path) -> bool:
        return path.suffix.lower() in self.extensions and is_hdf5(path, _is_granule)


class EmitMask:
    """The file of flags that comes with a granule; each of them is a layer, under its name in `FLAGS`."""

    name = "emit_mask"
    title = "EMIT quality flags"
    since: int = 7
    extensions: tuple[str, ...] = (".nc",)

    def sniff(self, path: Path) -> bool:
        return path.suffix.lower() in self.extensions and is_hdf5(
            path, lambda handle: _has_grid(handle) and bool(_flags(handle))
        )

    def open(self, path: Path, variable: str | None) -> Raster:
        raise FileProblem(
            path,
            "it holds EMIT's quality flags, no image",
            "Open the reflectance beside it (EMIT_L2A_RFL…); --quality cloud leaves out what they mark",
        )

    def layer(self, path: Path, variable: str | None, shape: tuple[int, int] | None) -> Raster:
        handle = hdf.open_file(path)
        flags = _flags(handle)
        if variable not in flags:
            raise FileProblem(
                path,
                f"it holds several flags ({', '.join(flags)})",
                "Put it beside its reflectance file; --quality cloud leaves out what one marks there",
            )
        hdf.check_stored(path, "mask", handle["mask"])
        swath = ArrayCube(hdf.Checked(path, "mask", handle["mask"]), (0, 1, 2))
        cube, transform, crs = _on_grid(path, handle, JoinedCube([swath], [flags[variable]]))
        return Raster(cube, Bands(1), files=(path,), transform=transform, crs=crs)

    def variables(self, path: Path) -> list[Candidate]:
        handle = hdf.open_file(path)
        size = tuple(int(n) for n in handle["mask"].shape[:2])
        return [(flag, size, str(handle["mask"].dtype)) for flag in _flags(handle)]


def _has_grid(handle: Any) -> bool:
    return "location/glt_x" in handle and "location/glt_y" in handle and "geotransform" in handle.attrs


def _is_granule(handle: Any) -> bool:
    return any(name in handle for name in CUBES) and _has_grid(handle)


def _on_grid(path: Path, handle: Any, swath: Cube) -> tuple[OrthoCube, Transform | None, str | None]:
    """A swath on the granule's map grid; its place. Raises CorruptFile."""
    x, y = (hdf.whole(path, key, handle[key]).astype(np.int32) for key in ("location/glt_x", "location/glt_y"))
    height, width, _ = swath.shape
    inside = (x > 0) & (y > 0) & (x <= width) & (y <= height)
    if not inside.any():
        raise CorruptFile(path, "its geolocation table names no pixel", "Download it again")
    row, col = (np.where(inside, v - 1, -1).astype(np.int32) for v in (y, x))
    transform = cf_grid.gdal_numbers(attribute(handle, "geotransform"))
    crs = georeference.wkt(str(attribute(handle, "spatial_ref") or "")) or georeference.wkt("", 4326)
    return OrthoCube(swath, row, col), transform, crs


def _flags(handle: Any) -> dict[str, int]:
    """{kind: layer of the mask} of a file of flags; {} for others."""
    mask, names = handle.get("mask"), handle.get("sensor_band_parameters/mask_bands")
    if mask is None or names is None or len(mask.shape) != 3 or tuple(names.shape) != (mask.shape[2],):
        return {}
    texts = [t.decode("utf-8", "replace") if isinstance(t, bytes) else str(t) for t in np.asarray(names[()]).ravel()]
    plain = [text.strip().lower() for text in texts]
    return {kind: plain.index(name) for kind, name in FLAGS.items() if name in plain}


def _masks(path: Path, cube: str) -> dict[str, Fact]:
    """The flags of the MASK file beside a reflectance file, as quality masks."""
    at = path.name.upper().find("_RFL_")
    beside = path.with_name(path.name[:at] + "_MASK_" + path.name[at + 5 :])
    if at < 0 or cube != "reflectance" or not beside.is_file() or not MASK.sniff(beside):
        return {}
    with hdf.open_file(beside) as handle:
        found = [f"{kind}={beside.name}:{kind}" for kind in _flags(handle)]
    return {"masks": Fact(found, "certain", "A file of the product.")} if found else {}


READER = Emit()
RENAMED = RenamedEmit()
MASK = EmitMask()
