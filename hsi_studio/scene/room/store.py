"""Opened files, by content: what a reader left is kept, so that the same file is not read a second time.

    <root>/<bytes>-<digest>/description.json, data.bin, seal.txt       kept
    <root>/work-<random>/                                              a reader is at work in it, or was when it ended

The digest is over the contents of the file and of those of its name beside it, what was asked, and the code that read
it: another version reads again. `seal.txt` is a hash of data.bin, so that a store that rotted or was written over is
read again, too. Only what was unpacked is kept: a file that is mapped has nothing here.

The budget is one for all owners. Those unused longest go first; a scene that is open keeps its numbers, because a file
stays as long as somebody maps it.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import shutil
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from hsi_studio import paths, settings
from hsi_studio.files import make_folder, write_text
from hsi_studio.scene.formats.registry import readers
from hsi_studio.scene.identity import content_hash
from hsi_studio.scene.room.limits import DISK_GB, GIB
from hsi_studio.scene.room.reader import DATA, DESCRIPTION

log = logging.getLogger(__name__)

SEAL = "seal.txt"
WORTH_KEEPING = 1 << 20  # bytes; less is read again as fast
HASHED_WHOLE = 16 << 20
STALE_S = 3600.0


def root() -> Path:
    return (settings.READER_FOLDER.folders() or (paths.home() / "cache" / "opened",))[0]


def new_work() -> Path:
    """An empty folder for one reader. Raises OSError."""
    work = root() / f"work-{uuid.uuid4().hex}"
    make_folder(work, sync=False)
    work.chmod(0o700)
    return work.resolve()


def discard(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def known_sizes() -> set[str]:
    """Sizes, as in the names, of what is kept: a file of another size need not be hashed."""
    try:
        return {name.partition("-")[0] for name in os.listdir(root())}
    except OSError:
        return set()


def size_name(files: Sequence[Path]) -> str:
    return f"{sum(path.stat().st_size for path in files):x}"


def name_of(files: Sequence[Path], asked: str) -> str:
    """The folder's name for an opening. Raises OSError."""
    digest = hashlib.sha256(_code())
    for path in files:
        digest.update(f"{path.name}\0{content_hash(path)}\0".encode())
    digest.update(asked.encode())
    return f"{size_name(files)}-{digest.hexdigest()[:32]}"


@functools.cache
def _code() -> bytes:
    """What reads: this package's modules of scenes, and plug-ins."""
    digest = hashlib.sha256(readers().plugin_code())
    for path in sorted((paths.PACKAGE / "scene").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()


def find(name: str) -> Path | None:
    """The folder of this name, whole and unspoilt; a spoilt one is removed."""
    folder = root() / name
    try:
        seal = (folder / SEAL).read_text(encoding="ascii")
        if seal == _seal(folder):
            os.utime(folder)
            return folder
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("%s cannot be read and is made again: %s", folder, error)
    discard(folder)
    return None


def keep(work: Path, name: str) -> Path:
    """Give a finished folder its name, and make room for it. Where that cannot be done the folder stays as it is."""
    folder = root() / name
    try:
        write_text(work / SEAL, _seal(work), sync=False)
        os.rename(work, folder)
    except OSError:
        if (folder / DESCRIPTION).is_file():  # another process was first
            discard(work)
            return folder
        return work
    evict(folder)
    return folder


def _seal(folder: Path) -> str:
    return content_hash(folder / DATA, HASHED_WHOLE) + content_hash(folder / DESCRIPTION, HASHED_WHOLE)


def evict(newest: Path | None = None) -> int:
    """Remove what is over the budget, unused longest first, and what readers left that are gone. Returns bytes kept."""
    budget = int((settings.READER_DISK_GB.number() or DISK_GB) * GIB)
    found: list[tuple[float, int, Path]] = []
    for folder in root().iterdir() if root().is_dir() else ():
        try:
            at, size = folder.stat().st_mtime, _size(folder)
        except OSError:
            continue
        if folder.name.startswith("work-") and time.time() - at > STALE_S:
            discard(folder)
        elif folder != newest and not folder.name.startswith("work-"):
            found.append((at, size, folder))
    total = sum(size for _, size, _ in found) + (_size(newest) if newest is not None else 0)
    for _, size, folder in sorted(found):
        if total <= budget:
            break
        discard(folder)
        total -= size
    return total


def _size(folder: Path) -> int:
    return sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(folder))
