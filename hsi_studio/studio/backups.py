"""`studio.backups`: copies of projects as one file, made while the app runs, and projects made of them again.

>>> studio.backups.make(["corn-1a2b3c4d"], Path("corn.zip"))
>>> studio.backups.restore(Path("corn.zip"))

In it: description, journal (labels, classes, prompts with their history), labels as GeoJSON, runs with records, curves,
maps; models and checkpoints, the imported models, and scenes that were uploaded, unless left out. Not in it: exports,
caches, and scenes that lie elsewhere on the machine.

A journal is read while its lock is held, so the copy ends with a whole action, whoever writes. Nothing is ever
overwritten: a project that is there already is restored beside it, its runs under new ids.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsi_studio.edges import at_edge
from hsi_studio.engine.runs.record import ALIVE, WAITING, RunFolder, new_run_id
from hsi_studio.errors import BadRequest, FileProblem, StudioError
from hsi_studio.files import make_folder, sync_folder, write_json
from hsi_studio.project.backup_file import BackupFile, Manifest, Member, opened_backup, write_backup
from hsi_studio.project.journal import RESTORE, Journal
from hsi_studio.project.metadata import ABOUT, COPY, JOURNAL, MAX_ABOUT, REMEDY, WHAT, read_about
from hsi_studio.project.salvage import MAX_JOURNAL
from hsi_studio.project.store import Project
from hsi_studio.scene.rules.masks import OTHER_WAY, turned
from hsi_studio.stored import read_file, read_object
from hsi_studio.studio import Subject
from hsi_studio.studio.workspace import Workspace

log = logging.getLogger(__name__)

LEFT_OUT = ("exports",)  # folders of a project that can be made again
OWN = (JOURNAL, ABOUT, "labels.geojson")  # files that are added by themselves
HEAVY = ("model.safetensors", "warm_start.safetensors")
RESERVE = 64 << 20  # bytes that stay free on the disk


@dataclass(frozen=True)
class Backup:
    """What was written. `notes`: what is not in it, or damaged in it, in sentences."""

    file: Path
    projects: tuple[str, ...]
    files: int
    size: int  # bytes of the file
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Restored:
    """One project of a backup. `id` differs from `was` where there was such a project already; "" = left as it is."""

    id: str
    was: str
    title: str
    actions: int
    notes: tuple[str, ...]


class Backups(Subject):
    """One subject of `Studio`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    # ── making one ──────────────────────────────────────────────────────────────────────────────

    def make(self, project_ids: Sequence[str] | None, to: Path, *, models: bool = True, uploads: bool = True) -> Backup:
        """Back projects up (None = all) into a new file, and read it again.

        Damaged projects are copied as they are, with a note. Raises BadRequest (no such project, a guest), FileProblem.
        """
        self._refuse_guest()
        known = [one.id for one in self._workspace.projects()]
        wanted = known if project_ids is None else list(dict.fromkeys(project_ids))
        unknown = [one for one in wanted if one not in known]
        if unknown or not wanted:
            raise BadRequest(
                f"There is no project {unknown[0][:200]!r} here." if unknown else "There is no project yet."
            )
        to, notes = to.expanduser().absolute(), []
        sources: list[tuple[str, Path | bytes]] = []
        scenes: set[Path] = set()
        for project_id in wanted:
            folder = self._workspace.projects_folder / project_id
            found, said, used = self._of_project(folder, models)
            sources += found
            notes += said
            scenes |= used
        uploaded = self._workspace.home / "uploads"
        for scene in sorted(scenes) if uploads else ():
            sources += [(f"uploads/{scene.name}/{file.name}", file) for file in _files(scene)]
        if models:
            kept = self._workspace.home / "models"
            sources += [(f"models/{file.name}", file) for file in _files(kept) if file.parent == kept]
        program = str(sys.modules["hsi_studio"].__version__)
        manifest, gone = write_backup(to, sources, program, str(uploaded.absolute()))
        notes += [f"Not in it, it went meanwhile: {name}." for name in gone]
        return Backup(to, tuple(wanted), len(manifest.files), to.stat().st_size, tuple(notes))

    def _of_project(self, folder: Path, models: bool) -> tuple[list[tuple[str, Path | bytes]], list[str], set[Path]]:
        """(members, notes, folders of uploaded scenes)."""
        at, notes = f"projects/{folder.name}", []
        sources: list[tuple[str, Path | bytes]] = []
        uploaded: set[Path] = set()
        try:
            sources.append((f"{at}/{JOURNAL}", self._journal(folder)))
            sources.append((f"{at}/{ABOUT}", read_file(folder / ABOUT, MAX_ABOUT, REMEDY)))
            spec, root = read_about(folder).scene.spec, (self._workspace.home / "uploads").resolve()
            texts = [turned(value)[0] for value in spec.values() if isinstance(value, str)]
            given = [Path(one) for text in texts for one in (text, text.rpartition(":")[0]) if Path(one).is_absolute()]
            uploaded = {path.parent for path in given if path.parent.parent.resolve() == root}
            outside = [path.name for path in given if path.parent not in uploaded and path.is_file()]
            if outside:
                notes.append(f"{folder.name}: its scene {outside[0]} is not in the backup: keep that file too.")
            sources.append((f"{at}/labels.geojson", _geojson(folder)))
        except FileProblem as problem:
            notes.append(f"{folder.name} is damaged, and is in the backup as it is: {problem}")
            sources += [(f"{at}/{n}", folder / n) for n in (JOURNAL, ABOUT) if f"{at}/{n}" not in dict(sources)]
        for file in _files(folder):
            name = file.relative_to(folder).as_posix()
            heavy = file.name in HEAVY or file.name.startswith("checkpoint-")
            if name in OWN or name.split("/")[0] in LEFT_OUT or (heavy and not models):
                continue
            sources.append((f"{at}/{name}", file))
        return sources, notes, uploaded

    def _journal(self, folder: Path) -> bytes:
        """Up to its last whole action. Raises FileProblem."""
        journal = folder / JOURNAL
        try:
            with Journal(journal).locked():
                data = read_file(journal, MAX_JOURNAL, RESTORE)
        except FileProblem as problem:  # a home that can only be read: nobody writes to it either
            log.info("%s is read without its lock: %s", journal, problem)
            data = read_file(journal, MAX_JOURNAL, RESTORE)
        return data[: data.rfind(b"\n") + 1]

    # ── making projects of one ──────────────────────────────────────────────────────────────────

    def restore(self, file: Path) -> list[Restored]:
        """Every project of a backup as a project here. Raises BadRequest (a guest, no room), FileProblem."""
        self._refuse_guest()
        with opened_backup(file.expanduser()) as backup:
            size = backup.manifest.size
            self._workspace.server.check_disk(self._workspace.home, size)
            root = self._workspace.projects_folder
            with at_edge(root):
                make_folder(root)
                free = shutil.disk_usage(root).free
            if free < size + RESERVE:
                raise FileProblem(file, f"it needs {size >> 20:,} MB, {free >> 20:,} MB are free", "Make room first")
            for member in backup.manifest.files:
                backup.check(member)  # all of it, before anything is made of it
            aside = root / f".restoring-{uuid.uuid4().hex[:8]}"
            try:
                return self._unpacked(backup, aside)
            finally:
                shutil.rmtree(aside, ignore_errors=True)

    def _unpacked(self, backup: BackupFile, aside: Path) -> list[Restored]:
        home = self._workspace.home
        by_project: dict[str, list[Member]] = {}
        for member in backup.manifest.files:
            first, second, *_ = member.path.split("/")
            if first == "projects":
                by_project.setdefault(second, []).append(member)
                backup.unpack(member, aside / member.path.removeprefix("projects/"))
            elif not os.path.lexists(home / member.path):  # models, uploads: never over what is there
                backup.unpack(member, home / member.path)
        return [self._settled(aside / name, backup.manifest) for name in by_project]

    def _settled(self, folder: Path, manifest: Manifest) -> Restored:
        """Give an unpacked project its place."""
        was, root = folder.name, self._workspace.projects_folder
        notes, title, actions = [], was, 0
        try:
            project = Project.open(folder, read_only=True)
            title, actions, notes = project.title, project.revision, project.notes
        except StudioError as error:
            notes = [f"It was damaged when it was backed up: {error}"]
        name = was
        if os.path.lexists(root / was):
            same = _same(root / was / JOURNAL, folder / JOURNAL)
            if same:
                return Restored("", was, title, actions, ("It is here already, with the same actions: left as it is.",))
            name = f"{was[:48]}-{secrets.token_hex(4)}"
            notes.append(f"There is a project {was} already: this one is beside it, as {name}.")
        with at_edge(root / name):
            for about in (ABOUT, COPY):
                self._adapt(folder / about, name, manifest)
            for run in sorted(folder.glob("runs/*/run.json")):
                self._adapt_run(RunFolder(run.parent), name, name != was, manifest)
            os.rename(folder, root / name)
            sync_folder(root)
        return Restored(name, was, title, actions, tuple(notes))

    def _adapt(self, path: Path, name: str, manifest: Manifest) -> None:
        """The project's new id, and where its uploaded scene lies now. One that cannot be read stays as it is."""
        try:
            value = read_object(path, MAX_ABOUT, WHAT, REMEDY)
            scene = {**value["scene"], "spec": self._spec(value["scene"]["spec"], manifest)}
        except (FileProblem, KeyError, TypeError, AttributeError) as problem:
            log.info("%s is restored as it is: %s", path.name, problem)
            return
        write_json(path, {**value, "id": name, "scene": scene}, indent=2)

    def _adapt_run(self, folder: RunFolder, project_id: str, new_id: bool, manifest: Manifest) -> None:
        """Nobody works on it; a copy beside another project has an id of its own."""
        try:
            record = folder.read()
        except FileProblem as problem:
            log.warning("run %s is restored as it is: %s", folder.path.name, problem)
            return
        scene = {**record.scene, "spec": self._spec(record.scene["spec"], manifest)}
        values: dict[str, Any] = {"project_id": project_id, "scene": scene}
        if record.state in WAITING | ALIVE:
            reason = "It was at work when the backup was made. Resume it to go on."
            values |= {"state": "interrupted", "reason": reason}
        if new_id:
            values["id"] = new_run_id()
        folder.write(record.model_copy(update=values))
        if new_id:
            os.rename(folder.path, folder.path.with_name(values["id"]))

    def _spec(self, spec: dict[str, Any], manifest: Manifest) -> dict[str, Any]:
        """Paths of uploaded scenes, as they are in this home."""
        old, new = f"{manifest.uploads}/", f"{(self._workspace.home / 'uploads').absolute()}/"
        moved = {member.path for member in manifest.files if member.path.startswith("uploads/")}

        def place(value: Any) -> Any:
            file, other_way = turned(value) if isinstance(value, str) else ("", False)
            if not file.startswith(old) or not manifest.uploads:
                return value
            rest = file.removeprefix(old)
            there = any(f"uploads/{one}" in moved for one in (rest, rest.rpartition(":")[0]))
            return (OTHER_WAY if other_way else "") + new + rest if there else value

        return {key: place(value) for key, value in spec.items()}

    def _refuse_guest(self) -> None:
        if self._workspace.only is not None:
            raise BadRequest("You are in a project that was shared with you: only its owner can back it up or restore.")


def _files(folder: Path) -> Iterator[Path]:
    """Ordinary files below a folder: no links, no locks, nothing that begins with a dot."""
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(path) / name
            if not name.startswith(".") and not name.endswith(".lock") and file.is_file() and not file.is_symlink():
                yield file


def _geojson(folder: Path) -> bytes:
    """The labels in rows and columns, without opening the scene. Raises FileProblem."""
    from hsi_studio.io.label_geojson import labels_to_geojson

    labels = Project.open(folder, read_only=True).labels()
    return (json.dumps(labels_to_geojson(labels, None), ensure_ascii=False) + "\n").encode("utf-8", "replace")


def _same(one: Path, other: Path) -> bool:
    try:
        return read_file(one, MAX_JOURNAL, RESTORE) == read_file(other, MAX_JOURNAL, RESTORE)
    except FileProblem:
        return False
