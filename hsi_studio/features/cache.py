"""Memory for label-free features: a bounded LRU, and files that may be deleted at any time.

Beside its own bound each cache stands under the one of all caches together (`memory.py`).

The key is sha256(scene id, function version, params): other content, other code or other parameters are
other entries. A file that cannot be read back is recomputed and replaced. Files are .npz without pickle,
written beside their final name and renamed, so a killed process leaves no half file under the real name.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hsi_studio.features.memory import EVERYBODY, MemoryBudget
from hsi_studio.files import DAMAGED_ARRAYS, best_effort, write_arrays

log = logging.getLogger(__name__)

Arrays = dict[str, npt.NDArray[Any]]


def cache_key(scene_id: str, function: str, version: int, params: dict[str, Any]) -> str:
    """64 hex digits that stand for one result. `params` must be JSON."""
    text = json.dumps([scene_id, function, version, params], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class FeatureCache:
    """Named arrays by key, at most `max_bytes` in memory, fewer where all caches together have too much. Thread-safe;
    one thread computes, others wait."""

    def __init__(self, max_bytes: int = 400_000_000, together: MemoryBudget = EVERYBODY) -> None:
        self.max_bytes, self._together = max_bytes, together
        self._number = together.join(self)
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Arrays] = OrderedDict()
        self._busy: dict[str, threading.Lock] = {}

    def get(self, key: str, compute: Callable[[], Arrays], folder: Path | None = None) -> Arrays:
        """The arrays for `key`: from memory, else from `folder`, else from `compute()`. Read-only.

        What `compute` raises (Cancelled, for one) goes to its caller; nothing is kept then.
        """
        kept = self._recall(key)
        if kept is not None:
            return kept
        with self._lock:
            busy = self._busy.setdefault(key, threading.Lock())
        with busy:
            kept = self._recall(key)
            if kept is not None:
                return kept
            file = folder / f"{key}.npz" if folder is not None else None
            arrays = _load(file) if file is not None else None
            if arrays is None:
                arrays = compute()
                if file is not None:
                    with best_effort(file):
                        write_arrays(file, arrays, compressed=False, sync=False)
            for array in arrays.values():
                array.flags.writeable = False
            self._keep(key, arrays)
            return arrays

    def clear(self) -> None:
        """Forget everything in memory; files stay."""
        with self._lock:
            gone = list(self._kept)
            self._kept.clear()
        for key in gone:
            self._together.dropped(self._number, key)

    def forget(self, key: str) -> None:
        """Forget one entry in memory: all caches together have too much."""
        with self._lock:
            self._kept.pop(key, None)

    def __contains__(self, key: str) -> bool:
        with self._lock:
            return key in self._kept

    def _recall(self, key: str) -> Arrays | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
        if found is not None:
            self._together.used(self._number, key)
        return found

    def _keep(self, key: str, arrays: Arrays) -> None:
        gone = list[str]()
        with self._lock:
            self._kept[key] = arrays
            self._busy.pop(key, None)
            while len(self._kept) > 1 and sum(_bytes(a) for a in self._kept.values()) > self.max_bytes:
                gone.append(self._kept.popitem(last=False)[0])
        for one in gone:
            self._together.dropped(self._number, one)
        self._together.kept(self._number, key, _bytes(arrays))


def _bytes(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays.values())


def _load(file: Path) -> Arrays | None:
    if not file.is_file():
        return None
    try:
        with np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except DAMAGED_ARRAYS as error:
        log.warning("cache file %s cannot be read and is made again: %s", file.name, error)
        return None
