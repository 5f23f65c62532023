"""`studio.runs`: start a training, watch it, leave it, stop it, come back to it.

>>> run = studio.runs.start(project.id, "diffclip", {"epochs": 40}, prompts="p5", seed=0)
>>> studio.runs.get(run.id).progress
>>> studio.runs.events(run.id, after=120)
>>> studio.runs.pause(run.id); studio.runs.resume(run.id)
>>> studio.runs.wait(run.id).metrics["main"]["oa"]

Everything shown comes from the run folders (`engine/runs/record.py`), so a page that was closed, another browser and
the command line see the same. Records and events are read again only when their files have changed.
"""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport
from hsi_studio.engine.evaluation.report_json import report_from_json
from hsi_studio.engine.runs.curves import write_csv, write_tensorboard
from hsi_studio.engine.runs.devices import Device, devices, find_device
from hsi_studio.engine.runs.events import Event, EventLog, EventTail
from hsi_studio.engine.runs.forecast import Forecast, Forecaster, Request
from hsi_studio.engine.runs.queue import RunQueue
from hsi_studio.engine.runs.record import (
    ALIVE,
    WAITING,
    RunFolder,
    RunRecord,
    find_run,
    run_folders,
)
from hsi_studio.errors import BadRequest, CorruptFile, StudioError, TooFewLabels
from hsi_studio.files import copy_file
from hsi_studio.methods import get_method
from hsi_studio.methods.contract import Method, make_params
from hsi_studio.project.store import Project
from hsi_studio.studio import Desk, Subject
from hsi_studio.studio.new_run import Prepare, new_run
from hsi_studio.studio.prompt_choice import resolve
from hsi_studio.studio.run_commands import RunRequest, as_cli, as_python, changed, title_of
from hsi_studio.studio.run_info import RunInfo
from hsi_studio.types import LabelSet, Prediction, Progress, Scene

if TYPE_CHECKING:
    from hsi_studio.engine.runs.replay import Replay

log = logging.getLogger(__name__)

MAX_TAILS, MAX_MAPS = 64, 8  # kept in memory
LABELS_NEEDED = 2  # classes
MAP, PREVIEW = "map.npz", "preview.npz"


Events = list[Event]  # the class below has a method `list`
Infos = list[RunInfo]


