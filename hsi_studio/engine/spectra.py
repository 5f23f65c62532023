"""Spectra: a pixel's, a class's and a region's mean ± standard deviation, other forms of them, and what a library has
that is like them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest, LabelProblem
from hsi_studio.scene.library import SpectralLibrary
from hsi_studio.scene.region import polygon_mask
from hsi_studio.types import ClassInfo, FloatArray, LabelSet, Scene

MAX_PIXELS = 200  # of a class that its mean is taken over
REGION_PIXELS = 20_000  # of a region: more are thinned evenly
FORMS = ("values", "continuum", "derivative")
WATER_NM = ((1350.0, 1430.0), (1800.0, 1960.0))  # the air lets hardly any sunlight through
FEWEST_SHARED = 4  # bands that a pixel and a library must have in common
GAP = 4.0  # bands further apart than this many median steps have nothing between them


@dataclass(frozen=True)
class Spectrum:
    """One pixel's spectrum."""

    row: int
    col: int
    values: FloatArray  # (B,) NaN where there is no data or the band is not usable
    xy: tuple[float, float] | None  # map coordinates


@dataclass(frozen=True)
class ClassSpectrum:
    """Mean ± standard deviation of a class's labelled pixels."""

    info: ClassInfo
    count: int
    mean: FloatArray  # (B,)
    std: FloatArray  # (B,)


@dataclass(frozen=True)
class RegionSpectrum:
    """Mean ± standard deviation of the valid pixels inside an outline; of `used` of its `count` pixels."""

    count: int
    used: int
    mean: FloatArray  # (B,) NaN in bands that are not usable
    std: FloatArray  # (B,)


