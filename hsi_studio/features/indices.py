"""Spectral indices by name: formulas, bands and domains from `spyndex` (D. Montero et al., "A standardized catalogue of
spectral indices to advance the use of remote sensing in Earth system research", Scientific Data 10, 2023,
doi:10.1038/s41597-023-02096-0; MIT).

- An index is offered when every band in its formula is there: a good band within the range of wavelengths that the
  catalogue gives for it, the one nearest to the middle. Radar, kernel and thermal indices need what no reflectance cube
  has and are not listed.
- Constants (L, C1, …) have the catalogue's default values.
- Two kinds of formula: those whose value stays when all bands are multiplied by the same number (NDVI), and those that
  need reflectance 0–1 (EVI). `needs_reflectance` is found by trying: multiply, compare.
- A quotient by nothing has no value: NaN, not infinity.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from hsi_studio.errors import BadRequest
from hsi_studio.types import Bands, BoolArray, FloatArray

PACKAGE = "spyndex"
CITATION = "D. Montero et al. 2023, doi:10.1038/s41597-023-02096-0"
NOT_OURS = ("radar", "kernel")


@dataclass(frozen=True)
class Index:
    """One index. `bands`: names in the formula that are bands of the sensor, as "N", "R"; the others are constants."""

    name: str
    title: str
    domain: str
    formula: str
    bands: tuple[str, ...]
    constants: tuple[tuple[str, float], ...]
    reference: str
    needs_reflectance: bool


def _folder() -> Path:
    found = importlib.util.find_spec(PACKAGE)  # the package itself imports requests and takes half a second
    places = [] if found is None else [Path(place) / "data" for place in found.submodule_search_locations or []]
    if not places:
        raise BadRequest("The catalogue of spectral indices is not installed: pip install spyndex.")
    return places[0]


def _json(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((_folder() / name).read_text(encoding="utf-8"))
    return content


@lru_cache(maxsize=1)
def band_ranges() -> dict[str, tuple[float, float]]:
    """Band name → wavelengths in nm between which it may lie."""
    return {
        name: (float(band["min_wavelength"]), float(band["max_wavelength"]))
        for name, band in _json("bands.json").items()
    }


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Index]:
    """Every index that reflectance can give, by name. Raises BadRequest without the package."""
    ranges = band_ranges()
    defaults = {name: constant["default"] for name, constant in _json("constants.json").items()}
    found = {}
    for name, entry in _json("spectral-indices-dict.json")["SpectralIndices"].items():
        wanted = [str(band) for band in entry["bands"]]
        constants = [(c, float(defaults[c])) for c in wanted if c not in ranges and defaults.get(c) is not None]
        bands = tuple(c for c in wanted if c in ranges)
        if entry["application_domain"] in NOT_OURS or len(bands) + len(constants) != len(wanted) or not bands:
            continue
        index = Index(
            name, entry["long_name"], entry["application_domain"], entry["formula"], bands, tuple(constants),
            entry["reference"], needs_reflectance=False,
        )  # fmt: skip
        found[name] = Index(**{**index.__dict__, "needs_reflectance": _depends_on_scale(index)})
    return found


def _depends_on_scale(index: Index) -> bool:
    tried = np.linspace(0.11, 0.47, len(index.bands)) if len(index.bands) > 1 else np.array([0.2])
    one, other = (
        _evaluate(index, {band: np.array([v * by]) for band, v in zip(index.bands, tried, strict=True)})
        for by in (1.0, 1000.0)
    )
    return not np.allclose(one, other, rtol=1e-4, equal_nan=True)


def _evaluate(index: Index, values: dict[str, Any]) -> Any:
    """The catalogue's own text, evaluated as `spyndex.computeIndex` does, which parses the whole catalogue a call: too
    slow for tiles. No name is known to it but the bands and constants."""
    names = {**dict(index.constants), **values}
    with np.errstate(all="ignore"):
        return eval(_compiled(index.formula), {"__builtins__": {}}, names)


@lru_cache(maxsize=512)
def _compiled(formula: str) -> Any:
    return compile(formula, "<spectral index>", "eval")


def bands_of(index: Index, bands: Bands, good: BoolArray) -> list[int] | None:
    """Indices (from 0) of the sensor's bands for `index.bands`; None where one lies outside what the sensor has."""
    if bands.wavelength_nm is None:
        return None
    nm, chosen = bands.wavelength_nm.astype(np.float64), []
    for name in index.bands:
        low, high = band_ranges()[name]
        inside = np.flatnonzero(good & (nm >= low) & (nm <= high))
        if not inside.size:
            return None
        chosen.append(int(inside[np.argmin(np.abs(nm[inside] - (low + high) / 2))]))
    return chosen


def find(name: str) -> Index:
    """Raises BadRequest for a name that the catalogue has not."""
    index = catalogue().get(name)
    if index is None:
        raise BadRequest(f"There is no spectral index {name!r} for reflectance: choose one of the list, such as NDVI.")
    return index


def evaluate(index: Index, values: FloatArray) -> FloatArray:
    """(h, w) of bands (h, w, len(index.bands)) in the order of `index.bands`; NaN where there is no value."""
    given = {band: values[..., k].astype(np.float64) for k, band in enumerate(index.bands)}
    out = np.asarray(_evaluate(index, given), dtype=np.float64) + np.zeros(values.shape[:-1])
    return np.where(np.isfinite(out), out, np.nan).astype(np.float32)
