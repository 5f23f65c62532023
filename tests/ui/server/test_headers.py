"""Every answer tells the browser what to refuse; the page's own scripts, and only those, carry its nonce."""

from __future__ import annotations

import re

import anyio
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from hsi_studio.ui.server.answers import refuse
from hsi_studio.ui.server.headers import FIXED, SecurityHeaders
from tests.ui.server.asgi import ask, scope

PAGE = "<!doctype html><script>window.a = 1</script><script type='module' src='/a.js'></script><scripty>x</scripty>"


@pytest.fixture
def client() -> TestClient:
    from gradio.route_utils import CustomCORSMiddleware

    routes = [
        Route("/", lambda _: HTMLResponse(PAGE)),
        Route("/other", lambda _: HTMLResponse(PAGE)),
        Route("/json", lambda _: JSONResponse({})),
        Route("/strict", lambda _: PlainTextResponse("x", headers={"content-security-policy": "default-src 'none'"})),
    ]
    inner = Starlette(routes=routes, middleware=[Middleware(CustomCORSMiddleware)])
    return TestClient(SecurityHeaders(inner), base_url="http://maps.example.org")


def test_every_answer_has_them_also_a_refusal(client: TestClient) -> None:
    for path in ("/", "/json", "/missing", "/other"):
        answer = client.get(path)
        for name, value in FIXED.items():
            assert answer.headers.get_list(name.decode()) == [value.decode()], path
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers

    async def refused(asked: object, receive: object, send: object) -> None:
        await refuse(send, 403, "no")  # type: ignore[arg-type]

    answer = anyio.run(ask, SecurityHeaders(refused), scope("GET", "/x"))
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_pages_scripts_carry_a_nonce_that_is_new_each_time(client: TestClient) -> None:
    nonces = set()
    for _ in range(3):
        answer = client.get("/", headers={"accept-encoding": "br, gzip"})
        found = set(re.findall(r'<script nonce="([\w-]+)"', answer.text))
        assert len(found) == 1
        assert answer.text.count("<script nonce=") == 2
        assert "<scripty>" in answer.text
        assert f"'nonce-{next(iter(found))}'" in answer.headers["content-security-policy"]
        assert int(answer.headers["content-length"]) == len(answer.content)
        nonces |= found
    assert len(nonces) == 3


def test_what_comes_before_gradio_stands_there_once_and_nowhere_else() -> None:
    page = "<head></head><body><gradio-app></gradio-app><p>&lt;gradio-app</p></body>"
    inner = Starlette(routes=[Route(path, lambda _: HTMLResponse(page)) for path in ("/", "/other")])
    client = TestClient(SecurityHeaders(inner, before="<b>…</b><script>1</script>"), base_url="http://localhost")
    answer = client.get("/")
    assert re.search(r'<body><b>…</b><script nonce="[\w-]+">1</script><gradio-app></gradio-app><p>', answer.text)
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert client.get("/other").text == page


def test_scripts_written_into_any_page_do_not_run(client: TestClient) -> None:
    for path in ("/", "/other", "/json"):
        policy = dict(
            part.strip().partition(" ")[::2] for part in client.get(path).headers["content-security-policy"].split(";")
        )
        assert "'unsafe-inline'" not in policy["script-src"]
        assert policy["object-src"] == "'none'"
        assert policy["base-uri"] == policy["form-action"] == policy["connect-src"] == "'self'"
    assert "nonce" not in client.get("/other").headers["content-security-policy"]


def test_a_route_may_be_stricter(client: TestClient) -> None:
    assert client.get("/strict").headers.get_list("content-security-policy") == ["default-src 'none'"]


def test_no_other_page_may_read_an_answer(client: TestClient) -> None:
    """Gradio's own middleware lets any origin read with credentials, unless the host is called localhost."""
    inner = client.app.app  # type: ignore[attr-defined]
    before = TestClient(inner, base_url="http://maps.example.org").get(
        "/json", headers={"origin": "http://evil.example"}
    )
    assert before.headers["access-control-allow-origin"] == "http://evil.example"  # else this test proves nothing
    after = client.get("/json", headers={"origin": "http://evil.example"})
    assert not [name for name in after.headers if name.startswith("access-control-")]
    assert after.headers["cross-origin-resource-policy"] == "same-origin"
