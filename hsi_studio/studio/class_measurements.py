"""What was measured of each class's labelled pixels, made once for a scene and labels.

Facts come from `engine/query/pixel_facts.py`, sentences from `text/description.py`. The first call on a scene makes
its rasters (seconds on a large one); so this is not called from a handler.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from hsi_studio.engine.query.pixel_facts import PixelFacts, class_facts
from hsi_studio.studio import Subject
from hsi_studio.studio.descriptions import MEASURED
from hsi_studio.studio.workspace import Workspace
from hsi_studio.text.description import describe
from hsi_studio.types import LabelSet


@dataclass(frozen=True)
class Measured:
    """By class id; classes without usable labels are left out."""

    values: dict[str, dict[str, float]] = field(default_factory=dict)  # measure → value
    sentences: dict[str, tuple[str, ...]] = field(default_factory=dict)


class Measurements(Subject):
    """The newest of every project. Thread-safe."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._pixel_facts: dict[str, PixelFacts] = {}  # scene id → what measures on it
        self._kept: dict[str, tuple[int, Measured]] = {}  # project id → labels, what they gave
        workspace.on_close(self.forget)

    def forget(self, project_id: str, scene_id: str) -> None:
        """A project was closed to save memory."""
        with self._lock:
            self._pixel_facts.pop(scene_id, None)
            self._kept.pop(project_id, None)

    def of(self, project_id: str) -> Measured:
        """For the labels as they are now. Raises FileProblem, BadValues."""
        labels = self._workspace.project(project_id).labels()
        key = label_key(labels)
        with self._lock:
            known = self._kept.get(project_id)
        if known is not None and known[0] == key:
            return known[1]
        made = self._make(project_id, labels)
        with self._lock:
            self._kept[project_id] = (key, made)
        return made

    def _make(self, project_id: str, labels: LabelSet) -> Measured:
        if not len(labels):
            return Measured()
        scene = self._workspace.scene_of(project_id).without_reference()
        with self._lock:
            if scene.id not in self._pixel_facts:
                self._pixel_facts[scene.id] = PixelFacts(scene, MEASURED, self._workspace.cache_folder)
            pixel_facts = self._pixel_facts[scene.id]
        found = class_facts(pixel_facts, labels)
        names = {info.id: info.name for info in labels.schema.classes}
        sentences = {}
        for key, facts in found.items():
            others = {names[other]: values for other, values in found.items() if other != key}
            sentences[key] = tuple(_alone(names[key], s) for s in describe(names[key], facts, others).sentences)
        values = {key: {name: fact.value for name, fact in facts.facts.items()} for key, facts in found.items()}
        return Measured(values, sentences)


def _alone(name: str, sentence: str) -> str:
    """A sentence that stands for itself: each prompt is encoded alone, and "It" names nothing."""
    called = " ".join(name.replace("_", " ").split())
    for start, instead in (("It is ", ""), ("It has ", "with ")):
        if sentence.startswith(start):
            return f"{called}: {instead}{sentence.removeprefix(start)}"
    return sentence


def label_key(labels: LabelSet) -> int:
    """Changes with the classes and the labelled pixels, not with the words (both are in the journal)."""
    return hash((labels.schema, labels.row.tobytes(), labels.col.tobytes(), labels.label.tobytes()))
