"""`studio.compare.maps`: the maps of a comparison: one of each arm, and where two arms differ.

Both are ordinary maps, so the viewer needs nothing new: the difference is a map whose classes are "only A is right",
"only B is right" and "they differ". The map of an arm is that of its first seed. Which of them are shown is said in
`displayed_map.py`; there an arm goes by its number, "RUN/0", and a difference by two, "RUN/0-1".
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hsi_studio.engine.compare.label_reference import labels_as_reference
from hsi_studio.engine.compare.results import Comparison, read_map
from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport, accuracy_report, reference_values
from hsi_studio.engine.evaluation.splits import draw_shots
from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.io.meaning_colors import color_for
from hsi_studio.studio import Subject
from hsi_studio.studio.displayed_map import DisplayedMap
from hsi_studio.studio.kept_maps import KeptMaps
from hsi_studio.studio.layers import Layer, layer_id
from hsi_studio.studio.runs import Runs
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, Prediction, Scene

log = logging.getLogger(__name__)

MAPS_KEPT = 8
ONLY_LEFT, ONLY_RIGHT, DIFFER = "#e69f00", "#0072b2", "#8c8c8c"  # told apart by the colour-blind, and from each other


@dataclass(frozen=True)
class _Made:
    schema: ClassSchema  # of the project when it was made
    names: tuple[str, ...]  # of the arms
    prediction: Prediction


class CompareMaps(Subject):
    """Safe to call from many threads. `runs` are the project's; `result` gives a run's comparison and raises
    StudioError."""

    def __init__(self, workspace: Workspace, runs: Runs, result: Callable[[str], Comparison | None]) -> None:
        self._workspace, self._runs, self._result = workspace, runs, result
        self._lock = threading.Lock()
        self._reports: dict[tuple[str, str], tuple[Prediction, AccuracyReport]] = {}
        reports = self._reports
        self._maps: KeptMaps[tuple[str, str], _Made] = KeptMaps(MAPS_KEPT, lambda key: reports.pop(key, None))

    def layers_of(self, run_id: str, left: str, right: str, difference: bool = False) -> tuple[str, str]:
        """(item to show, layer beside it) for two arms by name. Raises BadRequest, FileProblem."""
        comparison = self._compared(run_id)
        a, b = (_number(comparison, name) for name in (left, right))
        if difference:
            return f"{run_id}/{a}-{b}", ""
        return f"{run_id}/{a}", layer_id("comparison", f"{run_id}/{b}")

    def arms(self, item: str) -> tuple[str, ...]:
        """Names of the arms that an item is made of: one, or two of a difference. Raises BadRequest, FileProblem."""
        run_id, numbers = _parsed(item)
        comparison = self._compared(run_id)
        return tuple(_name(comparison, number) for number in numbers)

    # ── layers of `studio.displayed` ────────────────────────────────────────────────────────────

    def listed(self, project_id: str) -> list[Layer]:
        """The arms of every comparison, and where the others differ from the first."""
        found = []
        for info in self._runs.list(project_id, kind="compare"):
            try:
                comparison = self._compared(info.id)
            except StudioError as error:
                log.info("comparison %s has no maps: %s", info.id, error)
                continue
            facts = (info.title, info.created[:19].replace("T", " "), info.id)
            names = list(comparison.maps)
            for name in names:
                item = f"{info.id}/{_number(comparison, name)}"
                found.append(Layer(layer_id("comparison", item), name, facts=facts))
            for name in names[1:]:
                item = f"{info.id}/{_number(comparison, names[0])}-{_number(comparison, name)}"
                found.append(Layer(layer_id("comparison", item), _differ(names[0], name), facts=facts))
        return found

    def title(self, project_id: str, item: str) -> str:
        names = self._made(project_id, item).names
        return _differ(*names) if len(names) > 1 else names[0]

    def displayed(self, project_id: str, item: str) -> DisplayedMap | None:
        return DisplayedMap("comparison", item, self._made(project_id, item).prediction, project_id, self)

    def finished(self, project_id: str, item: str, timeout: float) -> DisplayedMap:
        return DisplayedMap("comparison", item, self._made(project_id, item).prediction, project_id, self)

    def report(self, shown: DisplayedMap) -> AccuracyReport | None:
        """Of the map that is shown, the first seed's, without the pixels that were drawn for it. None for where two
        arms differ, and without a reference."""
        run_id, numbers = _parsed(shown.id)
        comparison, scene = self._compared(run_id), self._workspace.scene_of(shown.project_id)
        if len(numbers) > 1 or not _same_scene(comparison, scene):
            return None
        key = (shown.project_id, shown.id)
        with self._lock:
            known = self._reports.get(key)
        if known is not None and known[0] is shown.prediction:
            return known[1]
        made = _drawn_report(shown.prediction, comparison, scene)
        with self._lock:
            self._reports[key] = shown.prediction, made
        return made

    def seen(self, shown: DisplayedMap) -> LabelSet | None:
        """The pixels that the first seed drew. None for where two arms differ, and without a reference."""
        run_id, numbers = _parsed(shown.id)
        comparison, scene = self._compared(run_id), self._workspace.scene_of(shown.project_id)
        if len(numbers) > 1 or not _same_scene(comparison, scene):
            return None
        return _drawn_labels(shown.prediction, comparison, scene)

    def schema(self, project_id: str, comparison: Comparison, run_id: str) -> ClassSchema:
        """The comparison's classes as the project's, with its names and colours of now; classes it lacks get colours of
        their own. Classes of labels are known by the ids they had then: two may have exchanged their names since."""
        scene, project = self._workspace.scene_of(project_id), self._workspace.project(project_id)
        known = {info.name: info for info in project.schema.classes}
        if comparison.basis == "reference":
            names, tied = scene.reference_names, reference_values(project.schema.classes, scene)
            by_id = {info.id: info for info in project.schema.classes}
            known = {names[value]: by_id[key] for key, value in tied.items()}
        elif (then := self._labels_then(run_id)) is not None:
            ids = {info.id for info in then.classes}
            known = {name: info for name, info in known.items() if info.id not in ids}
            now = {info.id: info for info in project.schema.classes}
            known |= {info.name: now[info.id] for info in then.classes if info.id in now}
        used = [info.color for info in project.schema.classes]
        found = []
        for k, name in enumerate(comparison.classes):
            info = known.get(name)
            if info is None:
                used.append(color_for(name, used))
                said = f"{name} (deleted)" if name in {one.name for one in known.values()} else name
                info = ClassInfo(f"compared-{k}", said, used[-1])
            found.append(info)
        return ClassSchema(tuple(found))

    def _labels_then(self, run_id: str) -> ClassSchema | None:
        """The classes a comparison's labels had when it began; None where its folder has none any more."""
        try:
            return self._runs.labels(run_id).schema
        except StudioError as error:
            log.warning("the classes of comparison %s are told by their names: %s", run_id, error)
            return None

    def _made(self, project_id: str, item: str) -> _Made:
        """The same object every time, so that the viewer fetches it once. Raises BadRequest, FileProblem."""
        run_id, numbers = _parsed(item)
        self._runs.folder(run_id)  # raises when it has gone
        if self._runs.project_of(run_id) != project_id:
            raise BadRequest(f"There is no comparison {run_id!r} in this project.")
        key, schema = (project_id, item), self._workspace.project(project_id).schema
        known = self._maps.get(key)
        if known is not None and known.schema == schema:
            return known
        comparison = self._compared(run_id)
        names = tuple(_name(comparison, number) for number in numbers)
        if len(names) > 1:
            prediction = self._difference(project_id, comparison, run_id, names[0], names[1])
        else:
            prediction = self._arm(project_id, comparison, run_id, names[0])
        made = _Made(schema, names, prediction)
        self._maps.put(key, made, prediction.nbytes)
        return made

    def _arm(self, project_id: str, comparison: Comparison, run_id: str, arm: str) -> Prediction:
        label, confidence = read_map(self._runs.folder(run_id), comparison, arm)
        found = comparison.arm(arm)
        planned = {one.name: one for one in comparison.plan.arms}
        own = planned.get((found.control_of if found is not None else "") or arm)
        method, params = ("", {}) if own is None else (own.method, own.params)
        return Prediction(self.schema(project_id, comparison, run_id), label, confidence, method, params, 0)

    def _difference(self, project_id: str, comparison: Comparison, run_id: str, left: str, right: str) -> Prediction:
        """Where the two differ, and which of them the reference agrees with, or the labels that were compared on: the
        figures beside it are theirs, whatever was labelled or renamed since."""
        (a, _), (b, _) = (read_map(self._runs.folder(run_id), comparison, arm) for arm in (left, right))
        scene = self._workspace.scene_of(project_id)
        if comparison.basis == "labels":
            scene = labels_as_reference(scene, self._runs.labels(run_id))
        truth = np.zeros(a.shape, dtype=np.uint16)  # class index + 1, as in the maps
        names = {name: k + 1 for k, name in enumerate(comparison.classes)}
        if scene.reference is not None:  # a lesson may hide it since: then nobody is said to be right
            for value, name in scene.reference_classes:
                truth[scene.reference == value] = names.get(name, 0)
        code = np.where(a == b, 0, 3).astype(np.uint16)
        differ = (a != b) & (truth > 0)
        code[differ & (a == truth)] = 1
        code[differ & (b == truth)] = 2
        classes = (
            ClassInfo("compared-left", f"only {left} is right", ONLY_LEFT),
            ClassInfo("compared-right", f"only {right} is right", ONLY_RIGHT),
            ClassInfo("compared-differ", "they differ", DIFFER),
        )
        sure = np.where(code > 0, np.float32(1), np.float32(np.nan)).astype(np.float32)
        return Prediction(ClassSchema(classes), code, sure, "difference", {}, 0)

    def _compared(self, run_id: str) -> Comparison:
        comparison = self._result(run_id)
        if comparison is None:
            raise BadRequest("There is no map yet: the first seed is still running.")
        return comparison