class Runs(Subject):
    """See the file's header. Safe to call from many threads."""

    def __init__(self, desk: Desk, queue: RunQueue | None = None) -> None:
        self._desk, self._only = desk, ""
        self.queue = queue or RunQueue(desk.home, desk.cache_folder)
        self.admit: Callable[[], None] = lambda: None  # raises BadRequest when the owner has no quota left
        self._forecaster = Forecaster(desk.cache_folder)
        self.warm_file: Callable[[str, str], Path] | None = None  # model id, method → its file; set by who has models
        self._lock = threading.RLock()
        self._folders: dict[str, RunFolder] = {}
        self._records: dict[Path, tuple[tuple[int, int], RunRecord]] = {}
        self._tails: OrderedDict[str, EventTail] = OrderedDict()
        self._maps: OrderedDict[tuple[str, str, int], Prediction] = OrderedDict()

    # ── starting ────────────────────────────────────────────────────────────────────────────────

    def start(
        self,
        project_id: str,
        method: str,
        params: Mapping[str, Any] | None = None,
        prompts: str = "p5",
        seed: int = 0,
        *,
        title: str = "",
        owner: str = "",
        sentences: Mapping[str, Sequence[str]] | None = None,
        warm_start: str | None = None,
        device: str = "",
    ) -> RunInfo:
        """Queue a training on the labels as they are now, and return at once.

        `prompts`, for methods that need text, is a style (p1 … p5), "names", or a prompt set of the project
        ("set:ID", "set:ID@VERSION", "set:NAME"); `sentences` (class id → sentences) come before it. `device` is "cpu"
        or "cuda:n"; "" = the GPU with the shortest queue, the CPU where there is none. `warm_start`: id of a model
        whose encoder it starts from. Raises BadRequest, LabelProblem, TooFewLabels, FileProblem.
        """
        project, chosen = self._desk.project(project_id), get_method(method)
        values = make_params(chosen.Params, dict(params or {}))
        labels = project.labels()
        enough_to_train(labels)
        if seed < 0:
            raise BadRequest(f"The seed is {seed}: choose a whole number from 0.")
        scene, place = self._desk.scene_of(project_id), self.place(device)
        said = self._sentences(project, chosen, labels, prompts, sentences)
        self.admit()
        start = self._start_from(warm_start, method) if warm_start else None

        def prepare(folder: RunFolder, record: RunRecord) -> RunRecord:
            told = self._forecaster.forecast(self._request(record, labels))
            if start is not None:  # its own copy: the model may be deleted before it is used
                copy_file(start, folder.warm_start_file)
            EventLog(folder.events_file).append(
                "forecast", seconds=told.seconds, peak_mb=told.peak_mb, basis=told.basis
            )  # fmt: skip
            return record.model_copy(update={"forecast": told.to_json()})

        run_id = self.queue_run(
            project, scene, labels, place, prepare, owner=owner, title=title or title_of(chosen, labels), method=method,
            params=values.model_dump(mode="json"), changed=changed(values), prompts=said, seed=seed,
            parent=warm_start or "",
        )  # fmt: skip
        return self.get(run_id)

    def queue_run(
        self, project: Project, scene: Scene, labels: LabelSet, place: Device, prepare: Prepare, **facts: Any
    ) -> str:
        """Queue a run of any kind on the labels as they are and return its id; see `new_run.py`."""
        folder, record = new_run(project, scene, labels, place, prepare, **facts)
        self.queue.submit(folder, record, place.slot)
        return record.id

    def forecast(self, project_id: str, method: str, params: Mapping[str, Any] | None = None) -> Forecast:
        """Time and memory of such a run on the labels as they are. Raises BadRequest."""
        project, chosen = self._desk.project(project_id), get_method(method)
        values = make_params(chosen.Params, dict(params or {}))
        scene, labels, place = self._desk.scene_of(project_id), project.labels(), self.place("")
        return self._forecaster.forecast(
            Request(
                method, values.model_dump(mode="json"), scene.id, scene.shape, len(labels),
                int((labels.counts > 0).sum()), place.slot, place.name,
            )
        )  # fmt: skip

    def forecast_of(self, request: Request) -> Forecast:
        """Time and memory of one fit and map, whatever it is for. Raises BadRequest."""
        return self._forecaster.forecast(request)

    def device_name(self) -> str:
        """The processor that a run would get now."""
        return self.place("").name

    # ── looking ─────────────────────────────────────────────────────────────────────────────────

    def list(self, project_id: str | None = None, owner: str | None = None, kind: str = "train") -> Infos:
        """Runs of a kind ("" = all), newest first; those whose record is damaged are in the log and left out."""
        found = []
        for folder in run_folders(self._desk.home / "projects"):
            if not {project_id, self._only or None} <= {None, folder.path.parent.parent.name}:
                continue
            try:
                info = self._info(folder)
            except StudioError as error:
                log.warning("run %s is passed over: %s", folder.path.name, error)
                continue
            if (owner is None or info.owner == owner) and kind in ("", info.kind):
                found.append(info)
        return found

    def alive(self) -> int:
        """How many wait or work."""
        return sum(info.alive for info in self.list(kind=""))

    def for_guest(self, desk: Desk, project_id: str) -> Runs:
        """The same, of one project only."""
        view = copy.copy(self)
        view._desk, view._only = desk, project_id
        return view

    def get(self, run_id: str) -> RunInfo:
        """Raises BadRequest, FileProblem."""
        return self._info(self._folder(run_id))

    def exists(self, run_id: str) -> bool:
        """Whether there is such a run."""
        try:
            return self._folder(run_id).record_file.is_file()
        except BadRequest:
            return False

    def latest(self, project_id: str) -> RunInfo | None:
        """The project's newest training."""
        return next(iter(self.list(project_id)), None)

    def events(self, run_id: str, after: int = 0) -> Events:
        """Events with a number above `after`, oldest first. Raises BadRequest."""
        return self._tail(self._folder(run_id)).after(after)

    def wait(self, run_id: str, timeout: float | None = None) -> RunInfo:
        """Until it has ended, or `timeout` seconds have passed."""
        until = None if timeout is None else time.monotonic() + timeout
        while (info := self.get(run_id)).alive and (until is None or time.monotonic() < until):
            time.sleep(0.05)
        return info

    def prediction(self, run_id: str) -> Prediction | None:
        """The map it ended with; None when there is none. Raises BadRequest, FileProblem."""
        return self._map(run_id, MAP)

    def preview(self, run_id: str) -> Prediction | None:
        """A coarse map of the training as it is now, or the whole map when it has ended."""
        return self._map(run_id, MAP) or self._map(run_id, PREVIEW)

    def has_map(self, run_id: str) -> bool:
        """Whether `preview` gives one, without reading it. Raises BadRequest."""
        folder = self._folder(run_id)
        return any((folder / name).is_file() for name in (MAP, PREVIEW))

    def preview_stamp(self, run_id: str) -> str:
        """Changes with each preview; "" where there is none. Raises BadRequest."""
        try:
            return str((self._folder(run_id) / PREVIEW).stat().st_mtime_ns)
        except OSError:
            return ""

    def labels(self, run_id: str) -> LabelSet:
        """What it was trained on. Raises BadRequest, FileProblem."""
        folder = self._folder(run_id)
        return folder.read_labels(self._record(folder))

    def project_of(self, run_id: str) -> str:
        """Id of the project it belongs to. Raises BadRequest."""
        return self._folder(run_id).path.parent.parent.name

    def report(self, run_id: str) -> AccuracyReport | None:
        """How good its map is, as it was computed then; None before the end. Raises BadRequest, FileProblem."""
        folder = self._folder(run_id)
        metrics = self._record(folder).metrics
        if not metrics:
            return None
        try:
            return report_from_json(metrics)
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptFile(folder.record_file, f"its figures cannot be read ({error})", "Run it again") from error

    def folder(self, run_id: str) -> Path:
        """Where its files are. Raises BadRequest."""
        return self._folder(run_id).path

    def record(self, run_id: str) -> RunRecord:
        """All that is known about it. Raises BadRequest, FileProblem."""
        return self._record(self._folder(run_id))

    def place(self, slot: str = "") -> Device:
        """The device for the next run; "" = the GPU with the shortest queue. Raises BadRequest for none that exists."""
        found = devices()
        if slot:
            if slot not in {device.slot for device in found}:
                raise BadRequest(f"There is no device {slot!r}. Choose one of: {', '.join(d.slot for d in found)}.")
            return find_device(slot)
        load = self.queue.load()
        gpus = [device for device in found if device.slot != "cpu"]
        return min(gpus, key=lambda device: load.get(device.slot, 0)) if gpus else found[-1]

    def device(self) -> tuple[str, str]:
        """(slot, the reason for people) a run would get now: "CUDA: NVIDIA H200, 139 GiB free"."""
        place = self.place("")
        return place.slot, place.reason

    # ── using what came of it ───────────────────────────────────────────────────────────────────

    def replay(
        self, run: str | Path, progress: Callable[[Progress], None] = lambda _: None, fresh: bool = False
    ) -> Replay:
        """Make the map of a run (an id, or the path of its folder) again, and say whether it is the same.

               `fresh`: label-free work is made again too.
        Raises BadRequest (no map to compare with), FileProblem, SceneMismatch,
               StudioError (the run failed now).
        """
        from hsi_studio.engine.runs.replay import replay

        folder = RunFolder(run.resolve()) if isinstance(run, Path) else self._folder(run)
        return replay(folder, self._desk.cache_folder, progress, fresh)

    def curves_to_csv(self, run_id: str, stream: TextIO) -> int:
        """A run's curves as in `engine/runs/curves.py`; returns the number of rows."""
        return write_csv(self.events(run_id), stream)

    def curves_to_tensorboard(self, run_id: str, folder: Path) -> int:
        """Event files under `folder`; returns the number of values. Raises BadRequest without TensorBoard."""
        return write_tensorboard(self.events(run_id), folder)

    # ── stopping ────────────────────────────────────────────────────────────────────────────────

    def cancel(self, run_id: str) -> None:
        """Within a second; nothing is kept. Raises BadRequest when it has ended."""
        self.queue.cancel(self._folder(run_id))

    def pause(self, run_id: str) -> None:
        """It leaves a checkpoint and ends its process, so that its memory comes back. Raises BadRequest."""
        self.queue.pause(self._folder(run_id))

    def resume(self, run_id: str) -> RunInfo:
        """Go on from the last checkpoint; the result is that of a run without a break. Raises BadRequest."""
        folder = self._folder(run_id)
        self.admit()
        self.queue.resume(folder)
        return self.get(run_id)

    def delete(self, run_id: str) -> None:
        """Remove its folder. Raises BadRequest while it is waiting or at work."""
        folder = self._folder(run_id)
        self.queue.delete(folder)
        with self._lock:
            self._folders.pop(run_id, None)
            self._records.pop(folder.record_file, None)
            self._tails.pop(run_id, None)

    def close(self) -> None:
        """Leave checkpoints and end the workers."""
        self.queue.close()

    # ── the same run elsewhere ──────────────────────────────────────────────────────────────────

    def as_cli(self, run: str | RunRequest) -> str:
        """The command line of the same training."""
        return as_cli(self._asked(run), self._desk.home)

    def as_python(self, run: str | RunRequest) -> str:
        """A snippet for a notebook."""
        return as_python(self._asked(run), self._desk.home)

    def _asked(self, run: str | RunRequest) -> RunRequest:
        if isinstance(run, RunRequest):
            values = make_params(get_method(run.method).Params, dict(run.params))
            return RunRequest(run.project_id, run.method, changed(values), run.prompts, run.seed)
        info = self.get(run)
        return RunRequest(info.project_id, info.method, info.changed, info.prompts, info.seed)

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    def _sentences(
        self,
        project: Project,
        method: Method,
        labels: LabelSet,
        style: str,
        given: Mapping[str, Sequence[str]] | None,
    ) -> dict[str, Any]:
        """`RunRecord.prompts`. Raises BadRequest."""
        reads = "text" in method.needs
        chosen = resolve(project, self._desk.scene_of(project.id).name, style if reads else "names")
        known = {info.id for info in labels.schema.classes}
        found = {**chosen.sentences, **(given or {})}
        sentences = {key: [str(text) for text in value] for key, value in found.items() if key in known}
        return {**chosen.record, "style": chosen.choice if reads else style, "sentences": sentences}

    def _start_from(self, model_id: str, method: str) -> Path:
        """Raises BadRequest, FileProblem."""
        if self.warm_file is None:
            raise BadRequest("There are no models to start from here: leave “Start from” empty.")
        return self.warm_file(model_id, method)

    def _request(self, record: RunRecord, labels: LabelSet) -> Request:
        height, width, bands = record.scene["shape"]
        return Request(
            record.method, record.params, record.scene["id"], (height, width, bands), len(labels),
            int((labels.counts > 0).sum()), record.device["slot"], record.device["name"],
        )  # fmt: skip

    def _folder(self, run_id: str) -> RunFolder:
        with self._lock:
            known = self._folders.get(run_id)
        if known is None or not known.record_file.is_file():
            known = find_run(self._desk.home / "projects", run_id)
            with self._lock:
                self._folders[run_id] = known
        if self._only and known.path.parent.parent.name != self._only:
            raise BadRequest(f"There is no run {run_id!r} in the project that was shared with you.")
        return known

    def _record(self, folder: RunFolder) -> RunRecord:
        file = folder.record_file
        try:
            stat = file.stat()
        except OSError as error:
            raise BadRequest(f"Run {folder.path.name} is not there any more.") from error
        stamp = (stat.st_mtime_ns, stat.st_size)
        with self._lock:
            known = self._records.get(file)
        if known is not None and known[0] == stamp:
            record = known[1]
            if record.state not in WAITING | ALIVE or record.queue == self.queue.id:
                return record
        record = self.queue.checked(folder)
        with self._lock:
            self._records[file] = (stamp, record)
        return record

    def _tail(self, folder: RunFolder) -> EventTail:
        name = folder.path.name
        with self._lock:
            tail = self._tails.setdefault(name, EventTail(folder.events_file))
            self._tails.move_to_end(name)
            while len(self._tails) > MAX_TAILS:
                self._tails.popitem(last=False)
        return tail

    def _info(self, folder: RunFolder) -> RunInfo:
        record = self._record(folder)
        state, progress = record.state, None
        where = self.queue.position(record.id) if state in WAITING | ALIVE else None
        if state in ALIVE:
            if self.queue.requested(record.id) == "pause":
                state = "pausing"
            last = self._tail(folder).last("progress")
            if last is not None:
                left = last.get("seconds_left")
                progress = Progress(str(last["message"]), float(last["done"]), float(last["total"]), left)
        return RunInfo(
            id=record.id, project_id=record.project_id, owner=record.owner, title=record.title, method=record.method,
            params=record.params, changed=record.changed, prompts=str(record.prompts.get("style", "")),
            seed=record.seed, state=state, reason=record.reason, position=where,
            progress=progress, forecast=Forecast.from_json(record.forecast), created=record.created,
            started=record.started, ended=record.ended, device=record.device, shots=record.shots,
            revision=int(record.labels["revision"]), metrics=record.metrics, timing=record.timing,
            adapted=tuple(record.adapted), parent=record.parent, kind=record.kind,
            prompt_set=str(record.prompts.get("set", "")),
        )  # fmt: skip

    def _map(self, run_id: str, name: str) -> Prediction | None:
        folder = self._folder(run_id)
        try:
            stamp = (folder / name).stat().st_mtime_ns
        except OSError:
            return None
        key = (run_id, name, stamp)
        with self._lock:
            if key in self._maps:
                self._maps.move_to_end(key)
                return self._maps[key]
        found = folder.read_map(self._record(folder), name)
        if found is not None:
            with self._lock:
                self._maps[key] = found
                while len(self._maps) > MAX_MAPS:
                    self._maps.popitem(last=False)
        return found


def enough_to_train(labels: LabelSet) -> None:
    """Raises TooFewLabels before a process is started for nothing."""
    labelled = int((labels.counts > 0).sum())
    if labelled < LABELS_NEEDED:
        need = "a pixel of each of two classes" if labelled == 0 else "a pixel of a second class"
        raise TooFewLabels(f"Label {need} before training.")
