"""Which axis of a three-dimensional array is the spectral one.

In order of trust: (1) the axis as long as the wavelength vector; (2) the axis left over by a class map
or DSM in the same file; (3) the last axis, which is the habit in MATLAB and NumPy, unless the values say
otherwise. They do when most of the variance lies *between* slices along the first axis (a spectrum
rises and falls far more than the mean of image rows does) and hardly any along the last. Standardised
or centred data (mean near 0) do not have that property, so there the habit stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Axes = tuple[int, int, int]  # stored axes that are rows, columns, bands
SAMPLE_SIDE = 32  # samples an axis for the variance test
LARGEST_SAMPLED = 1 << 30  # bytes; strided reads of larger compressed files would decompress all of them


def find_axes(array: Any, n_wavelengths: int | None, planes: Sequence[tuple[int, ...]]) -> tuple[Axes, tuple[str, ...]]:
    """(row, column, band) axes of a 3-D array, and a note where it was not plain."""
    shape = tuple(int(n) for n in array.shape)
    if n_wavelengths is not None:
        fitting = [axis for axis in (2, 0, 1) if shape[axis] == n_wavelengths]
        if len(fitting) == 1:
            return _with_band_axis(fitting[0], shape, planes)
    by_plane = {axis for axis in range(3) for plane in planes if plane in _planes(shape, axis)}
    if len(by_plane) == 1:
        return _with_band_axis(by_plane.pop(), shape, planes)
    share = variance_shares(array)
    if share is not None and share[0] > 0.5 and share[2] < 0.1:
        return (1, 2, 0), (_note("first", shape[0], f"{100 * share[0]:.0f} % of the variance lies along it"),)
    return (0, 1, 2), ()


def _planes(shape: tuple[int, ...], band_axis: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    row, col = [axis for axis in range(3) if axis != band_axis]
    return (shape[row], shape[col]), (shape[col], shape[row])


def _with_band_axis(
    band_axis: int, shape: tuple[int, ...], planes: Sequence[tuple[int, ...]]
) -> tuple[Axes, tuple[str, ...]]:
    row, col = [axis for axis in range(3) if axis != band_axis]
    straight, turned = _planes(shape, band_axis)
    if straight != turned and turned in planes and straight not in planes:
        row, col = col, row
        return (row, col, band_axis), (
            f"Rows and columns of the cube are exchanged to fit the {turned} map beside it.",
        )
    if band_axis == 2:
        return (0, 1, 2), ()
    reason = "its length is that of the wavelengths or it is not a side of the map beside it"
    return (row, col, band_axis), (_note(("first", "second")[band_axis], shape[band_axis], reason),)


def _note(which: str, length: int, reason: str) -> str:
    return f"The {which} axis ({length}) is read as the spectral one, because {reason}."


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
