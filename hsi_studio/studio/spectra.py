"""`studio.spectra`: the spectrum of a pixel, and those of the classes."""

from __future__ import annotations

import threading

from hsi_studio.engine.spectra import ClassSpectrum, Spectrum, class_spectra, pixel_spectrum
from hsi_studio.studio import Subject
from hsi_studio.studio.workspace import Workspace


class Spectra(Subject):
    """One subject of `Studio`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._means: dict[str, tuple[int, list[ClassSpectrum]]] = {}  # project id → labels' revision, means

    def pixel(self, project_id: str, row: int, col: int) -> Spectrum:
        """Raises LabelProblem for a pixel outside the scene."""
        return pixel_spectrum(self._workspace.scene_of(project_id), row, col)

    def of_classes(self, project_id: str) -> list[ClassSpectrum]:
        """Mean ± std of each class that has labels; made once a revision."""
        labels = self._workspace.project(project_id).labels()
        with self._lock:
            revision, known = self._means.get(project_id, (-1, []))
        if revision != labels.revision:
            known = class_spectra(self._workspace.scene_of(project_id), labels)
            with self._lock:
                self._means[project_id] = (labels.revision, known)
        return known
