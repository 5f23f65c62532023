"""Steps after a map was made; each gives a new map and leaves the old one as it is.

    sieve=AREA         regions smaller than AREA take the class of their largest neighbour; m², or pixels without a GSD
    majority=R         the most frequent class in a square of side 2R + 1; ties keep the pixel's own class
    edges=R            the same, counting only neighbours that look like the pixel, so that class edges follow image
                       edges
    confidence=T       pixels whose probability is below T become unlabelled
    margin=T           … whose first two probabilities lie closer than T
    entropy=T          … whose entropy, 0 (sure) to 1 (all classes alike), is above T
    sets=C             … whose conformal set at confidence C holds more than one class (`uncertainty.py`)

The sieve is GDAL's (through rasterio), over 4 neighbours. "Looks like" is the distance of the scene's first three
principal components in units of their local noise (joint bilateral filtering of labels; K. He et al., doi:10.1109/
TPAMI.2012.213 on guided filters). Pixels without a class never get one, and the confidence of a pixel whose class
changed is the mean of the neighbours that outvoted it, because its own was of another class.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest
from hsi_studio.types import FloatArray, Prediction, Scene

NEIGHBOURHOOD = ("majority", "edges")
THRESHOLDS = ("confidence", "margin", "entropy", "sets")
KINDS = ("sieve", *NEIGHBOURHOOD, *THRESHOLDS)
MOST_RADIUS = 15
MOST_AREA = 1e12  # m²: a million square kilometres
STRIP_VALUES = 32_000_000  # of the cube in memory at once: 128 MB


@dataclass(frozen=True)
class Step:
    kind: str
    value: float

    def __str__(self) -> str:
        return f"{self.kind}={self.value:g}"


def parse_steps(text: str) -> tuple[Step, ...]:
    """ "sieve=400,majority=1" → steps in their order. Raises BadRequest."""
    found = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([a-z]+)=(\d+(?:\.\d+)?)\s*", part)
        if match is None or match[1] not in KINDS:
            raise BadRequest(f"{part[:60]!r} is no step: write {', '.join(f'{kind}=NUMBER' for kind in KINDS)}.")
        kind, value = match[1], float(match[2])
        if kind in NEIGHBOURHOOD and not (value.is_integer() and 1 <= value <= MOST_RADIUS):
            raise BadRequest(f"{part.strip()}: the radius is a whole number of pixels from 1 to {MOST_RADIUS}.")
        if kind in THRESHOLDS and not 0 < value < 1:
            raise BadRequest(f"{part.strip()}: the threshold lies between 0 and 1, as in {kind}=0.6.")
        if kind == "sieve" and not 0 < value <= MOST_AREA:
            raise BadRequest(
                f"{part.strip()[:60]}: the smallest region to keep is larger than 0 and at most {MOST_AREA:g}."
            )
        found.append(Step(kind, value))
    return tuple(found)


def words_of(step: Step, gsd_m: float | None) -> str:
    """For a layer's title."""
    number = f"{step.value:g}"
    return {
        "sieve": f"regions from {number} {'m²' if gsd_m else 'pixels'}",
        "majority": f"majority of {2 * int(step.value) + 1} × {2 * int(step.value) + 1}",
        "edges": f"smoothed along edges, {2 * int(step.value) + 1} × {2 * int(step.value) + 1}",
        "confidence": f"confidence from {number}",
        "margin": f"margin from {number}",
        "entropy": f"entropy to {number}",
        "sets": f"one class at {100 * step.value:g} %",
    }[step.kind]


def apply_steps(
    prediction: Prediction,
    scene: Scene,
    steps: tuple[Step, ...],
    surface: Callable[[Step], FloatArray] | None = None,
) -> Prediction:
    """The map after all steps. `surface(step)` gives (H, W) of the map as it was made: confidence, margin, entropy or
    the number of classes in the conformal set; without it only the confidence is known. Raises BadRequest."""
    made = prediction
    for step in steps:
        if step.kind == "sieve":
            made = sieve(made, _pixels(step.value, scene.gsd_m))
        elif step.kind == "majority":
            made = vote(made, int(step.value), None)
        elif step.kind == "edges":
            made = vote(made, int(step.value), guide(scene))
        else:
            if surface is None and step.kind != "confidence":
                raise BadRequest(f"{step}: only the confidence of this map is known.")
            values = prediction.confidence if surface is None else surface(step)
            made = threshold(made, step, values)
    return replace(made, params={**prediction.params, "after": [str(step) for step in steps]})


def _pixels(area: float, gsd_m: float | None) -> int:
    """The smallest number of pixels that covers an area."""
    return max(1, math.ceil(area / gsd_m**2 - 1e-9)) if gsd_m else math.ceil(area)


def sieve(prediction: Prediction, least_px: int) -> Prediction:
    """Without regions of fewer than `least_px` pixels (4 neighbours); GDAL takes less than the whole map."""
    from rasterio.features import sieve as sieved

    least_px = min(least_px, prediction.label.size - 1)
    if least_px <= 1:
        return prediction
    made = sieved(prediction.label.astype(np.int32), least_px, connectivity=4).astype(np.uint16)
    some = (prediction.label > 0) & (made > 0)  # a gap of the scene is no class
    label = np.where(some, made, prediction.label).astype(np.uint16)
    return _with_labels(prediction, label, 1)


