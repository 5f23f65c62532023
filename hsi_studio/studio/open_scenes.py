"""Scenes that are open on a server: one object a content, and a budget in bytes and in number for all owners together.

What is used is touched; when the budget is passed, the scene that was used longest ago is closed for all who hold it,
and its memory comes back. Closing loses nothing: who needs it again opens it again from its file (`workspace.py`),
which takes as long as the first time. A scene used within `IN_USE_S` is not closed, so that a map which is being made
is not taken from under its page; a budget may be passed by that much.

Bytes are those of arrays in memory; of memory-mapped files none, which the system takes back by itself. `PER_PIXEL` and
`PER_VALUE` stand for what is made of a scene while it is open: valid pixels, the live map, its probabilities, and the
features that its thread holds (measured: 2.3 float32 a band and pixel).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from weakref import WeakSet

from hsi_studio.engine.models.memory import memory_of
from hsi_studio.studio import Subject
from hsi_studio.types import Scene

IN_USE_S = 60.0
IDLE_S = 1800.0  # a scene nobody used for so long is closed, whatever the budget
MOST = 64
PER_PIXEL, PER_VALUE = 64, 9  # bytes


class Holder(Protocol):
    """Who holds scenes: a workspace."""

    def let_go(self, scene_id: str) -> bool:
        """Forget a scene, with everything made of it that can be made again. False = not now: it is opening something.

        It never waits: two owners that open scenes at once may each close one of the other's.
        """
        ...


@dataclass
class _Open:
    scene: Scene
    size: int
    used: float
    holders: WeakSet[Holder] = field(default_factory=WeakSet)


class OpenScenes(Subject):
    """Safe to use from many threads. `budget` in bytes; `clock` is monotonic, in seconds."""

    def __init__(self, budget: int, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self.budget, self.most, self._clock = budget, most, clock
        self._open: OrderedDict[str, _Open] = OrderedDict()  # the one used last at the end
        self._lock = threading.Lock()

    def add(self, scene: Scene, holder: Holder) -> Scene:
        """The one object for this content, which may close others: also the one of this content that is open, where its
        file is read otherwise now, because a world file beside it came or was corrected."""
        with self._lock:
            former = self._open.get(scene.id)
            known = former if former and _told(former.scene) == _told(scene) else None
            known = known or _Open(scene, size_of_scene(scene), 0.0)
            self._open[scene.id] = known
        for one in list(former.holders) if former is not None and former is not known else []:
            if not _let_go(one, scene.id):
                known.holders.add(one)  # at the next occasion
        self.touch(scene.id, holder)
        self.make_room()
        return known.scene

    def touch(self, scene_id: str, holder: Holder) -> None:
        """It is used now, by this holder too."""
        with self._lock:
            known = self._open.get(scene_id)
            if known is not None:
                known.used = self._clock()
                known.holders.add(holder)
                self._open.move_to_end(scene_id)

    def make_room(self) -> int:
        """Close what is too much, or was not used for long. Returns how many were closed."""
        now, gone = self._clock(), list[_Open]()
        with self._lock:
            total = sum(one.size for one in self._open.values())
            for scene_id, one in list(self._open.items()):  # used longest ago first
                too_much = total > self.budget or len(self._open) > self.most
                if now - one.used < (IN_USE_S if too_much else IDLE_S):
                    break
                gone.append(self._open.pop(scene_id))
                total -= one.size
        for one in gone:
            let_go = [holder.let_go(one.scene.id) for holder in list(one.holders)]
            if not all(let_go):
                with self._lock:  # it is still held: closed at the next occasion
                    self._open.setdefault(one.scene.id, one)
                    self._open.move_to_end(one.scene.id, last=False)
        return len(gone)

    def leave(self, holder: Holder) -> None:
        """A holder has gone; scenes that nobody else holds go too."""
        with self._lock:
            for one in self._open.values():
                one.holders.discard(holder)
            self._open = OrderedDict((key, one) for key, one in self._open.items() if one.holders)

    def count(self) -> tuple[int, int]:
        """(scenes, bytes) that are open."""
        with self._lock:
            return len(self._open), sum(one.size for one in self._open.values())


def _let_go(holder: Holder, scene_id: str) -> bool:
    """Whether it did, within a second: nobody waits for ever for another one who waits."""
    for _ in range(20):
        if holder.let_go(scene_id):
            return True
        time.sleep(0.05)
    return False


def _told(scene: Scene) -> tuple[object, ...]:
    """What is read of a scene beside its content, and may be in another file."""
    bands = [None if one is None else one.tobytes() for one in (scene.bands.wavelength_nm, scene.bands.fwhm_nm)]
    return scene.transform, scene.crs, scene.gsd_m, scene.value_unit, scene.reference_names, *bands


def size_of_scene(scene: Scene) -> int:
    """Bytes of its arrays in memory, and of what is made of it while it is open."""
    height, width, bands = scene.shape
    arrays = [array for array in (scene.dsm, scene.reference) if array is not None]
    return (
        memory_of(scene.cube)
        + sum(memory_of(array) for array in arrays)
        + height * width * (PER_PIXEL + bands * PER_VALUE)
    )
