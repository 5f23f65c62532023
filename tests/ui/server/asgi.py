"""Requests to an ASGI application without a server: as scopes and messages, so that the test says when what arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import anyio

Message = dict[str, Any]


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def scope(method: str, path: str, **headers: str) -> Message:
    pairs = [
        (name.replace("_", "-").encode(), value.encode()) for name, value in {"host": "localhost", **headers}.items()
    ]
    return {
        "type": "http", "method": method, "path": path, "query_string": b"", "headers": pairs, "scheme": "http",
        "client": ("1.2.3.4", 5), "server": ("localhost", 80), "http_version": "1.1",
    }  # fmt: skip


def body(*pieces: bytes, more: bool = False) -> list[Message]:
    """The messages of a body; `more`: it never ends."""
    last = len(pieces) - 1
    return [{"type": "http.request", "body": p, "more_body": more or n < last} for n, p in enumerate(pieces)] or [
        {"type": "http.request", "body": b"", "more_body": False}
    ]


async def ask(
    app: Any, asked: Message, messages: list[Message] | None = None, read: Callable[[], None] = lambda: None
) -> Answer:
    """One request. After its messages nothing more comes, ever. `read()` is called for each message that is taken."""
    waiting, answer = list(messages if messages is not None else body()), Answer()

    async def receive() -> Message:
        read()
        if waiting:
            return waiting.pop(0)
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            assert not answer.status, "answered twice"
            answer.status = message["status"]
            answer.headers = {key.decode().lower(): value.decode() for key, value in message.get("headers", [])}
        else:
            answer.body += message.get("body", b"")

    await app(asked, receive, send)
    return answer


async def reading(asked: Message, receive: Any, send: Any) -> None:
    """An application that reads its whole body and says how long it was."""
    total = 0
    async for piece in pieces(receive):
        total += len(piece)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(total).encode()})


async def pieces(receive: Any) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ConnectionError("it went away")
        yield message.get("body", b"")
        if not message.get("more_body"):
            return
