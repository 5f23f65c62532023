"""`studio.compare.maps`: what the viewer shows of a comparison: two arms beside a line, or where they differ.

Both are ordinary maps, so the viewer needs nothing new: the difference is a map whose classes are "only A is right",
"only B is right" and "they differ". What is shown is the first seed of each arm. A choice that is made elsewhere
afterwards (a run, a model, the live map) takes its place.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hsi_studio.engine.compare.label_reference import labels_as_reference
from hsi_studio.engine.compare.results import Comparison, read_map
from hsi_studio.engine.evaluation.map_accuracy import reference_values
from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.io.palette import next_color
from hsi_studio.studio import Desk, Subject
from hsi_studio.types import ClassInfo, ClassSchema, Prediction

log = logging.getLogger(__name__)

MAPS_KEPT = 8
ONLY_LEFT, ONLY_RIGHT, DIFFER = "#e69f00", "#0072b2", "#8c8c8c"  # told apart by the colour-blind, and from each other


@dataclass(frozen=True)
class Shown:
    """What the viewer shows of a comparison."""

    run_id: str
    left: str  # arms
    right: str
    difference: bool = False  # one map of where they differ, in place of two


class CompareMaps(Subject):
    """Safe to call from many threads. `others` says what else is chosen for a project's viewer, as anything that
    changes with it; `result` gives a run's comparison and folder, and raises StudioError."""

    def __init__(
        self, desk: Desk, result: Callable[[str], tuple[Comparison | None, Path]], others: Callable[[str], object]
    ) -> None:
        self._desk, self._result, self._others = desk, result, others
        self._lock = threading.Lock()
        self._shown: dict[str, tuple[Shown, object]] = {}  # project → what, and what else was chosen then
        self._maps: OrderedDict[tuple[str, str, str], tuple[ClassSchema, Prediction]] = OrderedDict()

    def show(self, project_id: str, run_id: str, left: str, right: str, difference: bool = False) -> None:
        """Raises BadRequest, FileProblem when there is no such map."""
        shown = Shown(run_id, left, right, difference)
        self._made(project_id, shown, beside=False)
        self._made(project_id, shown, beside=True)
        with self._lock:
            self._shown[project_id] = shown, self._others(project_id)

    def hide(self, project_id: str) -> None:
        with self._lock:
            self._shown.pop(project_id, None)

    def shown(self, project_id: str) -> Shown | None:
        """None when nothing of a comparison is shown."""
        with self._lock:
            found = self._shown.get(project_id)
        if found is None or found[1] != self._others(project_id):
            return None
        return found[0]

    def map(self, project_id: str, beside: bool = False) -> Prediction | None:
        """The left map or the difference; with `beside` the right one. None when nothing is shown there."""
        shown = self.shown(project_id)
        if shown is None or (beside and shown.difference):
            return None
        try:
            return self._made(project_id, shown, beside)
        except StudioError as error:
            log.warning("the comparison %s is no longer shown: %s", shown.run_id, error)
            self.hide(project_id)
            return None

    def schema(self, project_id: str, comparison: Comparison) -> ClassSchema:
        """The comparison's classes as the project's, with its colours; classes it lacks get colours of their own."""
        scene, project = self._desk.scene_of(project_id), self._desk.project(project_id)
        known = {info.name: info for info in project.schema.classes}
        if comparison.basis == "reference":
            names, tied = scene.reference_names, reference_values(project.schema.classes, scene)
            by_id = {info.id: info for info in project.schema.classes}
            known = {names[value]: by_id[key] for key, value in tied.items()}
        used = [info.color for info in project.schema.classes]
        found = []
        for k, name in enumerate(comparison.classes):
            info = known.get(name)
            if info is None:
                used.append(next_color(used))
                info = ClassInfo(f"compared-{k}", name, used[-1])
            found.append(info)
        return ClassSchema(tuple(found))

    def _made(self, project_id: str, shown: Shown, beside: bool) -> Prediction:
        """The same object every time, so that the viewer fetches it once. Raises BadRequest, FileProblem."""
        arm = shown.right if beside else shown.left
        key = (shown.run_id, arm, shown.right if shown.difference and not beside else "")
        schema = self._desk.project(project_id).schema
        with self._lock:
            if key in self._maps and self._maps[key][0] == schema:
                self._maps.move_to_end(key)
                return self._maps[key][1]
        made = self._difference(project_id, shown) if key[2] else self._arm(project_id, shown.run_id, arm)
        with self._lock:
            self._maps[key] = schema, made
            while len(self._maps) > MAPS_KEPT:
                self._maps.popitem(last=False)
        return made

    def _arm(self, project_id: str, run_id: str, arm: str) -> Prediction:
        comparison, folder = self._compared(run_id)
        label, confidence = read_map(folder, comparison, arm)
        return Prediction(self.schema(project_id, comparison), label, confidence, arm, {}, 0)

    def _difference(self, project_id: str, shown: Shown) -> Prediction:
        """Where the two differ, and which of them the reference (or a label) agrees with."""
        comparison, folder = self._compared(shown.run_id)
        (a, _), (b, _) = (read_map(folder, comparison, arm) for arm in (shown.left, shown.right))
        scene = self._desk.scene_of(project_id)
        if scene.reference is None:
            scene = labels_as_reference(scene, self._desk.project(project_id).labels())
        truth = np.zeros(a.shape, dtype=np.uint16)  # class index + 1, as in the maps
        assert scene.reference is not None
        names = {name: k + 1 for k, name in enumerate(comparison.classes)}
        for value, name in scene.reference_classes:
            truth[scene.reference == value] = names.get(name, 0)
        code = np.where(a == b, 0, 3).astype(np.uint16)
        differ = (a != b) & (truth > 0)
        code[differ & (a == truth)] = 1
        code[differ & (b == truth)] = 2
        classes = (
            ClassInfo("compared-left", f"only {shown.left} is right", ONLY_LEFT),
            ClassInfo("compared-right", f"only {shown.right} is right", ONLY_RIGHT),
            ClassInfo("compared-differ", "they differ", DIFFER),
        )
        sure = np.where(code > 0, np.float32(1), np.float32(np.nan)).astype(np.float32)
        return Prediction(ClassSchema(classes), code, sure, "difference", {}, 0)

    def _compared(self, run_id: str) -> tuple[Comparison, Path]:
        comparison, folder = self._result(run_id)
        if comparison is None:
            raise BadRequest("There is no map yet: the first seed is still running.")
        return comparison, folder
