"""What is kept of pages that were loaded, and of answers that nobody fetches, is bounded; nobody pays for another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest
from fastapi import FastAPI
from starlette.routing import Mount
from starlette.testclient import TestClient

from hsi_studio.ui.server.page_sessions import PageSessions, Unfetched, bound, remembering

OWNER = "x-owner"


@pytest.fixture  # a new one for each test: what one leaves in the queue when its server ends is no business of the next
def blocks() -> gr.Blocks:
    with gr.Blocks(analytics_enabled=False) as made:
        text = gr.Textbox()
        text.change(lambda given: given * 1000, text, text)
    made.queue(default_concurrency_limit=None)
    return made


@pytest.fixture
def sessions() -> PageSessions:
    return PageSessions(most=6, most_of_one=4)


@pytest.fixture
def client(blocks: gr.Blocks, sessions: PageSessions) -> Iterator[TestClient]:
    server = FastAPI(openapi_url=None)
    gr.mount_gradio_app(server, blocks, path="/", ssr_mode=False)
    blocks.has_launched = True
    bound(blocks, cast(Mount, server.routes[-1]).app, sessions)
    asked_by = remembering(server, lambda scope: dict(scope["headers"]).get(OWNER.encode(), b"").decode())
    with TestClient(asked_by) as made:
        yield made


def join(client: TestClient, session: str, owner: str = "") -> None:
    body = {"data": ["x"], "fn_index": 0, "session_hash": session}
    client.post("/gradio_api/queue/join", json=body, headers={OWNER: owner}).raise_for_status()


def fetched(client: TestClient, session: str) -> str:
    """The whole stream of a page."""
    return client.get("/gradio_api/queue/data", params={"session_hash": session}).text


def test_of_an_owner_and_of_all_together_so_many_are_kept(client: TestClient, sessions: PageSessions) -> None:
    join(client, "ben's page", "ben")
    for number in range(9):
        join(client, f"script {number}", "ana")
    assert list(sessions.session_data) == ["ben's page", *(f"script {n}" for n in range(5, 9))]
    assert sessions.time_last_used.keys() == sessions.session_data.keys()
    join(client, "cleo's page", "cleo")
    join(client, "dan's page", "dan")
    kept = list(sessions.session_data)
    assert len(kept) == 6
    assert "script 5" not in kept, "who has most loses the one that was used longest ago"
    assert {"ben's page", "cleo's page", "dan's page"} <= set(kept)


def test_a_page_whose_session_has_gone_goes_on(client: TestClient, sessions: PageSessions) -> None:
    join(client, "page", "ana")
    assert "x" * 1000 in fetched(client, "page")
    for number in range(9):
        join(client, f"script {number}", "ana")
    assert "page" not in sessions.session_data
    join(client, "page", "ana")
    assert "x" * 1000 in fetched(client, "page")


def test_answers_that_nobody_fetches_are_thrown_away(client: TestClient, blocks: gr.Blocks) -> None:
    queue: Any = blocks._queue
    unfetched = Unfetched(blocks)
    for number in range(3):
        join(client, "script", "ana")
        join(client, f"script {number}", "ana")
    join(client, "page", "ben")
    until = time.monotonic() + 20
    while queue.event_ids_to_events and time.monotonic() < until:
        time.sleep(0.01)
    unfetched.tidy()
    assert {"script", "page"} <= queue.pending_messages_per_session.keys(), "a page may be on its way"
    assert "x" * 1000 in fetched(client, "page")
    unfetched.tidy()
    assert queue.pending_messages_per_session.keys() == {"page"}, "it moved since: its next stream may be open"
    unfetched.tidy()
    assert not queue.pending_messages_per_session
    assert not queue.pending_event_ids_session
    join(client, "page", "ben")
    assert "x" * 1000 in fetched(client, "page")


def test_a_place_of_which_an_answer_is_fetched_each_round_stays(client: TestClient, blocks: gr.Blocks) -> None:
    """One answer waits at every round, another each time: a busy page, whose open stream would end with an error."""
    queue: Any = blocks._queue
    unfetched = Unfetched(blocks)
    for _ in range(3):
        join(client, "page", "ben")
        until = time.monotonic() + 20
        while queue.event_ids_to_events and time.monotonic() < until:
            time.sleep(0.01)
        unfetched.tidy()
        assert "page" in queue.pending_messages_per_session
        assert "x" * 1000 in fetched(client, "page")


def test_the_place_of_an_open_stream_stays(client: TestClient, blocks: gr.Blocks) -> None:
    queue: Any = blocks._queue
    unfetched = Unfetched(blocks)
    join(client, "page", "ben")
    fetched(client, "page")
    stream: Any = SimpleNamespace(done=lambda: False)  # waits in Queue.get
    queue.pending_messages_per_session["page"]._getters.append(stream)
    for _ in range(3):
        unfetched.tidy()
    assert "page" in queue.pending_messages_per_session
    queue.pending_messages_per_session["page"]._getters.clear()
    unfetched.tidy()
    assert "page" not in queue.pending_messages_per_session


def test_an_event_that_comes_in_the_instant_of_tidying_finds_its_place(client: TestClient, blocks: gr.Blocks) -> None:
    queue: Any = blocks._queue
    unfetched = Unfetched(blocks)
    join(client, "page", "ben")
    fetched(client, "page")
    unfetched.tidy()
    at_work = iter((False, True, True))  # it came after the first look
    unfetched._at_work = lambda session: next(at_work)  # type: ignore[method-assign]
    unfetched.tidy()
    assert "page" in queue.pending_messages_per_session


def test_gradio_still_keeps_its_answers_where_they_are_looked_for(blocks: gr.Blocks) -> None:
    queue: Any = blocks._queue
    for name in ("pending_messages_per_session", "pending_event_ids_session", "event_ids_to_events"):
        assert isinstance(getattr(queue, name), dict)
