"""`journal.jsonl`: one JSON line an action, on the disk before anyone is told that it happened.

How it survives
- `append` writes one line with one O_APPEND write and fsync; it returns after that. A write that fails half-way
  (full disk) is cut off again.
- kill −9 during a write leaves a line without its line break. The next writer moves it to `journal.torn` and
  cuts it off, with a note: it was never acknowledged. If the piece is a whole action (only the break is
  missing) it is kept.
- What was read is remembered by its digest, and the file by its number on the disk: a journal that was cut, or another
  one in its place (a backup that somebody copied back), is noticed before anything is written to it (`LostLines`).
- A damaged line elsewhere stops the reading with its number (`DamagedJournal`): what follows may depend on
  it. Nothing is changed on disk then; the store offers to open read-only up to there, or to salvage.
- Line numbers are sequence numbers, so a missing line is noticed too.

Several processes may use one folder: writers hold `journal.lock` (filelock) and read what others appended first.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from hsi_studio.errors import CorruptFile, FileProblem, LabelProblem
from hsi_studio.project.events import Event
from hsi_studio.project.payloads import Line
from hsi_studio.stored import loads_object, open_file, validated

log = logging.getLogger(__name__)

LOCK_SECONDS = 10.0
MAX_LINE = 256 << 20  # bytes; an import of five million labels
CHUNK = 32 << 20  # bytes read at a time
RESTORE = "Restore it from a backup; labels.geojson, if there, can be imported into a new project"


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


class JournalGone(FileProblem):
    """The journal, or the whole folder, is not there (any more)."""


class LostLines(DamagedJournal):
    """The journal is another one than the one that was read before: cut, or put in its place."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(path, line, problem)
        self.problem = problem
        self.remedy = "Open the project again: it is shown as it is on the disk now"
        self.args = (f"{path.name}: {self.problem}. {self.remedy}.",)


