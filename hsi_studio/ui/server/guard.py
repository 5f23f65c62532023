"""Who may talk to the server: Host, Origin, name and password or session, requests a second; and on a server with
several owners, whose request it is.

    Host ours? ─▶ /healthz ─▶ page ours? ─▶ not too often? ─▶ who? ─▶ own file? ─▶ a route that is used? ─▶ application

One ASGI middleware in front of everything, so that our own routes (tiles, maps, files) are guarded exactly as Gradio's
are. Passwords and sessions need TLS in front of them beyond a trusted network; the start-up message says so.

The owner goes on in a header that is taken off every request first, so that no client can set it. An owner is a user's
name, or with `per_session` a browser: its cookie is a random text, the owner's name a hash of that. Another header says
whether the visitor runs the server (`operators`; alone on this machine everybody does).

Of Gradio's routes those are served that the page and other programs use (`GRADIO`); the latter see six verbs and
nothing else (`ui/verbs.py`). Its login, monitoring, deep links, API pages and the routes that call events by their
names are not: what is not there cannot be misused, and none of them writes by GET then.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Collection, Sequence
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hsi_studio.ui.server.addresses import LOOPBACK, SAFE, Addresses
from hsi_studio.ui.server.answers import answer, refuse, retry_after
from hsi_studio.ui.server.connections import KNOWN
from hsi_studio.ui.server.fair import address_of
from hsi_studio.ui.server.logins import LOGIN, LOGOUT, SESSION_COOKIE, Logins, Refused
from hsi_studio.ui.server.owners import GUEST, HEADER, NOBODY, OPERATOR
from hsi_studio.ui.server.rates import ADDRESS, NEW_OWNER, OWNER, Buckets
from hsi_studio.users import Users, hashed

__all__ = ["LOOPBACK", "OWNER_COOKIE", "SAFE", "SHARE_COOKIE", "TOKEN", "Guard"]

OWNER_COOKIE, SHARE_COOKIE = "hsi_owner", "hsi_share"
COOKIES = (OWNER_COOKIE, SHARE_COOKIE, SESSION_COOKIE)
TOKEN = re.compile(r"^[A-Za-z0-9_-]{32,64}$")
FILE = re.compile(r"^/(?:gradio_api/)?file[=/](.*)$", re.DOTALL)
GRADIO = re.compile(
    r"^/(?:$|config/?$|theme\.css$|favicon\.ico$|robots\.txt$|manifest\.json$|pwa_icon|static/|assets/|svelte/|file[=/]"
    r"|gradio_api/(?:info|app_id|startup-events|heartbeat/|queue/(?:join|data)|run/predict/?$|mcp/?$|cancel|reset|upload|upload_progress"
    r"|component_server|file[=/]))"
)
OURS = re.compile(r"^/(?:hsi/|metrics$)")
HEALTH = "/healthz"
YEAR_S = 365 * 86_400

MayRead = Callable[[str, str, Path], bool]  # owner, share token, file


class Guard:
    """Answers 400 to a foreign Host (DNS rebinding), 403 to a foreign page (cross-site requests), 429 to too many
    requests, 401 without the right credentials, 403 for a file of another owner, 404 for routes nobody needs.

    `hosts`: names of the server, see `Addresses`. `user` and `password`, or `users`: who may come in. `operators`: who
    of them runs the server; None = whoever comes.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Sequence[str],
        user: str | None = None,
        password: str | None = None,
        *,
        users: Users | None = None,
        per_session: bool = False,
        may_read: MayRead | None = None,
        logins: Logins | None = None,
        operators: Collection[str] | None = None,
    ) -> None:
        self.app, self.addresses = app, Addresses(hosts)
        if user is not None:
            users = Users({user: hashed(password or "")})
        self.logins = logins or (Logins(users) if users is not None else None)
        self.per_session, self.may_read, self.operators = per_session, may_read, operators
        shared = self.logins is not None or per_session
        self._of_owner = Buckets(OWNER) if shared else None
        self._of_address = Buckets(ADDRESS) if shared else None
        self._new_owners = Buckets(NEW_OWNER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":  # nothing here uses one
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {key.lower(): value for key, value in scope["headers"]}
        if scope["path"] == HEALTH and scope["method"] in SAFE:  # under any name: load balancers ask so
            await answer(send, 200, b"ok")
        elif len([key for key, _ in scope["headers"] if key.lower() == b"host"]) > 1 or not self.addresses.served(
            headers.get(b"host", b"")
        ):
            await answer(send, 400, b"This address is not served here. Start the app with --allow-host NAME.")
        elif self.addresses.foreign(scope["method"], headers):
            await answer(send, 403, b"Another web page tried to use this server.")
        elif self._of_address is not None and (wait := self._of_address.take(address_of(scope))):
            await refuse(send, 429, "Too many requests from your address: wait a moment.", [retry_after(wait)])
        else:
            await self._let_in(scope, receive, send, headers)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes]) -> None:
        """Find out whose request this is, and pass it on with the name."""
        cookies, address = _cookies(headers.get(b"cookie", b"")), address_of(scope)
        share, owner = cookies.get(SHARE_COOKIE, ""), NOBODY
        if self.logins is not None:
            token = cookies.get(SESSION_COOKIE, "")
            if scope["path"] == LOGIN:
                await self.logins.page(scope, receive, send, address)
                return
            if scope["path"] == LOGOUT and scope["method"] == "POST":
                await self.logins.leave(send, token)
                return
            try:
                known = await self.logins.who(headers.get(b"authorization", b""), token, address)
            except Refused as error:
                await refuse(send, error.status, error.sentence, [retry_after(error.wait)])
                return
            if known is None:
                await self.logins.ask(scope, headers, send)
                return
            owner = known
        elif self.per_session:
            token = cookies.get(OWNER_COOKIE, "")
            if not token and scope["path"] == "/" and scope["method"] == "GET":
                if wait := self._new_owners.take(address):
                    await refuse(send, 429, "Too many new visitors from your address.", [retry_after(wait)])
                    return
                token = secrets.token_urlsafe(32)
                send = _with_cookie(send, token, scope.get("scheme") == "https")
            if token:
                owner = f"s-{hashlib.sha256(token.encode()).hexdigest()[:40]}"
        if self._of_owner is not None and owner != NOBODY and (wait := self._of_owner.take(owner)):
            await refuse(send, 429, "Too many requests: wait a moment.", [retry_after(wait)])
            return
        asked = FILE.match(scope["path"])
        if asked and self.may_read is not None and not self.may_read(owner, share, Path(asked.group(1))):
            await answer(send, 403, b"This file is not yours.")
            return
        if not (OURS.match(scope["path"]) or GRADIO.match(scope["path"])):
            await refuse(send, 404, "There is no such page.")
            return
        if owner != NOBODY or self._of_owner is None:
            scope.setdefault("state", {})[KNOWN] = True
        runs = self.operators is None or owner in self.operators
        own = [(HEADER, owner), (GUEST, share), (OPERATOR, "1" if runs else "")]
        names = {name.encode() for name, _ in own}
        kept = [(key, value) for key, value in scope["headers"] if key.lower() not in names]
        told = [(name.encode(), value.encode("latin-1")) for name, value in own]
        await self.app({**scope, "headers": [*kept, *told]}, receive, send)


def _cookies(header: bytes) -> dict[str, str]:
    """Our cookies, where they are well-formed."""
    try:
        jar = SimpleCookie(header[:8192].decode("latin-1"))
    except CookieError:
        return {}
    found = {name: jar[name].value for name in COOKIES if name in jar}
    return {name: value for name, value in found.items() if TOKEN.match(value)}


def _with_cookie(send: Send, token: str, https: bool) -> Send:
    """A `send` that gives the browser its own token with the first answer."""
    text = f"{OWNER_COOKIE}={token}; Path=/; Max-Age={YEAR_S}; HttpOnly; SameSite=Lax" + ("; Secure" if https else "")

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), (b"set-cookie", text.encode())]}
        await send(message)

    return sending
