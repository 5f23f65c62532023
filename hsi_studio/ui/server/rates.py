"""Requests a second: a bucket of tokens for each owner and each address.

Generous on purpose: a page that opens fetches some hundred files and tiles at once, and forty students may sit behind
one address. What it stops is a loop. Buckets are kept for at most `MOST` keys, the one used longest ago goes first; a
key that comes back begins with a full bucket.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MOST = 10_000


@dataclass(frozen=True)
class Rate:
    """`burst` at once, then `per_s` a second."""

    per_s: float
    burst: float


OWNER, ADDRESS = Rate(100.0, 1500.0), Rate(500.0, 6000.0)
NEW_OWNER = Rate(1 / 30, 200.0)  # browsers that get a cookie of their own, an address


class Buckets:
    """Used in the event loop only. `clock` is monotonic, in seconds."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self._clock = rate, clock
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key → tokens, when

    def take(self, key: str) -> float:
        """Take a token. Returns 0, or the seconds until there is one."""
        now = self._clock()
        tokens, at = self._kept.pop(key, (self.rate.burst, now))
        tokens = min(self.rate.burst, tokens + (now - at) * self.rate.per_s)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / self.rate.per_s
        self._kept[key] = (tokens - 1 if tokens >= 1 else tokens, now)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return wait
