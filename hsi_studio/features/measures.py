"""Named facts of spectra: brightness, colour, vegetation and water indices, red edge, depths of absorption features.

Sources: NDVI: J. W. Rouse et al., 1974, NASA SP-351; NDRE: A. Gitelson, M. N. Merzlyak, 1994, J. Plant Physiol. 143,
doi:10.1016/S0176-1617(11)81633-0; NDWI (open water): S. K. McFeeters, 1996, doi:10.1080/01431169608948714; leaf water
(NDMI): B.-C. Gao, 1996, doi:10.1016/S0034-4257(96)00067-3; CAI: C. S. T. Daughtry, 2001,
doi:10.2134/agronj2001.931125x; red edge by four points: G. Guyot, F. Baret, 1988, ESA SP-287; continuum removal:
R. N. Clark, T. L. Roush, 1984, doi:10.1029/JB089iB07p06329.
What differs: the continuum of a feature is the straight line between two stated shoulders, not a hull; CAI is divided
by the mean of its three bands, so that it does not grow with brightness; a wavelength is the mean of the bands inside a
window around it.

A measure exists only where the sensor has usable bands in *every* window it needs, and no window may lie in the
atmosphere's water-vapour bands (`VAPOUR_NM`): what is seen there is air. At-sensor radiance is turned into something
like reflectance, without depths of absorption, which would be the air's: haze, taken from the scene's darkest values
in the visible, is subtracted (dark object: P. S. Chavez, 1988, doi:10.1016/0034-4257(88)90019-3) and the rest divided
by the light of a black-body sun at `SUN_ZENITH_DEG`. Values in an unknown unit count as reflectance when their size
says so, else they are scaled so that the scene's mean visible brightness is `TYPICAL`, and have no colours either.

Notation: n spectra, B bands.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hsi_studio.types import BoolArray, FloatArray

VAPOUR_NM = ((1345.0, 1455.0), (1800.0, 1962.0))  # between them nothing of the ground is seen through air
SUN_K = 5778.0
SUN_ZENITH_DEG = 35.0
SUN_RADIUS_AU = 6.957e8 / 1.495978707e11
RADIANCE = {  # unit → µW/(cm² nm sr)
    "µW/(cm² nm sr)": 1.0, "uW/(cm^2 nm sr)": 1.0, "W/(m² µm sr)": 0.1, "W/(m^2 um sr)": 0.1, "W/(m² nm sr)": 100.0,
    "mW/(m² nm sr)": 0.1,
}  # fmt: skip
HAZE_TO_NM, DARK = 740.0, 0.015  # path radiance matters below; what the darkest object reflects itself
TYPICAL = 0.12  # visible reflectance of a mixed landscape
WINDOWS: dict[str, tuple[float, float]] = {  # first and last nm of the bands a window may hold
    "blue": (440, 500), "green": (530, 580), "red": (640, 680), "edge": (700, 712), "edge_far": (735, 755),
    "r670": (662, 680), "r700": (694, 706), "r740": (733, 747), "r780": (773, 790),
    "nir": (780, 900), "swir": (1550, 1750), "r1240": (1225, 1255),
}  # fmt: skip
# name: (left shoulder, centre, right shoulder), each (first nm, last nm)
FEATURES: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "depth_970": ((885, 925), (960, 985), (1045, 1085)),
    "depth_1200": ((1075, 1110), (1185, 1220), (1255, 1290)),
    "depth_1450": ((1290, 1335), (1456, 1475), (1640, 1680)),
    "depth_1730": ((1680, 1705), (1720, 1745), (1762, 1790)),
    "depth_1940": ((1765, 1799), (1963, 1985), (2120, 2150)),
    "depth_2100": ((2020, 2055), (2085, 2120), (2165, 2195)),
    "depth_2200": ((2130, 2165), (2195, 2218), (2240, 2265)),
    "depth_2300": ((2235, 2270), (2305, 2345), (2375, 2400)),
}


@dataclass(frozen=True)
class Calibration:
    """How stored values become reflectance, or something like it: (value − haze) · factor, both (B,)."""

    factor: FloatArray
    haze: FloatArray
    absolute: bool = True  # the values are reflectance: depths of absorption mean something
    colours: bool = True  # bands may be compared with each other in the visible
    note: str = ""  # for the evidence, when they are not reflectance


@dataclass(frozen=True)
class Measured:
    """Facts of n spectra: name → (n,) float32, and the centre wavelengths (nm) of the bands each was made from."""

    values: dict[str, FloatArray]
    bands_nm: dict[str, tuple[float, ...]] = field(default_factory=dict)
    absolute: bool = True

    def __len__(self) -> int:
        return next((v.size for v in self.values.values()), 0)


class Axis:
    """A sensor's usable bands by wavelength."""

    def __init__(self, wavelength_nm: FloatArray | None, usable: BoolArray) -> None:
        known = wavelength_nm is not None
        self.wavelength_nm = wavelength_nm if wavelength_nm is not None else np.zeros(usable.size, dtype=np.float32)
        self.usable = usable & np.isfinite(self.wavelength_nm) if known else np.zeros(usable.size, dtype=np.bool_)
        for low, high in VAPOUR_NM:
            self.usable = self.usable & ~((self.wavelength_nm >= low) & (self.wavelength_nm <= high))

    def window(self, low: float, high: float) -> npt.NDArray[np.int64]:
        """Indices of the usable bands whose centres lie in [low, high] nm; the nearest one within half its width (at
        least 5 nm) of the window when none lies inside; empty when the sensor does not see there."""
        inside = self.usable & (self.wavelength_nm >= low) & (self.wavelength_nm <= high)
        if inside.any():
            return np.flatnonzero(inside).astype(np.int64)
        slack = max(5.0, (high - low) / 4)
        near = self.usable & (self.wavelength_nm >= low - slack) & (self.wavelength_nm <= high + slack)
        if not near.any():
            return np.zeros(0, dtype=np.int64)
        distance = np.abs(self.wavelength_nm - (low + high) / 2)
        return np.array([np.argmin(np.where(near, distance, np.inf))], dtype=np.int64)


