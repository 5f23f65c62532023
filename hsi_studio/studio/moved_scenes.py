"""Projects whose scene lies elsewhere now: they go on with it, instead of a new project beginning without their labels.

A scene's id is that of its content and of how it is read, so a file of the same id is the project's own, wherever it is
and whatever it is called. A project that still finds a file in its old place is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hsi_studio.files import is_there
from hsi_studio.project.metadata import relocated
from hsi_studio.project.store import Project
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import Scene

PLACES = ("dsm", "reference", "mask")


def project_of(workspace: Workspace, scene: Scene, spec: str, options: Mapping[str, Any]) -> tuple[Project, str] | None:
    """(the project changed last on this scene whose file has gone from its place, a note), now with the file `spec`,
    which gave `scene` with these options; None when there is none. Raises FileProblem where its description cannot be
    written."""
    from hsi_studio.scene.resolve import catalog_ids

    for summary in workspace.projects():
        was = str(summary.scene_spec.get("spec", ""))
        if summary.problem or summary.scene_id != scene.id or not was or was in catalog_ids() or is_there(was):
            continue
        places = {key: str(options[key]) for key in PLACES if options.get(key) and summary.scene_spec.get(key)}
        relocated(summary.folder, {"spec": spec, **places})
        note = (
            f"You go on with your project “{summary.title}”: its scene is no longer in its place ({was[:300]}), and "
            "this file has the same content."
        )
        return workspace.usable(summary.id), note
    return None
