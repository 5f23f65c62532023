"""What several owners on one server share, and what each of them may use.

Each owner has a home folder with projects, runs, uploads and models, and a `Workspace` on it. One `SharedServer` stands
behind all of them: open scenes (the same content is read once), the caches of label-free work, the job queue (one run
at a time on a device, whoever asked), and the models in memory (one budget). A workspace that is alone makes its own.

Quotas come from the command line or the environment (`settings.py`). Without them an owner has no limit. All owners
together always have: scenes and caches in memory and on disk have budgets, and give back what is over.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hsi_studio import settings
from hsi_studio.engine.models.memory import ModelMemory
from hsi_studio.engine.runs.queue import RunQueue
from hsi_studio.features.memory import memory_of_machine
from hsi_studio.studio import Subject
from hsi_studio.studio.open_scenes import Holder, OpenScenes
from hsi_studio.studio.quotas import Quotas
from hsi_studio.studio.uploads import Uploads, trim_folder
from hsi_studio.types import Scene

COUNT_AGAIN_S = 10.0  # a folder's size is kept this long
SCENE_SHARE = 0.25  # of the machine's memory, when nothing is set
CACHE_GB = 4.0


@dataclass
class SharedServer(Subject):
    """Safe to use from many threads. `home` is the server's: caches and the queue's locks lie there."""

    home: Path
    quotas: Quotas = field(default_factory=Quotas)
    manager: ModelMemory = field(default_factory=ModelMemory)
    uploads: Uploads = field(default_factory=Uploads)
    _sizes: dict[Path, tuple[float, int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.queue = RunQueue(self.home, self.cache_folder, disk_gb=self.quotas.disk_gb)
        given = settings.SCENE_MEMORY_GB.number()
        self.scenes = OpenScenes(int(given * 2**30 if given else SCENE_SHARE * memory_of_machine()))

    @property
    def cache_folder(self) -> Path:
        return self.home / "cache"

    def shared(self, scene: Scene, holder: Holder) -> Scene:
        """The one object for this content, held by `holder`. Raises BadRequest when it is larger than allowed."""
        self.quotas.check_scene(scene)
        return self.scenes.add(scene, holder)

    def admit_upload(self, folder: Path, size: int) -> None:
        """Before an upload of `size` bytes is taken, for the owner of this folder. Raises BadRequest."""
        self.uploads.check_room(size)
        self.check_disk(folder, size + self.uploads.waiting(folder), count=False)
        self.uploads.expect(folder, size)

    def tidy(self) -> None:
        """Give back what nobody used for long and what is over the budgets."""
        self.scenes.make_room()
        trim_folder(self.cache_folder, int((settings.CACHE_GB.number() or CACHE_GB) * 2**30))

    def check_disk(self, folder: Path, more: int = 0, count: bool = True) -> None:
        """Raises BadRequest when an owner's folder is full. Its size is at most some seconds old. `count`: what is to
        come is part of it from now on."""
        if self.quotas.disk_gb is None:
            return
        now = time.monotonic()
        with self._lock:
            at, size = self._sizes.get(folder, (-COUNT_AGAIN_S, 0))
        if now - at >= COUNT_AGAIN_S:
            size = size_of(folder)
        with self._lock:
            self._sizes[folder] = (now if now - at >= COUNT_AGAIN_S else at, size + more * count)
        self.quotas.check_disk(size, more)

    def admit_run(self, folder: Path, alive: Callable[[], int]) -> None:
        """Raises BadRequest when an owner has no quota left for a run. `alive`: how many wait or work."""
        if self.quotas.jobs is not None:
            self.quotas.check_jobs(alive())
        self.check_disk(folder)

    def close(self) -> None:
        """End the workers (runs can be resumed) and put the models away."""
        self.queue.close()
        self.manager.close()


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder; links are not followed."""
    total = 0
    for path, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(path, name)).st_size
            except OSError:  # it went in between
                continue
    return total
