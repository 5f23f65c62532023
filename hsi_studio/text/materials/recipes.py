"""How each material of the bank becomes spectra: physics for plants, soils and water, measured ones for what is built.

Plants are the scene generator's leaf (`physics/leaf.py`) and canopy (`physics/canopy.py`) with their parameters drawn
evenly from ranges, under suns of 25, 40 and 55° from the zenith, over soils wetted by 0 to 0.6; crops may stand thin, a
mix of canopy and soil inside a pixel. Ranges are typical values of temperate vegetation (sources in
`physics/surfaces.py`), chosen by us. Built surfaces are drawn from a measured library (`library.py`), or where that is
not installed from the generator's curves. Minerals are absorption bands on ground (`minerals.py`).

Notation: n spectra of a material, L wavelengths of `grid_nm()`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hsi_studio.scene.physics import ground
from hsi_studio.scene.physics.canopy import canopy_reflectance, streams
from hsi_studio.scene.physics.leaf import Leaf, leaf_optics
from hsi_studio.scene.physics.spectra import Array, bumps, curve, grid_nm
from hsi_studio.text.materials.library import measured_spectra
from hsi_studio.text.materials.minerals import MINERALS, Mineral

SUNS_DEG = (25.0, 40.0, 55.0)
Range = tuple[float, float]
Random = np.random.Generator


@dataclass(frozen=True)
class Canopy:
    """Ranges of a plant cover's parameters; `open` is the share of a pixel that may be bare soil."""

    lai: Range
    chlorophyll_ug_cm2: Range = (30, 55)
    water_cm: Range = (0.009, 0.019)
    dry_matter_g_cm2: Range = (0.003, 0.007)
    layers: Range = (1.3, 1.9)
    brown: Range = (0.0, 0.08)
    mean_angle_deg: float = 55.0
    shade: Range = (0.85, 1.05)
    open: Range = (0.0, 0.0)
    floor: str = "loam"

    def draw(self, n: int, rng: Random) -> Array:
        parts = np.array_split(np.arange(n), len(SUNS_DEG))
        return np.concatenate([self._under(sun, p.size, rng) for sun, p in zip(SUNS_DEG, parts, strict=True) if p.size])

    def _under(self, sun_deg: float, n: int, rng: Random) -> Array:
        axis = grid_nm()
        green = rng.uniform(*self.chlorophyll_ug_cm2, n)
        leaf = Leaf(
            rng.uniform(*self.layers, n),
            green,
            2.0 + 0.17 * green,
            rng.uniform(*self.brown, n),
            rng.uniform(*self.water_cm, n),
            rng.uniform(*self.dry_matter_g_cm2, n),
        )
        floor = (
            soils(n, rng)
            if self.floor == "loam"
            else ground.wet(ground.dry(self.floor, axis), rng.uniform(0, 0.6, n), axis)
        )
        layer = streams(*leaf_optics(leaf, axis), self.mean_angle_deg, sun_deg)
        sun, sky = canopy_reflectance(layer, rng.uniform(*self.lai, n), floor)
        lit = rng.uniform(0.7, 1.0, n)[:, None]
        cover = rng.uniform(*self.shade, n)[:, None] * (lit * sun + (1.0 - lit) * sky)
        bare = rng.uniform(*self.open, n)[:, None]
        return np.asarray((1.0 - bare) * cover + bare * floor)


def soils(n: int, rng: Random, wetness: Range = (0.0, 0.6), names: tuple[str, ...] = ("soil",)) -> Array:
    """(n, L) loam of the generator and measured soils, wetted."""
    axis = grid_nm()
    own = ground.dry("loam", axis) * np.exp(rng.normal(0.0, 0.25, (n, 1)))
    known = [measured_spectra()[k] for k in names if k in measured_spectra()]
    if known:
        found = np.concatenate(known)
        picked = found[rng.integers(0, len(found), n)]
        own = np.where(rng.random((n, 1)) < 0.6, picked, own)
    return ground.wet(np.clip(own, 0.005, 0.95), rng.uniform(*wetness, n), axis)


