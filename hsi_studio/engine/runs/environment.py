"""What a run's process asks of its surroundings: its scene, its memory, the versions its numbers depend on."""

from __future__ import annotations

import logging
import os
import platform
import sys
from pathlib import Path
from typing import Any

from hsi_studio.engine.runs.record import RunRecord
from hsi_studio.errors import BadRequest, SceneMismatch
from hsi_studio.methods.contract import Params, make_params
from hsi_studio.scene.plan import FIRST_RULES
from hsi_studio.types import Scene

log = logging.getLogger(__name__)

SMALLEST_BATCH = 2
AUTOGROUP = Path("/proc/self/autogroup")


def open_scene(record: RunRecord) -> Scene:
    """The scene the run is about. Raises FileProblem, BadRequest, SceneMismatch when its content is another."""
    from hsi_studio.scene.resolve import resolve

    spec = {"rules": FIRST_RULES, **record.scene["spec"]}
    scene = resolve(spec.pop("spec"), **spec)
    if scene.id != record.scene["id"]:
        raise SceneMismatch(
            f"{scene.name} has changed since the run was started (content {scene.id}, then {record.scene['id']}): "
            "restore the file, or start a new run on it as it is."
        )
    return scene


def out_of_memory(error: BaseException) -> bool:
    """Of the GPU or of the machine."""
    text = str(error)
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and ("can't allocate memory" in text or "CUDA out of memory" in text))
    )


def smaller_batch(params: Params) -> dict[str, Any] | None:
    """Half the batch, None where there is none or it is small already."""
    batch = getattr(params, "batch", None)
    if not isinstance(batch, int) or batch < 2 * SMALLEST_BATCH:
        return None
    smaller = {"batch": batch // 2}
    try:
        make_params(type(params), {**params.model_dump(), **smaller})
    except BadRequest:
        return None
    return smaller


def versions() -> dict[str, str]:
    """What the numbers of a result depend on."""
    import importlib.metadata

    import numpy

    from hsi_studio.engine.runs.devices import cpu_name

    return {
        "hsi_studio": str(sys.modules["hsi_studio"].__version__),
        "python": platform.python_version(),
        "torch": importlib.metadata.version("torch"),
        "numpy": numpy.__version__,
        "platform": platform.platform(),
        "cpu": cpu_name(),
    }


def threads() -> int:
    """Threads of the numerical libraries."""
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


def step_back(by: int) -> None:
    """Have everything else on this machine go first. Where Linux schedules by session (autogroups, the default), a nice
    value counts inside a session only, and a worker has one of its own: its session is set back as well."""
    if hasattr(os, "nice"):
        os.nice(by)
    try:
        AUTOGROUP.write_text(str(by), encoding="ascii")
    except OSError:
        log.debug("this system does not schedule by session")
