"""The nouns every layer shares: Scene, Bands, ClassSchema, LabelSet, PromptSet, Prediction, Progress.

Unusual here:
- A `Scene` is immutable and lazy. It holds a `Cube` (something that reads windows), not an array;
  `scene.read(rows, cols, bands)` is the only way to pixels. NaN marks "no data".
- Whether pixels and bands are usable is found by one pass over the cube (`Survey`), made on first
  need and kept. `valid` and `good_bands` come from it.
- Class ids are stable (uuid4 hex), never positions. Position k in `ClassSchema.classes` is class
  index k in arrays; 0 in a map image means "no class", index k is stored as k + 1.

Axis letters: H W pixels, B bands, L lidar layers, K classes, N samples.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.integer[Any]]
BoolArray = npt.NDArray[np.bool_]


class Cube(Protocol):
    """Windows of a hyperspectral cube, read on demand. Implementations: `scene/cube.py`."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, B)."""
        ...

    def read(self, rows: slice, cols: slice, bands: Sequence[int] | None = None) -> FloatArray:
        """(h, w, b) float32 in physical units (scale applied); NaN where there is no data."""
        ...


@dataclass(frozen=True)
class Bands:
    """Spectral axis. `wavelength_nm` is None when the file does not say; then bands have numbers only."""

    count: int
    wavelength_nm: FloatArray | None = None  # (B,) need not be sorted: AVIRIS' spectrometers overlap
    fwhm_nm: FloatArray | None = None  # (B,)
    usable: BoolArray | None = None  # (B,) the header's bad-band list; None = all

    def __post_init__(self) -> None:
        for name in ("wavelength_nm", "fwhm_nm", "usable"):
            value = getattr(self, name)
            if value is not None and value.shape != (self.count,):
                raise ValueError(f"{name} has shape {value.shape} for {self.count} bands")

    @property
    def labels(self) -> list[str]:
        """One label a band: "556 nm", or "band 12" (1-based) without wavelengths."""
        if self.wavelength_nm is None:
            return [f"band {i + 1}" for i in range(self.count)]
        return [f"{w:.0f} nm" for w in self.wavelength_nm]

    def nearest(self, wavelength_nm: float, within_nm: float = np.inf, among: BoolArray | None = None) -> int | None:
        """Index of the band nearest to a wavelength; None when none lies within `within_nm`."""
        if self.wavelength_nm is None:
            return None
        distance = np.abs(self.wavelength_nm.astype(np.float64) - wavelength_nm)
        if among is not None:
            distance = np.where(among, distance, np.inf)
        index = int(np.argmin(distance))
        return index if np.isfinite(distance[index]) and distance[index] <= within_nm else None


@dataclass(frozen=True)
class Source:
    """One file a scene was made from. `sha256` is None for files made in memory."""

    role: str  # "cube", "dsm", "reference"
    path: str
    sha256: str | None = None


class Coverage(Protocol):
    """Which pixels can be used, of a scene too large to be read before it is shown (`scene.coverage`)."""

    def whole(self) -> BoolArray:
        """(H, W); reads what has not been looked at yet."""
        ...

    def window(self, rows: slice, cols: slice, step: int = 1) -> BoolArray:
        """(ceil(h/step), ceil(w/step)) of these pixels alone."""
        ...

    def go_on_behind(self) -> None:
        """Look at the rest in a thread; returns at once."""
        ...

    @property
    def known(self) -> float:
        """Share of the rows looked at, 0–1."""
        ...

    def notes(self) -> tuple[str, ...]:
        """For the user; those of the whole when it is known."""
        ...


@dataclass(frozen=True)
class Survey:
    """What one pass over the cube finds. All (B,) statistics are over valid pixels; of a large scene, of a sample."""

    coverage: BoolArray | Coverage  # finite in every good band, and not zero in all of them
    good_bands: BoolArray  # (B,) in the header's list, finite somewhere, not constant
    band_min: FloatArray  # (B,)
    band_max: FloatArray
    band_mean: FloatArray
    band_std: FloatArray
    notes: tuple[str, ...] = ()  # sentences for the user: "3 bands are constant and are left out: 1, 2, 9."

    @property
    def valid(self) -> BoolArray:
        """(H, W) pixels that can be mapped. Of a large scene it may take a whole pass over the cube."""
        return self.coverage if isinstance(self.coverage, np.ndarray) else self.coverage.whole()

    @property
    def known(self) -> float:
        """Share of the rows of which `valid` is known, 0–1."""
        return 1.0 if isinstance(self.coverage, np.ndarray) else self.coverage.known

    def all_notes(self) -> tuple[str, ...]:
        """With what is known by now about the pixels of a large scene."""
        return self.notes if isinstance(self.coverage, np.ndarray) else (*self.notes, *self.coverage.notes())

    def go_on_behind(self) -> None:
        """Finish a large scene's pass in a thread; returns at once."""
        if not isinstance(self.coverage, np.ndarray):
            self.coverage.go_on_behind()


