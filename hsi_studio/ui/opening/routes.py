"""What the sheet that opens files asks (`opening.js`).

    POST /hsi/openings                     {files: [paths of uploads]} | {path} | {scene} | {project} → an opening
    GET  /hsi/openings/{id}                how far it is: `values.opening_value`
    POST /hsi/openings/{id}/change         {said: {option: value}, roles: {file: role}}
    POST /hsi/openings/{id}/open, /cancel
    GET  /hsi/shelf                        projects, trash, scenes that are at hand
    GET  /hsi/shelf/{project}/thumbnail.png, /export.zip
    POST /hsi/shelf/{project}              {do: "rename" | "duplicate" | "mend" | "delete" | "bring back", title}
                                           → the shelf; after mending with "said", what could not be kept

Plain routes and not Gradio events: the page asks three times a second, and a Cancel must not wait in a queue. An upload
is taken by its path in Gradio's waiting room, and from nowhere else. The guard before the whole application covers all.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask

from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.sanitize import slug
from hsi_studio.studio.facade import Studio
from hsi_studio.studio.openings import MOST_FILES
from hsi_studio.studio.uploads import waiting_room
from hsi_studio.ui.opening.values import opening_value, shelf_value

FIRST_SCENES = ("demo", "indian_pines")


class Wanted(BaseModel):
    """What is to be opened: one of these."""

    files: list[str] = Field(default_factory=list, max_length=MOST_FILES)
    path: str = Field("", max_length=4000)
    scene: str = Field("", max_length=200)
    project: str = Field("", max_length=200)


class Change(BaseModel):
    said: dict[str, str] = Field(default_factory=dict, max_length=20)
    roles: dict[str, str] = Field(default_factory=dict, max_length=MOST_FILES)


class Act(BaseModel):
    do: Literal["rename", "duplicate", "mend", "delete", "bring back"]
    title: str = Field("", max_length=500)


def router(studio: Studio) -> APIRouter:
    """Routes under /hsi for one studio. All handlers are plain `def`: they run in the thread pool."""
    api = APIRouter(prefix="/hsi", include_in_schema=False)

    @api.post("/openings")
    def begin(wanted: Wanted) -> dict[str, Any]:
        if wanted.project:
            made = studio.openings.resume(wanted.project)
        elif wanted.scene:
            made = studio.openings.start(wanted.scene)
        else:
            made = studio.openings.begin([uploaded(file) for file in wanted.files], wanted.path)
        return opening_value(made)

    @api.get("/openings/{opening_id}")
    def state(opening_id: str) -> dict[str, Any]:
        return opening_value(known(opening_id))

    @api.post("/openings/{opening_id}/change")
    def change(opening_id: str, wanted: Change) -> dict[str, Any]:
        known(opening_id)
        return opening_value(studio.openings.change(opening_id, wanted.said, wanted.roles))

    @api.post("/openings/{opening_id}/open")
    def go(opening_id: str) -> dict[str, Any]:
        known(opening_id)
        return opening_value(studio.openings.open(opening_id))

    @api.post("/openings/{opening_id}/cancel")
    def cancel(opening_id: str) -> dict[str, Any]:
        known(opening_id)
        studio.openings.cancel(opening_id)
        return opening_value(studio.openings.get(opening_id))

    def known(opening_id: str) -> Any:
        try:
            return studio.openings.get(opening_id)
        except StudioError as error:
            raise HTTPException(404, str(error)) from error

    def the_shelf() -> dict[str, Any]:
        first = [scene for wanted in FIRST_SCENES for scene in studio.catalog() if scene.id == wanted]
        return shelf_value(studio.shelf.cards(), studio.shelf.trashed(), first, str(studio.data_root))

    @api.get("/shelf")
    def shelf() -> dict[str, Any]:
        return the_shelf()

    @api.post("/shelf/{project_id}")
    def act(project_id: str, wanted: Act) -> dict[str, Any]:
        match wanted.do:
            case "rename":
                studio.shelf.rename(project_id, wanted.title)
            case "duplicate":
                studio.shelf.duplicate(project_id)
            case "mend":
                lost = studio.mend(project_id)
                return {**the_shelf(), "said": f"Mended. {' '.join(lost)}"}
            case "delete":
                studio.shelf.delete(project_id)
            case "bring back":
                studio.shelf.bring_back(project_id)
        return the_shelf()

    @api.get("/shelf/{project_id}/thumbnail.png")
    def thumbnail(project_id: str) -> Response:
        found = studio.shelf.thumbnail(project_id)
        if found is None:  # no error: the card shows its name in the picture's place
            return Response(status_code=204)
        return FileResponse(found, media_type="image/png", headers={"Cache-Control": "private, no-cache"})

    @api.get("/shelf/{project_id}/export.zip")
    def export(project_id: str) -> FileResponse:
        title = slug(studio.shelf.title(project_id), "project")
        folder = Path(tempfile.mkdtemp(prefix="hsi-export-"))
        try:
            made = studio.backup([project_id], folder / f"{title}.zip")
        except StudioError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        gone = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
        return FileResponse(made.file, filename=made.file.name, media_type="application/zip", background=gone)

    return api


def uploaded(file: str) -> Path:
    """An upload by its path. Raises BadRequest for any other file."""
    full, room = Path(file).resolve(), waiting_room().resolve()
    if not full.is_relative_to(room) or not full.is_file():
        raise BadRequest(f"{Path(file).name[:100]!r} is no upload any more: choose the files again.")
    return full
