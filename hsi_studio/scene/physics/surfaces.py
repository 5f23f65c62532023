"""Surfaces: families of spectra that vary with two hidden variables, tabulated once and interpolated per pixel.

A surface turns vigour z1 and dryness z2 (about standard normal fields, clipped to ±2) into physical parameters and
those into reflectance under sunlight and under skylight. Both are computed on a 5 × 5 grid of (z1, z2), a *table*;
a pixel is a bilinear mix of four entries, so the physics runs a few hundred times and not once a pixel.
Vegetation: `leaf.py` + `canopy.py`; ground and water: `ground.py`. Parameter ranges are typical values of temperate
vegetation (Jacquemoud & Baret 1990, table 2; Féret et al. 2008, doi:10.1016/j.rse.2008.02.012), chosen by us.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hsi_studio.scene.physics import ground
from hsi_studio.scene.physics.canopy import canopy_reflectance, streams
from hsi_studio.scene.physics.leaf import Leaf, leaf_optics
from hsi_studio.scene.physics.spectra import Array, grid_nm

NODES = 5  # per hidden variable
Z_LIMIT = 2.0
PARAMETERS = ("lai", "chlorophyll_ug_cm2", "soil_moisture")


@dataclass(frozen=True)
class Table:
    """`sun`, `sky` (V, L) reflectance under the two kinds of light; `parameters` name → (V,); V = NODES²."""

    sun: Array
    sky: Array
    parameters: dict[str, Array]


def _line(mean: float, slope: float, z: Array, low: float = 0.0, high: float = np.inf) -> Array:
    return np.clip(mean + slope * z, low, high)


@dataclass(frozen=True)
class Vegetation:
    """Canopy over a floor. Pairs are (value at z = 0, change per unit of z); z1 drives leaf area and chlorophyll,
    z2 (dry when positive) leaf water, brown pigments and the floor's moisture."""

    lai: tuple[float, float]
    chlorophyll_ug_cm2: tuple[float, float]
    mean_angle_deg: float
    layers: float
    water_cm: tuple[float, float]
    dry_matter_g_cm2: float
    brown: tuple[float, float] = (0.0, 0.0)
    floor: str = "loam"
    floor_moisture: float = 0.25
    shade: float = 1.0  # light that the gaps between shoots and branches leave, which turbid leaves do not describe

    def table(self, z1: Array, z2: Array, sun_zenith_deg: float) -> Table:
        axis = grid_nm()
        chlorophyll = _line(*self.chlorophyll_ug_cm2, z1, low=0.5)
        leaf = Leaf(
            layers=self.layers,
            chlorophyll_ug_cm2=chlorophyll,
            carotenoids_ug_cm2=2.0 + 0.17 * chlorophyll,
            brown=_line(*self.brown, z2),
            water_cm=_line(*self.water_cm, -z2, low=0.001),
            dry_matter_g_cm2=self.dry_matter_g_cm2,
        )
        lai = _line(*self.lai, z1, low=0.1)
        moisture = _line(self.floor_moisture, -0.12, z2, high=1.0)
        floor = ground.wet(ground.dry(self.floor, axis), moisture, axis)
        reflectance, transmittance = leaf_optics(leaf, axis)
        layer = streams(reflectance, transmittance, self.mean_angle_deg, sun_zenith_deg)
        sun, sky = canopy_reflectance(layer, lai, floor)
        facts = {"lai": lai, "chlorophyll_ug_cm2": chlorophyll, "soil_moisture": moisture}
        return Table(self.shade * sun, self.shade * sky, facts)


