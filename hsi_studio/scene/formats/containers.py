"""Files that hold several arrays (.npz, MATLAB, HDF5): which one is the cube, and what lies beside it.

A container reader lists its arrays as `Variable`s; this file picks. Names count (cube, hsi, data; dsm,
lidar; gt, reference, labels; wavelength …), sizes decide, and when several arrays fit the user is asked
(`ChooseVariable`). Every assumption becomes a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import BadValues, FileProblem, SizeMismatch
from hsi_studio.humanize import shape_text
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.scene.formats.band_vectors import bands_of, vector
from hsi_studio.scene.formats.limits import MOST_NAMES
from hsi_studio.scene.formats.squeezed import Squeezed
from hsi_studio.scene.formats.variables import (
    CLASS_KEYS,
    CUBE_KEYS,
    DSM_KEYS,
    NAME_KEYS,
    WAVELENGTH_KEYS,
    Variable,
    named_like,
)
from hsi_studio.scene.plan import OWN_REFERENCE, RULES, Fact, Reading, Sure, axes_text
from hsi_studio.scene.raster import Raster, choose, dtype_problem
from hsi_studio.scene.rules import classes, height_unit, masks, nodata
from hsi_studio.scene.rules.axes import COLS, ROWS, Axes, by_variance, find_axes
from hsi_studio.types import Bands, FloatArray, IntArray


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
        problems = [(v, dtype_problem(v.dtype)) for v in variables if len(v.shape) == 3 and not v.numeric]
        if problems and problems[0][1]:
            raise FileProblem(
                path,
                f"“{problems[0][0].name}” {problems[0][1]}",
                "Save real numbers, for example the magnitude as single precision",
            )
        have = ", ".join(f"{v.name} ({shape_text(v.shape)})" for v in variables[:12]) or "nothing"
        raise choose(path, f"no array with three axes (rows, columns, bands) in it; it holds {have}", listed)
    rest = [v for v in cubes if not named_like(v, DSM_KEYS)] or cubes
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
    fitting = fitting or [v for v in flat if len(v.shape) == 3 and v.shape[1:] == shape]  # layers first
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


def assemble(
    path: Path, variables: Sequence[Variable], name: str | None, said: str | None = None, rules: int = RULES
) -> Raster:
    """The cube with what lies beside it: wavelengths, widths, a DSM, a class map and class names.

    `said`: the axes as the user names them, or "by variance", or None. `rules`: of an older project.
    """
    variables = [squeezed(v) for v in variables]
    chosen, notes = pick_cube(path, variables, name)
    others = [v for v in variables if v is not chosen]
    by_rows = [_by_rows(v) for v in others] if rules > 7 else others
    laid = [v for v, was in zip(by_rows, others, strict=True) if v is not was and named_like(v, DSM_KEYS + CLASS_KEYS)]
    others = by_rows
    waves = vector(others, WAVELENGTH_KEYS, chosen.shape, None if rules < 8 else chosen.dims or ())
    planes = [
        v.shape[:2] for v in others if v.numeric and len(v.shape) in (2, 3) and named_like(v, DSM_KEYS + CLASS_KEYS)
    ]
    array = chosen.load()
    axes, fact, differs = _axes(array, None if waves is None else waves[0].size, planes, chosen.dims, said)
    plain = axes == (0, 1, 2) or (fact.sure == "certain" and chosen.dims is not None)
    axis_note = () if plain or fact.sure == "guess" else (fact.reason,)
    height, width, n_bands = (int(chosen.shape[axis]) for axis in axes)
    scale, scale_note = _one_a_band(chosen.scale, n_bands, "scale", 1.0)
    offset, offset_note = _one_a_band(chosen.offset, n_bands, "offset", 0.0)
    scale_note += offset_note
    cube = ArrayCube(array, axes, scale, offset, chosen.nodata)
    bands, band_notes, wave_fact = bands_of(others, chosen.shape, n_bands, waves)
    dsm, dsm_note = _dsm(others, (height, width), rules)
    reference, names, reference_note = _reference(path, others, (height, width))
    maps = _other_maps(path, chosen, others, (height, width), reference is not None)
    unused = _unused(path, maps)
    only, why = len(variables) == 1, f"By its name and shape, of {len(variables)} arrays in the file."
    sure: Sure = "certain" if name or only else "likely"
    told = "You say so." if name else "" if only else why
    facts = {"variable": Fact(chosen.name, sure, told)} | {"axes": fact}
    facts |= {"wavelengths": wave_fact} if wave_fact else {}
    flat = [(v.name, v.load) for v in others if v.numeric and v.shape in ((height, width), (height, width, 1))]
    facts |= masks.beside(path, flat, {v.name for v in others if named_like(v, DSM_KEYS + CLASS_KEYS)})
    facts |= {"reference": Fact(None, "likely", unused[0], maps)} if maps else {}
    if chosen.nodata is not None:
        facts["nodata"] = Fact(chosen.nodata, "certain", f"“{chosen.name}” says so.")
    return Raster(
        cube,
        bands,
        files=(path,),
        dsm=dsm,
        reference=reference,
        class_names=names,
        notes=notes + axis_note + scale_note + band_notes + dsm_note + reference_note + unused,
        facts=facts,
        scale=scale,
        offset=offset,
        stored_wavelengths=None if waves is None or waves[0].size != n_bands else waves[0].astype(np.float32),
        differs=(*differs, *chosen.differs, *(["maps:by rows"] if laid else [])),
    )


def _by_rows(variable: Variable) -> Variable:
    """A map whose axes the file calls columns and rows (x, y), as rows and columns."""
    named = [name.rsplit("/", 1)[-1].strip().lower() for name in variable.dims or ()]
    if len(variable.shape) != 2 or len(named) != 2 or named[0] not in COLS or named[1] not in ROWS:
        return variable
    return replace(
        variable,
        shape=variable.shape[::-1],
        dims=None if variable.dims is None else variable.dims[::-1],
        load=lambda: np.asarray(variable.load()).T,
    )


def _one_a_band(
    values: float | FloatArray, n_bands: int, what: str, none: float
) -> tuple[float | FloatArray, tuple[str, ...]]:
    """(the scale or offset, a note) of a number or a list; `none` where the list is of another length."""
    if np.size(values) == 1:
        return values, ()
    shown = f"{np.min(values):.4g}–{np.max(values):.4g}"
    if np.size(values) == n_bands:
        return values, (f"Every band has its own {what}, {shown}.",)
    return none, (f"The file lists {np.size(values)} {what}s ({shown}) for {n_bands} bands: say it with --scale.",)


def _axes(
    array: Any, n_waves: int | None, planes: Sequence[tuple[int, ...]], dims: tuple[str, ...] | None, said: str | None
) -> tuple[Axes, Fact, tuple[str, ...]]:
    """(axes, why, how they differ from those of rules 1)."""
    former = by_variance(array, n_waves, planes)
    if said == "by variance":
        why = "Read as when the project began, by where the variance lies."
        return former, Fact(axes_text(former), "certain", why), ()
    if said is not None:
        axes = Reading(axes=said).stored_axes or (0, 1, 2)
        fact = Fact(said, "certain", f"You say so: the axes are {said}.")
    else:
        axes, fact = find_axes(array, n_waves, planes, dims)
    return axes, fact, () if axes == former else (f"axes:{axes_text(axes)}",)


def as_layer(
    path: Path, variable: Variable, variables: Sequence[Variable], shape: tuple[int, int] | None = None
) -> Raster:
    """A map (H, W), (H, W, L), or (L, H, W) where only that is the scene's `shape`, as a Raster."""
    array = np.asarray(variable.load())
    if array.ndim == 3 and array.shape[:2] != shape and (array.shape[0] == 1 or array.shape[1:] == shape):
        array = np.moveaxis(array, 0, 2)
    if array.ndim == 2:
        array = array[:, :, None]
        named = [name.lower() for name in variable.dims or ()]
        if len(named) == 2 and named[0] in COLS and named[1] in ROWS and shape is not None:
            array = array.swapaxes(0, 1)
    cube = ArrayCube(array, (0, 1, 2), variable.scale, variable.offset, variable.nodata)
    return Raster(
        cube,
        Bands(array.shape[2]),
        files=(path,),
        class_names=_class_names(variables),
        value_unit=variable.unit or "",
    )


