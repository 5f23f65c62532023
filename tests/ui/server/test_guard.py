"""The guard stands before every route: foreign Host names and missing passwords get no answer."""

from __future__ import annotations

import base64

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from hsi_studio.ui.server.guard import LOOPBACK, Guard


def client(**options: str) -> TestClient:
    inner = Starlette(routes=[Route("/hsi/x", lambda _: PlainTextResponse("secret"), methods=["GET", "POST"])])
    return TestClient(Guard(inner, LOOPBACK, **options), base_url="http://localhost")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:7860", "[::1]:7860", "LOCALHOST:80"])
def test_loopback_names_are_served(host: str) -> None:
    assert client().get("/hsi/x", headers={"host": host}).text == "secret"


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:7860", ""])
def test_a_foreign_host_name_is_refused(host: str) -> None:
    answer = client().get("/hsi/x", headers={"host": host})
    assert answer.status_code == 400
    assert "secret" not in answer.text


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://localhost.evil.example:7860", ""])
def test_another_page_cannot_change_anything(origin: str) -> None:
    answer = client().post("/hsi/x", headers={"origin": origin})
    assert answer.status_code == 403
    assert "secret" not in answer.text


def test_the_own_page_and_programs_can() -> None:
    assert client().post("/hsi/x", headers={"origin": "http://127.0.0.1:7860"}).text == "secret"
    assert client().post("/hsi/x").text == "secret"


def test_a_password_is_asked_for_and_checked() -> None:
    guarded = client(user="ana", password="pa:ss")
    assert guarded.get("/hsi/x").status_code == 401
    assert guarded.get("/hsi/x", headers={"authorization": "Basic !!!"}).status_code == 401
    wrong = base64.b64encode(b"ana:pa").decode()
    assert guarded.get("/hsi/x", headers={"authorization": f"Basic {wrong}"}).status_code == 401
    assert guarded.get("/hsi/x", auth=("ana", "pa:ss")).text == "secret"
