"""What a surface model says: height above ground, slope, local height range, roughness.

Sources: height above ground with a progressive morphological filter, K. Zhang et al., "A progressive
morphological filter for removing nonground measurements from airborne LIDAR data", IEEE TGRS 41(4), 2003,
doi:10.1109/TGRS.2003.810682 (eq. 3–5: windows that grow, thresholds slope · growth); slope by central
differences.
What differs: works on a raster, so it is a few grey openings; between openings terrain is interpolated by
the opened surface itself. A tilted plane is its own opening up to the window's edge effect, so a plane
fitted to the scene is taken off first.

For networks, `height_layers` stacks what a surface model says and `robust_scale` fits what brings it to one size.

Notation: z (H, W) height in metres, NaN = no data. Windows in pixels. L layers of a surface model.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hsi_studio.types import FloatArray

WINDOWS = (3, 5, 9, 17, 33, 65)  # pixels a side, growing
TERRAIN_SLOPE = 0.3  # rise a metre that still counts as terrain


def fill_gaps(z: npt.NDArray[np.floating]) -> FloatArray:
    """(H, W) with NaN replaced by the nearest known height; zeros when nothing is known."""
    from scipy.ndimage import distance_transform_edt

    known = np.isfinite(z)
    if known.all():
        return np.asarray(z, dtype=np.float32)
    if not known.any():
        return np.zeros(z.shape, dtype=np.float32)
    nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
    return np.asarray(z[tuple(nearest)], dtype=np.float32)


def plane(z: npt.NDArray[np.floating], rounds: int = 3) -> FloatArray:
    """(H, W) the plane under most of the surface: least squares, then again on what lies near or below it."""
    height, width = z.shape
    row, col = np.mgrid[0:height, 0:width]
    design = np.stack([np.ones(z.size), row.ravel(), col.ravel()], axis=1)  # (H·W, 3)
    values = z.ravel().astype(np.float64)
    kept = np.ones(z.size, dtype=bool)
    fitted = np.zeros(z.size)
    for _ in range(rounds):
        picked = np.flatnonzero(kept)
        picked = picked[:: max(1, picked.size // 100_000)]
        coefficients, *_ = np.linalg.lstsq(design[picked], values[picked], rcond=None)
        fitted = design @ coefficients
        residual = values - fitted
        kept = residual <= np.quantile(residual, 0.5)
    return np.asarray(fitted.reshape(z.shape), dtype=np.float32)


def ground(z: FloatArray, gsd_m: float = 1.0, windows: tuple[int, ...] = WINDOWS) -> FloatArray:
    """(H, W) terrain height under objects smaller than the last window. `z` must have no gaps."""
    from scipy.ndimage import grey_opening, uniform_filter

    tilt = plane(z)
    surface = z - tilt
    size_before = 1
    for size in windows:
        if size > min(z.shape):
            break
        opened = grey_opening(surface, size=(size, size), mode="nearest")
        threshold = 0.2 + TERRAIN_SLOPE * (size - size_before) * gsd_m * 0.5  # metres
        surface = np.where(surface - opened > threshold, opened, surface)
        size_before = size
    opened = grey_opening(surface, size=(3, 3), mode="nearest")
    smooth = uniform_filter(opened, size=3, mode="nearest")
    return np.asarray(np.minimum(smooth, surface) + tilt, dtype=np.float32)


def slope(z: npt.NDArray[np.floating], gsd_m: float = 1.0) -> FloatArray:
    """(H, W) rise a metre of distance, from central differences (one-sided at the border)."""
    if min(z.shape) < 2:
        return np.zeros(z.shape, dtype=np.float32)
    down, right = np.gradient(z.astype(np.float64), gsd_m)
    return np.asarray(np.hypot(down, right), dtype=np.float32)


def roughness(z: FloatArray, size: int = 5) -> FloatArray:
    """(H, W) standard deviation of height in a square window, metres."""
    from scipy.ndimage import uniform_filter

    centred = (z - z.mean()).astype(np.float64)  # keeps digits: variance of large heights cancels
    mean = uniform_filter(centred, size=size, mode="nearest")
    square = uniform_filter(centred**2, size=size, mode="nearest")
    return np.asarray(np.sqrt(np.maximum(square - mean**2, 0.0)), dtype=np.float32)


def height_above_ground(z: npt.NDArray[np.floating], gsd_m: float = 1.0) -> FloatArray:
    """(H, W) metres above the terrain, never negative; NaN where `z` (H, W) has no data."""
    filled = fill_gaps(z)
    above = np.maximum(filled - ground(filled, gsd_m), 0.0)
    above[~np.isfinite(z)] = np.nan
    return np.asarray(above, dtype=np.float32)


def height_layers(dsm: FloatArray, gsd_m: float = 1.0, relief: bool = False) -> FloatArray:
    """(H, W, 1 + L): ln(1 + height above ground) of the first layer, then the layers (H, W, L) as they are.

    With `relief` (H, W, 3 + L): ln(1 + slope) and ln(1 + roughness) come second and third. NaN where not known.
    """
    z = dsm[..., 0]
    made = [np.log1p(np.maximum(height_above_ground(z, gsd_m), 0.0))]
    if relief:
        filled, unknown = fill_gaps(z), ~np.isfinite(z)
        for values in (slope(filled, gsd_m), roughness(filled)):
            made.append(np.where(unknown, np.nan, np.log1p(values)))
    return np.concatenate([np.stack(made, axis=2), dsm], axis=2).astype(np.float32)


def robust_scale(layers: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Centre (L',) and scale (L',) of values (n, L'): median, and interquartile range / 1.349.

    A layer that is flat for most pixels is scaled by 0.3 of its deviation instead. Unknown layers get 0 and 1.
    """
    low, centre, high = np.nanquantile(layers, [0.25, 0.5, 0.75], axis=0).astype(np.float32)
    spreads = np.nanstd(layers, axis=0)
    scale = np.maximum((high - low) / 1.349, np.maximum(0.3 * spreads, 1e-6)).astype(np.float32)
    return (
        np.nan_to_num(centre).astype(np.float32),
        np.where(np.isfinite(scale), scale, 1.0).astype(np.float32),
    )