def built(
    *parts: tuple[str, float], fallback: tuple[str, ...] = ("concrete",), wetness: float = 0.0
) -> Callable[[int, Random], Array]:
    """Measured spectra of groups, drawn by weight, varied in brightness by 10 %; or the generator's curves."""

    def draw(n: int, rng: Random) -> Array:
        known = [(measured_spectra()[name], weight) for name, weight in parts if name in measured_spectra()]
        axis = grid_nm()
        if not known:
            known = [(ground.dry(name, axis)[None], 1.0) for name in fallback]
        weight = np.array([w for _, w in known])
        which = rng.choice(len(known), n, p=weight / weight.sum())
        out = np.stack([known[k][0][rng.integers(0, len(known[k][0]))] for k in which])
        out = out * np.exp(rng.normal(0.0, 0.1, (n, 1)))
        return out if not wetness else ground.wet(out, rng.uniform(0, wetness, n), axis)

    return draw


def waters(
    sediment: Range, cdom: Range, algae: Range, glint: Range = (0.0, 0.03), bottom: float = 0.0
) -> Callable[[int, Random], Array]:
    """Deep water; amounts drawn evenly in their logarithm."""

    def draw(n: int, rng: Random) -> Array:
        amount = [np.exp(rng.uniform(np.log(low), np.log(high), n)) for low, high in (sediment, cdom, algae)]
        value = ground.deep_water(grid_nm(), *amount) + rng.uniform(*glint, n)[:, None]
        if bottom:
            value = value + bottom * rng.uniform(0.4, 1.0, (n, 1)) * np.exp(-(((grid_nm() - 470.0) / 90.0) ** 2))
        return np.asarray(value)

    return draw


def curved(
    knots: dict[int, float], spread: float = 0.2, features: tuple[tuple[float, float, float], ...] = ()
) -> Callable[[int, Random], Array]:
    """A smooth continuum of ours with absorption features, varied in brightness and tilt."""

    def draw(n: int, rng: Random) -> Array:
        axis = grid_nm()
        line = curve(axis, knots) * (1.0 - bumps(axis, list(features)))
        tilt = rng.normal(0.0, 0.3 * spread, (n, 1)) * (axis - 1200.0)[None] / 1000.0
        return np.asarray(np.clip(line * np.exp(rng.normal(0.0, spread, (n, 1)) + tilt), 0.002, 1.1))

    return draw


