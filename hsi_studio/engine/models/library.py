"""Every model file of one home folder: those of runs and those imported; names, notes, tags; the trash.

    projects/<project>/runs/<run>/model.safetensors      a run's model;   edits in model.json beside it
    models/<id>.safetensors                              imported;        edits in <id>.json beside it
    trash/models/<id>/model.safetensors, edits.json, from.json            deleted; can be restored

A model file is never rewritten: what the user edits lies in the JSON beside it, and goes into the file on export.
Ids come from run folders and from here, never from a file's content; a model is found by looking its id up in the
list, so no id of a request becomes a path. Headers are read once per file and kept until the file changes.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import shutil
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hsi_studio.engine.models.checkpoint import Header, read_checkpoint, read_header, write_checkpoint
from hsi_studio.engine.models.metadata import CheckpointFacts, Line
from hsi_studio.errors import BadRequest, FileProblem
from hsi_studio.files import copy_file, put_in_place, replacing, sync_folder, write_json, write_text
from hsi_studio.stored import Stored, read_model

log = logging.getLogger(__name__)

FILE = "model.safetensors"
SAFE_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$")
MAX_EDITS = 1 << 20  # bytes of a JSON file of edits


class Edits(BaseModel):
    """What the user changed. None = as the file says."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    title: Line | None = None
    note: str | None = Field(default=None, max_length=10_000)
    tags: tuple[Line, ...] | None = Field(default=None, max_length=50)


class _CameFrom(Stored):
    """from.json."""

    place: str = Field(alias="from", max_length=4096)


@dataclass(frozen=True)
class ModelFile:
    """One model on disk. With a `problem` the file cannot be used and `header` is None."""

    id: str
    path: Path
    origin: str  # "run", "import"
    project_id: str = ""
    header: Header | None = None
    edits: Edits = field(default_factory=Edits)
    size: int = 0
    modified: float = 0.0
    problem: str = ""
    trashed: bool = False

    @property
    def facts(self) -> CheckpointFacts | None:
        """The file's facts with the user's edits."""
        if self.header is None:
            return None
        changed = {k: v for k, v in self.edits.model_dump().items() if v is not None}
        return self.header.facts.model_copy(update=changed)

    @property
    def title(self) -> str:
        facts = self.facts
        if facts is None:
            return self.id
        return facts.title or f"{facts.method}, {facts.labels.total} labels"


