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

from hsi_studio.edges import names_only
from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.humanize import shape_text, size_text
from hsi_studio.scene.formats import containers, hdf_place, hdf_safety, hdf_values
from hsi_studio.scene.formats.variables import Variable
from hsi_studio.scene.plan import RULES
from hsi_studio.scene.raster import Candidate, Raster, check_memory, dtype_problem, file_size, first_bytes
from hsi_studio.scene.rules import georeference, header_text
from hsi_studio.scene.rules.values import unit_of
from hsi_studio.types import Bands

MAGIC = b"\x89HDF\r\n\x1a\n"
HDF4 = b"\x0e\x03\x13\x01"
IS_HDF4 = "it is an HDF4 file", "Convert it: h4toh5 IN.hdf OUT.h5, or gdal_translate -of GTiff"
LEAST_STORED = 1 / 5000  # share of the described bytes that must be in the file; gzip reaches 1/1032
MOST_TEXTS = 5000
COPY_AGAIN = "Copy or download it again"


def open_file(path: Path) -> Any:
    """An h5py file, kept open as long as something reads from it. Raises CorruptFile."""
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise CorruptFile(path, f"it is not a complete HDF5 file ({names_only(str(error))})", COPY_AGAIN) from error


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

    def __init__(self, path: Path, name: str, dataset: Any, dtype: np.dtype[Any] | None = None) -> None:
        """`dtype`: of the same size, as which the stored bytes are read (netCDF's _Unsigned)."""
        self.path, self.name, self._dataset = path, name, dataset
        self.shape, self.dtype = tuple(dataset.shape), dataset.dtype if dtype is None else dtype

    def __getitem__(self, key: Any) -> Any:
        try:
            values = self._dataset[key]
        except OSError as error:
            raise CorruptFile(self.path, f"“{self.name}” cannot be read ({error})", COPY_AGAIN) from error
        return values if self.dtype == self._dataset.dtype else np.asarray(values).view(self.dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        values = np.asarray(whole(self.path, self.name, self._dataset)).view(self.dtype)
        return values if dtype is None else np.asarray(values, dtype=dtype)


class HdfReader:
    """HDF5 other than MATLAB's."""

    name = "hdf"
    title = "HDF5 / netCDF-4"
    extensions = (".h5", ".hdf5", ".hdf", ".he5", ".nc", ".nc4")
    takes_axes = takes_rules = layer_takes_rules = True

    def sniff(self, path: Path) -> bool:
        return first_bytes(path, 8) == MAGIC

    def why_not(self, path: Path) -> tuple[str, str] | None:
        """(problem, remedy) for a file named like ours that `sniff` did not take."""
        head = first_bytes(path, 4)
        return IS_HDF4 if head == HDF4 else None

    def open(self, path: Path, variable: str | None, axes: str | None = None, rules: int = RULES) -> Raster:
        file_size(path)
        handle = open_file(path)
        raster = containers.assemble(path, _list(path, handle, rules), variable, axes, rules)
        raster = hdf_values.without_marks(raster, handle[raster.facts["variable"].value], rules)
        return _with_metadata(path, raster, handle, rules)

    def layer(self, path: Path, variable: str | None, shape: tuple[int, int] | None, rules: int = RULES) -> Raster:
        file_size(path)
        handle = open_file(path)
        variables = _list(path, handle, rules)
        chosen = containers.pick_layer(path, variables, variable, shape)
        raster = containers.as_layer(path, chosen, variables, shape if rules > 6 else None)
        names = hdf_values.flag_names(handle[chosen.name]) if rules > 6 else {}
        raster = replace(raster, class_names=names) if names else raster
        return hdf_place.on_cf_grid(raster, handle, handle[chosen.name]) if rules > 6 else raster

    def variables(self, path: Path) -> list[Candidate]:
        file_size(path)
        return [v.candidate for v in _list(path, open_file(path)) if v.numeric]


def _list(path: Path, handle: Any, rules: int = RULES) -> list[Variable]:
    import h5py

    found: list[Variable] = []

    def visit(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset) or not item.shape:
            return
        if h5py.check_string_dtype(item.dtype) is not None and len(item.shape) <= 2 and item.size <= MOST_TEXTS:
            texts = np.asarray(whole(path, name, item)).ravel()
            plain = np.array([t.decode("utf-8", "replace") if isinstance(t, bytes) else str(t) for t in texts])
            found.append(Variable(name, plain.shape, plain.dtype, lambda: plain))
        elif dtype_problem(item.dtype) is None or item.dtype.kind == "c":
            if len(item.shape) == 3:
                found.extend(in_attributes(name, item, rules))
            dtype = hdf_values.dtype_of(item, rules)
            found.append(described(name, item, partial(_load, path, name, item, dtype), dimensions(item), rules))

    visit_all(path, handle, visit)
    return found


def described(
    name: str, item: Any, load: Callable[[], Any], dims: tuple[str, ...] | None, rules: int = RULES
) -> Variable:
    """An array with what its attributes say of its numbers; `load` gives them as they are stored."""
    scale, offset = hdf_values.scale_of(item, rules)
    nodata, dtype = hdf_values.first(item, hdf_values.NO_DATA, rules), hdf_values.dtype_of(item, rules)
    was = (*hdf_values.scale_of(item, 4), hdf_values.first(item, hdf_values.NO_DATA, 4))
    as_before = np.size(scale) == np.size(offset) == 1 and bool((scale, offset, nodata) == was)
    return Variable(
        name,
        tuple(item.shape),
        dtype,
        load,
        unit=hdf_values.text(item.attrs.get("units", item.attrs.get("Units"))),
        scale=scale,
        offset=offset,
        nodata=nodata,
        differs=() if as_before and dtype == item.dtype else ("attributes:read",),
        dims=dims,
    )


def in_attributes(name: str, item: Any, rules: int = RULES) -> list[Variable]:
    """Wavelengths and widths that a cube carries as attributes (Tanager does), else its group or the file."""
    found = []
    for keys in (("wavelengths", "wavelength"), ("fwhm",)):
        for holder in (item, item.parent, item.file):
            key = next((k for k in keys if k in holder.attrs), None)
            values = np.empty(0) if key is None else np.asarray(holder.attrs[key]).ravel()
            if rules > 7 and values.dtype.kind in "SUO" and values.size == 1:  # "400.0, 410.0, …"
                listed = header_text.numbers(hdf_values.text(values) or "")
                values = values if listed is None else listed
            if values.dtype.kind in "iuf" and values.size > 1 and values.size in item.shape:
                unit = hdf_values.text(next((holder.attrs[u] for u in WAVELENGTH_UNITS if u in holder.attrs), None))
                found.append(Variable(f"{name}.{key}", values.shape, values.dtype, partial(np.copy, values), unit))
                break
    return found


WAVELENGTH_UNITS = ("wavelength_units", "wavelength_unit", "wavelengths_units", "wavelength units")


def dimensions(item: Any) -> tuple[str, ...] | None:
    """Names of a dataset's axes from its dimension scales or labels; None unless every axis has one."""
    names = []
    try:
        for dimension in item.dims:
            label = dimension.label or (dimension[0].name if len(dimension) else "")
            names.append(str(label).rsplit("/", 1)[-1])
    except (RuntimeError, KeyError, OSError, ValueError):
        return None  # a reference to a scale that is not in the file
    if names and all(names):
        return tuple(names)
    listed = item.attrs.get("DIMENSION_LABELS", item.attrs.get("dims", item.attrs.get("dimensions")))
    if listed is None:
        return None
    parts = [t.decode("utf-8", "replace") if isinstance(t, bytes) else str(t) for t in np.asarray(listed).ravel()]
    parts = parts[0].replace(",", " ").split() if len(parts) == 1 else parts
    return tuple(parts) if len(parts) == len(item.shape) and all(parts) else None


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


def _load(path: Path, name: str, dataset: Any, dtype: np.dtype[Any] | None = None) -> Any:
    check_stored(path, name, dataset)
    return Checked(path, name, dataset, dtype)


def _with_metadata(path: Path, raster: Raster, handle: Any, rules: int) -> Raster:
    """NEON's map position, CF's grid mapping, the cube's unit and EMIT's list of good bands."""
    import h5py

    found: dict[str, Any] = {}

    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found.setdefault(name.rsplit("/", 1)[-1], item)

    visit_all(path, handle, keep)
    cube = handle[raster.facts["variable"].value]
    raster = replace(raster, value_unit=unit_of(hdf_values.text(cube.attrs.get("units", cube.attrs.get("Units")))))
    if "Map_Info" in found:
        info = [part.strip() for part in (hdf_values.text(whole(path, "Map_Info", found["Map_Info"])) or "").split(",")]
        transform, _ = georeference.transform_of(info)
        code = hdf_values.text(whole(path, "EPSG Code", found["EPSG Code"])) if "EPSG Code" in found else None
        epsg = int(code) if code and code.strip().isdigit() else georeference.epsg_of(info)
        side = float(np.hypot(transform[0], transform[3])) if transform and info[0].lower() == "utm" else None
        raster = replace(raster, transform=transform, crs=georeference.wkt("", epsg), gsd_m=side)
    else:
        raster = hdf_place.on_cf_grid(raster, handle, cube, rules)
    good = found.get("good_wavelengths")
    if good is not None and good.shape == (raster.bands.count,):
        usable = np.asarray(good[()]) > 0
        if usable.any():
            bands = raster.bands
            raster = replace(raster, bands=Bands(bands.count, bands.wavelength_nm, bands.fwhm_nm, usable))
    return raster


READER = HdfReader()
