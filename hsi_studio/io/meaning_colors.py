"""Class colours by meaning, for names that say it: water blue, woods green, roofs red; all others from the palette.

Every colour is one of `palette.py`, which stay apart for the colour-blind: meaning decides which of them, not a new
hue. A class takes the first colour of its meaning that is free. Where several classes are coloured at once, those with
a meaning choose first, so that no other class takes water's blue.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from hsi_studio.io.palette import next_color

BLUES = ("#0072b2", "#003399", "#7799ff", "#0000ff")
GREENS = ("#009e73", "#667744", "#99ee77")
MEADOWS = ("#99ee77", "#ddeebb", "#667744")
YELLOWS = ("#f0e442", "#e69f00", "#ddbb88")
EARTHS = ("#ddbb88", "#884400", "#e69f00")
REDS = ("#d55e00", "#880022", "#ff0055")
STREETS = ("#773355", "#770066", "#6666ff")
ICES = ("#00ffff", "#56b4e9")
MEANINGS: dict[str, tuple[str, ...]] = {  # beginning of a word → colours, the best first
    **dict.fromkeys(("water", "river", "lake", "sea", "ocean", "pond", "stream", "canal", "pool"), BLUES),
    **dict.fromkeys(("wood", "forest", "tree", "conifer", "deciduous", "pine", "spruce", "oak"), GREENS),
    **dict.fromkeys(("grass", "meadow", "lawn", "pasture", "vegetation", "shrub", "bush", "turf"), MEADOWS),
    **dict.fromkeys(
        ("corn", "maize", "wheat", "oat", "hay", "barley", "rapeseed", "crop", "straw", "stubble"), YELLOWS
    ),
    **dict.fromkeys(("soil", "sand", "gravel", "dirt", "bare", "ground", "earth", "beach", "fallow", "mud"), EARTHS),
    **dict.fromkeys(("roof", "tile", "brick", "building", "house", "residential", "commercial"), REDS),
    **dict.fromkeys(("road", "street", "asphalt", "highway", "parking", "bitumen", "pavement", "railway"), STREETS),
    **dict.fromkeys(("ice", "snow", "glacier"), ICES),
}
WHOLE = frozenset({"sea", "ice", "oat", "hay", "pine", "oak", "tile", "mud", "bare", "pool"})  # "season" is no sea


def meaning_of(name: str) -> tuple[str, ...]:
    """Colours of the first word of a name that has a meaning; () for none."""
    for word in re.findall(r"[^\W\d_]+", name.casefold()):
        for stem, colors in MEANINGS.items():
            if word == stem or word == f"{stem}s" or (stem not in WHOLE and word.startswith(stem)):
                return colors
    return ()


def colors_for(names: Sequence[str], used: Iterable[str] = ()) -> list[str]:
    """A colour "#rrggbb" for each name, all different and none of `used`."""
    taken, found = list(used), dict[int, str]()
    for k, name in enumerate(names):
        color = next((one for one in meaning_of(name) if one not in taken), None)
        if color is not None:
            found[k] = color
            taken.append(color)
    for k in range(len(names)):
        if k not in found:
            found[k] = next_color([*taken, BLUES[0]])  # a class of water may come later
            taken.append(found[k])
    return [found[k] for k in range(len(names))]


def color_for(name: str, used: Iterable[str] = ()) -> str:
    """A colour for one more class."""
    return colors_for([name], used)[0]