def _parsed(item: str) -> tuple[str, tuple[int, ...]]:
    """ "RUN/2" → (RUN, (2,)); "RUN/0-2" → (RUN, (0, 2)); "RUN" → its first arm. Raises BadRequest."""
    run_id, _, numbers = item.partition("/")
    if not re.fullmatch(r"(\d{1,3}(-\d{1,3})?)?", numbers):
        raise BadRequest(f"{item[:80]!r} is no map of a comparison: write RUN/0 for an arm, RUN/0-1 for a difference.")
    return run_id, tuple(int(number) for number in (numbers or "0").split("-"))


def _number(comparison: Comparison, arm: str) -> int:
    """An arm's number: that of its map's file, which stays. Raises BadRequest."""
    if arm not in comparison.maps:
        raise BadRequest(f"There is no map of {arm!r} in this comparison.")
    return int(Path(comparison.maps[arm]).stem)


def _name(comparison: Comparison, number: int) -> str:
    """Raises BadRequest."""
    for name in comparison.maps:
        if _number(comparison, name) == number:
            return name
    raise BadRequest(f"There is no arm {number} with a map in this comparison.")


def _differ(left: str, right: str) -> str:
    return f"Where {left} and {right} differ"


def _same_scene(comparison: Comparison, scene: Scene) -> bool:
    """Whether it was made on this scene's reference."""
    same = scene.reference is not None and comparison.scene.get("id") == scene.id and comparison.basis == "reference"
    return same and {name for _, name in scene.reference_classes} <= set(comparison.classes)


