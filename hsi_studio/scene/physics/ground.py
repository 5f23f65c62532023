"""Bare and man-made ground, and open water.

Sources: wet soil as a water film on a Lambertian base: A. Ångström (1925), Geografiska Annaler 7, 323; J. Lekner &
M. C. Dorf (1988), Applied Optics 27, 1278; film absorption as in H. Bach & W. Mauser (1994), IGARSS, 1474, and
W. D. Philpot (2010), IGARSS, 1075. Absorption features as depth times a Gaussian on a smooth continuum: R. N. Clark
(1999), Manual of Remote Sensing 3, ch. 1 (iron 480–530/870 nm, hydroxyl in clay 2205, carbonate 2335, hydrocarbons
1730/2310 nm). Deep water: H. R. Gordon et al. (1988), J. Geophys. Res. 93, 10909 (reflectance from absorption and
backscatter); Z. Lee et al. (1999), Applied Optics 38, 3831 (through the surface); A. Morel (1974) (molecular
scattering); A. Bricaud et al. (1981), Limnol. Oceanogr. 26, 43 (dissolved organic matter).
What differs: the continua are curves we drew through typical reflectances; they are nobody's measurements.
Notation: V variants, L wavelengths.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hsi_studio.scene.physics.leaf import average_transmissivity
from hsi_studio.scene.physics.spectra import Array, bumps, curve, water_absorption_per_m

_WATER_INDEX = 1.33
_FILM_CM = 0.018  # thickness of the water film of a fully wet soil

# continuum (wavelength_nm: reflectance) and features (centre nm, width nm, relative depth)
_CONTINUA: dict[str, dict[int, float]] = {
    "loam": {400: 0.075, 500: 0.12, 600: 0.19, 700: 0.24, 850: 0.29, 1100: 0.355, 1400: 0.40, 1700: 0.43, 2100: 0.41,
             2300: 0.38, 2500: 0.33},
    "litter": {400: 0.04, 500: 0.06, 600: 0.09, 700: 0.14, 850: 0.23, 1100: 0.33, 1400: 0.36, 1700: 0.38, 2100: 0.30,
               2500: 0.22},
    "gravel": {400: 0.125, 500: 0.170, 600: 0.215, 700: 0.242, 900: 0.270, 1300: 0.31, 1700: 0.335, 2200: 0.325,
               2500: 0.29},
    "asphalt": {400: 0.082, 500: 0.097, 600: 0.112, 800: 0.128, 1100: 0.147, 1500: 0.165, 1900: 0.178, 2200: 0.178,
                2500: 0.165},
    "bitumen": {400: 0.078, 500: 0.089, 600: 0.100, 800: 0.113, 1100: 0.130, 1500: 0.149, 1900: 0.158, 2200: 0.156,
                2500: 0.142},
    "concrete": {400: 0.20, 500: 0.26, 600: 0.30, 800: 0.335, 1100: 0.36, 1500: 0.375, 1900: 0.36, 2200: 0.36,
                 2500: 0.32},
    "tile": {400: 0.062, 500: 0.088, 550: 0.125, 600: 0.225, 700: 0.31, 850: 0.345, 1100: 0.44, 1500: 0.50, 1900: 0.51,
             2200: 0.49, 2500: 0.45},
    "metal": {400: 0.37, 500: 0.42, 700: 0.44, 850: 0.435, 1000: 0.445, 1500: 0.48, 2000: 0.50, 2500: 0.51},
}  # fmt: skip
_FEATURES: dict[str, list[tuple[float, float, float]]] = {
    "loam": [(490, 45, 0.06), (880, 75, 0.06), (1415, 22, 0.05), (1915, 35, 0.10), (2205, 28, 0.11)],
    "litter": [(1480, 80, 0.06), (1730, 30, 0.04), (2100, 60, 0.12), (2280, 35, 0.05), (2340, 30, 0.07)],
    "gravel": [(900, 90, 0.03), (1915, 35, 0.06), (2335, 38, 0.12)],
    "asphalt": [(1730, 22, 0.025), (2310, 35, 0.05)],
    "bitumen": [(1730, 24, 0.05), (2310, 38, 0.085)],
    "concrete": [(1415, 20, 0.04), (1940, 40, 0.08), (2335, 36, 0.07)],
    "tile": [(530, 35, 0.10), (870, 65, 0.11), (2205, 30, 0.03)],
    "metal": [(840, 60, 0.02)],
}


def names() -> list[str]:
    """Dry surfaces that `dry` knows."""
    return list(_CONTINUA)


def dry(name: str, wavelength_nm: Array) -> Array:
    """(L,) reflectance of a dry surface of `names()`."""
    continuum = curve(wavelength_nm, _CONTINUA[name])
    return np.asarray(continuum * (1.0 - bumps(wavelength_nm, _FEATURES[name])))


def wet(reflectance: Array, moisture: npt.ArrayLike, wavelength_nm: Array) -> Array:
    """(V, L) reflectance of a rough surface part of which lies under a film of water.

    `moisture` (V,) in 0–1 is the covered part; film thickness grows with it. Under the film light meets the base
    again and again by internal reflection (Ångström 1925; Lekner & Dorf 1988), hence the darkening even where water
    does not absorb. The mirror reflection of the film is left out: it goes away from a nadir view.
    """
    covered = np.clip(np.atleast_1d(np.asarray(moisture, dtype=np.float64)), 0.0, 1.0)[:, None]
    into = float(average_transmissivity(90.0, _WATER_INDEX))
    inside = 1.0 - into / _WATER_INDEX**2  # diffuse light that does not leave the film
    film = np.exp(-2.0 * water_absorption_per_m(wavelength_nm) / 100.0 * _FILM_CM * covered)
    under = into * (1.0 - inside) * reflectance * film / (1.0 - inside * reflectance * film)
    return np.asarray((1.0 - covered) * reflectance + covered * under)


def deep_water(
    wavelength_nm: Array, sediment_g_m3: npt.ArrayLike, cdom_440_per_m: npt.ArrayLike, chlorophyll_mg_m3: npt.ArrayLike
) -> Array:
    """(V, L) irradiance reflectance above optically deep water, without sun glint; inputs (V,).

    rrs = 0.0949 u + 0.0794 u², u = bb/(a + bb) (Gordon 1988); Rrs = 0.52 rrs/(1 − 1.7 rrs) (Lee 1999); R = π Rrs.
    """
    sediment, cdom, pigment = (
        np.atleast_1d(np.asarray(v, dtype=np.float64))[:, None]
        for v in (sediment_g_m3, cdom_440_per_m, chlorophyll_mg_m3)
    )
    w = wavelength_nm[None, :]
    algae = 0.06 * pigment**0.65 * bumps(wavelength_nm, [(440, 35, 1.0), (490, 35, 0.45), (676, 13, 0.55)])
    a = water_absorption_per_m(wavelength_nm) + cdom * np.exp(-0.016 * (w - 440.0)) + algae
    a = a + 0.03 * sediment * np.exp(-0.011 * (w - 440.0))
    bb = 0.5 * 0.00288 * (w / 500.0) ** -4.32 + 0.011 * sediment * (550.0 / w) ** 0.7
    u = bb / (a + bb)
    below = 0.0949 * u + 0.0794 * u**2
    return np.asarray(np.pi * 0.52 * below / (1.0 - 1.7 * below))
