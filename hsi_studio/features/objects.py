"""Connected regions of equal value on a raster: size, shape, and what each borders on.

Length over width comes from second moments (an ellipse of the same moments); the mean width of a region is four
times its mean distance to the border, which is exact for a long strip. Cost: a few passes over the raster.

Notation: H W pixels, R regions, V values 0 … V−1 (−1 = none).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.features.spatial import neighbour_pairs
from hsi_studio.types import FloatArray, IntArray


@dataclass(frozen=True)
class Objects:
    """R regions of a raster. `index` (H, W) int32 is −1 where there is none."""

    index: npt.NDArray[np.int32]
    value: npt.NDArray[np.int64]  # (R,)
    area_px: FloatArray  # (R,)
    width_px: FloatArray
    elongation: FloatArray  # ≥ 1
    borders: FloatArray  # (R, V) pixel pairs with each value beside it


def connected(values: IntArray, count: int) -> Objects:
    """Regions of equal value of (H, W) integers 0 … `count` − 1; negative pixels belong to none."""
    from scipy.ndimage import distance_transform_edt
    from skimage.measure import label

    index = np.asarray(label(values + 1, background=0, connectivity=1), dtype=np.int32) - 1
    inside = index >= 0
    flat = index[inside]
    regions = int(flat.max()) + 1 if flat.size else 0
    area = np.bincount(flat, minlength=regions).astype(np.float64)
    value = np.zeros(regions, dtype=np.int64)
    value[flat] = values[inside]
    row, col = np.nonzero(inside)

    def mean(of: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        return np.asarray(np.bincount(flat, weights=of, minlength=regions) / np.maximum(area, 1))

    r, c = row - mean(row.astype(float))[flat], col - mean(col.astype(float))[flat]
    rr, cc, rc = mean(r * r) + 1 / 12, mean(c * c) + 1 / 12, mean(r * c)  # a pixel has moments of its own
    half, root = (rr + cc) / 2, np.sqrt(((rr - cc) / 2) ** 2 + rc**2)
    elongation = np.sqrt((half + root) / np.maximum(half - root, 1e-9))

    first, second = neighbour_pairs(index)
    apart = first != second
    first, second = first[apart], second[apart]
    borders = np.zeros((regions, count), dtype=np.float32)
    np.add.at(borders, (first, value[second]), 1.0)
    np.add.at(borders, (second, value[first]), 1.0)

    wide = np.full((index.shape[0] + 2, index.shape[1] + 2), -2, dtype=np.int32)
    wide[1:-1, 1:-1] = index
    sides = (wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, :-2], wide[1:-1, 2:])
    edge = np.any([side != index for side in sides], axis=0)  # pixels with a neighbour of another region
    distance = distance_transform_edt(~edge) + 0.5 if (~edge).any() else np.full(index.shape, 0.5)
    width = 4.0 * mean(distance[inside])
    width = np.minimum(width, np.maximum(np.sqrt(area), width / 2))  # a disc's mean distance is r/3, a strip's w/4
    return Objects(
        index, value, area.astype(np.float32), width.astype(np.float32), elongation.astype(np.float32), borders
    )