def sun_light(wavelength_nm: FloatArray) -> FloatArray:
    """(B,) irradiance of a black-body sun at one astronomical unit, µW/(cm² nm)."""
    metre = np.maximum(wavelength_nm.astype(np.float64), 200.0) * 1e-9
    h, c, k = 6.62607015e-34, 2.99792458e8, 1.380649e-23
    radiance = 2 * h * c**2 / metre**5 / np.expm1(h * c / (metre * k * SUN_K))  # W/(m² m sr)
    return np.asarray(np.pi * radiance * SUN_RADIUS_AU**2 * 1e-9 * 100.0, dtype=np.float32)


def calibrate(
    unit: str, wavelength_nm: FloatArray | None, band_mean: FloatArray, band_min: FloatArray, usable: BoolArray
) -> Calibration:
    """How a scene's values are read. `unit` as in `Scene.value_unit`; `band_mean`, `band_min` (B,) over its pixels."""
    count = band_mean.size
    none, ones = np.zeros(count, dtype=np.float32), np.ones(count, dtype=np.float32)
    if unit == "reflectance":
        return Calibration(ones, none)
    if unit in RADIANCE and wavelength_nm is not None:
        light = sun_light(wavelength_nm) * np.float32(np.cos(np.radians(SUN_ZENITH_DEG)))
        factor = np.float32(np.pi * RADIANCE[unit]) / light
        haze = np.where(wavelength_nm < HAZE_TO_NM, np.maximum(band_min - DARK / factor, 0.0), 0.0)
        note = f"radiance without haze, over a black-body sun at {SUN_ZENITH_DEG:.0f}° from the zenith"
        return Calibration(factor, np.where(np.isfinite(haze), haze, 0.0).astype(np.float32), False, True, note)
    means = band_mean[usable & np.isfinite(band_mean)]
    assumed = assumed_scale(unit, means) if wavelength_nm is not None and means.size else None
    radiant = None  # as light falls: counts of a sensor are as large as reflectance × 10 000
    if wavelength_nm is not None and means.size and _is_share(unit) and "reflectance" not in unit.lower():
        radiant = _radiance_like(wavelength_nm, band_mean, usable)
    if assumed is not None and (assumed[0] == 1.0 or radiant is None):
        scale, said = assumed
        return Calibration(np.full(count, scale, dtype=np.float32), none, note=said)
    if radiant is not None and wavelength_nm is not None:
        light = sun_light(wavelength_nm)
        factor = np.float32(radiant) / light
        haze = np.where(wavelength_nm < HAZE_TO_NM, np.maximum(band_min - DARK / factor, 0.0), 0.0)
        note = (
            "the file names no unit; the values fall towards the infrared as sunlight does, so they are read as "
            f"radiance without haze, scaled so that the visible reflects {100 * TYPICAL:.0f} % on average"
        )
        return Calibration(factor, np.where(np.isfinite(haze), haze, 0.0).astype(np.float32), False, True, note)
    seen = Axis(wavelength_nm, usable).window(440, 690)
    seen = seen if seen.size else np.flatnonzero(usable)
    level = float(np.mean(band_mean[seen])) if seen.size else 1.0
    scale = TYPICAL / level if np.isfinite(level) and level > 0 else 1.0
    return Calibration(
        np.full(count, scale, dtype=np.float32), none, False, False, "values of the file, scaled to the scene"
    )


