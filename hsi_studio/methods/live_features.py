"""What `live` knows of a scene before the first label: nodes, and their features at several scales.

    bands ─ MNF, whitened ─┐
    surface model ─────────┴─▶ mean a node ─▶ diffusion: 20, 60, 200 … steps ─▶ one feature set a scale
    bands ─ PCA ─▶ edges of the diffusion

A node is a pixel, or in scenes of more than `max_nodes` valid pixels a superpixel; everything after this
file costs the same for any larger scene. Each scale's features have total variance 1 over the nodes.
Cost: Indian Pines (21,025 pixels, 200 bands) under a second on two cores.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.features.cache import Arrays, FeatureCache, cache_key
from hsi_studio.features.height import height_features
from hsi_studio.features.spatial import (
    IndexArray,
    diffuse,
    diffusion_matrix,
    node_means,
    pixel_nodes,
)
from hsi_studio.features.spectral import Components, Projection, fit_components, strips
from hsi_studio.features.superpixels import scene_superpixels
from hsi_studio.types import BoolArray, FloatArray, Progress, Scene

VERSION = 1  # raise when the numbers this file makes change


@dataclass(frozen=True)
class Recipe:
    """The parameters features depend on."""

    components: int
    edge_components: int
    edge_strength: float
    scales: tuple[int, ...]
    height_weight: float  # 0 = without the surface model
    max_nodes: int

    def as_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "scales": list(self.scales)}


@dataclass(frozen=True)
class Basis:
    """Everything fitted on a scene that another scene needs to get comparable features."""

    components: Components
    height_mean: FloatArray  # (L,) empty without a surface model
    height_scale: FloatArray  # (L,)
    spread: FloatArray  # (S,) root of the total variance at each scale

    def arrays(self) -> Arrays:
        white, principal = self.components.whitened, self.components.principal
        return {
            "bands": white.bands,
            "mean": white.mean,
            "scale": white.scale,
            "whitened": white.matrix,
            "principal": principal.matrix,
            "height_mean": self.height_mean,
            "height_scale": self.height_scale,
            "spread": self.spread,
        }

    @staticmethod
    def from_arrays(a: Arrays) -> Basis:
        common = (a["bands"], a["mean"], a["scale"])
        return Basis(
            Components(Projection(*common, a["whitened"]), Projection(*common, a["principal"])),
            a["height_mean"],
            a["height_scale"],
            a["spread"],
        )


@dataclass(frozen=True)
class LiveFeatures:
    """One scene's features. All arrays are read-only and shared."""

    index: IndexArray  # (H, W) node of a pixel, −1 where invalid
    scales: tuple[FloatArray, ...]  # S arrays (n, C)
    walk: Any  # P (n, n) CSR
    basis: Basis

    @property
    def count(self) -> int:
        """Number of nodes n."""
        return int(self.scales[0].shape[0])


def live_features(
    scene: Scene,
    recipe: Recipe,
    cache: FeatureCache,
    folder: Path | None,
    check: Callable[[], None],
    progress: Callable[[Progress], None],
    basis: Basis | None = None,
) -> LiveFeatures:
    """A scene's features, from the cache or made now. With `basis` in that basis, else in the scene's own.

    Raises BadValues, and what `check` raises (Cancelled).
    """
    import scipy.sparse as sp

    key_params = recipe.as_dict()
    if basis is not None:
        digest = hashlib.sha256()
        for array in basis.arrays().values():
            digest.update(np.ascontiguousarray(array).tobytes())
        key_params["basis"] = digest.hexdigest()
    key = cache_key(scene.id, "live_features", VERSION, key_params)
    arrays = cache.get(key, lambda: _compute(scene, recipe, basis, _Steps(check, progress)), folder)
    n = arrays["scale_0"].shape[0]
    walk = sp.csr_matrix((arrays["walk_data"], arrays["walk_indices"], arrays["walk_indptr"]), shape=(n, n))
    scales = tuple(arrays[f"scale_{s}"] for s in range(len(recipe.scales)))
    return LiveFeatures(arrays["index"], scales, walk, Basis.from_arrays(arrays))


