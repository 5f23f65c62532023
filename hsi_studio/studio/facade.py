"""The façade: everything the UI, the CLI, tests and notebooks do, they do through `Studio`.

>>> studio = Studio()
>>> project = studio.new_project("indian_pines")
>>> corn = project.schema.classes[1]
>>> studio.label(project.id, row=40, col=20, class_id=corn.id)

The verbs that everybody needs are methods here; each is handed on to the subject that does the work, where its errors
are described. All others are asked of a subject: `studio.runs.start(...)`. A `Studio` may be used from many threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hsi_studio.edges import at_edge
from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport, ScoreBlock
from hsi_studio.engine.evaluation.metrics import Estimate
from hsi_studio.engine.evaluation.report_json import report_to_json
from hsi_studio.engine.evaluation.same_pixels import SamePixels
from hsi_studio.engine.live_map import LiveMap, LiveStatus
from hsi_studio.engine.scene_info import crs_name, sides_m
from hsi_studio.engine.spectra import WATER_NM, ClassSpectrum, Spectrum
from hsi_studio.methods import LIVE_METHOD
from hsi_studio.methods.contract import Method
from hsi_studio.project.store import Project
from hsi_studio.studio.backups import Backup, Backups, Restored
from hsi_studio.studio.bands import SceneBands
from hsi_studio.studio.certify import Certify
from hsi_studio.studio.collections import Collections
from hsi_studio.studio.compare import CompareInfo, Comparison, ComparisonPlan, Comparisons
from hsi_studio.studio.compare_arms import Side
from hsi_studio.studio.descriptions import Descriptions
from hsi_studio.studio.displayed_map import EXPORT_WAIT_S, DisplayedMap, DisplayedMaps
from hsi_studio.studio.edited_maps import EditedMaps
from hsi_studio.studio.evaluation import Evaluation
from hsi_studio.studio.evidence import Evidence
from hsi_studio.studio.exports import Exports
from hsi_studio.studio.holdout import Holdout
from hsi_studio.studio.imported_maps import ImportedMaps
from hsi_studio.studio.labels import Labels
from hsi_studio.studio.layers import LIVE, QUERY, Layer
from hsi_studio.studio.lessons import Lessons
from hsi_studio.studio.live import LiveMaps
from hsi_studio.studio.models import Models
from hsi_studio.studio.openings import Openings
from hsi_studio.studio.plain_layers import PictureLayer, QueryLayer
from hsi_studio.studio.plugins import problems
from hsi_studio.studio.prompts import Prompts
from hsi_studio.studio.provenance import Provenance
from hsi_studio.studio.queries import Queries
from hsi_studio.studio.quotas import Quotas
from hsi_studio.studio.recipes import Recipes
from hsi_studio.studio.reference_map import ReferenceMapSource
from hsi_studio.studio.report import Reports
from hsi_studio.studio.run_maps import RunMapSource
from hsi_studio.studio.runs import Runs
from hsi_studio.studio.shared_server import SharedServer
from hsi_studio.studio.shelf import Shelf
from hsi_studio.studio.spectra import Spectra
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import Prediction, Progress, Scene

if TYPE_CHECKING:
    from hsi_studio.scene.plan import AskAboutFile
    from hsi_studio.scene.preview import Choice

__all__ = [
    "LIVE", "LIVE_METHOD", "QUERY", "WATER_NM", "AccuracyReport", "Backup", "ClassSpectrum", "CompareInfo",
    "Comparison", "ComparisonPlan", "DisplayedMap", "Estimate", "Layer", "LiveStatus", "Restored", "SamePixels",
    "ScoreBlock", "Side", "Spectrum", "Studio", "crs_name", "report_to_json", "sides_m",
]  # fmt: skip


class Studio:
    """One application's state, or one owner's on a server with several.

    `home`, `data_root`: as in `Workspace`. `method`: name of the one that makes live maps. `server`: what owners share;
    alone, a studio makes its own with `quotas` (default: the environment's). `workspace` stands for all of these but
    `method`: a guest's.
    """

    def __init__(
        self, home: Path | None = None, data_root: Path | None = None, method: str = LIVE_METHOD,
        server: SharedServer | None = None, quotas: Quotas | None = None, *, workspace: Workspace | None = None,
    ) -> None:  # fmt: skip
        self._own_server = server is None and workspace is None
        if workspace is None:
            workspace = Workspace(home, data_root, server, quotas)
        self.workspace, self.method = workspace, method
        self.attach_subjects(workspace)

    def attach_subjects(self, workspace: Workspace) -> None:
        """Put the subjects together: what each one needs is what it is given here."""
        self.displayed = DisplayedMaps(workspace)
        self.live_maps = LiveMaps(workspace, self.method)
        changed = self.live_maps.refresh  # after every edit a new map is wanted
        self.labels = Labels(workspace, changed)
        self.bands = SceneBands(workspace, changed)
        self.prompts = Prompts(workspace, changed)
        self.spectra, self.collections = Spectra(workspace), Collections(workspace)
        self.evaluation = Evaluation(workspace)
        self.runs, self.backups = Runs(workspace), Backups(workspace)
        self.openings = Openings(workspace, self.import_labels, self.restore)
        self.shelf = Shelf(workspace, self.live_maps, self.runs)
        self.models = Models(workspace, self.runs)
        self.runs.warm_file = self.models.warm_start_file
        self.compare = Comparisons(workspace, self.runs, self.prompts)
        self.queries = Queries(
            workspace, self.models, self.prompts, self.evaluation,
            Descriptions(workspace, lambda project_id: self.live_maps.status(project_id).prediction),
            changed, text_map_ready=lambda project_id: self.displayed.announce(project_id, "texts"),
            words_known=self.live_maps.words_known,
        )  # fmt: skip
        self.live_maps.class_words = self.queries.class_words.get
        self.live_maps.wait_for_words = self.queries.class_words.wait
        self.recipes = Recipes(workspace, self.prompts, self.queries.descriptions.facts_on, self.queries.encode)
        self.certify = Certify(workspace, self.displayed)
        self.holdout = Holdout(workspace, self.displayed, changed)
        self.lessons = Lessons(workspace, self.displayed, self.runs)
        self.evidence = Evidence(workspace, self.displayed, self.models, self.live_maps, self.certify)
        self.provenance = Provenance(workspace, self.runs, self.models, self.live_maps.words_in)
        self.reports = Reports(
            workspace, self.evidence, self.provenance, self.runs, self.spectra, self.live_maps
        )  # fmt: skip
        self.exports = Exports(workspace, self.displayed, self.evidence, self.provenance, self.reports)
        self.imported = ImportedMaps(workspace, self.displayed)
        self.edits = EditedMaps(workspace, self.displayed, self.evidence.surface)
        self.displayed.add(
            live=self.live_maps, texts=self.queries.text_maps, run=RunMapSource(workspace, self.runs),
            model=self.models.maps, comparison=self.compare.maps, reference=ReferenceMapSource(workspace),
            imported=self.imported, edited=self.edits,
        )  # fmt: skip
        self.displayed.add_plain(picture=PictureLayer(workspace), query=QueryLayer(workspace, self.queries))

    @property
    def home(self) -> Path:
        return self.workspace.home

    @property
    def data_root(self) -> Path:
        return self.workspace.data_root

    @property
    def only(self) -> str | None:
        """Id of the one project there is for a guest."""
        return self.workspace.only

    @property
    def projects_folder(self) -> Path:
        return self.workspace.projects_folder

    @property
    def cache_folder(self) -> Path:
        return self.workspace.cache_folder

    def close(self) -> None:
        """Stop the live maps and the trainings, which can be resumed. A guest's: its questions alone, the rest is the
        owner's."""
        self.queries.close()
        if self.only is None:
            for subject in (self.live_maps, self.models, self.prompts):
                subject.close()
        self.workspace.server.scenes.leave(self.workspace)
        if self._own_server:
            self.workspace.server.close()

    # ── scenes and projects: workspace.py ───────────────────────────────────────────────────────

    def open(
        self,
        spec: str | Path,
        *,
        variable: str | None = None,
        dsm: str | None = None,
        reference: str | None = None,
        **reading: Any,
    ) -> Scene:
        """Open a scene by catalogue id or path. `dsm` and `reference` are "FILE" or "FILE:variable". `reading` says
        what the file is taken for: axes="bands,rows,cols", nodata=-9999, wavelengths, unit="um", scale, mask=FILE,
        crs."""
        return self.workspace.open(spec, variable=variable, dsm=dsm, reference=reference, **reading)

    def choices(self, error: AskAboutFile, variable: str | None = None, **reading: Any) -> list[Choice]:
        """A small picture and a mean spectrum of a file for each answer to what was asked about it."""
        return self.workspace.choices(error, variable, **reading)

    def usable(self, project_id: str) -> Project:
        """A project that can be shown; raises what keeps it from that."""
        return self.workspace.usable(project_id)

    def scene(self, scene_id: str) -> Scene:
        """A scene that is open."""
        return self.workspace.scene(scene_id)

    def catalog(self) -> list[Any]:
        """Scenes that can be opened by id: entries with id, title, offline, citation, licence."""
        return self.workspace.catalog()

    def composites(self, scene_id: str) -> list[dict[str, Any]]:
        """Ways to show a scene, in menu order, the ones it cannot be shown in with the reason."""
        return self.workspace.composites(scene_id)

    def info(self, scene: Scene, wait: bool = True) -> dict[str, Any]:
        """Facts about a scene as plain values (JSON-ready). `wait`: also for the pass over a large cube."""
        return self.workspace.info(scene, wait)

    def confined(self, path: str) -> Path:
        """The path, if it lies under `data_root` after links are followed."""
        return self.workspace.confined(path)

    def keep_upload(self, files: Iterable[str | Path]) -> list[Path]:
        """Copy uploaded files into one folder under `home`, so that a project can open them again."""
        return self.workspace.keep_upload(files)

    def new_project(self, spec: str | Path, *, title: str | None = None, **options: Any) -> Project:
        """Start a project on a scene (`options` as in `open`); its classes come from the scene's reference, if any."""
        return self.workspace.new_project(spec, title=title, **options)

    def project(self, project_id: str) -> Project:
        """A project by id, opened from disk when it is not yet."""
        return self.workspace.project(project_id)

    def projects(self) -> list[Any]:
        """What is on disk, newest first."""
        return self.workspace.projects()

    def latest_project(self, scene_id: str | None = None) -> Project | None:
        """The project changed last (on one scene); None when there is none."""
        return self.workspace.latest_project(scene_id)

    def scene_of(self, project_id: str) -> Scene:
        """The project's scene."""
        return self.workspace.scene_of(project_id)

    def mend(self, project_id: str) -> list[str]:
        """Rescue a project with a damaged journal. Returns what was lost, in sentences."""
        return self.workspace.mend(project_id)

    def backup(
        self, project_ids: Sequence[str] | None, to: Path, *, models: bool = True, uploads: bool = True
    ) -> Backup:
        """Copy projects (None = all) into one new file, which is read again; the app may run meanwhile."""
        return self.backups.make(project_ids, to, models=models, uploads=uploads)

    def restore(self, file: Path) -> list[Restored]:
        """Make the projects of a backup again; nothing that is there is overwritten."""
        return self.backups.restore(file)

    # ── labels and the map that follows them: labels.py, live.py ────────────────────────────────

    def label(self, project_id: str, row: int, col: int, class_id: str, actor: str = "") -> int:
        """Label a pixel, or take its label away when it has this class already; the journal's sequence number."""
        return self.labels.label(project_id, row, col, class_id, actor)

    def remove_label(self, project_id: str, row: int, col: int, actor: str = "") -> int:
        """Take a pixel's label away."""
        return self.labels.remove_label(project_id, row, col, actor)

    def edit(self, project_id: str, action: Callable[[Project], object]) -> int:
        """Do anything else to a project (classes, undo, import) and ask for a new map."""
        return self.labels.edit(project_id, action)

    def import_labels(
        self, project_id: str, path: str | Path | Sequence[str | Path], actor: str = "", **options: Any
    ) -> list[str]:
        """Add labels from files of other programs; classes that are new are added. Returns notes for the user."""
        return self.labels.import_labels(project_id, path, actor, **options)

    def live(self, project_id: str) -> LiveMap:
        """The project's live map; its thread starts on the first call."""
        return self.live_maps.get(project_id)

    def refresh(self, project_id: str) -> None:
        """Ask for a map of the labels as they are now. Returns at once."""
        self.live_maps.refresh(project_id)

    def status(self, project_id: str) -> LiveStatus:
        """How far the live map is."""
        return self.live_maps.status(project_id)

    # ── training, export, evaluation: runs.py, exports.py, evaluation.py ────────────────────────

    def trainable(self) -> list[Method]:
        """Methods to train, all but the one that follows the clicks."""
        return self.runs.trainable(without=self.method)

    def pretrained(self, project_id: str, method: str) -> str:
        """Whether a method's pre-training for this scene is on disk, in words; "" for methods without one."""
        return self.runs.pretrained(project_id, method)

    def export(
        self, project_id: str, folder: Path | None = None, *, which: str = "shown", timeout: float = EXPORT_WAIT_S
    ) -> list[Path]:
        """Write a map (`which` as in `displayed.find`), its confidence, a picture and the labels."""
        with at_edge("exports"):
            return self.exports.map(project_id, folder, which=which, timeout=timeout)

    def export_labels(self, project_id: str, folder: Path | None = None) -> list[Path]:
        """Write the labels alone (GeoJSON, GeoPackage, CSV); works before there is a map."""
        with at_edge("exports"):
            return self.exports.labels(project_id, folder)

    def map(
        self, scene: Scene, labels_file: str | Path, method: str = LIVE_METHOD, params: dict[str, Any] | None = None,
        progress: Callable[[Progress], None] = lambda _: None, seed: int = 0, **label_options: Any,
    ) -> Prediction:  # fmt: skip
        """A map from a file of labels, without a project; `label_options` as in `import_labels`."""
        return self.evaluation.map(scene, labels_file, method, params, progress, seed, **label_options)

    def evaluate(
        self, scene: Scene, method: str = LIVE_METHOD, *, shots: int, seeds: int | Sequence[int], **options: Any
    ) -> Any:
        """Few-shot accuracy over seeds; `options` as in `evaluation.evaluate`: protocol, params, prompts, device …"""
        return self.evaluation.evaluate(scene, method, shots=shots, seeds=seeds, **options)

    def problems(self) -> list[str]:
        """Why formats and methods were left out; none for owners on a server: it names the operator's folders."""
        return problems() if self._own_server else []
