"""IDTReeS 2020: 85 real plots of 20 × 20 m with hyperspectral, LiDAR and crown outlines, laid into one scene.

Source: S. J. Graves et al., "Data science competition for cross-site individual tree species identification from
airborne remote sensing data", PeerJ 2023, doi:10.7717/peerj.16578; data Zenodo 3934932. Folder layout as published:
`RemoteSensing/HSI/*.tif` (369 bands, reflectance × 10,000), `RemoteSensing/CHM/*.tif` (canopy height, m),
`ITC/train_*.shp` with `.dbf` (crowns), `Field/train_data.csv` (species).

Plots stand on a grid, `GAP_PX` pixels without data between them, so that no window or smoothing joins two plots. A
pixel gets a crown's species when its centre lies in the crown's outline, none where crowns of two species overlap.
Kept are the species with at least `MIN_CROWNS` crowns whose middle lies in a plot. Crowns of a plot are neighbours, so
an honest test leaves out plots: `split_by_plot`. Plots that overlap on the ground stay on the same side of it.

Bands are 369 of NEON's 426; centres of another NEON flight are taken, flights differ by a fraction of a nanometre.
"""

from __future__ import annotations

import csv
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.engine.sweep.cells import SweepScene
from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.scene.cube import ArrayCube
from hsi_studio.scene.identity import scene_id, source
from hsi_studio.scene.survey import survey
from hsi_studio.types import Bands, Scene

GAP_PX = 8
MIN_CROWNS = 15
NODATA = -32768
SCALE = 1e-4
TRAIN_SHARE = 0.5
TRIES = 400  # random halvings looked at for one in which every species is on both sides
MIN_PIXELS = 5  # of a species on a side, to count as there

Ring = npt.NDArray[np.float64]  # (n, 2) x, y


@dataclass(frozen=True)
class Plot:
    """One plot. `left`, `top`: map coordinates of its upper left corner; pixels of `gsd_m`."""

    name: str
    cube: npt.NDArray[np.int16]  # (h, w, B)
    height_m: npt.NDArray[np.float32]  # (h, w)
    left: float
    top: float
    gsd_m: float

    def contains(self, x: float, y: float) -> bool:
        h, w = self.height_m.shape
        return bool(self.left <= x < self.left + w * self.gsd_m and self.top - h * self.gsd_m < y <= self.top)

    def overlaps(self, other: Plot) -> bool:
        (h, w), (g, v) = self.height_m.shape, other.height_m.shape
        across = min(self.left + w * self.gsd_m, other.left + v * other.gsd_m) - max(self.left, other.left)
        down = min(self.top, other.top) - max(self.top - h * self.gsd_m, other.top - g * other.gsd_m)
        return bool(across > 0 and down > 0)


@dataclass(frozen=True)
class Crown:
    species: str
    rings: tuple[Ring, ...]

    @property
    def middle(self) -> tuple[float, float]:
        points = np.concatenate(self.rings)
        low, high = points.min(axis=0), points.max(axis=0)
        return float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2


def wavelength_nm(bands: int) -> npt.NDArray[np.float32] | None:
    """Centres of the 369 bands: NEON's 426 without water-vapour windows and the last ones; None for other counts."""
    kept = np.delete(np.arange(425), np.r_[192:210, 283:315, 419:425])
    return (383.5343 + 5.00791 * kept).astype(np.float32) if bands == kept.size else None


def read_plots(folder: Path) -> list[Plot]:
    """All plots by name. Raises FileProblem when a layer is missing or of another size."""
    import rasterio

    files = sorted(
        (folder / "RemoteSensing" / "HSI").glob("*.tif"), key=lambda f: (f.stem[:4], int(f.stem.split("_")[1]))
    )
    if not files:
        raise FileProblem(
            folder, "it has no RemoteSensing/HSI/*.tif", "Give the folder of the IDTReeS 2020 training set"
        )
    plots = []
    for file in files:
        with rasterio.open(file) as dataset:
            cube = dataset.read().transpose(1, 2, 0).astype(np.int16)  # (B, h, w) → (h, w, B)
            at = dataset.transform
        beside = folder / "RemoteSensing" / "CHM" / file.name
        if not beside.is_file():
            raise FileProblem(beside, "the canopy height of this plot is missing", "Unpack the whole training set")
        with rasterio.open(beside) as dataset:
            height = dataset.read(1).astype(np.float32)
            if dataset.nodata is not None:
                height[height == np.float32(dataset.nodata)] = np.nan
        if height.shape != cube.shape[:2]:
            raise CorruptFile(beside, f"it is {height.shape}, the plot is {cube.shape[:2]}", "Unpack the set again")
        plots.append(Plot(file.stem, cube, height, at.c, at.f, at.a))
    return plots


