"""What the Train tab's page asks for by itself while a run goes on.

    GET /hsi/train-methods                        forms of all methods that can be trained (`forms.form`)
    GET /hsi/train/{project}?setup=…&runs=…&follow=id:seq,id:seq
                                                  settings and runs where they differ from what the page has seen, and
                                                  of each followed run the events after its number
    GET /hsi/train/{project}/plan?method=…        forecast, command line and Python of settings
    GET /hsi/train/{project}/{run}/code           the same of a run
    GET /hsi/train/{project}/{run}/map.png        its map, or its newest preview; at most 640 pixels a side

Plain routes and not Gradio events, because a page asks once a second: an answer costs a look at the tail of the run's
events, no queue, no session. They only read; whatever changes something is a Gradio event
(`ui/tabs/train/__init__.py`). The guard before the whole application covers them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, HTTPException, Query, Response

from hsi_studio.errors import StudioError
from hsi_studio.studio.facade import Studio
from hsi_studio.studio.layers import layer_id
from hsi_studio.ui.tabs.train import forms
from hsi_studio.ui.tabs.train import values as train_values

PICTURE_PX = 640
MOST_FOLLOWED = 8


def router(studio: Studio) -> APIRouter:
    """Routes under /hsi for one studio. All handlers are plain `def`: they run in the thread pool."""
    api = APIRouter(prefix="/hsi", include_in_schema=False)

    def own_run(project_id: str, run_id: str) -> Any:
        try:
            info = studio.runs.get(run_id)
        except StudioError as error:
            raise HTTPException(404, str(error)) from error
        if info.project_id != project_id:
            raise HTTPException(404, "There is no such run in this project.")
        return info

    @api.get("/train-methods")
    def forms_of_methods() -> list[dict[str, Any]]:
        return [forms.form(method) for method in studio.trainable()]

    @api.get("/train/{project_id}")
    def feed(
        project_id: str,
        setup: str = Query("", max_length=64),
        runs: str = Query("", max_length=64),
        follow: str = Query("", max_length=1000),
    ) -> dict[str, Any]:
        try:
            project = studio.project(project_id)
            layer = studio.displayed.chosen(project_id)[0]
            shown = layer.removeprefix("run:") if layer.startswith("run:") else None
            found = studio.runs.list(project_id)[: train_values.LISTED]
            colors = train_values.stamp(project.schema.colors)
            listed = [
                train_values.run_value(info, shown, project.label_changes(info.revision), colors) for info in found
            ]
            seen = {"setup": f"{project_id}.{project.revision}", "runs": train_values.stamp(listed)}
            answer: dict[str, Any] = {"seen": seen, "events": _events(studio, {info.id for info in found}, follow)}
            if setup != seen["setup"]:
                answer["setup"] = train_values.settings(studio, project_id)
            if runs != seen["runs"]:
                answer["runs"] = listed
        except StudioError as error:
            raise HTTPException(404, str(error)) from error
        return answer

    @api.get("/train/{project_id}/plan")
    def plan(
        project_id: str,
        method: str = Query(max_length=80),
        params: str = Query("{}", max_length=20_000),
        prompts: str = Query("p5", max_length=80),
        seed: int = Query(0, ge=0),
    ) -> dict[str, Any]:
        return train_values.plan(studio, project_id, method, params, prompts, seed)

    @api.get("/train/{project_id}/{run_id}/code")
    def code(project_id: str, run_id: str) -> dict[str, str]:
        own_run(project_id, run_id)
        try:
            return {"cli": studio.runs.as_cli(run_id), "python": studio.runs.as_python(run_id)}
        except StudioError as error:
            raise HTTPException(404, str(error)) from error

    @api.get("/train/{project_id}/{run_id}/map.png")
    def picture(project_id: str, run_id: str) -> Response:
        from hsi_studio.ui.viewer.tile_routes import colour_map, encode_png

        own_run(project_id, run_id)
        try:
            shown = studio.displayed.at(project_id, layer_id("run", run_id))  # in the classes' colours of today
        except StudioError as error:
            raise HTTPException(404, str(error)) from error
        if shown is None:
            raise HTTPException(404, "This run has no map yet.")
        found = shown.prediction
        step = -(-max(found.label.shape) // PICTURE_PX)
        small = replace(found, label=found.label[::step, ::step])
        headers = {"Cache-Control": "private, max-age=600"}  # its address has the preview's number and the colours
        return Response(encode_png(colour_map(small)), media_type="image/png", headers=headers)

    return api


def _events(studio: Studio, known: set[str], follow: str) -> dict[str, Any]:
    """Run id → its new events, for each "id:seq" of the text that is a run of the project."""
    out = {}
    for item in follow.split(",")[:MOST_FOLLOWED]:
        run_id, _, seq = item.partition(":")
        after = int(seq) if seq.isdecimal() else 0
        if run_id in known:
            events = studio.runs.events(run_id, after)
            if events:
                out[run_id] = train_values.events_value(events, after == 0)
    return out
