"""Scenes made from a folder of public data, for the battery of `scenes.py`.

    samson, salinas_a, salinas_pca3   cubes with a label map in one file (Salinas as three components: no spectra)
    enmap_potsdam                     18 real EnMAP tiles of 32 × 32 put back where they were cut out, gaps without data
    berlin_enmap, berlin_hymap        rasters with the land-cover polygons of the area, pixels of ≥ 2/3 one class
    houston_pixels                    the 2,832 published training spectra at their places in the scene, nothing else
    pavia_u_simulated, salinas_simulated, ksc_simulated, botswana_simulated
                                      our generator's spectra (seed 0, flat terrain) on the real label maps

What differs from the originals is in each scene's title. Figures on simulated spectra say how a method takes a layout,
not how it takes the sensor; materials stand in for classes, and no two classes of a scene share one mixture.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.idtrees import inside, read_dbf_column, read_polygons
from hsi_studio.engine.sweep.cells import SweepScene
from hsi_studio.errors import FileProblem
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.scene.identity import scene_id, source
from hsi_studio.scene.survey import survey
from hsi_studio.types import Bands, IntArray, Scene

PURE = 2 / 3  # share of a pixel's sub-pixels that must be of one class
SUBPIXELS = 3  # a side, looked at by the polygons
BERLIN = {1: "Roof", 2: "Pavement", 3: "Low vegetation", 4: "Tree", 5: "Soil", 6: "Other"}
HYMAP = {1: "Grass", 2: "Pavement", 3: "Roof", 4: "Soil", 5: "Tree"}  # Level_2's names, sorted
ENMAP = {1: "Roof", 2: "Pavement", 3: "Low vegetation", 4: "Tree", 5: "Soil", 6: "Water"}
SIMULATED: dict[str, tuple[str, tuple[str, ...], tuple[float, float, int], float]] = {
    # scene → label map, material of class 1, 2, …, (first, last, number of bands), metres a pixel
    "pavia_u_simulated": (
        "pavia_university/PaviaU_gt.mat",
        ("asphalt", "meadow", "gravel", "broadleaf trees", "metal roof", "bare soil", "bitumen roof", "tile roof",
         "water"),
        (430.0, 860.0, 103), 1.3,
    ),
    "salinas_simulated": (
        "salinas/Salinas_gt.mat",
        ("meadow", "maize", "bare soil", "gravel", "ground", "dry grass", "vineyard", "apple trees", "concrete",
         "mixed woods", "conifers", "broadleaf trees", "asphalt", "tile roof", "roofs", "bitumen roof"),
        (400.0, 2450.0, 204), 3.7,
    ),
    "ksc_simulated": (
        "groundtruth_only/KSC_gt.mat",
        ("broadleaf trees", "conifers", "mixed woods", "apple trees", "vineyard", "meadow", "maize", "dry grass",
         "ground", "bare soil", "gravel", "asphalt", "water"),
        (400.0, 2450.0, 176), 18.0,
    ),
    "botswana_simulated": (
        "groundtruth_only/Botswana_gt.mat",
        ("water", "meadow", "maize", "dry grass", "ground", "bare soil", "gravel", "broadleaf trees", "conifers",
         "mixed woods", "apple trees", "vineyard", "concrete", "asphalt"),
        (400.0, 2450.0, 145), 30.0,
    ),
}  # fmt: skip


def samson(data: Path) -> Scene:
    file = _there(data / "samson" / "samson.npz")
    with np.load(file, allow_pickle=False) as stored:
        cube, raster, names = stored["cube"], stored["gt"], stored["class_names"].tolist()
    return _scene(
        "samson", "Samson: reference = share of one material ≥ 0.7", file, cube, raster,
        dict(enumerate(names, start=1)), np.linspace(401.0, 889.0, cube.shape[-1]),
    )  # fmt: skip


def salinas_a(data: Path) -> Scene:
    file = _there(data / "salinas_a" / "salinas_a_with_gt.mat")
    stored = _mat(file)
    raster = stored["salinasA_gt"].astype(np.int32)
    return _scene("salinas_a", "Salinas-A", file, stored["salinasA_corrected"], raster, _numbered(raster))


def salinas_pca3(data: Path) -> Scene:
    file = _there(data / "salinas" / "salinas_pca3_with_gt.mat")
    stored = _mat(file)
    raster = stored["salinas_gt"].astype(np.int32)
    title = "Salinas as its first three principal components"
    return _scene("salinas_pca3", title, file, stored["salinas_pca3"], raster, _numbered(raster))


def enmap_potsdam(data: Path) -> Scene:
    """Raises FileProblem where a tile is missing."""
    import rasterio

    folder = data / "enmap_potsdam"
    tiles = sorted((folder / "images").glob("*.tif"))
    if not tiles:
        raise FileProblem(folder / "images", "it has no tiles", "Give a folder with enmap_potsdam/images/*.tif")
    with rasterio.open(_there(folder / "enmap_landcover_unstyled.tif")) as dataset:
        raster, at = dataset.read(1).astype(np.int32), dataset.transform
    cube = np.full((*raster.shape, 224), np.nan, dtype=np.float32)
    for tile in tiles:
        with rasterio.open(tile) as dataset:
            row = round((at.f - dataset.transform.f) / -at.e)
            col = round((dataset.transform.c - at.c) / at.a)
            values = np.where(dataset.read() == dataset.nodata, np.nan, dataset.read()).transpose(1, 2, 0)
            tags = [dataset.tags(band) for band in range(1, dataset.count + 1)]
        cube[row : row + values.shape[0], col : col + values.shape[1]] = values
    centres = np.array([float(tag["wavelength"]) for tag in tags])
    raster[~np.isfinite(cube).any(axis=-1)] = 0
    title = "EnMAP, Potsdam: 18 tiles of 32 × 32, pixels between them without data"
    return _scene("enmap_potsdam", title, tiles[0], cube, raster, ENMAP, centres, 30.0)


def berlin_enmap(data: Path) -> Scene:
    folder = data / "berlin_urban_gradient"
    head = _there(folder / "EnMAP_BerlinUrbanGradient.hdr").read_text()
    lines, samples, bands = (int(_entry(head, name)) for name in ("lines", "samples", "bands"))
    raw = gzip.decompress(_there(folder / "EnMAP_BerlinUrbanGradient.bsq").read_bytes())
    cube = np.frombuffer(raw, "<i2").reshape(bands, lines, samples).transpose(1, 2, 0).astype(np.float32)
    cube[cube == -99] = np.nan
    info = _entry(head, "map info").split(",")
    left, top, gsd_m = float(info[3]), float(info[4]), float(info[5])
    centres = np.array([float(v) for v in _entry(head, "wavelength").split(",")]) * 1000.0
    raster = _from_polygons(folder / "LandCov_BerlinUrbanGradient", "Level_2_ID", cube.shape[:2], left, top, gsd_m)
    return _scene("berlin_enmap", "Berlin, simulated EnMAP", folder / "EnMAP_BerlinUrbanGradient.bsq", cube, raster,
                  BERLIN, centres, gsd_m)  # fmt: skip


def berlin_hymap(data: Path) -> Scene:
    import rasterio

    folder = data / "berlin_urban_gradient_mini"
    file = _there(folder / "HyMap02_Berlin_Urban_Gradient_2009.bsq")
    with rasterio.open(file) as dataset:
        cube, at = dataset.read().transpose(1, 2, 0).astype(np.float32), dataset.transform
    head = file.with_suffix(".hdr").read_text()
    centres = np.array([float(v) for v in re.findall(r"\(([\d.]+) Micrometers\)", head)]) * 1000.0
    raster = _from_polygons(
        folder / "LandCov_Vec_Berlin_Urban_Gradient_2009", "Level_2", cube.shape[:2], at.c, at.f, at.a
    )
    found = centres if centres.size == cube.shape[-1] else None
    return _scene("berlin_hymap", "Berlin, HyMap", file, cube, raster, HYMAP, found, at.a)


def houston_pixels(data: Path) -> Scene:
    """Spectra in the row-major order of the label map's pixels."""
    folder = data / "houston2013"
    raster = _mat(_there(folder / "TRLabel.mat"))["TRLabel"].astype(np.int32)
    file = _there(folder / "HSI_TrSet.mat")
    spectra = _mat(file)["HSI_TrSet"].astype(np.float32)
    cube = np.full((*raster.shape, spectra.shape[1]), np.nan, dtype=np.float32)
    cube[raster > 0] = spectra
    title = "Houston 2013: training pixels only, no image around them"
    return _scene("houston_pixels", title, file, cube, raster, _numbered(raster), gsd_m=2.5)