def read_crowns(folder: Path) -> list[Crown]:
    """Crowns whose individual has a species in the field data."""
    with (folder / "Field" / "train_data.csv").open(encoding="utf-8-sig", newline="") as stream:
        species = {row["indvdID"]: row["taxonID"] for row in csv.DictReader(stream)}
    crowns = []
    for file in sorted((folder / "ITC").glob("*.shp")):
        names = read_dbf_column(file.with_suffix(".dbf"), "indvdID")
        outlines = read_polygons(file)
        if len(names) != len(outlines):
            raise CorruptFile(file, f"{len(outlines)} outlines and {len(names)} records", "Unpack the set again")
        crowns += [Crown(species[n], rings) for n, rings in zip(names, outlines, strict=True) if n in species and rings]
    return crowns


def read_polygons(file: Path) -> list[tuple[Ring, ...]]:
    """Rings of every record of a polygon shapefile (ESRI Shapefile Technical Description, 1998); () for null shapes."""
    data, at, out = file.read_bytes(), 100, []
    while at + 12 <= len(data):
        (words,) = struct.unpack_from(">i", data, at + 4)
        kind, start = struct.unpack_from("<i", data, at + 8)[0], at + 8
        if kind in (5, 15, 25):
            n_parts, n_points = struct.unpack_from("<2i", data, start + 36)
            first = np.frombuffer(data, "<i4", n_parts, start + 44)
            points = np.frombuffer(data, "<f8", 2 * n_points, start + 44 + 4 * n_parts).reshape(-1, 2)
            out.append(tuple(np.split(points, first[1:].tolist())))
        elif kind == 0:
            out.append(())
        else:
            raise CorruptFile(file, f"its shapes are of type {kind}, not polygons", "Give the crowns as polygons")
        at = start + 2 * words
    return out


def read_dbf_column(file: Path, column: str) -> list[str]:
    """One column of a dBASE III table as text."""
    data = file.read_bytes()
    count, header, length = struct.unpack_from("<IHH", data, 4)
    at = 1
    for field in range(32, header - 1, 32):
        name, width = data[field : field + 11].split(b"\0")[0].decode(), data[field + 16]
        if name == column:
            rows = (data[header + n * length + at :][:width] for n in range(count))
            return [row.decode("utf-8", "replace").strip() for row in rows]
        at += width
    raise CorruptFile(file, f"it has no column {column}", "Unpack the set again")


