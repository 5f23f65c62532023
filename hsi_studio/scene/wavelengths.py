"""Wavelengths as files give them → nanometres.

Files state the unit in many spellings, or not at all; then it is told by magnitude: the optical range
(0.2–30 µm) has no overlap between metres, centimetres, micrometres and nanometres. Wavenumbers (1/cm)
are converted. Ångström needs its unit stated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.types import FloatArray

TO_NM = {
    "nm": 1.0, "nanometer": 1.0, "nanometers": 1.0, "nanometre": 1.0, "nanometres": 1.0,
    "um": 1e3, "micrometer": 1e3, "micrometers": 1e3, "micrometre": 1e3, "micrometres": 1e3,
    "micron": 1e3, "microns": 1e3,
    "mm": 1e6, "millimeter": 1e6, "millimeters": 1e6, "millimetre": 1e6, "millimetres": 1e6,
    "cm": 1e7, "centimeter": 1e7, "centimeters": 1e7, "centimetre": 1e7, "centimetres": 1e7,
    "m": 1e9, "meter": 1e9, "meters": 1e9, "metre": 1e9, "metres": 1e9,
    "angstrom": 0.1, "angstroms": 0.1, "å": 0.1,
}  # fmt: skip


def _factor(unit: str | None) -> float | str | None:
    """Factor to nm, "wavenumber", or None when the unit says nothing usable."""
    text = (unit or "").strip().lower().replace("µ", "u").replace("μ", "u").rstrip(".")
    if text.startswith("wavenumber") or text in {"1/cm", "cm-1", "cm^-1"}:
        return "wavenumber"
    return TO_NM.get(text)


def guess_factor(values: npt.NDArray[np.float64]) -> float | None:
    """Factor to nm by magnitude; None when the numbers are not optical wavelengths (band numbers, indices)."""
    finite = values[np.isfinite(values)]
    if finite.size == 0 or finite.min() <= 0:
        return None
    low, high = float(finite.min()), float(finite.max())
    for factor in (1.0, 1e3, 1e7, 1e9):
        if low * factor >= 150 and high * factor <= 30_000:
            return factor
    return None


def to_nm(
    values: Sequence[float] | npt.NDArray[Any], unit: str | None = None, widths: npt.NDArray[Any] | None = None
) -> tuple[FloatArray | None, FloatArray | None, tuple[str, ...]]:
    """(wavelength_nm (B,), fwhm_nm (B,) or None, notes). (None, None, notes) when they are not wavelengths.

    `widths` are in the same unit as `values`.
    """
    centre = np.asarray(values, dtype=np.float64).ravel()
    width = None if widths is None else np.asarray(widths, dtype=np.float64).ravel()
    if width is not None and (width.size != centre.size or not np.all(np.isfinite(width))):
        width = None
    if centre.size == 0 or not np.all(np.isfinite(centre)):
        return None, None, ("The wavelengths have gaps and are not used; bands are addressed by number.",)
    factor = _factor(unit)
    notes: tuple[str, ...] = ()
    if factor == "wavenumber":
        if centre.min() <= 0:
            return None, None, ("The wavenumbers are not positive and are not used.",)
        nm = 1e7 / centre
        return nm.astype(np.float32), None if width is None else (nm * width / centre).astype(np.float32), notes
    if factor is None:
        factor = guess_factor(centre)
        if factor is None:
            said = f"are in “{unit}”" if unit and unit.strip().lower() not in {"", "unknown"} else "have no unit"
            text = f"The wavelengths ({centre.min():g}–{centre.max():g}) {said}; bands are addressed by number."
            return None, None, (text,)
        names = {1.0: "nanometres", 1e3: "micrometres", 1e7: "centimetres", 1e9: "metres"}
        notes = (f"The file gives wavelengths without a unit; by their size they are {names[factor]}.",)
    assert isinstance(factor, float)
    return (
        (centre * factor).astype(np.float32),
        None if width is None else (width * factor).astype(np.float32),
        notes,
    )


NUMBER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s*(nm|nanomet\w*|um|µm|μm|micromet\w*|microns?)\b", re.IGNORECASE)


def from_band_names(names: Sequence[str | None]) -> tuple[FloatArray | None, tuple[str, ...]]:
    """Wavelengths written in band names ("band 12 (556.3 nm)"); None unless every name has one with a unit."""
    found = []
    for name in names:
        match = NUMBER.search(name or "")
        if match is None:
            return None, ()
        unit = match.group(2).lower()
        found.append(float(match.group(1)) * (1.0 if unit.startswith("n") else 1e3))
    if not found:
        return None, ()
    return np.asarray(found, dtype=np.float32), ("The wavelengths are taken from the band names.",)
