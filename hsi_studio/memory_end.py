"""When the machine's memory ends: who goes first, and whether somebody did (Linux; elsewhere nothing is known).

The kernel's out-of-memory killer takes the process with the highest score. Workers of trainings and readers of files
raise theirs, so that the application, which has everybody's pages, is the last to go. A process that was killed cannot
say so itself: the kernel's count of such ends since the machine was started is what the next one has to go by.
"""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger(__name__)

FIRST_TO_GO = 800  # of −1000 (never) to 1000; a process without a word of its own has 0
PROC = Path("/proc")


def first_to_go() -> None:
    """When the machine runs out of memory, Linux ends this process before the application."""
    try:
        (PROC / "self" / "oom_score_adj").write_text(str(FIRST_TO_GO), encoding="ascii")
    except OSError:
        log.info("this system gives no say in who is ended when memory runs out")


def ends_for_memory() -> int:
    """Processes that the kernel has ended for memory since the machine was started; −1 = it does not say."""
    try:
        for line in (PROC / "vmstat").read_text(encoding="ascii").splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    except (OSError, ValueError):
        pass
    return -1


def start_of_machine() -> str:
    """Another text after every start of the machine; "" = it does not say."""
    try:
        return (PROC / "sys" / "kernel" / "random" / "boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
