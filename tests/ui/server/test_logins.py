"""Passwords: tried slowly, in a lane of their own; sessions that end; a form that leads nowhere else."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from hsi_studio.ui.server import logins as logins_module
from hsi_studio.ui.server.attempts import FORGET_S, LIMITS, Attempts
from hsi_studio.ui.server.guard import LOOPBACK, Guard
from hsi_studio.ui.server.logins import SESSION_COOKIE, WAITING, Logins, Refused, _own_path
from hsi_studio.ui.server.owners import HEADER
from hsi_studio.ui.server.sessions import MOST_OF_ONE, Sessions
from hsi_studio.users import Users, hashed


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


# ── how often one may try ───────────────────────────────────────────────────────────────────────


def test_a_few_tries_are_free_then_the_wait_doubles_up_to_a_lock(clock: Clock) -> None:
    attempts = Attempts(clock)
    free, longest = LIMITS["pair"]
    waits = []
    for _ in range(free + 12):
        waits.append(attempts.wait("ana", "1.2.3.4"))
        clock.now += waits[-1]
        attempts.failed("ana", "1.2.3.4")
    assert waits[:free] == [0.0] * free
    assert waits[free : free + 4] == [1.0, 2.0, 4.0, 8.0]
    assert waits[-1] == longest == 900.0


def test_another_address_is_not_locked_by_who_guesses(clock: Clock) -> None:
    """Else anybody could keep Ana out by typing her name."""
    attempts = Attempts(clock)
    for _ in range(30):
        attempts.failed("ana", "6.6.6.6")
    assert attempts.wait("ana", "6.6.6.6") > 0
    assert attempts.wait("ana", "1.2.3.4") == 0
    assert attempts.wait("ben", "6.6.6.6") == 0


def test_one_address_cannot_try_all_names_and_many_addresses_not_one(clock: Clock) -> None:
    attempts = Attempts(clock)
    for number in range(LIMITS["address"][0]):
        attempts.failed(f"user{number}", "6.6.6.6")
    assert attempts.wait("fresh", "6.6.6.6") > 0
    for number in range(LIMITS["name"][0]):
        attempts.failed("ana", f"10.0.{number // 250}.{number % 250}")
    assert 0 < attempts.wait("ana", "1.2.3.4") <= LIMITS["name"][1]


def test_the_right_password_and_time_forget(clock: Clock) -> None:
    attempts = Attempts(clock)
    for _ in range(6):
        attempts.failed("ana", "1.2.3.4")
    attempts.succeeded("ana", "1.2.3.4")
    assert attempts.wait("ana", "1.2.3.4") == 0
    for _ in range(6):
        attempts.failed("ana", "1.2.3.4")
    clock.now += FORGET_S + 1
    assert attempts.wait("ana", "1.2.3.4") == 0


def test_what_is_remembered_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hsi_studio.ui.server.attempts.MOST", 50)
    attempts = Attempts(clock)
    for number in range(1000):
        attempts.failed(f"u{number}", f"10.0.0.{number}")
    assert len(attempts._counts) == 50


# ── sessions ────────────────────────────────────────────────────────────────────────────────────


def test_a_session_ends_when_idle_and_in_any_case(clock: Clock) -> None:
    sessions = Sessions(idle_s=100, whole_s=1000, clock=clock)
    token = sessions.make("ana")
    for _ in range(9):
        clock.now += 99
        assert sessions.who(token) == "ana"
    idle = sessions.make("ben")
    clock.now += 101
    assert sessions.who(idle) is None
    clock.now += 9
    assert sessions.who(token) is None
    assert sessions.count() == {}


def test_a_user_has_so_many_sessions_and_the_oldest_goes(clock: Clock) -> None:
    sessions = Sessions(clock=clock)
    tokens = [sessions.make("ana") for _ in range(MOST_OF_ONE + 3)]
    ben = sessions.make("ben")
    assert sessions.count() == {"ana": MOST_OF_ONE, "ben": 1}
    assert [sessions.who(token) for token in tokens[:4]] == [None, None, None, "ana"]
    assert sessions.who(ben) == "ben"
    assert not any(token in repr(vars(sessions)) for token in tokens)  # only hashes are kept


# ── the lane ────────────────────────────────────────────────────────────────────────────────────


def test_a_storm_of_passwords_has_one_lane_and_a_short_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins_module, "ANSWER_S", 0.0)
    users, inside, most = Users({"ana": hashed("x")}), [0], [0]
    gate = threading.Event()

    def slow(name: str, password: str) -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        gate.wait(5)
        inside[0] -= 1

    monkeypatch.setattr(users, "check", slow)
    logins, refused = Logins(users), list[int]()

    async def storm() -> None:
        async def one(number: int) -> None:
            try:
                await logins.check(f"u{number}", "x", f"10.0.0.{number}")
            except Refused as error:
                refused.append(error.status)

        async with anyio.create_task_group() as group:
            for number in range(WAITING + 10):
                group.start_soon(one, number)
            while len(refused) < 10:
                await anyio.sleep(0.01)
            gate.set()

    anyio.run(storm)
    assert refused == [503] * 10
    assert most == [1]


def test_a_locked_pair_is_not_hashed_and_a_wrong_one_takes_the_same_time_whatever_the_name(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    logins, slept = Logins(Users({"ana": hashed("x")}), clock=clock), list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(logins_module, "sleep", sleep)

    async def tries() -> None:
        for name in ("ana", "nobody"):
            assert await logins.check(name, "wrong", "1.2.3.4") is None
        for _ in range(4):
            await logins.check("ana", "wrong", "1.2.3.4")
        monkeypatch.setattr(logins.users, "check", lambda *_: pytest.fail("hashed"))
        with pytest.raises(Refused) as refused:
            await logins.check("ana", "x", "1.2.3.4")
        assert (refused.value.status, refused.value.wait) == (429, 1.0)

    anyio.run(tries)
    assert slept[0] == slept[1] == logins_module.ANSWER_S


# ── over HTTP ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(logins_module, "ANSWER_S", 0.0)

    def told(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.headers[HEADER])

    inner = Starlette(routes=[Route("/", told), Route("/hsi/x", told, methods=["GET", "POST"])])
    return TestClient(
        Guard(inner, LOOPBACK, user="ana", password="blue sky"), base_url="http://localhost", follow_redirects=False
    )


BROWSER = {"accept": "text/html,application/xhtml+xml"}


def sign_in(client: TestClient, password: str = "blue sky", **more: str) -> Any:
    return client.post("/hsi/login", data={"name": "ana", "password": password, **more})


def test_a_browser_gets_the_form_and_comes_back_to_where_it_wanted(client: TestClient) -> None:
    away = client.get("/", headers=BROWSER)
    assert (away.status_code, away.headers["location"]) == (303, "/hsi/login?next=/")
    assert 'name="password"' in client.get(away.headers["location"]).text
    answer = sign_in(client, next="/?project=p1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?project=p1")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert client.get("/").text == "ana"


def test_wrong_passwords_are_said_then_delayed(client: TestClient) -> None:
    for _ in range(5):
        answer = sign_in(client, "red sea")
        assert answer.status_code == 401
        assert SESSION_COOKIE not in client.cookies
    answer = sign_in(client)  # even the right one must wait
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    assert "wait" in answer.text
    assert client.get("/hsi/x", auth=("ana", "blue sky")).status_code == 429


def test_signing_out_ends_the_session_and_needs_a_post(client: TestClient) -> None:
    sign_in(client)
    token = client.cookies[SESSION_COOKIE]
    assert client.get("/hsi/logout").status_code == 404
    assert client.get("/hsi/x").status_code == 200
    assert client.post("/hsi/logout").headers["location"] == "/hsi/login"
    stale = {"cookie": f"{SESSION_COOKIE}={token}"}
    assert client.get("/hsi/x", headers=stale).status_code == 401


def test_scripts_get_a_sentence_and_programs_a_challenge(client: TestClient) -> None:
    program = client.get("/hsi/x")
    assert program.headers["www-authenticate"].startswith("Basic")
    script = client.get("/hsi/x", headers={"sec-fetch-mode": "cors"})
    assert script.status_code == 401
    assert "www-authenticate" not in script.headers  # no dialog in the middle of work
    assert "session has ended" in script.json()["detail"]


def test_another_page_cannot_sign_somebody_in_or_out(client: TestClient) -> None:
    for path in ("/hsi/login", "/hsi/logout"):
        assert client.post(path, headers={"origin": "http://localhost:8888"}).status_code == 403


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "/\\evil.example", "https://evil.example", "x", "/\r\nset-cookie: a"]
)
def test_the_form_leads_nowhere_else(client: TestClient, wanted: str) -> None:
    assert _own_path(wanted) == "/"
    assert sign_in(client, next=wanted).headers["location"] == "/"


def test_a_form_is_short_and_its_texts_are_no_markup(client: TestClient) -> None:
    assert client.post("/hsi/login", data={"name": "x" * 10_000, "password": "y"}).status_code == 413
    page = client.get("/hsi/login", params={"next": '/"><script>alert(1)</script>'}).text
    assert "<script" not in page
