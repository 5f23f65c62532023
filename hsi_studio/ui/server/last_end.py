"""How the servers of a home folder ended: one that was killed cannot say so, the next one does.

    HOME/servers/<number>.json   when it began, on which start of the machine, and the kernel's count of ends for memory
    HOME/servers/<number>.lock   held while it lives, so that a dead one is told from a living one (several may share a
                                 home folder); a process's number alone could be another's by now

Both go when a server ends in order. What stays is of one that was killed: by the kernel for memory, by a power failure,
by `kill −9` or a crash. Labels and records are on disk before they are acknowledged, so nothing is to be mended; the
sentence says why people lost the page, and what the operator can do about it.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from hsi_studio.files import write_json
from hsi_studio.memory_end import ends_for_memory, start_of_machine
from hsi_studio.stored import loads_object, read_file

log = logging.getLogger(__name__)

KEPT = "Every label that was acknowledged is here, and trainings go on from their last checkpoint with Resume."


class Attendance:
    """Of this server: `begin` with it, `end` when it ends in order. A home that cannot be written is told in the log
    and keeps no server from starting."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "servers"
        self._name = uuid.uuid4().hex[:12]
        self._lock = FileLock(self.folder / f"{self._name}.lock", timeout=0)

    def begin(self) -> list[str]:
        """A sentence for each server of this home that did not end in order since somebody looked."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            told = [said for file in sorted(self.folder.glob("*.json")) if (said := _found(file))]
            self._lock.acquire()
            write_json(self.folder / f"{self._name}.json", _now())
        except (OSError, Timeout) as error:
            log.warning("how this server ends will not be known: %s", error)
            return []
        return told

    def end(self) -> None:
        """In order."""
        try:
            (self.folder / f"{self._name}.json").unlink(missing_ok=True)
            self._lock.release()
            (self.folder / f"{self._name}.lock").unlink(missing_ok=True)
        except OSError as error:
            log.warning("that this server ended in order could not be written: %s", error)


@contextmanager
def ends_in_order() -> Iterator[None]:
    """SIGTERM, as a service manager sends it, ends the block and not the process: uvicorn lets its requests end, then
    raises the signal again for whoever had it before, which was the system's default."""
    if threading.current_thread() is not threading.main_thread():  # only there Python has a say in signals
        yield
        return

    def leave(*_: object) -> None:
        raise SystemExit(0)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _now() -> dict[str, Any]:
    return {"began": time.time(), "machine": start_of_machine(), "ends_for_memory": ends_for_memory()}


def _found(file: Path) -> str:
    """What became of the server that left this; "" while it lives. Its files go."""
    lock = FileLock(file.with_suffix(".lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return ""
    try:
        try:
            left = loads_object(read_file(file, 10_000, "Delete it"))
            since = time.strftime("%d %b, %H:%M", time.localtime(float(left["began"])))
            why = _why(str(left["machine"]), int(left["ends_for_memory"]))
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            OverflowError,
        ):  # a disk that was full, a hand that wrote in it
            since, why = "a time that is not known", "how is not known"
        file.unlink(missing_ok=True)
    finally:
        lock.release()
    file.with_suffix(".lock").unlink(missing_ok=True)
    return f"The server that ran since {since} did not end in order: {why}. {KEPT}"


def _why(machine: str, ends: int) -> str:
    if machine != start_of_machine():
        return "the machine was started again (a power failure, or a restart)"
    now = ends_for_memory()
    if 0 <= ends < now:
        return (
            f"it was killed, most likely because memory ran out (the system has ended {now - ends} "
            f"process{'es' if now - ends > 1 else ''} for memory since). Fewer or smaller scenes at once, "
            "HSI_STUDIO_SCENE_MEMORY_GB or more memory help"
        )
    if now >= 0:
        return "it was killed from outside or crashed (the system has ended no process for memory since)"
    return "it was killed, or crashed"
