"""Rasters that are no class map, in the scene's place: the picture as colours, the answer to a question as values.

GeoTIFFs are cloud-optimised like those of maps (`map_rasters.py`). PNGs are for slides: pixels as the page paints them,
thinned to `MOST_PIXELS` on the longer side.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hsi_studio.files import replacing
from hsi_studio.io.map_rasters import cog, scene_tags
from hsi_studio.types import FloatArray, Scene

MOST_PIXELS = 4000
STRONG, HINT = 215, 60  # alpha of what was found, at most of what was not (viewer: `colours.js`)
ByteArray = npt.NDArray[np.uint8]


def export_picture_geotiff(
    scene: Scene, path: Path, blocks: Iterable[tuple[slice, slice, ByteArray]], tags: Mapping[str, str]
) -> Path:
    """Red, green, blue and alpha, uint8; alpha 0 = nothing to show. `blocks`: (rows, columns, (h, w, 4)) that cover the
    scene. Raises FileProblem."""
    import rasterio
    from rasterio.enums import ColorInterp

    with cog(path, scene, "uint8", None, "AVERAGE", count=4) as target:
        target.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
        for rows, cols, values in blocks:
            target.write(np.moveaxis(values, 2, 0), window=rasterio.windows.Window.from_slices(rows, cols))
        target.update_tags(**{**tags, **scene_tags(scene)})
    return path


def export_values_geotiff(values: FloatArray, scene: Scene, path: Path, what: str, tags: Mapping[str, str]) -> Path:
    """(H, W) float32, NaN = no data. `what`: the band's description. Raises FileProblem."""
    with cog(path, scene, "float32", math.nan, "AVERAGE") as target:
        target.write(values.astype(np.float32), 1)
        target.set_band_description(1, what)
        target.update_tags(**{**tags, **scene_tags(scene)})
    return path


def export_rgba_png(rgba: ByteArray, path: Path) -> Path:
    """(h, w, 4) as PNG. Raises FileProblem."""
    from PIL import Image

    with replacing(path) as partial:
        Image.fromarray(rgba, "RGBA").save(partial, "PNG")
    return path


def thinned(height: int, width: int) -> int:
    """Stride after which no side is longer than `MOST_PIXELS`."""
    return max(1, math.ceil(max(height, width) / MOST_PIXELS))


def heat_colours(values: FloatArray, threshold: float) -> ByteArray:
    """(h, w) 0 … 1, NaN = no data → (h, w, 4): inferno, strong from the threshold on, a hint below, nothing for NaN."""
    from matplotlib import colormaps

    known = np.isfinite(values)
    share = np.where(known, np.clip(np.nan_to_num(values), 0, 1), 0)
    out = np.rint(colormaps["inferno"](0.25 + 0.75 * share) * 255).astype(np.uint8)  # (h, w, 4)
    hint = np.rint(HINT * share / max(threshold, 0.05))
    out[..., 3] = np.where(share >= threshold, STRONG, np.where(share > 0.04, hint, 0)) * known
    return np.asarray(out)
