"""The page: one viewer that every tab shares, the accuracy strip under it, the tabs beside it; and the server.

    click ─▶ acts (in the journal when it answers, every click in order) ─▶ follow (waits for the live map; newest only)

- Labelling goes by plain routes (`ui/viewer/label_routes.py`), everything else by Gradio events; a handler that
  changed labels ends in `bus.after`, which has the page follow.
- The page asks every two seconds, by a plain route, whether another tab (or process) changed the project.
- The project's id is in the page's address: a reload or a second tab opens the same one.
"""

from __future__ import annotations

import errno
import importlib.util
import logging
import socket
import threading
import webbrowser
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import gradio as gr
from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import FileResponse
from starlette.routing import Mount
from starlette.types import ASGIApp

from hsi_studio import settings
from hsi_studio.errors import BadRequest
from hsi_studio.studio.facade import Studio
from hsi_studio.ui import web_routes
from hsi_studio.ui.before_gradio import before_gradio
from hsi_studio.ui.bus import Bus
from hsi_studio.ui.first_page import first_page
from hsi_studio.ui.opening.routes import router as opening_feed
from hsi_studio.ui.page_config import leave_out_api
from hsi_studio.ui.server import operator_page, sharing
from hsi_studio.ui.server.connections import Idle
from hsi_studio.ui.server.edge import guard_routes, guard_verbs
from hsi_studio.ui.server.fair import Budget, limit_handlers
from hsi_studio.ui.server.guard import LOOPBACK
from hsi_studio.ui.server.janitor import Janitor
from hsi_studio.ui.server.last_end import Attendance, ends_in_order
from hsi_studio.ui.server.logins import Logins
from hsi_studio.ui.server.overview import Facts
from hsi_studio.ui.server.owners import NOBODY, Mine, Owners, remember_visitor, visitor
from hsi_studio.ui.server.page_sessions import MOST, MOST_OF_ONE, PageSessions, Unfetched, bound
from hsi_studio.ui.server.sessions import IDLE_S, Sessions
from hsi_studio.ui.server.stack import GIB, layers, uvicorn_config
from hsi_studio.ui.server.watch import Watch
from hsi_studio.ui.tabs import Step, steps, tabs
from hsi_studio.ui.tabs.contract import FIRST_STEP
from hsi_studio.ui.tabs.problem import put_on_page
from hsi_studio.ui.theme import css, theme
from hsi_studio.ui.toasts import tell, told, warn
from hsi_studio.ui.verbs import add_verbs
from hsi_studio.ui.viewer.change_routes import router as seen_feed
from hsi_studio.ui.viewer.component import create_viewer
from hsi_studio.ui.viewer.dock_routes import router as dock_feed
from hsi_studio.ui.viewer.heat_routes import router as heat_feed
from hsi_studio.ui.viewer.label_routes import router as click_feed
from hsi_studio.ui.viewer.layer_routes import router as layer_feed
from hsi_studio.ui.viewer.page_state import Present
from hsi_studio.ui.viewer.spectra_routes import router as spectra_feed
from hsi_studio.ui.viewer.tile_routes import Screen, router
from hsi_studio.ui.web_component import panel
from hsi_studio.users import Users

log = logging.getLogger(__name__)

REMEMBER = """(project) => {
  if (project) {
    const here = new URL(window.location);
    here.searchParams.set('project', project);
    window.history.replaceState(null, '', here);
  }
}"""
WAITING_ROOM = (300, 3600)  # uploads and downloads: looked through every 5 minutes, what is older than an hour goes
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