@dataclass(frozen=True)
class Scene:
    """A hyperspectral scene, with what lies on it. Immutable; arrays are read-only.

    Coordinates are (row, column), 0-based, pixel centres at integers; `transform` maps (column, row)
    pixel *corners* to map coordinates as in rasterio: (a, b, c, d, e, f), x = a·col + b·row + c.
    """

    id: str  # first 16 hex digits of a hash of content and opening options: caches and projects use it
    name: str  # short, for file names and the CLI: "indian_pines"
    title: str  # for people: "Indian Pines, AVIRIS, 12 June 1992"
    cube: Cube
    bands: Bands
    survey_fn: Callable[[Scene], Survey]
    dsm: FloatArray | None = None  # (H, W, L) height_m first; NaN = no data
    reference: IntArray | None = None  # (H, W) int32; 0 = not labelled, else a value of reference_names
    reference_names: dict[int, str] = field(default_factory=dict)  # value → class name, in value order
    transform: tuple[float, float, float, float, float, float] | None = None
    crs: str | None = None  # WKT
    gsd_m: float | None = None
    sources: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()  # what the reader assumed, for the user
    citation: str = ""
    licence: str = ""
    value_unit: str = ""  # of the cube: "reflectance", "µW/(cm² nm sr)"; "" = the file does not say
    reference_colors: dict[int, str] = field(default_factory=dict)  # value → "#rrggbb" of the file's palette
    plan: dict[str, Any] = field(default_factory=dict)  # what the file was taken for: ReadingPlan.to_json()
    left_out: tuple[
        int, ...
    ] = ()  # bands that the user leaves out, from 0; `id` is then another than the whole scene's
    base_id: str = ""  # that of the whole scene; "" = this is it
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def __post_init__(self) -> None:
        height, width, count = self.cube.shape
        if self.bands.count != count:
            raise ValueError(f"{self.bands.count} bands described, {count} in the cube")
        for name in ("dsm", "reference"):
            value = getattr(self, name)
            if value is not None:
                if value.shape[:2] != (height, width):
                    raise ValueError(f"{name} is {value.shape[:2]}, the cube is {(height, width)}")
                value.flags.writeable = False

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.cube.shape

    def read(self, rows: slice, cols: slice, bands: Sequence[int] | None = None) -> FloatArray:
        """A window (h, w, b), float32."""
        return self.cube.read(rows, cols, bands)

    def spectrum(self, row: int, col: int) -> FloatArray:
        """(B,) one pixel's values in all bands."""
        values: FloatArray = self.cube.read(slice(row, row + 1), slice(col, col + 1))[0, 0]
        return values

    @cached_property
    def _survey(self) -> Survey:
        return self.survey_fn(self)

    @property
    def survey(self) -> Survey:
        """One pass over the cube, made once. Raises BadValues when nothing in it is usable."""
        with self._lock:
            return self._survey

    @property
    def valid(self) -> BoolArray:
        """(H, W) pixels that can be mapped. A large scene is read as a whole for it: see `valid_in`."""
        return self.survey.valid

    def valid_in(self, rows: slice, cols: slice, step: int = 1) -> BoolArray:
        """`valid[rows, cols][::step, ::step]`, for which a large scene is read there only."""
        coverage = self.survey.coverage
        if isinstance(coverage, np.ndarray):
            return coverage[rows, cols][::step, ::step]
        return coverage.window(rows, cols, step)

    def usable(self, mask: BoolArray) -> BoolArray:
        """`mask & valid` (H, W), for which a large scene is read only around the mask."""
        rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        out = np.zeros_like(mask)
        if rows.size:
            box = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)
            out[box] = mask[box] & self.valid_in(*box)
        return out

    @property
    def good_bands(self) -> BoolArray:
        """(B,) bands that carry information."""
        return self.survey.good_bands

    def without_reference(self) -> Scene:
        """The same scene for a method's eyes: no reference in it, so none can leak into a map."""
        return replace(
            self, reference=None, reference_names={}, survey_fn=lambda _: self.survey, _lock=threading.Lock()
        )

    @property
    def reference_classes(self) -> list[tuple[int, str]]:
        """(value, name) of the reference's classes in label order; [] without a reference."""
        return sorted(self.reference_names.items())

    def map_xy(self, row: float, col: float) -> tuple[float, float] | None:
        """Map coordinates of a pixel's centre, or None without a transform."""
        if self.transform is None:
            return None
        a, b, c, d, e, f = self.transform
        return a * (col + 0.5) + b * (row + 0.5) + c, d * (col + 0.5) + e * (row + 0.5) + f


