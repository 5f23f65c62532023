"""The heat map of a question in words: GET /hsi/heat/{project}/{name}.bin, one byte a pixel, row by row.

0 … 254 = similarity 0 … 1, 255 = no data. `name` changes with the answer; what is sent is always the newest one. The
guard before the whole application covers this route.
"""

from __future__ import annotations

import gzip
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response

from hsi_studio.errors import StudioError
from hsi_studio.studio.facade import Studio


def heat_value(studio: Studio, project_id: str, marks: list[tuple[int, int]] | None = None) -> dict[str, Any] | None:
    """The viewer's `heat` of the answer to the last question; None while there is none, or it was taken away."""
    status = studio.queries.status(project_id)
    if status.answer is None or not status.heat:
        return None
    return {
        "url": f"/hsi/heat/{project_id}/{id(status.answer):x}.bin",
        "title": status.answer.text,
        "threshold": status.threshold,
        "marks": marks or [],
        "query": True,
    }


def router(studio: Studio) -> APIRouter:
    """Routes under /hsi for one studio."""
    api = APIRouter(prefix="/hsi", include_in_schema=False)

    @api.get("/heat/{project_id}/{name}.bin")
    def heat(request: Request, project_id: str, name: str) -> Response:
        try:
            studio.project(project_id)
        except StudioError as error:
            raise HTTPException(404, "There is no such project.") from error
        found = studio.queries.heat(project_id)
        if found is None:
            raise HTTPException(404, "There is no answer to show.")
        body, headers = found[1].tobytes(), {"Cache-Control": "no-store", "X-Hsi-Name": found[0]}
        if "gzip" in request.headers.get("accept-encoding", ""):
            body, headers["Content-Encoding"] = gzip.compress(body, compresslevel=1, mtime=0), "gzip"
        return Response(body, media_type="application/octet-stream", headers=headers)

    return api
