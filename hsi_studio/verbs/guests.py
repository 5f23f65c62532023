"""A studio as a guest sees it: one project of somebody else, its runs and its models, and nothing beside it.

The guest works on the same objects as the owner (one live map, one journal), through a view that knows one project id.
Subjects of the studio that are not made anew here, on the view, are closed to guests: what is not known to be safe is
shut.
"""

from __future__ import annotations

import copy
from typing import Any

from hsi_studio.errors import BadRequest
from hsi_studio.verbs.compare import Comparisons
from hsi_studio.verbs.prompts import Prompts


class Closed:
    """In place of a subject that guests may not use."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise BadRequest(
            f"{self._name.capitalize()} cannot be used in a project that was shared with you: leave it, or ask its "
            "owner."
        )


def guest_of(studio: Any, project_id: str) -> Any:
    """A view of a `Studio` that holds this project only. Raises BadRequest, FileProblem when there is none."""
    studio.project(project_id)
    view = copy.copy(studio)
    view.only = project_id
    view._scenes = {scene.id: scene for scene in [studio.scene_of(project_id)]}
    for name, value in vars(studio).items():
        if type(value).__module__.startswith("hsi_studio.verbs.") and name != "commons":
            setattr(view, name, Closed(name))
    view.runs = studio.runs.for_guest(view, project_id)
    view.models = studio.models.for_guest(view, project_id, view.runs.prediction)
    view.runs.warm_file = view.models.warm_start_file
    view.prompts = Prompts(view, changed=view.refresh)
    view.prompts.drafts.writer = studio.prompts.drafts.writer
    view.compare = Comparisons(
        view, view.runs, view.prompts, lambda p: (view.models.maps.shown(p), view.shown_run(p))
    )  # fmt: skip
    return view