def _dsm(
    variables: Sequence[Variable], shape: tuple[int, int], rules: int
) -> tuple[FloatArray | None, tuple[str, ...]]:
    fitting = [v for v in variables if v.numeric and named_like(v, DSM_KEYS) and v.shape[:2] == shape]
    fitting = [v for v in fitting if len(v.shape) in (2, 3)]
    if len(fitting) != 1:
        return None, ()
    dsm = np.array(fitting[0].load(), dtype=np.float32)
    missing = ~np.isfinite(dsm) if fitting[0].nodata is None else ~np.isfinite(dsm) | (dsm == fitting[0].nodata)
    dsm = dsm * np.float32(np.ravel(fitting[0].scale)[0]) + np.float32(np.ravel(fitting[0].offset)[0])
    dsm[missing] = np.nan
    filled, more = nodata.heights(dsm.reshape(*shape, -1))
    note = f"The height layer is the variable “{fitting[0].name}” of the same file."
    factor, unit = height_unit.metres_each(fitting[0].unit or "", None)
    if unit and rules > 6:
        return filled * np.float32(factor), (note, *more, height_unit.note(f"“{fitting[0].name}”", factor, unit))
    return filled, (note, *more)


def _reference(
    path: Path, variables: Sequence[Variable], shape: tuple[int, int]
) -> tuple[IntArray | None, dict[int, str], tuple[str, ...]]:
    fitting = [v for v in variables if v.numeric and named_like(v, CLASS_KEYS) and v.shape in (shape, (*shape, 1))]
    if len(fitting) > 1:
        listed = ", ".join(f"“{v.name}”" for v in fitting[:4])
        return None, {}, (f"{listed} could all be the reference; none is used (--reference {path.name}:NAME).",)
    if not fitting:
        return None, {}, _other_sizes(variables, shape)
    name = fitting[0].name
    values = np.asarray(fitting[0].load(), dtype=np.float64).reshape(shape)
    if fitting[0].nodata is not None:
        values = np.where(values == fitting[0].nodata, np.nan, values)
    try:
        found = classes.of_values(path, values, _class_names(variables), fitting[0].nodata is not None)
    except BadValues as error:
        return None, {}, (f"“{name}” is not used as the reference: {error.problem}.",)
    largest = int(found.labels.max())
    if max(_class_names(variables), default=0) == largest + 1 and not found.notes:
        first = found.names[1]
        return found.labels, found.names, (
            f"{OWN_REFERENCE} “{name}” of the same file.",
            f"There are {largest + 1} class names for classes 1 to {largest}; class 1 is taken to be “{first}”.",
        )  # fmt: skip
    return found.labels, found.names, (f"{OWN_REFERENCE} “{name}” of the same file.", *found.notes)


