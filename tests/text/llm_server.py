"""A made-up OpenAI-compatible server on a thread: a test says how it answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[["Handler", dict[str, Any]], None]


class Handler(BaseHTTPRequestHandler):
    """One request. `seen` keeps what was asked."""

    reply: Reply
    seen: list[tuple[str, dict[str, str], dict[str, Any]]]
    gone: threading.Event  # set when the client has closed the connection

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        try:
            type(self).reply(self, body)
        except (BrokenPipeError, ConnectionResetError):
            self.gone.set()

    def answer(self, status: int, text: str | bytes, kind: str = "application/json", **headers: str) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def begin(self) -> None:
        """An event stream; it ends when the connection is closed."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()

    def raw(self, text: str) -> None:
        self.wfile.write(text.encode())
        self.wfile.flush()

    def piece(self, content: str, finish: str | None = None) -> None:
        self.raw(f"data: {json.dumps({'choices': [{'delta': {'content': content}, 'finish_reason': finish}]})}\n\n")

    def usage(self, **values: float) -> None:
        self.raw(f"data: {json.dumps({'choices': [], 'usage': values})}\n\n")

    def done(self) -> None:
        self.raw("data: [DONE]\n\n")

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(reply: Reply) -> Iterator[tuple[str, type[Handler]]]:
    """(base URL, the handler class with `seen` and `gone`)."""
    kind = type("Made", (Handler,), {"reply": staticmethod(reply), "seen": [], "gone": threading.Event()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", kind
    finally:
        server.shutdown()
        server.server_close()
