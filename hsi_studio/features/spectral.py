"""Label-free spectral features: noise-whitened components (MNF), principal components, spectral angle.

Source: A. A. Green, M. Berman, P. Switzer, M. D. Craig, "A transformation for ordering multispectral data in
terms of image quality with implications for noise removal", IEEE TGRS 26(1), 1988, doi:10.1109/36.3001
(minimum noise fraction; noise from differences of neighbouring pixels, their section IV).
What differs: bands are scaled to unit variance first, the noise matrix gets a small ridge (noise-free
simulated bands make it singular), and components are scaled to unit variance: after spatial smoothing
the noise they were ordered by is mostly gone, and weak components carry class differences. A value counts
for FARTHEST standard deviations at most, and such values do not make the deviation (`levels`): spikes in one value of
ten thousand, or dead pixels, one in five hundred, decided what the components were.

Notation: S = covariance of z-scored bands, N = covariance of their noise, V solves S V = N V Λ.
Memory: one strip of rows at a time; only (B, B) matrices are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadValues
from hsi_studio.features.noise import component_weights, noise_share
from hsi_studio.types import BoolArray, FloatArray, Scene

Float64Array = npt.NDArray[np.float64]

STRIP_VALUES = 16_000_000  # values read at once: 64 MB of float32
NOISY, NOISE_COMPONENTS = 0.5, 30  # share of noise from which a scene is noisy, seen in so many components
FARTHEST = 20.0  # standard deviations that a value counts for at most: dead pixels, spikes and glints have more
LEVEL_PIXELS = 60_000  # that say how a band with such values spreads
SAMPLE_PIXELS = 1_000_000  # statistics come from at most about this many pixels, in evenly spaced strips


@dataclass(frozen=True)
class Projection:
    """A linear map from bands to components: ((x − mean) / scale) @ matrix, on the bands `bands`."""

    bands: npt.NDArray[np.int64]  # (b,) indices of the bands used
    mean: FloatArray  # (b,)
    scale: FloatArray  # (b,)
    matrix: FloatArray  # (b, C)

    def __call__(self, spectra: FloatArray) -> FloatArray:
        """(..., b) values of the bands used → (..., C)."""
        scaled = np.clip((spectra - self.mean) / self.scale, -FARTHEST, FARTHEST)
        return np.asarray(scaled @ self.matrix, dtype=np.float32)


@dataclass(frozen=True)
class Components:
    """What a scene's bands are reduced to: `whitened` (MNF, unit variance) and `principal` (PCA)."""

    whitened: Projection
    principal: Projection
    ratios: FloatArray  # (C,) variance over noise of each whitened component
    noise: float  # share of the neighbours' differences that is noise (`noise.py`)