@dataclass
class App:
    """The page and the server around it."""

    studio: Studio  # or what stands for the visitor's one, see ui/server/owners.py
    blocks: gr.Blocks
    routes: tuple[APIRouter, ...] = ()  # of the tabs
    owners: Owners | None = None  # None = one owner, whoever asks
    server: FastAPI | None = None  # behind the layers of the newest `asgi()`
    budget: Budget = field(default_factory=Budget)
    idle: Idle = field(default_factory=Idle)
    watch: Watch = field(default_factory=Watch)
    last_ends: list[str] = field(default_factory=list)  # of servers before this one, until a page has told them

    def asgi(
        self,
        host: str = "127.0.0.1",
        users: Users | None = None,
        hosts: tuple[str, ...] = (),
        per_session: bool = False,
        operators: tuple[str, ...] = (),
        max_upload_gb: float | None = None,
    ) -> ASGIApp:
        """The whole application: Gradio at /, our tiles and maps at /hsi, the guard and its companions before both
        (`server/stack.py`). `operators`: users who may see how the server is; without users, whoever comes to a server
        of one's own. Raises BadRequest (a setting that is no number)."""
        idle_s = (settings.SESSION_HOURS.number() or IDLE_S / 3600) * 3600
        logins = Logins(users, Sessions(idle_s)) if users is not None else None
        facts = Facts(self.owners or self.studio, self.budget, logins, self.idle)
        self.watch.gauges = facts.gauges
        server = self.server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        ours = [
            router(Screen(self.studio)),
            *(feed(self.studio) for feed in (click_feed, seen_feed, heat_feed, layer_feed, spectra_feed)),
            *(feed(self.studio) for feed in (opening_feed, dock_feed)),
        ]
        ours += self.routes
        if self.owners is not None:
            ours.append(sharing.router(self.owners))
        for routes in ours:
            server.include_router(routes, dependencies=[Depends(remember_visitor)])

        server.include_router(operator_page.router(facts.overview, self.watch))
        guard_routes(server, self.owners is not None)
        server.include_router(web_routes.router(file for tab in tabs() for file in tab.files(tab.scripts)))

        @server.get("/hsi/plotly.min.js")
        def plotly() -> FileResponse:
            return FileResponse(_plotly_js(), headers={"Cache-Control": "public, max-age=86400"})

        gr.mount_gradio_app(
            server,
            self.blocks,
            path="/",
            theme=theme(),
            css=css(),
            allowed_paths=[str(self.owners.home / "users" if self.owners else self.studio.projects_folder)],
            blocked_paths=[],
            max_file_size=None,  # looked at before it is read: server/bodies.py
            show_error=True,
            ssr_mode=False,
            footer_links=[],
            run_history=False,
            mcp_server=importlib.util.find_spec("mcp") is not None,  # the extra `mcp`
        )
        # `launch` sets this, `mount_gradio_app` does not: without it Gradio takes any path of the server for an upload.
        self.blocks.has_launched = True
        bound(
            self.blocks,
            cast(Mount, server.routes[-1]).app,
            PageSessions(most_of_one=MOST if self.owners is None else MOST_OF_ONE),
        )
        limit_handlers(self.blocks.fns.values(), self.budget, _owner_here, told)
        most = max_upload_gb or settings.MAX_UPLOAD_GB.number() or 4.0
        return layers(
            server,
            [*LOOPBACK, host, *hosts],
            self.budget,
            self.watch,
            logins=logins,
            per_session=per_session,
            operators=operators if users is not None or per_session else None,
            may_read=self.owners.may_read if self.owners is not None else None,
            most_upload=int(most * GIB),
            admit_upload=self.owners.admit_upload if self.owners is not None else self._admit_upload,
            before_gradio=before_gradio(),
        )

    def _admit_upload(self, owner: str, size: int) -> None:
        self.studio.workspace.server.admit_upload(self.studio.home, size)

    def launch(
        self,
        host: str = "127.0.0.1",
        port: int | None = None,
        users: Users | None = None,
        hosts: tuple[str, ...] = (),
        open_browser: bool = True,
        per_session: bool = False,
        operators: tuple[str, ...] = (),
        max_upload_gb: float | None = None,
        opens: str = "",
    ) -> None:
        """Serve until Ctrl-C. Without `port` the first free one from 7860 is taken. `opens`: path and query of what is
        opened. Raises BadRequest."""
        import uvicorn

        if host not in LOOPBACK and users is None and not per_session:
            raise BadRequest(
                f"Listening on {host} lets others in: add --auth USER:PASSWORD or --auth-file FILE (and put TLS in "
                "front), --per-session to give each browser its own projects, or leave --host away to serve this "
                "machine only."
            )
        chosen = _free_port(host, port)
        address = f"http://{'127.0.0.1' if host in LOOPBACK else host}:{chosen}{opens}"
        made = self.asgi(host, users, hosts, per_session, operators, max_upload_gb)
        server = uvicorn.Server(uvicorn_config(made, host, chosen, self.idle))
        janitor = Janitor(self.owners or self.studio, self.budget, Unfetched(self.blocks))

        def announce() -> None:
            while not server.started:
                if done.wait(0.05):
                    return
            log.warning("HSI Studio is at %s  (Ctrl-C stops it)", address)
            if open_browser:
                webbrowser.open(address)

        done = threading.Event()
        threading.Thread(target=announce, name="announce", daemon=True).start()
        self.watch.listen()
        janitor.start()
        attendance = Attendance((self.owners or self.studio).home)
        for sentence in attendance.begin():
            log.warning("%s", sentence)
            self.last_ends.append(sentence)
        try:
            with ends_in_order():
                server.run()
        finally:
            done.set()
            janitor.close()
            self.watch.close()
            (self.owners or self.studio).close()
            attendance.end()


