"""Colourings of the Map tab, one byte a pixel, row by row: 0 … 254 = 0 … 1, 255 = nothing there.

    GET /hsi/evidence/{project}/cell/{reference}/{mapped}/{far}/{stamp}.bin   test pixels of a cell of the matrix: 254;
                                                                              `mapped` "-" = another class, or none;
                                                                              `far` 1 = away from labels only
    GET /hsi/evidence/{project}/cell/{reference}/{mapped}/{far}?title=         {"show": …}: the viewer with that cell
    GET /hsi/evidence/{project}/surface/{kind}/{stamp}.bin                    confidence, margin, entropy of the map
                                                                              shown
    GET /hsi/evidence/{project}/regions/{stamp}.bin                           pixels of the hold-out regions: 254
    GET /hsi/evidence/{project}/blank.bin                                     nothing: while random pixels are labelled
    POST /hsi/evidence/{project}/sample   {"files": [upload]}                 a sample's GeoPackage, its classes filled
                                                                              in
    POST /hsi/evidence/{project}/maps     {"files": [uploads]}                a class map from elsewhere, as a layer

The stamp changes with the map. The guard before the whole application covers these routes.
"""

from __future__ import annotations

import gzip
from typing import Any

import numpy as np
from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field

from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.sanitize import slug
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.opening.routes import uploaded
from hsi_studio.ui.viewer.tile_routes import encode_confidence
from hsi_studio.ui.web_component import packed

SURFACES = ("confidence", "margin", "entropy")
MOST_RINGS = 60  # pixels of a cell that get a ring each: one alone would not be found


class Given(BaseModel):
    """Files by their paths in the waiting room of uploads."""

    files: list[str] = Field(max_length=50)


def router(studio: Studio) -> APIRouter:
    """Routes under /hsi for one studio. All handlers are plain `def`: they run in the thread pool."""
    api = APIRouter(prefix="/hsi/evidence", include_in_schema=False)

    @api.get("/{project_id}/cell/{reference}/{mapped}/{far}/{stamp}.bin")
    def cell(request: Request, project_id: str, reference: str, mapped: str, far: int, stamp: str) -> Response:
        try:
            found = studio.evidence.cell(project_id, reference, "" if mapped == "-" else mapped, buffered=bool(far))
        except StudioError as error:
            raise HTTPException(404, str(error)) from error
        return _answer(request, np.where(found, 254, 255).astype(np.uint8))

    @api.get("/{project_id}/cell/{reference}/{mapped}/{far}")
    def show_cell(
        project_id: str, reference: str, mapped: str, far: int, title: str = Query("", max_length=400)
    ) -> dict[str, Any]:
        try:
            found = studio.evidence.cell(project_id, reference, "" if mapped == "-" else mapped, buffered=bool(far))
            mark = stamp(studio, project_id)
        except StudioError as error:
            raise HTTPException(404, str(error)) from error
        few = np.argwhere(found).tolist() if found.sum() <= MOST_RINGS else []
        url = f"/hsi/evidence/{project_id}/cell/{reference}/{mapped}/{far}/{mark}.bin"
        heat = {"url": url, "title": title[:200], "threshold": 0.5, "marks": few, "kind": "mask"}
        return {"show": {"hsi-viewer": packed({"heat": heat})}}

    @api.get("/{project_id}/surface/{kind}/{stamp}.bin")
    def surface(request: Request, project_id: str, kind: str, stamp: str) -> Response:
        if kind not in SURFACES:
            raise HTTPException(404, "There is no such layer.")
        try:
            values = studio.evidence.surface_of(project_id, kind)
        except StudioError as error:
            raise HTTPException(404, str(error)) from error
        return _answer(request, encode_confidence(values))

    @api.get("/{project_id}/blank.bin")
    def blank(request: Request, project_id: str) -> Response:
        try:
            height, width, _ = studio.scene_of(project_id).shape
        except StudioError as error:
            raise HTTPException(404, str(error)) from error
        return _answer(request, np.full((height, width), 255, np.uint8))

    @api.get("/{project_id}/regions/{stamp}.bin")
    def regions(request: Request, project_id: str, stamp: str) -> Response:
        try:
            project = studio.project(project_id)
        except StudioError as error:
            raise HTTPException(404, str(error)) from error
        held = project.held
        inside = np.zeros(project.shape, dtype=np.bool_) if held is None else held
        return _answer(request, np.where(inside, 254, 255).astype(np.uint8))

    @api.post("/{project_id}/sample")
    def sample(project_id: str, given: Given) -> dict[str, str]:
        try:
            return {"said": studio.certify.read_file(project_id, uploaded(next(iter(given.files), "")))}
        except StudioError as error:
            raise HTTPException(400, str(error)) from error

    @api.post("/{project_id}/maps")
    def maps(project_id: str, given: Given) -> dict[str, str]:
        try:
            layer = studio.imported.add_files(project_id, [uploaded(file) for file in given.files])
            studio.displayed.announce(project_id, layer)  # shown only where no map is: a card says how it compares
            said = [f"{studio.displayed.title(project_id, *layer.partition(':')[::2])} is a layer now."]
            return {"layer": layer, "said": " ".join([*said, *studio.imported.notes(project_id, layer)])}
        except StudioError as error:
            raise HTTPException(400, str(error)) from error

    return api


def stamp(studio: Studio, project_id: str) -> str:
    """Of the map that is shown, for an address. Raises BadRequest while there is none."""
    shown = studio.displayed.left(project_id)
    if shown is None:
        raise BadRequest("There is no map yet: label pixels of two classes first.")
    return slug(f"{shown.stamp}-{id(shown.prediction):x}")


def _answer(request: Request, values: np.ndarray) -> Response:
    body, headers = np.ascontiguousarray(values).tobytes(), {"Cache-Control": "no-store"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = gzip.compress(body, compresslevel=1, mtime=0), "gzip"
    return Response(body, media_type="application/octet-stream", headers=headers)
