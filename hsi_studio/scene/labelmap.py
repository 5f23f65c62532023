"""Layers that lie on a cube: class maps (references, training masks) and height layers (DSM, LiDAR).

Both are named by a spec, "FILE" or "FILE:variable", and must have the cube's rows and columns.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hsi_studio.edges import reading
from hsi_studio.errors import BadValues, FileProblem, SizeMismatch
from hsi_studio.files import is_there
from hsi_studio.humanize import shape_text, size_text
from hsi_studio.scene.formats.limits import check_size
from hsi_studio.scene.raster import Raster, check_memory
from hsi_studio.types import FloatArray, IntArray

MOST_CLASSES = 1000


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


def open_layer(path: Path, variable: str | None, shape: tuple[int, int] | None, what: str) -> Raster:
    """The layer as a Raster, of the right size. Raises SizeMismatch naming both sizes."""
    from hsi_studio.scene.room.access import find_reader

    raster = find_reader(path).layer(path, variable, shape)
    found = raster.cube.shape[:2]
    if shape is not None and found != tuple(shape):
        turned = " (rows and columns seem exchanged)" if found == tuple(shape)[::-1] and found[0] != found[1] else ""
        raise SizeMismatch(
            path,
            f"{what} has {shape_text(found)} pixels (rows × columns) and the scene {shape_text(shape)}{turned}",
            f"Give {what} of exactly the scene's pixels: crop or resample it to the scene's grid",
        )
    check_size(path, raster.cube.shape)
    height, width, n_layers = raster.cube.shape
    n_bytes = height * width * n_layers * 4
    if n_bytes > 64 << 20:
        check_memory(path, f"{what} ({size_text(n_bytes)})", n_bytes)
    return raster


def read_class_map(
    spec: str | Path, shape: tuple[int, int] | None, *, beside: Path | None = None
) -> tuple[IntArray, dict[int, str]]:
    """A class map as (H, W) int32 and {value: name}; 0 = no class.

    Negative, "no data" and NaN pixels become 0. Names come from the file (ENVI class names, GeoTIFF
    category names, class_names beside it); values without one are called "Class 3".
    Raises SizeMismatch, ChooseVariable, BadValues (fractions, no labelled pixel, more than 1,000 classes).
    """
    path, variable = split_spec(spec, beside)
    with reading(path):
        raster = open_layer(path, variable, shape, "the class map")
        n_layers = raster.cube.shape[2]
        if n_layers != 1:
            raise BadValues(
                path, f"a class map has one layer, this has {n_layers}", "Name a single-layer file or FILE:variable"
            )
        return class_map_of(path, raster)


def class_map_of(path: Path, raster: Raster) -> tuple[IntArray, dict[int, str]]:
    """As `read_class_map`, from an opened single-layer raster."""
    height, width, _ = raster.cube.shape
    values = raster.cube.read(slice(0, height), slice(0, width))[:, :, 0]
    if not np.isfinite(values).any():
        raise BadValues(path, "the class map has no data at all", "Check the file and its “no data” value")
    values = np.where(np.isfinite(values) & (values > 0), values, 0)
    rounded = np.round(values)
    if not np.array_equal(values, rounded):
        odd = float(values[values != rounded][0])
        raise BadValues(
            path, f"a class map holds whole numbers, this holds {odd:g}", "Name the class map, not the data"
        )
    if float(rounded.max()) > 2**24:
        raise BadValues(path, f"it holds values up to {rounded.max():.0f}", "Renumber the classes from 1 upwards")
    labels = rounded.astype(np.int32)
    present = np.unique(labels)
    present = present[present > 0]
    if present.size == 0:
        raise BadValues(path, "the class map has no labelled pixel (all are 0)", "Check that it is the right file")
    if present.size > MOST_CLASSES:
        raise BadValues(path, f"it holds {present.size} different values", "Name a class map; this looks like data")
    return labels, complete_names(raster.class_names, present.tolist())


def complete_names(names: dict[int, str], present: list[int]) -> dict[int, str]:
    """{value: name} in value order for the values that occur and those the file names."""
    values = sorted({int(v) for v in present} | {v for v in names if v > 0 and names[v].strip()})
    return {v: names.get(v, "").strip() or f"Class {v}" for v in values}


def read_dsm(spec: str | Path, shape: tuple[int, int] | None, *, beside: Path | None = None) -> FloatArray:
    """Height layers (H, W, L) float32, NaN where there is no data. Raises SizeMismatch, BadValues."""
    path, variable = split_spec(spec, beside)
    with reading(path):
        raster = open_layer(path, variable, shape, "the height layer")
        height, width, _ = raster.cube.shape
        layers = raster.cube.read(slice(0, height), slice(0, width))
    if not np.isfinite(layers).any():
        raise BadValues(path, "the height layer has no data at all", "Check the file and its “no data” value")
    return layers
