"""What a request may bring along: its size is looked at before anything is read, and while it is read.

| route | bytes | for what |
|---|---|---|
| POST /gradio_api/upload | `--max-upload-gb`, the owner's quota, what the disk has left | scenes, labels, models |
| other POST /gradio_api/… | 4 MiB | events of the page: panels' values, sentences |
| POST /hsi/acts/… | 256 KiB | up to 1,000 clicks |
| everything else | 64 KiB | |

A small body is read here, whole, before the request takes a thread or a place in a queue: who sends it slowly holds a
socket and nothing else, and for `SLOW_S` at most. An upload is passed on as it comes; it is cut off after `SILENT_S`
without a byte, or when it comes more slowly than `LEAST_RATE` over all. JSON of the small sizes is parsed in
milliseconds; that of 190 MB held everybody up for a minute.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable

from anyio import move_on_after
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hsi_studio.humanize import size_text
from hsi_studio.ui.server.answers import refuse

log = logging.getLogger(__name__)

UPLOAD = "/gradio_api/upload"
EVENT_BYTES, ACTS_BYTES, OTHER_BYTES = 4 << 20, 256 << 10, 64 << 10
MULTIPART = 64 << 10  # what the form around an uploaded file may add
SLOW_S, SILENT_S = 20.0, 30.0
LEAST_RATE, GRACE_S = 16 << 10, 60.0  # bytes a second, looked at after the first minute

Admit = Callable[[Scope, int], Awaitable[str]]  # an upload's owner and size → why not, or ""


class Bodies:
    """413 for what is too large, 411 for an upload without its size, 408 for what does not arrive, 507 for no room."""

    def __init__(self, app: ASGIApp, most_upload: int, admit: Admit | None = None) -> None:
        self.app, self.most_upload, self.admit = app, most_upload, admit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = _length(scope)
        if length is None:
            await refuse(send, 400, "The request's Content-Length is no number.")
        elif scope["path"].rstrip("/") == UPLOAD and scope["method"] == "POST":
            await self._upload(scope, receive, send, length)
        else:
            await self._small(scope, receive, send, length, most_bytes(scope["method"], scope["path"]))

    async def _small(self, scope: Scope, receive: Receive, send: Send, length: int, most: int) -> None:
        if length > most:
            await refuse(send, 413, f"This request has {size_text(length)}; {size_text(most)} are taken here.")
            return
        body, more = b"", length != 0
        with move_on_after(SLOW_S) as waited:
            while more:
                message = await receive()
                if message["type"] != "http.request":
                    return  # it went away
                body += message.get("body", b"")
                more = bool(message.get("more_body"))
                if len(body) > most:
                    await refuse(send, 413, f"This request has more than {size_text(most)}, what is taken here.")
                    return
        if waited.cancelled_caught:
            await refuse(send, 408, f"The request had not arrived after {SLOW_S:.0f} s: try again.")
            return
        given = False

        async def receiving() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, receiving if length != 0 else receive, send)

    async def _upload(self, scope: Scope, receive: Receive, send: Send, length: int) -> None:
        if length <= 0:
            await refuse(send, 411, "An upload must say its size (Content-Length) before it is taken.")
            return
        if length > self.most_upload + MULTIPART:
            allowed = size_text(self.most_upload)
            await refuse(
                send, 413, f"This upload has {size_text(length)}; {allowed} are taken here. Ask who runs this server "
                "for a larger --max-upload-gb, or to put the file into its data folder."
            )  # fmt: skip
            return
        said = await self.admit(scope, length) if self.admit is not None else ""
        if said:
            await refuse(send, 507, said)
            return
        watch = _Watch(receive, send, length)
        try:
            await self.app(scope, watch.receive, watch.send)
        except Exception:
            if not watch.sentence:
                raise
            log.info("an upload was broken off: %s", watch.sentence)
        await watch.finish()


class _Watch:
    """An upload on its way. When it is broken off, what the application answers is dropped for a sentence."""

    def __init__(self, receive: Receive, send: Send, most: int) -> None:
        self._receive, self._send, self._most = receive, send, most
        self._began, self._got = time.monotonic(), 0
        self.sentence, self._answered = "", False

    async def receive(self) -> Message:
        if self.sentence:
            return {"type": "http.disconnect"}
        message: Message = {"type": "http.disconnect"}
        with move_on_after(SILENT_S if self._got < self._most else None) as waited:
            message = await self._receive()
        self._got += len(message.get("body", b""))
        took = time.monotonic() - self._began
        if waited.cancelled_caught:
            self.sentence = f"The upload stopped: nothing came for {SILENT_S:.0f} s. Try again."
        elif self._got > self._most:
            self.sentence = f"The upload has more than the {size_text(self._most)} that it said. Try again."
        elif took > GRACE_S and self._got < self._most and self._got / took < LEAST_RATE:
            self.sentence = f"The upload comes too slowly: {size_text(self._got)} in {took:.0f} s. Try again."
        return {"type": "http.disconnect"} if self.sentence else message

    async def send(self, message: Message) -> None:
        if not self.sentence:
            self._answered = True
            await self._send(message)

    async def finish(self) -> None:
        if self.sentence and not self._answered:
            await refuse(self._send, 408, self.sentence)


def most_bytes(method: str, path: str) -> int:
    """Of a body that is no upload."""
    if method != "POST":
        return OTHER_BYTES
    if path.startswith("/gradio_api/"):
        return EVENT_BYTES
    return ACTS_BYTES if path.startswith("/hsi/acts/") else OTHER_BYTES


def _length(scope: Scope) -> int | None:
    """Bytes of the body; 0 = none, −1 = it is not said (chunked), None = nonsense."""
    told = {key.lower(): value for key, value in scope["headers"]}
    text = told.get(b"content-length")
    if text is None:
        return -1 if b"transfer-encoding" in told else 0
    return int(text) if text.isdigit() and len(text) <= 15 else None
