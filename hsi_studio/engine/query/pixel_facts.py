"""Facts of a scene's pixels for `text/description.py`: spectra, heights above ground, roughness, texture, map regions.

Rasters (heights by two ways, roughness, texture) are made once a scene and cached by its content. Pixels of a class are
its labelled ones; regions and borders come from a map, when one is given, and the evidence says which.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest
from hsi_studio.features.cache import Arrays, FeatureCache, cache_key
from hsi_studio.features.height import fill_gaps, height_above_ground, roughness
from hsi_studio.features.measures import Axis, Calibration, Measured, calibrate, measure
from hsi_studio.features.objects import connected
from hsi_studio.features.spectral import strips
from hsi_studio.features.terrain import sheet
from hsi_studio.text.description import Description, Fact, Facts, Regions, describe
from hsi_studio.types import BoolArray, FloatArray, IntArray, LabelSet, Prediction, Scene

VERSION = 2  # raise when the numbers this file caches change
MAX_PIXELS = 4000  # of a region that are read; more are thinned evenly
HEIGHTS = ("height", "height_low", "rough")


class PixelFacts:
    """What can be measured on one scene. Thread-safe; cheap to make."""

    def __init__(self, scene: Scene, cache: FeatureCache, folder: Path | None = None) -> None:
        self.scene, self.cache, self.folder = scene, cache, folder
        survey = scene.survey
        self.axis = Axis(scene.bands.wavelength_nm, survey.good_bands)
        self.calibration: Calibration = calibrate(
            scene.value_unit, scene.bands.wavelength_nm, survey.band_mean, survey.band_min, survey.good_bands
        )

    def rasters(self, check: Callable[[float], None] = lambda _: None) -> Arrays:
        """`texture` (H, W) and, with a surface model, `height`, `height_low`, `rough`; float32, NaN = not known."""
        key = cache_key(self.scene.id, "described_rasters", VERSION, {})
        return self.cache.get(key, lambda: self._make_rasters(check), self.folder)

    def _make_rasters(self, check: Callable[[float], None]) -> Arrays:
        scene = self.scene
        out: Arrays = {"texture": self._texture(lambda done: check(0.6 * done))}
        if scene.dsm is not None:
            z, gsd = scene.dsm[..., 0], scene.gsd_m or 1.0
            check(0.6)
            out["height_low"] = height_above_ground(z, gsd)
            check(0.8)
            unknown = ~np.isfinite(z)
            above = np.maximum(fill_gaps(z) - sheet(z, gsd), 0.0).astype(np.float32)
            rough = roughness(np.maximum(fill_gaps(z) - fill_gaps(z).min(), 0.0))
            above[unknown] = rough[unknown] = np.nan
            out["height"], out["rough"] = above, rough
        return out

    def _texture(self, check: Callable[[float], None]) -> FloatArray:
        """(H, W) relative standard deviation of brightness in 3 × 3 pixels."""
        from scipy.ndimage import uniform_filter

        height, width, _ = self.scene.shape
        windows = [self.axis.window(low, high) for low, high in ((530, 580), (640, 680), (780, 900))]
        bands = sorted({int(w[w.size // 2]) for w in windows if w.size})
        if not bands:
            good = np.flatnonzero(self.scene.good_bands)
            bands = sorted({int(good[k]) for k in np.linspace(0, good.size - 1, min(3, good.size)).astype(int)})
        bright = np.zeros((height, width), dtype=np.float32)
        for rows in strips(height, width * len(bands)):
            check(rows.start / height)
            values = self.scene.read(rows, slice(0, width), bands)
            bright[rows] = ((values - self.calibration.haze[bands]) * self.calibration.factor[bands]).mean(axis=-1)
        known = self.scene.valid & np.isfinite(bright)
        weight = uniform_filter(known.astype(np.float64), 3, mode="nearest")
        value = np.where(known, bright, 0.0).astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = uniform_filter(value, 3, mode="nearest") / weight
            spread = np.sqrt(np.maximum(uniform_filter(value**2, 3, mode="nearest") / weight - mean**2, 0.0))
            out = spread / np.maximum(np.abs(mean), 1e-6)
        return np.where(known, out, np.nan).astype(np.float32)

    def measured(self, spectra: FloatArray) -> Measured:
        """Facts of spectra (n, B) of this scene."""
        return measure(spectra, self.axis, self.calibration)

    def spectra_at(self, row: IntArray, col: IntArray) -> FloatArray:
        """(n, B) of pixels, read in as few windows as their rows need."""
        out = np.empty((row.size, self.scene.shape[2]), dtype=np.float32)
        order = np.lexsort((col, row))
        unique, first = np.unique(row[order], return_index=True)
        for r, members in zip(unique, np.split(order, first[1:]), strict=True):
            low, high = int(col[members].min()), int(col[members].max()) + 1
            line = self.scene.read(slice(int(r), int(r) + 1), slice(low, high))[0]
            out[members] = line[col[members] - low]
        return out

    def facts(self, row: IntArray, col: IntArray, *, with_rasters: bool = True) -> Facts:
        """Facts of pixels; those without data are left out. Raises BadRequest when none is left."""
        inside = self.scene.valid[row, col]
        row, col = row[inside], col[inside]
        if not row.size:
            raise BadRequest("None of these pixels holds data: choose others.")
        count = int(row.size)
        if count > MAX_PIXELS:
            chosen = np.linspace(0, count - 1, MAX_PIXELS).round().astype(int)
            row, col = row[chosen], col[chosen]
        spectra = self.spectra_at(row, col)
        each = self.measured(spectra)
        middle = self.measured(spectra.mean(axis=0, keepdims=True))
        found = {
            name: _fact(values, middle.values[name] if name.startswith("depth") else None, each.bands_nm[name])
            for name, values in each.values.items()
        }
        if with_rasters:
            for name, raster in self.rasters().items():
                found[name] = _fact(raster[row, col], None, ())
        kept = {name: fact for name, fact in found.items() if fact is not None}
        return Facts(count, kept, self.calibration.absolute, self.calibration.note)


def _fact(values: npt.NDArray[Any], of_mean: FloatArray | None, bands_nm: tuple[float, ...]) -> Fact | None:
    """The middle and the spread of a fact; None when fewer than half the pixels have it. `of_mean` (1,): the same
    fact of the mean spectrum, which then stands for the middle."""
    known = values[np.isfinite(values)].astype(np.float64)
    if known.size < max(1, values.size // 2):
        return None
    low, middle, high = (float(q) for q in np.quantile(known, [0.1, 0.5, 0.9]))
    if of_mean is not None and np.isfinite(of_mean[0]):
        middle = float(of_mean[0])
    return Fact(middle, low, high, float(known.std()), bands_nm)


def class_facts(pixel_facts: PixelFacts, labels: LabelSet, map_: Prediction | None = None) -> dict[str, Facts]:
    """Class id → facts of its labelled pixels, with regions and borders from `map_` where given; classes without
    usable labels are left out."""
    out = {}
    shapes = map_shapes(map_, pixel_facts.scene.gsd_m) if map_ is not None else {}
    for k, info in enumerate(labels.schema.classes):
        members = np.flatnonzero(labels.label == k)
        if not members.size or not pixel_facts.scene.valid[labels.row[members], labels.col[members]].any():
            continue
        facts = pixel_facts.facts(labels.row[members], labels.col[members])
        regions, borders = shapes.get(info.id, (None, ()))
        note = "" if map_ is None else f"{map_.method} map of revision {map_.revision}"
        out[info.id] = Facts(facts.pixels, facts.facts, facts.absolute, facts.note, regions, borders, note)
    return out


def map_shapes(map_: Prediction, gsd_m: float | None) -> dict[str, tuple[Regions, tuple[tuple[str, float], ...]]]:
    """Class id → its regions on a map, and what they border on (name, share), most first."""
    classes = map_.schema.classes
    found = connected(map_.label.astype(np.int64) - 1, len(classes))
    out = {}
    for k, info in enumerate(classes):
        mine = np.flatnonzero(found.value == k)
        if not mine.size:
            continue
        area = found.area_px[mine]
        order = np.argsort(area)
        half = int(np.searchsorted(np.cumsum(area[order]), area.sum() / 2))  # half of the class lies in larger ones
        typical = float(area[order][half])
        share = area / area.sum()
        width = float((found.width_px[mine] * share).sum())
        size = None if gsd_m is None else typical * gsd_m**2
        regions = Regions(
            int(mine.size), size, typical, None if gsd_m is None else width * gsd_m, width,
            float((found.elongation[mine] * share).sum()),
        )  # fmt: skip
        beside = found.borders[mine].sum(axis=0)
        beside[k] = 0.0
        total = float(beside.sum())
        ranked = np.argsort(-beside, kind="stable")
        borders = tuple((classes[j].name, float(beside[j]) / total) for j in ranked if total and beside[j] > 0)
        out[info.id] = (regions, borders)
    return out


def describe_class(
    pixel_facts: PixelFacts, labels: LabelSet, class_id: str, map_: Prediction | None = None
) -> Description:
    """Describe a class from its labelled pixels. Raises BadRequest when it has none."""
    info = labels.schema.get(class_id)
    if info is None:
        raise BadRequest(f"There is no class {class_id!r}.")
    known = class_facts(pixel_facts, labels, map_)
    if class_id not in known:
        raise BadRequest(f"{info.name} has no labelled pixels yet: label some, then it can be described.")
    names = {c.id: c.name for c in labels.schema.classes}
    others = {names[key]: facts for key, facts in known.items() if key != class_id}
    return describe(info.name, known[class_id], others)


def describe_region(pixel_facts: PixelFacts, mask: BoolArray, name: str = "") -> Description:
    """Describe the pixels of a mask (H, W). Raises BadRequest for an empty one."""
    row, col = np.nonzero(pixel_facts.scene.usable(mask))
    return describe(name, pixel_facts.facts(row, col))
