"""The façade: everything the UI, the CLI, tests and notebooks do, they do through `Studio`.

>>> studio = Studio()
>>> project = studio.new_project("indian_pines")
>>> corn = project.schema.classes[1]
>>> studio.label(project.id, row=40, col=20, class_id=corn.id)

Scenes live in one read-only store keyed by scene id; projects by their folder name. A `Studio` may be
used from many threads: each project has its own lock, and each open project one live-map thread.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from hsi_studio import paths
from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport, ScoreBlock
from hsi_studio.engine.evaluation.metrics import Estimate
from hsi_studio.engine.live_map import LiveMap, LiveStatus
from hsi_studio.engine.runs.devices import devices
from hsi_studio.engine.scene_info import crs_name, scene_facts
from hsi_studio.engine.spectra import ClassSpectrum, Spectrum
from hsi_studio.errors import BadRequest, LabelProblem, StudioError
from hsi_studio.methods import LIVE_METHOD, get_method, methods
from hsi_studio.methods.contract import Context, Method
from hsi_studio.project.store import Project, list_projects
from hsi_studio.studio.collections import Collections
from hsi_studio.studio.compare import CompareInfo, Comparison, ComparisonPlan, Comparisons
from hsi_studio.studio.compare_arms import Side
from hsi_studio.studio.displayed_map import EXPORT_WAIT_S, DisplayedMap, DisplayedMaps, Layer
from hsi_studio.studio.labels import Labels
from hsi_studio.studio.models import Models
from hsi_studio.studio.prompts import Prompts
from hsi_studio.studio.queries import Queries
from hsi_studio.studio.quotas import Quotas
from hsi_studio.studio.run_maps import LiveMapSource, RunMapSource
from hsi_studio.studio.runs import Runs
from hsi_studio.studio.shared_server import Commons
from hsi_studio.studio.spectra import Spectra
from hsi_studio.types import Prediction, Progress, Scene

__all__ = [
    "LIVE_METHOD",
    "AccuracyReport",
    "ClassSpectrum",
    "CompareInfo",
    "Comparison",
    "ComparisonPlan",
    "DisplayedMap",
    "Estimate",
    "Layer",
    "LiveStatus",
    "ScoreBlock",
    "Side",
    "Spectrum",
    "Studio",
    "crs_name",
]

log = logging.getLogger(__name__)

MAX_LIVE = 8  # live-map threads kept; the one unused longest is closed first


class Studio:
    """One application's state: scenes, projects, live maps.

    `home`: projects and caches (default: $HSI_STUDIO_HOME or ~/.hsi_studio). `data_root`: where the UI may open files
    (default: the user's home folder). `commons`: what owners share on a server; alone, a studio makes its own with
    `quotas` (default: the environment's).
    """

    only: str | None = None  # id of the one project there is for a guest, see studio/guest.py

    def __init__(
        self, home: Path | None = None, data_root: Path | None = None, method: str = LIVE_METHOD,
        commons: Commons | None = None, quotas: Quotas | None = None) -> None:  # fmt: skip
        self.home = Path(home) if home else paths.home()
        self.commons, self._alone = commons or Commons(self.home, quotas or Quotas.of_environment()), commons is None
        self.data_root = Path(data_root).expanduser().resolve() if data_root else Path.home().resolve()
        self.method = method
        self._lock = threading.RLock()
        self._scenes: dict[str, Scene] = {}
        self._projects: dict[str, Project] = {}
        self._scene_of: dict[str, Scene] = {}  # project id → its scene
        self._live: OrderedDict[str, LiveMap] = OrderedDict()
        runs = Runs(self, queue=self.commons.queue)
        runs.admit = lambda: self.commons.admit_run(self.home, runs.alive)
        self.put_up(runs, Models(self, self.commons.manager, runs))

    def put_up(self, runs: Runs, models: Models) -> None:
        """Hang every subject on this studio. They reach projects through it, so that a guest's reach only one."""
        self.runs, self.models = runs, models
        runs.warm_file = models.warm_start_file
        self.spectra, self.collections, self.labels = Spectra(self), Collections(self), Labels(self, self.refresh)
        self.prompts = Prompts(self, changed=self.refresh)
        self.compare = Comparisons(self, runs, self.prompts)
        self.queries = Queries(
            self, models, lambda: self.prompts, lambda p: self.status(p).prediction, self.evaluate, self.refresh,
            lambda p: self.displayed.show(p, "texts"),
        )  # fmt: skip
        self.displayed = DisplayedMaps(
            self,
            {
                "live": LiveMapSource(self, self.live),
                "texts": self.queries.text_maps,
                "run": RunMapSource(self, runs),
                "model": models.maps,
                "comparison": self.compare.maps,
            },
        )

    # ── scenes ──────────────────────────────────────────────────────────────────────────────────

    @property
    def projects_folder(self) -> Path:
        return self.home / "projects"

    @property
    def cache_folder(self) -> Path:
        return self.commons.cache_folder

    def open(
        self,
        spec: str | Path,
        *,
        variable: str | None = None,
        dsm: str | None = None,
        reference: str | None = None,
    ) -> Scene:
        """Open a scene by catalogue id or path. Opening the same content twice gives the same object.

        `dsm` and `reference` are "FILE" or "FILE:variable". Raises FileProblem, BadRequest.
        """
        from hsi_studio.scene.resolve import resolve

        scene = self.commons.shared(resolve(str(spec), variable=variable, dsm=dsm, reference=reference))
        with self._lock:
            return self._scenes.setdefault(scene.id, scene)

    def scene(self, scene_id: str) -> Scene:
        """A scene that is open. Raises BadRequest."""
        with self._lock:
            if scene_id not in self._scenes:
                raise BadRequest(f"No scene {scene_id!r} is open: open it again in the Scene tab.")
            return self._scenes[scene_id]

    def catalog(self) -> list[Any]:
        """Scenes that can be opened by id: entries with id, title, offline, citation, licence."""
        from hsi_studio.scene import catalog

        return list(catalog())

    def composites(self, scene_id: str) -> list[dict[str, Any]]:
        """Ways to show a scene, in menu order, the ones it cannot be shown in with the reason."""
        from hsi_studio.features.composite import composites

        return [entry.as_dict() for entry in composites(self.scene(scene_id))]

    def confined(self, path: str) -> Path:
        """The path, if it lies under `data_root` after links are followed. Raises BadRequest.

        With a variable ("FILE:variable") the caller splits it off first.
        """
        full = Path(path).expanduser()
        full = (full if full.is_absolute() else self.data_root / full).resolve()
        if not full.is_relative_to(self.data_root):
            raise BadRequest(
                f"{full} lies outside {self.data_root}, the folder this app may read. "
                "Move the file there, or start the app with --data FOLDER."
            )
        mine = self.only is None and full.is_relative_to(self.home.resolve())
        if full.is_relative_to(self.commons.home.resolve()) and not mine:
            raise BadRequest(f"{full.name} lies in the app's own folder: upload the file instead.")
        return full

    def keep_upload(self, files: Iterable[str | Path]) -> list[Path]:
        """Copy uploaded files into one folder under `home`, so that a project can open them again."""
        from hsi_studio.files import keep_files

        given = [Path(file) for file in files]
        self.commons.check_disk(self.home, sum(file.stat().st_size for file in given))
        return keep_files(given, self.home / "uploads")

    # ── projects ────────────────────────────────────────────────────────────────────────────────

    def new_project(self, spec: str | Path, *, title: str | None = None, **options: str | None) -> Project:
        """Start a project on a scene; its classes come from the scene's reference, where there is one."""
        self._not_as_guest()
        self.commons.check_disk(self.home)
        scene = self.open(spec, **options)
        kept = {"spec": str(spec), **{key: value for key, value in options.items() if value}}
        project = Project.create(self.projects_folder, scene, kept, title)
        with self._lock:
            self._scene_of[project.id] = scene
            self._projects[project.id] = project
        return project

    def project(self, project_id: str) -> Project:
        """A project by id, opened from disk when it is not yet. Raises BadRequest, FileProblem."""
        if self.only is not None and project_id != self.only:
            raise BadRequest(f"There is no project {project_id!r} here: only one was shared with you.")
        with self._lock:
            if project_id in self._projects:
                return self._projects[project_id]
            project = Project.open(self._project_folder(project_id))
            spec = dict(project.scene_spec)
            scene = self.open(spec.pop("spec"), **spec)
            project.attach(scene)
            self._scene_of[project_id] = scene
            self._projects[project_id] = project
            return project

    def projects(self) -> list[Any]:
        """What is on disk, newest first."""
        return [one for one in list_projects(self.projects_folder) if self.only in (None, one.id)]

    def latest_project(self, scene_id: str | None = None) -> Project | None:
        """The project changed last (on one scene); damaged ones are passed over. None when there is none."""
        for summary in self.projects():
            if summary.problem or (scene_id is not None and summary.scene_id != scene_id):
                continue
            try:
                return self.project(summary.id)
            except StudioError as error:
                log.warning("project %s is passed over: %s", summary.id, error)
        return None

    def scene_of(self, project_id: str) -> Scene:
        """The project's scene as it is on disk now (its content may have changed since the project began)."""
        self.project(project_id)
        with self._lock:
            return self._scene_of[project_id]

    def mend(self, project_id: str) -> list[str]:
        """Rescue a project with a damaged journal: every line that makes sense is kept, and the old file.

        Returns what was lost, in sentences. Raises BadRequest, FileProblem.
        """
        from hsi_studio.project.salvage import salvage

        return salvage(self._project_folder(project_id))

    def _not_as_guest(self) -> None:
        if self.only is not None:
            raise BadRequest("You are in a project that was shared with you: leave it first (link above the picture).")

    def _project_folder(self, project_id: str) -> Path:
        folder = self.projects_folder / project_id
        if (
            Path(project_id).name != project_id
            or self.only not in (None, project_id)
            or not (folder / "project.json").is_file()
        ):
            raise BadRequest(f"There is no project {project_id!r} in {self.projects_folder}.")
        return folder

    # ── labels ──────────────────────────────────────────────────────────────────────────────────

    def label(self, project_id: str, row: int, col: int, class_id: str, actor: str = "") -> int:
        """Label a pixel, or take its label away when it has this class already. The journal has it on return.

        Returns the journal's sequence number. Raises LabelProblem.
        """
        project = self.project(project_id)
        project.toggle_point(row, col, class_id, actor=actor)
        self.refresh(project_id)
        return project.revision

    def remove_label(self, project_id: str, row: int, col: int, actor: str = "") -> int:
        """Take a pixel's label away. Raises LabelProblem when it has none."""
        project = self.project(project_id)
        project.remove_point(row, col, actor=actor)
        self.refresh(project_id)
        return project.revision

    def edit(self, project_id: str, action: Callable[[Project], object]) -> int:
        """Do anything else to a project (classes, undo, import) and ask for a new map."""
        action(project := self.project(project_id))
        self.refresh(project_id)
        return project.revision

    def import_labels(self, project_id: str, path: str | Path, actor: str = "") -> list[str]:
        """Add labels from GeoJSON or CSV; classes that are new are added. Returns notes for the user."""
        from hsi_studio.io.label_import import import_labels

        project = self.project(project_id)
        points, notes = import_labels(Path(path), self.scene_of(project_id), project.schema)
        if not points:
            raise LabelProblem(f"{Path(path).name}: no label in it lies on this scene. " + " ".join(notes))
        done = project.import_labels(points, actor=actor, source=Path(path).name)
        self.refresh(project_id)
        return [done, *notes]

    # ── the live map ────────────────────────────────────────────────────────────────────────────

    def live(self, project_id: str) -> LiveMap:
        """The project's live map; its thread starts on the first call."""
        with self._lock:
            if project_id in self._live:
                self._live.move_to_end(project_id)
                return self._live[project_id]
            project = self.project(project_id)
            method = get_method(self.method)
            live = LiveMap(self.scene_of(project_id), method, method.Params(), Context(cache_dir=self.cache_folder))
            self._live[project_id] = live
            while len(self._live) > MAX_LIVE:
                _, oldest = self._live.popitem(last=False)
                oldest.close()
        live.request(project.labels())
        return live

    def refresh(self, project_id: str) -> None:
        """Ask for a map of the labels as they are now. Returns at once."""
        self.live(project_id).request(self.project(project_id).labels())

    def status(self, project_id: str) -> LiveStatus:
        return self.live(project_id).status

    def close(self) -> None:
        """Stop the live maps and the trainings, which can be resumed."""
        with self._lock:
            for live in self._live.values():
                live.close()
            self._live.clear()
        self.models.close()
        self.prompts.close()
        self.queries.close()
        if self._alone:
            self.runs.close()
            self.commons.close()

    # ── training ────────────────────────────────────────────────────────────────────────────────

    def trainable(self) -> list[Method]:
        """Methods to train, all but the one that follows the clicks: the pre-trained ones first, the baselines last."""
        found = (method for name, method in methods().entries.items() if name != self.method)
        return sorted(found, key=lambda method: -len(method.needs & {"text", "pretraining"}))

    def pretrained(self, project_id: str, method: str) -> str:
        """Whether a method's pre-training for this scene is on disk, in words; "" for methods without one."""
        chosen = get_method(method)
        return chosen.pretrained_status(
            self.scene_of(project_id), chosen.Params(), self.cache_folder, devices()[0].torch_name
        )

    # ── export, evaluation, facts ───────────────────────────────────────────────────────────────

    def export(
        self, project_id: str, folder: Path | None = None, *, which: str = "shown", timeout: float = EXPORT_WAIT_S
    ) -> list[Path]:
        """Write a map, its confidence, a picture and the labels; the files' names and tags say which map it is.

        `which`: "shown" = the one on the screen, "live", the id of a run, a model or a layer, as in
        `displayed.find`, which raises StudioError when there is no such map, and says why.
        """
        from hsi_studio.io.export import export_all

        project, scene = self.project(project_id), self.scene_of(project_id)
        found = self.displayed.find(project_id, which, timeout)
        name = "" if found.source == "live" else found.layer
        return export_all(
            found.prediction, project.labels(), scene, folder or project.folder / "exports", name, found.tags
        )

    def export_labels(self, project_id: str, folder: Path | None = None) -> list[Path]:
        """Write the labels alone (GeoJSON and CSV); works before there is a map."""
        from hsi_studio.io.export import export_labels

        project = self.project(project_id)
        return export_labels(project.labels(), self.scene_of(project_id), folder or project.folder / "exports")

    def map(
        self,
        scene: Scene,
        labels_file: str | Path,
        method: str = LIVE_METHOD,
        params: dict[str, Any] | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
        seed: int = 0,
    ) -> Prediction:
        """A map from a file of labels, without a project. Raises FileProblem, TooFewLabels."""
        from hsi_studio.studio.evaluation import map_from_file

        ctx = Context(seed=seed, progress=progress, cache_dir=self.cache_folder)
        return map_from_file(scene, Path(labels_file), method, params or {}, ctx)

    def evaluate(
        self,
        scene: Scene,
        method: str = LIVE_METHOD,
        *,
        shots: int,
        seeds: int | Sequence[int],
        protocol: str = "random",
        params: dict[str, Any] | None = None,
        prompts: str = "names",
        device: str = "cpu",
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> Any:
        """Few-shot accuracy over seeds; `prompts` as in `prompts_in_style`, its notes are in the result's.

        Raises BadRequest (no reference, unknown protocol or prompts).
        """
        from hsi_studio.studio.evaluation import evaluation

        ctx = Context(progress=progress, device=device, cache_dir=self.cache_folder)
        return evaluation(scene, method, params or {}, prompts, ctx, shots=shots, seeds=seeds, protocol=protocol)

    def problems(self) -> list[str]:
        """A sentence for each format or method that was left out, and why: plug-ins that cannot be used.

        They name the operator's folders: owners on a shared server get none, the log and `methods` tell the operator.
        """
        from hsi_studio.studio.plugins import problems

        return problems() if self._alone else []

    def info(self, scene: Scene) -> dict[str, Any]:
        """Facts about a scene as plain values (JSON-ready). Makes the one pass over the cube."""
        return scene_facts(scene)
