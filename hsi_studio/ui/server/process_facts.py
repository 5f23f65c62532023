"""How much this process holds: memory, file descriptors, threads, child processes. Linux tells all of it in /proc."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc/self")


@dataclass(frozen=True)
class ProcessFacts:
    """−1 = this system does not say."""

    memory: int  # bytes, resident
    files: int  # open descriptors
    threads: int
    children: int


def process_facts(proc: Path = PROC) -> ProcessFacts:
    return ProcessFacts(_memory(proc), _count(proc / "fd"), threading.active_count(), _children(proc))


def _memory(proc: Path) -> int:
    try:
        return int((proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return -1


def _count(folder: Path) -> int:
    try:
        return len(os.listdir(folder))
    except OSError:
        return -1


def _children(proc: Path) -> int:
    try:
        return sum(len((task / "children").read_text().split()) for task in (proc / "task").iterdir())
    except OSError:
        return -1
