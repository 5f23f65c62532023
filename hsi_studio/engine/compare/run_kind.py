"""A comparison as a kind of run: kind "compare", plan.json in its run folder (`engine/worker.py` calls `run`).

Pause, a crash and a stop lose at most the fit at work: finished ones lie in the project's store, which every later
comparison of the project reads. `record.method` is empty; what is compared stands in the plan.
"""

from __future__ import annotations

from pathlib import Path

from hsi_studio.engine.compare.report import REPORT, write_report
from hsi_studio.engine.compare.results import CELLS, MAPS, RESULT, read_plan
from hsi_studio.engine.compare.runner import run_comparison
from hsi_studio.engine.runs.attempt import Attempt
from hsi_studio.engine.runs.environment import open_scene


def store_of(folder: Path) -> Path:
    """Where the cells of a run's project are kept."""
    return folder.parents[1] / CELLS


def run(attempt: Attempt) -> None:
    """Run the comparison of the attempt's folder; result and report lie there. Raises StudioError."""
    folder, record = attempt.folder, attempt.record
    plan = read_plan(folder.path)
    names = " / ".join(arm.name for arm in plan.arms)
    attempt.log("info", f"Comparing {names} on {record.scene['name']}, {record.device.get('reason') or 'CPU'}")
    scene = open_scene(record)
    labels = None if scene.reference is not None else folder.read_labels(record)
    attempt.settle_device()
    attempt.note_versions()
    attempt.count_start()
    made = run_comparison(plan, folder.path, attempt.context(), scene, labels, store=store_of(folder.path))
    write_report(made, folder.path)
    attempt.timing["compare_seconds"] = made.seconds
    attempt.finish(
        {"headline": made.headline, "seeds": len(made.seeds)},
        [RESULT, f"{REPORT}.md", f"{REPORT}.html", *(f"{MAPS}/{name}" for name in made.maps.values())],
    )
