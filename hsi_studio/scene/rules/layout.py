"""Whether raw numbers are a picture in the order that is said of them, or only in another one.

A header with the wrong interleave, or with lines and samples exchanged, opens without an error: the file has the right
size, and every later figure is made of stripes. The rule goes by how alike the slices along an axis are
(`axes.roughness`, 0 alike, 1 unrelated). Neighbouring bands are more alike than anything else, so that the right order
has the smoothest axis of all, and has it where the bands are: another order is believed when its smoothest axis is
`CLEAR` times smoother than every axis of the said one and `FAR` times smoother than what is said to be the bands, and
when a mean spectrum explains more of its variance (an even picture, as of water, is all spectrum). And
with the bands in their place, rows of the wrong length are unrelated to each other: lines and samples are exchanged
when that makes them alike.

Of 38 real cubes in three interleaves it objects to none as it is; of 336 wrong words for the interleave it finds 185,
and 9 with another correction, of 54 exchanged lines and samples 36 (`benchmarks/axes_sweep.py --layouts`): it is a help
against the plainest faults, no proof.
Noise, components and very smooth pictures stay as they are said to be.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.scene.rules.axes import roughness

BANDS_AT = {"bsq": 0, "bil": 1, "bip": 2}  # of the stored axes
LEAST = 8  # slices of an axis, fewer tell nothing
SMOOTH, CLEAR, FAR, LIKE = 0.05, 2.5, 10.0, 2.0
LEAST_TOLD, SIDE = 0.1, 48  # of the variance that a mean spectrum has to explain; places along an axis it is taken from
MORE = 1.3  # times as much as in the said order
UNRELATED, BETTER = 0.7, 0.6  # rows of the wrong length, and the share of it that the right ones have


@dataclass(frozen=True)
class Layout:
    interleave: str
    lines: int
    samples: int
    bands: int


def other_layout(stored: npt.NDArray[Any], interleave: str, size: tuple[int, int, int]) -> Layout | None:
    """The order in which the numbers of `stored` (in the said order) are a picture, where that is another one.

    `size` (H, W, B) as said. Reads a few runs; arrays in the file's byte order, mapped or in memory.
    """
    if min(size) < LEAST or not stored.flags.c_contiguous:
        return None
    at, said = BANDS_AT[interleave], roughness(stored)
    if not np.isfinite(said).all():
        return None
    if int(said.argmin()) == at and said[at] < SMOOTH:
        return _exchanged(stored, at, said)
    flat = stored.reshape(-1)
    found = [(shape, roughness(flat.reshape(shape))) for shape in set(permutations(size)) - {stored.shape}]
    found = [(shape, rough) for shape, rough in found if np.isfinite(rough).all()]
    least = min((float(rough.min()) for _, rough in found), default=1.0)
    if least >= SMOOTH or CLEAR * least >= said.min() or FAR * least >= said[at]:
        return None
    alike = [(shape, rough) for shape, rough in found if rough.min() <= LIKE * least]
    told = explained(stored, at)
    alike = [
        one for one in alike if explained(flat.reshape(one[0]), int(one[1].argmin())) > max(LEAST_TOLD, MORE * told)
    ]
    if not alike:
        return None

    def worse(one: tuple[tuple[int, ...], npt.NDArray[np.float64]]) -> tuple[bool, float]:
        """Another number of bands than is said, then rows and columns that are less alike."""
        bands = int(one[1].argmin())
        return one[0][bands] != size[2], float(np.delete(one[1], bands).max())

    shape, rough = min(alike, key=worse)
    return _named(shape, int(rough.argmin()))


def explained(array: npt.NDArray[Any], bands: int) -> float:
    """The share of the variance that the mean spectrum explains, where `bands` is the axis of the bands; 0–1."""
    steps = tuple(slice(None, None, max(1, n // SIDE)) for n in array.shape)
    with np.errstate(all="ignore"):
        sample = np.asarray(array[steps], dtype=np.float64)
        sample = np.where(np.abs(sample) < 1e30, sample, 0.0)  # NaN is not below it either
        total = float(sample.var())
        other = tuple(axis for axis in range(3) if axis != bands)
        return float(sample.mean(axis=other).var()) / total if total > 0 else 0.0


def _exchanged(stored: npt.NDArray[Any], at: int, said: npt.NDArray[np.float64]) -> Layout | None:
    """Lines and samples the other way round, where only then neighbouring lines are alike."""
    lines, samples = (axis for axis in range(3) if axis != at)
    if stored.shape[lines] == stored.shape[samples] or said.max() < UNRELATED:
        return None
    shape = list(stored.shape)
    shape[lines], shape[samples] = shape[samples], shape[lines]
    other = roughness(stored.reshape(-1).reshape(shape))
    if not np.isfinite(other).all() or other.max() > BETTER * said.max():
        return None
    return _named(tuple(shape), at)


def _named(shape: tuple[int, ...], at: int) -> Layout:
    lines, samples = (n for axis, n in enumerate(shape) if axis != at)
    return Layout(("bsq", "bil", "bip")[at], lines, samples, shape[at])
