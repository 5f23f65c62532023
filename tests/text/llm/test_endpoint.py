"""The language model's client against a made-up server: good answers, every kind of bad one, and silence."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hsi_studio.errors import BadRequest, Cancelled, LanguageModelProblem, ModelMissing
from hsi_studio.text.llm.endpoint import Endpoint
from hsi_studio.text.llm.factory import writer
from hsi_studio.text.llm.protocol import MAX_CHARACTERS, Answer, Usage
from hsi_studio.text.llm.settings import KEY, MODEL, URL, checked_url
from tests.text.llm_server import Handler, serving

MESSAGES = [{"role": "user", "content": "describe"}]
SECRET = "sk-secret-0123456789"


def ask(reply: Any, silent_seconds: float = 20.0, cancelled: Any = lambda: False) -> tuple[Answer, list[str], Any]:
    pieces: list[str] = []
    with serving(reply) as (url, server):
        answer = Endpoint(url, "tiny", silent_seconds).write(MESSAGES, pieces.append, cancelled)
        return answer, pieces, server


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, SECRET)


def test_a_good_answer_comes_piece_by_piece() -> None:
    def reply(to: Handler, _: Any) -> None:
        to.begin()
        to.raw(": a comment\n\nevent: ping\n\n")
        for word in ("Corn ", "ist ", "grün", " 🌽"):
            to.piece(word)
        to.piece("", "stop")
        to.usage(prompt_tokens=12, completion_tokens=4, cost=0.002)
        to.done()

    answer, pieces, server = ask(reply)
    assert answer == Answer("Corn ist grün 🌽", Usage(12, 4, 0.002))
    assert pieces == ["Corn ", "ist ", "grün", " 🌽"]
    ((path, headers, body),) = server.seen
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == f"Bearer {SECRET}"
    assert body["model"] == "tiny"
    assert body["stream"] is True
    assert body["messages"] == MESSAGES


def test_it_answers_where_an_event_loop_runs() -> None:  # a notebook
    async def cell() -> Answer:
        return ask(lambda to, _: (to.begin(), to.piece("hello", "stop")))[0]

    with ThreadPoolExecutor(1) as thread:  # this one may run a loop of its own: the browser tests leave theirs
        assert thread.submit(lambda: asyncio.run(cell())).result().text == "hello"


def test_without_a_key_none_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY)
    _, _, server = ask(lambda to, _: (to.begin(), to.piece("x", "stop")))
    assert "authorization" not in server.seen[0][1]


def test_other_servers_ways_are_understood() -> None:
    def whole(to: Handler, _: Any) -> None:  # no streaming
        value = {"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3}}
        to.answer(200, json.dumps(value))

    assert ask(whole)[0] == Answer("hello", Usage(3, 0))

    def crlf(to: Handler, _: Any) -> None:  # other line ends, no space, no [DONE], an event over two lines
        to.begin()
        to.raw('data:{"choices":[{"delta":{"role":"assistant","content":null}}]}\r\n\r\n')
        to.raw('data:{"choices":[{"delta":\r\ndata:{"content":"hi"},"finish_reason":"stop"}]}\r\n\r\n')

    assert ask(crlf)[0] == Answer("hi", None)

    def tight(to: Handler, _: Any) -> None:  # no empty lines between events
        to.begin()
        to.raw('data: {"choices":[{"delta":{"content":"a"}}]}\ndata: {"choices":[{"delta":{"content":"b"}}]}\n')
        to.raw("data: [DONE]\n")

    assert ask(tight)[0].text == "ab"


def test_options_a_server_refuses_are_left_away() -> None:
    def reply(to: Handler, body: Any) -> None:
        for name in ("max_tokens", "stream_options"):
            if name in body:
                to.answer(400, json.dumps({"error": {"message": f"Unsupported parameter: {name}"}}))
                return
        to.begin()
        to.piece("good", "stop")

    answer, _, server = ask(reply)
    assert answer.text == "good"
    assert len(server.seen) == 3


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (400, {}, "refuses the request"),
        (401, {}, KEY),
        (403, {}, KEY),
        (404, {}, "/v1"),
        (429, {"Retry_After": "12"}, "try again in 12 s"),
        (429, {"Retry_After": "soon"}, "try again later"),
        (500, {}, "fault of its own"),
        (503, {}, "fault of its own"),
        (302, {"Location": "http://127.0.0.1:1/steal"}, "not followed"),
    ],
)
def test_refusals_are_said_in_words_without_the_key(
    status: int, headers: dict[str, str], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    page = json.dumps({"error": {"message": f"bad <b>\x00 {SECRET} and sk-abcdefgh*** too"}})
    with pytest.raises(LanguageModelProblem, match=said) as problem:
        ask(lambda to, _: to.answer(status, page, **headers))
    assert SECRET not in str(problem.value)
    assert "sk-abcdefgh" not in str(problem.value)
    assert SECRET not in caplog.text
    assert problem.value.retry_after == (12 if headers.get("Retry_After") == "12" else None)


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_an_answer_that_repeats_the_key_does_not_show_it(size: int) -> None:
    text = f"You sent {SECRET}, yes {SECRET}; sk-secret-01234 is none and neither is sk-sec"

    def reply(to: Handler, _: Any) -> None:
        to.begin()
        for at in range(0, len(text), size):
            to.piece(text[at : at + size])
        to.piece("", "stop")

    answer, pieces, _ = ask(reply)
    assert answer.text == "".join(pieces) == text.replace(SECRET, "(key)")


@pytest.mark.parametrize("key", ["sk-a\nsk-b", "sk-a b", "schlüssel", "sk-a\x01"])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, key)
    with pytest.raises(BadRequest, match=f"{KEY} cannot be a key: its character") as problem:
        ask(lambda to, _: to.answer(200, ""))
    assert "sk-" not in str(problem.value)
    assert "schl" not in str(problem.value)


def test_a_date_to_retry_after() -> None:
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 100))
    with pytest.raises(LanguageModelProblem) as problem:
        ask(lambda to, _: to.answer(429, "", Retry_After=date))
    assert 80 < (problem.value.retry_after or 0) <= 100


@pytest.mark.parametrize(
    "text",
    [
        "data: {not json\n\n",
        "data: 17\n\n",
        'data: {"choices": 3}\n\n',
        'data: {"choices": [[]]}\n\n',
        "data: " + "[" * 100_000 + "\n\n",
        "data: [DONE]\n\n",
        "<html>login</html>\n",
        "",
        "x" * 400_000,
        "data: {\n" * 200,
    ],
)
def test_what_is_not_the_protocol_is_named(text: str) -> None:
    with pytest.raises(LanguageModelProblem, match="OpenAI-compatible"):
        ask(lambda to, _: (to.begin(), to.raw(text)))


def test_an_error_in_the_stream_and_a_broken_off_answer() -> None:
    def fails(to: Handler, _: Any) -> None:
        to.begin()
        to.piece("so far")
        to.raw('data: {"error": {"message": "out of memory"}}\n\n')

    with pytest.raises(LanguageModelProblem, match="out of memory"):
        ask(fails)
    assert "broke off" in ask(lambda to, _: (to.begin(), to.piece("so far")))[0].cut
    assert "limit" in ask(lambda to, _: (to.begin(), to.piece("so far", "length"), to.done()))[0].cut


def test_a_huge_answer_is_cut_and_the_server_let_go() -> None:
    def reply(to: Handler, _: Any) -> None:
        to.begin()
        while True:
            to.piece("word " * 400)

    answer, pieces, server = ask(reply)
    assert len(answer.text) == MAX_CHARACTERS == len("".join(pieces))
    assert "cut" in answer.cut
    assert server.gone.wait(10)


def test_silence_ends_with_a_word() -> None:
    hold = threading.Event()

    def reply(to: Handler, _: Any) -> None:
        to.begin()
        to.piece("x")
        hold.wait(20)

    with pytest.raises(LanguageModelProblem, match=r"silent for 0\.3 s"):
        ask(reply, silent_seconds=0.3)
    hold.set()
    with pytest.raises(LanguageModelProblem, match="could not be reached"):
        Endpoint("http://127.0.0.1:1/v1", "tiny").write(MESSAGES, lambda _: None, lambda: False)


@pytest.mark.parametrize("silent", [False, True])
def test_cancelling_closes_the_connection(silent: bool) -> None:
    stop = threading.Event()

    def reply(to: Handler, _: Any) -> None:
        to.begin()
        to.piece("x")
        stop.set()
        if silent:
            to.gone.wait(1)
        while not to.gone.is_set():
            to.piece("more")
            time.sleep(0.01)

    with serving(reply) as (url, server):
        with pytest.raises(Cancelled):
            Endpoint(url, "tiny").write(MESSAGES, lambda _: None, stop.is_set)
        assert server.gone.wait(10)


def test_only_the_environment_says_where_to() -> None:
    assert writer({}) is None
    found = writer({URL: "http://127.0.0.1:8080/v1/", MODEL: "tiny"})
    assert found == Endpoint("http://127.0.0.1:8080/v1", "tiny")
    assert found is not None
    assert (found.name, found.place) == ("tiny", "127.0.0.1:8080")
    assert SECRET not in repr(found)
    with pytest.raises(BadRequest, match=MODEL):
        writer({URL: "http://127.0.0.1/v1"})
    with pytest.raises(ModelMissing, match="no folder"):
        writer({MODEL: "/no/such/folder"})


@pytest.mark.parametrize(
    "url",
    ["ftp://x/v1", "x", "", "http://", "https://user:pass@x/v1", "https://x/v1?key=1", "http://api.example.org/v1"],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(BadRequest, match=URL):
        checked_url(url, has_key=True)


def test_plain_http_is_for_this_machine_or_without_a_key() -> None:
    for url, has_key in (("http://[::1]:80/v1", True), ("http://localhost/v1", True), ("http://far.example/v1", False)):
        assert checked_url(url, has_key) == url
