"""The best places of a query's map: connected pixels above the threshold, what they look like, and why they matched.

A region's description comes from its own pixels (`text/description.py`); "why" names the things the query was taken
for, how much each counted and the facts that made the region pass. Candidate labels are pixels well inside a region,
far apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.engine.query.matcher import Answer, Matcher
from hsi_studio.engine.query.pixel_facts import PixelFacts
from hsi_studio.text.description import Description, describe
from hsi_studio.text.description_rules import UNITS, meaning
from hsi_studio.text.lexicon import TRAITS, Cond, thing
from hsi_studio.types import BoolArray, FloatArray

TOP, MIN_PIXELS = 8, 3
READ = 400  # pixels of a region that its description is made from


@dataclass(frozen=True)
class Reason:
    """One thing the query was taken for, and the facts of the region that speak for it."""

    text: str
    weight: float  # of the query
    grade: float  # of the region
    facts: tuple[str, ...]  # "height above ground 7.1 m (at least 2.5)"


@dataclass(frozen=True)
class Region:
    """A connected place above the threshold; `row`, `col` a pixel well inside it."""

    row: int
    col: int
    pixels: int
    area_m2: float | None
    score: float
    box: tuple[int, int, int, int]  # first row, first column, rows, columns
    description: Description
    reasons: tuple[Reason, ...]


def top_regions(
    answer: Answer, threshold: float, pixel_facts: PixelFacts, matcher: Matcher | None, count: int = TOP
) -> list[Region]:
    """The `count` best regions, best first: by mean score and the root of their size. [] when nothing is above.

    `matcher`: the one that answered, for the reasons; None for a trained model.
    """
    from scipy.ndimage import find_objects, label

    above = np.nan_to_num(answer.map, nan=-1.0) >= threshold
    places, found = label(above, structure=np.ones((3, 3), dtype=int))
    if not found:
        return []
    flat = places.ravel()
    pixels = np.bincount(flat, minlength=found + 1)[1:]
    total = np.bincount(flat, weights=np.nan_to_num(answer.map).ravel(), minlength=found + 1)[1:]
    mean = total / np.maximum(pixels, 1)
    # Size counts as its root: a sure small roof comes before a doubtful field.
    rank = mean * np.sqrt(np.minimum(pixels, 400))
    rank[pixels < MIN_PIXELS] *= 1e-3
    best = np.argsort(-rank, kind="stable")[:count]
    boxes = find_objects(places)
    gsd = pixel_facts.scene.gsd_m
    out = []
    for k in best:
        rows, cols = boxes[int(k)]
        mask = places[rows, cols] == int(k) + 1
        row, col = deepest(mask, 1)[0]
        r, c = np.nonzero(mask)
        keep = np.linspace(0, r.size - 1, min(r.size, READ)).round().astype(int)
        facts = pixel_facts.facts(r[keep] + rows.start, c[keep] + cols.start)
        out.append(
            Region(
                rows.start + row,
                cols.start + col,
                int(pixels[k]),
                None if gsd is None else float(pixels[k]) * gsd**2,
                float(mean[k]),
                (rows.start, cols.start, rows.stop - rows.start, cols.stop - cols.start),
                describe("", facts),
                _reasons(answer, matcher, mask, rows, cols),
            )
        )
    return out


def _reasons(answer: Answer, matcher: Matcher | None, mask: BoolArray, rows: slice, cols: slice) -> tuple[Reason, ...]:
    """What the query was taken for, as far as the region has it."""
    if matcher is None or answer.asked is None:
        return ()
    words = matcher.words
    nodes, size = np.unique(words.index[rows, cols][mask], return_counts=True)
    nodes, size = nodes[nodes >= 0], size[nodes >= 0]
    if not nodes.size:
        return ()

    def middle(values: FloatArray) -> float:
        known = np.isfinite(values[nodes])
        return float(np.average(values[nodes][known], weights=size[known])) if known.any() else float("nan")

    out = []
    for like in answer.likeness:
        held = thing(like.key)
        grade = middle(words.grades[:, words.things.index(like.key)])
        if like.weight * grade < 0.02:
            continue
        conds = (*held.need, *held.also)
        facts = tuple(_fact(c, middle(words.facts[c.measure])) for c in conds if c.measure in words.facts)
        out.append(Reason(like.text, like.weight, grade, facts))
    for key in answer.asked.traits:
        if key in words.traits:
            trait = next(t for t in TRAITS if t.key == key)
            facts = tuple(_fact(c, middle(words.facts[c.measure])) for c in trait.conds if c.measure in words.facts)
            out.append(Reason(key, 1.0, middle(words.traits[key]), facts))
    for said in (*answer.asked.near, *answer.asked.away):
        each, away = matcher.near(said, answer.others)
        grade, far = middle(each), middle(away) * (words.gsd_m or 1.0)
        unit = "pixels" if words.gsd_m is None else "m"
        wanted = said in answer.asked.near
        fact = f"{far:.0f} {unit} from where “{said}” is found" if np.isfinite(far) else f"“{said}” is found nowhere"
        out.append(
            Reason(f"{'near' if wanted else 'away from'} {said}", 1.0, grade if wanted else 1.0 - grade, (fact,))
        )
    return tuple(out)


def _fact(cond: Cond, value: float) -> str:
    unit = f" {UNITS[cond.measure]}" if cond.measure in UNITS else ""
    wanted = [f"at least {cond.low:g}" if cond.low is not None else "", f"at most {cond.high:g}" if cond.high else ""]
    return f"{meaning(cond.measure)} {value:.2f}{unit} ({', '.join(filter(None, wanted)) or 'any'})"


def deepest(mask: BoolArray, count: int) -> list[tuple[int, int]]:
    """Up to `count` pixels of a mask, each as far as can be from its border and from those before it."""
    from scipy.ndimage import distance_transform_edt

    padded = np.pad(mask, 1)
    depth = np.asarray(distance_transform_edt(padded))[1:-1, 1:-1]
    row, col = np.nonzero(mask)
    room: npt.NDArray[np.float64] = depth[row, col].astype(np.float64)
    chosen: list[tuple[int, int]] = []
    for _ in range(min(count, row.size)):
        k = int(room.argmax())
        if room[k] <= 0:
            break
        chosen.append((int(row[k]), int(col[k])))
        away = np.hypot(row - row[k], col - col[k])
        room = np.minimum(room, np.where(away < 1, 0.0, away))
    return chosen


def candidates(answer: Answer, threshold: float, regions: list[Region], per_region: int) -> list[tuple[int, int]]:
    """Pixels to offer as labels: up to `per_region` of each region, all above the threshold."""
    from scipy.ndimage import label

    above = np.nan_to_num(answer.map, nan=-1.0) >= threshold
    out: list[tuple[int, int]] = []
    for region in regions:
        r, c, h, w = region.box
        part, _ = label(above[r : r + h, c : c + w], structure=np.ones((3, 3), dtype=int))
        mask = part == part[region.row - r, region.col - c]
        out += [(r + row, c + col) for row, col in deepest(mask, per_region)]
    return out
