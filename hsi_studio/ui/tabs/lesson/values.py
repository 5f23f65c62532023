"""What `lesson.js` shows, and what a lesson adds to the class list. Nothing is computed here."""

from __future__ import annotations

from typing import Any

from hsi_studio.errors import StudioError
from hsi_studio.project.lesson import Figure
from hsi_studio.studio.facade import Studio
from hsi_studio.studio.lessons import DEFAULT_SHOTS, verdict


def lesson_value(studio: Studio, project_id: str) -> dict[str, Any]:
    """`state`: "none" (with `start`: it may be started), "on" or "done"."""
    value: dict[str, Any] = {
        "project": project_id, "state": "none", "shots": DEFAULT_SHOTS, "guest": studio.only is not None,
        "start": studio.lessons.can_start(project_id),
    }  # fmt: skip
    try:
        lesson = studio.lessons.of(project_id)
    except StudioError as error:
        return value | {"problem": str(error)}
    if lesson is None:
        return value
    value |= {"shots": lesson.shots, "left": lesson.left, "total": lesson.shots * len(lesson.given)}
    result = lesson.result
    if result is None:
        shown = studio.displayed.left(project_id)
        without = [info.name for info, count in lesson.given if not count]
        return value | {"state": "on", "map": "" if shown is None else shown.title, "without": without}
    return value | {
        "state": "done",
        "figures": [_figure("Yours", result.score), _figure("Baseline", result.baseline)],
        "verdict": verdict(result),
        "said": [
            f"Yours: {result.title}, from {result.labels} labels.",
            f"Baseline: {result.baseline_words}.",
            f"Overall accuracy, both measured {result.words}. A class without a label counts as wrong.",
        ],
    }  # fmt: skip


def limit_value(studio: Studio, project_id: str) -> dict[str, int] | None:
    """For the class list: labels a class while a lesson is on."""
    project = studio.project(project_id)
    return {"shots": project.lesson.shots} if project.lesson is not None and project.lesson_on else None


def _figure(name: str, found: Figure) -> dict[str, Any]:
    span = "" if found.low is None or found.high is None else f"{100 * found.low:.1f}–{100 * found.high:.1f}"
    return {"name": name, "value": f"{100 * found.value:.1f} %", "range": span}
