"""The project's last run as one value, for pages that show only that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hsi_studio.engine.accuracy import AccuracyReport
from hsi_studio.types import Prediction, Progress
from hsi_studio.verbs.runs import Runs


@dataclass(frozen=True)
class TrainingStatus:
    """How far a training is, and what came of it."""

    state: Literal["running", "done", "stopped", "failed"]
    method: str
    revision: int  # of the labels it uses
    shots: tuple[int, int]  # fewest and most labels of a class
    progress: Progress | None = None
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    prediction: Prediction | None = None
    report: AccuracyReport | None = None
    error: str = ""


def training_status(runs: Runs, project_id: str) -> TrainingStatus | None:
    """None when the project has no run."""
    run = runs.latest(project_id)
    if run is None:
        return None
    if run.state == "done":
        return TrainingStatus(
            "done", run.method, run.revision, run.shots, None, float(run.timing.get("fit_seconds", 0.0)),
            float(run.timing.get("predict_seconds", 0.0)), runs.prediction(run.id), runs.report(run.id),
        )  # fmt: skip
    if run.alive:
        return TrainingStatus("running", run.method, run.revision, run.shots, run.progress or Progress("Starting"))
    state: Literal["stopped", "failed"] = "stopped" if run.state == "cancelled" else "failed"
    return TrainingStatus(state, run.method, run.revision, run.shots, error=run.reason)
