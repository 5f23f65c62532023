"""A scene as the materials' bank sees it: reflectance in some sixty windows, a row a node; the same of a material.

Windows are 16 nm wide to 1000 nm, 30 to 1340, then 40 and 50, outside the vapour bands (`features/measures.py`); a
window without a usable band of the sensor is left out. A material's spectrum goes through the sensor's own bands
(Gaussians of their widths) before it is averaged, so both sides see the same. Where values are radiance, what the air
takes (`AIR_NM`) is still in them, and windows there are left out as well. Nodes are pixels, in scenes of more than
`MOST_PIXELS` valid ones the superpixels of `graded_superpixels.py`.

Minerals differ in bands some 40 nm wide: where they are asked for, windows are 20 nm wide from 1460 nm and 12 from 1970
(`fine`), about a band of an imaging spectrometer each.

Notation: n nodes, W windows, L wavelengths of the bank.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hsi_studio.engine.query.pixel_facts import PixelFacts
from hsi_studio.features.cache import Arrays, FeatureCache, cache_key
from hsi_studio.features.measures import Axis, Calibration
from hsi_studio.features.spatial import IndexArray, pixel_nodes
from hsi_studio.features.spectral import strips
from hsi_studio.scene.physics.spectra import LONGEST_NM, SHORTEST_NM, band_response
from hsi_studio.text.materials.names import materials
from hsi_studio.text.materials.recipes import draw
from hsi_studio.types import FloatArray, Scene

VERSION = 1  # raise when the numbers this file makes change
DRAWS = 300  # spectra a material
MOST_PIXELS = 40_000
FEWEST_WINDOWS, REACH_NM = 4, 700.0  # with fewer, or none beyond red, materials are not told apart
EDGES = np.concatenate(
    [np.arange(400, 1000, 16), np.arange(1000, 1340, 30), np.arange(1460, 1790, 40), np.arange(1970, 2460, 50)]
).astype(float)
FINE_EDGES = np.concatenate([EDGES[EDGES < 1400], np.arange(1460, 1790, 20), np.arange(1970, 2460, 12)]).astype(float)
AIR_NM = (  # oxygen, water vapour and carbon dioxide take a tenth or more of the light: B.-C. Gao et al., 1993,
    # doi:10.1016/0034-4257(93)90014-O, figure 1 (read off, with the shoulders)
    (685.0, 695.0), (715.0, 735.0), (757.0, 772.0), (810.0, 840.0), (885.0, 995.0), (1085.0, 1175.0), (1255.0, 1285.0),
    (1300.0, 1520.0), (1735.0, 2085.0), (2340.0, 2500.0),
)  # fmt: skip
LAST = {984.0: 1000.0, 1330.0: 1345.0, 1780.0: 1800.0}  # where the next edge is not this window's end


@dataclass(frozen=True)
class Windows:
    """Windows of a sensor: `bands` indices of each, `centre_nm` (W,), `response` (W, L) on the bank's wavelengths."""

    bands: tuple[npt.NDArray[np.int64], ...]
    centre_nm: FloatArray
    response: npt.NDArray[np.float64]

    @property
    def tells(self) -> bool:
        """Whether the sensor sees enough for materials to be told apart."""
        return len(self.bands) >= FEWEST_WINDOWS and float(self.centre_nm.max(initial=0.0)) > REACH_NM

    def sees(self, low: float, high: float) -> bool:
        """Whether some windows lie between two wavelengths, from near one to near the other."""
        inside = self.centre_nm[(self.centre_nm >= low) & (self.centre_nm <= high)]
        third = (high - low) / 3.0
        return inside.size >= 2 and float(inside.min()) <= low + third and float(inside.max()) >= high - third


@dataclass(frozen=True)
class SpectralView:
    """(H, W) node of every pixel, −1 where invalid; (n, W) reflectance of the nodes."""

    scene: Scene
    windows: Windows
    calibration: Calibration
    index: IndexArray
    reflectance: FloatArray


