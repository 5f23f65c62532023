"""Models in memory: loaded once, shared, counted while in use, put away least-recently-used first.

    with manager.use(key, need, load) as loaded:      loads, or takes the one that is there; it stays while in the block
        loaded.fitted.predict(block)

- A model in use is never put away. Each kind of device has a budget in bytes; a load that does not fit beside what is
  in use is refused, with the numbers.
- Two threads that want the same model load it once; different models load side by side. The lock is never held during
  a load, so a list of what is loaded answers at once.
- A model's size is estimated before it is loaded, measured after, and again when nobody uses it any more: fitted models
  keep class scores of the scene they map.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np

from hsi_studio import settings
from hsi_studio.engine.models.placement import Placement, place
from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.humanize import size_text
from hsi_studio.methods.contract import Fitted
from hsi_studio.types import Scene

log = logging.getLogger(__name__)

ENVIRONMENT = settings.MODEL_MEMORY_GB.name
SHARE = 0.25  # of the device's memory, unless the environment says otherwise
MAX_DEPTH = 8  # of the walk that measures a model


class ModelsBusy(StudioError):
    """No room for another model: those that are loaded are in use."""


@dataclass(frozen=True)
class Loaded:
    """A model in memory."""

    key: str
    fitted: Fitted
    placement: Placement


@dataclass
class _Slot:
    key: str
    size: int
    kind: str
    users: int = 1
    ready: threading.Event = field(default_factory=threading.Event)
    loaded: Loaded | None = None  # None while it loads, and after a load that failed


class ModelMemory:
    """Thread-safe. `budget` in bytes for each kind of device ("cpu", "cuda"); None = a share of its memory."""

    def __init__(self, budget: dict[str, int] | None = None, place: Callable[[int, bool], Placement] = place) -> None:
        self._budget = dict(budget or {})
        self._place = place
        self._lock = threading.Lock()
        self._slots: OrderedDict[str, _Slot] = OrderedDict()  # least recently used first

    def budget(self, kind: str) -> int:
        """Bytes that models may take on this kind of device."""
        if kind not in self._budget:
            self._budget[kind] = _from_environment() or int(SHARE * _memory_of_device(kind))
        return self._budget[kind]

    @contextmanager
    def use(self, key: str, need: int, load: Callable[[Placement], Fitted], uses_gpu: bool = True) -> Iterator[Loaded]:
        """The model `key`, loaded by `load` when it is not there; in memory at least until the block ends.

        `need`: bytes expected. Raises ModelsBusy, BadRequest (larger than the budget), and what `load` raises.
        """
        slot = self._take(key, need, load, uses_gpu)
        try:
            assert slot.loaded is not None
            yield slot.loaded
        finally:
            self._give_back(slot)

    def loaded(self) -> dict[str, tuple[Placement, int, bool]]:
        """Key → (where, bytes, in use)."""
        with self._lock:
            return {
                slot.key: (slot.loaded.placement, slot.size, slot.users > 0)
                for slot in self._slots.values()
                if slot.loaded is not None
            }

    def unload(self, key: str) -> bool:
        """Put a model away; False when it is not loaded. Raises ModelsBusy while it is in use."""
        with self._lock:
            slot = self._slots.get(key)
            if slot is None:
                return False
            if slot.users:
                raise ModelsBusy("This model is in use: wait until its map is made, or stop that.")
            del self._slots[key]
        _forget([slot])
        return True

    def close(self) -> None:
        """Put away everything that is not in use."""
        with self._lock:
            gone = [slot for slot in self._slots.values() if not slot.users]
            for slot in gone:
                del self._slots[slot.key]
        _forget(gone)

    def _take(self, key: str, need: int, load: Callable[[Placement], Fitted], uses_gpu: bool) -> _Slot:
        while True:
            with self._lock:
                slot = self._slots.get(key)
                if slot is not None:
                    slot.users += 1
                    self._slots.move_to_end(key)
            if slot is None:
                return self._load(key, need, load, uses_gpu)
            slot.ready.wait()
            if slot.loaded is not None:
                return slot
            # the other thread's load failed: try it here, so that this caller gets the error, too

    def _load(self, key: str, need: int, load: Callable[[Placement], Fitted], uses_gpu: bool) -> _Slot:
        where = self._place(need, uses_gpu)
        slot = _Slot(key, need, where.kind)
        budget = self.budget(where.kind)
        with self._lock:
            if key in self._slots:  # another thread was faster
                again = True
            else:
                again, gone = False, self._make_room(slot, budget)
                self._slots[key] = slot
        if again:
            return self._take(key, need, load, uses_gpu)
        _forget(gone)
        try:
            fitted = load(where)
            slot.size = max(memory_of(fitted), 1)
        except BaseException:
            with self._lock:
                self._slots.pop(key, None)
            slot.ready.set()
            raise
        slot.loaded = Loaded(key, fitted, where)
        slot.ready.set()
        self._trim(where.kind)
        return slot

    def _give_back(self, slot: _Slot) -> None:
        size = memory_of(slot.loaded.fitted) if slot.loaded is not None else 0
        with self._lock:
            slot.users -= 1
            slot.size = max(size, 1)
        self._trim(slot.kind)

    def _make_room(self, new: _Slot, budget: int) -> list[_Slot]:
        """Take out what has to go for a new model; under the lock. Nothing goes when that would not be enough."""
        same = [slot for slot in self._slots.values() if slot.kind == new.kind]
        idle = [slot for slot in same if not slot.users]
        pinned = sum(slot.size for slot in same if slot.users)
        if new.size > budget:
            raise BadRequest(
                f"This model needs {size_text(new.size)}, models may take {size_text(budget)} here: set "
                f"{ENVIRONMENT} to a larger number of GiB and start the app again."
            )
        if pinned + new.size > budget:
            busy = sum(1 for slot in same if slot.users)
            raise ModelsBusy(
                f"This model needs {size_text(new.size)}; of {size_text(budget)} for models, {busy} in use take "
                f"{size_text(pinned)}: wait until a map is done, then load it again."
            )
        return self._out(idle, pinned + sum(slot.size for slot in idle) + new.size - budget)

    def _trim(self, kind: str) -> None:
        """Put away idle models until the budget holds."""
        budget = self.budget(kind)
        with self._lock:
            same = [slot for slot in self._slots.values() if slot.kind == kind]
            gone = self._out([slot for slot in same if not slot.users], sum(slot.size for slot in same) - budget)
        _forget(gone)

    def _out(self, idle: list[_Slot], too_much: int) -> list[_Slot]:
        gone = []
        for slot in idle:
            if too_much <= 0:
                break
            too_much -= slot.size
            gone.append(self._slots.pop(slot.key))
        return gone


def memory_of(thing: Any) -> int:
    """Bytes of the arrays and tensors an object leads to. Scenes and memory-mapped files are not counted."""
    torch = sys.modules.get("torch")
    if not hasattr(getattr(torch, "nn", None), "Module") or not hasattr(torch, "Tensor"):
        torch = None  # another thread is importing it: nothing holds a tensor yet
    seen: set[int] = set()

    def walk(item: Any, depth: int) -> int:
        if (
            id(item) in seen
            or depth > MAX_DEPTH
            or item is None
            or isinstance(item, (str, bytes, int, float, Scene, type))
        ):
            return 0
        seen.add(id(item))
        if isinstance(item, np.ndarray):
            base = item if item.base is None else item.base
            if base is not item and isinstance(base, np.ndarray):
                return walk(base, depth)  # a view: what it keeps alive
            return 0 if isinstance(item, np.memmap) else int(item.nbytes)
        if torch is not None and isinstance(item, torch.Tensor):
            return int(item.element_size() * item.nelement())
        if torch is not None and isinstance(item, torch.nn.Module):
            return sum(walk(t, depth) for t in [*item.parameters(), *item.buffers()])
        if isinstance(item, dict):
            return sum(walk(value, depth + 1) for value in item.values())
        if isinstance(item, (list, tuple)):
            return sum(walk(value, depth + 1) for value in item)
        if is_dataclass(item):
            own = {f.name: getattr(item, f.name, None) for f in fields(item)}
            return sum(walk(value, depth + 1) for value in {**own, **getattr(item, "__dict__", {})}.values())
        if type(item).__module__.startswith("hsi_studio."):
            return sum(walk(value, depth + 1) for value in getattr(item, "__dict__", {}).values())
        return 0

    return walk(thing, 0)


def _forget(slots: list[_Slot]) -> None:
    """Give the memory back now, not when Python gets round to it."""
    if not slots:
        return
    kinds = {slot.kind for slot in slots}
    alive = [weakref.ref(slot.loaded.fitted) for slot in slots if slot.loaded is not None]
    for slot in slots:
        slot.loaded = None
    if any(ref() is not None for ref in alive):  # it leads back to itself
        gc.collect()
    torch = sys.modules.get("torch")
    if "cuda" in kinds and torch is not None:
        torch.cuda.empty_cache()


def _from_environment() -> int:
    return int((settings.MODEL_MEMORY_GB.number() or 0.0) * 2**30)


def _memory_of_device(kind: str) -> int:
    if kind == "cuda":
        import torch

        return int(torch.cuda.mem_get_info()[1])
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) if hasattr(os, "sysconf") else 8 << 30