def parse_line(path: Path, number: int, line: bytes) -> Event:
    """Raises DamagedJournal."""
    if len(line) > MAX_LINE:
        raise DamagedJournal(path, number, f"{len(line):,} bytes, at most {MAX_LINE:,} are read")
    try:
        value = validated(Line, loads_object(line))
    except ValueError as error:
        raise DamagedJournal(path, number, f"not an action: {' '.join(str(error).split())[:120]}") from error
    if value.seq != number:
        raise DamagedJournal(path, number, f"it says it is action {value.seq}")
    return Event(value.seq, value.time, value.actor, value.type, value.payload)


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
        self._digest = hashlib.sha256()  # of those bytes
        self._file: tuple[int, int] | None = None  # device and number of the file they were read from
        self._lock = FileLock(path.with_name("journal.lock"), timeout=LOCK_SECONDS)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only writer. Raises FileProblem after 10 s of waiting."""
        from filelock import Timeout

        self._stat()  # the lock would make the folder again
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

    @property
    def in_place(self) -> bool:
        """Whether the file is still the one that was read, and not shorter. One look at the disk, no lock."""
        try:
            now = os.lstat(self.path)
        except OSError:
            return False
        return self._file in (None, (now.st_dev, now.st_ino)) and now.st_size >= self._offset

    def read_new(self) -> list[Event]:
        """Whole lines appended since the last call, by anyone, some at a time: [] when there is no more.

        Raises DamagedJournal, FileProblem. Lines before a damaged one are returned by the call that meets it only if
        there are none before it; so call again to get the error: `[events…]`, then DamagedJournal.
        """
        now = self._stat()
        if now.st_size == self._offset and self._file == (now.st_dev, now.st_ino):
            return []
        with open_file(self.path, RESTORE) as stream:
            self._check_same(stream)
            stream.seek(self._offset)
            whole = self._lines_of(stream)
        events: list[Event] = []
        for line in _split(whole):
            try:
                event = parse_line(self.path, self._lines + 1, line)
            except DamagedJournal:
                if not events:
                    raise
                break
            events.append(event)
            self._count(line)
        return events

    def _stat(self) -> os.stat_result:
        """Raises JournalGone."""
        try:
            return self.path.stat()
        except OSError as error:
            if not self.path.parent.is_dir():
                problem = f"the project's folder {self.path.parent.name} is gone"
            elif isinstance(error, FileNotFoundError):
                problem = "the journal is missing, and with it the labels"
            else:
                problem = f"the journal cannot be read ({error.strerror})"
            raise JournalGone(self.path, problem, RESTORE) from error

    def _check_same(self, stream: BinaryIO) -> None:
        """Raises LostLines when the file does not begin with what was read."""
        now = os.fstat(stream.fileno())
        if now.st_size < self._offset:
            raise LostLines(self.path, self._lines, "lines that were read before are gone from the file")
        if self._file not in (None, (now.st_dev, now.st_ino)):
            digest, left = hashlib.sha256(), self._offset
            while left and (data := stream.read(min(left, CHUNK))):
                digest.update(data)
                left -= len(data)
            if digest.digest() != self._digest.digest():
                raise LostLines(self.path, self._lines, "another file was put in its place while the project was open")
        self._file = (now.st_dev, now.st_ino)

    def _lines_of(self, stream: BinaryIO) -> bytes:
        """Whole lines from where the stream stands: `CHUNK` bytes of them, or one that is longer."""
        data = stream.read(CHUNK)
        while data and b"\n" not in data and (more := stream.read(CHUNK)):
            data += more
            if len(data) > MAX_LINE:
                raise DamagedJournal(self.path, self._lines + 1, f"it has more than {MAX_LINE:,} bytes")
        return data[: data.rfind(b"\n") + 1]

    def _count(self, line: bytes) -> None:
        self._offset += len(line)
        self._lines += 1
        self._digest.update(line)

    def mend_tail(self) -> None:
        """Deal with a last line without its line break. Call while holding the lock, after `read_new`.

        Raises FileProblem.
        """
        if self._stat().st_size == self._offset:
            return
        try:
            self._mend_tail()
        except OSError as error:
            raise self._unwritten(error) from error
        log.warning("%s: %s", self.path, self.notes[-1] if self.notes else "a line without its end")

    def _mend_tail(self) -> None:
        with self.path.open("r+b") as stream:
            stream.seek(self._offset)
            piece = stream.read(MAX_LINE)
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

    def append(self, event: Event) -> None:
        """Write one line and wait for the disk. Call while holding the lock.

        Raises FileProblem, LabelProblem for what could not be read again; then nothing was written.
        """
        line = dump_line(event)
        try:
            parse_line(self.path, event.seq, line)
        except DamagedJournal as problem:
            raise LabelProblem(f"The action holds a value that cannot be kept: {problem.problem}.") from problem
        try:
            # O_APPEND without O_CREAT: a journal that someone deleted must not come back with one line
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise self._unwritten(error) from error
        try:
            now = os.fstat(handle)
            if self._file not in (None, (now.st_dev, now.st_ino)) or now.st_size != self._offset:
                raise LostLines(self.path, self._lines, "the file was changed while an action was being made")
            try:
                if os.write(handle, line) != len(line):
                    raise OSError(errno.ENOSPC, "no space left on the disk")
                os.fsync(handle)
            except OSError as error:
                with contextlib.suppress(OSError):  # what cannot be cut off is a torn line, which the next writer mends
                    os.ftruncate(handle, self._offset)
                raise self._unwritten(error) from error
        finally:
            os.close(handle)
        self._count(line)

    def _unwritten(self, error: OSError) -> FileProblem:
        return FileProblem(
            self.path,
            f"the action could not be saved ({error.strerror or error}) and was not made",
            "Free some space or check the folder's permissions, then repeat it",
        )


def _split(data: bytes) -> list[bytes]:
    """Lines by b"\\n" alone (bytes.splitlines also breaks at a bare carriage return)."""
    return [line + b"\n" for line in data.split(b"\n")[:-1]]