def guide(scene: Scene) -> FloatArray:
    """(H, W, 3) principal components of the good bands, each divided by its local noise; 0 where there is no data.

    Noise: the median absolute difference of neighbours (× 1.05 = σ of a normal difference over √2).
    """
    height, width, _ = scene.shape
    bands = np.flatnonzero(scene.good_bands).tolist()
    valid = scene.valid
    rows = max(1, STRIP_VALUES // max(width * len(bands), 1))
    strips = [slice(top, min(top + rows, height)) for top in range(0, height, rows)]
    share = min(1.0, 20_000 / max(int(valid.sum()), 1))
    rng, some = np.random.default_rng(0), []
    for strip in strips:
        values = scene.read(strip, slice(0, width), bands)[valid[strip]]  # (n, b)
        some.append(values[rng.random(len(values)) < share].astype(np.float64))
    chosen = np.concatenate(some)
    centre = chosen.mean(axis=0)
    _, _, axes = np.linalg.svd(chosen - centre, full_matrices=False)
    count = min(3, axes.shape[0])
    parts = np.zeros((height, width, 3), dtype=np.float32)
    for strip in strips:
        inside = valid[strip]
        parts[strip][inside, :count] = (scene.read(strip, slice(0, width), bands)[inside] - centre) @ axes[:count].T
    for k in range(count):
        steps = np.abs(np.diff(parts[..., k], axis=1))[valid[:, 1:] & valid[:, :-1]]
        noise = 1.05 * float(np.median(steps)) if steps.size else 0.0
        parts[..., k] /= noise or 1.0
    return parts


def vote(prediction: Prediction, radius: int, looks: FloatArray | None) -> Prediction:
    """Each pixel takes the class with most votes of the square around it; `looks` (H, W, d) weighs a neighbour by
    exp(−½ ‖difference‖² / d). Ties, and votes a rounding error apart, keep the pixel's own class."""
    label = prediction.label
    height, width = label.shape
    best, winner = np.zeros(label.shape, np.float32), label.copy()
    own = _votes(label, label, radius, looks)
    for k in range(1, len(prediction.schema) + 1):
        if not (label == k).any():
            continue
        votes = _votes(np.full((height, width), k, np.uint16), label, radius, looks)
        better = (votes > best) & (votes > own * (1 + 1e-5))
        winner[better], best[better] = k, votes[better]
    winner[label == 0] = 0
    return _with_labels(prediction, winner, radius)


def _votes(
    wanted: npt.NDArray[np.uint16], label: npt.NDArray[np.uint16], radius: int, looks: FloatArray | None
) -> FloatArray:
    """(H, W) weight of the neighbours (and the pixel itself) whose label is the wanted one."""
    height, width = label.shape
    total = np.zeros((height, width), np.float32)
    for dr in range(-radius, radius + 1):
        for dc in range(-radius, radius + 1):
            here = slice(max(0, -dr), height - max(0, dr)), slice(max(0, -dc), width - max(0, dc))
            there = slice(max(0, dr), height - max(0, -dr)), slice(max(0, dc), width - max(0, -dc))
            same = (label[there] == wanted[here]).astype(np.float32)
            if looks is not None:
                away = ((looks[there] - looks[here]) ** 2).mean(axis=2)
                same *= np.exp(-0.5 * np.minimum(away, 80))
            total[here] += same
    return total


def threshold(prediction: Prediction, step: Step, values: FloatArray) -> Prediction:
    """Pixels on the wrong side of a threshold become unlabelled; those without a value too."""
    with np.errstate(invalid="ignore"):
        if step.kind == "entropy":
            keep = values <= step.value
        elif step.kind == "sets":
            keep = values == 1
        else:
            keep = values >= step.value
    label = np.where(keep, prediction.label, 0).astype(np.uint16)
    confidence = np.where(label > 0, prediction.confidence, np.nan).astype(np.float32)
    return replace(prediction, label=label, confidence=confidence)


def _with_labels(prediction: Prediction, label: npt.NDArray[np.uint16], radius: int) -> Prediction:
    """The map with other labels; a changed pixel's confidence is that of its new class around it, where it is known."""
    changed = label != prediction.label
    confidence = prediction.confidence.copy()
    if changed.any():
        known = np.where(np.isfinite(confidence), confidence, 0).astype(np.float32)
        padded_l, padded_c = np.pad(prediction.label, radius), np.pad(known, radius)
        rows, cols = np.nonzero(changed)
        total, count = np.zeros(rows.size), np.zeros(rows.size)
        for dr in range(2 * radius + 1):
            for dc in range(2 * radius + 1):
                same = padded_l[rows + dr, cols + dc] == label[rows, cols]
                total += np.where(same, padded_c[rows + dr, cols + dc], 0)
                count += same
        mean = np.divide(total, count, out=np.full(rows.size, np.nan), where=count > 0)
        confidence[rows, cols] = mean
    return replace(prediction, label=label, confidence=confidence)
