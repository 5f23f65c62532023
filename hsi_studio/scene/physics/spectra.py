"""Spectral axis and smooth curves shared by the surface models.

Water absorption: knots (rounded) of R. M. Pope & E. S. Fry (1997), Applied Optics 36, 8710, below 730 nm, and of
G. M. Hale & M. R. Querry (1973), Applied Optics 12, 555, and L. Kou et al. (1993), Applied Optics 32, 3531, above.
Interpolated in the logarithm by a monotone cubic. Approximation: within some 10 % between knots.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SHORTEST_NM, LONGEST_NM = 400.0, 2500.0

# wavelength_nm: absorption of pure liquid water, 1/m
_WATER = {
    400: 0.0066, 420: 0.0045, 440: 0.0064, 460: 0.0098, 480: 0.0127, 500: 0.0204, 515: 0.039, 550: 0.0565,
    575: 0.077, 600: 0.222, 630: 0.292, 660: 0.41, 690: 0.516, 710: 0.83, 740: 2.4, 765: 2.6, 800: 2.0, 830: 2.9,
    870: 5.2, 910: 8.0, 940: 24.0, 970: 46.0, 1000: 38.0, 1040: 16.0, 1070: 13.0, 1110: 19.0, 1150: 85.0, 1200: 125.0,
    1250: 103.0, 1290: 105.0, 1320: 145.0, 1360: 330.0, 1400: 1300.0, 1450: 2900.0, 1490: 2100.0, 1550: 1000.0,
    1610: 640.0, 1670: 520.0, 1720: 560.0, 1790: 790.0, 1850: 930.0, 1880: 2200.0, 1910: 9200.0, 1935: 12500.0,
    1970: 9800.0, 2020: 5200.0, 2100: 2600.0, 2170: 1900.0, 2220: 1750.0, 2280: 2100.0, 2340: 3100.0, 2400: 5000.0,
    2450: 7300.0, 2500: 9500.0,
}  # fmt: skip


def grid_nm() -> Array:
    """(L,) the 5-nm axis on which the physics runs."""
    return np.arange(SHORTEST_NM, LONGEST_NM + 1.0, 5.0)


def bumps(wavelength_nm: Array, bands: list[tuple[float, float, float]]) -> Array:
    """Sum of Gaussians (centre nm, standard deviation nm, height) → (L,)."""
    total = np.zeros_like(wavelength_nm)
    for centre, width, height in bands:
        total += height * np.exp(-0.5 * ((wavelength_nm - centre) / width) ** 2)
    return total


def hermite(knot: Array, value: Array, slope: Array, x: Array) -> Array:
    """Cubic Hermite curve through (knot, value) with the given slopes, at x; value and slope (n,) or (n, D)."""
    i = np.clip(np.searchsorted(knot, x, side="right") - 1, 0, knot.size - 2)
    width = knot[i + 1] - knot[i]
    t = ((x - knot[i]) / width).reshape(-1, *[1] * (value.ndim - 1))
    width = width.reshape(t.shape)
    start, end = value[i], value[i + 1]
    curve_part = t * (1 - t) * ((1 - t) * slope[i] - t * slope[i + 1]) * width
    return np.asarray((1 - t) ** 2 * (1 + 2 * t) * start + t**2 * (3 - 2 * t) * end + curve_part)


def curve(wavelength_nm: Array, knots: dict[int, float]) -> Array:
    """Monotone cubic through {wavelength_nm: value} → (L,), as F. N. Fritsch & J. Butland (1984), SIAM J. Sci. Stat.
    Comput. 5, 300: between two knots it never leaves their values. (scipy.interpolate takes half a second to import.)
    """
    knot, value = np.array(list(knots), dtype=np.float64), np.array(list(knots.values()))
    secant = np.diff(value) / np.diff(knot)
    left, right = secant[:-1], secant[1:]
    same = left * right > 0
    width_left, width_right = np.diff(knot)[:-1], np.diff(knot)[1:]
    w1, w2 = 2 * width_right + width_left, width_right + 2 * width_left
    safe_left, safe_right = np.where(same, left, 1.0), np.where(same, right, 1.0)
    inner = np.where(same, (w1 + w2) / (w1 / safe_left + w2 / safe_right), 0.0)
    return hermite(knot, value, np.concatenate([secant[:1], inner, secant[-1:]]), wavelength_nm)


@lru_cache(maxsize=8)
def _water_absorption(key: tuple[float, ...]) -> Array:
    value = np.exp(curve(np.array(key), {nm: float(np.log(a)) for nm, a in _WATER.items()}))
    value.flags.writeable = False
    return value


def water_absorption_per_m(wavelength_nm: Array) -> Array:
    """(L,) absorption coefficient of pure liquid water in 1/m, 400–2500 nm."""
    return _water_absorption(tuple(float(w) for w in wavelength_nm))


def band_response(wavelength_nm: Array, fwhm_nm: Array) -> Array:
    """(B, L) Gaussian spectral response of each band on `grid_nm()`; rows sum to 1."""
    sigma = np.maximum(fwhm_nm, 5.0)[:, None] / (2.0 * np.sqrt(2.0 * np.log(2.0)))
    weight = np.exp(-0.5 * ((grid_nm()[None, :] - wavelength_nm[:, None]) / sigma) ** 2)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))
