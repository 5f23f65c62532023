"""`studio.exports`: maps and labels as files for other programs. The formats are those of `io/export.py`."""

from __future__ import annotations

from pathlib import Path

from hsi_studio.studio import Subject
from hsi_studio.studio.displayed_map import EXPORT_WAIT_S, DisplayedMaps
from hsi_studio.studio.workspace import Workspace


class Exports(Subject):
    """One subject of `Studio`. Without a `folder` the files go to the project's `exports/`."""

    def __init__(self, workspace: Workspace, displayed: DisplayedMaps) -> None:
        self._workspace, self._displayed = workspace, displayed

    def map(
        self, project_id: str, folder: Path | None = None, *, which: str = "shown", timeout: float = EXPORT_WAIT_S
    ) -> list[Path]:
        """Write a map, its confidence, a picture and the labels; the files' names and tags say which map it is.

        `which`: "shown" = the one on the screen, "live", the id of a run, a model or a layer, as in
        `displayed.find`, which raises StudioError when there is no such map, and says why.
        """
        from hsi_studio.io.export import export_all

        project, scene = self._workspace.project(project_id), self._workspace.scene_of(project_id)
        found = self._displayed.find(project_id, which, timeout)
        name = "" if found.source == "live" else found.layer
        return export_all(
            found.prediction, project.labels(), scene, folder or project.folder / "exports", name, found.tags
        )

    def labels(self, project_id: str, folder: Path | None = None) -> list[Path]:
        """Write the labels alone (GeoJSON, GeoPackage, CSV); works before there is a map."""
        from hsi_studio.io.export import export_labels

        project = self._workspace.project(project_id)
        scene = self._workspace.scene_of(project_id)
        return export_labels(project.labels(), scene, folder or project.folder / "exports")
