"""PRISMA L1, L2B, L2C and L2D (.he5): VNIR and SWIR as one cube, sorted by wavelength.

Source: ASI, "PRISMA Products Specification Document", issue 2.3, 12 March 2020: cubes are (rows, bands, columns) with
descending wavelengths; the root attributes List_Cw_Vnir, List_Fwhm_Vnir (… Swir) have 0 for bands that are not there;
L2: reflectance = min + stored · (max − min) / 65535 with L2ScaleVnirMin …; L1: radiance = stored / ScaleFactor_Vnir −
Offset_Vnir in W/(m² sr µm). 0 is no data in L2. L2D lies on a UTM grid of 30 m: when the corners are 30 · (n − 1) m
apart they are centres of pixels, otherwise their edges.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import CorruptFile
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.scene.formats import hdf
from hsi_studio.scene.plan import Fact
from hsi_studio.scene.raster import Candidate, Raster, Transform, choose
from hsi_studio.scene.rules import georeference
from hsi_studio.scene.sensors.base import JoinedCube, attribute, is_hdf5
from hsi_studio.types import Bands, FloatArray

PIXEL_M = 30.0
PARTS = ("VNIR", "SWIR")


class Prisma:
    """The hyperspectral cubes of a PRISMA file; `variable` VNIR_Cube or SWIR_Cube opens one of them alone."""

    name = "prisma"
    title = "PRISMA"
    since = 2
    extensions: tuple[str, ...] = (".he5",)

    def sniff(self, path: Path) -> bool:
        named = path.name.upper().startswith("PRS_") or path.suffix.lower() in (".he5", ".h5")  # renamed files too
        return named and is_hdf5(path, lambda handle: "List_Cw_Vnir" in handle.attrs and bool(_cubes(handle)))

    def open(self, path: Path, variable: str | None) -> Raster:
        handle = hdf.open_file(path)
        cubes = _cubes(handle)
        wanted = [
            part for part in PARTS if part in cubes and variable in (None, f"{part}_Cube", cubes[part].name.strip("/"))
        ]
        if not wanted:
            raise choose(path, f"PRISMA has no cube “{variable}” in it", self.variables(path))
        parts, centres, widths, scales = [], [], [], []
        for part in wanted:
            cube, scale, nm, fwhm = _part(path, handle, part, cubes[part])
            scales.append(np.tile(np.array(scale, np.float32), (nm.size, 1)))
            parts.append(cube)
            centres.append(nm)
            widths.append(fwhm)
        nm, fwhm = np.concatenate(centres), np.concatenate(widths)
        order = np.flatnonzero(nm > 0)
        order = order[np.argsort(nm[order], kind="stable")]
        level2 = "L2" in next(iter(cubes.values())).name
        joined = JoinedCube(parts, order)
        transform, crs, place = _place(handle, joined.shape[:2])
        notes = [f"Read as PRISMA: {' and '.join(wanted)}, {order.size} bands sorted by wavelength."]
        notes += [place] if place else []
        scale_names = [f"L2Scale{part.title()}Max" if level2 else f"ScaleFactor_{part.title()}" for part in wanted]
        unscaled = any(attribute(handle, name) is None for name in scale_names)
        if unscaled:
            notes.append("The file gives no scale: stored values are left as they are (say it with --scale).")
        said = "List_Cw of the file."
        facts = {
            "variable": Fact(", ".join(cubes[part].name for part in wanted), "certain", "The product's cubes."),
            "axes": Fact("rows,bands,cols", "certain", "PRISMA's specification says so."),
            "wavelengths": Fact([float(nm[order[0]]), float(nm[order[-1]])], "certain", said),
            "nodata": Fact(0.0 if level2 else None, "certain", "PRISMA's specification says so."),
            "product": Fact("PRISMA", "certain", "Name and attributes of the file."),
        }
        return Raster(
            joined,
            Bands(int(order.size), nm[order], fwhm[order] if fwhm.any() else None),
            files=(path,),
            transform=transform,
            crs=crs,
            gsd_m=PIXEL_M,
            value_unit="" if unscaled else "reflectance" if level2 else "W/(m² sr µm)",
            notes=tuple(notes),
            scale=np.concatenate(scales)[order, 0],
            offset=np.concatenate(scales)[order, 1],
            facts=facts,
            stored_wavelengths=nm[order],
            differs=("product:prisma",),
        )

    def layer(self, path: Path, variable: str | None, shape: tuple[int, int] | None) -> Raster:
        return hdf.READER.layer(path, variable, shape)

    def variables(self, path: Path) -> list[Candidate]:
        handle = hdf.open_file(path)
        return [(f"{part}_Cube", tuple(item.shape), str(item.dtype)) for part, item in _cubes(handle).items()]


def _cubes(handle: Any) -> dict[str, Any]:
    """{"VNIR": dataset, "SWIR": dataset} of the hyperspectral swath."""
    swaths = handle.get("HDFEOS/SWATHS")
    if swaths is None:
        return {}
    for name in swaths:
        fields = swaths[name].get("Data Fields") if name.endswith("_HCO") else None
        if fields is not None:
            found = {part: fields[f"{part}_Cube"] for part in PARTS if f"{part}_Cube" in fields}
            return {part: item for part, item in found.items() if len(item.shape) == 3}
    return {}


def _part(
    path: Path, handle: Any, part: str, dataset: Any
) -> tuple[ArrayCube, tuple[float, float], FloatArray, FloatArray]:
    """(cube (H, W, B) in its unit, (scale, offset), centres, widths); centres are 0 for bands that are not there."""
    count, title = dataset.shape[1], part.title()
    centres = attribute(handle, f"List_Cw_{title}")
    if centres is None or np.size(centres) != count:
        found = 0 if centres is None else np.size(centres)
        raise CorruptFile(path, f"List_Cw_{title} has {found} entries for {count} bands", "Download it again")
    widths = attribute(handle, f"List_Fwhm_{title}")
    flags = attribute(handle, f"List_Cw_{title}_Flags")
    nm = np.asarray(centres, dtype=np.float32).ravel().copy()
    if flags is not None and np.size(flags) == count:
        nm[np.asarray(flags).ravel() == 0] = 0
    fwhm = np.zeros(count, np.float32) if widths is None or np.size(widths) != count else np.ravel(widths)
    low, high = attribute(handle, f"L2Scale{title}Min"), attribute(handle, f"L2Scale{title}Max")
    hdf.check_stored(path, f"{part}_Cube", dataset)
    array = hdf.Checked(path, f"{part}_Cube", dataset)
    if low is not None and high is not None:
        scale = (float(high) - float(low)) / 65535.0, float(low)
        cube = ArrayCube(array, (0, 2, 1), *scale, 0.0)
    else:
        factor, offset = attribute(handle, f"ScaleFactor_{title}"), attribute(handle, f"Offset_{title}")
        scale = 1.0 / float(factor or 1.0), -float(offset or 0.0)
        cube = ArrayCube(array, (0, 2, 1), *scale)
    return cube, scale, nm, np.asarray(fwhm, dtype=np.float32)


def _place(handle: Any, shape: tuple[int, int]) -> tuple[Transform | None, str | None, str]:
    """(transform, WKT, note) of the corner attributes of L2D."""
    names = ("Product_ULcorner_easting", "Product_ULcorner_northing")
    east, north = (attribute(handle, name) for name in names)
    code = attribute(handle, "Epsg_Code")
    if east is None or north is None or code is None:
        return (
            None,
            None,
            (
                "The file has no map grid (a corner and an EPSG code, which only L2D has): the scene stays in the "
                "sensor's geometry."
            ),
        )
    east, north = float(east), float(north)
    right = attribute(handle, "Product_LRcorner_easting")
    note = ""
    if right is not None and abs((float(right) - east) - PIXEL_M * (shape[1] - 1)) < PIXEL_M / 4:
        east, north = east - PIXEL_M / 2, north + PIXEL_M / 2
    elif right is None:
        note = "The upper left corner is taken as the corner of the first pixel."
    return (PIXEL_M, 0.0, east, 0.0, -PIXEL_M, north), georeference.wkt("", int(code)), note


READER = Prisma()
