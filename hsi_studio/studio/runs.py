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

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from hsi_studio.engine.evaluation.map_accuracy import AccuracyReport
from hsi_studio.engine.evaluation.report_json import report_from_json
from hsi_studio.engine.runs.curves import write_csv, write_tensorboard
from hsi_studio.engine.runs.devices import Device, devices, find_device
from hsi_studio.engine.runs.events import Event, EventLog
from hsi_studio.engine.runs.forecast import Forecast, Forecaster, Request
from hsi_studio.engine.runs.limits import check_forecast
from hsi_studio.engine.runs.record import RunFolder, RunRecord
from hsi_studio.errors import BadRequest, CorruptFile, TooFewLabels
from hsi_studio.files import copy_file
from hsi_studio.methods import LIVE_METHOD, get_method, methods
from hsi_studio.methods.contract import MOST_SEED, Method, Params, make_params
from hsi_studio.project.store import Project
from hsi_studio.studio import Subject
from hsi_studio.studio.new_run import Prepare, new_run
from hsi_studio.studio.prompt_choice import record_of_prompts
from hsi_studio.studio.run_commands import RunRequest, as_cli, as_python, changed, title_of
from hsi_studio.studio.run_files import MAP, PREVIEW, RunFiles
from hsi_studio.studio.run_info import RunInfo
from hsi_studio.studio.workspace import Workspace
from hsi_studio.types import LabelSet, Prediction, Progress, Scene

if TYPE_CHECKING:
    from hsi_studio.engine.runs.replay import Replay

LABELS_NEEDED = 2  # classes

Events = list[Event]  # the class below has a method `list`
Infos = list[RunInfo]
Methods = list[Method]


