"""A language model behind an OpenAI-compatible endpoint: messages in, text out as it is written.

Spoken is the "chat completions" protocol with `stream: true` (server-sent events), which OpenAI, vLLM, llama.cpp,
Ollama, LM Studio, OpenRouter and many others serve.

Who decides where requests go: only who starts the app (`settings`: environment variables or the command line), never
the page. Otherwise anyone who reaches the page could make this machine send requests, with the key, to an address of
theirs. For the same reason redirects are not followed, and a key is not sent over plain http except to this machine.
Where the name leads is checked for each request, and the connection made to the address that was checked
(`hsi_studio/outgoing.py`).

Unusual here:
- The key is read from the environment when a request is made, is in no field, no record and no log, and is struck out
  of whatever the server says, its refusals and its answers, before anyone sees it.
- Nothing of the answer is trusted: a line has at most 256 KB, the text 20,000 characters; more is cut, and said so.
- Cancelling closes the connection within a fifth of a second, also while the server is silent.
- Servers differ in which options they know. An option that is refused by name (HTTP 400, 422) is left away and the
  request made once more.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from hsi_studio import settings
from hsi_studio.errors import BadRequest, Cancelled, LanguageModelProblem
from hsi_studio.outgoing import Policy, behind_proxy
from hsi_studio.text.llm.protocol import MAX_CHARACTERS, Answer, Message, Usage
from hsi_studio.text.llm.settings import KEY, MODEL, URL, _own_machine, checked_key

MAX_LINE = 256 << 10  # bytes
MAX_STREAM = 16 << 20  # bytes of one answer, with everything around its text
MAX_ERROR = 4_000  # bytes of an error page that are read
CONNECT_SECONDS, SILENT_SECONDS, TOTAL_SECONDS = 10.0, 90.0, 600.0
OPTIONAL = ("stream_options", "max_tokens", "temperature")


@dataclass(frozen=True)
class Endpoint:
    """One model on one server."""

    url: str
    model: str
    silent_seconds: float = SILENT_SECONDS

    @property
    def name(self) -> str:
        return self.model

    @property
    def place(self) -> str:
        return urlsplit(self.url).netloc

    def write(
        self, messages: list[Message], on_text: Callable[[str], None], cancelled: Callable[[], bool], limit: int = 2000
    ) -> Answer:
        """See `Writer`. On a thread of its own: the caller's may run an event loop already (a notebook does)."""
        with ThreadPoolExecutor(1, "language model") as thread:
            return thread.submit(asyncio.run, self._write(messages, on_text, cancelled, limit)).result()

    async def _write(
        self, messages: list[Message], on_text: Callable[[str], None], cancelled: Callable[[], bool], limit: int
    ) -> Answer:
        work = asyncio.ensure_future(self._ask(messages, on_text, limit))
        loop = asyncio.get_running_loop()
        until = loop.time() + TOTAL_SECONDS
        try:
            while not work.done():
                await asyncio.wait([work], timeout=0.1)
                if cancelled():
                    raise Cancelled("Stopped.")
                if loop.time() > until:
                    raise LanguageModelProblem(
                        f"{self.model} on {self.place} was still writing after {TOTAL_SECONDS / 60:.0f} minutes. "
                        "Ask for fewer classes, or take a faster model."
                    )
            return work.result()
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _ask(self, messages: list[Message], on_text: Callable[[str], None], limit: int) -> Answer:
        import httpx

        body: dict[str, Any] = {
            "model": self.model, "messages": messages, "stream": True, "temperature": 0.4, "max_tokens": limit,
            "stream_options": {"include_usage": True},
        }  # fmt: skip
        key = checked_key(settings.LLM_KEY.text())
        headers = {"Accept-Encoding": "identity", "Accept": "text/event-stream, application/json"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        timeout = httpx.Timeout(self.silent_seconds, connect=CONNECT_SECONDS)
        own = _own_machine(urlsplit(self.url).hostname or "")
        url, pinned = await self._checked(own)
        headers |= pinned.pop("headers", {})
        try:
            async with httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=not own) as client:
                while True:
                    async with client.stream("POST", url, json=body, headers=headers, **pinned) as response:
                        if response.status_code == 200:
                            return await self._read(response, on_text, key)
                        said = self._plain(await _beginning(response), key)
                        refused = [name for name in OPTIONAL if name in body and name in said]
                        if response.status_code not in (400, 422) or not refused:
                            raise self._refused(response.status_code, said, response.headers)
                        for name in refused:
                            del body[name]
        except httpx.InvalidURL as error:
            raise BadRequest(f"{URL}: {error}.") from error
        except httpx.ConnectTimeout as error:
            raise self._trouble(f"did not answer within {CONNECT_SECONDS:g} s") from error
        except httpx.TimeoutException as error:
            raise self._trouble(f"was silent for {self.silent_seconds:g} s") from error
        except httpx.HTTPError as error:
            why = self._plain(str(error), key) or type(error).__name__
            raise self._trouble(f"could not be reached or broke off ({why})") from error

    async def _checked(self, own: bool) -> tuple[Any, dict[str, Any]]:
        """The address to ask, its name replaced by an address that was checked, and what else httpx needs for that: the
        name for the Host header and for the certificate. Raises BadRequest, LanguageModelProblem."""
        import httpx

        try:
            url = httpx.URL(f"{self.url}/chat/completions")
            port = url.port or (443 if url.scheme == "https" else 80)
        except httpx.InvalidURL as error:
            raise BadRequest(f"{URL}: {error}.") from error
        policy = Policy.of_environment(literal=url.host)
        policy.check_name(url.host)
        if behind_proxy() and not own:
            return url, {}
        try:
            found = await asyncio.to_thread(policy.addresses, url.host, port)
        except OSError as error:
            raise self._trouble(f"could not be found ({error.strerror or error})") from error
        names = {"headers": {"Host": url.netloc.decode("ascii")}, "extensions": {"sni_hostname": url.host}}
        return url.copy_with(host=found[0]), names

    async def _read(self, response: Any, on_text: Callable[[str], None], key: str) -> Answer:
        if "json" in response.headers.get("content-type", ""):  # it does not stream
            return self._whole(await _beginning(response, MAX_LINE), on_text, key)
        made = _Reading(self, on_text, key)
        async for line in _lines(response, self):
            if made.take(line):
                break
        return made.answer()

    def _whole(self, text: str, on_text: Callable[[str], None], key: str) -> Answer:
        made = _Reading(self, on_text, key)
        made.chunk(text)
        made.finished = True
        return made.answer()

    def _trouble(self, what: str) -> LanguageModelProblem:
        return LanguageModelProblem(f"{self.model}: the server {self.place} {what}. Check that it runs, and try again.")

    def odd(self, what: str) -> LanguageModelProblem:
        """The server spoke, but not this protocol."""
        return LanguageModelProblem(
            f"{self.model}: {self.place} answered with {what}, which is not what an OpenAI-compatible server sends. "
            f"Check that {URL} ends where its API begins, often in /v1."
        )

    def _refused(self, status: int, said: str, headers: Mapping[str, str]) -> LanguageModelProblem:
        wait = _seconds(headers.get("retry-after", ""))
        detail = f" It says: “{said}”." if said else ""
        if 300 <= status < 400:
            what = f"points to another address (HTTP {status}), which is not followed: set {URL} to that one"
        elif status in (401, 403):
            what = f"refuses the key (HTTP {status}): check {KEY} in the environment the app was started in"
        elif status == 404:
            what = f"knows no such address or model (HTTP 404): check {URL}, often ending in /v1, and {MODEL}"
        elif status == 429:
            what = "has too many requests or no credit left (HTTP 429): " + (
                f"try again in {wait:.0f} s" if wait else "try again later"
            )
        elif status >= 500:
            what = f"has a fault of its own (HTTP {status}): try again later"
        else:
            what = f"refuses the request (HTTP {status})"
        return LanguageModelProblem(f"{self.model}: {self.place} {what}.{detail}", wait)

    def _plain(self, said: str, key: str) -> str:
        """A server's words, safe to show: the message of a JSON error, one line, without the key."""
        try:
            value = json.loads(said)
            error = value.get("error", value)
            said = str(error.get("message", said) if isinstance(error, dict) else error)
        except (ValueError, AttributeError, RecursionError):
            said = re.sub(r"<[^>]*>", " ", said)
        if key:
            said = said.replace(key, "(key)")
        said = re.sub(r"\b(?:sk|key|pk)-[\w*.-]{6,}", "(key)", said)
        return " ".join("".join(c if c.isprintable() else " " for c in said).split())[:300].rstrip(".")


