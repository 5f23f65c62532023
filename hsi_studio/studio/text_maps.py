"""`studio.queries.text_maps`: a project's map from class texts alone, and what 1, 2 and 5 clicks a class add to it.

>>> studio.queries.text_maps.request(project.id, "p5")
>>> studio.queries.text_maps.get(project.id).report.main.oa

When the map is there it is announced (`displayed_map.py`): it takes no other one's place on the screen.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport, report_without_labels
from hsi_studio.engine.query.matcher import Matcher
from hsi_studio.engine.query.zero_shot import CurvePoint, learning_curve, zero_shot
from hsi_studio.errors import BadRequest
from hsi_studio.humanize import listed
from hsi_studio.methods import LIVE_METHOD
from hsi_studio.studio import Subject
from hsi_studio.studio.displayed_map import DisplayedMap
from hsi_studio.studio.evaluation import Evaluation
from hsi_studio.studio.layers import Layer, layer_id, measured
from hsi_studio.studio.prompts import Prompts
from hsi_studio.studio.recipes import sentence_of
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import ClassSchema, LabelSet, Prediction, Progress, Scene

CURVE_CLICKS, CURVE_SEEDS = (1, 2, 5), 5
MOST_NAMED = 6  # renamed classes in a sentence
NAMES = "names"  # class names alone, in place of prompts

Say = Callable[[str, float], None]


@dataclass(frozen=True)
class TextMap:
    """A project's map from class texts alone. The curve comes after the map, `state` stays "working" until then."""

    state: Literal["idle", "working", "done", "failed"] = "idle"
    prompts: str = ""  # which texts: "p5 described", a set's name
    progress: Progress | None = None
    prediction: Prediction | None = None
    report: AccuracyReport | None = None
    curve: tuple[CurvePoint, ...] = ()
    curve_note: str = ""  # why there is no curve
    notes: tuple[str, ...] = ()
    error: str = ""
    serial: int = 0  # another one each time a map is asked for


@dataclass
class _Made:
    """Of everybody who works in one home."""

    of: dict[str, TextMap] = field(default_factory=dict)  # by project
    lock: threading.RLock = field(default_factory=threading.RLock)


