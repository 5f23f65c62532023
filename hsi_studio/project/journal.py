"""`journal.jsonl`: one JSON line an action, on the disk before anyone is told that it happened.

How it survives
- `append` writes one line with one O_APPEND write and fsync; it returns after that. A write that fails half-way
  (full disk) is cut off again.
- kill −9 during a write leaves a line without its line break. The next writer moves it to `journal.torn` and
  cuts it off, with a note: it was never acknowledged. If the piece is a whole action (only the break is
  missing) it is kept.
- A damaged line elsewhere stops the reading with its number (`DamagedJournal`): what follows may depend on
  it. Nothing is changed on disk then; the store offers to open read-only up to there, or to salvage.
- Line numbers are sequence numbers, so a missing line is noticed too.

Several processes may use one folder: writers hold `journal.lock` (filelock) and read what others appended first.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hsi_studio.errors import CorruptFile, FileProblem
from hsi_studio.project.events import Event

log = logging.getLogger(__name__)

LOCK_SECONDS = 10.0


class DamagedJournal(CorruptFile):
    """A line that cannot be read or applied. `line` is its number, from 1."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        self.line = line
        super().__init__(
            path,
            f"line {line} is damaged ({problem.rstrip('.')})",
            "Restore the file from a backup, or mend it: `python -m hsi_studio mend PROJECT` keeps every other line "
            "that makes sense, and the old file",
        )


def parse_line(path: Path, number: int, line: bytes) -> Event:
    """Raises DamagedJournal."""
    try:
        value = json.loads(line.decode("utf-8"))
        event = Event(int(value["seq"]), value["time"], value["actor"], value["type"], value["payload"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedJournal(path, number, f"not an action: {type(error).__name__}") from error
    if event.seq != number:
        raise DamagedJournal(path, number, f"it says it is action {event.seq}")
    if not (isinstance(event.type, str) and isinstance(event.payload, dict)):
        raise DamagedJournal(path, number, "its type or its payload is of the wrong kind")
    return event


def dump_line(event: Event) -> bytes:
    """ASCII JSON (so no character can end the line early) and a line break."""
    return (json.dumps(vars(event), separators=(",", ":"), allow_nan=False) + "\n").encode("ascii")


class Journal:
    """One reader's and writer's view of a journal file. Not thread-safe by itself: the store locks."""

    def __init__(self, path: Path) -> None:
        from filelock import FileLock

        self.path = path
        self.notes: list[str] = []  # what had to be repaired
        self._offset = 0  # bytes read
        self._lines = 0
        self._lock = FileLock(path.with_name("journal.lock"), timeout=LOCK_SECONDS)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only writer. Raises FileProblem after 10 s of waiting."""
        from filelock import Timeout

        try:
            self._lock.acquire()
        except Timeout as error:
            raise FileProblem(
                self.path,
                f"another program has held the project for {LOCK_SECONDS:.0f} s",
                "Wait for it or close it, then try again",
            ) from error
        except OSError as error:
            raise FileProblem(
                self.path, f"the project folder cannot be written ({error.strerror})", "Check the folder's permissions"
            ) from error
        try:
            yield
        finally:
            self._lock.release()

    def read_new(self) -> list[Event]:
        """Whole lines appended since the last call, by anyone. Raises DamagedJournal, FileProblem.

        Lines before a damaged one are returned by the call that meets it only if there are none
        before it; so call again to get the error: `[events…]`, then DamagedJournal.
        """
        try:
            size = self.path.stat().st_size
        except FileNotFoundError as error:
            raise FileProblem(
                self.path,
                "the journal is missing, and with it the labels",
                "Restore it from a backup; labels.geojson, if there, can be imported into a new project",
            ) from error
        if size == self._offset:
            return []
        if size < self._offset:
            raise DamagedJournal(self.path, self._lines, "lines that were read before are gone from the file")
        with self.path.open("rb") as stream:
            stream.seek(self._offset)
            data = stream.read(size - self._offset)
        whole = data[: data.rfind(b"\n") + 1]
        events: list[Event] = []
        for line in _split(whole):
            try:
                event = parse_line(self.path, self._lines + 1, line)
            except DamagedJournal:
                if not events:
                    raise
                break
            events.append(event)
            self._offset += len(line)
            self._lines += 1
        return events

    def mend_tail(self) -> None:
        """Deal with a last line without its line break. Call while holding the lock, after `read_new`."""
        size = self.path.stat().st_size
        if size == self._offset:
            return
        with self.path.open("r+b") as stream:
            stream.seek(self._offset)
            piece = stream.read()
            if b"\n" in piece:
                return  # whole lines: `read_new` will name what is wrong with them
            try:
                parse_line(self.path, self._lines + 1, piece)
            except DamagedJournal:
                torn = self.path.with_name("journal.torn")
                with torn.open("ab") as keep:
                    keep.write(piece + b"\n")
                    keep.flush()
                    os.fsync(keep.fileno())
                stream.truncate(self._offset)
                self.notes.append(
                    f"The last line of {self.path.name} was torn ({len(piece)} bytes, an action that was being "
                    f"written when the program stopped). It is kept in {torn.name}."
                )
            else:
                stream.write(b"\n")
                self.notes.append(f"The last line of {self.path.name} lacked its line break. It is complete again.")
            stream.flush()
            os.fsync(stream.fileno())
        log.warning("%s: %s", self.path, self.notes[-1])

    def append(self, event: Event) -> None:
        """Write one line and wait for the disk. Call while holding the lock.

        Raises FileProblem; then nothing was written.
        """
        line = dump_line(event)
        try:
            # O_APPEND without O_CREAT: a journal that someone deleted must not come back with one line
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise self._unwritten(error.strerror or str(error)) from error
        try:
            try:
                if os.write(handle, line) != len(line):
                    raise OSError(28, "no space left on the disk")
                os.fsync(handle)
            except OSError as error:
                os.ftruncate(handle, self._offset)
                raise self._unwritten(error.strerror or str(error)) from error
        finally:
            os.close(handle)
        self._offset += len(line)
        self._lines += 1

    def _unwritten(self, reason: str) -> FileProblem:
        return FileProblem(
            self.path,
            f"the action could not be saved ({reason}) and was not made",
            "Free some space or check the folder's permissions, then repeat it",
        )


def _split(data: bytes) -> list[bytes]:
    """Lines by b"\\n" alone (bytes.splitlines also breaks at a bare carriage return)."""
    return [line + b"\n" for line in data.split(b"\n")[:-1]]
