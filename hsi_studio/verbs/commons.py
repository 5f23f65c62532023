"""What several owners on one server share, and what each of them may use.

Each owner has a home folder with projects, runs, uploads and models, and a `Studio` on it. One `Commons` stands behind
all of them: open scenes (the same content is read once), the caches of label-free work, the job queue (one run at a
time on a device, whoever asked), and the models in memory (one budget). A `Studio` of its own makes its own.

Quotas come from the command line or the environment (`settings.py`). Without them there is no limit.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hsi_studio import settings
from hsi_studio.engine.jobs import JobQueue
from hsi_studio.engine.manager import ModelManager
from hsi_studio.engine.placement import in_words
from hsi_studio.errors import BadRequest
from hsi_studio.types import Scene

COUNT_AGAIN_S = 10.0  # a folder's size is kept this long


@dataclass(frozen=True)
class Quotas:
    """Of one owner; None = no limit."""

    jobs: int | None = None  # runs waiting or at work at once
    disk_gb: float | None = None  # of everything in the owner's folder
    scene_mpx: float | None = None  # million pixels (rows × columns) of a scene

    @staticmethod
    def of_environment(jobs: int | None = None, disk_gb: float | None = None, scene_mpx: float | None = None) -> Quotas:
        """What is given; where nothing is, the environment's. Raises BadRequest for what is no positive number."""
        given = {settings.MAX_JOBS: jobs, settings.MAX_DISK_GB: disk_gb, settings.MAX_SCENE_MPX: scene_mpx}
        for setting, value in given.items():
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise BadRequest(f"{setting.option} {value:g}: give a number above 0, or leave it away for no limit.")
        return Quotas(
            settings.MAX_JOBS.whole() if jobs is None else jobs,
            settings.MAX_DISK_GB.number() if disk_gb is None else disk_gb,
            settings.MAX_SCENE_MPX.number() if scene_mpx is None else scene_mpx,
        )

    def check_scene(self, scene: Scene) -> None:
        """Raises BadRequest."""
        height, width, _ = scene.shape
        if self.scene_mpx is not None and height * width > self.scene_mpx * 1e6:
            raise BadRequest(
                f"{scene.name} has {height} × {width} = {height * width / 1e6:.1f} million pixels, {self.scene_mpx:g} "
                "million are allowed here: cut out the part you need, or ask who runs this server for a larger "
                "--max-scene-mpx."
            )

    def check_jobs(self, alive: int) -> None:
        """`alive`: runs of the owner that wait or work. Raises BadRequest."""
        if self.jobs is not None and alive >= self.jobs:
            raise BadRequest(
                f"{alive} of your runs are waiting or at work, {self.jobs} are allowed at once here: wait for one to "
                "end, or cancel one."
            )

    def check_disk(self, used: int, more: int = 0) -> None:
        """`used` bytes in the owner's folder, `more` to come. Raises BadRequest."""
        if self.disk_gb is not None and used + more > self.disk_gb * 2**30:
            wanted = f" and this needs {in_words(more)}" if more else ""
            raise BadRequest(
                f"Your folder holds {in_words(used)}{wanted}, {in_words(self.disk_gb * 2**30)} are allowed here: "
                "delete runs and models you no longer need (Train and Models tabs), and empty the trash."
            )


@dataclass
class Commons:
    """Safe to use from many threads. `home` is the server's: caches and the queue's locks lie there."""

    home: Path
    quotas: Quotas = field(default_factory=Quotas)
    manager: ModelManager = field(default_factory=ModelManager)
    _scenes: dict[str, Scene] = field(default_factory=dict)
    _sizes: dict[Path, tuple[float, int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.queue = JobQueue(self.home, self.cache_folder)

    @property
    def cache_folder(self) -> Path:
        return self.home / "cache"

    def shared(self, scene: Scene) -> Scene:
        """The one object for this content. Raises BadRequest when it is larger than allowed."""
        self.quotas.check_scene(scene)
        with self._lock:
            return self._scenes.setdefault(scene.id, scene)

    def check_disk(self, folder: Path, more: int = 0) -> None:
        """Raises BadRequest when an owner's folder is full. Its size is at most some seconds old."""
        if self.quotas.disk_gb is None:
            return
        now = time.monotonic()
        with self._lock:
            at, size = self._sizes.get(folder, (-COUNT_AGAIN_S, 0))
        if now - at >= COUNT_AGAIN_S:
            size = size_of(folder)
        with self._lock:
            self._sizes[folder] = (now if now - at >= COUNT_AGAIN_S else at, size + more)
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
