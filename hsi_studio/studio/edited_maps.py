"""`studio.edits`: layers after steps: sieve, majority, smoothing along edges, thresholds. The layer below stays as it
is.

>>> layer = studio.edits.add(project.id, "sieve=400,confidence=0.6", of="live")
>>> studio.displayed.show(project.id, *layer.partition(":")[::2])
>>> studio.edits.remove(project.id, layer)

They are kept in the project's `layers.json` and made when they are looked at; one of the live map follows it. The steps
are those of `engine/mapping/postprocess.py`. Their accuracy is measured on the pixels of the layer below.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport, accuracy_report, report_without_labels
from hsi_studio.engine.mapping.postprocess import THRESHOLDS, Step, apply_steps, parse_steps, words_of
from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.files import write_json
from hsi_studio.project.side_list import read_side_list
from hsi_studio.studio import Subject
from hsi_studio.studio.displayed_map import DisplayedMap, DisplayedMaps
from hsi_studio.studio.kept_maps import KeptMaps
from hsi_studio.studio.layers import Layer, layer_id
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import FloatArray, LabelSet, Prediction

log = logging.getLogger(__name__)

MAPS_KEPT = 8
Surface = Callable[[DisplayedMap, Step], FloatArray]


@dataclass
class _Kept:
    """Of everybody who works in one home; by project and item."""

    reports: dict[tuple[str, str], tuple[Prediction, int, AccuracyReport | None]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.maps: KeptMaps[tuple[str, str], tuple[Prediction, Prediction]] = KeptMaps(  # of, made
            MAPS_KEPT, lambda key: self.reports.pop(key, None)
        )


class EditedMaps(Subject):
    """Safe to call from many threads. `surface` gives margin, entropy or set sizes of a map and raises StudioError."""

    def __init__(self, workspace: Workspace, displayed: DisplayedMaps, surface: Surface) -> None:
        self._workspace, self._displayed, self._surface = workspace, displayed, surface
        kept = workspace.shared(_Kept)
        self._lock, self._maps, self._reports = kept.lock, kept.maps, kept.reports

    def add(self, project_id: str, steps: str, of: str = "shown") -> str:
        """Keep a layer: another one (by id, "shown" = the one on the screen) after these steps. Its id.

        Steps on a layer that has some are put after them. Raises BadRequest, FileProblem.
        """
        if of == "shown":
            left = self._displayed.left(project_id)
            of = "live" if left is None else left.layer
        if of.startswith("edited:"):
            before, of = _parsed(of.removeprefix("edited:"))
            steps = f"{before},{steps}"
        made = ",".join(str(step) for step in parse_steps(steps))
        self._displayed.at(project_id, of)  # raises when there is no such layer
        item = f"{made}@{of}"
        with self._lock:
            kept = self._read(project_id)
            if item not in kept:
                write_json(self._file(project_id), {"edited": [*kept, item]}, indent=1)
        return layer_id("edited", item)

    def remove(self, project_id: str, layer: str) -> None:
        """The layer below takes its place where it is shown. Raises BadRequest, FileProblem."""
        item = layer.removeprefix("edited:")
        below = _parsed(item)[1]
        left, right = self._displayed.chosen(project_id)
        with self._lock:
            kept = self._read(project_id)
            if item not in kept:
                raise BadRequest(f"There is no layer {layer[:80]!r} to remove.")
            write_json(self._file(project_id), {"edited": [one for one in kept if one != item]}, indent=1)
        self._maps.drop(lambda key: key == (project_id, item))
        if layer == left:
            source, _, of = below.partition(":")
            self._displayed.show(project_id, source, of)
        if layer == right:
            self._displayed.show_beside(project_id, "")

    # ── layers of `studio.displayed` ────────────────────────────────────────────────────────────

    def listed(self, project_id: str) -> list[Layer]:
        """Without those whose layer below has gone: a run that was deleted, a map that was taken away."""
        found = []
        for item in self._read(project_id):
            try:
                found.append(Layer(layer_id("edited", item), self.title(project_id, item), facts=(item,)))
            except StudioError as error:
                log.info("edited:%s is not listed: %s", item, error)
        return found

    def title(self, project_id: str, item: str) -> str:
        steps, below = _parsed(item)
        gsd_m = self._workspace.scene_of(project_id).gsd_m
        words = ", ".join(words_of(step, gsd_m) for step in parse_steps(steps))
        source, _, of = below.partition(":")
        return f"{self._displayed.title(project_id, source, of)}, {words}"

    def displayed(self, project_id: str, item: str) -> DisplayedMap | None:
        below = self._displayed.at(project_id, self._check(project_id, item))
        return None if below is None else self._of(below, item)

    def finished(self, project_id: str, item: str, timeout: float) -> DisplayedMap:
        return self._of(self._displayed.find(project_id, self._check(project_id, item), timeout), item)

    def report(self, shown: DisplayedMap) -> AccuracyReport | None:
        """On the pixels of the layer below. None where its labels are not known, and without a reference: leave-one-out
        is of the map before the steps."""
        key = (shown.project_id, shown.id)
        scene, labels = self._workspace.scene_of(shown.project_id), self.seen(shown)
        if scene.reference is None or labels is None:
            return None
        with self._lock:
            known = self._reports.get(key)
        if known is not None and known[0] is shown.prediction and known[1] == labels.revision:
            return known[2]
        without = not len(labels)
        made = report_without_labels(shown.prediction, scene) if without else None
        made = accuracy_report(shown.prediction, labels, scene) if made is None else made
        with self._lock:
            self._reports[key] = shown.prediction, labels.revision, made
        return made

    def seen(self, shown: DisplayedMap) -> LabelSet | None:
        below = self.below(shown)
        return None if below is None else below.seen

    def below(self, shown: DisplayedMap) -> DisplayedMap | None:
        """The layer that the steps are of. Raises BadRequest, FileProblem."""
        return self._displayed.at(shown.project_id, _parsed(shown.id)[1])

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    def _of(self, below: DisplayedMap, item: str) -> DisplayedMap:
        key = (below.project_id, item)
        known = self._maps.get(key)
        if known is None or known[0] is not below.prediction:
            steps = parse_steps(_parsed(item)[0])
            scene = self._workspace.scene_of(below.project_id)
            asked = any(step.kind in THRESHOLDS and step.kind != "confidence" for step in steps)
            made = apply_steps(
                below.prediction, scene, steps, (lambda step: self._surface(below, step)) if asked else None
            )
            known = (below.prediction, made)
            self._maps.put(key, known, below.prediction.nbytes + made.nbytes)
        return DisplayedMap("edited", item, known[1], below.project_id, self, version=below.version)

    def _check(self, project_id: str, item: str) -> str:
        """Id of the layer below. Raises BadRequest for a layer that is not kept."""
        if item not in self._read(project_id):
            raise BadRequest(f"There is no layer “edited:{item[:80]}” in this project.")
        return _parsed(item)[1]

    def _file(self, project_id: str) -> Path:
        return self._workspace.project(project_id).folder / "layers.json"

    def _read(self, project_id: str) -> list[str]:
        """Steps that can be done. Raises FileProblem."""
        tell = self._workspace.project(project_id).note
        return read_side_list(self._file(project_id), "edited", _stored, str, tell)


def _stored(value: object) -> str:
    """Raises BadRequest for steps that cannot be done."""
    item = str(value)
    parse_steps(_parsed(item)[0])
    return item


def _parsed(item: str) -> tuple[str, str]:
    """ "sieve=400@live" → ("sieve=400", "live"). Raises BadRequest."""
    steps, at, below = item.partition("@")
    if not at or not steps or not below:
        raise BadRequest(f"“edited:{item[:80]}” is no layer: write edited:STEPS@LAYER, as in edited:sieve=400@live.")
    return steps, below
