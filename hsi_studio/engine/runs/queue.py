"""The queue: one run at a time on each device, each in a process of its own.

    submit ─▶ slot "cuda:0": [running] [1] [2] …        a thread a slot starts the worker and waits for its end
              slot "cpu":    [running] [1] …            runs on the CPU never wait for the GPU's

- A crash, lack of memory or kill −9 of a worker leaves the application as it is; memory comes back with the process.
- Cancel asks the worker first and ends its whole process group after `CANCEL_WITHIN_S`. Pause waits for a checkpoint.
- When this program dies, its workers notice (their standard input ends), leave a checkpoint and end. A program that
  finds a run which nobody works on (its worker's lock and its queue's lock are both free) records it as interrupted.
- Workers are nice (10 levels): a click's work goes first, and a training takes what is left of every core.

Threads: every method may be called from any.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import threading
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hsi_studio.engine.runs.devices import find_device
from hsi_studio.engine.runs.events import EventLog
from hsi_studio.engine.runs.process import end_of, free, start_worker
from hsi_studio.engine.runs.record import ALIVE, RESUMABLE, WAITING, RunFolder, RunRecord, RunState
from hsi_studio.errors import BadRequest, StudioError

log = logging.getLogger(__name__)

CANCEL_WITHIN_S = 0.7  # then its process group is ended
PAUSE_WITHIN_S = 20.0  # a checkpoint of a large network takes seconds
CLOSE_WITHIN_S = 2.0


@dataclass
class Running:
    """A run whose worker is alive."""

    folder: RunFolder
    process: subprocess.Popen[bytes] | None = None
    requested: str = ""  # "cancel", "pause", "close"
    timer: threading.Timer | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def request(self, what: str, within_s: float) -> None:
        """Tell the worker; end it when it has not ended by itself by then. Heard also before it has started."""
        with self.lock:
            if self.requested in ("cancel", what):
                return
            self.requested = what
            if self.timer is not None:
                self.timer.cancel()
            self.timer = threading.Timer(within_s, self.end)
            self.timer.daemon = True
            self.timer.start()
            self._tell()

    def begin(self, process: subprocess.Popen[bytes]) -> None:
        with self.lock:
            self.process = process
            if self.requested:
                self._tell()

    def end(self) -> None:
        """Its whole process group, at once."""
        process = self.process
        if process is None or process.poll() is not None:
            return
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (OSError, AttributeError):  # it ended just now; or a system without process groups
            process.kill()

    def _tell(self) -> None:
        if self.process is None or self.process.stdin is None:
            return
        with contextlib.suppress(OSError):  # it ended by itself in between
            if self.requested == "close":
                self.process.stdin.close()
            else:
                self.process.stdin.write(f"{self.requested}\n".encode("ascii"))
                self.process.stdin.flush()


class Slot:
    """One device's queue. Its thread starts with the first run."""

    def __init__(self, name: str, attend: Callable[[Slot, Running], None]) -> None:
        self.name, self._attend = name, attend
        self.waiting: deque[RunFolder] = deque()
        self.current: Running | None = None
        self.changed = threading.Condition()
        self.closed = False
        self._thread: threading.Thread | None = None

    def add(self, folder: RunFolder) -> None:
        with self.changed:
            self.waiting.append(folder)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name=f"runs-{self.name}", daemon=True)
                self._thread.start()
            self.changed.notify_all()

    def _serve(self) -> None:
        while True:
            with self.changed:
                self.changed.wait_for(lambda: bool(self.waiting) or self.closed)
                if self.closed:
                    return
                running = self.current = Running(self.waiting.popleft())
            try:
                self._attend(self, running)
            except Exception:
                log.exception("run %s", running.folder.path.name)
            finally:
                if running.timer is not None:
                    running.timer.cancel()
                with self.changed:
                    self.current = None
                    self.changed.notify_all()


