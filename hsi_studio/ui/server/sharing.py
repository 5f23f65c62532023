"""Share a project on purpose: a link that lets others of this server in, and back out."""

from __future__ import annotations

from typing import Any

import gradio as gr
from fastapi import APIRouter, HTTPException
from fastapi.responses import RedirectResponse

from hsi_studio.errors import StudioError
from hsi_studio.ui.server.guard import SHARE_COOKIE
from hsi_studio.ui.server.owners import Owners


def router(owners: Owners) -> APIRouter:
    """/hsi/share/<token> opens a shared project, /hsi/leave goes back to the own ones."""
    api = APIRouter(prefix="/hsi", include_in_schema=False)

    @api.get("/share/{token}")
    def enter(token: str) -> RedirectResponse:
        share = owners.shares.get(token)
        if share is None:
            raise HTTPException(404, "This link leads to no project: its owner may have taken it back.")
        answer = RedirectResponse(f"/?project={share.project_id}", status_code=303)
        answer.set_cookie(SHARE_COOKIE, token, httponly=True, samesite="lax", path="/")
        return answer

    @api.get("/leave")
    def leave() -> RedirectResponse:
        answer = RedirectResponse("/", status_code=303)
        answer.delete_cookie(SHARE_COOKIE, path="/")
        return answer

    return api


def create(owners: Owners, project: gr.Textbox) -> None:
    """The controls under the tabs."""
    with gr.Accordion("Share this project", open=False, elem_id="hsi-share"):
        gr.HTML(
            "<p class='hsi-hint'>Nobody else of this server sees your projects. A link lets those who have it open "
            "this one, label in it and train, until you take it back.</p>",
            padding=False,
        )
        link = gr.Textbox(label="Link", interactive=False, visible=False, buttons=["copy"], elem_id="hsi-share-link")
        with gr.Row():
            make = gr.Button("Make a link", size="sm", elem_id="hsi-share-make")
            end = gr.Button("Take it back", size="sm", elem_id="hsi-share-end")

    def share(project_id: str, request: gr.Request) -> Any:
        try:
            token = owners.share(project_id)
        except StudioError as error:
            gr.Warning(str(error))
            return gr.skip()
        return gr.update(value=f"{str(request.request.base_url).rstrip('/')}/hsi/share/{token}", visible=True)

    def unshare(project_id: str) -> Any:
        owners.unshare(project_id)
        gr.Info("The link no longer works.")
        return gr.update(value="", visible=False)

    make.click(share, [project], [link], api_visibility="private")
    end.click(unshare, [project], [link], api_visibility="private")
    project.change(lambda: gr.update(value="", visible=False), None, [link], api_visibility="private")
