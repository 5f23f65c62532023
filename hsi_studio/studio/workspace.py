"""`studio.workspace`: one home folder, its open scenes and its projects. Every subject of `Studio` stands on one.

A guest has a workspace of its own (`guest`), which knows one project of the owner's and nothing beside it. What is
open, and what subjects keep in `shared`, is the same for both: one journal, one live map, one screen.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakMethod

from hsi_studio import paths
from hsi_studio.engine.scene_info import scene_facts
from hsi_studio.errors import BadRequest, CorruptFile, FileProblem, StudioError
from hsi_studio.files import is_name, is_there
from hsi_studio.project.lesson import LessonAbout
from hsi_studio.project.store import Project, list_projects
from hsi_studio.scene.left_out import without_bands
from hsi_studio.scene.plan import FIRST_RULES, Reading, said_about
from hsi_studio.studio import Subject
from hsi_studio.studio.quotas import Quotas
from hsi_studio.studio.shared_server import SharedServer
from hsi_studio.types import Scene

if TYPE_CHECKING:
    from hsi_studio.scene.plan import AskAboutFile
    from hsi_studio.scene.preview import Choice

log = logging.getLogger(__name__)

IN_SHARED = "You are in a project that was shared with you: leave it first (link above the picture)."
T = TypeVar("T")
Closer = Callable[[str, str], None]  # ids of a project that was closed, and of its scene
Recipe = tuple[str, dict[str, Any]]  # what a scene was opened by, to open it again
TEXTS = ("spec", "variable", "dsm", "reference")  # options of a scene that are texts


@dataclass
class _Open:
    """What owner and guests of one home hold together."""

    projects: dict[str, Project] = field(default_factory=dict)
    scene_of: dict[str, Scene] = field(default_factory=dict)  # project id → its scene
    gone: dict[str, str] = field(default_factory=dict)  # project id → what became of it while it was open
    reduced: dict[str, Scene] = field(default_factory=dict)  # project id → its scene without the bands it leaves out
    reduced_ids: dict[str, str] = field(default_factory=dict)  # ids of such scenes, also of closed ones → project id
    blind: set[str] = field(default_factory=set)  # ids of projects that were opened while their lesson was on
    shared: dict[type, Any] = field(default_factory=dict)
    closers: list[WeakMethod[Closer]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)


class Workspace(Subject):
    """Scenes live in one read-only store keyed by scene id; projects by their folder name. Safe to call from many
    threads. Those not used for long are closed when memory is short (`open_scenes.py`), and opened again when needed.

    `home`: projects and caches (default: $HSI_STUDIO_HOME or ~/.hsi_studio). `data_root`: where the UI may open files
    (default: the user's home folder). `server`: what owners share; alone, a workspace makes its own with `quotas`
    (default: the environment's). `only`: id of the one project there is for a guest.
    """

    def __init__(
        self,
        home: Path | None = None,
        data_root: Path | None = None,
        server: SharedServer | None = None,
        quotas: Quotas | None = None,
        only: str | None = None,
    ) -> None:
        self.home = Path(home).expanduser().absolute() if home else paths.home()
        self.data_root = (Path(data_root).expanduser() if data_root else paths.user_home()).resolve()
        self.server = server or SharedServer(self.home, quotas or Quotas.of_environment())
        self.only = only
        self._scenes: dict[str, Scene] = {}
        self._recipes: dict[str, Recipe] = {}
        self._open = _Open()
        self._owner: Workspace | None = None  # a guest's: who holds the scenes that either opens

    def guest(self, project_id: str) -> Workspace:
        """The same home for somebody with whom this project was shared. Its scene is opened when it is needed. Raises
        BadRequest (no such project)."""
        self.folder_of(project_id)
        made = Workspace(self.home, self.data_root, self.server, only=project_id)
        made._open, made._scenes, made._recipes, made._owner = self._open, self._scenes, self._recipes, self
        return made

    def on_close(self, closer: Closer) -> None:
        """Have a method called with (project id, scene id) when a project is closed to save memory: what is kept of it
        and can be made again goes then. Its object is not kept alive by this."""
        with self._open.lock:
            self._open.closers = [one for one in self._open.closers if one() is not None]
            self._open.closers.append(WeakMethod(closer))

    def let_go(self, scene_id: str) -> bool:
        """Close a scene and its projects; they are opened again when somebody asks. Called by `OpenScenes`."""
        if not self._open.lock.acquire(blocking=False):
            return False
        try:
            self._scenes.pop(scene_id, None)
            closed = [project_id for project_id, scene in self._open.scene_of.items() if scene.id == scene_id]
            for project_id in closed:
                self._open.scene_of.pop(project_id, None)
                self._open.projects.pop(project_id, None)
                self._open.reduced.pop(project_id, None)
            closers = [closer for one in self._open.closers if (closer := one()) is not None]
        finally:
            self._open.lock.release()
        for project_id in closed:
            for closer in closers:
                closer(project_id, scene_id)
        return True

    def shared(self, kind: type[T], *arguments: Any) -> T:
        """The one object of this class for the home, made of `arguments` on first need: its owner and every guest get
        the same. It holds all projects, so whoever reads it on behalf of a visitor calls `admit` first."""
        with self._open.lock:
            if kind not in self._open.shared:
                self._open.shared[kind] = kind(*arguments)
            found: T = self._open.shared[kind]
            return found

    def admit(self, project_id: str) -> None:
        """Raises BadRequest for what is no id, and for a guest who asks for another project than the shared one."""
        if not isinstance(project_id, str):  # from a page: anything may come
            raise BadRequest("No project is named: load the page again.")
        if self.only is not None and project_id != self.only:
            raise BadRequest(f"There is no project {project_id!r} here: only one was shared with you.")

    def for_its_owner(self, what: str) -> None:
        """Raises BadRequest for a guest: a link lets label and train, nothing of the owner's goes by it."""
        if self.only is not None:
            raise BadRequest(f"This project was shared with you: only its owner can delete {what}.")

    @property
    def projects_folder(self) -> Path:
        return self.home / "projects"

    @property
    def cache_folder(self) -> Path:
        return self.server.cache_folder

    # ── scenes ──────────────────────────────────────────────────────────────────────────────────

    def open(
        self,
        spec: str | Path,
        *,
        variable: str | None = None,
        dsm: str | None = None,
        reference: str | None = None,
        **reading: Any,
    ) -> Scene:
        """Open a scene by catalogue id or path. Opening the same content twice gives the same object.

        `dsm` and `reference` are "FILE" or "FILE:variable". `reading`: axes, nodata, wavelengths, unit, scale, mask,
        crs, as in `scene.open_scene`. Raises AskAboutFile (a guess that would change pixels), FileProblem, BadRequest.
        """
        from hsi_studio.scene.resolve import resolve

        options = {"variable": variable, "dsm": dsm, "reference": reference, **reading}
        scene = self.server.shared(resolve(str(spec), **options), self._owner or self)
        with self._open.lock:
            self._recipes[scene.id] = (str(spec), options)
            self._scenes[scene.id] = scene
            return scene

    def choices(self, error: AskAboutFile, variable: str | None = None, **reading: Any) -> list[Choice]:
        """A small picture and a mean spectrum of the file for each answer to what was asked."""
        from hsi_studio.scene.preview import choices

        return choices(error, variable, reading)

    def scene(self, scene_id: str) -> Scene:
        """A scene that was opened. Raises BadRequest, and FileProblem where it was closed and its file is gone."""
        with self._open.lock:
            found, recipe = self._scenes.get(scene_id), self._recipes.get(scene_id)
            reduced = self._open.reduced_ids.get(scene_id)
        if self.only is not None:
            found = self.scene_of(self.only)  # the project's own: a lesson hides what `_scenes` has
            found = found if found.id == scene_id else self.whole_scene_of(self.only)
        elif reduced is not None:
            found = self.scene_of(reduced)
        elif found is None and recipe is not None:
            found = self.open(recipe[0], **recipe[1])
        if found is None or found.id != scene_id:
            raise BadRequest(f"No scene {scene_id!r} is open: open it again in the Scene tab.")
        self.server.scenes.touch(scene_id, self._owner or self)
        return found

    def catalog(self) -> list[Any]:
        """Scenes that can be opened by id: entries with id, title, offline, citation, licence."""
        from hsi_studio.scene import catalog

        return list(catalog())

    def composites(self, scene_id: str) -> list[dict[str, Any]]:
        """Ways to show a scene, in menu order, the ones it cannot be shown in with the reason."""
        from hsi_studio.features.composite import composites

        return [entry.as_dict() for entry in composites(self.scene(scene_id))]

    def info(self, scene: Scene, wait: bool = True) -> dict[str, Any]:
        """Facts about a scene as plain values (JSON-ready). `wait`: also for the pass over a large cube."""
        return scene_facts(scene, wait)

    # ── files ───────────────────────────────────────────────────────────────────────────────────

    def confined(self, path: str) -> Path:
        """The path, if it lies under `data_root` after links are followed. Raises BadRequest.

        With a variable ("FILE:variable") the caller splits it off first.
        """
        try:
            full = Path(path).expanduser()
            full = (full if full.is_absolute() else self.data_root / full).resolve()
        except (OSError, ValueError, RuntimeError) as error:  # a null character, a user that does not exist, a circle
            raise BadRequest(f"{path[:80]!r} is no name of a file: check it.") from error
        if not full.is_relative_to(self.data_root):
            alone = self.server.home == self.home  # one owner: whose machine it is
            place = f"{self.data_root}, the folder" if alone else "the folder"
            raise BadRequest(
                f"{full if alone else full.name} lies outside {place} this app may read. Move the file there, or start "
                "the app with --data FOLDER."
            )
        mine = self.only is None and full.is_relative_to(self.home.resolve())
        if full.is_relative_to(self.server.home.resolve()) and not mine:
            raise BadRequest(f"{full.name} lies in the app's own folder: upload the file instead.")
        return full

    def keep_upload(self, files: Iterable[str | Path]) -> list[Path]:
        """Copy uploaded files into one folder under `home`, so that a project can open them again. Raises BadRequest
        when the owner's folder is full, and for a guest: the folder is the owner's."""
        from hsi_studio.files import keep_files

        if self.only is not None:
            raise BadRequest(IN_SHARED)
        given = [Path(file) for file in files]
        size = sum(file.stat().st_size for file in given)
        self.server.check_disk(self.home, size)
        kept = keep_files(given, self.home / "uploads")
        self.server.uploads.settle(self.home, size)
        return kept

    # ── projects ────────────────────────────────────────────────────────────────────────────────

    def new_project(
        self,
        spec: str | Path,
        *,
        title: str | None = None,
        lesson: LessonAbout | None = None,
        scene: Scene | None = None,
        **options: Any,
    ) -> Project:
        """Start a project on a scene; its classes come from the scene's reference, where there is one. With `lesson`
        nobody sees that reference until it is handed in.

        `options` as in `open`. The scene is surveyed first: none without usable pixels gets a project. What was found
        out about the file is kept, so that later rules read it alike. `scene`: what `open` just gave for the same.
        Raises FileProblem, BadValues, BadRequest (as a guest, or when the owner's folder is full).
        """
        if self.only is not None:
            raise BadRequest(IN_SHARED)
        self.server.check_disk(self.home)
        scene = scene or self.open(spec, **options)
        scene.survey  # noqa: B018  before anything is made: it raises for a scene without usable pixels
        given = {key: str(value) if isinstance(value, Path) else value for key, value in options.items()}
        said = {key: value for key, value in given.items() if value is not None and value != ""}
        kept = {"spec": str(spec), **said_about(scene), **said}
        project = Project.create(self.projects_folder, scene, kept, title, lesson)
        if lesson is not None:
            scene = scene.without_reference()
            project.attach(scene)
        with self._open.lock:
            self._open.blind |= {project.id} if lesson is not None else set()
            self._open.scene_of[project.id] = scene
            self._open.projects[project.id] = project
        return project

    def project(self, project_id: str) -> Project:
        """A project by id, opened from disk when it is not yet. Raises BadRequest, FileProblem."""
        self.admit(project_id)
        with self._open.lock:
            known = self._open.projects.get(project_id)
            if known is not None and known.lesson_on != (project_id in self._open.blind):
                known = None  # another program handed it in
            if known is not None and (known.in_place or self._same_again(known)):
                self.server.scenes.touch(self._open.scene_of[project_id].id, self._owner or self)
                return known
            project = Project.open(self._folder(project_id))
            scene = self.open(**self._spec(project))
            self._open.blind.discard(project_id)
            if project.lesson_on:
                self._open.blind.add(project_id)
                scene = scene.without_reference()
            project.attach(scene)
            if said := self._open.gone.pop(project_id, ""):
                project.note(said)
            self._open.scene_of[project_id] = scene
            self._open.reduced.pop(project_id, None)
            self._open.projects[project_id] = project
            return project

    def _same_again(self, project: Project) -> bool:
        """Whether the files of an open project, which are no longer those it has read, hold the same. Else it is let
        go: what happened is kept for who asks next."""
        try:
            project.refresh()
            return True
        except StudioError as error:
            log.warning("project %s: %s", project.id, error)
            self._open.gone[project.id] = str(error)
            del self._open.projects[project.id]
            return False

    def _spec(self, project: Project) -> dict[str, Any]:
        """Keyword arguments of `open`. Raises CorruptFile for others, FileProblem where the scene's file has gone."""
        from hsi_studio.scene.resolve import catalog_ids

        spec = {"rules": FIRST_RULES, **project.scene_spec}
        known = signature(self.open).parameters.keys() | {option.name for option in fields(Reading)}
        unknown = sorted(spec.keys() - known)
        odd = unknown or [key for key in TEXTS if not isinstance(spec.get(key, ""), str)]
        if odd or not spec.get("spec"):
            what = f"has the option {odd[0][:40]!r} that cannot be used here" if odd else "is not named"
            raise CorruptFile(
                project.folder / "project.json", f"the scene of the project {project.title!r} {what}",
                "A newer version of HSI Studio may know it; project.copy.json has the project as it was made",
            )  # fmt: skip
        if (place := str(spec["spec"])) not in catalog_ids() and not is_there(place):
            told = f"the scene of the project {project.title!r} is no longer there ({place[:300]})"
            raise FileProblem(
                place,
                told,
                "Put the file back in that place, or open it where it is now: labels and trainings are untouched",
            )
        return spec

    def scene_of(self, project_id: str) -> Scene:
        """The project's scene as it is on disk now (its content may have changed since the project began). Raises
        BadRequest, FileProblem. Without the bands that the project leaves out: then a scene with another id."""
        with self._open.lock:  # in between it cannot be closed
            project, whole = self.project(project_id), self.whole_scene_of(project_id)
            chosen = project.left_out
            known = self._open.reduced.get(project_id, whole)
            if known.left_out != chosen:
                known = without_bands(whole, chosen)
                project.attach(known)
                self._open.reduced[project_id] = known
                self._open.reduced_ids[known.id] = project_id
            return known

    def whole_scene_of(self, project_id: str) -> Scene:
        """The project's scene with all its bands. Raises BadRequest, FileProblem."""
        with self._open.lock:
            self.project(project_id)
            return self._open.scene_of[project_id]

    def with_reference(self, project_id: str) -> Scene:
        """The scene of a lesson with what the lesson hides: to measure what is handed in, and for nothing else. Raises
        BadRequest, FileProblem."""
        return self.open(**self._spec(self.project(project_id)))

    def usable(self, project_id: str) -> Project:
        """A project that can be shown. Raises BadRequest, FileProblem, BadValues (its scene has no usable pixel)."""
        project = self.project(project_id)
        self.scene_of(project_id).survey.go_on_behind()  # it raises
        return project

    def projects(self) -> list[Any]:
        """What is on disk, newest first."""
        return [one for one in list_projects(self.projects_folder) if self.only in (None, one.id)]

    def latest_project(self, scene_id: str | None = None) -> Project | None:
        """The project changed last (on one scene); damaged ones, and those whose scene has no usable pixel, are passed
        over. None when there is none."""
        for summary in self.projects():
            if summary.problem or (scene_id is not None and summary.scene_id != scene_id):
                continue
            try:
                return self.usable(summary.id)
            except StudioError as error:
                log.warning("project %s is passed over: %s", summary.id, error)
        return None

    def damage(self, project_id: str) -> str:
        """What is wrong with a project's own files, read in full; "" for nothing. Its scene is not opened."""
        self.admit(project_id)
        try:
            notes = Project.open(self._folder(project_id), read_only=True).notes
        except StudioError as error:
            return str(error)
        return " ".join(notes)

    def mend(self, project_id: str) -> list[str]:
        """Rescue a damaged project: what makes sense of its description and its journal is kept, and the old files.

        Returns what was lost, in sentences. Raises BadRequest, FileProblem.
        """
        from hsi_studio.project.salvage import salvage

        self.admit(project_id)
        with self._open.lock:
            self._open.projects.pop(project_id, None)
            self._open.gone.pop(project_id, None)
            return salvage(self._folder(project_id))

    def opened(self, project_id: str) -> Project | None:
        """The project, where it is open now."""
        self.admit(project_id)
        with self._open.lock:
            return self._open.projects.get(project_id)

    def read_again(self, project_id: str) -> None:
        """Its description has changed on disk: it is read anew when somebody asks next. Its map stays."""
        with self._open.lock:
            self._open.projects.pop(project_id, None)

    def put_away(self, project_id: str) -> None:
        """Close one project, with everything made of it that can be made again."""
        with self._open.lock:
            scene = self._open.scene_of.pop(project_id, None)
            self._open.projects.pop(project_id, None)
            self._open.reduced.pop(project_id, None)
            closers = [closer for one in self._open.closers if (closer := one()) is not None]
        for closer in closers if scene is not None else ():
            closer(project_id, scene.id if scene is not None else "")

    def folder_of(self, project_id: str) -> Path:
        """Its folder. Raises BadRequest."""
        self.admit(project_id)
        return self._folder(project_id)

    def _folder(self, project_id: str) -> Path:
        folder = self.projects_folder / project_id
        if not is_name(project_id) or not folder.is_dir():
            place = f"in {self.projects_folder}" if self.server.home == self.home else "here"
            gone = self._open.gone.get(str(project_id))
            raise BadRequest(gone or f"There is no project {str(project_id)[:200]!r} {place}.")
        return folder
