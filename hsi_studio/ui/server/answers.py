"""Answers of the server's own layers, before the application has a say: short, typed, with what to do next.

JSON with `detail`, as our routes have it, so that the page shows the sentence (`viewer/server.js`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from starlette.types import Send

Header = tuple[bytes, bytes]


async def answer(
    send: Send, status: int, body: bytes, kind: str = "text/plain; charset=utf-8", extra: Iterable[Header] = ()
) -> None:
    """One whole response."""
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode()), *extra]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def refuse(send: Send, status: int, sentence: str, extra: Iterable[Header] = ()) -> None:
    """An error as JSON: {"detail": sentence}."""
    await answer(send, status, json.dumps({"detail": sentence}).encode(), "application/json", extra)


async def redirect(send: Send, to: str, extra: Iterable[Header] = ()) -> None:
    """303: the browser asks for `to` with GET."""
    await answer(send, 303, b"", extra=[(b"location", to.encode("latin-1", "replace")), *extra])


def retry_after(seconds: float) -> Header:
    return (b"retry-after", str(max(1, round(seconds))).encode())