def simulated(name: str, data: Path) -> Scene:
    """One of SIMULATED."""
    from hsi_studio.scene.physics.simulate import simulate

    place, materials, (first, last, bands), gsd_m = SIMULATED[name]
    stored = _mat(_there(data / place))
    raster = next(array for key, array in stored.items() if not key.startswith("__")).astype(np.int32)
    used = [v for v in np.unique(raster).tolist() if v > 0]
    return simulate(
        raster, np.zeros(raster.shape), materials={v: materials[v - 1] for v in used},
        wavelength_nm=np.linspace(first, last, bands), gsd_m=gsd_m, seed=0, name=name,
        class_names={v: f"class {v}" for v in used}, title=f"Simulated spectra on the label map {Path(place).stem}",
    ).scene  # fmt: skip


MADE: dict[str, Callable[[Path], Scene]] = {
    "samson": samson,
    "salinas_a": salinas_a,
    "salinas_pca3": salinas_pca3,
    "enmap_potsdam": enmap_potsdam,
    "berlin_enmap": berlin_enmap,
    "berlin_hymap": berlin_hymap,
    "houston_pixels": houston_pixels,
}


def public_names() -> list[str]:
    return [*MADE, *SIMULATED]


def public_scene(name: str, data: Path) -> SweepScene:
    """A scene of `public_names()`. Raises FileProblem when a file of it is missing."""
    return SweepScene(simulated(name, data) if name in SIMULATED else MADE[name](data))


