"""What the words of `text/lexicon.py` are worth everywhere on a scene: superpixels, their facts, their grades.

    cube ─▶ superpixels ─▶ mean spectrum and heights a node ─▶ grade of every thing ─▶ cover (water, trees, roofs, …)
    cover, connected ─▶ width and length of what a node belongs to ─▶ grades of traits; distance to every cover

No label and no encoder takes part; the result depends on the scene's content alone and is cached by it, so a query
costs a product of (n, P) numbers. A sentence for every node is put together from its best thing and clear traits.

Notation: n nodes (superpixels), P things, Q traits, V covers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.engine.query.pixel_facts import PixelFacts
from hsi_studio.features.cache import Arrays, cache_key
from hsi_studio.features.measures import measure
from hsi_studio.features.objects import connected
from hsi_studio.features.spatial import IndexArray, node_means
from hsi_studio.features.spectral import fit_components, strips
from hsi_studio.features.superpixels import scene_superpixels
from hsi_studio.text.lexicon import COVERS, grade_things, grade_traits, thing
from hsi_studio.types import FloatArray

VERSION = 1  # raise when the numbers this file makes change
PIXELS_A_NODE, MIN_NODES, MAX_NODES = 12, 400, 24_000
COMPONENTS = 5  # that superpixels are drawn by
UNSURE = 0.2  # a node whose best thing is graded lower counts as no cover
NEAR_M, NEAR_PX = 20.0, 5.0  # where "near" is half true

COVER_KEYS = tuple(COVERS)


@dataclass(frozen=True)
class GradedSuperpixels:
    """Grades of all words on one scene. Arrays are read-only and shared."""

    index: IndexArray  # (H, W) node of a pixel, −1 where invalid
    pixels: npt.NDArray[np.int64]  # (n,) pixels a node
    facts: dict[str, FloatArray]  # name → (n,)
    things: tuple[str, ...]  # P keys this scene's sensor can tell
    grades: FloatArray  # (n, P)
    traits: dict[str, FloatArray]  # key → (n,)
    cover: npt.NDArray[np.int64]  # (n,) index into COVER_KEYS, −1 = unsure
    distance_px: FloatArray  # (n, V) pixels to the nearest pixel of each cover; inf where the scene has none
    gsd_m: float | None

    @property
    def count(self) -> int:
        return int(self.pixels.size)

    @functools.cached_property
    def best(self) -> npt.NDArray[np.int64]:
        """(n,) the thing that names each node: the most particular one that clearly holds, else the best graded."""
        particular = np.array([len(thing(k).need) + len(thing(k).also) for k in self.things], dtype=np.float32)
        clear = np.where(self.grades >= 0.5, self.grades + 0.1 * particular, self.grades * 0.5)
        return np.asarray(clear.argmax(axis=1))

    @functools.cached_property
    def sentences(self) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
        """Unique sentences, and (n,) which of them each node has."""
        clear = {key: grade >= 0.6 for key, grade in self.traits.items()}
        near = self.near()
        best, top = self.best, self.grades[np.arange(self.count), self.best]
        codes: list[npt.NDArray[Any]] = [best, top >= UNSURE, *clear.values()]
        codes += [(near[:, v] >= 0.6) & (self.cover != v) for v in range(len(COVER_KEYS))]
        table = np.stack([np.asarray(code, dtype=np.int64) for code in codes], axis=1)
        unique, which = np.unique(table, axis=0, return_inverse=True)
        keys = list(clear)
        said = tuple(self._sentence(row, keys) for row in unique)
        return said, np.asarray(which).ravel()

    def _sentence(self, row: npt.NDArray[np.int64], keys: list[str]) -> str:
        traits = [key for key, on in zip(keys, row[2 : 2 + len(keys)], strict=True) if on]
        beside = [COVERS[COVER_KEYS[v]] for v, on in enumerate(row[2 + len(keys) :]) if on]
        name = thing(self.things[int(row[0])]).text if row[1] else "mixed ground"
        words = f"{name}; {', '.join(traits)}" if traits else name
        return f"{words}; near {' and '.join(beside[:3])}" if beside else words

    def near(self) -> FloatArray:
        """(n, V) 0 … 1: how near each cover is."""
        half = NEAR_PX if self.gsd_m is None else max(NEAR_M / self.gsd_m, 2.0)
        with np.errstate(invalid="ignore"):
            return np.asarray(1.0 / (1.0 + (self.distance_px / half) ** 2), dtype=np.float32)

    def paint(self, values: FloatArray) -> FloatArray:
        """(H, W) of node values (n,); NaN where invalid."""
        out = values[np.maximum(self.index, 0)].astype(np.float32)
        out[self.index < 0] = np.nan
        return out


def graded_superpixels(pixel_facts: PixelFacts, check: Callable[[float], None] = lambda _: None) -> GradedSuperpixels:
    """Everything above for a scene, from the cache or made now; `check(fraction done)` may raise to stop.

    Raises BadValues (nothing usable in the scene).
    """
    scene = pixel_facts.scene
    rasters = pixel_facts.rasters(lambda done: check(0.15 * done))
    key = cache_key(scene.id, "scene_words", VERSION, {})
    kept = pixel_facts.cache.get(key, lambda: _nodes(pixel_facts, rasters, check), pixel_facts.folder)
    return _graded(pixel_facts, kept, rasters)


def _nodes(pixel_facts: PixelFacts, rasters: Arrays, check: Callable[[float], None]) -> Arrays:
    """Superpixels, their pixels and their mean spectra (n, B) in the bands as stored."""
    scene = pixel_facts.scene
    valid = scene.valid
    components = fit_components(scene, COMPONENTS, COMPONENTS, lambda done: check(0.15 + 0.15 * done))
    bands = components.principal.bands.tolist()

    def read(rows: slice, cols: slice) -> FloatArray:
        return components.principal(scene.read(rows, cols, bands))

    wanted = int(np.clip(int(valid.sum()) / PIXELS_A_NODE, MIN_NODES, MAX_NODES))
    index = scene_superpixels(read, valid, wanted, lambda done: check(0.3 + 0.4 * done))
    count = int(index.max()) + 1
    height, width, b = scene.shape
    total = np.zeros((count, b))
    for rows in strips(height, width * b):
        check(0.7 + 0.3 * rows.start / height)
        part, cube = index[rows], scene.read(rows, slice(0, width))
        pixels = np.bincount(part[part >= 0], minlength=count)
        total += node_means(part, cube, count) * pixels[:, None]
    pixels = np.bincount(index[index >= 0], minlength=count)
    spectra = (total / np.maximum(pixels, 1)[:, None]).astype(np.float32)
    names = sorted(rasters)
    heights = node_means(index, np.stack([rasters[name] for name in names], axis=-1), count)
    out: Arrays = {f"raster_{name}": np.ascontiguousarray(heights[:, k]) for k, name in enumerate(names)}
    return out | {"index": index, "pixels": pixels.astype(np.int64), "spectra": spectra}


def _graded(pixel_facts: PixelFacts, kept: Arrays, rasters: Arrays) -> GradedSuperpixels:
    index, pixels = kept["index"], kept["pixels"]
    measured = measure(kept["spectra"], pixel_facts.axis, pixel_facts.calibration)
    facts = dict(measured.values) | {name: kept[f"raster_{name}"] for name in rasters}
    graded = grade_things(facts) if facts else {}
    things = tuple(graded)
    grades = np.stack([graded[k] for k in things], axis=1) if things else np.zeros((pixels.size, 0), np.float32)
    cover = _cover(things, grades)
    inside = index >= 0
    covered = np.full(index.shape, -1, dtype=np.int64)
    covered[inside] = cover[index[inside]]
    objects = connected(covered, len(COVER_KEYS))
    gsd = pixel_facts.scene.gsd_m
    first = np.zeros(pixels.size, dtype=np.int64)  # one pixel of each node
    flat = index.ravel()
    order = np.flatnonzero(flat >= 0)
    first[flat[order][::-1]] = order[::-1]
    member = objects.index.ravel()[first]  # (n,) object of a node, −1
    if gsd is not None and objects.value.size:
        known = member >= 0
        facts["width_m"] = np.where(known, objects.width_px[np.maximum(member, 0)] * gsd, np.nan).astype(np.float32)
        facts["elongation"] = np.where(known, objects.elongation[np.maximum(member, 0)], np.nan).astype(np.float32)
    traits = grade_traits(facts) if facts else {}
    return GradedSuperpixels(
        index, pixels, facts, things, grades, traits, cover, _distances(covered, index, pixels.size), gsd
    )


def _cover(things: tuple[str, ...], grades: FloatArray) -> npt.NDArray[np.int64]:
    """(n,) the cover whose best thing is graded highest; −1 where none is clear."""
    best = np.full((grades.shape[0], len(COVER_KEYS)), 0.0, dtype=np.float32)
    for p, key in enumerate(things):
        cover = thing(key).cover
        if cover in COVER_KEYS:
            v = COVER_KEYS.index(cover)
            best[:, v] = np.maximum(best[:, v], grades[:, p])
    chosen = best.argmax(axis=1)
    return np.asarray(np.where(best.max(axis=1) >= UNSURE, chosen, -1))


def _distances(covered: npt.NDArray[np.int64], index: IndexArray, count: int) -> FloatArray:
    """(n, V) mean distance in pixels of each node to each cover."""
    from scipy.ndimage import distance_transform_edt

    out = np.full((count, len(COVER_KEYS)), np.inf, dtype=np.float32)
    for v in range(len(COVER_KEYS)):
        there = covered == v
        if there.any():
            distance = distance_transform_edt(~there).astype(np.float32)
            out[:, v] = node_means(index, distance[..., None], count)[:, 0]
    return out