def inside(rings: tuple[Ring, ...], x: npt.NDArray[Any], y: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which points (same shape as x, y) lie inside, by the even-odd rule."""
    odd = np.zeros(x.shape, dtype=np.bool_)
    for ring in rings:
        for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            if y0 != y1:
                crosses = ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
                odd ^= crosses
    return odd


def species_of_pixels(plot: Plot, crowns: list[Crown], value: dict[str, int]) -> npt.NDArray[np.int32]:
    """(h, w) value of the species whose crown covers the pixel's centre; 0 for none, other species, or two."""
    h, w = plot.height_m.shape
    row, col = np.mgrid[0:h, 0:w]
    x, y = plot.left + (col + 0.5) * plot.gsd_m, plot.top - (row + 0.5) * plot.gsd_m
    out, taken = np.zeros((h, w), dtype=np.int32), np.full((h, w), "", dtype=object)
    for crown in crowns:
        covered = inside(crown.rings, x, y)
        clash = covered & (taken != "") & (taken != crown.species)
        taken[covered] = crown.species
        out[covered] = value.get(crown.species, 0)
        taken[clash], out[clash] = "two species", 0
    return out


def split_by_plot(
    reference: npt.NDArray[np.int32], plot_of: npt.NDArray[np.int32], groups: npt.NDArray[np.int64], seed: int
) -> npt.NDArray[np.int32]:
    """(H, W) 1 = train, 2 = test, 0 = no plot. `plot_of` (H, W) plot number or −1, `groups` (n_plots,) stay together.

    Of `TRIES` random halvings the one with the most species on both sides; then the one whose worst divided species is
    divided most evenly.
    """
    rng = np.random.default_rng(seed)
    names = np.unique(groups)
    inside_plot = plot_of >= 0
    counts = np.zeros((groups.size, int(reference.max()) + 1), dtype=np.int64)  # (plots, classes)
    np.add.at(counts, (plot_of[inside_plot], reference[inside_plot]), 1)
    counts[:, 0] = 0
    total = counts.sum(axis=0)
    best, best_train = (-1, 0.0), np.zeros(groups.size, dtype=np.bool_)
    for _ in range(TRIES):
        train = np.isin(groups, rng.permutation(names)[: round(names.size * TRAIN_SHARE)])
        smaller = np.minimum(counts[train].sum(axis=0), counts[~train].sum(axis=0))
        both = smaller >= MIN_PIXELS
        score = (int(both.sum()), float((smaller[both] / total[both]).min(initial=1.0)))
        if score > best:
            best, best_train = score, train
    out = np.zeros(reference.shape, dtype=np.int32)
    out[inside_plot] = np.where(best_train[plot_of[inside_plot]], 1, 2)
    return out


def together(plots: list[Plot]) -> npt.NDArray[np.int64]:
    """(n_plots,) group of each plot: plots that overlap on the ground share one."""
    group = np.arange(len(plots))
    for a in range(len(plots)):
        for b in range(a):
            if plots[a].overlaps(plots[b]):
                group[group == group[a]] = group[b]
    return group


def idtrees_scene(folder: Path, seed: int = 0) -> SweepScene:
    """The plots of a folder as one scene with the split `plots`. Raises FileProblem and its kinds."""
    plots, crowns = read_plots(folder), read_crowns(folder)
    h, w, n_bands = plots[0].cube.shape
    home = [[c for c in crowns if _touches(plot, c)] for plot in plots]
    middles = [c for c in crowns if any(plot.contains(*c.middle) for plot in plots)]
    counts = Counter(c.species for c in middles)
    kept = sorted(species for species, count in counts.items() if count >= MIN_CROWNS)
    value = {species: k + 1 for k, species in enumerate(kept)}

    across = int(np.ceil(np.sqrt(len(plots))))
    down = -(-len(plots) // across)
    size = (down * (h + GAP_PX) - GAP_PX, across * (w + GAP_PX) - GAP_PX)
    cube = np.full((*size, n_bands), NODATA, dtype=np.int16)
    dsm = np.full((*size, 1), np.nan, dtype=np.float32)
    reference, plot_of = np.zeros(size, dtype=np.int32), np.full(size, -1, dtype=np.int32)
    for number, plot in enumerate(plots):
        if plot.cube.shape != (h, w, n_bands):
            raise CorruptFile(
                folder / plot.name, f"the plot is {plot.cube.shape}, others {(h, w, n_bands)}", "Leave it out"
            )
        top, left = (number // across) * (h + GAP_PX), (number % across) * (w + GAP_PX)
        at = (slice(top, top + h), slice(left, left + w))
        cube[at], dsm[at][..., 0], plot_of[at] = plot.cube, plot.height_m, number
        reference[at] = species_of_pixels(plot, home[number], value)
    title = _names(folder)
    files = sorted((folder / "RemoteSensing" / "HSI").glob("*.tif")) + sorted((folder / "ITC").glob("*.shp"))
    sources = tuple(source("cube" if f.suffix == ".tif" else "reference", f) for f in files)
    scene = Scene(
        id=scene_id(sources, ("idtrees", str(GAP_PX))),
        name="idtrees",
        title="IDTReeS 2020, NEON hyperspectral + LiDAR, 85 plots laid side by side"
        if len(plots) == 85
        else "IDTReeS plots",
        cube=ArrayCube(cube, scale=SCALE, nodata=NODATA),
        bands=Bands(n_bands, wavelength_nm(n_bands)),
        survey_fn=survey,
        dsm=dsm,
        reference=reference,
        reference_names={k: title.get(species, species) for species, k in value.items()},
        gsd_m=plots[0].gsd_m,
        sources=sources,
        notes=(f"{len(plots)} plots, {GAP_PX} pixels without data between them; species with ≥ {MIN_CROWNS} crowns.",),
        citation="Graves et al. 2023, doi:10.7717/peerj.16578; data doi:10.5281/zenodo.3934932",
        value_unit="reflectance",
    )
    mask = split_by_plot(np.where(scene.valid, reference, 0), plot_of, together(plots), seed)
    return SweepScene(scene, {"plots": mask})


def _touches(plot: Plot, crown: Crown) -> bool:
    points = np.concatenate(crown.rings)
    h, w = plot.height_m.shape
    low, high = points.min(axis=0), points.max(axis=0)
    right, bottom = plot.left + w * plot.gsd_m, plot.top - h * plot.gsd_m
    return bool(low[0] < right and high[0] > plot.left and low[1] < plot.top and high[1] > bottom)


def _names(folder: Path) -> dict[str, str]:
    """taxonID → scientific name without its author."""
    file = folder / "Field" / "taxonID_ScientificName.csv"
    if not file.is_file():
        return {}
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return {row["taxonID"]: " ".join(row["scientificName"].split()[:2]) for row in csv.DictReader(stream)}
