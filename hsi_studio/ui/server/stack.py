"""The server's layers, from the socket to the application.

    connections ─▶ headers ─▶ counting ─▶ guard ─▶ bodies ─▶ fair share ─▶ who asks ─▶ FastAPI: our routes, Gradio

Each layer is one file of this folder and says in its docstring what it holds back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from anyio import to_thread
from starlette.types import ASGIApp, Scope

from hsi_studio.errors import StudioError
from hsi_studio.ui.server.bodies import Bodies
from hsi_studio.ui.server.connections import HEAD_BYTES, KEEP_ALIVE_S, Idle, most_connections, protocol_of
from hsi_studio.ui.server.fair import Budget, FairShare
from hsi_studio.ui.server.guard import Guard, MayRead
from hsi_studio.ui.server.headers import SecurityHeaders
from hsi_studio.ui.server.logins import Logins
from hsi_studio.ui.server.owners import HEADER, NOBODY
from hsi_studio.ui.server.page_sessions import remembering
from hsi_studio.ui.server.watch import Watch

GIB = 2**30


def layers(
    server: ASGIApp,
    hosts: Sequence[str],
    budget: Budget,
    watch: Watch,
    *,
    logins: Logins | None = None,
    per_session: bool = False,
    operators: Collection[str] | None = None,
    may_read: MayRead | None = None,
    most_upload: int = 4 * GIB,
    admit_upload: Callable[[str, int], None] = lambda owner, size: None,
    before_gradio: str = "",
) -> ASGIApp:
    """`server` behind all layers. `admit_upload(owner, bytes)` raises a StudioError that says why not."""

    async def admit(scope: Scope, size: int) -> str:
        try:
            await to_thread.run_sync(admit_upload, owner_of(scope), size)
        except StudioError as error:
            return str(error)
        return ""

    inner = Bodies(FairShare(remembering(server, owner_of), budget, owner_of), most_upload, admit)
    guard = Guard(inner, hosts, per_session=per_session, may_read=may_read, logins=logins, operators=operators)
    return SecurityHeaders(watch.counting(guard), before_gradio)


def owner_of(scope: Scope) -> str:
    """Whose request this is, behind the guard."""
    told = next((value for key, value in scope["headers"] if key == HEADER.encode()), NOBODY.encode())
    return bytes(told).decode("latin-1")


def uvicorn_config(app: ASGIApp, host: str, port: int, idle: Idle | None = None) -> Any:
    """How the server is run: HTTP/1.1 with limits, no websockets, no version in the answers."""
    import uvicorn

    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        ws="none",
        http=protocol_of(Idle() if idle is None else idle),
        h11_max_incomplete_event_size=HEAD_BYTES,
        limit_concurrency=most_connections(),
        timeout_keep_alive=KEEP_ALIVE_S,
        server_header=False,
        backlog=512,
    )
