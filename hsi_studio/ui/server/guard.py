"""Who may talk to the server: a check of the Host and Origin headers and, when asked for, a name and password; and
on a server with several owners, whose request it is.

One ASGI middleware in front of everything, so that our own routes (tiles, maps, files) are guarded exactly
as Gradio's are. HTTP Basic (RFC 7617) needs TLS in front of it beyond a trusted network; the start-up
message says so.

The owner goes on in a header that is taken off every request first, so that no client can set it. An owner is a user's
name, or with `per_session` a browser: its cookie is a random text, the owner's name a hash of that.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from anyio import to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hsi_studio.ui.server.owners import GUEST, HEADER, NOBODY
from hsi_studio.users import Users, hashed

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SAFE = ("GET", "HEAD", "OPTIONS")
OWNER_COOKIE, SHARE_COOKIE = "hsi_owner", "hsi_share"
TOKEN = re.compile(r"^[A-Za-z0-9_-]{32,64}$")
HOST = re.compile(r"^(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[^\s:/@\[\]]+))(?::[0-9]*)?$")
FILE = re.compile(r"^/(?:gradio_api/)?file[=/](.*)$", re.DOTALL)
YEAR_S = 365 * 86_400

MayRead = Callable[[str, str, Path], bool]  # owner, share token, file


class Guard:
    """Answers 400 to a foreign Host (DNS rebinding), 403 to a foreign page that wants to change something
    (cross-site requests), 401 without the right credentials, 403 for a file of another owner."""

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
    ) -> None:
        self.app, self.hosts = app, {h.lower() for h in hosts}
        self.users = Users({user: hashed(password or "")}) if user is not None else users
        self.per_session, self.may_read = per_session, may_read

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {key.lower(): value for key, value in scope["headers"]}
        if "*" not in self.hosts and _host(headers.get(b"host", b"").decode("latin-1")) not in self.hosts:
            await _refuse(send, 400, b"This address is not served here. Start the app with --allow-host NAME.")
        elif scope.get("method", "GET") not in SAFE and self._foreign(headers.get(b"origin")):
            await _refuse(send, 403, b"Another web page tried to use this server.")
        else:
            await self._let_in(scope, receive, send, headers)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes]) -> None:
        """Find out whose request this is, and pass it on with the name."""
        cookies = _cookies(headers.get(b"cookie", b""))
        share = cookies.get(SHARE_COOKIE, "")
        owner = NOBODY
        if self.users is not None:
            known = await to_thread.run_sync(self.users.who, headers.get(b"authorization", b""))
            if known is None:
                wanted = (b"www-authenticate", b'Basic realm="HSI Studio", charset="UTF-8"')
                await _refuse(send, 401, b"User name and password needed.", wanted)
                return
            owner = known
        elif self.per_session:
            token = cookies.get(OWNER_COOKIE, "")
            if not token and scope["path"] == "/" and scope.get("method") == "GET":
                token = secrets.token_urlsafe(32)
                send = _with_cookie(send, token, scope.get("scheme") == "https")
            if token:
                owner = f"s-{hashlib.sha256(token.encode()).hexdigest()[:40]}"
        asked = FILE.match(scope["path"])
        if asked and self.may_read is not None and not self.may_read(owner, share, Path(asked.group(1))):
            await _refuse(send, 403, b"This file is not yours.")
            return
        own = [(HEADER.encode(), owner.encode("latin-1")), (GUEST.encode(), share.encode("latin-1"))]
        kept = [(key, value) for key, value in scope["headers"] if key.lower() not in {name for name, _ in own}]
        await self.app({**scope, "headers": [*kept, *own]}, receive, send)

    def _foreign(self, origin: bytes | None) -> bool:
        """A browser names the page that asks in Origin; programs leave it away."""
        if origin is None or "*" in self.hosts:
            return False
        return _host(origin.decode("latin-1").partition("://")[2]) not in self.hosts


def _cookies(header: bytes) -> dict[str, str]:
    """Our cookies, where they are well-formed."""
    try:
        jar = SimpleCookie(header.decode("latin-1"))
    except CookieError:
        return {}
    found = {name: jar[name].value for name in (OWNER_COOKIE, SHARE_COOKIE) if name in jar}
    return {name: value for name, value in found.items() if TOKEN.match(value)}


def _with_cookie(send: Send, token: str, https: bool) -> Send:
    """A `send` that gives the browser its own token with the first answer."""
    text = f"{OWNER_COOKIE}={token}; Path=/; Max-Age={YEAR_S}; HttpOnly; SameSite=Lax" + ("; Secure" if https else "")

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), (b"set-cookie", text.encode())]}
        await send(message)

    return sending


def _host(header: str) -> str:
    """The name in a Host header, without its port: "[::1]:7860" → "::1"; "" for what is not NAME or NAME:PORT."""
    found = HOST.match(header.strip().lower())
    return (found["address"] or found["name"]) if found else ""


async def _refuse(send: Send, status: int, text: bytes, extra: tuple[bytes, bytes] | None = None) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
    if extra:
        headers.append(extra)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
