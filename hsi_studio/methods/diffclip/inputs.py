"""What `diffclip` sees of a scene: scaled channels of each modality in windows with a margin.

Spectral channels: per-band robust scaling (median, interquartile range / 1.349), clipped, kept with the model;
then, unless every band is wanted, a linear map to components of the best ratio of signal to noise, sized between
whitened and as they are (`features/noise.py`), which differs from the paper: class differences of crops lie in
components of little variance, and fewer channels cost less.
Surface-model channels: every layer scaled robustly, and ln(1 + height above ground) of the first.
Both are label-free and fitted on the whole valid scene (of large scenes on evenly spaced strips).

A window is read with its margin; past the scene's edge it is mirrored. So any tiling gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hsi_studio.features.height import height_layers, robust_scale
from hsi_studio.features.spectral import (
    is_noisy,
    principal_axes,
    sampled_strips,
    scaled_axes,
    scene_moments,
    weighted_mnf_axes,
)
from hsi_studio.methods.common.smoothing import EDGE_COMPONENTS, MOST_COMPONENTS, typical_step, with_height
from hsi_studio.types import BoolArray, FloatArray, Scene

CLIP = 6.0  # robust standard deviations; a hot pixel must not dominate a patch
QUANTILE_PIXELS = 200_000
HALF_WHITENED = 0.5  # principal components are divided by their deviation to this power


@dataclass(frozen=True)
class Scaling:
    """Everything fitted on a scene's values. b bands used, C channels, L' height channels (0 without)."""

    bands: npt.NDArray[np.int64]  # (b,)
    centre: FloatArray  # (b,) medians
    scale: FloatArray  # (b,) interquartile range / 1.349
    matrix: FloatArray  # (b, C) from scaled bands to channels; (0, 0) = the scaled bands themselves
    edges: FloatArray  # (b, 3) from scaled bands to the components that decide where edges are
    edge_unit: float  # median squared edge distance of neighbours
    height_centre: FloatArray  # (L',)
    height_scale: FloatArray  # (L',)
    noisy: bool = False  # `features/spectral.is_noisy`

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of each modality."""
        spectral = self.matrix.shape[1] or self.bands.size
        return (spectral, self.height_centre.size) if self.height_centre.size else (spectral,)

    def scaled(self, spectra: FloatArray) -> FloatArray:
        """(..., b) → (..., b), clipped."""
        out: FloatArray = np.clip((spectra - self.centre) / self.scale, -CLIP * 4, CLIP * 4)
        return out

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        names = ("bands", "centre", "scale", "matrix", "edges", "height_centre", "height_scale")
        return {f"scaling.{n}": getattr(self, n) for n in names} | {
            "scaling.edge_unit": np.array([self.edge_unit], dtype=np.float64),
            "scaling.noisy": np.array([self.noisy]),
        }

    @staticmethod
    def from_arrays(a: dict[str, npt.NDArray[Any]]) -> Scaling:
        names = ("bands", "centre", "scale", "matrix", "edges", "height_centre", "height_scale")
        values = {n: a[f"scaling.{n}"] for n in names}
        noisy = bool(a.get("scaling.noisy", [False])[0])
        return Scaling(edge_unit=float(a["scaling.edge_unit"][0]), noisy=noisy, **values)


