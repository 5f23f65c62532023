"""`studio.models.maps`: what a model makes of a project's scene, in the background.

Maps are made one after another and kept under the project's `maps/`. A run's own map is taken from its run folder.
Which of them the viewer shows is said in `displayed_map.py`.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from hsi_studio.edges import sentence
from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport, accuracy_report
from hsi_studio.engine.mapping.map_cache import keep_map, kept_map
from hsi_studio.engine.mapping.predict import predict_scene
from hsi_studio.engine.mapping.schema_match import onto
from hsi_studio.engine.models.compatibility import scene_fit
from hsi_studio.engine.models.library import ModelFile, ModelLibrary
from hsi_studio.engine.models.memory import Loaded
from hsi_studio.engine.models.metadata import same_ground
from hsi_studio.errors import BadRequest, Cancelled, StudioError
from hsi_studio.methods.contract import Context
from hsi_studio.studio import Subject
from hsi_studio.studio.displayed_map import DisplayedMap
from hsi_studio.studio.kept_maps import KeptMaps
from hsi_studio.studio.layers import Layer, layer_id
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import ClassSchema, LabelSet, Prediction, Progress, Scene

log = logging.getLogger(__name__)

MAPS_KEPT = 32  # in memory
TRAINED_HERE = (
    "This model was trained on this scene with labels that are not known here: pixels it was trained on may be counted."
)

MapState = Literal["waiting", "running", "done", "failed", "stopped"]


@dataclass(frozen=True)
class MapWork:
    """How far a model's map of a project's scene is."""

    state: MapState
    progress: Progress | None = None
    error: str = ""


class Use(Protocol):
    """`Models._used`: the model, in memory while the block lasts."""

    def __call__(
        self, model_id: str, project_id: str, ctx: Context | None = None
    ) -> AbstractContextManager[Loaded]: ...


class RunFacts(Protocol):
    """What is asked of `Runs`: the runs that models come from."""

    def exists(self, run_id: str) -> bool: ...

    def prediction(self, run_id: str) -> Prediction | None: ...

    def report(self, run_id: str) -> AccuracyReport | None: ...

    def labels(self, run_id: str) -> LabelSet: ...


class NoRuns:
    """`RunFacts` of models without runs."""

    def exists(self, run_id: str) -> bool:
        return False

    def prediction(self, run_id: str) -> Prediction | None:
        return None

    def report(self, run_id: str) -> AccuracyReport | None:
        return None

    def labels(self, run_id: str) -> LabelSet:
        raise BadRequest(f"There is no run {run_id[:80]!r}.")


Key = tuple[str, str]  # ids of a project and a model


@dataclass
class _Kept:
    """Of everybody who works in one home: maps are made one after another, and once."""

    worker: ThreadPoolExecutor | None = None
    work: dict[Key, MapWork] = field(default_factory=dict)
    stop: dict[Key, threading.Event] = field(default_factory=dict)
    reports: dict[Key, tuple[Prediction, int, AccuracyReport]] = field(default_factory=dict)  # map, labels' revision
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.maps: KeptMaps[Key, tuple[ClassSchema, Prediction]] = KeptMaps(
            MAPS_KEPT, lambda key: self.reports.pop(key, None)
        )


class ModelMaps(Subject):
    """Safe to call from many threads."""

    def __init__(self, workspace: Workspace, shelf: ModelLibrary, use: Use, runs: RunFacts) -> None:
        self._workspace, self.shelf, self._use, self._runs = workspace, shelf, use, runs
        self._kept = workspace.shared(_Kept)

    def make(self, model_id: str, project_id: str, ctx: Context | None = None) -> Prediction:
        """The model's map of the project's scene, in the project's classes: made now, or the one that is kept.

        Raises Cancelled and what `use` raises.
        """
        found = self.prediction(project_id, model_id)
        if found is not None:
            return found
        ctx = ctx or Context()
        _, header = self.shelf.usable(model_id)
        scene = self._workspace.scene_of(project_id).without_reference()
        ctx.progress(Progress("Loading the model"))
        with self._use(model_id, project_id, ctx) as loaded:
            ctx = replace(ctx, device=loaded.placement.device, cache_dir=self._workspace.cache_folder)
            facts = header.facts
            made = predict_scene(loaded.fitted, scene, facts.method, facts.params, facts.labels.revision, ctx)
        try:
            keep_map(self._map_file(project_id, model_id), made, header.digest)
        except OSError as error:
            log.warning("the map of model %s cannot be kept: %s", model_id, error)
        return self._remember(project_id, model_id, made)

    def prediction(self, project_id: str, model_id: str) -> Prediction | None:
        """The map, if it has been made. Raises BadRequest, FileProblem."""
        key, project = (project_id, model_id), self._workspace.project(project_id)
        known = self._kept.maps.get(key)
        if known is not None and known[0] == project.schema:
            return known[1]
        model, header = self.shelf.usable(model_id)
        scene = self._workspace.scene_of(project_id)
        made = None
        if model.origin == "run" and model.project_id == project_id:
            try:
                made = self._runs.prediction(model_id)
            except StudioError as error:  # only its model is left, or its record is damaged
                log.info("run %s has no map of its own: %s", model_id, error)
        if made is None or made.label.shape != scene.shape[:2]:
            made = kept_map(self._map_file(project_id, model_id), scene.shape[:2], header.digest)
        return None if made is None else self._remember(project_id, model_id, made)

    def request(self, project_id: str, model_id: str) -> MapWork:
        """Have the map made in the background. Returns at once."""
        key = (project_id, model_id)
        if self.prediction(project_id, model_id) is not None:
            return self._set(key, MapWork("done"))
        told = scene_fit(self.shelf.usable(model_id)[1], self._workspace.scene_of(project_id))
        if not told.ok:
            return self._set(key, MapWork("failed", error=told.words))
        with self._kept.lock:
            known = self._kept.work.get(key)
            if known is not None and known.state in ("waiting", "running"):
                return known
            self._kept.stop[key] = threading.Event()
            self._kept.work[key] = MapWork("waiting", Progress("Waiting for another map"))
            if self._kept.worker is None:
                self._kept.worker = ThreadPoolExecutor(1, thread_name_prefix="model-map")
            self._kept.worker.submit(self._run, key, self._kept.stop[key])
            return self._kept.work[key]

    def work(self, project_id: str, model_id: str) -> MapWork | None:
        """How far a map that was asked for is. Raises BadRequest for a project that is not the guest's."""
        self._workspace.admit(project_id)
        with self._kept.lock:
            return self._kept.work.get((project_id, model_id))

    def stop(self, project_id: str, model_id: str) -> None:
        """Make it no longer. Raises BadRequest for a project that is not the guest's."""
        self._workspace.admit(project_id)
        with self._kept.lock:
            event = self._kept.stop.get((project_id, model_id))
        if event is not None:
            event.set()

    # ── layers of `studio.displayed` ────────────────────────────────────────────────────────────

    def listed(self, project_id: str) -> list[Layer]:
        """Models that fit the project's scene. Of its own runs only those whose map has gone: a run is a layer too."""
        scene, folder = self._workspace.scene_of(project_id), self._workspace.project(project_id).folder
        found = []
        for model in self.shelf.models():
            facts = model.facts
            if model.header is None or facts is None or not scene_fit(model.header, scene).ok:
                continue
            if model.origin == "run" and model.project_id == project_id and self._runs.exists(model.id):
                continue
            when = facts.created[:19].replace("T", " ")
            words = " ".join(filter(None, [facts.prompts.style, facts.prompts.set]))
            trained = facts.scene.title or facts.scene.name
            labels = f"{facts.labels.total} labels"
            ready = (folder / "maps" / f"{model.id}.npz").is_file()
            told = (facts.method, words, f"seed {facts.seed}", trained, labels, when, model.id)
            found.append(Layer(layer_id("model", model.id), _title(model, scene), ready, facts=told))
        return found

    def title(self, project_id: str, item: str) -> str:
        return _title(self.shelf.get(item), self._workspace.scene_of(project_id))

    def displayed(self, project_id: str, item: str) -> DisplayedMap | None:
        made = self.prediction(project_id, item)
        return None if made is None else DisplayedMap("model", item, made, project_id, self)

    def finished(self, project_id: str, item: str, timeout: float) -> DisplayedMap:
        """Made here and now when there is none, however long it takes."""
        return DisplayedMap("model", item, self.make(item, project_id), project_id, self)

    def report(self, shown: DisplayedMap) -> AccuracyReport | None:
        """The one of its training, where that was on this scene; else against the reference, without the pixels that
        are labelled in this project and those it was trained on. None without a reference."""
        model, header = self.shelf.usable(shown.id)
        scene, project = self._workspace.scene_of(shown.project_id), self._workspace.project(shown.project_id)
        if model.origin == "run" and header.facts.scene.id == scene.id and self._runs.exists(model.id):
            own = self._runs.report(model.id)
            if own is not None:
                return own
        if scene.reference is None:
            return None
        labels, trained = project.labels(), self.seen(shown)
        here = same_ground(header.facts.scene, scene) and bool(header.facts.labels.total)
        key = (shown.project_id, shown.id)
        with self._kept.lock:
            known = self._kept.reports.get(key)
        if known is not None and known[0] is shown.prediction and known[1] == labels.revision:
            return known[2]
        without = _together(labels, trained, shown.prediction.schema) if here and trained is not None else labels
        made = accuracy_report(shown.prediction, without, scene)
        if here and trained is None:
            made = replace(made, notes=(*made.notes, TRAINED_HERE))
        with self._kept.lock:
            self._kept.reports[key] = shown.prediction, labels.revision, made
        return made

    def seen(self, shown: DisplayedMap) -> LabelSet | None:
        """Of a training on this scene, as far as its labels are known; on another scene it has seen none of this
        one.
        """
        model, header = self.shelf.usable(shown.id)
        scene, labels = self._workspace.scene_of(shown.project_id), self._workspace.project(shown.project_id).labels()
        if not same_ground(header.facts.scene, scene) or not header.facts.labels.total:
            return labels
        return self._runs.labels(model.id) if model.origin == "run" and self._runs.exists(model.id) else None

    def forget(self, model_id: str) -> None:
        """The model has gone, and its maps with it."""
        self._kept.maps.drop(lambda key: key[1] == model_id)

    def close(self) -> None:
        """Stop the maps that are being made."""
        with self._kept.lock:
            for event in self._kept.stop.values():
                event.set()
            worker, self._kept.worker = self._kept.worker, None
        if worker is not None:
            worker.shutdown(wait=False, cancel_futures=True)

    def _run(self, key: Key, stop: threading.Event) -> None:
        project_id, model_id = key

        def report(progress: Progress) -> None:
            self._set(key, MapWork("running", progress))

        ctx = Context(progress=report, cancelled=stop.is_set)
        try:
            ctx.check()
            self.make(model_id, project_id, ctx)
        except Cancelled:
            self._set(key, MapWork("stopped"))
        except StudioError as error:
            self._set(key, MapWork("failed", error=str(error)))
        except Exception as error:
            words = f"The map could not be made. {sentence(error)}"
            self._set(key, MapWork("failed", error=words))
        else:
            self._set(key, MapWork("done"))

    def _set(self, key: Key, work: MapWork) -> MapWork:
        with self._kept.lock:
            self._kept.work[key] = work
        return work

    def _map_file(self, project_id: str, model_id: str) -> Path:
        return self._workspace.project(project_id).folder / "maps" / f"{self.shelf.get(model_id).id}.npz"

    def _remember(self, project_id: str, model_id: str, made: Prediction) -> Prediction:
        schema = self._workspace.project(project_id).schema
        prediction = onto(made, schema)
        self._kept.maps.put((project_id, model_id), (schema, prediction), prediction.nbytes)
        return prediction


def _together(labels: LabelSet, trained: LabelSet, schema: ClassSchema) -> LabelSet:
    """The project's labels and a model's, in the classes of its map (`schema_match.onto`), every pixel once."""
    place = {info.id: k for k, info in enumerate(schema.classes)}
    named = {info.name.casefold().strip(): k for k, info in reversed(list(enumerate(schema.classes)))}
    found: dict[tuple[int, int], int] = {}
    for one in (trained, labels):
        to = [place.get(info.id, named.get(info.name.casefold().strip(), 0)) for info in one.schema.classes]
        for row, col, label in zip(one.row.tolist(), one.col.tolist(), one.label.tolist(), strict=True):
            found[row, col] = to[label]
    table = np.array([(*place, label) for place, label in found.items()], dtype=np.int64).reshape(-1, 3)
    return LabelSet(schema, table[:, 0], table[:, 1], table[:, 2], labels.revision)


def _title(model: ModelFile, scene: Scene) -> str:
    """As a layer of this scene: one that was trained on another scene says on which."""
    trained = None if model.facts is None else model.facts.scene
    if trained is None or same_ground(trained, scene) or not (trained.title or trained.name):
        return model.title
    return f"{trained.title or trained.name}: {model.title}"
