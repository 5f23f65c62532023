"""A studio as a guest sees it: one project of somebody else, its runs and its models, and nothing beside it.

The guest works on the same objects as the owner (one live map, one journal, one screen), through a `Workspace` that
knows one project id. Runs and models, which look into folders by themselves, ask it which project there is.
"""

from __future__ import annotations

from hsi_studio.studio.facade import Studio


def guest_of(studio: Studio, project_id: str) -> Studio:
    """A studio on this project only. Raises BadRequest when there is none."""
    return Studio(method=studio.method, workspace=studio.workspace.guest(project_id))
