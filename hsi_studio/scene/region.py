"""A region drawn by hand: the pixels inside a polygon."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hsi_studio.errors import BadRequest
from hsi_studio.types import BoolArray

MOST_POINTS = 5000


def polygon_mask(shape: tuple[int, int], corners: Sequence[tuple[float, float]]) -> BoolArray:
    """(H, W) bool: pixels whose centre lies inside a closed polygon.

    `corners` are (row, column) in pixels, (0, 0) the upper left corner of the first pixel, in drawing order; parts
    outside the scene are cut off. Only the polygon's bounding box is looked at. Raises BadRequest for fewer than three
    corners, more than 5,000, numbers that are not finite, or a polygon around no pixel.
    """
    from matplotlib.path import Path as Polygon  # slow to import, and seldom needed

    points = np.asarray(corners, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not 3 <= len(points) <= MOST_POINTS or not np.isfinite(points).all():
        raise BadRequest(f"A region needs 3 to {MOST_POINTS} corners, each a row and a column: draw it again.")
    (top, left), (bottom, right) = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
    rows = np.arange(max(int(top), 0), min(int(bottom), shape[0]))
    cols = np.arange(max(int(left), 0), min(int(right), shape[1]))
    mask = np.zeros(shape, dtype=np.bool_)
    if rows.size and cols.size:
        row, col = np.meshgrid(rows, cols, indexing="ij")
        inside = Polygon(points).contains_points(np.stack([row.ravel(), col.ravel()], axis=1) + 0.5)
        mask[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1] = inside.reshape(row.shape)
    if not mask.any():
        raise BadRequest("There is no pixel inside this region: draw a larger one.")
    return mask
