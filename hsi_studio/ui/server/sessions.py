"""Who has signed in: random tokens in a cookie, kept as hashes in memory, that end by themselves.

A session ends `idle_s` after it was last used, `whole_s` after it was made, when its user signs out, and with the
server. Each user has at most `MOST_OF_ONE`, the oldest goes; the server at most `MOST`. A stolen memory dump or log has
no token in it: only sha-256 of tokens is kept.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

IDLE_S, WHOLE_S = 12 * 3600.0, 7 * 86_400.0
MOST_OF_ONE, MOST = 20, 10_000


@dataclass
class _Session:
    name: str
    made: float
    used: float


class Sessions:
    """Safe to use from many threads. `clock` is monotonic, in seconds."""

    def __init__(
        self, idle_s: float = IDLE_S, whole_s: float = WHOLE_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.idle_s, self.whole_s, self._clock = idle_s, whole_s, clock
        self._kept: OrderedDict[str, _Session] = OrderedDict()  # by the hash of its token
        self._lock = threading.Lock()

    def make(self, name: str) -> str:
        """A new session's token."""
        token, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            self._drop_ended(now)
            own = [key for key, one in self._kept.items() if one.name == name]
            for key in own[: max(0, len(own) - MOST_OF_ONE + 1)]:
                del self._kept[key]
            while len(self._kept) >= MOST:
                self._kept.popitem(last=False)
            self._kept[_hash(token)] = _Session(name, now, now)
        return token

    def who(self, token: str) -> str | None:
        """Whose session this is; None when it has ended, or never was. To ask is to use."""
        if not token:
            return None
        key, now = _hash(token), self._clock()
        with self._lock:
            session = self._kept.get(key)
            if session is None:
                return None
            if self._ended(session, now):
                del self._kept[key]
                return None
            session.used = now
            self._kept.move_to_end(key)
            return session.name

    def end(self, token: str) -> None:
        with self._lock:
            self._kept.pop(_hash(token), None)

    def count(self) -> dict[str, int]:
        """Sessions alive, by user."""
        now, found = self._clock(), dict[str, int]()
        with self._lock:
            self._drop_ended(now)
            for session in self._kept.values():
                found[session.name] = found.get(session.name, 0) + 1
        return found

    def _drop_ended(self, now: float) -> None:
        for key in [key for key, one in self._kept.items() if self._ended(one, now)]:
            del self._kept[key]

    def _ended(self, session: _Session, now: float) -> bool:
        return now - session.used > self.idle_s or now - session.made > self.whole_s


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
