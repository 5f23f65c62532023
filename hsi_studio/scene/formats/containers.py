"""Files that hold several arrays (.npz, MATLAB, HDF5): which one is the cube, and what lies beside it.

A container reader lists its arrays as `Variable`s; this file picks. Names count (cube, hsi, data; dsm,
lidar; gt, reference, labels; wavelength …), sizes decide, and when several arrays fit the user is asked
(`ChooseVariable`). Every assumption becomes a note.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import FileProblem, SizeMismatch
from hsi_studio.humanize import shape_text
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.scene.formats.axes import find_axes
from hsi_studio.scene.formats.limits import MOST_NAMES
from hsi_studio.scene.raster import Candidate, Raster, choose, dtype_problem
from hsi_studio.scene.wavelengths import to_nm
from hsi_studio.types import Bands, FloatArray, IntArray

CUBE_KEYS = ("cube", "hsi", "data", "reflectance", "reflectance_data", "radiance", "radiance_data")
DSM_KEYS = ("dsm", "lidar", "chm", "ndsm", "dem", "height", "elevation")
CLASS_KEYS = ("gt", "reference", "labels", "label", "groundtruth", "ground_truth", "scenelabels", "classes")
WAVELENGTH_KEYS = ("wl", "lambda", "band_centers", "band_centres")  # and every name with "wav" in it
FWHM_KEYS = ("fwhm", "fwhm_nm", "fwhm_um")
NAME_KEYS = ("class_names", "classnames", "label_names", "names", "labels_names")


@dataclass(frozen=True)
class Variable:
    """One array of a container. `load` gives something that indexes like an array with `shape`."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    load: Callable[[], Any]
    unit: str | None = None
    scale: float = 1.0  # value = stored · scale + offset; stored == nodata is missing
    offset: float = 0.0
    nodata: float | None = None

    @property
    def key(self) -> str:
        """Last part of the name, lower case, without separators at the ends: "hsi.Lidar" → "lidar"."""
        return self.name.replace("/", ".").rsplit(".", 1)[-1].lower()

    @property
    def candidate(self) -> Candidate:
        return self.name, self.shape, str(self.dtype)

    @property
    def numeric(self) -> bool:
        return dtype_problem(self.dtype) is None and 0 not in self.shape


def _suffix(variable: Variable, keys: Sequence[str]) -> bool:
    """Is the name one of `keys`, or does it end in "_" + one of them (indian_pines_gt)?"""
    if keys is WAVELENGTH_KEYS and "wav" in variable.key:
        return not any(word in variable.key for word in ("good", "bad", "fwhm", "unit"))
    return variable.key in keys or any(variable.key.endswith("_" + key) for key in keys)


def pick(path: Path, variables: Sequence[Variable], name: str) -> Variable:
    """The variable called `name` (or whose last part is). Raises ChooseVariable listing what there is."""
    exact = [v for v in variables if v.name == name] or [v for v in variables if v.name.strip("/") == name.strip("/")]
    found = exact or [v for v in variables if v.name.replace("/", ".").rsplit(".", 1)[-1] == name]
    if len(found) != 1:
        problem = f"there is no variable “{name}” in it" if not found else f"several variables end in “{name}”"
        raise choose(path, problem, [v.candidate for v in variables if v.numeric])
    problem_text = dtype_problem(found[0].dtype)
    if problem_text:
        raise choose(path, f"variable “{name}” {problem_text}", [v.candidate for v in variables if v.numeric])
    return found[0]


