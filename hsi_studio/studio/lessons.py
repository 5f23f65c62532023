"""`studio.lessons`: “5 pixels a class, beat the baseline”: a project whose reference nobody sees until it is handed in.

>>> lesson = studio.lessons.start(project.id, shots=5)
>>> studio.label(lesson.id, row=40, col=20, class_id=lesson.schema.classes[0].id)
>>> studio.lessons.hand_in(lesson.id).gain

A lesson is a project of its own, so there is nothing from before that could give the reference away: no labels drawn
from it, no trained models, no figures. While it is on, its scene has no reference (`Workspace.project`): no layer, no
accuracy but leave-one-out, no matrix, nothing for a training to measure itself on. Whoever owns the file can open it
elsewhere: give a lesson to others by its link, which shows them nothing else.

Nothing that grows with the scene happens before `hand_in`, which makes the baseline's map.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hsi_studio.engine.evaluation.lesson_score import baseline_map, counted_classes, lesson_score, present_classes
from hsi_studio.engine.evaluation.metrics import Estimate
from hsi_studio.errors import BadRequest
from hsi_studio.humanize import counted
from hsi_studio.methods import BASELINE_METHOD, get_method
from hsi_studio.methods.contract import Context
from hsi_studio.project.lesson import MOST_SHOTS, Figure, LessonAbout, LessonResult, read_result, write_result
from hsi_studio.project.store import Project
from hsi_studio.studio import Subject
from hsi_studio.studio.displayed_map import DisplayedMap, DisplayedMaps
from hsi_studio.studio.runs import Runs
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import ClassInfo, LabelSet, Progress

Score = LessonResult
DEFAULT_SHOTS = 5
BASELINE_SEED = 0
WAIT_S = 120.0  # for the live map of the newest labels
ON = "The lesson is on: its reference is hidden until it is handed in."


@dataclass(frozen=True)
class Lesson:
    """How far a lesson is. `result` None = it is on."""

    shots: int
    given: tuple[tuple[ClassInfo, int], ...]  # labels of each class
    result: LessonResult | None

    @property
    def left(self) -> int:
        """Labels that can still be given."""
        return sum(max(0, self.shots - count) for _, count in self.given)


@dataclass
class _HandingIn:
    """Of everybody who works in one home: a lesson is handed in once."""

    lock: threading.Lock = field(default_factory=threading.Lock)


class Lessons(Subject):
    """One subject of `Studio`. Safe to call from many threads."""

    def __init__(self, workspace: Workspace, displayed: DisplayedMaps, runs: Runs) -> None:
        self._workspace, self._displayed, self._runs = workspace, displayed, runs
        self._lock = workspace.shared(_HandingIn).lock

    def can_start(self, project_id: str) -> bool:
        """Whether there is a reference to hide, and it is the visitor's to hide."""
        return self._workspace.only is None and self._workspace.scene_of(project_id).reference is not None

    def start(self, project_id: str, shots: int = DEFAULT_SHOTS, title: str | None = None) -> Project:
        """A new lesson on the scene of a project, which stays as it is. Raises as `start_on`; BadRequest for a lesson
        that is on."""
        project = self._workspace.project(project_id)
        if project.lesson_on:
            raise BadRequest(f"{ON} Go on with it, or hand it in first.")
        spec = dict(project.scene_spec)
        return self.start_on(spec.pop("spec"), shots, title, **spec)

    def start_on(
        self, spec: str | Path, shots: int = DEFAULT_SHOTS, title: str | None = None, **options: Any
    ) -> Project:
        """A lesson on a scene; its classes are those the reference has pixels of. `options` as in `Workspace.open`.

        Raises BadRequest: no reference, a number out of range, as a guest.
        """
        if not 1 <= shots <= MOST_SHOTS:
            raise BadRequest(f"{shots} labels a class: a lesson has 1 to {MOST_SHOTS}.")
        scene = self._workspace.open(spec, **options)
        present = {} if scene.reference is None else present_classes(scene)
        if len(present) < 2:
            raise BadRequest(
                f"{scene.name} has no reference of two classes to measure a lesson against: open the scene with a "
                "reference file (--reference FILE)."
            )
        named = title or self._title(f"Lesson: {scene.name}, {counted(shots, 'pixel')} a class")
        asked = replace(scene, reference_names=present, survey_fn=lambda _: scene.survey, _lock=threading.Lock())
        return self._workspace.new_project(spec, title=named, lesson=LessonAbout(shots=shots), scene=asked, **options)

    def _title(self, wanted: str) -> str:
        """One that no project has: there may be a lesson for each student."""
        taken = {one.title for one in self._workspace.projects()}
        numbered = (f"{wanted} ({n})" for n in range(2, len(taken) + 3))
        return next(one for one in (wanted, *numbered) if one not in taken)

    def of(self, project_id: str) -> Lesson | None:
        """How far a project's lesson is; None for a project that is none. Raises BadRequest, FileProblem."""
        project = self._workspace.project(project_id)
        if project.lesson is None:
            return None
        labels = project.labels()
        given = tuple(zip(labels.schema.classes, labels.counts.tolist(), strict=True))
        return Lesson(project.lesson.shots, given, read_result(project.folder))

    def hand_in(
        self, project_id: str, which: str = "shown", progress: Callable[[Progress], None] = lambda _: None
    ) -> LessonResult:
        """Measure a map of the lesson, and end it: from then on the reference is seen.

        `which` as in `displayed.find`; a map that was made elsewhere, or from a model that was, is refused. Raises
        BadRequest, LabelProblem (no map yet), FileProblem.
        """
        with self._lock:
            project, lesson = self._workspace.project(project_id), self.of(project_id)
            if lesson is None:
                raise BadRequest(f"{project.title!r} is no lesson: start one on a scene with a reference.")
            if lesson.result is not None:
                raise BadRequest("This lesson was handed in already; its score stays.")
            found = self._displayed.find(project_id, which, WAIT_S)
            seen = self._own_labels(found, lesson.shots)
            scene = self._workspace.with_reference(project_id)
            classes = counted_classes(project.first_classes, scene)
            progress(Progress("Making the baseline's map"))
            context = Context(cache_dir=self._workspace.cache_folder, progress=progress)
            made, drawn, words = baseline_map(
                scene, classes, lesson.shots, BASELINE_SEED, get_method(BASELINE_METHOD), context
            )
            progress(Progress("Measuring both maps"))
            both = lesson_score((made, drawn), (found.prediction, seen), scene, classes)
            if both.problem or both.first is None or both.second is None or both.difference is None:
                raise BadRequest(f"This map cannot be measured: {both.problem}")
            result = LessonResult(
                handed_in=datetime.now(UTC).isoformat(timespec="seconds"), title=found.title, labels=len(seen),
                revision=found.revision, n=both.n, words=both.words, score=_figure(both.second),
                baseline=_figure(both.first), gain=_figure(both.difference), baseline_words=words,
            )  # fmt: skip
            write_result(project.folder, result)
            self._workspace.put_away(project_id)  # it opens again with its reference
        return result

    def _own_labels(self, found: DisplayedMap, shots: int) -> LabelSet:
        """What a map of the lesson was made from. Raises BadRequest for one that may have seen more, or has."""
        elsewhere = found.source not in ("live", "run", "texts")
        if elsewhere or (found.source == "run" and self._runs.record(found.id).parent) or found.seen is None:
            raise BadRequest(
                f"“{found.title}” may have been made from more than this lesson's labels: show the map of your labels, "
                "the map from words, or one that was trained here from the start, and hand in that."
            )
        counts = found.seen.counts
        if counts.size and counts.max() > shots:  # given while the lesson was not on
            name = found.seen.schema.names[int(counts.argmax())]
            raise BadRequest(
                f"“{found.title}” was made from {counted(int(counts.max()), 'label')} of {name}, and this lesson gives "
                f"{shots}: take the others away first."
            )
        return found.seen


def _figure(found: Estimate) -> Figure:
    return Figure(value=found.value, low=found.low, high=found.high)


def figure_text(found: Figure) -> str:
    """An accuracy in percent with its interval."""
    if found.low is None or found.high is None:
        return f"{100 * found.value:.1f} % (too few separate test areas for an interval)"
    return f"{100 * found.value:.1f} % (95 % interval {100 * found.low:.1f} to {100 * found.high:.1f})"


def verdict(result: LessonResult) -> str:
    """Whether the baseline was beaten, as far as the test pixels can tell."""
    points = f"{100 * result.gain.value:+.1f} points".replace("-", "−")
    low, high = result.gain.low, result.gain.high
    if low is None or high is None:
        return f"{points} against the baseline; too few separate test areas for an interval."
    span = f"{points}, 95 % interval {100 * low:+.1f} to {100 * high:+.1f}".replace("-", "−")
    if low > 0:
        return f"The baseline is beaten: {span}."
    if high < 0:
        return f"The baseline is better: {span}."
    return f"Not told apart from the baseline: {span}."
