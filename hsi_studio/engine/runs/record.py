"""A run on disk: everything that is needed to make its map again, and what came of it.

    <project folder>/runs/<run id>/
      run.json       the record (`RunRecord`), always whole: written beside and renamed
      labels.json    the project's labels as they were: row, column, class id
      events.jsonl   what happened (`events.py`)
      checkpoint-<stage>.safetensors   where to go on after a pause or a crash; gone when the run ends well
      model.safetensors                the fitted model (`engine/models/checkpoint.py`)
      map.npz, preview.npz             label uint16, confidence float32, read without pickle
      worker.log, worker.lock          the process's own words; held while it lives

A run id ("20260131-142501-3f9a2c") sorts by time. Nothing in these files is trusted: they are read as JSON or as
arrays of an expected type and size, and a wrong one is a FileProblem.
"""

from __future__ import annotations

import json
import secrets
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from hsi_studio.engine.evaluation.not_known import own_figures
from hsi_studio.engine.runs.events import EventLog
from hsi_studio.errors import BadRequest, CorruptFile
from hsi_studio.files import DAMAGED_ARRAYS, is_name, write_arrays, write_json, write_text
from hsi_studio.stored import Count, Stored, Whole, read_model, read_object, validated
from hsi_studio.types import ClassSchema, FloatArray, LabelSet, Prediction, PromptSet

RunState = Literal[
    "queued", "starting", "running", "pausing", "paused", "done", "cancelled", "failed", "interrupted"
]  # fmt: skip
WAITING: frozenset[str] = frozenset({"queued"})
ALIVE: frozenset[str] = frozenset({"starting", "running", "pausing"})
RESUMABLE: frozenset[str] = frozenset({"paused", "interrupted", "failed"})
MAX_JSON = 64 << 20  # bytes of run.json or labels.json
Side = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]
REMEDY = "Delete the run, or restore the file from a backup"


class RunClass(Stored):
    id: str = Field(min_length=1, max_length=128)
    name: str = Field(max_length=1000)
    color: str = Field(pattern=r"^#[0-9a-fA-F]{6}$")
    reference_value: int | None = None


class _SceneFacts(Stored):
    """What every reader of a record relies on."""

    id: str
    name: str = ""
    shape: tuple[Side, ...] = Field(min_length=2, max_length=3)  # (H, W, B)
    spec: dict[str, Any]


class _LabelFacts(Stored):
    revision: Count
    counts: dict[str, Count] = Field(default_factory=dict)


class _PromptFacts(Stored):
    style: str = ""
    set: str = ""
    sentences: dict[str, tuple[str, ...] | str] | None = None


