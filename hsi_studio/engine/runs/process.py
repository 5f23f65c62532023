"""A worker's process seen from the program that starts it: how it is started, and how one says that it ended.

The worker (`engine/worker.py`) writes its end into the record itself; `end_of` is for one that could not.
"""

from __future__ import annotations

import os
import signal
import site
import subprocess
import sys
from pathlib import Path

from hsi_studio.engine.runs.devices import cores
from hsi_studio.engine.runs.record import RunFolder, RunState
from hsi_studio.paths import BESIDE
from hsi_studio.settings import MAX_DISK_GB

DISK = 4  # exit code of a worker that could not write its record


def start_worker(
    folder: RunFolder,
    cache: Path,
    threads: int,
    visible: str,
    checkpoint_s: float | None = None,
    disk_gb: float | None = None,
) -> subprocess.Popen[bytes]:
    """In a process group of its own, its words in worker.log. Control goes to its standard input (`control.py`).
    `disk_gb`: the quota of its owner's folder, which `limits.py` holds it to."""
    environment = worker_environment(threads, visible)
    if disk_gb is not None:
        environment[MAX_DISK_GB.name] = str(disk_gb)
    command = [sys.executable, "-m", "hsi_studio.engine.worker", str(folder.path), "--cache", str(cache)]
    if checkpoint_s is not None:
        command += ["--checkpoint-seconds", str(checkpoint_s)]
    with (folder / "worker.log").open("ab") as said:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=said, stderr=said, start_new_session=True,
            env=environment,
        )  # fmt: skip


def end_of(requested: str, code: int, folder: RunFolder) -> tuple[RunState, str]:
    """State and reason of a worker that ended without a word."""
    if requested == "cancel":
        return "cancelled", "Cancelled: no map was made."
    kept = bool(folder.checkpoints())
    onward = "Resume it: it goes on from its last checkpoint." if kept else "Resume it: it begins again."
    if requested == "pause":
        return "paused", f"Paused; it did not answer in time and was ended. {onward}"
    if requested == "close":
        return "interrupted", f"The program was closed. {onward}"
    if code == -getattr(signal, "SIGKILL", 9):
        return "interrupted", (
            "The system ended its process (kill −9), most likely because memory ran out. Close other programs or "
            f"choose a smaller batch or network. {onward}"
        )
    if code == DISK:
        return "interrupted", f"Nothing could be written: {last_words(folder / 'worker.log')} Then resume it."
    if code == -signal.SIGTERM:
        return "interrupted", f"Its process was ended from outside. {onward}"
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return "failed", f"Its process crashed ({name}); worker.log of the run has its last words. {onward}"
    return "failed", f"Its process ended early (exit code {code}): {last_words(folder / 'worker.log')} {onward}"


def last_words(path: Path) -> str:
    """The last line of a worker's log."""
    try:
        lines = path.read_bytes()[-4000:].decode("utf-8", "replace").strip().splitlines()
    except OSError:
        lines = []
    return (lines[-1].strip()[:300].rstrip(".") + ".") if lines else "it left no word."


def worker_environment(threads: int, visible: str) -> dict[str, str]:
    """`threads`: as in an earlier attempt, 0 = decide now. `visible`: the only GPU it shall see."""
    root = str(BESIDE)  # so that a worker finds this package wherever it was started
    given = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p and p != root]
    installed = root in (*site.getsitepackages(), site.getusersitepackages())  # there already; before the standard
    paths = given if installed else [root, *given]  # library, an old backport in it would shadow a module of Python
    chosen = {
        "PYTHONPATH": os.pathsep.join(paths),
        "OMP_NUM_THREADS": str(threads or os.environ.get("OMP_NUM_THREADS") or cores()),
        "OMP_WAIT_POLICY": "PASSIVE",  # small networks on busy cores: threads that spin take 100× longer
        "PYTHONUNBUFFERED": "1",
    }
    if visible:
        chosen["CUDA_VISIBLE_DEVICES"] = visible
    return {**os.environ, **chosen}


def free(path: Path) -> bool:
    """Whether nobody holds this lock file (a missing one is held by nobody)."""
    from filelock import FileLock, Timeout

    if not path.is_file():
        return True
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return False
    lock.release()
    return True
