"""Minimum noise fraction: directions of the spectrum in the order of their signal over noise.

Source: A. A. Green, M. Berman, P. Switzer, M. D. Craig, 1988, doi:10.1109/36.3001, eq. 2-8; noise covariance from
differences between horizontal neighbours, over 2. What differs: fitted on whole rows spread over the scene, and the
noise gets a ridge, so that bands which are sums of others do no harm.

Notation: x (N, B) pixels, S covariance of x, F of the noise. Components are scaled to unit noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest
from hsi_studio.types import FloatArray, Scene

PIXELS = 16_000  # that the components are fitted on
RIDGE = 1e-6  # of the mean noise variance
FEWEST = 3


@dataclass(frozen=True)
class Components:
    """(x - mean) @ axes; `ratio` (B',) signal and noise over noise, falling."""

    bands: list[int]
    mean: FloatArray  # (B',)
    axes: FloatArray  # (B', B')
    ratio: FloatArray  # (B',)


def fit(scene: Scene) -> Components:
    """Over the good bands. Raises BadRequest with too few bands or neighbours."""
    bands = [int(b) for b in np.flatnonzero(scene.good_bands)]
    height, width, _ = scene.shape
    if len(bands) < FEWEST:
        raise BadRequest(f"MNF components need {FEWEST} usable bands, there are {len(bands)}.")
    rows = np.unique(np.linspace(0, height - 1, min(height, max(8, PIXELS // width))).round().astype(int))
    pixels: list[npt.NDArray[np.float64]] = []
    differences: list[npt.NDArray[np.float64]] = []
    for row in rows.tolist():
        line = scene.read(slice(row, row + 1), slice(0, width), bands)[0].astype(np.float64)  # (W, B')
        fine = scene.valid_in(slice(row, row + 1), slice(0, width))[0] & np.isfinite(line).all(axis=1)
        pixels.append(line[fine])
        differences.append((line[1:] - line[:-1])[fine[1:] & fine[:-1]])
    x, d = np.concatenate(pixels), np.concatenate(differences)
    if len(d) < 2 or len(x) < 3:
        raise BadRequest("MNF components need neighbouring valid pixels: this scene has too few.")
    noise = d.T @ d / (2.0 * len(d))
    level = float(np.trace(noise)) / len(bands)
    if level <= 0:
        raise BadRequest("MNF components need noise to measure: neighbouring pixels are all equal here.")
    from scipy.linalg import eigh

    ratio, axes = eigh(np.atleast_2d(np.cov(x, rowvar=False)), noise + RIDGE * level * np.eye(len(bands)))
    axes, ratio = axes[:, ::-1], ratio[::-1]
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), np.arange(len(bands))] < 0, -1.0, 1.0)  # a fixed sign
    return Components(bands, x.mean(axis=0).astype(np.float32), axes.astype(np.float32), ratio.astype(np.float32))