def pick_cube(path: Path, variables: Sequence[Variable], name: str | None) -> tuple[Variable, tuple[str, ...]]:
    """The three-dimensional array to open as the cube."""
    cubes = [v for v in variables if v.numeric and len(v.shape) == 3 and min(v.shape) >= 1]
    listed = [v.candidate for v in cubes]
    if name is not None:
        chosen = pick(path, variables, name)
        if len(chosen.shape) != 3:
            raise choose(
                path,
                f"variable “{name}” is {shape_text(chosen.shape)}; a cube has three axes (rows, columns, bands)",
                listed,
            )
        return chosen, ()
    if not cubes:
        objects = [v for v in variables if v.dtype.hasobject]
        if objects and len(objects) == len(variables):
            raise FileProblem(
                path,
                f"“{objects[0].name}” holds Python objects, not numbers",
                "Save it again with numpy.save(name, array.astype('float32'))",
            )
        have = ", ".join(f"{v.name} ({shape_text(v.shape)})" for v in variables[:12]) or "nothing"
        raise choose(path, f"no array with three axes (rows, columns, bands) in it; it holds {have}", listed)
    rest = [v for v in cubes if not _suffix(v, DSM_KEYS)] or cubes
    if len(rest) > 1:
        named = [v for v in rest if v.key in CUBE_KEYS]
        rest = named if len(named) == 1 else rest
    if len(rest) > 1:
        raise choose(path, f"{len(rest)} arrays in it could be the cube", [v.candidate for v in rest])
    note = (f"The cube is the variable “{rest[0].name}”.",) if len(variables) > 1 else ()
    return rest[0], note


def pick_layer(path: Path, variables: Sequence[Variable], name: str | None, shape: tuple[int, int] | None) -> Variable:
    """The array to open as a DSM or class map: by name, else the only one whose size fits."""
    if name is not None:
        chosen = pick(path, variables, name)
        if len(chosen.shape) not in (2, 3):
            raise choose(
                path,
                f"variable “{name}” has {len(chosen.shape)} axes; a map has two",
                [v.candidate for v in variables if v.numeric and len(v.shape) in (2, 3)],
                option="FILE:NAME",
            )
        return chosen
    maps = [v for v in variables if v.numeric and len(v.shape) in (2, 3) and max(v.shape) > 1]
    flat = [v for v in maps if min(v.shape) > 1] or maps
    fitting = [v for v in flat if shape is None or v.shape[:2] == shape]
    if len(fitting) > 1:
        fitting = [v for v in fitting if len(v.shape) == 2] or fitting
    if len(fitting) == 1:
        return fitting[0]
    if not fitting and len(flat) == 1:
        return flat[0]  # of another size: the caller says so with both sizes
    if flat and not fitting and shape is not None:
        listed = ", ".join(f"{v.name} ({shape_text(v.shape)})" for v in flat[:12])
        raise SizeMismatch(
            path,
            f"the scene has {shape_text(shape)} pixels (rows × columns) and no map in the file does: {listed}",
            "Crop or resample the map to the scene's grid",
        )
    problem = f"{len(fitting)} arrays in it could be the map" if fitting else "no array in it could be a map"
    raise choose(path, problem, [v.candidate for v in fitting], option="FILE:NAME")


def assemble(path: Path, variables: Sequence[Variable], name: str | None) -> Raster:
    """The cube with what lies beside it: wavelengths, widths, a DSM, a class map and class names."""
    chosen, notes = pick_cube(path, variables, name)
    others = [v for v in variables if v is not chosen]
    waves = _vector(others, WAVELENGTH_KEYS, chosen.shape)
    planes = [v.shape[:2] for v in others if v.numeric and len(v.shape) in (2, 3) and _suffix(v, DSM_KEYS + CLASS_KEYS)]
    array = chosen.load()
    axes, axis_note = find_axes(array, None if waves is None else waves[0].size, planes)
    cube = ArrayCube(array, axes, chosen.scale, chosen.offset, chosen.nodata)
    height, width, n_bands = cube.shape
    bands, band_notes = _bands(others, chosen.shape, n_bands, waves)
    dsm, dsm_note = _dsm(others, (height, width))
    reference, reference_note = _reference(others, (height, width))
    return Raster(
        cube,
        bands,
        files=(path,),
        dsm=dsm,
        reference=reference,
        class_names=_class_names(others) if reference is not None else {},
        notes=notes + axis_note + band_notes + dsm_note + reference_note,
    )


