"""Connections that are silent or slow are closed, and never keep others out. One small server for the file."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from hsi_studio.ui.server import connections
from hsi_studio.ui.server.bodies import Bodies
from hsi_studio.ui.server.connections import HEAD_BYTES, Idle, most_connections
from hsi_studio.ui.server.stack import uvicorn_config
from tests.ui.server.asgi import reading

HEAD_S, MOST = 0.4, 20
REQUEST = b"GET /hsi/x HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def idle() -> Idle:
    return Idle(MOST, HEAD_S)


@pytest.fixture(scope="module")
def server(idle: Idle) -> Iterator[uvicorn.Server]:
    config = uvicorn_config(Bodies(reading, 1 << 20), "127.0.0.1", 0, idle)
    config.loop, config.lifespan = "asyncio", "off"
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server
    server.should_exit = True
    thread.join(5)


@pytest.fixture(scope="module")
def port(server: uvicorn.Server) -> int:
    return int(server.servers[0].sockets[0].getsockname()[1])


def dial(port: int, *, said: bytes = b"") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), 10)
    if said:
        made.sendall(said)
    return made


def heard(sock: socket.socket) -> bytes:
    """The next that comes; b"" = closed."""
    try:
        return sock.recv(65_536)
    except ConnectionError:
        return b""


def answered(sock: socket.socket) -> bytes:
    """A whole answer of `reading`, which comes in chunks."""
    got = heard(sock)
    while got and not got.endswith(b"0\r\n\r\n"):
        got += heard(sock)
    return got


@pytest.mark.parametrize(
    "said", [b"", b"G", b"GET / HTTP/1.1\r\nHost: localhost\r\n", REQUEST + b"GET /again HTTP/1.1\r\nX-A"]
)
def test_who_does_not_finish_a_head_is_closed(port: int, said: bytes) -> None:
    with dial(port, said=said) as slow:
        if said.startswith(REQUEST):
            assert b"200 OK" in answered(slow)
        assert heard(slow) == b""


def test_a_head_that_drips_is_closed_too(port: int) -> None:
    """The time runs from the first byte; each further byte does not start it anew."""
    with dial(port) as slow:
        for sent in range(100):  # noqa: B007
            try:
                slow.sendall(b"X")
            except ConnectionError:
                break
            slow.settimeout(0.1)
            try:
                if not slow.recv(10):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert sent < 20


def test_silent_connections_keep_nobody_out_and_are_bounded(port: int, idle: Idle) -> None:
    before = idle.closed
    silent = [dial(port) for _ in range(MOST * 3)]
    try:
        with dial(port, said=REQUEST) as visitor:
            assert b"200 OK" in answered(visitor)
        assert len(idle) <= MOST
        assert idle.closed - before >= MOST
    finally:
        for one in silent:
            one.close()


def test_who_has_asked_while_the_server_was_busy_is_not_the_one_that_goes(server: uvicorn.Server, port: int) -> None:
    """All come in at once then, and the visitor's request lies unread: it is no silent connection."""
    server.servers[0].get_loop().call_soon_threadsafe(time.sleep, 0.3)
    with dial(port, said=REQUEST) as visitor:
        silent = [dial(port) for _ in range(MOST * 3)]
        assert b"200 OK" in answered(visitor)
        for one in silent:
            one.close()


def test_a_connection_between_requests_stays(port: int) -> None:
    with dial(port) as kept:
        for _ in range(2):
            kept.sendall(REQUEST)
            assert b"200 OK" in answered(kept)
            threading.Event().wait(HEAD_S * 1.5)


def test_a_refused_body_is_not_read_for_ever(port: int) -> None:
    head = b"POST /hsi/acts/p HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000000\r\n\r\n"
    with dial(port, said=head) as large:
        assert b"413" in heard(large).split(b"\r\n", 1)[0]
        while heard(large):
            pass  # closed after a while, though nothing more was sent


def test_a_head_of_any_length_is_refused(port: int) -> None:
    with dial(port, said=b"GET /hsi/x HTTP/1.1\r\nX: " + b"x" * (3 * HEAD_BYTES)) as long:
        assert b"400" in heard(long).split(b"\r\n", 1)[0]


def test_of_too_many_the_one_that_waits_longest_of_the_address_that_has_most_goes() -> None:
    class One:
        def __init__(self, address: str, standing: int = 0) -> None:
            self.address, self.transport, self.standing = address, self, standing
            self.gone = False

        def abort(self) -> None:
            self.gone = True

        def has_said(self) -> bool:
            return False

    async def go() -> None:
        idle, many, others = Idle(5, 100), [One("6.6.6.6") for _ in range(4)], [One("1.1.1.1"), One("2.2.2.2")]
        waiting: list[Any] = [others[0], *many, others[1]]
        for one in waiting:
            idle.add(one, hurry=True)
        assert [one.gone for one in many] == [True, False, False, False]
        assert not any(one.gone for one in others)
        known, unknown = One("6.6.6.6", 2), One("6.6.6.6", 1)
        idle.add(known, hurry=False)  # type: ignore[arg-type]
        idle.add(unknown, hurry=False)  # type: ignore[arg-type]
        for _ in range(9):
            idle.add(One("6.6.6.6"), hurry=True)  # type: ignore[arg-type]
        assert not known.gone
        assert not unknown.gone  # those that asked for nothing go first
        for one in list(idle._waiting):
            idle.remove(one)
        assert len(idle) == 0

    asyncio.run(go())


def test_the_limit_of_connections_leaves_descriptors_for_files() -> None:
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        assert 64 <= most_connections() <= resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def test_who_reads_no_answer_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "WRITE_S", 0.01)

    class Transport:
        aborted = False

        def abort(self) -> None:
            self.aborted = True

    async def go() -> None:
        one = connections.Patient.__new__(connections.Patient)
        flow = type("Flow", (), {"pause_writing": lambda _: None, "resume_writing": lambda _: None})
        one.transport, one.flow = Transport(), flow()  # type: ignore[assignment]
        one.pause_writing()
        one.resume_writing()
        await asyncio.sleep(0.03)
        assert not one.transport.aborted  # it reads again
        one.pause_writing()
        await asyncio.sleep(0.03)
        assert one.transport.aborted

    asyncio.run(go())
