"""`studio.bands`: bands that tell little are found, left out and brought back; every change is in the journal.

>>> studio.bands.found(project.id)
>>> studio.bands.leave_out(project.id, [0, 199])
>>> studio.bands.bring_back(project.id)

Nothing is left out by itself. With bands left out `scene_of` gives another scene (`scene/left_out.py`), on which maps
are made and models are trained; undo brings the bands back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from hsi_studio.errors import BadRequest
from hsi_studio.features.band_quality import BandFinding, find_bands
from hsi_studio.humanize import counted
from hsi_studio.scene.left_out import without_bands
from hsi_studio.studio import Subject
from hsi_studio.studio.workspace import Workspace


class _Found:
    """Findings by scene id: one read of a sample each."""

    def __init__(self) -> None:
        self.of: dict[str, list[BandFinding]] = {}


class SceneBands(Subject):
    """One subject of `Studio`. Bands count from 0. `changed(project_id)` is called after every edit."""

    def __init__(self, workspace: Workspace, changed: Callable[[str], None]) -> None:
        self._workspace, self._changed = workspace, changed
        self._found = workspace.shared(_Found)

    def found(self, project_id: str) -> list[BandFinding]:
        """Dead, saturated, striped and noisy bands of the whole scene, with what was measured; left out or not."""
        scene = self._workspace.whole_scene_of(project_id)
        if scene.id not in self._found.of:
            self._found.of[scene.id] = find_bands(scene)
        return self._found.of[scene.id]

    def left_out(self, project_id: str) -> tuple[int, ...]:
        """Bands that the project leaves out, beside those that its survey does."""
        return self._workspace.project(project_id).left_out

    def leave_out(self, project_id: str, bands: Iterable[int], actor: str = "") -> str:
        """Leave these bands out too. Returns what was done. Raises BadRequest: no such band, too few left."""
        return self._set(project_id, {*self.left_out(project_id), *bands}, actor)

    def bring_back(self, project_id: str, bands: Iterable[int] | None = None, actor: str = "") -> str:
        """Use these bands again; None = all. Returns what was done."""
        back = set(self.left_out(project_id)) if bands is None else set(bands)
        return self._set(project_id, set(self.left_out(project_id)) - back, actor)

    def _set(self, project_id: str, wanted: set[int], actor: str) -> str:
        scene, project = self._workspace.whole_scene_of(project_id), self._workspace.project(project_id)
        strange = sorted(band for band in wanted if not 0 <= band < scene.bands.count)
        if strange:
            raise BadRequest(f"There is no band {strange[0] + 1}: {scene.name} has {scene.bands.count}.")
        left = int(np.count_nonzero(scene.good_bands[[b for b in range(scene.bands.count) if b not in wanted]]))
        if left < 2:
            raise BadRequest(
                f"{counted(len(wanted), 'band')} left out leaves {left} that can be used: keep two or more."
            )
        without_bands(scene, wanted)
        done = project.set_bands(sorted(wanted), actor=actor)
        self._changed(project_id)
        return done
