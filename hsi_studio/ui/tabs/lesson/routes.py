"""A lesson is started and handed in by plain routes; the page then opens the project anew, as after *Open*.

    POST /hsi/lesson/{project}/start      {"shots": 5}: a new project on the same scene; answers {"project": id}
    POST /hsi/lesson/{project}/hand-in    measure the map on the screen and end the lesson; answers {"project": id}

The guard before the whole application covers these routes.
"""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from hsi_studio.errors import StudioError
from hsi_studio.studio.facade import Studio


class Wanted(BaseModel):
    shots: int


def router(studio: Studio) -> APIRouter:
    """Routes under /hsi for one studio. Handlers are plain `def`: they run in the thread pool."""
    api = APIRouter(prefix="/hsi/lesson", include_in_schema=False)

    @api.post("/{project_id}/start")
    def start(project_id: str, wanted: Wanted) -> dict[str, str]:
        try:
            return {"project": studio.lessons.start(project_id, wanted.shots).id}
        except StudioError as error:
            raise HTTPException(400, str(error)) from error

    @api.post("/{project_id}/hand-in")
    def hand_in(project_id: str) -> dict[str, str]:
        try:
            studio.lessons.hand_in(project_id)
        except StudioError as error:
            raise HTTPException(400, str(error)) from error
        return {"project": project_id}

    return api
