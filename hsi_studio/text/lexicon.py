"""What words mean in measured numbers: *things* (trees, a tile roof, water) and *traits* (dark, raised, rough).

Each word is a graded condition on facts of `features/measures.py` and on heights: 1 = true without doubt, 0 = false,
0.5 on the border. Words whose facts the sensor cannot give do not exist for that scene; facts that help but may be
missing (heights, colours of a file without units) are in `also`.

The thresholds are typical values from the literature the measures cite, set by hand, with soft borders; they were
looked at on the simulated demo scene and on no reference of another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsi_studio.types import FloatArray

# name: the width of a soft border, in the measure's unit
SOFT = {
    "ndvi": 0.05, "ndre": 0.05, "ndwi": 0.08, "ndmi": 0.04, "visible": 0.02, "nir": 0.03, "swir": 0.02, "red": 0.01,
    "redness": 0.04, "greenness": 0.05, "shape": 0.03, "swir_slope": 0.03, "cai": 0.01, "height": 0.3, "rough": 0.3,
    "texture": 0.05, "width_m": 2.0, "elongation": 0.5,
}  # fmt: skip
SOFT_DEPTH = 0.015


@dataclass(frozen=True)
class Cond:
    """`low` ≤ measure ≤ `high`; one of them may be missing."""

    measure: str
    low: float | None = None
    high: float | None = None

    def grade(self, value: npt.NDArray[np.floating]) -> FloatArray:
        """(n,) 0 … 1; NaN where the fact is not known."""
        soft = SOFT.get(self.measure, SOFT_DEPTH if self.measure.startswith("depth") else 0.1)
        if self.measure in ("visible", "height"):  # what 0.02 is worth depends on how bright it is, so for metres
            soft = max(soft, 0.15 * max(self.low or 0.0, self.high or 0.0))
        out = np.ones(value.shape, dtype=np.float64)
        with np.errstate(over="ignore"):
            if self.low is not None:
                out *= 1.0 / (1.0 + np.exp(-2.2 * np.clip((value - self.low) / soft, -40, 40)))
            if self.high is not None:
                out *= 1.0 / (1.0 + np.exp(-2.2 * np.clip((self.high - value) / soft, -40, 40)))
        return np.asarray(np.where(np.isfinite(value), out, np.nan), dtype=np.float32)


def above(measure: str, low: float) -> Cond:
    return Cond(measure, low=low)


def below(measure: str, high: float) -> Cond:
    return Cond(measure, high=high)


def within(measure: str, low: float, high: float) -> Cond:
    return Cond(measure, low, high)


@dataclass(frozen=True)
class Thing:
    """A kind of surface: `short` stands in sentences, `text` is what a query is compared with."""

    key: str
    short: str
    text: str
    need: tuple[Cond, ...]
    also: tuple[Cond, ...] = ()  # used where the scene has the fact
    cover: str = "other"  # what it counts as beside others: see `COVERS`


@dataclass(frozen=True)
class Trait:
    """An adjective. `words` are the query words that ask for it."""

    key: str
    words: tuple[str, ...]
    conds: tuple[Cond, ...]


COVERS = {
    "trees": "trees", "low": "low vegetation", "soil": "open ground", "paved": "paved ground", "roof": "buildings",
    "water": "water", "built": "buildings or pavement",
}  # fmt: skip

_RAISED, _GROUND = above("height", 2.5), below("height", 1.2)
THINGS: tuple[Thing, ...] = (
    Thing("plants", "vegetation", "vegetation, green plants of any kind", (above("ndvi", 0.45),), (), "other"),
    Thing("trees", "trees", "trees, a wood or forest, tree crowns", (above("ndvi", 0.6),),
          (above("height", 3.0), below("visible", 0.06)), "trees"),
    Thing("broadleaf", "broadleaf trees", "broadleaf deciduous trees such as oak, beech or maple",
          (above("ndvi", 0.65), above("nir", 0.22)), (above("height", 3.0), below("visible", 0.06)), "trees"),
    Thing("conifers", "conifers", "conifers, dark needle trees such as spruce, fir or pine",
          (above("ndvi", 0.6), below("nir", 0.2)), (above("height", 3.0), below("visible", 0.04)), "trees"),
    Thing("shrubs", "shrubs", "shrubs, bushes and hedges", (above("ndvi", 0.5), within("height", 0.8, 4.0)), (), "low"),
    Thing("grass", "grass", "green grass, a lawn, meadow or pasture", (above("ndvi", 0.5),),
          (below("height", 0.7),), "low"),
    Thing("crops", "crops", "field crops such as maize, corn, soybeans, beets or green cereals",
          (within("ndvi", 0.35, 0.88),), (within("height", 0.4, 3.0),), "low"),
    Thing("orchard", "fruit trees or vines", "an orchard of fruit trees or a vineyard, planted in rows",
          (within("ndvi", 0.4, 0.85), within("height", 1.0, 5.0)), (above("texture", 0.12),), "low"),
    Thing("cereals", "ripening cereals", "ripening cereals such as wheat, oats or barley", (within("ndvi", 0.3, 0.6),),
          (below("height", 1.3), above("redness", 0.1)), "low"),
    Thing("dry", "dry vegetation", "dry grass, straw, hay, stubble or withered plants",
          (within("ndvi", 0.22, 0.5),), (below("height", 1.2), above("redness", 0.22)), "low"),
    Thing("sparse", "sparse vegetation", "sparse or stressed vegetation, young plants on soil",
          (within("ndvi", 0.22, 0.45),), (below("height", 1.5),), "low"),
    Thing("soil", "bare soil", "bare soil, a ploughed field, earth, dirt or clay",
          (within("ndvi", 0.04, 0.26), above("shape", 0.2)),
          (_GROUND, above("swir_slope", 0.1), above("redness", 0.26), below("visible", 0.22)), "soil"),
    Thing("sand", "sand", "sand, a beach, dunes or dry light ground", (below("ndvi", 0.2), above("visible", 0.2)),
          (_GROUND, above("redness", 0.22)), "soil"),
    Thing("gravel", "gravel", "gravel, stones, rubble or railway ballast",
          (below("ndvi", 0.25), within("visible", 0.1, 0.3), within("shape", 0.12, 0.32)),
          (_GROUND, within("redness", 0.12, 0.34)), "soil"),
    Thing("asphalt", "asphalt", "asphalt pavement, a road, street, highway or parking lot",
          (below("ndvi", 0.2), below("shape", 0.22), below("visible", 0.16)),
          (_GROUND, above("nir", 0.03)), "paved"),
    Thing("concrete", "concrete", "concrete pavement, a paved square or sidewalk",
          (below("ndvi", 0.16), below("shape", 0.22), above("visible", 0.15)), (_GROUND,), "paved"),
    Thing("roof", "a roof", "roofs of buildings and houses", (below("ndvi", 0.3),),
          (_RAISED, below("shape", 0.55), above("nir", 0.03)), "roof"),
    Thing("tile", "a tile roof", "red tile roof of a house", (below("ndvi", 0.25), above("redness", 0.42)),
          (_RAISED, below("greenness", -0.08)), "roof"),
    Thing("dark_roof", "a dark flat roof", "dark flat roof of bitumen, tar or roofing felt",
          (below("ndvi", 0.2), below("visible", 0.15), below("shape", 0.24)), (_RAISED, above("nir", 0.03)), "roof"),
    Thing("metal", "a bright metal roof", "bright metal roof of an industrial hall or warehouse",
          (below("ndvi", 0.12), above("visible", 0.22), below("shape", 0.12)), (_RAISED,), "roof"),
    Thing("mixed", "houses with gardens", "residential area, houses with gardens, drives and trees between",
          (within("ndvi", 0.2, 0.6), above("texture", 0.25)), (above("rough", 1.0),), "built"),
    Thing("turf", "artificial turf", "artificial turf, synthetic grass of a sports field",
          (below("ndvi", 0.3), above("greenness", 0.12), above("nir", 0.08)), (_GROUND,), "paved"),
    Thing("water", "open water", "water, a river, lake, pond, canal or sea",
          (below("nir", 0.07), above("ndwi", 0.05)), (below("swir", 0.05), below("height", 0.8)), "water"),
    Thing("shadow", "deep shadow", "shadow, dark shaded ground",
          (below("visible", 0.03), below("nir", 0.09), below("ndwi", 0.0)), (), "other"),
)  # fmt: skip

TRAITS: tuple[Trait, ...] = (
    Trait("dark", ("dark", "black", "dim"), (below("visible", 0.06),)),
    Trait("bright", ("bright", "light", "white", "shiny", "pale"), (above("visible", 0.2),)),
    Trait("red", ("red", "reddish", "orange"), (above("redness", 0.42), below("greenness", -0.03))),
    Trait("brown", ("brown", "brownish"), (within("redness", 0.26, 0.46), within("greenness", -0.12, 0.1))),
    Trait("grey", ("grey", "gray"), (within("redness", -0.15, 0.24), within("greenness", -0.08, 0.08))),
    Trait("green", ("green", "greenish", "lush"), (above("greenness", 0.2),)),
    Trait("yellow", ("yellow", "yellowish"), (above("redness", 0.3), above("greenness", 0.08))),
    Trait("dense", ("dense", "healthy", "vigorous"), (above("ndvi", 0.7),)),
    Trait("dry", ("dry", "withered", "dead"), (below("ndvi", 0.5), below("depth_1200", 0.06))),
    Trait("strong near infrared", ("strong-near-infrared",), (above("nir", 0.3),)),
    Trait("weak near infrared", ("weak-near-infrared",), (below("nir", 0.14),)),
    Trait("tall", ("tall", "high", "raised", "elevated"), (above("height", 3.0),)),
    Trait("low", ("low", "short", "flat-lying"), (below("height", 1.0),)),
    Trait("rough", ("rough", "uneven", "bumpy"), (above("rough", 1.0),)),
    Trait("smooth", ("smooth", "even", "level"), (below("rough", 0.4),)),
    Trait("narrow", ("narrow", "thin", "strip"), (below("width_m", 12.0), above("elongation", 2.5))),
    Trait("large", ("large", "big", "wide", "broad", "extensive"), (above("width_m", 25.0),)),
    Trait("small", ("small", "little"), (below("width_m", 14.0),)),
)


def graded(conds: tuple[Cond, ...], facts: Mapping[str, FloatArray]) -> FloatArray:
    """(n,) product of the conditions' grades; an unknown fact of one place counts as 0.5."""
    size = next(iter(facts.values())).shape
    out = np.ones(size, dtype=np.float32)
    for cond in conds:
        grade = cond.grade(facts[cond.measure])
        out *= np.where(np.isnan(grade), np.float32(0.5), grade)
    return out


def grade_things(facts: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Thing key → (n,) grade, for the things this scene's facts can tell."""
    out = {}
    for thing in THINGS:
        if all(c.measure in facts for c in thing.need):
            out[thing.key] = graded((*thing.need, *(c for c in thing.also if c.measure in facts)), facts)
    return out


def grade_traits(facts: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Trait key → (n,) grade by those of its facts that are there; traits without any are left out."""
    told = ((t, tuple(c for c in t.conds if c.measure in facts)) for t in TRAITS)
    return {t.key: graded(conds, facts) for t, conds in told if conds}


def thing(key: str) -> Thing:
    return next(t for t in THINGS if t.key == key)
