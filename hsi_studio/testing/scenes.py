"""Small generated scenes to test methods on: piecewise-constant fields with noise, a hole, a bad band."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hsi_studio.scene.cube import ArrayCube
from hsi_studio.types import Bands, BoolArray, ClassInfo, ClassSchema, FloatArray, IntArray, LabelSet, Scene, Survey


def survey(scene: Scene) -> Survey:
    """What the real survey finds, for cubes that fit in memory."""
    height, width, _ = scene.shape
    cube = scene.read(slice(0, height), slice(0, width)).astype(np.float64)
    finite = np.isfinite(cube)
    good = np.asarray(finite.any(axis=(0, 1)))
    good[good] &= np.nanstd(cube[..., good], axis=(0, 1)) > 0
    valid = np.asarray(finite[..., good].all(axis=-1))
    inside = np.where(finite, cube, 0.0)[valid]  # (n, B)
    values = [f(axis=0).astype(np.float32) for f in (inside.min, inside.max, inside.mean, inside.std)]
    return Survey(valid, good, *values)


def scene_from(
    cube: FloatArray, dsm: FloatArray | None = None, name: str = "made", wavelength_nm: FloatArray | None = None
) -> Scene:
    """A scene of a cube (H, W, B) in memory; its id tells name and shape."""
    return Scene(
        id=f"{name}-{cube.shape}",
        name=name,
        title=name,
        cube=ArrayCube(cube),
        bands=Bands(cube.shape[2], wavelength_nm),
        survey_fn=survey,
        dsm=dsm,
        gsd_m=1.0,
    )


def fields(
    height: int = 40, width: int = 48, bands: int = 12, classes: int = 4, seed: int = 0
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """(cube (H, W, B), truth (H, W) 0 … K−1): a checkerboard of 10-pixel fields with a spectrum a class."""
    rng = np.random.default_rng(seed)
    row, col = np.mgrid[0:height, 0:width] // 10
    truth = (row * 3 + col) % classes
    spectra = rng.uniform(0.1, 0.6, (classes, bands))
    cube = spectra[truth] + rng.normal(0, 0.05, (height, width, bands))
    return cube.astype(np.float32), truth


def with_gaps(cube: FloatArray) -> FloatArray:
    """A hole of 6×7 pixels, and a constant band."""
    out = cube.copy()
    out[5:11, 20:27] = np.nan
    out[..., 3] = np.where(np.isfinite(out[..., 3]), 0.25, np.nan)
    return out


def schema(classes: int) -> ClassSchema:
    """That many classes with ids, names and colours of their own."""
    return ClassSchema(tuple(ClassInfo(f"id{k}", f"class {k}", f"#{k:06x}") for k in range(classes)))


def draw_labels(truth: IntArray, valid: BoolArray, shots: int, seed: int = 0) -> LabelSet:
    """`shots` random valid pixels a class, class by class."""
    rng = np.random.default_rng(seed)
    picked = [rng.permutation(np.flatnonzero((truth == k).ravel() & valid.ravel()))[:shots] for k in np.unique(truth)]
    flat = np.concatenate(picked)
    return LabelSet(
        schema(len(picked)), flat // truth.shape[1], flat % truth.shape[1], truth.ravel()[flat].astype(np.int64)
    )
