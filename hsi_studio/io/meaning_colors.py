"""Class colours by meaning, for names that say it: water blue, woods green, roofs red; all others from the palette.

Every colour is one of `palette.py`, which stay apart for the colour-blind: meaning decides which of them, not a new
hue. A class takes the first colour of its meaning that is free. Where several classes are coloured at once, those with
a meaning choose first, so that no other class takes water's blue; then those whose colours have been taken, so that
the sixth crop is brown or pink and not water's blue or roofs' red.

The state of plants counts before the plant: "healthy grass" is green, "stressed grass" orange, "diseased wheat" red,
since they stand side by side and the wrong way round they are misread. Weeds are orange beside a crop that is green.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from hsi_studio.io.palette import next_color

BLUES = ("#0072b2", "#003399", "#7799ff", "#0000ff")
GREENS = ("#009e73", "#667744", "#99ee77")
MEADOWS = ("#99ee77", "#ddeebb", "#667744")
YELLOWS = ("#f0e442", "#e69f00", "#ddbb88")
EARTHS = ("#ddbb88", "#884400", "#e69f00")
REDS = ("#d55e00", "#880022", "#ff0055")
STREETS = ("#773355", "#770066", "#6666ff")
ICES = ("#00ffff", "#56b4e9")
DARKS = ("#3311bb", "#770066")
MARSHES = ("#22bbcc", "#667744")
HEALTHY = ("#99ee77", "#009e73", "#667744")
STRESSED = ("#e69f00", "#f0e442", "#884400")
ILL = ("#d55e00", "#880022", "#ff0055")
PINKS = ("#cc79a7", "#eeaaaa", "#770066")
STATES: dict[str, tuple[str, ...]] = {  # beginning of a word that says how plants are
    **dict.fromkeys(("healthy", "vigorous", "unstressed", "gesund"), HEALTHY),
    **dict.fromkeys(("stressed", "weed", "wilted", "senesc", "unkraut"), STRESSED),
    **dict.fromkeys(("unhealthy", "diseased", "infested", "infected", "damaged", "dying", "dead", "krank"), ILL),
}
MEANINGS: dict[str, tuple[str, ...]] = {  # beginning of a word → colours, the best first
    **dict.fromkeys(
        ("water", "river", "lake", "sea", "ocean", "pond", "stream", "canal", "pool", "wasser", "fluss", "eau", "agua"),
        BLUES,
    ),
    **dict.fromkeys(
        ("wood", "forest", "tree", "conifer", "deciduous", "pine", "spruce", "oak", "wald", "forêt", "bosque"), GREENS
    ),
    **dict.fromkeys(
        ("grass", "meadow", "lawn", "pasture", "vegetation", "shrub", "bush", "turf", "wiese", "prairie", "prado"),
        MEADOWS,
    ),
    **dict.fromkeys(
        ("corn", "maize", "wheat", "oat", "hay", "barley", "rapeseed", "crop", "straw", "stubble"), YELLOWS
    ),
    **dict.fromkeys(("soil", "sand", "gravel", "dirt", "bare", "ground", "earth", "beach", "fallow", "mud"), EARTHS),
    **dict.fromkeys(
        ("roof", "tile", "brick", "building", "house", "residential", "commercial", "dach", "toit", "tejado"), REDS
    ),
    **dict.fromkeys(
        (
            "road",
            "street",
            "asphalt",
            "highway",
            "parking",
            "bitumen",
            "pavement",
            "railway",
            "strasse",
            "route",
            "carretera",
        ),
        STREETS,
    ),
    **dict.fromkeys(("ice", "snow", "glacier"), ICES),
    **dict.fromkeys(("shadow", "shade"), DARKS),
    **dict.fromkeys(("wetland", "marsh", "bog", "reed", "swamp", "mangrove"), MARSHES),
}
PLANTS = (GREENS, MEADOWS, YELLOWS)
INSTEAD: dict[tuple[str, ...], tuple[str, ...]] = {  # where all colours of a meaning are taken
    **dict.fromkeys(PLANTS, (*YELLOWS, *MEADOWS, *GREENS, *EARTHS, *PINKS)),
    HEALTHY: (*MEADOWS, *ICES),
    STRESSED: (*YELLOWS, *EARTHS, *PINKS),
    ILL: (*PINKS, *EARTHS),
    BLUES: (*ICES, *MARSHES, "#3311bb", "#6666ff"),
}
WHOLE = frozenset(
    {"bog", "dead", "eau", "sea", "ice", "oat", "hay", "pine", "oak", "tile", "mud", "bare", "pool"}
)  # "season" is no sea


def meaning_of(name: str) -> tuple[str, ...]:
    """Colours of the first word of a name that has a meaning, of plants those of their state; () for none."""
    words = re.findall(r"[^\W\d_]+", name.casefold())
    thing = _first(words, MEANINGS)
    return (_first(words, STATES) or thing) if not thing or thing in PLANTS else thing


def _first(words: Sequence[str], meanings: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    for word in words:
        for stem, colors in meanings.items():
            if word == stem or word == f"{stem}s" or (stem not in WHOLE and word.startswith(stem)):
                return colors
    return ()


def colors_for(names: Sequence[str], used: Iterable[str] = ()) -> list[str]:
    """A colour "#rrggbb" for each name, all different and none of `used`."""
    taken, found = list(used), dict[int, str]()
    meanings = [meaning_of(name) for name in names]
    for wanted in (meanings, [INSTEAD.get(one, ()) for one in meanings]):
        for k, colors in enumerate(wanted):
            color = next((one for one in colors if one not in taken), None)
            if k not in found and color is not None:
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