class _Steps:
    """Progress of work in parts with known shares of the time."""

    def __init__(self, check: Callable[[], None], progress: Callable[[Progress], None]) -> None:
        self._check, self._progress = check, progress
        self._started = time.perf_counter()

    def part(self, message: str, start: float, stop: float) -> Callable[[float], None]:
        """A function of the fraction done of one part, which spans [start, stop] of the whole."""

        def report(fraction: float) -> None:
            self._check()
            done = start + (stop - start) * fraction
            passed = time.perf_counter() - self._started
            left = passed * (1 - done) / done if done > 0.02 and passed > 0.2 else None
            self._progress(Progress(message, done, 1.0, left))

        report(0.0)
        return report


def _compute(scene: Scene, recipe: Recipe, basis: Basis | None, steps: _Steps) -> Arrays:
    report = steps.part("Learning the spectral components", 0.0, 0.3)
    if basis is None:
        components = fit_components(scene, recipe.components, recipe.edge_components, report)
    else:
        components = basis.components
    valid = scene.valid
    report = steps.part("Reading the scene", 0.3, 0.6)
    index, white, edges = _nodes(scene, valid, components, recipe.max_nodes, report)
    n = white.shape[0]

    height_mean = height_scale = np.zeros(0, dtype=np.float32)
    wants_height = recipe.height_weight > 0 if basis is None else basis.height_mean.size > 0
    if wants_height and scene.dsm is not None:
        steps.part("Measuring heights", 0.6, 0.65)
        layers = node_means(index, height_features(scene.dsm, scene.gsd_m or 1.0), n)  # (n, L)
        if basis is None:
            height_mean, height_scale = layers.mean(axis=0), layers.std(axis=0)
            height_scale = np.where(height_scale > 0, height_scale, 1.0).astype(np.float32)
        else:
            height_mean, height_scale = basis.height_mean, basis.height_scale
        # `height_weight` is the share of the heights' variance in the whole, whatever the number of bands.
        weight = np.sqrt(recipe.height_weight * white.shape[1] / height_mean.size)
        scaled = np.clip((layers - height_mean) / height_scale, -4, 4)
        white = np.hstack([white, (scaled * weight).astype(np.float32)])

    report = steps.part("Smoothing within edges", 0.65, 1.0)
    walk = diffusion_matrix(index, edges, recipe.edge_strength)
    smooth = diffuse(walk, white, recipe.scales, report)
    if basis is None:
        spread = np.array([np.sqrt(f.var(axis=0).sum()) for f in smooth], dtype=np.float32)
        spread[spread <= 0] = 1.0
    else:
        spread = basis.spread
    arrays: Arrays = {f"scale_{s}": np.ascontiguousarray(f / spread[s]) for s, f in enumerate(smooth)}
    arrays |= {"index": index, "walk_data": walk.data, "walk_indices": walk.indices, "walk_indptr": walk.indptr}
    return arrays | Basis(components, height_mean, height_scale, spread).arrays()


def _nodes(
    scene: Scene, valid: BoolArray, components: Components, max_nodes: int, check: Callable[[float], None]
) -> tuple[IndexArray, FloatArray, FloatArray]:
    """Nodes (H, W), their whitened components (n, C) and the principal components (n, c) that make edges.

    One window of the cube in memory at a time.
    """
    bands: list[int] = components.whitened.bands.tolist()
    height, width = valid.shape
    if int(valid.sum()) <= max_nodes:
        index = pixel_nodes(valid)
    else:

        def read(rows: slice, cols: slice) -> FloatArray:
            return components.principal(scene.read(rows, cols, bands))

        index = scene_superpixels(read, valid, max_nodes, lambda done: check(0.7 * done))
    n = int(index.max()) + 1
    pixels = np.maximum(np.bincount(index[index >= 0], minlength=n), 1).astype(np.float32)
    white = np.zeros((n, components.whitened.matrix.shape[1]), dtype=np.float32)
    edges = np.zeros((n, components.principal.matrix.shape[1]), dtype=np.float32)
    for rows in strips(height, width * len(bands)):
        check(0.7 + 0.3 * rows.start / height)
        inside = index[rows] >= 0
        nodes: npt.NDArray[np.int32] = index[rows][inside]
        spectra = scene.read(rows, slice(0, width), bands)[inside]  # (m, b)
        for out, projection in ((white, components.whitened), (edges, components.principal)):
            values = projection(spectra)
            if not np.isfinite(values).all():  # a valid pixel has every good band; guards other readers
                values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
            for channel in range(values.shape[1]):
                out[:, channel] += np.bincount(nodes, weights=values[:, channel], minlength=n).astype(np.float32)
    return index, white / pixels[:, None], edges / pixels[:, None]
