"""A studio as a guest sees it: one project of somebody else, its runs and its models, and nothing beside it.

The guest works on the same objects as the owner (one live map, one journal), through a view that knows one project id.
All subjects are put up anew on the view and reach projects through it; runs and models, which look into folders by
themselves, are told which project there is.
"""

from __future__ import annotations

import copy
from typing import Any


def guest_of(studio: Any, project_id: str) -> Any:
    """A view of a `Studio` that holds this project only. Raises BadRequest, FileProblem when there is none."""
    studio.project(project_id)
    view = copy.copy(studio)
    view.only = project_id
    view._scenes = {scene.id: scene for scene in [studio.scene_of(project_id)]}
    runs = studio.runs.for_guest(view, project_id)
    view.put_up(runs, studio.models.for_guest(view, project_id, runs))
    view.queries.text_maps.share(studio.queries.text_maps)
    view.displayed.share(studio.displayed)
    view.prompts.drafts.writer = studio.prompts.drafts.writer
    return view