def windows_of(axis: Axis, fwhm_nm: FloatArray | None, through_air: bool = False, fine: bool = False) -> Windows:
    """The windows in which a sensor has usable bands between 400 and 2460 nm. `through_air`: the values still hold what
    the air took; `fine`: narrow windows in the short-wave infrared."""
    centres = axis.wavelength_nm.astype(np.float64)
    seen = axis.usable & (centres >= SHORTEST_NM) & (centres <= LONGEST_NM)
    for low, high in AIR_NM if through_air else ():
        seen &= ~((centres >= low) & (centres <= high))
    parts: list[npt.NDArray[np.int64]] = []
    for low, high in itertools.pairwise((FINE_EDGES if fine else EDGES).tolist()):
        high = LAST.get(low, high)
        inside = np.flatnonzero(seen & (centres >= low) & (centres < min(high, low + 50)))
        if inside.size:
            parts.append(inside.astype(np.int64))
    if not parts:
        return Windows((), np.zeros(0, np.float32), np.zeros((0, 0)))
    width = fwhm_nm if fwhm_nm is not None else _spacing(centres)
    width = np.where(np.isfinite(width) & (width > 0), width, 10.0).astype(np.float64)
    response = np.stack([band_response(centres[p], width[p]).mean(axis=0) for p in parts])
    middle = np.array([centres[p].mean() for p in parts], dtype=np.float32)
    return Windows(tuple(parts), middle, response)


def _spacing(centres: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    order = np.argsort(centres)
    gaps = np.diff(centres[order], append=centres[order][-1:] + 10.0) if centres.size else centres
    out = np.empty_like(centres)
    out[order] = np.clip(gaps, 2.0, 40.0)
    return out


def spectral_view(pixel_facts: PixelFacts, superpixels: IndexArray, fine: bool = False) -> SpectralView | None:
    """A scene's view; None where its bands cannot tell materials. `superpixels` (H, W) are its nodes when it
    is large; `fine` as in `windows_of`."""
    scene = pixel_facts.scene
    calibration = pixel_facts.calibration
    radiance = calibration.colours and not calibration.absolute
    windows = windows_of(pixel_facts.axis, scene.bands.fwhm_nm, through_air=radiance, fine=fine)
    if not windows.tells:
        return None
    index = pixel_nodes(scene.valid)
    if int(scene.valid.sum()) > MOST_PIXELS:
        index = superpixels
    count = int(index.max()) + 1
    total = np.zeros((count, len(windows.bands)))
    pixels = np.bincount(index[index >= 0], minlength=count)
    height, width, b = scene.shape
    for rows in strips(height, width * b):
        inside = index[rows] >= 0
        if not inside.any():
            continue
        values = (scene.read(rows, slice(0, width))[inside] - calibration.haze) * calibration.factor
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        nodes = index[rows][inside]
        for w, bands in enumerate(windows.bands):
            total[:, w] += np.bincount(nodes, weights=values[:, bands].mean(axis=1), minlength=count)
    mean = (total / np.maximum(pixels, 1)[:, None]).astype(np.float32)
    return SpectralView(scene, windows, calibration, index, mean)


class SensorBank(Mapping[str, FloatArray]):
    """Material → (DRAWS, W) reflectance as a sensor sees it. Made when it is asked for, so that a list of six names
    does not wait for all materials; cached by the sensor, whatever the scene. Thread-safe."""

    def __init__(self, cache: FeatureCache, folder: Path | None, windows: Windows) -> None:
        self._cache, self._folder, self._response = cache, folder, windows.response.T
        self.made: dict[str, FloatArray] = {}  # of this scene so far
        total = float(np.square(windows.response).sum())
        self._sensor = {"bands": [np.round(windows.centre_nm, 1).tolist(), DRAWS, round(total, 6)]}

    def __getitem__(self, name: str) -> FloatArray:
        found = self.made.get(name)
        if found is None:
            if name not in materials():
                raise KeyError(name)
            key = cache_key("any scene", "material", VERSION, {"name": name, **self._sensor})
            found = self.made[name] = self._cache.get(key, lambda: self._made(name), self._folder)["reflectance"]
        return found

    def _made(self, name: str) -> Arrays:
        return {"reflectance": (draw(name, DRAWS) @ self._response).astype(np.float32)}

    def __iter__(self) -> Iterator[str]:
        return iter(materials())

    def __len__(self) -> int:
        return len(materials())


def bank_of(pixel_facts: PixelFacts, windows: Windows) -> SensorBank:
    """The materials as this scene's sensor sees them."""
    return SensorBank(pixel_facts.cache, pixel_facts.folder, windows)
