"""Reports of comparisons as files to download.

    GET /hsi/compare/{project}/{run}/report.md | report.html

Written anew from the result as it is now, so a comparison that still runs has one too.
"""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

from hsi_studio.errors import StudioError
from hsi_studio.studio.facade import Studio

TYPES = {"md": "text/markdown; charset=utf-8", "html": "text/html; charset=utf-8"}


def router(studio: Studio) -> APIRouter:
    """Routes under /hsi for one studio; the guard before the whole application covers them."""
    api = APIRouter(prefix="/hsi", include_in_schema=False)

    @api.get("/compare/{project_id}/{run_id}/report.{kind}")
    def report(project_id: str, run_id: str, kind: str) -> FileResponse:
        if kind not in TYPES:
            raise HTTPException(404, "Reports are .md or .html.")
        try:
            if studio.compare.get(run_id).run.project_id != project_id:
                raise HTTPException(404, "There is no such comparison in this project.")
            file = next(path for path in studio.compare.report(run_id) if path.suffix == f".{kind}")
        except StudioError as error:
            raise HTTPException(404, str(error)) from error
        headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return FileResponse(file, media_type=TYPES[kind], filename=f"comparison-{run_id}.{kind}", headers=headers)

    return api
