"""`events.jsonl`: what a run did, one JSON object a line, read alike by the interface, the command line and tests.

    {"seq": 1, "t": 1767000000.123, "kind": "state", "state": "running", "reason": ""}

- One writer at a time: the program that queued the run before its worker starts and after it has ended, the worker in
  between. So line numbers never clash, and no lock is needed.
- A line is one O_APPEND write, so a reader sees whole lines or none of one. A kill in the middle of a write leaves a
  torn last line: readers pass over it, the next writer cuts it off.
- A whole line that is not an event (a damaged disk) is passed over too: the rest is still worth reading.
"""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from hsi_studio.errors import FileProblem
from hsi_studio.files import json_values
from hsi_studio.stored import Stored, loads_object, open_file, validated

Event = dict[str, Any]
MAX_LINE = 1 << 20  # bytes; nothing we write comes near
MAX_FILE = 1 << 30  # bytes that are read of one run's events


class _Facts(Stored):
    """What readers rely on, kind by kind; an event without it is passed over."""

    seq: Annotated[int, Field(strict=True, ge=1, le=2**53)]
    t: float = 0.0
    kind: Annotated[str, Field(max_length=64)]
    message: str = ""
    text: str = ""
    state: str = ""
    reason: str = ""
    level: str = ""
    done: float | None = None
    total: float | None = None
    seconds_left: float | None = None
    stage: str = ""
    step: int | None = None
    steps: int | None = None
    values: dict[str, float | None] | None = None

    @model_validator(mode="after")
    def _whole(self) -> _Facts:
        if self.kind == "progress" and (self.done is None or self.total is None):
            raise ValueError("progress of nothing")
        if self.kind == "metric" and (self.step is None or self.steps is None or self.values is None):
            raise ValueError("a point without values")
        return self


class EventLog:
    """The writer's side. Thread-safe within its process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seq = _mend(path)

    def append(self, kind: str, **values: Any) -> Event:
        """Write one event; it is with the operating system on return. Numbers that are not finite become null."""
        with self._lock:
            event = {"seq": self._seq + 1, "t": round(time.time(), 3), "kind": kind, **json_values(values)}
            line = (json.dumps(event, separators=(",", ":"), allow_nan=False) + "\n").encode("ascii")
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
            try:
                written = os.write(handle, line)
                if written != len(line):
                    os.ftruncate(handle, os.fstat(handle).st_size - written)
                    raise OSError(errno.ENOSPC, "no space left on the disk", str(self.path))
            finally:
                os.close(handle)
            self._seq += 1
            return event


class EventTail:
    """The reader's side: keeps what was read, and reads on from there. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._offset = 0
        self._events: list[Event] = []
        self._last: dict[str, Event] = {}

    def after(self, seq: int = 0) -> list[Event]:
        """Events with a larger number, oldest first; [] when there is no file yet."""
        with self._lock:
            self._read()
            low = len(self._events)
            while low and self._events[low - 1]["seq"] > seq:
                low -= 1
            return self._events[low:]

    def last(self, kind: str) -> Event | None:
        """The newest event of a kind."""
        with self._lock:
            self._read()
            return self._last.get(kind)

    def _read(self) -> None:
        try:
            size = self.path.stat().st_size
            if size < self._offset:  # a torn end was cut off and written anew: begin again
                self._offset, self._events, self._last = 0, [], {}
            if size == self._offset:
                return
            with open_file(self.path, "Delete the run, or restore the file from a backup") as stream:
                stream.seek(self._offset)
                data = stream.read(min(size - self._offset, MAX_FILE))
        except (OSError, FileProblem):  # none yet, or nothing that can be read: the record alone tells then
            return
        end = data.rfind(b"\n") + 1
        self._offset += end
        for line in data[:end].split(b"\n")[:-1]:
            event = parse(line)
            if event is not None and (not self._events or event["seq"] > self._events[-1]["seq"]):
                self._events.append(event)
                self._last[event["kind"]] = event


def read_events(path: Path, after: int = 0) -> list[Event]:
    """Every whole event of a file with a number above `after`."""
    return EventTail(path).after(after)


def parse(line: bytes) -> Event | None:
    """One line, or None for something else than an event."""
    if len(line) > MAX_LINE:
        return None
    try:
        event = loads_object(line)
        validated(_Facts, event)
    except ValueError:
        return None
    return event


def _mend(path: Path) -> int:
    """Cut off a torn last line; returns the last number used."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return 0
    end = data.rfind(b"\n") + 1
    if end < len(data):
        os.truncate(path, end)
    numbers = [event["seq"] for line in data[:end].split(b"\n") if (event := parse(line)) is not None]
    return max(numbers, default=0)
