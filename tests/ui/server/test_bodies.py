"""A request's size is looked at before it is read, and while it is."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from hsi_studio.ui.server import bodies
from hsi_studio.ui.server.bodies import ACTS_BYTES, EVENT_BYTES, OTHER_BYTES, UPLOAD, Bodies, most_bytes
from tests.ui.server.asgi import Answer, Message, ask, body, reading, scope


def asked(
    messages: list[Message], method: str = "POST", path: str = "/hsi/acts/p", **headers: str
) -> tuple[Answer, int]:
    """(answer, messages that were read)."""
    count = [0]

    def read() -> None:
        count[0] += 1

    async def go() -> Answer:
        return await ask(Bodies(reading, 1 << 20), scope(method, path, **headers), messages, read)

    return anyio.run(go), count[0]


@pytest.mark.parametrize(
    ("path", "most"),
    [("/hsi/acts/p", ACTS_BYTES), ("/gradio_api/queue/join", EVENT_BYTES), ("/hsi/leave", OTHER_BYTES)],
)
def test_what_says_to_be_too_large_is_refused_without_reading_a_byte(path: str, most: int) -> None:
    assert most_bytes("POST", path) == most
    answer, read = asked(body(b"x", more=True), path=path, content_length=str(most + 1))
    assert (answer.status, read) == (413, 0)
    answer, _ = asked(body(b"x" * most), path=path, content_length=str(most))
    assert (answer.status, answer.body) == (200, str(most).encode())


def test_what_does_not_say_its_size_is_counted_on_the_way() -> None:
    """190 MB in chunks: a few pieces are read, none is kept."""
    answer, read = asked(body(*[b"x" * 65_536] * 3000), transfer_encoding="chunked")
    assert answer.status == 413
    assert read == ACTS_BYTES // 65_536 + 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT", "OPTIONS"])
def test_no_method_brings_a_large_body(method: str) -> None:
    assert asked([], method, content_length=str(OTHER_BYTES + 1))[0].status == 413


@pytest.mark.parametrize("length", ["-1", "1e9", "x", "9" * 40, "1, 2", "²"])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    assert asked([], content_length=length)[0].status == 400


def test_a_small_body_that_does_not_arrive_holds_nothing_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SLOW_S", 0.02)
    answer, read = asked(body(b"x", more=True), content_length="10")
    assert (answer.status, read) == (408, 2)


def test_an_upload_says_its_size_and_is_asked_about_before_it_is_read() -> None:
    seen: list[int] = []

    async def admit(asked: Any, size: int) -> str:
        seen.append(size)
        return "Your folder is full." if size == 77 else ""

    async def go(messages: list[Message], **headers: str) -> Answer:
        def read() -> None:
            if headers.get("content_length") == "77":
                pytest.fail("it was read")

        return await ask(Bodies(reading, 1000, admit), scope("POST", UPLOAD, **headers), messages, read)

    assert anyio.run(go, body(b"x" * 9)).status == 411
    refused = anyio.run(lambda: go(body(b"x" * 77), content_length="77"))
    assert (refused.status, b"full" in refused.body) == (507, True)
    assert anyio.run(lambda: go([], content_length=str(1001 + bodies.MULTIPART))).status == 413
    assert anyio.run(lambda: go(body(b"x" * 9), content_length="9")).body == b"9"
    assert seen == [77, 9]


def test_an_upload_that_stops_or_is_longer_than_it_said_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SILENT_S", 0.02)
    stopped, _ = asked(body(b"x" * 5, more=True), path=UPLOAD, content_length="10")
    assert (stopped.status, b"nothing came" in stopped.body) == (408, True)
    longer, _ = asked(body(b"x" * 5, b"x" * 50), path=UPLOAD, content_length="10")
    assert (longer.status, b"more than" in longer.body) == (408, True)


def test_an_upload_that_trickles_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 10
        return now[0]

    monkeypatch.setattr("hsi_studio.ui.server.bodies.time.monotonic", clock)
    answer, read = asked(body(*[b"x"] * 100), path=UPLOAD, content_length="100")
    assert (answer.status, b"too slowly" in answer.body) == (408, True)
    assert read < 10