def fit_scaling(
    scene: Scene,
    components: int | None,
    use_dsm: bool,
    check: Callable[[float], None] = lambda _: None,
    weighting: str = "root",
    axes: Literal["auto", "pca", "mnf"] = "auto",
) -> Scaling:
    """`components` None = every good band is a channel. `axes` of components: noise-whitened ("mnf") are sized by
    `weighting` (`features/noise.py`), principal ones half whitened; "auto" takes the first where the scene is noisy.

    Raises BadValues, and what `check` raises.
    """
    bands, _, spread, covariance, noise = scene_moments(scene, lambda done: check(0.4 * done))
    parts, kept = sampled_strips(scene.shape), []
    share = max(1, int(scene.valid.sum()) // QUANTILE_PIXELS)
    for number, rows in enumerate(parts):
        check(0.4 + 0.4 * number / len(parts))
        spectra = scene.read(rows, slice(0, scene.shape[1]), bands.tolist())[scene.valid[rows]]
        kept.append(spectra[::share])
    low, centre, high = np.nanquantile(np.concatenate(kept), [0.25, 0.5, 0.75], axis=0).astype(np.float32)
    scale = (high - low) / np.float32(1.349)
    scale = np.where(scale > 1e-3 * spread, scale, spread).astype(np.float32)
    to_z = (scale / spread)[:, None]  # the moments are of z-scored bands
    matrix, noisy = np.zeros((0, 0), dtype=np.float32), is_noisy(covariance, noise)
    if components is not None:
        if axes == "mnf" or (axes == "auto" and noisy):
            chosen = weighted_mnf_axes(covariance, noise, min(components, bands.size), weighting)
        else:
            chosen = scaled_axes(*principal_axes(covariance, bands.size), components, 1.0, HALF_WHITENED).astype(
                np.float64
            )
        matrix = (to_z * chosen).astype(np.float32)
    _, edge_axes = principal_axes(covariance, min(EDGE_COMPONENTS, bands.size))
    edges = (to_z * edge_axes).astype(np.float32)

    height_centre = height_scale = np.zeros(0, dtype=np.float32)
    if use_dsm and scene.dsm is not None:
        height_centre, height_scale = robust_scale(_height_layers(scene)[scene.valid])
    check(0.8)
    draft = Scaling(bands, centre, scale, matrix, edges, 1.0, height_centre, height_scale)
    unit = typical_step(scene, SceneInputs(scene, draft).spectral_edges, parts, lambda done: check(0.8 + 0.2 * done))
    return Scaling(bands, centre, scale, matrix, edges, unit, height_centre, height_scale, noisy)


def _height_layers(scene: Scene) -> FloatArray:
    """(H, W, 1 + L)."""
    assert scene.dsm is not None
    return height_layers(scene.dsm, scene.gsd_m or 1.0)


@dataclass(frozen=True)
class SceneInputs:
    """A scene through a `Scaling`. Cheap to make; reads windows."""

    scene: Scene
    scaling: Scaling

    @cached_property
    def _heights(self) -> FloatArray | None:
        if not self.scaling.height_centre.size:
            return None
        return _height_layers(self.scene)

    def window(self, rows: slice, cols: slice, margin: int) -> tuple[list[FloatArray], BoolArray]:
        """Channels of each modality (h + 2m, w + 2m, C) and validity (h + 2m, w + 2m). Invalid pixels are 0."""
        height, width, _ = self.scene.shape
        top, bottom = max(rows.start - margin, 0), min(rows.stop + margin, height)
        left, right = max(cols.start - margin, 0), min(cols.stop + margin, width)
        pads = (
            (top - (rows.start - margin), rows.stop + margin - bottom),
            (left - (cols.start - margin), cols.stop + margin - right),
        )
        inside = (slice(top, bottom), slice(left, right))
        s = self.scaling
        valid = self.scene.valid[inside]
        spectra = s.scaled(self.scene.read(*inside, s.bands.tolist()))
        channels = [spectra @ s.matrix if s.matrix.size else spectra]
        if self._heights is not None:
            channels.append((self._heights[inside] - s.height_centre) / s.height_scale)
        out = []
        for values in channels:
            values = np.clip(np.nan_to_num(values, nan=0.0), -CLIP, CLIP).astype(np.float32)
            values[~valid] = 0.0
            out.append(np.pad(values, (*pads, (0, 0)), mode="symmetric"))
        return out, np.pad(valid, pads, mode="symmetric")

    def spectral_edges(self, rows: slice, cols: slice) -> FloatArray:
        """(h, w, 3) values whose steps are edges."""
        s = self.scaling
        found: FloatArray = np.nan_to_num(s.scaled(self.scene.read(rows, cols, s.bands.tolist())) @ s.edges)
        return found

    def edges(self, rows: slice, cols: slice) -> FloatArray:
        """(h, w, 3 or 4) the same with height above ground, in units in which 1 is the typical step."""
        above = None if self._heights is None else self._heights[rows, cols, 0]
        return with_height(self.spectral_edges(rows, cols), self.scaling.edge_unit, above)

    def components(self, rows: slice, cols: slice) -> FloatArray:
        """(h, w, C) the strongest components and the layers of single pixels; C = 0 where bands are the inputs."""
        if not self.scaling.matrix.size:
            return np.zeros((rows.stop - rows.start, cols.stop - cols.start, 0), dtype=np.float32)
        (spectral, *layers), _ = self.window(rows, cols, 0)
        return np.concatenate([spectral[..., :MOST_COMPONENTS], *layers], axis=2)
