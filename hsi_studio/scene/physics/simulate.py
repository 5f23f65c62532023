"""From a class raster and a surface model to a hyperspectral scene whose truth is known.

1. every pixel gets its class's surfaces and shares (`materials.py`), hidden variables z1, z2 from smooth fields,
   objects and grain (`fields.py`), and light from the surface model (`light.py`);
2. each surface's spectra are tabulated over (z1, z2) (`surfaces.py`) and seen through the bands;
3. shares, table entries and light become one sparse matrix; the cube is that matrix times the table (`render.py`);
4. optics, striping, noise, integers (`sensor.py`).
The product is reflectance as delivered by a flat-terrain atmospheric correction: shadows stay dark.
What differs from reality: no adjacency effect of the atmosphere, no view angles across the swath, no errors of the
atmospheric correction. Notation: s sub-pixels a side, M materials.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.scene.identity import scene_id
from hsi_studio.scene.physics import sensor
from hsi_studio.scene.physics.fields import connected_objects, per_object, smooth_field
from hsi_studio.scene.physics.light import Sun, illuminate
from hsi_studio.scene.physics.materials import MATERIALS, check_materials, shares
from hsi_studio.scene.physics.render import Mixture, render
from hsi_studio.scene.physics.spectra import Array
from hsi_studio.types import Bands, BoolArray, FloatArray, IntArray, Scene, Source, Survey

BACKGROUND, TALL_BACKGROUND = "background", "broadleaf trees"  # what stands on pixels without a class
_TALL_M = 2.0
_MIN_PURITY = 0.7  # share of the largest class from which a pixel counts as that class

CITATION = (
    "Simulated with: Jacquemoud & Baret 1990 (leaf plates), Stern 1964, Verhoef 1984 and Verhoef et al. 2007 (SAIL "
    "canopy), Campbell 1990 (leaf angles), Ångström 1925 and Lekner & Dorf 1988 (wet soil), Gordon et al. 1988 and "
    "Lee et al. 1999 (water), Pope & Fry 1997 and Hale & Querry 1973 (water absorption)."
)


@dataclass(frozen=True)
class Truth:
    """What the generator knows about every pixel; arrays (H, W) float32 unless said."""

    materials: tuple[str, ...]  # (M,)
    abundance: FloatArray  # (H, W, M) share of each material before the optics blur it, sums to 1
    lai: FloatArray  # m² leaf per m² ground
    chlorophyll_ug_cm2: FloatArray  # of the leaves in the pixel, 0 without leaves
    soil_moisture: FloatArray  # 0 dry … 1 under water, mean over the pixel
    height_m: FloatArray  # above ground, mean over the pixel
    ground_m: FloatArray
    sunlit: FloatArray  # 0 cast shadow … 1 sun


@dataclass(frozen=True)
class Simulation:
    scene: Scene
    truth: Truth


def _survey(scene: Scene) -> Survey:
    from hsi_studio.scene.survey import survey

    return survey(scene)


def _block_mean(values: Array, s: int) -> Array:
    """(H·s, W·s, …) → (H, W, …)."""
    if s == 1:
        return values
    h, w = values.shape[0] // s, values.shape[1] // s
    return np.asarray(values.reshape(h, s, w, s, *values.shape[2:]).mean(axis=(1, 3)))


def _without_spikes(layer: Array) -> Array:
    """The surface with gaps filled from the nearest cell and clipped to its 0.05–99.95 percentiles."""
    finite = np.isfinite(layer)
    if not finite.any():
        return np.zeros(layer.shape)
    if not finite.all():
        from scipy.ndimage import distance_transform_edt

        nearest = distance_transform_edt(~finite, return_distances=False, return_indices=True)
        layer = layer[tuple(nearest)]
    low, high = np.percentile(layer, [0.05, 99.95])
    return np.asarray(np.clip(layer, low, high))


def _terrain(surface_m: Array, pixel_m: float) -> Array:
    """The ground below a surface: a grey opening of 24 m, smoothed."""
    from scipy.ndimage import gaussian_filter, grey_opening

    window = max(3, round(24.0 / pixel_m))
    return np.asarray(gaussian_filter(grey_opening(surface_m, size=window), window / 4.0))


def _check(raster: Any, dsm: Any, materials: Mapping[int, str], s: int) -> tuple[IntArray, Array]:
    classes, heights = np.asarray(raster), np.asarray(dsm, dtype=np.float64)
    if classes.ndim != 2 or not np.issubdtype(classes.dtype, np.integer):
        raise BadRequest(f"The class raster has shape {classes.shape}, type {classes.dtype}: give a 2-D integer array.")
    if heights.shape[:2] != classes.shape or heights.ndim not in (2, 3):
        raise BadRequest(
            f"The DSM has shape {heights.shape}, the class raster {classes.shape}: give both with the same rows and "
            "columns."
        )
    if s < 1 or classes.shape[0] % s or classes.shape[1] % s:
        raise BadRequest(f"A raster of {classes.shape} cannot be divided into {s} × {s} sub-pixels: crop it.")
    check_materials(materials.values())
    missing = sorted(set(np.unique(classes).tolist()) - set(materials) - {0})
    if missing:
        raise BadRequest(f"The class raster holds {missing}, which have no material: add them to `materials`.")
    return classes.astype(np.int64), heights[..., None] if heights.ndim == 2 else heights


def simulate(
    class_raster: npt.NDArray[np.integer[Any]],
    dsm: npt.NDArray[np.floating[Any]],
    *,
    materials: Mapping[int, str],
    wavelength_nm: Sequence[float] | npt.NDArray[np.floating[Any]],
    fwhm_nm: Sequence[float] | npt.NDArray[np.floating[Any]] | None = None,
    seed: int = 0,
    snr: float = 220.0,
    gsd_m: float = 1.0,
    subpixels: int = 1,
    class_names: Mapping[int, str] | None = None,
    ground_m: npt.NDArray[np.floating[Any]] | None = None,
    objects: npt.NDArray[np.integer[Any]] | None = None,
    sun: Sun | None = None,
    psf_sigma_px: float = 0.5,
    invalid: BoolArray | None = None,
    name: str = "simulated",
    title: str = "Simulated scene",
    transform: tuple[float, float, float, float, float, float] | None = None,
    crs: str | None = None,
    notes: Sequence[str] = (),
) -> Simulation:
    """A scene on a given layout, and its truth.

    `class_raster` (H·s, W·s) of integers, s = `subpixels`; `materials` maps each value to a name of
    `materials.MATERIALS`. 0 means "no class": such pixels become mixed background (trees where the surface stands
    2 m above ground) and stay unlabelled, unless `materials` has an entry for 0. `dsm` (H·s, W·s) or (…, L), first
    layer heights in metres; `ground_m` (H·s, W·s) the terrain, estimated by a grey opening when not given.
    `objects` (H·s, W·s) numbers things that share their variation (a crown, a roof); connected regions of equal class
    otherwise. `snr` is the best band's signal-to-noise ratio over 30 % reflectance. `invalid` (H, W) marks pixels
    the flight line missed: no data in the cube and no label.

    With one sub-pixel the reference is the raster and the DSM is passed on unchanged. With more, the DSM is the mean
    of the sub-pixels and a pixel is labelled where one class covers at least 70 % of it.
    The same arguments give the same scene, bit for bit. Raises BadRequest for unknown materials, bands outside
    400–2500 nm and arrays that do not fit each other.
    """
    s = int(subpixels)
    classes, heights = _check(class_raster, dsm, materials, s)
    centres = np.asarray(wavelength_nm, dtype=np.float64)
    fwhm = sensor.check_bands(centres, None if fwhm_nm is None else np.asarray(fwhm_nm, dtype=np.float64))
    for what, array, wanted in (
        ("ground_m", ground_m, classes.shape),
        ("objects", objects, classes.shape),
        ("invalid", invalid, (classes.shape[0] // s, classes.shape[1] // s)),
    ):
        if array is not None and array.shape != wanted:
            raise BadRequest(f"{what} has shape {array.shape}: give {wanted}, as the class raster and sub-pixels say.")
    sun = sun or Sun()
    rng = np.random.default_rng(seed)
    pixel_m = gsd_m / s
    shape = (classes.shape[0], classes.shape[1])
    h, w = shape[0] // s, shape[1] // s

    # heights and light
    surface = _without_spikes(heights[..., 0])
    ground = _terrain(surface, pixel_m) if ground_m is None else np.asarray(ground_m, dtype=np.float64)
    height = np.maximum(surface - ground, 0.0)
    chosen = [(value, materials[value], classes == value) for value in sorted(materials) if (classes == value).any()]
    if 0 not in materials:
        tall = height > _TALL_M
        loose = [(0, TALL_BACKGROUND, (classes == 0) & tall), (0, BACKGROUND, (classes == 0) & ~tall)]
        chosen += [entry for entry in loose if entry[2].any()]
    softness = np.zeros(shape)
    for _, material, mask in chosen:
        softness[mask] = MATERIALS[material].softness
    light = illuminate(surface, pixel_m, sun, softness)

    # hidden variables: patches, objects, grain
    things = connected_objects(classes) if objects is None else np.asarray(objects, dtype=np.int64)
    z = np.stack(
        [
            0.50 * smooth_field(shape, pixel_m, 45.0, rng)
            + 0.55 * per_object(things, rng)
            + 0.35 * smooth_field(shape, pixel_m, 4.0, rng, slope=0.9)
            for _ in range(2)
        ],
        axis=-1,
    ).reshape(-1, 2)  # (H·s, W·s, 2) → (n, 2)

    # mixture of table entries
    row, col = np.divmod(np.arange(classes.size), shape[1])
    pixel_of = (row // s) * w + col // s
    names = tuple(dict.fromkeys(material for _, material, _ in chosen))
    abundance = np.zeros((h * w, len(names)))
    mixture = Mixture(sun)
    for _, name_of, mask in chosen:
        made_of = MATERIALS[name_of]
        fine = np.flatnonzero(mask)
        pixel = pixel_of[fine]
        share = shares(made_of, fine, shape, pixel_m, things, rng)
        abundance[:, names.index(name_of)] += np.bincount(pixel, minlength=h * w) / s**2
        for k, (surface_name, _) in enumerate(made_of.parts):
            used = share[:, k] > 1e-4
            mixture.add(surface_name, fine[used], pixel[used], z[fine[used]], share[used, k] / s**2)

    cube, truth_maps = render(mixture, (h, w), light, centres, fwhm)
    cube = sensor.expose(sensor.blur(cube, psf_sigma_px), centres, snr, rng)
    stored = sensor.store(cube, invalid)

    truth = Truth(
        materials=names,
        abundance=abundance.reshape(h, w, -1).astype(np.float32),
        height_m=_block_mean(height, s).astype(np.float32),
        ground_m=_block_mean(ground, s).astype(np.float32),
        sunlit=_block_mean(light.lit, s).astype(np.float32),
        **truth_maps,
    )
    reference = _reference(classes, s, invalid)
    given = {**materials, **(class_names or {})}
    sources = (Source("cube", f"simulated, seed {seed}", hashlib.sha256(stored.tobytes()).hexdigest()),)
    scene = Scene(
        id=scene_id(sources, (name,)),
        name=name,
        title=title,
        cube=ArrayCube(stored, scale=sensor.SCALE, nodata=sensor.NODATA),
        bands=Bands(centres.size, centres.astype(np.float32), fwhm.astype(np.float32)),
        survey_fn=_survey,
        dsm=_block_mean(heights, s).astype(np.float32),
        reference=reference,
        reference_names={value: given[value] for value in sorted(materials) if value != 0},
        transform=transform,
        crs=crs,
        gsd_m=gsd_m,
        sources=sources,
        notes=("This scene is simulated: no sensor ever measured it.", *notes),
        citation=CITATION,
        licence="Apache-2.0",
        value_unit="reflectance",
    )
    return Simulation(scene, truth)


def _reference(classes: IntArray, s: int, invalid: BoolArray | None) -> npt.NDArray[np.int32]:
    """(H, W) class of at least `_MIN_PURITY` of a pixel's sub-pixels, else 0."""
    if s == 1:
        reference = classes.astype(np.int32)
    else:
        values = np.unique(classes)
        cover = np.stack([_block_mean((classes == value).astype(np.float64), s) for value in values])
        best = cover.argmax(axis=0)
        reference = np.where(cover.max(axis=0) >= _MIN_PURITY, values[best], 0).astype(np.int32)
    if invalid is not None:
        reference[invalid] = 0
    return reference
