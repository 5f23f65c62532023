"""A budget of threads for each owner, in front of the pool that all share.

Without it sixty clicks that wait for one project's lock take every thread there is, and another user's click waits
thirteen seconds. Here a request takes a place of its owner's first. There are `PLACES` of each lane for an owner; who
comes later waits, without a thread, up to `WAIT_S` and in a line of at most `LINE`; then the answer is a sentence, and
the page says which clicks were lost. Waiting for one's own place delays nobody else.

| lane | places of an owner | what |
|---|---|---|
| work | 6 | clicks, spectra, tiles, maps, files |
| follow | 6 | a page that waits for its map (has threads of its own, `label_routes.WAITING`) |
| event | 4 | Gradio's handlers, whichever way they are started; see `limit_handlers` |
| upload | 2 | |
| stream | 40 | answers without end (event streams): no thread, but a socket each |

Places are those of the uploader or labeller, not of the project: many guests in one project have many budgets, and its
lock serves them in turn. Several lanes of one owner can hold at most 6 + 4 threads of the pool (the others have none
there), which is made large enough for `OWNERS_AT_ONCE` of them.
"""

from __future__ import annotations

import functools
import inspect
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from anyio import CapacityLimiter, Semaphore, move_on_after, to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from hsi_studio.ui.server.answers import refuse, retry_after

PLACES = {"work": 6, "follow": 6, "event": 4, "upload": 2, "stream": 40}
WAIT_S = {"work": 15.0, "follow": 15.0, "event": 120.0, "upload": 60.0, "stream": 0.0}
LINE = 200  # requests of one owner and lane that may wait
OWNERS_AT_ONCE = 24
POOL = OWNERS_AT_ONCE * (PLACES["work"] + PLACES["event"])  # threads; those that idle end after ten seconds (anyio)
OWNERS_OF_ADDRESS = 10  # an address has the places of so many owners: browsers without names are owners at will
BUSY = "You have too much going on at once here: wait a moment, then try again."
STREAMS = ("/gradio_api/queue/data", "/gradio_api/heartbeat", "/gradio_api/upload_progress", "/gradio_api/mcp")


class Busy(Exception):
    """An owner's places stayed taken for too long, or the line is full."""


class Budget:
    """Places by owner and lane. Used in the event loop only."""

    def __init__(self, places: dict[str, int] | None = None, wait_s: dict[str, float] | None = None) -> None:
        self.places, self.wait_s = {**PLACES, **(places or {})}, {**WAIT_S, **(wait_s or {})}
        self._taken: dict[tuple[str, str], Semaphore] = {}
        self.inside: Counter[tuple[str, str]] = Counter()  # (owner, lane) → requests that have a place or wait for one
        self.refused = 0

    @asynccontextmanager
    async def place(self, owner: str, lane: str) -> AsyncIterator[None]:
        """Have a place for the block. Raises Busy."""
        key = (owner, lane)
        if self.inside[key] >= self.places[lane] + LINE:
            self.refused += 1
            raise Busy
        semaphore = self._taken.setdefault(key, Semaphore(self.places[lane]))
        self.inside[key] += 1
        try:
            if not await _taken(semaphore, self.wait_s[lane]):
                self.refused += 1
                raise Busy
            try:
                yield
            finally:
                semaphore.release()
        finally:
            self.inside[key] -= 1
            if not self.inside[key]:
                del self.inside[key]
                self._taken.pop(key, None)

    def working(self, owner: str) -> bool:
        """Whether anything of an owner's is under way that is no endless answer. May be asked from any thread."""
        now = list(self.inside.items())
        return any(count for (name, lane), count in now if name == owner and lane != "stream")


async def _taken(semaphore: Semaphore, wait_s: float) -> bool:
    if semaphore.value > 0:
        await semaphore.acquire()
        return True
    with move_on_after(wait_s):
        await semaphore.acquire()
        return True
    return False


def lane_of(method: str, path: str) -> str:
    """Which budget a request is of; "" = none: pages, scripts and what only puts an event into Gradio's queue."""
    if path.startswith(STREAMS):
        return "stream"
    if path.startswith("/gradio_api/upload"):
        return "upload"
    if path.startswith("/hsi/follow/"):
        return "follow"
    if path.startswith("/hsi/") and not path.startswith("/hsi/web/"):
        return "work"
    return "work" if path.startswith(("/gradio_api/file", "/file")) else ""


class FairShare:
    """Lets a request in when its owner has a place, and its address. `owner_of` reads who asks from the request."""

    def __init__(self, app: ASGIApp, budget: Budget, owner_of: Callable[[Scope], str]) -> None:
        self.app, self.budget, self._owner_of = app, budget, owner_of
        self.addresses = Budget({lane: OWNERS_OF_ADDRESS * count for lane, count in budget.places.items()})
        self._widened = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        lane = lane_of(scope["method"], scope["path"]) if scope["type"] == "http" else ""
        if not lane:
            await self.app(scope, receive, send)
            return
        if not self._widened:  # FastAPI runs our plain routes there
            to_thread.current_default_thread_limiter().total_tokens = POOL
            self._widened = True
        let_in = False
        try:
            async with self.budget.place(self._owner_of(scope), lane), self.addresses.place(address_of(scope), lane):
                let_in = True
                await self.app(scope, receive, send)
        except Busy:
            if let_in:
                raise
            await refuse(send, 503, BUSY, [retry_after(self.budget.wait_s[lane] or 5.0)])


def address_of(scope: Scope) -> str:
    """Where a request comes from. Behind a proxy on this machine that is what it says in X-Forwarded-For (uvicorn)."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def limit_handlers(
    functions: Iterable[Any], budget: Budget, owner_of: Callable[[], str], told: Callable[[Exception], Exception]
) -> None:
    """Put every handler of a Gradio page behind its visitor's places, and what it raises into words.

    Gradio 6.31 has one queue a handler for all visitors, where one waits for the other, and one pool of threads. With
    `default_concurrency_limit=None` it starts them as they come; here they wait for their visitor's place, without a
    thread, and then run in threads of their own. `functions`: `blocks.fns.values()`. `told(error)`: what the page is to
    show. Handlers that are generators or coroutines are left as they are: there are none of ours.
    """
    pool: list[CapacityLimiter] = []  # made in the server's event loop

    def behind(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def limited(*values: Any) -> Any:
            if not pool:
                pool.append(CapacityLimiter(POOL))
            try:
                async with budget.place(owner_of(), "event"):
                    return await to_thread.run_sync(function, *values, limiter=pool[0])
            except Exception as error:  # whatever it is, the page gets a sentence and not a path or a traceback
                raise told(error) from error

        limited.limited = True  # type: ignore[attr-defined]  # a page may be served twice, in tests
        return limited

    for one in functions:
        function = one.fn
        strange = inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function)
        if function is not None and not strange and not getattr(function, "limited", False):
            one.fn = behind(function)
