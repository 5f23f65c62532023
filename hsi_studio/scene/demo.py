"""The demo scene: a simulated valley seen by an imaging spectrometer and a laser scanner.

200 × 200 pixels of 1.5 m, 120 bands from 402 to 2445 nm (without the water-vapour bands at 1400 and 1880 nm), a
surface model and 12 classes. Nothing in it was measured: layout from `physics/layout.py`, spectra and light from
`physics/simulate.py`. Made hard on purpose where real scenes are hard: asphalt and bitumen roofs differ mainly in
height, so do meadow, maize and trees; shadows, mixed borders and fields of different vigour do the rest.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hsi_studio.scene.physics.layout import MATERIAL_OF, NAMES, SIZE_M, landscape
from hsi_studio.scene.physics.simulate import Simulation, simulate
from hsi_studio.types import FloatArray, Scene

__all__ = ["demo_bands", "demo_scene", "demo_simulation", "simulate"]

SIZE_PX = 200
_SUBPIXELS = 2
_LIDAR_NOISE_M = 0.08
# WGS 84 / UTM zone 32N, EPSG:32632
_CRS = (
    'PROJCS["WGS 84 / UTM zone 32N",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,'
    'AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],'
    'UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]],'
    'PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",9],'
    'PARAMETER["scale_factor",0.9996],PARAMETER["false_easting",500000],PARAMETER["false_northing",0],'
    'UNIT["metre",1,AUTHORITY["EPSG","9001"]],AXIS["Easting",EAST],AXIS["Northing",NORTH],AUTHORITY["EPSG","32632"]]'
)
_EAST, _NORTH = 663_300.0, 5_104_800.0  # upper left corner; a place in the Alps that looks different
_NOTES = (
    "Layout, spectra, light and noise come from equations; figures on it say nothing about real sensors.",
    "The elevation layer is the surface model in metres above sea level, terrain and objects, with gaps over water.",
    "The wedge without data at the left is where the flight line ended.",
)


def demo_bands() -> tuple[FloatArray, FloatArray]:
    """Band centres and full widths at half maximum (120,) in nm: finer below 1000 nm, coarser above."""
    windows = [(402.0, 998.0, 56), (1010.0, 1335.0, 19), (1465.0, 1785.0, 19), (1970.0, 2445.0, 26)]
    centre = np.concatenate([np.linspace(low, high, count) for low, high, count in windows])
    fwhm = np.where(centre < 1000.0, 11.5, 19.0)
    return centre.astype(np.float32), fwhm.astype(np.float32)


def demo_simulation(seed: int = 0) -> Simulation:
    """The demo scene and its truth. The same seed gives the same bits; another seed another valley."""
    rng = np.random.default_rng([seed, 20])
    land = landscape(SIZE_PX * _SUBPIXELS, rng)
    gsd_m = SIZE_M / SIZE_PX
    surface = land.ground_m + land.height_m
    error_m = _LIDAR_NOISE_M * rng.standard_normal((SIZE_PX, SIZE_PX))
    dropout = rng.uniform(size=(SIZE_PX, SIZE_PX)) < 0.015

    row, col = np.mgrid[:SIZE_PX, :SIZE_PX]
    invalid = col < 9.0 - 0.055 * row  # the line was flown at 3° to the grid
    centre, fwhm = demo_bands()
    made = simulate(
        land.classes,
        surface,
        materials=MATERIAL_OF,
        wavelength_nm=centre,
        fwhm_nm=fwhm,
        seed=seed,
        gsd_m=gsd_m,
        subpixels=_SUBPIXELS,
        class_names=NAMES,
        ground_m=land.ground_m,
        objects=land.objects,
        invalid=invalid,
        name="demo",
        title="Simulated town and fields, hyperspectral + LiDAR",
        transform=(gsd_m, 0.0, _EAST, 0.0, -gsd_m, _NORTH),
        crs=_CRS,
        notes=_NOTES,
    )
    truth = made.truth
    water = truth.abundance[..., truth.materials.index("water")] > 0.9
    dsm = (truth.ground_m + truth.height_m + error_m.astype(np.float32))[..., None]
    dsm[water & dropout] = np.nan  # water returns little light to a laser scanner
    return Simulation(replace(made.scene, dsm=dsm), truth)


def demo_scene(seed: int = 0) -> Scene:
    """The simulated scene. Builds in one to three seconds."""
    return demo_simulation(seed).scene
