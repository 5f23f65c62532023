"""Rasters of classes as labels: laid on the scene by their place, by size only where one of the two has none.

Each pixel of the scene takes the value of the raster's pixel that its centre lies in (nearest neighbour), whatever the
raster's size, direction, resolution and system. `on_scene` is that rule, alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hsi_studio.errors import ChooseLabels, SizeMismatch
from hsi_studio.humanize import counted, shape_text
from hsi_studio.io.label_files.burn import evenly
from hsi_studio.io.label_files.frames import Frame, crs_of, to_pixels
from hsi_studio.io.label_files.placing import Placed
from hsi_studio.io.label_files.records import MOST_LABELS, FileReport, LabelOptions
from hsi_studio.scene.labelmap import own_classes
from hsi_studio.scene.raster import Raster
from hsi_studio.types import IntArray, Scene

Grid = IntArray
ROWS_AT_ONCE = 1 << 21  # pixels


def place_raster(path: Path, main: Path, scene: Scene, options: LabelOptions) -> Placed:
    """Raises FileProblem and its kinds: no raster of whole numbers, another size without a place."""
    raster, whole = own_classes(main, options.layer, None)
    values, names = whole.labels, whole.names
    report = FileReport(path.name, "raster of classes", attribute="value")
    grid, report.place = on_scene(path, raster, values, scene)
    placed = Placed(report)
    present = [int(v) for v in np.unique(grid) if v > 0]
    report.features = len(present)
    found = [(v, np.argwhere(grid == v).astype(np.int64)) for v in present]
    few = [evenly(pixels, options.per_area or 0) for _, pixels in found]
    total = sum(map(len, few))
    if total > MOST_LABELS:
        most = max(1, MOST_LABELS // max(1, len(present)) // 2)
        raise ChooseLabels(
            path, f"it has classes in {total} pixels; {MOST_LABELS} labels are the most",
            f"Take fewer of each class, evenly drawn (--per-area {most})", field="per_area",
            options=[(str(k), f"at most {k} pixels of each class") for k in (10, 100, most) if k <= most],
        )  # fmt: skip
    if not present:
        report.notes.append("None of its classes lies on the scene.")
    if total < sum(len(pixels) for _, pixels in found):
        report.notes.append(f"Of each class at most {options.per_area} pixels are used, evenly drawn in row order.")
    outside = sorted(set(np.unique(values[values > 0]).tolist()) - set(present))
    if outside and present:
        verb = "lies" if len(outside) == 1 else "lie"
        report.notes.append(f"{counted(len(outside), 'class', 'classes')} {verb} outside the scene.")
    for value, pixels in zip(present, few, strict=True):
        placed.pixels.append((f"{path.name} = {value}", pixels, names.get(value, str(value)), whole.colors.get(value)))
    return placed


def on_scene(path: Path, raster: Raster, values: Grid, scene: Scene) -> tuple[Grid, str]:
    """((H, W) values on the scene's pixels, 0 outside; how they were laid on it, in words)."""
    shape, height, width = values.shape, *scene.shape[:2]
    if raster.transform is None or scene.transform is None:
        if shape != (height, width):
            raise SizeMismatch(
                path, f"it has {shape_text(shape)} pixels (rows × columns), the scene {shape_text((height, width))}, "
                f"and {'it' if raster.transform is None else 'the scene'} has no place on the map",
                "Give it with its coordinates, or with exactly the scene's pixels",
            )  # fmt: skip
        return values, "pixel by pixel: sizes are equal, and not both have a place"
    same = raster.crs is None or scene.crs is None or crs_of(raster.crs) == crs_of(scene.crs)
    if same and tuple(raster.transform) == tuple(scene.transform) and shape == (height, width):
        return values, "on the scene's own grid"
    source = Scene(
        id="", name=path.name, title="", cube=raster.cube, bands=raster.bands, survey_fn=lambda s: s.survey,
        transform=raster.transform, crs=raster.crs,
    )  # fmt: skip
    frame = Frame("map", "", None if same else scene.crs)
    grid = np.zeros((height, width), dtype=np.int32)
    step = max(1, ROWS_AT_ONCE // width)
    a, b, c, d, e, f = scene.transform
    for top in range(0, height, step):
        rows, cols = np.mgrid[top : min(top + step, height), 0:width] + 0.5
        xy = np.column_stack([(a * cols + b * rows + c).ravel(), (d * cols + e * rows + f).ravel()])
        at = to_pixels(frame, xy, source)
        ok = np.all(np.isfinite(at), axis=1)
        cell = np.floor(np.clip(np.where(ok[:, None], at, -1), -1, max(shape))).astype(np.int64)
        ok &= np.all(cell >= 0, axis=1) & (cell[:, 0] < shape[1]) & (cell[:, 1] < shape[0])
        part = np.zeros(len(xy), dtype=np.int32)
        part[ok] = values[cell[ok, 1], cell[ok, 0]]
        grid[top : top + rows.shape[0]] = part.reshape(rows.shape)
    return grid, "by its place: every pixel of the scene takes the value at its centre"