@dataclass(frozen=True)
class ClassInfo:
    """One class of a project. `reference_value` ties it to the scene's reference map, if any."""

    id: str
    name: str
    color: str  # "#rrggbb"
    reference_value: int | None = None

    @staticmethod
    def new(name: str, color: str, reference_value: int | None = None) -> ClassInfo:
        return ClassInfo(uuid.uuid4().hex, name, color, reference_value)

    def to_json(self) -> dict[str, Any]:
        """As journals, run records and model files hold a class."""
        return {"id": self.id, "name": self.name, "color": self.color, "reference_value": self.reference_value}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> ClassInfo:
        """`to_json` read back; other keys are left out. Raises KeyError, TypeError, ValueError."""
        reference = value.get("reference_value")
        return ClassInfo(
            str(value["id"]), str(value["name"]), str(value["color"]), None if reference is None else int(reference)
        )


@dataclass(frozen=True)
class ClassSchema:
    """Classes in display order. Key 1–9 on the keyboard is the position + 1."""

    classes: tuple[ClassInfo, ...] = ()

    def __len__(self) -> int:
        return len(self.classes)

    def index(self, class_id: str) -> int:
        for k, info in enumerate(self.classes):
            if info.id == class_id:
                return k
        raise KeyError(class_id)

    def get(self, class_id: str) -> ClassInfo | None:
        return next((info for info in self.classes if info.id == class_id), None)

    @property
    def names(self) -> list[str]:
        return [info.name for info in self.classes]

    @property
    def colors(self) -> list[str]:
        return [info.color for info in self.classes]

    def to_json(self) -> list[dict[str, Any]]:
        """One object a class, in display order."""
        return [info.to_json() for info in self.classes]

    @staticmethod
    def from_json(values: Iterable[Mapping[str, Any]]) -> ClassSchema:
        """`to_json` read back. Raises KeyError, TypeError, ValueError."""
        return ClassSchema(tuple(ClassInfo.from_json(value) for value in values))


@dataclass(frozen=True)
class LabelSet:
    """The support set: N labelled pixels of a scene. `label[n]` indexes `schema.classes`."""

    schema: ClassSchema
    row: IntArray  # (N,) int64
    col: IntArray  # (N,) int64
    label: IntArray  # (N,) int64, 0 … K−1
    revision: int = 0  # journal sequence number of the last event; 0 for sets not from a project

    def __len__(self) -> int:
        return int(self.row.size)

    @property
    def counts(self) -> IntArray:
        """(K,) labelled pixels a class."""
        return np.bincount(self.label, minlength=len(self.schema))

    def only_labelled(self) -> LabelSet:
        """The same pixels with a schema that has only the classes that occur (order kept)."""
        present = np.flatnonzero(self.counts > 0)
        position = np.full(len(self.schema), -1, dtype=np.int64)
        position[present] = np.arange(present.size)
        schema = ClassSchema(tuple(self.schema.classes[k] for k in present))
        return LabelSet(schema, self.row, self.col, position[self.label], self.revision)


@dataclass(frozen=True)
class PromptSet:
    """Class id → one or more sentences. Classes without an entry fall back to their name."""

    sentences: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, info: ClassInfo) -> tuple[str, ...]:
        return self.sentences.get(info.id) or (info.name,)


@dataclass(frozen=True)
class Prediction:
    """A class map of a whole scene.

    `label`: 0 = no class (invalid pixel), else class index + 1 in `schema`.
    `confidence`: probability of the chosen class, NaN where invalid.
    """

    schema: ClassSchema
    label: npt.NDArray[np.uint16]  # (H, W)
    confidence: FloatArray  # (H, W)
    method: str
    params: dict[str, Any]
    revision: int  # of the labels it was made from

    @property
    def nbytes(self) -> int:
        return self.label.nbytes + self.confidence.nbytes


@dataclass(frozen=True)
class Progress:
    """How far long work is. `total` 0 = unknown; `seconds_left` None = not known yet."""

    message: str
    done: float = 0.0
    total: float = 0.0
    seconds_left: float | None = None

    @property
    def fraction(self) -> float | None:
        return min(self.done / self.total, 1.0) if self.total > 0 else None
