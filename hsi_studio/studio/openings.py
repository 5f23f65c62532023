"""`studio.openings`: the one step between files and a project. What they are taken for is shown first, and changed;
then the scene opens, with its progress, and may be stopped at any time.

    begin ─▶ taking ─▶ reading ─▶ plan ─▶ (change ─▶ reading ─▶ plan)* ─▶ open ─▶ opening ─▶ done
                          └─────────▶ failed ◀─────────────────────────────────────┘

Unusual:
- Nothing is made of the files before `open`: no project, and no scene that a page could show.
- Each opening works in a thread of its own; `cancel` answers at once. The thread hears of it at its next step
  (`watching.tell`: every MiB, every few rows, five times a second while a reader process works, which is ended then).
- One opening works for a home at a time: a new one ends the one before, where that has not been shown yet.
- What a thread that was stopped still finds is thrown away: every result is for one turn of its opening.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hsi_studio.edges import sentence
from hsi_studio.errors import BadRequest, Cancelled, ChooseLabels, ChooseVariable, StudioError
from hsi_studio.scene.plan import Reading
from hsi_studio.scene.preview import look
from hsi_studio.scene.rules.data_file import neighbours
from hsi_studio.scene.rules.roles import IMAGES, data_in_folder, main_file
from hsi_studio.studio import Subject, moved_scenes
from hsi_studio.studio.backups import Restored
from hsi_studio.studio.opening import LAYERS, NO_READING, ROLES, SAID, Opening, first_roles, with_roles
from hsi_studio.studio.workspace import IN_SHARED, Workspace
from hsi_studio.types import Progress
from hsi_studio.watching import tell, watched

log = logging.getLogger(__name__)

MOST_KEPT = 8  # openings that pages may still ask about
MOST_FILES = 300  # their paths fit into a request
FORESEEN_S = 1.0  # before so long no time left is told


@dataclass
class _Kept:
    """Of everybody who works in one home."""

    of: OrderedDict[str, Opening] = field(default_factory=OrderedDict)
    lock: threading.RLock = field(default_factory=threading.RLock)


class Openings(Subject):
    """One subject of `Studio`. Safe to call from many threads. `add_labels(project id, files)` gives notes;
    `restore(file)` makes the projects of a backup."""

    def __init__(
        self, workspace: Workspace, add_labels: Callable[[str, list[Path]], list[str]],
        restore: Callable[[Path], list[Restored]],
    ) -> None:  # fmt: skip
        self._workspace, self._add_labels, self._restore = workspace, add_labels, restore
        self._kept = workspace.shared(_Kept)

    def begin(self, files: Sequence[str | Path] = (), path: str = "") -> Opening:
        """Look at uploaded files, or at a file or folder of this machine. Returns at once. Raises BadRequest."""
        if self._workspace.only is not None:
            raise BadRequest(IN_SHARED)
        if not files and not path.strip():
            raise BadRequest("Choose files, or name one that is on this machine.")
        if len(files) > MOST_FILES:
            raise BadRequest(f"{len(files):,} files are too many at once: give the {MOST_FILES} that belong together.")
        here = [] if files else [self._workspace.confined(path.strip())]
        name = here[0].name if here else main_file([Path(file) for file in files]).name
        made = Opening(uuid.uuid4().hex, name)
        self._keep(made)
        if not here and len(files) == 1 and Path(files[0]).suffix.lower() == ".zip":
            self._work(made, "opening", lambda: self._unpack(made, Path(files[0])))
            return made

        def take() -> None:
            kept = self._beside(here[0]) if here else self._workspace.keep_upload(files)
            with self._kept.lock:
                made.files = kept
                made.roles = first_roles(kept)
            self._look(made, {})

        self._work(made, "taking", take)
        return made

    def resume(self, project_id: str) -> Opening:
        """Open a project that is there. Returns at once. Raises BadRequest."""
        folder = self._workspace.folder_of(project_id)
        return self._straight(folder.name, lambda: self._workspace.usable(project_id).id)

    def start(self, scene_id: str) -> Opening:
        """Open a scene of the catalogue: the latest project on it, or its first one. Returns at once. Raises
        BadRequest."""
        if self._workspace.only is not None:
            raise BadRequest(IN_SHARED)
        title = next((one.title for one in self._workspace.catalog() if one.id == scene_id), None)
        if title is None:
            raise BadRequest(f"There is no scene {scene_id[:80]!r} in the catalogue.")

        def project() -> str:
            scene = self._workspace.open(scene_id)
            scene.survey  # noqa: B018  it takes long
            known = self._workspace.latest_project(scene.id)
            return (known or self._workspace.new_project(scene_id)).id

        return self._straight(title, project)

    def _keep(self, made: Opening) -> None:
        with self._kept.lock:
            for other in self._kept.of.values():
                if other.stage in ("taking", "reading"):
                    self._end(other, "cancelled")
            self._kept.of[made.id] = made
            while len(self._kept.of) > MOST_KEPT:
                self._end(self._kept.of.popitem(last=False)[1], "cancelled")

    def _straight(self, name: str, project: Callable[[], str]) -> Opening:
        """An opening without a plan: what opens was opened before, or is known."""
        made = Opening(uuid.uuid4().hex, name, progress=Progress("Opening"))
        self._keep(made)
        self._work(made, "opening", lambda: self._done(made, project(), []))
        return made

    def get(self, opening_id: str) -> Opening:
        """Raises BadRequest."""
        with self._kept.lock:
            found = self._kept.of.get(opening_id)
        if found is None:
            raise BadRequest("This opening is over: choose the files again.")
        return found

    def change(self, opening_id: str, said: Mapping[str, Any], roles: Mapping[str, str] | None = None) -> Opening:
        """Read it as is said instead: options (`SAID`; "" takes one back) and roles by file name. What does not work is
        the opening's `problem`, and the plan stays. Raises BadRequest."""
        made = self.get(opening_id)
        if unknown := [key for key in said if key not in SAID]:
            raise BadRequest(f"There is no reading option {unknown[0][:40]!r}.")
        if odd := [role for role in (roles or {}).values() if role not in ROLES]:
            raise BadRequest(f"There is no role {odd[0][:40]!r}: choose one of {', '.join(ROLES)}.")
        if made.stage not in ("plan", "failed") or not made.files:
            raise BadRequest("Wait until it has been looked at.")
        with self._kept.lock:
            if roles:
                made.roles = with_roles(made.roles, roles)
        self._work(made, "reading", lambda: self._look(made, said))
        return made

    def open(self, opening_id: str) -> Opening:
        """Open it as its plan says: the project it has, or its first one. Returns at once. Raises BadRequest."""
        made = self.get(opening_id)
        if made.stage != "plan" or made.found is None or made.found.asked is not None:
            raise BadRequest("Answer the question first." if made.stage == "plan" else "There is nothing to open yet.")
        self._work(made, "opening", lambda: self._open(made))
        return made

    def cancel(self, opening_id: str) -> None:
        """Stop it; nothing is made of it. One that is done stays done. Raises BadRequest."""
        made = self.get(opening_id)
        with self._kept.lock:
            if made.stage != "done" and not made.sealed:
                self._end(made, "cancelled")

    # ── in its thread ───────────────────────────────────────────────────────────────────────────

    def _beside(self, path: Path) -> list[Path]:
        """What a name on this machine stands for: a file is itself; a folder is its image and all that lies beside it,
        as if it had been dropped, so that a surface model, a reference or labels are not left out unsaid."""
        if not path.is_dir():
            return [path]
        scene, found = data_in_folder(path), []
        for file in (scene, *neighbours(scene)):
            try:
                found.append(self._workspace.confined(str(file)))
            except BadRequest:  # a link out of the folder that may be read
                continue
        return found if scene in found and len(found) <= MOST_FILES else [scene]

    def _look(self, made: Opening, said: Mapping[str, Any]) -> None:
        self._stage(made, "reading")
        together = made.said | made.own(said, self._workspace.confined)
        wanted = {key: value for key, value in together.items() if value not in (None, "")}
        reading = {key: value for key, value in wanted.items() if key not in NO_READING}
        Reading.of(reading)  # a wrong word is told before the file is read
        scene = made.scene_file()
        found = look(scene, wanted.get("variable"), reading | made.mask(wanted), made.layers(wanted))
        with self._mine(made):
            made.said, made.found, made.variables = wanted, found, []
            made.stage, made.problem = "plan", ""

    def _open(self, made: Opening) -> None:
        self._stage(made, "opening")
        spec, options = str(made.scene_file()), made.options()
        scene = self._workspace.open(spec, **options)
        scene.survey  # noqa: B018  it raises for a scene without usable pixels, and takes long
        with self._mine(made):
            made.sealed = True
        project = self._workspace.latest_project(scene.id)
        notes = [] if project is None else [f"You go on with your project “{project.title}” on this scene."]
        if project is None and (followed := moved_scenes.project_of(self._workspace, scene, spec, options)):
            project, note = followed
            notes = [note]
        if project is None:
            project = self._workspace.new_project(spec, scene=scene, **options)
            labels = [file for file in made.files if made.roles.get(file.name) == "labels"]
            notes += self._labels_of(project.id, made, labels) if labels else []
        for key, fact in made.found.layers.items() if made.found is not None else ():
            if fact.value is None:
                notes.append(f"The {LAYERS[key]} is left out. {fact.reason}")
        scene.survey.go_on_behind()
        self._done(made, project.id, notes)

    def _unpack(self, made: Opening, file: Path) -> None:
        """A project that was exported as one file."""
        with self._mine(made):
            made.sealed = True
        found = self._restore(file)
        if not found:
            raise BadRequest(f"{file.name}: there is no project in it.")
        notes = [f"“{one.title}” is here, with {one.actions} actions. {' '.join(one.notes)}".strip() for one in found]
        self._done(made, found[0].id or found[0].was, notes)

    def _done(self, made: Opening, project_id: str, notes: list[str]) -> None:
        with self._mine(made):
            made.project, made.notes, made.stage = project_id, notes, "done"

    def _labels_of(self, project_id: str, made: Opening, labels: list[Path]) -> list[str]:
        """The parts of a shapefile go together with it. What cannot be added is said, and costs nothing else."""
        stems = {file.stem.lower() for file in labels}
        parts = [file for file in made.files if file.stem.lower() in stems and file.suffix.lower() not in IMAGES]
        try:
            return self._add_labels(project_id, parts)
        except ChooseLabels as choice:  # its remedy is an option of the shell; the page asks
            return [
                f"The labels of {choice.path.name} were not added yet: {choice.problem}. Give the same files to Import "
                "labels (step 6, Map): there it can be chosen."
            ]
        except StudioError as error:
            return [f"The labels were not added: {error} Add them in Map → Import labels."]

    # ── threads ─────────────────────────────────────────────────────────────────────────────────

    def _work(self, made: Opening, stage: str, work: Callable[[], None]) -> None:
        """Do it in a thread of its own; what it raises is the opening's problem, and the plan it had is shown again."""
        with self._kept.lock:
            made.turn += 1
            made.stage, made.problem, turn = stage, "", made.turn
        began = time.monotonic()

        def hear(what: str, done: float, total: float) -> None:
            if made.turn != turn:
                raise Cancelled("It was stopped.")
            took = time.monotonic() - began
            left = took * (total - done) / done if done and total and took > FORESEEN_S else None
            made.progress = Progress(what, done, total, left)

        def run() -> None:
            try:
                with watched(hear):
                    work()
            except Cancelled:
                log.info("the opening of %s was stopped", made.name)
            except Exception as error:  # whatever it is, the page gets a sentence
                self._failed(made, turn, error)

        threading.Thread(target=run, name="opening", daemon=True).start()

    def _failed(self, made: Opening, turn: int, error: Exception) -> None:
        said = sentence(error)
        with self._kept.lock:
            if made.turn == turn:
                made.sealed = False
                made.variables = list(error.candidates) if isinstance(error, ChooseVariable) else made.variables
                made.problem, made.stage = said, "failed" if made.found is None else "plan"

    def _stage(self, made: Opening, stage: str) -> None:
        with self._mine(made):
            made.stage = stage

    def _mine(self, made: Opening) -> Any:
        """The lock, for a thread that may still write into its opening. Raises Cancelled."""
        tell(made.progress.message, made.progress.done, made.progress.total)
        return self._kept.lock

    @staticmethod
    def _end(made: Opening, stage: str) -> None:
        made.turn += 1
        made.stage = stage
