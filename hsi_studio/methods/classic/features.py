"""What the classic methods see of a pixel: its spectrum, or the scene's smoothed components.

    spectra           the good bands, z-scored with the scene's statistics (or as they are, for angles)
    spectral-spatial  noise-whitened components after 20, 60 and 200 steps of edge-preserving diffusion, side by
                      side: the features of `live` (`methods/live/features.py`), from the same cache

Unusual here: both kinds keep what is needed to make comparable features of another scene with the same bands.
Notation: m pixels, C features. One strip of rows is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadValues
from hsi_studio.features.spectral import strips
from hsi_studio.methods.contract import Block, Context
from hsi_studio.methods.live import METHOD as LIVE
from hsi_studio.methods.live.features import Basis, LiveFeatures, live_features
from hsi_studio.methods.live.params import LiveParams
from hsi_studio.types import BoolArray, FloatArray, IntArray, Progress, Scene

Arrays = dict[str, np.ndarray[Any, Any]]
Scorer = Callable[[FloatArray], FloatArray]  # (m, C) → (m, K)


class Features(Protocol):
    """Features of one scene's pixels."""

    @property
    def scene(self) -> Scene: ...

    def at(self, row: IntArray, col: IntArray) -> FloatArray:
        """(m, C) of valid pixels."""
        ...

    def over(self, block: Block, score: Scorer, classes: int) -> FloatArray:
        """(K, h, w) scores of a block; NaN at invalid pixels."""
        ...

    def arrays(self) -> Arrays:
        """What another scene, or the same one later, needs to make the same features."""
        ...


@dataclass(frozen=True)
class Spectra:
    """Good bands of a scene. `scaled` = z-scored with `mean` and `scale`."""

    scene: Scene
    bands: npt.NDArray[np.int64]  # (C,)
    mean: FloatArray  # (C,)
    scale: FloatArray  # (C,)
    scaled: bool

    @staticmethod
    def of(scene: Scene, scaled: bool, arrays: Arrays | None = None) -> Spectra:
        """In the scene's own statistics, or in those of a model's state. Raises BadValues without a usable band."""
        if arrays is not None:
            return Spectra(scene, arrays["bands"], arrays["mean"], arrays["scale"], scaled)
        survey = scene.survey
        bands = np.flatnonzero(survey.good_bands).astype(np.int64)
        if bands.size == 0 or not survey.valid.any():
            raise BadValues(
                scene.name,
                f"{int(survey.valid.sum())} usable pixels in {bands.size} usable bands",
                "A map needs pixels and a band that varies: check the no-data value and the bad-band list",
            )
        spread = survey.band_std[bands]
        return Spectra(scene, bands, survey.band_mean[bands], np.where(spread > 0, spread, 1.0).astype("f4"), scaled)

    def _values(self, spectra: FloatArray) -> FloatArray:
        values = (spectra - self.mean) / self.scale if self.scaled else spectra
        return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)  # a valid pixel has every good band

    def at(self, row: IntArray, col: IntArray) -> FloatArray:
        out = np.empty((row.size, self.bands.size), dtype=np.float32)
        chosen = self.bands.tolist()
        for n, (r, c) in enumerate(zip(row.tolist(), col.tolist(), strict=True)):
            out[n] = self.scene.read(slice(r, r + 1), slice(c, c + 1), chosen)[0, 0]
        return self._values(out)

    def over(self, block: Block, score: Scorer, classes: int) -> FloatArray:
        height, width = block.shape
        out = np.full((classes, height, width), np.nan, dtype=np.float32)
        for rows, valid in _valid_strips(block, self.bands.size):
            inside = slice(block.rows.start + rows.start, block.rows.start + rows.stop)
            spectra = self.scene.read(inside, block.cols, self.bands.tolist())[valid]  # (m, C)
            out[:, rows][:, valid] = score(self._values(spectra)).T
        return out

    def arrays(self) -> Arrays:
        return {"bands": self.bands, "mean": self.mean, "scale": self.scale}


class Smoothed:
    """Smoothed components of a scene's nodes. Scores of all nodes are made on first need by `over`."""

    def __init__(self, scene: Scene, live: LiveFeatures, chosen: tuple[int, ...]) -> None:
        self.scene, self.index, self.basis = scene, live.index, live.basis
        self.values: FloatArray = np.hstack([live.scales[s] for s in chosen])  # (n, C)
        self._scored: tuple[Scorer, FloatArray] | None = None

    @staticmethod
    def of(scene: Scene, steps: tuple[int, ...], use_dsm: bool, ctx: Context, arrays: Arrays | None = None) -> Smoothed:
        """In the scene's own basis, or in that of a model's state. Raises BadValues, Cancelled."""
        params = LiveParams.model_validate({"use_dsm": use_dsm})
        if not set(steps) <= set(params.scales):
            params = LiveParams.model_validate({"use_dsm": use_dsm, "scales": steps})
        basis = Basis.from_arrays(arrays) if arrays is not None else None
        folder = ctx.cache_dir / "features" if ctx.cache_dir is not None else None
        live = live_features(scene, params.recipe(scene), LIVE.cache, folder, ctx.check, ctx.progress, basis)
        order = sorted(set(params.scales))
        return Smoothed(scene, live, tuple(1 + order.index(step) for step in sorted(set(steps))))

    def at(self, row: IntArray, col: IntArray) -> FloatArray:
        return self.values[self.index[row, col]]

    def over(self, block: Block, score: Scorer, classes: int) -> FloatArray:
        if self._scored is None or self._scored[0] is not score:
            self._scored = (score, score(self.values))
        index = self.index[block.rows, block.cols]  # (h, w)
        out = np.take(self._scored[1].T, np.maximum(index, 0), axis=1)  # (K, h, w)
        out[:, index < 0] = np.nan
        return np.ascontiguousarray(out)

    def arrays(self) -> Arrays:
        return dict(self.basis.arrays())


def _valid_strips(block: Block, bands: int) -> Iterator[tuple[slice, BoolArray]]:
    """Row ranges of a block, counted from its top, and where they are valid; ranges without a valid pixel left out."""
    valid = block.valid
    for rows in strips(block.shape[0], block.shape[1] * bands):
        if valid[rows].any():
            yield rows, valid[rows]


def prepare_spectra(scene: Scene, ctx: Context) -> None:
    """The scene's survey, which is all that spectra need."""
    ctx.check()
    ctx.progress(Progress("Looking at the bands", 0.0, 1.0))
    valid, good = scene.valid, scene.good_bands
    ctx.check()
    ctx.progress(Progress(f"{int(good.sum())} bands are usable", 0.5, 1.0))
    ctx.check()
    ctx.progress(Progress(f"{int(valid.sum())} pixels can be mapped", 1.0, 1.0))
