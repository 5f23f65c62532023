"""Labelling by plain routes: what a click does, the map that follows it, a pixel's spectrum.

    POST /hsi/acts/{project}          {"acts": [{do: "pick" | "undo" | "redo", row, col, class_id, n}, …]}
                                      in their order; answers when the journal has them all
    GET  /hsi/follow/{project}        the page's panels as the labels are now; waits half a second for the map of the
                                      newest labels. `done` false: ask again. `report=true`: wait for its accuracy too
    GET  /hsi/spectrum/{project}/{row}/{col}
                                      a pixel's spectrum
    GET  /hsi/next/{project}?shown=r,c;…
                                      {row, col, between: [class, class]} where a label would teach the map most

Every other answer holds `show`: {"hsi-viewer": …, "hsi-strip": …}, the new values of panels by their element's id,
packed as those panels take them (`ui/web_component.py`); `server.js` asks and hands them on.

Not Gradio events, because for each output of an event, a skipped one too, Gradio 6.31 builds the component anew, and
for gr.HTML searches its script for the name of every event: with eight people labelling, that was most of what the
server did. The guard before the whole application covers these routes.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from hsi_studio.errors import StudioError
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.viewer.page_state import Present, stepped

WAIT_S, REPORT_S = 0.5, 2.0
WAITING = 100  # pages that may wait for their maps at once; they take no thread away from clicks


class Act(BaseModel):
    """One thing done in the viewer. `n` numbers the page's clicks, so that it knows which was refused."""

    do: Literal["pick", "undo", "redo"]
    row: int = 0
    col: int = 0
    class_id: str = Field("", max_length=200)
    n: int = 0


class Acts(BaseModel):
    acts: list[Act] = Field(max_length=1000)


def router(studio: Studio) -> APIRouter:
    """Routes under /hsi for one studio."""
    api, present = APIRouter(prefix="/hsi", include_in_schema=False), Present(studio)
    waiting: list[CapacityLimiter] = []  # made in the server's event loop

    def known(project_id: str) -> None:
        try:
            studio.project(project_id)
        except StudioError as error:
            raise HTTPException(404, str(error)) from error

    def done(project_id: str, act: Act, told: list[str]) -> str:
        """Do it; the message of what went wrong, or "". What was undone goes into `told`: it may be another's label."""
        try:
            if act.do == "pick":
                studio.label(project_id, act.row, act.col, act.class_id)
            else:
                studio.edit(project_id, lambda project: told.append(stepped(project, act.do)))
        except StudioError as error:
            return str(error)
        return ""

    @api.post("/acts/{project_id}")
    def acts(project_id: str, wanted: Acts) -> dict[str, Any]:
        known(project_id)
        told: list[str] = []
        said = [done(project_id, act, told) for act in wanted.acts]
        refused = [act.n for act, words in zip(wanted.acts, said, strict=True) if words and act.do == "pick"]
        more = {"message": next(filter(None, reversed(said)), ""), "refused": refused}
        if len(said) > sum(bool(words) for words in said):
            more["notice"] = " ".join(filter(None, [*told[-1:], present.follow_labels(project_id)]))
        show = {
            "hsi-viewer": present.viewer_changes(project_id, **more), "hsi-classes": present.classes(project_id),
        }  # fmt: skip
        return {"show": show}

    def look(project_id: str, report: bool) -> dict[str, Any]:
        known(project_id)
        try:
            studio.project(project_id).refresh()  # another process may have written to the journal
        except StudioError as error:  # it is damaged, or has gone
            raise HTTPException(404, str(error)) from error
        live, revision = studio.live(project_id), studio.project(project_id).revision
        if live.asked < revision:
            studio.refresh(project_id)
        status = live.wait(revision, REPORT_S if report else WAIT_S, report=report)
        mapped = status.revision >= revision or bool(status.error)
        wants_report = status.prediction is not None and not status.error
        told = not wants_report or status.report_revision >= revision
        seen = present.seen(project_id)  # before the values: what changes in between is seen at the next look
        show = {
            "hsi-viewer": present.viewer_changes(project_id),
            "hsi-classes": present.classes(project_id),
            "hsi-strip": present.strip(project_id),
            **present.map_tab(project_id),
        }
        if mapped and told:
            show["hsi-spectrum"] = present.class_means(project_id)
        return {"show": show, "seen": seen, "mapped": mapped, "done": mapped and told}

    @api.get("/follow/{project_id}")
    async def follow(project_id: str, report: bool = False) -> dict[str, Any]:
        if not waiting:
            waiting.append(CapacityLimiter(WAITING))
        return await to_thread.run_sync(partial(look, project_id, report), limiter=waiting[0])

    @api.get("/spectrum/{project_id}/{row}/{col}")
    def spectrum(project_id: str, row: int, col: int) -> dict[str, Any]:
        known(project_id)
        try:
            return {"show": {"hsi-spectrum": present.spectrum(project_id, (row, col))}}
        except StudioError as error:
            raise HTTPException(400, str(error)) from error

    @api.get("/next/{project_id}")
    def next_place(
        project_id: str, shown: str = Query("", max_length=8000, pattern=r"^(-?\d{1,9},-?\d{1,9}(;|$))*$")
    ) -> dict[str, Any]:
        known(project_id)
        passed = [tuple(map(int, one.split(","))) for one in shown.split(";") if one]
        try:
            place = studio.live_maps.next_place(project_id, [(row, col) for row, col in passed])
        except StudioError as error:
            raise HTTPException(400, str(error)) from error
        return {"row": place.row, "col": place.col, "between": [place.first, place.second]}

    return api
