"""Pictures of a scene: bands, principal components, and what `looks.py` knows → uint8 RGBA, window by window.

Unusual here:
- Bands are chosen by wavelength among the good bands only; a composite whose wavelengths the sensor
  does not reach is listed with the reason instead of being shown from the wrong bands. Files without
  wavelengths get band numbers (1-based), and the title says so. Three bands without wavelengths are an RGB file.
- What is measured in a unit (`looks.is_measure`) is coloured (viridis), so that a bar can say what a colour means.
- Everything works on windows with a stride (`step`), so an overview of a 10000 × 10000 scene reads one
  pixel in `step`², and limits come from a fixed grid of at most `SAMPLE` pixels: the same scene gives the
  same picture whichever tile is asked for first.
- Alpha is 0 where a pixel cannot be shown (not valid, or NaN in a band used); the viewer hatches it.

Sources: centre wavelengths of the presets follow the usual colour-infrared and SWIR composites of Landsat
(USGS, "Common Landsat band combinations"). Hillshade: Horn, 1981, doi:10.1109/PROC.1981.11918, with plain
central differences in place of his 3 × 3 weights (a window then needs a halo of one pixel only).
Axis letters: h w window pixels, C = 3 channels, B bands.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.errors import BadRequest
from hsi_studio.features import looks, mnf
from hsi_studio.features.indices import evaluate, find
from hsi_studio.features.stretch import Stretch, Tone, check_percentiles, measure
from hsi_studio.humanize import counted
from hsi_studio.types import FloatArray, Scene

ByteArray = npt.NDArray[np.uint8]
Window = tuple[slice, slice, int]  # rows, cols, step

SAMPLE = 160_000  # pixels that percentile limits are computed on
PCA_SAMPLE = 16_000  # pixels that principal components are fitted on
READ_VALUES = 16_000_000  # most values one read may return (64 MB), for cubes that cannot stride
PRESETS: dict[str, tuple[str, tuple[float, float, float]]] = {
    "true": ("True colour", (640.0, 550.0, 460.0)),
    "cir": ("Colour infrared", (860.0, 650.0, 550.0)),
    "swir": ("Short-wave infrared", (2200.0, 1650.0, 860.0)),
}
SUN_AZIMUTH_DEG, SUN_ALTITUDE_DEG = 315.0, 45.0


@dataclass(frozen=True)
class Composite:
    """One way to show a scene. `why_not` is a sentence for the user when `available` is False."""

    id: str
    title: str
    available: bool = True
    why_not: str = ""
    detail: str = ""  # what is shown: "R 638 nm, G 549 nm, B 462 nm"

    def as_dict(self) -> dict[str, Any]:
        return {"id": self.id, "title": self.title, "available": self.available, "why": self.why_not or self.detail}


def tolerance_nm(wavelength_nm: float) -> float:
    """How far the nearest band may lie: 20 nm in the visible, 5 % above 800 nm (broad features, wide bands)."""
    return max(20.0, 0.05 * wavelength_nm) if wavelength_nm > 800 else 20.0


def composites(scene: Scene) -> list[Composite]:
    """Every composite of a scene in menu order, the ones that cannot be shown with the reason."""
    out = [_preset(scene, name) for name in PRESETS]
    n_good = int(scene.good_bands.sum())
    out.append(
        Composite("pca", "Principal components", detail="The first three, fitted on good bands")
        if n_good >= 3
        else Composite("pca", "Principal components", False, f"Needs 3 usable bands, there are {n_good}.")
    )
    custom = default_custom(scene)
    what = "wavelengths" if scene.bands.wavelength_nm is not None else "band numbers (the file has no wavelengths)"
    if is_rgb(scene):
        out.insert(0, Composite(custom, "The file's colours", detail="Bands 1, 2, 3 as red, green and blue"))
    else:
        out.append(Composite(custom, f"Three {what}", detail=_describe(scene, band_indices(scene, custom))))
    single = "grey:" + custom.split(":")[1].split(",")[1]
    out.append(Composite(single, "Single band", detail=_describe(scene, band_indices(scene, single))))
    if scene.bands.wavelength_nm is not None:
        names = [one["name"] for one in looks.index_list(scene)]
        first = "NDVI" if "NDVI" in names else names[0] if names else "NDVI"
        none = "" if names else "No spectral index of the catalogue can be made of this sensor's bands."
        out.append(
            Composite(f"index:{first}", "Spectral index", bool(names), none, "By name, from the catalogue spyndex")
        )
    few = f"Needs {mnf.FEWEST} usable bands, there are {n_good}."
    out.append(Composite("mnf:1,2,3", "MNF components", n_good >= mnf.FEWEST, "" if n_good >= mnf.FEWEST else few,
                         "Ordered by signal over noise, fitted on good bands"))  # fmt: skip
    if scene.dsm is not None:
        for name, (title, in_unit) in looks.TERRAIN.items():
            problem = looks.why_not(scene, name)
            said = f"In {in_unit}" if in_unit else "Heights lit from the north-west"
            out.append(Composite(name, title, not problem, problem, said))
    return out


def default_composite(scene: Scene) -> str:
    """The composite a scene opens with: its own colours, true colour, colour infrared, else three spread bands; never
    principal components, whose colours mean nothing that can be said."""
    return next(c.id for c in composites(scene) if c.available and c.id != "pca")


def is_rgb(scene: Scene) -> bool:
    """Three bands and no wavelengths: a photograph, its bands red, green and blue."""
    return scene.bands.count == 3 and scene.bands.wavelength_nm is None and bool(scene.good_bands.all())


def default_custom(scene: Scene) -> str:
    """A `custom:` id that works for this scene: 650, 550, 450 nm where reached, else bands spread evenly."""
    if is_rgb(scene):
        return "custom:1,2,3"
    wanted = (650.0, 550.0, 450.0)
    bands, good = scene.bands, np.flatnonzero(scene.good_bands)
    if all(bands.nearest(w, tolerance_nm(w), scene.good_bands) is not None for w in wanted):
        return "custom:650,550,450"
    spread = good[np.linspace(good.size - 1, 0, 3).round().astype(int)] if good.size else np.zeros(3, int)
    if bands.wavelength_nm is None:
        return "custom:" + ",".join(str(int(b) + 1) for b in spread)
    return "custom:" + ",".join(f"{bands.wavelength_nm[b]:.0f}" for b in spread)


def band_indices(scene: Scene, composite: str) -> list[int]:
    """Indices (0-based) of the one or three bands behind a preset, `custom:a,b,c` or `grey:a`.

    Raises BadRequest for an unknown id, a wavelength no good band is near to, or a band number out of range.
    """
    kind, _, text = composite.partition(":")
    if kind in PRESETS and not text:
        wanted = list(PRESETS[kind][1])
        if scene.bands.wavelength_nm is None:
            raise BadRequest("The file has no wavelengths: choose three band numbers instead.")
    elif kind in ("custom", "grey"):
        wanted = _numbers(composite, text, 3 if kind == "custom" else 1)
    else:
        raise BadRequest(
            f"There is no composite {composite!r}. Choose one of: {', '.join(PRESETS)}, pca, custom:a,b,c."
        )
    return [_band(scene, value) for value in wanted]


def _numbers(composite: str, text: str, count: int) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count or not all(math.isfinite(v) and 0 < v < 1e6 for v in values):
        raise BadRequest(f"{composite!r} needs {counted(count, 'positive number')} separated by commas.")
    return values


def _band(scene: Scene, value: float) -> int:
    if scene.bands.wavelength_nm is None:
        index = int(value) - 1
        if value != int(value) or not 0 <= index < scene.bands.count:
            raise BadRequest(f"There is no band {value:g}: choose 1 to {scene.bands.count}.")
        return index
    found = scene.bands.nearest(value, tolerance_nm(value), scene.good_bands)
    if found is None:
        low, high = float(np.nanmin(scene.bands.wavelength_nm)), float(np.nanmax(scene.bands.wavelength_nm))
        raise BadRequest(
            f"No usable band lies within {tolerance_nm(value):.0f} nm of {value:g} nm: "
            f"the sensor covers {low:.0f} to {high:.0f} nm. Choose another wavelength."
        )
    return found


def _preset(scene: Scene, name: str) -> Composite:
    title = PRESETS[name][0]
    try:
        return Composite(name, title, detail=_describe(scene, band_indices(scene, name)))
    except BadRequest as error:
        return Composite(name, title, False, str(error))


def _describe(scene: Scene, indices: list[int]) -> str:
    names = [scene.bands.labels[i] for i in indices]
    return names[0] if len(names) == 1 else ", ".join(f"{c} {n}" for c, n in zip("RGB", names, strict=True))


def read_strided(scene: Scene, rows: slice, cols: slice, step: int, bands: list[int] | None) -> FloatArray:
    """(ceil(h/step), ceil(w/step), b): every `step`-th pixel, from cubes that stride and from those that cannot.

    Reads whole rows in bounded pieces, so that no reader has to understand a stride.
    """
    if step == 1:
        return scene.read(rows, cols, bands)
    count = scene.bands.count if bands is None else len(bands)
    wide = cols.stop - cols.start
    per_read = max(1, READ_VALUES // (wide * count * step)) * step  # rows, a multiple of step
    if step * wide * count > READ_VALUES or step >= 8:  # one row at a time beats reading rows to drop them
        lines = [scene.read(slice(r, r + 1), cols, bands)[:, ::step] for r in range(rows.start, rows.stop, step)]
        return np.concatenate(lines, axis=0)
    pieces = []
    for start in range(rows.start, rows.stop, per_read):
        block = scene.read(slice(start, min(start + per_read, rows.stop)), cols, bands)
        pieces.append(block[::step, ::step])
    return np.concatenate(pieces, axis=0)


@dataclass(frozen=True)
class _Projection:
    """First three principal components: (x − mean) @ axes, axes (B', 3)."""

    bands: list[int]
    mean: FloatArray
    axes: FloatArray


class Compositor:
    """Renders windows; keeps limits and projections of the last `keep` (scene, composite) pairs. Thread-safe."""

    def __init__(self, keep: int = 64) -> None:
        self._keep = keep
        self._cache: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._lock = threading.Lock()
        self._making: dict[tuple[Any, ...], threading.Lock] = {}

    def _cached(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """The value of `key`, made once even when many tiles ask for it at the same time."""
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
            gate = self._making.setdefault(key, threading.Lock())
        with gate:
            with self._lock:
                if key in self._cache:
                    return self._cache[key]
            value = make()
            with self._lock:
                self._cache[key] = value
                while len(self._cache) > self._keep:
                    self._cache.popitem(last=False)
                self._making.pop(key, None)
            return value

    def _projection(self, scene: Scene) -> _Projection:
        def fit() -> _Projection:
            bands = [int(b) for b in np.flatnonzero(scene.good_bands)]
            if len(bands) < 3:
                raise BadRequest(f"Principal components need 3 usable bands, there are {len(bands)}.")
            h, w, _ = scene.shape
            window = (slice(0, h), slice(0, w), _sample_step(scene, PCA_SAMPLE))
            x = read_strided(scene, *window, bands)[scene.valid_in(*window)].astype(np.float64)  # (N, B')
            x = x[np.isfinite(x).all(axis=1)]
            if x.shape[0] < 2:
                raise BadRequest("Principal components need valid pixels: this scene has too few.")
            mean = x.mean(axis=0)
            _, vectors = np.linalg.eigh(np.cov(x - mean, rowvar=False))
            axes = vectors[:, ::-1][:, :3]  # largest variance first
            axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(3)])  # a fixed sign
            return _Projection(bands, mean.astype(np.float32), axes.astype(np.float32))

        found: _Projection = self._cached((scene.id, "pca-axes"), fit)
        return found

    def _components(self, scene: Scene) -> mnf.Components:
        found: mnf.Components = self._cached((scene.id, "mnf-axes"), lambda: mnf.fit(scene))
        return found

    def _terrain(self, scene: Scene, composite: str) -> FloatArray:
        found: FloatArray = self._cached(
            (scene.id, composite, "whole", scene.gsd_m), lambda: looks.terrain(scene, composite)
        )
        return found

    def _channels(self, scene: Scene, composite: str, window: Window) -> FloatArray:
        """(h, w, 1 or 3) values before the stretch; NaN = nothing to show."""
        rows, cols, step = window
        if composite == "pca":
            projection = self._projection(scene)
            x = read_strided(scene, rows, cols, step, projection.bands)
            return np.asarray((x - projection.mean) @ projection.axes, dtype=np.float32)
        kind, _, rest = composite.partition(":")
        if kind == "mnf":
            found = self._components(scene)
            x = read_strided(scene, rows, cols, step, found.bands)
            axes = found.axes[:, looks.mnf_numbers(composite, len(found.bands))]
            return np.asarray((x - found.mean) @ axes, dtype=np.float32)
        if kind == "index":
            bands = looks.index_bands(scene, rest)
            unique = sorted(set(bands))
            values = read_strided(scene, rows, cols, step, unique)[..., [unique.index(b) for b in bands]]
            return evaluate(find(rest), values)[..., None]
        if composite == "hillshade":
            if scene.dsm is None:
                raise BadRequest(looks.why_not(scene, composite))
            return _hillshade(scene, rows, cols)[::step, ::step, None]
        if composite in looks.TERRAIN:
            return self._terrain(scene, composite)[rows, cols][::step, ::step, None]
        bands = band_indices(scene, composite)
        unique = sorted(set(bands))
        return read_strided(scene, rows, cols, step, unique)[..., [unique.index(b) for b in bands]]

    def tone(self, scene: Scene, composite: str, stretch: Stretch) -> Tone:
        """The stretch as measured on a fixed grid of valid pixels. Raises BadRequest as `render`."""
        if stretch.kind == "percent":
            check_percentiles(stretch.lo, stretch.hi)

        def sample() -> FloatArray:
            few = composite == "pca" or composite.startswith("mnf:")
            h, w, _ = scene.shape
            window = (slice(0, h), slice(0, w), _sample_step(scene, PCA_SAMPLE if few else SAMPLE))
            values = self._channels(scene, composite, window)
            return values[self._shown(scene, composite, window, values)]  # (N, C)

        def made() -> Tone:
            values = sample()
            tone = measure(stretch, values[np.isfinite(values).all(axis=1)])
            bands = self._plain_bands(scene, composite)
            if stretch.kind != "percent" or not bands:
                return tone
            low = scene.survey.band_min[bands] if stretch.lo == 0 else tone.low  # the ends are known exactly, rare
            high = scene.survey.band_max[bands] if stretch.hi == 100 else tone.high  # pixels included
            return Tone(tone.gamma, low, np.where(high > low, high, low + 1).astype(np.float32))

        found: Tone = self._cached((scene.id, composite, str(stretch), scene.gsd_m), made)
        return found

    def _shown(self, scene: Scene, composite: str, window: Window, values: FloatArray) -> npt.NDArray[np.bool_]:
        """(h, w) pixels of a picture's channels (h, w, C) that are valid. To know that, all bands have to be read: for
        the overviews of a large scene those count that have a value, not zero in all of the bands shown."""
        fine = np.asarray(np.isfinite(values).all(axis=2))
        overview = window[2] > 1 and not isinstance(scene.survey.coverage, np.ndarray)
        if overview and self._plain_bands(scene, composite):
            return np.asarray(fine & (values != 0).any(axis=2))
        return np.asarray(fine & scene.valid_in(*window))

    @staticmethod
    def _plain_bands(scene: Scene, composite: str) -> list[int]:
        """The bands that the channels are; [] when they are made of something."""
        kind = composite.partition(":")[0]
        return band_indices(scene, composite) if kind in PRESETS or kind in ("custom", "grey") else []

    def limits(self, scene: Scene, composite: str, percentiles: tuple[float, float]) -> tuple[FloatArray, FloatArray]:
        """(low, high), one value per channel: percentiles over a fixed grid of valid pixels.

        Raises BadRequest for percentiles that are not 0 ≤ low < high ≤ 100, or an unknown composite.
        """
        tone = self.tone(scene, composite, Stretch("percent", *percentiles))
        return tone.low, tone.high

    def value(self, scene: Scene, composite: str, row: int, col: int) -> list[float]:
        """The channels of one pixel before the stretch; NaN where there is nothing. Raises BadRequest."""
        height, width, _ = scene.shape
        if not (0 <= row < height and 0 <= col < width):
            raise BadRequest(f"Row {row}, column {col} is outside the scene of {height} × {width} pixels.")
        at = (slice(row, row + 1), slice(col, col + 1), 1)
        return [float(v) for v in self._channels(scene, composite, at)[0, 0]]

    def render(
        self,
        scene: Scene,
        composite: str,
        rows: slice,
        cols: slice,
        stretch: Stretch | None = None,
        step: int = 1,
    ) -> ByteArray:
        """(ceil(h/step), ceil(w/step), 4) uint8 RGBA of a window inside the scene; alpha 0 = nothing to show.

        `stretch`: 2-98 % when not given. Raises BadRequest for an unknown composite or impossible percentiles.
        """
        tone = self.tone(scene, composite, stretch or Stretch())
        values = self._channels(scene, composite, (rows, cols, step))  # (h, w, C)
        shown = self._shown(scene, composite, (rows, cols, step), values)
        scaled = np.where(shown[..., None], tone(values), 0) * 255 + 0.5
        out = np.zeros((*shown.shape, 4), np.uint8)
        out[..., :3] = scaled.astype(np.uint8)
        if looks.is_measure(composite):
            out[..., :3] = np.where(shown[..., None], palette()[out[..., 0]], 0)
        out[..., 3] = np.where(shown, 255, 0)
        return out