def strips(height: int, row_values: int, start: int = 0) -> Iterator[slice]:
    """Row ranges that cover `height` rows, each at most STRIP_VALUES values (but at least one row)."""
    rows = max(1, STRIP_VALUES // max(row_values, 1))
    for top in range(start, height, rows):
        yield slice(top, min(top + rows, height))


def sampled_strips(shape: tuple[int, int, int], max_pixels: int = SAMPLE_PIXELS) -> list[slice]:
    """All rows of a small scene; of a large one evenly spaced strips with about `max_pixels` pixels in all."""
    height, width, count = shape
    if height * width <= max_pixels:
        return list(strips(height, width * count))
    rows = max(2, min(16, STRIP_VALUES // max(width * count, 1)))
    number = max(1, max_pixels // (rows * width))
    tops = np.unique(np.linspace(0, max(height - rows, 0), number).astype(int))
    return [slice(int(top), int(min(top + rows, height))) for top in tops]


def fix_signs(vectors: Float64Array) -> Float64Array:
    """Columns flipped so that the entry of largest size in each is positive: eigenvectors have no sign."""
    biggest = np.abs(vectors).argmax(axis=0)
    signs = np.sign(vectors[biggest, np.arange(vectors.shape[1])])
    return np.asarray(vectors * np.where(signs == 0, 1.0, signs))


def scene_moments(
    scene: Scene, check: Callable[[float], None] = lambda _: None
) -> tuple[npt.NDArray[np.int64], FloatArray, FloatArray, Float64Array, Float64Array]:
    """bands (b,), mean (b,), scale (b,), covariance S (b, b) and noise covariance N (b, b) of z-scored bands.

    Over valid pixels. N is half the covariance of differences between right and lower neighbours.
    `check(fraction done)` may raise to stop. Raises BadValues when fewer than 2 pixels are usable.
    """
    survey = scene.survey
    bands = np.flatnonzero(survey.good_bands).astype(np.int64)
    few = not bands.size or (survey.known == 1 and int(survey.valid.sum()) < 2)
    if few:
        raise BadValues(
            scene.name,
            f"{int(survey.valid.sum())} usable pixels in {bands.size} usable bands",
            "A map needs at least 2 pixels and 1 band that varies: check the no-data value and the bad-band list",
        )
    b = bands.size
    total = np.zeros(b)
    square, noise = np.zeros((b, b)), np.zeros((b, b))
    pixels = pairs = 0
    parts = sampled_strips(scene.shape)
    mean, scale = levels(scene, bands, parts)
    for number, rows in enumerate(parts):
        check(number / len(parts))
        z = (scene.read(rows, slice(0, scene.shape[1]), bands.tolist()) - mean) / scale  # (h, w, b)
        np.clip(z, -FARTHEST, FARTHEST, out=z)  # NaN stays
        good: BoolArray = scene.valid_in(rows, slice(0, scene.shape[1])) & np.isfinite(z).all(axis=-1)
        inside = z[good]  # (n, b)
        total += inside.sum(axis=0, dtype=np.float64)
        square += inside.T @ inside
        pixels += inside.shape[0]
        for step, both in (
            (z[:, 1:] - z[:, :-1], good[:, 1:] & good[:, :-1]),
            (z[1:] - z[:-1], good[1:] & good[:-1]),
        ):
            difference = step[both]
            noise += difference.T @ difference
            pairs += difference.shape[0]
    if pixels < 2:
        raise BadValues(
            scene.name, f"{pixels} pixels have a value in all {b} usable bands", "Leave out the bands with gaps"
        )
    centre = total / pixels
    covariance = square / pixels - np.outer(centre, centre)
    mean = (mean + centre * scale).astype(np.float32)
    return bands, mean, scale, covariance, noise / (2 * pairs) if pairs else np.eye(b)


def wild_bands(scene: Scene) -> npt.NDArray[np.int64]:
    """Usable bands with a value more than FARTHEST standard deviations from the mean."""
    survey = scene.survey
    ends = np.maximum(survey.band_max - survey.band_mean, survey.band_mean - survey.band_min)
    with np.errstate(invalid="ignore"):
        return np.flatnonzero(survey.good_bands & (ends > FARTHEST * survey.band_std)).astype(np.int64)


def cut_deviation(apart: Float64Array) -> Float64Array:
    """(w,) the s whose square is the mean of min(d, FARTHEST · s)² over distances d from the middle (n, w): each is cut
    at FARTHEST times the deviation that comes out. Exact: with the k smallest left as they are, s² = Σ d² / (n −
    FARTHEST² · (n − k)), and one k alone is in keeping with its own s."""
    n, far = len(apart), FARTHEST**2
    d = np.sort(apart, axis=0)
    k = np.arange(n - int((n - 1) / far), n + 1)  # (m,) of more cut values there is no such s
    spread = np.sqrt(np.cumsum(d**2, axis=0)[k - 1] / (n - far * (n - k))[:, None])  # (m, w)
    next_one = np.vstack([d, np.full((1, d.shape[1]), np.inf)])[k]
    fits = (d[k - 1] <= FARTHEST * spread) & (FARTHEST * spread <= next_one)
    last = len(k) - 1 - fits[::-1].argmax(axis=0)
    return np.asarray(spread[last, np.arange(d.shape[1])])


def levels(scene: Scene, bands: npt.NDArray[np.int64], parts: Sequence[slice]) -> tuple[FloatArray, FloatArray]:
    """Where bands are centred (b,) and their standard deviation (b,); of one with a value FARTHEST deviations off, the
    median of a sample and `cut_deviation`: a few pixels (0.25 % at most) do not make the scale."""
    survey = scene.survey
    mean, scale = survey.band_mean[bands].copy(), survey.band_std[bands].copy()
    scale = np.where(scale > 0, scale, 1.0).astype(np.float32)
    wild = np.flatnonzero(np.isin(bands, wild_bands(scene)))
    if not wild.size:
        return mean, scale
    step = max(1, scene.shape[0] * scene.shape[1] // LEVEL_PIXELS)
    seen = []
    for rows in parts:
        valid = scene.valid_in(rows, slice(0, scene.shape[1]))
        seen.append(scene.read(rows, slice(0, scene.shape[1]), bands[wild].tolist())[valid][::step])
    values = np.concatenate(seen).astype(np.float64)  # (n, wild)
    if len(values):
        middle = np.median(values, axis=0)
        spread = cut_deviation(np.abs(values - middle))
        mean[wild] = np.where(spread > 0, middle, mean[wild])
        scale[wild] = np.where(spread > 0, spread, scale[wild])
    return mean, scale


def principal_axes(covariance: Float64Array, count: int) -> tuple[Float64Array, Float64Array]:
    """Variances (C,) and sign-fixed axes (b, C) of the `count` largest principal components."""
    values, vectors = np.linalg.eigh(covariance)
    order = np.argsort(values)[::-1][:count]
    return np.maximum(values[order], 0.0), fix_signs(vectors[:, order])


def mnf_axes(covariance: Float64Array, noise: Float64Array, count: int, ridge: float = 1e-4) -> Float64Array:
    """(b, C) axes with the largest signal-to-noise ratio, scaled so that components have unit variance.

    Components without variance (fewer independent bands than asked for) are left out.
    """
    return mnf_ratios(covariance, noise, count, ridge)[1]


def mnf_ratios(
    covariance: Float64Array, noise: Float64Array, count: int, ridge: float = 1e-4
) -> tuple[Float64Array, Float64Array]:
    """Ratios (C,) of variance to noise, largest first, and the axes (b, C) of `mnf_axes`."""
    from scipy.linalg import eigh

    b = covariance.shape[0]
    floor = ridge * max(np.trace(noise), 1e-6 * np.trace(covariance), np.finfo(float).tiny) / b
    values, vectors = eigh(covariance, noise + floor * np.eye(b))
    order = np.argsort(values)[::-1][:count]
    vectors = fix_signs(vectors[:, order])
    spread = np.sqrt(np.maximum(np.einsum("ic,ij,jc->c", vectors, covariance, vectors, optimize=True), 0.0))
    kept = spread > 1e-6 * max(spread.max(initial=0.0), np.finfo(float).tiny)
    return np.asarray(values[order][kept]), np.asarray(vectors[:, kept] / spread[kept])


def weighted_mnf_axes(covariance: Float64Array, noise: Float64Array, count: int, weighting: str) -> Float64Array:
    """`mnf_axes` with components sized by `noise.component_weights`."""
    ratios, axes = mnf_ratios(covariance, noise, count)
    return np.asarray(axes * component_weights(ratios, weighting))


def scaled_axes(
    values: Float64Array, vectors: Float64Array, most: int, variance: float, whitening: float
) -> FloatArray:
    """(b, C) from all variances (b,), largest first, and axes (b, b): at most `most`, and no more
    than explain the share `variance`.

    `whitening` w: component c is divided by std_c**w, so 0 keeps the variances and 1 makes all equal; then all by one
    number, so that their mean variance is 1.
    """
    share = np.cumsum(values) / max(float(values.sum()), np.finfo(float).tiny)
    count = min(most, int(np.searchsorted(share, variance) + 1), values.size)
    kept = values[:count] > 1e-9 * values[0]
    std = np.sqrt(values[:count][kept])
    matrix = vectors[:, :count][:, kept] / std**whitening
    return np.asarray(matrix / np.sqrt(np.mean(std ** (2 - 2 * whitening))), dtype=np.float32)


def is_noisy(covariance: Float64Array, noise: Float64Array) -> bool:
    """Whether most of what differs between neighbours is noise (`noise.noise_share`): then components ordered and
    whitened by noise are the better inputs, else principal ones, which whitening would fill with what neighbours truly
    differ in. Decided without labels; S and N as in `scene_moments`."""
    variances, axes = principal_axes(covariance, NOISE_COMPONENTS)
    return noise_share(covariance, noise, axes, variances) >= NOISY


def fit_components(
    scene: Scene, whitened: int, principal: int, check: Callable[[float], None] = lambda _: None
) -> Components:
    """Reduce a scene's bands; fewer components where it has fewer bands. Raises BadValues."""
    bands, mean, scale, covariance, noise = scene_moments(scene, check)
    ratios, white = mnf_ratios(covariance, noise, min(whitened, bands.size))
    variances, axes = principal_axes(covariance, min(principal, bands.size))
    return Components(
        Projection(bands, mean, scale, white.astype(np.float32)),
        Projection(bands, mean, scale, axes.astype(np.float32)),
        ratios.astype(np.float32),
        noise_share(covariance, noise, axes, variances),
    )


def spectral_angle(spectra: npt.NDArray[Any], other: npt.NDArray[Any]) -> Float64Array:
    """Angle in radians between spectra (..., B) and others broadcast against them; NaN for a zero spectrum.

    Kruse et al. 1993, doi:10.1016/0034-4257(93)90013-N, eq. 1; computed as 2·atan2(|u−v|, |u+v|) of the unit
    vectors, which stays exact for small angles where arccos loses half the digits.
    """
    a, b = np.asarray(spectra, dtype=np.float64), np.asarray(other, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        u = a / np.linalg.norm(a, axis=-1, keepdims=True)
        v = b / np.linalg.norm(b, axis=-1, keepdims=True)
    return np.asarray(2.0 * np.arctan2(np.linalg.norm(u - v, axis=-1), np.linalg.norm(u + v, axis=-1)))
