"""Where a label is: rows and columns, map coordinates or longitude and latitude → pixels of a scene."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hsi_studio.errors import CorruptFile, FileProblem, LabelProblem
from hsi_studio.sanitize import clean_color
from hsi_studio.scene.crs import crs_of_text
from hsi_studio.types import Scene


def number(path: Path, where: str, key: str, text: str) -> float:
    """A finite number. Raises CorruptFile with the place in the file."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CorruptFile(path, f"{where}: {key} {text[:30]!r} is not a number", "Correct it and import again")
    return value


def named(path: Path, where: str, name: str) -> str:
    """The name, exactly. Raises CorruptFile when it is empty."""
    if not name.strip():
        raise CorruptFile(path, f"{where} has no class", "Give every label a class name")
    return name


def color_or_none(text: str) -> str | None:
    """What cannot be read as a colour is none: a label without its colour is still a label."""
    try:
        return clean_color(text) if text else None
    except LabelProblem:
        return None


def pixels_of(
    path: Path, where: Sequence[str], places: Sequence[tuple[float, float]], way: str, scene: Scene
) -> list[tuple[int, int]]:
    """(row, column) of places: "pixel" (row, col), "pixel-xy" (col, row), "map" (x, y), "lonlat" or a CRS's name.

    Raises CorruptFile for a row that is no whole number, FileProblem for coordinates that have no meaning here.
    """
    if way == "pixel-xy":
        places, way = [(y, x) for x, y in places], "pixel"
    if way == "pixel":
        for name, (row, col) in zip(where, places, strict=True):
            for key, value in (("row", row), ("column", col)):
                if value != int(value):
                    raise CorruptFile(path, f"{name}: {key} {value:g} is not a whole number", "Correct it")
        return [(int(row), int(col)) for row, col in places]
    if scene.transform is None:
        raise FileProblem(
            path,
            f"it gives map coordinates, and {scene.name} has no coordinate system (CRS)",
            "Give row and col (from 0) instead",
        )
    from rasterio.errors import CRSError

    xs, ys = [p[0] for p in places], [p[1] for p in places]
    if way != "map":
        if scene.crs is None:
            raise FileProblem(
                path,
                f"it gives coordinates of {way}, and {scene.name} names no coordinate system (CRS)",
                "Give row and col instead",
            )
        named_crs = crs_of_text(path, "EPSG:4326" if way == "lonlat" else way)
        try:
            xs, ys = _projected(named_crs, scene.crs, xs, ys)
        except CRSError as error:
            raise FileProblem(
                path, f"its coordinate system (CRS) {way[:60]!r} is unknown", "Save it as WGS 84"
            ) from error
    a, b, c, d, e, f = scene.transform
    area = a * e - b * d  # of a pixel; not 0 in a map transform
    found = []
    for x, y in zip(xs, ys, strict=True):
        col, row = (e * (x - c) - b * (y - f)) / area, (a * (y - f) - d * (x - c)) / area  # pixel corners
        inside = math.isfinite(row) and math.isfinite(col)  # what cannot be projected lies outside
        found.append((math.floor(row), math.floor(col)) if inside else (-1, -1))
    return found


def _projected(source: Any, target: str, xs: list[float], ys: list[float]) -> tuple[list[float], list[float]]:
    """Coordinates in another system, NaN for what has none there. Raises CRSError for an unknown system.

    GDAL refuses all places for one that it cannot project (a latitude of 95°), so the others are tried in halves.
    """
    from rasterio._err import CPLE_BaseError  # rasterio has no public name for what GDAL reports
    from rasterio.warp import transform

    try:
        x, y = transform(source, target, xs, ys)
    except CPLE_BaseError:
        if len(xs) == 1:
            return [math.nan], [math.nan]
        half = len(xs) // 2
        first = _projected(source, target, xs[:half], ys[:half])
        rest = _projected(source, target, xs[half:], ys[half:])
        return first[0] + rest[0], first[1] + rest[1]
    return list(x), list(y)
