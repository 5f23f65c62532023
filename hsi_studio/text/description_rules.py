"""The phrases a description may hold, as data: which facts each needs, and what it says.

A rule is said when its conditions hold clearly for the middle of the region's pixels (grade ≥ `SAID`), and with
"mostly" when they do not hold for the tenth of the pixels at one end. In a slot the first rule that holds is said.
Depths of absorption must be three standard errors deep. Thresholds: see `lexicon.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from hsi_studio.text.lexicon import Cond, above, below, within

SAID, MOSTLY = 0.5, 0.12


@dataclass(frozen=True)
class Rule:
    """`slot` is its place in the description; `relative` replaces `text` where values are no reflectance
    ("" = then it is not said)."""

    slot: str
    text: str
    conds: tuple[Cond, ...]
    relative: str | None = None


_BARE = below("ndvi", 0.3)
RULES: tuple[Rule, ...] = (
    Rule("brightness", "very dark in visible light", (below("visible", 0.035),), "among the darkest of the scene"),
    Rule("brightness", "dark in visible light", (below("visible", 0.075),), "darker than most of the scene"),
    Rule("brightness", "very bright in visible light", (above("visible", 0.28),), "among the brightest of the scene"),
    Rule("brightness", "bright in visible light", (above("visible", 0.17),), "brighter than most of the scene"),
    Rule("brightness", "of medium brightness", (within("visible", 0.075, 0.17),), ""),
    Rule("colour", "reddish", (above("redness", 0.44), below("greenness", -0.03))),
    Rule("colour", "yellowish", (above("redness", 0.3), within("greenness", 0.1, 0.3))),
    Rule("colour", "brownish", (within("redness", 0.27, 0.46), within("greenness", -0.1, 0.1))),
    Rule("colour", "grey", (within("redness", -0.14, 0.22), within("greenness", -0.07, 0.07))),
    Rule("colour", "green", (above("greenness", 0.2), above("green", 0.015))),
    Rule("plants", "dense green vegetation", (above("ndvi", 0.7),)),
    Rule("plants", "green vegetation", (within("ndvi", 0.45, 0.7),)),
    Rule("plants", "sparse, dry or stressed vegetation", (within("ndvi", 0.24, 0.46),)),
    Rule("plants", "without green vegetation", (below("ndvi", 0.2),)),
    Rule("plants", "little green vegetation", (within("ndvi", 0.15, 0.3),)),
    Rule("edge", "a red edge at {red_edge_nm:.0f} nm", (above("ndvi", 0.45), within("red_edge_nm", 690, 750))),
    Rule("infrared", "almost black in near infrared", (below("nir", 0.04),), ""),
    Rule("infrared", "low near infrared", (within("nir", 0.04, 0.14),), ""),
    Rule("infrared", "moderate near infrared", (within("nir", 0.14, 0.3),), ""),
    Rule("infrared", "high near infrared", (above("nir", 0.3),), ""),
    Rule("form", "a nearly flat spectrum", (below("shape", 0.14), _BARE, above("nir", 0.03))),
    Rule("form", "reflectance rising steadily with wavelength",
         (_BARE, above("swir_slope", 0.08), within("shape", 0.17, 0.5)), "values rising with wavelength"),
    Rule("leaf water", "leaf water absorption near 970 and 1200 nm",
         (above("ndvi", 0.45), above("depth_970", 0.02), above("depth_1200", 0.05))),
    Rule("liquid water", "strong liquid water absorption near 1450 and 1940 nm",
         (above("depth_1450", 0.3), above("depth_1940", 0.3), above("nir", 0.06), above("swir", 0.02))),
    Rule("liquid water", "strong liquid water absorption near 1450 nm",
         (above("depth_1450", 0.3), above("nir", 0.06), above("swir", 0.02))),
    Rule("liquid water", "strong liquid water absorption near 1940 nm",
         (above("depth_1940", 0.3), above("nir", 0.06), above("swir", 0.02))),
    Rule("1730", "hydrocarbon absorption near 1730 nm",
         (above("depth_1730", 0.02), below("ndvi", 0.25), above("swir", 0.06))),
    Rule("2100", "cellulose absorption near 2100 nm",
         (above("depth_2100", 0.04), within("ndvi", 0.1, 0.55), above("swir", 0.08))),
    Rule("2200", "clay absorption near 2200 nm", (above("depth_2200", 0.045), below("ndvi", 0.35), above("swir", 0.1))),
    Rule("2300", "carbonate or hydrocarbon absorption near 2320 nm",
         (above("depth_2300", 0.05), below("ndvi", 0.3), above("swir", 0.08))),
    Rule("surface", "a rough, uneven top", (above("rough", 1.2),)),
    Rule("surface", "a smooth top", (below("rough", 0.3),)),
    Rule("texture", "an even texture", (below("texture", 0.07),)),
    Rule("texture", "a mottled texture", (above("texture", 0.2),)),
)  # fmt: skip

# measure: (more, less, unit, digits), said after "than <other class>"
COMPARED: dict[str, tuple[str, str, str, int]] = {
    "height": ("taller", "lower", " m", 1),
    "ndvi": ("greener", "less green", "", 2),
    "nir": ("brighter in near infrared", "darker in near infrared", "", 2),
    "visible": ("brighter in visible light", "darker in visible light", "", 2),
    "swir": ("brighter in short-wave infrared", "darker in short-wave infrared", "", 2),
    "redness": ("redder", "less red", "", 2),
    "rough": ("rougher on top", "smoother on top", " m", 1),
    "texture": ("more mottled", "more even", "", 2),
    "depth_1200": ("deeper in leaf water absorption", "shallower in leaf water absorption", "", 2),
    "depth_2100": ("deeper in cellulose absorption", "shallower in cellulose absorption", "", 2),
    "depth_2200": ("deeper in clay absorption", "shallower in clay absorption", "", 2),
}
UNITS = {"height": "m", "height_low": "m", "rough": "m", "red_edge_nm": "nm", "width_m": "m", "area_m2": "m²"}
MEANING = {
    "visible": "mean reflectance of blue, green and red", "nir": "reflectance at 780–900 nm", "ndvi": "NDVI",
    "swir": "reflectance at 1550–1750 nm", "redness": "(red − blue) / (red + blue)",
    "greenness": "(2·green − red − blue) / (red + green + blue)", "red_edge_nm": "red edge position",
    "shape": "spread of reflectance over 450–900 nm, over its mean", "ndre": "NDRE", "ndwi": "NDWI", "ndmi": "NDMI",
    "swir_slope": "(SWIR − NIR) / (SWIR + NIR)", "cai": "cellulose absorption index over its bands' mean",
    "height": "height above ground", "height_low": "height above ground, by opening",
    "rough": "standard deviation of height in 5 × 5 pixels",
    "texture": "relative deviation of brightness in 3 × 3 pixels",
    "green": "reflectance at 530–580 nm", "red": "reflectance at 640–680 nm", "blue": "reflectance at 440–500 nm",
    "width_m": "mean width", "area_m2": "area", "elongation": "length over width",
}  # fmt: skip


def meaning(measure: str) -> str:
    """What a fact is, for people."""
    if measure.startswith("depth_"):
        return f"continuum-removed depth near {measure[6:]} nm"
    return MEANING.get(measure, measure)
