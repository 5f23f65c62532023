"""The shape of a spectrum without most of its brightness: log bands, less 0.7 of their mean, in principal components.

Light falls on a slope, in shade or on a rough roof as a factor of the whole spectrum; its logarithm is a sum, and the
mean over the bands is nearly all of that sum. It is taken away in part only: brightness tells materials apart as well
(`BRIGHTNESS_LEFT`, as in the words' classifier, `engine/query/material_classes.py`). The same is done by S. Ben-Dor's
and others' continuum or vector normalisation; in logs, and not fully, it is ours.
A band is divided by its mean over the scene first, and `DARK` of that is added, so that the noise of dark pixels is
not blown up: no unit, no wavelength and no scale of a band changes anything, so files that name none are served too.
What it cannot take is numbers without a zero: components, differences, indices. `fit_shape` gives None for them.

Notation: n pixels, b bands, C components.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.features.spectral import principal_axes, sampled_strips
from hsi_studio.types import FloatArray, Scene

DARK = 0.1  # of a band's mean, added before the logarithm
BRIGHTNESS_LEFT = 0.7  # share of the logarithms' mean that is taken away
MOST_NEGATIVE = 0.02  # share of values below zero up to which they have a zero: noise of dark pixels
FEWEST_BANDS = 8  # with fewer there is no shape
SAMPLE_PIXELS = 200_000


@dataclass(frozen=True)
class ShapeProjection:
    """From values of the bands `bands` (b,) to components: (shape − mean) @ matrix."""

    bands: npt.NDArray[np.int64]
    level: FloatArray  # (b,) mean of a band over the scene
    mean: FloatArray  # (b,) of the shapes
    matrix: FloatArray  # (b, C)

    def __call__(self, spectra: FloatArray) -> FloatArray:
        """(..., b) stored values → (..., C)."""
        return np.asarray((shape(spectra, self.level) - self.mean) @ self.matrix, dtype=np.float32)


def shape(spectra: FloatArray, level: FloatArray) -> FloatArray:
    """(..., b) log of values relative to the band's `level` (b,), less most of its mean over the bands."""
    logs = np.log(np.maximum(spectra / level, 0.0) + np.float32(DARK))
    logs -= np.float32(BRIGHTNESS_LEFT) * logs.mean(axis=-1, keepdims=True)
    return np.asarray(logs, dtype=np.float32)


def fit_shape(
    scene: Scene, bands: npt.NDArray[np.int64], count: int, check: Callable[[float], None] = lambda _: None
) -> ShapeProjection | None:
    """The `count` largest components of the shapes of a scene's valid pixels, fewer with fewer bands; None where the
    values have no zero or the bands are too few."""
    level = scene.survey.band_mean[bands].astype(np.float32)
    if bands.size < FEWEST_BANDS or not (np.isfinite(level) & (level > 0)).all():
        return None
    total, square = np.zeros(bands.size), np.zeros((bands.size, bands.size))
    pixels = negative = 0
    parts = sampled_strips(scene.shape, SAMPLE_PIXELS)
    for number, rows in enumerate(parts):
        check(number / len(parts))
        values = scene.read(rows, slice(0, scene.shape[1]), bands.tolist())
        inside = values[scene.valid_in(rows, slice(0, scene.shape[1])) & np.isfinite(values).all(axis=-1)]  # (n, b)
        negative += int((inside < 0).sum())
        shapes = shape(inside, level)
        total += shapes.sum(axis=0, dtype=np.float64)
        square += shapes.T @ shapes
        pixels += inside.shape[0]
    if pixels < 2 or negative > MOST_NEGATIVE * pixels * bands.size:
        return None
    mean = total / pixels
    _, axes = principal_axes(square / pixels - np.outer(mean, mean), min(count, bands.size))
    return ShapeProjection(bands, level, mean.astype(np.float32), axes.astype(np.float32))
