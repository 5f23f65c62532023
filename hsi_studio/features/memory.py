"""What caches of features may take in memory, all of them together, whoever they work for.

Each method has a cache of its own with an upper end, and each project that is open has a method: on a server that is
hundreds of caches, and what all of them hold is what counts. Every cache tells one `MemoryBudget` what it keeps; when
the sum is too much, the entries used longest ago go, from whichever cache. What goes is made again, or read back from
its file, when it is needed. A map that is being made holds what it works on: that memory comes back when it is done.

A cache that has gone takes its entries with it. The budget's lock is never held while a cache is asked to forget.
"""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Protocol

from hsi_studio import settings

SHARE = 0.125  # of the machine's memory, when nothing is set


def memory_of_machine() -> int:
    """Bytes of memory; 8 GiB where the system does not say."""
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) if hasattr(os, "sysconf") else 8 << 30


class Keeper(Protocol):
    """A cache."""

    def forget(self, key: str) -> None:
        """Let an entry go; nothing when it has gone already."""
        ...


def most_bytes() -> int:
    """What the operator allows. Raises BadRequest for a setting that is no number."""
    given = settings.FEATURE_MEMORY_GB.number()
    return int(given * 2**30 if given else SHARE * memory_of_machine())


class MemoryBudget:
    """Safe to use from many threads. `most` in bytes, asked each time something is kept."""

    def __init__(self, most: Callable[[], int] = most_bytes) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._keepers: dict[int, weakref.ref[Keeper]] = {}
        self._entries: OrderedDict[tuple[int, str], int] = OrderedDict()  # bytes; the one used last at the end
        self._ended: deque[int] = deque()  # keepers that have gone: collected at any instant, also with the lock held

    def join(self, keeper: Keeper) -> int:
        """A new cache; its number."""
        with self._lock:
            number = next(self._numbers)
            self._keepers[number] = weakref.ref(keeper, lambda _: self._ended.append(number))
            return number

    def used(self, number: int, key: str) -> None:
        """An entry was asked for."""
        with self._lock:
            if (number, key) in self._entries:
                self._entries.move_to_end((number, key))

    def kept(self, number: int, key: str, size: int) -> None:
        """An entry is new; others go when it is too much. The new one stays, however large: somebody needs it now."""
        most, gone = self._most(), list[tuple[int, str]]()
        with self._lock:
            self._sweep()
            self._entries[number, key] = size
            self._entries.move_to_end((number, key))
            total = sum(self._entries.values())
            while total > most and len(self._entries) > 1:
                found, bytes_ = self._entries.popitem(last=False)
                gone.append(found)
                total -= bytes_
            asked = [(self._keepers[keeper](), name) for keeper, name in gone]
        for one, name in asked:
            if one is not None:
                one.forget(name)

    def dropped(self, number: int, key: str) -> None:
        """A cache has let an entry go."""
        with self._lock:
            self._entries.pop((number, key), None)

    def count(self) -> tuple[int, int]:
        """(entries, bytes) of all caches."""
        with self._lock:
            self._sweep()
            return len(self._entries), sum(self._entries.values())

    def _sweep(self) -> None:
        while self._ended:
            number = self._ended.popleft()
            del self._keepers[number]
            for entry in [entry for entry in self._entries if entry[0] == number]:
                del self._entries[entry]


EVERYBODY = MemoryBudget()  # of this process
