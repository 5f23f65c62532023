"""What a run may take: checked against its forecast before it starts, and held by the system while it works.

- **Memory**: `HSI_STUDIO_JOB_MEMORY_GB`, else what the machine (or its container) has. A forecast above it is refused
  with both figures. In the worker, Linux's RLIMIT_DATA: pages that a process may write. RLIMIT_AS would count what
  libraries reserve and never touch (several GiB with torch's threads), and end trainings that need little. A CUDA
  driver reserves address space as large as the GPU's memory, so that on a GPU only the forecast counts.
- **Time**: `HSI_STUDIO_JOB_HOURS` without a break; then it pauses, its state kept.
- **Disk**: with a quota, no file grows beyond what is left of it (RLIMIT_FSIZE; Python raises OSError EFBIG).
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

from hsi_studio.engine.runs.control import RunControl
from hsi_studio.errors import BadRequest
from hsi_studio.humanize import size_text
from hsi_studio.settings import JOB_HOURS, JOB_MEMORY_GB, MAX_DISK_GB

log = logging.getLogger(__name__)

GIB = 2**30
LEAST_FILE = 1 << 20  # a run can always write its record and its log
CGROUP = Path("/sys/fs/cgroup/memory.max")


def memory_limit() -> int | None:
    """Bytes that a run may take. None where nobody says: no setting, and not Linux. Raises BadRequest."""
    given = JOB_MEMORY_GB.number()
    if given is not None:
        return int(given * GIB)
    found = []
    for file, read in ((Path("/proc/meminfo"), _total), (CGROUP, int)):
        try:
            found.append(read(file.read_text(encoding="ascii")))
        except (OSError, ValueError):  # "max": no limit; or no such file here
            log.debug("%s says nothing of memory", file)
    return min(found, default=None)


def check_forecast(peak_mb: float) -> None:
    """Raises BadRequest for a run that is forecast to need more memory than it may have."""
    limit, need = memory_limit(), peak_mb * 2**20
    if limit is not None and need > limit:
        allowed = f"{JOB_MEMORY_GB.name} allows" if JOB_MEMORY_GB.text() else "this machine has"
        raise BadRequest(
            f"This training would need about {size_text(need)} of memory, {allowed} {size_text(limit)}: choose a "
            "smaller batch, window or network, or a smaller scene."
        )


def hold(folder: Path, control: RunControl, on_gpu: bool) -> None:
    """Put this process under the limits; for the worker of the run in `folder`, once. Raises BadRequest."""
    hours = JOB_HOURS.number()
    if hours is not None:
        timer = threading.Timer(hours * 3600, control.request, ("time",))
        timer.daemon = True
        timer.start()
    try:
        import resource
    except ImportError:  # Windows
        log.info("this system has no limits for a process")
        return
    memory = JOB_MEMORY_GB.number()
    if memory is not None and not on_gpu:
        _lower(resource.RLIMIT_DATA, int(memory * GIB))
    disk = MAX_DISK_GB.number()
    if disk is not None:
        home = folder.resolve().parents[3]  # …/home/projects/PROJECT/runs/RUN
        _lower(resource.RLIMIT_FSIZE, max(int(disk * GIB) - _size(home), LEAST_FILE))


def _lower(which: int, to: int) -> None:
    import resource

    _, hard = resource.getrlimit(which)
    most = to if hard == resource.RLIM_INFINITY else min(to, hard)
    resource.setrlimit(which, (most, hard))


def _total(text: str) -> int:
    """Of /proc/meminfo, whose first line is "MemTotal:  16316412 kB". Raises ValueError."""
    key, value = text.split("\n", 1)[0].split(":")
    if key != "MemTotal":
        raise ValueError(key)
    return int(value.split()[0]) * 1024


def _size(folder: Path) -> int:
    """Bytes of the files below it; links are not followed."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_size
            except OSError:  # it went in between
                continue
    return total
