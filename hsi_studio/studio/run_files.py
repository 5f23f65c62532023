"""The run folders of one home, read again only when they have changed: records, events, maps.

Owner and guests read through the same `RunFiles` (`Workspace.shared`); which runs a visitor may see is said in
`runs.py`.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from hsi_studio.engine.runs.events import EventTail
from hsi_studio.engine.runs.forecast import Forecast
from hsi_studio.engine.runs.queue import RunQueue
from hsi_studio.engine.runs.record import ALIVE, WAITING, RunFolder, RunRecord, find_run, run_folders
from hsi_studio.errors import BadRequest, StudioError
from hsi_studio.studio.kept_maps import KeptMaps
from hsi_studio.studio.run_info import RunInfo
from hsi_studio.types import Prediction, Progress

log = logging.getLogger(__name__)

MAX_TAILS, MAX_MAPS = 64, 8  # kept in memory
MAP, PREVIEW = "map.npz", "preview.npz"


class RunFiles:
    """Safe to call from many threads. `projects` is the folder that they lie under, `queue` knows which are at work."""

    def __init__(self, projects: Path, queue: RunQueue) -> None:
        self._projects, self._queue = projects, queue
        self._lock = threading.RLock()
        self._folders: dict[str, RunFolder] = {}
        self._records: dict[Path, tuple[tuple[int, int], RunRecord]] = {}
        self._tails: OrderedDict[str, EventTail] = OrderedDict()
        self._maps: KeptMaps[tuple[str, str, int], Prediction] = KeptMaps(MAX_MAPS)

    def folder(self, run_id: str) -> RunFolder:
        """Raises BadRequest."""
        with self._lock:
            known = self._folders.get(run_id)
        if known is None or not known.record_file.is_file():
            known = find_run(self._projects, run_id)
            with self._lock:
                self._folders[run_id] = known
        return known

    def record(self, folder: RunFolder) -> RunRecord:
        """As it is on disk; one that ended without saying so is told as interrupted. Raises BadRequest, FileProblem."""
        file = folder.record_file
        try:
            stat = file.stat()
        except OSError as error:
            raise BadRequest(f"Run {folder.path.name} is not there any more.") from error
        stamp = (stat.st_mtime_ns, stat.st_size)
        with self._lock:
            known = self._records.get(file)
        if known is not None and known[0] == stamp and not self._queue.unsaid(folder):
            record = known[1]
            if record.state not in WAITING | ALIVE or record.queue == self._queue.id:
                return record
        record = self._queue.checked(folder)
        with self._lock:
            self._records[file] = (stamp, record)
        return record

    def tail(self, folder: RunFolder) -> EventTail:
        """Its events."""
        name = folder.path.name
        with self._lock:
            tail = self._tails.setdefault(name, EventTail(folder.events_file))
            self._tails.move_to_end(name)
            while len(self._tails) > MAX_TAILS:
                self._tails.popitem(last=False)
        return tail

    def map(self, folder: RunFolder, name: str) -> Prediction | None:
        """MAP or PREVIEW, the same object until it changes; None while there is none. Raises FileProblem."""
        try:
            stamp = (folder / name).stat().st_mtime_ns
        except OSError:
            return None
        key = (folder.path.name, name, stamp)
        if (known := self._maps.get(key)) is not None:
            return known
        found = folder.read_map(self.record(folder), name)
        if found is not None:
            self._maps.put(key, found, found.nbytes)
        return found

    def info(self, folder: RunFolder) -> RunInfo:
        """A run as it is now. Raises BadRequest, FileProblem."""
        record = self.record(folder)
        state, progress = record.state, None
        where = self._queue.position(record.id) if state in WAITING | ALIVE else None
        if state in ALIVE:
            if self._queue.requested(record.id) == "pause":
                state = "pausing"
            last = self.tail(folder).last("progress")
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
            adapted=tuple(record.adapted), notes=tuple(record.notes), parent=record.parent, kind=record.kind,
            prompt_set=str(record.prompts.get("set", "")),
        )  # fmt: skip

    def infos(self, wanted: Callable[[RunFolder], bool]) -> list[RunInfo]:
        """Newest first; those whose record is damaged are in the log and left out."""
        found = []
        for folder in filter(wanted, run_folders(self._projects)):
            try:
                found.append(self.info(folder))
            except StudioError as error:
                log.warning("run %s is passed over: %s", folder.path.name, error)
        return found

    def forget(self, folder: RunFolder) -> None:
        """Its folder has gone."""
        with self._lock:
            self._folders.pop(folder.path.name, None)
            self._records.pop(folder.record_file, None)
            self._tails.pop(folder.path.name, None)
