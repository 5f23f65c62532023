"""`studio.spectra`: spectra of pixels, regions and classes, in three forms; the library's nearest; as CSV.

>>> studio.spectra.pixel(project.id, 40, 20)
>>> studio.spectra.matches(project.id, 40, 20)
"""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hsi_studio.engine.spectra import (
    ClassSpectrum,
    Matches,
    RegionSpectrum,
    Spectrum,
    best_matches,
    class_spectra,
    in_form,
    pixel_spectrum,
    region_spectrum,
)
from hsi_studio.errors import BadRequest
from hsi_studio.scene.library import SpectralLibrary, earth_library, read_library, resampled
from hsi_studio.studio import Subject
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import FloatArray, LabelSet

MOST_PINS = 12
MOST_MATCHES = 50


class _Seen:
    """The library as the bands of a few scenes see it."""

    def __init__(self) -> None:
        self.of: dict[str, FloatArray] = {}
        self.lock = threading.Lock()


class Spectra(Subject):
    """One subject of `Studio`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._means: dict[str, tuple[int, list[ClassSpectrum]]] = {}  # project id → labels' revision, means

    def pixel(self, project_id: str, row: int, col: int) -> Spectrum:
        """Raises LabelProblem for a pixel outside the scene."""
        return pixel_spectrum(self._workspace.scene_of(project_id), row, col)

    def region(self, project_id: str, corners: Sequence[tuple[float, float]]) -> RegionSpectrum:
        """Mean ± std of the pixels inside an outline of (row, column), (0, 0) the scene's corner. Raises BadRequest."""
        return region_spectrum(self._workspace.scene_of(project_id), corners)

    def in_form(self, project_id: str, form: str, values: FloatArray) -> FloatArray:
        """(B,) "values", "continuum" (removed) or "derivative" (a nm, else a band). Raises BadRequest."""
        bands = self._workspace.scene_of(project_id).bands
        axis = np.arange(1, bands.count + 1, dtype=np.float32) if bands.wavelength_nm is None else bands.wavelength_nm
        return in_form(form, axis, values)

    def matches(self, project_id: str, row: int, col: int, count: int = 5, library: Path | None = None) -> Matches:
        """The spectra of a library (a file; without, the Earth library) most like a pixel's, by spectral angle.

        Raises BadRequest, LabelProblem for a pixel outside, FileProblem for a file that is no library, BadValues for a
        scene without wavelengths.
        """
        if not 1 <= count <= MOST_MATCHES:
            raise BadRequest(f"{count} matches: ask for 1 to {MOST_MATCHES}.")
        scene = self._workspace.scene_of(project_id)
        values = pixel_spectrum(scene, row, col).values
        shelf = earth_library() if library is None else read_library(library)
        return best_matches(scene, values, shelf, self._as_seen(scene.id, project_id, shelf, library is None), count)

    def _as_seen(self, scene_id: str, project_id: str, shelf: SpectralLibrary, keep: bool) -> FloatArray:
        kept = self._workspace.shared(_Seen)
        with kept.lock:
            if keep and scene_id in kept.of:
                return kept.of[scene_id]
            values, _ = resampled(shelf, self._workspace.scene_of(project_id).bands)
            if keep:
                kept.of[scene_id] = values
                while len(kept.of) > 4:  # 8 MB each
                    kept.of.pop(next(iter(kept.of)))
            return values

    def as_csv(self, project_id: str, pixels: Sequence[tuple[int, int]], form: str = "values") -> str:
        """A row a band: number, wavelength, whether it is used, then one column a pixel; empty where there is no value.

        Raises BadRequest for none or more than `MOST_PINS` pixels, LabelProblem for one outside the scene.
        """
        if not 1 <= len(pixels) <= MOST_PINS:
            raise BadRequest(f"{len(pixels)} pixels: give 1 to {MOST_PINS}.")
        scene = self._workspace.scene_of(project_id)
        lines = [self.in_form(project_id, form, self.pixel(project_id, r, c).values) for r, c in pixels]
        out = io.StringIO()
        table = csv.writer(out, lineterminator="\n")
        table.writerow(["band", "wavelength_nm", "used", *(f"row {r} column {c}" for r, c in pixels)])
        nm = scene.bands.wavelength_nm
        for band in range(scene.bands.count):
            place = "" if nm is None else f"{float(nm[band]):.6g}"
            cells = [f"{float(line[band]):.6g}" if np.isfinite(line[band]) else "" for line in lines]
            table.writerow([band + 1, place, int(scene.good_bands[band]), *cells])
        return out.getvalue()

    def of_classes(self, project_id: str, labels: LabelSet | None = None) -> list[ClassSpectrum]:
        """Mean ± std of each class that has labels, of the project's or others; the project's made once a revision."""
        if labels is not None:
            return class_spectra(self._workspace.scene_of(project_id), labels)
        labels = self._workspace.project(project_id).labels()
        with self._lock:
            revision, known = self._means.get(project_id, (-1, []))
        if revision != labels.revision:
            known = class_spectra(self._workspace.scene_of(project_id), labels)
            with self._lock:
                self._means[project_id] = (labels.revision, known)
        return known