def build(studio: Studio | Owners, spec: str = "indian_pines") -> App:
    """The page on a studio, or on those of several owners. `spec` is the scene that opens when there is no project."""
    owners = studio if isinstance(studio, Owners) else None
    if isinstance(studio, Owners):
        studio = cast(Studio, Mine(studio.here))
    present = Present(studio)
    last_ends = list[str]()  # told by the first page; with several owners it is their operator's business
    with gr.Blocks(title="HSI Studio", fill_width=True, analytics_enabled=False, delete_cache=WAITING_ROOM) as blocks:
        leave_out_api(blocks)
        add_verbs(studio)  # before the page's events: Gradio gives whatever comes first the plain name
        project = gr.Textbox(visible=False)
        top: Any = panel("top", {"title": "", "facts": ""})  # gr.HTML accepts any event name
        classes = panel("classes", {}, render=False)
        spectrum = panel("spectrum", {}, render=False)
        with gr.Row(elem_id="hsi-body", equal_height=False):
            with gr.Column(scale=7, elem_id="hsi-main", min_width=320):
                viewer: Any = create_viewer()  # gr.HTML accepts any event name
                strip = panel("strip", {"state": "words", "text": "Opening the scene …"})
                spectrum.render()  # a part of the dock, which the strip's script makes
            with gr.Column(scale=4, elem_id="hsi-side"):
                bus = Bus(project, top, viewer, strip, classes, spectrum)
                with gr.Tabs(selected=FIRST_STEP, elem_id="hsi-steps"):
                    routes = [made for step in steps() for made in put_step_on_page(step, studio, bus)]
                if not classes.is_rendered:  # the viewer's events change it, whatever became of the Label tab
                    classes.render()
                if owners is not None:
                    sharing.create(owners, project)
                who = gr.HTML("", padding=False, visible=owners is not None, elem_id="hsi-account")

        def again(project_id: str) -> tuple[Any, ...]:
            if not project_id:
                return gr.skip(), gr.skip()
            return present.viewer(project_id), present.classes(project_id)

        def load(request: gr.Request) -> tuple[Any, ...]:
            while last_ends:
                warn(last_ends.pop())
            return first_page(studio, request.query_params.get("project", ""), spec, owners is not None)

        def opened(event: gr.EventData) -> tuple[Any, ...]:
            done = event._data
            for note in done.get("notes", []):
                tell(str(note))
            return present.everything(studio.usable(str(done.get("project"))).id)

        def news(project_id: str, event: gr.EventData) -> tuple[str, str]:
            return present.after_news(project_id, event._data)

        told: Any = strip  # gr.HTML accepts any event name
        bus.after(told.act(news, [project], [viewer, strip], queue=False, **QUIET))
        bus.after(top.opened(opened, None, bus.shown, **QUIET))
        blocks.load(load, None, bus.shown, **QUIET)
        if owners is not None:
            blocks.load(sharing.account, None, [who], **QUIET)
        project.change(None, [project], None, js=REMEMBER, api_visibility="private")
        viewer.sync(again, [project], [viewer, classes], queue=False, trigger_mode="multiple", **QUIET)
    blocks.queue(default_concurrency_limit=None, max_size=500)  # who waits for what: server/fair.py
    guard_verbs(blocks, owners is not None)
    return App(
        studio,
        blocks,
        tuple(found for found in routes if found is not None),
        owners,
        last_ends=last_ends if owners is None else [],
    )


def put_step_on_page(step: Step, studio: Any, bus: Bus) -> list[APIRouter | None]:
    """An entry of the rail with the tabs behind it. Returns their routes. To be called inside the `gr.Tabs`."""
    with gr.Tab(step.title, id=step.name, elem_id=f"hsi-step-{step.name}"):
        if len(step.tabs) == 1:
            return [put_on_page(step.tabs[0], studio, bus)]
        routes = []
        with gr.Tabs(elem_classes="hsi-inner"):
            for tab in step.tabs:
                with gr.Tab(tab.title, id=tab.name, elem_id=f"hsi-part-{tab.name}"):
                    routes.append(put_on_page(tab, studio, bus))
        return routes


def _owner_here() -> str:
    """Who the handler at work is for."""
    found = visitor()
    return found[0] if found is not None else NOBODY


def _plotly_js() -> Path:
    import plotly

    return Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def _free_port(host: str, port: int | None) -> int:
    """`port` if it can be listened on, else BadRequest; without one, the first free from 7860."""
    if port is not None and not 0 < port < 65536:
        raise BadRequest(f"--port {port}: give a number from 1 to 65535, or leave it away.")
    for candidate in [port] if port is not None else range(7860, 7960):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except (OSError, UnicodeError) as error:
                code, why = getattr(error, "errno", None), getattr(error, "strerror", error)
                if code == errno.EADDRINUSE or (code == errno.EACCES and port is None):
                    continue
                raise BadRequest(
                    f"This machine cannot listen on {host}, port {candidate} ({why}): give an address of its own with "
                    "--host, and with --port a number from 1024 up."
                ) from error
            return candidate
    raise BadRequest(f"Port {port or '7860 to 7959'} is in use on {host}: stop what runs there or pass --port NUMBER.")
