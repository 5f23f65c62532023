"""The scene's reference as a layer of `studio.displayed`: to look at, to swipe a map against, to export.

It is only shown. No method sees it (`Scene.without_reference`), and it is no map whose accuracy could be measured.
Its classes are the project's where they are tied to one (`reference_values`), so colours and names agree.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np

from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport, reference_values
from hsi_studio.errors import BadRequest
from hsi_studio.io.palette import next_color
from hsi_studio.studio.displayed_map import DisplayedMap
from hsi_studio.studio.layers import REFERENCE, Layer
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, Prediction, Scene


@dataclass
class _Kept:
    """Pictures of references by project, with what they were made of."""

    of: dict[str, tuple[tuple[str, ClassSchema], Prediction, int]] = field(
        default_factory=dict
    )  # last: its serial number
    lock: threading.Lock = field(default_factory=threading.Lock)


class ReferenceMapSource:
    """The one layer "reference" of a project whose scene has a reference. Thread-safe."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._kept = workspace.shared(_Kept)

    def listed(self, project_id: str) -> list[Layer]:
        scene = self._workspace.scene_of(project_id)
        return [] if scene.reference is None else [Layer(REFERENCE, self.title(project_id, ""))]

    def title(self, project_id: str, item: str) -> str:
        return "Reference"

    def displayed(self, project_id: str, item: str) -> DisplayedMap:
        """Raises BadRequest on a scene without a reference."""
        scene, schema = self._workspace.scene_of(project_id), self._workspace.project(project_id).labels().schema
        if item or scene.reference is None:
            raise BadRequest("This scene has no reference to show: give one when you open it (--reference FILE).")
        key = (scene.id, schema)
        with self._kept.lock:
            kept = self._kept.of.get(project_id)
            if kept is None or kept[0] != key:
                kept = (key, reference_picture(scene, schema), 1 if kept is None else kept[2] + 1)
                self._kept.of[project_id] = kept
        return DisplayedMap(REFERENCE, "", kept[1], project_id, self, version=str(kept[2]))

    def finished(self, project_id: str, item: str, timeout: float) -> DisplayedMap:
        return self.displayed(project_id, item)

    def report(self, shown: DisplayedMap) -> AccuracyReport | None:
        return None

    def seen(self, shown: DisplayedMap) -> LabelSet | None:
        """It is what maps are measured against, so nothing is left to measure it on."""
        return None


def reference_picture(scene: Scene, schema: ClassSchema) -> Prediction:
    """A scene's reference, (H, W), in a project's classes; those the project has not follow after its own."""
    assert scene.reference is not None
    classes, place = list(schema.classes), dict[int, int]()
    values = {value: class_id for class_id, value in reference_values(schema.classes, scene).items()}
    for value, name in scene.reference_classes:
        if value in values:
            place[value] = schema.index(values[value])
        else:
            place[value] = len(classes)
            color = next_color([info.color for info in classes])
            classes.append(ClassInfo(f"reference-{value}", name, color, value))
    lut = np.zeros(max([*place, int(scene.reference.max()), 0]) + 1, dtype=np.uint16)
    for value, k in place.items():
        lut[value] = k + 1
    label = lut[np.maximum(scene.reference, 0)]
    confidence = np.where(label > 0, np.float32(1), np.float32(np.nan))
    return Prediction(ClassSchema(tuple(classes)), label, confidence, "reference", {}, 0)
