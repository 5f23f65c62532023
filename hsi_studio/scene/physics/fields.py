"""Smooth random fields and per-object draws: what makes one field greener than the next.

A field is white noise filtered in the Fourier domain with a Matérn-like spectrum, (1 + (k·ℓ)²)^(−slope): patches of
about ℓ metres that fade into finer grain. Cost: two FFTs a field.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hsi_studio.scene.physics.spectra import Array


def smooth_field(
    shape: tuple[int, int], pixel_m: float, scale_m: float, rng: np.random.Generator, slope: float = 1.4
) -> Array:
    """(H, W) zero-mean, unit-variance random field with patches of about `scale_m` metres.

    The noise is padded by two scales, so that the field does not wrap around at the scene's edges.
    """
    pad = min(int(np.ceil(2.0 * scale_m / pixel_m)), max(shape))
    rows, cols = shape[0] + pad, shape[1] + pad
    k_row = 2.0 * np.pi * np.fft.fftfreq(rows, d=pixel_m)[:, None]
    k_col = 2.0 * np.pi * np.fft.rfftfreq(cols, d=pixel_m)[None, :]
    amplitude = (1.0 + (k_row**2 + k_col**2) * (scale_m / (2.0 * np.pi)) ** 2 * 4.0) ** -slope
    amplitude[0, 0] = 0.0
    noise = np.fft.rfft2(rng.standard_normal((rows, cols)))
    field = np.fft.irfft2(noise * amplitude, s=(rows, cols))[: shape[0], : shape[1]]
    spread = float(field.std())
    return np.asarray((field - field.mean()) / spread) if spread > 0 else np.zeros(shape)


def connected_objects(class_raster: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """(H, W) numbers 0 … n−1 of the 4-connected regions of equal class."""
    from scipy.ndimage import label

    objects = np.zeros(class_raster.shape, dtype=np.int64)
    count = 0
    for value in np.unique(class_raster):
        region, found = label(class_raster == value)
        objects = np.where(region > 0, region + count - 1, objects)
        count += int(found)
    return objects


def per_object(objects: npt.NDArray[np.int64], rng: np.random.Generator) -> Array:
    """(H, W) one standard normal draw for each object number."""
    draws = rng.standard_normal(int(objects.max()) + 1)
    return np.asarray(draws[objects])