def assumed_scale(unit: str, means: FloatArray) -> tuple[float, str] | None:
    """(factor, sentence) that makes band means (b,) reflectance, by what the unit says and by their size; None = no.

    Reflectance of landscapes is 0.02 to 0.7 on average and below 1.2 in any band's mean; products store it as a share,
    in percent, or × 10 000. A unit that is a name of none of these is never taken for reflectance.
    """
    said = unit.lower().replace(" ", "")
    percent = said in ("%", "percent", "pct") or "%" in said
    if not (percent or _is_share(unit)):
        return None
    level, top = float(means.mean()), float(means.max())
    how = f"the unit is “{unit}”" if unit else "the file names no unit"
    remedy = "if that is wrong, open it again and give its scale"
    for scale, words in ((1.0, "a share"), (100.0, "percent"), (10_000.0, "reflectance × 10 000")):
        if (percent and scale == 10_000.0) or not (0.02 < level / scale < 0.7 and top / scale < 1.2):
            continue
        return 1.0 / scale, f"{how}; by their size (mean {level:.3g}) the values are read as {words}: {remedy}"
    return None


def _is_share(unit: str) -> bool:
    plain = unit.lower().strip("[]() ")
    return plain in ("", "1", "unitless", "none", "-", "dn") or "reflectance" in plain


def _radiance_like(wavelength_nm: FloatArray, band_mean: FloatArray, usable: BoolArray) -> float | None:
    """π / (E cos 35°) of values that fall from the visible to the short-wave infrared as sunlight does, scaled to
    `TYPICAL`; None for values that do not."""
    axis = Axis(wavelength_nm, usable)
    seen, far = axis.window(440, 690), axis.window(1550, 1750)
    slack = 1.6 if far.size else 1.2
    far = far if far.size else axis.window(860, 900)
    if not seen.size or not far.size:
        return None
    light = sun_light(wavelength_nm)
    ratio = float(band_mean[far].mean() / max(float(band_mean[seen].mean()), 1e-9))
    sun = float(light[far].mean() / light[seen].mean())
    if not ratio < slack * sun:
        return None
    return TYPICAL / float((band_mean[seen] / light[seen]).mean())


