"""Class names as legends write them: with a code, as a tag of OpenStreetMap, with remarks in brackets.

"311 Broad-leaved forest" ─▶ broad-leaved forest      "highway=primary" ─▶ road
"Klasse 2: Wald"          ─▶ wald                      "Bare land (rock, sand)" ─▶ bare land
"""

from __future__ import annotations

import re

CODE = re.compile(  # "311", "B11", "3.1.2", "Class 4:"
    r"^\s*(?:(?:class|klasse|classe|clase|类别?|第)\s*)?(?:[a-z]{0,2}\d[\d.]*[a-z]?\b|\d+类)(?:[\s.:)：–-]+|(?=[\u4e00-\u9fff]))"
    r"(?=\S)",
    re.IGNORECASE,
)
TAG = re.compile(r"^(?:[\w:]+:)?(\w+)\s*=\s*(\S.*)$")
ASIDE = re.compile(r"\s*[(（\[].*?(?:[)）\]]|$)")
WAYS = ("track", "path", "footway", "pedestrian", "cycleway", "steps", "bridleway", "construction")
WHOLE = {  # words that are a class as a whole, and inside a sentence only say how something is
    "developed": "built-up",
    "industrial": "industrial area",
    "retail": "commercial area",
    "cities": "city",
    "paved": "paved surface",
    "impervious": "impervious surface",
    "imperviousness": "impervious surface",
    "asphalted": "asphalt",
    "unpaved": "unpaved road",
    "barren": "barren land",
    "herbaceous": "herbaceous vegetation",
    "herbs": "herbaceous vegetation",
    "greens": "leafy vegetables",
    "mint": "vegetable crops",
    "park": "park grass",
    "parks": "park grass",
    "pitch": "sports field",
    "sod": "grass",
    "flowers": "flowerbed",
    "mist": "fog",
    "nuts": "nut trees",
    "fruits": "fruit trees",
    "docks": "quay",
    "shingle": "pebbles",
    "construction": "construction site",
    "permanent water": "open water",
    "greenhouse horticulture": "greenhouse",
}
TAGS = {  # whose value alone says another thing
    "leisure=track": "running track",
    "surface=wood": "boardwalk",
    "surface=metal": "metal",
    "material=metal": "metal roof",
    "material=concrete": "concrete",
    "material=tar_paper": "bitumen roof",
    "source=solar": "solar panels",
    "power=tower": "pylon",
    "landuse=construction": "construction site",
    "landuse=basin": "water",
    "landuse=greenfield": "grassland",
    "landuse=grass": "grass",
    "natural=stone": "rock",
    "natural=shingle": "gravel",
    "highway=construction": "construction site",
    "highway=pedestrian": "pedestrian area",
    "highway=steps": "sidewalk",
    "highway=bridleway": "dirt",
    "surface=ground": "dirt",
    "building=greenhouse": "greenhouse",
    "building=no": "",
}


def told(text: str) -> str:
    """What a legend's entry says, in lower case; "" where it says nothing."""
    said = " ".join(text.lower().split())
    tag = TAG.match(said)
    if tag:
        key, value = tag[1], tag[2]
        if f"{key}={value}" in TAGS:
            return TAGS[f"{key}={value}"]
        if key == "building" or (key == "highway" and value not in WAYS):
            return "building" if key == "building" else "road"
        said = value
    said = CODE.sub("", said.replace("_", " "))
    said = ASIDE.sub("", said).strip() or said
    return WHOLE.get(said, said)