class Runs(Subject):
    """See the file's header. Safe to call from many threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self.queue = workspace, workspace.server.queue
        self.warm_file: Callable[[str, str], Path] | None = None  # model id, method → its file; set by who has models
        self._forecaster = Forecaster(workspace.cache_folder)
        self._files = workspace.shared(RunFiles, workspace.projects_folder, self.queue)

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
        project, chosen = self._workspace.project(project_id), get_method(method)
        values = make_params(chosen.Params, dict(params or {}))
        labels = project.labels()
        enough_to_train(labels)
        if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= MOST_SEED:
            raise BadRequest(f"The seed is {str(seed)[:40]}: choose a whole number from 0 to {MOST_SEED}.")
        scene, place = self._workspace.scene_of(project_id), self.place(device)
        told = self._forecaster.forecast(self._request(method, values, scene, labels, place))
        check_forecast(told.peak_mb)
        said = record_of_prompts(project, scene.name, prompts, "text" in chosen.needs, sentences)
        self.admit()
        start = self._start_from(warm_start, method) if warm_start else None

        def prepare(folder: RunFolder, record: RunRecord) -> RunRecord:
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
        project, chosen = self._workspace.project(project_id), get_method(method)
        values = make_params(chosen.Params, dict(params or {}))
        scene, labels, place = self._workspace.scene_of(project_id), project.labels(), self.place("")
        return self._forecaster.forecast(self._request(method, values, scene, labels, place))

    def forecast_of(self, request: Request) -> Forecast:
        """Time and memory of one fit and map, whatever it is for. Raises BadRequest."""
        return self._forecaster.forecast(request)

    def device_name(self) -> str:
        """The processor that a run would get now."""
        return self.place("").name

    # ── looking ─────────────────────────────────────────────────────────────────────────────────

    def list(self, project_id: str | None = None, owner: str | None = None, kind: str = "train") -> Infos:
        """Runs of a kind ("" = all), newest first; those whose record is damaged are in the log and left out."""
        only = {project_id, self._workspace.only} - {None}
        found = self._files.infos(lambda folder: only <= {folder.path.parent.parent.name})
        return [info for info in found if (owner is None or info.owner == owner) and kind in ("", info.kind)]

    def alive(self) -> int:
        """How many of the owner's wait or work, whichever of them a guest sees."""
        return sum(info.alive for info in self._files.infos(lambda folder: True))

    def admit(self) -> None:
        """Raises BadRequest when the owner has no quota left for a run."""
        self._workspace.server.admit_run(self._workspace.home, self.alive)

    def get(self, run_id: str) -> RunInfo:
        """Raises BadRequest, FileProblem."""
        return self._files.info(self._folder(run_id))

    def exists(self, run_id: str) -> bool:
        """Whether there is such a run."""
        try:
            return self._folder(run_id).record_file.is_file()
        except BadRequest:
            return False

    def events(self, run_id: str, after: int = 0) -> Events:
        """Events with a number above `after`, oldest first. Raises BadRequest."""
        return self._files.tail(self._folder(run_id)).after(after)

    def wait(self, run_id: str, timeout: float | None = None) -> RunInfo:
        """Until it has ended, or `timeout` seconds have passed."""
        until = None if timeout is None else time.monotonic() + timeout
        while (info := self.get(run_id)).alive and (until is None or time.monotonic() < until):
            time.sleep(0.05)
        return info

    def prediction(self, run_id: str) -> Prediction | None:
        """The map it ended with; None when there is none. Raises BadRequest, FileProblem."""
        return self._files.map(self._folder(run_id), MAP)

    def preview(self, run_id: str) -> Prediction | None:
        """A coarse map of the training as it is now, or the whole map when it has ended."""
        folder = self._folder(run_id)
        return self._files.map(folder, MAP) or self._files.map(folder, PREVIEW)

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
        return folder.read_labels(self._files.record(folder))

    def project_of(self, run_id: str) -> str:
        """Id of the project it belongs to. Raises BadRequest."""
        return self._folder(run_id).path.parent.parent.name

    def report(self, run_id: str) -> AccuracyReport | None:
        """How good its map is, as it was computed then; None before the end. Raises BadRequest, FileProblem."""
        folder = self._folder(run_id)
        metrics = self._files.record(folder).metrics
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
        return self._files.record(self._folder(run_id))

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

    # ── what can be trained ─────────────────────────────────────────────────────────────────────

    def trainable(self, without: str = LIVE_METHOD) -> Methods:
        """Methods to train, all but the one that follows the clicks: the pre-trained ones first, the baselines last."""
        found = (method for name, method in methods().entries.items() if name != without)
        return sorted(found, key=lambda method: -len(method.needs & {"text", "pretraining"}))

    def pretrained(self, project_id: str, method: str) -> str:
        """Whether a method's pre-training for this scene is on disk, in words; "" for methods without one."""
        chosen = get_method(method)
        return chosen.pretrained_status(
            self._workspace.scene_of(project_id), chosen.Params(), self._workspace.cache_folder, devices()[0].torch_name
        )

    # ── using what came of it ───────────────────────────────────────────────────────────────────

    def replay(
        self, run: str | Path, progress: Callable[[Progress], None] = lambda _: None, fresh: bool = False
    ) -> Replay:
        """Make the map of a run (an id, or the path of its folder) again, and say whether it is the same.

        `fresh`: label-free work is made again too.
        Raises BadRequest (no map to compare with), FileProblem, SceneMismatch, StudioError (the run failed now).
        """
        from hsi_studio.engine.runs.replay import replay

        folder = RunFolder(run.resolve()) if isinstance(run, Path) else self._folder(run)
        return replay(folder, self._workspace.cache_folder, progress, fresh)

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
        """Remove its folder. Raises BadRequest while it is waiting or at work, and for a guest."""
        self._workspace.for_its_owner("trainings and comparisons")
        folder = self._folder(run_id)
        self.queue.delete(folder)
        self._files.forget(folder)

    def close(self) -> None:
        """Leave checkpoints and end the workers."""
        self.queue.close()

    # ── the same run elsewhere ──────────────────────────────────────────────────────────────────

    def as_cli(self, run: str | RunRequest) -> str:
        """The command line of the same training."""
        return as_cli(self._asked(run), self._workspace.home)

    def as_python(self, run: str | RunRequest) -> str:
        """A snippet for a notebook."""
        return as_python(self._asked(run), self._workspace.home)

    def _asked(self, run: str | RunRequest) -> RunRequest:
        if isinstance(run, RunRequest):
            values = make_params(get_method(run.method).Params, dict(run.params))
            return RunRequest(run.project_id, run.method, changed(values), run.prompts, run.seed, run.warm_start)
        info = self.get(run)
        return RunRequest(info.project_id, info.method, info.changed, info.prompts, info.seed, info.parent)

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    def _start_from(self, model_id: str, method: str) -> Path:
        """Raises BadRequest, FileProblem."""
        if self.warm_file is None:
            raise BadRequest("There are no models to start from here: leave “Start from” empty.")
        return self.warm_file(model_id, method)

    def _request(self, method: str, params: Params, scene: Scene, labels: LabelSet, place: Device) -> Request:
        return Request(
            method, params.model_dump(mode="json"), scene.id, scene.shape, len(labels),
            int((labels.counts > 0).sum()), place.slot, place.name,
        )  # fmt: skip

    def _folder(self, run_id: str) -> RunFolder:
        """Raises BadRequest."""
        found = self._files.folder(run_id)
        if self._workspace.only not in (None, found.path.parent.parent.name):
            raise BadRequest(f"There is no run {run_id!r} in the project that was shared with you.")
        return found


def enough_to_train(labels: LabelSet) -> None:
    """Raises TooFewLabels before a process is started for nothing."""
    labelled = int((labels.counts > 0).sum())
    if labelled < LABELS_NEEDED:
        need = "a pixel of each of two classes" if labelled == 0 else "a pixel of a second class"
        raise TooFewLabels(f"Label {need} before training.")
