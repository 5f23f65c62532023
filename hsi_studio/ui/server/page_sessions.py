"""What the server keeps of each page that was loaded: bounded, so that scripts cannot fill the memory with pages.

Gradio 6.31 keeps for every session (a page that was loaded, or any text a script calls one) a copy of the page's
configuration, a third of a megabyte, of the newest 10,000 sessions, whoever they are of; and the answers of events
that nobody fetches, of any number. So here:

- Of an owner at most `MOST_OF_ONE` sessions are kept, of all together `MOST`: then the owner who has most loses the one
  that was used longest ago. A page whose session has gone gets a new one with its next event; what it forgets is an
  unanswered question about a dropped file.
- Answers that have waited for a whole round of the janitor are thrown away. A page that is there fetches them at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import gradio as gr
from gradio.state_holder import SessionState, StateHolder
from starlette.types import ASGIApp, Receive, Scope, Send

MOST, MOST_OF_ONE = 240, 60
_asker: ContextVar[str] = ContextVar("hsi_asker", default="")


class PageSessions(StateHolder):  # type: ignore[misc]  # Gradio has no types
    """Gradio's store of sessions, with an owner for each. Safe to use from many threads."""

    def __init__(self, most: int = MOST, most_of_one: int = MOST_OF_ONE) -> None:
        super().__init__()
        self.most, self.most_of_one = most, most_of_one
        self._owners: dict[str, str] = {}

    def __getitem__(self, session_id: str) -> SessionState:
        known = session_id in self.session_data
        state = super().__getitem__(session_id)
        if not known:
            with self.lock:
                self._owners[session_id] = _asker.get()
                self._make_room()
        return state

    def _make_room(self) -> None:
        while self.session_data:
            owners = Counter(self._owners.get(one, "") for one in self.session_data)
            who, count = owners.most_common(1)[0]
            if len(self.session_data) <= self.most and count <= self.most_of_one:
                return
            oldest = next(one for one in self.session_data if self._owners.get(one, "") == who)
            for kept in (self.session_data, self.time_last_used, self._owners):
                kept.pop(oldest, None)


def remembering(app: ASGIApp, owner_of: Callable[[Scope], str]) -> ASGIApp:
    """`app`, whose requests tell `PageSessions` whose they are."""

    async def remembered(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            _asker.set(owner_of(scope))
        await app(scope, receive, send)

    return remembered


def bound(blocks: gr.Blocks, mounted: Any, sessions: PageSessions) -> None:
    """Have a page that `mounted`, Gradio's application, serves keep its sessions in `sessions`."""
    mounted.state_holder = sessions
    sessions.set_blocks(blocks)


class Unfetched:
    """Answers of events in Gradio's queue. `tidy` is one round; it may be called from any thread.

    A page's stream ends with an error when its place in the queue goes under it, so a place goes only when nothing
    moved there for a whole round and no stream waits there (Gradio's page opens one for an answer that it has got by
    the stream before), and comes back when an event came in the same instant.
    """

    def __init__(self, blocks: gr.Blocks) -> None:
        self._queue: Any = blocks._queue
        self._before: dict[str, tuple[Any, Any]] = {}  # session → its answers, and the oldest that waited (None: none)

    def tidy(self) -> None:
        """Throw away what nobody fetched since the last round, and what is kept of sessions without any event."""
        queue, before = self._queue, self._before
        self._before = {}
        for session, answers in list(queue.pending_messages_per_session.items()):
            now = answers, next(iter(answers._queue.copy()), None)
            self._before[session] = now
            had = before.get(session)
            same = had is not None and all(one is other for one, other in zip(had, now, strict=True))
            if not same or self._in_use(session, *now):
                continue
            queue.pending_messages_per_session.pop(session, None)
            if self._in_use(session, *now):
                queue.pending_messages_per_session.setdefault(session, answers)
            else:
                self._before.pop(session)
        for session in list(queue.pending_event_ids_session):
            if session not in queue.pending_messages_per_session and not self._at_work(session):
                queue.pending_event_ids_session.pop(session, None)

    def _at_work(self, session: str) -> bool:
        return any(event.session_hash == session for event in list(self._queue.event_ids_to_events.values()))

    def _in_use(self, session: str, answers: Any, oldest: Any) -> bool:
        """Whether an event is at work, or has ended with its answer on the way (asked for, and none waits), or a stream
        is open and waits."""
        on_the_way = oldest is None and bool(self._queue.pending_event_ids_session.get(session))
        return on_the_way or self._at_work(session) or any(not one.done() for one in list(answers._getters))
