"""`studio.holdout`: regions drawn by hand to measure maps on: accuracy inside them, and no label ever.

>>> studio.holdout.add(project.id, [(10, 10), (10, 60), (50, 60), (50, 10)])
>>> studio.holdout.score(project.id).words

A drawn region keeps whole fields away from training, which no distance to a label does. The regions are actions of the
project's journal, so undo takes them back; labels inside go with the same action. A map that was made from labels
inside (a training from before) is not measured: the problem says so. The whole scene's figures stay beside these.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from hsi_studio.engine.evaluation.map_accuracy import ReferenceCounter, ScoreBlock, reference_values
from hsi_studio.engine.evaluation.splits import DEFAULT_BUFFER_PX, near
from hsi_studio.errors import BadRequest
from hsi_studio.humanize import counted
from hsi_studio.project.events import Regions
from hsi_studio.scene.region import polygon_mask
from hsi_studio.studio import Subject
from hsi_studio.studio.displayed_map import DisplayedMap, DisplayedMaps
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import Prediction

TITLE = "In the hold-out regions"
MOST_REGIONS = 200
KEPT = 8  # scores


@dataclass
class _Scores:
    """By project, stamp of the map and regions, with the map itself: one with the same stamp may be another."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    of: OrderedDict[tuple[str, str, Regions], tuple[Prediction, ScoreBlock]] = field(default_factory=OrderedDict)


class Holdout(Subject):
    """One subject of `Studio`. `changed(project_id)` is called after every edit: labels may have gone."""

    def __init__(self, workspace: Workspace, displayed: DisplayedMaps, changed: Callable[[str], None]) -> None:
        self._workspace, self._displayed, self._changed = workspace, displayed, changed
        self._kept = workspace.shared(_Scores)

    def regions(self, project_id: str) -> Regions:
        """Polygons of (row, column) corners, in the order they were drawn."""
        return self._workspace.project(project_id).regions

    def sizes(self, project_id: str) -> list[int]:
        """Pixels inside each region."""
        project = self._workspace.project(project_id)
        return [polygon_pixels(project.shape, corners) for corners in project.regions]

    def add(self, project_id: str, corners: Sequence[tuple[float, float]], actor: str = "") -> str:
        """One more region; returns what was done. Raises BadRequest, LabelProblem (no pixel in it)."""
        known = self.regions(project_id)
        if len(known) >= MOST_REGIONS:
            raise BadRequest(f"There are {MOST_REGIONS} hold-out regions already: take some away first.")
        return self._set(project_id, [*known, corners], actor)

    def remove(self, project_id: str, number: int | None = None, actor: str = "") -> str:
        """Take a region (from 0) away, None = all; returns what was done. Labels that went with it stay gone: undo
        brings them back. Raises BadRequest."""
        known = self.regions(project_id)
        if number is not None and not 0 <= number < len(known):
            raise BadRequest(f"There is no region {number + 1}: there are {len(known)}.")
        left = [] if number is None else [one for k, one in enumerate(known) if k != number]
        return self._set(project_id, left, actor)

    def score(self, project_id: str, which: str = "shown") -> ScoreBlock:
        """A map's figures inside the regions, on reference pixels of the classes it was made from; with a `problem`
        where they cannot be had. `which` as in `displayed.find`. Raises BadRequest (no region), LabelProblem."""
        regions = self.regions(project_id)
        if not regions:
            raise BadRequest("There is no hold-out region: draw one first.")
        found = self._displayed.find(project_id, which)
        key = (project_id, found.stamp, regions)
        with self._kept.lock:
            known = self._kept.of.get(key)
        if known is not None and known[0] is found.prediction:
            return known[1]
        made = self._measured(found, len(regions))
        with self._kept.lock:
            self._kept.of[key] = (found.prediction, made)
            while len(self._kept.of) > KEPT:
                self._kept.of.popitem(last=False)
        return made

    def _measured(self, found: DisplayedMap, count: int) -> ScoreBlock:
        project, scene = self._workspace.project(found.project_id), self._workspace.scene_of(found.project_id)
        held, seen = project.held, found.seen
        if scene.reference is None:
            return ScoreBlock(TITLE, "", problem=f"{scene.name} has no reference to measure on inside the regions.")
        if seen is None or held is None or found.source == "reference":
            why = f"What “{found.title}” was made from is not known: it is not measured."
            return ScoreBlock(TITLE, "", problem=why)
        inside = int(np.count_nonzero(held[seen.row, seen.col]))
        if inside:
            why = f"“{found.title}” was made from {counted(inside, 'label')} inside the regions: make it again."
            return ScoreBlock(TITLE, "", problem=why)
        known = seen.only_labelled().schema.classes if len(seen) else found.prediction.schema.classes
        value_of = reference_values(known, scene)
        classes = [info for info in known if info.id in value_of]
        where = f" inside your {counted(count, 'hold-out region')}"
        counter = ReferenceCounter(found.prediction, seen, scene, classes, value_of, within=held, where=where)
        block = counter.block(TITLE, 0)
        close = near(scene.shape[:2], seen.row, seen.col, DEFAULT_BUFFER_PX)
        beside = int(np.count_nonzero(close.ravel()[counter.pixels]))
        words = f"{block.words}; {beside:,} of the test pixels lie within {DEFAULT_BUFFER_PX} pixels of a label outside"
        return replace(block, words=words)

    def _set(self, project_id: str, regions: Sequence[Sequence[tuple[float, float]]], actor: str) -> str:
        done = self._workspace.project(project_id).set_regions(regions, actor=actor)
        self._changed(project_id)
        return done


@lru_cache(maxsize=MOST_REGIONS)
def polygon_pixels(shape: tuple[int, int], corners: tuple[tuple[float, float], ...]) -> int:
    """How many pixels a polygon holds."""
    return int(polygon_mask(shape, corners).sum())
