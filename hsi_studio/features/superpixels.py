"""Superpixels of a large scene: at most `max_nodes` compact groups of similar neighbouring pixels.

Source: R. Achanta et al., "SLIC superpixels compared to state-of-the-art superpixel methods", IEEE TPAMI 34(11),
2012, doi:10.1109/TPAMI.2012.120 (scikit-image's implementation).
What differs: spectral components instead of CIELAB; made tile by tile, so memory does not grow with the
scene (a superpixel never crosses a tile's border); parts separated by invalid pixels become nodes of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from hsi_studio.features.spatial import IndexArray
from hsi_studio.types import BoolArray, FloatArray

TILE = 256  # pixels a side
COMPACTNESS = 0.1  # SLIC's m for channels of unit total variance


def tiles(height: int, width: int, side: int = TILE) -> Iterator[tuple[slice, slice]]:
    """Windows that cover the scene, row by row of tiles."""
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield slice(top, min(top + side, height)), slice(left, min(left + side, width))


def superpixels(components: FloatArray, valid: BoolArray, count: int) -> IndexArray:
    """About `count` (never more than the valid pixels) superpixels of one tile: (h, w) int32, −1 where invalid.

    `components` is (h, w, C) float32; values at invalid pixels are ignored.
    """
    from skimage.measure import label
    from skimage.segmentation import slic

    if not valid.any():
        return np.full(valid.shape, -1, dtype=np.int32)
    filled = np.where(valid[..., None], components, components[valid].mean(axis=0))  # (h, w, C)
    spread = float(np.sqrt(components[valid].var(axis=0).sum()))
    share = max(1, round(count * valid.size / int(valid.sum())))  # the window holds invalid pixels, too
    rough = slic(
        filled / spread if spread > 0 else filled,
        n_segments=share,
        compactness=COMPACTNESS,
        max_num_iter=5,
        channel_axis=-1,
        convert2lab=False,
        start_label=1,
    )
    # Connected parts of (superpixel ∩ valid): what an invalid strip separates must not be averaged.
    parts = label(np.where(valid, rough, 0), background=0, connectivity=2)
    return np.asarray(parts - 1, dtype=np.int32)


def scene_superpixels(
    read: Callable[[slice, slice], FloatArray],
    valid: BoolArray,
    max_nodes: int,
    check: Callable[[float], None] = lambda _: None,
) -> IndexArray:
    """(H, W) int32 node numbers over a whole scene, −1 where invalid.

    `read(rows, cols)` gives the components (h, w, C) of a window. About 0.9 · `max_nodes` are asked for,
    shared among tiles by valid pixels, because splitting at invalid pixels adds some.
    """
    height, width = valid.shape
    index = np.full((height, width), -1, dtype=np.int32)
    whole = int(valid.sum())
    windows = list(tiles(height, width))
    first = 0
    for number, (rows, cols) in enumerate(windows):
        check(number / len(windows))
        inside = valid[rows, cols]
        if not inside.any():
            continue
        share = max(1, int(0.9 * max_nodes * int(inside.sum()) / max(whole, 1)))
        nodes = superpixels(read(rows, cols), inside, share)
        index[rows, cols] = np.where(nodes >= 0, nodes + first, -1)
        first += int(nodes.max()) + 1
    return index
