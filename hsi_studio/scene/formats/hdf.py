"""HDF5 and netCDF-4 (which is HDF5): NEON and EMIT reflectance, and any file with a three-dimensional array.

Read lazily with h5py. Scale: CF's `scale_factor`/`add_offset` multiply and add; NEON's `Scale_Factor`
(10000) divides. Missing: `_FillValue`, `missing_value`, NEON's `Data_Ignore_Value`. Position: NEON's
Map_Info and EPSG code; EMIT's swath is not on a map grid and gets none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.humanize import shape_text, size_text
from hsi_studio.scene.formats import containers, hdf_safety
from hsi_studio.scene.formats.containers import Variable
from hsi_studio.scene.formats.envi_header import epsg_of, transform_of
from hsi_studio.scene.raster import Candidate, Raster, check_memory, dtype_problem, file_size, first_bytes
from hsi_studio.types import Bands

MAGIC = b"\x89HDF\r\n\x1a\n"
LEAST_STORED = 1 / 5000  # share of the described bytes that must be in the file; gzip reaches 1/1032
COPY_AGAIN = "Copy or download it again"


def open_file(path: Path) -> Any:
    """An h5py file, kept open as long as something reads from it. Raises CorruptFile."""
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise CorruptFile(path, f"it is not a complete HDF5 file ({error})", COPY_AGAIN) from error


def check_stored(path: Path, name: str, dataset: Any) -> None:
    """Raises CorruptFile when the array's header describes far more than the file holds."""
    claimed = dataset.dtype.itemsize
    for n in dataset.shape:
        claimed *= int(n)
    stored = int(dataset.id.get_storage_size())
    if claimed > 4096 and stored < claimed * LEAST_STORED:
        raise CorruptFile(
            path,
            f"“{name}” is described as {shape_text(dataset.shape)} ({claimed} bytes), but only {stored} bytes of it"
            " are in the file",
            "The file was not written to its end: " + COPY_AGAIN.lower(),
        )
    hdf_safety.check_ratio(path, name, dataset, claimed)


def whole(path: Path, name: str, dataset: Any) -> Any:
    """A small companion array in memory. Raises FileProblem, CorruptFile."""
    check_stored(path, name, dataset)
    n_bytes = int(np.prod(dataset.shape, dtype=np.float64)) * dataset.dtype.itemsize
    if n_bytes > 64 << 20:
        check_memory(path, f"“{name}” ({size_text(n_bytes)})", n_bytes)
    try:
        return dataset[()]
    except OSError as error:
        raise CorruptFile(path, f"“{name}” cannot be read ({error})", COPY_AGAIN) from error


class Checked:
    """A dataset whose read errors name the file and the remedy."""

    def __init__(self, path: Path, name: str, dataset: Any) -> None:
        self.path, self.name, self._dataset = path, name, dataset
        self.shape, self.dtype = tuple(dataset.shape), dataset.dtype

    def __getitem__(self, key: Any) -> Any:
        try:
            return self._dataset[key]
        except OSError as error:
            raise CorruptFile(self.path, f"“{self.name}” cannot be read ({error})", COPY_AGAIN) from error

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        values = whole(self.path, self.name, self._dataset)
        return values if dtype is None else np.asarray(values, dtype=dtype)


class HdfReader:
    """HDF5 other than MATLAB's."""

    name = "hdf"
    title = "HDF5 / netCDF-4"
    extensions = (".h5", ".hdf5", ".hdf", ".he5", ".nc", ".nc4")

    def sniff(self, path: Path) -> bool:
        return first_bytes(path, 8) == MAGIC

    def open(self, path: Path, variable: str | None) -> Raster:
        file_size(path)
        handle = open_file(path)
        raster = containers.assemble(path, _list(path, handle), variable)
        return _with_metadata(path, raster, handle)

    def layer(self, path: Path, variable: str | None, shape: tuple[int, int] | None) -> Raster:
        file_size(path)
        variables = _list(path, open_file(path))
        return containers.as_layer(path, containers.pick_layer(path, variables, variable, shape), variables)

    def variables(self, path: Path) -> list[Candidate]:
        file_size(path)
        return [v.candidate for v in _list(path, open_file(path)) if v.numeric]


def _list(path: Path, handle: Any) -> list[Variable]:
    import h5py

    found: list[Variable] = []

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.shape and dtype_problem(item.dtype) is None:
            scale, offset = _scale(item)
            found.append(
                Variable(
                    name,
                    tuple(item.shape),
                    item.dtype,
                    partial(_load, path, name, item),
                    unit=_text(item.attrs.get("units", item.attrs.get("Units"))),
                    scale=scale,
                    offset=offset,
                    nodata=_first(item, ("Data_Ignore_Value", "_FillValue", "missing_value")),
                )
            )

    visit_all(path, handle, visit)
    return found


def visit_all(path: Path, handle: Any, visit: Callable[[str, Any], None]) -> None:
    """Every data set, after `hdf_safety`; a damaged file makes h5py raise RuntimeError, TypeError, KeyError … All
    become CorruptFile."""
    try:
        for name, item in hdf_safety.walk(path, handle):
            visit(name, item)
    except FileProblem:
        raise
    except Exception as error:
        raise hdf_safety.damaged(path, error) from error


def _load(path: Path, name: str, dataset: Any) -> Any:
    check_stored(path, name, dataset)
    return Checked(path, name, dataset)


def _first(item: Any, names: tuple[str, ...]) -> float | None:
    """The first of these attributes as a number."""
    for name in names:
        if name in item.attrs:
            values = np.asarray(item.attrs[name]).ravel()
            if values.size and values.dtype.kind in "iuf":
                return float(values[0])
    return None


def _scale(item: Any) -> tuple[float, float]:
    divisor = _first(item, ("Scale_Factor", "Scale Factor"))
    if divisor is not None and divisor > 0:
        return (1.0 / divisor if divisor >= 1 else divisor), 0.0
    return _first(item, ("scale_factor",)) or 1.0, _first(item, ("add_offset",)) or 0.0


def _text(value: Any) -> str | None:
    if value is None:
        return None
    item = np.asarray(value).ravel()
    if item.size == 0:
        return None
    return item[0].decode("utf-8", "replace") if isinstance(item[0], bytes) else str(item[0])


def _with_metadata(path: Path, raster: Raster, handle: Any) -> Raster:
    """NEON's map position and EMIT's list of good bands."""
    import h5py

    found: dict[str, Any] = {}

    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found.setdefault(name.rsplit("/", 1)[-1], item)

    visit_all(path, handle, keep)
    if "Map_Info" in found:
        info = [part.strip() for part in (_text(whole(path, "Map_Info", found["Map_Info"])) or "").split(",")]
        transform, _ = transform_of(info)
        code = _text(whole(path, "EPSG Code", found["EPSG Code"])) if "EPSG Code" in found else None
        epsg = int(code) if code and code.strip().isdigit() else epsg_of(info)
        side = abs(transform[0]) if transform is not None and info[0].lower() == "utm" else None
        raster = replace(raster, transform=transform, crs=_wkt(epsg), gsd_m=side)
    good = found.get("good_wavelengths")
    if good is not None and good.shape == (raster.bands.count,):
        usable = np.asarray(good[()]) > 0
        if usable.any():
            bands = raster.bands
            raster = replace(raster, bands=Bands(bands.count, bands.wavelength_nm, bands.fwhm_nm, usable))
    return raster


def _wkt(epsg: int | None) -> str | None:
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    if epsg is None:
        return None
    try:
        return str(CRS.from_epsg(epsg).to_wkt())
    except CRSError:
        return None


READER = HdfReader()