def region_spectrum(scene: Scene, corners: Sequence[tuple[float, float]]) -> RegionSpectrum:
    """Raises BadRequest for an outline that holds no valid pixel; corners as in `polygon_mask`."""
    inside = scene.usable(polygon_mask(scene.shape[:2], corners))
    count = int(inside.sum())
    if not count:
        raise BadRequest("There is no pixel with data inside this region: draw another one.")
    row, col = np.nonzero(inside)
    step = -(-count // REGION_PIXELS)
    row, col = row[::step], col[::step]
    total, square = np.zeros(scene.bands.count), np.zeros(scene.bands.count)
    shift: FloatArray | None = None
    for line in np.unique(row).tolist():
        at = col[row == line]
        values = scene.read(slice(line, line + 1), slice(int(at.min()), int(at.max()) + 1))[0, at - at.min()]
        if shift is None:
            shift = np.nan_to_num(values[0])  # keeps digits where values are large and alike
        moved = values.astype(np.float64) - shift
        total += moved.sum(axis=0)
        square += (moved**2).sum(axis=0)
    used = int(row.size)
    mean = total / used
    std = np.sqrt(np.maximum(square / used - mean**2, 0.0))
    mean = mean + (0.0 if shift is None else shift)
    mean[~scene.good_bands], std[~scene.good_bands] = np.nan, np.nan
    return RegionSpectrum(count, used, mean.astype(np.float32), std.astype(np.float32))


def in_form(form: str, wavelength_nm: FloatArray, values: FloatArray) -> FloatArray:
    """(B,) as it is, with the continuum removed, or its first derivative. NaN stays NaN.

    "continuum": over the upper convex hull (R. N. Clark, T. L. Roush, 1984, doi:10.1029/JB089iB07p06329), of each run
    of bands without a gap. "derivative": central differences a nanometre, within a run. `wavelength_nm` need not be
    sorted.
    Raises BadRequest for another form.
    """
    if form not in FORMS:
        raise BadRequest(f"There is no form {form!r} of a spectrum: choose one of {', '.join(FORMS)}.")
    if form == "values":
        return values
    out = np.full(values.shape, np.nan, dtype=np.float32)
    order = np.argsort(wavelength_nm, kind="stable")
    order = order[np.isfinite(values[order])]
    x, y = wavelength_nm[order].astype(np.float64), values[order].astype(np.float64)
    if x.size < 3:
        return out
    step = np.diff(x)
    for run in np.split(np.arange(x.size), np.flatnonzero(step > GAP * np.median(step)) + 1):
        keep = run[np.concatenate([[True], np.diff(x[run]) > 0])]  # two bands at one wavelength: the first
        if keep.size < 3:
            continue
        if form == "derivative":
            out[order[keep]] = np.gradient(y[keep], x[keep])
        else:
            hull = _upper_hull(x[keep], y[keep])
            out[order[keep]] = np.where(hull > 0, y[keep] / np.where(hull > 0, hull, 1.0), np.nan)
    return out


def _upper_hull(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n,) the lowest concave line over the points, x rising (A. M. Andrew's monotone chain)."""
    corners: list[int] = []
    for k in range(x.size):
        while len(corners) > 1:
            i, j = corners[-2], corners[-1]
            if (x[j] - x[i]) * (y[k] - y[i]) - (y[j] - y[i]) * (x[k] - x[i]) < 0:
                break
            corners.pop()
        corners.append(k)
    return np.interp(x, x[corners], y[corners])


@dataclass(frozen=True)
class Match:
    """A library's spectrum and how like it is. `values` (B,) as the sensor would see it."""

    name: str
    kind: str
    source: str
    measured: bool
    angle_deg: float
    values: FloatArray


@dataclass(frozen=True)
class Matches:
    """The most alike first; over `bands` bands. `note`: what has to be known to believe them."""

    found: tuple[Match, ...]
    bands: int
    note: str


def best_matches(scene: Scene, values: FloatArray, library: SpectralLibrary, seen: FloatArray, count: int) -> Matches:
    """By spectral angle (F. A. Kruse et al., 1993, doi:10.1016/0034-4257(93)90013-N), which brightness does not change.

    `seen` (N, B): the library at the scene's bands. Bands that either lacks and the water windows are left out. Raises
    BadRequest with fewer than `FEWEST_SHARED` shared bands, or a spectrum of zeros.
    """
    nm = scene.bands.wavelength_nm
    assert nm is not None  # `seen` was made with it
    wet = np.any([(nm >= low) & (nm <= high) for low, high in WATER_NM], axis=0)
    shared = np.isfinite(values) & np.isfinite(seen).any(axis=0) & scene.good_bands & ~wet
    if int(shared.sum()) < FEWEST_SHARED:
        raise BadRequest(
            f"{int(shared.sum())} bands are in the scene and in {library.title}: {FEWEST_SHARED} are needed to compare."
        )
    own, theirs = values[shared].astype(np.float64), seen[:, shared].astype(np.float64)
    length = np.linalg.norm(own)
    if length == 0:
        raise BadRequest("This spectrum is zero in every band: there is nothing to compare.")
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = theirs @ own / (np.linalg.norm(theirs, axis=1) * length)
    angle = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    angle = np.where(np.isfinite(angle), angle, np.inf)
    best = [int(n) for n in np.argsort(angle, kind="stable")[:count] if np.isfinite(angle[n])]
    held = f"in {scene.value_unit}" if scene.value_unit else "in a unit that the file does not give"
    note = (
        ""
        if scene.value_unit == "reflectance"
        else (f"The library holds reflectance, and this scene's values are {held}: likenesses are hints at most.")
    )
    found = tuple(
        Match(
            library.names[n], library.kinds[n], library.sources[n], bool(library.measured[n]), float(angle[n]), seen[n]
        )
        for n in best
    )  # fmt: skip
    return Matches(found, int(shared.sum()), note)


def pixel_spectrum(scene: Scene, row: int, col: int) -> Spectrum:
    """Raises LabelProblem for a pixel outside the scene."""
    height, width, _ = scene.shape
    if not (0 <= row < height and 0 <= col < width):
        raise LabelProblem(
            f"Row {row}, column {col} is outside the scene (rows 0–{height - 1}, columns 0–{width - 1})."
        )
    values = scene.spectrum(row, col)
    values[~scene.good_bands] = np.nan
    return Spectrum(row, col, values, scene.map_xy(row, col))


def class_spectra(scene: Scene, labels: LabelSet) -> list[ClassSpectrum]:
    """Classes with labels, in order; bands that are not usable are NaN."""
    found = []
    for k, info in enumerate(labels.schema.classes):
        members = np.flatnonzero(labels.label == k)[:MAX_PIXELS]
        if not members.size:
            continue
        values = np.stack([scene.spectrum(int(labels.row[n]), int(labels.col[n])) for n in members])  # (n, B)
        values[:, ~scene.good_bands] = np.nan
        found.append(ClassSpectrum(info, members.size, values.mean(axis=0), values.std(axis=0)))
    return found
