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
from hsi_studio.errors import BadRequest, Cancelled, ChooseVariable, StudioError
from hsi_studio.scene.plan import Reading, is_list
from hsi_studio.scene.preview import Look, look
from hsi_studio.scene.rules.data_file import neighbours
from hsi_studio.scene.rules.masks import OTHER_WAY, by_name, turned
from hsi_studio.scene.rules.roles import IMAGES, VECTORS, data_in_folder, main_file, roles_of
from hsi_studio.studio import Subject
from hsi_studio.studio.backups import Restored
from hsi_studio.studio.workspace import IN_SHARED, Workspace
from hsi_studio.types import Progress
from hsi_studio.watching import tell, watched

log = logging.getLogger(__name__)

MOST_KEPT = 8  # openings that pages may still ask about
MOST_FILES = 300  # their paths fit into a request
WORKING = ("taking", "reading", "opening")
SAID = ("axes", "nodata", "wavelengths", "unit", "scale", "mask", "quality", "crs", "variable", "reference")
NO_READING = ("variable", "reference")  # of these: which arrays of the file they are
ROLES = ("scene", "surface model", "reference", "mask", "labels", "goes with it", "not used")
LAYERS = {"dsm": "surface model", "reference": "reference"}
FORESEEN_S = 1.0  # before so long no time left is told


@dataclass
class Opening:
    """One opening, as it is now. `stage`: taking, reading, plan, opening, done, failed or cancelled. `problem`: why it
    is no further, in a sentence. `files`: those given, with `roles` by name. `said`: options of `Workspace.open`."""

    id: str
    name: str
    stage: str = "taking"
    progress: Progress = field(default_factory=lambda: Progress("Looking at the files"))
    problem: str = ""
    files: list[Path] = field(default_factory=list)
    roles: dict[str, str] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    found: Look | None = None
    variables: list[tuple[str, tuple[int, ...], str]] = field(default_factory=list)
    project: str = ""
    notes: list[str] = field(default_factory=list)  # of what was done when it opened
    turn: int = 0  # a thread of another turn has been stopped
    sealed: bool = False  # its project is being made: too late to stop it


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
        wanted = {
            key: value for key, value in {**made.said, **self._own(made, said)}.items() if value not in (None, "")
        }
        reading = {key: value for key, value in wanted.items() if key not in NO_READING}
        Reading.of(reading)  # a wrong word is told before the file is read
        scene = self._scene_file(made)
        found = look(scene, wanted.get("variable"), reading | self._mask(made, wanted), self._layers(made, wanted))
        with self._mine(made):
            made.said, made.found, made.variables = wanted, found, []
            made.stage, made.problem = "plan", ""

    def _open(self, made: Opening) -> None:
        self._stage(made, "opening")
        spec, options = str(self._scene_file(made)), self.options(made)
        scene = self._workspace.open(spec, **options)
        scene.survey  # noqa: B018  it raises for a scene without usable pixels, and takes long
        with self._mine(made):
            made.sealed = True
        project = self._workspace.latest_project(scene.id)
        notes = [] if project is None else [f"You go on with your project “{project.title}” on this scene."]
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
        except StudioError as error:
            return [f"The labels were not added: {error} Add them in Map → Import labels."]

    def options(self, made: Opening) -> dict[str, Any]:
        """Of `Workspace.open`, as a project keeps them."""
        layers = {role: spec for role, spec in self._layers(made, made.said).items() if self._fits(made, role)}
        said = {key: value for key, value in made.said.items() if key != "reference"}
        return said | self._mask(made, made.said) | layers

    def _fits(self, made: Opening, role: str) -> bool:
        fact = None if made.found is None else made.found.layers.get(role)
        return fact is not None and fact.value is not None

    def _scene_file(self, made: Opening) -> Path:
        scenes = [file for file in made.files if made.roles.get(file.name) == "scene"]
        if not scenes:
            kinds = {file.suffix.lower() for file in made.files}
            if kinds <= VECTORS | {".shx", ".dbf", ".prj", ".cpg", ".qmd"}:
                raise BadRequest("These are labels, and no image is among them: add them in Map → Import labels.")
            raise BadRequest("Say which of the files is the scene.")
        return scenes[0]

    def _layers(self, made: Opening, said: Mapping[str, Any]) -> dict[str, str]:
        """Specs of the surface model and the reference: files of these roles, or the scene's own array that is said."""
        found = {key: str(file) for key, role in LAYERS.items() for file in made.files
                 if made.roles.get(file.name) == role}  # fmt: skip
        own = {"reference": f"{self._scene_file(made)}:{said['reference']}"} if said.get("reference") else {}
        return found | own

    def _own(self, made: Opening, said: Mapping[str, Any]) -> dict[str, Any]:
        """What is said, with every file it names one of the opening's, or one that this server may read. Raises
        BadRequest."""
        out, known = dict(said), {file.name: file for file in made.files}
        if mask := str(said.get("mask") or ""):
            spec, other_way = turned(mask)
            name, colon, variable = spec.rpartition(":")
            if spec in known or len(name) < 2:  # without a variable; a drive letter is no file
                name, colon, variable = spec, "", ""
            file = known.get(name) or self._workspace.confined(name)
            out["mask"] = f"{OTHER_WAY if other_way else ''}{file}{colon}{variable}"
        if (wanted := said.get("reference")) and wanted not in self._own_maps(made):
            raise BadRequest(f"There is no class map “{str(wanted)[:80]}” in the scene's file.")
        waves = said.get("wavelengths")
        if isinstance(waves, str) and not is_list(waves):
            out["wavelengths"] = str(self._workspace.confined(waves.strip()))
        return out

    @staticmethod
    def _own_maps(made: Opening) -> tuple[str, ...]:
        plan = None if made.found is None else made.found.plan
        return plan["reference"].choices if plan is not None and "reference" in plan else ()

    def _mask(self, made: Opening, said: Mapping[str, Any]) -> dict[str, str]:
        masks = [by_name(file) for file in made.files if made.roles.get(file.name) == "mask"]
        return {"mask": masks[0]} if masks and not said.get("mask") else {}

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


def first_roles(files: Sequence[Path]) -> dict[str, str]:
    """The role of each file by its name, as the rules of `scene.rules.roles` have it."""
    cube = main_file(files)
    if len(files) > 1 and cube.suffix.lower() in VECTORS:
        return {file.name: "labels" if file.suffix.lower() in VECTORS else "goes with it" for file in files}
    found = roles_of(files, cube)
    named = {found.dsm: "surface model", found.reference: "reference", found.mask: "mask"}
    out: dict[str, str] = {}
    stems = {cube.stem.lower(), *(file.stem.lower() for file in named if file is not None),
             *(file.stem.lower() for file in found.labels)}  # fmt: skip
    for file in files:
        if file == cube and cube.suffix.lower() not in VECTORS:
            out[file.name] = "scene"
        elif file in named:
            out[file.name] = named[file]
        elif file in found.labels or (file == cube and cube.suffix.lower() in VECTORS):
            out[file.name] = "labels"
        else:
            part = file.stem.lower() in stems or file.name.lower() in stems or file.suffix.lower() == ".xml"
            out[file.name] = "goes with it" if part else "not used"
    return out


def with_roles(now: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Other roles for some files: what is there once (all but labels) is taken from the file that had it."""
    out = dict(now)
    for name, role in wanted.items():
        if name not in out:
            continue
        if role in ("scene", "surface model", "reference", "mask"):
            out = {other: "not used" if had == role else had for other, had in out.items()}
        out[name] = role
    return out
