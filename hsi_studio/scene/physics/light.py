"""Sunlight and skylight on a surface model: slopes, cast shadows, visible sky.

The direct beam on a slope is cos i (Lambert), relative to flat ground; a cell is in shadow when the surface towards
the sun rises above the ray to it (ray marching over the raster). Skylight is isotropic; the part seen is
(1 + cos slope)/2 (Kondratyev 1977, Radiation Regime of Inclined Surfaces, WMO 467) times an openness from the mean
height around the cell. The diffuse fraction follows a power law of the wavelength between molecular (λ⁻⁴) and
aerosol (λ⁻¹) scattering. What differs: no light reflected from slopes facing the cell except a constant floor in
shadows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hsi_studio.scene.physics.spectra import Array

_SHADOW_FLOOR = 0.05  # light that neighbours throw into a shadow, relative to full sun
_MAX_STEPS = 90


@dataclass(frozen=True)
class Sun:
    """Position: zenith angle and azimuth clockwise from north (up in the image), degrees."""

    zenith_deg: float = 42.0
    azimuth_deg: float = 132.0


@dataclass(frozen=True)
class Light:
    """(H, W): `sun` direct beam relative to flat sunlit ground, `sky` skylight relative to an open horizon."""

    sun: Array
    sky: Array
    lit: Array  # 1 in the sun, 0 in a cast shadow


def diffuse_fraction(wavelength_nm: Array) -> Array:
    """(L,) share of skylight in the light on flat ground under a clear sky."""
    return np.asarray(0.015 + 0.25 * (450.0 / wavelength_nm) ** 2.3)


def cast_shadow(surface_m: Array, pixel_m: float, sun: Sun) -> Array:
    """(H, W) 1 = sunlit, 0 = shadow, between them over the half metre of the penumbra."""
    from scipy.ndimage import shift

    elevation = np.tan(np.radians(90.0 - sun.zenith_deg))
    azimuth = np.radians(sun.azimuth_deg)
    towards = np.array([-np.cos(azimuth), np.sin(azimuth)])  # rows grow to the south
    relief = float(surface_m.max() - surface_m.min())
    steps = min(int(np.ceil(relief / elevation / pixel_m)), _MAX_STEPS)
    above = np.zeros_like(surface_m)
    for step in range(1, steps + 1):
        other = shift(surface_m, -towards * step, order=1, mode="nearest")
        above = np.maximum(above, other - step * pixel_m * elevation - surface_m)
    return np.asarray(1.0 - np.clip(above / 0.5, 0.0, 1.0))


def illuminate(surface_m: Array, pixel_m: float, sun: Sun, softness: Array) -> Light:
    """Light on a surface (H, W) of heights in metres. `softness` (H, W) 0–1 flattens slopes: a crown lets light in."""
    from scipy.ndimage import gaussian_filter

    down, right = np.gradient(gaussian_filter(surface_m, 0.6), pixel_m)
    limit = 2.0 * (1.0 - softness)
    down, right = (np.clip(g * (1.0 - softness), -limit, limit) for g in (down, right))
    cos_slope = 1.0 / np.sqrt(1.0 + down**2 + right**2)
    zenith, azimuth = np.radians(sun.zenith_deg), np.radians(sun.azimuth_deg)
    east, south = np.sin(zenith) * np.sin(azimuth), -np.sin(zenith) * np.cos(azimuth)
    cos_i = (np.cos(zenith) - right * east - down * south) * cos_slope
    lit = cast_shadow(surface_m, pixel_m, sun)
    direct = np.maximum(lit * np.maximum(cos_i, 0.0) / np.cos(zenith), _SHADOW_FLOOR)
    around = gaussian_filter(surface_m, 4.0 / pixel_m)
    openness = 1.0 / (1.0 + np.maximum(around - surface_m, 0.0) / 6.0)
    return Light(direct, 0.5 * (1.0 + cos_slope) * openness, lit)
