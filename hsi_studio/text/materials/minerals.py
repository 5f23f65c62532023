"""Minerals as ground that a sensor sees: a continuum, the mineral's own absorption bands, and soil or rock mixed in.

    R = continuum · exp(−s · Σ dₖ gₖ(λ)),   gₖ a Gaussian (centre nm, full width at half maximum nm), dₖ its absorbance

Where bands lie and how wide they are is published: R. N. Clark (1999), Manual of Remote Sensing 3, ch. 1 (tables of OH,
CO₃, H₂O, SO₄ and Fe bands); R. N. Clark et al. (1990), J. Geophys. Res. 95, 12653, doi:10.1029/JB095iB08p12653 (Al-OH,
Mg-OH, carbonates and sulphates at high resolution); G. R. Hunt (1977), Geophysics 42, 501 (what causes them); S. J.
Gaffey (1987), J. Geophys. Res. 92, 1429 (calcite and dolomite, 20 nm apart); M. D. Krohn & S. P. Altaner (1987),
Geophysics 52, 924 (ammonium in buddingtonite); R. V. Morris et al. (1985), J. Geophys. Res. 90, 3126, and R. G. Burns
(1993), Mineralogical Applications of Crystal Field Theory (Fe³⁺ of hematite, goethite and jarosite, Fe²⁺ of olivine);
R. F. Kokaly et al. (2017), USGS Spectral Library Version 7, doi:10.3133/ds1035 (which mineral has which).
Absorption as the exponential of Gaussians: J. M. Sunshine et al. (1990), J. Geophys. Res. 95, 6955; in wavelength
here, not in energy: bands are narrow. Mixing is of single-scattering albedos, grain beside grain: B. Hapke (1981), J.
Geophys. Res. 86, 3039, isotropic grains, R = (1 − γ)/(1 + γ), γ = √(1 − w).

The numbers were written down from what is known of these sources, to a few nm, widths more roughly, and not copied from
their tables one by one: before a retrieval rests on one, look it up.
What differs: continua and depths are ours, by what is typical of powders, and vary a lot: s (the size of grains) by a
factor of about two, each band's depth by a quarter, brightness, tilt, where the bands lie with composition
(`shift_nm`), and the mineral's share of the pixel. No measured spectrum was fitted. How measured ones are told was
asked afterwards (`benchmarks/minerals.py`): serpentine is not (2 %), it comes out as chlorite or nontronite. Widths
that vary by 15 % and a wider shoulder of serpentine were tried after that look, gave 3 to 8 %, and were taken back.

Notation: n spectra of a mineral, L wavelengths of `grid_nm()`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hsi_studio.scene.physics.spectra import Array, curve, grid_nm

Range = tuple[float, float]
Band = tuple[float, float, float]  # centre nm, full width at half maximum nm, absorbance
SIGMA_PER_FWHM = 0.42466
GRAINS, DEPTHS, BRIGHTNESS, TILT = 0.5, 0.25, 0.3, 0.08  # standard deviations of logarithms
SHARE: Range = (0.3, 1.0)  # of the mineral in a pixel of it


@dataclass(frozen=True)
class Mineral:
    """`continuum` wavelength nm → reflectance; `seen_nm`: where its most telling bands lie. A sensor that does not see
    there does not see this mineral."""

    continuum: dict[int, float]
    bands: tuple[Band, ...]
    seen_nm: Range
    shift_nm: float = 3.0  # standard deviation, of all bands together

    def draw(self, ground: Array, rng: np.random.Generator) -> Array:
        """(n, L) of ground (n, L) that holds it."""
        axis, n = grid_nm(), len(ground)
        shift = rng.normal(0.0, self.shift_nm, (n, 1))
        grains = np.exp(rng.normal(0.0, GRAINS, (n, 1)))
        absorbed = np.zeros((n, axis.size))
        for centre, fwhm, depth in self.bands:
            own = depth * np.exp(rng.normal(0.0, DEPTHS, (n, 1)))
            absorbed += own * np.exp(-0.5 * ((axis - centre - shift) / (SIGMA_PER_FWHM * fwhm)) ** 2)
        tilt = rng.normal(0.0, TILT, (n, 1)) * (axis - 1200.0)[None] / 1000.0
        bright = np.exp(rng.normal(0.0, BRIGHTNESS, (n, 1)) + tilt)
        powder = np.clip(curve(axis, self.continuum) * bright, 0.01, 0.95) * np.exp(-grains * absorbed)
        return mixed_grains(powder, ground, rng.uniform(*SHARE, (n, 1)))


def mixed_grains(one: Array, other: Array, share: Array) -> Array:
    """(n, L) reflectance of grains of two kinds beside each other, `share` (n, 1) of the first."""
    return _reflectance(share * _albedo(one) + (1.0 - share) * _albedo(other))


def _albedo(reflectance: Array) -> Array:
    r = np.clip(reflectance, 0.001, 0.98)
    return np.asarray(1.0 - ((1.0 - r) / (1.0 + r)) ** 2)


def _reflectance(albedo: Array) -> Array:
    gamma = np.sqrt(np.maximum(1.0 - albedo, 0.0))
    return np.asarray((1.0 - gamma) / (1.0 + gamma))


MINERALS: dict[str, Mineral] = {
    # Al-OH
    "kaolinite": Mineral(
        {400: 0.50, 550: 0.66, 800: 0.76, 1300: 0.80, 1700: 0.79, 2100: 0.72, 2500: 0.48},
        ((1396, 22, 0.30), (1414, 24, 0.50), (1912, 50, 0.10), (2163, 32, 0.36), (2207, 36, 0.62), (2312, 24, 0.12),
         (2352, 26, 0.15), (2382, 24, 0.16), (2450, 60, 0.20)),
        (2140, 2240), 1.5,
    ),
    "alunite": Mineral(
        {400: 0.50, 550: 0.64, 800: 0.74, 1300: 0.78, 1700: 0.73, 2100: 0.62, 2500: 0.36},
        ((1010, 20, 0.04), (1429, 26, 0.40), (1478, 42, 0.50), (1763, 40, 0.30), (1930, 60, 0.12), (2168, 54, 0.75),
         (2208, 38, 0.35), (2320, 46, 0.45), (2420, 60, 0.20)),
        (2130, 2350), 4.0,
    ),
    "muscovite": Mineral(
        {400: 0.34, 550: 0.48, 800: 0.58, 1300: 0.66, 1700: 0.67, 2100: 0.60, 2500: 0.44},
        ((1410, 24, 0.25), (1912, 50, 0.12), (2120, 30, 0.05), (2204, 42, 0.48), (2348, 40, 0.22), (2440, 50, 0.20)),
        (2160, 2380), 4.0,
    ),
    "montmorillonite": Mineral(
        {400: 0.48, 600: 0.68, 1000: 0.78, 1350: 0.79, 1700: 0.74, 2100: 0.62, 2500: 0.38},
        ((1412, 28, 0.32), (1465, 70, 0.18), (1909, 46, 0.50), (1970, 80, 0.25), (2209, 46, 0.28), (2450, 90, 0.12)),
        (2160, 2380),
    ),
    "pyrophyllite": Mineral(
        {400: 0.50, 600: 0.66, 1000: 0.74, 1700: 0.76, 2100: 0.70, 2500: 0.48},
        ((1394, 18, 0.70), (2066, 30, 0.08), (2090, 24, 0.05), (2166, 30, 0.75), (2206, 24, 0.10), (2318, 40, 0.25),
         (2350, 24, 0.10), (2391, 24, 0.22)),
        (2140, 2240),
    ),
    # Fe-OH and Mg-OH
    "nontronite": Mineral(
        {400: 0.07, 450: 0.13, 500: 0.23, 560: 0.37, 700: 0.52, 800: 0.58, 1200: 0.70, 1700: 0.72, 2100: 0.62,
         2500: 0.40},
        ((450, 30, 0.25), (640, 85, 0.25), (955, 190, 0.35), (1430, 40, 0.25), (1911, 48, 0.40), (1970, 80, 0.20),
         (2240, 36, 0.06), (2288, 44, 0.28), (2400, 50, 0.15)),
        (2250, 2330),
    ),
    "chlorite": Mineral(
        {400: 0.14, 550: 0.25, 700: 0.24, 1000: 0.26, 1300: 0.34, 1600: 0.42, 1800: 0.44, 2100: 0.39, 2500: 0.24},
        ((715, 200, 0.12), (905, 180, 0.18), (1120, 300, 0.25), (1392, 24, 0.12), (2000, 70, 0.10), (2254, 42, 0.22),
         (2338, 62, 0.42), (2390, 40, 0.12)),
        (2220, 2380), 5.0,
    ),
    "epidote": Mineral(
        {400: 0.15, 500: 0.32, 600: 0.44, 800: 0.50, 1300: 0.57, 1700: 0.61, 2100: 0.52, 2500: 0.30},
        ((475, 24, 0.12), (612, 90, 0.16), (1040, 300, 0.40), (1546, 36, 0.10), (1835, 50, 0.14), (2256, 44, 0.24),
         (2340, 58, 0.52), (2420, 60, 0.20)),
        (2220, 2380),
    ),
    "serpentine": Mineral(
        {400: 0.28, 550: 0.42, 700: 0.43, 1000: 0.44, 1300: 0.53, 1700: 0.58, 2100: 0.52, 2500: 0.28},
        ((920, 250, 0.12), (1388, 20, 0.45), (1965, 60, 0.10), (2112, 100, 0.12), (2290, 50, 0.14), (2323, 48, 0.48),
         (2450, 60, 0.15), (2510, 50, 0.40)),
        (2270, 2380),
    ),
    "talc": Mineral(
        {400: 0.50, 600: 0.66, 1000: 0.74, 1300: 0.78, 1700: 0.78, 2100: 0.73, 2500: 0.42},
        ((1392, 18, 0.50), (2078, 24, 0.06), (2130, 24, 0.04), (2178, 24, 0.06), (2232, 22, 0.08), (2287, 24, 0.25),
         (2312, 26, 0.60), (2388, 28, 0.35), (2462, 36, 0.35)),
        (2270, 2410), 2.0,
    ),
    "amphibole": Mineral(
        {400: 0.22, 550: 0.36, 800: 0.42, 1000: 0.44, 1300: 0.48, 1700: 0.52, 2100: 0.48, 2500: 0.27},
        ((1020, 260, 0.20), (1396, 20, 0.18), (2115, 40, 0.05), (2296, 40, 0.14), (2318, 34, 0.35), (2388, 36, 0.28),
         (2460, 50, 0.25)),
        (2270, 2410), 4.0,
    ),
    # CO3
    "calcite": Mineral(
        {400: 0.58, 550: 0.70, 800: 0.76, 1300: 0.78, 1700: 0.78, 2100: 0.75, 2250: 0.70, 2500: 0.50},
        ((1755, 30, 0.02), (1875, 42, 0.06), (1990, 42, 0.07), (2160, 36, 0.05), (2296, 50, 0.13), (2338, 56, 0.42),
         (2535, 70, 0.70)),
        (2270, 2380),
    ),
    "dolomite": Mineral(
        {400: 0.52, 550: 0.64, 800: 0.70, 1300: 0.74, 1700: 0.76, 2100: 0.73, 2250: 0.68, 2500: 0.46},
        ((1100, 400, 0.06), (1738, 30, 0.02), (1860, 42, 0.06), (1975, 42, 0.07), (2145, 36, 0.05), (2276, 50, 0.13),
         (2318, 56, 0.42), (2512, 70, 0.80)),
        (2250, 2370),
    ),
    # SO4 with H2O or OH
    "gypsum": Mineral(
        {400: 0.68, 600: 0.78, 1000: 0.82, 1300: 0.80, 1700: 0.73, 2100: 0.60, 2300: 0.54, 2500: 0.28},
        ((995, 40, 0.04), (1200, 60, 0.12), (1446, 32, 0.60), (1490, 32, 0.50), (1536, 38, 0.38), (1749, 36, 0.28),
         (1944, 60, 1.00), (1975, 70, 0.40), (2178, 30, 0.08), (2217, 46, 0.28), (2268, 42, 0.22), (2430, 100, 0.45)),
        (1720, 2290),
    ),
    "jarosite": Mineral(
        {400: 0.11, 450: 0.17, 500: 0.30, 560: 0.42, 700: 0.52, 1000: 0.58, 1300: 0.68, 1700: 0.68, 2100: 0.58,
         2500: 0.36},
        ((435, 24, 0.35), (650, 90, 0.12), (915, 190, 0.40), (1467, 42, 0.20), (1850, 52, 0.25), (2210, 40, 0.08),
         (2264, 46, 0.42), (2400, 50, 0.20), (2460, 60, 0.25)),
        (2220, 2300),
    ),
    # NH4 and Si-OH
    "buddingtonite": Mineral(
        {400: 0.34, 600: 0.52, 900: 0.62, 1300: 0.66, 1700: 0.60, 2000: 0.50, 2250: 0.46, 2500: 0.32},
        ((1557, 80, 0.12), (1910, 60, 0.15), (2020, 90, 0.32), (2118, 90, 0.48), (2205, 40, 0.06), (2370, 60, 0.10)),
        (2050, 2240),
    ),
    "chalcedony": Mineral(
        {400: 0.48, 600: 0.62, 1000: 0.70, 1700: 0.69, 2100: 0.60, 2500: 0.46},
        ((1410, 40, 0.12), (1460, 80, 0.08), (1910, 50, 0.25), (1965, 80, 0.15), (2210, 70, 0.13), (2262, 84, 0.13)),
        (2170, 2330),
    ),
    # Fe3+ and Fe2+ in the crystal field
    "hematite": Mineral(
        {400: 0.045, 530: 0.055, 560: 0.09, 590: 0.17, 620: 0.24, 700: 0.33, 760: 0.38, 900: 0.42, 1200: 0.47,
         1700: 0.50, 2500: 0.45},
        ((660, 70, 0.12), (868, 160, 0.42)),
        (540, 920), 6.0,
    ),
    "goethite": Mineral(
        {400: 0.05, 450: 0.075, 500: 0.13, 550: 0.22, 600: 0.30, 700: 0.38, 770: 0.43, 1000: 0.47, 1300: 0.54,
         1700: 0.57, 2100: 0.51, 2500: 0.40},
        ((480, 60, 0.28), (655, 110, 0.28), (925, 230, 0.52), (1450, 100, 0.05), (1940, 90, 0.12)),
        (540, 980), 6.0,
    ),
    "olivine": Mineral(
        {400: 0.15, 500: 0.29, 560: 0.40, 650: 0.44, 800: 0.48, 1300: 0.56, 1700: 0.60, 2500: 0.60},
        ((850, 180, 0.15), (1050, 230, 0.40), (1240, 280, 0.30)),
        (800, 1300), 6.0,
    ),
}  # fmt: skip
GROUPS: dict[str, tuple[frozenset[str], Range]] = {  # mixes: of which minerals, and where told from other ground
    "clay mineral": (
        frozenset({"kaolinite", "montmorillonite", "muscovite", "pyrophyllite", "nontronite"}),
        (2150, 2250),
    ),
    "iron oxide": (frozenset({"hematite", "goethite", "jarosite"}), (540, 920)),
    "carbonate": (frozenset({"calcite", "dolomite"}), (2270, 2370)),
}
NEW = frozenset({*MINERALS, "carbonate"})  # materials that came later than the rest of the list
WIDER = {  # the material that stood for each before, and still does in class vectors of trained methods; others: rock
    **dict.fromkeys(
        ("kaolinite", "alunite", "muscovite", "montmorillonite", "pyrophyllite", "nontronite"), "clay mineral"
    ),
    **dict.fromkeys(("hematite", "goethite", "jarosite"), "iron oxide"),
    **dict.fromkeys(("calcite", "gypsum"), "salt"),
}


def seen_nm(key: str) -> Range | None:
    """Where a mineral or a mix of them is told from other bare ground; None of any other material."""
    if key in MINERALS:
        return MINERALS[key].seen_nm
    return GROUPS[key][1] if key in GROUPS else None


def kin(key: str) -> frozenset[str]:
    """A mineral with the mixes that it is part of, or a mix with its minerals: what a question for one may not deny."""
    if key in GROUPS:
        return GROUPS[key][0] | {key}
    return frozenset({key, *(group for group, (of, _) in GROUPS.items() if key in of)})
