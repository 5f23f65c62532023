"""Layers that lie on a cube: class maps (references, training masks), height layers (DSM, LiDAR) and masks.

Each is named by a spec, "FILE" or "FILE:variable", and is laid on the scene's pixels by `rules/alignment.py`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from hsi_studio.edges import reading
from hsi_studio.errors import BadValues, FileProblem
from hsi_studio.files import is_there
from hsi_studio.humanize import size_text
from hsi_studio.scene.formats.limits import check_size
from hsi_studio.scene.plan import RULES, Remark
from hsi_studio.scene.raster import Raster, check_memory
from hsi_studio.scene.rules import classes, height_unit, nodata
from hsi_studio.scene.rules.alignment import Grid, lay
from hsi_studio.scene.rules.classes import ClassMap
from hsi_studio.scene.rules.header_text import CODE_PAGE
from hsi_studio.scene.rules.masks import OTHER_WAY, turned
from hsi_studio.types import BoolArray, FloatArray, IntArray

Size = tuple[int, int] | Grid | None  # of the scene; None: whatever the file has


def split_spec(spec: str | Path, beside: Path | None = None) -> tuple[Path, str | None]:
    """("FILE", variable or None). A colon is a separator only when the part before it is a file.

    `beside` is a file whose folder is searched too (the scene's). A Windows drive letter is no file name,
    so "C:\\x.mat" and "C:\\x.mat:gt" both come out right.
    """
    text = str(spec)
    head, colon, tail = text.rpartition(":")
    options = [(text, None)] + ([(head, tail)] if colon and len(head) > 1 and tail else [])
    folders = [Path()] + ([beside.parent] if beside is not None else [])
    for folder in folders:
        for name, variable in options:
            if is_there(folder / name):
                return folder / Path(name).expanduser(), variable
    shown = Path(options[-1][0]) if len(options) > 1 and "." in tail + head[-6:] and "/" not in tail else Path(text)
    raise FileProblem(shown, f"there is no such file ({text})", "Check the spelling and the folder")


def open_layer(path: Path, variable: str | None, size: Size, what: str) -> tuple[Raster, FloatArray]:
    """(the layer as a Raster, its values (H, W, L) on its own grid). Raises FileProblem and its kinds."""
    from hsi_studio.scene.room.access import find_reader

    grid = Grid(size) if isinstance(size, tuple) else size
    with reading(path):
        reader = find_reader(path)
        old = grid is not None and grid.rules < RULES and getattr(reader, "layer_takes_rules", False)
        former = {"rules": grid.rules} if grid is not None and old else {}
        return _opened(path, reader.layer(path, variable, None if grid is None else grid.shape, **former), what)


def _opened(path: Path, raster: Raster, what: str) -> tuple[Raster, FloatArray]:
    check_size(path, raster.cube.shape)
    height, width, n_layers = raster.cube.shape
    n_bytes = height * width * n_layers * 4
    if n_bytes > 64 << 20:
        check_memory(path, f"{what} ({size_text(n_bytes)})", n_bytes)
    values = raster.cube.read(slice(0, height), slice(0, width))
    return raster, values


def read_classes(spec: str | Path, size: Size, *, beside: Path | None = None) -> ClassMap:
    """A class map on the scene's grid, with its names, colours and notes, by the rule of `rules/classes.py`.

    Names come from the file (ENVI class names, GeoTIFF category names, class_names beside it); values without one are
    called "Class 3". Raises SizeMismatch, ChooseVariable, BadValues (fractions, no labelled pixel, too many classes).
    """
    path, variable = split_spec(spec, beside)
    raster, whole = own_classes(path, variable, size)
    labels, more = _laid(path, whole.labels[:, :, None].astype(np.float32), raster, size, "the class map", True)
    on_scene = np.where(np.isfinite(labels[:, :, 0]), labels[:, :, 0], 0).astype(np.int32)
    if not (on_scene > 0).any():
        raise BadValues(path, "it has no labelled pixel within the scene", "Check that it is the right file")
    here = set(np.unique(on_scene).tolist())
    shown = {value: name for value, name in whole.names.items() if value in here or value in raster.class_names}
    return ClassMap(on_scene, shown, whole.notes + more, whole.colors)


def own_classes(path: Path, variable: str | None, size: Size) -> tuple[Raster, ClassMap]:
    """(the raster, its classes on its own grid). Raises BadValues, ChooseVariable."""
    raster, values = open_layer(path, variable, size, "the class map")
    names, colors = dict(raster.class_names), dict(raster.class_colors)
    notes: tuple[str, ...] = tuple(
        Remark(f"{path.name}: {note}") for note in raster.notes if CODE_PAGE in note or classes.TORN in note
    )
    if values.shape[2] != 1:
        painted = classes.of_layers(path, values)
        if painted is None:
            raise BadValues(
                path,
                f"a class map has one layer, this has {values.shape[2]}",
                "Name a single-layer file or FILE:variable",
            )
        flat, own_names, own_colors, note = painted
        values, names, colors, notes = flat[:, :, None], names or own_names, colors or own_colors, (*notes, note)
    declared = raster.facts["nodata"].value is not None if "nodata" in raster.facts else False
    rules = size.rules if isinstance(size, Grid) else RULES
    whole = classes.of_values(path, values[:, :, 0], names, declared, rules)
    return raster, replace(whole, notes=notes + whole.notes, colors=whole.colors_of(colors))


def read_class_map(spec: str | Path, size: Size, *, beside: Path | None = None) -> tuple[IntArray, dict[int, str]]:
    """`read_classes` as (H, W) int32 (0 = no class) and {value: name}."""
    found = read_classes(spec, size, beside=beside)
    return found.labels, found.names


def read_heights(spec: str | Path, size: Size, *, beside: Path | None = None) -> tuple[FloatArray, tuple[str, ...]]:
    """(height layers (H, W, L) float32 with NaN where there is no data, notes). Raises SizeMismatch, BadValues."""
    path, variable = split_spec(spec, beside)
    raster, layers = open_layer(path, variable, size, "the height layer")
    if not np.isfinite(layers).any():
        raise BadValues(path, "the height layer has no data at all", "Check the file and its “no data” value")
    layers, notes = nodata.heights(layers)
    factor, unit = height_unit.metres_each(raster.value_unit, raster.crs)
    if unit and (not isinstance(size, Grid) or size.rules > 6):
        layers, notes = layers * np.float32(factor), (*notes, height_unit.note(path.name, factor, unit))
    odd = height_unit.remark(path.name, raster.value_unit, factor, float(np.nanmax(layers)), nodata.HIGHEST_PLACE_M)
    notes = (*notes, Remark(odd)) if odd else notes
    laid, more = _laid(path, layers, raster, size, "the height layer", False)
    if not np.isfinite(laid).any():
        raise BadValues(path, "the height layer has no data within the scene", "Check that it is the right file")
    return laid, notes + more


def read_dsm(spec: str | Path, size: Size, *, beside: Path | None = None) -> FloatArray:
    """`read_heights` without its notes."""
    return read_heights(spec, size, beside=beside)[0]


def read_mask(spec: str | Path, size: Size, *, beside: Path | None = None) -> tuple[BoolArray, tuple[str, ...]]:
    """((H, W) True = the pixel counts, notes) of a raster whose zeros and gaps are left out; of "not FILE[:variable]"
    what it marks is. Raises SizeMismatch, BadValues (everything is left out)."""
    named, other_way = turned(str(spec))
    path, variable = split_spec(named, beside)
    raster, values = open_layer(path, variable, size, "the mask")
    if values.shape[2] != 1 and (not isinstance(size, Grid) or size.rules > 6):
        raise BadValues(path, f"a mask has one layer, this has {values.shape[2]}", "Name a file of one layer")
    laid, notes = _laid(path, values[:, :, :1], raster, size, "the mask", True)
    marked = np.isfinite(laid[:, :, 0]) & (laid[:, :, 0] != 0)
    usable = ~marked if other_way else marked
    if not usable.any():
        means, turn = ("Anything but 0 means", named) if other_way else ("0 means", f"“{OTHER_WAY}{named}”")
        raise BadValues(
            path, "the mask leaves out every pixel", f"{means} “leave out” now: turn it round, --mask {turn}"
        )
    return usable, notes


def _laid(
    path: Path, values: FloatArray, raster: Raster, size: Size, what: str, is_classes: bool
) -> tuple[FloatArray, tuple[str, ...]]:
    if size is None:
        return values, ()
    onto = Grid(size) if isinstance(size, tuple) else size
    return lay(path, values, Grid(values.shape[:2], raster.transform, raster.crs), onto, what, is_classes)