@lru_cache(maxsize=1)
def palette() -> ByteArray:
    """(256, 3) viridis: ordered for every eye, and in grey."""
    from matplotlib import colormaps

    return np.asarray(np.rint(colormaps["viridis"](np.arange(256))[:, :3] * 255), dtype=np.uint8)


def _sample_step(scene: Scene, most: int) -> int:
    """Stride that keeps at most `most` pixels."""
    h, w, _ = scene.shape
    return max(1, math.ceil(math.sqrt(h * w / most)))


def _hillshade(scene: Scene, rows: slice, cols: slice) -> FloatArray:
    """(h, w) cosine of the angle between surface and sun, 0–1. Heights in metres, pixels `gsd_m` (1 m if unknown)."""
    assert scene.dsm is not None
    h, w, _ = scene.shape
    r0, r1, c0, c1 = max(rows.start - 1, 0), min(rows.stop + 1, h), max(cols.start - 1, 0), min(cols.stop + 1, w)
    height = scene.dsm[r0:r1, c0:c1, 0]
    gsd = scene.gsd_m or 1.0
    dy = np.gradient(height, gsd, axis=0) if height.shape[0] > 1 else np.zeros_like(height)
    dx = np.gradient(height, gsd, axis=1) if height.shape[1] > 1 else np.zeros_like(height)
    azimuth, altitude = math.radians(SUN_AZIMUTH_DEG), math.radians(SUN_ALTITUDE_DEG)
    east, north, up = math.sin(azimuth) * math.cos(altitude), math.cos(azimuth) * math.cos(altitude), math.sin(altitude)
    # surface normal (−∂z/∂east, −∂z/∂north, 1); rows run southwards, so ∂z/∂north = −dy
    light = (-dx * east + dy * north + up) / np.sqrt(dx**2 + dy**2 + 1)
    inner = light[rows.start - r0 : rows.stop - r0, cols.start - c0 : cols.stop - c0]
    return np.asarray(np.clip(inner, 0, 1), dtype=np.float32)
