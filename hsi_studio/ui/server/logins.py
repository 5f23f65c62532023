"""Signing in and out, on a server with users: a page with a form for browsers, HTTP Basic for programs.

    GET  /hsi/login?next=/…     the form
    POST /hsi/login             name and password → a session's cookie (HttpOnly, SameSite=Lax)
    POST /hsi/logout            ends it

Passwords are checked one at a time, in a lane of its own: hashing takes a fifth of a second of one core and 32 MiB, and
a storm of wrong passwords must neither take the threads that clicks run on nor more than one core. At most `WAITING`
wait for the lane, the rest is told to come back. How often one may try: `attempts.py`. A wrong password is answered
`ANSWER_S` after it came, whatever its name's hash costs, so that time tells nothing about names.
"""

from __future__ import annotations

import html
import time
from collections.abc import Callable
from urllib.parse import parse_qs, quote

from anyio import CapacityLimiter, fail_after, sleep, to_thread
from starlette.types import Receive, Scope, Send

from hsi_studio.ui.server.answers import Header, answer, redirect, refuse, retry_after
from hsi_studio.ui.server.attempts import Attempts
from hsi_studio.ui.server.sessions import Sessions
from hsi_studio.users import MAX_PASSWORD, Users

SESSION_COOKIE = "hsi_session"
LOGIN, LOGOUT = "/hsi/login", "/hsi/logout"
WAITING = 16  # password checks that may wait for the lane
ANSWER_S = 0.6  # from a wrong password to its answer
MOST_FORM = 8 * MAX_PASSWORD  # bytes; %-encoding triples a password
FORM_S = 10.0  # for the form to arrive
BASIC: Header = (b"www-authenticate", b'Basic realm="HSI Studio", charset="UTF-8"')

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sign in · HSI Studio</title><style>
:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui,sans-serif;margin:0;min-height:90vh}}
body{{display:grid;place-items:center}}
form{{width:min(20rem,88vw)}}h1{{font-size:1.25rem;font-weight:400}}label{{display:block;margin:.75rem 0 .25rem}}
input,button{{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;border-radius:4px;border:1px solid #8a94a3}}
button{{margin-top:1.25rem;background:#0f766e;color:#fff;border-color:#0f766e}}p{{color:#b42318}}
@media(prefers-color-scheme:dark){{p{{color:#fda29b}}}}</style>
<form method="post" action="/hsi/login"><h1><b>HSI</b> Studio</h1>{said}
<input type="hidden" name="next" value="{next}">
<label for="name">User name</label><input id="name" name="name" autocomplete="username" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button>Sign in</button></form></html>"""


class Refused(Exception):
    """A try that is not looked at: `status`, a sentence, seconds to wait."""

    def __init__(self, status: int, sentence: str, wait: float) -> None:
        self.status, self.sentence, self.wait = status, sentence, wait
        super().__init__(sentence)


class Logins:
    """Names, passwords and sessions of one server. Used in its event loop."""

    def __init__(
        self, users: Users, sessions: Sessions | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.users, self.sessions = users, sessions or Sessions(clock=clock)
        self.attempts, self._clock = Attempts(clock), clock
        self._lane: CapacityLimiter | None = None
        self._waiting = 0

    async def who(self, authorization: bytes, token: str, address: str) -> str | None:
        """The user of a request; None = unknown, or a wrong password. Raises Refused."""
        found = self.sessions.who(token) or self.users.known(authorization)
        if found is not None:
            return found
        pair = self.users.pair(authorization)
        return None if pair is None else await self.check(*pair, address)

    async def check(self, name: str, password: str, address: str) -> str | None:
        """The user's name, or None after a while. Raises Refused, before anything is hashed."""
        wait = self.attempts.wait(name, address)
        if wait > 0:
            sentence = f"Too many wrong passwords: wait {_span(wait)}, then try again."
            raise Refused(429, sentence, wait)
        if self._waiting >= WAITING:
            raise Refused(503, "Many people are signing in right now: try again in some seconds.", 3.0)
        if self._lane is None:
            self._lane = CapacityLimiter(1)
        began, self._waiting = self._clock(), self._waiting + 1
        try:
            found = await to_thread.run_sync(self.users.check, name[:64], password, limiter=self._lane)
        finally:
            self._waiting -= 1
        if found is None:
            self.attempts.failed(name[:64], address)
            await sleep(max(0.0, ANSWER_S - (self._clock() - began)))
        else:
            self.attempts.succeeded(found, address)
        return found

    async def page(self, scope: Scope, receive: Receive, send: Send, address: str) -> None:
        """GET and POST /hsi/login."""
        if scope["method"] in ("GET", "HEAD"):
            wanted = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("next", ["/"])[0]
            await _form(send, 200, "", wanted)
            return
        if scope["method"] != "POST":
            await refuse(send, 405, "Sign in with the form at /hsi/login.", [(b"allow", b"GET, POST")])
            return
        form = await _read_form(receive)
        if form is None:
            await refuse(send, 413, f"A name and a password have less than {MOST_FORM} bytes.")
            return
        wanted = _own_path(form.get("next", "/"))
        try:
            found = await self.check(form.get("name", ""), form.get("password", ""), address)
        except Refused as error:
            await _form(send, error.status, error.sentence, wanted, [retry_after(error.wait)])
            return
        if found is None:
            await _form(send, 401, "Name or password are wrong.", wanted)
            return
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        cookie = f"{SESSION_COOKIE}={self.sessions.make(found)}; Path=/; HttpOnly; SameSite=Lax{secure}"
        await redirect(send, wanted, [(b"set-cookie", cookie.encode())])

    async def leave(self, send: Send, token: str) -> None:
        """POST /hsi/logout."""
        self.sessions.end(token)
        gone = f"{SESSION_COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
        await redirect(send, LOGIN, [(b"set-cookie", gone.encode())])

    async def ask(self, scope: Scope, headers: dict[bytes, bytes], send: Send) -> None:
        """What somebody unknown gets: a browser that opens a page the form, its scripts a sentence, programs 401."""
        opens = scope["method"] == "GET" and b"text/html" in headers.get(b"accept", b"")
        if opens and b"authorization" not in headers:
            await redirect(send, f"{LOGIN}?next={quote(scope['path'])}")
            return
        page = b"sec-fetch-mode" in headers  # a browser's fetch: the native dialog would come up in the middle of work
        sentence = "User name and password needed: your session has ended, or never began. Load the page and sign in."
        await refuse(send, 401, sentence, [] if page else [BASIC])


def _span(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"


def _own_path(text: str) -> str:
    """A path of this server; "/" for what would lead elsewhere ("//evil", "/\\\\evil", "https:…")."""
    fits = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isascii() and text.isprintable()
    return text if fits and len(text) < 2000 else "/"


async def _form(send: Send, status: int, said: str, wanted: str, extra: list[Header] | None = None) -> None:
    note = f'<p role="alert">{html.escape(said)}</p>' if said else ""
    page = PAGE.format(said=note, next=html.escape(_own_path(wanted)))
    await answer(
        send, status, page.encode(), "text/html; charset=utf-8", [(b"cache-control", b"no-store"), *(extra or [])]
    )


async def _read_form(receive: Receive) -> dict[str, str] | None:
    """Fields of a urlencoded form; None when it is too long or comes too slowly."""
    body = b""
    try:
        with fail_after(FORM_S):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                body += message.get("body", b"")
                if len(body) > MOST_FORM:
                    return None
                if not message.get("more_body"):
                    break
    except TimeoutError:
        return None
    try:
        fields = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=10)
    except ValueError:
        return {}
    return {key: values[0] for key, values in fields.items()}
