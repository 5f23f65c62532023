"""What the dock below the picture asks for by itself (`dock.js`), each part when it is looked at.

    GET /hsi/dock/{project}/curve      {"points": [{labels, oa, away, whole}, …], "runs": [{id, title, created}, …]}
                                       each figure [value, low, high] in percent; low and high null without an interval
    GET /hsi/dock/{project}/history    {"lines": [{time, text, undone, kind}, …]}    the newest first
    GET /hsi/dock/{project}/origin     {"chain": [[what, which], …], "command", "title"}    of the map that is shown

They only read. The guard before the whole application covers these routes.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException

from hsi_studio.errors import StudioError
from hsi_studio.studio.facade import Estimate, Studio

MOST_LINES = 80
MOST_RUNS = 6


def percents(found: Estimate | None) -> list[float | None] | None:
    """[value, low, high], one decimal."""
    if found is None:
        return None
    return [None if one is None else round(100 * one, 1) for one in (found.value, found.low, found.high)]


def share(found: float | None) -> list[float | None] | None:
    """As `percents`, of a fraction without an interval."""
    return None if found is None else [round(100 * found, 1), None, None]


def curve(studio: Studio, project_id: str) -> dict[str, Any]:
    """Accuracy over the number of labels, and the project's newest trainings, whose curves are the Train step's."""
    points = [
        {"labels": one.labels, "oa": percents(one.oa), "away": percents(one.away), "whole": share(one.whole)}
        for one in studio.status(project_id).climb
    ]
    runs = [
        {"id": info.id, "title": info.title, "created": info.created}
        for info in studio.runs.list(project_id)
        if info.kind == "train"
    ]
    return {"points": points, "runs": runs[:MOST_RUNS]}


def history(studio: Studio, project_id: str) -> dict[str, Any]:
    """Actions on the project and its trainings, the newest first; undone actions say so."""
    project = studio.project(project_id)
    lines = [
        {"time": project.when(seq)[0], "text": text[:1].upper() + text[1:], "undone": undone, "kind": "action"}
        for seq, text, undone in project.told(MOST_LINES)
    ]
    lines += [
        {"time": info.created, "text": f"{info.title}: {info.state}", "undone": False, "kind": "run"}
        for info in studio.runs.list(project_id)[:MOST_LINES]
    ]
    return {"lines": sorted(lines, key=lambda line: str(line["time"]), reverse=True)[:MOST_LINES]}


def origin(studio: Studio, project_id: str) -> dict[str, Any]:
    """This map ← this model ← these labels ← this scene."""
    shown = studio.displayed.left(project_id)
    if shown is None:
        return {"chain": [], "command": "", "title": ""}
    found = studio.provenance.of(shown)
    return {"chain": [list(link) for link in found.chain], "command": found.command, "title": shown.title}


def router(studio: Studio) -> APIRouter:
    """Routes under /hsi for one studio. All handlers are plain `def`: they run in the thread pool."""
    api, parts = APIRouter(prefix="/hsi/dock", include_in_schema=False), {
        "curve": curve, "history": history, "origin": origin,
    }  # fmt: skip

    @api.get("/{project_id}/{part}")
    def look(project_id: str, part: str) -> dict[str, Any]:
        if part not in parts:
            raise HTTPException(404, "There is no such part.")
        try:
            return parts[part](studio, project_id)
        except StudioError as error:
            raise HTTPException(404, str(error)) from error

    return api