class TextMaps(Subject):
    """The maps of all projects. `ready(project_id)` is called when one is there. Thread-safe."""

    def __init__(
        self,
        workspace: Workspace,
        prompts: Prompts,
        evaluation: Evaluation,
        matcher: Callable[[Scene, Say], Matcher],
        submit: Callable[[Callable[[], None], Callable[[str], None]], None],
        check: Callable[[], None],
        ready: Callable[[str], None],
    ) -> None:
        self._workspace, self._prompts, self._evaluation = workspace, prompts, evaluation
        self._matcher, self._submit, self._check, self._ready = matcher, submit, check, ready
        self._kept = workspace.shared(_Made)
        workspace.on_close(self.forget)

    def forget(self, project_id: str, scene_id: str) -> None:
        """A project was closed to save memory: its map goes, unless it is being made."""
        with self._kept.lock:
            if self._kept.of.get(project_id, TextMap()).state != "working":
                self._kept.of.pop(project_id, None)

    def request(self, project_id: str, prompts: str = "p5", curve: bool = True) -> TextMap:
        """Have the map made in the background; with `curve` also what clicks add, where the scene has a reference.

        `prompts`: "names", or as in `studio.prompts.resolve`. Raises BadRequest, LabelProblem (no such prompts).
        """
        title, notes, sentences, own = "class names", tuple[str, ...](), dict[str, tuple[str, ...]](), False
        if prompts != NAMES:
            chosen = self._prompts.resolve(project_id, prompts)
            title, sentences, notes, own = chosen.title, chosen.sentences, chosen.notes, bool(chosen.set_id)
        serial = self._state(project_id).serial + 1
        fresh = self._put(project_id, TextMap("working", title, Progress("Waiting"), notes=notes, serial=serial))

        def failed(message: str) -> None:
            self._put(project_id, replace(self._state(project_id), state="failed", progress=None, error=message))

        self._submit(lambda: self._make(project_id, sentences, own, curve), failed)
        return fresh

    def get(self, project_id: str) -> TextMap:
        """How far it is; the first note says which classes have been renamed since, for the names were read. Raises
        BadRequest for a project that is not the guest's."""
        found, since = self._state(project_id), self._renamed(project_id)
        if not since:
            return found
        note = f"Renamed since this map was made: {listed(since, MOST_NAMED)}. Make it again to have those read."
        return replace(found, notes=(note, *found.notes))

    # ── a layer of `studio.displayed` ───────────────────────────────────────────────────────────

    def listed(self, project_id: str) -> list[Layer]:
        made = self._state(project_id)
        if made.prediction is None:
            return []
        return [measured(Layer(layer_id("texts"), self.title(project_id, "")), made.report)]

    def title(self, project_id: str, item: str) -> str:
        read = "; ".join([self._state(project_id).prompts, *self._renamed(project_id)[:MOST_NAMED]])
        return f"Map from texts alone ({read})"

    def displayed(self, project_id: str, item: str) -> DisplayedMap | None:
        if item:
            raise BadRequest(f"There is one map from texts of a project: “texts”, not “texts:{item[:80]}”.")
        made = self._state(project_id)
        if made.prediction is None:
            return None
        return DisplayedMap("texts", "", made.prediction, project_id, self, version=str(made.serial))

    def finished(self, project_id: str, item: str, timeout: float) -> DisplayedMap:
        found = self.displayed(project_id, item)
        if found is None:
            raise BadRequest("There is no map from texts yet: have it made in the Query tab first.")
        return found

    def report(self, shown: DisplayedMap) -> AccuracyReport | None:
        return self._state(shown.project_id).report

    def seen(self, shown: DisplayedMap) -> LabelSet:
        """No label went into it."""
        none = np.zeros(0, dtype=np.int64)
        return LabelSet(shown.prediction.schema, none, none, none)

    def _state(self, project_id: str) -> TextMap:
        """What is kept. Raises BadRequest for a project that is not the guest's."""
        self._workspace.admit(project_id)
        with self._kept.lock:
            return self._kept.of.get(project_id, TextMap())

    def _renamed(self, project_id: str) -> list[str]:
        """“asphalt read as grass”, for each class that the map knew by another name: it is shown under that of today,
        which no pixel was compared with."""
        made = self._state(project_id).prediction
        if made is None:
            return []
        now = {info.id: info.name for info in self._workspace.project(project_id).schema.classes}
        return [
            f"{now[info.id]} read as {info.name}"
            for info in made.schema.classes
            if now.get(info.id, info.name) != info.name
        ]

    def _make(self, project_id: str, sentences: Mapping[str, Sequence[str]], own: bool, curve: bool) -> None:
        scene, labels = self._workspace.scene_of(project_id), self._workspace.project(project_id).labels()

        def say(message: str, done: float) -> None:
            self._check()
            self._put(project_id, replace(self._state(project_id), progress=Progress(message, done, 1.0)))

        matcher = self._matcher(scene, say)
        name = {info.id: info.name.replace("_", " ").replace("-", " ").lower() for info in labels.schema.classes}
        texts = {key: (called, *sentences.get(key, ())) for key, called in name.items()}
        # A style's sentences compare classes with others: materials are read in a project's own sets alone.
        read = [sentence_of(sentences.get(info.id, ())) if own else "" for info in labels.schema.classes]
        made = zero_shot(matcher, labels.schema, texts, labels.revision, matcher.spectral, read)
        notes = self._said(matcher, labels.schema, read)
        report = report_without_labels(made, scene)
        before = self._state(project_id)
        now = replace(before, prediction=made, report=report, progress=None, notes=(*notes, *before.notes))
        measured = curve and scene.reference is not None
        if curve and not measured:
            now = replace(now, curve_note="What clicks add can only be measured on a scene with a reference.")
        self._put(project_id, now)
        self._ready(project_id)  # before it counts as done: who waits for that looks for it on the screen
        if not measured:
            self._put(project_id, replace(self._state(project_id), state="done"))
        if measured:
            evaluate = self._evaluation.evaluate
            points = learning_curve(
                scene, made, lambda shots, seeds: evaluate(scene, LIVE_METHOD, shots=shots, seeds=seeds),
                CURVE_CLICKS, CURVE_SEEDS, check=lambda done: say("Measuring what clicks add", done),
            )  # fmt: skip
            self._put(project_id, replace(self._state(project_id), state="done", progress=None, curve=tuple(points)))

    @staticmethod
    def _said(matcher: Matcher, schema: ClassSchema, read: Sequence[str]) -> tuple[str, ...]:
        """What the names were taken for, how the values were read, and what that leaves in doubt."""
        if matcher.spectral is None:
            return ()
        calibration = matcher.spectral.view.calibration
        values = (f"Values: {calibration.note}.",) if calibration.note else ()
        hedge = () if calibration.absolute else ("Words about brightness mean little: the values are no reflectance.",)
        return (*matcher.spectral.classes(schema.names, read).notes, *values, *hedge)

    def _put(self, project_id: str, value: TextMap) -> TextMap:
        with self._kept.lock:
            self._kept.of[project_id] = value
            return value
