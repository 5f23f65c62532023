"""Nodes of a scene, pixels or superpixels, and what they are before any smoothing: one window of the cube at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.features.guide import Guide, fit_guide
from hsi_studio.features.noise import signal_weights
from hsi_studio.features.shape import ShapeProjection
from hsi_studio.features.spatial import IndexArray, pixel_nodes
from hsi_studio.features.spectral import Components, strips
from hsi_studio.features.superpixels import scene_superpixels
from hsi_studio.types import BoolArray, FloatArray, Scene

SUPERPIXEL_COMPONENTS = 10
MOST_GUIDED = 5_000_000  # pixels that lie between superpixels; in larger scenes each is its own superpixel's
MOST_ALONE = 1_500_000  # pixels beside superpixels whose own values are kept, in half precision


@dataclass(frozen=True)
class Nodes:
    """Nodes of a scene and what they are before any smoothing."""

    index: IndexArray  # (H, W)
    white: FloatArray  # (n, C)
    principal: FloatArray  # (n, P)
    shape: FloatArray  # (n, C')
    guide: Guide | None = None
    own: npt.NDArray[np.float16] | None = None  # (H·W, P + C') of single pixels


def nodes_of(
    scene: Scene,
    valid: BoolArray,
    components: Components,
    shapes: ShapeProjection | None,
    max_nodes: int,
    check: Callable[[float], None],
) -> Nodes:
    """Where nodes are superpixels also how pixels lie between them, and what these are themselves.

    One window of the cube in memory at a time.
    """
    bands: list[int] = components.whitened.bands.tolist()
    height, width = valid.shape
    weights = signal_weights(components.ratios.astype(np.float64)).astype(np.float32)[:SUPERPIXEL_COMPONENTS]
    pixels_alone = int(valid.sum()) <= max_nodes

    def in_noise(white: FloatArray) -> FloatArray:
        """Components in units of their noise, the strongest."""
        return white[..., :SUPERPIXEL_COMPONENTS] * weights

    def read(rows: slice, cols: slice) -> FloatArray:
        return in_noise(components.whitened(scene.read(rows, cols, bands)))

    index = pixel_nodes(valid) if pixels_alone else scene_superpixels(read, valid, max_nodes, lambda d: check(0.5 * d))
    n = int(index.max()) + 1
    pixels = np.maximum(np.bincount(index[index >= 0], minlength=n), 1).astype(np.float32)
    projections: list[Callable[[FloatArray], FloatArray]] = [components.whitened, components.principal]
    widths = [components.whitened.matrix.shape[1], components.principal.matrix.shape[1], 0]
    if shapes is not None:
        projections.append(shapes)
        widths[2] = shapes.matrix.shape[1]
    white, principal, shape = (np.zeros((n, w), dtype=np.float32) for w in widths)
    alone = not pixels_alone and int(valid.sum()) <= MOST_ALONE
    own = np.zeros((index.size, widths[1] + widths[2]), dtype=np.float16) if alone else None
    squares = 0.0
    for rows in strips(height, width * len(bands)):
        check(0.5 + 0.3 * rows.start / height)
        inside = index[rows] >= 0
        nodes: npt.NDArray[np.int32] = index[rows][inside]
        spectra = scene.read(rows, slice(0, width), bands)[inside]  # (m, b)
        here = rows.start * width + np.flatnonzero(inside.ravel())
        for out, projection in zip((white, principal, shape), projections, strict=False):
            values = _finite(projection(spectra))
            if own is not None and out is not white:
                first = 0 if out is principal else widths[1]
                own[here, first : first + values.shape[1]] = values
            squares += float(np.square(in_noise(values), dtype=np.float64).sum()) if out is white else 0.0
            for channel in range(values.shape[1]):
                out[:, channel] += np.bincount(nodes, weights=values[:, channel], minlength=n).astype(np.float32)
    for sums in (white, principal, shape):
        sums /= pixels[:, None]
    if pixels_alone or int(valid.sum()) > MOST_GUIDED:
        return Nodes(index, white, principal, shape)

    def spectra_of_rows() -> Iterator[tuple[slice, FloatArray]]:
        for rows in strips(height, width * len(bands)):
            check(0.8 + 0.2 * rows.start / height)
            yield rows, _finite(read(rows, slice(0, width))[index[rows] >= 0])

    means = in_noise(white)
    spread = (squares - float((pixels[:, None] * np.square(means, dtype=np.float64)).sum())) / float(pixels.sum())
    return Nodes(index, white, principal, shape, fit_guide(index, means, spread, spectra_of_rows()), own)


def _finite(values: FloatArray) -> FloatArray:
    """A valid pixel has every good band; this guards other readers."""
    return values if np.isfinite(values).all() else np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