def mixed(*parts: tuple[str, float]) -> Callable[[int, Random], Array]:
    """Draws from other materials, whole or two mixed inside a pixel."""

    def draw(n: int, rng: Random) -> Array:
        weight = np.array([w for _, w in parts])
        pools = [RECIPES[name](max(n // 2, 20), rng) for name, _ in parts]
        first, second = (rng.choice(len(parts), n, p=weight / weight.sum()) for _ in range(2))
        share = np.where(rng.random(n) < 0.5, 1.0, rng.uniform(0.5, 1.0, n))[:, None]

        def one(which: np.ndarray) -> Array:
            return np.stack([pools[k][rng.integers(0, len(pools[k]))] for k in which])

        return np.asarray(share * one(first) + (1.0 - share) * one(second))

    return draw


def _soil(wetness: Range, names: tuple[str, ...] = ("soil",), gain: float = 1.0) -> Callable[[int, Random], Array]:
    return lambda n, rng: np.clip(soils(n, rng, wetness, names) * gain, 0.002, 1.0)


def mineral(one: Mineral) -> Callable[[int, Random], Array]:
    """A mineral in dry soil, sand or rock."""

    def draw(n: int, rng: Random) -> Array:
        kinds = (_soil((0.0, 0.3), ("soil", "dirt"))(n, rng), RECIPES["sand"](n, rng), RECIPES["rock"](n, rng))
        which = rng.choice(len(kinds), n, p=(0.5, 0.15, 0.35))
        return one.draw(np.stack(kinds)[which, np.arange(n)], rng)

    return draw


BROADLEAF = Canopy(
    (3, 7), (30, 60), (0.009, 0.018), (0.004, 0.009), (1.5, 2.1), (0, 0.05), 48, (0.4, 0.95), (0.0, 0.3), floor="litter"
)
CONIFER = Canopy(
    (2.5, 6), (30, 60), (0.012, 0.03), (0.008, 0.02), (1.6, 2.3), (0, 0.12), 58, (0.22, 0.6), (0.0, 0.3), floor="litter"
)
SHRUB = Canopy((1.2, 4), (22, 50), (0.006, 0.016), (0.005, 0.014), (1.4, 2.1), (0, 0.25), 50, (0.45, 0.9), (0.0, 0.4))
DRY = Canopy((0.7, 2.5), (0.5, 9), (0.001, 0.006), (0.004, 0.010), (1.5, 2.2), (0.3, 1.1), 55, (0.85, 1.1), (0.0, 0.5))
YOUNG = Canopy((0.1, 1.3), (30, 55), (0.009, 0.02), (0.003, 0.006), (1.3, 1.8), (0, 0.08), 55, (0.9, 1.05), (0.2, 0.75))

RECIPES: dict[str, Callable[[int, Random], Array]] = {
    "water": waters((0.4, 20), (0.05, 2.5), (0.4, 25)),
    "turbid water": waters((15, 150), (0.2, 3), (1, 20)),
    "algae water": waters((1, 12), (0.2, 3), (30, 250)),
    "swimming pool": waters((0.05, 0.3), (0.01, 0.03), (0.05, 0.2), bottom=0.35),
    "lawn": Canopy((1.5, 5), (25, 55), (0.008, 0.02), (0.003, 0.006), (1.2, 1.8), (0, 0.2), 60, open=(0.0, 0.3)).draw,
    "meadow": Canopy(
        (0.9, 4), (18, 50), (0.006, 0.02), (0.003, 0.007), (1.2, 1.9), (0, 0.45), 60, open=(0.0, 0.4)
    ).draw,
    "stressed grass": Canopy(
        (0.5, 2), (10, 32), (0.004, 0.012), (0.003, 0.007), (1.3, 2), (0.1, 0.7), 58, open=(0, 0.45)
    ).draw,
    "dry grass": DRY.draw,
    "hay": Canopy((1.5, 4), (0.5, 12), (0.001, 0.006), (0.005, 0.012), (1.6, 2.4), (0.25, 1.0), 35, (0.9, 1.1)).draw,
    "straw": Canopy(
        (0.5, 2.5), (0.3, 3), (0.0005, 0.003), (0.005, 0.012), (1.6, 2.4), (0.5, 1.3), 40, (0.85, 1.1), (0.0, 0.6)
    ).draw,
    "reed": Canopy(
        (1, 4.5), (15, 45), (0.008, 0.02), (0.005, 0.01), (1.4, 2), (0.05, 0.6), 70, (0.4, 0.85), (0, 0.3), "litter"
    ).draw,
    "broadleaf": BROADLEAF.draw,
    "conifer": CONIFER.draw,
    "shrub": SHRUB.draw,
    "orchard": Canopy(
        (1.8, 4.5), (32, 58), (0.009, 0.017), (0.004, 0.008), (1.4, 2), (0, 0.06), 50, (0.6, 0.95), (0.05, 0.5)
    ).draw,
    "vineyard": Canopy(
        (1.2, 3.2), (28, 52), (0.009, 0.017), (0.004, 0.007), (1.4, 1.9), (0, 0.1), 52, (0.7, 0.98), (0.15, 0.65)
    ).draw,
    "maize": Canopy((1.8, 5), (38, 65), (0.011, 0.022), (0.003, 0.006), (1.3, 1.7), (0, 0.06), 57).draw,
    "ripe maize": Canopy(
        (1.5, 4), (4, 22), (0.003, 0.01), (0.004, 0.009), (1.3, 1.9), (0.15, 0.7), 57, open=(0, 0.2)
    ).draw,
    "young maize": YOUNG.draw,
    "soybean": Canopy((2, 6), (30, 55), (0.008, 0.016), (0.003, 0.006), (1.2, 1.7), (0, 0.05), 45).draw,
    "young soybean": YOUNG.draw,
    "wheat": Canopy((1.5, 5), (30, 60), (0.009, 0.022), (0.003, 0.006), (1.2, 1.7), (0, 0.3), 65, open=(0, 0.2)).draw,
    "ripe cereal": Canopy(
        (1, 3.5), (2, 15), (0.002, 0.008), (0.004, 0.009), (1.4, 2.1), (0.2, 0.9), 65, open=(0, 0.25)
    ).draw,
    "oats": Canopy((1, 4.5), (25, 55), (0.009, 0.02), (0.003, 0.006), (1.2, 1.7), (0, 0.3), 62, open=(0, 0.25)).draw,
    "alfalfa": Canopy((1.5, 5), (38, 62), (0.01, 0.018), (0.003, 0.006), (1.2, 1.6), (0, 0.05), 48).draw,
    "rapeseed": Canopy((2, 5), (30, 60), (0.012, 0.024), (0.003, 0.006), (1.2, 1.7), (0, 0.1), 50).draw,
    "rice": Canopy(
        (0.8, 4.5), (30, 55), (0.009, 0.02), (0.003, 0.006), (1.2, 1.7), (0, 0.08), 66, (0.75, 1.0), floor="litter"
    ).draw,
    "vegetables": Canopy(
        (1, 4), (28, 60), (0.015, 0.035), (0.003, 0.006), (1.2, 1.7), (0, 0.05), 45, open=(0, 0.45)
    ).draw,
    "moss": Canopy(
        (0.8, 2.5), (8, 30), (0.004, 0.015), (0.005, 0.012), (1.5, 2.4), (0.1, 0.7), 40, (0.6, 0.9), (0, 0.4)
    ).draw,
    "soil": _soil((0.0, 0.6), ("soil", "dirt")),
    "dark soil": _soil((0.5, 1.0), gain=0.75),
    "dirt": _soil((0.0, 0.3), ("dirt", "soil")),
    "sand": built(("sand", 1.0), fallback=("gravel",), wetness=0.5),
    "red soil": lambda n, rng: np.clip(
        soils(n, rng, (0, 0.4))
        * (0.55 + 0.6 / (1 + np.exp(-(grid_nm() - 590) / 35)))
        * (1 - bumps(grid_nm(), [(870, 60, 0.12)])),
        0.005,
        1,
    ),
    "rock": built(("built: gravel", 1), ("bare: gravel", 1), ("sand", 0.5), fallback=("gravel", "concrete")),
    "gravel": built(("built: gravel", 1), ("bare: gravel", 1), fallback=("gravel",)),
    "railway": built(("built: gravel", 1), ("bare: gravel", 1), ("dirt", 0.3), fallback=("gravel",)),
    "asphalt": built(("asphalt", 1), ("road", 1), ("parking lot", 1), fallback=("asphalt",)),
    "road": built(("road", 2), ("asphalt", 1), ("bridge", 0.3), ("parking lot", 0.5), fallback=("asphalt", "concrete")),
    "parking lot": built(("parking lot", 2), ("asphalt", 1), ("road", 0.5), fallback=("asphalt",)),
    "pavement": built(
        ("road", 2),
        ("parking lot", 1),
        ("asphalt", 1),
        ("sidewalk", 0.5),
        ("driveway", 0.1),
        ("bridge", 0.1),
        fallback=("asphalt", "concrete", "gravel"),
    ),
    "concrete": built(
        ("sidewalk", 1), ("driveway", 0.7), ("bridge", 1), ("concrete tile", 0.4), fallback=("concrete",)
    ),
    "sidewalk": built(("sidewalk", 1), ("driveway", 0.4), fallback=("concrete",)),
    "brick": built(("tile", 1), ("concrete tile", 0.7), fallback=("tile",)),
    "tile roof": built(("tile", 1), fallback=("tile",)),
    "bitumen roof": built(("comp shingle", 0.4), ("asphalt", 0.7), ("parking lot", 0.5), fallback=("bitumen",)),
    "shingle roof": built(("comp shingle", 1), ("wood shingle", 0.2), fallback=("bitumen",)),
    "metal roof": built(("metal", 1), ("paint", 0.2), fallback=("metal",)),
    "metal": built(("metal", 1), ("manhole", 0.2), fallback=("metal",)),
    "bright roof": built(("paint", 1), ("metal", 0.4), fallback=("metal", "concrete")),
    "glass": built(("glass", 1), ("metal", 0.2), fallback=("metal",)),
    "plastic": built(("paint", 1), fallback=("metal",)),
    "tennis court": built(("paint", 1), ("parking lot", 0.3), fallback=("asphalt",)),
    "running track": curved(
        {400: 0.05, 520: 0.06, 580: 0.09, 630: 0.2, 720: 0.28, 1000: 0.3, 1600: 0.34, 2200: 0.25, 2500: 0.18},
        features=((1730, 25, 0.1), (2310, 40, 0.15)),
    ),
    "turf": curved(
        {
            400: 0.03,
            480: 0.035,
            540: 0.075,
            620: 0.045,
            690: 0.05,
            760: 0.12,
            900: 0.18,
            1300: 0.25,
            1600: 0.26,
            2200: 0.18,
            2500: 0.1,
        },
        features=((1730, 25, 0.2), (1210, 30, 0.08), (2310, 40, 0.3)),
    ),
    "snow": curved(
        {
            400: 0.93,
            700: 0.92,
            900: 0.82,
            1030: 0.55,
            1100: 0.62,
            1250: 0.35,
            1350: 0.3,
            1500: 0.04,
            1800: 0.12,
            2000: 0.03,
            2250: 0.09,
            2500: 0.03,
        },
        0.12,
    ),
    "cloud": curved({400: 0.7, 700: 0.72, 1100: 0.7, 1300: 0.65, 1600: 0.5, 2000: 0.3, 2200: 0.38, 2500: 0.2}, 0.25),
    "salt": curved(
        {400: 0.45, 600: 0.58, 1000: 0.63, 1400: 0.5, 1600: 0.55, 1940: 0.25, 2200: 0.4, 2500: 0.2},
        features=((1450, 30, 0.2), (1750, 20, 0.08), (1940, 45, 0.3)),
    ),
    "clay mineral": curved(
        {400: 0.3, 600: 0.5, 1000: 0.62, 1600: 0.68, 2100: 0.62, 2500: 0.4},
        features=((1414, 20, 0.25), (1910, 30, 0.15), (2165, 18, 0.12), (2206, 22, 0.35), (2350, 30, 0.15)),
    ),
    "iron oxide": curved(
        {400: 0.04, 520: 0.06, 600: 0.18, 720: 0.28, 860: 0.22, 1100: 0.35, 1600: 0.42, 2200: 0.38, 2500: 0.3},
        features=((530, 35, 0.25), (870, 55, 0.2)),
    ),
    "bark": built(("bark", 1), ("litter", 1), ("wood", 0.7), ("npv", 0.5), ("wood shingle", 0.3), fallback=("litter",)),
    "burned": built(("char", 1), fallback=("bitumen",), wetness=0.3),
}
RECIPES.update({key: mineral(one) for key, one in MINERALS.items()})
RECIPES["carbonate"] = mixed(("calcite", 2.0), ("dolomite", 1.0))
RECIPES["grass"] = mixed(("lawn", 1.0), ("meadow", 1.0), ("stressed grass", 0.6), ("dry grass", 0.2))
RECIPES["tree"] = mixed(("broadleaf", 2.0), ("conifer", 1.0))
RECIPES["crop"] = mixed(("maize", 1.0), ("wheat", 1.0), ("soybean", 1.0), ("young maize", 1.0), ("ripe cereal", 0.5))
RECIPES["low vegetation"] = mixed(("grass", 2.0), ("crop", 0.5), ("shrub", 0.4))
RECIPES["vegetation"] = mixed(("low vegetation", 1.0), ("tree", 1.0))
RECIPES["roof"] = built(
    ("comp shingle", 1.5),
    ("tile", 1.5),
    ("metal", 0.5),
    ("concrete tile", 1),
    ("paint", 0.3),
    ("wood shingle", 0.3),
    ("built: gravel", 0.7),
    ("asphalt", 0.3),
    fallback=("tile", "bitumen", "metal", "concrete"),
)
RECIPES["shadow"] = lambda n, rng: (
    mixed(("road", 1), ("lawn", 1), ("soil", 0.6), ("tree", 0.7))(n, rng)
    * (rng.uniform(0.04, 0.18, (n, 1)) * (0.6 + 1.6 * (450.0 / grid_nm()[None]) ** 1.6))
)


def draw(key: str, n: int) -> Array:
    """(n, L) spectra of a material, the same at every call. Raises KeyError for a key that is not in the bank."""
    return np.asarray(RECIPES[key](n, np.random.default_rng(zlib.crc32(key.encode()))))
