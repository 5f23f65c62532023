"""Who may talk to the server: a check of the Host and Origin headers and, when asked for, a name and password.

One ASGI middleware in front of everything, so that our own routes (tiles, maps, files) are guarded exactly
as Gradio's are. HTTP Basic (RFC 7617) needs TLS in front of it beyond a trusted network; the start-up
message says so.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SAFE = ("GET", "HEAD", "OPTIONS")


class Guard:
    """Answers 400 to a foreign Host (DNS rebinding), 403 to a foreign page that wants to change something
    (cross-site requests), 401 without the right credentials."""

    def __init__(
        self, app: ASGIApp, hosts: Sequence[str], user: str | None = None, password: str | None = None
    ) -> None:
        self.app, self.hosts = app, {h.lower() for h in hosts}
        self.expected = None if user is None else f"{user}:{password}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {key.lower(): value for key, value in scope["headers"]}
        if "*" not in self.hosts and _host(headers.get(b"host", b"").decode("latin-1")) not in self.hosts:
            await _refuse(send, 400, b"This address is not served here. Start the app with --allow-host NAME.")
        elif scope.get("method", "GET") not in SAFE and self._foreign(headers.get(b"origin")):
            await _refuse(send, 403, b"Another web page tried to use this server.")
        elif self.expected is not None and not self._known(headers.get(b"authorization", b"")):
            await _refuse(
                send, 401, b"User name and password needed.", (b"www-authenticate", b'Basic realm="HSI Studio"')
            )
        else:
            await self.app(scope, receive, send)

    def _foreign(self, origin: bytes | None) -> bool:
        """A browser names the page that asks in Origin; programs leave it away."""
        if origin is None or "*" in self.hosts:
            return False
        return _host(origin.decode("latin-1").partition("://")[2]) not in self.hosts

    def _known(self, header: bytes) -> bool:
        scheme, _, token = header.partition(b" ")
        if scheme.lower() != b"basic" or self.expected is None:
            return False
        try:
            given = base64.b64decode(token.strip(), validate=True)
        except binascii.Error:
            return False
        return secrets.compare_digest(given, self.expected)


def _host(header: str) -> str:
    """The name in a Host header, without its port: "[::1]:7860" → "::1"."""
    header = header.strip().lower()
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.rpartition(":")[0] if ":" in header else header


async def _refuse(send: Send, status: int, text: bytes, extra: tuple[bytes, bytes] | None = None) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
    if extra:
        headers.append(extra)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
