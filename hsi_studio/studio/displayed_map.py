"""`studio.displayed`: which map a project's viewer shows. Whoever needs "the map" asks here.

>>> studio.displayed.show(project.id, "run", run.id)
>>> studio.displayed.left(project.id).title
>>> [(layer.kind, layer.id, layer.title) for layer in studio.displayed.layers(project.id)]

One rule: what was chosen last is shown. Maps come from sources (`MapSource`): the live map, runs, models, class texts,
comparisons; a map of theirs is a *layer* (`layers.py`). One layer is shown, or two beside a line. A layer without a map
yet (a model's is being made) leaves the map before it on the screen until it is there; one that has gone (its run was
deleted) leaves the live map. The picture and the answer to a question are layers too, but no maps (`plain_layers.py`).

The choice is the project's, not the page's: its owner and whoever it was shared with see the same.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport, ScoreBlock
from hsi_studio.engine.mapping.schema_match import called_as
from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.studio import Subject
from hsi_studio.studio.layers import LIVE, PICTURE, QUERY, REFERENCE, Layer, Source, layer_id, told_apart
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import ClassInfo, ClassSchema, LabelSet, Prediction, Scene

log = logging.getLogger(__name__)

CALLED_KEPT = 16  # maps with the names of today
EXPORT_WAIT_S = 30.0  # for the live map of the newest labels

_Called = tuple[Prediction, ClassSchema, Prediction]  # as it was made, the project's classes, as it is called now


@dataclass(frozen=True)
class DisplayedMap:
    """A map as it is shown, exported and judged."""

    source: Source
    id: str  # of the run, the model, the comparison's arm; "" where a project has only one
    prediction: Prediction
    project_id: str
    owner: MapSource = field(repr=False, compare=False)
    version: str = ""  # of maps that are made again for the same labels: a preview, texts

    @property
    def layer(self) -> str:
        return layer_id(self.source, self.id)

    @property
    def revision(self) -> int:
        """Of the labels it was made from."""
        return self.prediction.revision

    @property
    def stamp(self) -> str:
        """Changes with the map."""
        return f"{self.layer}@{self.revision}{f'-{self.version}' if self.version else ''}"

    @property
    def tags(self) -> dict[str, str]:
        """What an exported file says of it, beside the method."""
        return {"layer": self.layer, "map_source": self.source, "map_title": self.title}

    @property
    def pixels(self) -> list[tuple[ClassInfo, int]]:
        """How many pixels each class has."""
        counts = np.bincount(self.prediction.label.ravel(), minlength=len(self.prediction.schema) + 1)
        return [(info, int(counts[k])) for k, info in enumerate(self.prediction.schema.classes, start=1)]

    @cached_property
    def title(self) -> str:
        return self.owner.title(self.project_id, self.id)

    @cached_property
    def report(self) -> AccuracyReport | None:
        """How good it is, and on which pixels that was measured; None where it has not been."""
        found = self.owner.report(self)
        return None if found is None else _called(found, self.prediction.schema)

    @cached_property
    def seen(self) -> LabelSet | None:
        """The labelled pixels it was made from, which say nothing about it; empty for a map that no label went into.
        None where they are not known."""
        return self.owner.seen(self)


class MapSource(Protocol):
    """Where layers come from. Every method raises BadRequest for an item that the project has not."""

    def listed(self, project_id: str) -> list[Layer]:
        """What can be shown."""
        ...

    def title(self, project_id: str, item: str) -> str: ...

    def displayed(self, project_id: str, item: str) -> DisplayedMap | None:
        """The map as it is, at once; None while there is none. The same `prediction` object until it changes."""
        ...

    def finished(self, project_id: str, item: str, timeout: float) -> DisplayedMap:
        """For export: made, or waited for, if need be. Raises StudioError, which says why there is none."""
        ...

    def report(self, shown: DisplayedMap) -> AccuracyReport | None: ...

    def seen(self, shown: DisplayedMap) -> LabelSet | None: ...


class PlainSource(Protocol):
    """Where a layer comes from that is no map."""

    def listed(self, project_id: str) -> list[Layer]: ...

    def write(self, project_id: str, item: str, path: Path, stretch: str = "") -> Path:
        """As .tif or .png. Raises BadRequest: no such thing, another ending."""
        ...


@dataclass(frozen=True)
class _Choice:
    """Layer ids. `before` stays on the screen until there is a map of `left`."""

    left: str = LIVE
    right: str = ""
    before: str = LIVE


@dataclass
class _Choices:
    """Of everybody who works in one home."""

    of: dict[str, _Choice] = field(default_factory=dict)  # by project
    news: dict[str, list[str]] = field(default_factory=dict)  # by project: layers, the newest last
    called: OrderedDict[tuple[str, str], tuple[Prediction, ClassSchema, Prediction]] = field(
        default_factory=OrderedDict
    )
    lock: threading.Lock = field(default_factory=threading.Lock)


class DisplayedMaps(Subject):
    """One subject of `Studio`. Safe to call from many threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._sources: dict[str, MapSource] = {}
        self._plain: dict[str, PlainSource] = {}
        self._kept = workspace.shared(_Choices)

    def add(self, **sources: MapSource) -> None:
        """Take layers from these too; a source is called by the first part of its layers' ids."""
        self._sources |= sources

    def add_plain(self, **sources: PlainSource) -> None:
        """List these too: layers that are no maps, by the first part of their ids."""
        self._plain |= sources

    # ── choosing ────────────────────────────────────────────────────────────────────────────────

    def show(self, project_id: str, source: str = LIVE, item: str = "", beside: str | None = None) -> None:
        """Show this map. `beside`: layer id of a second one, "" = none.

        Without `beside` the second map stays, but for a comparison's: it goes with the first. Raises BadRequest,
        FileProblem when there is no such thing to show.
        """
        self._map(project_id, layer := layer_id(source, item))
        if beside:
            self._map(project_id, beside)
        before = None if source == LIVE else self.left(project_id)  # the live map is not being made: it is or is not
        with self._kept.lock:
            old = self._kept.of.get(project_id, _Choice())
            kept = "" if old.right.startswith("comparison:") else old.right
            right = kept if beside is None else beside
            self._kept.of[project_id] = _Choice(layer, right, LIVE if before is None else before.layer)
            self._kept.news[project_id] = [one for one in self._kept.news.get(project_id, []) if one != layer]

    def show_beside(self, project_id: str, layer: str = "") -> None:
        """A second map right of the line; "" = none. Raises BadRequest, FileProblem."""
        self._workspace.project(project_id)
        if layer:
            self._map(project_id, layer)
        with self._kept.lock:
            self._kept.of[project_id] = replace(self._kept.of.get(project_id, _Choice()), right=layer)

    def chosen(self, project_id: str) -> tuple[str, str]:
        """(layer, layer beside it or "") as they were chosen, whether or not their maps are there."""
        choice = self._choice(project_id)
        return choice.left, choice.right

    def follow_labels(self, project_id: str) -> str:
        """A label was given: show the map that follows labels; the one before stays until there is one. Title of the
        map that was shown, "" when it follows labels too. Raises BadRequest, FileProblem."""
        left, _ = self.chosen(project_id)
        if left == LIVE or left.endswith(f"@{LIVE}"):
            return ""
        shown = self.left(project_id)
        with self._kept.lock:
            old = self._kept.of.get(project_id, _Choice())
            before = LIVE if shown is None else shown.layer
            self._kept.of[project_id] = _Choice(LIVE, "" if old.right.startswith("comparison:") else old.right, before)
        return "" if shown is None or shown.source == LIVE else shown.title

    # ── results that wait to be shown ───────────────────────────────────────────────────────────

    def announce(self, project_id: str, layer: str) -> None:
        """A map was made: say so beside what is shown, in place of showing it; it is shown where no map is. Raises
        BadRequest, FileProblem."""
        self._map(project_id, layer)
        if self.left(project_id) is None:
            source, _, item = layer.partition(":")
            self.show(project_id, source, item)
            return
        with self._kept.lock:
            others = [one for one in self._kept.news.get(project_id, []) if one != layer]
            self._kept.news[project_id] = [*others, layer]

    def news(self, project_id: str) -> DisplayedMap | None:
        """The newest map that was announced, until it is shown or dismissed."""
        self._workspace.project(project_id)
        with self._kept.lock:
            waiting = self._kept.news.get(project_id, [])[::-1]
        for layer in waiting:
            found = self._looked(project_id, layer)
            if found is not None and found.source != "preview":
                return found
        return None

    def dismiss(self, project_id: str) -> None:
        """No word of new maps until the next one."""
        self._workspace.project(project_id)
        with self._kept.lock:
            self._kept.news.pop(project_id, None)

    # ── looking ─────────────────────────────────────────────────────────────────────────────────

    def left(self, project_id: str) -> DisplayedMap | None:
        """The map on the screen; None while there is none at all. Raises BadRequest, FileProblem (no such project)."""
        choice = self._choice(project_id)
        for layer in dict.fromkeys((choice.left, choice.before, LIVE)):
            found = self._looked(project_id, layer)
            if found is not None:
                return found
        return None

    def right(self, project_id: str) -> DisplayedMap | None:
        """The map beside it, if any."""
        layer = self._choice(project_id).right
        return self._looked(project_id, layer) if layer else None

    def stamp(self, project_id: str) -> str:
        """A short text that changes whenever what is shown changes."""
        left, right = self.left(project_id), self.right(project_id)
        news = self.news(project_id)
        waiting = "" if news is None else f"|news {news.stamp}"
        return "|".join(shown.stamp for shown in (left, right) if shown is not None) + waiting

    def layers(self, project_id: str) -> list[Layer]:
        """Every layer: the maps, the live one first; the answer to a question over them and the picture under them."""
        found = self.maps(project_id)
        for name in (QUERY, PICTURE):
            found += self._plain[name].listed(project_id) if name in self._plain else []
        return found

    def maps(self, project_id: str) -> list[Layer]:
        """What can be shown, the live map first; twins are told apart by what they differ in."""
        self._workspace.project(project_id)
        chosen = self.chosen(project_id)
        found = [layer for source in self._sources.values() for layer in source.listed(project_id)]
        known = {layer.id for layer in found}
        for layer in dict.fromkeys(chosen):  # what a source lists under another id: a run's own model
            if layer and layer not in known:
                source, _, item = layer.partition(":")
                found.append(Layer(layer, self._sources[source].title(project_id, item), facts=(source, item)))
        titles = told_apart(found)
        sides: dict[str, Literal["left", "right"]] = {chosen[1]: "right", chosen[0]: "left"}
        return [
            replace(layer, title=title, shown=sides.get(layer.id, ""))
            for layer, title in zip(found, titles, strict=True)
        ]

    def title(self, project_id: str, source: str, item: str = "") -> str:
        """What a layer is called. Raises BadRequest, FileProblem."""
        self._workspace.project(project_id)
        return self._source(source).title(project_id, item)

    def unmeasured(self, shown: DisplayedMap) -> str:
        """Why a map has no figures, in a sentence."""
        return why_unmeasured(shown, self._workspace.scene_of(shown.project_id))

    def at(self, project_id: str, layer: str) -> DisplayedMap | None:
        """A layer's map as it is, at once; None while there is none. Raises BadRequest, FileProblem."""
        return self._map(project_id, layer)

    def find(self, project_id: str, which: str = "shown", timeout: float = EXPORT_WAIT_S) -> DisplayedMap:
        """The map to export: "shown", a layer's id, or the id of a run or a model.

        The live map is that of the newest labels, a model's map is made when there is none. Raises BadRequest,
        LabelProblem, FileProblem.
        """
        self._workspace.project(project_id)
        if which == "shown":
            left = self.left(project_id)
            which = LIVE if left is None else left.layer
        source, _, item = which.partition(":")
        if source in self._sources or source in self._plain:
            return self._as_now(self._source(source).finished(project_id, item, timeout))
        for name in ("run", "model", "comparison"):
            try:
                return self._as_now(self._sources[name].finished(project_id, which, timeout))
            except BadRequest as error:
                log.debug("%s is no %s: %s", which, name, error)
        known = ", ".join(layer.id for layer in self.maps(project_id))
        raise BadRequest(f"There is no map {which[:80]!r} in this project. Choose “shown” or one of: {known}.")

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    def write(
        self, project_id: str, which: str, path: Path, confidence: Path | None = None, timeout: float = EXPORT_WAIT_S
    ) -> tuple[DisplayedMap, Path]:
        """Write a map to one file (by its ending: GeoTIFF or ENVI), with its tags. Returns it and the file written.

        `confidence`: a GeoTIFF for its confidence. Raises as `find`, and FileProblem.
        """
        from hsi_studio.io.export import export_confidence_geotiff, write_map

        found, scene = self.find(project_id, which, timeout), self._workspace.scene_of(project_id)
        written = write_map(found.prediction, scene, path, found.tags)
        if confidence is not None:
            export_confidence_geotiff(found.prediction, scene, confidence, found.tags)
        return found, written

    def _choice(self, project_id: str) -> _Choice:
        """What was chosen, without what has gone since. Raises BadRequest, FileProblem."""
        self._workspace.project(project_id)
        with self._kept.lock:
            choice = self._kept.of.get(project_id, _Choice())
        layers = {choice.left, choice.right, choice.before} - {"", LIVE}
        gone = {layer for layer in layers if self._gone(project_id, layer)}
        if not gone:
            return choice
        names = dict.fromkeys(gone, LIVE)
        fresh = _Choice(
            names.get(choice.left, choice.left),
            "" if choice.right in gone else choice.right,
            names.get(choice.before, choice.before),
        )
        with self._kept.lock:
            if self._kept.of.get(project_id) == choice:
                self._kept.of[project_id] = fresh
        return fresh

    def _gone(self, project_id: str, layer: str) -> bool:
        try:
            self._map(project_id, layer)
        except StudioError as error:
            log.warning("%s is no longer shown: %s", layer, error)
            return True
        return False

    def _looked(self, project_id: str, layer: str) -> DisplayedMap | None:
        try:
            return self._map(project_id, layer)
        except StudioError as error:  # it went this moment
            log.info("%s: %s", layer, error)
            return None

    def _map(self, project_id: str, layer: str) -> DisplayedMap | None:
        """Raises BadRequest, FileProblem."""
        self._workspace.project(project_id)
        source, _, item = layer.partition(":")
        found = self._source(source).displayed(project_id, item)
        return None if found is None else self._as_now(found)

    def _as_now(self, found: DisplayedMap) -> DisplayedMap:
        """With the names and colours that its classes have in the project now, as labels and legend have them: a class
        renamed since the map was made is one class, not two. The same prediction until one of both changes."""
        schema, key = self._workspace.project(found.project_id).schema, (found.project_id, found.layer)
        with self._kept.lock:
            kept = self._kept.called.get(key)
            if kept is None or kept[0] is not found.prediction or kept[1] != schema:
                kept = self._kept.called[key] = found.prediction, schema, called_as(found.prediction, schema)
            self._kept.called.move_to_end(key)
            while len(self._kept.called) > CALLED_KEPT:
                self._kept.called.popitem(last=False)
        if kept[2] is found.prediction:
            return found
        named = replace(found, prediction=kept[2])
        if (report := vars(found).get("report")) is not None:  # it came with the map
            vars(named)["report"] = _called(report, kept[2].schema)
        return named

    def _source(self, source: str) -> MapSource:
        """Raises BadRequest."""
        if source in self._plain:
            raise BadRequest(
                f"“{source}” is no class map: it has no classes and no accuracy, and cannot stand in a map's place. "
                f"Export it as .tif or .png (hsi-studio export PROJECT --layer {source} --out FILE.tif)."
            )
        if source not in self._sources:
            raise BadRequest(f"There is no kind of map {source[:80]!r}: choose one of {', '.join(self._sources)}.")
        return self._sources[source]

    def plain(self, layer: str) -> PlainSource | None:
        """Where a layer comes from that is no map; None for others."""
        return self._plain.get(layer.partition(":")[0])


THE_REFERENCE = "This is the scene's reference: what every map here is measured against."


def why_unmeasured(shown: DisplayedMap, scene: Scene) -> str:
    """Why a map has no figures, in a sentence: that there is no reference is said only where there is none."""
    if shown.source == REFERENCE:
        return THE_REFERENCE
    if shown.source == "preview":
        return "Preview of a training that goes on."
    if scene.reference is not None:
        return "How good this map is has not been measured."
    return "How good this map is cannot be known here: there is no reference, and no label was left out."


def _called(report: AccuracyReport, schema: ClassSchema) -> AccuracyReport:
    """The same figures under the names and colours of these classes; the same object where they are those."""
    now = {info.id: info for info in schema.classes}
    if all(now.get(row.info.id, row.info) == row.info for row in report.main.classes):
        return report

    def block(one: ScoreBlock) -> ScoreBlock:
        return replace(one, classes=tuple(replace(row, info=now.get(row.info.id, row.info)) for row in one.classes))

    return replace(
        report, main=block(report.main), buffered=None if report.buffered is None else block(report.buffered)
    )
