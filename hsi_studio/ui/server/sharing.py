"""Share a project on purpose: a link that lets others of this server in, and back out.

The link shows a page with a button: a GET changes nothing, so that no other web page can put somebody into a project by
having the browser fetch an address.
"""

from __future__ import annotations

import html
from typing import Any

import gradio as gr
from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse

from hsi_studio.errors import StudioError
from hsi_studio.ui.server.guard import SHARE_COOKIE
from hsi_studio.ui.server.owners import HEADER, NOBODY, Owners
from hsi_studio.ui.server.shares import Share
from hsi_studio.ui.toasts import tell, warn

ENTER = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Shared project · HSI Studio</title><style>
:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui,sans-serif}}
body{{max-width:30rem;margin:18vh auto;padding:0 1rem}}
h1{{font-size:1.25rem;font-weight:400}}button{{font:inherit;padding:.5rem 1rem;border-radius:4px;border:0}}
button{{background:#0f766e;color:#fff}}</style><h1><b>HSI</b> Studio</h1>
<p>{whose} project was shared with you. In it you may label and train; what you do is in its owner's history.</p>
<form method="post"><button>Open it</button></form></html>"""


def router(owners: Owners) -> APIRouter:
    """/hsi/share/<token> leads into a shared project, /hsi/leave back to the own ones."""
    api = APIRouter(prefix="/hsi", include_in_schema=False)

    def found(token: str) -> Share:
        share = owners.shares.get(token)
        if share is None:
            raise HTTPException(404, "This link leads to no project: its owner may have taken it back.")
        return share

    @api.get("/share/{token}")
    def show(token: str) -> HTMLResponse:
        owner = found(token).owner
        whose = "A" if owner.startswith("s-") else f"{html.escape(owner)}'s"
        return HTMLResponse(ENTER.format(whose=whose), headers={"Cache-Control": "no-store"})

    @api.post("/share/{token}")
    def enter(token: str) -> RedirectResponse:
        answer = RedirectResponse(f"/?project={found(token).project_id}", status_code=303)
        answer.set_cookie(SHARE_COOKIE, token, httponly=True, samesite="lax", path="/")
        return answer

    @api.post("/leave")
    def leave() -> RedirectResponse:
        answer = RedirectResponse("/", status_code=303)
        answer.delete_cookie(SHARE_COOKIE, path="/")
        return answer

    return api


def account(request: gr.Request) -> str:
    """Who is signed in, with a way out; nothing for browsers without a name."""
    name = request.headers.get(HEADER, NOBODY)
    if name == NOBODY or name.startswith("s-"):
        return ""
    said = f"<span class='hsi-hint'>Signed in as {html.escape(name)}.</span>"
    return f"<form method='post' action='/hsi/logout'>{said} <button class='hsi-leave'>Sign out</button></form>"


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
            warn(error)
            return gr.skip()
        return gr.update(value=f"{str(request.request.base_url).rstrip('/')}/hsi/share/{token}", visible=True)

    def unshare(project_id: str) -> Any:
        owners.unshare(project_id)
        tell("The link no longer works.")
        return gr.update(value="", visible=False)

    make.click(share, [project], [link], api_visibility="private")
    end.click(unshare, [project], [link], api_visibility="private")
    project.change(lambda: gr.update(value="", visible=False), None, [link], api_visibility="private")
