"""Geometries → pixels. Coordinates are columns and rows with pixel corners at whole numbers.

A point labels the pixel it lies in, a line every pixel it touches, an area the pixels whose centres lie inside
(`rasterio.features.rasterize`, GDAL's rule for centres on an edge). An area smaller than a pixel may hold no centre: it
then labels nothing, and the report says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import LabelProblem

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Pixels = npt.NDArray[np.int64]  # (N, 2) row and column, inside the scene, each once
STRIP = 1 << 24  # pixels rasterized at once
DEEPEST = 8  # collections inside collections
FAR = 10.0  # scenes: what reaches farther is cut before it is rasterized


def pixels_of(geometry: BaseGeometry, shape: tuple[int, int]) -> Pixels:
    """Pixels of a geometry on (H, W). Empty for what lies outside or holds no centre."""
    found = [part for piece in _simple(geometry) for part in _piece(piece, shape)]
    if not found:
        return np.zeros((0, 2), dtype=np.int64)
    return found[0] if len(found) == 1 else np.unique(np.concatenate(found), axis=0)


def evenly(pixels: Pixels, most: int) -> Pixels:
    """At most `most` of the pixels, at equal steps in row order; all for 0."""
    if not most or len(pixels) <= most:
        return pixels
    return pixels[np.linspace(0, len(pixels) - 1, most).round().astype(np.int64)]


def _simple(geometry: BaseGeometry, depth: int = 0) -> Iterator[BaseGeometry]:
    """Points, lines and polygons of a collection; parts of one polygon layer stay together. Raises LabelProblem.

    shapely copies what is in a collection, so that collections in collections cost their size times their depth.
    """
    if depth > DEEPEST:
        raise LabelProblem(
            f"A geometry has collections inside collections, more than {DEEPEST} deep: export points and polygons."
        )
    if geometry.geom_type in ("GeometryCollection", "MultiPoint", "MultiLineString"):
        for part in geometry.geoms:
            yield from _simple(part, depth + 1)
    elif not geometry.is_empty:
        yield geometry


def _piece(piece: BaseGeometry, shape: tuple[int, int]) -> Iterator[Pixels]:
    height, width = shape
    low_x, low_y, high_x, high_y = piece.bounds
    if not np.isfinite(piece.bounds).all() or high_x < 0 or high_y < 0 or low_x >= width or low_y >= height:
        return
    if piece.geom_type == "Point":
        yield np.array([[int(np.floor(low_y)), int(np.floor(low_x))]])
        return
    if max(-low_x, high_x - width) > FAR * width or max(-low_y, high_y - height) > FAR * height:
        cut = _cut(piece, shape)
        if cut is None or cut.is_empty:
            return
        if cut.geom_type != piece.geom_type:
            for part in _simple(cut):
                if part.geom_type != "Point" and max(part.bounds) < 1e9:
                    yield from _piece(part, shape)
            return
        piece = cut
    touched = piece.geom_type in ("LineString", "LinearRing")
    yield from _rasterized(piece, shape, touched)


def _cut(piece: BaseGeometry, shape: tuple[int, int]) -> BaseGeometry | None:
    import shapely

    box = shapely.box(-1, -1, shape[1] + 1, shape[0] + 1)
    try:
        whole = piece if piece.is_valid else shapely.make_valid(piece)
        return shapely.intersection(whole, box)
    except shapely.errors.GEOSException:
        return None


def _rasterized(piece: BaseGeometry, shape: tuple[int, int], touched: bool) -> Iterator[Pixels]:
    from rasterio.errors import RasterioError
    from rasterio.features import rasterize
    from rasterio.transform import Affine

    low_x, low_y, high_x, high_y = piece.bounds
    left, right = max(0, int(np.floor(low_x))), min(shape[1], int(np.ceil(high_x)) + 1)
    top, bottom = max(0, int(np.floor(low_y))), min(shape[0], int(np.ceil(high_y)) + 1)
    step = max(1, STRIP // max(1, right - left))
    for row in range(top, bottom, step):
        stop = min(row + step, bottom)
        try:
            mask = rasterize(
                [piece], out_shape=(stop - row, right - left), transform=Affine.translation(left, row),
                all_touched=touched, dtype="uint8",
            )  # fmt: skip
        except (ValueError, RasterioError):  # a ring without an area
            return
        inside = np.argwhere(mask)
        if len(inside):
            yield inside + np.array([row, left])
