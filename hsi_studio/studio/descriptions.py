"""`studio.queries.descriptions`: classes and regions of a scene in words, from what was measured on their pixels.

>>> studio.queries.describe_class(project.id, roof.id).sentences

Facts come from `engine/query/pixel_facts.py`, sentences from `text/description.py`. The first call on a scene makes its
rasters (seconds on a large one), which are cached on disk by the scene's content.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

from hsi_studio.engine.query.pixel_facts import PixelFacts, class_facts, describe_class, describe_region
from hsi_studio.features.cache import FeatureCache
from hsi_studio.scene.region import polygon_mask
from hsi_studio.studio import Subject
from hsi_studio.studio.workspace import Workspace
from hsi_studio.text.description import Description, Facts, describe
from hsi_studio.types import BoolArray, LabelSet, Prediction, Scene

MEASURED = FeatureCache(400_000_000)  # of all owners: what is measured on a scene depends on nothing else
KEPT = 6  # scenes whose rasters are at hand


class Descriptions(Subject):
    """Safe to call from many threads. `map_of` gives a project's live map, if there is one."""

    def __init__(self, workspace: Workspace, map_of: Callable[[str], Prediction | None]) -> None:
        self._workspace, self._map_of = workspace, map_of
        self._lock = threading.Lock()
        self._pixel_facts: OrderedDict[str, PixelFacts] = OrderedDict()  # by scene
        self._facts: dict[str, tuple[int, dict[str, Facts]]] = {}  # project → labels' content, facts by class
        workspace.on_close(self.forget)

    def forget(self, project_id: str, scene_id: str) -> None:
        """A project was closed to save memory."""
        with self._lock:
            self._pixel_facts.pop(scene_id, None)
            self._facts.pop(project_id, None)

    def of_class(self, project_id: str, class_id: str) -> Description:
        """A class from its labelled pixels (regions and borders from the live map, where there is one).

        Raises BadRequest for a class without labels.
        """
        labels = self._workspace.project(project_id).labels()
        pixel_facts = self.facts_on(self._workspace.scene_of(project_id))
        info = labels.schema.get(class_id)
        known = self._class_facts(project_id, pixel_facts, labels)
        if info is None or class_id not in known:
            return describe_class(pixel_facts, labels, class_id)  # raises, with the reason
        names = {c.id: c.name for c in labels.schema.classes}
        return describe(info.name, known[class_id], {names[k]: f for k, f in known.items() if k != class_id})

    def of_region(self, project_id: str, mask: BoolArray) -> Description:
        """Any pixels of the scene, (H, W). Raises BadRequest for none."""
        return describe_region(self.facts_on(self._workspace.scene_of(project_id)), mask)

    def of_polygon(self, project_id: str, corners: Sequence[tuple[float, float]]) -> Description:
        """The pixels inside a drawn polygon of (row, column) corners. Raises BadRequest when there are none."""
        scene = self._workspace.scene_of(project_id)
        mask = scene.usable(polygon_mask(scene.shape[:2], corners))
        return describe_region(self.facts_on(scene), mask, "This region")

    def facts_on(self, scene: Scene) -> PixelFacts:
        """What measures on a scene; it never sees the reference."""
        with self._lock:
            if scene.id not in self._pixel_facts:
                blind = scene.without_reference()
                self._pixel_facts[scene.id] = PixelFacts(blind, MEASURED, self._workspace.cache_folder / "described")
                while len(self._pixel_facts) > KEPT:
                    self._pixel_facts.popitem(last=False)
            return self._pixel_facts[scene.id]

    def _class_facts(self, project_id: str, pixel_facts: PixelFacts, labels: LabelSet) -> dict[str, Facts]:
        map_ = self._map_of(project_id)
        content = hash((labels.row.tobytes(), labels.col.tobytes(), labels.label.tobytes(), labels.schema, id(map_)))
        with self._lock:
            kept = self._facts.get(project_id)
        if kept is not None and kept[0] == content:
            return kept[1]
        made = class_facts(pixel_facts, labels, map_)
        with self._lock:
            self._facts[project_id] = (content, made)
        return made