@dataclass
class ModelLibrary:
    """The models under `home`. Thread-safe."""

    home: Path
    only: str | None = None  # the one project whose models there are, for a guest
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _read: dict[Path, tuple[tuple[int, int], Header | None, str]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.home / "models"

    @property
    def trash(self) -> Path:
        return self.home / "trash" / "models"

    def models(self) -> list[ModelFile]:
        """Models that are not in the trash, newest first."""
        found: dict[str, ModelFile] = {}
        for path in sorted((self.home / "projects").glob(f"{glob_of(self.only)}/runs/*/{FILE}")):
            run, project = path.parent.name, path.parents[2].name
            if SAFE_ID.match(run):
                unique = run if run not in found else f"{run}-{hashlib.sha256(project.encode()).hexdigest()[:6]}"
                found[unique] = self._one(unique, path, path.with_name("model.json"), "run", project)
        for path in sorted(self.folder.glob("*.safetensors")) if self.only is None else ():
            if SAFE_ID.match(path.stem) and path.stem not in found:
                found[path.stem] = self._one(path.stem, path, path.with_suffix(".json"), "import")
        return sorted(found.values(), key=lambda m: (m.modified, m.id), reverse=True)

    def trashed(self) -> list[ModelFile]:
        """What was deleted, last first. Nothing for a guest."""
        if self.only is not None:
            return []
        entries = [
            replace(self._one(path.parent.name, path, path.with_name("edits.json"), "import"), trashed=True)
            for path in sorted(self.trash.glob(f"*/{FILE}"))
            if SAFE_ID.match(path.parent.name)
        ]
        return sorted(entries, key=lambda m: (m.path.parent.stat().st_mtime, m.id), reverse=True)

    def get(self, model_id: str, trashed: bool = False) -> ModelFile:
        """Raises BadRequest."""
        for model in self.trashed() if trashed else self.models():
            if model.id == model_id:
                return model
        where = "the trash" if trashed else "the list"
        raise BadRequest(
            f"There is no model {model_id[:80]!r} in {where}: it may have been moved. Look at the list again."
        )

    def usable(self, model_id: str) -> tuple[ModelFile, Header]:
        """A model whose file can be read. Raises BadRequest, FileProblem."""
        model = self.get(model_id)
        if model.header is None:
            return model, read_header(model.path)  # raises with the reason
        return model, model.header

    def edit(self, model_id: str, **changes: Any) -> ModelFile:
        """Change title, note or tags. Raises BadRequest."""
        with self._lock:
            model = self.get(model_id)
            try:
                edits = Edits.model_validate({**model.edits.model_dump(), **changes})
            except ValidationError as error:
                first = error.errors()[0]
                raise BadRequest(f"{first['loc'][0]}: {first['msg']}: make it shorter.") from error
            write_text(_edits_path(model), edits.model_dump_json(exclude_none=True))
            return replace(model, edits=edits)

    def delete(self, model_id: str) -> None:
        """Move a model to the trash. Its run and its map stay. Raises BadRequest."""
        with self._lock:
            model = self.get(model_id)
            target = self.trash / model.id
            if target.exists():
                shutil.rmtree(target)  # an older one of the same id that was deleted before
            target.mkdir(parents=True)
            came_from = {"from": model.path.relative_to(self.home).as_posix(), "when": _now()}
            write_json(target / "from.json", came_from)
            edits = _edits_path(model)
            if edits.is_file():
                copy_file(edits, target / "edits.json")
            put_in_place(model.path, target / FILE)
            sync_folder(model.path.parent)
            edits.unlink(missing_ok=True)

    def restore(self, model_id: str) -> str:
        """Bring a model back to where it was, or among the imported ones when that folder has gone.

        Returns its id. Raises BadRequest.
        """
        with self._lock:
            model = self.get(model_id, trashed=True)
            place = self._came_from(model)
            if place is None or not place.parent.is_dir():
                place = self.folder / f"{model.id}.safetensors"
            if place.exists():
                raise BadRequest(f"There is a model {model.id} in the list already: delete that one first.")
            place.parent.mkdir(parents=True, exist_ok=True)
            put_in_place(model.path, place)
            back = replace(model, path=place, origin="run" if place.name == FILE else "import")
            edits = model.path.with_name("edits.json")
            if edits.is_file():
                put_in_place(edits, _edits_path(back))
            shutil.rmtree(model.path.parent)
            return model.id

    def empty_trash(self) -> int:
        """Delete what is in the trash for good; returns the bytes that came free."""
        with self._lock:
            models = self.trashed()
            for model in models:
                shutil.rmtree(model.path.parent)
            return sum(model.size for model in models)

    def import_file(self, source: Path) -> tuple[str, bool]:
        """Import a model file: it is copied, then the copy is read in full. (id, whether it was here already).

        Raises FileProblem for anything but a whole, safe model file; then nothing is kept.
        """
        if self.only is not None:
            raise BadRequest("You are in a project that was shared with you: import models into your own.")
        header = read_header(source)  # refuses most before a byte is copied
        known = next((m.id for m in self.models() if m.header is not None and m.header.digest == header.digest), None)
        if known is not None:
            return known, True
        model_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        with replacing(self.folder / f"{model_id}.safetensors") as partial:
            shutil.copyfile(source, partial)
            try:
                read_checkpoint(partial)
            except FileProblem as error:
                raise type(error)(source, error.problem, error.remedy) from error
        return model_id, False

    def export(self, model_id: str, folder: Path) -> Path:
        """Write a model with the user's title, note and tags in it as one file. Raises BadRequest, FileProblem."""
        model = self.get(model_id)
        state, _ = read_checkpoint(model.path)
        facts = model.facts
        assert facts is not None
        name = re.sub(r"[^A-Za-z0-9]+", "_", f"{model.title}_{facts.scene.name}").strip("_")[:80] or "model"
        path = folder / f"{name}.safetensors"
        write_checkpoint(path, state, facts)
        return path

    def _came_from(self, model: ModelFile) -> Path | None:
        """Where a deleted model lay; None when that cannot be told, or lies outside the home folder."""
        try:
            file = model.path.with_name("from.json")
            said = read_model(file, _CameFrom, MAX_EDITS, "where a model came from", "Restore it by hand")
            place = (self.home / said.place).resolve()
        except (OSError, ValueError, FileProblem) as error:
            log.warning("where model %s was cannot be read: %s", model.id, error)
            return None
        return place if place.is_relative_to(self.home.resolve()) else None

    def _one(self, model_id: str, path: Path, edits: Path, origin: str, project_id: str = "") -> ModelFile:
        try:
            stat = path.stat()
        except OSError as error:  # gone between the listing and now
            return ModelFile(model_id, path, origin, project_id, problem=f"{path.name}: {error.strerror}.")
        header, problem = self._header(path, (stat.st_mtime_ns, stat.st_size))
        return ModelFile(
            model_id, path, origin, project_id, header, _read_edits(edits), stat.st_size, stat.st_mtime, problem
        )

    def _header(self, path: Path, stamp: tuple[int, int]) -> tuple[Header | None, str]:
        with self._lock:
            known = self._read.get(path)
        if known is None or known[0] != stamp:
            try:
                known = (stamp, read_header(path), "")
            except FileProblem as error:
                known = (stamp, None, str(error))
            with self._lock:
                self._read[path] = known
        return known[1], known[2]


def glob_of(name: str | None) -> str:
    """A pattern that matches just this name; every name without one."""
    return "*" if name is None else re.sub(r"([*?[])", r"[\1]", name)


def _edits_path(model: ModelFile) -> Path:
    return model.path.with_name("model.json") if model.path.name == FILE else model.path.with_suffix(".json")


def _read_edits(path: Path) -> Edits:
    if not path.is_file():
        return Edits()
    try:
        return read_model(path, Edits, MAX_EDITS, "edits of a model", "Edit it again")
    except FileProblem as error:
        log.warning("the edits in %s cannot be read and are left out: %s", path, error)
        return Edits()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