class RunRecord(BaseModel):
    """`run.json`. Facts that are known when it is queued first, then what the worker adds. What a newer version put
    there stays when it is written again."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    version: int = 1
    id: str
    kind: str = "train"
    project_id: str
    owner: str = ""
    title: str = ""
    method: str
    params: dict[str, Any]  # every value; after running out of memory, those that fitted
    changed: dict[str, Any] = {}  # only what differs from the method's defaults
    prompts: dict[str, Any] = {}  # style, set, sentences by class id
    classes: list[RunClass] = []
    seed: int = 0
    scene: dict[str, Any]  # id (a content hash), name, spec (what opens it), shape
    labels: dict[str, Any]  # revision, counts by class id, file
    device: dict[str, str] = {}  # slot, name, reason
    threads: int = 0  # of the worker, on the CPU: sums depend on them
    versions: dict[str, str] = {}  # hsi_studio, python, torch, numpy, platform, cpu
    forecast: dict[str, Any] = {}
    timing: dict[str, int | float] = {}  # seconds by phase, over all attempts; peak_mb, attempts
    metrics: dict[str, Any] = {}
    adapted: list[str] = []  # what was changed to fit into memory, in sentences
    notes: list[str] = []  # what its training met that a reader of the map should know, in sentences
    state: RunState = "queued"
    reason: str = ""
    created: str = ""
    started: str = ""
    ended: str = ""
    parent: str = ""  # run or model it started from
    queue: str = ""  # the program that holds it in its queue
    outputs: list[str] = []

    @field_validator("scene", "labels", "prompts")
    @classmethod
    def _facts(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        kinds: dict[str, type[Stored]] = {"scene": _SceneFacts, "labels": _LabelFacts, "prompts": _PromptFacts}
        validated(kinds[str(info.field_name)], value)
        return value

    @field_validator("created", "started", "ended")
    @classmethod
    def _time(cls, value: str) -> str:
        if value and datetime.fromisoformat(value).tzinfo is None:
            raise ValueError("a time without its zone")
        return value

    @field_validator("metrics")
    @classmethod
    def _figures(cls, value: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(value.get("main") or {}, dict):
            raise ValueError("figures that are none")
        return value

    @model_validator(mode="after")
    def _own(self) -> RunRecord:
        self.metrics = own_figures(self.method, self.metrics)
        return self

    @property
    def class_schema(self) -> ClassSchema:
        return ClassSchema.from_json(c.model_dump() for c in self.classes)

    @property
    def prompt_set(self) -> PromptSet:
        sentences = self.prompts.get("sentences") or {}
        return PromptSet({str(key): tuple(map(str, value)) for key, value in sentences.items()})

    @property
    def shots(self) -> tuple[int, int]:
        """Fewest and most labels of a class that has any."""
        counts = [int(n) for n in self.labels.get("counts", {}).values() if int(n) > 0]
        return (min(counts), max(counts)) if counts else (0, 0)


class _LabelFile(Stored):
    """labels.json."""

    revision: Count
    points: tuple[tuple[Whole, Whole, str], ...]


class RunFolder:
    """One run's files. Reading needs no lock; see `events.py` for who writes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    @property
    def record_file(self) -> Path:
        return self.path / "run.json"

    @property
    def events_file(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def model_file(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def warm_start_file(self) -> Path:
        """The model it starts from, where it starts from one."""
        return self.path / "warm_start.safetensors"

    @property
    def map_file(self) -> Path:
        return self.path / "map.npz"

    @property
    def lock_file(self) -> Path:
        return self.path / "worker.lock"

    def read(self) -> RunRecord:
        """Raises FileProblem."""
        record = read_model(self.record_file, RunRecord, MAX_JSON, "the record of a run", REMEDY)
        if record.id != self.path.name:
            raise CorruptFile(self.record_file, f"it is the record of another run ({record.id[:60]!r})", REMEDY)
        return record

    def write(self, record: RunRecord) -> None:
        write_json(self.record_file, record.model_dump(mode="json"), indent=1)

    def set_state(self, record: RunRecord, state: RunState, reason: str = "", log: EventLog | None = None) -> RunRecord:
        """Record a change of state, and say it in the events. Only for who may write now."""
        values: dict[str, Any] = {"state": state, "reason": reason}
        if state in ("starting", "running") and not record.started:
            values["started"] = now()
        if state not in WAITING | ALIVE:
            values["ended"] = now()
        changed = record.model_copy(update=values)
        self.write(changed)
        (log or EventLog(self.events_file)).append("state", state=state, reason=reason)
        return changed

    def checkpoints(self) -> list[Path]:
        """Where a training can go on (`control.py`): one file a stage."""
        return sorted(self.path.glob("checkpoint-*.safetensors"))

    def clear_checkpoints(self) -> None:
        for file in self.checkpoints():
            file.unlink(missing_ok=True)

    # ── labels ──────────────────────────────────────────────────────────────────────────────────

    def write_labels(self, labels: LabelSet) -> None:
        ids = [info.id for info in labels.schema.classes]
        points = [[int(r), int(c), ids[k]] for r, c, k in zip(labels.row, labels.col, labels.label, strict=True)]
        text = json.dumps({"revision": labels.revision, "points": points}, separators=(",", ":"))
        write_text(self.path / "labels.json", text)

    def read_labels(self, record: RunRecord) -> LabelSet:
        """As they were when the run was queued. Raises FileProblem."""
        path = self.path / "labels.json"
        value = read_object(path, MAX_JSON, "labels", REMEDY)
        schema = record.class_schema
        index = {info.id: k for k, info in enumerate(schema.classes)}
        height, width = (int(n) for n in record.scene["shape"][:2])
        try:
            found = validated(_LabelFile, value)
            revision, points = found.revision, found.points
            table = np.array([(r, c, index[k]) for r, c, k in points], dtype=np.int64).reshape(-1, 3)
        except (KeyError, ValueError) as error:
            raise CorruptFile(path, f"these are not labels ({type(error).__name__}: {error})", REMEDY) from error
        row, col, label = (np.ascontiguousarray(column) for column in table.T)
        if row.size and (row.min() < 0 or col.min() < 0 or row.max() >= height or col.max() >= width):
            raise CorruptFile(path, f"a label lies outside the {height} × {width} pixels of the scene", REMEDY)
        return LabelSet(schema, row, col, label, revision)

    # ── maps ────────────────────────────────────────────────────────────────────────────────────

    def write_map(self, prediction: Prediction, name: str = "map.npz") -> Path:
        """Label and confidence; one that is there before is replaced in one step."""
        return write_arrays(self.path / name, {"label": prediction.label, "confidence": prediction.confidence})

    def read_map(self, record: RunRecord, name: str = "map.npz") -> Prediction | None:
        """The run's map, None when there is none yet. Raises FileProblem for a file that is no such map."""
        path = self.path / name
        if not path.is_file():
            return None
        shape = tuple(int(n) for n in record.scene["shape"][:2])
        arrays = {}
        for key, dtype in (("label", np.uint16), ("confidence", np.float32)):
            arrays[key] = _member(path, key, shape, np.dtype(dtype))
        if arrays["label"].size and int(arrays["label"].max()) > len(record.classes):
            raise CorruptFile(path, f"it has more classes than the run ({len(record.classes)})", REMEDY)
        confidence: FloatArray = arrays["confidence"]
        return Prediction(
            record.class_schema,
            arrays["label"],
            confidence,
            record.method,
            record.params,
            int(record.labels["revision"]),
        )


def _member(path: Path, key: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """One array of an .npz, its header checked before its data are read."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{key}.npy") as stream:
            version = np.lib.format.read_magic(stream)
            reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            found, fortran, kind = reader(stream)
            if found != shape or kind != dtype or fortran:
                raise CorruptFile(path, f"{key} is {found} {kind}, expected {shape} {dtype}", REMEDY)
            size = int(np.prod(shape)) * dtype.itemsize
            data = stream.read(size)
            if len(data) != size:
                raise CorruptFile(path, f"{key} ends early", REMEDY)
            array = np.frombuffer(data, dtype).reshape(shape)
    except DAMAGED_ARRAYS as error:
        raise CorruptFile(path, f"it is not a map ({type(error).__name__}: {error})", REMEDY) from error
    return array


def new_run_id() -> str:
    """Sorts by time, and nobody else has it."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_between(start: str, end: str) -> float | None:
    """Between two times of a record; None when one of them is missing."""
    if not (start and end):
        return None
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def run_folders(projects: Path) -> list[RunFolder]:
    """Every run folder under a folder of projects, newest first."""
    found = [path.parent for path in projects.glob("*/runs/*/run.json")]
    return [RunFolder(path) for path in sorted(found, key=lambda p: p.name, reverse=True)]


def find_run(projects: Path, run_id: str) -> RunFolder:
    """Raises BadRequest."""
    if is_name(run_id):
        for project in projects.iterdir() if projects.is_dir() else ():
            if (project / "runs" / run_id / "run.json").is_file():
                return RunFolder(project / "runs" / run_id)
    raise BadRequest(f"There is no run {str(run_id)[:200]!r} here. List them with: python -m hsi_studio runs.")