@dataclass(frozen=True)
class Ground:
    """Soil or man-made surface: z1 brightness, z2 dryness; `dust` mixes in soil as the surface ages (z1 high)."""

    base: str
    brightness: float = 0.10  # relative change per unit of z1
    moisture: tuple[float, float] = (0.0, 0.0)
    dust: tuple[float, float] = (0.0, 0.0)

    def table(self, z1: Array, z2: Array, sun_zenith_deg: float) -> Table:
        axis = grid_nm()
        moisture = _line(*self.moisture, -z2, high=1.0)
        dust = _line(*self.dust, z1, high=1.0)[:, None]
        base = (1.0 - dust) * ground.dry(self.base, axis) + dust * ground.dry("loam", axis)
        value = ground.wet(base * np.exp(self.brightness * z1)[:, None], moisture, axis)
        none = np.zeros_like(z1)
        facts = {"lai": none, "chlorophyll_ug_cm2": none, "soil_moisture": moisture}
        return Table(value, value, facts)


@dataclass(frozen=True)
class Water:
    """Deep water: z1 suspended sediment, z2 dissolved organic matter and algae; `glint` is mirrored skylight."""

    sediment_g_m3: float = 5.0
    cdom_440_per_m: float = 0.5
    glint: float = 0.021  # Fresnel reflectance of a calm surface at nadir

    def table(self, z1: Array, z2: Array, sun_zenith_deg: float) -> Table:
        amount = self.sediment_g_m3 * np.exp(0.35 * z1)
        value = ground.deep_water(grid_nm(), amount, self.cdom_440_per_m * np.exp(0.3 * z2), 4.0 * np.exp(0.4 * z2))
        none = np.zeros_like(z1)
        facts = {"lai": none, "chlorophyll_ug_cm2": none, "soil_moisture": np.ones_like(z1)}
        return Table(value, value + self.glint, facts)


SURFACES: dict[str, Vegetation | Ground | Water] = {
    "broadleaf": Vegetation((4.4, 0.9), (44, 8), 48, 1.7, (0.013, 0.002), 0.006, floor="litter", shade=0.90),
    "needles": Vegetation((4.0, 0.9), (47, 8), 58, 1.9, (0.019, 0.003), 0.013, (0.05, 0.03), "litter", shade=0.74),
    "grass": Vegetation((3.4, 1.0), (39, 8), 63, 1.5, (0.014, 0.003), 0.004, (0.02, 0.02)),
    "dry grass": Vegetation((1.7, 0.4), (2.5, 1.0), 55, 1.9, (0.004, 0.0012), 0.006, (0.75, 0.20), "loam", 0.08),
    "maize": Vegetation((3.3, 0.8), (47, 7), 57, 1.5, (0.015, 0.0025), 0.005),
    "apple": Vegetation((3.0, 0.7), (46, 7), 50, 1.65, (0.013, 0.002), 0.0055),
    "vine": Vegetation((2.4, 0.7), (41, 7), 52, 1.55, (0.013, 0.002), 0.0055),
    "litter": Ground("litter", 0.12, (0.25, 0.12)),
    "soil": Ground("loam", 0.13, (0.32, 0.17)),
    "gravel": Ground("gravel", 0.11, (0.05, 0.05), (0.16, 0.10)),
    "asphalt": Ground("asphalt", 0.11, (0.0, 0.02), (0.06, 0.05)),
    "bitumen": Ground("bitumen", 0.11, (0.0, 0.02), (0.05, 0.05)),
    "concrete": Ground("concrete", 0.10, (0.0, 0.03), (0.05, 0.05)),
    "tile": Ground("tile", 0.13, (0.0, 0.03), (0.05, 0.04)),
    "metal": Ground("metal", 0.14, (0.0, 0.0), (0.03, 0.02)),
    "water": Water(),
}


def tabulate(name: str, sun_zenith_deg: float) -> Table:
    """The (z1, z2) table of a surface; entry i · NODES + j holds z1 node i, z2 node j."""
    node = np.linspace(-Z_LIMIT, Z_LIMIT, NODES)
    z1, z2 = (axis.ravel() for axis in np.meshgrid(node, node, indexing="ij"))
    build: Callable[[Array, Array, float], Table] = SURFACES[name].table
    return build(z1, z2, sun_zenith_deg)