@dataclass
class _Reading:
    """An answer that is being read."""

    endpoint: Endpoint
    on_text: Callable[[str], None]
    key: str
    text: str = ""
    usage: Usage | None = None
    cut: str = ""
    finished: bool = False
    data: list[str] = field(default_factory=list)  # of the server-sent event that is being read
    held: str = ""  # the end of the text, where it may be the beginning of the key

    def take(self, line: str) -> bool:
        """One line of the event stream; True = there is nothing more to read."""
        if line.startswith("data:"):
            self.data.append(line[5:].removeprefix(" "))
            if len(self.data) > 100:
                raise self.endpoint.odd("an event of more than 100 lines")
            # servers end an event with an empty line; some leave it away, and each of their lines is whole
            if _whole_json(self.data):
                return self.event()
            return self.data == ["[DONE]"] and self.event()
        if not line and self.data:
            return self.event()
        return False

    def event(self) -> bool:
        text, self.data = "\n".join(self.data), []
        if text.strip() == "[DONE]":
            self.finished = True
            return True
        self.chunk(text)
        return bool(self.cut) and not self.finished

    def chunk(self, text: str) -> None:
        """One JSON piece of an answer. Raises LanguageModelProblem."""
        try:
            value = json.loads(text)
            if value.get("error"):
                said = self.endpoint._plain(text, self.key)
                raise LanguageModelProblem(
                    f"{self.endpoint.model}: {self.endpoint.place} stopped with an error: “{said}”. Try again."
                )
            choices = value.get("choices") or []
            if choices:
                first = choices[0]
                piece = (first.get("delta") or first.get("message") or {}).get("content") or ""
                reason = first.get("finish_reason")
                self.add(str(piece))
                if reason:
                    self.finished = True
                    if reason == "length":
                        self.cut = "the model's limit of tokens was reached"
                    elif reason == "content_filter":
                        self.cut = "the server's content filter stopped it"
            self.usage = _usage(value.get("usage")) or self.usage
        except (ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError) as error:
            raise self.endpoint.odd(f"“{self.endpoint._plain(text, self.key)[:60]}”") from error

    def add(self, piece: str) -> None:
        if not piece or self.cut:
            return
        if self.key:
            piece = (self.held + piece).replace(self.key, "(key)")
            held = next(
                (n for n in range(min(len(self.key) - 1, len(piece)), 0, -1) if piece.endswith(self.key[:n])), 0
            )
            piece, self.held = piece[: len(piece) - held], piece[len(piece) - held :]
        self.show(piece)

    def show(self, piece: str) -> None:
        if not piece:
            return
        room = MAX_CHARACTERS - len(self.text)
        if len(piece) > room:
            piece, self.cut = piece[:room], f"it was cut after {MAX_CHARACTERS:,} characters"
        self.text += piece
        self.on_text(piece)

    def answer(self) -> Answer:
        if self.data:
            self.event()
        if not self.cut:
            self.show(self.held)
        if not self.text:
            raise self.endpoint.odd("no text")
        if not self.finished and not self.cut:
            self.cut = "the server broke off before its end"
        return Answer(self.text, self.usage, self.cut)


