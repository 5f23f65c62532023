"""Spectra as JSON for `spectrum.js`: sorted by wavelength, with a gap where bands are missing."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsi_studio.studio.facade import WATER_NM, ClassSpectrum, Spectrum
from hsi_studio.types import FloatArray, Scene


def pixel_value(scene: Scene, pixel: Spectrum) -> dict[str, Any]:
    """One pixel's spectrum; the page keeps the class means it has."""
    grid = Grid(scene)
    name = f"row {pixel.row}, column {pixel.col}"
    return {**grid.axes, "pixel": {"name": name, "x": grid.x, "y": grid.line(pixel.values)}}


def means_value(scene: Scene, classes: list[ClassSpectrum]) -> dict[str, Any]:
    """Each labelled class's mean ± one standard deviation; the page keeps the pixel it shows."""
    grid = Grid(scene)
    means = [
        {
            "name": f"{c.info.name} (mean of {c.count})",
            "color": c.info.color,
            "mean": grid.line(c.mean),
            "low": grid.line(c.mean - c.std),
            "high": grid.line(c.mean + c.std),
        }
        for c in classes
    ]
    return {**grid.axes, "x": grid.x, "classes": means}


class Grid:
    """The horizontal axis: good bands in order of wavelength, an empty place where neighbours are far apart."""

    def __init__(self, scene: Scene) -> None:
        nm = scene.bands.wavelength_nm
        axis = np.arange(1, scene.bands.count + 1, dtype=np.float64) if nm is None else nm.astype(np.float64)
        order = np.argsort(axis, kind="stable")
        self._order = order[scene.good_bands[order]]
        x = axis[self._order]
        spacing = np.diff(x)
        wide = spacing > 4 * np.median(spacing) if spacing.size else np.zeros(0, dtype=np.bool_)
        self._breaks = np.flatnonzero(wide) + 1
        self.x = _json(np.insert(x, self._breaks, x[self._breaks - 1]))
        self.axes = {
            "scene": scene.id,
            "axis": "band number" if nm is None else "wavelength (nm)",
            "unit": scene.value_unit or "value",
            "shades": _shades(scene, axis[order], order),
        }

    def line(self, values: FloatArray) -> list[float | None]:
        """(B,) values on this axis."""
        return _json(np.insert(values[self._order].astype(np.float64), self._breaks, np.nan))


def _shades(scene: Scene, axis: np.ndarray[Any, Any], order: np.ndarray[Any, Any]) -> list[list[Any]]:
    """[from, to, why] of what is not to be read: runs of bands that are not used, and where water vapour takes the
    light."""
    out: list[list[Any]] = []
    bad = np.flatnonzero(~scene.good_bands[order])
    for run in np.split(bad, np.flatnonzero(np.diff(bad) > 1) + 1):
        if run.size:
            low, high = max(int(run[0]) - 1, 0), min(int(run[-1]) + 1, axis.size - 1)
            out.append([float(axis[low] + axis[run[0]]) / 2, float(axis[high] + axis[run[-1]]) / 2, "not used"])
    if scene.bands.wavelength_nm is not None and axis.size:
        out += [[max(a, float(axis[0])), min(b, float(axis[-1])), "water"] for a, b in WATER_NM
                if b > axis[0] and a < axis[-1]]  # fmt: skip
    return out


def _json(values: np.ndarray[Any, Any]) -> list[float | None]:
    """Finite numbers to five digits; null for NaN, which JSON lacks."""
    return [float(f"{v:.5g}") if np.isfinite(v) else None for v in values.tolist()]
