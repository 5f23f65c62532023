"""Layers on a scene: which pixels get which class, and what came of every feature.

Geometry counts before the row and col that our own files carry as attributes: GIS programs keep the attributes of a
point that was moved. Rows and columns count where there is no geometry, and where the file is a table that was made by
hand from ours (`Layer.prefers_rows`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import ChooseLabels, CorruptFile, FileProblem
from hsi_studio.humanize import counted
from hsi_studio.io.coordinates import color_or_none, named, number
from hsi_studio.io.label_files.attributes import (
    COL,
    COLOR,
    PLACES,
    ROW,
    class_attribute,
    column,
    described,
    plain,
    text_of,
)
from hsi_studio.io.label_files.burn import Pixels, evenly, pixels_of
from hsi_studio.io.label_files.frames import FloatPairs, Frame, choose_frame, to_pixels
from hsi_studio.io.label_files.near_names import near_note
from hsi_studio.io.label_files.records import (
    EXAMPLES,
    MOST_CLASSES,
    MOST_FEATURES,
    MOST_LABELS,
    MOST_VERTICES,
    FileReport,
    Label,
    LabelImport,
    LabelOptions,
    Layer,
)
from hsi_studio.types import ClassSchema, Scene

FARTHEST = 1e12  # pixels: whole numbers of this size are exact
WHOLE = re.compile(r"-?\d{1,9}(?:[.,]0{1,6})")  # 1.0, not 1
ROUNDING = 0.001  # pixels, of coordinates that were another system's
Places = npt.NDArray[np.int64]  # (N, 2) row and column, not yet known to be inside


@dataclass
class Placed:
    """Pixels of one layer, feature by feature."""

    report: FileReport
    pixels: list[tuple[str, Pixels, str, str | None]] = field(default_factory=list)  # where, pixels, class, colour


def place(layer: Layer, scene: Scene, options: LabelOptions) -> Placed:
    """Raises FileProblem, ChooseLabels, CorruptFile with the feature that cannot be understood."""
    report = FileReport(layer.path.name, layer.kind, layer.name, features=len(layer), notes=list(layer.notes))
    if not len(layer):
        report.notes.append("There is no feature in it.")
        return Placed(report)
    names = _names(layer, options, report)
    colors = layer.columns.get(column(list(layer.columns), COLOR) or "", [None] * len(layer))
    rows = _rows(layer, scene, options)
    xy, starts = _vertices(layer)
    has_shape = starts[1:] > starts[:-1]
    frame = choose_frame(layer, xy, starts, scene, options.crs) if has_shape.any() else None
    if frame is not None and layer.prefers_rows and rows is not None and options.crs is None:
        frame = _of_a_table(frame, rows, xy, starts, scene, report)
    if frame is not None:
        report.place, report.why = frame.text, frame.why or layer.crs_why
        report.notes += [frame.why] if frame.why else []
    elif rows is not None:
        report.place = f"rows and columns, counted from {options.first or 0}"
    placed = Placed(report)
    _put(placed, layer, scene, options, names, colors, rows, xy, starts, frame)
    return placed


def _of_a_table(
    frame: Frame, rows: list[Places | None], xy: FloatPairs, starts: npt.NDArray[np.int64], scene: Scene,
    report: FileReport,
) -> Frame | None:  # fmt: skip
    """Our own CSV has both: rows and columns count (None), unless at least half of the places lie elsewhere, which is
    another scene."""
    at = np.flatnonzero(starts[1:] > starts[:-1])
    cells = np.floor(to_pixels(frame, xy[starts[at]], scene))[:, ::-1]
    stated = np.array([(-1, -1) if rows[n] is None else rows[n][0] for n in at])  # type: ignore[index]
    differ = int((cells != stated).any(axis=1).sum())
    if differ and 2 * differ >= len(at):
        return frame
    if differ:
        verb = "says" if differ == 1 else "say"
        report.notes.append(
            f"In {counted(differ, 'line')} x and y {verb} another pixel than row and col: row and col count."
        )
    return None


def _names(layer: Layer, options: LabelOptions, report: FileReport) -> list[str]:
    """A class name a feature, "" for none."""
    if layer.class_column is not None and options.attribute is None:
        report.attribute, why = layer.class_column, ""
    else:
        report.attribute, why = class_attribute(layer.path, layer.columns, options.attribute)
    report.notes += [why] if why else []
    others = {n: v for n, v in layer.columns.items() if plain(n) not in PLACES or n == report.attribute}
    report.attributes = described(dict(list(others.items())[:60]))
    values = _whole([text_of(value) for value in layer.columns[report.attribute]])
    if not any(value.strip() for value in values):
        named(layer.path, layer.where[0], "")  # raises
    count = len({value.casefold() for value in values})
    if count > MOST_CLASSES:
        raise FileProblem(
            layer.path, f"“{report.attribute}” has {count} different values; {MOST_CLASSES} classes are the most",
            "Choose the attribute that holds the class (--attribute NAME)",
        )  # fmt: skip
    return values


def _whole(values: list[str]) -> list[str]:
    """Numbers of classes that a spreadsheet has written as 1.0 or 1,0 as 1; other texts as they are."""
    if not all(WHOLE.fullmatch(value.strip()) for value in values if value.strip()):
        return values
    return [value.strip().replace(",", ".").partition(".")[0] for value in values]


def _rows(layer: Layer, scene: Scene, options: LabelOptions) -> list[Places | None] | None:
    """Row and column of each feature as its attributes say, from 0; None without such columns.

    Raises ChooseLabels when they seem to count from 1.
    """
    keys = [column(list(layer.columns), names) for names in (ROW, COL)]
    if keys[0] is None or keys[1] is None:
        return None
    strict = layer.prefers_rows or not any(layer.geometry)
    found: list[Places | None] = []
    for n, where in enumerate(layer.where):
        pair = []
        for key, word in zip(keys, ("row", "column"), strict=True):
            text = text_of(layer.columns[str(key)][n])
            if not text.strip() and not strict:
                break
            try:
                value = number(layer.path, where, str(key), text)
            except CorruptFile:
                if strict:
                    raise
                break
            if value != int(value) or abs(value) > 2**40:
                if strict:
                    raise CorruptFile(layer.path, f"{where}: {word} {value:g} is not a whole number", "Correct it")
                break
            pair.append(int(value))
        found.append(np.array([pair], dtype=np.int64) if len(pair) == 2 else None)
    known = [p for p in found if p is not None]
    if not known:
        return None
    first = options.first
    if first is None and strict:
        table, (height, width, _) = np.concatenate(known), scene.shape
        last = table.max(axis=0)
        if (table.min(axis=0) >= 1).all() and (last <= (height, width)).all() and (last == (height, width)).any():
            axis, at = ("rows", height) if last[0] == height else ("columns", width)
            raise ChooseLabels(
                layer.path,
                f"its {axis} go up to {at}, and {scene.name} has {at} of them, so they seem to count from 1",
                "Say which it is (--first 1, or --first 0 to leave the last ones out)", field="first",
                options=[("1", "rows and columns count from 1"), ("0", "they count from 0")],
            )  # fmt: skip
    return [p if p is None else p - (first or 0) for p in found]


def _vertices(layer: Layer) -> tuple[FloatPairs, npt.NDArray[np.int64]]:
    """((N, 2) x and y of all vertices, where each feature's begin). Raises FileProblem when there are too many."""
    import shapely

    if len(layer) > MOST_FEATURES:
        raise FileProblem(
            layer.path, f"it has {len(layer)} features; {MOST_FEATURES} are the most", "Cut it to the scene's area"
        )
    shapes = np.array(layer.geometry, dtype=object)
    counts = shapely.get_num_coordinates(shapes)
    if counts.sum() > MOST_VERTICES:
        raise FileProblem(
            layer.path, f"its outlines have {counts.sum()} points; {MOST_VERTICES} are the most",
            "Cut it to the scene's area, or simplify it",
        )  # fmt: skip
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return shapely.get_coordinates(shapes).reshape(-1, 2), starts


def _put(
    placed: Placed, layer: Layer, scene: Scene, options: LabelOptions, names: list[str], colors: Iterable[Any],
    rows: list[Places | None] | None, xy: FloatPairs, starts: npt.NDArray[np.int64], frame: Frame | None,
) -> None:  # fmt: skip
    import shapely

    report, (height, width, _) = placed.report, scene.shape
    out: dict[str, list[str]] = {"outside": [], "small": [], "lost": [], "nowhere": [], "nameless": []}
    beyond = limited = total = 0
    grid = to_pixels(frame, xy, scene) if frame is not None else np.zeros((0, 2))
    for n, (where, name, color) in enumerate(zip(layer.where, names, colors, strict=True)):
        if not name.strip():
            out["nameless"].append(where)
            continue
        mine = grid[starts[n] : starts[n + 1]] if frame is not None else grid
        stated = rows[n] if rows is not None else None
        if len(mine) and np.isfinite(mine).all():
            shape = layer.geometry[n]
            moved_to = shapely.set_coordinates(shapely.force_2d(shape), mine)
            pixels = pixels_of(moved_to, (height, width))
            if shape is not None and shape.geom_type == "Point":
                at = np.floor(np.clip(mine, -FARTHEST, FARTHEST)).astype(np.int64)[:, ::-1]
                _check_whole(layer, where, frame, xy[starts[n]])
                if stated is not None and not np.array_equal(at, stated):
                    report.moved += 1
                if not len(pixels):
                    out["outside"].append(f"{where} (row {at[0, 0]}, column {at[0, 1]})")
                    continue
            elif not len(pixels):
                low, high = mine.min(axis=0), mine.max(axis=0)
                met = (high >= 0).all() and low[0] < width and low[1] < height
                out["small" if met else "outside"].append(where)
                continue
            elif (mine.min(axis=0) < -ROUNDING).any() or (
                mine.max(axis=0) > (width + ROUNDING, height + ROUNDING)
            ).any():
                beyond += 1
            few = evenly(pixels, options.per_area or 0)
            limited += len(few) < len(pixels)
        elif len(mine):
            out["lost"].append(where)
            continue
        elif stated is not None:
            row, col = stated[0].tolist()
            if not (0 <= row < height and 0 <= col < width):
                out["outside"].append(f"{where} (row {row}, column {col})")
                continue
            few = stated
        else:
            out["nowhere"].append(where)
            continue
        total += len(few)
        if total > MOST_LABELS:
            raise too_many(layer, options)
        placed.pixels.append((where, few, name, color_or_none(text_of(color))))
    unit = "label" if all(s is None or s.geom_type == "Point" for s in layer.geometry) else "feature"
    report.skip(f"outside the scene (rows 0–{height - 1}, columns 0–{width - 1})", out["outside"], unit)
    report.skip("too small: no pixel's centre lies inside", out["small"], unit)
    report.skip("with coordinates that have no place in the scene's system", out["lost"], unit)
    report.skip("without a geometry", out["nowhere"], unit)
    report.skip(f"without a class in “{report.attribute}”", out["nameless"], unit)
    if not placed.pixels and frame is not None and frame.kind == "map" and len(xy):
        report.notes.append(_extents(xy, scene))
    if beyond:
        report.notes.append(f"{counted(beyond, 'feature')} {'reaches' if beyond == 1 else 'reach'} beyond the scene; "
                            "what lies on it is used.")  # fmt: skip
    if limited:
        report.notes.append(
            f"Of {counted(limited, 'area')} {options.per_area} pixels each are used, evenly drawn in row order."
        )


def _extents(xy: FloatPairs, scene: Scene) -> str:
    """Where the file's coordinates lie and where the scene does, for one who has to find the system."""
    corners = [scene.map_xy(row - 0.5, col - 0.5) for row in (0, scene.shape[0]) for col in (0, scene.shape[1])]
    ours = np.array([corner for corner in corners if corner is not None])
    spans = [
        f"{low:,.6g} to {high:,.6g}"
        for table in (xy, ours)
        for low, high in zip(table.min(axis=0), table.max(axis=0), strict=True)
    ]
    height, width, _ = scene.shape
    low, high = xy.min(axis=0), xy.max(axis=0)
    if (low >= 0).all() and high[0] <= width and high[1] <= height:
        return (
            f"Its coordinates run from {spans[0]} and {spans[1]}, within the scene's {width} columns and {height} "
            "rows: if they are such, name them col and row, as whole numbers from 0."
        )
    return (
        f"Its coordinates run from {spans[0]} and {spans[1]}, the scene from {spans[2]} and {spans[3]}: if they are in "
        "another system than was taken, say in which (--crs EPSG:…)."
    )


def _check_whole(layer: Layer, where: str, frame: Frame | None, xy: FloatPairs) -> None:
    """Columns and rows of points are whole numbers, or they are something else. Raises CorruptFile."""
    if frame is None or frame.kind != "pixels":
        return
    for word, value in (("row", float(xy[1])), ("column", float(xy[0]))):
        if value != round(value):
            raise CorruptFile(
                layer.path, f"{where}: {word} {value:g} is not a whole number",
                "Give rows and columns, or open the scene with its place on the map",
            )  # fmt: skip


def too_many(layer: Layer, options: LabelOptions) -> FileProblem:
    """The error that asks for a limit per area."""
    most = max(1, MOST_LABELS // max(1, len(layer)) // 2)
    now = f", at {options.per_area} an area" if options.per_area else ""
    return ChooseLabels(
        layer.path, f"its {counted(len(layer), 'feature')} hold more than {MOST_LABELS} pixels{now}",
        f"Take fewer of each, evenly drawn (--per-area {most})", field="per_area",
        options=[(str(k), f"at most {k} pixels of each") for k in sorted({1, 10, 100, most}) if k <= most],
    )  # fmt: skip


# ── all layers together ─────────────────────────────────────────────────────────────────────────


def together(layers: list[Placed], scene: Scene, schema: ClassSchema) -> LabelImport:
    """One label a pixel: the last one counts, and pixels that got two classes are counted.

    Names that differ from a class of `schema` only in case become that class's; numbers take the name that they have in
    the reference.
    """
    by_fold = {info.name.casefold(): info.name for info in schema.classes}
    numbered = {str(info.reference_value): info.name for info in schema.classes if info.reference_value is not None} | {
        str(value): name for value, name in scene.reference_classes
    }
    by_pixel: dict[tuple[int, int], tuple[Label, str]] = {}
    clashes: dict[tuple[int, int], str] = {}
    twice = renamed = 0
    for placed in layers:
        for where, pixels, given, color in placed.pixels:
            name = given.strip()  # a blank too many is no other class
            if name.casefold() not in by_fold and name in numbered:
                name, renamed = numbered[name], renamed + 1
            name = by_fold.setdefault(name.casefold(), name)
            placed.report.labels += len(pixels)
            placed.report.classes[name] = placed.report.classes.get(name, 0) + len(pixels)
            for row, col in pixels.tolist():
                before = by_pixel.get((row, col))
                if before is not None and before[0][2] == name:
                    twice += 1
                elif before is not None:
                    clashes[row, col] = f"row {row}, column {col} ({before[0][2]} in {before[1]}, {name} in {where})"
                by_pixel[row, col] = ((row, col, name, color), where)
    if len(by_pixel) > MOST_LABELS:
        raise FileProblem(
            layers[0].report.file, f"the files hold {len(by_pixel)} labels together; {MOST_LABELS} are the most",
            "Take fewer pixels of each area (--per-area N)",
        )  # fmt: skip
    made = LabelImport([label for label, _ in by_pixel.values()], [p.report for p in layers], len(clashes))
    if clashes:
        shown = "; ".join(list(clashes.values())[:EXAMPLES]) + (" …" if len(clashes) > EXAMPLES else "")
        verb = "gets" if len(clashes) == 1 else "get"
        made.notes.append(f"{counted(len(clashes), 'pixel')} {verb} two classes; the last one counts: {shown}.")
    if twice:
        verb = "comes" if twice == 1 else "come"
        made.notes.append(f"{counted(twice, 'pixel')} {verb} more than once, with the same class.")
    if renamed:
        made.notes.append(f"{counted(renamed, 'label')} {'gives' if renamed == 1 else 'give'} a class number and "
                          f"{'takes' if renamed == 1 else 'take'} the name it has in the reference.")  # fmt: skip
    near = near_note((label[2] for label in made.labels), schema.names)
    if near:
        made.notes.append(near)
    return made