class RunQueue:
    """All slots of one application."""

    def __init__(self, home: Path, cache: Path, checkpoint_s: float = 10.0, disk_gb: float | None = None) -> None:
        self.disk_gb = disk_gb  # of an owner's folder
        self.home, self.projects, self.cache = home, home / "projects", cache
        self.checkpoint_s = checkpoint_s
        self.id = uuid.uuid4().hex
        self._slots: dict[str, Slot] = {}
        self._lock = threading.RLock()
        self._unsaid: dict[Path, tuple[RunState, str]] = {}  # run folders whose record could not be written
        self._own: object | None = None  # the lock file that says this queue lives

    # ── what one can ask for ────────────────────────────────────────────────────────────────────

    def submit(self, folder: RunFolder, record: RunRecord, slot: str) -> RunRecord:
        """Queue a run whose folder is written. Returns at once."""
        self._live()
        record = folder.set_state(record.model_copy(update={"queue": self.id, "ended": ""}), "queued")
        self._slot(slot).add(folder)
        return record

    def resume(self, folder: RunFolder) -> RunRecord:
        """Queue it again; it goes on from its last checkpoint. Raises BadRequest."""
        record = self.checked(folder)
        if record.state not in RESUMABLE:
            raise BadRequest(f"Run {record.id} is {record.state}: only a paused, interrupted or failed one can resume.")
        device = find_device(record.device.get("slot", "cpu"))
        said = {"slot": device.slot, "name": device.name, "reason": device.reason}
        return self.submit(folder, record.model_copy(update={"device": said}), device.slot)

    def cancel(self, folder: RunFolder) -> None:
        """Stop it, or take it out of the queue. Raises BadRequest when there is nothing to cancel."""
        if self._dequeue(folder, "cancelled", "Cancelled before it began."):
            return
        running = self._running(folder)
        if running is not None:
            running.request("cancel", CANCEL_WITHIN_S)
            return
        record = self.checked(folder)
        if record.state not in RESUMABLE:
            raise BadRequest(self._not_ours(record))
        folder.clear_checkpoints()
        folder.set_state(record, "cancelled", "Cancelled: no map was made.")

    def pause(self, folder: RunFolder) -> None:
        """Leave a checkpoint and give the memory back. Raises BadRequest when it is not queued or running."""
        if self._dequeue(folder, "paused", "Paused before it began. Resume it to queue it again."):
            return
        running = self._running(folder)
        if running is None:
            raise BadRequest(self._not_ours(self.checked(folder)))
        running.request("pause", PAUSE_WITHIN_S)

    def delete(self, folder: RunFolder) -> None:
        """Remove a run that is not alive, with everything in its folder. Raises BadRequest."""
        try:
            record: RunRecord | None = self.checked(folder)
        except StudioError:
            record = None  # a damaged record; its folder can still go
        if record is not None and record.state in WAITING | ALIVE:
            raise BadRequest(f"Run {record.id} is {record.state}: cancel it before you delete it.")
        gone = folder.path.with_name(f".deleted-{uuid.uuid4().hex[:8]}")
        folder.path.rename(gone)
        shutil.rmtree(gone)

    def position(self, run_id: str) -> int | None:
        """0 = running, n = the n-th in its queue, None = neither."""
        for slot in self._all():
            with slot.changed:
                if slot.current is not None and slot.current.folder.path.name == run_id:
                    return 0
                names = [folder.path.name for folder in slot.waiting]
            if run_id in names:
                return names.index(run_id) + 1
        return None

    def requested(self, run_id: str) -> str:
        """What was asked of a running run: "cancel", "pause" or ""."""
        for slot in self._all():
            current = slot.current
            if current is not None and current.folder.path.name == run_id:
                return current.requested
        return ""

    def load(self) -> dict[str, int]:
        """Slot → runs that wait or run in it."""
        return {slot.name: len(slot.waiting) + (slot.current is not None) for slot in self._all()}

    def checked(self, folder: RunFolder) -> RunRecord:
        """Its record; a run that is said to live but nobody works on becomes interrupted. Raises FileProblem."""
        record = self._say_now(folder, folder.read())
        if record.state not in WAITING | ALIVE or record.queue == self.id:
            return record
        if not (free(self._lock_file(record.queue)) and free(folder.lock_file)):
            return record
        record = folder.read()  # its worker may have ended it meanwhile
        if record.state not in WAITING | ALIVE:
            return record
        began = "" if record.state == "queued" else " during the run"
        return folder.set_state(record, "interrupted", f"The program was ended{began}. Resume it to go on.")

    def unsaid(self, folder: RunFolder) -> bool:
        """Whether its record does not say yet how it ended, because the disk would not take it."""
        return folder.path in self._unsaid

    def close(self) -> None:
        """Running runs leave a checkpoint and end as interrupted; waiting ones do too. All can be resumed."""
        slots = self._all()
        for slot in slots:
            with slot.changed:
                slot.closed = True
                left = list(slot.waiting)
                slot.waiting.clear()
                current = slot.current
                slot.changed.notify_all()
            for folder in left:
                folder.set_state(
                    folder.read(), "interrupted", "The program was closed before it began. Resume it to run."
                )
            if current is not None:
                current.request("close", PAUSE_WITHIN_S)
        for slot in slots:
            with slot.changed:
                slot.changed.wait_for(lambda slot=slot: slot.current is None, CLOSE_WITHIN_S)  # type: ignore[misc]

    # ── the workers ─────────────────────────────────────────────────────────────────────────────

    def _attend(self, slot: Slot, running: Running) -> None:
        """From start to end of one worker."""
        folder = running.folder
        record = folder.set_state(folder.read(), "starting")
        device = find_device(record.device.get("slot", "cpu"))
        visible = device.visible if device.slot == slot.name else ""
        process = start_worker(folder, self.cache, record.threads, visible, self.checkpoint_s, self.disk_gb)
        running.begin(process)
        code = process.wait()
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        self._settle(running, code)

    def _settle(self, running: Running, code: int) -> None:
        """Say how a worker ended that could not say it itself."""
        folder = running.folder
        record = folder.read()
        if record.state not in ALIVE:
            return
        self._unsaid[folder.path] = end_of(running.requested, code, folder)
        self._say_now(folder, record)

    def _say_now(self, folder: RunFolder, record: RunRecord) -> RunRecord:
        """Write how a worker ended; what a full disk does not take now is told all the same, and tried again."""
        if folder.path not in self._unsaid or record.state not in WAITING | ALIVE:
            self._unsaid.pop(folder.path, None)
            return record
        state, reason = self._unsaid[folder.path]
        try:
            log_ = EventLog(folder.events_file)
            if state != "cancelled":
                log_.append("log", level="error", text=reason)
            else:
                folder.clear_checkpoints()
            record = folder.set_state(record, state, reason, log_)
        except OSError as error:
            log.warning("how run %s ended cannot be written: %s", record.id, error)
            return record.model_copy(update={"state": state, "reason": reason})
        self._unsaid.pop(folder.path, None)
        return record

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    def _slot(self, name: str) -> Slot:
        with self._lock:
            return self._slots.setdefault(name, Slot(name, self._attend))

    def _all(self) -> list[Slot]:
        with self._lock:
            return list(self._slots.values())

    def _running(self, folder: RunFolder) -> Running | None:
        for slot in self._all():
            current = slot.current
            if current is not None and current.folder.path == folder.path:
                return current if folder.read().state in WAITING | ALIVE else None  # else it is on its way out
        return None

    def _dequeue(self, folder: RunFolder, state: RunState, reason: str) -> bool:
        for slot in self._all():
            with slot.changed:
                found = next((waiting for waiting in slot.waiting if waiting.path == folder.path), None)
                if found is not None:
                    slot.waiting.remove(found)
            if found is not None:
                folder.set_state(folder.read(), state, reason)
                return True
        return False

    def _live(self) -> None:
        """Hold the lock that tells others that the runs in this queue are looked after."""
        from filelock import FileLock

        with self._lock:
            if self._own is None:
                file = self._lock_file(self.id)
                file.parent.mkdir(parents=True, exist_ok=True)
                lock = FileLock(file)
                lock.acquire()
                self._own = lock

    def _lock_file(self, queue: str) -> Path:
        return self.home / "queues" / f"{Path(queue).name or 'none'}.lock"

    @staticmethod
    def _not_ours(record: RunRecord) -> str:
        if record.state in WAITING | ALIVE:
            return f"Run {record.id} belongs to another program (a command line, another window): stop it there."
        return f"Run {record.id} is {record.state}: there is nothing to stop."
