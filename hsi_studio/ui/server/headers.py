"""What the browser is told to refuse: a content security policy and its companions, on every answer.

- Scripts come from this server, or carry the nonce of this one page. Gradio's page has five scripts in its text; each
  gets the nonce on its way out, so an `<img onerror=…>` or a `<script>` in a name that slipped through runs nowhere.
- `unsafe-eval` stays: Gradio 6.31 makes functions of text for `gr.HTML(js_on_load=…)` and for `js=` of an event, which
  is how the page is put together. So does `unsafe-inline` for styles (Svelte's attributes). Neither lets markup run.
- Gradio answers any foreign Origin with `Access-Control-Allow-Origin` and credentials unless the host is called
  localhost (`route_utils.CustomCORSMiddleware`): any web page could have read a signed-in visitor's data. Those headers
  are taken off; nothing here is meant for other pages.

Sources: W3C CSP 3; OWASP HTTP Security Response Headers Cheat Sheet (2025).
"""

from __future__ import annotations

import re
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

FIXED = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"same-origin",  # links to shared projects are secrets
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
CORS = b"access-control-"
GRADIO = b"<gradio-app"  # nowhere else: Gradio's configuration has no "<"
SCRIPT = re.compile(rb"<script(?=[\s>])")
POLICY = (
    "default-src 'self'; script-src 'self'{nonce} 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' blob:; connect-src 'self'; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-src 'none'; "
    "frame-ancestors 'none'"
)


class SecurityHeaders:
    """Puts the headers on every answer, and into Gradio's page (`/`) a nonce for each script; before Gradio's part of
    it comes `before`, HTML."""

    def __init__(self, app: ASGIApp, before: str = "") -> None:
        self.app, self.before = app, before.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        page = scope["path"] == "/" and scope.get("method") == "GET"
        if page:  # whole and uncompressed, since its text is changed here
            kept = [pair for pair in scope["headers"] if pair[0].lower() != b"accept-encoding"]
            scope = {**scope, "headers": kept}
        nonce = secrets.token_urlsafe(16) if page else ""
        await self.app(scope, receive, _Sending(send, nonce, self.before))


class _Sending:
    """A `send` with the headers. With a nonce, an HTML body is held back until it is whole."""

    def __init__(self, send: Send, nonce: str, before: bytes) -> None:
        self._send, self._nonce, self._before = send, nonce, before
        self._start: Message | None = None  # held back
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": self._headers(message.get("headers", []))}
            if self._nonce and _kind(message).startswith(b"text/html"):
                self._start = message
                return
        elif message["type"] == "http.response.body" and self._start is not None:
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            body = self._body.replace(GRADIO, self._before + GRADIO, 1)
            body = SCRIPT.sub(b'<script nonce="' + self._nonce.encode() + b'"', body)
            headers = [pair for pair in self._start["headers"] if pair[0].lower() != b"content-length"]
            start = {**self._start, "headers": [*headers, (b"content-length", str(len(body)).encode())]}
            self._start = None
            await self._send(start)
            await self._send({"type": "http.response.body", "body": body})
            return
        await self._send(message)

    def _headers(self, given: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        kept = [
            (key, value)
            for key, value in given
            if key.lower() not in FIXED and not key.lower().startswith(CORS) and key.lower() != b"server"
        ]
        if not any(key.lower() == b"content-security-policy" for key, _ in kept):
            nonce = f" 'nonce-{self._nonce}'" if self._nonce else ""
            kept.append((b"content-security-policy", POLICY.format(nonce=nonce).encode()))
        return [*kept, *FIXED.items()]


def _kind(message: Message) -> bytes:
    return next((value for key, value in message["headers"] if key.lower() == b"content-type"), b"")
