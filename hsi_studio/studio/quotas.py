"""What an owner may use on a shared server."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hsi_studio import settings
from hsi_studio.errors import BadRequest
from hsi_studio.humanize import size_text
from hsi_studio.types import Scene


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
            wanted = f" and this needs {size_text(more)}" if more else ""
            raise BadRequest(
                f"Your folder holds {size_text(used)}{wanted}, {size_text(self.disk_gb * 2**30)} are allowed here: "
                "delete runs and models you no longer need (Train and Models tabs), and empty the trash."
            )
