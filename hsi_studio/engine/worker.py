"""The process of one run: `python -m hsi_studio.engine.worker RUN_FOLDER --cache FOLDER`.

The record's `kind` says what is done (`work_of`); everything else is the same for every kind:

- Control comes on standard input (`runs/control.py`). When that ends, the program that started the run is gone: the
  worker leaves a checkpoint and ends as interrupted.
- It holds `worker.lock` while it lives, so that anyone can tell a living run from a dead one; a number of a process
  alone could be another process's by now.

- One that finds the program gone before it has begun leaves the run as it is: another program may have taken it up.

Exit code 0 whenever the record says how it ended; `DISK` when the disk would not take that.
"""

from __future__ import annotations

import argparse
import logging
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from hsi_studio.edges import as_typed
from hsi_studio.engine.runs.attempt import Attempt, Work
from hsi_studio.engine.runs.control import RunControl
from hsi_studio.engine.runs.environment import step_back
from hsi_studio.engine.runs.limits import hold
from hsi_studio.engine.runs.process import DISK
from hsi_studio.engine.runs.record import RunFolder
from hsi_studio.errors import StudioError
from hsi_studio.memory_end import first_to_go

log = logging.getLogger(__name__)


def work_of(kind: str) -> Work:
    """What a run of this kind does. Raises StudioError for a kind that this version does not have."""
    if kind == "train":
        from hsi_studio.engine.runs.train import run as train

        return train
    if kind == "compare":
        from hsi_studio.engine.compare.run_kind import run as compare

        return compare
    raise StudioError(f"This version has no runs of kind {kind!r}: open it with the version that queued it.")


def work(attempt: Attempt) -> None:
    """The work of its record's kind. Raises what that raises."""
    work_of(attempt.record.kind)(attempt)


def left_alone(stream: BinaryIO) -> bool:
    """Whether the other end of standard input is closed already. False where the system cannot tell (Windows)."""
    try:
        ready, _, _ = select.select([stream], [], [], 0)
        return bool(ready) and not stream.peek(1)  # type: ignore[attr-defined]
    except (OSError, ValueError, AttributeError):
        return False


def main(argv: list[str] | None = None, clock: Callable[[], float] = time.perf_counter) -> int:
    """Run one run folder to its end."""
    from filelock import FileLock, Timeout

    began = clock()
    parser = argparse.ArgumentParser(prog="python -m hsi_studio.engine.worker")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--checkpoint-seconds", type=float, default=10.0)
    parser.add_argument("--nice", type=int, default=10, help="how far clicks go first")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    folder = RunFolder(args.folder)
    lock = FileLock(folder.lock_file, timeout=5)  # an earlier attempt may still be on its way out
    try:
        lock.acquire()
    except Timeout:
        log.error("%s is being worked on by another process", folder.path)
        return 3
    if left_alone(sys.stdin.buffer):
        log.warning("the program that started this run has ended")
        return 0
    control = RunControl(sys.stdin.buffer)
    signal.signal(signal.SIGTERM, lambda *_: control.request("orphan"))
    first_to_go()
    step_back(args.nice)
    code = 0
    try:
        attempt = Attempt(folder, args.cache, control, args.checkpoint_seconds, began)
        hold(folder.path, control, attempt.device != "cpu")
        attempt.run(work)
    except StudioError:  # a record that cannot be read: nothing can be said in it
        log.exception("%s", folder.path)
        code = 1
    except OSError as error:
        log.exception("%s", folder.path)
        log.error("%s", as_typed(error, folder.path))  # the last words
        code = DISK
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # At once: what torch would tidy up is gone with the process anyway, and an ordinary end waits for the thread that
    # reads standard input, and crashes (SIGABRT).
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