def _other_sizes(variables: Sequence[Variable], shape: tuple[int, int]) -> tuple[str, ...]:
    """A note on what is called like a reference and does not fit the scene."""
    wanted, notes = shape_text(shape), []
    for v in variables:
        size = int(np.prod(v.shape, dtype=np.float64))
        if not v.numeric or not named_like(v, CLASS_KEYS) or len(v.shape) > 2 or size < 2:
            continue
        if size == shape[0] * shape[1] and max(v.shape) == size:
            notes.append(
                f"“{v.name}” is one row of {size:,} numbers, which may fill {wanted} pixels along rows or columns: it "
                "is not used; save it as a map."
            )
        elif len(v.shape) == 2 and min(v.shape) > 1:
            notes.append(f"“{v.name}” has {shape_text(v.shape)} numbers and the scene {wanted} pixels: it is not used.")
    return tuple(notes)


def _other_maps(
    path: Path, cube: Variable, others: Sequence[Variable], shape: tuple[int, int], referenced: bool
) -> tuple[str, ...]:
    """Names of class maps of the scene's size that lie beside the cube and count for nothing; masks are no such."""
    if path.suffix.lower() not in (".mat", ".npz"):
        return ()  # products bring dozens of layers
    group = cube.name.replace("/", ".").rpartition(".")[0]

    def candidate(v: Variable) -> bool:
        reference = named_like(v, CLASS_KEYS)
        told = reference and (referenced or len(v.shape) == 2)
        fits = shape in (v.shape[:2], v.shape[1:]) and (reference or v.dtype.kind in "ui" or _numbered(v, shape))
        beside = v.name.replace("/", ".").rpartition(".")[0] == group
        return v.numeric and fits and beside and not (told or masks.NO_CLASSES.search(v.key) or named_like(v, DSM_KEYS))

    return tuple(v.name for v in others if candidate(v))


def _unused(path: Path, maps: Sequence[str]) -> tuple[str, ...]:
    """A note on `_other_maps`."""
    if not maps:
        return ()
    listed = ", ".join(f"“{name}”" for name in maps[:4]) + (f" and {len(maps) - 4} more" if len(maps) > 4 else "")
    return (f"Not used: {listed} of the same size in the file (in a shell: --reference {path.name}:{maps[0]}).",)


def _numbered(variable: Variable, shape: tuple[int, int]) -> bool:
    """Whether a map of fractions holds a few whole numbers alone: MATLAB keeps classes as doubles."""
    if variable.shape != shape or variable.dtype.kind != "f":
        return False
    values = np.asarray(variable.load())
    values = values[np.isfinite(values)]
    return bool(
        values.size and (values == np.rint(values)).all() and 2 <= np.unique(values).size <= classes.MOST_CLASSES
    )


def _class_names(variables: Sequence[Variable]) -> dict[int, str]:
    """1-based names from an array of strings; a leading "unlabelled"-like entry for 0 is dropped."""
    for variable in variables:
        count = int(np.prod(variable.shape, dtype=np.float64))
        known = variable.key in NAME_KEYS and (count > 1 or variable.key.endswith("names"))  # "label" may be one word
        if known and variable.dtype.kind in "US" and count <= MOST_NAMES:
            texts = np.asarray(variable.load()).ravel()
            names = [t.decode("utf-8", "replace") if isinstance(t, bytes) else str(t) for t in texts]
            names = [n.strip() for n in names]
            if names and classes.is_unlabelled(names[0]):
                names = names[1:]
            return {k + 1: name for k, name in enumerate(names)}
    return {}


def squeezed(variable: Variable) -> Variable:
    """The variable with three axes where it has three longer than 1 and others of length 1; itself otherwise."""
    kept = tuple(axis for axis, n in enumerate(variable.shape) if n != 1)
    if len(variable.shape) <= 3 or len(kept) != 3:
        return variable
    dims = None if variable.dims is None else tuple(variable.dims[axis] for axis in kept)
    return replace(
        variable,
        shape=tuple(variable.shape[axis] for axis in kept),
        dims=dims,
        load=lambda: Squeezed(variable.load(), kept),
    )
