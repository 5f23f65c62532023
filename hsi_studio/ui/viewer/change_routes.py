"""Whether a page is behind: GET /hsi/seen/{project} → a short text that changes when the page should be drawn again.

Every page asks every two seconds (`viewer.js`) and wakes Gradio only when the answer is another one. A Gradio
timer in its place cost more than everything else on a server with several pages open: for an output that is skipped
Gradio 6.31 builds the whole component anew, and for gr.HTML searches its script for the name of every event.
"""

from __future__ import annotations

import logging

from fastapi import APIRouter, Response

from hsi_studio.errors import StudioError
from hsi_studio.studio.facade import Studio
from hsi_studio.ui.viewer.page_state import Present

log = logging.getLogger(__name__)


def router(studio: Studio) -> APIRouter:
    """Routes under /hsi for one studio. An unknown project has the empty text: there is nothing to draw."""
    api, present = APIRouter(prefix="/hsi", include_in_schema=False), Present(studio)

    @api.get("/seen/{project_id}")
    def seen(project_id: str) -> Response:
        try:
            studio.project(project_id).refresh()  # another process may have written to the journal
            text = present.seen(project_id)
        except StudioError as error:
            log.info("project %s: %s", project_id, error)
            text = ""
        return Response(text, media_type="text/plain", headers={"Cache-Control": "no-store"})

    return api
