"""What `live` knows of a scene before the first label: nodes, and two families of features at several scales.

    bands ─ MNF, whitened ──────▶ mean a node ─▶ diffusion: 0, 2, 5, 20, 60, 200 steps ─▶ white, one set a scale
    bands ─ PCA, half whitened ─▶ mean a node ─▶ diffusion: 0, 2, 5, 20, 60, 200 steps ─▶ principal, one set a scale
    bands ─ logs, less most of their mean (`features/shape.py`), PCA, half whitened ─▶ the same ─▶ shape; none where
                                                                                                the values have no zero
    surface model ─ ln(1 + height above ground), smoothed as much: the last column of every set
    bands ─ first PCs, and that height ─▶ edges of the diffusion
    bands ─▶ noise share, effective dimensions (`features/noise.py`): what `views.py` prefers before labels tell

A node is a pixel, or in scenes of more than `max_nodes` valid pixels a superpixel (of components in units of their
noise; principal components, as before, cost the town 3 to 5 points), and then pixels lie between them
(`features/guide.py`). What a click solves costs the same for any larger scene; its map grows with the pixels.
The spectral features of a scale have total variance 1 over the nodes; heights keep their unit, so that a flat scene's
noise is not blown up to importance.
Slope, height range and roughness were tried as features and did not help; heights as edges helped most.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.features.cache import Arrays, FeatureCache, cache_key
from hsi_studio.features.far_diffusion import diffuse_far
from hsi_studio.features.guide import Guide, Spots
from hsi_studio.features.height import height_above_ground
from hsi_studio.features.noise import effective_dimension, signal_weights
from hsi_studio.features.shape import ShapeProjection, fit_shape
from hsi_studio.features.spatial import (
    IndexArray,
    diffusion_matrix,
    node_centres,
    node_means,
    typical_distance,
)
from hsi_studio.features.spectral import Components, Projection, fit_components
from hsi_studio.methods.live.nodes import nodes_of
from hsi_studio.types import FloatArray, Progress, Scene

VERSION = 2  # of the numbers saved models stand on (`scales`): raise when they change
STORED = 6  # of everything kept in the cache: raise when that changes
FAMILIES = ("principal", "white", "shape")
Place = tuple[str, int]  # a family and a scale, 0 = not smoothed
PIXEL_COMPONENTS = 30  # principal components of the pixel scale
SHAPE_COMPONENTS = 16  # 10 to 30 do as well
HEIGHT_EDGE = 0.32  # a step of this in ln(1 + metres) is as much of an edge as the median spectral step


@dataclass(frozen=True)
class Recipe:
    """The parameters features depend on."""

    components: int
    edge_components: int
    edge_strength: float
    scales: tuple[int, ...]  # diffusion steps, increasing; the pixel scale comes before them
    height_weight: float  # 0 = without the surface model
    max_nodes: int

    def as_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "scales": list(self.scales)}


def _nothing() -> FloatArray:
    return np.zeros(0, dtype=np.float32)


@dataclass(frozen=True)
class Basis:
    """Everything fitted on a scene that another scene needs to get comparable features."""

    components: Components
    pixel_scale: FloatArray  # (C,) what principal components are divided by at the pixel scale
    spread: FloatArray  # (S,) root of the total spectral variance at each scale: principal at the first, then white
    principal_spread: FloatArray  # (S,) the same of the principal family
    white_spread: FloatArray  # (S,) and of the whitened one
    shape: ShapeProjection | None = None
    shape_scale: FloatArray = field(default_factory=_nothing)  # (C,) what the shapes' components are divided by
    shape_spread: FloatArray = field(default_factory=_nothing)  # (S,)

    def arrays(self) -> Arrays:
        white, principal = self.components.whitened, self.components.principal
        shapes: Arrays = {}
        if self.shape is not None:
            shapes = {
                "shape_level": self.shape.level,
                "shape_mean": self.shape.mean,
                "shape_matrix": self.shape.matrix,
                "shape_scale": self.shape_scale,
                "shape_spread": self.shape_spread,
            }
        return shapes | {
            "bands": white.bands,
            "mean": white.mean,
            "scale": white.scale,
            "whitened": white.matrix,
            "principal": principal.matrix,
            "pixel_scale": self.pixel_scale,
            "spread": self.spread,
            "principal_spread": self.principal_spread,
            "white_spread": self.white_spread,
            "ratios": self.components.ratios,
            "noise": np.array([self.components.noise], dtype=np.float64),
        }

    def is_like(self, other: Basis) -> bool:
        """Are features in both bases the same? Not where another version of the program made one of them."""
        mine, others = self.arrays(), other.arrays()
        return mine.keys() == others.keys() and all(
            mine[key].shape == others[key].shape and np.allclose(mine[key], others[key], rtol=1e-4, atol=1e-6)
            for key in mine
        )

    @staticmethod
    def from_arrays(a: Arrays) -> Basis:
        """Also from models of before there were two families: they use one scale of one, the rest of the other."""
        common = (a["bands"], a["mean"], a["scale"])
        ratios = a.get("ratios", np.ones(a["whitened"].shape[1], dtype=np.float32))
        shape = None
        if "shape_matrix" in a:
            shape = ShapeProjection(a["bands"], a["shape_level"], a["shape_mean"], a["shape_matrix"])
        return Basis(
            Components(
                Projection(*common, a["whitened"]),
                Projection(*common, a["principal"]),
                ratios,
                float(a.get("noise", np.array([0.5]))[0]),
            ),
            a["pixel_scale"],
            a["spread"],
            a.get("principal_spread", a["spread"]),
            a.get("white_spread", a["spread"]),
            shape,
            a.get("shape_scale", _nothing()),
            a.get("shape_spread", _nothing()),
        )


@dataclass(frozen=True)
class LiveFeatures:
    """One scene's features. All arrays are read-only and shared."""

    index: IndexArray  # (H, W) node of a pixel, −1 where invalid
    principal: tuple[FloatArray, ...]  # S arrays (n, P): not smoothed, then `recipe.scales`
    white: tuple[FloatArray, ...]  # S arrays (n, C), the same
    shape: tuple[FloatArray, ...]  # S arrays (n, C'), the same; none where the values have no zero
    variance: tuple[FloatArray, ...]  # (S, P), (S, C), (S, C') of the families' columns over the nodes
    dimensions: FloatArray  # (4,) or (6,) effective dimensions of `views.METRICS` after most of the smoothing
    heights: int  # columns at the end of every set that are heights, 0 or 1
    basis: Basis
    guide: Guide | None = None  # where nodes are superpixels
    own: npt.NDArray[np.float16] | None = None  # (H·W, D) of single pixels beside superpixels, before `own_size`
    own_size: FloatArray | None = None  # (D,)

    def at(self, place: Place) -> FloatArray:
        """(n, ·) of a family at a scale."""
        families: dict[str, tuple[FloatArray, ...]] = {
            "principal": self.principal, "white": self.white, "shape": self.shape,
        }  # fmt: skip
        return families[place[0]][place[1]]

    @property
    def scales(self) -> tuple[FloatArray, ...]:
        """S arrays (n, ·): principal, not smoothed, then the smoothed whitened ones: one feature set a scale."""
        return (self.principal[0], *self.white[1:])

    @property
    def count(self) -> int:
        """Number of nodes n."""
        return int(self.scales[0].shape[0])

    def spots(self, pixels: npt.NDArray[np.integer]) -> Spots:
        """These pixels (m,), as numbers row by row."""
        node = self.index.ravel()[pixels].astype(np.int64)
        return Spots(node, None if self.guide is None else self.guide.weights[pixels])

    @property
    def pixels_known(self) -> bool:
        """Is it known what a single pixel is?"""
        return self.guide is None or self.own is not None

    def own_values(self, pixels: slice | npt.NDArray[np.integer]) -> FloatArray:
        """(m, D) unsmoothed components, shapes and height of single pixels, as numbers row by row."""
        if self.own is not None and self.own_size is not None:
            return np.asarray(self.own[pixels].astype(np.float32) * self.own_size, dtype=np.float32)
        return self.own_of_nodes(self.index.ravel()[pixels])

    def own_of_nodes(self, nodes: slice | npt.NDArray[np.integer]) -> FloatArray:
        """The same of nodes, which are pixels where there is no guide."""
        last = -self.heights or None
        parts = [self.principal[0][nodes, :last]] + [f[nodes, :last] for f in self.shape[:1]]
        return np.hstack([*parts, self.principal[0][nodes, self.principal[0].shape[1] - self.heights :]])

    @cached_property
    def pixels(self) -> int:
        """Valid pixels of the scene."""
        return int(np.count_nonzero(self.index >= 0))

    @cached_property
    def centres(self) -> tuple[FloatArray, FloatArray]:
        """Row and column of the middle of every node (n,)."""
        return node_centres(self.index)


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
    key_params = recipe.as_dict()
    if recipe.height_weight > 0:
        key_params["gsd_m"] = scene.gsd_m  # heights above ground depend on it, and a scene in degrees had none once
    if basis is not None:
        digest = hashlib.sha256()
        for array in basis.arrays().values():
            digest.update(np.ascontiguousarray(array).tobytes())
        key_params["basis"] = digest.hexdigest()
    key = cache_key(scene.id, "live_features", STORED, key_params)
    arrays = cache.get(key, lambda: _compute(scene, recipe, basis, _Steps(check, progress)), folder)
    count = 1 + len(recipe.scales)
    return LiveFeatures(
        arrays["index"],
        tuple(arrays[f"principal_{s}"] for s in range(count)),
        tuple(arrays[f"white_{s}"] for s in range(count)),
        tuple(arrays[f"shape_{s}"] for s in range(count) if "shape_variance" in arrays),
        tuple(arrays[f"{name}_variance"] for name in FAMILIES if f"{name}_variance" in arrays),
        arrays["dimensions"],
        int(recipe.height_weight > 0 and scene.dsm is not None),
        Basis.from_arrays(arrays),
        Guide.from_arrays(arrays, arrays["index"].size, arrays["principal_0"].shape[0]),
        arrays.get("own"),
        arrays.get("own_size"),
    )


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
    report = steps.part("Learning the spectral components", 0.0, 0.2)
    if basis is None:
        components = fit_components(scene, recipe.components, PIXEL_COMPONENTS, report)
        report = steps.part("Learning the shapes of spectra", 0.2, 0.3)
        shapes = fit_shape(scene, components.whitened.bands, SHAPE_COMPONENTS, report)
    else:
        components, shapes = basis.components, basis.shape
    report = steps.part("Reading the scene", 0.3, 0.6)
    made = nodes_of(scene, scene.valid, components, shapes, recipe.max_nodes, report)
    index, white, principal, shape = made.index, made.white, made.principal, made.shape
    edges, height = principal[:, : recipe.edge_components], np.zeros((white.shape[0], 0), dtype=np.float32)
    single = [] if made.own is None else [made.own]
    if recipe.height_weight > 0 and scene.dsm is not None:
        steps.part("Measuring heights", 0.6, 0.65)
        above = np.log1p(height_above_ground(scene.dsm[..., 0], scene.gsd_m or 1.0))  # (H, W)
        height = node_means(index, above[..., None], white.shape[0])  # (n, 1)
        if single:
            single.append(np.nan_to_num(above).reshape(-1, 1).astype(np.float16))
        edges = np.hstack([edges, height * np.sqrt(typical_distance(index, edges)) / HEIGHT_EDGE])

    report = steps.part("Smoothing within edges", 0.65, 1.0)
    walk = diffusion_matrix(index, edges, recipe.edge_strength)
    pixel_scale = _half(principal) if basis is None else basis.pixel_scale
    shape_scale = _half(shape) if basis is None else basis.shape_scale
    together = np.hstack([principal / pixel_scale, white, shape / shape_scale, height])
    smooth = diffuse_far(walk, together, (0, *recipe.scales), report)
    stops = np.cumsum([principal.shape[1], white.shape[1], shape.shape[1]]).tolist()
    columns = {n: slice(a, b) for n, a, b in zip(FAMILIES, [0, *stops], stops, strict=False) if b > a}
    variance = np.array([f.var(axis=0) for f in smooth], dtype=np.float32)  # (S, all columns)
    if basis is None:
        spreads = {name: _positive(np.sqrt(variance[:, own].sum(axis=1))) for name, own in columns.items()}
        spread = np.concatenate([spreads["principal"][:1], spreads["white"][1:]])
    else:
        spreads = {"principal": basis.principal_spread, "white": basis.white_spread, "shape": basis.shape_spread}
        spread = basis.spread
    arrays: Arrays = {"index": index} | ({} if made.guide is None else made.guide.arrays())
    if single:
        sizes = [1.0 / (pixel_scale * spread[0])]
        sizes += [1.0 / (shape_scale * spreads["shape"][0])] if "shape" in columns else []
        sizes += [np.sqrt([recipe.height_weight])] if len(single) > 1 else []
        arrays |= {"own": np.hstack(single), "own_size": np.concatenate(sizes).astype(np.float32)}
    for name, own in columns.items():
        for s, whole in enumerate(smooth):
            tail = whole[:, stops[-1] :] * np.float32(np.sqrt(recipe.height_weight))
            old = name != "shape" and (name == "principal") == (s == 0)
            size = spread[s] if old else spreads[name][s]
            arrays[f"{name}_{s}"] = np.ascontiguousarray(np.hstack([whole[:, own] / size, tail]), dtype=np.float32)
        arrays[f"{name}_variance"] = variance[:, own] / np.square(spreads[name])[:, None]
    far = max(len(smooth) - 2, 0)
    signal = signal_weights(components.ratios.astype(np.float64))
    factors = [("principal", pixel_scale), ("principal", 1.0), ("white", 1.0), ("white", signal)]  # as `views.METRICS`
    factors += [("shape", shape_scale), ("shape", 1.0)] if "shape" in columns else []
    spaces = [smooth[far][:, columns[name]] * np.asarray(factor) for name, factor in factors]
    arrays["dimensions"] = np.array([effective_dimension(np.atleast_2d(np.cov(x, rowvar=False))) for x in spaces], "f4")
    found = Basis(
        components, pixel_scale, spread, spreads["principal"], spreads["white"], shapes, shape_scale,
        spreads.get("shape", _nothing()),
    )  # fmt: skip
    return arrays | found.arrays()


def _half(values: FloatArray) -> FloatArray:
    """(C,) the root of each column's deviation: what is divided by it is half whitened."""
    return np.asarray(np.sqrt(np.maximum(values.std(axis=0), 1e-12)), dtype=np.float32)


def _positive(values: FloatArray) -> FloatArray:
    return np.where(values > 0, values, 1.0).astype(np.float32)
