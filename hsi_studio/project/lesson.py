"""A lesson: a project whose reference is hidden, with so many labels a class, until it is handed in.

    project.json   "lesson": {"shots": 5}   what it asks for: part of what does not change, so a copy of the project or
                                            a backup of it hides the reference too
    lesson.json    the score; while there is none, the lesson is on

The budget is of labels that are there at once: one that is taken away can be given again.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

from pydantic import Field

from hsi_studio.edges import at_edge
from hsi_studio.errors import LabelProblem
from hsi_studio.files import write_json
from hsi_studio.project.events import Change, State
from hsi_studio.stored import Count, Stored, read_model

RESULT = "lesson.json"
MOST_SHOTS = 100
MAX_RESULT = 1 << 20  # bytes
REMEDY = "Restore it from a backup; moved away, the lesson is on again"
Shots = Annotated[int, Field(strict=True, ge=1, le=MOST_SHOTS)]
Text = Annotated[str, Field(max_length=2000)]


class LessonAbout(Stored):
    """What a lesson asks for. `shots`: labels a class."""

    shots: Shots


class Figure(Stored):
    """A fraction with its 95 % interval, where there is one."""

    value: Annotated[float, Field(ge=-1, le=1)]
    low: float | None = None
    high: float | None = None


class LessonResult(Stored):
    """`lesson.json`: the score of the map that was handed in, the baseline's, and `gain` = score − baseline, all three
    in overall accuracy on the same `n` test pixels, which `words` describe."""

    handed_in: Annotated[str, Field(max_length=64)]
    title: Text  # of the map
    labels: Count
    revision: Count  # of the labels
    n: Count
    words: Text
    score: Figure
    baseline: Figure
    gain: Figure
    baseline_words: Text


def read_result(folder: Path) -> LessonResult | None:
    """None while the lesson is on. Raises FileProblem."""
    path = folder / RESULT
    return read_model(path, LessonResult, MAX_RESULT, "the score of a lesson", REMEDY) if path.exists() else None


def write_result(folder: Path, result: LessonResult) -> None:
    """The lesson ends with it. Raises FileProblem."""
    with at_edge(folder / RESULT):
        write_json(folder / RESULT, result.model_dump(mode="json"), indent=2)


def keep_to_budget(change: Change, state: State, shots: int) -> None:
    """Raises LabelProblem for an action that gives a class more than `shots` labels. Undo and redo lead back to what
    was allowed."""
    if change.kind != "do" or not change.points:
        return
    before = Counter(point.class_id for point in state.points.values())
    after = before.copy()
    for old, new in change.points.values():
        after.update([new.class_id] if new is not None else [])
        after.subtract([old.class_id] if old is not None else [])
    schema = state.schema if change.classes is None else change.classes[1]
    for info in schema.classes:
        if after[info.id] > max(shots, before[info.id]):
            raise LabelProblem(
                f"This lesson gives {info.name} {shots} label{'s' * (shots != 1)}, and this would make "
                f"{after[info.id]}: take one away first, or hand in."
            )