def _scene(
    name: str, title: str, file: Path, cube: npt.NDArray[Any], raster: IntArray, names: dict[int, str],
    wavelength_nm: npt.NDArray[np.floating[Any]] | None = None, gsd_m: float | None = None,
) -> Scene:  # fmt: skip
    sources = (source("cube", file),)
    centres = None if wavelength_nm is None else wavelength_nm.astype(np.float32)
    return Scene(
        id=scene_id(sources, (name,)), name=name, title=title, cube=ArrayCube(np.ascontiguousarray(cube)),
        bands=Bands(cube.shape[-1], centres), survey_fn=survey, reference=raster.astype(np.int32),
        reference_names=names, gsd_m=gsd_m, sources=sources,
    )  # fmt: skip


def _there(file: Path) -> Path:
    if not file.is_file():
        raise FileProblem(file, "this file of the public data is missing", "Give the folder that holds it with --data")
    return file


def _mat(file: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    return dict(loadmat(str(file)))


def _numbered(raster: IntArray) -> dict[int, str]:
    return {int(v): f"class {v}" for v in np.unique(raster) if v > 0}


def _entry(head: str, name: str) -> str:
    """The value of an ENVI header's entry, without braces."""
    found = re.search(rf"^{name}\s*=\s*(\{{[^}}]*\}}|[^\n]*)", head, re.MULTILINE)
    return found.group(1).strip("{} \n") if found else ""


def _from_polygons(
    stem: Path, column: str, shape: tuple[int, int], left: float, top: float, gsd_m: float
) -> IntArray:  # fmt: skip
    """(H, W) value of the class that covers at least PURE of a pixel's sub-pixels; 0 for none."""
    names = read_dbf_column(_there(stem.with_suffix(".dbf")), column)
    values = [int(v) if v.isdigit() else 1 + sorted(set(names)).index(v) for v in names]
    outlines = read_polygons(_there(stem.with_suffix(".shp")))
    h, w = shape[0] * SUBPIXELS, shape[1] * SUBPIXELS
    step = gsd_m / SUBPIXELS
    fine = np.zeros((h, w), dtype=np.int32)
    for value, rings in zip(values, outlines, strict=True):
        for ring in rings:  # a ring toggles the pixels in it: holes take themselves out
            low, high = ring.min(axis=0), ring.max(axis=0)
            first_row, last_row = np.clip([(top - high[1]) / step, (top - low[1]) / step + 1], 0, h).astype(int)
            first_col, last_col = np.clip([(low[0] - left) / step, (high[0] - left) / step + 1], 0, w).astype(int)
            row, col = np.mgrid[first_row:last_row, first_col:last_col]
            if row.size:
                hit = inside((ring,), left + (col + 0.5) * step, top - (row + 0.5) * step)
                part = fine[first_row:last_row, first_col:last_col]
                part[hit] = np.where(part[hit] == value, 0, value)
    blocks = fine.reshape(shape[0], SUBPIXELS, shape[1], SUBPIXELS).transpose(0, 2, 1, 3).reshape(*shape, -1)
    out = np.zeros(shape, dtype=np.int32)
    for value in sorted(set(values)):
        out[(blocks == value).mean(axis=-1) >= PURE - 1e-9] = value
    return out
