"""Spectra as JSON for `assets/spectrum.js`: sorted by wavelength, with a gap where bands are missing."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsi_studio.studio import ClassSpectrum, Spectrum
from hsi_studio.types import FloatArray, Scene


def spectrum_value(scene: Scene, pixel: Spectrum | None, classes: list[ClassSpectrum]) -> dict[str, Any]:
    """The panel's value: the pixel's spectrum and each labelled class's mean ± one standard deviation."""
    nm = scene.bands.wavelength_nm
    axis = np.arange(1, scene.bands.count + 1, dtype=np.float64) if nm is None else nm.astype(np.float64)
    order = np.argsort(axis, kind="stable")
    order = order[scene.good_bands[order]]
    x = axis[order]
    spacing = np.diff(x)
    breaks = np.flatnonzero(spacing > 4 * np.median(spacing)) + 1 if spacing.size else np.array([], dtype=int)
    grid = _json(np.insert(x, breaks, x[breaks - 1]))

    def line(values: FloatArray) -> list[float | None]:
        return _json(np.insert(values[order].astype(np.float64), breaks, np.nan))

    shown = None
    if pixel is not None:
        shown = {"name": f"row {pixel.row}, column {pixel.col}", "x": grid, "y": line(pixel.values)}
    means = [
        {
            "name": f"{c.info.name} (mean of {c.count})",
            "color": c.info.color,
            "x": grid,
            "mean": line(c.mean),
            "low": line(c.mean - c.std),
            "high": line(c.mean + c.std),
        }
        for c in classes
    ]
    return {
        "scene": scene.id,
        "axis": "band number" if nm is None else "wavelength (nm)",
        "unit": scene.value_unit or "value",
        "pixel": shown,
        "classes": means,
    }


def _json(values: np.ndarray[Any, Any]) -> list[float | None]:
    """Finite numbers to five digits; null for NaN, which JSON lacks."""
    return [float(f"{v:.5g}") if np.isfinite(v) else None for v in values.tolist()]
