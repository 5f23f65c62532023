"""Files that came through the page: whose they are while they lie in the waiting room, and when they go.

    browser ─▶ waiting room (Gradio's folder for uploads, cleaned by the hour) ─▶ uploads/<content>/ of its owner

- The uploader pays: an upload counts in the uploader's quota from before it is taken, whatever is on the screen.
- The disk keeps `RESERVE` free, so that nobody's upload is the reason why somebody's label cannot be saved.
- A kept upload that no project, run or collection of its owner names goes `keep_days` after it was last used.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from hsi_studio.errors import BadRequest
from hsi_studio.humanize import size_text
from hsi_studio.studio import Subject

log = logging.getLogger(__name__)

RESERVE = 1 << 30  # bytes that stay free on the disk of the waiting room
WAITS_S = 3600.0  # an upload that was not kept counts this long; the page's server cleans the waiting room as often
KEEP_DAYS = 30.0
RECORDS = ("*.json", "*.jsonl")
MOST_RECORD = 64 << 20  # bytes of a record that are looked through; a longer one keeps all uploads


@dataclass
class Uploads(Subject):
    """What came and was not kept yet, by owner's folder. Safe to use from many threads."""

    _expected: dict[Path, deque[tuple[float, int]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def expect(self, folder: Path, size: int) -> None:
        with self._lock:
            self._expected.setdefault(folder, deque()).append((time.monotonic(), size))

    def waiting(self, folder: Path) -> int:
        """Bytes of an owner in the waiting room."""
        limit = time.monotonic() - WAITS_S
        with self._lock:
            kept = self._expected.get(folder, deque())
            while kept and kept[0][0] < limit:
                kept.popleft()
            if not kept:
                self._expected.pop(folder, None)
            return sum(size for _, size in kept)

    def settle(self, folder: Path, size: int) -> None:
        """Bytes that were kept in the owner's folder, or used up, no longer wait."""
        with self._lock:
            kept = self._expected.get(folder, deque())
            while kept and size > 0:
                at, oldest = kept.popleft()
                if oldest > size:
                    kept.appendleft((at, oldest - size))
                size -= oldest

    def check_room(self, size: int, folder: Path | None = None) -> None:
        """Raises BadRequest when the disk of the waiting room has no room for `size` more bytes."""
        place = folder or waiting_room()
        while not place.exists() and place != place.parent:
            place = place.parent
        free = shutil.disk_usage(place).free
        if size + RESERVE > free:
            raise BadRequest(
                f"The server's disk has {size_text(max(0, free - RESERVE))} left for uploads, this one has "
                f"{size_text(size)}: ask who runs this server to make room."
            )


def waiting_room() -> Path:
    """Where Gradio puts uploads (its documented variable, else its default)."""
    return Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio")


def clean_uploads(home: Path, keep_days: float = KEEP_DAYS, now: float | None = None) -> list[Path]:
    """Remove kept uploads of one owner that nothing names and nobody used for `keep_days`. Returns their folders."""
    shelf, limit = home / "uploads", (time.time() if now is None else now) - keep_days * 86_400
    old = [folder for folder in _folders(shelf) if _used(folder) < limit]
    if not old:
        return []
    named = _named(home, {folder.name for folder in old})
    gone = [folder for folder in old if folder.name not in named]
    for folder in gone:
        log.info("the upload %s is used by no project any more and is removed", folder.name)
        shutil.rmtree(folder, ignore_errors=True)
    return gone


def trim_folder(folder: Path, budget: int) -> int:
    """Remove the files used longest ago until a cache folder holds at most `budget` bytes. Returns bytes removed."""
    found, total = list[tuple[float, int, str]](), 0
    for path, _, names in os.walk(folder):
        for name in names:
            file = os.path.join(path, name)
            try:
                status = os.lstat(file)
            except OSError:  # it went in between
                continue
            found.append((max(status.st_atime, status.st_mtime), status.st_size, file))
            total += status.st_size
    removed = 0
    for _, size, file in sorted(found):
        if total - removed <= budget:
            break
        try:
            os.unlink(file)
        except OSError as error:
            log.warning("cache file %s cannot be removed: %s", os.path.basename(file), error)
            continue
        removed += size
    return removed


def _folders(shelf: Path) -> list[Path]:
    try:
        return [folder for folder in shelf.iterdir() if folder.is_dir() and not folder.is_symlink()]
    except OSError:
        return []


def _used(folder: Path) -> float:
    """When a file in it was last read or written, seconds since 1970."""
    try:
        times = [folder.stat().st_mtime]
        for file in folder.iterdir():
            status = file.stat()
            times += [status.st_atime, status.st_mtime]
        return max(times)
    except OSError:
        return time.time()


def _named(home: Path, names: set[str]) -> set[str]:
    """Which of these folders a record of a project, run, model or collection names."""
    found = set[str]()
    for place in home.iterdir():
        if place.name == "uploads" or not place.is_dir():
            continue
        for pattern in RECORDS:
            for record in place.rglob(pattern):
                try:
                    if record.stat().st_size > MOST_RECORD:
                        return names
                    text = record.read_text(encoding="utf-8", errors="replace")
                except OSError:
                    return names  # not known: keep all
                found |= {name for name in names if name in text}
    return found
