"""How often a password may be tried: free tries, then a delay that doubles, then a lock.

Counted in three ways at once, because each alone can be got round or turned against others:

| by | free tries | then | so that |
|---|---|---|---|
| name and address | 5 | 1, 2, 4 … 900 s | one person's guesses at one account end soon |
| address | 60 | 1, 2, 4 … 900 s | a room of students behind one address can mistype, a script cannot try all names |
| name | 200 | 1, 2, 4 … 60 s | many addresses slow each other down; who is signed in stays so |

A count is forgotten `FORGET_S` after the last wrong try, and that of (name, address) with a right one. What is kept is
bounded: beyond `MOST` counts the oldest go. Nothing is written to disk, so a restart forgets all.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

FORGET_S = 3600.0
MOST = 20_000
LIMITS = {"pair": (5, 900.0), "address": (60, 900.0), "name": (200, 60.0)}  # free tries, longest delay in seconds

Key = tuple[str, str, str]


@dataclass
class _Count:
    wrong: int
    at: float  # of the last wrong try


class Attempts:
    """Wrong passwords of late. Safe to use from many threads. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: OrderedDict[Key, _Count] = OrderedDict()
        self._lock = threading.Lock()
        self.wrong = 0  # since the start

    def wait(self, name: str, address: str) -> float:
        """Seconds until the next try is looked at; 0 = now."""
        now = self._clock()
        with self._lock:
            return max(self._left(key, now) for key in _keys(name, address))

    def failed(self, name: str, address: str) -> None:
        now = self._clock()
        with self._lock:
            self.wrong += 1
            for key in _keys(name, address):
                count = self._counts.pop(key, None)
                fresh = count is None or now - count.at > FORGET_S
                self._counts[key] = _Count(1 if fresh or count is None else count.wrong + 1, now)
            while len(self._counts) > MOST:
                self._counts.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        with self._lock:
            self._counts.pop(_keys(name, address)[0], None)

    def _left(self, key: Key, now: float) -> float:
        count = self._counts.get(key)
        if count is None or now - count.at > FORGET_S:
            return 0.0
        free, longest = LIMITS[key[0]]
        if count.wrong < free:
            return 0.0
        delay = min(longest, 2.0 ** min(count.wrong - free, 30))
        return max(0.0, count.at + delay - now)


def _keys(name: str, address: str) -> tuple[Key, Key, Key]:
    return ("pair", name, address), ("address", "", address), ("name", name, "")