def _whole_json(data: list[str]) -> bool:
    try:
        json.loads("\n".join(data))
    except (ValueError, RecursionError):
        return False
    return True


def _usage(value: Any) -> Usage | None:
    if not isinstance(value, dict):
        return None
    cost = value.get("cost")
    return Usage(
        int(value.get("prompt_tokens") or 0),
        int(value.get("completion_tokens") or 0),
        float(cost) if isinstance(cost, (int, float)) else None,
    )


async def _lines(response: Any, endpoint: Endpoint) -> AsyncIterator[str]:
    """Lines of a stream, none longer than MAX_LINE. Raises LanguageModelProblem."""
    rest, total = b"", 0
    async for piece in response.aiter_bytes():
        rest += piece
        total += len(piece)
        if total > MAX_STREAM:
            raise endpoint.odd(f"more than {MAX_STREAM >> 20} MB")
        *whole, rest = re.split(rb"\r\n|\n|\r(?!$)", rest)
        for line in whole:
            yield line.decode("utf-8", "replace")
        if len(rest) > MAX_LINE:
            raise endpoint.odd(f"a line of more than {MAX_LINE >> 10} KB")
    if rest.strip():
        yield rest.decode("utf-8", "replace").rstrip("\r")


async def _beginning(response: Any, size: int = MAX_ERROR) -> str:
    """At most `size` bytes of an answer as text."""
    out = b""
    async for piece in response.aiter_bytes():
        out += piece
        if len(out) >= size:
            break
    return out[:size].decode("utf-8", "replace")


def _seconds(text: str) -> float | None:
    """Retry-After: seconds, or a date (RFC 9110, section 10.2.3)."""
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
