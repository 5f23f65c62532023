"""A comparison as a run of the queue: kind "compare", plan.json in its run folder (`engine/runs/attempt.py` calls
`compare`).

Pause, a crash and a stop lose at most the fit at work: finished ones lie in the project's store, which every later
comparison of the project reads. `record.method` is empty; what is compared stands in the plan.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from hsi_studio.engine.compare.report import REPORT, write_report
from hsi_studio.engine.compare.results import CELLS, MAPS, RESULT, read_plan
from hsi_studio.engine.compare.runner import run_comparison
from hsi_studio.engine.runs.record import RunFolder

if TYPE_CHECKING:
    from hsi_studio.engine.runs.attempt import Job


def store_of(folder: Path) -> Path:
    """Where the cells of a run's project are kept."""
    return folder.parents[1] / CELLS


def compare(job: Job, started: float) -> None:
    """Run the comparison of the job's folder. `started`: perf_counter when the process began. Raises StudioError."""
    from hsi_studio.engine.runs.environment import open_scene

    folder: RunFolder = job.folder
    plan = read_plan(folder.path)
    names = " / ".join(arm.name for arm in plan.arms)
    job._log("info", f"Comparing {names} on {job.record.scene['name']}, {job.record.device.get('reason') or 'CPU'}")
    scene = open_scene(job.record)
    labels = None if scene.reference is not None else folder.read_labels(job.record)
    job._device()
    job._versions()
    job._count("start", time.perf_counter() - started)
    made = run_comparison(plan, folder.path, job._context(), scene, labels, store=store_of(folder.path))
    write_report(made, folder.path)
    job.timing["compare_seconds"] = made.seconds
    metrics = {"headline": made.headline, "seeds": len(made.seeds)}
    outputs = [RESULT, f"{REPORT}.md", f"{REPORT}.html", *(f"{MAPS}/{name}" for name in made.maps.values())]
    job.record = job.record.model_copy(update={"metrics": metrics, "outputs": outputs, "timing": job.timing})
    job.events.append("result", metrics=metrics, timing=job.timing, outputs=outputs)
