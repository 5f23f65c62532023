"""Every route and every verb of the page answers whatever is sent: no 500, no traceback, no folder of the server."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import gradio as gr
import pytest
from gradio.state_holder import SessionState
from starlette.requests import Request
from starlette.testclient import TestClient

from benchmarks.fuzz.targets import flat
from hsi_studio.ui.app import App, build
from tests.edges.hostile import ANY, SOME, nothing_unforeseen

GOOD = {"row": "3", "col": "3", "x": "0", "y": "0", "z": "0", "lo": "2", "hi": "98", "kind": "md", "revision": "0"}


@pytest.fixture(scope="module")
def app(studio: Any, file: Any) -> App:
    return build(studio, str(file))


@pytest.fixture(scope="module")
def client(app: App) -> Iterator[TestClient]:
    """With `server`: the application behind all layers."""
    outermost = app.asgi()
    with TestClient(outermost, base_url="http://localhost", raise_server_exceptions=False) as made:
        made.server = app.server  # type: ignore[attr-defined]
        yield made


def ours(client: TestClient) -> list[tuple[str, str]]:
    """(path, method) of every route that is not Gradio's, from the application's own table."""
    table = flat(client.server.routes)  # type: ignore[attr-defined]
    found = {(one.path, method) for one in table for method in getattr(one, "methods", None) or ()}
    return sorted((path, method) for path, method in found if path.startswith("/hsi"))


def test_the_table_is_whole(client: TestClient) -> None:
    assert len(ours(client)) >= 15


@pytest.mark.slow
def test_every_route_answers_every_path(client: TestClient, studio: Any, project: str) -> None:
    good = {**GOOD, "project_id": project, "scene_id": studio.scene_of(project).id, "run_id": "x", "name": "x"}
    with nothing_unforeseen():
        for path, method in ours(client):
            names = re.findall(r"\{([^}:]*)[^}]*\}", path)
            for name in names:
                for text in (*SOME, "1e999", "99999999999999999999"):
                    part = quote(text.encode("utf-8", "replace"), safe="") or "%20"

                    def fill(found: re.Match[str], name: str = name, part: str = part) -> str:
                        return part if found[1] == name else str(good.get(found[1], "1"))

                    place = re.sub(r"\{([^}:]*)[^}]*\}", fill, path)
                    answer = client.request(method, place, follow_redirects=False)
                    assert answer.status_code < 500, (method, place, answer.text)
                    assert "Traceback" not in answer.text


@pytest.mark.slow
def test_every_route_answers_every_question(client: TestClient, studio: Any, project: str) -> None:
    good = {**GOOD, "project_id": project, "scene_id": studio.scene_of(project).id}
    names = ("report", "since", "follow", "params", "method", "prompts", "seed", "setup", "runs")
    with nothing_unforeseen():
        for path, method in ours(client):
            place = re.sub(r"\{([^}:]*)[^}]*\}", lambda found: str(good.get(found[1], "1")), path)
            for value in SOME:
                asked = {name: value.encode("utf-8", "replace").decode()[:900] for name in names}
                answer = client.request(method, place, params=asked, follow_redirects=False)
                assert answer.status_code < 500, (method, place, value, answer.text)


@pytest.mark.parametrize("value", ANY, ids=lambda value: repr(value)[:20])
def test_a_click_of_any_kind_is_answered(value: Any, client: TestClient, project: str) -> None:
    """NaN and half characters can be sent as JSON; what is answered must be JSON that any browser reads."""
    if isinstance(value, bytes):
        value = value.decode()
    good = {"do": "pick", "row": 3, "col": 3, "class_id": "x", "n": 0}
    bodies: list[Any] = [
        value,
        {"acts": value},
        {"acts": [value]},
        *({"acts": [{**good, name: value}]} for name in good),
    ]
    with nothing_unforeseen():
        for body in bodies:
            sent = {"content": json.dumps(body).encode(), "headers": {"content-type": "application/json"}}
            answer = client.post(f"/hsi/acts/{project}", **sent)  # type: ignore[arg-type]
            assert answer.status_code < 500, (body, answer.text)
            json.loads(answer.content, parse_constant=pytest.fail)


def test_a_request_that_makes_no_sense_is_told_where_and_not_what_was_sent(client: TestClient, project: str) -> None:
    answer = client.post(f"/hsi/acts/{project}", json={"acts": [{"do": "secret-word" * 1000}]})
    assert answer.status_code == 422
    assert "acts.0.do" in answer.json()["detail"]
    assert len(answer.content) < 500


@pytest.mark.slow
def test_every_verb_of_the_page_takes_anything(app: App, project: str, recwarn: pytest.WarningsRecorder) -> None:
    """What Gradio's components refuse is refused in a sentence; what reaches a handler ends in a toast."""
    verbs = [made for made in app.blocks.fns.values() if made.fn is not None]
    assert len(verbs) > 40
    harmless = ("../../x", "\ud800", 10**40, float("nan"), None, {"x": 1}, [None, "x"])

    told: list[str] = []
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"project=../../x"}
    asked = gr.Request(request=Request(scope))

    async def fire(made: Any, values: list[Any]) -> None:
        event = gr.EventData(None, {"index": values[0] if values else None, "value": "x"})
        try:
            await app.blocks.process_api(
                made, values, state=SessionState(app.blocks), event_data=event, session_hash="hostile", request=asked
            )
        except gr.Error as error:
            told.append(str(error))

    async def everything() -> None:
        for made in verbs:
            count = len(made.inputs)
            for value in harmless:
                await fire(made, [project, *[value] * (count - 1)] if count > 1 else [value])
            await fire(made, ["\ud800"] * count)

    with nothing_unforeseen():
        asyncio.run(everything())
    assert max(map(len, told), default=0) < 500


def test_what_nobody_foresaw_is_a_sentence_with_a_number(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    server = client.server  # type: ignore[attr-defined]

    @server.get("/hsi/broken")
    def broken() -> None:
        raise KeyError("/srv/secret/place")

    @server.get("/hsi/full")
    def full() -> None:
        raise OSError(28, "No space left on device", "/srv/secret/place/run.json")

    server.router.routes[:0] = [server.router.routes.pop(), server.router.routes.pop()]  # before Gradio's, at "/"
    answer = client.get("/hsi/broken")
    assert answer.status_code == 500
    number = re.findall(r"error ([0-9a-f]{8})", answer.json()["detail"])
    assert "secret" not in answer.text
    assert any(number[0] in record.getMessage() and record.exc_info for record in caplog.records)
    answer = client.get("/hsi/full")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("run.json: the disk is full. Delete")