def as_layer(path: Path, variable: Variable, variables: Sequence[Variable]) -> Raster:
    """A map (H, W) or (H, W, L) as a Raster."""
    array = np.asarray(variable.load())
    if array.ndim == 2:
        array = array[:, :, None]
    cube = ArrayCube(array, (0, 1, 2), variable.scale, variable.offset, variable.nodata)
    return Raster(cube, Bands(array.shape[2]), files=(path,), class_names=_class_names(variables))


def _vector(
    variables: Sequence[Variable], keys: Sequence[str], shape: tuple[int, ...]
) -> tuple[npt.NDArray[np.float64], Variable] | None:
    """The one vector with such a name whose length is one of the cube's sides."""
    fitting = [
        v
        for v in variables
        if v.numeric and _suffix(v, keys) and max(v.shape, default=0) in shape and np.prod(v.shape) == max(v.shape)
    ]
    if len(fitting) != 1:
        return None
    return np.asarray(fitting[0].load(), dtype=np.float64).ravel(), fitting[0]


def _bands(
    variables: Sequence[Variable],
    shape: tuple[int, ...],
    n_bands: int,
    waves: tuple[npt.NDArray[np.float64], Variable] | None,
) -> tuple[Bands, tuple[str, ...]]:
    if waves is None or waves[0].size != n_bands:
        return Bands(n_bands), ()
    width = _vector(variables, FWHM_KEYS, shape)
    unit = waves[1].unit or {"nm": "nm", "um": "um"}.get(waves[1].key.rsplit("_", 1)[-1])
    same_unit = None if width is None or width[0].size != n_bands else width[0]
    nm, fwhm, notes = to_nm(waves[0], unit, same_unit)
    return Bands(n_bands, nm, fwhm), notes


def _dsm(variables: Sequence[Variable], shape: tuple[int, int]) -> tuple[FloatArray | None, tuple[str, ...]]:
    fitting = [v for v in variables if v.numeric and _suffix(v, DSM_KEYS) and v.shape[:2] == shape]
    fitting = [v for v in fitting if len(v.shape) in (2, 3)]
    if len(fitting) != 1:
        return None, ()
    dsm = np.array(fitting[0].load(), dtype=np.float32)
    missing = ~np.isfinite(dsm) if fitting[0].nodata is None else ~np.isfinite(dsm) | (dsm == fitting[0].nodata)
    dsm = dsm * np.float32(fitting[0].scale) + np.float32(fitting[0].offset)
    dsm[missing] = np.nan
    note = f"The height layer is the variable “{fitting[0].name}” of the same file."
    return dsm.reshape(*shape, -1), (note,)


def _reference(variables: Sequence[Variable], shape: tuple[int, int]) -> tuple[IntArray | None, tuple[str, ...]]:
    fitting = [v for v in variables if v.numeric and _suffix(v, CLASS_KEYS) and v.shape in (shape, (*shape, 1))]
    if len(fitting) != 1:
        return None, ()
    values = np.asarray(fitting[0].load()).reshape(shape)
    if not np.all(np.isfinite(values)) or not np.array_equal(values, np.round(values)):
        return None, ()
    note = f"The reference is the variable “{fitting[0].name}” of the same file."
    return np.where(values > 0, values, 0).astype(np.int32), (note,)


def _class_names(variables: Sequence[Variable]) -> dict[int, str]:
    """1-based names from an array of strings; a leading "unlabelled"-like entry for 0 is dropped."""
    for variable in variables:
        count = int(np.prod(variable.shape, dtype=np.float64))
        if variable.key in NAME_KEYS and variable.dtype.kind in "US" and count <= MOST_NAMES:
            texts = np.asarray(variable.load()).ravel()
            names = [t.decode("utf-8", "replace") if isinstance(t, bytes) else str(t) for t in texts]
            names = [n.strip() for n in names]
            if names and names[0].lower() in {"", "unlabelled", "unlabeled", "unclassified", "background", "none"}:
                names = names[1:]
            return {k + 1: name for k, name in enumerate(names)}
    return {}