def measure(spectra: FloatArray, axis: Axis, calibration: Calibration | None = None) -> Measured:
    """Every fact the sensor can tell of spectra (n, B); NaN for a spectrum without data there."""
    values = spectra if calibration is None else (spectra - calibration.haze) * calibration.factor
    out: dict[str, FloatArray] = {}
    bands: dict[str, tuple[float, ...]] = {}

    def mean(window: tuple[float, float]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]] | None:
        index = axis.window(*window)
        return (values[:, index].mean(axis=1, dtype=np.float64), index) if index.size else None

    def keep(name: str, value: npt.NDArray[np.float64], *parts: npt.NDArray[np.int64]) -> None:
        out[name] = np.where(np.isfinite(value), value, np.nan).astype(np.float32)
        used = np.unique(np.concatenate(parts))
        bands[name] = tuple(round(float(w), 1) for w in np.sort(axis.wavelength_nm[used]))

    seen = {name: found for name, window in WINDOWS.items() if (found := mean(window)) is not None}

    def has(*names: str) -> bool:
        return all(name in seen for name in names)

    with np.errstate(divide="ignore", invalid="ignore"):
        for name in ("blue", "green", "red", "nir", "swir"):
            if has(name):
                keep(name, *seen[name])
        if has("blue", "green", "red"):
            (b, bi), (g, gi), (r, ri) = seen["blue"], seen["green"], seen["red"]
            total = np.maximum(b + g + r, 1e-6)
            keep("visible", total / 3, bi, gi, ri)
            if calibration is None or calibration.colours:
                keep("redness", (r - b) / np.maximum(r + b, 1e-6), bi, ri)
                keep("greenness", (2 * g - r - b) / total, bi, gi, ri)
        elif has("green", "red"):
            keep("visible", (seen["green"][0] + seen["red"][0]) / 2, seen["green"][1], seen["red"][1])
        for name, first, second in (
            ("ndvi", "nir", "red"), ("ndre", "edge_far", "edge"), ("ndwi", "green", "nir"), ("ndmi", "nir", "r1240"),
            ("swir_slope", "swir", "nir"),
        ):  # fmt: skip
            if has(first, second):
                (p, pi), (q, qi) = seen[first], seen[second]
                p, q = np.maximum(p, 0.0), np.maximum(q, 0.0)
                keep(name, np.where(p + q > 1e-4, (p - q) / np.maximum(p + q, 1e-4), 0.0), pi, qi)
        if has("r670", "r700", "r740", "r780"):
            points = [seen[name] for name in ("r670", "r700", "r740", "r780")]
            r670, r700, r740, r780 = (p[0] for p in points)
            at = 700.0 + 40.0 * ((r670 + r780) / 2 - r700) / (r740 - r700)
            keep("red_edge_nm", np.where((r740 > r700) & (at > 680) & (at < 760), at, np.nan), *(p[1] for p in points))
        absolute = calibration is None or calibration.absolute
        cai = [mean(w) for w in ((2005, 2035), (2085, 2115), (2185, 2215))]
        if absolute and all(c is not None for c in cai):
            (c20, i20), (c21, i21), (c22, i22) = (c for c in cai if c is not None)
            level = np.maximum((c20 + c21 + c22) / 3, 1e-4)
            keep("cai", (0.5 * (c20 + c22) - c21) / level, i20, i21, i22)
        for name, (left, centre, right) in FEATURES.items() if absolute else ():
            parts = [mean(left), mean(centre), mean(right)]
            if all(p is not None for p in parts):
                (a, ai), (c, ci), (z, zi) = (p for p in parts if p is not None)
                at_nm = [float(axis.wavelength_nm[i].mean()) for i in (ai, ci, zi)]
                share = (at_nm[1] - at_nm[0]) / (at_nm[2] - at_nm[0])
                line = a + share * (z - a)
                keep(name, np.where(line > 5e-3, 1.0 - c / np.maximum(line, 5e-3), 0.0), ai, ci, zi)
        flat = np.flatnonzero(axis.usable & (axis.wavelength_nm >= 450) & (axis.wavelength_nm <= 900))
        if flat.size >= 4 and has("green", "nir"):
            part = values[:, flat].astype(np.float64)
            keep("shape", part.std(axis=1) / np.maximum(part.mean(axis=1), 1e-3), flat)
    return Measured(out, bands, absolute)
