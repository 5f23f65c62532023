"""Which axis of a three-dimensional array is the spectral one.

The rule, in order of trust:
1. dimensions the file names (wavelength, y, x …): certain;
2. the axis as long as the wavelength vector, or left over by a class map or height map beside it: certain;
3. smoothness. Neighbouring bands show the same picture; neighbouring rows and columns do not. Take the array without
   its three mean profiles and measure the step from slice to slice along each axis, as a share of the variance
   (`roughness`). In 60 real cubes of twelve sensors the spectral axis is the smoothest by a factor of 2.8 to 1500.
   Three times smoother than the others: likely. Less, and it is not the habit (the last axis): asked;
4. where that does not tell, an axis of at most twelve beside two that are eight times as long (principal components,
   fractions, RGB): likely. Where it says otherwise, as of a strip of a few lines, or they are three times as long:
   asked;
5. nothing of all this: asked. A rising spectrum and a coast look alike in their variance, which never decides; and a
   cube that is mostly noise tells nothing by its slices. Only where nearly all variance lies along the last axis and
   the rest is noise (a spectrum: no picture is columns alone), where the last axis is short beside the others, and
   where there is no pattern at all, the last axis is taken: the habit of NumPy and MATLAB.

Projects from before rule 3 were read by variance (`by_variance`); they are still, so that labels stay on their pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.scene.plan import Fact, axes_text

Axes = tuple[int, int, int]  # stored axes that are rows, columns, bands
SAMPLE_SIDE = 32  # samples an axis for the variance of old projects
LARGEST_SAMPLED = 1 << 30  # bytes; strided reads of larger compressed files would decompress all of them
RUN, RUNS = 16, 3  # slices in a run, runs an axis, for the roughness
PLAIN, DOUBTFUL = 3.0, 1.5  # times smoother than the next axis
MOSTLY = 0.3  # share of a sample that must be left without its fill
SMOOTH = 0.5  # roughness from which slices are too unrelated to tell anything
TELLING = 0.4  # share of the variance along one axis that is a spectrum or a picture
CHANCE = 5.0  # beyond the largest eigenvalue of pure noise, in units of its spread
PROFILE = 0.8  # and that, along the last axis of what else is noise, is a spectrum: no picture is columns alone
THIN, THIN_BESIDE = 12, 8  # most slices of a thin axis, and how many times longer the others must be
SPECTRAL = ("wavelength", "wavelengths", "band", "bands", "wl", "spectral", "channel", "channels", "lambda", "wave",
            "wvl",
            "nbands", "number_of_bands", "wavelength_3d", "spectrum", "wave_length")  # fmt: skip
ROWS = ("y", "row", "rows", "line", "lines", "lat", "latitude", "northing", "downtrack", "nrows", "number_of_scans",
        "along_track", "along-track", "scan", "scans", "number_of_lines", "nlines", "height")  # fmt: skip
COLS = ("x", "col", "cols", "column", "columns", "sample", "samples", "lon", "longitude", "easting", "crosstrack",
        "ncols", "ccd_pixels", "pixels", "across_track", "across-track", "pixel", "nsamples", "width")  # fmt: skip


def find_axes(
    array: Any,
    n_wavelengths: int | None,
    planes: Sequence[tuple[int, ...]],
    dims: Sequence[str] | None = None,
) -> tuple[Axes, Fact]:
    """(row, column, band) axes of a 3-D array, and why. `dims`: the names the file gives its axes."""
    shape = tuple(int(n) for n in array.shape)
    named = by_names(dims)
    if named is not None:
        return named, Fact(axes_text(named), "certain", f"The file names the axes {', '.join(dims or ())}.")
    if n_wavelengths is not None:
        fitting = [axis for axis in (2, 0, 1) if shape[axis] == n_wavelengths]
        if len(fitting) == 1:
            return _with_band_axis(fitting[0], shape, planes)
    by_plane = {axis for axis in range(3) for plane in planes if plane in _planes(shape, axis)}
    if len(by_plane) == 1:
        return _with_band_axis(by_plane.pop(), shape, planes)
    return _by_values(array, shape)


def by_names(dims: Sequence[str] | None) -> Axes | None:
    """From the names of dimensions; None unless exactly one is spectral and rows and columns do not contradict."""
    if dims is None or len(dims) != 3:
        return None
    names = [name.rsplit("/", 1)[-1].strip().lower() for name in dims]
    bands = [k for k, name in enumerate(names) if name in SPECTRAL]
    if len(bands) != 1:
        return None
    row, col = [k for k in range(3) if k != bands[0]]
    if names[row] in COLS and names[col] in ROWS:
        row, col = col, row
    return row, col, bands[0]


def _by_values(array: Any, shape: tuple[int, ...]) -> tuple[Axes, Fact]:
    rough = roughness(array)
    thin = _thin(shape)
    usable = [axis for axis in range(3) if shape[axis] > 1 and np.isfinite(rough[axis])]
    if len(usable) >= 2:
        order = sorted(usable, key=lambda axis: rough[axis])
        best, ratio = order[0], rough[order[1]] / max(rough[order[0]], 1e-9)
        ratio = ratio if rough[best] < SMOOTH else 1.0
        if ratio >= PLAIN and thin in (None, best):
            return _likely(best, shape, f"its slices are {ratio:.0f} times more alike than those of the others")
        if ratio >= DOUBTFUL and best not in (2, thin):
            return _asked(best, shape, f"the slices along axis {best + 1} are {ratio:.1f} times more alike")
        if ratio >= DOUBTFUL and best == 2:
            short = _thin(shape, 3)
            if short not in (None, 2):  # a strip of few lines, or few bands over an even picture
                return _asked(2, shape, f"axis {short + 1} is far shorter, but the slices along axis 3 are more alike")
            return (0, 1, 2), Fact(axes_text((0, 1, 2)), "likely", "Rows, columns, bands, as NumPy and MATLAB store.")
    if thin is not None:
        return _likely(thin, shape, "the others are far longer")
    short = _thin(shape, 3)
    if short is not None and short != 2:
        return _asked(short, shape, f"axis {short + 1} is far shorter than the others")
    share = variance_shares(array)
    smooth = bool(np.nanmin(rough, initial=np.inf) < SMOOTH)
    if share is not None and share.max() > TELLING and (smooth or share[2] < PROFILE):
        most = int(np.argmax(share))
        return _asked(most, shape, f"{100 * share[most]:.0f} % of the variance lies along axis {most + 1}")
    if short is None and (share is None or share[2] < PROFILE) and _structured(array):
        return _asked(2, shape, "no axis is clearly smoother than the others, as of mostly noise")
    return (0, 1, 2), Fact(
        axes_text((0, 1, 2)), "likely", "Rows, columns, bands, as NumPy and MATLAB store; the values do not tell."
    )


def _structured(array: Any) -> bool:
    """Whether the values are more than noise without any pattern, of which every order of the axes is as good.

    The slices along an axis of n, of m values each, have a covariance whose largest eigenvalue, over the mean of all,
    is μ + σ·t for unrelated values, with t above 5 less often than once in 10⁵ (Tracy and Widom's law; Johnstone 2001,
    doi:10.1214/aos/1009210544, eq. 1.3 and 1.4). A spectrum, a picture and what they are mixed of stand above it.
    """
    sample, _ = _without_fill(*_sample(array))
    if min(sample.shape) < 2:
        return False
    centred = sample - sample.mean()
    for axis in range(3):
        slices = np.moveaxis(centred, axis, 0).reshape(centred.shape[axis], -1)
        if slices.shape[0] > slices.shape[1]:
            slices = slices.T
        n, m = slices.shape
        values = np.linalg.eigvalsh(slices @ slices.T)
        one = np.sqrt(m - 1) + np.sqrt(n)
        most = one**2 + CHANCE * one * (1 / np.sqrt(m - 1) + 1 / np.sqrt(n)) ** (1 / 3)
        if values[-1] * m > most * max(float(values.mean()), 1e-300):
            return True
    return False


def _thin(shape: tuple[int, ...], times: int = THIN_BESIDE) -> int | None:
    """The one axis that is short beside two that are so many times longer."""
    thin = [axis for axis in range(3) if 1 < shape[axis] <= THIN]
    if len(thin) != 1:
        return None
    others = min(n for axis, n in enumerate(shape) if axis != thin[0])
    return thin[0] if others >= times * shape[thin[0]] else None


def _stored(band_axis: int) -> Axes:
    row, col = [axis for axis in range(3) if axis != band_axis]
    return row, col, band_axis


def _likely(band_axis: int, shape: tuple[int, ...], why: str) -> tuple[Axes, Fact]:
    axes = _stored(band_axis)
    return axes, Fact(axes_text(axes), "likely", _note(band_axis, shape[band_axis], why))


def _asked(band_axis: int, shape: tuple[int, ...], why: str) -> tuple[Axes, Fact]:
    axes = _stored(band_axis)
    reason = f"it holds {' × '.join(map(str, shape))} values and does not say which axis is the spectral one ({why})"
    others = [axes_text(_stored(axis)) for axis in (2, 0, 1) if axis != band_axis]
    return axes, Fact(axes_text(axes), "guess", reason, (axes_text(axes), *others))


def roughness(array: Any) -> npt.NDArray[np.float64]:
    """(3,) mean squared step between neighbouring slices over twice their variance, without the three mean profiles.

    The median over up to three runs of 16 slices an axis. 0 = all slices alike, 1 = unrelated; NaN = nothing varies.
    """
    sample, joints = _sample(array)
    out = np.full(3, np.nan)
    if min(sample.shape) < 1 or sample.size < 2:
        return out
    sample, joints = _without_fill(sample, joints)
    if 0 in sample.shape:
        return out
    rest = sample + 2 * sample.mean()
    for axis in range(3):
        others = tuple(k for k in range(3) if k != axis)
        rest = rest - sample.mean(axis=others, keepdims=True)
    if float(rest.var()) <= 1e-10 * max(float(sample.var()), 1e-300):
        return out
    for axis in range(3):
        slices = np.moveaxis(rest, axis, 0).reshape(rest.shape[axis], -1)
        power = np.einsum("ij,ij->i", slices, slices) / slices.shape[1]
        step = np.diff(slices, axis=0)
        square = np.einsum("ij,ij->i", step, step) / slices.shape[1]
        both = power[1:] + power[:-1]
        keep = (np.diff(joints[axis]) == 1) & (both > 0)
        if keep.any():
            out[axis] = float(np.median(square[keep] / both[keep]))
    return out


def _sample(array: Any) -> tuple[npt.NDArray[np.float64], list[npt.NDArray[np.intp]]]:
    """(sample, index along each axis): short runs at the beginning, in the middle and towards the end of every axis."""
    runs: list[list[slice]] = []
    for n in (int(n) for n in array.shape):
        if n <= RUN * RUNS:
            runs.append([slice(0, n)])
        else:
            starts = [int(at * (n - RUN)) for at in (0.12, 0.47, 0.82)]
            runs.append([slice(start, start + RUN) for start in starts])
    with np.errstate(all="ignore"):  # damaged files hold any number
        blocks = [
            np.concatenate(
                [
                    np.concatenate([np.asarray(array[a, b, c], dtype=np.float64) for c in runs[2]], axis=2)
                    for b in runs[1]
                ],
                axis=1,
            )
            for a in runs[0]
        ]
        sample = np.concatenate(blocks, axis=0)
        sample = np.where(np.abs(sample) < 1e30, sample, np.nan)  # NaN is not below it either
    return sample, [np.concatenate([np.arange(part.start, part.stop) for part in axis]) for axis in runs]


def _without_fill(
    sample: npt.NDArray[np.float64], joints: list[npt.NDArray[np.intp]]
) -> tuple[npt.NDArray[np.float64], list[npt.NDArray[np.intp]]]:
    """Without the slices that hold one value only or mostly gaps: borders of rotated flight lines, dead bands."""
    whole, all_joints = sample, list(joints)
    for axis in (0, 1, 2, 0, 1, 2):
        others = tuple(k for k in range(3) if k != axis)
        if 0 in sample.shape:
            break
        low = np.min(sample, axis=others, where=np.isfinite(sample), initial=np.inf)
        high = np.max(sample, axis=others, where=np.isfinite(sample), initial=-np.inf)
        keep = (high > low) & (np.isfinite(sample).mean(axis=others) >= 0.5)
        sample, joints[axis] = np.compress(keep, sample, axis=axis), joints[axis][keep]
    if sample.size < MOSTLY * whole.size:  # too little is left to tell by
        sample, joints = whole, all_joints
    return np.where(np.isfinite(sample), sample, 0.0), joints


def _planes(shape: tuple[int, ...], band_axis: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    row, col = [axis for axis in range(3) if axis != band_axis]
    return (shape[row], shape[col]), (shape[col], shape[row])


def _with_band_axis(band_axis: int, shape: tuple[int, ...], planes: Sequence[tuple[int, ...]]) -> tuple[Axes, Fact]:
    row, col = [axis for axis in range(3) if axis != band_axis]
    straight, turned = _planes(shape, band_axis)
    if straight != turned and turned in planes and straight not in planes:
        row, col = col, row
        reason = f"Rows and columns of the cube are exchanged to fit the {turned} map beside it."
    else:
        reason = _note(
            band_axis,
            shape[band_axis],
            "its length is that of the wavelengths or it is not a side of the map beside it",
        )
    axes = (row, col, band_axis)
    return axes, Fact(axes_text(axes), "certain", reason)


def _note(band_axis: int, length: int, reason: str) -> str:
    which = ("first", "second", "third")[band_axis]
    return f"The {which} axis ({length}) is read as the spectral one, because {reason}."


# ── as projects without a plan were read ────────────────────────────────────────────────────────────


def by_variance(array: Any, n_wavelengths: int | None, planes: Sequence[tuple[int, ...]]) -> Axes:
    """The axes that rule 1 found: as above without names, thin axes and smoothness, then by variance alone."""
    shape = tuple(int(n) for n in array.shape)
    if n_wavelengths is not None:
        fitting = [axis for axis in (2, 0, 1) if shape[axis] == n_wavelengths]
        if len(fitting) == 1:
            return _with_band_axis(fitting[0], shape, planes)[0]
    by_plane = {axis for axis in range(3) for plane in planes if plane in _planes(shape, axis)}
    if len(by_plane) == 1:
        return _with_band_axis(by_plane.pop(), shape, planes)[0]
    share = variance_shares(array)
    return (1, 2, 0) if share is not None and share[0] > 0.5 and share[2] < 0.1 else (0, 1, 2)


def variance_shares(array: Any) -> npt.NDArray[np.float64] | None:
    """(3,) share of the variance that lies between slices along each axis; None when it cannot be told."""
    shape = array.shape
    if min(shape) < 2 or int(np.prod(shape, dtype=np.int64)) * array.dtype.itemsize > LARGEST_SAMPLED:
        return None
    window = tuple(slice(None, None, max(1, n // SAMPLE_SIDE)) for n in shape)
    with np.errstate(all="ignore"):  # damaged files hold any number
        sample = np.asarray(array[window], dtype=np.float64)
        sample = np.where(np.abs(sample) < 1e30, sample, 0.0)  # NaN is not below it either
        total = float(sample.var())
    if total <= 0 or sample.mean() < 0.5 * total**0.5:
        return None
    others = ((1, 2), (0, 2), (0, 1))
    return np.array([sample.mean(axis=pair).var() / total for pair in others])
