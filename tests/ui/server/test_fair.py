"""A budget of threads for each owner: who waits for the own lock delays nobody else."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import anyio
import gradio as gr
import pytest
from anyio import to_thread

from hsi_studio.errors import BadRequest
from hsi_studio.ui import toasts
from hsi_studio.ui.server.fair import BUSY, Budget, Busy, FairShare, lane_of, limit_handlers
from hsi_studio.ui.server.owners import HEADER
from hsi_studio.ui.server.stack import owner_of
from tests.ui.server.asgi import Answer, ask, scope


def waiting_on(lock: threading.Lock, threads: anyio.CapacityLimiter) -> Any:
    """An application with a small pool of threads, where a request for /hsi/acts/locked waits for a lock."""

    async def app(asked: Any, receive: Any, send: Any) -> None:
        def work() -> None:
            if asked["path"].endswith("locked"):
                lock.acquire()
                lock.release()

        await to_thread.run_sync(work, limiter=threads)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return app


def test_sixty_clicks_on_one_lock_do_not_delay_another_users() -> None:
    lock = threading.Lock()
    lock.acquire()

    async def go() -> None:
        app = FairShare(waiting_on(lock, anyio.CapacityLimiter(12)), Budget({"work": 6}), owner_of)
        answers: list[Answer] = []

        async def click(owner: str, project: str) -> None:
            answers.append(await ask(app, scope("POST", f"/hsi/acts/{project}", **{HEADER: owner})))

        async with anyio.create_task_group() as group:
            for _ in range(60):
                group.start_soon(click, "ana", "locked")
            await anyio.sleep(0.05)
            with anyio.fail_after(5):  # it would wait for ever: all twelve threads would be Ana's
                await click("ben", "free")
            assert len(answers) == 1
            lock.release()
        assert [answer.status for answer in answers] == [200] * 61  # none of Ana's is lost

    anyio.run(go)


def test_who_waits_too_long_gets_a_sentence_and_when_to_come_back() -> None:
    lock = threading.Lock()
    lock.acquire()

    async def go() -> Answer:
        budget = Budget({"work": 1}, {"work": 0.02})
        app = FairShare(waiting_on(lock, anyio.CapacityLimiter(5)), budget, owner_of)
        async with anyio.create_task_group() as group:
            group.start_soon(ask, app, scope("POST", "/hsi/acts/locked", **{HEADER: "ana"}))
            await anyio.sleep(0.02)
            assert budget.working("ana")
            answer = await ask(app, scope("POST", "/hsi/acts/p", **{HEADER: "ana"}))
            lock.release()
        assert not budget.working("ana")
        assert not budget.inside  # nothing is remembered of who has gone
        assert not budget._taken
        return answer

    answer = anyio.run(go)
    assert answer.status == 503
    assert BUSY.encode() in answer.body
    assert "retry-after" in answer.headers


def test_the_line_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hsi_studio.ui.server.fair.LINE", 2)

    async def go() -> None:
        budget = Budget({"work": 1})
        async with anyio.create_task_group() as group:

            async def hold() -> None:
                async with budget.place("ana", "work"):
                    await anyio.sleep_forever()

            for _ in range(3):
                group.start_soon(hold)
            await anyio.sleep(0.01)
            with pytest.raises(Busy):
                async with budget.place("ana", "work"):
                    pass
            async with budget.place("ben", "work"):
                pass
            group.cancel_scope.cancel()

    anyio.run(go)


@pytest.mark.parametrize(
    ("path", "lane"),
    [
        ("/hsi/acts/p", "work"), ("/hsi/follow/p", "follow"), ("/hsi/tile/s/true/2-98/0/0/0.png", "work"),
        ("/hsi/web/abc/viewer.js", ""), ("/", ""), ("/gradio_api/queue/join", ""), ("/gradio_api/upload", "upload"),
        ("/gradio_api/queue/data", "stream"), ("/gradio_api/heartbeat/x", "stream"), ("/gradio_api/file=/x", "work"),
    ],
)  # fmt: skip
def test_lanes(path: str, lane: str) -> None:
    assert lane_of("GET", path) == lane


def handler(function: Any, owner: str = "ana", budget: Budget | None = None) -> Any:
    made = SimpleNamespace(fn=function)
    limit_handlers([made], budget or Budget(), lambda: owner, toasts.told)
    return made.fn


def test_handlers_of_the_page_wait_for_their_visitors_place_without_a_thread() -> None:
    lock, begun = threading.Lock(), list[int]()

    def slow(number: int) -> int:
        begun.append(number)
        lock.acquire()
        lock.release()
        return number

    async def go() -> None:
        budget, answers = Budget({"event": 2}), list[int]()
        anas, bens = handler(slow, "ana", budget), handler(lambda: 7, "ben", budget)

        async def one(number: int) -> None:
            answers.append(await anas(number))

        lock.acquire()
        async with anyio.create_task_group() as group:
            for number in range(8):
                group.start_soon(one, number)
            try:
                with anyio.fail_after(30):
                    while len(begun) < 2:
                        await anyio.sleep(0.01)
                assert await bens() == 7
                assert len(begun) == 2
            finally:
                lock.release()
        assert sorted(answers) == list(range(8))

    anyio.run(go)


def test_what_a_handler_raises_becomes_words_without_paths_or_markup() -> None:
    def fails(error: Exception) -> None:
        raise error

    async def told(error: Exception) -> str:
        with pytest.raises(gr.Error) as caught:
            await handler(fails)(error)
        return str(caught.value.message)

    assert anyio.run(told, BadRequest("There is no <b>x</b>.")) == "There is no &lt;b&gt;x&lt;/b&gt;."
    said = anyio.run(told, KeyError("/home/ana/secret"))
    assert "KeyError" in said
    assert "secret" not in said


def test_names_in_toasts_are_text(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(gr, "Info", said.append)
    monkeypatch.setattr(gr, "Warning", said.append)
    toasts.tell('“<h1>corn</h1>” is "imported".')
    toasts.warn(BadRequest("<img src=x onerror=alert(1)> & more"))
    assert said == [
        '“&lt;h1&gt;corn&lt;/h1&gt;” is "imported".', "&lt;img src=x onerror=alert(1)&gt; &amp; more",
    ]  # fmt: skip
