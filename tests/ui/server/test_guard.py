"""The guard stands before every route: foreign Host names and missing passwords get no answer."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from hsi_studio.ui.server.guard import LOOPBACK, OWNER_COOKIE, TOKEN, Guard
from hsi_studio.ui.server.owners import GUEST, HEADER, NOBODY


def client(**options: str) -> TestClient:
    inner = Starlette(routes=[Route("/hsi/x", lambda _: PlainTextResponse("secret"), methods=["GET", "POST"])])
    return TestClient(Guard(inner, LOOPBACK, **options), base_url="http://localhost")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:7860", "[::1]:7860", "LOCALHOST:80"])
def test_loopback_names_are_served(host: str) -> None:
    assert client().get("/hsi/x", headers={"host": host}).text == "secret"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "localhost.evil.example", "127.0.0.1.evil.example:7860", "",
        "xlocalhost", "evil-localhost:7860", "evil.localhost", "9127.0.0.1:7860", "[::1", "[x::1]:7860",
        "localhost:7860:evil",
    ],
)  # fmt: skip
def test_a_foreign_host_name_is_refused(host: str) -> None:
    answer = client().get("/hsi/x", headers={"host": host})
    assert answer.status_code == 400
    assert "secret" not in answer.text


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://localhost.evil.example:7860", ""])
def test_another_page_cannot_change_anything(origin: str) -> None:
    answer = client().post("/hsi/x", headers={"origin": origin})
    assert answer.status_code == 403
    assert "secret" not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "delete", "PURGE"])
def test_no_way_of_changing_something_is_open_to_another_page(method: str) -> None:
    answer = client().request(method, "/hsi/x", headers={"origin": "http://evil.example"})
    assert answer.status_code == 403
    own = client().request(method, "/hsi/x", headers={"origin": "http://localhost"})
    assert own.status_code in (200, 405)  # let through, whatever the route makes of it


@pytest.mark.parametrize(
    "origin", ["http://xlocalhost", "http://evil.example/localhost", "localhost", "http://localhost@evil.example"]
)
def test_an_origin_that_only_looks_like_ours_is_foreign(origin: str) -> None:
    assert client().post("/hsi/x", headers={"origin": origin}).status_code == 403


def test_the_own_page_and_programs_can() -> None:
    assert client().post("/hsi/x", headers={"origin": "http://localhost"}).text == "secret"
    assert client().post("/hsi/x").text == "secret"


def told(request: Request) -> JSONResponse:
    """What the guard says of a request."""
    return JSONResponse({name: request.headers.getlist(name) for name in (HEADER, GUEST)})


def asked(**options: Any) -> TestClient:
    inner = Starlette(routes=[Route("/{path:path}", told)])
    return TestClient(Guard(inner, LOOPBACK, **options), base_url="http://localhost")


def test_no_client_can_say_whose_request_it_is() -> None:
    forged = {HEADER: "ben", HEADER.upper(): "ben", GUEST: "a" * 40}
    guarded = asked(user="ana", password="pa:ss")
    assert guarded.get("/hsi/x", auth=("ana", "pa:ss"), headers=forged).json() == {HEADER: ["ana"], GUEST: [""]}
    assert asked().get("/hsi/x", headers=forged).json() == {HEADER: [NOBODY], GUEST: [""]}


def test_a_file_of_another_owner_is_refused_however_it_is_asked_for() -> None:
    seen: list[tuple[str, str, Path]] = []

    def may_read(owner: str, share: str, file: Path) -> bool:
        seen.append((owner, share, file))
        return file == Path("/home/ana/map.tif")

    guarded = asked(user="ana", password="pa:ss", may_read=may_read)
    for route in ("/file=", "/file/", "/gradio_api/file="):
        assert guarded.get(f"{route}/home/ana/map.tif", auth=("ana", "pa:ss")).status_code == 200
        assert guarded.get(f"{route}/home/ben/map.tif", auth=("ana", "pa:ss")).status_code == 403
        assert guarded.get(f"{route}/home/ana/%2e%2e/ben/map.tif", auth=("ana", "pa:ss")).status_code == 403
    assert {owner for owner, *_ in seen} == {"ana"}
    assert guarded.get("/hsi/tile/1", auth=("ana", "pa:ss")).status_code == 200


def test_a_browsers_cookie_is_its_own_secret() -> None:
    """Each browser is an owner; the cookie cannot be read by scripts, sent by other pages, or guessed from the name."""
    first, second = asked(per_session=True), asked(per_session=True)
    answer = first.get("/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie  # plain http on the own computer
    token = first.cookies[OWNER_COOKIE]
    assert TOKEN.match(token)
    (owner,) = answer.json()[HEADER]
    assert owner.startswith("s-")
    assert token not in owner
    assert first.get("/hsi/x").json()[HEADER] == [owner]
    assert "set-cookie" not in first.get("/").headers
    assert second.get("/").json()[HEADER] != [owner]
    assert asked(per_session=True).get("/hsi/x", headers={"cookie": f"{OWNER_COOKIE}=short"}).json()[HEADER] == [NOBODY]


def test_a_password_is_asked_for_and_checked() -> None:
    guarded = client(user="ana", password="pa:ss")
    assert guarded.get("/hsi/x").status_code == 401
    assert guarded.get("/hsi/x", headers={"authorization": "Basic !!!"}).status_code == 401
    wrong = base64.b64encode(b"ana:pa").decode()
    assert guarded.get("/hsi/x", headers={"authorization": f"Basic {wrong}"}).status_code == 401
    assert guarded.get("/hsi/x", auth=("ana", "pa:ss")).text == "secret"
