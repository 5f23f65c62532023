"""The layers of a project, for the bar over the picture (`layer_bar.js`).

    GET  /hsi/layers/{project}    {"layers": [{id, kind, title, ready, shown: "" | "left" | "right", oa: "84.2" | "",
                                   pixels: on how many}, …],
                                   "job": {text, fraction, seconds_left, waiting} | null}    the training at work
                                  kinds "picture" and "query" are no maps; a query has its `heat`, as in component.py
    POST /hsi/layers/{project}    {"left": layer id} shows it, {"right": layer id or ""} puts it beside; the same answer

Asked after the page has followed a change, never as part of a click: the list reads the records of runs and models.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from hsi_studio.errors import StudioError
from hsi_studio.studio.facade import QUERY, Studio
from hsi_studio.ui.viewer.heat_routes import heat_value


class Wanted(BaseModel):
    """What to show. None leaves that side as it is."""

    left: str | None = Field(None, max_length=200)
    right: str | None = Field(None, max_length=200)


def job(studio: Studio, project_id: str) -> dict[str, Any] | None:
    """The project's training or comparison that runs, else the first that waits, for the status line; None = none."""
    alive = [info for info in studio.runs.list(project_id) if info.alive]
    if not alive:
        return None
    first = min(alive, key=lambda info: (info.position is None, info.position or 0))
    found = first.progress
    return {
        "text": first.title, "fraction": None if found is None else found.fraction,
        "seconds_left": None if found is None else found.seconds_left, "waiting": len(alive) - 1,
    }  # fmt: skip


def router(studio: Studio) -> APIRouter:
    """Routes under /hsi for one studio."""
    api = APIRouter(prefix="/hsi", include_in_schema=False)

    def listed(project_id: str) -> dict[str, Any]:
        return {
            "layers": [
                {
                    "id": layer.id, "kind": layer.kind, "title": layer.title, "ready": layer.ready,
                    "shown": layer.shown, "oa": "" if layer.oa is None else f"{100 * layer.oa:.1f}",
                    "pixels": layer.pixels, "away": layer.away,
                    **({"heat": heat_value(studio, project_id)} if layer.kind == QUERY else {}),
                }
                for layer in studio.displayed.layers(project_id)
            ],
            "job": job(studio, project_id),
        }  # fmt: skip

    @api.get("/layers/{project_id}")
    def layers(project_id: str) -> dict[str, Any]:
        try:
            return listed(project_id)
        except StudioError as error:
            raise HTTPException(404, str(error)) from error

    @api.post("/layers/{project_id}")
    def show(project_id: str, wanted: Wanted) -> dict[str, Any]:
        try:
            if wanted.left is not None:
                source, _, item = wanted.left.partition(":")
                studio.displayed.show(project_id, source, item)
            if wanted.right is not None:
                studio.displayed.show_beside(project_id, wanted.right)
            for chosen in filter(None, (wanted.left, wanted.right)):
                kind, _, item = chosen.partition(":")
                if kind == "model":  # "it is made first", says its button
                    studio.models.maps.request(project_id, item)
            return listed(project_id)
        except StudioError as error:
            raise HTTPException(400, str(error)) from error

    return api
