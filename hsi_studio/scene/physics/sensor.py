"""An airborne push-broom imaging spectrometer: bands, optical blur, noise, storage as integers.

Noise has a part that does not depend on the signal and one that grows with its root (photon noise), scaled so that a
surface of 30 % reflectance has the given signal-to-noise ratio at the best band; sunlight and detector make it worse
towards both ends of the range and beside the water-vapour bands. Each detector column has a gain of its own
(striping). Reflectance is stored as int16 in units of 1e-4, as processing chains deliver it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest
from hsi_studio.scene.physics.spectra import LONGEST_NM, SHORTEST_NM, Array, bumps
from hsi_studio.types import FloatArray

SCALE = 1e-4
NODATA = -9999


def check_bands(wavelength_nm: Array, fwhm_nm: Array | None) -> Array:
    """The bands' full widths at half maximum, by default their spacing. Raises BadRequest outside 400–2500 nm."""
    if wavelength_nm.ndim != 1 or wavelength_nm.size == 0:
        raise BadRequest(f"wavelength_nm has shape {wavelength_nm.shape}: give a list of band centres in nanometres.")
    low, high = float(wavelength_nm.min()), float(wavelength_nm.max())
    if not (low >= SHORTEST_NM and high <= LONGEST_NM):
        raise BadRequest(
            f"The simulation covers {SHORTEST_NM:.0f}–{LONGEST_NM:.0f} nm, the bands asked for {low:g}–{high:g}: "
            "give band centres in nanometres inside that range."
        )
    if fwhm_nm is not None:
        if fwhm_nm.shape != wavelength_nm.shape:
            raise BadRequest(f"{fwhm_nm.size} band widths for {wavelength_nm.size} bands: give one width per band.")
        return fwhm_nm
    if wavelength_nm.size == 1:
        return np.full(1, 10.0)
    order = np.argsort(wavelength_nm)
    gaps = np.diff(wavelength_nm[order])
    spacing = np.empty(wavelength_nm.size)
    spacing[order] = np.minimum(np.r_[gaps, gaps[-1]], np.r_[gaps[0], gaps])  # not the gap over a left-out range
    return np.clip(spacing, 1.0, 40.0)


def signal_to_noise(wavelength_nm: Array, best: float) -> Array:
    """(B,) signal-to-noise ratio over 30 % reflectance."""
    w = wavelength_nm
    sunlight = np.exp(-(((w - 620.0) / 900.0) ** 2)) * 0.75 + 0.25 * np.exp(-(w - 400.0) / 2600.0)
    blue = 1.0 / (1.0 + np.exp(-(w - 425.0) / 22.0))
    vapour = 1.0 - bumps(w, [(940, 22, 0.35), (1130, 28, 0.40), (1400, 55, 0.9), (1880, 70, 0.92), (2480, 45, 0.5)])
    shape = sunlight * (0.35 + 0.65 * blue) * vapour
    return np.asarray(best * np.clip(shape / 0.9, 0.04, 1.0))


def blur(cube: FloatArray, sigma_px: float) -> FloatArray:
    """The optics' point spread, Gaussian, over rows and columns of (H, W, B)."""
    if sigma_px <= 0.0:
        return cube
    from scipy.ndimage import convolve1d

    reach = max(1, int(np.ceil(2.5 * sigma_px)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_px) ** 2)
    kernel /= kernel.sum()
    once: Any = convolve1d(cube, kernel, axis=0, mode="nearest")
    return np.asarray(convolve1d(once, kernel, axis=1, mode="nearest"), dtype=np.float32)


def expose(cube: FloatArray, wavelength_nm: Array, best_snr: float, rng: np.random.Generator) -> FloatArray:
    """The cube (H, W, B) as the detector sees it: striping of 0.3 % and noise. Changes `cube` in place."""
    deviation = (0.3 / signal_to_noise(wavelength_nm, best_snr)).astype(np.float32)
    cube *= 1.0 + 0.003 * rng.standard_normal((1, cube.shape[1], cube.shape[2]), dtype=np.float32)
    noise = rng.standard_normal(cube.shape, dtype=np.float32)
    noise *= deviation
    noise *= np.sqrt(0.3 + 0.7 / 0.3 * np.maximum(cube, 0.0))
    cube += noise
    return cube


def store(cube: FloatArray, invalid: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.int16]:
    """(H, W, B) int16 reflectance · 10⁴; `invalid` pixels (H, W) become NODATA."""
    stored: npt.NDArray[np.int16] = np.rint(np.clip(cube, -0.05, 3.0) / SCALE).astype(np.int16)
    if invalid is not None:
        stored[invalid] = NODATA
    return stored