def _drawn_labels(prediction: Prediction, comparison: Comparison, scene: Scene) -> LabelSet:
    """The pixels that the first seed drew, which trained the map."""
    assert scene.reference is not None
    plan = comparison.plan
    usable = np.where(scene.valid, scene.reference, 0)
    drawn = draw_shots(usable, plan.shots, plan.seeds[0])
    place = {value: comparison.classes.index(name) for value, name in scene.reference_classes}
    row, col = np.divmod(drawn, scene.shape[1])
    label = np.array([place[int(value)] for value in scene.reference[row, col]], dtype=np.int64)
    return LabelSet(prediction.schema, row, col, label)


def _drawn_report(prediction: Prediction, comparison: Comparison, scene: Scene) -> AccuracyReport:
    """Without the pixels that trained the map."""
    plan = comparison.plan
    found = accuracy_report(prediction, _drawn_labels(prediction, comparison, scene), scene, plan.buffer_px)
    blocks = [
        None if block is None else replace(block, title=_not_yours(block.title), words=_not_yours(block.words))
        for block in (found.main, found.buffered)
    ]
    note = f"One map, of seed {plan.seeds[0]}: the comparison's figures are means over seeds."
    assert blocks[0] is not None
    return replace(found, main=blocks[0], buffered=blocks[1], notes=(*found.notes, note))


def _not_yours(text: str) -> str:
    """The words of a report are about the user's labels; here they were drawn."""
    drawn = text.replace("classes you labelled", "classes").replace("class you labelled", "class")
    return re.sub(r"your (\S+) labelled pixel", r"the \1 drawn pixel", drawn).replace("your labels", "the drawn labels")
