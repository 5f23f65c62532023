"""Maps that are kept in memory because making them again takes time: at most so many of a home, and under the budget
of bytes that all caches of all owners have together (`features/memory.py`).

Hundreds of owners with some maps each are more than the machine has; what was used longest ago goes, whoever it is of,
and is made or read again when somebody looks.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from hsi_studio.features.memory import EVERYBODY, MemoryBudget

K = TypeVar("K", bound=tuple[object, ...])
V = TypeVar("V")


class KeptMaps(Generic[K, V]):
    """Safe to use from many threads. `most`: how many; `gone(key)` is called for what goes, with no lock held."""

    def __init__(
        self, most: int, gone: Callable[[K], object] = lambda key: None, together: MemoryBudget = EVERYBODY
    ) -> None:
        self.most, self._gone, self._together = most, gone, together
        self._number = together.join(self)
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[K, V]] = OrderedDict()  # by the text of the key, which the budget knows

    def get(self, key: K) -> V | None:
        with self._lock:
            found = self._kept.get(repr(key))
            if found is not None:
                self._kept.move_to_end(repr(key))
        if found is None:
            return None
        self._together.used(self._number, repr(key))
        return found[1]

    def put(self, key: K, value: V, size: int) -> None:
        """Keep it: `size` in bytes. Others may go."""
        over = list[K]()
        with self._lock:
            self._kept[repr(key)] = (key, value)
            self._kept.move_to_end(repr(key))
            while len(self._kept) > self.most:
                over.append(self._kept.popitem(last=False)[1][0])
        for one in over:
            self._together.dropped(self._number, repr(one))
            self._gone(one)
        self._together.kept(self._number, repr(key), size)

    def drop(self, wanted: Callable[[K], bool]) -> None:
        """Let those go whose key is wanted."""
        with self._lock:
            keys = [key for key, _ in self._kept.values() if wanted(key)]
            for key in keys:
                del self._kept[repr(key)]
        for key in keys:
            self._together.dropped(self._number, repr(key))
            self._gone(key)

    def forget(self, key: str) -> None:
        """All caches together have too much: called by the budget."""
        with self._lock:
            found = self._kept.pop(key, None)
        if found is not None:
            self._gone(found[0])
