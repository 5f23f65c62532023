"""Share a project on purpose: a link that lets others of this server in, and back out.

The link shows a page with a button: a GET changes nothing, so that no other web page can put somebody into a project by
having the browser fetch an address.
"""

from __future__ import annotations

import html
from typing import Any
from urllib.parse import quote

import gradio as gr
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from hsi_studio.errors import StudioError
from hsi_studio.ui.server.guard import SHARE_COOKIE
from hsi_studio.ui.server.owners import HEADER, NOBODY, Owners, visitor
from hsi_studio.ui.toasts import tell, warn

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Shared project · HSI Studio</title><style>
:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui,sans-serif}}
body{{max-width:30rem;margin:18vh auto;padding:0 1rem}}
h1{{font-size:1.25rem;font-weight:400}}button{{font:inherit;padding:.5rem 1rem;border-radius:4px;border:0}}
button{{background:#0f766e;color:#fff}}</style><h1><b>HSI</b> Studio</h1>
<p>{said}</p>
<form method="{method}" action="{action}"><button>{button}</button></form></html>"""
ENTER = "{whose} project was shared with you. In it you may label and train; what you do is in its owner's history."
GONE = "This link leads to no project: its owner may have taken it back, or deleted the project."
HIDDEN: dict[str, Any] = {"value": "", "visible": False}


def page(said: str, button: str, method: str = "post", action: str = "", status: int = 200) -> HTMLResponse:
    """One sentence and one button. `said` is HTML."""
    made = PAGE.format(said=said, button=button, method=method, action=action)
    return HTMLResponse(made, status, headers={"Cache-Control": "no-store"})


def router(owners: Owners) -> APIRouter:
    """/hsi/share/<token> leads into a shared project, /hsi/leave back to the own ones."""
    api = APIRouter(prefix="/hsi", include_in_schema=False)
    gone = page(GONE, "To your own projects", "get", "/", 404)

    @api.get("/share/{token}")
    def show(token: str) -> HTMLResponse:
        share = owners.shared_by(token)
        if share is None:
            return gone
        whose = "A" if share.owner.startswith("s-") else f"{html.escape(share.owner)}'s"
        return page(ENTER.format(whose=whose), "Open it")

    @api.post("/share/{token}")
    def enter(token: str, request: Request) -> Response:
        share = owners.shared_by(token)
        if share is None:
            return gone
        answer = RedirectResponse(f"/?project={quote(share.project_id)}", status_code=303)
        if owners.guest_in((visitor() or (NOBODY, ""))[0], token) is None:  # the visitor's own: nobody is a guest there
            answer.delete_cookie(SHARE_COOKIE, path="/")
        else:
            safe = request.url.scheme == "https"
            answer.set_cookie(SHARE_COOKIE, token, httponly=True, samesite="lax", path="/", secure=safe)
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
    """The controls under the tabs. A guest has none: the link is the owner's."""
    with gr.Accordion("Share this project", open=False, elem_id="hsi-share") as controls:
        gr.HTML(
            "<p class='hsi-hint'>Nobody else of this server sees your projects. A link lets those who have it open "
            "this one, label in it and train, all on the same labels, until you take it back.</p>",
            padding=False,
        )
        link = gr.Textbox(label="Link", interactive=False, visible=False, buttons=["copy"], elem_id="hsi-share-link")
        with gr.Row():
            make = gr.Button("Make a link", size="sm", elem_id="hsi-share-make")
            end = gr.Button("Take it back", size="sm", elem_id="hsi-share-end")

    def shown(token: str, request: gr.Request) -> dict[str, Any]:
        address = f"{str(request.request.base_url).rstrip('/')}/hsi/share/{token}"
        return {"value": address, "visible": True} if token else HIDDEN

    def share(project_id: str, request: gr.Request) -> Any:
        try:
            return gr.update(**shown(owners.share(project_id), request))
        except StudioError as error:
            warn(error)
            return gr.skip()

    def unshare(project_id: str) -> Any:
        try:
            ended = owners.unshare(project_id)
        except StudioError as error:
            warn(error)
            return gr.skip()
        tell("The link no longer works." if ended else "There is no link to this project.")
        return gr.update(**HIDDEN)

    def another(project_id: str, request: gr.Request) -> Any:
        """The link of the project that is open, where there is one."""
        token = owners.shared(project_id)
        return gr.update(visible=token is not None), gr.update(**shown(token or "", request))

    make.click(share, [project], [link], api_visibility="private")
    end.click(unshare, [project], [link], api_visibility="private")
    project.change(another, [project], [controls, link], show_progress="hidden", api_visibility="private")
